/* discovery/responder*.c: RFC 6762, 5 to 10. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "discovery/responder.h"
#include "tests/unit/mdns_fixture.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define META "_services._dns-sd._udp.local"

static struct responder *r;
static char instance[1024], host[1024];

static void
names(void)
{
	dns_name_text(responder_instance(r), instance, sizeof(instance));
	dns_name_text(responder_host(r), host, sizeof(host));
}

static void
link_set(uint32_t link, uint8_t last, unsigned int n4, unsigned int n6)
{
	struct responder_addresses a;

	memset(&a, 0, sizeof(a));
	a.n4 = n4;
	a.n6 = n6;
	a.v4[0][0] = a.v4[1][0] = 10;
	a.v4[0][3] = last;
	a.v4[1][3] = (uint8_t)(last + 100);
	a.v6[0][0] = 0xfe;
	a.v6[0][15] = last;
	assert_int_equal(responder_set_link(r, link, MDNS_BYTES_IPV4, &a, now),
	    0);
}

/* Runs all that is due up to a time. */
static void
until(uint64_t end)
{
	uint64_t due;

	while ((due = responder_due(r)) <= end) {
		if (due > now)
			now = due;
		responder_run(r, now, &sender);
		assert_true(responder_due(r) > now);
	}
	now = end;
}

static int
setup(void **state)
{
	(void)state;
	now = 1000;
	seed = 1;
	npackets = 0;
	r = responder_new(SERVICE, 9010, &generator);
	assert_non_null(r);
	assert_int_equal(responder_set_txt(r, (const uint8_t *)"\3v=2", 4, now),
	    0);
	names();
	return (0);
}

/* One link, established and long quiet. */
static int
setup_running(void **state)
{
	(void)setup(state);
	link_set(1, 1, 1, 1);
	until(now + 10000);
	assert_true(responder_ready(r, 1));
	npackets = 0;
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	responder_free(r);
	return (0);
}

static void
input_from(const struct mdns_from *from)
{
	size_t len = dns_finish(&writer);

	assert_int_equal(responder_input(r, 1, from, message, len, now,
			     &sender),
	    0);
}

static void
input(void)
{
	input_from(&other);
}

/* 10.1 on a link that is used no longer; another one keeps us known. */
static void
test_leave(void **state)
{
	struct dns_record rr;

	(void)state;
	link_set(2, 2, 1, 0);
	responder_leave_link(r, 2, now, &sender);
	assert_int_equal(npackets, 0);
	link_set(2, 2, 1, 0);
	until(now + 10000);
	npackets = 0;
	responder_leave_link(r, 1, now, &sender);
	assert_int_equal(npackets, 1);
	assert_int_equal(packets[0].link, 1);
	assert_int_equal(count(&packets[0], DNS_ANSWER, DNS_PTR, &rr), 1);
	assert_int_equal(rr.ttl, 0);
	assert_int_equal(count(&packets[0], DNS_ANSWER, DNS_A, &rr), 1);
	assert_int_equal(rr.ttl, 0);
	assert_false(responder_ready(r, 1));
	assert_true(responder_ready(r, 2));
	responder_run(r, now, &sender);
	assert_int_equal(npackets, 2);
	assert_int_equal(packets[1].link, 2);
	assert_int_equal(count(&packets[1], DNS_ANSWER, DNS_PTR, &rr), 1);
	assert_int_equal(rr.ttl, 4500);
	/* Nothing more is said of it, nor on one that never was there. */
	responder_leave_link(r, 1, now, &sender);
	responder_leave_link(r, 9, now, &sender);
	until(now + 10000);
	assert_int_equal(npackets, 4);
	assert_int_equal(packets[3].link, 2);
}

/* 8.1 and 8.3: three probes 250 ms apart, announcements at 0, 1 and 3 s. */
static void
test_start(void **state)
{
	struct dns_record rr;
	size_t i;

	(void)state;
	link_set(1, 1, 1, 1);
	until(now + 10000);
	assert_int_equal(npackets, 6);
	assert_in_range(packets[0].at, 1000, 1250);
	for (i = 0; i < 3; i++) {
		assert_int_equal(packets[i].at, packets[0].at + 250 * i);
		assert_int_equal(count(&packets[i], DNS_QUESTION, DNS_ANY,
				     NULL),
		    2);
		assert_int_equal(count(&packets[i], DNS_AUTHORITY, DNS_SRV,
				     &rr),
		    1);
		assert_false(rr.flush);
		assert_int_equal(count(&packets[i], DNS_AUTHORITY, DNS_A, NULL),
		    1);
		assert_int_equal(count(&packets[i], DNS_AUTHORITY, DNS_AAAA,
				     NULL),
		    1);
	}
	assert_int_equal(packets[3].at, packets[0].at + 750);
	assert_int_equal(packets[4].at, packets[3].at + 1000);
	assert_int_equal(packets[5].at, packets[3].at + 3000);
	for (; i < 6; i++) {
		assert_int_equal(count(&packets[i], DNS_ANSWER, DNS_PTR, &rr),
		    1);
		assert_true(!rr.flush && rr.ttl == 4500);
		assert_int_equal(count(&packets[i], DNS_ANSWER, DNS_SRV, &rr),
		    1);
		assert_true(rr.flush && rr.ttl == 120);
		assert_int_equal(rr.u.srv.port, 9010);
		assert_int_equal(count(&packets[i], DNS_ANSWER, DNS_TXT, &rr),
		    1);
		assert_true(rr.flush && rr.ttl == 4500);
		assert_int_equal(count(&packets[i], DNS_ANSWER, DNS_A, NULL),
		    1);
		assert_int_equal(count(&packets[i], DNS_ANSWER, DNS_AAAA, NULL),
		    1);
	}
	assert_int_equal(responder_due(r), MDNS_NEVER);
}

struct question_case {
	const char *name;
	const char *what; /* NULL: the instance; "": the host */
	uint16_t type;
	uint16_t answer; /* 0: none */
	unsigned int n;
	int delayed;
};

static const struct question_case questions[] = {
	{ "browse", SERVICE, DNS_PTR, DNS_PTR, 1, 1 },
	{ "browse, other case", "_NWS._TCP.local", DNS_PTR, DNS_PTR, 1, 1 },
	{ "browse, any", SERVICE, DNS_ANY, DNS_PTR, 1, 1 },
	{ "types", META, DNS_PTR, DNS_PTR, 1, 1 },
	{ "SRV", NULL, DNS_SRV, DNS_SRV, 1, 0 },
	{ "TXT", NULL, DNS_TXT, DNS_TXT, 1, 0 },
	{ "all of the instance", NULL, DNS_ANY, DNS_SRV, 1, 0 },
	{ "A of the instance", NULL, DNS_A, DNS_NSEC, 1, 0 },
	{ "A", "", DNS_A, DNS_A, 1, 0 },
	{ "AAAA", "", DNS_AAAA, DNS_AAAA, 1, 0 },
	{ "all of the host", "", DNS_ANY, DNS_AAAA, 1, 0 },
	{ "TXT of the host", "", DNS_TXT, DNS_NSEC, 1, 0 },
	{ "another service", "_http._tcp.local", DNS_PTR, 0, 0, 0 },
	{ "another host", "x.local", DNS_A, 0, 0, 0 },
	{ "SRV of the type", SERVICE, DNS_SRV, 0, 0, 0 },
};

static void
test_questions(void **state)
{
	const struct question_case *c;
	uint64_t asked;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(questions); i++) {
		c = &questions[i];
		npackets = 0;
		begin(0);
		ask(c->what == NULL	   ? instance :
			c->what[0] == '\0' ? host :
					     c->what,
		    c->type, 0);
		input();
		asked = now;
		until(now + 5000);
		if (npackets != (c->answer == 0 ? 0 : 1))
			fail_msg("%s: %zu packets", c->name, npackets);
		if (c->answer == 0)
			continue;
		if (count(&packets[0], DNS_ANSWER, c->answer, NULL) != c->n)
			fail_msg("%s: other answer", c->name);
		assert_int_equal(packets[0].bytes[0] | packets[0].bytes[1], 0);
		assert_int_equal(packets[0].bytes[2], 0x84);
		if (c->delayed)
			assert_in_range(packets[0].at, asked + 20, asked + 120);
		else
			assert_int_equal(packets[0].at, asked);
	}
}

/* 6.3: who has not all answers to a packet waits, as others may have them. */
static void
test_questions_mixed(void **state)
{
	uint64_t asked = now;

	(void)state;
	begin(0);
	ask(instance, DNS_SRV, 0);
	ask("x.local", DNS_A, 0);
	input();
	until(now + 19);
	assert_int_equal(npackets, 0);
	until(now + 1000);
	assert_int_equal(npackets, 1);
	assert_in_range(packets[0].at, asked + 20, asked + 120);
}

/* RFC 6763, 12: who browses gets all he needs. */
static void
test_additional(void **state)
{
	struct dns_record rr;

	(void)state;
	begin(0);
	ask(SERVICE, DNS_PTR, 0);
	input();
	until(now + 1000);
	assert_int_equal(npackets, 1);
	assert_int_equal(count(packets, DNS_ADDITIONAL, DNS_SRV, NULL), 1);
	assert_int_equal(count(packets, DNS_ADDITIONAL, DNS_TXT, NULL), 1);
	assert_int_equal(count(packets, DNS_ADDITIONAL, DNS_A, NULL), 1);
	assert_int_equal(count(packets, DNS_ADDITIONAL, DNS_AAAA, NULL), 1);
	assert_int_equal(count(packets, DNS_ADDITIONAL, DNS_NSEC, &rr), 2);
	assert_true(dns_nsec_has(&rr, DNS_A) && dns_nsec_has(&rr, DNS_AAAA));
	assert_false(dns_nsec_has(&rr, DNS_SRV));
}

/* 7.1: known for at least half of the time, in any case of letters. */
static void
test_known(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < strlen(instance); i++)
		if (instance[i] >= 'a' && instance[i] <= 'z' && i < 4)
			instance[i] -= 'a' - 'A';
	begin(0);
	ask(SERVICE, DNS_PTR, 0);
	say(DNS_ANSWER, pointer(instance, 2250));
	input();
	until(now + 2000);
	assert_int_equal(npackets, 0);
	begin(0);
	ask(SERVICE, DNS_PTR, 0);
	say(DNS_ANSWER, pointer(instance, 2249));
	input();
	until(now + 2000);
	assert_int_equal(npackets, 1);
}

/* 7.2: what is known may come in later packets. */
static void
test_truncated(void **state)
{
	uint64_t asked = now;

	(void)state;
	begin(DNS_TC);
	ask(SERVICE, DNS_PTR, 0);
	ask(META, DNS_PTR, 0);
	input();
	until(now + 300);
	begin(0);
	say(DNS_ANSWER, pointer(instance, 4500));
	input();
	until(now + 2000);
	assert_int_equal(npackets, 1);
	assert_in_range(packets[0].at, asked + 400, asked + 500);
	assert_int_equal(count(packets, DNS_ANSWER, DNS_PTR, NULL), 1);
	/* Another host's do not count for this one. */
	npackets = 0;
	begin(DNS_TC);
	ask(SERVICE, DNS_PTR, 0);
	input();
	begin(0);
	say(DNS_ANSWER, pointer(instance, 4500));
	input_from(&(struct mdns_from){ { 2 }, MDNS_PORT, 1, 0, 0 });
	until(now + 2000);
	assert_int_equal(npackets, 1);
}

/* 6: one a second; 250 ms for who probes. */
static void
test_rate(void **state)
{
	uint64_t first;
	int i;

	(void)state;
	begin(0);
	ask(instance, DNS_SRV, 0);
	for (i = 0; i < 100; i++) {
		input();
		until(now + 30);
	}
	until(now + 2000);
	assert_in_range(npackets, 4, 5);
	for (i = 1; i < (int)npackets; i++)
		assert_true(packets[i].at - packets[i - 1].at >= 1000);
	npackets = 0;
	begin(0);
	ask(instance, DNS_ANY, 0);
	say(DNS_AUTHORITY, server(instance, "x.local", 1, 120));
	first = now;
	for (i = 0; i < 10; i++) {
		input();
		until(now + 100);
	}
	assert_in_range(npackets, 4, 5);
	assert_int_equal(packets[0].at, first);
	assert_int_equal(packets[1].at, first + 250);
}

/* 5.4: to the asker alone what the link heard lately. */
static void
test_unicast(void **state)
{
	struct mdns_from direct = other;
	int i;

	(void)state;
	begin(0);
	ask(host, DNS_A, 1);
	input();
	assert_int_equal(npackets, 1);
	assert_true(packets[0].unicast);
	assert_int_equal(count(packets, DNS_ANSWER, DNS_A, NULL), 1);
	/* 120 s / 4 after it was said last. */
	until(now + 31000);
	npackets = 0;
	input();
	assert_int_equal(npackets, 0);
	until(now + 1000);
	assert_int_equal(npackets, 1);
	assert_false(packets[0].unicast);
	/* Sent to us alone, it is the same without the bit (5.5). */
	npackets = 0;
	direct.multicast = 0;
	begin(0);
	ask(host, DNS_A, 0);
	input_from(&direct);
	assert_true(npackets == 1 && packets[0].unicast);
	/* Not as often as somebody likes, whoever he says he is. */
	npackets = 0;
	for (i = 0; i < 30; i++)
		input_from(&direct);
	assert_int_equal(npackets, 19);
}

/* 6.7: resolvers that know nothing of multicast DNS. */
static void
test_legacy(void **state)
{
	static const struct mdns_from from = { { 3 }, 40000, 1, 0, 0 };
	struct dns_record rr;

	(void)state;
	begin(0x0100);
	ask(SERVICE, DNS_PTR, 0);
	input_from(&from);
	assert_int_equal(npackets, 1);
	assert_true(packets[0].unicast);
	assert_int_equal(packets[0].bytes[0] << 8 | packets[0].bytes[1],
	    0x1234);
	assert_int_equal(count(packets, DNS_QUESTION, DNS_PTR, NULL), 1);
	assert_int_equal(count(packets, DNS_ANSWER, DNS_PTR, &rr), 1);
	assert_int_equal(rr.ttl, 10);
	assert_int_equal(count(packets, DNS_ADDITIONAL, DNS_SRV, &rr), 1);
	assert_true(rr.ttl == 10 && !rr.flush);
	assert_int_equal(count(packets, DNS_ADDITIONAL, DNS_NSEC, NULL), 0);
	npackets = 0;
	begin(0);
	ask(instance, DNS_A, 0);
	input_from(&from);
	until(now + 2000);
	assert_int_equal(npackets, 0);
}

/* 7.4: another said it; 6.6: another says it ends. */
static void
test_others(void **state)
{
	struct dns_record *rr;

	(void)state;
	begin(0);
	ask(META, DNS_PTR, 0);
	input();
	begin(DNS_QR | DNS_AA);
	rr = record(META, DNS_PTR, 4500);
	(void)dns_name_set(&rr->u.ptr, SERVICE);
	say(DNS_ANSWER, rr);
	input();
	until(now + 2000);
	assert_int_equal(npackets, 0);
	begin(DNS_QR | DNS_AA);
	say(DNS_ANSWER, pointer(instance, 0));
	input();
	until(now + 2000);
	assert_int_equal(npackets, 1);
	assert_int_equal(count(packets, DNS_ANSWER, DNS_PTR, NULL), 1);
}

static void
test_conflict_probing(void **state)
{
	char was[1024];

	(void)state;
	link_set(1, 1, 1, 0);
	until(now + 300);
	memcpy(was, host, sizeof(was));
	begin(DNS_QR | DNS_AA);
	say(DNS_ANSWER, address(host, 99, 120));
	input();
	names();
	assert_string_not_equal(host, was);
	assert_int_equal(responder_conflicts(r), 1);
	npackets = 0;
	until(now + 1200);
	/* Nothing had been announced that had to be taken back. */
	assert_int_equal(npackets, 4);
	assert_true(responder_ready(r, 1));
}

/* 9: probe again; if it is there, another name and a goodbye for the old. */
static void
test_conflict_running(void **state)
{
	struct dns_record rr;
	char was[1024];

	(void)state;
	memcpy(was, instance, sizeof(was));
	begin(DNS_QR | DNS_AA);
	say(DNS_ANSWER, server(instance, "x.local", 1, 120));
	input();
	assert_false(responder_ready(r, 1));
	names();
	assert_string_equal(instance, was);
	input();
	names();
	assert_string_not_equal(instance, was);
	until(now + 3000);
	assert_true(responder_ready(r, 1));
	assert_int_equal(count(packets, DNS_ANSWER, DNS_PTR, &rr), 1);
	assert_int_equal(rr.ttl, 0);
	dns_name_text(&rr.u.ptr, instance, sizeof(instance));
	assert_string_equal(instance, was);
	assert_true(responder_owns(r, &rr.u.ptr));
}

/* What looks like a conflict and is none. */
static void
test_no_conflict(void **state)
{
	static const struct mdns_from legacy = { { 3 }, 40000, 1, 0, 0 };
	struct dns_record *rr;

	(void)state;
	link_set(2, 2, 1, 0);
	until(now + 5000);
	/* Our own, of either link, even on the other one. */
	begin(DNS_QR | DNS_AA);
	say(DNS_ANSWER, address(host, 1, 120));
	say(DNS_ANSWER, address(host, 2, 120));
	say(DNS_ANSWER, server(instance, host, 9010, 120));
	input();
	/* A goodbye, another class, what no multicast DNS host sent. */
	begin(DNS_QR | DNS_AA);
	say(DNS_ANSWER, address(host, 99, 0));
	rr = address(host, 99, 120);
	rr->class = 3;
	say(DNS_ANSWER, rr);
	input();
	begin(DNS_QR | DNS_AA);
	say(DNS_ANSWER, address(host, 99, 120));
	input_from(&legacy);
	/* Another type than we have. */
	begin(DNS_QR | DNS_AA);
	say(DNS_ANSWER, text(host, "\3a=b", 120));
	input();
	assert_int_equal(responder_conflicts(r), 0);
	assert_true(responder_ready(r, 1) && responder_ready(r, 2));
}

/* 8.1: fifteen in ten seconds, and it waits for five before each. */
static void
test_conflict_flood(void **state)
{
	int i;

	(void)state;
	link_set(1, 1, 1, 0);
	for (i = 0; i < 15; i++) {
		assert_true(responder_due(r) <= now + 250);
		names();
		begin(DNS_QR | DNS_AA);
		say(DNS_ANSWER, address(host, 99, 120));
		input();
	}
	assert_true(responder_due(r) <= now + 250);
	names();
	begin(DNS_QR | DNS_AA);
	say(DNS_ANSWER, address(host, 99, 120));
	input();
	assert_int_equal(responder_due(r), now + 5000);
}

struct tie_case {
	const char *name;
	uint8_t last;
	unsigned int n;
	int lost;
};

/* 8.2, as in 8.2.1: 10.0.0.200 wins against 10.0.0.100. */
static const struct tie_case ties[] = {
	{ "theirs is later", 200, 1, 1 },
	{ "theirs is earlier", 50, 1, 0 },
	{ "the same", 100, 1, 0 },
	{ "the same and one more", 100, 2, 1 },
	{ "later, and one more", 101, 2, 1 },
	{ "earlier, and one more", 99, 2, 0 },
};

static void
test_tie(void **state)
{
	struct dns_record *rr;
	uint64_t at;
	size_t i;

	for (i = 0; i < COUNT(ties); i++) {
		if (i > 0)
			(void)setup(state);
		link_set(1, 100, 1, 0);
		until(now + 300);
		npackets = 0;
		begin(0);
		ask(host, DNS_ANY, 0);
		rr = address(host, ties[i].last, 120);
		rr->flush = 0;
		say(DNS_AUTHORITY, rr);
		if (ties[i].n == 2)
			say(DNS_AUTHORITY, text(host, "\3a=b", 120));
		at = now;
		input();
		until(now + 900);
		if (responder_ready(r, 1) == ties[i].lost)
			fail_msg("%s", ties[i].name);
		until(now + 2000);
		assert_true(responder_ready(r, 1));
		if (ties[i].lost)
			assert_int_equal(packets[0].at, at + 1000);
		assert_int_equal(responder_conflicts(r), 0);
		if (i + 1 < COUNT(ties))
			(void)teardown(state);
	}
}

static void
test_stop(void **state)
{
	struct dns_record rr;

	(void)state;
	responder_stop(r);
	assert_true(responder_due(r) <= now);
	responder_run(r, now, &sender);
	assert_int_equal(npackets, 1);
	assert_int_equal(count(packets, DNS_ANSWER, DNS_PTR, &rr), 1);
	assert_int_equal(rr.ttl, 0);
	assert_int_equal(count(packets, DNS_ANSWER, DNS_SRV, &rr), 1);
	assert_int_equal(rr.ttl, 0);
	assert_int_equal(responder_due(r), MDNS_NEVER);
	begin(0);
	ask(SERVICE, DNS_PTR, 0);
	input();
	assert_int_equal(responder_due(r), MDNS_NEVER);
}

/* Addresses come and go without a new probe (8.4). */
static void
test_addresses(void **state)
{
	struct dns_record rr;

	(void)state;
	link_set(1, 1, 2, 1);
	until(now + 10);
	assert_int_equal(npackets, 1);
	assert_int_equal(count(packets, DNS_ANSWER, DNS_A, NULL), 2);
	until(now + 5000);
	npackets = 0;
	link_set(1, 1, 1, 0);
	until(now + 10);
	assert_int_equal(npackets, 2);
	assert_int_equal(count(&packets[0], DNS_ANSWER, DNS_A, &rr), 1);
	assert_true(rr.ttl == 0 && rr.u.a[3] == 101 && !rr.flush);
	assert_int_equal(count(&packets[0], DNS_ANSWER, DNS_AAAA, NULL), 1);
	assert_int_equal(count(&packets[1], DNS_ANSWER, DNS_A, &rr), 1);
	assert_true(rr.flush && rr.ttl == 120);
	link_set(1, 1, 0, 0);
	assert_int_equal(responder_due(r), MDNS_NEVER);
	link_set(1, 1, 1, 0);
	assert_false(responder_ready(r, 1));
	until(now + 2000);
	assert_true(responder_ready(r, 1));
}

static void
test_txt(void **state)
{
	uint8_t large[RESPONDER_TXT_MAX + 1] = { 0 };

	(void)state;
	assert_int_equal(responder_set_txt(r, large, sizeof(large), now), -1);
	assert_int_equal(responder_set_txt(r, (const uint8_t *)"\4a=b", 4, now),
	    -1);
	assert_int_equal(responder_due(r), MDNS_NEVER);
	assert_int_equal(responder_set_txt(r, (const uint8_t *)"\3v=2\3g=2", 8,
			     now),
	    0);
	until(now + 10);
	assert_int_equal(npackets, 1);
	assert_int_equal(count(packets, DNS_ANSWER, DNS_TXT, NULL), 1);
	assert_int_equal(responder_set_txt(r, large, RESPONDER_TXT_MAX, now),
	    0);
}

static void
test_limits(void **state)
{
	struct responder_addresses a;
	uint32_t i;

	(void)state;
	memset(&a, 0, sizeof(a));
	a.n4 = a.n6 = RESPONDER_ADDRESSES_MAX + 1;
	for (i = 0; i < RESPONDER_ADDRESSES_MAX; i++)
		a.v4[i][3] = a.v6[i][15] = (uint8_t)i;
	for (i = 0; i < RESPONDER_LINKS_MAX; i++)
		assert_int_equal(responder_set_link(r, i, 0, &a, now), 0);
	assert_int_equal(responder_set_link(r, i, 0, &a, now), -1);
	responder_delete_link(r, 5);
	assert_int_equal(responder_set_link(r, i, 0, &a, now), 0);
	for (i = 1; i <= RESPONDER_LINKS_MAX; i++)
		if (i != 1)
			responder_delete_link(r, i);
	responder_delete_link(r, 0);
	/* The most that a link can have fits into the least packet. */
	until(now + 800);
	assert_int_equal(packets[0].len <= MDNS_BYTES_LEAST, 1);
	npackets = 0;
	until(now + 10000);
	begin(0);
	ask(SERVICE, DNS_ANY, 0);
	ask(instance, DNS_ANY, 0);
	ask(host, DNS_ANY, 0);
	input();
	npackets = 0;
	until(now + 1000);
	assert_true(npackets >= 1);
	for (i = 0; i < npackets; i++)
		assert_true(packets[i].len <= MDNS_BYTES_LEAST);
}

static void
test_ignored(void **state)
{
	size_t len;

	(void)state;
	begin(0x0800);
	ask(SERVICE, DNS_PTR, 0);
	input();
	begin(3);
	ask(SERVICE, DNS_PTR, 0);
	input();
	begin(0);
	ask(SERVICE, DNS_PTR, 0);
	len = dns_finish(&writer);
	assert_int_equal(responder_input(r, 1, &other, message, len - 1, now,
			     &sender),
	    -1);
	assert_int_equal(responder_input(r, 7, &other, message, len, now,
			     &sender),
	    0);
	until(now + 1000);
	assert_int_equal(npackets, 0);
}

#define T(f, s) cmocka_unit_test_setup_teardown(f, s, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_start, setup),
		T(test_questions, setup_running),
		T(test_questions_mixed, setup_running),
		T(test_additional, setup_running),
		T(test_known, setup_running),
		T(test_truncated, setup_running),
		T(test_rate, setup_running),
		T(test_unicast, setup_running),
		T(test_legacy, setup_running),
		T(test_others, setup_running),
		T(test_conflict_probing, setup),
		T(test_conflict_running, setup_running),
		T(test_no_conflict, setup_running),
		T(test_conflict_flood, setup),
		T(test_tie, setup),
		T(test_leave, setup_running),
		T(test_stop, setup_running),
		T(test_addresses, setup_running),
		T(test_txt, setup_running),
		T(test_limits, setup),
		T(test_ignored, setup_running),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
