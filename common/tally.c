/*
 * The counts of tally.h: an idmap by hash, with a chain for the keys that have
 * the same one.  Runs in every process; owns the keys.
 */
#include "tally.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"

/* 0 is no id for an idmap. */
static uint64_t
key_hash(const void *bytes, size_t len)
{
	uint64_t h = hash_bytes(bytes, len);

	return (h == 0 ? 1 : h);
}

static struct tally_key *
key_find(const struct tally *t, uint64_t hash, const void *bytes, size_t len)
{
	struct tally_key *k;

	for (k = idmap_get(&t->keys, hash); k != NULL; k = k->next)
		if (k->len == len &&
		    (len == 0 || memcmp(k->bytes, bytes, len) == 0))
			return (k);
	return (NULL);
}

struct tally_key *
tally_ref(struct tally *t, const void *bytes, size_t len)
{
	struct tally_key *k;
	uint64_t hash = key_hash(bytes, len);

	k = key_find(t, hash, bytes, len);
	if (k != NULL) {
		if (k->count == UINT32_MAX)
			return (NULL);
		k->count++;
		return (k);
	}
	if (len > UINT32_MAX || (k = malloc(sizeof(*k) + len)) == NULL)
		return (NULL);
	k->next = idmap_get(&t->keys, hash);
	k->hash = hash;
	k->count = 1;
	k->len = (uint32_t)len;
	if (len != 0)
		memcpy(k->bytes, bytes, len);
	if (idmap_put(&t->keys, hash, k) == -1) {
		free(k);
		return (NULL);
	}
	t->count++;
	return (k);
}

void
tally_unref(struct tally *t, struct tally_key *k)
{
	struct tally_key *first, **link;

	if (k == NULL || --k->count != 0)
		return;
	first = idmap_get(&t->keys, k->hash);
	for (link = &first; *link != k; link = &(*link)->next)
		;
	*link = k->next;
	if (first == NULL)
		idmap_del(&t->keys, k->hash);
	else
		(void)idmap_put(&t->keys, k->hash, first);
	free(k);
	t->count--;
}

uint32_t
tally_count(const struct tally *t, const void *bytes, size_t len)
{
	const struct tally_key *k;

	k = key_find(t, key_hash(bytes, len), bytes, len);
	return (k == NULL ? 0 : k->count);
}

uint32_t
tally_largest(const struct tally *t)
{
	const struct tally_key *k;
	uint32_t largest = 0;
	size_t at = 0;

	while ((k = idmap_iterate(&t->keys, &at, NULL)) != NULL)
		for (; k != NULL; k = k->next)
			if (k->count > largest)
				largest = k->count;
	return (largest);
}
