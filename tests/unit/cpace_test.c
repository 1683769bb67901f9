/*
 * crypto/cpace.c.  The vectors are those of draft-irtf-cfrg-cpace, appendix
 * "Test vector for CPace using group ristretto255 and hash SHA-512"
 * (github.com/cfrg/draft-irtf-cfrg-cpace, testvectors.json, April 2026).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <string.h>

#include "crypto/cpace.h"

#define B(s)                       \
	{                          \
		(s), sizeof(s) - 1 \
	}
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
hex(uint8_t *out, size_t n, const char *text)
{
	size_t len;

	assert_int_equal(sodium_hex2bin(out, n, text, strlen(text), NULL, &len,
			     NULL),
	    0);
	assert_int_equal(len, n);
}

/* "Random" bytes that are a scalar of the vectors: it is reduced already. */
static void
fixed_scalar(void *arg, void *out, size_t n)
{
	assert_int_equal(n, 64);
	memset(out, 0, n);
	memcpy(out, arg, GROUP_BYTES);
}

#define VECTOR_SID "7e4b4791d6a8ef019b936c79fb7f2c57"
#define VECTOR_YA \
	"d6bac480f2c386c394efc7c47adb9925dcd2630b64f240c50f8d0eec482b9157"
#define VECTOR_YB \
	"3ea7e0b19560d7c0b0f5734f63b955286dfa8232b5ebe63324e2d9e7433f7258"

static void
vector_input(struct cpace_input *in, uint8_t sid[16], int b)
{
	static const char ada[] = "ADa", adb[] = "ADb";

	hex(sid, 16, VECTOR_SID);
	*in = (struct cpace_input){ .prs = B("Password"),
		.ci = B("\x0b"
			"A_initiator\x0b"
			"B_responder"),
		.sid = { sid, 16 } };
	in->ad = (struct cpace_bytes){ b ? adb : ada, 3 };
	in->remote_ad = (struct cpace_bytes){ b ? ada : adb, 3 };
}

static void
vector_start(struct cpace *c, const struct cpace_input *in, const char *scalar)
{
	uint8_t bytes[GROUP_BYTES];
	struct group_random random = { fixed_scalar, bytes };

	hex(bytes, sizeof(bytes), scalar);
	assert_int_equal(cpace_start(c, in, &random), 0);
}

static void
test_vectors(void **state)
{
	struct cpace_input ina, inb;
	struct cpace a, b;
	uint8_t sid[16], want[64];

	(void)state;
	vector_input(&ina, sid, 0);
	vector_input(&inb, sid, 1);
	cpace_generator(want + 32, &ina);
	hex(want, 32,
	    "222b6b195fe84b1652badb6f6a3ae3d24341e7306967f0b8115b40d5698c7e56");
	assert_memory_equal(want, want + 32, 32);
	vector_start(&a, &ina,
	    "da3d23700a9e5699258aef94dc060dfda5ebb61f02a5ea77fad53f4ff0976d08");
	vector_start(&b, &inb,
	    "d2316b454718c35362d83d69df6320f38578ed5984651435e2949762d900b80d");
	hex(want, 32, VECTOR_YA);
	assert_memory_equal(a.share, want, 32);
	hex(want, 32, VECTOR_YB);
	assert_memory_equal(b.share, want, 32);
	assert_int_equal(cpace_take_share(&a, &ina, b.share), 0);
	assert_int_equal(cpace_take_share(&b, &inb, a.share), 0);
	/* ISK of "parallel execution". */
	hex(want, 64,
	    "544199d71f62f8d9a1fee55727e24fe4a45844593c2b6013c4fa3969d0e5debb"
	    "2244675c0b43397cbb68d342b01fc0f98fc961469a25134de9f0f813c1a57476");
	assert_memory_equal(a.isk, want, 64);
	assert_memory_equal(b.isk, want, 64);
	assert_int_equal(cpace_take_tag(&a, b.tag), 0);
	assert_int_equal(cpace_take_tag(&b, a.tag), 0);
}

/* "Test case for scalar_mult" and "Invalid inputs for scalar_mult_vfy". */
static void
test_scalar_mult(void **state)
{
	static const uint8_t identity[GROUP_BYTES];
	static const char *const invalid[] = {
		"2b3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a"
		"51c",
		"0000000000000000000000000000000000000000000000000000000000000"
		"000"
	};
	struct cpace_input in;
	struct cpace c;
	uint8_t s[32], x[32], want[32], got[32], sid[16];
	size_t i;

	(void)state;
	hex(s, 32,
	    "7cd0e075fa7955ba52c02759a6c90dbbfc10e6d40aea8d283e407d88cf538a05");
	hex(x, 32,
	    "2c3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c");
	hex(want, 32,
	    "7c13645fe790a468f62c39beb7388e541d8405d1ade69d1778c5fe3e7f6b600e");
	assert_int_equal(group_mult(got, s, x), 0);
	assert_memory_equal(got, want, 32);
	vector_input(&in, sid, 0);
	for (i = 0; i < COUNT(invalid); i++) {
		hex(x, 32, invalid[i]);
		assert_int_equal(group_mult(got, s, x), -1);
		assert_memory_equal(got, identity, 32);
		assert_int_equal(cpace_start(&c, &in, NULL), 0);
		assert_int_equal(cpace_take_share(&c, &in, x), -1);
		assert_int_equal(c.state, CPACE_FAILED);
	}
}

/* Encodings that are none (RFC 9496, A.2), each in place of a share. */
static void
test_bad_encodings(void **state)
{
	static const char *const bad[] = { /* Not below the prime. */
		"00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"ff",
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"7f",
		"f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"7f",
		/* Negative. */
		"01000000000000000000000000000000000000000000000000000000000000"
		"00",
		"01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"7f",
		/* No square. */
		"26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d3"
		"71",
		/* y is 0. */
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"7f"
	};
	struct cpace_input in;
	struct cpace c;
	uint8_t x[32], sid[16];
	size_t i;

	(void)state;
	vector_input(&in, sid, 1);
	for (i = 0; i < COUNT(bad); i++) {
		hex(x, 32, bad[i]);
		assert_int_equal(cpace_start(&c, &in, NULL), 0);
		assert_int_equal(cpace_take_share(&c, &in, x), -1);
	}
}

/* What the two put in, and whether that is one key. */
struct pair_case {
	const char *name;
	struct cpace_bytes channel[2], secret[2], ci[2], sid[2], ad[2],
	    remote[2];
	int agree;
};

#define SAME(s)            \
	{                  \
		B(s), B(s) \
	}
#define EMPTY                   \
	{                       \
		{ NULL, 0 },    \
		{               \
			NULL, 0 \
		}               \
	}
#define NAMES                  \
	{ B("a"), B("b") },    \
	{                      \
		B("b"), B("a") \
	}
static const struct pair_case pairs[] = {
	{ "same", SAME("chat"), EMPTY, SAME("ci"), SAME("sid"), NAMES, 1 },
	{ "same secret", SAME("chat"), SAME("s"), SAME("ci"), SAME("sid"),
	    NAMES, 1 },
	{ "all empty", EMPTY, EMPTY, EMPTY, EMPTY, NAMES, 1 },
	{ "wrong name", { B("chat"), B("chap") }, EMPTY, SAME("ci"),
	    SAME("sid"), NAMES, 0 },
	{ "name in capitals", { B("chat"), B("Chat") }, EMPTY, SAME("ci"),
	    SAME("sid"), NAMES, 0 },
	{ "wrong secret", SAME("chat"), { B("s"), B("t") }, SAME("ci"),
	    SAME("sid"), NAMES, 0 },
	{ "no secret", SAME("chat"), { B("s"), { NULL, 0 } }, SAME("ci"),
	    SAME("sid"), NAMES, 0 },
	{ "name runs into secret", { B("chats"), B("chat") },
	    { { NULL, 0 }, B("s") }, SAME("ci"), SAME("sid"), NAMES, 0 },
	{ "wrong CI", SAME("chat"), EMPTY, { B("ci"), B("cj") }, SAME("sid"),
	    NAMES, 0 },
	{ "wrong binding", SAME("chat"), EMPTY, SAME("ci"),
	    { B("sid"), B("sie") }, NAMES, 0 },
	{ "CI runs into sid", SAME("chat"), EMPTY, { B("cis"), B("ci") },
	    { B("id"), B("sid") }, NAMES, 0 },
	{ "the other is someone else", SAME("chat"), EMPTY, SAME("ci"),
	    SAME("sid"), { B("a"), B("b") }, { B("c"), B("a") }, 0 },
	{ "both have one role", SAME("chat"), EMPTY, SAME("ci"), SAME("sid"),
	    SAME("a"), SAME("b"), 0 },
	{ "names of which one begins the other", SAME("chat"), EMPTY,
	    SAME("ci"), SAME("sid"), { B("a"), B("ab") }, { B("ab"), B("a") },
	    1 }
};

static void
pair_input(const struct pair_case *t, int i, uint8_t password[64],
    struct cpace_input *in)
{
	cpace_password(password, t->channel[i], t->secret[i]);
	in->prs = (struct cpace_bytes){ password, 64 };
	in->ci = t->ci[i];
	in->sid = t->sid[i];
	in->ad = t->ad[i];
	in->remote_ad = t->remote[i];
}

static void
test_pairs(void **state)
{
	struct cpace_input in[2];
	struct cpace c[2];
	uint8_t password[2][64];
	size_t i;
	int k, result;

	(void)state;
	for (i = 0; i < COUNT(pairs); i++) {
		for (k = 0; k < 2; k++) {
			pair_input(&pairs[i], k, password[k], &in[k]);
			assert_int_equal(cpace_start(&c[k], &in[k], NULL), 0);
		}
		assert_int_equal(cpace_take_share(&c[0], &in[0], c[1].share),
		    0);
		assert_int_equal(cpace_take_share(&c[1], &in[1], c[0].share),
		    0);
		result = memcmp(c[0].isk, c[1].isk, CPACE_KEY_BYTES) == 0;
		if (result != pairs[i].agree)
			fail_msg("%s: %d", pairs[i].name, result);
		for (k = 0; k < 2; k++) {
			result = cpace_take_tag(&c[k],
			    k == 0 ? c[1].tag : c[0].tag);
			if (!pairs[i].agree) {
				assert_int_equal(result, -1);
				break;
			}
			assert_int_equal(result, 0);
			assert_int_equal(c[k].state, CPACE_CONFIRMED);
		}
	}
}

/* Whatever is sent back, sent twice or kept from another run. */
static void
test_attacks(void **state)
{
	struct cpace_input in[2];
	struct cpace c, d, old;
	uint8_t password[2][64], share[32], tag[64];
	size_t i;

	(void)state;
	pair_input(&pairs[0], 0, password[0], &in[0]);
	pair_input(&pairs[0], 1, password[1], &in[1]);
	/* Our share come back. */
	assert_int_equal(cpace_start(&c, &in[0], NULL), 0);
	memcpy(share, c.share, sizeof(share));
	assert_int_equal(cpace_take_share(&c, &in[0], share), -1);
	/* Our tag come back. */
	assert_int_equal(cpace_start(&c, &in[0], NULL), 0);
	assert_int_equal(cpace_start(&d, &in[1], NULL), 0);
	assert_int_equal(cpace_take_share(&c, &in[0], d.share), 0);
	memcpy(tag, c.tag, sizeof(tag));
	assert_int_equal(cpace_take_tag(&c, tag), -1);
	assert_int_equal(c.state, CPACE_FAILED);
	/* Two shares, a tag before the share, a tag twice. */
	assert_int_equal(cpace_start(&c, &in[0], NULL), 0);
	assert_int_equal(cpace_take_share(&c, &in[0], d.share), 0);
	assert_int_equal(cpace_take_share(&c, &in[0], d.share), -1);
	assert_int_equal(cpace_start(&c, &in[0], NULL), 0);
	assert_int_equal(cpace_take_tag(&c, tag), -1);
	/* Share and tag of an earlier run, against a new one. */
	assert_int_equal(cpace_start(&c, &in[0], NULL), 0);
	assert_int_equal(cpace_start(&old, &in[1], NULL), 0);
	assert_int_equal(cpace_take_share(&old, &in[1], c.share), 0);
	assert_int_equal(cpace_start(&c, &in[0], NULL), 0);
	assert_int_equal(cpace_take_share(&c, &in[0], old.share), 0);
	assert_int_equal(cpace_take_tag(&c, old.tag), -1);
	/* Each bit of a tag counts. */
	for (i = 0; i < CPACE_TAG_BYTES * 8; i++) {
		assert_int_equal(cpace_start(&c, &in[0], NULL), 0);
		assert_int_equal(cpace_start(&d, &in[1], NULL), 0);
		assert_int_equal(cpace_take_share(&c, &in[0], d.share), 0);
		assert_int_equal(cpace_take_share(&d, &in[1], c.share), 0);
		d.tag[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(cpace_take_tag(&c, d.tag), -1);
	}
	/* The same name on both sides. */
	in[0].remote_ad = in[0].ad;
	assert_int_equal(cpace_start(&c, &in[0], NULL), -1);
}

/* After the end nothing is left but what a peer has seen. */
static void
test_wiped(void **state)
{
	static const uint8_t zeros[64];
	struct cpace_input in[2];
	struct cpace c, d;
	uint8_t password[2][64];

	(void)state;
	pair_input(&pairs[0], 0, password[0], &in[0]);
	pair_input(&pairs[0], 1, password[1], &in[1]);
	assert_int_equal(cpace_start(&c, &in[0], NULL), 0);
	assert_int_equal(cpace_start(&d, &in[1], NULL), 0);
	assert_int_equal(cpace_take_share(&c, &in[0], d.share), 0);
	assert_memory_equal(c.scalar, zeros, sizeof(c.scalar));
	assert_int_equal(cpace_take_share(&d, &in[1], c.share), 0);
	assert_int_equal(cpace_take_tag(&c, d.tag), 0);
	assert_memory_equal(c.expected, zeros, sizeof(c.expected));
	cpace_wipe(&c);
	assert_memory_equal(c.isk, zeros, sizeof(c.isk));
	assert_int_equal(c.state, CPACE_FAILED);
	d.tag[0] ^= 1;
	assert_int_equal(cpace_take_tag(&d, d.tag), -1);
	assert_memory_equal(d.isk, zeros, sizeof(d.isk));
}

/* Lengths of a password around the block of the hash and of LEB128. */
static void
test_lengths(void **state)
{
	struct cpace_input in[2] = {
		{ .ci = B("ci"), .ad = B("a"), .remote_ad = B("b") },
		{ .ci = B("ci"), .ad = B("b"), .remote_ad = B("a") }
	};
	struct cpace c, d;
	uint8_t bytes[300];
	size_t n;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	for (n = 0; n < sizeof(bytes); n++) {
		in[0].prs = in[1].prs = (struct cpace_bytes){ bytes, n };
		in[0].sid = in[1].sid = (struct cpace_bytes){ bytes, n };
		assert_int_equal(cpace_start(&c, &in[0], NULL), 0);
		assert_int_equal(cpace_start(&d, &in[1], NULL), 0);
		assert_int_equal(cpace_take_share(&c, &in[0], d.share), 0);
		assert_int_equal(cpace_take_share(&d, &in[1], c.share), 0);
		assert_int_equal(cpace_take_tag(&c, d.tag), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_scalar_mult),
		cmocka_unit_test(test_bad_encodings),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_attacks),
		cmocka_unit_test(test_wiped),
		cmocka_unit_test(test_lengths),
	};

	if (sodium_init() == -1)
		return (1);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
