/*
 * JSON, written, see json_out.h.  Run by nwsctl(8), nws(1) and a frontend.
 * Pure but for memory; trusts nothing in a text, so that whatever a name is
 * made of, what comes out is JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_out.h"
#include "utf8.h"

#define TEXT_MIN	256	/* bytes to begin with */

/* Room for n bytes and a NUL, or NULL. */
static char *
room(struct json *j, size_t n)
{
	size_t	 size = j->size == 0 ? TEXT_MIN : j->size;
	char	*p;

	if (j->failed)
		return (NULL);
	if (n < j->size - j->len)
		return (j->text + j->len);
	while (n >= size - j->len && size <= SIZE_MAX / 2)
		size *= 2;
	if (n >= size - j->len || (p = realloc(j->text, size)) == NULL) {
		j->failed = 1;
		return (NULL);
	}
	j->text = p;
	j->size = size;
	return (p + j->len);
}

static void
put(struct json *j, const char *s, size_t n)
{
	char	*p;

	if ((p = room(j, n)) == NULL)
		return;
	memcpy(p, s, n);
	p[n] = '\0';
	j->len += n;
}

static void
put_byte(struct json *j, char c)
{
	put(j, &c, 1);
}

/* A string (RFC 8259, 7), in whole pieces between what has to be escaped. */
static void
put_string(struct json *j, const char *s, size_t n)
{
	const char	*from = s, *end = s + n;
	char		 escape[8];
	uint32_t	 rune;
	size_t		 len;

	put_byte(j, '"');
	while (s < end) {
		len = utf8_rune(s, (size_t)(end - s), &rune);
		if (len > 1 || (len == 1 && rune >= 0x20 && rune != 0x7f &&
		    rune != '"' && rune != '\\')) {
			s += len;
			continue;
		}
		put(j, from, (size_t)(s - from));
		if (len == 0)
			put(j, "\xef\xbf\xbd", 3);	/* U+FFFD */
		else if (rune == '"' || rune == '\\') {
			put_byte(j, '\\');
			put_byte(j, (char)rune);
		} else if (rune == '\n')
			put(j, "\\n", 2);
		else if (rune == '\t')
			put(j, "\\t", 2);
		else {
			snprintf(escape, sizeof(escape), "\\u%04x",
			    (unsigned int)rune & 0xff);
			put(j, escape, strlen(escape));
		}
		from = ++s;
	}
	put(j, from, (size_t)(s - from));
	put_byte(j, '"');
}

static void
member(struct json *j, const char *key)
{
	if (j->comma)
		put_byte(j, ',');
	j->comma = 1;
	if (key == NULL)
		return;
	put_string(j, key, strlen(key));
	put_byte(j, ':');
}

void
json_open(struct json *j, const char *key, char c)
{
	member(j, key);
	put_byte(j, c);
	j->comma = 0;
}

void
json_shut(struct json *j, char c)
{
	put_byte(j, c);
	j->comma = 1;
}

void
json_text(struct json *j, const char *key, const char *s, size_t n)
{
	member(j, key);
	put_string(j, s, n);
}

void
json_word(struct json *j, const char *key, const char *s)
{
	json_text(j, key, s, strlen(s));
}

void
json_uint(struct json *j, const char *key, uint64_t v)
{
	char	text[24];
	int	n;

	n = snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	json_raw(j, key, text, (size_t)n);
}

void
json_id(struct json *j, const char *key, uint64_t v)
{
	char	text[24];
	int	n;

	n = snprintf(text, sizeof(text), "\"%llu\"", (unsigned long long)v);
	json_raw(j, key, text, (size_t)n);
}

void
json_bool(struct json *j, const char *key, int v)
{
	json_raw(j, key, v ? "true" : "false", v ? 4 : 5);
}

void
json_null(struct json *j, const char *key)
{
	json_raw(j, key, "null", 4);
}

void
json_raw(struct json *j, const char *key, const char *p, size_t n)
{
	member(j, key);
	put(j, p, n);
}

void
json_begin(struct json *j)
{
	memset(j, 0, sizeof(*j));
	json_open(j, NULL, '{');
	json_uint(j, "schema", 1);
}

void
json_end(struct json *j)
{
	json_shut(j, '}');
	put_byte(j, '\n');
}

void
json_free(struct json *j)
{
	free(j->text);
	memset(j, 0, sizeof(*j));
}
