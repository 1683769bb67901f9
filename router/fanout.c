/*
 * Fan out: one copy of a message for each place that has members for it.  As
 * there is one router and one queue for each place, all members of a channel
 * see one order.  What comes from crypto never goes back there, so nothing is
 * passed on from one machine to another by a third.  Runs in the router; owns
 * nothing; allocates nothing but what the queues need.  Places are not trusted:
 * the source of a message must be a member that the place itself announced.
 */
#include "fanout.h"

#include <stdlib.h>
#include <string.h>

#include "../common/imsg.h"
#include "../common/msg.h"
#include "channel.h"
#include "counters.h"
#include "places.h"
#include "member.h"

/*
 * The replica that the source is a member of, and the head of the message; or
 * NULL after a violation.
 */
static struct replica *
data_check(struct pipe *p, const struct imsg *m, struct msg_data *d)
{
	struct place *pl = places_of(p);
	struct member *mb;

	memcpy(d, m->data, sizeof(*d));
	mb = member_find(d->source);
	if (mb == NULL || mb->replica->place != pl ||
	    mb->replica->number != m->hdr.peerid ||
	    mb->replica->channel == NULL || mb->waits) {
		/* One that was refused: crypto will know in a moment. */
		if (places_is_remote(pl))
			router_counters.dropped++;
		else
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

/*
 * One copy of a message as it came, but that JSON which another machine says to
 * be that is marked.
 */
static void
pass_on(const struct replica *r, uint32_t type, const struct imsg *m,
    int remote)
{
	struct msg_data d;
	uint8_t *to;

	to = places_reserve(r->place, type, r->number, m->hdr.len);
	if (to == NULL)
		return;
	memcpy(to, m->data, m->hdr.len);
	memcpy(&d, m->data, sizeof(d));
	d.unchecked = remote != 0;
	memcpy(to, &d, sizeof(d));
	places_sent(r->place);
	router_counters.delivered_bytes += m->hdr.len - sizeof(struct msg_data);
}

void
fanout_handle_publish(struct pipe *p, struct imsg *m)
{
	struct replica *from, *r;
	struct msg_data d;
	int remote;

	if ((from = data_check(p, m, &d)) == NULL)
		return;
	if (d.target != 0) {
		pipe_violation(p, "broadcast with a target");
		return;
	}
	router_counters.broadcasts++;
	remote = places_is_remote(from->place);
	LIST_FOREACH(r, &from->channel->replicas, entry) {
		if (!r->place->live)
			continue;
		/* Whom a link has is for crypto to know. */
		if (places_is_remote(r->place)) {
			if (!remote)
				pass_on(r, MSG_BROADCAST, m, 0);
			continue;
		}
		/* The source itself does not get it. */
		if (r->members != (r == from ? 1u : 0u))
			pass_on(r, MSG_BROADCAST, m, remote);
	}
}

static void
undelivered(const struct replica *from, const uint64_t ids[2])
{
	router_counters.undelivered++;
	places_send(from->place, MSG_UNDELIVERED, from->number, ids,
	    2 * sizeof(ids[0]));
}

void
fanout_handle_direct(struct pipe *p, struct imsg *m)
{
	struct replica *from;
	struct member *to;
	struct msg_data d;
	uint64_t ids[2];
	int remote;

	if ((from = data_check(p, m, &d)) == NULL)
		return;
	router_counters.directs++;
	to = member_find(d.target);
	remote = places_is_remote(from->place);
	if (to == NULL || to->replica->channel != from->channel ||
	    !to->replica->place->live || (remote && (to->remote ||
	    to->waits))) {
		ids[0] = d.source;
		ids[1] = d.target;
		undelivered(from, ids);
		return;
	}
	pass_on(to->replica, MSG_DELIVER, m, remote);
}

/* The other machine has no such target: the source here is told. */
void
fanout_handle_undelivered(struct pipe *p, struct imsg *m)
{
	const struct replica *r;
	const struct member *mb;
	uint64_t ids[2];

	memcpy(ids, m->data, sizeof(ids));
	r = replica_find(places_of(p), m->hdr.peerid);
	mb = member_find(ids[0]);
	/* Either may have gone since. */
	if (r == NULL || mb == NULL || mb->remote || mb->waits ||
	    mb->replica->channel != r->channel)
		return;
	undelivered(mb->replica, ids);
}

/* Whether the place of a replica is told of a member. */
static int
is_listed(const struct replica *r, const struct member *mb)
{
	if (places_is_remote(r->place))
		return (!mb->remote && !mb->waits);
	return (mb->shown);
}

/* Its id as that place is told it. */
static uint64_t
id_for(const struct replica *r, const struct member *mb)
{
	if (places_is_remote(r->place) && !mb->shown)
		return (mb->id | MEMBER_SILENT);
	return (mb->id);
}

static void
tell(const struct replica *r, uint32_t type, const struct member *mb)
{
	uint64_t id = id_for(r, mb);

	if (r->place->live && is_listed(r, mb))
		places_send(r->place, type, r->number, &id, sizeof(id));
}

void
fanout_arrived(const struct member *mb)
{
	const struct replica *r;

	LIST_FOREACH(r, &mb->replica->channel->replicas, entry)
		if (r != mb->replica)
			tell(r, MSG_CONNECT, mb);
}

void
fanout_admitted(const struct member *mb)
{
	const struct replica *r;

	LIST_FOREACH(r, &mb->replica->channel->replicas, entry)
		if (places_is_remote(r->place))
			tell(r, MSG_CONNECT, mb);
}

void
fanout_left(const struct member *mb)
{
	const struct replica *r;

	LIST_FOREACH(r, &mb->replica->channel->replicas, entry)
		tell(r, MSG_DISCONNECT, mb);
}

static uint32_t
count_listed(const struct replica *to)
{
	const struct replica *r;
	const struct member *mb;
	uint32_t n = 0;

	if (!places_is_remote(to->place))
		return (to->channel->shown);
	LIST_FOREACH(r, &to->channel->replicas, entry)
		LIST_FOREACH(mb, &r->list, entry)
			n += (uint32_t)is_listed(to, mb);
	return (n);
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
	out = places_reserve(to->place, MSG_ROSTER, to->number,
	    sizeof(head) + 8 * (size_t)head.count);
	if (out == NULL)
		return (NULL);
	memcpy(out, &head, sizeof(head));
	*room = head.count;
	return (out + sizeof(head));
}

static int
serial_compare(const void *a, const void *b)
{
	const struct member *const *x = a, *const *y = b;

	/* The serial goes round. */
	return ((int32_t)((*x)->serial - (*y)->serial) < 0 ? -1 : 1);
}

/* All that are listed, n of them, in the order in which they came. */
static const struct member **
listed(const struct replica *to, uint32_t n)
{
	const struct replica *r;
	const struct member *mb, **all;
	uint32_t i = 0;

	if ((all = calloc((size_t)n + 1, sizeof(*all))) == NULL)
		return (NULL);
	LIST_FOREACH(r, &to->channel->replicas, entry)
		LIST_FOREACH(mb, &r->list, entry)
			if (i < n && is_listed(to, mb))
				all[i++] = mb;
	qsort(all, i, sizeof(*all), serial_compare);
	return (all);
}

void
fanout_roster(const struct replica *to)
{
	const struct member **all;
	uint32_t n = count_listed(to), left = n, room = 0, i;
	uint64_t id;
	uint8_t *out;

	if ((all = listed(to, n)) == NULL) {
		places_no_memory(to->place);
		return;
	}
	out = roster_chunk(to, ROSTER_FIRST, &left, &room);
	for (i = 0; i < n && out != NULL; i++) {
		if (room == 0 &&
		    (out = roster_chunk(to, 0, &left, &room)) == NULL)
			break;
		id = id_for(to, all[i]);
		memcpy(out, &id, sizeof(id));
		out += sizeof(id);
		room--;
	}
	free(all);
	if (out != NULL)
		places_sent(to->place);
}
