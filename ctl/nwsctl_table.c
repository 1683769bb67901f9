/* Text in columns, pure but for memory. */
#include <err.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "nwsctl.h"

void
table_begin(struct table *t, const char *heads)
{
	const char *p;

	memset(t, 0, sizeof(*t));
	t->heads = heads;
	t->columns = 1;
	for (p = heads; *p != '\0'; p++)
		if (*p == '|')
			t->columns++;
}

/* Takes b's memory. */
static void
put(struct table *t, struct buf *b)
{
	if (t->n == t->size) {
		t->size = t->size == 0 ? 256 : 2 * t->size;
		t->cells = reallocarray(t->cells, t->size, sizeof(char *));
		if (t->cells == NULL)
			err(1, "realloc");
	}
	if (b->len == 0)
		buf_byte(b, '-');
	buf_byte(b, '\0');
	t->cells[t->n++] = (char *)b->data;
}

void
table_outside(struct table *t, const char *s, size_t n)
{
	struct buf b = { NULL, 0, 0 };

	text_visible(&b, s, n);
	put(t, &b);
}

void
table_cell(struct table *t, const char *fmt, ...)
{
	struct buf b = { NULL, 0, 0 };
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_text(&b, text);
	put(t, &b);
}

static void
pad(struct buf *out, size_t n)
{
	while (n-- > 0)
		buf_byte(out, ' ');
}

/* One cell; pending spaces of the last one are written before it. */
static void
cell(struct buf *out, const char *s, size_t columns, size_t width, int right,
    size_t *pending)
{
	pad(out, *pending + (right ? width - columns : 0));
	buf_add(out, s, strlen(s));
	*pending = 2 + (right ? 0 : width - columns);
}

/* The heads, whose width is in columns too; also finds out about the sides. */
static void
heads(const struct table *t, struct buf *out, const size_t *width,
    int right[TABLE_COLUMNS])
{
	char name[32];
	const char *p = t->heads;
	size_t n, pending = 0;
	unsigned int i;

	for (i = 0; i < t->columns; i++, p += n + 1) {
		right[i] = *p == '>';
		p += right[i];
		n = strcspn(p, "|");
		snprintf(name, sizeof(name), "%.*s", (int)n, p);
		cell(out, name, n, width[i], right[i], &pending);
	}
	buf_byte(out, '\n');
}

void
table_end(struct table *t, struct buf *out)
{
	size_t width[TABLE_COLUMNS] = { 0 }, i, n, pending;
	int right[TABLE_COLUMNS];
	const char *p = t->heads;

	if (t->columns == 0)
		return;	/* never begun */
	for (i = 0; i < t->columns && i < TABLE_COLUMNS; i++, p += n + 1) {
		p += *p == '>';
		n = width[i] = strcspn(p, "|");
	}
	for (i = 0; i < t->n; i++)
		if ((n = text_columns(t->cells[i])) > width[i % t->columns])
			width[i % t->columns] = n;
	heads(t, out, width, right);
	pending = 0;
	for (i = 0; i < t->n; i++) {
		n = i % t->columns;
		cell(out, t->cells[i], text_columns(t->cells[i]), width[n],
		    right[n], &pending);
		if (n + 1 == t->columns) {
			buf_byte(out, '\n');
			pending = 0;
		}
		free(t->cells[i]);
	}
	free(t->cells);
}
