/*
 * crypto/yamux.c and crypto/yamux_stream.c: a session that is fed in pieces of
 * any size tells what one tells that gets all at once, keeps within its bounds,
 * and what it sends is heard without complaint where it may be.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/yamux.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define OUT_MAX		4096
#define UNREAD_MAX	(512 * 1024)
#define FRAME_BYTES	4	/* of the input, for each frame that is made */

struct end {
	struct yamux	*y;
	uint64_t	 hash;		/* of what was told */
	int		 failed;
};

static const struct yamux_config config = {
	.window_bytes = YAMUX_WINDOW, .in_max = 5, .out_streams_max = 3,
	.out_max = OUT_MAX, .unread_max = UNREAD_MAX,
};

static void
mix(struct end *e, uint64_t v)
{
	e->hash = (e->hash ^ v) * 0x100000001b3u;
}

/* What an application might do, the same each time. */
static void
react(struct end *e, const struct yamux_event *ev)
{
	size_t i;

	if (ev->type == YAMUX_DATA) {
		/* One number for each octet: pieces are no difference. */
		for (i = 0; i < ev->len; i++)
			mix(e, (uint64_t)ev->id << 8 | ev->data[i]);
		(void)yamux_consume(e->y, ev->id, ev->len);
		return;
	}
	mix(e, ((uint64_t)ev->type << 32 | ev->id) + ((uint64_t)ev->code <<
	    40) + (uint64_t)ev->ended);
	if (ev->type == YAMUX_OPENED && ev->id % 8 == 1)
		(void)yamux_close(e->y, ev->id);
	if (ev->type == YAMUX_OPENED && ev->id % 8 == 3)
		(void)yamux_write(e->y, ev->id, "hello", 5);
	if (ev->type == YAMUX_FIN && !ev->ended && ev->id % 8 == 5)
		(void)yamux_reset(e->y, ev->id, 1);
	if (ev->type == YAMUX_FAILED) {
		if (e->failed)
			abort();
		e->failed = 1;
	}
}

static void
out_take(struct end *e)
{
	const uint8_t	*p;
	size_t		 i, n;

	n = yamux_output(e->y, &p);
	if (n > OUT_MAX + YAMUX_CONTROL_MAX + 1024)
		abort();
	for (i = 0; i < n; i++)
		mix(e, 0);
	yamux_sent(e->y, n);
	yamux_trim(e->y);
}

static void
feed(struct end *e, const uint8_t *in, size_t n)
{
	struct yamux_event	ev;
	size_t			used;

	for (;;) {
		used = yamux_input(e->y, in, n, &ev);
		if (used > n || yamux_unread(e->y) > UNREAD_MAX ||
		    yamux_streams(e->y) > 8)
			abort();
		in += used;
		n -= used;
		if (ev.type == YAMUX_NONE && n == 0)
			break;
		if (ev.type == YAMUX_NONE)
			out_take(e);
		else
			react(e, &ev);
	}
}

static void
begin(struct end *e, int dialler)
{
	struct yamux_config c = config;

	memset(e, 0, sizeof(*e));
	c.dialler = dialler;
	if ((e->y = yamux_new(&c)) == NULL)
		abort();
	(void)yamux_open(e->y, NULL);
	(void)yamux_open(e->y, NULL);
	(void)yamux_ping(e->y, 3);
}

/*
 * Frames that are mostly good, from a few octets each.  Returns what was made,
 * malloc'd.
 */
static uint8_t *
frames_build(const uint8_t *in, size_t n, size_t *len)
{
	uint8_t	*out, *p;
	size_t	 i, payload;

	if ((out = calloc(n / FRAME_BYTES + 1, 12 + 255)) == NULL)
		abort();
	for (p = out; n >= FRAME_BYTES; n -= FRAME_BYTES, in += FRAME_BYTES) {
		p[1] = in[0] & 0x3;
		p[3] = in[1] & 0xf;
		p[7] = in[2] & 0xf;
		p[11] = in[3];
		if (p[1] == 3)
			p[3] = 0;
		if (p[1] >= 2)
			p[7] = 0;
		if ((in[0] & 0xf0) == 0xf0)
			p[8 + in[1] % 4] = in[2];
		payload = p[1] == 0 && (in[0] & 0xf0) != 0xf0 ? in[3] : 0;
		for (p += 12, i = 0; i < payload; i++)
			*p++ = (uint8_t)i;
	}
	*len = (size_t)(p - out);
	return (out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	struct end	 whole, cut;
	uint8_t		*stream = NULL;
	size_t		 len, at, piece;
	uint32_t	 seed;

	if (n < 2)
		return (0);
	begin(&whole, in[0] & 1);
	begin(&cut, in[0] & 1);
	seed = in[1] * 7919u;
	if (in[0] & 2)
		stream = frames_build(in + 2, n - 2, &len);
	else if ((stream = malloc(n)) == NULL)
		abort();
	else
		memcpy(stream, in + 2, len = n - 2);
	feed(&whole, stream, len);
	for (at = 0; at < len; at += piece) {
		seed = seed * 1103515245u + 12345;
		piece = 1 + (seed >> 16) % 30;
		if (piece > len - at)
			piece = len - at;
		feed(&cut, stream + at, piece);
	}
	out_take(&whole);
	out_take(&cut);
	if (whole.hash != cut.hash || whole.failed != cut.failed ||
	    yamux_streams(whole.y) != yamux_streams(cut.y) ||
	    yamux_unread(whole.y) != yamux_unread(cut.y))
		abort();
	yamux_free(whole.y);
	yamux_free(cut.y);
	free(stream);
	return (0);
}
