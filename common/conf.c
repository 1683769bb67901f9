/*
 * The configuration as a tree: its defaults, its end, and small questions to
 * it.  Runs in every process.  A tree was checked by conf_parse(), so what is
 * here trusts it; channel names come from clients and are not trusted.
 */
#include <arpa/inet.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf_parser.h"
#include "msg.h"

#define K 1024u
#define M (1024u * 1024u)
#define AT(field) offsetof(struct conf, field)

const struct conf_scalar conf_scalars[] = {
	{ "prefork", CONF_NUMBER, AT(prefork), 1, CONF_PREFORK_MAX, 1, NULL },
	{ "echo", CONF_ONOFF, AT(echo), 0, 1, 0, "Services." },
	{ "metrics", CONF_ONOFF, AT(metrics), 0, 1, 0, NULL },
	{ "console", CONF_CONSOLE, AT(console), CONSOLE_OFF, CONSOLE_ON,
	    CONSOLE_ON, NULL },
	{ "deflate", CONF_ONOFF, AT(deflate), 0, 1, 0, NULL },
	{ "max-message", CONF_SIZE, AT(max_message), 125, MSG_DATA_MAX, 256 * K,
	    "Limits." },
	{ "max-head", CONF_SIZE, AT(max_head), K, 256 * K, 16 * K, NULL },
	{ "max-clients", CONF_NUMBER, AT(max_clients), 1, CONF_COUNT_MAX, 10000,
	    NULL },
	{ "max-clients-per-origin", CONF_NUMBER, AT(max_clients_origin), 0,
	    CONF_COUNT_MAX, 0, NULL },
	{ "max-clients-per-address", CONF_NUMBER, AT(max_clients_address), 0,
	    CONF_COUNT_MAX, 0, NULL },
	{ "max-channels", CONF_NUMBER, AT(max_channels), 1, CONF_COUNT_MAX,
	    10000, NULL },
	{ "max-handshakes", CONF_NUMBER, AT(max_handshakes), 1, CONF_COUNT_MAX,
	    512, NULL },
	{ "handshake-timeout", CONF_TIME, AT(handshake_s), 1, 600, 10, NULL },
	{ "queue-total", CONF_SIZE, AT(queue_total), 64 * K, 4095u * M, 256 * M,
	    NULL },
	{ "discovery", CONF_ONOFF, AT(discovery), 0, 1, 1, NULL },
	{ "max-links", CONF_NUMBER, AT(max_links), 1, 10000, 256, NULL },
	{ "max-remote", CONF_NUMBER, AT(max_remote), 1, CONF_COUNT_MAX, 10000,
	    NULL },
	{ "link-queue", CONF_SIZE, AT(link_queue), 64 * K, 1024 * M, 16 * M,
	    NULL },
	{ "link-queue-total", CONF_SIZE, AT(link_queue_total), 64 * K,
	    4095u * M, 256 * M, NULL },
	{ NULL, CONF_NUMBER, 0, 0, 0, 0, NULL }
};

struct conf *
conf_new(void)
{
	const struct conf_scalar *s;
	struct conf *conf;

	if ((conf = calloc(1, sizeof(*conf))) == NULL)
		return (NULL);
	TAILQ_INIT(&conf->listens);
	TAILQ_INIT(&conf->origins);
	TAILQ_INIT(&conf->hosts);
	TAILQ_INIT(&conf->channels);
	TAILQ_INIT(&conf->link_listens);
	TAILQ_INIT(&conf->interfaces);
	TAILQ_INIT(&conf->peers);
	TAILQ_INIT(&conf->files);
	for (s = conf_scalars; s->name != NULL; s++)
		memcpy(
		    (char *)conf + s->offset, &s->initial, sizeof(s->initial));
	conf->control_mode = 0600;
	conf->queue_limit = M;
	conf->ping_s = 54;
	conf->gone_s = 60;
	conf->rate_link.rate = 200000;
	conf->rate_link.burst = 400000;
	conf->link = 1;
	return (conf);
}

struct conf *
conf_default(void)
{
	struct conf *conf;

	if ((conf = conf_new()) == NULL)
		return (NULL);
	if (conf_listen_builtin(conf) == -1 || conf_link_builtin(conf) == -1) {
		conf_free(conf);
		return (NULL);
	}
	return (conf);
}

int
conf_listen_builtin(struct conf *conf)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct conf_listen *ls;
	size_t i;

	for (i = 0; i < 2; i++) {
		ls = conf_listen_loopback(families[i], CONF_PORT);
		if (ls == NULL)
			return (-1);
		TAILQ_INSERT_TAIL(&conf->listens, ls, entry);
	}
	return (0);
}

int
conf_link_builtin(struct conf *conf)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct conf_listen *ls;
	size_t i;

	for (i = 0; i < 2; i++) {
		ls = conf_listen_loopback(families[i], CONF_LINK_PORT);
		if (ls == NULL)
			return (-1);
		if (families[i] == AF_INET)
			((struct sockaddr_in *)&ls->addr)->sin_addr.s_addr =
			    htonl(INADDR_ANY);
		else
			((struct sockaddr_in6 *)&ls->addr)->sin6_addr =
			    in6addr_any;
		ls->optional = 1;
		TAILQ_INSERT_TAIL(&conf->link_listens, ls, entry);
	}
	return (0);
}

int
conf_link_is_builtin(const struct conf *conf)
{
	const struct conf_listen *ls = TAILQ_FIRST(&conf->link_listens);

	/* No line of a file makes an optional listener of IPv4. */
	return (ls != NULL && ls->optional && ls->addr.ss_family == AF_INET);
}

struct conf_listen *
conf_listen_loopback(int family, uint16_t port)
{
	struct conf_listen *ls;
	struct sockaddr_in *in;
	struct sockaddr_in6 *in6;

	if ((ls = calloc(1, sizeof(*ls))) == NULL)
		return (NULL);
	if (family == AF_INET) {
		in = (struct sockaddr_in *)&ls->addr;
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		ls->addr_len = sizeof(*in);
	} else {
		in6 = (struct sockaddr_in6 *)&ls->addr;
		in6->sin6_addr = in6addr_loopback;
		ls->addr_len = sizeof(*in6);
		/* A machine need not have IPv6. */
		ls->optional = 1;
	}
	ls->addr.ss_family = (sa_family_t)family;
	conf_listen_set_port(ls, port);
	return (ls);
}

uint16_t
conf_listen_port(const struct conf_listen *ls)
{
	if (ls->addr.ss_family == AF_INET)
		return (
		    ntohs(((const struct sockaddr_in *)&ls->addr)->sin_port));
	if (ls->addr.ss_family == AF_INET6)
		return (
		    ntohs(((const struct sockaddr_in6 *)&ls->addr)->sin6_port));
	return (0);
}

void
conf_listen_set_port(struct conf_listen *ls, uint16_t port)
{
	if (ls->addr.ss_family == AF_INET)
		((struct sockaddr_in *)&ls->addr)->sin_port = htons(port);
	else if (ls->addr.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&ls->addr)->sin6_port = htons(port);
}

int
conf_listen_is_pair(const struct conf_listen *ls)
{
	const struct conf_listen *next = TAILQ_NEXT(ls, entry);
	const struct sockaddr_in *in;

	/* After one of IPv4, only the loopback address of IPv6 is optional. */
	if (ls->addr.ss_family != AF_INET || next == NULL || !next->optional)
		return (0);
	in = (const struct sockaddr_in *)&ls->addr;
	return (in->sin_addr.s_addr == htonl(INADDR_LOOPBACK) &&
	    conf_listen_port(ls) == conf_listen_port(next));
}

const char *
conf_listen_text(const struct conf_listen *ls)
{
	static char text[sizeof(struct sockaddr_un) + 8];
	char addr[INET6_ADDRSTRLEN];
	const void *bytes;

	if (ls->addr.ss_family == AF_UNIX) {
		snprintf(text, sizeof(text), "unix %s",
		    ((const struct sockaddr_un *)&ls->addr)->sun_path);
		return (text);
	}
	if (ls->addr.ss_family == AF_INET)
		bytes = &((const struct sockaddr_in *)&ls->addr)->sin_addr;
	else
		bytes = &((const struct sockaddr_in6 *)&ls->addr)->sin6_addr;
	if (inet_ntop(ls->addr.ss_family, bytes, addr, sizeof(addr)) == NULL)
		return ("unknown");
	snprintf(text, sizeof(text), "%s port %u", addr, conf_listen_port(ls));
	return (text);
}

void
conf_listen_free(struct conf_listen *ls)
{
	free(ls->group);
	free(ls);
}

void
conf_channel_free(struct conf_channel *c)
{
	if (c->secret != NULL)
		explicit_bzero(c->secret, strlen(c->secret));
	free(c->secret);
	free(c->name);
	free(c);
}

void
conf_free(struct conf *conf)
{
	struct conf_listen *ls;
	struct conf_origin *o;
	struct conf_host *h;
	struct conf_channel *c;
	struct conf_interface *ifc;
	struct conf_peer *peer;
	struct conf_files *files;

	if (conf == NULL)
		return;
	while ((ls = TAILQ_FIRST(&conf->listens)) != NULL) {
		TAILQ_REMOVE(&conf->listens, ls, entry);
		conf_listen_free(ls);
	}
	while ((o = TAILQ_FIRST(&conf->origins)) != NULL) {
		TAILQ_REMOVE(&conf->origins, o, entry);
		free(o);
	}
	while ((h = TAILQ_FIRST(&conf->hosts)) != NULL) {
		TAILQ_REMOVE(&conf->hosts, h, entry);
		free(h->name);
		free(h);
	}
	while ((c = TAILQ_FIRST(&conf->channels)) != NULL) {
		TAILQ_REMOVE(&conf->channels, c, entry);
		conf_channel_free(c);
	}
	while ((ls = TAILQ_FIRST(&conf->link_listens)) != NULL) {
		TAILQ_REMOVE(&conf->link_listens, ls, entry);
		conf_listen_free(ls);
	}
	while ((ifc = TAILQ_FIRST(&conf->interfaces)) != NULL) {
		TAILQ_REMOVE(&conf->interfaces, ifc, entry);
		free(ifc->pattern);
		free(ifc);
	}
	while ((peer = TAILQ_FIRST(&conf->peers)) != NULL) {
		TAILQ_REMOVE(&conf->peers, peer, entry);
		free(peer->host);
		free(peer);
	}
	while ((files = TAILQ_FIRST(&conf->files)) != NULL) {
		TAILQ_REMOVE(&conf->files, files, entry);
		free(files->directory);
		free(files->at);
		free(files);
	}
	free(conf->control);
	free(conf->user);
	free(conf->chroot);
	free(conf->native_token);
	free(conf);
}

const struct conf_channel *
conf_channel(const struct conf *conf, const char *name, size_t n)
{
	static const struct conf_channel plain = { .presence = 1 };
	const struct conf_channel *c;

	TAILQ_FOREACH(c, &conf->channels, entry)
		if (strlen(c->name) == n && memcmp(c->name, name, n) == 0)
			return (c);
	return (&plain);
}

int
conf_control_path(char *buf, size_t n)
{
	const char *dir;
	int len;

	if (geteuid() == 0)
		len = snprintf(buf, n, "/run/nwsd/nwsd.ctl");
	else if ((dir = getenv("XDG_RUNTIME_DIR")) != NULL && dir[0] == '/')
		len = snprintf(buf, n, "%s/nwsd.ctl", dir);
	else
		len = snprintf(
		    buf, n, "/tmp/nwsd-%u/ctl", (unsigned int)geteuid());
	return (len < 0 || (size_t)len >= n ? -1 : 0);
}

int
channel_name_valid(const char *s, size_t n)
{
	size_t i;
	char c;

	if (n == 0 || n > CONF_CHANNEL_NAME_MAX)
		return (0);
	/* The one name that is a service. */
	if (n == 6 && memcmp(s, "libp2p", 6) == 0)
		return (0);
	for (i = 0; i < n; i++) {
		c = s[i];
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9'))
			continue;
		if (c == '\0' || strchr("+=*._-", c) == NULL)
			return (0);
	}
	return (1);
}

char *
conf_size_text(uint32_t v, char buf[CONF_NUMBER_TEXT])
{
	const char *unit = "";

	if (v != 0 && v % (K * M) == 0) {
		v /= K * M;
		unit = "G";
	} else if (v != 0 && v % M == 0) {
		v /= M;
		unit = "M";
	} else if (v != 0 && v % K == 0) {
		v /= K;
		unit = "K";
	}
	snprintf(buf, CONF_NUMBER_TEXT, "%u%s", v, unit);
	return (buf);
}

/* In the largest unit of which it is a whole number above one. */
char *
conf_time_text(uint32_t v, char buf[CONF_NUMBER_TEXT])
{
	const char *unit = "s";

	if (v > 86400 && v % 86400 == 0) {
		v /= 86400;
		unit = "d";
	} else if (v > 3600 && v % 3600 == 0) {
		v /= 3600;
		unit = "h";
	} else if (v > 60 && v % 60 == 0) {
		v /= 60;
		unit = "m";
	}
	snprintf(buf, CONF_NUMBER_TEXT, "%u%s", v, unit);
	return (buf);
}
