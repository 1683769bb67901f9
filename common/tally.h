/*
 * Counts for keys of bytes, such as how many clients an origin or an address
 * has: each key is kept once, for as long as its count is not 0, and whoever is
 * counted holds a pointer to it.
 */
#ifndef COMMON_TALLY_H
#define COMMON_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "idmap.h"

struct tally_key {
	struct tally_key	*next;	/* same hash */
	uint64_t		 hash;
	uint32_t		 count;
	uint32_t		 len;
	uint8_t			 bytes[];
};

/* A zeroed struct is an empty one. */
struct tally {
	struct idmap	keys;	/* by hash */
	size_t		count;	/* different keys; may be read */
};

/*
 * Adds one to the count of the len bytes and returns their key, which lives
 * until as many tally_unref(); NULL when out of memory or at UINT32_MAX, with
 * nothing changed.
 */
struct tally_key *tally_ref(struct tally *, const void *, size_t len);

/* Takes one off again; the key may be gone then.  NULL does nothing. */
void	 tally_unref(struct tally *, struct tally_key *);

/* The count of the len bytes, 0 when they are not there. */
uint32_t tally_count(const struct tally *, const void *, size_t len);

/* The largest count of all; looks at every key. */
uint32_t tally_largest(const struct tally *);

#endif
