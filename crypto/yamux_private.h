/* What crypto/yamux.c and crypto/yamux_stream.c share, and nobody else uses. */
#ifndef CRYPTO_YAMUX_PRIVATE_H
#define CRYPTO_YAMUX_PRIVATE_H

#include "common/idmap.h"
#include "crypto/yamux.h"

enum { FRAME_DATA = 0, FRAME_WINDOW = 1, FRAME_PING = 2, FRAME_GOAWAY = 3 };

#define FLAG_SYN	0x1u
#define FLAG_ACK	0x2u
#define FLAG_FIN	0x4u
#define FLAG_RST	0x8u
#define FLAG_ALL	0xfu

/* What is still to be told of a frame whose header was read. */
#define TELL_OPENED	0x1u
#define TELL_WRITABLE	0x2u
#define TELL_FIN	0x4u
#define TELL_RESET	0x8u

/*
 * window + unread + spent is window_bytes of the session, always: what they may
 * send, what came and is held by whoever reads, and what is free again but was
 * not granted yet.
 */
struct yamux_stream {
	void		*arg;
	uint32_t	 id;
	uint32_t	 send_window;
	uint32_t	 window, unread, spent;
	uint8_t		 ours;		/* we opened it */
	uint8_t		 acked;		/* and they have it */
	uint8_t		 blocked;	/* a write was short */
	uint8_t		 fin_sent, fin_seen;
};

struct yamux_frame {
	uint8_t		 type;
	uint16_t	 flags;
	uint32_t	 id, length;
};

struct yamux {
	struct yamux_config config;
	struct idmap	 streams;
	size_t		 nours, ntheirs, nunacked;
	size_t		 unread;
	uint32_t	 next_id;

	uint8_t		 header[YAMUX_HEADER_LEN];
	size_t		 have;		/* bytes of the header */
	struct yamux_frame frame;	/* that is being read */
	uint32_t	 left;		/* bytes of its payload */
	unsigned int	 tell;		/* TELL_ above */
	uint32_t	 code;		/* of TELL_RESET */
	int		 by_us;		/* likewise */

	uint8_t		*out;
	size_t		 out_head, out_len, out_size;

	uint32_t	 ping;		/* that we await */
	int		 pinging, going, gone, failed;
};

struct yamux_stream *yamux_find(const struct yamux *, uint32_t);

/* A new stream in the map, or NULL without memory. */
struct yamux_stream *yamux_add(struct yamux *, uint32_t, int ours);
void	yamux_remove(struct yamux *, struct yamux_stream *);

/* Queues a frame without payload.  Without memory the session is over. */
void	yamux_put(struct yamux *, unsigned int type, unsigned int flags,
	    uint32_t id, uint32_t length);

#endif
