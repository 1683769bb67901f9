/*
 * nwsctl show metrics: counters, limits and processes in the text format of
 * Prometheus, version 0.0.4.
 */
#include <err.h>
#include <string.h>

#include "nwsctl.h"

/* A name of a metric has no other characters. */
static void
put_name(struct buf *b, const char *name)
{
	buf_text(b, "nwsd_");
	for (; *name != '\0'; name++)
		buf_byte(b, (*name >= 'a' && *name <= 'z') || (*name >= 'A' &&
		    *name <= 'Z') || (*name >= '0' && *name <= '9') ?
		    (uint8_t)*name : '_');
}

static int
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), len = strlen(end);

	return (n >= len && strcmp(s + n - len, end) == 0);
}

static void
put_counters(struct buf *b, const struct rows *rows)
{
	const struct msg_row_counter *c;
	struct buf name = { NULL, 0, 0 };
	size_t i;

	for (i = 0; i < rows->n; i++) {
		c = &rows->v[i].u.counter;
		name.len = 0;
		put_name(&name, rows->v[i].text[0]);
		if (!c->gauge && !ends_with(rows->v[i].text[0], "_total"))
			buf_text(&name, "_total");
		buf_byte(&name, '\0');
		buf_printf(b, "# TYPE %s %s\n%s %llu\n", (char *)name.data,
		    c->gauge ? "gauge" : "counter", (char *)name.data,
		    (unsigned long long)c->value);
	}
	buf_free(&name);
}

static void
put_sample(struct buf *b, const char *metric, const struct row *r,
    const char *limit, uint64_t value)
{
	buf_printf(b, "%s{process=\"%s\",instance=\"%u\"", metric,
	    process_name(r->u.row.process), r->u.row.instance);
	if (limit != NULL) {
		buf_text(b, ",limit=");
		/* escapes of a label are those of JSON that can occur here */
		json_string(b, limit, strlen(limit));
	}
	buf_printf(b, "} %llu\n", (unsigned long long)value);
}

static void
put_limits(struct buf *b, const struct rows *rows)
{
	static const char *const metrics[] = { "nwsd_limit_used",
	    "nwsd_limit_max", "nwsd_limit_hits_total" };
	const struct msg_row_limit *l;
	size_t i, k;

	for (k = 0; k < 3; k++) {
		buf_printf(b, "# TYPE %s %s\n", metrics[k],
		    k == 2 ? "counter" : "gauge");
		for (i = 0; i < rows->n; i++) {
			l = &rows->v[i].u.limit;
			if (k != 1 || l->max != 0)	/* 0 is no limit */
				put_sample(b, metrics[k], &rows->v[i],
				    rows->v[i].text[0], k == 0 ? l->used :
				    k == 1 ? l->max : l->hits);
		}
	}
}

static void
put_processes(struct buf *b, const struct rows *rows)
{
	size_t i;

	buf_text(b, "# TYPE nwsd_process_starts_total counter\n");
	for (i = 0; i < rows->n; i++)
		put_sample(b, "nwsd_process_starts_total", &rows->v[i], NULL,
		    rows->v[i].u.process.starts);
	buf_text(b, "# TYPE nwsd_process_resident_memory_bytes gauge\n");
	for (i = 0; i < rows->n; i++)
		put_sample(b, "nwsd_process_resident_memory_bytes",
		    &rows->v[i], NULL, rows->v[i].u.process.rss_kib * 1024);
}

int
metrics_show(void)
{
	static const struct {
		uint32_t	what;
		void		(*put)(struct buf *, const struct rows *);
	} parts[] = {
		{ SHOW_SUMMARY, put_counters },
		{ SHOW_LIMITS, put_limits },
		{ SHOW_PROCESSES, put_processes },
	};
	struct buf out = { NULL, 0, 0 };
	struct rows rows = { NULL, 0, 0 };
	const char *problem;
	size_t i;

	if (options.json)
		return (report_error(EXIT_ERROR, "metrics are in the format of "
		    "Prometheus; `show summary' has the numbers as JSON"));
	buf_printf(&out, "# TYPE nwsd_build_info gauge\n"
	    "nwsd_build_info{version=\"%s\"} 1\n", NWSD_VERSION);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		/* half the numbers would look like a fall of all sums */
		if ((problem = rows_fetch(&rows, parts[i].what)) != NULL)
			return (report_error(EXIT_ERROR, "%s", problem));
		parts[i].put(&out, &rows);
		rows_free(&rows);
	}
	fwrite(out.data, 1, out.len, stdout);
	buf_free(&out);
	return (EXIT_DONE);
}
