/*
 * Who gets what: broadcasts, direct messages, presence and rosters, in the
 * order in which what caused them arrived.
 */
#ifndef ROUTER_FANOUT_H
#define ROUTER_FANOUT_H

#include <stdint.h>

#include "../common/loop.h"

struct member;
struct replica;

/* Handlers of PUBLISH, DIRECT and UNDELIVERED. */
pipe_handler fanout_handle_publish, fanout_handle_direct,
	     fanout_handle_undelivered;

/*
 * CONNECT of a new member, or DISCONNECT of one that is about to go, to all
 * places that have the channel open and have resumed: to frontends if it is
 * shown, but not to its own one CONNECT; to crypto if it is of this machine and
 * does not wait, else it is told by fanout_admitted().
 */
void	fanout_arrived(const struct member *);
void	fanout_admitted(const struct member *);
void	fanout_left(const struct member *);

/*
 * Sends the place of the replica, in as many ROSTERs as that takes, at least
 * one, the ids of who is in the channel: a frontend those that are shown, its
 * own included, crypto all that are of this machine and do not wait.
 */
void	fanout_roster(const struct replica *);

#endif
