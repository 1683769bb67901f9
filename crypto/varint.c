/*
 * Unsigned varints (multiformats): seven bits in each byte, lowest first.
 * Pure; runs in crypto, on bytes that came from a link.
 */
#include "crypto/varint.h"

int
varint_read(const uint8_t *in, size_t len, uint64_t *value)
{
	uint64_t	v = 0;
	size_t		i;

	for (i = 0; i < len && i < VARINT_MAX; i++) {
		v |= (uint64_t)(in[i] & 0x7f) << (7 * i);
		if ((in[i] & 0x80) != 0)
			continue;
		/* A last byte of nothing: there is a shorter form. */
		if (in[i] == 0 && i > 0)
			return (-1);
		*value = v;
		return ((int)i + 1);
	}
	return (i == VARINT_MAX ? -1 : 0);
}

size_t
varint_write(uint8_t *out, uint64_t value)
{
	size_t n = 0;

	if (value > VARINT_TOP)
		return (0);
	for (; value >= 0x80; value >>= 7)
		out[n++] = (uint8_t)(value | 0x80);
	out[n++] = (uint8_t)value;
	return (n);
}
