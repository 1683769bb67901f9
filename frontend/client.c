/*
 * The life of a connection: reading, timers, pauses, the end.  Frontend; what
 * it reads is handed on as it is.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/child.h"
#include "../common/idmap.h"
#include "../common/imsg.h"
#include "../common/log.h"
#include "../common/loop.h"
#include "channel.h"
#include "ask.h"
#include "client.h"
#include "counters.h"
#include "deflate.h"
#include "files.h"
#include "listener.h"
#include "output.h"
#include "source.h"

#define READ_MAX	(256u * 1024)	/* bytes read from one client a turn */
#define WHEEL		64		/* seconds in the timer wheel */
#define CLOSE_S		5		/* for the peer's half of a close */
#define RATE_TICK_US	1000		/* rate pauses are looked at so often */

LIST_HEAD(client_list, client);
TAILQ_HEAD(client_queue, client);

static struct client_list	 wheel[WHEEL];
static struct client_queue	 handshakes =
				    TAILQ_HEAD_INITIALIZER(handshakes);
static struct client_queue	 slowed = TAILQ_HEAD_INITIALIZER(slowed);
static struct client		*slowed_next;	/* for rate_tick() */
/* Who waits for the router, as they came. */
static struct client_queue	 stalled = TAILQ_HEAD_INITIALIZER(stalled);
static struct client_queue	 dead = TAILQ_HEAD_INITIALIZER(dead);
static unsigned int		 nclients;
static struct idmap		 ids;
static struct event		*tick_event, *rate_event;
static uint32_t			 tick_s;
static int			 tick_late;	/* this process stood still */
static uint8_t			*read_buf;

static void	rate_tick(int, short, void *);

/*
 * Timers: every client is in the slot of the second in which it wants to be
 * looked at; one that is due later than the wheel is long is met early and put
 * back.  The current second is partly over: what may take N whole seconds is
 * looked at in the second after the Nth from now.
 */
static void
wheel_put(struct client *c, uint32_t at_s)
{
	if (at_s <= tick_s)
		at_s = tick_s + 1;
	LIST_REMOVE(c, wheel);
	c->wake_s = at_s;
	LIST_INSERT_HEAD(&wheel[at_s % WHEEL], c, wheel);
}

static void
client_silent(struct client *c, uint32_t now)
{
	uint32_t	silent = now - c->heard_s;

	if ((c->paused & ~PAUSE_OUTPUT) || tick_late) {
		/* We do not listen, so it cannot be blamed. */
		c->heard_s = now;
		silent = 0;
	}
	if (silent > conf->gone_s) {
		counters.silent_closed_total++;
		client_kill(c);
		return;
	}
	if (silent >= conf->ping_s && !(c->flags & CLIENT_PINGED)) {
		c->flags |= CLIENT_PINGED;
		websocket_ping(c);
	}
	wheel_put(c, c->heard_s + (c->flags & CLIENT_PINGED ? conf->gone_s + 1 :
	    conf->ping_s));
}

/* The time that a state may take is over. */
static void
client_due(struct client *c, uint32_t now)
{
	switch ((enum client_state)c->state) {
	case CLIENT_HEAD:
		counters.handshake_timeouts_total++;
		if (c->leftover != NULL)
			request_fail(c, 408,
			    "The request took too long to arrive.");
		else
			client_kill(c);
		break;
	case CLIENT_JOINING:
	case CLIENT_WAITING:
		wheel_put(c, now + 1);	/* who was asked will answer */
		break;
	case CLIENT_SENDING:
		wheel_put(c, now + 1);
		files_due(c, now);
		break;
	case CLIENT_OPEN:
		client_silent(c, now);
		break;
	case CLIENT_CLOSING:
		client_end(c);
		break;
	case CLIENT_ENDING:
		client_kill(c);
		break;
	case CLIENT_DEAD:
		break;
	}
}

static void
tick(int fd, short what, void *arg)
{
	struct client_list	 due;
	struct client		*c;
	uint32_t		 now = loop_now_s();

	(void)fd;
	(void)what;
	(void)arg;
	listener_resume();
	tick_late = now - tick_s > 2;
	while (tick_s < now) {
		tick_s++;
		LIST_INIT(&due);
		while ((c = LIST_FIRST(&wheel[tick_s % WHEEL])) != NULL) {
			LIST_REMOVE(c, wheel);
			LIST_INSERT_HEAD(&due, c, wheel);
		}
		while ((c = LIST_FIRST(&due)) != NULL) {
			if (c->wake_s > tick_s) {
				wheel_put(c, c->wake_s);
				continue;
			}
			wheel_put(c, tick_s + 1);
			client_due(c, now);
		}
	}
	output_look();
	deflate_trim();
	/* Nobody here, nothing kept: sleep until somebody comes. */
	if (output_trim() == 0 && nclients == 0)
		event_del(tick_event);
}

void
client_init(void)
{
	int	i;

	for (i = 0; i < WHEEL; i++)
		LIST_INIT(&wheel[i]);
	if ((read_buf = malloc(READ_MAX)) == NULL ||
	    (tick_event = event_new(loop_base(), -1, EV_PERSIST, tick,
	    NULL)) == NULL ||
	    (rate_event = event_new(loop_base(), -1, 0, rate_tick,
	    NULL)) == NULL)
		fatalx("clients: out of memory");
}

unsigned int
client_count(void)
{
	return (nclients);
}

struct client *
client_find(uint64_t id)
{
	struct client	*c = idmap_get(&ids, id);

	return (c != NULL && c->state != CLIENT_DEAD ? c : NULL);
}

int
client_identify(struct client *c)
{
	uint64_t	id;

	do {
		arc4random_buf(&id, sizeof(id));
		id &= INT64_MAX;
	} while (id == 0 || idmap_get(&ids, id) != NULL);
	if (idmap_put(&ids, id, c) == -1)
		return (-1);
	c->id = id;
	return (0);
}

void
client_each(void (*call)(struct client *, void *), void *arg)
{
	struct client	*c, *next;
	int		 i;

	for (i = 0; i < WHEEL; i++)
		for (c = LIST_FIRST(&wheel[i]); c != NULL; c = next) {
			next = LIST_NEXT(c, wheel);
			if (c->state != CLIENT_DEAD)
				call(c, arg);
		}
}

/*
 * What was counted by another rate says nothing of this one; and a time that is
 * shorter now is not to end as late as the one before.
 */
static void
client_renew(struct client *c, void *arg)
{
	uint32_t	at_s = loop_now_s() + 1;

	(void)arg;
	c->rate_tat_ns = c->address->rate_tat_ns = 0;
	if (c->origin != NULL)
		c->origin->rate_tat_ns = 0;
	if (c->state == CLIENT_HEAD)
		at_s += conf->handshake_s;
	else if (c->state != CLIENT_OPEN)
		return;
	if (at_s < c->wake_s)
		wheel_put(c, at_s);
}

void
client_configure(void)
{
	client_each(client_renew, NULL);
}

static void
client_unlist(struct client *c)
{
	if (!(c->flags & CLIENT_LISTED))
		return;
	c->flags &= (uint16_t)~CLIENT_LISTED;
	if (c->state == CLIENT_HEAD) {
		TAILQ_REMOVE(&handshakes, c, link);
		counters.handshakes--;
		return;
	}
	if (c->paused & PAUSE_ROUTER) {
		TAILQ_REMOVE(&stalled, c, link);
		return;
	}
	if (c == slowed_next)
		slowed_next = TAILQ_NEXT(c, link);
	TAILQ_REMOVE(&slowed, c, link);
}

void
client_state(struct client *c, enum client_state state)
{
	uint32_t	now = loop_now_s();

	client_unlist(c);
	if (state == CLIENT_OPEN)
		counters.clients++;
	else if (c->state == CLIENT_OPEN)
		counters.clients--;
	c->state = (uint8_t)state;
	switch (state) {
	case CLIENT_HEAD:
		TAILQ_INSERT_TAIL(&handshakes, c, link);
		c->flags |= CLIENT_LISTED;
		counters.handshakes++;
		wheel_put(c, now + conf->handshake_s + 1);
		break;
	case CLIENT_JOINING:
	case CLIENT_WAITING:
	case CLIENT_SENDING:
		wheel_put(c, now + 1);
		break;
	case CLIENT_OPEN:
		c->heard_s = now;
		wheel_put(c, now + conf->ping_s);
		break;
	case CLIENT_CLOSING:
		wheel_put(c, now + (c->flags & CLIENT_CUT ? conf->gone_s :
		    CLOSE_S) + 1);
		break;
	case CLIENT_ENDING:
		wheel_put(c, now + CLOSE_S);
		break;
	case CLIENT_DEAD:
		break;
	}
}

/* Bytes that came and could not be used yet. */
static void
client_keep(struct client *c, const uint8_t *p, size_t n)
{
	struct leftover	*l;

	if (n == 0 || c->state == CLIENT_DEAD)
		return;
	if ((l = malloc(sizeof(*l) + n)) == NULL) {
		client_no_memory(c);
		return;
	}
	l->len = n;
	memcpy(l->data, p, n);
	c->leftover = l;
}

/* The router takes nothing now: look at this client again when it does. */
static int
client_router_full(struct client *c)
{
	struct imsgbuf	*router = frontend_router();

	if (c->channel == NULL || (router != NULL &&
	    imsg_queued(router) < FRONTEND_BACKLOG_HIGH))
		return (0);
	client_pause(c, PAUSE_ROUTER);
	return (1);
}

static size_t
client_use(struct client *c, uint8_t *p, size_t n)
{
	switch ((enum client_state)c->state) {
	case CLIENT_HEAD:
		return (request_input(c, p, n));
	case CLIENT_OPEN:
		if (client_router_full(c))
			return (0);
		return (websocket_input(c, p, n));
	case CLIENT_CLOSING:
		return (websocket_input(c, p, n));
	case CLIENT_JOINING:
	case CLIENT_WAITING:
	case CLIENT_SENDING:
		return (0);
	default:
		return (n);	/* we are through with each other */
	}
}

/* Gives bytes to whom they are for, until they or the client's turn are up. */
static void
client_input(struct client *c, uint8_t *p, size_t n)
{
	size_t	used;

	while (n > 0 && !c->paused && c->state != CLIENT_DEAD) {
		if ((used = client_use(c, p, n)) == 0)
			break;
		p += used;
		n -= used;
	}
	client_keep(c, p, n);
}

/* Uses what was left over, with what came now behind it. */
static void
client_input_more(struct client *c, uint8_t *p, size_t n)
{
	struct leftover	*old = c->leftover;
	uint8_t		*both;

	if (old == NULL) {
		client_input(c, p, n);
		return;
	}
	c->leftover = NULL;
	if (n == 0)
		client_input(c, old->data, old->len);
	else if ((both = malloc(old->len + n)) == NULL)
		client_no_memory(c);
	else {
		memcpy(both, old->data, old->len);
		memcpy(both + old->len, p, n);
		client_input(c, both, old->len + n);
		free(both);
	}
	free(old);
}

static void
client_readable(int fd, short what, void *arg)
{
	struct client	*c = arg;
	ssize_t		 n;

	if (what & EV_WRITE) {
		client_resume(c, PAUSE_OUTPUT);	/* client_ease() */
		return;
	}
	if (c->state == CLIENT_DEAD || c->paused || client_router_full(c))
		return;
	n = recv(fd, read_buf, READ_MAX, 0);
	if (n == -1) {
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
			client_kill(c);
		return;
	}
	if (n == 0) {
		client_kill(c);
		return;
	}
	c->heard_s = loop_now_s();
	c->flags &= (uint16_t)~CLIENT_PINGED;
	client_input_more(c, read_buf, (size_t)n);
}

/* Frees what the caller of client_new() gave, on failure. */
static int
client_new_failed(struct client *c)
{
	close(c->fd);
	source_unref(c->address);
	free(c);
	return (-1);
}

/*
 * Room for one more handshake: the oldest has to go when it has been slow, else
 * the newcomers wait in the kernel.
 */
static void
client_make_room(void)
{
	struct client	*oldest = TAILQ_FIRST(&handshakes);

	if (counters.handshakes < conf->max_handshakes)
		return;
	if (loop_now_s() - oldest->since_s <= 2) {
		listener_pause();
		return;
	}
	counters.handshakes_evicted_total++;
	request_fail(oldest, 503, "Too many connections wait for their "
	    "request; this one has waited longest.");
}

int
client_tick_start(void)
{
	static const struct timeval	second = { 1, 0 };

	if (event_pending(tick_event, EV_TIMEOUT, NULL))
		return (0);
	tick_s = loop_now_s();
	return (event_add(tick_event, &second));
}

int
client_new(int fd, struct listener *l, const uint8_t addr[16])
{
	struct client	*c;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		close(fd);
		return (-1);
	}
	c->fd = fd;
	c->listener = l;
	c->since_s = c->heard_s = loop_now_s();
	c->address = source_ref((const char *)addr, 16);
	event_assign(&c->ev, loop_base(), fd, EV_READ | EV_PERSIST,
	    client_readable, c);
	if (c->address == NULL || client_tick_start() == -1 ||
	    event_add(&c->ev, NULL) == -1)
		return (client_new_failed(c));
	listener_ref(l);
	LIST_INSERT_HEAD(&wheel[0], c, wheel);
	nclients++;
	counters.connections = nclients;
	counters.connections_total++;
	client_make_room();
	client_state(c, CLIENT_HEAD);
	return (0);
}

static void
rate_wake(void)
{
	static const struct timeval	soon = { 0, RATE_TICK_US };

	if (!event_pending(rate_event, EV_TIMEOUT, NULL))
		event_add(rate_event, &soon);
}

void
client_pause(struct client *c, uint8_t why)
{
	if (c->state == CLIENT_DEAD)
		return;		/* link is in another list */
	if (c->paused == 0)
		event_del(&c->ev);
	/* These are for who is read, so for who is in no list. */
	if (why & (PAUSE_RATE | PAUSE_ROUTER)) {
		c->flags |= CLIENT_LISTED;
		if (why & PAUSE_ROUTER)
			TAILQ_INSERT_TAIL(&stalled, c, link);
		else {
			TAILQ_INSERT_TAIL(&slowed, c, link);
			rate_wake();
		}
	}
	c->paused |= why;
}

void
client_resume(struct client *c, uint8_t why)
{
	uint8_t	before = c->paused;

	c->paused &= (uint8_t)~why;
	if (before == 0 || c->paused != 0 || c->state == CLIENT_DEAD)
		return;
	if (event_add(&c->ev, NULL) == -1) {
		client_no_memory(c);
		return;
	}
	client_input_more(c, NULL, 0);
}

void
client_ease(struct client *c)
{
	event_active(&c->ev, EV_WRITE, 0);
}

/*
 * Looks again at all that were too fast.  Who still has to wait keeps his
 * place, so that of those who share a rate each has his turn.
 */
static void
rate_tick(int fd, short what, void *arg)
{
	struct client	*c;

	(void)fd;
	(void)what;
	(void)arg;
	/* What one says may cut off others, which leave the list then. */
	for (c = TAILQ_FIRST(&slowed); c != NULL; c = slowed_next) {
		slowed_next = TAILQ_NEXT(c, link);
		if (c->state == CLIENT_OPEN && websocket_waits(c))
			continue;
		client_unlist(c);
		client_resume(c, PAUSE_RATE);
	}
	if (!TAILQ_EMPTY(&slowed))
		rate_wake();
}

/* Who is paused again meanwhile comes after all who were before. */
void
client_resume_router(void)
{
	struct client	*c;
	unsigned int	 n = 0;

	if (TAILQ_EMPTY(&stalled))
		return;
	TAILQ_FOREACH(c, &stalled, link)
		n++;
	while (n-- > 0 && (c = TAILQ_FIRST(&stalled)) != NULL) {
		client_unlist(c);
		client_resume(c, PAUSE_ROUTER);
	}
	loop_soon();	/* what they had left over is to be sent on */
}

/* Nothing more is wanted from it but its end: listen for that. */
static void
client_unpause(struct client *c)
{
	free(c->leftover);
	c->leftover = NULL;
	client_unlist(c);
	client_resume(c, UINT8_MAX);
}

void
client_closing(struct client *c)
{
	client_state(c, CLIENT_CLOSING);
	client_unpause(c);
}

void
client_end(struct client *c)
{
	if (c->state == CLIENT_DEAD)
		return;
	if (c->state != CLIENT_ENDING) {
		client_state(c, CLIENT_ENDING);
		client_unpause(c);
	}
	if (c->output == NULL && !(c->flags & CLIENT_FIN)) {
		c->flags |= CLIENT_FIN;
		shutdown(c->fd, SHUT_WR);
	}
}

void
client_kill(struct client *c)
{
	if (c->state == CLIENT_DEAD)
		return;
	client_state(c, CLIENT_DEAD);
	event_del(&c->ev);
	TAILQ_INSERT_TAIL(&dead, c, link);
	loop_soon();
}

void
client_no_memory(struct client *c)
{
	static struct log_limit	limit = { 1, 60, 0, 0, 0 };

	counters.no_memory_total++;
	if (log_allowed(&limit))
		log_warnx("client %llu: out of memory, closed",
		    (unsigned long long)c->id);
	client_kill(c);
}

void
client_depart(struct client *c)
{
	if (c->id == 0)
		return;
	channel_leave(c);
	idmap_del(&ids, c->id);
	child_event(EVENT_CLIENT_CLOSE, c->id, "messages=%llu bytes=%llu",
	    (unsigned long long)c->messages_in,
	    (unsigned long long)c->bytes_in);
	c->id = 0;
}

void
client_reap(void)
{
	struct client	*c;

	while ((c = TAILQ_FIRST(&dead)) != NULL) {
		TAILQ_REMOVE(&dead, c, link);
		client_depart(c);
		ask_forget(c);
		files_forget(c);
		output_free(c);
		websocket_free(c);
		LIST_REMOVE(c, wheel);
		free(c->leftover);
		free(c->upgrade);
		source_unref(c->origin);
		source_unref(c->address);
		listener_unref(c->listener);
		close(c->fd);
		free(c);
		counters.connections = --nclients;
		listener_resume();
	}
}

static void
client_away(struct client *c, void *arg)
{
	(void)arg;
	if (c->state == CLIENT_OPEN)
		websocket_close(c, WS_CODE_GOING_AWAY, "nwsd is stopping");
	else if (c->state == CLIENT_SENDING)
		files_away(c);
	else if (c->state == CLIENT_HEAD || c->state == CLIENT_JOINING ||
	    c->state == CLIENT_WAITING)
		request_fail(c, 503, "nwsd is stopping.");
}

void
client_shutdown(void)
{
	listener_close_all();
	client_each(client_away, NULL);
}
