/*
 * One connection to another libp2p node, from its first byte to its streams
 * (libp2p specs, connections/README.md): multistream-select for the security,
 * TLS 1.3 or Noise XX, the muxer, yamux, multistream-select for each stream.
 * Identify and ping are answered in here, as every node has to.  Pure: bytes
 * in, events and bytes out; who calls owns the socket and the clock.
 *
 * Memory is bounded: by the limits of yamux, by one record in each direction
 * and by CONN_OUT_MAX.  There are no timeouts in here: who calls ends what has
 * not come to CONN_READY in time.
 */
#ifndef CRYPTO_CONN_H
#define CRYPTO_CONN_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/peerid.h"

#define CONN_BINDING_BYTES 32
#define CONN_OUT_MAX	(1024u * 1024)	/* bytes that wait, of our streams */
#define CONN_IN_MIN	(66u * 1024)	/* room that conn_input() may need */
#define CONN_STREAMS_MAX 64	/* that they may have open at once */
#define CONN_NEGOTIATING_MAX 16	/* of these without a protocol; more: reset */
#define CONN_PINGS_MAX	2	/* streams of theirs with /ipfs/ping/1.0.0 */
#define CONN_PROTOCOLS_MAX 14	/* that conn_config may name */

#define CONN_TLS	0x1u
#define CONN_NOISE	0x2u

struct conn;
struct conn_tls;

/*
 * To be called before the sandbox, and before anything else of OpenSSL, so that
 * it does without its configuration file: what is computed, found or opened
 * only once is then done, and no other function here asks for more than memory,
 * random numbers and the time.  Done by the first conn_tls_new() where it was
 * not before.  0, or -1 without memory.
 */
int		 conn_init(void);

/*
 * What TLS needs and all connections share: a certificate of a fresh key,
 * signed by the identity, which is borrowed (libp2p specs, tls/tls.md).  NULL
 * without memory.
 */
struct conn_tls	*conn_tls_new(const struct identity *);
void		 conn_tls_free(struct conn_tls *);

struct conn_config {
	int			 dialler;
	unsigned int		 security;	/* CONN_ bits, TLS is first */
	const struct identity	*self;
	struct conn_tls		*tls;
	/* What we speak on streams, beside identify and ping. */
	const char *const	*protocols;
	size_t			 nprotocols;
	const char		*agent;		/* "nwsd/0.1.0" */
	/*
	 * For identify: the port that we listen on at the address of our end, 0
	 * none; the other end.  Addresses have 4 or 16 bytes, or 0: not known.
	 */
	uint16_t		 port;
	uint8_t			 local_ip[16];
	size_t			 local_ip_len;
	uint8_t			 remote_ip[16];
	size_t			 remote_ip_len;
	uint16_t		 remote_port;
};

enum conn_event_type {
	CONN_NONE,		/* more bytes are needed */
	CONN_SECURED,		/* conn_peer() and conn_binding() are known */
	CONN_READY,		/* the muxer runs: streams may be opened */
	CONN_OPENED,		/* they opened a stream; protocol */
	CONN_AGREED,		/* the stream that we opened may be used */
	CONN_REFUSED,		/* they do not speak that: it is gone */
	CONN_DATA,		/* data, len: borrowed until the next call */
	CONN_WRITABLE,		/* a write that was short may go on */
	CONN_FIN,		/* no more data will come on this stream */
	CONN_RESET,		/* the stream is gone */
	CONN_IDENTIFIED,	/* data, len: the agent's name, if we asked */
	CONN_PONG,		/* the answer to conn_ping() */
	CONN_GOAWAY,		/* they will end the connection */
	CONN_FAILED		/* it is over; why.  Send the output, close. */
};

struct conn_event {
	enum conn_event_type	 type;
	uint32_t		 stream;
	void			*arg;		/* of the stream */
	size_t			 protocol;	/* CONN_OPENED: its index */
	int			 ended;		/* the stream is gone with it */
	const uint8_t		*data;
	size_t			 len;
	const char		*why;		/* static text */
	int			 self;		/* CONN_FAILED: that was us */
};

/* Config is copied, what it points to is borrowed for the connection's life. */
struct conn	*conn_new(const struct conn_config *);
void		 conn_free(struct conn *);

/*
 * Takes n bytes from the socket, decrypting in place, up to the first event.
 * Returns the bytes used, perhaps none with an event; call again with what is
 * left, n 0 too, until CONN_NONE.  What is left then (part of a record, or held
 * up since too much output waits) is to be given again, as it was left, with
 * more behind it or once output was sent; it may be moved meanwhile.
 *
 * Once output was sent call this, with what is left or n 0: what was held up
 * goes on, and CONN_WRITABLE may come.  A new dialler calls conn_output() at
 * once, as it speaks first.
 *
 * After CONN_FAILED everything is used and nothing happens.  It has self set
 * when the other end proved to be us: always told to the dialler, while the
 * other end may only see the connection break.
 */
size_t		 conn_input(struct conn *, uint8_t *in, size_t n,
		    struct conn_event *);

/*
 * What waits to be written to the socket, borrowed until the next call.  Not
 * all of it: after conn_sent() call again, until the socket takes no more or
 * this returns 0.
 */
size_t		 conn_output(struct conn *, const uint8_t **);
void		 conn_sent(struct conn *, size_t n);

/* All that waits to be written, also what conn_output() does not return yet. */
size_t		 conn_waiting(const struct conn *);

/*
 * The end of the other side's bytes: whether that was announced, by GoAway or
 * by close_notify, or the connection was cut.
 */
int		 conn_eof(const struct conn *);

/*
 * Opens a stream for one protocol, which is borrowed.  Returns its id, or 0
 * with errno set as yamux_open().  CONN_AGREED or CONN_REFUSED follows.
 */
uint32_t	 conn_open(struct conn *, const char *protocol, void *arg);

/*
 * As yamux_write(), yamux_room() and so on; writing only to agreed streams.
 * After an event with ended set the stream is gone, and no function may be
 * called for it.
 */
long		 conn_write(struct conn *, uint32_t, const void *, size_t);
size_t		 conn_room(const struct conn *, uint32_t);
int		 conn_consume(struct conn *, uint32_t, size_t);
int		 conn_close(struct conn *, uint32_t);
int		 conn_reset(struct conn *, uint32_t, uint32_t code);
int		 conn_set_arg(struct conn *, uint32_t, void *);

/* Asks for CONN_PONG by a ping of yamux.  0, or -1 while one is awaited. */
int		 conn_ping(struct conn *);

/* Asks who they are by identify; CONN_IDENTIFIED may follow.  0 or -1. */
int		 conn_identify(struct conn *);

/*
 * Says that the connection ends (GoAway, close_notify) behind all that waits;
 * then send the output.
 */
void		 conn_end(struct conn *);

/* After CONN_SECURED; the binding has CONN_BINDING_BYTES. */
const struct peer_id *conn_peer(const struct conn *);
const uint8_t	*conn_binding(const struct conn *, size_t *len);
unsigned int	 conn_security(const struct conn *);	/* one CONN_ bit */

/* Memory held, for the limits. */
size_t		 conn_memory(const struct conn *);

#endif
