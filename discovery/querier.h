/*
 * The side of multicast DNS that asks (RFC 6762, 5 and 7; RFC 6763): who offers
 * one type of service, on all links, resolved to addresses; pure: packets and
 * times in, packets and reports out.
 *
 * Bounded: QUERIER_INSTANCES_MAX instances; another one takes the place of one
 * that the class of hosts announced which announced most, so that nobody makes
 * all others be forgotten: the one that is not resolved and was heard of
 * longest ago, else the one that is resolved and was, but never a pinned one.
 */
#ifndef DISCOVERY_QUERIER_H
#define DISCOVERY_QUERIER_H

#include "discovery/cache.h"
#include "discovery/dns.h"
#include "discovery/mdns.h"

#define QUERIER_LINKS_MAX	64
#define QUERIER_INSTANCES_MAX	256
#define QUERIER_RECORDS_MAX	2048
#define QUERIER_ADDRESSES_MAX	16	/* of an instance, on all links */

struct querier;

struct querier_address {
	uint32_t	link;		/* where it is good */
	int		v6;
	uint8_t		bytes[16];	/* 4 for IPv4, the rest 0 */
};

struct querier_service {
	struct dns_name	instance, host;
	uint32_t	source;		/* of who was first to say so */
	uint16_t	port;
	uint16_t	txtlen;
	uint8_t		txt[CACHE_RDATA_MAX];
	unsigned int	naddresses;
	struct querier_address address[QUERIER_ADDRESSES_MAX];
};

enum querier_event {
	QUERIER_NONE,
	QUERIER_FOUND,
	QUERIER_CHANGED,
	QUERIER_GONE,		/* the service as it was reported last */
	QUERIER_EVICTED		/* the same: it may be there, but no room is */
};

struct querier_stats {
	size_t		instances, resolved, records;
	uint64_t	evicted_instances, evicted_records;
};

/*
 * A querier for a service type ("_nws._tcp.local"); random is copied.  NULL
 * without memory or when the type is no name.
 */
struct querier *querier_new(const char *type, const struct mdns_random *);
void	querier_free(struct querier *);

/*
 * A link is there, for packets of at most max_bytes: asking begins anew.
 * Returns 0, or -1 when there are QUERIER_LINKS_MAX.
 */
int	querier_set_link(struct querier *, uint32_t id, size_t max_bytes,
	    uint64_t now);

/* A link went, and all that was learned on it. */
void	querier_delete_link(struct querier *, uint32_t id, uint64_t now);

/*
 * A packet that came in on a link.  Returns 0, or -1 when it is malformed.
 */
int	querier_input(struct querier *, uint32_t link,
	    const struct mdns_from *, const uint8_t *, size_t, uint64_t now);

/* When querier_run has something to do, MDNS_NEVER for not at all. */
uint64_t querier_due(struct querier *);

/* Forgets what has ended, sends what is due. */
void	querier_run(struct querier *, uint64_t now,
	    const struct mdns_sender *);

/*
 * The next change since the last call, QUERIER_NONE when there is no more; to
 * be called until then after each packet, run and change of links.
 */
enum querier_event querier_report(struct querier *, struct querier_service *);

/* All that were found are reported as found once more. */
void	querier_retell(struct querier *);

/*
 * Keeps an instance and its records when others are thrown out (a link to it is
 * in use), or no longer.
 */
void	querier_pin(struct querier *, const struct dns_name *name,
	    int pin);

/*
 * An instance could not be reached: what is known of it ends in ten seconds,
 * unless it is confirmed, for which is asked now (RFC 6762, 10.4).
 */
void	querier_doubt(struct querier *, const struct dns_name *name,
	    uint64_t now);

void	querier_stats(const struct querier *, struct querier_stats *);

#endif
