/* Dialling: the order of addresses, and real connections on loopback. */
#include <sys/socket.h>
#include <sys/time.h>

#include <netinet/in.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/loop.h"
#include "discovery/dial.h"

static int got_fd;
static struct dial_address got;
static char got_why[DIAL_WHY_BYTES];
static int calls;

static void
done(void *arg, int fd, const struct dial_address *a, const char *why)
{
	assert_ptr_equal(arg, &calls);
	assert_true((fd == -1) == (why != NULL));
	got_fd = fd;
	if (a != NULL)
		got = *a;
	snprintf(got_why, sizeof(got_why), "%s", why != NULL ? why : "");
	calls++;
	loop_quit();
}

static void
turn_end(void)
{
}

static struct dial_address
v4(const char *bytes, uint16_t port)
{
	struct dial_address a;

	memset(&a, 0, sizeof(a));
	a.addr[10] = a.addr[11] = 0xff;
	memcpy(a.addr + 12, bytes, 4);
	a.port = port;
	return (a);
}

static struct dial_address
v6(uint8_t last, uint16_t port)
{
	struct dial_address a;

	memset(&a, 0, sizeof(a));
	a.addr[15] = last;
	a.port = port;
	return (a);
}

/* A socket on 127.0.0.1, listening or only holding its port. */
static int
server(uint16_t *port, int listening)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_not_equal(fd, -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	if (listening)
		assert_int_equal(listen(fd, 5), 0);
	*port = ntohs(sin.sin_port);
	return (fd);
}

static int64_t
clock_ms(void)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	return ((int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

/* Dials and waits for the end; returns how long it took. */
static int64_t
run(const struct dial_address *a, size_t n)
{
	int64_t begin = clock_ms();

	calls = 0;
	assert_non_null(dial_start(a, n, done, &calls));
	assert_int_equal(calls, 0);
	loop_run(turn_end);
	assert_int_equal(calls, 1);
	return (clock_ms() - begin);
}

static void
test_sort(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "" },
		{ "4", "4" },
		{ "6", "6" },
		{ "46", "64" },
		{ "4466", "6464" },
		{ "66644", "64646" },
		{ "44444", "44444" },
		{ "444446", "644444" },
		{ "6666444", "6464646" }
	};
	struct dial_address a[8];
	uint8_t last4, last6, *last;
	size_t i, k, n;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		n = strlen(cases[i].in);
		for (k = 0; k < n; k++) {
			a[k] = cases[i].in[k] == '4' ? v4("\x0a\0\0\0", 1) :
			    v6(0, 1);
			a[k].addr[15] = (uint8_t)(k + 1);
		}
		dial_sort(a, n);
		last4 = last6 = 0;
		for (k = 0; k < n; k++) {
			assert_int_equal(dial_is_v6(&a[k]),
			    cases[i].out[k] == '6');
			/* Each family in the order that it had. */
			last = dial_is_v6(&a[k]) ? &last6 : &last4;
			assert_true(a[k].addr[15] > *last);
			*last = a[k].addr[15];
		}
	}
}

static void
test_connect(void **state)
{
	struct dial_address a[2];
	uint16_t port;
	int fd;

	(void)state;
	fd = server(&port, 1);
	a[0] = v4("\x7f\0\0\1", port);
	(void)run(a, 1);
	assert_int_not_equal(got_fd, -1);
	assert_true(dial_same(&got, &a[0]));
	close(got_fd);
	close(fd);
}

/* A refusal makes the next one begin at once. */
static void
test_refused(void **state)
{
	struct dial_address a[DIAL_ADDRESSES_MAX];
	uint16_t port, closed;
	char text[64];
	int fd, held, i;

	(void)state;
	fd = server(&port, 1);
	held = server(&closed, 0);
	for (i = 0; i < DIAL_ADDRESSES_MAX - 1; i++)
		a[i] = v4("\x7f\0\0\1", closed);
	a[i] = v4("\x7f\0\0\1", port);
	/* So much less than a step each, even where others are busy. */
	assert_true(run(a, DIAL_ADDRESSES_MAX) < 10 * DIAL_STEP_MS);
	assert_int_not_equal(got_fd, -1);
	assert_int_equal(got.port, port);
	close(got_fd);
	(void)run(a, 2);
	assert_int_equal(got_fd, -1);
	snprintf(text, sizeof(text),
	    "127.0.0.1: connection to port %u refused", closed);
	assert_memory_equal(got_why, text, strlen(text));
	/* In the order of RFC 8305, whatever was given. */
	a[1] = v6(1, closed);
	(void)run(a, 2);
	assert_memory_equal(got_why, "::1", 3);
	assert_non_null(strstr(got_why, text));
	close(held);
	close(fd);
}

/* One that cannot even be begun is told of from the loop, too. */
static void
test_impossible(void **state)
{
	struct dial_address a = v4("\xff\xff\xff\xff", 9);

	(void)state;
	(void)run(&a, 1);
	assert_int_equal(got_fd, -1);
	assert_non_null(strstr(got_why, "255.255.255.255 port 9: "));
	(void)run(&a, 0);
	assert_string_equal(got_why, "no address");
}

static void
fill_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	loop_quit();
}

/* One that does not answer: the next one is tried a step later. */
static void
test_step(void **state)
{
	const struct timeval tv = { 0, 1000 };
	struct sockaddr_in sin;
	struct dial_address a[2];
	struct event *timer;
	struct dial *d;
	uint16_t port, full;
	int64_t took;
	int fd, busy, fill[16], i;

	(void)state;
	fd = server(&port, 1);
	busy = server(&full, 1);
	assert_int_equal(listen(busy, 0), 0);
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_port = htons(full);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	/* Nobody accepts: with a queue that is full no answer comes. */
	for (i = 0; i < 16; i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fill[i], (struct sockaddr *)&sin, sizeof(sin));
	}
	a[0] = v4("\x7f\0\0\1", full);
	a[1] = v4("\x7f\0\0\1", port);
	took = run(a, 2);
	assert_int_equal(got.port, port);
	assert_true(took >= DIAL_STEP_MS - 10 && took < 8 * DIAL_STEP_MS);
	close(got_fd);
	/* Cancelled, nothing is heard of it. */
	calls = 0;
	d = dial_start(a, 1, done, &calls);
	assert_non_null(d);
	dial_cancel(d);
	dial_cancel(NULL);
	timer = evtimer_new(loop_base(), fill_cb, NULL);
	assert_non_null(timer);
	evtimer_add(timer, &tv);
	loop_run(turn_end);
	assert_int_equal(calls, 0);
	event_free(timer);
	for (i = 0; i < 16; i++)
		close(fill[i]);
	close(busy);
	close(fd);
}

static void
test_text(void **state)
{
	struct dial_address a = v6(1, 9);
	char text[DIAL_TEXT_BYTES], little[8];

	(void)state;
	assert_string_equal(dial_text(&a, text, sizeof(text)), "::1");
	a.addr[0] = 0xfe;
	a.addr[1] = 0x80;
	a.scope = 12;
	assert_string_equal(dial_text(&a, text, sizeof(text)), "fe80::1%12");
	assert_string_equal(dial_text(&a, little, sizeof(little)), "fe80::1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_impossible),
		cmocka_unit_test(test_step),
		cmocka_unit_test(test_text)
	};

	loop_init();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
