/*
 * Feeds: the shared logs from which members of channels are sent, see
 * output.h.  Frontend; holds only what nwsd itself framed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "counters.h"
#include "output_private.h"

/*
 * Chunks come in sizes of powers of two and are kept for reuse, so that a
 * steady flow allocates nothing.  Larger messages get a chunk of their own.
 */
#define CLASS_MIN	10u		/* 1 KiB */
#define CLASS_MAX	18u		/* 256 KiB */
#define POOL_MAX	(4u * 1024 * 1024)

static struct chunk	*pool[CLASS_MAX + 1];
static size_t		 pool_bytes, pool_low;
static TAILQ_HEAD(, feed) dirty = TAILQ_HEAD_INITIALIZER(dirty);

static unsigned int
class_of(size_t size)
{
	unsigned int	class = CLASS_MIN;

	while (class <= CLASS_MAX && ((size_t)1 << class) < size)
		class++;
	return (class);
}

static struct chunk *
chunk_new(size_t data, uint32_t hint)
{
	size_t		 size = sizeof(struct chunk) + data;
	unsigned int	 class;
	struct chunk	*k;

	if (size < hint)
		size = hint;
	if ((class = class_of(size)) <= CLASS_MAX)
		size = (size_t)1 << class;
	if (class <= CLASS_MAX && (k = pool[class]) != NULL) {
		pool[class] = k->next;
		pool_bytes -= size;
		if (pool_bytes < pool_low)
			pool_low = pool_bytes;
	} else if ((k = malloc(size)) == NULL)
		return (NULL);
	k->next = NULL;
	k->len = 0;
	k->cap = (uint32_t)(size - sizeof(*k));
	output_held += size;
	return (k);
}

static void
chunk_free(struct chunk *k)
{
	size_t		size = sizeof(*k) + k->cap;
	unsigned int	class = class_of(size);

	output_held -= size;
	if (class > CLASS_MAX || pool_bytes + size > POOL_MAX) {
		free(k);
		return;
	}
	k->next = pool[class];
	pool[class] = k;
	pool_bytes += size;
}

/* What lay unused for a whole second is given back. */
size_t
feed_trim_pool(void)
{
	unsigned int	 class;
	struct chunk	*k;

	for (class = CLASS_MIN; class <= CLASS_MAX; class++)
		while (pool_low > 0 && (k = pool[class]) != NULL) {
			size_t size = sizeof(*k) + k->cap;

			pool[class] = k->next;
			pool_bytes -= size;
			pool_low -= size < pool_low ? size : pool_low;
			free(k);
		}
	pool_low = pool_bytes;
	return (pool_bytes);
}

struct feed *
feed_new(enum format format, int deflate_bits)
{
	struct feed	*f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return (NULL);
	f->format = (uint8_t)format;
	f->deflate_bits = (uint8_t)deflate_bits;
	return (f);
}

void
feed_free(struct feed *f)
{
	struct chunk	*k;

	while ((k = f->first) != NULL) {
		f->first = k->next;
		chunk_free(k);
	}
	if (f->dirty)
		TAILQ_REMOVE(&dirty, f, dirty_entry);
	free(f->seats);
	free(f);
}

enum format
feed_format(const struct feed *f)
{
	return ((enum format)f->format);
}

int
feed_deflate_bits(const struct feed *f)
{
	return (f->deflate_bits);
}

uint32_t
feed_seats(const struct feed *f)
{
	return (f->nseats);
}

struct client *
feed_only(const struct feed *f)
{
	return (f->nseats == 1 ? f->seats[0].client : NULL);
}

void
feed_each(struct feed *f, void (*call)(struct client *, void *), void *arg)
{
	uint32_t	i = f->nseats;

	while (i-- > 0)
		call(f->seats[i].client, arg);
}

void
feed_touch(struct feed *f)
{
	if (f->dirty)
		return;
	f->dirty = 1;
	TAILQ_INSERT_TAIL(&dirty, f, dirty_entry);
}

int
feed_join(struct feed *f, struct client *c)
{
	struct output	*q;
	struct seat	*seats;
	uint32_t	 i, cap;

	if ((q = output_get(c)) == NULL)
		return (-1);
	if (f->nseats == f->seats_cap) {
		cap = f->seats_cap == 0 ? 2 : f->seats_cap * 2;
		seats = reallocarray(f->seats, cap, sizeof(*seats));
		if (seats == NULL)
			return (-1);
		f->seats = seats;
		f->seats_cap = cap;
	}
	c->seat = f->nseats++;
	c->feed = f;
	f->seats[c->seat] = (struct seat){ c, c->fd, 1 };
	q->cur.pos = f->end;
	for (i = q->cur.mark; i < q->nmarks; i++)
		q->marks[i].at = f->end;
	return (0);
}

void
feed_leave(struct client *c)
{
	struct feed	*f = c->feed;

	if (f == NULL)
		return;
	f->nseats--;
	if (c->seat != f->nseats) {
		f->seats[c->seat] = f->seats[f->nseats];
		f->seats[c->seat].client->seat = c->seat;
	}
	if (f->seats_cap > 16 && f->nseats < f->seats_cap / 4) {
		struct seat *seats = reallocarray(f->seats, f->seats_cap / 2,
		    sizeof(*seats));

		if (seats != NULL) {
			f->seats = seats;
			f->seats_cap /= 2;
		}
	}
	c->feed = NULL;
	feed_touch(f);	/* chunks may wait for nobody now */
}

static void
no_memory(struct client *c, void *arg)
{
	(void)arg;
	client_no_memory(c);
}

uint8_t *
feed_append(struct feed *f, size_t n)
{
	struct chunk	*k = f->last;
	uint8_t		*p;

	if (k == NULL || k->cap - k->len < n) {
		uint32_t hint = f->hint;

		if (k != NULL && hint < 2 * (k->cap + sizeof(*k)))
			hint = (uint32_t)(2 * (k->cap + sizeof(*k)));
		if (hint > 1u << CLASS_MAX)
			hint = 1u << CLASS_MAX;
		if (n > UINT32_MAX / 2 || (k = chunk_new(n, hint)) == NULL) {
			feed_each(f, no_memory, NULL);
			return (NULL);
		}
		k->start = f->end;
		if (f->last != NULL)
			f->last->next = k;
		else
			f->first = k;
		f->last = k;
	}
	p = k->data + k->len;
	k->len += (uint32_t)n;
	f->end += n;
	feed_touch(f);
	return (p);
}

void
feed_skip(struct client *c, size_t n)
{
	struct feed	*f = c->feed;
	struct output	*q;

	if ((q = output_get(c)) == NULL ||
	    output_mark(q, f->end - n, n, 1) == -1)
		client_no_memory(c);
}

struct chunk *
feed_chunk(const struct feed *f, uint64_t pos)
{
	struct chunk	*k = f->first;

	while (k != NULL && pos >= k->start + k->len)
		k = k->next;
	return (k);
}

/* RFC 6455, 5.2, from the server: no mask. */
size_t
frame_size(const uint8_t *p)
{
	uint64_t	len = p[1];
	int		i;

	if (len < 126)
		return (2 + (size_t)len);
	if (len == 126)
		return (4 + ((size_t)p[2] << 8 | p[3]));
	for (len = 0, i = 2; i < 10; i++)
		len = len << 8 | p[i];
	return (10 + (size_t)len);
}

/* A member did not take all of the turn: from now on it has its own place. */
static void
seat_behind(struct feed *f, struct seat *s, ssize_t sent)
{
	struct client	*c = s->client;
	struct output	*q;

	if (sent == -1) {
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
			client_kill(c);
			return;
		}
		sent = 0;
	}
	if ((q = output_get(c)) == NULL) {
		client_no_memory(c);
		return;
	}
	q->cur.pos = f->flushed + (uint64_t)sent;
	output_block(q);
}

/* Everybody's write of this turn.  Returns the place of the slowest. */
static uint64_t
feed_write(struct feed *f, const struct iovec *iov, int niov, size_t total)
{
	uint64_t	 low = f->end;
	uint32_t	 i = f->nseats;
	struct seat	*s;
	struct client	*c;
	ssize_t		 w;

	/* From the end, since a member that is cut off gives up its seat. */
	while (i-- > 0) {
		s = &f->seats[i];
		c = s->client;
		if (!s->slow) {
			if (total == 0)
				continue;
			w = niov == 1 ? send(s->fd, iov->iov_base,
			    iov->iov_len, MSG_NOSIGNAL) :
			    writev(s->fd, iov, niov);
			counters.writes_total++;
			if (w > 0)
				counters.bytes_out_total += (uint64_t)w;
			if (w == (ssize_t)(f->end - f->flushed))
				continue;
			seat_behind(f, s, w);
		} else if (c->state == CLIENT_DEAD)
			continue;
		else if (!c->output->blocked)
			slow_write(c);
		else if (total > 0)
			slow_check(c);
		if (c->feed == f && c->output != NULL &&
		    c->state != CLIENT_DEAD && c->output->cur.pos < low)
			low = c->output->cur.pos;
	}
	return (low);
}

static void
feed_flush(struct feed *f)
{
	struct iovec	 iov[OUTPUT_IOV];
	struct chunk	*k;
	size_t		 total = 0, skip;
	uint64_t	 low;
	int		 n = 0;

	for (k = feed_chunk(f, f->flushed); k != NULL && n < OUTPUT_IOV;
	    k = k->next, n++) {
		skip = k->start < f->flushed ? f->flushed - k->start : 0;
		iov[n].iov_base = k->data + skip;
		iov[n].iov_len = k->len - skip;
		total += iov[n].iov_len;
	}
	if (total > 0)
		f->hint = (uint32_t)(total + sizeof(struct chunk));
	low = feed_write(f, iov, n, total);
	f->flushed = f->end;
	while ((k = f->first) != NULL && k->start + k->len <= low) {
		f->first = k->next;
		chunk_free(k);
	}
	if (f->first == NULL)
		f->last = NULL;
}

void
feed_flush_all(void)
{
	struct feed	*f;

	while ((f = TAILQ_FIRST(&dirty)) != NULL) {
		TAILQ_REMOVE(&dirty, f, dirty_entry);
		f->dirty = 0;
		feed_flush(f);
	}
}
