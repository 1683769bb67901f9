/*
 * Records that others announced, each for as long as it says (RFC 6762, 10),
 * pure.  Bounded: what was confirmed longest ago goes first, but not while
 * others are there what the owner marked to keep.
 */
#ifndef DISCOVERY_CACHE_H
#define DISCOVERY_CACHE_H

#include <sys/queue.h>

#include <bsd/sys/tree.h>

#include "discovery/dns.h"

#define CACHE_RDATA_MAX		512
#define CACHE_TTL_MAX		86400u	/* seconds; longer ones are cut */
#define CACHE_GRACE_MS		1000u	/* goodbye and flush (10.1, 10.2) */
#define CACHE_DOUBT_MS		10000u	/* RFC 6762, 10.4 */
#define CACHE_JITTER_MAX	1000u	/* stands for 2 % (RFC 6762, 5.2) */

/* Members may be read, and keep and ask written. */
struct cache_entry {
	RB_ENTRY(cache_entry)	 by_key, by_due;
	TAILQ_ENTRY(cache_entry) by_age;
	struct dns_name		 name;
	uint16_t		 type;
	uint32_t		 link;
	uint32_t		 ttl;		/* seconds, as received */
	uint64_t		 received_ms, expires_ms;
	uint64_t		 due_ms;	/* the next point, or the end */
	uint64_t		 number;	/* of its kind in the cache */
	uint32_t		 jitter;
	unsigned int		 point;		/* refresh points behind it */
	int			 kept;		/* which list it is in */
	int			 doubted;	/* not to be told as known */
	int			 ask;		/* the owner's own mark */
	uint16_t		 rdlen;
	const uint8_t		*rdata;		/* without compression */
};

RB_HEAD(cache_key_tree, cache_entry);
RB_HEAD(cache_due_tree, cache_entry);
TAILQ_HEAD(cache_list, cache_entry);

/* Members are private but count and evicted, which may be read. */
struct cache {
	struct cache_key_tree	 by_key;
	struct cache_due_tree	 by_due;
	struct cache_list	 by_age[2];	/* others; kept */
	size_t			 max, count;
	uint64_t		 number, evicted;
	void			(*gone)(void *, const struct cache_entry *);
	void			*arg;
};

enum cache_put {
	CACHE_REFUSED = -1,	/* no memory, too long, of no known type */
	CACHE_NOTHING,		/* a goodbye for what was not there */
	CACHE_NEW,
	CACHE_RENEWED,
	CACHE_LEAVING		/* a goodbye: goes in a second */
};

/*
 * An empty cache for max records, at least 1.  gone is told of each entry just
 * before it is freed, for whatever reason; it must not change the cache.
 */
void	cache_init(struct cache *, size_t max,
	    void (*gone)(void *, const struct cache_entry *), void *arg);

/* Frees all entries, without a word to gone. */
void	cache_clear(struct cache *);

/*
 * Takes in a record from a link.  Its cache-flush bit ends the others of the
 * same name, type and link that are older than a second, a second from now.  Of
 * one name, type and link at most per_name are held, of all names max: one more
 * removes the one that was confirmed longest ago.  With a per_name of 0 the
 * owner sees to that himself, and the cache-flush bit is ignored: for records
 * that several hosts share, one of which must not end those of the others.
 * jitter, from 0 to CACHE_JITTER_MAX, moves its refresh points.  *entry, which
 * may be NULL, is set for what is there then.
 */
enum cache_put cache_put(struct cache *, uint32_t link,
	    const struct dns_record *, size_t per_name, uint32_t jitter,
	    uint64_t now, struct cache_entry **entry);

/* The entry of a record from a link, NULL when it is not there. */
struct cache_entry *cache_find(struct cache *, uint32_t link,
	    const struct dns_record *);

/*
 * Entries of a name and type, those of one link beside each other: the first
 * one (of a link and later ones), and the next one.  NULL after the last.
 */
struct cache_entry *cache_first(struct cache *, const struct dns_name *,
	    uint16_t type);
struct cache_entry *cache_first_on(struct cache *, const struct dns_name *,
	    uint16_t type, uint32_t link);
struct cache_entry *cache_next(struct cache_entry *);

/* All entries, ordered by name, type and link. */
struct cache_entry *cache_begin(struct cache *);
struct cache_entry *cache_after(struct cache_entry *);

/* When cache_turn has to be called, MDNS_NEVER for an empty cache. */
uint64_t cache_due(struct cache *);

/*
 * Removes what has come to its end and returns an entry that has come to 80,
 * 85, 90 or 95 % of its time (RFC 6762, 5.2): who still wants it asks for it
 * now.  NULL when there is no more; call it until then.
 */
struct cache_entry *cache_turn(struct cache *, uint64_t now);

/* Moves an entry to those that are kept longer, or back. */
void	cache_keep(struct cache *, struct cache_entry *, int keep);

/*
 * Lets an entry end in ten seconds if nobody confirms it (RFC 6762, 10.4); it
 * comes to its refresh points on the way.
 */
void	cache_doubt(struct cache *, struct cache_entry *, uint64_t now);

void	cache_remove(struct cache *, struct cache_entry *);
void	cache_remove_link(struct cache *, uint32_t link);

/*
 * The entry as a record, with what is left of its time as TTL in seconds,
 * rounded down; points into the entry.
 */
void	cache_record(const struct cache_entry *, uint64_t now,
	    struct dns_record *);

/* Whether more than half of its time is left (RFC 6762, 7.1) and no doubt. */
int	cache_fresh(const struct cache_entry *, uint64_t now);

#endif
