/*
 * UTF-8 once more, the slow and obvious way (RFC 3629, 3): characters are
 * decoded whole and judged by their value.  What common/utf8.c is held against.
 */
#ifndef FUZZ_UTF8_REFERENCE_H
#define FUZZ_UTF8_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character that begins at p, 0 when it is none. */
static inline size_t
reference_utf8_character(const uint8_t *p, size_t n)
{
	static const uint32_t	 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t		 value;
	size_t			 size, i;

	if (p[0] < 0x80)
		return (1);
	if ((p[0] & 0xe0) == 0xc0)
		size = 2;
	else if ((p[0] & 0xf0) == 0xe0)
		size = 3;
	else if ((p[0] & 0xf8) == 0xf0)
		size = 4;
	else
		return (0);
	if (size > n)
		return (0);
	value = p[0] & (0xffu >> (size + 1));
	for (i = 1; i < size; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return (0);
		value = value << 6 | (p[i] & 0x3f);
	}
	if (value < least[size] || value > 0x10ffff ||
	    (value >= 0xd800 && value <= 0xdfff))
		return (0);
	return (size);
}

static inline int
reference_utf8(const uint8_t *p, size_t n)
{
	size_t	 size;

	for (; n > 0; p += size, n -= size)
		if ((size = reference_utf8_character(p, n)) == 0)
			return (0);
	return (1);
}

#endif
