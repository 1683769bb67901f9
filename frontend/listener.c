/*
 * Accepting connections.  Frontend; the sockets come from the parent.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/accept.h"
#include "../common/log.h"
#include "../common/loop.h"
#include "client.h"
#include "counters.h"
#include "listener.h"

#define ACCEPT_TURN	64	/* connections in one turn of the loop */
#define ACCEPT_SHARED	1	/* the same, so that others get some too */

struct listener {
	TAILQ_ENTRY(listener) entry;
	struct event	*ev;
	int		 fd;
	uint32_t	 index;
	uint32_t	 refs;		/* clients, and the list */
	uint16_t	 port;
	int		 unix_socket;
};
TAILQ_HEAD(listeners, listener);

static struct listeners	 listeners = TAILQ_HEAD_INITIALIZER(listeners);
static struct listeners	 coming = TAILQ_HEAD_INITIALIZER(coming);
static int		 paused, held;	/* either stops accepting */

int
listener_is_unix(const struct listener *l)
{
	return (l->unix_socket);
}

uint16_t
listener_port(const struct listener *l)
{
	return (l->port);
}

void
listener_ref(struct listener *l)
{
	l->refs++;
}

void
listener_unref(struct listener *l)
{
	if (--l->refs == 0)
		free(l);
}

int
listener_add(uint32_t index, int fd)
{
	struct listener	*l;

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		close(fd);
		return (-1);
	}
	l->fd = fd;
	l->index = index;
	l->refs = 1;
	TAILQ_INSERT_TAIL(&coming, l, entry);
	return (0);
}

static void
listener_close(struct listener *l)
{
	if (l->ev != NULL)
		event_free(l->ev);
	l->ev = NULL;
	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
	listener_unref(l);
}

void
listener_close_all(void)
{
	struct listener	*l;

	while ((l = TAILQ_FIRST(&listeners)) != NULL) {
		TAILQ_REMOVE(&listeners, l, entry);
		listener_close(l);
	}
}

/* The address as 16 bytes: IPv6, v4-mapped, or all 0 for a Unix socket. */
static void
address_bytes(const struct sockaddr_storage *ss, uint8_t addr[16])
{
	const struct sockaddr_in	*in = (const void *)ss;
	const struct sockaddr_in6	*in6 = (const void *)ss;

	memset(addr, 0, 16);
	if (ss->ss_family == AF_INET6)
		memcpy(addr, &in6->sin6_addr, 16);
	else if (ss->ss_family == AF_INET) {
		addr[10] = addr[11] = 0xff;
		memcpy(addr + 12, &in->sin_addr, 4);
	}
}

static void
listener_readable(int lfd, short what, void *arg)
{
	struct listener		*l = arg;
	struct sockaddr_storage	 ss;
	uint8_t			 addr[16];
	int			 fd, n, limit;

	(void)what;
	limit = conf->prefork > 1 ? ACCEPT_SHARED : ACCEPT_TURN;
	for (n = 0; n < limit && !paused; n++) {
		if ((fd = accept_next(lfd, &ss)) == -1) {
			if (errno != EAGAIN) {
				counters.accept_paused_total++;
				listener_pause();
			}
			return;
		}
		address_bytes(&ss, addr);
		if (client_new(fd, l, addr) == -1) {
			counters.no_memory_total++;
			listener_pause();
		}
	}
}

/* Watches the sockets, or does not, as paused and held say. */
static void
listener_watch(void)
{
	struct listener	*l;

	TAILQ_FOREACH(l, &listeners, entry)
		if (paused || held)
			event_del(l->ev);
		else if (event_add(l->ev, NULL) == -1)
			paused = 1;
}

void
listener_swap(const struct conf *next)
{
	struct conf_listen	*cl;
	struct listener		*l;
	uint32_t		 i = 0;

	listener_close_all();
	TAILQ_CONCAT(&listeners, &coming, entry);
	TAILQ_FOREACH(cl, &next->listens, entry) {
		TAILQ_FOREACH(l, &listeners, entry) {
			if (l->index != i)
				continue;
			l->unix_socket = cl->addr.ss_family == AF_UNIX;
			if (cl->addr.ss_family == AF_INET)
				l->port = ntohs(((struct sockaddr_in *)
				    &cl->addr)->sin_port);
			else if (cl->addr.ss_family == AF_INET6)
				l->port = ntohs(((struct sockaddr_in6 *)
				    &cl->addr)->sin6_port);
		}
		i++;
	}
	TAILQ_FOREACH(l, &listeners, entry) {
		l->ev = event_new(loop_base(), l->fd, EV_READ | EV_PERSIST,
		    listener_readable, l);
		if (l->ev == NULL)
			fatalx("listener: out of memory");
	}
	paused = 0;
	listener_watch();
}

void
listener_pause(void)
{
	if (paused || client_tick_start() == -1)
		return;
	paused = 1;
	listener_watch();
}

void
listener_resume(void)
{
	if (!paused)
		return;
	paused = 0;
	listener_watch();
}

void
listener_hold(int hold)
{
	if (held == hold)
		return;
	held = hold;
	listener_watch();
}
