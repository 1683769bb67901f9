/*
 * The places that have members: the frontends, each with its clients, and
 * crypto, which has those of other machines, as its links announce them.  Their
 * pipes, what is queued for them, and when they are not read from.
 */
#ifndef ROUTER_PLACES_H
#define ROUTER_PLACES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "../common/idmap.h"
#include "../common/loop.h"
#include "channel.h"

struct imsgbuf;

/* Why a place is not read from; bits, so that none undoes another. */
#define PAUSED_RESUMED	0x1u	/* waits for the others to resume */
#define PAUSED_BACKLOG	0x2u	/* one of them does not keep up */

/* Bytes queued for one place: above HIGH nobody is read, until below LOW. */
#define QUEUE_HIGH	(4u * 1024u * 1024u)
#define QUEUE_LOW	(1024u * 1024u)
/* How long a queue above LOW may stand still while nobody is read. */
#define STUCK_MS	5000	/* and how long one keeps what was recalled */
/* How long one that has to resume may say nothing. */
#define RESUME_MS	10000

struct place {
	TAILQ_ENTRY(place)	 entry;
	struct pipe		*pipe;
	struct idmap		 replicas;	/* by number plus one */
	struct replica		 nochannel;	/* members of no channel */
	uint32_t		 owed;		/* leases that were recalled */
	int64_t			 owed_ms;	/* since when, or the last */
	uint32_t		 process;	/* P_FRONTEND or P_CRYPTO */
	uint32_t		 instance;
	uint32_t		 members;
	uint32_t		 empty;		/* replicas without members */
	unsigned int		 paused;	/* PAUSED_ bits */
	uint8_t			 awaited;	/* START waits for it */
	uint8_t			 resumed;	/* it said so */
	uint8_t			 live;		/* got its rosters: may hear */
	uint8_t			 held;		/* was told HOLD */
	uint8_t			 dirty;		/* to be flushed */
	uint8_t			 doomed;	/* freed in turn_end */
	uint8_t			 report;	/* the parent is told then */
	size_t			 queued;	/* at the last look */
	int64_t			 moved_ms;	/* when that last fell */
	int64_t			 heard_ms;
};

/*
 * A pipe to a place, which is taken; instead of an earlier one to it, whose
 * members leave.  Out of memory is reported to the parent as a place that is
 * stuck.
 */
void	places_add(struct imsgbuf *, uint32_t instance);

/* Whether its members are of other machines: crypto. */
int	places_is_remote(const struct place *);

/* That one, if it is there and live; or NULL. */
struct place *places_remote(void);

/* Of a pipe in a handler; notes that it was heard. */
struct place *places_of(struct pipe *);

/*
 * Queues a message.  places_reserve() returns where the caller writes len
 * bytes at once and then calls places_sent(), or NULL.  A place for which
 * there is no memory would miss something, so it is given up, as if it were
 * stuck.
 */
void	places_send(struct place *, uint32_t type, uint32_t number,
	    const void *, size_t len);
void	*places_reserve(struct place *, uint32_t type, uint32_t number,
	    size_t len);
void	places_sent(struct place *);

/* There is no memory for what this place holds: gives it up. */
void	places_no_memory(struct place *);

/*
 * RESUMED.  It is not read from until all that START waits for have resumed;
 * then every one of them gets the rosters of its channels and is live.
 */
void	places_resumed(struct place *);

/*
 * A lease of its was recalled; one of these is over.  A place that owes some
 * and gives none back for STUCK_MS is given up.
 */
void	places_recalled(struct place *);
void	places_returned(struct place *);

/* Once, after loop_init(). */
void	places_init(void);

/* START: the places that are there now are the ones to wait for. */
void	places_start(void);

/* Frees the doomed, flushes, and looks after the backlog. */
void	places_turn_end(void);

/* Bytes queued for all of them. */
uint64_t places_queued(void);

#endif
