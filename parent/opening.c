/*
 * The listening sockets: of clients, for the frontends, and of links, for
 * crypto.  Bound here, at the start and at each reload.  Runs in the parent;
 * trusts nwsd.conf(5).
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "parent/parent.h"

#define BACKLOG 4096   /* the kernel cuts it to net.core.somaxconn */
#define LINK_TRIES 16 /* for one port that is free for IPv4 and IPv6 */

/* Why links have another port than theirs, "" where they do not. */
static char port_taken[WHY_MAX];

static const struct sockaddr_un *
unix_address(const struct sockaddr_storage *ss)
{
	return ((const struct sockaddr_un *)(const void *)ss);
}

static int
same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in *a4 = (const void *)a;
	const struct sockaddr_in *b4 = (const void *)b;
	const struct sockaddr_in6 *a6 = (const void *)a;
	const struct sockaddr_in6 *b6 = (const void *)b;

	if (a->ss_family != b->ss_family)
		return (0);
	switch (a->ss_family) {
	case AF_INET:
		return (a4->sin_port == b4->sin_port &&
		    a4->sin_addr.s_addr == b4->sin_addr.s_addr);
	case AF_INET6:
		return (a6->sin6_port == b6->sin6_port &&
		    a6->sin6_scope_id == b6->sin6_scope_id &&
		    memcmp(&a6->sin6_addr, &b6->sin6_addr,
			sizeof(a6->sin6_addr)) == 0);
	default:
		return (strcmp(unix_address(a)->sun_path,
			    unix_address(b)->sun_path) == 0);
	}
}

static struct listener *
find(const struct listeners *list, const struct sockaddr_storage *addr)
{
	struct listener *l;

	if (list == NULL)
		return (NULL);
	TAILQ_FOREACH(l, list, entry) {
		if (l->fd != -1 && same_address(&l->addr, addr))
			return (l);
	}
	return (NULL);
}

static int
set_options(int fd, int family)
{
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1)
		return (-1);
	/* On Linux what is accepted inherits this: a call less for each. */
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1)
		return (-1);
	if (family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == -1)
		return (-1);
	return (0);
}

static int
tcp_open(const struct conf_listen *cl, char why[WHY_MAX])
{
	const struct sockaddr *sa = (const void *)&cl->addr;
	int fd, error;

	fd = socket(
	    sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd != -1 && set_options(fd, sa->sa_family) == 0 &&
	    bind(fd, sa, cl->addr_len) == 0 && listen(fd, BACKLOG) == 0)
		return (fd);
	error = errno;
	if (fd != -1)
		close(fd);
	snprintf(why, WHY_MAX, "listen on %s: %s%s", conf_listen_text(cl),
	    strerror(error), error == EADDRINUSE ? holder_text(sa) : "");
	errno = error;
	return (-1);
}

static int
bind_new(struct listener *l, const struct conf_listen *cl, char why[WHY_MAX])
{
	struct unix_file file;
	char reason[WHY_MAX];

	if (cl->addr.ss_family != AF_UNIX) {
		l->fd = tcp_open(cl, why);
		return (l->fd == -1 ? -1 : 0);
	}
	l->fd = unix_open(
	    unix_address(&cl->addr), cl->mode, cl->group, &file, reason);
	if (l->fd == -1) {
		snprintf(
		    why, WHY_MAX, "listen on unix %.*s", WHY_MAX - 20, reason);
		return (-1);
	}
	l->dev = file.dev;
	l->ino = file.ino;
	return (0);
}

static int
keep_old(struct listener *l, const struct listener *old,
    const struct conf_listen *cl, char why[WHY_MAX])
{
	if (cl->group != NULL &&
	    unix_group_check(unix_address(&cl->addr)->sun_path, cl->group,
		why) == -1)
		return (-1);
	l->fd = fcntl(old->fd, F_DUPFD_CLOEXEC, 0);
	l->dev = old->dev;
	l->ino = old->ino;
	if (l->fd == -1)
		snprintf(why, WHY_MAX, "descriptor: %s", strerror(errno));
	return (l->fd == -1 ? -1 : 0);
}

static int
add(const struct conf_listen *cl, uint32_t index, const struct listeners *old,
    struct listeners *list, char why[WHY_MAX])
{
	const struct listener *before = find(old, &cl->addr);
	struct listener *l;
	int rc;

	if (find(list, &cl->addr) != NULL) {
		snprintf(why, WHY_MAX, "listen on %s: is there twice",
		    conf_listen_text(cl));
		return (-1);
	}
	if ((l = calloc(1, sizeof(*l))) == NULL) {
		snprintf(why, WHY_MAX, "%s", strerror(errno));
		return (-1);
	}
	l->addr = cl->addr;
	l->addr_len = cl->addr_len;
	l->index = index;
	rc = before != NULL ? keep_old(l, before, cl, why) :
			      bind_new(l, cl, why);
	if (rc == -1 && (!cl->optional ||
	    (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL))) {
		free(l);
		return (-1);
	}
	if (rc == -1)
		log_info("%s: left out", why);
	l->fresh = rc == 0 && before == NULL;
	TAILQ_INSERT_TAIL(list, l, entry);
	return (0);
}

void
listeners_permit(const struct conf *conf, const struct listeners *old)
{
	const struct conf_listen *cl;
	char why[WHY_MAX];

	TAILQ_FOREACH(cl, &conf->listens, entry) {
		if (cl->addr.ss_family == AF_UNIX &&
		    find(old, &cl->addr) != NULL &&
		    unix_permit(unix_address(&cl->addr)->sun_path, cl->mode,
			cl->group, why) == -1)
			log_warnx("%s", why);
	}
}

static int
any_open(const struct listeners *list)
{
	const struct listener *l;

	TAILQ_FOREACH(l, list, entry) {
		if (l->fd != -1)
			return (1);
	}
	return (0);
}

int
listeners_open(const struct conf *conf, const struct listeners *old,
    struct listeners *list, char why[WHY_MAX])
{
	const struct conf_listen *cl;
	uint32_t index = 0;

	why[0] = '\0';
	TAILQ_FOREACH(cl, &conf->listens, entry) {
		if (add(cl, index++, old, list, why) == -1) {
			listeners_free(list, old);
			return (-1);
		}
	}
	/* Optional ones may be missing, but not all of them. */
	if (!any_open(list)) {
		if (why[0] == '\0')
			snprintf(why, WHY_MAX, "there is nothing to listen on");
		listeners_free(list, old);
		return (-1);
	}
	return (0);
}

static void
set_port(struct sockaddr_storage *ss, uint16_t port)
{
	if (ss->ss_family == AF_INET)
		((struct sockaddr_in *)(void *)ss)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)(void *)ss)->sin6_port = htons(port);
}

static uint16_t
get_port(const struct sockaddr_storage *ss)
{
	return (ntohs(ss->ss_family == AF_INET ?
		((const struct sockaddr_in *)(const void *)ss)->sin_port :
		((const struct sockaddr_in6 *)(const void *)ss)->sin6_port));
}

/*
 * One built-in listener of links.  *port is the one to use, 0 for any, and is
 * set to what it is.  Returns 0, also when this machine has no such addresses,
 * or -1 with why.
 */
static int
link_add(const struct conf_listen *wanted, uint32_t index, uint16_t *port,
    const struct listeners *old, struct listeners *list, char why[WHY_MAX])
{
	struct conf_listen cl = *wanted;
	const struct listener *before;
	struct listener *l;

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		snprintf(why, WHY_MAX, "%s", strerror(errno));
		return (-1);
	}
	set_port(&cl.addr, *port);
	before = find(old, &cl.addr);
	l->fd = before != NULL ? fcntl(before->fd, F_DUPFD_CLOEXEC, 0) :
				 tcp_open(&cl, why);
	if (l->fd == -1 && errno == EADDRINUSE) {
		free(l);
		return (-1);
	}
	l->addr = cl.addr;
	l->addr_len = cl.addr_len;
	l->index = index;
	l->builtin = 1;
	l->fresh = l->fd != -1 && before == NULL;
	TAILQ_INSERT_TAIL(list, l, entry);
	if (l->fd == -1) {
		log_info("%s: left out", why);
		return (0);
	}
	if (getsockname(l->fd, (struct sockaddr *)(void *)&l->addr,
		&l->addr_len) == -1)
		log_warn("link: getsockname");
	*port = get_port(&l->addr);
	return (0);
}

/* All of them, with one port.  Returns 0, or -1 with why and an empty list. */
static int
link_add_all(const struct conf *conf, uint16_t port,
    const struct listeners *old, struct listeners *list, char why[WHY_MAX])
{
	const struct conf_listen *cl;
	uint32_t index = 0;

	TAILQ_FOREACH(cl, &conf->link_listens, entry) {
		if (link_add(cl, index++, &port, old, list, why) == -1) {
			listeners_free(list, old);
			return (-1);
		}
	}
	return (0);
}

/* What was built in before stays, whatever port it has. */
static int
link_keep(const struct listeners *old, struct listeners *list)
{
	const struct listener *l;
	struct listener *copy;

	if (old == NULL || TAILQ_EMPTY(old) || !TAILQ_FIRST(old)->builtin)
		return (0);
	TAILQ_FOREACH(l, old, entry) {
		if ((copy = malloc(sizeof(*copy))) == NULL)
			return (0);
		*copy = *l;
		copy->fresh = 0;
		if (l->fd != -1)
			copy->fd = fcntl(l->fd, F_DUPFD_CLOEXEC, 0);
		TAILQ_INSERT_TAIL(list, copy, entry);
	}
	return (1);
}

int
link_listeners_open(const struct conf *conf, const struct listeners *old,
    struct listeners *list, char why[WHY_MAX])
{
	const struct conf_listen *cl;
	uint32_t index = 0;
	int i;

	port_taken[0] = '\0';
	if (!conf->link)
		return (0);
	if (!conf_link_is_builtin(conf)) {
		TAILQ_FOREACH(cl, &conf->link_listens, entry) {
			if (add(cl, index++, old, list, why) == -1) {
				listeners_free(list, old);
				return (-1);
			}
		}
		return (0);
	}
	if (link_keep(old, list))
		return (0);
	if (link_add_all(conf, CONF_LINK_PORT, old, list, why) == 0)
		return (0);
	snprintf(port_taken, sizeof(port_taken), "%s", why);
	for (i = 0; i < LINK_TRIES; i++) {
		if (link_add_all(conf, 0, old, list, why) == 0)
			return (0);
	}
	return (-1);
}

uint16_t
link_port(void)
{
	const struct listener *l;
	const struct sockaddr_in *in;
	const struct sockaddr_in6 *in6;

	TAILQ_FOREACH(l, &parent.link_listeners, entry) {
		if (l->fd == -1)
			continue;
		in = (const void *)&l->addr;
		in6 = (const void *)&l->addr;
		if (l->addr.ss_family == AF_INET ?
			ntohl(in->sin_addr.s_addr) >> 24 != 127 :
			!IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr))
			return (get_port(&l->addr));
	}
	return (0);
}

void
listeners_free(struct listeners *list, const struct listeners *keep)
{
	struct listener *l;
	struct unix_file file;

	while ((l = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, l, entry);
		if (l->fd != -1 && l->addr.ss_family == AF_UNIX &&
		    find(keep, &l->addr) == NULL) {
			file.dev = l->dev;
			file.ino = l->ino;
			unix_remove(unix_address(&l->addr)->sun_path, &file);
		}
		if (l->fd != -1)
			close(l->fd);
		free(l);
	}
}

uint16_t
listener_local_port(const struct listener *l)
{
	const struct sockaddr_in *in = (const void *)&l->addr;
	const struct sockaddr_in6 *in6 = (const void *)&l->addr;
	uint32_t ip;

	if (l->fd == -1)
		return (0);
	if (l->addr.ss_family == AF_INET) {
		ip = ntohl(in->sin_addr.s_addr);
		return (ip == INADDR_ANY || ip >> 24 == 127 ?
			ntohs(in->sin_port) :
			0);
	}
	if (l->addr.ss_family == AF_INET6 &&
	    (IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr) ||
		IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr)))
		return (ntohs(in6->sin6_port));
	return (0);
}

static const char *
listener_text(const struct listener *l)
{
	struct conf_listen cl;

	memset(&cl, 0, sizeof(cl));
	cl.addr = l->addr;
	cl.addr_len = l->addr_len;
	return (conf_listen_text(&cl));
}

void
listeners_log(struct listeners *list)
{
	struct listener *l;
	unsigned int port = 0;

	TAILQ_FOREACH(l, list, entry) {
		if (!l->fresh)
			continue;
		l->fresh = 0;
		log_info("listening on %s", listener_text(l));
		if (port == 0 && (port = listener_local_port(l)) != 0 &&
		    parent.conf->console != CONSOLE_OFF)
			log_info("console at http://localhost:%u/", port);
	}
}

void
link_listeners_log(struct listeners *list)
{
	struct listener *l;
	int fresh = 0;

	TAILQ_FOREACH(l, list, entry) {
		if (!l->fresh)
			continue;
		l->fresh = 0;
		fresh = 1;
		log_info("links are accepted on %s", listener_text(l));
	}
	if (fresh && port_taken[0] != '\0')
		log_warnx("%s: links have port %u instead, which a firewall "
			  "may not let through",
		    port_taken, link_port());
	if (parent.conf->link && !any_open(list))
		log_warnx("links: nothing to listen on: other nodes cannot "
			  "connect to this one");
}

void
listeners_log_gone(const struct listeners *list, const struct listeners *keep)
{
	const struct listener *l;

	TAILQ_FOREACH(l, list, entry) {
		if (l->fd != -1 && find(keep, &l->addr) == NULL)
			log_info("no longer listening on %s", listener_text(l));
	}
}
