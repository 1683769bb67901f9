/*
 * What who calls does with the streams of a connection: opens, writes, ends
 * them.  Pure; runs in crypto.  Trusts who calls, but for streams that are gone
 * or are none of his, which are refused.
 */
#include <errno.h>
#include <stdlib.h>

#include "crypto/conn_private.h"
#include "crypto/identify.h"

static struct conn_stream *open_stream(struct conn *, enum stream_kind,
		    const char *, void *);
static size_t	room_ours(const struct conn *);

struct conn_stream *
conn_stream_find(const struct conn *c, uint32_t id)
{
	struct conn_stream *s;

	if (c->yamux == NULL || (s = yamux_arg(c->yamux, id)) == NULL ||
	    (s->kind != STREAM_AGREED && s->kind != STREAM_OURS))
		return (NULL);
	return (s);
}

uint32_t
conn_open(struct conn *c, const char *protocol, void *arg)
{
	struct conn_stream *s;

	s = open_stream(c, STREAM_OURS, protocol, arg);
	return (s == NULL ? 0 : s->id);
}

int
conn_identify(struct conn *c)
{
	if (c->ask != NULL || c->answer != NULL)
		return (-1);
	c->answer_told = 0;
	c->ask = open_stream(c, STREAM_ASK, IDENTIFY_PROTOCOL, NULL);
	return (c->ask == NULL ? -1 : 0);
}

static struct conn_stream *
open_stream(struct conn *c, enum stream_kind kind, const char *protocol,
    void *arg)
{
	struct conn_stream *s;

	if (c->phase != PHASE_OPEN || c->ending) {
		errno = EPIPE;
		return (NULL);
	}
	if ((s = conn_stream_new(kind, arg)) == NULL)
		return (NULL);
	if ((s->id = yamux_open(c->yamux, s)) == 0) {
		free(s->ms);
		free(s);
		return (NULL);
	}
	s->protocol = protocol;
	multistream_dial(s->ms, &s->protocol, 1);
	if (conn_stream_negotiate(c, s) == -1) {
		conn_stream_abort(c, s, CODE_LIMIT);
		errno = EAGAIN;
		return (NULL);
	}
	return (s);
}

/* What our streams may still have waiting: answers have room behind that. */
static size_t
room_ours(const struct conn *c)
{
	const uint8_t	*p;
	size_t		 n = yamux_output(c->yamux, &p);

	return (n < STREAMS_OUT_MAX ? STREAMS_OUT_MAX - n : 0);
}

long
conn_write(struct conn *c, uint32_t id, const void *p, size_t n)
{
	struct conn_stream	*s = conn_stream_find(c, id);
	size_t			 room;
	long			 wrote;

	if (s == NULL || s->kind != STREAM_AGREED || c->phase != PHASE_OPEN ||
	    c->ending)
		return (-1);
	room = room_ours(c);
	wrote = yamux_write(c->yamux, id, p, room < n ? room : n);
	/* Where the window was shorter yet, yamux tells of that. */
	if (room < n && wrote == (long)room) {
		if (!s->blocked)
			c->nblocked++;
		s->blocked = 1;
	}
	return (wrote);
}

size_t
conn_room(const struct conn *c, uint32_t id)
{
	struct conn_stream	*s = conn_stream_find(c, id);
	size_t			 room, window;

	if (s == NULL || s->kind != STREAM_AGREED || c->phase != PHASE_OPEN ||
	    c->ending)
		return (0);
	room = room_ours(c);
	window = yamux_room(c->yamux, id);
	return (room < window ? room : window);
}

int
conn_stream_writable(struct conn *c, struct conn_event *ev)
{
	struct conn_stream	*s;
	void			*arg;
	int			 round;

	if (c->nblocked == 0 || room_ours(c) < STREAMS_OUT_MAX / 2)
		return (0);
	/* From where the last one was: each gets its turn. */
	for (round = 0; round < 2; round++) {
		while (yamux_iterate(c->yamux, &c->blocked_at, &arg) != 0) {
			s = arg;
			if (s == NULL || !s->blocked)
				continue;
			s->blocked = 0;
			c->nblocked--;
			conn_stream_event(ev, CONN_WRITABLE, s);
			return (1);
		}
		c->blocked_at = 0;
	}
	return (0);
}

int
conn_consume(struct conn *c, uint32_t id, size_t n)
{
	return (conn_stream_find(c, id) == NULL ? -1 :
	    yamux_consume(c->yamux, id, n));
}

int
conn_close(struct conn *c, uint32_t id)
{
	struct conn_stream	*s = conn_stream_find(c, id);
	int			 result;

	if (s == NULL)
		return (-1);
	if (s->kind == STREAM_OURS) {
		conn_stream_abort(c, s, 0);
		return (1);
	}
	if ((result = yamux_close(c->yamux, id)) == 1)
		conn_stream_free(c, s);
	return (result);
}

int
conn_reset(struct conn *c, uint32_t id, uint32_t code)
{
	struct conn_stream *s = conn_stream_find(c, id);

	if (s == NULL)
		return (-1);
	conn_stream_abort(c, s, code);
	return (0);
}

int
conn_set_arg(struct conn *c, uint32_t id, void *arg)
{
	struct conn_stream *s = conn_stream_find(c, id);

	if (s == NULL)
		return (-1);
	s->arg = arg;
	return (0);
}

int
conn_ping(struct conn *c)
{
	if (c->phase != PHASE_OPEN)
		return (-1);
	return (yamux_ping(c->yamux, ++c->ping_value));
}
