/*
 * A frontend that sends the router whatever it likes may be cut off, but never
 * harms the router or the other frontends.
 *
 * The router's own files run here, with a parent that only swallows what it is
 * told.  Two frontends are connected: an honest one with a member on "chat",
 * and one that sends the input.  The first byte says how the input is read: as
 * it is, or as a list of short commands that are made into messages, so that
 * the fuzzer comes past the headers easily.  Either way it is cut at places
 * that it chooses itself, and at some of them the honest frontend looks what
 * has come, and gives its lease back when it is asked to.  Afterwards that one
 * must have heard nothing that cannot be, and when both have gone, nothing must
 * be left.
 */
#include <sys/socket.h>

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/child.h"
#include "common/conf.h"
#include "common/imsg.h"
#include "common/log.h"
#include "common/loop.h"
#include "router/channel.h"
#include "router/counters.h"
#include "router/places.h"
#include "router/limits.h"
#include "router/router.h"
#include "router/show.h"

#define HONEST	1000	/* id of the honest member */
#define IDS	300	/* ids from commands are below this */

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* In place of common/child.c: there is no parent to speak of. */
struct child_options child_options = { .process = P_ROUTER };
static struct pipe *parent;
static int parent_fd;

void
child_start(const struct child_process *self)
{
	(void)self;
}

struct pipe *
child_parent(void)
{
	return (parent);
}

void
child_stuck(uint32_t process, uint32_t instance)
{
	(void)process;
	(void)instance;
}

static void
ignore(struct pipe *p, struct imsg *m)
{
	(void)p;
	(void)m;
}

void
child_log_level(struct pipe *p, struct imsg *m)
{
	ignore(p, m);
}

void
child_trip(struct pipe *p, struct imsg *m)
{
	ignore(p, m);
}

void
child_monitor(struct pipe *p, struct imsg *m)
{
	ignore(p, m);
}

void
child_conf(struct pipe *p, struct imsg *m)
{
	ignore(p, m);
}

void
child_conf_end(struct pipe *p, struct imsg *m)
{
	ignore(p, m);
}

void
child_begin(struct pipe *p, struct imsg *m)
{
	ignore(p, m);
}

struct imsgbuf *
child_take_pipe(struct pipe *p, struct imsg *m, uint32_t others,
    struct msg_pipe *mp)
{
	(void)others;
	(void)mp;
	ignore(p, m);
	return (NULL);
}

void
child_row(uint32_t ticket, uint32_t what, struct msg_row *row,
    size_t row_size, const void *tail, size_t tail_len)
{
	(void)ticket;
	row->what = what;
	if (tail_len > MSG_ROW_MAX - row_size || tail == NULL)
		abort();
}

void
child_row_counter(uint32_t ticket, const char *name, uint64_t value,
    int gauge)
{
	(void)ticket;
	(void)name;
	(void)gauge;
	if (gauge && value > 1u << 30)
		abort();
}

void
child_row_limit(uint32_t ticket, const char *name, uint64_t used,
    uint64_t max, uint64_t hits)
{
	(void)ticket;
	(void)name;
	(void)hits;
	(void)max;
	if (used > 1u << 30)
		abort();
}

void
child_row_end(uint32_t ticket)
{
	(void)ticket;
}

int
child_monitored(void)
{
	return (1);
}

void
child_event(uint32_t kind, uint64_t id, const char *fmt, ...)
{
	(void)id;
	if (kind >= EVENT_KINDS || fmt == NULL)
		abort();
}

static void
make_pair(int sv[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == -1 ||
	    fcntl(sv[0], F_SETFL, O_NONBLOCK) == -1 ||
	    fcntl(sv[1], F_SETFL, O_NONBLOCK) == -1)
		abort();
}

static void
parent_closed(struct pipe *p, const char *why)
{
	(void)p;
	(void)why;
	abort();
}

static void
start(void)
{
	static const struct pipe_phase nothing = { .name = "nothing" };
	struct imsgbuf *ib;
	int sv[2];

	signal(SIGPIPE, SIG_IGN);
	loop_init();
	make_pair(sv);
	parent_fd = sv[0];
	ib = imsgbuf_new(sv[1], P_ROUTER, P_PARENT, 0);
	if (ib == NULL || (parent = pipe_new(ib, &nothing, parent_closed,
	    NULL)) == NULL || (router_conf = conf_default()) == NULL)
		abort();
	router_conf->max_clients = 200;
	router_conf->max_clients_origin = 5;
	router_conf->max_clients_address = 6;
	router_conf->max_channels = 8;
	limits_configure(router_conf);
	places_init();
	places_start();
}

static void
turns(int n)
{
	static uint8_t sink[65536];

	while (n-- > 0) {
		if (event_base_loop(loop_base(), EVLOOP_NONBLOCK) == -1)
			abort();
		places_turn_end();
		router_show_turn_end();
		while (read(parent_fd, sink, sizeof(sink)) > 0)
			;
	}
}

static int
add(uint32_t instance)
{
	struct imsgbuf *ib;
	int sv[2];

	make_pair(sv);
	if ((ib = imsgbuf_new(sv[1], P_ROUTER, P_FRONTEND, 0)) == NULL)
		abort();
	places_add(ib, instance);
	return (sv[0]);
}

static void
put(struct imsgbuf *ib, uint32_t type, uint32_t number, const void *p,
    size_t len)
{
	if (imsg_send(ib, type, number, -1, p, len) == -1)
		abort();
}

static struct imsgbuf *
add_honest(void)
{
	struct msg_join j = { .id = HONEST };
	struct imsgbuf *ib;

	ib = imsgbuf_new(add(0), P_FRONTEND, P_ROUTER, 0);
	if (ib == NULL)
		abort();
	put(ib, MSG_RESUMED, 0, NULL, 0);
	put(ib, MSG_CHANNEL_OPEN, 1, "chat", 4);
	put(ib, MSG_JOIN, 1, &j, sizeof(j));
	if (imsg_flush(ib) != 0)
		abort();
	turns(2);
	return (ib);
}

/* What the honest frontend is told must fit together. */
struct heard {
	uint8_t	shown[IDS];
	int	joined, delivered, leased, recalled;
};

static void
hear_presence(struct heard *h, const struct imsg *m)
{
	uint64_t id;

	memcpy(&id, m->data, sizeof(id));
	if (id >= IDS)
		return;
	if (h->shown[id] == (m->hdr.type == MSG_CONNECT))
		abort();
	h->shown[id] = m->hdr.type == MSG_CONNECT;
}

static void
hear(struct imsgbuf *ib, struct heard *h)
{
	const struct msg_recalled passed = { 1, 1 };
	const char *why;
	struct imsg m;
	int r;

	do {
		while ((r = imsg_get(ib, &m, &why)) == 1) {
			if (m.hdr.type == MSG_HOLD)
				continue;
			if (m.hdr.peerid != 1)
				abort();
			switch (m.hdr.type) {
			case MSG_JOINED:
				if (!h->leased)
					abort();
				h->joined++;
				break;
			case MSG_LEASE:
				if (h->joined || h->leased++)
					abort();
				break;
			case MSG_RECALL:
				if (!h->joined || h->recalled++)
					abort();
				put(ib, MSG_RECALLED, 1, &passed,
				    sizeof(passed));
				break;
			case MSG_DELIVER:
				h->delivered++;
				break;
			case MSG_CONNECT:
			case MSG_DISCONNECT:
				hear_presence(h, &m);
				break;
			case MSG_BROADCAST:
				break;
			default:
				abort();
			}
		}
		if (r == -1)
			abort();
		if ((r = imsg_read(ib)) == -1)
			abort();
	} while (r == 1);
	if (imsg_flush(ib) != 0)
		abort();
}

/* A cursor over the input; what is past its end is 0. */
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

/* Small ids and numbers meet often; now and then one is not small. */
static uint64_t
take_id(struct cursor *c)
{
	uint64_t id = take(c);

	if (id == 255)
		id = (uint64_t)take(c) << 56 | HONEST;
	return (id == 254 ? HONEST : id);
}

static size_t
take_bytes(struct cursor *c, uint8_t *out, size_t max)
{
	size_t n = take(c), i;

	if (n > max)
		n = max;
	for (i = 0; i < n; i++)
		out[i] = take(c);
	return (n);
}

static void
append(uint8_t *out, size_t *n, const void *p, size_t len)
{
	memcpy(out + *n, p, len);
	*n += len;
}

#define COMMAND_MAX	1024

/* The payload of the message of a command; returns its size. */
static size_t
make_payload(struct cursor *c, uint32_t type, uint8_t *out)
{
	struct msg_join j;
	struct msg_data d;
	uint64_t id;
	size_t n = 0;

	switch (type) {
	case MSG_JOIN:
		memset(&j, 0, sizeof(j));
		j.id = take_id(c);
		j.flags = take(c);
		j.addr[0] = take(c) & 3;
		append(out, &n, &j, sizeof(j));
		return (n + take_bytes(c, out + n, 200));
	case MSG_RECALLED:
		memset(out, 0, sizeof(struct msg_recalled));
		return (sizeof(struct msg_recalled));
	case MSG_LEAVE:
		id = take_id(c);
		append(out, &n, &id, sizeof(id));
		return (n);
	case MSG_PUBLISH:
	case MSG_DIRECT:
		memset(&d, 0, sizeof(d));
		d.source = take_id(c);
		d.target = type == MSG_DIRECT ? take_id(c) : 0;
		d.kind = take(c) & 1;
		append(out, &n, &d, sizeof(d));
		return (n + take_bytes(c, out + n, 200));
	}
	return (take_bytes(c, out, 255));
}

/* One command as the bytes of a message; returns how many. */
static size_t
make_message(struct cursor *c, uint8_t *out)
{
	static const uint32_t types[] = { MSG_CHANNEL_OPEN, MSG_CHANNEL_OPEN,
	    MSG_JOIN, MSG_JOIN, MSG_JOIN, MSG_LEAVE, MSG_PUBLISH, MSG_DIRECT,
	    MSG_CHANNEL_CLOSE, MSG_RESUMED };
	struct imsg_hdr hdr;
	uint8_t op = take(c);

	memset(out, 0, COMMAND_MAX);
	memset(&hdr, 0, sizeof(hdr));
	hdr.type = op < 240 ? types[op % 10] : op < 250 ? MSG_RECALLED :
	    take(c);
	hdr.peerid = take(c) & 7;
	hdr.len = (uint32_t)make_payload(c, hdr.type, out + sizeof(hdr));
	memcpy(out, &hdr, sizeof(hdr));
	return (sizeof(hdr) + ((hdr.len + 7) & ~(size_t)7));
}

static void
feed(int fd, const uint8_t *p, size_t n)
{
	ssize_t r;

	while (n > 0) {
		r = write(fd, p, n);
		if (r <= 0)
			return;		/* cut off, or not read from */
		p += r;
		n -= (size_t)r;
		turns(1);
	}
}

static void
feed_commands(int fd, struct cursor *c, struct imsgbuf *honest,
    struct heard *h)
{
	uint8_t message[COMMAND_MAX];
	size_t n, cut;
	uint8_t how;

	while (c->left > 0) {
		how = take(c);
		if (how >= 224)
			hear(honest, h);
		n = make_message(c, message);
		/* Whole, or in two pieces. */
		cut = how & 1 ? (size_t)(how >> 1) % n : n;
		feed(fd, message, cut);
		feed(fd, message + cut, n - cut);
	}
}

static void
feed_raw(int fd, struct cursor *c)
{
	size_t n;

	while (c->left > 0) {
		n = 1 + (size_t)take(c) * 2;
		if (n > c->left)
			n = c->left;
		feed(fd, c->p, n);
		c->p += n;
		c->left -= n;
	}
}

/* The honest member is there still, and can speak to itself. */
static void
check_honest(struct imsgbuf *ib, struct heard *h)
{
	struct msg_data d = { HONEST, HONEST, DATA_BYTES, 0 };
	unsigned int i;

	put(ib, MSG_DIRECT, 1, &d, sizeof(d));
	h->delivered = 0;
	if (imsg_flush(ib) != 0)
		abort();
	turns(3);
	hear(ib, h);
	if (h->joined != 1 || h->delivered != 1)
		abort();
	for (i = 0; i < IDS; i++)
		if (h->shown[i])
			abort();
}

static void
show_all(void)
{
	struct msg_show show;
	struct imsg m;

	memset(&m, 0, sizeof(m));
	m.hdr.type = MSG_SHOW;
	m.hdr.len = sizeof(show);
	m.data = &show;
	m.fd = -1;
	for (show.what = 0; show.what <= SHOW_WHATS; show.what++)
		router_show(parent, &m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = { data, size };
	struct imsgbuf *honest;
	struct heard h;
	uint8_t how;
	int fd;

	if (parent == NULL)
		start();
	memset(&h, 0, sizeof(h));
	honest = add_honest();
	fd = add(1);
	how = take(&c);
	if (how & 1)
		feed_commands(fd, &c, honest, &h);
	else
		feed_raw(fd, &c);
	turns(2);
	if (how & 2)
		show_all();
	hear(honest, &h);
	close(fd);
	turns(3);
	hear(honest, &h);
	check_honest(honest, &h);
	imsgbuf_free(honest);
	turns(3);
	if (router_counters.frontends != 0 || router_counters.members != 0 ||
	    router_counters.channels != 0 || !TAILQ_EMPTY(&channels))
		abort();
	return (0);
}
