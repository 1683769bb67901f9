/*
 * The packets of the querier.  Pure; of the discovery process.  Names in them
 * came from the network once and were bounded by the cache.
 */
#include <string.h>

#include "discovery/querier_private.h"

/*
 * Of questions about records, beside the one that is being filled: who makes us
 * ask must not make us flood the network.
 */
#define FULL_MAX 1

/* A packet that is being filled, and the next one when it is full. */
struct packet {
	struct dns_writer w;
	unsigned int full;	/* packets that were */
	uint8_t buf[DNS_MESSAGE_MAX];
	const struct querier_link *l;
	const struct mdns_sender *s;
};

static void
packet_begin(struct packet *p)
{
	dns_begin(&p->w, p->buf, p->l->max_bytes, 0, 0, 0);
}

static void
packet_send(struct packet *p)
{
	struct mdns_out out;

	if (dns_empty(&p->w))
		return;
	out.link = p->l->id;
	out.to = NULL;
	out.bytes = p->buf;
	out.len = dns_finish(&p->w);
	p->s->send(p->s->arg, &out);
}

/*
 * Without QU, always: a unicast answer may land with another responder of this
 * machine (RFC 6762, 15.1).
 */
static void
packet_question(struct packet *p, const struct dns_name *name, uint16_t type)
{
	struct dns_question q;

	q.name = *name;
	q.type = type;
	q.class = DNS_IN;
	q.unicast = 0;
	if (dns_put_question(&p->w, &q) == 0)
		return;
	p->full++;
	packet_send(p);
	packet_begin(p);
	/* One always fits into an empty packet. */
	(void)dns_put_question(&p->w, &q);
}

/*
 * The question for the type, with all that is known for more than half of its
 * time yet (7.1), in as many packets as it takes (7.2).
 */
static void
ask_browse(struct querier *q, struct packet *p, uint64_t now)
{
	struct cache_entry *e;
	struct dns_record rr;

	packet_begin(p);
	packet_question(p, &q->type, DNS_PTR);
	for (e = cache_first_on(&q->cache, &q->type, DNS_PTR, p->l->id);
	     e != NULL && e->link == p->l->id; e = cache_next(e)) {
		e->ask = 0;
		if (!cache_fresh(e, now))
			continue;
		cache_record(e, now, &rr);
		if (dns_put_record(&p->w, DNS_ANSWER, &rr) == 0)
			continue;
		dns_put_flags(&p->w, DNS_TC);
		packet_send(p);
		packet_begin(p);
		(void)dns_put_record(&p->w, DNS_ANSWER, &rr);
	}
	packet_send(p);
}

/* What is missing of an instance to resolve it. */
static void
ask_instance(struct querier *q, struct packet *p, struct instance *i)
{
	int srv, txt;

	srv = cache_first(&q->cache, &i->name, DNS_SRV) != NULL;
	txt = cache_first(&q->cache, &i->name, DNS_TXT) != NULL;
	if (!srv)
		packet_question(p, &i->name, DNS_SRV);
	if (!txt)
		packet_question(p, &i->name, DNS_TXT);
	if (!srv || i->host.len == 0 ||
	    cache_first(&q->cache, &i->host, DNS_A) != NULL ||
	    cache_first(&q->cache, &i->host, DNS_AAAA) != NULL)
		return;
	packet_question(p, &i->host, DNS_A);
	packet_question(p, &i->host, DNS_AAAA);
}

/* Instances that are to be resolved; returns whether some are left. */
static int
ask_instances(struct querier *q, struct packet *p)
{
	struct instance *i;
	uint64_t bit = (uint64_t)1 << (p->l - q->link);
	int n;

	for (n = 0; n < QUERIER_AGES; n++)
		TAILQ_FOREACH(i, &q->by_age[n], by_age) {
			if ((i->need & bit) == 0)
				continue;
			if (p->full >= FULL_MAX)
				return (1);
			i->need &= ~bit;
			ask_instance(q, p, i);
		}
	return (0);
}

/*
 * Records that near their end (5.2); each name and type once.  Returns whether
 * some are left.
 */
static int
ask_refresh(struct querier *q, struct packet *p)
{
	struct cache_entry *e, *last = NULL;

	for (e = cache_begin(&q->cache); e != NULL; e = cache_after(e)) {
		if (!e->ask || e->link != p->l->id)
			continue;
		if (last == NULL || last->type != e->type ||
		    !dns_name_same(&last->name, &e->name)) {
			if (p->full >= FULL_MAX)
				return (1);
			packet_question(p, &e->name, e->type);
		}
		e->ask = 0;
		last = e;
	}
	return (0);
}

void
querier_browse(struct querier *q, struct querier_link *l, uint64_t now,
    const struct mdns_sender *s)
{
	struct packet p;

	p.l = l;
	p.s = s;
	p.full = 0;
	ask_browse(q, &p, now);
}

int
querier_ask(struct querier *q, struct querier_link *l,
    const struct mdns_sender *s)
{
	struct packet p;
	int more;

	p.l = l;
	p.s = s;
	p.full = 0;
	packet_begin(&p);
	more = ask_instances(q, &p);
	/* Neither keeps the other from being asked. */
	p.full = 0;
	more |= ask_refresh(q, &p);
	packet_send(&p);
	return (more);
}

int
querier_same_question(struct querier *q, const struct querier_link *l,
    const uint8_t *bytes, size_t len)
{
	struct dns_reader reader;
	struct dns_question question;
	struct dns_record rr;
	int same = 0;

	if (dns_open(&reader, bytes, len) == -1 || (reader.flags & DNS_TC) != 0)
		return (0);
	while (dns_next_question(&reader, &question) == 1)
		if (question.type == DNS_PTR && question.class == DNS_IN &&
		    !question.unicast &&
		    dns_name_same(&question.name, &q->type))
			same = 1;
	if (!same)
		return (0);
	while (dns_next_record(&reader, &rr) == 1) {
		if (rr.section != DNS_ANSWER || rr.type != DNS_PTR ||
		    !dns_name_same(&rr.name, &q->type))
			continue;
		if (cache_find(&q->cache, l->id, &rr) == NULL)
			return (0);
	}
	return (1);
}
