/*
 * The frontends that the router is connected to: their pipes, what is queued
 * for them, and when they are not read from.
 */
#ifndef ROUTER_FRONTENDS_H
#define ROUTER_FRONTENDS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "../common/idmap.h"
#include "../common/loop.h"
#include "channel.h"

struct imsgbuf;

/* Why a frontend is not read from; bits, so that none undoes another. */
#define PAUSED_RESUMED	0x1u	/* waits for the others to resume */
#define PAUSED_BACKLOG	0x2u	/* a frontend does not keep up */

/* Bytes queued for one frontend: above HIGH nobody is read, until below LOW. */
#define QUEUE_HIGH	(4u * 1024u * 1024u)
#define QUEUE_LOW	(1024u * 1024u)
/* How long a queue above LOW may stand still while nobody is read. */
#define STUCK_MS	5000	/* and how long one keeps what was recalled */
/* How long one that has to resume may say nothing. */
#define RESUME_MS	10000

struct frontend {
	TAILQ_ENTRY(frontend)	 entry;
	struct pipe		*pipe;
	struct idmap		 replicas;	/* by number plus one */
	struct replica		 nochannel;	/* members of no channel */
	uint32_t		 owed;		/* leases that were recalled */
	int64_t			 owed_ms;	/* since when, or the last */
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
 * A pipe to a frontend, which is taken; in place of an earlier one, whose
 * members leave.  Out of memory is reported to the parent as a frontend that is
 * stuck.
 */
void	frontends_add(struct imsgbuf *, uint32_t instance);

/* Of a pipe in a handler; notes that it was heard. */
struct frontend *frontends_of(struct pipe *);

/*
 * Queues a message.  frontends_reserve() returns where the caller writes len
 * bytes at once and then calls frontends_sent(), or NULL.  A frontend for which
 * there is no memory would miss something, so it is given up, as if it were
 * stuck.
 */
void	frontends_send(struct frontend *, uint32_t type, uint32_t number,
	    const void *, size_t len);
void	*frontends_reserve(struct frontend *, uint32_t type, uint32_t number,
	    size_t len);
void	frontends_sent(struct frontend *);

/* There is no memory for what this frontend holds: gives it up. */
void	frontends_no_memory(struct frontend *);

/*
 * RESUMED.  It is not read from until all that START waits for have resumed;
 * then every one of them gets the rosters of its channels and is live.
 */
void	frontends_resumed(struct frontend *);

/*
 * A lease of its was recalled; one of these is over.  A frontend that owes some
 * and gives none back for STUCK_MS is given up.
 */
void	frontends_recalled(struct frontend *);
void	frontends_returned(struct frontend *);

/* Once, after loop_init(). */
void	frontends_init(void);

/* START: the frontends that are there now are the ones to wait for. */
void	frontends_start(void);

/* Frees the doomed, flushes, and looks after the backlog. */
void	frontends_turn_end(void);

/* Bytes queued for all of them. */
uint64_t frontends_queued(void);

#endif
