/* Messages between processes: queue, socket, descriptors, and broken peers. */
#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
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
#include "common/msg.h"

/* A pipe between the parent and a frontend, both ends in this process. */
struct ends {
	struct imsgbuf	*parent, *child;
};

static void
ends_make(struct ends *e, uint32_t a, uint32_t b, int take_fds)
{
	int	 fds[2];

	assert_int_equal(socketpair(AF_UNIX,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	e->parent = imsgbuf_new(fds[0], a, b, 0);
	e->child = imsgbuf_new(fds[1], b, a, take_fds);
	assert_non_null(e->parent);
	assert_non_null(e->child);
}

static void
ends_free(struct ends *e)
{
	imsgbuf_free(e->parent);
	imsgbuf_free(e->child);
}

static int
open_null(void)
{
	int	 fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return (fd);
}

static int
is_open(int fd)
{
	return (fcntl(fd, F_GETFD) != -1);
}

/* Bytes that tell where in which message they stand. */
static uint8_t
pattern(size_t message, size_t i)
{
	return ((uint8_t)(message * 31 + i * 7 + (i >> 8)));
}

static void
fill(uint8_t *p, size_t n, size_t message)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		p[i] = pattern(message, i);
}

static void
check(const uint8_t *p, size_t n, size_t message)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if (p[i] != pattern(message, i))
			fail_msg("message %zu: byte %zu", message, i);
}

/* Fetches the next message; reads where there is none. */
static void
get(struct imsgbuf *ib, struct imsg *m)
{
	const char	*why = "";
	int		 r;

	for (;;) {
		r = imsg_get(ib, m, &why);
		if (r == -1)
			fail_msg("imsg_get: %s", why);
		if (r == 1)
			return;
		assert_int_equal(imsg_read(ib), 1);
	}
}

static void
get_nothing(struct imsgbuf *ib)
{
	struct imsg	 m;
	const char	*why;

	assert_int_equal(imsg_get(ib, &m, &why), 0);
	assert_int_equal(imsg_read(ib), 0);
	assert_int_equal(imsg_get(ib, &m, &why), 0);
}

static void
get_refused(struct imsgbuf *ib, const char *expected)
{
	struct imsg	 m;
	const char	*why = "";
	int		 r;

	while ((r = imsg_get(ib, &m, &why)) == 1)
		if (m.fd != -1)
			close(m.fd);
	if (r == 0) {
		assert_int_equal(imsg_read(ib), 1);
		while ((r = imsg_get(ib, &m, &why)) == 1)
			if (m.fd != -1)
				close(m.fd);
	}
	assert_int_equal(r, -1);
	assert_string_equal(why, expected);
	/* And it stays so. */
	assert_int_equal(imsg_get(ib, &m, &why), -1);
	assert_string_equal(why, expected);
}

static void
one(void **state)
{
	struct ends	 e;
	struct imsg	 m;
	uint32_t	 level = 1;

	(void)state;
	ends_make(&e, P_PARENT, P_FRONTEND, 1);
	get_nothing(e.child);
	assert_int_equal(imsg_send(e.parent, MSG_LOG_LEVEL, 77, -1, &level,
	    sizeof(level)), 0);
	assert_int_equal(imsg_queued(e.parent), 24);
	get_nothing(e.child);
	assert_int_equal(imsg_flush(e.parent), 0);
	assert_int_equal(imsg_queued(e.parent), 0);
	get(e.child, &m);
	assert_int_equal(m.hdr.type, MSG_LOG_LEVEL);
	assert_int_equal(m.hdr.len, sizeof(level));
	assert_int_equal(m.hdr.peerid, 77);
	assert_int_equal(m.hdr.pid, getpid());
	assert_int_equal(m.fd, -1);
	assert_memory_equal(m.data, &level, sizeof(level));
	assert_non_null(imsg_struct(&m, sizeof(level)));
	assert_null(imsg_struct(&m, sizeof(level) + 1));
	assert_null(imsg_struct(&m, sizeof(level) - 1));
	get_nothing(e.child);
	ends_free(&e);
}

/* What the caller may not send, and that the descriptor is closed then. */
static void
send_refused(void **state)
{
	struct ends	 e;
	int		 fd;

	(void)state;
	ends_make(&e, P_PARENT, P_FRONTEND, 1);
	assert_int_equal(imsg_send(e.parent, MSG_CONF, 0, -1, "", 0), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(imsg_send(e.parent, MSG_READY, 0, -1, NULL, 0), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(imsg_send(e.parent, MSG_LISTENER, 0, -1, "1234", 4),
	    -1);
	assert_int_equal(errno, EMSGSIZE);
	fd = open_null();
	errno = 0;
	assert_int_equal(imsg_send(e.parent, MSG_START, 0, fd, NULL, 0), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_false(is_open(fd));
	assert_int_equal(imsg_send2(e.parent, MSG_CONF, 0, "", SIZE_MAX, "",
	    SIZE_MAX), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_null(imsg_reserve(e.parent, MSG_CONF, 0, MSG_TEXT_MAX + 1));
	assert_null(imsg_reserve(e.parent, MSG_CONF, 0, SIZE_MAX));
	assert_int_equal(imsg_queued(e.parent), 0);
	ends_free(&e);
}

/* Every length around the padding, by all three ways to send. */
static void
lengths(void **state)
{
	struct ends	 e;
	struct imsg	 m;
	uint8_t		 buf[300], *p;
	size_t		 len;

	(void)state;
	ends_make(&e, P_PARENT, P_FRONTEND, 1);
	for (len = 1; len <= 300; len++) {
		fill(buf, len, len);
		assert_int_equal(imsg_send(e.parent, MSG_CONF, 1, -1, buf,
		    len), 0);
		assert_int_equal(imsg_send2(e.parent, MSG_CONF, 2, buf,
		    len / 3, buf + len / 3, len - len / 3), 0);
		p = imsg_reserve(e.parent, MSG_CONF, 3, len);
		assert_non_null(p);
		fill(p, len, len);
	}
	assert_int_equal(imsg_flush(e.parent), 0);
	for (len = 3; len < 903; len++) {
		get(e.child, &m);
		assert_int_equal(m.hdr.len, len / 3);
		assert_int_equal(m.hdr.peerid, len % 3 + 1);
		assert_int_equal((uintptr_t)m.data % 8, 0);
		check(m.data, m.hdr.len, m.hdr.len);
	}
	get_nothing(e.child);
	ends_free(&e);
}

/* A socket that is soon full: nothing is lost or moved, whatever is left. */
static void
slow_reader(void **state)
{
	struct ends	 e;
	struct imsg	 m;
	const char	*why;
	uint8_t		 buf[5000];
	size_t		 sent = 0, got = 0, len;
	int		 r, full = 0, size = 4096;

	(void)state;
	ends_make(&e, P_PARENT, P_FRONTEND, 1);
	setsockopt(imsgbuf_fd(e.parent), SOL_SOCKET, SO_SNDBUF, &size,
	    sizeof(size));
	while (got < 2000) {
		for (r = 0; r < 7 && sent < 2000; r++, sent++) {
			len = 1 + sent * 37 % sizeof(buf);
			fill(buf, len, sent);
			assert_int_equal(imsg_send(e.parent, MSG_CONF,
			    (uint32_t)sent, -1, buf, len), 0);
		}
		r = imsg_flush(e.parent);
		assert_int_not_equal(r, -1);
		full += r;
		assert_int_equal(imsg_read(e.child), 1);
		while ((r = imsg_get(e.child, &m, &why)) == 1) {
			assert_int_equal(m.hdr.peerid, got);
			assert_int_equal(m.hdr.len,
			    1 + got * 37 % sizeof(buf));
			check(m.data, m.hdr.len, got);
			got++;
		}
		assert_int_equal(r, 0);
	}
	assert_true(full > 10);
	assert_int_equal(imsg_queued(e.parent), 0);
	get_nothing(e.child);
	ends_free(&e);
}

/* In the steady state nothing is allocated: what is held stays the same. */
static void
steady(void **state)
{
	struct ends	 e;
	struct imsg	 m;
	uint8_t		 buf[1000];
	size_t		 i, j, out = 0, in = 0;

	(void)state;
	ends_make(&e, P_PARENT, P_FRONTEND, 1);
	fill(buf, sizeof(buf), 0);
	for (i = 0; i < 100; i++) {
		for (j = 0; j < 30; j++)
			assert_int_equal(imsg_send(e.parent, MSG_CONF, 0, -1,
			    buf, sizeof(buf)), 0);
		assert_int_equal(imsg_flush(e.parent), 0);
		for (j = 0; j < 30; j++)
			get(e.child, &m);
		get_nothing(e.child);
		if (i == 0) {
			out = imsg_memory(e.parent);
			in = imsg_memory(e.child);
		}
		assert_int_equal(imsg_memory(e.parent), out);
		assert_int_equal(imsg_memory(e.child), in);
	}
	assert_int_equal(in, 64 * 1024);
	imsg_trim(e.parent);
	imsg_trim(e.child);
	assert_int_equal(imsg_memory(e.parent), 0);
	assert_int_equal(imsg_memory(e.child), 0);
	/* And again from nothing. */
	assert_int_equal(imsg_send(e.parent, MSG_CONF, 0, -1, buf, 1), 0);
	assert_int_equal(imsg_flush(e.parent), 0);
	get(e.child, &m);
	check(m.data, 1, 0);
	/* A payload in use is not taken away. */
	imsg_trim(e.child);
	assert_int_not_equal(imsg_memory(e.child), 0);
	check(m.data, 1, 0);
	ends_free(&e);
}

/* The largest message, byte by byte over a socket, among small ones. */
static void
large(void **state)
{
	const size_t	 len = sizeof(struct msg_data) + MSG_DATA_MAX;
	struct ends	 e;
	struct imsg	 m;
	const char	*why;
	uint8_t		*p;
	uint64_t	 id = 5;
	unsigned int	 got = 0;
	int		 r;

	(void)state;
	ends_make(&e, P_ROUTER, P_FRONTEND, 0);
	imsg_send(e.parent, MSG_CONNECT, 1, -1, &id, sizeof(id));
	p = imsg_reserve(e.parent, MSG_BROADCAST, 2, len);
	assert_non_null(p);
	fill(p, len, 9);
	imsg_send(e.parent, MSG_CONNECT, 3, -1, &id, sizeof(id));
	while (got < 3) {
		assert_int_not_equal(imsg_flush(e.parent), -1);
		assert_int_equal(imsg_read(e.child), 1);
		while ((r = imsg_get(e.child, &m, &why)) == 1) {
			assert_int_equal(m.hdr.peerid, ++got);
			if (got == 2) {
				assert_int_equal(m.hdr.len, len);
				check(m.data, len, 9);
			}
		}
		assert_int_equal(r, 0);
		/* Grown once, to the size of the message. */
		assert_true(imsg_memory(e.child) <= len + 16);
	}
	imsg_trim(e.parent);
	imsg_trim(e.child);
	assert_int_equal(imsg_memory(e.parent) + imsg_memory(e.child), 0);
	ends_free(&e);
}

/* Descriptors arrive with their messages, among others, and close on exec. */
static void
descriptors(void **state)
{
	struct ends	 e;
	struct imsg	 m;
	uint32_t	 i;
	int		 fd[20];
	off_t		 pos;

	(void)state;
	ends_make(&e, P_PARENT, P_FRONTEND, 1);
	for (i = 0; i < 20; i++) {
		/* Told apart by their offsets. */
		fd[i] = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
		assert_true(fd[i] >= 0);
		assert_int_equal(lseek(fd[i], i + 1, SEEK_SET), i + 1);
		imsg_send(e.parent, MSG_CONF, i, -1, "0123456789", i % 9 + 1);
		assert_int_equal(imsg_send(e.parent, MSG_LISTENER, i, fd[i],
		    &i, sizeof(i)), 0);
		if (i % 3 == 0)
			imsg_send(e.parent, MSG_CONF_END, i, -1, NULL, 0);
	}
	assert_int_equal(imsg_flush(e.parent), 0);
	for (i = 0; i < 20; i++)
		assert_false(is_open(fd[i]));
	for (i = 0; i < 20; i++) {
		get(e.child, &m);
		assert_int_equal(m.hdr.type, MSG_CONF);
		assert_int_equal(m.fd, -1);
		get(e.child, &m);
		assert_int_equal(m.hdr.type, MSG_LISTENER);
		assert_int_not_equal(m.fd, -1);
		assert_int_equal(fcntl(m.fd, F_GETFD), FD_CLOEXEC);
		pos = lseek(m.fd, 0, SEEK_CUR);
		assert_int_equal(pos, i + 1);
		close(m.fd);
		if (i % 3 == 0)
			get(e.child, &m);
	}
	get_nothing(e.child);
	ends_free(&e);
}

/* Freed with descriptors not sent and not fetched: none stays open. */
static void
descriptors_freed(void **state)
{
	struct ends	 e;
	uint32_t	 i = 0;
	int		 before, after, unsent;

	(void)state;
	before = open_null();
	close(before);
	ends_make(&e, P_PARENT, P_FRONTEND, 1);
	imsg_send(e.parent, MSG_LISTENER, 0, open_null(), &i, sizeof(i));
	assert_int_equal(imsg_flush(e.parent), 0);
	assert_int_equal(imsg_read(e.child), 1);
	unsent = open_null();
	imsg_send(e.parent, MSG_LISTENER, 0, unsent, &i, sizeof(i));
	ends_free(&e);
	assert_false(is_open(unsent));
	after = open_null();
	close(after);
	assert_int_equal(before, after);
}

/* Bytes on the wire as a peer could write them. */
static void
raw(struct imsgbuf *ib, uint32_t type, uint32_t len, size_t payload, int fd)
{
	struct imsg_hdr	 hdr = { type, len, 0, 1 };
	uint8_t		 buf[256];

	memset(buf, 0, sizeof(buf));
	memcpy(buf, &hdr, sizeof(hdr));
	assert_int_equal(imsg_feed(ib, buf, sizeof(hdr) + payload, fd), 0);
}

static void
violations(void **state)
{
	static const struct {
		const char	*name;
		uint32_t	 type;
		size_t		 len, payload;
		int		 fd;
		const char	*why;
	} cases[] = {
	{ "type 0", MSG_NONE, 0, 0, 0, "unknown type" },
	{ "type behind the last", MSG_TYPES, 0, 0, 0, "unknown type" },
	{ "largest type", UINT32_MAX, 0, 0, 0, "unknown type" },
	{ "a child's", MSG_READY, 0, 0, 0, "not its to send" },
	{ "too short", MSG_CONF, 0, 0, 0, "too short" },
	{ "too long, before it is there", MSG_CONF, MSG_TEXT_MAX + 1, 0, 0,
	    "too long" },
	{ "largest length", MSG_CONF, UINT32_MAX, 0, 0, "too long" },
	{ "descriptor missing", MSG_LISTENER, 4, 8, 0, "descriptor missing" },
	{ "descriptor missing, before all is there", MSG_LISTENER, 4, 0, 0,
	    "descriptor missing" },
	{ "descriptor unexpected", MSG_CONF_END, 0, 0, 1,
	    "unexpected descriptor" }
	};
	struct ends	 e;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ends_make(&e, P_PARENT, P_FRONTEND, 1);
		raw(e.child, cases[i].type, (uint32_t)cases[i].len,
		    cases[i].payload, cases[i].fd ? open_null() : -1);
		print_message("%s\n", cases[i].name);
		get_refused(e.child, cases[i].why);
		assert_true(imsg_memory(e.child) <= 64 * 1024);
		ends_free(&e);
	}
}

/* More descriptors than messages that could carry them. */
static void
descriptor_flood(void **state)
{
	struct ends	 e;
	struct imsg	 m;
	const char	*why;
	int		 i, first, fd[5];

	(void)state;
	first = open_null();
	close(first);
	ends_make(&e, P_PARENT, P_FRONTEND, 1);
	raw(e.child, MSG_CONF, 100, 0, -1);
	assert_int_equal(imsg_get(e.child, &m, &why), 0);
	for (i = 0; i < 5; i++) {
		fd[i] = open_null();
		assert_int_equal(imsg_feed(e.child, "x", 1, fd[i]), 0);
		assert_int_equal(imsg_get(e.child, &m, &why),
		    i < 4 ? 0 : -1);
	}
	assert_string_equal(why, "too many descriptors");
	assert_false(is_open(fd[4]));
	ends_free(&e);
	for (i = 0; i < 5; i++)
		assert_false(is_open(fd[i]));
	i = open_null();
	assert_int_equal(i, first);
	close(i);
}

/* Where none may come, the kernel drops it: its message is one without. */
static void
descriptor_not_taken(void **state)
{
	struct ends	 e;
	uint32_t	 i = 0;

	(void)state;
	ends_make(&e, P_PARENT, P_FRONTEND, 0);
	imsg_send(e.parent, MSG_LISTENER, 0, open_null(), &i, sizeof(i));
	assert_int_equal(imsg_flush(e.parent), 0);
	get_refused(e.child, "descriptor missing");
	ends_free(&e);
}

/* No descriptor is free to receive one with. */
static void
descriptor_limit(void **state)
{
	struct ends	 e;
	struct rlimit	 rl, low;
	uint32_t	 i = 0;
	int		 first;

	(void)state;
	ends_make(&e, P_PARENT, P_FRONTEND, 1);
	imsg_send(e.parent, MSG_LISTENER, 0, open_null(), &i, sizeof(i));
	assert_int_equal(imsg_flush(e.parent), 0);
	first = open_null();
	close(first);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &rl), 0);
	low = rl;
	low.rlim_cur = (rlim_t)first;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	get_refused(e.child, "descriptor lost: too many, or none free");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &rl), 0);
	ends_free(&e);
}

/* Every cut of a stream into two pieces gives the same messages. */
static void
cuts(void **state)
{
	struct imsg_hdr	 hdr;
	struct ends	 e;
	struct imsg	 m;
	const char	*why;
	uint8_t		 wire[512];
	size_t		 n = 0, i, len, piece, cut, got;
	int		 r;

	(void)state;
	memset(wire, 0, sizeof(wire));
	for (i = 0; i < 9; i++) {
		len = i * 4 + 1;
		hdr.type = MSG_CONF;
		hdr.len = (uint32_t)len;
		hdr.peerid = (uint32_t)i;
		hdr.pid = 1;
		memcpy(wire + n, &hdr, sizeof(hdr));
		fill(wire + n + sizeof(hdr), len, i);
		n += sizeof(hdr) + (len + 7) / 8 * 8;
	}
	for (cut = 0; cut <= n; cut++) {
		ends_make(&e, P_PARENT, P_FRONTEND, 1);
		got = 0;
		for (piece = 0; piece < 2; piece++) {
			assert_int_equal(imsg_feed(e.child,
			    piece == 0 ? wire : wire + cut,
			    piece == 0 ? cut : n - cut, -1), 0);
			while ((r = imsg_get(e.child, &m, &why)) == 1) {
				assert_int_equal(m.hdr.peerid, got);
				assert_int_equal((uintptr_t)m.data % 8, 0);
				check(m.data, m.hdr.len, got++);
			}
			assert_int_equal(r, 0);
		}
		assert_int_equal(got, 9);
		ends_free(&e);
	}
}

static void
peer_gone(void **state)
{
	struct ends	 e;
	struct imsg	 m;
	const char	*why;

	(void)state;
	ends_make(&e, P_PARENT, P_FRONTEND, 1);
	imsg_send(e.parent, MSG_CONF_END, 0, -1, NULL, 0);
	assert_int_equal(imsg_flush(e.parent), 0);
	imsgbuf_free(e.parent);
	/* What was sent before is still there. */
	get(e.child, &m);
	assert_int_equal(imsg_get(e.child, &m, &why), 0);
	errno = EIO;
	assert_int_equal(imsg_read(e.child), -1);
	assert_int_equal(errno, 0);
	imsg_send(e.child, MSG_READY, 0, -1, NULL, 0);
	assert_int_equal(imsg_flush(e.child), -1);
	assert_int_equal(errno, EPIPE);
	imsgbuf_free(e.child);
	imsgbuf_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(one),
		cmocka_unit_test(send_refused),
		cmocka_unit_test(lengths),
		cmocka_unit_test(slow_reader),
		cmocka_unit_test(steady),
		cmocka_unit_test(large),
		cmocka_unit_test(descriptors),
		cmocka_unit_test(descriptors_freed),
		cmocka_unit_test(violations),
		cmocka_unit_test(descriptor_flood),
		cmocka_unit_test(descriptor_not_taken),
		cmocka_unit_test(descriptor_limit),
		cmocka_unit_test(cuts),
		cmocka_unit_test(peer_gone)
	};

	signal(SIGPIPE, SIG_IGN);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
