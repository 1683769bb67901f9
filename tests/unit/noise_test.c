/* crypto/noise.c, crypto/noise_xx.c and crypto/noise_cipher.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "crypto/noise.h"
#include "crypto/protobuf.h"
#include "tests/unit/hex.h"

#define MESSAGE_SIZE	(NOISE_HEADER_LEN + NOISE_HANDSHAKE_MAX)

static const char *const yamux_only[] = { "/yamux/1.0.0" };

/* The two ends of the vectors of libp2p. */
struct ends {
	struct identity	 id[2];
	uint8_t		 s[2][NOISE_KEY_LEN], e[2][NOISE_KEY_LEN];
	struct noise_config config[2];	/* 0 is the initiator */
	struct noise	 noise[2];
};

static void
ends_init(struct ends *t)
{
	uint8_t	seed[ED25519_KEY_LEN];
	int	i;

	memset(t, 0, sizeof(*t));
	for (i = 0; i < 2; i++) {
		memset(seed, 1 + i, sizeof(seed));
		assert_int_equal(identity_from_seed(&t->id[i], seed), 0);
		memset(t->s[i], 0x11 + i, NOISE_KEY_LEN);
		memset(t->e[i], 0x21 + i, NOISE_KEY_LEN);
		t->config[i].initiator = i == 0;
		t->config[i].self = &t->id[i];
		t->config[i].static_key = t->s[i];
		t->config[i].ephemeral_key = t->e[i];
		t->config[i].muxers = yamux_only;
		t->config[i].nmuxers = 1;
	}
}

static void
ends_begin(struct ends *t)
{
	noise_init(&t->noise[0], &t->config[0]);
	noise_init(&t->noise[1], &t->config[1]);
}

static void
ends_wipe(struct ends *t)
{
	noise_wipe(&t->noise[0]);
	noise_wipe(&t->noise[1]);
}

/*
 * Runs a handshake, with one bit of one message flipped on its way unless
 * message is -1.  Returns how many messages were read well.
 */
static int
ends_run(struct ends *t, int message, size_t bit)
{
	uint8_t	out[MESSAGE_SIZE];
	int	i, n;

	ends_begin(t);
	for (i = 0; i < NOISE_XX_MESSAGES; i++) {
		n = noise_handshake_write(&t->noise[i % 2], out, sizeof(out));
		if (n == -1)
			return (i);
		if (i == message)
			out[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (noise_handshake_read(&t->noise[(i + 1) % 2], out,
		    (size_t)n) != n)
			return (i);
	}
	return (i);
}

static const char *const libp2p_messages[] = {
	"7d34a4815fa6b982535e60af3bd9b49556816080f1641ff81d2b7c8ae8268a44",
	"0faa684ed28867b97f4a6a2dee5df8ce974e76b7018e3f22a1c4cf2678570f205727"
	"c65b835e6482a6e9b09beda9f57b4a8668d46edba4c6cd507dacf188c1ce48a01087"
	"372c1b4e60f838b8b5d43575ebb265de4b7718505d452e9c48aa75497f9f2d1e4a51"
	"88782d997e61a66ce390851006da58b92155c6256a7a945e9c5d86397c9a325ad2d4"
	"a0e25bdcded015159d30a0bd53806cabcad954e7adc0f3e098606c8d975be4c7a916"
	"d980475e28cd3c52c4caf66039428b1758c55a116282b977b690a4d38cf580fdf130"
	"9e41ac96bdd9a87225634400",
	"ad8ccedd82f63d66ba15b16f78a13d2078708846447de330fc7686e51d25398c344b"
	"6ae4ad82469a4c8f279a118421316637f592bbd0885b23fbe123578676f9a15aa403"
	"6829308790fbf811bbb98d5e734b3a9f6992f35f9f692154d33257508de5c30ebf6d"
	"44b4a28489b4fc4306013dbfbbc7686907b7f499d244b4098d9fb42870f17edbb6d4"
	"13447e0d43dfde00deac5a079b3aefde8dee5eabe91122db20836e669e7ac6121b76"
	"dd066aeb97e64bffedf86b5ab072",
};

static void
test_libp2p_vector(void **state)
{
	struct ends	 t;
	uint8_t		 out[MESSAGE_SIZE], want[MESSAGE_SIZE], *plain;
	size_t		 want_len, len;
	int		 i, n;

	(void)state;
	ends_init(&t);
	ends_begin(&t);
	for (i = 0; i < NOISE_XX_MESSAGES; i++) {
		n = noise_handshake_write(&t.noise[i % 2], out, sizeof(out));
		want_len = hex(want, sizeof(want), libp2p_messages[i]);
		assert_int_equal(n, want_len + 2);
		assert_int_equal(out[0] << 8 | out[1], want_len);
		assert_memory_equal(out + 2, want, want_len);
		assert_int_equal(noise_handshake_read(&t.noise[(i + 1) % 2],
		    out, (size_t)n), n);
	}
	(void)hex(want, sizeof(want), "f5586a34a0c221e43dd15ad811cfeacd0fa044"
	    "92fade427f58ef1abf4d04416a");
	for (i = 0; i < 2; i++) {
		assert_int_equal(t.noise[i].phase, NOISE_OPEN);
		assert_int_equal(t.noise[i].muxer, 0);
		assert_memory_equal(t.noise[i].binding, want, NOISE_KEY_LEN);
		assert_true(peerid_equal(&t.noise[i].peer, &t.id[1 - i].id));
	}
	want_len = hex(want, sizeof(want),
	    "0015" "6fb01eae16a96b9243b416088f89f7d16f524e2920");
	assert_int_equal(noise_seal(&t.noise[0], (const uint8_t *)"hello", 5,
	    out), want_len);
	assert_memory_equal(out, want, want_len);
	assert_int_equal(noise_open(&t.noise[1], out, want_len, &plain, &len),
	    want_len);
	assert_int_equal(len, 5);
	assert_memory_equal(plain, "hello", 5);
	want_len = hex(want, sizeof(want),
	    "0010fb720af90d41ececd37dbde9394472c5");
	assert_int_equal(noise_seal(&t.noise[0], NULL, 0, out), want_len);
	assert_memory_equal(out, want, want_len);
	assert_int_equal(noise_open(&t.noise[1], out, want_len, &plain, &len),
	    want_len);
	assert_int_equal(len, 0);
	ends_wipe(&t);
}

/*
 * With a prologue and a payload in each message, as a model written apart from
 * this one has it (which also agrees with the vectors of cacophony).
 */
static void
test_xx_vector(void **state)
{
	static const char *const payloads[] = { "first, in the clear", "",
		"third payload", "from the responder", "from the initiator" };
	static const char *const messages[] = {
	    "5869aff450549732cbaaed5e5df9b30a6da31cb0e5742bad5ad4a1a768f1a67b"
	    "66697273742c20696e2074686520636c656172",
	    "244fe3b963e899dd295baffce248d3530f3a9a7479ba063002680ebfe7adad49"
	    "f197d6be61b51372854b4947bb7968e90c719fe79550e48ecf696cc4e7b51e16"
	    "feda6f8fb4e9078f49262d7612abb57ea11f14212c310da8e04aa9f185f9fb0c",
	    "bb393122a9dd7e3e19dd4433a6c6743ff2454a8d4e165786a5f1235a87aaf27e"
	    "375ffa7786b06abe3b0f9a2b441d8365e1186a8e2349efe5fb31ed6822f07c8c"
	    "f0b84fe7f702bb0f192a9b9ecd",
	    "69905d492fd859c299421898f7331a690ca977e60a3bba7d7b599e6c9d7c0efd"
	    "037b",
	    "eff5689226e74226e5f60303370c0cdc391d3693e02ec85a5b7e991612c20bee"
	    "e87a",
	};
	static const char	 prologue[] = "nwsd test prologue";
	struct noise_xx		 x[2];
	struct noise_cipher	 send[2], receive[2];
	uint8_t			 key[4][NOISE_KEY_LEN], out[256], want[256];
	uint8_t			 back[256];
	size_t			 len, want_len;
	int			 i, j;

	(void)state;
	for (i = 0; i < 4; i++)
		for (j = 0; j < NOISE_KEY_LEN; j++)
			key[i][j] = (uint8_t)(32 * i + j + 1);
	memset(send, 0, sizeof(send));
	memset(receive, 0, sizeof(receive));
	for (i = 0; i < 2; i++)
		assert_int_equal(noise_xx_init(&x[i], i == 0, prologue,
		    sizeof(prologue) - 1, key[2 * i], key[2 * i + 1]), 0);
	for (i = 0; i < NOISE_XX_MESSAGES; i++) {
		want_len = hex(want, sizeof(want), messages[i]);
		len = strlen(payloads[i]);
		assert_int_equal(noise_xx_write(&x[i % 2], payloads[i], len,
		    out, want_len), want_len);
		assert_memory_equal(out, want, want_len);
		assert_int_equal(noise_xx_read(&x[(i + 1) % 2], out, want_len,
		    back), len);
		assert_memory_equal(back, payloads[i], len);
	}
	(void)hex(want, sizeof(want), "1856336e75c108480c4ddeb4c9eac4a4037fda0"
	    "8acd5b570ae248e8eed9ed951");
	for (i = 0; i < 2; i++) {
		assert_memory_equal(x[i].h, want, NOISE_KEY_LEN);
		assert_int_equal(noise_xx_split(&x[i], &send[i], &receive[i]),
		    0);
	}
	for (i = 1; i >= 0; i--) {
		want_len = hex(want, sizeof(want), messages[4 - i]);
		len = strlen(payloads[4 - i]);
		assert_int_equal(noise_seal_with(&send[i], NULL, 0,
		    (const uint8_t *)payloads[4 - i], len, out), 0);
		assert_memory_equal(out, want, want_len);
		assert_int_equal(noise_open_with(&receive[1 - i], NULL, 0, out,
		    want_len, back), 0);
		assert_memory_equal(back, payloads[4 - i], len);
	}
	for (i = 0; i < 2; i++) {
		noise_xx_wipe(&x[i]);
		noise_cipher_wipe(&send[i]);
		noise_cipher_wipe(&receive[i]);
	}
}

/* No bit of any message is without meaning, the lengths included. */
static void
test_every_bit(void **state)
{
	struct ends	 t;
	size_t		 bit, bits;
	int		 message;

	(void)state;
	ends_init(&t);
	for (message = 0; message < NOISE_XX_MESSAGES; message++) {
		bits = 8 * (2 + strlen(libp2p_messages[message]) / 2);
		for (bit = 0; bit < bits; bit++) {
			/*
			 * The first message is in the clear: it is the answer
			 * that does not open then.
			 */
			if (ends_run(&t, message, bit) >
			    (message == 0 ? 1 : message))
				fail_msg("message %d, bit %zu", message, bit);
			assert_int_not_equal(t.noise[0].phase ==
			    NOISE_OPEN && t.noise[1].phase == NOISE_OPEN, 1);
			ends_wipe(&t);
		}
	}
	assert_int_equal(ends_run(&t, -1, 0), NOISE_XX_MESSAGES);
	ends_wipe(&t);
}

/* Every prefix of a message needs more; what follows it is left. */
static void
test_cut(void **state)
{
	struct ends	t;
	uint8_t		out[MESSAGE_SIZE + 1];
	int		i, n, cut;

	(void)state;
	ends_init(&t);
	ends_begin(&t);
	for (i = 0; i < NOISE_XX_MESSAGES; i++) {
		n = noise_handshake_write(&t.noise[i % 2], out, MESSAGE_SIZE);
		for (cut = 0; cut < n; cut++)
			assert_int_equal(noise_handshake_read(
			    &t.noise[(i + 1) % 2], out, (size_t)cut), 0);
		assert_int_equal(noise_handshake_read(&t.noise[(i + 1) % 2],
		    out, (size_t)n + 1), n);
	}
	ends_wipe(&t);
}

static void
test_turns(void **state)
{
	struct ends	t;
	uint8_t		out[MESSAGE_SIZE];

	(void)state;
	ends_init(&t);
	ends_begin(&t);
	assert_int_equal(t.noise[0].phase, NOISE_WRITING);
	assert_int_equal(t.noise[1].phase, NOISE_READING);
	assert_int_equal(noise_handshake_write(&t.noise[1], out, sizeof(out)),
	    -1);
	assert_int_equal(t.noise[1].phase, NOISE_FAILED);
	/* Nothing is sealed before the handshake has ended. */
	assert_int_equal(noise_seal(&t.noise[0], out, 1, out), 0);
	assert_int_equal(t.noise[0].phase, NOISE_FAILED);
	ends_wipe(&t);
}

/* Our own messages sent back to us, at each place where one is read. */
static void
test_reflected(void **state)
{
	struct ends	t;
	uint8_t		first[MESSAGE_SIZE], out[MESSAGE_SIZE];
	int		n, m;

	(void)state;
	ends_init(&t);
	ends_begin(&t);
	n = noise_handshake_write(&t.noise[0], first, sizeof(first));
	assert_int_equal(noise_handshake_read(&t.noise[0], first, (size_t)n),
	    -1);
	assert_int_equal(t.noise[0].error, NOISE_BAD_MESSAGE);
	ends_wipe(&t);
	ends_begin(&t);
	n = noise_handshake_write(&t.noise[0], first, sizeof(first));
	assert_int_equal(noise_handshake_read(&t.noise[1], first, (size_t)n),
	    n);
	m = noise_handshake_write(&t.noise[1], out, sizeof(out));
	assert_int_equal(noise_handshake_read(&t.noise[1], out, (size_t)m),
	    -1);
	ends_wipe(&t);
}

/* A recorded run does not open for a responder with another ephemeral key. */
static void
test_replayed(void **state)
{
	struct ends	t;
	uint8_t		message[NOISE_XX_MESSAGES][MESSAGE_SIZE];
	uint8_t		out[MESSAGE_SIZE];
	int		i, n[NOISE_XX_MESSAGES];

	(void)state;
	ends_init(&t);
	ends_begin(&t);
	for (i = 0; i < NOISE_XX_MESSAGES; i++) {
		n[i] = noise_handshake_write(&t.noise[i % 2], message[i],
		    MESSAGE_SIZE);
		assert_int_equal(noise_handshake_read(&t.noise[(i + 1) % 2],
		    message[i], (size_t)n[i]), n[i]);
	}
	ends_wipe(&t);
	t.e[1][0] ^= 8;
	noise_init(&t.noise[1], &t.config[1]);
	assert_int_equal(noise_handshake_read(&t.noise[1], message[0],
	    (size_t)n[0]), n[0]);
	assert_true(noise_handshake_write(&t.noise[1], out, sizeof(out)) > 0);
	assert_int_equal(noise_handshake_read(&t.noise[1], message[2],
	    (size_t)n[2]), -1);
	assert_int_equal(t.noise[1].error, NOISE_BAD_MESSAGE);
	ends_wipe(&t);
}

static void
test_wrong_peer(void **state)
{
	struct ends	t;

	(void)state;
	ends_init(&t);
	t.config[0].expect = &t.id[1].id;
	assert_int_equal(ends_run(&t, -1, 0), 3);
	ends_wipe(&t);
	t.config[0].expect = &t.id[0].id;
	assert_int_equal(ends_run(&t, -1, 0), 1);
	assert_int_equal(t.noise[0].error, NOISE_WRONG_PEER);
	ends_wipe(&t);
	t.config[0].expect = NULL;
	t.config[1].self = &t.id[0];
	assert_int_equal(ends_run(&t, -1, 0), 1);
	assert_int_equal(t.noise[0].error, NOISE_SELF);
	ends_wipe(&t);
}

/* Points of small order have nothing in common with anybody (RFC 7748, 6.1). */
static void
test_small_order(void **state)
{
	static const char *const points[] = {
	    "0000000000000000000000000000000000000000000000000000000000000000",
	    "0100000000000000000000000000000000000000000000000000000000000000",
	    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	struct ends	t;
	uint8_t		out[MESSAGE_SIZE], in[MESSAGE_SIZE] = { 0, 32 };
	size_t		i;

	(void)state;
	ends_init(&t);
	for (i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		ends_begin(&t);
		(void)hex(in + 2, 32, points[i]);
		assert_int_equal(noise_handshake_read(&t.noise[1], in, 34),
		    34);
		assert_int_equal(noise_handshake_write(&t.noise[1], out,
		    sizeof(out)), -1);
		ends_wipe(&t);
	}
}

struct muxer_case {
	const char	*name;
	const char	*ours[3], *theirs[3];	/* of initiator and responder */
	int		 results[2];		/* -2: the handshake fails */
};

static const struct muxer_case muxer_cases[] = {
	{ "same", { "/y" }, { "/y" }, { 0, 0 } },
	{ "initiator's order", { "/a", "/b" }, { "/b", "/a" }, { 0, 1 } },
	{ "first that both have", { "/a", "/b" }, { "/c", "/b" }, { 1, 1 } },
	{ "initiator says nothing", { NULL }, { "/b" }, { -1, -1 } },
	{ "responder says nothing", { "/b" }, { NULL }, { -1, -1 } },
	{ "neither says anything", { NULL }, { NULL }, { -1, -1 } },
	{ "none in common", { "/a" }, { "/b" }, { -2, -2 } },
	{ "a prefix is another", { "/a" }, { "/a/1" }, { -2, -2 } },
};

static void
test_muxers(void **state)
{
	const struct muxer_case	*c;
	struct ends		 t;
	size_t			 i, n;
	int			 done;

	(void)state;
	ends_init(&t);
	for (i = 0; i < sizeof(muxer_cases) / sizeof(muxer_cases[0]); i++) {
		c = &muxer_cases[i];
		for (n = 0; n < 3 && c->ours[n] != NULL; n++)
			;
		t.config[0].muxers = c->ours;
		t.config[0].nmuxers = n;
		for (n = 0; n < 3 && c->theirs[n] != NULL; n++)
			;
		t.config[1].muxers = c->theirs;
		t.config[1].nmuxers = n;
		done = ends_run(&t, -1, 0);
		if (c->results[0] == -2) {
			if (done == 3 || t.noise[0].error != NOISE_NO_MUXER)
				fail_msg("%s", c->name);
		} else if (done != 3 || t.noise[0].muxer != c->results[0] ||
		    t.noise[1].muxer != c->results[1])
			fail_msg("%s", c->name);
		ends_wipe(&t);
	}
}

/* What a responder that wrote this payload itself gets to hear. */
static enum noise_error
payload_try(struct ends *t, const void *payload, size_t n)
{
	struct noise_xx	x;
	uint8_t		out[65535 + 2];
	int		got;

	noise_wipe(&t->noise[0]);
	noise_init(&t->noise[0], &t->config[0]);
	assert_int_equal(noise_xx_init(&x, 0, NULL, 0, t->s[1], t->e[1]), 0);
	got = noise_handshake_write(&t->noise[0], out, sizeof(out));
	assert_int_equal(noise_xx_read(&x, out + 2, (size_t)got - 2, out), 0);
	got = noise_xx_write(&x, payload, n, out + 2, sizeof(out) - 2);
	assert_true(got > 0);
	out[0] = (uint8_t)(got >> 8);
	out[1] = (uint8_t)got;
	(void)noise_handshake_read(&t->noise[0], out, (size_t)got + 2);
	noise_xx_wipe(&x);
	return (t->noise[0].error);
}

static const char good_payload[] =
    "0a24080112208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b"
    "39412403c9a4a1b109b0108a52e2f81927b359388e5954c030bbf524d740c07f0e0c79987"
    "80cc24a05cc02210722b7c3a8a24a02c722f3b619e247a17ecc49f580cc10a";
#define GOOD_LEN	(2 + 36 + 2 + 64)

static void
test_payloads(void **state)
{
	struct ends	t;
	uint8_t		p[NOISE_HANDSHAKE_MAX], copy[NOISE_HANDSHAKE_MAX];
	size_t		n, i;

	(void)state;
	ends_init(&t);
	n = hex(p, sizeof(p), good_payload);
	assert_int_equal(n, GOOD_LEN);
	assert_int_equal(payload_try(&t, p, n), NOISE_FINE);
	assert_int_equal(t.noise[0].muxer, -1);
	/* Cut anywhere, and each bit of the key and of the signature. */
	for (i = 0; i < n; i++)
		assert_int_equal(payload_try(&t, p, i), NOISE_BAD_PAYLOAD);
	for (i = 2 * 8; i < n * 8; i++) {
		memcpy(copy, p, n);
		copy[i / 8] ^= (uint8_t)(1u << i % 8);
		if (payload_try(&t, copy, n) == NOISE_FINE)
			fail_msg("bit %zu", i);
	}
	/* A field that is not known, then one that is there twice. */
	memcpy(p + n, "\x2a\x01x", 3);
	assert_int_equal(payload_try(&t, p, n + 3), NOISE_FINE);
	memcpy(copy, p, n);
	memcpy(copy + n, p, 38);
	assert_int_equal(payload_try(&t, copy, n + 38), NOISE_BAD_PAYLOAD);
	/* The signature of somebody else over the same key. */
	memcpy(copy, p, n);
	memcpy(copy + 2, t.id[0].message, ED25519_PUBLIC_LEN);
	assert_int_equal(payload_try(&t, copy, n), NOISE_BAD_SIGNATURE);
	/* Extensions that are no message, and a muxer that is a number. */
	memcpy(p + n, "\x22\x01\x12", 3);
	assert_int_equal(payload_try(&t, p, n + 3), NOISE_BAD_PAYLOAD);
	memcpy(p + n, "\x22\x02\x10\x01", 4);
	assert_int_equal(payload_try(&t, p, n + 4), NOISE_BAD_PAYLOAD);
	noise_wipe(&t.noise[0]);
}

/* As large as a handshake message may be, and one more. */
static void
test_handshake_limit(void **state)
{
	struct ends	t;
	uint8_t		p[NOISE_HANDSHAKE_MAX];
	size_t		n, pad = NOISE_HANDSHAKE_MAX - 96 - GOOD_LEN;

	(void)state;
	ends_init(&t);
	memset(p, 0, sizeof(p));
	n = hex(p, sizeof(p), good_payload);
	p[n] = 0x2a;
	p[n + 1] = (uint8_t)((pad - 3) | 0x80);
	p[n + 2] = (uint8_t)((pad - 3) >> 7);
	assert_int_equal(payload_try(&t, p, n + pad), NOISE_FINE);
	p[n + 1]++;
	assert_int_equal(payload_try(&t, p, n + pad + 1), NOISE_BAD_MESSAGE);
	noise_wipe(&t.noise[0]);
}

static void
test_record_limits(void **state)
{
	static uint8_t	 in[NOISE_RECORD_MAX + 16], out[NOISE_RECORD_MAX + 16];
	struct ends	 t;
	uint8_t		*plain;
	size_t		 n, len;

	(void)state;
	ends_init(&t);
	assert_int_equal(ends_run(&t, -1, 0), 3);
	memset(in, 'x', sizeof(in));
	n = noise_seal(&t.noise[1], in, NOISE_PLAIN_MAX, out);
	assert_int_equal(n, NOISE_RECORD_MAX);
	assert_int_equal(noise_open(&t.noise[0], out, n - 1, &plain, &len), 0);
	assert_int_equal(noise_open(&t.noise[0], out, 1, &plain, &len), 0);
	assert_int_equal(noise_open(&t.noise[0], out, n, &plain, &len), n);
	assert_int_equal(len, NOISE_PLAIN_MAX);
	assert_memory_equal(plain, in, len);
	/* In place. */
	memcpy(out + NOISE_HEADER_LEN, "abc", 3);
	n = noise_seal(&t.noise[1], out + NOISE_HEADER_LEN, 3, out);
	assert_int_equal(noise_open(&t.noise[0], out, n, &plain, &len), n);
	assert_memory_equal(plain, "abc", 3);
	assert_int_equal(noise_seal(&t.noise[1], in, NOISE_PLAIN_MAX + 1, out),
	    0);
	assert_int_equal(t.noise[1].phase, NOISE_FAILED);
	/* Shorter than a tag. */
	memcpy(out, "\0\x0f", 2);
	assert_int_equal(noise_open(&t.noise[0], out, 64, &plain, &len), -1);
	assert_int_equal(t.noise[0].error, NOISE_BAD_MESSAGE);
	ends_wipe(&t);
}

/* Records that are damaged, repeated, left out or sent back. */
static void
test_records_refused(void **state)
{
	struct ends	 t;
	uint8_t		 out[2][64], copy[64], *plain;
	size_t		 n, len, bit;

	(void)state;
	ends_init(&t);
	for (bit = 0; bit < 8 * (2 + 5 + 16) + 3; bit++) {
		assert_int_equal(ends_run(&t, -1, 0), 3);
		n = noise_seal(&t.noise[0], (const uint8_t *)"hello", 5,
		    out[0]);
		(void)noise_seal(&t.noise[0], (const uint8_t *)"world", 5,
		    out[1]);
		memcpy(copy, out[0], n);
		if (bit < 8 * n) {
			copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (noise_open(&t.noise[1], copy, n, &plain, &len) >
			    0)
				fail_msg("bit %zu", bit);
		} else if (bit == 8 * n) {
			assert_int_equal(noise_open(&t.noise[1], copy, n,
			    &plain, &len), n);
			assert_int_equal(noise_open(&t.noise[1], out[0], n,
			    &plain, &len), -1);
		} else if (bit == 8 * n + 1)
			assert_int_equal(noise_open(&t.noise[1], out[1], n,
			    &plain, &len), -1);
		else
			assert_int_equal(noise_open(&t.noise[0], out[0], n,
			    &plain, &len), -1);
		ends_wipe(&t);
	}
}

/* The last nonce is reserved (section 5.1). */
static void
test_nonce_limit(void **state)
{
	struct ends	 t;
	uint8_t		 out[64], *plain;
	size_t		 n, len;

	(void)state;
	ends_init(&t);
	assert_int_equal(ends_run(&t, -1, 0), 3);
	t.noise[0].send.nonce = t.noise[1].receive.nonce = UINT64_MAX - 1;
	n = noise_seal(&t.noise[0], (const uint8_t *)"x", 1, out);
	assert_int_equal(n, 19);
	assert_int_equal(noise_open(&t.noise[1], out, n, &plain, &len), n);
	assert_int_equal(noise_seal(&t.noise[0], (const uint8_t *)"x", 1, out),
	    0);
	assert_int_equal(t.noise[0].error, NOISE_EXHAUSTED);
	assert_int_equal(noise_open(&t.noise[1], out, n, &plain, &len), -1);
	ends_wipe(&t);
}

/* What is said in the first message can be read by everybody. */
static void
test_first_payload(void **state)
{
	struct ends	 t;
	uint8_t		 out[NOISE_HEADER_LEN + NOISE_HANDSHAKE_MAX];
	int		 n;

	(void)state;
	ends_init(&t);
	ends_begin(&t);
	n = noise_handshake_write(&t.noise[0], out, sizeof(out));
	assert_int_equal(n, NOISE_HEADER_LEN + NOISE_KEY_LEN);
	out[1]++;
	out[n] = 0;
	assert_int_equal(noise_handshake_read(&t.noise[1], out, (size_t)n + 1),
	    -1);
	assert_int_equal(t.noise[1].error, NOISE_BAD_PAYLOAD);
	ends_wipe(&t);
}

/* Nothing of the keys is left in the struct. */
static void
test_wiped(void **state)
{
	struct ends	 t;
	const uint8_t	*p;
	size_t		 i;

	(void)state;
	ends_init(&t);
	assert_int_equal(ends_run(&t, -1, 0), 3);
	assert_null(memmem(&t.noise[0], sizeof(t.noise[0]), t.s[0],
	    NOISE_KEY_LEN));
	assert_null(memmem(&t.noise[0], sizeof(t.noise[0]), t.e[0],
	    NOISE_KEY_LEN));
	ends_wipe(&t);
	p = (const uint8_t *)&t.noise[0].binding;
	for (i = 0; i < NOISE_KEY_LEN; i++)
		assert_int_equal(p[i], 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_libp2p_vector),
		cmocka_unit_test(test_xx_vector),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_reflected),
		cmocka_unit_test(test_replayed),
		cmocka_unit_test(test_wrong_peer),
		cmocka_unit_test(test_small_order),
		cmocka_unit_test(test_muxers),
		cmocka_unit_test(test_payloads),
		cmocka_unit_test(test_handshake_limit),
		cmocka_unit_test(test_record_limits),
		cmocka_unit_test(test_records_refused),
		cmocka_unit_test(test_nonce_limit),
		cmocka_unit_test(test_first_payload),
		cmocka_unit_test(test_wiped),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
