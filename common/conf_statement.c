/*
 * Reads the statements of nwsd.conf(5), one function each.  Part of the parser;
 * pure; trusts nothing in the text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_parser.h"

static int parse_scalar(struct conf_parser *, const struct conf_scalar *);
static int parse_control(struct conf_parser *);
static int parse_user(struct conf_parser *);
static int parse_chroot(struct conf_parser *);
static int parse_queue_limit(struct conf_parser *);
static int parse_slow_reader(struct conf_parser *);
static int parse_keepalive(struct conf_parser *);
static int parse_rate(struct conf_parser *);
static void unset(char **, const char *);
static size_t distance(const char *, const char *);

static const struct {
	const char *name;
	int (*parse)(struct conf_parser *);
	int once;
} statements[] = {
	{ "listen", conf_listen_statement, 0 },
	{ "control", parse_control, 1 },
	{ "user", parse_user, 1 },
	{ "chroot", parse_chroot, 1 },
	{ "host", conf_host_statement, 0 },
	{ "allow", conf_allow_statement, 0 },
	{ "deny", conf_deny_statement, 0 },
	{ "native", conf_native_statement, 1 },
	{ "queue-limit", parse_queue_limit, 1 },
	{ "slow-reader", parse_slow_reader, 1 },
	{ "keepalive", parse_keepalive, 1 },
	{ "rate", parse_rate, 0 },
	{ "link", conf_link_statement, 1 },
	{ "identity", conf_identity_statement, 1 },
	{ "interface", conf_interface_statement, 0 },
	{ "peer", conf_peer_statement, 0 },
	{ "channel", conf_channel_statement, 0 },
	{ "files", conf_files_statement, 0 },
	{ "include", NULL, 0 },
};
#define NSTATEMENTS (sizeof(statements) / sizeof(statements[0]))

int
conf_statement(struct conf_parser *p, const char *keyword)
{
	const struct conf_scalar *s;
	size_t i;
	int rv;

	for (s = conf_scalars; s->name != NULL; s++)
		if (strcmp(s->name, keyword) == 0)
			return (parse_scalar(p, s) == -1 ? -1 : 1);
	for (i = 0; i < NSTATEMENTS; i++)
		if (strcmp(statements[i].name, keyword) == 0)
			break;
	if (i == NSTATEMENTS || statements[i].parse == NULL)
		return (0);
	if (statements[i].once && conf_once(p, keyword) == -1)
		return (-1);
	rv = statements[i].parse(p);
	return (rv == -1 ? -1 : 1);
}

static int
parse_scalar(struct conf_parser *p, const struct conf_scalar *s)
{
	uint32_t v;
	int rv = -1;

	if (conf_once(p, s->name) == -1)
		return (-1);
	switch (s->kind) {
	case CONF_ONOFF:
		rv = conf_onoff(p, &v);
		break;
	case CONF_NUMBER:
		rv = conf_number(p, s->min, s->max, &v);
		break;
	case CONF_SIZE:
		rv = conf_size(p, s->min, s->max, &v);
		break;
	case CONF_TIME:
		rv = conf_time(p, s->min, s->max, &v);
		break;
	case CONF_CONSOLE:
		rv = conf_console(p, &v);
		break;
	}
	if (rv == 0)
		memcpy((char *)p->conf + s->offset, &v, sizeof(v));
	return (rv);
}

/* control "path" | default [mode 0600] */
static int
parse_control(struct conf_parser *p)
{
	size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;

	if (!conf_take(p, "default") &&
	    conf_path(p, max, &p->conf->control) == -1)
		return (-1);
	if (!conf_take(p, "mode"))
		return (0);
	conf_where(p, "control mode");
	return (conf_mode(p, &p->conf->control_mode));
}

static int
parse_user(struct conf_parser *p)
{
	if (conf_account(p, "user", &p->conf->user) == -1)
		return (-1);
	unset(&p->conf->user, CONF_USER);
	return (0);
}

static int
parse_chroot(struct conf_parser *p)
{
	if (conf_path(p, CONF_TOKEN_MAX - 1, &p->conf->chroot) == -1)
		return (-1);
	unset(&p->conf->chroot, CONF_CHROOT);
	return (0);
}

/* A default that is written out is the default: NULL in the tree. */
static void
unset(char **s, const char *initial)
{
	if (strcmp(*s, initial) != 0)
		return;
	free(*s);
	*s = NULL;
}

/* SIZE [soft SIZE for TIME] */
static int
parse_queue_limit(struct conf_parser *p)
{
	struct conf *c = p->conf;
	char text[CONF_NUMBER_TEXT];

	if (conf_size(p, 1024, 1024u * 1024 * 1024, &c->queue_limit) == -1)
		return (-1);
	if (!conf_take(p, "soft"))
		return (0);
	conf_size_text(c->queue_limit, text);
	conf_where(p, "queue-limit %s soft", text);
	if (conf_size(p, 1, c->queue_limit, &c->queue_soft) == -1)
		return (-1);
	if (!conf_take(p, "for"))
		return (conf_expected(p, "for and a time"));
	conf_where(p, "queue-limit %s soft for", text);
	return (conf_time(p, 1, 86400, &c->queue_soft_s));
}

static int
parse_slow_reader(struct conf_parser *p)
{
	if (conf_take(p, "close"))
		p->conf->slow_drop = 0;
	else if (conf_take(p, "drop"))
		p->conf->slow_drop = 1;
	else
		return (conf_expected(p, "close or drop"));
	return (0);
}

/* ping TIME timeout TIME */
static int
parse_keepalive(struct conf_parser *p)
{
	struct conf *c = p->conf;
	char a[CONF_NUMBER_TEXT], b[CONF_NUMBER_TEXT];

	if (!conf_take(p, "ping"))
		return (conf_expected(p, "ping"));
	conf_where(p, "keepalive ping");
	if (conf_time(p, 1, 86400, &c->ping_s) == -1)
		return (-1);
	if (!conf_take(p, "timeout"))
		return (conf_expected(p, "timeout and a time"));
	conf_where(p, "keepalive timeout");
	if (conf_time(p, 1, 2 * 86400, &c->gone_s) == -1)
		return (-1);
	if (c->ping_s < c->gone_s)
		return (0);
	conf_where(p, "keepalive ping %s timeout %s",
	    conf_time_text(c->ping_s, a), conf_time_text(c->gone_s, b));
	return (conf_wrong(p, "expected a timeout above the time of ping"));
}

/* [client | origin | address | link] messages N [burst M] */
static int
parse_rate(struct conf_parser *p)
{
	struct conf_rate *r = &p->conf->rate_client;
	const char *of = "client";
	char key[32];
	int of_client = 0;	/* without the word */

	if (conf_take(p, "origin")) {
		r = &p->conf->rate_origin;
		of = "origin";
	} else if (conf_take(p, "address")) {
		r = &p->conf->rate_address;
		of = "address";
	} else if (conf_take(p, "link")) {
		r = &p->conf->rate_link;
		of = "link";
	} else
		of_client = !conf_take(p, "client");
	snprintf(key, sizeof(key), "rate %s", of);
	conf_where(p, "%s", of_client ? "rate" : key);
	if (!conf_take(p, "messages"))
		return (conf_expected(p, of_client ?
		    "client, origin, address, link or messages" :
		    "messages"));
	conf_where(p, "%s", key);
	if (conf_once(p, key) == -1)
		return (-1);
	conf_where(p, "%s messages", key);
	if (conf_number(p, 0, CONF_COUNT_MAX, &r->rate) == -1)
		return (-1);
	r->burst = 2 * r->rate;
	if (r->rate == 0 || !conf_take(p, "burst"))
		return (0);
	conf_where(p, "%s burst", key);
	return (conf_number(p, 1, 2 * CONF_COUNT_MAX, &r->burst));
}

const char *
conf_nearest(const char *word)
{
	const struct conf_scalar *s;
	const char *best = NULL;
	size_t i, d, least = 3;

	for (i = 0; i < NSTATEMENTS; i++)
		if ((d = distance(word, statements[i].name)) < least) {
			least = d;
			best = statements[i].name;
		}
	for (s = conf_scalars; s->name != NULL; s++)
		if ((d = distance(word, s->name)) < least) {
			least = d;
			best = s->name;
		}
	/* Two changes of a word of three letters make any other. */
	return (least < strlen(word) / 2 + 1 ? best : NULL);
}

/* Letters to change, add or leave out to get from a to b (Levenshtein). */
static size_t
distance(const char *a, const char *b)
{
	size_t row[32], i, j, n = strlen(b), diagonal, up;

	if (strlen(a) >= 32 || n >= 32)
		return (SIZE_MAX);
	for (j = 0; j <= n; j++)
		row[j] = j;
	for (i = 1; a[i - 1] != '\0'; i++) {
		diagonal = row[0];
		row[0] = i;
		for (j = 1; j <= n; j++) {
			up = row[j];
			if (a[i - 1] != b[j - 1])
				diagonal++;
			if (up + 1 < diagonal)
				diagonal = up + 1;
			if (row[j - 1] + 1 < diagonal)
				diagonal = row[j - 1] + 1;
			row[j] = diagonal;
			diagonal = up;
		}
	}
	return (row[n]);
}
