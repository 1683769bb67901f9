/* The router's traffic: joining, presence, rosters, fan out, order, deaths. */
#include "router_fixture.h"

#define A	(r.frontend[0])
#define B	(r.frontend[1])
#define C	(r.frontend[2])

/* Number 1 of A and 7 of B are the channel "chat", with members 10 and 20. */
static void
make_chat(struct router *r)
{
	static const uint64_t ten[] = { 10 };

	spawn_running(r, NULL, 2);
	open_channel(r->frontend[0], 1, "chat");
	join_alone(r->frontend[0], 1, 10);
	open_channel(r->frontend[1], 7, "chat");
	flush(r->frontend[1]);
	expect_roster(r->frontend[1], 7, ten, 1);
	give_back(r->frontend[0], 1);
	join(r->frontend[1], 7, 20);
	expect_id(r->frontend[0], MSG_CONNECT, 1, 20);
}

static void
test_join_and_leave(void **state)
{
	struct router r;

	(void)state;
	make_chat(&r);
	join(A, 1, 11);
	expect_id(B, MSG_CONNECT, 7, 11);
	assert_int_equal(counter(&r, "router_members"), 3);
	assert_int_equal(counter(&r, "router_channels"), 1);
	assert_int_equal(counter(&r, "router_joins_total"), 3);
	send_leave(A, 1, 10);
	flush(A);
	expect_id(A, MSG_DISCONNECT, 1, 10);
	expect_id(B, MSG_DISCONNECT, 7, 10);
	send_leave(A, 1, 11);
	send_msg(A, MSG_CHANNEL_CLOSE, 1, NULL, 0);
	flush(A);
	expect_id(A, MSG_DISCONNECT, 1, 11);
	expect(A, MSG_CHANNEL_CLOSED, 1, NULL);
	expect_id(B, MSG_DISCONNECT, 7, 11);
	expect_quiet(&r);
	/* The number may be another channel's now. */
	open_channel(A, 1, "other");
	join_alone(A, 1, 10);
	send_leave(B, 7, 20);
	send_msg(B, MSG_CHANNEL_CLOSE, 7, NULL, 0);
	flush(B);
	expect_id(B, MSG_DISCONNECT, 7, 20);
	expect(B, MSG_CHANNEL_CLOSED, 7, NULL);
	expect_quiet(&r);
	assert_int_equal(counter(&r, "router_members"), 1);
	assert_int_equal(counter(&r, "router_channels"), 1);
	assert_int_equal(counter(&r, "router_leaves_total"), 3);
	finish(&r);
}

static void
test_broadcast(void **state)
{
	static const size_t sizes[] = { 0, 1, 7, 8, 9, 1000, 300000,
	    4 * 1024 * 1024 };
	static char payload[4 * 1024 * 1024];
	struct router r;
	unsigned int i;
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(payload); n++)
		payload[n] = (char)(n * 31 + n / 257);
	make_chat(&r);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		send_data(A, MSG_PUBLISH, 1, 10, 0, payload, sizes[i]);
		flush(A);
		expect_data(B, MSG_BROADCAST, 7, 10, 0, payload, sizes[i]);
	}
	/* Its only member here is the source. */
	expect_quiet(&r);
	join(A, 1, 11);
	expect_id(B, MSG_CONNECT, 7, 11);
	send_data(A, MSG_PUBLISH, 1, 10, 0, "x", 1);
	flush(A);
	expect_data(A, MSG_BROADCAST, 1, 10, 0, "x", 1);
	expect_data(B, MSG_BROADCAST, 7, 10, 0, "x", 1);
	/* Open, but with nobody there. */
	send_leave(B, 7, 20);
	flush(B);
	expect_id(A, MSG_DISCONNECT, 1, 20);
	expect_id(B, MSG_DISCONNECT, 7, 20);
	send_data(A, MSG_PUBLISH, 1, 11, 0, "y", 1);
	flush(A);
	expect_data(A, MSG_BROADCAST, 1, 11, 0, "y", 1);
	expect_quiet(&r);
	/* Another channel hears nothing of it. */
	open_channel(B, 8, "else");
	join_alone(B, 8, 21);
	send_data(A, MSG_PUBLISH, 1, 11, 0, "z", 1);
	flush(A);
	expect_data(A, MSG_BROADCAST, 1, 11, 0, "z", 1);
	expect_quiet(&r);
	assert_int_equal(counter(&r, "router_broadcasts_total"), i + 3);
	finish(&r);
}

static void
test_direct(void **state)
{
	static const struct {
		const char	*name;
		uint64_t	 target;
		int		 frontend;	/* of the target, -1 none */
		uint32_t	 number;
	} cases[] = {
		{ "to another frontend", 20, 1, 7 },
		{ "to the same frontend", 11, 0, 1 },
		{ "to itself", 10, 0, 1 },
		{ "to one who is not shown", 12, 0, 1 },
		{ "to nobody", 99, -1, 0 },
		{ "to 0", 0, -1, 0 },
		{ "to the largest number", UINT64_MAX, -1, 0 },
		{ "to one on another channel", 30, -1, 0 },
		{ "to one on no channel", 31, -1, 0 }
	};
	struct router r;
	struct imsg m;
	unsigned int i, lost = 0;
	uint64_t ids[2];

	(void)state;
	make_chat(&r);
	join(A, 1, 11);
	expect_id(B, MSG_CONNECT, 7, 11);
	send_join(A, 1, 12, JOIN_SILENT, NULL, NULL);
	flush(A);
	expect_joined(A, 1, 12, 0);
	open_channel(B, 8, "else");
	join_alone(B, 8, 30);
	send_join(B, 0, 31, JOIN_NOCHANNEL, NULL, NULL);
	flush(B);
	expect_joined(B, 0, 31, 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		send_data(A, MSG_DIRECT, 1, 10, cases[i].target,
		    cases[i].name, strlen(cases[i].name));
		flush(A);
		if (cases[i].frontend != -1) {
			expect_data(r.frontend[cases[i].frontend], MSG_DELIVER,
			    cases[i].number, 10, cases[i].target,
			    cases[i].name, strlen(cases[i].name));
			continue;
		}
		lost++;
		expect(A, MSG_UNDELIVERED, 1, &m);
		memcpy(ids, m.data, sizeof(ids));
		assert_true(ids[0] == 10 && ids[1] == cases[i].target);
	}
	expect_quiet(&r);
	assert_int_equal(counter(&r, "router_directs_total"), i);
	assert_int_equal(counter(&r, "router_undelivered_total"), lost);
	finish(&r);
}

static void
test_silent(void **state)
{
	struct router r;

	(void)state;
	make_chat(&r);
	send_join(A, 1, 12, JOIN_SILENT, NULL, NULL);
	flush(A);
	expect_joined(A, 1, 12, 0);
	expect_quiet(&r);
	/* It is a member as any other. */
	send_data(A, MSG_PUBLISH, 1, 12, 0, "x", 1);
	send_data(A, MSG_PUBLISH, 1, 10, 0, "y", 1);
	flush(A);
	expect_data(A, MSG_BROADCAST, 1, 12, 0, "x", 1);
	expect_data(A, MSG_BROADCAST, 1, 10, 0, "y", 1);
	expect_data(B, MSG_BROADCAST, 7, 12, 0, "x", 1);
	expect_data(B, MSG_BROADCAST, 7, 10, 0, "y", 1);
	send_leave(A, 1, 12);
	flush(A);
	expect_quiet(&r);
	finish(&r);
}

/* A configuration with one channel block. */
static struct conf *
conf_with_channel(const char *name, int presence)
{
	struct conf_channel *ch;
	struct conf *c;

	assert_non_null(c = conf_default());
	assert_non_null(ch = calloc(1, sizeof(*ch)));
	assert_non_null(ch->name = strdup(name));
	ch->presence = presence;
	TAILQ_INSERT_TAIL(&c->channels, ch, entry);
	return (c);
}

static void
test_presence_off(void **state)
{
	static const uint64_t five[] = { 5 };
	struct conf *off = conf_with_channel("quiet", 0);
	struct conf *on = conf_with_channel("quiet", 1);
	struct router r;

	(void)state;
	spawn_running(&r, off, 2);
	open_channel(A, 1, "quiet");
	send_join(A, 1, 5, 0, NULL, NULL);
	flush(A);
	expect(A, MSG_LEASE, 1, NULL);
	expect_joined(A, 1, 5, 0);
	/* No roster for who comes later. */
	open_channel(B, 1, "quiet");
	send_join(B, 1, 6, 0, NULL, NULL);
	flush(B);
	give_back(A, 1);
	expect_joined(B, 1, 6, 0);
	send_leave(B, 1, 6);
	flush(B);
	expect_quiet(&r);
	/* A reload does not change the channel that is there... */
	send_conf(&r, on);
	expect(r.parent, MSG_READY, 0, NULL);
	send_join(B, 1, 6, 0, NULL, NULL);
	flush(B);
	expect_joined(B, 1, 6, 0);
	send_leave(B, 1, 6);
	send_msg(B, MSG_CHANNEL_CLOSE, 1, NULL, 0);
	flush(B);
	expect(B, MSG_CHANNEL_CLOSED, 1, NULL);
	send_leave(A, 1, 5);
	send_msg(A, MSG_CHANNEL_CLOSE, 1, NULL, 0);
	flush(A);
	expect(A, MSG_CHANNEL_CLOSED, 1, NULL);
	expect_quiet(&r);
	/* ...but the next one of that name. */
	open_channel(A, 1, "quiet");
	join_alone(A, 1, 5);
	open_channel(B, 1, "quiet");
	flush(B);
	expect_roster(B, 1, five, 1);
	conf_free(off);
	conf_free(on);
	finish(&r);
}

/* Nobody is read, and nobody told, before all have resumed. */
static void
test_resume_barrier(void **state)
{
	static const uint64_t ids[] = { 10, 20, 21 };
	struct router r;
	struct imsg m;

	(void)state;
	spawn(&r, NULL, 3);
	open_channel(A, 1, "chat");
	open_channel(A, 2, "lonely");
	send_join(A, 1, 10, JOIN_RESUME, "https://a.example", "addr");
	send_join(A, 0, 11, JOIN_RESUME | JOIN_NOCHANNEL, NULL, NULL);
	send_resumed(&r, 0);
	/* In one piece with what comes after, as a frontend would. */
	send_data(A, MSG_PUBLISH, 1, 10, 0, "early", 5);
	send_join(A, 2, 12, 0, NULL, NULL);
	flush(A);
	send_resumed(&r, 2);
	send_start(&r);
	expect_quiet(&r);
	open_channel(B, 9, "chat");
	send_join(B, 9, 20, JOIN_RESUME, NULL, NULL);
	send_join(B, 9, 21, JOIN_RESUME, NULL, NULL);
	send_join(B, 9, 22, JOIN_RESUME | JOIN_SILENT, NULL, NULL);
	flush(B);
	expect_quiet(&r);
	send_resumed(&r, 1);
	/* Rosters first, in no order of channels; then what was held up. */
	expect_roster(B, 9, ids, 3);
	expect_data(B, MSG_BROADCAST, 9, 10, 0, "early", 5);
	assert_true(receive(A, &m));
	assert_int_equal(m.hdr.type, MSG_ROSTER);
	if (m.hdr.peerid == 1)
		expect_roster(A, 2, NULL, 0);
	else
		expect_roster(A, 1, ids, 3);
	expect(A, MSG_LEASE, 2, NULL);
	expect_joined(A, 2, 12, 1);
	expect_quiet(&r);
	assert_int_equal(counter(&r, "router_resumes_total"), 5);
	assert_int_equal(counter(&r, "router_joins_total"), 1);
	finish(&r);
}

/* One that dies before it has resumed holds nobody up; nor does its next. */
static void
test_resume_death(void **state)
{
	static const uint64_t ten[] = { 10 };
	unsigned int replaced;
	struct router r;

	(void)state;
	for (replaced = 0; replaced < 2; replaced++) {
		spawn(&r, NULL, 2);
		open_channel(A, 1, "chat");
		send_join(A, 1, 10, JOIN_RESUME, NULL, NULL);
		send_resumed(&r, 0);
		open_channel(B, 1, "chat");
		send_join(B, 1, 20, JOIN_RESUME, NULL, NULL);
		flush(B);
		send_start(&r);
		expect_quiet(&r);
		if (replaced)
			connect_frontend(&r, 1);
		else {
			imsgbuf_free(B);
			B = NULL;
		}
		expect_roster(A, 1, ten, 1);
		expect_quiet(&r);
		assert_int_equal(counter(&r, "router_members"), 1);
		finish(&r);
	}
}

/* One that comes later is live as soon as it has resumed. */
static void
test_late_frontend(void **state)
{
	static const uint64_t ids[] = { 10, 20 };
	struct router r;

	(void)state;
	spawn_running(&r, NULL, 1);
	open_channel(A, 1, "chat");
	join_alone(A, 1, 10);
	connect_frontend(&r, 1);
	open_channel(B, 3, "chat");
	send_join(B, 3, 20, JOIN_RESUME, NULL, NULL);
	flush(B);
	give_back(A, 1);
	expect_id(A, MSG_CONNECT, 1, 20);
	expect_quiet(&r);
	send_resumed(&r, 1);
	expect_roster(B, 3, ids, 2);
	join(B, 3, 21);
	expect_id(A, MSG_CONNECT, 1, 21);
	expect_quiet(&r);
	finish(&r);
}

static void
test_frontend_death(void **state)
{
	static const uint64_t ten[] = { 10 };
	struct router r;

	(void)state;
	make_chat(&r);
	send_join(B, 0, 22, JOIN_NOCHANNEL, NULL, NULL);
	flush(B);
	expect_joined(B, 0, 22, 0);
	/* Its last words are heard. */
	send_data(B, MSG_PUBLISH, 7, 20, 0, "bye", 3);
	flush(B);
	imsgbuf_free(B);
	B = NULL;
	expect_data(A, MSG_BROADCAST, 1, 20, 0, "bye", 3);
	expect_id(A, MSG_DISCONNECT, 1, 20);
	/* The parent is not told: it sees deaths by itself. */
	expect_quiet(&r);
	assert_int_equal(counter(&r, "router_frontends"), 1);
	assert_int_equal(counter(&r, "router_members"), 1);
	connect_frontend(&r, 1);
	send_resumed(&r, 1);
	open_channel(B, 7, "chat");
	flush(B);
	expect_roster(B, 7, ten, 1);
	join(B, 7, 20);
	expect_id(A, MSG_CONNECT, 1, 20);
	/* A pipe in place of a live one: the old members are gone. */
	connect_frontend(&r, 1);
	expect_id(A, MSG_DISCONNECT, 1, 20);
	send_resumed(&r, 1);
	open_channel(B, 1, "chat");
	flush(B);
	expect_roster(B, 1, ten, 1);
	expect_quiet(&r);
	assert_int_equal(counter(&r, "router_frontends"), 2);
	finish(&r);
}

static void
test_roster_chunks(void **state)
{
	static const uint32_t counts[] = { 1, MSG_ROSTER_MAX - 1,
	    MSG_ROSTER_MAX, MSG_ROSTER_MAX + 1, 2 * MSG_ROSTER_MAX,
	    2 * MSG_ROSTER_MAX + 1 };
	static uint8_t seen[2 * MSG_ROSTER_MAX + 2];
	struct msg_roster head;
	struct router r;
	struct imsg m;
	uint32_t i, k, n, left;
	uint64_t id;

	(void)state;
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		n = counts[i];
		spawn(&r, NULL, 2);
		send_resumed(&r, 1);
		open_channel(A, 1, "chat");
		for (k = 1; k <= n; k++) {
			send_join(A, 1, k, JOIN_RESUME, NULL, NULL);
			/* Among them some who are not shown. */
			if (k % 100 == 0)
				send_join(A, 1, k + 1000000, JOIN_RESUME |
				    JOIN_SILENT, NULL, NULL);
		}
		flush(A);
		send_start(&r);
		send_resumed(&r, 0);
		memset(seen, 0, sizeof(seen));
		for (left = n; left > 0; left -= head.count) {
			expect(A, MSG_ROSTER, 1, &m);
			memcpy(&head, m.data, sizeof(head));
			assert_int_equal(head.flags & ROSTER_FIRST,
			    left == n ? ROSTER_FIRST : 0);
			assert_int_equal(head.count, left < MSG_ROSTER_MAX ?
			    left : MSG_ROSTER_MAX);
			assert_int_equal(head.flags & ROSTER_LAST,
			    head.count == left ? ROSTER_LAST : 0);
			for (k = 0; k < head.count; k++) {
				memcpy(&id, (const char *)m.data +
				    sizeof(head) + 8 * (size_t)k, 8);
				assert_true(id >= 1 && id <= n && !seen[id]);
				seen[id] = 1;
			}
		}
		expect_quiet(&r);
		finish(&r);
	}
}

/* Every frontend gets the broadcasts of all senders in one order. */
static void
test_order(void **state)
{
	static uint64_t order[4000];
	struct msg_data d;
	struct router r;
	struct imsg m;
	uint32_t f, i, n, last[2] = { 0, 0 }, value;
	uint64_t tag;

	(void)state;
	make_chat(&r);
	/* A listener each, so that both get all; a third only listens. */
	connect_frontend(&r, 2);
	send_resumed(&r, 2);
	join(A, 1, 11);
	expect_id(B, MSG_CONNECT, 7, 11);
	open_channel(C, 3, "chat");
	flush(C);
	expect(C, MSG_ROSTER, 3, NULL);
	join(C, 3, 31);
	expect_id(A, MSG_CONNECT, 1, 31);
	expect_id(B, MSG_CONNECT, 7, 31);
	join(B, 7, 21);
	expect_id(A, MSG_CONNECT, 1, 21);
	expect_id(C, MSG_CONNECT, 3, 21);
	for (i = 1; i <= 2000; i++) {
		send_data(A, MSG_PUBLISH, 1, 10, 0, &i, sizeof(i));
		send_data(B, MSG_PUBLISH, 7, 20, 0, &i, sizeof(i));
		if (i % 50 == 0) {
			flush(A);
			flush(B);
		}
	}
	for (f = 0; f < 3; f++)
		for (n = 0; n < 4000; n++) {
			assert_true(receive(r.frontend[f], &m));
			assert_int_equal(m.hdr.type, MSG_BROADCAST);
			memcpy(&d, m.data, sizeof(d));
			memcpy(&value, (const char *)m.data + sizeof(d), 4);
			tag = d.source << 32 | value;
			if (f == 0) {
				i = d.source == 20;
				assert_int_equal(value, last[i] + 1);
				last[i] = value;
				order[n] = tag;
			} else
				assert_true(order[n] == tag);
		}
	expect_quiet(&r);
	finish(&r);
}

static void
test_many_channels(void **state)
{
	enum { CHANNELS = 5000 };
	char name[CONF_CHANNEL_NAME_MAX + 1];
	struct msg_row_channel row;
	struct router r;
	struct imsg m;
	uint32_t i, rows = 0;

	(void)state;
	spawn_running(&r, NULL, 2);
	memset(name, 'x', sizeof(name));
	name[CONF_CHANNEL_NAME_MAX] = '\0';
	for (i = 1; i <= CHANNELS; i++) {
		snprintf(name, 9, "%08u", i);
		name[8] = '.';
		open_channel(A, i, name);
		send_join(A, i, i, JOIN_SILENT, NULL, NULL);
		flush(A);
		expect(A, MSG_LEASE, i, NULL);
		expect_joined(A, i, i, 0);
	}
	/* Open, but nobody joined: it is not there yet. */
	open_channel(B, 1, "empty");
	flush(B);
	assert_int_equal(counter(&r, "router_channels"), CHANNELS);
	ask(&r, SHOW_CHANNELS, 5);
	for (;;) {
		assert_true(receive(r.parent, &m));
		assert_int_equal(m.hdr.peerid, 5);
		if (m.hdr.type == MSG_ROW_END)
			break;
		memcpy(&row, m.data, sizeof(row));
		assert_int_equal(row.row.what, SHOW_CHANNELS);
		assert_int_equal(row.members, 1);
		assert_int_equal(row.presence, 1);
		rows++;
		snprintf(name, 9, "%08u", rows);
		name[8] = '.';
		assert_int_equal(m.hdr.len - sizeof(row), strlen(name));
		assert_memory_equal((const char *)m.data + sizeof(row), name,
		    strlen(name));
	}
	assert_int_equal(rows, CHANNELS);
	/* Channels go while an answer too long for a pipe waits. */
	ask(&r, SHOW_CHANNELS, 6);
	ask(&r, SHOW_CHANNELS, 7);
	for (i = 1; i <= CHANNELS; i++) {
		send_leave(A, i, i);
		send_msg(A, MSG_CHANNEL_CLOSE, i, NULL, 0);
		flush(A);
		expect(A, MSG_CHANNEL_CLOSED, i, NULL);
	}
	for (rows = 0; rows < 2;) {
		assert_true(receive(r.parent, &m));
		rows += m.hdr.type == MSG_ROW_END;
	}
	assert_int_equal(counter(&r, "router_channels"), 0);
	assert_int_equal(counter(&r, "router_members"), 0);
	expect_quiet(&r);
	finish(&r);
}

static void
expect_event(struct router *r, uint32_t kind, const char *text)
{
	struct msg_event e;
	struct imsg m;

	expect(r->parent, MSG_EVENT, 0, &m);
	memcpy(&e, m.data, sizeof(e));
	assert_int_equal(e.kind, kind);
	assert_int_equal(e.process, P_ROUTER);
	if (m.hdr.len - sizeof(e) != strlen(text) ||
	    memcmp((const char *)m.data + sizeof(e), text, strlen(text)) != 0)
		fail_msg("%.*s instead of %s", (int)(m.hdr.len - sizeof(e)),
		    (const char *)m.data + sizeof(e), text);
}

static void
test_events(void **state)
{
	uint32_t on = 1, off = 0;
	struct conf *c;
	struct router r;

	(void)state;
	assert_non_null(c = conf_default());
	c->max_clients = 1;
	spawn_running(&r, c, 2);
	conf_free(c);
	send_msg(r.parent, MSG_MONITOR, 0, &on, sizeof(on));
	flush(r.parent);
	expect_quiet(&r);
	open_channel(A, 1, "chat");
	join_alone(A, 1, 10);
	expect_event(&r, EVENT_CHANNEL_NEW, "channel=\"chat\"");
	/* An origin is shown as it may be shown. */
	send_join(A, 1, 11, 0, "a\"b\n\\\xff", NULL);
	flush(A);
	expect_refused(A, 1, 11, REFUSED_CLIENTS);
	expect_event(&r, EVENT_LIMIT,
	    "limit=max-clients max=1 hits=1 origin=\"a?b???\"");
	send_leave(A, 1, 10);
	send_msg(A, MSG_CHANNEL_CLOSE, 1, NULL, 0);
	flush(A);
	expect_id(A, MSG_DISCONNECT, 1, 10);
	expect(A, MSG_CHANNEL_CLOSED, 1, NULL);
	expect_event(&r, EVENT_CHANNEL_GONE, "channel=\"chat\"");
	send_msg(r.parent, MSG_MONITOR, 0, &off, sizeof(off));
	flush(r.parent);
	expect_quiet(&r);
	open_channel(A, 1, "chat");
	join_alone(A, 1, 10);
	expect_quiet(&r);
	finish(&r);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_join_and_leave),
		cmocka_unit_test(test_broadcast),
		cmocka_unit_test(test_direct),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_presence_off),
		cmocka_unit_test(test_resume_barrier),
		cmocka_unit_test(test_resume_death),
		cmocka_unit_test(test_late_frontend),
		cmocka_unit_test(test_frontend_death),
		cmocka_unit_test(test_roster_chunks),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_many_channels),
		cmocka_unit_test(test_events)
	};

	setproctitle_init(argc, argv, environ);
	signal(SIGPIPE, SIG_IGN);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
