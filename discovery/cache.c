/*
 * The cache of multicast DNS (RFC 6762, 10).  Pure but for malloc; owned by the
 * querier of the discovery process.  What is in it came from the network: all
 * orders are trees, so that chosen names cost no more than others.
 */
#include <sys/queue.h>

#include <bsd/sys/tree.h>
#include <stdlib.h>
#include <string.h>

#include "discovery/cache.h"
#include "discovery/mdns.h"

#define POINTS 4 /* at 80, 85, 90 and 95 % */
#define POINT_FIRST 80
#define POINT_STEP 5
#define SRV_FIXED 6 /* bytes before the target */

static uint8_t
fold(uint8_t c)
{
	return (c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c);
}

/* Names inside of data are compared as names are. */
static int
rdata_compare(const struct cache_entry *a, const struct cache_entry *b)
{
	size_t i, exact;
	int d;

	if (a->rdlen != b->rdlen)
		return (a->rdlen < b->rdlen ? -1 : 1);
	exact = a->type == DNS_PTR ? 0 :
	    a->type == DNS_SRV	   ? SRV_FIXED :
				     a->rdlen;
	for (i = 0; i < a->rdlen; i++) {
		d = i < exact ? a->rdata[i] - b->rdata[i] :
				fold(a->rdata[i]) - fold(b->rdata[i]);
		if (d != 0)
			return (d);
	}
	return (0);
}

static int
key_compare(struct cache_entry *a, struct cache_entry *b)
{
	int d;

	if ((d = dns_name_compare(&a->name, &b->name)) != 0)
		return (d);
	if (a->type != b->type)
		return (a->type < b->type ? -1 : 1);
	if (a->link != b->link)
		return (a->link < b->link ? -1 : 1);
	return (rdata_compare(a, b));
}

static int
due_compare(struct cache_entry *a, struct cache_entry *b)
{
	if (a->due_ms != b->due_ms)
		return (a->due_ms < b->due_ms ? -1 : 1);
	return (a->number < b->number ? -1 : a->number > b->number);
}

/* libbsd's RB_GENERATE_STATIC makes functions that nobody calls. */
#define UNUSED __attribute__((__unused__)) static
RB_PROTOTYPE_INTERNAL(cache_key_tree, cache_entry, by_key, key_compare, UNUSED);
RB_PROTOTYPE_INTERNAL(cache_due_tree, cache_entry, by_due, due_compare, UNUSED);
RB_GENERATE_INTERNAL(cache_key_tree, cache_entry, by_key, key_compare, UNUSED)
RB_GENERATE_INTERNAL(cache_due_tree, cache_entry, by_due, due_compare, UNUSED)

void
cache_init(struct cache *c, size_t max,
    void (*gone)(void *, const struct cache_entry *), void *arg)
{
	memset(c, 0, sizeof(*c));
	RB_INIT(&c->by_key);
	RB_INIT(&c->by_due);
	TAILQ_INIT(&c->by_age[0]);
	TAILQ_INIT(&c->by_age[1]);
	c->max = max;
	c->gone = gone;
	c->arg = arg;
}

static void
entry_free(struct cache *c, struct cache_entry *e)
{
	RB_REMOVE(cache_key_tree, &c->by_key, e);
	RB_REMOVE(cache_due_tree, &c->by_due, e);
	TAILQ_REMOVE(&c->by_age[e->kept], e, by_age);
	c->count--;
	free(e);
}

void
cache_clear(struct cache *c)
{
	struct cache_entry *e;

	while ((e = RB_ROOT(&c->by_key)) != NULL)
		entry_free(c, e);
}

void
cache_remove(struct cache *c, struct cache_entry *e)
{
	if (c->gone != NULL)
		c->gone(c->arg, e);
	entry_free(c, e);
}

void
cache_remove_link(struct cache *c, uint32_t link)
{
	struct cache_entry *e, *next;

	for (e = cache_begin(c); e != NULL; e = next) {
		next = cache_after(e);
		if (e->link == link)
			cache_remove(c, e);
	}
}

/* When the next refresh point is, or the end when all are behind. */
static void
entry_schedule(struct cache *c, struct cache_entry *e)
{
	uint64_t percent, whole = (uint64_t)e->ttl * 1000, due;

	RB_REMOVE(cache_due_tree, &c->by_due, e);
	e->due_ms = e->expires_ms;
	if (e->point < POINTS) {
		percent = POINT_FIRST + POINT_STEP * (uint64_t)e->point;
		due = e->received_ms + whole * percent / 100 +
		    whole * 2 / 100 * e->jitter / CACHE_JITTER_MAX;
		if (due < e->due_ms)
			e->due_ms = due;
	}
	RB_INSERT(cache_due_tree, &c->by_due, e);
}

/* Nobody asks for what is going anyway. */
static void
entry_end(struct cache *c, struct cache_entry *e, uint64_t when)
{
	if (when >= e->expires_ms)
		return;
	e->expires_ms = when;
	e->point = POINTS;
	entry_schedule(c, e);
}

static void
entry_renew(struct cache *c, struct cache_entry *e, uint32_t ttl,
    uint32_t jitter, uint64_t now)
{
	e->ttl = ttl > CACHE_TTL_MAX ? CACHE_TTL_MAX : ttl;
	e->jitter = jitter > CACHE_JITTER_MAX ? CACHE_JITTER_MAX : jitter;
	e->received_ms = now;
	e->expires_ms = now + (uint64_t)e->ttl * 1000;
	e->point = 0;
	e->ask = 0;
	e->doubted = 0;
	entry_schedule(c, e);
	TAILQ_REMOVE(&c->by_age[e->kept], e, by_age);
	TAILQ_INSERT_TAIL(&c->by_age[e->kept], e, by_age);
}

static struct cache_entry *
entry_new(struct cache *c, const struct cache_entry *key)
{
	struct cache_entry *e;
	uint8_t *rdata;

	if ((e = malloc(sizeof(*e) + key->rdlen)) == NULL)
		return (NULL);
	*e = *key;
	rdata = (uint8_t *)(e + 1);
	memcpy(rdata, key->rdata, key->rdlen);
	e->rdata = rdata;
	e->number = ++c->number;
	RB_INSERT(cache_key_tree, &c->by_key, e);
	RB_INSERT(cache_due_tree, &c->by_due, e);
	TAILQ_INSERT_TAIL(&c->by_age[0], e, by_age);
	c->count++;
	return (e);
}

static void
evict(struct cache *c, struct cache_entry *e)
{
	c->evicted++;
	cache_remove(c, e);
}

/* Makes room for one more of the key's name, type and link. */
static void
make_room_of_name(struct cache *c, const struct cache_entry *key,
    size_t per_name)
{
	struct cache_entry *e, *oldest = NULL;
	size_t n = 0;

	for (e = cache_first_on(c, &key->name, key->type, key->link);
	     e != NULL && e->link == key->link; e = cache_next(e)) {
		n++;
		if (oldest == NULL || e->kept < oldest->kept ||
		    (e->kept == oldest->kept &&
			e->received_ms < oldest->received_ms))
			oldest = e;
	}
	if (oldest != NULL && n >= per_name)
		evict(c, oldest);
}

static void
make_room(struct cache *c)
{
	struct cache_entry *e;

	if (c->count < c->max)
		return;
	if ((e = TAILQ_FIRST(&c->by_age[0])) != NULL ||
	    (e = TAILQ_FIRST(&c->by_age[1])) != NULL)
		evict(c, e);
}

/* The others of a record that came with the cache-flush bit (10.2). */
static void
flush(struct cache *c, const struct cache_entry *key, uint64_t now)
{
	struct cache_entry *e;

	for (e = cache_first_on(c, &key->name, key->type, key->link);
	     e != NULL && e->link == key->link; e = cache_next(e))
		if (now - e->received_ms > CACHE_GRACE_MS)
			entry_end(c, e, now + CACHE_GRACE_MS);
}

/* What a record is found by; the key points into rdata. */
static int
key_make(struct cache_entry *key, uint8_t rdata[CACHE_RDATA_MAX], uint32_t link,
    const struct dns_record *r)
{
	int n;

	if ((n = dns_rdata_write(r, rdata, CACHE_RDATA_MAX)) == -1)
		return (-1);
	memset(key, 0, sizeof(*key));
	key->name = r->name;
	key->type = r->type;
	key->link = link;
	key->rdlen = (uint16_t)n;
	key->rdata = rdata;
	return (0);
}

struct cache_entry *
cache_find(struct cache *c, uint32_t link, const struct dns_record *r)
{
	struct cache_entry key;
	uint8_t rdata[CACHE_RDATA_MAX];

	if (key_make(&key, rdata, link, r) == -1)
		return (NULL);
	return (RB_FIND(cache_key_tree, &c->by_key, &key));
}

enum cache_put
cache_put(struct cache *c, uint32_t link, const struct dns_record *r,
    size_t per_name, uint32_t jitter, uint64_t now, struct cache_entry **entry)
{
	struct cache_entry *e, key;
	enum cache_put result = CACHE_RENEWED;
	uint8_t rdata[CACHE_RDATA_MAX];

	if (entry != NULL)
		*entry = NULL;
	if (key_make(&key, rdata, link, r) == -1)
		return (CACHE_REFUSED);
	e = RB_FIND(cache_key_tree, &c->by_key, &key);
	if (r->ttl == 0) {
		if (e == NULL)
			return (CACHE_NOTHING);
		entry_end(c, e, now + CACHE_GRACE_MS);
		result = CACHE_LEAVING;
	} else {
		if (e == NULL) {
			if (per_name > 0)
				make_room_of_name(c, &key, per_name);
			make_room(c);
			result = CACHE_NEW;
			if ((e = entry_new(c, &key)) == NULL)
				return (CACHE_REFUSED);
		}
		entry_renew(c, e, r->ttl, jitter, now);
		if (r->flush && per_name > 0)
			flush(c, &key, now);
	}
	if (entry != NULL)
		*entry = e;
	return (result);
}

struct cache_entry *
cache_first_on(struct cache *c, const struct dns_name *name, uint16_t type,
    uint32_t link)
{
	struct cache_entry *e, key;

	memset(&key, 0, sizeof(key));
	key.name = *name;
	key.type = type;
	key.link = link;
	e = RB_NFIND(cache_key_tree, &c->by_key, &key);
	if (e == NULL || e->type != type || !dns_name_same(&e->name, name))
		return (NULL);
	return (e);
}

struct cache_entry *
cache_first(struct cache *c, const struct dns_name *name, uint16_t type)
{
	return (cache_first_on(c, name, type, 0));
}

struct cache_entry *
cache_next(struct cache_entry *e)
{
	struct cache_entry *next = cache_after(e);

	if (next == NULL || next->type != e->type ||
	    !dns_name_same(&next->name, &e->name))
		return (NULL);
	return (next);
}

struct cache_entry *
cache_begin(struct cache *c)
{
	return (RB_MIN(cache_key_tree, &c->by_key));
}

struct cache_entry *
cache_after(struct cache_entry *e)
{
	return (RB_NEXT(cache_key_tree, NULL, e));
}

uint64_t
cache_due(struct cache *c)
{
	struct cache_entry *e = RB_MIN(cache_due_tree, &c->by_due);

	return (e == NULL ? MDNS_NEVER : e->due_ms);
}

struct cache_entry *
cache_turn(struct cache *c, uint64_t now)
{
	struct cache_entry *e;

	while ((e = RB_MIN(cache_due_tree, &c->by_due)) != NULL) {
		if (e->due_ms > now)
			return (NULL);
		if (e->expires_ms <= now) {
			cache_remove(c, e);
			continue;
		}
		/* Points that passed unseen are behind it too. */
		while (e->point < POINTS && e->due_ms <= now) {
			e->point++;
			entry_schedule(c, e);
		}
		return (e);
	}
	return (NULL);
}

void
cache_keep(struct cache *c, struct cache_entry *e, int keep)
{
	if (e->kept == (keep != 0))
		return;
	TAILQ_REMOVE(&c->by_age[e->kept], e, by_age);
	e->kept = keep != 0;
	TAILQ_INSERT_TAIL(&c->by_age[e->kept], e, by_age);
}

void
cache_doubt(struct cache *c, struct cache_entry *e, uint64_t now)
{
	if (now + CACHE_DOUBT_MS >= e->expires_ms)
		return;
	e->doubted = 1;
	e->received_ms = now;
	e->ttl = CACHE_DOUBT_MS / 1000;
	e->expires_ms = now + CACHE_DOUBT_MS;
	e->point = 0;
	entry_schedule(c, e);
}

void
cache_record(const struct cache_entry *e, uint64_t now, struct dns_record *r)
{
	memset(r, 0, sizeof(*r));
	r->name = e->name;
	r->type = e->type;
	r->class = DNS_IN;
	r->ttl = e->expires_ms > now ?
	    (uint32_t)((e->expires_ms - now) / 1000) :
	    0;
	/* It was written by us, so it can be read. */
	(void)dns_rdata_read(r, e->rdata, e->rdlen);
}

int
cache_fresh(const struct cache_entry *e, uint64_t now)
{
	return (!e->doubted && e->expires_ms > now &&
	    e->expires_ms - now > (uint64_t)e->ttl * 500);
}
