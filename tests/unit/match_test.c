/*
 * crypto/match*.c: two ends of a link in one process, every message encoded and
 * decoded on its way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/match.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define QUEUE_MAX (4u * 1024 * 1024)
#define NAMES_MAX 2048

struct end {
	struct match *m;
	struct match_counters counters;
	struct match_limit limit;
	uint8_t *queue; /* what it sent */
	size_t len, taken;
	size_t sent[64];	    /* by type */
	uint32_t handle[NAMES_MAX]; /* of each channel, 0 not shared */
	size_t unshared;
	const char *why;
};

static struct end ends[2];
static uint64_t now_ms;

static void
queue_message(void *arg, const struct nwsproto *msg)
{
	struct end *e = arg;
	size_t n;

	n = nwsproto_encode(msg, e->queue + e->len, QUEUE_MAX - e->len);
	assert_int_not_equal(n, 0);
	e->len += n;
	e->sent[msg->type]++;
}

static void
report_shared(void *arg, uint64_t channel, uint32_t handle)
{
	struct end *e = arg;

	assert_in_range(channel, 1, NAMES_MAX - 1);
	assert_int_equal(e->handle[channel], 0);
	assert_int_not_equal(handle, 0);
	e->handle[channel] = handle;
}

static void
report_unshared(void *arg, uint64_t channel)
{
	struct end *e = arg;

	assert_int_not_equal(e->handle[channel], 0);
	e->handle[channel] = 0;
	e->unshared++;
}

static const struct match_ops ops = { queue_message, report_shared,
	report_unshared };

/* What both ends are made with; a test may change it before link_new(). */
static struct match_config configs[2];

static void
configs_reset(void)
{
	size_t i;

	for (i = 0; i < 2; i++) {
		memset(&configs[i], 0, sizeof(configs[i]));
		configs[i].lead = i == 0;
		configs[i].id = (struct cpace_bytes){ i ? "bob" : "alice",
			i ? 3 : 5 };
		configs[i].remote_id = (struct cpace_bytes){
			i ? "alice" : "bob", i ? 5 : 3
		};
		configs[i].binding = (struct cpace_bytes){ "binding", 7 };
		configs[i].limits[0] = &ends[i].limit;
		configs[i].counters = &ends[i].counters;
		configs[i].ops = &ops;
		configs[i].arg = &ends[i];
	}
}

static int
link_setup(void **state)
{
	size_t i;

	(void)state;
	memset(ends, 0, sizeof(ends));
	now_ms = 1000000;
	configs_reset();
	for (i = 0; i < 2; i++)
		if ((ends[i].queue = malloc(QUEUE_MAX)) == NULL)
			return (-1);
	return (0);
}

static int
link_teardown(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		match_free(ends[i].m);
		free(ends[i].queue);
	}
	return (0);
}

static void
link_new(void)
{
	size_t i;

	for (i = 0; i < 2; i++)
		assert_non_null(ends[i].m = match_new(&configs[i]));
}

static void
add_as(size_t end, uint64_t number, const char *name, const char *secret)
{
	struct cpace_bytes n = { name, strlen(name) },
			   s = { secret, strlen(secret) };
	uint8_t password[CPACE_PASSWORD_BYTES];

	cpace_password(password, n, s);
	assert_int_equal(match_add(ends[end].m, number, password), 0);
}

/* Channel number i is called by its number. */
static void
add(size_t end, unsigned int i)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "c%u", i);
	add_as(end, i, name, "");
}

static void
leave(size_t end, unsigned int i)
{
	match_remove(ends[end].m, i, now_ms);
	ends[end].handle[i] = 0;
}

/* One message from that end to the other; 0 when there is none. */
static int
deliver(size_t from)
{
	struct end *e = &ends[from], *to = &ends[!from];
	struct nwsproto msg;
	const char *why;
	size_t need;
	long n;

	if (e->taken == e->len) {
		e->taken = e->len = 0;
		return (0);
	}
	n = nwsproto_decode(e->queue + e->taken, e->len - e->taken, 1024, &msg,
	    &need, &why);
	assert_true(n > 0);
	e->taken += (size_t)n;
	if (match_take(to->m, &msg, now_ms, &to->why) == -1)
		return (-1);
	return (1);
}

static int
turn(void)
{
	size_t i;

	for (i = 0; i < 2; i++)
		if (match_turn(ends[i].m, now_ms, &ends[i].why) == -1)
			return (-1);
	return (0);
}

/* Until nobody has anything to say; -1 when one end broke it off. */
static int
settle(void)
{
	int a, b, again = 1;

	while (again) {
		if (turn() == -1)
			return (-1);
		again = 0;
		while ((a = deliver(0)) > 0)
			again = 1;
		while ((b = deliver(1)) > 0)
			again = 1;
		if (a == -1 || b == -1)
			return (-1);
	}
	return (0);
}

/* And over all waits that limits ask for. */
static void
settle_all(void)
{
	uint64_t next, n;

	for (;;) {
		assert_int_equal(settle(), 0);
		next = match_next(ends[0].m);
		n = match_next(ends[1].m);
		if (n < next)
			next = n;
		if (next == MATCH_NEVER)
			return;
		assert_true(next > now_ms);
		now_ms = next;
	}
}

/* Both say shared of exactly the channels from..to, and the handles fit. */
static void
check_shared(unsigned int from, unsigned int to)
{
	uint64_t channel;
	unsigned int i;
	size_t e;

	for (e = 0; e < 2; e++) {
		assert_int_equal(match_shared(ends[e].m), to - from);
		for (i = 0; i < NAMES_MAX; i++) {
			assert_int_equal(ends[e].handle[i] != 0,
			    i >= from && i < to);
			assert_int_equal(match_handle(ends[e].m, i),
			    ends[e].handle[i]);
			if (ends[e].handle[i] == 0)
				continue;
			assert_int_equal(match_find(ends[!e].m,
					     ends[e].handle[i], &channel),
			    1);
			assert_int_equal(channel, i);
		}
	}
}

static void
test_one(void **state)
{
	(void)state;
	link_new();
	add(0, 1);
	add(1, 1);
	add(0, 2);
	add(1, 3);
	assert_int_equal(settle(), 0);
	check_shared(1, 2);
	assert_int_equal(ends[0].sent[NWSPROTO_OFFER], 1);
	assert_int_equal(ends[0].counters.matches, 1);
	assert_int_equal(ends[1].counters.confirmed, 1);
	assert_int_equal(ends[1].counters.elements, 8);
	/* Nothing more to do, and nothing to wait for. */
	assert_int_equal(match_next(ends[0].m), MATCH_NEVER);
	assert_int_equal(match_next(ends[1].m), MATCH_NEVER);
}

/* Who has no channel is not told apart from who has another one. */
static void
test_none(void **state)
{
	(void)state;
	link_new();
	assert_int_equal(settle(), 0);
	assert_int_equal(ends[0].sent[NWSPROTO_OFFER], 1);
	assert_int_equal(ends[0].counters.elements, 8);
	check_shared(0, 0);
}

static void
test_later_channels(void **state)
{
	unsigned int i;

	(void)state;
	link_new();
	assert_int_equal(settle(), 0);
	/* By the follower, by the lead, by both in one turn, by turns. */
	for (i = 1; i < 10; i++) {
		add(1, i);
		assert_int_equal(settle(), 0);
		/* A lead without channels looks like one that has some. */
		assert_int_equal(ends[0].sent[NWSPROTO_OFFER], 1 + i);
	}
	check_shared(0, 0);
	for (i = 1; i < 10; i++) {
		add(0, i);
		assert_int_equal(settle(), 0);
		check_shared(1, i + 1);
	}
	for (i = 10; i < 15; i++) {
		add(0, i);
		add(1, i);
		assert_int_equal(settle(), 0);
		check_shared(1, i + 1);
	}
	for (i = 15; i < 20; i++) {
		add(0, i);
		assert_int_equal(settle(), 0);
		add(1, i);
		assert_int_equal(settle(), 0);
		check_shared(1, i + 1);
	}
}

/* Each size at which a page, a set or all of it is full, and one past it. */
static void
test_many(void **state)
{
	static const unsigned int sizes[] = { 8, 9, 63, 64, 65, 100, 128, 129,
		200 };
	unsigned int i;
	size_t s;

	(void)state;
	for (s = 0; s < COUNT(sizes); s++) {
		link_new();
		for (i = 1; i <= sizes[s]; i++) {
			add(0, i);
			add(1, sizes[s] + 1 - i);
		}
		settle_all();
		check_shared(1, sizes[s] + 1);
		link_teardown(NULL);
		link_setup(NULL);
	}
}

/* Pages on both sides, old and new: 130 and 70 with 30 in common, then more. */
static void
test_old_and_new(void **state)
{
	unsigned int i;

	(void)state;
	link_new();
	for (i = 101; i <= 230; i++)
		add(0, i);
	for (i = 201; i <= 270; i++)
		add(1, i);
	settle_all();
	check_shared(201, 231);
	for (i = 231; i <= 270; i++)
		add(0, i);
	for (i = 101; i <= 200; i++)
		add(1, i);
	settle_all();
	check_shared(101, 271);
}

static void
test_limit_of_channels(void **state)
{
	uint8_t password[CPACE_PASSWORD_BYTES] = { 0 };
	unsigned int i;

	(void)state;
	link_new();
	for (i = 1; i <= MATCH_CHANNELS_MAX; i++)
		add(0, i);
	assert_int_equal(match_channels(ends[0].m), MATCH_CHANNELS_MAX);
	errno = 0;
	assert_int_equal(match_add(ends[0].m, i, password), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(match_add(ends[0].m, 1, password), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(match_add(ends[0].m, 0, password), -1);
	assert_int_equal(errno, EINVAL);
	add(1, MATCH_CHANNELS_MAX);
	settle_all();
	check_shared(MATCH_CHANNELS_MAX, MATCH_CHANNELS_MAX + 1);
}

static void
test_leave_and_return(void **state)
{
	uint32_t old;
	uint64_t channel;
	size_t e;
	int i;

	(void)state;
	link_new();
	add(0, 1);
	add(1, 1);
	assert_int_equal(settle(), 0);
	for (i = 0; i < 6; i++) {
		e = (size_t)i % 2;
		old = ends[!e].handle[1];
		leave(e, 1);
		/* What was on its way is dropped without a complaint. */
		assert_int_equal(match_find(ends[e].m, old, &channel), 0);
		assert_int_equal(settle(), 0);
		assert_int_equal(match_find(ends[e].m, old, &channel), -1);
		check_shared(0, 0);
		assert_int_equal(ends[!e].unshared, i / 2 + 1);
		add(e, 1);
		assert_int_equal(settle(), 0);
		check_shared(1, 2);
		assert_true(ends[!e].handle[1] > old);
	}
	/* Both at once; and left and returned in one turn. */
	leave(0, 1);
	leave(1, 1);
	assert_int_equal(settle(), 0);
	check_shared(0, 0);
	add(0, 1);
	add(1, 1);
	assert_int_equal(settle(), 0);
	check_shared(1, 2);
	leave(0, 1);
	add(0, 1);
	leave(1, 1);
	add(1, 1);
	assert_int_equal(settle(), 0);
	check_shared(1, 2);
	assert_int_equal(match_next(ends[0].m), MATCH_NEVER);
}

/* A channel is left, or left and joined again, after each single message. */
static void
test_leave_at_any_time(void **state)
{
	size_t at, i, e;
	int back, result;

	(void)state;
	for (e = 0; e < 2; e++)
		for (back = 0; back < 2; back++)
			for (at = 0; at < 14; at++) {
				link_new();
				add(0, 1);
				add(1, 1);
				assert_int_equal(turn(), 0);
				for (i = 0; i < at; i++) {
					result = deliver(i % 2);
					assert_true(result >= 0);
				}
				leave(e, 1);
				if (back)
					add(e, 1);
				assert_int_equal(settle(), 0);
				check_shared(1, back ? 2 : 1);
				link_teardown(NULL);
				link_setup(NULL);
			}
}

/* Whoever does not know name and secret learns nothing, and costs little. */
static void
test_not_shared(void **state)
{
	(void)state;
	link_new();
	add_as(0, 1, "chat", "right");
	add_as(1, 1, "chat", "wrong");
	add_as(0, 2, "one", "");
	add_as(1, 2, "two", "");
	add_as(0, 3, "open", "");
	add_as(1, 3, "open", "secret");
	assert_int_equal(settle(), 0);
	check_shared(0, 0);
	assert_int_equal(ends[0].counters.matches, 0);
	assert_int_equal(ends[0].sent[NWSPROTO_SHARE], 0);
	assert_int_equal(ends[1].sent[NWSPROTO_SHARE], 0);
}

/* The ends of two different links, joined by who passes everything on. */
static void
test_relayed(void **state)
{
	(void)state;
	configs[1].binding = (struct cpace_bytes){ "another", 7 };
	link_new();
	add(0, 1);
	add(1, 1);
	assert_int_equal(settle(), 0);
	assert_int_equal(ends[0].counters.matches, 0);
	assert_int_equal(ends[1].counters.matches, 0);
	check_shared(0, 0);
	link_teardown(NULL);
	link_setup(NULL);
	configs[1].remote_id = (struct cpace_bytes){ "mallory", 7 };
	link_new();
	add(0, 1);
	add(1, 1);
	assert_int_equal(settle(), 0);
	assert_int_equal(ends[1].counters.matches, 0);
	check_shared(0, 0);
	link_teardown(NULL);
	link_setup(NULL);
	configs[0].remote_id = (struct cpace_bytes){ "mallory", 7 };
	link_new();
	add(0, 1);
	add(1, 1);
	assert_int_equal(settle(), 0);
	assert_int_equal(ends[0].counters.matches, 0);
	check_shared(0, 0);
}

/* A peer that sends back what it gets: both follow, or both lead. */
static void
test_reflected(void **state)
{
	(void)state;
	configs[1].lead = 1;
	link_new();
	add(0, 1);
	add(1, 1);
	assert_int_equal(settle(), -1);
	check_shared(0, 0);
}

static void
test_config(void **state)
{
	static char text[MATCH_ID_MAX + 1];

	(void)state;
	configs[0].remote_id = configs[0].id;
	assert_null(match_new(&configs[0]));
	assert_int_equal(errno, EINVAL);
	configs_reset();
	configs[0].binding.n = 0;
	assert_null(match_new(&configs[0]));
	configs_reset();
	configs[0].id = (struct cpace_bytes){ text, MATCH_ID_MAX + 1 };
	assert_null(match_new(&configs[0]));
	configs[0].id.n--;
	assert_non_null(ends[0].m = match_new(&configs[0]));
}

/* Every message at a time when it must not come ends the link. */
static void
test_out_of_turn(void **state)
{
	static uint8_t elements[PSI_MIN][PSI_ELEMENT_BYTES];
	static uint8_t tags[PSI_MIN][PSI_TAG_BYTES];
	static const enum nwsproto_type types[] = { NWSPROTO_OFFER,
		NWSPROTO_ANSWER, NWSPROTO_TAGS, NWSPROTO_LATER, NWSPROTO_SHARE,
		NWSPROTO_CONFIRM, NWSPROTO_OPENED, NWSPROTO_CLOSED,
		NWSPROTO_CHANGED, NWSPROTO_PING };
	struct nwsproto msg;
	const char *why;
	size_t i, e;

	(void)state;
	for (i = 0; i < COUNT(types); i++)
		for (e = 0; e < 2; e++) {
			link_new();
			add(0, 1);
			add(1, 1);
			assert_int_equal(settle(), 0);
			memset(&msg, 0, sizeof(msg));
			msg.type = types[i];
			msg.run = msg.wait_ms = msg.handle = 1;
			msg.generation = 7;
			msg.pages = 1;
			msg.scope = NWSPROTO_ALL;
			msg.nelements = msg.ntags = PSI_MIN;
			msg.elements = (const uint8_t(*)[32])elements;
			msg.tags = (const uint8_t(*)[16])tags;
			msg.share = elements[0];
			msg.tag = elements[0];
			if (types[i] == NWSPROTO_CLOSED)
				msg.handle = 2;
			assert_int_equal(match_take(ends[e].m, &msg, now_ms,
					     &why),
			    -1);
			link_teardown(NULL);
			link_setup(NULL);
		}
}

/* The next message, by whoever has one; -1, 0 none, or 1. */
static int
deliver_next(size_t *from)
{
	*from = ends[0].taken < ends[0].len ? 0 : 1;
	return (deliver(*from));
}

/* Each message from the first to the last, twice: the second one is refused. */
static void
test_replayed(void **state)
{
	size_t at, i, from, before[2];
	int result = 1;

	(void)state;
	for (at = 0; result == 1; at++) {
		link_new();
		add(0, 1);
		add(1, 1);
		assert_int_equal(turn(), 0);
		for (i = 0; i < at; i++)
			assert_int_not_equal(deliver_next(&from), -1);
		before[0] = ends[0].taken;
		before[1] = ends[1].taken;
		if ((result = deliver_next(&from)) == 1) {
			ends[from].taken = before[from];
			assert_int_equal(deliver(from), -1);
		}
		link_teardown(NULL);
		link_setup(NULL);
	}
	assert_int_equal(result, 0);
	/* CHANGED, OFFER, ANSWER, TAGS, and SHARE, CONFIRM, OPENED by both. */
	assert_int_equal(at, 4 + 6 + 1);
}

/* Guesses: 1024 elements at once, then 20 in a second. */
static void
test_limit(void **state)
{
	struct match_limit limit = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < MATCH_ELEMENTS_BURST; i += 64) {
		assert_int_equal(match_limit_wait(&limit, 64, 5000), 0);
		match_limit_charge(&limit, 64, 5000);
	}
	assert_int_equal(match_limit_wait(&limit, 8, 5000), 400);
	assert_int_equal(match_limit_wait(&limit, 8, 5399), 1);
	assert_int_equal(match_limit_wait(&limit, 8, 5400), 0);
	/* A clock that goes back gives nothing; a long time fills it. */
	assert_int_equal(match_limit_wait(&limit, 8, 100), 0);
	assert_int_equal(match_limit_wait(&limit, 64, 5400), 2800);
	assert_int_equal(match_limit_wait(&limit, MATCH_ELEMENTS_BURST,
			     UINT64_MAX),
	    0);
}

/* A peer that never stops guessing is held to that, and told to wait. */
static void
test_guessing(void **state)
{
	uint64_t start;
	unsigned int i, n = 1;
	int round;

	(void)state;
	/* It has no limit for itself, and new names in every turn. */
	configs[0].limits[0] = NULL;
	link_new();
	add(1, NAMES_MAX - 1);
	assert_int_equal(settle(), 0);
	start = now_ms;
	for (round = 0; round < 40; round++) {
		for (i = 0; i < 64; i++)
			add(0, n + i);
		settle_all();
		for (i = 0; i < 64; i++)
			leave(0, n + i);
		n = round % 20 * 64 + 1;
	}
	assert_true(ends[1].counters.later > 0);
	assert_int_equal(ends[1].counters.elements, 40 * 64 + 8);
	assert_true((now_ms - start) / 1000 >=
	    (40 * 64 + 8 - MATCH_ELEMENTS_BURST) / MATCH_ELEMENTS_PER_S);
	/* Who does not wait is cut off. */
	for (i = 0; i < 20; i++)
		match_limit_charge(&ends[1].limit, 64, now_ms);
	add(0, 1900);
	assert_int_equal(turn(), 0);
	assert_int_equal(deliver(0), 1);
	assert_int_equal(ends[1].sent[NWSPROTO_LATER] > 0, 1);
	ends[1].taken = ends[1].len = 0;
	ends[0].queue[8]++; /* the number of the run */
	ends[0].taken = 0;
	assert_int_equal(deliver(0), -1);
	assert_string_equal(ends[1].why, "OFFER out of turn");
}

/* What was guessed is charged to the peer and to its address, on both sides. */
static void
test_both_limits(void **state)
{
	struct match_limit address[2] = { { 0, 0 }, { 0, 0 } };
	size_t i;

	(void)state;
	configs[0].limits[1] = &address[0];
	configs[1].limits[1] = &address[1];
	link_new();
	add(0, 1);
	add(1, 1);
	assert_int_equal(settle(), 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(ends[i].limit.used, 8 * 1000);
		assert_int_equal(address[i].used, 8 * 1000);
	}
	/* Others of the address have used up what there was. */
	match_limit_charge(&address[1], MATCH_ELEMENTS_BURST, now_ms);
	add(0, 2);
	assert_int_equal(settle(), 0);
	assert_int_equal(ends[1].counters.later, 1);
	assert_int_equal(ends[1].sent[NWSPROTO_LATER], 1);
	settle_all();
	match_limit_charge(&address[0], MATCH_ELEMENTS_BURST, now_ms);
	add(0, 3);
	assert_int_equal(settle(), 0);
	assert_int_equal(ends[0].counters.later, 1);
}

/* Whoever only says LATER has us make elements no faster than it may guess. */
static void
test_always_later(void **state)
{
	struct nwsproto later = { .type = NWSPROTO_LATER, .wait_ms = 1 };
	uint64_t end = now_ms + 60000, next;
	unsigned int i;
	const char *why;

	(void)state;
	link_new();
	for (i = 1; i <= 64; i++)
		add(0, i);
	while (now_ms < end) {
		assert_int_equal(match_turn(ends[0].m, now_ms, &why), 0);
		if (ends[0].sent[NWSPROTO_OFFER] > later.run) {
			later.run++;
			assert_int_equal(match_take(ends[0].m, &later, now_ms,
					     &why),
			    0);
		}
		ends[0].len = ends[0].taken = 0;
		next = match_next(ends[0].m);
		assert_true(next > now_ms);
		now_ms = next;
	}
	assert_in_range(later.run * 64, MATCH_ELEMENTS_BURST,
	    MATCH_ELEMENTS_BURST + 60 * MATCH_ELEMENTS_PER_S + 64);
}

/* Who does not answer is cut off at the limit, not before. */
static void
test_silence(void **state)
{
	const char *why;

	(void)state;
	link_new();
	add(0, 1);
	add(1, 1);
	assert_int_equal(match_turn(ends[0].m, now_ms, &why), 0);
	assert_int_equal(match_next(ends[0].m), now_ms + MATCH_RUN_MS);
	now_ms += MATCH_RUN_MS - 1;
	assert_int_equal(match_turn(ends[0].m, now_ms, &why), 0);
	now_ms++;
	assert_int_equal(match_turn(ends[0].m, now_ms, &why), -1);
	link_teardown(NULL);
	link_setup(NULL);
	link_new();
	add(0, 1);
	add(1, 1);
	assert_int_equal(settle(), 0);
	leave(0, 1);
	now_ms += MATCH_RUN_MS - 1;
	assert_int_equal(match_turn(ends[0].m, now_ms, &why), 0);
	now_ms++;
	assert_int_equal(match_turn(ends[0].m, now_ms, &why), -1);
}

/* The follower does not know the password but makes the tags match anyway. */
static void
test_wrong_confirm(void **state)
{
	size_t i;

	(void)state;
	link_new();
	add(0, 1);
	add(1, 1);
	assert_int_equal(turn(), 0);
	/* Up to the first CONFIRM, which is then changed. */
	for (i = 0; ends[0].sent[NWSPROTO_CONFIRM] == 0; i++)
		assert_int_not_equal(deliver(i % 2), -1);
	ends[0].queue[ends[0].len - 1] ^= 1;
	assert_int_equal(settle(), -1);
	assert_int_equal(ends[1].counters.refused, 1);
	assert_string_equal(ends[1].why, "CONFIRM is wrong");
	check_shared(0, 0);
}

/* What the follower says of its sweep is to stay as it was. */
static void
test_sweep_changes(void **state)
{
	/* Where in an ANSWER: the generation, the number of pages. */
	const size_t at[] = { NWSPROTO_HEADER + 4 + 3,
		NWSPROTO_HEADER + 4 + 4 + 1 };
	unsigned int i, k;
	size_t begun;

	(void)state;
	for (k = 0; k < COUNT(at); k++) {
		link_teardown(NULL);
		link_setup(NULL);
		link_new();
		add(0, 1);
		for (i = 2; i < 2 + PSI_MAX + 1; i++)
			add(1, i);
		assert_int_equal(turn(), 0);
		for (i = 0; ends[0].sent[NWSPROTO_OFFER] == 1; i++) {
			assert_int_not_equal(deliver(i % 2), -1);
			assert_int_equal(turn(), 0);
		}
		/* So that there is a generation 1. */
		add(1, 100);
		assert_int_equal(turn(), 0);
		while (deliver(1) > 0)
			continue;
		begun = ends[1].len;
		while (ends[1].sent[NWSPROTO_ANSWER] < 2)
			assert_int_equal(deliver(0), 1);
		ends[1].queue[begun + at[k]]++;
		assert_int_equal(settle(), -1);
		assert_string_equal(ends[0].why, "ANSWER out of turn");
	}
}

/* OPENED by who has not shown that it has the key. */
static void
test_opened_unconfirmed(void **state)
{
	struct nwsproto msg = { .type = NWSPROTO_OPENED, .run = 1,
		.handle = 1 };
	struct end *e = &ends[0];
	size_t i;

	(void)state;
	link_new();
	add(0, 1);
	add(1, 1);
	assert_int_equal(turn(), 0);
	for (i = 0; e->sent[NWSPROTO_CONFIRM] == 0; i++)
		assert_int_not_equal(deliver(i % 2), -1);
	e->len -= NWSPROTO_HEADER + 5 + CPACE_TAG_BYTES;
	msg.position = e->queue[e->len + NWSPROTO_HEADER + 4];
	queue_message(e, &msg);
	assert_int_equal(settle(), -1);
	assert_string_equal(ends[1].why, "OPENED out of turn");
	check_shared(0, 0);
}

/* A channel that is shared, and offered as if it were a new one. */
static void
test_shared_again(void **state)
{
	(void)state;
	link_new();
	add(0, 1);
	add(1, 1);
	assert_int_equal(settle(), 0);
	check_shared(1, 2);
	add_as(0, 2, "c1", "");
	assert_int_equal(settle(), -1);
	assert_string_equal(ends[1].why, "a shared channel matches once more");
	check_shared(1, 2);
}

/*
 * What is sent when a name is shared, of whatever length and kind, with a
 * generator that is seeded: the same messages of the same lengths, in the same
 * order, and no octet whose values are distributed otherwise than for another
 * name (chi squared over 16 classes of values, all octets together).
 */
#define ROUNDS 120
#define BYTES_MAX 4096
#define CLASSES 16

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

struct wire {
	size_t len;
	uint8_t types[64];
	size_t ntypes;
	uint32_t counts[BYTES_MAX][CLASSES];
};

/* One conversation, to the last octet. */
static void
converse(struct wire *w, const char *name, const char *secret, struct stream *s)
{
	size_t from, i, taken, len = 0;

	configs[0].random = configs[1].random = (struct group_random){
		stream_bytes, s
	};
	link_new();
	add_as(0, 1, name, secret);
	add_as(1, 1, name, secret);
	assert_int_equal(turn(), 0);
	w->ntypes = 0;
	for (;;) {
		from = ends[0].taken < ends[0].len ? 0 : 1;
		taken = ends[from].taken;
		if (deliver(from) == 0)
			break;
		w->types[w->ntypes++] = ends[from].queue[taken + 4];
		for (i = taken; i < ends[from].taken; i++, len++)
			w->counts[len][ends[from].queue[i] >> 4]++;
	}
	check_shared(1, 2);
	w->len = len;
	for (i = 0; i < 2; i++) {
		match_free(ends[i].m);
		ends[i].m = NULL;
		ends[i].len = ends[i].taken = 0;
		memset(ends[i].handle, 0, sizeof(ends[i].handle));
	}
	memset(&ends[0].limit, 0, sizeof(ends[0].limit));
	memset(&ends[1].limit, 0, sizeof(ends[1].limit));
}

static void
test_nothing_of_names(void **state)
{
	static const struct {
		const char *name, *secret;
	} names[] = { { "a", "" }, { "chat", "" },
		{ "a-name-that-is-longer-than-a-block-of-the-hash-function-"
		  "and-still-more-of-it-since-a-name-may-have-255-characters-"
		  "and-this-one-has-a-lot-of-them",
		    "" },
		{ "chat", "secret" } };
	static struct wire first, w;
	struct stream s;
	double d, total;
	size_t k, i, j, n, degrees;

	(void)state;
	for (k = 0; k < COUNT(names); k++) {
		memset(&w, 0, sizeof(w));
		s = (struct stream){ 0, (uint8_t)(k + 1) };
		for (i = 0; i < ROUNDS; i++)
			converse(&w, names[k].name, names[k].secret, &s);
		if (k == 0) {
			first = w;
			continue;
		}
		assert_int_equal(w.len, first.len);
		assert_int_equal(w.ntypes, first.ntypes);
		assert_memory_equal(w.types, first.types, w.ntypes);
		total = 0;
		degrees = 0;
		for (i = 0; i < w.len; i++) {
			for (j = n = 0; j < CLASSES; j++) {
				if (w.counts[i][j] + first.counts[i][j] == 0)
					continue;
				n++;
				d = (double)w.counts[i][j] -
				    (double)first.counts[i][j];
				total += d * d /
				    (double)(w.counts[i][j] +
					first.counts[i][j]);
			}
			degrees += n - 1;
		}
		/* 5 deviations: the variance is twice the degrees. */
		d = total - (double)degrees;
		if (d * d > 25.0 * 2.0 * (double)degrees)
			fail_msg("%zu: chi squared %f of %zu", k, total,
			    degrees);
	}
}

#define LINK_TEST(f) \
	cmocka_unit_test_setup_teardown(f, link_setup, link_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LINK_TEST(test_one),
		LINK_TEST(test_none),
		LINK_TEST(test_later_channels),
		LINK_TEST(test_many),
		LINK_TEST(test_old_and_new),
		LINK_TEST(test_limit_of_channels),
		LINK_TEST(test_leave_and_return),
		LINK_TEST(test_leave_at_any_time),
		LINK_TEST(test_not_shared),
		LINK_TEST(test_relayed),
		LINK_TEST(test_reflected),
		LINK_TEST(test_config),
		LINK_TEST(test_out_of_turn),
		LINK_TEST(test_replayed),
		LINK_TEST(test_limit),
		LINK_TEST(test_guessing),
		LINK_TEST(test_both_limits),
		LINK_TEST(test_always_later),
		LINK_TEST(test_silence),
		LINK_TEST(test_wrong_confirm),
		LINK_TEST(test_sweep_changes),
		LINK_TEST(test_opened_unconfirmed),
		LINK_TEST(test_shared_again),
		LINK_TEST(test_nothing_of_names),
	};

	if (sodium_init() == -1)
		return (1);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
