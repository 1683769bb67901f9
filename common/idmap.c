/*
 * The map of idmap.h: linear probing, and deletion that moves back what probed
 * past the hole, so that there are no tombstones and a map which has shrunk is
 * as fast as a new one.  Runs in every process; owns the array of slots.
 */
#include "idmap.h"

#include <errno.h>
#include <stdlib.h>

#include "hash.h"

#define BITS_MIN	4u	/* 16 slots, 256 bytes */
#define BITS_MAX	40u

static size_t
slots(const struct idmap *m)
{
	return (m->slot == NULL ? 0 : (size_t)1 << m->bits);
}

/*
 * Where an id belongs: the product's top bits depend on all bits of the id, and
 * on a salt that nobody outside knows.
 */
static size_t
home(const struct idmap *m, uint64_t id)
{
	return ((size_t)((id * m->salt) >> (64 - m->bits)));
}

/* The slot of the id, or the free one where it would go; slots are there. */
static struct idmap_slot *
find(const struct idmap *m, uint64_t id)
{
	size_t mask = slots(m) - 1, i = home(m, id);

	while (m->slot[i].id != 0 && m->slot[i].id != id)
		i = (i + 1) & mask;
	return (&m->slot[i]);
}

static int
resize(struct idmap *m, unsigned int bits)
{
	struct idmap next;
	size_t i;

	if (bits > BITS_MAX) {
		errno = ENOMEM;
		return (-1);
	}
	next = *m;
	next.bits = bits;
	next.slot = calloc((size_t)1 << bits, sizeof(*next.slot));
	if (next.slot == NULL)
		return (-1);
	/* Chosen with the first slots and kept: two maps differ in it. */
	if (next.salt == 0)
		next.salt = hash_salt() | 1;
	for (i = 0; i < slots(m); i++)
		if (m->slot[i].id != 0)
			*find(&next, m->slot[i].id) = m->slot[i];
	free(m->slot);
	*m = next;
	return (0);
}

void *
idmap_get(const struct idmap *m, uint64_t id)
{
	if (m->slot == NULL || id == 0)
		return (NULL);
	return (find(m, id)->value);
}

int
idmap_put(struct idmap *m, uint64_t id, void *value)
{
	struct idmap_slot *s;

	if (id == 0 || value == NULL) {
		errno = EINVAL;
		return (-1);
	}
	if (m->slot == NULL && resize(m, BITS_MIN) == -1)
		return (-1);
	s = find(m, id);
	if (s->id == id) {
		s->value = value;
		return (0);
	}
	if ((m->count + 1) * 4 > slots(m) * 3) {
		if (resize(m, m->bits + 1) == -1)
			return (-1);
		s = find(m, id);
	}
	s->id = id;
	s->value = value;
	m->count++;
	return (0);
}

/* Fills the hole at i with what comes after it and belongs at or before it. */
static void
close_hole(struct idmap *m, size_t i)
{
	size_t mask = slots(m) - 1, j = i;

	for (;;) {
		j = (j + 1) & mask;
		if (m->slot[j].id == 0)
			break;
		/* How far j is from its home, against how far from the hole. */
		if (((j - home(m, m->slot[j].id)) & mask) >= ((j - i) & mask)) {
			m->slot[i] = m->slot[j];
			i = j;
		}
	}
	m->slot[i].id = 0;
	m->slot[i].value = NULL;
}

void *
idmap_del(struct idmap *m, uint64_t id)
{
	struct idmap_slot *s;
	void *value;

	if (m->slot == NULL || id == 0)
		return (NULL);
	s = find(m, id);
	if (s->id == 0)
		return (NULL);
	value = s->value;
	close_hole(m, (size_t)(s - m->slot));
	m->count--;
	/* Half of the slots will do, and leaves two thirds of them free. */
	if (m->bits > BITS_MIN && m->count * 6 < slots(m))
		(void)resize(m, m->bits - 1);
	return (value);
}

void *
idmap_iterate(const struct idmap *m, size_t *at, uint64_t *id)
{
	size_t i;

	for (i = *at; i < slots(m); i++) {
		if (m->slot[i].id == 0)
			continue;
		if (id != NULL)
			*id = m->slot[i].id;
		*at = i + 1;
		return (m->slot[i].value);
	}
	*at = i;
	return (NULL);
}

void
idmap_clear(struct idmap *m)
{
	free(m->slot);
	m->slot = NULL;
	m->count = 0;
	m->bits = 0;
}

size_t
idmap_memory(const struct idmap *m)
{
	return (slots(m) * sizeof(*m->slot));
}
