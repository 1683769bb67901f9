/*
 * Fan out: one copy of a message for each frontend that has members for it.  As
 * there is one router and one queue for each frontend, all members of a channel
 * see one order.  Runs in the router; owns nothing; allocates nothing but what
 * the queues need.  Frontends are not trusted: the source of a message must be
 * a member that the frontend itself announced.
 */
#include "fanout.h"

#include <string.h>

#include "../common/imsg.h"
#include "../common/msg.h"
#include "channel.h"
#include "counters.h"
#include "frontends.h"
#include "member.h"

/*
 * The replica that the source is a member of, and the head of the message; or
 * NULL after a violation.
 */
static struct replica *
data_check(struct pipe *p, const struct imsg *m, struct msg_data *d)
{
	struct frontend *f = frontends_of(p);
	struct member *mb;

	memcpy(d, m->data, sizeof(*d));
	mb = member_find(d->source);
	if (mb == NULL || mb->replica->frontend != f ||
	    mb->replica->number != m->hdr.peerid ||
	    mb->replica->channel == NULL || mb->waits) {
		pipe_violation(p, "source is no member there");
		return (NULL);
	}
	if (d->kind != DATA_JSON && d->kind != DATA_BYTES) {
		pipe_violation(p, "unknown kind of payload");
		return (NULL);
	}
	mb->replica->channel->messages++;
	mb->replica->channel->bytes += m->hdr.len - sizeof(*d);
	return (mb->replica);
}

/* One copy of a message as it came. */
static void
pass_on(const struct replica *r, uint32_t type, const struct imsg *m)
{
	void *to;

	to = frontends_reserve(r->frontend, type, r->number, m->hdr.len);
	if (to == NULL)
		return;
	memcpy(to, m->data, m->hdr.len);
	frontends_sent(r->frontend);
	router_counters.delivered_bytes += m->hdr.len - sizeof(struct msg_data);
}

void
fanout_handle_publish(struct pipe *p, struct imsg *m)
{
	struct replica *from, *r;
	struct msg_data d;

	if ((from = data_check(p, m, &d)) == NULL)
		return;
	if (d.target != 0) {
		pipe_violation(p, "broadcast with a target");
		return;
	}
	router_counters.broadcasts++;
	LIST_FOREACH(r, &from->channel->replicas, entry) {
		/* The source itself does not get it. */
		if (r->members == (r == from ? 1u : 0u) || !r->frontend->live)
			continue;
		pass_on(r, MSG_BROADCAST, m);
	}
}

void
fanout_handle_direct(struct pipe *p, struct imsg *m)
{
	struct replica *from;
	struct member *to;
	struct msg_data d;
	uint64_t ids[2];

	if ((from = data_check(p, m, &d)) == NULL)
		return;
	router_counters.directs++;
	to = member_find(d.target);
	if (to == NULL || to->replica->channel != from->channel ||
	    !to->replica->frontend->live) {
		router_counters.undelivered++;
		ids[0] = d.source;
		ids[1] = d.target;
		frontends_send(from->frontend, MSG_UNDELIVERED, from->number,
		    ids, sizeof(ids));
		return;
	}
	pass_on(to->replica, MSG_DELIVER, m);
}

void
fanout_presence(const struct channel *c, const struct replica *but,
    uint32_t type, uint64_t id)
{
	const struct replica *r;

	LIST_FOREACH(r, &c->replicas, entry)
		if (r != but && r->frontend->live)
			frontends_send(r->frontend, type, r->number, &id,
			    sizeof(id));
}

/* The next chunk of a roster, with room for *left ids or as many as fit. */
static uint8_t *
roster_chunk(const struct replica *to, uint32_t first, uint32_t *left,
    uint32_t *room)
{
	struct msg_roster head = { .flags = first };
	uint8_t *out;

	head.count = *left < MSG_ROSTER_MAX ? *left : MSG_ROSTER_MAX;
	*left -= head.count;
	if (*left == 0)
		head.flags |= ROSTER_LAST;
	out = frontends_reserve(to->frontend, MSG_ROSTER, to->number,
	    sizeof(head) + 8 * (size_t)head.count);
	if (out == NULL)
		return (NULL);
	memcpy(out, &head, sizeof(head));
	*room = head.count;
	return (out + sizeof(head));
}

void
fanout_roster(const struct replica *to)
{
	const struct replica *r;
	const struct member *mb;
	uint32_t left = to->channel->shown, room;
	uint8_t *out;

	if ((out = roster_chunk(to, ROSTER_FIRST, &left, &room)) == NULL)
		return;
	LIST_FOREACH(r, &to->channel->replicas, entry) {
		LIST_FOREACH(mb, &r->list, entry) {
			if (!mb->shown)
				continue;
			if (room == 0 && (out = roster_chunk(to, 0, &left,
			    &room)) == NULL)
				return;
			memcpy(out, &mb->id, sizeof(mb->id));
			out += sizeof(mb->id);
			room--;
		}
	}
	frontends_sent(to->frontend);
}
