/*
 * wsload: the messages of Network Web Socket channels, in both formats of
 * nws-protocol(7).
 */
#include <string.h>
#include <sys/types.h>

#include "wsload.h"

/* Types of the binary envelope. */
enum { ENVELOPE_BROADCAST = 1, ENVELOPE_CONNECT = 4, ENVELOPE_HEAD = 9 };

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	if ((c | 32) >= 'a' && (c | 32) <= 'f')
		return ((c | 32) - 'a' + 10);
	return (-1);
}

/* Appends the UTF-8 form of code point u. */
static uint8_t *
put_utf8(uint8_t *p, uint32_t u)
{
	if (u < 0x80)
		*p++ = (uint8_t)u;
	else if (u < 0x800) {
		*p++ = (uint8_t)(0xc0 | u >> 6);
		*p++ = (uint8_t)(0x80 | (u & 63));
	} else if (u < 0x10000) {
		*p++ = (uint8_t)(0xe0 | u >> 12);
		*p++ = (uint8_t)(0x80 | (u >> 6 & 63));
		*p++ = (uint8_t)(0x80 | (u & 63));
	} else {
		*p++ = (uint8_t)(0xf0 | u >> 18);
		*p++ = (uint8_t)(0x80 | (u >> 12 & 63));
		*p++ = (uint8_t)(0x80 | (u >> 6 & 63));
		*p++ = (uint8_t)(0x80 | (u & 63));
	}
	return (p);
}

static bool
get_u16(const uint8_t *p, const uint8_t *end, uint32_t *u)
{
	int i, v;

	*u = 0;
	if (end - p < 4)
		return (false);
	for (i = 0; i < 4; i++) {
		if ((v = hex_value(p[i])) == -1)
			return (false);
		*u = *u << 4 | (uint32_t)v;
	}
	return (true);
}

/*
 * Decodes the escape at p, after its backslash, to *dst, which has room for 4
 * bytes.  Returns the position after it, or NULL.
 */
static const uint8_t *
json_escaped(const uint8_t *p, const uint8_t *end, uint8_t **dst)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *name;
	uint32_t u, low;

	if (p == end)
		return (NULL);
	if (*p != 'u') {
		name = strchr(names, *p);
		if (*p == '\0' || name == NULL)
			return (NULL);
		*(*dst)++ = (uint8_t)values[name - names];
		return (p + 1);
	}
	if (!get_u16(p + 1, end, &u))
		return (NULL);
	p += 5;
	if (u >= 0xd800 && u < 0xdc00 && end - p > 6 && p[0] == '\\' &&
	    p[1] == 'u' && get_u16(p + 2, end, &low)) {
		u = 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
		p += 6;
	}
	*dst = put_utf8(*dst, u);
	return (p);
}

/*
 * Decodes the string at p (after its opening quote) into dst.  Returns its
 * length, or -1.
 */
static ssize_t
json_string(const uint8_t *p, const uint8_t *end, uint8_t *dst, size_t size)
{
	uint8_t *d = dst;

	while (p < end && *p != '"') {
		if (size - (size_t)(d - dst) < 4)
			return (-1);
		if (*p != '\\')
			*d++ = *p++;
		else if ((p = json_escaped(p + 1, end, &d)) == NULL)
			return (-1);
	}
	return (p < end ? d - dst : -1);
}

/* The end of the string at p, after its opening quote; end when it has none. */
static const uint8_t *
json_string_end(const uint8_t *p, const uint8_t *end)
{
	while (p < end && *p != '"')
		p += *p == '\\' && end - p > 1 ? 2 : 1;
	return (p);
}

/*
 * Finds the string member key of the object at p.  Returns the first character
 * of its value, or NULL; the value may go on after end.
 */
static const uint8_t *
json_member(const uint8_t *p, const uint8_t *end, const char *key)
{
	size_t key_len = strlen(key);
	const uint8_t *s;
	bool at_key = false;
	int depth = 0;

	for (; p < end; p++) {
		if (*p == '{' || *p == '[') {
			depth++;
			at_key = *p == '{';
		} else if (*p == '}' || *p == ']')
			depth--;
		else if (*p == ',' || *p == ':')
			at_key = *p == ',';
		if (*p != '"')
			continue;
		s = ++p;
		if ((p = json_string_end(p, end)) == end)
			return (NULL);
		if (!at_key || depth != 1 || (size_t)(p - s) != key_len ||
		    memcmp(s, key, key_len) != 0)
			continue;
		for (p++; p < end && (*p == ':' || *p == ' ');)
			p++;
		return (p < end && *p == '"' ? p + 1 : NULL);
	}
	return (NULL);
}

static bool
value_is(const uint8_t *p, const uint8_t *end, const char *value)
{
	size_t len = strlen(value);

	return (p != NULL && (size_t)(end - p) > len &&
	    memcmp(p, value, len) == 0 && p[len] == '"');
}

static void
verify_json(const uint8_t *data, const uint8_t *end)
{
	static uint8_t *tmp;
	ssize_t len;

	if (tmp == NULL)
		tmp = xcalloc(1, opt.size + 64);
	if ((len = json_string(data, end, tmp, opt.size + 64)) == -1)
		counters.corrupt++;
	else
		verify_plain(tmp, (size_t)len);
}

/* Finds the data of a broadcast the slow way, NULL when this is none. */
static const uint8_t *
broadcast_data(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *action, *data;

	action = json_member(p, end, "action");
	if (!value_is(action, end, "broadcast")) {
		if (value_is(action, end, "connect"))
			counters.notified++;
		else
			counters.other++;
		return (NULL);
	}
	data = json_member(p, end, "data");
	if (data == NULL || end - data < STAMP_LEN) {
		counters.corrupt++;
		return (NULL);
	}
	return (data);
}

void
nws_message(struct conn *c, const uint8_t *p, size_t n, uint64_t total,
    uint64_t now)
{
	struct channel *ch = c->chan;
	size_t len = ch->prefix_len[c->role];
	const uint8_t *data;

	if (len > 0 && n >= len + STAMP_LEN &&
	    memcmp(p, ch->prefix[c->role], len) == 0)
		data = p + len;
	else {
		if ((data = broadcast_data(p, p + n)) == NULL)
			return;
		len = (size_t)(data - p);
		if (len <= PREFIX_MAX) {
			memcpy(ch->prefix[c->role], p, len);
			ch->prefix_len[c->role] = (uint32_t)len;
		}
		ch->total_len[c->role] = 0;
	}
	if (verify_due() && n == total)
		verify_json(data, p + n);
	/* With the same start, messages of a channel have the same length. */
	if (ch->total_len[c->role] == 0)
		ch->total_len[c->role] = total;
	else if (ch->total_len[c->role] != total)
		counters.corrupt++;
	delivery(c, data, now);
}

size_t
nws_prefix(const struct conn *c, char *buf, size_t size)
{
	static const char start[] = "{\"action\":\"broadcast\",\"data\":\"";

	(void)c;
	(void)size;
	memcpy(buf, start, sizeof(start) - 1);
	return (sizeof(start) - 1);
}

/* nws.binary.v1: a type, the source in 8 octets, the payload. */
void
nws_binary_message(struct conn *c, const uint8_t *p, size_t n,
    uint64_t total, uint64_t now)
{
	if (n > 0 && p[0] == ENVELOPE_CONNECT) {
		counters.notified++;
		return;
	}
	if (n == 0 || p[0] != ENVELOPE_BROADCAST) {
		counters.other++;
		return;
	}
	if (total != opt.size + ENVELOPE_HEAD ||
	    n < ENVELOPE_HEAD + STAMP_LEN) {
		counters.corrupt++;
		return;
	}
	if (verify_due() && n == total)
		verify_plain(p + ENVELOPE_HEAD, opt.size);
	delivery(c, p + ENVELOPE_HEAD, now);
}

size_t
nws_binary_prefix(const struct conn *c, char *buf, size_t size)
{
	(void)c;
	(void)size;
	buf[0] = ENVELOPE_BROADCAST;
	return (1);
}
