/*
 * The two halves of what makes members of other machines: crypto's channels and
 * sessions, in this process, and a real router in another, with frontends and
 * peers that come, go, speak and use each other's ids at random, routers that
 * die and links that do.  Whatever happens nobody breaks a rule of the pipes, a
 * message comes once at most, nobody is told twice that somebody is there, and
 * when all is quiet all know the same members.
 *
 * ROUTER_RANDOM_SEED and ROUTER_RANDOM_STEPS choose another run.
 */
#include "router_fixture.h"

#define CHECK(x)	assert_true(x)
#include "link_fixture.h"

#include "common/log.h"
#include "crypto/session_private.h"

#define FRONTS		2
#define PEERS		3
#define CHANNELS	2	/* and so many numbers, from 1 */
#define IDS		14	/* from 1; clients have the first ones, */
#define CLIENT_LAST	9
#define FAR_FIRST	6	/* peers announce the last, and some are both */
#define MESSAGES	(1u << 20)
#define STEPS		6000

static const char *const	names[CHANNELS + 1] = { "", "room", "hall" };

enum state { NOBODY, JOINING, MEMBER };

/* Whom a frontend or a peer was told of. */
struct view {
	uint8_t	 there[IDS + 1];
};

static struct client {
	enum state	 state;
	int		 front, channel, silent;
} clients[IDS + 1];

static struct front {
	struct view	 view[CHANNELS + 1], coming[CHANNELS + 1];
	int		 open[CHANNELS + 1], closing[CHANNELS + 1];
	int		 leased[CHANNELS + 1];
	uint8_t		*seen;		/* messages, by their number */
} fronts[FRONTS];

static struct far {
	struct peer	 peer;
	struct view	 view[CHANNELS + 1];
	uint8_t		*seen;
} fars[PEERS];

static struct router	 process;
static uint32_t		 last_message;
static uint64_t		 seed;

static uint32_t
any(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return ((uint32_t)(seed >> 20) % n);
}

static void
came(uint8_t *seen, const char *text, size_t n)
{
	char		 copy[16];
	unsigned long	 number;

	assert_in_range(n, 1, sizeof(copy) - 1);
	memcpy(copy, text, n);
	copy[n] = '\0';
	number = strtoul(copy, NULL, 10);
	assert_in_range(number, 1, last_message);
	assert_int_equal(seen[number], 0);
	seen[number] = 1;
}

static int
message(char text[16])
{
	assert_true(++last_message < MESSAGES);
	return (snprintf(text, 16, "%u", last_message));
}

/*
 * Frontends
 */
static struct imsgbuf *
pipe_of(int f)
{
	return (process.frontend[f]);
}

static void
front_reap(int f, int c)
{
	int	 i;

	if (!fronts[f].open[c] || fronts[f].closing[c])
		return;
	for (i = 1; i <= IDS; i++)
		if (clients[i].state != NOBODY && clients[i].front == f &&
		    clients[i].channel == c)
			return;
	fronts[f].closing[c] = 1;
	fronts[f].leased[c] = 0;
	send_msg(pipe_of(f), MSG_CHANNEL_CLOSE, (uint32_t)c, NULL, 0);
}

static void
client_toggle(int id)
{
	struct client	*cl = &clients[id];
	struct front	*f;

	if (cl->state == JOINING)
		return;
	if (cl->state == MEMBER) {
		cl->state = NOBODY;
		send_leave(pipe_of(cl->front), (uint32_t)cl->channel,
		    (uint64_t)id);
		front_reap(cl->front, cl->channel);
		return;
	}
	cl->front = id % FRONTS;	/* one pipe, so one order */
	cl->channel = 1 + (int)any(CHANNELS);
	cl->silent = any(5) == 0;
	f = &fronts[cl->front];
	if (f->closing[cl->channel])
		return;
	if (!f->open[cl->channel]) {
		f->open[cl->channel] = 1;
		memset(&f->view[cl->channel], 0, sizeof(f->view[0]));
		open_channel(pipe_of(cl->front), (uint32_t)cl->channel,
		    names[cl->channel]);
	}
	cl->state = JOINING;
	send_join(pipe_of(cl->front), (uint32_t)cl->channel, (uint64_t)id,
	    cl->silent ? JOIN_SILENT : 0, NULL, NULL);
}

static void
client_speak(int id)
{
	const struct client	*cl = &clients[id];
	char			 text[16];
	int			 n;

	if (cl->state != MEMBER || fronts[cl->front].leased[cl->channel])
		return;
	n = message(text);
	send_data(pipe_of(cl->front), any(3) == 0 ? MSG_DIRECT : MSG_PUBLISH,
	    (uint32_t)cl->channel, (uint64_t)id, 0, text, (size_t)n);
}

static void
view_set(struct view *v, uint64_t id, int there)
{
	assert_in_range(id, 1, IDS);
	assert_int_equal(v->there[id], !there);
	v->there[id] = (uint8_t)there;
}

static void
front_roster(struct front *f, uint32_t c, const struct imsg *m)
{
	const struct msg_roster	*r = m->data;
	const uint64_t		*ids = (const uint64_t *)(r + 1);
	uint32_t		 i;

	if (r->flags & ROSTER_FIRST)
		memset(&f->coming[c], 0, sizeof(f->coming[c]));
	for (i = 0; i < r->count; i++)
		view_set(&f->coming[c], ids[i], 1);
	if (r->flags & ROSTER_LAST)
		f->view[c] = f->coming[c];
}

static void
front_take(int i, const struct imsg *m)
{
	const struct msg_recalled	 passed = { 0, 0 };
	const struct msg_joined		*joined = m->data;
	const struct msg_data		*d = m->data;
	const uint64_t			*id = m->data;
	struct front			*f = &fronts[i];
	uint32_t			 c = m->hdr.peerid;

	assert_in_range(c, 1, CHANNELS);
	assert_true(f->open[c]);
	switch (m->hdr.type) {
	case MSG_CHANNEL_CLOSED:
		assert_true(f->closing[c]);
		f->open[c] = f->closing[c] = 0;
		break;
	case MSG_JOINED:
		assert_int_equal(clients[joined->id].state, JOINING);
		assert_int_equal(clients[joined->id].front, i);
		clients[joined->id].state = MEMBER;
		if (joined->shown)
			view_set(&f->view[c], joined->id, 1);
		break;
	case MSG_LEASE:
		f->leased[c] = 1;
		break;
	case MSG_RECALL:
		if (!f->closing[c])
			send_msg(pipe_of(i), MSG_RECALLED, c, &passed,
			    sizeof(passed));
		f->leased[c] = 0;
		break;
	case MSG_ROSTER:
		front_roster(f, c, m);
		break;
	case MSG_CONNECT:
		view_set(&f->view[c], *id, 1);
		break;
	case MSG_DISCONNECT:
		view_set(&f->view[c], *id, 0);
		break;
	case MSG_BROADCAST:
		came(f->seen, (const char *)(d + 1), m->hdr.len - sizeof(*d));
		break;
	case MSG_DELIVER:
	case MSG_UNDELIVERED:
		break;
	default:
		fail_msg("a frontend got %s", msg_name(m->hdr.type));
	}
}

/* Returns whether anything came. */
static int
front_round(int i)
{
	struct imsg	 m;
	const char	*why = "";
	int		 r, some = 0;

	flush(pipe_of(i));
	if (imsg_read(pipe_of(i)) == -1)
		fail_msg("the router left frontend %d", i);
	while ((r = get(pipe_of(i), &m, &why)) == 1) {
		front_take(i, &m);
		some = 1;
	}
	if (r == -1)
		fail_msg("frontend %d: %s", i, why);
	flush(pipe_of(i));
	return (some);
}

/*
 * Peers
 */
static void
far_line(struct far *f, const char *line)
{
	char		 word[16], flags[8], text[16] = "";
	unsigned long	 c, id, target;
	const char	*p;
	int		 n = 0;

	if (sscanf(line, "%15s %lu%n", word, &c, &n) != 2 || c == 0 ||
	    strcmp(word, "HELLO") == 0)
		return;		/* or of a channel that it left */
	assert_in_range(c, 1, CHANNELS);
	if (strcmp(word, "ROSTER") == 0) {
		memset(&f->view[c], 0, sizeof(f->view[c]));
		if (sscanf(line + n, " %7[fl]%n", flags, &n) != 1)
			fail_msg("%s", line);
		assert_string_equal(flags, "fl");
		p = strstr(line, "fl") + 2;
		for (; sscanf(p, " %lu%n", &id, &n) == 1; p += n) {
			view_set(&f->view[c], id, 1);
			if (p[n] == 's')
				p++;
		}
	} else if (strcmp(word, "CONNECT") == 0 ||
	    strcmp(word, "DISCONNECT") == 0) {
		assert_int_equal(sscanf(line + n, " %lu", &id), 1);
		view_set(&f->view[c], id, word[0] == 'C');
	} else if (strcmp(word, "BROADCAST") == 0) {
		assert_int_equal(sscanf(line + n, " %lu %lu %*s %15s", &id,
		    &target, text), 3);
		came(f->seen, text, strlen(text));
	}
}

static int
far_round(struct far *f)
{
	int	 some = peer_round(&f->peer);
	char	*line, *rest;

	if (f->peer.why != NULL)
		fail_msg("a link ends: %s", f->peer.why);
	f->peer.limit.used = f->peer.remote_limit.used = 0;
	if (f->peer.log.n == 0)
		return (some);
	rest = (char *)f->peer.log.p;
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0')
		far_line(f, line);
	f->peer.log.n = 0;
	return (1);
}

static void
far_new(struct far *f, int i)
{
	static const char *const	peer_names[PEERS] = { "a", "b", "c" };
	int				 c;

	peer_new(&f->peer, peer_names[i], i % 2);
	memset(f->view, 0, sizeof(f->view));
	for (c = 1; c <= CHANNELS; c++)
		peer_add(&f->peer, (uint64_t)c, names[c], "");
	peer_hello(&f->peer);
	session_hello(f->peer.s);
}

static void
far_roster(struct far *f, uint64_t c)
{
	uint64_t	ids[IDS];
	uint32_t	i, n = 0;

	for (i = FAR_FIRST; i <= IDS; i++)
		if (any(3) == 0)
			ids[n++] = i | (any(4) == 0 ? NWSPROTO_SILENT : 0);
	peer_roster(&f->peer, c, NWSPROTO_FIRST | NWSPROTO_LAST, ids, n);
}

static void
far_step(struct far *f)
{
	uint64_t	c = 1 + any(CHANNELS);
	uint64_t	id = FAR_FIRST + any(IDS + 1 - FAR_FIRST);
	char		text[16];
	int		n;

	if (f->peer.handle[c] == 0) {
		if (any(2) == 0 && match_handle(f->peer.m, c) == 0) {
			/* It may be there already. */
			match_remove(f->peer.m, c, (uint64_t)fixture_ms);
			peer_add(&f->peer, c, names[c], "");
		}
		return;
	}
	switch (any(12)) {
	case 0:
		match_remove(f->peer.m, c, (uint64_t)fixture_ms);
		f->peer.handle[c] = 0;
		break;
	case 1:
		far_roster(f, c);
		break;
	case 2:
	case 3:
	case 4:
		peer_presence(&f->peer, c, NWSPROTO_CONNECT,
		    id | (any(4) == 0 ? NWSPROTO_SILENT : 0));
		break;
	case 5:
	case 6:
		peer_presence(&f->peer, c, NWSPROTO_DISCONNECT, id);
		break;
	default:
		n = message(text);
		peer_data(&f->peer, c, id, any(4) == 0 ? 1 + any(IDS) : 0,
		    text, (size_t)n);
	}
}

/*
 * All of them
 */
static void
restart_router(void)
{
	int	 i, c, f;

	finish(&process);
	spawn(&process, NULL, FRONTS);
	connect_place(&process, 3, P_CRYPTO, 0);
	channels_router(process.frontend[3]);
	process.frontend[3] = NULL;
	for (f = 0; f < FRONTS; f++) {
		for (c = 1; c <= CHANNELS; c++) {
			fronts[f].leased[c] = 0;
			if (fronts[f].closing[c])
				fronts[f].open[c] = fronts[f].closing[c] = 0;
			if (fronts[f].open[c])
				open_channel(pipe_of(f), (uint32_t)c,
				    names[c]);
		}
		for (i = 1; i <= IDS; i++)
			if (clients[i].state == MEMBER &&
			    clients[i].front == f)
				send_join(pipe_of(f),
				    (uint32_t)clients[i].channel, (uint64_t)i,
				    JOIN_RESUME | (clients[i].silent ?
				    JOIN_SILENT : 0), NULL, NULL);
		send_resumed(&process, (uint32_t)f);
		for (i = 1; i <= IDS; i++)
			if (clients[i].state == JOINING &&
			    clients[i].front == f)
				send_join(pipe_of(f),
				    (uint32_t)clients[i].channel, (uint64_t)i,
				    clients[i].silent ? JOIN_SILENT : 0, NULL,
				    NULL);
		flush(pipe_of(f));
	}
	turn();		/* what crypto holds goes out */
	send_start(&process);
}

static int
round_of_all(void)
{
	int	 i, some = 0;

	turn();
	for (i = 0; i < FRONTS; i++)
		some |= front_round(i);
	for (i = 0; i < PEERS; i++)
		some |= far_round(&fars[i]);
	turn();
	return (some);
}

static void
quiet(void)
{
	int	 rounds = 0;

	while (rounds < 4) {
		/* Answered when what came before is; so it is a barrier. */
		(void)counter(&process, "router_joins_total");
		rounds = round_of_all() ? 0 : rounds + 1;
		/* Grace, timeouts of the matching. */
		if (rounds == 2)
			fixture_ms += 2500;
	}
}

/* Whether one of another machine is there, as crypto has it. */
static int
is_remote(uint64_t id, int c, int shown)
{
	const struct remote	*r = remote_find(id);

	return (r != NULL && strcmp(r->share->channel->name, names[c]) == 0 &&
	    (!shown || !r->silent));
}

static void
compare(int c)
{
	const struct client	*cl;
	int			 i, f, here, shown;

	for (i = 1; i <= IDS; i++) {
		cl = &clients[i];
		assert_int_not_equal(cl->state, JOINING);
		here = cl->state == MEMBER && cl->channel == c;
		shown = (here && !cl->silent) || is_remote((uint64_t)i, c, 1);
		/* An id is here or elsewhere, never both. */
		if (cl->state == MEMBER)
			assert_null(remote_find((uint64_t)i));
		for (f = 0; f < FRONTS; f++)
			if (fronts[f].open[c])
				assert_int_equal(fronts[f].view[c].there[i],
				    shown);
		for (f = 0; f < PEERS; f++)
			if (fars[f].peer.handle[c] != 0)
				assert_int_equal(fars[f].view[c].there[i],
				    here);
	}
}

static void
start_all(void)
{
	int	 i;

	fixture_start();
	imsgbuf_free(router.ib);	/* the one that is played */
	router.ib = NULL;
	turn();
	for (i = 0; i < FRONTS; i++)
		assert_non_null(fronts[i].seen = calloc(1, MESSAGES));
	for (i = 0; i < PEERS; i++) {
		assert_non_null(fars[i].seen = calloc(1, MESSAGES));
		far_new(&fars[i], i);
	}
	spawn(&process, NULL, FRONTS);
	connect_place(&process, 3, P_CRYPTO, 0);
	channels_router(process.frontend[3]);
	process.frontend[3] = NULL;
	turn();
	for (i = 0; i < FRONTS; i++)
		send_resumed(&process, (uint32_t)i);
	send_start(&process);
}

static void
step(void)
{
	uint32_t	 what = any(400);
	struct far	*f = &fars[any(PEERS)];

	if (what == 0) {
		restart_router();
	} else if (what == 1) {
		peer_free(&f->peer);
		far_new(f, (int)(f - fars));
	} else if (what < 80)
		client_toggle(1 + (int)any(CLIENT_LAST));
	else if (what < 120)
		client_speak(1 + (int)any(CLIENT_LAST));
	else if (what < 260)
		far_step(f);
	else if (what < 300)
		(void)far_round(f);
	else if (what < 340)
		(void)front_round((int)any(FRONTS));
	else if (what < 380)
		turn();
	else
		fixture_ms += any(500);
}

static void
test_random(void **state)
{
	const char	*s = getenv("ROUTER_RANDOM_STEPS");
	unsigned long	 i, steps = s != NULL ? strtoul(s, NULL, 10) : STEPS;
	int		 c;

	(void)state;
	s = getenv("ROUTER_RANDOM_SEED");
	seed = 88172645463325252u + (s != NULL ? strtoull(s, NULL, 10) : 0);
	start_all();
	for (i = 0; i < steps; i++) {
		step();
		if (i % 97 != 0)
			continue;
		quiet();
		for (c = 1; c <= CHANNELS; c++)
			compare(c);
	}
	/* There was something to see. */
	assert_true(session_counters.messages_in > steps / 300);
	assert_true(session_counters.messages_out > steps / 300);
	assert_true(session_counters.dropped_members > steps / 300);
	for (c = 0; c < PEERS; c++) {
		peer_free(&fars[c].peer);
		free(fars[c].seen);
	}
	for (c = 0; c < FRONTS; c++)
		free(fronts[c].seen);
	turn();
	finish(&process);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_random),
	};

	log_init("router_random_test", 0, 0);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
