/*
 * A session: /nws/2.0.0 on one stream of one link (nws-link(7)).  Finds out
 * with match.h which channels both nodes have, keeps which peers the other one
 * announced, and passes messages between that node and the router.
 *
 * session.c and session_input.c are the protocol of one link; channels.c is
 * what is wanted and shared here of all channels, channels_router.c the pipe to
 * the router, local.c the members of this machine, remote.c those that other
 * nodes announced.  links.h has the links themselves.
 */
#ifndef CRYPTO_SESSION_H
#define CRYPTO_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/match.h"

struct link;
struct session;
struct conf;
struct imsgbuf;

/* Of all sessions; for nwsctl(8). */
struct session_counters {
	uint64_t	messages_in, messages_out;
	uint64_t	dropped_source;	/* not announced on that link */
	uint64_t	dropped_large;	/* larger than the other side takes */
	uint64_t	dropped_members; /* max-remote, or id in use */
	uint64_t	over_remote;	/* of these: max-remote */
	uint64_t	dropped_router;	/* messages while there was no router */
	uint64_t	rate_paused;	/* how often one was too fast */
	uint64_t	violations;
	struct match_counters match;
};
extern struct session_counters session_counters;

struct session_config {
	struct link		*link;
	int			 lead;		/* we dialled */
	struct cpace_bytes	 id, remote_id;	/* peer ids, copied */
	struct cpace_bytes	 binding;	/* copied */
	struct match_limit	*limits[2];	/* of peer and address */
};

/* Nothing is sent yet.  NULL without memory. */
struct session	*session_new(const struct session_config *);

/* All peers that came by it leave. */
void		 session_free(struct session *);

/*
 * Says HELLO, unless that was done.  Once it has also come from the other side,
 * which may be before, the session is active: link_active() is called, then
 * matching begins.
 */
void		 session_hello(struct session *);
int		 session_is_active(const struct session *);

/*
 * Takes bytes of the stream, all of them.  Returns 0; or -1 with *why set when
 * the link is to be ended.  The caller frees the session then, not this.
 */
int		 session_input(struct session *, const uint8_t *, size_t,
		    const char **why);

/*
 * When it may be read from again (loop_now_ms()), after more messages came than
 * rate link allows; a time that is over means now.
 */
int64_t		 session_resume_ms(const struct session *);

/*
 * Does what is due: matching, PING, timeouts.  To be called at the end of each
 * turn for a session that had input or whose channels changed, and when
 * session_next() says so (milliseconds of loop_now_ms(), UINT64_MAX: never).
 * -1 as above.
 */
int		 session_turn(struct session *, const char **why);
/* Whether that was since nothing had come for too long. */
int		 session_is_silent(const struct session *);
uint64_t	 session_next(const struct session *);

/* Asks for a PONG now; session_heard_ms() tells when anything came last. */
void		 session_ping(struct session *);
int64_t		 session_heard_ms(const struct session *);

/* For nwsctl(8). */
struct session_stats {
	uint64_t	messages_in, messages_out, dropped;
	uint32_t	rtt_us, channels, members;
};
void		 session_stats(const struct session *, struct session_stats *);
/* Bytes of memory for a message that has not come whole, and so on. */
size_t		 session_memory(const struct session *);

/* channels.c */

/*
 * A new configuration: secrets of channels, max-message, max-remote.  Borrowed
 * until the next call; to be called before anything else here.
 */
void		 channels_configure(const struct conf *);

/*
 * A pipe to the router, which is taken, in place of an earlier one.  All that
 * is open here is announced to it at once.
 */
void		 channels_router(struct imsgbuf *);

/*
 * Flushes the router's pipe; pauses all links (links_pause()) while it holds
 * more than it should.  Before links_turn_end(): sessions may be touched.
 */
void		 channels_turn_end(void);

/* Rows of SHOW_CHANNELS are the frontends'; these are of SHOW_SUMMARY. */
void		 channels_rows(uint32_t ticket);

/* Rows of SHOW_LIMITS: max-remote, rate link. */
void		 channels_limits(uint32_t ticket);

#endif
