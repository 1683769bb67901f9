/*
 * crypto/noise.c: a handshake between two ends of ours, of which one message
 * or record is changed, cut or followed by other bytes as the input says, and a
 * payload of the other end that is the input.  Nothing that was changed opens.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/noise.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MESSAGE_SIZE	(NOISE_HEADER_LEN + NOISE_HANDSHAKE_MAX)
#define STEPS		4	/* three messages, and one record */

static const char *const muxers[] = { "/yamux/1.0.0" };

static struct identity	ids[2];
static uint8_t		keys[2][2][NOISE_KEY_LEN];

static void
begin(struct noise noise[2])
{
	struct noise_config	c;
	uint8_t			seed[ED25519_KEY_LEN];
	int			i;

	memset(&c, 0, sizeof(c));
	for (i = 0; i < 2; i++) {
		memset(seed, 1 + i, sizeof(seed));
		memset(keys[i][0], 0x11 + i, NOISE_KEY_LEN);
		memset(keys[i][1], 0x21 + i, NOISE_KEY_LEN);
		if (ids[i].id.len == 0 &&
		    identity_from_seed(&ids[i], seed) == -1)
			abort();
		c.initiator = i == 0;
		c.self = &ids[i];
		c.static_key = keys[i][0];
		c.ephemeral_key = keys[i][1];
		c.muxers = muxers;
		c.nmuxers = 1;
		noise_init(&noise[i], &c);
	}
}

static size_t
step_write(struct noise *noise, int step, uint8_t *out)
{
	int n;

	if (step == STEPS - 1)
		return (noise_seal(noise, (const uint8_t *)"text", 4, out));
	n = noise_handshake_write(noise, out, MESSAGE_SIZE);
	return (n == -1 ? 0 : (size_t)n);
}

/* All of it at once, or as it comes in: the same result. */
static int
step_read(struct noise *noise, int step, uint8_t *in, size_t n, size_t piece)
{
	uint8_t	*plain;
	size_t	 have, len;
	int	 used = 0;

	for (have = piece < n ? piece : n;; have = piece < n - have ?
	    have + piece : n) {
		used = step == STEPS - 1 ? noise_open(noise, in, have, &plain,
		    &len) : noise_handshake_read(noise, in, have);
		if (used > 0 && (size_t)used > have)
			abort();
		if (used != 0 || have == n)
			return (used);
	}
}

static void
run(const uint8_t *in, size_t n, int step, size_t piece)
{
	struct noise	noise[2];
	uint8_t		out[MESSAGE_SIZE + 256];
	size_t		size, i, at, changed = 0;
	int		s, used = 0;

	begin(noise);
	for (s = 0; s < STEPS; s++) {
		if ((size = step_write(&noise[s % 2], s, out)) == 0)
			break;
		/* Pairs: where, and what is changed there. */
		for (i = 0; s == step && i + 2 < n && i < 64; i += 3) {
			at = (size_t)(in[i] << 8 | in[i + 1]) % size;
			out[at] ^= in[i + 2];
			changed += in[i + 2] != 0;
		}
		used = step_read(&noise[(s + 1) % 2], s, out, size, piece);
		if (used <= 0 || (size_t)used != size)
			break;
	}
	if (changed == 0 && s != STEPS)
		abort();
	/* With one octet changed, it cannot have come to its end. */
	if (changed == 1 && s == STEPS)
		abort();
	if (s != STEPS && used == -1 && noise[(s + 1) % 2].error == NOISE_FINE)
		abort();
	noise_wipe(&noise[0]);
	noise_wipe(&noise[1]);
}

/* The input is the payload of a responder that does all else right. */
static void
payload(const uint8_t *in, size_t n)
{
	struct noise	noise[2];
	struct noise_xx	x;
	uint8_t		out[MESSAGE_SIZE];
	int		len;

	begin(noise);
	if (noise_xx_init(&x, 0, NULL, 0, keys[1][0], keys[1][1]) == -1)
		abort();
	len = noise_handshake_write(&noise[0], out, sizeof(out));
	if (len == -1 || noise_xx_read(&x, out + NOISE_HEADER_LEN,
	    (size_t)len - NOISE_HEADER_LEN, out) != 0)
		abort();
	len = noise_xx_write(&x, in, n, out + NOISE_HEADER_LEN,
	    sizeof(out) - NOISE_HEADER_LEN);
	if (len != -1) {
		out[0] = (uint8_t)(len >> 8);
		out[1] = (uint8_t)len;
		(void)noise_handshake_read(&noise[0], out,
		    NOISE_HEADER_LEN + (size_t)len);
		if (noise[0].phase == NOISE_WRITING &&
		    !peerid_equal(&noise[0].peer, &ids[1].id))
			abort();
	}
	noise_xx_wipe(&x);
	noise_wipe(&noise[0]);
	noise_wipe(&noise[1]);
}

/* The input is what comes from a stranger. */
static void
stranger(const uint8_t *in, size_t n, size_t piece)
{
	struct noise	 noise[2];
	uint8_t		*copy, out[MESSAGE_SIZE];
	int		 used;

	begin(noise);
	if ((copy = malloc(n + 1)) == NULL)
		abort();
	memcpy(copy, in, n);
	used = step_read(&noise[1], 0, copy, n, piece);
	if (used > 0 && noise_handshake_write(&noise[1], out,
	    sizeof(out)) != -1)
		(void)step_read(&noise[1], 2, copy + used, n - (size_t)used,
		    piece);
	if (noise[1].phase == NOISE_OPEN)
		abort();
	free(copy);
	noise_wipe(&noise[0]);
	noise_wipe(&noise[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	size_t piece;

	if (n < 2)
		return (0);
	piece = 1 + in[1];
	switch (in[0] % 6) {
	case 4:
		payload(in + 2, n - 2);
		break;
	case 5:
		stranger(in + 2, n - 2, piece);
		break;
	default:
		run(in + 2, n - 2, in[0] % 6, piece);
	}
	return (0);
}
