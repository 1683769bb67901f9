/* crypto/nwsproto.c: each message round, and at each of its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/nwsproto.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MAX_DATA 4096

static uint8_t elements[PSI_MAX][PSI_ELEMENT_BYTES];
static uint8_t tags[PSI_MAX][PSI_TAG_BYTES];
static uint8_t ids[NWSPROTO_IDS_MAX + 1][8];
static uint8_t data[MAX_DATA + 1];

/* A message with all members in their limits. */
static void
good(struct nwsproto *msg, enum nwsproto_type type)
{
	size_t i;

	memset(msg, 0, sizeof(*msg));
	for (i = 0; i < COUNT(ids); i++)
		nwsproto_put_id(ids[i], i + 1);
	for (i = 0; i < sizeof(elements); i++)
		elements[i / 32][i % 32] = (uint8_t)(i * 7);
	for (i = 0; i < sizeof(tags); i++)
		tags[i / 16][i % 16] = (uint8_t)(i * 5);
	msg->type = type;
	msg->version = NWSPROTO_VERSION;
	msg->max_data = 256 * 1024;
	msg->generation = 0x01020304;
	msg->run = 0x11121314;
	msg->scope = NWSPROTO_NEW;
	msg->page = 3;
	msg->pages = 5;
	msg->wait_ms = 400;
	msg->position = 63;
	msg->handle = 0x21222324;
	msg->kind = NWSPROTO_BYTES;
	msg->token = 0x3132333435363738;
	msg->source = 0x4142434445464748;
	msg->target = 0x5152535455565758;
	msg->nelements = 16;
	msg->ntags = 8;
	msg->nids = 3;
	msg->elements = (const uint8_t(*)[PSI_ELEMENT_BYTES])elements;
	msg->tags = (const uint8_t(*)[PSI_TAG_BYTES])tags;
	msg->share = elements[4];
	msg->tag = elements[5];
	msg->ids = ids[0];
	if (type == NWSPROTO_BROADCAST || type == NWSPROTO_DIRECT) {
		msg->data = data;
		msg->len = 77;
	}
}

static const struct {
	enum nwsproto_type type;
	uint32_t min, max;
} rows[] = {
#define X(name, number, min, max, meaning) { NWSPROTO_##name, (min), (max) },
	NWSPROTO_TABLE(X)
#undef X
};

static size_t
encode(const struct nwsproto *msg, uint8_t **out)
{
	size_t n = nwsproto_size(msg);

	*out = NULL;
	if (n == 0)
		return (0);
	if ((*out = malloc(n + msg->len)) == NULL)
		abort();
	assert_int_equal(nwsproto_encode(msg, *out, n - 1), 0);
	assert_int_equal(nwsproto_encode(msg, *out, n), n);
	if (msg->len > 0)
		memcpy(*out + n, msg->data, msg->len);
	return (n + msg->len);
}

/* Encoded, decoded at every cut, encoded again. */
static void
test_round(void **state)
{
	struct nwsproto msg, back;
	const char *why;
	uint8_t *out, *again;
	size_t i, n, cut, need;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		good(&msg, rows[i].type);
		assert_int_not_equal(n = encode(&msg, &out), 0);
		assert_in_range(n, NWSPROTO_HEADER + rows[i].min,
		    NWSPROTO_HEADER + rows[i].max + msg.len);
		for (cut = 0; cut < n; cut++) {
			assert_int_equal(nwsproto_decode(out, cut, MAX_DATA,
					     &back, &need, &why),
			    0);
			assert_int_equal(need,
			    cut < NWSPROTO_HEADER ? NWSPROTO_HEADER : n);
		}
		assert_int_equal(nwsproto_decode(out, n, MAX_DATA, &back, &need,
				     &why),
		    n);
		assert_int_equal(back.type, msg.type);
		assert_int_equal(encode(&back, &again), n);
		assert_memory_equal(out, again, n);
		free(out);
		free(again);
	}
}

/* The octets of two messages, as nws-link(7) shows them. */
static void
test_octets(void **state)
{
	static const uint8_t hello[] = { 0, 0, 0, 10, 1, 2, 0, 0, 0, 0, 0, 0, 4,
		0, 0 };
	static const uint8_t direct[] = { 0, 0, 0, 26, 36, 0, 0, 0, 9, 0, 0, 0,
		0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 1 };
	struct nwsproto msg = { .type = NWSPROTO_HELLO,
		.version = NWSPROTO_VERSION,
		.max_data = 256 * 1024 };
	uint8_t out[64];

	(void)state;
	assert_int_equal(nwsproto_encode(&msg, out, sizeof(out)),
	    sizeof(hello));
	assert_memory_equal(out, hello, sizeof(hello));
	msg = (struct nwsproto){ .type = NWSPROTO_DIRECT,
		.handle = 9,
		.source = 1,
		.target = 2,
		.kind = NWSPROTO_BYTES,
		.data = data,
		.len = 5 };
	assert_int_equal(nwsproto_encode(&msg, out, sizeof(out)),
	    sizeof(direct));
	assert_memory_equal(out, direct, sizeof(direct));
}

/* A member outside its limits is neither encoded nor, in octets, decoded. */
struct member_case {
	const char *name;
	enum nwsproto_type type;
	uint32_t at; /* in the body */
	size_t octets;
	uint64_t value;
	long ok; /* whether it decodes */
};

static const struct member_case members[] = { { "version 2.0", NWSPROTO_HELLO,
						  0, 2, 0x0200, 1 },
	{ "version 2.255", NWSPROTO_HELLO, 0, 2, 0x02ff, 1 },
	{ "version 1.255", NWSPROTO_HELLO, 0, 2, 0x01ff, 0 },
	{ "version 3", NWSPROTO_HELLO, 0, 2, 0x0300, 0 },
	{ "flags", NWSPROTO_HELLO, 2, 4, 1, 0 },
	{ "least max_data", NWSPROTO_HELLO, 6, 4, NWSPROTO_DATA_MIN, 1 },
	{ "max_data below", NWSPROTO_HELLO, 6, 4, NWSPROTO_DATA_MIN - 1, 0 },
	{ "largest max_data", NWSPROTO_HELLO, 6, 4, NWSPROTO_DATA_MAX, 1 },
	{ "max_data above", NWSPROTO_HELLO, 6, 4, NWSPROTO_DATA_MAX + 1, 0 },
	{ "run 0", NWSPROTO_OFFER, 0, 4, 0, 0 },
	{ "scope 0", NWSPROTO_OFFER, 4, 1, 0, 0 },
	{ "scope all", NWSPROTO_OFFER, 4, 1, NWSPROTO_ALL, 1 },
	{ "scope 3", NWSPROTO_OFFER, 4, 1, 3, 0 },
	{ "flag first", NWSPROTO_OFFER, 5, 1, 1, 1 },
	{ "flag 2", NWSPROTO_OFFER, 5, 1, 2, 0 },
	{ "last page", NWSPROTO_OFFER, 6, 2, 15, 1 },
	{ "page above", NWSPROTO_OFFER, 6, 2, 16, 0 },
	{ "fewer elements than there are", NWSPROTO_OFFER, 8, 1, 8, 0 },
	{ "more elements than there are", NWSPROTO_OFFER, 8, 1, 32, 0 },
	{ "15 elements", NWSPROTO_OFFER, 8, 1, 15, 0 },
	{ "no elements", NWSPROTO_OFFER, 8, 1, 0, 0 },
	{ "no pages", NWSPROTO_ANSWER, 8, 2, 0, 0 },
	{ "16 pages", NWSPROTO_ANSWER, 8, 2, 16, 1 },
	{ "17 pages", NWSPROTO_ANSWER, 8, 2, 17, 0 },
	{ "elements for tags", NWSPROTO_ANSWER, 10, 1, 8, 0 },
	{ "tags for elements", NWSPROTO_ANSWER, 11, 1, 16, 0 },
	{ "128 elements", NWSPROTO_ANSWER, 10, 1, 128, 0 },
	{ "no wait", NWSPROTO_LATER, 4, 4, 0, 0 },
	{ "longest wait", NWSPROTO_LATER, 4, 4, NWSPROTO_WAIT_MAX_MS, 1 },
	{ "wait above", NWSPROTO_LATER, 4, 4, NWSPROTO_WAIT_MAX_MS + 1, 0 },
	{ "position 64", NWSPROTO_SHARE, 4, 1, 64, 0 },
	{ "handle 0", NWSPROTO_CLOSED, 0, 4, 0, 0 },
	{ "roster flags", NWSPROTO_ROSTER, 4, 1, 3, 1 },
	{ "roster flag 4", NWSPROTO_ROSTER, 4, 1, 4, 0 },
	{ "roster id 0", NWSPROTO_ROSTER, 5, 8, 0, 0 },
	{ "roster silent id", NWSPROTO_ROSTER, 5, 8, NWSPROTO_SILENT | 1, 1 },
	{ "roster silent 0", NWSPROTO_ROSTER, 5, 8, NWSPROTO_SILENT, 0 },
	{ "connect 0", NWSPROTO_CONNECT, 4, 8, 0, 0 },
	{ "connect silent", NWSPROTO_CONNECT, 4, 8, NWSPROTO_SILENT | 1, 1 },
	{ "connect silent 0", NWSPROTO_CONNECT, 4, 8, NWSPROTO_SILENT, 0 },
	{ "disconnect silent", NWSPROTO_DISCONNECT, 4, 8, NWSPROTO_SILENT | 1,
	    0 },
	{ "source 0", NWSPROTO_BROADCAST, 4, 8, 0, 0 },
	{ "source 64 bits", NWSPROTO_BROADCAST, 4, 8, NWSPROTO_SILENT, 0 },
	{ "kind 2", NWSPROTO_BROADCAST, 12, 1, 2, 0 },
	{ "target 0", NWSPROTO_DIRECT, 12, 8, 0, 0 },
	{ "target 64 bits", NWSPROTO_UNDELIVERED, 12, 8, UINT64_MAX, 0 } };

static void
test_members(void **state)
{
	struct nwsproto msg, back;
	const char *why = NULL;
	uint8_t *out, *again;
	uint64_t v;
	size_t i, n, k, need;
	long result;

	(void)state;
	for (i = 0; i < COUNT(members); i++) {
		good(&msg, members[i].type);
		if ((n = encode(&msg, &out)) == 0 || out == NULL)
			abort();
		v = members[i].value;
		for (k = members[i].octets; k-- > 0; v >>= 8)
			out[NWSPROTO_HEADER + members[i].at + k] = (uint8_t)v;
		result = nwsproto_decode(out, n, MAX_DATA, &back, &need, &why);
		if (result != (members[i].ok ? (long)n : -1))
			fail_msg("%s: %ld", members[i].name, result);
		if (members[i].ok) {
			assert_int_equal(encode(&back, &again), n);
			assert_memory_equal(out, again, n);
			free(again);
		} else
			assert_non_null(why);
		free(out);
	}
}

/* Lengths are refused by the header alone. */
static void
test_header(void **state)
{
	uint8_t h[NWSPROTO_HEADER];
	struct nwsproto msg;
	const char *why;
	size_t i, need;
	uint32_t n, max, type;
	int known;
	long result;

	(void)state;
	for (type = 0; type < 256; type++) {
		known = 0;
		for (i = 0; i < COUNT(rows); i++)
			if (rows[i].type == type)
				known = 1;
		if (known) {
			assert_string_not_equal(nwsproto_type_name(type),
			    "unknown");
			continue;
		}
		assert_string_equal(nwsproto_type_name(type), "unknown");
		memset(h, 0, sizeof(h));
		h[4] = (uint8_t)type;
		assert_int_equal(nwsproto_decode(h, sizeof(h), MAX_DATA, &msg,
				     &need, &why),
		    -1);
		assert_string_equal(why, "unknown type");
	}
	for (i = 0; i < COUNT(rows); i++) {
		max = rows[i].max;
		if (rows[i].type == NWSPROTO_BROADCAST ||
		    rows[i].type == NWSPROTO_DIRECT)
			max += MAX_DATA;
		for (n = rows[i].min - 1; n <= max + 1; n++) {
			h[0] = (uint8_t)(n >> 24);
			h[1] = (uint8_t)(n >> 16);
			h[2] = (uint8_t)(n >> 8);
			h[3] = (uint8_t)n;
			h[4] = (uint8_t)rows[i].type;
			result = nwsproto_decode(h, sizeof(h), MAX_DATA, &msg,
			    &need, &why);
			assert_int_equal(result,
			    n < rows[i].min || n > max ? -1 : 0);
		}
		memset(h, 0xff, 4);
		assert_int_equal(nwsproto_decode(h, sizeof(h), UINT32_MAX, &msg,
				     &need, &why),
		    -1);
	}
}

static void
test_sizes(void **state)
{
	struct nwsproto msg;
	uint8_t *out;
	size_t n;

	(void)state;
	good(&msg, NWSPROTO_ROSTER);
	msg.nids = NWSPROTO_IDS_MAX;
	assert_int_equal(n = encode(&msg, &out),
	    NWSPROTO_HEADER + NWSPROTO_SMALL_MAX);
	free(out);
	msg.nids++;
	assert_int_equal(nwsproto_size(&msg), 0);
	msg.nids = 0;
	assert_int_equal(encode(&msg, &out), NWSPROTO_HEADER + 5);
	free(out);
	good(&msg, NWSPROTO_BROADCAST);
	msg.len = NWSPROTO_DATA_MAX;
	assert_int_equal(nwsproto_size(&msg), NWSPROTO_HEADER + 13);
	msg.len++;
	assert_int_equal(nwsproto_size(&msg), 0);
	good(&msg, NWSPROTO_OFFER);
	msg.nelements = 64;
	assert_int_equal(encode(&msg, &out), NWSPROTO_HEADER + 9 + 64 * 32);
	free(out);
	msg.nelements = 63;
	assert_int_equal(nwsproto_size(&msg), 0);
	good(&msg, NWSPROTO_OFFER);
	msg.type = (enum nwsproto_type)200;
	assert_int_equal(nwsproto_size(&msg), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_octets),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_sizes),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
