/*
 * common/origin.c and grants.c: what parses has one text, and that parses to
 * the same; a wildcard never matches above or beside its name.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/origin.h"

#define TEXT_MAX 300 /* MSG_ORIGIN_MAX: what other parts allow */

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
fail(const char *why, const char *text)
{
	fprintf(stderr, "%s: %s\n", why, text);
	abort();
}

static void
origin_check(const char *s, size_t n)
{
	struct origin a, b;
	char text[512], again[512];

	if (origin_parse(s, n, &a) == -1)
		return;
	origin_text(&a, text, sizeof(text));
	if (strlen(text) > TEXT_MAX)
		fail("an origin that is too long", text);
	if (origin_parse(text, strlen(text), &b) == -1 || !origin_equal(&a, &b))
		fail("an origin whose text is another", text);
	if (strcmp(text, origin_text(&b, again, sizeof(again))) != 0)
		fail("an origin with two texts", text);
	if (origin_is_local(&a) && !host_is_local(a.host))
		fail("a local origin elsewhere", text);
}

static void
pattern_check(const char *s, size_t n)
{
	struct origin_pattern p, q;
	struct origin o;
	char text[512];
	size_t len;

	if (origin_pattern_parse(s, n, &p) == -1)
		return;
	origin_pattern_text(&p, text, sizeof(text));
	if (strlen(text) > TEXT_MAX)
		fail("a pattern that is too long", text);
	if (origin_pattern_parse(text, strlen(text), &q) == -1 ||
	    p.wildcard != q.wildcard || !origin_equal(&p.origin, &q.origin))
		fail("a pattern whose text is another", text);
	o = p.origin;
	if (origin_matches(&p, &o) != !p.wildcard)
		fail("what a pattern does to its own name", text);
	if (!p.wildcard)
		return;
	/* One more letter in front is a neighbour, a label is below. */
	len = strlen(o.host);
	if (len + 2 > ORIGIN_HOST_MAX)
		fail("a pattern that nothing can match", text);
	memmove(o.host + 1, o.host, len + 1);
	o.host[0] = 'a';
	if (origin_matches(&p, &o))
		fail("a pattern matches its neighbour", text);
	memmove(o.host + 2, o.host + 1, len + 1);
	o.host[1] = '.';
	if (!origin_matches(&p, &o))
		fail("a pattern does not match below", text);
}

static void
host_check(const char *s, size_t n)
{
	char host[ORIGIN_HOST_MAX + 1], again[ORIGIN_HOST_MAX + 1];
	uint16_t port;

	if (host_parse(s, n, host, &port) == -1)
		return;
	if (host_parse(host, strlen(host), again, &port) == -1 || port != 0 ||
	    strcmp(host, again) != 0)
		fail("a host that is another", host);
	(void)host_is_local(host);
}

static void
grants_check(const char *s, size_t n)
{
	struct grants a = TAILQ_HEAD_INITIALIZER(a);
	struct grants b = TAILQ_HEAD_INITIALIZER(b);
	char *text, *again;
	int line;

	(void)grants_parse(&a, s, n, &line);
	if ((text = grants_print(&a)) == NULL)
		abort();
	if (grants_parse(&b, text, strlen(text), &line) == -1)
		fail("grants that do not parse", text);
	if ((again = grants_print(&b)) == NULL)
		abort();
	if (strcmp(text, again) != 0)
		fail("grants that change", text);
	free(text);
	free(again);
	grants_free(&a);
	grants_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	char *exact;

	/* Without a byte behind it, for the sanitizer. */
	if ((exact = malloc(n > 0 ? n : 1)) == NULL)
		abort();
	memcpy(exact, in, n);
	origin_check(exact, n);
	pattern_check(exact, n);
	host_check(exact, n);
	grants_check(exact, n);
	free(exact);
	return (0);
}
