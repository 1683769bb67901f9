/*
 * Keeping the processes of the table alive: their deaths, their READY, signals
 * to the daemon, and its end.  Runs in the parent; a child that breaks a rule
 * is killed and started again, and never believed.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/imsg.h"
#include "common/log.h"
#include "parent/parent.h"

#define STOP_CLIENTS_S 2 /* for frontends to say goodbye */
#define STOP_LINKS_S 1   /* then, for the others to end by themselves */

static struct event *on_chld, *on_term, *on_int, *on_hup, *stop_timer;

static pipe_handler child_is_ready, child_says_stuck, child_event_seen;

const struct pipe_phase supervision_phase = { "running",
	{ [MSG_READY] = child_is_ready,
	    [MSG_STUCK] = child_says_stuck,
	    [MSG_ROW] = request_row,
	    [MSG_ROW_END] = request_row_end,
	    [MSG_CLOSE_DONE] = request_close_done,
	    [MSG_ASK] = console_asked,
	    [MSG_ASK_ORIGIN] = console_asked_origin,
	    [MSG_ASK_CLOSE] = console_asked_close,
	    [MSG_EVENT] = child_event_seen } };

static int
all_ready(void)
{
	size_t i;

	for (i = 0; i < parent.n_processes; i++) {
		if (parent.processes[i].wanted &&
		    !process_is_ready(&parent.processes[i]))
			return (0);
	}
	return (1);
}

static void
child_is_ready(struct pipe *pipe, struct imsg *m)
{
	struct process *p = pipe_arg(pipe);

	(void)m;
	if (p->owes == 0) {
		pipe_violation(pipe, "nothing was to be ready");
		return;
	}
	/* A reload may have come before the start was over. */
	if (--p->owes > 0)
		return;
	event_del(p->late);
	if (!all_ready() || parent.stopping)
		return;
	if (!parent.served) {
		parent.served = 1;
		log_info("ready");
		background_ready();
		notify_send("READY=1\nSTATUS=serving, %zu processes",
		    processes_wanted());
	}
	reload_ready();
}

/* It has not said READY for READY_S seconds. */
void
supervision_late(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	process_kill(arg, "does not take its configuration");
}

static void
child_says_stuck(struct pipe *pipe, struct imsg *m)
{
	const struct process *by = pipe_arg(pipe);
	struct process *p;
	struct msg_pipe mp;
	char why[64];

	memcpy(&mp, m->data, sizeof(mp));
	p = process_find_instance(mp.process, mp.instance);
	if (p == NULL || !processes_wired(p, by)) {
		pipe_violation(pipe, "no such process");
		return;
	}
	snprintf(why, sizeof(why), "does not read its pipe to the %s",
	    process_name(by->kind));
	process_kill(p, why);
}

static void
child_event_seen(struct pipe *pipe, struct imsg *m)
{
	const struct process *p = pipe_arg(pipe);
	struct msg_event e;

	memcpy(&e, m->data, sizeof(e));
	if (e.process != p->kind || e.instance != p->instance ||
	    e.kind >= EVENT_KINDS) {
		pipe_violation(pipe, "not an event of this process");
		return;
	}
	control_event_relay(m->data, m->hdr.len);
}

/* What a process owes us ends with its pipe, and so does the process. */
void
supervision_pipe_closed(struct pipe *pipe, const char *why)
{
	struct process *p = pipe_arg(pipe);

	p->pipe = NULL;
	pipe_free(pipe);
	request_process_gone(p);
	if (parent.stopping)
		return;
	if (why != NULL)
		process_kill(p, why);
	else
		kill(p->pid, SIGKILL);
}

static void
log_death(const struct process *p, int status)
{
	int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (sig == SIGSYS)
		log_warnx("%s: killed by SIGSYS: it made a system call that "
			  "its sandbox forbids",
		    process_text(p));
	else if (sig != 0)
		log_warnx("%s: killed by SIG%s", process_text(p),
		    sigabbrev_np(sig) != NULL ? sigabbrev_np(sig) : "?");
	else
		log_warnx("%s: exited with code %d", process_text(p),
		    WEXITSTATUS(status));
}

/* Returns whether this was one too many within DEATHS_S. */
static int
count_death(struct process *p)
{
	int64_t now = loop_now_ms(), oldest;

	p->deaths[p->n_deaths++ % DEATHS_MAX] = now;
	if (p->n_deaths < DEATHS_MAX)
		return (0);
	oldest = p->deaths[p->n_deaths % DEATHS_MAX];
	return (now - oldest <= DEATHS_S * 1000);
}

static struct process *
find_pid(pid_t pid)
{
	size_t i;

	for (i = 0; i < parent.n_processes; i++) {
		if (parent.processes[i].pid == pid)
			return (&parent.processes[i]);
	}
	return (NULL);
}

/* What it wrote itself is passed on by process_bury(), before how it ended. */
static void
process_died(struct process *p, int status)
{
	pid_t pid = p->pid;
	int replaced = p->replaced;

	request_process_gone(p);
	process_bury(p);
	if (parent.stopping) {
		if (WIFSIGNALED(status))
			log_death(p, status);
		return;
	}
	if (replaced)
		return;
	log_death(p, status);
	control_event(EVENT_PROCESS, "process=\"%s\" pid=%ld %s=%d",
	    process_text(p), (long)pid, WIFSIGNALED(status) ? "signal" : "exit",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	if (!count_death(p)) {
		parent.restarts++;
		return;
	}
	log_warnx("%s: died %d times within %d seconds: giving up",
	    process_text(p), DEATHS_MAX, DEATHS_S);
	supervision_stop(1);
}

static int
any_running(uint32_t kinds)
{
	size_t i;

	for (i = 0; i < parent.n_processes; i++) {
		if ((parent.processes[i].kind & kinds) != 0 &&
		    parent.processes[i].pid != 0)
			return (1);
	}
	return (0);
}

/* The end of its pipe from us tells a process to end. */
static void
tell_end(uint32_t kinds)
{
	size_t i;

	for (i = 0; i < parent.n_processes; i++) {
		struct process *p = &parent.processes[i];

		if ((p->kind & kinds) == 0 || p->pipe == NULL)
			continue;
		pipe_flush(p->pipe);
		shutdown(imsgbuf_fd(pipe_imsg(p->pipe)), SHUT_WR);
	}
}

/*
 * The router is needed until the last frontend has said goodbye, and crypto
 * until other nodes were told of that; then it ends the links.
 */
static void
stop_go_on(void)
{
	if (!any_running(P_CHILDREN))
		loop_quit();
	else if (!any_running(P_FRONTEND | P_CRYPTO))
		tell_end(P_CHILDREN);
	else if (!any_running(P_FRONTEND))
		tell_end(P_CHILDREN & ~P_ROUTER);
}

static void
reap(int sig, short what, void *arg)
{
	struct process *p;
	pid_t pid;
	int status;

	(void)sig;
	(void)what;
	(void)arg;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if ((p = find_pid(pid)) != NULL)
			process_died(p, status);
	}
	if (parent.stopping)
		stop_go_on();
	else
		processes_start();
}

static void
kill_all(void)
{
	size_t i;

	for (i = 0; i < parent.n_processes; i++) {
		if (parent.processes[i].pid != 0)
			kill(parent.processes[i].pid, SIGKILL);
	}
}

static void
stop_late(int fd, short what, void *arg)
{
	const struct timeval tv = { STOP_LINKS_S, 0 };
	static int told;

	(void)fd;
	(void)what;
	(void)arg;
	/* A frontend that hangs does not keep the others from their goodbye. */
	if (!told) {
		told = 1;
		tell_end(P_CHILDREN & ~P_ROUTER);
		evtimer_add(stop_timer, &tv);
		return;
	}
	log_warnx("processes did not end within %d seconds: killed",
	    STOP_CLIENTS_S + STOP_LINKS_S);
	kill_all();
}

void
supervision_stop(int exit_code)
{
	const struct timeval tv = { STOP_CLIENTS_S, 0 };

	if (parent.stopping)
		return;
	parent.stopping = 1;
	parent.exit_code = exit_code;
	notify_send("STOPPING=1\nSTATUS=ending");
	control_close();
	listeners_free(&parent.listeners, NULL);
	listeners_free(&parent.link_listeners, NULL);
	evtimer_add(stop_timer, &tv);
	/* Nobody should find this node any more; clients are told first. */
	tell_end(P_FRONTEND | P_DISCOVERY);
	stop_go_on();
}

static void
stop_asked(int sig, short what, void *arg)
{
	(void)what;
	(void)arg;
	if (parent.stopping) {
		kill_all();
		return;
	}
	log_info("SIG%s: ending", sig == SIGTERM ? "TERM" : "INT");
	supervision_stop(0);
}

static void
reload_asked(int sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	(void)arg;
	if (!parent.stopping)
		reload_begin(NULL);
}

static struct event *
signal_new(int sig, event_callback_fn callback)
{
	struct event *e = evsignal_new(loop_base(), sig, callback, NULL);

	if (e == NULL || event_add(e, NULL) == -1)
		fatalx("signal %d: out of memory", sig);
	return (e);
}

void
supervision_init(void)
{
	on_chld = signal_new(SIGCHLD, reap);
	on_term = signal_new(SIGTERM, stop_asked);
	on_int = signal_new(SIGINT, stop_asked);
	on_hup = signal_new(SIGHUP, reload_asked);
	stop_timer = evtimer_new(loop_base(), stop_late, NULL);
	if (stop_timer == NULL)
		fatalx("timer: out of memory");
}
