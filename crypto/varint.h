/*
 * Unsigned varints of multiformats (github.com/multiformats/unsigned-varint),
 * as libp2p puts them in front of messages, pure.
 */
#ifndef CRYPTO_VARINT_H
#define CRYPTO_VARINT_H

#include <stddef.h>
#include <stdint.h>

#define VARINT_MAX	9	/* bytes */
#define VARINT_TOP	((UINT64_C(1) << 63) - 1)	/* largest value */

/*
 * Reads one from in, which is borrowed.  Returns the bytes used (1 to 9); 0 if
 * more are needed; -1 for one that is longer than 9 bytes or than it must be.
 */
int	varint_read(const uint8_t *in, size_t len, uint64_t *value);

/*
 * Writes a value, which is at most VARINT_TOP, into out, of VARINT_MAX bytes.
 * Returns the bytes written, or 0 for a larger value.
 */
size_t	varint_write(uint8_t *out, uint64_t value);

#endif
