/*
 * discovery/dns.c: what can be read can be written and read again, with the
 * same meaning; in a buffer of any size.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "discovery/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define KNOWN(t)                                              \
	((t) == DNS_A || (t) == DNS_AAAA || (t) == DNS_PTR || \
	    (t) == DNS_SRV || (t) == DNS_TXT || (t) == DNS_NSEC)

static void
require(int ok)
{
	if (!ok)
		abort();
}

/* Names hold what they promise. */
static void
check_name(const struct dns_name *name)
{
	char text[1024];
	size_t at = 0;

	require(name->len >= 1);
	while (name->bytes[at] != 0) {
		require(name->bytes[at] <= DNS_LABEL_MAX);
		at += name->bytes[at] + (size_t)1;
		require(at < name->len);
	}
	require(at + 1 == name->len);
	dns_name_text(name, text, sizeof(text));
	require(strlen(text) <= 1016);
	(void)dns_name_clean(name);
	require(dns_name_same(name, name));
}

static void
check_rdata(const struct dns_record *rr)
{
	struct dns_record again = *rr;
	struct dns_txt_item item;
	uint8_t bytes[DNS_MESSAGE_MAX];
	size_t at = 0;
	int n;

	if ((n = dns_rdata_write(rr, bytes, sizeof(bytes))) == -1)
		return;
	memset(&again.u, 0, sizeof(again.u));
	require(dns_rdata_read(&again, bytes, (size_t)n) == 0);
	require(dns_record_same(&again, rr));
	require(n == 0 || dns_rdata_write(rr, bytes, (size_t)n - 1) == -1);
	if (rr->type == DNS_TXT)
		while (dns_txt_next(rr->u.txt.p, rr->u.txt.len, &at, &item))
			require(item.keylen > 0);
}

/* Writes all that was read; returns the length, 0 when it did not fit. */
static size_t
copy(const uint8_t *data, size_t n, uint8_t *out, size_t size, int plain)
{
	struct dns_reader r;
	struct dns_writer w;
	struct dns_question q;
	struct dns_record rr;
	int bad = 0;

	require(dns_open(&r, data, n) == 0);
	dns_begin(&w, out, size, r.id, r.flags, plain);
	while (dns_next_question(&r, &q) == 1) {
		check_name(&q.name);
		bad |= dns_put_question(&w, &q);
	}
	while (dns_next_record(&r, &rr) == 1) {
		check_name(&rr.name);
		check_rdata(&rr);
		if (KNOWN(rr.type))
			bad |= dns_put_record(&w, rr.section, &rr);
		else
			require(dns_put_record(&w, rr.section, &rr) == -1);
	}
	require(dns_size(&w) <= size && dns_finish(&w) == dns_size(&w));
	require(dns_check(out, dns_size(&w)) == 0);
	return (bad ? 0 : dns_size(&w));
}

static void
compare(const uint8_t *a, size_t na, const uint8_t *b, size_t nb)
{
	struct dns_reader ra, rb;
	struct dns_question qa, qb;
	struct dns_record x, y;
	int more;

	require(dns_open(&ra, a, na) == 0 && dns_open(&rb, b, nb) == 0);
	require(ra.id == rb.id && ra.flags == rb.flags);
	while ((more = dns_next_question(&ra, &qa)) == 1) {
		require(dns_next_question(&rb, &qb) == 1);
		require(dns_name_same(&qa.name, &qb.name) &&
		    qa.type == qb.type && qa.class == qb.class &&
		    qa.unicast == qb.unicast);
	}
	require(more == 0 && dns_next_question(&rb, &qb) == 0);
	while ((more = dns_next_record(&ra, &x)) == 1) {
		if (!KNOWN(x.type))
			continue;
		require(dns_next_record(&rb, &y) == 1);
		require(dns_record_same(&x, &y) && x.ttl == y.ttl &&
		    x.flush == y.flush && x.section == y.section);
	}
	require(more == 0 && dns_next_record(&rb, &y) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint8_t out[DNS_MESSAGE_MAX];
	uint8_t *small;
	size_t size, len;
	int plain;

	if (dns_check(data, n) == -1)
		return (0);
	for (plain = 0; plain <= 1; plain++) {
		len = copy(data, n, out, sizeof(out), plain);
		if (len == 0)
			continue;
		compare(data, n, out, len);
		/* A buffer of its own, so that a byte too far is seen. */
		size = DNS_HEADER_BYTES + data[0] % (len - 11);
		if ((small = malloc(size)) == NULL)
			abort();
		(void)copy(data, n, small, size, plain);
		free(small);
	}
	return (0);
}
