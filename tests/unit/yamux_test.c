/* crypto/yamux.c and crypto/yamux_stream.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/yamux.h"
#include "tests/unit/hex.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define SYN	1
#define ACK	2
#define FIN	4
#define RST	8
#define DATA	0
#define WINDOW	1
#define PING	2
#define GOAWAY	3

static const struct yamux_config config = {
	.dialler = 0, .window_bytes = YAMUX_WINDOW, .in_max = 8,
	.out_streams_max = 300, .out_max = 1024 * 1024,
	.unread_max = 4 * 1024 * 1024,
};

static struct yamux *
session(int dialler)
{
	struct yamux_config	 c = config;
	struct yamux		*y;

	c.dialler = dialler;
	y = yamux_new(&c);
	assert_non_null(y);
	return (y);
}

static void
header(uint8_t *p, unsigned int type, unsigned int flags, uint32_t id,
    uint32_t len)
{
	int i;

	memset(p, 0, YAMUX_HEADER_LEN);
	p[1] = (uint8_t)type;
	p[3] = (uint8_t)flags;
	for (i = 0; i < 4; i++) {
		p[4 + i] = (uint8_t)(id >> (24 - 8 * i));
		p[8 + i] = (uint8_t)(len >> (24 - 8 * i));
	}
}

/* One frame without payload; returns the first event of it. */
static enum yamux_event_type
feed(struct yamux *y, unsigned int type, unsigned int flags, uint32_t id,
    uint32_t len, struct yamux_event *ev)
{
	uint8_t p[YAMUX_HEADER_LEN];

	header(p, type, flags, id, len);
	assert_int_equal(yamux_input(y, p, sizeof(p), ev), sizeof(p));
	return (ev->type);
}

static enum yamux_event_type
more(struct yamux *y, struct yamux_event *ev)
{
	(void)yamux_input(y, NULL, 0, ev);
	return (ev->type);
}

/* Takes the next frame of the output, which must be this one. */
static void
expect(struct yamux *y, unsigned int type, unsigned int flags, uint32_t id,
    uint32_t len)
{
	uint8_t		 want[YAMUX_HEADER_LEN];
	const uint8_t	*p;

	header(want, type, flags, id, len);
	assert_true(yamux_output(y, &p) >= sizeof(want));
	assert_memory_equal(p, want, sizeof(want));
	yamux_sent(y, sizeof(want));
}

static void
expect_nothing(struct yamux *y)
{
	const uint8_t *p;

	assert_int_equal(yamux_output(y, &p), 0);
}

/* All that a waits to send goes to b, in pieces; data is counted. */
static size_t
deliver(struct yamux *a, struct yamux *b, size_t piece)
{
	struct yamux_event	 ev;
	const uint8_t		*p;
	size_t			 n, used, data = 0;

	while ((n = yamux_output(a, &p)) > 0) {
		if (n > piece)
			n = piece;
		for (used = 0;;) {
			used += yamux_input(b, p + used, n - used, &ev);
			if (ev.type == YAMUX_NONE)
				break;
			assert_int_not_equal(ev.type, YAMUX_FAILED);
			if (ev.type == YAMUX_DATA)
				data += ev.len;
		}
		assert_true(used > 0);
		yamux_sent(a, used);
	}
	return (data);
}

static void
test_opening(void **state)
{
	struct yamux_event	 ev;
	struct yamux		*y = session(0);
	uint32_t		 id;

	(void)state;
	/* As js and go open, then as rust does, with data. */
	assert_int_equal(feed(y, WINDOW, SYN, 1, 0, &ev), YAMUX_OPENED);
	assert_int_equal(ev.id, 1);
	assert_int_equal(more(y, &ev), YAMUX_NONE);
	expect(y, WINDOW, ACK, 1, 0);
	expect_nothing(y);
	assert_int_equal(feed(y, DATA, SYN | FIN, 3, 2, &ev), YAMUX_OPENED);
	assert_int_equal(yamux_set_arg(y, 3, y), 0);
	assert_int_equal(yamux_input(y, (const uint8_t *)"ab", 2, &ev), 2);
	assert_int_equal(ev.type, YAMUX_DATA);
	assert_ptr_equal(ev.arg, y);
	assert_int_equal(ev.len, 2);
	assert_int_equal(more(y, &ev), YAMUX_FIN);
	assert_int_equal(ev.ended, 0);
	assert_int_equal(more(y, &ev), YAMUX_NONE);
	expect(y, WINDOW, ACK, 3, 0);
	assert_int_equal(yamux_close(y, 3), 1);
	expect(y, WINDOW, FIN, 3, 0);
	assert_int_equal(yamux_close(y, 3), -1);
	assert_int_equal(yamux_unread(y), 0);
	/* Ours are even for a listener. */
	id = yamux_open(y, NULL);
	assert_int_equal(id, 2);
	expect(y, WINDOW, SYN, 2, 0);
	assert_int_equal(yamux_open(y, NULL), 4);
	assert_int_equal(yamux_streams(y), 3);
	yamux_free(y);
	y = session(1);
	assert_int_equal(yamux_open(y, NULL), 1);
	assert_int_equal(yamux_open(y, NULL), 3);
	yamux_free(y);
}

static void
test_closing(void **state)
{
	struct yamux_event	 ev;
	struct yamux		*y = session(1);
	int			 arg;

	(void)state;
	/* Theirs first, ours first, and both by reset. */
	assert_int_equal(yamux_open(y, &arg), 1);
	assert_int_equal(feed(y, WINDOW, FIN | ACK, 1, 0, &ev), YAMUX_FIN);
	assert_int_equal(ev.ended, 0);
	assert_int_equal(yamux_write(y, 1, "x", 1), 1);
	assert_int_equal(yamux_close(y, 1), 1);
	assert_int_equal(yamux_open(y, &arg), 3);
	assert_int_equal(yamux_close(y, 3), 0);
	assert_int_equal(yamux_close(y, 3), 0);
	assert_int_equal(yamux_write(y, 3, "x", 1), -1);
	assert_int_equal(yamux_room(y, 3), 0);
	assert_int_equal(feed(y, DATA, FIN, 3, 0, &ev), YAMUX_FIN);
	assert_int_equal(ev.ended, 1);
	assert_ptr_equal(ev.arg, &arg);
	assert_int_equal(yamux_open(y, &arg), 5);
	assert_int_equal(feed(y, WINDOW, RST, 5, 0x1001, &ev), YAMUX_RESET);
	assert_int_equal(ev.code, 0x1001);
	assert_int_equal(ev.ended, 1);
	assert_int_equal(ev.by_us, 0);
	assert_int_equal(yamux_open(y, &arg), 7);
	assert_int_equal(feed(y, DATA, RST, 7, 0, &ev), YAMUX_RESET);
	assert_int_equal(yamux_streams(y), 0);
	/* What still comes for them is nobody's. */
	assert_int_equal(feed(y, WINDOW, 0, 1, 10, &ev), YAMUX_NONE);
	assert_int_equal(feed(y, DATA, FIN, 3, 2, &ev), YAMUX_NONE);
	assert_int_equal(yamux_input(y, (const uint8_t *)"ab", 2, &ev), 2);
	assert_int_equal(ev.type, YAMUX_NONE);
	assert_int_equal(feed(y, WINDOW, RST, 5, 0, &ev), YAMUX_NONE);
	assert_int_equal(yamux_open(y, &arg), 9);
	assert_int_equal(yamux_reset(y, 9, 3), 0);
	assert_int_equal(yamux_reset(y, 9, 3), -1);
	assert_int_equal(yamux_failed(y), 0);
	yamux_free(y);
}

/* The reader of an event resets the stream that has more to tell. */
static void
test_reset_inside(void **state)
{
	struct yamux_event	 ev;
	struct yamux		*y = session(0);

	(void)state;
	assert_int_equal(feed(y, DATA, SYN | FIN, 1, 4, &ev), YAMUX_OPENED);
	assert_int_equal(yamux_input(y, (const uint8_t *)"ab", 2, &ev), 2);
	assert_int_equal(ev.type, YAMUX_DATA);
	assert_int_equal(yamux_reset(y, 1, 0), 0);
	assert_int_equal(yamux_unread(y), 0);
	assert_int_equal(yamux_input(y, (const uint8_t *)"cd", 2, &ev), 2);
	assert_int_equal(ev.type, YAMUX_NONE);
	assert_int_equal(feed(y, WINDOW, SYN, 3, 0, &ev), YAMUX_OPENED);
	assert_int_equal(yamux_failed(y), 0);
	yamux_free(y);
}

struct violation_case {
	const char	*name;
	const char	*hex;		/* after SYN of 1 and ours of 2 */
};

static const struct violation_case violations[] = {
	{ "version 1", "010000000000000100000000" },
	{ "type 4", "000400000000000000000000" },
	{ "unknown flag", "000100100000000100000000" },
	{ "unknown flag, high", "000180000000000100000000" },
	{ "data on the session", "000000000000000000000000" },
	{ "window of the session", "000100000000000000000001" },
	{ "ping on a stream", "000200010000000100000000" },
	{ "GoAway on a stream", "000300000000000100000000" },
	{ "GoAway with a flag", "000300010000000000000000" },
	{ "ping, no flag", "000200000000000000000000" },
	{ "ping, both flags", "000200030000000000000000" },
	{ "ping, FIN", "000200050000000000000000" },
	{ "answer to no ping", "000200020000000000000000" },
	{ "SYN of our parity", "000100010000000400000000" },
	{ "SYN of our own stream", "000100010000000200000000" },
	{ "SYN twice", "000100010000000100000000" },
	{ "data past the window", "000000000000000100040001" },
	{ "SYN with data past the window", "000000010000000300040001" },
	{ "window past 2^32", "0001000000000001fffc0000" },
};

static void
test_violations(void **state)
{
	struct yamux_event	 ev;
	struct yamux		*y;
	uint8_t			 p[YAMUX_HEADER_LEN];
	const uint8_t		*out;
	size_t			 i, n;

	(void)state;
	for (i = 0; i < COUNT(violations); i++) {
		y = session(0);
		assert_int_equal(feed(y, WINDOW, SYN, 1, 0, &ev),
		    YAMUX_OPENED);
		assert_int_equal(yamux_open(y, NULL), 2);
		yamux_sent(y, yamux_output(y, &out));
		assert_int_equal(hex(p, sizeof(p), violations[i].hex),
		    sizeof(p));
		(void)yamux_input(y, p, sizeof(p), &ev);
		if (ev.type != YAMUX_FAILED || ev.code != YAMUX_PROTOCOL)
			fail_msg("%s", violations[i].name);
		/* The last frame; a stream that was new has its ACK before. */
		n = yamux_output(y, &out);
		yamux_sent(y, n - YAMUX_HEADER_LEN);
		expect(y, GOAWAY, 0, 0, YAMUX_PROTOCOL);
		/* Told once; then everything falls on the floor. */
		assert_int_equal(yamux_input(y, p, sizeof(p), &ev),
		    sizeof(p));
		assert_int_equal(ev.type, YAMUX_NONE);
		assert_int_equal(yamux_write(y, 1, "x", 1), -1);
		assert_int_equal(yamux_open(y, NULL), 0);
		assert_int_equal(errno, EPIPE);
		assert_int_equal(yamux_ping(y, 1), -1);
		(void)yamux_reset(y, 1, 0);
		expect_nothing(y);
		yamux_free(y);
	}
}

static void
test_data_after_fin(void **state)
{
	struct yamux_event	 ev;
	struct yamux		*y = session(0);

	(void)state;
	assert_int_equal(feed(y, WINDOW, SYN, 1, 0, &ev), YAMUX_OPENED);
	assert_int_equal(feed(y, WINDOW, FIN, 1, 0, &ev), YAMUX_FIN);
	/* Once more, empty, and a window for what we send: no harm. */
	assert_int_equal(feed(y, DATA, FIN, 1, 0, &ev), YAMUX_NONE);
	assert_int_equal(feed(y, DATA, 0, 1, 0, &ev), YAMUX_NONE);
	assert_int_equal(feed(y, WINDOW, 0, 1, 5, &ev), YAMUX_NONE);
	assert_int_equal(feed(y, DATA, 0, 1, 1, &ev), YAMUX_FAILED);
	yamux_free(y);
}

/* The window to the last byte, and what opens it again. */
static void
test_receive_window(void **state)
{
	static uint8_t		 payload[YAMUX_WINDOW];
	struct yamux_event	 ev;
	struct yamux		*y = session(0);

	(void)state;
	assert_int_equal(feed(y, WINDOW, SYN, 1, 0, &ev), YAMUX_OPENED);
	expect(y, WINDOW, ACK, 1, 0);
	assert_int_equal(feed(y, DATA, 0, 1, YAMUX_WINDOW, &ev), YAMUX_NONE);
	assert_int_equal(yamux_input(y, payload, YAMUX_WINDOW, &ev),
	    YAMUX_WINDOW);
	assert_int_equal(ev.len, YAMUX_WINDOW);
	assert_int_equal(yamux_unread(y), YAMUX_WINDOW);
	assert_int_equal(yamux_consume(y, 1, YAMUX_WINDOW / 2 - 1), 0);
	expect_nothing(y);
	assert_int_equal(yamux_consume(y, 1, 1), 0);
	expect(y, WINDOW, 0, 1, YAMUX_WINDOW / 2);
	assert_int_equal(yamux_consume(y, 1, YAMUX_WINDOW / 2 + 1), -1);
	assert_int_equal(yamux_consume(y, 3, 0), -1);
	assert_int_equal(feed(y, DATA, 0, 1, YAMUX_WINDOW / 2, &ev),
	    YAMUX_NONE);
	assert_int_equal(yamux_input(y, payload, YAMUX_WINDOW / 2, &ev),
	    YAMUX_WINDOW / 2);
	assert_int_equal(feed(y, DATA, 0, 1, 1, &ev), YAMUX_FAILED);
	yamux_free(y);
}

static void
test_larger_window(void **state)
{
	struct yamux_config	 c = config;
	struct yamux_event	 ev;
	struct yamux		*y;

	(void)state;
	c.window_bytes = YAMUX_WINDOW - 1;
	assert_null(yamux_new(&c));
	c.window_bytes = YAMUX_WINDOW_MAX + 1;
	assert_null(yamux_new(&c));
	c.window_bytes = YAMUX_WINDOW_MAX;
	c.unread_max = YAMUX_WINDOW_MAX;
	assert_non_null(y = yamux_new(&c));
	assert_int_equal(feed(y, WINDOW, SYN, 1, 0, &ev), YAMUX_OPENED);
	expect(y, WINDOW, ACK, 1, YAMUX_WINDOW_MAX - YAMUX_WINDOW);
	assert_int_equal(yamux_open(y, NULL), 2);
	expect(y, WINDOW, SYN, 2, YAMUX_WINDOW_MAX - YAMUX_WINDOW);
	assert_int_equal(feed(y, DATA, 0, 1, YAMUX_WINDOW_MAX, &ev),
	    YAMUX_NONE);
	assert_int_equal(yamux_failed(y), 0);
	yamux_free(y);
}

static void
test_send_window(void **state)
{
	static uint8_t		 data[YAMUX_WINDOW + 1];
	struct yamux_event	 ev;
	struct yamux		*y = session(1);
	const uint8_t		*p;
	size_t			 n;

	(void)state;
	assert_int_equal(yamux_open(y, NULL), 1);
	expect(y, WINDOW, SYN, 1, 0);
	assert_int_equal(yamux_room(y, 1), YAMUX_WINDOW);
	assert_int_equal(yamux_write(y, 1, data, YAMUX_FRAME_MAX),
	    YAMUX_FRAME_MAX);
	n = yamux_output(y, &p);
	assert_int_equal(n, YAMUX_FRAME_MAX + YAMUX_HEADER_LEN);
	yamux_sent(y, n);
	assert_int_equal(yamux_write(y, 1, data, YAMUX_FRAME_MAX + 1),
	    YAMUX_FRAME_MAX + 1);
	n = yamux_output(y, &p);
	assert_int_equal(n, YAMUX_FRAME_MAX + 1 + 2 * YAMUX_HEADER_LEN);
	yamux_sent(y, n);
	/* An update for who is not blocked tells nothing. */
	assert_int_equal(feed(y, WINDOW, ACK, 1, 1, &ev), YAMUX_NONE);
	n = YAMUX_WINDOW - 2 * YAMUX_FRAME_MAX;
	assert_int_equal(yamux_write(y, 1, data, n + 1), n);
	assert_int_equal(yamux_write(y, 1, data, 1), 0);
	assert_int_equal(yamux_room(y, 1), 0);
	assert_int_equal(feed(y, WINDOW, 0, 1, 0, &ev), YAMUX_NONE);
	assert_int_equal(feed(y, WINDOW, FIN, 1, 2, &ev), YAMUX_WRITABLE);
	assert_int_equal(more(y, &ev), YAMUX_FIN);
	assert_int_equal(yamux_write(y, 1, data, 3), 2);
	yamux_free(y);
}

static void
test_out_max(void **state)
{
	static uint8_t		 data[4096];
	struct yamux_config	 c = config;
	struct yamux_event	 ev;
	struct yamux		*y;
	uint8_t			 ping[YAMUX_HEADER_LEN];
	const uint8_t		*p;
	size_t			 n, answered = 0;

	(void)state;
	c.out_max = 1000;
	c.dialler = 1;
	assert_non_null(y = yamux_new(&c));
	assert_int_equal(yamux_open(y, NULL), 1);
	assert_int_equal(yamux_write(y, 1, data, sizeof(data)),
	    1000 - YAMUX_HEADER_LEN);
	assert_int_equal(yamux_write(y, 1, data, 1), 0);
	assert_int_equal(yamux_open(y, NULL), 0);
	assert_int_equal(errno, EAGAIN);
	/* Pings are answered up to a point, then the input waits. */
	header(ping, PING, SYN, 0, 7);
	while (yamux_input(y, ping, sizeof(ping), &ev) == sizeof(ping))
		answered++;
	assert_int_equal(ev.type, YAMUX_NONE);
	assert_true(answered > 1000 && answered < 2000);
	n = yamux_output(y, &p);
	assert_true(n <= 1000 + YAMUX_HEADER_LEN + YAMUX_CONTROL_MAX);
	yamux_sent(y, 100);
	assert_int_equal(yamux_input(y, ping, sizeof(ping), &ev),
	    sizeof(ping));
	yamux_sent(y, n);
	yamux_trim(y);
	expect_nothing(y);
	assert_int_equal(yamux_write(y, 1, data, 500), 500);
	yamux_free(y);
}

static void
test_stream_limits(void **state)
{
	struct yamux_event	 ev;
	struct yamux		*y = session(0);
	const uint8_t		*p;
	uint32_t		 i;

	(void)state;
	for (i = 0; i < config.in_max; i++)
		assert_int_equal(feed(y, WINDOW, SYN, 2 * i + 1, 0, &ev),
		    YAMUX_OPENED);
	yamux_sent(y, yamux_output(y, &p));
	assert_int_equal(feed(y, DATA, SYN, 2 * i + 1, 3, &ev), YAMUX_NONE);
	expect(y, WINDOW, RST, 2 * i + 1, 0);
	assert_int_equal(yamux_input(y, (const uint8_t *)"abc", 3, &ev), 3);
	assert_int_equal(ev.type, YAMUX_NONE);
	/* A place that is free is taken again. */
	assert_int_equal(yamux_reset(y, 5, 0), 0);
	yamux_sent(y, yamux_output(y, &p));
	assert_int_equal(feed(y, WINDOW, SYN, 2 * i + 3, 0, &ev),
	    YAMUX_OPENED);
	/* Opened and reset at once. */
	assert_int_equal(feed(y, WINDOW, SYN | RST, 101, 0, &ev), YAMUX_NONE);
	/* Those that nobody took note of yet. */
	for (i = 0; i < YAMUX_UNACKED_MAX; i++)
		assert_int_equal(yamux_open(y, NULL), 2 * i + 2);
	assert_int_equal(yamux_open(y, NULL), 0);
	assert_int_equal(errno, EAGAIN);
	for (i = 0; i < 44; i++)
		assert_int_equal(feed(y, WINDOW, i < 40 ? ACK : 0, 2 * i + 2,
		    0, &ev), YAMUX_NONE);
	for (i = YAMUX_UNACKED_MAX; i < 300; i++)
		assert_int_equal(yamux_open(y, NULL), 2 * i + 2);
	assert_int_equal(yamux_open(y, NULL), 0);
	assert_int_equal(yamux_reset(y, 2, 0), 0);
	assert_int_equal(feed(y, WINDOW, ACK, 100, 0, &ev), YAMUX_NONE);
	assert_int_equal(yamux_open(y, NULL), 602);
	yamux_free(y);
}

static void
test_unread_max(void **state)
{
	static uint8_t		 payload[1000];
	struct yamux_config	 c = config;
	struct yamux_event	 ev;
	struct yamux		*y;

	(void)state;
	c.unread_max = 1000;
	assert_non_null(y = yamux_new(&c));
	assert_int_equal(feed(y, DATA, SYN, 1, 999, &ev), YAMUX_OPENED);
	assert_int_equal(yamux_input(y, payload, 999, &ev), 999);
	assert_int_equal(feed(y, DATA, SYN, 3, 1, &ev), YAMUX_OPENED);
	assert_int_equal(yamux_input(y, payload, 1, &ev), 1);
	expect(y, WINDOW, ACK, 1, 0);
	expect(y, WINDOW, ACK, 3, 0);
	assert_int_equal(feed(y, DATA, FIN, 3, 1, &ev), YAMUX_RESET);
	assert_int_equal(ev.by_us, 1);
	assert_int_equal(ev.ended, 1);
	expect(y, WINDOW, RST, 3, 0);
	assert_int_equal(yamux_input(y, payload, 1, &ev), 1);
	assert_int_equal(ev.type, YAMUX_NONE);
	assert_int_equal(yamux_unread(y), 999);
	assert_int_equal(yamux_consume(y, 1, 999), 0);
	assert_int_equal(feed(y, DATA, 0, 1, 1000, &ev), YAMUX_NONE);
	assert_int_equal(yamux_failed(y), 0);
	yamux_free(y);
}

static void
test_session(void **state)
{
	struct yamux_event	 ev;
	struct yamux		*y = session(1);
	void			*arg;
	size_t			 at = 0;

	(void)state;
	assert_int_equal(feed(y, PING, SYN, 0, 0xdeadbeef, &ev), YAMUX_NONE);
	expect(y, PING, ACK, 0, 0xdeadbeef);
	assert_int_equal(yamux_ping(y, 9), 0);
	assert_int_equal(yamux_ping(y, 10), -1);
	expect(y, PING, SYN, 0, 9);
	assert_int_equal(feed(y, PING, ACK, 0, 9, &ev), YAMUX_PONG);
	assert_int_equal(ev.code, 9);
	assert_int_equal(yamux_ping(y, 10), 0);
	expect(y, PING, SYN, 0, 10);
	assert_int_equal(yamux_open(y, y), 1);
	expect(y, WINDOW, SYN, 1, 0);
	assert_ptr_equal(yamux_arg(y, 1), y);
	assert_int_equal(yamux_iterate(y, &at, &arg), 1);
	assert_ptr_equal(arg, y);
	assert_int_equal(yamux_iterate(y, &at, &arg), 0);
	yamux_goaway(y, YAMUX_NORMAL);
	yamux_goaway(y, YAMUX_NORMAL);
	expect(y, GOAWAY, 0, 0, 0);
	expect_nothing(y);
	assert_int_equal(feed(y, WINDOW, SYN, 2, 0, &ev), YAMUX_NONE);
	expect(y, WINDOW, RST, 2, 0);
	assert_int_equal(yamux_open(y, NULL), 0);
	assert_int_equal(feed(y, GOAWAY, 0, 0, 0x1001, &ev), YAMUX_GOAWAY);
	assert_int_equal(ev.code, 0x1001);
	assert_int_equal(feed(y, PING, ACK, 0, 11, &ev), YAMUX_FAILED);
	yamux_free(y);
	y = session(1);
	assert_int_equal(feed(y, GOAWAY, 0, 0, 0, &ev), YAMUX_GOAWAY);
	assert_int_equal(yamux_open(y, NULL), 0);
	assert_int_equal(errno, EPIPE);
	yamux_free(y);
}

/* Two sessions, a megabyte both ways at once, at many sizes of pieces. */
static void
test_both_ways(void **state)
{
	static const size_t	 pieces[] = { 1, 7, 11, 13, 1000, 100000 };
	static uint8_t		 data[30000];
	struct yamux		*a, *b;
	size_t			 i, got_a, got_b, sent_a, sent_b, n;
	uint32_t		 id;

	(void)state;
	for (i = 0; i < COUNT(pieces); i++) {
		a = session(1);
		b = session(0);
		assert_int_equal(id = yamux_open(a, NULL), 1);
		assert_int_equal(deliver(a, b, pieces[i]), 0);
		sent_a = sent_b = got_a = got_b = 0;
		while (got_a < 1000000 || got_b < 1000000) {
			sent_a += (size_t)yamux_write(a, id, data,
			    sizeof(data));
			sent_b += (size_t)yamux_write(b, id, data,
			    sizeof(data));
			n = deliver(a, b, pieces[i]);
			assert_int_equal(yamux_consume(b, id, n), 0);
			got_b += n;
			n = deliver(b, a, pieces[i]);
			assert_int_equal(yamux_consume(a, id, n), 0);
			got_a += n;
		}
		assert_int_equal(got_a, sent_b);
		assert_int_equal(got_b, sent_a);
		assert_int_equal(yamux_close(a, id), 0);
		(void)deliver(a, b, pieces[i]);
		assert_int_equal(yamux_close(b, id), 1);
		(void)deliver(b, a, pieces[i]);
		assert_int_equal(yamux_streams(a), 0);
		assert_int_equal(yamux_streams(b), 0);
		yamux_free(a);
		yamux_free(b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opening),
		cmocka_unit_test(test_closing),
		cmocka_unit_test(test_reset_inside),
		cmocka_unit_test(test_violations),
		cmocka_unit_test(test_data_after_fin),
		cmocka_unit_test(test_receive_window),
		cmocka_unit_test(test_larger_window),
		cmocka_unit_test(test_send_window),
		cmocka_unit_test(test_out_max),
		cmocka_unit_test(test_stream_limits),
		cmocka_unit_test(test_unread_max),
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_both_ways),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
