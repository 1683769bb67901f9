/*
 * The frontend process: terminates clients.  Holds their sockets and nothing
 * else; may read, write and accept.  This file has the process's main, what the
 * parent and the router may say to it, and the end of each turn of its loop.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../common/child.h"
#include "../common/conf.h"
#include "../common/imsg.h"
#include "../common/log.h"
#include "../common/origin.h"
#include "ask.h"
#include "channel.h"
#include "client.h"
#include "console_serve.h"
#include "counters.h"
#include "files.h"
#include "json.h"
#include "listener.h"
#include "output.h"
#include "pending.h"
#include "show.h"

#define GOODBYE_S	2	/* for clients to take their close frame */

const struct conf	*conf;
struct counters		 counters;

static struct grants	 grants = TAILQ_HEAD_INITIALIZER(grants);
static struct pipe	*router;
static int		 ending;	/* the parent has ended */

struct grants *
frontend_grants(void)
{
	return (&grants);
}

struct imsgbuf *
frontend_router(void)
{
	return (router != NULL ? pipe_imsg(router) : NULL);
}

/*
 * From the router.  Each handler checks numbers and ids; what the lengths have
 * to be, msg_table says.
 */
static void
check(struct pipe *p, int r)
{
	if (r == -1)
		pipe_violation(p, "a channel that is not open, or a peer "
		    "that is not there");
}

static void
router_channel_closed(struct pipe *p, struct imsg *m)
{
	check(p, channel_closed(m->hdr.peerid));
}

static void
router_hold(struct pipe *p, struct imsg *m)
{
	(void)p;
	listener_hold(*(const uint32_t *)m->data != 0);
}

static void
router_joined(struct pipe *p, struct imsg *m)
{
	const struct msg_joined	*j = m->data;
	struct client		*c = client_find(j->id);

	if (channel_answered(m->hdr.peerid) == -1)
		check(p, -1);
	else if (c != NULL && c->state == CLIENT_JOINING)
		request_joined(c, j->shown != 0);
	else
		imsg_send(pipe_imsg(p), MSG_LEAVE, m->hdr.peerid, -1, &j->id,
		    sizeof(j->id));
}

static void
router_lease(struct pipe *p, struct imsg *m)
{
	check(p, channel_leased(m->hdr.peerid));
}

static void
router_recall(struct pipe *p, struct imsg *m)
{
	check(p, channel_recalled(m->hdr.peerid));
}

static void
router_refused(struct pipe *p, struct imsg *m)
{
	const struct msg_refused	*r = m->data;
	struct client			*c = client_find(r->id);

	if (channel_answered(m->hdr.peerid) == -1)
		check(p, -1);
	else if (c != NULL && c->state == CLIENT_JOINING)
		request_refused(c, (enum refused)r->why);
}

static void
router_roster(struct pipe *p, struct imsg *m)
{
	const struct msg_roster	*r = m->data;

	if (r->count != (m->hdr.len - sizeof(*r)) / sizeof(uint64_t))
		pipe_violation(p, "a roster of another length");
	else
		check(p, channel_roster(m->hdr.peerid, r,
		    (const uint64_t *)(r + 1)));
}

static void
router_connect(struct pipe *p, struct imsg *m)
{
	check(p, channel_presence(m->hdr.peerid, *(const uint64_t *)m->data,
	    1));
}

static void
router_disconnect(struct pipe *p, struct imsg *m)
{
	check(p, channel_presence(m->hdr.peerid, *(const uint64_t *)m->data,
	    0));
}

/* That a payload is JSON is only the word of another machine (nws-link(7)). */
static int
is_payload(const struct imsg *m)
{
	const struct msg_data	*d = m->data;

	if (!d->unchecked || d->kind != DATA_JSON ||
	    json_check((const char *)(d + 1), m->hdr.len - sizeof(*d), 1) ==
	    JSON_OK)
		return (1);
	counters.not_json_total++;
	return (0);
}

static void
router_broadcast(struct pipe *p, struct imsg *m)
{
	const struct msg_data	*d = m->data;

	if (!is_payload(m))
		return;
	check(p, channel_broadcast(m->hdr.peerid, d,
	    (const uint8_t *)(d + 1), m->hdr.len - sizeof(*d)));
}

static void
router_deliver(struct pipe *p, struct imsg *m)
{
	const struct msg_data	*d = m->data;

	(void)p;
	if (!is_payload(m))
		return;
	member_deliver(d, (const uint8_t *)(d + 1), m->hdr.len - sizeof(*d));
}

static void
router_undelivered(struct pipe *p, struct imsg *m)
{
	const uint64_t	*id = m->data;

	(void)p;
	member_undelivered(id[0], id[1]);
}

static const struct pipe_phase	router_running = { "running", {
	[MSG_CHANNEL_CLOSED] = router_channel_closed,
	[MSG_HOLD] = router_hold,
	[MSG_JOINED] = router_joined,
	[MSG_REFUSED] = router_refused,
	[MSG_LEASE] = router_lease,
	[MSG_RECALL] = router_recall,
	[MSG_ROSTER] = router_roster,
	[MSG_CONNECT] = router_connect,
	[MSG_DISCONNECT] = router_disconnect,
	[MSG_BROADCAST] = router_broadcast,
	[MSG_DELIVER] = router_deliver,
	[MSG_UNDELIVERED] = router_undelivered,
} };

/* Clients wait, unread, until the parent sends a pipe to the next one. */
static void
router_lost(struct pipe *p, const char *why)
{
	if (why != NULL)
		log_warnx("router: %s", why);
	pipe_free(p);
	if (p == router)
		router = NULL;
	listener_hold(0);
}

/*
 * From the parent.
 */
static void
parent_listener(struct pipe *p, struct imsg *m)
{
	const struct msg_listener	*l = m->data;

	(void)p;
	if (listener_add(l->index, m->fd) == -1)
		fatal("listener");
	m->fd = -1;
}

static void
parent_grants(struct pipe *p, struct imsg *m)
{
	struct grants	next = TAILQ_HEAD_INITIALIZER(next);
	int		line;

	if (grants_parse(&next, m->data, m->hdr.len, &line) == -1) {
		pipe_violation(p, "grants that cannot be read");
		grants_free(&next);
		return;
	}
	grants_free(&grants);
	TAILQ_CONCAT(&grants, &next, entry);
	pending_review(conf, &grants);
}

static void
configure(struct conf *next)
{
	int	 files = conf != NULL && !conf_files_same(conf, next);

	listener_swap(next);
	conf = next;
	counters.origin_any = conf->origin_any != 0;
	pending_review(conf, &grants);
	client_configure();
	if (files)
		files_changed();
}

static void
parent_pipe(struct pipe *p, struct imsg *m)
{
	struct msg_pipe	 mp;
	struct imsgbuf	*ib;

	if ((ib = child_take_pipe(p, m, P_ROUTER | P_FILES, &mp)) == NULL)
		return;
	if (mp.process == P_FILES) {
		files_pipe(ib);
		return;
	}
	if (router != NULL)
		pipe_free(router);
	router = NULL;		/* nothing may go to the old one */
	client_reap();		/* nor may the new one hear of the dead */
	listener_hold(0);
	if ((router = pipe_new(ib, &router_running, router_lost, NULL)) ==
	    NULL)
		fatalx("router: out of memory");
	channel_resume();
	client_resume_router();
}

static void
parent_show(struct pipe *p, struct imsg *m)
{
	const struct msg_show	*s = m->data;

	(void)p;
	show(m->hdr.peerid, (enum show_what)s->what);
}

static void
parent_close_client(struct pipe *p, struct imsg *m)
{
	struct client	*c = client_find(*(const uint64_t *)m->data);
	uint32_t	 closed = c != NULL && c->state == CLIENT_OPEN;

	if (closed)
		websocket_close(c, WS_CODE_POLICY,
		    "closed by the administrator");
	if (imsg_send(pipe_imsg(p), MSG_CLOSE_DONE, m->hdr.peerid, -1, &closed,
	    sizeof(closed)) == -1)
		log_warn("nwsctl close");
}

static void
parent_pending_drop(struct pipe *p, struct imsg *m)
{
	(void)p;
	pending_drop(m->data, m->hdr.len);
}

static void
parent_answer_row(struct pipe *p, struct imsg *m)
{
	(void)p;
	ask_row(m->hdr.peerid, m->data, m->hdr.len);
}

static void
parent_answer(struct pipe *p, struct imsg *m)
{
	const uint32_t	*code = m->data;

	(void)p;
	ask_answer(m->hdr.peerid, *code, (const char *)(code + 1),
	    m->hdr.len - sizeof(*code));
}

static void
parent_token(struct pipe *p, struct imsg *m)
{
	(void)p;
	console_token(m->data);
}

static const struct pipe_phase	parent_startup = { "startup", {
	[MSG_CONF] = child_conf,
	[MSG_LISTENER] = parent_listener,
	[MSG_GRANTS] = parent_grants,
	[MSG_TOKEN] = parent_token,
	[MSG_CONF_END] = child_conf_end,
	[MSG_PIPE] = parent_pipe,
	[MSG_START] = child_begin,
	[MSG_LOG_LEVEL] = child_log_level,
	[MSG_MONITOR] = child_monitor,
} };

static const struct pipe_phase	parent_running = { "running", {
	[MSG_CONF] = child_conf,
	[MSG_LISTENER] = parent_listener,
	[MSG_GRANTS] = parent_grants,
	[MSG_CONF_END] = child_conf_end,
	[MSG_PIPE] = parent_pipe,
	[MSG_LOG_LEVEL] = child_log_level,
	[MSG_MONITOR] = child_monitor,
	[MSG_SHOW] = parent_show,
	[MSG_CLOSE_CLIENT] = parent_close_client,
	[MSG_PENDING_DROP] = parent_pending_drop,
	[MSG_ANSWER_ROW] = parent_answer_row,
	[MSG_ANSWER] = parent_answer,
	[MSG_TRIP] = child_trip,
} };

/* The parent ends: say so to the clients, and do not wait for long. */
static void
parent_ended(void)
{
	ending = 1;
	client_shutdown();
	loop_quit_after(GOODBYE_S);
}

static const struct child_process process = {
	.startup = &parent_startup,
	.running = &parent_running,
	.configure = configure,
	.end = parent_ended
};

/*
 * First to the router, so that it works while we write to clients; then to
 * them; then what that brought about.
 */
static void
turn_end(void)
{
	if (conf == NULL)
		return;		/* not begun yet */
	if (router != NULL)
		pipe_flush(router);
	output_flush();
	client_reap();
	channel_reap();
	files_turn_end();
	if (router != NULL) {
		pipe_flush(router);
		if (imsg_queued(pipe_imsg(router)) < FRONTEND_BACKLOG_LOW)
			client_resume_router();
	}
	counters.queued_bytes = output_memory();
	if (!ending)
		pipe_flush(child_parent());
	else if (client_count() == 0)
		loop_quit();
}

int
frontend_main(void)
{
	child_start(&process);
	client_init();
	loop_run(turn_end);
	return (0);
}
