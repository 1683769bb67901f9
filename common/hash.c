/*
 * SipHash-2-4 and the secret of the process that keys it.  Runs in every
 * process; the state is the secret, chosen once.
 */
#include "hash.h"

#include <bsd/stdlib.h>
#include <endian.h>
#include <string.h>

static uint8_t	secret[16];
static int	seeded;
static uint64_t	salts;

void
hash_seed(void)
{
	if (seeded)
		return;
	arc4random_buf(secret, sizeof(secret));
	seeded = 1;
}

static uint64_t
load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return (le64toh(v));
}

static uint64_t
rotl(uint64_t v, int n)
{
	return ((v << n) | (v >> (64 - n)));
}

static void
sip_rounds(uint64_t v[4], int n)
{
	while (n-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotl(v[1], 13) ^ v[0];
		v[3] = rotl(v[3], 16) ^ v[2];
		v[0] = rotl(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotl(v[1], 17) ^ v[2];
		v[3] = rotl(v[3], 21) ^ v[0];
		v[2] = rotl(v[2], 32);
	}
}

uint64_t
siphash24(const uint8_t key[16], const void *data, size_t n)
{
	const uint8_t *p = data;
	uint64_t k0 = load64(key), k1 = load64(key + 8);
	uint64_t last = (uint64_t)n << 56, m;
	uint64_t v[4] = {
		k0 ^ 0x736f6d6570736575ULL, k1 ^ 0x646f72616e646f6dULL,
		k0 ^ 0x6c7967656e657261ULL, k1 ^ 0x7465646279746573ULL
	};
	size_t i;

	for (; n >= 8; p += 8, n -= 8) {
		m = load64(p);
		v[3] ^= m;
		sip_rounds(v, 2);
		v[0] ^= m;
	}
	for (i = 0; i < n; i++)
		last |= (uint64_t)p[i] << (8 * i);
	v[3] ^= last;
	sip_rounds(v, 2);
	v[0] ^= last;
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return (v[0] ^ v[1] ^ v[2] ^ v[3]);
}

uint64_t
hash_bytes(const void *data, size_t n)
{
	hash_seed();
	return (siphash24(secret, data, n));
}

uint64_t
hash_salt(void)
{
	uint64_t salt;

	do {
		salts++;
		salt = hash_bytes(&salts, sizeof(salts));
	} while (salt == 0);
	return (salt);
}
