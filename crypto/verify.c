/*
 * Signatures of libp2p peers (libp2p specs, peer-ids/peer-ids.md, "Key types").
 * Pure; runs in crypto, on keys and signatures of whoever connected.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <string.h>

#include "crypto/peerid.h"

#define POINT_LEN	33	/* compressed, on secp256k1 */

static EVP_PKEY	*key_decode(const struct public_key *);
static EVP_PKEY	*spki_decode(const struct public_key *);
static EVP_PKEY	*secp256k1_decode(const uint8_t *);
static int	 curve_is(EVP_PKEY *, const char *);

int
public_key_verify(const void *in, size_t in_len, const void *msg,
    size_t msg_len, const void *sig, size_t sig_len)
{
	struct public_key	 key;
	EVP_PKEY		*pkey;
	EVP_MD_CTX		*ctx = NULL;
	const EVP_MD		*md;
	int			 ok = 0;

	if (public_key_parse(&key, in, in_len) == -1)
		return (0);
	md = key.type == KEY_ED25519 ? NULL : EVP_sha256();
	if ((pkey = key_decode(&key)) != NULL &&
	    (ctx = EVP_MD_CTX_new()) != NULL)
		ok = EVP_DigestVerifyInit(ctx, NULL, md, NULL, pkey) == 1 &&
		    EVP_DigestVerify(ctx, sig, sig_len, msg, msg_len) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	/* What OpenSSL noted about a bad key is nobody else's error. */
	ERR_clear_error();
	return (ok);
}

static EVP_PKEY *
key_decode(const struct public_key *key)
{
	switch (key->type) {
	case KEY_ED25519:
		if (key->len != ED25519_KEY_LEN)
			return (NULL);
		return (EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
		    key->data, key->len));
	case KEY_SECP256K1:
		if (key->len != POINT_LEN)
			return (NULL);
		return (secp256k1_decode(key->data));
	case KEY_RSA:
	case KEY_ECDSA:
		return (spki_decode(key));
	}
	return (NULL);
}

/* SubjectPublicKeyInfo (RFC 5280, 4.1) of exactly the type that was said. */
static EVP_PKEY *
spki_decode(const struct public_key *key)
{
	const uint8_t	*p = key->data;
	EVP_PKEY	*pkey;
	int		 ok;

	if ((pkey = d2i_PUBKEY(NULL, &p, (long)key->len)) == NULL)
		return (NULL);
	if (key->type == KEY_RSA)
		ok = EVP_PKEY_is_a(pkey, "RSA") && rsa_is_usual(pkey);
	else
		ok = EVP_PKEY_is_a(pkey, "EC") &&
		    curve_is(pkey, "prime256v1");
	if (!ok || p != key->data + key->len) {
		EVP_PKEY_free(pkey);
		return (NULL);
	}
	return (pkey);
}

/*
 * The time that a signature takes grows with the exponent, which OpenSSL bounds
 * for the largest keys only: at 3072 bits it may be forty times as long.
 */
int
rsa_is_usual(const struct evp_pkey_st *key)
{
	BIGNUM	*e = NULL;
	int	 ok;

	if (EVP_PKEY_get_bits(key) < RSA_BITS_MIN ||
	    EVP_PKEY_get_bits(key) > RSA_BITS_MAX)
		return (0);
	ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
	    BN_num_bits(e) <= RSA_EXPONENT_BITS;
	BN_free(e);
	return (ok);
}

static int
curve_is(EVP_PKEY *pkey, const char *name)
{
	char	group[64];
	size_t	len;

	return (EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) ==
	    1 && strcmp(group, name) == 0);
}

static EVP_PKEY *
secp256k1_decode(const uint8_t *point)
{
	char		 group[] = "secp256k1";
	uint8_t		 copy[POINT_LEN];
	OSSL_PARAM	 params[3];
	EVP_PKEY_CTX	*ctx;
	EVP_PKEY	*pkey = NULL;

	if (point[0] != 2 && point[0] != 3)
		return (NULL);
	memcpy(copy, point, sizeof(copy));
	params[0] = OSSL_PARAM_construct_utf8_string(
	    OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
	    copy, sizeof(copy));
	params[2] = OSSL_PARAM_construct_end();
	if ((ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL)) == NULL)
		return (NULL);
	if (EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &pkey,
	    EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	return (pkey);
}
