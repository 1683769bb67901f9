/*
 * The group of group.h, on libsodium.  Runs in crypto; owns nothing.
 */
#include "group.h"

#include <sodium.h>
#include <string.h>

void
group_random_bytes(const struct group_random *random, void *out, size_t n)
{
	if (random != NULL && random->fn != NULL)
		random->fn(random->arg, out, n);
	else
		randombytes_buf(out, n);
}

void
group_random_scalar(const struct group_random *random, uint8_t out[GROUP_BYTES])
{
	uint8_t wide[crypto_core_ristretto255_NONREDUCEDSCALARBYTES];

	do {
		group_random_bytes(random, wide, sizeof(wide));
		crypto_core_ristretto255_scalar_reduce(out, wide);
	} while (sodium_is_zero(out, GROUP_BYTES));
	sodium_memzero(wide, sizeof(wide));
}

void
group_derive(uint8_t out[GROUP_BYTES], const uint8_t hash[GROUP_HASH_BYTES])
{
	/* Cannot fail: every string of 64 bytes is an element (RFC 9496). */
	(void)crypto_core_ristretto255_from_hash(out, hash);
}

int
group_mult(uint8_t out[GROUP_BYTES], const uint8_t scalar[GROUP_BYTES],
    const uint8_t element[GROUP_BYTES])
{
	uint8_t result[GROUP_BYTES];

	/* Refuses what is not canonical, and a result that is the identity. */
	if (crypto_scalarmult_ristretto255(result, scalar, element) != 0) {
		memset(out, 0, GROUP_BYTES);
		sodium_memzero(result, sizeof(result));
		return (-1);
	}
	memcpy(out, result, GROUP_BYTES);
	sodium_memzero(result, sizeof(result));
	return (0);
}
