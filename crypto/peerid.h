/*
 * The names of libp2p peers (libp2p specs, peer-ids/peer-ids.md), their keys
 * and what these signed, pure.
 */
#ifndef CRYPTO_PEERID_H
#define CRYPTO_PEERID_H

#include <stddef.h>
#include <stdint.h>

#define PEERID_INLINE_MAX 42	/* a longer key is named by its hash */
#define PEERID_MAX	(2 + PEERID_INLINE_MAX)
#define PEERID_TEXT_MAX	62	/* base58 of that, and the NUL */
#define PUBLIC_KEY_MAX	1200	/* bytes of a PublicKey: RSA of 8192 bits */
#define RSA_BITS_MIN	2048
#define RSA_BITS_MAX	8192
#define RSA_EXPONENT_BITS 32

#define ED25519_KEY_LEN	32
#define ED25519_SIG_LEN	64
#define ED25519_PUBLIC_LEN (4 + ED25519_KEY_LEN)	/* as a PublicKey */

enum key_type { KEY_RSA = 0, KEY_ED25519 = 1, KEY_SECP256K1 = 2,
	KEY_ECDSA = 3 };

/* A peer id is a multihash. */
struct peer_id {
	uint8_t	len;			/* 0: none */
	uint8_t	bytes[PEERID_MAX];
};

/* A PublicKey; data points into the message. */
struct public_key {
	enum key_type	 type;
	const uint8_t	*data;
	size_t		 len;
};

/* Our own Ed25519 key; wiped with identity_wipe(). */
struct identity {
	uint8_t		 seed[ED25519_KEY_LEN];
	uint8_t		 message[ED25519_PUBLIC_LEN];	/* PublicKey */
	struct peer_id	 id;
};

/*
 * Decodes a PublicKey.  Returns 0, or -1 if it is none, is of an unknown type,
 * or is not written as peer-ids.md says (both fields, in order, nothing else):
 * it would have more than one name.  The key itself is not looked at.
 */
int	public_key_parse(struct public_key *, const void *, size_t);

/*
 * Whether sig is what the owner of a key, the PublicKey in, made of msg.
 * Returns 1 or 0; 0 also for a key that cannot be used: a point that is not on
 * its curve, RSA of less than 2048 or more than 8192 bits or with an exponent
 * of more than 32, ECDSA on another curve than P-256.
 */
int	public_key_verify(const void *in, size_t in_len, const void *msg,
	    size_t msg_len, const void *sig, size_t sig_len);

/* Whether an RSA key has a size and an exponent that are allowed: 1 or 0. */
struct evp_pkey_st;
int	rsa_is_usual(const struct evp_pkey_st *);

/* The name of a PublicKey (bytes).  Returns 0, or -1 if it is none. */
int	peerid_from_key(struct peer_id *, const void *, size_t);

/* A peer id from its bytes, all of them.  Returns 0, or -1 if it is none. */
int	peerid_from_bytes(struct peer_id *, const void *, size_t);

/*
 * A peer id from text: base58btc, or a CIDv1 in base16, 32, 36 or 58.  Returns
 * 0, or -1 if it is none.
 */
int	peerid_parse(struct peer_id *, const char *, size_t);

/* A peer id as text, base58btc. */
void	peerid_print(const struct peer_id *, char out[PEERID_TEXT_MAX]);

int	peerid_equal(const struct peer_id *, const struct peer_id *);

/* An identity from the seed of RFC 8032.  Returns 0, or -1 without memory. */
int	identity_from_seed(struct identity *, const uint8_t *seed);

/*
 * An identity from a PrivateKey, as libp2p keeps it in files.  Returns 0, or -1
 * if it is none, not Ed25519, or its public half belongs to another key.
 */
int	identity_parse(struct identity *, const void *, size_t);

/* Signs; sig has ED25519_SIG_LEN bytes.  Returns 0, or -1 without memory. */
int	identity_sign(const struct identity *, const void *, size_t,
	    uint8_t *sig);

void	identity_wipe(struct identity *);

#endif
