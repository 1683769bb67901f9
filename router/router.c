/*
 * The router: who is on which channel, and who gets what.  It has nothing but
 * its pipes, to the parent, which it trusts, and to the frontends and crypto,
 * which it does not.  This file has the process's main and the tables of what
 * each of them may send in which phase.
 *
 * The parent is in phase startup until START.  A place (places.h) is in phase
 * resuming until it has announced what it holds and all others that were there
 * at START have too, so that no member misses a message because the router did
 * not know of it yet; then it is in phase running.
 */
#include "router.h"

#include "../common/child.h"
#include "../common/conf.h"
#include "../common/hash.h"
#include "../common/imsg.h"
#include "../common/sandbox.h"
#include "channel.h"
#include "fanout.h"
#include "places.h"
#include "limits.h"
#include "member.h"
#include "show.h"

static pipe_handler conf_handle_end, handle_pipe, handle_start;

static const struct pipe_phase parent_startup = {
	.name = "startup",
	.handler = {
		[MSG_CONF] = child_conf,
		[MSG_CONF_END] = conf_handle_end,
		[MSG_PIPE] = handle_pipe,
		[MSG_START] = handle_start,
		[MSG_LOG_LEVEL] = child_log_level,
		[MSG_MONITOR] = child_monitor,
		[MSG_SHOW] = router_show,
		[MSG_TRIP] = child_trip
	}
};

static const struct pipe_phase parent_running = {
	.name = "running",
	.handler = {
		[MSG_CONF] = child_conf,
		[MSG_CONF_END] = conf_handle_end,
		[MSG_PIPE] = handle_pipe,
		[MSG_LOG_LEVEL] = child_log_level,
		[MSG_MONITOR] = child_monitor,
		[MSG_SHOW] = router_show,
		[MSG_TRIP] = child_trip
	}
};

const struct pipe_phase places_phase_resuming = {
	.name = "resuming",
	.handler = {
		[MSG_CHANNEL_OPEN] = channel_handle_open,
		[MSG_JOIN] = member_handle_join,
		[MSG_RESUMED] = member_handle_resumed
	}
};

const struct pipe_phase places_phase_running = {
	.name = "running",
	.handler = {
		[MSG_CHANNEL_OPEN] = channel_handle_open,
		[MSG_CHANNEL_CLOSE] = channel_handle_close,
		[MSG_JOIN] = member_handle_join,
		[MSG_LEAVE] = member_handle_leave,
		[MSG_RECALLED] = channel_handle_recalled,
		[MSG_PUBLISH] = fanout_handle_publish,
		[MSG_DIRECT] = fanout_handle_direct,
		[MSG_UNDELIVERED] = fanout_handle_undelivered
	}
};

struct conf *router_conf;

static int started;

static void
conf_handle_end(struct pipe *p, struct imsg *m)
{
	struct conf *conf;

	(void)m;
	if ((conf = child_conf_take()) == NULL) {
		pipe_violation(p, "no configuration to swap to");
		return;
	}
	conf_free(router_conf);
	router_conf = conf;
	limits_configure(conf);
	channel_configure();
	if (started)
		child_ready();
}

static void
handle_pipe(struct pipe *p, struct imsg *m)
{
	struct imsgbuf *ib;
	struct msg_pipe to;

	if ((ib = child_take_pipe(p, m, &to)) == NULL)
		return;
	if (router_conf == NULL) {
		imsgbuf_free(ib);
		pipe_violation(p, "no configuration yet");
		return;
	}
	if ((to.process & P_PLACES) == 0) {
		imsgbuf_free(ib);
		pipe_violation(p, "pipe to a process that has no members");
		return;
	}
	places_add(ib, to.instance);
}

static void
handle_start(struct pipe *p, struct imsg *m)
{
	(void)m;
	if (router_conf == NULL) {
		pipe_violation(p, "no configuration yet");
		return;
	}
	started = 1;
	sandbox_tighten(P_ROUTER);
	pipe_phase(p, &parent_running);
	places_start();
	child_ready();
}

static void
turn_end(void)
{
	places_turn_end();
	router_show_turn_end();
}

int
router_main(void)
{
	hash_seed();
	child_start(&parent_startup);
	places_init();
	loop_run(turn_end);
	return (0);
}
