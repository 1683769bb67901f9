/*
 * common/ws.c and common/ws_deflate.c: a stream of frames that is cut at
 * arbitrary places must be read as the one in a single piece is.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "common/ws.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MAX_BYTES	70000
#define EVENTS_MAX	256

/* What was read of one frame. */
struct event {
	struct ws_frame	 frame;
	uint64_t	 hash;		/* of the payload, without its mask */
	uint64_t	 got;		/* bytes of it */
	uint32_t	 utf8;
};

struct reader {
	unsigned int	 flags;
	uint8_t		 header[WS_HEADER_MAX];
	size_t		 have;
	int		 in_payload;
	int		 code;		/* 0 while all is well */
	size_t		 nevents;
	struct event	 events[EVENTS_MAX];
};

static void
payload_take(struct event *e, const uint8_t *p, size_t n)
{
	uint8_t	*copy;
	size_t	 i;

	if (n == 0)
		return;
	if ((copy = malloc(n)) == NULL)
		abort();
	memcpy(copy, p, n);
	ws_mask(copy, n, e->frame.key, e->got);
	for (i = 0; i < n; i++)
		e->hash = (e->hash ^ copy[i]) * 0x100000001b3u;
	e->utf8 = utf8_check(e->utf8, copy, n);
	e->got += n;
	free(copy);
}

/* A piece of the stream; headers are put together from single bytes. */
static void
reader_take(struct reader *r, const uint8_t *p, size_t n)
{
	struct event	*e = NULL;
	size_t		 take;
	int		 size;

	while (n > 0 && r->code == 0 && r->nevents < EVENTS_MAX) {
		e = &r->events[r->nevents];
		if (!r->in_payload) {
			r->header[r->have++] = *p++;
			n--;
			size = ws_frame_parse(r->header, r->have, r->flags,
			    MAX_BYTES, &e->frame, &r->code);
			if (size == -1)
				return;
			r->code = 0;
			if (size == 0)
				continue;
			if ((size_t)size != r->have)
				abort();
			r->in_payload = 1;
			r->have = 0;
		}
		take = n < e->frame.len - e->got ? n :
		    (size_t)(e->frame.len - e->got);
		payload_take(e, p, take);
		p += take;
		n -= take;
		if (e->got == e->frame.len) {
			r->in_payload = 0;
			r->nevents++;
		}
	}
}

/* The same with all of it there at once. */
static void
read_whole(struct reader *r, const uint8_t *p, size_t n)
{
	struct event	*e;
	const char	*reason;
	size_t		 len;
	int		 size, code;

	while (r->nevents < EVENTS_MAX) {
		e = &r->events[r->nevents];
		size = ws_frame_parse(p, n, r->flags, MAX_BYTES, &e->frame,
		    &code);
		if (size == -1)
			r->code = code;
		if (size <= 0)
			return;
		p += size;
		n -= (size_t)size;
		if (e->frame.opcode == WS_CLOSE && e->frame.len <= n)
			(void)ws_close_parse(p, (size_t)e->frame.len, &reason,
			    &len, &code);
		len = n < e->frame.len ? n : (size_t)e->frame.len;
		payload_take(e, p, len);
		p += len;
		n -= len;
		if (e->got < e->frame.len)
			return;
		r->nevents++;
	}
}

static void
compare(const struct reader *a, const struct reader *b)
{
	const struct event	*x, *y;
	size_t			 i;

	if (a->code != b->code || a->nevents != b->nevents)
		abort();
	for (i = 0; i < a->nevents; i++) {
		x = &a->events[i];
		y = &b->events[i];
		if (x->frame.len != y->frame.len || x->hash != y->hash ||
		    x->utf8 != y->utf8 || x->got != y->got ||
		    x->frame.opcode != y->frame.opcode ||
		    x->frame.fin != y->frame.fin ||
		    x->frame.rsv1 != y->frame.rsv1 ||
		    memcmp(x->frame.key, y->frame.key, 4) != 0)
			abort();
	}
}

/*
 * The input as a list of frames to write: opcode and bits, length, payload.
 * Returns what was written, malloc'd.
 */
static uint8_t *
stream_build(const uint8_t *in, size_t n, size_t *len)
{
	static const uint8_t	 opcodes[] = { WS_TEXT, WS_BINARY, WS_CLOSE,
				    WS_PING, WS_PONG, WS_CONTINUATION };
	uint8_t			*out, key[4];
	size_t			 size, payload, used = 0;

	/* A frame takes two octets and may grow by a header. */
	if ((out = malloc(n * (WS_HEADER_MAX + 1) + 1)) == NULL)
		abort();
	while (n >= 2) {
		payload = in[1] & 0x80 ? (size_t)(in[1] & 0x7f) * 8 : in[1];
		memset(key, in[0], sizeof(key));
		key[1] ^= in[1];
		if (payload > n - 2)
			payload = n - 2;
		size = ws_header(out + used, opcodes[in[0] % 6],
		    in[0] & 0x40, payload, in[0] & 0x20 ? NULL : key);
		used += size;
		in += 2;
		n -= 2;
		memcpy(out + used, in, payload);
		if ((out[used - size + 1] & 0x80) != 0)
			ws_mask(out + used, payload, key, 0);
		used += payload;
		in += payload;
		n -= payload;
	}
	*len = used;
	return (out);
}

static void
offer_check(const uint8_t *in, size_t n)
{
	struct ws_deflate	 d;
	char			 answer[256], again[256];
	int			 result;

	result = ws_deflate_choose((const char *)in, n, &d, answer,
	    sizeof(answer));
	if (result == 1 && (d.server_bits < 9 || d.server_bits > 15 ||
	    d.client_bits < 9 || d.client_bits > 15))
		abort();
	/* Our answer is an offer that we would take ourselves. */
	if (result == 1 && (ws_deflate_choose(answer, strlen(answer), &d,
	    again, sizeof(again)) != 1 || strcmp(answer, again) != 0))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	static struct reader	 whole, cut;
	uint8_t			*stream;
	size_t			 len, at, piece;
	uint32_t		 seed;

	if (n < 2)
		return (0);
	offer_check(in + 2, n - 2);
	memset(&whole, 0, sizeof(whole));
	memset(&cut, 0, sizeof(cut));
	whole.flags = cut.flags = in[0] & (WS_MASKED | WS_UNMASKED | WS_RSV1);
	seed = in[1];
	if (in[0] & 0x80)
		stream = stream_build(in + 2, n - 2, &len);
	else {
		len = n - 2;
		if ((stream = malloc(len > 0 ? len : 1)) == NULL)
			abort();
		memcpy(stream, in + 2, len);
	}
	read_whole(&whole, stream, len);
	for (at = 0; at < len; at += piece) {
		seed = seed * 1103515245u + 12345;
		piece = 1 + (seed >> 16) % 40;
		if (piece > len - at)
			piece = len - at;
		reader_take(&cut, stream + at, piece);
	}
	compare(&whole, &cut);
	free(stream);
	return (0);
}
