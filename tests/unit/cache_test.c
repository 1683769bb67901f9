/* discovery/cache.c: RFC 6762, 5.2 and 10, and its bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "discovery/cache.h"
#include "discovery/mdns.h"

#define MAX 8

static unsigned int gone;

static void
count_gone(void *arg, const struct cache_entry *e)
{
	(void)arg;
	assert_non_null(e);
	gone++;
}

static struct dns_record *
address(const char *name, uint8_t last, uint32_t ttl, int flush)
{
	static struct dns_record rr;

	memset(&rr, 0, sizeof(rr));
	(void)dns_name_set(&rr.name, name);
	rr.type = DNS_A;
	rr.class = DNS_IN;
	rr.ttl = ttl;
	rr.flush = flush;
	rr.u.a[3] = last;
	return (&rr);
}

static enum cache_put
put(struct cache *c, const struct dns_record *rr, uint64_t now)
{
	return (cache_put(c, 1, rr, 4, 0, now, NULL));
}

static int
setup(void **state)
{
	static struct cache c;

	cache_init(&c, MAX, count_gone, NULL);
	gone = 0;
	*state = &c;
	return (0);
}

static int
teardown(void **state)
{
	cache_clear(*state);
	return (0);
}

static void
test_refresh(void **state)
{
	static const uint64_t points[] = { 80000, 85000, 90000, 95000 };
	struct cache *c = *state;
	size_t i;

	assert_int_equal(cache_due(c), MDNS_NEVER);
	assert_int_equal(put(c, address("a.local", 1, 100, 1), 0), CACHE_NEW);
	for (i = 0; i < 4; i++) {
		assert_int_equal(cache_due(c), points[i]);
		assert_null(cache_turn(c, points[i] - 1));
		assert_non_null(cache_turn(c, points[i]));
		assert_null(cache_turn(c, points[i]));
	}
	assert_int_equal(cache_due(c), 100000);
	/* Confirmed, it begins anew; with the largest jitter 2 % later. */
	assert_int_equal(cache_put(c, 1, address("A.local", 1, 100, 1), 4,
			     CACHE_JITTER_MAX, 96000, NULL),
	    CACHE_RENEWED);
	assert_int_equal(cache_due(c), 96000 + 82000);
	/* Several points at once are one. */
	assert_non_null(cache_turn(c, 96000 + 94000));
	assert_null(cache_turn(c, 96000 + 94000));
	assert_int_equal(gone, 0);
	assert_null(cache_turn(c, 196000));
	assert_int_equal(gone, 1);
	assert_int_equal(c->count, 0);
}

static void
test_goodbye(void **state)
{
	struct cache *c = *state;

	assert_int_equal(put(c, address("a.local", 1, 0, 0), 0), CACHE_NOTHING);
	assert_int_equal(put(c, address("a.local", 1, 120, 0), 0), CACHE_NEW);
	assert_int_equal(put(c, address("a.local", 1, 0, 0), 500),
	    CACHE_LEAVING);
	assert_int_equal(cache_due(c), 1500);
	/* Another one does not put it off. */
	(void)put(c, address("a.local", 1, 0, 0), 1000);
	assert_int_equal(cache_due(c), 1500);
	/* But the one who holds it may save it (10.1). */
	assert_int_equal(put(c, address("a.local", 1, 120, 0), 1400),
	    CACHE_RENEWED);
	assert_null(cache_turn(c, 1500));
	assert_int_equal(c->count, 1);
}

static void
test_flush(void **state)
{
	struct cache *c = *state;
	uint8_t i;

	(void)put(c, address("a.local", 1, 120, 0), 0);
	(void)put(c, address("b.local", 1, 120, 0), 0);
	(void)cache_put(c, 2, address("a.local", 1, 120, 0), 4, 0, 0, NULL);
	(void)put(c, address("a.local", 2, 120, 1), 1000);
	/* A second old is not yet older than a second. */
	assert_int_equal(cache_due(c), 96000);
	(void)put(c, address("a.local", 3, 120, 1), 1001);
	assert_int_equal(cache_due(c), 2001);
	assert_null(cache_turn(c, 2001));
	/* Of that name and link, of before: one. */
	assert_int_equal(gone, 1);
	assert_int_equal(c->count, 4);
	/* Of those that several hosts share none, and there is no limit. */
	for (i = 10; i < 14; i++)
		(void)cache_put(c, 1, address("a.local", i, 120, 1), 0, 0, 9000,
		    NULL);
	assert_null(cache_turn(c, 20000));
	assert_int_equal(gone, 1);
	assert_int_equal(c->count, 8);
}

static void
test_bounds(void **state)
{
	struct cache *c = *state;
	struct cache_entry *e;
	char name[32];
	uint8_t i;

	for (i = 0; i < 4; i++)
		(void)put(c, address("a.local", i, 120, 0), i);
	assert_int_equal(c->count, 4);
	assert_int_equal(gone, 0);
	(void)put(c, address("a.local", 0, 120, 0), 5);
	(void)put(c, address("a.local", 9, 120, 0), 6);
	assert_int_equal(c->count, 4);
	assert_int_equal(gone, 1);
	assert_null(cache_find(c, 1, address("a.local", 1, 0, 0)));
	assert_non_null(cache_find(c, 1, address("a.local", 0, 0, 0)));
	for (i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "b%u.local", i);
		(void)put(c, address(name, 1, 120, 0), 7);
	}
	assert_int_equal(c->count, MAX);
	assert_int_equal(gone, 1);
	assert_non_null(e = cache_find(c, 1, address("a.local", 2, 0, 0)));
	cache_keep(c, e, 1);
	(void)put(c, address("c.local", 1, 120, 0), 8);
	assert_int_equal(c->count, MAX);
	assert_int_equal(gone, 2);
	assert_non_null(cache_find(c, 1, address("a.local", 2, 0, 0)));
	assert_null(cache_find(c, 1, address("a.local", 3, 0, 0)));
	cache_remove_link(c, 1);
	assert_int_equal(c->count, 0);
	assert_int_equal(gone, 2 + MAX);
}

static void
test_large(void **state)
{
	struct cache *c = *state;
	struct dns_record rr = *address("a.local", 0, UINT32_MAX, 0);
	uint8_t txt[CACHE_RDATA_MAX + 1];
	struct cache_entry *e;

	assert_int_equal(cache_put(c, 1, &rr, 4, 0, 0, &e), CACHE_NEW);
	assert_int_equal(e->expires_ms, (uint64_t)CACHE_TTL_MAX * 1000);
	memset(txt, 0, sizeof(txt));
	rr.type = DNS_TXT;
	rr.u.txt.p = txt;
	rr.u.txt.len = CACHE_RDATA_MAX + 1;
	assert_int_equal(put(c, &rr, 0), CACHE_REFUSED);
	rr.u.txt.len = CACHE_RDATA_MAX;
	assert_int_equal(put(c, &rr, 0), CACHE_NEW);
	rr.type = 13;
	assert_int_equal(put(c, &rr, 0), CACHE_REFUSED);
}

static void
test_fresh(void **state)
{
	struct cache *c = *state;
	struct cache_entry *e;
	struct dns_record rr;

	(void)cache_put(c, 1, address("a.local", 7, 120, 1), 4, 0, 0, &e);
	assert_true(cache_fresh(e, 59999));
	assert_false(cache_fresh(e, 60000));
	cache_record(e, 30500, &rr);
	assert_int_equal(rr.ttl, 89);
	assert_true(dns_record_same(&rr, address("A.LOCAL", 7, 0, 0)));
	cache_doubt(c, e, 1000);
	assert_false(cache_fresh(e, 1000));
	assert_int_equal(cache_due(c), 9000);
	assert_ptr_equal(cache_turn(c, 9000), e);
	(void)put(c, address("a.local", 7, 120, 1), 9500);
	assert_true(cache_fresh(e, 9500));
	cache_doubt(c, e, 10000);
	assert_null(cache_turn(c, 20000));
	assert_int_equal(c->count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_refresh, setup, teardown),
		cmocka_unit_test_setup_teardown(test_goodbye, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flush, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fresh, setup, teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
