/*
 * Which target is dialled when.  Run by the discovery process.  What mDNS found
 * is the word of anyone on the network: it is dialled at a bounded rate, a
 * bounded number at once.  Those come first of whose announcer the fewest are
 * being tried, then those that failed least, and a dial that is not answered
 * makes way sooner while others wait: who announces thousands does not keep us
 * from the others.
 */
#include <string.h>

#include "discovery/targets_private.h"

/* So many at once, then one for each of so many milliseconds. */
struct bucket {
	uint64_t	full_ms;	/* when it is full */
	uint64_t	room_ms, each_ms;
};
static struct bucket dials = { 0, (TARGETS_BURST - 1) * TARGETS_EACH_MS,
	TARGETS_EACH_MS };
static struct bucket changes = { 0, (TARGETS_CHANGES - 1) *
	TARGETS_CHANGES_MS, TARGETS_CHANGES_MS };
static int changed;		/* and nobody was tried again for it yet */

struct count {
	size_t	found, named, open, waiting;
	/* Of each class of hosts: with crypto, and that or being dialled. */
	size_t	opened[MDNS_SOURCES], tried[MDNS_SOURCES];
};

static void
count_all(struct count *c, uint64_t now)
{
	struct target *t;

	memset(c, 0, sizeof(*c));
	TAILQ_FOREACH(t, &targets, entry) {
		if (t->state == PEER_DIALLING && target_is_found(t)) {
			c->found++;
			c->tried[t->service.source]++;
		} else if (t->state == PEER_DIALLING)
			c->named++;
		else if (t->state == PEER_HANDSHAKE && target_is_found(t)) {
			c->open++;
			c->opened[t->service.source]++;
			c->tried[t->service.source]++;
		} else if (t->state == PEER_WAITING && target_is_found(t) &&
		    t->next_ms <= now)
			c->waiting++;
	}
}

/* Among those named: who failed least, then the oldest. */
static struct target *
choose_named(uint64_t now)
{
	struct target *t, *best = NULL;

	TAILQ_FOREACH(t, &targets, entry)
		if (t->state == PEER_WAITING && t->next_ms <= now &&
		    !target_is_found(t) &&
		    (best == NULL || t->attempts < best->attempts))
			best = t;
	return (best);
}

/* Of two that are as good, the one that came later, or the other one. */
static int
better(const struct target *a, const struct target *b, const struct count *c,
    int later)
{
	size_t m = c->tried[a->service.source], n = c->tried[b->service.source];

	if (m != n)
		return (m < n);
	if (a->attempts != b->attempts)
		return (a->attempts < b->attempts);
	return (later ? a->number > b->number : a->number < b->number);
}

/* Whether more of its class of hosts may be with crypto. */
static int
may_open(const struct target *t, const struct count *c)
{
	return (c->opened[t->service.source] < TARGETS_OPEN_EACH);
}

/*
 * By turns the oldest and the newest one, so that neither a crowd that was
 * there before nor one that comes after keeps somebody waiting for all of it.
 */
static struct target *
choose_found(const struct count *c, uint64_t now)
{
	static int later;
	struct target *t, *best = NULL;

	later = !later;
	TAILQ_FOREACH(t, &targets, entry)
		if (t->state == PEER_WAITING && t->next_ms <= now &&
		    target_is_found(t) && may_open(t, c) &&
		    (best == NULL || better(t, best, c, later)))
			best = t;
	return (best);
}

/* 0, or when one more may be. */
static uint64_t
bucket_wait(const struct bucket *b, uint64_t now)
{
	return (b->full_ms <= now + b->room_ms ? 0 : b->full_ms - b->room_ms);
}

static void
bucket_take(struct bucket *b, uint64_t now)
{
	if (b->full_ms < now)
		b->full_ms = now;
	b->full_ms += b->each_ms;
}

/* While others wait, who has not answered for some time makes way. */
static void
make_way(const struct count *c, uint64_t now)
{
	static const char why[] = "no answer, and many others to be tried";
	struct target *t, *next;

	if (c->waiting == 0 || c->found < TARGETS_DIALS_MAX)
		return;
	for (t = TAILQ_FIRST(&targets); t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		if (t->state == PEER_DIALLING && target_is_found(t) &&
		    now - t->since_ms >= TARGETS_PRESSED_MS)
			targets_failed(t, why, sizeof(why) - 1);
	}
}

void
targets_network_changed(void)
{
	changed = 1;
}

static void
run_changed(uint64_t now)
{
	if (!changed || bucket_wait(&changes, now) > now)
		return;
	changed = 0;
	bucket_take(&changes, now);
	targets_try_again();
}

void
targets_run(void)
{
	uint64_t now = targets_ops->now();
	struct target *t;
	struct count c;

	run_changed(now);
	if (!targets_ops->ready())
		return;
	for (count_all(&c, now); c.named < TARGETS_NAMED_DIALS_MAX;
	    count_all(&c, now)) {
		if ((t = choose_named(now)) == NULL)
			break;
		target_begin(t);
	}
	make_way(&c, now);
	for (count_all(&c, now); c.found < TARGETS_DIALS_MAX &&
	    c.open < TARGETS_OPEN_MAX && bucket_wait(&dials, now) == 0;
	    count_all(&c, now)) {
		if ((t = choose_found(&c, now)) == NULL)
			break;
		bucket_take(&dials, now);
		target_begin(t);
	}
}

uint64_t
targets_due(void)
{
	uint64_t now = targets_ops->now(), due = MDNS_NEVER, when;
	struct target *t;
	struct count c;

	if (changed)
		due = bucket_wait(&changes, now);
	if (!targets_ops->ready())
		return (due);
	count_all(&c, now);
	TAILQ_FOREACH(t, &targets, entry) {
		when = MDNS_NEVER;
		if (t->state == PEER_DIALLING && target_is_found(t) &&
		    c.waiting > 0 && c.found >= TARGETS_DIALS_MAX)
			when = t->since_ms + TARGETS_PRESSED_MS;
		else if (t->state == PEER_WAITING && !target_is_found(t) &&
		    (t->next_ms > now || c.named < TARGETS_NAMED_DIALS_MAX))
			when = t->next_ms;
		else if (t->state == PEER_WAITING && target_is_found(t) &&
		    (t->next_ms > now || (c.found < TARGETS_DIALS_MAX &&
		    c.open < TARGETS_OPEN_MAX && may_open(t, &c)))) {
			when = bucket_wait(&dials, now);
			if (when < t->next_ms)
				when = t->next_ms;
		}
		if (when < due)
			due = when;
	}
	return (due);
}

void
targets_turn_clear(void)
{
	dials.full_ms = changes.full_ms = 0;
	changed = 0;
}
