/*
 * Reads the statements of nwsd.conf(5) about other machines: link, identity,
 * interface, peer; and answers the questions about interfaces and the names of
 * peers.  Part of the parser, and run by discovery and nwsctl(8).  Pure; trusts
 * nothing in the text.
 */
#include <arpa/inet.h>
#include <net/if.h>

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_parser.h"
#include "msg.h"

static int link_item(struct conf_parser *, void *);
static int interface_item(struct conf_parser *, void *);
static int peer_item(struct conf_parser *, void *);

/* off | on | { listen on ... } */
int
conf_link_statement(struct conf_parser *p)
{
	if (p->tok.kind == TOKEN_OPEN)
		return (conf_list(p, link_item, NULL, 1));
	if (conf_take(p, "on"))
		return (0);
	if (!conf_take(p, "off"))
		return (conf_expected(p, "on, off or {"));
	p->conf->link = 0;
	return (0);
}

static int
link_item(struct conf_parser *p, void *arg)
{
	(void)arg;
	return (conf_link_listen(p));
}

int
conf_identity_statement(struct conf_parser *p)
{
	if (conf_take(p, "ephemeral"))
		p->conf->identity_persistent = 0;
	else if (conf_take(p, "persistent"))
		p->conf->identity_persistent = 1;
	else
		return (conf_expected(p, "ephemeral or persistent"));
	return (0);
}

/* allow | deny "pattern" | { "pattern", ... } */
int
conf_interface_statement(struct conf_parser *p)
{
	int allow;

	if (conf_take(p, "allow"))
		allow = 1;
	else if (conf_take(p, "deny"))
		allow = 0;
	else
		return (conf_expected(p, "allow or deny"));
	conf_where(p, "interface %s", allow ? "allow" : "deny");
	return (conf_list(p, interface_item, &allow, 0));
}

static int
interface_item(struct conf_parser *p, void *arg)
{
	const int *allow = arg;
	struct conf_interface *ifc;
	char key[CONF_PATTERN_MAX + 16];
	size_t i;

	for (i = 0; i < p->tok.len; i++)
		if (p->tok.text[i] <= 0x20 || p->tok.text[i] >= 0x7f)
			break;
	if (!conf_is_value(p) || i < p->tok.len || i == 0 ||
	    i > CONF_PATTERN_MAX)
		return (conf_expected(p,
		    "the name of an interface, in which "
		    "* and ? stand for others, of up to %d characters",
		    CONF_PATTERN_MAX));
	snprintf(key, sizeof(key), "interface %.*s", CONF_PATTERN_MAX,
	    p->tok.text);
	conf_where(p, "interface %s \"%.*s\"", *allow ? "allow" : "deny",
	    CONF_PATTERN_MAX, p->tok.text);
	if ((ifc = calloc(1, sizeof(*ifc))) == NULL)
		return (conf_nomem(p));
	ifc->allow = *allow;
	if (conf_string(p, &ifc->pattern) == -1 || conf_once(p, key) == -1)
		goto bad;
	if (p->ninterfaces == CONF_INTERFACES_MAX) {
		conf_wrong(p, "too many interfaces, expected at most %d",
		    CONF_INTERFACES_MAX);
		goto bad;
	}
	p->ninterfaces++;
	TAILQ_INSERT_TAIL(&p->conf->interfaces, ifc, entry);
	return (0);
bad:
	free(ifc->pattern);
	free(ifc);
	return (-1);
}

int
conf_peer_statement(struct conf_parser *p)
{
	return (conf_list(p, peer_item, NULL, 0));
}

static int
peer_item(struct conf_parser *p, void *arg)
{
	struct conf_peer *peer;
	const char *why;
	char text[MSG_PEER_MAX + 1], key[MSG_PEER_MAX + 16];
	char *host;
	uint16_t port;

	(void)arg;
	if (!conf_is_value(p))
		return (conf_expected(p, "host or host:port"));
	if (conf_peer_parse(p->tok.text, p->tok.len, &host, &port, &why) == -1)
		return (conf_expected(p, "%s", why));
	conf_next(p);
	conf_peer_text(host, port, text, sizeof(text));
	conf_where(p, "peer \"%.150s\"", text);
	snprintf(key, sizeof(key), "peer %s", text);
	if ((peer = calloc(1, sizeof(*peer))) == NULL) {
		free(host);
		return (conf_nomem(p));
	}
	peer->host = host;
	peer->port = port;
	if (conf_once(p, key) == -1)
		goto bad;
	if (p->npeers == CONF_PEERS_MAX) {
		conf_wrong(p, "too many peers, expected at most %d",
		    CONF_PEERS_MAX);
		goto bad;
	}
	p->npeers++;
	TAILQ_INSERT_TAIL(&p->conf->peers, peer, entry);
	return (0);
bad:
	free(peer->host);
	free(peer);
	return (-1);
}

/*
 * "[fe80::1%eth0]:9010" without its zone, into out.  Returns its length, and
 * the zone, of len 0 where there is none; or 0 when it makes no sense.
 */
static size_t
zone_split(const char *s, size_t n, char *out, size_t size, const char **zone,
    size_t *len)
{
	const char *percent, *end;
	size_t i;

	*len = 0;
	if (n > size)
		return (0);
	percent = n > 0 && s[0] == '[' ? memchr(s, '%', n) : NULL;
	if (percent == NULL) {
		memcpy(out, s, n);
		return (n);
	}
	*zone = percent + 1;
	end = memchr(*zone, ']', n - (size_t)(*zone - s));
	if (end == NULL || end == *zone || end - *zone >= IF_NAMESIZE)
		return (0);
	*len = (size_t)(end - *zone);
	for (i = 0; i < *len; i++)
		if ((*zone)[i] <= 0x20 || (*zone)[i] >= 0x7f ||
		    strchr("/%\"", (*zone)[i]) != NULL)
			return (0);
	memcpy(out, s, (size_t)(percent - s));
	memcpy(out + (percent - s), end, n - (size_t)(end - s));
	return (n - *len - 1);
}

/* What is wrong with an address to connect to; NULL: nothing, or a name. */
static const char *
address_problem(const char *host, int zone)
{
	struct in6_addr in6;
	struct in_addr in;

	if (inet_pton(AF_INET, host, &in) == 1)
		return (in.s_addr == INADDR_ANY || ntohl(in.s_addr) >> 28 >=
		    14 ? "the address of one machine" : NULL);
	if (inet_pton(AF_INET6, host, &in6) != 1)
		return (NULL);
	if (IN6_IS_ADDR_UNSPECIFIED(&in6) || IN6_IS_ADDR_MULTICAST(&in6))
		return ("the address of one machine");
	if (IN6_IS_ADDR_LINKLOCAL(&in6) && !zone)
		return ("a link-local address with its interface, as in "
		    "[fe80::1%eth0]");
	if (!IN6_IS_ADDR_LINKLOCAL(&in6) && zone)
		return ("an interface with a link-local address only");
	return (NULL);
}

int
conf_peer_parse(const char *s, size_t n, char **host, uint16_t *port,
    const char **why)
{
	char text[MSG_PEER_MAX], name[ORIGIN_HOST_MAX + 1];
	char full[ORIGIN_HOST_MAX + 1 + IF_NAMESIZE];
	const char *zone = "", *problem;
	size_t len;

	*why = "host or host:port, where host is a name or an address, IPv6 "
	    "in []";
	n = zone_split(s, n, text, sizeof(text), &zone, &len);
	if (n == 0 || host_parse(text, n, name, port) == -1)
		return (-1);
	if (*port == 0)
		*port = CONF_LINK_PORT;
	if (name[0] == '[') {
		memmove(name, name + 1, strlen(name));
		name[strlen(name) - 1] = '\0';
	}
	if ((problem = address_problem(name, len > 0)) != NULL) {
		*why = problem;
		return (-1);
	}
	snprintf(full, sizeof(full), "%s%s%.*s", name, len > 0 ? "%" : "",
	    (int)len, zone);
	if ((*host = strdup(full)) == NULL) {
		*why = "more memory";
		return (-1);
	}
	return (0);
}

char *
conf_peer_text(const char *host, uint16_t port, char *buf, size_t size)
{
	int in6 = strchr(host, ':') != NULL;

	snprintf(buf, size, "%s%s%s:%u", in6 ? "[" : "", host, in6 ? "]" : "",
	    port);
	return (buf);
}

int
conf_interface_allowed(const struct conf *conf, const char *name, int loopback)
{
	static const char *const virtual[] = { "docker*", "veth*", "br-*",
		"virbr*", "tun*", "wg*" };
	const struct conf_interface *ifc;
	size_t i;

	TAILQ_FOREACH(ifc, &conf->interfaces, entry)
		if (fnmatch(ifc->pattern, name, 0) == 0)
			return (ifc->allow);
	if (loopback)
		return (0);
	for (i = 0; i < sizeof(virtual) / sizeof(virtual[0]); i++)
		if (fnmatch(virtual[i], name, 0) == 0)
			return (0);
	return (1);
}
