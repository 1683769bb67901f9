/*
 * Text for bytes, as multibase has it (github.com/multiformats/multibase),
 * pure.
 */
#ifndef CRYPTO_BASE_H
#define CRYPTO_BASE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Numbers of base 58 (Bitcoin's alphabet) or 36 (lower case), of at most 128
 * bytes: each leading zero byte is one leading zero digit.  Decoding returns
 * the bytes written, encoding the digits written with a NUL behind them; both
 * -1 for anything that does not fit or, decoding, is no digit.
 */
int	base58_decode(uint8_t *out, size_t size, const char *, size_t);
int	base58_encode(char *out, size_t size, const uint8_t *, size_t);
int	base36_decode(uint8_t *out, size_t size, const char *, size_t);

/*
 * RFC 4648 base 32 without padding and base 16, in either case.  The bits that
 * are left over must be 0.
 */
int	base32_decode(uint8_t *out, size_t size, const char *, size_t);
int	base16_decode(uint8_t *out, size_t size, const char *, size_t);

#endif
