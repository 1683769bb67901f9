/*
 * Rows of an answer: copied out of messages, merged where several processes
 * tell of the same thing, sorted.  Pure but for memory.
 */
#include <bsd/string.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "nwsctl.h"

static const size_t sizes[SHOW_WHATS] = {
	[SHOW_SUMMARY] = sizeof(struct msg_row_counter),
	[SHOW_CHANNELS] = sizeof(struct msg_row_channel),
	[SHOW_CLIENTS] = sizeof(struct msg_row_client),
	[SHOW_PROCESSES] = sizeof(struct msg_row_process),
	[SHOW_LIMITS] = sizeof(struct msg_row_limit),
	[SHOW_ORIGINS] = sizeof(struct msg_row_origin)
};

/* The texts after the struct; only a client has more than one. */
static void
put_texts(struct row *r, uint32_t what, const char *p, size_t n)
{
	size_t i, len;
	const char *nul;

	for (i = 0; i < ROW_TEXTS; i++) {
		nul = what == SHOW_CLIENTS && i + 1 < ROW_TEXTS ?
		    memchr(p, '\0', n) : NULL;
		len = nul != NULL ? (size_t)(nul - p) : n;
		if ((r->text[i] = malloc(len + 1)) == NULL)
			err(1, "malloc");
		memcpy(r->text[i], p, len);
		r->text[i][len] = '\0';
		r->text_len[i] = len;
		p += len + (nul != NULL);
		n -= len + (nul != NULL);
	}
}

int
rows_add(struct rows *rows, uint32_t what, const void *data, size_t len)
{
	struct row *r;

	if (what >= SHOW_WHATS || len < sizes[what])
		return (-1);
	if (rows->n == rows->size) {
		rows->size = rows->size == 0 ? 64 : 2 * rows->size;
		rows->v = reallocarray(rows->v, rows->size, sizeof(*rows->v));
		if (rows->v == NULL)
			err(1, "realloc");
	}
	r = &rows->v[rows->n];
	memset(r, 0, sizeof(*r));
	memcpy(&r->u, data, sizes[what]);
	if (r->u.row.what != what)
		return (-1);
	put_texts(r, what, (const char *)data + sizes[what],
	    len - sizes[what]);
	rows->n++;
	return (0);
}

static int
same_text(const struct row *a, const struct row *b)
{
	return (a->text_len[0] == b->text_len[0] &&
	    memcmp(a->text[0], b->text[0], a->text_len[0]) == 0);
}

/* Whether b was taken into a. */
static int
merge(struct row *a, const struct row *b, uint32_t what)
{
	if (!same_text(a, b))
		return (0);
	if (what == SHOW_SUMMARY) {
		a->u.counter.value += b->u.counter.value;
		return (1);
	}
	if (what == SHOW_CHANNELS) {
		a->u.channel.members += b->u.channel.members;
		a->u.channel.messages += b->u.channel.messages;
		a->u.channel.bytes += b->u.channel.bytes;
		a->u.channel.presence &= b->u.channel.presence;
		return (1);
	}
	if (a->u.origin.state != b->u.origin.state ||
	    a->u.origin.expires != b->u.origin.expires)
		return (0);
	a->u.origin.scope |= b->u.origin.scope;
	a->u.origin.seen += b->u.origin.seen;
	return (1);
}

static void
row_free(struct row *r)
{
	size_t i;

	for (i = 0; i < ROW_TEXTS; i++)
		free(r->text[i]);
}

static int
by_text(const struct row *a, const struct row *b)
{
	return (strcmp(a->text[0], b->text[0]));
}

static int
by_process(const struct row *a, const struct row *b)
{
	if (a->u.row.process != b->u.row.process)
		return (a->u.row.process < b->u.row.process ? -1 : 1);
	if (a->u.row.instance != b->u.row.instance)
		return (a->u.row.instance < b->u.row.instance ? -1 : 1);
	return (0);
}

static int
compare_text(const void *x, const void *y)
{
	const struct row *a = x, *b = y;
	int d = by_text(a, b);

	if (d == 0 && a->u.row.what == SHOW_CLIENTS)
		return (a->u.client.id < b->u.client.id ? -1 :
		    a->u.client.id > b->u.client.id);
	return (d != 0 ? d : by_process(a, b));
}

static int
compare_process(const void *x, const void *y)
{
	return (by_process(x, y));
}

static int
compare_origin(const void *x, const void *y)
{
	const struct row *a = x, *b = y;

	if (a->u.origin.state != b->u.origin.state)
		return (a->u.origin.state < b->u.origin.state ? -1 : 1);
	return (by_text(a, b));
}

void
rows_sort(struct rows *rows, uint32_t what)
{
	if (rows->n > 0)
		qsort(rows->v, rows->n, sizeof(*rows->v),
		    what == SHOW_PROCESSES ? compare_process :
		    what == SHOW_ORIGINS ? compare_origin : compare_text);
}

void
rows_merge(struct rows *rows, uint32_t what)
{
	size_t i, kept = 0;

	if (what != SHOW_SUMMARY && what != SHOW_CHANNELS &&
	    what != SHOW_ORIGINS)
		return;
	rows_sort(rows, what);
	for (i = 0; i < rows->n; i++) {
		if (kept > 0 && merge(&rows->v[kept - 1], &rows->v[i], what))
			row_free(&rows->v[i]);
		else
			rows->v[kept++] = rows->v[i];
	}
	rows->n = kept;
}

void
rows_free(struct rows *rows)
{
	size_t i;

	for (i = 0; i < rows->n; i++)
		row_free(&rows->v[i]);
	free(rows->v);
	memset(rows, 0, sizeof(*rows));
}

const char *
row_process(const struct msg_row *r)
{
	static char text[64];

	if (r->process == P_FRONTEND)
		snprintf(text, sizeof(text), "frontend %u", r->instance);
	else
		strlcpy(text, process_name(r->process), sizeof(text));
	return (text);
}
