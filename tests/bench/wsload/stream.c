/*
 * wsload: NATS and MQTT 3.1.1 (QoS 0): packets in a byte stream, whatever the
 * WebSocket frames.
 */
#include <stdio.h>
#include <string.h>

#include "wsload.h"

enum packet_type { PACKET_OTHER, PACKET_DELIVERY, PACKET_GREETED,
	PACKET_JOINED, PACKET_PING, PACKET_ERROR, PACKET_LINE };

struct packet {
	enum packet_type	 type;
	const uint8_t		*stamp;
	uint64_t		 rest;	/* bytes of it after the parsed part */
	size_t			 tail;	/* of these, not payload */
};

/* Both parsers return how many bytes they used, or 0 when they need more. */
typedef size_t packet_parser(const uint8_t *, size_t, struct packet *);

/*
 * Topic that c publishes to or listens to; in ping-pong each role listens to
 * its own and publishes to the other's.
 */
static size_t
topic(const struct conn *c, bool publish, char *buf, size_t size)
{
	size_t len;

	expand(buf, size, opt.topic, c->chan->index);
	len = strlen(buf);
	if (opt.scenario == PINGPONG && len + 1 < size) {
		buf[len++] = (c->role == PUBLISHER) != publish ? 'a' : 'b';
		buf[len] = '\0';
	}
	return (len);
}

static bool
listens(const struct conn *c)
{
	return (c->role == SUBSCRIBER || opt.scenario == PINGPONG);
}

static void
handle_packet(struct conn *c, const struct packet *k, uint64_t now,
    void (*join)(struct conn *, uint64_t))
{
	switch (k->type) {
	case PACKET_DELIVERY:
		delivery(c, k->stamp, now);
		break;
	case PACKET_GREETED:
		if (c->state == JOINING)
			join(c, now);
		break;
	case PACKET_JOINED:
		if (c->state == JOINING)
			conn_ready(c, now);
		break;
	case PACKET_PING:
		queue_frame(c, opt.proto->opcode, "PONG\r\n", 6);
		conn_flush(c);
		break;
	case PACKET_ERROR:
		counters.corrupt++;
		break;
	default:
		counters.other++;
		break;
	}
}

/* Discards what is to be skipped; returns how many bytes of p that is. */
static size_t
skip_input(struct conn *c, const uint8_t *p, size_t n, bool *line_ended)
{
	const uint8_t *nl;
	size_t skip;

	*line_ended = false;
	if (c->skip_line) {
		if ((nl = memchr(p, '\n', n)) == NULL)
			return (n);
		c->skip_line = false;
		*line_ended = true;
		return ((size_t)(nl + 1 - p));
	}
	skip = c->skip < n ? (size_t)c->skip : n;
	c->skip -= skip;
	return (skip);
}

/*
 * Parses one packet from p, which may be the rest of one whose start was kept.
 * Returns the bytes of p used, n when all were kept to wait for more; then
 * k->type stays PACKET_OTHER and *whole false.
 */
static size_t
packet_input(struct conn *c, const uint8_t *p, size_t n,
    packet_parser *parse, struct packet *k, bool *whole)
{
	size_t old = c->acc_len, add, used;

	*whole = true;
	if (old == 0)
		used = parse(p, n, k);
	else {
		add = HEAD_MAX - old < n ? HEAD_MAX - old : n;
		memcpy(c->acc + old, p, add);
		used = parse(c->acc, old + add, k);
	}
	if (used > 0) {
		c->acc_len = 0;
		return (used - old);
	}
	*whole = false;
	if (n > HEAD_MAX - old) {
		counters.corrupt++;
		conn_close(c, true);
		return (n);
	}
	if (c->acc == NULL)
		c->acc = xcalloc(1, HEAD_MAX);
	if (old == 0)
		memcpy(c->acc, p, n);
	c->acc_len = (uint32_t)(old + n);
	return (n);
}

static void
stream_input(struct conn *c, const uint8_t *p, size_t n, uint64_t now,
    packet_parser *parse, void (*join)(struct conn *, uint64_t))
{
	struct packet k, greeted = { .type = PACKET_GREETED };
	size_t used;
	bool split, done;

	while (n > 0 && c->state != CLOSED) {
		if (c->skip > 0 || c->skip_line) {
			used = skip_input(c, p, n, &done);
			if (done && c->state == JOINING)
				handle_packet(c, &greeted, now, join);
			p += used;
			n -= used;
			continue;
		}
		memset(&k, 0, sizeof(k));
		split = c->acc_len > 0;
		used = packet_input(c, p, n, parse, &k, &done);
		p += used;
		n -= used;
		if (!done)
			return;
		if (k.type == PACKET_LINE) {
			c->skip_line = true;
			continue;
		}
		c->skip = k.rest;
		if (k.type == PACKET_DELIVERY && verify_due() && !split &&
		    n >= k.rest)
			verify_plain(k.stamp,
			    (size_t)(STAMP_LEN + k.rest - k.tail));
		handle_packet(c, &k, now, join);
	}
}

static size_t
nats_packet(const uint8_t *p, size_t n, struct packet *k)
{
	uint64_t size = 0, unit = 1;
	const uint8_t *nl, *d;
	size_t line;

	if (n < 4)
		return (0);
	nl = memchr(p, '\n', n < HEAD_MAX ? n : HEAD_MAX);
	if (nl == NULL) {
		if (n < HEAD_MAX && memcmp(p, "INFO", 4) != 0)
			return (0);
		k->type = PACKET_LINE;	/* only INFO is that long */
		return (n);
	}
	line = (size_t)(nl - p) + 1;
	if (line > 6 && memcmp(p, "MSG ", 4) == 0) {
		if (n < line + STAMP_LEN)
			return (0);
		for (d = nl - 2; *d >= '0' && *d <= '9'; d--, unit *= 10)
			size += (uint64_t)(*d - '0') * unit;
		k->type = size == opt.size ? PACKET_DELIVERY : PACKET_ERROR;
		k->stamp = p + line;
		k->rest = opt.size - STAMP_LEN + 2;
		k->tail = 2;
		return (line + STAMP_LEN);
	}
	if (memcmp(p, "PING", 4) == 0)
		k->type = PACKET_PING;
	else if (memcmp(p, "PONG", 4) == 0)
		k->type = PACKET_JOINED;
	else if (memcmp(p, "INFO", 4) == 0)
		k->type = PACKET_GREETED;
	else if (memcmp(p, "-ERR", 4) == 0)
		k->type = PACKET_ERROR;
	return (line);
}

/* Greeted by INFO: a PONG will say that all this has been taken. */
static void
nats_join(struct conn *c, uint64_t now)
{
	static const char connect[] = "CONNECT {\"verbose\":false,"
	    "\"pedantic\":false,\"echo\":false,\"headers\":false}\r\n";
	char name[64], text[160];
	int len;

	(void)now;
	queue_frame(c, 2, connect, sizeof(connect) - 1);
	if (listens(c)) {
		topic(c, false, name, sizeof(name));
		len = snprintf(text, sizeof(text), "SUB %s 1\r\n", name);
		queue_frame(c, 2, text, (size_t)len);
	}
	queue_frame(c, 2, "PING\r\n", 6);
	conn_flush(c);
}

size_t
nats_prefix(const struct conn *c, char *buf, size_t size)
{
	char name[64];

	topic(c, true, name, sizeof(name));
	return ((size_t)snprintf(buf, size, "PUB %s %zu\r\n", name,
	    opt.size));
}

void
nats_begin(struct conn *c)
{
	(void)c;			/* the server speaks first */
}

void
nats_stream(struct conn *c, const uint8_t *p, size_t n, uint64_t now)
{
	stream_input(c, p, n, now, nats_packet, nats_join);
}

enum { MQTT_CONNACK = 2, MQTT_PUBLISH = 3, MQTT_SUBACK = 9 };

/* MQTT 3.1.1, 2.2 and 3.3. */
static size_t
mqtt_packet(const uint8_t *p, size_t n, struct packet *k)
{
	size_t at = 1, name, head;
	uint64_t len = 0;
	int shift;

	for (shift = 0;; shift += 7) {
		if (at >= n)
			return (0);
		len |= (uint64_t)(p[at] & 127) << shift;
		if ((p[at++] & 128) == 0)
			break;
		if (shift >= 21) {
			k->type = PACKET_ERROR;
			return (n);
		}
	}
	k->rest = len;
	if (p[0] >> 4 == MQTT_SUBACK) {
		k->type = PACKET_JOINED;
		return (at);
	}
	if (p[0] >> 4 != MQTT_CONNACK && p[0] >> 4 != MQTT_PUBLISH)
		return (at);
	if (n - at < 2)
		return (0);
	if (p[0] >> 4 == MQTT_CONNACK) {
		k->type = p[at + 1] == 0 ? PACKET_GREETED : PACKET_ERROR;
		k->rest = 0;
		return (at + 2);
	}
	name = (size_t)p[at] << 8 | p[at + 1];
	head = 2 + name + STAMP_LEN;
	if (len != head - STAMP_LEN + opt.size) {
		k->type = PACKET_ERROR;
		return (at);
	}
	if (n - at < head)
		return (0);
	k->type = PACKET_DELIVERY;
	k->stamp = p + at + 2 + name;
	k->rest = len - head;
	return (at + head);
}

/* Greeted by CONNACK: who publishes only is ready. */
static void
mqtt_join(struct conn *c, uint64_t now)
{
	uint8_t packet[128], *p = packet;
	char name[64];
	size_t len;

	if (!listens(c)) {
		conn_ready(c, now);
		return;
	}
	len = topic(c, false, name, sizeof(name));
	*p++ = 0x82;			/* SUBSCRIBE */
	*p++ = (uint8_t)(len + 5);
	*p++ = 0;
	*p++ = 1;
	*p++ = 0;
	*p++ = (uint8_t)len;
	memcpy(p, name, len);
	p += len;
	*p++ = 0;
	queue_frame(c, 2, packet, (size_t)(p - packet));
	conn_flush(c);
}

size_t
mqtt_prefix(const struct conn *c, char *buf, size_t size)
{
	char name[64], *p = buf;
	size_t name_len, len;

	(void)size;
	name_len = topic(c, true, name, sizeof(name));
	*p++ = 0x30;			/* PUBLISH, QoS 0 */
	len = 2 + name_len + opt.size;
	do {
		*p++ = (char)((len & 127) | (len > 127 ? 128 : 0));
		len >>= 7;
	} while (len > 0);
	*p++ = 0;
	*p++ = (char)name_len;
	memcpy(p, name, name_len);
	return ((size_t)(p + name_len - buf));
}

void
mqtt_begin(struct conn *c)
{
	static const uint8_t connect[] = { 0x10, 12, 0, 4, 'M', 'Q', 'T', 'T',
		4, 2, 0, 0, 0, 0 };

	queue_frame(c, 2, connect, sizeof(connect));
	conn_flush(c);
}

void
mqtt_stream(struct conn *c, const uint8_t *p, size_t n, uint64_t now)
{
	stream_input(c, p, n, now, mqtt_packet, mqtt_join);
}
