/*
 * TLS 1.3 as libp2p has it (libp2p specs, tls/tls.md), protocol /tls/1.0.0,
 * both roles: the certificate, and what OpenSSL makes of bytes.  Pure, but for
 * the clock that tells whether a certificate is valid.
 */
#ifndef CRYPTO_TLS_H
#define CRYPTO_TLS_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "crypto/outbuf.h"
#include "crypto/peerid.h"

#define TLS_BINDING_BYTES 32	/* RFC 9266 */
#define TLS_RECORD_PLAIN 16384	/* bytes of one record at most */
#define TLS_OUT_MAX	(1024u * 1024)	/* bytes of records that wait */
/*
 * Messages of TLS itself that they may send: one is as much work as 64 KiB of
 * data, and so many are paid for by as many bytes.
 */
#define TLS_MESSAGES_MAX 32u
#define TLS_MESSAGE_BYTES 65536u
/* Of ours with one key: a third of what AES-GCM has (RFC 8446, 5.5). */
#define TLS_RECORDS_MAX	(8u * 1024 * 1024)

struct conn_tls;
struct ssl_st;
struct x509_st;
struct evp_pkey_st;

/* tls_cert.c */

/* A certificate of key, signed by it; self says whose it is.  NULL: memory. */
struct x509_st	*tls_cert_new(const struct identity *self,
		    struct evp_pkey_st *key);

/*
 * Whether a certificate is right at a time, and whose it is.  Returns NULL with
 * *peer set, or what is wrong with it, a static text.
 */
const char	*tls_cert_check(struct x509_st *, time_t, struct peer_id *);

/* tls.c */

/*
 * What all connections of an identity share: a certificate of a fresh key.
 * NULL without memory.  The identity is borrowed.
 */
struct conn_tls	*tls_context_new(const struct identity *);
void		 tls_context_free(struct conn_tls *);

/* One connection.  Read peer, self, muxer, binding, why only. */
struct tls {
	struct peer_id	 peer;		/* who, once the handshake is done */
	int		 muxer;		/* yamux was agreed on; 0: ask */
	int		 self;		/* failed since it is us */
	const char	*why;		/* it failed, static text */
	uint8_t		 binding[TLS_BINDING_BYTES];

	struct ssl_st	*ssl;
	const struct identity *identity;
	struct outbuf	*out;
	const uint8_t	*in;		/* that is left of a call's input */
	size_t		 in_len;
	unsigned int	 messages;	/* theirs that are not paid for */
	size_t		 paid;		/* bytes towards the next of them */
	uint32_t	 records;	/* of ours, at most, with this key */
};

/*
 * Begins a connection whose records go to out, which is borrowed, as the
 * context is.  Returns 0, or -1 without memory.
 */
int	tls_begin(struct tls *, const struct conn_tls *, int dialler,
	    struct outbuf *out);

/* A zeroed struct may be freed, too. */
void	tls_free(struct tls *);

/* What comes from the other end, borrowed until tls_taken(). */
void	tls_give(struct tls *, const uint8_t *, size_t);

/* How much of it was used. */
size_t	tls_taken(struct tls *, size_t given);

/* Returns 1 when it is done, 0 if more is needed, -1 with why set. */
int	tls_handshake(struct tls *);

/*
 * Decrypts into p, which has TLS_RECORD_PLAIN bytes, what one record holds.
 * Returns its size, 0 if more is needed, -1 with why set, or TLS_END: they said
 * that no more will come.
 */
#define TLS_END	(-2)
int	tls_read(struct tls *, uint8_t *p);

/* Makes records of n bytes, all but the last full.  Returns 0, or -1. */
int	tls_write(struct tls *, const uint8_t *, size_t n);

/* Says that no more will come (close_notify). */
void	tls_end(struct tls *);

#endif
