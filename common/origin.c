/*
 * Web origins (RFC 6454) and host names.  Pure; runs in the frontends on what
 * clients sent, and in the parent on nwsd.conf(5) and what nwsctl(8) asks for.
 * Trusts nothing: what is not exactly an origin or a host is refused, so that
 * two spellings of one host never reach a comparison.
 */
#include <arpa/inet.h>

#include <stdio.h>
#include <string.h>

#include "origin.h"

#define NAME_MAX_BYTES 253 /* RFC 1035, 2.3.4, as text */
#define LABEL_MAX_BYTES 63

static int parse_scheme(const char *, size_t, struct origin *);
static int parse_authority(const char *, size_t, char *, uint16_t *);
static int parse_port(const char *, size_t, uint16_t *);
static int parse_host(const char *, size_t, char *);
static int parse_ipv4(const char *, size_t, char *);
static int parse_ipv6(const char *, size_t, char *);
static int parse_name(const char *, size_t, char *);
static int parse_label(const char *, size_t, char *);
static int is_number(const char *);
static uint16_t default_port(const char *);
static int is_alpha(char);
static int is_digit(char);
static char lower(char);

static const struct {
	const char *name;
	uint32_t bit;
} scopes[] = {
	{ "channels", SCOPE_CHANNELS },
	{ "libp2p", SCOPE_LIBP2P },
	{ "signalling", SCOPE_SIGNALLING },
	{ "polysocket", SCOPE_POLYSOCKET },
};
#define NSCOPES (sizeof(scopes) / sizeof(scopes[0]))

int
origin_parse(const char *s, size_t n, struct origin *o)
{
	int used;

	memset(o, 0, sizeof(*o));
	/* RFC 6454, 6.1: exactly these four characters. */
	if (n == 4 && memcmp(s, "null", 4) == 0) {
		o->opaque = 1;
		return (0);
	}
	if ((used = parse_scheme(s, n, o)) == -1)
		return (-1);
	s += used;
	n -= (size_t)used;
	if (parse_authority(s, n, o->host, &o->port) == -1)
		return (-1);
	if (o->port == 0)
		o->port = default_port(o->scheme);
	return (0);
}

int
origin_pattern_parse(const char *s, size_t n, struct origin_pattern *p)
{
	struct origin *o = &p->origin;
	int used;

	memset(p, 0, sizeof(*p));
	if (n == 4 && memcmp(s, "null", 4) == 0)
		return (origin_parse(s, n, o));
	if ((used = parse_scheme(s, n, o)) == -1)
		return (-1);
	s += used;
	n -= (size_t)used;
	if (n >= 2 && memcmp(s, "*.", 2) == 0) {
		p->wildcard = 1;
		s += 2;
		n -= 2;
	}
	if (parse_authority(s, n, o->host, &o->port) == -1)
		return (-1);
	if (o->port == 0)
		o->port = default_port(o->scheme);
	if (p->wildcard == 0)
		return (0);
	/*
	 * Not below an address, and not below a single label: "*.org" would be
	 * half the world.  Names it can match must be names that can be.
	 */
	if (o->host[0] == '[' || is_number(o->host) ||
	    strchr(o->host, '.') == NULL ||
	    strlen(o->host) + 2 > NAME_MAX_BYTES)
		return (-1);
	return (0);
}

/* scheme "://"; returns its length, or -1. */
static int
parse_scheme(const char *s, size_t n, struct origin *o)
{
	size_t i;

	for (i = 0; i < n && s[i] != ':'; i++) {
		if (i + 1 >= sizeof(o->scheme))
			return (-1);
		/* RFC 3986, 3.1 */
		if (!is_alpha(s[i]) &&
		    (i == 0 ||
			(!is_digit(s[i]) && s[i] != '+' && s[i] != '-' &&
			    s[i] != '.')))
			return (-1);
		o->scheme[i] = lower(s[i]);
	}
	o->scheme[i] = '\0';
	if (i == 0 || n - i < 3 || memcmp(s + i, "://", 3) != 0)
		return (-1);
	/* No two files share an origin, whatever stands for the host. */
	if (strcmp(o->scheme, "file") == 0)
		return (-1);
	return ((int)i + 3);
}

/* host [":" port], all of it. */
static int
parse_authority(const char *s, size_t n, char *host, uint16_t *port)
{
	const char *colon, *end;
	size_t len;

	*port = 0;
	if (n == 0)
		return (-1);
	if (s[0] == '[') {
		if ((end = memchr(s, ']', n)) == NULL)
			return (-1);
		len = (size_t)(end - s) + 1;
	} else {
		colon = memchr(s, ':', n);
		len = colon == NULL ? n : (size_t)(colon - s);
	}
	if (parse_host(s, len, host) == -1)
		return (-1);
	if (len == n)
		return (0);
	if (s[len] != ':')
		return (-1);
	return (parse_port(s + len + 1, n - len - 1, port));
}

static int
parse_port(const char *s, size_t n, uint16_t *port)
{
	uint32_t v = 0;
	size_t i;

	if (n == 0 || n > 5 || s[0] == '0')
		return (-1);
	for (i = 0; i < n; i++) {
		if (!is_digit(s[i]))
			return (-1);
		v = v * 10 + (uint32_t)(s[i] - '0');
	}
	if (v > UINT16_MAX)
		return (-1);
	*port = (uint16_t)v;
	return (0);
}

static int
parse_host(const char *s, size_t n, char *host)
{
	if (n > 0 && s[0] == '[')
		return (parse_ipv6(s, n, host));
	if (parse_name(s, n, host) == -1)
		return (-1);
	/*
	 * What ends in a number is an address for a browser (WHATWG URL, "ends
	 * in a number checker"), also 127.1, 0x7f.1 and 2130706433: only its
	 * one canonical form is taken.
	 */
	if (is_number(host))
		return (parse_ipv4(s, n, host));
	return (0);
}

static int
parse_ipv4(const char *s, size_t n, char *host)
{
	struct in_addr a;
	char text[INET_ADDRSTRLEN], back[INET_ADDRSTRLEN];

	if (n >= sizeof(text))
		return (-1);
	memcpy(text, s, n);
	text[n] = '\0';
	if (inet_pton(AF_INET, text, &a) != 1 ||
	    inet_ntop(AF_INET, &a, back, sizeof(back)) == NULL ||
	    strcmp(text, back) != 0)
		return (-1);
	memcpy(host, text, n + 1);
	return (0);
}

/* "[" IPv6 "]"; a zone means something on one machine only and is refused. */
static int
parse_ipv6(const char *s, size_t n, char *host)
{
	struct in6_addr a;
	char text[INET6_ADDRSTRLEN];

	if (n < 4 || n - 2 >= sizeof(text) || s[n - 1] != ']' ||
	    memchr(s, '\0', n) != NULL || memchr(s, '%', n) != NULL)
		return (-1);
	memcpy(text, s + 1, n - 2);
	text[n - 2] = '\0';
	if (inet_pton(AF_INET6, text, &a) != 1 ||
	    inet_ntop(AF_INET6, &a, text, sizeof(text)) == NULL)
		return (-1);
	snprintf(host, ORIGIN_HOST_MAX + 1, "[%s]", text);
	return (0);
}

/* A name of one or more labels, without trailing dot, into lower case. */
static int
parse_name(const char *s, size_t n, char *host)
{
	size_t i, start = 0;

	if (n == 0 || n > NAME_MAX_BYTES)
		return (-1);
	for (i = 0; i <= n; i++) {
		if (i < n && s[i] != '.')
			continue;
		if (parse_label(s + start, i - start, host + start) == -1)
			return (-1);
		host[i] = i < n ? '.' : '\0';
		start = i + 1;
	}
	return (0);
}

/* Letters, digits and, not at either end, hyphens (RFC 1123, 2.1). */
static int
parse_label(const char *s, size_t n, char *out)
{
	size_t i;

	if (n == 0 || n > LABEL_MAX_BYTES || s[0] == '-' || s[n - 1] == '-')
		return (-1);
	for (i = 0; i < n; i++) {
		if (!is_alpha(s[i]) && !is_digit(s[i]) && s[i] != '-')
			return (-1);
		out[i] = lower(s[i]);
	}
	return (0);
}

/* Whether the last label is a number, decimal or 0x hexadecimal. */
static int
is_number(const char *host)
{
	const char *last = strrchr(host, '.');

	last = last == NULL ? host : last + 1;
	if (last[0] == '0' && last[1] == 'x')
		return (last[2 + strspn(last + 2, "0123456789abcdef")] == '\0');
	return (last[strspn(last, "0123456789")] == '\0');
}

static uint16_t
default_port(const char *scheme)
{
	if (strcmp(scheme, "http") == 0 || strcmp(scheme, "ws") == 0)
		return (80);
	if (strcmp(scheme, "https") == 0 || strcmp(scheme, "wss") == 0)
		return (443);
	return (0);
}

char *
origin_text(const struct origin *o, char *buf, size_t n)
{
	if (o->opaque)
		snprintf(buf, n, "null");
	else if (o->port == default_port(o->scheme))
		snprintf(buf, n, "%s://%s", o->scheme, o->host);
	else
		snprintf(buf, n, "%s://%s:%u", o->scheme, o->host, o->port);
	return (buf);
}

char *
origin_pattern_text(const struct origin_pattern *p, char *buf, size_t n)
{
	const struct origin *o = &p->origin;

	if (p->wildcard == 0)
		return (origin_text(o, buf, n));
	if (o->port == default_port(o->scheme))
		snprintf(buf, n, "%s://*.%s", o->scheme, o->host);
	else
		snprintf(buf, n, "%s://*.%s:%u", o->scheme, o->host, o->port);
	return (buf);
}

int
origin_equal(const struct origin *a, const struct origin *b)
{
	if (a->opaque || b->opaque)
		return (a->opaque && b->opaque);
	return (a->port == b->port && strcmp(a->scheme, b->scheme) == 0 &&
	    strcmp(a->host, b->host) == 0);
}

int
origin_matches(const struct origin_pattern *p, const struct origin *o)
{
	size_t len, tail;

	if (p->wildcard == 0)
		return (origin_equal(&p->origin, o));
	if (o->opaque || p->origin.port != o->port ||
	    strcmp(p->origin.scheme, o->scheme) != 0)
		return (0);
	len = strlen(o->host);
	tail = strlen(p->origin.host);
	if (len < tail + 2 || o->host[len - tail - 1] != '.')
		return (0);
	return (strcmp(o->host + len - tail, p->origin.host) == 0);
}

int
origin_is_local(const struct origin *o)
{
	if (o->opaque ||
	    (strcmp(o->scheme, "http") != 0 && strcmp(o->scheme, "https") != 0))
		return (0);
	return (host_is_local(o->host));
}

int
host_parse(
    const char *s, size_t n, char host[ORIGIN_HOST_MAX + 1], uint16_t *port)
{
	return (parse_authority(s, n, host, port));
}

int
host_is_local(const char *host)
{
	static const char tail[] = ".localhost";
	struct in_addr a;
	size_t len = strlen(host);

	if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return (1);
	/* RFC 6761, 6.3: all names below localhost are this machine. */
	if (len > sizeof(tail) - 1 &&
	    strcmp(host + len - (sizeof(tail) - 1), tail) == 0)
		return (1);
	return (
	    inet_pton(AF_INET, host, &a) == 1 && ntohl(a.s_addr) >> 24 == 127);
}

uint32_t
scope_find(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < NSCOPES; i++)
		if (strlen(scopes[i].name) == n &&
		    memcmp(scopes[i].name, s, n) == 0)
			return (scopes[i].bit);
	return (0);
}

char *
scope_text(uint32_t scope, char *buf, size_t n)
{
	size_t i, used = 0;
	int len;

	if (n > 0)
		buf[0] = '\0';
	for (i = 0; i < NSCOPES; i++) {
		if ((scope & scopes[i].bit) == 0)
			continue;
		len = snprintf(buf + used, n - used, "%s%s",
		    used > 0 ? " " : "", scopes[i].name);
		if (len < 0 || (size_t)len >= n - used)
			break;
		used += (size_t)len;
	}
	return (buf);
}

static int
is_alpha(char c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
}

static int
is_digit(char c)
{
	return (c >= '0' && c <= '9');
}

static char
lower(char c)
{
	return (c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
}
