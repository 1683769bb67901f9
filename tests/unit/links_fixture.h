/*
 * Links without a world: what is below them (conn.h) and above (session.h) is
 * played here.  The bytes of a socket are commands, and what is written to it
 * is the words of a log.  The clock is this file's, too.
 */
#ifndef TESTS_UNIT_LINKS_FIXTURE_H
#define TESTS_UNIT_LINKS_FIXTURE_H

#include <sys/socket.h>
#include <sys/syscall.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/child.h"
#include "common/conf.h"
#include "common/imsg.h"
#include "common/log.h"
#include "crypto/buckets.h"
#include "crypto/links_private.h"
#include "crypto/session.h"

/*
 * The clock: what all the code sees, libevent too.
 */
static int64_t	 skew_ms;

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	if (syscall(SYS_clock_gettime, id, ts) == -1)
		return (-1);
	ts->tv_sec += skew_ms / 1000;
	return (0);
}

/*
 * A connection.  Commands: 's' and a digit, secured with that peer; 'r' ready;
 * 'o' they opened a stream, 'a' agreed, 'x' refused, 'f' they end the stream,
 * 'g' goodbye, '!' failed, '=' failed since that is us, 'h' the session's
 * HELLO, 'd' data of it, 'w' and 'W' data that is too fast for three seconds,
 * 'p' pong.
 */
struct conn {
	int		 dialler;
	int		 ended, pings, told;
	uint32_t	 streams;
	struct peer_id	 peer;
	uint8_t		*out;
	size_t		 out_len;
	long		 window;	/* bytes that may still be written */
};

static struct identity	 self;

static void
peer_make(struct peer_id *id, char c)
{
	memset(id, 0, sizeof(*id));
	id->len = 34;
	id->bytes[0] = 0x12;
	id->bytes[1] = 0x20;
	memset(id->bytes + 2, c, 32);
}

static void
say(struct conn *c, const void *p, size_t n)
{
	c->out = realloc(c->out, c->out_len + n);
	assert_non_null(c->out);
	memcpy(c->out + c->out_len, p, n);
	c->out_len += n;
}

struct conn *
conn_new(const struct conn_config *config)
{
	struct conn	*c = calloc(1, sizeof(*c));

	assert_non_null(c);
	assert_int_equal(config->security, CONN_TLS | CONN_NOISE);
	assert_int_equal(config->nprotocols, 1);
	c->dialler = config->dialler;
	c->window = 1 << 30;
	return (c);
}

void
conn_free(struct conn *c)
{
	if (c != NULL)
		free(c->out);
	free(c);
}

size_t
conn_input(struct conn *c, uint8_t *in, size_t n, struct conn_event *ev)
{
	memset(ev, 0, sizeof(*ev));
	/* Something always waits, so what comes is held up. */
	if (n == 0 || c->out_len > CONN_OUT_MAX / 2)
		return (0);
	ev->stream = 1;
	switch (in[0]) {
	case 's':
		if (n < 2)
			return (0);
		peer_make(&c->peer, (char)in[1]);
		ev->type = CONN_SECURED;
		return (2);
	case 'r':
		ev->type = CONN_READY;
		break;
	case 'o':
		ev->type = CONN_OPENED;
		ev->stream = ++c->streams;
		break;
	case 'a':
		ev->type = CONN_AGREED;
		break;
	case 'x':
		ev->type = CONN_REFUSED;
		break;
	case 'f':
		ev->type = CONN_FIN;
		break;
	case 'g':
		ev->type = CONN_GOAWAY;
		break;
	case 'p':
		ev->type = CONN_PONG;
		break;
	case '=':
		ev->type = CONN_FAILED;
		ev->why = "played self";
		ev->self = 1;
		break;
	case 'h':
	case 'd':
	case 'w':
		ev->type = CONN_DATA;
		ev->data = in;
		ev->len = 1;
		break;
	case 'W':
		/* A record that is kept until all of it was told. */
		if (c->told) {
			c->told = 0;
			return (1 + conn_input(c, in + 1, n - 1, ev));
		}
		c->told = 1;
		ev->type = CONN_DATA;
		ev->data = in;
		ev->len = 1;
		return (0);
	default:
		ev->type = CONN_FAILED;
		ev->why = "played failure";
	}
	return (1);
}

size_t
conn_output(struct conn *c, const uint8_t **p)
{
	*p = c->out;
	return (c->out_len);
}

void
conn_sent(struct conn *c, size_t n)
{
	assert_true(n <= c->out_len);
	memmove(c->out, c->out + n, c->out_len - n);
	c->out_len -= n;
}

size_t
conn_waiting(const struct conn *c)
{
	return (c->out_len);
}

int
conn_eof(const struct conn *c)
{
	(void)c;
	return (0);
}

uint32_t
conn_open(struct conn *c, const char *protocol, void *arg)
{
	(void)arg;
	assert_string_equal(protocol, NWSPROTO_NAME);
	say(c, "[open]", 6);
	return (1);
}

long
conn_write(struct conn *c, uint32_t id, const void *p, size_t n)
{
	assert_int_equal(id, 1);
	if ((long)n > c->window)
		n = (size_t)c->window;
	c->window -= (long)n;
	if (n > 0)
		say(c, p, n);
	return ((long)n);
}

size_t
conn_room(const struct conn *c, uint32_t id)
{
	(void)id;
	return ((size_t)c->window);
}

int
conn_consume(struct conn *c, uint32_t id, size_t n)
{
	(void)c;
	(void)id;
	(void)n;
	return (0);
}

int
conn_close(struct conn *c, uint32_t id)
{
	(void)c;
	(void)id;
	return (0);
}

int
conn_reset(struct conn *c, uint32_t id, uint32_t code)
{
	(void)id;
	(void)code;
	say(c, "[reset]", 7);
	return (0);
}

int
conn_ping(struct conn *c)
{
	c->pings++;
	say(c, "[ping]", 6);
	return (0);
}

int
conn_identify(struct conn *c)
{
	(void)c;
	return (0);
}

void
conn_end(struct conn *c)
{
	c->ended = 1;
	say(c, "[end]", 5);
}

const struct peer_id *
conn_peer(const struct conn *c)
{
	return (&c->peer);
}

const uint8_t *
conn_binding(const struct conn *c, size_t *len)
{
	*len = CONN_BINDING_BYTES;
	return (c->peer.bytes);
}

unsigned int
conn_security(const struct conn *c)
{
	(void)c;
	return (CONN_NOISE);
}

/*
 * A session: HELLO is the word "[hello]", a PING "[PING]".
 */
struct session {
	struct link	*link;
	int		 said, heard;
	uint64_t	 next;
	int64_t		 resume_ms;
};
static int	 sessions, turn_fails, silent;

struct session *
session_new(const struct session_config *config)
{
	struct session	*s = calloc(1, sizeof(*s));

	assert_non_null(s);
	assert_non_null(config->limits[0]);
	assert_non_null(config->limits[1]);
	s->link = config->link;
	s->next = UINT64_MAX;
	sessions++;
	return (s);
}

void
session_free(struct session *s)
{
	sessions--;
	free(s);
}

void
session_hello(struct session *s)
{
	if (s->said)
		return;
	s->said = 1;
	link_send(s->link, "[hello]", 7, NULL, 0);
	if (s->heard)
		link_active(s->link);
}

int
session_is_active(const struct session *s)
{
	return (s->said && s->heard);
}

int
session_input(struct session *s, const uint8_t *p, size_t n, const char **why)
{
	(void)why;
	assert_int_equal(n, 1);
	assert_true(s->resume_ms <= loop_now_ms());
	if (*p == 'w' || *p == 'W')
		s->resume_ms = loop_now_ms() + 3000;
	if (*p != 'h')
		return (0);
	s->heard = 1;
	if (s->said)
		link_active(s->link);
	return (0);
}

int64_t
session_resume_ms(const struct session *s)
{
	return (s->resume_ms);
}

int
session_turn(struct session *s, const char **why)
{
	(void)s;
	*why = "played timeout";
	return (turn_fails ? -1 : 0);
}

int
session_is_silent(const struct session *s)
{
	(void)s;
	return (silent);
}

uint64_t
session_next(const struct session *s)
{
	return (s->next);
}

void
session_ping(struct session *s)
{
	link_send(s->link, "[PING]", 6, NULL, 0);
}

void
session_stats(const struct session *s, struct session_stats *stats)
{
	(void)s;
	memset(stats, 0, sizeof(*stats));
}

void
channels_rows(uint32_t ticket)
{
	(void)ticket;
}

void
channels_limits(uint32_t ticket)
{
	(void)ticket;
}

/*
 * The world: discovery's end of its pipe, and the other ends of links.
 */
#define ENDS	300

static struct conf	*conf;
static struct imsgbuf	*discovery;
static struct event	*turns;
static int		 end[ENDS];
static char		 text[ENDS][512];	/* what came at each */
static int		 eof[ENDS];
static uint8_t		 sink[1 << 20];

static void
turn(void)
{
	links_turn_end();
	loop_quit();
}

/* As many turns as it takes until nothing more happens. */
static void
settle(void)
{
	int	 i;

	for (i = 0; i < 12; i++) {
		event_active(turns, EV_TIMEOUT, 0);
		loop_run(turn);
	}
}

static void
nothing(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void
pass_ms(int64_t ms)
{
	assert_int_equal(ms % 1000, 0);
	settle();
	skew_ms += ms;
	settle();
}

static void
dial(unsigned int i, uint32_t number)
{
	struct msg_dialled	 d;
	int			 sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, sv), 0);
	memset(&d, 0, sizeof(d));
	d.addr[15] = 1;
	d.port = 9010;
	assert_int_equal(imsg_send(discovery, MSG_DIALLED, number, sv[0], &d,
	    sizeof(d)), 0);
	assert_int_equal(imsg_flush(discovery), 0);
	end[i] = sv[1];
	text[i][0] = '\0';
	eof[i] = 0;
	settle();
}

/* The other end of a link says this; what we say to it is appended to text. */
static void
put(unsigned int i, const char *commands)
{
	assert_int_equal(send(end[i], commands, strlen(commands),
	    MSG_NOSIGNAL), strlen(commands));
	settle();
}

static const char *
got(unsigned int i)
{
	size_t	 have = strlen(text[i]);
	ssize_t	 n;

	settle();
	while ((n = recv(end[i], sink, sizeof(sink), 0)) > 0) {
		if (have + (size_t)n < sizeof(text[i])) {
			memcpy(text[i] + have, sink, (size_t)n);
			have += (size_t)n;
			text[i][have] = '\0';
		}
		settle();
	}
	if (n == 0 || (n == -1 && errno == ECONNRESET))
		eof[i] = 1;
	return (text[i]);
}

#define EXPECT(i, what)	assert_string_equal(got(i), what)

/* The link is over and its socket gone. */
static void
expect_ended(unsigned int i)
{
	(void)got(i);
	assert_true(eof[i]);
	assert_non_null(strstr(text[i], "[end]"));
	close(end[i]);
	end[i] = -1;
	settle();
}

static void
expect_linked(uint32_t number, enum linked what)
{
	struct msg_linked	 l;
	struct imsg		 m;
	const char		*why;

	settle();
	if (imsg_get(discovery, &m, &why) != 1) {
		assert_int_equal(imsg_read(discovery), 1);
		assert_int_equal(imsg_get(discovery, &m, &why), 1);
	}
	assert_int_equal(m.hdr.type, MSG_LINKED);
	memcpy(&l, m.data, sizeof(l));
	assert_int_equal(m.hdr.peerid, number);
	assert_int_equal(l.what, what);
}

static void
expect_silence(void)
{
	struct imsg	 m;
	const char	*why;

	settle();
	(void)imsg_read(discovery);
	assert_int_equal(imsg_get(discovery, &m, &why), 0);
}

static int
set_up(void **state)
{
	int	 sv[2], i;

	(void)state;
	child_options.process = P_CRYPTO;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, sv), 0);
	/* In the middle: 1 decides against us, 9 leaves it to us. */
	peer_make(&self.id, '5');
	links_init(&self, NULL);
	conf = conf_default();
	assert_non_null(conf);
	conf->link_queue = 100000;
	links_configure(conf);
	links_discovery(imsgbuf_new(sv[0], P_CRYPTO, P_DISCOVERY, 1));
	discovery = imsgbuf_new(sv[1], P_DISCOVERY, P_CRYPTO, 0);
	assert_non_null(discovery);
	turns = event_new(loop_base(), -1, 0, nothing, NULL);
	assert_non_null(turns);
	for (i = 0; i < ENDS; i++)
		end[i] = -1;
	memset(&crypto_counters, 0, sizeof(crypto_counters));
	turn_fails = silent = 0;
	return (0);
}

static int
tear_down(void **state)
{
	int	 i;

	(void)state;
	links_stop();
	settle();
	for (i = 0; i < ENDS; i++)
		if (end[i] != -1)
			close(end[i]);
	pass_ms(2000);
	assert_int_equal(links_left(), 0);
	assert_int_equal(links.queued, 0);
	assert_int_equal(sessions, 0);
	assert_int_equal(crypto_counters.links_active, 0);
	assert_int_equal(crypto_counters.links_plain, 0);
	assert_int_equal(crypto_counters.nodes, 0);
	imsgbuf_free(discovery);
	settle();
	assert_int_equal(crypto_counters.targets, 0);
	event_free(turns);
	conf_free(conf);
	buckets_clear(&links.peer_buckets);
	buckets_clear(&links.address_buckets);
	idmap_clear(&links.addresses.keys);
	idmap_clear(&links.shaking.keys);
	return (0);
}

#endif
