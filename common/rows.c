/*
 * Rows of an answer, see rows.h.  Run by nwsctl(8) and by a frontend.  Pure but
 * for memory; trusts that a process says what its rows are, and nothing of the
 * names in them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>

#include "rows.h"

static const size_t sizes[SHOW_WHATS] = {
	[SHOW_SUMMARY] = sizeof(struct msg_row_counter),
	[SHOW_CHANNELS] = sizeof(struct msg_row_channel),
	[SHOW_CLIENTS] = sizeof(struct msg_row_client),
	[SHOW_PROCESSES] = sizeof(struct msg_row_process),
	[SHOW_LIMITS] = sizeof(struct msg_row_limit),
	[SHOW_ORIGINS] = sizeof(struct msg_row_origin),
	[SHOW_LINKS] = sizeof(struct msg_row_link),
	[SHOW_PEERS] = sizeof(struct msg_row_peer),
	[SHOW_INTERFACES] = sizeof(struct msg_row_interface),
	[SHOW_DISCOVERY] = sizeof(struct msg_row_service),
	[SHOW_CHECK] = sizeof(struct msg_row_check)
};

/* How many texts follow the struct, where it is not one. */
static const size_t texts[SHOW_WHATS] = {
	[SHOW_CLIENTS] = 3, [SHOW_LINKS] = 3, [SHOW_PEERS] = 3,
	[SHOW_INTERFACES] = 3, [SHOW_DISCOVERY] = 4
};

/*
 * The texts after the struct, with a NUL between; the last has the rest.  Those
 * that are not there are empty.
 */
static int
put_texts(struct row *r, uint32_t what, const char *p, size_t n)
{
	size_t i, len;
	const char *nul;
	char *to;

	if ((to = malloc(n + ROW_TEXTS)) == NULL)
		return (-1);
	for (i = 0; i < ROW_TEXTS; i++) {
		nul = i + 1 < texts[what] ? memchr(p, '\0', n) : NULL;
		len = nul != NULL ? (size_t)(nul - p) : n;
		memcpy(to, p, len);
		to[len] = '\0';
		r->text[i] = to;
		r->text_len[i] = len;
		to += len + 1;
		p += len + (nul != NULL);
		n -= len + (nul != NULL);
	}
	return (0);
}

int
rows_add(struct rows *rows, uint32_t what, const void *data, size_t len)
{
	struct row *r;
	size_t size;

	errno = EINVAL;
	if (what >= SHOW_WHATS || len < sizes[what])
		return (-1);
	if (rows->n == rows->size) {
		size = rows->size == 0 ? 64 : 2 * rows->size;
		r = reallocarray(rows->v, size, sizeof(*rows->v));
		if (r == NULL)
			return (-1);
		rows->v = r;
		rows->size = size;
	}
	r = &rows->v[rows->n];
	memset(r, 0, sizeof(*r));
	memcpy(&r->u, data, sizes[what]);
	if (r->u.row.what != what)
		return (-1);
	if (put_texts(r, what, (const char *)data + sizes[what],
	    len - sizes[what]) == -1)
		return (-1);
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
		a->u.channel.remote += b->u.channel.remote;
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
	free(r->text[0]);
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

/* By number. */
static int
compare_number(const void *x, const void *y)
{
	const struct row *a = x, *b = y;
	uint64_t m, n;

	if (a->u.row.what == SHOW_LINKS) {
		m = a->u.link.id;
		n = b->u.link.id;
	} else {
		m = a->u.interface.index;
		n = b->u.interface.index;
	}
	return (m < n ? -1 : m > n);
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
	int (*compare)(const void *, const void *) = compare_text;

	/* Findings stay in the order that their process gave them. */
	if (rows->n == 0 || what == SHOW_CHECK)
		return;
	if (what == SHOW_PROCESSES)
		compare = compare_process;
	else if (what == SHOW_ORIGINS)
		compare = compare_origin;
	else if (what == SHOW_LINKS || what == SHOW_INTERFACES)
		compare = compare_number;
	qsort(rows->v, rows->n, sizeof(*rows->v), compare);
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
