/*
 * A WebSocket session: frames in, whole messages to the service, control frames
 * answered, the close handshake (RFC 6455, 5 to 7).  Frontend; trusts nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "../common/log.h"
#include "../common/loop.h"
#include "../common/rate.h"
#include "../common/utf8.h"
#include "client.h"
#include "counters.h"
#include "deflate.h"
#include "listener.h"
#include "output.h"
#include "source.h"

#define MESSAGE_MIN	1024	/* bytes; first buffer for one in pieces */

/* A message of which not all has come. */
struct message {
	uint64_t	 left;		/* of the frame under way */
	uint64_t	 offset;	/* in that frame, for the mask */
	uint8_t		 key[4];
	uint8_t		 opcode;	/* of the message; 0: none begun */
	uint8_t		 fin;		/* the frame under way is the last */
	uint8_t		 compressed;
	uint32_t	 utf8;
	uint8_t		*buf;
	size_t		 len, cap;
};

/*
 * Kept for the next message, whoever's it is: most are begun and done at once.
 */
static struct message *spare;

static struct message *
message_new(void)
{
	struct message	*m = spare;

	spare = NULL;
	return (m != NULL ? m : calloc(1, sizeof(*m)));
}

static void
message_free(struct message *m)
{
	free(m->buf);
	if (spare != NULL) {
		free(m);
		return;
	}
	memset(m, 0, sizeof(*m));
	spare = m;
}

void
websocket_free(struct client *c)
{
	if (c->message == NULL)
		return;
	message_free(c->message);
	c->message = NULL;
}

/* One frame for this client alone, of at most WS_CONTROL_MAX bytes. */
static void
send_control(struct client *c, enum ws_opcode op, const void *data, size_t n)
{
	uint8_t	*p = output_frame(c, op, 0, n);

	if (p != NULL && n > 0)
		memcpy(p, data, n);
}

void
websocket_ping(struct client *c)
{
	counters.pings_total++;
	send_control(c, WS_PING, NULL, 0);
}

/* The last frame of ours; nothing of the channel may come behind it. */
static void
send_close(struct client *c, int code, const char *reason)
{
	uint8_t	payload[WS_CONTROL_MAX];
	size_t	n = 0;

	if (code != 0) {
		payload[n++] = (uint8_t)(code >> 8);
		payload[n++] = (uint8_t)code;
	}
	if (reason != NULL) {
		size_t len = strlen(reason);

		if (len > sizeof(payload) - n)
			len = sizeof(payload) - n;
		memcpy(payload + n, reason, len);
		n += len;
	}
	send_control(c, WS_CLOSE, payload, n);
	client_depart(c);
}

void
websocket_close(struct client *c, int code, const char *reason)
{
	if (c->state != CLIENT_OPEN)
		return;
	output_settle(c);
	if (c->state != CLIENT_OPEN)
		return;
	send_close(c, code, reason);
	if (c->state == CLIENT_OPEN)
		client_closing(c);
}

void
websocket_cut(struct client *c)
{
	if (c->state == CLIENT_CLOSING || c->state == CLIENT_ENDING) {
		client_kill(c);
		return;
	}
	counters.slow_closed_total++;
	if (c->state != CLIENT_OPEN) {
		client_kill(c);
		return;
	}
	output_cut(c);
	if (c->state != CLIENT_OPEN)
		return;
	c->flags |= CLIENT_CUT;
	send_close(c, WS_CODE_TRY_LATER, "reads too slowly");
	if (c->state == CLIENT_OPEN)
		client_closing(c);
}

/* The client broke a rule: say which, and end (7.1.7). */
static void
websocket_fail(struct client *c, int code, const char *why)
{
	if (code == WS_CODE_TOO_BIG)
		counters.too_large_total++;
	else
		counters.protocol_errors_total++;
	websocket_close(c, code, why);
	if (c->state == CLIENT_CLOSING)
		client_end(c);
}

static const char *
code_text(int code)
{
	switch (code) {
	case WS_CODE_INVALID:
		return ("not valid UTF-8 or compressed data");
	case WS_CODE_TOO_BIG:
		return ("message larger than max-message");
	case WS_CODE_INTERNAL:
		return ("out of memory");
	default:
		return ("not as RFC 6455 says");
	}
}

/* All who come over a Unix socket have the same address, which is none. */
static const struct conf_rate *
address_rate(const struct client *c)
{
	static const struct conf_rate	none;

	return (listener_is_unix(c->listener) ? &none : &conf->rate_address);
}

int
websocket_waits(const struct client *c)
{
	int64_t	now = loop_now_ms() * 1000;

	return (rate_wait(&conf->rate_client, c->rate_tat_ns, now) > 0 ||
	    rate_wait(address_rate(c), c->address->rate_tat_ns, now) > 0 ||
	    (c->origin != NULL &&
	    rate_wait(&conf->rate_origin, c->origin->rate_tat_ns, now) > 0));
}

/* May one more message pass?  If not, the client waits. */
static int
websocket_rate(struct client *c)
{
	const struct conf_rate	*rc = &conf->rate_client;
	const struct conf_rate	*ro = &conf->rate_origin;
	int64_t			 now;

	if (rc->rate == 0 && ro->rate == 0 && conf->rate_address.rate == 0)
		return (1);
	if (websocket_waits(c)) {
		counters.rate_paused_total++;
		if (!(c->flags & CLIENT_WARNED) && c->channel != NULL) {
			c->flags |= CLIENT_WARNED;
			member_error(c, ERROR_TOO_FAST, 0,
			    "messages come faster than this nwsd allows; "
			    "they are read more slowly");
		}
		client_pause(c, PAUSE_RATE);
		return (0);
	}
	now = loop_now_ms() * 1000;
	rate_take(rc, &c->rate_tat_ns, now);
	rate_take(address_rate(c), &c->address->rate_tat_ns, now);
	if (c->origin != NULL)
		rate_take(ro, &c->origin->rate_tat_ns, now);
	return (1);
}

/* A whole message, unmasked; inflated here if it was compressed. */
static void
websocket_message(struct client *c, enum ws_opcode op, int compressed,
    uint8_t *p, size_t n)
{
	int	code;

	counters.messages_in_total++;
	counters.bytes_in_total += n;
	c->messages_in++;
	c->bytes_in += n;
	if (compressed) {
		p = inflate_message(p, n, conf->max_message, &n, &code);
		if (p != NULL && op == WS_TEXT &&
		    utf8_check(UTF8_START, p, n) != UTF8_START) {
			p = NULL;
			code = WS_CODE_INVALID;
		}
		if (p == NULL) {
			websocket_fail(c, code, code_text(code));
			return;
		}
	}
	c->service->message(c, op, p, n);
}

static void
websocket_closed_by_peer(struct client *c, const uint8_t *p, size_t n)
{
	const char	*reason;
	size_t		 len;
	int		 code, got;

	if ((got = ws_close_parse(p, n, &reason, &len, &code)) == -1) {
		websocket_fail(c, code, NULL);
		return;
	}
	websocket_close(c, got == WS_CODE_NONE ? 0 : got, NULL);
	if (c->state == CLIENT_CLOSING)
		client_end(c);
}

/* A whole control frame, unmasked (5.5). */
static void
websocket_control(struct client *c, enum ws_opcode op, uint8_t *p, size_t n)
{
	if (op == WS_CLOSE)
		websocket_closed_by_peer(c, p, n);
	else if (op == WS_PING) {
		send_control(c, WS_PONG, p, n);
		if (output_queued(c) > conf->queue_limit)
			client_pause(c, PAUSE_OUTPUT);
	}
}

static int
message_append(struct message *m, const uint8_t *p, size_t n)
{
	size_t	 cap = m->cap < MESSAGE_MIN ? MESSAGE_MIN : m->cap;
	uint8_t	*buf;

	while (cap - m->len < n)
		cap *= 2;
	if (cap != m->cap) {
		if ((buf = realloc(m->buf, cap)) == NULL)
			return (-1);
		m->buf = buf;
		m->cap = cap;
	}
	memcpy(m->buf + m->len, p, n);
	m->len += n;
	return (0);
}

/* Some payload of the data frame under way, unmasked. */
static void
websocket_data(struct client *c, uint8_t *p, size_t n)
{
	struct message	*m = c->message;
	int		 text = m->opcode == WS_TEXT && !m->compressed;
	int		 done = m->left == 0 && m->fin;

	if (text)
		m->utf8 = utf8_check(m->utf8, p, n);
	if (text && (m->utf8 == UTF8_BAD || (done && m->utf8 != UTF8_START))) {
		websocket_fail(c, WS_CODE_INVALID, code_text(WS_CODE_INVALID));
		return;
	}
	if (m->len == 0 && done) {
		/* All in one piece, the usual case: no copy. */
		enum ws_opcode op = (enum ws_opcode)m->opcode;
		int compressed = m->compressed;

		websocket_free(c);
		websocket_message(c, op, compressed, p, n);
		return;
	}
	if (message_append(m, p, n) == -1) {
		client_no_memory(c);
		return;
	}
	if (!done)
		return;
	c->message = NULL;
	websocket_message(c, (enum ws_opcode)m->opcode, m->compressed, m->buf,
	    m->len);
	message_free(m);
}

/*
 * Bytes of a message on the wire.  What cannot be compressed grows a little: 5
 * bytes for each stored block (RFC 1951, 3.2.4), of 2 KiB and more as zlib
 * makes them.
 */
static uint64_t
wire_max(int compressed)
{
	uint64_t	max = conf->max_message;

	return (compressed ? max + max / 256 + 64 : max);
}

/*
 * Begins a data frame: is it the one that may come now (5.4), and is the
 * message still small enough?  -1: the client was ended.
 */
static int
session_begin(struct client *c, const struct ws_frame *f)
{
	struct message	*m = c->message;
	uint64_t	 limit;

	if ((f->opcode == WS_CONTINUATION) != (m != NULL)) {
		websocket_fail(c, WS_CODE_PROTOCOL, m != NULL ?
		    "a new message within a fragmented one" :
		    "a continuation of nothing");
		return (-1);
	}
	if (m == NULL) {
		if ((m = message_new()) == NULL) {
			client_no_memory(c);
			return (-1);
		}
		c->message = m;
		m->opcode = f->opcode;
		m->compressed = f->rsv1;
	}
	limit = wire_max(m->compressed);
	if (m->len > limit || f->len > limit - m->len) {
		websocket_fail(c, WS_CODE_TOO_BIG, code_text(WS_CODE_TOO_BIG));
		return (-1);
	}
	m->left = f->len;
	m->offset = 0;
	m->fin = f->fin;
	memcpy(m->key, f->key, sizeof(m->key));
	return (0);
}

/*
 * The frame whose header is at p.  Returns bytes used, 0 when more are needed
 * or the client has to wait.
 */
static size_t
session_frame(struct client *c, uint8_t *p, size_t n)
{
	struct ws_frame	f;
	int		head, code;

	head = ws_frame_parse(p, n, WS_MASKED |
	    (c->deflate_bits != 0 ? WS_RSV1 : 0),
	    wire_max(c->deflate_bits != 0), &f, &code);
	if (head == -1) {
		websocket_fail(c, code, code_text(code));
		return (n);
	}
	if (head == 0)
		return (0);
	if (f.opcode >= WS_CLOSE) {
		if (n - (size_t)head < f.len)
			return (0);
		if (f.opcode != WS_CLOSE && !websocket_rate(c))
			return (0);
		ws_mask(p + head, (size_t)f.len, f.key, 0);
		websocket_control(c, (enum ws_opcode)f.opcode, p + head,
		    (size_t)f.len);
		return ((size_t)head + (size_t)f.len);
	}
	/* Frames count, so that many empty fragments are no way around it. */
	if (!websocket_rate(c) || session_begin(c, &f) == -1)
		return (c->state == CLIENT_OPEN ||
		    c->state == CLIENT_CLOSING ? 0 : n);
	if (f.len == 0)
		websocket_data(c, p + head, 0);
	return ((size_t)head);
}

/* Our close frame is sent; nothing counts any more but theirs. */
static size_t
session_after_close(struct client *c, const uint8_t *p, size_t n)
{
	struct message	*m = c->message;
	struct ws_frame	 f;
	size_t		 used;
	int		 head, code;

	if (m != NULL && m->left > 0) {
		used = n < m->left ? n : (size_t)m->left;
		m->left -= used;
		return (used);
	}
	head = ws_frame_parse(p, n, WS_MASKED | WS_RSV1, INT64_MAX, &f, &code);
	if (head == 0)
		return (0);
	if (head == -1 || f.opcode == WS_CLOSE ||
	    (m == NULL && (m = message_new()) == NULL)) {
		client_end(c);
		return (n);
	}
	c->message = m;
	m->left = f.len;
	return ((size_t)head);
}

size_t
websocket_input(struct client *c, uint8_t *p, size_t n)
{
	struct message	*m = c->message;
	size_t		 used;

	if (c->state != CLIENT_OPEN)
		return (session_after_close(c, p, n));
	if (m == NULL || m->left == 0)
		return (session_frame(c, p, n));
	used = n < m->left ? n : (size_t)m->left;
	ws_mask(p, used, m->key, m->offset);
	m->left -= used;
	m->offset += used;
	websocket_data(c, p, used);
	return (used);
}
