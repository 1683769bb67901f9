/*
 * yamux (libp2p specs, yamux/README.md): what comes from the other end.  Pure;
 * runs in crypto.  Who is there has proven an identity and is trusted with
 * nothing: a frame that cannot be ends the session, a window that is passed
 * too, and no frame makes us keep more than a stream's bookkeeping.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/yamux_private.h"

static int	paused(const struct yamux *);
static int	header_read(struct yamux *, const uint8_t **, size_t *);
static int	frame_begin(struct yamux *);
static int	session_frame(struct yamux *, struct yamux_event *);
static int	stream_begin(struct yamux *);
static int	payload_begin(struct yamux *, struct yamux_stream *);
static int	window_open(struct yamux *, struct yamux_stream *);
static int	tell_next(struct yamux *, struct yamux_event *);
static size_t	payload_read(struct yamux *, const uint8_t *, size_t,
		    struct yamux_event *);
static void	fin_tell(struct yamux *, struct yamux_event *);
static void	reset_tell(struct yamux *, struct yamux_event *);
static void	violation(struct yamux *, struct yamux_event *);
static uint32_t	get32(const uint8_t *);

struct yamux *
yamux_new(const struct yamux_config *config)
{
	struct yamux *y;

	if (config->window_bytes < YAMUX_WINDOW ||
	    config->window_bytes > YAMUX_WINDOW_MAX) {
		errno = EINVAL;
		return (NULL);
	}
	if ((y = calloc(1, sizeof(*y))) == NULL)
		return (NULL);
	y->config = *config;
	y->next_id = config->dialler ? 1 : 2;
	return (y);
}

void
yamux_free(struct yamux *y)
{
	struct yamux_stream	*s;
	size_t			 at = 0;

	if (y == NULL)
		return;
	while ((s = idmap_iterate(&y->streams, &at, NULL)) != NULL)
		free(s);
	idmap_clear(&y->streams);
	free(y->out);
	free(y);
}

size_t
yamux_input(struct yamux *y, const uint8_t *in, size_t n,
    struct yamux_event *ev)
{
	const uint8_t	*start = in;
	size_t		 used;

	memset(ev, 0, sizeof(*ev));
	while (!y->failed) {
		if (tell_next(y, ev))
			return ((size_t)(in - start));
		if (y->left > 0) {
			if (n == 0)
				return ((size_t)(in - start));
			used = payload_read(y, in, n, ev);
			in += used;
			n -= used;
			if (ev->type != YAMUX_NONE)
				return ((size_t)(in - start));
			continue;
		}
		if (paused(y) || !header_read(y, &in, &n))
			return ((size_t)(in - start));
		if (frame_begin(y) == -1 || (y->frame.id == 0 &&
		    session_frame(y, ev) == -1))
			violation(y, ev);
		if (ev->type != YAMUX_NONE)
			return ((size_t)(in - start));
	}
	/* Without memory for an answer it ended in silence: tell it once. */
	if (y->failed == 1) {
		y->failed = 2;
		ev->type = YAMUX_FAILED;
		ev->code = YAMUX_INTERNAL;
	}
	return ((size_t)(in - start) + n);
}

/* Nobody takes our answers: hear nothing more that wants one. */
static int
paused(const struct yamux *y)
{
	return (y->out_len > y->config.out_max &&
	    y->out_len - y->config.out_max >
	    YAMUX_CONTROL_MAX - 2 * YAMUX_HEADER_LEN);
}

static int
header_read(struct yamux *y, const uint8_t **in, size_t *n)
{
	size_t take = YAMUX_HEADER_LEN - y->have;

	if (take > *n)
		take = *n;
	if (take > 0)
		memcpy(y->header + y->have, *in, take);
	y->have += take;
	*in += take;
	*n -= take;
	if (y->have < YAMUX_HEADER_LEN)
		return (0);
	y->have = 0;
	return (1);
}

/* A whole header is there.  Returns -1 for a violation. */
static int
frame_begin(struct yamux *y)
{
	struct yamux_frame *f = &y->frame;

	f->type = y->header[1];
	f->flags = (uint16_t)(y->header[2] << 8 | y->header[3]);
	f->id = get32(y->header + 4);
	f->length = get32(y->header + 8);
	if (y->header[0] != 0 || f->type > FRAME_GOAWAY ||
	    (f->flags & ~FLAG_ALL) != 0)
		return (-1);
	/* Ping and GoAway are of the session, the others never. */
	if ((f->id == 0) != (f->type >= FRAME_PING))
		return (-1);
	return (f->id == 0 ? 0 : stream_begin(y));
}

static int
session_frame(struct yamux *y, struct yamux_event *ev)
{
	const struct yamux_frame *f = &y->frame;

	if (f->type == FRAME_GOAWAY) {
		if (f->flags != 0)
			return (-1);
		y->gone = 1;
		ev->type = YAMUX_GOAWAY;
		ev->code = f->length;
		return (0);
	}
	if (f->flags == FLAG_SYN) {
		yamux_put(y, FRAME_PING, FLAG_ACK, 0, f->length);
		return (0);
	}
	if (f->flags != FLAG_ACK || !y->pinging || f->length != y->ping)
		return (-1);
	y->pinging = 0;
	ev->type = YAMUX_PONG;
	ev->code = f->length;
	return (0);
}

static int
stream_begin(struct yamux *y)
{
	const struct yamux_frame *f = &y->frame;
	struct yamux_stream	 *s = yamux_find(y, f->id);
	int			  theirs;

	if (f->type == FRAME_DATA)
		y->left = f->length;
	if ((f->flags & FLAG_SYN) != 0) {
		theirs = (f->id & 1) != (y->next_id & 1);
		if (s != NULL || !theirs)
			return (-1);
		/* What was opened and reset in one never was. */
		if ((f->flags & FLAG_RST) != 0)
			return (0);
		if (y->ntheirs >= y->config.in_max || y->going ||
		    (s = yamux_add(y, f->id, 0)) == NULL) {
			yamux_put(y, FRAME_WINDOW, FLAG_RST, f->id, 0);
			return (0);
		}
		yamux_put(y, FRAME_WINDOW, FLAG_ACK, f->id,
		    y->config.window_bytes - YAMUX_WINDOW);
		y->tell |= TELL_OPENED;
	}
	/* Frames of a stream that ended may still be on their way. */
	if (s == NULL)
		return (0);
	/* Some never send ACK; any frame says as much. */
	if (s->ours && !s->acked) {
		s->acked = 1;
		y->nunacked--;
	}
	if ((f->flags & FLAG_RST) != 0) {
		y->tell |= TELL_RESET;
		y->code = f->type == FRAME_WINDOW ? f->length : 0;
		y->by_us = 0;
		return (0);
	}
	if ((f->flags & FLAG_FIN) != 0 && !s->fin_seen)
		y->tell |= TELL_FIN;
	return (f->type == FRAME_DATA ? payload_begin(y, s) :
	    window_open(y, s));
}

static int
payload_begin(struct yamux *y, struct yamux_stream *s)
{
	uint32_t n = y->frame.length;

	if (n > s->window || (n > 0 && s->fin_seen))
		return (-1);
	if (n > y->config.unread_max - y->unread) {
		/* Within its window, but all of them together are too much. */
		yamux_put(y, FRAME_WINDOW, FLAG_RST, s->id, 0);
		y->tell = (y->tell & TELL_OPENED) | TELL_RESET;
		y->code = 0;
		y->by_us = 1;
		return (0);
	}
	s->window -= n;
	s->unread += n;
	y->unread += n;
	return (0);
}

static int
window_open(struct yamux *y, struct yamux_stream *s)
{
	if (y->frame.length > UINT32_MAX - s->send_window)
		return (-1);
	s->send_window += y->frame.length;
	if (s->blocked && s->send_window > 0) {
		s->blocked = 0;
		y->tell |= TELL_WRITABLE;
	}
	return (0);
}

/*
 * The next event of the frame, in the order of what happened.  The stream may
 * be gone by now, as the reader of an event may reset it.
 */
static int
tell_next(struct yamux *y, struct yamux_event *ev)
{
	struct yamux_stream *s;

	if (y->tell == 0)
		return (0);
	if ((s = yamux_find(y, y->frame.id)) == NULL) {
		y->tell = 0;
		return (0);
	}
	ev->id = s->id;
	ev->arg = s->arg;
	if ((y->tell & TELL_OPENED) != 0) {
		y->tell &= ~TELL_OPENED;
		ev->type = YAMUX_OPENED;
	} else if ((y->tell & TELL_RESET) != 0) {
		reset_tell(y, ev);
	} else if ((y->tell & TELL_WRITABLE) != 0) {
		y->tell &= ~TELL_WRITABLE;
		ev->type = YAMUX_WRITABLE;
	} else if (y->left == 0)
		fin_tell(y, ev);
	return (ev->type != YAMUX_NONE);
}

static void
fin_tell(struct yamux *y, struct yamux_event *ev)
{
	struct yamux_stream *s = yamux_find(y, y->frame.id);

	y->tell = 0;
	ev->type = YAMUX_FIN;
	s->fin_seen = 1;
	if (s->fin_sent) {
		ev->ended = 1;
		yamux_remove(y, s);
	}
}

static void
reset_tell(struct yamux *y, struct yamux_event *ev)
{
	y->tell = 0;
	ev->type = YAMUX_RESET;
	ev->ended = 1;
	ev->code = y->code;
	ev->by_us = y->by_us;
	yamux_remove(y, yamux_find(y, y->frame.id));
}

/* Data, or what is nobody's any more and falls on the floor. */
static size_t
payload_read(struct yamux *y, const uint8_t *in, size_t n,
    struct yamux_event *ev)
{
	struct yamux_stream *s = yamux_find(y, y->frame.id);

	if (n > y->left)
		n = y->left;
	y->left -= (uint32_t)n;
	if (s == NULL)
		return (n);
	ev->type = YAMUX_DATA;
	ev->id = s->id;
	ev->arg = s->arg;
	ev->data = in;
	ev->len = n;
	return (n);
}

static void
violation(struct yamux *y, struct yamux_event *ev)
{
	yamux_put(y, FRAME_GOAWAY, 0, 0, YAMUX_PROTOCOL);
	y->failed = 2;
	y->tell = 0;
	y->left = 0;
	memset(ev, 0, sizeof(*ev));
	ev->type = YAMUX_FAILED;
	ev->code = YAMUX_PROTOCOL;
}

static uint32_t
get32(const uint8_t *p)
{
	return ((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3]);
}
