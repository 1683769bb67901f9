/*
 * What the querier says of instances to its owner, and what the owner may say
 * of them.  Pure; of the discovery process.
 */
#include <stdlib.h>
#include <string.h>

#include "discovery/querier_private.h"

/* Bytes behind the name stay 0, so that services can be compared as a whole. */
static void
name_copy(struct dns_name *to, const struct dns_name *from)
{
	to->len = from->len;
	memcpy(to->bytes, from->bytes, from->len);
}

/* The entry that was confirmed last. */
static struct cache_entry *
latest(struct querier *q, const struct dns_name *name, uint16_t type)
{
	struct cache_entry *e, *best = NULL;

	for (e = cache_first(&q->cache, name, type); e != NULL;
	     e = cache_next(e))
		if (best == NULL || e->received_ms > best->received_ms)
			best = e;
	return (best);
}

static void
collect(struct querier *q, struct querier_service *s, uint16_t type)
{
	struct querier_address *a;
	struct cache_entry *e;

	for (e = cache_first(&q->cache, &s->host, type); e != NULL;
	     e = cache_next(e)) {
		if (s->naddresses == QUERIER_ADDRESSES_MAX)
			return;
		a = &s->address[s->naddresses++];
		a->link = e->link;
		a->v6 = type == DNS_AAAA;
		memcpy(a->bytes, e->rdata, e->rdlen);
	}
}

/* All that is known of an instance; whether that is enough to reach it. */
static int
service_make(struct querier *q, const struct instance *i,
    struct querier_service *s)
{
	struct cache_entry *srv, *txt;
	struct dns_record rr;

	memset(s, 0, sizeof(*s));
	name_copy(&s->instance, &i->name);
	s->source = i->source;
	srv = latest(q, &i->name, DNS_SRV);
	txt = latest(q, &i->name, DNS_TXT);
	if (srv == NULL || txt == NULL)
		return (0);
	cache_record(srv, q->now, &rr);
	name_copy(&s->host, &rr.u.srv.target);
	s->port = rr.u.srv.port;
	s->txtlen = txt->rdlen;
	memcpy(s->txt, txt->rdata, txt->rdlen);
	collect(q, s, DNS_AAAA);
	collect(q, s, DNS_A);
	return (s->naddresses > 0);
}

static int
instance_there(struct querier *q, const struct instance *i)
{
	size_t n;

	for (n = 0; n < QUERIER_LINKS_MAX; n++)
		if (querier_pointer(q, i, n) != NULL)
			return (1);
	return (0);
}

/* Looks at one anew; it may be freed. */
static enum querier_event
instance_look(struct querier *q, struct instance *i, struct querier_service *s)
{
	int resolved;

	i->stale = 0;
	TAILQ_REMOVE(&q->stale, i, by_stale);
	if (!instance_there(q, i)) {
		/* If it was reported, its going is. */
		querier_instance_remove(q, i);
		return (QUERIER_NONE);
	}
	resolved = service_make(q, i, s);
	querier_instance_resolved(q, i, resolved);
	if (!resolved && !i->told)
		return (QUERIER_NONE);
	if (!resolved) {
		i->told = i->again = 0;
		*s = i->service;
		return (QUERIER_GONE);
	}
	if (!i->told || i->again) {
		i->told = 1;
		i->again = 0;
		i->service = *s;
		return (QUERIER_FOUND);
	}
	if (memcmp(s, &i->service, sizeof(*s)) == 0)
		return (QUERIER_NONE);
	i->service = *s;
	return (QUERIER_CHANGED);
}

enum querier_event
querier_report(struct querier *q, struct querier_service *s)
{
	enum querier_event event;
	struct instance *i;

	for (;;) {
		if ((i = TAILQ_FIRST(&q->left)) != NULL) {
			TAILQ_REMOVE(&q->left, i, by_age);
			q->nleft--;
			*s = i->service;
			event = i->evicted ? QUERIER_EVICTED : QUERIER_GONE;
			free(i);
			return (event);
		}
		if ((i = TAILQ_FIRST(&q->stale)) == NULL)
			return (QUERIER_NONE);
		if ((event = instance_look(q, i, s)) != QUERIER_NONE)
			return (event);
	}
}

void
querier_retell(struct querier *q)
{
	struct instance *i;
	int n;

	for (n = 0; n < QUERIER_AGES; n++)
		TAILQ_FOREACH(i, &q->by_age[n], by_age) {
			if (!i->told)
				continue;
			/* One that goes before that is told to be gone. */
			i->again = 1;
			if (i->stale)
				continue;
			i->stale = 1;
			TAILQ_INSERT_TAIL(&q->stale, i, by_stale);
		}
}

/*
 * All entries of an instance, in turn.
 */
static void
each_entry(struct querier *q, struct instance *i,
    void (*f)(struct querier *, struct cache_entry *, int), int arg)
{
	static const uint16_t types[] = { DNS_SRV, DNS_TXT, DNS_A, DNS_AAAA };
	const struct dns_name *name;
	struct cache_entry *e;
	size_t n;

	for (n = 0; n < QUERIER_LINKS_MAX; n++)
		if ((e = querier_pointer(q, i, n)) != NULL)
			f(q, e, arg);
	for (n = 0; n < sizeof(types) / sizeof(types[0]); n++) {
		name = types[n] == DNS_SRV || types[n] == DNS_TXT ? &i->name :
								    &i->host;
		if (name->len == 0)
			continue;
		for (e = cache_first(&q->cache, name, types[n]); e != NULL;
		     e = cache_next(e))
			f(q, e, arg);
	}
}

static void
entry_keep(struct querier *q, struct cache_entry *e, int keep)
{
	cache_keep(&q->cache, e, keep);
}

static void
entry_doubt(struct querier *q, struct cache_entry *e, int unused)
{
	(void)unused;
	cache_doubt(&q->cache, e, q->now);
	querier_refresh(q, e);
}

void
querier_pin(struct querier *q, const struct dns_name *name, int pin)
{
	struct instance *i;

	if ((i = querier_instance(q, name)) == NULL)
		return;
	querier_instance_pin(q, i, pin);
	each_entry(q, i, entry_keep, pin);
}

void
querier_doubt(struct querier *q, const struct dns_name *name, uint64_t now)
{
	struct instance *i;

	q->now = now;
	if ((i = querier_instance(q, name)) != NULL)
		each_entry(q, i, entry_doubt, 0);
}

void
querier_stats(const struct querier *q, struct querier_stats *s)
{
	s->instances = q->count;
	s->resolved = q->nresolved;
	s->records = q->cache.count;
	s->evicted_instances = q->evicted;
	s->evicted_records = q->cache.evicted;
}
