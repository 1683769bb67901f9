/*
 * The socket of a link: read once and written once in each turn of the loop.
 * Runs in crypto; what it reads goes to conn_input() and nowhere else.
 */
#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/links_private.h"

#define READ_MAX	(256u * 1024)	/* bytes of one link in one turn */
#define WRITE_ROUNDS	4		/* of up to CONN_OUT_MAX in one turn */
#define TIMER_MIN_MS	5

static uint8_t	 buffer[LINK_IN_MAX + READ_MAX];

static void	readable(evutil_socket_t, short, void *);
static void	writable(evutil_socket_t, short, void *);
static void	timed_out(evutil_socket_t, short, void *);
static void	feed(struct link *, size_t);
static void	drain(struct link *);

/* Not there on a Unix socket of the tests, and none is worth a link. */
static void
set_options(int fd)
{
	int	 on = 1, ms = LINK_SILENCE_MS;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
#ifdef TCP_USER_TIMEOUT
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
#else
	(void)ms;
#endif
}

int
link_watch(struct link *l)
{
	set_options(l->fd);
	event_assign(&l->readable, loop_base(), l->fd, EV_READ | EV_PERSIST,
	    readable, l);
	event_assign(&l->writable, loop_base(), l->fd, EV_WRITE, writable, l);
	event_assign(&l->timer, loop_base(), -1, 0, timed_out, l);
	if (event_add(&l->readable, NULL) == -1)
		return (-1);
	l->reading = 1;
	return (0);
}

void
link_unwatch(struct link *l)
{
	event_del(&l->readable);
	event_del(&l->writable);
	event_del(&l->timer);
	l->reading = l->writing = 0;
	l->timer_ms = LINK_NEVER;
}

/* Whether there is a place for what might come. */
static int
may_read(const struct link *l)
{
	if (l->stage == STAGE_ENDING)
		return (!l->dead && !l->eof);
	return (!links.paused && !l->doomed && !link_slowed(l) &&
	    l->in_len < LINK_IN_MAX);
}

void
link_read_more(struct link *l)
{
	int	 may = may_read(l);

	if (may == l->reading)
		return;
	if (!may)
		event_del(&l->readable);
	else if (event_add(&l->readable, NULL) == -1) {
		link_doom(l, &crypto_counters.no_memory_total,
		    "out of memory");
		return;
	}
	l->reading = may;
}

static void
socket_failed(struct link *l, int error)
{
	l->dead = 1;
	link_touch(l);
	link_doom(l, &crypto_counters.failed_socket_total, strerror(error));
}

/* Nothing more will come; what did was told already. */
static void
end_of_file(struct link *l)
{
	l->eof = 1;
	link_ended(l, conn_eof(l->conn) ? "ended by the other side" :
	    "cut off by the other side");
}

static void
readable(evutil_socket_t fd, short what, void *arg)
{
	struct link	*l = arg;
	ssize_t		 n;

	(void)what;
	if (l->stage == STAGE_ENDING) {
		drain(l);
		return;
	}
	if (l->doomed || links.paused || link_slowed(l))
		return;
	n = recv(fd, buffer + l->in_len, READ_MAX, 0);
	if (n == -1) {
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
			socket_failed(l, errno);
		return;
	}
	if (n == 0) {
		end_of_file(l);
		return;
	}
	crypto_counters.reads_total++;
	crypto_counters.bytes_in_total += (uint64_t)n;
	l->bytes_in += (uint64_t)n;
	l->heard_ms = loop_now_ms();
	l->ponged = 0;
	if (l->in_len > 0)
		memcpy(buffer, l->in, l->in_len);
	feed(l, l->in_len + (size_t)n);
	/* That they are there, when asked, does not make it used. */
	if (!l->ponged)
		l->used_ms = l->heard_ms;
	link_touch(l);
}

/* Keeps what conn_input() did not take. */
static void
keep(struct link *l, const uint8_t *p, size_t n)
{
	uint8_t	*in;

	if (n > LINK_IN_MAX + READ_MAX || (in = realloc(l->in, n)) == NULL) {
		link_doom(l, &crypto_counters.no_memory_total,
		    "out of memory");
		return;
	}
	memcpy(in, p, n);
	l->in = in;
	l->in_len = n;
}

/* The first n bytes of the buffer go in. */
static void
feed(struct link *l, size_t n)
{
	struct conn_event	 ev;
	size_t			 used = 0;

	l->held = 0;
	for (;;) {
		used += conn_input(l->conn, buffer + used, n - used, &ev);
		if (ev.type == CONN_NONE)
			break;
		link_event(l, &ev);
		if (l->doomed)
			return;
		if ((l->held = link_slowed(l)))
			break;
	}
	if (used < n)
		keep(l, buffer + used, n - used);
	else {
		free(l->in);
		l->in = NULL;
		l->in_len = 0;
	}
}

/* Once output is out or it was slow enough, what was held up goes on. */
static void
feed_again(struct link *l)
{
	const uint8_t	*p;
	size_t		 before = l->in_len;

	if (l->doomed || links.paused || link_slowed(l) ||
	    l->stage == STAGE_ENDING)
		return;
	if (before > 0)
		memcpy(buffer, l->in, before);
	feed(l, before);
	/* Nothing is in its way, and no record is that long. */
	if (!l->doomed && !link_slowed(l) && l->in_len >= LINK_IN_MAX &&
	    l->in_len == before && conn_output(l->conn, &p) == 0)
		link_doom(l, &crypto_counters.failed_protocol_total,
		    "a record that is too long");
}

/* While it ends: until the other side has seen it, too. */
static void
drain(struct link *l)
{
	ssize_t	 n = recv(l->fd, buffer, sizeof(buffer), 0);

	if (n > 0 || (n == -1 && (errno == EAGAIN || errno == EINTR)))
		return;
	if (n == -1)
		l->dead = 1;
	l->eof = 1;
	link_touch(l);
}

static void
writable(evutil_socket_t fd, short what, void *arg)
{
	struct link	*l = arg;

	(void)fd;
	(void)what;
	l->writing = 0;
	link_touch(l);
}

static void
timed_out(evutil_socket_t fd, short what, void *arg)
{
	struct link	*l = arg;

	(void)fd;
	(void)what;
	l->timer_ms = LINK_NEVER;
	link_touch(l);
}

/* From the queue into the stream, as far as its window goes. */
static void
pump(struct link *l)
{
	const uint8_t	*p;
	size_t		 n;
	long		 took;

	if (l->doomed || l->session == NULL)
		return;
	while ((n = outq_peek(&l->queue, &p)) > 0) {
		if ((took = conn_write(l->conn, l->stream, p, n)) == -1) {
			link_doom(l, &crypto_counters.failed_protocol_total,
			    "the stream is gone");
			return;
		}
		outq_drop(&l->queue, (size_t)took);
		if ((size_t)took < n)
			return;
	}
}

/* Returns 1 when all was written, 0 when the socket is full, -1 at its end. */
static int
write_output(struct link *l)
{
	const uint8_t	*p;
	ssize_t		 sent;
	size_t		 n;

	while ((n = conn_output(l->conn, &p)) > 0) {
		sent = send(l->fd, p, n, MSG_NOSIGNAL);
		if (sent == -1) {
			if (errno == EAGAIN || errno == EWOULDBLOCK ||
			    errno == EINTR)
				return (0);
			socket_failed(l, errno);
			return (-1);
		}
		conn_sent(l->conn, (size_t)sent);
		crypto_counters.writes_total++;
		crypto_counters.bytes_out_total += (uint64_t)sent;
		l->bytes_out += (uint64_t)sent;
		if ((size_t)sent < n)
			return (0);
	}
	return (1);
}

static void
set_timer(struct link *l)
{
	int64_t		 at = link_deadline(l), left;
	struct timeval	 tv;

	/* An earlier one finds that it is too early, and sets the next. */
	if (at == LINK_NEVER || l->timer_ms <= at)
		return;
	if ((left = at - loop_now_ms()) < TIMER_MIN_MS)
		left = TIMER_MIN_MS;
	tv.tv_sec = (time_t)(left / 1000);
	tv.tv_usec = (suseconds_t)(left % 1000 * 1000);
	if (event_add(&l->timer, &tv) == -1)
		link_doom(l, &crypto_counters.no_memory_total,
		    "out of memory");
	else
		l->timer_ms = at;
}

static void
wait_writable(struct link *l)
{
	if (l->writing)
		return;
	if (event_add(&l->writable, NULL) == -1) {
		l->dead = 1;
		link_doom(l, &crypto_counters.no_memory_total,
		    "out of memory");
		return;
	}
	l->writing = 1;
}

/* All of it was said: then the end, and the other side's. */
static void
shut(struct link *l)
{
	if (l->shut)
		return;
	l->shut = 1;
	if (l->eof || shutdown(l->fd, SHUT_WR) == -1)
		l->dead = 1;
}

void
link_flush(struct link *l)
{
	const uint8_t	*p;
	unsigned int	 round;
	int		 done = 1;

	for (round = 0; round < WRITE_ROUNDS && !l->dead; round++) {
		pump(l);
		done = write_output(l);
		/* Two that wait for each other to read would wait for ever. */
		if (done == 1 || l->held)
			feed_again(l);
		if (done != 1)
			break;
		if (conn_output(l->conn, &p) == 0 && (l->queue.bytes == 0 ||
		    conn_room(l->conn, l->stream) == 0))
			break;
	}
	link_count(l);
	if (l->stage == STAGE_ENDING && done == 1)
		shut(l);
	if (l->dead)
		return;
	if (done == 0)
		wait_writable(l);
	else if (round == WRITE_ROUNDS)
		link_touch(l);
	link_read_more(l);
	set_timer(l);
}
