/*
 * Files over HTTP: which paths may be asked for (common/filepath.c), dates
 * (frontend/date.c), and types, tags, ranges and conditions
 * (frontend/fileinfo.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/filepath.h"
#include "common/msg.h"
#include "frontend/date.h"
#include "frontend/fileinfo.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define B(s)		(s), sizeof(s) - 1
#define NOW		INT64_C(1795000000)	/* in 2026 */

/* With nothing behind it, for the sanitizer. */
static int
valid(const char *s, size_t n)
{
	char	*exact = malloc(n > 0 ? n : 1);
	int	 r;

	assert_non_null(exact);
	memcpy(exact, s, n);
	r = file_path_valid(exact, n);
	free(exact);
	return (r);
}

static void
paths(void **state)
{
	static const struct {
		const char	*path;
		size_t		 len;
		int		 ok;
	} cases[] = {
	{ B(""), 1 },
	{ B("a"), 1 },
	{ B("a/"), 1 },
	{ B("a/b.c/d e"), 1 },
	{ B("a..b/c..."), 1 },
	{ B("\xc3\xa4/\xff"), 1 },
	{ B("%2e%2e"), 1 },
	{ B("/"), 0 },
	{ B("/a"), 0 },
	{ B("a//b"), 0 },
	{ B("a//"), 0 },
	{ B("."), 0 },
	{ B(".."), 0 },
	{ B("./a"), 0 },
	{ B("../a"), 0 },
	{ B("a/."), 0 },
	{ B("a/.."), 0 },
	{ B("a/../b"), 0 },
	{ B("a/../"), 0 },
	{ B("..."), 0 },
	{ B(".git/config"), 0 },
	{ B("a/.htaccess"), 0 },
	{ B("a\\b"), 0 },
	{ B("..\\a"), 0 },
	{ B("a\0b"), 0 },
	{ B("a\nb"), 0 },
	{ B("a\x7f"), 0 },
	{ B("a\x1f/b"), 0 }
	};
	char	 text[MSG_PATH_MAX + 2];
	size_t	 i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		if (valid(cases[i].path, cases[i].len) != cases[i].ok)
			fail_msg("path %zu, \"%s\"", i, cases[i].path);
	memset(text, 'x', sizeof(text));
	assert_int_equal(valid(text, 255), 1);
	assert_int_equal(valid(text, 256), 0);
	for (i = 200; i < sizeof(text); i += 200)
		text[i] = '/';
	assert_int_equal(valid(text, MSG_PATH_MAX), 1);
	assert_int_equal(valid(text, MSG_PATH_MAX + 1), 0);
	assert_int_equal(file_path_is_directory(B("")), 1);
	assert_int_equal(file_path_is_directory(B("a/")), 1);
	assert_int_equal(file_path_is_directory(B("a")), 0);
}

static void
type_names(void **state)
{
	static const char *const	 cases[][2] = {
	{ "a.html", "text/html; charset=utf-8" },
	{ "a/b.CSS", "text/css; charset=utf-8" },
	{ "a.min.js", "text/javascript; charset=utf-8" },
	{ "a.mjs", "text/javascript; charset=utf-8" },
	{ "a.Json", "application/json" },
	{ "a.wasm", "application/wasm" },
	{ "a.png", "image/png" },
	{ "a.svg", "image/svg+xml" },
	{ "a.woff2", "font/woff2" },
	{ "a.zip", "application/zip" },
	{ "a", "application/octet-stream" },
	{ "html", "application/octet-stream" },
	{ "a.", "application/octet-stream" },
	{ "a.html.unknown", "application/octet-stream" },
	{ "b.html/a", "application/octet-stream" },
	{ "", "application/octet-stream" }
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		assert_string_equal(file_type(cases[i][0],
		    strlen(cases[i][0])), cases[i][1]);
}

static int
date(const char *s, int64_t *t)
{
	return (http_date_parse(s, strlen(s), NOW, t));
}

static void
dates(void **state)
{
	/* The example of RFC 9110, 5.6.7, is 784111777. */
	static const struct {
		const char	*text;
		int64_t		 t;
	} good[] = {
	{ "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
	{ "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
	{ "Sun Nov  6 08:49:37 1994", 784111777 },
	{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
	{ "Thu, 29 Feb 2024 23:59:59 GMT", 1709251199 },
	{ "Fri, 31 Dec 9999 23:59:59 GMT", INT64_C(253402300799) },
	{ "Monday, 01-Jan-75 00:00:00 GMT", INT64_C(3313526400) },
	{ "Monday, 01-Jan-77 00:00:00 GMT", 220924800 },
	{ "Mon Jan 01 00:00:00 1601", INT64_C(-11644473600) }
	};
	static const char *const	 bad[] = { "", "Sun", "Sun,", "Sun ",
	    "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
	    "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 6 Nov 1994 08:49:37 GMT",
	    "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 29 Feb 2023 08:49:37 GMT",
	    "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
	    "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
	    "Xxx, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1500 08:49:37 GMT",
	    "Sun Nov 6 08:49:37 1994", "784111777", "Sunday, 06-Nov-1994 "
	    "08:49:37 GMT", "Sun, 06 Nov -994 08:49:37 GMT" };
	char	 text[HTTP_DATE_LEN + 1];
	int64_t	 t;
	size_t	 i;

	(void)state;
	for (i = 0; i < COUNT(good); i++) {
		assert_int_equal(date(good[i].text, &t), 0);
		assert_int_equal(t, good[i].t);
	}
	for (i = 0; i < COUNT(bad); i++)
		if (date(bad[i], &t) != -1)
			fail_msg("\"%s\" is a date", bad[i]);
	assert_string_equal(http_date_text(784111777, text), good[0].text);
	assert_string_equal(http_date_text(0, text), good[3].text);
	assert_string_equal(http_date_text(INT64_C(253402300799), text),
	    good[5].text);
	assert_string_equal(http_date_text(INT64_C(253402300800), text), "");
	assert_string_equal(http_date_text(-1, text), "");
}

/* Against the library's own, over eight thousand years. */
static void
dates_all(void **state)
{
	char		 text[HTTP_DATE_LEN + 1], want[64];
	struct tm	 tm;
	time_t		 at;
	int64_t		 t, back;

	(void)state;
	for (t = 0; t < INT64_C(253402300800); t += 86400 * 13 + 4321) {
		at = (time_t)t;
		gmtime_r(&at, &tm);
		strftime(want, sizeof(want), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		assert_string_equal(http_date_text(t, text), want);
		assert_int_equal(date(text, &back), 0);
		assert_int_equal(back, t);
	}
}

/* Range, size of the file, and the status, offset and length of the answer. */
static const struct {
	const char	*range;
	uint64_t	 size;
	int		 status;
	uint64_t	 offset, len;
} ranges[] = {
	{ "bytes=0-0", 10, 206, 0, 1 },
	{ "bytes=0-9", 10, 206, 0, 10 },
	{ "bytes=0-10", 10, 206, 0, 10 },
	{ "bytes=9-9", 10, 206, 9, 1 },
	{ "bytes=3-", 10, 206, 3, 7 },
	{ "bytes=9-", 10, 206, 9, 1 },
	{ "bytes=10-", 10, 416, 0, 0 },
	{ "bytes=10-20", 10, 416, 0, 0 },
	{ "bytes=-1", 10, 206, 9, 1 },
	{ "bytes=-10", 10, 206, 0, 10 },
	{ "bytes=-11", 10, 206, 0, 10 },
	{ "bytes=-0", 10, 416, 0, 0 },
	{ "BYTES=1-2", 10, 206, 1, 2 },
	{ "bytes= 1-2 ", 10, 206, 1, 2 },
	{ "bytes=0-18446744073709551615", 10, 206, 0, 10 },
	{ "bytes=0-99999999999999999999999", 10, 206, 0, 10 },
	{ "bytes=99999999999999999999999-", 10, 416, 0, 0 },
	{ "bytes=-99999999999999999999999", 10, 206, 0, 10 },
	{ "bytes=0-0", 0, 416, 0, 0 },
	{ "bytes=0-", 0, 416, 0, 0 },
	{ "bytes=-5", 0, 200, 0, 0 },
	{ "bytes=-0", 0, 416, 0, 0 },
	{ "bytes=4294967296-", UINT64_C(4294967300), 206,
	    UINT64_C(4294967296), 4 },
	{ "bytes=9223372036854775806-", INT64_MAX, 206,
	    UINT64_C(9223372036854775806), 1 },
	/* Several, other units, and what is no range: all of it. */
	{ "bytes=0-1,3-4", 10, 200, 0, 10 },
	{ "bytes=0-1, -1", 10, 200, 0, 10 },
	{ "bytes=2-1", 10, 200, 0, 10 },
	{ "bytes=", 10, 200, 0, 10 },
	{ "bytes=-", 10, 200, 0, 10 },
	{ "bytes=1", 10, 200, 0, 10 },
	{ "bytes=a-b", 10, 200, 0, 10 },
	{ "bytes=1-2x", 10, 200, 0, 10 },
	{ "bytes=--1", 10, 200, 0, 10 },
	{ "bytes=+1-2", 10, 200, 0, 10 },
	{ "bytes=0x1-2", 10, 200, 0, 10 },
	{ "bytes 0-1", 10, 200, 0, 10 },
	{ "byte=0-1", 10, 200, 0, 10 },
	{ "items=0-1", 10, 200, 0, 10 },
	{ "", 10, 200, 0, 10 }
};

static void
range_table(void **state)
{
	struct file_facts	 f = { 0, 7, NOW - 100, 5 };
	struct file_verdict	 v;
	struct file_wish	 w;
	char			*exact;
	size_t			 i, n;

	(void)state;
	for (i = 0; i < COUNT(ranges); i++) {
		memset(&w, 0, sizeof(w));
		n = strlen(ranges[i].range);
		assert_non_null(exact = malloc(n + 1));
		memcpy(exact, ranges[i].range, n);
		range_parse(exact, n, &w.range);
		free(exact);
		f.size = ranges[i].size;
		file_decide(&w, &f, NOW, &v);
		if (v.status != ranges[i].status || v.len != ranges[i].len ||
		    v.offset != ranges[i].offset)
			fail_msg("%s of %llu: %d, %llu bytes at %llu",
			    ranges[i].range,
			    (unsigned long long)ranges[i].size, v.status,
			    (unsigned long long)v.len,
			    (unsigned long long)v.offset);
	}
}

/*
 * Requests for one file of 100 bytes, whose tag and date are T and D; W is the
 * tag as a weak one, E a second earlier, L a second later.
 */
static const struct {
	const char	*fields;
	int		 head, status;
} wishes[] = {
	{ "", 0, 200 },
	{ "If-None-Match: T\r\n", 0, 304 },
	{ "If-None-Match: W\r\n", 0, 304 },
	{ "If-None-Match: *\r\n", 0, 304 },
	{ "If-None-Match: \"x\", T\r\n", 0, 304 },
	{ "If-None-Match: \"x\"\r\nIf-None-Match: T\r\n", 0, 304 },
	{ "If-None-Match: \"x\"\r\n", 0, 200 },
	{ "If-None-Match: T\r\n", 1, 304 },
	{ "If-None-Match: \"x\"\r\nIf-Modified-Since: D\r\n", 0, 200 },
	{ "If-Modified-Since: D\r\n", 0, 304 },
	{ "If-Modified-Since: L\r\n", 0, 304 },
	{ "If-Modified-Since: E\r\n", 0, 200 },
	{ "If-Modified-Since: yesterday\r\n", 0, 200 },
	{ "If-Modified-Since: D\r\nIf-Modified-Since: D\r\n", 0, 200 },
	{ "If-Match: T\r\n", 0, 200 },
	{ "If-Match: *\r\n", 0, 200 },
	{ "If-Match: W\r\n", 0, 412 },
	{ "If-Match: \"x\"\r\n", 0, 412 },
	{ "If-Unmodified-Since: D\r\n", 0, 200 },
	{ "If-Unmodified-Since: E\r\n", 0, 412 },
	{ "If-Match: T\r\nIf-Unmodified-Since: E\r\n", 0, 200 },
	{ "Range: bytes=1-2\r\n", 0, 206 },
	{ "Range: bytes=1-2\r\n", 1, 200 },
	{ "Range: bytes=1-2\r\nRange: bytes=3-4\r\n", 0, 200 },
	{ "Range: bytes=100-\r\n", 0, 416 },
	{ "Range: bytes=100-\r\n", 1, 200 },
	{ "Range: bytes=1-2\r\nIf-None-Match: T\r\n", 0, 304 },
	{ "Range: bytes=1-2\r\nIf-Range: T\r\n", 0, 206 },
	{ "Range: bytes=1-2\r\nIf-Range: W\r\n", 0, 200 },
	{ "Range: bytes=1-2\r\nIf-Range: \"x\"\r\n", 0, 200 },
	{ "Range: bytes=1-2\r\nIf-Range: D\r\n", 0, 206 },
	{ "Range: bytes=1-2\r\nIf-Range: E\r\n", 0, 200 },
	{ "Range: bytes=1-2\r\nIf-Range: L\r\n", 0, 200 },
	{ "Range: bytes=1-2\r\nIf-Range: \r\n", 0, 200 },
	{ "Range: bytes=100-\r\nIf-Range: \"x\"\r\n", 0, 200 },
	{ "If-Range: \"x\"\r\n", 0, 200 }
};

/* Puts the tag and the dates in, where a letter stands alone. */
static char *
request_text(const char *fields, const struct file_facts *f)
{
	char		 tag[FILE_TAG_MAX], when[HTTP_DATE_LEN + 1], *text;
	const char	*p;
	size_t		 size;
	FILE		*out = open_memstream(&text, &size);

	assert_non_null(out);
	fprintf(out, "GET / HTTP/1.1\r\n");
	for (p = fields; *p != '\0'; p++) {
		if (strchr("TWDEL", *p) == NULL || p == fields ||
		    p[-1] != ' ' || p[1] != '\r')
			fputc(*p, out);
		else if (*p == 'T' || *p == 'W')
			fprintf(out, "%s%s", *p == 'W' ? "W/" : "",
			    file_tag(f, tag));
		else
			fputs(http_date_text(f->mtime_s + (*p == 'L') -
			    (*p == 'E'), when), out);
	}
	fprintf(out, "\r\n");
	assert_int_equal(fclose(out), 0);
	return (text);
}

static int
decide(const char *text, int head, const struct file_facts *f, int64_t now)
{
	struct http_request	 r;
	struct file_verdict	 v;
	struct file_wish	 w;
	int			 status;

	assert_int_equal(http_parse(text, strlen(text), 16384, &r, &status),
	    strlen(text));
	assert_int_equal(file_wish_read(&r, head, now, &w), 0);
	file_decide(&w, f, now, &v);
	file_wish_free(&w);
	return (v.status);
}

static void
conditions(void **state)
{
	const struct file_facts	 f = { 100, 42, NOW - 1000, 0 };
	char			*text;
	size_t			 i;
	int			 status;

	(void)state;
	for (i = 0; i < COUNT(wishes); i++) {
		text = request_text(wishes[i].fields, &f);
		status = decide(text, wishes[i].head, &f, NOW);
		if (status != wishes[i].status)
			fail_msg("%s: %d", text, status);
		free(text);
	}
	/* Changed in this very second, a date proves nothing. */
	text = request_text("Range: bytes=1-2\r\nIf-Range: D\r\n", &f);
	assert_int_equal(decide(text, 0, &f, f.mtime_s), 200);
	assert_int_equal(decide(text, 0, &f, f.mtime_s + 1), 206);
	free(text);
}

static void
tags(void **state)
{
	static const struct file_facts	 facts[] = {
		{ 1, 2, 3, 4 }, { 2, 2, 3, 4 }, { 1, 3, 3, 4 }, { 1, 2, 4, 4 },
		{ 1, 2, 3, 5 }, { INT64_MAX, UINT64_MAX, INT64_MAX, 999999999 },
		{ 0, 0, INT64_MIN, 0 }
	};
	char	 a[FILE_TAG_MAX], b[FILE_TAG_MAX];
	size_t	 i, j;

	(void)state;
	for (i = 0; i < COUNT(facts); i++) {
		file_tag(&facts[i], a);
		assert_int_equal(a[0], '"');
		assert_int_equal(a[strlen(a) - 1], '"');
		assert_int_equal(strcspn(a + 1, "\""), strlen(a) - 2);
		for (j = 0; j < i; j++)
			assert_string_not_equal(a, file_tag(&facts[j], b));
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(paths),
		cmocka_unit_test(type_names),
		cmocka_unit_test(dates),
		cmocka_unit_test(dates_all),
		cmocka_unit_test(range_table),
		cmocka_unit_test(conditions),
		cmocka_unit_test(tags)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
