/* frontend/access.c: the matrix of Host, Origin, listener, kind and grant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/access.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define NOW		1000000
#define PORT		9009
#define HOST		"Host: localhost:9009\r\n"

static const struct access_listener	 tcp = { 0, PORT };
static const struct access_listener	 port80 = { 0, 80 };
static const struct access_listener	 local = { 1, 0 };
static struct grants			 none = TAILQ_HEAD_INITIALIZER(none);

static void
report(const char *line, void *arg)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

static struct conf *
configured(const char *text)
{
	struct conf *conf;

	conf = conf_parse("test", text, strlen(text), NULL, NULL, NULL, report,
	    NULL);
	assert_non_null(conf);
	return (conf);
}

static void
grant(struct grants *grants, const char *origin, uint32_t scope,
    int64_t expires, int deny)
{
	struct origin_pattern pattern;

	assert_int_equal(origin_pattern_parse(origin, strlen(origin),
	    &pattern), 0);
	assert_int_equal(grants_set(grants, &pattern, scope, expires, deny),
	    0);
}

/* The verdict on a GET of this target with these fields. */
static struct access_verdict
decide_target(const struct conf *conf, const struct grants *grants,
    const struct access_listener *listener, enum access_kind kind,
    const char *target, const char *fields)
{
	struct access_verdict	 v;
	struct http_request	 r;
	char			 head[2048];
	int			 n, status;

	n = snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\n%s\r\n", target,
	    fields);
	assert_true(n > 0 && (size_t)n < sizeof(head));
	assert_int_equal(http_parse(head, (size_t)n, sizeof(head), &r,
	    &status), n);
	access_decide(conf, grants, listener, &r, kind, SCOPE_CHANNELS, NOW,
	    &v);
	assert_non_null(v.why);
	assert_int_equal(v.status != 0, *v.why != '\0');
	assert_true(v.status == 403 || !v.pending);
	assert_true(v.has_origin || (!v.pending && !v.cors));
	return (v);
}

static struct access_verdict
decide(const struct conf *conf, const struct grants *grants,
    const struct access_listener *listener, enum access_kind kind,
    const char *fields)
{
	return (decide_target(conf, grants, listener, kind, "/", fields));
}

struct host_case {
	const char	*fields;
	int		 tcp, unix_socket;	/* status */
};

static const struct host_case hosts[] = {
	{ "Host: localhost:9009\r\n", 0, 0 },
	{ "Host: LOCALHOST:9009\r\n", 0, 0 },
	{ "Host: LocalHost:9009\r\n", 0, 0 },
	{ "Host: app.localhost:9009\r\n", 0, 0 },
	{ "Host: a.b.localhost:9009\r\n", 0, 0 },
	{ "Host: 127.0.0.1:9009\r\n", 0, 0 },
	{ "Host: 127.1.2.3:9009\r\n", 0, 0 },
	{ "Host: [::1]:9009\r\n", 0, 0 },
	{ "Host: [0:0:0:0:0:0:0:1]:9009\r\n", 0, 0 },
	{ "Host: \t localhost:9009 \r\n", 0, 0 },
	{ "Host: nws.example.lan:9009\r\n", 0, 0 },
	{ "Host: NWS.Example.LAN:9009\r\n", 0, 0 },
	/* Ports. */
	{ "Host: localhost\r\n", 421, 0 },
	{ "Host: [::1]\r\n", 421, 0 },
	{ "Host: localhost:80\r\n", 421, 0 },
	{ "Host: localhost:9010\r\n", 421, 0 },
	{ "Host: 127.0.0.1:9008\r\n", 421, 0 },
	{ "Host: nws.example.lan\r\n", 421, 0 },
	{ "Host: localhost:0\r\n", 421, 421 },
	{ "Host: localhost:90000\r\n", 421, 421 },
	{ "Host: localhost:74545\r\n", 421, 421 },	/* 9009 + 65536 */
	{ "Host: localhost:9009x\r\n", 421, 421 },
	{ "Host: localhost:+9009\r\n", 421, 421 },
	{ "Host: localhost:9009:9009\r\n", 421, 421 },
	/* Other names. */
	{ "Host: evil-localhost:9009\r\n", 421, 421 },
	{ "Host: localhost.evil.example:9009\r\n", 421, 421 },
	{ "Host: localhostevil:9009\r\n", 421, 421 },
	{ "Host: evillocalhost:9009\r\n", 421, 421 },
	{ "Host: .localhost:9009\r\n", 421, 421 },
	{ "Host: localhost.:9009\r\n", 421, 421 },
	{ "Host: app.localhost.:9009\r\n", 421, 421 },
	{ "Host: 127.0.0.1.:9009\r\n", 421, 421 },
	{ "Host: nws.example.lan.:9009\r\n", 421, 421 },
	{ "Host: a.nws.example.lan:9009\r\n", 421, 421 },
	{ "Host: example.lan:9009\r\n", 421, 421 },
	{ "Host: 127.0.0.1.evil.example:9009\r\n", 421, 421 },
	{ "Host: 128.0.0.1:9009\r\n", 421, 421 },
	{ "Host: 0.0.0.0:9009\r\n", 421, 421 },
	{ "Host: 192.168.1.2:9009\r\n", 421, 421 },
	{ "Host: 2130706433:9009\r\n", 421, 421 },
	{ "Host: 0x7f000001:9009\r\n", 421, 421 },
	{ "Host: 127.1:9009\r\n", 421, 421 },
	{ "Host: [::]:9009\r\n", 421, 421 },
	{ "Host: [::2]:9009\r\n", 421, 421 },
	{ "Host: [::ffff:127.0.0.1]:9009\r\n", 421, 421 },
	{ "Host: ::1:9009\r\n", 421, 421 },
	{ "Host: [::1:9009\r\n", 421, 421 },
	{ "Host: [localhost]:9009\r\n", 421, 421 },
	/* No name at all. */
	{ "Host:\r\n", 421, 421 },
	{ "Host: :9009\r\n", 421, 421 },
	{ "Host: null\r\n", 421, 421 },
	{ "Host: *\r\n", 421, 421 },
	{ "Host: http://localhost:9009\r\n", 421, 421 },
	{ "Host: localhost:9009/\r\n", 421, 421 },
	{ "Host: user@localhost:9009\r\n", 421, 421 },
	{ "Host: localhost:9009, evil.example\r\n", 421, 421 },
	{ "Host: local host:9009\r\n", 421, 421 },
	/* Absent, several. */
	{ "", 400, 400 },
	{ "X-Host: localhost:9009\r\n", 400, 400 },
	{ "X-Forwarded-Host: localhost:9009\r\n", 400, 400 },
	{ "Host: localhost:9009\r\nHost: localhost:9009\r\n", 400, 400 },
	{ "Host: localhost:9009\r\nhost: evil.example\r\n", 400, 400 },
	{ "Host: evil.example\r\nHost: localhost:9009\r\n", 400, 400 },
};

/* Host is judged before anything else, whatever is asked for. */
static void
test_hosts(void **state)
{
	static const char *const more[] = { "", "Origin: null\r\n",
		"Origin: https://evil.example\r\n",
		"Origin: http://localhost:9009\r\n",
		"Origin: https://granted.example\r\n",
		"Sec-Fetch-Site: cross-site\r\n" };
	struct access_verdict	 v;
	struct conf		*conf;
	struct grants		 grants = TAILQ_HEAD_INITIALIZER(grants);
	char			 fields[512];
	size_t			 i, j;
	int			 kind;

	(void)state;
	conf = configured("host \"nws.example.lan\"\n");
	grant(&grants, "https://granted.example", SCOPE_ALL, 0, 0);
	for (i = 0; i < COUNT(hosts); i++)
		for (kind = ACCESS_UPGRADE; kind <= ACCESS_API; kind++) {
			v = decide(conf, &grants, &tcp,
			    (enum access_kind)kind, hosts[i].fields);
			if (v.status != hosts[i].tcp)
				fail_msg("%s: %d", hosts[i].fields, v.status);
			v = decide(conf, &grants, &local,
			    (enum access_kind)kind, hosts[i].fields);
			if (v.status != hosts[i].unix_socket)
				fail_msg("%s, Unix: %d", hosts[i].fields,
				    v.status);
			for (j = 0; j < COUNT(more) && hosts[i].tcp != 0; j++) {
				snprintf(fields, sizeof(fields), "%s%s",
				    more[j], hosts[i].fields);
				v = decide(conf, &grants, &tcp,
				    (enum access_kind)kind, fields);
				assert_int_equal(v.status, hosts[i].tcp);
				assert_int_equal(v.cors, 0);
				assert_int_equal(v.pending, 0);
			}
		}
	grants_free(&grants);
	conf_free(conf);
}

static void
test_port_80(void **state)
{
	struct conf *conf = configured("");

	(void)state;
	assert_int_equal(decide(conf, &none, &port80, ACCESS_PAGE,
	    "Host: localhost\r\n").status, 0);
	assert_int_equal(decide(conf, &none, &port80, ACCESS_PAGE,
	    "Host: localhost:80\r\n").status, 0);
	assert_int_equal(decide(conf, &none, &port80, ACCESS_PAGE,
	    "Host: localhost:9009\r\n").status, 421);
	conf_free(conf);
}

/* An authority in the target counts as Host does. */
static void
test_absolute_form(void **state)
{
	static const struct {
		const char	*target, *fields;
		int		 status;
	} cases[] = {
		{ "http://localhost:9009/", HOST, 0 },
		{ "ws://127.0.0.1:9009/", HOST, 0 },
		{ "http://evil.example/", HOST, 421 },
		{ "http://localhost/", HOST, 421 },
		{ "http://localhost:90000/", HOST, 421 },
		{ "http://localhost:9009/", "Host: evil.example\r\n", 421 },
		{ "http://localhost:9009/", "", 400 },
	};
	struct conf	*conf = configured("");
	size_t		 i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		assert_int_equal(decide_target(conf, &none, &tcp, ACCESS_PAGE,
		    cases[i].target, cases[i].fields).status, cases[i].status);
	conf_free(conf);
}

/* What becomes of an origin that is not granted: */
enum origin_class {
	OURS,		/* allowed as it is */
	STRANGER,	/* 403, waits for a decision */
	GARBAGE,	/* 403, no origin at all */
	DOUBLE		/* 400, more than one */
};

struct origin_case {
	const char		*fields;
	enum origin_class	 tcp, unix_socket;
	const char		*grant;		/* that lets it in, or NULL */
};

static const struct origin_case origins[] = {
	{ "Origin: http://localhost\r\n", OURS, OURS, NULL },
	{ "Origin: http://localhost:9009\r\n", OURS, OURS, NULL },
	{ "Origin: http://localhost:8080\r\n", OURS, OURS, NULL },
	{ "Origin: https://localhost\r\n", OURS, OURS, NULL },
	{ "Origin: HTTP://LocalHost:9009\r\n", OURS, OURS, NULL },
	{ "Origin: http://app.localhost:3000\r\n", OURS, OURS, NULL },
	{ "Origin: http://127.0.0.1:9009\r\n", OURS, OURS, NULL },
	{ "Origin: http://127.9.9.9\r\n", OURS, OURS, NULL },
	{ "Origin: http://[::1]:9009\r\n", OURS, OURS, NULL },
	/* A page that we served under a configured name. */
	{ "Origin: http://nws.example.lan:9009\r\n", OURS, STRANGER,
	    "http://nws.example.lan:9009" },
	{ "Origin: http://NWS.example.lan:9009\r\n", OURS, STRANGER,
	    "http://nws.example.lan:9009" },
	{ "Origin: http://nws.example.lan\r\n", STRANGER, STRANGER,
	    "http://nws.example.lan" },
	{ "Origin: http://nws.example.lan:9010\r\n", STRANGER, STRANGER,
	    "http://nws.example.lan:9010" },
	{ "Origin: https://nws.example.lan:9009\r\n", STRANGER, STRANGER,
	    "https://nws.example.lan:9009" },
	{ "Origin: http://a.nws.example.lan:9009\r\n", STRANGER, STRANGER,
	    "http://a.nws.example.lan:9009" },
	/* Strangers, some of them dressed up. */
	{ "Origin: null\r\n", STRANGER, STRANGER, "null" },
	{ "Origin: https://example.org\r\n", STRANGER, STRANGER,
	    "https://example.org" },
	{ "Origin: HTTPS://Example.ORG:443\r\n", STRANGER, STRANGER,
	    "https://example.org" },
	{ "Origin: https://a.example.org\r\n", STRANGER, STRANGER,
	    "https://*.example.org" },
	{ "Origin: http://evil-localhost:9009\r\n", STRANGER, STRANGER,
	    "http://evil-localhost:9009" },
	{ "Origin: http://localhost.evil.example:9009\r\n", STRANGER,
	    STRANGER, "http://localhost.evil.example:9009" },
	{ "Origin: http://127.0.0.1.evil.example\r\n", STRANGER, STRANGER,
	    "http://127.0.0.1.evil.example" },
	{ "Origin: http://128.0.0.1:9009\r\n", STRANGER, STRANGER,
	    "http://128.0.0.1:9009" },
	{ "Origin: http://[::2]:9009\r\n", STRANGER, STRANGER,
	    "http://[::2]:9009" },
	{ "Origin: ftp://localhost\r\n", STRANGER, STRANGER,
	    "ftp://localhost" },
	{ "Origin: chrome-extension://abcdefgh\r\n", STRANGER, STRANGER,
	    "chrome-extension://abcdefgh" },
	/* Not an origin. */
	{ "Origin:\r\n", GARBAGE, GARBAGE, NULL },
	{ "Origin: localhost\r\n", GARBAGE, GARBAGE, NULL },
	{ "Origin: NULL\r\n", GARBAGE, GARBAGE, NULL },
	{ "Origin: null, null\r\n", GARBAGE, GARBAGE, NULL },
	{ "Origin: http://localhost:90000\r\n", GARBAGE, GARBAGE, NULL },
	{ "Origin: http://localhost:0\r\n", GARBAGE, GARBAGE, NULL },
	{ "Origin: http://localhost.\r\n", GARBAGE, GARBAGE, NULL },
	{ "Origin: http://localhost.:9009\r\n", GARBAGE, GARBAGE, NULL },
	{ "Origin: http://localhost/\r\n", GARBAGE, GARBAGE, NULL },
	{ "Origin: http://u@localhost\r\n", GARBAGE, GARBAGE, NULL },
	{ "Origin: http://localhost http://evil.example\r\n", GARBAGE,
	    GARBAGE, NULL },
	{ "Origin: http://*.localhost\r\n", GARBAGE, GARBAGE, NULL },
	{ "Origin: *\r\n", GARBAGE, GARBAGE, NULL },
	{ "Origin: http://\r\n", GARBAGE, GARBAGE, NULL },
	{ "Origin: http://[::1\r\n", GARBAGE, GARBAGE, NULL },
	/* Several. */
	{ "Origin: http://localhost\r\nOrigin: http://localhost\r\n", DOUBLE,
	    DOUBLE, NULL },
	{ "Origin: http://localhost\r\norigin: https://evil.example\r\n",
	    DOUBLE, DOUBLE, NULL },
};

static void
check_origin(const struct conf *conf, const struct grants *grants,
    const struct access_listener *listener, enum access_kind kind,
    const char *origin, enum origin_class class, int granted)
{
	static const int	 statuses[] = { 0, 403, 403, 400 };
	struct access_verdict	 v;
	char			 fields[256];
	int			 status = statuses[class], parsed;

	snprintf(fields, sizeof(fields), HOST "%s", origin);
	v = decide(conf, grants, listener, kind, fields);
	parsed = class == OURS || class == STRANGER;
	if ((granted && class == STRANGER) ||
	    (kind == ACCESS_HEALTH && class != DOUBLE))
		status = 0;
	if (v.status != status)
		fail_msg("%s kind %d, granted %d: %d %s", origin, (int)kind,
		    granted, v.status, v.why);
	assert_int_equal(v.has_origin, parsed);
	assert_int_equal(v.pending, status == 403 && class == STRANGER);
	assert_int_equal(v.cors, status == 0 && parsed &&
	    kind != ACCESS_UPGRADE);
}

static void
test_origins(void **state)
{
	const struct origin_case	*c;
	struct grants			 grants;
	struct conf			*conf, *any;
	size_t				 i;
	int				 k;

	(void)state;
	conf = configured("host \"nws.example.lan\"\n");
	any = configured("host \"nws.example.lan\"\nallow origin any\n");
	for (i = 0; i < COUNT(origins); i++)
		for (k = ACCESS_UPGRADE; k <= ACCESS_HEALTH; k++) {
			enum access_kind kind = (enum access_kind)k;

			c = &origins[i];
			check_origin(conf, &none, &tcp, kind, c->fields,
			    c->tcp, 0);
			check_origin(conf, &none, &local, kind, c->fields,
			    c->unix_socket, 0);
			check_origin(any, &none, &tcp, kind, c->fields,
			    c->tcp, 1);
			TAILQ_INIT(&grants);
			grant(&grants, c->grant == NULL ?
			    "https://granted.example" : c->grant,
			    SCOPE_CHANNELS, NOW + 1, 0);
			check_origin(conf, &grants, &tcp, kind, c->fields,
			    c->tcp, c->grant != NULL);
			check_origin(conf, &grants, &local, kind, c->fields,
			    c->unix_socket, c->grant != NULL);
			grants_free(&grants);
		}
	conf_free(any);
	conf_free(conf);
}

/* A grant is good for its scope and its time, and for exactly its origin. */
static void
test_grants(void **state)
{
	static const struct {
		const char	*origin;
		uint32_t	 scope;
		int64_t		 expires;
		int		 allowed;
	} cases[] = {
		{ "https://www.example.org", SCOPE_CHANNELS, 0, 1 },
		{ "https://www.example.org", SCOPE_ALL, NOW + 1, 1 },
		{ "https://www.example.org", SCOPE_ALL, NOW, 0 },
		{ "https://www.example.org", SCOPE_ALL, NOW - 1, 0 },
		{ "https://www.example.org", SCOPE_LIBP2P, 0, 0 },
		{ "http://www.example.org", SCOPE_ALL, 0, 0 },
		{ "https://www.example.org:444", SCOPE_ALL, 0, 0 },
		{ "https://example.org", SCOPE_ALL, 0, 0 },
		{ "https://*.www.example.org", SCOPE_ALL, 0, 0 },
		{ "https://*.example.org", SCOPE_ALL, 0, 1 },
		{ "null", SCOPE_ALL, 0, 0 },
	};
	struct access_verdict	 v;
	struct conf		*conf = configured("");
	struct grants		 grants;
	size_t			 i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		TAILQ_INIT(&grants);
		grant(&grants, cases[i].origin, cases[i].scope,
		    cases[i].expires, 0);
		v = decide(conf, &grants, &tcp, ACCESS_UPGRADE,
		    HOST "Origin: https://www.example.org\r\n");
		if ((v.status == 0) != cases[i].allowed)
			fail_msg("case %zu: %d", i, v.status);
		assert_int_equal(v.pending, !cases[i].allowed);
		grants_free(&grants);
	}
	conf_free(conf);
}

/* What nwsd.conf says, and that a denial wins over everything. */
static void
test_configured(void **state)
{
	static const struct {
		const char	*conf, *granted, *denied, *origin;
		int		 status, pending;
	} cases[] = {
		{ "allow origin \"https://example.org\"", NULL, NULL,
		    "https://example.org", 0, 0 },
		{ "allow origin \"https://example.org\"", NULL, NULL,
		    "https://www.example.org", 403, 1 },
		{ "allow origin \"https://*.example.org\"", NULL, NULL,
		    "https://www.example.org", 0, 0 },
		{ "allow origin \"https://*.example.org\"", NULL, NULL,
		    "https://example.org", 403, 1 },
		{ "allow origin \"https://*.example.org\"", NULL, NULL,
		    "https://evilexample.org", 403, 1 },
		{ "allow origin any", NULL, NULL, "null", 0, 0 },
		{ "allow origin any", NULL, "https://example.org",
		    "https://example.org", 403, 0 },
		{ "allow origin any", NULL, "null", "null", 403, 0 },
		{ "allow origin any\ndeny origin \"https://example.org\"",
		    NULL, NULL, "https://example.org", 403, 0 },
		{ "deny origin \"https://example.org\"",
		    "https://example.org", NULL, "https://example.org", 403,
		    0 },
		{ "allow origin \"https://example.org\"", NULL,
		    "https://example.org", "https://example.org", 403, 0 },
		{ "deny origin \"http://localhost:3000\"", NULL, NULL,
		    "http://localhost:3000", 403, 0 },
		{ "deny origin \"http://localhost:3000\"", NULL, NULL,
		    "http://localhost:3001", 0, 0 },
		{ "", NULL, "http://localhost:9009", "http://localhost:9009",
		    403, 0 },
	};
	struct access_verdict	 v;
	struct grants		 grants;
	struct conf		*conf;
	char			 text[256];
	size_t			 i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		snprintf(text, sizeof(text), "%s\n", cases[i].conf);
		conf = configured(text);
		TAILQ_INIT(&grants);
		if (cases[i].granted != NULL)
			grant(&grants, cases[i].granted, SCOPE_ALL, 0, 0);
		if (cases[i].denied != NULL)
			grant(&grants, cases[i].denied, SCOPE_ALL, 0, 1);
		snprintf(text, sizeof(text), HOST "Origin: %s\r\n",
		    cases[i].origin);
		v = decide(conf, &grants, &tcp, ACCESS_UPGRADE, text);
		if (v.status != cases[i].status ||
		    v.pending != cases[i].pending)
			fail_msg("case %zu: %d, %d", i, v.status, v.pending);
		/* Liveness is for everyone, denied or not. */
		v = decide(conf, &grants, &tcp, ACCESS_HEALTH, text);
		assert_int_equal(v.status, 0);
		assert_int_equal(v.cors, 1);
		grants_free(&grants);
		conf_free(conf);
	}
}

struct absent_case {
	const char	*fields;
	int		 upgrade, page;
};

/* What a script tag sends, which may have the library. */
#define SCRIPT	"Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: script\r\n"

/* No Origin: what Sec-Fetch-* says (health answers always). */
static const struct absent_case absents[] = {
	{ "", 0, 0 },
	{ "Sec-Fetch-Site: none\r\n", 0, 0 },
	{ "Sec-Fetch-Site: same-origin\r\n", 403, 0 },
	{ "Sec-Fetch-Site: same-site\r\n", 403, 403 },
	{ "Sec-Fetch-Site: cross-site\r\n", 403, 403 },
	{ "Sec-Fetch-Site: else\r\n", 403, 403 },
	{ "Sec-Fetch-Site:\r\n", 403, 403 },
	{ "Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site\r\n", 403, 403 },
	{ "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n"
	    "Sec-Fetch-Dest: document\r\n", 403, 0 },
	{ "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: navigate\r\n"
	    "Sec-Fetch-Dest: document\r\n", 403, 0 },
	{ "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n"
	    "Sec-Fetch-Dest: iframe\r\n", 403, 403 },
	{ "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n", 403,
	    403 },
	{ "Sec-Fetch-Site: cross-site\r\n" SCRIPT, 403, 403 },
	{ "Sec-Fetch-Site: same-site\r\n" SCRIPT, 403, 403 },
	{ "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n"
	    "Sec-Fetch-Dest: image\r\n", 403, 403 },
	{ "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\n"
	    "Sec-Fetch-Dest: script\r\n", 403, 403 },
	{ "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n"
	    "Sec-Fetch-Dest: document\r\n", 403, 403 },
	{ "Sec-Fetch-Site: else\r\nSec-Fetch-Mode: navigate\r\n"
	    "Sec-Fetch-Dest: document\r\n", 403, 403 },
};

static void
test_absent(void **state)
{
	static const struct access_listener	*listeners[] = { &tcp, &local };
	struct conf				*conf = configured("");
	char					 fields[256];
	size_t					 i, l;

	(void)state;
	for (i = 0; i < COUNT(absents); i++)
		for (l = 0; l < COUNT(listeners); l++) {
			snprintf(fields, sizeof(fields), HOST "%s",
			    absents[i].fields);
			assert_int_equal(decide(conf, &none, listeners[l],
			    ACCESS_UPGRADE, fields).status,
			    absents[i].upgrade);
			assert_int_equal(decide(conf, &none, listeners[l],
			    ACCESS_PAGE, fields).status, absents[i].page);
			assert_int_equal(decide(conf, &none, listeners[l],
			    ACCESS_LIBRARY, fields).status,
			    strstr(fields, SCRIPT) != NULL ? 0 :
			    absents[i].page);
			assert_int_equal(decide(conf, &none, listeners[l],
			    ACCESS_HEALTH, fields).status, 0);
		}
	conf_free(conf);
}

static void
test_token(void **state)
{
	static const struct {
		const char	*fields;
		int		 status;
	} cases[] = {
		{ "", 401 },
		{ "Authorization: Bearer 0123456789abcdef\r\n", 0 },
		{ "authorization: bearer 0123456789abcdef\r\n", 0 },
		{ "Authorization: Bearer 0123456789abcdeF\r\n", 401 },
		{ "Authorization: Bearer 0123456789abcde\r\n", 401 },
		{ "Authorization: Bearer 0123456789abcdef0\r\n", 401 },
		{ "Authorization: Bearer \r\n", 401 },
		{ "Authorization: Bearer\r\n", 401 },
		{ "Authorization:\r\n", 401 },
		{ "Authorization: Basic 0123456789abcdef\r\n", 401 },
		{ "Authorization: 0123456789abcdef\r\n", 401 },
		{ "Authorization: Bearer 0123456789abcdef\r\n"
		    "Authorization: Bearer 0123456789abcdef\r\n", 401 },
		{ "Authorization: Bearer 0123456789abcdef\r\n"
		    "Sec-Fetch-Site: cross-site\r\n", 403 },
		/* A page needs a grant, and a grant is enough. */
		{ "Origin: http://localhost:9009\r\n", 0 },
		{ "Origin: https://evil.example\r\n"
		    "Authorization: Bearer 0123456789abcdef\r\n", 403 },
	};
	struct conf	*conf;
	char		 fields[256];
	size_t		 i;

	(void)state;
	conf = configured("native token \"0123456789abcdef\"\n");
	for (i = 0; i < COUNT(cases); i++) {
		snprintf(fields, sizeof(fields), HOST "%s", cases[i].fields);
		assert_int_equal(decide(conf, &none, &tcp, ACCESS_UPGRADE,
		    fields).status, cases[i].status);
	}
	/* Not where the kernel says who it is, nor for what is no socket. */
	assert_int_equal(decide(conf, &none, &local, ACCESS_UPGRADE, HOST)
	    .status, 0);
	assert_int_equal(decide(conf, &none, &tcp, ACCESS_PAGE, HOST).status,
	    0);
	assert_int_equal(decide(conf, &none, &tcp, ACCESS_HEALTH, HOST)
	    .status, 0);
	conf_free(conf);
}

/* The console: for its own pages, and no grant changes that. */
static void
test_console(void **state)
{
	static const char	 site[] = "Sec-Fetch-Site: ";
	static const struct {
		const char	*host, *fields;
		int		 page, api;
	} cases[] = {
		{ "localhost:9009", "", 0, 0 },
		{ "localhost:9009", "Origin: http://localhost:9009\r\n", 0, 0 },
		{ "LOCALHOST:9009", "Origin: http://localhost:9009\r\n", 0, 0 },
		{ "127.0.0.1:9009", "Origin: http://127.0.0.1:9009\r\n", 0, 0 },
		{ "[::1]:9009", "Origin: http://[::1]:9009\r\n", 0, 0 },
		{ "a.localhost:9009", "Origin: http://a.localhost:9009\r\n", 0,
		    0 },
		{ "localhost:9009", "Origin: http://127.0.0.1:9009\r\n", 403,
		    403 },
		{ "localhost:9009", "Origin: http://a.localhost:9009\r\n", 403,
		    403 },
		{ "localhost:9009", "Origin: http://localhost\r\n", 403, 403 },
		{ "localhost:9009", "Origin: http://localhost:9010\r\n", 403,
		    403 },
		{ "localhost:9009", "Origin: https://localhost:9009\r\n", 403,
		    403 },
		{ "localhost:9009", "Origin: ws://localhost:9009\r\n", 403,
		    403 },
		{ "localhost:9009", "Origin: https://good.example\r\n", 403,
		    403 },
		{ "localhost:9009", "Origin: null\r\n", 403, 403 },
		{ "localhost:9009", "Origin: \r\n", 403, 403 },
		{ "localhost:9009", "Origin: http://localhost:9009\r\n"
		    "Origin: http://localhost:9009\r\n", 400, 400 },
		{ "localhost:9010", "Origin: http://localhost:9010\r\n", 421,
		    421 },
		{ "evil.example:9009", "Origin: http://evil.example:9009\r\n",
		    421, 421 },
	};
	static const struct {
		const char	*value;
		int		 page, api;
	} sites[] = { { "same-origin", 0, 0 }, { "none", 0, 403 },
	    { "same-site", 403, 403 }, { "cross-site", 403, 403 },
	    { "", 403, 403 }, { "same-origin, none", 403, 403 } };
	struct access_verdict	 v;
	struct grants		 grants = TAILQ_HEAD_INITIALIZER(grants);
	struct origin_pattern	 good;
	struct conf		*conf = configured("allow origin any\n");
	char			 text[512];
	size_t			 i;

	(void)state;
	assert_int_equal(origin_pattern_parse("https://good.example",
	    strlen("https://good.example"), &good), 0);
	assert_int_equal(grants_set(&grants, &good, SCOPE_ALL, 0, 0), 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "Host: %s\r\n%s", cases[i].host,
		    cases[i].fields);
		v = decide(conf, &grants, &tcp, ACCESS_CONSOLE, text);
		if (v.status != cases[i].page || v.cors || v.pending)
			fail_msg("page: %s: %d", text, v.status);
		v = decide(conf, &grants, &tcp, ACCESS_API, text);
		if (v.status != cases[i].api || v.cors || v.pending)
			fail_msg("api: %s: %d", text, v.status);
	}
	for (i = 0; i < sizeof(sites) / sizeof(sites[0]); i++) {
		snprintf(text, sizeof(text), HOST "%s%s\r\n", site,
		    sites[i].value);
		assert_int_equal(decide(conf, &grants, &tcp, ACCESS_CONSOLE,
		    text).status, sites[i].page);
		assert_int_equal(decide(conf, &grants, &tcp, ACCESS_API,
		    text).status, sites[i].api);
		/* Nor does the right Origin help. */
		snprintf(text, sizeof(text), "Host: localhost:9009\r\n"
		    "Origin: http://localhost:9009\r\n%s%s\r\n", site,
		    sites[i].value);
		assert_int_equal(decide(conf, &grants, &tcp, ACCESS_API,
		    text).status, sites[i].api);
	}
	snprintf(text, sizeof(text), HOST "%scross-site\r\n"
	    "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n", site);
	assert_int_equal(decide(conf, &grants, &tcp, ACCESS_CONSOLE,
	    text).status, 0);
	assert_int_equal(decide(conf, &grants, &tcp, ACCESS_API, text).status,
	    403);
	grants_free(&grants);
	conf_free(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_port_80),
		cmocka_unit_test(test_absolute_form),
		cmocka_unit_test(test_origins),
		cmocka_unit_test(test_grants),
		cmocka_unit_test(test_configured),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_console),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
