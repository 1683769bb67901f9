/*
 * Origins, hosts, wildcards and grants: what they are, and what they are not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/origin.h"

#define NOT NULL /* refused */

/* Canonical text, or NOT; and whether it is this machine's. */
static const struct {
	const char *in, *text;
	int port, local;
} origins[] = {
	{ "null", "null", 0, 0 },
	{ "NULL", NOT, 0, 0 },
	{ "null ", NOT, 0, 0 },
	{ "", NOT, 0, 0 },
	{ "localhost", NOT, 0, 0 },
	{ "http://localhost", "http://localhost", 80, 1 },
	{ "http://localhost:9009", "http://localhost:9009", 9009, 1 },
	{ "http://localhost:80", "http://localhost", 80, 1 },
	{ "https://localhost:443", "https://localhost", 443, 1 },
	{ "https://localhost:80", "https://localhost:80", 80, 1 },
	{ "http://localhost:1", "http://localhost:1", 1, 1 },
	{ "http://localhost:65535", "http://localhost:65535", 65535, 1 },
	{ "http://localhost:65536", NOT, 0, 0 },
	{ "http://localhost:90000", NOT, 0, 0 },
	{ "http://localhost:99999999999", NOT, 0, 0 },
	{ "http://localhost:0", NOT, 0, 0 },
	{ "http://localhost:", NOT, 0, 0 },
	{ "http://localhost:080", NOT, 0, 0 },
	{ "http://localhost:-1", NOT, 0, 0 },
	{ "http://localhost:80:80", NOT, 0, 0 },
	{ "http://localhost:8o", NOT, 0, 0 },
	{ "HTTP://LocalHost:9009", "http://localhost:9009", 9009, 1 },
	{ "http://a.localhost", "http://a.localhost", 80, 1 },
	{ "http://a.b.localhost", "http://a.b.localhost", 80, 1 },
	{ "http://.localhost", NOT, 0, 0 },
	{ "http://localhost.", NOT, 0, 0 },
	{ "http://localhost..", NOT, 0, 0 },
	{ "http://a..localhost", NOT, 0, 0 },
	{ "http://evil-localhost", "http://evil-localhost", 80, 0 },
	{ "http://evillocalhost", "http://evillocalhost", 80, 0 },
	{ "http://localhost.evil.example", "http://localhost.evil.example", 80,
	    0 },
	{ "http://localhost-evil.example", "http://localhost-evil.example", 80,
	    0 },
	{ "ws://localhost", "ws://localhost", 80, 0 },
	{ "wss://localhost", "wss://localhost", 443, 0 },
	{ "ftp://localhost", "ftp://localhost", 0, 0 },
	/* addresses */
	{ "http://127.0.0.1", "http://127.0.0.1", 80, 1 },
	{ "http://127.255.255.254:81", "http://127.255.255.254:81", 81, 1 },
	{ "http://128.0.0.1", "http://128.0.0.1", 80, 0 },
	{ "http://126.0.0.1", "http://126.0.0.1", 80, 0 },
	{ "http://127.1", NOT, 0, 0 },
	{ "http://127.0.1", NOT, 0, 0 },
	{ "http://127.0.0.01", NOT, 0, 0 },
	{ "http://127.0.0.1.", NOT, 0, 0 },
	{ "http://127.0.0.256", NOT, 0, 0 },
	{ "http://127.0.0.0x1", NOT, 0, 0 },
	{ "http://0x7f.1", NOT, 0, 0 },
	{ "http://0X7F000001", NOT, 0, 0 },
	{ "http://0x", NOT, 0, 0 },
	{ "http://2130706433", NOT, 0, 0 },
	{ "http://1.2.3.4.5", NOT, 0, 0 },
	{ "http://example.123", NOT, 0, 0 },
	{ "http://127.0.0.1.example", "http://127.0.0.1.example", 80, 0 },
	{ "http://0x7f.example", "http://0x7f.example", 80, 0 },
	{ "http://7f", "http://7f", 80, 0 },
	{ "http://[::1]", "http://[::1]", 80, 1 },
	{ "http://[::1]:9009", "http://[::1]:9009", 9009, 1 },
	{ "http://[0:0:0:0:0:0:0:1]", "http://[::1]", 80, 1 },
	{ "http://[2001:DB8::A]", "http://[2001:db8::a]", 80, 0 },
	{ "http://[::ffff:127.0.0.1]", "http://[::ffff:127.0.0.1]", 80, 0 },
	{ "http://[::ffff:7f00:1]", "http://[::ffff:127.0.0.1]", 80, 0 },
	{ "http://[::1%eth0]", NOT, 0, 0 },
	{ "http://[fe80::1%25eth0]", NOT, 0, 0 },
	{ "http://[::1", NOT, 0, 0 },
	{ "http://::1", NOT, 0, 0 },
	{ "http://[::1]9009", NOT, 0, 0 },
	{ "http://[]", NOT, 0, 0 },
	{ "http://[", NOT, 0, 0 },
	{ "http://[127.0.0.1]", NOT, 0, 0 },
	{ "http://[v1.x]", NOT, 0, 0 },
	{ "http://[[::1]]", NOT, 0, 0 },
	/* other schemes */
	{ "chrome-extension://abcdefghijklmnop",
	    "chrome-extension://abcdefghijklmnop", 0, 0 },
	{ "moz-extension://4dbc26be-1f52-4ba7-8b9c-4c7e0c0ffee0",
	    "moz-extension://4dbc26be-1f52-4ba7-8b9c-4c7e0c0ffee0", 0, 0 },
	{ "chrome-extension://localhost", "chrome-extension://localhost", 0,
	    0 },
	{ "app+x.y://host:5", "app+x.y://host:5", 5, 0 },
	{ "file://", NOT, 0, 0 },
	{ "file:///", NOT, 0, 0 },
	{ "file:///etc/passwd", NOT, 0, 0 },
	{ "file://host", NOT, 0, 0 },
	{ "FILE://host", NOT, 0, 0 },
	{ "://host", NOT, 0, 0 },
	{ "1a://host", NOT, 0, 0 },
	{ "ht tp://host", NOT, 0, 0 },
	{ "http:/host", NOT, 0, 0 },
	{ "http:host", NOT, 0, 0 },
	{ "http", NOT, 0, 0 },
	{ "http:", NOT, 0, 0 },
	{ "http:/", NOT, 0, 0 },
	{ "http://", NOT, 0, 0 },
	{ "blob:http://localhost", NOT, 0, 0 },
	/* not only an origin */
	{ "http://a.example http://localhost", NOT, 0, 0 },
	{ "http://localhost http://a.example", NOT, 0, 0 },
	{ "http://localhost,http://a.example", NOT, 0, 0 },
	{ "http://localhost, http://a.example", NOT, 0, 0 },
	{ " http://localhost", NOT, 0, 0 },
	{ "http://localhost ", NOT, 0, 0 },
	{ "http://localhost\t", NOT, 0, 0 },
	{ "http://localhost\n", NOT, 0, 0 },
	{ "http://user@localhost", NOT, 0, 0 },
	{ "http://localhost@evil.example", NOT, 0, 0 },
	{ "http://localhost:80@evil.example", NOT, 0, 0 },
	{ "http://localhost/", NOT, 0, 0 },
	{ "http://localhost/path", NOT, 0, 0 },
	{ "http://localhost?q", NOT, 0, 0 },
	{ "http://localhost#f", NOT, 0, 0 },
	{ "http://localhost\\evil.example", NOT, 0, 0 },
	{ "http://localhost%2eevil.example", NOT, 0, 0 },
	/* names */
	{ "https://xn--bcher-kva.example", "https://xn--bcher-kva.example", 443,
	    0 },
	{ "https://b\xc3\xbc"
	  "cher.example",
	    NOT, 0, 0 },
	{ "https://local\xef\xbd\x88ost", NOT, 0, 0 },
	{ "https://a_b.example", NOT, 0, 0 },
	{ "https://-a.example", NOT, 0, 0 },
	{ "https://a-.example", NOT, 0, 0 },
	{ "https://a--b.example", "https://a--b.example", 443, 0 },
	{ "https://*.example.org", NOT, 0, 0 },
	{ "https://*", NOT, 0, 0 },
};

static void
origin_table(void **state)
{
	struct origin o, again;
	char text[320];
	size_t i;
	int rv;

	(void)state;
	for (i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
		rv = origin_parse(origins[i].in, strlen(origins[i].in), &o);
		if ((rv == 0) != (origins[i].text != NOT))
			fail_msg("%s: %d", origins[i].in, rv);
		if (rv == -1)
			continue;
		assert_string_equal(
		    origin_text(&o, text, sizeof(text)), origins[i].text);
		assert_int_equal(o.port, origins[i].port);
		if (origin_is_local(&o) != origins[i].local)
			fail_msg("%s: local or not", origins[i].in);
		assert_int_equal(origin_parse(text, strlen(text), &again), 0);
		assert_true(origin_equal(&o, &again));
	}
	assert_int_equal(origin_parse("http://localhost\0x", 18, &o), -1);
	assert_int_equal(origin_parse("http://\0localhost", 17, &o), -1);
	assert_int_equal(origin_parse("http://[::1\0]", 13, &o), -1);
	assert_int_equal(origin_parse(NULL, 0, &o), -1);
	/* Only the bytes that it was given. */
	assert_int_equal(origin_parse("http://localhost.evil", 16, &o), 0);
	assert_string_equal(o.host, "localhost");
}

static int
parses(const char *before, char c, size_t n, const char *after)
{
	char text[1024];
	struct origin o;
	size_t len = strlen(before);

	assert_true(len + n + strlen(after) < sizeof(text));
	memcpy(text, before, len);
	memset(text + len, c, n);
	memcpy(text + len + n, after, strlen(after) + 1);
	return (origin_parse(text, strlen(text), &o) == 0);
}

static void
origin_lengths(void **state)
{
	char host[300];
	size_t i;

	(void)state;
	assert_true(parses("", 'a', 31, "://b"));
	assert_false(parses("", 'a', 32, "://b"));
	assert_true(parses("http://", 'a', 63, ".b"));
	assert_false(parses("http://", 'a', 64, ".b"));
	assert_true(parses("http://b.", 'a', 63, ""));
	assert_false(parses("http://b.", 'a', 64, ""));
	/* Names of 253 and 254. */
	memcpy(host, "https://", 9);
	for (i = 0; i < 63; i++)
		memcpy(host + 8 + 4 * i, "aaa.", 5);
	assert_true(parses(host, 'a', 1, ""));
	assert_false(parses(host, 'a', 2, ""));
}

static const struct {
	const char *in, *text;
} patterns[] = {
	{ "https://example.org", "https://example.org" },
	{ "https://*.example.org", "https://*.example.org" },
	{ "HTTPS://*.Example.ORG:443", "https://*.example.org" },
	{ "https://*.example.org:8443", "https://*.example.org:8443" },
	{ "https://*.a.example.org", "https://*.a.example.org" },
	{ "null", "null" },
	{ "*", NOT },
	{ "https://*", NOT },
	{ "https://*.", NOT },
	{ "https://*.org", NOT },
	{ "https://*.localhost", NOT },
	{ "https://*example.org", NOT },
	{ "https://**.example.org", NOT },
	{ "https://*.*.example.org", NOT },
	{ "https://a.*.example.org", NOT },
	{ "https://example.*", NOT },
	{ "https://*.127.0.0.1", NOT },
	{ "https://*.0.1", NOT },
	{ "https://*.[::1]", NOT },
	{ "https://*.example.org.", NOT },
	{ "https://*.example.org:*", NOT },
	{ "*://example.org", NOT },
	{ "*.example.org", NOT },
	{ "moz-extension://*", NOT },
	{ "file://*.example.org", NOT },
};

static void
pattern_table(void **state)
{
	struct origin_pattern p;
	char text[320];
	size_t i;
	int rv;

	(void)state;
	for (i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		rv = origin_pattern_parse(
		    patterns[i].in, strlen(patterns[i].in), &p);
		if ((rv == 0) != (patterns[i].text != NOT))
			fail_msg("%s: %d", patterns[i].in, rv);
		if (rv == 0)
			assert_string_equal(
			    origin_pattern_text(&p, text, sizeof(text)),
			    patterns[i].text);
	}
}

static const struct {
	const char *pattern, *origin;
	int matches;
} matches[] = {
	{ "https://example.org", "https://example.org", 1 },
	{ "https://example.org", "https://EXAMPLE.org:443", 1 },
	{ "https://example.org", "http://example.org", 0 },
	{ "https://example.org", "https://example.org:8443", 0 },
	{ "https://example.org", "https://a.example.org", 0 },
	{ "https://example.org", "https://example.org.evil.example", 0 },
	{ "https://example.org", "null", 0 },
	{ "https://*.example.org", "https://a.example.org", 1 },
	{ "https://*.example.org", "https://a.b.example.org", 1 },
	{ "https://*.example.org", "https://example.org", 0 },
	{ "https://*.example.org", "https://notexample.org", 0 },
	{ "https://*.example.org", "https://not.anexample.org", 0 },
	{ "https://*.example.org", "https://a.example.org.evil.example", 0 },
	{ "https://*.example.org", "https://a.example.com", 0 },
	{ "https://*.example.org", "http://a.example.org", 0 },
	{ "https://*.example.org", "https://a.example.org:444", 0 },
	{ "https://*.example.org", "null", 0 },
	{ "null", "null", 1 },
	{ "null", "https://example.org", 0 },
	{ "http://[::1]:5", "http://[0::1]:5", 1 },
	{ "chrome-extension://abcdef", "chrome-extension://abcdef", 1 },
	{ "chrome-extension://abcdef", "chrome-extension://abcdeg", 0 },
	{ "chrome-extension://abcdef", "moz-extension://abcdef", 0 },
};

static void
match_table(void **state)
{
	struct origin_pattern p;
	struct origin o;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
		assert_int_equal(origin_pattern_parse(matches[i].pattern,
				     strlen(matches[i].pattern), &p),
		    0);
		assert_int_equal(origin_parse(matches[i].origin,
				     strlen(matches[i].origin), &o),
		    0);
		if (origin_matches(&p, &o) != matches[i].matches)
			fail_msg(
			    "%s, %s", matches[i].pattern, matches[i].origin);
	}
}

static const struct {
	const char *in, *host;
	int port, local;
} hosts[] = {
	{ "localhost", "localhost", 0, 1 },
	{ "localhost:9009", "localhost", 9009, 1 },
	{ "LOCALHOST:9009", "localhost", 9009, 1 },
	{ "localhost.", NOT, 0, 0 },
	{ "localhost.:9009", NOT, 0, 0 },
	{ "localhost:90000", NOT, 0, 0 },
	{ "localhost:", NOT, 0, 0 },
	{ "localhost:0", NOT, 0, 0 },
	{ "evil-localhost", "evil-localhost", 0, 0 },
	{ "localhost.evil.example", "localhost.evil.example", 0, 0 },
	{ "a.localhost:1", "a.localhost", 1, 1 },
	{ "127.0.0.1:9009", "127.0.0.1", 9009, 1 },
	{ "127.8.9.10", "127.8.9.10", 0, 1 },
	{ "127.1", NOT, 0, 0 },
	{ "0x7f.1", NOT, 0, 0 },
	{ "2130706433", NOT, 0, 0 },
	{ "[::1]", "[::1]", 0, 1 },
	{ "[::1]:9009", "[::1]", 9009, 1 },
	{ "[::1]:", NOT, 0, 0 },
	{ "[::2]:9009", "[::2]", 9009, 0 },
	{ "[::1%lo]", NOT, 0, 0 },
	{ "::1:9009", NOT, 0, 0 },
	{ "", NOT, 0, 0 },
	{ ":9009", NOT, 0, 0 },
	{ "user@localhost", NOT, 0, 0 },
	{ "localhost, localhost", NOT, 0, 0 },
	{ "localhost localhost", NOT, 0, 0 },
	{ "localhost/", NOT, 0, 0 },
	{ "http://localhost", NOT, 0, 0 },
	{ "*.localhost", NOT, 0, 0 },
};

static void
host_table(void **state)
{
	char host[ORIGIN_HOST_MAX + 1];
	uint16_t port;
	size_t i;
	int rv;

	(void)state;
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		rv = host_parse(hosts[i].in, strlen(hosts[i].in), host, &port);
		if ((rv == 0) != (hosts[i].host != NOT))
			fail_msg("%s: %d", hosts[i].in, rv);
		if (rv == -1)
			continue;
		assert_string_equal(host, hosts[i].host);
		assert_int_equal(port, hosts[i].port);
		if (host_is_local(host) != hosts[i].local)
			fail_msg("%s: local or not", hosts[i].in);
	}
	assert_int_equal(host_is_local(""), 0);
	assert_int_equal(host_is_local(".localhost"), 0);
}

static void
scopes(void **state)
{
	char text[64], small[12];

	(void)state;
	assert_int_equal(scope_find("channels", 8), SCOPE_CHANNELS);
	assert_int_equal(scope_find("libp2p", 6), SCOPE_LIBP2P);
	assert_int_equal(scope_find("signalling", 10), SCOPE_SIGNALLING);
	assert_int_equal(scope_find("polysocket", 10), SCOPE_POLYSOCKET);
	assert_int_equal(scope_find("channel", 7), 0);
	assert_int_equal(scope_find("Channels", 8), 0);
	assert_int_equal(scope_find("", 0), 0);
	assert_string_equal(scope_text(SCOPE_ALL, text, sizeof(text)),
	    "channels libp2p signalling polysocket");
	assert_string_equal(scope_text(0, text, sizeof(text)), "");
	assert_string_equal(
	    scope_text(SCOPE_LIBP2P, text, sizeof(text)), "libp2p");
	scope_text(SCOPE_ALL, small, sizeof(small));
	assert_true(strlen(small) < sizeof(small));
}

static struct origin_pattern
pattern(const char *s)
{
	struct origin_pattern p;

	assert_int_equal(origin_pattern_parse(s, strlen(s), &p), 0);
	return (p);
}

static int
decide(const struct grants *list, const char *s, uint32_t scope, int64_t now)
{
	struct origin o;

	assert_int_equal(origin_parse(s, strlen(s), &o), 0);
	return (grants_decide(list, &o, scope, now));
}

static void
set(struct grants *list, const char *s, uint32_t scope, int64_t expires,
    int deny)
{
	struct origin_pattern p = pattern(s);

	assert_int_equal(grants_set(list, &p, scope, expires, deny), 0);
}

static void
grant_decisions(void **state)
{
	struct grants l = TAILQ_HEAD_INITIALIZER(l);
	struct origin_pattern p = pattern("https://a.example");

	(void)state;
	assert_int_equal(decide(&l, "https://a.example", SCOPE_CHANNELS, 1), 0);
	set(&l, "https://a.example", SCOPE_CHANNELS, 100, 0);
	assert_int_equal(
	    decide(&l, "https://a.example", SCOPE_CHANNELS, 99), 1);
	assert_int_equal(
	    decide(&l, "https://a.example", SCOPE_CHANNELS, 100), 0);
	assert_int_equal(decide(&l, "https://a.example", SCOPE_LIBP2P, 1), 0);
	assert_int_equal(decide(&l, "https://b.example", SCOPE_CHANNELS, 1), 0);
	/* Replaced, not added. */
	set(&l, "https://A.example:443", 0, 0, 0);
	assert_int_equal(
	    decide(&l, "https://a.example", SCOPE_LIBP2P, 1000), 1);
	assert_null(TAILQ_NEXT(TAILQ_FIRST(&l), entry));
	/* Denial wins, before or after. */
	set(&l, "https://*.b.example", SCOPE_ALL, 0, 0);
	set(&l, "https://bad.b.example", SCOPE_CHANNELS, 200, 1);
	assert_int_equal(
	    decide(&l, "https://ok.b.example", SCOPE_CHANNELS, 1), 1);
	assert_int_equal(
	    decide(&l, "https://bad.b.example", SCOPE_CHANNELS, 1), -1);
	assert_int_equal(
	    decide(&l, "https://bad.b.example", SCOPE_LIBP2P, 1), 1);
	assert_int_equal(
	    decide(&l, "https://bad.b.example", SCOPE_CHANNELS, 200), 1);
	grants_expire(&l, 199);
	assert_int_equal(
	    decide(&l, "https://bad.b.example", SCOPE_CHANNELS, 1), -1);
	grants_expire(&l, 200);
	assert_int_equal(
	    decide(&l, "https://bad.b.example", SCOPE_CHANNELS, 1), 1);
	assert_int_equal(grants_remove(&l, &p), 0);
	assert_int_equal(grants_remove(&l, &p), -1);
	assert_int_equal(grants_set(&l, &p, 0x10, 0, 0), -1);
	assert_int_equal(grants_set(&l, &p, SCOPE_ALL, -1, 0), -1);
	grants_free(&l);
	assert_true(TAILQ_EMPTY(&l));
}

static void
grant_count(void **state)
{
	struct grants l = TAILQ_HEAD_INITIALIZER(l);
	struct grants again = TAILQ_HEAD_INITIALIZER(again);
	struct origin_pattern p;
	char name[64];
	char *text;
	unsigned int i;
	int line;

	(void)state;
	for (i = 0; i < GRANTS_MAX; i++) {
		snprintf(name, sizeof(name), "https://a%u.example", i);
		set(&l, name, SCOPE_ALL, 0, (int)i & 1);
	}
	p = pattern("https://one.more.example");
	assert_int_equal(grants_set(&l, &p, SCOPE_ALL, 0, 0), -1);
	p = pattern("https://a5.example");
	assert_int_equal(grants_set(&l, &p, SCOPE_ALL, 0, 0), 0);
	assert_non_null(text = grants_print(&l));
	assert_int_equal(grants_parse(&again, text, strlen(text), &line), 0);
	free(text);
	assert_int_equal(
	    grants_parse(&again,
		"\nallow https://one.more.example scope channels", 46, &line),
	    -1);
	assert_int_equal(line, 2);
	grants_free(&l);
	grants_free(&again);
}

static const struct {
	const char *in, *text;
	int line; /* the bad one, or 0 */
} texts[] = {
	{ "", "", 0 },
	{ "\n \n# nothing\n\t# here\n", "", 0 },
	{ "allow https://a.example scope channels\n",
	    "allow https://a.example scope channels\n", 0 },
	{ "allow https://a.example scope channels",
	    "allow https://a.example scope channels\n", 0 },
	{ "  deny\thttps://*.a.example  scope polysocket channels \r\n",
	    "deny https://*.a.example scope channels polysocket\n", 0 },
	{ "allow null scope libp2p until 1900000000 # a day\n",
	    "allow null scope libp2p until 1900000000\n", 0 },
	{ "allow null scope libp2p until 999999999999999999\n",
	    "allow null scope libp2p until 999999999999999999\n", 0 },
	{ "allow null scope libp2p until 1000000000000000000\n", "", 1 },
	{ "allow null scope libp2p until 0\n", "", 1 },
	{ "allow null scope libp2p until -1\n", "", 1 },
	{ "allow null scope libp2p until\n", "", 1 },
	{ "allow null scope libp2p until 5 6\n", "", 1 },
	{ "allow null scope libp2p for 5\n", "", 1 },
	{ "allow null scope\n", "", 1 },
	{ "allow null\n", "", 1 },
	{ "allow\n", "", 1 },
	{ "grant null scope channels\n", "", 1 },
	{ "allow any scope channels\n", "", 1 },
	{ "allow null channels\n", "", 1 },
	{ "# ok\nallow null scope channels\nallow\nallow null scope libp2p\n",
	    "allow null scope channels\n", 3 },
	{ "allow null scope channels\ndeny null scope libp2p\n",
	    "deny null scope libp2p\n", 0 },
};

static void
grant_texts(void **state)
{
	struct grants l = TAILQ_HEAD_INITIALIZER(l);
	char *text;
	size_t i;
	int line, rv;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		rv = grants_parse(&l, texts[i].in, strlen(texts[i].in), &line);
		if ((rv == -1) != (texts[i].line > 0) || line != texts[i].line)
			fail_msg("%s: %d, line %d", texts[i].in, rv, line);
		assert_non_null(text = grants_print(&l));
		assert_string_equal(text, texts[i].text);
		free(text);
		grants_free(&l);
	}
	assert_int_equal(grants_parse(&l, "# \0\n", 4, &line), -1);
	assert_int_equal(grants_parse(&l, NULL, 0, &line), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(origin_table),
		cmocka_unit_test(origin_lengths),
		cmocka_unit_test(pattern_table),
		cmocka_unit_test(match_table),
		cmocka_unit_test(host_table),
		cmocka_unit_test(scopes),
		cmocka_unit_test(grant_decisions),
		cmocka_unit_test(grant_count),
		cmocka_unit_test(grant_texts),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
