/* What the discovery process tells nwsctl(8). */
#ifndef DISCOVERY_SHOW_H
#define DISCOVERY_SHOW_H

#include <stdint.h>

#include "discovery/targets.h"

struct conf;

/* All rows of what was asked for (enum show_what), and their end. */
void	show_rows(uint32_t ticket, uint32_t what, const struct conf *,
	    int crypto);

/* EVENT_PEER_FOUND or EVENT_PEER_GONE. */
void	show_event(const struct target *, int found);

#endif
