/*
 * Who gets what: broadcasts, direct messages, presence and rosters, in the
 * order in which what caused them arrived.
 */
#ifndef ROUTER_FANOUT_H
#define ROUTER_FANOUT_H

#include <stdint.h>

#include "../common/loop.h"

struct channel;
struct replica;

/* Handlers of PUBLISH and DIRECT. */
pipe_handler fanout_handle_publish, fanout_handle_direct;

/*
 * CONNECT or DISCONNECT of a member that is or was shown, to all frontends that
 * have the channel open and have resumed.
 */
void	fanout_presence(const struct channel *, const struct replica *but,
	    uint32_t type, uint64_t id);

/*
 * Sends the frontend of the replica the ids of all who are shown in the
 * channel, its own included, in as many ROSTERs as that takes, at least one.
 */
void	fanout_roster(const struct replica *);

#endif
