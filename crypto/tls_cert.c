/*
 * Certificates of libp2p (libp2p specs, tls/tls.md, "Peer Authentication"): one
 * that signs itself, with an extension in which the identity signs its key.
 * Pure; runs in crypto.  Whoever connects sends one and is believed nothing
 * before all of it has been checked.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <limits.h>
#include <string.h>

#include "crypto/tls.h"

#define EXTENSION_OID	"1.3.6.1.4.1.53594.1.1"
#define SIGN_PREFIX	"libp2p-tls-handshake:"
#define PREFIX_LEN	(sizeof(SIGN_PREFIX) - 1)

#define ASN1_SEQUENCE	0x30
#define ASN1_OCTETS	0x04
#define SIGNED_KEY_LEN	(2 + 2 + ED25519_PUBLIC_LEN + 2 + ED25519_SIG_LEN)

/* The same for everybody, and right where clocks are wrong. */
#define NOT_BEFORE	"19750101000000Z"
#define NOT_AFTER	"40960101000000Z"

#define KEY_SECURITY	112	/* bits: RSA of 2048 */
#define SERIAL_LEN	8

static int	 cert_fill(X509 *, EVP_PKEY *);
static int	 extension_add(X509 *, const struct identity *);
static uint8_t	*signed_text(X509 *, size_t *);
static const char *extension_find(X509 *, X509_EXTENSION **);
static int	 is_ours(X509_EXTENSION *);
static const char *extension_check(X509 *, X509_EXTENSION *,
		    struct peer_id *);
static int	 octets_next(const uint8_t **, size_t *, uint8_t,
		    const uint8_t **, size_t *);
static const char *key_check(X509 *);
static int	 curve_is_usual(EVP_PKEY *);

struct x509_st *
tls_cert_new(const struct identity *self, struct evp_pkey_st *key)
{
	X509 *x;

	if ((x = X509_new()) == NULL)
		return (NULL);
	if (cert_fill(x, key) == -1 || extension_add(x, self) == -1 ||
	    X509_sign(x, key, EVP_sha256()) == 0) {
		X509_free(x);
		ERR_clear_error();
		return (NULL);
	}
	return (x);
}

static int
cert_fill(X509 *x, EVP_PKEY *key)
{
	static const unsigned char name[] = "libp2p.io";
	uint8_t		 serial[SERIAL_LEN];
	X509_NAME	*subject = X509_get_subject_name(x);
	BIGNUM		*bn;
	int		 ok;

	if (RAND_bytes(serial, sizeof(serial)) != 1)
		return (-1);
	serial[0] = (serial[0] & 0x7f) | 0x40;
	if ((bn = BN_bin2bn(serial, sizeof(serial), NULL)) == NULL)
		return (-1);
	ok = BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) != NULL;
	BN_free(bn);
	ok = ok && X509_set_version(x, X509_VERSION_3) == 1 &&
	    X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC, name, -1,
	    -1, 0) == 1 && X509_set_issuer_name(x, subject) == 1 &&
	    ASN1_TIME_set_string_X509(X509_getm_notBefore(x),
	    NOT_BEFORE) == 1 &&
	    ASN1_TIME_set_string_X509(X509_getm_notAfter(x),
	    NOT_AFTER) == 1 && X509_set_pubkey(x, key) == 1;
	return (ok ? 0 : -1);
}

/* SignedKey, in DER: all lengths are below 128. */
static int
extension_add(X509 *x, const struct identity *self)
{
	uint8_t			 der[SIGNED_KEY_LEN], *p = der, *text;
	ASN1_OCTET_STRING	*octets = ASN1_OCTET_STRING_new();
	ASN1_OBJECT		*oid = OBJ_txt2obj(EXTENSION_OID, 1);
	X509_EXTENSION		*ext = NULL;
	size_t			 len;
	int			 ok;

	_Static_assert(SIGNED_KEY_LEN - 2 < 128, "short form");
	*p++ = ASN1_SEQUENCE;
	*p++ = SIGNED_KEY_LEN - 2;
	*p++ = ASN1_OCTETS;
	*p++ = ED25519_PUBLIC_LEN;
	memcpy(p, self->message, ED25519_PUBLIC_LEN);
	p += ED25519_PUBLIC_LEN;
	*p++ = ASN1_OCTETS;
	*p++ = ED25519_SIG_LEN;
	text = signed_text(x, &len);
	ok = text != NULL && oid != NULL && octets != NULL &&
	    identity_sign(self, text, len, p) == 0 &&
	    ASN1_OCTET_STRING_set(octets, der, sizeof(der)) == 1 &&
	    (ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 0,
	    octets)) != NULL && X509_add_ext(x, ext, -1) == 1;
	OPENSSL_free(text);
	X509_EXTENSION_free(ext);
	ASN1_OBJECT_free(oid);
	ASN1_OCTET_STRING_free(octets);
	return (ok ? 0 : -1);
}

/* What the identity signs: a prefix and SubjectPublicKeyInfo. */
static uint8_t *
signed_text(X509 *x, size_t *len)
{
	uint8_t	*text, *p;
	int	 n;

	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), NULL);
	if (n <= 0 || n > INT_MAX - (int)PREFIX_LEN ||
	    (text = OPENSSL_malloc(PREFIX_LEN + (size_t)n)) == NULL)
		return (NULL);
	memcpy(text, SIGN_PREFIX, PREFIX_LEN);
	p = text + PREFIX_LEN;
	if (i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &p) != n) {
		OPENSSL_free(text);
		return (NULL);
	}
	*len = PREFIX_LEN + (size_t)n;
	return (text);
}

const char *
tls_cert_check(struct x509_st *x, time_t now, struct peer_id *peer)
{
	const ASN1_BIT_STRING	*issuer, *subject;
	X509_EXTENSION		*ext;
	const char		*why;

	memset(peer, 0, sizeof(*peer));
	if (X509_cmp_time(X509_get0_notBefore(x), &now) != -1)
		return ("certificate is not valid yet");
	if (X509_cmp_time(X509_get0_notAfter(x), &now) != 1)
		return ("certificate has expired");
	X509_get0_uids(x, &issuer, &subject);
	if (issuer != NULL || subject != NULL)
		return ("certificate has an unique identifier");
	/* The cheap checks come first. */
	if ((why = extension_find(x, &ext)) == NULL &&
	    (why = key_check(x)) == NULL)
		why = extension_check(x, ext, peer);
	if (why != NULL)
		memset(peer, 0, sizeof(*peer));
	ERR_clear_error();
	return (why);
}

/* The one extension of libp2p; no other may be critical. */
static const char *
extension_find(X509 *x, X509_EXTENSION **found)
{
	X509_EXTENSION	*ext;
	int		 i;

	*found = NULL;
	for (i = 0; i < X509_get_ext_count(x); i++) {
		ext = X509_get_ext(x, i);
		if (is_ours(ext)) {
			if (*found != NULL)
				return ("certificate has two libp2p "
				    "extensions");
			*found = ext;
		} else if (X509_EXTENSION_get_critical(ext))
			return ("certificate has a critical extension");
	}
	return (*found != NULL ? NULL : "certificate is not libp2p's");
}

static int
is_ours(X509_EXTENSION *ext)
{
	char text[sizeof(EXTENSION_OID) + 1];

	return (OBJ_obj2txt(text, sizeof(text),
	    X509_EXTENSION_get_object(ext), 1) ==
	    (int)sizeof(EXTENSION_OID) - 1 &&
	    strcmp(text, EXTENSION_OID) == 0);
}

/* The key of the certificate, and that it signed itself with it. */
static const char *
key_check(X509 *x)
{
	EVP_PKEY	*key = X509_get0_pubkey(x);
	uint32_t	 flags;
	int		 md, type, bits;

	if (key == NULL)
		return ("certificate has an unknown key");
	if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS")) {
		if (!rsa_is_usual(key))
			return ("certificate has an unusual RSA key");
	} else if (!EVP_PKEY_is_a(key, "ED25519") && !curve_is_usual(key))
		return ("certificate has a key that TLS cannot use");
	if (X509_get_signature_info(x, &md, &type, &bits, &flags) != 1 ||
	    bits < KEY_SECURITY)
		return ("certificate has a weak signature");
	if (X509_verify(x, key) != 1)
		return ("certificate is not signed by its key");
	return (NULL);
}

/* One of those that RFC 8446, 4.2.3 has signatures for. */
static int
curve_is_usual(EVP_PKEY *key)
{
	char	name[32];
	size_t	len;

	return (EVP_PKEY_is_a(key, "EC") &&
	    EVP_PKEY_get_group_name(key, name, sizeof(name), &len) == 1 &&
	    (strcmp(name, "prime256v1") == 0 ||
	    strcmp(name, "secp384r1") == 0 || strcmp(name, "secp521r1") == 0));
}

static const char *
extension_check(X509 *x, X509_EXTENSION *ext, struct peer_id *peer)
{
	static const char	 malformed[] = "libp2p extension is malformed";
	const ASN1_OCTET_STRING	*octets = X509_EXTENSION_get_data(ext);
	const uint8_t		*p, *seq, *key, *sig;
	uint8_t			*text;
	size_t			 n, seq_len, key_len, sig_len, len;
	int			 ok;

	p = ASN1_STRING_get0_data(octets);
	n = (size_t)ASN1_STRING_length(octets);
	if (octets_next(&p, &n, ASN1_SEQUENCE, &seq, &seq_len) == -1 ||
	    n != 0 ||
	    octets_next(&seq, &seq_len, ASN1_OCTETS, &key, &key_len) == -1 ||
	    octets_next(&seq, &seq_len, ASN1_OCTETS, &sig, &sig_len) == -1 ||
	    seq_len != 0 || peerid_from_key(peer, key, key_len) == -1)
		return (malformed);
	if ((text = signed_text(x, &len)) == NULL)
		return (malformed);
	ok = public_key_verify(key, key_len, text, len, sig, sig_len);
	OPENSSL_free(text);
	return (ok ? NULL : "identity key did not sign the certificate's");
}

/*
 * The next value of DER (X.690, 8.1) with a tag; two octets of length are more
 * than there is use for.  Moves *p behind it.  Returns 0 or -1.
 */
static int
octets_next(const uint8_t **p, size_t *n, uint8_t tag, const uint8_t **value,
    size_t *len)
{
	size_t head = 2;

	if (*n < 2 || (*p)[0] != tag)
		return (-1);
	*len = (*p)[1];
	if (*len == 0x81 && *n >= 3 && (*p)[2] >= 0x80) {
		*len = (*p)[2];
		head = 3;
	} else if (*len == 0x82 && *n >= 4 && (*p)[2] != 0) {
		*len = (size_t)(*p)[2] << 8 | (*p)[3];
		head = 4;
	} else if (*len >= 0x80)
		return (-1);
	if (*len > *n - head)
		return (-1);
	*value = *p + head;
	*p += head + *len;
	*n -= head + *len;
	return (0);
}
