/*
 * JSON (RFC 8259) on the message path: one pass over the text that checks it.
 * Pure; runs in the frontend on what clients sent, which is not trusted.  No
 * recursion: what is open is one bit for each level.
 */

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "../common/utf8.h"
#include "json_private.h"

/* The arrays and objects that are open: bit set, an object. */
struct nest {
	uint8_t		 object[JSON_DEPTH_MAX / 8];
	unsigned int	 depth;
};

static enum json_error	 scalar_scan(struct json_scan *);
static enum json_error	 nest_open(struct json_scan *, struct nest *, int *);
static enum json_error	 nest_next(struct json_scan *, struct nest *, int *);
static enum json_error	 string_scan(struct json_scan *);
static const uint8_t	*plain_skip(const uint8_t *, const uint8_t *, int);
static enum json_error	 escape_scan(struct json_scan *);
static enum json_error	 hex_scan(struct json_scan *, unsigned int *);
static enum json_error	 high_scan(struct json_scan *);
static enum json_error	 number_scan(struct json_scan *);
static enum json_error	 literal_scan(struct json_scan *, const char *);

enum json_error
json_check(const char *text, size_t n, int utf8)
{
	const uint8_t		*p = (const uint8_t *)text;
	struct json_scan	 s = { p, p + n, utf8 };
	enum json_error		 error;

	json_space_skip(&s);
	if ((error = json_value_scan(&s, 0)) != JSON_OK)
		return (error);
	return (json_end_scan(&s));
}

/* What comes next after each token is a value, or what may follow one. */
enum json_error
json_value_scan(struct json_scan *s, unsigned int base)
{
	struct nest	 nest = { .depth = base };
	enum json_error	 error;
	int		 ended;

	for (;;) {
		if (s->p < s->end && (*s->p == '{' || *s->p == '[')) {
			if ((error = nest_open(s, &nest, &ended)) != JSON_OK)
				return (error);
		} else {
			if ((error = scalar_scan(s)) != JSON_OK)
				return (error);
			ended = 1;
		}
		while (ended) {
			if (nest.depth == base)
				return (JSON_OK);
			if ((error = nest_next(s, &nest, &ended)) != JSON_OK)
				return (error);
		}
	}
}

/* Into an array or object; *ended when it is empty, so past it already. */
static enum json_error
nest_open(struct json_scan *s, struct nest *nest, int *ended)
{
	unsigned int	 object = *s->p == '{', bit = nest->depth & 7;
	uint8_t		*byte = &nest->object[nest->depth / 8];

	if (nest->depth == JSON_DEPTH_MAX)
		return (JSON_DEEP);
	s->p++;
	json_space_skip(s);
	if (s->p < s->end && *s->p == (object ? '}' : ']')) {
		s->p++;
		*ended = 1;
		return (JSON_OK);
	}
	*byte = (uint8_t)((*byte & ~(1u << bit)) | object << bit);
	nest->depth++;
	*ended = 0;
	return (object ? json_key_scan(s, NULL) : JSON_OK);
}

/* After a value inside: a comma, or the end of what it stands in. */
static enum json_error
nest_next(struct json_scan *s, struct nest *nest, int *ended)
{
	unsigned int	 top = nest->depth - 1, object;

	object = nest->object[top / 8] >> (top & 7) & 1;
	json_space_skip(s);
	if (s->p == s->end)
		return (JSON_SHORT);
	if (*s->p == ',') {
		s->p++;
		json_space_skip(s);
		*ended = 0;
		return (object ? json_key_scan(s, NULL) : JSON_OK);
	}
	if (*s->p != (object ? '}' : ']'))
		return (json_unexpected(s));
	s->p++;
	nest->depth--;
	*ended = 1;
	return (JSON_OK);
}

enum json_error
json_key_scan(struct json_scan *s, struct json_bytes *key)
{
	const uint8_t	*start;
	enum json_error	 error;

	if (s->p == s->end || *s->p != '"')
		return (json_unexpected(s));
	start = ++s->p;
	if ((error = string_scan(s)) != JSON_OK)
		return (error);
	if (key != NULL) {
		key->p = start;
		key->len = (size_t)(s->p - start) - 1;
	}
	json_space_skip(s);
	if (s->p == s->end || *s->p != ':')
		return (json_unexpected(s));
	s->p++;
	json_space_skip(s);
	return (JSON_OK);
}

static enum json_error
scalar_scan(struct json_scan *s)
{
	if (s->p == s->end)
		return (JSON_SHORT);
	switch (*s->p) {
	case '"':
		s->p++;
		return (string_scan(s));
	case 't':
		return (literal_scan(s, "true"));
	case 'f':
		return (literal_scan(s, "false"));
	case 'n':
		return (literal_scan(s, "null"));
	case '-': case '0': case '1': case '2': case '3': case '4':
	case '5': case '6': case '7': case '8': case '9':
		return (number_scan(s));
	case '+': case '.': case 'N': case 'I':
		return (JSON_NUMBER);
	default:
		return (json_unexpected(s));
	}
}

/* From behind the opening quote to behind the closing one. */
static enum json_error
string_scan(struct json_scan *s)
{
	enum json_error	 error;

	for (;;) {
		s->p = plain_skip(s->p, s->end, s->utf8);
		if (s->p == s->end)
			return (JSON_SHORT);
		if (*s->p == '"') {
			s->p++;
			return (JSON_OK);
		}
		if (*s->p == '\\')
			error = escape_scan(s);
		else if (*s->p < 0x20)
			error = JSON_CONTROL;
		else
			error = high_scan(s);
		if (error != JSON_OK)
			return (error);
	}
}

#ifdef __SSE2__
/* A byte above 7F, in place of each that is more than itself in a string. */
static inline __m128i
special_bytes(const uint8_t *p, __m128i high)
{
	__m128i	 v, hit;

	v = _mm_loadu_si128((const __m128i *)(const void *)p);
	hit = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
	hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
	hit = _mm_or_si128(hit,
	    _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v));
	return (_mm_or_si128(hit, _mm_and_si128(v, high)));
}
#endif

/*
 * To the first byte that is more than itself in a string: a quote, a backslash,
 * a control character and, where UTF-8 is to be checked, what is not ASCII.
 */
static const uint8_t *
plain_skip(const uint8_t *p, const uint8_t *end, int utf8)
{
#ifdef __SSE2__
	const __m128i	 high = _mm_set1_epi8(utf8 ? -1 : 0);
	__m128i		 hit;
	unsigned int	 bits;

	/* Most strings are short; the rows of 64 are for those that are not. */
	for (; end - p >= 16; p += 16) {
		bits = (unsigned int)_mm_movemask_epi8(special_bytes(p, high));
		if (bits != 0)
			return (p + __builtin_ctz(bits));
		for (; end - p >= 16 + 64; p += 64) {
			hit = _mm_or_si128(_mm_or_si128(
			    special_bytes(p + 16, high),
			    special_bytes(p + 32, high)), _mm_or_si128(
			    special_bytes(p + 48, high),
			    special_bytes(p + 64, high)));
			if (_mm_movemask_epi8(hit) != 0)
				break;
		}
	}
#endif
	while (p < end && *p != '"' && *p != '\\' && *p >= 0x20 &&
	    (!utf8 || *p < 0x80))
		p++;
	return (p);
}

/* A run of bytes above ASCII: whole characters, since ASCII ends every one. */
static enum json_error
high_scan(struct json_scan *s)
{
	const uint8_t *start = s->p;

	while (s->p < s->end && *s->p >= 0x80)
		s->p++;
	if (utf8_check(UTF8_START, start, (size_t)(s->p - start)) !=
	    UTF8_START)
		return (JSON_UTF8);
	return (JSON_OK);
}

/* A backslash and what belongs to it, both halves of a surrogate pair. */
static enum json_error
escape_scan(struct json_scan *s)
{
	enum json_error	 error;
	unsigned int	 unit;

	if (s->end - s->p < 2)
		return (JSON_SHORT);
	if (s->p[1] != 'u') {
		if (s->p[1] == '\0' || strchr("\"\\/bfnrt", s->p[1]) == NULL)
			return (JSON_ESCAPE);
		s->p += 2;
		return (JSON_OK);
	}
	s->p += 2;
	if ((error = hex_scan(s, &unit)) != JSON_OK)
		return (error);
	if (unit < 0xd800 || unit > 0xdfff)
		return (JSON_OK);
	if (unit >= 0xdc00)
		return (JSON_SURROGATE);
	if (s->p < s->end && *s->p != '\\')
		return (JSON_SURROGATE);
	if (s->end - s->p < 2)
		return (JSON_SHORT);
	if (s->p[1] != 'u')
		return (JSON_SURROGATE);
	s->p += 2;
	if ((error = hex_scan(s, &unit)) != JSON_OK)
		return (error);
	return (unit < 0xdc00 || unit > 0xdfff ? JSON_SURROGATE : JSON_OK);
}

static enum json_error
hex_scan(struct json_scan *s, unsigned int *unit)
{
	int	 i, digit;

	*unit = 0;
	for (i = 0; i < 4; i++, s->p++) {
		if (s->p == s->end)
			return (JSON_SHORT);
		if ((digit = json_hex_value(*s->p)) == -1)
			return (JSON_ESCAPE);
		*unit = *unit << 4 | (unsigned int)digit;
	}
	return (JSON_OK);
}

int
json_hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	c |= 0x20;
	return (c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1);
}

/* Past digits; returns whether there was one. */
static int
digits_skip(struct json_scan *s)
{
	const uint8_t *start = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return (s->p > start);
}

static enum json_error
number_scan(struct json_scan *s)
{
	if (*s->p == '-')
		s->p++;
	if (s->p < s->end && *s->p == '0') {
		s->p++;
		if (digits_skip(s))
			return (JSON_NUMBER);
	} else if (!digits_skip(s))
		return (JSON_NUMBER);
	if (s->p < s->end && *s->p == '.') {
		s->p++;
		if (!digits_skip(s))
			return (JSON_NUMBER);
	}
	if (s->p < s->end && (*s->p | 0x20) == 'e') {
		s->p++;
		if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
			s->p++;
		if (!digits_skip(s))
			return (JSON_NUMBER);
	}
	return (JSON_OK);
}

static enum json_error
literal_scan(struct json_scan *s, const char *want)
{
	for (; *want != '\0'; want++, s->p++) {
		if (s->p == s->end)
			return (JSON_SHORT);
		if (*s->p != (uint8_t)*want)
			return (json_unexpected(s));
	}
	return (JSON_OK);
}

enum json_error
json_end_scan(struct json_scan *s)
{
	enum json_error	 error;

	json_space_skip(s);
	if (s->p == s->end)
		return (JSON_OK);
	error = json_unexpected(s);
	return (error == JSON_SYNTAX ? JSON_TRAILING : error);
}

enum json_error
json_unexpected(const struct json_scan *s)
{
	if (s->p == s->end)
		return (JSON_SHORT);
	if (*s->p < 0x20)
		return (JSON_SPACE);
	if (s->end - s->p >= 3 && memcmp(s->p, "\xef\xbb\xbf", 3) == 0)
		return (JSON_SPACE);
	return (JSON_SYNTAX);
}

const char *
json_error_text(enum json_error error)
{
	static const char *const texts[] = {
		[JSON_OK] = "no error",
		[JSON_SYNTAX] = "not JSON",
		[JSON_NUMBER] = "not a number as JSON has them",
		[JSON_CONTROL] = "control character in a string",
		[JSON_ESCAPE] = "unknown escape in a string",
		[JSON_SURROGATE] = "half a surrogate pair in a string",
		[JSON_UTF8] = "not UTF-8",
		[JSON_SPACE] = "white space that JSON does not have",
		[JSON_DEEP] = "nested too deep",
		[JSON_TRAILING] = "something after the value",
		[JSON_SHORT] = "ends too early"
	};

	if ((size_t)error >= sizeof(texts) / sizeof(texts[0]))
		return ("unknown error");
	return (texts[error]);
}
