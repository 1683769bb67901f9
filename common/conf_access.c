/*
 * Reads the statements of nwsd.conf(5) that say who may connect: host, allow,
 * deny, native.  Part of the parser; pure; trusts nothing in the text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_parser.h"

TAILQ_HEAD(origin_list, conf_origin);

static int host_item(struct conf_parser *, void *);
static int parse_any(struct conf_parser *);
static int parse_origins(struct conf_parser *, int);
static int origin_item(struct conf_parser *, void *);
static int keep_origin(struct conf_parser *, struct conf_origin *);
static int parse_scope(struct conf_parser *, uint32_t *);
static int scope_item(struct conf_parser *, void *);

int
conf_host_statement(struct conf_parser *p)
{
	return (conf_list(p, host_item, NULL, 0));
}

static int
host_item(struct conf_parser *p, void *arg)
{
	struct conf_host *h;
	char name[ORIGIN_HOST_MAX + 1];
	char key[ORIGIN_HOST_MAX + 16];
	uint16_t port;

	(void)arg;
	if (!conf_is_value(p) ||
	    host_parse(p->tok.text, p->tok.len, name, &port) == -1 || port != 0)
		return (conf_expected(p,
		    "the name of a host or its address, "
		    "IPv6 in [], without port"));
	conf_where(p, "host \"%.150s\"", name);
	conf_next(p);
	snprintf(key, sizeof(key), "host %s", name);
	if (conf_once(p, key) == -1)
		return (-1);
	if (p->nhosts == CONF_ITEMS_MAX)
		return (conf_wrong(
		    p, "too many hosts, expected at most %d", CONF_ITEMS_MAX));
	if ((h = calloc(1, sizeof(*h))) == NULL ||
	    (h->name = strdup(name)) == NULL) {
		free(h);
		return (conf_nomem(p));
	}
	p->nhosts++;
	TAILQ_INSERT_TAIL(&p->conf->hosts, h, entry);
	return (0);
}

int
conf_allow_statement(struct conf_parser *p)
{
	if (!conf_take(p, "origin"))
		return (conf_expected(p, "origin"));
	conf_where(p, "allow origin");
	if (conf_is(p, "any"))
		return (parse_any(p));
	return (parse_origins(p, 0));
}

int
conf_deny_statement(struct conf_parser *p)
{
	if (!conf_take(p, "origin"))
		return (conf_expected(p, "origin"));
	conf_where(p, "deny origin");
	return (parse_origins(p, 1));
}

/* any [scope ...] */
static int
parse_any(struct conf_parser *p)
{
	uint32_t scope;

	conf_next(p);
	conf_where(p, "allow origin any");
	if (conf_once(p, "origin any") == -1 || parse_scope(p, &scope) == -1)
		return (-1);
	p->conf->origin_any = (int)scope;
	return (0);
}

/* "O" | { "O", ... } and, of allow, [scope ...] */
static int
parse_origins(struct conf_parser *p, int deny)
{
	struct origin_list list = TAILQ_HEAD_INITIALIZER(list);
	struct conf_origin *o;
	uint32_t scope = SCOPE_ALL;
	int rv;

	rv = conf_list(p, origin_item, &list, 0);
	if (rv == 0 && !deny)
		rv = parse_scope(p, &scope);
	while ((o = TAILQ_FIRST(&list)) != NULL) {
		TAILQ_REMOVE(&list, o, entry);
		o->deny = deny;
		o->scope = scope;
		if (rv == -1)
			free(o);
		else
			rv = keep_origin(p, o);
	}
	return (rv);
}

static int
origin_item(struct conf_parser *p, void *arg)
{
	struct origin_list *list = arg;
	struct conf_origin *o;

	if ((o = calloc(1, sizeof(*o))) == NULL)
		return (conf_nomem(p));
	if (!conf_is_value(p) ||
	    origin_pattern_parse(p->tok.text, p->tok.len, &o->pattern) == -1) {
		free(o);
		return (conf_expected(p,
		    "an origin such as "
		    "\"https://example.org\", \"https://*.example.org\" or "
		    "\"null\""));
	}
	TAILQ_INSERT_TAIL(list, o, entry);
	conf_next(p);
	return (0);
}

/* Takes o into the tree, or frees it.  One origin has one line. */
static int
keep_origin(struct conf_parser *p, struct conf_origin *o)
{
	char text[320], key[336];

	origin_pattern_text(&o->pattern, text, sizeof(text));
	conf_where(p, "%s origin \"%.150s\"", o->deny ? "deny" : "allow", text);
	snprintf(key, sizeof(key), "origin %s", text);
	if (conf_once(p, key) == -1) {
		free(o);
		return (-1);
	}
	if (p->norigins == CONF_ITEMS_MAX) {
		free(o);
		return (conf_wrong(p, "too many origins, expected at most %d",
		    CONF_ITEMS_MAX));
	}
	p->norigins++;
	TAILQ_INSERT_TAIL(&p->conf->origins, o, entry);
	return (0);
}

/* [scope NAME | scope { NAME ... }], all where it is left out. */
static int
parse_scope(struct conf_parser *p, uint32_t *scope)
{
	*scope = SCOPE_ALL;
	if (!conf_take(p, "scope"))
		return (0);
	*scope = 0;
	conf_where(p, "allow origin scope");
	return (conf_list(p, scope_item, scope, 0));
}

static int
scope_item(struct conf_parser *p, void *arg)
{
	uint32_t *scope = arg, bit;

	if (!conf_is_value(p) ||
	    (bit = scope_find(p->tok.text, p->tok.len)) == 0)
		return (conf_expected(p,
		    "channels, libp2p, signalling or "
		    "polysocket"));
	*scope |= bit;
	conf_next(p);
	return (0);
}

/* token "secret"; which no message repeats. */
int
conf_native_statement(struct conf_parser *p)
{
	size_t i;

	if (!conf_take(p, "token"))
		return (conf_expected(p, "token"));
	conf_where(p, "native token");
	if (!conf_is_value(p))
		return (conf_expected(p, "a secret in quotes"));
	for (i = 0; i < p->tok.len; i++)
		if (p->tok.text[i] <= 0x20 || p->tok.text[i] >= 0x7f)
			break;
	if (i < p->tok.len || p->tok.len < CONF_TOKEN_MIN ||
	    p->tok.len > CONF_SECRET_MAX) {
		i = p->tok.len;
		conf_next(p);
		return (conf_wrong(p,
		    "secret of %zu bytes, expected %d to %d "
		    "printable ASCII characters without blanks",
		    i, CONF_TOKEN_MIN, CONF_SECRET_MAX));
	}
	if (conf_string(p, &p->conf->native_token) == -1)
		return (-1);
	return (conf_secret_end(p));
}

int
conf_secret_end(struct conf_parser *p)
{
	switch (p->tok.kind) {
	case TOKEN_NEWLINE:
	case TOKEN_END:
	case TOKEN_COMMA:
	case TOKEN_CLOSE:
		return (0);
	default:
		return (conf_wrong(p,
		    "more than one word, expected quotes around the secret"));
	}
}
