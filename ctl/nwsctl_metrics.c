/*
 * nwsctl show metrics: counters, limits and processes in the text format of
 * Prometheus, as GET /metrics has them.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "../common/metrics.h"
#include "nwsctl.h"

/* Returns NULL, or what is wrong with the answer. */
static const char *
gather(struct metrics *m, uint32_t what)
{
	struct rows rows = { NULL, 0, 0 };
	const char *problem;
	size_t i;

	problem = rows_fetch(&rows, what);
	for (i = 0; problem == NULL && i < rows.n; i++) {
		if (metrics_add(m, &rows.v[i].u.row, rows.v[i].text[0],
		    rows.v[i].text_len[0]) == -1)
			problem = "more rows than expected, or unknown ones";
	}
	rows_free(&rows);
	return (problem);
}

int
metrics_show(void)
{
	static const uint32_t whats[] = { SHOW_SUMMARY, SHOW_LIMITS,
		SHOW_PROCESSES };
	struct metrics *m;
	char *text;
	size_t i, len;

	if (options.json)
		return (report_error(EXIT_ERROR, "metrics are in the format of "
		    "Prometheus; `show summary' has the numbers as JSON"));
	if ((m = metrics_new()) == NULL)
		err(EXIT_ERROR, NULL);
	for (i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
		const char *problem = gather(m, whats[i]);

		/* half the numbers would look like a fall of all sums */
		if (problem != NULL) {
			metrics_free(m);
			return (report_error(EXIT_ERROR, "%s", problem));
		}
	}
	if ((text = metrics_text(m, &len)) == NULL)
		err(EXIT_ERROR, NULL);
	fwrite(text, 1, len, stdout);
	free(text);
	metrics_free(m);
	return (EXIT_DONE);
}
