/*
 * wsload: payloads and their checks.  Every payload starts with a stamp of 32
 * characters, so 32 bytes are the smallest size: channel, sequence number and
 * send time, in hexadecimal with the digits a to p, least significant first.
 * The stamp of every delivery is checked; the rest of it now and then.
 */
#include <endian.h>
#include <string.h>

#include "wsload.h"

static uint8_t	*body;		/* payload after the stamp, as it is sent */
static size_t	 body_len;
static uint8_t	*plain;		/* the same, not escaped */
static size_t	 plain_len;
static uint32_t	 countdown;	/* deliveries until all of one is compared */

/* Payload text after the stamp, exactly n bytes of valid UTF-8. */
static void
make_fill(uint8_t *p, size_t n)
{
	static const char ascii[] =
	    "The quick brown fox jumps over the lazy dog 0123456789. ";
	static const char json[] =
	    "{\"id\":1234,\"name\":\"caf\\u00e9\",\"ok\":true,"
	    "\"path\":\"a\\\\b\\n\"},\n";
	static const char utf8[] =
	    "\xc3\xa4\xc3\xb6\xc3\xbc \xe6\xbc\xa2\xe5\xad\x97 "
	    "\xf0\x9f\x98\x80 text \xd0\x9f\xd1\x80\xd0\xb8 ";
	const char *pattern = ascii;
	size_t len;

	if (strcmp(opt.fill, "json") == 0)
		pattern = json;
	else if (strcmp(opt.fill, "utf8") == 0)
		pattern = utf8;
	len = strlen(pattern);
	memset(p, 'x', n);
	for (; n >= len; n -= len, p += len)
		memcpy(p, pattern, len);
}

static size_t
json_escape(uint8_t *dst, const uint8_t *src, size_t n)
{
	uint8_t *d = dst;
	size_t i;

	for (i = 0; i < n; i++) {
		if (src[i] == '"' || src[i] == '\\') {
			*d++ = '\\';
			*d++ = src[i];
		} else if (src[i] == '\n') {
			*d++ = '\\';
			*d++ = 'n';
		} else
			*d++ = src[i];
	}
	return ((size_t)(d - dst));
}

void
check_init(void)
{
	countdown = opt.verify_every;
	plain_len = body_len = opt.size - STAMP_LEN;
	plain = xcalloc(1, plain_len + 1);
	body = xcalloc(2, plain_len + 1);
	make_fill(plain, plain_len);
	if (opt.proto->escape)
		body_len = json_escape(body, plain, plain_len);
	else
		memcpy(body, plain, plain_len);
}

static void
put32(uint8_t *p, uint32_t v)
{
	int i;

	for (i = 0; i < 8; i++, v >>= 4)
		p[i] = (uint8_t)('a' + (v & 15));
}

/* Decodes eight digits at once; *bad becomes nonzero where one is none. */
static uint32_t
get32(const uint8_t *p, uint64_t *bad)
{
	uint64_t v;

	memcpy(&v, p, 8);
	v = le64toh(v) - 0x6161616161616161u;
	*bad |= v & 0xf0f0f0f0f0f0f0f0u;
	v = (v | v >> 4) & 0x00ff00ff00ff00ffu;
	v = (v | v >> 8) & 0x0000ffff0000ffffu;
	return ((uint32_t)(v | v >> 16));
}

size_t
payload_len(void)
{
	return (STAMP_LEN + body_len);
}

/* Writes payload_len() bytes. */
size_t
put_payload(uint8_t *p, uint32_t chan, uint32_t seq, uint64_t when)
{
	put32(p, chan);
	put32(p + 8, seq);
	put32(p + 16, (uint32_t)when);
	put32(p + 24, (uint32_t)(when >> 32));
	memcpy(p + STAMP_LEN, body, body_len);
	return (payload_len());
}

/* Whether this delivery is one to compare in whole, if it is at hand. */
bool
verify_due(void)
{
	if (countdown > 1) {
		countdown--;
		return (false);
	}
	return (true);
}

/* A payload is complete in memory: compare all of it. */
void
verify_plain(const uint8_t *payload, size_t len)
{
	countdown = opt.verify_every;
	counters.verified++;
	if (len != opt.size ||
	    memcmp(payload + STAMP_LEN, plain, plain_len) != 0)
		counters.corrupt++;
}

static void
one_less_missing(struct channel *ch, uint32_t seq)
{
	if ((int32_t)(seq - ch->done_seq) < 0)
		return;			/* given up on earlier */
	if (--ch->missing[seq & ring_mask] > 0 || seq != ch->done_seq)
		return;
	while (ch->done_seq != ch->next_seq &&
	    ch->missing[ch->done_seq & ring_mask] == 0)
		ch->done_seq++;
	mark_dirty(ch);
}

/* Whether seq is the next for c, or at least not an old one again. */
static bool
in_order(struct conn *c, uint32_t seq)
{
	struct channel *ch = c->chan;
	int32_t ahead = (int32_t)(seq - c->next_seq);

	if (ahead < 0) {
		counters.late++;
		return (false);
	}
	if ((int32_t)(ch->next_seq - seq) <= 0) {
		counters.corrupt++;
		return (false);
	}
	counters.gaps += (uint64_t)ahead;
	if (opt.scenario == FANOUT)
		while (c->next_seq != seq)
			one_less_missing(ch, c->next_seq++);
	c->next_seq = seq + 1;
	return (true);
}

/*
 * A message has arrived whose payload starts at stamp.  Checks that it belongs
 * here and is the next in order, and accounts for it.
 */
void
delivery(struct conn *c, const uint8_t *stamp, uint64_t now)
{
	struct channel *ch = c->chan;
	uint64_t sent, bad = 0;
	uint32_t chan, seq;

	chan = get32(stamp, &bad);
	seq = get32(stamp + 8, &bad);
	sent = get32(stamp + 16, &bad);
	sent |= (uint64_t)get32(stamp + 24, &bad) << 32;
	if (bad != 0) {
		counters.corrupt++;
		return;
	}
	if (opt.scenario == FANOUT && c->role == PUBLISHER) {
		counters.echoed++;
		return;
	}
	if (chan != ch->index) {
		counters.misrouted++;
		return;
	}
	if (!in_order(c, seq))
		return;
	counters.delivered++;
	if (opt.scenario == PINGPONG && c->role == SUBSCRIBER) {
		queue_publication(c, seq, sent);
		conn_flush(c);
		return;
	}
	if (in_measurement(sent))
		hist_add(&latency, now > sent ? now - sent : 0);
	if (opt.scenario == FANOUT)
		one_less_missing(ch, seq);
	else {
		counters.roundtrips++;
		ch->done_seq++;
		mark_dirty(ch);
	}
}
