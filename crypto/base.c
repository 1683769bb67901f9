/*
 * Text for bytes: base 58, 36, 32, 16.  Pure; runs in crypto, on peer ids that
 * came from a client or from a file.
 */
#include <string.h>

#include "crypto/base.h"

#define NUMBER_MAX	128	/* bytes: the work grows with the square */

static const char digits58[] =
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
static const char digits36[] = "0123456789abcdefghijklmnopqrstuvwxyz";
static const char digits32[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char digits16[] = "0123456789abcdef";

static int	number_decode(const char *, uint8_t *, size_t, const char *,
		    size_t);
static int	bits_decode(const char *, unsigned int, uint8_t *, size_t,
		    const char *, size_t);
static int	digit_value(const char *, char);

int
base58_decode(uint8_t *out, size_t size, const char *text, size_t n)
{
	return (number_decode(digits58, out, size, text, n));
}

int
base36_decode(uint8_t *out, size_t size, const char *text, size_t n)
{
	return (number_decode(digits36, out, size, text, n));
}

int
base32_decode(uint8_t *out, size_t size, const char *text, size_t n)
{
	return (bits_decode(digits32, 5, out, size, text, n));
}

int
base16_decode(uint8_t *out, size_t size, const char *text, size_t n)
{
	return (bits_decode(digits16, 4, out, size, text, n));
}

int
base58_encode(char *out, size_t size, const uint8_t *in, size_t n)
{
	uint8_t		digits[NUMBER_MAX * 2];	/* lowest first */
	unsigned int	carry;
	size_t		i, j, zeros = 0, used = 0;

	if (n > NUMBER_MAX)
		return (-1);
	while (zeros < n && in[zeros] == 0)
		zeros++;
	for (i = zeros; i < n; i++) {
		carry = in[i];
		for (j = 0; j < used || carry > 0; j++) {
			if (j == used)
				digits[used++] = 0;
			carry += (unsigned int)digits[j] << 8;
			digits[j] = carry % 58;
			carry /= 58;
		}
	}
	if (zeros + used >= size)
		return (-1);
	memset(out, digits58[0], zeros);
	for (j = 0; j < used; j++)
		out[zeros + j] = digits58[digits[used - 1 - j]];
	out[zeros + used] = '\0';
	return ((int)(zeros + used));
}

static int
number_decode(const char *digits, uint8_t *out, size_t size, const char *text,
    size_t n)
{
	uint8_t		bytes[NUMBER_MAX];	/* lowest first */
	unsigned int	base = (unsigned int)strlen(digits), carry;
	size_t		i, j, zeros = 0, used = 0;
	int		digit;

	if (size > NUMBER_MAX)
		size = NUMBER_MAX;
	while (zeros < n && text[zeros] == digits[0])
		zeros++;
	for (i = zeros; i < n; i++) {
		if ((digit = digit_value(digits, text[i])) == -1)
			return (-1);
		carry = (unsigned int)digit;
		for (j = 0; j < used || carry > 0; j++) {
			if (j == used) {
				if (used == size)
					return (-1);
				bytes[used++] = 0;
			}
			carry += bytes[j] * base;
			bytes[j] = carry & 0xff;
			carry >>= 8;
		}
	}
	if (zeros > size - used)
		return (-1);
	memset(out, 0, zeros);
	for (j = 0; j < used; j++)
		out[zeros + j] = bytes[used - 1 - j];
	return ((int)(zeros + used));
}

static int
bits_decode(const char *digits, unsigned int width, uint8_t *out, size_t size,
    const char *text, size_t n)
{
	unsigned int	have = 0, bits = 0;
	size_t		i, used = 0;
	int		digit, upper = 0, lower = 0;
	char		c;

	for (i = 0; i < n; i++) {
		c = text[i];
		if (c >= 'A' && c <= 'Z') {
			upper = 1;
			c = (char)(c - 'A' + 'a');
		} else if (c >= 'a' && c <= 'z')
			lower = 1;
		if ((digit = digit_value(digits, c)) == -1)
			return (-1);
		bits = (bits << width | (unsigned int)digit) & 0xfff;
		if ((have += width) < 8)
			continue;
		if (used == size)
			return (-1);
		have -= 8;
		out[used++] = (uint8_t)(bits >> have);
	}
	if (upper && lower)
		return (-1);
	/* A whole digit of padding would be another text for the same. */
	if (have >= width || (bits & ((1u << have) - 1)) != 0)
		return (-1);
	return ((int)used);
}

static int
digit_value(const char *digits, char c)
{
	const char *p;

	if (c == '\0' || (p = strchr(digits, c)) == NULL)
		return (-1);
	return ((int)(p - digits));
}
