/*
 * Targets, with a clock, a network and a crypto of this test: who is dialled
 * when, what each outcome leads to, and the bounds under a flood.
 */
#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "discovery/targets.h"

/* The dial or resolution of a target; the handle is the target. */
static uint64_t now;
static uint32_t seed;
static int crypto_there, pins, doubts, events_found, events_gone;
static int dials, cancels, handed;
static uint32_t handed_number, forgotten;
static dial_done *dial_cb;
static void *last_dialled;
static size_t last_n;
static resolve_done *resolve_cb;
static void *resolving;
static int resolve_now;

static struct dial *
fake_dial(const struct dial_address *a, size_t n, dial_done *done, void *arg)
{
	assert_true(n > 0 && n <= DIAL_ADDRESSES_MAX && a[0].port != 0);
	dials++;
	dial_cb = done;
	last_dialled = arg;
	last_n = n;
	return (arg);
}

static void
fake_dial_cancel(struct dial *d)
{
	cancels += d != NULL;
}

static struct resolve *
fake_resolve(const char *host, resolve_done *done, void *arg)
{
	struct dial_address a;

	resolve_cb = done;
	if (resolve_now) {
		memset(&a, 0, sizeof(a));
		a.addr[15] = 1;
		done(arg, &a, 1, NULL);
		return (NULL);
	}
	assert_non_null(host);
	resolving = arg;
	return (arg);
}

static void
fake_resolve_cancel(struct resolve *r)
{
	if (r != NULL)
		resolving = NULL;
}

static int
fake_hand_over(uint32_t number, int fd, const struct dial_address *a)
{
	assert_int_equal(fd, 99);
	assert_non_null(a);
	if (!crypto_there)
		return (-1);
	handed++;
	handed_number = number;
	return (0);
}

static int
fake_ready(void)
{
	return (crypto_there);
}

static void
fake_forget(uint32_t number)
{
	forgotten = number;
}

static void
fake_pin(const struct dns_name *name, int pin)
{
	assert_true(name->len > 1);
	pins += pin ? 1 : -1;
}

static void
fake_doubt(const struct dns_name *name)
{
	assert_true(name->len > 1);
	doubts++;
}

static void
fake_event(const struct target *t, int found)
{
	assert_int_not_equal(t->number, 0);
	if (found)
		events_found++;
	else
		events_gone++;
}

static uint64_t
fake_now(void)
{
	return (now);
}

static uint32_t
fake_random(void)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed);
}

static const struct targets_ops ops = {
	.dial = fake_dial,
	.dial_cancel = fake_dial_cancel,
	.resolve = fake_resolve,
	.resolve_cancel = fake_resolve_cancel,
	.hand_over = fake_hand_over,
	.ready = fake_ready,
	.forget = fake_forget,
	.pin = fake_pin,
	.doubt = fake_doubt,
	.event = fake_event,
	.now = fake_now,
	.random = fake_random
};

static int
setup(void **state)
{
	(void)state;
	targets_init(&ops);
	targets_clear();
	now = 1000000;
	crypto_there = 1;
	pins = doubts = events_found = events_gone = 0;
	dials = cancels = handed = 0;
	resolve_now = 0;
	resolving = NULL;
	forgotten = handed_number = 0;
	return (0);
}

static struct querier_service service;
static struct dial_address addresses[DIAL_ADDRESSES_MAX];

/* One that is found under a number, with n addresses. */
static void
make(unsigned int number, size_t n, const char *txt)
{
	char name[64];
	size_t i;

	memset(&service, 0, sizeof(service));
	snprintf(name, sizeof(name), "n%u._nws._tcp.local", number);
	assert_int_equal(dns_name_set(&service.instance, name), 0);
	assert_int_equal(dns_name_set(&service.host, "h.local"), 0);
	service.port = 9010;
	service.txtlen = (uint16_t)strlen(txt);
	memcpy(service.txt, txt, service.txtlen);
	memset(addresses, 0, sizeof(addresses));
	for (i = 0; i < n; i++) {
		addresses[i].addr[0] = 0xfd;
		addresses[i].addr[15] = (uint8_t)(i + 1);
		addresses[i].port = 9010;
	}
}

static void
find(unsigned int number, size_t n, const char *txt)
{
	make(number, n, txt);
	(void)targets_found(&service, addresses, n);
}

#define TXT	"\003v=2\003g=1"

static struct target *
first(void)
{
	return (TAILQ_FIRST(&targets));
}

/* To the next time that something is due; it must come. */
static uint64_t
next_turn(void)
{
	uint64_t due = targets_due(), waited;

	assert_true(due != MDNS_NEVER);
	waited = due > now ? due - now : 0;
	now += waited;
	targets_run();
	return (waited);
}

static void
outcome(struct target *t, int fd)
{
	dial_cb(t, fd, &addresses[0], fd == -1 ? "refused" : NULL);
}

static void
test_found(void **state)
{
	struct target *t;

	(void)state;
	assert_true(targets_due() == MDNS_NEVER);
	find(1, 2, TXT);
	t = first();
	assert_int_equal(t->state, PEER_WAITING);
	assert_int_equal(next_turn(), 0);
	assert_int_equal(dials, 1);
	assert_int_equal(last_n, 2);
	assert_int_equal(t->state, PEER_DIALLING);
	assert_true(targets_due() == MDNS_NEVER);
	outcome(t, 99);
	assert_int_equal(handed, 1);
	assert_int_equal(handed_number, t->number);
	assert_int_equal(t->state, PEER_HANDSHAKE);
	targets_linked(t->number, LINKED_UP, "12D3", 4);
	assert_int_equal(t->state, PEER_LINKED);
	assert_string_equal(t->why, "12D3");
	assert_int_equal(pins, 1);
	assert_int_equal(targets_stats.linked, 1);
	assert_true(targets_due() == MDNS_NEVER);
	/* Nothing new, and new addresses of one that is linked: no dial. */
	find(1, 2, TXT);
	find(1, 3, TXT);
	targets_run();
	assert_int_equal(dials, 1);
	assert_int_equal(events_found, 1);
}

/* Found at addresses of which the last byte is from low to high. */
static void
find_at(uint8_t low, uint8_t high)
{
	uint8_t i;

	make(1, (size_t)(high - low + 1), TXT);
	for (i = low; i <= high; i++)
		addresses[i - low].addr[15] = i;
	assert_int_equal(targets_found(&service, addresses,
	    (size_t)(high - low + 1)), 0);
	targets_run();
}

/* One that left all its addresses is dialled before the old link is missed. */
static void
test_moved(void **state)
{
	struct target *t;
	int round;

	(void)state;
	find_at(1, 2);
	t = first();
	outcome(t, 99);
	targets_linked(t->number, LINKED_UP, "", 0);
	for (round = 0; round < 3; round++) {
		/* They come and go one by one. */
		find_at(2, 3);
		find_at(2, 2);
		find_at(2, 4);
		find_at(1, 4);
		assert_int_equal(dials, 1 + 2 * round);
		find_at(3, 4);
		assert_int_equal(dials, 2 + 2 * round);
		assert_int_equal(t->state, PEER_DIALLING);
		assert_int_equal(targets_stats.linked, 0);
		/* The old link goes; that is no reason to dial once more. */
		targets_linked(t->number, LINKED_LOST, "replaced", 8);
		outcome(t, 99);
		targets_linked(t->number, LINKED_UP, "", 0);
		assert_int_equal(t->state, PEER_LINKED);
		find_at(3, 4);
		find_at(4, 4);
		assert_int_equal(dials, 2 + 2 * round);
		/* Back where it was. */
		find_at(1, 2);
		assert_int_equal(dials, 3 + 2 * round);
		outcome(t, 99);
		targets_linked(t->number, LINKED_UP, "", 0);
	}
	assert_int_equal(events_found, 1);
	assert_int_equal(events_gone, 0);
}

/* Found at one address, on so many interfaces of ours. */
static void
find_on(unsigned int n)
{
	make(1, 1, TXT);
	for (service.naddresses = 0; service.naddresses < n;
	     service.naddresses++)
		service.address[service.naddresses].link = 4 +
		    service.naddresses;
	assert_int_equal(targets_found(&service, addresses, 1), 0);
	targets_run();
}

/* Nor is it waited for when an interface is gone that the link may use. */
static void
test_cut(void **state)
{
	struct target *t;

	(void)state;
	find_on(2);
	t = first();
	outcome(t, 99);
	targets_linked(t->number, LINKED_UP, "", 0);
	find_on(3);
	assert_int_equal(dials, 1);
	find_on(2);
	assert_int_equal(dials, 2);
	find_on(1);
	assert_int_equal(t->state, PEER_DIALLING);
	outcome(t, 99);
	targets_linked(t->number, LINKED_UP, "", 0);
	find_on(1);
	find_on(2);
	assert_int_equal(dials, 2);
	assert_int_equal(t->state, PEER_LINKED);
}

static void
test_lost(void **state)
{
	struct target *t;
	uint64_t waited;

	(void)state;
	find(1, 1, TXT);
	t = first();
	next_turn();
	outcome(t, 99);
	targets_linked(t->number, LINKED_UP, "", 0);
	targets_linked(t->number, LINKED_LOST, "silence", 7);
	assert_int_equal(t->state, PEER_WAITING);
	assert_int_equal(pins, 0);
	assert_int_equal(targets_stats.linked, 0);
	waited = next_turn();
	assert_true(waited >= 200 && waited <= 500);
	assert_int_equal(dials, 2);
	/* A number that nobody has, and an outcome that is late. */
	targets_linked(t->number + 1, LINKED_UP, "", 0);
	targets_linked(t->number, LINKED_LOST, "", 0);
	targets_linked(t->number, LINKED_FAILED, "", 0);
	assert_int_equal(t->state, PEER_DIALLING);
}

static void
test_backoff(void **state)
{
	struct target *t;
	uint64_t waited, most = 1000;
	unsigned int i, early = 0;

	(void)state;
	find(1, 1, TXT);
	t = first();
	next_turn();
	for (i = 1; i <= 12; i++) {
		outcome(t, -1);
		assert_int_equal(t->attempts, i);
		assert_string_equal(t->why, "refused");
		assert_int_equal(doubts, i);
		waited = next_turn();
		assert_true(waited >= 100 && waited <= most);
		early += waited < most / 2;
		most = most * 2 < 60000 ? most * 2 : 60000;
	}
	/* By chance, so that not all on a network try at the same time. */
	assert_in_range(early, 2, 10);
	/* What is new makes it begin again at once. */
	outcome(t, -1);
	find(1, 1, "\003v=2\003g=2");
	assert_int_equal(t->attempts, 0);
	assert_int_equal(next_turn(), 0);
	outcome(t, -1);
	find(1, 2, "\003v=2\003g=2");
	assert_int_equal(next_turn(), 0);
	/* The handshake may fail as well. */
	outcome(t, 99);
	targets_linked(t->number, LINKED_FAILED, "no proof", 8);
	assert_int_equal(t->state, PEER_WAITING);
	assert_int_equal(t->attempts, 1);
	/* Our own network changed. */
	for (i = 0; i < 10; i++) {
		next_turn();
		outcome(t, -1);
	}
	targets_network_changed();
	assert_true(next_turn() == 0);
	assert_int_equal(t->attempts, 0);
	assert_true(next_turn() <= 500);
	assert_int_equal(t->state, PEER_DIALLING);
}

/* A network that never rests does not make us dial without end. */
static void
test_changes(void **state)
{
	struct target *t;
	uint64_t end = now + 600000;

	(void)state;
	find(1, 1, TXT);
	t = first();
	targets_run();
	for (; now < end; now += 100) {
		if (t->state == PEER_DIALLING)
			outcome(t, -1);
		targets_network_changed();
		assert_true(targets_due() != MDNS_NEVER);
		targets_run();
	}
	assert_in_range(dials, 60, 5 * (TARGETS_CHANGES + 60));
	/* What was held back is made good for. */
	if (t->state == PEER_DIALLING)
		outcome(t, -1);
	targets_network_changed();
	t->next_ms = now + 60000;
	while (t->state != PEER_DIALLING)
		next_turn();
	assert_true(now <= end + TARGETS_CHANGES_MS + 1000);
}

static void
test_more_addresses(void **state)
{
	struct target *t;

	(void)state;
	find(1, 1, TXT);
	t = first();
	next_turn();
	/* More than before: what is under way goes on. */
	find(1, 2, TXT);
	assert_int_equal(cancels, 0);
	assert_int_equal(t->state, PEER_DIALLING);
	/* Other ones: it begins again. */
	find(1, 1, TXT);
	assert_int_equal(cancels, 1);
	assert_int_equal(next_turn(), 0);
	assert_int_equal(dials, 2);
}

static void
test_self(void **state)
{
	struct target *t;

	(void)state;
	find(1, 1, TXT);
	t = first();
	next_turn();
	outcome(t, 99);
	targets_linked(t->number, LINKED_SELF, "", 0);
	assert_int_equal(t->state, PEER_SELF);
	find(1, 2, TXT);
	targets_crypto();
	assert_true(targets_due() == MDNS_NEVER);
	targets_run();
	assert_int_equal(dials, 1);
	/* Its address may be another's after a change of our network. */
	targets_network_changed();
	next_turn();
	assert_true(next_turn() <= 500);
	assert_int_equal(dials, 2);
	outcome(t, 99);
	targets_linked(t->number, LINKED_SELF, "", 0);
	/* And it may be somewhere else itself. */
	find(1, 1, "\003v=2\003g=9");
	assert_int_equal(next_turn(), 0);
	assert_int_equal(dials, 3);
}

static void
test_version(void **state)
{
	static const char *const bad[] = { "\003v=1", "\001v", "\003g=1", "",
		"\004v=22", "\002v=" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		find(1, 1, bad[i]);
		assert_true(targets_due() == MDNS_NEVER);
		assert_int_equal(first()->state, PEER_IDLE);
		assert_non_null(strstr(first()->why, "version 2"));
	}
	find(1, 1, "\003V=2");
	assert_int_equal(next_turn(), 0);
	assert_int_equal(dials, 1);
	find(1, 0, TXT);
	assert_int_equal(first()->state, PEER_IDLE);
	assert_non_null(strstr(first()->why, "network"));
}

static void
test_gone(void **state)
{
	struct target *t;
	uint32_t number;
	int i;

	(void)state;
	find(1, 1, TXT);
	number = first()->number;
	next_turn();
	targets_gone(&service);
	assert_null(first());
	assert_int_equal(cancels, 1);
	/* Crypto never heard of it. */
	assert_int_equal(forgotten, 0);
	assert_int_equal(events_gone, 1);
	/* Again: another number. */
	find(1, 1, TXT);
	t = first();
	assert_int_not_equal(t->number, number);
	next_turn();
	outcome(t, 99);
	targets_linked(t->number, LINKED_UP, "", 0);
	targets_gone(&service);
	assert_ptr_equal(first(), t);
	assert_int_equal(t->state, PEER_LINKED);
	/* It comes back. */
	find(1, 1, TXT);
	assert_false(t->gone);
	/* And goes for good: some tries, then it is forgotten. */
	targets_gone(&service);
	number = t->number;
	targets_linked(number, LINKED_LOST, "", 0);
	for (i = 0; i < TARGETS_GONE_TRIES; i++) {
		assert_ptr_equal(first(), t);
		next_turn();
		outcome(t, -1);
	}
	assert_null(first());
	assert_int_equal(forgotten, number);
}

/* To a link with that peer. */
static void
link_to(struct target *t, const char *peer)
{
	targets_run();
	assert_int_equal(t->state, PEER_DIALLING);
	outcome(t, 99);
	targets_linked(t->number, LINKED_UP, peer, strlen(peer));
}

/*
 * A node that is started again at once is known by two names for a while, both
 * of which lead to it; the former one does not stay.
 */
static void
test_started_again(void **state)
{
	struct querier_service one;
	struct target *t;
	uint32_t number;

	(void)state;
	find(1, 1, TXT);
	one = service;
	t = first();
	number = t->number;
	link_to(t, "A");
	targets_linked(number, LINKED_LOST, "", 0);
	now += 500;
	link_to(t, "B");
	find(2, 1, TXT);
	link_to(TAILQ_NEXT(t, entry), "B");
	assert_int_equal(targets_stats.linked, 2);
	targets_gone(&one);
	assert_int_equal(forgotten, number);
	assert_int_equal(events_gone, 1);
	assert_int_equal(targets_stats.linked, 1);
	/* The other way round: it was gone before. */
	t = first();
	number = t->number;
	targets_gone(&service);
	targets_linked(number, LINKED_LOST, "", 0);
	now += 500;
	link_to(t, "C");
	find(3, 1, TXT);
	assert_ptr_equal(first(), t);
	link_to(TAILQ_NEXT(t, entry), "C");
	assert_int_equal(forgotten, number);
	assert_int_equal(targets_stats.linked, 1);
	/* One alone stays, and so do others, and who had to make room. */
	t = first();
	one = service;
	targets_gone(&one);
	find(4, 1, TXT);
	link_to(TAILQ_NEXT(t, entry), "D");
	find(3, 1, TXT);
	targets_evicted(&one);
	find(5, 1, TXT);
	link_to(TAILQ_LAST(&targets, target_list), "C");
	assert_ptr_equal(first(), t);
	assert_int_equal(targets_stats.linked, 3);
	/* All of them at once. */
	targets_gone(&one);
	targets_all_gone();
	assert_int_equal(targets_stats.linked, 2);
}

static void
test_crypto(void **state)
{
	struct target *t;

	(void)state;
	find(1, 1, TXT);
	find(2, 1, TXT);
	t = first();
	targets_run();
	assert_int_equal(dials, 2);
	outcome(t, 99);
	targets_linked(t->number, LINKED_UP, "", 0);
	/* It dies while the other one is being dialled. */
	crypto_there = 0;
	targets_crypto();
	assert_int_equal(t->state, PEER_WAITING);
	assert_int_equal(pins, 0);
	outcome(TAILQ_NEXT(t, entry), 99);
	assert_true(targets_due() == MDNS_NEVER);
	targets_run();
	assert_int_equal(dials, 2);
	/* All are dialled for the new one. */
	crypto_there = 1;
	targets_crypto();
	targets_run();
	assert_int_equal(dials, 4);
}

static void
test_named(void **state)
{
	struct dial_address a[2];
	struct target *t;

	(void)state;
	memset(a, 0, sizeof(a));
	a[0].addr[15] = a[1].addr[15] = 1;
	targets_named_begin();
	targets_named(PEER_CONFIGURED, "host.example", 9010);
	targets_named_end(PEER_CONFIGURED);
	targets_named_begin();
	targets_named(PEER_ADDED, "host.example", 9010);
	targets_named_end(PEER_ADDED);
	assert_int_equal(targets_stats.named, 2);
	t = first();
	targets_named_begin();
	targets_named_end(PEER_ADDED);
	assert_int_equal(targets_stats.named, 1);
	next_turn();
	assert_int_equal(t->state, PEER_DIALLING);
	assert_ptr_equal(resolving, t);
	t->resolve = NULL;
	resolve_cb(t, NULL, 0, "no such name");
	assert_int_equal(t->state, PEER_WAITING);
	assert_string_equal(t->why, "no such name");
	assert_int_equal(dials, 0);
	next_turn();
	resolve_cb(t, a, 2, NULL);
	assert_int_equal(dials, 1);
	assert_int_equal(last_n, 2);
	assert_int_equal(t->address[1].port, 9010);
	outcome(t, -1);
	/* A name server that is gone does not end what was known. */
	next_turn();
	resolve_cb(t, NULL, 0, "timeout");
	assert_int_equal(dials, 2);
	outcome(t, -1);
	/* The same again keeps it; a name in other letters is the same. */
	targets_named_begin();
	targets_named(PEER_CONFIGURED, "HOST.example", 9010);
	targets_named_end(PEER_CONFIGURED);
	assert_ptr_equal(first(), t);
	targets_named_begin();
	targets_named(PEER_CONFIGURED, "host.example", 9011);
	targets_named_end(PEER_CONFIGURED);
	assert_int_equal(targets_stats.named, 1);
	assert_int_equal(first()->port, 9011);
	/* An answer within the question. */
	resolve_now = 1;
	next_turn();
	assert_int_equal(dials, 3);
	/* What mDNS does is nothing to them. */
	targets_all_gone();
	assert_int_equal(targets_stats.named, 1);
}

static void
test_named_bound(void **state)
{
	char host[32];
	int i;

	(void)state;
	targets_named_begin();
	for (i = 0; i <= TARGETS_NAMED_MAX; i++) {
		snprintf(host, sizeof(host), "h%d", i);
		targets_named(PEER_ADDED, host, 1);
	}
	targets_named_end(PEER_ADDED);
	assert_int_equal(targets_stats.named, TARGETS_NAMED_MAX);
	assert_int_equal(targets_stats.crowded, 1);
	targets_run();
	assert_int_equal(targets_stats.dials, TARGETS_NAMED_DIALS_MAX);
	assert_true(targets_due() == MDNS_NEVER);
}

/* So many at once, then so many in a time; who does not answer makes way. */
static void
test_flood(void **state)
{
	uint64_t end;
	unsigned int i, before;

	(void)state;
	for (i = 0; i < TARGETS_FOUND_MAX; i++)
		find(i, 1, TXT);
	assert_int_equal(targets_stats.found, TARGETS_FOUND_MAX);
	/* None failed yet, so none makes room. */
	find(i, 1, TXT);
	assert_int_equal(targets_stats.found, TARGETS_FOUND_MAX);
	assert_int_equal(targets_stats.crowded, 1);
	targets_run();
	assert_int_equal(targets_stats.dials, TARGETS_DIALS_MAX);
	assert_int_equal(next_turn(), TARGETS_PRESSED_MS);
	assert_int_equal(cancels, TARGETS_DIALS_MAX);
	assert_int_equal(targets_stats.dials, TARGETS_DIALS_MAX);
	/* There is one that failed now. */
	find(i, 1, TXT);
	assert_int_equal(targets_stats.found, TARGETS_FOUND_MAX);
	assert_int_equal(targets_stats.crowded, 1);
	assert_int_equal(events_gone, 1);
	/* For ten minutes: never more than the rate. */
	before = (unsigned int)dials;
	end = now + 600000;
	while (now < end) {
		next_turn();
		assert_true(targets_stats.dials <= TARGETS_DIALS_MAX);
	}
	assert_true((unsigned int)dials - before <= TARGETS_BURST +
	    600000 / TARGETS_EACH_MS);
	/* All were tried, nobody starves. */
	for (i = 0; i < TARGETS_FOUND_MAX; i++)
		assert_true(TAILQ_FIRST(&targets)->attempts > 0);
}

/* Who announces thousands is not all that there is. */
static void
test_flood_of_one(void **state)
{
	struct target *t;
	unsigned int i, round;

	(void)state;
	for (i = 0; i < 2 * TARGETS_FOUND_MAX; i++) {
		make(i, 1, TXT);
		service.source = 9;
		(void)targets_found(&service, addresses, 1);
	}
	assert_true(targets_stats.crowded > 0);
	for (round = 0; round < 20; round++) {
		next_turn();
		now += 100;
	}
	make(i, 1, TXT);
	service.source = 10;
	assert_int_equal(targets_found(&service, addresses, 1), 0);
	t = TAILQ_LAST(&targets, target_list);
	for (round = 0; t->state == PEER_WAITING; round++) {
		(void)next_turn();
		assert_true(round < 40);
	}
	assert_int_equal(t->state, PEER_DIALLING);
	/* It fails, and is before those that never were tried all the same. */
	outcome(t, -1);
	now = t->next_ms;
	for (i += 1; i < 4 * TARGETS_FOUND_MAX; i++) {
		make(i, 1, TXT);
		service.source = 9;
		(void)targets_found(&service, addresses, 1);
	}
	for (round = 0; t->state == PEER_WAITING; round++) {
		(void)next_turn();
		assert_true(round < 40);
	}
	assert_int_equal(t->state, PEER_DIALLING);
	assert_int_equal(t->attempts, 1);
}

/* One that mDNS forgot for others is tried for some time. */
static void
test_evicted(void **state)
{
	struct target *t;
	unsigned int i;

	(void)state;
	find(1, 1, TXT);
	t = first();
	targets_evicted(&service);
	assert_ptr_equal(first(), t);
	assert_int_equal(next_turn(), 0);
	outcome(t, -1);
	assert_int_equal(t->attempts, 1);
	/* Heard of again, it is as before: no reason to try sooner. */
	find(1, 1, TXT);
	assert_int_equal(t->attempts, 1);
	assert_true(t->next_ms > now);
	targets_evicted(&service);
	for (i = 1; i < TARGETS_GONE_TRIES; i++) {
		assert_ptr_equal(first(), t);
		next_turn();
		outcome(t, -1);
	}
	assert_null(first());
	/* One that is not to be dialled is nobody to wait for. */
	find(1, 0, TXT);
	targets_evicted(&service);
	assert_null(first());
	targets_evicted(&service);
}

/* A million that come and go: the table stays, and linked ones do, too. */
static void
test_million(void **state)
{
	struct querier_service mine;
	struct target *t;
	unsigned int i;

	(void)state;
	find(0, 1, TXT);
	mine = service;
	t = first();
	next_turn();
	outcome(t, 99);
	targets_linked(t->number, LINKED_UP, "", 0);
	for (i = 1; i < 1000000; i++) {
		make(i, 1, TXT);
		targets_found(&service, addresses, 1);
		if (i % 3 != 0)
			targets_gone(&service);
		if (i % 100 == 0) {
			now += 10;
			targets_run();
		}
		assert_true(targets_stats.found <= TARGETS_FOUND_MAX);
	}
	assert_ptr_equal(first(), t);
	assert_int_equal(t->state, PEER_LINKED);
	assert_true(dials <= 1000000 / 100 * 10 / TARGETS_EACH_MS +
	    TARGETS_BURST + 1);
	targets_gone(&mine);
	assert_int_equal(t->state, PEER_LINKED);
}

/* Those that take a connection and say nothing are bounded as well. */
static void
test_open_bound(void **state)
{
	struct target *t;
	unsigned int i;

	(void)state;
	for (i = 0; i < TARGETS_FOUND_MAX; i++) {
		make(i, 1, TXT);
		service.source = i % 16;
		(void)targets_found(&service, addresses, 1);
	}
	for (i = 0; i < 1000; i++) {
		now += 1000;
		targets_run();
		TAILQ_FOREACH(t, &targets, entry)
			if (t->state == PEER_DIALLING)
				outcome(t, 99);
	}
	assert_in_range(handed, TARGETS_OPEN_MAX,
	    TARGETS_OPEN_MAX + TARGETS_DIALS_MAX);
	/* A named one comes first all the same. */
	targets_named_begin();
	targets_named(PEER_CONFIGURED, "h", 1);
	resolve_now = 1;
	targets_run();
	assert_int_equal(targets_stats.dials, 1);
}

/* And those of one announcer to fewer, so that others have room. */
static void
test_open_of_one(void **state)
{
	struct target *t;
	unsigned int i;

	(void)state;
	for (i = 0; i < TARGETS_FOUND_MAX - 1; i++)
		find(i, 1, TXT);
	for (i = 0; i < 100; i++) {
		now += 1000;
		targets_run();
		TAILQ_FOREACH(t, &targets, entry)
			if (t->state == PEER_DIALLING)
				outcome(t, 99);
	}
	assert_in_range(handed, TARGETS_OPEN_EACH,
	    TARGETS_OPEN_EACH + TARGETS_DIALS_MAX);
	assert_true(targets_due() == MDNS_NEVER);
	make(TARGETS_FOUND_MAX, 1, TXT);
	service.source = 1;
	assert_int_equal(targets_found(&service, addresses, 1), 0);
	assert_int_equal(next_turn(), 0);
	assert_int_equal(TAILQ_LAST(&targets, target_list)->state,
	    PEER_DIALLING);
}

static int
teardown(void **state)
{
	(void)state;
	targets_clear();
	return (0);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_found),
		TEST(test_moved),
		TEST(test_cut),
		TEST(test_lost),
		TEST(test_backoff),
		TEST(test_changes),
		TEST(test_more_addresses),
		TEST(test_self),
		TEST(test_version),
		TEST(test_gone),
		TEST(test_started_again),
		TEST(test_crypto),
		TEST(test_named),
		TEST(test_named_bound),
		TEST(test_flood),
		TEST(test_flood_of_one),
		TEST(test_open_of_one),
		TEST(test_evicted),
		TEST(test_million),
		TEST(test_open_bound)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
