/*
 * Members of other machines: what the router says to crypto and takes from it.
 */
#include "router_fixture.h"

#define A	(r.frontend[0])
#define B	(r.frontend[1])
#define X	(r.frontend[3])		/* crypto */
#define SILENT	MEMBER_SILENT

static const uint64_t	 ten[] = { 10 }, ten_ninety[] = { 10, 90 };

static void
expect_name(struct imsgbuf *ib, uint32_t type, const char *name)
{
	struct imsg m;

	expect(ib, type, 0, &m);
	assert_int_equal(m.hdr.len, strlen(name));
	assert_memory_equal(m.data, name, strlen(name));
}

static void
send_remote(struct imsgbuf *ib, uint32_t number, uint64_t id, uint32_t flags)
{
	send_join(ib, number, id, JOIN_REMOTE | flags, NULL, NULL);
	flush(ib);
}

/* One that runs with n frontends and crypto. */
static void
spawn_linked(struct router *r, const struct conf *c, uint32_t n)
{
	uint32_t i;

	spawn(r, c, n);
	connect_place(r, 3, P_CRYPTO, 0);
	for (i = 0; i < n; i++)
		send_resumed(r, i);
	send_resumed(r, 3);
	send_start(r);
	expect(r->frontend[3], MSG_WANTED_END, 0, NULL);
}

/*
 * A has "chat" as its number 1 with member 10, crypto as its number 5 with
 * member 90 of another machine.
 */
static void
make_shared(struct router *r, uint32_t n)
{
	spawn_linked(r, NULL, n);
	open_channel(r->frontend[0], 1, "chat");
	join_alone(r->frontend[0], 1, 10);
	expect_name(r->frontend[3], MSG_WANTED, "chat");
	open_channel(r->frontend[3], 5, "chat");
	flush(r->frontend[3]);
	expect_roster(r->frontend[3], 5, ten, 1);
	give_back(r->frontend[0], 1);
	send_remote(r->frontend[3], 5, 90, 0);
	expect_id(r->frontend[0], MSG_CONNECT, 1, 90);
}

/* From the first member here to the last one, whoever else is in it. */
static void
test_wanted(void **state)
{
	struct router r;

	(void)state;
	make_shared(&r, 2);
	join(A, 1, 11);
	expect_id(X, MSG_CONNECT, 5, 11);
	send_leave(A, 1, 10);
	flush(A);
	expect_id(A, MSG_DISCONNECT, 1, 10);
	expect_id(X, MSG_DISCONNECT, 5, 10);
	send_leave(A, 1, 11);
	flush(A);
	expect_id(X, MSG_DISCONNECT, 5, 11);
	expect_name(X, MSG_UNWANTED, "chat");
	expect_id(A, MSG_DISCONNECT, 1, 11);
	assert_int_equal(counter(&r, "router_remote_members"), 1);
	assert_int_equal(counter(&r, "router_members"), 0);
	send_leave(X, 5, 90);
	send_msg(X, MSG_CHANNEL_CLOSE, 5, NULL, 0);
	flush(X);
	expect(X, MSG_CHANNEL_CLOSED, 5, NULL);
	finish(&r);
}

/* What nwsd.conf(5) calls local is not named. */
static void
test_local(void **state)
{
	static const char text[] = "channel \"chat\" { local }\n";
	struct conf *c;
	struct router r;

	(void)state;
	c = conf_parse("test", text, strlen(text), NULL, NULL, NULL, NULL,
	    NULL);
	assert_non_null(c);
	spawn_linked(&r, c, 1);
	conf_free(c);
	open_channel(A, 1, "chat");
	join_alone(A, 1, 10);
	open_channel(A, 2, "else");
	join_alone(A, 2, 11);
	expect_name(X, MSG_WANTED, "else");
	expect_quiet(&r);
	finish(&r);
}

/* Crypto gets one copy of what members here say, nothing of what it sent. */
static void
test_broadcast(void **state)
{
	struct msg_data d;
	struct router r;
	struct imsg m;

	(void)state;
	make_shared(&r, 2);
	open_channel(B, 7, "chat");
	flush(B);
	expect_roster(B, 7, ten_ninety, 2);
	join(B, 7, 20);
	expect_id(A, MSG_CONNECT, 1, 20);
	expect_id(X, MSG_CONNECT, 5, 20);
	send_data(A, MSG_PUBLISH, 1, 10, 0, "x", 1);
	flush(A);
	expect_data(X, MSG_BROADCAST, 5, 10, 0, "x", 1);
	expect_data(B, MSG_BROADCAST, 7, 10, 0, "x", 1);
	send_data(X, MSG_PUBLISH, 5, 90, 0, "abc", 3);
	flush(X);
	expect(A, MSG_BROADCAST, 1, &m);
	memcpy(&d, m.data, sizeof(d));
	assert_int_equal(d.unchecked, 1);
	expect_data(B, MSG_BROADCAST, 7, 90, 0, "abc", 3);
	expect_quiet(&r);
	finish(&r);
}

static void
test_direct(void **state)
{
	const uint64_t gone[] = { 10, 90 }, nobody[] = { 90, 77 },
	    hop[] = { 90, 91 };
	struct router r;
	struct imsg m;

	(void)state;
	make_shared(&r, 1);
	send_remote(X, 5, 91, JOIN_SILENT);
	/* Nobody hears of that one: an answer tells that it is in. */
	send_data(X, MSG_DIRECT, 5, 90, 77, "w", 1);
	flush(X);
	expect(X, MSG_UNDELIVERED, 5, &m);
	send_data(A, MSG_DIRECT, 1, 10, 90, "x", 1);
	send_data(A, MSG_DIRECT, 1, 10, 91, "y", 1);
	flush(A);
	expect_data(X, MSG_DELIVER, 5, 10, 90, "x", 1);
	expect_data(X, MSG_DELIVER, 5, 10, 91, "y", 1);
	/* The other machine has no such one. */
	send_msg(X, MSG_UNDELIVERED, 5, gone, sizeof(gone));
	/* Its source is not here any more, or never was one of this place. */
	send_msg(X, MSG_UNDELIVERED, 5, nobody, sizeof(nobody));
	send_msg(X, MSG_UNDELIVERED, 6, gone, sizeof(gone));
	flush(X);
	expect(A, MSG_UNDELIVERED, 1, &m);
	assert_memory_equal(m.data, gone, sizeof(gone));
	send_data(X, MSG_DIRECT, 5, 90, 10, "z", 1);
	/* To nobody; and to one of another machine, which is no way. */
	send_data(X, MSG_DIRECT, 5, 90, 77, "z", 1);
	send_data(X, MSG_DIRECT, 5, 90, 91, "z", 1);
	flush(X);
	expect_data(A, MSG_DELIVER, 1, 90, 10, "z", 1);
	expect(X, MSG_UNDELIVERED, 5, &m);
	assert_memory_equal(m.data, nobody, sizeof(nobody));
	expect(X, MSG_UNDELIVERED, 5, &m);
	assert_memory_equal(m.data, hop, sizeof(hop));
	expect_quiet(&r);
	finish(&r);
}

/* Crypto hears of all, with a mark; the silent of others are not shown. */
static void
test_silent(void **state)
{
	const uint64_t both[] = { 10, 11 | SILENT };
	struct router r;

	(void)state;
	spawn_linked(&r, NULL, 2);
	open_channel(A, 1, "chat");
	join_alone(A, 1, 10);
	expect_name(X, MSG_WANTED, "chat");
	send_join(A, 1, 11, JOIN_SILENT, NULL, NULL);
	flush(A);
	expect_joined(A, 1, 11, 0);
	open_channel(X, 5, "chat");
	flush(X);
	expect_roster(X, 5, both, 2);
	give_back(A, 1);
	send_join(A, 1, 12, JOIN_SILENT, NULL, NULL);
	flush(A);
	expect_joined(A, 1, 12, 0);
	expect_id(X, MSG_CONNECT, 5, 12 | SILENT);
	send_leave(A, 1, 12);
	flush(A);
	expect_id(X, MSG_DISCONNECT, 5, 12 | SILENT);
	send_remote(X, 5, 90, JOIN_SILENT);
	expect_quiet(&r);
	/* Not in a roster either. */
	open_channel(B, 7, "chat");
	flush(B);
	expect_roster(B, 7, ten, 1);
	finish(&r);
}

/* Whoever waits for a lease is told of when it is in, and then reached. */
static void
test_waiting(void **state)
{
	struct router r;

	(void)state;
	spawn_linked(&r, NULL, 2);
	open_channel(A, 1, "chat");
	join_alone(A, 1, 10);
	expect_name(X, MSG_WANTED, "chat");
	open_channel(B, 7, "chat");
	send_join(B, 7, 20, 0, NULL, NULL);
	flush(B);
	expect_roster(B, 7, ten, 1);
	expect(A, MSG_RECALL, 1, NULL);
	expect_id(A, MSG_CONNECT, 1, 20);
	open_channel(X, 5, "chat");
	flush(X);
	expect_roster(X, 5, ten, 1);
	send_remote(X, 5, 90, 0);
	expect_id(A, MSG_CONNECT, 1, 90);
	expect_id(B, MSG_CONNECT, 7, 90);
	send_data(X, MSG_DIRECT, 5, 90, 20, "z", 1);
	flush(X);
	expect(X, MSG_UNDELIVERED, 5, NULL);
	expect_quiet(&r);
	send_recalled(A, 1);
	expect_joined(B, 7, 20, 1);
	expect_id(X, MSG_CONNECT, 5, 20);
	send_data(X, MSG_DIRECT, 5, 90, 20, "z", 1);
	flush(X);
	expect_data(B, MSG_DELIVER, 7, 90, 20, "z", 1);
	expect_quiet(&r);
	finish(&r);
}

/* An id that another machine took is refused, or taken back from it. */
static void
test_ids(void **state)
{
	struct router r;

	(void)state;
	make_shared(&r, 1);
	send_remote(X, 5, 10, 0);
	expect_refused(X, 5, 10, REFUSED_ID);
	/* What it said before it knew is dropped. */
	send_data(X, MSG_PUBLISH, 5, 10, 0, "x", 1);
	send_leave(X, 5, 10);
	flush(X);
	send_join(A, 1, 90, 0, NULL, NULL);
	flush(A);
	expect_refused(X, 5, 90, REFUSED_ID);
	expect_id(A, MSG_DISCONNECT, 1, 90);
	expect_joined(A, 1, 90, 1);
	expect_id(X, MSG_CONNECT, 5, 90);
	send_data(X, MSG_PUBLISH, 5, 90, 0, "x", 1);
	send_leave(X, 5, 90);
	flush(X);
	expect_quiet(&r);
	assert_int_equal(counter(&r, "router_dropped_total"), 2);
	assert_int_equal(counter(&r, "router_members"), 2);
	finish(&r);
}

/* A new router: clients are told nothing, crypto what is wanted. */
static void
test_resume(void **state)
{
	struct router r;

	(void)state;
	spawn(&r, NULL, 1);
	connect_place(&r, 3, P_CRYPTO, 0);
	open_channel(A, 1, "chat");
	send_join(A, 1, 10, JOIN_RESUME, NULL, NULL);
	send_resumed(&r, 0);
	open_channel(X, 5, "chat");
	send_remote(X, 5, 90, JOIN_RESUME);
	/* Taken while nobody was there to refuse it. */
	send_remote(X, 5, 10, JOIN_RESUME);
	send_resumed(&r, 3);
	send_start(&r);
	expect_roster(A, 1, ten_ninety, 2);
	expect_refused(X, 5, 10, REFUSED_ID);
	expect_roster(X, 5, ten, 1);
	expect_name(X, MSG_WANTED, "chat");
	expect(X, MSG_WANTED_END, 0, NULL);
	send_data(X, MSG_PUBLISH, 5, 90, 0, "x", 1);
	flush(X);
	expect_data(A, MSG_BROADCAST, 1, 90, 0, "x", 1);
	expect_quiet(&r);
	finish(&r);
}

/* Nobody here has it any more: it is not among what is wanted. */
static void
test_resume_left(void **state)
{
	struct router r;

	(void)state;
	spawn(&r, NULL, 1);
	connect_place(&r, 3, P_CRYPTO, 0);
	send_resumed(&r, 0);
	open_channel(X, 6, "left");
	send_remote(X, 6, 91, JOIN_RESUME);
	send_resumed(&r, 3);
	send_start(&r);
	expect_roster(X, 6, ten, 0);
	expect(X, MSG_WANTED_END, 0, NULL);
	send_leave(X, 6, 91);
	send_msg(X, MSG_CHANNEL_CLOSE, 6, NULL, 0);
	flush(X);
	expect(X, MSG_CHANNEL_CLOSED, 6, NULL);
	assert_int_equal(counter(&r, "router_channels"), 0);
	finish(&r);
}

/* Its members leave with it, and the next one is told what is wanted. */
static void
test_gone(void **state)
{
	struct router r;

	(void)state;
	make_shared(&r, 1);
	connect_place(&r, 3, P_CRYPTO, 0);
	expect_id(A, MSG_DISCONNECT, 1, 90);
	send_resumed(&r, 3);
	expect_name(X, MSG_WANTED, "chat");
	expect(X, MSG_WANTED_END, 0, NULL);
	expect_quiet(&r);
	assert_int_equal(counter(&r, "router_remote_members"), 0);
	finish(&r);
}

/* It may not say what only frontends say, and the other way about. */
static void
test_violations(void **state)
{
	struct router r;

	(void)state;
	spawn_linked(&r, NULL, 1);
	open_channel(A, 1, "chat");
	join_alone(A, 1, 10);
	expect_name(X, MSG_WANTED, "chat");
	send_remote(A, 1, 90, 0);
	expect_eof(A);
	expect_stuck(&r, 0);
	connect_place(&r, 3, P_CRYPTO, 0);
	send_resumed(&r, 3);
	expect(X, MSG_WANTED_END, 0, NULL);
	open_channel(X, 5, "chat");
	send_join(X, 5, 91, 0, NULL, NULL);
	flush(X);
	expect_eof(X);
	finish(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_broadcast),
		cmocka_unit_test(test_direct),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_waiting),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_resume),
		cmocka_unit_test(test_resume_left),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_violations)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
