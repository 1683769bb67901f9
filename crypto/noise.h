/*
 * Noise as libp2p has it (libp2p specs, noise/README.md): protocol /noise,
 * both roles, pure.
 */
#ifndef CRYPTO_NOISE_H
#define CRYPTO_NOISE_H

#include "crypto/noise_xx.h"
#include "crypto/peerid.h"

#define NOISE_HEADER_LEN 2	/* in front of each message */
#define NOISE_RECORD_MAX (NOISE_HEADER_LEN + 65535)
#define NOISE_PLAIN_MAX	(65535 - NOISE_TAG_LEN)
#define NOISE_HANDSHAKE_MAX 4096	/* bytes of a message, without header */

enum noise_error {
	NOISE_FINE,
	NOISE_BAD_MESSAGE,	/* not what the other end of this link sealed */
	NOISE_BAD_PAYLOAD,	/* no NoiseHandshakePayload */
	NOISE_BAD_SIGNATURE,	/* the identity key did not sign the static */
	NOISE_WRONG_PEER,	/* not who was dialled */
	NOISE_SELF,		/* that was us */
	NOISE_NO_MUXER,		/* none in common */
	NOISE_EXHAUSTED,	/* nonces or memory */
};

enum noise_phase {
	NOISE_WRITING,		/* noise_handshake_write() is next */
	NOISE_READING,		/* noise_handshake_read() is next */
	NOISE_OPEN,		/* noise_seal() and noise_open() */
	NOISE_FAILED,
};

/* What a handshake begins with; all of it is borrowed until it has ended. */
struct noise_config {
	int			 initiator;
	const struct identity	*self;
	const struct peer_id	*expect;	/* NULL: whoever it is */
	const uint8_t		*static_key;	/* NOISE_KEY_LEN, random */
	const uint8_t		*ephemeral_key;	/* likewise; this run only */
	const char *const	*muxers;	/* what we have, best first */
	size_t			 nmuxers;	/* 0: say nothing of them */
};

/* One secured connection.  Read phase, error, peer, muxer, binding only. */
struct noise {
	enum noise_phase	 phase;
	enum noise_error	 error;
	struct peer_id		 peer;		/* who signed, in NOISE_OPEN */
	int			 muxer;		/* of our list, -1: ask */
	uint8_t			 binding[NOISE_KEY_LEN];	/* RFC 5056 */
	struct noise_cipher	 send, receive;
	struct noise_xx		 xx;
	struct noise_config	 config;
};

/*
 * Begins a connection; noise->phase tells what is next.  Copies the two keys;
 * who calls wipes his.
 */
void	noise_init(struct noise *, const struct noise_config *);

/*
 * Writes our message, its header included, into out.  Returns its size, or -1
 * with phase NOISE_FAILED; also when it does not fit.  NOISE_HEADER_LEN +
 * NOISE_HANDSHAKE_MAX is enough.
 */
int	noise_handshake_write(struct noise *, uint8_t *out, size_t size);

/*
 * Reads their message, with its header, from in.  Returns the bytes used, 0 if
 * more are needed, or -1 with phase NOISE_FAILED.  Bytes behind the message are
 * not looked at.
 */
int	noise_handshake_read(struct noise *, const uint8_t *in, size_t size);

/*
 * Writes len bytes, at most NOISE_PLAIN_MAX and perhaps none, as one record
 * into out, which has NOISE_HEADER_LEN + len + NOISE_TAG_LEN.  in may be out +
 * NOISE_HEADER_LEN.  Returns the size of the record, or 0 with phase
 * NOISE_FAILED.
 */
size_t	noise_seal(struct noise *, const uint8_t *in, size_t len,
	    uint8_t *out);

/*
 * Reads one record from in and decrypts it where it is: *plain is *len bytes
 * of it, perhaps none.  Returns the bytes used, 0 if more are needed, or -1
 * with phase NOISE_FAILED.
 */
int	noise_open(struct noise *, uint8_t *in, size_t size, uint8_t **plain,
	    size_t *len);

void	noise_wipe(struct noise *);

const char *noise_error_text(enum noise_error);

#endif
