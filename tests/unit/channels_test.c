/*
 * crypto/channels*.c and crypto/remote.c: what all sessions share, held against
 * a router that goes away, refuses, closes and does not read, and against peers
 * that announce too much.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CHECK(x)	assert_true(x)
#include "link_fixture.h"

#include "common/child.h"

#define MIB		(1024u * 1024u)

static struct peer	peers[2];
static struct bytes	rows;

/* In place of child.c. */
void
child_row_counter(uint32_t ticket, const char *name, uint64_t value, int gauge)
{
	(void)gauge;
	assert_int_equal(ticket, 7);
	note(&rows, "%s %" PRIu64 "\n", name, value);
}

void
child_row_limit(uint32_t ticket, const char *name, uint64_t used, uint64_t max,
    uint64_t hits)
{
	assert_int_equal(ticket, 7);
	note(&rows, "%s %" PRIu64 " of %" PRIu64 ", %" PRIu64 "\n", name, used,
	    max, hits);
}

void
child_stuck(uint32_t process, uint32_t instance)
{
	assert_int_equal(instance, 0);
	note(&rows, "stuck: %s\n", process_name(process));
}

static int
setup(void **state)
{
	(void)state;
	fixture_start();
	peer_new(&peers[0], "peer", 1);
	peer_new(&peers[1], "another", 0);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	peer_free(&peers[0]);
	peer_free(&peers[1]);
	fixture_clear();
	return (0);
}

static void
all(void)
{
	settle(peers, 2);
}

static void
expect_router(const char *text)
{
	all();
	assert_string_equal(told(&router.log), text);
}

static void
expect_peer(int i, const char *text)
{
	all();
	assert_null(peers[i].why);
	assert_string_equal(told(&peers[i].log), text);
}

/* Both peers are linked, and have this channel. */
static void
start(const char *name)
{
	int	i;

	router.members[0] = 10;
	router.nmembers = 1;
	router_name(MSG_WANTED, name);
	router_settle();
	for (i = 0; i < 2; i++) {
		peer_add(&peers[i], 1, name, "");
		peer_start(&peers[i]);
		assert_int_not_equal(peers[i].handle[1], 0);
		told(&peers[i].log);
	}
	told(&router.log);
}

static void
announce(int i, uint64_t a, uint64_t b)
{
	uint64_t	ids[2] = { a, b };

	peer_roster(&peers[i], 1, NWSPROTO_FIRST | NWSPROTO_LAST, ids,
	    (a != 0) + (b != 0));
	all();
	told(&router.log);
}

static void
opened_once(void **state)
{
	(void)state;
	router.members[0] = 10;
	router.nmembers = 1;
	router.hold_roster = 1;
	router_name(MSG_WANTED, "room");
	router_settle();
	peer_add(&peers[0], 1, "room", "");
	peer_start(&peers[0]);
	expect_router("OPEN room\n");
	expect_peer(0, "HELLO 262144\n");
	peer_add(&peers[1], 1, "room", "");
	peer_start(&peers[1]);
	expect_router("");
	/* What comes before the roster is in it. */
	router_id(MSG_CONNECT, router_number("room"), 10);
	expect_peer(0, "");
	router_list(router_number("room"), ROSTER_FIRST | ROSTER_LAST,
	    router.members, 1);
	expect_peer(0, "ROSTER 1 fl 10\n");
	expect_peer(1, "HELLO 262144\nROSTER 1 fl 10\n");
	router_data(MSG_BROADCAST, router_number("room"), 10, 0, "1", 1);
	expect_peer(0, "BROADCAST 1 10 0 json 1\n");
	expect_peer(1, "BROADCAST 1 10 0 json 1\n");
	session_free(peers[0].s);
	peers[0].s = NULL;
	expect_router("");
	session_free(peers[1].s);
	peers[1].s = NULL;
	expect_router("CLOSE room\n");
}

/* A channel that comes while links are there. */
static void
wanted_later(void **state)
{
	int	i;

	(void)state;
	start("room");
	for (i = 0; i < 2; i++)
		peer_add(&peers[i], 2, "hall", "");
	all();
	router_name(MSG_WANTED, "hall");
	expect_router("OPEN hall\n");
	expect_peer(0, "ROSTER 2 fl 10\n");
	expect_peer(1, "ROSTER 2 fl 10\n");
	router_name(MSG_WANTED, "hall");
	expect_router("");
}

static void
resumed(void **state)
{
	uint64_t	ids[] = { 11, 12 | MEMBER_SILENT };

	(void)state;
	start("room");
	announce(0, 20, 21 | NWSPROTO_SILENT);
	announce(1, 30, 0);
	imsgbuf_free(router.ib);
	router.ib = NULL;
	/* Meanwhile nothing is lost but messages. */
	peer_data(&peers[0], 1, 20, 0, "1", 1);
	peer_data(&peers[0], 1, 20, 10, "2", 1);
	peer_presence(&peers[0], 1, NWSPROTO_DISCONNECT, 21);
	peer_presence(&peers[1], 1, NWSPROTO_CONNECT, 31 | NWSPROTO_SILENT);
	expect_peer(0, "UNDELIVERED 1 20 10\n");
	assert_int_equal(session_counters.dropped_router, 2);
	router.hold_roster = 1;
	router_new();
	all();
	assert_int_equal(strncmp((char *)router.log.p, "OPEN room\nJOIN ", 15),
	    0);
	assert_non_null(strstr((char *)router.log.p,
	    "JOIN room 20 resume\n"));
	assert_non_null(strstr((char *)router.log.p,
	    "JOIN room 30 resume\n"));
	assert_non_null(strstr((char *)router.log.p,
	    "JOIN room 31 silent resume\n"));
	assert_null(strstr((char *)router.log.p, "JOIN room 21"));
	assert_string_equal(told(&router.log) + strlen("OPEN room\n"
	    "JOIN room 20 resume\nJOIN room 30 resume\n"
	    "JOIN room 31 silent resume\n"), "RESUMED\n");
	/* Who came and went here is told as a difference. */
	router_list(router_number("room"), ROSTER_FIRST, ids, 1);
	router_list(router_number("room"), ROSTER_LAST, ids + 1, 1);
	all();
	assert_non_null(strstr((char *)peers[0].log.p, "DISCONNECT 1 10\n"));
	assert_non_null(strstr((char *)peers[0].log.p, "CONNECT 1 11\n"));
	assert_non_null(strstr((char *)peers[0].log.p, "CONNECT 1 12s\n"));
	assert_int_equal(peers[0].got[NWSPROTO_ROSTER], 1);
	/* And as none where there is none. */
	told(&peers[0].log);
	ids[0] = 12 | MEMBER_SILENT;
	ids[1] = 11;
	router_list(router_number("room"), ROSTER_FIRST | ROSTER_LAST, ids, 2);
	expect_peer(0, "");
	/* A member that is shown now: gone, and come again. */
	ids[0] = 12;
	router_list(router_number("room"), ROSTER_FIRST | ROSTER_LAST, ids, 2);
	expect_peer(0, "DISCONNECT 1 12\nCONNECT 1 12\n");
	router_data(MSG_BROADCAST, router_number("room"), 12, 0, "3", 1);
	expect_peer(0, "BROADCAST 1 12 0 json 3\n");
	router_data(MSG_BROADCAST, router_number("room"), 10, 0, "4", 1);
	expect_peer(0, "");
}

/* What a new router does not name is given up. */
static void
resumed_without(void **state)
{
	(void)state;
	start("room");
	announce(0, 20, 0);
	router_name(MSG_WANTED, "hall");
	all();
	router_new();
	expect_router("OPEN room\nJOIN room 20 resume\nRESUMED\n");
	router_name(MSG_WANTED, "hall");
	router_say(MSG_WANTED_END, 0, NULL, 0);
	expect_router("");
	fixture_ms += 1999;
	expect_router("");
	fixture_ms += 1;
	expect_router("LEAVE room 20\nCLOSE room\n");
	expect_peer(0, "CLOSED 1\n");
	peer_add(&peers[0], 2, "hall", "");
	expect_router("OPEN hall\n");
}

static void
refused(void **state)
{
	struct msg_refused	m = { .id = 20, .why = REFUSED_CLIENTS };
	uint32_t		number;

	(void)state;
	start("room");
	announce(0, 20, 21);
	number = router_number("room");
	router_say(MSG_REFUSED, number, &m, sizeof(m));
	router_say(MSG_REFUSED, number, &m, sizeof(m));
	m.id = 10;
	router_say(MSG_REFUSED, number, &m, sizeof(m));
	expect_router("LEAVE room 20\n");
	assert_int_equal(session_counters.dropped_members, 1);
	peer_data(&peers[0], 1, 20, 0, "1", 1);
	peer_data(&peers[0], 1, 21, 0, "2", 1);
	expect_router("PUBLISH room 21 0 json 2\n");
	assert_int_equal(session_counters.dropped_source, 1);
	/* It may be tried again. */
	peer_presence(&peers[0], 1, NWSPROTO_CONNECT, 20);
	expect_router("JOIN room 20\n");
}

static void
unwanted_with_members(void **state)
{
	(void)state;
	start("room");
	announce(0, 20, 0);
	announce(1, 30, 0);
	router_id(MSG_DISCONNECT, router_number("room"), 10);
	router_name(MSG_UNWANTED, "room");
	router_name(MSG_UNWANTED, "room");
	router_name(MSG_UNWANTED, "never was");
	expect_peer(0, "DISCONNECT 1 10\n");
	fixture_ms += 1999;
	expect_router("");
	fixture_ms += 1;
	all();
	assert_non_null(strstr((char *)router.log.p, "LEAVE room 20\n"));
	assert_non_null(strstr((char *)router.log.p, "LEAVE room 30\n"));
	assert_string_equal(told(&router.log) + 28, "CLOSE room\n");
	expect_peer(0, "CLOSED 1\n");
	assert_string_equal(told(&peers[1].log), "DISCONNECT 1 10\n"
	    "CLOSED 1\n");
	/* And again: it is matched anew. */
	router_name(MSG_WANTED, "room");
	expect_router("OPEN room\n");
	expect_peer(0, "ROSTER 1 fl 10\n");
	expect_peer(1, "ROSTER 1 fl 10\n");
}

/* A page that is loaded again. */
static void
wanted_again(void **state)
{
	(void)state;
	start("room");
	announce(0, 20, 0);
	router_id(MSG_DISCONNECT, router_number("room"), 10);
	router_name(MSG_UNWANTED, "room");
	all();
	fixture_ms += 1000;
	router_id(MSG_CONNECT, router_number("room"), 11);
	router_name(MSG_WANTED, "room");
	all();
	fixture_ms += 5000;
	expect_router("");
	expect_peer(0, "DISCONNECT 1 10\nCONNECT 1 11\n");
	/* The time begins anew. */
	router_name(MSG_UNWANTED, "room");
	all();
	fixture_ms += 1999;
	expect_router("");
	fixture_ms += 1;
	expect_router("LEAVE room 20\nCLOSE room\n");
}

/* Until CHANNEL_CLOSED what comes for the number is of before. */
static void
closed(void **state)
{
	uint64_t	ids[2] = { 20, 10 };
	uint32_t	number, next;

	(void)state;
	start("room");
	announce(0, 20, 0);
	number = router_number("room");
	router.hold_closed = 1;
	match_remove(peers[0].m, 1, (uint64_t)fixture_ms);
	match_remove(peers[1].m, 1, (uint64_t)fixture_ms);
	expect_router("LEAVE room 20\nCLOSE room\n");
	router_data(MSG_BROADCAST, number, 10, 0, "1", 1);
	router_data(MSG_DELIVER, number, 10, 20, "2", 1);
	router_id(MSG_CONNECT, number, 11);
	router_id(MSG_DISCONNECT, number, 10);
	router_list(number, ROSTER_FIRST | ROSTER_LAST, ids, 2);
	router_say(MSG_UNDELIVERED, number, ids, sizeof(ids));
	expect_router("");
	/* It is opened again meanwhile, by another number. */
	peer_add(&peers[0], 2, "room", "");
	expect_router("OPEN room\n");
	next = router_number("room");
	assert_int_not_equal(next, number);
	told(&peers[0].log);
	router_data(MSG_BROADCAST, number, 10, 0, "3", 1);
	router_say(MSG_CHANNEL_CLOSED, number, NULL, 0);
	router_data(MSG_BROADCAST, next, 10, 0, "4", 1);
	expect_peer(0, "BROADCAST 2 10 0 json 4\n");
}

/* A router that says what cannot be is left; the next one is told all. */
static void
bad_routers(void **state)
{
	static const uint64_t	zero[3], marked[3] = { MEMBER_SILENT };
	struct msg_roster	roster = { ROSTER_FIRST, 2 };
	uint32_t		number;
	int			i;

	(void)state;
	start("room");
	announce(0, 20, 0);
	number = router_number("room");
	for (i = 0; i < 10; i++) {
		switch (i) {
		case 0:
			router_id(MSG_CONNECT, number + 1, 10);
			break;
		case 1:
			router_id(MSG_DISCONNECT, 0, 10);
			break;
		case 2:
			router_id(MSG_CONNECT, number, zero[0]);
			break;
		case 3:
			router_id(MSG_CONNECT, number, marked[0]);
			break;
		case 4:
			router_list(number, ROSTER_FIRST, zero, 1);
			break;
		case 5:
			CHECK(imsg_send2(router.ib, MSG_ROSTER, number,
			    &roster, sizeof(roster), zero, 8) == 0);
			break;
		case 6:
			router_say(MSG_CHANNEL_CLOSED, number, NULL, 0);
			break;
		case 7:
			router_say(MSG_CHANNEL_CLOSED, number + 1, NULL, 0);
			break;
		case 8:
			router_name(MSG_WANTED, "not a name");
			break;
		case 9:
			router_data(MSG_BROADCAST, number + 1, 10, 0, "1", 1);
			break;
		}
		(void)imsg_flush(router.ib);
		turn();
		turn();
		/* It was left, and is to be started again. */
		assert_int_equal(imsg_read(router.ib), -1);
		assert_string_equal(told(&rows), "stuck: router\n");
		router_new();
		expect_router("OPEN room\nJOIN room 20 resume\nRESUMED\n");
		expect_peer(0, "");
	}
}

/*
 * The grace that is over first was for a channel that is wanted again: the
 * other channel is left in time all the same, though nothing else happens.
 */
static void
grace_of_the_next(void **state)
{
	int64_t	since;

	(void)state;
	start("room");
	router_name(MSG_WANTED, "hall");
	peer_add(&peers[0], 2, "hall", "");
	all();
	since = fixture_ms;
	router_name(MSG_UNWANTED, "room");
	all();
	fixture_ms = since + 1000;
	turn();
	fixture_ms = since + 1900;
	router_name(MSG_UNWANTED, "hall");
	all();
	router_name(MSG_WANTED, "room");
	all();
	told(&router.log);
	/* The pipe gives memory back, and then has no timer any more. */
	for (; fixture_ms < since + 3800; fixture_ms += 100)
		turn();
	expect_router("");
	/* Nor does the last turn bring about the next. */
	event_base_loop(loop_base(), EVLOOP_NONBLOCK);
	fixture_ms = since + 3901;
	alarm(10);
	loop_run(turn_over);
	alarm(0);
	expect_router("CLOSE hall\n");
}

static void
max_remote(void **state)
{
	(void)state;
	configure("max-remote 4\n");
	start("room");
	announce(0, 20, 21);
	peer_presence(&peers[1], 1, NWSPROTO_CONNECT, 30);
	expect_router("JOIN room 30\n");
	assert_int_equal(session_counters.dropped_members, 0);
	/* One is free, but not for who has as many. */
	peer_presence(&peers[1], 1, NWSPROTO_CONNECT, 31);
	peer_presence(&peers[0], 1, NWSPROTO_CONNECT, 22);
	peer_data(&peers[1], 1, 31, 0, "1", 1);
	peer_data(&peers[1], 1, 30, 0, "2", 1);
	expect_router("PUBLISH room 30 0 json 2\n");
	assert_int_equal(session_counters.dropped_members, 2);
	channels_limits(7);
	assert_string_equal(told(&rows), "max-remote 3 of 4, 2\n"
	    "rate-link 4 of 400000, 0\n");
	/* One goes, one may come. */
	peer_presence(&peers[0], 1, NWSPROTO_DISCONNECT, 20);
	peer_presence(&peers[0], 1, NWSPROTO_CONNECT, 22);
	expect_router("LEAVE room 20\nJOIN room 22\n");
	/* Fewer are allowed from now on; who is there stays. */
	configure("max-remote 1\n");
	expect_router("");
	peer_presence(&peers[0], 1, NWSPROTO_DISCONNECT, 22);
	peer_presence(&peers[0], 1, NWSPROTO_CONNECT, 22);
	expect_router("LEAVE room 22\n");
}

/* One link has half of what there may be, and the next half of the rest. */
static void
max_remote_shares(void **state)
{
	struct session_stats	stats;
	uint64_t		ids[10];
	int			i, n;

	(void)state;
	configure("max-remote 8\n");
	start("room");
	for (n = 0; n < 2; n++) {
		for (i = 0; i < 10; i++)
			ids[i] = 100 * (uint64_t)(n + 1) + (uint64_t)i;
		peer_roster(&peers[n], 1, NWSPROTO_FIRST | NWSPROTO_LAST, ids,
		    10);
		all();
		session_stats(peers[n].s, &stats);
		assert_int_equal(stats.members, n == 0 ? 4 : 2);
	}
	assert_int_equal(session_counters.over_remote, 6 + 8);
	/* What an id in use leaves out is no matter of max-remote. */
	peer_presence(&peers[0], 1, NWSPROTO_DISCONNECT, 101);
	peer_presence(&peers[0], 1, NWSPROTO_DISCONNECT, 102);
	all();
	peer_presence(&peers[0], 1, NWSPROTO_CONNECT, 200);
	all();
	assert_int_equal(session_counters.over_remote, 6 + 8);
	assert_int_equal(session_counters.dropped_members, 6 + 8 + 1);
}

/* One id, in two channels of one link. */
static void
id_in_use(void **state)
{
	(void)state;
	start("room");
	router_name(MSG_WANTED, "hall");
	peer_add(&peers[0], 2, "hall", "");
	all();
	announce(0, 20, 0);
	peer_presence(&peers[0], 2, NWSPROTO_CONNECT, 20);
	peer_data(&peers[0], 2, 20, 0, "1", 1);
	peer_presence(&peers[0], 2, NWSPROTO_DISCONNECT, 20);
	peer_data(&peers[0], 1, 20, 0, "2", 1);
	expect_router("PUBLISH room 20 0 json 2\n");
	assert_int_equal(session_counters.dropped_members, 1);
	assert_int_equal(session_counters.dropped_source, 1);
	/* A message for it goes to the channel where it is. */
	told(&peers[0].log);
	router_data(MSG_DELIVER, router_number("hall"), 10, 20, "3", 1);
	router_data(MSG_DELIVER, router_number("room"), 10, 20, "4", 1);
	expect_router("UNDELIVERED hall 10 20\n");
	expect_peer(0, "DIRECT 1 10 20 json 4\n");
}

/*
 * One id, announced by two nodes: by the same one, for example, that is back
 * under another name before its old link is found dead.
 */
static void
id_waits(void **state)
{
	(void)state;
	start("room");
	announce(0, 20, 21);
	announce(1, 20, 21 | NWSPROTO_SILENT);
	assert_int_equal(session_counters.dropped_members, 2);
	peer_data(&peers[1], 1, 20, 0, "1", 1);
	expect_router("");
	/* The silence of who waits may change. */
	peer_presence(&peers[1], 1, NWSPROTO_CONNECT, 20 | NWSPROTO_SILENT);
	expect_router("");
	peer_presence(&peers[0], 1, NWSPROTO_DISCONNECT, 20);
	expect_router("LEAVE room 20\nJOIN room 20 silent\n");
	peer_data(&peers[1], 1, 20, 0, "2", 1);
	expect_router("PUBLISH room 20 0 json 2\n");
	/* Who does not wait any more is forgotten. */
	peer_presence(&peers[1], 1, NWSPROTO_DISCONNECT, 21);
	expect_router("");
	peer_presence(&peers[0], 1, NWSPROTO_DISCONNECT, 21);
	expect_router("LEAVE room 21\n");
	/* The end of a link makes room, too. */
	peer_presence(&peers[0], 1, NWSPROTO_CONNECT, 20);
	expect_router("");
	session_free(peers[1].s);
	peers[1].s = NULL;
	expect_router("LEAVE room 20\nJOIN room 20\n");
}

/* What is made local is not shared for the grace of what is left, either. */
static void
local_at_once(void **state)
{
	(void)state;
	start("room");
	router_name(MSG_WANTED, "hall");
	announce(0, 20, 0);
	router_name(MSG_UNWANTED, "hall");
	all();
	configure("channel room { local }\n");
	expect_router("LEAVE room 20\nCLOSE room\n");
	expect_peer(0, "CLOSED 1\n");
	expect_peer(1, "CLOSED 1\n");
	router_name(MSG_UNWANTED, "room");
	configure("channel hall { local }\n");
	router_name(MSG_WANTED, "room");
	expect_router("OPEN room\n");
	expect_peer(0, "ROSTER 1 fl 10\n");
	expect_peer(1, "ROSTER 1 fl 10\n");
}

static void
secret_changes(void **state)
{
	(void)state;
	start("room");
	announce(0, 20, 0);
	configure("max-message 512K\n");
	expect_router("");
	configure("channel room { secret \"new\" }\n");
	expect_router("LEAVE room 20\nCLOSE room\n");
	expect_peer(0, "CLOSED 1\n");
	expect_peer(1, "CLOSED 1\n");
	peer_add(&peers[1], 2, "room", "new");
	expect_router("OPEN room\n");
	expect_peer(1, "ROSTER 2 fl 10\n");
	expect_peer(0, "");
	configure("");
	expect_router("CLOSE room\nOPEN room\n");
	expect_peer(0, "ROSTER 1 fl 10\n");
}

static void
slow_router(void **state)
{
	static uint8_t	data[256 * 1024];
	struct imsg	m;
	const char	*why;
	int		 i, n = 0;

	(void)state;
	start("room");
	announce(0, 20, 0);
	assert_int_equal(fixture_paused, 0);
	for (i = 0; i < 24; i++) {
		peer_data(&peers[0], 1, 20, 0, data, sizeof(data));
		peer_give(&peers[0]);
		turn();
		if (fixture_paused)
			break;
	}
	assert_in_range(i, 15, 20);
	/* Silence while nothing is read is nobody's fault. */
	fixture_ms += 40000;
	turn();
	assert_int_equal(session_turn(peers[0].s, &why), 0);
	fixture_ms += 20000;
	turn();
	while (fixture_paused) {
		if (imsg_read(router.ib) == 1)
			while (imsg_get(router.ib, &m, &why) == 1)
				n++;
		turn();
	}
	assert_in_range(n, i - 6, i + 1);
	assert_int_equal(session_turn(peers[0].s, &why), 0);
	assert_true(session_heard_ms(peers[0].s) == fixture_ms);
	/* The other side must hear something meanwhile, too. */
	expect_peer(0, "PING\nPING\n");
	/* A router that goes while it is slow holds nobody up. */
	for (i = 0; i < 24; i++) {
		peer_data(&peers[0], 1, 20, 0, data, sizeof(data));
		peer_give(&peers[0]);
		turn();
	}
	assert_int_equal(fixture_paused, 1);
	told(&router.log);
	router_new();
	assert_int_equal(fixture_paused, 0);
	expect_router("OPEN room\nJOIN room 20 resume\nRESUMED\n");
}

/* What a run waits for is not read meanwhile, either. */
static void
slow_router_in_a_run(void **state)
{
	static uint8_t	data[256 * 1024];
	struct imsg	m;
	const char	*why = "";
	int		 i;

	(void)state;
	start("room");
	announce(0, 20, 0);
	router_name(MSG_WANTED, "hall");
	router_settle();
	assert_int_equal(session_turn(peers[0].s, &why), 0);	/* OFFER */
	fixture_ms += 5000;
	turn();
	for (i = 0; i < 24 && !fixture_paused; i++) {
		peer_data(&peers[0], 1, 20, 0, data, sizeof(data));
		peer_give(&peers[0]);
		turn();
	}
	assert_int_equal(fixture_paused, 1);
	fixture_ms += 11000;
	turn();
	assert_int_equal(session_turn(peers[0].s, &why), 0);
	assert_true(session_next(peers[0].s) > (uint64_t)fixture_ms);
	while (fixture_paused) {
		if (imsg_read(router.ib) == 1)
			while (imsg_get(router.ib, &m, &why) == 1)
				;
		turn();
	}
	fixture_ms += 4999;
	turn();
	assert_int_equal(session_turn(peers[0].s, &why), 0);
	fixture_ms += 1;
	turn();
	assert_int_equal(session_turn(peers[0].s, &why), -1);
	assert_string_equal(why, "the peer did not answer in time");
	assert_false(session_is_silent(peers[0].s));
}

/* No more than 1024 channels on a link; the others once there is room. */
static void
many_channels(void **state)
{
	struct session_stats	stats;
	char			name[32];
	int			i;

	(void)state;
	for (i = 1; i <= 1026; i++) {
		(void)snprintf(name, sizeof(name), "channel%d", i);
		router_name(MSG_WANTED, name);
	}
	router_settle();
	/* Only what was left out, and one that goes. */
	peer_add(&peers[0], 1, "channel1026", "");
	peer_add(&peers[0], 2, "channel1025", "");
	peer_add(&peers[0], 3, "channel1024", "");
	peer_start(&peers[0]);
	session_stats(peers[0].s, &stats);
	assert_int_equal(stats.channels, 1);
	expect_router("OPEN channel1024\n");
	router_name(MSG_UNWANTED, "channel7");
	all();
	/* As many elements as runs may have, at once and for each second. */
	for (i = 0; i < 200 && stats.channels < 2; i++) {
		fixture_ms += 1000;
		all();
		session_stats(peers[0].s, &stats);
		peers[0].limit.used = peers[0].remote_limit.used = 0;
	}
	assert_int_equal(stats.channels, 2);
	expect_router("OPEN channel1025\n");
}

static void
summary(void **state)
{
	const char	*text;

	(void)state;
	start("room");
	router_name(MSG_WANTED, "hall");
	announce(0, 20, 0);
	peer_data(&peers[0], 1, 20, 0, "1", 1);
	all();
	channels_rows(7);
	text = told(&rows);
	assert_non_null(strstr(text, "crypto_channels_wanted 2\n"));
	assert_non_null(strstr(text, "crypto_channels_shared 1\n"));
	assert_non_null(strstr(text, "crypto_members_remote 1\n"));
	assert_non_null(strstr(text, "crypto_messages_in_total 1\n"));
	assert_non_null(strstr(text, "crypto_match_confirmed_total 2\n"));
}

static void
without_a_router(void **state)
{
	(void)state;
	start("room");
	announce(0, 20, 0);
	imsgbuf_free(router.ib);
	router.ib = NULL;
	turn();
	turn();
	/* Channels may be left and shared all the same. */
	match_remove(peers[0].m, 1, (uint64_t)fixture_ms);
	match_remove(peers[1].m, 1, (uint64_t)fixture_ms);
	all();
	router_new();
	expect_router("RESUMED\n");
	imsgbuf_free(router.ib);
	router.ib = NULL;
	turn();
	turn();
	peer_add(&peers[0], 2, "room", "");
	all();
	assert_int_not_equal(peers[0].handle[2], 0);
	router_new();
	all();
	assert_string_equal(told(&router.log), "OPEN room\nRESUMED\n");
	expect_peer(0, "ROSTER 2 fl 10\n");
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest	tests[] = {
		TEST(opened_once),
		TEST(wanted_later),
		TEST(resumed),
		TEST(resumed_without),
		TEST(refused),
		TEST(unwanted_with_members),
		TEST(wanted_again),
		TEST(grace_of_the_next),
		TEST(closed),
		TEST(bad_routers),
		TEST(max_remote),
		TEST(max_remote_shares),
		TEST(id_in_use),
		TEST(id_waits),
		TEST(local_at_once),
		TEST(secret_changes),
		TEST(slow_router),
		TEST(slow_router_in_a_run),
		TEST(many_channels),
		TEST(summary),
		TEST(without_a_router),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
