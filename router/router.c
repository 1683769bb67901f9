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
#include "channel.h"
#include "fanout.h"
#include "places.h"
#include "limits.h"
#include "member.h"
#include "show.h"

static pipe_handler handle_pipe;

static const struct pipe_phase parent_startup = {
	.name = "startup",
	.handler = {
		[MSG_CONF] = child_conf,
		[MSG_CONF_END] = child_conf_end,
		[MSG_PIPE] = handle_pipe,
		[MSG_START] = child_begin,
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
		[MSG_CONF_END] = child_conf_end,
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

static void
configure(struct conf *conf)
{
	router_conf = conf;
	limits_configure(conf);
	channel_configure();
}

static void
handle_pipe(struct pipe *p, struct imsg *m)
{
	struct imsgbuf *ib;
	struct msg_pipe to;

	if ((ib = child_take_pipe(p, m, P_PLACES, &to)) != NULL)
		places_add(ib, to.instance);
}

static const struct child_process process = {
	.startup = &parent_startup,
	.running = &parent_running,
	.configure = configure,
	.start = places_start
};

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
	child_start(&process);
	places_init();
	loop_run(turn_end);
	return (0);
}
