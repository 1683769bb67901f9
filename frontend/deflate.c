/*
 * Compression of messages, see deflate.h.  Frontend; decompresses what clients
 * send, never beyond the limit for a message.
 */
#include <stdlib.h>
#include <zlib.h>

#include "../common/ws.h"
#include "deflate.h"

#define LEVEL	5		/* beyond it time grows faster than it saves */
#define BITS_MIN 9
#define BITS_MAX 15
/* z_stream.data_type after inflate(): between blocks; bits not used yet. */
#define Z_AT_BLOCK	128
#define Z_UNUSED_BITS	7
#define KEEP	(64u * 1024)	/* bytes of a buffer that are kept */

struct buffer {
	uint8_t	*p;
	size_t	 cap;
};

static struct buffer	 scratch, packed, unpacked;
static z_stream		*compressor[BITS_MAX + 1], *decompressor;

/* -1 when out of memory; what the buffer held is kept. */
static int
buffer_reserve(struct buffer *b, size_t n)
{
	size_t	 cap = b->cap < 4096 ? 4096 : b->cap;
	uint8_t	*p;

	if (n <= b->cap)
		return (0);
	while (cap < n)
		cap *= 2;
	if ((p = realloc(b->p, cap)) == NULL)
		return (-1);
	b->p = p;
	b->cap = cap;
	return (0);
}

static void
buffer_trim(struct buffer *b)
{
	if (b->cap <= KEEP)
		return;
	free(b->p);
	b->p = NULL;
	b->cap = 0;
}

void
deflate_trim(void)
{
	buffer_trim(&scratch);
	buffer_trim(&packed);
	buffer_trim(&unpacked);
}

uint8_t *
deflate_scratch(size_t n)
{
	return (buffer_reserve(&scratch, n) == -1 ? NULL : scratch.p);
}

static z_stream *
stream_new(int bits, int inflating)
{
	z_stream	*z;
	int		 r;

	if ((z = calloc(1, sizeof(*z))) == NULL)
		return (NULL);
	r = inflating ? inflateInit2(z, -BITS_MAX) :
	    deflateInit2(z, LEVEL, Z_DEFLATED, -bits, 8, Z_DEFAULT_STRATEGY);
	if (r == Z_OK)
		return (z);
	free(z);
	return (NULL);
}

const uint8_t *
deflate_message(int bits, const uint8_t *p, size_t n, size_t *out_len)
{
	z_stream	*z;

	if (bits < BITS_MIN || bits > BITS_MAX || (compressor[bits] == NULL &&
	    (compressor[bits] = stream_new(bits, 0)) == NULL) ||
	    buffer_reserve(&packed, n) == -1)
		return (NULL);
	z = compressor[bits];
	z->next_in = (Bytef *)(uintptr_t)p;
	z->avail_in = (uInt)n;
	z->next_out = packed.p;
	z->avail_out = (uInt)n;
	/* Full, or no longer smaller: not worth it. */
	if (deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_out == 0 ||
	    n - z->avail_out < 4) {
		deflateReset(z);
		return (NULL);
	}
	*out_len = n - z->avail_out - 4;	/* without 00 00 ff ff */
	deflateReset(z);
	return (packed.p);
}

/*
 * Feeds p to the decompressor, whose output so far is *have bytes.  A final
 * block may be followed by more (RFC 7692, 7.2.3.4).  -1 with *code.
 */
static int
inflate_some(z_stream *z, const uint8_t *p, size_t n, size_t max,
    size_t *have, int *code)
{
	int	r;

	z->next_in = (Bytef *)(uintptr_t)p;
	z->avail_in = (uInt)n;
	do {
		if (*have > max) {
			*code = WS_CODE_TOO_BIG;
			return (-1);
		}
		if (buffer_reserve(&unpacked, *have + 1024) == -1) {
			*code = WS_CODE_INTERNAL;
			return (-1);
		}
		z->next_out = unpacked.p + *have;
		z->avail_out = (uInt)(unpacked.cap - *have);
		r = inflate(z, Z_SYNC_FLUSH);
		*have = unpacked.cap - z->avail_out;
		if (r == Z_STREAM_END)
			inflateReset(z);
		else if (r != Z_OK && r != Z_BUF_ERROR) {
			*code = WS_CODE_INVALID;
			return (-1);
		}
	} while (z->avail_out == 0 || (r == Z_STREAM_END && z->avail_in > 0));
	return (0);
}

uint8_t *
inflate_message(const uint8_t *p, size_t n, size_t max, size_t *out_len,
    int *code)
{
	static const uint8_t	tail[4] = { 0x00, 0x00, 0xff, 0xff };

	*code = WS_CODE_INTERNAL;
	*out_len = 0;
	if (decompressor == NULL &&
	    (decompressor = stream_new(BITS_MAX, 1)) == NULL)
		return (NULL);
	inflateReset(decompressor);
	if (inflate_some(decompressor, p, n, max, out_len, code) == -1 ||
	    inflate_some(decompressor, tail, sizeof(tail), max, out_len,
	    code) == -1)
		return (NULL);
	if (*out_len > max) {
		*code = WS_CODE_TOO_BIG;
		return (NULL);
	}
	/* Cut in the middle of a block: no whole message. */
	if ((decompressor->data_type & (Z_AT_BLOCK | Z_UNUSED_BITS)) !=
	    Z_AT_BLOCK) {
		*code = WS_CODE_INVALID;
		return (NULL);
	}
	return (unpacked.p);
}
