/*
 * Channels and their replicas: who has which channel open under what number.
 * Runs in the router; owns struct channel and struct replica.  Frontends are
 * not trusted: what one may not say ends it.
 */
#include "channel.h"

#include <stdlib.h>
#include <string.h>

#include "../common/conf.h"
#include "../common/hash.h"
#include "../common/idmap.h"
#include "../common/imsg.h"
#include "counters.h"
#include "fanout.h"
#include "places.h"
#include "limits.h"
#include "member.h"
#include "router.h"
#include "show.h"

/*
 * Replicas without a member that a place may have.  A frontend opens a channel
 * for a member that is about to join and closes it after the last, so there are
 * as many as there are joins under way; crypto has one for a channel whose
 * members on other machines did not come yet.
 */
#define EMPTY_MAX	65536u

struct channel_list channels = TAILQ_HEAD_INITIALIZER(channels);

static struct idmap	by_name;	/* first channel of a hash */

static uint64_t
name_hash(const char *name, size_t len)
{
	uint64_t h = hash_bytes(name, len);

	return (h == 0 ? 1 : h);	/* 0 is no id for an idmap */
}

/* The channel of that name, a new one where there is none; NULL: no memory. */
static struct channel *
channel_get(const char *name, size_t len)
{
	const struct conf_channel *conf;
	struct channel *c;
	uint64_t hash = name_hash(name, len);

	for (c = idmap_get(&by_name, hash); c != NULL; c = c->next)
		if (c->name_len == len && memcmp(c->name, name, len) == 0)
			return (c);
	if ((c = calloc(1, sizeof(*c) + len + 1)) == NULL)
		return (NULL);
	c->hash = hash;
	c->next = idmap_get(&by_name, hash);
	c->name_len = (uint8_t)len;
	memcpy(c->name, name, len);
	/*
	 * Presence is asked for once: a reload that changes it applies to
	 * channels that come to be afterwards, so that all members of one
	 * always see the same.
	 */
	conf = conf_channel(router_conf, name, len);
	c->presence = conf->presence != 0;
	c->private = conf->local != 0;
	LIST_INIT(&c->replicas);
	if (idmap_put(&by_name, hash, c) == -1) {
		free(c);
		return (NULL);
	}
	TAILQ_INSERT_TAIL(&channels, c, entry);
	return (c);
}

static void
channel_free(struct channel *c)
{
	struct channel *first, **link;

	first = idmap_get(&by_name, c->hash);
	for (link = &first; *link != c; link = &(*link)->next)
		;
	*link = c->next;
	if (first == NULL)
		idmap_del(&by_name, c->hash);
	else
		(void)idmap_put(&by_name, c->hash, first);
	router_show_gone(c);
	TAILQ_REMOVE(&channels, c, entry);
	if (c->counted)
		limits_channel_gone(c);
	free(c);
}

void
channel_want(struct channel *c)
{
	struct place *pl = places_remote();
	int wanted = c->members > c->remote && !c->private;

	if (pl == NULL || wanted == c->wanted)
		return;
	c->wanted = (uint8_t)wanted;
	places_send(pl, wanted ? MSG_WANTED : MSG_UNWANTED, 0, c->name,
	    c->name_len);
}

void
channel_configure(void)
{
	struct channel *c;

	TAILQ_FOREACH(c, &channels, entry) {
		c->private = conf_channel(router_conf, c->name, c->name_len)
		    ->local != 0;
		channel_want(c);
	}
}

void
channel_want_all(struct place *pl)
{
	struct channel *c;

	TAILQ_FOREACH(c, &channels, entry) {
		c->wanted = 0;
		channel_want(c);
	}
	places_send(pl, MSG_WANTED_END, 0, NULL, 0);
}

struct replica *
replica_find(const struct place *pl, uint32_t number)
{
	return (idmap_get(&pl->replicas, (uint64_t)number + 1));
}

static struct replica *
replica_new(struct place *pl, struct channel *c, uint32_t number)
{
	struct replica *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return (NULL);
	r->channel = c;
	r->place = pl;
	r->number = number;
	LIST_INIT(&r->list);
	if (idmap_put(&pl->replicas, (uint64_t)number + 1, r) == -1) {
		free(r);
		return (NULL);
	}
	LIST_INSERT_HEAD(&c->replicas, r, entry);
	pl->empty++;
	return (r);
}

void
channel_lease(struct replica *r)
{
	struct channel *c = r->channel;

	if (c == NULL || c->routed || c->lease != NULL)
		return;
	c->lease = r;
	places_send(r->place, MSG_LEASE, r->number, NULL, 0);
}

void
channel_route(struct channel *c)
{
	if (c != NULL)
		c->routed = 1;
}

int
channel_leased_away(const struct replica *r)
{
	return (r->channel != NULL && r->channel->lease != NULL &&
	    r->channel->lease != r);
}

/* One more place is here: all order is the router's again. */
static void
channel_recall(struct replica *newcomer)
{
	struct channel *c = newcomer->channel;

	if (c->routed || LIST_NEXT(newcomer, entry) == NULL)
		return;
	c->routed = 1;
	if (c->lease == NULL)
		return;
	places_send(c->lease->place, MSG_RECALL, c->lease->number, NULL,
	    0);
	places_recalled(c->lease->place);
}

/* Those who waited for it are let in. */
static void
lease_over(struct channel *c)
{
	const struct replica *holder = c->lease, *r;
	struct member *mb;

	c->lease = NULL;
	if (c->routed)
		places_returned(holder->place);
	LIST_FOREACH(r, &c->replicas, entry) {
		if (r == holder)
			continue;
		LIST_FOREACH(mb, &r->list, entry)
			if (mb->waits) {
				member_admit(mb);
				fanout_admitted(mb);
			}
	}
}

void
channel_handle_recalled(struct pipe *p, struct imsg *m)
{
	struct replica *r = replica_find(places_of(p), m->hdr.peerid);
	struct msg_recalled passed;

	if (r == NULL || r->channel->lease != r || !r->channel->routed) {
		pipe_violation(p, "gives back what was not recalled");
		return;
	}
	memcpy(&passed, m->data, sizeof(passed));
	r->channel->messages += passed.messages;
	r->channel->bytes += passed.bytes;
	lease_over(r->channel);
}

/* The caller takes it out of the place's map. */
static void
replica_free(struct replica *r)
{
	struct channel *c = r->channel;

	if (c->lease == r)
		lease_over(c);
	LIST_REMOVE(r, entry);
	r->place->empty--;
	free(r);
	if (LIST_EMPTY(&c->replicas))
		channel_free(c);
}

static int
has_open(const struct place *pl, const struct channel *c)
{
	const struct replica *r;

	LIST_FOREACH(r, &c->replicas, entry)
		if (r->place == pl)
			return (1);
	return (0);
}

void
channel_handle_open(struct pipe *p, struct imsg *m)
{
	struct place *pl = places_of(p);
	struct channel *c;
	struct replica *r;

	if (replica_find(pl, m->hdr.peerid) != NULL) {
		pipe_violation(p, "channel number in use");
		return;
	}
	if (!channel_name_valid(m->data, m->hdr.len)) {
		pipe_violation(p, "not a channel name");
		return;
	}
	/* One that resumes says all its channels before any of its members. */
	if (pl->empty >= (pl->live ? EMPTY_MAX : MEMBERS_MAX)) {
		pipe_violation(p, "too many channels without a member");
		return;
	}
	if ((c = channel_get(m->data, m->hdr.len)) == NULL) {
		places_no_memory(pl);
		return;
	}
	if (has_open(pl, c)) {
		pipe_violation(p, "channel open under another number");
		return;
	}
	if ((r = replica_new(pl, c, m->hdr.peerid)) == NULL) {
		if (LIST_EMPTY(&c->replicas))
			channel_free(c);
		places_no_memory(pl);
		return;
	}
	/* Crypto waits for it to tell its links, whoever is in it. */
	if (pl->live && (c->shown != 0 || places_is_remote(pl)))
		fanout_roster(r);
	channel_recall(r);
}

void
channel_handle_close(struct pipe *p, struct imsg *m)
{
	struct place *pl = places_of(p);
	struct replica *r;

	if ((r = replica_find(pl, m->hdr.peerid)) == NULL) {
		pipe_violation(p, "unknown channel number");
		return;
	}
	if (r->members != 0) {
		pipe_violation(p, "channel closed with members in it");
		return;
	}
	idmap_del(&pl->replicas, (uint64_t)r->number + 1);
	replica_free(r);
	places_send(pl, MSG_CHANNEL_CLOSED, m->hdr.peerid, NULL, 0);
}

void
channel_drop_all(struct place *pl)
{
	struct replica *r;
	size_t at = 0;

	while ((r = idmap_iterate(&pl->replicas, &at, NULL)) != NULL)
		replica_free(r);
	idmap_clear(&pl->replicas);
}
