/*
 * CPace, draft-irtf-cfrg-cpace: the formulas of its section "CPace protocol
 * instructions" under the names that they have there.  Runs in crypto; owns
 * the secrets of one run.  The share and the tag of the other side are not
 * trusted.
 */
#include "cpace.h"

#include <sodium.h>
#include <string.h>

#define DSI "CPaceRistretto255"
#define DSI_ISK "CPaceRistretto255_ISK"
#define DSI_MAC "CPaceMac"
#define DSI_PASSWORD "nws/2.0.0 channel password"
#define BLOCK_BYTES 128 /* s_in_bytes of SHA-512 */
#define LEB128_MAX 10	/* bytes of a length of 64 bits */

/* prepend_len: 7 bits in each byte, lowest first. */
static size_t
leb128(uint8_t out[LEB128_MAX], size_t v)
{
	size_t n = 0;

	do {
		out[n] = (uint8_t)(v & 0x7f);
		v >>= 7;
		if (v != 0)
			out[n] |= 0x80;
		n++;
	} while (v != 0);
	return (n);
}

static void
hash_lv(crypto_hash_sha512_state *h, const void *p, size_t n)
{
	uint8_t len[LEB128_MAX];

	crypto_hash_sha512_update(h, len, leb128(len, n));
	if (n > 0)
		crypto_hash_sha512_update(h, p, n);
}

static void
hash_lv_text(crypto_hash_sha512_state *h, const char *text)
{
	hash_lv(h, text, strlen(text));
}

static void
mac_lv(crypto_auth_hmacsha512_state *h, const void *p, size_t n)
{
	uint8_t len[LEB128_MAX];

	crypto_auth_hmacsha512_update(h, len, leb128(len, n));
	if (n > 0)
		crypto_auth_hmacsha512_update(h, p, n);
}

void
cpace_password(uint8_t out[CPACE_PASSWORD_BYTES], struct cpace_bytes name,
    struct cpace_bytes secret)
{
	crypto_hash_sha512_state h;

	crypto_hash_sha512_init(&h);
	hash_lv_text(&h, DSI_PASSWORD);
	hash_lv(&h, name.p, name.n);
	hash_lv(&h, secret.p, secret.n);
	crypto_hash_sha512_final(&h, out);
	sodium_memzero(&h, sizeof(h));
}

/*
 * generator_string: the zeros fill the first block of the hash, so that the
 * time does not tell how long a short password is.
 */
void
cpace_generator(uint8_t out[GROUP_BYTES], const struct cpace_input *in)
{
	static const uint8_t zeros[BLOCK_BYTES];
	crypto_hash_sha512_state h;
	uint8_t hash[GROUP_HASH_BYTES];
	uint8_t len[LEB128_MAX];
	size_t used, zpad;

	used = leb128(len, in->prs.n) + in->prs.n + 1 + strlen(DSI) + 1;
	zpad = used < BLOCK_BYTES ? BLOCK_BYTES - used : 0;
	crypto_hash_sha512_init(&h);
	hash_lv_text(&h, DSI);
	hash_lv(&h, in->prs.p, in->prs.n);
	hash_lv(&h, zeros, zpad);
	hash_lv(&h, in->ci.p, in->ci.n);
	hash_lv(&h, in->sid.p, in->sid.n);
	crypto_hash_sha512_final(&h, hash);
	group_derive(out, hash);
	sodium_memzero(hash, sizeof(hash));
	sodium_memzero(&h, sizeof(h));
}

static int
bytes_equal(struct cpace_bytes a, struct cpace_bytes b)
{
	return (a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0));
}

int
cpace_start(struct cpace *c, const struct cpace_input *in,
    const struct group_random *random)
{
	uint8_t g[GROUP_BYTES];
	int result;

	memset(c, 0, sizeof(*c));
	if (bytes_equal(in->ad, in->remote_ad))
		return (-1);
	cpace_generator(g, in);
	group_random_scalar(random, c->scalar);
	result = group_mult(c->share, c->scalar, g);
	sodium_memzero(g, sizeof(g));
	if (result == -1) {
		cpace_wipe(c);
		return (-1);
	}
	c->state = CPACE_STARTED;
	return (0);
}

/* lexiographically_larger of lv_cat(ya, ada) and lv_cat(yb, adb). */
static int
is_larger(const uint8_t *ya, struct cpace_bytes ada, const uint8_t *yb,
    struct cpace_bytes adb)
{
	uint8_t la[LEB128_MAX], lb[LEB128_MAX];
	size_t na, nb, min;
	int cmp;

	if ((cmp = memcmp(ya, yb, CPACE_SHARE_BYTES)) != 0)
		return (cmp > 0);
	na = leb128(la, ada.n);
	nb = leb128(lb, adb.n);
	/* Of two different encodings of lengths none begins the other. */
	if ((cmp = memcmp(la, lb, na < nb ? na : nb)) != 0)
		return (cmp > 0);
	min = ada.n < adb.n ? ada.n : adb.n;
	cmp = min == 0 ? 0 : memcmp(ada.p, adb.p, min);
	return (cmp != 0 ? cmp > 0 : ada.n > adb.n);
}

/* ISK = H(lv_cat(DSI_ISK, sid, K) || transcript_oc(Ya, ADa, Yb, ADb)) */
static void
derive(struct cpace *c, const struct cpace_input *in, const uint8_t *k,
    const uint8_t *share)
{
	crypto_hash_sha512_state h;
	const uint8_t *y[2] = { c->share, share };
	struct cpace_bytes ad[2];
	int i, first;

	ad[0] = in->ad;
	ad[1] = in->remote_ad;
	first = is_larger(y[0], ad[0], y[1], ad[1]) ? 0 : 1;
	crypto_hash_sha512_init(&h);
	hash_lv_text(&h, DSI_ISK);
	hash_lv(&h, in->sid.p, in->sid.n);
	hash_lv(&h, k, GROUP_BYTES);
	crypto_hash_sha512_update(&h, (const uint8_t *)"oc", 2);
	for (i = 0; i < 2; i++) {
		hash_lv(&h, y[first ^ i], CPACE_SHARE_BYTES);
		hash_lv(&h, ad[first ^ i].p, ad[first ^ i].n);
	}
	crypto_hash_sha512_final(&h, c->isk);
	sodium_memzero(&h, sizeof(h));
}

/* T = HMAC(H("CPaceMac" || sid || ISK), lv_cat(Y, AD)) */
static void
make_tag(uint8_t out[CPACE_TAG_BYTES], const uint8_t key[CPACE_KEY_BYTES],
    const uint8_t *share, struct cpace_bytes ad)
{
	crypto_auth_hmacsha512_state h;

	crypto_auth_hmacsha512_init(&h, key, CPACE_KEY_BYTES);
	mac_lv(&h, share, CPACE_SHARE_BYTES);
	mac_lv(&h, ad.p, ad.n);
	crypto_auth_hmacsha512_final(&h, out);
	sodium_memzero(&h, sizeof(h));
}

static void
make_tags(struct cpace *c, const struct cpace_input *in, const uint8_t *share)
{
	crypto_hash_sha512_state h;
	uint8_t key[CPACE_KEY_BYTES];

	crypto_hash_sha512_init(&h);
	crypto_hash_sha512_update(&h, (const uint8_t *)DSI_MAC,
	    strlen(DSI_MAC));
	if (in->sid.n > 0)
		crypto_hash_sha512_update(&h, in->sid.p, in->sid.n);
	crypto_hash_sha512_update(&h, c->isk, sizeof(c->isk));
	crypto_hash_sha512_final(&h, key);
	make_tag(c->tag, key, c->share, in->ad);
	make_tag(c->expected, key, share, in->remote_ad);
	sodium_memzero(key, sizeof(key));
	sodium_memzero(&h, sizeof(h));
}

int
cpace_take_share(struct cpace *c, const struct cpace_input *in,
    const uint8_t share[CPACE_SHARE_BYTES])
{
	uint8_t k[GROUP_BYTES];

	/* Our own share would be answered by our own messages alone. */
	if (c->state != CPACE_STARTED ||
	    memcmp(share, c->share, CPACE_SHARE_BYTES) == 0 ||
	    group_mult(k, c->scalar, share) == -1) {
		cpace_wipe(c);
		return (-1);
	}
	derive(c, in, k, share);
	make_tags(c, in, share);
	sodium_memzero(k, sizeof(k));
	sodium_memzero(c->scalar, sizeof(c->scalar));
	c->state = CPACE_DERIVED;
	return (0);
}

int
cpace_take_tag(struct cpace *c, const uint8_t tag[CPACE_TAG_BYTES])
{
	if (c->state != CPACE_DERIVED ||
	    sodium_memcmp(tag, c->expected, CPACE_TAG_BYTES) != 0) {
		cpace_wipe(c);
		return (-1);
	}
	sodium_memzero(c->expected, sizeof(c->expected));
	c->state = CPACE_CONFIRMED;
	return (0);
}

void
cpace_wipe(struct cpace *c)
{
	sodium_memzero(c, sizeof(*c));
	c->state = CPACE_FAILED;
}
