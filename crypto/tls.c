/*
 * TLS 1.3 for libp2p connections (libp2p specs, tls/tls.md): what is allowed,
 * and OpenSSL between two buffers.  Pure; runs in crypto, which keeps the keys.
 * Trusts the other end to be the peer that its certificate proves, no more.
 *
 * OpenSSL reads from where the socket's bytes are and writes to where the
 * socket takes them from, by a BIO of our own.
 */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "crypto/tls.h"

#define ALPN_YAMUX	"/yamux/1.0.0"
#define ALPN_LIBP2P	"libp2p"
#define BINDING_LABEL	"EXPORTER-Channel-Binding"

#define CERT_LIST_MAX	16384	/* bytes of their Certificate message */
#define RECORD_EXTRA	32	/* more than a record has beside its text */

#define AES_FIRST	"TLS_AES_128_GCM_SHA256:" \
			"TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384"
#define AES_LAST	"TLS_CHACHA20_POLY1305_SHA256:" \
			"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"

struct conn_tls {
	SSL_CTX			*ctx;
	BIO_METHOD		*bio;
	const struct identity	*identity;
};

/* With the length in front, as ALPN has it (RFC 7301, 3.1). */
static const unsigned char offered[] =
    "\x0c" ALPN_YAMUX "\x06" ALPN_LIBP2P;

static int	context_fill(struct conn_tls *);
static int	key_install(SSL_CTX *, const struct identity *);
static const char *ciphers(void);
static int	verify(X509_STORE_CTX *, void *);
static int	alpn_select(SSL *, const unsigned char **, unsigned char *,
		    const unsigned char *, unsigned int, void *);
static void	message_seen(int, int, int, const void *, size_t, SSL *,
		    void *);
static BIO_METHOD *bio_method(void);
static int	bio_read(BIO *, char *, int);
static int	bio_write(BIO *, const char *, int);
static long	bio_ctrl(BIO *, int, long, void *);
static int	outcome(struct tls *, int);
static int	fail(struct tls *, const char *);
static int	established(struct tls *);

struct conn_tls *
tls_context_new(const struct identity *self)
{
	struct conn_tls *context;

	if ((context = calloc(1, sizeof(*context))) == NULL)
		return (NULL);
	context->identity = self;
	context->bio = bio_method();
	context->ctx = SSL_CTX_new(TLS_method());
	if (context->bio == NULL || context->ctx == NULL ||
	    context_fill(context) == -1) {
		tls_context_free(context);
		ERR_clear_error();
		return (NULL);
	}
	return (context);
}

void
tls_context_free(struct conn_tls *context)
{
	if (context == NULL)
		return;
	SSL_CTX_free(context->ctx);
	BIO_meth_free(context->bio);
	free(context);
}

static int
context_fill(struct conn_tls *context)
{
	SSL_CTX *ctx = context->ctx;

	SSL_CTX_set_security_level(ctx, 2);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_PRIORITIZE_CHACHA);
	/* What that hides from is not there, behind multistream-select. */
	SSL_CTX_clear_options(ctx, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
	    SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_max_cert_list(ctx, CERT_LIST_MAX);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER |
	    SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify, NULL);
	SSL_CTX_set_alpn_select_cb(ctx, alpn_select, NULL);
	SSL_CTX_set_msg_callback(ctx, message_seen);
	/* SSL_CTX_set_alpn_protos() is the one that returns 0 when it did. */
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_num_tickets(ctx, 0) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, ciphers()) != 1 ||
	    SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") != 1 ||
	    SSL_CTX_set_alpn_protos(ctx, offered, sizeof(offered) - 1) != 0)
		return (-1);
	return (key_install(ctx, context->identity));
}

static int
key_install(SSL_CTX *ctx, const struct identity *self)
{
	EVP_PKEY	*key;
	X509		*cert = NULL;
	int		 ok;

	key = EVP_EC_gen("P-256");
	ok = key != NULL && (cert = tls_cert_new(self, key)) != NULL &&
	    SSL_CTX_use_certificate(ctx, cert) == 1 &&
	    SSL_CTX_use_PrivateKey(ctx, key) == 1;
	X509_free(cert);
	EVP_PKEY_free(key);
	return (ok ? 0 : -1);
}

/* AES is the faster one where the processor does it, and only there. */
static const char *
ciphers(void)
{
#if defined(__x86_64__) || defined(__i386__)
	if (__builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul"))
		return (AES_FIRST);
#elif defined(__aarch64__) && defined(__linux__)
	if ((getauxval(AT_HWCAP) & (HWCAP_AES | HWCAP_PMULL)) ==
	    (HWCAP_AES | HWCAP_PMULL))
		return (AES_FIRST);
#elif defined(__aarch64__)
	return (AES_FIRST);
#endif
	return (AES_LAST);
}

/* In place of a chain to somebody who is trusted, which there is none of. */
static int
verify(X509_STORE_CTX *store, void *arg)
{
	SSL		*ssl;
	struct tls	*tls;

	(void)arg;
	ssl = X509_STORE_CTX_get_ex_data(store,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	tls = SSL_get_app_data(ssl);
	if (sk_X509_num(X509_STORE_CTX_get0_untrusted(store)) != 1)
		tls->why = "more than one certificate";
	else
		tls->why = tls_cert_check(X509_STORE_CTX_get0_cert(store),
		    time(NULL), &tls->peer);
	if (tls->why == NULL && peerid_equal(&tls->peer, &tls->identity->id)) {
		tls->self = 1;
		tls->why = "that was us";
	}
	if (tls->why == NULL)
		return (1);
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	return (0);
}

/* The first of the client's that we have (RFC 7301, 3.2). */
static int
alpn_select(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned int in_len, void *arg)
{
	const unsigned char *end = in + in_len;

	(void)ssl;
	(void)arg;
	for (; end - in > 1 && *in < end - in; in += 1 + *in) {
		*out = in + 1;
		*out_len = *in;
		if ((*in == sizeof(ALPN_YAMUX) - 1 &&
		    memcmp(in + 1, ALPN_YAMUX, *in) == 0) ||
		    (*in == sizeof(ALPN_LIBP2P) - 1 &&
		    memcmp(in + 1, ALPN_LIBP2P, *in) == 0))
			return (SSL_TLSEXT_ERR_OK);
	}
	return (SSL_TLSEXT_ERR_ALERT_FATAL);
}

/*
 * KeyUpdate and NewSessionTicket have no bound in TLS (RFC 8446, 4.6), and cost
 * hundreds of times what data of their size does.
 */
static void
message_seen(int sent, int version, int type, const void *p, size_t n,
    SSL *ssl, void *arg)
{
	struct tls *tls = SSL_get_app_data(ssl);

	(void)version;
	(void)p;
	(void)n;
	(void)arg;
	if (sent || type != SSL3_RT_HANDSHAKE)
		return;
	if (++tls->messages > TLS_MESSAGES_MAX && tls->why == NULL)
		tls->why = "too many messages of TLS itself";
}

static BIO_METHOD *
bio_method(void)
{
	BIO_METHOD *m;

	m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "conn");
	if (m == NULL)
		return (NULL);
	if (BIO_meth_set_read(m, bio_read) != 1 ||
	    BIO_meth_set_write(m, bio_write) != 1 ||
	    BIO_meth_set_ctrl(m, bio_ctrl) != 1) {
		BIO_meth_free(m);
		return (NULL);
	}
	return (m);
}

static int
bio_read(BIO *bio, char *p, int size)
{
	struct tls	*tls = BIO_get_data(bio);
	size_t		 n = (size_t)size;

	BIO_clear_retry_flags(bio);
	if (size <= 0)
		return (0);
	/* It goes on by itself until there is data. */
	if (tls->why != NULL)
		return (-1);
	if (tls->in_len == 0) {
		BIO_set_retry_read(bio);
		return (-1);
	}
	if (n > tls->in_len)
		n = tls->in_len;
	memcpy(p, tls->in, n);
	tls->in += n;
	tls->in_len -= n;
	return ((int)n);
}

/* Nobody takes our answers (RFC 8446, 4.6.3): hear nothing more. */
static int
bio_write(BIO *bio, const char *p, int n)
{
	struct tls *tls = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (n <= 0)
		return (0);
	if (tls->out->len > TLS_OUT_MAX) {
		BIO_set_retry_write(bio);
		return (-1);
	}
	return (outbuf_put(tls->out, p, (size_t)n) == -1 ? -1 : n);
}

static long
bio_ctrl(BIO *bio, int cmd, long n, void *p)
{
	(void)bio;
	(void)n;
	(void)p;
	return (cmd == BIO_CTRL_FLUSH);
}

int
tls_begin(struct tls *tls, const struct conn_tls *context, int dialler,
    struct outbuf *out)
{
	BIO *bio;

	memset(tls, 0, sizeof(*tls));
	tls->identity = context->identity;
	tls->out = out;
	if ((bio = BIO_new(context->bio)) == NULL)
		return (-1);
	if ((tls->ssl = SSL_new(context->ctx)) == NULL ||
	    SSL_set_app_data(tls->ssl, tls) != 1) {
		BIO_free(bio);
		return (-1);
	}
	BIO_set_data(bio, tls);
	BIO_set_init(bio, 1);
	SSL_set_bio(tls->ssl, bio, bio);
	if (dialler)
		SSL_set_connect_state(tls->ssl);
	else
		SSL_set_accept_state(tls->ssl);
	return (0);
}

void
tls_free(struct tls *tls)
{
	SSL_free(tls->ssl);
	explicit_bzero(tls, sizeof(*tls));
}

void
tls_give(struct tls *tls, const uint8_t *in, size_t n)
{
	tls->in = in;
	tls->in_len = n;
}

size_t
tls_taken(struct tls *tls, size_t given)
{
	size_t taken = given - tls->in_len;

	tls->in = NULL;
	tls->in_len = 0;
	return (taken);
}

int
tls_handshake(struct tls *tls)
{
	int result;

	if (tls->why != NULL)
		return (-1);
	ERR_clear_error();
	result = SSL_do_handshake(tls->ssl);
	return (result == 1 ? established(tls) : outcome(tls, result));
}

static int
established(struct tls *tls)
{
	const unsigned char	*name;
	unsigned int		 len;

	SSL_get0_alpn_selected(tls->ssl, &name, &len);
	/* Who says nothing has said that it knows no muxers in here. */
	tls->muxer = len == sizeof(ALPN_YAMUX) - 1 &&
	    memcmp(name, ALPN_YAMUX, len) == 0;
	if (tls->peer.len == 0)
		return (fail(tls, "no certificate"));
	/* RFC 9266, 4.2: no context. */
	if (SSL_export_keying_material(tls->ssl, tls->binding,
	    sizeof(tls->binding), BINDING_LABEL, sizeof(BINDING_LABEL) - 1,
	    NULL, 0, 0) != 1)
		return (fail(tls, "no channel binding"));
	return (1);
}

int
tls_read(struct tls *tls, uint8_t *p)
{
	int n;

	if (tls->why != NULL)
		return (-1);
	ERR_clear_error();
	n = SSL_read(tls->ssl, p, TLS_RECORD_PLAIN);
	if (n <= 0)
		return (outcome(tls, n));
	tls->paid += (size_t)n;
	if (tls->paid >= TLS_MESSAGE_BYTES) {
		tls->paid -= TLS_MESSAGE_BYTES;
		if (tls->messages > 0)
			tls->messages--;
	}
	return (n);
}

int
tls_write(struct tls *tls, const uint8_t *p, size_t n)
{
	if (tls->why != NULL || n > TLS_OUT_MAX)
		return (-1);
	if (n == 0)
		return (0);
	ERR_clear_error();
	/* All of the room at once, that nothing has to be moved twice. */
	if (outbuf_room(tls->out, n + RECORD_EXTRA * (1 +
	    n / TLS_RECORD_PLAIN)) == NULL)
		return (fail(tls, "out of memory"));
	tls->records += 1 + (uint32_t)(n / TLS_RECORD_PLAIN);
	if (tls->records > TLS_RECORDS_MAX) {
		tls->records = 0;
		if (SSL_key_update(tls->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) !=
		    1)
			return (fail(tls, "no new key"));
	}
	if (SSL_write(tls->ssl, p, (int)n) != (int)n)
		return (fail(tls, "records cannot be made"));
	return (0);
}

void
tls_end(struct tls *tls)
{
	if (tls->why != NULL)
		return;
	ERR_clear_error();
	(void)SSL_shutdown(tls->ssl);
	ERR_clear_error();
}

static int
outcome(struct tls *tls, int result)
{
	unsigned long	 error;
	const char	*text;

	switch (SSL_get_error(tls->ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return (0);
	case SSL_ERROR_ZERO_RETURN:
		return (TLS_END);
	}
	error = ERR_peek_error();
	text = error == 0 ? NULL : ERR_reason_error_string(error);
	return (fail(tls, text != NULL ? text : "TLS failed"));
}

/* The first reason is the one that tells most. */
static int
fail(struct tls *tls, const char *why)
{
	if (tls->why == NULL)
		tls->why = why;
	ERR_clear_error();
	return (-1);
}
