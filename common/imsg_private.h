/*
 * What both halves of an imsgbuf share: imsg_queue.c writes, imsg.c reads.
 */
#ifndef COMMON_IMSG_PRIVATE_H
#define COMMON_IMSG_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

#include "imsg.h"

#define IMSG_HDR	sizeof(struct imsg_hdr)
#define IMSG_FDS_MAX	4	/* received, not yet fetched */

/* A descriptor that waits to be sent with the message at this offset. */
struct queued_fd {
	size_t	 off;
	int	 fd;
};

/* One that came in the read that ended here, counted from the first byte. */
struct read_fd {
	uint64_t end;
	int	 fd;
};

struct imsgbuf {
	int		 fd;
	uint32_t	 self, peer, pid;
	int		 take_fds;

	/* What waits to be written: out[out_head] to out[out_len]. */
	uint8_t		*out;
	size_t		 out_head, out_len, out_size;
	struct queued_fd *fdq;		/* in order of off */
	size_t		 fdq_head, fdq_len, fdq_size;

	/* What was read and not fetched: in[in_head] to in[in_len]. */
	uint8_t		*in;
	size_t		 in_head, in_len, in_size;
	size_t		 in_need;	/* bytes of the message at in_head,
					   if that is known and they are not
					   all there; else 0 */
	uint64_t	 in_pos;	/* of in_head in the stream */
	int		 in_full;	/* the last read filled the buffer */
	int		 in_lent;	/* a payload is in use */
	struct read_fd	 fds[IMSG_FDS_MAX];
	unsigned int	 nfds;
	const char	*broken;	/* rule that the peer broke */
};

/*
 * Size on the wire of a message with so many bytes of payload, which were
 * checked or are in memory.
 */
static inline size_t
imsg_wire_size(size_t len)
{
	return (IMSG_HDR + ((len + 7) & ~(size_t)7));
}

/* Closes what waits to be sent, and frees the queue. */
void	imsg_queue_free(struct imsgbuf *);

/* Gives back the memory of an empty queue. */
void	imsg_queue_trim(struct imsgbuf *);

#endif
