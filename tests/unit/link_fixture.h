/*
 * Sessions to test: the real session*.c, channels*.c and remote.c, with links
 * that only keep what is sent, a router at the other end of a real pipe, a
 * clock that stands still, and plain peers that speak /nws/2.0.0 by match.h and
 * nwsproto.h alone.  Peers and router write down what they are told as text.
 *
 * Who includes this defines CHECK().
 */
#ifndef TESTS_UNIT_LINK_FIXTURE_H
#define TESTS_UNIT_LINK_FIXTURE_H

#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/conf.h"
#include "common/idmap.h"
#include "common/imsg.h"
#include "common/loop.h"
#include "common/msg.h"
#include "crypto/links.h"
#include "crypto/nwsproto.h"
#include "crypto/session.h"

#define UNUSED	__attribute__((unused))
#define NAMES	2100	/* numbers of channels that a peer may use */

/*
 * The clock
 */
static int64_t	fixture_ms = 1000000;

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	/* The time of day is for others. */
	if (id == CLOCK_REALTIME)
		return ((int)syscall(SYS_clock_gettime, id, ts));
	ts->tv_sec = fixture_ms / 1000;
	ts->tv_nsec = fixture_ms % 1000 * 1000000;
	return (0);
}

static void
turn_over(void)
{
	channels_turn_end();
	loop_quit();
}

static void UNUSED
turn(void)
{
	loop_soon();
	loop_run(turn_over);
}

/*
 * Bytes and text
 */
struct bytes {
	uint8_t	*p;
	size_t	 n, size;
};

static void UNUSED
bytes_add(struct bytes *b, const void *p, size_t n)
{
	if (n > b->size - b->n) {
		b->size = (b->n + n) * 2;
		b->p = realloc(b->p, b->size);
		CHECK(b->p != NULL);
	}
	if (n > 0)
		memcpy(b->p + b->n, p, n);
	b->n += n;
}

static void UNUSED
bytes_free(struct bytes *b)
{
	free(b->p);
	memset(b, 0, sizeof(*b));
}

/* One line; printf text. */
static void UNUSED __attribute__((__format__(printf, 2, 3)))
note(struct bytes *b, const char *fmt, ...)
{
	char	line[256];
	va_list	ap;
	int	n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	CHECK(n >= 0 && (size_t)n < sizeof(line));
	bytes_add(b, line, (size_t)n + 1);
	b->p[--b->n] = '\0';
}

static void UNUSED
note_data(struct bytes *b, unsigned int kind, const void *p, size_t n)
{
	if (n <= 64)
		note(b, " %s %.*s\n", kind == 0 ? "json" : "bytes", (int)n,
		    (const char *)p);
	else
		note(b, " %s of %zu\n", kind == 0 ? "json" : "bytes", n);
}

/* What was written down since the last call. */
UNUSED static const char *
told(struct bytes *b)
{
	static struct bytes	last[8];
	static int		next;
	struct bytes		*l = &last[next++ % 8];

	l->n = 0;
	bytes_add(l, b->n > 0 ? b->p : (const uint8_t *)"", b->n);
	bytes_add(l, "", 1);
	b->n = 0;
	return ((const char *)l->p);
}

/*
 * The links
 */
struct link {
	struct bytes	out;
	int		active, touched, broken;
};
static int	fixture_paused;

void
link_send(struct link *l, const void *a, size_t alen, const void *b,
    size_t blen)
{
	if (l->broken)
		return;
	bytes_add(&l->out, a, alen);
	bytes_add(&l->out, b, blen);
}

void
link_active(struct link *l)
{
	l->active++;
}

void
link_touch(struct link *l)
{
	l->touched++;
}

const char *
link_text(const struct link *l)
{
	(void)l;
	return ("peer");
}

void
links_pause(int on)
{
	fixture_paused = on;
}

/*
 * The router
 */
static struct fixture_router {
	struct imsgbuf	*ib;
	struct bytes	 log;
	uint64_t	 members[8];	/* in every channel */
	uint32_t	 nmembers;
	int		 hold_roster, hold_closed;
	struct {
		uint32_t	number;
		int		is_open;
		char		name[32];
	} open[NAMES];		/* by number, modulo */
	struct idmap	 remote;	/* the number, by id */
} router;

/* The name of a number, and the other way round. */
UNUSED static const char *
router_name_of(uint32_t number)
{
	CHECK(router.open[number % NAMES].number == number);
	return (router.open[number % NAMES].name);
}

static uint32_t UNUSED
router_number(const char *name)
{
	uint32_t	i, last = 0;

	for (i = 0; i < NAMES; i++)
		if (strcmp(router.open[i].name, name) == 0 &&
		    router.open[i].number > last)
			last = router.open[i].number;
	CHECK(last != 0);
	return (last);
}

/* Whether that is a member of another machine, there. */
static int UNUSED
router_has(uint64_t id, uint32_t number)
{
	return ((uintptr_t)idmap_get(&router.remote, id) == number);
}

static void UNUSED
router_opened(const struct imsg *m)
{
	uint32_t	i = m->hdr.peerid % NAMES;

	CHECK(m->hdr.len < sizeof(router.open[i].name));
	CHECK(!router.open[i].is_open);
	router.open[i].is_open = 1;
	router.open[i].number = m->hdr.peerid;
	memcpy(router.open[i].name, m->data, m->hdr.len);
	router.open[i].name[m->hdr.len] = '\0';
	note(&router.log, "OPEN %s\n", router.open[i].name);
}

static void UNUSED
router_say(uint32_t type, uint32_t number, const void *p, size_t n)
{
	CHECK(imsg_send(router.ib, type, number, -1, p, n) == 0);
}

static void UNUSED
router_name(uint32_t type, const char *name)
{
	router_say(type, 0, name, strlen(name));
}

static void UNUSED
router_id(uint32_t type, uint32_t number, uint64_t id)
{
	router_say(type, number, &id, sizeof(id));
}

static void UNUSED
router_list(uint32_t number, uint32_t flags, const uint64_t *ids, uint32_t n)
{
	struct msg_roster	head = { flags, n };

	CHECK(imsg_send2(router.ib, MSG_ROSTER, number, &head, sizeof(head),
	    ids, n * sizeof(*ids)) == 0);
}

static void UNUSED
router_data(uint32_t type, uint32_t number, uint64_t source, uint64_t target,
    const void *p, size_t n)
{
	struct msg_data	d = { source, target, DATA_JSON, 0 };

	CHECK(imsg_send2(router.ib, type, number, &d, sizeof(d), p, n) == 0);
}

static void UNUSED
router_note_join(const struct imsg *m)
{
	const struct msg_join	*j = m->data;

	note(&router.log, "JOIN %s %" PRIu64 "%s%s\n",
	    router_name_of(m->hdr.peerid), j->id,
	    j->flags & JOIN_SILENT ? " silent" : "",
	    j->flags & JOIN_RESUME ? " resume" : "");
	CHECK((j->flags & ~(JOIN_SILENT | JOIN_RESUME)) == JOIN_REMOTE);
	CHECK(j->id != 0 && j->id <= INT64_MAX);
	CHECK(idmap_get(&router.remote, j->id) == NULL);
	CHECK(idmap_put(&router.remote, j->id,
	    (void *)(uintptr_t)m->hdr.peerid) == 0);
}

static void UNUSED
router_note(const struct imsg *m)
{
	const struct msg_data	*d = m->data;
	const uint64_t		*ids = m->data;
	uint32_t		 number = m->hdr.peerid;
	const char		*name = "";

	if (m->hdr.type != MSG_CHANNEL_OPEN && m->hdr.type != MSG_RESUMED) {
		name = router_name_of(number);
		CHECK(router.open[number % NAMES].is_open);
	}
	switch (m->hdr.type) {
	case MSG_CHANNEL_OPEN:
		router_opened(m);
		if (!router.hold_roster)
			router_list(number, ROSTER_FIRST | ROSTER_LAST,
			    router.members, router.nmembers);
		break;
	case MSG_CHANNEL_CLOSE:
		note(&router.log, "CLOSE %s\n", name);
		router.open[number % NAMES].is_open = 0;
		if (!router.hold_closed)
			router_say(MSG_CHANNEL_CLOSED, number, NULL, 0);
		break;
	case MSG_JOIN:
		router_note_join(m);
		break;
	case MSG_LEAVE:
		CHECK(router_has(ids[0], number));
		(void)idmap_del(&router.remote, ids[0]);
		note(&router.log, "LEAVE %s %" PRIu64 "\n", name, ids[0]);
		break;
	case MSG_RESUMED:
		note(&router.log, "RESUMED\n");
		break;
	case MSG_UNDELIVERED:
		note(&router.log, "UNDELIVERED %s %" PRIu64 " %" PRIu64 "\n",
		    name, ids[0], ids[1]);
		break;
	default:
		CHECK(router_has(d->source, number));
		note(&router.log, "%s %s %" PRIu64 " %" PRIu64,
		    msg_name(m->hdr.type), name, d->source, d->target);
		note_data(&router.log, d->kind, d + 1,
		    m->hdr.len - sizeof(*d));
	}
}

/* Takes what crypto said, and answers.  Returns whether there was anything. */
static int UNUSED
router_take(void)
{
	struct imsg	 m;
	const char	*why;
	int		 any = 0, r;

	while (imsg_read(router.ib) == 1)
		while ((r = imsg_get(router.ib, &m, &why)) != 0) {
			CHECK(r == 1);
			router_note(&m);
			any = 1;
		}
	return (any);
}

/* A router that knows nothing; an earlier one is gone. */
static void UNUSED
router_new(void)
{
	struct imsgbuf	*theirs;
	int		 sv[2];

	imsgbuf_free(router.ib);
	idmap_clear(&router.remote);
	memset(router.open, 0, sizeof(router.open));
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv) == 0);
	router.ib = imsgbuf_new(sv[0], P_ROUTER, P_CRYPTO, 0);
	theirs = imsgbuf_new(sv[1], P_CRYPTO, P_ROUTER, 0);
	CHECK(router.ib != NULL && theirs != NULL);
	channels_router(theirs);
}

/* Until both have said all that they have to say. */
static void UNUSED
router_settle(void)
{
	int	quiet = 0;

	while (quiet < 2) {
		CHECK(imsg_flush(router.ib) != -1);
		turn();
		quiet = router_take() ? 0 : quiet + 1;
	}
}

/*
 * Peers
 */
struct peer {
	struct link		 link;
	struct session		*s;
	struct match		*m;
	struct match_counters	 counters;
	struct match_limit	 limit, remote_limit;
	struct bytes		 out, log;
	size_t			 piece;		/* given at once, 0 all */
	uint32_t		 max_data;
	uint32_t		 handle[NAMES];	/* of each channel */
	size_t			 got[64];	/* by type */
	int			 lenient;	/* may not understand */
	const char		*why;		/* the session's end */
};

static void UNUSED
peer_say(struct peer *p, const struct nwsproto *msg)
{
	uint8_t	buf[NWSPROTO_HEADER + NWSPROTO_SMALL_MAX];
	size_t	n = nwsproto_encode(msg, buf, sizeof(buf));

	CHECK(n != 0);
	bytes_add(&p->out, buf, n);
	if (msg->len > 0)
		bytes_add(&p->out, msg->data, msg->len);
}

static void UNUSED
peer_match_send(void *arg, const struct nwsproto *msg)
{
	peer_say(arg, msg);
}

static void UNUSED
peer_shared(void *arg, uint64_t channel, uint32_t handle)
{
	struct peer	*p = arg;

	p->handle[channel] = handle;
}

static void UNUSED
peer_unshared(void *arg, uint64_t channel)
{
	struct peer	*p = arg;

	p->handle[channel] = 0;
	note(&p->log, "CLOSED %" PRIu64 "\n", channel);
}

static const struct match_ops peer_ops UNUSED = { peer_match_send,
	peer_shared, peer_unshared };

/* A link to a peer of this name. */
static void UNUSED
peer_new(struct peer *p, const char *name, int session_leads)
{
	struct match_config	 theirs;
	struct session_config	 ours;

	memset(p, 0, sizeof(*p));
	memset(&theirs, 0, sizeof(theirs));
	memset(&ours, 0, sizeof(ours));
	ours.link = &p->link;
	ours.lead = session_leads;
	theirs.lead = !session_leads;
	ours.id = theirs.remote_id = (struct cpace_bytes){ "ourselves", 9 };
	ours.remote_id = theirs.id = (struct cpace_bytes){ name,
	    strlen(name) };
	ours.binding = theirs.binding = (struct cpace_bytes){ "binding", 7 };
	ours.limits[0] = &p->limit;
	theirs.limits[0] = &p->remote_limit;
	theirs.counters = &p->counters;
	theirs.ops = &peer_ops;
	theirs.arg = p;
	p->max_data = NWSPROTO_DATA_MAX;
	CHECK((p->m = match_new(&theirs)) != NULL);
	CHECK((p->s = session_new(&ours)) != NULL);
}

static void UNUSED
peer_free(struct peer *p)
{
	session_free(p->s);
	match_free(p->m);
	bytes_free(&p->link.out);
	bytes_free(&p->out);
	bytes_free(&p->log);
	memset(p, 0, sizeof(*p));
}

static void UNUSED
peer_add(struct peer *p, uint64_t number, const char *name, const char *secret)
{
	struct cpace_bytes	n = { name, strlen(name) },
	    s = { secret, strlen(secret) };
	uint8_t			password[CPACE_PASSWORD_BYTES];

	cpace_password(password, n, s);
	CHECK(match_add(p->m, number, password) == 0);
}

static void UNUSED
peer_hello(struct peer *p)
{
	struct nwsproto	msg = { .type = NWSPROTO_HELLO,
		.version = NWSPROTO_VERSION, .max_data = p->max_data };

	peer_say(p, &msg);
}

/* Which of the peer's channels; 0 unknown. */
static uint64_t UNUSED
peer_channel(struct peer *p, uint32_t handle)
{
	uint64_t	channel;

	return (match_find(p->m, handle, &channel) == 1 ? channel : 0);
}

static void UNUSED
peer_note_roster(struct peer *p, const struct nwsproto *msg)
{
	uint64_t	id;
	uint32_t	i;

	note(&p->log, "ROSTER %" PRIu64 " %s%s", peer_channel(p, msg->handle),
	    msg->flags & NWSPROTO_FIRST ? "f" : "",
	    msg->flags & NWSPROTO_LAST ? "l" : "");
	if (msg->nids > 16)
		note(&p->log, " %u ids", msg->nids);
	else
		for (i = 0; i < msg->nids; i++) {
			id = nwsproto_id(msg, i);
			note(&p->log, " %" PRIu64 "%s", id & ~NWSPROTO_SILENT,
			    id & NWSPROTO_SILENT ? "s" : "");
		}
	note(&p->log, "\n");
}

static void UNUSED
peer_note(struct peer *p, const struct nwsproto *msg)
{
	uint64_t	ch = peer_channel(p, msg->handle);

	switch (msg->type) {
	case NWSPROTO_HELLO:
		note(&p->log, "HELLO %u\n", msg->max_data);
		break;
	case NWSPROTO_PING:
	case NWSPROTO_PONG:
		note(&p->log, "%s\n", nwsproto_type_name(msg->type));
		break;
	case NWSPROTO_ROSTER:
		peer_note_roster(p, msg);
		break;
	case NWSPROTO_CONNECT:
	case NWSPROTO_DISCONNECT:
		note(&p->log, "%s %" PRIu64 " %" PRIu64 "%s\n",
		    nwsproto_type_name(msg->type), ch,
		    msg->source & ~NWSPROTO_SILENT,
		    msg->source & NWSPROTO_SILENT ? "s" : "");
		break;
	case NWSPROTO_UNDELIVERED:
		note(&p->log, "UNDELIVERED %" PRIu64 " %" PRIu64 " %" PRIu64
		    "\n", ch, msg->source, msg->target);
		break;
	default:
		note(&p->log, "%s %" PRIu64 " %" PRIu64 " %" PRIu64,
		    nwsproto_type_name(msg->type), ch, msg->source,
		    msg->target);
		note_data(&p->log, msg->kind, msg->data, msg->len);
	}
}

/* Takes what the session sent. */
static void UNUSED
peer_take(struct peer *p)
{
	struct nwsproto	 msg;
	const char	*why = "";
	size_t		 at = 0, need;
	long		 n;

	while (at < p->link.out.n) {
		n = nwsproto_decode(p->link.out.p + at, p->link.out.n - at,
		    p->max_data, &msg, &need, &why);
		CHECK(n > 0);
		p->got[msg.type]++;
		if (msg.type >= NWSPROTO_CHANGED &&
		    msg.type <= NWSPROTO_CLOSED) {
			if (match_take(p->m, &msg, (uint64_t)fixture_ms,
			    &why) == 0)
				;
			else if (p->lenient)
				p->why = why;
			else
				CHECK(0);
		} else
			peer_note(p, &msg);
		at += (size_t)n;
	}
	p->link.out.n = 0;
}

/* Gives the session what was said, in pieces. */
static void UNUSED
peer_give(struct peer *p)
{
	size_t	at, n;

	for (at = 0; at < p->out.n && p->why == NULL; at += n) {
		n = p->out.n - at;
		if (p->piece != 0 && n > p->piece)
			n = p->piece;
		if (session_input(p->s, p->out.p + at, n, &p->why) == 0)
			p->why = NULL;
	}
	p->out.n = 0;
}

/* One round; returns whether anything moved. */
static int UNUSED
peer_round(struct peer *p)
{
	const char	*why = NULL;
	size_t		 before;

	if (p->why != NULL || p->s == NULL)
		return (0);
	before = p->link.out.n + p->out.n;
	if (session_turn(p->s, &why) == -1) {
		p->why = why;
		return (1);
	}
	before += p->link.out.n;
	peer_take(p);
	if (p->why == NULL && session_is_active(p->s) &&
	    match_turn(p->m, (uint64_t)fixture_ms, &why) == -1) {
		CHECK(p->lenient);
		p->why = why;
	}
	before += p->out.n;
	peer_give(p);
	return (before != 0);
}

/* Until nobody has anything to say. */
static void UNUSED
settle(struct peer *peers, size_t n)
{
	size_t	i;
	int	moved;

	turn();
	do {
		moved = 0;
		for (i = 0; i < n; i++)
			moved |= peer_round(&peers[i]);
		if (router.ib != NULL) {
			moved |= imsg_queued(router.ib) > 0;
			router_settle();
		} else
			turn();
		for (i = 0; i < n; i++)
			moved |= peers[i].why == NULL &&
			    peers[i].link.out.n > 0;
	} while (moved);
}

static void UNUSED
peer_start(struct peer *p)
{
	peer_hello(p);
	session_hello(p->s);
	settle(p, 1);
}

/* About a shared channel. */
static void UNUSED
peer_roster(struct peer *p, uint64_t channel, uint32_t flags,
    const uint64_t *ids, uint32_t n)
{
	struct nwsproto	msg = { .type = NWSPROTO_ROSTER, .flags = flags };
	uint8_t		buf[8 * NWSPROTO_IDS_MAX];
	uint32_t	i;

	msg.handle = p->handle[channel];
	for (i = 0; i < n; i++)
		nwsproto_put_id(buf + 8 * i, ids[i]);
	msg.nids = n;
	msg.ids = buf;
	peer_say(p, &msg);
}

static void UNUSED
peer_presence(struct peer *p, uint64_t channel, enum nwsproto_type type,
    uint64_t id)
{
	struct nwsproto	msg = { .type = type, .source = id };

	msg.handle = p->handle[channel];
	peer_say(p, &msg);
}

static void UNUSED
peer_data(struct peer *p, uint64_t channel, uint64_t source, uint64_t target,
    const void *data, size_t len)
{
	struct nwsproto	msg = { .type = target == 0 ? NWSPROTO_BROADCAST :
		NWSPROTO_DIRECT, .source = source, .target = target,
		.data = data, .len = len };

	msg.handle = p->handle[channel];
	peer_say(p, &msg);
}

/*
 * The whole
 */
static struct conf	*fixture_conf;

static void
conf_report(const char *line, void *arg)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

static void UNUSED
configure(const char *text)
{
	struct conf	*old = fixture_conf;

	fixture_conf = conf_parse("test", text, strlen(text), NULL, NULL, NULL,
	    conf_report, NULL);
	CHECK(fixture_conf != NULL);
	channels_configure(fixture_conf);
	conf_free(old);
}

/* Nothing is wanted, open or known any more. */
static void UNUSED
fixture_clear(void)
{
	router.nmembers = 0;
	router.hold_roster = router.hold_closed = 0;
	router_new();
	router_say(MSG_WANTED_END, 0, NULL, 0);
	router_settle();
	fixture_ms += 3000;
	router_settle();
	router.log.n = 0;
	memset(&session_counters, 0, sizeof(session_counters));
}

static void UNUSED
fixture_start(void)
{
	static int	done;

	if (!done) {
		CHECK(sodium_init() != -1);
		loop_init();
		done = 1;
	}
	configure("");
	fixture_clear();
}

#endif
