/*
 * Leases: to whom the router gives the order of a channel, how it takes it back
 * when another frontend comes, and who waits meanwhile.
 */
#include "router_fixture.h"

#include <time.h>

#define A	(r.frontend[0])
#define B	(r.frontend[1])
#define C	(r.frontend[2])

static const uint64_t ten[] = { 10 };

/* A has the lease of "chat", its number 1, with member 10. */
static void
make_leased(struct router *r, uint32_t frontends)
{
	spawn_running(r, NULL, frontends);
	open_channel(r->frontend[0], 1, "chat");
	join_alone(r->frontend[0], 1, 10);
}

/* B opens it as its number 7 and asks for member 20. */
static void
come(struct router *r)
{
	open_channel(r->frontend[1], 7, "chat");
	send_join(r->frontend[1], 7, 20, 0, NULL, NULL);
	flush(r->frontend[1]);
	expect_roster(r->frontend[1], 7, ten, 1);
}

/* Once, before the first JOINED; whatever comes and goes there later. */
static void
test_given_once(void **state)
{
	struct router r;

	(void)state;
	make_leased(&r, 2);
	join(A, 1, 11);
	send_leave(A, 1, 10);
	send_leave(A, 1, 11);
	flush(A);
	expect_id(A, MSG_DISCONNECT, 1, 10);
	expect_id(A, MSG_DISCONNECT, 1, 11);
	join(A, 1, 12);
	send_join(A, 0, 13, JOIN_NOCHANNEL, NULL, NULL);
	flush(A);
	expect_joined(A, 0, 13, 0);
	/* Another channel has its own, whoever has it. */
	open_channel(A, 2, "else");
	join_alone(A, 2, 14);
	open_channel(B, 1, "more");
	join_alone(B, 1, 15);
	expect_quiet(&r);
	finish(&r);
}

/* A join that is refused gives nothing; the next one does. */
static void
test_refused(void **state)
{
	struct conf *c;
	struct router r;

	(void)state;
	assert_non_null(c = conf_default());
	c->max_clients_origin = 1;
	spawn_running(&r, c, 1);
	conf_free(c);
	send_join(A, 0, 9, JOIN_NOCHANNEL, "https://a.example", NULL);
	flush(A);
	expect_joined(A, 0, 9, 0);
	open_channel(A, 1, "chat");
	send_join(A, 1, 10, 0, "https://a.example", NULL);
	flush(A);
	expect_refused(A, 1, 10, REFUSED_ORIGIN);
	expect_quiet(&r);
	join_alone(A, 1, 10);
	finish(&r);
}

/* The newcomer is no member before the lease is back; then all is routed. */
static void
test_recall(void **state)
{
	struct router r;

	(void)state;
	make_leased(&r, 2);
	come(&r);
	expect(A, MSG_RECALL, 1, NULL);
	/* Before anything can be said to it; and after RECALL. */
	expect_id(A, MSG_CONNECT, 1, 20);
	/* One more of the holder need not wait, one more of the other does. */
	join(A, 1, 11);
	expect_id(B, MSG_CONNECT, 7, 11);
	send_join(B, 7, 21, JOIN_SILENT, NULL, NULL);
	flush(B);
	expect_quiet(&r);
	send_recalled(A, 1);
	/* What follows in the pipe of the holder reaches the newcomer. */
	send_data(A, MSG_PUBLISH, 1, 10, 0, "x", 1);
	send_data(A, MSG_DIRECT, 1, 10, 20, "y", 1);
	flush(A);
	expect_data(A, MSG_BROADCAST, 1, 10, 0, "x", 1);
	/* In no order. */
	expect_joined(B, 7, 21, 0);
	expect_joined(B, 7, 20, 1);
	expect_data(B, MSG_BROADCAST, 7, 10, 0, "x", 1);
	expect_data(B, MSG_DELIVER, 7, 10, 20, "y", 1);
	send_data(B, MSG_PUBLISH, 7, 20, 0, "z", 1);
	flush(B);
	expect_data(A, MSG_BROADCAST, 1, 20, 0, "z", 1);
	expect_data(B, MSG_BROADCAST, 7, 20, 0, "z", 1);
	expect_quiet(&r);
	assert_int_equal(counter(&r, "router_joins_total"), 4);
	finish(&r);
}

/* To open a channel is enough, even before its first member is there. */
static void
test_open_is_enough(void **state)
{
	struct router r;

	(void)state;
	make_leased(&r, 2);
	open_channel(B, 7, "chat");
	flush(B);
	expect_roster(B, 7, ten, 1);
	expect(A, MSG_RECALL, 1, NULL);
	/* It goes again: it was recalled all the same. */
	send_msg(B, MSG_CHANNEL_CLOSE, 7, NULL, 0);
	flush(B);
	expect(B, MSG_CHANNEL_CLOSED, 7, NULL);
	send_recalled(A, 1);
	join(A, 1, 11);
	/* Two that have it open before either has a member. */
	open_channel(A, 2, "both");
	flush(A);
	expect_quiet(&r);
	open_channel(B, 8, "both");
	flush(B);
	expect_quiet(&r);
	join(A, 2, 12);
	expect_id(B, MSG_CONNECT, 8, 12);
	join(B, 8, 22);
	expect_id(A, MSG_CONNECT, 2, 22);
	expect_quiet(&r);
	finish(&r);
}

/* What else goes on in the pipe of one who waits for a lease goes on. */
static void
test_others_go_on(void **state)
{
	struct router r;

	(void)state;
	make_leased(&r, 2);
	open_channel(B, 1, "else");
	join_alone(B, 1, 30);
	come(&r);
	expect(A, MSG_RECALL, 1, NULL);
	expect_id(A, MSG_CONNECT, 1, 20);
	join(B, 1, 31);
	send_data(B, MSG_DIRECT, 1, 30, 31, "x", 1);
	flush(B);
	expect_data(B, MSG_DELIVER, 1, 30, 31, "x", 1);
	send_recalled(A, 1);
	expect_joined(B, 7, 20, 1);
	expect_quiet(&r);
	finish(&r);
}

/* Each has what the other wants, and both have asked before either answers. */
static void
test_crossed(void **state)
{
	static const uint64_t twenty[] = { 20 };
	struct router r;

	(void)state;
	make_leased(&r, 2);
	open_channel(B, 7, "else");
	join_alone(B, 7, 20);
	open_channel(A, 2, "else");
	send_join(A, 2, 11, 0, NULL, NULL);
	flush(A);
	expect_roster(A, 2, twenty, 1);
	/* B has not looked yet when it asks. */
	open_channel(B, 8, "chat");
	send_join(B, 8, 21, 0, NULL, NULL);
	flush(B);
	expect(A, MSG_RECALL, 1, NULL);
	send_recalled(A, 1);
	expect(B, MSG_RECALL, 7, NULL);
	send_recalled(B, 7);
	expect_id(A, MSG_CONNECT, 1, 21);
	expect_joined(A, 2, 11, 1);
	expect_id(B, MSG_CONNECT, 7, 11);
	expect_roster(B, 8, ten, 1);
	expect_joined(B, 8, 21, 1);
	expect_quiet(&r);
	assert_int_equal(counter(&r, "router_stuck_total"), 0);
	finish(&r);
}

/* The holder's last member goes just as it is recalled. */
static void
test_holder_closes(void **state)
{
	struct router r;

	(void)state;
	make_leased(&r, 2);
	come(&r);
	/* It had said so before it heard of the other. */
	send_leave(A, 1, 10);
	send_msg(A, MSG_CHANNEL_CLOSE, 1, NULL, 0);
	flush(A);
	expect(A, MSG_RECALL, 1, NULL);
	expect_id(A, MSG_CONNECT, 1, 20);
	expect_id(A, MSG_DISCONNECT, 1, 10);
	expect(A, MSG_CHANNEL_CLOSED, 1, NULL);
	expect_id(B, MSG_DISCONNECT, 7, 10);
	expect_joined(B, 7, 20, 1);
	expect_quiet(&r);
	/* It is the other's alone now, but no lease any more. */
	join(B, 7, 21);
	/* Nor the new one's under the old number. */
	open_channel(A, 1, "chat");
	flush(A);
	expect(A, MSG_ROSTER, 1, NULL);
	join(A, 1, 11);
	expect_id(B, MSG_CONNECT, 7, 11);
	expect_quiet(&r);
	finish(&r);
}

static void
test_holder_dies(void **state)
{
	struct router r;

	(void)state;
	make_leased(&r, 2);
	come(&r);
	expect(A, MSG_RECALL, 1, NULL);
	imsgbuf_free(A);
	A = NULL;
	expect_id(B, MSG_DISCONNECT, 7, 10);
	expect_joined(B, 7, 20, 1);
	join(B, 7, 21);
	expect_quiet(&r);
	/* One that dies with a lease that nobody wanted: all is new. */
	connect_frontend(&r, 0);
	send_resumed(&r, 0);
	open_channel(A, 1, "else");
	join_alone(A, 1, 10);
	imsgbuf_free(A);
	A = NULL;
	connect_frontend(&r, 0);
	send_resumed(&r, 0);
	open_channel(A, 1, "else");
	join_alone(A, 1, 10);
	expect_quiet(&r);
	finish(&r);
}

/* Who waits may die, too: then nobody waits. */
static void
test_waiting_dies(void **state)
{
	struct router r;

	(void)state;
	make_leased(&r, 2);
	come(&r);
	expect(A, MSG_RECALL, 1, NULL);
	expect_id(A, MSG_CONNECT, 1, 20);
	imsgbuf_free(B);
	B = NULL;
	expect_id(A, MSG_DISCONNECT, 1, 20);
	send_recalled(A, 1);
	expect_quiet(&r);
	join(A, 1, 11);
	assert_int_equal(counter(&r, "router_members"), 2);
	finish(&r);
}

static void
test_two_wait(void **state)
{
	struct router r;

	(void)state;
	make_leased(&r, 3);
	come(&r);
	open_channel(C, 3, "chat");
	send_join(C, 3, 30, 0, NULL, NULL);
	flush(C);
	expect(C, MSG_ROSTER, 3, NULL);
	/* Asked back once. */
	expect(A, MSG_RECALL, 1, NULL);
	expect_id(A, MSG_CONNECT, 1, 20);
	expect_id(A, MSG_CONNECT, 1, 30);
	expect_id(B, MSG_CONNECT, 7, 30);
	expect_quiet(&r);
	send_recalled(A, 1);
	expect_joined(B, 7, 20, 1);
	expect_joined(C, 3, 30, 1);
	send_data(C, MSG_PUBLISH, 3, 30, 0, "x", 1);
	flush(C);
	expect_data(A, MSG_BROADCAST, 1, 30, 0, "x", 1);
	expect_data(B, MSG_BROADCAST, 7, 30, 0, "x", 1);
	expect_quiet(&r);
	finish(&r);
}

/* Given again only to a channel that came to be anew. */
static void
test_new_again(void **state)
{
	struct router r;

	(void)state;
	make_leased(&r, 2);
	come(&r);
	give_back(A, 1);
	expect_id(A, MSG_CONNECT, 1, 20);
	expect_joined(B, 7, 20, 1);
	send_leave(B, 7, 20);
	send_msg(B, MSG_CHANNEL_CLOSE, 7, NULL, 0);
	flush(B);
	expect_id(B, MSG_DISCONNECT, 7, 20);
	expect(B, MSG_CHANNEL_CLOSED, 7, NULL);
	expect_id(A, MSG_DISCONNECT, 1, 20);
	join(A, 1, 11);
	send_leave(A, 1, 10);
	send_leave(A, 1, 11);
	send_msg(A, MSG_CHANNEL_CLOSE, 1, NULL, 0);
	flush(A);
	expect_id(A, MSG_DISCONNECT, 1, 10);
	expect_id(A, MSG_DISCONNECT, 1, 11);
	expect(A, MSG_CHANNEL_CLOSED, 1, NULL);
	open_channel(B, 7, "chat");
	join_alone(B, 7, 20);
	expect_quiet(&r);
	finish(&r);
}

/* Messages from before the router died may be under way. */
static void
test_resumed(void **state)
{
	struct router r;

	(void)state;
	spawn(&r, NULL, 1);
	open_channel(A, 1, "chat");
	send_join(A, 1, 10, JOIN_RESUME, NULL, NULL);
	send_resumed(&r, 0);
	send_start(&r);
	expect_roster(A, 1, ten, 1);
	join(A, 1, 11);
	/* One that waits for admission has no messages. */
	open_channel(A, 2, "else");
	join_alone(A, 2, 12);
	expect_quiet(&r);
	finish(&r);
}

/* Who resumes late on a leased channel is a member already: it is not told. */
static void
test_resumed_late(void **state)
{
	static const uint64_t ids[] = { 10, 20 };
	struct router r;

	(void)state;
	make_leased(&r, 1);
	connect_frontend(&r, 1);
	open_channel(B, 7, "chat");
	send_join(B, 7, 20, JOIN_RESUME, NULL, NULL);
	send_resumed(&r, 1);
	send_join(B, 7, 21, 0, NULL, NULL);
	flush(B);
	expect(A, MSG_RECALL, 1, NULL);
	expect_id(A, MSG_CONNECT, 1, 20);
	expect_id(A, MSG_CONNECT, 1, 21);
	expect_roster(B, 7, ids, 2);
	expect_quiet(&r);
	send_recalled(A, 1);
	expect_joined(B, 7, 21, 1);
	expect_quiet(&r);
	finish(&r);
}

/* Who waits is no member yet. */
static void
test_violations(void **state)
{
	static const struct {
		const char	*name;
		uint32_t	 type;
	} cases[] = {
		{ "publishes while it waits", MSG_PUBLISH },
		{ "writes to one while it waits", MSG_DIRECT },
		{ "leaves while it waits", MSG_LEAVE },
		{ "closes while one waits", MSG_CHANNEL_CLOSE },
		{ "gives back what another has", MSG_RECALLED }
	};
	struct router r;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("  %s\n", cases[i].name);
		make_leased(&r, 2);
		come(&r);
		expect(A, MSG_RECALL, 1, NULL);
		expect_id(A, MSG_CONNECT, 1, 20);
		switch (cases[i].type) {
		case MSG_PUBLISH:
		case MSG_DIRECT:
			send_data(B, cases[i].type, 7, 20,
			    cases[i].type == MSG_DIRECT ? 10 : 0, "x", 1);
			break;
		case MSG_LEAVE:
			send_leave(B, 7, 20);
			break;
		case MSG_RECALLED:
			send_recalled(B, 7);
			break;
		default:
			send_msg(B, cases[i].type, 7, NULL, 0);
			break;
		}
		flush(B);
		expect_eof(B);
		expect_stuck(&r, 1);
		expect_id(A, MSG_DISCONNECT, 1, 20);
		send_recalled(A, 1);
		join(A, 1, 11);
		/* It is given back once. */
		send_recalled(A, 1);
		expect_eof(A);
		expect_stuck(&r, 0);
		assert_int_equal(counter(&r, "router_violations_total"), 2);
		finish(&r);
	}
}

/* What passed under the lease is counted with what is routed. */
static void
test_counts(void **state)
{
	struct msg_row_channel row;
	struct router r;
	struct imsg m;

	(void)state;
	make_leased(&r, 2);
	come(&r);
	give_back(A, 1);
	send_data(A, MSG_PUBLISH, 1, 10, 0, "four", 4);
	flush(A);
	expect_id(A, MSG_CONNECT, 1, 20);
	expect_joined(B, 7, 20, 1);
	expect_data(B, MSG_BROADCAST, 7, 10, 0, "four", 4);
	ask(&r, SHOW_CHANNELS, 5);
	expect(r.parent, MSG_ROW, 5, &m);
	memcpy(&row, m.data, sizeof(row));
	assert_int_equal(row.messages, 4);
	assert_int_equal(row.bytes, 504);
	expect(r.parent, MSG_ROW_END, 5, NULL);
	finish(&r);
}

/* While nobody is read nobody can give back: that time does not count. */
static void
test_backlog(void **state)
{
	static const uint64_t thirty[] = { 30 };
	static char chunk[65536];
	struct timespec pause = { 1, 0 };
	struct router r;
	struct imsg m;
	uint32_t i, n = 0;

	(void)state;
	make_leased(&r, 3);
	open_channel(C, 1, "bulk");
	join_alone(C, 1, 30);
	open_channel(B, 1, "bulk");
	send_join(B, 1, 21, 0, NULL, NULL);
	flush(B);
	give_back(C, 1);
	expect_id(C, MSG_CONNECT, 1, 21);
	expect_roster(B, 1, thirty, 1);
	expect_joined(B, 1, 21, 1);
	come(&r);
	do {
		send_data(C, MSG_PUBLISH, 1, 30, 0, chunk, sizeof(chunk));
		n++;
		while (imsg_queued(C) > 0 && imsg_flush(C) == 0)
			;
	} while (imsg_queued(C) < 4 * sizeof(chunk) ||
	    counter(&r, "router_backlogs_total") == 0);
	expect(A, MSG_RECALL, 1, NULL);
	expect_id(A, MSG_CONNECT, 1, 20);
	send_recalled(A, 1);
	/* It reads so much that it is not stuck itself. */
	for (i = 0; i < 14; i++) {
		if (i % 2 == 0)
			nanosleep(&pause, NULL);
		expect(B, MSG_BROADCAST, 1, NULL);
	}
	assert_true(counter(&r, "router_queued_bytes") > 1024 * 1024);
	/* And JOINED, somewhere among what is left. */
	for (; i < n + 1; i++) {
		(void)imsg_flush(C);
		assert_true(receive(B, &m));
		if (m.hdr.type == MSG_JOINED)
			assert_int_equal(m.hdr.peerid, 7);
		else
			assert_int_equal(m.hdr.type, MSG_BROADCAST);
	}
	expect_quiet(&r);
	assert_int_equal(counter(&r, "router_stuck_total"), 0);
	finish(&r);
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

/*
 * One that gives nothing back is given up; one that gives back one by one
 * (q's, two seconds for each) is not.
 */
static void
test_kept(void **state)
{
	static const char *names[] = { "a", "b", "c", "d" };
	struct router r, q;
	struct timespec pause = { 2, 0 };
	int64_t since;
	uint32_t i;

	(void)state;
	spawn_running(&q, NULL, 2);
	for (i = 0; i < 4; i++) {
		open_channel(q.frontend[0], i + 1, names[i]);
		join_alone(q.frontend[0], i + 1, i + 1);
	}
	make_leased(&r, 2);
	since = now_ms();
	come(&r);
	for (i = 0; i < 4; i++)
		open_channel(q.frontend[1], i + 1, names[i]);
	flush(q.frontend[1]);
	for (i = 0; i < 3; i++) {
		nanosleep(&pause, NULL);
		give_back(q.frontend[0], i + 1);
	}
	expect_stuck(&r, 0);
	assert_true(now_ms() - since >= 4500);
	expect_id(B, MSG_DISCONNECT, 7, 10);
	expect_joined(B, 7, 20, 1);
	assert_int_equal(counter(&r, "router_stuck_total"), 1);
	expect(A, MSG_RECALL, 1, NULL);
	expect_id(A, MSG_CONNECT, 1, 20);
	expect_eof(A);
	assert_int_equal(counter(&r, "router_frontends"), 1);
	finish(&r);
	give_back(q.frontend[0], 4);
	for (i = 0; i < 4; i++)
		expect(q.frontend[1], MSG_ROSTER, i + 1, NULL);
	expect_quiet(&q);
	assert_int_equal(counter(&q, "router_stuck_total"), 0);
	finish(&q);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_given_once),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_recall),
		cmocka_unit_test(test_open_is_enough),
		cmocka_unit_test(test_others_go_on),
		cmocka_unit_test(test_crossed),
		cmocka_unit_test(test_holder_closes),
		cmocka_unit_test(test_holder_dies),
		cmocka_unit_test(test_waiting_dies),
		cmocka_unit_test(test_two_wait),
		cmocka_unit_test(test_new_again),
		cmocka_unit_test(test_resumed),
		cmocka_unit_test(test_resumed_late),
		cmocka_unit_test(test_violations),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_backlog),
		cmocka_unit_test(test_kept)
	};

	setproctitle_init(argc, argv, environ);
	signal(SIGPIPE, SIG_IGN);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
