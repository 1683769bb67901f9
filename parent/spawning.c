/*
 * The process table, and how a process of it comes to be: a socketpair, fork
 * and execution of this same binary, its configuration, and pipes between it
 * and the others.  Runs in the parent; trusts its own binary alone.
 */
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/imsg.h"
#include "common/log.h"
#include "parent/parent.h"

#define CHILD_FD 3               /* child.h: the pipe to the parent */
#define SPARE_FD 10              /* first that is not 0 to 3 in a child */
#define PIPE_BYTES (1024 * 1024) /* socket buffer between processes */
#define QUEUE_MAX (16u << 20)    /* bytes that a child has not read */
#define AGAIN_S 1                /* until what could not be started is */

#ifndef __linux__
extern char **environ;
#endif

static int binary_fd = -1;
static const char *binary_path;
static struct event *start_again; /* what could not be started */

/*
 * An upgrade replaces the file while this process runs; a restarted child must
 * be the same version as the others, so it is executed by its descriptor.
 */
void
spawning_init(const char *argv0)
{
	int fd;

	binary_path = argv0;
#ifdef __linux__
	if ((fd = open("/proc/self/exe", O_PATH | O_CLOEXEC)) == -1) {
		log_debug("/proc/self/exe: %s", strerror(errno));
		return;
	}
	binary_fd = fcntl(fd, F_DUPFD_CLOEXEC, SPARE_FD);
	close(fd);
#else
	(void)fd;
#endif
}

/* One more row of the table, in the order of the start. */
static struct process *
add_process(uint32_t kind, uint32_t instance)
{
	struct process *p = &parent.processes[parent.n_processes++];

	p->kind = kind;
	p->instance = instance;
	p->statm = -1;
	p->wanted = 1;
	p->late = evtimer_new(loop_base(), supervision_late, p);
	if (p->late == NULL)
		fatalx("process table: out of memory");
	return (p);
}

static void
start_missing(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (!parent.stopping)
		processes_start();
}

void
processes_init(const struct conf *conf)
{
	uint32_t i;

	parent.processes = calloc(PROCESSES_MAX, sizeof(*parent.processes));
	start_again = evtimer_new(loop_base(), start_missing, NULL);
	if (parent.processes == NULL || start_again == NULL)
		fatal("process table");
	add_process(P_ROUTER, 0);
	if (conf->link) {
		add_process(P_CRYPTO, 0);
		add_process(P_DISCOVERY, 0);
	}
	for (i = 0; i < conf->prefork; i++)
		add_process(P_FRONTEND, i);
	add_process(P_FILES, 0)->wanted = !TAILQ_EMPTY(&conf->files);
}

size_t
processes_wanted(void)
{
	size_t i, n = 0;

	for (i = 0; i < parent.n_processes; i++)
		n += parent.processes[i].wanted != 0;
	return (n);
}

void
processes_files(const struct conf *conf, int changed)
{
	struct process *p = process_find_instance(P_FILES, 0);

	p->wanted = !TAILQ_EMPTY(&conf->files);
	if (!changed || p->pid == 0)
		return;
	/* Its sandbox lets it read what it was started with. */
	log_debug("%s: ended, for other directories", process_text(p));
	p->killed = p->replaced = 1;
	kill(p->pid, SIGKILL);
}

struct process *
process_find_instance(uint32_t kind, uint32_t instance)
{
	size_t i;

	for (i = 0; i < parent.n_processes; i++) {
		if (parent.processes[i].kind == kind &&
		    parent.processes[i].instance == instance)
			return (&parent.processes[i]);
	}
	return (NULL);
}

int
process_is_ready(const struct process *p)
{
	return (p->pid != 0 && !p->replaced && p->owes == 0);
}

const char *
process_text(const struct process *p)
{
	static char text[32];

	snprintf(
	    text, sizeof(text), "%s[%u]", process_name(p->kind), p->instance);
	return (text);
}

/* The command line of a child, as options.c reads it. */
static void
child_arguments(const struct process *p, const char *argv[12])
{
	static char instance[16];
	int n = 0;

	snprintf(instance, sizeof(instance), "%u", p->instance);
	argv[n++] = "nwsd";
	argv[n++] = "-F";
	argv[n++] = process_name(p->kind);
	argv[n++] = "-i";
	argv[n++] = instance;
	if (geteuid() == 0) {
		argv[n++] = "-u";
		argv[n++] = privileges_user(parent.conf);
		argv[n++] = "-c";
		argv[n++] = privileges_chroot(parent.conf);
	}
	if (log_is_verbose())
		argv[n++] = "-v";
	argv[n] = NULL;
}

/*
 * After fork: descriptors into place, then the binary.  Everything else is
 * closed by exec.  What was ignored stays so: a terminal's ^C goes to all
 * processes, but it is the parent that ends the others.
 */
static void __attribute__((__noreturn__))
child_execute(const char *const *argv, int fd, int log_fd)
{
	sigset_t none;
	int dev_null, out = log_fd != -1 ? log_fd : STDERR_FILENO;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (dup2(out, STDOUT_FILENO) == -1 ||
	    (out != STDERR_FILENO && dup2(out, STDERR_FILENO) == -1))
		_exit(1);
	if ((dev_null = open("/dev/null", O_RDWR | O_CLOEXEC)) != -1)
		dup2(dev_null, STDIN_FILENO);
	if (dup2(fd, CHILD_FD) == -1)
		_exit(1);
#ifdef __linux__
	if (binary_fd != -1)
		fexecve(binary_fd, (char *const *)(uintptr_t)argv, environ);
#endif
	execvp(binary_path, (char *const *)(uintptr_t)argv);
	dprintf(STDERR_FILENO, "nwsd: %s: %s\n", binary_path, strerror(errno));
	_exit(1);
}

static void
pair_close(int pair[2])
{
	if (pair[0] != -1)
		close(pair[0]);
	if (pair[1] != -1)
		close(pair[1]);
	pair[0] = pair[1] = -1;
}

/* A pair of which no end is 0 to 3, so that a child can move them freely. */
static int
pair_new(int pair[2])
{
	int raw[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		raw) == -1)
		return (-1);
	pair[0] = fcntl(raw[0], F_DUPFD_CLOEXEC, SPARE_FD);
	pair[1] = fcntl(raw[1], F_DUPFD_CLOEXEC, SPARE_FD);
	close(raw[0]);
	close(raw[1]);
	if (pair[0] != -1 && pair[1] != -1)
		return (0);
	pair_close(pair);
	return (-1);
}

/*
 * /proc/PID belongs to the child's user once that has changed, and may then be
 * hidden from us (hidepid); opened now it can be read later.
 */
int
statm_open(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/statm", (long)pid);
	return (open(path, O_RDONLY | O_CLOEXEC));
}

static void
process_born(struct process *p, pid_t pid, int fd, int log_fd)
{
	struct imsgbuf *ib;

	p->pid = pid;
	p->fresh = 1;
	p->owes = 0;
	p->killed = p->replaced = 0;
	p->starts++;
	p->born_ms = loop_now_ms();
	p->statm = statm_open(pid);
	if ((ib = imsgbuf_new(fd, P_PARENT, p->kind, 0)) == NULL)
		fatal("%s", process_text(p));
	p->pipe = pipe_new(ib, &supervision_phase, supervision_pipe_closed, p);
	if (p->pipe == NULL)
		fatalx("%s: out of memory", process_text(p));
	if (log_fd != -1 && (p->relay = relay_new(log_fd)) == NULL)
		log_warnx(
		    "%s: its log is lost: out of memory", process_text(p));
	log_debug("%s: started, pid %ld", process_text(p), (long)pid);
}

/* Returns 0, or -1 where the system has no room for it now. */
static int
process_spawn(struct process *p)
{
	const char *argv[12];
	int pair[2], log_pair[2] = { -1, -1 };
	pid_t pid = -1;

	if (pair_new(pair) == -1)
		return (-1);
	child_arguments(p, argv);
	if ((parent.daemonised && pair_new(log_pair) == -1) ||
	    (pid = fork()) == -1) {
		pair_close(pair);
		pair_close(log_pair);
		return (-1);
	}
	if (pid == 0)
		child_execute(argv, pair[1], log_pair[1]);
	close(pair[1]);
	if (log_pair[1] != -1)
		close(log_pair[1]);
	process_born(p, pid, pair[0], log_pair[0]);
	return (0);
}

/* One that is missing is no reason to end the others and their clients. */
static void
spawn_later(const struct process *p)
{
	const struct timeval tv = { AGAIN_S, 0 };

	if (!parent.served)
		fatal("%s: cannot be started", process_text(p));
	log_warn("%s: cannot be started now", process_text(p));
	evtimer_add(start_again, &tv);
}

void
process_bury(struct process *p)
{
	event_del(p->late);
	pipe_free(p->pipe);
	p->pipe = NULL;
	relay_free(p->relay);
	p->relay = NULL;
	if (p->statm != -1)
		close(p->statm);
	p->statm = -1;
	p->pid = 0;
	p->owes = 0;
}

void
process_kill(struct process *p, const char *why)
{
	if (p->pid == 0 || p->killed)
		return;
	p->killed = 1;
	log_warnx("%s: killed: %s", process_text(p), why);
	kill(p->pid, SIGKILL);
}

void
process_send(struct process *p, uint32_t type, uint32_t number, int fd,
    const void *data, size_t len)
{
	if (p->pipe == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	if (imsg_send(pipe_imsg(p->pipe), type, number, fd, data, len) == -1) {
		log_warn("%s: %s", process_text(p), msg_name(type));
		process_kill(p, "cannot be told what it has to know");
	} else if (imsg_queued(pipe_imsg(p->pipe)) > QUEUE_MAX)
		process_kill(p, "does not read its pipe");
	loop_soon();
}

void
processes_send(uint32_t kinds, uint32_t type, uint32_t number, const void *data,
    size_t len)
{
	size_t i;

	for (i = 0; i < parent.n_processes; i++) {
		if ((parent.processes[i].kind & kinds) != 0)
			process_send(
			    &parent.processes[i], type, number, -1, data, len);
	}
}

void
process_send_grants(struct process *p)
{
	char *text = grants_print(&parent.grants);

	if (text == NULL) {
		log_warnx("grants: out of memory");
		return;
	}
	process_send(p, MSG_GRANTS, 0, -1, text, strlen(text));
	free(text);
}

static void
send_listeners(struct process *p, const struct listeners *list)
{
	const struct listener *l;
	struct msg_listener m;
	int fd;

	TAILQ_FOREACH(l, list, entry) {
		if (l->fd == -1)
			continue;
		if ((fd = fcntl(l->fd, F_DUPFD_CLOEXEC, 0)) == -1)
			fatal("%s: listener", process_text(p));
		m.index = l->index;
		process_send(p, MSG_LISTENER, 0, fd, &m, sizeof(m));
	}
}

void
process_send_conf(struct process *p)
{
	const struct timeval tv = { READY_S, 0 };
	const struct conf_texts *texts = &parent.conf_texts;
	const char *text = p->kind == P_CRYPTO ? texts->secret :
	    p->kind == P_FRONTEND	       ? texts->token :
						 texts->plain;
	uint32_t port = link_port();

	process_send(p, MSG_CONF, 0, -1, text, strlen(text));
	switch (p->kind) {
	case P_FRONTEND:
		send_listeners(p, &parent.listeners);
		process_send_grants(p);
		if (p->fresh)
			console_send_token(p);
		break;
	case P_CRYPTO:
		send_listeners(p, &parent.link_listeners);
		/* A key stays as long as its process. */
		if (p->fresh)
			identity_send(p);
		break;
	case P_DISCOVERY:
		process_send(p, MSG_LINK_PORT, 0, -1, &port, sizeof(port));
		peers_send(p);
		resolver_send(p);
		break;
	case P_FILES:
		directories_send(p);
		break;
	default:
		break;
	}
	process_send(p, MSG_CONF_END, 0, -1, NULL, 0);
	if (!p->fresh)
		p->owes++;
	evtimer_add(p->late, &tv);
}

/* As large as root or the system's limit allows. */
static void
set_buffers(int fd)
{
	int n = PIPE_BYTES;

#ifdef SO_SNDBUFFORCE
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &n, sizeof(n)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &n, sizeof(n)) == 0)
		return;
#endif
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n));
}

static void
wire(struct process *a, struct process *b)
{
	struct msg_pipe to_a = { b->kind, b->instance };
	struct msg_pipe to_b = { a->kind, a->instance };
	int pair[2];

	if (pair_new(pair) == -1)
		fatal("pipe for %s", process_text(a));
	set_buffers(pair[0]);
	set_buffers(pair[1]);
	process_send(a, MSG_PIPE, 0, pair[0], &to_a, sizeof(to_a));
	process_send(b, MSG_PIPE, 0, pair[1], &to_b, sizeof(to_b));
}

int
processes_wired(const struct process *a, const struct process *b)
{
	static const uint32_t pairs[] = { P_FRONTEND | P_ROUTER,
		P_CRYPTO | P_ROUTER, P_DISCOVERY | P_CRYPTO,
		P_FRONTEND | P_FILES };
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if ((a->kind | b->kind) == pairs[i])
			return (1);
	return (0);
}

/* What is new gets a pipe to all that it talks to; so do these to it. */
static void
wire_fresh(void)
{
	size_t i, j;

	for (i = 0; i < parent.n_processes; i++) {
		for (j = i + 1; j < parent.n_processes; j++) {
			struct process *a = &parent.processes[i];
			struct process *b = &parent.processes[j];

			if ((a->fresh || b->fresh) && a->pipe != NULL &&
			    b->pipe != NULL && processes_wired(a, b))
				wire(a, b);
		}
	}
}

void
processes_start(void)
{
	uint32_t monitored = control_monitored() ? 1 : 0;
	size_t i;

	for (i = 0; i < parent.n_processes; i++) {
		struct process *p = &parent.processes[i];

		if (p->pid != 0 || !p->wanted)
			continue;
		if (process_spawn(p) == -1) {
			spawn_later(p);
			continue;
		}
		process_send_conf(p);
		if (monitored)
			process_send(p, MSG_MONITOR, 0, -1, &monitored,
			    sizeof(monitored));
	}
	wire_fresh();
	for (i = 0; i < parent.n_processes; i++) {
		struct process *p = &parent.processes[i];

		if (!p->fresh)
			continue;
		process_send(p, MSG_START, 0, -1, NULL, 0);
		p->owes++;
		p->fresh = 0;
	}
}
