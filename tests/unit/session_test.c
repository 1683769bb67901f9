/*
 * crypto/session*.c: what one session says and takes, held against a plain peer
 * and a router that write down all that they are told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CHECK(x)	assert_true(x)
#include "link_fixture.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define KIB		1024u

static struct peer	 peer;

static int
setup(void **state)
{
	(void)state;
	fixture_start();
	peer_new(&peer, "peer", 1);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	peer_free(&peer);
	fixture_clear();
	return (0);
}

/* One channel is shared with the peer, with these members here. */
static void
share(uint64_t a, uint64_t b)
{
	router.members[0] = a;
	router.members[1] = b;
	router.nmembers = (a != 0) + (b != 0);
	router_name(MSG_WANTED, "room");
	router_settle();
	peer_add(&peer, 1, "room", "");
	peer_start(&peer);
	assert_int_not_equal(peer.handle[1], 0);
	told(&peer.log);
	told(&router.log);
}

/* The peer's members of it. */
static void
announce(uint64_t a, uint64_t b)
{
	uint64_t	ids[2] = { a, b };

	peer_roster(&peer, 1, NWSPROTO_FIRST | NWSPROTO_LAST, ids,
	    (a != 0) + (b != 0));
	settle(&peer, 1);
	told(&router.log);
}

static void
expect_peer(const char *text)
{
	settle(&peer, 1);
	assert_string_equal(told(&peer.log), text);
}

static void
expect_router(const char *text)
{
	settle(&peer, 1);
	assert_string_equal(told(&router.log), text);
}

static void
expect_end(const char *why)
{
	settle(&peer, 1);
	assert_non_null(peer.why);
	assert_string_equal(peer.why, why);
}

static void
hello_first(void **state)
{
	(void)state;
	assert_true(session_next(peer.s) == UINT64_MAX);
	session_hello(peer.s);
	session_hello(peer.s);
	expect_peer("HELLO 262144\n");
	assert_false(session_is_active(peer.s));
	assert_int_equal(peer.link.active, 0);
	peer_hello(&peer);
	expect_peer("");
	assert_true(session_is_active(peer.s));
	assert_int_equal(peer.link.active, 1);
	/* We dialled, so we lead. */
	assert_int_equal(peer.got[NWSPROTO_OFFER], 1);
}

static void
hello_answered(void **state)
{
	(void)state;
	peer_hello(&peer);
	expect_peer("");
	assert_false(session_is_active(peer.s));
	session_hello(peer.s);
	assert_true(session_is_active(peer.s));
	expect_peer("HELLO 262144\n");
	session_hello(peer.s);
	expect_peer("");
}

static void
hello_has_max_message(void **state)
{
	(void)state;
	configure("max-message 125\n");
	session_hello(peer.s);
	expect_peer("HELLO 1024\n");
}

static void
messages_both_ways(void **state)
{
	uint64_t	id = 12 | MEMBER_SILENT;

	(void)state;
	router.members[0] = 10;
	router.members[1] = 11 | MEMBER_SILENT;
	router.nmembers = 1;
	router_name(MSG_WANTED, "room");
	router_settle();
	peer_add(&peer, 1, "room", "");
	peer_start(&peer);
	expect_router("OPEN room\n");
	expect_peer("HELLO 262144\nROSTER 1 fl 10\n");
	announce(20, 21 | NWSPROTO_SILENT);
	peer_data(&peer, 1, 20, 0, "\"x\"", 3);
	expect_router("PUBLISH room 20 0 json \"x\"\n");
	peer_data(&peer, 1, 21, 10, "\"y\"", 3);
	expect_router("DIRECT room 21 10 json \"y\"\n");
	router_data(MSG_BROADCAST, router_number("room"), 10, 0, "1", 1);
	router_data(MSG_DELIVER, router_number("room"), 10, 21, "2", 1);
	expect_peer("BROADCAST 1 10 0 json 1\nDIRECT 1 10 21 json 2\n");
	router_id(MSG_CONNECT, router_number("room"), 11);
	router_id(MSG_CONNECT, router_number("room"), id);
	router_id(MSG_DISCONNECT, router_number("room"), 10);
	expect_peer("CONNECT 1 11\nCONNECT 1 12s\nDISCONNECT 1 10\n");
	peer_presence(&peer, 1, NWSPROTO_CONNECT, 22);
	peer_presence(&peer, 1, NWSPROTO_CONNECT, 23 | NWSPROTO_SILENT);
	peer_presence(&peer, 1, NWSPROTO_DISCONNECT, 20);
	expect_router("JOIN room 22\nJOIN room 23 silent\nLEAVE room 20\n");
}

static void
pieces(void **state)
{
	uint64_t	ids[] = { 20, 21 | NWSPROTO_SILENT };
	static char	large[100 * KIB];
	size_t		piece;

	(void)state;
	memset(large, '1', sizeof(large));
	for (peer.piece = 1; peer.piece < 40 * KIB; peer.piece *= 3) {
		router.members[0] = 10 | MEMBER_SILENT;
		router.nmembers = 1;
		router_name(MSG_WANTED, "room");
		router_settle();
		peer_add(&peer, 1, "room", "");
		peer_start(&peer);
		expect_peer("HELLO 262144\nROSTER 1 fl 10s\n");
		told(&router.log);
		peer_roster(&peer, 1, NWSPROTO_FIRST, ids, 1);
		peer_roster(&peer, 1, NWSPROTO_LAST, ids + 1, 1);
		peer_data(&peer, 1, 20, 0, large, sizeof(large));
		peer_data(&peer, 1, 21, 0, "", 0);
		expect_router("JOIN room 20\nJOIN room 21 silent\n"
		    "PUBLISH room 20 0 json of 102400\n"
		    "PUBLISH room 21 0 json \n");
		piece = peer.piece;
		peer_free(&peer);
		fixture_clear();
		peer_new(&peer, "peer", 1);
		peer.piece = piece;
	}
}

static void
hundred_channels(void **state)
{
	char	name[32];
	int	i;

	(void)state;
	for (i = 1; i <= 150; i++) {
		(void)snprintf(name, sizeof(name), "channel%d", i);
		router_name(MSG_WANTED, name);
		if (i > 25)
			(void)snprintf(name, sizeof(name), i > 125 ?
			    "other%d" : "channel%d", i);
		else
			(void)snprintf(name, sizeof(name), "another%d", i);
		peer_add(&peer, (uint64_t)i, name, "");
	}
	router.members[0] = 9;
	router.nmembers = 1;
	router_settle();
	peer_start(&peer);
	for (i = 1; i <= 150; i++)
		assert_int_equal(peer.handle[i] != 0, i > 25 && i <= 125);
	assert_int_equal(peer.got[NWSPROTO_ROSTER], 100);
	assert_non_null(strstr(told(&router.log), "OPEN channel77\n"));
}

static void
nothing_in_common(void **state)
{
	(void)state;
	router.members[0] = 9;
	router.nmembers = 1;
	configure("channel room { secret \"ours\" }\n");
	router_name(MSG_WANTED, "room");
	router_name(MSG_WANTED, "other");
	router_settle();
	peer_add(&peer, 1, "room", "theirs");
	peer_add(&peer, 2, "room", "");
	peer_add(&peer, 3, "rooms", "ours");
	peer_start(&peer);
	expect_peer("HELLO 262144\n");
	expect_router("");
	assert_int_equal(peer.got[NWSPROTO_SHARE], 0);
}

static void
same_secret(void **state)
{
	(void)state;
	configure("channel room { secret \"ours\" }\n");
	router_name(MSG_WANTED, "room");
	router_settle();
	peer_add(&peer, 1, "room", "ours");
	peer_start(&peer);
	expect_peer("HELLO 262144\nROSTER 1 fl\n");
}

static void
forged_source(void **state)
{
	(void)state;
	share(10, 0);
	announce(20, 0);
	peer_data(&peer, 1, 21, 0, "1", 1);	/* nobody's */
	peer_data(&peer, 1, 10, 0, "2", 1);	/* ours */
	peer_data(&peer, 1, 21, 10, "3", 1);
	peer_presence(&peer, 1, NWSPROTO_DISCONNECT, 10);
	peer_presence(&peer, 1, NWSPROTO_DISCONNECT, 20);
	peer_data(&peer, 1, 20, 0, "4", 1);
	expect_router("LEAVE room 20\n");
	expect_peer("");
	assert_null(peer.why);
	assert_int_equal(session_counters.dropped_source, 4);
	assert_int_equal(session_counters.messages_in, 0);
}

static void
source_of_another_link(void **state)
{
	struct nwsproto	msg = { .type = NWSPROTO_UNDELIVERED };
	struct peer	other;

	(void)state;
	share(10, 0);
	announce(20, 0);
	peer_new(&other, "other", 0);
	peer_add(&other, 2, "room", "");
	peer_start(&other);
	assert_string_equal(told(&other.log), "HELLO 262144\n"
	    "ROSTER 2 fl 10\n");
	assert_string_equal(told(&router.log), "");
	peer_data(&other, 2, 20, 0, "1", 1);
	peer_presence(&other, 2, NWSPROTO_CONNECT, 20);
	peer_data(&other, 2, 20, 0, "2", 1);
	peer_presence(&other, 2, NWSPROTO_DISCONNECT, 20);
	settle(&other, 1);
	assert_string_equal(told(&router.log), "");
	assert_int_equal(session_counters.dropped_source, 2);
	assert_int_equal(session_counters.dropped_members, 1);
	peer_data(&peer, 1, 20, 0, "3", 1);
	expect_router("PUBLISH room 20 0 json 3\n");
	/* What came by one link never goes out by another. */
	peer_presence(&other, 2, NWSPROTO_CONNECT, 30);
	settle(&other, 1);
	peer_data(&peer, 1, 20, 30, "4", 1);
	router_data(MSG_BROADCAST, router_number("room"), 20, 0, "5", 1);
	expect_peer("UNDELIVERED 1 20 30\n");
	settle(&other, 1);
	assert_string_equal(told(&other.log), "");
	/* Nor does one know who is not there at the other. */
	told(&router.log);
	msg.handle = peer.handle[1];
	msg.source = 10;
	msg.target = 30;
	peer_say(&peer, &msg);
	expect_router("");
	assert_int_equal(session_counters.dropped_source, 3);
	peer_free(&other);
}

static void
direct_and_undelivered(void **state)
{
	struct nwsproto	msg = { .type = NWSPROTO_UNDELIVERED };
	uint64_t	ids[2] = { 20, 10 };

	(void)state;
	share(10, 0);
	announce(20, 0);
	/* Nobody there: here, */
	peer_data(&peer, 1, 20, 11, "1", 1);
	expect_peer("UNDELIVERED 1 20 11\n");
	/* at the router, */
	router_say(MSG_UNDELIVERED, router_number("room"), ids, sizeof(ids));
	expect_peer("UNDELIVERED 1 20 10\n");
	ids[0] = 21;
	router_say(MSG_UNDELIVERED, router_number("room"), ids, sizeof(ids));
	expect_peer("");
	/* on the other machine, as we know, or as it says. */
	router_data(MSG_DELIVER, router_number("room"), 10, 21, "2", 1);
	expect_router("UNDELIVERED room 10 21\n");
	msg.handle = peer.handle[1];
	msg.source = 10;
	msg.target = 20;
	peer_say(&peer, &msg);
	expect_router("UNDELIVERED room 10 20\n");
	/* It may not say so for others. */
	msg.source = 20;
	peer_say(&peer, &msg);
	msg.source = 11;
	peer_say(&peer, &msg);
	msg.source = msg.target = 10;
	peer_say(&peer, &msg);
	expect_router("");
	assert_int_equal(session_counters.dropped_source, 3);
}

/* Payloads that we take: at the limit that we said, and one past it. */
static void
large_from_peer(void **state)
{
	static uint8_t	data[256 * KIB + 1];

	(void)state;
	share(10, 0);
	announce(20, 0);
	memset(data, '1', sizeof(data));
	peer_data(&peer, 1, 20, 0, data, sizeof(data) - 1);
	expect_router("PUBLISH room 20 0 json of 262144\n");
	assert_null(peer.why);
	peer_data(&peer, 1, 20, 0, data, sizeof(data));
	expect_end("wrong length");
	assert_int_equal(session_counters.violations, 1);
}

/* Payloads that the peer takes. */
static void
large_to_peer(void **state)
{
	static uint8_t	data[2 * KIB + 1];
	uint32_t	number;

	(void)state;
	peer.max_data = 2 * KIB;
	memset(data, '1', sizeof(data));
	share(10, 0);
	announce(20, 0);
	number = router_number("room");
	router_data(MSG_BROADCAST, number, 10, 0, data, sizeof(data) - 1);
	router_data(MSG_DELIVER, number, 10, 20, data, sizeof(data) - 1);
	expect_peer("BROADCAST 1 10 0 json of 2048\n"
	    "DIRECT 1 10 20 json of 2048\n");
	expect_router("");
	router_data(MSG_BROADCAST, number, 10, 0, data, sizeof(data));
	router_data(MSG_DELIVER, number, 10, 20, data, sizeof(data));
	expect_peer("");
	expect_router("UNDELIVERED room 10 20\n");
	assert_int_equal(session_counters.dropped_large, 2);
	assert_int_equal(session_counters.messages_out, 2);
}

static void
raw(const void *p, size_t n)
{
	bytes_add(&peer.out, p, n);
}

static void
nothing_before_hello(void **state)
{
	uint32_t	type;
	const char	*why;

	(void)state;
	for (type = NWSPROTO_PING; type <= NWSPROTO_UNDELIVERED; type++) {
		uint8_t	small[] = { 0, 0, 0, 8, (uint8_t)type, 0, 0, 0, 1, 0,
			0, 0, 1 };

		/* What has another length is refused for that. */
		why = type == NWSPROTO_PING || type == NWSPROTO_PONG ||
		    type == NWSPROTO_LATER ? "the first message is not HELLO" :
		    strcmp(nwsproto_type_name(type), "unknown") == 0 ?
		    "unknown type" : "wrong length";
		raw(small, sizeof(small));
		if (type == NWSPROTO_ROSTER)
			why = "body does not fit its numbers";
		expect_end(why);
		peer_free(&peer);
		peer_new(&peer, "peer", 1);
		session_hello(peer.s);
	}
}

static void
nothing_before_our_hello(void **state)
{
	static const uint8_t	ping[] = { 0, 0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0,
		1 };

	(void)state;
	peer_hello(&peer);
	raw(ping, sizeof(ping));
	expect_end("a message before the answer to HELLO");
}

static void
hello_twice(void **state)
{
	(void)state;
	peer_start(&peer);
	peer_hello(&peer);
	expect_end("HELLO once more");
}

static void
ping_and_pong(void **state)
{
	struct nwsproto	msg = { .type = NWSPROTO_PING, .token = 77 };
	struct session_stats stats;

	(void)state;
	session_ping(peer.s);	/* nobody is there yet */
	peer_start(&peer);
	told(&peer.log);
	peer_say(&peer, &msg);
	expect_peer("PONG\n");
	session_ping(peer.s);
	session_ping(peer.s);
	expect_peer("PING\nPING\n");
	session_stats(peer.s, &stats);
	assert_int_equal(stats.rtt_us, 0);
	msg.type = NWSPROTO_PONG;
	msg.token = 1;
	peer_say(&peer, &msg);
	expect_peer("");
	session_stats(peer.s, &stats);
	assert_int_equal(stats.rtt_us, 0);
	fixture_ms += 3;
	msg.token = 2;
	peer_say(&peer, &msg);
	expect_peer("");
	session_stats(peer.s, &stats);
	assert_int_equal(stats.rtt_us, 3000);
	peer_say(&peer, &msg);
	expect_end("PONG without PING");
}

static void
pong_of_the_future(void **state)
{
	struct nwsproto	msg = { .type = NWSPROTO_PONG, .token = 1 };

	(void)state;
	peer_start(&peer);
	peer_say(&peer, &msg);
	expect_end("PONG without PING");
}

/* Messages about a channel, with a handle that means nothing. */
static void
unknown_handles(void **state)
{
	static const enum nwsproto_type	types[] = { NWSPROTO_ROSTER,
		NWSPROTO_CONNECT, NWSPROTO_DISCONNECT, NWSPROTO_BROADCAST,
		NWSPROTO_DIRECT, NWSPROTO_UNDELIVERED };
	size_t				i;

	(void)state;
	for (i = 0; i < 2 * COUNT(types); i++) {
		struct nwsproto	msg = { .type = types[i / 2], .handle = 1,
			.source = 1, .target = 2 };

		/* Before anything is shared, and beside what is. */
		if (i % 2 != 0) {
			share(10, 0);
			msg.handle = peer.handle[1] + 1;
		} else
			peer_start(&peer);
		peer_say(&peer, &msg);
		expect_end("unknown handle");
		peer_free(&peer);
		fixture_clear();
		peer_new(&peer, "peer", 1);
	}
}

static void
matching_out_of_turn(void **state)
{
	static const struct {
		enum nwsproto_type	 type;
		const char		*why;
	} cases[] = {
		{ NWSPROTO_CHANGED, "CHANGED out of turn" },
		{ NWSPROTO_LATER, "LATER out of turn" },
		{ NWSPROTO_SHARE, "CPace without a match" },
		{ NWSPROTO_CONFIRM, "CPace without a match" },
		{ NWSPROTO_OPENED, "CPace without a match" },
		{ NWSPROTO_CLOSED, "CLOSED of an unknown handle" },
	};
	uint8_t	zero[64] = { 0 };
	size_t	i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct nwsproto	msg = { .type = cases[i].type, .run = 9,
			.wait_ms = 1, .handle = 9, .generation = 9,
			.share = zero, .tag = zero };

		peer_start(&peer);
		peer_say(&peer, &msg);
		expect_end(cases[i].why);
		peer_free(&peer);
		peer_new(&peer, "peer", 1);
	}
}

static void
roster_without_first(void **state)
{
	uint64_t	ids[] = { 20, 21 };

	(void)state;
	share(10, 0);
	peer_roster(&peer, 1, NWSPROTO_FIRST, ids, 1);
	peer_roster(&peer, 1, 0, ids, 2);
	peer_roster(&peer, 1, NWSPROTO_LAST, ids, 1);
	expect_router("JOIN room 20\nJOIN room 21\n");
	peer_roster(&peer, 1, NWSPROTO_LAST, ids, 1);
	expect_end("ROSTER without its first part");
}

static void
roster_replaces(void **state)
{
	uint64_t	ids[] = { 21, 22 | NWSPROTO_SILENT, 23 };

	(void)state;
	share(10, 0);
	announce(20, 22);
	peer_presence(&peer, 1, NWSPROTO_CONNECT, 21);
	peer_presence(&peer, 1, NWSPROTO_CONNECT, 21);
	expect_router("JOIN room 21\n");
	peer_roster(&peer, 1, NWSPROTO_FIRST, ids, 1);
	/* In the middle of it, the old ones are still there. */
	peer_data(&peer, 1, 20, 0, "1", 1);
	peer_presence(&peer, 1, NWSPROTO_CONNECT, 24);
	peer_roster(&peer, 1, NWSPROTO_LAST, ids + 1, 2);
	expect_router("PUBLISH room 20 0 json 1\nJOIN room 24\n"
	    "LEAVE room 22\nJOIN room 22 silent\nJOIN room 23\n"
	    "LEAVE room 20\n");
	peer_roster(&peer, 1, NWSPROTO_FIRST | NWSPROTO_LAST, ids, 0);
	settle(&peer, 1);
	assert_int_equal(session_counters.dropped_members, 0);
}

/* More members than one ROSTER holds, in both directions. */
static void
large_rosters(void **state)
{
	static uint64_t	ids[2049];
	struct session_stats stats;
	uint32_t	i, number;

	(void)state;
	for (i = 0; i < COUNT(ids); i++)
		ids[i] = 1000 + i;
	router.hold_roster = 1;
	share(0, 0);
	number = router_number("room");
	router_list(number, ROSTER_FIRST, ids, 1000);
	expect_peer("");
	router_list(number, 0, ids + 1000, 1000);
	router_list(number, ROSTER_LAST, ids + 2000, 49);
	settle(&peer, 1);
	assert_non_null(strstr(told(&peer.log),
	    "ROSTER 1 f 1024 ids\nROSTER 1  1024 ids\nROSTER 1 l "));
	assert_int_equal(peer.got[NWSPROTO_ROSTER], 3);
	router_list(number, ROSTER_FIRST | ROSTER_LAST, ids, 2048);
	expect_peer("DISCONNECT 1 3048\n");
	for (i = 0; i < COUNT(ids); i++)
		ids[i] = 5000 + i;
	peer_roster(&peer, 1, NWSPROTO_FIRST, ids, 1024);
	peer_roster(&peer, 1, NWSPROTO_LAST, ids + 1024, 1024);
	settle(&peer, 1);
	session_stats(peer.s, &stats);
	assert_int_equal(stats.members, 2048);
	assert_int_equal(stats.channels, 1);
}

static void
exact_roster(void **state)
{
	static uint64_t	ids[1024];
	uint32_t	i;

	(void)state;
	for (i = 0; i < COUNT(ids); i++)
		ids[i] = 1000 + i;
	router.hold_roster = 1;
	share(0, 0);
	router_list(router_number("room"), ROSTER_FIRST | ROSTER_LAST, ids,
	    1024);
	expect_peer("ROSTER 1 fl 1024 ids\n");
}

static void
closed_takes_members(void **state)
{
	struct nwsproto	late = { .type = NWSPROTO_BROADCAST, .source = 20 };

	(void)state;
	share(10, 0);
	announce(20, 21 | NWSPROTO_SILENT);
	late.handle = peer.handle[1];
	match_remove(peer.m, 1, (uint64_t)fixture_ms);
	expect_router("LEAVE room 21\nLEAVE room 20\nCLOSE room\n");
	assert_null(peer.why);
	/* It said so itself: now its handle means nothing. */
	peer_say(&peer, &late);
	expect_end("unknown handle");
}

static void
late_after_our_close(void **state)
{
	(void)state;
	share(10, 0);
	announce(20, 0);
	router_name(MSG_UNWANTED, "room");
	router_settle();
	fixture_ms += 2000;
	router_settle();
	assert_string_equal(told(&router.log), "LEAVE room 20\n"
	    "CLOSE room\n");
	/* Written before the peer saw CLOSED. */
	peer_data(&peer, 1, 20, 0, "1", 1);
	peer_give(&peer);
	expect_router("");
	expect_peer("CLOSED 1\n");
	assert_null(peer.why);
	assert_int_equal(session_counters.dropped_source, 0);
}

static void
the_end_takes_members(void **state)
{
	(void)state;
	share(10, 0);
	announce(20, 21);
	session_free(peer.s);
	peer.s = NULL;
	router_settle();
	assert_string_equal(told(&router.log), "LEAVE room 21\n"
	    "LEAVE room 20\nCLOSE room\n");
}

static void
keepalive(void **state)
{
	struct nwsproto	msg = { .type = NWSPROTO_PONG, .token = 1 };
	int64_t		since = fixture_ms;

	(void)state;
	peer_start(&peer);
	told(&peer.log);
	assert_true(session_heard_ms(peer.s) == since);
	assert_true(session_next(peer.s) == (uint64_t)since + 15000);
	fixture_ms = since + 14999;
	expect_peer("");
	fixture_ms = since + 15000;
	expect_peer("PING\n");
	expect_peer("");
	assert_true(session_next(peer.s) == (uint64_t)since + 30000);
	peer_say(&peer, &msg);
	since = fixture_ms;
	expect_peer("");
	assert_true(session_next(peer.s) == (uint64_t)since + 15000);
	fixture_ms = since + 29999;
	expect_peer("PING\n");
	assert_null(peer.why);
	assert_false(session_is_silent(peer.s));
	fixture_ms = since + 30000;
	expect_end("nothing heard for 30 seconds");
	assert_true(session_is_silent(peer.s));
	assert_int_equal(session_counters.violations, 0);
}

static void
run_timeout(void **state)
{
	const char	*why = NULL;

	(void)state;
	peer_hello(&peer);
	session_hello(peer.s);
	peer_give(&peer);
	assert_int_equal(session_turn(peer.s, &why), 0);	/* OFFER */
	assert_true(session_next(peer.s) == (uint64_t)fixture_ms + 10000);
	fixture_ms += 10000;
	turn();
	assert_int_equal(session_turn(peer.s, &why), -1);
	assert_string_equal(why, "the peer did not answer in time");
}

/* So much of the log of the router was told. */
static int
taken(void)
{
	const char	*p;
	int		 n = 0;

	settle(&peer, 1);
	for (p = told(&router.log); (p = strstr(p, "json")) != NULL; p++)
		n++;
	return (n);
}

static void
rate(void **state)
{
	const char	*why = NULL;
	int		 i;

	(void)state;
	share(10, 0);
	configure("rate link messages 10 burst 5\n");
	announce(20, 21);	/* three of them */
	for (i = 0; i < 2; i++)
		peer_data(&peer, 1, 20, 0, "1", 1);
	assert_int_equal(taken(), 2);
	assert_true(session_resume_ms(peer.s) <= fixture_ms);
	assert_int_equal(session_counters.rate_paused, 0);
	/* One too many, and what comes with it: each is taken, and paid for. */
	for (i = 0; i < 3; i++)
		peer_data(&peer, 1, 20, 0, "1", 1);
	assert_int_equal(taken(), 3);
	assert_true(session_resume_ms(peer.s) == fixture_ms + 400);
	assert_int_equal(session_counters.rate_paused, 1);
	fixture_ms += 399;
	assert_true(session_resume_ms(peer.s) > fixture_ms);
	fixture_ms += 1;
	peer_data(&peer, 1, 20, 0, "1", 1);
	assert_int_equal(taken(), 1);
	assert_true(session_resume_ms(peer.s) <= fixture_ms);
	/* Also what is dropped, or is about members. */
	peer_data(&peer, 1, 99, 0, "1", 1);
	assert_int_equal(taken(), 0);
	assert_true(session_resume_ms(peer.s) == fixture_ms + 200);
	fixture_ms += 200;
	peer_presence(&peer, 1, NWSPROTO_DISCONNECT, 20);
	peer_presence(&peer, 1, NWSPROTO_CONNECT, 20);
	expect_router("LEAVE room 20\nJOIN room 20\n");
	assert_true(session_resume_ms(peer.s) == fixture_ms + 200);
	assert_int_equal(session_counters.rate_paused, 3);
	/* All of it comes back. */
	fixture_ms += 200 + 500;
	for (i = 0; i < 5; i++)
		peer_data(&peer, 1, 20, 0, "1", 1);
	assert_int_equal(taken(), 5);
	assert_int_equal(session_counters.rate_paused, 3);
	assert_int_equal(session_turn(peer.s, &why), 0);
}

/* What is not heard for that time is nobody's fault. */
static void
rate_waits(void **state)
{
	uint64_t	 ids[1000];
	const char	*why = NULL;
	int64_t		 until;
	size_t		 i;

	(void)state;
	share(10, 0);
	configure("rate link messages 20 burst 1\n");
	for (i = 0; i < 1000; i++)
		ids[i] = 1000 + i;
	/* A run has begun, whose ANSWER cannot be heard. */
	router_name(MSG_WANTED, "more");
	router_settle();
	assert_int_equal(session_turn(peer.s, &why), 0);
	peer_roster(&peer, 1, NWSPROTO_FIRST | NWSPROTO_LAST, ids, 1000);
	peer_give(&peer);
	until = session_resume_ms(peer.s);
	assert_true(until >= fixture_ms + 50000);
	fixture_ms = until - 1000;
	turn();
	assert_int_equal(session_turn(peer.s, &why), 0);
	fixture_ms = until + 9000;
	turn();
	assert_int_equal(session_turn(peer.s, &why), 0);
	fixture_ms = until + 10000;
	turn();
	assert_int_equal(session_turn(peer.s, &why), -1);
	assert_string_equal(why, "the peer did not answer in time");
	fixture_ms = until + 29999;
	turn();
	assert_false(session_is_silent(peer.s));
	fixture_ms = until + 30000;
	turn();
	assert_true(session_is_silent(peer.s));
}

static void
rate_reload(void **state)
{
	(void)state;
	share(10, 0);
	configure("rate link messages 1 burst 1\n");
	announce(20, 21);
	assert_true(session_resume_ms(peer.s) > fixture_ms);
	configure("rate link messages 1 burst 2\n");
	assert_true(session_resume_ms(peer.s) <= fixture_ms);
	peer_data(&peer, 1, 20, 0, "1", 1);
	peer_data(&peer, 1, 20, 0, "1", 1);
	assert_int_equal(taken(), 2);
	assert_true(session_resume_ms(peer.s) <= fixture_ms);
	configure("rate link messages 0\n");
	for (int i = 0; i < 1000; i++)
		peer_data(&peer, 1, 20, 0, "1", 1);
	assert_int_equal(taken(), 1000);
	assert_true(session_resume_ms(peer.s) <= fixture_ms);
}

/* Memory for a large message comes with it, and goes when it is idle. */
static void
memory(void **state)
{
	static uint8_t	data[256 * KIB];
	const char	*why;
	size_t		 before, half;

	(void)state;
	share(10, 0);
	announce(20, 0);
	before = session_memory(peer.s);
	peer_data(&peer, 1, 20, 0, data, sizeof(data));
	assert_int_equal(session_input(peer.s, peer.out.p, 100, &why), 0);
	assert_in_range(session_memory(peer.s), before, before + 16 * KIB);
	half = peer.out.n / 2;
	assert_int_equal(session_input(peer.s, peer.out.p + 100, half - 100,
	    &why), 0);
	assert_in_range(session_memory(peer.s), before, before + 4 * half);
	assert_int_equal(session_input(peer.s, peer.out.p + half,
	    peer.out.n - half, &why), 0);
	peer.out.n = 0;
	assert_in_range(session_memory(peer.s), before,
	    before + sizeof(data) + 100);
	expect_router("PUBLISH room 20 0 json of 262144\n");
	assert_true(session_next(peer.s) == (uint64_t)fixture_ms + 1000);
	fixture_ms += 1000;
	expect_peer("");
	assert_int_equal(session_memory(peer.s), before);
}

/* The header of each message is refused as soon as it is there. */
/* Who knows no channel has us keep no payload, whole or not. */
static void
memory_of_strangers(void **state)
{
	static uint8_t	 out[100 * KIB];
	struct nwsproto	 msg = { .type = NWSPROTO_BROADCAST, .handle = 1,
		.source = 20, .data = out, .len = sizeof(out) };
	const char	*why = NULL;
	uint8_t		 head[32];
	size_t		 n, before;

	(void)state;
	n = nwsproto_encode(&msg, head, sizeof(head));
	/* Before HELLO as well as behind it. */
	session_hello(peer.s);
	before = session_memory(peer.s);
	assert_int_equal(session_input(peer.s, head, 8, &why), 0);
	assert_int_equal(session_input(peer.s, head + 8, n - 8, &why), -1);
	assert_in_range(session_memory(peer.s), before, before + 16 * KIB);
	peer_free(&peer);
	peer_new(&peer, "peer", 1);
	peer_start(&peer);
	assert_int_equal(session_input(peer.s, head, n, &why), -1);
	assert_string_equal(why, "unknown handle");
	peer_free(&peer);
	peer_new(&peer, "peer", 1);
	share(10, 0);
	announce(20, 0);
	assert_int_equal(session_input(peer.s, head, n, &why), 0);
	assert_int_equal(session_input(peer.s, out, sizeof(out), &why), 0);
	assert_int_equal(session_counters.messages_in, 1);
}

static void
malformed_headers(void **state)
{
	static const struct {
		uint8_t		 header[5];
		const char	*why;
	} cases[] = {
		{ { 0, 0, 0, 0, 0 }, "unknown type" },
		{ { 0, 0, 0, 0, 255 }, "unknown type" },
		{ { 0, 0, 0, 9, 2 }, "wrong length" },
		{ { 0, 0, 0, 12, 35 }, "wrong length" },
		{ { 0, 4, 0, 14, 35 }, "wrong length" },
		{ { 255, 255, 255, 255, 36 }, "wrong length" },
		{ { 0, 0, 0, 4, 32 }, "wrong length" },
	};
	size_t	i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		peer_start(&peer);
		peer.piece = i % 5 + 1;
		raw(cases[i].header, sizeof(cases[i].header));
		expect_end(cases[i].why);
		/* Nothing is taken after that. */
		peer_hello(&peer);
		assert_int_equal(session_input(peer.s, peer.out.p, peer.out.n,
		    &peer.why), -1);
		peer_free(&peer);
		peer_new(&peer, "peer", 1);
	}
}

/* One of two sessions that speak to each other. */
static int
pass(struct link *from, struct session *to)
{
	const char	*why;
	int		 any = from->out.n > 0;
	struct bytes	 b = from->out;

	memset(&from->out, 0, sizeof(from->out));
	assert_int_equal(session_input(to, b.p, b.n, &why), 0);
	bytes_free(&b);
	return (any);
}

static void
back_to_back(void **state)
{
	struct link		 links[2];
	struct session		*s[2];
	struct session_config	 c;
	struct session_stats	 stats;
	const char		*why;
	int			 i, moved;

	(void)state;
	memset(links, 0, sizeof(links));
	router.members[0] = 10;
	router.members[1] = 11;
	router.nmembers = 2;
	router_name(MSG_WANTED, "room");
	router_name(MSG_WANTED, "hall");
	router_settle();
	for (i = 0; i < 2; i++) {
		memset(&c, 0, sizeof(c));
		c.link = &links[i];
		c.lead = i;
		c.id = (struct cpace_bytes){ i ? "b" : "a", 1 };
		c.remote_id = (struct cpace_bytes){ i ? "a" : "b", 1 };
		c.binding = (struct cpace_bytes){ "binding", 7 };
		assert_non_null(s[i] = session_new(&c));
		session_hello(s[i]);
	}
	do {
		moved = 0;
		for (i = 0; i < 2; i++) {
			assert_int_equal(session_turn(s[i], &why), 0);
			moved |= pass(&links[i], s[1 - i]);
		}
		router_settle();
	} while (moved || links[0].out.n > 0);
	for (i = 0; i < 2; i++) {
		session_stats(s[i], &stats);
		assert_int_equal(stats.channels, 2);
	}
	/*
	 * Both have the same router here, and members in both channels with the
	 * same ids: of each id one is a member, the others wait.
	 */
	session_stats(s[0], &stats);
	i = (int)stats.members;
	session_stats(s[1], &stats);
	assert_int_equal(i + (int)stats.members, 8);
	assert_int_equal(router.remote.count, 2);
	for (i = 0; i < 2; i++) {
		session_free(s[i]);
		bytes_free(&links[i].out);
	}
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest	tests[] = {
		TEST(hello_first),
		TEST(hello_answered),
		TEST(hello_has_max_message),
		TEST(messages_both_ways),
		TEST(pieces),
		TEST(hundred_channels),
		TEST(nothing_in_common),
		TEST(same_secret),
		TEST(forged_source),
		TEST(source_of_another_link),
		TEST(direct_and_undelivered),
		TEST(large_from_peer),
		TEST(large_to_peer),
		TEST(nothing_before_hello),
		TEST(nothing_before_our_hello),
		TEST(hello_twice),
		TEST(ping_and_pong),
		TEST(pong_of_the_future),
		TEST(unknown_handles),
		TEST(matching_out_of_turn),
		TEST(roster_without_first),
		TEST(roster_replaces),
		TEST(large_rosters),
		TEST(exact_roster),
		TEST(closed_takes_members),
		TEST(late_after_our_close),
		TEST(the_end_takes_members),
		TEST(keepalive),
		TEST(run_timeout),
		TEST(rate),
		TEST(rate_waits),
		TEST(rate_reload),
		TEST(memory),
		TEST(memory_of_strangers),
		TEST(malformed_headers),
		TEST(back_to_back),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
