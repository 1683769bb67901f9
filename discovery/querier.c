/*
 * The querier's life: which instances there are, what is known of them, and
 * what is asked when (RFC 6762, 5 and 7; RFC 6763, 4 to 6).  Pure but for
 * malloc; of the discovery process.  All that comes in is from anyone on the
 * network: only records that lead from the type to an address are taken into
 * the cache, and all that is searched for is in trees.
 */
#include <stdlib.h>
#include <string.h>

#include "discovery/querier_private.h"

#define DELAY_LEAST_MS 20u /* RFC 6762, 5.2 */
#define DELAY_MOST_MS 120u
#define INTERVAL_MS 1000u
#define INTERVAL_MAX_MS (3600u * 1000)
#define GAP_MS 100u	/* between packets of questions of a link */
#define AGAIN_MS 30000u /* until one is tried to be resolved again */
#define SAME_MS 500u	/* how near another's question must be */
#define SAME_MAX 2	/* of ours that others' may replace */
#define UNIQUE_MAX 4	/* SRV or TXT of an instance on a link */
#define ADDRESSES_MAX 8 /* of a family of a host on a link */

static int
name_compare(struct instance *a, struct instance *b)
{
	return (dns_name_compare(&a->name, &b->name));
}

static int
host_compare(struct instance *a, struct instance *b)
{
	int d;

	if ((d = dns_name_compare(&a->host, &b->host)) != 0)
		return (d);
	return (dns_name_compare(&a->name, &b->name));
}

/* libbsd's RB_GENERATE_STATIC makes functions that nobody calls. */
#define UNUSED __attribute__((__unused__)) static
RB_PROTOTYPE_INTERNAL(instance_tree, instance, by_name, name_compare, UNUSED);
RB_PROTOTYPE_INTERNAL(instance_host_tree, instance, by_host, host_compare,
    UNUSED);
RB_GENERATE_INTERNAL(instance_tree, instance, by_name, name_compare, UNUSED)
RB_GENERATE_INTERNAL(instance_host_tree, instance, by_host, host_compare,
    UNUSED)

/*
 * Instances
 */

struct instance *
querier_instance(struct querier *q, const struct dns_name *name)
{
	struct instance key;

	memset(&key, 0, sizeof(key));
	key.name = *name;
	return (RB_FIND(instance_tree, &q->by_name, &key));
}

/* The first one of a host; the others come after it. */
static struct instance *
host_first(struct querier *q, const struct dns_name *host)
{
	struct instance *i, key;

	memset(&key, 0, sizeof(key));
	key.host = *host;
	i = RB_NFIND(instance_host_tree, &q->by_host, &key);
	return (i != NULL && dns_name_same(&i->host, host) ? i : NULL);
}

static struct instance *
host_next(struct instance *i)
{
	struct instance *next = RB_NEXT(instance_host_tree, NULL, i);

	return (next != NULL && dns_name_same(&next->host, &i->host) ? next :
								       NULL);
}

static struct instance_list *
instance_age(struct querier *q, const struct instance *i)
{
	return (&q->by_age[i->pinned ? 2 : i->resolved ? 1 : 0]);
}

static void
instance_stale(struct querier *q, struct instance *i)
{
	if (i->stale)
		return;
	i->stale = 1;
	TAILQ_INSERT_TAIL(&q->stale, i, by_stale);
}

static void
instance_set_host(struct querier *q, struct instance *i,
    const struct dns_name *host)
{
	if (i->host.len > 0)
		RB_REMOVE(instance_host_tree, &q->by_host, i);
	i->host = *host;
	if (i->host.len > 0)
		RB_INSERT(instance_host_tree, &q->by_host, i);
}

static void
drop_type(struct querier *q, const struct dns_name *name, uint16_t type)
{
	struct cache_entry *e;

	while ((e = cache_first(&q->cache, name, type)) != NULL)
		cache_remove(&q->cache, e);
}

/* The PTR of an instance on one of the links. */
struct cache_entry *
querier_pointer(struct querier *q, const struct instance *i, size_t n)
{
	struct dns_record rr;

	if ((i->on & (uint64_t)1 << n) == 0 || !q->link[n].used)
		return (NULL);
	rr.name = q->type;
	rr.type = DNS_PTR;
	rr.class = DNS_IN;
	rr.u.ptr = i->name;
	return (cache_find(&q->cache, q->link[n].id, &rr));
}

/* Takes an instance and its records out; *i may be freed. */
void
querier_instance_remove(struct querier *q, struct instance *i)
{
	static const struct dns_name none;
	struct dns_name host = i->host;
	struct cache_entry *e;
	size_t n;

	instance_set_host(q, i, &none);
	RB_REMOVE(instance_tree, &q->by_name, i);
	TAILQ_REMOVE(instance_age(q, i), i, by_age);
	q->count--;
	q->held[i->source]--;
	if (i->stale)
		TAILQ_REMOVE(&q->stale, i, by_stale);
	q->nresolved -= i->resolved ? 1 : 0;
	for (n = 0; n < QUERIER_LINKS_MAX; n++)
		if ((e = querier_pointer(q, i, n)) != NULL)
			cache_remove(&q->cache, e);
	drop_type(q, &i->name, DNS_SRV);
	drop_type(q, &i->name, DNS_TXT);
	if (host.len > 0 && host_first(q, &host) == NULL) {
		drop_type(q, &host, DNS_A);
		drop_type(q, &host, DNS_AAAA);
	}
	if (i->told) {
		TAILQ_INSERT_TAIL(&q->left, i, by_age);
		q->nleft++;
	} else
		free(i);
}

/* Who makes room for another one; NULL when all are to be kept. */
static struct instance *
instance_worst(struct querier *q)
{
	struct instance *i, *worst = NULL;
	size_t n;

	for (n = 0; n < 2; n++)
		TAILQ_FOREACH(i, &q->by_age[n], by_age)
			if (worst == NULL ||
			    q->held[i->source] > q->held[worst->source])
				worst = i;
	return (worst);
}

/* Room for one more: 0, or -1 when all others are to be kept. */
static int
instance_room(struct querier *q)
{
	struct instance *i;

	if (q->count < QUERIER_INSTANCES_MAX)
		return (0);
	/* Nobody fetched the reports for long. */
	if (q->nleft >= QUERIER_INSTANCES_MAX)
		return (-1);
	if ((i = instance_worst(q)) == NULL)
		return (-1);
	q->evicted++;
	i->evicted = 1;
	querier_instance_remove(q, i);
	return (0);
}

static struct instance *
instance_new(struct querier *q, const struct dns_name *name, uint32_t source)
{
	struct instance *i;

	if (instance_room(q) == -1 || (i = calloc(1, sizeof(*i))) == NULL)
		return (NULL);
	i->name = *name;
	i->ask_ms = MDNS_NEVER;
	i->source = source % MDNS_SOURCES;
	q->held[i->source]++;
	RB_INSERT(instance_tree, &q->by_name, i);
	TAILQ_INSERT_TAIL(&q->by_age[0], i, by_age);
	q->count++;
	return (i);
}

/* Asks for what is missing from soon on, unless it was asked just now. */
static void
instance_resolve(struct querier *q, struct instance *i)
{
	if (i->resolved || i->ask_ms != MDNS_NEVER ||
	    (i->tries > 0 && q->now - i->asked_ms < AGAIN_MS))
		return;
	i->tries = 0;
	i->ask_ms = q->now +
	    mdns_random_between(&q->random, DELAY_LEAST_MS, DELAY_MOST_MS);
}

static void
instance_move(struct querier *q, struct instance *i, int resolved, int pinned)
{
	TAILQ_REMOVE(instance_age(q, i), i, by_age);
	i->resolved = resolved;
	i->pinned = pinned;
	TAILQ_INSERT_TAIL(instance_age(q, i), i, by_age);
}

void
querier_instance_resolved(struct querier *q, struct instance *i, int resolved)
{
	if (i->resolved != resolved) {
		q->nresolved += resolved ? 1 : 0;
		q->nresolved -= resolved ? 0 : 1;
		instance_move(q, i, resolved, i->pinned);
	}
	instance_resolve(q, i);
}

void
querier_instance_pin(struct querier *q, struct instance *i, int pinned)
{
	if (i->pinned != (pinned != 0))
		instance_move(q, i, i->resolved, pinned != 0);
}

/* An entry came, changed or goes: who depends on it is looked at again. */
static void
entry_touch(struct querier *q, const struct cache_entry *e)
{
	struct instance *i = NULL;
	struct dns_record rr;

	switch (e->type) {
	case DNS_PTR:
		cache_record(e, q->now, &rr);
		i = querier_instance(q, &rr.u.ptr);
		break;
	case DNS_SRV:
	case DNS_TXT:
		i = querier_instance(q, &e->name);
		break;
	default:
		for (i = host_first(q, &e->name); i != NULL; i = host_next(i))
			instance_stale(q, i);
		return;
	}
	if (i != NULL)
		instance_stale(q, i);
}

static struct querier_link *
link_find(struct querier *q, uint32_t id)
{
	size_t n;

	for (n = 0; n < QUERIER_LINKS_MAX; n++)
		if (q->link[n].used && q->link[n].id == id)
			return (&q->link[n]);
	return (NULL);
}

/*
 * Who could not be reached and was silent may be there again once the network
 * lets him, and announce nothing, since all that he knows is that the others
 * went: the type is asked for as often as at first.
 */
static void
browse_anew(struct querier *q, uint32_t id)
{
	struct querier_link *l = link_find(q, id);

	if (l == NULL)
		return;
	l->interval_ms = INTERVAL_MS;
	if (l->browse_ms > q->now + INTERVAL_MS)
		l->browse_ms = q->now + INTERVAL_MS;
}

static void
entry_gone(void *arg, const struct cache_entry *e)
{
	entry_touch(arg, e);
	if (e->type == DNS_PTR && e->doubted)
		browse_anew(arg, e->link);
}

/*
 * Life
 */

struct querier *
querier_new(const char *type, const struct mdns_random *random)
{
	struct querier *q;
	int n;

	if ((q = calloc(1, sizeof(*q))) == NULL)
		return (NULL);
	if (dns_name_set(&q->type, type) == -1) {
		free(q);
		return (NULL);
	}
	q->random = *random;
	cache_init(&q->cache, QUERIER_RECORDS_MAX, entry_gone, q);
	for (n = 0; n < QUERIER_AGES; n++)
		TAILQ_INIT(&q->by_age[n]);
	TAILQ_INIT(&q->left);
	TAILQ_INIT(&q->stale);
	return (q);
}

static void
list_free(struct instance_list *list)
{
	struct instance *i;

	while ((i = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, i, by_age);
		free(i);
	}
}

void
querier_free(struct querier *q)
{
	int n;

	if (q == NULL)
		return;
	cache_clear(&q->cache);
	for (n = 0; n < QUERIER_AGES; n++)
		list_free(&q->by_age[n]);
	list_free(&q->left);
	free(q);
}

int
querier_set_link(struct querier *q, uint32_t id, size_t max_bytes, uint64_t now)
{
	struct querier_link *l = link_find(q, id);
	size_t n;

	for (n = 0; l == NULL && n < QUERIER_LINKS_MAX; n++)
		if (!q->link[n].used)
			l = &q->link[n];
	if (l == NULL)
		return (-1);
	memset(l, 0, sizeof(*l));
	l->used = 1;
	l->id = id;
	l->max_bytes = max_bytes < MDNS_BYTES_LEAST ? MDNS_BYTES_LEAST :
	    max_bytes > DNS_MESSAGE_MAX		    ? DNS_MESSAGE_MAX :
						      max_bytes;
	l->interval_ms = INTERVAL_MS;
	l->browse_ms = now +
	    mdns_random_between(&q->random, DELAY_LEAST_MS, DELAY_MOST_MS);
	l->ask_ms = l->refresh_ms = MDNS_NEVER;
	q->now = now;
	return (0);
}

void
querier_delete_link(struct querier *q, uint32_t id, uint64_t now)
{
	struct querier_link *l;
	struct instance *i;
	uint64_t bit;
	int n;

	if ((l = link_find(q, id)) == NULL)
		return;
	q->now = now;
	cache_remove_link(&q->cache, id);
	l->used = 0;
	bit = (uint64_t)1 << (l - q->link);
	for (n = 0; n < QUERIER_AGES; n++)
		TAILQ_FOREACH(i, &q->by_age[n], by_age)
			i->on &= ~bit, i->need &= ~bit;
}

/*
 * Input
 */

struct input {
	struct querier *q;
	struct querier_link *l;
	const struct mdns_from *from;
	uint64_t now;
};

static void
input_put(const struct input *in, const struct dns_record *rr, size_t per_name,
    int keep)
{
	struct querier *q = in->q;
	struct cache_entry *e;
	uint32_t jitter;

	jitter = mdns_random_between(&q->random, 0, CACHE_JITTER_MAX);
	(void)cache_put(&q->cache, in->l->id, rr, per_name, jitter, in->now,
	    &e);
	if (e == NULL)
		return;
	cache_keep(&q->cache, e, keep);
	entry_touch(q, e);
}

static void
take_pointer(const struct input *in, const struct dns_record *rr)
{
	struct querier *q = in->q;
	struct instance *i;

	if (rr->type != DNS_PTR || !dns_name_same(&rr->name, &q->type) ||
	    !dns_name_child(&rr->u.ptr, &q->type) ||
	    !dns_name_clean(&rr->u.ptr))
		return;
	if ((i = querier_instance(q, &rr->u.ptr)) == NULL && (rr->ttl == 0 ||
	    (i = instance_new(q, &rr->u.ptr, in->from->source)) == NULL))
		return;
	/* Shared, and bounded as the instances are. */
	i->on |= (uint64_t)1 << (in->l - q->link);
	input_put(in, rr, 0, i->pinned);
	if (rr->ttl == 0)
		return;
	TAILQ_REMOVE(instance_age(q, i), i, by_age);
	TAILQ_INSERT_TAIL(instance_age(q, i), i, by_age);
	instance_resolve(q, i);
}

static void
take_service(const struct input *in, const struct dns_record *rr)
{
	struct instance *i;

	if (rr->type != DNS_SRV && rr->type != DNS_TXT)
		return;
	if ((i = querier_instance(in->q, &rr->name)) == NULL)
		return;
	if (rr->type == DNS_SRV && rr->ttl > 0) {
		/* RFC 2782: the root as a target says that there is none. */
		if (rr->u.srv.port == 0 || rr->u.srv.target.len == 1)
			return;
		/* Known now, the host can be asked for its addresses. */
		if (i->host.len == 0)
			i->tries = 0;
		instance_set_host(in->q, i, &rr->u.srv.target);
	}
	input_put(in, rr, UNIQUE_MAX, i->pinned);
}

static void
take_address(const struct input *in, const struct dns_record *rr)
{
	struct instance *i;

	if (rr->type != DNS_A && rr->type != DNS_AAAA)
		return;
	if ((i = host_first(in->q, &rr->name)) != NULL)
		input_put(in, rr, ADDRESSES_MAX, i->pinned);
}

static void
input_response(const struct input *in, const uint8_t *bytes, size_t len)
{
	/* A record counts only after the one that leads to it. */
	static void (*const pass[])(const struct input *,
	    const struct dns_record *) = { take_pointer, take_service,
		take_address };
	struct dns_reader reader;
	struct dns_record rr;
	size_t n;

	for (n = 0; n < sizeof(pass) / sizeof(pass[0]); n++) {
		if (dns_open(&reader, bytes, len) == -1)
			return;
		while (dns_next_record(&reader, &rr) == 1)
			if (rr.section != DNS_AUTHORITY && rr.class == DNS_IN)
				pass[n](in, &rr);
	}
}

static void
browse_next(struct querier_link *l, uint64_t now)
{
	l->browse_ms = now + l->interval_ms;
	l->interval_ms *= 2;
	if (l->interval_ms > INTERVAL_MAX_MS)
		l->interval_ms = INTERVAL_MAX_MS;
}

/*
 * Another one's question may stand for ours (RFC 6762, 7.3), but not so often
 * that somebody could keep us from asking.
 */
static void
input_query(struct querier *q, struct querier_link *l, const uint8_t *bytes,
    size_t len, uint64_t now)
{
	if (l->suppressed >= SAME_MAX || l->browse_ms <= now ||
	    l->browse_ms - now > SAME_MS ||
	    !querier_same_question(q, l, bytes, len))
		return;
	l->suppressed++;
	browse_next(l, now);
}

int
querier_input(struct querier *q, uint32_t link, const struct mdns_from *from,
    const uint8_t *bytes, size_t len, uint64_t now)
{
	struct input in = { q, NULL, from, now };
	struct dns_reader reader;

	if (dns_check(bytes, len) == -1)
		return (-1);
	(void)dns_open(&reader, bytes, len);
	in.l = link_find(q, link);
	/* RFC 6762, 6, 18.3 and 18.11. */
	if (in.l == NULL || from->port != MDNS_PORT ||
	    (reader.flags & (DNS_OPCODE | DNS_RCODE)) != 0)
		return (0);
	q->now = now;
	if ((reader.flags & DNS_QR) != 0)
		input_response(&in, bytes, len);
	else if (from->multicast)
		input_query(q, in.l, bytes, len, now);
	return (0);
}

/*
 * Time
 */

/* Now, but not so soon after the last time, if there was one. */
static void
ask_soon(uint64_t *due, int was, uint64_t was_ms, uint32_t gap_ms, uint64_t now)
{
	uint64_t when = now;

	if (was && now - was_ms < gap_ms)
		when = was_ms + gap_ms;
	if (when < *due)
		*due = when;
}

static void
link_ask(struct querier_link *l, uint64_t now)
{
	ask_soon(&l->ask_ms, l->asked, l->asked_ms, GAP_MS, now);
}

/*
 * The question for the type, out of turn; but not twice within a second (RFC
 * 6762, 5.2), whatever there is to be asked for.
 */
static void
link_refresh(struct querier_link *l, uint64_t now)
{
	ask_soon(&l->refresh_ms, l->browsed, l->browsed_ms, INTERVAL_MS, now);
}

/* An entry nears its end: it is asked for while something depends on it. */
void
querier_refresh(struct querier *q, struct cache_entry *e)
{
	struct querier_link *l = link_find(q, e->link);

	if (l == NULL)
		return;
	if (e->type == DNS_PTR)
		link_refresh(l, q->now);
	else if (e->type == DNS_A || e->type == DNS_AAAA)
		e->ask = host_first(q, &e->name) != NULL;
	else
		e->ask = querier_instance(q, &e->name) != NULL;
	if (e->ask)
		link_ask(l, q->now);
}

static void
instance_run(struct querier *q, struct instance *i, uint64_t now)
{
	struct querier_link *l;
	size_t n;

	if (i->ask_ms > now)
		return;
	if (i->resolved) {
		i->ask_ms = MDNS_NEVER;
		return;
	}
	for (n = 0; n < QUERIER_LINKS_MAX; n++) {
		l = &q->link[n];
		if (querier_pointer(q, i, n) == NULL)
			continue;
		i->need |= (uint64_t)1 << n;
		link_ask(l, now);
	}
	i->asked_ms = now;
	i->ask_ms = ++i->tries < QUERIER_TRIES ?
	    now + (INTERVAL_MS << (i->tries - 1)) :
	    MDNS_NEVER;
}

static void
link_run(struct querier *q, struct querier_link *l, uint64_t now,
    const struct mdns_sender *s)
{
	int browse = l->refresh_ms <= now;

	if (l->browse_ms <= now) {
		/* Out of turn, it was just asked. */
		browse = browse || !l->browsed ||
		    now - l->browsed_ms >= INTERVAL_MS;
		browse_next(l, now);
		l->suppressed = 0;
	}
	if (browse) {
		l->refresh_ms = MDNS_NEVER;
		l->browsed = 1;
		l->browsed_ms = now;
		querier_browse(q, l, now, s);
	}
	if (l->ask_ms > now)
		return;
	l->ask_ms = MDNS_NEVER;
	l->asked = 1;
	l->asked_ms = now;
	if (querier_ask(q, l, s))
		l->ask_ms = now + GAP_MS;
}

void
querier_run(struct querier *q, uint64_t now, const struct mdns_sender *s)
{
	struct cache_entry *e;
	struct instance *i;
	size_t n;

	q->now = now;
	while ((e = cache_turn(&q->cache, now)) != NULL)
		querier_refresh(q, e);
	for (n = 0; n < QUERIER_AGES; n++)
		TAILQ_FOREACH(i, &q->by_age[n], by_age)
			instance_run(q, i, now);
	for (n = 0; n < QUERIER_LINKS_MAX; n++)
		if (q->link[n].used)
			link_run(q, &q->link[n], now, s);
}

uint64_t
querier_due(struct querier *q)
{
	uint64_t due = cache_due(&q->cache);
	struct instance *i;
	size_t n;

	for (n = 0; n < QUERIER_AGES; n++)
		TAILQ_FOREACH(i, &q->by_age[n], by_age)
			if (i->ask_ms < due)
				due = i->ask_ms;
	for (n = 0; n < QUERIER_LINKS_MAX; n++) {
		if (!q->link[n].used)
			continue;
		if (q->link[n].browse_ms < due)
			due = q->link[n].browse_ms;
		if (q->link[n].ask_ms < due)
			due = q->link[n].ask_ms;
		if (q->link[n].refresh_ms < due)
			due = q->link[n].refresh_ms;
	}
	return (due);
}
