/* The event loop: turns, and pipes whose handlers do what they like. */
#include <sys/socket.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/imsg.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/msg.h"

static struct pipe	*left, *right;	/* router, frontend */
static unsigned int	 got, turns, left_closed, right_closed;
static const char	*right_why;
static int		 stop_after;	/* messages, or 0 */
static int		 in_flush;
static void		 (*on_message)(struct pipe *);

static void
on_connect(struct pipe *p, struct imsg *m)
{
	assert_false(in_flush);
	assert_int_equal(m->hdr.peerid, got);
	got++;
	if (stop_after != 0 && got == (unsigned int)stop_after)
		loop_quit();
	if (on_message != NULL)
		on_message(p);
}

static const struct pipe_phase	 running = {
	.name = "running",
	.handler = { [MSG_CONNECT] = on_connect }
};
static const struct pipe_phase	 closing = { .name = "closing" };

static void
on_left_closed(struct pipe *p, const char *why)
{
	assert_false(in_flush);
	assert_null(why);
	assert_ptr_equal(p, left);
	left_closed++;
	pipe_free(left);
	left = NULL;
	loop_quit();
}

static void
on_right_closed(struct pipe *p, const char *why)
{
	assert_false(in_flush);
	assert_ptr_equal(p, right);
	assert_ptr_equal(pipe_arg(p), &right);
	right_closed++;
	right_why = why;
	pipe_free(right);
	right = NULL;
	loop_quit();
}

static void
flush(struct pipe *p)
{
	in_flush = 1;
	if (p != NULL)
		pipe_flush(p);
	in_flush = 0;
}

static void
turn_end(void)
{
	turns++;
	flush(left);
	flush(right);
}

static int
set_up(void **state)
{
	struct imsgbuf	*a, *b;
	int		 fds[2];

	(void)state;
	got = turns = left_closed = right_closed = 0;
	right_why = NULL;
	stop_after = 0;
	on_message = NULL;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    fds) == -1)
		return (-1);
	a = imsgbuf_new(fds[0], P_ROUTER, P_FRONTEND, 0);
	b = imsgbuf_new(fds[1], P_FRONTEND, P_ROUTER, 0);
	if (a == NULL || b == NULL)
		return (-1);
	left = pipe_new(a, &closing, on_left_closed, NULL);
	right = pipe_new(b, &running, on_right_closed, &right);
	return (left == NULL || right == NULL ? -1 : 0);
}

static int
tear_down(void **state)
{
	(void)state;
	pipe_free(left);
	pipe_free(right);
	left = right = NULL;
	return (0);
}

static void
send_connects(unsigned int first, unsigned int n)
{
	uint64_t	 id = 1;

	for (; n > 0; n--)
		assert_int_equal(imsg_send(pipe_imsg(left), MSG_CONNECT,
		    first++, -1, &id, sizeof(id)), 0);
}

static void
test_turn(void **state)
{
	(void)state;
	send_connects(0, 1000);
	stop_after = 1000;
	flush(left);
	loop_run(turn_end);
	assert_int_equal(got, 1000);
	/* All in one turn, and the turn came to its end. */
	assert_int_equal(turns, 1);
}

/* Far more than fits the socket: the rest is written when it is writable. */
static void
test_full(void **state)
{
	(void)state;
	send_connects(0, 200000);
	stop_after = 200000;
	loop_soon();
	loop_run(turn_end);
	assert_int_equal(got, 200000);
	assert_int_equal(imsg_queued(pipe_imsg(left)), 0);
}

static void
timeout(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	loop_quit();
}

/* Runs for a while in which nothing must happen. */
static void
run_ms(int ms)
{
	struct timeval	 tv = { 0, ms * 1000 };

	assert_int_equal(event_base_once(loop_base(), -1, EV_TIMEOUT, timeout,
	    NULL, &tv), 0);
	loop_run(turn_end);
}

static void
pause_right(struct pipe *p)
{
	pipe_pause(p, 1);
	loop_quit();
}

/* A pause in a handler keeps the messages behind it, across more arrivals. */
static void
test_pause(void **state)
{
	(void)state;
	send_connects(0, 10);
	on_message = pause_right;
	flush(left);
	loop_run(turn_end);
	assert_int_equal(got, 1);
	send_connects(10, 10);
	flush(left);
	run_ms(20);
	assert_int_equal(got, 1);
	pipe_pause(right, 0);
	loop_run(turn_end);
	assert_int_equal(got, 2);
	on_message = NULL;
	stop_after = 20;
	pipe_pause(right, 0);
	loop_run(turn_end);
	assert_int_equal(got, 20);
}

/* A paused pipe is not read, and one that was paused before it is. */
static void
test_pause_idle(void **state)
{
	(void)state;
	pipe_pause(right, 1);
	pipe_pause(right, 1);
	send_connects(0, 5);
	flush(left);
	run_ms(20);
	assert_int_equal(got, 0);
	pipe_pause(right, 0);
	pipe_pause(right, 0);
	stop_after = 5;
	loop_run(turn_end);
	assert_int_equal(got, 5);
}

static void
pause_resume(struct pipe *p)
{
	pipe_pause(p, 1);
	pipe_pause(p, 0);
}

static void
test_pause_resume(void **state)
{
	(void)state;
	send_connects(0, 50);
	on_message = pause_resume;
	stop_after = 50;
	flush(left);
	loop_run(turn_end);
	assert_int_equal(got, 50);
	assert_int_equal(turns, 1);
}

static void
free_right(struct pipe *p)
{
	assert_ptr_equal(p, right);
	pipe_free(right);
	right = NULL;
}

/* A handler frees the pipe that called it; the other end hears of it. */
static void
test_free_in_handler(void **state)
{
	(void)state;
	send_connects(0, 10);
	on_message = free_right;
	loop_soon();
	loop_run(turn_end);
	assert_int_equal(got, 1);
	assert_int_equal(right_closed, 0);
	assert_int_equal(left_closed, 1);
}

static void
change_phase(struct pipe *p)
{
	pipe_phase(p, &closing);
}

static void
test_phase(void **state)
{
	(void)state;
	send_connects(0, 10);
	on_message = change_phase;
	loop_soon();
	loop_run(turn_end);
	assert_int_equal(got, 1);
	assert_int_equal(right_closed, 1);
	assert_string_equal(right_why, "not expected in this phase");
}

static void
find_violation(struct pipe *p)
{
	pipe_violation(p, "first reason");
	pipe_violation(p, "second reason");
}

static void
test_violation(void **state)
{
	(void)state;
	send_connects(0, 10);
	on_message = find_violation;
	loop_soon();
	loop_run(turn_end);
	assert_int_equal(got, 1);
	assert_int_equal(right_closed, 1);
	assert_string_equal(right_why, "first reason");
}

/* Bytes that are no message of this peer's. */
static void
test_garbage(void **state)
{
	uint32_t	 raw[4] = { MSG_CONF, 10, 0, 0 };

	(void)state;
	send_connects(0, 3);
	flush(left);
	assert_int_equal(write(imsgbuf_fd(pipe_imsg(left)), raw, sizeof(raw)),
	    sizeof(raw));
	loop_run(turn_end);
	assert_int_equal(got, 3);
	assert_int_equal(right_closed, 1);
	assert_string_equal(right_why, "not its to send");
}

static void
test_peer_gone(void **state)
{
	(void)state;
	send_connects(0, 3);
	flush(left);
	pipe_free(left);
	left = NULL;
	loop_run(turn_end);
	assert_int_equal(got, 3);
	assert_int_equal(right_closed, 1);
	assert_null(right_why);
}

/* A write finds that the peer is gone: said by the loop, not by the flush. */
static void
test_peer_gone_writing(void **state)
{
	(void)state;
	pipe_free(right);
	right = NULL;
	send_connects(0, 3);
	flush(left);
	flush(left);
	assert_int_equal(left_closed, 0);
	loop_run(turn_end);
	assert_int_equal(left_closed, 1);
}

/* Freed by its owner when it was about to be told. */
static void
test_free_dead(void **state)
{
	(void)state;
	pipe_violation(right, "reason");
	pipe_free(right);
	right = NULL;
	pipe_pause(left, 1);
	run_ms(20);
	assert_int_equal(right_closed, 0);
}

static unsigned int	 soon_left;

static void
turn_end_soon(void)
{
	turns++;
	if (soon_left == 0)
		loop_quit();
	else {
		soon_left--;
		loop_soon();
	}
}

/* Nothing happens and yet turns come, as many as were asked for. */
static void
test_soon(void **state)
{
	(void)state;
	soon_left = 5;
	loop_soon();
	loop_run(turn_end_soon);
	assert_int_equal(turns, 6);
}

static void
turn_end_none(void)
{
}

/* Nothing else happens that could end the loop. */
static void
test_quit_after(void **state)
{
	int64_t	 before;

	(void)state;
	loop_quit_after(0);
	loop_run(turn_end_none);
	before = loop_now_ms();
	loop_quit_after(1);
	loop_run(turn_end_none);
	assert_true(loop_now_ms() - before >= 999);
}

static int64_t	 seen_ms[2];

static void
turn_end_clock(void)
{
	struct timespec	 ts = { 0, 5 * 1000 * 1000 };

	seen_ms[turns] = loop_now_ms();
	nanosleep(&ts, NULL);
	/* The same for the whole turn. */
	assert_int_equal(loop_now_ms(), seen_ms[turns]);
	assert_int_equal(loop_now_s(), seen_ms[turns] / 1000);
	if (++turns == 2)
		loop_quit();
	loop_soon();
}

static void
test_clock(void **state)
{
	(void)state;
	loop_soon();
	loop_run(turn_end_clock);
	assert_true(seen_ms[1] >= seen_ms[0] + 5);
	assert_true(seen_ms[1] < seen_ms[0] + 60000);
}

static void
turn_end_idle(void)
{
	if (imsg_memory(pipe_imsg(left)) == 0 &&
	    imsg_memory(pipe_imsg(right)) == 0)
		loop_quit();
}

/* What a burst took is given back once nothing happens any more. */
static void
test_idle_memory(void **state)
{
	(void)state;
	send_connects(0, 1000);
	flush(left);
	stop_after = 1000;
	loop_run(turn_end);
	assert_true(imsg_memory(pipe_imsg(right)) > 0);
	loop_run(turn_end_idle);
}

#define TEST(name)							\
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(test_turn),
		TEST(test_full),
		TEST(test_pause),
		TEST(test_pause_idle),
		TEST(test_pause_resume),
		TEST(test_free_in_handler),
		TEST(test_phase),
		TEST(test_violation),
		TEST(test_garbage),
		TEST(test_peer_gone),
		TEST(test_peer_gone_writing),
		TEST(test_free_dead),
		TEST(test_soon),
		TEST(test_quit_after),
		TEST(test_clock),
		TEST(test_idle_memory)
	};
	int			 failed;

	signal(SIGPIPE, SIG_IGN);
	alarm(60);
	log_init("loop_test", 0, 0);
	loop_init();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	event_base_free(loop_base());
	return (failed);
}
