/*
 * What others on a link say, and what the responder makes of it: questions (RFC
 * 6762, 6 and 7), probes (8.2) and answers that are in conflict with ours (9)
 * or make them needless (7.4).  Pure; of the discovery process.  Nothing that
 * comes in is trusted.
 */
#include <string.h>

#include "discovery/responder_private.h"

#define DELAY_LEAST_MS 20u /* RFC 6762, 6 */
#define DELAY_MOST_MS 120u
#define DELAY_TC_LEAST 400u /* RFC 6762, 7.2 */
#define DELAY_TC_MOST 500u
#define UNICAST_MS 50u	  /* one answer to a single host, */
#define UNICAST_BURST 20u /* and so many at once */
#define TIE_MAX 16	  /* records of one name that are compared */
#define TIE_BYTES 4096

struct input {
	struct responder *r;
	struct link *l;
	const struct mdns_from *from;
	const uint8_t *bytes;
	size_t len;
	uint64_t now;
	const struct mdns_sender *sender;
};

/*
 * Probes
 */

struct tie {
	unsigned int n;
	size_t used;
	struct tie_record {
		uint16_t class, type;
		const uint8_t *data;
		size_t len;
	} record[TIE_MAX];
	uint8_t bytes[TIE_BYTES];
};

/* The order of RFC 6762, 8.2: class, type, then data as bytes. */
static int
tie_record_compare(const struct tie_record *a, const struct tie_record *b)
{
	size_t n = a->len < b->len ? a->len : b->len;
	int d;

	if (a->class != b->class)
		return (a->class < b->class ? -1 : 1);
	if (a->type != b->type)
		return (a->type < b->type ? -1 : 1);
	if (n > 0 && (d = memcmp(a->data, b->data, n)) != 0)
		return (d);
	return (a->len < b->len ? -1 : a->len > b->len);
}

/* Sorted in; more than there is room for does not count. */
static void
tie_add(struct tie *t, const struct dns_record *rr)
{
	struct tie_record one = { rr->class, rr->type, NULL, 0 };
	unsigned int i;
	int n;

	if (t->n == TIE_MAX)
		return;
	n = dns_rdata_write(rr, t->bytes + t->used, sizeof(t->bytes) - t->used);
	if (n >= 0) {
		one.data = t->bytes + t->used;
		one.len = (size_t)n;
		t->used += (size_t)n;
	} else {
		switch (rr->type) {
		case DNS_A:
		case DNS_AAAA:
		case DNS_PTR:
		case DNS_SRV:
		case DNS_TXT:
		case DNS_NSEC:
			return;
		}
		one.data = rr->u.other.p;
		one.len = rr->u.other.len;
	}
	for (i = t->n++; i > 0; i--) {
		if (tie_record_compare(&t->record[i - 1], &one) <= 0)
			break;
		t->record[i] = t->record[i - 1];
	}
	t->record[i] = one;
}

static int
tie_compare(const struct tie *a, const struct tie *b)
{
	unsigned int i;
	int d;

	for (i = 0; i < a->n && i < b->n; i++)
		if ((d = tie_record_compare(&a->record[i], &b->record[i])) != 0)
			return (d);
	return (a->n < b->n ? -1 : a->n > b->n);
}

static void
tie_ours(struct tie *t, const struct responder *r, const struct link *l,
    const struct dns_name *name)
{
	struct dns_record rr;
	unsigned int i;

	t->n = 0;
	t->used = 0;
	for (i = 0; i < R_COUNT; i++)
		if ((M_PROBED & BIT(i)) != 0 &&
		    responder_record(r, l, &r->names, i, &rr) &&
		    dns_name_same(&rr.name, name))
			tie_add(t, &rr);
}

static void
tie_theirs(struct tie *t, const struct input *in, const struct dns_name *name)
{
	struct dns_reader reader;
	struct dns_record rr;

	t->n = 0;
	t->used = 0;
	if (dns_open(&reader, in->bytes, in->len) == -1)
		return;
	while (dns_next_record(&reader, &rr) == 1)
		if (rr.section == DNS_AUTHORITY &&
		    dns_name_same(&rr.name, name))
			tie_add(t, &rr);
}

/*
 * Another host, or ourselves by another way, probes for a name.  Who has the
 * earlier data waits for a second: if the other one was real, it answers then.
 */
static void
probe_tie(const struct input *in, const struct dns_name *name)
{
	struct tie ours, theirs;
	size_t i;

	tie_theirs(&theirs, in, name);
	if (theirs.n == 0)
		return;
	for (i = 0; i < RESPONDER_LINKS_MAX; i++) {
		if (in->r->links[i].state == LINK_FREE)
			continue;
		tie_ours(&ours, in->r, &in->r->links[i], name);
		if (tie_compare(&ours, &theirs) == 0)
			return;
	}
	tie_ours(&ours, in->r, in->l, name);
	if (tie_compare(&ours, &theirs) > 0)
		return;
	in->l->sent = 0;
	in->l->next_ms = in->now + GAP_MS;
}

/*
 * Queries
 */

/* What a question is to be answered with. */
static uint32_t
question_answers(const struct input *in, const struct dns_question *q)
{
	const struct responder *r = in->r;
	uint32_t have;
	int any = q->type == DNS_ANY;

	if (q->class != DNS_IN && q->class != DNS_CLASS_ANY)
		return (0);
	if (dns_name_same(&q->name, &r->meta))
		return (any || q->type == DNS_PTR ? BIT(R_META) : 0);
	if (dns_name_same(&q->name, &r->service))
		return (any || q->type == DNS_PTR ? BIT(R_PTR) : 0);
	if (dns_name_same(&q->name, &r->names.instance)) {
		if (any)
			return (M_INSTANCE);
		return (q->type == DNS_SRV ? BIT(R_SRV) :
			q->type == DNS_TXT ? BIT(R_TXT) :
					     BIT(R_NSEC_INSTANCE));
	}
	if (dns_name_same(&q->name, &r->names.host)) {
		have = any		? M_A | M_AAAA :
		    q->type == DNS_A	? M_A :
		    q->type == DNS_AAAA ? M_AAAA :
					  0;
		have = responder_present(in->l, have);
		return (have != 0 ? have : BIT(R_NSEC_HOST));
	}
	return (0);
}

struct asked {
	uint32_t multicast, unicast;
	int strangers; /* questions that are not for us */
	int probe;
};

/* Those of a record that the asker knows for long enough yet (7.1). */
static uint32_t
known(const struct input *in, const struct dns_record *rr)
{
	uint32_t mask = responder_find(in->r, in->l, rr), ttl;

	ttl = (mask & (M_SHARED | BIT(R_TXT))) != 0 ? TTL_OTHER : TTL_HOST;
	return (rr->ttl >= ttl / 2 ? mask : 0);
}

/* Reads all of it; returns the records that the asker knows. */
static uint32_t
query_read(const struct input *in, struct asked *a)
{
	struct dns_reader reader;
	struct dns_question q;
	struct dns_record rr;
	uint32_t mask, have = 0;

	memset(a, 0, sizeof(*a));
	if (dns_open(&reader, in->bytes, in->len) == -1)
		return (0);
	while (dns_next_question(&reader, &q) == 1) {
		if ((mask = question_answers(in, &q)) == 0)
			a->strangers = 1;
		/* Asked directly is as good as asked with QU (5.5). */
		if (q.unicast || !in->from->multicast)
			a->unicast |= mask;
		else
			a->multicast |= mask;
	}
	while (dns_next_record(&reader, &rr) == 1) {
		if (rr.section == DNS_ANSWER)
			have |= known(in, &rr);
		else if (rr.section == DNS_AUTHORITY)
			a->probe = 1;
	}
	return (have);
}

/* Whether one more packet may go to a single host. */
static int
unicast_allowed(const struct input *in)
{
	struct link *l = in->l;

	if (l->unicast_ms < in->now)
		l->unicast_ms = in->now;
	if (l->unicast_ms - in->now > (UNICAST_BURST - 1) * UNICAST_MS)
		return (0);
	l->unicast_ms += UNICAST_MS;
	return (1);
}

/*
 * A plain resolver (RFC 6762, 6.7).  It knows nothing of NSEC for what is not
 * there, and gets no answer then.
 */
static void
answer_legacy(const struct input *in, uint32_t answers)
{
	struct reply reply = { in->from, in->bytes, in->len };
	uint32_t more;

	answers &= ~M_NSEC;
	if (answers == 0 || !unicast_allowed(in))
		return;
	more = responder_additional(in->l, answers) & ~M_NSEC;
	responder_send_answers(in->r, in->l, answers, more, &reply, in->sender);
}

/*
 * To the asker alone what the link heard within a quarter of its time (5.4);
 * returns the others, which go to all.
 */
static uint32_t
answer_unicast(const struct input *in, uint32_t answers)
{
	struct reply reply = { in->from, NULL, 0 };
	const struct link *l = in->l;
	uint32_t recent = 0, ttl;
	unsigned int i;

	for (i = 0; i < R_COUNT; i++) {
		if ((answers & l->said & BIT(i)) == 0)
			continue;
		ttl = (BIT(i) & (M_SHARED | BIT(R_TXT))) != 0 ? TTL_OTHER :
								TTL_HOST;
		if (in->now - l->last_ms[i] < (uint64_t)ttl * 1000 / 4)
			recent |= BIT(i);
	}
	if (recent == 0 || !unicast_allowed(in))
		return (answers);
	responder_send_answers(in->r, l, recent,
	    responder_additional(l, recent), &reply, in->sender);
	return (answers & ~recent);
}

/*
 * More known answers are to come (7.2): wait for them.  Returns whether the
 * answers are kept; where there is no room they are sent as if nothing was to
 * come.
 */
static int
answer_later(const struct input *in, uint32_t answers, int truncated,
    uint32_t have)
{
	struct waiting *w, *place = NULL;
	uint64_t due;
	size_t i;

	for (i = 0; i < WAITING_MAX; i++) {
		w = &in->l->waiting[i];
		if (w->answers == 0)
			place = w;
		else if (mdns_from_same(&w->from, in->from))
			break;
	}
	if (i < WAITING_MAX) {
		w->answers &= ~have;
		if (!truncated)
			return (0);
	} else if (!truncated || answers == 0 || place == NULL)
		return (0);
	else {
		w = place;
		w->from = *in->from;
	}
	due = in->now +
	    mdns_random_between(&in->r->random, DELAY_TC_LEAST, DELAY_TC_MOST);
	w->answers |= answers;
	w->due_ms = due;
	return (1);
}

static void
input_query(const struct input *in, uint16_t flags)
{
	struct asked a;
	uint32_t have = query_read(in, &a), delay = 0;

	if (in->l->state == LINK_PROBING) {
		if (a.probe && in->from->port == MDNS_PORT) {
			probe_tie(in, &in->r->names.instance);
			probe_tie(in, &in->r->names.host);
		}
		return;
	}
	a.multicast &= ~have;
	a.unicast &= ~have;
	if (in->from->port != MDNS_PORT) {
		answer_legacy(in, a.multicast | a.unicast);
		return;
	}
	if (a.probe) {
		/* Defended at once and before all (6, 8.1). */
		responder_schedule(in->l, a.multicast | a.unicast, 0,
		    GAP_PROBE_MS, in->now);
		return;
	}
	if (answer_later(in, a.multicast | a.unicast, (flags & DNS_TC) != 0,
		have))
		return;
	if (a.unicast != 0)
		a.multicast |= answer_unicast(in, a.unicast);
	/* Only who has all answers, and alone, may speak at once (6, 6.3). */
	if (a.strangers || (a.multicast & M_SHARED) != 0)
		delay = mdns_random_between(&in->r->random, DELAY_LEAST_MS,
		    DELAY_MOST_MS);
	responder_schedule(in->l, a.multicast, delay, GAP_MS, in->now);
}

/*
 * Responses
 */

/*
 * Whether a record is one of ours, on whatever link: two interfaces of this
 * machine may be on the same network, and reflectors bring back what we said
 * elsewhere.
 */
static int
record_ours(const struct responder *r, const struct dns_record *rr)
{
	size_t i;

	for (i = 0; i < RESPONDER_LINKS_MAX; i++)
		if (r->links[i].state != LINK_FREE &&
		    responder_find(r, &r->links[i], rr) != 0)
			return (1);
	return (0);
}

/* Whether another holds a name for what we want it for. */
static int
record_conflicts(const struct input *in, const struct dns_record *rr)
{
	const struct names *names = &in->r->names;
	int host;

	if (rr->class != DNS_IN || rr->ttl == 0 || rr->type == DNS_NSEC)
		return (0);
	host = dns_name_same(&rr->name, &names->host);
	if (!host && !dns_name_same(&rr->name, &names->instance))
		return (0);
	/* While it is not ours yet, any type keeps us off (8.1). */
	if (in->l->state == LINK_RUNNING) {
		if (host && rr->type != DNS_A && rr->type != DNS_AAAA)
			return (0);
		if (!host && rr->type != DNS_SRV && rr->type != DNS_TXT)
			return (0);
	}
	return (!record_ours(in->r, rr));
}

/*
 * Another said what we say: as long as we would, and we need not (7.4); for
 * less than half as long, and it must be put right (6.6).
 */
static void
record_agrees(const struct input *in, const struct dns_record *rr)
{
	uint32_t mask = responder_find(in->r, in->l, rr), ttl;
	unsigned int i;

	if (mask == 0)
		return;
	ttl = (mask & (M_SHARED | BIT(R_TXT))) != 0 ? TTL_OTHER : TTL_HOST;
	if (rr->ttl < ttl / 2) {
		responder_schedule(in->l, mask, 0, GAP_MS, in->now);
		return;
	}
	if (rr->ttl < ttl)
		return;
	for (i = 0; i < R_COUNT; i++)
		if (mask & BIT(i))
			in->l->due_ms[i] = MDNS_NEVER;
}

static void
input_response(const struct input *in)
{
	struct dns_reader reader;
	struct dns_record rr;

	if (dns_open(&reader, in->bytes, in->len) == -1)
		return;
	while (dns_next_record(&reader, &rr) == 1) {
		if (rr.section == DNS_AUTHORITY)
			continue;
		if (record_conflicts(in, &rr)) {
			responder_conflict(in->r, in->l, in->now);
			return;
		}
		/* Our own packets come back to us. */
		if (in->l->state == LINK_RUNNING && !in->from->own &&
		    in->from->multicast)
			record_agrees(in, &rr);
	}
}

int
responder_input(struct responder *r, uint32_t id, const struct mdns_from *from,
    const uint8_t *bytes, size_t len, uint64_t now,
    const struct mdns_sender *sender)
{
	struct input in = { r, NULL, from, bytes, len, now, sender };
	struct dns_reader reader;

	if (dns_check(bytes, len) == -1)
		return (-1);
	(void)dns_open(&reader, bytes, len);
	/* RFC 6762, 18.3 and 18.11. */
	if ((reader.flags & (DNS_OPCODE | DNS_RCODE)) != 0)
		return (0);
	in.l = responder_link(r, id);
	if (in.l == NULL || r->stopping ||
	    (in.l->state != LINK_PROBING && in.l->state != LINK_RUNNING))
		return (0);
	if ((reader.flags & DNS_QR) == 0)
		input_query(&in, reader.flags);
	else if (from->port == MDNS_PORT)
		input_response(&in);
	return (0);
}
