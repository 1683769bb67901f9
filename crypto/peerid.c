/*
 * Peer ids (libp2p specs, peer-ids/peer-ids.md): PublicKey, its multihash, the
 * text of it, and our own key.  Pure; runs in crypto.  Keys and names come from
 * links and are trusted for nothing but being what they are.
 */
#include <openssl/evp.h>
#include <string.h>

#include "crypto/base.h"
#include "crypto/peerid.h"
#include "crypto/protobuf.h"

#define FIELD_TYPE	1
#define FIELD_DATA	2

/* multicodec */
#define HASH_IDENTITY	0x00
#define HASH_SHA256	0x12
#define CID_V1		0x01
#define CODEC_KEY	0x72	/* libp2p-key */

#define CID_MAX		(2 + PEERID_MAX)

static int	cid_decode(uint8_t *, size_t, char, const char *, size_t);

int
public_key_parse(struct public_key *key, const void *in, size_t n)
{
	struct pb_reader r;
	struct pb_field	 type, data;
	const uint8_t	*p = in;

	/* 08 type 12 length data, and the length minimal. */
	pb_reader_init(&r, in, n);
	if (n > PUBLIC_KEY_MAX || pb_next(&r, &type) != 1 ||
	    type.number != FIELD_TYPE || type.type != PB_VARINT ||
	    type.value > KEY_ECDSA || r.left != n - 2)
		return (-1);
	if (pb_next(&r, &data) != 1 || data.number != FIELD_DATA ||
	    data.type != PB_BYTES || r.left != 0 || p[2] != 0x12)
		return (-1);
	if (data.len == 0 || n - data.len !=
	    3 + (data.len < 0x80 ? 1u : 2u))
		return (-1);
	key->type = (enum key_type)type.value;
	key->data = data.data;
	key->len = data.len;
	return (0);
}

int
peerid_from_key(struct peer_id *id, const void *in, size_t n)
{
	struct public_key	key;
	unsigned int		len;

	memset(id, 0, sizeof(*id));
	if (public_key_parse(&key, in, n) == -1)
		return (-1);
	if (n <= PEERID_INLINE_MAX) {
		id->bytes[0] = HASH_IDENTITY;
		id->bytes[1] = (uint8_t)n;
		memcpy(id->bytes + 2, in, n);
		id->len = (uint8_t)(2 + n);
		return (0);
	}
	id->bytes[0] = HASH_SHA256;
	id->bytes[1] = 32;
	if (EVP_Digest(in, n, id->bytes + 2, &len, EVP_sha256(), NULL) != 1)
		return (-1);
	id->len = 2 + 32;
	return (0);
}

int
peerid_from_bytes(struct peer_id *id, const void *in, size_t n)
{
	struct public_key	 key;
	const uint8_t		*p = in;

	memset(id, 0, sizeof(*id));
	if (n < 2 || n > PEERID_MAX || p[1] != n - 2)
		return (-1);
	if (p[0] == HASH_IDENTITY) {
		if (public_key_parse(&key, p + 2, n - 2) == -1)
			return (-1);
	} else if (p[0] != HASH_SHA256 || p[1] != 32)
		return (-1);
	memcpy(id->bytes, p, n);
	id->len = (uint8_t)n;
	return (0);
}

int
peerid_parse(struct peer_id *id, const char *text, size_t n)
{
	uint8_t	bytes[CID_MAX];
	int	len;

	memset(id, 0, sizeof(*id));
	if (n < 2)
		return (-1);
	if (text[0] == '1' || (text[0] == 'Q' && text[1] == 'm')) {
		len = base58_decode(bytes, PEERID_MAX, text, n);
		if (len == -1)
			return (-1);
		return (peerid_from_bytes(id, bytes, (size_t)len));
	}
	len = cid_decode(bytes, sizeof(bytes), text[0], text + 1, n - 1);
	if (len < 2 || bytes[0] != CID_V1 || bytes[1] != CODEC_KEY)
		return (-1);
	return (peerid_from_bytes(id, bytes + 2, (size_t)len - 2));
}

/* The prefix is a code of multibase. */
static int
cid_decode(uint8_t *out, size_t size, char prefix, const char *text, size_t n)
{
	size_t i;

	/* The prefix tells the case of the digits. */
	if (strchr("bfBF", prefix) != NULL)
		for (i = 0; i < n; i++)
			if (prefix >= 'a' ? text[i] >= 'A' && text[i] <= 'Z' :
			    text[i] >= 'a' && text[i] <= 'z')
				return (-1);
	switch (prefix) {
	case 'b':
	case 'B':
		return (base32_decode(out, size, text, n));
	case 'f':
	case 'F':
		return (base16_decode(out, size, text, n));
	case 'k':
		return (base36_decode(out, size, text, n));
	case 'z':
		return (base58_decode(out, size, text, n));
	default:
		return (-1);
	}
}

void
peerid_print(const struct peer_id *id, char out[PEERID_TEXT_MAX])
{
	if (base58_encode(out, PEERID_TEXT_MAX, id->bytes, id->len) == -1)
		out[0] = '\0';
}

int
peerid_equal(const struct peer_id *a, const struct peer_id *b)
{
	return (a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0);
}

int
identity_from_seed(struct identity *self, const uint8_t *seed)
{
	EVP_PKEY	*key;
	size_t		 len = ED25519_KEY_LEN;
	int		 ok = 0;

	memset(self, 0, sizeof(*self));
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed,
	    ED25519_KEY_LEN);
	if (key != NULL) {
		self->message[0] = FIELD_TYPE << 3 | PB_VARINT;
		self->message[1] = KEY_ED25519;
		self->message[2] = FIELD_DATA << 3 | PB_BYTES;
		self->message[3] = ED25519_KEY_LEN;
		ok = EVP_PKEY_get_raw_public_key(key, self->message + 4,
		    &len) == 1 && len == ED25519_KEY_LEN;
	}
	EVP_PKEY_free(key);
	if (!ok || peerid_from_key(&self->id, self->message,
	    sizeof(self->message)) == -1)
		return (-1);
	memcpy(self->seed, seed, sizeof(self->seed));
	return (0);
}

int
identity_parse(struct identity *self, const void *in, size_t n)
{
	struct public_key	 key;
	const uint8_t		*half;

	/* A PrivateKey has the same two fields. */
	if (public_key_parse(&key, in, n) == -1 || key.type != KEY_ED25519 ||
	    (key.len != 2 * ED25519_KEY_LEN && key.len != 3 * ED25519_KEY_LEN))
		return (-1);
	if (identity_from_seed(self, key.data) == -1)
		return (-1);
	/* The old form has the public half twice. */
	for (half = key.data + ED25519_KEY_LEN; half < key.data + key.len;
	    half += ED25519_KEY_LEN)
		if (memcmp(half, self->message + 4, ED25519_KEY_LEN) != 0) {
			identity_wipe(self);
			return (-1);
		}
	return (0);
}

int
identity_sign(const struct identity *self, const void *msg, size_t n,
    uint8_t *sig)
{
	EVP_PKEY	*key;
	EVP_MD_CTX	*ctx;
	size_t		 len = ED25519_SIG_LEN;
	int		 ok = 0;

	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, self->seed,
	    sizeof(self->seed));
	ctx = EVP_MD_CTX_new();
	if (key != NULL && ctx != NULL)
		ok = EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
		    EVP_DigestSign(ctx, sig, &len, msg, n) == 1 &&
		    len == ED25519_SIG_LEN;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return (ok ? 0 : -1);
}

void
identity_wipe(struct identity *self)
{
	explicit_bzero(self, sizeof(*self));
}
