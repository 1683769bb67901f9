/*
 * Where clients come from, an origin or an address: how many there are of each,
 * and how fast they may send together.  Shared by the clients of one frontend.
 */
#ifndef FRONTEND_SOURCE_H
#define FRONTEND_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "../common/conf.h"

struct source {
	struct source	*next;		/* in the hash table */
	uint32_t	 refs;
	uint32_t	 len;
	int64_t		 rate_tat_us;
	char		 key[];		/* NUL-terminated as well */
};

/*
 * The source of that key, counted once more; NULL when out of memory.
 * source_unref(NULL) is fine.
 */
struct source	*source_ref(const char *key, size_t len);
void		 source_unref(struct source *);

/*
 * Rates (GCRA).  *tat_us is the theoretical arrival time that the owner keeps,
 * 0 at first.  rate_wait() returns the microseconds until one more message may
 * pass, 0 for now; rate_take() takes it.
 */
int64_t		 rate_wait(const struct conf_rate *, int64_t tat_us,
		    int64_t now_us);
void		 rate_take(const struct conf_rate *, int64_t *tat_us,
		    int64_t now_us);

#endif
