/* common/ws.c and common/ws_deflate.c: RFC 6455 and the offers of RFC 7692. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ws.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define MAX		65536	/* largest payload in the table */

#define C		WS_MASKED	/* what comes from a client */
#define S		WS_UNMASKED	/* what comes from a server */

/*
 * A header, and what becomes of it: its size, or -1 with the close code after
 * `told` bytes and not before.
 */
struct header_case {
	const char	*name;
	const char	*bytes;
	size_t		 len;
	unsigned int	 flags;
	int		 result;
	uint64_t	 payload;	/* or the close code */
	size_t		 told;
};

#define B(s)		(s), sizeof(s) - 1
#define KEY		"\x01\x02\x03\x04"
#define ZERO6		"\0\0\0\0\0\0"

static const struct header_case headers[] = {
	{ "text", B("\x81\x85" KEY), C, 6, 5, 0 },
	{ "binary", B("\x82\x85" KEY), C, 6, 5, 0 },
	{ "continuation", B("\x80\x85" KEY), C, 6, 5, 0 },
	{ "first of several", B("\x01\x85" KEY), C, 6, 5, 0 },
	{ "middle of several", B("\x00\x85" KEY), C, 6, 5, 0 },
	{ "empty", B("\x81\x80" KEY), C, 6, 0, 0 },
	{ "close", B("\x88\x82" KEY), C, 6, 2, 0 },
	{ "ping", B("\x89\x80" KEY), C, 6, 0, 0 },
	{ "pong", B("\x8a\xfd" KEY), C, 6, 125, 0 },
	{ "from a server", B("\x81\x05"), S, 2, 5, 0 },
	{ "either, masked", B("\x81\x85" KEY), 0, 6, 5, 0 },
	{ "either, unmasked", B("\x81\x05"), 0, 2, 5, 0 },
	{ "125", B("\x82\xfd" KEY), C, 6, 125, 0 },
	{ "126", B("\x82\xfe\x00\x7e" KEY), C, 8, 126, 0 },
	{ "65535", B("\x82\xfe\xff\xff" KEY), C, 8, 65535, 0 },
	{ "65536", B("\x82\xff\0\0\0\0\0\1\0\0" KEY), C, 14, 65536, 0 },
	{ "RSV1 negotiated, text", B("\xc1\x80" KEY), C | WS_RSV1, 6, 0, 0 },
	{ "RSV1 negotiated, binary", B("\xc2\x80" KEY), C | WS_RSV1, 6, 0, 0 },
	{ "RSV1 negotiated, first", B("\x41\x80" KEY), C | WS_RSV1, 6, 0, 0 },

	{ "no mask", B("\x81\x05"), C, -1, 1002, 2 },
	{ "no mask, close", B("\x88\x00"), C, -1, 1002, 2 },
	{ "mask of a server", B("\x81\x85" KEY), S, -1, 1002, 2 },
	{ "RSV1", B("\xc1\x80" KEY), C, -1, 1002, 1 },
	{ "RSV2", B("\xa1\x80" KEY), C, -1, 1002, 1 },
	{ "RSV3", B("\x91\x80" KEY), C, -1, 1002, 1 },
	{ "RSV2 with RSV1", B("\xe1\x80" KEY), C | WS_RSV1, -1, 1002, 1 },
	{ "RSV1 in a continuation", B("\xc0\x80" KEY), C | WS_RSV1, -1, 1002,
	    1 },
	{ "RSV1 in a close", B("\xc8\x80" KEY), C | WS_RSV1, -1, 1002, 1 },
	{ "RSV1 in a ping", B("\xc9\x80" KEY), C | WS_RSV1, -1, 1002, 1 },
	{ "RSV1 in a pong", B("\xca\x80" KEY), C | WS_RSV1, -1, 1002, 1 },
	{ "opcode 3", B("\x83\x80" KEY), C, -1, 1002, 1 },
	{ "opcode 4", B("\x84\x80" KEY), C, -1, 1002, 1 },
	{ "opcode 5", B("\x85\x80" KEY), C, -1, 1002, 1 },
	{ "opcode 6", B("\x86\x80" KEY), C, -1, 1002, 1 },
	{ "opcode 7", B("\x87\x80" KEY), C, -1, 1002, 1 },
	{ "opcode 11", B("\x8b\x80" KEY), C, -1, 1002, 1 },
	{ "opcode 12", B("\x8c\x80" KEY), C, -1, 1002, 1 },
	{ "opcode 13", B("\x8d\x80" KEY), C, -1, 1002, 1 },
	{ "opcode 14", B("\x8e\x80" KEY), C, -1, 1002, 1 },
	{ "opcode 15", B("\x8f\x80" KEY), C, -1, 1002, 1 },
	{ "close in fragments", B("\x08\x80" KEY), C, -1, 1002, 1 },
	{ "ping in fragments", B("\x09\x80" KEY), C, -1, 1002, 1 },
	{ "pong in fragments", B("\x0a\x80" KEY), C, -1, 1002, 1 },
	{ "close of 126", B("\x88\xfe\x00\x7e" KEY), C, -1, 1002, 2 },
	{ "ping of 126", B("\x89\xfe\x00\x7e" KEY), C, -1, 1002, 2 },
	{ "pong with 64 bits", B("\x8a\xff\0\0" ZERO6 KEY), C, -1, 1002, 2 },
	{ "125 in 16 bits", B("\x82\xfe\x00\x7d" KEY), C, -1, 1002, 4 },
	{ "0 in 16 bits", B("\x82\xfe\x00\x00" KEY), C, -1, 1002, 4 },
	{ "65535 in 64 bits", B("\x82\xff" ZERO6 "\xff\xff" KEY), C, -1,
	    1002, 8 },
	{ "0 in 64 bits", B("\x82\xff" ZERO6 "\0\0" KEY), C, -1, 1002, 8 },
	{ "top bit", B("\x82\xff\x80\0" ZERO6 KEY), C, -1, 1002, 3 },
	{ "all bits", B("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff" KEY), C,
	    -1, 1002, 3 },
	{ "2^62", B("\x82\xff\x40\0" ZERO6 KEY), C, -1, 1009, 3 },
	{ "65537", B("\x82\xff\0\0\0\0\0\1\0\1" KEY), C, -1, 1009, 10 },
	{ "16 MiB", B("\x82\xff\0\0\0\0\1\0\0\0" KEY), C, -1, 1009, 7 },
};

static void
test_headers(void **state)
{
	const struct header_case	*c;
	struct ws_frame			 f;
	uint8_t				*exact;
	size_t				 i, n;
	int				 result, code;

	(void)state;
	for (i = 0; i < COUNT(headers); i++) {
		c = &headers[i];
		for (n = 0; n <= c->len; n++) {
			if ((exact = malloc(n + 1)) == NULL)
				abort();
			memcpy(exact, c->bytes, n);
			code = -1;
			result = ws_frame_parse(exact, n, c->flags, MAX, &f,
			    &code);
			free(exact);
			if (c->result == -1 && n >= c->told) {
				if (result != -1 || code != (int)c->payload)
					fail_msg("%s: %d, %d with %zu bytes",
					    c->name, result, code, n);
			} else if (result !=
			    (c->result == -1 || (int)n < c->result ? 0 :
			    c->result))
				fail_msg("%s: %d with %zu bytes", c->name,
				    result, n);
		}
		if (c->result == -1)
			continue;
		assert_int_equal(f.len, c->payload);
		assert_int_equal(f.opcode, c->bytes[0] & 0x0f);
		assert_int_equal(f.fin, (uint8_t)c->bytes[0] >> 7);
		assert_int_equal(f.rsv1, (uint8_t)c->bytes[0] >> 6 & 1);
		assert_int_equal(f.masked, (uint8_t)c->bytes[1] >> 7);
		assert_memory_equal(f.key, f.masked ? KEY : "\0\0\0\0", 4);
	}
}

/* The limit, at it and one past it, in all three widths. */
static void
test_limit(void **state)
{
	static const uint64_t	 limits[] = { 0, 1, 125, 126, 127, 65535,
				    65536, 65537, 1ULL << 24, INT64_MAX };
	struct ws_frame		 f;
	uint8_t			 out[WS_HEADER_MAX];
	uint64_t		 max;
	size_t			 i, n;
	int			 code;

	(void)state;
	for (i = 0; i < COUNT(limits); i++) {
		max = limits[i];
		n = ws_header(out, WS_BINARY, 0, max, NULL);
		assert_int_equal(ws_frame_parse(out, n, S, max, &f, &code), n);
		assert_int_equal(f.len, max);
		if (max == INT64_MAX)
			continue;
		n = ws_header(out, WS_BINARY, 0, max + 1, NULL);
		assert_int_equal(ws_frame_parse(out, n, S, max, &f, &code),
		    -1);
		assert_int_equal(code, WS_CODE_TOO_BIG);
		/* Control frames have a limit of their own. */
		n = ws_header(out, WS_PING, 0, 125, NULL);
		assert_int_equal(ws_frame_parse(out, n, S, max, &f, &code), n);
	}
}

/* What is written is read again. */
static void
test_round(void **state)
{
	static const uint64_t	 lengths[] = { 0, 1, 125, 126, 255, 256,
				    65535, 65536, 1ULL << 32, INT64_MAX };
	static const uint8_t	 key[4] = { 9, 8, 7, 6 };
	struct ws_frame		 f;
	uint8_t			 out[WS_HEADER_MAX];
	size_t			 i, n;
	int			 masked, rsv1, code;

	(void)state;
	for (i = 0; i < COUNT(lengths); i++)
		for (masked = 0; masked < 2; masked++)
			for (rsv1 = 0; rsv1 < 2; rsv1++) {
				n = ws_header(out, WS_TEXT, rsv1, lengths[i],
				    masked ? key : NULL);
				assert_true(n <= sizeof(out));
				assert_int_equal(ws_frame_parse(out, n,
				    (masked ? C : S) | WS_RSV1, INT64_MAX, &f,
				    &code), n);
				assert_int_equal(f.len, lengths[i]);
				assert_int_equal(f.rsv1, rsv1);
				assert_int_equal(f.fin, 1);
				assert_int_equal(f.masked, masked);
			}
}

/* RFC 6455, 5.7. */
static void
test_examples(void **state)
{
	static const uint8_t	 hello[] = { 0x81, 0x05, 0x48, 0x65, 0x6c,
				    0x6c, 0x6f };
	static const uint8_t	 masked[] = { 0x81, 0x85, 0x37, 0xfa, 0x21,
				    0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58 };
	static const uint8_t	 first[] = { 0x01, 0x03, 0x48, 0x65, 0x6c };
	static const uint8_t	 last[] = { 0x80, 0x02, 0x6c, 0x6f };
	static const uint8_t	 ping[] = { 0x89, 0x05, 0x48, 0x65, 0x6c,
				    0x6c, 0x6f };
	static const uint8_t	 pong[] = { 0x8a, 0x85, 0x37, 0xfa, 0x21,
				    0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58 };
	static const uint8_t	 large[] = { 0x82, 0x7e, 0x01, 0x00 };
	static const uint8_t	 larger[] = { 0x82, 0x7f, 0x00, 0x00, 0x00,
				    0x00, 0x00, 0x01, 0x00, 0x00 };
	struct ws_frame		 f;
	uint8_t			 out[WS_HEADER_MAX], payload[5];
	int			 code;

	(void)state;
	assert_int_equal(ws_frame_parse(hello, sizeof(hello), S, MAX, &f,
	    &code), 2);
	assert_true(f.fin && f.opcode == WS_TEXT && f.len == 5);
	assert_int_equal(ws_header(out, WS_TEXT, 0, 5, NULL), 2);
	assert_memory_equal(out, hello, 2);

	assert_int_equal(ws_frame_parse(masked, sizeof(masked), C, MAX, &f,
	    &code), 6);
	memcpy(payload, masked + 6, 5);
	ws_mask(payload, 5, f.key, 0);
	assert_memory_equal(payload, "Hello", 5);
	assert_int_equal(ws_header(out, WS_TEXT, 0, 5, masked + 2), 6);
	assert_memory_equal(out, masked, 6);

	assert_int_equal(ws_frame_parse(first, sizeof(first), S, MAX, &f,
	    &code), 2);
	assert_true(!f.fin && f.opcode == WS_TEXT && f.len == 3);
	assert_int_equal(ws_frame_parse(last, sizeof(last), S, MAX, &f,
	    &code), 2);
	assert_true(f.fin && f.opcode == WS_CONTINUATION && f.len == 2);
	assert_int_equal(ws_frame_parse(ping, sizeof(ping), S, MAX, &f,
	    &code), 2);
	assert_true(f.fin && f.opcode == WS_PING && f.len == 5);
	assert_int_equal(ws_frame_parse(pong, sizeof(pong), C, MAX, &f,
	    &code), 6);
	assert_true(f.fin && f.opcode == WS_PONG && f.len == 5);
	assert_int_equal(ws_frame_parse(large, sizeof(large), S, MAX, &f,
	    &code), 4);
	assert_int_equal(f.len, 256);
	assert_int_equal(ws_header(out, WS_BINARY, 0, 256, NULL), 4);
	assert_memory_equal(out, large, 4);
	assert_int_equal(ws_frame_parse(larger, sizeof(larger), S, MAX, &f,
	    &code), 10);
	assert_int_equal(f.len, 65536);
	assert_int_equal(ws_header(out, WS_BINARY, 0, 65536, NULL), 10);
	assert_memory_equal(out, larger, 10);
}

/* Against one byte at a time, for all lengths, alignments and offsets. */
static void
test_mask(void **state)
{
	static const uint8_t	 key[4] = { 0x12, 0x34, 0x56, 0x78 };
	uint8_t			 a[300], b[300];
	size_t			 n, start, i;
	uint64_t		 offset;

	(void)state;
	for (n = 0; n < 200; n++)
		for (start = 0; start < 17; start++)
			for (offset = 0; offset < 5; offset++) {
				for (i = 0; i < sizeof(a); i++)
					a[i] = b[i] = (uint8_t)(i * 7);
				for (i = 0; i < n; i++)
					b[start + i] ^= key[(offset + i) % 4];
				ws_mask(a + start, n, key, offset);
				assert_memory_equal(a, b, sizeof(a));
			}
	/* An offset beyond 32 bits, and one that wraps while masking. */
	memset(a, 0, sizeof(a));
	ws_mask(a, 3, key, (1ULL << 40) + 3);
	assert_memory_equal(a, "\x78\x12\x34", 3);
	memset(a, 0, sizeof(a));
	ws_mask(a, 6, key, UINT64_MAX);
	assert_memory_equal(a, "\x78\x12\x34\x56\x78\x12", 6);
}

static void
test_accept(void **state)
{
	char	 out[WS_ACCEPT_LEN + 1];
	int	 i;

	(void)state;
	assert_int_equal(ws_init(), 0);
	for (i = 0; i < 3; i++) {
		/* RFC 6455, 1.3. */
		ws_accept("dGhlIHNhbXBsZSBub25jZQ==", 24, out);
		assert_string_equal(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	}
}

static void
test_key(void **state)
{
	static const struct {
		const char	*key;
		int		 valid;
	} keys[] = {
		{ "dGhlIHNhbXBsZSBub25jZQ==", 1 },
		{ "AAAAAAAAAAAAAAAAAAAAAA==", 1 },
		{ "++++++++++//////////AQ==", 1 },
		{ "", 0 },
		{ "dGhlIHNhbXBsZSBub25jZQ=", 0 },
		{ "dGhlIHNhbXBsZSBub25jZQ===", 0 },
		{ "dGhlIHNhbXBsZSBub25jZQ", 0 },
		{ "dGhlIHNhbXBsZSBub25jZQA=", 0 },	/* 17 bytes */
		{ "dGhlIHNhbXBsZSBub25jZQAA", 0 },	/* 18 */
		{ "dGhlIHNhbXBsZSBub25jZ===", 0 },	/* 15 */
		{ "dGhl IHNhbXBsZSBub25jQ==", 0 },
		{ "dGhlIHNhbXBsZSBub25j-_==", 0 },	/* base64url */
		{ "dGhlIHNhbXBsZSBub2=jZQ==", 0 },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < COUNT(keys); i++)
		if (ws_key_valid(keys[i].key, strlen(keys[i].key)) !=
		    keys[i].valid)
			fail_msg("%s", keys[i].key);
}

/* RFC 6455, 7.4. */
static void
test_codes(void **state)
{
	static const struct {
		int	 first, last, valid;
	} ranges[] = {
		{ -1, 999, 0 }, { 1000, 1003, 1 }, { 1004, 1006, 0 },
		{ 1007, 1014, 1 }, { 1015, 2999, 0 }, { 3000, 4999, 1 },
		{ 5000, 65536, 0 },
	};
	size_t	 i;
	int	 code;

	(void)state;
	for (i = 0; i < COUNT(ranges); i++)
		for (code = ranges[i].first; code <= ranges[i].last; code++)
			if (ws_code_valid(code) != ranges[i].valid)
				fail_msg("%d", code);
}

static void
test_close(void **state)
{
	static const struct {
		const char	*bytes;
		size_t		 len;
		int		 result, code;
		const char	*reason;
	} cases[] = {
		{ B(""), WS_CODE_NONE, 0, "" },
		{ B("\x03\xe8"), 1000, 0, "" },
		{ B("\x03\xe9" "bye"), 1001, 0, "bye" },
		{ B("\x0b\xb8\xc3\xa9"), 3000, 0, "\xc3\xa9" },
		{ B("\x13\x87"), 4999, 0, "" },
		{ B("\x03"), -1, 1002, "" },
		{ B("\x00\x00"), -1, 1002, "" },
		{ B("\x03\xed"), -1, 1002, "" },	/* 1005 */
		{ B("\x03\xee"), -1, 1002, "" },	/* 1006 */
		{ B("\x03\xf7"), -1, 1002, "" },	/* 1015 */
		{ B("\x13\x88"), -1, 1002, "" },	/* 5000 */
		{ B("\xff\xff"), -1, 1002, "" },
		{ B("\x03\xed\xff"), -1, 1002, "" },
		{ B("\x03\xe8\xff"), -1, 1007, "" },
		{ B("\x03\xe8" "a\xc3"), -1, 1007, "" },
		{ B("\x03\xe8\xed\xa0\x80"), -1, 1007, "" },
	};
	const char	*reason;
	size_t		 i, len;
	int		 code;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		code = 0;
		assert_int_equal(ws_close_parse((const uint8_t *)
		    cases[i].bytes, cases[i].len, &reason, &len, &code),
		    cases[i].result);
		if (cases[i].result == -1) {
			assert_int_equal(code, cases[i].code);
			continue;
		}
		assert_int_equal(len, strlen(cases[i].reason));
		assert_memory_equal(reason, cases[i].reason, len);
	}
}

#define PMD	"permessage-deflate"
#define NO_TAKEOVER PMD "; server_no_context_takeover; " \
	"client_no_context_takeover"

struct offer_case {
	const char	*value;
	int		 result;
	int		 server_bits, client_bits;
	const char	*answer;
};

static const struct offer_case offers[] = {
	{ "", 0, 0, 0, "" },
	{ PMD, 1, 15, 15, NO_TAKEOVER },
	{ " " PMD " ", 1, 15, 15, NO_TAKEOVER },
	{ "PerMessage-Deflate", 1, 15, 15, NO_TAKEOVER },
	{ PMD "; client_max_window_bits", 1, 15, 15, NO_TAKEOVER },
	{ PMD ";client_max_window_bits=15", 1, 15, 15, NO_TAKEOVER },
	{ PMD "; client_max_window_bits=10", 1, 15, 10,
	    NO_TAKEOVER "; client_max_window_bits=10" },
	{ PMD "; client_max_window_bits=8", 1, 15, 15, NO_TAKEOVER },
	{ PMD "; client_max_window_bits=9", 1, 15, 9,
	    NO_TAKEOVER "; client_max_window_bits=9" },
	{ PMD "; server_max_window_bits=10", 1, 10, 15,
	    NO_TAKEOVER "; server_max_window_bits=10" },
	{ PMD "; server_max_window_bits=\"10\"", 1, 10, 15,
	    NO_TAKEOVER "; server_max_window_bits=10" },
	{ PMD "; server_max_window_bits=\"1\\0\"", 1, 10, 15,
	    NO_TAKEOVER "; server_max_window_bits=10" },
	{ PMD "; server_max_window_bits=15", 1, 15, 15,
	    NO_TAKEOVER "; server_max_window_bits=15" },
	{ PMD "; server_max_window_bits = 12 ; client_max_window_bits = 11",
	    1, 12, 11, NO_TAKEOVER "; server_max_window_bits=12; "
	    "client_max_window_bits=11" },
	{ PMD "; server_no_context_takeover; client_no_context_takeover", 1,
	    15, 15, NO_TAKEOVER },
	/* The first that can be honoured. */
	{ "foo, " PMD, 1, 15, 15, NO_TAKEOVER },
	{ "foo; bar=\"baz\"; x, " PMD, 1, 15, 15, NO_TAKEOVER },
	{ PMD "; server_max_window_bits=8, " PMD "; server_max_window_bits=9",
	    1, 9, 15, NO_TAKEOVER "; server_max_window_bits=9" },
	{ PMD "; server_max_window_bits=10, " PMD, 1, 10, 15,
	    NO_TAKEOVER "; server_max_window_bits=10" },
	{ PMD "; unknown, " PMD, 1, 15, 15, NO_TAKEOVER },
	{ ", ," PMD ", ", 1, 15, 15, NO_TAKEOVER },
	/* Declined (7.1). */
	{ "foo", 0, 0, 0, "" },
	{ "x-webkit-deflate-frame", 0, 0, 0, "" },
	{ PMD "-x", 0, 0, 0, "" },
	{ PMD "; foo", 0, 0, 0, "" },
	{ PMD "; foo=1", 0, 0, 0, "" },
	{ PMD "; server_max_window_bits", 0, 0, 0, "" },
	{ PMD "; server_max_window_bits=8", 0, 0, 0, "" },
	{ PMD "; server_max_window_bits=7", 0, 0, 0, "" },
	{ PMD "; server_max_window_bits=16", 0, 0, 0, "" },
	{ PMD "; server_max_window_bits=09", 0, 0, 0, "" },
	{ PMD "; server_max_window_bits=010", 0, 0, 0, "" },
	{ PMD "; server_max_window_bits=1", 0, 0, 0, "" },
	{ PMD "; server_max_window_bits=ten", 0, 0, 0, "" },
	{ PMD "; server_max_window_bits=+9", 0, 0, 0, "" },
	{ PMD "; client_max_window_bits=7", 0, 0, 0, "" },
	{ PMD "; client_max_window_bits=16", 0, 0, 0, "" },
	{ PMD "; client_max_window_bits=0", 0, 0, 0, "" },
	{ PMD "; server_no_context_takeover=1", 0, 0, 0, "" },
	{ PMD "; client_no_context_takeover=10", 0, 0, 0, "" },
	{ PMD "; client_max_window_bits; client_max_window_bits", 0, 0, 0,
	    "" },
	{ PMD "; server_no_context_takeover; server_no_context_takeover", 0,
	    0, 0, "" },
	{ PMD "; client_max_window_bits=10; client_max_window_bits=10", 0, 0,
	    0, "" },
	{ PMD "; x=\"0123456789012345678901234567890123456789012345678901234"
	    "5678901234567890\"", 0, 0, 0, "" },
	/* Not a list of extensions (RFC 6455, 9.1). */
	{ ",", -1, 0, 0, "" },
	{ PMD ";", -1, 0, 0, "" },
	{ PMD "; =1", -1, 0, 0, "" },
	{ PMD "; a=", -1, 0, 0, "" },
	{ PMD "; a=\"", -1, 0, 0, "" },
	{ PMD "; a=\"b", -1, 0, 0, "" },
	{ PMD "; a=\"b\\", -1, 0, 0, "" },
	{ PMD "; a=\"\"", -1, 0, 0, "" },
	{ PMD "; a=\"b c\"", -1, 0, 0, "" },
	{ PMD "; a=\"b\"c", -1, 0, 0, "" },
	{ PMD "; a b", -1, 0, 0, "" },
	{ PMD " foo", -1, 0, 0, "" },
	{ "=", -1, 0, 0, "" },
	{ "a/b", -1, 0, 0, "" },
	{ "(a)", -1, 0, 0, "" },
	{ "\xc3\xa9", -1, 0, 0, "" },
	{ PMD ", a;", -1, 0, 0, "" },
};

static void
test_offers(void **state)
{
	const struct offer_case	*c;
	struct ws_deflate	 d;
	char			 answer[200], *exact;
	size_t			 i, n;
	int			 result;

	(void)state;
	for (i = 0; i < COUNT(offers); i++) {
		c = &offers[i];
		n = strlen(c->value);
		if ((exact = malloc(n + 1)) == NULL)
			abort();
		memcpy(exact, c->value, n);
		result = ws_deflate_choose(exact, n, &d, answer,
		    sizeof(answer));
		free(exact);
		if (result != c->result)
			fail_msg("%s: %d", c->value, result);
		if (result != 1)
			continue;
		assert_string_equal(answer, c->answer);
		assert_int_equal(d.on, 1);
		assert_int_equal(d.server_bits, c->server_bits);
		assert_int_equal(d.client_bits, c->client_bits);
		assert_int_equal(d.server_takeover, 0);
		assert_int_equal(d.client_takeover, 0);
	}
	/* No NUL is taken for the end. */
	assert_int_equal(ws_deflate_choose("a\0b", 3, &d, answer,
	    sizeof(answer)), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_mask),
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_offers),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
