/* The router's bounds: limits, broken rules, and frontends that do not read. */
#include "router_fixture.h"

#include <time.h>

#define A	(r.frontend[0])
#define B	(r.frontend[1])
#define C	(r.frontend[2])

#define CHUNK	65536

/* Joins one after the other, and what becomes of each. */
struct attempt {
	uint32_t	 number;	/* 0 is no channel */
	const char	*origin, *address;
	int		 refused;	/* enum refused, or -1 */
};

static const struct limits_case {
	const char	*name, *limit;
	uint32_t	 clients, origin, address, channels;
	struct attempt	 attempt[8];
	uint64_t	 used, max, hits;
} limits_cases[] = {
	{ "clients", "max-clients", 3, 0, 0, 10, {
	    { 1, "o", "a", -1 },
	    { 1, NULL, NULL, -1 },
	    { 0, "o", "a", -1 },
	    { 1, "p", "b", REFUSED_CLIENTS },
	    { 0, "p", NULL, REFUSED_CLIENTS } }, 3, 3, 2 },
	{ "clients of an origin", "max-clients-per-origin", 9, 2, 0, 10, {
	    { 1, "https://a", "x", -1 },
	    { 0, "https://a", "y", -1 },
	    { 1, "https://a", "z", REFUSED_ORIGIN },
	    { 1, "https://ab", "z", -1 },
	    { 1, "https://", "z", -1 },
	    { 1, "https://ab", NULL, -1 },
	    { 0, "https://ab", NULL, REFUSED_ORIGIN } }, 2, 2, 2 },
	{ "natives are of no origin", "max-clients-per-origin", 9, 1, 0, 10, {
	    { 1, NULL, "x", -1 },
	    { 1, NULL, "x", -1 },
	    { 1, NULL, "x", -1 } }, 0, 1, 0 },
	{ "clients from an address", "max-clients-per-address", 9, 0, 2, 10, {
	    { 1, "o", "0123456789abcdef", -1 },
	    { 0, "p", "0123456789abcdef", -1 },
	    { 1, "q", "0123456789abcdef", REFUSED_ADDRESS },
	    { 1, "o", "0123456789abcdeg", -1 },
	    { 1, "o", "x", -1 } }, 2, 2, 1 },
	{ "Unix sockets have none", "max-clients-per-address", 9, 0, 1, 10, {
	    { 1, "o", NULL, -1 },
	    { 1, "o", NULL, -1 } }, 0, 1, 0 },
	{ "channels", "max-channels", 9, 0, 0, 2, {
	    { 1, "o", "a", -1 },
	    { 2, "o", "a", -1 },
	    { 3, "o", "a", REFUSED_CHANNELS },
	    { 1, "o", "a", -1 },
	    { 2, "o", "a", -1 },
	    { 0, "o", "a", -1 },
	    { 4, "o", "a", REFUSED_CHANNELS } }, 2, 2, 2 },
	{ "the first that is reached counts", "max-clients", 1, 1, 1, 1, {
	    { 1, "o", "a", -1 },
	    { 2, "o", "a", REFUSED_CLIENTS } }, 1, 1, 1 }
};

static struct conf *
conf_with_limits(uint32_t clients, uint32_t origin, uint32_t address,
    uint32_t max_channels)
{
	struct conf *c;

	assert_non_null(c = conf_default());
	c->max_clients = clients;
	c->max_clients_origin = origin;
	c->max_clients_address = address;
	c->max_channels = max_channels;
	return (c);
}

static void
check_limit(struct router *r, const char *name, uint64_t used, uint64_t max,
    uint64_t hits)
{
	struct msg_row_limit row = { .used = 0 };

	limit(r, name, &row);
	assert_int_equal(row.used, used);
	assert_int_equal(row.max, max);
	assert_int_equal(row.hits, hits);
}

static void
run_limits_case(const struct limits_case *c)
{
	const struct attempt *a;
	struct conf *conf;
	struct router r;
	uint32_t i;
	char name[2] = "a";

	conf = conf_with_limits(c->clients, c->origin, c->address,
	    c->channels);
	spawn_running(&r, conf, 2);
	conf_free(conf);
	for (i = 1; i <= 4; i++) {
		name[0] = (char)('a' + i);
		open_channel(A, i, name);
		open_channel(B, i, name);
	}
	flush(A);
	flush(B);
	/* Both have them open before anybody joins: no leases. */
	expect_quiet(&r);
	for (i = 0; i < 8; i++) {
		a = &c->attempt[i];
		if (a->origin == NULL && a->address == NULL &&
		    a->number == 0 && a->refused == 0)
			break;
		/* In turns: a limit holds for all frontends together. */
		send_join(r.frontend[i % 2], a->number, i + 1,
		    a->number == 0 ? JOIN_NOCHANNEL : JOIN_SILENT, a->origin,
		    a->address);
		flush(r.frontend[i % 2]);
		if (a->refused == -1)
			expect_joined(r.frontend[i % 2], a->number, i + 1, 0);
		else
			expect_refused(r.frontend[i % 2], a->number, i + 1,
			    (enum refused)a->refused);
	}
	expect_quiet(&r);
	check_limit(&r, c->limit, c->used, c->max, c->hits);
	assert_int_equal(counter(&r, "router_refusals_total"), c->hits);
	finish(&r);
}

static void
test_limits(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(limits_cases) / sizeof(limits_cases[0]); i++) {
		print_message("  %s\n", limits_cases[i].name);
		run_limits_case(&limits_cases[i]);
	}
}

/* Who leaves makes room, however he leaves. */
static void
test_limits_room(void **state)
{
	struct conf *conf = conf_with_limits(2, 2, 2, 2);
	struct router r;
	uint64_t id;

	(void)state;
	spawn_running(&r, conf, 2);
	conf_free(conf);
	for (id = 1; id <= 5; id++) {
		open_channel(A, 1, "a");
		open_channel(B, 2, "b");
		send_join(A, 1, id, 0, "o", "x");
		send_join(B, 2, id + 100, 0, "o", "x");
		flush(A);
		flush(B);
		expect(A, MSG_LEASE, 1, NULL);
		expect_joined(A, 1, id, 1);
		expect(B, MSG_LEASE, 2, NULL);
		expect_joined(B, 2, id + 100, 1);
		check_limit(&r, "max-clients", 2, 2, id - 1);
		check_limit(&r, "max-clients-per-origin", 2, 2, 0);
		check_limit(&r, "max-clients-per-address", 2, 2, 0);
		check_limit(&r, "max-channels", 2, 2, 0);
		send_join(A, 1, 99, 0, "p", "y");
		flush(A);
		expect_refused(A, 1, 99, REFUSED_CLIENTS);
		send_leave(A, 1, id);
		send_msg(A, MSG_CHANNEL_CLOSE, 1, NULL, 0);
		flush(A);
		expect_id(A, MSG_DISCONNECT, 1, id);
		expect(A, MSG_CHANNEL_CLOSED, 1, NULL);
		connect_frontend(&r, 1);
		send_resumed(&r, 1);
		check_limit(&r, "max-clients", 0, 2, id);
		check_limit(&r, "max-clients-per-origin", 0, 2, 0);
		check_limit(&r, "max-channels", 0, 2, 0);
	}
	finish(&r);
}

/* Who was there before is let in again, and counts. */
static void
test_limits_resume(void **state)
{
	struct conf *conf = conf_with_limits(2, 2, 2, 1);
	struct router r;
	struct imsg m;
	uint64_t id;

	(void)state;
	spawn(&r, conf, 1);
	conf_free(conf);
	open_channel(A, 1, "a");
	open_channel(A, 2, "b");
	for (id = 1; id <= 4; id++)
		send_join(A, 1 + id % 2, id, JOIN_RESUME | JOIN_SILENT, "o",
		    "x");
	send_resumed(&r, 0);
	send_start(&r);
	/* In no order. */
	for (id = 1; id <= 2; id++) {
		assert_true(receive(A, &m));
		assert_int_equal(m.hdr.type, MSG_ROSTER);
	}
	check_limit(&r, "max-clients", 4, 2, 0);
	check_limit(&r, "max-clients-per-origin", 4, 2, 0);
	check_limit(&r, "max-clients-per-address", 4, 2, 0);
	check_limit(&r, "max-channels", 2, 1, 0);
	send_join(A, 1, 5, JOIN_SILENT, NULL, NULL);
	for (id = 1; id <= 2; id++)
		send_leave(A, 1 + id % 2, id);
	send_join(A, 1, 6, JOIN_SILENT, NULL, NULL);
	send_leave(A, 2, 3);
	send_join(A, 1, 7, JOIN_SILENT, NULL, NULL);
	flush(A);
	expect_refused(A, 1, 5, REFUSED_CLIENTS);
	expect_refused(A, 1, 6, REFUSED_CLIENTS);
	expect_joined(A, 1, 7, 0);
	expect_quiet(&r);
	finish(&r);
}

static void
test_limits_reload(void **state)
{
	struct conf *low = conf_with_limits(1, 0, 0, 1);
	struct conf *high = conf_with_limits(3, 0, 0, 2);
	struct router r;

	(void)state;
	spawn_running(&r, high, 1);
	open_channel(A, 1, "a");
	open_channel(A, 2, "b");
	send_join(A, 1, 1, JOIN_SILENT, NULL, NULL);
	send_join(A, 2, 2, JOIN_SILENT, NULL, NULL);
	flush(A);
	expect(A, MSG_LEASE, 1, NULL);
	expect_joined(A, 1, 1, 0);
	expect(A, MSG_LEASE, 2, NULL);
	expect_joined(A, 2, 2, 0);
	send_conf(&r, low);
	expect(r.parent, MSG_READY, 0, NULL);
	/* Nobody is thrown out. */
	check_limit(&r, "max-clients", 2, 1, 0);
	send_join(A, 1, 3, JOIN_SILENT, NULL, NULL);
	flush(A);
	expect_refused(A, 1, 3, REFUSED_CLIENTS);
	send_data(A, MSG_DIRECT, 1, 1, 1, "x", 1);
	flush(A);
	expect_data(A, MSG_DELIVER, 1, 1, 1, "x", 1);
	send_conf(&r, high);
	expect(r.parent, MSG_READY, 0, NULL);
	send_join(A, 1, 3, JOIN_SILENT, NULL, NULL);
	flush(A);
	expect_joined(A, 1, 3, 0);
	conf_free(low);
	conf_free(high);
	finish(&r);
}

/*
 * What a frontend may not do.  It has channel 1 with member 10, channel 2
 * without any, channel 3 leased with member 13, and member 11 on none; frontend
 * 0 has member 5 on channel 1, "chat".
 */
enum what { OPEN, CLOSE, JOIN, LEAVE, PUBLISH, DIRECT, RESUMED, RECALLED };

static const struct violation {
	const char	*name;
	enum what	 what;
	uint32_t	 number;
	uint64_t	 id;		/* or source */
	uint32_t	 flags;		/* or kind */
	uint64_t	 target;
	const char	*text;
} violations[] = {
	{ "number in use", OPEN, 1, 0, 0, 0, "new" },
	{ "channel open already", OPEN, 9, 0, 0, 0, "chat" },
	{ "name with a slash", OPEN, 9, 0, 0, 0, "a/b" },
	{ "name with a space", OPEN, 9, 0, 0, 0, "a b" },
	{ "name that is not ASCII", OPEN, 9, 0, 0, 0, "a\xc3\xa4" },
	{ "close of a number never opened", CLOSE, 9, 0, 0, 0, NULL },
	{ "close of number 0", CLOSE, 0, 0, 0, 0, NULL },
	{ "close with a member", CLOSE, 1, 0, 0, 0, NULL },
	{ "join of id 0", JOIN, 1, 0, 0, 0, NULL },
	{ "join of an id of 64 bits", JOIN, 1, 1ULL << 63, 0, 0, NULL },
	{ "join of an own id", JOIN, 2, 10, 0, 0, NULL },
	{ "join of another's id", JOIN, 1, 5, 0, 0, NULL },
	{ "join on a number never opened", JOIN, 9, 12, 0, 0, NULL },
	{ "join on number 0", JOIN, 0, 12, 0, 0, NULL },
	{ "join on no channel with a number", JOIN, 1, 12, JOIN_NOCHANNEL, 0,
	    NULL },
	{ "join with an unknown flag", JOIN, 1, 12, 0x8, 0, NULL },
	{ "resume when it is too late", JOIN, 1, 12, JOIN_RESUME, 0, NULL },
	{ "leave of an unknown id", LEAVE, 1, 12, 0, 0, NULL },
	{ "leave of id 0", LEAVE, 1, 0, 0, 0, NULL },
	{ "leave of another's id", LEAVE, 1, 5, 0, 0, NULL },
	{ "leave by the wrong number", LEAVE, 2, 10, 0, 0, NULL },
	{ "leave of no channel by a number", LEAVE, 1, 11, 0, 0, NULL },
	{ "publish of an unknown source", PUBLISH, 1, 12, 0, 0, "x" },
	{ "publish of another's member", PUBLISH, 1, 5, 0, 0, "x" },
	{ "publish by the wrong number", PUBLISH, 2, 10, 0, 0, "x" },
	{ "publish on no channel", PUBLISH, 0, 11, 0, 0, "x" },
	{ "publish with a target", PUBLISH, 1, 10, 0, 5, "x" },
	{ "publish of an unknown kind", PUBLISH, 1, 10, 2, 0, "x" },
	{ "direct of an unknown source", DIRECT, 1, 12, 0, 5, "x" },
	{ "direct of another's member", DIRECT, 1, 5, 0, 10, "x" },
	{ "direct by the wrong number", DIRECT, 2, 10, 0, 5, "x" },
	{ "direct on no channel", DIRECT, 0, 11, 0, 5, "x" },
	{ "direct of an unknown kind", DIRECT, 1, 10, 7, 5, "x" },
	{ "resumed twice", RESUMED, 0, 0, 0, 0, NULL },
	{ "lease not asked back", RECALLED, 3, 0, 0, 0, NULL },
	{ "lease of a channel that has none", RECALLED, 1, 0, 0, 0, NULL },
	{ "lease not given yet", RECALLED, 2, 0, 0, 0, NULL },
	{ "lease of a number never opened", RECALLED, 9, 0, 0, 0, NULL },
	{ "lease of no channel", RECALLED, 0, 0, 0, 0, NULL }
};

static void
violate(struct imsgbuf *ib, const struct violation *v)
{
	static const uint32_t types[] = { [CLOSE] = MSG_CHANNEL_CLOSE,
	    [PUBLISH] = MSG_PUBLISH, [DIRECT] = MSG_DIRECT,
	    [RESUMED] = MSG_RESUMED };
	struct msg_data d = { v->id, v->target, v->flags, 0 };

	switch (v->what) {
	case OPEN:
		open_channel(ib, v->number, v->text);
		break;
	case JOIN:
		send_join(ib, v->number, v->id, v->flags, NULL, NULL);
		break;
	case LEAVE:
		send_leave(ib, v->number, v->id);
		break;
	case CLOSE:
	case RESUMED:
		send_msg(ib, types[v->what], v->number, NULL, 0);
		break;
	case RECALLED:
		send_recalled(ib, v->number);
		break;
	case PUBLISH:
	case DIRECT:
		assert_int_equal(imsg_send2(ib, types[v->what], v->number, &d,
		    sizeof(d), v->text, strlen(v->text)), 0);
		break;
	}
}

static void
test_violations(void **state)
{
	const struct violation *v;
	struct router r;
	unsigned int i, n = sizeof(violations) / sizeof(violations[0]);

	(void)state;
	spawn_running(&r, NULL, 1);
	open_channel(A, 1, "chat");
	join_alone(A, 1, 5);
	for (i = 0; i < n; i++) {
		v = &violations[i];
		print_message("  %s\n", v->name);
		connect_frontend(&r, 1);
		send_resumed(&r, 1);
		open_channel(B, 1, "chat");
		open_channel(B, 2, "else");
		open_channel(B, 3, "mine");
		flush(B);
		expect(B, MSG_ROSTER, 1, NULL);
		if (i == 0)
			give_back(A, 1);
		join(B, 1, 10);
		expect_id(A, MSG_CONNECT, 1, 10);
		send_join(B, 0, 11, JOIN_NOCHANNEL, NULL, NULL);
		flush(B);
		expect_joined(B, 0, 11, 0);
		join_alone(B, 3, 13);
		violate(B, v);
		/* Nothing of what follows is heard. */
		send_data(B, MSG_PUBLISH, 1, 10, 0, "x", 1);
		flush(B);
		expect_id(A, MSG_DISCONNECT, 1, 10);
		expect_eof(B);
		expect_stuck(&r, 1);
		imsgbuf_free(B);
		B = NULL;
		expect_quiet(&r);
		assert_int_equal(counter(&r, "router_violations_total"),
		    i + 1);
		assert_int_equal(counter(&r, "router_frontends"), 1);
		check_limit(&r, "max-clients", 1, 10000, 0);
		check_limit(&r, "max-channels", 1, 10000, 0);
	}
	finish(&r);
}

/* The same before it has resumed, when it may announce and nothing else. */
static void
test_violations_resuming(void **state)
{
	static const struct violation cases[] = {
		{ "join without resume", JOIN, 1, 10, 0, 0, NULL },
		{ "close", CLOSE, 1, 0, 0, 0, NULL },
		{ "leave", LEAVE, 1, 20, 0, 0, NULL },
		{ "publish", PUBLISH, 1, 20, 0, 0, "x" },
		{ "direct", DIRECT, 1, 20, 0, 5, "x" },
		{ "resumed member twice", JOIN, 1, 20, JOIN_RESUME, 0, NULL },
		{ "lease", RECALLED, 1, 0, 0, 0, NULL }
	};
	struct router r;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("  %s\n", cases[i].name);
		spawn(&r, NULL, 2);
		send_resumed(&r, 0);
		open_channel(B, 1, "chat");
		send_join(B, 1, 20, JOIN_RESUME, NULL, NULL);
		violate(B, &cases[i]);
		flush(B);
		expect_eof(B);
		expect_stuck(&r, 1);
		send_start(&r);
		/* The other one does not wait for it. */
		open_channel(A, 1, "chat");
		join_alone(A, 1, 5);
		expect_quiet(&r);
		finish(&r);
	}
}

/* Channels without members at their bound, and one past it. */
static void
test_empty_channels(void **state)
{
	enum { EMPTY_MAX = 65536 };
	struct router r;
	char name[16];
	uint32_t i;

	(void)state;
	spawn_running(&r, NULL, 2);
	for (i = 1; i <= EMPTY_MAX; i++) {
		snprintf(name, sizeof(name), "c%u", i);
		open_channel(B, i, name);
		if (i % 1000 == 0)
			flush(B);
	}
	join_alone(B, 1, 10);
	open_channel(B, i, "another");
	flush(B);
	expect_quiet(&r);
	assert_int_equal(counter(&r, "router_violations_total"), 0);
	open_channel(B, i + 1, "too-many");
	flush(B);
	expect_eof(B);
	expect_stuck(&r, 1);
	open_channel(A, 1, "chat");
	join_alone(A, 1, 5);
	expect_quiet(&r);
	finish(&r);
}

/* A frontend that had more of them, each with a member, comes back to all. */
static void
test_many_channels_resumed(void **state)
{
	enum { MANY = 65536 + 100 };
	struct router r;
	struct imsg m;
	char name[16];
	uint32_t i;

	(void)state;
	spawn(&r, NULL, 1);
	for (i = 1; i <= MANY; i++) {
		snprintf(name, sizeof(name), "c%u", i);
		open_channel(A, i, name);
		if (i % 1000 == 0)
			flush(A);
	}
	for (i = 1; i <= MANY; i++) {
		send_join(A, i, i, JOIN_RESUME, NULL, NULL);
		if (i % 1000 == 0)
			flush(A);
	}
	send_resumed(&r, 0);
	send_start(&r);
	for (i = 0; i < MANY; i++) {
		assert_true(receive(A, &m));
		assert_int_equal(m.hdr.type, MSG_ROSTER);
	}
	assert_int_equal(counter(&r, "router_violations_total"), 0);
	assert_int_equal(counter(&r, "router_channels"), MANY);
	finish(&r);
}

static void
wait_until(struct router *r, const char *name, uint64_t value)
{
	struct timespec tick = { 0, 1000000 };
	int i;

	for (i = 0; counter(r, name) != value; i++) {
		if (i == WAIT_MS)
			fail_msg("%s is not %" PRIu64, name, value);
		nanosleep(&tick, NULL);
	}
}

/*
 * A, which has members 10 and 11, publishes chunks as far as the router reads
 * them.  Returns how many it queued.
 */
static uint32_t
fill(struct router *r)
{
	static char chunk[CHUNK];
	struct imsgbuf *ib = r->frontend[0];
	uint32_t n = 0;

	do {
		memcpy(chunk, &n, sizeof(n));
		send_data(ib, MSG_PUBLISH, 1, 10, 0, chunk, sizeof(chunk));
		n++;
		while (imsg_queued(ib) > 0 && imsg_flush(ib) == 0)
			;
	} while (imsg_queued(ib) < 4 * CHUNK ||
	    counter(r, "router_backlogs_total") == 0);
	return (n);
}

static void
make_slow(struct router *r)
{
	spawn_running(r, NULL, 3);
	open_channel(r->frontend[0], 1, "chat");
	join_alone(r->frontend[0], 1, 10);
	open_channel(r->frontend[1], 1, "chat");
	flush(r->frontend[1]);
	expect(r->frontend[1], MSG_ROSTER, 1, NULL);
	give_back(r->frontend[0], 1);
	join(r->frontend[1], 1, 20);
	expect_id(r->frontend[0], MSG_CONNECT, 1, 20);
}

/* B does not read for a while: nobody is read from, and nothing is lost. */
static void
test_backlog(void **state)
{
	struct msg_data d;
	struct router r;
	struct imsg m;
	uint32_t i, n, got;
	uint64_t queued;

	(void)state;
	make_slow(&r);
	n = fill(&r);
	assert_int_equal(counter(&r, "router_backlogs_total"), 1);
	/* At the mark and not more than one message past it. */
	queued = counter(&r, "router_queued_bytes");
	assert_true(queued <= 4 * 1024 * 1024 + CHUNK + 64);
	assert_true(queued > 1024 * 1024);
	/* Another one is not read either, a new one neither. */
	connect_frontend(&r, 3);
	send_resumed(&r, 3);
	open_channel(C, 1, "else");
	open_channel(r.frontend[3], 1, "other");
	send_join(C, 1, 30, JOIN_SILENT, NULL, NULL);
	send_join(r.frontend[3], 1, 40, JOIN_SILENT, NULL, NULL);
	flush(C);
	flush(r.frontend[3]);
	assert_int_equal(counter(&r, "router_joins_total"), 2);
	for (i = 0; i < n; i++) {
		expect(B, MSG_BROADCAST, 1, &m);
		memcpy(&d, m.data, sizeof(d));
		assert_int_equal(m.hdr.len, sizeof(d) + CHUNK);
		memcpy(&got, (const char *)m.data + sizeof(d), sizeof(got));
		assert_int_equal(got, i);
		/* A's own queue goes on as the router reads again. */
		(void)imsg_flush(A);
	}
	expect(C, MSG_LEASE, 1, NULL);
	expect_joined(C, 1, 30, 0);
	expect(r.frontend[3], MSG_LEASE, 1, NULL);
	expect_joined(r.frontend[3], 1, 40, 0);
	expect_quiet(&r);
	assert_int_equal(counter(&r, "router_queued_bytes"), 0);
	assert_int_equal(counter(&r, "router_stuck_total"), 0);
	finish(&r);
}

/* A frontend dies while nobody is read: its members leave nonetheless. */
static void
test_backlog_death(void **state)
{
	struct router r;

	(void)state;
	make_slow(&r);
	(void)fill(&r);
	imsgbuf_free(B);
	B = NULL;
	flush(A);
	expect_id(A, MSG_DISCONNECT, 1, 20);
	wait_until(&r, "router_frontends", 2);
	open_channel(C, 1, "else");
	join_alone(C, 1, 30);
	expect_quiet(&r);
	finish(&r);
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

/* The two that are waited for in vain, side by side as each takes its time. */
static void
test_given_up(void **state)
{
	struct router r, q;
	int64_t since;

	(void)state;
	/* q: the second frontend never resumes. */
	spawn(&q, NULL, 2);
	send_resumed(&q, 0);
	open_channel(q.frontend[0], 1, "chat");
	send_join(q.frontend[0], 1, 10, 0, NULL, NULL);
	flush(q.frontend[0]);
	send_start(&q);
	/* r: the second frontend never reads. */
	make_slow(&r);
	(void)fill(&r);
	since = now_ms();
	expect_stuck(&r, 1);
	assert_true(now_ms() - since >= 3500);
	flush(A);
	expect_id(A, MSG_DISCONNECT, 1, 20);
	open_channel(C, 1, "else");
	join_alone(C, 1, 30);
	assert_int_equal(counter(&r, "router_stuck_total"), 1);
	expect_quiet(&r);
	finish(&r);
	expect_quiet(&q);
	expect_stuck(&q, 1);
	assert_true(now_ms() - since >= 8000);
	expect(q.frontend[0], MSG_LEASE, 1, NULL);
	expect_joined(q.frontend[0], 1, 10, 1);
	assert_int_equal(counter(&q, "router_stuck_total"), 1);
	finish(&q);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_limits_room),
		cmocka_unit_test(test_limits_resume),
		cmocka_unit_test(test_limits_reload),
		cmocka_unit_test(test_violations),
		cmocka_unit_test(test_violations_resuming),
		cmocka_unit_test(test_empty_channels),
		cmocka_unit_test(test_many_channels_resumed),
		cmocka_unit_test(test_backlog),
		cmocka_unit_test(test_backlog_death),
		cmocka_unit_test(test_given_up)
	};

	setproctitle_init(argc, argv, environ);
	signal(SIGPIPE, SIG_IGN);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
