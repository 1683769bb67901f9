/*
 * Which channels the two nodes of one link share: runs set intersection (psi.h)
 * whenever a set of channels changed, then CPace (cpace.h) for each match, and
 * says which channels are shared from now on and no longer.  nws-link(7) has
 * the messages.  Pure: messages and times in, messages and reports out by
 * function; one struct for each link.
 *
 * The node that dialled leads: it alone begins runs, one at a time.  A sweep is
 * the runs that are needed until every channel that is new on one side was held
 * against all channels of the other, 64 by 64.  The follower says by CHANGED
 * that it has new ones.
 *
 * Passwords and scalars are wiped as soon as they are not needed.
 */
#ifndef CRYPTO_MATCH_H
#define CRYPTO_MATCH_H

#include <stddef.h>
#include <stdint.h>

#include "cpace.h"
#include "nwsproto.h"

#define MATCH_CHANNELS_MAX	(NWSPROTO_PAGES_MAX * PSI_MAX)
#define MATCH_ID_MAX		128u	/* bytes of a peer id */
#define MATCH_BINDING_MAX	128u	/* bytes of a channel binding */
#define MATCH_RUN_MS		10000u	/* for a run, or an answer to CLOSED */
#define MATCH_NEVER		UINT64_MAX

/*
 * How many elements, that is guesses, a peer or an address may still send: a
 * token bucket.  Belongs to whoever remembers peers and addresses longer than
 * their links live; all zeros is a full one.
 */
#define MATCH_ELEMENTS_BURST	1024	/* 16 runs of 64 */
#define MATCH_ELEMENTS_PER_S	20
struct match_limit {
	int64_t		used;		/* thousandths of an element */
	uint64_t	since_ms;
};

/* Milliseconds until n elements may come; 0 is now. */
uint64_t match_limit_wait(struct match_limit *, size_t n, uint64_t now_ms);
void	 match_limit_charge(struct match_limit *, size_t n, uint64_t now_ms);

/* Added to, never read; several links may share one. */
struct match_counters {
	uint64_t	runs;		/* that came as far as both sets */
	uint64_t	elements;	/* taken from peers: their guesses */
	uint64_t	later;		/* runs put off by a limit */
	uint64_t	matches;
	uint64_t	confirmed;	/* by CPace */
	uint64_t	refused;	/* wrong CPace confirmations */
};

struct match;

/* Functions may not call match functions of the same link. */
struct match_ops {
	/* Queue this message; what it points to is borrowed. */
	void	(*send)(void *arg, const struct nwsproto *);
	/*
	 * Both confirmed: what is sent about the channel has this handle, and
	 * what comes is found by match_find().
	 */
	void	(*shared)(void *arg, uint64_t channel, uint32_t handle);
	/* The other side left it; not said after match_remove(). */
	void	(*unshared)(void *arg, uint64_t channel);
};

struct match_config {
	int			 lead;
	struct cpace_bytes	 id, remote_id;	/* peer ids */
	struct cpace_bytes	 binding;	/* of the link */
	struct match_limit	*limits[2];	/* of peer, address; or NULL */
	struct match_counters	*counters;
	const struct match_ops	*ops;
	void			*arg;
	struct group_random	 random;	/* zeroed but in tests */
};

/*
 * Ids and binding are copied, the rest is borrowed for the life of the link.
 * Returns NULL with errno ENOMEM, or EINVAL when ids or binding are empty, too
 * long, or the ids are the same.
 */
struct match	*match_new(const struct match_config *);

/* Wipes everything; reports and sends nothing. */
void		 match_free(struct match *);

/*
 * A channel has come or gone on this machine; the number, not 0, is the
 * caller's.  Nothing is sent for a new one before match_turn(), so that many
 * are one run.  match_add() returns 0; or -1 with errno EEXIST, EINVAL, ENOMEM,
 * or ENOSPC above MATCH_CHANNELS_MAX: then it is not shared on this link.  Two
 * channels must not have the same password.
 */
int		 match_add(struct match *, uint64_t number,
		    const uint8_t password[CPACE_PASSWORD_BYTES]);
void		 match_remove(struct match *, uint64_t number,
		    uint64_t now_ms);

/*
 * Takes a message of the types CHANGED to CLOSED.  Returns 0; or -1 with *why
 * set when the peer broke the protocol: the link is to be ended, without a word
 * about the reason to the peer.
 */
int		 match_take(struct match *, const struct nwsproto *,
		    uint64_t now_ms, const char **why);

/*
 * Begins what is due; called at the end of each turn and when match_next() says
 * so.  Returns 0; or -1 with *why set when the peer did not answer in time, or
 * memory is out: the link is to be ended.
 */
int		 match_turn(struct match *, uint64_t now_ms,
		    const char **why);

/* Nothing of the peer was read for so long: it has that much more time. */
void		 match_put_off(struct match *, uint64_t ms);

/* When match_turn() has something to do by itself, or MATCH_NEVER. */
uint64_t	 match_next(const struct match *);

/*
 * The channel of a handle that the peer used: 1 with *channel set; 0 when this
 * side has left it and the peer did not know when it wrote, so the message is
 * to be dropped silently; -1 when there is no such handle, which breaks the
 * protocol.
 */
int		 match_find(const struct match *, uint32_t handle,
		    uint64_t *channel);

/* The handle to send about a channel with, 0 when it is not shared. */
uint32_t	 match_handle(const struct match *, uint64_t number);

/* Channels that are shared, and those that this side has. */
size_t		 match_shared(const struct match *);
size_t		 match_channels(const struct match *);

#endif
