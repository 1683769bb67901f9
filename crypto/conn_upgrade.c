/*
 * From a raw connection to a muxed one (libp2p specs, connections/README.md,
 * "Upgrading connections", and connections/inlined-muxer-negotiation.md).
 * Pure; runs in crypto, on whatever connects or was dialled, of which nothing
 * is known yet.
 */
#include <openssl/rand.h>

#include <stdlib.h>
#include <string.h>

#include "crypto/conn_private.h"

#define STREAMS_OURS_MAX 64
#define UNREAD_MAX	(4u * 1024 * 1024)

/* In the order in which a dialler proposes them. */
static const char *const securities[] = { "/tls/1.0.0", "/noise" };
static const unsigned int security_bits[] = { CONN_TLS, CONN_NOISE };

static const char *const muxers[] = { MUXER_PROTOCOL };

static size_t	securities_of(const struct conn *);
static int	negotiation_begin(struct conn *, const char *const *, size_t);
static int	negotiation_say(struct conn *);
static void	negotiation_end(struct conn *);
static int	security_begin(struct conn *);
static int	noise_begin(struct conn *);
static void	noise_failed(struct conn *);
static int	muxer_is_known(const struct conn *);
static void	muxer_start(struct conn *, struct conn_event *);

int
conn_upgrade_begin(struct conn *c)
{
	size_t first = securities_of(c);

	return (negotiation_begin(c, securities + first,
	    (c->config.security & CONN_NOISE) != 0 ? 2 - first : 1));
}

/* Where the ones that are allowed begin in the list. */
static size_t
securities_of(const struct conn *c)
{
	return ((c->config.security & CONN_TLS) != 0 ? 0 : 1);
}

static int
negotiation_begin(struct conn *c, const char *const *protocols, size_t n)
{
	if ((c->ms = malloc(sizeof(*c->ms))) == NULL)
		return (-1);
	if (c->config.dialler)
		multistream_dial(c->ms, protocols, n);
	else
		multistream_listen(c->ms, protocols, n);
	return (negotiation_say(c));
}

static int
negotiation_say(struct conn *c)
{
	size_t	n = c->ms->out_len;
	int	result;

	if (n == 0)
		return (0);
	result = c->secured ? conn_secure(c, c->ms->out, n) :
	    outbuf_put(&c->out, c->ms->out, n);
	multistream_sent(c->ms, n);
	return (result);
}

static void
negotiation_end(struct conn *c)
{
	free(c->ms);
	c->ms = NULL;
}

size_t
conn_upgrade_raw(struct conn *c, const uint8_t *in, size_t n)
{
	size_t	used = 0, take;

	while (used < n && c->ms->phase == MS_TALKING) {
		take = multistream_input(c->ms, in + used, n - used);
		used += take;
		if (negotiation_say(c) == -1) {
			conn_fail(c, "out of memory");
			return (used);
		}
	}
	switch (c->ms->phase) {
	case MS_TALKING:
		return (used);
	case MS_AGREED:
		c->security = security_bits[securities_of(c) +
		    c->ms->chosen];
		negotiation_end(c);
		c->phase = PHASE_HANDSHAKE;
		if (security_begin(c) == -1)
			conn_fail(c, "out of memory");
		return (used);
	case MS_REFUSED:
		conn_fail(c, "no security protocol in common");
		return (used);
	case MS_FAILED:
		break;
	}
	conn_fail(c, "not multistream-select");
	return (used);
}

static int
security_begin(struct conn *c)
{
	if (c->security == CONN_TLS)
		return (tls_begin(&c->tls, c->config.tls, c->config.dialler,
		    &c->out));
	return (noise_begin(c));
}

/* Its keys are of this connection alone. */
static int
noise_begin(struct conn *c)
{
	struct noise_config	config;
	uint8_t			keys[2][NOISE_KEY_LEN];

	if (RAND_bytes(keys[0], sizeof(keys)) != 1)
		return (-1);
	memset(&config, 0, sizeof(config));
	config.initiator = c->config.dialler;
	config.self = c->config.self;
	config.static_key = keys[0];
	config.ephemeral_key = keys[1];
	config.muxers = muxers;
	config.nmuxers = 1;
	noise_init(&c->noise, &config);
	/* Copied by now. */
	explicit_bzero(keys, sizeof(keys));
	return (c->noise.phase == NOISE_FAILED ? -1 : 0);
}

int
conn_upgrade_noise(struct conn *c, const uint8_t *in, size_t n, size_t *used)
{
	uint8_t	*out;
	int	 got;

	*used = 0;
	for (;;) {
		switch (c->noise.phase) {
		case NOISE_WRITING:
			out = outbuf_room(&c->out, NOISE_HEADER_LEN +
			    NOISE_HANDSHAKE_MAX);
			if (out == NULL) {
				conn_fail(c, "out of memory");
				return (-1);
			}
			got = noise_handshake_write(&c->noise, out,
			    NOISE_HEADER_LEN + NOISE_HANDSHAKE_MAX);
			if (got > 0)
				outbuf_add(&c->out, (size_t)got);
			break;
		case NOISE_READING:
			got = noise_handshake_read(&c->noise, in + *used,
			    n - *used);
			if (got == 0)
				return (0);
			if (got > 0)
				*used += (size_t)got;
			break;
		case NOISE_OPEN:
			return (1);
		case NOISE_FAILED:
			noise_failed(c);
			return (-1);
		}
	}
}

static void
noise_failed(struct conn *c)
{
	c->is_self = c->noise.error == NOISE_SELF;
	conn_fail(c, noise_error_text(c->noise.error));
}

/* Agreed on in the handshake; where not, by multistream-select as of old. */
static int
muxer_is_known(const struct conn *c)
{
	return (c->security == CONN_TLS ? c->tls.muxer : c->noise.muxer == 0);
}

size_t
conn_upgrade_text(struct conn *c, const uint8_t *in, size_t n,
    struct conn_event *ev)
{
	size_t	used = 0;

	if (muxer_is_known(c)) {
		muxer_start(c, ev);
		return (0);
	}
	if (c->ms == NULL && negotiation_begin(c, muxers, 1) == -1) {
		conn_fail(c, "out of memory");
		return (0);
	}
	while (used < n && c->ms->phase == MS_TALKING) {
		used += multistream_input(c->ms, in + used, n - used);
		if (negotiation_say(c) == -1)
			return (used);
	}
	if (c->ms->phase == MS_AGREED) {
		negotiation_end(c);
		muxer_start(c, ev);
	} else if (c->ms->phase != MS_TALKING)
		conn_fail(c, "no muxer in common");
	return (used);
}

static void
muxer_start(struct conn *c, struct conn_event *ev)
{
	struct yamux_config config;

	memset(&config, 0, sizeof(config));
	config.dialler = c->config.dialler;
	config.window_bytes = WINDOW_BYTES;
	config.in_max = CONN_STREAMS_MAX;
	config.out_streams_max = STREAMS_OURS_MAX;
	config.out_max = STREAMS_OUT_MAX + RESERVE_BYTES;
	config.unread_max = UNREAD_MAX;
	if ((c->yamux = yamux_new(&config)) == NULL) {
		conn_fail(c, "out of memory");
		return;
	}
	c->phase = PHASE_OPEN;
	ev->type = CONN_READY;
}
