/* Rates (GCRA) and the table of where clients come from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/rate.h"
#include "frontend/source.h"

/* How many of n messages pass at once, and then in each of so many steps. */
static unsigned int
passed(const struct conf_rate *r, int64_t *tat, int64_t now, unsigned int n)
{
	unsigned int	i;

	for (i = 0; i < n && rate_wait(r, *tat, now) == 0; i++)
		rate_take(r, tat, now);
	return (i);
}

static void
test_burst(void **state)
{
	static const struct {
		const char	*name;
		uint32_t	 rate, burst;
	} cases[] = {
		{ "one each second", 1, 1 },
		{ "burst of one", 1000, 1 },
		{ "burst below the rate", 1000, 10 },
		{ "burst above the rate", 10, 1000 },
		{ "the example of the man page", 1000, 2000 },
		{ "largest interval, largest burst", 1, 2000000 },
	};
	struct conf_rate	r;
	int64_t			tat;
	size_t			i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		r = (struct conf_rate){ cases[i].rate, cases[i].burst };
		tat = 0;
		if (passed(&r, &tat, 5000000, r.burst + 1) != r.burst)
			fail_msg("%s", cases[i].name);
		/* One more after one interval, and not before. */
		assert_true(rate_wait(&r, tat, 5000000) <= 1000000 / r.rate);
		assert_true(rate_wait(&r, tat, 5000000 + 1000000 / r.rate) ==
		    0);
		assert_true(rate_wait(&r, tat, 5000000 + 1000000 / r.rate -
		    1) == 1);
		/* After a long silence the whole burst is there again. */
		assert_int_equal(passed(&r, &tat, (int64_t)1 << 52,
		    r.burst + 1), r.burst);
	}
}

/* Over a long time as many pass as the rate says, however often one asks. */
static void
test_steady(void **state)
{
	static const uint32_t	rates[] = { 1, 3, 1000, 300000, 600000, 999999,
				    1000000 };
	struct conf_rate	r = { .burst = 20000 };
	uint64_t		n, least;
	int64_t			tat, now;
	size_t			i;

	(void)state;
	for (i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		r.rate = rates[i];
		n = 0;
		tat = 0;
		for (now = 1; now <= 10000000; now += 10000)
			n += passed(&r, &tat, now, 20000);
		least = (uint64_t)r.rate * 999 / 100;
		assert_in_range(n, least, least + least / 500 + r.burst);
	}
}

static void
test_none(void **state)
{
	const struct conf_rate	none = { 0, 0 };
	int64_t			tat = 7;

	(void)state;
	assert_true(rate_wait(&none, INT64_MAX, 0) == 0);
	rate_take(&none, &tat, 100);
	assert_true(tat == 7);
}

/* A rate that a reload takes away or lowers must not leave anybody behind. */
static void
test_reload(void **state)
{
	const struct conf_rate	slow = { 1, 1 }, fast = { 1000, 10 };
	int64_t			tat = 0;

	(void)state;
	assert_int_equal(passed(&slow, &tat, 1000000, 5), 1);
	assert_true(rate_wait(&fast, tat, 1000000) <= 1000000);
	assert_true(rate_wait(&fast, tat, 2000000) == 0);
}

static void
test_sources(void **state)
{
	struct source	*a, *b, *s[1000];
	char		 key[16];
	int		 i;

	(void)state;
	assert_non_null(a = source_ref("https://a", 9));
	assert_ptr_equal(source_ref("https://ab", 9), a);
	assert_string_equal(a->key, "https://a");
	assert_int_equal(a->refs, 2);
	assert_non_null(b = source_ref("https://a", 8));
	assert_ptr_not_equal(a, b);
	/* Addresses have zero bytes in them. */
	memset(key, 0, sizeof(key));
	for (i = 0; i < 1000; i++) {
		key[14] = (char)(i >> 8);
		key[15] = (char)i;
		assert_non_null(s[i] = source_ref(key, sizeof(key)));
		assert_int_equal(s[i]->refs, 1);
	}
	for (i = 0; i < 1000; i += 2)
		source_unref(s[i]);
	for (i = 1; i < 1000; i += 2) {
		key[14] = (char)(i >> 8);
		key[15] = (char)i;
		assert_ptr_equal(source_ref(key, sizeof(key)), s[i]);
		source_unref(s[i]);
		source_unref(s[i]);
	}
	source_unref(a);
	source_unref(a);
	source_unref(b);
	source_unref(NULL);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_sources),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
