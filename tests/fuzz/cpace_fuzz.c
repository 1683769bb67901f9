/*
 * crypto/cpace.c, crypto/psi.c and crypto/match*.c: whatever a peer without the
 * password sends, nothing is ever shared with it, and a link that was ended
 * holds nothing.
 *
 * The first octet chooses: a share and a tag for CPace, elements and tags for
 * the set intersection, or a stream of messages for either end of a link, which
 * may have its own messages sent back to it in between.
 */
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static uint64_t random_at;

/* The same bytes for the same input. */
static void
random_bytes(void *arg, void *out, size_t n)
{
	uint8_t key[crypto_stream_chacha20_KEYBYTES] = { 1 };
	uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];

	(void)arg;
	memcpy(nonce, &random_at, sizeof(nonce));
	random_at++;
	crypto_stream_chacha20(out, n, nonce, key);
}

static const struct group_random fixed = { random_bytes, NULL };
static const struct cpace_bytes alice = { "alice", 5 }, bob = { "bob", 3 };

static void
cpace_input(const uint8_t *in, size_t n)
{
	struct cpace_input input = { .prs = { "password", 8 },
		.ci = { "ci", 2 },
		.ad = alice,
		.remote_ad = bob };
	struct cpace c;
	uint8_t message[CPACE_SHARE_BYTES + CPACE_TAG_BYTES] = { 0 };

	input.sid.p = in;
	input.sid.n = n > sizeof(message) ? n - sizeof(message) : 0;
	memcpy(message, in + input.sid.n, n - input.sid.n);
	if (cpace_start(&c, &input, &fixed) == -1)
		abort();
	if (cpace_take_share(&c, &input, message) == -1) {
		if (c.state != CPACE_FAILED)
			abort();
		return;
	}
	if (c.state != CPACE_DERIVED ||
	    cpace_take_tag(&c, message + CPACE_SHARE_BYTES) == 0)
		abort();
	if (c.state != CPACE_FAILED || !sodium_is_zero(c.isk, sizeof(c.isk)))
		abort();
}

/* One octet says how many elements and how many tags. */
static void
psi_input(const uint8_t *in, size_t n)
{
	static const uint8_t passwords[3][CPACE_PASSWORD_BYTES] = { { 1 },
		{ 2 }, { 3 } };
	static const uint8_t session[PSI_SESSION_BYTES];
	uint8_t elements[PSI_MAX + 1][PSI_ELEMENT_BYTES];
	uint8_t tags[PSI_MAX + 1][PSI_TAG_BYTES];
	const char *why = NULL;
	struct psi psi;
	size_t i, count;

	if (n == 0)
		return;
	count = in[0] % (PSI_MAX + 2);
	/* Elements of the input, or, where it has no more, good ones. */
	for (i = 0; i < PSI_MAX + 1; i++) {
		random_bytes(NULL, elements[i], PSI_ELEMENT_BYTES);
		group_random_scalar(&fixed, elements[i]);
		(void)crypto_scalarmult_ristretto255_base(elements[i],
		    elements[i]);
	}
	n--;
	memcpy(elements, in + 1, n < sizeof(elements) ? n : sizeof(elements));
	memset(tags, 0, sizeof(tags));
	memcpy(tags, in + 1, n < sizeof(tags) ? n : sizeof(tags));
	if (psi_start(&psi, in[0] & 0x80 ? PSI_LEAD : PSI_FOLLOW, session,
		passwords, 3, &fixed) == -1)
		abort();
	if (psi_take_elements(&psi,
		(const uint8_t(*)[PSI_ELEMENT_BYTES])elements, count,
		&why) == -1) {
		if (why == NULL || psi.state != PSI_FAILED)
			abort();
		return;
	}
	if (psi_tags(&psi, tags) != count)
		abort();
	memcpy(tags, in + 1, n < sizeof(tags) ? n : sizeof(tags));
	if (psi_take_tags(&psi, (const uint8_t(*)[PSI_TAG_BYTES])tags,
		psi.count, &why) == 0 &&
	    psi.nmatches != 0)
		abort();
}

/* What our end sent, and how much of it was sent back. */
static uint8_t sent[65536];
static size_t sent_len, sent_back;

static void
queue_message(void *arg, const struct nwsproto *msg)
{
	size_t n;

	(void)arg;
	n = nwsproto_encode(msg, sent + sent_len, sizeof(sent) - sent_len);
	sent_len += n;
	if (nwsproto_size(msg) == 0)
		abort();
}

static void
never_shared(void *arg, uint64_t channel, uint32_t handle)
{
	(void)arg;
	(void)channel;
	(void)handle;
	abort();
}

static void
never_unshared(void *arg, uint64_t channel)
{
	(void)arg;
	(void)channel;
	abort();
}

static void
take(struct match *m, const struct nwsproto *msg, uint64_t now_ms, int *ended)
{
	const char *why = NULL;

	if (match_take(m, msg, now_ms, &why) == -1) {
		if (why == NULL)
			abort();
		*ended = 1;
	}
}

static void
send_back(struct match *m, uint64_t now_ms, int *ended)
{
	static uint8_t copy[sizeof(sent)];
	struct nwsproto msg;
	const char *why;
	size_t need;
	long used;

	memcpy(copy, sent + sent_back, sent_len - sent_back);
	used = nwsproto_decode(copy, sent_len - sent_back, 1024, &msg, &need,
	    &why);
	if (used == -1)
		abort();
	if (used > 0) {
		sent_back += (size_t)used;
		take(m, &msg, now_ms, ended);
	}
}

/*
 * Octets from 0xf0 do something on our side, others begin a message of the
 * input.
 */
static size_t
match_step(struct match *m, const uint8_t *in, size_t n, uint64_t *now_ms,
    int *ended)
{
	uint8_t password[CPACE_PASSWORD_BYTES] = { 9 };
	struct nwsproto msg;
	const char *why = NULL;
	size_t need;
	long used;

	password[1] = in[0];
	if (in[0] >= 0xf0) {
		if (in[0] < 0xf4)
			(void)match_add(m, in[0], password);
		else if (in[0] < 0xf8)
			match_remove(m, in[0] - 4u, *now_ms);
		else if (in[0] < 0xfa)
			*now_ms += in[0] == 0xf8 ? 1000 : 1;
		else
			send_back(m, *now_ms, ended);
		if (!*ended && match_turn(m, *now_ms, &why) == -1)
			*ended = 1;
		return (1);
	}
	used = nwsproto_decode(in, n, 1024, &msg, &need, &why);
	if (used <= 0) {
		*ended = 1;
		return (n);
	}
	take(m, &msg, *now_ms, ended);
	return ((size_t)used);
}

static void
match_input(const uint8_t *in, size_t n, int lead)
{
	static const struct match_ops ops = { queue_message, never_shared,
		never_unshared };
	struct match_counters counters = { 0 };
	struct match_limit limit = { 0 };
	struct match_config config = { .lead = lead,
		.id = alice,
		.remote_id = bob,
		.binding = { "binding", 7 },
		.limits = { &limit, NULL },
		.counters = &counters,
		.ops = &ops,
		.random = fixed };
	uint64_t now_ms = 1000;
	struct match *m;
	size_t used;
	int ended = 0;

	if ((m = match_new(&config)) == NULL)
		abort();
	sent_len = sent_back = 0;
	while (n > 0 && !ended && sent_len < sizeof(sent) / 2) {
		used = match_step(m, in, n, &now_ms, &ended);
		in += used;
		n -= used;
	}
	if (match_shared(m) != 0 || counters.confirmed != 0)
		abort();
	match_free(m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	if (n == 0 || sodium_init() == -1)
		return (0);
	random_at = 0;
	switch (in[0] % 4) {
	case 0:
		cpace_input(in + 1, n - 1);
		break;
	case 1:
		psi_input(in + 1, n - 1);
		break;
	default:
		match_input(in + 1, n - 1, in[0] % 4 == 2);
		break;
	}
	return (0);
}
