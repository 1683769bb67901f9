/*
 * Names of `peer` lines to addresses: literal ones, those of the hosts lines,
 * then the name servers, all of which the parent names.
 */
#ifndef DISCOVERY_RESOLVE_H
#define DISCOVERY_RESOLVE_H

#include <stddef.h>
#include <stdint.h>

#include "discovery/dial.h"

#define RESOLVE_HOSTS_MAX	4096	/* names in hosts lines */
#define RESOLVE_SERVERS_MAX	8
#define RESOLVE_SEARCH_MAX	8

struct resolve;

/*
 * Takes the text of RESOLVER, in place of an earlier one: lines "nameserver
 * ADDRESS", "search DOMAIN", "host ADDRESS NAME...".  What is no such line is
 * passed over; returns how many were.
 */
size_t	resolve_configure(const char *, size_t);

/* The interfaces changed, by whose names addresses may have been given. */
void	resolve_interfaces(void);

/*
 * The result: n addresses (port 0), at most DIAL_ADDRESSES_MAX; or none and
 * why.
 */
typedef void resolve_done(void *arg, const struct dial_address *, size_t n,
	    const char *why);

/*
 * Looks a host up.  done is called once, within this call, which then returns
 * NULL; or later, from the loop, unless what was returned is cancelled.
 */
struct resolve *resolve_start(const char *host, resolve_done *, void *arg);
void	resolve_cancel(struct resolve *);

/*
 * A literal address; a link-local one as fe80::1%eth0 or fe80::1%2.  Returns 0,
 * or -1 when it is none.
 */
int	resolve_literal(const char *, struct dial_address *);

/* How many names the hosts lines gave, and how many had no room. */
void	resolve_stats(size_t *used, uint64_t *left_out);

#endif
