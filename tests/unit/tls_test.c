/* crypto/tls.c and crypto/tls_cert.c, with the vectors of libp2p's tls.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/tls.h"
#include "tests/unit/hex.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define NOW		1790000000	/* in 2026 */
#define ROUNDS		20
#define OID		"1.3.6.1.4.1.53594.1.1"

/* What all four certificates begin and go on with. */
#define NAMES	"a0030201020204499602d2300a06082a8648ce3d0403023020311230" \
	"10060355040a13096c69627032702e696f310a300806035504051301313020" \
	"170d3735303130313133303030305a180f34303936303130313133303030305a" \
	"302031123010060355040a13096c69627032702e696f310a30080603550405" \
	"1301313059301306072a8648ce3d020106082a8648ce3d030107034200040c" \
	"901d423c831ca85e27c73c263ba132721bb9d7a84c4f0380b2a6756fd60133" \
	"1c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e38156" \
	"9ea3"
#define P256	"3059301306072a8648ce3d020106082a8648ce3d03010703420004bf30" \
	"511f909414ebdd3242178fd290f093a551cf75c973155de0bb5a96fedf6cb5" \
	"d52da7563e794b512f66e60c7f55ba8a3acf3dd72a801980d205e8a1ad29f2"

static const char *const vectors[4][2] = {
	{ "308201ae30820156" NAMES
	    "7c307a3078060a2b0601040183a25a0101046a3068042408011220a77f1d92fe"
	    "db59dddaea5a1c4abd1ac2fbde7d7b879ed364501809923d7c11b90440d90d27"
	    "69db992d5e6195dbb08e706b6651e024fda6cfb8846694a435519941cac215a8"
	    "207792e42849cccc6cd8136c6e4bde92a58c5e08cfd4206eb5fe0bf909300a06"
	    "082a8648ce3d0403020346003043021f50f6b6c52711a881778718238f650c9f"
	    "b48943ae6ee6d28427dc6071ae55e702203625f116a7a454db9c56986c82a256"
	    "82f7248ea1cb764d322ea983ed36a31b77",
	    "12D3KooWM6CgA9iBFZmcYAHA6A2qvbAxqfkmrYiRQuz3XEsk4Ksv" },
	{ "308201f63082019d" NAMES
	    "81c23081bf3081bc060a2b0601040183a25a01010481ad3081aa045f0803125b"
	    P256 "04473045"
	    "0220064ea8124774caf8f50e57f436aa62350ce652418c019df5d98a3ac666c9"
	    "386a022100aa59d704a931b5f72fb9222cb6cc51f954d04a4e2e5450f8805fe8"
	    "918f71eaae300a06082a8648ce3d04030203470030440220799395b0b6c1e940"
	    "a7e4484705f610ab51ed376f19ff9d7c16757cfbf61b8d4302206205c03fbb0f"
	    "95205c779be86581d3e31c01871ad5d1f3435bcf375cb0e5088a",
	    "QmfXbAwNjJLXfesgztEHe8HwgVDCMMpZ9Eax1HYq6hn9uE" },
	{ "308201ba3082015f" NAMES
	    "8184308181307f060a2b0601040183a25a01010471306f042508021221020"
	    "6dc6968726765b820f050263ececf7f71e4955892776c0970542efd689d2382"
	    "044630440220145e15a991961f0d08cd15425bb95ec93f6ffa03c5a385eedc34"
	    "ecf464c7a8ab022026b3109b8a3f40ef833169777eb2aa337cfb6282f188de06"
	    "66d1bcec2a4690dd300a06082a8648ce3d0403020349003046022100e1a217ee"
	    "ef9ec9204b3f774a08b70849646b6a1e6b8b27f93dc00ed58545d9fe022100b0"
	    "0dafa549d0f03547878338c7b15e7502888f6d45db387e5ae6b5d46899cef0",
	    "16Uiu2HAkutTMoTzDw1tCvSRtu6YoixJwS46S1ZFxW8hSx9fWHiPs" },
	{ "308201f73082019d" NAMES
	    "81c23081bf3081bc060a2b0601040183a25a01010481ad3081aa045f0803125b"
	    P256 "04473045"
	    "022100bb6e03577b7cc7a3cd1558df0da2b117dfdcc0399bc2504ebe7de6f65c"
	    "ade72802206de96e2a5be9b6202adba24ee0362e490641ac45c240db71fe955f"
	    "2c5cf8df6e300a06082a8648ce3d0403020348003045022100e847f267f43717"
	    "358f850355bdcabbefb2cfbf8a3c043b203a14788a092fe8db022027c1d04a2d"
	    "41fd6b57a7e8b3989e470325de4406e52e084e34a3fd56eef0d0df", NULL },
};

static X509 *
vector(size_t i)
{
	uint8_t		 der[1024];
	const uint8_t	*p = der;
	size_t		 n = hex(der, sizeof(der), vectors[i][0]);
	X509		*x = d2i_X509(NULL, &p, (long)n);

	assert_non_null(x);
	assert_ptr_equal(p, der + n);
	return (x);
}

static void
test_vectors(void **state)
{
	struct peer_id	 peer;
	char		 text[PEERID_TEXT_MAX];
	X509		*x;
	size_t		 i;

	(void)state;
	for (i = 0; i < 3; i++) {
		x = vector(i);
		assert_null(tls_cert_check(x, NOW, &peer));
		peerid_print(&peer, text);
		assert_string_equal(text, vectors[i][1]);
		X509_free(x);
	}
	x = vector(3);
	assert_string_equal(tls_cert_check(x, NOW, &peer),
	    "identity key did not sign the certificate's");
	assert_int_equal(peer.len, 0);
	X509_free(x);
}

/* Valid from 1975-01-01 13:00:00 to 4096-01-01 13:00:00. */
static void
test_times(void **state)
{
	const time_t	 from = 157813200, to = 67090165200;
	struct peer_id	 peer;
	X509		*x = vector(0);

	(void)state;
	assert_null(tls_cert_check(x, from + 1, &peer));
	assert_null(tls_cert_check(x, to - 1, &peer));
	assert_string_equal(tls_cert_check(x, from - 1, &peer),
	    "certificate is not valid yet");
	assert_string_equal(tls_cert_check(x, to + 1, &peer),
	    "certificate has expired");
	X509_free(x);
}

/* No octet can be changed, but for some that encode the same in two ways. */
static void
test_changed(void **state)
{
	uint8_t		 der[1024];
	const uint8_t	*p;
	size_t		 n, i;
	struct peer_id	 peer;
	X509		*x;

	(void)state;
	n = hex(der, sizeof(der), vectors[0][0]);
	for (i = 0; i < n; i++) {
		der[i] ^= 0x10;
		p = der;
		if ((x = d2i_X509(NULL, &p, (long)n)) != NULL)
			assert_non_null(tls_cert_check(x, NOW, &peer));
		X509_free(x);
		der[i] ^= 0x10;
	}
	for (i = 0; i < n; i++) {
		p = der;
		assert_null(d2i_X509(NULL, &p, (long)i));
	}
	ERR_clear_error();
}

/* A certificate of ours, for one that is to be made wrong. */
struct maker {
	struct identity	 self;
	EVP_PKEY	*key;
	X509		*x;
};

static void
maker_init(struct maker *m, int seed)
{
	uint8_t bytes[ED25519_KEY_LEN];

	memset(bytes, seed, sizeof(bytes));
	assert_int_equal(identity_from_seed(&m->self, bytes), 0);
	m->key = EVP_EC_gen("P-256");
	assert_non_null(m->key);
	m->x = tls_cert_new(&m->self, m->key);
	assert_non_null(m->x);
}

static void
maker_free(struct maker *m)
{
	X509_free(m->x);
	EVP_PKEY_free(m->key);
}

/* As if it had come from somewhere: OpenSSL remembers some of the old. */
static void
again(struct maker *m)
{
	uint8_t		*der = NULL;
	const uint8_t	*p;
	int		 n = i2d_X509(m->x, &der);

	assert_true(n > 0);
	p = der;
	X509_free(m->x);
	m->x = d2i_X509(NULL, &p, n);
	assert_non_null(m->x);
	OPENSSL_free(der);
}

/* Signed anew, what is wrong with it? */
static const char *
maker_check(struct maker *m)
{
	struct peer_id	 peer;
	const char	*why;

	assert_true(X509_sign(m->x, m->key, EVP_sha256()) > 0);
	why = tls_cert_check(m->x, NOW, &peer);
	assert_true((why == NULL) == peerid_equal(&peer, &m->self.id));
	return (why);
}

static void
extension_add(X509 *x, const char *oid, int critical, const void *p, int n)
{
	ASN1_OCTET_STRING	*octets = ASN1_OCTET_STRING_new();
	ASN1_OBJECT		*object = OBJ_txt2obj(oid, 1);
	X509_EXTENSION		*ext;

	assert_true(ASN1_OCTET_STRING_set(octets, p, n) == 1);
	ext = X509_EXTENSION_create_by_OBJ(NULL, object, critical, octets);
	assert_true(X509_add_ext(x, ext, -1) == 1);
	X509_EXTENSION_free(ext);
	ASN1_OBJECT_free(object);
	ASN1_OCTET_STRING_free(octets);
}

static void
test_ours(void **state)
{
	static const uint8_t	 null[] = { 5, 0 };
	struct maker		 m;
	X509_EXTENSION		*ext;

	(void)state;
	maker_init(&m, 1);
	assert_null(maker_check(&m));
	extension_add(m.x, "1.2.3.4", 0, null, sizeof(null));
	assert_null(maker_check(&m));
	/* The extension of libp2p may be critical, no other. */
	ext = X509_get_ext(m.x, 0);
	assert_int_equal(X509_EXTENSION_set_critical(ext, 1), 1);
	assert_null(maker_check(&m));
	extension_add(m.x, "1.2.3.5", 1, null, sizeof(null));
	assert_string_equal(maker_check(&m),
	    "certificate has a critical extension");
	maker_free(&m);
}

static void
test_extension(void **state)
{
	static const uint8_t	 null[] = { 5, 0 };
	uint8_t			 der[128];
	struct maker		 m;
	X509_EXTENSION		*ext;
	ASN1_OCTET_STRING	*octets;
	int			 n, i;

	(void)state;
	maker_init(&m, 1);
	octets = X509_EXTENSION_get_data(X509_get_ext(m.x, 0));
	n = ASN1_STRING_length(octets);
	assert_int_equal(n, 106);
	memcpy(der, ASN1_STRING_get0_data(octets), 106);
	/* A second one, whatever it says. */
	extension_add(m.x, OID, 0, der, n);
	assert_string_equal(maker_check(&m),
	    "certificate has two libp2p extensions");
	ext = X509_delete_ext(m.x, 1);
	X509_EXTENSION_free(ext);
	assert_null(maker_check(&m));
	ext = X509_delete_ext(m.x, 0);
	X509_EXTENSION_free(ext);
	assert_string_equal(maker_check(&m), "certificate is not libp2p's");
	extension_add(m.x, OID, 0, null, sizeof(null));
	assert_string_equal(maker_check(&m), "libp2p extension is malformed");
	/* Cut anywhere, or with one octet more. */
	for (i = 0; i <= n + 1; i++) {
		ext = X509_delete_ext(m.x, 0);
		X509_EXTENSION_free(ext);
		der[106] = 0;
		extension_add(m.x, OID, 0, der, i);
		if (i == n)
			assert_null(maker_check(&m));
		else
			assert_string_equal(maker_check(&m),
			    "libp2p extension is malformed");
	}
	/* One octet more within the sequence. */
	der[1]++;
	ext = X509_delete_ext(m.x, 0);
	X509_EXTENSION_free(ext);
	extension_add(m.x, OID, 0, der, n + 1);
	assert_string_equal(maker_check(&m), "libp2p extension is malformed");
	maker_free(&m);
}

static EVP_PKEY *
rsa_make(uint64_t exponent)
{
	EVP_PKEY_CTX	*ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY	*key = NULL;
	BIGNUM		*e = BN_new();

	assert_int_equal(BN_set_word(e, exponent), 1);
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, RSA_BITS_MIN),
	    1);
	assert_int_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e), 1);
	assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
	BN_free(e);
	EVP_PKEY_CTX_free(ctx);
	return (key);
}

static void
test_keys(void **state)
{
	struct maker	 m, other;
	struct peer_id	 peer;
	EVP_PKEY	*k1, *rsa;

	(void)state;
	maker_init(&m, 1);
	maker_init(&other, 2);
	/* Signed by another key than its own. */
	assert_true(X509_sign(m.x, other.key, EVP_sha256()) > 0);
	assert_string_equal(tls_cert_check(m.x, NOW, &peer),
	    "certificate is not signed by its key");
	/* The key of another certificate: the identity has not signed it. */
	assert_int_equal(X509_set_pubkey(m.x, other.key), 1);
	EVP_PKEY_free(m.key);
	assert_int_equal(EVP_PKEY_up_ref(other.key), 1);
	m.key = other.key;
	assert_string_equal(maker_check(&m),
	    "identity key did not sign the certificate's");
	assert_true(X509_sign(m.x, m.key, EVP_sha1()) > 0);
	again(&m);
	assert_string_equal(tls_cert_check(m.x, NOW, &peer),
	    "certificate has a weak signature");
	k1 = EVP_EC_gen("secp256k1");
	assert_int_equal(X509_set_pubkey(m.x, k1), 1);
	assert_true(X509_sign(m.x, k1, EVP_sha256()) > 0);
	assert_string_equal(tls_cert_check(m.x, NOW, &peer),
	    "certificate has a key that TLS cannot use");
	EVP_PKEY_free(k1);
	rsa = rsa_make(65537);
	assert_int_equal(X509_set_pubkey(m.x, rsa), 1);
	assert_true(X509_sign(m.x, rsa, EVP_sha256()) > 0);
	again(&m);
	assert_string_equal(tls_cert_check(m.x, NOW, &peer),
	    "identity key did not sign the certificate's");
	EVP_PKEY_free(rsa);
	/* A prime of 33 bits. */
	rsa = rsa_make(4294967311u);
	assert_int_equal(X509_set_pubkey(m.x, rsa), 1);
	assert_true(X509_sign(m.x, rsa, EVP_sha256()) > 0);
	again(&m);
	assert_string_equal(tls_cert_check(m.x, NOW, &peer),
	    "certificate has an unusual RSA key");
	EVP_PKEY_free(rsa);
	maker_free(&m);
	maker_free(&other);
}

/* Us, and at the other end an OpenSSL that does as the test says. */
struct ends {
	struct identity	 self;
	struct conn_tls	*context;
	struct outbuf	 out;
	struct tls	 tls;
	struct maker	 theirs;
	SSL_CTX		*ctx;
	SSL		*ssl;
	int		 dialler;
};

static int
accept_any(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return (1);
}

static void
ends_init(struct ends *t, int dialler)
{
	uint8_t seed[ED25519_KEY_LEN];

	memset(t, 0, sizeof(*t));
	memset(seed, 7, sizeof(seed));
	assert_int_equal(identity_from_seed(&t->self, seed), 0);
	t->context = tls_context_new(&t->self);
	assert_non_null(t->context);
	t->dialler = dialler;
	maker_init(&t->theirs, 9);
	t->ctx = SSL_CTX_new(TLS_method());
	assert_int_equal(SSL_CTX_use_certificate(t->ctx, t->theirs.x), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(t->ctx, t->theirs.key), 1);
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, accept_any);
}

static int
alpn_first(SSL *ssl, const unsigned char **out, unsigned char *len,
    const unsigned char *in, unsigned int in_len, void *arg)
{
	(void)ssl;
	(void)in_len;
	if (arg != NULL) {
		*out = arg;
		*len = (unsigned char)strlen(arg);
	} else {
		*out = in + 1;
		*len = *in;
	}
	return (SSL_TLSEXT_ERR_OK);
}

static void
ends_begin(struct ends *t)
{
	t->ssl = SSL_new(t->ctx);
	SSL_set_bio(t->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	if (t->dialler)
		SSL_set_accept_state(t->ssl);
	else
		SSL_set_connect_state(t->ssl);
	assert_int_equal(tls_begin(&t->tls, t->context, t->dialler, &t->out),
	    0);
}

/* Both hear and speak; what our handshake has come to. */
static int
ends_run(struct ends *t, size_t piece)
{
	uint8_t	buf[4096];
	size_t	n;
	int	i, result = 0, got;

	for (i = 0; i < ROUNDS * (4096 / (int)piece) && result == 0; i++) {
		result = tls_handshake(&t->tls);
		if (t->out.len > 0)
			(void)BIO_write(SSL_get_rbio(t->ssl),
			    t->out.p + t->out.head, (int)t->out.len);
		(void)outbuf_sent(&t->out, t->out.len);
		(void)SSL_do_handshake(t->ssl);
		ERR_clear_error();
		got = BIO_read(SSL_get_wbio(t->ssl), buf, (int)piece);
		if (got <= 0 || result != 0)
			continue;
		tls_give(&t->tls, buf, (size_t)got);
		result = tls_handshake(&t->tls);
		n = tls_taken(&t->tls, (size_t)got);
		if (result == 0)
			assert_int_equal(n, got);
	}
	return (result);
}

static void
ends_free(struct ends *t)
{
	SSL_free(t->ssl);
	SSL_CTX_free(t->ctx);
	maker_free(&t->theirs);
	tls_free(&t->tls);
	outbuf_free(&t->out);
	tls_context_free(t->context);
}

static const unsigned char alpn_both[] = "\x0c/yamux/1.0.0\x06libp2p";
static const unsigned char alpn_old[] = "\x0c/mplex/6.7.0\x06libp2p";
static const unsigned char alpn_http[] = "\x02h2\x08http/1.1";

static void
test_listen(void **state)
{
	uint8_t		binding[TLS_BINDING_BYTES];
	struct ends	t;
	size_t		piece;

	(void)state;
	for (piece = 1; piece <= 4096; piece *= 8) {
		ends_init(&t, 0);
		SSL_CTX_set_alpn_protos(t.ctx, alpn_both,
		    sizeof(alpn_both) - 1);
		ends_begin(&t);
		/* A server name is of no interest. */
		SSL_set_tlsext_host_name(t.ssl, "somewhere.example");
		assert_int_equal(ends_run(&t, piece), 1);
		assert_int_equal(t.tls.muxer, 1);
		assert_true(peerid_equal(&t.tls.peer, &t.theirs.self.id));
		assert_int_equal(SSL_export_keying_material(t.ssl, binding,
		    sizeof(binding), "EXPORTER-Channel-Binding", 24, NULL, 0,
		    0), 1);
		assert_memory_equal(binding, t.tls.binding, sizeof(binding));
		ends_free(&t);
	}
}

static void
test_dial(void **state)
{
	struct ends	t;
	const char	*name;
	char		 libp2p[] = "libp2p";
	int		 muxer;

	(void)state;
	for (muxer = 0; muxer < 2; muxer++) {
		ends_init(&t, 1);
		SSL_CTX_set_verify(t.ctx, SSL_VERIFY_PEER |
		    SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
		SSL_CTX_set_alpn_select_cb(t.ctx, alpn_first, muxer ? NULL :
		    libp2p);
		ends_begin(&t);
		assert_int_equal(ends_run(&t, 4096), 1);
		assert_int_equal(t.tls.muxer, muxer);
		assert_true(peerid_equal(&t.tls.peer, &t.theirs.self.id));
		name = SSL_get_servername(t.ssl, TLSEXT_NAMETYPE_host_name);
		assert_null(name);
		ends_free(&t);
	}
}

static void
test_alpn(void **state)
{
	struct ends t;

	(void)state;
	ends_init(&t, 0);
	SSL_CTX_set_alpn_protos(t.ctx, alpn_old, sizeof(alpn_old) - 1);
	ends_begin(&t);
	assert_int_equal(ends_run(&t, 4096), 1);
	assert_int_equal(t.tls.muxer, 0);
	ends_free(&t);
	ends_init(&t, 0);
	SSL_CTX_set_alpn_protos(t.ctx, alpn_http, sizeof(alpn_http) - 1);
	ends_begin(&t);
	assert_int_equal(ends_run(&t, 4096), -1);
	assert_non_null(t.tls.why);
	ends_free(&t);
	/* Nothing offered: the muxer is asked for later. */
	ends_init(&t, 0);
	ends_begin(&t);
	assert_int_equal(ends_run(&t, 4096), 1);
	assert_int_equal(t.tls.muxer, 0);
	ends_free(&t);
}

static void
test_refused(void **state)
{
	struct maker	more;
	struct ends	t;
	int		dialler;

	(void)state;
	for (dialler = 0; dialler < 2; dialler++) {
		/* A chain. */
		ends_init(&t, dialler);
		maker_init(&more, 3);
		assert_int_equal(SSL_CTX_add1_chain_cert(t.ctx, more.x), 1);
		ends_begin(&t);
		assert_int_equal(ends_run(&t, 4096), -1);
		assert_string_equal(t.tls.why, "more than one certificate");
		assert_int_equal(t.tls.peer.len, 0);
		/* From then on always. */
		assert_int_equal(tls_handshake(&t.tls), -1);
		maker_free(&more);
		ends_free(&t);
		/* Another version. */
		ends_init(&t, dialler);
		SSL_CTX_set_max_proto_version(t.ctx, TLS1_2_VERSION);
		ends_begin(&t);
		assert_int_equal(ends_run(&t, 4096), -1);
		ends_free(&t);
		/* Ourselves. */
		ends_init(&t, dialler);
		maker_free(&t.theirs);
		maker_init(&t.theirs, 7);
		SSL_CTX_use_certificate(t.ctx, t.theirs.x);
		SSL_CTX_use_PrivateKey(t.ctx, t.theirs.key);
		ends_begin(&t);
		assert_int_equal(ends_run(&t, 4096), -1);
		assert_int_equal(t.tls.self, 1);
		ends_free(&t);
	}
	/* No certificate. */
	ends_init(&t, 0);
	SSL_CTX_free(t.ctx);
	t.ctx = SSL_CTX_new(TLS_method());
	ends_begin(&t);
	assert_int_equal(ends_run(&t, 4096), -1);
	assert_string_equal(t.tls.why, "peer did not return a certificate");
	ends_free(&t);
}

/* No ticket comes, so nothing can be resumed. */
static void
test_no_tickets(void **state)
{
	uint8_t		buf[64];
	struct ends	t;

	(void)state;
	ends_init(&t, 0);
	ends_begin(&t);
	assert_int_equal(ends_run(&t, 4096), 1);
	assert_int_equal(tls_write(&t.tls, (const uint8_t *)"text", 4), 0);
	(void)BIO_write(SSL_get_rbio(t.ssl), t.out.p, (int)t.out.len);
	assert_int_equal(SSL_read(t.ssl, buf, sizeof(buf)), 4);
	assert_false(SSL_SESSION_is_resumable(SSL_get_session(t.ssl)));
	ends_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_ours),
		cmocka_unit_test(test_extension),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_listen),
		cmocka_unit_test(test_dial),
		cmocka_unit_test(test_alpn),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_tickets),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
