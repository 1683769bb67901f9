/* Bytes from hexadecimal text, for tests with vectors. */
#ifndef TESTS_UNIT_HEX_H
#define TESTS_UNIT_HEX_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Writes the bytes into out, of size; returns how many; a bad vector aborts. */
static inline size_t
hex(uint8_t *out, size_t size, const char *text)
{
	unsigned int	byte;
	size_t		n;

	for (n = 0; text[2 * n] != '\0'; n++) {
		if (n == size || sscanf(text + 2 * n, "%2x", &byte) != 1 ||
		    text[2 * n + 1] == '\0')
			abort();
		out[n] = (uint8_t)byte;
	}
	return (n);
}

#endif
