/*
 * The pipes to the frontends.  Runs in the router; owns struct frontend.
 * Frontends are not trusted: one that breaks a rule loses its pipe, one that
 * does not read holds the others up for a few seconds at most, and in both
 * cases the parent is told, which starts it again.
 */
#include "frontends.h"

#include <stdlib.h>
#include <string.h>

#include "../common/child.h"
#include "../common/imsg.h"
#include "../common/log.h"
#include "counters.h"
#include "fanout.h"
#include "member.h"
#include "router.h"

TAILQ_HEAD(frontend_list, frontend);
static struct frontend_list frontends = TAILQ_HEAD_INITIALIZER(frontends);

static int		started;	/* START has come */
static int		waiting;	/* for awaited frontends to resume */
static int		backlog;	/* nobody is read from */
static int		doomed;		/* there are some to be freed */
static int		ticking;	/* tick is set */
static struct event	tick;

static void
tick_set(void)
{
	const struct timeval tv = { 1, 0 };

	if (!ticking && evtimer_add(&tick, &tv) == 0)
		ticking = 1;
}

/*
 * It gets nothing more and is not heard; its members leave in turn_end, as the
 * one who noticed may be walking through them.
 */
static void
frontend_doom(struct frontend *f, int report)
{
	if (f->doomed)
		return;
	f->doomed = 1;
	f->report = report != 0;
	f->live = 0;
	doomed = 1;
	pipe_pause(f->pipe, 1);
	loop_soon();
}

static void
tell_parent(uint32_t instance)
{
	const struct msg_pipe who = { P_FRONTEND, instance };

	if (imsg_send(pipe_imsg(child_parent()), MSG_STUCK, 0, -1, &who,
	    sizeof(who)) == -1)
		log_warn("frontend %u: cannot tell the parent", instance);
}

static void
frontend_free(struct frontend *f)
{
	TAILQ_REMOVE(&frontends, f, entry);
	router_counters.frontends--;
	f->doomed = 1;
	f->live = 0;
	member_drop_all(f);
	channel_drop_all(f);
	pipe_free(f->pipe);
	if (f->report)
		tell_parent(f->instance);
	free(f);
}

static void
frontend_closed(struct pipe *p, const char *why)
{
	struct frontend *f = pipe_arg(p);

	if (why == NULL)
		log_debug("frontend %u: gone", f->instance);
	else {
		log_warnx("frontend %u: given up: %s", f->instance, why);
		router_counters.violations++;
	}
	/* The parent sees by itself that one has died. */
	frontend_doom(f, why != NULL);
}

struct frontend *
frontends_of(struct pipe *p)
{
	struct frontend *f = pipe_arg(p);

	f->heard_ms = loop_now_ms();
	return (f);
}

static void
frontend_pause(struct frontend *f, unsigned int reason)
{
	f->paused |= reason;
	pipe_pause(f->pipe, 1);
}

static void
frontend_unpause(struct frontend *f, unsigned int reason)
{
	f->paused &= ~reason;
	if (f->paused == 0 && !f->doomed)
		pipe_pause(f->pipe, 0);
}

void
frontends_no_memory(struct frontend *f)
{
	if (f->doomed)
		return;
	log_warnx("frontend %u: given up: out of memory", f->instance);
	router_counters.no_memory++;
	frontend_doom(f, 1);
}

static void
backlog_begin(const struct frontend *slow)
{
	struct frontend *f;

	log_debug("frontend %u: does not keep up: pause", slow->instance);
	backlog = 1;
	router_counters.backlogs++;
	TAILQ_FOREACH(f, &frontends, entry) {
		frontend_pause(f, PAUSED_BACKLOG);
		f->queued = imsg_queued(pipe_imsg(f->pipe));
		f->moved_ms = loop_now_ms();
	}
	tick_set();
}

void *
frontends_reserve(struct frontend *f, uint32_t type, uint32_t number,
    size_t len)
{
	void *p;

	if (f->doomed)
		return (NULL);
	p = imsg_reserve(pipe_imsg(f->pipe), type, number, len);
	if (p == NULL)
		frontends_no_memory(f);
	return (p);
}

void
frontends_sent(struct frontend *f)
{
	f->dirty = 1;
	if (!backlog && imsg_queued(pipe_imsg(f->pipe)) > QUEUE_HIGH)
		backlog_begin(f);
}

void
frontends_send(struct frontend *f, uint32_t type, uint32_t number,
    const void *data, size_t len)
{
	void *p;

	if ((p = frontends_reserve(f, type, number, len)) == NULL)
		return;
	if (len != 0)
		memcpy(p, data, len);
	frontends_sent(f);
}

static void
go_live(struct frontend *f)
{
	struct replica *r;
	size_t at = 0;

	f->live = 1;
	pipe_phase(f->pipe, &frontends_phase_running);
	while ((r = idmap_iterate(&f->replicas, &at, NULL)) != NULL)
		fanout_roster(r);
	frontend_unpause(f, PAUSED_RESUMED);
}

/* Lets the resumed go on, unless one is still awaited. */
static void
resume_check(void)
{
	struct frontend *f;

	waiting = 0;
	if (!started)
		return;
	TAILQ_FOREACH(f, &frontends, entry)
		if (f->awaited && !f->resumed && !f->doomed)
			waiting = 1;
	if (waiting)
		return;
	TAILQ_FOREACH(f, &frontends, entry)
		if (f->resumed && !f->live && !f->doomed)
			go_live(f);
}

void
frontends_add(struct imsgbuf *ib, uint32_t instance)
{
	struct frontend *f;

	TAILQ_FOREACH(f, &frontends, entry)
		if (f->instance == instance) {
			f->report = 0;
			frontend_free(f);
			break;
		}
	if ((f = calloc(1, sizeof(*f))) == NULL) {
		imsgbuf_free(ib);
		tell_parent(instance);
		return;
	}
	f->instance = instance;
	f->nochannel.frontend = f;
	LIST_INIT(&f->nochannel.list);
	f->pipe = pipe_new(ib, &frontends_phase_resuming, frontend_closed, f);
	if (f->pipe == NULL) {
		free(f);
		tell_parent(instance);
		return;
	}
	f->awaited = !started;
	f->heard_ms = f->moved_ms = loop_now_ms();
	TAILQ_INSERT_TAIL(&frontends, f, entry);
	router_counters.frontends++;
	if (backlog)
		frontend_pause(f, PAUSED_BACKLOG);
	/* The earlier one may have been all that was waited for. */
	resume_check();
}

void
frontends_resumed(struct frontend *f)
{
	f->resumed = 1;
	frontend_pause(f, PAUSED_RESUMED);
	resume_check();
}

void
frontends_recalled(struct frontend *f)
{
	if (f->owed++ == 0)
		f->owed_ms = loop_now_ms();
	tick_set();
}

void
frontends_returned(struct frontend *f)
{
	f->owed--;
	f->owed_ms = loop_now_ms();
}

static void
tick_cb(evutil_socket_t fd, short what, void *arg)
{
	struct frontend *f;
	int64_t now = loop_now_ms();
	int recalls = 0;

	(void)fd;
	(void)what;
	(void)arg;
	ticking = 0;
	TAILQ_FOREACH(f, &frontends, entry) {
		if (f->doomed)
			continue;
		if (f->owed != 0)
			recalls = 1;
		/* While it is not read it cannot give back. */
		if (backlog)
			f->owed_ms = now;
		if (backlog && f->queued >= QUEUE_LOW &&
		    now - f->moved_ms >= STUCK_MS)
			log_warnx("frontend %u: given up: does not read",
			    f->instance);
		else if (waiting && !backlog && f->awaited && !f->resumed &&
		    now - f->heard_ms >= RESUME_MS)
			log_warnx("frontend %u: given up: does not resume",
			    f->instance);
		else if (f->owed != 0 && now - f->owed_ms >= STUCK_MS)
			log_warnx("frontend %u: given up: keeps a channel",
			    f->instance);
		else
			continue;
		router_counters.stuck++;
		frontend_doom(f, 1);
	}
	if (backlog || waiting || recalls)
		tick_set();
}

void
frontends_init(void)
{
	evtimer_assign(&tick, loop_base(), tick_cb, NULL);
}

void
frontends_start(void)
{
	struct frontend *f;

	started = 1;
	TAILQ_FOREACH(f, &frontends, entry)
		f->heard_ms = loop_now_ms();
	resume_check();
	if (waiting || backlog)
		tick_set();
}

/* Whether one still has too much queued; if not, all are read from again. */
static void
backlog_check(void)
{
	struct frontend *f;
	size_t queued;
	int above = 0;

	TAILQ_FOREACH(f, &frontends, entry) {
		queued = imsg_queued(pipe_imsg(f->pipe));
		if (queued < f->queued)
			f->moved_ms = loop_now_ms();
		f->queued = queued;
		if (queued >= QUEUE_LOW)
			above = 1;
	}
	if (above)
		return;
	backlog = 0;
	TAILQ_FOREACH(f, &frontends, entry)
		frontend_unpause(f, PAUSED_BACKLOG);
}

/* What the leaving of one sends to the others may doom one more. */
static void
free_doomed(void)
{
	struct frontend *f;

	while (doomed) {
		doomed = 0;
		TAILQ_FOREACH(f, &frontends, entry)
			if (f->doomed)
				break;
		if (f == NULL)
			break;
		frontend_free(f);
		doomed = 1;
	}
	resume_check();
}

/*
 * They share the listening sockets, and the kernel gives a connection to
 * whoever is awake first: one with more members than its share is to leave the
 * next to the others.
 */
static void
balance(void)
{
	struct frontend *f;
	uint32_t least = UINT32_MAX, hold;

	TAILQ_FOREACH(f, &frontends, entry)
		if (f->live && !f->doomed && f->members < least)
			least = f->members;
	TAILQ_FOREACH(f, &frontends, entry) {
		hold = f->members > least + 1 + least / 8;
		if (!f->live || f->doomed || hold == f->held)
			continue;
		f->held = (uint8_t)hold;
		frontends_send(f, MSG_HOLD, 0, &hold, sizeof(hold));
	}
}

void
frontends_turn_end(void)
{
	struct frontend *f;

	if (doomed)
		free_doomed();
	balance();
	TAILQ_FOREACH(f, &frontends, entry) {
		if (!f->dirty)
			continue;
		f->dirty = 0;
		pipe_flush(f->pipe);
	}
	if (backlog)
		backlog_check();
}

uint64_t
frontends_queued(void)
{
	struct frontend *f;
	uint64_t sum = 0;

	TAILQ_FOREACH(f, &frontends, entry)
		sum += imsg_queued(pipe_imsg(f->pipe));
	return (sum);
}
