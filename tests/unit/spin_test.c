/*
 * When the event loop looks for events instead of sleeping: libevent and the
 * clock are played here, by a script of when events come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "common/loop.h"

#define US		1000
#define LOOK_NS		(1 * US)	/* a look at the descriptors */
#define WAKE_NS		(30 * US)	/* from an event to being awake */

static int64_t		 now, due, gap, idle;
static unsigned int	 events, left, turns, sleeps, looks;

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	(void)clock;
	ts->tv_sec = now / 1000000000;
	ts->tv_nsec = now % 1000000000;
	return (0);
}

int
event_base_loop(struct event_base *base, int flags)
{
	(void)base;
	assert_true(flags & EVLOOP_ONCE);
	events = 0;
	if (flags & EVLOOP_NONBLOCK) {
		looks++;
		now += LOOK_NS;
		idle += LOOK_NS;
		if (now < due)
			return (0);
	} else {
		sleeps++;
		if (now < due)
			now = due + WAKE_NS;
	}
	events = 1;
	due = now + gap;
	if (--left == 0)
		loop_quit();
	return (0);
}

int
event_base_get_max_events(struct event_base *base, unsigned int what, int clear)
{
	(void)base;
	assert_int_equal(what, EVENT_BASE_COUNT_ACTIVE);
	assert_true(clear);
	return ((int)events);
}

/* That of loop_quit(): the turn is at its end anyway. */
void
event_active(struct event *ev, int what, short ncalls)
{
	(void)ev;
	(void)what;
	(void)ncalls;
}

static void
turn_end(void)
{
	turns++;
}

/* So many events, each so long after the one before was handled. */
static void
come(unsigned int n, int64_t after)
{
	gap = after;
	due = now + gap;
	left = n;
	idle = turns = sleeps = looks = 0;
	loop_run(turn_end);
	assert_int_equal(turns, n);	/* one for each event, none without */
}

static int
set_up(void **state)
{
	(void)state;
	come(1, 1000000 * US);
	return (0);
}

static void
test_short(void **state)
{
	(void)state;
	come(1000, 20 * US);
	assert_int_equal(sleeps, 16);
}

static void
test_long(void **state)
{
	(void)state;
	come(1000, 1000 * US);
	assert_int_equal(sleeps, 1000);
	assert_int_equal(looks, 0);
}

/* One long wait ends it, after one spin in vain. */
static void
test_end(void **state)
{
	(void)state;
	come(1000, 20 * US);
	come(1, 1000 * US);
	assert_int_equal(sleeps, 1);
	assert_true(idle <= 50 * US);
	come(15, 20 * US);
	assert_int_equal(looks, 0);
	come(1, 1000 * US);
	come(15, 20 * US);
	assert_int_equal(looks, 0);
}

/* Waits that are a little too long for it: it is given up, and rarely tried. */
static void
test_in_vain(void **state)
{
	(void)state;
	come(1000, 20 * US);
	come(8, 60 * US);
	assert_true(looks >= 8 * 49 && looks <= 8 * 50);
	come(1000, 60 * US);
	assert_int_equal(sleeps, 1000);
	assert_true(looks <= (1000 / 16 + 1) * 50);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup(test_short, set_up),
		cmocka_unit_test_setup(test_long, set_up),
		cmocka_unit_test_setup(test_end, set_up),
		cmocka_unit_test_setup(test_in_vain, set_up)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
