/*
 * What waits to be sent to clients.
 *
 * A feed is the log of everything that all members of a channel with the same
 * encoding are sent: each message is framed once, appended once, and written
 * from there to every member's socket, at most one write for each member and
 * turn.  A member that keeps up costs 16 bytes (its seat) and no memory access
 * but that: it is, by definition, where the feed was last flushed.
 *
 * Only a client that differs from its feed has an output: bytes that are for it
 * alone (presence, direct messages, control frames), a part of the feed that it
 * must not see (its own messages), or a socket that is full.  Marks say at
 * which place in the feed each of these belongs, so that a client sees all in
 * the order in which it happened.  A client without a feed has just its own
 * bytes.
 */
#ifndef FRONTEND_OUTPUT_H
#define FRONTEND_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "../common/ws.h"
#include "envelope.h"

struct client;
struct feed;

/* An empty feed for members of this encoding; NULL when out of memory. */
struct feed	*feed_new(enum format, int deflate_bits);
/* Only when it has no seats. */
void		 feed_free(struct feed *);

enum format	 feed_format(const struct feed *);
int		 feed_deflate_bits(const struct feed *);
uint32_t	 feed_seats(const struct feed *);
/* The only member, or NULL when there are none or more. */
struct client	*feed_only(const struct feed *);

/* Calls back for each member, in no order; the callback may kill it. */
void		 feed_each(struct feed *, void (*)(struct client *, void *),
		    void *);

/*
 * Gives a client a seat: it is sent what is appended from now on.  What it had
 * queued comes first.  -1 when out of memory.
 */
int		 feed_join(struct feed *, struct client *);

/* Takes the seat away; what the client has not been sent yet is dropped. */
void		 feed_leave(struct client *);

/*
 * Room for one frame of n bytes at the end, to be filled in at once; NULL when
 * out of memory, then every member is cut off.
 */
uint8_t		*feed_append(struct feed *, size_t n);
/* The last frame, of n bytes, is not for this member of the feed. */
void		 feed_skip(struct client *, size_t n);

/*
 * Room for one frame of n bytes for this client alone, to be filled in at
 * once.  NULL when out of memory (the client is then killed) or when it is
 * past being sent anything.
 */
uint8_t		*output_append(struct client *, size_t n);

/*
 * The same for a WebSocket frame: writes its header and returns the room for
 * its n bytes of payload.
 */
uint8_t		*output_frame(struct client *, enum ws_opcode, int rsv1,
		    size_t n);

/*
 * Before a close frame: sends what waits as far as the socket takes it, drops
 * the rest but that of a frame half sent, and takes the client off its feed.
 */
void		 output_settle(struct client *);

/* Bytes that wait for this client alone or were not accepted by its socket. */
size_t		 output_queued(const struct client *);

/*
 * Drops all that waits but the rest of a frame that is half sent, and takes the
 * client off its feed.
 */
void		 output_cut(struct client *);
void		 output_free(struct client *);

/* Memory held in queues of this frontend, in bytes. */
size_t		 output_memory(void);

/* Writes what this turn collected. */
void		 output_flush(void);

/* Looks once a second for who is above the soft limit for too long. */
void		 output_look(void);

/*
 * Gives back spare memory; once a second while there is some.  Returns whether
 * any is left.
 */
int		 output_trim(void);

#endif
