/* What targets.c and targets_turn.c share; for nobody else. */
#ifndef DISCOVERY_TARGETS_PRIVATE_H
#define DISCOVERY_TARGETS_PRIVATE_H

#include "discovery/targets.h"

extern const struct targets_ops *targets_ops;

/* Of those that mDNS found there are own bounds. */
static inline int
target_is_found(const struct target *t)
{
	return (t->origin == PEER_FOUND);
}

/* Its turn has come: it is resolved and dialled. */
void	target_begin(struct target *);

/*
 * An attempt failed: it is tried again later.  One that mDNS no longer has is
 * given up after some tries, and freed.
 */
void	targets_failed(struct target *, const char *why, size_t len);

/* All that wait, and what was this node itself, is tried soon. */
void	targets_try_again(void);

/* targets_turn.c: as if nobody had been dialled; for tests. */
void	targets_turn_clear(void);

#endif
