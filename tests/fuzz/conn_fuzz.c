/*
 * crypto/conn.h: a stranger at each layer.  Raw bytes; a handshake of which
 * something is changed; bytes under the protection of a handshake that was
 * right, as a peer may send them; a certificate.  What is told does not depend
 * on the pieces that the bytes come in, and the bounds are kept.
 *
 * Keys differ from run to run, so that what is changed in a handshake comes out
 * as different bytes; what the input says under its protection does not.
 */
#include <openssl/err.h>
#include <openssl/x509.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/conn_private.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define IN_SIZE		(2 * CONN_IN_MIN)
#define ROUNDS		16
#define NOW		1790000000
#define MEMORY_MAX	(4u * 1024 * 1024)

static const char *const protocols[] = { "/nws/2.0.0", "/echo/1" };

struct end {
	struct conn	*c;
	uint8_t		*in;
	size_t		 have;
	uint64_t	 hash;		/* of what was told */
	int		 failed, ready;
};

static struct identity	 ids[2];
static struct conn_tls	*contexts[2];

static void
setup(void)
{
	uint8_t	seed[ED25519_KEY_LEN];
	int	i;

	if (conn_init() == -1)
		abort();
	for (i = 0; i < 2; i++) {
		memset(seed, 1 + i, sizeof(seed));
		if (identity_from_seed(&ids[i], seed) == -1 ||
		    (contexts[i] = conn_tls_new(&ids[i])) == NULL)
			abort();
	}
}

static void
end_begin(struct end *e, int dialler, unsigned int security)
{
	struct conn_config config;

	memset(e, 0, sizeof(*e));
	memset(&config, 0, sizeof(config));
	config.dialler = dialler;
	config.security = security;
	config.self = &ids[dialler];
	config.tls = contexts[dialler];
	config.protocols = protocols;
	config.nprotocols = 2;
	config.agent = "fuzz";
	if ((e->c = conn_new(&config)) == NULL ||
	    (e->in = malloc(IN_SIZE)) == NULL)
		abort();
}

static void
end_free(struct end *e)
{
	conn_free(e->c);
	free(e->in);
}

static void
mix(struct end *e, uint64_t v)
{
	e->hash = (e->hash ^ v) * 0x100000001b3u;
}

/* What an application might do, the same each time. */
static void
react(struct end *e, const struct conn_event *ev)
{
	size_t i;

	if (e->failed)
		abort();
	if (ev->type == CONN_DATA) {
		for (i = 0; i < ev->len; i++)
			mix(e, (uint64_t)ev->stream << 8 | ev->data[i]);
		if (conn_consume(e->c, ev->stream, ev->len) == -1)
			abort();
		return;
	}
	mix(e, (uint64_t)ev->type << 32 | ev->stream);
	switch (ev->type) {
	case CONN_READY:
		e->ready = 1;
		(void)conn_open(e->c, "/nothing/1", e);
		(void)conn_identify(e->c);
		(void)conn_ping(e->c);
		break;
	case CONN_OPENED:
		if (ev->protocol > 1)
			abort();
		if (ev->stream % 8 == 3)
			(void)conn_reset(e->c, ev->stream, 1);
		else if (ev->stream % 8 == 5)
			(void)conn_close(e->c, ev->stream);
		else
			(void)conn_write(e->c, ev->stream, "hello", 5);
		break;
	case CONN_FIN:
		if (!ev->ended)
			(void)conn_close(e->c, ev->stream);
		break;
	case CONN_FAILED:
		if (ev->why == NULL)
			abort();
		e->failed = 1;
		break;
	default:
		break;
	}
}

/* Everything that it has to say falls on the floor. */
static void
mute(struct end *e)
{
	const uint8_t	*p;
	size_t		 n;

	while ((n = conn_output(e->c, &p)) > 0)
		conn_sent(e->c, n);
}

static void
hear(struct end *e)
{
	struct conn_event	ev;
	size_t			used = 0, took;

	do {
		took = conn_input(e->c, e->in + used, e->have - used, &ev);
		if (took > e->have - used)
			abort();
		used += took;
		if (ev.type != CONN_NONE)
			react(e, &ev);
	} while (ev.type != CONN_NONE);
	memmove(e->in, e->in + used, e->have - used);
	e->have -= used;
	if (e->c->nnegotiating > CONN_NEGOTIATING_MAX ||
	    e->c->npings > CONN_PINGS_MAX ||
	    conn_memory(e->c) > MEMORY_MAX)
		abort();
}

static void
feed(struct end *e, const uint8_t *p, size_t n, size_t piece, int muted)
{
	size_t take;

	for (; n > 0; n -= take, p += take) {
		take = n < piece ? n : piece;
		if (take > IN_SIZE - e->have)
			abort();
		memcpy(e->in + e->have, p, take);
		e->have += take;
		hear(e);
		if (muted)
			mute(e);
	}
}

/* What one says is heard by the other. */
static void
pass(struct end *from, struct end *to, size_t piece)
{
	const uint8_t	*p;
	uint8_t		*copy;
	size_t		 n = conn_output(from->c, &p);

	if (n == 0)
		return;
	if ((copy = malloc(n)) == NULL)
		abort();
	memcpy(copy, p, n);
	conn_sent(from->c, n);
	feed(to, copy, n, piece, 0);
	free(copy);
}

static uint64_t
raw(const uint8_t *in, size_t n, unsigned int how, size_t piece)
{
	struct end	e;
	uint64_t	hash;

	end_begin(&e, how & 1, 1 + (how >> 1) % 3);
	feed(&e, in, n, piece, 1);
	/* Nobody proves an identity by chance. */
	if (e.ready)
		abort();
	hash = e.hash;
	end_free(&e);
	return (hash);
}

/* The input is what a peer says after a handshake that was right. */
static uint64_t
secured(const uint8_t *in, size_t n, unsigned int how, size_t piece)
{
	struct end	 e[2];
	const uint8_t	*p;
	uint8_t		*copy;
	size_t		 len;
	uint64_t	 hash;
	int		 i, at = how & 1;
	unsigned int	 security = (how & 2) != 0 ? CONN_TLS : CONN_NOISE;

	end_begin(&e[0], 0, security);
	end_begin(&e[1], 1, security);
	for (i = 0; i < ROUNDS && !(e[0].ready && e[1].ready); i++)
		pass(&e[(i + 1) % 2], &e[i % 2], IN_SIZE);
	if (!e[0].ready || !e[1].ready)
		abort();
	mute(&e[0]);
	mute(&e[1]);
	if (conn_secure(e[1 - at].c, in, n) == -1)
		abort();
	len = conn_output(e[1 - at].c, &p);
	if ((copy = malloc(len + 1)) == NULL)
		abort();
	if (len > 0)
		memcpy(copy, p, len);
	feed(&e[at], copy, len, piece, 1);
	free(copy);
	hash = e[at].hash;
	end_free(&e[0]);
	end_free(&e[1]);
	return (hash);
}

/* Two ends of ours; pairs of the input say what is changed on the way. */
static void
changed(const uint8_t *in, size_t n, unsigned int how, size_t piece)
{
	struct end	e[2];
	uint8_t	       *p;
	const uint8_t  *out;
	size_t		len, total = 0, at, i;
	unsigned int	security = 1 + (how >> 1) % 3;
	int		k;

	end_begin(&e[0], 0, security);
	end_begin(&e[1], 1, security);
	for (k = 0; k < ROUNDS; k++) {
		struct end *from = &e[(k + 1) % 2], *to = &e[k % 2];

		if ((len = conn_output(from->c, &out)) == 0)
			continue;
		if ((p = malloc(len)) == NULL)
			abort();
		memcpy(p, out, len);
		conn_sent(from->c, len);
		for (i = 0; i + 2 < n && i < 30; i += 3) {
			at = (size_t)(in[i] << 8 | in[i + 1]) % 4096;
			if (at >= total && at - total < len)
				p[at - total] ^= in[i + 2];
		}
		total += len;
		feed(to, p, len, piece, 0);
		free(p);
	}
	end_free(&e[0]);
	end_free(&e[1]);
}

static void
certificate(const uint8_t *in, size_t n)
{
	const uint8_t	*p = in;
	struct peer_id	 peer;
	X509		*x;

	if ((x = d2i_X509(NULL, &p, (long)n)) != NULL &&
	    (tls_cert_check(x, NOW, &peer) == NULL) != (peer.len > 0))
		abort();
	X509_free(x);
	ERR_clear_error();
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	static int	ready;
	size_t		piece;

	if (!ready) {
		setup();
		ready = 1;
	}
	if (n < 3 || n > 65536)
		return (0);
	piece = 1 + in[1];
	switch (in[0] % 4) {
	case 0:
		if (raw(in + 3, n - 3, in[2], piece) != raw(in + 3, n - 3,
		    in[2], n))
			abort();
		break;
	case 1:
		if (secured(in + 3, n - 3, in[2], piece) != secured(in + 3,
		    n - 3, in[2], IN_SIZE / 2))
			abort();
		break;
	case 2:
		changed(in + 3, n - 3, in[2], piece);
		break;
	case 3:
		certificate(in + 3, n - 3);
	}
	return (0);
}
