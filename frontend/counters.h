/*
 * What a frontend counts; shown by nwsctl(8) and as metrics.
 * X(name, is a gauge)
 */
#ifndef FRONTEND_COUNTERS_H
#define FRONTEND_COUNTERS_H

#include <stdint.h>

#define COUNTER_TABLE(X)						\
X(connections, 1)		/* sockets open now */			\
X(clients, 1)			/* WebSockets open now */		\
X(channels, 1)			/* channels with members here */	\
X(handshakes, 1)		/* connections without a request yet */	\
X(queued_bytes, 1)		/* wait to be sent to clients */	\
X(origin_any, 1)		/* 1: allow origin any is set */	\
X(file_requests, 1)		/* for files, under way */		\
X(connections_total, 0)							\
X(clients_total, 0)							\
X(requests_total, 0)							\
X(messages_in_total, 0)							\
X(bytes_in_total, 0)							\
X(messages_out_total, 0)						\
X(bytes_out_total, 0)							\
X(writes_total, 0)							\
X(pings_total, 0)							\
X(refused_host_total, 0)						\
X(refused_origin_total, 0)						\
X(refused_token_total, 0)						\
X(refused_request_total, 0)	/* not HTTP, too large, bad method */	\
X(refused_limit_total, 0)	/* clients, origin, address, channels */ \
X(handshake_timeouts_total, 0)						\
X(handshakes_evicted_total, 0)	/* max-handshakes */			\
X(accept_paused_total, 0)	/* out of descriptors or memory */	\
X(protocol_errors_total, 0)	/* closed with 1002, 1003, 1007 */	\
X(too_large_total, 0)		/* closed with 1009 */			\
X(rate_paused_total, 0)							\
X(slow_closed_total, 0)		/* closed with 1013 */			\
X(slow_missed_total, 0)		/* messages that slow readers missed */	\
X(silent_closed_total, 0)	/* nothing heard for too long */	\
X(no_memory_total, 0)		/* closed because memory ran out */	\
X(not_json_total, 0)		/* payloads of other machines, dropped */ \
X(file_requests_total, 0)						\
X(file_bytes_total, 0)							\
X(file_refused_total, 0)	/* 503: too many, or nobody to ask */	\
X(file_cut_total, 0)		/* ended before all was sent */		\
X(undelivered_total, 0)							\
X(errors_sent_total, 0)

#define X(name, gauge) uint64_t name;
struct counters {
	COUNTER_TABLE(X)
};
#undef X

extern struct counters counters;

#endif
