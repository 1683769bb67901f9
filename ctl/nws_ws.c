/*
 * A WebSocket that is open, on a nonblocking socket, as a client (RFC 6455,
 * sections 5 to 7).  Trusts nothing that the server sends.
 */
#include <bsd/stdlib.h>
#include <err.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../common/utf8.h"
#include "../common/ws.h"
#include "nws.h"

#define READ_BYTES	65536u

void
conn_init(struct conn *c, int fd, struct buf *rest, int verbose)
{
	memset(c, 0, sizeof(*c));
	c->fd = fd;
	c->in = *rest;
	c->verbose = verbose;
	memset(rest, 0, sizeof(*rest));
}

void
conn_free(struct conn *c)
{
	close(c->fd);
	buf_free(&c->in);
	buf_free(&c->out);
	buf_free(&c->message);
}

size_t
conn_queued(const struct conn *c)
{
	return (c->out.len - c->out_at);
}

void
conn_send(struct conn *c, int opcode, const void *p, size_t n)
{
	uint8_t header[WS_HEADER_MAX], key[4], *to;

	if (c->close_sent || c->broken)
		return;
	/* a new key for each frame that others cannot foretell (5.3) */
	arc4random_buf(key, sizeof(key));
	buf_add(&c->out, header, ws_header(header, opcode, 0, n, key));
	to = buf_room(&c->out, n);
	if (n > 0)
		memcpy(to, p, n);
	ws_mask(to, n, key, 0);
	buf_grew(&c->out, n);
	if (opcode < WS_CLOSE && n > c->largest)
		c->largest = n;
}

void
conn_close(struct conn *c, int code)
{
	uint8_t payload[2] = { (uint8_t)(code >> 8), (uint8_t)code };

	conn_send(c, WS_CLOSE, payload, code == WS_CODE_NONE ? 0 : 2);
	c->close_sent = 1;
}

int
conn_write(struct conn *c)
{
	ssize_t n = 0;
	int any = 0;

	while (conn_queued(c) > 0 && !c->broken) {
		n = send(c->fd, c->out.data + c->out_at, conn_queued(c),
		    MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			break;
		c->out_at += (size_t)n;
		any = 1;
	}
	/* what the server said before it went may still be read */
	if (n == -1 && errno != EAGAIN && errno != EWOULDBLOCK)
		c->broken = 1;
	if (c->out_at == c->out.len || c->out_at > c->out.size / 2) {
		buf_used(&c->out, c->out_at);
		c->out_at = 0;
	}
	return (any);
}

int
conn_read(struct conn *c)
{
	ssize_t n;

	buf_used(&c->in, c->in_at);
	c->in_at = 0;
	do
		n = recv(c->fd, buf_room(&c->in, READ_BYTES), READ_BYTES, 0);
	while (n == -1 && errno == EINTR);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return (0);
	if (n <= 0) {
		c->eof = 1;
		return (0);
	}
	buf_grew(&c->in, (size_t)n);
	return (1);
}

/* The server broke a rule: tell it (7.1.7) and hear no more. */
static int
fail(struct conn *c, int code)
{
	conn_close(c, code);
	c->failed = code;
	return (0);
}

static int
closed(struct conn *c, const uint8_t *p, size_t n)
{
	const char *reason = "";
	size_t len = 0;
	int bad, code = ws_close_parse(p, n, &reason, &len, &bad);

	if (code == -1)
		return (fail(c, bad));
	c->close_code = code;
	if (len >= sizeof(c->close_reason))
		len = sizeof(c->close_reason) - 1;
	memcpy(c->close_reason, reason, len);
	c->close_reason[len] = '\0';
	conn_close(c, code);
	return (0);
}

static int
control(struct conn *c, const struct ws_frame *f, const uint8_t *p)
{
	if (f->opcode == WS_CLOSE)
		return (closed(c, p, (size_t)f->len));
	if (c->verbose > 1)
		warnx("%s of %zu bytes", f->opcode == WS_PING ? "ping" :
		    "pong", (size_t)f->len);
	if (f->opcode == WS_PING)
		conn_send(c, WS_PONG, p, (size_t)f->len);
	return (1);
}

/*
 * A piece of a message: 1 with the whole of it, 0 when there is more to come.
 */
static int
data(struct conn *c, const struct ws_frame *f, const uint8_t *p, int *opcode,
    const char **message, size_t *n)
{
	size_t len = (size_t)f->len;

	if ((f->opcode == WS_CONTINUATION) != (c->opcode != 0)) {
		fail(c, WS_CODE_PROTOCOL);		/* 5.4 */
		return (0);
	}
	if (c->opcode == 0 && f->fin) {
		*opcode = f->opcode;
		*message = (const char *)p;
		*n = len;
	} else {
		if (c->opcode == 0) {
			c->opcode = f->opcode;
			c->message.len = 0;
		}
		buf_add(&c->message, p, len);
		if (!f->fin)
			return (0);
		*opcode = c->opcode;
		*message = (const char *)c->message.data;
		*n = c->message.len;
		c->opcode = 0;
	}
	if (*opcode == WS_TEXT &&
	    utf8_check(UTF8_START, *message, *n) != UTF8_START) {
		fail(c, WS_CODE_INVALID);		/* 8.1 */
		return (0);
	}
	return (1);
}

int
conn_next(struct conn *c, int *opcode, const char **message, size_t *n)
{
	struct ws_frame f;
	const uint8_t *p;
	size_t left;
	int code, used, whole;

	while (c->close_code == 0 && c->failed == 0) {
		p = c->in.data + c->in_at;
		left = c->in.len - c->in_at;
		used = left == 0 ? 0 : ws_frame_parse(p, left, WS_UNMASKED,
		    NWS_MESSAGE_MAX - (c->opcode != 0 ? c->message.len : 0),
		    &f, &code);
		if (used == -1)
			return (fail(c, code));
		if (used == 0 || f.len > left - (size_t)used)
			return (0);
		p += used;
		c->in_at += (size_t)used + (size_t)f.len;
		if (f.opcode >= WS_CLOSE) {
			if (control(c, &f, p) == 0)
				return (0);
			continue;
		}
		whole = data(c, &f, p, opcode, message, n);
		if (whole)
			return (1);
	}
	return (0);
}

const char *
close_text(int code)
{
	switch (code) {
	case WS_CODE_NORMAL:
		return ("closed by nwsd");
	case WS_CODE_GOING_AWAY:
		return ("nwsd is shutting down");
	case WS_CODE_PROTOCOL:
		return ("protocol error");
	case WS_CODE_UNSUPPORTED:
		return ("this kind of message is not taken here");
	case WS_CODE_NONE:
		return ("closed without a reason");
	case WS_CODE_INVALID:
		return ("not UTF-8");
	case WS_CODE_POLICY:
		return ("against the rules of this nwsd");
	case WS_CODE_TOO_BIG:
		return ("message too large");
	case WS_CODE_INTERNAL:
		return ("error in nwsd");
	case WS_CODE_TRY_LATER:
		return ("cut off: nws did not read fast enough");
	default:
		return ("no reason given");
	}
}
