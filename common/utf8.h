/* UTF-8 (RFC 3629), checked as it streams in, pure. */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* State between pieces; begin with 0, and 0 at the end means complete. */
#define UTF8_START	0u
#define UTF8_BAD	1u

/*
 * Checks n more bytes.  Returns the new state: UTF8_START between characters,
 * UTF8_BAD once a byte came that cannot continue any well-formed text (sticky:
 * overlong forms, surrogates and values above U+10FFFF are seen at their second
 * byte), something else inside a character.
 */
uint32_t utf8_check(uint32_t state, const void *, size_t n);

/*
 * The code point that the n bytes begin with.  Returns how many bytes it has,
 * or 0 when they begin with no well-formed UTF-8 or n is 0.
 */
size_t	 utf8_rune(const char *, size_t n, uint32_t *);

#endif
