/*
 * permessage-deflate (RFC 7692) without context takeover: one compressor for
 * each window size and one decompressor serve all clients of a frontend.
 */
#ifndef FRONTEND_DEFLATE_H
#define FRONTEND_DEFLATE_H

#include <stddef.h>
#include <stdint.h>

#define DEFLATE_MIN	64	/* bytes; what is shorter is sent as it is */

/* Room for n bytes until the next call; NULL when out of memory. */
uint8_t	*deflate_scratch(size_t n);

/*
 * Compresses one message (7.2.1).  Returns the result, valid until the next
 * call, and its size in *out_len; NULL when it would not be smaller or memory
 * ran out: then send it as it is.
 */
const uint8_t *deflate_message(int bits, const uint8_t *, size_t n,
	    size_t *out_len);

/*
 * Decompresses one message (7.2.2) of at most max bytes.  Returns the result,
 * which the caller may change, valid until the next call, or NULL with *code
 * the close code: 1007 for what is not DEFLATE data, 1009 for more than max,
 * 1011 when out of memory.
 */
uint8_t	*inflate_message(const uint8_t *, size_t n, size_t max,
	    size_t *out_len, int *code);

/* Gives back large buffers; once a second. */
void	 deflate_trim(void);

#endif
