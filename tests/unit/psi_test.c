/* crypto/psi.c: both sides of set intersection, and who cheats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "crypto/psi.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

typedef uint8_t password[CPACE_PASSWORD_BYTES];

static uint8_t session[PSI_SESSION_BYTES];
static const char *why;

/* A fixed stream of bytes, the same in each run of the tests. */
struct stream {
	uint64_t at;
	uint8_t seed;
};

static void
stream_bytes(void *arg, void *out, size_t n)
{
	struct stream *s = arg;
	uint8_t key[crypto_stream_chacha20_KEYBYTES] = { s->seed };
	uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];

	memcpy(nonce, &s->at, sizeof(nonce));
	s->at++;
	crypto_stream_chacha20(out, n, nonce, key);
}

/* Channels number from and up. */
static void
make_passwords(password *out, unsigned int from, size_t n)
{
	struct cpace_bytes name, none = { NULL, 0 };
	char text[32];
	size_t i;

	for (i = 0; i < n; i++) {
		(void)snprintf(text, sizeof(text), "channel-%u",
		    from + (unsigned int)i);
		name.p = text;
		name.n = strlen(text);
		cpace_password(out[i], name, none);
	}
}

/* All messages, as they should go. */
static void
run(struct psi *a, struct psi *b)
{
	uint8_t ta[PSI_MAX][PSI_TAG_BYTES], tb[PSI_MAX][PSI_TAG_BYTES];
	size_t na, nb;

	assert_int_equal(psi_take_elements(b, (const uint8_t(*)[32])a->elements,
			     a->count, &why),
	    0);
	nb = psi_tags(b, tb);
	assert_int_equal(psi_take_elements(a, (const uint8_t(*)[32])b->elements,
			     b->count, &why),
	    0);
	assert_int_equal(psi_take_tags(a, (const uint8_t(*)[16])tb, nb, &why),
	    0);
	na = psi_tags(a, ta);
	assert_int_equal(psi_take_tags(b, (const uint8_t(*)[16])ta, na, &why),
	    0);
}

/* Sets from 0 and from `from`, and how large. */
static const struct set_case {
	size_t n, m;
	unsigned int from;
	size_t common;
} sets[] = { { 0, 0, 0, 0 }, { 0, 1, 0, 0 }, { 1, 1, 0, 1 }, { 1, 1, 1, 0 },
	{ 8, 9, 4, 4 }, { 63, 63, 0, 63 }, { 63, 64, 1, 62 }, { 64, 64, 0, 64 },
	{ 64, 64, 64, 0 }, { 64, 1, 63, 1 }, { 17, 33, 16, 1 },
	{ 64, 0, 0, 0 } };

static void
test_sets(void **state)
{
	static password pa[PSI_MAX], pb[PSI_MAX];
	struct psi a, b;
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(sets); i++) {
		make_passwords(pa, 0, sets[i].n);
		make_passwords(pb, sets[i].from, sets[i].m);
		assert_int_equal(psi_start(&a, PSI_LEAD, session,
				     (const uint8_t(*)[64])pa, sets[i].n, NULL),
		    0);
		assert_int_equal(psi_start(&b, PSI_FOLLOW, session,
				     (const uint8_t(*)[64])pb, sets[i].m, NULL),
		    0);
		assert_int_equal(a.count, psi_size(sets[i].n));
		run(&a, &b);
		assert_int_equal(a.nmatches, sets[i].common);
		assert_int_equal(b.nmatches, sets[i].common);
		for (j = 0; j < a.nmatches; j++) {
			/* Both call the same channel by the same position. */
			assert_int_equal(a.matches[j].position,
			    b.matches[j].position);
			assert_memory_equal(pa[a.matches[j].item],
			    pb[b.matches[j].item], CPACE_PASSWORD_BYTES);
		}
	}
}

static void
test_sizes(void **state)
{
	static const size_t sizes[][2] = { { 0, 8 }, { 1, 8 }, { 8, 8 },
		{ 9, 16 }, { 16, 16 }, { 17, 32 }, { 32, 32 }, { 33, 64 },
		{ 63, 64 }, { 64, 64 }, { 65, 0 } };
	static password p[PSI_MAX + 1];
	struct psi psi;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(sizes); i++)
		assert_int_equal(psi_size(sizes[i][0]), sizes[i][1]);
	make_passwords(p, 0, PSI_MAX + 1);
	assert_int_equal(psi_start(&psi, PSI_LEAD, session,
			     (const uint8_t(*)[64])p, PSI_MAX + 1, NULL),
	    -1);
	memcpy(p[40], p[3], sizeof(p[3]));
	assert_int_equal(psi_start(&psi, PSI_LEAD, session,
			     (const uint8_t(*)[64])p, 41, NULL),
	    -1);
	assert_int_equal(psi_start(&psi, PSI_LEAD, session,
			     (const uint8_t(*)[64])p, 40, NULL),
	    0);
}

static void
start(struct psi *psi, enum psi_role role, const uint8_t *with, size_t n)
{
	static password p[PSI_MAX];

	make_passwords(p, 0, n);
	assert_int_equal(psi_start(psi, role, with, (const uint8_t(*)[64])p, n,
			     NULL),
	    0);
}

/* Elements that are refused, each with what is said about it. */
static void
test_bad_elements(void **state)
{
	static const struct {
		const char *name;
		size_t n;
		int change;
		const char *why;
	} cases[] = { { "none", 0, 0, "wrong number of elements" },
		{ "seven", 7, 0, "wrong number of elements" },
		{ "nine", 9, 0, "wrong number of elements" },
		{ "65", 65, 0, "wrong number of elements" },
		{ "identity", 8, 1, "not an element" },
		{ "not canonical", 8, 2, "not an element" },
		{ "negative", 8, 3, "not an element" },
		{ "twice", 8, 4, "an element twice" },
		{ "reflected", 8, 5, "our own element" },
		{ "out of turn", 8, 6, "elements out of turn" },
		{ "good", 8, 0, NULL } };
	uint8_t elements[PSI_MAX + 1][PSI_ELEMENT_BYTES];
	uint8_t tags[PSI_MAX][PSI_TAG_BYTES];
	struct psi a, b;
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		start(&a, PSI_LEAD, session, 3);
		start(&b, PSI_FOLLOW, session, 64);
		memset(elements, 0, sizeof(elements));
		memcpy(elements, b.elements, sizeof(b.elements));
		switch (cases[i].change) {
		case 1:
			memset(elements[7], 0, PSI_ELEMENT_BYTES);
			break;
		case 2:
			memset(elements[7], 0xff, PSI_ELEMENT_BYTES);
			break;
		case 3:
			elements[7][0] ^= 1;
			break;
		case 4:
			memcpy(elements[7], elements[0], PSI_ELEMENT_BYTES);
			break;
		case 5:
			memcpy(elements[7], a.elements[2], PSI_ELEMENT_BYTES);
			break;
		case 6:
			a.state = PSI_MULTIPLIED;
			break;
		default:
			break;
		}
		result = psi_take_elements(&a, (const uint8_t(*)[32])elements,
		    cases[i].n, &why);
		if (cases[i].why == NULL) {
			assert_int_equal(result, 0);
			continue;
		}
		if (result != -1 || strcmp(why, cases[i].why) != 0)
			fail_msg("%s: %d %s", cases[i].name, result, why);
		assert_int_equal(a.state, PSI_FAILED);
		assert_true(sodium_is_zero(a.scalar, sizeof(a.scalar)));
		assert_int_equal(psi_tags(&a, tags), 0);
	}
}

/* What a peer may try with tags; nobody gets a match that is none. */
static void
test_bad_tags(void **state)
{
	uint8_t ours[PSI_MAX][PSI_TAG_BYTES], theirs[PSI_MAX][PSI_TAG_BYTES];
	uint8_t other[PSI_SESSION_BYTES] = { 1 };
	struct psi a, b;
	size_t n, i;

	(void)state;
	/* Before elements. */
	start(&a, PSI_LEAD, session, 8);
	assert_int_equal(psi_take_tags(&a, (const uint8_t(*)[16])ours, 8, &why),
	    -1);
	/* Not as many. */
	start(&a, PSI_LEAD, session, 8);
	start(&b, PSI_FOLLOW, session, 8);
	assert_int_equal(psi_take_elements(&a, (const uint8_t(*)[32])b.elements,
			     8, &why),
	    0);
	assert_int_equal(psi_take_tags(&a, (const uint8_t(*)[16])ours, 7, &why),
	    -1);
	/* Our own tags sent back: those of the other role are expected. */
	start(&a, PSI_LEAD, session, 8);
	assert_int_equal(psi_take_elements(&a, (const uint8_t(*)[32])b.elements,
			     8, &why),
	    0);
	n = psi_tags(&a, ours);
	assert_int_equal(psi_take_tags(&a, (const uint8_t(*)[16])ours, n, &why),
	    0);
	assert_int_equal(a.nmatches, 0);
	/* Twice. */
	assert_int_equal(psi_take_tags(&a, (const uint8_t(*)[16])ours, n, &why),
	    -1);
	/* Tags that a third party got in another session (a relay). */
	start(&a, PSI_LEAD, session, 8);
	start(&b, PSI_FOLLOW, other, 8);
	assert_int_equal(psi_take_elements(&b, (const uint8_t(*)[32])a.elements,
			     8, &why),
	    0);
	assert_int_equal(psi_take_elements(&a, (const uint8_t(*)[32])b.elements,
			     8, &why),
	    0);
	n = psi_tags(&b, theirs);
	assert_int_equal(psi_take_tags(&a, (const uint8_t(*)[16])theirs, n,
			     &why),
	    0);
	assert_int_equal(a.nmatches, 0);
	/* One tag for all elements. */
	start(&a, PSI_LEAD, session, 8);
	start(&b, PSI_FOLLOW, session, 8);
	assert_int_equal(psi_take_elements(&b, (const uint8_t(*)[32])a.elements,
			     8, &why),
	    0);
	assert_int_equal(psi_take_elements(&a, (const uint8_t(*)[32])b.elements,
			     8, &why),
	    0);
	n = psi_tags(&b, theirs);
	for (i = 1; i < n; i++)
		memcpy(theirs[i], theirs[0], PSI_TAG_BYTES);
	assert_int_equal(psi_take_tags(&a, (const uint8_t(*)[16])theirs, n,
			     &why),
	    -1);
	assert_string_equal(why, "an impossible tag");
	/* One for an element that stands for nothing. */
	start(&a, PSI_LEAD, session, 7);
	start(&b, PSI_FOLLOW, session, 8);
	assert_int_equal(psi_take_elements(&a, (const uint8_t(*)[32])b.elements,
			     8, &why),
	    0);
	b = a;
	b.role = PSI_FOLLOW;
	n = psi_tags(&b, theirs);
	for (i = 0; a.item[i] != PSI_MAX; i++)
		continue;
	memcpy(ours[0], theirs[0], PSI_TAG_BYTES);
	memset(theirs, 0, sizeof(theirs));
	memcpy(theirs[i], ours[0], PSI_TAG_BYTES);
	assert_int_equal(psi_take_tags(&a, (const uint8_t(*)[16])theirs, n,
			     &why),
	    -1);
	assert_string_equal(why, "an impossible tag");
}

/* Two runs of the same set have nothing in common. */
static void
test_fresh(void **state)
{
	struct psi a, b;
	size_t i, j;

	(void)state;
	start(&a, PSI_LEAD, session, 64);
	start(&b, PSI_LEAD, session, 64);
	assert_memory_not_equal(a.scalar, b.scalar, GROUP_BYTES);
	for (i = 0; i < 64; i++)
		for (j = 0; j < 64; j++)
			assert_memory_not_equal(a.elements[i], b.elements[j],
			    PSI_ELEMENT_BYTES);
}

/* The same "random" bytes make the same messages, others make others. */
static void
test_deterministic(void **state)
{
	static password p[5];
	struct stream s1 = { 0, 1 }, s2 = { 0, 1 }, s3 = { 0, 2 };
	struct group_random r1 = { stream_bytes, &s1 },
			    r2 = { stream_bytes, &s2 },
			    r3 = { stream_bytes, &s3 };
	struct psi a, b, c;

	(void)state;
	make_passwords(p, 0, 5);
	(void)psi_start(&a, PSI_LEAD, session, (const uint8_t(*)[64])p, 5, &r1);
	(void)psi_start(&b, PSI_LEAD, session, (const uint8_t(*)[64])p, 5, &r2);
	(void)psi_start(&c, PSI_LEAD, session, (const uint8_t(*)[64])p, 5, &r3);
	assert_memory_equal(a.elements, b.elements, sizeof(a.elements));
	assert_memory_not_equal(a.elements, c.elements, sizeof(a.elements));
}

/*
 * Nothing on the wire tells one name from another: the elements of one name in
 * many runs, of another name, and those that stand for none are held against
 * each other, octet for octet, by chi squared over 16 classes of values.
 */
#define ROUNDS 400
#define CLASSES 16

static void
tally(uint32_t counts[PSI_ELEMENT_BYTES][CLASSES], unsigned int name, size_t n,
    uint8_t seed)
{
	static password p[PSI_MIN];
	struct stream s = { 0, seed };
	struct group_random random = { stream_bytes, &s };
	struct psi psi;
	size_t i, j, octet;

	make_passwords(p, name, n);
	memset(counts, 0, sizeof(uint32_t) * PSI_ELEMENT_BYTES * CLASSES);
	for (i = 0; i < ROUNDS; i++) {
		assert_int_equal(psi_start(&psi, PSI_LEAD, session,
				     (const uint8_t(*)[64])p, n, &random),
		    0);
		assert_int_equal(psi.count, PSI_MIN);
		for (j = 0; j < psi.count; j++)
			for (octet = 0; octet < PSI_ELEMENT_BYTES; octet++)
				counts[octet][psi.elements[j][octet] >> 4]++;
	}
}

static double
chi_squared(const uint32_t *a, const uint32_t *b)
{
	double d, sum = 0;
	size_t i;

	for (i = 0; i < CLASSES; i++)
		if (a[i] + b[i] > 0) {
			d = (double)a[i] - (double)b[i];
			sum += d * d / (double)(a[i] + b[i]);
		}
	return (sum);
}

static void
test_distribution(void **state)
{
	static uint32_t one[PSI_ELEMENT_BYTES][CLASSES];
	static uint32_t other[PSI_ELEMENT_BYTES][CLASSES];
	static const struct {
		unsigned int name;
		size_t n;
	} sides[] = { { 0, 8 }, { 1000, 8 }, { 77, 1 }, { 0, 0 } };
	double total;
	size_t i, octet;

	(void)state;
	tally(one, 5, 8, 99);
	for (i = 0; i < COUNT(sides); i++) {
		tally(other, sides[i].name, sides[i].n, (uint8_t)(i + 1));
		total = 0;
		for (octet = 0; octet < PSI_ELEMENT_BYTES; octet++)
			total += chi_squared(one[octet], other[octet]);
		/*
		 * About 32 * 15 degrees of freedom, fewer in the octets whose
		 * top or lowest bit is fixed: 480 and five deviations of 31.
		 */
		if (total > 480 + 5 * 31)
			fail_msg("case %zu: chi squared %f", i, total);
	}
}

/* The order says nothing: a channel is as often here as there. */
static void
test_shuffle(void **state)
{
	static password p[PSI_MIN];
	struct stream s = { 0, 7 };
	struct group_random random = { stream_bytes, &s };
	uint32_t counts[PSI_MIN] = { 0 };
	struct psi psi;
	size_t i, j;

	(void)state;
	make_passwords(p, 0, PSI_MIN);
	for (i = 0; i < 1600; i++) {
		assert_int_equal(psi_start(&psi, PSI_LEAD, session,
				     (const uint8_t(*)[64])p, PSI_MIN, &random),
		    0);
		for (j = 0; j < PSI_MIN; j++)
			if (psi.item[j] == 0)
				counts[j]++;
	}
	for (j = 0; j < PSI_MIN; j++)
		assert_in_range(counts[j], 200 - 70, 200 + 70);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_bad_elements),
		cmocka_unit_test(test_bad_tags),
		cmocka_unit_test(test_fresh),
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_distribution),
		cmocka_unit_test(test_shuffle),
	};

	if (sodium_init() == -1)
		return (1);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
