/*
 * The Noise Protocol Framework, revision 34, as far as one protocol takes it:
 * Noise_XX_25519_ChaChaPoly_SHA256.  Pure.
 */
#ifndef CRYPTO_NOISE_XX_H
#define CRYPTO_NOISE_XX_H

#include <stddef.h>
#include <stdint.h>

#define NOISE_KEY_LEN	32	/* DHLEN, HASHLEN and the cipher's keys */
#define NOISE_TAG_LEN	16
#define NOISE_XX_MESSAGES 3

struct evp_cipher_ctx_st;

/* CipherState (section 5.1) for one direction. */
struct noise_cipher {
	struct evp_cipher_ctx_st *ctx;	/* holds the key; NULL: no key yet */
	uint64_t	 nonce;		/* of the next message */
	int		 sealing;
};

/* HandshakeState (5.3) with its SymmetricState (5.2). */
struct noise_xx {
	struct noise_cipher cipher;
	int		 initiator;
	int		 step;		/* messages so far */
	int		 failed;
	uint8_t		 s[NOISE_KEY_LEN], s_public[NOISE_KEY_LEN];
	uint8_t		 e[NOISE_KEY_LEN], e_public[NOISE_KEY_LEN];
	uint8_t		 rs[NOISE_KEY_LEN];	/* theirs, from their message */
	uint8_t		 re[NOISE_KEY_LEN];
	uint8_t		 h[NOISE_KEY_LEN];	/* handshake hash */
	uint8_t		 ck[NOISE_KEY_LEN];
	uint8_t		 k[NOISE_KEY_LEN];
};

/* A key for one direction.  Returns 0, or -1 without memory. */
int	noise_cipher_init(struct noise_cipher *, const uint8_t *key,
	    int sealing);
void	noise_cipher_wipe(struct noise_cipher *);

/*
 * Encrypts n bytes into out, of n + NOISE_TAG_LEN; in may be out.  Returns 0,
 * or -1, with nothing sealed, when 2^64 - 1 messages were (section 5.1: that
 * nonce is reserved) or OpenSSL has no memory.
 */
int	noise_seal_with(struct noise_cipher *, const void *ad, size_t ad_len,
	    const uint8_t *in, size_t n, uint8_t *out);

/*
 * Decrypts n bytes, the tag included, into out, of n - NOISE_TAG_LEN; in may be
 * out.  Returns 0, or -1 if it is not what the other end sealed or the nonces
 * are used up.  After a failure out means nothing and the nonce is as it was.
 */
int	noise_open_with(struct noise_cipher *, const void *ad, size_t ad_len,
	    const uint8_t *in, size_t n, uint8_t *out);

/*
 * Begins a handshake with private keys (RFC 7748) of NOISE_KEY_LEN bytes; the
 * ephemeral one must be used for nothing else, ever.  Returns 0, or -1 without
 * memory.  Whatever it returns, end with noise_xx_wipe().
 */
int	noise_xx_init(struct noise_xx *, int initiator, const void *prologue,
	    size_t prologue_len, const uint8_t *s, const uint8_t *e);

/* Whether it is for us to write the next message. */
int	noise_xx_is_ours(const struct noise_xx *);

/* Bytes that the next message has beside its payload. */
size_t	noise_xx_overhead(const struct noise_xx *);

/*
 * Writes the next message with a payload into out.  Returns its size, or -1
 * when it is not our turn, does not fit, or something failed before.
 */
int	noise_xx_write(struct noise_xx *, const void *payload, size_t n,
	    uint8_t *out, size_t size);

/*
 * Reads the next message, all of it; payload has room for n bytes.  Returns the
 * size of the payload, or -1 for a message that is not right, and from then on
 * always.
 */
int	noise_xx_read(struct noise_xx *, const uint8_t *in, size_t n,
	    uint8_t *payload);

/*
 * The keys of both directions, after the third message.  Returns 0 or -1; h is
 * the channel binding then (section 11.2).
 */
int	noise_xx_split(struct noise_xx *, struct noise_cipher *send,
	    struct noise_cipher *receive);

void	noise_xx_wipe(struct noise_xx *);

#endif
