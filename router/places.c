/*
 * The pipes to the frontends and to crypto.  Runs in the router; owns struct
 * place.  None of them is trusted: one that breaks a rule loses its pipe, one
 * that does not read holds the others up for a few seconds at most, and in both
 * cases the parent is told, which starts it again.
 */
#include "places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/child.h"
#include "../common/imsg.h"
#include "../common/log.h"
#include "counters.h"
#include "fanout.h"
#include "member.h"
#include "router.h"

TAILQ_HEAD(place_list, place);
static struct place_list places = TAILQ_HEAD_INITIALIZER(places);

static int		started;	/* START has come */
static int		waiting;	/* for awaited ones to resume */
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
place_doom(struct place *pl, int report)
{
	if (pl->doomed)
		return;
	pl->doomed = 1;
	pl->report = report != 0;
	pl->live = 0;
	doomed = 1;
	pipe_pause(pl->pipe, 1);
	loop_soon();
}

/* "frontend 1"; static buffer. */
static const char *
place_text(const struct place *pl)
{
	static char text[32];

	snprintf(text, sizeof(text), "%s %u", process_name(pl->process),
	    pl->instance);
	return (text);
}

int
places_is_remote(const struct place *pl)
{
	return (pl->process == P_CRYPTO);
}

static void
place_free(struct place *pl)
{
	TAILQ_REMOVE(&places, pl, entry);
	router_counters.frontends -= !places_is_remote(pl);
	pl->doomed = 1;
	pl->live = 0;
	member_drop_all(pl);
	channel_drop_all(pl);
	pipe_free(pl->pipe);
	if (pl->report)
		child_stuck(pl->process, pl->instance);
	free(pl);
}

static void
place_closed(struct pipe *p, const char *why)
{
	struct place *pl = pipe_arg(p);

	if (why == NULL)
		log_debug("%s: gone", place_text(pl));
	else {
		log_warnx("%s: given up: %s", place_text(pl), why);
		router_counters.violations++;
	}
	/* The parent sees by itself that one has died. */
	place_doom(pl, why != NULL);
}

struct place *
places_of(struct pipe *p)
{
	struct place *pl = pipe_arg(p);

	pl->heard_ms = loop_now_ms();
	return (pl);
}

static void
place_pause(struct place *pl, unsigned int reason)
{
	pl->paused |= reason;
	pipe_pause(pl->pipe, 1);
}

static void
place_unpause(struct place *pl, unsigned int reason)
{
	pl->paused &= ~reason;
	if (pl->paused == 0 && !pl->doomed)
		pipe_pause(pl->pipe, 0);
}

void
places_no_memory(struct place *pl)
{
	if (pl->doomed)
		return;
	log_warnx("%s: given up: out of memory", place_text(pl));
	router_counters.no_memory++;
	place_doom(pl, 1);
}

static void
backlog_begin(const struct place *slow)
{
	struct place *pl;

	log_debug("%s: does not keep up: pause", place_text(slow));
	backlog = 1;
	router_counters.backlogs++;
	TAILQ_FOREACH(pl, &places, entry) {
		place_pause(pl, PAUSED_BACKLOG);
		pl->queued = imsg_queued(pipe_imsg(pl->pipe));
		pl->moved_ms = loop_now_ms();
	}
	tick_set();
}

void *
places_reserve(struct place *pl, uint32_t type, uint32_t number,
    size_t len)
{
	void *p;

	if (pl->doomed)
		return (NULL);
	p = imsg_reserve(pipe_imsg(pl->pipe), type, number, len);
	if (p == NULL)
		places_no_memory(pl);
	return (p);
}

void
places_sent(struct place *pl)
{
	pl->dirty = 1;
	if (!backlog && imsg_queued(pipe_imsg(pl->pipe)) > QUEUE_HIGH)
		backlog_begin(pl);
}

void
places_send(struct place *pl, uint32_t type, uint32_t number,
    const void *data, size_t len)
{
	void *p;

	if ((p = places_reserve(pl, type, number, len)) == NULL)
		return;
	if (len != 0)
		memcpy(p, data, len);
	places_sent(pl);
}

static void
go_live(struct place *pl)
{
	struct replica *r;
	size_t at = 0;

	pl->live = 1;
	pipe_phase(pl->pipe, &places_phase_running);
	while ((r = idmap_iterate(&pl->replicas, &at, NULL)) != NULL)
		fanout_roster(r);
	if (places_is_remote(pl))
		channel_want_all(pl);
	place_unpause(pl, PAUSED_RESUMED);
}

/* Lets the resumed go on, unless one is still awaited. */
static void
resume_check(void)
{
	struct place *pl;

	waiting = 0;
	if (!started)
		return;
	TAILQ_FOREACH(pl, &places, entry)
		if (pl->awaited && !pl->resumed && !pl->doomed)
			waiting = 1;
	if (waiting)
		return;
	TAILQ_FOREACH(pl, &places, entry)
		if (pl->resumed && !pl->live && !pl->doomed)
			go_live(pl);
}

struct place *
places_remote(void)
{
	struct place *pl;

	TAILQ_FOREACH(pl, &places, entry)
		if (places_is_remote(pl) && pl->live)
			return (pl);
	return (NULL);
}

void
places_add(struct imsgbuf *ib, uint32_t instance)
{
	uint32_t process = imsgbuf_peer(ib);
	struct place *pl;

	TAILQ_FOREACH(pl, &places, entry)
		if (pl->process == process && pl->instance == instance) {
			pl->report = 0;
			place_free(pl);
			break;
		}
	if ((pl = calloc(1, sizeof(*pl))) == NULL) {
		imsgbuf_free(ib);
		child_stuck(process, instance);
		return;
	}
	pl->process = process;
	pl->instance = instance;
	pl->nochannel.place = pl;
	LIST_INIT(&pl->nochannel.list);
	pl->pipe = pipe_new(ib, &places_phase_resuming, place_closed, pl);
	if (pl->pipe == NULL) {
		free(pl);
		child_stuck(process, instance);
		return;
	}
	pl->awaited = !started;
	pl->heard_ms = pl->moved_ms = loop_now_ms();
	TAILQ_INSERT_TAIL(&places, pl, entry);
	router_counters.frontends += !places_is_remote(pl);
	if (backlog)
		place_pause(pl, PAUSED_BACKLOG);
	/* The earlier one may have been all that was waited for. */
	resume_check();
}

void
places_resumed(struct place *pl)
{
	pl->resumed = 1;
	place_pause(pl, PAUSED_RESUMED);
	resume_check();
}

void
places_recalled(struct place *pl)
{
	if (pl->owed++ == 0)
		pl->owed_ms = loop_now_ms();
	tick_set();
}

void
places_returned(struct place *pl)
{
	pl->owed--;
	pl->owed_ms = loop_now_ms();
}

static void
tick_cb(evutil_socket_t fd, short what, void *arg)
{
	struct place *pl;
	int64_t now = loop_now_ms();
	int recalls = 0;

	(void)fd;
	(void)what;
	(void)arg;
	ticking = 0;
	TAILQ_FOREACH(pl, &places, entry) {
		if (pl->doomed)
			continue;
		if (pl->owed != 0)
			recalls = 1;
		/* While it is not read it cannot give back. */
		if (backlog)
			pl->owed_ms = now;
		if (backlog && pl->queued >= QUEUE_LOW &&
		    now - pl->moved_ms >= STUCK_MS)
			log_warnx("%s: given up: does not read",
			    place_text(pl));
		else if (waiting && !backlog && pl->awaited && !pl->resumed &&
		    now - pl->heard_ms >= RESUME_MS)
			log_warnx("%s: given up: does not resume",
			    place_text(pl));
		else if (pl->owed != 0 && now - pl->owed_ms >= STUCK_MS)
			log_warnx("%s: given up: keeps a channel",
			    place_text(pl));
		else
			continue;
		router_counters.stuck++;
		place_doom(pl, 1);
	}
	if (backlog || waiting || recalls)
		tick_set();
}

void
places_init(void)
{
	evtimer_assign(&tick, loop_base(), tick_cb, NULL);
}

void
places_start(void)
{
	struct place *pl;

	started = 1;
	TAILQ_FOREACH(pl, &places, entry)
		pl->heard_ms = loop_now_ms();
	resume_check();
	if (waiting || backlog)
		tick_set();
}

/* Whether one still has too much queued; if not, all are read from again. */
static void
backlog_check(void)
{
	struct place *pl;
	size_t queued;
	int above = 0;

	TAILQ_FOREACH(pl, &places, entry) {
		queued = imsg_queued(pipe_imsg(pl->pipe));
		if (queued < pl->queued)
			pl->moved_ms = loop_now_ms();
		pl->queued = queued;
		if (queued >= QUEUE_LOW)
			above = 1;
	}
	if (above)
		return;
	backlog = 0;
	TAILQ_FOREACH(pl, &places, entry)
		place_unpause(pl, PAUSED_BACKLOG);
}

/* What the leaving of one sends to the others may doom one more. */
static void
free_doomed(void)
{
	struct place *pl;

	while (doomed) {
		doomed = 0;
		TAILQ_FOREACH(pl, &places, entry)
			if (pl->doomed)
				break;
		if (pl == NULL)
			break;
		place_free(pl);
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
	struct place *pl;
	uint32_t least = UINT32_MAX, hold;

	TAILQ_FOREACH(pl, &places, entry)
		if (pl->live && !places_is_remote(pl) && !pl->doomed &&
		    pl->members < least)
			least = pl->members;
	TAILQ_FOREACH(pl, &places, entry) {
		hold = pl->members > least + 1 + least / 8;
		if (!pl->live || places_is_remote(pl) || pl->doomed ||
		    hold == pl->held)
			continue;
		pl->held = (uint8_t)hold;
		places_send(pl, MSG_HOLD, 0, &hold, sizeof(hold));
	}
}

void
places_turn_end(void)
{
	struct place *pl;

	if (doomed)
		free_doomed();
	balance();
	TAILQ_FOREACH(pl, &places, entry) {
		if (!pl->dirty)
			continue;
		pl->dirty = 0;
		pipe_flush(pl->pipe);
	}
	if (backlog)
		backlog_check();
}

uint64_t
places_queued(void)
{
	struct place *pl;
	uint64_t sum = 0;

	TAILQ_FOREACH(pl, &places, entry)
		sum += imsg_queued(pipe_imsg(pl->pipe));
	return (sum);
}
