/*
 * Origins and addresses of clients.  See source.h.  Frontend; keys come from
 * clients and are only compared.
 */
#include <stdlib.h>
#include <string.h>

#include "source.h"

#define BUCKETS	256	/* chains stay short: few origins, few addresses */

static struct source *table[BUCKETS];

static struct source **
source_bucket(const char *key, size_t len)
{
	uint32_t	h = 2166136261u;	/* FNV-1a */
	size_t		i;

	for (i = 0; i < len; i++)
		h = (h ^ (uint8_t)key[i]) * 16777619u;
	return (&table[(h ^ h >> 16) % BUCKETS]);
}

struct source *
source_ref(const char *key, size_t len)
{
	struct source	**b = source_bucket(key, len), *s;

	for (s = *b; s != NULL; s = s->next)
		if (s->len == len && memcmp(s->key, key, len) == 0) {
			s->refs++;
			return (s);
		}
	if ((s = calloc(1, sizeof(*s) + len + 1)) == NULL)
		return (NULL);
	s->refs = 1;
	s->len = (uint32_t)len;
	memcpy(s->key, key, len);
	s->next = *b;
	*b = s;
	return (s);
}

void
source_unref(struct source *s)
{
	struct source	**b;

	if (s == NULL || --s->refs > 0)
		return;
	for (b = source_bucket(s->key, s->len); *b != s; b = &(*b)->next)
		;
	*b = s->next;
	free(s);
}
