/* frontend/http.c: request heads (RFC 9112) and what is picked out of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/http.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define B(s)		(s), sizeof(s) - 1
#define MAX		16384
#define LINE		8192	/* bytes of a request line */

#define OK		(-1)	/* as a whole */

/*
 * A head and the status it is refused with, as soon as the first `told` bytes
 * are there and not before.
 */
struct head_case {
	const char	*name;
	const char	*bytes;
	size_t		 len;
	int		 status;
	size_t		 told;
};

static const struct head_case heads[] = {
	{ "least", B("GET / HTTP/1.1\r\n\r\n"), OK, 0 },
	{ "one field", B("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), OK, 0 },
	{ "1.0", B("GET / HTTP/1.0\r\n\r\n"), OK, 0 },
	{ "1.2", B("GET / HTTP/1.2\r\n\r\n"), OK, 0 },
	{ "asterisk", B("OPTIONS * HTTP/1.1\r\n\r\n"), OK, 0 },
	{ "absolute", B("GET http://a/b?c HTTP/1.1\r\n\r\n"), OK, 0 },
	{ "empty lines", B("\r\n\r\nGET / HTTP/1.1\r\n\r\n"), OK, 0 },
	{ "odd method", B("a!#$%&'*+-.^_`|~9 / HTTP/1.1\r\n\r\n"), OK, 0 },
	{ "odd name", B("GET / HTTP/1.1\r\na!#$%&'*+-.^_`|~9:\r\n\r\n"), OK,
	    0 },
	{ "empty value", B("GET / HTTP/1.1\r\na:\r\nb: \t \r\n\r\n"), OK, 0 },
	{ "tab in a value", B("GET / HTTP/1.1\r\na:b\tc\r\n\r\n"), OK, 0 },
	{ "obs-text", B("GET / HTTP/1.1\r\na:\x80\xff\r\n\r\n"), OK, 0 },
	{ "odd target", B("GET /\"<>{}|\\^`% HTTP/1.1\r\n\r\n"), OK, 0 },

	/* Request line (3). */
	{ "NUL first", B("\0"), 400, 1 },
	{ "space first", B(" GET / HTTP/1.1"), 400, 1 },
	{ "LF first", B("\nGET / HTTP/1.1"), 400, 1 },
	{ "CR CR", B("\r\rGET"), 400, 2 },
	{ "TLS", B("\x16\x03\x01"), 400, 1 },
	{ "method with a comma", B("GE,T"), 400, 3 },
	{ "method and LF", B("GET\n"), 400, 4 },
	{ "tab for space", B("GET\t/"), 400, 4 },
	{ "two spaces", B("GET  /"), 400, 5 },
	{ "relative target", B("GET a HTTP"), 400, 5 },
	{ "authority form", B("CONNECT 1.2.3.4:80 HTTP"), 400, 9 },
	{ "query only", B("GET ?a"), 400, 5 },
	{ "control in a target", B("GET /\x01"), 400, 6 },
	{ "DEL in a target", B("GET /\x7f"), 400, 6 },
	{ "tab in a target", B("GET /\t"), 400, 6 },
	{ "not ASCII in a target", B("GET /\xc3\xa9"), 400, 6 },
	{ "fragment", B("GET /a#b"), 400, 7 },
	{ "HTTP/0.9", B("GET /\r\n"), 400, 6 },
	{ "two spaces before HTTP", B("GET /  H"), 400, 7 },
	{ "asterisk and more", B("OPTIONS *a H"), 400, 11 },
	{ "another scheme", B("GET hxxp://a/ H"), 400, 14 },
	{ "no authority", B("GET http:///a H"), 400, 14 },
	{ "user in it", B("GET http://u@a/ H"), 400, 16 },
	{ "http: alone", B("GET http://  H"), 400, 12 },
	{ "lower case version", B("GET / http/1.1\r\n"), 400, 7 },
	{ "another protocol", B("GET / HTTPS/1.1\r\n"), 400, 11 },
	{ "2.0", B("GET / HTTP/2.0\r\n"), 505, 12 },
	{ "0.9", B("GET / HTTP/0.9\r\n"), 505, 12 },
	{ "3", B("GET / HTTP/3\r\n"), 505, 12 },
	{ "1", B("GET / HTTP/1\r\n"), 400, 13 },
	{ "1.", B("GET / HTTP/1.\r\n"), 400, 14 },
	{ "1.10", B("GET / HTTP/1.10\r\n"), 400, 15 },
	{ "x.1", B("GET / HTTP/x.1\r\n"), 400, 12 },
	{ "space at the end", B("GET / HTTP/1.1 \r\n"), 400, 15 },
	{ "bare LF", B("GET / HTTP/1.1\n"), 400, 15 },
	{ "bare CR", B("GET / HTTP/1.1\rH"), 400, 16 },
	{ "HTTP/2 preface", B("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505, 12 },

	/* Fields (5). */
	{ "obs-fold at once", B("GET / HTTP/1.1\r\n a: b"), 400, 17 },
	{ "obs-fold", B("GET / HTTP/1.1\r\na: b\r\n c"), 400, 23 },
	{ "obs-fold, tab", B("GET / HTTP/1.1\r\na: b\r\n\tc"), 400, 23 },
	{ "no name", B("GET / HTTP/1.1\r\n: b"), 400, 17 },
	{ "space before colon", B("GET / HTTP/1.1\r\na : b"), 400, 18 },
	{ "tab before colon", B("GET / HTTP/1.1\r\na\t: b"), 400, 18 },
	{ "no colon", B("GET / HTTP/1.1\r\na\r\n"), 400, 18 },
	{ "odd name refused", B("GET / HTTP/1.1\r\na(b): c"), 400, 18 },
	{ "name not ASCII", B("GET / HTTP/1.1\r\n\xc3: c"), 400, 17 },
	{ "NUL in a name", B("GET / HTTP/1.1\r\na\0: c"), 400, 18 },
	{ "NUL in a value", B("GET / HTTP/1.1\r\na: \0"), 400, 20 },
	{ "control in a value", B("GET / HTTP/1.1\r\na: b\x01"), 400, 21 },
	{ "DEL in a value", B("GET / HTTP/1.1\r\na: \x7f"), 400, 20 },
	{ "bare LF in a value", B("GET / HTTP/1.1\r\na: b\nc: d"), 400, 21 },
	{ "bare CR in a value", B("GET / HTTP/1.1\r\na: b\rc: d"), 400, 22 },
	{ "bare LF at the end", B("GET / HTTP/1.1\r\na: b\r\n\n"), 400, 23 },
	{ "bare CR at the end", B("GET / HTTP/1.1\r\n\r\r"), 400, 18 },
};

static void
test_heads(void **state)
{
	const struct head_case	*c;
	struct http_request	 r;
	char			*exact;
	size_t			 i, n;
	int			 used, status;

	(void)state;
	for (i = 0; i < COUNT(heads); i++) {
		c = &heads[i];
		for (n = 0; n <= c->len; n++) {
			if ((exact = malloc(n + 1)) == NULL)
				abort();
			memcpy(exact, c->bytes, n);
			status = 0;
			used = http_parse(exact, n, MAX, &r, &status);
			free(exact);
			if (c->status == OK) {
				if (used != (n < c->len ? 0 : (int)n))
					fail_msg("%s: %d of %zu", c->name,
					    used, n);
			} else if (n < c->told) {
				if (used != 0)
					fail_msg("%s: %d after %zu", c->name,
					    status, n);
			} else if (used != -1 || status != c->status)
				fail_msg("%s: %d, %d after %zu", c->name, used,
				    status, n);
		}
	}
}

static void
assert_span(const struct span *s, const char *want)
{
	assert_int_equal(s->len, strlen(want));
	assert_memory_equal(s->p, want, s->len);
}

static void
test_parts(void **state)
{
	static const char	 head[] =
	    "\r\nPOST /a/b?c=d?&e HTTP/1.1\r\n"
	    "Host:localhost:9009\r\n"
	    "X-Padded: \t a  b \t\r\n"
	    "x-list: a, b\r\n"
	    "X-LIST:\r\n"
	    "X-List: c\r\n"
	    "\r\nGET /next";
	struct http_request	 r;
	unsigned int		 count;
	char			 list[64];
	int			 status;

	(void)state;
	assert_int_equal(http_parse(head, sizeof(head) - 1, MAX, &r, &status),
	    sizeof(head) - 1 - strlen("GET /next"));
	assert_span(&r.method, "POST");
	assert_span(&r.target, "/a/b?c=d?&e");
	assert_span(&r.path, "/a/b");
	assert_span(&r.query, "c=d?&e");
	assert_int_equal(r.minor, 1);
	assert_int_equal(r.nfields, 5);
	assert_span(http_field(&r, "host", NULL), "localhost:9009");
	assert_span(http_field(&r, "X-PADDED", &count), "a  b");
	assert_int_equal(count, 1);
	assert_span(http_field(&r, "X-List", &count), "a, b");
	assert_int_equal(count, 3);
	assert_null(http_field(&r, "X-Lis", &count));
	assert_int_equal(count, 0);
	assert_null(http_field(&r, "X-Lists", NULL));
	assert_int_equal(http_list(&r, "x-list", list, sizeof(list)), 9);
	assert_string_equal(list, "a, b, , c");
	assert_int_equal(http_list(&r, "x-list", list, 10), 9);
	assert_int_equal(http_list(&r, "x-list", list, 9), -1);
	assert_int_equal(http_list(&r, "x-list", list, 5), -1);
	assert_int_equal(http_list(&r, "x-list", list, 1), -1);
	assert_int_equal(http_list(&r, "x-list", list, 0), -1);
	assert_int_equal(http_list(&r, "absent", list, 1), 0);
	assert_string_equal(list, "");
}

static void
test_targets(void **state)
{
	static const struct {
		const char	*target, *path, *query, *authority;
	} cases[] = {
		{ "/", "/", "", NULL },
		{ "/?", "/", "", NULL },
		{ "/a?b", "/a", "b", NULL },
		{ "/a?b?c", "/a", "b?c", NULL },
		{ "//a/b", "//a/b", "", NULL },
		{ "/http://a/", "/http://a/", "", NULL },
		{ "/%41", "/%41", "", NULL },
		{ "*", "*", "", NULL },
		{ "http://a", "/", "", "a" },
		{ "http://a/", "/", "", "a" },
		{ "http://a?b", "/", "b", "a" },
		{ "http://a:1/b/c?d", "/b/c", "d", "a:1" },
		{ "HTTP://[::1]:9/x", "/x", "", "[::1]:9" },
		{ "https://a/b", "/b", "", "a" },
		{ "ws://a/b", "/b", "", "a" },
		{ "wss://a/b@c", "/b@c", "", "a" },
	};
	struct http_request	 r;
	struct span		 authority;
	char			 head[128];
	size_t			 i;
	int			 n, status;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		n = snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\n\r\n",
		    cases[i].target);
		if (http_parse(head, (size_t)n, MAX, &r, &status) != n)
			fail_msg("%s", cases[i].target);
		assert_span(&r.target, cases[i].target);
		assert_span(&r.path, cases[i].path);
		assert_span(&r.query, cases[i].query);
		assert_int_equal(http_authority(&r, &authority),
		    cases[i].authority != NULL);
		if (cases[i].authority != NULL)
			assert_span(&authority, cases[i].authority);
	}
}

/* "GET /aaa HTTP/1.1" of this many bytes, with its CRLF, into buf. */
static size_t
put_line(char *buf, size_t len)
{
	memset(buf, 'a', len);
	memcpy(buf, "GET /", 5);
	memcpy(buf + len - 9, " HTTP/1.1\r\n", 11);
	return (len + 2);
}

static void
test_line_limit(void **state)
{
	static char		 head[LINE + 100];
	struct http_request	 r;
	size_t			 n, i;
	int			 status = 0;

	(void)state;
	n = put_line(head, LINE);
	memcpy(head + n, "\r\n", 2);
	assert_int_equal(http_parse(head, n + 2, MAX, &r, &status), n + 2);
	for (i = 0; i < n + 2; i++)
		assert_int_equal(http_parse(head, i, MAX, &r, &status), 0);

	n = put_line(head, LINE + 1);
	memcpy(head + n, "\r\n", 2);
	assert_int_equal(http_parse(head, n + 2, MAX, &r, &status), -1);
	assert_int_equal(status, 414);
	assert_int_equal(http_parse(head, LINE, MAX, &r, &status), 0);
	status = 0;
	assert_int_equal(http_parse(head, LINE + 2, MAX, &r, &status), -1);
	assert_int_equal(status, 414);

	/* A method without end is a line without end. */
	memset(head, 'A', sizeof(head));
	assert_int_equal(http_parse(head, sizeof(head), MAX, &r, &status), -1);
	assert_int_equal(status, 414);
	/* What is malformed before the limit is said first. */
	head[100] = '\n';
	assert_int_equal(http_parse(head, sizeof(head), MAX, &r, &status), -1);
	assert_int_equal(status, 400);
}

static void
test_head_limit(void **state)
{
	static const char	 head[] =
	    "GET / HTTP/1.1\r\nHost: localhost\r\n\r\nmore";
	static const size_t	 size = sizeof(head) - 1 - 4;
	struct http_request	 r;
	size_t			 n;
	int			 status = 0;

	(void)state;
	/* At the limit, with and without something behind it. */
	assert_int_equal(http_parse(head, size, size, &r, &status), size);
	assert_int_equal(http_parse(head, size + 4, size, &r, &status), size);
	for (n = 0; n < size; n++)
		assert_int_equal(http_parse(head, n, size, &r, &status), 0);
	/* One past it: known as soon as the limit is reached. */
	for (n = 0; n <= size; n++) {
		status = 0;
		assert_int_equal(http_parse(head, n, size - 1, &r, &status),
		    n < size - 1 ? 0 : -1);
		assert_int_equal(status, n < size - 1 ? 0 : 431);
	}
	/* Empty lines count. */
	assert_int_equal(http_parse("\r\n\r\n\r\n", 6, 6, &r, &status), -1);
	assert_int_equal(status, 431);
}

static void
test_field_limit(void **state)
{
	struct http_request	 r;
	char			 head[1024];
	size_t			 n = 0;
	int			 i, status = 0;

	(void)state;
	n += (size_t)snprintf(head, sizeof(head), "GET / HTTP/1.1\r\n");
	for (i = 0; i < HTTP_FIELDS_MAX; i++)
		n += (size_t)snprintf(head + n, sizeof(head) - n, "a:%d\r\n",
		    i);
	memcpy(head + n, "\r\n", 2);
	assert_int_equal(http_parse(head, n + 2, MAX, &r, &status), n + 2);
	assert_int_equal(r.nfields, HTTP_FIELDS_MAX);
	head[n] = 'b';
	assert_int_equal(http_parse(head, n + 1, MAX, &r, &status), -1);
	assert_int_equal(status, 431);
}

static void
test_list_has(void **state)
{
	static const struct {
		const char	*list, *token;
		int		 has;
	} cases[] = {
		{ "upgrade", "Upgrade", 1 },
		{ "keep-alive, Upgrade", "upgrade", 1 },
		{ "keep-alive,upgrade", "upgrade", 1 },
		{ " \tupgrade\t , x", "upgrade", 1 },
		{ ",,upgrade,", "upgrade", 1 },
		{ "", "upgrade", 0 },
		{ ",", "upgrade", 0 },
		{ "upgrades", "upgrade", 0 },
		{ "an upgrade", "upgrade", 0 },
		{ "upgrade x", "upgrade", 0 },
		{ "up, grade", "upgrade", 0 },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		if (http_list_has(cases[i].list, strlen(cases[i].list),
		    cases[i].token) != cases[i].has)
			fail_msg("%s", cases[i].list);
}

static void
test_decode(void **state)
{
	static const struct {
		const char	*in, *out;
	} cases[] = {
		{ "", "" }, { "abc", "abc" }, { "a%20b", "a b" },
		{ "%41%5a%5A", "AZZ" }, { "%25%32%35", "%25" },
		{ "a+b", "a+b" }, { "%C3%a9", "\xc3\xa9" }, { "%ff", "\xff" },
		{ "%", NULL }, { "%4", NULL }, { "a%4", NULL },
		{ "%4g", NULL }, { "%g4", NULL }, { "%%41", NULL },
		{ "%00", NULL }, { "a%00b", NULL }, { "% 41", NULL },
	};
	struct span	 s;
	char		 buf[16];
	size_t		 i, n;
	int		 got;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		s.p = cases[i].in;
		s.len = strlen(s.p);
		memset(buf, '!', sizeof(buf));
		got = http_decode(&s, buf, sizeof(buf));
		if (cases[i].out == NULL) {
			if (got != -1)
				fail_msg("%s", s.p);
			continue;
		}
		n = strlen(cases[i].out);
		assert_int_equal(got, n);
		assert_memory_equal(buf, cases[i].out, n);
		assert_int_equal(buf[n], '!');
		assert_int_equal(http_decode(&s, buf, n), n);
		if (n > 0)
			assert_int_equal(http_decode(&s, buf, n - 1), -1);
	}
}

static void
test_query(void **state)
{
	static const struct {
		const char	*query, *name, *value;
		int		 result;
	} cases[] = {
		{ "presence=off", "presence", "off", 3 },
		{ "a=1&presence=off&b=2", "presence", "off", 3 },
		{ "presence", "presence", "", 0 },
		{ "presence=", "presence", "", 0 },
		{ "presence&x", "presence", "", 0 },
		{ "a=b=c", "a", "b=c", 3 },
		{ "a=1&a=2", "a", "1", 1 },
		{ "a=%41%20", "a", "A ", 2 },
		{ "", "a", NULL, -1 },
		{ "&&", "a", NULL, -1 },
		{ "aa=1&Aa=2", "a", NULL, -1 },
		{ "b=a", "a", NULL, -1 },
		{ "a=%4", "a", NULL, -2 },
		{ "a=%00", "a", NULL, -2 },
		{ "a=1234567", "a", "1234567", 7 },
		{ "a=12345678", "a", NULL, -2 },
	};
	struct span	 s;
	char		 buf[8];
	size_t		 i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		s.p = cases[i].query;
		s.len = strlen(s.p);
		if (http_query(&s, cases[i].name, buf, sizeof(buf)) !=
		    cases[i].result)
			fail_msg("%s", s.p);
		if (cases[i].value != NULL)
			assert_string_equal(buf, cases[i].value);
	}
	/* A target without a query has no bytes to point at. */
	memset(&s, 0, sizeof(s));
	assert_int_equal(http_query(&s, "a", buf, sizeof(buf)), -1);
}

static void
test_span(void **state)
{
	struct span	 s = { "GETx", 3 };

	(void)state;
	assert_true(span_is(&s, "GET"));
	assert_false(span_is(&s, "get"));
	assert_false(span_is(&s, "GETx"));
	assert_false(span_is(&s, "GE"));
	assert_true(span_is_nocase(&s, "get"));
	assert_false(span_is_nocase(&s, "ge"));
}

static void
test_reason(void **state)
{
	(void)state;
	assert_string_equal(http_reason(101), "Switching Protocols");
	assert_string_equal(http_reason(404), "Not Found");
	assert_string_equal(http_reason(421), "Misdirected Request");
	assert_string_equal(http_reason(299), "Unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_line_limit),
		cmocka_unit_test(test_head_limit),
		cmocka_unit_test(test_field_limit),
		cmocka_unit_test(test_list_has),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_span),
		cmocka_unit_test(test_reason),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
