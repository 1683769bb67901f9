/*
 * nwsctl(8) and what it shares with nws(1): text that is safe to show, numbers
 * and times, JSON, tables, rows, events, abbreviations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/nwsctl.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Put in place of what has a socket. */
struct ctl_options options;

static const struct {
	const char *in, *out;
} shown[] = {
	{ "plain text", "plain text" },
	{ "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
	    "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80" },
	{ "a\nb\tc\r", "a\\nb\\tc\\r" },
	{ "\x1b[31m\x07\x7f", "\\033[31m\\a\\177" },
	{ "\xc2\x9b", "\\302\\233" }, /* CSI */
	{ "\xe2\x80\xae"
	  "abc",
	    "\\342\\200\\256abc" }, /* right to left */
	{ "\xff\xc3", "\\377\\303" },
	{ "\xc0\xaf", "\\300\\257" },                   /* overlong */
	{ "\xed\xa0\x80", "\\355\\240\\200" },          /* surrogate */
	{ "\xf4\x90\x80\x80", "\\364\\220\\200\\200" }, /* above 10FFFF */
};

static void
test_visible(void **state)
{
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(shown); i++) {
		memset(&b, 0, sizeof(b));
		text_visible(&b, shown[i].in, strlen(shown[i].in));
		buf_byte(&b, '\0');
		assert_string_equal((char *)b.data, shown[i].out);
		buf_free(&b);
	}
}

/* The same JSON, whatever a terminal would make of it. */
static void
test_json_visible(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "{\"a\" :\r\n\t[1, \"gr\xc3\xbc\xc3\x9f\\n\"]}",
		    "{\"a\" :   [1, \"gr\xc3\xbc\xc3\x9f\\n\"]}" },
		{ "\"\xc2\x9b"
		  "31m\x7f\"",
		    "\"\\u009b31m\\u007f\"" },
		{ "\"\xe2\x80\xae\"", "\"\\u202e\"" },
		{ "\"\xf3\xa0\x81\x81\xf0\x9f\x98\x80\"",
		    "\"\\udb40\\udc41\xf0\x9f\x98\x80\"" },
		{ "\"\xff\"", "\"\\ufffd\"" },
	};
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		memset(&b, 0, sizeof(b));
		json_visible(&b, cases[i].in, strlen(cases[i].in));
		buf_byte(&b, '\0');
		assert_string_equal((char *)b.data, cases[i].out);
		buf_free(&b);
	}
}

static void
test_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds; /* 0: wrong */
	} times[] = {
		{ "1", 1 },
		{ "90s", 90 },
		{ "10m", 600 },
		{ "12h", 43200 },
		{ "7d", 604800 },
		{ "2w", 1209600 },
		{ "0", 0 },
		{ "", 0 },
		{ "m", 0 },
		{ "1y", 0 },
		{ "1mm", 0 },
		{ "-1", 0 },
		{ "4294967295", 4294967295u },
		{ "4294967296", 0 },
		{ "7101w", 7101ull * 604800 },
		{ "7102w", 0 },
	};
	uint64_t v;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(times); i++) {
		v = 0;
		if ((text_seconds(times[i].text, &v) == 0) !=
			(times[i].seconds != 0) ||
		    (times[i].seconds != 0 && v != times[i].seconds))
			fail_msg("%s: %llu", times[i].text,
			    (unsigned long long)v);
	}
	assert_int_equal(text_number("10", 10, &v), 0);
	assert_int_equal(text_number("11", 10, &v), -1);
	assert_int_equal(text_number("18446744073709551616", UINT64_MAX, &v),
	    -1);
	assert_string_equal(text_age(59), "59s");
	assert_string_equal(text_age(60), "1m00s");
	assert_string_equal(text_age(3600), "1h00m");
	assert_string_equal(text_age(86399), "23h59m");
	assert_string_equal(text_age(86400), "1d00h");
	assert_string_equal(text_time(0, 0), "1970-01-01T00:00:00Z");
	assert_string_equal(text_time(1700000000123ull, 3),
	    "2023-11-14T22:13:20.123Z");
	assert_string_equal(text_time(UINT64_MAX, 3), "9999-12-31T23:59:59Z");
}

static void
test_json_strings(void **state)
{
	static const char in[] = "\"\\\n\x01\xff\xc3\xbc";
	struct buf b = { NULL, 0, 0 }, back = { NULL, 0, 0 };

	(void)state;
	json_string(&b, in, sizeof(in) - 1);
	buf_byte(&b, '\0');
	assert_string_equal((char *)b.data,
	    "\"\\\"\\\\\\n\\u0001\xef\xbf\xbd\xc3\xbc\"");
	assert_int_equal(json_string_scan((char *)b.data, b.len), b.len - 1);
	json_string_text(&back, (char *)b.data, b.len - 1);
	buf_byte(&back, '\0');
	assert_string_equal((char *)back.data,
	    "\"\\\n\x01\xef\xbf\xbd\xc3\xbc");
	buf_free(&b);
	buf_free(&back);
}

static void
test_json(void **state)
{
	struct json j = { .comma = 0 };

	(void)state;
	json_open(&j, NULL, '{');
	json_uint(&j, "a", UINT64_MAX);
	json_id(&j, "b", 5);
	json_open(&j, "c", '[');
	json_word(&j, NULL, "x");
	json_word(&j, NULL, "y");
	json_shut(&j, ']');
	json_open(&j, "d", '{');
	json_shut(&j, '}');
	json_bool(&j, "e", 0);
	json_shut(&j, '}');
	assert_string_equal(j.text,
	    "{\"a\":18446744073709551615,"
	    "\"b\":\"5\",\"c\":[\"x\",\"y\"],\"d\":{},\"e\":false}");
	json_free(&j);
}

static void
test_table(void **state)
{
	struct buf out = { NULL, 0, 0 };
	struct table t;

	(void)state;
	table_begin(&t, "NAME|>N|X");
	table_outside(&t,
	    "gr\xc3\xbc\xc3\x9f"
	    "e",
	    7);
	table_cell(&t, "%d", 5);
	table_cell(&t, "last");
	table_outside(&t, "a\nb", 3);
	table_cell(&t, "%d", 1000);
	table_outside(&t, "", 0);
	table_end(&t, &out);
	buf_byte(&out, '\0');
	assert_string_equal((char *)out.data,
	    "NAME      N  X\n"
	    "gr\xc3\xbc\xc3\x9f"
	    "e     5  last\n"
	    "a\\nb   1000  -\n");
	out.len = 0;
	table_begin(&t, "A|>B");
	table_end(&t, &out);
	buf_byte(&out, '\0');
	assert_string_equal((char *)out.data, "A  B\n");
	buf_free(&out);
}

static void
add_counter(struct rows *rows, uint32_t instance, uint64_t value,
    const char *name)
{
	struct msg_row_counter c = { .value = value };
	char data[256];

	c.row.what = SHOW_SUMMARY;
	c.row.process = P_FRONTEND;
	c.row.instance = instance;
	memcpy(data, &c, sizeof(c));
	memcpy(data + sizeof(c), name, strlen(name));
	assert_int_equal(rows_add(rows, SHOW_SUMMARY, data,
			     sizeof(c) + strlen(name)),
	    0);
}

static void
test_counters(void **state)
{
	struct rows rows = { NULL, 0, 0 };

	(void)state;
	add_counter(&rows, 0, 1, "b");
	add_counter(&rows, 0, 2, "a");
	add_counter(&rows, 1, 3, "b");
	add_counter(&rows, 1, 4, "bb");
	rows_merge(&rows, SHOW_SUMMARY);
	assert_int_equal(rows.n, 3);
	assert_string_equal(rows.v[0].text[0], "a");
	assert_int_equal(rows.v[1].u.counter.value, 4);
	assert_string_equal(rows.v[2].text[0], "bb");
	rows_free(&rows);
}

static void
add_origin(struct rows *rows, uint32_t state, uint64_t seen, uint32_t scope,
    const char *text)
{
	struct msg_row_origin o = {
		.seen = seen, .scope = scope, .state = state
	};
	char data[256];

	o.row.what = SHOW_ORIGINS;
	memcpy(data, &o, sizeof(o));
	memcpy(data + sizeof(o), text, strlen(text));
	assert_int_equal(rows_add(rows, SHOW_ORIGINS, data,
			     sizeof(o) + strlen(text)),
	    0);
}

static void
test_origins(void **state)
{
	struct rows rows = { NULL, 0, 0 };

	(void)state;
	add_origin(&rows, ORIGIN_ALLOWED, 0, 1, "https://a");
	add_origin(&rows, ORIGIN_PENDING, 2, 1, "https://b");
	add_origin(&rows, ORIGIN_PENDING, 3, 4, "https://b");
	add_origin(&rows, ORIGIN_PENDING, 1, 1, "https://a");
	rows_merge(&rows, SHOW_ORIGINS);
	assert_int_equal(rows.n, 3);
	assert_string_equal(rows.v[0].text[0], "https://a");
	assert_int_equal(rows.v[0].u.origin.state, ORIGIN_PENDING);
	assert_int_equal(rows.v[1].u.origin.seen, 5);
	assert_int_equal(rows.v[1].u.origin.scope, 5);
	assert_int_equal(rows.v[2].u.origin.state, ORIGIN_ALLOWED);
	rows_free(&rows);
}

static void
test_rows(void **state)
{
	struct rows rows = { NULL, 0, 0 };
	struct msg_row_client c = { .id = 7 };
	char data[sizeof(c) + 8];

	(void)state;
	c.row.what = SHOW_CLIENTS;
	memcpy(data, &c, sizeof(c));
	memcpy(data + sizeof(c), "ch\0o\0ad", 8);
	assert_int_equal(rows_add(&rows, SHOW_CLIENTS, data, sizeof(c) + 7), 0);
	assert_string_equal(rows.v[0].text[0], "ch");
	assert_string_equal(rows.v[0].text[1], "o");
	assert_string_equal(rows.v[0].text[2], "ad");
	/* exactly the struct, one byte less, another kind */
	assert_int_equal(rows_add(&rows, SHOW_CLIENTS, data, sizeof(c)), 0);
	assert_string_equal(rows.v[1].text[2], "");
	assert_int_equal(rows_add(&rows, SHOW_CLIENTS, data, sizeof(c) - 1),
	    -1);
	assert_int_equal(rows_add(&rows, SHOW_LIMITS, data, sizeof(c)), -1);
	assert_int_equal(rows_add(&rows, SHOW_WHATS, data, sizeof(c)), -1);
	assert_int_equal(rows.n, 2);
	rows_free(&rows);
}

/* A row of a kind with all its texts. */
static void
add_row(struct rows *rows, uint32_t what, struct msg_row *row, size_t size,
    const char *texts, size_t n)
{
	char data[512];

	row->what = what;
	memcpy(data, row, size);
	memcpy(data + size, texts, n);
	assert_int_equal(rows_add(rows, what, data, size + n), 0);
	/* One byte less than the struct is no row. */
	assert_int_equal(rows_add(rows, what, data, size - 1), -1);
}

static void
json_of(const struct row *row, const char *expected)
{
	struct rows one = { NULL, 1, 1 };
	struct json j;
	char start[64];
	size_t n;

	one.v = malloc(sizeof(*row));
	assert_non_null(one.v);
	memcpy(one.v, row, sizeof(*row));
	rows_json(&j, &one, row->u.row.what, NULL);
	free(one.v);
	n = (size_t)snprintf(start, sizeof(start),
	    "{\"schema\":1,\"ok\":true,\"%s\":[",
	    rows_names[row->u.row.what]);
	assert_int_equal(j.failed, 0);
	assert_int_equal(j.len, n + strlen(expected) + strlen("]}\n"));
	assert_memory_equal(j.text, start, n);
	assert_memory_equal(j.text + n, expected, strlen(expected));
	assert_string_equal(j.text + n + strlen(expected), "]}\n");
	json_free(&j);
}

static void
test_links(void **state)
{
	struct rows rows = { NULL, 0, 0 };
	struct msg_row_link l = { .id = 12, .rtt_us = 1239, .age_s = 65,
		.phase = LINK_ACTIVE, .security = LINK_TLS, .dialled = 1,
		.channels = 2, .members = 3, .bytes_out = 7 };
	struct table t;
	struct buf out = { NULL, 0, 0 };
	size_t i;

	(void)state;
	add_row(&rows, SHOW_LINKS, &l.row, sizeof(l), "12D\0::1 port 7\0x/1",
	    18);
	l.id = 2;
	l.rtt_us = 0;
	l.phase = l.security = 99;
	add_row(&rows, SHOW_LINKS, &l.row, sizeof(l), "\0a", 2);
	rows_merge(&rows, SHOW_LINKS);
	rows_sort(&rows, SHOW_LINKS);
	assert_int_equal(rows.n, 2);
	assert_int_equal(rows.v[0].u.link.id, 2);
	json_of(&rows.v[1],
	    "{\"link\":12,\"peer\":\"12D\",\"address\":\"::1 port 7\","
	    "\"agent\":\"x/1\",\"phase\":\"active\",\"security\":\"tls\","
	    "\"dialled\":true,\"rtt_us\":1239,\"age_s\":65,\"idle_s\":0,"
	    "\"channels\":2,\"members\":3,\"messages_out\":0,"
	    "\"bytes_out\":7,\"messages_in\":0,\"bytes_in\":0,"
	    "\"queued_bytes\":0,\"dropped\":0}");
	table_begin(&t, "a|b|c|d|e|f|g|h|i|j|k|l|m|n|o");
	for (i = 0; i < rows.n; i++)
		text_link(&t, &rows.v[i]);
	table_end(&t, &out);
	buf_byte(&out, '\0');
	assert_non_null(strstr((char *)out.data, "active tls out"));
	assert_non_null(strstr((char *)out.data, "unknown unknown out"));
	assert_non_null(strstr((char *)out.data, "1.23 ms"));
	buf_free(&out);
	rows_free(&rows);
}

static void
test_peers(void **state)
{
	struct rows rows = { NULL, 0, 0 };
	struct msg_row_peer p = { .origin = PEER_ADDED, .state = PEER_WAITING,
		.attempts = 3, .retry_s = 9 };
	struct msg_row_interface i = { .index = 4, .used = 1, .ready6 = 1 };
	struct msg_row_service s = { .own = 1 };
	struct msg_row_check c = { .level = CHECK_FAILURE };

	(void)state;
	add_row(&rows, SHOW_PEERS, &p.row, sizeof(p), "nas:1\0::1,::2\0no", 16);
	json_of(&rows.v[0],
	    "{\"name\":\"nas:1\",\"from\":\"added\",\"state\":\"waiting\","
	    "\"failures\":3,\"retry_s\":9,\"addresses\":[\"::1\",\"::2\"],"
	    "\"reason\":\"no\"}");
	p.state = PEER_LINKED;
	add_row(&rows, SHOW_PEERS, &p.row, sizeof(p), "nas:1\0\0", 7);
	json_of(&rows.v[1],
	    "{\"name\":\"nas:1\",\"from\":\"added\",\"state\":\"linked\","
	    "\"failures\":3,\"retry_s\":null,\"addresses\":[],"
	    "\"peer\":null}");
	rows_free(&rows);
	add_row(&rows, SHOW_INTERFACES, &i.row, sizeof(i), "eth0\0::1\0", 9);
	json_of(&rows.v[0],
	    "{\"index\":4,\"interface\":\"eth0\",\"used\":true,"
	    "\"ready_ipv4\":false,\"ready_ipv6\":true,\"packets_out\":0,"
	    "\"packets_in\":0,\"others_in\":0,\"addresses\":[\"::1\"],"
	    "\"reason\":null}");
	rows_free(&rows);
	add_row(&rows, SHOW_DISCOVERY, &s.row, sizeof(s), "a\0b:1\0::1\0v=2\0w",
	    15);
	json_of(&rows.v[0],
	    "{\"instance\":\"a\",\"own\":true,\"host\":\"b:1\","
	    "\"addresses\":[\"::1\"],\"txt\":\"v=2\\u0000w\"}");
	rows_free(&rows);
	c.row.process = P_DISCOVERY;
	add_row(&rows, SHOW_CHECK, &c.row, sizeof(c), "bad", 3);
	json_of(&rows.v[0],
	    "{\"level\":\"failure\",\"process\":\"discovery\","
	    "\"text\":\"bad\"}");
	rows_free(&rows);
}

static void
test_events(void **state)
{
	static const struct {
		const char *in, *out; /* NULL: refused */
	} cases[] = {
		{ "", "{}" },
		{ "channel=\"x y\" max=10",
		    "{\"channel\":\"x y\",\"max\":10}" },
		{ "a=x b=", "{\"a\":\"x\",\"b\":\"\"}" },
		{ "a=007 b=1234567890123456",
		    "{\"a\":\"007\",\"b\":\"1234567890123456\"}" },
		{ "a=123456789012345", "{\"a\":123456789012345}" },
		{ "a=\"x", NULL },
		{ "a=\"\\x\"", NULL },
		{ "A=1", NULL },
		{ "a", NULL },
		{ "=1", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct json j = { .comma = 0 };
		int r;

		json_open(&j, NULL, '{');
		r = event_members(&j, cases[i].in, strlen(cases[i].in));
		json_shut(&j, '}');
		assert_int_equal(r, cases[i].out == NULL ? -1 : 0);
		if (r == 0)
			assert_string_equal(j.text, cases[i].out);
		json_free(&j);
	}
	for (i = 0; i < EVENT_KINDS; i++)
		assert_string_not_equal(event_name((uint32_t)i), "unknown");
	assert_string_equal(event_name(EVENT_KINDS), "unknown");
	assert_string_equal(event_subject(EVENT_LINK_UP), "link");
	assert_string_equal(event_subject(EVENT_PEER_GONE), "peer");
	assert_string_equal(event_subject(EVENT_LIMIT), "client");
}

static void
test_words(void **state)
{
	static const char *const words[] = { "show", "shown", "log", "list" };

	(void)state;
	assert_int_equal(word_find(words, 4, "show"), 0);
	assert_int_equal(word_find(words, 4, "shown"), 1);
	assert_int_equal(word_find(words, 4, "sho"), -2);
	assert_int_equal(word_find(words, 4, "lo"), 2);
	assert_int_equal(word_find(words, 4, "l"), -2);
	assert_int_equal(word_find(words, 4, "x"), -1);
	assert_int_equal(word_find(words, 4, ""), -1);
	assert_int_equal(word_find(words, 4, "logs"), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_visible),
		cmocka_unit_test(test_json_visible),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_json_strings),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_origins),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_words),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
