/* common/idmap.c, common/hash.c and common/tally.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/idmap.h"
#include "common/tally.h"

#define N	4000

static char values[N + 1];

/* A fixed sequence, so that a failure repeats (splitmix64). */
static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (z ^ (z >> 31));
}

static void
test_empty(void **state)
{
	struct idmap m = { 0 };
	size_t at = 0;

	(void)state;
	assert_null(idmap_get(&m, 1));
	assert_null(idmap_get(&m, 0));
	assert_null(idmap_del(&m, 1));
	assert_null(idmap_del(&m, 0));
	assert_null(idmap_iterate(&m, &at, NULL));
	assert_int_equal(idmap_memory(&m), 0);
	idmap_clear(&m);
}

static void
test_refused(void **state)
{
	struct idmap m = { 0 };

	(void)state;
	errno = 0;
	assert_int_equal(idmap_put(&m, 0, values), -1);
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_int_equal(idmap_put(&m, 1, NULL), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(m.count, 0);
	idmap_clear(&m);
}

static void
test_replace(void **state)
{
	struct idmap m = { 0 };

	(void)state;
	assert_int_equal(idmap_put(&m, 7, &values[0]), 0);
	assert_int_equal(idmap_put(&m, 7, &values[1]), 0);
	assert_int_equal(m.count, 1);
	assert_ptr_equal(idmap_get(&m, 7), &values[1]);
	assert_ptr_equal(idmap_del(&m, 7), &values[1]);
	assert_null(idmap_get(&m, 7));
	assert_int_equal(m.count, 0);
	idmap_clear(&m);
}

/* What a map must take: ids as they are made, and as an enemy would. */
static uint64_t
id_random(unsigned int i)
{
	uint64_t s = i;

	return (next_random(&s) >> 1 | 1);
}

static uint64_t
id_sequence(unsigned int i)
{
	return (i + 1);
}

static uint64_t
id_same_low(unsigned int i)
{
	return ((uint64_t)(i + 1) << 40);
}

static uint64_t
id_descending(unsigned int i)
{
	return (UINT64_MAX - i);
}

static const struct {
	const char	*name;
	uint64_t	(*id)(unsigned int);
} kinds[] = {
	{ "random", id_random },
	{ "sequence", id_sequence },
	{ "same low bits", id_same_low },
	{ "descending from the largest", id_descending }
};

/* Every id of present[] and no other is in the map, and met once on a walk. */
static void
check_all(const struct idmap *m, uint64_t (*make)(unsigned int),
    const uint8_t *present)
{
	static uint8_t seen[N];
	size_t at = 0, count = 0;
	unsigned int i;
	uint64_t id;
	char *v;

	memset(seen, 0, sizeof(seen));
	for (i = 0; i < N; i++) {
		v = idmap_get(m, make(i));
		if (present[i]) {
			assert_ptr_equal(v, &values[i]);
			count++;
		} else
			assert_null(v);
	}
	assert_int_equal(m->count, count);
	while ((v = idmap_iterate(m, &at, &id)) != NULL) {
		i = (unsigned int)(v - values);
		assert_true(i < N);
		assert_true(make(i) == id);
		assert_int_equal(seen[i], 0);
		seen[i] = 1;
		count--;
	}
	assert_int_equal(count, 0);
	assert_null(idmap_iterate(m, &at, NULL));
}

static void
test_grow_and_shrink(void **state)
{
	static uint8_t present[N];
	struct idmap m;
	unsigned int i, k;
	size_t most;

	(void)state;
	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		memset(&m, 0, sizeof(m));
		memset(present, 0, sizeof(present));
		for (i = 0; i < N; i++) {
			assert_int_equal(idmap_put(&m, kinds[k].id(i),
			    &values[i]), 0);
			present[i] = 1;
			assert_true(m.count * 16 * 4 <= idmap_memory(&m) * 3);
			if (i % 500 == 0)
				check_all(&m, kinds[k].id, present);
		}
		check_all(&m, kinds[k].id, present);
		most = idmap_memory(&m);
		assert_true(most <= 8192 * 16);
		for (i = 0; i < N; i++) {
			assert_ptr_equal(idmap_del(&m, kinds[k].id(i)),
			    &values[i]);
			present[i] = 0;
			if (i % 500 == 0)
				check_all(&m, kinds[k].id, present);
		}
		check_all(&m, kinds[k].id, present);
		assert_int_equal(idmap_memory(&m), 256);
		idmap_clear(&m);
		assert_int_equal(idmap_memory(&m), 0);
		assert_int_equal(idmap_put(&m, 5, values), 0);
		assert_ptr_equal(idmap_get(&m, 5), values);
		idmap_clear(&m);
	}
}

/* The load at its bound and one past it: 12 of 16 slots, then 32. */
static void
test_bound(void **state)
{
	struct idmap m = { 0 };
	unsigned int i;

	(void)state;
	for (i = 1; i <= 12; i++)
		assert_int_equal(idmap_put(&m, i, &values[i]), 0);
	assert_int_equal(idmap_memory(&m), 16 * 16);
	/* Replacing needs no room. */
	assert_int_equal(idmap_put(&m, 12, &values[0]), 0);
	assert_int_equal(idmap_memory(&m), 16 * 16);
	assert_int_equal(idmap_put(&m, 13, &values[13]), 0);
	assert_int_equal(idmap_memory(&m), 32 * 16);
	while (m.count > 6)
		assert_non_null(idmap_del(&m, m.count));
	assert_int_equal(idmap_memory(&m), 32 * 16);
	assert_non_null(idmap_del(&m, 6));
	assert_int_equal(idmap_memory(&m), 16 * 16);
	for (i = 1; i <= 5; i++)
		assert_ptr_equal(idmap_get(&m, i), &values[i]);
	idmap_clear(&m);
}

/* Long mixed run against the plainest thing that does the same. */
static void
test_against_array(void **state)
{
	static uint8_t present[N];
	struct idmap m = { 0 };
	uint64_t seed = 1, r;
	unsigned int i, k, n;

	(void)state;
	memset(present, 0, sizeof(present));
	for (n = 0; n < 400000; n++) {
		r = next_random(&seed);
		i = (unsigned int)(r % N);
		/* Phases that grow and phases that shrink. */
		k = (n / 50000) % 2 == 0 ? 70 : 30;
		if ((r >> 32) % 100 < k) {
			assert_int_equal(idmap_put(&m, id_random(i),
			    &values[i]), 0);
			present[i] = 1;
		} else {
			assert_ptr_equal(idmap_del(&m, id_random(i)),
			    present[i] ? &values[i] : NULL);
			present[i] = 0;
		}
		if (n % 20000 == 0)
			check_all(&m, id_random, present);
	}
	check_all(&m, id_random, present);
	idmap_clear(&m);
}

/* The vectors of the SipHash paper's appendix and its reference code. */
static void
test_siphash(void **state)
{
	static const struct {
		size_t		len;
		uint64_t	hash;
	} vectors[] = {
		{ 0, 0x726fdb47dd0e0e31ULL },
		{ 1, 0x74f839c593dc67fdULL },
		{ 8, 0x93f5f5799a932462ULL },
		{ 15, 0xa129ca6149be45e5ULL }
	};
	uint8_t key[16], in[16];
	unsigned int i;

	(void)state;
	for (i = 0; i < 16; i++)
		key[i] = in[i] = (uint8_t)i;
	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		assert_true(siphash24(key, in, vectors[i].len) ==
		    vectors[i].hash);
	assert_true(hash_bytes("a", 1) == hash_bytes("a", 1));
	assert_true(hash_bytes("a", 1) != hash_bytes("b", 1));
	assert_true(hash_salt() != hash_salt());
}

static void
test_tally(void **state)
{
	struct tally t = { 0 };
	struct tally_key *a, *b, *empty;

	(void)state;
	assert_int_equal(tally_count(&t, "a", 1), 0);
	a = tally_ref(&t, "a", 1);
	assert_non_null(a);
	assert_ptr_equal(tally_ref(&t, "a", 1), a);
	b = tally_ref(&t, "ab", 2);
	assert_ptr_not_equal(a, b);
	empty = tally_ref(&t, NULL, 0);
	assert_non_null(empty);
	assert_int_equal(t.count, 3);
	assert_int_equal(tally_count(&t, "a", 1), 2);
	assert_int_equal(tally_count(&t, "ab", 2), 1);
	assert_int_equal(tally_count(&t, "", 0), 1);
	assert_int_equal(tally_count(&t, "b", 1), 0);
	assert_int_equal(tally_largest(&t), 2);
	tally_unref(&t, a);
	assert_int_equal(tally_count(&t, "a", 1), 1);
	tally_unref(&t, a);
	assert_int_equal(tally_count(&t, "a", 1), 0);
	assert_int_equal(t.count, 2);
	tally_unref(&t, b);
	tally_unref(&t, empty);
	tally_unref(&t, NULL);
	assert_int_equal(t.count, 0);
	assert_int_equal(tally_largest(&t), 0);
	idmap_clear(&t.keys);
}

static void
test_tally_many(void **state)
{
	static struct tally_key *keys[N];
	struct tally t = { 0 };
	char name[16];
	unsigned int i;

	(void)state;
	for (i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "k%u", i);
		keys[i] = tally_ref(&t, name, strlen(name));
		assert_non_null(keys[i]);
	}
	assert_int_equal(t.count, N);
	for (i = 0; i < N; i += 2)
		tally_unref(&t, keys[i]);
	for (i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "k%u", i);
		assert_int_equal(tally_count(&t, name, strlen(name)), i % 2);
	}
	for (i = 1; i < N; i += 2)
		tally_unref(&t, keys[i]);
	assert_int_equal(t.count, 0);
	idmap_clear(&t.keys);
}

/* Keys of one hash, which nobody can make at will: put in by hand. */
static void
test_tally_chain(void **state)
{
	struct tally t = { 0 };
	struct tally_key *k[3], *first = NULL;
	unsigned int i, j, order;
	static const unsigned int orders[][3] = {
		{ 0, 1, 2 }, { 2, 1, 0 }, { 1, 0, 2 }, { 1, 2, 0 }
	};

	(void)state;
	for (order = 0; order < 4; order++) {
		first = NULL;
		for (i = 0; i < 3; i++) {
			k[i] = calloc(1, sizeof(*k[i]) + 1);
			assert_non_null(k[i]);
			k[i]->hash = 99;
			k[i]->count = 1;
			k[i]->len = 1;
			k[i]->bytes[0] = (uint8_t)i;
			k[i]->next = first;
			first = k[i];
			assert_int_equal(idmap_put(&t.keys, 99, first), 0);
			t.count++;
		}
		for (i = 0; i < 3; i++) {
			j = orders[order][i];
			tally_unref(&t, k[j]);
			assert_int_equal(t.count, 2 - i);
		}
		assert_int_equal(t.keys.count, 0);
	}
	idmap_clear(&t.keys);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_grow_and_shrink),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_against_array),
		cmocka_unit_test(test_siphash),
		cmocka_unit_test(test_tally),
		cmocka_unit_test(test_tally_many),
		cmocka_unit_test(test_tally_chain)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
