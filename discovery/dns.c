/*
 * Reading and writing DNS messages (RFC 1035, 4; RFC 6762, 18).  Pure; used by
 * the discovery process on what anyone on the network sent.
 */
#include <string.h>

#include "discovery/dns.h"

#define POINTER 0xc0
#define POINTER_MAX 0x3fff
#define TOP_BIT 0x8000	 /* QU of a question, cache-flush of a record */
#define QUESTION_LEAST 5 /* root, type, class */
#define RECORD_LEAST 11	 /* root, type, class, ttl, length */

static const uint8_t txt_empty[1];

/* What is left of some bytes; once it failed it stays so and gives zeros. */
struct cursor {
	const uint8_t *base;
	size_t at, end;
	int bad;
};

static const uint8_t *
take(struct cursor *c, size_t n)
{
	const uint8_t *p;

	if (c->bad || n > c->end - c->at) {
		c->bad = 1;
		return (NULL);
	}
	p = c->base + c->at;
	c->at += n;
	return (p);
}

static uint8_t
take8(struct cursor *c)
{
	const uint8_t *p = take(c, 1);

	return (p == NULL ? 0 : p[0]);
}

static uint16_t
take16(struct cursor *c)
{
	const uint8_t *p = take(c, 2);

	return (p == NULL ? 0 : (uint16_t)(p[0] << 8 | p[1]));
}

static uint32_t
take32(struct cursor *c)
{
	uint32_t high = take16(c);

	return (high << 16 | take16(c));
}

/*
 * A name (RFC 1035, 4.1.4).  Each pointer must lead before the place where the
 * part that holds it began, and what it leads to must end there: so no name is
 * read in a circle, and DNS_JUMPS_MAX bounds the work for one.
 */
static void
take_name(struct cursor *c, struct dns_name *name)
{
	struct cursor part = *c;
	const uint8_t *label;
	size_t begin = c->at, len = 0, target;
	int jumps = 0;
	uint8_t n;

	for (;;) {
		n = take8(&part);
		if (part.bad)
			break;
		if ((n & POINTER) == POINTER) {
			target = (size_t)(n & ~POINTER) << 8 | take8(&part);
			if (part.bad || target < DNS_HEADER_BYTES ||
			    target >= begin || ++jumps > DNS_JUMPS_MAX)
				break;
			if (jumps == 1)
				c->at = part.at;
			part.end = begin;
			part.at = begin = target;
			continue;
		}
		if (n > DNS_LABEL_MAX || n + (size_t)1 > DNS_NAME_MAX - len)
			break;
		if ((label = take(&part, n)) == NULL)
			break;
		name->bytes[len] = n;
		memcpy(name->bytes + len + 1, label, n);
		len += n + (size_t)1;
		if (n == 0) {
			name->len = (uint8_t)len;
			if (jumps == 0)
				c->at = part.at;
			return;
		}
	}
	c->bad = 1;
	name->len = 1;
	name->bytes[0] = 0;
}

/*
 * The rest of the data as strings (RFC 1035, 3.3.14).  None at all is the same
 * as an empty one (RFC 6763, 6.1).
 */
static void
take_txt(struct cursor *c, struct dns_record *r)
{
	size_t begin = c->at;

	r->u.txt.p = c->base + begin;
	r->u.txt.len = c->end - begin;
	if (r->u.txt.len == 0) {
		r->u.txt.p = txt_empty;
		r->u.txt.len = sizeof(txt_empty);
	}
	while (!c->bad && c->at < c->end)
		(void)take(c, take8(c));
}

/*
 * Types in blocks of 256 (RFC 4034, 4.1.2), of which multicast DNS uses the
 * first (RFC 6762, 6.1); the others are checked and passed over.
 */
static void
take_types(struct cursor *c, struct dns_record *r)
{
	const uint8_t *bits;
	int block, last = -1;
	uint8_t n;

	memset(r->u.nsec.types, 0, sizeof(r->u.nsec.types));
	while (!c->bad && c->at < c->end) {
		block = take8(c);
		n = take8(c);
		if (block <= last || n == 0 || n > DNS_NSEC_BYTES) {
			c->bad = 1;
			return;
		}
		last = block;
		if ((bits = take(c, n)) != NULL && block == 0)
			memcpy(r->u.nsec.types, bits, n);
	}
}

/* All of the cursor as data of the record's type. */
static void
take_rdata(struct cursor *c, struct dns_record *r)
{
	const uint8_t *p;

	switch (r->type) {
	case DNS_A:
		if ((p = take(c, sizeof(r->u.a))) != NULL)
			memcpy(r->u.a, p, sizeof(r->u.a));
		break;
	case DNS_AAAA:
		if ((p = take(c, sizeof(r->u.aaaa))) != NULL)
			memcpy(r->u.aaaa, p, sizeof(r->u.aaaa));
		break;
	case DNS_PTR:
		take_name(c, &r->u.ptr);
		break;
	case DNS_SRV:
		r->u.srv.priority = take16(c);
		r->u.srv.weight = take16(c);
		r->u.srv.port = take16(c);
		take_name(c, &r->u.srv.target);
		break;
	case DNS_TXT:
		take_txt(c, r);
		break;
	case DNS_NSEC:
		take_name(c, &r->u.nsec.next);
		take_types(c, r);
		break;
	default:
		r->u.other.len = c->end - c->at;
		r->u.other.p = take(c, r->u.other.len);
		break;
	}
	if (c->at != c->end)
		c->bad = 1;
}

static int
type_known(uint16_t type)
{
	return (type == DNS_A || type == DNS_AAAA || type == DNS_PTR ||
	    type == DNS_SRV || type == DNS_TXT || type == DNS_NSEC);
}

int
dns_rdata_read(struct dns_record *r, const uint8_t *p, size_t n)
{
	struct cursor c = { p, 0, n, 0 };

	if (!type_known(r->type))
		return (-1);
	take_rdata(&c, r);
	return (c.bad ? -1 : 0);
}

/*
 * Reader
 */

int
dns_open(struct dns_reader *r, const void *p, size_t len)
{
	struct cursor c = { p, 0, len, 0 };
	uint32_t records;
	int i;

	memset(r, 0, sizeof(*r));
	r->base = p;
	r->len = len;
	r->id = take16(&c);
	r->flags = take16(&c);
	for (i = 0; i < DNS_SECTIONS; i++)
		r->count[i] = take16(&c);
	r->at = c.at;
	r->left = r->count[DNS_QUESTION];
	records = (uint32_t)r->count[DNS_ANSWER] + r->count[DNS_AUTHORITY] +
	    r->count[DNS_ADDITIONAL];
	if (c.bad ||
	    (size_t)r->left * QUESTION_LEAST + (size_t)records * RECORD_LEAST >
		len - c.at)
		r->bad = 1;
	return (r->bad ? -1 : 0);
}

int
dns_next_question(struct dns_reader *r, struct dns_question *q)
{
	struct cursor c = { r->base, r->at, r->len, r->bad };

	if (r->bad)
		return (-1);
	if (r->section != DNS_QUESTION || r->left == 0)
		return (0);
	take_name(&c, &q->name);
	q->type = take16(&c);
	q->class = take16(&c);
	q->unicast = (q->class & TOP_BIT) != 0;
	q->class &= (uint16_t)~TOP_BIT;
	r->at = c.at;
	r->bad = c.bad;
	r->left--;
	return (c.bad ? -1 : 1);
}

static void
take_record(struct cursor *c, struct dns_record *rr)
{
	size_t end = c->end, len;

	take_name(c, &rr->name);
	rr->type = take16(c);
	rr->class = take16(c);
	rr->flush = (rr->class & TOP_BIT) != 0;
	rr->class &= (uint16_t)~TOP_BIT;
	rr->ttl = take32(c);
	/* RFC 2181, 8: the top bit says nothing good. */
	if (rr->ttl > INT32_MAX)
		rr->ttl = 0;
	len = take16(c);
	if (c->bad || len > c->end - c->at) {
		c->bad = 1;
		return;
	}
	c->end = c->at + len;
	take_rdata(c, rr);
	c->end = end;
}

int
dns_next_record(struct dns_reader *r, struct dns_record *rr)
{
	struct dns_question q;
	struct cursor c;
	int more;

	while ((more = dns_next_question(r, &q)) == 1)
		;
	if (more == -1)
		return (-1);
	while (r->left == 0) {
		if (r->section == DNS_ADDITIONAL) {
			r->bad = r->at != r->len;
			return (r->bad ? -1 : 0);
		}
		r->left = r->count[++r->section];
	}
	c = (struct cursor){ r->base, r->at, r->len, 0 };
	rr->section = (enum dns_section)r->section;
	take_record(&c, rr);
	r->at = c.at;
	r->bad = c.bad;
	r->left--;
	return (c.bad ? -1 : 1);
}

int
dns_check(const void *p, size_t len)
{
	struct dns_reader r;
	struct dns_record rr;
	int more;

	if (dns_open(&r, p, len) == -1)
		return (-1);
	while ((more = dns_next_record(&r, &rr)) == 1)
		;
	return (more);
}

/*
 * Writer.  What does not fit is noticed at the end of a question or record; at
 * counts on meanwhile, and nothing is written past size.
 */

static void
give(struct dns_writer *w, const void *p, size_t n)
{
	if (w->at <= w->size && n <= w->size - w->at)
		memcpy(w->base + w->at, p, n);
	w->at += n;
}

static void
give16(struct dns_writer *w, uint16_t v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	give(w, b, sizeof(b));
}

static void
give32(struct dns_writer *w, uint32_t v)
{
	give16(w, (uint16_t)(v >> 16));
	give16(w, (uint16_t)v);
}

/* FNV-1a; what it is asked for is what we wrote, so nobody chooses it. */
static uint32_t
suffix_hash(const uint8_t *p, size_t n)
{
	uint32_t h = 0x811c9dc5u;

	while (n-- > 0)
		h = (h ^ *p++) * 0x01000193u;
	return (h);
}

/* Where the same bytes stand already, 0 for nowhere. */
static uint16_t
suffix_find(const struct dns_writer *w, const uint8_t *p, size_t n,
    uint32_t hash)
{
	struct dns_name name;
	struct cursor c;
	unsigned int i;

	for (i = 0; i < w->nsuffixes; i++) {
		/* What did not fit any more is not there to point to. */
		if (w->suffix[i].hash != hash || w->suffix[i].offset >= w->size)
			continue;
		c = (struct cursor){ w->base, w->suffix[i].offset,
			w->at < w->size ? w->at : w->size, 0 };
		take_name(&c, &name);
		if (!c.bad && name.len == n && memcmp(name.bytes, p, n) == 0)
			return (w->suffix[i].offset);
	}
	return (0);
}

static void
give_name(struct dns_writer *w, const struct dns_name *name, int compress)
{
	const uint8_t *p = name->bytes;
	size_t n = name->len;
	uint32_t hash;
	uint16_t offset;

	while (*p != 0) {
		hash = suffix_hash(p, n);
		if (compress && (offset = suffix_find(w, p, n, hash)) != 0) {
			give16(w, (uint16_t)(POINTER << 8 | offset));
			return;
		}
		if (w->nsuffixes < DNS_SUFFIXES_MAX && w->at <= POINTER_MAX) {
			w->suffix[w->nsuffixes].offset = (uint16_t)w->at;
			w->suffix[w->nsuffixes++].hash = hash;
		}
		give(w, p, *p + (size_t)1);
		n -= *p + (size_t)1;
		p += *p + (size_t)1;
	}
	give(w, p, 1);
}

static void
give_types(struct dns_writer *w, const struct dns_record *r)
{
	uint8_t head[2] = { 0, DNS_NSEC_BYTES };

	while (head[1] > 0 && r->u.nsec.types[head[1] - 1] == 0)
		head[1]--;
	if (head[1] == 0)
		return;
	give(w, head, sizeof(head));
	give(w, r->u.nsec.types, head[1]);
}

static void
give_rdata(struct dns_writer *w, const struct dns_record *r)
{
	switch (r->type) {
	case DNS_A:
		give(w, r->u.a, sizeof(r->u.a));
		break;
	case DNS_AAAA:
		give(w, r->u.aaaa, sizeof(r->u.aaaa));
		break;
	case DNS_PTR:
		give_name(w, &r->u.ptr, 1);
		break;
	case DNS_SRV:
		give16(w, r->u.srv.priority);
		give16(w, r->u.srv.weight);
		give16(w, r->u.srv.port);
		give_name(w, &r->u.srv.target, !w->plain);
		break;
	case DNS_TXT:
		if (r->u.txt.len == 0)
			give(w, txt_empty, sizeof(txt_empty));
		else
			give(w, r->u.txt.p, r->u.txt.len);
		break;
	case DNS_NSEC:
		give_name(w, &r->u.nsec.next, !w->plain);
		give_types(w, r);
		break;
	}
}

int
dns_rdata_write(const struct dns_record *r, uint8_t *buf, size_t size)
{
	struct dns_writer w;

	if (!type_known(r->type))
		return (-1);
	memset(&w, 0, sizeof(w));
	w.base = buf;
	w.size = size;
	/* No suffix is ever looked for. */
	w.nsuffixes = DNS_SUFFIXES_MAX;
	w.plain = 1;
	if (r->type == DNS_PTR)
		give_name(&w, &r->u.ptr, 0);
	else
		give_rdata(&w, r);
	return (w.at > w.size ? -1 : (int)w.at);
}

void
dns_begin(struct dns_writer *w, uint8_t *buf, size_t size, uint16_t id,
    uint16_t flags, int plain)
{
	memset(w, 0, sizeof(*w));
	w->base = buf;
	w->size = size > DNS_MESSAGE_MAX ? DNS_MESSAGE_MAX : size;
	w->at = DNS_HEADER_BYTES;
	w->id = id;
	w->flags = flags;
	w->plain = plain;
}

/* Ends a question or record that began at that place. */
static int
put_end(struct dns_writer *w, size_t at, unsigned int nsuffixes,
    enum dns_section section)
{
	if (w->at > w->size || w->count[section] == UINT16_MAX) {
		w->at = at;
		w->nsuffixes = nsuffixes;
		return (-1);
	}
	w->section = section;
	w->count[section]++;
	return (0);
}

int
dns_put_question(struct dns_writer *w, const struct dns_question *q)
{
	unsigned int nsuffixes = w->nsuffixes;
	size_t at = w->at;

	if (w->section != DNS_QUESTION)
		return (-1);
	give_name(w, &q->name, 1);
	give16(w, q->type);
	give16(w, (uint16_t)(q->class | (q->unicast ? TOP_BIT : 0)));
	return (put_end(w, at, nsuffixes, DNS_QUESTION));
}

int
dns_put_record(struct dns_writer *w, enum dns_section section,
    const struct dns_record *r)
{
	unsigned int nsuffixes = w->nsuffixes;
	size_t at = w->at, data, end;

	if (section < w->section || section == DNS_QUESTION ||
	    !type_known(r->type))
		return (-1);
	give_name(w, &r->name, 1);
	give16(w, r->type);
	give16(w, (uint16_t)(r->class | (r->flush ? TOP_BIT : 0)));
	give32(w, r->ttl);
	give16(w, 0);
	data = w->at;
	give_rdata(w, r);
	end = w->at;
	if (end <= w->size && end - data <= UINT16_MAX) {
		w->at = data - 2;
		give16(w, (uint16_t)(end - data));
		w->at = end;
	}
	return (put_end(w, at, nsuffixes, section));
}

void
dns_put_flags(struct dns_writer *w, uint16_t flags)
{
	w->flags |= flags;
}

int
dns_empty(const struct dns_writer *w)
{
	return (w->at == DNS_HEADER_BYTES);
}

size_t
dns_size(const struct dns_writer *w)
{
	return (w->at);
}

size_t
dns_finish(struct dns_writer *w)
{
	size_t end = w->at;
	int i;

	w->at = 0;
	give16(w, w->id);
	give16(w, w->flags);
	for (i = 0; i < DNS_SECTIONS; i++)
		give16(w, w->count[i]);
	w->at = end;
	return (end);
}

/*
 * Records
 */

static int
rdata_same(const struct dns_record *a, const struct dns_record *b)
{
	switch (a->type) {
	case DNS_A:
		return (memcmp(a->u.a, b->u.a, sizeof(a->u.a)) == 0);
	case DNS_AAAA:
		return (memcmp(a->u.aaaa, b->u.aaaa, sizeof(a->u.aaaa)) == 0);
	case DNS_PTR:
		return (dns_name_same(&a->u.ptr, &b->u.ptr));
	case DNS_SRV:
		return (a->u.srv.priority == b->u.srv.priority &&
		    a->u.srv.weight == b->u.srv.weight &&
		    a->u.srv.port == b->u.srv.port &&
		    dns_name_same(&a->u.srv.target, &b->u.srv.target));
	case DNS_NSEC:
		return (dns_name_same(&a->u.nsec.next, &b->u.nsec.next) &&
		    memcmp(a->u.nsec.types, b->u.nsec.types, DNS_NSEC_BYTES) ==
			0);
	case DNS_TXT:
		return (a->u.txt.len == b->u.txt.len &&
		    memcmp(a->u.txt.p, b->u.txt.p, a->u.txt.len) == 0);
	default:
		return (a->u.other.len == b->u.other.len &&
		    (a->u.other.len == 0 ||
			memcmp(a->u.other.p, b->u.other.p, a->u.other.len) ==
			    0));
	}
}

int
dns_record_same(const struct dns_record *a, const struct dns_record *b)
{
	return (a->type == b->type && a->class == b->class &&
	    dns_name_same(&a->name, &b->name) && rdata_same(a, b));
}

int
dns_nsec_has(const struct dns_record *r, uint16_t type)
{
	return (type < DNS_NSEC_BYTES * 8 &&
	    (r->u.nsec.types[type / 8] & 0x80 >> type % 8) != 0);
}

void
dns_nsec_add(struct dns_record *r, uint16_t type)
{
	if (type < DNS_NSEC_BYTES * 8)
		r->u.nsec.types[type / 8] |= (uint8_t)(0x80 >> type % 8);
}
