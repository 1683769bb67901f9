/* Bytes that wait to be written to a socket, in one piece.  Pure. */
#ifndef CRYPTO_OUTBUF_H
#define CRYPTO_OUTBUF_H

#include <stddef.h>
#include <stdint.h>

/* A zeroed struct is empty.  Read p + head and len only. */
struct outbuf {
	uint8_t		*p;
	size_t		 head, len, size;
	unsigned int	 small;		/* times in a row it was too large */
};

/* Room for n more bytes behind what waits, or NULL without memory. */
uint8_t	*outbuf_room(struct outbuf *, size_t n);

/* n bytes were written there. */
void	 outbuf_add(struct outbuf *, size_t n);

/* Copies n bytes.  0, or -1 without memory. */
int	 outbuf_put(struct outbuf *, const void *, size_t n);

/*
 * Takes n bytes off the front.  Gives memory back when much more than was
 * needed of late is there; returns 1 then.
 */
int	 outbuf_sent(struct outbuf *, size_t n);

void	 outbuf_free(struct outbuf *);

#endif
