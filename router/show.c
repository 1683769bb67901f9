/*
 * Rows for nwsctl(8): counters, limits, and the channels, which may be so many
 * that they are sent a piece at a time.  Runs in the router; owns the answers
 * under way and the counters.
 */
#include "show.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "../common/child.h"
#include "../common/imsg.h"
#include "../common/msg.h"
#include "channel.h"
#include "counters.h"
#include "places.h"
#include "limits.h"

#define QUEUE_MAX	(256u * 1024u)	/* to the parent, of rows */

struct router_counters router_counters;

/* A list of channels that is being sent. */
struct answer {
	TAILQ_ENTRY(answer)	 entry;
	uint32_t		 ticket;
	const struct channel	*next;
};
TAILQ_HEAD(answer_list, answer);
static struct answer_list answers = TAILQ_HEAD_INITIALIZER(answers);

static void
show_counters(uint32_t ticket)
{
	router_counters.queued = places_queued();
#define X(member, gauge, name)						\
	child_row_counter(ticket, name, router_counters.member, gauge);
	ROUTER_COUNTERS(X)
#undef X
}

static void
show_channel(uint32_t ticket, const struct channel *c)
{
	struct msg_row_channel row = {
		.members = c->members - c->remote,
		.messages = c->messages,
		.bytes = c->bytes,
		.presence = c->presence,
		.remote = c->remote
	};

	child_row(ticket, SHOW_CHANNELS, &row.row, sizeof(row), c->name,
	    c->name_len);
}

static void
show_channels(uint32_t ticket)
{
	struct answer *a;

	if ((a = calloc(1, sizeof(*a))) == NULL) {
		child_row_end(ticket);
		return;
	}
	a->ticket = ticket;
	a->next = TAILQ_FIRST(&channels);
	TAILQ_INSERT_TAIL(&answers, a, entry);
}

void
router_show(struct pipe *p, struct imsg *m)
{
	const struct msg_show *show;

	if ((show = imsg_struct(m, sizeof(*show))) == NULL) {
		pipe_violation(p, "length");
		return;
	}
	switch (show->what) {
	case SHOW_SUMMARY:
		show_counters(m->hdr.peerid);
		break;
	case SHOW_LIMITS:
		limits_rows(m->hdr.peerid);
		break;
	case SHOW_CHANNELS:
		show_channels(m->hdr.peerid);
		return;
	}
	child_row_end(m->hdr.peerid);
}

void
router_show_gone(const struct channel *c)
{
	struct answer *a;

	TAILQ_FOREACH(a, &answers, entry)
		if (a->next == c)
			a->next = TAILQ_NEXT(c, entry);
}

/* Queues rows until there are enough for now; returns whether any are left. */
static int
answers_continue(struct imsgbuf *ib)
{
	const struct channel *c;
	struct answer *a;

	while ((a = TAILQ_FIRST(&answers)) != NULL) {
		while ((c = a->next) != NULL) {
			if (imsg_queued(ib) >= QUEUE_MAX)
				return (1);
			a->next = TAILQ_NEXT(c, entry);
			/* One that nobody has joined is not there yet. */
			if (c->counted)
				show_channel(a->ticket, c);
		}
		child_row_end(a->ticket);
		TAILQ_REMOVE(&answers, a, entry);
		free(a);
	}
	return (0);
}

void
router_show_turn_end(void)
{
	struct imsgbuf *ib = pipe_imsg(child_parent());
	int left;

	left = answers_continue(ib);
	pipe_flush(child_parent());
	/* If not all is written, the turn in which more is goes on. */
	if (left && imsg_queued(ib) == 0)
		loop_soon();
}
