/*
 * The handshake Noise_XX_25519_ChaChaPoly_SHA256 (noiseprotocol.org, revision
 * 34), both roles.  Pure; runs in crypto.  Believes nothing of the other end
 * before its static key has been proven, by the second message to an initiator
 * and by the third to a responder.
 *
 *	-> e
 *	<- e, ee, s, es
 *	-> s, se
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string.h>

#include "crypto/noise_xx.h"

static const char protocol[] = "Noise_XX_25519_ChaChaPoly_SHA256";

static int	cipher_turn(struct noise_xx *, int);
static int	mix_hash(struct noise_xx *, const void *, size_t);
static int	mix_key(struct noise_xx *, const uint8_t *, const uint8_t *);
static int	hkdf(const uint8_t *, const uint8_t *, size_t, uint8_t *,
		    uint8_t *);
static int	public_key(const uint8_t *, uint8_t *);
static int	diffie_hellman(const uint8_t *, const uint8_t *, uint8_t *);
static int	seal_and_hash(struct noise_xx *, const void *, size_t,
		    uint8_t *);
static int	open_and_hash(struct noise_xx *, const uint8_t *, size_t,
		    uint8_t *);
static int	message_write(struct noise_xx *, const void *, size_t,
		    uint8_t *);
static int	message_read(struct noise_xx *, const uint8_t *, size_t,
		    uint8_t *);

int
noise_xx_init(struct noise_xx *x, int initiator, const void *prologue,
    size_t prologue_len, const uint8_t *s, const uint8_t *e)
{
	/* A name of HASHLEN bytes is its own hash (5.2). */
	_Static_assert(sizeof(protocol) - 1 == NOISE_KEY_LEN, "name");

	memset(x, 0, sizeof(*x));
	x->initiator = initiator;
	memcpy(x->h, protocol, sizeof(x->h));
	memcpy(x->ck, x->h, sizeof(x->ck));
	memcpy(x->s, s, sizeof(x->s));
	memcpy(x->e, e, sizeof(x->e));
	if (mix_hash(x, prologue, prologue_len) == -1 ||
	    public_key(x->s, x->s_public) == -1 ||
	    public_key(x->e, x->e_public) == -1) {
		x->failed = 1;
		return (-1);
	}
	return (0);
}

void
noise_xx_wipe(struct noise_xx *x)
{
	noise_cipher_wipe(&x->cipher);
	explicit_bzero(x, sizeof(*x));
	x->failed = 1;
}

int
noise_xx_is_ours(const struct noise_xx *x)
{
	return (!x->failed && x->step < NOISE_XX_MESSAGES &&
	    (x->step % 2 == 0) == (x->initiator != 0));
}

size_t
noise_xx_overhead(const struct noise_xx *x)
{
	static const size_t sizes[] = {
		NOISE_KEY_LEN,
		2 * NOISE_KEY_LEN + 2 * NOISE_TAG_LEN,
		NOISE_KEY_LEN + 2 * NOISE_TAG_LEN,
	};

	return (x->step < NOISE_XX_MESSAGES ? sizes[x->step] : 0);
}

int
noise_xx_write(struct noise_xx *x, const void *payload, size_t n, uint8_t *out,
    size_t size)
{
	size_t need = noise_xx_overhead(x);

	if (!noise_xx_is_ours(x) || size < need || n > size - need ||
	    n > 65535 - need)
		return (-1);
	if (message_write(x, payload, n, out) == -1) {
		x->failed = 1;
		return (-1);
	}
	x->step++;
	return ((int)(need + n));
}

int
noise_xx_read(struct noise_xx *x, const uint8_t *in, size_t n,
    uint8_t *payload)
{
	size_t need = noise_xx_overhead(x);

	if (x->failed || x->step >= NOISE_XX_MESSAGES || noise_xx_is_ours(x))
		return (-1);
	if (n < need || n > 65535 || message_read(x, in, n, payload) == -1) {
		x->failed = 1;
		return (-1);
	}
	x->step++;
	return ((int)(n - need));
}

/* WriteMessage (5.3); out has room for the message. */
static int
message_write(struct noise_xx *x, const void *payload, size_t n, uint8_t *out)
{
	if (x->step < 2) {
		memcpy(out, x->e_public, NOISE_KEY_LEN);
		if (mix_hash(x, out, NOISE_KEY_LEN) == -1)
			return (-1);
		out += NOISE_KEY_LEN;
	}
	if (x->step == 1 && mix_key(x, x->e, x->re) == -1)
		return (-1);
	if (x->step > 0) {
		if (seal_and_hash(x, x->s_public, NOISE_KEY_LEN, out) == -1 ||
		    mix_key(x, x->s, x->re) == -1)
			return (-1);
		out += NOISE_KEY_LEN + NOISE_TAG_LEN;
	}
	return (seal_and_hash(x, payload, n, out));
}

/* ReadMessage (5.3) of at least the size it must have. */
static int
message_read(struct noise_xx *x, const uint8_t *in, size_t n, uint8_t *payload)
{
	const size_t sealed = NOISE_KEY_LEN + NOISE_TAG_LEN;

	if (x->step < 2) {
		memcpy(x->re, in, NOISE_KEY_LEN);
		if (mix_hash(x, in, NOISE_KEY_LEN) == -1)
			return (-1);
		in += NOISE_KEY_LEN;
		n -= NOISE_KEY_LEN;
	}
	if (x->step == 1 && mix_key(x, x->e, x->re) == -1)
		return (-1);
	if (x->step > 0) {
		if (open_and_hash(x, in, sealed, x->rs) == -1 ||
		    mix_key(x, x->e, x->rs) == -1)
			return (-1);
		in += sealed;
		n -= sealed;
	}
	return (open_and_hash(x, in, n, payload));
}

/* EncryptAndHash (5.2); in the clear while there is no key. */
static int
seal_and_hash(struct noise_xx *x, const void *in, size_t n, uint8_t *out)
{
	if (x->step == 0) {
		if (n > 0)
			memcpy(out, in, n);
		return (mix_hash(x, out, n));
	}
	if (cipher_turn(x, 1) == -1 || noise_seal_with(&x->cipher, x->h,
	    sizeof(x->h), in, n, out) == -1)
		return (-1);
	return (mix_hash(x, out, n + NOISE_TAG_LEN));
}

/* DecryptAndHash (5.2). */
static int
open_and_hash(struct noise_xx *x, const uint8_t *in, size_t n, uint8_t *out)
{
	if (x->step == 0) {
		if (n > 0)
			memcpy(out, in, n);
		return (mix_hash(x, in, n));
	}
	if (cipher_turn(x, 0) == -1 || noise_open_with(&x->cipher, x->h,
	    sizeof(x->h), in, n, out) == -1)
		return (-1);
	return (mix_hash(x, in, n));
}

/*
 * The two ends share one counter for as long as a key lasts: it goes on when
 * who sealed begins to open.
 */
static int
cipher_turn(struct noise_xx *x, int sealing)
{
	uint64_t nonce = x->cipher.nonce;

	if (x->cipher.ctx != NULL && x->cipher.sealing == sealing)
		return (0);
	if (noise_cipher_init(&x->cipher, x->k, sealing) == -1)
		return (-1);
	x->cipher.nonce = nonce;
	return (0);
}

static int
mix_hash(struct noise_xx *x, const void *p, size_t n)
{
	EVP_MD_CTX	*ctx;
	int		 ok;

	if ((ctx = EVP_MD_CTX_new()) == NULL)
		return (-1);
	ok = EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
	    EVP_DigestUpdate(ctx, x->h, sizeof(x->h)) == 1 &&
	    (n == 0 || EVP_DigestUpdate(ctx, p, n) == 1) &&
	    EVP_DigestFinal_ex(ctx, x->h, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return (ok ? 0 : -1);
}

/* MixKey (5.2) of what two keys have in common. */
static int
mix_key(struct noise_xx *x, const uint8_t *ours, const uint8_t *theirs)
{
	uint8_t	shared[NOISE_KEY_LEN];
	int	result = -1;

	if (diffie_hellman(ours, theirs, shared) == 0)
		result = hkdf(x->ck, shared, sizeof(shared), x->ck, x->k);
	explicit_bzero(shared, sizeof(shared));
	/* The next one that seals or opens takes the new key from 0. */
	noise_cipher_wipe(&x->cipher);
	return (result);
}

int
noise_xx_split(struct noise_xx *x, struct noise_cipher *send,
    struct noise_cipher *receive)
{
	uint8_t	first[NOISE_KEY_LEN], second[NOISE_KEY_LEN];
	int	result = -1;

	if (x->failed || x->step != NOISE_XX_MESSAGES)
		return (-1);
	if (hkdf(x->ck, NULL, 0, first, second) == 0 &&
	    noise_cipher_init(send, x->initiator ? first : second, 1) == 0 &&
	    noise_cipher_init(receive, x->initiator ? second : first, 0) == 0)
		result = 0;
	explicit_bzero(first, sizeof(first));
	explicit_bzero(second, sizeof(second));
	return (result);
}

/* HKDF with two outputs (4.3); the chaining key may be an output. */
static int
hkdf(const uint8_t *ck, const uint8_t *in, size_t n, uint8_t *first,
    uint8_t *second)
{
	static const uint8_t	 none[1];
	uint8_t			 temp[NOISE_KEY_LEN];
	uint8_t			 block[NOISE_KEY_LEN + 1];
	unsigned int		 len;
	int			 ok;

	ok = HMAC(EVP_sha256(), ck, NOISE_KEY_LEN, n > 0 ? in : none, n, temp,
	    &len) != NULL;
	block[0] = 1;
	ok = ok && HMAC(EVP_sha256(), temp, sizeof(temp), block, 1, first,
	    &len) != NULL;
	if (ok) {
		memcpy(block, first, NOISE_KEY_LEN);
		block[NOISE_KEY_LEN] = 2;
		ok = HMAC(EVP_sha256(), temp, sizeof(temp), block,
		    sizeof(block), second, &len) != NULL;
	}
	explicit_bzero(temp, sizeof(temp));
	explicit_bzero(block, sizeof(block));
	return (ok ? 0 : -1);
}

static int
public_key(const uint8_t *private, uint8_t *out)
{
	EVP_PKEY	*key;
	size_t		 len = NOISE_KEY_LEN;
	int		 ok;

	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private,
	    NOISE_KEY_LEN);
	ok = key != NULL && EVP_PKEY_get_raw_public_key(key, out, &len) == 1;
	EVP_PKEY_free(key);
	return (ok ? 0 : -1);
}

/*
 * X25519 (RFC 7748).  OpenSSL refuses a result of zeros, which is what the
 * points of small order come to (RFC 7748, 6.1).
 */
static int
diffie_hellman(const uint8_t *private, const uint8_t *public, uint8_t *out)
{
	EVP_PKEY	*ours, *theirs;
	EVP_PKEY_CTX	*ctx = NULL;
	size_t		 len = NOISE_KEY_LEN;
	int		 ok;

	ours = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private,
	    NOISE_KEY_LEN);
	theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, public,
	    NOISE_KEY_LEN);
	ok = ours != NULL && theirs != NULL &&
	    (ctx = EVP_PKEY_CTX_new(ours, NULL)) != NULL &&
	    EVP_PKEY_derive_init(ctx) == 1 &&
	    EVP_PKEY_derive_set_peer(ctx, theirs) == 1 &&
	    EVP_PKEY_derive(ctx, out, &len) == 1 && len == NOISE_KEY_LEN;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(theirs);
	EVP_PKEY_free(ours);
	return (ok ? 0 : -1);
}
