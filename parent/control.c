/*
 * The control socket: connections of nwsctl(8), what they may ask, and what
 * waits to be sent to them.  Runs in the parent.  Who could connect (mode of
 * the socket) may look; only root and the user that runs nwsd may change
 * anything, by the credentials that the kernel gives.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>
#include <time.h>
#include <unistd.h>

#include "common/imsg.h"
#include "common/log.h"
#include "parent/parent.h"

#define ROWS_MAX (64u * 1024u * 1024u) /* bytes that wait, of rows */
#define EVENTS_MAX (1024u * 1024u)     /* of events */
#define ACCEPT_MAX 16                  /* for each turn */

/* One connection. */
struct ctl {
	TAILQ_ENTRY(ctl) entry;
	struct pipe *pipe; /* paused while asked, or when much waits */
	int asked;	   /* a request is open */
	int may_change;
	int monitor;
	uint64_t missed; /* events since it fell behind */
};

static struct {
	TAILQ_HEAD(, ctl) ctls;
	unsigned int count;
	unsigned int monitors;
	uint64_t refused;
	struct sockaddr_un addr;
	struct unix_file file;
	int fd;
	struct event *event, *again;
} control = { .ctls = TAILQ_HEAD_INITIALIZER(control.ctls), .fd = -1 };

static pipe_handler asked_show, asked_monitor, asked_reload, asked_log,
    asked_console, asked_close, asked_origin, asked_peer, asked_trip;

static const struct pipe_phase phase = { "control",
	{ [MSG_CTL_SHOW] = asked_show,
	    [MSG_CTL_MONITOR] = asked_monitor,
	    [MSG_CTL_RELOAD] = asked_reload,
	    [MSG_CTL_LOG] = asked_log,
	    [MSG_CTL_CONSOLE] = asked_console,
	    [MSG_CTL_CLOSE] = asked_close,
	    [MSG_CTL_ORIGIN] = asked_origin,
	    [MSG_CTL_PEER] = asked_peer,
	    [MSG_CTL_TRIP] = asked_trip } };

int
control_monitored(void)
{
	return (control.monitors > 0);
}

unsigned int
control_connections(void)
{
	return (control.count);
}

uint64_t
control_refused(void)
{
	return (control.refused);
}

/* Monitoring costs the children something, so they are told when it ends. */
static void
count_monitor(int by)
{
	uint32_t on, before = control_monitored();

	control.monitors += (unsigned int)by;
	on = control_monitored();
	if (on != before)
		processes_send(P_CHILDREN, MSG_MONITOR, 0, &on, sizeof(on));
}

static void
ctl_free(struct ctl *c)
{
	TAILQ_REMOVE(&control.ctls, c, entry);
	control.count--;
	request_forget(c);
	reload_forget(c);
	if (c->monitor)
		count_monitor(-1);
	pipe_free(c->pipe);
	free(c);
}

static void
ctl_closed(struct pipe *pipe, const char *why)
{
	if (why != NULL)
		log_warnx("control: connection closed: %s", why);
	ctl_free(pipe_arg(pipe));
}

/* What happens on a full memory: the connection has no use any more. */
static void
ctl_send(struct ctl *c, uint32_t type, const void *data, size_t len,
    const void *tail, size_t tail_len)
{
	if (imsg_send2(
		pipe_imsg(c->pipe), type, 0, data, len, tail, tail_len) == -1) {
		log_warn("control: %s", msg_name(type));
		shutdown(imsgbuf_fd(pipe_imsg(c->pipe)), SHUT_RDWR);
	}
	loop_soon();
}

/* Who does not read his answers cannot ask for more. */
static void
pause_reading(struct ctl *c)
{
	pipe_pause(c->pipe,
	    c->asked || imsg_queued(pipe_imsg(c->pipe)) > EVENTS_MAX);
}

/* Until ctl_done(). */
static void
ctl_wait(struct ctl *c)
{
	c->asked = 1;
	pause_reading(c);
}

void
ctl_done(struct ctl *c, uint32_t code, const char *fmt, ...)
{
	char text[MSG_ROW_MAX + 1];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	if ((size_t)n >= sizeof(text))
		n = sizeof(text) - 1;
	ctl_send(c, MSG_CTL_DONE, &code, sizeof(code), text, (size_t)n);
	c->asked = 0;
	pause_reading(c);
}

int
ctl_row(struct ctl *c, const void *row, size_t len)
{
	if (imsg_queued(pipe_imsg(c->pipe)) > ROWS_MAX)
		return (-1);
	ctl_send(c, MSG_CTL_ROW, row, len, NULL, 0);
	return (0);
}

void
control_event_relay(const void *data, size_t len)
{
	struct ctl *c;

	TAILQ_FOREACH(c, &control.ctls, entry) {
		if (!c->monitor)
			continue;
		if (c->missed > 0 ||
		    imsg_queued(pipe_imsg(c->pipe)) > EVENTS_MAX)
			c->missed++;
		else
			ctl_send(c, MSG_CTL_EVENT, data, len, NULL, 0);
	}
}

/* Fills in an event of the parent; returns its length with the text. */
static size_t __attribute__((__format__(printf, 3, 0)))
make_event(char buf[sizeof(struct msg_event) + MSG_ROW_MAX], uint32_t kind,
    const char *fmt, va_list ap)
{
	struct msg_event e;
	struct timespec ts;
	int n;

	memset(&e, 0, sizeof(e));
	clock_gettime(CLOCK_REALTIME, &ts);
	e.time_ms = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	e.kind = kind;
	e.process = P_PARENT;
	memcpy(buf, &e, sizeof(e));
	n = vsnprintf(buf + sizeof(e), MSG_ROW_MAX, fmt, ap);
	if (n < 0)
		n = 0;
	if ((size_t)n >= MSG_ROW_MAX)
		n = MSG_ROW_MAX - 1;
	return (sizeof(e) + (size_t)n);
}

void
control_event(uint32_t kind, const char *fmt, ...)
{
	char buf[sizeof(struct msg_event) + MSG_ROW_MAX];
	va_list ap;
	size_t len;

	if (!control_monitored())
		return;
	va_start(ap, fmt);
	len = make_event(buf, kind, fmt, ap);
	va_end(ap);
	control_event_relay(buf, len);
}

/* A reader that has caught up is told how much it missed. */
static void __attribute__((__format__(printf, 2, 3)))
tell_missed(struct ctl *c, const char *fmt, ...)
{
	char buf[sizeof(struct msg_event) + MSG_ROW_MAX];
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	len = make_event(buf, EVENT_MISSED, fmt, ap);
	va_end(ap);
	ctl_send(c, MSG_CTL_EVENT, buf, len, NULL, 0);
}

void
control_flush(void)
{
	struct ctl *c;

	TAILQ_FOREACH(c, &control.ctls, entry) {
		if (c->missed > 0 &&
		    imsg_queued(pipe_imsg(c->pipe)) < EVENTS_MAX / 2) {
			tell_missed(
			    c, "events=%llu", (unsigned long long)c->missed);
			c->missed = 0;
		}
		pipe_flush(c->pipe);
		pause_reading(c);
	}
}

/* Requests. */

static int
may_change(struct ctl *c)
{
	if (!c->may_change)
		ctl_done(c, 1,
		    "only root and the user that runs nwsd may do "
		    "this");
	return (c->may_change);
}

static void
asked_show(struct pipe *pipe, struct imsg *m)
{
	const struct asker from = { pipe_arg(pipe), NULL, 0 };
	struct msg_show show;

	memcpy(&show, m->data, sizeof(show));
	if (show.what >= SHOW_WHATS) {
		ctl_done(pipe_arg(pipe), 1,
		    "there is nothing like that to "
		    "show");
		return;
	}
	ctl_wait(pipe_arg(pipe));
	request_rows(&from, ASK_BIT(show.what));
}

static void
asked_monitor(struct pipe *pipe, struct imsg *m)
{
	struct ctl *c = pipe_arg(pipe);

	(void)m;
	if (!c->monitor)
		count_monitor(1);
	c->monitor = 1;
}

static void
asked_reload(struct pipe *pipe, struct imsg *m)
{
	(void)m;
	if (!may_change(pipe_arg(pipe)))
		return;
	ctl_wait(pipe_arg(pipe));
	reload_begin(pipe_arg(pipe));
}

static void
asked_log(struct pipe *pipe, struct imsg *m)
{
	uint32_t level;

	if (!may_change(pipe_arg(pipe)))
		return;
	memcpy(&level, m->data, sizeof(level));
	level = level != 0;
	log_verbose((int)level);
	log_info("log is %s", level ? "verbose" : "brief");
	processes_send(P_CHILDREN, MSG_LOG_LEVEL, 0, &level, sizeof(level));
	ctl_done(pipe_arg(pipe), 0, "%s", "");
}

static void
asked_console(struct pipe *pipe, struct imsg *m)
{
	(void)m;
	console_where(pipe_arg(pipe));
}

static void
asked_close(struct pipe *pipe, struct imsg *m)
{
	const struct asker from = { pipe_arg(pipe), NULL, 0 };
	uint64_t id;

	if (!may_change(pipe_arg(pipe)))
		return;
	memcpy(&id, m->data, sizeof(id));
	ctl_wait(pipe_arg(pipe));
	request_close_client(&from, id);
}

static void
asked_origin(struct pipe *pipe, struct imsg *m)
{
	const struct asker from = { pipe_arg(pipe), NULL, 0 };
	struct msg_origin ask;

	if (!may_change(pipe_arg(pipe)))
		return;
	memcpy(&ask, m->data, sizeof(ask));
	origins_change(&from, &ask,
	    (const char *)m->data + sizeof(ask), m->hdr.len - sizeof(ask));
}

static void
asked_peer(struct pipe *pipe, struct imsg *m)
{
	uint32_t verb;

	if (!may_change(pipe_arg(pipe)))
		return;
	memcpy(&verb, m->data, sizeof(verb));
	peers_change(pipe_arg(pipe), verb,
	    (const char *)m->data + sizeof(verb), m->hdr.len - sizeof(verb));
}

static void
asked_trip(struct pipe *pipe, struct imsg *m)
{
	struct ctl *c = pipe_arg(pipe);
	struct process *p;
	struct msg_trip trip;

	if (!may_change(c))
		return;
	memcpy(&trip, m->data, sizeof(trip));
	p = process_find_instance(trip.process, trip.instance);
	if (p == NULL || p->pipe == NULL || trip.call >= TRIPS) {
		ctl_done(c, 1, "there is no such %s",
		    trip.call >= TRIPS ? "call" : "process");
		return;
	}
	log_info("%s: asked to break out of its sandbox", process_text(p));
	process_send(p, MSG_TRIP, 0, -1, &trip.call, sizeof(trip.call));
	ctl_done(c, 0, "%s", "");
}

/* Connections. */

static struct ctl *
ctl_new(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	struct imsgbuf *ib;
	struct ctl *c;

	if ((c = calloc(1, sizeof(*c))) == NULL ||
	    (ib = imsgbuf_new(fd, P_PARENT, P_CTL, 0)) == NULL) {
		close(fd);
		free(c);
		return (NULL);
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
		c->may_change = cred.uid == 0 || cred.uid == geteuid();
	if ((c->pipe = pipe_new(ib, &phase, ctl_closed, c)) == NULL) {
		free(c);
		return (NULL);
	}
	TAILQ_INSERT_TAIL(&control.ctls, c, entry);
	control.count++;
	return (c);
}

static void
ctl_accept(int fd)
{
	struct ctl *c = ctl_new(fd);

	if (c == NULL) {
		log_warnx("control: out of memory");
		return;
	}
	if (control.count <= CONTROL_MAX)
		return;
	control.refused++;
	ctl_done(c, 1, "too many connections");
	pipe_flush(c->pipe);
	ctl_free(c);
}

static void
accept_again(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	event_add(control.event, NULL);
}

static void
accept_ready(int fd, short what, void *arg)
{
	static const struct timeval pause = { 1, 0 };
	int i, s;

	(void)what;
	(void)arg;
	for (i = 0; i < ACCEPT_MAX; i++) {
		s = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (s != -1) {
			ctl_accept(s);
			continue;
		}
		if (errno != EMFILE && errno != ENFILE && errno != ENOMEM &&
		    errno != ENOBUFS)
			return;
		/* It would be reported as ready for ever. */
		log_warn("control: accept");
		event_del(control.event);
		evtimer_add(control.again, &pause);
		return;
	}
}

/* The socket. */

int
control_path(const struct conf *conf, char *buf, size_t size, char why[WHY_MAX])
{
	if (conf->control == NULL) {
		if (conf_control_path(buf, size) == 0)
			return (0);
	} else if (strlcpy(buf, conf->control, size) < size)
		return (0);
	snprintf(why, WHY_MAX, "control: path too long");
	return (-1);
}

/*
 * The directory of the default path, which in /tmp another may have made first
 * to be in between.
 */
static int
make_directory(const char *path, char why[WHY_MAX])
{
	struct stat st;
	char dir[PATH_MAX];
	mode_t old;
	int made;

	strlcpy(dir, path, sizeof(dir));
	*strrchr(dir, '/') = '\0';
	/* Of root's, the mode of the socket says who may connect. */
	old = umask(022);
	made = mkdir(dir, geteuid() == 0 ? 0755 : 0700);
	umask(old);
	if (made == -1 && errno != EEXIST) {
		snprintf(why, WHY_MAX, "control: %.200s: %s", dir,
		    strerror(errno));
		return (-1);
	}
	if (lstat(dir, &st) == -1 || !S_ISDIR(st.st_mode) ||
	    st.st_uid != geteuid() || (st.st_mode & 022) != 0) {
		snprintf(why, WHY_MAX, "control: %.200s: must be a directory "
		    "that belongs to user %lu and that nobody else can write "
		    "to", dir, (unsigned long)geteuid());
		return (-1);
	}
	return (0);
}

int
control_open(const struct conf *conf, char why[WHY_MAX])
{
	char reason[WHY_MAX];

	control.addr.sun_family = AF_UNIX;
	if (control_path(conf, control.addr.sun_path,
		sizeof(control.addr.sun_path), why) == -1 ||
	    (conf->control == NULL &&
	    make_directory(control.addr.sun_path, why) == -1))
		return (-1);
	control.fd = unix_open(
	    &control.addr, conf->control_mode, NULL, &control.file, reason);
	if (control.fd != -1)
		return (0);
	snprintf(why, WHY_MAX, "control: %.*s", WHY_MAX - 20, reason);
	return (-1);
}

void
control_listen_again(void)
{
	unix_listen_again(control.fd);
}

void
control_start(void)
{
	control.again = evtimer_new(loop_base(), accept_again, NULL);
	control.event = event_new(
	    loop_base(), control.fd, EV_READ | EV_PERSIST, accept_ready, NULL);
	if (control.again == NULL || control.event == NULL ||
	    event_add(control.event, NULL) == -1)
		fatalx("control: out of memory");
}

void
control_close(void)
{
	struct ctl *c;

	control_flush();
	while ((c = TAILQ_FIRST(&control.ctls)) != NULL)
		ctl_free(c);
	if (control.event != NULL)
		event_free(control.event);
	if (control.again != NULL)
		event_free(control.again);
	control.event = control.again = NULL;
	if (control.fd == -1)
		return;
	close(control.fd);
	control.fd = -1;
	unix_remove(control.addr.sun_path, &control.file);
}
