/*
 * Messages between processes over a Unix stream socket, after the imsg of
 * OpenBSD: a header of type, length, peer id and pid, then the payload;
 * descriptors ride along by SCM_RIGHTS.  Own code, so that a turn of the loop
 * costs one write and one large read however many messages there are, and so
 * that no length, type or descriptor is believed before msg_table allowed it.
 *
 * An imsgbuf belongs to one process and is not locked.
 */
#ifndef COMMON_IMSG_H
#define COMMON_IMSG_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct imsg_hdr {
	uint32_t	type;	/* enum msg_type */
	uint32_t	len;	/* payload bytes, without this header */
	uint32_t	peerid;	/* meaning depends on the type, see msg.h */
	uint32_t	pid;	/* of the sender, for the log only */
};

/* One received message.  data is borrowed until the next imsg_get(). */
struct imsg {
	struct imsg_hdr	 hdr;
	const void	*data;
	int		 fd;	/* -1, or a descriptor that the receiver owns */
};

struct imsgbuf;

/*
 * Wraps fd, a nonblocking Unix stream socket that the imsgbuf owns from now
 * on.  self and peer are P_ bits: what arrives is held against msg_table with
 * them.  take_fds says whether descriptors may arrive at all; without it the
 * socket is read with read(2), and one that comes is dropped by the kernel.
 * Returns NULL with errno set when out of memory; fd is then still the
 * caller's.
 */
struct imsgbuf	*imsgbuf_new(int fd, uint32_t self, uint32_t peer,
		    int take_fds);

/* Closes the socket and all descriptors that nobody fetched or sent. */
void		 imsgbuf_free(struct imsgbuf *);

int		 imsgbuf_fd(const struct imsgbuf *);
uint32_t	 imsgbuf_peer(const struct imsgbuf *);	/* P_ bit */

/*
 * Queues one message.  The payload is the concatenation of the parts and is
 * copied.  fd is -1 or a descriptor that is owned by the imsgbuf from now on,
 * also on failure, and closed once sent.  Returns 0, or -1 with errno ENOMEM,
 * or EMSGSIZE when the message is not one that msg_table allows (a bug of the
 * caller).  Nothing is written before imsg_flush().
 */
int		 imsg_send(struct imsgbuf *, uint32_t type, uint32_t peerid,
		    int fd, const void *, size_t);
int		 imsg_send2(struct imsgbuf *, uint32_t type, uint32_t peerid,
		    const void *, size_t, const void *, size_t);

/*
 * Reserves room for one message with len bytes of payload at the end of the
 * queue and returns it to be filled in at once, before any other call with
 * this imsgbuf; NULL as -1 above.
 */
void		*imsg_reserve(struct imsgbuf *, uint32_t type, uint32_t peerid,
		    size_t len);

/* Bytes queued and not yet written. */
size_t		 imsg_queued(const struct imsgbuf *);

/*
 * Writes what is queued, in one writev(2) where no descriptor forces a stop.
 * Returns 0 when all is written, 1 when the socket is full (call again when it
 * is writable), -1 when the peer is gone.
 */
int		 imsg_flush(struct imsgbuf *);

/*
 * Reads once from the socket, as much as there is room for (64 KiB, or a whole
 * message where one is larger).  Returns 1 when something was read, 0 when
 * there is nothing to read now, -1 with errno set on error and on end of file
 * (errno 0).  Call imsg_get() until it returns 0 before reading again.
 */
int		 imsg_read(struct imsgbuf *);

/*
 * Fetches the next whole message.  Returns 1 with *m filled in, 0 when there is
 * none, or -1 when the peer broke the rules (*why says how, static text): type
 * unknown or not its to send, length outside the row's limits, a descriptor
 * missing or unexpected.  After -1 the stream is unusable.
 */
int		 imsg_get(struct imsgbuf *, struct imsg *m, const char **why);

/*
 * Payload of a message of exactly this size, or NULL.  For rows whose smallest
 * and largest length are the same this cannot fail.
 */
const void	*imsg_struct(const struct imsg *, size_t);

/* Memory held for queued and received bytes. */
size_t		 imsg_memory(const struct imsgbuf *);

/* Gives back memory above what an idle pipe needs; for the end of a burst. */
void		 imsg_trim(struct imsgbuf *);

/*
 * The pure part, for the fuzzer: takes n received bytes (and, if fd is not -1,
 * the descriptor that came with them) as if they had been read.  Returns 0, or
 * -1 when out of memory.
 */
int		 imsg_feed(struct imsgbuf *, const void *, size_t, int fd);

#endif
