/*
 * common/metrics.c: rows in, text of Prometheus out, held against a strict
 * reader of that format.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/metrics.h"

#define LINES_MAX	8192

/* The text format, version 0.0.4, as far as nwsd uses it. */
#define NAME	"[a-zA-Z_][a-zA-Z0-9_]*"
#define LABEL	NAME "=\"([^\"\\]|\\\\[\\\"n])*\""
#define TYPE	"^# TYPE (" NAME ") (counter|gauge)$"
#define SAMPLE	"^(" NAME ")([{]" LABEL "(," LABEL ")*[}])? ([0-9]+)$"

static struct metrics *
metrics(void)
{
	struct metrics	*m = metrics_new();

	assert_non_null(m);
	return (m);
}

static int
add_counter(struct metrics *m, const char *name, uint64_t value, int gauge)
{
	struct msg_row_counter	row;

	memset(&row, 0, sizeof(row));
	row.row.what = SHOW_SUMMARY;
	row.row.process = P_FRONTEND;
	row.value = value;
	row.gauge = (uint32_t)gauge;
	return (metrics_add(m, &row.row, name, strlen(name)));
}

static int
add_limit(struct metrics *m, uint32_t instance, const char *name,
    uint64_t used, uint64_t max, uint64_t hits)
{
	struct msg_row_limit	row;

	memset(&row, 0, sizeof(row));
	row.row.what = SHOW_LIMITS;
	row.row.process = P_FRONTEND;
	row.row.instance = instance;
	row.used = used;
	row.max = max;
	row.hits = hits;
	return (metrics_add(m, &row.row, name, strlen(name)));
}

static int
add_process(struct metrics *m, uint32_t process, uint32_t instance,
    uint64_t starts, uint64_t rss_kib)
{
	struct msg_row_process	row;

	memset(&row, 0, sizeof(row));
	row.row.what = SHOW_PROCESSES;
	row.row.process = process;
	row.row.instance = instance;
	row.starts = starts;
	row.rss_kib = rss_kib;
	return (metrics_add(m, &row.row, NULL, 0));
}

static int
matches(const char *pattern, const char *line, regmatch_t *at)
{
	regex_t	re;
	int	r;

	assert_int_equal(regcomp(&re, pattern, REG_EXTENDED), 0);
	r = regexec(&re, line, 8, at, 0);
	regfree(&re);
	return (r == 0);
}

/*
 * What Prometheus demands: each line is a type or a sample; the type of a
 * metric is said once, before its samples, which stand together; no series is
 * there twice; a counter ends with _total, a gauge does not.
 */
static void
check_text(const char *text, size_t len)
{
	static char	*series[LINES_MAX], *types[LINES_MAX];
	char		*copy = strdup(text), *line, *next, *type = copy;
	regmatch_t	 at[8];
	size_t		 i, nseries = 0, ntypes = 0;
	int		 counter;

	assert_int_equal(strlen(text), len);
	assert_true(len > 0 && text[len - 1] == '\n');
	assert_non_null(copy);
	for (line = copy; *line != '\0'; line = next) {
		next = strchr(line, '\n');
		*next++ = '\0';
		if (matches(TYPE, line, at)) {
			counter = line[at[2].rm_so] == 'c';
			type = line + at[1].rm_so;
			line[at[1].rm_eo] = '\0';
			i = strlen(type);
			assert_int_equal(counter, i > 6 &&
			    strcmp(type + i - 6, "_total") == 0);
			for (i = 0; i < ntypes; i++)
				assert_string_not_equal(types[i], type);
			types[ntypes++] = type;
			continue;
		}
		if (!matches(SAMPLE, line, at))
			fail_msg("not a line of the format: %s", line);
		assert_true(ntypes > 0);
		assert_int_equal(strlen(type), at[1].rm_eo);
		assert_memory_equal(type, line, strlen(type));
		*strrchr(line, ' ') = '\0';
		for (i = 0; i < nseries; i++)
			assert_string_not_equal(series[i], line);
		assert_true(nseries < LINES_MAX);
		series[nseries++] = line;
	}
	free(copy);
}

/* The reader is as strict as it says. */
static void
test_reader(void **state)
{
	static const char *const	good[] = { "a 1", "a{b=\"\"} 1",
	    "a{b=\"c\",d=\"} 1\"} 18446744073709551615", "a{b=\"\\\\\"} 1",
	    "a{b=\"\\\"\\n\"} 1" };
	static const char *const	bad[] = { "", "a", "a ", "1 1", "a 1 ",
	    " a 1", "a  1", "a -1", "a-b 1", "a{} 1", "a{b=\"c\",} 1",
	    "a{b=c} 1", "a{b=\"c\"}1", "a{b=\"\\\"} 1", "a{b=\"\"\"} 1",
	    "a{b=\"\\t\"} 1", "a{1=\"\"} 1", "a\"b 1" };
	regmatch_t			at[8];
	size_t				i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!matches(SAMPLE, good[i], at))
			fail_msg("refused: %s", good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (matches(SAMPLE, bad[i], at))
			fail_msg("taken: %s", bad[i]);
}

/* The text, checked; to be freed.  Frees m. */
static char *
text_of(struct metrics *m)
{
	char	*text;
	size_t	 len;

	text = metrics_text(m, &len);
	assert_non_null(text);
	metrics_free(m);
	check_text(text, len);
	return (text);
}

#define BUILD								\
	"# TYPE nwsd_build_info gauge\n"				\
	"nwsd_build_info{version=\"" NWSD_VERSION "\"} 1\n"

static void
test_whole(void **state)
{
	struct metrics	*m = metrics();
	char		*text;

	(void)state;
	assert_int_equal(add_process(m, P_ROUTER, 0, 2, 3), 0);
	assert_int_equal(add_counter(m, "z_total", 1, 0), 0);
	assert_int_equal(add_limit(m, 1, "queue-total", 5, 7, 9), 0);
	assert_int_equal(add_counter(m, "a", 4, 1), 0);
	assert_int_equal(add_limit(m, 0, "queue-total", 6, 0, 8), 0);
	assert_int_equal(add_process(m, P_PARENT, 0, 1, 1), 0);
	text = text_of(m);
	assert_string_equal(text, BUILD
	    "# TYPE nwsd_a gauge\n"
	    "nwsd_a 4\n"
	    "# TYPE nwsd_z_total counter\n"
	    "nwsd_z_total 1\n"
	    "# TYPE nwsd_limit_used gauge\n"
	    "nwsd_limit_used{process=\"frontend\",instance=\"0\","
	    "limit=\"queue-total\"} 6\n"
	    "nwsd_limit_used{process=\"frontend\",instance=\"1\","
	    "limit=\"queue-total\"} 5\n"
	    "# TYPE nwsd_limit_max gauge\n"
	    "nwsd_limit_max{process=\"frontend\",instance=\"1\","
	    "limit=\"queue-total\"} 7\n"
	    "# TYPE nwsd_limit_hits_total counter\n"
	    "nwsd_limit_hits_total{process=\"frontend\",instance=\"0\","
	    "limit=\"queue-total\"} 8\n"
	    "nwsd_limit_hits_total{process=\"frontend\",instance=\"1\","
	    "limit=\"queue-total\"} 9\n"
	    "# TYPE nwsd_process_starts_total counter\n"
	    "nwsd_process_starts_total{process=\"parent\",instance=\"0\"} 1\n"
	    "nwsd_process_starts_total{process=\"router\",instance=\"0\"} 2\n"
	    "# TYPE nwsd_process_resident_memory_bytes gauge\n"
	    "nwsd_process_resident_memory_bytes{process=\"parent\","
	    "instance=\"0\"} 1024\n"
	    "nwsd_process_resident_memory_bytes{process=\"router\","
	    "instance=\"0\"} 3072\n");
	free(text);
}

static void
test_empty(void **state)
{
	char	*text = text_of(metrics());

	(void)state;
	assert_memory_equal(text, BUILD, strlen(BUILD));
	free(text);
	metrics_free(NULL);
}

/* Counters of several processes are one; a limit that comes again is new. */
static void
test_same(void **state)
{
	struct metrics	*m = metrics();
	char		*text;

	(void)state;
	assert_int_equal(add_counter(m, "n", 3, 0), 0);
	assert_int_equal(add_counter(m, "n_total", 4, 0), 0);
	assert_int_equal(add_counter(m, "a-b", 1, 1), 0);
	assert_int_equal(add_counter(m, "a_b", 1, 1), 0);
	assert_int_equal(add_counter(m, "most", UINT64_MAX, 1), 0);
	assert_int_equal(add_limit(m, 0, "l", 1, 1, 1), 0);
	assert_int_equal(add_limit(m, 0, "l", 2, 2, 2), 0);
	assert_int_equal(add_process(m, P_ROUTER, 0, 1, 1), 0);
	assert_int_equal(add_process(m, P_ROUTER, 0, 2, 2), 0);
	text = text_of(m);
	assert_non_null(strstr(text, "\nnwsd_n_total 7\n"));
	assert_non_null(strstr(text, "\nnwsd_a_b 2\n"));
	assert_non_null(strstr(text, "\nnwsd_most 18446744073709551615\n"));
	assert_non_null(strstr(text, "limit=\"l\"} 2\n"));
	assert_null(strstr(text, "limit=\"l\"} 1\n"));
	free(text);
}

/* Whatever the name: what comes out is the format. */
static void
test_names(void **state)
{
	static const struct {
		const char	*name, *metric, *label;
	} cases[] = {
		{ "plain", "nwsd_plain_total", "\"plain\"" },
		{ "1", "nwsd_1_total", "\"1\"" },
		{ "_total", "nwsd__total", "\"_total\"" },
		{ "total", "nwsd_total_total", "\"total\"" },
		{ "a\"b", "nwsd_a_b_total", "\"a\\\"b\"" },
		{ "a\\n", "nwsd_a_n_total", "\"a\\\\n\"" },
		{ "a\nb", "nwsd_a_b_total", "\"a_b\"" },
		{ "} 1", "nwsd___1_total", "\"} 1\"" },
		{ "\xc3\xa4\x7f", "nwsd_____total", "\"___\"" },
		{ "%s%n", "nwsd__s_n_total", "\"%s%n\"" },
	};
	char		*text, want[256];
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct metrics	*m = metrics();

		assert_int_equal(add_counter(m, cases[i].name, 1, 0), 0);
		assert_int_equal(add_limit(m, 0, cases[i].name, 1, 1, 1), 0);
		text = text_of(m);
		snprintf(want, sizeof(want), "\n%s 1\n", cases[i].metric);
		if (strstr(text, want) == NULL)
			fail_msg("no %s in:\n%s", want, text);
		snprintf(want, sizeof(want), ",limit=%s} 1\n", cases[i].label);
		if (strstr(text, want) == NULL)
			fail_msg("no %s in:\n%s", want, text);
		free(text);
	}
}

static void
test_name_length(void **state)
{
	struct metrics	*m = metrics();
	char		 name[METRICS_NAME_MAX + 2];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[METRICS_NAME_MAX + 1] = '\0';
	assert_int_equal(add_counter(m, name, 1, 0), -1);
	assert_int_equal(add_limit(m, 0, name, 1, 1, 1), -1);
	assert_int_equal(add_counter(m, "", 1, 0), -1);
	assert_int_equal(add_limit(m, 0, "", 1, 1, 1), -1);
	name[METRICS_NAME_MAX] = '\0';
	assert_int_equal(add_counter(m, name, 1, 0), 0);
	assert_int_equal(add_limit(m, 0, name, 1, 1, 1), 0);
	memset(name, '"', METRICS_NAME_MAX);
	assert_int_equal(add_limit(m, 0, name, 1, 1, 1), 0);
	free(text_of(m));
}

static void
test_row_count(void **state)
{
	struct metrics	*m = metrics();
	char		 name[32];
	uint32_t	 i;

	(void)state;
	for (i = 0; i < METRICS_ROWS_MAX; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(add_counter(m, name, i, 1), 0);
	}
	assert_int_equal(add_counter(m, "n0", 1, 1), 0);
	assert_int_equal(add_counter(m, "other", 1, 1), -1);
	assert_int_equal(add_process(m, P_ROUTER, 0, 1, 1), -1);
	free(text_of(m));
}

/* Messages, as they come from a pipe, cut at every length. */
static void
test_messages(void **state)
{
	static const struct {
		uint32_t	what;
		size_t		least;	/* that is enough */
	} cases[] = {
		{ SHOW_SUMMARY, sizeof(struct msg_row_counter) + 1 },
		{ SHOW_LIMITS, sizeof(struct msg_row_limit) + 1 },
		{ SHOW_PROCESSES, sizeof(struct msg_row_process) },
		{ SHOW_CHANNELS, SIZE_MAX },
		{ SHOW_CLIENTS, SIZE_MAX },
		{ SHOW_ORIGINS, SIZE_MAX },
		{ SHOW_WHATS, SIZE_MAX },
		{ UINT32_MAX, SIZE_MAX },
	};
	struct msg_row	 row = { 0, P_ROUTER, 0, 0 };
	uint8_t		 all[100], *copy;
	size_t		 i, n;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (n = 0; n < sizeof(all); n++) {
			struct metrics	*m = metrics();

			memset(all, 'x', sizeof(all));
			row.what = cases[i].what;
			memcpy(all, &row, sizeof(row));
			/* of exactly this size, for the sanitizer to watch */
			assert_non_null(copy = malloc(n > 0 ? n : 1));
			memcpy(copy, all, n);
			assert_int_equal(metrics_add_message(m, copy, n),
			    n >= cases[i].least ? 0 : -1);
			free(copy);
			free(text_of(m));
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reader),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_name_length),
		cmocka_unit_test(test_row_count),
		cmocka_unit_test(test_messages),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
