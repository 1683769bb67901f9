/*
 * The responder's life: links, names, probing, announcing, conflicts and what
 * is sent when (RFC 6762, 6 and 8).  Pure but for malloc; of the discovery
 * process.  What others sent reaches it through responder_input.c alone.
 */
#include <stdlib.h>
#include <string.h>

#include "discovery/responder_private.h"

#define PROBES 3
#define PROBE_MS 250u
#define ANNOUNCEMENTS 3 /* at 0, 1 and 3 s */
#define ANNOUNCE_MS 1000u
#define CONFLICT_WINDOW_MS 10000u
#define CONFLICT_WAIT_MS 5000u

/* 80 bits: a conflict is an attack or a reflection, never chance. */
static void
label_make(const struct responder *r, char label[LABEL_BYTES])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	int i;

	for (i = 0; i < LABEL_BYTES; i++)
		label[i] = letters[mdns_random_between(&r->random, 0, 31)];
}

static int
names_make(struct responder *r)
{
	char label[LABEL_BYTES];

	label_make(r, label);
	if (dns_name_prepend(&r->names.instance, label, sizeof(label),
		&r->service) == -1)
		return (-1);
	label_make(r, label);
	return (dns_name_prepend(&r->names.host, label, sizeof(label),
	    &r->local));
}

struct responder *
responder_new(const char *service, uint16_t port,
    const struct mdns_random *random)
{
	struct responder *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return (NULL);
	r->random = *random;
	r->port = port;
	r->txtlen = 1;
	if (dns_name_set(&r->local, "local") == -1 ||
	    dns_name_set(&r->meta, "_services._dns-sd._udp.local") == -1 ||
	    dns_name_set(&r->service, service) == -1 || names_make(r) == -1) {
		free(r);
		return (NULL);
	}
	r->old = r->names;
	return (r);
}

void
responder_free(struct responder *r)
{
	free(r);
}

struct link *
responder_link(struct responder *r, uint32_t id)
{
	size_t i;

	for (i = 0; i < RESPONDER_LINKS_MAX; i++)
		if (r->links[i].state != LINK_FREE && r->links[i].id == id)
			return (&r->links[i]);
	return (NULL);
}

static void
link_quiet(struct link *l)
{
	unsigned int i;

	for (i = 0; i < R_COUNT; i++)
		l->due_ms[i] = MDNS_NEVER;
	memset(l->waiting, 0, sizeof(l->waiting));
}

static void
link_probe(struct link *l, uint64_t when)
{
	link_quiet(l);
	l->state = LINK_PROBING;
	l->sent = 0;
	l->next_ms = when;
}

static void
link_announce(struct link *l, uint64_t now)
{
	l->sent = 0;
	l->next_ms = now;
}

int
responder_set_txt(struct responder *r, const uint8_t *txt, size_t n,
    uint64_t now)
{
	struct dns_record rr;
	size_t i;

	rr.type = DNS_TXT;
	if (n > sizeof(r->txt) || dns_rdata_read(&rr, txt, n) == -1)
		return (-1);
	/* None at all is one empty string. */
	txt = rr.u.txt.p;
	n = rr.u.txt.len;
	if (n == r->txtlen && memcmp(r->txt, txt, n) == 0)
		return (0);
	memcpy(r->txt, txt, n);
	r->txtlen = n;
	for (i = 0; i < RESPONDER_LINKS_MAX; i++) {
		/* Other data is another record (RFC 6762, 8.4). */
		r->links[i].said &= ~BIT(R_TXT);
		if (r->links[i].state == LINK_RUNNING)
			link_announce(&r->links[i], now);
	}
	return (0);
}

/*
 * Links
 */

/* Whether n addresses of that many bytes hold one. */
static int
holds(const uint8_t *list, unsigned int n, const uint8_t *one, size_t bytes)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (memcmp(list + i * bytes, one, bytes) == 0)
			return (1);
	return (0);
}

/* Appends those of one list that are not in another. */
static void
collect(uint8_t *out, unsigned int *nout, const uint8_t *list, unsigned int n,
    const uint8_t *other, unsigned int nother, size_t bytes)
{
	unsigned int i;

	for (i = 0; i < n && *nout < RESPONDER_ADDRESSES_MAX; i++) {
		if (holds(other, nother, list + i * bytes, bytes) ||
		    holds(out, *nout, list + i * bytes, bytes))
			continue;
		memcpy(out + *nout * bytes, list + i * bytes, bytes);
		++*nout;
	}
}

/* What the others still may believe of us, which is not so any more. */
static void
note_removed(struct link *l, const struct responder_addresses *now)
{
	struct responder_addresses gone, *old = &l->addresses;

	memset(&gone, 0, sizeof(gone));
	collect(gone.v4[0], &gone.n4, old->v4[0], old->n4, now->v4[0], now->n4,
	    sizeof(gone.v4[0]));
	collect(gone.v4[0], &gone.n4, l->removed.v4[0], l->removed.n4,
	    now->v4[0], now->n4, sizeof(gone.v4[0]));
	collect(gone.v6[0], &gone.n6, old->v6[0], old->n6, now->v6[0], now->n6,
	    sizeof(gone.v6[0]));
	collect(gone.v6[0], &gone.n6, l->removed.v6[0], l->removed.n6,
	    now->v6[0], now->n6, sizeof(gone.v6[0]));
	l->removed = gone;
}

static int
addresses_same(const struct responder_addresses *a,
    const struct responder_addresses *b)
{
	return (a->n4 == b->n4 && a->n6 == b->n6 &&
	    memcmp(a->v4, b->v4, a->n4 * sizeof(a->v4[0])) == 0 &&
	    memcmp(a->v6, b->v6, a->n6 * sizeof(a->v6[0])) == 0);
}

static struct link *
link_new(struct responder *r, uint32_t id)
{
	struct link *l;
	size_t i;

	for (i = 0; i < RESPONDER_LINKS_MAX; i++)
		if (r->links[i].state == LINK_FREE)
			break;
	if (i == RESPONDER_LINKS_MAX)
		return (NULL);
	l = &r->links[i];
	memset(l, 0, sizeof(*l));
	l->state = LINK_IDLE;
	l->id = id;
	l->next_ms = MDNS_NEVER;
	link_quiet(l);
	return (l);
}

int
responder_set_link(struct responder *r, uint32_t id, size_t max_bytes,
    const struct responder_addresses *given, uint64_t now)
{
	struct responder_addresses a = *given;
	struct link *l;

	if (a.n4 > RESPONDER_ADDRESSES_MAX)
		a.n4 = RESPONDER_ADDRESSES_MAX;
	if (a.n6 > RESPONDER_ADDRESSES_MAX)
		a.n6 = RESPONDER_ADDRESSES_MAX;
	if ((l = responder_link(r, id)) == NULL &&
	    (l = link_new(r, id)) == NULL)
		return (-1);
	l->max_bytes = max_bytes < MDNS_BYTES_LEAST ? MDNS_BYTES_LEAST :
	    max_bytes > DNS_MESSAGE_MAX		    ? DNS_MESSAGE_MAX :
						      max_bytes;
	if (addresses_same(&l->addresses, &a) || r->stopping)
		return (0);
	if (l->state == LINK_RUNNING)
		note_removed(l, &a);
	l->addresses = a;
	l->said &= ~(M_A | M_AAAA | BIT(R_NSEC_HOST));
	if (a.n4 + a.n6 == 0) {
		link_quiet(l);
		l->state = LINK_IDLE;
		l->next_ms = MDNS_NEVER;
		l->told = l->farewell = 0;
		memset(&l->removed, 0, sizeof(l->removed));
	} else if (l->state == LINK_IDLE)
		link_probe(l,
		    now + mdns_random_between(&r->random, 0, PROBE_MS));
	else if (l->state == LINK_RUNNING)
		link_announce(l, now);
	return (0);
}

void
responder_delete_link(struct responder *r, uint32_t id)
{
	struct link *l;

	if ((l = responder_link(r, id)) != NULL)
		l->state = LINK_FREE;
}

void
responder_leave_link(struct responder *r, uint32_t id, uint64_t now,
    const struct mdns_sender *s)
{
	struct link *l, *other;

	if ((l = responder_link(r, id)) == NULL)
		return;
	if (l->farewell)
		responder_send_goodbye(r, l, &r->old, s);
	if (l->told)
		responder_send_goodbye(r, l, &r->names, s);
	l->state = LINK_FREE;
	for (other = r->links; other < r->links + RESPONDER_LINKS_MAX; other++)
		if (l->told && other->state == LINK_RUNNING)
			link_announce(other, now);
}

/*
 * Conflicts
 */

static void
rename_all(struct responder *r, uint64_t when)
{
	struct names was = r->names;
	struct link *l;
	size_t i;

	/* It was possible with other labels of the same length. */
	(void)names_make(r);
	for (i = 0; i < RESPONDER_LINKS_MAX; i++) {
		l = &r->links[i];
		if (l->state != LINK_PROBING && l->state != LINK_RUNNING)
			continue;
		if (l->told) {
			r->old = was;
			l->farewell = 1;
			l->told = 0;
		}
		memset(&l->removed, 0, sizeof(l->removed));
		l->said = 0;
		link_probe(l, when);
	}
}

void
responder_conflict(struct responder *r, struct link *l, uint64_t now)
{
	uint64_t *slot = &r->conflict_ms[r->conflicts % CONFLICTS_MAX];
	uint64_t when = now;

	/* The place holds the time of the fifteenth before this one. */
	if (r->conflicts >= CONFLICTS_MAX && now - *slot < CONFLICT_WINDOW_MS)
		when += CONFLICT_WAIT_MS;
	else
		when += mdns_random_between(&r->random, 0, PROBE_MS);
	*slot = now;
	r->conflicts++;
	if (l->state == LINK_RUNNING)
		link_probe(l, when);
	else
		rename_all(r, when);
}

/*
 * Sending
 */

static int
said_within(const struct link *l, unsigned int index, uint64_t now, uint32_t ms)
{
	return ((l->said & BIT(index)) != 0 && now - l->last_ms[index] < ms);
}

static void
mark_said(struct link *l, uint32_t mask, uint64_t now)
{
	unsigned int i;

	for (i = 0; i < R_COUNT; i++) {
		if ((mask & BIT(i)) == 0)
			continue;
		l->last_ms[i] = now;
		l->due_ms[i] = MDNS_NEVER;
	}
	l->said |= mask;
}

/* Without those that went to the link less than a second ago (6). */
static uint32_t
not_said(const struct link *l, uint32_t mask, uint64_t now)
{
	unsigned int i;

	for (i = 0; i < R_COUNT; i++)
		if (said_within(l, i, now, GAP_MS))
			mask &= ~BIT(i);
	return (mask);
}

void
responder_schedule(struct link *l, uint32_t answers, uint32_t delay_ms,
    uint32_t gap_ms, uint64_t now)
{
	uint64_t when;
	unsigned int i;

	for (i = 0; i < R_COUNT; i++) {
		if ((answers & BIT(i)) == 0)
			continue;
		when = now + delay_ms;
		if (said_within(l, i, when, gap_ms))
			when = l->last_ms[i] + gap_ms;
		if (when < l->due_ms[i])
			l->due_ms[i] = when;
	}
}

static void
run_announce(struct responder *r, struct link *l, uint64_t now,
    const struct mdns_sender *s)
{
	uint32_t answers, more;

	if (l->removed.n4 + l->removed.n6 > 0) {
		responder_send_removed(r, l, s);
		memset(&l->removed, 0, sizeof(l->removed));
	}
	answers = not_said(l, responder_present(l, M_ANNOUNCED), now);
	more = not_said(l, M_NSEC, now);
	if (answers != 0) {
		responder_send_answers(r, l, answers, more, NULL, s);
		mark_said(l, answers | more, now);
	}
	l->told = 1;
	l->next_ms = ++l->sent < ANNOUNCEMENTS ?
	    now + (ANNOUNCE_MS << (l->sent - 1)) :
	    MDNS_NEVER;
}

static void
run_timer(struct responder *r, struct link *l, uint64_t now,
    const struct mdns_sender *s)
{
	if (l->next_ms > now)
		return;
	if (l->state == LINK_PROBING) {
		if (l->sent < PROBES) {
			responder_send_probe(r, l, s);
			l->sent++;
			l->next_ms = now + PROBE_MS;
			return;
		}
		l->state = LINK_RUNNING;
		link_announce(l, now);
	}
	if (l->state == LINK_RUNNING)
		run_announce(r, l, now, s);
}

static void
run_answers(struct responder *r, struct link *l, uint64_t now,
    const struct mdns_sender *s)
{
	struct waiting *w;
	uint32_t answers = 0, more;
	unsigned int i;

	for (i = 0; i < WAITING_MAX; i++) {
		w = &l->waiting[i];
		if (w->answers == 0 || w->due_ms > now)
			continue;
		responder_schedule(l, w->answers, 0, GAP_MS, now);
		w->answers = 0;
	}
	for (i = 0; i < R_COUNT; i++)
		if (l->due_ms[i] <= now)
			answers |= BIT(i);
	if (answers == 0)
		return;
	more = not_said(l, responder_additional(l, answers), now);
	responder_send_answers(r, l, responder_present(l, answers), more, NULL,
	    s);
	mark_said(l, answers | more, now);
}

static void
run_stop(struct responder *r, struct link *l, const struct mdns_sender *s)
{
	if (l->told)
		responder_send_goodbye(r, l, &r->names, s);
	l->told = 0;
	l->state = LINK_IDLE;
	l->next_ms = MDNS_NEVER;
	link_quiet(l);
}

void
responder_run(struct responder *r, uint64_t now, const struct mdns_sender *s)
{
	struct link *l;
	size_t i;

	for (i = 0; i < RESPONDER_LINKS_MAX; i++) {
		l = &r->links[i];
		if (l->state == LINK_FREE)
			continue;
		if (l->farewell) {
			responder_send_goodbye(r, l, &r->old, s);
			l->farewell = 0;
		}
		if (r->stopping)
			run_stop(r, l, s);
		run_timer(r, l, now, s);
		if (l->state == LINK_RUNNING)
			run_answers(r, l, now, s);
	}
}

static uint64_t
link_due(const struct link *l)
{
	uint64_t due = l->next_ms;
	unsigned int i;

	for (i = 0; i < R_COUNT; i++)
		if (l->due_ms[i] < due)
			due = l->due_ms[i];
	for (i = 0; i < WAITING_MAX; i++)
		if (l->waiting[i].answers != 0 && l->waiting[i].due_ms < due)
			due = l->waiting[i].due_ms;
	return (due);
}

uint64_t
responder_due(const struct responder *r)
{
	const struct link *l;
	uint64_t due = MDNS_NEVER, t;
	size_t i;

	for (i = 0; i < RESPONDER_LINKS_MAX; i++) {
		l = &r->links[i];
		if (l->state == LINK_FREE)
			continue;
		if (l->farewell || (r->stopping && l->state != LINK_IDLE))
			return (0);
		if ((t = link_due(l)) < due)
			due = t;
	}
	return (due);
}

void
responder_stop(struct responder *r)
{
	r->stopping = 1;
}

const struct dns_name *
responder_instance(const struct responder *r)
{
	return (&r->names.instance);
}

const struct dns_name *
responder_host(const struct responder *r)
{
	return (&r->names.host);
}

int
responder_owns(const struct responder *r, const struct dns_name *name)
{
	return (dns_name_same(name, &r->names.instance) ||
	    dns_name_same(name, &r->old.instance));
}

int
responder_ready(const struct responder *r, uint32_t id)
{
	size_t i;

	for (i = 0; i < RESPONDER_LINKS_MAX; i++)
		if (r->links[i].id == id && r->links[i].state == LINK_RUNNING)
			return (1);
	return (0);
}

uint64_t
responder_conflicts(const struct responder *r)
{
	return (r->conflicts);
}
