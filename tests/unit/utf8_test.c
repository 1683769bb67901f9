/* common/utf8.c against a decoder that takes characters whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "tests/fuzz/utf8_reference.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* Both sides of every bound in RFC 3629, 4. */
static const uint8_t bounds[] = { 0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f,
	0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef,
	0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xfc, 0xfe, 0xff };

/* The same in one piece, in two at every place, and byte by byte. */
static void
check_cut(const uint8_t *p, size_t n)
{
	uint32_t	 whole, state;
	size_t		 i;

	whole = utf8_check(UTF8_START, p, n);
	assert_int_equal(whole == UTF8_START, reference_utf8(p, n));
	for (i = 0; i <= n; i++) {
		state = utf8_check(UTF8_START, p, i);
		assert_int_equal(utf8_check(state, p + i, n - i), whole);
	}
	for (i = 0, state = UTF8_START; i < n; i++)
		state = utf8_check(state, p + i, 1);
	assert_int_equal(state, whole);
}

static void
test_bounds(void **state)
{
	uint8_t	 text[4] = { 0 };
	size_t	 a, b, c, d;

	(void)state;
	check_cut(text, 0);
	for (a = 0; a < COUNT(bounds); a++) {
		text[0] = bounds[a];
		check_cut(text, 1);
		for (b = 0; b < COUNT(bounds); b++) {
			text[1] = bounds[b];
			check_cut(text, 2);
			for (c = 0; c < COUNT(bounds); c++) {
				text[2] = bounds[c];
				check_cut(text, 3);
				for (d = 0; d < COUNT(bounds); d++) {
					text[3] = bounds[d];
					check_cut(text, 4);
				}
			}
		}
	}
}

/* Every pair of bytes, with two good ones behind it. */
static void
test_pairs(void **state)
{
	uint8_t	 text[4] = { 0, 0, 0x80, 0xbf };
	int	 a, b;

	(void)state;
	for (a = 0; a < 256; a++)
		for (b = 0; b < 256; b++) {
			text[0] = (uint8_t)a;
			text[1] = (uint8_t)b;
			check_cut(text, 2);
			check_cut(text, 3);
			check_cut(text, 4);
		}
}

/* Every character there is, and every surrogate. */
static void
test_characters(void **state)
{
	uint8_t		 text[4];
	uint32_t	 c, bad;

	(void)state;
	for (c = 0x800; c < 0x110000; c++) {
		size_t n = 0;

		if (c >= 0x10000) {
			text[n++] = (uint8_t)(0xf0 | c >> 18);
			text[n++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		} else
			text[n++] = (uint8_t)(0xe0 | c >> 12);
		text[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		text[n++] = (uint8_t)(0x80 | (c & 0x3f));
		bad = c >= 0xd800 && c <= 0xdfff;
		assert_int_equal(utf8_check(UTF8_START, text, n),
		    bad ? UTF8_BAD : UTF8_START);
	}
}

/* Known as bad at the first byte that nothing can follow. */
static void
test_early(void **state)
{
	static const char *const bad[] = { "\x80", "\xbf", "\xc0", "\xc1",
		"\xf5", "\xff", "\xe0\x9f", "\xed\xa0", "\xf0\x8f",
		"\xf4\x90", "\xc2 ", "\xe1\x80 ", "\xf1\x80\x80 ",
		"\xe1\x80\xc2" };
	static const char *const open[] = { "\xc2", "\xe0", "\xe0\xa0",
		"\xed\x9f", "\xf0\x90", "\xf4\x8f", "\xf4\x8f\xbf" };
	uint32_t	 s;
	size_t		 i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		s = utf8_check(UTF8_START, bad[i], strlen(bad[i]) - 1);
		assert_int_not_equal(s, UTF8_BAD);
		s = utf8_check(UTF8_START, bad[i], strlen(bad[i]));
		assert_int_equal(s, UTF8_BAD);
		assert_int_equal(utf8_check(s, "a", 1), UTF8_BAD);
		assert_int_equal(utf8_check(s, "", 0), UTF8_BAD);
	}
	for (i = 0; i < COUNT(open); i++) {
		s = utf8_check(UTF8_START, open[i], strlen(open[i]));
		assert_int_not_equal(s, UTF8_BAD);
		assert_int_not_equal(s, UTF8_START);
		assert_int_equal(utf8_check(s, "", 0), s);
	}
}

/* One odd sequence at each place of longer texts: the wide steps miss none. */
static void
test_long(void **state)
{
	static const char *const odd[] = { "\x80", "\xc2\x80", "\xe2\x82\xac",
		"\xed\xa0\x80", "\xe2\x82", "\xf0\x9f\x98\x80", "\xff",
		"\xe4\xb8\xad\xe6\x96\x87", "\xe4\xb8\xad\xe6\x96",
		"\xe4\xb8\xad\xe0\x80\x80" };
	static const char *const fill[] = { "aaa", "\xe4\xb8\xad" };
	uint8_t	 text[256];
	size_t	 i, f, at, n, k;

	(void)state;
	for (i = 0; i < COUNT(odd); i++)
		for (f = 0; f < COUNT(fill); f++)
			for (at = 0; at < 20; at++) {
				for (n = 0, k = 0; k < at; k++, n += 3)
					memcpy(text + n, fill[f], 3);
				memcpy(text + n, odd[i], strlen(odd[i]));
				n += strlen(odd[i]);
				for (; k < 20; k++, n += 3)
					memcpy(text + n, fill[f], 3);
				check_cut(text, n);
				check_cut(text + at % 3, n - at % 3);
			}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_characters),
		cmocka_unit_test(test_early),
		cmocka_unit_test(test_long),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
