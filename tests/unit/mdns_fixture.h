/* A network of one listener, for the tests of responder and querier. */
#ifndef TESTS_UNIT_MDNS_FIXTURE_H
#define TESTS_UNIT_MDNS_FIXTURE_H

#include "discovery/dns.h"
#include "discovery/mdns.h"

#define SERVICE "_nws._tcp.local"
#define PACKETS_MAX 32

struct packet {
	uint32_t link;
	int unicast;
	uint64_t at;
	size_t len;
	uint8_t bytes[DNS_MESSAGE_MAX];
};

static struct packet packets[PACKETS_MAX];
static size_t npackets;
static uint64_t now;
static uint32_t seed;

static void
heard(void *arg, const struct mdns_out *out)
{
	struct packet *p = &packets[npackets++];

	(void)arg;
	assert_true(npackets <= PACKETS_MAX);
	assert_int_equal(dns_check(out->bytes, out->len), 0);
	p->link = out->link;
	p->unicast = out->to != NULL;
	p->at = now;
	p->len = out->len;
	memcpy(p->bytes, out->bytes, out->len);
}

static uint32_t
random_next(void *arg)
{
	(void)arg;
	seed = seed * 1664525u + 1013904223u;
	return (seed ^ seed >> 15);
}

static const struct mdns_sender sender = { heard, NULL };
static const struct mdns_random generator = { random_next, NULL };

static const struct mdns_from other = { { 1 }, MDNS_PORT, 1, 0, 0 };

/* A message that is being made. */
static uint8_t message[DNS_MESSAGE_MAX];
static struct dns_writer writer;

static void
begin(uint16_t flags)
{
	dns_begin(&writer, message, sizeof(message), 0x1234, flags, 0);
}

static void
ask(const char *name, uint16_t type, int unicast)
{
	struct dns_question q;

	assert_int_equal(dns_name_set(&q.name, name), 0);
	q.type = type;
	q.class = DNS_IN;
	q.unicast = unicast;
	assert_int_equal(dns_put_question(&writer, &q), 0);
}

static void
say(enum dns_section section, const struct dns_record *rr)
{
	assert_int_equal(dns_put_record(&writer, section, rr), 0);
}

/* A record in an own place each, until the next begin. */
static struct dns_record *
record(const char *name, uint16_t type, uint32_t ttl)
{
	static struct dns_record rr;

	memset(&rr, 0, sizeof(rr));
	assert_int_equal(dns_name_set(&rr.name, name), 0);
	rr.type = type;
	rr.class = DNS_IN;
	rr.ttl = ttl;
	rr.flush = type != DNS_PTR;
	return (&rr);
}

static struct dns_record *
pointer(const char *instance, uint32_t ttl)
{
	struct dns_record *rr = record(SERVICE, DNS_PTR, ttl);

	assert_int_equal(dns_name_set(&rr->u.ptr, instance), 0);
	return (rr);
}

static struct dns_record *
server(const char *instance, const char *host, uint16_t port, uint32_t ttl)
{
	struct dns_record *rr = record(instance, DNS_SRV, ttl);

	rr->u.srv.port = port;
	assert_int_equal(dns_name_set(&rr->u.srv.target, host), 0);
	return (rr);
}

static struct dns_record *
text(const char *instance, const char *data, uint32_t ttl)
{
	struct dns_record *rr = record(instance, DNS_TXT, ttl);

	rr->u.txt.p = (const uint8_t *)data;
	rr->u.txt.len = strlen(data);
	return (rr);
}

static struct dns_record *
address(const char *host, uint8_t last, uint32_t ttl)
{
	struct dns_record *rr = record(host, DNS_A, ttl);

	rr->u.a[0] = 10;
	rr->u.a[3] = last;
	return (rr);
}

/*
 * How many records of a type, or questions with section 0, a packet has in a
 * section; the last one is copied to rr if that is not NULL.
 */
static unsigned int
count(const struct packet *p, enum dns_section section, uint16_t type,
    struct dns_record *rr)
{
	struct dns_question q;
	struct dns_reader r;
	struct dns_record one;
	unsigned int n = 0;

	assert_int_equal(dns_open(&r, p->bytes, p->len), 0);
	while (dns_next_question(&r, &q) == 1)
		if (section == DNS_QUESTION && q.type == type)
			n++;
	while (dns_next_record(&r, &one) == 1)
		if (one.section == section && one.type == type) {
			n++;
			if (rr != NULL)
				*rr = one;
		}
	return (n);
}

#endif
