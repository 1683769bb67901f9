/* discovery/dns.c and dns_name.c: RFC 1035, 6762 and 6763 on the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "discovery/dns.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define B(s) (s), sizeof(s) - 1

#define HEADER(q, a, n, r) "\0\0\x84\0\0" q "\0" a "\0" n "\0" r
#define SERVICE "\4_nws\4_tcp\5local\0"
#define L63    \
	"\x3f" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A_RR "\0\1\x80\1\0\0\0x\0\4\xc0\xa8\1\7"

struct check_case {
	const char *name;
	const char *bytes;
	size_t len;
	int result;
};

static const struct check_case checks[] = {
	{ "empty message", B("\0\0\0\0\0\0\0\0\0\0\0\0"), 0 },
	{ "header cut", B("\0\0\0\0\0\0\0\0\0\0\0"), -1 },
	{ "nothing", B(""), -1 },
	{ "question", B(HEADER("\1", "\0", "\0", "\0") SERVICE "\0\x0c\0\1"),
	    0 },
	{ "QU", B(HEADER("\1", "\0", "\0", "\0") SERVICE "\0\x0c\x80\1"), 0 },
	{ "bytes after it",
	    B(HEADER("\1", "\0", "\0", "\0") SERVICE "\0\x0c\0\1\0"), -1 },
	{ "question cut", B(HEADER("\1", "\0", "\0", "\0") SERVICE "\0\x0c\0"),
	    -1 },
	{ "two counted, one there",
	    B(HEADER("\2", "\0", "\0", "\0") SERVICE "\0\x0c\0\1"), -1 },
	{ "65535 answers counted",
	    B("\0\0\x84\0\0\0\xff\xff\0\0\0\0\1a\0" A_RR), -1 },
	{ "A", B(HEADER("\0", "\1", "\0", "\0") "\1a\0" A_RR), 0 },
	{ "A of 3 bytes",
	    B(HEADER("\0", "\1", "\0", "\0") "\1a\0\0\1\0\1\0\0\0x\0\3abc"),
	    -1 },
	{ "A of 5 bytes",
	    B(HEADER("\0", "\1", "\0", "\0") "\1a\0\0\1\0\1\0\0\0x\0\5abcde"),
	    -1 },
	{ "AAAA of 15 bytes",
	    B(HEADER("\0", "\1", "\0", "\0") "\1a\0\0\x1c\0\1\0\0\0x\0\x0f"
					     "123456789012345"),
	    -1 },
	{ "AAAA",
	    B(HEADER("\0", "\1", "\0", "\0") "\1a\0\0\x1c\0\1\0\0\0x\0"
					     "\x10"
					     "1234567890123456"),
	    0 },
	{ "data longer than the message",
	    B(HEADER("\0", "\1", "\0", "\0") "\1a\0\0\1\0\1\0\0\0x\0\5abcd"),
	    -1 },
	{ "unknown type",
	    B(HEADER("\0", "\1", "\0", "\0") "\1a\0\0\x0d\0\1\0\0\0x\0\3abc"),
	    0 },
	{ "OPT",
	    B(HEADER("\0", "\0", "\0", "\1") "\0\0\x29\5\xa0\0\0\x11\x94"
					     "\0\0"),
	    0 },

	{ "label of 63", B(HEADER("\1", "\0", "\0", "\0") L63 "\0\0\1\0\1"),
	    0 },
	{ "label of 64",
	    B(HEADER("\1", "\0", "\0",
		"\0") "\x40"
		      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		      "aaaaaaaaaaaaaaaaa\0\0\1\0\1"),
	    -1 },
	{ "label type 10",
	    B(HEADER("\1", "\0", "\0", "\0") "\x81"
					     "a\0\0\1\0\1"),
	    -1 },
	{ "name of 255",
	    B(HEADER("\1", "\0", "\0", "\0") L63 L63 L63
		"\x3d"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"\0\0\1\0\1"),
	    0 },
	{ "name of 256",
	    B(HEADER("\1", "\0", "\0", "\0") L63 L63 L63
		"\x3e"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"\0\0\1\0\1"),
	    -1 },
	{ "name of 256 by a pointer",
	    B(HEADER("\2", "\0", "\0", "\0") L63 L63 L63
		"\0\0\1\0\1"
		"\x3e"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"\xc0\x0c\0\1\0\1"),
	    -1 },
	{ "name of 255 by a pointer",
	    B(HEADER("\2", "\0", "\0", "\0") L63 L63 L63
		"\0\0\1\0\1"
		"\x3d"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"\xc0\x0c\0\1\0\1"),
	    0 },

	{ "pointer back",
	    B(HEADER("\2", "\0", "\0",
		"\0") "\1a\0\0\1\0\1\1b\xc0\x0c\0\1\0\1"),
	    0 },
	{ "pointer to itself",
	    B(HEADER("\1", "\0", "\0", "\0") "\xc0\x0c\0\1\0\1"), -1 },
	{ "pointer to its own name",
	    B(HEADER("\1", "\0", "\0", "\0") "\1a\xc0\x0c\0\1\0\1"), -1 },
	{ "pointer forward",
	    B(HEADER("\2", "\0", "\0", "\0") "\xc0\x12\0\1\0\1\1a\0\0\1\0\1"),
	    -1 },
	{ "pointer into the header",
	    B(HEADER("\1", "\0", "\0", "\0") "\xc0\x04\0\1\0\1"), -1 },
	{ "pointer to what runs into it",
	    B(HEADER("\2", "\0", "\0", "\0") "\1a\0\0\x05\0\1\xc0\x0f\0\1\0\1"),
	    0 },
	{ "pointer cut", B(HEADER("\1", "\0", "\0", "\0") "\1a\1b\xc0"), -1 },

	{ "PTR",
	    B(HEADER("\0", "\1", "\0", "\0") "\1a\0\0\x0c\0\1\0\0\0x\0\3"
					     "\1b\0"),
	    0 },
	{ "PTR longer than its data",
	    B(HEADER("\0", "\1", "\0", "\1") "\1a\0\0\x0c\0\1\0\0\0x\0\2"
					     "\1b\0"
					     "\0\0\0\0\0\0\0\0\0\0\0"),
	    -1 },
	{ "PTR shorter than its data",
	    B(HEADER("\0", "\1", "\0", "\0") "\1a\0\0\x0c\0\1\0\0\0x\0\4"
					     "\1b\0\0"),
	    -1 },
	{ "SRV",
	    B(HEADER("\0", "\1", "\0", "\0") "\1a\0\0\x21\0\1\0\0\0x\0\x9"
					     "\0\0\0\0\x23\x32\1b\0"),
	    0 },
	{ "SRV without target",
	    B(HEADER("\0", "\1", "\0", "\0") "\1a\0\0\x21\0\1\0\0\0x\0\6"
					     "\0\0\0\0\x23\x32"),
	    -1 },
	{ "TXT",
	    B(HEADER("\0", "\1", "\0", "\0") "\1a\0\0\x10\0\1\0\0\0x\0\4"
					     "\3v=2"),
	    0 },
	{ "TXT without a string",
	    B(HEADER("\0", "\1", "\0", "\0") "\1a\0\0\x10\0\1\0\0\0x\0\0"), 0 },
	{ "TXT string cut",
	    B(HEADER("\0", "\1", "\0", "\0") "\1a\0\0\x10\0\1\0\0\0x\0\4"
					     "\4v=2"),
	    -1 },
	{ "NSEC",
	    B(HEADER("\0", "\1", "\0", "\0") "\1a\0\0\x2f\0\1\0\0\0x\0\6"
					     "\1a\0\0\1\x40"),
	    0 },
	{ "NSEC with an empty block",
	    B(HEADER("\0", "\1", "\0", "\0") "\1a\0\0\x2f\0\1\0\0\0x\0\5"
					     "\1a\0\0\0"),
	    -1 },
	{ "NSEC with a block of 33",
	    B(HEADER("\0", "\1", "\0",
		"\0") "\1a\0\0\x2f\0\1\0\0\0x\0\x26"
		      "\1a\0\0\x21"
		      "123456789012345678901234567890123"),
	    -1 },
	{ "NSEC with a block twice",
	    B(HEADER("\0", "\1", "\0", "\0") "\1a\0\0\x2f\0\1\0\0\0x\0\x9"
					     "\1a\0\0\1\x40\0\1\x40"),
	    -1 },
};

static void
test_check(void **state)
{
	const struct check_case *c;
	uint8_t *copy;
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(checks); i++) {
		c = &checks[i];
		assert_non_null(copy = malloc(c->len + 1));
		memcpy(copy, c->bytes, c->len);
		if (dns_check(copy, c->len) != c->result)
			fail_msg("%s", c->name);
		/* Whatever is cut off is missed. */
		for (n = 0; c->result == 0 && n < c->len; n++)
			if (dns_check(copy, n) == 0)
				fail_msg("%s, cut to %zu", c->name, n);
		free(copy);
	}
}

/*
 * The example of RFC 1035, 4.1.4: F.ISI.ARPA, FOO.F.ISI.ARPA, ARPA, the root.
 */
static void
test_rfc1035(void **state)
{
	static const char *const names[] = { "F.ISI.ARPA", "FOO.F.ISI.ARPA",
		"ARPA", "" };
	static const char expect[] =
	    "\0\0\0\0\0\4\0\0\0\0\0\0"
	    "\1F\3ISI\4ARPA\0\0\1\0\1\3FOO\xc0\x0c\0\1\0\1"
	    "\xc0\x12\0\1\0\1\0\0\1\0\1";
	struct dns_question q = { .type = DNS_A, .class = DNS_IN };
	struct dns_reader r;
	struct dns_writer w;
	uint8_t buf[512];
	char text[64];
	size_t i;

	(void)state;
	dns_begin(&w, buf, sizeof(buf), 0, 0, 0);
	assert_true(dns_empty(&w));
	for (i = 0; i < COUNT(names); i++) {
		assert_int_equal(dns_name_set(&q.name, names[i]), 0);
		assert_int_equal(dns_put_question(&w, &q), 0);
	}
	assert_int_equal(dns_finish(&w), sizeof(expect) - 1);
	assert_memory_equal(buf, expect, sizeof(expect) - 1);
	assert_int_equal(dns_open(&r, buf, sizeof(expect) - 1), 0);
	for (i = 0; i < COUNT(names); i++) {
		assert_int_equal(dns_next_question(&r, &q), 1);
		assert_string_equal(dns_name_text(&q.name, text, sizeof(text)),
		    names[i]);
	}
	assert_int_equal(dns_next_question(&r, &q), 0);
}

static void
fill(struct dns_record *rr, uint16_t type)
{
	memset(rr, 0, sizeof(*rr));
	rr->type = type;
	rr->class = DNS_IN;
	rr->ttl = 120;
	rr->flush = 1;
	(void)dns_name_set(&rr->name, "abc._nws._tcp.local");
	switch (type) {
	case DNS_PTR:
		(void)dns_name_set(&rr->u.ptr, "xyz._nws._tcp.local");
		break;
	case DNS_SRV:
		rr->u.srv.port = 9010;
		(void)dns_name_set(&rr->u.srv.target, "host.local");
		break;
	case DNS_TXT:
		rr->u.txt.p = (const uint8_t *)"\3v=2";
		rr->u.txt.len = 4;
		break;
	case DNS_NSEC:
		rr->u.nsec.next = rr->name;
		dns_nsec_add(rr, DNS_A);
		dns_nsec_add(rr, DNS_AAAA);
		break;
	}
}

static const uint16_t types[] = { DNS_A, DNS_AAAA, DNS_PTR, DNS_SRV, DNS_TXT,
	DNS_NSEC };

/* Every type goes round, in every section; and fits exactly or not at all. */
static void
test_round(void **state)
{
	struct dns_record in, out;
	struct dns_reader r;
	struct dns_writer w;
	uint8_t buf[512], small[512];
	size_t i, n, size;
	int plain;

	(void)state;
	for (i = 0; i < 2 * COUNT(types); i++) {
		plain = i >= COUNT(types);
		fill(&in, types[i % COUNT(types)]);
		dns_begin(&w, buf, sizeof(buf), 7, DNS_QR, plain);
		assert_int_equal(dns_put_record(&w, DNS_ANSWER, &in), 0);
		assert_int_equal(dns_put_record(&w, DNS_ADDITIONAL, &in), 0);
		/* Too late for that section. */
		assert_int_equal(dns_put_record(&w, DNS_ANSWER, &in), -1);
		n = dns_finish(&w);
		assert_int_equal(dns_open(&r, buf, n), 0);
		assert_int_equal(r.id, 7);
		assert_int_equal(dns_next_record(&r, &out), 1);
		assert_int_equal(out.section, DNS_ANSWER);
		assert_true(dns_record_same(&in, &out) && out.flush);
		assert_int_equal(out.ttl, 120);
		assert_int_equal(dns_next_record(&r, &out), 1);
		assert_int_equal(out.section, DNS_ADDITIONAL);
		assert_int_equal(dns_next_record(&r, &out), 0);
		for (size = DNS_HEADER_BYTES; size <= n; size++) {
			dns_begin(&w, small, size, 7, DNS_QR, plain);
			(void)dns_put_record(&w, DNS_ANSWER, &in);
			(void)dns_put_record(&w, DNS_ADDITIONAL, &in);
			assert_true(dns_size(&w) <= size);
			assert_int_equal(dns_size(&w) == n, size == n);
			assert_int_equal(dns_check(small, dns_finish(&w)), 0);
		}
	}
	in.type = DNS_ANY;
	assert_int_equal(dns_put_record(&w, DNS_ADDITIONAL, &in), -1);
}

static void
test_ttl(void **state)
{
	static const char bytes[] = "\0\0\x84\0\0\0\0\1\0\0\0\0"
				    "\1a\0\0\1\x80\1\x80\0\0\0\0\4abcd";
	struct dns_reader r;
	struct dns_record rr;

	(void)state;
	assert_int_equal(dns_open(&r, bytes, sizeof(bytes) - 1), 0);
	assert_int_equal(dns_next_record(&r, &rr), 1);
	assert_int_equal(rr.ttl, 0);
	assert_int_equal(rr.class, DNS_IN);
	assert_true(rr.flush);
}

static void
test_names(void **state)
{
	struct dns_name a, b, c;
	char text[1024], label[64];
	size_t n;

	(void)state;
	memset(label, 'x', sizeof(label));
	assert_int_equal(dns_name_set(&a, "_nws._tcp.local"), 0);
	assert_int_equal(dns_name_set(&b, "_NWS._tcp.Local"), 0);
	assert_true(dns_name_same(&a, &b));
	assert_int_equal(dns_name_set(&b, "_nws._udp.local"), 0);
	assert_false(dns_name_same(&a, &b));
	assert_int_equal(dns_name_set(&b, "a..b"), -1);
	assert_int_equal(dns_name_set(&b, "a."), -1);
	assert_int_equal(dns_name_prepend(&b, label, 63, &a), 0);
	assert_true(dns_name_child(&b, &a));
	assert_false(dns_name_child(&a, &a));
	assert_int_equal(dns_name_prepend(&c, label, 1, &b), 0);
	assert_false(dns_name_child(&c, &a));
	assert_int_equal(dns_name_prepend(&b, label, 64, &a), -1);
	assert_int_equal(dns_name_prepend(&b, label, 0, &a), -1);
	/* 255 bytes and not one more. */
	assert_int_equal(dns_name_set(&b, ""), 0);
	for (n = 0; n < 3; n++)
		assert_int_equal(dns_name_prepend(&b, label, 63, &b), 0);
	assert_int_equal(dns_name_prepend(&c, label, 62, &b), -1);
	assert_int_equal(dns_name_prepend(&c, label, 61, &b), 0);
	assert_int_equal(c.len, DNS_NAME_MAX);
	/* Only letters of ASCII have two cases. */
	assert_int_equal(dns_name_prepend(&b, "\xc3\x84@[", 4, &a), 0);
	assert_int_equal(dns_name_prepend(&c, "\xc3\xa4`{", 4, &a), 0);
	assert_false(dns_name_same(&b, &c));
	assert_true(dns_name_clean(&b));
	assert_int_equal(dns_name_prepend(&b, "\xc3", 1, &a), 0);
	assert_false(dns_name_clean(&b));
	assert_int_equal(dns_name_prepend(&b, "a\x1f", 2, &a), 0);
	assert_false(dns_name_clean(&b));
	assert_int_equal(dns_name_prepend(&b, "a.b\\c d\0", 8, &a), 0);
	assert_string_equal(dns_name_text(&b, text, sizeof(text)),
	    "a\\.b\\\\c\\032d\\000._nws._tcp.local");
	for (n = 1; n < 20; n++)
		assert_true(strlen(dns_name_text(&b, text, n)) < n);
}

static void
test_txt(void **state)
{
	static const char odd[] = "\0\2=x\3v=2\3V=3\4flag\2e=\3\x7f=1\4a=b=";
	uint8_t buf[600], value[260];
	struct dns_txt_item i;
	size_t len = 0, at = 0, n = 0;

	(void)state;
	memset(value, 'x', sizeof(value));
	assert_int_equal(dns_txt_add(buf, 10, &len, "v", "2", 1), 0);
	assert_int_equal(dns_txt_add(buf, 10, &len, "gen", "1", 1), 0);
	assert_int_equal(dns_txt_add(buf, 10, &len, "", "1", 1), -1);
	assert_int_equal(dns_txt_add(buf, 10, &len, "x", NULL, 0), -1);
	assert_int_equal(dns_txt_add(buf, 12, &len, "x", NULL, 0), 0);
	assert_int_equal(len, 12);
	assert_memory_equal(buf, "\3v=2\5gen=1\1x", 12);
	assert_int_equal(dns_txt_add(buf, 600, &len, "k", value, 254), -1);
	assert_int_equal(dns_txt_add(buf, 600, &len, "k", value, 253), 0);
	assert_int_equal(dns_txt_add(buf, 600, &len, "a=b", "", 0), -1);

	while (dns_txt_next((const uint8_t *)odd, sizeof(odd) - 1, &at, &i))
		n++;
	assert_int_equal(n, 5);
	assert_true(dns_txt_get((const uint8_t *)odd, sizeof(odd) - 1, "V",
	    &i));
	assert_true(i.len == 1 && i.value[0] == '2');
	assert_true(dns_txt_get((const uint8_t *)odd, sizeof(odd) - 1, "Flag",
	    &i));
	assert_null(i.value);
	assert_true(dns_txt_get((const uint8_t *)odd, sizeof(odd) - 1, "e",
	    &i));
	assert_true(i.value != NULL && i.len == 0);
	assert_true(dns_txt_get((const uint8_t *)odd, sizeof(odd) - 1, "a",
	    &i));
	assert_int_equal(i.len, 2);
	assert_false(dns_txt_get((const uint8_t *)odd, sizeof(odd) - 1, "g",
	    &i));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_rfc1035),
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_ttl),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_txt),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
