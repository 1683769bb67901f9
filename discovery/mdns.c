/*
 * The little that responder and querier share.  Pure; of the discovery process.
 */
#include <string.h>

#include "discovery/mdns.h"

uint32_t
mdns_random_between(const struct mdns_random *r, uint32_t low, uint32_t high)
{
	uint64_t range = (uint64_t)high - low + 1;

	/* The ranges are small: the unevenness is far below what matters. */
	return (low + (uint32_t)(r->next(r->arg) * range >> 32));
}

int
mdns_from_same(const struct mdns_from *a, const struct mdns_from *b)
{
	return (a->port == b->port &&
	    memcmp(a->address, b->address, sizeof(a->address)) == 0);
}
