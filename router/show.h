/*
 * Answers to nwsctl(8).
 */
#ifndef ROUTER_SHOW_H
#define ROUTER_SHOW_H

#include "../common/loop.h"

struct channel;

/* Handler of SHOW. */
pipe_handler router_show;

/* A channel is about to be freed. */
void	router_show_gone(const struct channel *);

/*
 * For turn_end: goes on with answers that are longer than what should be queued
 * at once, and flushes the pipe to the parent.
 */
void	router_show_turn_end(void);

#endif
