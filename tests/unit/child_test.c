/*
 * How a child starts and what it says to the parent: this test is the parent of
 * a small process that has the phase table below.
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bsd/unistd.h>

#include <cmocka.h>

#include "common/child.h"
#include "common/conf.h"
#include "common/imsg.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/msg.h"

#define PARENT_FD	3

/* The child. */

static void
configure(struct conf *conf)
{
	child_row_counter(7, "echo", (uint64_t)conf->echo, 1);
	child_row_counter(7, "started", (uint64_t)child_started(), 1);
	child_row_limit(7, "clients", 1, conf->max_clients, 3);
	child_row_end(7);
}

static void
on_pipe(struct pipe *p, struct imsg *m)
{
	struct imsgbuf	*ib;
	struct msg_pipe	 mp;
	uint64_t	 id = 1;

	ib = child_take_pipe(p, m, P_FRONTEND | P_CRYPTO, &mp);
	if (ib == NULL)
		return;
	if (m->fd != -1 || mp.process != P_FRONTEND || mp.instance != 4)
		fatalx("pipe");
	imsg_send(ib, MSG_CONNECT, 9, -1, &id, sizeof(id));
	if (imsg_flush(ib) != 0)
		fatal("flush");
	imsgbuf_free(ib);
}

/* Answers with what a process can find out about its own rights. */
static void
on_show(struct pipe *p, struct imsg *m)
{
	struct rlimit	 core, files;

	(void)p;
	getrlimit(RLIMIT_CORE, &core);
	getrlimit(RLIMIT_NOFILE, &files);
	child_row_counter(m->hdr.peerid, "core", core.rlim_max, 0);
	child_row_counter(m->hdr.peerid, "files",
	    files.rlim_cur == files.rlim_max, 0);
	child_row_counter(m->hdr.peerid, "stray",
	    fcntl(50, F_GETFD) != -1, 0);
	child_event(EVENT_LIMIT, 1, "not wanted");
	child_row_end(m->hdr.peerid);
}

static void
start(void)
{
	char	 text[3000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	child_event(EVENT_CLIENT_OPEN, 5, "channel=%d", 3);
	child_event(EVENT_CLIENT_CLOSE, 6, "%s", text);
}

static const struct pipe_phase	 startup = {
	.name = "startup",
	.handler = {
		[MSG_CONF] = child_conf,
		[MSG_CONF_END] = child_conf_end,
		[MSG_PIPE] = on_pipe,
		[MSG_SHOW] = on_show,
		[MSG_START] = child_begin,
		[MSG_LOG_LEVEL] = child_log_level,
		[MSG_MONITOR] = child_monitor,
		[MSG_TRIP] = child_trip
	}
};

static const struct pipe_phase	 running = {
	.name = "running",
	.handler = {
		[MSG_CONF] = child_conf,
		[MSG_CONF_END] = child_conf_end
	}
};

static const struct child_process process = {
	.startup = &startup,
	.running = &running,
	.configure = configure,
	.start = start
};

static void
turn_end(void)
{
	pipe_flush(child_parent());
}

/* The parent. */

static pid_t		 pid;
static struct imsgbuf	*ib;

static int
set_up(void **state)
{
	int	 fds[2], null;

	(void)state;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    fds) == -1)
		return (-1);
	if ((pid = fork()) == -1)
		return (-1);
	if (pid == 0) {
		null = open("/dev/null", O_RDWR);
		dup2(null, STDERR_FILENO);
		dup2(null, 50);
		dup2(fds[1], PARENT_FD);
		child_options.process = P_ROUTER;
		child_options.instance = 2;
		child_start(&process);
		loop_run(turn_end);
		_exit(77);
	}
	close(fds[1]);
	ib = imsgbuf_new(fds[0], P_PARENT, P_ROUTER, 0);
	return (ib == NULL ? -1 : 0);
}

static int
tear_down(void **state)
{
	(void)state;
	imsgbuf_free(ib);
	ib = NULL;
	return (0);
}

static void
send_message(uint32_t type, uint32_t peerid, int fd, const void *data,
    size_t n)
{
	assert_int_equal(imsg_send(ib, type, peerid, fd, data, n), 0);
	assert_int_equal(imsg_flush(ib), 0);
}

static void
send_u32(uint32_t type, uint32_t v)
{
	send_message(type, 0, -1, &v, sizeof(v));
}

/* Waits for the next message. */
static void
get(struct imsgbuf *from, uint32_t type, struct imsg *m)
{
	struct pollfd	 pfd = { imsgbuf_fd(from), POLLIN, 0 };
	const char	*why;
	int		 r;

	while ((r = imsg_get(from, m, &why)) == 0) {
		assert_int_equal(poll(&pfd, 1, 10000), 1);
		assert_int_equal(imsg_read(from), 1);
	}
	assert_int_equal(r, 1);
	assert_string_equal(msg_name(m->hdr.type), msg_name(type));
}

static void
get_counter(const char *name, uint64_t value)
{
	struct msg_row_counter	 row;
	struct imsg		 m;

	get(ib, MSG_ROW, &m);
	assert_int_equal(m.hdr.peerid, 7);
	assert_int_equal(m.hdr.len, sizeof(row) + strlen(name));
	memcpy(&row, m.data, sizeof(row));
	assert_int_equal(row.row.what, SHOW_SUMMARY);
	assert_int_equal(row.row.process, P_ROUTER);
	assert_int_equal(row.row.instance, 2);
	assert_memory_equal((const char *)m.data + sizeof(row), name,
	    strlen(name));
	assert_int_equal(row.value, value);
}

/* What configure() says. */
static void
get_conf(uint64_t echo, uint64_t started, uint64_t max_clients)
{
	struct msg_row_limit	 row;
	struct imsg		 m;

	get_counter("echo", echo);
	get_counter("started", started);
	get(ib, MSG_ROW, &m);
	memcpy(&row, m.data, sizeof(row));
	assert_int_equal(row.row.what, SHOW_LIMITS);
	assert_int_equal(row.used, 1);
	assert_int_equal(row.max, max_clients);
	assert_int_equal(row.hits, 3);
	get(ib, MSG_ROW_END, &m);
	assert_int_equal(m.hdr.peerid, 7);
}

static void
configure_child(const char *text)
{
	send_message(MSG_CONF, 0, -1, text, strlen(text));
	send_message(MSG_CONF_END, 0, -1, NULL, 0);
}

static int
status_of_child(void)
{
	int	 status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return (status);
}

/* The parent ends, and the child does, quietly. */
static void
end_child(void)
{
	imsgbuf_free(ib);
	ib = NULL;
	assert_int_equal(status_of_child(), 0);
}

static void
assert_failed(void)
{
	int	 status = status_of_child();

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

static void
test_parent_gone(void **state)
{
	(void)state;
	end_child();
}

static void
test_violation(void **state)
{
	(void)state;
	/* A row of the table, but not in this phase. */
	send_message(MSG_CONF, 0, -1, "echo on\n", 8);
	send_message(MSG_CONF_END, 0, -1, NULL, 0);
	assert_int_equal(write(imsgbuf_fd(ib), "0123456789abcdef", 16), 16);
	assert_failed();
}

static void
test_conf(void **state)
{
	struct imsg	 m;

	(void)state;
	send_message(MSG_CONF, 0, -1, "echo off\n", 9);
	/* A second one takes the place of what was not taken. */
	send_message(MSG_CONF, 0, -1, "echo on\nmax-clients 12345\n", 26);
	send_message(MSG_CONF_END, 0, -1, NULL, 0);
	get_conf(1, 0, 12345);
	send_message(MSG_START, 0, -1, NULL, 0);
	get(ib, MSG_READY, &m);
	/* A reload. */
	configure_child("echo off\nmax-clients 5\n");
	get_conf(0, 1, 5);
	get(ib, MSG_READY, &m);
	end_child();
}

/* Each is taken once. */
static void
test_conf_end_alone(void **state)
{
	(void)state;
	configure_child("echo on\n");
	send_message(MSG_CONF_END, 0, -1, NULL, 0);
	assert_failed();
}

static void
test_start_without_conf(void **state)
{
	(void)state;
	send_message(MSG_START, 0, -1, NULL, 0);
	assert_failed();
}

static void
test_start_twice(void **state)
{
	(void)state;
	configure_child("echo on\n");
	send_message(MSG_START, 0, -1, NULL, 0);
	send_message(MSG_START, 0, -1, NULL, 0);
	assert_failed();
}

static void
test_conf_bad(void **state)
{
	(void)state;
	send_message(MSG_CONF, 0, -1, "no such line\n", 13);
	assert_failed();
}

static void
test_pipe(void **state)
{
	struct msg_pipe	 mp = { P_FRONTEND, 4 };
	struct imsgbuf	*other;
	struct imsg	 m;
	int		 fds[2];

	(void)state;
	configure_child("echo on\n");
	get_conf(1, 0, 10000);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	send_message(MSG_PIPE, 0, fds[1], &mp, sizeof(mp));
	other = imsgbuf_new(fds[0], P_FRONTEND, P_ROUTER, 0);
	assert_non_null(other);
	get(other, MSG_CONNECT, &m);
	assert_int_equal(m.hdr.peerid, 9);
	imsgbuf_free(other);
	end_child();
}

static void
test_pipe_bad(void **state)
{
	static const uint32_t	 bad[] = { 0, P_ROUTER, P_PARENT, P_CTL,
				    P_DISCOVERY, P_FRONTEND | P_CRYPTO,
				    P_CHILDREN, UINT32_MAX };
	struct msg_pipe		 mp;
	size_t			 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		configure_child("echo on\n");
		mp.process = bad[i];
		mp.instance = 0;
		send_message(MSG_PIPE, 0, dup(STDERR_FILENO), &mp,
		    sizeof(mp));
		assert_failed();
		tear_down(state);
		assert_int_equal(set_up(state), 0);
	}
	end_child();
}

static void
test_pipe_without_conf(void **state)
{
	const struct msg_pipe	 mp = { P_FRONTEND, 4 };

	(void)state;
	send_message(MSG_PIPE, 0, dup(STDERR_FILENO), &mp, sizeof(mp));
	assert_failed();
}

static void
test_rights(void **state)
{
	struct msg_show	 show = { SHOW_SUMMARY };
	struct imsg	 m;

	(void)state;
	send_message(MSG_SHOW, 7, -1, &show, sizeof(show));
	get_counter("core", 0);
	get_counter("files", 1);
	get_counter("stray", 0);
	get(ib, MSG_ROW_END, &m);
	/* The terminal's ^C is not for a child. */
	kill(pid, SIGINT);
	kill(pid, SIGTERM);
	kill(pid, SIGHUP);
	send_message(MSG_SHOW, 7, -1, &show, sizeof(show));
	get_counter("core", 0);
	end_child();
}

static void
test_events(void **state)
{
	struct msg_event	 event;
	struct imsg		 m;

	(void)state;
	send_u32(MSG_MONITOR, 1);
	configure_child("echo on\n");
	get_conf(1, 0, 10000);
	send_message(MSG_START, 0, -1, NULL, 0);
	get(ib, MSG_EVENT, &m);
	memcpy(&event, m.data, sizeof(event));
	assert_int_equal(event.kind, EVENT_CLIENT_OPEN);
	assert_int_equal(event.id, 5);
	assert_int_equal(event.process, P_ROUTER);
	assert_true(event.time_ms > 1600000000000);
	assert_int_equal(m.hdr.len, sizeof(event) + 9);
	assert_memory_equal((const char *)m.data + sizeof(event),
	    "channel=3", 9);
	get(ib, MSG_EVENT, &m);
	assert_int_equal(m.hdr.len, sizeof(event) + MSG_ROW_MAX);
	end_child();
}

static void
test_trip_unknown(void **state)
{
	(void)state;
	send_u32(MSG_TRIP, TRIPS);
	assert_failed();
}

static void
test_trip(void **state)
{
#ifndef NO_SANDBOX
	uint32_t	 call;
	int		 status;

	for (call = 0; call < TRIPS; call++) {
		send_u32(MSG_TRIP, call);
		status = status_of_child();
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
		tear_down(state);
		assert_int_equal(set_up(state), 0);
	}
#else
	(void)state;
#endif
	end_child();
}

#define TEST(name)							\
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(int argc, char *argv[], char *envp[])
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_parent_gone),
		TEST(test_violation),
		TEST(test_conf),
		TEST(test_conf_bad),
		TEST(test_conf_end_alone),
		TEST(test_start_without_conf),
		TEST(test_start_twice),
		TEST(test_pipe),
		TEST(test_pipe_bad),
		TEST(test_pipe_without_conf),
		TEST(test_rights),
		TEST(test_events),
		TEST(test_trip_unknown),
		TEST(test_trip)
	};

	setproctitle_init(argc, argv, envp);
	signal(SIGPIPE, SIG_IGN);
	alarm(60);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
