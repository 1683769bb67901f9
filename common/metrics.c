/*
 * Metrics, see metrics.h.  Run by nwsctl(8) and by a frontend.  Pure but for
 * memory; trusts nothing in a name, so that whatever a process says, what comes
 * out is the text format of Prometheus.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics.h"

#define PREFIX	"nwsd_"
#define TOTAL	"_total"	/* ends the name of every counter */

/* One row, as far as it is printed. */
struct kept {
	uint64_t	 value[3];	/* of a limit: used, max, hits */
	uint32_t	 what;
	uint32_t	 process, instance;
	uint32_t	 gauge;
	char		 name[sizeof(PREFIX) + METRICS_NAME_MAX +
			    sizeof(TOTAL)];
};

struct metrics {
	size_t		 n;
	struct kept	 kept[METRICS_ROWS_MAX];
};

/* Text that is measured while p is NULL, and then written. */
struct text {
	char	*p;
	size_t	 len, size;
};

struct metrics *
metrics_new(void)
{
	return (calloc(1, sizeof(struct metrics)));
}

void
metrics_free(struct metrics *m)
{
	free(m);
}

static int
is_name_byte(char c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_');
}

/* The name of a metric. */
static void
name_metric(struct kept *k, const char *name, size_t n)
{
	static const size_t	 end = sizeof(TOTAL) - 1;
	char			*p = k->name;
	size_t			 i;

	memcpy(p, PREFIX, sizeof(PREFIX) - 1);
	p += sizeof(PREFIX) - 1;
	for (i = 0; i < n; i++)
		*p++ = is_name_byte(name[i]) ? name[i] : '_';
	*p = '\0';
	if (!k->gauge && (n < end || memcmp(p - end, TOTAL, end) != 0))
		memcpy(p, TOTAL, sizeof(TOTAL));
}

/* The value of a label: any text, so that what is odd is merely left out. */
static void
name_label(struct kept *k, const char *name, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		k->name[i] = name[i] >= ' ' && name[i] <= '~' ? name[i] : '_';
	k->name[n] = '\0';
}

/* What a row says, without its name.  -1 for a kind that has no place here. */
static int
take(struct kept *k, const struct msg_row *row)
{
	const struct msg_row_counter	*counter = (const void *)row;
	const struct msg_row_limit	*limit = (const void *)row;
	const struct msg_row_process	*process = (const void *)row;

	switch (row->what) {
	case SHOW_SUMMARY:
		k->value[0] = counter->value;
		k->gauge = counter->gauge != 0;
		break;
	case SHOW_LIMITS:
		k->value[0] = limit->used;
		k->value[1] = limit->max;
		k->value[2] = limit->hits;
		break;
	case SHOW_PROCESSES:
		k->value[0] = process->starts;
		k->value[1] = process->rss_kib * 1024;
		break;
	default:
		return (-1);
	}
	k->what = row->what;
	if (row->what != SHOW_SUMMARY) {	/* these have no label */
		k->process = row->process;
		k->instance = row->instance;
	}
	return (0);
}

static int
compare(const void *x, const void *y)
{
	const struct kept	*a = x, *b = y;
	int			 d;

	if (a->what != b->what)
		return (a->what < b->what ? -1 : 1);
	if ((d = strcmp(a->name, b->name)) != 0)
		return (d);
	if (a->process != b->process)
		return (a->process < b->process ? -1 : 1);
	if (a->instance != b->instance)
		return (a->instance < b->instance ? -1 : 1);
	return (0);
}

/* A sample may be there once only, and the type of its metric be said once. */
static int
keep(struct metrics *m, const struct kept *k)
{
	size_t	 i;

	for (i = 0; i < m->n; i++) {
		struct kept	*old = &m->kept[i];

		if (compare(old, k) != 0)
			continue;
		if (k->what == SHOW_SUMMARY)
			old->value[0] += k->value[0];
		else
			memcpy(old->value, k->value, sizeof(old->value));
		return (0);
	}
	if (m->n == METRICS_ROWS_MAX)
		return (-1);
	m->kept[m->n++] = *k;
	return (0);
}

int
metrics_add(struct metrics *m, const struct msg_row *row, const char *name,
    size_t n)
{
	struct kept	 k;

	memset(&k, 0, sizeof(k));
	if (take(&k, row) == -1)
		return (-1);
	if (k.what == SHOW_PROCESSES)
		return (keep(m, &k));
	if (n == 0 || n > METRICS_NAME_MAX)
		return (-1);
	if (k.what == SHOW_SUMMARY)
		name_metric(&k, name, n);
	else
		name_label(&k, name, n);
	return (keep(m, &k));
}

int
metrics_add_message(struct metrics *m, const void *data, size_t n)
{
	union {
		struct msg_row		 row;
		struct msg_row_counter	 counter;
		struct msg_row_limit	 limit;
		struct msg_row_process	 process;
	} u;
	size_t	 size = sizeof(u.row);

	if (n < size)
		return (-1);
	memcpy(&u.row, data, size);
	if (u.row.what == SHOW_SUMMARY)
		size = sizeof(u.counter);
	else if (u.row.what == SHOW_LIMITS)
		size = sizeof(u.limit);
	else if (u.row.what == SHOW_PROCESSES)
		size = sizeof(u.process);
	if (n < size)
		return (-1);
	memcpy(&u, data, size);
	return (metrics_add(m, &u.row, (const char *)data + size, n - size));
}

static void __attribute__((__format__(printf, 2, 3)))
put(struct text *t, const char *fmt, ...)
{
	va_list	 ap;
	int	 n;

	va_start(ap, fmt);
	n = vsnprintf(t->p != NULL ? t->p + t->len : NULL,
	    t->p != NULL ? t->size - t->len : 0, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n;
}

static void
put_type(struct text *t, const char *metric, int gauge)
{
	put(t, "# TYPE %s %s\n", metric, gauge ? "gauge" : "counter");
}

static void
put_counters(struct text *t, const struct metrics *m)
{
	size_t	 i;

	for (i = 0; i < m->n; i++) {
		const struct kept	*k = &m->kept[i];

		if (k->what != SHOW_SUMMARY)
			continue;
		put_type(t, k->name, (int)k->gauge);
		put(t, "%s %llu\n", k->name, (unsigned long long)k->value[0]);
	}
}

/* One line, with the labels that say where it comes from. */
static void
put_sample(struct text *t, const char *metric, const struct kept *k,
    uint64_t value)
{
	put(t, "%s{process=\"%s\",instance=\"%u\"", metric,
	    process_name(k->process), k->instance);
	if (k->what == SHOW_LIMITS) {
		const char	*p;

		put(t, ",limit=\"");
		for (p = k->name; *p != '\0'; p++)
			put(t, "%s%c", *p == '"' || *p == '\\' ? "\\" : "",
			    *p);
		put(t, "\"");
	}
	put(t, "} %llu\n", (unsigned long long)value);
}

/* One metric that has a sample for each row of a kind: one of its values. */
static void
put_metric(struct text *t, const struct metrics *m, uint32_t what,
    unsigned int value, const char *metric, int gauge)
{
	size_t	 i;

	put_type(t, metric, gauge);
	for (i = 0; i < m->n; i++) {
		const struct kept	*k = &m->kept[i];

		if (k->what != what)
			continue;
		if (what == SHOW_LIMITS && value == 1 && k->value[1] == 0)
			continue;	/* there is no limit */
		put_sample(t, metric, k, k->value[value]);
	}
}

static void
put_all(struct text *t, const struct metrics *m)
{
	put_type(t, PREFIX "build_info", 1);
	put(t, PREFIX "build_info{version=\"%s\"} 1\n", NWSD_VERSION);
	put_counters(t, m);
	put_metric(t, m, SHOW_LIMITS, 0, PREFIX "limit_used", 1);
	put_metric(t, m, SHOW_LIMITS, 1, PREFIX "limit_max", 1);
	put_metric(t, m, SHOW_LIMITS, 2, PREFIX "limit_hits" TOTAL, 0);
	put_metric(t, m, SHOW_PROCESSES, 0, PREFIX "process_starts" TOTAL, 0);
	put_metric(t, m, SHOW_PROCESSES, 1,
	    PREFIX "process_resident_memory_bytes", 1);
}

char *
metrics_text(struct metrics *m, size_t *len)
{
	struct text	 t = { NULL, 0, 0 };

	qsort(m->kept, m->n, sizeof(m->kept[0]), compare);
	put_all(&t, m);
	t.size = t.len + 1;
	if ((t.p = malloc(t.size)) == NULL)
		return (NULL);
	t.len = 0;
	put_all(&t, m);
	*len = t.len;
	return (t.p);
}
