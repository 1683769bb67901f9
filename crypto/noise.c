/*
 * Noise as libp2p has it (libp2p specs, noise/README.md): the identity that is
 * proven inside the handshake, the muxer that is agreed on there
 * (connections/inlined-muxer-negotiation.md), and records.  Pure; runs in
 * crypto, on links.  Trusts the other end to be who it is in NOISE_OPEN.
 */
#include <string.h>

#include "crypto/noise.h"
#include "crypto/protobuf.h"

#define SIGN_PREFIX	"noise-libp2p-static-key:"
#define SIGN_LEN	(sizeof(SIGN_PREFIX) - 1 + NOISE_KEY_LEN)

/* NoiseHandshakePayload and NoiseExtensions */
#define FIELD_KEY	1
#define FIELD_SIG	2
#define FIELD_EXTENSIONS 4
#define FIELD_MUXERS	2

#define EXTENSIONS_MAX	1024	/* of ours */

struct payload {
	struct pb_field	key, sig, extensions;	/* number 0: absent */
};

static int	fail(struct noise *, enum noise_error);
static void	signed_text(const uint8_t *, uint8_t *);
static int	payload_write(const struct noise *, uint8_t *, size_t);
static int	payload_read(struct payload *, const uint8_t *, size_t);
static int	field_keep(struct pb_field *, const struct pb_field *);
static enum noise_error peer_check(struct noise *, const struct payload *);
static enum noise_error muxer_choose(struct noise *, const struct payload *);
static int	muxer_next(struct pb_reader *, struct pb_field *);
static int	muxer_offered(const struct pb_field *, const char *);
static int	muxer_find(const struct noise *, const struct pb_field *);
static int	step_end(struct noise *);

void
noise_init(struct noise *noise, const struct noise_config *config)
{
	memset(noise, 0, sizeof(*noise));
	noise->config = *config;
	noise->muxer = -1;
	noise->phase = config->initiator ? NOISE_WRITING : NOISE_READING;
	/* The specification has no prologue. */
	if (noise_xx_init(&noise->xx, config->initiator, NULL, 0,
	    config->static_key, config->ephemeral_key) == -1)
		(void)fail(noise, NOISE_EXHAUSTED);
}

void
noise_wipe(struct noise *noise)
{
	(void)fail(noise, NOISE_FINE);
	explicit_bzero(noise, sizeof(*noise));
	noise->phase = NOISE_FAILED;
}

/* Nothing is left that could seal or open another record. */
static int
fail(struct noise *noise, enum noise_error error)
{
	noise->phase = NOISE_FAILED;
	noise->error = error;
	noise_xx_wipe(&noise->xx);
	noise_cipher_wipe(&noise->send);
	noise_cipher_wipe(&noise->receive);
	return (-1);
}

int
noise_handshake_write(struct noise *noise, uint8_t *out, size_t size)
{
	uint8_t	payload[NOISE_HANDSHAKE_MAX];
	int	payload_len = 0, len;

	if (noise->phase != NOISE_WRITING || size < NOISE_HEADER_LEN)
		return (fail(noise, NOISE_EXHAUSTED));
	/* The first message has none: it would be in the clear. */
	if (noise->xx.step > 0)
		payload_len = payload_write(noise, payload, sizeof(payload) -
		    noise_xx_overhead(&noise->xx));
	if (payload_len == -1)
		return (fail(noise, NOISE_EXHAUSTED));
	len = noise_xx_write(&noise->xx, payload, (size_t)payload_len,
	    out + NOISE_HEADER_LEN, size - NOISE_HEADER_LEN);
	if (len == -1)
		return (fail(noise, NOISE_EXHAUSTED));
	out[0] = (uint8_t)(len >> 8);
	out[1] = (uint8_t)len;
	if (step_end(noise) == -1)
		return (-1);
	return (NOISE_HEADER_LEN + len);
}

int
noise_handshake_read(struct noise *noise, const uint8_t *in, size_t size)
{
	struct payload	 payload;
	uint8_t		 plain[NOISE_HANDSHAKE_MAX];
	enum noise_error error;
	size_t		 len;
	int		 got, first;

	if (noise->phase != NOISE_READING)
		return (fail(noise, NOISE_BAD_MESSAGE));
	if (size < NOISE_HEADER_LEN)
		return (0);
	len = (size_t)in[0] << 8 | in[1];
	if (len > NOISE_HANDSHAKE_MAX || len < noise_xx_overhead(&noise->xx))
		return (fail(noise, NOISE_BAD_MESSAGE));
	if (len > size - NOISE_HEADER_LEN)
		return (0);
	first = noise->xx.step == 0;
	got = noise_xx_read(&noise->xx, in + NOISE_HEADER_LEN, len, plain);
	if (got == -1)
		return (fail(noise, NOISE_BAD_MESSAGE));
	if (first) {
		if (got != 0)
			return (fail(noise, NOISE_BAD_PAYLOAD));
	} else {
		if (payload_read(&payload, plain, (size_t)got) == -1)
			return (fail(noise, NOISE_BAD_PAYLOAD));
		if ((error = peer_check(noise, &payload)) != NOISE_FINE ||
		    (error = muxer_choose(noise, &payload)) != NOISE_FINE)
			return (fail(noise, error));
	}
	if (step_end(noise) == -1)
		return (-1);
	return ((int)(NOISE_HEADER_LEN + len));
}

/* A message was written or read: who is next? */
static int
step_end(struct noise *noise)
{
	if (noise->xx.step < NOISE_XX_MESSAGES) {
		noise->phase = noise_xx_is_ours(&noise->xx) ? NOISE_WRITING :
		    NOISE_READING;
		return (0);
	}
	if (noise_xx_split(&noise->xx, &noise->send, &noise->receive) == -1)
		return (fail(noise, NOISE_EXHAUSTED));
	memcpy(noise->binding, noise->xx.h, sizeof(noise->binding));
	noise_xx_wipe(&noise->xx);
	memset(&noise->config, 0, sizeof(noise->config));
	noise->phase = NOISE_OPEN;
	return (0);
}

static void
signed_text(const uint8_t *key, uint8_t *out)
{
	memcpy(out, SIGN_PREFIX, sizeof(SIGN_PREFIX) - 1);
	memcpy(out + sizeof(SIGN_PREFIX) - 1, key, NOISE_KEY_LEN);
}

static int
payload_write(const struct noise *noise, uint8_t *out, size_t size)
{
	struct pb_writer w, extensions;
	uint8_t		 text[SIGN_LEN], sig[ED25519_SIG_LEN];
	uint8_t		 muxers[EXTENSIONS_MAX];
	size_t		 i;

	signed_text(noise->xx.s_public, text);
	if (identity_sign(noise->config.self, text, sizeof(text), sig) == -1)
		return (-1);
	pb_writer_init(&w, out, size);
	pb_put_bytes(&w, FIELD_KEY, noise->config.self->message,
	    sizeof(noise->config.self->message));
	pb_put_bytes(&w, FIELD_SIG, sig, sizeof(sig));
	if (noise->config.nmuxers > 0) {
		pb_writer_init(&extensions, muxers, sizeof(muxers));
		for (i = 0; i < noise->config.nmuxers; i++)
			pb_put_bytes(&extensions, FIELD_MUXERS,
			    noise->config.muxers[i],
			    strlen(noise->config.muxers[i]));
		if (extensions.failed)
			return (-1);
		pb_put_bytes(&w, FIELD_EXTENSIONS, muxers, extensions.len);
	}
	return (w.failed ? -1 : (int)w.len);
}

static int
payload_read(struct payload *payload, const uint8_t *in, size_t n)
{
	struct pb_reader r;
	struct pb_field	 f;
	int		 more, result = 0;

	memset(payload, 0, sizeof(*payload));
	pb_reader_init(&r, in, n);
	while ((more = pb_next(&r, &f)) == 1 && result == 0) {
		if (f.number == FIELD_KEY)
			result = field_keep(&payload->key, &f);
		else if (f.number == FIELD_SIG)
			result = field_keep(&payload->sig, &f);
		else if (f.number == FIELD_EXTENSIONS)
			result = field_keep(&payload->extensions, &f);
	}
	if (more == -1 || result == -1 || payload->key.number == 0 ||
	    payload->sig.number == 0)
		return (-1);
	return (0);
}

/* A second one of what there is one of would be a matter of opinion. */
static int
field_keep(struct pb_field *keep, const struct pb_field *f)
{
	if (keep->number != 0 || f->type != PB_BYTES)
		return (-1);
	*keep = *f;
	return (0);
}

static enum noise_error
peer_check(struct noise *noise, const struct payload *payload)
{
	uint8_t text[SIGN_LEN];

	if (peerid_from_key(&noise->peer, payload->key.data,
	    payload->key.len) == -1)
		return (NOISE_BAD_PAYLOAD);
	signed_text(noise->xx.rs, text);
	if (!public_key_verify(payload->key.data, payload->key.len, text,
	    sizeof(text), payload->sig.data, payload->sig.len))
		return (NOISE_BAD_SIGNATURE);
	if (peerid_equal(&noise->peer, &noise->config.self->id))
		return (NOISE_SELF);
	if (noise->config.expect != NULL &&
	    !peerid_equal(&noise->peer, noise->config.expect))
		return (NOISE_WRONG_PEER);
	return (NOISE_FINE);
}

/*
 * The first of the initiator's that the responder has; to be asked for by
 * multistream-select when either says nothing of it.
 */
static enum noise_error
muxer_choose(struct noise *noise, const struct payload *payload)
{
	struct pb_reader r;
	struct pb_field	 f;
	size_t		 i;
	int		 any = 0, more;

	pb_reader_init(&r, payload->extensions.data, payload->extensions.len);
	while ((more = muxer_next(&r, &f)) == 1) {
		any = 1;
		if (!noise->config.initiator && noise->muxer == -1)
			noise->muxer = muxer_find(noise, &f);
	}
	if (more == -1)
		return (NOISE_BAD_PAYLOAD);
	if (!any || noise->config.nmuxers == 0)
		return (NOISE_FINE);
	for (i = 0; noise->config.initiator && i < noise->config.nmuxers; i++)
		if (muxer_offered(&payload->extensions,
		    noise->config.muxers[i])) {
			noise->muxer = (int)i;
			break;
		}
	return (noise->muxer == -1 ? NOISE_NO_MUXER : NOISE_FINE);
}

/* As pb_next(), stopping at the names of muxers only. */
static int
muxer_next(struct pb_reader *r, struct pb_field *f)
{
	int more;

	while ((more = pb_next(r, f)) == 1)
		if (f->number == FIELD_MUXERS)
			return (f->type == PB_BYTES ? 1 : -1);
	return (more);
}

static int
muxer_offered(const struct pb_field *extensions, const char *name)
{
	struct pb_reader r;
	struct pb_field	 f;

	pb_reader_init(&r, extensions->data, extensions->len);
	while (muxer_next(&r, &f) == 1)
		if (f.len == strlen(name) && memcmp(f.data, name, f.len) == 0)
			return (1);
	return (0);
}

/* Which of ours it is, or -1. */
static int
muxer_find(const struct noise *noise, const struct pb_field *f)
{
	size_t i;

	for (i = 0; i < noise->config.nmuxers; i++)
		if (f->len == strlen(noise->config.muxers[i]) &&
		    memcmp(f->data, noise->config.muxers[i], f->len) == 0)
			return ((int)i);
	return (-1);
}

size_t
noise_seal(struct noise *noise, const uint8_t *in, size_t len, uint8_t *out)
{
	size_t sealed = len + NOISE_TAG_LEN;

	if (noise->phase != NOISE_OPEN || len > NOISE_PLAIN_MAX ||
	    noise_seal_with(&noise->send, NULL, 0, in, len,
	    out + NOISE_HEADER_LEN) == -1) {
		(void)fail(noise, NOISE_EXHAUSTED);
		return (0);
	}
	out[0] = (uint8_t)(sealed >> 8);
	out[1] = (uint8_t)sealed;
	return (NOISE_HEADER_LEN + sealed);
}

int
noise_open(struct noise *noise, uint8_t *in, size_t size, uint8_t **plain,
    size_t *len)
{
	size_t sealed;

	if (noise->phase != NOISE_OPEN)
		return (fail(noise, NOISE_BAD_MESSAGE));
	if (size < NOISE_HEADER_LEN)
		return (0);
	sealed = (size_t)in[0] << 8 | in[1];
	if (sealed < NOISE_TAG_LEN)
		return (fail(noise, NOISE_BAD_MESSAGE));
	if (sealed > size - NOISE_HEADER_LEN)
		return (0);
	in += NOISE_HEADER_LEN;
	if (noise_open_with(&noise->receive, NULL, 0, in, sealed, in) == -1)
		return (fail(noise, NOISE_BAD_MESSAGE));
	*plain = in;
	*len = sealed - NOISE_TAG_LEN;
	return ((int)(NOISE_HEADER_LEN + sealed));
}

const char *
noise_error_text(enum noise_error error)
{
	switch (error) {
	case NOISE_FINE:
		return ("no error");
	case NOISE_BAD_MESSAGE:
		return ("message is damaged or forged");
	case NOISE_BAD_PAYLOAD:
		return ("handshake payload is malformed");
	case NOISE_BAD_SIGNATURE:
		return ("identity key did not sign the static key");
	case NOISE_WRONG_PEER:
		return ("another peer than the one dialled");
	case NOISE_SELF:
		return ("dialled ourselves");
	case NOISE_NO_MUXER:
		return ("no muxer in common");
	case NOISE_EXHAUSTED:
		return ("out of nonces or memory");
	}
	return ("unknown");
}
