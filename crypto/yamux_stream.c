/*
 * yamux (libp2p specs, yamux/README.md): our own streams and what we send.
 * Pure; runs in crypto, for whatever has something to send to another node.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/yamux_private.h"

#define OUT_FIRST	1024	/* bytes of the output at first */

static int	out_reserve(struct yamux *, size_t);
static void	header_put(struct yamux *, unsigned int, unsigned int,
		    uint32_t, uint32_t);
static size_t	room(const struct yamux *, const struct yamux_stream *);
static void	put32(uint8_t *, uint32_t);

struct yamux_stream *
yamux_find(const struct yamux *y, uint32_t id)
{
	return (idmap_get(&y->streams, id));
}

struct yamux_stream *
yamux_add(struct yamux *y, uint32_t id, int ours)
{
	struct yamux_stream *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	if (idmap_put(&y->streams, id, s) == -1) {
		free(s);
		return (NULL);
	}
	s->id = id;
	s->send_window = YAMUX_WINDOW;
	s->window = y->config.window_bytes;
	s->ours = (uint8_t)ours;
	if (ours) {
		y->nours++;
		y->nunacked++;
	} else
		y->ntheirs++;
	return (s);
}

void
yamux_remove(struct yamux *y, struct yamux_stream *s)
{
	(void)idmap_del(&y->streams, s->id);
	y->unread -= s->unread;
	if (!s->ours)
		y->ntheirs--;
	else {
		y->nours--;
		if (!s->acked)
			y->nunacked--;
	}
	free(s);
}

uint32_t
yamux_open(struct yamux *y, void *arg)
{
	struct yamux_stream *s;

	if (y->failed || y->going || y->gone ||
	    y->next_id > UINT32_MAX - 2) {
		errno = EPIPE;
		return (0);
	}
	if (y->nours >= y->config.out_streams_max ||
	    y->nunacked >= YAMUX_UNACKED_MAX ||
	    y->out_len >= y->config.out_max) {
		errno = EAGAIN;
		return (0);
	}
	if (out_reserve(y, YAMUX_HEADER_LEN) == -1 ||
	    (s = yamux_add(y, y->next_id, 1)) == NULL) {
		errno = ENOMEM;
		return (0);
	}
	s->arg = arg;
	y->next_id += 2;
	header_put(y, FRAME_WINDOW, FLAG_SYN, s->id,
	    y->config.window_bytes - YAMUX_WINDOW);
	return (s->id);
}

long
yamux_write(struct yamux *y, uint32_t id, const void *data, size_t n)
{
	struct yamux_stream	*s = yamux_find(y, id);
	const uint8_t		*p = data;
	size_t			 piece, total;

	if (s == NULL || s->fin_sent || y->failed)
		return (-1);
	if ((total = room(y, s)) < n)
		s->blocked = 1;
	else
		total = n;
	for (n = total; n > 0; n -= piece, p += piece) {
		piece = n < YAMUX_FRAME_MAX ? n : YAMUX_FRAME_MAX;
		if (out_reserve(y, YAMUX_HEADER_LEN + piece) == -1) {
			y->failed = 1;
			return (-1);
		}
		header_put(y, FRAME_DATA, 0, id, (uint32_t)piece);
		memcpy(y->out + y->out_head + y->out_len, p, piece);
		y->out_len += piece;
		s->send_window -= (uint32_t)piece;
	}
	return ((long)total);
}

size_t
yamux_room(const struct yamux *y, uint32_t id)
{
	const struct yamux_stream *s = yamux_find(y, id);

	return (s == NULL || s->fin_sent || y->failed ? 0 : room(y, s));
}

/* Headers are what out_max may be passed by. */
static size_t
room(const struct yamux *y, const struct yamux_stream *s)
{
	size_t left;

	if (y->out_len >= y->config.out_max)
		return (0);
	left = y->config.out_max - y->out_len;
	return (left < s->send_window ? left : s->send_window);
}

int
yamux_consume(struct yamux *y, uint32_t id, size_t n)
{
	struct yamux_stream *s = yamux_find(y, id);

	if (s == NULL || n > s->unread)
		return (-1);
	s->unread -= (uint32_t)n;
	y->unread -= n;
	s->spent += (uint32_t)n;
	/* An update for each half of a window keeps them few. */
	if (s->spent < y->config.window_bytes / 2 || s->fin_seen)
		return (0);
	yamux_put(y, FRAME_WINDOW, 0, id, s->spent);
	s->window += s->spent;
	s->spent = 0;
	return (0);
}

int
yamux_close(struct yamux *y, uint32_t id)
{
	struct yamux_stream *s = yamux_find(y, id);

	if (s == NULL)
		return (-1);
	if (s->fin_sent)
		return (0);
	yamux_put(y, FRAME_WINDOW, FLAG_FIN, id, 0);
	s->fin_sent = 1;
	if (!s->fin_seen)
		return (0);
	yamux_remove(y, s);
	return (1);
}

int
yamux_reset(struct yamux *y, uint32_t id, uint32_t code)
{
	struct yamux_stream *s = yamux_find(y, id);

	if (s == NULL)
		return (-1);
	yamux_put(y, FRAME_WINDOW, FLAG_RST, id, code);
	yamux_remove(y, s);
	return (0);
}

int
yamux_set_arg(struct yamux *y, uint32_t id, void *arg)
{
	struct yamux_stream *s = yamux_find(y, id);

	if (s == NULL)
		return (-1);
	s->arg = arg;
	return (0);
}

void *
yamux_arg(const struct yamux *y, uint32_t id)
{
	const struct yamux_stream *s = yamux_find(y, id);

	return (s == NULL ? NULL : s->arg);
}

int
yamux_ping(struct yamux *y, uint32_t value)
{
	if (y->pinging || y->failed)
		return (-1);
	y->pinging = 1;
	y->ping = value;
	yamux_put(y, FRAME_PING, FLAG_SYN, 0, value);
	return (0);
}

void
yamux_goaway(struct yamux *y, uint32_t code)
{
	if (y->going || y->failed)
		return;
	y->going = 1;
	yamux_put(y, FRAME_GOAWAY, 0, 0, code);
}

uint32_t
yamux_iterate(const struct yamux *y, size_t *at, void **arg)
{
	const struct yamux_stream *s;

	if ((s = idmap_iterate(&y->streams, at, NULL)) == NULL)
		return (0);
	*arg = s->arg;
	return (s->id);
}

size_t
yamux_streams(const struct yamux *y)
{
	return (y->streams.count);
}

size_t
yamux_unread(const struct yamux *y)
{
	return (y->unread);
}

size_t
yamux_memory(const struct yamux *y)
{
	return (sizeof(*y) + y->out_size + idmap_memory(&y->streams) +
	    y->streams.count * sizeof(struct yamux_stream));
}

int
yamux_failed(const struct yamux *y)
{
	return (y->failed != 0);
}

size_t
yamux_output(const struct yamux *y, const uint8_t **p)
{
	*p = y->out_len > 0 ? y->out + y->out_head : NULL;
	return (y->out_len);
}

void
yamux_sent(struct yamux *y, size_t n)
{
	if (n > y->out_len)
		n = y->out_len;
	y->out_len -= n;
	y->out_head = y->out_len == 0 ? 0 : y->out_head + n;
}

void
yamux_trim(struct yamux *y)
{
	if (y->out_len > 0)
		return;
	free(y->out);
	y->out = NULL;
	y->out_size = y->out_head = 0;
}

void
yamux_put(struct yamux *y, unsigned int type, unsigned int flags, uint32_t id,
    uint32_t length)
{
	if (y->failed)
		return;
	if (out_reserve(y, YAMUX_HEADER_LEN) == -1) {
		y->failed = 1;
		return;
	}
	header_put(y, type, flags, id, length);
}

static void
header_put(struct yamux *y, unsigned int type, unsigned int flags, uint32_t id,
    uint32_t length)
{
	uint8_t *p = y->out + y->out_head + y->out_len;

	p[0] = 0;
	p[1] = (uint8_t)type;
	p[2] = (uint8_t)(flags >> 8);
	p[3] = (uint8_t)flags;
	put32(p + 4, id);
	put32(p + 8, length);
	y->out_len += YAMUX_HEADER_LEN;
}

/* Makes room for n bytes behind what waits. */
static int
out_reserve(struct yamux *y, size_t n)
{
	uint8_t	*p;
	size_t	 size = y->out_size > 0 ? y->out_size : OUT_FIRST;

	if (n <= y->out_size - y->out_head - y->out_len)
		return (0);
	/* Moving pays when what was sent is at least as much. */
	if (y->out_head >= y->out_len && n <= y->out_size - y->out_len) {
		memmove(y->out, y->out + y->out_head, y->out_len);
		y->out_head = 0;
		return (0);
	}
	while (size - y->out_len < n)
		size *= 2;
	if (size == y->out_size)
		size *= 2;
	if ((p = malloc(size)) == NULL)
		return (-1);
	if (y->out_len > 0)
		memcpy(p, y->out + y->out_head, y->out_len);
	free(y->out);
	y->out = p;
	y->out_size = size;
	y->out_head = 0;
	return (0);
}

static void
put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}
