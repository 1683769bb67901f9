/* files in nwsd.conf(5): its limits, and which line a path belongs to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/conf.h"
#include "frontend/pages.h"

static void
report(const char *line, void *arg)
{
	char	*first = arg;

	if (first[0] == '\0')
		snprintf(first, 256, "%s", line);
}

/* The tree, or NULL with the first error in why. */
static struct conf *
parse(const char *text, char why[256])
{
	why[0] = '\0';
	return (conf_parse("t", text, strlen(text), NULL, NULL, NULL, report,
	    why));
}

static struct conf *
good(const char *text)
{
	char		 why[256];
	struct conf	*conf = parse(text, why);

	if (conf == NULL)
		fail_msg("%s", why);
	return (conf);
}

static void
bad(const char *text, const char *expected)
{
	char		 why[256];
	struct conf	*conf = parse(text, why);

	assert_null(conf);
	if (strstr(why, expected) == NULL)
		fail_msg("%s", why);
}

static void
values(void **state)
{
	struct conf		*conf;
	const struct conf_files	*f;

	(void)state;
	conf = good("files /srv/www at /apps\nfiles \"/b c\" at \"/x/y\"\n");
	f = TAILQ_FIRST(&conf->files);
	assert_string_equal(f->directory, "/srv/www");
	assert_string_equal(f->at, "/apps");
	f = TAILQ_NEXT(f, entry);
	assert_string_equal(f->directory, "/b c");
	assert_string_equal(f->at, "/x/y");
	assert_null(TAILQ_NEXT(f, entry));
	conf_free(conf);
	conf = conf_default();
	assert_non_null(conf);
	assert_true(TAILQ_EMPTY(&conf->files));
	conf_free(conf);
}

/* n lines, whose paths have len bytes. */
static char *
lines(unsigned int n, size_t len)
{
	char		*text, *name = malloc(len);
	size_t		 size;
	FILE		*f = open_memstream(&text, &size);
	unsigned int	 i;

	assert_non_null(name);
	assert_non_null(f);
	memset(name, 'a', len);
	for (i = 0; i < n; i++)
		fprintf(f, "files /srv at /%.*s%04u\n", (int)len - 5, name, i);
	assert_int_equal(fclose(f), 0);
	free(name);
	return (text);
}

static void
limits(void **state)
{
	char	*text, directory[1100];

	(void)state;
	conf_free(good(text = lines(CONF_FILES_MAX, 20)));
	free(text);
	bad(text = lines(CONF_FILES_MAX + 1, 20), "too many of them");
	free(text);
	conf_free(good(text = lines(1, CONF_FILES_PATH_MAX)));
	free(text);
	bad(text = lines(1, CONF_FILES_PATH_MAX + 1), "at most 255");
	free(text);
	snprintf(directory, sizeof(directory), "files /%01022d at /a\n", 0);
	conf_free(good(directory));
	snprintf(directory, sizeof(directory), "files /%01023d at /a\n", 0);
	bad(directory, "at most 1023 bytes");
}

/* Whatever nwsd serves itself, no line of files may hide or be hidden by. */
static void
collisions(void **state)
{
	static const char *const	 services[] = { "/health", "/metrics",
	    "/console", "/examples", "/debug", "/debug/echo", "/libp2p",
	    "/local", "/broadcast", "/control", "/listen", "/connect",
	    "/create", "/s", "/j", "/local/a/b" };
	const struct www_file	*w;
	char			 text[512];
	size_t			 i, n;

	(void)state;
	for (i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		snprintf(text, sizeof(text), "files /srv at %s", services[i]);
		bad(text, "expected another path");
	}
	for (i = 0; (w = www_at(i)) != NULL; i++) {
		if (strcmp(w->path, "/") == 0)
			continue;
		/* Its first name, and all of it. */
		n = strcspn(w->path + 1, "/");
		snprintf(text, sizeof(text), "files /srv at %.*s", (int)n + 1,
		    w->path);
		bad(text, "expected another path");
		snprintf(text, sizeof(text), "files /srv at %s", w->path);
		bad(text, "expected");
	}
	conf_free(good("files /srv at /consoles\nfiles /srv at /sj\n"
	    "files /srv at /a/console\n"));
}

static void
expect(const struct conf *conf, const char *path, int number,
    const char *want)
{
	const struct conf_files	*f;
	const char		*rest;
	uint32_t		 index;
	size_t			 len = strlen(path);

	f = conf_files_find(conf, path, len, &index, &rest);
	if (number == -1) {
		assert_null(f);
		return;
	}
	assert_non_null(f);
	assert_int_equal(index, number);
	if (want == NULL) {
		assert_null(rest);
		return;
	}
	assert_int_equal(len - (size_t)(rest - path), strlen(want));
	assert_memory_equal(rest, want, strlen(want));
}

static void
finds(void **state)
{
	struct conf	*conf = good("files /1 at /apps\n"
			    "files /2 at /apps/deep\nfiles /3 at /a\n");

	(void)state;
	expect(conf, "/apps", 0, NULL);
	expect(conf, "/apps/", 0, "");
	expect(conf, "/apps/x", 0, "x");
	expect(conf, "/apps/x/y", 0, "x/y");
	expect(conf, "/apps/deep", 1, NULL);
	expect(conf, "/apps/deep/z", 1, "z");
	expect(conf, "/apps/deeper", 0, "deeper");
	expect(conf, "/a/apps", 2, "apps");
	expect(conf, "/app", -1, NULL);
	expect(conf, "/appsx", -1, NULL);
	expect(conf, "/Apps/x", -1, NULL);
	expect(conf, "//apps/x", -1, NULL);
	expect(conf, "/", -1, NULL);
	expect(conf, "", -1, NULL);
	conf_free(conf);
}

static void
same(void **state)
{
	static const char *const	 texts[] = { "",
	    "files /1 at /a\n", "files /2 at /a\n", "files /1 at /b\n",
	    "files /1 at /a\nfiles /1 at /b\n",
	    "files /1 at /b\nfiles /1 at /a\n" };
	struct conf	*a, *b;
	size_t		 i, j;

	(void)state;
	for (i = 0; i < 6; i++)
		for (j = 0; j < 6; j++) {
			a = good(texts[i]);
			b = good(texts[j]);
			assert_int_equal(conf_files_same(a, b), i == j);
			conf_free(a);
			conf_free(b);
		}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(limits),
		cmocka_unit_test(collisions),
		cmocka_unit_test(finds),
		cmocka_unit_test(same)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
