/*
 * How much each peer, or each address, has guessed of late (match.h), for
 * longer than its links live: ending a link and making a new one gains nothing.
 */
#ifndef CRYPTO_BUCKETS_H
#define CRYPTO_BUCKETS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/idmap.h"
#include "crypto/match.h"

struct bucket {
	TAILQ_ENTRY(bucket)	 entry;	/* longest unused first */
	uint64_t		 hash;
	uint32_t		 refs;
	struct match_limit	 limit;
};

struct buckets {
	struct idmap		 map;	/* by hash of the key */
	TAILQ_HEAD(, bucket)	 list;
	size_t			 max;	/* of buckets, may be set */
};

void	buckets_init(struct buckets *, size_t max);
/* Forgets all of them, held or not. */
void	buckets_clear(struct buckets *);

/*
 * The bucket of a key, kept at least until as many bucket_unref().  At the
 * bound the oldest one that nobody holds and that is full again makes room;
 * where no old one is full, the oldest that nobody holds.  NULL when out of
 * memory or when all are held.
 */
struct bucket *bucket_ref(struct buckets *, const void *, size_t,
		    uint64_t now_ms);
void	bucket_unref(struct buckets *, struct bucket *);

#endif
