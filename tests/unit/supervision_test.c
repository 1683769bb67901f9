/*
 * When a process is ready: this test is the parent, with one process in its
 * table, and speaks at the other end of that one's pipe.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/imsg.h"
#include "parent/parent.h"

/* Put in place of main.c and reload.c. */
struct parent parent;
static unsigned int reloads;

void
reload_begin(struct ctl *c)
{
	(void)c;
}

void
reload_ready(void)
{
	reloads++;
}

void
reload_forget(const struct ctl *c)
{
	(void)c;
}

static struct process router;
static struct imsgbuf *other; /* the router's end */

/* Started, as processes_start() leaves it, but for who runs. */
static int
set_up(void **state)
{
	int fds[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		fds) == -1 ||
	    (router.pid = fork()) == -1)
		return (-1);
	if (router.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	router.kind = P_ROUTER;
	router.statm = -1;
	router.wanted = router.fresh = 1;
	router.late = evtimer_new(loop_base(), supervision_late, &router);
	router.pipe = pipe_new(imsgbuf_new(fds[0], P_PARENT, P_ROUTER, 0),
	    &supervision_phase, supervision_pipe_closed, &router);
	other = imsgbuf_new(fds[1], P_ROUTER, P_PARENT, 1);
	parent.processes = &router;
	parent.n_processes = 1;
	process_send_conf(&router);
	processes_start();
	return (0);
}

static int
tear_down(void **state)
{
	(void)state;
	if (router.pid != 0) {
		kill(router.pid, SIGKILL);
		(void)waitpid(router.pid, NULL, 0);
	}
	process_bury(&router);
	event_free(router.late);
	imsgbuf_free(other);
	memset(&router, 0, sizeof(router));
	reloads = 0;
	return (0);
}

/* READY, so often; the parent reads it all at once. */
static void
say_ready(unsigned int times)
{
	while (times-- > 0)
		assert_int_equal(imsg_send(other, MSG_READY, 0, -1, NULL, 0),
		    0);
	assert_int_equal(imsg_flush(other), 0);
	assert_int_not_equal(event_base_loop(loop_base(), EVLOOP_NONBLOCK), -1);
}

static void
test_start(void **state)
{
	(void)state;
	assert_false(process_is_ready(&router));
	say_ready(1);
	assert_true(process_is_ready(&router));
	assert_int_equal(reloads, 1);
	assert_false(evtimer_pending(router.late, NULL));
}

/* The word for the start is not the one for the configuration after it. */
static void
test_reload_before_ready(void **state)
{
	(void)state;
	process_send_conf(&router);
	say_ready(1);
	assert_false(process_is_ready(&router));
	assert_int_equal(reloads, 0);
	assert_true(evtimer_pending(router.late, NULL));
	say_ready(1);
	assert_true(process_is_ready(&router));
	assert_int_equal(reloads, 1);
	assert_false(evtimer_pending(router.late, NULL));
}

static void
test_not_asked(void **state)
{
	int status;

	(void)state;
	say_ready(2);
	assert_int_equal(reloads, 1);
	assert_null(router.pipe);
	assert_int_equal(waitpid(router.pid, &status, 0), router.pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	router.pid = 0;
}

static int
begin(void **state)
{
	(void)state;
	loop_init();
	TAILQ_INIT(&parent.listeners);
	TAILQ_INIT(&parent.link_listeners);
	TAILQ_INIT(&parent.grants);
	parent.conf = conf_default();
	return (parent.conf == NULL ?
		-1 :
		config_texts(parent.conf, &parent.conf_texts));
}

static int
end(void **state)
{
	(void)state;
	config_texts_free(&parent.conf_texts);
	conf_free(parent.conf);
	event_base_free(loop_base());
	return (0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_start, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reload_before_ready,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_asked, set_up,
		    tear_down)
	};

	return (cmocka_run_group_tests(tests, begin, end));
}
