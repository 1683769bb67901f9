/*
 * A map from 64-bit ids to pointers: open addressing, 16 bytes for each slot,
 * between 1/6 and 3/4 of them in use, so 21 to 107 bytes for each id and 32 on
 * average while it grows.  Ids may come from a process that is not trusted: a
 * salt of each map keeps chosen ones from meeting in one place.
 */
#ifndef COMMON_IDMAP_H
#define COMMON_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct idmap_slot {
	uint64_t	 id;		/* 0: free */
	void		*value;
};

/*
 * A zeroed struct is an empty map and holds no memory.  All members are private
 * but count, which may be read.
 */
struct idmap {
	struct idmap_slot	*slot;
	size_t			 count;		/* ids in the map */
	uint64_t		 salt;		/* odd */
	unsigned int		 bits;		/* 1 << bits slots */
};

/* The value of an id, or NULL; the id 0 is never in a map. */
void	*idmap_get(const struct idmap *, uint64_t id);

/*
 * Sets the value, which must not be NULL, of an id, which must not be 0; the
 * map does not own it.  Returns 0; or -1 with errno ENOMEM and the map as it
 * was, or EINVAL.  Replacing the value of an id that is there cannot fail.
 */
int	 idmap_put(struct idmap *, uint64_t id, void *value);

/*
 * Takes an id out and returns its value, NULL when it was not there.  Never
 * fails: where there is no memory to shrink, the map stays as large as it is.
 */
void	*idmap_del(struct idmap *, uint64_t id);

/*
 * Walks the map in no order: begin with *at = 0; returns the next value and, if
 * id is not NULL, its id, or NULL at the end.  The map must not change on the
 * way, but for the value of an id that is there.
 */
void	*idmap_iterate(const struct idmap *, size_t *at, uint64_t *id);

/* Frees what the map itself holds; it is empty then and may be used again. */
void	 idmap_clear(struct idmap *);

/* Bytes that the map itself holds. */
size_t	 idmap_memory(const struct idmap *);

#endif
