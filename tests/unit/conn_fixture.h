/* Two ends of one connection, for the tests of crypto/conn.h. */
#ifndef TESTS_UNIT_CONN_FIXTURE_H
#define TESTS_UNIT_CONN_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "crypto/conn_private.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define LOG_MAX		512
#define IN_SIZE		(4 * CONN_IN_MIN)
#define ALL		SIZE_MAX

static const char *const nws_echo[] = { "/nws/2.0.0", "/echo/1" };

struct side {
	struct conn_config	 config;
	struct identity		 self;
	struct conn		*c;
	uint8_t			*in;	/* that conn_input() left */
	size_t			 have;
	struct conn_event	 log[LOG_MAX];
	size_t			 nlog;
	uint8_t			*got;	/* data of all streams */
	size_t			 got_len, got_size;
	char			 agent[64];
	int			 hold;	/* data is not consumed */
};

struct pair {
	struct side	 side[2];	/* 0 is the dialler */
};

static inline void
pair_init(struct pair *t, unsigned int dialler, unsigned int listener)
{
	uint8_t	seed[ED25519_KEY_LEN];
	int	i;

	memset(t, 0, sizeof(*t));
	for (i = 0; i < 2; i++) {
		struct side *s = &t->side[i];

		memset(seed, 1 + i, sizeof(seed));
		assert_int_equal(identity_from_seed(&s->self, seed), 0);
		s->config.dialler = i == 0;
		s->config.security = i == 0 ? dialler : listener;
		s->config.self = &s->self;
		s->config.tls = conn_tls_new(&s->self);
		assert_non_null(s->config.tls);
		s->config.protocols = nws_echo;
		s->config.nprotocols = COUNT(nws_echo);
		s->config.agent = i == 0 ? "zero/0" : "one/1";
		s->config.port = 9010;
		s->config.local_ip_len = s->config.remote_ip_len = 4;
		s->in = malloc(IN_SIZE);
		assert_non_null(s->in);
	}
}

static inline void
pair_begin(struct pair *t)
{
	int i;

	for (i = 0; i < 2; i++) {
		t->side[i].c = conn_new(&t->side[i].config);
		assert_non_null(t->side[i].c);
	}
}

static inline void
pair_free(struct pair *t)
{
	int i;

	for (i = 0; i < 2; i++) {
		conn_free(t->side[i].c);
		conn_tls_free(t->side[i].config.tls);
		free(t->side[i].in);
		free(t->side[i].got);
	}
}

static inline void
side_note(struct side *s, const struct conn_event *ev)
{
	size_t n = ev->len < sizeof(s->agent) - 1 ? ev->len :
	    sizeof(s->agent) - 1;

	if (ev->type == CONN_IDENTIFIED) {
		memcpy(s->agent, ev->data, n);
		s->agent[n] = '\0';
	}
	if (ev->type == CONN_DATA) {
		while (s->got_size - s->got_len < ev->len) {
			s->got_size = s->got_size * 2 + 65536;
			s->got = realloc(s->got, s->got_size);
			assert_non_null(s->got);
		}
		memcpy(s->got + s->got_len, ev->data, ev->len);
		s->got_len += ev->len;
		if (!s->hold)
			assert_int_equal(conn_consume(s->c, ev->stream,
			    ev->len), 0);
		/* One entry for what came in a row. */
		if (s->nlog > 0 && s->log[s->nlog - 1].type == CONN_DATA &&
		    s->log[s->nlog - 1].stream == ev->stream) {
			s->log[s->nlog - 1].len += ev->len;
			return;
		}
	}
	assert_true(s->nlog < LOG_MAX);
	s->log[s->nlog++] = *ev;
}

/* All that is there; what is left is moved, as who calls may. */
static inline void
side_hear(struct side *s)
{
	struct conn_event	ev;
	size_t			used = 0, took;

	do {
		took = conn_input(s->c, s->in + used, s->have - used, &ev);
		assert_true(took <= s->have - used);
		used += took;
		if (ev.type != CONN_NONE)
			side_note(s, &ev);
	} while (ev.type != CONN_NONE);
	memmove(s->in, s->in + used, s->have - used);
	s->have -= used;
}

/* Brings at most n bytes of one to the other; returns how many. */
static inline size_t
pair_pass(struct pair *t, int from, size_t n)
{
	struct side	*to = &t->side[1 - from];
	const uint8_t	*p;
	size_t		 len = conn_output(t->side[from].c, &p);

	if (len > n)
		len = n;
	if (len > IN_SIZE - to->have)
		len = IN_SIZE - to->have;
	if (len > 0)
		memcpy(to->in + to->have, p, len);
	to->have += len;
	conn_sent(t->side[from].c, len);
	return (len);
}

/* Until neither has anything to say, in pieces. */
static inline void
pair_run(struct pair *t, size_t piece)
{
	size_t	moved;
	int	i;

	do {
		for (i = 0, moved = 0; i < 2; i++) {
			moved += pair_pass(t, i, piece);
			side_hear(&t->side[1 - i]);
			side_hear(&t->side[i]);
		}
	} while (moved > 0);
}

/* A pair that is ready, and of which nothing was told yet. */
static inline void
pair_ready(struct pair *t, unsigned int security)
{
	int i;

	pair_init(t, security, security);
	pair_begin(t);
	pair_run(t, ALL);
	for (i = 0; i < 2; i++) {
		assert_int_equal(t->side[i].nlog, 2);
		assert_int_equal(t->side[i].log[0].type, CONN_SECURED);
		assert_int_equal(t->side[i].log[1].type, CONN_READY);
		t->side[i].nlog = 0;
	}
}

/* The nth event of a type, or NULL. */
static inline const struct conn_event *
side_find(const struct side *s, enum conn_event_type type, size_t nth)
{
	size_t i;

	for (i = 0; i < s->nlog; i++)
		if (s->log[i].type == type && nth-- == 0)
			return (&s->log[i]);
	return (NULL);
}

/* A stream of side 0 that both ends know; returns its id. */
static inline uint32_t
pair_open(struct pair *t, const char *protocol)
{
	uint32_t id = conn_open(t->side[0].c, protocol, &t->side[0]);

	assert_int_not_equal(id, 0);
	pair_run(t, ALL);
	assert_non_null(side_find(&t->side[0], CONN_AGREED, 0));
	assert_non_null(side_find(&t->side[1], CONN_OPENED, 0));
	t->side[0].nlog = t->side[1].nlog = 0;
	return (id);
}

/* What side 0 says below its muxer, as if it were another implementation. */
static inline void
pair_frame(struct pair *t, unsigned int type, unsigned int flags, uint32_t id,
    uint32_t length, const void *p, size_t n)
{
	uint8_t frame[12 + 4096];

	assert_true(n <= 4096);
	memset(frame, 0, 12);
	frame[1] = (uint8_t)type;
	frame[3] = (uint8_t)flags;
	frame[6] = (uint8_t)(id >> 8);
	frame[7] = (uint8_t)id;
	frame[8] = (uint8_t)(length >> 24);
	frame[9] = (uint8_t)(length >> 16);
	frame[10] = (uint8_t)(length >> 8);
	frame[11] = (uint8_t)length;
	if (n > 0)
		memcpy(frame + 12, p, n);
	assert_int_equal(conn_secure(t->side[0].c, frame, 12 + n), 0);
}

#endif
