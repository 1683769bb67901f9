/*
 * A client's JSON message taken apart in the pass that checks it, and strings
 * written as JSON.  Pure; runs in the frontend on what clients sent, which is
 * not trusted.
 */

#include <string.h>
#include <strings.h>

#include "../common/utf8.h"
#include "json_private.h"

#define NAME_MAX_BYTES	16	/* above every key and action that we know */
#define ID_DIGITS_MAX	19	/* of 2^63 - 1 */

static enum json_error	 member_scan(struct json_scan *,
			    struct json_message *);
static enum json_action	 action_find(const struct json_bytes *);
static int		 target_parse(const struct json_bytes *, uint64_t *);
static size_t		 name_decode(const struct json_bytes *, uint8_t *,
			    size_t);
static size_t		 quote_one(char *, uint8_t);
static size_t		 quote_high(char *, const uint8_t **,
			    const uint8_t *);

enum json_error
json_message(const char *text, size_t n, int utf8, struct json_message *m)
{
	const uint8_t		*p = (const uint8_t *)text;
	struct json_scan	 s = { p, p + n, utf8 };
	enum json_error		 error;

	memset(m, 0, sizeof(*m));
	json_space_skip(&s);
	if (s.p == s.end || *s.p != '{')
		return (json_unexpected(&s));
	s.p++;
	json_space_skip(&s);
	if (s.p < s.end && *s.p == '}') {
		s.p++;
		return (json_end_scan(&s));
	}
	for (;;) {
		if ((error = member_scan(&s, m)) != JSON_OK)
			return (error);
		json_space_skip(&s);
		if (s.p < s.end && *s.p == '}')
			break;
		if (s.p == s.end || *s.p != ',')
			return (json_unexpected(&s));
		s.p++;
		json_space_skip(&s);
	}
	s.p++;
	return (json_end_scan(&s));
}

/* One member of the outermost object, from its key to the end of its value. */
static enum json_error
member_scan(struct json_scan *s, struct json_message *m)
{
	uint8_t			 name[NAME_MAX_BYTES];
	struct json_bytes	 key, value;
	enum json_error		 error;
	size_t			 n;

	if ((error = json_key_scan(s, &key)) != JSON_OK)
		return (error);
	value.p = s->p;
	if ((error = json_value_scan(s, 1)) != JSON_OK)
		return (error);
	value.len = (size_t)(s->p - value.p);
	n = name_decode(&key, name, sizeof(name));
	if (n == 6 && strncasecmp((char *)name, "action", n) == 0)
		m->action = action_find(&value);
	else if (n == 6 && strncasecmp((char *)name, "target", n) == 0)
		m->has_target = target_parse(&value, &m->target);
	else if (n == 4 && strncasecmp((char *)name, "data", n) == 0) {
		m->data = (const char *)value.p;
		m->data_len = value.len;
	}
	return (JSON_OK);
}

static enum json_action
action_find(const struct json_bytes *value)
{
	uint8_t			 name[NAME_MAX_BYTES];
	struct json_bytes	 inner = { value->p + 1, value->len - 2 };
	size_t			 n;

	if (value->p[0] != '"')
		return (ACTION_UNKNOWN);
	n = name_decode(&inner, name, sizeof(name));
	if (n == 9 && memcmp(name, "broadcast", n) == 0)
		return (ACTION_BROADCAST);
	if (n == 7 && memcmp(name, "message", n) == 0)
		return (ACTION_MESSAGE);
	if (n == 6 && memcmp(name, "status", n) == 0)
		return (ACTION_STATUS);
	return (ACTION_UNKNOWN);
}

/*
 * An id, 63 bits in decimal, as a string or, from clients that can count so
 * far, as a number: 1, or -1 for anything else.
 */
static int
target_parse(const struct json_bytes *value, uint64_t *target)
{
	uint8_t			 digits[ID_DIGITS_MAX + 1];
	struct json_bytes	 text = *value;
	uint64_t		 v = 0;
	size_t			 i, n;

	*target = 0;
	if (text.p[0] == '"') {
		text.p++;
		text.len -= 2;
	}
	n = name_decode(&text, digits, sizeof(digits));
	if (n == 0 || n > ID_DIGITS_MAX || (digits[0] == '0' && n > 1))
		return (-1);
	for (i = 0; i < n; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return (-1);
		v = v * 10 + (digits[i] - '0');
	}
	if (v > INT64_MAX)
		return (-1);
	*target = v;
	return (1);
}

/*
 * The characters of a checked string into buf, as far as they are ASCII; others
 * become bytes that no name has.  Returns how many, at most size, which then
 * means that there may be more.
 */
static size_t
name_decode(const struct json_bytes *in, uint8_t *buf, size_t size)
{
	static const char	 from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const uint8_t		*p = in->p, *end = p + in->len;
	const char		*at;
	size_t			 n = 0;
	unsigned int		 unit, i;

	while (p < end && n < size) {
		if (*p != '\\') {
			buf[n++] = *p++;
			continue;
		}
		if (p[1] == 'u') {
			for (unit = 0, i = 2; i < 6; i++)
				unit = unit << 4 |
				    (unsigned int)json_hex_value(p[i]);
			buf[n++] = unit < 0x80 ? (uint8_t)unit : 0xff;
			p += 6;
			continue;
		}
		at = strchr(from, p[1]);
		buf[n++] = at == NULL ? p[1] : (uint8_t)to[at - from];
		p += 2;
	}
	return (n);
}

size_t
json_quote(char *out, size_t size, const char *text, size_t n)
{
	const uint8_t	*p = (const uint8_t *)text, *end = p + n;
	char		 piece[6];
	size_t		 used = 0, len;

	if (size < 2)
		return (0);
	out[used++] = '"';
	while (p < end) {
		if (*p < 0x80)
			len = quote_one(piece, *p++);
		else
			len = quote_high(piece, &p, end);
		/* One is kept for the quote at the end. */
		if (len > size - used - 1)
			return (0);
		memcpy(out + used, piece, len);
		used += len;
	}
	out[used++] = '"';
	return (used);
}

/*
 * One character that is not ASCII, or U+FFFD for as many bytes as began one.
 * The byte that broke it begins anew, so that nothing behind it is lost.
 */
static size_t
quote_high(char *out, const uint8_t **p, const uint8_t *end)
{
	const uint8_t	*start = *p;
	uint32_t	 state, next;
	size_t		 len;

	state = utf8_check(UTF8_START, (*p)++, 1);
	while (*p < end && state != UTF8_START && state != UTF8_BAD) {
		if ((next = utf8_check(state, *p, 1)) == UTF8_BAD)
			break;
		state = next;
		(*p)++;
	}
	if (state != UTF8_START) {
		memcpy(out, "\xef\xbf\xbd", 3);
		return (3);
	}
	len = (size_t)(*p - start);
	memcpy(out, start, len);
	return (len);
}

/* One ASCII character; at most 6 bytes. */
static size_t
quote_one(char *out, uint8_t c)
{
	static const char	 hex[] = "0123456789abcdef";
	static const char	 from[] = "\b\f\n\r\t\"\\";
	static const char	 to[] = "bfnrt\"\\";
	const char		*at;

	if (c != '\0' && (at = strchr(from, c)) != NULL) {
		out[0] = '\\';
		out[1] = to[at - from];
		return (2);
	}
	if (c >= 0x20) {
		out[0] = (char)c;
		return (1);
	}
	memcpy(out, "\\u00", 4);
	out[4] = hex[c >> 4];
	out[5] = hex[c & 15];
	return (6);
}
