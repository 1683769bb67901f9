/*
 * crypto/nwsproto.c: whatever decodes must encode to the same octets again, and
 * a stream that is cut anywhere must decode as one in a single piece.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/nwsproto.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MAX_DATA 2048

/* Encodes what was decoded out of n octets, and compares. */
static void
check_same(const struct nwsproto *msg, const uint8_t *p, size_t n)
{
	uint8_t *out;
	size_t size;

	if (strcmp(nwsproto_type_name(msg->type), "unknown") == 0)
		abort();
	if ((size = nwsproto_size(msg)) == 0 || size + msg->len != n)
		abort();
	if ((out = malloc(size)) == NULL)
		abort();
	if (nwsproto_encode(msg, out, size) != size ||
	    memcmp(out, p, size) != 0 ||
	    (msg->len > 0 && memcmp(msg->data, p + size, msg->len) != 0))
		abort();
	free(out);
}

/* The first message in a piece that is all there is of it. */
static long
decode_cut(const uint8_t *p, size_t n, size_t cut)
{
	struct nwsproto msg;
	const char *why = NULL;
	size_t need = 0;
	uint8_t *copy;
	long used;

	if ((copy = malloc(cut > 0 ? cut : 1)) == NULL)
		abort();
	memcpy(copy, p, cut);
	used = nwsproto_decode(copy, cut, MAX_DATA, &msg, &need, &why);
	if ((used == -1 && why == NULL) || (used == 0 && need <= cut) ||
	    (used > 0 && (size_t)used > cut))
		abort();
	if (used > 0)
		check_same(&msg, copy, (size_t)used);
	free(copy);
	(void)n;
	return (used);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	size_t cut;
	long used, whole;

	while (n > 0) {
		whole = decode_cut(in, n, n);
		/* A cut that the input itself chooses, and the one before. */
		cut = in[n - 1] % (n + 1);
		used = decode_cut(in, n, cut);
		if (used == -1 && whole != -1)
			abort();
		if (used > 0 && used != whole)
			abort();
		if (whole <= 0)
			break;
		used = decode_cut(in, n, (size_t)whole - 1);
		if (used != 0)
			abort();
		in += whole;
		n -= (size_t)whole;
	}
	return (0);
}
