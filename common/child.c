/*
 * How every process but the parent starts, and what it says to the parent.
 * Run by the children, as whoever started nwsd until child_start() has dropped
 * that; trusts the command line and the parent.
 */
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <bsd/stdlib.h>
#include <bsd/unistd.h>
#endif

#include "child.h"
#include "conf.h"
#include "imsg.h"
#include "log.h"
#include "sandbox.h"
#include "ws.h"

#define PARENT_FD	3

/* Events are left out while so much waits for the parent to read it. */
#define EVENTS_QUEUED_MAX	((size_t)1024 * 1024)

struct child_options child_options;

static const struct child_process *process;
static struct pipe	*parent;
static struct conf	*conf;		/* of the last CONF_END */
static struct conf	*conf_next;	/* of a CONF after that */
static int		 started, monitored;

static void
parent_closed(struct pipe *p, const char *why)
{
	(void)p;
	/* Without why the parent has ended, and so does everything. */
	if (why != NULL)
		fatalx("pipe to the parent: %s", why);
	if (process->end == NULL)
		exit(0);
	process->end();
}

/* The parent decides when to end; ^C on a terminal is sent to every process. */
static void
ignore_signals(void)
{
	static const int	 ignored[] = { SIGINT, SIGTERM, SIGHUP,
				    SIGPIPE };
	struct sigaction	 sa;
	size_t			 i;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_IGN;
	sigemptyset(&sa.sa_mask);
	for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		if (sigaction(ignored[i], &sa, NULL) == -1)
			fatal("sigaction");
}

static void
set_nonblock(int fd)
{
	int	 flags;

	flags = fcntl(fd, F_GETFL);
	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		fatal("fcntl: descriptor %d", fd);
}

/*
 * Whether standard error is a socket that the parent made to read the log from.
 * It is ours alone then, so that it may be set nonblocking: a line is rather
 * lost than waited for.
 */
static int
log_is_relayed(void)
{
#ifdef __linux__
	struct ucred		 cred;
#else
	struct sockpeercred	 cred;
#endif
	socklen_t		 len = sizeof(cred);

	return (getsockopt(STDERR_FILENO, SOL_SOCKET, SO_PEERCRED, &cred,
	    &len) == 0 && cred.pid == getppid());
}

static void
start_log(void)
{
	static char	 name[32];
	int		 relayed;

	snprintf(name, sizeof(name), "%s[%u]",
	    process_name(child_options.process), child_options.instance);
	setproctitle("%s", name);
	relayed = log_is_relayed();
	log_init(name, 0, !relayed);
	log_verbose(child_options.verbose);
	if (relayed)
		set_nonblock(STDERR_FILENO);
}

static void
set_limits(void)
{
	struct rlimit	 rl = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &rl) == -1)
		fatal("setrlimit: core");
	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		fatal("getrlimit: descriptors");
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		log_warn("setrlimit: descriptors");
}

static void
drop_privileges(const char *user, const char *dir)
{
	struct passwd	*pw;

	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL)
		fatalx("user %s: %s", user,
		    errno != 0 ? strerror(errno) : "does not exist");
	if (dir == NULL)
		fatalx("user %s: no directory for chroot", user);
	if (chroot(dir) == -1)
		fatal("chroot: %s", dir);
	if (chdir("/") == -1)
		fatal("chdir: / in %s", dir);
	if (setgroups(0, NULL) == -1 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1)
		fatal("user %s: cannot become it", user);
}

/*
 * What libraries open at first use, and could not in the sandbox: OpenSSL reads
 * its configuration before its first hash.
 */
static void
warm_up(void)
{
	uint32_t seed = arc4random();

	(void)seed;
	if (child_options.process == P_FRONTEND && ws_init() == -1)
		fatalx("OpenSSL has no SHA-1");
}

/*
 * No memory of this process for others: neither in a file, nor for a process of
 * the same user.  Changing the uid sets this anew, so it comes after that.
 */
static void
hide_memory(void)
{
#if defined(__linux__) && !defined(NO_SANDBOX)
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		fatal("prctl: PR_SET_DUMPABLE");
#endif
}

void
child_start(const struct child_process *self)
{
	struct imsgbuf	*ib;

	process = self;
	start_log();
	set_limits();
	ignore_signals();
	if (fcntl(PARENT_FD, F_SETFD, FD_CLOEXEC) == -1)
		fatalx("only nwsd itself can start this process");
	closefrom(PARENT_FD + 1);
	set_nonblock(PARENT_FD);
	warm_up();
	if (child_options.user != NULL)
		drop_privileges(child_options.user, child_options.chroot);
	hide_memory();
	loop_init();
	sandbox_enter(child_options.process);
	ib = imsgbuf_new(PARENT_FD, child_options.process, P_PARENT, 1);
	if (ib == NULL)
		fatal("pipe to the parent");
	parent = pipe_new(ib, process->startup, parent_closed, NULL);
	if (parent == NULL)
		fatalx("pipe to the parent: out of memory");
}

struct pipe *
child_parent(void)
{
	return (parent);
}

/* The payload of a message whose row allows nothing but 4 bytes. */
static uint32_t
message_u32(const struct imsg *m)
{
	uint32_t	 v;

	memcpy(&v, m->data, sizeof(v));
	return (v);
}

void
child_log_level(struct pipe *p, struct imsg *m)
{
	(void)p;
	log_verbose(message_u32(m) != 0);
}

void
child_trip(struct pipe *p, struct imsg *m)
{
	uint32_t	 call = message_u32(m);

	if (call >= TRIPS) {
		pipe_violation(p, "no such call");
		return;
	}
	sandbox_trip(call);
	log_warnx("sandbox: forbidden call %u went through", call);
}

void
child_monitor(struct pipe *p, struct imsg *m)
{
	(void)p;
	monitored = message_u32(m) != 0;
}

static void
conf_report(const char *line, void *arg)
{
	(void)arg;
	log_warnx("%s", line);
}

/* The parent printed this tree from one that it had parsed. */
void
child_conf(struct pipe *p, struct imsg *m)
{
	struct conf	*new;

	(void)p;
	new = conf_parse("configuration from the parent", m->data,
	    m->hdr.len, NULL, NULL, NULL, conf_report, NULL);
	if (new == NULL)
		fatalx("configuration from the parent: not understood");
	conf_free(conf_next);
	conf_next = new;
}

static void
ready(void)
{
	if (imsg_send(pipe_imsg(parent), MSG_READY, 0, -1, NULL, 0) == -1)
		fatal("ready");
}

void
child_conf_end(struct pipe *p, struct imsg *m)
{
	struct conf	*old = conf;

	(void)m;
	if (conf_next == NULL) {
		pipe_violation(p, "the end of a configuration without one");
		return;
	}
	conf = conf_next;
	conf_next = NULL;
	process->configure(conf);
	conf_free(old);
	if (started)
		ready();
}

void
child_begin(struct pipe *p, struct imsg *m)
{
	(void)m;
	if (conf == NULL) {
		pipe_violation(p, "a start without a configuration");
		return;
	}
	started = 1;
	if (process->start != NULL)
		process->start();
	sandbox_tighten(child_options.process);
	pipe_phase(p, process->running);
	ready();
}

int
child_started(void)
{
	return (started);
}

struct imsgbuf *
child_take_pipe(struct pipe *p, struct imsg *m, uint32_t others,
    struct msg_pipe *mp)
{
	struct imsgbuf	*ib;
	int		 take_fds;

	memcpy(mp, m->data, sizeof(*mp));
	/* One bit, and one of those. */
	if (conf == NULL || mp->process == 0 || (mp->process & ~others) != 0 ||
	    (mp->process & (mp->process - 1)) != 0) {
		close(m->fd);
		m->fd = -1;
		pipe_violation(p, conf == NULL ? "no configuration yet" :
		    "pipe to a process that this one does not speak to");
		return (NULL);
	}
	set_nonblock(m->fd);
	/* The one that dials hands over what it connected. */
	take_fds = child_options.process == P_CRYPTO &&
	    mp->process == P_DISCOVERY;
	ib = imsgbuf_new(m->fd, child_options.process, mp->process, take_fds);
	if (ib == NULL)
		fatal("pipe to %s[%u]", process_name(mp->process),
		    mp->instance);
	m->fd = -1;
	return (ib);
}

void
child_stuck(uint32_t kind, uint32_t instance)
{
	const struct msg_pipe	 who = { kind, instance };

	if (imsg_send(pipe_imsg(parent), MSG_STUCK, 0, -1, &who,
	    sizeof(who)) == -1)
		log_warn("%s %u: cannot tell the parent", process_name(kind),
		    instance);
}

void
child_row(uint32_t ticket, uint32_t what, struct msg_row *row,
    size_t row_size, const void *tail, size_t tail_len)
{
	row->what = what;
	row->process = child_options.process;
	row->instance = child_options.instance;
	row->pad = 0;
	if (tail_len > MSG_ROW_MAX - row_size)
		tail_len = MSG_ROW_MAX - row_size;
	if (imsg_send2(pipe_imsg(parent), MSG_ROW, ticket, row, row_size,
	    tail, tail_len) == -1)
		log_warn("row of an answer");
}

void
child_row_counter(uint32_t ticket, const char *name, uint64_t value,
    int gauge)
{
	struct msg_row_counter	 row;

	memset(&row, 0, sizeof(row));
	row.value = value;
	row.gauge = gauge != 0;
	child_row(ticket, SHOW_SUMMARY, &row.row, sizeof(row), name,
	    strlen(name));
}

void
child_row_limit(uint32_t ticket, const char *name, uint64_t used,
    uint64_t max, uint64_t hits)
{
	struct msg_row_limit	 row;

	memset(&row, 0, sizeof(row));
	row.used = used;
	row.max = max;
	row.hits = hits;
	child_row(ticket, SHOW_LIMITS, &row.row, sizeof(row), name,
	    strlen(name));
}

void
child_row_end(uint32_t ticket)
{
	if (imsg_send(pipe_imsg(parent), MSG_ROW_END, ticket, -1, NULL,
	    0) == -1)
		log_warn("end of an answer");
}

int
child_monitored(void)
{
	return (monitored);
}

void
child_event(uint32_t kind, uint64_t id, const char *fmt, ...)
{
	static struct log_limit	 limit = { 1, 60, 0, 0, 0 };
	struct msg_event	 event;
	struct timespec		 ts;
	char			 text[MSG_ROW_MAX + 1];
	va_list			 ap;
	int			 n;

	if (!monitored)
		return;
	if (imsg_queued(pipe_imsg(parent)) > EVENTS_QUEUED_MAX) {
		if (log_allowed(&limit))
			log_warnx("monitor: events left out, too many");
		return;
	}
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || clock_gettime(CLOCK_REALTIME, &ts) == -1)
		return;
	if ((size_t)n > MSG_ROW_MAX)
		n = MSG_ROW_MAX;
	memset(&event, 0, sizeof(event));
	event.time_ms = (uint64_t)ts.tv_sec * 1000 +
	    (uint64_t)ts.tv_nsec / 1000000;
	event.id = id;
	event.kind = kind;
	event.process = child_options.process;
	event.instance = child_options.instance;
	if (imsg_send2(pipe_imsg(parent), MSG_EVENT, 0, &event, sizeof(event),
	    text, (size_t)n) == -1)
		log_warn("event");
}
