/*
 * frontend/www.c and pages.c: the files that are part of the program, their
 * types and tags, and If-None-Match.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/pages.h"

static int
has_suffix(const char *s, const char *suffix)
{
	size_t	n = strlen(s), m = strlen(suffix);

	return (n >= m && strcmp(s + n - m, suffix) == 0);
}

/* By the extension of the path; "/" and what ends with it is a page. */
static const char *
type_of(const char *path)
{
	if (has_suffix(path, ".js") || has_suffix(path, ".mjs"))
		return ("text/javascript; charset=utf-8");
	if (has_suffix(path, ".css"))
		return ("text/css; charset=utf-8");
	if (has_suffix(path, ".ts"))
		return ("text/plain; charset=utf-8");
	if (has_suffix(path, ".svg"))
		return ("image/svg+xml");
	return ("text/html; charset=utf-8");
}

static void
test_table(void **state)
{
	const struct www_file	*f, *g;
	char			 a[WWW_ETAG_LEN + 1], b[WWW_ETAG_LEN + 1];
	size_t			 i, j;

	(void)state;
	for (i = 0; (f = www_at(i)) != NULL; i++) {
		assert_int_equal(f->path[0], '/');
		assert_string_equal(f->type, type_of(f->path));
		assert_true(f->end > f->start);
		assert_ptr_equal(www_find(f->path, strlen(f->path)), f);
		assert_null(www_find(f->path, strlen(f->path) - 1));
		www_etag(f, a);
		assert_int_equal(strlen(a), WWW_ETAG_LEN);
		assert_true(a[0] == '"' && a[WWW_ETAG_LEN - 1] == '"');
		for (j = 0; j < i; j++) {
			g = www_at(j);
			assert_string_not_equal(g->path, f->path);
			www_etag(g, b);
			assert_string_not_equal(a, b);
		}
	}
	assert_true(i > 0);
	assert_null(www_find("", 0));
	assert_null(www_find("/nws.jsx", strlen("/nws.jsx")));
}

/* The bytes are those of the file, all of them. */
static void
test_embedded(void **state)
{
	const struct www_file	*f = www_find("/nws.mjs", strlen("/nws.mjs"));
	static char		 buf[1024 * 1024];
	FILE			*fp;
	size_t			 n;

	(void)state;
	assert_non_null(f);
	if ((fp = fopen("frontend/www/nws.mjs", "r")) == NULL)
		skip();		/* not run from the top */
	n = fread(buf, 1, sizeof(buf), fp);
	fclose(fp);
	assert_int_equal(n, f->end - f->start);
	assert_memory_equal(buf, f->start, n);
}

/* The classic script is the module without what only a module may have. */
static void
test_classic(void **state)
{
	const struct www_file	*f = www_find("/nws.js", strlen("/nws.js"));
	char			*text;

	(void)state;
	assert_non_null(f);
	text = strndup(f->start, (size_t)(f->end - f->start));
	assert_non_null(text);
	assert_null(strstr(text, "\nexport"));
	assert_null(strstr(text, "import.meta"));
	assert_non_null(strstr(text, "Object.assign(globalThis, { NetworkWeb"));
	assert_non_null(strstr(text, "document?.currentScript?.src"));
	free(text);
}

static void
test_etag_bytes(void **state)
{
	static const char	text[] = "ab";
	const struct www_file	none = { "/", "", 0, text, text };
	const struct www_file	a = { "/", "", 0, text, text + 1 };
	char			etag[WWW_ETAG_LEN + 1];

	(void)state;
	/* FNV-1a, 64 bits: its offset basis, and its published "a". */
	www_etag(&none, etag);
	assert_string_equal(etag, "\"cbf29ce484222325\"");
	www_etag(&a, etag);
	assert_string_equal(etag, "\"af63dc4c8601ec8c\"");
}

static void
test_pages(void **state)
{
	struct page	page;

	(void)state;
	assert_int_equal(page_find("/health", 7, &page), 1);
	assert_int_equal(page.access, ACCESS_HEALTH);
	assert_string_equal(page.type, "application/json");
	assert_string_equal(page.etag, "");
	assert_null(page.policy);
	assert_int_equal(page_find("/", 1, &page), 1);
	assert_int_equal(page.access, ACCESS_PAGE);
	assert_non_null(page.policy);
	assert_non_null(strstr(page.policy, "default-src 'none'"));
	assert_null(strstr(page.policy, "unsafe"));
	assert_int_equal(page_find("/nws.js", 7, &page), 1);
	assert_int_equal(page.access, ACCESS_LIBRARY);
	assert_null(page.policy);
	assert_int_equal(page_find("/index.css", 10, &page), 1);
	assert_int_equal(page.access, ACCESS_PAGE);
	assert_int_equal(page_find("/examples/", 10, &page), 1);
	assert_int_equal(page.access, ACCESS_PAGE);
	assert_non_null(page.policy);
	assert_int_equal(page_find("/examples", 9, &page), 0);
	assert_int_equal(page_find("/healthy", 8, &page), 0);
	assert_int_equal(page_find("/nws.js\0", 8, &page), 0);
	assert_int_equal(page_find("", 0, &page), 0);
}

static void
test_if_none_match(void **state)
{
	static const struct {
		const char	*list;
		int		 has;
	} rows[] = {
		{ "\"a\"", 1 },
		{ "W/\"a\"", 1 },
		{ "*", 1 },
		{ " *", 1 },
		{ "\"b\", \"a\"", 1 },
		{ "\"b\",W/\"a\"", 1 },
		{ ",, \"a\" ,", 1 },
		{ "\"a,\", \"a\"", 1 },
		{ "", 0 },
		{ "a", 0 },
		{ "\"a", 0 },
		{ "\"b\"", 0 },
		{ "\"A\"", 0 },
		{ "\"aa\"", 0 },
		{ "\"\"", 0 },
		{ "\"x,\"a\"", 0 },
		{ "**", 0 },
		{ "*, \"b\"", 0 },
		{ "w/\"a\"", 0 },
		{ "b, \"a\"", 0 },
	};
	size_t	i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (page_has_etag(rows[i].list, "\"a\"") != rows[i].has)
			fail_msg("If-None-Match: %s", rows[i].list);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_embedded),
		cmocka_unit_test(test_classic),
		cmocka_unit_test(test_etag_bytes),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_if_none_match),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
