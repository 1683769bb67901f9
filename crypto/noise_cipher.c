/*
 * ChaCha20-Poly1305 with the counter of Noise (noiseprotocol.org, revision 34,
 * sections 5.1 and 12.3).  Pure; runs in crypto, on records of links.
 *
 * The context of OpenSSL is kept with its key, so that a record costs nothing
 * but the cipher itself.
 */
#include <openssl/evp.h>

#include <limits.h>
#include <string.h>

#include "crypto/noise_xx.h"

#define IV_LEN	12

static void	iv_write(uint8_t *, uint64_t);

int
noise_cipher_init(struct noise_cipher *c, const uint8_t *key, int sealing)
{
	EVP_CIPHER_CTX *ctx;

	noise_cipher_wipe(c);
	if ((ctx = EVP_CIPHER_CTX_new()) == NULL)
		return (-1);
	if (EVP_CipherInit_ex(ctx, EVP_chacha20_poly1305(), NULL, key, NULL,
	    sealing) != 1) {
		EVP_CIPHER_CTX_free(ctx);
		return (-1);
	}
	c->ctx = ctx;
	c->nonce = 0;
	c->sealing = sealing;
	return (0);
}

/* OpenSSL wipes the key when it frees the context. */
void
noise_cipher_wipe(struct noise_cipher *c)
{
	EVP_CIPHER_CTX_free(c->ctx);
	explicit_bzero(c, sizeof(*c));
}

int
noise_seal_with(struct noise_cipher *c, const void *ad, size_t ad_len,
    const uint8_t *in, size_t n, uint8_t *out)
{
	uint8_t	iv[IV_LEN];
	int	len;

	if (c->ctx == NULL || !c->sealing || c->nonce == UINT64_MAX ||
	    n > INT_MAX || ad_len > INT_MAX)
		return (-1);
	iv_write(iv, c->nonce);
	if (EVP_EncryptInit_ex(c->ctx, NULL, NULL, NULL, iv) != 1 ||
	    (ad_len > 0 && EVP_EncryptUpdate(c->ctx, NULL, &len, ad,
	    (int)ad_len) != 1) ||
	    (n > 0 && EVP_EncryptUpdate(c->ctx, out, &len, in,
	    (int)n) != 1) ||
	    EVP_EncryptFinal_ex(c->ctx, out + n, &len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_GET_TAG, NOISE_TAG_LEN,
	    out + n) != 1)
		return (-1);
	c->nonce++;
	return (0);
}

int
noise_open_with(struct noise_cipher *c, const void *ad, size_t ad_len,
    const uint8_t *in, size_t n, uint8_t *out)
{
	uint8_t	iv[IV_LEN], tag[NOISE_TAG_LEN], none[1];
	int	len;

	if (c->ctx == NULL || c->sealing || c->nonce == UINT64_MAX ||
	    n < NOISE_TAG_LEN || n > INT_MAX || ad_len > INT_MAX)
		return (-1);
	n -= NOISE_TAG_LEN;
	memcpy(tag, in + n, sizeof(tag));
	iv_write(iv, c->nonce);
	if (EVP_DecryptInit_ex(c->ctx, NULL, NULL, NULL, iv) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_SET_TAG, NOISE_TAG_LEN,
	    tag) != 1 ||
	    (ad_len > 0 && EVP_DecryptUpdate(c->ctx, NULL, &len, ad,
	    (int)ad_len) != 1) ||
	    (n > 0 && EVP_DecryptUpdate(c->ctx, out, &len, in,
	    (int)n) != 1) ||
	    EVP_DecryptFinal_ex(c->ctx, none, &len) != 1)
		return (-1);
	c->nonce++;
	return (0);
}

/* 32 bits of zeros, then the counter, little-endian (12.3). */
static void
iv_write(uint8_t *iv, uint64_t nonce)
{
	int i;

	memset(iv, 0, 4);
	for (i = 0; i < 8; i++)
		iv[4 + i] = (uint8_t)(nonce >> (8 * i));
}
