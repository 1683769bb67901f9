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

static int listen_unix(struct conf_parser *);
static int listen_address(struct conf_parser *);
static int address_item(struct conf_parser *, void *);
static int address_parse(const char *, size_t, struct conf_listen *);
static int port_parse(struct conf_parser *, uint16_t *);
static int keep(struct conf_parser *, struct conf_listen *);

int
conf_listen_statement(struct conf_parser *p)
{
	if (!conf_take(p, "on"))
		return (conf_expected(p, "on"));
	conf_where(p, "listen on");
	if (conf_take(p, "unix"))
		return (listen_unix(p));
	return (listen_address(p));
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
	return (keep(p, ls));
bad:
	conf_listen_free(ls);
	return (-1);
}

/* ADDRESS | { ADDRESS, ... } [port N] */
static int
listen_address(struct conf_parser *p)
{
	struct conf_listens list = TAILQ_HEAD_INITIALIZER(list);
	struct conf_listen *ls;
	uint16_t port = CONF_PORT;
	int rv;

	rv = conf_list(p, address_item, &list, 0);
	if (rv == 0 && conf_take(p, "port"))
		rv = port_parse(p, &port);
	else if (rv == 0 && p->tok.kind != TOKEN_NEWLINE &&
	    p->tok.kind != TOKEN_END)
		rv = conf_expected(p,
		    "port and a number, or the end of the "
		    "line");
	while ((ls = TAILQ_FIRST(&list)) != NULL) {
		TAILQ_REMOVE(&list, ls, entry);
		conf_listen_set_port(ls, port);
		if (rv == -1)
			conf_listen_free(ls);
		else
			rv = keep(p, ls);
	}
	return (rv);
}

static int
address_item(struct conf_parser *p, void *arg)
{
	struct conf_listens *list = arg;
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
		    "not looked up), localhost or unix"));
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
port_parse(struct conf_parser *p, uint16_t *port)
{
	uint32_t v;

	conf_where(p, "listen on port");
	if (conf_number(p, 1, UINT16_MAX, &v) == -1)
		return (-1);
	*port = (uint16_t)v;
	return (0);
}

/* Takes ls into the tree, or frees it. */
static int
keep(struct conf_parser *p, struct conf_listen *ls)
{
	const char *text = conf_listen_text(ls);
	char vis[160], key[sizeof(struct sockaddr_un) + 32];

	conf_where(p, "listen on %s",
	    conf_lex_vis(text, strlen(text), vis, sizeof(vis)));
	snprintf(key, sizeof(key), "listen %s", text);
	if (conf_once(p, key) == -1) {
		conf_listen_free(ls);
		return (-1);
	}
	if (p->nlistens == CONF_LISTENS_MAX) {
		conf_listen_free(ls);
		return (conf_wrong(p,
		    "too many listeners, expected at most "
		    "%d",
		    CONF_LISTENS_MAX));
	}
	p->nlistens++;
	TAILQ_INSERT_TAIL(&p->conf->listens, ls, entry);
	return (0);
}
