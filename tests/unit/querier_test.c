/* discovery/querier*.c: RFC 6762, 5 and 7; RFC 6763; and its bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "discovery/querier.h"
#include "discovery/responder.h"
#include "tests/unit/mdns_fixture.h"

#define ONE "one." SERVICE
#define TWO "two." SERVICE

static struct querier *q;
static struct querier_service service;
static const struct mdns_from *speaker;

static void
until(uint64_t end)
{
	uint64_t due;

	while ((due = querier_due(q)) <= end) {
		if (due > now)
			now = due;
		querier_run(q, now, &sender);
		assert_true(querier_due(q) > now);
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
	speaker = &other;
	q = querier_new(SERVICE, &generator);
	assert_non_null(q);
	assert_int_equal(querier_set_link(q, 1, MDNS_BYTES_IPV4, now), 0);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	querier_free(q);
	return (0);
}

static void
input_on(uint32_t link)
{
	size_t len = dns_finish(&writer);

	assert_int_equal(querier_input(q, link, speaker, message, len, now),
	    0);
}

static void
input(void)
{
	input_on(1);
}

/* All that is needed of an instance, in one packet. */
static void
announce(const char *instance, const char *host, uint8_t last)
{
	begin(DNS_QR | DNS_AA);
	/* In the wrong order, as it may come. */
	say(DNS_ANSWER, address(host, last, 120));
	say(DNS_ANSWER, text(instance, "\3v=2", 4500));
	say(DNS_ANSWER, server(instance, host, 9010, 120));
	say(DNS_ANSWER, pointer(instance, 4500));
	input();
}

static void
expect(enum querier_event event)
{
	assert_int_equal(querier_report(q, &service), event);
}

/* 5.2: at 20 to 120 ms, then 1, 2, 4 ... s later, an hour at most. */
static void
test_intervals(void **state)
{
	uint64_t gap = 1000;
	size_t i;

	(void)state;
	until(now + 5 * 3600 * 1000);
	assert_in_range(npackets, 14, 20);
	assert_in_range(packets[0].at, 1020, 1120);
	for (i = 0; i < npackets; i++) {
		assert_int_equal(count(&packets[i], DNS_QUESTION, DNS_PTR,
				     NULL),
		    1);
		if (i == 0)
			continue;
		assert_int_equal(packets[i].at - packets[i - 1].at, gap);
		gap = gap * 2 > 3600000 ? 3600000 : gap * 2;
	}
	assert_int_equal(gap, 3600000);
}

static void
test_found(void **state)
{
	char name[1024];

	(void)state;
	announce(ONE, "host.local", 7);
	expect(QUERIER_FOUND);
	assert_string_equal(dns_name_text(&service.instance, name,
				sizeof(name)),
	    ONE);
	assert_string_equal(dns_name_text(&service.host, name, sizeof(name)),
	    "host.local");
	assert_int_equal(service.port, 9010);
	assert_int_equal(service.txtlen, 4);
	assert_memory_equal(service.txt, "\3v=2", 4);
	assert_int_equal(service.naddresses, 1);
	assert_int_equal(service.address[0].link, 1);
	assert_false(service.address[0].v6);
	assert_memory_equal(service.address[0].bytes, "\x0a\0\0\7", 4);
	expect(QUERIER_NONE);
	/* The same once more is no change. */
	announce(ONE, "host.local", 7);
	expect(QUERIER_NONE);
	/* A new address, at once, and the old one a second after. */
	now += 2000;
	announce(ONE, "host.local", 8);
	expect(QUERIER_CHANGED);
	assert_int_equal(service.naddresses, 2);
	until(now + 1000);
	expect(QUERIER_CHANGED);
	assert_int_equal(service.naddresses, 1);
	assert_int_equal(service.address[0].bytes[3], 8);
	expect(QUERIER_NONE);
}

static void
test_goodbye(void **state)
{
	(void)state;
	announce(ONE, "host.local", 7);
	announce(TWO, "other.local", 8);
	expect(QUERIER_FOUND);
	expect(QUERIER_FOUND);
	begin(DNS_QR | DNS_AA);
	say(DNS_ANSWER, pointer(ONE, 0));
	input();
	expect(QUERIER_NONE);
	until(now + 999);
	expect(QUERIER_NONE);
	until(now + 1);
	expect(QUERIER_GONE);
	assert_memory_equal(service.instance.bytes, "\3one", 4);
	assert_int_equal(service.port, 9010);
	expect(QUERIER_NONE);
	announce(ONE, "host.local", 7);
	expect(QUERIER_FOUND);
}

/* Nobody renews it: asked for at four points, then gone. */
static void
test_expiry(void **state)
{
	unsigned int asked = 0;
	size_t i;

	(void)state;
	until(now + 500);
	announce(ONE, "host.local", 7);
	expect(QUERIER_FOUND);
	npackets = 0;
	until(now + 119999);
	expect(QUERIER_NONE);
	for (i = 0; i < npackets; i++)
		asked += count(&packets[i], DNS_QUESTION, DNS_SRV, NULL);
	assert_int_equal(asked, 4);
	until(now + 1);
	expect(QUERIER_GONE);
}

/* Only a PTR came: the rest is asked for, four times and not for ever. */
static void
test_resolve(void **state)
{
	unsigned int srv = 0, txt = 0, a = 0;
	uint64_t at = now;
	size_t i;

	(void)state;
	begin(DNS_QR | DNS_AA);
	say(DNS_ANSWER, pointer(ONE, 4500));
	input();
	expect(QUERIER_NONE);
	until(now + 200);
	for (i = 0; i < npackets; i++)
		if (count(&packets[i], DNS_QUESTION, DNS_SRV, NULL) == 1)
			break;
	assert_true(i < npackets);
	assert_in_range(packets[i].at, at + 20, at + 240);
	until(now + 25000);
	for (i = 0; i < npackets; i++) {
		srv += count(&packets[i], DNS_QUESTION, DNS_SRV, NULL);
		txt += count(&packets[i], DNS_QUESTION, DNS_TXT, NULL);
		a += count(&packets[i], DNS_QUESTION, DNS_A, NULL);
	}
	assert_true(srv == 4 && txt == 4 && a == 0);
	/* Half of it comes: now the address is asked for. */
	npackets = 0;
	begin(DNS_QR | DNS_AA);
	say(DNS_ANSWER, server(ONE, "host.local", 9010, 120));
	say(DNS_ANSWER, text(ONE, "\3v=2", 120));
	input();
	expect(QUERIER_NONE);
	until(now + 500);
	for (i = 0; i < npackets; i++)
		a += count(&packets[i], DNS_QUESTION, DNS_A, NULL);
	assert_int_equal(a, 1);
	until(now + 60000);
	/* It is heard of again, and tried again. */
	npackets = a = 0;
	begin(DNS_QR | DNS_AA);
	say(DNS_ANSWER, pointer(ONE, 4500));
	input();
	until(now + 500);
	for (i = 0; i < npackets; i++)
		a += count(&packets[i], DNS_QUESTION, DNS_A, NULL);
	assert_int_equal(a, 1);
	begin(DNS_QR | DNS_AA);
	say(DNS_ANSWER, address("HOST.local", 7, 120));
	input();
	expect(QUERIER_FOUND);
}

/* 7.1 and 7.2: what is known is said, in as many packets as it takes. */
static void
test_known(void **state)
{
	struct dns_record rr;
	unsigned int n = 0;
	char name[64];
	size_t i;
	int k;

	(void)state;
	for (k = 0; k < 100; k++) {
		begin(DNS_QR | DNS_AA);
		snprintf(name, sizeof(name), "i-%024d." SERVICE, k);
		say(DNS_ANSWER, pointer(name, k == 50 ? 2 : 4500));
		input();
	}
	now += 1100;
	querier_run(q, now, &sender);
	for (i = 0; i < npackets; i++) {
		n += count(&packets[i], DNS_ANSWER, DNS_PTR, &rr);
		assert_true(packets[i].len <= MDNS_BYTES_IPV4);
		if (count(&packets[i], DNS_ANSWER, DNS_PTR, &rr) == 0)
			break;
		assert_int_equal(rr.ttl, 4498);
		assert_false(rr.flush);
		assert_int_equal(count(&packets[i], DNS_QUESTION, DNS_PTR,
				     NULL),
		    i == 0 ? 1 : 0);
	}
	assert_int_equal(n, 99);
	assert_true(i > 1);
	for (; i-- > 0;)
		if (count(&packets[i], DNS_ANSWER, DNS_PTR, NULL) > 0)
			break;
	assert_int_equal(packets[0].bytes[2] & 2, 2);
	assert_int_equal(packets[i].bytes[2] & 2, 0);
}

/* 7.3: another one's question may stand for ours, twice in a row. */
static void
test_same_question(void **state)
{
	uint64_t due;
	int i;

	(void)state;
	until(1200);
	for (i = 0; i < 4; i++) {
		due = querier_due(q);
		now = due - 500;
		begin(0);
		ask(SERVICE, DNS_PTR, 0);
		input();
		assert_int_equal(querier_due(q) > due, i < 2);
	}
	until(due);
	/* Not one that knows what we do not, nor one to come in parts. */
	due = querier_due(q);
	now = due - 100;
	begin(0);
	ask(SERVICE, DNS_PTR, 0);
	say(DNS_ANSWER, pointer(ONE, 4500));
	input();
	begin(DNS_TC);
	ask(SERVICE, DNS_PTR, 0);
	input();
	begin(0);
	ask(SERVICE, DNS_PTR, 1);
	input();
	assert_int_equal(querier_due(q), due);
}

/* Two links: an address of each; the one goes with its link. */
static void
test_links(void **state)
{
	uint32_t i;

	(void)state;
	assert_int_equal(querier_set_link(q, 2, MDNS_BYTES_IPV6, now), 0);
	announce(ONE, "host.local", 7);
	input_on(2);
	expect(QUERIER_FOUND);
	assert_int_equal(service.naddresses, 2);
	querier_delete_link(q, 1, now);
	expect(QUERIER_CHANGED);
	assert_int_equal(service.naddresses, 1);
	assert_int_equal(service.address[0].link, 2);
	querier_delete_link(q, 2, now);
	expect(QUERIER_GONE);
	expect(QUERIER_NONE);
	assert_int_equal(querier_due(q), MDNS_NEVER);
	for (i = 0; i < QUERIER_LINKS_MAX; i++)
		assert_int_equal(querier_set_link(q, i, 0, now), 0);
	assert_int_equal(querier_set_link(q, i, 0, now), -1);
	assert_int_equal(querier_set_link(q, 3, 0, now), 0);
}

/* What leads nowhere is not even kept. */
static void
test_ignored(void **state)
{
	static const struct mdns_from legacy = { { 3 }, 40000, 1, 0, 0 };
	struct querier_stats s;
	struct dns_record *rr;
	size_t len;

	(void)state;
	begin(DNS_QR | DNS_AA);
	rr = record("_http._tcp.local", DNS_PTR, 120);
	(void)dns_name_set(&rr->u.ptr, "a._http._tcp.local");
	say(DNS_ANSWER, rr);
	say(DNS_ANSWER, pointer("a.b." SERVICE, 120));
	say(DNS_ANSWER, pointer("_http._tcp.local", 120));
	say(DNS_ANSWER, pointer("bad\n." SERVICE, 120));
	say(DNS_ANSWER, pointer(ONE, 0));
	say(DNS_ANSWER, server(ONE, "host.local", 9010, 120));
	say(DNS_ANSWER, address("host.local", 7, 120));
	input();
	begin(DNS_QR | DNS_AA);
	say(DNS_ANSWER, pointer(ONE, 120));
	len = dns_finish(&writer);
	assert_int_equal(querier_input(q, 1, &legacy, message, len, now), 0);
	assert_int_equal(querier_input(q, 9, &other, message, len, now), 0);
	assert_int_equal(querier_input(q, 1, &other, message, len - 1, now),
	    -1);
	querier_stats(q, &s);
	assert_int_equal(s.instances, 0);
	assert_int_equal(s.records, 0);
	/* Port 0 and the root as target: not there. */
	begin(DNS_QR | DNS_AA);
	say(DNS_ANSWER, pointer(ONE, 120));
	say(DNS_ANSWER, server(ONE, "host.local", 0, 120));
	say(DNS_ANSWER, server(ONE, "", 9010, 120));
	input();
	querier_stats(q, &s);
	assert_int_equal(s.records, 1);
}

/* Unresolved ones go first, then the oldest, a pinned one never. */
static void
test_flood(void **state)
{
	struct querier_stats s;
	struct dns_name one;
	char name[64], host[64];
	int i, gone = 0;

	(void)state;
	announce(ONE, "host.local", 7);
	announce(TWO, "other.local", 8);
	expect(QUERIER_FOUND);
	expect(QUERIER_FOUND);
	for (i = 0; i < 20000; i++) {
		begin(DNS_QR | DNS_AA);
		snprintf(name, sizeof(name), "i%d." SERVICE, i);
		say(DNS_ANSWER, pointer(name, 4500));
		input();
		expect(QUERIER_NONE);
	}
	querier_stats(q, &s);
	assert_int_equal(s.instances, QUERIER_INSTANCES_MAX);
	assert_int_equal(s.resolved, 2);
	assert_int_equal(s.evicted_instances,
	    20000 - QUERIER_INSTANCES_MAX + 2);
	assert_true(s.records <= QUERIER_RECORDS_MAX);
	npackets = 0;
	querier_run(q, now + 1000, &sender);
	assert_true(npackets < PACKETS_MAX);
	/* Resolved ones in their thousands. */
	assert_int_equal(dns_name_set(&one, ONE), 0);
	querier_pin(q, &one, 1);
	for (i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "r%d." SERVICE, i);
		snprintf(host, sizeof(host), "h%d.local", i);
		announce(name, host, (uint8_t)i);
		for (;;) {
			if (querier_report(q, &service) == QUERIER_NONE)
				break;
			gone |= service.instance.bytes[1] == 'o';
		}
	}
	assert_false(gone);
	querier_stats(q, &s);
	assert_int_equal(s.instances, QUERIER_INSTANCES_MAX);
	assert_int_equal(s.resolved, QUERIER_INSTANCES_MAX);
	assert_true(s.records <= QUERIER_RECORDS_MAX);
	/* Addresses without end for one host. */
	for (i = 0; i < 5000; i++) {
		struct dns_record *rr;

		begin(DNS_QR | DNS_AA);
		rr = address("h2999.local", (uint8_t)i, 120);
		rr->u.a[1] = (uint8_t)(i >> 8);
		rr->flush = 0;
		say(DNS_ANSWER, rr);
		input();
	}
	querier_stats(q, &s);
	assert_true(s.records <= 4 * QUERIER_INSTANCES_MAX + 16);
	/* No longer pinned, it is like the others: heard long ago. */
	querier_pin(q, &one, 0);
	assert_int_equal(querier_report(q, &service), QUERIER_CHANGED);
	expect(QUERIER_NONE);
}

/* One host that announces without end does not push out those of others. */
static void
test_flood_of_one(void **state)
{
	struct mdns_from mad = other;
	struct querier_stats s;
	char name[64], host[64];
	int i, gone = 0;

	(void)state;
	announce(ONE, "host.local", 7);
	announce(TWO, "other.local", 8);
	expect(QUERIER_FOUND);
	assert_int_equal(service.source, 0);
	expect(QUERIER_FOUND);
	mad.source = 17;
	speaker = &mad;
	for (i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "r%d." SERVICE, i);
		snprintf(host, sizeof(host), "h%d.local", i);
		announce(name, host, (uint8_t)i);
		while (querier_report(q, &service) != QUERIER_NONE) {
			gone |= service.instance.bytes[1] != 'r';
			assert_int_equal(service.source, 17);
		}
	}
	assert_false(gone);
	/* Somebody new finds room, and keeps it. */
	speaker = &other;
	announce("new." SERVICE, "new.local", 9);
	expect(QUERIER_EVICTED);
	expect(QUERIER_FOUND);
	assert_string_equal((char *)service.instance.bytes + 1, "new\4_nws"
	    "\4_tcp\5local");
	speaker = &mad;
	for (i = 3000; i < 6000; i++) {
		snprintf(name, sizeof(name), "r%d." SERVICE, i);
		snprintf(host, sizeof(host), "h%d.local", i);
		announce(name, host, (uint8_t)i);
		while (querier_report(q, &service) != QUERIER_NONE)
			gone |= service.instance.bytes[1] != 'r';
	}
	assert_false(gone);
	querier_stats(q, &s);
	assert_int_equal(s.instances, QUERIER_INSTANCES_MAX);
	/* What there was no room for can be asked for once more. */
	querier_retell(q);
	querier_retell(q);
	for (i = 0; querier_report(q, &service) == QUERIER_FOUND; i++)
		;
	assert_int_equal(i, QUERIER_INSTANCES_MAX);
	expect(QUERIER_NONE);
}

/* Who is to be told once more and goes meanwhile is gone for the owner, too. */
static void
test_retell_and_gone(void **state)
{
	(void)state;
	announce(ONE, "host.local", 7);
	announce(TWO, "other.local", 8);
	expect(QUERIER_FOUND);
	expect(QUERIER_FOUND);
	begin(DNS_QR | DNS_AA);
	say(DNS_ANSWER, pointer(ONE, 0));
	say(DNS_ANSWER, address("other.local", 8, 0));
	input();
	expect(QUERIER_NONE);
	querier_retell(q);
	until(now + 1000);
	expect(QUERIER_GONE);
	assert_memory_equal(service.instance.bytes, "\3one", 4);
	expect(QUERIER_GONE);
	assert_memory_equal(service.instance.bytes, "\3two", 4);
	expect(QUERIER_NONE);
	announce(TWO, "other.local", 8);
	expect(QUERIER_FOUND);
	expect(QUERIER_NONE);
}

/*
 * Nor do many hosts that announce a little each push out those that are pinned,
 * though these are more than anybody else's.
 */
static void
test_flood_of_many(void **state)
{
	struct mdns_from from = other;
	struct dns_name pinned;
	char name[64], host[64];
	int i, gone = 0;

	(void)state;
	speaker = &from;
	for (i = 0; i < 3000; i++) {
		from.source = i < 20 ? 0 : 1 + (uint32_t)i % (MDNS_SOURCES - 1);
		snprintf(name, sizeof(name), "%c%d." SERVICE, i < 20 ? 'p' :
		    'r', i);
		snprintf(host, sizeof(host), "h%d.local", i);
		announce(name, host, (uint8_t)i);
		if (i < 20) {
			assert_int_equal(dns_name_set(&pinned, name), 0);
			querier_pin(q, &pinned, 1);
		}
		while (querier_report(q, &service) != QUERIER_NONE)
			gone |= service.instance.bytes[1] == 'p' && i >= 20;
	}
	assert_false(gone);
}

/*
 * Whoever says that there are many, or for two seconds only, does not make us
 * flood the network with questions: three packets in a tenth of a second.
 */
static void
test_questions_bounded(void **state)
{
	unsigned int asked = 0, others;
	char name[64];
	size_t i;
	int k;

	(void)state;
	until(now + 500);
	for (k = 0; k < QUERIER_INSTANCES_MAX; k++) {
		begin(DNS_QR | DNS_AA);
		snprintf(name, sizeof(name), "i-%024d." SERVICE, k);
		say(DNS_ANSWER, pointer(name, 4500));
		if (k % 2)
			say(DNS_ANSWER, server(name, "host.local", 1, 2));
		input();
	}
	for (k = 0; k < 600; k++) {
		npackets = others = 0;
		until(now + 100);
		for (i = 0; i < npackets; i++) {
			asked += count(&packets[i], DNS_QUESTION, DNS_SRV,
			    NULL);
			others += count(&packets[i], DNS_QUESTION, DNS_PTR,
			    NULL) + count(&packets[i], DNS_ANSWER, DNS_PTR,
			    NULL) == 0;
		}
		assert_true(others <= 3);
	}
	/* All the same, everything is asked for. */
	assert_true(asked >= QUERIER_INSTANCES_MAX * 4 / 2);
}

/* Reports that nobody fetches do not add up. */
static void
test_unread(void **state)
{
	struct querier_stats s;
	char name[64], host[64];
	int i, n = 0;

	(void)state;
	for (i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "r%d." SERVICE, i);
		snprintf(host, sizeof(host), "h%d.local", i);
		announce(name, host, (uint8_t)i);
		if (i == QUERIER_INSTANCES_MAX - 1)
			while (querier_report(q, &service) != QUERIER_NONE)
				n++;
	}
	assert_int_equal(n, QUERIER_INSTANCES_MAX);
	querier_stats(q, &s);
	assert_int_equal(s.instances, QUERIER_INSTANCES_MAX);
	for (n = 0; querier_report(q, &service) != QUERIER_NONE;)
		n++;
	assert_true(n <= 2 * QUERIER_INSTANCES_MAX);
}

/* 10.4: what could not be reached is asked for, and goes if it is silent. */
static void
test_doubt(void **state)
{
	struct dns_name one;
	unsigned int asked = 0;
	size_t i;

	(void)state;
	until(now + 500);
	announce(ONE, "host.local", 7);
	expect(QUERIER_FOUND);
	assert_int_equal(dns_name_set(&one, ONE), 0);
	npackets = 0;
	querier_doubt(q, &one, now);
	until(now + 9999);
	expect(QUERIER_NONE);
	for (i = 0; i < npackets; i++) {
		asked += count(&packets[i], DNS_QUESTION, DNS_SRV, NULL);
		assert_int_equal(count(&packets[i], DNS_ANSWER, DNS_PTR, NULL),
		    0);
	}
	assert_in_range(asked, 2, 5);
	until(now + 1);
	expect(QUERIER_GONE);
}

/*
 * A network that was cut where nobody sees it: who was there before announces
 * nothing afterwards, so it is asked for as at first, not an hour later.
 */
static void
test_doubt_and_return(void **state)
{
	struct dns_name one;
	uint64_t gone;
	size_t i;

	(void)state;
	announce(ONE, "host.local", 7);
	expect(QUERIER_FOUND);
	/* For half a day it is there, and asked for ever more rarely. */
	for (i = 0; i < 12 * 60; i++) {
		npackets = 0;
		until(now + 60000);
		announce(ONE, "host.local", 7);
		expect(QUERIER_NONE);
	}
	assert_int_equal(dns_name_set(&one, ONE), 0);
	querier_doubt(q, &one, now);
	until(now + 10000);
	expect(QUERIER_GONE);
	gone = now;
	npackets = 0;
	until(now + 64000);
	/* Within a second, then at 3, 7, 15, 31 and 63. */
	assert_in_range(npackets, 5, 7);
	for (i = 0; i < npackets; i++)
		assert_int_equal(count(&packets[i], DNS_QUESTION, DNS_PTR,
				     NULL),
		    1);
	assert_true(packets[0].at - gone <= 1000);
	assert_true(packets[npackets - 1].at - gone >= 60000);
	/* Who says goodbye is not looked for. */
	announce(ONE, "host.local", 7);
	expect(QUERIER_FOUND);
	until(now + 3600000);
	announce(ONE, "host.local", 7);
	while (querier_report(q, &service) != QUERIER_NONE)
		;
	npackets = 0;
	begin(DNS_QR | DNS_AA);
	say(DNS_ANSWER, pointer(ONE, 0));
	input();
	until(now + 64000);
	expect(QUERIER_GONE);
	assert_int_equal(npackets, 0);
}

/* 5.2: the question for the type at most once a second, whoever is doubted. */
static void
test_refresh_gap(void **state)
{
	char instance[64], host[64];
	uint64_t asked = 0, end;
	struct dns_name name;
	unsigned int i;
	size_t n;

	(void)state;
	for (i = 0; i < 50; i++) {
		snprintf(instance, sizeof(instance), "i%u." SERVICE, i);
		snprintf(host, sizeof(host), "h%u.local", i);
		announce(instance, host, (uint8_t)i);
	}
	while (querier_report(q, &service) != QUERIER_NONE)
		;
	end = now + 20000;
	for (i = 0; now < end; i++) {
		snprintf(instance, sizeof(instance), "i%u." SERVICE, i % 50);
		assert_int_equal(dns_name_set(&name, instance), 0);
		if (i < 50)
			querier_doubt(q, &name, now);
		npackets = 0;
		until(now + 130);
		for (n = 0; n < npackets; n++) {
			if (count(&packets[n], DNS_QUESTION, DNS_PTR, NULL) ==
			    0)
				continue;
			assert_true(asked == 0 ||
			    packets[n].at - asked >= 1000);
			asked = packets[n].at;
		}
		while (querier_report(q, &service) != QUERIER_NONE)
			;
	}
	assert_int_not_equal(asked, 0);
}

/* A responder at the other end: its announcements, then its answers. */
static void
test_responder(void **state)
{
	struct responder_addresses a = { .n4 = 1, .n6 = 1 };
	struct responder *r = responder_new(SERVICE, 4711, &generator);
	uint64_t due;
	size_t i, n;
	int round;

	(void)state;
	assert_non_null(r);
	a.v4[0][0] = 10;
	a.v6[0][0] = 0xfe;
	assert_int_equal(responder_set_link(r, 1, MDNS_BYTES_IPV4, &a, now), 0);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 200; i++) {
			now += 10;
			npackets = 0;
			responder_run(r, now, &sender);
			querier_run(q, now, &sender);
			n = npackets;
			while (n-- > 0) {
				(void)querier_input(q, 1, &other,
				    packets[n].bytes, packets[n].len, now);
				(void)responder_input(r, 1, &other,
				    packets[n].bytes, packets[n].len, now,
				    &sender);
			}
		}
		expect(QUERIER_FOUND);
		assert_int_equal(service.port, 4711);
		assert_int_equal(service.naddresses, 2);
		assert_true(responder_owns(r, &service.instance));
		expect(QUERIER_NONE);
		/* A querier that comes later has to ask. */
		querier_free(q);
		q = querier_new(SERVICE, &generator);
		now += 10000;
		while ((due = responder_due(r)) < now)
			responder_run(r, due, &sender), npackets = 0;
		assert_int_equal(querier_set_link(q, 1, 1440, now), 0);
	}
	assert_int_equal(responder_conflicts(r), 0);
	responder_free(r);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_intervals),
		T(test_found),
		T(test_goodbye),
		T(test_expiry),
		T(test_resolve),
		T(test_known),
		T(test_same_question),
		T(test_links),
		T(test_ignored),
		T(test_flood),
		T(test_flood_of_one),
		T(test_retell_and_gone),
		T(test_flood_of_many),
		T(test_questions_bounded),
		T(test_unread),
		T(test_doubt),
		T(test_doubt_and_return),
		T(test_refresh_gap),
		T(test_responder),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
