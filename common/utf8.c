/*
 * UTF-8 (RFC 3629), checked as it streams in.  Pure; runs in the frontend and
 * in nws(1), on bytes that nobody has looked at before.
 *
 * The state is what the next byte must be: how many bytes are still to come
 * (1 to 3) with the lowest and the highest value of the next one above them.
 * Only the first byte after a lead has bounds other than 80 to BF, which is how
 * overlong forms, surrogates and what is above U+10FFFF are seen (RFC 3629, 4).
 */

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "utf8.h"

#define STATE(left, low, high)	((left) | (uint32_t)(low) << 8 | \
				    (uint32_t)(high) << 16)
#define STATE_LEFT(s)		((s) & 0xff)
#define STATE_LOW(s)		((s) >> 8 & 0xff)
#define STATE_HIGH(s)		((s) >> 16 & 0xff)

static const uint8_t	*ascii_skip(const uint8_t *, const uint8_t *);
static const uint8_t	*short_skip(const uint8_t *, const uint8_t *);
static uint32_t		 lead_state(uint8_t);

uint32_t
utf8_check(uint32_t state, const void *data, size_t n)
{
	const uint8_t *p = data, *end = p + n;

	if (state == UTF8_BAD)
		return (state);
	for (; p < end; p++) {
		if (state == UTF8_START) {
			if (*p < 0x80)
				p = ascii_skip(p, end);
			else
				p = short_skip(p, end);
			if (p == end)
				break;
			if (*p < 0x80)
				continue;
			if ((state = lead_state(*p)) == UTF8_BAD)
				break;
		} else if (*p < STATE_LOW(state) || *p > STATE_HIGH(state)) {
			state = UTF8_BAD;
			break;
		} else if (STATE_LEFT(state) == 1)
			state = UTF8_START;
		else
			state = STATE(STATE_LEFT(state) - 1, 0x80, 0xbf);
	}
	return (state);
}

/* To the first byte that is not ASCII. */
static const uint8_t *
ascii_skip(const uint8_t *p, const uint8_t *end)
{
	uint64_t word;

#ifdef __SSE2__
	const __m128i	*v;
	__m128i		 any;
	int		 high;

	/* Rows of 64 as long as they are clean, then where it is. */
	for (; end - p >= 64; p += 64) {
		v = (const __m128i *)(const void *)p;
		any = _mm_or_si128(_mm_or_si128(_mm_loadu_si128(v),
		    _mm_loadu_si128(v + 1)), _mm_or_si128(
		    _mm_loadu_si128(v + 2), _mm_loadu_si128(v + 3)));
		if (_mm_movemask_epi8(any) != 0)
			break;
	}
	for (; end - p >= 16; p += 16) {
		v = (const __m128i *)(const void *)p;
		high = _mm_movemask_epi8(_mm_loadu_si128(v));
		if (high != 0)
			return (p + __builtin_ctz((unsigned int)high));
	}
#endif
	for (; end - p >= 8; p += 8) {
		memcpy(&word, p, sizeof(word));
		if ((word & 0x8080808080808080u) != 0)
			break;
	}
	while (p < end && *p < 0x80)
		p++;
	return (p);
}

/*
 * Past whole characters of two and three bytes whose lead bounds nothing, and
 * single ASCII among them: nearly all that is written in other scripts than
 * Latin.  Ends before anything else, and before ASCII that goes on.
 */
static const uint8_t *
short_skip(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *start;

	do {
		start = p;
		while (end - p >= 3 && p[0] > 0xe0 && p[0] < 0xf0 &&
		    p[0] != 0xed && (p[1] & 0xc0) == 0x80 &&
		    (p[2] & 0xc0) == 0x80)
			p += 3;
		while (end - p >= 2 && p[0] >= 0xc2 && p[0] < 0xe0 &&
		    (p[1] & 0xc0) == 0x80)
			p += 2;
		if (end - p >= 2 && p[0] < 0x80 && p[1] >= 0x80)
			p++;
	} while (p > start);
	return (p);
}

/* What must follow a lead byte (RFC 3629, 4). */
static uint32_t
lead_state(uint8_t c)
{
	if (c < 0xc2 || c > 0xf4)
		return (UTF8_BAD);
	if (c < 0xe0)
		return (STATE(1, 0x80, 0xbf));
	if (c < 0xf0)
		return (STATE(2, c == 0xe0 ? 0xa0 : 0x80,
		    c == 0xed ? 0x9f : 0xbf));
	return (STATE(3, c == 0xf0 ? 0x90 : 0x80, c == 0xf4 ? 0x8f : 0xbf));
}

size_t
utf8_rune(const char *s, size_t n, uint32_t *rune)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const uint8_t *p = (const uint8_t *)s;
	size_t i, len;
	uint32_t r;

	if (n == 0)
		return (0);
	if (p[0] < 0x80) {
		*rune = p[0];
		return (1);
	}
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		len = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		len = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		len = 4;
	else
		return (0);
	if (len > n)
		return (0);
	r = p[0] & (0x7fu >> len);
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return (0);
		r = r << 6 | (p[i] & 0x3f);
	}
	if (r < least[len] || r > 0x10ffff || (r >= 0xd800 && r <= 0xdfff))
		return (0);
	*rune = r;
	return (len);
}
