/*
 * The event loop of every process, and its pipes.  Run by every process; trusts
 * nothing that arrives in a pipe: imsg_get() judges each message, and the table
 * of the present phase says whether it may come now.
 *
 * A handler may do anything to its pipe, free it too; what it runs on is freed
 * only once it has returned.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imsg.h"
#include "log.h"
#include "loop.h"
#include "msg.h"

#define TRIM_S	1	/* a pipe gives memory back when idle for so long */

struct pipe {
	struct imsgbuf		*ib;
	const struct pipe_phase	*phase;
	void			(*closed)(struct pipe *, const char *);
	void			*arg;
	struct event		 readable, writable;
	struct event		 resumed;	/* fetch what was left */
	struct event		 died;		/* call closed */
	struct event		 idle;		/* see whether to trim */
	const char		*why;
	uint32_t		 type;		/* being handled */
	int			 handling;	/* within a handler */
	int			 freed;		/* by the handler */
	int			 dead;
	int			 paused;
	int			 pending;	/* messages left by a pause */
	int			 full;		/* waits to be writable */
	int			 busy;		/* since the last look */
	int			 watched;	/* idle is set */
};

static struct {
	struct event_base	*base;
	struct event		 soon;
	int			 running;
	int			 now_known;
	int64_t			 now_ms;
} loop;

static void
soon_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

struct event_base *
loop_init(void)
{
	struct event_config	*config;

	config = event_config_new();
	if (config == NULL || event_config_set_flag(config,
	    EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV) == -1)
		fatalx("event_config");
	loop.base = event_base_new_with_config(config);
	event_config_free(config);
	if (loop.base == NULL)
		fatalx("event_base_new_with_config");
	event_assign(&loop.soon, loop.base, -1, 0, soon_cb, NULL);
	return (loop.base);
}

struct event_base *
loop_base(void)
{
	return (loop.base);
}

void
loop_run(void (*turn_end)(void))
{
	loop.running = 1;
	while (loop.running) {
		loop.now_known = 0;
		if (event_base_loop(loop.base,
		    EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY) == -1)
			fatal("event_base_loop");
		turn_end();
	}
}

void
loop_quit(void)
{
	loop.running = 0;
	loop_soon();
}

static void
quit_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	loop_quit();
}

void
loop_quit_after(unsigned int seconds)
{
	const struct timeval	 tv = { .tv_sec = (time_t)seconds };

	if (event_base_once(loop.base, -1, EV_TIMEOUT, quit_cb, NULL,
	    &tv) == -1)
		loop_quit();
}

void
loop_soon(void)
{
	event_active(&loop.soon, EV_TIMEOUT, 0);
}

/*
 * The clock is read when it is first asked for in a turn, so after the wait;
 * loop_run() forgets the answer before the next.
 */
int64_t
loop_now_ms(void)
{
	struct timespec	 ts;

	if (!loop.now_known) {
		if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
			fatal("clock_gettime");
		loop.now_ms = (int64_t)ts.tv_sec * 1000 +
		    ts.tv_nsec / 1000000;
		loop.now_known = 1;
	}
	return (loop.now_ms);
}

uint32_t
loop_now_s(void)
{
	return ((uint32_t)(loop_now_ms() / 1000));
}

/* Takes all events away but the one that says that the pipe died. */
static void
pipe_silence(struct pipe *p)
{
	event_del(&p->readable);
	event_del(&p->writable);
	event_del(&p->resumed);
	event_del(&p->idle);
	p->watched = 0;
}

/* The owner hears of it in a callback of its own. */
static void
pipe_die(struct pipe *p, const char *why)
{
	if (p->dead)
		return;
	p->dead = 1;
	p->why = why;
	pipe_silence(p);
	event_active(&p->died, EV_TIMEOUT, 0);
}

static void
died_cb(evutil_socket_t fd, short what, void *arg)
{
	struct pipe	*p = arg;

	(void)fd;
	(void)what;
	p->closed(p, p->why);
}

void
pipe_violation(struct pipe *p, const char *why)
{
	static struct log_limit	 limit = { 5, 60, 0, 0, 0 };

	if (!p->dead && log_allowed(&limit))
		log_warnx("pipe to %s, phase %s: message %s (%u): %s",
		    process_name(imsgbuf_peer(p->ib)), p->phase->name,
		    msg_name(p->type), p->type, why);
	pipe_die(p, why);
}

static void
pipe_destroy(struct pipe *p)
{
	imsgbuf_free(p->ib);
	free(p);
}

void
pipe_free(struct pipe *p)
{
	if (p == NULL)
		return;
	p->dead = 1;
	pipe_silence(p);
	event_del(&p->died);
	p->freed = 1;
	if (!p->handling)
		pipe_destroy(p);
}

/* Sets the timer that looks for memory that an idle pipe holds. */
static void
pipe_watch(struct pipe *p)
{
	const struct timeval	 tv = { TRIM_S, 0 };

	p->busy = 1;
	if (p->watched || p->dead)
		return;
	if (event_add(&p->idle, &tv) == 0)
		p->watched = 1;
}

static void
idle_cb(evutil_socket_t fd, short what, void *arg)
{
	struct pipe	*p = arg;
	int		 busy = p->busy;

	(void)fd;
	(void)what;
	p->watched = 0;
	if (!busy)
		imsg_trim(p->ib);
	if (busy || imsg_memory(p->ib) > 0) {
		pipe_watch(p);
		p->busy = 0;
	}
}

static void
pipe_handle(struct pipe *p, struct imsg *m)
{
	pipe_handler	*handler;

	p->type = m->hdr.type;
	handler = p->phase->handler[m->hdr.type];
	if (handler == NULL) {
		if (m->fd != -1)
			evutil_closesocket(m->fd);
		pipe_violation(p, "not expected in this phase");
		return;
	}
	handler(p, m);
}

/* Hands out what was read, until a handler pauses, closes or frees the pipe. */
static void
pipe_fetch(struct pipe *p)
{
	struct imsg	 m;
	const char	*why;
	int		 r;

	p->handling = 1;
	p->pending = 1;
	while (!p->dead && !p->paused) {
		r = imsg_get(p->ib, &m, &why);
		if (r == 0) {
			p->pending = 0;
			break;
		}
		if (r == -1) {
			p->type = m.hdr.type;
			pipe_violation(p, why);
			break;
		}
		pipe_handle(p, &m);
	}
	p->handling = 0;
	if (p->freed)
		pipe_destroy(p);
}

static void
readable_cb(evutil_socket_t fd, short what, void *arg)
{
	struct pipe	*p = arg;

	(void)fd;
	(void)what;
	if (!p->pending) {
		switch (imsg_read(p->ib)) {
		case 0:
			return;
		case -1:
			pipe_die(p, errno == ENOMEM ? "out of memory" : NULL);
			return;
		}
	}
	pipe_watch(p);
	pipe_fetch(p);
}

static void
resumed_cb(evutil_socket_t fd, short what, void *arg)
{
	struct pipe	*p = arg;

	(void)fd;
	(void)what;
	if (p->pending)
		pipe_fetch(p);
}

static void
writable_cb(evutil_socket_t fd, short what, void *arg)
{
	struct pipe	*p = arg;

	(void)fd;
	(void)what;
	p->full = 0;
	pipe_flush(p);
}

struct pipe *
pipe_new(struct imsgbuf *ib, const struct pipe_phase *phase,
    void (*closed)(struct pipe *, const char *), void *arg)
{
	struct pipe	*p;
	int		 fd = imsgbuf_fd(ib);

	p = calloc(1, sizeof(*p));
	if (p == NULL) {
		imsgbuf_free(ib);
		return (NULL);
	}
	p->ib = ib;
	p->phase = phase;
	p->closed = closed;
	p->arg = arg;
	event_assign(&p->readable, loop.base, fd, EV_READ | EV_PERSIST,
	    readable_cb, p);
	event_assign(&p->writable, loop.base, fd, EV_WRITE, writable_cb, p);
	event_assign(&p->resumed, loop.base, -1, 0, resumed_cb, p);
	event_assign(&p->died, loop.base, -1, 0, died_cb, p);
	event_assign(&p->idle, loop.base, -1, 0, idle_cb, p);
	if (event_add(&p->readable, NULL) == -1) {
		pipe_destroy(p);
		return (NULL);
	}
	return (p);
}

void
pipe_phase(struct pipe *p, const struct pipe_phase *phase)
{
	p->phase = phase;
}

struct imsgbuf *
pipe_imsg(struct pipe *p)
{
	return (p->ib);
}

void *
pipe_arg(struct pipe *p)
{
	return (p->arg);
}

void
pipe_pause(struct pipe *p, int pause)
{
	if (p->dead || p->paused == (pause != 0))
		return;
	p->paused = pause != 0;
	if (p->paused) {
		event_del(&p->readable);
		event_del(&p->resumed);
		return;
	}
	if (event_add(&p->readable, NULL) == -1) {
		pipe_die(p, "event_add");
		return;
	}
	/* While handling, pipe_fetch() sees it by itself. */
	if (p->pending && !p->handling)
		event_active(&p->resumed, EV_TIMEOUT, 0);
}

void
pipe_flush(struct pipe *p)
{
	if (p->dead || p->full || imsg_queued(p->ib) == 0)
		return;
	pipe_watch(p);
	switch (imsg_flush(p->ib)) {
	case 1:
		if (event_add(&p->writable, NULL) == -1) {
			pipe_die(p, "event_add");
			return;
		}
		p->full = 1;
		break;
	case -1:
		pipe_die(p, NULL);
		break;
	}
}
