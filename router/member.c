/*
 * Who is a member of what: the map of ids, and the messages that change it.
 * Runs in the router; owns struct member.  Frontends are not trusted: what one
 * may not say ends it.
 */
#include "member.h"

#include <stdlib.h>
#include <string.h>

#include "../common/idmap.h"
#include "../common/imsg.h"
#include "../common/msg.h"
#include "channel.h"
#include "counters.h"
#include "fanout.h"
#include "places.h"
#include "limits.h"

static struct idmap	by_id;

struct member *
member_find(uint64_t id)
{
	return (idmap_get(&by_id, id));
}

/* A new member in all maps and counts; NULL: no memory, nothing changed. */
static struct member *
member_new(struct replica *r, const struct msg_join *j, const char *origin,
    size_t origin_len)
{
	static uint32_t serial;
	struct member *mb;

	if ((mb = calloc(1, sizeof(*mb))) == NULL)
		return (NULL);
	mb->id = j->id;
	mb->serial = serial++;
	mb->replica = r;
	mb->remote = (j->flags & JOIN_REMOTE) != 0;
	/* Crypto has limits of its own. */
	if (!mb->remote &&
	    limits_count(mb, j->addr, origin, origin_len) == -1) {
		free(mb);
		return (NULL);
	}
	if (idmap_put(&by_id, mb->id, mb) == -1) {
		if (!mb->remote)
			limits_uncount(mb);
		free(mb);
		return (NULL);
	}
	LIST_INSERT_HEAD(&r->list, mb, entry);
	r->place->members++;
	r->members++;
	if (r->channel == NULL)
		return (mb);
	if (r->members == 1)
		r->place->empty--;
	r->channel->members++;
	r->channel->remote += mb->remote;
	router_counters.members += !mb->remote;
	router_counters.remote += mb->remote;
	if (!r->channel->counted)
		limits_channel_new(r->channel, j->flags & JOIN_RESUME);
	if (r->channel->presence && !(j->flags & JOIN_SILENT)) {
		mb->shown = 1;
		r->channel->shown++;
	}
	channel_want(r->channel);
	return (mb);
}

/* Takes it out of all maps and counts; tells nobody. */
static void
member_free(struct member *mb)
{
	struct replica *r = mb->replica;

	idmap_del(&by_id, mb->id);
	if (!mb->remote)
		limits_uncount(mb);
	LIST_REMOVE(mb, entry);
	r->place->members--;
	r->members--;
	if (r->channel != NULL) {
		if (r->members == 0)
			r->place->empty++;
		r->channel->members--;
		r->channel->remote -= mb->remote;
		r->channel->shown -= mb->shown;
		router_counters.members -= !mb->remote;
		router_counters.remote -= mb->remote;
		channel_want(r->channel);
	}
	router_counters.leaves++;
	free(mb);
}

static void
member_leave(struct member *mb)
{
	if (mb->replica->channel != NULL)
		fanout_left(mb);
	member_free(mb);
}

/* Where the member would be; NULL with *why set when it cannot be. */
static struct replica *
join_check(struct place *pl, uint32_t number, const struct msg_join *j,
    const char **why)
{
	const struct member *there;
	struct replica *r;

	*why = NULL;
	if (j->id == 0 || j->id > INT64_MAX)	/* ids have 63 bits */
		*why = "not a client id";
	else if (j->flags & ~(JOIN_RESUME | JOIN_SILENT | JOIN_NOCHANNEL |
	    JOIN_REMOTE))
		*why = "unknown flags";
	else if (((j->flags & JOIN_REMOTE) != 0) != places_is_remote(pl))
		*why = "not its kind of member";
	else if (((j->flags & JOIN_RESUME) != 0) == (pl->live != 0))
		*why = pl->live ? "resumed when it is too late" :
		    "joined before it had resumed";
	else if (pl->members >= MEMBERS_MAX)
		*why = "too many members";
	else if ((there = member_find(j->id)) != NULL && !there->remote &&
	    !places_is_remote(pl))
		*why = "client id in use";
	if (*why != NULL)
		return (NULL);
	if ((j->flags & JOIN_NOCHANNEL) && !places_is_remote(pl))
		r = number == 0 ? &pl->nochannel : NULL;
	else
		r = replica_find(pl, number);
	if (r == NULL)
		*why = "unknown channel number";
	return (r);
}

static void
join_refuse(struct place *pl, uint32_t number, uint64_t id,
    enum refused reason)
{
	struct msg_refused answer = { .id = id, .why = reason };

	router_counters.refusals++;
	places_send(pl, MSG_REFUSED, number, &answer, sizeof(answer));
}

/*
 * Ids are random, so two of the same are no accident: another machine has
 * announced one that is not its to give.  Whoever is of this machine has it.
 * Returns 0 when the newcomer is refused.
 */
static int
join_contest(struct place *pl, uint32_t number, const struct msg_join *j)
{
	struct member *there;

	if ((there = member_find(j->id)) == NULL)
		return (1);
	if (j->flags & JOIN_REMOTE) {
		join_refuse(pl, number, j->id, REFUSED_ID);
		return (0);
	}
	join_refuse(there->replica->place, there->replica->number, j->id,
	    REFUSED_ID);
	member_leave(there);
	return (1);
}

void
member_admit(struct member *mb)
{
	struct msg_joined joined = { .id = mb->id, .shown = mb->shown };

	mb->waits = 0;
	places_send(mb->replica->place, MSG_JOINED, mb->replica->number,
	    &joined, sizeof(joined));
}

void
member_handle_join(struct pipe *p, struct imsg *m)
{
	struct place *pl = places_of(p);
	struct msg_join j;
	struct replica *r;
	struct member *mb;
	const char *origin, *why;
	size_t origin_len;
	enum refused reason;

	memcpy(&j, m->data, sizeof(j));
	origin = (const char *)m->data + sizeof(j);
	origin_len = m->hdr.len - sizeof(j);
	if ((r = join_check(pl, m->hdr.peerid, &j, &why)) == NULL) {
		pipe_violation(p, why);
		return;
	}
	if (!join_contest(pl, m->hdr.peerid, &j))
		return;
	/* Who was a member has been admitted, whatever limits say now. */
	if (!(j.flags & (JOIN_RESUME | JOIN_REMOTE)) && !limits_admit(j.addr,
	    origin, origin_len, r->channel, j.id, &reason)) {
		join_refuse(pl, m->hdr.peerid, j.id, reason);
		return;
	}
	if ((mb = member_new(r, &j, origin, origin_len)) == NULL) {
		/* One client too many; or a frontend that is. */
		if (j.flags & JOIN_RESUME)
			places_no_memory(pl);
		else {
			router_counters.no_memory++;
			join_refuse(pl, m->hdr.peerid, j.id, REFUSED_CLIENTS);
		}
		return;
	}
	if (j.flags & JOIN_RESUME) {
		router_counters.resumes++;
		channel_route(r->channel);
	} else if (mb->remote) {
		router_counters.joins++;
		channel_route(r->channel);
	} else {
		router_counters.joins++;
		channel_lease(r);
		if (channel_leased_away(r))
			mb->waits = 1;
		else
			member_admit(mb);
	}
	/* Places that have not resumed learn it from the roster. */
	if (r->channel != NULL)
		fanout_arrived(mb);
}

void
member_handle_leave(struct pipe *p, struct imsg *m)
{
	struct place *pl = places_of(p);
	struct member *mb;
	uint64_t id;

	memcpy(&id, m->data, sizeof(id));
	mb = member_find(id);
	if (places_is_remote(pl) && (mb == NULL || mb->replica->place != pl))
		return;		/* its REFUSED is on the way */
	if (mb == NULL || mb->replica->place != pl ||
	    mb->replica->number != m->hdr.peerid || mb->waits) {
		pipe_violation(p, "leave of one who is no member there");
		return;
	}
	member_leave(mb);
}

void
member_handle_resumed(struct pipe *p, struct imsg *m)
{
	(void)m;
	places_resumed(places_of(p));
}

static void
list_leave(struct replica *r)
{
	struct member *mb, *next;

	for (mb = LIST_FIRST(&r->list); mb != NULL; mb = next) {
		next = LIST_NEXT(mb, entry);
		member_leave(mb);
	}
}

void
member_drop_all(struct place *pl)
{
	struct replica *r;
	size_t at = 0;

	while ((r = idmap_iterate(&pl->replicas, &at, NULL)) != NULL)
		list_leave(r);
	list_leave(&pl->nochannel);
}
