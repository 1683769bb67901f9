/*
 * Reads the listen statements of nwsd.conf(5).  Part of the parser; pure: a
 * name is never looked up, so that what nwsd is bound to does not depend on
 * anybody's answer.  Trusts nothing in the text.
 */
#include <arpa/inet.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_parser.h"

/* Whose listeners they are: of clients, or of links. */
struct place {
	const char *where; /* what messages begin with */
	const char *key;   /* nothing is given twice */
	const char *forms; /* what may stand for an address */
	uint16_t port;     /* default */
	int braces;        /* the statement may end with a } or a comma */
	int link;
};

static const struct place clients = { "listen on", "listen",
	"localhost or unix", CONF_PORT, 0, 0 };
static const struct place links = { "link listen on", "link listen",
	"or localhost", CONF_LINK_PORT, 1, 1 };

/* The addresses of one statement. */
struct addresses {
	const struct place *place;
	struct conf_listens list;
};

static int listen_unix(struct conf_parser *);
static int listen_address(struct conf_parser *, const struct place *);
static int address_item(struct conf_parser *, void *);
static int address_parse(const char *, size_t, struct conf_listen *);
static int statement_ends(const struct conf_parser *, const struct place *);
static int
port_parse(struct conf_parser *, const struct place *, uint16_t *);
static int
keep(struct conf_parser *, const struct place *, struct conf_listen *);

int
conf_listen_statement(struct conf_parser *p)
{
	if (!conf_take(p, "on"))
		return (conf_expected(p, "on"));
	conf_where(p, "listen on");
	if (conf_take(p, "unix"))
		return (listen_unix(p));
	return (listen_address(p, &clients));
}

/* At "listen"; not of Unix sockets, since links are between machines. */
int
conf_link_listen(struct conf_parser *p)
{
	if (!conf_take(p, "listen"))
		return (conf_expected(p, "listen on"));
	conf_where(p, "link listen");
	if (!conf_take(p, "on"))
		return (conf_expected(p, "on"));
	conf_where(p, "%s", links.where);
	return (listen_address(p, &links));
}

/* unix "path" [mode 0660] [group "name"] */
static int
listen_unix(struct conf_parser *p)
{
	struct conf_listen *ls;
	struct sockaddr_un *sun;
	char *path = NULL;

	conf_where(p, "listen on unix");
	if (conf_path(p, sizeof(sun->sun_path) - 1, &path) == -1)
		return (-1);
	if ((ls = calloc(1, sizeof(*ls))) == NULL) {
		free(path);
		return (conf_nomem(p));
	}
	sun = (struct sockaddr_un *)&ls->addr;
	sun->sun_family = AF_UNIX;
	memcpy(sun->sun_path, path, strlen(path) + 1);
	ls->addr_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    strlen(path) + 1);
	ls->mode = 0666;
	free(path);
	if (conf_take(p, "mode")) {
		conf_where(p, "listen on unix mode");
		if (conf_mode(p, &ls->mode) == -1)
			goto bad;
	}
	if (conf_take(p, "group")) {
		conf_where(p, "listen on unix group");
		if (conf_account(p, "group", &ls->group) == -1)
			goto bad;
	}
	return (keep(p, &clients, ls));
bad:
	conf_listen_free(ls);
	return (-1);
}

/* ADDRESS | { ADDRESS, ... } [port N] */
static int
listen_address(struct conf_parser *p, const struct place *place)
{
	struct addresses a = { place, TAILQ_HEAD_INITIALIZER(a.list) };
	struct conf_listen *ls;
	uint16_t port = place->port;
	int rv;

	rv = conf_list(p, address_item, &a, 0);
	if (rv == 0 && conf_take(p, "port"))
		rv = port_parse(p, place, &port);
	else if (rv == 0 && !statement_ends(p, place))
		rv = conf_expected(p,
		    "port and a number, or the end of the "
		    "line");
	while ((ls = TAILQ_FIRST(&a.list)) != NULL) {
		TAILQ_REMOVE(&a.list, ls, entry);
		conf_listen_set_port(ls, port);
		if (rv == -1)
			conf_listen_free(ls);
		else
			rv = keep(p, place, ls);
	}
	return (rv);
}

static int
statement_ends(const struct conf_parser *p, const struct place *place)
{
	switch (p->tok.kind) {
	case TOKEN_NEWLINE:
	case TOKEN_END:
		return (1);
	case TOKEN_CLOSE:
	case TOKEN_COMMA:
		return (place->braces);
	default:
		return (0);
	}
}

static int
address_item(struct conf_parser *p, void *arg)
{
	struct addresses *a = arg;
	struct conf_listens *list = &a->list;
	struct conf_listen *ls, *ls6;

	if (conf_is(p, "localhost")) {
		ls = conf_listen_loopback(AF_INET, 0);
		ls6 = conf_listen_loopback(AF_INET6, 0);
		if (ls == NULL || ls6 == NULL) {
			free(ls);
			free(ls6);
			return (conf_nomem(p));
		}
		TAILQ_INSERT_TAIL(list, ls, entry);
		TAILQ_INSERT_TAIL(list, ls6, entry);
		conf_next(p);
		return (0);
	}
	if ((ls = calloc(1, sizeof(*ls))) == NULL)
		return (conf_nomem(p));
	if (!conf_is_value(p) ||
	    address_parse(p->tok.text, p->tok.len, ls) == -1) {
		free(ls);
		return (conf_expected(p,
		    "an address in numbers (names are "
		    "not looked up)%s %s",
		    a->place->link ? "" : ",", a->place->forms));
	}
	TAILQ_INSERT_TAIL(list, ls, entry);
	conf_next(p);
	return (0);
}

/*
 * A literal without zone.  IPv4 inside of IPv6 is refused: it would be a second
 * spelling of an address, and a socket for IPv6 alone cannot be bound to it.
 */
static int
address_parse(const char *s, size_t n, struct conf_listen *ls)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&ls->addr;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ls->addr;

	if (n == 0 || n >= INET6_ADDRSTRLEN)
		return (-1);
	if (inet_pton(AF_INET, s, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		ls->addr_len = sizeof(*in);
		return (0);
	}
	if (inet_pton(AF_INET6, s, &in6->sin6_addr) != 1 ||
	    IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		return (-1);
	in6->sin6_family = AF_INET6;
	ls->addr_len = sizeof(*in6);
	return (0);
}

static int
port_parse(struct conf_parser *p, const struct place *place, uint16_t *port)
{
	uint32_t v;

	conf_where(p, "%s port", place->where);
	if (conf_number(p, 1, UINT16_MAX, &v) == -1)
		return (-1);
	*port = (uint16_t)v;
	return (0);
}

/* Takes ls into the tree, or frees it. */
static int
keep(struct conf_parser *p, const struct place *place, struct conf_listen *ls)
{
	unsigned int *count = place->link ? &p->nlinks : &p->nlistens;
	const char *text = conf_listen_text(ls);
	char vis[160], key[sizeof(struct sockaddr_un) + 32];

	conf_where(p, "%s %s", place->where,
	    conf_lex_vis(text, strlen(text), vis, sizeof(vis)));
	snprintf(key, sizeof(key), "%s %s", place->key, text);
	if (conf_once(p, key) == -1) {
		conf_listen_free(ls);
		return (-1);
	}
	if (*count == CONF_LISTENS_MAX) {
		conf_listen_free(ls);
		return (conf_wrong(p,
		    "too many listeners, expected at most "
		    "%d",
		    CONF_LISTENS_MAX));
	}
	(*count)++;
	if (place->link)
		TAILQ_INSERT_TAIL(&p->conf->link_listens, ls, entry);
	else
		TAILQ_INSERT_TAIL(&p->conf->listens, ls, entry);
	return (0);
}
