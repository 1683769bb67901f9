/*
 * What the discovery process counts: one row each, which makes the struct and
 * what nwsctl(8) and the metrics show.  A gauge may fall, a counter may not.
 */
#ifndef DISCOVERY_COUNTERS_H
#define DISCOVERY_COUNTERS_H

#include <stdint.h>

/* X(member of struct discovery_counters, is a gauge, name) */
#define DISCOVERY_COUNTERS(X)						\
X(links, 1, "discovery_interfaces")	/* where mDNS runs */		\
X(instances, 1, "discovery_instances")	/* heard of */			\
X(resolved, 1, "discovery_instances_resolved")				\
X(records, 1, "discovery_records")	/* in the cache */		\
X(targets, 1, "discovery_targets")	/* known nodes, static ones too */ \
X(linked, 1, "discovery_targets_linked")				\
X(packets_in, 0, "discovery_packets_in_total")				\
X(packets_out, 0, "discovery_packets_out_total")			\
X(malformed, 0, "discovery_malformed_total")				\
X(foreign, 0, "discovery_foreign_total") /* not from the same network */ \
X(flooded, 0, "discovery_flooded_total") /* not looked at, too many */	\
X(send_errors, 0, "discovery_send_errors_total")			\
X(conflicts, 0, "discovery_conflicts_total")	/* about our names */	\
X(evicted, 0, "discovery_evicted_total")	/* instances, records */ \
X(found, 0, "discovery_found_total")	/* nodes */			\
X(crowded, 0, "discovery_crowded_total") /* nodes there was no room for */ \
X(dials, 0, "discovery_dials_total")					\
X(connected, 0, "discovery_connected_total")				\
X(failed, 0, "discovery_failed_total")	/* dials and handshakes */	\
X(lost, 0, "discovery_lost_total")	/* links */			\
X(resolves, 0, "discovery_resolves_total") /* questions to name servers */ \
X(overruns, 0, "discovery_overruns_total") /* of news of interfaces */

struct discovery_counters {
#define X(member, gauge, name) uint64_t member;
	DISCOVERY_COUNTERS(X)
#undef X
};

/* Of this process; defined in show.c. */
extern struct discovery_counters discovery_counters;

#endif
