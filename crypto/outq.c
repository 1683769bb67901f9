/*
 * Bytes that wait to be sent, see outq.h.  Runs in crypto; owns the memory,
 * looks at nothing that is in it.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/outq.h"

struct outq_chunk {
	struct outq_chunk	*next;
	size_t			 off;	/* of the first byte still there */
	size_t			 end, size;
	uint8_t			 data[];
};

void
outq_init(struct outq *q)
{
	q->first = q->last = NULL;
	q->bytes = 0;
}

void
outq_free(struct outq *q)
{
	outq_drop(q, q->bytes);
}

int
outq_add(struct outq *q, const void *p, size_t n)
{
	struct outq_chunk	*last = q->last, *c;
	const uint8_t		*in = p;
	size_t			 fits, size;

	fits = last != NULL ? last->size - last->end : 0;
	if (fits > n)
		fits = n;
	if (n > fits) {
		size = n - fits < OUTQ_CHUNK ? OUTQ_CHUNK : n - fits;
		if ((c = malloc(sizeof(*c) + size)) == NULL)
			return (-1);
		c->off = 0;
		c->end = n - fits;
		c->size = size;
		memcpy(c->data, in + fits, n - fits);
		c->next = NULL;
		if (last != NULL)
			last->next = c;
		else
			q->first = c;
		q->last = c;
	}
	if (fits > 0) {
		memcpy(last->data + last->end, in, fits);
		last->end += fits;
	}
	q->bytes += n;
	return (0);
}

size_t
outq_peek(const struct outq *q, const uint8_t **p)
{
	const struct outq_chunk	*c = q->first;

	if (c == NULL)
		return (0);
	*p = c->data + c->off;
	return (c->end - c->off);
}

void
outq_drop(struct outq *q, size_t n)
{
	struct outq_chunk	*c;
	size_t			 have;

	while (n > 0 && (c = q->first) != NULL) {
		have = c->end - c->off;
		if (n < have) {
			c->off += n;
			q->bytes -= n;
			return;
		}
		n -= have;
		q->bytes -= have;
		if ((q->first = c->next) == NULL)
			q->last = NULL;
		free(c);
	}
}
