/*
 * crypto/multistream.c: what comes in pieces of any size is heard as the whole
 * is, output stays in its bounds, and whoever is asked for what he has says so.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/multistream.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define OUT_MAX	(1024 * 1024)

static const char *const protocols[] = { "/noise", "/tls/1.0.0",
	"/ipfs/ping/1.0.0", "/nws/2.0.0" };

struct end {
	struct multistream	 ms;
	uint8_t			 out[OUT_MAX];
	size_t			 out_len, used;
};

static void
out_take(struct end *e)
{
	if (e->ms.out_len > MS_OUT_MAX || e->ms.out_len > OUT_MAX - e->out_len)
		abort();
	memcpy(e->out + e->out_len, e->ms.out, e->ms.out_len);
	e->out_len += e->ms.out_len;
	multistream_sent(&e->ms, e->ms.out_len);
}

static void
feed(struct end *e, const uint8_t *in, size_t n)
{
	size_t used;

	out_take(e);
	do {
		used = multistream_input(&e->ms, in, n);
		if (used > n)
			abort();
		in += used;
		n -= used;
		e->used += used;
		out_take(e);
	} while (e->ms.phase == MS_TALKING && n > 0);
}

static void
begin(struct end *e, int listener, size_t n)
{
	e->out_len = e->used = 0;
	if (listener)
		multistream_listen(&e->ms, protocols, n);
	else
		multistream_dial(&e->ms, protocols, n);
}

/* Both ends are ours: they agree, whatever each has. */
static void
both(struct end *a, struct end *b, size_t na, size_t nb)
{
	size_t	at_a = 0, at_b = 0, n;
	int	turns;

	begin(a, 0, na);
	begin(b, 1, nb);
	for (turns = 0; turns < 20; turns++) {
		out_take(a);
		n = a->out_len - at_a;
		at_a = a->out_len;
		feed(b, a->out + at_a - n, n);
		n = b->out_len - at_b;
		at_b = b->out_len;
		feed(a, b->out + at_b - n, n);
	}
	if (nb > 0 && (a->ms.phase != MS_AGREED || b->ms.phase != MS_AGREED ||
	    a->ms.chosen != b->ms.chosen))
		abort();
	if (nb == 0 && a->ms.phase != MS_REFUSED)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	static struct end	whole, cut;
	size_t			at, piece;
	uint32_t		seed;
	int			listener;

	if (n < 2)
		return (0);
	both(&whole, &cut, 1 + in[1] % 4u, in[1] / 4 % 5u);
	listener = in[0] & 1;
	seed = in[0] * 257u + in[1];
	at = 1 + in[0] / 2 % 4u;
	begin(&whole, listener, at);
	begin(&cut, listener, at);
	in += 2;
	n -= 2;
	feed(&whole, in, n);
	for (at = 0; at < n && cut.ms.phase == MS_TALKING; at += piece) {
		seed = seed * 1103515245u + 12345;
		piece = 1 + (seed >> 16) % 9;
		if (piece > n - at)
			piece = n - at;
		feed(&cut, in + at, piece);
	}
	out_take(&cut);
	if (whole.ms.phase != cut.ms.phase || whole.used != cut.used ||
	    whole.out_len != cut.out_len ||
	    memcmp(whole.out, cut.out, cut.out_len) != 0 ||
	    (cut.ms.phase == MS_AGREED && whole.ms.chosen != cut.ms.chosen))
		abort();
	return (0);
}
