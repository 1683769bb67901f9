/*
 * Where clients come from, an origin or an address: how many there are of each,
 * and how fast they may send together.  Shared by the clients of one frontend.
 */
#ifndef FRONTEND_SOURCE_H
#define FRONTEND_SOURCE_H

#include <stddef.h>
#include <stdint.h>

struct source {
	struct source	*next;		/* in the hash table */
	uint32_t	 refs;
	uint32_t	 len;
	int64_t		 rate_tat_ns;	/* see rate.h */
	char		 key[];		/* NUL-terminated as well */
};

/*
 * The source of that key, counted once more; NULL when out of memory.
 * source_unref(NULL) is fine.
 */
struct source	*source_ref(const char *key, size_t len);
void		 source_unref(struct source *);

#endif
