/* Bytes in pieces to lines, pure but for memory. */
#include <string.h>

#include "nws.h"

void
lines_add(struct lines *l, const void *p, size_t n)
{
	if (l->at > 0) {
		buf_used(&l->in, l->at);
		l->seen -= l->at;
		l->at = 0;
	}
	buf_add(&l->in, p, n);
}

/* Forgets what there is of a line that is too long, up to end. */
static int
too_long(struct lines *l, size_t end, int skipping)
{
	int was = l->skipping;

	l->at = l->seen = end;
	l->skipping = skipping;
	return (was ? 0 : -1);
}

int
lines_next(struct lines *l, int last, int keep, const char **line, size_t *n)
{
	const uint8_t *nl = NULL;
	size_t end;

	for (;;) {
		if (l->seen < l->in.len)
			nl = memchr(l->in.data + l->seen, '\n',
			    l->in.len - l->seen);
		else
			nl = NULL;
		l->seen = l->in.len;
		end = nl != NULL ? (size_t)(nl - l->in.data) : l->in.len;
		if (l->skipping || end - l->at > l->max) {
			if (too_long(l, nl != NULL ? end + 1 : end,
			    nl == NULL) == -1)
				return (-1);
			if (nl == NULL)
				return (0);
			continue;
		}
		if (nl == NULL && (!last || l->at == end))
			return (0);
		*line = (const char *)l->in.data + l->at;
		*n = end - l->at + (nl != NULL && keep);
		l->at = l->seen = nl != NULL ? end + 1 : end;
		return (1);
	}
}
