/*
 * Channels by name, and in each the replicas of it: one for each frontend that
 * has it open, with the members there.
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

struct frontend;
struct tally_key;

struct member {
	uint64_t		 id;
	struct replica		*replica;
	LIST_ENTRY(member)	 entry;		/* of replica->list */
	struct tally_key	*origin;	/* NULL: a native program */
	struct tally_key	*address;	/* NULL: over a Unix socket */
	uint32_t		 shown;		/* its peers are told of it */
};

/* A frontend's view of a channel. */
struct replica {
	struct channel		*channel;	/* NULL: of those without one */
	struct frontend		*frontend;
	LIST_ENTRY(replica)	 entry;		/* of channel->replicas */
	LIST_HEAD(member_list, member) list;
	uint32_t		 number;	/* the frontend's own */
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
	uint8_t			 presence;	/* as it was configured then */
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
 * A lease: while one frontend has all members of a channel, it is the one that
 * sees their messages in order, and delivers them without the way through the
 * router.  It is given with the first member, when no message can be under way,
 * and is never given again once another frontend opened the channel or a router
 * was resumed; the other's pipe is not read until the lease is back.
 */
void	channel_lease(struct replica *);
/* Nobody is to deliver by himself here: members were resumed. */
void	channel_route(struct channel *);
pipe_handler channel_handle_recalled;

/* The replica that the frontend calls by this number, or NULL. */
struct replica *replica_find(const struct frontend *, uint32_t number);

/*
 * Frees every replica of a frontend that has no members any more, and the
 * channels that nobody else has open.
 */
void	channel_drop_all(struct frontend *);

#endif
