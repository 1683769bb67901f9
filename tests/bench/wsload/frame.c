/*
 * wsload: WebSocket frames of a client (RFC 6455, 5), both ways.  Data frames
 * go to the protocol's message or stream function; pings are answered.
 */
#include <string.h>

#include "wsload.h"

enum { OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10, HEADER_MAX = 14 };

static uint8_t *
put_header(uint8_t *p, uint8_t opcode, size_t len, uint64_t key)
{
	int i;

	*p++ = 0x80 | opcode;
	if (len < 126)
		*p++ = 0x80 | (uint8_t)len;
	else if (len < 65536) {
		*p++ = 0x80 | 126;
		*p++ = (uint8_t)(len >> 8);
		*p++ = (uint8_t)len;
	} else {
		*p++ = 0x80 | 127;
		for (i = 56; i >= 0; i -= 8)
			*p++ = (uint8_t)((uint64_t)len >> i);
	}
	memcpy(p, &key, 4);
	return (p + 4);
}

static void
mask(uint8_t *p, size_t len, uint64_t key)
{
	uint64_t v;
	size_t i;

	key = (key & 0xffffffffu) | key << 32;
	for (i = 0; i + 8 <= len; i += 8) {
		memcpy(&v, p + i, 8);
		v ^= key;
		memcpy(p + i, &v, 8);
	}
	for (; i < len; i++)
		p[i] ^= ((uint8_t *)&key)[i & 7];
}

void
queue_frame(struct conn *c, uint8_t opcode, const void *data, size_t len)
{
	uint64_t key = random64();
	uint8_t *p;

	p = put_header(conn_reserve(c, len + HEADER_MAX), opcode, len, key);
	memcpy(p, data, len);
	mask(p, len, key);
	c->out_len = (size_t)(p + len - c->out);
}

void
queue_publication(struct conn *c, uint32_t seq, uint64_t when)
{
	size_t suffix_len = strlen(opt.proto->suffix), len;
	uint64_t key = random64();
	uint8_t *p, *start;

	len = c->prefix_len + payload_len() + suffix_len;
	start = p = put_header(conn_reserve(c, len + HEADER_MAX),
	    opt.proto->opcode, len, key);
	memcpy(p, c->prefix, c->prefix_len);
	p += c->prefix_len;
	p += put_payload(p, c->chan->index, seq, when);
	memcpy(p, opt.proto->suffix, suffix_len);
	mask(start, len, key);
	c->out_len = (size_t)(start + len - c->out);
	counters.published++;
}

/* Returns the length of the frame header at p, or 0 when it is incomplete. */
static size_t
frame_header(struct conn *c, const uint8_t *p, size_t n)
{
	size_t need = 2;
	int i;

	if (n < need)
		return (0);
	c->frame_fin = p[0] >> 7;
	c->frame_op = p[0] & 15;
	c->frame_left = p[1] & 127;
	if (c->frame_left == 126) {
		need = 4;
		if (n < need)
			return (0);
		c->frame_left = (uint64_t)p[2] << 8 | p[3];
	} else if (c->frame_left == 127) {
		need = 10;
		if (n < need)
			return (0);
		c->frame_left = 0;
		for (i = 2; i < 10; i++)
			c->frame_left = c->frame_left << 8 | p[i];
	}
	return (need);
}

/* Bytes of p that complete a header, 0 when all of them are not enough. */
static size_t
header_input(struct conn *c, const uint8_t *p, size_t n)
{
	size_t old = c->hdr_len, add, used;

	if (old == 0 && n >= 10)
		return (frame_header(c, p, 10));
	add = sizeof(c->hdr) - old;
	if (add > n)
		add = n;
	memcpy(c->hdr + old, p, add);
	used = frame_header(c, c->hdr, old + add);
	if (used == 0) {
		c->hdr_len += (uint8_t)add;
		return (0);
	}
	c->hdr_len = 0;
	return (used - old);
}

/* Part of the payload of a control frame, which is at most 125 bytes. */
static void
control_input(struct conn *c, const uint8_t *p, size_t n, bool last)
{
	if (!last || (c->control != NULL && c->control[0] > 0)) {
		if (c->control == NULL)
			c->control = xcalloc(1, 1 + CONTROL_MAX);
		memcpy(c->control + 1 + c->control[0], p, n);
		c->control[0] += (uint8_t)n;
		if (!last)
			return;
		p = c->control + 1;
		n = c->control[0];
		c->control[0] = 0;
	}
	if (c->frame_op == OP_PING) {
		queue_frame(c, OP_PONG, p, n);
		conn_flush(c);
	} else if (c->frame_op == OP_CLOSE)
		conn_close(c, true);
}

/*
 * Part of a message.  Of one that comes in pieces only the start is kept,
 * which is enough to account for it.
 */
static void
message_input(struct conn *c, const uint8_t *p, size_t n, bool last,
    uint64_t now)
{
	uint64_t total = n;
	size_t keep;

	if (!last || c->msg_len > 0) {
		if (c->acc == NULL)
			c->acc = xcalloc(1, HEAD_MAX);
		keep = HEAD_MAX - c->acc_len;
		if (keep > n)
			keep = n;
		memcpy(c->acc + c->acc_len, p, keep);
		c->acc_len += (uint32_t)keep;
		c->msg_len += n;
		if (!last)
			return;
		p = c->acc;
		n = c->acc_len;
		total = c->msg_len;
		c->acc_len = 0;
		c->msg_len = 0;
	}
	opt.proto->message(c, p, n, total, now);
}

void
frames_input(struct conn *c, const uint8_t *p, size_t n, uint64_t now)
{
	const uint8_t *end = p + n;
	size_t chunk, used;
	bool last;

	/* A frame without payload is complete with its header. */
	while (p < end || (c->in_frame && c->frame_left == 0)) {
		if (!c->in_frame) {
			used = header_input(c, p, (size_t)(end - p));
			if (used == 0)
				return;
			p += used;
			if (c->frame_op >= OP_CLOSE &&
			    c->frame_left > CONTROL_MAX) {
				counters.corrupt++;
				conn_close(c, true);
				return;
			}
			c->in_frame = true;
		}
		chunk = (size_t)(end - p);
		if (chunk > c->frame_left)
			chunk = (size_t)c->frame_left;
		last = chunk == c->frame_left;
		if (c->frame_op >= OP_CLOSE)
			control_input(c, p, chunk, last);
		else if (opt.proto->stream != NULL)
			opt.proto->stream(c, p, chunk, now);
		else
			message_input(c, p, chunk, last && c->frame_fin, now);
		if (c->state == CLOSED)
			return;
		p += chunk;
		c->frame_left -= chunk;
		c->in_frame = !last;
	}
}
