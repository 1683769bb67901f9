/*
 * Bytes that grow at the end and are used up from the front; for the tools,
 * which end when there is no memory.
 */
#include <err.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

uint8_t *
buf_room(struct buf *b, size_t n)
{
	size_t size = b->size;

	if (n > SIZE_MAX / 4 || b->len > SIZE_MAX / 4)
		errx(1, "out of memory");
	if (b->size - b->len >= n && b->data != NULL)
		return (b->data + b->len);
	if (size < 64)
		size = 64;
	while (size - b->len < n)
		size *= 2;
	if ((b->data = realloc(b->data, size)) == NULL)
		err(1, "realloc");
	b->size = size;
	return (b->data + b->len);
}

void
buf_grew(struct buf *b, size_t n)
{
	b->len += n;
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	memcpy(buf_room(b, n), p, n);
	b->len += n;
}

void
buf_byte(struct buf *b, uint8_t c)
{
	*buf_room(b, 1) = c;
	b->len++;
}

void
buf_text(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		err(1, "vsnprintf");
	va_start(ap, fmt);
	vsnprintf((char *)buf_room(b, (size_t)n + 1), (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void
buf_used(struct buf *b, size_t n)
{
	if (n < b->len)
		memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
}

void
buf_free(struct buf *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}
