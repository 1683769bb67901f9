/*
 * JSON strings (RFC 8259, 7), written and read.  Pure but for memory.
 */
#include <err.h>
#include <string.h>

#include "../common/json_out.h"
#include "ctl.h"

void
json_string(struct buf *b, const char *s, size_t n)
{
	struct json j = { .comma = 0 };

	json_text(&j, NULL, s, n);
	if (j.failed)
		errx(1, "out of memory");
	buf_add(b, j.text, j.len);
	json_free(&j);
}

/* What is not ASCII stands in strings, and white space between tokens. */
void
json_visible(struct buf *b, const char *s, size_t n)
{
	uint32_t rune;
	size_t len;

	for (; n > 0; s += len, n -= len) {
		len = utf8_rune(s, n, &rune);
		if (len == 0) {
			len = 1;
			buf_text(b, "\\ufffd");
		} else if (rune < 0x20)
			buf_byte(b, ' ');
		else if (!text_is_unsafe(rune))
			buf_add(b, s, len);
		else if (rune < 0x10000)
			buf_printf(b, "\\u%04x", rune);
		else
			buf_printf(b, "\\u%04x\\u%04x",
			    0xd800u + ((rune - 0x10000) >> 10),
			    0xdc00u + (rune & 0x3ff));
	}
}

/* The four digits at p, or -1. */
static int32_t
hex4(const char *p)
{
	int32_t v = 0;
	int i;

	for (i = 0; i < 4; i++) {
		v <<= 4;
		if (p[i] >= '0' && p[i] <= '9')
			v |= p[i] - '0';
		else if (p[i] >= 'a' && p[i] <= 'f')
			v |= p[i] - 'a' + 10;
		else if (p[i] >= 'A' && p[i] <= 'F')
			v |= p[i] - 'A' + 10;
		else
			return (-1);
	}
	return (v);
}

size_t
json_string_scan(const char *s, size_t n)
{
	size_t i, len;
	uint32_t rune;

	if (n < 2 || s[0] != '"')
		return (0);
	for (i = 1; i < n && s[i] != '"'; i += len) {
		if ((len = utf8_rune(s + i, n - i, &rune)) == 0 || rune < 0x20)
			return (0);
		if (rune != '\\')
			continue;
		if (n - i < 2 || s[i + 1] == '\0' ||
		    strchr("\"\\/bfnrtu", s[i + 1]) == NULL)
			return (0);
		len = 2;
		if (s[i + 1] == 'u') {
			if (n - i < 6 || hex4(s + i + 2) == -1)
				return (0);
			len = 6;
		}
	}
	return (i < n ? i + 1 : 0);
}

static void
put_rune(struct buf *b, uint32_t r)
{
	if (r < 0x80)
		buf_byte(b, (uint8_t)r);
	else if (r < 0x800) {
		buf_byte(b, (uint8_t)(0xc0 | r >> 6));
		buf_byte(b, (uint8_t)(0x80 | (r & 0x3f)));
	} else if (r < 0x10000) {
		buf_byte(b, (uint8_t)(0xe0 | r >> 12));
		buf_byte(b, (uint8_t)(0x80 | (r >> 6 & 0x3f)));
		buf_byte(b, (uint8_t)(0x80 | (r & 0x3f)));
	} else {
		buf_byte(b, (uint8_t)(0xf0 | r >> 18));
		buf_byte(b, (uint8_t)(0x80 | (r >> 12 & 0x3f)));
		buf_byte(b, (uint8_t)(0x80 | (r >> 6 & 0x3f)));
		buf_byte(b, (uint8_t)(0x80 | (r & 0x3f)));
	}
}

/* The \u escape at s, with its second half where it has one; bytes used. */
static size_t
put_escape(struct buf *b, const char *s, size_t n)
{
	int32_t hi = hex4(s + 2), lo;

	if (hi >= 0xd800 && hi <= 0xdbff && n >= 12 && s[6] == '\\' &&
	    s[7] == 'u' && (lo = hex4(s + 8)) >= 0xdc00 && lo <= 0xdfff) {
		put_rune(b, 0x10000u + (((uint32_t)hi & 0x3ff) << 10 |
		    ((uint32_t)lo & 0x3ff)));
		return (12);
	}
	put_rune(b, hi >= 0xd800 && hi <= 0xdfff ? 0xfffd : (uint32_t)hi);
	return (6);
}

void
json_string_text(struct buf *b, const char *s, size_t n)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *c;
	size_t i = 1;

	while (i + 1 < n) {
		if (s[i] != '\\')
			buf_byte(b, (uint8_t)s[i++]);
		else if (s[i + 1] == 'u')
			i += put_escape(b, s + i, n - 1 - i);
		else {
			if ((c = strchr(from, s[i + 1])) != NULL)
				buf_byte(b, (uint8_t)to[c - from]);
			i += 2;
		}
	}
}
