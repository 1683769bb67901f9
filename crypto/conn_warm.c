/*
 * What crypto computes, finds or opens only once, done before it may do less:
 * OpenSSL looks for an algorithm when it is first asked for.  Runs in crypto,
 * at its start, with nothing but our own bytes.
 */
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <stdlib.h>
#include <string.h>

#include "crypto/conn.h"
#include "crypto/tls.h"

#define PAIR_ROUNDS	32	/* more than any handshake takes */
#define PAIR_BYTES	16384	/* likewise, for one flight */

/* SubjectPublicKeyInfo of an RSA key of 2048 bits, but for the numbers. */
static const uint8_t rsa_head[] = {
	0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
	0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03, 0x82, 0x01, 0x0f, 0x00,
	0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00
};
static const uint8_t rsa_tail[] = { 0x02, 0x03, 0x01, 0x00, 0x01 };
#define RSA_BYTES	256

/* The same for a point of P-256, and its base point (FIPS 186-4, D.1.2.3). */
static const uint8_t p256_key[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
	0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03,
	0x42, 0x00, 0x04,
	0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5,
	0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0,
	0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
	0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a,
	0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce,
	0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5
};

/* The base point of secp256k1 (SEC 2, 2.4.1). */
static const uint8_t k1_key[] = {
	0x02, 0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62,
	0x95, 0xce, 0x87, 0x0b, 0x07, 0x02, 0x9b, 0xfc, 0xdb, 0x2d, 0xce, 0x28,
	0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98
};

/* SEQUENCE { INTEGER 1, INTEGER 1 }: a signature, if never the right one. */
static const uint8_t ecdsa_sig[] = { 0x30, 6, 2, 1, 1, 2, 1, 1 };

static int	handshakes_warm(struct conn_config *);
static int	pair_run(const struct conn_config *);
static int	pair_pass(struct conn *, struct conn *, uint8_t *, int *);
static void	signatures_warm(void);
static void	signature_warm(enum key_type, const uint8_t *, size_t,
		    const uint8_t *, size_t);

int
conn_init(void)
{
	struct identity		 ids[2];
	struct conn_config	 config[2];
	uint8_t			 seed[ED25519_KEY_LEN];
	static int		 done;
	int			 result = -1, i;

	if (done)
		return (0);
	/* Only the first such call of a process counts. */
	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG |
	    OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
	    NULL) != 1)
		return (-1);
	signatures_warm();
	memset(config, 0, sizeof(config));
	for (i = 0; i < 2; i++) {
		if (RAND_bytes(seed, sizeof(seed)) != 1 ||
		    identity_from_seed(&ids[i], seed) == -1)
			break;
		config[i].dialler = i == 0;
		config[i].self = &ids[i];
		config[i].agent = "";
		if ((config[i].tls = tls_context_new(&ids[i])) == NULL)
			break;
	}
	if (i == 2)
		result = handshakes_warm(config);
	for (i = 0; i < 2; i++) {
		tls_context_free(config[i].tls);
		identity_wipe(&ids[i]);
	}
	explicit_bzero(seed, sizeof(seed));
	done = result == 0;
	return (result);
}

struct conn_tls *
conn_tls_new(const struct identity *self)
{
	return (conn_init() == -1 ? NULL : tls_context_new(self));
}

void
conn_tls_free(struct conn_tls *tls)
{
	tls_context_free(tls);
}

/* A connection of each kind, of two that we make up. */
static int
handshakes_warm(struct conn_config *config)
{
	config[0].security = config[1].security = CONN_TLS;
	if (pair_run(config) == -1)
		return (-1);
	config[0].security = config[1].security = CONN_NOISE;
	return (pair_run(config));
}

static int
pair_run(const struct conn_config *config)
{
	struct conn	*c[2];
	uint8_t		*buf;
	int		 i, ready = 0;

	c[0] = conn_new(&config[0]);
	c[1] = conn_new(&config[1]);
	buf = malloc(PAIR_BYTES);
	if (c[0] != NULL && c[1] != NULL && buf != NULL)
		for (i = 0; i < PAIR_ROUNDS && ready < 2; i++)
			if (pair_pass(c[i % 2], c[1 - i % 2], buf,
			    &ready) == -1)
				break;
	free(buf);
	conn_free(c[0]);
	conn_free(c[1]);
	return (ready == 2 ? 0 : -1);
}

/* Brings what one says to the other. */
static int
pair_pass(struct conn *from, struct conn *to, uint8_t *buf, int *ready)
{
	struct conn_event	 ev;
	const uint8_t		*p;
	size_t			 n, used = 0;

	if ((n = conn_output(from, &p)) > PAIR_BYTES)
		return (-1);
	if (n > 0)
		memcpy(buf, p, n);
	conn_sent(from, n);
	do {
		used += conn_input(to, buf + used, n - used, &ev);
		if (ev.type == CONN_READY)
			++*ready;
		if (ev.type == CONN_FAILED)
			return (-1);
	} while (ev.type != CONN_NONE);
	return (0);
}

/* The kinds of identities that others have. */
static void
signatures_warm(void)
{
	uint8_t	rsa[sizeof(rsa_head) + RSA_BYTES + sizeof(rsa_tail)];
	uint8_t	sig[RSA_BYTES];

	memcpy(rsa, rsa_head, sizeof(rsa_head));
	memset(rsa + sizeof(rsa_head), 0xc5, RSA_BYTES);
	memcpy(rsa + sizeof(rsa_head) + RSA_BYTES, rsa_tail,
	    sizeof(rsa_tail));
	memset(sig, 0x11, sizeof(sig));
	signature_warm(KEY_RSA, rsa, sizeof(rsa), sig, sizeof(sig));
	signature_warm(KEY_ECDSA, p256_key, sizeof(p256_key), ecdsa_sig,
	    sizeof(ecdsa_sig));
	signature_warm(KEY_SECP256K1, k1_key, sizeof(k1_key), ecdsa_sig,
	    sizeof(ecdsa_sig));
}

static void
signature_warm(enum key_type type, const uint8_t *key, size_t n,
    const uint8_t *sig, size_t sig_len)
{
	uint8_t	message[5 + sizeof(rsa_head) + RSA_BYTES + sizeof(rsa_tail)];
	uint8_t	*p = message;

	*p++ = 0x08;
	*p++ = (uint8_t)type;
	*p++ = 0x12;
	if (n >= 0x80) {
		*p++ = (uint8_t)(n & 0x7f) | 0x80;
		*p++ = (uint8_t)(n >> 7);
	} else
		*p++ = (uint8_t)n;
	memcpy(p, key, n);
	(void)public_key_verify(message, (size_t)(p - message) + n, "", 0,
	    sig, sig_len);
}
