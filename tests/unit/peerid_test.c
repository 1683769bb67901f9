/* crypto/peerid.c, crypto/verify.c and crypto/base.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "crypto/base.h"
#include "crypto/peerid.h"
#include "tests/unit/hex.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* libp2p specs, peer-ids/peer-ids.md, and two more; private "": not Ed25519. */
struct id_case {
	const char	*name;
	const char	*private, *public, *multihash, *base58, *cid;
};

#define PUB1 \
	"080112208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf37488" \
		"01b40f6f5c"
#define PUB2 \
	"080112208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f" \
		"5b8fc9b394"
#define PUB3 \
	"080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42" \
		"d474fce27e"
#define PUBK \
	"08021221037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fe" \
		"a0e630bfca99"

static const struct id_case ids[] = {
	{ "seed of ones",
	    "0801124001010101010101010101010101010101010101010101010101010101"
	    "010101018a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801"
	    "b40f6f5c", PUB1, "0024" PUB1,
	    "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5",
	    "bafzaajaiaejcbcui4poxicprsx6vfwznhs5f24wkm4e36hmucin7g5eiag2a6324"
	},
	{ "seed of twos",
	    "0801124002020202020202020202020202020202020202020202020202020202"
	    "020202028139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b"
	    "8fc9b394", PUB2, "0024" PUB2,
	    "12D3KooWJWoaqZhDaoEFshF7Rh1bpY9ohihFhzcW6d69Lr2NASuq",
	    "bafzaajaiaejcbajzo4hkq7ixl5lkgvdgyngh5tglrwfjdnhog6rf35qploh4tm4u"
	},
	{ "Ed25519 of the specification",
	    "080112407e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9d"
	    "a60fee7d1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d4"
	    "74fce27e", PUB3, "0024" PUB3,
	    "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq",
	    "bafzaajaiaejcahwr5d5ofrfbis4l5d6uwr57hu5tjodrypfm6yaq6dsc2r2pzyt6"
	},
	{ "secp256k1 of the specification", "", PUBK, "0025" PUBK,
	    "16Uiu2HAmLhLvBoYaoZfaMUKuibM6ac163GwKY74c5kiSLg5KvLpY",
	    "bafzaajiiaijcca3xo7uzjzcsyilaj6i54cj44qk7kqzpoao5rti2pjx6udtdbp6k"
	    "te" },
	{ "RSA of the specification", "", "",
	    "1220b6c8a8c0a3105fc27afca4fb1173791f038e4343fd56b7c67b616dbc30a0"
	    "4ccd", "QmaeANgBs1DTSxWSrPPtobgQuxW8XTfsS4ydbK4rCHzqxG",
	    "bafzbeifwzcumbiyql7bhv7fe7mixg6i7aohegq75k234m63bnw6dbicmzu" },
};

static void
test_ids(void **state)
{
	const struct id_case	*c;
	struct identity		 self;
	struct peer_id		 id, again;
	uint8_t			 bytes[128];
	char			 text[PEERID_TEXT_MAX];
	size_t			 n, i;

	(void)state;
	for (i = 0; i < COUNT(ids); i++) {
		c = &ids[i];
		n = hex(bytes, sizeof(bytes), c->multihash);
		if (peerid_from_bytes(&id, bytes, n) == -1)
			fail_msg("%s: bytes", c->name);
		peerid_print(&id, text);
		assert_string_equal(text, c->base58);
		if (peerid_parse(&again, text, strlen(text)) == -1 ||
		    !peerid_equal(&id, &again))
			fail_msg("%s: base58", c->name);
		if (peerid_parse(&again, c->cid, strlen(c->cid)) == -1 ||
		    !peerid_equal(&id, &again))
			fail_msg("%s: CID", c->name);
		n = hex(bytes, sizeof(bytes), c->public);
		if (n > 0 && (peerid_from_key(&again, bytes, n) == -1 ||
		    !peerid_equal(&id, &again)))
			fail_msg("%s: key", c->name);
		if (*c->private == '\0')
			continue;
		n = hex(bytes, sizeof(bytes), c->private);
		if (identity_parse(&self, bytes, n) == -1 ||
		    !peerid_equal(&self.id, &id))
			fail_msg("%s: private key", c->name);
		identity_wipe(&self);
	}
}

/* The first id above, in the bases of multibase, and what is none. */
struct text_case {
	const char	*name;
	const char	*text;
	int		 result;
};

#define CID1 \
	"afzaajaiaejcbcui4poxicprsx6vfwznhs5f24wkm4e36hmucin7g5eiag2a6324"
#define CID1_UP \
	"AFZAAJAIAEJCBCUI4POXICPRSX6VFWZNHS5F24WKM4E36HMUCIN7G5EIAG2A6324"
#define QM	"QmaeANgBs1DTSxWSrPPtobgQuxW8XTfsS4ydbK4rCHzqxG"

static const struct text_case texts[] = {
	{ "base32", "b" CID1, 0 },
	{ "base32, upper", "B" CID1_UP, 0 },
	{ "base32, the other case", "b" CID1_UP, -1 },
	{ "base32, the other case too", "B" CID1, -1 },
	{ "base32, a digit of none", "b0" CID1, -1 },
	{ "base32, padded", "b" CID1 "=", -1 },
	{ "base32, a digit more", "b" CID1 "a", -1 },
	{ "base16", "f01720024" PUB1, 0 },
	{ "base16, half a byte", "f01720024" PUB1 "0", -1 },
	{ "version 0", "f00720024" PUB1, -1 },
	{ "version 2", "f02720024" PUB1, -1 },
	{ "codec of a block", "f01700024" PUB1, -1 },
	{ "length one less", "f01720023" PUB1, -1 },
	{ "length one more", "f01720025" PUB1, -1 },
	{ "another base", "u01720024" PUB1, -1 },
	{ "base58", "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5", 0 },
	{ "base58, a 0",
	    "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH0", -1 },
	{ "base58, cut", "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH",
	    -1 },
	{ "base58, more", QM "1", -1 },
	{ "sha2-256", QM, 0 },
	{ "nothing", "", -1 },
	{ "prefix only", "b", -1 },
	{ "ones",
	    "1111111111111111111111111111111111111111111111111111111111111"
	    "1111111111111111111111111111111111111111111111111111111111111111",
	    -1 },
};

static void
test_texts(void **state)
{
	struct peer_id	id;
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++)
		if (peerid_parse(&id, texts[i].text, strlen(texts[i].text)) !=
		    texts[i].result)
			fail_msg("%s", texts[i].name);
}

static const struct text_case keys[] = {
	{ "Ed25519", PUB1, 0 },
	{ "nothing", "", -1 },
	{ "no data", "0801", -1 },
	{ "empty data", "08011200", -1 },
	{ "type only in two bytes", "08810012" "20", -1 },
	{ "unknown type", "08041201" "00", -1 },
	{ "largest type", "08031201" "00", 0 },
	{ "other order", "120100" "0801", -1 },
	{ "a field more", "08011201" "00" "1800", -1 },
	{ "length not minimal", "0801128100" "00", -1 },
	{ "tag not minimal", "880001" "120100", -1 },
	{ "second tag not minimal", "0801" "92000100", -1 },
	{ "data cut", "08011202" "00", -1 },
};

static void
test_keys(void **state)
{
	struct public_key	key;
	uint8_t			bytes[PUBLIC_KEY_MAX + 1];
	size_t			i, n;

	(void)state;
	for (i = 0; i < COUNT(keys); i++) {
		n = hex(bytes, sizeof(bytes), keys[i].text);
		if (public_key_parse(&key, bytes, n) != keys[i].result)
			fail_msg("%s", keys[i].name);
	}
	/* The largest, and one more. */
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, "\x08\x00\x12", 3);
	n = PUBLIC_KEY_MAX - 5;
	bytes[3] = (uint8_t)(n | 0x80);
	bytes[4] = (uint8_t)(n >> 7);
	assert_int_equal(public_key_parse(&key, bytes, PUBLIC_KEY_MAX), 0);
	bytes[3]++;
	assert_int_equal(public_key_parse(&key, bytes, PUBLIC_KEY_MAX + 1),
	    -1);
}

static void
test_private(void **state)
{
	struct identity	self;
	uint8_t		bytes[128], sig[ED25519_SIG_LEN];
	size_t		n;

	(void)state;
	n = hex(bytes, sizeof(bytes), ids[0].private);
	/* The old form has the public half twice. */
	memcpy(bytes + n, bytes + n - 32, 32);
	bytes[3] = 96;
	assert_int_equal(identity_parse(&self, bytes, n + 32), 0);
	bytes[n] ^= 1;
	assert_int_equal(identity_parse(&self, bytes, n + 32), -1);
	bytes[3] = 64;
	bytes[n - 1] ^= 1;
	assert_int_equal(identity_parse(&self, bytes, n), -1);
	bytes[n - 1] ^= 1;
	assert_int_equal(identity_parse(&self, bytes, n - 1), -1);
	bytes[1] = KEY_RSA;
	assert_int_equal(identity_parse(&self, bytes, n), -1);
	bytes[1] = KEY_ED25519;
	assert_int_equal(identity_parse(&self, bytes, n), 0);
	assert_int_equal(identity_sign(&self, "abc", 3, sig), 0);
	n = sizeof(self.message);
	assert_int_equal(public_key_verify(self.message, n, "abc", 3, sig,
	    sizeof(sig)), 1);
	assert_int_equal(public_key_verify(self.message, n, "abd", 3, sig,
	    sizeof(sig)), 0);
	assert_int_equal(public_key_verify(self.message, n, "abc", 3, sig,
	    sizeof(sig) - 1), 0);
	assert_int_equal(public_key_verify(self.message, n, "abc", 3, sig, 0),
	    0);
	identity_wipe(&self);
}

/* Signatures over "libp2p" that another program made. */
struct sig_case {
	const char	*name;
	size_t		 type;
	const char	*key, *sig;
	int		 result;
};

#define P256_KEY \
	"3059301306072a8648ce3d020106082a8648ce3d0301070342000415ea0b" \
	"188c5dbf6079fea2f93ffc874a600361f34bbf7cf9c064a0aa7afdf2e90291036483" \
	"c6247150b77bd282cd2710c40c559d8161d11a4fc2e898a2e645f7"
#define P256_SIG \
	"304402203d59d7d47331974f1753cfa0333ae7930bdd44ebaf9dc9cc49e5" \
	"973721eabe0c022061771522b59f7b11745f5f094674aab0cb21df9598c1c644a256" \
	"f605690605e8"
#define P384_KEY \
	"3076301006072a8648ce3d020106052b8104002203620004bdd5910300cf" \
	"aea55f59f6a03249347c07f91a6fc087a3463850ed99516f28f10f57276ae796b844" \
	"1d9ecad7ed6e281d17303236fffb34f988514567ad940ae113c38d6721595a91b7a6" \
	"eaea329ca2e395d58454fad6e268db0ae21ee3513868"
#define P384_SIG \
	"30660231009206da5bfc83df0fdd28ae3d38d1c8f3bcb9a79bbecb561838" \
	"f2774e02abb6912ccaae5afa758ba853024ff3d5d08509023100bc5bb7fefed8305a" \
	"95f820d75b590041f067088c24e5b4541640ad2a88644ede669ac8f7ef573783a5d8" \
	"c82ce5cec428"
#define K256_KEY \
	"039ca07f6f00c7f7d56646b58e00857226f9955c42224dfe7cb953f74215" \
	"ccbada"
#define K256_OPEN \
	"049ca07f6f00c7f7d56646b58e00857226f9955c42224dfe7cb953f7421" \
	"5ccbada3b2bfd9dad5e7961fccfed389775f79ba92c93ccec4466739283e8a2112fe" \
	"f83"
#define K256_SIG \
	"304402203f942bc2987eaad176d0d18ccd3e8e24a5b0e3b875e3151b5035" \
	"ac11c836e24a02206a13c5359ffa11809c7abb5bbd5aa1cdd83f2d423e7b0cec0a98" \
	"d3aa945cd473"
#define RSA1024_KEY \
	"30819f300d06092a864886f70d010101050003818d003081890281810" \
	"0b12a331ac5e8c5c21b4a3649c6e7a88a804c8f63f550299df99199724b133da7dcd" \
	"74af33ddbebd1929118f4c7903e33c0223fd0c0b49ab12680b8d5806f18aa1ff4197" \
	"08e9023860b8080ba45a3266678a117f7aa54b4e8b4d80c86aa3a7135e131feb43fd" \
	"0930c2b6813fe635f1db7357c39a2b17e1b703ac48ad38a670b710203010001"
#define RSA1024_SIG \
	"2a96a094bf666aa19825360a6efac4075346af5f17e9b4ce72f31c49a" \
	"56d0a43051919bc98a3aa2aa168e84d2d182ee5fd9199fd3086de8a1ebaae26970c8" \
	"57adc872ebc5d3b5bcd84cb251aaaf53c593be2f153cf1f9ec1296a98088c3ff1e6b" \
	"cb518252bc0fa3ff4c7050385123e168049f551ec0ad8e85554e4b673c2c042"

static const struct sig_case sigs[] = {
	{ "P-256", KEY_ECDSA, P256_KEY, P256_SIG, 1 },
	{ "P-256 said to be RSA", KEY_RSA, P256_KEY, P256_SIG, 0 },
	{ "P-256 said to be Ed25519", KEY_ED25519, P256_KEY, P256_SIG, 0 },
	{ "P-256 and a byte", KEY_ECDSA, P256_KEY "00", P256_SIG, 0 },
	{ "P-256, signature and a byte", KEY_ECDSA, P256_KEY, P256_SIG "00",
	    0 },
	{ "P-256, another's signature", KEY_ECDSA, P256_KEY, K256_SIG, 0 },
	{ "P-384", KEY_ECDSA, P384_KEY, P384_SIG, 0 },
	{ "secp256k1", KEY_SECP256K1, K256_KEY, K256_SIG, 1 },
	{ "secp256k1, not compressed", KEY_SECP256K1, K256_OPEN, K256_SIG, 0 },
	{ "secp256k1, another's signature", KEY_SECP256K1, K256_KEY, P256_SIG,
	    0 },
	{ "RSA of 1024 bits", KEY_RSA, RSA1024_KEY, RSA1024_SIG, 0 },
};

static size_t
message_write(uint8_t *out, unsigned int type, const uint8_t *key, size_t n)
{
	size_t len = 0;

	out[len++] = 0x08;
	out[len++] = (uint8_t)type;
	out[len++] = 0x12;
	if (n >= 0x80)
		out[len++] = (uint8_t)(n | 0x80);
	out[len++] = (uint8_t)(n >= 0x80 ? n >> 7 : n);
	memcpy(out + len, key, n);
	return (len + n);
}

static void
test_signatures(void **state)
{
	const struct sig_case	*c;
	uint8_t			 message[1024], key[512], sig[512];
	size_t			 i, bit, n, sig_len;

	(void)state;
	for (i = 0; i < COUNT(sigs); i++) {
		c = &sigs[i];
		n = hex(key, sizeof(key), c->key);
		n = message_write(message, (unsigned int)c->type, key, n);
		sig_len = hex(sig, sizeof(sig), c->sig);
		if (public_key_verify(message, n, "libp2p", 6, sig, sig_len) !=
		    c->result)
			fail_msg("%s", c->name);
		if (!c->result)
			continue;
		for (bit = 0; bit < 8 * sig_len; bit++) {
			sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (public_key_verify(message, n, "libp2p", 6, sig,
			    sig_len))
				fail_msg("%s: bit %zu", c->name, bit);
			sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

static EVP_PKEY *
rsa_make(int bits, uint64_t exponent)
{
	EVP_PKEY_CTX	*ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY	*pkey = NULL;
	BIGNUM		*e = BN_new();

	assert_int_equal(BN_set_word(e, exponent), 1);
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, bits), 1);
	assert_int_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e), 1);
	assert_int_equal(EVP_PKEY_generate(ctx, &pkey), 1);
	BN_free(e);
	EVP_PKEY_CTX_free(ctx);
	return (pkey);
}

/* RSA of a size; what is not allowed is made for this alone. */
static int
rsa_try(int bits, uint64_t exponent)
{
	EVP_PKEY	*pkey;
	EVP_MD_CTX	*ctx;
	uint8_t		*spki = NULL, message[PUBLIC_KEY_MAX], sig[1024];
	size_t		 sig_len = sizeof(sig), n;
	int		 len, ok;

	pkey = rsa_make(bits, exponent);
	len = i2d_PUBKEY(pkey, &spki);
	assert_true(len > 0 && len < PUBLIC_KEY_MAX - 5);
	n = message_write(message, KEY_RSA, spki, (size_t)len);
	OPENSSL_free(spki);
	ctx = EVP_MD_CTX_new();
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL,
	    pkey), 1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &sig_len,
	    (const uint8_t *)"libp2p", 6), 1);
	ok = public_key_verify(message, n, "libp2p", 6, sig, sig_len);
	sig[0] ^= 1;
	assert_int_equal(public_key_verify(message, n, "libp2p", 6, sig,
	    sig_len), 0);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return (ok);
}

static void
test_rsa(void **state)
{
	(void)state;
	assert_int_equal(rsa_try(RSA_BITS_MIN, 65537), 1);
	assert_int_equal(rsa_try(RSA_BITS_MIN - 8, 65537), 0);
	/* Two primes, of 32 bits and of 33. */
	assert_int_equal(rsa_try(RSA_BITS_MIN, 4294967291u), 1);
	assert_int_equal(rsa_try(RSA_BITS_MIN, 4294967311u), 0);
}

static void
test_base58(void **state)
{
	uint8_t	bytes[128], back[128];
	char	text[256];
	size_t	n;
	int	len;

	(void)state;
	for (n = 0; n <= sizeof(bytes); n++) {
		memset(bytes, n % 3 == 0 ? 0xff : (int)n, n);
		memset(bytes, 0, n / 4);
		len = base58_encode(text, sizeof(text), bytes, n);
		assert_true(len >= 0);
		assert_int_equal(strlen(text), len);
		assert_int_equal(base58_decode(back, n, text, (size_t)len),
		    n);
		assert_memory_equal(back, bytes, n);
		if (n > 0)
			assert_int_equal(base58_decode(back, n - 1, text,
			    (size_t)len), -1);
		assert_int_equal(base58_encode(text, (size_t)len, bytes, n),
		    -1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_private),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_rsa),
		cmocka_unit_test(test_base58),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
