/*
 * Reads the channel blocks of nwsd.conf(5).  Part of the parser; pure; trusts
 * nothing in the text, and repeats no secret in a message.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_parser.h"

static int block(struct conf_parser *, struct conf_channel *);
static int item(struct conf_parser *, void *);
static int item_presence(struct conf_parser *, struct conf_channel *);
static int item_local(struct conf_parser *, struct conf_channel *);
static int item_secret(struct conf_parser *, struct conf_channel *);

/* "name" { presence on | off, local, secret "..." } */
int
conf_channel_statement(struct conf_parser *p)
{
	struct conf_channel *c;

	if (!conf_is_value(p) || !channel_name_valid(p->tok.text, p->tok.len))
		return (conf_expected(p,
		    "a name of 1 to %d letters, digits, "
		    "+ = * . _ and -, but not libp2p",
		    CONF_CHANNEL_NAME_MAX));
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return (conf_nomem(p));
	c->presence = -1;
	if (block(p, c) == -1) {
		conf_channel_free(c);
		return (-1);
	}
	if (c->presence == -1)
		c->presence = 1;
	p->nchannels++;
	TAILQ_INSERT_TAIL(&p->conf->channels, c, entry);
	return (0);
}

static int
block(struct conf_parser *p, struct conf_channel *c)
{
	char key[CONF_CHANNEL_NAME_MAX + 16];

	conf_where(p, "channel \"%.150s\"", p->tok.text);
	snprintf(key, sizeof(key), "channel %.*s", CONF_CHANNEL_NAME_MAX,
	    p->tok.text);
	if (conf_string(p, &c->name) == -1 || conf_once(p, key) == -1)
		return (-1);
	if (p->nchannels == CONF_ITEMS_MAX)
		return (conf_wrong(p, "too many channels, expected at most %d",
		    CONF_ITEMS_MAX));
	if (p->tok.kind != TOKEN_OPEN)
		return (conf_expected(p, "{"));
	if (conf_list(p, item, c, 1) == -1)
		return (-1);
	conf_where(p, "channel \"%.150s\"", c->name);
	if (c->local && c->secret != NULL)
		return (conf_wrong(p,
		    "local and with a secret, expected one of them: a secret "
		    "is for other machines"));
	return (0);
}

static int
item(struct conf_parser *p, void *arg)
{
	struct conf_channel *c = arg;

	if (conf_take(p, "presence")) {
		conf_where(p, "channel \"%.150s\" presence", c->name);
		return (item_presence(p, c));
	}
	if (conf_take(p, "local")) {
		conf_where(p, "channel \"%.150s\" local", c->name);
		return (item_local(p, c));
	}
	if (conf_take(p, "secret")) {
		conf_where(p, "channel \"%.150s\" secret", c->name);
		return (item_secret(p, c));
	}
	return (conf_expected(p, "presence, local or secret"));
}

static int
again(struct conf_parser *p)
{
	return (conf_wrong(p, "given before in this block, expected once"));
}

static int
item_presence(struct conf_parser *p, struct conf_channel *c)
{
	uint32_t v;

	if (c->presence != -1)
		return (again(p));
	if (conf_onoff(p, &v) == -1)
		return (-1);
	c->presence = (int)v;
	return (0);
}

static int
item_local(struct conf_parser *p, struct conf_channel *c)
{
	if (c->local)
		return (again(p));
	c->local = 1;
	return (0);
}

/* In ASCII, so that it is the same bytes however it was typed. */
static int
item_secret(struct conf_parser *p, struct conf_channel *c)
{
	size_t i, n = p->tok.len;

	if (c->secret != NULL)
		return (again(p));
	if (!conf_is_value(p))
		return (conf_expected(p, "a secret in quotes"));
	for (i = 0; i < n; i++)
		if (p->tok.text[i] < 0x20 || p->tok.text[i] >= 0x7f)
			break;
	if (i < n || n == 0 || n > CONF_SECRET_MAX) {
		conf_next(p);
		return (conf_wrong(p,
		    "of %zu bytes, expected 1 to %d printable ASCII "
		    "characters",
		    n, CONF_SECRET_MAX));
	}
	if (conf_string(p, &c->secret) == -1)
		return (-1);
	return (conf_secret_end(p));
}
