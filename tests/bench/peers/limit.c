/*
 * limit: how fast can a broadcast server possibly be?  Usage: limit PORT ENGINE
 *
 * A WebSocket server without a protocol: the last number in the request path
 * is the channel, and what one member sends the others receive.  It knows just
 * the one handshake key that wsload uses, trusts its clients, and serves each
 * receiver from one publisher only.  The frames of a publisher are kept in one
 * ring, from which every receiver is served without a copy of its own.
 *
 * ENGINE is "each", one send(2) for each frame and receiver, or "batch", one
 * for each receiver and all frames of one recv(2).
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	RING = 4 << 20,
	RECV_BUF = 128 * 1024,
	MAX_CHANNELS = 1 << 16,
	MAX_FRAMES = 65536,
	MAX_EVENTS = 512
};

/* Frames of one publisher, ready to be sent. */
struct log {
	uint8_t		*ring;		/* mapped twice in a row */
	uint64_t	 end;		/* receivers may read up to here */
	uint64_t	 filled;	/* frames are complete up to here */
};

struct conn {
	int		 fd;
	bool		 open;		/* handshake done */
	bool		 blocked;	/* waits for EPOLLOUT */
	struct channel	*chan;
	struct log	*src;		/* what this one receives ... */
	uint64_t	 pos;		/* ... and how far it has */
	struct log	*log;		/* what this one publishes */
	uint8_t		*in;		/* incomplete input */
	size_t		 in_len, in_cap;
};

struct channel {
	struct conn	**members;
	uint32_t	 n, cap;
};

static struct channel	 channels[MAX_CHANNELS];
static uint64_t		 frame_end[MAX_FRAMES];	/* of the last input */
static uint32_t		 nframes;
static bool		 each;
static int		 epfd;

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

/*
 * A ring whose second mapping follows the first, so that no piece of it is ever
 * split.
 */
static struct log *
log_new(void)
{
	struct log *l;
	int fd, i;

	if ((l = calloc(1, sizeof(*l))) == NULL ||
	    (fd = memfd_create("log", 0)) == -1 || ftruncate(fd, RING) == -1)
		fail("log");
	l->ring = mmap(NULL, 2 * RING, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
	for (i = 0; i < 2; i++)
		if (mmap(l->ring + i * RING, RING, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
			fail("mmap");
	close(fd);
	return (l);
}

/* All other members of the channel of a new publisher follow it. */
static void
start_publishing(struct conn *c)
{
	uint32_t i;

	c->log = log_new();
	for (i = 0; i < c->chan->n; i++)
		if (c->chan->members[i] != c)
			c->chan->members[i]->src = c->log;
}

static void
join(struct conn *c, uint32_t number)
{
	struct channel *ch = &channels[number % MAX_CHANNELS];

	if (ch->n == ch->cap) {
		ch->cap = ch->cap > 0 ? ch->cap * 2 : 2;
		ch->members = realloc(ch->members, ch->cap * sizeof(c));
		if (ch->members == NULL)
			fail("realloc");
	}
	ch->members[ch->n++] = c;
	c->chan = ch;
}

static void
handshake(struct conn *c)
{
	static const char reply[] = "HTTP/1.1 101 Switching Protocols\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
	uint32_t number = 0;
	const uint8_t *p;

	if (memmem(c->in, c->in_len, "\r\n\r\n", 4) == NULL)
		return;
	for (p = c->in + 4; *p != ' ' && *p != '\r'; p++)
		if (*p >= '0' && *p <= '9')
			number = number * 10 + (uint32_t)(*p - '0');
	join(c, number);
	c->open = true;
	c->in_len = 0;
	if (send(c->fd, reply, sizeof(reply) - 1, MSG_NOSIGNAL) == -1)
		perror("send");
}

static void
leave(struct conn *c)
{
	struct channel *ch = c->chan;
	uint32_t i;

	c->chan = NULL;
	if (ch == NULL)
		return;
	for (i = 0; i < ch->n; i++)
		if (ch->members[i] == c) {
			ch->members[i] = ch->members[--ch->n];
			return;
		}
}

static void
unmask(uint8_t *to, const uint8_t *from, uint64_t len, const uint8_t *mask)
{
	uint64_t i, v, key;
	uint32_t half;

	memcpy(&half, mask, 4);
	key = half | (uint64_t)half << 32;
	for (i = 0; i + 8 <= len; i += 8) {
		memcpy(&v, from + i, 8);
		v ^= key;
		memcpy(to + i, &v, 8);
	}
	for (; i < len; i++)
		to[i] = from[i] ^ mask[i & 3];
}

/*
 * Turns the masked frame at p into one to send, at the end of the log.  Returns
 * the number of bytes used, 0 when it is not complete.
 */
static size_t
take_frame(struct log *l, const uint8_t *p, size_t n)
{
	uint8_t *out = l->ring + l->filled % RING;
	uint64_t len;
	size_t head = 6;
	int i;

	if (n < 6)
		return (0);
	len = p[1] & 127;
	if (len >= 126)
		head = len == 126 ? 8 : 14;
	if (n < head)
		return (0);
	if (head == 8)
		len = (uint64_t)p[2] << 8 | p[3];
	for (i = 2; head == 14 && i < 10; i++)
		len = (i == 2 ? 0 : len << 8) | p[i];
	if (n - head < len)
		return (0);
	*out++ = p[0];
	*out++ = p[1] & 127;
	memcpy(out, p + 2, head - 6);
	unmask(out + head - 6, p + head, len, p + head - 4);
	l->filled += head - 4 + len;
	return (head + (size_t)len);
}

/* As many frames as there are; returns the number of bytes used. */
static size_t
take_frames(struct conn *c, const uint8_t *p, size_t n)
{
	size_t used, done = 0;

	if (c->log == NULL)
		start_publishing(c);
	nframes = 0;
	while (nframes < MAX_FRAMES &&
	    (used = take_frame(c->log, p + done, n - done)) > 0) {
		done += used;
		frame_end[nframes++] = c->log->filled;
	}
	return (done);
}

/* Appends input to what is left of earlier input; used when it is split. */
static void
keep_input(struct conn *c, const uint8_t *p, size_t n)
{
	if (c->in_len + n > c->in_cap) {
		c->in_cap = (c->in_len + n) * 2;
		if ((c->in = realloc(c->in, c->in_cap)) == NULL)
			fail("realloc");
	}
	memcpy(c->in + c->in_len, p, n);
	c->in_len += n;
}

/* Input of a connection; returns whether there are frames to send. */
static bool
input(struct conn *c, const uint8_t *p, size_t n)
{
	size_t used;

	if (c->open && c->in_len == 0) {
		used = take_frames(c, p, n);
		if (used < n)
			keep_input(c, p + used, n - used);
		return (nframes > 0);
	}
	keep_input(c, p, n);
	if (!c->open) {
		handshake(c);
		return (false);
	}
	used = take_frames(c, c->in, c->in_len);
	memmove(c->in, c->in + used, c->in_len - used);
	c->in_len -= used;
	return (nframes > 0);
}

/* The connection itself stays: it may be in the list of events. */
static void
conn_close(struct conn *c)
{
	leave(c);
	close(c->fd);
	c->fd = -1;
}

static void
conn_send(struct conn *c)
{
	struct epoll_event ev = { .data.ptr = c, .events = EPOLLIN };
	struct log *l = c->src;
	bool was = c->blocked;
	ssize_t n;

	while (l != NULL && c->pos < l->end) {
		n = send(c->fd, l->ring + c->pos % RING,
		    (size_t)(l->end - c->pos), MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n == -1)
			break;		/* closing is noticed by recv(2) */
		c->pos += (uint64_t)n;
	}
	c->blocked = l != NULL && c->pos < l->end;
	if (c->blocked == was)
		return;
	if (c->blocked)
		ev.events |= EPOLLOUT;
	epoll_ctl(epfd, EPOLL_CTL_MOD, c->fd, &ev);
}

static void
fan_out(struct conn *from)
{
	struct channel *ch = from->chan;
	struct conn *m;
	uint32_t i;

	for (i = 0; i < ch->n; i++) {
		m = ch->members[i];
		if (m->src == from->log && !m->blocked)
			conn_send(m);
	}
}

static void
conn_readable(struct conn *c)
{
	static uint8_t buf[RECV_BUF];
	uint32_t i;
	ssize_t n;

	n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		conn_close(c);
		return;
	}
	if (!input(c, buf, (size_t)n))
		return;
	for (i = each ? 0 : nframes - 1; i < nframes; i++) {
		c->log->end = frame_end[i];
		fan_out(c);
	}
}

static void
accept_all(int listener)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct conn *c;
	int fd, on = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) != -1) {
		if ((c = calloc(1, sizeof(*c))) == NULL)
			fail("calloc");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		c->fd = fd;
		ev.data.ptr = c;
		epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev);
	}
}

static int
listen_on(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int fd, on = 1;

	a.sin_port = htons((uint16_t)port);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) == -1 ||
	    listen(fd, 4096) == -1)
		fail("listen");
	return (fd);
}

static void
run(int listener)
{
	struct epoll_event events[MAX_EVENTS], ev = { .events = EPOLLIN };
	struct conn *c;
	int i, n;

	epfd = epoll_create1(0);
	epoll_ctl(epfd, EPOLL_CTL_ADD, listener, &ev);
	for (;;) {
		n = epoll_wait(epfd, events, MAX_EVENTS, -1);
		for (i = 0; i < n; i++) {
			if ((c = events[i].data.ptr) == NULL) {
				accept_all(listener);
				continue;
			}
			if ((events[i].events & EPOLLOUT) != 0 && c->fd != -1)
				conn_send(c);
			if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0 &&
			    c->fd != -1)
				conn_readable(c);
		}
	}
}

int
main(int argc, char **argv)
{
	struct rlimit files;

	if (argc != 3 || (strcmp(argv[2], "each") != 0 &&
	    strcmp(argv[2], "batch") != 0)) {
		fprintf(stderr, "usage: limit PORT each|batch\n");
		return (2);
	}
	each = strcmp(argv[2], "each") == 0;
	signal(SIGPIPE, SIG_IGN);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	run(listen_on(atoi(argv[1])));
	return (0);
}
