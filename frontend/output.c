/*
 * Outputs: what one client is sent that is not just its feed, see output.h.
 * Frontend; holds only what nwsd itself framed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/loop.h"
#include "counters.h"
#include "output_private.h"

#define POOL_MAX	1024	/* outputs kept for reuse */
#define BUF_KEEP	512	/* bytes of buffer kept with one of them */
#define BUF_MIN		256

size_t			 output_held;
struct output_list	 output_blocked =
    TAILQ_HEAD_INITIALIZER(output_blocked);
static struct output_list dirty = TAILQ_HEAD_INITIALIZER(dirty);
static struct output_list pool = TAILQ_HEAD_INITIALIZER(pool);
static unsigned int	 pool_count;

static struct output *
output_alloc(void)
{
	struct output	*q;

	if ((q = TAILQ_FIRST(&pool)) != NULL) {
		TAILQ_REMOVE(&pool, q, entry);
		pool_count--;
		return (q);
	}
	if ((q = calloc(1, sizeof(*q))) == NULL)
		return (NULL);
	q->marks = q->marks0;
	q->marks_cap = sizeof(q->marks0) / sizeof(q->marks0[0]);
	return (q);
}

/* The output of a client, a new one if it has none.  NULL: no memory. */
struct output *
output_get(struct client *c)
{
	struct output	*q = c->output;

	if (q == NULL) {
		if ((q = output_alloc()) == NULL)
			return (NULL);
		q->client = c;
		c->output = q;
		if (c->feed != NULL) {
			q->cur.pos = c->feed->flushed;
			c->feed->seats[c->seat].slow = 1;
		}
	}
	if (!q->dirty && !q->blocked) {
		q->dirty = 1;
		TAILQ_INSERT_TAIL(&dirty, q, entry);
	}
	return (q);
}

/* Waits for nothing any more. */
static void
output_reset_lists(struct output *q)
{
	if (q->dirty)
		TAILQ_REMOVE(&dirty, q, entry);
	else if (q->blocked)
		TAILQ_REMOVE(&output_blocked, q, entry);
	q->dirty = q->blocked = 0;
	if (q->writable != NULL) {
		event_free(q->writable);
		q->writable = NULL;
	}
}

/* They can be more than the bytes that they are for. */
size_t
output_marks(const struct output *q)
{
	return (q->marks == q->marks0 ? 0 : q->marks_cap * sizeof(*q->marks));
}

/* Empty again, and small enough to be kept. */
static void
output_release(struct output *q)
{
	output_reset_lists(q);
	if (q->cap > BUF_KEEP) {
		output_held -= q->cap;
		free(q->buf);
		q->buf = NULL;
		q->cap = 0;
	}
	if (q->marks != q->marks0) {
		output_held -= output_marks(q);
		free(q->marks);
		q->marks = q->marks0;
		q->marks_cap = sizeof(q->marks0) / sizeof(q->marks0[0]);
	}
	memset(&q->cur, 0, sizeof(q->cur));
	q->nmarks = 0;
	q->len = q->left = 0;
	q->missed = 0;
	q->skips = 0;
	q->over_s = 0;
	q->client = NULL;
	if (pool_count < POOL_MAX) {
		TAILQ_INSERT_HEAD(&pool, q, entry);
		pool_count++;
		return;
	}
	output_held -= q->cap;
	free(q->buf);
	free(q);
}

void
output_free(struct client *c)
{
	struct output	*q = c->output;

	if (q == NULL)
		return;
	c->output = NULL;
	if (c->feed != NULL)
		c->feed->seats[c->seat].slow = 0;
	output_release(q);
}

/* Spare outputs are given back a few at a time. */
int
output_trim(void)
{
	struct output	*q;
	unsigned int	 n;

	for (n = (pool_count + 1) / 2; n > 0; n--) {
		q = TAILQ_LAST(&pool, output_list);
		TAILQ_REMOVE(&pool, q, entry);
		pool_count--;
		output_held -= q->cap;
		free(q->buf);
		free(q);
	}
	return (feed_trim_pool() > 0 || pool_count > 0);
}

/* Forgets the marks and bytes that are dealt with. */
static void
output_compact(struct output *q)
{
	uint32_t	n = q->cur.mark;

	if (n == q->nmarks) {
		q->nmarks = q->cur.mark = 0;
		q->len = q->cur.off = 0;
		return;
	}
	if (n > 0 && n >= q->nmarks / 2) {
		memmove(q->marks, q->marks + n,
		    (q->nmarks - n) * sizeof(*q->marks));
		q->nmarks -= n;
		q->cur.mark = 0;
	}
	if (q->cur.off >= q->len / 2 && q->cur.off > BUF_MIN) {
		memmove(q->buf, q->buf + q->cur.off, q->len - q->cur.off);
		q->len -= q->cur.off;
		q->cur.off = 0;
	}
}

/* -1 when out of memory. */
int
output_mark(struct output *q, uint64_t at, size_t len, int skip)
{
	struct mark	*m = q->nmarks > q->cur.mark ?
	    &q->marks[q->nmarks - 1] : NULL, *all;
	uint32_t	 cap;
	size_t		 before;

	if (skip)
		q->skips += len;
	/* One's own messages of a turn make one mark. */
	if (skip && m != NULL && m->skip && m->at + m->len == at &&
	    len <= UINT32_MAX - m->len) {
		m->len += (uint32_t)len;
		return (0);
	}
	if (q->nmarks == q->marks_cap) {
		output_compact(q);
		if (q->nmarks == q->marks_cap) {
			cap = q->marks_cap * 2;
			m = q->marks == q->marks0 ? NULL : q->marks;
			before = output_marks(q);
			all = reallocarray(m, cap, sizeof(*all));
			if (all == NULL)
				return (-1);	/* the old ones stay */
			if (q->marks == q->marks0)
				memcpy(all, q->marks0, sizeof(q->marks0));
			q->marks = all;
			q->marks_cap = cap;
			output_held += output_marks(q) - before;
		}
	}
	q->marks[q->nmarks++] = (struct mark){ at, (uint32_t)len,
	    (uint32_t)skip };
	return (0);
}

int
output_grow(struct output *q, size_t n)
{
	size_t		 cap = q->cap < BUF_MIN ? BUF_MIN : q->cap;
	uint8_t		*buf;

	while (cap - q->len < n) {
		if (cap > SIZE_MAX / 4)
			return (-1);
		cap *= 2;
	}
	if ((buf = realloc(q->buf, cap)) == NULL)
		return (-1);
	output_held += cap - q->cap;
	q->buf = buf;
	q->cap = cap;
	return (0);
}

uint8_t *
output_append(struct client *c, size_t n)
{
	struct output	*q;
	uint8_t		*p;

	if (c->state == CLIENT_DEAD || (c->flags & CLIENT_FIN))
		return (NULL);
	if ((q = output_get(c)) == NULL) {
		client_no_memory(c);
		return (NULL);
	}
	if (q->blocked && c->feed != NULL &&
	    output_queued(c) > conf->queue_limit) {
		slow_over(c);
		if (c->feed == NULL)
			return (NULL);
	}
	if (q->cap - q->len < n)
		output_compact(q);
	if ((q->cap - q->len < n && output_grow(q, n) == -1) ||
	    output_mark(q, c->feed != NULL ? c->feed->end : q->cur.pos, n,
	    0) == -1) {
		client_no_memory(c);
		return (NULL);
	}
	p = q->buf + q->len;
	q->len += n;
	return (p);
}

uint8_t *
output_frame(struct client *c, enum ws_opcode op, int rsv1, size_t n)
{
	uint8_t	 header[WS_HEADER_MAX], *p;
	size_t	 head = ws_header(header, (int)op, rsv1, n, NULL);

	if ((p = output_append(c, head + n)) == NULL)
		return (NULL);
	memcpy(p, header, head);
	return (p + head);
}

size_t
output_queued(const struct client *c)
{
	const struct output	*q = c->output;
	size_t			 n;

	if (q == NULL)
		return (0);
	n = q->len - q->cur.off;
	if (c->feed != NULL)
		n += c->feed->end - q->cur.pos - (q->skips - q->cur.skipped);
	return (n);
}

size_t
output_memory(void)
{
	return (output_held);
}

/*
 * The next contiguous piece that the client is to be sent, at most max bytes;
 * the cursor moves past it.  0: nothing is left.
 */
static size_t
output_piece(const struct output *q, struct cursor *cur, size_t max,
    const uint8_t **p)
{
	const struct feed	*f = q->client->feed;
	const struct mark	*m;
	const struct chunk	*k;
	uint64_t		 stop;
	size_t			 n;

	for (;;) {
		m = cur->mark < q->nmarks ? &q->marks[cur->mark] : NULL;
		if (m != NULL && (f == NULL || cur->pos == m->at)) {
			if (m->skip) {
				cur->pos += m->len;
				cur->skipped += m->len;
				cur->mark++;
				continue;
			}
			n = m->len - cur->done < max ? m->len - cur->done : max;
			*p = q->buf + cur->off;
			cur->off += n;
			cur->done += (uint32_t)n;
			if (cur->done == m->len) {
				cur->mark++;
				cur->done = 0;
			}
			return (n);
		}
		if (f == NULL)
			return (0);
		stop = m != NULL ? m->at : f->end;
		if (cur->pos == stop || (k = feed_chunk(f, cur->pos)) == NULL)
			return (0);
		n = (size_t)(k->start + k->len - cur->pos);
		if (n > stop - cur->pos)
			n = (size_t)(stop - cur->pos);
		if (n > max)
			n = max;
		*p = k->data + (cur->pos - k->start);
		cur->pos += n;
		return (n);
	}
}

/* All that can go in one write.  Returns how many pieces. */
static int
output_gather(const struct output *q, struct iovec *iov, size_t *total)
{
	struct cursor	 cur = q->cur;
	const uint8_t	*p;
	uint8_t		*end = NULL;
	size_t		 n;
	int		 i = 0;

	*total = 0;
	while ((n = output_piece(q, &cur, SIZE_MAX, &p)) > 0) {
		if (end != NULL && p == end)
			iov[i - 1].iov_len += n;
		else if (i == OUTPUT_IOV)
			break;
		else {
			iov[i].iov_base = (void *)(uintptr_t)p;
			iov[i++].iov_len = n;
		}
		end = (uint8_t *)iov[i - 1].iov_base + iov[i - 1].iov_len;
		*total += n;
	}
	return (i);
}

static void
output_consume(struct output *q, size_t sent)
{
	const uint8_t	*p;

	/* As bytes_in_total: what WebSockets say, not pages. */
	if (q->client->state == CLIENT_OPEN ||
	    q->client->state == CLIENT_CLOSING)
		counters.bytes_out_total += sent;
	while (sent > 0)
		sent -= output_piece(q, &q->cur, sent, &p);
}

/*
 * There is room again.  It is used at the end of the turn, when the feed is
 * flushed: until then nobody may be ahead of feed->flushed.
 */
static void
output_writable(int fd, short what, void *arg)
{
	struct output	*q = arg;

	(void)fd;
	(void)what;
	output_reset_lists(q);
	q->dirty = 1;
	TAILQ_INSERT_TAIL(&dirty, q, entry);
	if (q->client->feed != NULL)
		feed_touch(q->client->feed);
}

/* The socket is full: wait until it is not. */
void
output_block(struct output *q)
{
	struct client	*c = q->client;

	if (q->blocked)
		return;
	if (q->dirty)
		TAILQ_REMOVE(&dirty, q, entry);
	q->dirty = 0;
	q->blocked = 1;
	TAILQ_INSERT_TAIL(&output_blocked, q, entry);
	q->left = output_queued(c);
	q->writable = event_new(loop_base(), c->fd, EV_WRITE,
	    output_writable, q);
	if (q->writable == NULL || event_add(q->writable, NULL) == -1)
		client_no_memory(c);
}

int
output_write(struct client *c)
{
	struct output	*q = c->output;
	struct iovec	 iov[OUTPUT_IOV];
	size_t		 total;
	ssize_t		 w;
	int		 n;

	while ((n = output_gather(q, iov, &total)) > 0) {
		w = n == 1 ? send(c->fd, iov[0].iov_base, iov[0].iov_len,
		    MSG_NOSIGNAL) : writev(c->fd, iov, n);
		counters.writes_total++;
		if (w == -1 && errno != EAGAIN && errno != EWOULDBLOCK &&
		    errno != EINTR) {
			client_kill(c);
			return (-1);
		}
		output_consume(q, w > 0 ? (size_t)w : 0);
		if (w > 0 && (c->paused & (PAUSE_OUTPUT | PAUSE_FILE)))
			c->heard_s = loop_now_s();	/* it reads */
		if (w < (ssize_t)total) {
			q->left = output_queued(c);
			output_block(q);
			return (1);
		}
	}
	output_free(c);
	if (c->state == CLIENT_ENDING)
		client_end(c);
	else if (c->paused & PAUSE_OUTPUT)
		client_ease(c);
	return (0);
}

void
output_settle(struct client *c)
{
	if (c->feed == NULL)
		return;
	if (output_get(c) == NULL) {
		client_no_memory(c);
		return;
	}
	if (c->output->blocked || output_write(c) == 1)
		output_cut(c);
	else
		feed_leave(c);
}

void
output_flush(void)
{
	struct output	*q;

	feed_flush_all();
	while ((q = TAILQ_FIRST(&dirty)) != NULL) {
		if (q->client->state != CLIENT_DEAD) {
			slow_write(q->client);
			continue;
		}
		TAILQ_REMOVE(&dirty, q, entry);
		q->dirty = 0;
	}
	slow_check_total();
}
