/*
 * Accepting links.  Runs in crypto; the listening sockets come from the parent,
 * who connects comes from anywhere: each accepted socket costs memory and a
 * handshake, so there are bounds on what is unfinished, in all and for each
 * address, and on links.
 */
#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/accept.h"
#include "common/child.h"
#include "common/conf.h"
#include "common/log.h"
#include "crypto/links_private.h"

#define ACCEPT_TURN	16	/* connections in one turn of the loop */
#define PAUSE_S		1	/* when out of descriptors or memory */

struct listener {
	TAILQ_ENTRY(listener)	 entry;
	struct event		 ev;
	int			 fd, watched;
	uint32_t		 index;
	struct conf_listen	 where;	/* for conf_listen_text() */
};
TAILQ_HEAD(listeners, listener);

static struct listeners	 current = TAILQ_HEAD_INITIALIZER(current);
static struct listeners	 coming = TAILQ_HEAD_INITIALIZER(coming);
static struct event	 resume;
static int		 resume_set, paused;
static size_t		 shaking;	/* accepted and not secured */
/* How often what a row of accept_limits() says was reached. */
static uint64_t		 shaking_hits, shaking_address_hits, address_hits;

static void	acceptable(evutil_socket_t, short, void *);
static void	watch(void);

void
links_listen(int fd, uint32_t index)
{
	struct listener	*n;

	if ((n = calloc(1, sizeof(*n))) == NULL)
		fatal("listener");
	n->fd = fd;
	n->index = index;
	n->where.addr_len = sizeof(n->where.addr);
	if (getsockname(fd, (struct sockaddr *)&n->where.addr,
	    &n->where.addr_len) == -1)
		log_warn("listener: its address");
	TAILQ_INSERT_TAIL(&coming, n, entry);
}

static void
close_all(void)
{
	struct listener	*n;

	while ((n = TAILQ_FIRST(&current)) != NULL) {
		TAILQ_REMOVE(&current, n, entry);
		event_del(&n->ev);
		close(n->fd);
		free(n);
	}
}

static uint16_t
listener_port_of(const struct listener *n)
{
	const struct sockaddr_in	*in = (const void *)&n->where.addr;
	const struct sockaddr_in6	*in6 = (const void *)&n->where.addr;

	if (n->where.addr.ss_family == AF_INET)
		return (ntohs(in->sin_port));
	if (n->where.addr.ss_family == AF_INET6)
		return (ntohs(in6->sin6_port));
	return (0);
}

void
links_listen_end(void)
{
	struct listener	*n;

	close_all();
	TAILQ_CONCAT(&current, &coming, entry);
	links.port = 0;
	TAILQ_FOREACH(n, &current, entry) {
		event_assign(&n->ev, loop_base(), n->fd, EV_READ | EV_PERSIST,
		    acceptable, n);
		if (links.port == 0)
			links.port = listener_port_of(n);
	}
	paused = 0;
	watch();
}

void
accept_stop(void)
{
	close_all();
	if (resume_set)
		event_del(&resume);
}

static void
watch(void)
{
	struct listener	*n;

	TAILQ_FOREACH(n, &current, entry)
		if (paused)
			event_del(&n->ev);
		else if (event_add(&n->ev, NULL) == -1)
			log_warnx("listener: out of memory");
}

static void
resume_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	paused = 0;
	watch();
}

/* There is no sense in being told of the next one at once. */
static void
pause_accept(void)
{
	const struct timeval	 tv = { PAUSE_S, 0 };

	crypto_counters.accept_paused_total++;
	if (!resume_set) {
		event_assign(&resume, loop_base(), -1, 0, resume_cb, NULL);
		resume_set = 1;
	}
	if (event_add(&resume, &tv) == -1)
		return;
	paused = 1;
	watch();
}

static void
address_take(const struct sockaddr_storage *ss, uint8_t addr[16],
    uint32_t *scope, uint16_t *port)
{
	const struct sockaddr_in	*in = (const void *)ss;
	const struct sockaddr_in6	*in6 = (const void *)ss;

	memset(addr, 0, 16);
	*scope = *port = 0;
	if (ss->ss_family == AF_INET6) {
		memcpy(addr, &in6->sin6_addr, 16);
		*scope = in6->sin6_scope_id;
		*port = ntohs(in6->sin6_port);
	} else if (ss->ss_family == AF_INET) {
		addr[10] = addr[11] = 0xff;
		memcpy(addr + 12, &in->sin_addr, 4);
		*port = ntohs(in->sin_port);
	}
}

/* The unfinished handshake that is oldest. */
static struct link *
oldest_shaking(void)
{
	struct link	*l;

	TAILQ_FOREACH(l, &links.all, entry)
		if (l->counted && !l->doomed)
			return (l);
	return (NULL);
}

/* The one that nobody would miss. */
static struct link *
idlest_plain(void)
{
	struct link	*l, *found = NULL;

	TAILQ_FOREACH(l, &links.all, entry)
		if (l->stage == STAGE_PLAIN && !l->doomed &&
		    (found == NULL || l->used_ms < found->used_ms))
			found = l;
	return (found);
}

static uint32_t
address_max(void)
{
	uint32_t	 share = links.max / ADDRESS_SHARE;

	return (share < ADDRESS_MIN ? ADDRESS_MIN : share);
}

/* Counts it as one too many of an address. */
static int
address_refused(uint64_t *hits)
{
	crypto_counters.refused_address_total++;
	++*hits;
	return (0);
}

int
accept_room(const uint8_t addr[16])
{
	struct link	*l;

	if (tally_count(&links.addresses, addr, 16) >= address_max())
		return (address_refused(&address_hits));
	if (crypto_counters.links - links.ending < links.max)
		return (1);
	if ((l = idlest_plain()) == NULL) {
		crypto_counters.refused_limit_total++;
		return (0);
	}
	link_doom(l, &crypto_counters.evicted_total,
	    "it made room for another (max-links)");
	return (1);
}

/* Whether another one of this address may come in; what has to go is doomed. */
static int
admitted(const uint8_t addr[16])
{
	struct link	*l;

	if (tally_count(&links.shaking, addr, 16) >= SHAKING_ADDRESS_MAX)
		return (address_refused(&shaking_address_hits));
	if (!accept_room(addr))
		return (0);
	if (shaking >= SHAKING_MAX && (l = oldest_shaking()) != NULL) {
		shaking_hits++;
		l->quiet = 1;
		link_doom(l, &crypto_counters.evicted_total,
		    "its handshake made room for another");
	}
	return (1);
}

static void
refuse(int fd)
{
	static struct log_limit	 limit = { .burst = 2, .period_s = 60 };

	close(fd);
	if (log_allowed(&limit))
		log_warnx("a connection was refused: too many links, or too "
		    "many of one address");
}

static void
acceptable(evutil_socket_t lfd, short what, void *arg)
{
	struct sockaddr_storage	 ss;
	struct link		*l;
	uint8_t			 addr[16];
	uint32_t		 scope;
	uint16_t		 port;
	int			 fd, i;

	(void)what;
	(void)arg;
	for (i = 0; i < ACCEPT_TURN && !paused; i++) {
		if ((fd = accept_next(lfd, &ss)) == -1) {
			if (errno != EAGAIN)
				pause_accept();
			return;
		}
		address_take(&ss, addr, &scope, &port);
		if (!admitted(addr)) {
			refuse(fd);
			continue;
		}
		if ((l = link_new(fd, 0, addr, scope, port)) == NULL) {
			crypto_counters.no_memory_total++;
			pause_accept();
			return;
		}
		crypto_counters.accepted_total++;
		l->shaking = tally_ref(&links.shaking, addr, 16);
		l->counted = 1;
		shaking++;
		if (l->shaking == NULL)
			link_doom(l, &crypto_counters.no_memory_total,
			    "out of memory");
	}
}

void
accept_shaken(struct link *l)
{
	if (!l->counted)
		return;
	tally_unref(&links.shaking, l->shaking);
	l->shaking = NULL;
	l->counted = 0;
	shaking--;
}

void
accept_check(uint32_t ticket)
{
	const struct listener	*n;
	char			 all[400] = "";
	size_t			 used;

	/* Of none at all, and of those that nobody reaches, the parent says. */
	TAILQ_FOREACH(n, &current, entry) {
		used = strlen(all);
		snprintf(all + used, sizeof(all) - used, "%s%s",
		    used > 0 ? ", " : "", conf_listen_text(&n->where));
	}
	if (all[0] != '\0')
		links_finding(ticket, paused ? CHECK_WARNING : CHECK_OK,
		    "links are accepted at %s%s", all,
		    paused ? " (paused: out of descriptors)" : "");
}

void
accept_limits(uint32_t ticket)
{
	child_row_limit(ticket, "link-handshakes", shaking, SHAKING_MAX,
	    shaking_hits);
	child_row_limit(ticket, "link-handshakes-per-address",
	    tally_largest(&links.shaking), SHAKING_ADDRESS_MAX,
	    shaking_address_hits);
	child_row_limit(ticket, "links-per-address",
	    tally_largest(&links.addresses), address_max(), address_hits);
}
