/*
 * The group that private matching of channels is done in: ristretto255
 * (RFC 9496), as libsodium has it.  Prime order, so every string of bytes that
 * decodes and is not the identity is a generator.  Pure.
 *
 * sodium_init() has been called by the process before it gave up its rights.
 */
#ifndef CRYPTO_GROUP_H
#define CRYPTO_GROUP_H

#include <stddef.h>
#include <stdint.h>

#define GROUP_BYTES		32	/* of an element and of a scalar */
#define GROUP_HASH_BYTES	64	/* what an element is derived from */

/*
 * Where random bytes come from: fn NULL is libsodium's generator.  Another one
 * is for tests alone, which must come out the same each time.
 */
struct group_random {
	void	(*fn)(void *arg, void *out, size_t n);
	void	*arg;
};

void	group_random_bytes(const struct group_random *, void *out, size_t n);

/*
 * A scalar between 1 and the order less 1, uniform but for a bias below
 * 2^-250: 64 random bytes, little-endian, reduced.
 */
void	group_random_scalar(const struct group_random *,
	    uint8_t out[GROUP_BYTES]);

/* An element whose logarithm nobody knows, out of 64 uniform bytes. */
void	group_derive(uint8_t out[GROUP_BYTES],
	    const uint8_t hash[GROUP_HASH_BYTES]);

/*
 * scalar * element, in constant time.  Returns 0; or -1 with out zeroed (which
 * is the identity) when element is not the canonical encoding of one, or when
 * it or the result is the identity.
 */
int	group_mult(uint8_t out[GROUP_BYTES],
	    const uint8_t scalar[GROUP_BYTES],
	    const uint8_t element[GROUP_BYTES]);

#endif
