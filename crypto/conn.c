/*
 * One connection to another libp2p node (libp2p specs, connections/README.md):
 * its phases, what comes in, what waits to go out.  Pure; runs in crypto, for
 * each link.  Trusts the other end with nothing; from CONN_SECURED on it is the
 * peer that conn_peer() says.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/conn_private.h"
#include "crypto/identify.h"

/* To point at where there is no byte. */
static uint8_t	nothing[1];

#define TLS_MEMORY	(24u * 1024)	/* bytes of OpenSSL, between records */

static void	protocols_copy(struct conn *);
static size_t	handshake(struct conn *, uint8_t *, size_t,
		    struct conn_event *);
static void	handshake_done(struct conn *, struct conn_event *);
static size_t	secured_input(struct conn *, uint8_t *, size_t,
		    struct conn_event *);
static int	text_input(struct conn *, const uint8_t *,
		    struct conn_event *);
static int	record_next(struct conn *, uint8_t *, size_t, size_t *);
static void	failed_tell(struct conn *, struct conn_event *);
static void	batch(struct conn *);

struct conn *
conn_new(const struct conn_config *config)
{
	struct conn *c;

	if (config->nprotocols > CONN_PROTOCOLS_MAX ||
	    (config->security & (CONN_TLS | CONN_NOISE)) == 0) {
		errno = EINVAL;
		return (NULL);
	}
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return (NULL);
	c->config = *config;
	protocols_copy(c);
	if (conn_upgrade_begin(c) == -1) {
		conn_free(c);
		return (NULL);
	}
	return (c);
}

/* Theirs first, so that their indices are those of the configuration. */
static void
protocols_copy(struct conn *c)
{
	for (; c->nprotocols < c->config.nprotocols; c->nprotocols++)
		c->protocols[c->nprotocols] =
		    c->config.protocols[c->nprotocols];
	c->config.protocols = NULL;
	c->protocols[c->nprotocols++] = IDENTIFY_PROTOCOL;
	c->protocols[c->nprotocols++] = PING_PROTOCOL;
}

void
conn_free(struct conn *c)
{
	if (c == NULL)
		return;
	if (c->yamux != NULL)
		conn_streams_free(c);
	yamux_free(c->yamux);
	tls_free(&c->tls);
	noise_wipe(&c->noise);
	outbuf_free(&c->out);
	free(c->ms);
	free(c->answer);
	if (c->text != NULL)
		explicit_bzero(c->text, TLS_RECORD_PLAIN);
	free(c->text);
	free(c);
}

size_t
conn_input(struct conn *c, uint8_t *in, size_t n, struct conn_event *ev)
{
	size_t used = 0;

	memset(ev, 0, sizeof(*ev));
	if (n == 0)
		in = nothing;
	conn_answer_free(c);
	if (c->phase == PHASE_SECURITY)
		used += conn_upgrade_raw(c, in, n);
	if (c->phase == PHASE_HANDSHAKE)
		used += handshake(c, in + used, n - used, ev);
	else if (c->phase == PHASE_MUXER || c->phase == PHASE_OPEN)
		used += secured_input(c, in + used, n - used, ev);
	if (c->phase == PHASE_FAILED && ev->type == CONN_NONE) {
		failed_tell(c, ev);
		used = n;
	}
	return (used);
}

void
conn_fail(struct conn *c, const char *why)
{
	if (c->phase == PHASE_FAILED)
		return;
	c->phase = PHASE_FAILED;
	c->why = why;
}

static void
failed_tell(struct conn *c, struct conn_event *ev)
{
	if (c->failed_told)
		return;
	c->failed_told = 1;
	ev->type = CONN_FAILED;
	ev->why = c->why;
	ev->self = c->is_self;
}

static size_t
handshake(struct conn *c, uint8_t *in, size_t n, struct conn_event *ev)
{
	size_t	used;
	int	result;

	if (c->security == CONN_TLS) {
		tls_give(&c->tls, in, n);
		result = tls_handshake(&c->tls);
		used = tls_taken(&c->tls, n);
		if (result == -1) {
			c->is_self = c->tls.self;
			conn_fail(c, c->tls.why);
		}
	} else
		result = conn_upgrade_noise(c, in, n, &used);
	if (result == 1)
		handshake_done(c, ev);
	return (used);
}

static void
handshake_done(struct conn *c, struct conn_event *ev)
{
	c->phase = PHASE_MUXER;
	c->secured = 1;
	ev->type = CONN_SECURED;
}

static size_t
secured_input(struct conn *c, uint8_t *in, size_t n, struct conn_event *ev)
{
	const uint8_t	*text;
	size_t		 used = 0;

	/* It was asked to keep the whole record until all of it was told. */
	if (n < c->record)
		return (0);
	if (c->phase == PHASE_OPEN && conn_stream_writable(c, ev))
		return (0);
	do {
		text = c->text;
		if (c->record > 0)
			text = in + used + NOISE_HEADER_LEN;
		if (c->rest_len > 0)
			conn_stream_rest(c, text, ev);
		if (ev->type != CONN_NONE || !text_input(c, text, ev))
			return (used);
		used += c->record;
		c->record = c->text_len = c->text_at = 0;
	} while (record_next(c, in + used, n - used, &used));
	return (used);
}

/*
 * Gives on what was decrypted.  Returns 1 when all of it was taken; 0 with an
 * event, a failure, or when the muxer takes no more for now.
 */
static int
text_input(struct conn *c, const uint8_t *text, struct conn_event *ev)
{
	if (c->text_len == 0)
		text = nothing;
	if (c->phase == PHASE_MUXER)
		c->text_at += conn_upgrade_text(c, text + c->text_at,
		    c->text_len - c->text_at, ev);
	if (c->phase == PHASE_OPEN && ev->type == CONN_NONE)
		c->text_at += conn_stream_input(c, text + c->text_at,
		    c->text_len - c->text_at, ev);
	return (c->phase != PHASE_FAILED && ev->type == CONN_NONE &&
	    c->text_at == c->text_len);
}

/* Decrypts the next record.  Returns 1, or 0 if there is none. */
static int
record_next(struct conn *c, uint8_t *in, size_t n, size_t *used)
{
	uint8_t	*plain;
	int	 got;

	if (c->security == CONN_NOISE) {
		got = noise_open(&c->noise, in, n, &plain, &c->text_len);
		if (got == -1)
			conn_fail(c, noise_error_text(c->noise.error));
		if (got <= 0)
			return (0);
		c->record = (size_t)got;
		return (1);
	}
	if (c->text == NULL && n > 0 &&
	    (c->text = malloc(TLS_RECORD_PLAIN)) == NULL) {
		conn_fail(c, "out of memory");
		return (0);
	}
	tls_give(&c->tls, in, n);
	got = n > 0 ? tls_read(&c->tls, c->text) : 0;
	*used += tls_taken(&c->tls, n);
	if (got > 0) {
		c->text_len = (size_t)got;
		return (1);
	}
	if (got == TLS_END) {
		c->goodbye = 1;
		conn_fail(c, "ended by the other side");
	} else if (got == -1)
		conn_fail(c, c->tls.why);
	/* Nothing is left in it, and nothing may come for long. */
	free(c->text);
	c->text = NULL;
	return (0);
}

int
conn_secure(struct conn *c, const uint8_t *p, size_t n)
{
	uint8_t	*out;
	size_t	 piece;

	if (c->security == CONN_TLS) {
		if (tls_write(&c->tls, p, n) == 0)
			return (0);
		conn_fail(c, c->tls.why);
		return (-1);
	}
	for (; n > 0; n -= piece, p += piece) {
		piece = n < NOISE_PLAIN_MAX ? n : NOISE_PLAIN_MAX;
		out = outbuf_room(&c->out, NOISE_HEADER_LEN + piece +
		    NOISE_TAG_LEN);
		if (out == NULL) {
			conn_fail(c, "out of memory");
			return (-1);
		}
		if (noise_seal(&c->noise, p, piece, out) == 0) {
			conn_fail(c, noise_error_text(c->noise.error));
			return (-1);
		}
		outbuf_add(&c->out, NOISE_HEADER_LEN + piece + NOISE_TAG_LEN);
	}
	return (0);
}

size_t
conn_output(struct conn *c, const uint8_t **p)
{
	if (c->yamux != NULL && c->secured)
		batch(c);
	*p = c->out.len > 0 ? c->out.p + c->out.head : NULL;
	return (c->out.len);
}

/*
 * As much as a socket may take at once, no more: it is warm in the cache then.
 * Also after a failure, as yamux may have said why.
 */
static void
batch(struct conn *c)
{
	const uint8_t	*p;
	size_t		 n;

	while (c->out.len < BATCH_BYTES &&
	    (n = yamux_output(c->yamux, &p)) > 0) {
		if (n > BATCH_BYTES)
			n = BATCH_BYTES;
		if (conn_secure(c, p, n) == -1) {
			c->secured = 0;
			return;
		}
		yamux_sent(c->yamux, n);
	}
	/* Behind close_notify there is nothing (RFC 8446, 6.1). */
	if (c->ending && yamux_output(c->yamux, &p) == 0) {
		c->secured = 0;
		if (c->security == CONN_TLS)
			tls_end(&c->tls);
	}
}

void
conn_sent(struct conn *c, size_t n)
{
	if (outbuf_sent(&c->out, n) && c->yamux != NULL)
		yamux_trim(c->yamux);
}

size_t
conn_waiting(const struct conn *c)
{
	const uint8_t	*p;

	return (c->out.len + (c->yamux != NULL ? yamux_output(c->yamux, &p) :
	    0));
}

int
conn_eof(const struct conn *c)
{
	return (c->goodbye);
}

void
conn_end(struct conn *c)
{
	if (c->phase != PHASE_OPEN)
		return;
	yamux_goaway(c->yamux, YAMUX_NORMAL);
	c->ending = 1;
}

const struct peer_id *
conn_peer(const struct conn *c)
{
	return (c->security == CONN_TLS ? &c->tls.peer : &c->noise.peer);
}

const uint8_t *
conn_binding(const struct conn *c, size_t *len)
{
	*len = CONN_BINDING_BYTES;
	return (c->security == CONN_TLS ? c->tls.binding : c->noise.binding);
}

unsigned int
conn_security(const struct conn *c)
{
	return (c->security);
}

size_t
conn_memory(const struct conn *c)
{
	size_t n = sizeof(*c) + c->out.size;

	if (c->ms != NULL)
		n += sizeof(*c->ms);
	if (c->text != NULL)
		n += TLS_RECORD_PLAIN;
	if (c->answer != NULL)
		n += IDENTIFY_MAX;
	if (c->security == CONN_TLS)
		n += TLS_MEMORY;
	if (c->yamux != NULL)
		n += yamux_memory(c->yamux) + yamux_streams(c->yamux) *
		    sizeof(struct conn_stream) + c->nnegotiating *
		    sizeof(struct multistream);
	return (n);
}
