/*
 * Limits that outlive links, see buckets.h.  Runs in crypto.  The keys come
 * from the network, so the tables are bounded: who has ever more addresses gets
 * ever more buckets anyway, evicting his own.
 *
 * Kept by a keyed hash of 64 bits alone; two keys of one hash, which nobody can
 * look for, would share a bucket.
 */
#include <stdlib.h>

#include "common/hash.h"
#include "crypto/buckets.h"

#define LOOK_MAX	64	/* old ones looked at, one bucket is needed */

static struct bucket	*oldest(const struct buckets *, uint64_t);

void
buckets_init(struct buckets *bs, size_t max)
{
	bs->map = (struct idmap){ 0 };
	TAILQ_INIT(&bs->list);
	bs->max = max;
}

static void
bucket_free(struct buckets *bs, struct bucket *b)
{
	(void)idmap_del(&bs->map, b->hash);
	TAILQ_REMOVE(&bs->list, b, entry);
	free(b);
}

void
buckets_clear(struct buckets *bs)
{
	struct bucket	*b;

	while ((b = TAILQ_FIRST(&bs->list)) != NULL)
		bucket_free(bs, b);
	idmap_clear(&bs->map);
}

struct bucket *
bucket_ref(struct buckets *bs, const void *key, size_t len, uint64_t now_ms)
{
	struct bucket	*b, *old;
	uint64_t	 hash = hash_bytes(key, len);

	if (hash == 0)
		hash = 1;
	if ((b = idmap_get(&bs->map, hash)) != NULL) {
		TAILQ_REMOVE(&bs->list, b, entry);
		TAILQ_INSERT_TAIL(&bs->list, b, entry);
		b->refs++;
		return (b);
	}
	while (bs->map.count >= bs->max) {
		if ((old = oldest(bs, now_ms)) == NULL)
			return (NULL);
		bucket_free(bs, old);
	}
	if ((b = calloc(1, sizeof(*b))) == NULL)
		return (NULL);
	b->hash = hash;
	if (idmap_put(&bs->map, hash, b) == -1) {
		free(b);
		return (NULL);
	}
	TAILQ_INSERT_TAIL(&bs->list, b, entry);
	b->refs = 1;
	return (b);
}

void
bucket_unref(struct buckets *bs, struct bucket *b)
{
	if (b == NULL)
		return;
	b->refs--;
	TAILQ_REMOVE(&bs->list, b, entry);
	TAILQ_INSERT_TAIL(&bs->list, b, entry);
}

/* Which one makes room. */
static struct bucket *
oldest(const struct buckets *bs, uint64_t now_ms)
{
	struct bucket	*b, *first = NULL;
	unsigned int	 looked = 0;

	TAILQ_FOREACH(b, &bs->list, entry) {
		if (b->refs > 0)
			continue;
		if (match_limit_wait(&b->limit, MATCH_ELEMENTS_BURST,
		    now_ms) == 0)
			return (b);
		if (first == NULL)
			first = b;
		if (++looked == LOOK_MAX)
			break;
	}
	return (first);
}
