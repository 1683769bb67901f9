/*
 * A client that sends whatever it likes, in whatever pieces, may be refused or
 * closed, but never harms the frontend or the other members, and what it is
 * sent is HTTP and then frames that a server may send.
 *
 * The frontend's own files run here over real sockets, with a router in this
 * process that answers at once, goes away and comes back.  An honest member of
 * the same channel reads all.  The first bytes of the input choose the path and
 * what is offered; the rest are commands: bytes as they are, frames that are
 * made from them, pieces cut anywhere, messages of the router, readers that
 * stop.  When both clients have gone nothing must be left.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/child.h"
#include "common/conf.h"
#include "common/imsg.h"
#include "common/loop.h"
#include "common/origin.h"
#include "frontend/channel.h"
#include "frontend/client.h"
#include "frontend/counters.h"
#include "frontend/listener.h"
#include "frontend/output.h"

#define STRANGER	77	/* id of a peer that is elsewhere */

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/*
 * In place of frontend.c, loop.c and child.c.
 */
const struct conf	*conf;
struct counters		 counters;

static struct event_base *base;
static struct grants	 grants = TAILQ_HEAD_INITIALIZER(grants);
static struct conf	*confs[4];
static struct imsgbuf	*to_router, *at_router;
static int64_t		 now_ms;
static int		 listening, refusing, leased;
static uint64_t		 honest_id, evil_id;

struct grants *
frontend_grants(void)
{
	return (&grants);
}

struct imsgbuf *
frontend_router(void)
{
	return (to_router);
}

struct event_base *
loop_base(void)
{
	return (base);
}

int64_t
loop_now_ms(void)
{
	return (now_ms);
}

uint32_t
loop_now_s(void)
{
	return ((uint32_t)(now_ms / 1000));
}

void
loop_soon(void)
{
}

struct pipe *
child_parent(void)
{
	return (NULL);
}

struct imsgbuf *
pipe_imsg(struct pipe *p)
{
	(void)p;
	abort();
}

/* There is no files line, so nobody asks for a pipe to who reads them. */
struct pipe *
pipe_new(struct imsgbuf *ib, const struct pipe_phase *phase,
    void (*closed)(struct pipe *, const char *), void *arg)
{
	(void)ib;
	(void)phase;
	(void)closed;
	(void)arg;
	abort();
}

void
pipe_free(struct pipe *p)
{
	(void)p;
	abort();
}

void
pipe_flush(struct pipe *p)
{
	(void)p;
	abort();
}

void
pipe_violation(struct pipe *p, const char *why)
{
	(void)p;
	(void)why;
	abort();
}

void
child_row(uint32_t ticket, uint32_t what, struct msg_row *row,
    size_t row_size, const void *tail, size_t tail_len)
{
	(void)ticket;
	(void)what;
	(void)row;
	(void)row_size;
	(void)tail;
	(void)tail_len;
}

void
child_event(uint32_t kind, uint64_t id, const char *fmt, ...)
{
	(void)id;
	if (kind >= EVENT_KINDS || fmt == NULL)
		abort();
}

static void
report(const char *line, void *arg)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

#define LISTEN	"listen on unix \"/nowhere\"\n"

static const char *const	texts[] = {
	LISTEN "echo on\nmax-message 2K\nqueue-limit 1K\ndeflate on\n",
	(LISTEN "echo on\nmax-message 70K\nslow-reader drop\nqueue-limit 4K\n"
	    "deflate on\n"),
	LISTEN "echo on\nrate messages 1000 burst 3\nmax-head 1K\n",
	(LISTEN "queue-limit 8K soft 1K for 1s\nqueue-total 64K\n"
	    "max-message 1M\n"),
};

/*
 * The router.
 */
static void
router_new(void)
{
	int	sv[2], i;

	imsgbuf_free(to_router);
	imsgbuf_free(at_router);
	to_router = at_router = NULL;
	client_reap();
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == -1)
		abort();
	for (i = 0; i < 2; i++)
		if (fcntl(sv[i], F_SETFL, O_NONBLOCK) == -1)
			abort();
	to_router = imsgbuf_new(sv[0], P_FRONTEND, P_ROUTER, 0);
	at_router = imsgbuf_new(sv[1], P_ROUTER, P_FRONTEND, 0);
	if (to_router == NULL || at_router == NULL)
		abort();
	leased = 0;
	channel_resume();
	client_resume_router();
}

static void
router_lose(void)
{
	imsgbuf_free(to_router);
	imsgbuf_free(at_router);
	to_router = at_router = NULL;
}

static void
must(int r)
{
	if (r == -1)
		abort();
}

static void
hear_join(const struct imsg *m)
{
	const struct msg_join	*j = m->data;
	struct client		*c = client_find(j->id);

	if (j->flags & JOIN_RESUME)
		return;
	must(channel_answered(m->hdr.peerid));
	if (c == NULL || c->state != CLIENT_JOINING)
		return;
	if (refusing) {
		request_refused(c, REFUSED_CLIENTS);
		return;
	}
	request_joined(c, m->hdr.peerid != 0 && !(j->flags & JOIN_SILENT));
	if (honest_id == 0)
		honest_id = j->id;
	else
		evil_id = j->id;
}

static void
hear_data(const struct imsg *m)
{
	const struct msg_data	*d = m->data;
	const uint8_t		*p = (const uint8_t *)(d + 1);
	size_t			 n = m->hdr.len - sizeof(*d);

	if (m->hdr.type == MSG_PUBLISH)
		must(channel_broadcast(m->hdr.peerid, d, p, n));
	else if (client_find(d->target) != NULL)
		member_deliver(d, p, n);
	else
		member_undelivered(d->source, d->target);
}

static void
hear(void)
{
	struct imsg	 m;
	const char	*why;
	int		 r;

	if (to_router == NULL)
		return;
	do {
		must(imsg_flush(to_router));
		while ((r = imsg_get(at_router, &m, &why)) == 1)
			switch (m.hdr.type) {
			case MSG_JOIN:
				hear_join(&m);
				break;
			case MSG_PUBLISH:
			case MSG_DIRECT:
				hear_data(&m);
				break;
			case MSG_LEAVE:
				channel_presence(m.hdr.peerid,
				    *(const uint64_t *)m.data, 0);
				break;
			case MSG_CHANNEL_CLOSE:
				must(channel_closed(m.hdr.peerid));
				break;
			case MSG_CHANNEL_OPEN:
			case MSG_RECALLED:
			case MSG_RESUMED:
				break;
			default:
				abort();
			}
		must(r);
		must(r = imsg_read(at_router));
	} while (r == 1);
}

static void
turn(void)
{
	now_ms += 7;
	if (event_base_loop(base, EVLOOP_NONBLOCK) == -1)
		abort();
	hear();
	output_flush();
	client_reap();
	channel_reap();
	if (to_router != NULL &&
	    imsg_queued(to_router) < FRONTEND_BACKLOG_LOW)
		client_resume_router();
}

/*
 * The clients: what each is sent must be well formed.
 */
struct peer {
	int		 fd;
	int		 open;		/* the 101 has come */
	int		 closed;	/* and a close frame */
	int		 fragile;	/* has not asked to upgrade itself */
	uint8_t		*in;
	size_t		 len, cap;
};

static int
dial(void)
{
	struct sockaddr_un	sun;
	socklen_t		len = sizeof(sun);
	int			fd;

	if (getsockname(listening, (struct sockaddr *)&sun, &len) == -1 ||
	    (fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1 ||
	    connect(fd, (struct sockaddr *)&sun, len) == -1 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
		abort();
	return (fd);
}

static void
check_frame(struct peer *p, const struct ws_frame *f)
{
	if (p->closed || !f->fin || (f->opcode != WS_TEXT &&
	    f->opcode != WS_BINARY && f->opcode != WS_PONG &&
	    f->opcode != WS_PING && f->opcode != WS_CLOSE))
		abort();
	if (f->opcode == WS_CLOSE)
		p->closed = 1;
}

/* Takes what is whole. */
static void
check(struct peer *p)
{
	struct ws_frame	 f;
	const uint8_t	*end;
	size_t		 at = 0;
	int		 head, code;

	if (!p->open && (end = memmem(p->in, p->len, "\r\n\r\n", 4)) != NULL) {
		if (memcmp(p->in, "HTTP/1.1 ", 9) != 0)
			abort();
		if (memcmp(p->in + 9, "101", 3) == 0) {
			p->open = 1;
			at = (size_t)(end - p->in) + 4;
		}
	}
	while (p->open && at < p->len) {
		head = ws_frame_parse(p->in + at, p->len - at, WS_UNMASKED |
		    WS_RSV1, INT64_MAX, &f, &code);
		if (head == -1)
			abort();
		if (head == 0 || f.len > p->len - at - (size_t)head)
			break;
		check_frame(p, &f);
		at += (size_t)head + (size_t)f.len;
	}
	memmove(p->in, p->in + at, p->len - at);
	p->len -= at;
}

static void
peer_read(struct peer *p, size_t max)
{
	ssize_t	n;

	if (p->fd == -1)
		return;
	if (p->cap - p->len < max) {
		p->cap = p->len + max;
		if ((p->in = realloc(p->in, p->cap)) == NULL)
			abort();
	}
	if ((n = recv(p->fd, p->in + p->len, max, 0)) <= 0)
		return;
	p->len += (size_t)n;
	if (p->fragile)
		check(p);
	else
		p->len = 0;
}

static void
peer_write(struct peer *p, const void *data, size_t n)
{
	if (p->fd != -1)
		(void)!send(p->fd, data, n, MSG_NOSIGNAL);
}

static void
peer_close(struct peer *p)
{
	if (p->fd != -1)
		close(p->fd);
	free(p->in);
	memset(p, 0, sizeof(*p));
	p->fd = -1;
}

static void
upgrade(struct peer *p, const char *path, const char *more)
{
	char	text[1024];
	int	n;

	n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n"
	    "Host: localhost\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n%s\r\n", path,
	    more);
	peer_write(p, text, (size_t)n);
	p->fragile = 1;
}

static void
start(void)
{
	struct sockaddr_un	sun;
	size_t			i;

	signal(SIGPIPE, SIG_IGN);
	now_ms = 1000000;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if ((confs[i] = conf_parse("fuzz", texts[i], strlen(texts[i]),
		    NULL, NULL, NULL, report, NULL)) == NULL)
			abort();
	conf = confs[0];
	if ((base = event_base_new()) == NULL || ws_init() == -1)
		abort();
	client_init();
	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	/* Too short for a name: the kernel chooses one (unix(7)). */
	if ((listening = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)) ==
	    -1 || bind(listening, (struct sockaddr *)&sun,
	    sizeof(sa_family_t)) == -1 || listen(listening, 8) == -1 ||
	    listener_add(0, listening) == -1)
		abort();
	listener_swap(conf);
}

/*
 * The input.
 */
struct cursor {
	const uint8_t	*p;
	size_t		 left;
};

static uint8_t
take(struct cursor *c)
{
	if (c->left == 0)
		return (0);
	c->left--;
	return (*c->p++);
}

static size_t
take_bytes(struct cursor *c, size_t n, const uint8_t **p)
{
	if (n > c->left)
		n = c->left;
	*p = c->p;
	c->p += n;
	c->left -= n;
	return (n);
}

/* A frame with a valid header, whatever it holds, in two pieces. */
static void
send_frame(struct cursor *c, struct peer *p)
{
	static uint8_t	 frame[80000];
	uint8_t		 first = take(c), kind = take(c);
	const uint8_t	 key[4] = { kind, first, 0, 1 };
	const uint8_t	*data;
	size_t		 n, head, cut;

	n = take_bytes(c, kind & 0x3f, &data);
	head = ws_header(frame, first & 0x0f, first & 0x40,
	    kind & 0x80 ? n * 1000 : n, key);
	frame[0] = (uint8_t)((frame[0] & 0x7f) | (first & 0x80));
	if (kind & 0x80) {
		for (cut = 0; cut < n * 1000; cut++)
			frame[head + cut] = data[cut % n];
		n *= 1000;
	} else if (n > 0)
		memcpy(frame + head, data, n);
	ws_mask(frame + head, n, key, 0);
	n += head;
	cut = kind & 0x40 ? n * take(c) / 256 : n;
	peer_write(p, frame, cut);
	if (cut < n) {
		turn();
		peer_write(p, frame + cut, n - cut);
	}
}

/* A message of the channel, from elsewhere. */
static void
router_says(uint8_t what, size_t n)
{
	static uint8_t	 data[65536];
	struct msg_data	 d = { .source = STRANGER, .kind = DATA_BYTES };
	struct client	*c = client_find(honest_id);

	if (c == NULL || c->channel == NULL || to_router == NULL)
		return;
	switch (what) {
	case 0:
		channel_presence(channel_number(c), STRANGER, 1);
		break;
	case 1:
		channel_presence(channel_number(c), STRANGER, 0);
		break;
	case 2:
		d.target = evil_id;
		if (evil_id != 0)
			member_deliver(&d, data, n);
		break;
	default:
		must(channel_broadcast(channel_number(c), &d, data, n));
	}
}

/* The honest member's channel is leased, or no longer. */
static void
router_leases(void)
{
	struct client	*c = client_find(honest_id);

	if (c == NULL || c->channel == NULL || to_router == NULL)
		return;
	must(leased ? channel_recalled(channel_number(c)) :
	    channel_leased(channel_number(c)));
	leased = !leased;
}

static void
command(struct cursor *c, struct peer *evil)
{
	const uint8_t	*p;
	size_t		 n;
	uint8_t		 op = take(c);
	struct client	*victim;

	switch (op % 16) {
	case 0:
	case 1:
		n = take_bytes(c, take(c), &p);
		evil->fragile = evil->fragile && evil->open;
		peer_write(evil, p, n);
		break;
	case 2:
		router_says(op >> 4 & 3, (size_t)take(c) << (op >> 5));
		break;
	case 3:
		if (op & 0x80)
			router_lose();
		else
			router_new();
		break;
	case 4:
		peer_read(evil, (size_t)take(c) * (op >> 3) + 1);
		break;
	case 5:
		now_ms += (int64_t)take(c) * 10;
		break;
	case 6:
		shutdown(evil->fd, op & 0x80 ? SHUT_WR : SHUT_RD);
		break;
	case 7:
		conf = confs[op >> 4 & 3];
		break;
	case 8:
		if ((op & 0xf0) == 0xf0 && evil_id != 0 &&
		    (victim = client_find(evil_id)) != NULL)
			websocket_close(victim, WS_CODE_POLICY, "closed");
		break;
	case 9:
		if (op & 0x80)
			router_leases();
		break;		/* else a turn without anything */
	default:
		send_frame(c, evil);
	}
}

static void
finish(struct peer *honest, struct peer *evil)
{
	int	i;

	peer_close(evil);
	peer_close(honest);
	refusing = 0;
	if (to_router == NULL)
		router_new();
	for (i = 0; i < 200 && (client_count() > 0 || channel_count() > 0);
	    i++)
		turn();
	if (client_count() != 0 || channel_count() != 0)
		abort();
	while (output_trim())
		;
	if (output_memory() != 0 || counters.clients != 0 ||
	    counters.handshakes != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const	path[] = { "/chat", "/debug/echo",
	    "/chat?presence=off", "/other" };
	static const char *const	more[] = { "",
	    "Sec-WebSocket-Protocol: nws.binary.v1\r\n",
	    "Sec-WebSocket-Extensions: permessage-deflate\r\n",
	    ("Sec-WebSocket-Protocol: nws.binary.v1\r\n"
	    "Sec-WebSocket-Extensions: permessage-deflate; "
	    "server_max_window_bits=9\r\n") };
	struct cursor			c = { data, size };
	struct peer			honest = { .fd = -1 }, evil = honest;
	uint8_t				how;
	int				small = 1;

	if (base == NULL)
		start();
	how = take(&c);
	conf = confs[how & 1];
	honest_id = evil_id = 0;
	router_new();
	honest.fd = dial();
	upgrade(&honest, "/chat", how & 0x80 ? more[1] : more[2]);
	turn();
	turn();
	refusing = (how & 0x7e) == 0x7e;
	evil.fd = dial();
	setsockopt(evil.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (how & 2)
		upgrade(&evil, path[how >> 2 & 3], more[how >> 4 & 3]);
	while (c.left > 0) {
		command(&c, &evil);
		turn();
		peer_read(&honest, 65536);
	}
	peer_read(&honest, 65536);
	if (!honest.open)
		abort();
	finish(&honest, &evil);
	return (0);
}
