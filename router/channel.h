/*
 * Channels by name, and in each the replicas of it: one for each place that has
 * it open, with the members there.  Crypto opens a channel while a link shares
 * it; which these are it knows by channel_want_all() and what follows.
 *
 * What an idle member costs here is a struct member (64 bytes with malloc's
 * own) and its slot in the map of members; a channel of one frontend costs one
 * struct channel, one struct replica and their two slots.
 */
#ifndef ROUTER_CHANNEL_H
#define ROUTER_CHANNEL_H

#include <stdint.h>
#include <sys/queue.h>

#include "../common/loop.h"

struct place;
struct tally_key;

struct member {
	uint64_t		 id;
	struct replica		*replica;
	LIST_ENTRY(member)	 entry;		/* of replica->list */
	struct tally_key	*origin;	/* NULL: a native program */
	struct tally_key	*address;	/* NULL: over a Unix socket */
	uint8_t			 shown;		/* its peers are told of it */
	uint8_t			 waits;		/* for a lease: no JOINED yet */
	uint8_t			 remote;	/* of another machine */
	uint32_t		 serial;	/* in the order they came */
};

/* A place's view of a channel. */
struct replica {
	struct channel		*channel;	/* NULL: of those without one */
	struct place		*place;
	LIST_ENTRY(replica)	 entry;		/* of channel->replicas */
	LIST_HEAD(member_list, member) list;
	uint32_t		 number;	/* the place's own */
	uint32_t		 members;	/* length of list */
};

struct channel {
	struct channel		*next;		/* same hash of the name */
	uint64_t		 hash;
	TAILQ_ENTRY(channel)	 entry;		/* of channels, by age */
	LIST_HEAD(replica_list, replica) replicas;
	struct replica		*lease;		/* who delivers by itself */
	uint64_t		 messages, bytes; /* for nwsctl(8) */
	uint32_t		 members, shown;
	uint32_t		 remote;	/* of the members */
	uint8_t			 presence;	/* as it was configured then */
	uint8_t			 private;	/* of this machine alone */
	uint8_t			 wanted;	/* crypto was told WANTED */
	uint8_t			 counted;	/* had a member: see limits.h */
	uint8_t			 routed;	/* has no lease any more */
	uint8_t			 name_len;
	char			 name[];	/* with a NUL */
};

TAILQ_HEAD(channel_list, channel);
extern struct channel_list channels;

/* Handlers of CHANNEL_OPEN and CHANNEL_CLOSE. */
pipe_handler channel_handle_open, channel_handle_close;

/*
 * A lease: while one frontend has all members of a channel, it sees all their
 * messages in the order in which they came, and delivers them without the way
 * through the router.
 *
 * It is given before the first JOINED of a channel that nobody else has opened,
 * so when no message can be under way, and never again once another frontend
 * has opened that channel, or members of it were resumed from a router that
 * died: those may have messages under way.
 *
 * The first other frontend that opens the channel makes the router RECALL it.
 * Until it is back, who joins elsewhere is a member for the router (it counts,
 * and its peers are told of it) but gets no JOINED, so nobody on the other side
 * can send or expect anything yet.  That order is kept, since
 * - the holder reads RECALL before the CONNECT of any newcomer, so whatever one
 *   of its members sends to a newcomer that it knows of is routed;
 * - what it delivered by itself it delivered before it said RECALLED, and what
 *   it sends later follows RECALLED in the same pipe, so its own members have
 *   the former before any routed message, and newcomers have none of the former
 *   and all of the latter: for each receiver, a sender's messages stay in order
 *   and whole from the first one on, and all receivers see one order;
 * - JOINED is queued when RECALLED comes, so before any message that is routed;
 *   and whoever learns by other means that the newcomer is there learns it
 *   after that, so what it sends then reaches the newcomer.
 *
 * Members of other machines do not wait: who is on a link hears of a member
 * here when that one is in (fanout_admitted()), and its own messages are in no
 * order with those that passed under the lease but that of the holder itself.
 *
 * A holder that closes the channel gives the lease back, and so does one that
 * dies; RECALL may then cross CHANNEL_CLOSE, which is the answer to it.  Where
 * the router dies, a holder delivers on by itself until it speaks to the next
 * one, which lets nobody join before all that were there have resumed, without
 * leases.  Nobody's pipe is held up meanwhile, as two frontends may want each
 * other's channels at the same time.
 */
void	channel_lease(struct replica *);
/* Nobody is to deliver by himself here: members were resumed. */
void	channel_route(struct channel *);
/* Whether another place has the lease still. */
int	channel_leased_away(const struct replica *);
pipe_handler channel_handle_recalled;

/*
 * Tells crypto WANTED or UNWANTED when the channel's first member on this
 * machine has come or the last one has gone.
 */
void	channel_want(struct channel *);
/* A new configuration: which are of this machine alone. */
void	channel_configure(void);
/* WANTED for every one there is, then WANTED_END. */
void	channel_want_all(struct place *);

/* The replica that the place calls by this number, or NULL. */
struct replica *replica_find(const struct place *, uint32_t number);

/*
 * Frees every replica of a place that has no members any more, and the
 * channels that nobody else has open.
 */
void	channel_drop_all(struct place *);

#endif
