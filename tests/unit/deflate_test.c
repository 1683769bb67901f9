/* permessage-deflate without context takeover (RFC 7692, 7.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/ws.h"
#include "frontend/deflate.h"

#define MAX	(256u * 1024)

static uint64_t	seed = 1;

static uint8_t
noise(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return ((uint8_t)(seed >> 56));
}

/* Compresses as a client may; BFINAL set with Z_FINISH. */
static size_t
squeeze(const void *p, size_t n, int level, int flush, uint8_t *out,
    size_t size)
{
	z_stream	z;

	memset(&z, 0, sizeof(z));
	assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, -15, 8,
	    Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)p;
	z.avail_in = (uInt)n;
	z.next_out = out;
	z.avail_out = (uInt)size;
	deflate(&z, flush);
	assert_true(z.avail_in == 0 && z.avail_out > 0);
	n = size - z.avail_out;
	deflateEnd(&z);
	/* 7.2.1: without the tail of the flush. */
	return (flush == Z_SYNC_FLUSH ? n - 4 : n);
}

static void
accepts(const uint8_t *p, size_t n, size_t max, const void *want, size_t len)
{
	uint8_t	*got;
	size_t	 got_len;
	int	 code;

	got = inflate_message(p, n, max, &got_len, &code);
	assert_non_null(got);
	assert_int_equal(got_len, len);
	if (len > 0)
		assert_memory_equal(got, want, len);
}

static void
refuses(const uint8_t *p, size_t n, size_t max, int code)
{
	size_t	len;
	int	got = 0;

	assert_null(inflate_message(p, n, max, &len, &got));
	assert_int_equal(got, code);
}

static void
test_round(void **state)
{
	static uint8_t	 in[MAX];
	const uint8_t	*out;
	size_t		 n, len, i;
	int		 bits, kind;

	(void)state;
	for (bits = 9; bits <= 15; bits++)
		for (n = DEFLATE_MIN; n <= MAX; n = n * 3 + 1)
			for (kind = 0; kind < 3; kind++) {
				for (i = 0; i < n; i++)
					in[i] = kind == 0 ? 'x' : kind == 1 ?
					    "0123456789"[noise() % 10] :
					    noise();
				out = deflate_message(bits, in, n, &len);
				if (kind == 2)
					assert_null(out);
				else if (out != NULL) {
					assert_true(len < n);
					accepts(out, len, n, in, n);
				} else
					assert_true(n < 128);
			}
	/* Windows that zlib does not have. */
	memset(in, 'x', 1000);
	assert_null(deflate_message(8, in, 1000, &len));
	assert_null(deflate_message(16, in, 1000, &len));
	assert_null(deflate_message(0, in, 1000, &len));
}

/* What was refused or given up leaves nothing behind for the next message. */
static void
test_independent(void **state)
{
	uint8_t		 text[500], random[500];
	const uint8_t	*out;
	size_t		 n, first, i;

	(void)state;
	memset(text, 'y', sizeof(text));
	for (i = 0; i < sizeof(random); i++)
		random[i] = noise();
	assert_non_null(deflate_message(15, text, sizeof(text), &first));
	assert_null(deflate_message(15, random, sizeof(random), &n));
	assert_non_null(out = deflate_message(15, text, sizeof(text), &n));
	assert_int_equal(n, first);
	accepts(out, n, MAX, text, sizeof(text));
	refuses((const uint8_t *)"\xff\xff\xff\xff", 4, MAX, WS_CODE_INVALID);
	assert_non_null(out = deflate_message(15, text, sizeof(text), &n));
	accepts(out, n, MAX, text, sizeof(text));
}

static void
test_levels(void **state)
{
	static uint8_t	in[50000], out[60000];
	size_t		n, i;
	int		level;

	(void)state;
	for (i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i % 7 == 0 ? noise() : 'a');
	for (level = 0; level <= 9; level++) {
		n = squeeze(in, sizeof(in), level, Z_SYNC_FLUSH, out,
		    sizeof(out));
		accepts(out, n, sizeof(in), in, sizeof(in));
	}
}

static void
test_limit(void **state)
{
	static uint8_t	in[MAX + 1], out[MAX];
	size_t		n;

	(void)state;
	memset(in, 0, sizeof(in));
	n = squeeze(in, MAX, 9, Z_SYNC_FLUSH, out, sizeof(out));
	accepts(out, n, MAX, in, MAX);
	n = squeeze(in, MAX + 1, 9, Z_SYNC_FLUSH, out, sizeof(out));
	refuses(out, n, MAX, WS_CODE_TOO_BIG);
	n = squeeze(in, 1, 9, Z_SYNC_FLUSH, out, sizeof(out));
	accepts(out, n, 1, in, 1);
	refuses(out, n, 0, WS_CODE_TOO_BIG);
}

/* A bomb is given up at the limit: no more is unpacked than about that. */
static void
test_bomb(void **state)
{
	uint8_t	*in, *out;
	size_t	 n, size = 64u * 1024 * 1024;

	(void)state;
	assert_non_null(in = calloc(1, size));
	assert_non_null(out = malloc(size / 100));
	n = squeeze(in, size, 9, Z_SYNC_FLUSH, out, size / 100);
	refuses(out, n, MAX, WS_CODE_TOO_BIG);
	free(in);
	free(out);
	deflate_trim();
	accepts((const uint8_t *)"\x00", 1, MAX, "", 0);
}

/* Examples of RFC 7692, 7.2.3. */
static void
test_rfc(void **state)
{
	static const struct {
		const char	*bytes;
		size_t		 n;
	} hello[] = {
		{ "\xf2\x48\xcd\xc9\xc9\x07\x00", 7 },
		{ "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11 },
		{ "\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8 },	/* BFINAL */
		{ "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13 },
	};
	size_t	i;

	(void)state;
	for (i = 0; i < sizeof(hello) / sizeof(hello[0]); i++)
		accepts((const uint8_t *)hello[i].bytes, hello[i].n, 5,
		    "Hello", 5);
	accepts((const uint8_t *)"\x00", 1, 5, "", 0);
	/* Of an empty message not even that octet: 7.2.3.6 wants it. */
	refuses((const uint8_t *)"", 0, 5, WS_CODE_INVALID);
}

/* Any number of final blocks, each with more behind it (7.2.3.4). */
static void
test_final(void **state)
{
	static uint8_t	out[20000], want[5000];
	size_t		n = 0, i;

	(void)state;
	for (i = 0; i < sizeof(want) / 5; i++) {
		memcpy(want + 5 * i, "Hello", 5);
		n += squeeze("Hello", 5, 9, Z_FINISH, out + n,
		    sizeof(out) - n);
	}
	out[n++] = 0;
	accepts(out, n, sizeof(want), want, sizeof(want));
	refuses(out, n, sizeof(want) - 1, WS_CODE_TOO_BIG);
}

/*
 * Cut anywhere, a message is no message.  Not so with stored blocks (level 0):
 * the tail can be what was cut off.
 */
static void
test_truncated(void **state)
{
	uint8_t	in[300], out[1000];
	size_t	n, i;
	int	level;

	(void)state;
	for (i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)('a' + noise() % 20);
	for (level = 1; level <= 9; level += 4) {
		n = squeeze(in, sizeof(in), level, Z_SYNC_FLUSH, out,
		    sizeof(out));
		for (i = 0; i < n; i++)
			refuses(out, i, MAX, WS_CODE_INVALID);
	}
}

/* Bytes of any kind are judged, with nothing worse. */
static void
test_garbage(void **state)
{
	uint8_t	p[200], *got;
	size_t	n, i, len, round;
	int	code;

	(void)state;
	for (round = 0; round < 20000; round++) {
		n = noise() % sizeof(p);
		for (i = 0; i < n; i++)
			p[i] = noise();
		code = 0;
		got = inflate_message(p, n, 4096, &len, &code);
		if (got != NULL)
			assert_true(len <= 4096);
		else
			assert_true(code == WS_CODE_INVALID ||
			    code == WS_CODE_TOO_BIG);
		if (round % 1000 == 0)
			deflate_trim();
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_independent),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_rfc),
		cmocka_unit_test(test_final),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_garbage),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
