/*
 * What the router counts: one row each, which makes the struct and what
 * nwsctl(8) and the metrics show.  A gauge may fall, a counter may not.
 */
#ifndef ROUTER_COUNTERS_H
#define ROUTER_COUNTERS_H

#include <stdint.h>

/* X(member of struct router_counters, is a gauge, name) */
#define ROUTER_COUNTERS(X)						\
X(frontends, 1, "router_frontends")	/* connected */			\
X(channels, 1, "router_channels")	/* that have or had a member */	\
X(members, 1, "router_members")		/* of channels, here */		\
X(remote, 1, "router_remote_members")	/* the same elsewhere */	\
X(queued, 1, "router_queued_bytes")	/* for all places */		\
X(joins, 0, "router_joins_total")					\
X(resumes, 0, "router_resumes_total")	/* joins again after a restart */ \
X(leaves, 0, "router_leaves_total")					\
X(refusals, 0, "router_refusals_total")	/* joins refused by a limit */	\
X(broadcasts, 0, "router_broadcasts_total")				\
X(directs, 0, "router_directs_total")					\
X(undelivered, 0, "router_undelivered_total")	/* of the directs */	\
X(delivered_bytes, 0, "router_delivered_bytes_total") /* to places */ \
X(backlogs, 0, "router_backlogs_total")	/* times nobody was read from */ \
X(stuck, 0, "router_stuck_total")	/* places that did not read */ \
X(dropped, 0, "router_dropped_total")	/* of crypto: no such source */ \
X(violations, 0, "router_violations_total")				\
X(no_memory, 0, "router_no_memory_total")

struct router_counters {
#define X(member, gauge, name) uint64_t member;
	ROUTER_COUNTERS(X)
#undef X
};

/* Of this process; defined in show.c. */
extern struct router_counters router_counters;

#endif
