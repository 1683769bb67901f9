/*
 * The insides of feeds and outputs, shared by feed.c, output.c and slow.c.
 */
#ifndef FRONTEND_OUTPUT_PRIVATE_H
#define FRONTEND_OUTPUT_PRIVATE_H

#include <sys/queue.h>
#include <sys/uio.h>

#include "client.h"
#include "output.h"

#define OUTPUT_IOV	64	/* pieces in one write */

/* A piece of a feed.  A frame is never cut by the end of a chunk. */
struct chunk {
	struct chunk	*next;
	uint64_t	 start;		/* place of data[0] in the feed */
	uint32_t	 len, cap;
	uint8_t		 data[];
};

struct seat {
	struct client	*client;
	int		 fd;
	int		 slow;		/* the client has an output */
};

struct feed {
	TAILQ_ENTRY(feed) dirty_entry;
	struct chunk	*first, *last;
	uint64_t	 flushed;	/* where every member without an
					   output is */
	uint64_t	 end;
	struct seat	*seats;
	uint32_t	 nseats, seats_cap;
	uint32_t	 hint;		/* size of the next chunk */
	uint16_t	 dirty;		/* in the list of this turn */
	uint8_t		 format, deflate_bits;
};

/* At place `at` of the feed: own bytes come, or some of the feed's do not. */
struct mark {
	uint64_t	 at;
	uint32_t	 len;
	uint32_t	 skip;
};

/* How far a client has got. */
struct cursor {
	uint64_t	 pos;		/* in the feed */
	uint32_t	 mark;		/* next mark */
	uint32_t	 done;		/* bytes of that mark that are sent */
	size_t		 off;		/* in buf */
	uint64_t	 skipped;	/* bytes of the feed, left out so far */
};

struct output {
	TAILQ_ENTRY(output) entry;	/* dirty or blocked list */
	struct client	*client;
	struct event	*writable;	/* while blocked */
	struct cursor	 cur;
	struct mark	*marks;
	uint32_t	 nmarks, marks_cap;
	uint8_t		*buf;		/* own bytes, in the order of marks */
	size_t		 len, cap;
	uint64_t	 missed;	/* as the last notice says, which is */
	uint64_t	 missed_at;	/* behind a skip that ends here */
	uint64_t	 skips;		/* as cur.skipped once all is sent */
	size_t		 left;		/* queued at the end of the last turn */
	uint32_t	 over_s;	/* above the soft limit since */
	uint8_t		 dirty, blocked;
	struct mark	 marks0[2];
};

/* feed.c */
void	 feed_touch(struct feed *);
void	 feed_flush_all(void);
/* Bytes that are still kept for reuse. */
size_t	 feed_trim_pool(void);
/* The chunk that has the byte at this place; NULL at the end. */
struct chunk *feed_chunk(const struct feed *, uint64_t pos);
/* Size of the frame at p, as feed_append() callers write them. */
size_t	 frame_size(const uint8_t *p);

/* output.c */
extern size_t output_held;	/* bytes in chunks, buffers and marks */
TAILQ_HEAD(output_list, output);
extern struct output_list output_blocked;
struct output *output_get(struct client *);
int	 output_mark(struct output *, uint64_t at, size_t len, int skip);
/* Bytes of memory that its marks take. */
size_t	 output_marks(const struct output *);
/* Writes what it can: 0 all sent and the output is gone, 1 more to come, -1
 * the client is dead. */
int	 output_write(struct client *);
void	 output_block(struct output *);

/* Room for n more bytes in buf; -1 when out of memory. */
int	 output_grow(struct output *, size_t n);

/*
 * slow.c: for a member that is blocked and was given more in this turn; instead
 * of output_write(), since one that takes some in every turn can be given more
 * than that; for one that has too much queued; for the sum of all.
 */
void	 slow_check(struct client *);
void	 slow_write(struct client *);
void	 slow_over(struct client *);
void	 slow_check_total(void);

#endif
