/*
 * Bytes that wait to be sent, in the order in which they came, pure.  Added in
 * pieces of any size, taken from the front; each byte is copied once.
 */
#ifndef CRYPTO_OUTQ_H
#define CRYPTO_OUTQ_H

#include <stddef.h>
#include <stdint.h>

#define OUTQ_CHUNK	(32u * 1024)	/* bytes of one, or what is larger */

struct outq_chunk;

/* bytes may be read. */
struct outq {
	struct outq_chunk	*first, *last;
	size_t			 bytes;
};

void	outq_init(struct outq *);
void	outq_free(struct outq *);

/* Copies n bytes to the end.  Returns 0; -1 without memory, nothing added. */
int	outq_add(struct outq *, const void *, size_t n);

/* Bytes at the front that lie in one piece, borrowed; 0 when empty. */
size_t	outq_peek(const struct outq *, const uint8_t **);

/* Takes n bytes, at most all, off the front. */
void	outq_drop(struct outq *, size_t n);

#endif
