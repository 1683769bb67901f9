/*
 * What becomes of targets: found or named, dialled, handed to crypto, linked,
 * lost, tried again.  Run by the discovery process.  What mDNS found is the
 * word of anyone on the network, so there is a bound on how many there are.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "discovery/counters.h"
#include "discovery/targets_private.h"

#define LOST_LEAST_MS	200u	/* until a lost one is dialled again */
#define LOST_MOST_MS	500u
#define CHANGED_MOST_MS	500u	/* after a change of our network */

struct target_list targets = TAILQ_HEAD_INITIALIZER(targets);
struct targets_stats targets_stats;

const struct targets_ops *targets_ops;

static uint32_t	numbers;

void
targets_init(const struct targets_ops *given)
{
	targets_ops = given;
}

static uint32_t
random_between(uint32_t low, uint32_t high)
{
	return (low + (uint32_t)((uint64_t)targets_ops->random() *
	    ((uint64_t)high - low + 1) >> 32));
}

/*
 * States
 */

static void
state_set(struct target *t, enum peer_state state)
{
	if (t->state == PEER_LINKED)
		targets_stats.linked--;
	t->state = state;
	if (t->state == PEER_LINKED)
		targets_stats.linked++;
}

/* Ends what is under way. */
static void
stop(struct target *t)
{
	if (t->state == PEER_DIALLING)
		targets_stats.dials--;
	targets_ops->dial_cancel(t->dial);
	targets_ops->resolve_cancel(t->resolve);
	t->dial = NULL;
	t->resolve = NULL;
}

static void
wait_for(struct target *t, uint64_t ms)
{
	stop(t);
	state_set(t, PEER_WAITING);
	t->next_ms = targets_ops->now() + ms;
}

/* Full jitter, so that a whole network does not try again at once. */
static void
back_off(struct target *t)
{
	uint32_t most = TARGETS_BACKOFF_MS;
	uint32_t n;

	for (n = 1; n < t->attempts && most < TARGETS_BACKOFF_MAX_MS; n++)
		most *= 2;
	if (most > TARGETS_BACKOFF_MAX_MS)
		most = TARGETS_BACKOFF_MAX_MS;
	wait_for(t, random_between(TARGETS_BACKOFF_MS / 10, most));
}

static void
rest(struct target *t, enum peer_state state)
{
	stop(t);
	state_set(t, state);
	t->next_ms = MDNS_NEVER;
}

static void
set_why(struct target *t, const char *text, size_t len)
{
	if (len >= sizeof(t->why))
		len = sizeof(t->why) - 1;
	memcpy(t->why, text, len);
	t->why[len] = '\0';
}

/*
 * The table
 */

static struct target *
target_new(enum peer_origin origin)
{
	struct target *t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return (NULL);
	if (++numbers == 0)
		numbers = 1;
	t->number = numbers;
	t->origin = origin;
	t->state = PEER_IDLE;
	t->next_ms = MDNS_NEVER;
	TAILQ_INSERT_TAIL(&targets, t, entry);
	if (target_is_found(t))
		targets_stats.found++;
	else
		targets_stats.named++;
	return (t);
}

static void
target_free(struct target *t)
{
	rest(t, PEER_IDLE);
	TAILQ_REMOVE(&targets, t, entry);
	if (target_is_found(t))
		targets_stats.found--;
	else
		targets_stats.named--;
	free(t->host);
	free(t);
}

/* Takes one out, and says so. */
static void
target_drop(struct target *t)
{
	targets_ops->event(t, 0);
	if (t->handed)
		targets_ops->forget(t->number);
	target_free(t);
}

static struct target *
find_instance(const struct dns_name *name)
{
	struct target *t;

	TAILQ_FOREACH(t, &targets, entry)
		if (target_is_found(t) &&
		    dns_name_same(&t->service.instance, name))
			return (t);
	return (NULL);
}

static struct target *
find_number(uint32_t number)
{
	struct target *t;

	TAILQ_FOREACH(t, &targets, entry)
		if (t->number == number)
			return (t);
	return (NULL);
}

/*
 * Makes room for one more of a class of hosts: of the classes that have more,
 * the one that has most gives one up; one that has as many does so for one that
 * failed.  Of those in question it is the one that failed most often.
 */
static int
make_room(uint32_t source)
{
	struct target *t, *worst = NULL;
	size_t held[MDNS_SOURCES] = { 0 }, h, most = 0;

	if (targets_stats.found < TARGETS_FOUND_MAX)
		return (0);
	TAILQ_FOREACH(t, &targets, entry)
		if (target_is_found(t))
			held[t->service.source]++;
	TAILQ_FOREACH(t, &targets, entry) {
		if (!target_is_found(t) || (t->state != PEER_WAITING &&
		    t->state != PEER_IDLE))
			continue;
		h = held[t->service.source];
		if (h < held[source] ||
		    (t->attempts == 0 && h <= held[source] + 1))
			continue;
		if (worst == NULL || h > most || (h == most &&
		    t->attempts > worst->attempts)) {
			worst = t;
			most = h;
		}
	}
	if (worst == NULL) {
		targets_stats.crowded++;
		return (-1);
	}
	target_drop(worst);
	return (0);
}

/*
 * Dialling
 */

void
targets_failed(struct target *t, const char *why, size_t len)
{
	set_why(t, why, len);
	t->attempts++;
	discovery_counters.failed++;
	if (t->gone && t->attempts >= TARGETS_GONE_TRIES) {
		target_drop(t);
		return;
	}
	back_off(t);
	if (target_is_found(t))
		targets_ops->doubt(&t->service.instance);
}

static void
dialled(void *arg, int fd, const struct dial_address *address, const char *why)
{
	struct target *t = arg;

	t->dial = NULL;
	if (fd == -1) {
		targets_failed(t, why, strlen(why));
		return;
	}
	discovery_counters.connected++;
	if (targets_ops->hand_over(t->number, fd, address) == -1) {
		/* Dialled again when there is a crypto. */
		wait_for(t, 0);
		return;
	}
	t->handed = 1;
	rest(t, PEER_HANDSHAKE);
}

static void
dial(struct target *t)
{
	static const char none[] = "no address", memory[] = "out of memory";

	if (t->naddresses == 0) {
		targets_failed(t, none, sizeof(none) - 1);
		return;
	}
	discovery_counters.dials++;
	t->since_ms = targets_ops->now();
	t->dial = targets_ops->dial(t->address, t->naddresses, dialled, t);
	if (t->dial == NULL)
		targets_failed(t, memory, sizeof(memory) - 1);
}

static void
resolved(void *arg, const struct dial_address *list, size_t n, const char *why)
{
	struct target *t = arg;
	size_t i;

	t->resolve = NULL;
	if (n == 0) {
		/* What the name meant before may still be good. */
		if (t->naddresses == 0) {
			targets_failed(t, why, strlen(why));
			return;
		}
	} else {
		t->naddresses = n;
		for (i = 0; i < n; i++) {
			t->address[i] = list[i];
			t->address[i].port = t->port;
		}
	}
	dial(t);
}

void
target_begin(struct target *t)
{
	struct resolve *r;
	uint32_t number = t->number;

	t->next_ms = MDNS_NEVER;
	t->since_ms = targets_ops->now();
	state_set(t, PEER_DIALLING);
	targets_stats.dials++;
	if (target_is_found(t)) {
		dial(t);
		return;
	}
	r = targets_ops->resolve(t->host, resolved, t);
	/* It may be done, and with it the target. */
	if (r != NULL && (t = find_number(number)) != NULL)
		t->resolve = r;
}

/*
 * What mDNS found
 */

/* RFC 6763, 6.7: a version that we do not speak is left alone. */
static int
version_good(const struct target *t)
{
	const struct querier_service *s = &t->service;
	struct dns_txt_item item;

	return (dns_txt_get(s->txt, s->txtlen, "v", &item) && item.len == 1 &&
	    item.value[0] == '2');
}

/* How many of some addresses are among others. */
static size_t
addresses_kept(const struct dial_address *old, size_t nold,
    const struct dial_address *a, size_t n)
{
	size_t i, k, kept = 0;

	for (i = 0; i < nold; i++) {
		for (k = 0; k < n && !dial_same(&old[i], &a[k]); k++)
			;
		kept += k < n;
	}
	return (kept);
}

enum update { UPDATE_NOTHING, UPDATE_MORE, UPDATE_OTHER };

/* Whether there is anything new, for the sake of which to try again. */
static enum update
found_update(struct target *t, const struct querier_service *s,
    const struct dial_address *a, size_t n)
{
	enum update update = UPDATE_OTHER;

	if (t->naddresses > 0 && addresses_kept(t->address, t->naddresses, a,
	    n) == t->naddresses && s->txtlen == t->service.txtlen &&
	    memcmp(s->txt, t->service.txt, s->txtlen) == 0)
		update = n == t->naddresses && (!t->gone || t->evicted) ?
		    UPDATE_NOTHING : UPDATE_MORE;
	t->service = *s;
	t->service.source %= MDNS_SOURCES;
	t->naddresses = n;
	memcpy(t->address, a, n * sizeof(*a));
	t->gone = t->evicted = 0;
	return (update);
}

/* Whether it has left all addresses that it had when it was linked. */
static int
moved(const struct target *t)
{
	return (t->nlinked > 0 && addresses_kept(t->linked, t->nlinked,
	    t->address, t->naddresses) == 0);
}

/* Whether an interface of ours on which it was known before is not used now. */
static int
cut_off(const struct querier_service *old, const struct querier_service *s)
{
	unsigned int i, k;

	for (i = 0; i < old->naddresses; i++) {
		for (k = 0; k < s->naddresses; k++)
			if (s->address[k].link == old->address[i].link)
				break;
		if (k == s->naddresses)
			return (1);
	}
	return (0);
}

/* What is known of it now may make it one to dial, or one not to. */
static void
found_judge(struct target *t, enum update update, int cut)
{
	static const char version[] = "does not speak version 2: not dialled";
	static const char foreign[] = "no address that is of this network";
	const char *why;

	why = !version_good(t) ? version : t->naddresses == 0 ? foreign : NULL;
	t->ignored = why != NULL;
	if (why != NULL) {
		if (t->state == PEER_LINKED || t->state == PEER_SELF)
			return;
		set_why(t, why, strlen(why));
		if (t->state != PEER_HANDSHAKE)
			rest(t, PEER_IDLE);
		return;
	}
	/* A dial of what it was before is not to be waited for. */
	if (t->state == PEER_IDLE || t->state == PEER_WAITING ||
	    ((t->state == PEER_DIALLING || t->state == PEER_SELF) &&
	    update == UPDATE_OTHER)) {
		t->attempts = 0;
		wait_for(t, 0);
	} else if (t->state == PEER_LINKED && (cut || moved(t))) {
		/*
		 * Until the link is missed half a minute may pass.  Crypto
		 * keeps the better one of two.
		 */
		targets_ops->pin(&t->service.instance, 0);
		wait_for(t, 0);
	}
}

int
targets_found(const struct querier_service *s, const struct dial_address *a,
    size_t n)
{
	struct target *t;
	enum update update;
	int cut, fresh = 0;

	if (n > DIAL_ADDRESSES_MAX)
		n = DIAL_ADDRESSES_MAX;
	if ((t = find_instance(&s->instance)) == NULL) {
		if (make_room(s->source) == -1 ||
		    (t = target_new(PEER_FOUND)) == NULL)
			return (-1);
		fresh = 1;
		discovery_counters.found++;
	}
	cut = cut_off(&t->service, s);
	update = found_update(t, s, a, n);
	if (update == UPDATE_NOTHING && !cut)
		return (0);
	if (t->state == PEER_LINKED)
		targets_ops->pin(&t->service.instance, 1);
	found_judge(t, update, cut);
	if (fresh)
		targets_ops->event(t, 1);
	return (0);
}

/* Whether another target, that is still there, leads to the same node. */
static int
is_linked_otherwise(const struct target *t)
{
	const struct target *other;

	TAILQ_FOREACH(other, &targets, entry)
		if (other != t && other->state == PEER_LINKED &&
		    !other->gone && strcmp(other->why, t->why) == 0)
			return (1);
	return (0);
}

/*
 * A node that was started again at once is dialled, and linked, by what it was
 * called before, too, which would stay for as long as there is a link.
 */
static void
drop_former(void)
{
	struct target *t, *next;

	for (t = TAILQ_FIRST(&targets); t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		if (t->state == PEER_LINKED && t->gone && !t->evicted &&
		    is_linked_otherwise(t))
			target_drop(t);
	}
}

void
targets_gone(const struct querier_service *s)
{
	struct target *t;

	if ((t = find_instance(&s->instance)) == NULL)
		return;
	t->gone = 1;
	t->evicted = 0;
	/* Crypto has it: a link needs no mDNS. */
	if (t->state == PEER_HANDSHAKE ||
	    (t->state == PEER_LINKED && !is_linked_otherwise(t)))
		return;
	target_drop(t);
}

void
targets_evicted(const struct querier_service *s)
{
	struct target *t;

	if ((t = find_instance(&s->instance)) == NULL)
		return;
	t->gone = t->evicted = 1;
	if (t->state == PEER_IDLE || t->state == PEER_SELF)
		target_drop(t);
}

void
targets_all_gone(void)
{
	struct target *t, *next;

	for (t = TAILQ_FIRST(&targets); t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		if (target_is_found(t))
			targets_gone(&t->service);
	}
}

/*
 * What was named
 */

void
targets_named_begin(void)
{
	struct target *t;

	TAILQ_FOREACH(t, &targets, entry)
		t->seen = 0;
}

void
targets_named(enum peer_origin origin, const char *host, uint16_t port)
{
	struct target *t;

	TAILQ_FOREACH(t, &targets, entry)
		if (t->origin == origin && t->port == port &&
		    strcasecmp(t->host, host) == 0) {
			t->seen = 1;
			return;
		}
	if (targets_stats.named >= TARGETS_NAMED_MAX) {
		targets_stats.crowded++;
		return;
	}
	if ((t = target_new(origin)) == NULL)
		return;
	t->port = port;
	if ((t->host = strdup(host)) == NULL) {
		target_free(t);
		return;
	}
	t->seen = 1;
	wait_for(t, 0);
	targets_ops->event(t, 1);
}

void
targets_named_end(enum peer_origin origin)
{
	struct target *t, *next;

	for (t = TAILQ_FIRST(&targets); t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		if (t->origin == origin && !t->seen)
			target_drop(t);
	}
}

/*
 * What crypto says
 */

static void
lost(struct target *t, const char *text, size_t len)
{
	discovery_counters.lost++;
	set_why(t, text, len);
	t->attempts = 0;
	if (target_is_found(t))
		targets_ops->pin(&t->service.instance, 0);
	wait_for(t, random_between(LOST_LEAST_MS, LOST_MOST_MS));
}

void
targets_linked(uint32_t number, uint32_t what, const char *text, size_t len)
{
	struct target *t;

	/* It may have been forgotten while this was under way. */
	if ((t = find_number(number)) == NULL)
		return;
	switch (what) {
	case LINKED_UP:
		rest(t, PEER_LINKED);
		t->attempts = 0;
		t->nlinked = t->naddresses;
		memcpy(t->linked, t->address, sizeof(t->linked));
		set_why(t, text, len);
		if (target_is_found(t))
			targets_ops->pin(&t->service.instance, 1);
		drop_former();
		break;
	case LINKED_SELF:
		rest(t, PEER_SELF);
		set_why(t, text, len);
		break;
	case LINKED_FAILED:
		if (t->state == PEER_HANDSHAKE)
			targets_failed(t, text, len);
		break;
	case LINKED_LOST:
		if (t->state == PEER_LINKED || t->state == PEER_HANDSHAKE)
			lost(t, text, len);
		break;
	}
}

void
targets_crypto(void)
{
	static const char why[] = "links begin anew";
	struct target *t;

	TAILQ_FOREACH(t, &targets, entry) {
		if (t->state == PEER_IDLE || t->state == PEER_SELF ||
		    t->state == PEER_DIALLING)
			continue;
		if (target_is_found(t) && t->state == PEER_LINKED)
			targets_ops->pin(&t->service.instance, 0);
		if (t->state != PEER_WAITING)
			set_why(t, why, sizeof(why) - 1);
		t->attempts = 0;
		wait_for(t, 0);
	}
}

void
targets_try_again(void)
{
	struct target *t;
	uint32_t soon;

	TAILQ_FOREACH(t, &targets, entry) {
		/* An address that was ours may be another's now. */
		if (t->state != PEER_WAITING && t->state != PEER_SELF)
			continue;
		soon = random_between(0, CHANGED_MOST_MS);
		if (t->next_ms > targets_ops->now() + soon)
			wait_for(t, soon);
		t->attempts = 0;
	}
}

void
targets_clear(void)
{
	struct target *t;

	while ((t = TAILQ_FIRST(&targets)) != NULL)
		target_free(t);
	targets_turn_clear();
	memset(&targets_stats, 0, sizeof(targets_stats));
}
