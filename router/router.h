/*
 * What the files of the router share with router.c: the configuration and the
 * tables of what a place may send in which phase.
 */
#ifndef ROUTER_ROUTER_H
#define ROUTER_ROUTER_H

#include "../common/loop.h"

struct conf;

/* The configuration in force; NULL before the first CONF_END. */
extern struct conf *router_conf;

/* A place announces what it holds; then normal traffic. */
extern const struct pipe_phase places_phase_resuming;
extern const struct pipe_phase places_phase_running;

#endif
