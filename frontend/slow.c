/*
 * Readers that are too slow: when they are, and what happens then (queue-limit,
 * queue-total and slow-reader in nwsd.conf(5)).  Frontend.
 */
#include <stdlib.h>
#include <string.h>

#include "../common/child.h"
#include "../common/loop.h"
#include "counters.h"
#include "output_private.h"

/* First place at or after pos where a frame of the feed begins. */
static uint64_t
frame_boundary(const struct feed *f, uint64_t pos)
{
	const struct chunk	*k = feed_chunk(f, pos);
	uint64_t		 at;

	if (k == NULL)
		return (pos);
	at = k->start;
	while (at < pos)
		at += frame_size(k->data + (at - k->start));
	return (at);
}

/*
 * Leaves just the rest of a frame that is half sent, so that what is appended
 * next begins where a frame may begin.
 */
void
output_cut(struct client *c)
{
	struct output		*q = c->output;
	const struct chunk	*k;
	const uint8_t		*from = NULL;
	uint8_t			*rest = NULL, *p;
	size_t			 n = 0;

	if (q != NULL && q->cur.done > 0) {
		n = q->marks[q->cur.mark].len - q->cur.done;
		from = q->buf + q->cur.off;
	} else if (q != NULL && c->feed != NULL &&
	    (k = feed_chunk(c->feed, q->cur.pos)) != NULL) {
		n = (size_t)(frame_boundary(c->feed, q->cur.pos) - q->cur.pos);
		from = k->data + (q->cur.pos - k->start);
	}
	if (n > 0 && (rest = malloc(n)) == NULL) {
		client_no_memory(c);
		return;
	}
	if (n > 0)
		memcpy(rest, from, n);
	output_free(c);
	feed_leave(c);
	if (n > 0 && (p = output_append(c, n)) != NULL)
		memcpy(p, rest, n);
	free(rest);
}

/*
 * Where the feed has so few bytes left that a slow reader may have them, and
 * how many messages for it lie before that.
 */
static uint64_t
drop_until(const struct output *q, uint64_t at, size_t keep, uint64_t *missed)
{
	const struct feed	*f = q->client->feed;
	const struct chunk	*k;
	const struct mark	*m;
	uint32_t		 i = q->cur.mark;

	*missed = 0;
	while (f->end - at > keep && (k = feed_chunk(f, at)) != NULL) {
		while (i < q->nmarks && (!q->marks[i].skip ||
		    q->marks[i].at + q->marks[i].len <= at))
			i++;
		m = i < q->nmarks ? &q->marks[i] : NULL;
		if (m == NULL || at < m->at)
			(*missed)++;
		at += frame_size(k->data + (at - k->start));
	}
	return (at);
}

/*
 * The marks of q with the feed left out between two places: own bytes stay,
 * and a notice of n bytes comes first after the gap.  Returns how many marks,
 * and in *off how many own bytes come before the notice.
 */
static uint32_t
drop_marks(const struct output *q, struct mark *out, uint64_t from,
    uint64_t to, uint32_t n, size_t *off)
{
	const struct mark	*m = q->marks + q->cur.mark;
	const struct mark	*end = q->marks + q->nmarks;
	uint32_t		 count = 0;
	uint64_t		 stop;

	*off = q->cur.off - q->cur.done;
	for (; m < end && m->at <= from && !m->skip; m++) {
		out[count++] = *m;
		*off += m->len;
	}
	out[count++] = (struct mark){ from, (uint32_t)(to - from), 1 };
	out[count++] = (struct mark){ to, n, 0 };
	for (; m < end; m++) {
		out[count] = *m;
		stop = m->at + m->len;
		if (m->at < to) {
			out[count].at = to;
			if (m->skip && stop <= to)
				continue;
			if (m->skip)
				out[count].len = (uint32_t)(stop - to);
		}
		count++;
	}
	return (count);
}

/*
 * Takes the last notice back, if what was missed before it is not passed yet,
 * for the next one to say it as well: who reads nothing gets one notice and not
 * many, which would fill what the limit leaves.  Returns what it said.
 */
static uint64_t
notice_take(struct output *q)
{
	const struct mark	*m;
	uint64_t		 missed = q->missed;
	uint32_t		 i;
	size_t			 off = q->cur.off - q->cur.done;

	q->missed = 0;
	for (i = q->cur.mark; missed > 0 && i + 1 < q->nmarks; i++) {
		m = &q->marks[i];
		if (!m->skip)
			off += m->len;
		else if (m->at + m->len == q->missed_at)
			break;
	}
	if (missed == 0 || i + 1 >= q->nmarks)
		return (0);
	m = &q->marks[++i];
	q->len -= m->len;
	memmove(q->buf + off, q->buf + off + m->len, q->len - off);
	q->nmarks--;
	memmove(&q->marks[i], &q->marks[i + 1],
	    (q->nmarks - i) * sizeof(*q->marks));
	return (missed);
}

/* The oldest messages are missed.  -1: that is no help, or no memory. */
static int
slow_drop(struct client *c)
{
	struct output	*q = c->output;
	uint8_t		 frame[WS_HEADER_MAX + ENVELOPE_SMALL_MAX];
	uint8_t		 text[ENVELOPE_SMALL_MAX];
	struct mark	*marks;
	uint64_t	 from, to, missed;
	size_t		 n, head, off;
	uint32_t	 i;

	from = frame_boundary(c->feed, q->cur.pos);
	to = drop_until(q, from, conf->queue_limit / 2, &missed);
	if (to == from || to - from > UINT32_MAX)
		return (-1);
	counters.slow_missed_total += missed;
	missed += notice_take(q);
	n = envelope_error((enum format)c->format, text, ERROR_MISSED, missed,
	    "this client reads too slowly and missed messages");
	head = ws_header(frame, c->format == FORMAT_JSON ? WS_TEXT :
	    WS_BINARY, 0, n, NULL);
	memcpy(frame + head, text, n);
	n += head;
	if ((q->cap - q->len < n && output_grow(q, n) == -1) ||
	    (marks = calloc(q->nmarks - q->cur.mark + 2, sizeof(*marks))) ==
	    NULL)
		return (-1);
	output_held -= output_marks(q);
	q->marks_cap = q->nmarks - q->cur.mark + 2;
	q->nmarks = drop_marks(q, marks, from, to, (uint32_t)n, &off);
	if (q->marks != q->marks0)
		free(q->marks);
	q->marks = marks;
	output_held += output_marks(q);
	q->cur.mark = 0;
	for (q->skips = q->cur.skipped, i = 0; i < q->nmarks; i++)
		q->skips += marks[i].skip ? marks[i].len : 0;
	memmove(q->buf + off + n, q->buf + off, q->len - off);
	memcpy(q->buf + off, frame, n);
	q->len += n;
	q->missed = missed;
	q->missed_at = to;
	return (output_queued(c) > conf->queue_limit ? -1 : 0);
}

void
slow_over(struct client *c)
{
	if (conf->slow_drop && slow_drop(c) == 0)
		return;
	websocket_cut(c);
}

/* Whether it has had more than the soft limit for longer than it may. */
static int
soft_over(struct output *q, size_t left)
{
	uint32_t	 now = loop_now_s();

	if (conf->queue_soft == 0 || left <= conf->queue_soft)
		q->over_s = 0;
	else if (q->over_s == 0)
		q->over_s = now;
	return (q->over_s != 0 && now - q->over_s > conf->queue_soft_s);
}

static void
over(struct client *c)
{
	slow_over(c);
	if (c->output != NULL && c->output->client == c)
		c->output->left = output_queued(c);
}

void
slow_check(struct client *c)
{
	struct output	*q = c->output;
	size_t		 left = q->left;

	q->left = output_queued(c);
	if (left > q->left)
		left = q->left;		/* it has taken some since */
	if (soft_over(q, left) || left > conf->queue_limit)
		over(c);
}

/*
 * Also one who is given nothing more, or nothing of the feed; but where the
 * oldest is left out instead, that is done when more comes.
 */
void
output_look(void)
{
	struct output	*q, *next;

	if (conf->slow_drop)
		return;
	for (q = TAILQ_FIRST(&output_blocked); q != NULL; q = next) {
		next = TAILQ_NEXT(q, entry);
		if (q->client->feed != NULL &&
		    q->client->state != CLIENT_DEAD &&
		    soft_over(q, output_queued(q->client)))
			over(q->client);
	}
}

void
slow_write(struct client *c)
{
	size_t	 left = c->output->left;
	int	 more = output_queued(c) > left;

	if (output_write(c) != 1 || !more || c->feed == NULL ||
	    c->state == CLIENT_DEAD)
		return;
	c->output->left = left;
	slow_check(c);
}

/*
 * What would not have to be kept without it: its own messages that others have
 * got are not sent to it, but lie in the feed behind what is.
 */
static uint64_t
holds(const struct output *q)
{
	const struct feed	*f = q->client->feed;

	return (q->len - q->cur.off + output_marks(q) +
	    (f != NULL ? f->end - q->cur.pos : 0));
}

/*
 * Above queue-total the one for which most is kept is cut off, each turn; and
 * dropped, where it was cut off before: what it has left of a large frame is a
 * copy of its own by then.
 */
void
slow_check_total(void)
{
	struct output	*q, *most = NULL;

	if (output_memory() <= conf->queue_total)
		return;
	TAILQ_FOREACH(q, &output_blocked, entry)
		if (q->client->state != CLIENT_DEAD && (most == NULL ||
		    holds(q) > holds(most)))
			most = q;
	if (most != NULL) {
		websocket_cut(most->client);
		loop_soon();
	}
}
