/*
 * The pipe to the router (session.h): numbers of channels, what the router
 * says, what it is told.  Runs in crypto; owns the pipe.  The router is trusted
 * as far as what it says makes sense; it may go away at any time and another
 * one take its place, which is told all that is open.
 */
#include <stdlib.h>
#include <string.h>

#include "common/child.h"
#include "common/conf.h"
#include "common/imsg.h"
#include "common/log.h"
#include "common/loop.h"
#include "crypto/links.h"
#include "crypto/session_private.h"

/* Bytes for the router that wait: no link is read from meanwhile. */
#define QUEUE_HIGH	(4u * 1024 * 1024)
#define QUEUE_LOW	(1u * 1024 * 1024)

static struct pipe	*router;
static struct idmap	 numbers;	/* struct channel, or &closing */
static uint32_t		 last_number;
static int		 paused;
static int64_t		 paused_ms;	/* since when */

/* In place of a channel: it was closed, which the router has yet to answer. */
static struct channel	 closing;

int
router_paused(void)
{
	return (paused);
}

static void
pause_links(int on)
{
	struct session	*s;

	if (paused == on)
		return;
	paused = on;
	links_pause(on);
	if (on) {
		paused_ms = loop_now_ms();
		return;
	}
	/* They may have spoken meanwhile, and were not heard. */
	TAILQ_FOREACH(s, &sessions, entry) {
		s->heard_ms = loop_now_ms();
		match_put_off(s->match,
		    (uint64_t)(loop_now_ms() - paused_ms));
	}
}

/*
 * Channels and members have to be known alike on both sides.  Without memory
 * for that the process starts anew, with all its links.
 */
static void
say(uint32_t type, uint32_t number, const void *p, size_t n)
{
	if (router != NULL &&
	    imsg_send(pipe_imsg(router), type, number, -1, p, n) == -1)
		fatal("router: %s", msg_name(type));
}

int
router_open(struct channel *ch)
{
	do {
		last_number++;
	} while (last_number == 0 || idmap_get(&numbers, last_number) != NULL);
	if (idmap_put(&numbers, last_number, ch) == -1)
		return (-1);
	ch->number = last_number;
	say(MSG_CHANNEL_OPEN, ch->number, ch->name, ch->name_len);
	return (0);
}

void
router_close(struct channel *ch)
{
	if (router == NULL)
		(void)idmap_del(&numbers, ch->number);
	else
		(void)idmap_put(&numbers, ch->number, &closing);
	say(MSG_CHANNEL_CLOSE, ch->number, NULL, 0);
	ch->number = 0;
}

void
router_join(const struct remote *r, int resume)
{
	struct msg_join	join;

	memset(&join, 0, sizeof(join));
	join.id = r->id;
	join.flags = JOIN_REMOTE | (r->silent ? JOIN_SILENT : 0) |
	    (resume ? JOIN_RESUME : 0);
	say(MSG_JOIN, r->share->channel->number, &join, sizeof(join));
}

void
router_leave(const struct remote *r)
{
	say(MSG_LEAVE, r->share->channel->number, &r->id, sizeof(r->id));
}

int
router_message(const struct channel *ch, const struct nwsproto *msg)
{
	struct msg_data	 d;
	uint8_t		*p;
	int		 direct = msg->type == NWSPROTO_DIRECT;

	if (router == NULL)
		return (-1);
	memset(&d, 0, sizeof(d));
	d.source = msg->source;
	d.target = direct ? msg->target : 0;
	d.kind = msg->kind == NWSPROTO_JSON ? DATA_JSON : DATA_BYTES;
	p = imsg_reserve(pipe_imsg(router), direct ? MSG_DIRECT : MSG_PUBLISH,
	    ch->number, sizeof(d) + msg->len);
	if (p == NULL)
		return (-1);	/* one message is lost, nothing else */
	memcpy(p, &d, sizeof(d));
	if (msg->len > 0)
		memcpy(p + sizeof(d), msg->data, msg->len);
	return (0);
}

void
router_undelivered(const struct channel *ch, uint64_t source, uint64_t target)
{
	uint64_t	ids[2] = { source, target };

	say(MSG_UNDELIVERED, ch->number, ids, sizeof(ids));
}

/*
 * What the router says.
 */

/* The channel of a message; NULL if it is closed, or after a violation. */
static struct channel *
channel_of(struct pipe *p, const struct imsg *m)
{
	struct channel	*ch = idmap_get(&numbers, m->hdr.peerid);

	if (ch == NULL)
		pipe_violation(p, "a channel that is not open");
	return (ch == &closing ? NULL : ch);
}

static void
router_channel_closed(struct pipe *p, struct imsg *m)
{
	if (idmap_get(&numbers, m->hdr.peerid) != &closing)
		pipe_violation(p, "a channel that was not closed");
	else
		(void)idmap_del(&numbers, m->hdr.peerid);
}

/*
 * Its id is in use, or it is one too many.  It may have left and come again
 * meanwhile, so it is taken back in any case.
 */
static void
router_refused(struct pipe *p, struct imsg *m)
{
	const struct msg_refused	*refused = m->data;
	struct channel			*ch = channel_of(p, m);
	struct remote			*r;

	if (ch == NULL || (r = remote_find(refused->id)) == NULL ||
	    r->share->channel != ch)
		return;
	session_counters.dropped_members++;
	r->share->session->stats.dropped++;
	remote_free(r);
}

static int
id_valid(uint64_t marked)
{
	return (nwsproto_id_valid(marked & ~MEMBER_SILENT));
}

static void
router_roster(struct pipe *p, struct imsg *m)
{
	const struct msg_roster	*roster = m->data;
	const uint64_t		*ids = (const uint64_t *)(roster + 1);
	struct channel		*ch;
	uint32_t		 i;

	if (roster->count != (m->hdr.len - sizeof(*roster)) / sizeof(*ids)) {
		pipe_violation(p, "a roster of another length");
		return;
	}
	for (i = 0; i < roster->count; i++)
		if (!id_valid(ids[i])) {
			pipe_violation(p, "not an id");
			return;
		}
	if ((ch = channel_of(p, m)) != NULL)
		local_roster(ch, roster->flags, ids, roster->count);
}

static void
presence(struct pipe *p, struct imsg *m, int connect)
{
	uint64_t	 id = *(const uint64_t *)m->data;
	struct channel	*ch;

	if (!id_valid(id))
		pipe_violation(p, "not an id");
	else if ((ch = channel_of(p, m)) != NULL)
		local_presence(ch, id, connect);
}

static void
router_connect(struct pipe *p, struct imsg *m)
{
	presence(p, m, 1);
}

static void
router_disconnect(struct pipe *p, struct imsg *m)
{
	presence(p, m, 0);
}

static void
router_broadcast(struct pipe *p, struct imsg *m)
{
	const struct msg_data	*d = m->data;
	struct channel		*ch;

	if ((ch = channel_of(p, m)) != NULL)
		local_broadcast(ch, d, (const uint8_t *)(d + 1),
		    m->hdr.len - sizeof(*d));
}

static void
router_deliver(struct pipe *p, struct imsg *m)
{
	const struct msg_data	*d = m->data;
	struct channel		*ch;

	if ((ch = channel_of(p, m)) != NULL &&
	    local_direct(ch, d, (const uint8_t *)(d + 1),
	    m->hdr.len - sizeof(*d)) == -1)
		router_undelivered(ch, d->source, d->target);
}

/* What one of ours, of another machine, sent to somebody who is not there. */
static void
router_undelivered_cb(struct pipe *p, struct imsg *m)
{
	struct nwsproto	 msg = { .type = NWSPROTO_UNDELIVERED };
	const uint64_t	*id = m->data;
	struct channel	*ch = channel_of(p, m);
	struct remote	*r;

	if (ch == NULL || (r = remote_find(id[0])) == NULL ||
	    r->share->channel != ch || !nwsproto_id_valid(id[1]))
		return;
	msg.handle = r->share->handle;
	msg.source = id[0];
	msg.target = id[1];
	session_send(r->share->session, &msg);
}

static void
router_wanted(struct pipe *p, struct imsg *m)
{
	if (!channel_name_valid(m->data, m->hdr.len))
		pipe_violation(p, "not a channel name");
	else
		channels_want(m->data, m->hdr.len);
}

static void
router_unwanted(struct pipe *p, struct imsg *m)
{
	struct channel	*ch;

	(void)p;
	if ((ch = channels_find(m->data, m->hdr.len)) != NULL)
		channels_unwant(ch);
}

static void
router_wanted_end(struct pipe *p, struct imsg *m)
{
	struct channel	*ch;

	(void)p;
	(void)m;
	TAILQ_FOREACH(ch, &channels_all, entry)
		if (!ch->named)
			channels_unwant(ch);
}

static const struct pipe_phase	router_running = { "running", {
	[MSG_CHANNEL_CLOSED] = router_channel_closed,
	[MSG_REFUSED] = router_refused,
	[MSG_ROSTER] = router_roster,
	[MSG_CONNECT] = router_connect,
	[MSG_DISCONNECT] = router_disconnect,
	[MSG_BROADCAST] = router_broadcast,
	[MSG_DELIVER] = router_deliver,
	[MSG_UNDELIVERED] = router_undelivered_cb,
	[MSG_WANTED] = router_wanted,
	[MSG_UNWANTED] = router_unwanted,
	[MSG_WANTED_END] = router_wanted_end,
} };

/* Everything is kept for the next one; what is said meanwhile is lost. */
static void
router_gone(void)
{
	pipe_free(router);
	router = NULL;
	pause_links(0);
}

static void
router_lost(struct pipe *p, const char *why)
{
	if (why != NULL) {
		log_warnx("router: given up: %s", why);
		child_stuck(P_ROUTER, 0);
	}
	if (p == router)
		router_gone();
}

/* A new router knows nothing of what an earlier one had to answer. */
static void
renumber(void)
{
	struct channel	*ch;

	idmap_clear(&numbers);
	TAILQ_FOREACH(ch, &channels_all, entry) {
		ch->named = 0;
		idmap_clear(&ch->coming);
		if (ch->number != 0 &&
		    idmap_put(&numbers, ch->number, ch) == -1)
			fatal("router: channels");
	}
}

void
channels_router(struct imsgbuf *ib)
{
	struct channel	*ch;

	if (router != NULL)
		router_gone();
	renumber();
	if ((router = pipe_new(ib, &router_running, router_lost, NULL)) ==
	    NULL)
		fatalx("router: out of memory");
	TAILQ_FOREACH(ch, &channels_all, entry)
		if (ch->number != 0)
			say(MSG_CHANNEL_OPEN, ch->number, ch->name,
			    ch->name_len);
	remote_resume();
	say(MSG_RESUMED, 0, NULL, 0);
}

void
router_turn_end(void)
{
	size_t	queued;

	if (router == NULL)
		return;
	pipe_flush(router);
	queued = imsg_queued(pipe_imsg(router));
	if (queued > QUEUE_HIGH)
		pause_links(1);
	else if (queued < QUEUE_LOW)
		pause_links(0);
}

void
channels_rows(uint32_t ticket)
{
	const struct session_counters	*c = &session_counters;
	const struct match_counters	*m = &c->match;
	uint64_t			 wanted = 0, shared = 0;
	struct channel			*ch;
	const struct {
		const char	*name;
		uint64_t	 value;
	} rows[] = {
		{ "crypto_messages_in_total", c->messages_in },
		{ "crypto_messages_out_total", c->messages_out },
		{ "crypto_dropped_source_total", c->dropped_source },
		{ "crypto_dropped_large_total", c->dropped_large },
		{ "crypto_dropped_members_total", c->dropped_members },
		{ "crypto_dropped_router_total", c->dropped_router },
		{ "crypto_rate_paused_total", c->rate_paused },
		{ "crypto_violations_total", c->violations },
		{ "crypto_match_runs_total", m->runs },
		{ "crypto_match_elements_total", m->elements },
		{ "crypto_match_later_total", m->later },
		{ "crypto_match_matches_total", m->matches },
		{ "crypto_match_confirmed_total", m->confirmed },
		{ "crypto_match_refused_total", m->refused },
	};
	size_t				 i;

	TAILQ_FOREACH(ch, &channels_all, entry) {
		wanted++;
		shared += !LIST_EMPTY(&ch->shares);
	}
	child_row_counter(ticket, "crypto_channels_wanted", wanted, 1);
	child_row_counter(ticket, "crypto_channels_shared", shared, 1);
	child_row_counter(ticket, "crypto_members_remote", remote_count(), 1);
	child_row_counter(ticket, "crypto_router_queued_bytes",
	    router != NULL ? imsg_queued(pipe_imsg(router)) : 0, 1);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		child_row_counter(ticket, rows[i].name, rows[i].value, 0);
}

void
channels_limits(uint32_t ticket)
{
	const struct session	*s;
	uint64_t		 most = 0, used;

	TAILQ_FOREACH(s, &sessions, entry)
		if ((used = session_rate_used(s)) > most)
			most = used;
	child_row_limit(ticket, "max-remote", remote_count(),
	    channels_conf->max_remote, session_counters.over_remote);
	child_row_limit(ticket, "rate-link", most, channels_conf->rate_link.rate
	    != 0 ? channels_conf->rate_link.burst : 0,
	    session_counters.rate_paused);
}
