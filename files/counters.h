/*
 * What the process that serves files counts: one row each, which makes the
 * struct and what nwsctl(8) and the metrics show.
 */
#ifndef FILES_COUNTERS_H
#define FILES_COUNTERS_H

#include <stdint.h>

/* X(member of struct files_counters, is a gauge) */
#define FILES_COUNTERS(X)						\
X(open, 1)			/* files */				\
X(asked_total, 0)							\
X(opened_total, 0)							\
X(refused_total, 0)		/* not there, not allowed, a limit */	\
X(bytes_total, 0)							\
X(cut_total, 0)			/* shrunk, or not to be read */		\
X(cancelled_total, 0)							\
X(timeouts_total, 0)		/* nobody asked for more */		\
X(violations_total, 0)

#define X(member, gauge) uint64_t member;
struct files_counters {
	FILES_COUNTERS(X)
};
#undef X

extern struct files_counters files_counters;	/* serve.c */

#endif
