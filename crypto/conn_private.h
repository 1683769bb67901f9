/*
 * What crypto/conn.c, crypto/conn_upgrade.c and crypto/conn_stream.c share, and
 * nobody else uses.
 */
#ifndef CRYPTO_CONN_PRIVATE_H
#define CRYPTO_CONN_PRIVATE_H

#include "crypto/conn.h"
#include "crypto/multistream.h"
#include "crypto/noise.h"
#include "crypto/outbuf.h"
#include "crypto/ping.h"
#include "crypto/tls.h"
#include "crypto/yamux.h"

#define MUXER_PROTOCOL	"/yamux/1.0.0"

/* Codes of a reset, as others have them (go-libp2p, core/network/mux.go). */
#define CODE_NEGOTIATION 0x1001u	/* no protocol was agreed on */
#define CODE_LIMIT	0x1002u		/* resources */

#define BATCH_BYTES	(256u * 1024)	/* that are secured ahead of a write */
/* Of yamux: what our streams may have waiting, and answers behind them. */
#define STREAMS_OUT_MAX	(CONN_OUT_MAX - BATCH_BYTES)
#define RESERVE_BYTES	(64u * 1024)

#define PROTOCOLS_MAX	(CONN_PROTOCOLS_MAX + 2)
#define WINDOW_BYTES	(1024u * 1024)	/* of a stream, towards us */
#define IDENTIFY_MAX	(32u * 1024)	/* bytes of an answer, all messages */

enum conn_phase {
	PHASE_SECURITY,		/* which one, by multistream-select */
	PHASE_HANDSHAKE,
	PHASE_MUXER,		/* likewise, unless the handshake said */
	PHASE_OPEN,
	PHASE_FAILED
};

enum stream_kind {
	STREAM_THEIRS,		/* what is it for? */
	STREAM_OURS,		/* do they speak it? */
	STREAM_AGREED,		/* told to who calls */
	STREAM_ASK,		/* we ask by identify; negotiating, too */
	STREAM_ANSWER,		/* we answered by identify: wait for the end */
	STREAM_PING
};

/* What yamux knows as arg. */
struct conn_stream {
	void			*arg;
	uint32_t		 id;
	enum stream_kind	 kind;
	int			 blocked;	/* for want of output */
	struct multistream	*ms;		/* while negotiating */
	const char		*protocol;	/* that ms proposes */
	struct ping		 ping;
};

struct conn {
	struct conn_config	 config;
	enum conn_phase		 phase;
	const char		*protocols[PROTOCOLS_MAX];
	size_t			 nprotocols;
	unsigned int		 security;
	int			 secured;	/* records may be made */
	int			 ending;	/* nothing new is to be said */
	int			 goodbye;	/* they said it, or GoAway */
	const char		*why;		/* it failed */
	int			 is_self, failed_told;

	struct multistream	*ms;		/* of connection or muxer */
	struct tls		 tls;
	struct noise		 noise;
	struct outbuf		 out;

	/*
	 * What was decrypted: of TLS in text, of Noise within the input, whose
	 * first record bytes are not used up before all of it is.
	 */
	uint8_t			*text;
	size_t			 text_len, text_at;
	size_t			 record;
	/* The end of what yamux told as data that a stream is to be told. */
	uint32_t		 rest_id;
	size_t			 rest_at, rest_len;

	struct yamux		*yamux;
	size_t			 nnegotiating;	/* streams of theirs */
	size_t			 npings;
	size_t			 nblocked;
	size_t			 blocked_at;	/* the next to be told of it */
	uint32_t		 ping_value;
	struct conn_stream	*ask;
	uint8_t			*answer;	/* to ask, IDENTIFY_MAX */
	size_t			 answer_len;
	int			 answer_told;
};

/* conn.c */

/* The connection is over, and conn_input() will tell so. */
void	 conn_fail(struct conn *, const char *why);

/* Makes records of n bytes into out.  0, or -1 with a failed connection. */
int	 conn_secure(struct conn *, const uint8_t *, size_t n);

/* conn_upgrade.c */

/* 0, or -1 without memory. */
int	 conn_upgrade_begin(struct conn *);

/* Raw bytes, until the security was agreed on; returns how many were used. */
size_t	 conn_upgrade_raw(struct conn *, const uint8_t *, size_t n);

/* Returns 1 when the handshake is done, 0 if more is needed, -1: failed. */
int	 conn_upgrade_noise(struct conn *, const uint8_t *, size_t n,
	    size_t *used);

/* Decrypted bytes, until the muxer was agreed on: CONN_READY. */
size_t	 conn_upgrade_text(struct conn *, const uint8_t *, size_t n,
	    struct conn_event *);

/* conn_stream.c */

/* Decrypted bytes of the muxer; returns how many were taken. */
size_t	 conn_stream_input(struct conn *, const uint8_t *, size_t n,
	    struct conn_event *);

/*
 * Tells what came in one frame with the end of a negotiation, if the stream is
 * still there; text is where decrypted bytes begin.
 */
void	 conn_stream_rest(struct conn *, const uint8_t *text,
	    struct conn_event *);

void	 conn_streams_free(struct conn *);

/* NULL without memory. */
struct conn_stream *conn_stream_new(enum stream_kind, void *arg);

/* The stream is gone from yamux, or will be at once. */
void	 conn_stream_free(struct conn *, struct conn_stream *);
void	 conn_stream_abort(struct conn *, struct conn_stream *, uint32_t code);

/* Sends what its negotiation has to say.  0, or -1 when there is no room. */
int	 conn_stream_negotiate(struct conn *, struct conn_stream *);

void	 conn_stream_event(struct conn_event *, enum conn_event_type,
	    const struct conn_stream *);

/* conn_open.c */

/* One that who calls knows of, or NULL. */
struct conn_stream *conn_stream_find(const struct conn *, uint32_t);

/* Tells of a stream that may write again; returns 0 if there is none. */
int	 conn_stream_writable(struct conn *, struct conn_event *);

/* conn_identify.c */

/* The answer to a stream of theirs.  0, or -1 if there is no room for it. */
int	 conn_identify_answer(struct conn *, uint32_t);

/* A piece of the answer to ours.  0, or -1 when it is too long. */
int	 conn_identify_more(struct conn *, const uint8_t *, size_t n);

/* All of it is there. */
void	 conn_identify_end(struct conn *, struct conn_event *);

/* Of an answer that was told. */
void	 conn_answer_free(struct conn *);

#endif
