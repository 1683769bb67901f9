/*
 * What the files about links share, and nobody else uses: links.c, link.c,
 * link_io.c, link_text.c, accept.c, nodes.c, targets.c, links_show.c.
 */
#ifndef CRYPTO_LINKS_PRIVATE_H
#define CRYPTO_LINKS_PRIVATE_H

#include <stdint.h>
#include <sys/queue.h>

#include "common/loop.h"
#include "common/msg.h"
#include "common/tally.h"
#include "crypto/buckets.h"
#include "crypto/conn.h"
#include "crypto/counters.h"
#include "crypto/links.h"
#include "crypto/outq.h"

#define LINK_SILENCE_MS	30000	/* a link without a session, as nws-link(7) */
#define LINK_PING_MS	15000	/* likewise: how soon we ask */
#define LINK_IDLE_MS	60000	/* a plain link that nobody uses */
#define LINK_LINGER_MS	1000	/* for the last bytes, once it ends */
#define LINK_ENDING_MAX	64u	/* that linger; more are cut off */
#define LINK_WHY_MAX	128
#define LINK_AGENT_MAX	64
#define LINK_NEVER	INT64_MAX
#define LINK_IN_MAX	(2 * CONN_IN_MIN) /* bytes that wait to be decrypted */

#define SHAKING_MAX	64u	/* accepted, handshake unfinished */
#define SHAKING_ADDRESS_MAX 8u	/* likewise, of one address */
#define ADDRESS_SHARE	4	/* of max-links that one address may have */
#define ADDRESS_MIN	16u	/* but so many at least */
#define NODE_LINKS_MAX	8u	/* of one peer */
#define TARGETS_MAX	4096u	/* of discovery */

enum link_stage {
	STAGE_SHAKING,		/* who it is, is not known yet */
	STAGE_SECURED,		/* it is, but there is no session yet */
	STAGE_PLAIN,		/* nor will there be one */
	STAGE_SESSION,
	STAGE_ENDING		/* last bytes; no conn_input() any more */
};

struct node;
struct session;
struct target;

struct link {
	TAILQ_ENTRY(link)	 entry;		/* of links */
	TAILQ_ENTRY(link)	 touched_entry;
	TAILQ_ENTRY(link)	 node_entry;
	uint64_t		 id;
	enum link_stage		 stage;
	int			 fd;		/* -1: to be freed */
	struct event		 readable, writable, timer;
	int64_t			 timer_ms;	/* LINK_NEVER: not set */
	int			 touched, reading, writing;
	int			 doomed;	/* ends soon; why is set */
	int			 shut;		/* our side, while ending */
	int			 dead;		/* the socket: send no more */
	int			 eof;		/* theirs was the last word */
	int			 quiet;		/* its end is nothing special */
	int			 ponged;	/* by what was read last */
	char			 why[LINK_WHY_MAX];

	struct conn		*conn;
	struct session		*session;
	uint32_t		 stream;	/* of /nws/2.0.0, 0 none yet */
	struct outq		 queue;		/* for it */
	size_t			 queued;	/* as counted in links.queued */
	uint8_t			*in;		/* not decrypted yet */
	size_t			 in_len;
	int			 held;		/* some of it, by rate link */

	struct node		*node;		/* while it may be used */
	int			 waits;		/* we decide: not chosen yet */
	int			 active;	/* HELLOs were exchanged */
	struct target		*target;	/* until node is known */
	struct bucket		*buckets[2];	/* of peer and address */
	struct tally_key	*address, *shaking;
	int			 counted;	/* among unfinished ones */

	uint8_t			 addr[16];	/* IPv6 or v4-mapped */
	uint32_t		 scope;
	uint16_t		 port;
	int			 dialled;
	char			 agent[LINK_AGENT_MAX + 1];
	int64_t			 started_ms, up_ms, heard_ms, used_ms;
	int64_t			 ended_ms;
	uint64_t		 bytes_in, bytes_out;
};
TAILQ_HEAD(link_list, link);

/* A peer, as long as there is a link that is or may become active. */
struct node {
	TAILQ_ENTRY(node)	 entry;
	struct peer_id		 id;
	uint64_t		 hash;
	int			 decides;	/* we do: our id is smaller */
	struct link		*chosen;	/* has our HELLO: we decide */
	struct link		*active;
	int64_t			 probe_ms;	/* since when, 0: no probe */
	struct link_list	 links;
	size_t			 nlinks;
	TAILQ_HEAD(, target)	 targets;
};

extern struct links {
	struct link_list	 all;
	struct link_list	 touched;
	const struct identity	*self;
	struct conn_tls		*tls;
	uint16_t		 port;		/* that we listen on, 0: none */
	uint32_t		 max;		/* max-links */
	size_t			 queue_max;	/* link-queue */
	size_t			 total_max;	/* link-queue-total */
	size_t			 queued;	/* link_queued() of all */
	size_t			 ending;	/* links that linger */
	int			 paused, stopping;
	int64_t			 resumed_ms;	/* when a pause ended */
	struct tally		 addresses;	/* of all */
	struct tally		 shaking;	/* of accepted ones */
	struct buckets		 peer_buckets, address_buckets;
} links;

/* link.c */

/*
 * Takes a connected socket.  NULL when out of memory, or the system refuses:
 * fd is closed then.
 */
struct link *link_new(int fd, int dialled, const uint8_t addr[16],
		    uint32_t scope, uint16_t port);

/*
 * Ends a link at the end of the turn.  counter is what to count, or NULL; why
 * is copied.  The first call decides.
 */
void	 link_doom(struct link *, uint64_t *counter, const char *why);

/* The other side ended it, politely or not. */
void	 link_ended(struct link *, const char *why);

/* The other end is us. */
void	 link_self(struct link *);

/* What conn_input() told.  Does not free the link. */
void	 link_event(struct link *, const struct conn_event *);

/* Does what time brings: see link_deadline(). */
void	 link_due(struct link *);
int64_t	 link_deadline(const struct link *);

/* A doomed link: nobody hears of it any more but its other end. */
void	 link_finish(struct link *);
void	 link_free(struct link *);

/* Not read from for now: it sends more than rate link allows. */
int	 link_slowed(const struct link *);

/*
 * Bytes that wait to be sent; and counts them among those of all links, after
 * they may have changed.  A doomed link has none: they go at the end of the
 * turn, but for the last ones of the connection.
 */
size_t	 link_queued(const struct link *);
void	 link_count(struct link *);

/* link_text.c */

/* "192.168.1.7 port 9010"; static buffer. */
const char *link_address(const struct link *);
int	 link_is_v4(const struct link *);	/* its address */
/* To the log and as an event, each as often as an outsider may cause it. */
void	 link_tell_up(const struct link *);
void	 link_tell_end(const struct link *);

/* link_io.c */

int	 link_watch(struct link *);	/* the socket; -1 without memory */
void	 link_unwatch(struct link *);
void	 link_read_more(struct link *);	/* or not, as is right now */
void	 link_flush(struct link *);	/* writes, and sets the timer */

/* accept.c */

void	 accept_check(uint32_t ticket);	/* rows of SHOW_CHECK */
void	 accept_limits(uint32_t ticket);	/* and SHOW_LIMITS */
void	 accept_stop(void);
/*
 * Whether max-links, and what one address may have of it, allows another one; a
 * plain one may be doomed for it.
 */
int	 accept_room(const uint8_t addr[16]);
/* The handshake of an accepted link is over, if it was not before. */
void	 accept_shaken(struct link *);

/* nodes.c */

/*
 * The peer of a link is known.  Returns 0; or -1 when the link was doomed: it
 * is us, has too many links, or memory is out.
 */
int	 node_secured(struct link *, const struct peer_id *);
/* Its session is there: HELLO may be said. */
void	 node_session(struct link *);
/* Something came on it. */
void	 node_heard(struct link *);
void	 node_active(struct link *);
/* It will not become active, for this reason. */
void	 node_remove(struct link *, const char *why);
void	 node_due(struct link *);
int64_t	 node_deadline(const struct link *);

/* targets.c */

/* From discovery: a link for a target.  -1 at the bound. */
int	 target_dialled(uint32_t number, struct link *);
/* The link's target, if it has one, is this node's. */
void	 target_attach(struct link *, struct node *);
void	 target_self(struct link *);
void	 target_failed(struct link *, const char *why);
void	 targets_up(struct node *);
void	 targets_lost(struct node *, const char *why);
void	 targets_flush(void);

/* links_show.c */

/* For nwsctl check: a connection that came to nothing. */
void	 links_note_failure(const struct link *);

/* A row of SHOW_CHECK. */
void	 links_finding(uint32_t ticket, enum check_level, const char *, ...)
	    __attribute__((__format__(printf, 3, 4)));

#endif
