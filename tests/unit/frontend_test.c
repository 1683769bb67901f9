/*
 * The real frontend_main() in a process of its own, and this one as its parent,
 * its routers and its clients: what a lost router, a stop of the process and
 * clients that do not read lead to.
 */
#include "router_fixture.h"

#include <stdarg.h>
#include <sys/un.h>
#include <time.h>

#define CHANNEL		"/chat"
#define QUEUE_LIMIT	(64u * 1024)

struct frontend {
	pid_t			 pid;
	struct imsgbuf		*parent, *router;
	struct sockaddr_un	 sun;
	socklen_t		 sun_len;
};

/* An unnamed place for the listener: the abstract namespace of Linux. */
static int
listener_fd(struct frontend *f)
{
	static unsigned int	count;
	int			fd;

	memset(&f->sun, 0, sizeof(f->sun));
	f->sun.sun_family = AF_UNIX;
	f->sun_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
	    (size_t)snprintf(f->sun.sun_path + 1, sizeof(f->sun.sun_path) - 1,
	    "nwsd-test-%ld-%u", (long)getpid(), ++count));
	assert_int_not_equal(fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0), -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&f->sun, f->sun_len), 0);
	assert_int_equal(listen(fd, 100), 0);
	return (fd);
}

/* A pipe to a new router, whose end is ours; what it is told first is read. */
static void
connect_router(struct frontend *f)
{
	const struct msg_pipe	mp = { P_ROUTER, 0 };
	int			sv[2];

	imsgbuf_free(f->router);
	make_pair(sv);
	f->router = imsgbuf_new(sv[0], P_ROUTER, P_FRONTEND, 0);
	assert_non_null(f->router);
	assert_int_equal(imsg_send(f->parent, MSG_PIPE, 0, sv[1], &mp,
	    sizeof(mp)), 0);
	flush(f->parent);
}

static void
start(struct frontend *f, const char *more)
{
	const struct msg_listener	l = { 0 };
	char				text[1024];
	int				sv[2], fd;

	memset(f, 0, sizeof(*f));
	make_pair(sv);
	fd = listener_fd(f);
	fflush(NULL);
	assert_int_not_equal(f->pid = fork(), -1);
	if (f->pid == 0) {
		close(sv[0]);
		if (sv[1] != 3 && dup2(sv[1], 3) == -1)
			_exit(99);
		memset(&child_options, 0, sizeof(child_options));
		child_options.process = P_FRONTEND;
		_exit(frontend_main());
	}
	close(sv[1]);
	f->parent = imsgbuf_new(sv[0], P_PARENT, P_FRONTEND, 0);
	assert_non_null(f->parent);
	snprintf(text, sizeof(text), "listen on unix \"/nowhere\"\n"
	    "%s%s\n", strstr(more, "queue-limit") != NULL ? "" :
	    "queue-limit 64K\n", more);
	send_msg(f->parent, MSG_CONF, 0, text, strlen(text));
	assert_int_equal(imsg_send(f->parent, MSG_LISTENER, 0, fd, &l,
	    sizeof(l)), 0);
	send_msg(f->parent, MSG_GRANTS, 0, NULL, 0);
	send_msg(f->parent, MSG_CONF_END, 0, NULL, 0);
	connect_router(f);
	send_msg(f->parent, MSG_START, 0, NULL, 0);
	flush(f->parent);
	expect(f->parent, MSG_READY, 0, NULL);
	expect(f->router, MSG_RESUMED, 0, NULL);
}

static void
stop(struct frontend *f)
{
	int	status;

	assert_int_equal(waitpid(f->pid, &status, WNOHANG), 0);
	imsgbuf_free(f->parent);
	assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	imsgbuf_free(f->router);
}

static uint64_t
count_of(struct frontend *f, const char *name)
{
	const struct msg_show		 show = { SHOW_SUMMARY };
	const struct msg_row_counter	*row;
	struct imsg			 m;
	size_t				 n = strlen(name);
	uint64_t			 value = UINT64_MAX;

	send_msg(f->parent, MSG_SHOW, 1, &show, sizeof(show));
	flush(f->parent);
	for (;;) {
		assert_true(receive(f->parent, &m));
		if (m.hdr.type == MSG_ROW_END)
			return (value);
		assert_int_equal(m.hdr.type, MSG_ROW);
		row = m.data;
		if (m.hdr.len == sizeof(*row) + n &&
		    memcmp(row + 1, name, n) == 0)
			value = row->value;
	}
}

/*
 * Clients.
 */
static int
dial(struct frontend *f)
{
	int	fd;

	assert_int_not_equal(fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC,
	    0), -1);
	assert_int_equal(connect(fd, (struct sockaddr *)&f->sun, f->sun_len),
	    0);
	return (fd);
}

static void
put(int fd, const void *p, size_t n)
{
	assert_int_equal(send(fd, p, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* Reads until the text is there or the stream ends; NUL-terminated. */
static size_t
get_until(int fd, char *buf, size_t size, const char *text)
{
	struct pollfd	pfd = { .fd = fd, .events = POLLIN };
	size_t		len = 0;
	ssize_t		n;

	for (;;) {
		buf[len] = '\0';
		if (text != NULL && memmem(buf, len, text, strlen(text)))
			return (len);
		if (poll(&pfd, 1, WAIT_MS) != 1)
			fail_msg("nothing came");
		if ((n = recv(fd, buf + len, size - 1 - len, 0)) <= 0)
			return (len);
		len += (size_t)n;
	}
}

static void
upgrade_as(int fd, const char *path, const char *more)
{
	char	text[512];

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: localhost\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n%s\r\n", path,
	    more);
	put(fd, text, strlen(text));
}

static void
upgrade(int fd, const char *path)
{
	upgrade_as(fd, path, "");
}

/* A text frame with a mask of zeros. */
static void
say(int fd, const char *text)
{
	uint8_t	frame[200];
	size_t	n = strlen(text);

	assert_true(n < 126);
	memset(frame, 0, 6);
	frame[0] = 0x81;
	frame[1] = (uint8_t)(0x80 | n);
	memcpy(frame + 6, text, n);
	put(fd, frame, n + 6);
}

static uint64_t
expect_join(struct frontend *f, uint32_t number, uint32_t flags)
{
	struct msg_join	j;
	struct imsg	m;

	expect(f->router, MSG_JOIN, number, &m);
	memcpy(&j, m.data, sizeof(j));
	assert_int_equal(j.flags, flags);
	return (j.id);
}

static void
admit(struct frontend *f, uint32_t number, uint64_t id)
{
	const struct msg_joined	j = { .id = id };

	send_msg(f->router, MSG_JOINED, number, &j, sizeof(j));
	flush(f->router);
}

/* A member of CHANNEL, which has the number; more: fields of its request. */
static int
member_as(struct frontend *f, uint32_t number, int first, const char *more,
    uint64_t *id)
{
	char	buf[1024];
	int	fd = dial(f);

	upgrade_as(fd, CHANNEL, more);
	if (first)
		expect(f->router, MSG_CHANNEL_OPEN, number, NULL);
	*id = expect_join(f, number, 0);
	admit(f, number, *id);
	get_until(fd, buf, sizeof(buf), "\r\n\r\n");
	assert_non_null(strstr(buf, " 101 "));
	return (fd);
}

static int
member(struct frontend *f, uint32_t number, int first, uint64_t *id)
{
	return (member_as(f, number, first, "", id));
}

static void
expect_status(int fd)
{
	char	buf[1024];

	say(fd, "{\"action\":\"status\"}");
	get_until(fd, buf, sizeof(buf), "\"status\"");
	assert_non_null(strstr(buf, "\"status\""));
}

static void
nap(long ms)
{
	const struct timespec	ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

/* It has stopped when this returns. */
static void
freeze(struct frontend *f)
{
	int	status;

	assert_int_equal(kill(f->pid, SIGSTOP), 0);
	assert_int_equal(waitpid(f->pid, &status, WUNTRACED), f->pid);
	assert_true(WIFSTOPPED(status));
}

/*
 * A member whose end is seen in the turn in which the new router comes is not
 * announced to it, so it must not leave there either.
 */
static void
test_dead_at_resume(void **state)
{
	struct frontend	f;
	uint64_t	a, b;
	int		fd_a, fd_b;

	(void)state;
	start(&f, "");
	fd_a = member(&f, 1, 1, &a);
	fd_b = member(&f, 1, 0, &b);
	freeze(&f);
	close(fd_a);
	connect_router(&f);
	assert_int_equal(kill(f.pid, SIGCONT), 0);
	expect(f.router, MSG_CHANNEL_OPEN, 1, NULL);
	assert_true(expect_join(&f, 1, JOIN_RESUME) == b);
	expect(f.router, MSG_RESUMED, 0, NULL);
	say(fd_b, "{\"action\":\"broadcast\",\"data\":1}");
	expect(f.router, MSG_PUBLISH, 1, NULL);
	/* And the last of a channel. */
	freeze(&f);
	close(fd_b);
	connect_router(&f);
	assert_int_equal(kill(f.pid, SIGCONT), 0);
	expect(f.router, MSG_RESUMED, 0, NULL);
	close(member(&f, 1, 1, &a));
	expect_id(f.router, MSG_LEAVE, 1, a);
	expect(f.router, MSG_CHANNEL_CLOSE, 1, NULL);
	stop(&f);
}

/*
 * Who was joining when the router went asks the next one, after RESUMED; a
 * channel that was closing then is forgotten, and its name may be used.
 */
static void
test_joining_at_loss(void **state)
{
	struct frontend	f;
	uint64_t	a, b, again;
	int		fd_a, fd_b;
	char		buf[1024];

	(void)state;
	start(&f, "");
	fd_a = member(&f, 1, 1, &a);
	close(fd_a);
	expect_id(f.router, MSG_LEAVE, 1, a);
	expect(f.router, MSG_CHANNEL_CLOSE, 1, NULL);
	/* Not closed yet: the same name gets another number. */
	fd_b = dial(&f);
	upgrade(fd_b, CHANNEL);
	expect(f.router, MSG_CHANNEL_OPEN, 2, NULL);
	b = expect_join(&f, 2, 0);
	connect_router(&f);
	expect(f.router, MSG_CHANNEL_OPEN, 2, NULL);
	expect(f.router, MSG_RESUMED, 0, NULL);
	again = expect_join(&f, 2, 0);
	assert_true(again == b);
	admit(&f, 2, b);
	get_until(fd_b, buf, sizeof(buf), "\r\n\r\n");
	expect_status(fd_b);
	close(fd_b);
	expect_id(f.router, MSG_LEAVE, 2, b);
	expect(f.router, MSG_CHANNEL_CLOSE, 2, NULL);
	send_msg(f.router, MSG_CHANNEL_CLOSED, 2, NULL, 0);
	flush(f.router);
	stop(&f);
}

/* A process that stood still does not blame its clients for it. */
static void
test_stall(void **state)
{
	struct frontend	f;
	uint64_t	id[20];
	int		fd[20], i;

	(void)state;
	start(&f, "keepalive ping 1s timeout 2s");
	for (i = 0; i < 20; i++)
		fd[i] = member(&f, 1, i == 0, &id[i]);
	freeze(&f);
	nap(4500);
	for (i = 0; i < 20; i += 2)
		say(fd[i], "{\"action\":\"status\"}");
	assert_int_equal(kill(f.pid, SIGCONT), 0);
	for (i = 0; i < 20; i++)
		expect_status(fd[i]);
	assert_true(count_of(&f, "frontend_silent_closed_total") == 0);
	for (i = 0; i < 20; i++)
		close(fd[i]);
	stop(&f);
}

/* In one piece: so many times a status, then messages of 8,000 bytes. */
static void
say_direct(int fd, int statuses, uint64_t target, int count)
{
	static uint8_t	frames[20 * 8008 + 100 * 7];
	uint8_t		*p = frames;
	int		 i;

	memset(frames, 0, sizeof(frames));
	for (; statuses > 0; statuses--, p += 7)
		memcpy(p, "\x82\x81\0\0\0\0\3", 7);
	for (; count > 0; count--, p += 8008) {
		memcpy(p, "\x82\xfe\x1f\x40", 4);
		p[8] = 2;
		for (i = 0; i < 8; i++)
			p[9 + i] = (uint8_t)(target >> (56 - 8 * i));
	}
	put(fd, frames, (size_t)(p - frames));
}

/* So many messages in one piece that are answered by an error. */
static void
say_nonsense(int fd, int count)
{
	static uint8_t	frames[4000 * 7];
	int		i;

	memset(frames, 0, sizeof(frames));
	for (i = 0; i < count; i++)
		memcpy(frames + 7 * i, "\x81\x81\0\0\0\0{", 7);
	put(fd, frames, (size_t)count * 7);
}

/* Waits until all that it said has been looked at. */
static void
expect_done(int fd)
{
	static char	buf[1 << 16];

	say_direct(fd, 0, 1, 1);
	get_until(fd, buf, sizeof(buf), "nobody of this id");
	assert_non_null(memmem(buf, sizeof(buf), "nobody of this id", 17));
}

/*
 * Two that send too fast, in the same list: what the first says, the channel
 * being leased, cuts off the second.
 */
static void
test_slowed_cuts_slowed(void **state)
{
	struct frontend	f;
	uint64_t	a, b;
	char		buf[4096];
	int		fd_a, fd_b, round;

	(void)state;
	for (round = 0; round < 2; round++) {
		start(&f, "rate messages 1000 burst 10");
		fd_a = dial(&f);
		upgrade_as(fd_a, CHANNEL,
		    "Sec-WebSocket-Protocol: nws.binary.v1\r\n");
		expect(f.router, MSG_CHANNEL_OPEN, 1, NULL);
		a = expect_join(&f, 1, 0);
		admit(&f, 1, a);
		get_until(fd_a, buf, sizeof(buf), "\r\n\r\n");
		fd_b = member(&f, 1, 0, &b);
		send_msg(f.router, MSG_LEASE, 1, NULL, 0);
		flush(f.router);
		/* Nearly too much for one who does not read. */
		while (count_of(&f, "frontend_queued_bytes") < QUEUE_LIMIT) {
			say_direct(fd_a, 0, b, 1);
			expect_done(fd_a);
		}
		assert_true(count_of(&f, "frontend_slow_closed_total") == 0);
		/* Who is paused first is first in the list. */
		if (round == 1)
			say_nonsense(fd_b, 4000);
		say_direct(fd_a, 60, b, 19);
		if (round == 0)
			say_nonsense(fd_b, 4000);
		/* It is heard to its end. */
		put(fd_a, "\x88\x80\0\0\0\0", 6);
		get_until(fd_a, buf, sizeof(buf), NULL);
		assert_true(count_of(&f, "frontend_slow_closed_total") == 1);
		expect_id(f.router, MSG_LEAVE, 1, b);
		expect_id(f.router, MSG_LEAVE, 1, a);
		close(fd_a);
		close(fd_b);
		stop(&f);
	}
}

/* Who sent the next broadcast that the router gets. */
static uint64_t
expect_publish(struct frontend *f)
{
	struct msg_data	d;
	struct imsg	m;

	expect(f->router, MSG_PUBLISH, 1, &m);
	memcpy(&d, m.data, sizeof(d));
	return (d.source);
}

/*
 * Pages that share a rate have turns, however much one of them has to say; and
 * nobody is looked at before it is his.
 */
static void
test_rate_in_turns(void **state)
{
	enum { MANY = 20 };
	static const char	page[] = "Origin: http://localhost\r\n";
	static const char	text[] = "{\"action\":\"broadcast\"}";
	struct frontend		f;
	uint64_t		a, b;
	int			fd_a, fd_b, i;

	(void)state;
	start(&f, "rate origin messages 50 burst 1");
	fd_a = member_as(&f, 1, 1, page, &a);
	fd_b = member_as(&f, 1, 0, page, &b);
	/* Both have spoken before either is heard. */
	freeze(&f);
	for (i = 0; i < MANY; i++)
		say(fd_a, text);
	say(fd_b, text);
	assert_int_equal(kill(f.pid, SIGCONT), 0);
	for (i = 0; expect_publish(&f) == a; i++)
		assert_in_range(i, 0, 1);
	for (; i < MANY; i++)
		assert_true(expect_publish(&f) == a);
	assert_in_range(count_of(&f, "frontend_rate_paused_total"), 1,
	    MANY + 1);
	close(fd_a);
	close(fd_b);
	stop(&f);
}

/* The soft limit holds for direct messages alone, and when no more come. */
static void
test_soft_direct(void **state)
{
	struct frontend	f;
	uint64_t	a, b;
	int		fd_a, fd_b;

	(void)state;
	start(&f, "queue-limit 1M soft 64K for 1s");
	fd_a = member_as(&f, 1, 1, "Sec-WebSocket-Protocol: nws.binary.v1\r\n",
	    &a);
	fd_b = member(&f, 1, 0, &b);
	send_msg(f.router, MSG_LEASE, 1, NULL, 0);
	flush(f.router);
	while (count_of(&f, "frontend_queued_bytes") <= 2 * QUEUE_LIMIT) {
		say_direct(fd_a, 0, b, 1);
		expect_done(fd_a);
	}
	assert_true(count_of(&f, "frontend_slow_closed_total") == 0);
	expect_id(f.router, MSG_LEAVE, 1, b);
	assert_true(count_of(&f, "frontend_slow_closed_total") == 1);
	close(fd_a);
	close(fd_b);
	stop(&f);
}

/* As much of broadcasts of 8,000 bytes as the socket takes, from at on. */
static void
pour(int fd, size_t *at)
{
	static uint8_t	frames[8 * 8008];
	ssize_t		n;
	size_t		i;

	for (i = 0; i < sizeof(frames); i += 8008) {
		memcpy(frames + i, "\x82\xfe\x1f\x40", 4);
		frames[i + 8] = 1;
	}
	while ((n = send(fd, frames + *at, sizeof(frames) - *at,
	    MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
		*at = (*at + (size_t)n) % sizeof(frames);
}

/* So many messages of theirs, of a router that reads more slowly. */
static void
count_sources(struct frontend *f, const uint64_t *id, unsigned int *heard,
    unsigned int n, unsigned int many)
{
	unsigned int	i;
	uint64_t	source;

	for (; many > 0; many--) {
		source = expect_publish(f);
		for (i = 0; i < n && id[i] != source; i++)
			;
		assert_true(i < n);
		heard[i]++;
	}
}

/* Where the router does not keep up, all who have much to say are heard. */
static void
test_router_in_turns(void **state)
{
	enum { SENDERS = 16, ROUNDS = 200, EACH = 20 };
	struct frontend	f;
	uint64_t	id[SENDERS];
	size_t		at[SENDERS] = { 0 };
	unsigned int	heard[SENDERS] = { 0 }, i, round;
	int		fd[SENDERS];

	(void)state;
	start(&f, "");
	for (i = 0; i < SENDERS; i++)
		fd[i] = member_as(&f, 1, i == 0,
		    "Sec-WebSocket-Protocol: nws.binary.v1\r\n", &id[i]);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < SENDERS; i++)
			pour(fd[i], &at[i]);
		count_sources(&f, id, heard, SENDERS, EACH);
	}
	for (i = 0; i < SENDERS; i++)
		assert_true(heard[i] >= ROUNDS * EACH / SENDERS / 4);
	for (i = 0; i < SENDERS; i++)
		close(fd[i]);
	stop(&f);
}

/* Who is there is not held to times and rates of an earlier configuration. */
static void
test_reload(void **state)
{
	static const char	next[] = "listen on unix \"/nowhere\"\n"
	    "keepalive ping 1s timeout 30s\nrate messages 1000\n";
	struct frontend		f;
	uint64_t		id;
	char			buf[1024];
	int			fd, i;

	(void)state;
	start(&f, "keepalive ping 1h timeout 2h\nrate messages 1 burst 100");
	fd = member(&f, 1, 1, &id);
	for (i = 0; i < 100; i++)
		expect_status(fd);
	send_msg(f.parent, MSG_CONF, 0, next, strlen(next));
	send_msg(f.parent, MSG_CONF_END, 0, NULL, 0);
	flush(f.parent);
	expect(f.parent, MSG_READY, 0, NULL);
	expect_status(fd);
	get_until(fd, buf, sizeof(buf), "\x89");
	assert_int_equal((uint8_t)buf[0], 0x89);
	close(fd);
	stop(&f);
}

/* Those on a Unix socket have no address, so none that they share. */
static void
test_rate_unix(void **state)
{
	struct frontend	f;
	uint64_t	id;
	int		fd, i;

	(void)state;
	start(&f, "rate address messages 1 burst 1");
	fd = member(&f, 1, 1, &id);
	for (i = 0; i < 3; i++)
		expect_status(fd);
	assert_true(count_of(&f, "frontend_rate_paused_total") == 0);
	close(fd);
	stop(&f);
}

/*
 * Who fills his socket with answers to requests, then upgrades and is told of
 * many peers, is cut off before he is a member; nobody is told of him.
 */
static void
test_cut_at_admission(void **state)
{
	static const char	request[] =
	    "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
	static uint64_t		roster[1 + MSG_ROSTER_MAX];
	struct msg_roster	r = { ROSTER_FIRST | ROSTER_LAST,
				    MSG_ROSTER_MAX };
	struct msg_joined	j = { .shown = 1 };
	static char		buf[1 << 20];
	struct frontend		f;
	uint64_t		a, b, queued;
	int			fd_a, fd_b, i;

	(void)state;
	start(&f, "");
	fd_a = member(&f, 1, 1, &a);
	for (i = 0; i < (int)MSG_ROSTER_MAX; i++)
		roster[1 + i] = 1000000000000000000u + (uint64_t)i;
	memcpy(roster, &r, sizeof(r));
	send_msg(f.router, MSG_ROSTER, 1, roster, sizeof(roster));
	flush(f.router);
	get_until(fd_a, buf, sizeof(buf), "1000000000000004095\"");
	fd_b = dial(&f);
	/* The socket is full, and the queue not above its limit. */
	queued = count_of(&f, "frontend_queued_bytes");
	for (i = 0; i < 4000 && count_of(&f, "frontend_queued_bytes") <
	    queued + 4096; i++)
		put(fd_b, request, sizeof(request) - 1);
	upgrade(fd_b, CHANNEL);
	b = expect_join(&f, 1, 0);
	j.id = b;
	send_msg(f.router, MSG_JOINED, 1, &j, sizeof(j));
	flush(f.router);
	expect_id(f.router, MSG_LEAVE, 1, b);
	send_msg(f.router, MSG_DISCONNECT, 1, &b, sizeof(b));
	flush(f.router);
	say(fd_a, "{\"action\":\"none\"}");
	for (;;) {
		i = (int)get_until(fd_a, buf, sizeof(buf), "}");
		assert_null(memmem(buf, (size_t)i, "\"target\":\"0\"", 12));
		if (memmem(buf, (size_t)i, "unknown-action", 14) != NULL)
			break;
	}
	close(fd_a);
	close(fd_b);
	stop(&f);
}

/* Requests in a row whose answers nobody reads are not read for ever. */
static void
test_pipelined(void **state)
{
	static const char	request[] =
	    "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
	static char		block[(sizeof(request) - 1) * 1000];
	static char		buf[1 << 20];
	struct frontend		f;
	struct pollfd		pfd;
	size_t			i, sent = 0, answers = 0;
	ssize_t			n;
	char			*p;
	int			fd;

	(void)state;
	start(&f, "");
	for (i = 0; i < 1000; i++)
		memcpy(block + i * (sizeof(request) - 1), request,
		    sizeof(request) - 1);
	pfd.fd = fd = dial(&f);
	pfd.events = POLLOUT;
	while (sent < 20000000 && poll(&pfd, 1, 500) == 1) {
		n = send(fd, block + sent % (sizeof(request) - 1),
		    sizeof(block) - (sizeof(request) - 1),
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		assert_true(n > 0);
		sent += (size_t)n;
	}
	assert_true(count_of(&f, "frontend_queued_bytes") <= 8 * QUEUE_LIMIT);
	assert_true(sent < 20000000);
	/* None is lost. */
	while (answers < sent / (sizeof(request) - 1)) {
		get_until(fd, buf, 4096, "{\"ok\":true}\n");
		for (p = buf; (p = strstr(p, "{\"ok\":true}\n")); p++)
			answers++;
		/* An answer that was cut in two by the buffer. */
		if (strstr(buf, "ok") == NULL)
			break;
	}
	close(fd);
	stop(&f);
}

/* Who never reads his echoes is dropped at last. */
static void
test_frozen_echo(void **state)
{
	struct frontend	f;
	struct pollfd	pfd;
	uint64_t	id;
	char		buf[1024], text[100];
	int		fd, i;

	(void)state;
	start(&f, "echo on\nkeepalive ping 1s timeout 2s");
	fd = dial(&f);
	upgrade(fd, "/debug/echo");
	id = expect_join(&f, 0, JOIN_NOCHANNEL);
	admit(&f, 0, id);
	get_until(fd, buf, sizeof(buf), "\r\n\r\n");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	pfd.fd = fd;
	pfd.events = POLLOUT;
	for (i = 0; i < 100000 && poll(&pfd, 1, 300) == 1; i++)
		say(fd, text);
	assert_true(i < 100000);
	assert_true(count_of(&f, "frontend_queued_bytes") <= 8 * QUEUE_LIMIT);
	for (i = 0; i < 80 && count_of(&f, "frontend_connections") != 0; i++)
		nap(100);
	assert_true(count_of(&f, "frontend_connections") == 0);
	expect_id(f.router, MSG_LEAVE, 0, id);
	close(fd);
	stop(&f);
}

static void
test_http(void **state)
{
	static const struct {
		const char	*name, *request, *begin;
		int		 body;
	} cases[] = {
		{ "HEAD of a page", "HEAD / HTTP/1.1\r\nHost: localhost\r\n"
		    "Connection: close\r\n\r\n", "HTTP/1.1 200 ", 0 },
		{ "HEAD of nothing", "HEAD /no/thing HTTP/1.1\r\n"
		    "Host: localhost\r\n\r\n", "HTTP/1.1 404 ", 0 },
		{ "HEAD with another host", "HEAD / HTTP/1.1\r\n"
		    "Host: example.org\r\n\r\n", "HTTP/1.1 421 ", 0 },
		{ "HEAD, then what is not HTTP", "HEAD /health HTTP/1.1\r\n"
		    "Host: localhost\r\n\r\n;", "HTTP/1.1 200 ", 1 },
		{ "Content-Length: 0", "GET /health HTTP/1.0\r\n"
		    "Host: localhost\r\nContent-Length: 0\r\n\r\n",
		    "HTTP/1.1 200 ", 1 },
		{ "a body", "GET /health HTTP/1.1\r\nHost: localhost\r\n"
		    "Content-Length: 5\r\n\r\nhello", "HTTP/1.1 413 ", 1 },
		{ "two lengths", "GET /health HTTP/1.1\r\nHost: localhost\r\n"
		    "Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello",
		    "HTTP/1.1 413 ", 1 },
		{ "chunked", "GET /health HTTP/1.1\r\nHost: localhost\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		    "HTTP/1.1 413 ", 1 },
	};
	struct frontend	f;
	char		buf[16384];
	const char	*end;
	size_t		i, n;
	int		fd;

	(void)state;
	start(&f, "");
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fd = dial(&f);
		put(fd, cases[i].request, strlen(cases[i].request));
		n = get_until(fd, buf, sizeof(buf), NULL);
		end = memmem(buf, n, "\r\n\r\n", 4);
		if (strncmp(buf, cases[i].begin, strlen(cases[i].begin)) != 0 ||
		    end == NULL ||
		    (end + 4 < buf + n) != (cases[i].body != 0))
			fail_msg("%s: %s", cases[i].name, buf);
		close(fd);
	}
	stop(&f);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_dead_at_resume),
		cmocka_unit_test(test_joining_at_loss),
		cmocka_unit_test(test_stall),
		cmocka_unit_test(test_slowed_cuts_slowed),
		cmocka_unit_test(test_rate_in_turns),
		cmocka_unit_test(test_soft_direct),
		cmocka_unit_test(test_router_in_turns),
		cmocka_unit_test(test_rate_unix),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_cut_at_admission),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_frozen_echo),
		cmocka_unit_test(test_http),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
