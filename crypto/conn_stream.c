/*
 * The streams of a connection: what each of them is for is agreed on by
 * multistream-select (libp2p specs, connections/README.md, "Opening New
 * Streams Over a Connection"); identify and ping stay in here, the others are
 * for who calls.  Pure; runs in crypto.  The peer at the other end is known and
 * trusted with nothing: streams, and those of them that negotiate, are bounded,
 * and who does not take our answers gets its stream reset.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/conn_private.h"
#include "crypto/identify.h"

#define ECHO_BYTES	4096		/* of ping, at a time */

static int	stream_say(struct conn *, uint32_t, const uint8_t *, size_t);
static void	negotiation_end(struct conn *, struct conn_stream *);
static void	event_take(struct conn *, const struct yamux_event *,
		    const uint8_t *, struct conn_event *);
static void	opened(struct conn *, uint32_t);
static void	data_take(struct conn *, struct conn_stream *, const uint8_t *,
		    size_t, const uint8_t *, struct conn_event *);
static size_t	negotiate(struct conn *, struct conn_stream *, const uint8_t *,
		    size_t);
static int	agree(struct conn *, struct conn_stream *,
		    struct conn_event *);
static int	agree_theirs(struct conn *, struct conn_stream *,
		    struct conn_event *);
static void	refused(struct conn *, struct conn_stream *,
		    struct conn_event *);
static void	data_use(struct conn *, struct conn_stream *, const uint8_t *,
		    size_t, struct conn_event *);
static int	echo(struct conn *, struct conn_stream *, const uint8_t *,
		    size_t);
static void	fin_take(struct conn *, struct conn_stream *, int,
		    struct conn_event *);
static void	reset_take(struct conn *, struct conn_stream *,
		    struct conn_event *);

struct conn_stream *
conn_stream_new(enum stream_kind kind, void *arg)
{
	struct conn_stream *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	s->kind = kind;
	s->arg = arg;
	if ((s->ms = malloc(sizeof(*s->ms))) == NULL) {
		free(s);
		return (NULL);
	}
	return (s);
}

/* The stream is gone from yamux, or will be at once. */
void
conn_stream_free(struct conn *c, struct conn_stream *s)
{
	negotiation_end(c, s);
	if (s->kind == STREAM_PING)
		c->npings--;
	if (s->blocked)
		c->nblocked--;
	if (c->ask == s)
		c->ask = NULL;
	free(s);
}

void
conn_stream_abort(struct conn *c, struct conn_stream *s, uint32_t code)
{
	(void)yamux_reset(c->yamux, s->id, code);
	conn_stream_free(c, s);
}

void
conn_streams_free(struct conn *c)
{
	void	*s;
	size_t	 at = 0;

	while (yamux_iterate(c->yamux, &at, &s) != 0)
		if (s != NULL)
			conn_stream_free(c, s);
}

/* All of it, or nothing that can be relied on. */
static int
stream_say(struct conn *c, uint32_t id, const uint8_t *p, size_t n)
{
	return (n == 0 || yamux_write(c->yamux, id, p, n) == (long)n ? 0 :
	    -1);
}

int
conn_stream_negotiate(struct conn *c, struct conn_stream *s)
{
	int result = stream_say(c, s->id, s->ms->out, s->ms->out_len);

	multistream_sent(s->ms, s->ms->out_len);
	return (result);
}

static void
negotiation_end(struct conn *c, struct conn_stream *s)
{
	if (s->ms != NULL && s->kind == STREAM_THEIRS)
		c->nnegotiating--;
	free(s->ms);
	s->ms = NULL;
}

size_t
conn_stream_input(struct conn *c, const uint8_t *in, size_t n,
    struct conn_event *ev)
{
	struct yamux_event	 yev;
	size_t			 used = 0, took;

	while (c->phase == PHASE_OPEN && ev->type == CONN_NONE &&
	    c->rest_len == 0) {
		took = yamux_input(c->yamux, in + used, n - used, &yev);
		/* What is left of it is found again by its place. */
		event_take(c, &yev, in, ev);
		used += took;
		if (yev.type == YAMUX_NONE)
			break;
	}
	return (used);
}

static void
event_take(struct conn *c, const struct yamux_event *yev, const uint8_t *in,
    struct conn_event *ev)
{
	struct conn_stream *s = yev->arg;

	switch (yev->type) {
	case YAMUX_NONE:
		break;
	case YAMUX_OPENED:
		opened(c, yev->id);
		break;
	case YAMUX_DATA:
		data_take(c, s, yev->data, yev->len, in, ev);
		break;
	case YAMUX_WRITABLE:
		if (s->kind == STREAM_AGREED)
			conn_stream_event(ev, CONN_WRITABLE, s);
		break;
	case YAMUX_FIN:
		fin_take(c, s, yev->ended, ev);
		break;
	case YAMUX_RESET:
		reset_take(c, s, ev);
		break;
	case YAMUX_PONG:
		ev->type = CONN_PONG;
		break;
	case YAMUX_GOAWAY:
		c->goodbye = 1;
		ev->type = CONN_GOAWAY;
		break;
	case YAMUX_FAILED:
		conn_fail(c, yev->code == YAMUX_INTERNAL ? "out of memory" :
		    "yamux was violated");
		break;
	}
}

void
conn_stream_event(struct conn_event *ev, enum conn_event_type type,
    const struct conn_stream *s)
{
	ev->type = type;
	ev->stream = s->id;
	ev->arg = s->arg;
}

/* Our header goes out at once: some wait for it. */
static void
opened(struct conn *c, uint32_t id)
{
	struct conn_stream *s;

	if (c->nnegotiating >= CONN_NEGOTIATING_MAX ||
	    (s = conn_stream_new(STREAM_THEIRS, NULL)) == NULL) {
		(void)yamux_reset(c->yamux, id, CODE_LIMIT);
		return;
	}
	s->id = id;
	c->nnegotiating++;
	(void)yamux_set_arg(c->yamux, id, s);
	multistream_listen(s->ms, c->protocols, c->nprotocols);
	if (conn_stream_negotiate(c, s) == -1)
		conn_stream_abort(c, s, CODE_LIMIT);
}

static void
data_take(struct conn *c, struct conn_stream *s, const uint8_t *p, size_t n,
    const uint8_t *in, struct conn_event *ev)
{
	size_t used;

	if (s->ms != NULL) {
		used = negotiate(c, s, p, n);
		(void)yamux_consume(c->yamux, s->id, used);
		p += used;
		n -= used;
		if (s->ms->phase == MS_TALKING)
			return;
		if (!agree(c, s, ev) || n == 0)
			return;
		/* Behind CONN_OPENED or CONN_AGREED. */
		if (ev->type != CONN_NONE) {
			c->rest_id = s->id;
			c->rest_at = c->text_at + (size_t)(p - in);
			c->rest_len = n;
			return;
		}
	}
	data_use(c, s, p, n, ev);
}

/* Returns the bytes used; where it cannot be answered it has failed. */
static size_t
negotiate(struct conn *c, struct conn_stream *s, const uint8_t *p, size_t n)
{
	size_t used = 0;

	while (used < n && s->ms->phase == MS_TALKING) {
		used += multistream_input(s->ms, p + used, n - used);
		if (conn_stream_negotiate(c, s) == -1)
			s->ms->phase = MS_FAILED;
	}
	return (used);
}

/* A negotiation has ended.  Returns whether the stream is still there. */
static int
agree(struct conn *c, struct conn_stream *s, struct conn_event *ev)
{
	if (s->ms->phase != MS_AGREED) {
		refused(c, s, ev);
		return (0);
	}
	if (s->kind == STREAM_THEIRS)
		return (agree_theirs(c, s, ev));
	negotiation_end(c, s);
	if (s->kind == STREAM_OURS) {
		s->kind = STREAM_AGREED;
		conn_stream_event(ev, CONN_AGREED, s);
	}
	return (1);
}

static int
agree_theirs(struct conn *c, struct conn_stream *s, struct conn_event *ev)
{
	size_t chosen = s->ms->chosen;

	negotiation_end(c, s);
	if (chosen < c->config.nprotocols) {
		s->kind = STREAM_AGREED;
		conn_stream_event(ev, CONN_OPENED, s);
		ev->protocol = chosen;
		return (1);
	}
	if (strcmp(c->protocols[chosen], IDENTIFY_PROTOCOL) == 0) {
		s->kind = STREAM_ANSWER;
		if (conn_identify_answer(c, s->id) == 0 &&
		    yamux_close(c->yamux, s->id) == 0)
			return (1);
	} else if (c->npings < CONN_PINGS_MAX) {
		s->kind = STREAM_PING;
		c->npings++;
		return (1);
	}
	conn_stream_abort(c, s, CODE_LIMIT);
	return (0);
}

/* The stream came to nothing. */
static void
refused(struct conn *c, struct conn_stream *s, struct conn_event *ev)
{
	if (s->kind == STREAM_OURS) {
		conn_stream_event(ev, CONN_REFUSED, s);
		ev->ended = 1;
	}
	conn_stream_abort(c, s, CODE_NEGOTIATION);
}

static void
data_use(struct conn *c, struct conn_stream *s, const uint8_t *p, size_t n,
    struct conn_event *ev)
{
	int result = 0;

	if (s->kind == STREAM_AGREED) {
		conn_stream_event(ev, CONN_DATA, s);
		ev->data = p;
		ev->len = n;
		return;
	}
	(void)yamux_consume(c->yamux, s->id, n);
	if (s->kind == STREAM_PING)
		result = echo(c, s, p, n);
	else if (s->kind == STREAM_ASK)
		result = conn_identify_more(c, p, n);
	if (result == -1)
		conn_stream_abort(c, s, CODE_LIMIT);
}

static int
echo(struct conn *c, struct conn_stream *s, const uint8_t *p, size_t n)
{
	uint8_t	out[ECHO_BYTES + PING_LEN];
	size_t	piece, len;

	for (; n > 0; n -= piece, p += piece) {
		piece = n < ECHO_BYTES ? n : ECHO_BYTES;
		len = ping_echo(&s->ping, p, piece, out);
		if (stream_say(c, s->id, out, len) == -1)
			return (-1);
	}
	return (0);
}

void
conn_stream_rest(struct conn *c, const uint8_t *text, struct conn_event *ev)
{
	struct conn_stream *s = conn_stream_find(c, c->rest_id);

	if (s != NULL)
		data_use(c, s, text + c->rest_at, c->rest_len, ev);
	c->rest_len = 0;
}

/* No more will come on the stream. */
static void
fin_take(struct conn *c, struct conn_stream *s, int ended,
    struct conn_event *ev)
{
	if (s->ms != NULL) {
		refused(c, s, ev);
		return;
	}
	if (s->kind == STREAM_AGREED) {
		conn_stream_event(ev, CONN_FIN, s);
		ev->ended = ended;
	}
	if (s->kind == STREAM_ASK)
		conn_identify_end(c, ev);
	/* Ours have nothing more to say, either. */
	if (s->kind != STREAM_AGREED && !ended)
		ended = yamux_close(c->yamux, s->id) != 0;
	if (ended)
		conn_stream_free(c, s);
}

static void
reset_take(struct conn *c, struct conn_stream *s, struct conn_event *ev)
{
	if (s->kind == STREAM_AGREED || s->kind == STREAM_OURS) {
		conn_stream_event(ev, s->kind == STREAM_OURS ? CONN_REFUSED :
		    CONN_RESET, s);
		ev->ended = 1;
	}
	conn_stream_free(c, s);
}
