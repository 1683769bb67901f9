/*
 * The records of the responder and the packets made of them.  Pure; of the
 * discovery process.  Nothing here comes from the network but the questions
 * that a legacy answer repeats, which were checked.
 */
#include <string.h>

#include "discovery/responder_private.h"

static void
make_nsec(const struct link *l, unsigned int index, struct dns_record *r)
{
	memset(r->u.nsec.types, 0, sizeof(r->u.nsec.types));
	r->u.nsec.next = r->name;
	if (index == R_NSEC_INSTANCE) {
		dns_nsec_add(r, DNS_TXT);
		dns_nsec_add(r, DNS_SRV);
		return;
	}
	if (l->addresses.n4 > 0)
		dns_nsec_add(r, DNS_A);
	if (l->addresses.n6 > 0)
		dns_nsec_add(r, DNS_AAAA);
}

static int
make_address(const struct link *l, unsigned int index, struct dns_record *r)
{
	const struct responder_addresses *a = &l->addresses;

	if (index >= R_AAAA) {
		index -= R_AAAA;
		if (index >= a->n6)
			return (0);
		r->type = DNS_AAAA;
		memcpy(r->u.aaaa, a->v6[index], sizeof(r->u.aaaa));
		return (1);
	}
	index -= R_A;
	if (index >= a->n4)
		return (0);
	r->type = DNS_A;
	memcpy(r->u.a, a->v4[index], sizeof(r->u.a));
	return (1);
}

int
responder_record(const struct responder *r, const struct link *l,
    const struct names *names, unsigned int index, struct dns_record *rr)
{
	rr->class = DNS_IN;
	rr->flush = (M_SHARED & BIT(index)) == 0;
	rr->ttl = TTL_OTHER;
	rr->name = names->instance;
	switch (index) {
	case R_META:
		rr->name = r->meta;
		rr->type = DNS_PTR;
		rr->u.ptr = r->service;
		return (1);
	case R_PTR:
		rr->name = r->service;
		rr->type = DNS_PTR;
		rr->u.ptr = names->instance;
		return (1);
	case R_SRV:
		rr->type = DNS_SRV;
		rr->ttl = TTL_HOST;
		rr->u.srv.priority = rr->u.srv.weight = 0;
		rr->u.srv.port = r->port;
		rr->u.srv.target = names->host;
		return (1);
	case R_TXT:
		rr->type = DNS_TXT;
		rr->u.txt.p = r->txt;
		rr->u.txt.len = r->txtlen;
		return (1);
	case R_NSEC_INSTANCE:
	case R_NSEC_HOST:
		rr->type = DNS_NSEC;
		rr->ttl = TTL_HOST;
		if (index == R_NSEC_HOST)
			rr->name = names->host;
		make_nsec(l, index, rr);
		return (1);
	default:
		rr->name = names->host;
		rr->ttl = TTL_HOST;
		return (make_address(l, index, rr));
	}
}

/* Which of the records are of a type. */
static uint32_t
of_type(uint16_t type)
{
	switch (type) {
	case DNS_PTR:
		return (M_SHARED);
	case DNS_SRV:
		return (BIT(R_SRV));
	case DNS_TXT:
		return (BIT(R_TXT));
	case DNS_NSEC:
		return (M_NSEC);
	case DNS_A:
		return (M_A);
	case DNS_AAAA:
		return (M_AAAA);
	default:
		return (0);
	}
}

uint32_t
responder_find(const struct responder *r, const struct link *l,
    const struct dns_record *rr)
{
	struct dns_record own;
	uint32_t mask;
	unsigned int i;

	/* Most is about others, and a packet may hold hundreds. */
	if (!dns_name_same(&rr->name, &r->names.host) &&
	    !dns_name_same(&rr->name, &r->names.instance) &&
	    !dns_name_same(&rr->name, &r->service) &&
	    !dns_name_same(&rr->name, &r->meta))
		return (0);
	mask = responder_present(l, of_type(rr->type));
	for (i = 0; i < R_COUNT; i++)
		if ((mask & BIT(i)) != 0 &&
		    responder_record(r, l, &r->names, i, &own) &&
		    dns_record_same(&own, rr))
			return (BIT(i));
	return (0);
}

uint32_t
responder_present(const struct link *l, uint32_t mask)
{
	uint32_t absent;

	absent = (M_A & ~((BIT(l->addresses.n4) - 1) << R_A)) |
	    (M_AAAA & ~((BIT(l->addresses.n6) - 1) << R_AAAA));
	return (mask & ~absent);
}

uint32_t
responder_additional(const struct link *l, uint32_t answers)
{
	uint32_t more = 0;

	if (answers & BIT(R_PTR))
		more |= M_INSTANCE | M_NSEC | M_A | M_AAAA;
	if (answers & BIT(R_SRV))
		more |= BIT(R_NSEC_HOST) | M_A | M_AAAA;
	if (answers & (M_A | M_AAAA))
		more |= BIT(R_NSEC_HOST) | M_A | M_AAAA;
	return (responder_present(l, more & ~answers));
}

static void
send_packet(const struct link *l, struct dns_writer *w, const uint8_t *buf,
    const struct mdns_from *to, const struct mdns_sender *s)
{
	struct mdns_out out;

	out.link = l->id;
	out.to = to;
	out.bytes = buf;
	out.len = dns_finish(w);
	s->send(s->arg, &out);
}

/*
 * Questions for all types of both names, and what we want to have there (RFC
 * 6762, 8.1 and 8.2).  The answer is wanted by multicast: another responder of
 * this machine may get what is sent to the port alone (15.1).
 */
void
responder_send_probe(const struct responder *r, const struct link *l,
    const struct mdns_sender *s)
{
	struct dns_question q;
	struct dns_record rr;
	struct dns_writer w;
	uint8_t buf[DNS_MESSAGE_MAX];
	unsigned int i;

	dns_begin(&w, buf, l->max_bytes, 0, 0, 0);
	q.type = DNS_ANY;
	q.class = DNS_IN;
	q.unicast = 0;
	q.name = r->names.instance;
	(void)dns_put_question(&w, &q);
	q.name = r->names.host;
	(void)dns_put_question(&w, &q);
	for (i = 0; i < R_COUNT; i++) {
		if ((M_PROBED & BIT(i)) == 0 ||
		    !responder_record(r, l, &r->names, i, &rr))
			continue;
		rr.flush = 0;
		(void)dns_put_record(&w, DNS_AUTHORITY, &rr);
	}
	send_packet(l, &w, buf, NULL, s);
}

/* The questions of a query again (RFC 6762, 6.7). */
static void
put_questions(struct dns_writer *w, const struct reply *reply)
{
	struct dns_question q;
	struct dns_reader in;

	if (dns_open(&in, reply->query, reply->querylen) == -1)
		return;
	while (dns_next_question(&in, &q) == 1)
		if (dns_put_question(w, &q) == -1)
			return;
}

/* Returns those of the mask that did not fit. */
static uint32_t
put_records(const struct responder *r, const struct link *l,
    struct dns_writer *w, enum dns_section section, uint32_t mask, int legacy)
{
	struct dns_record rr;
	unsigned int i;

	for (i = 0; i < R_COUNT; i++) {
		if ((mask & BIT(i)) == 0)
			continue;
		if (responder_record(r, l, &r->names, i, &rr)) {
			if (legacy) {
				rr.flush = 0;
				rr.ttl = TTL_LEGACY;
			}
			if (dns_put_record(w, section, &rr) == -1)
				return (mask);
		}
		mask &= ~BIT(i);
	}
	return (0);
}

void
responder_send_answers(const struct responder *r, const struct link *l,
    uint32_t answers, uint32_t additional, const struct reply *reply,
    const struct mdns_sender *s)
{
	struct dns_writer w;
	uint8_t buf[DNS_MESSAGE_MAX];
	uint32_t left;
	uint16_t id = 0;
	int legacy;

	legacy = reply != NULL && reply->query != NULL;
	if (legacy)
		id = (uint16_t)(reply->query[0] << 8 | reply->query[1]);
	do {
		dns_begin(&w, buf, l->max_bytes, id, DNS_QR | DNS_AA, legacy);
		if (legacy)
			put_questions(&w, reply);
		left = put_records(r, l, &w, DNS_ANSWER, answers, legacy);
		if (left == answers)
			return;
		if (left == 0)
			(void)put_records(r, l, &w, DNS_ADDITIONAL, additional,
			    legacy);
		send_packet(l, &w, buf, reply == NULL ? NULL : reply->to, s);
		answers = left;
	} while (answers != 0);
}

void
responder_send_goodbye(const struct responder *r, const struct link *l,
    const struct names *names, const struct mdns_sender *s)
{
	struct dns_record rr;
	struct dns_writer w;
	uint8_t buf[DNS_MESSAGE_MAX];
	unsigned int i;

	dns_begin(&w, buf, l->max_bytes, 0, DNS_QR | DNS_AA, 0);
	for (i = 0; i < R_COUNT; i++) {
		if ((M_ANNOUNCED & BIT(i)) == 0 ||
		    !responder_record(r, l, names, i, &rr))
			continue;
		rr.ttl = 0;
		(void)dns_put_record(&w, DNS_ANSWER, &rr);
	}
	send_packet(l, &w, buf, NULL, s);
}

void
responder_send_removed(const struct responder *r, const struct link *l,
    const struct mdns_sender *s)
{
	const struct responder_addresses *a = &l->removed;
	struct dns_record rr;
	struct dns_writer w;
	uint8_t buf[DNS_MESSAGE_MAX];
	unsigned int i;

	dns_begin(&w, buf, l->max_bytes, 0, DNS_QR | DNS_AA, 0);
	rr.name = r->names.host;
	rr.class = DNS_IN;
	rr.flush = 0;
	rr.ttl = 0;
	rr.type = DNS_A;
	for (i = 0; i < a->n4; i++) {
		memcpy(rr.u.a, a->v4[i], sizeof(rr.u.a));
		(void)dns_put_record(&w, DNS_ANSWER, &rr);
	}
	rr.type = DNS_AAAA;
	for (i = 0; i < a->n6; i++) {
		memcpy(rr.u.aaaa, a->v6[i], sizeof(rr.u.aaaa));
		(void)dns_put_record(&w, DNS_ANSWER, &rr);
	}
	send_packet(l, &w, buf, NULL, s);
}
