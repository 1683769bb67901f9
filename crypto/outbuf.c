/*
 * Bytes that wait to be written to a socket, in one piece.  Pure; runs in
 * crypto, for each connection.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/outbuf.h"

#define SIZE_FIRST	4096
#define SMALL_MAX	16	/* batches that needed an eighth, or less */

uint8_t *
outbuf_room(struct outbuf *o, size_t n)
{
	uint8_t	*p;
	size_t	 size;

	if (n <= o->size - o->head - o->len)
		return (o->p + o->head + o->len);
	if (n <= o->size - o->len && o->head >= o->len) {
		memmove(o->p, o->p + o->head, o->len);
		o->head = 0;
		return (o->p + o->len);
	}
	if (n > SIZE_MAX / 4 || o->len > SIZE_MAX / 4)
		return (NULL);
	for (size = SIZE_FIRST; size < o->len + n;)
		size *= 2;
	/* What has no room at the end has to be moved anyway. */
	if (size == o->size)
		size *= 2;
	if ((p = malloc(size)) == NULL)
		return (NULL);
	if (o->len > 0)
		memcpy(p, o->p + o->head, o->len);
	free(o->p);
	o->p = p;
	o->size = size;
	o->head = 0;
	return (p + o->len);
}

void
outbuf_add(struct outbuf *o, size_t n)
{
	o->len += n;
}

int
outbuf_put(struct outbuf *o, const void *p, size_t n)
{
	uint8_t *to;

	if (n == 0)
		return (0);
	if ((to = outbuf_room(o, n)) == NULL)
		return (-1);
	memcpy(to, p, n);
	o->len += n;
	return (0);
}

int
outbuf_sent(struct outbuf *o, size_t n)
{
	if (n > o->len)
		n = o->len;
	o->len -= n;
	if (o->len > 0) {
		o->head += n;
		return (0);
	}
	o->small = o->head + n <= o->size / 8 ? o->small + 1 : 0;
	o->head = 0;
	if (o->small < SMALL_MAX || o->size <= SIZE_FIRST)
		return (0);
	outbuf_free(o);
	return (1);
}

void
outbuf_free(struct outbuf *o)
{
	free(o->p);
	memset(o, 0, sizeof(*o));
}
