/*
 * The messages of nws-protocol(7), as JSON and as nws.binary.v1, written and
 * read.  Pure but for memory.  Trusts nothing that it reads.
 */
#include <cjson/cJSON.h>
#include <openssl/evp.h>
#include <string.h>

#include "nws.h"

/* First octet of a binary message. */
enum { BINARY_BROADCAST = 1, BINARY_DIRECT = 2, BINARY_STATUS = 3,
	BINARY_CONNECT = 4, BINARY_DISCONNECT = 5, BINARY_ERROR = 6 };
#define BINARY_JSON	0x80u	/* the payload is JSON */

static void
put_id(struct buf *b, uint64_t id)
{
	int shift;

	for (shift = 56; shift >= 0; shift -= 8)
		buf_byte(b, (uint8_t)(id >> shift));
}

static uint64_t
get_number(const char *p, size_t n)
{
	uint64_t v = 0;

	for (; n > 0; p++, n--)
		v = v << 8 | (uint8_t)*p;
	return (v);
}

void
message_put(struct buf *b, int binary, uint64_t target, int raw,
    const void *p, size_t n)
{
	if (binary) {
		buf_byte(b, target != 0 ? BINARY_DIRECT : BINARY_BROADCAST);
		if (target != 0)
			put_id(b, target);
		buf_add(b, p, n);
		return;
	}
	if (target != 0)
		buf_printf(b, "{\"action\":\"message\",\"target\":\"%llu\","
		    "\"data\":", (unsigned long long)target);
	else
		buf_text(b, "{\"action\":\"broadcast\",\"data\":");
	if (raw)
		buf_add(b, p, n);
	else
		json_string(b, p, n);
	buf_byte(b, '}');
}

void
message_put_status(struct buf *b, int binary)
{
	if (binary)
		buf_byte(b, BINARY_STATUS);
	else
		buf_text(b, "{\"action\":\"status\"}");
}

/* The name of an error that nws.binary.v1 has as a number. */
static const char *
error_name(uint64_t code)
{
	static const char *const names[] = { "unknown", "unknown-target",
	    "not-json", "unknown-action", "bad-target", "too-fast", "missed",
	    "not-envelope" };

	return (names[code < sizeof(names) / sizeof(names[0]) ? code : 0]);
}

static int
parse_binary(const char *p, size_t n, struct message *m)
{
	unsigned int type;

	if (n == 0)
		return (-1);
	type = (uint8_t)*p & ~BINARY_JSON;
	m->data_json = ((uint8_t)*p & BINARY_JSON) != 0;
	p++, n--;
	if (type == BINARY_ERROR) {
		if (n < 10)
			return (-1);
		m->type = MESSAGE_ERROR;
		snprintf(m->code, sizeof(m->code), "%s",
		    error_name(get_number(p, 2)));
		m->target = m->count = get_number(p + 2, 8);
		m->text = p + 10;
		m->text_len = n - 10;
		return (0);
	}
	if (type < BINARY_BROADCAST || type > BINARY_DISCONNECT)
		return (0);
	if (n < 8)
		return (-1);
	m->source = m->target = get_number(p, 8);
	m->data = p + 8;
	m->data_len = n - 8;
	m->type = type == BINARY_BROADCAST ? MESSAGE_BROADCAST :
	    type == BINARY_DIRECT ? MESSAGE_DIRECT :
	    type == BINARY_STATUS ? MESSAGE_STATUS :
	    type == BINARY_CONNECT ? MESSAGE_CONNECT : MESSAGE_DISCONNECT;
	return (0);
}

static const char *
skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' ||
	    *p == '\r'))
		p++;
	return (p);
}

/* End of the JSON value that begins at p, or NULL. */
static const char *
value_end(const char *p, const char *end)
{
	const char *stop = NULL;
	cJSON *value;

	if (p < end && *p == '"')
		return (json_string_scan(p, (size_t)(end - p)) == 0 ? NULL :
		    p + json_string_scan(p, (size_t)(end - p)));
	value = cJSON_ParseWithLengthOpts(p, (size_t)(end - p), &stop, 0);
	if (value == NULL)
		return (NULL);
	cJSON_Delete(value);
	return (stop);
}

int
message_is_json(const char *p, size_t n)
{
	const char *end = p + n;

	p = skip_space(p, end);
	return (p < end && (p = value_end(p, end)) != NULL &&
	    skip_space(p, end) == end);
}

/* An id or count, which is a number, in quotes or not. */
static uint64_t
parse_number(const char *p, size_t n)
{
	uint64_t v;
	char digits[24];

	if (n >= 2 && p[0] == '"')
		p++, n -= 2;
	if (n >= sizeof(digits))
		return (0);
	memcpy(digits, p, n);
	digits[n] = '\0';
	return (text_number(digits, UINT64_MAX, &v) == 0 ? v : 0);
}

static int
is(const char *p, size_t n, const char *word)
{
	return (n == strlen(word) && memcmp(p, word, n) == 0);
}

static enum message_type
parse_action(const char *p, size_t n)
{
	static const struct {
		const char		*name;
		enum message_type	 type;
	} actions[] = {
		{ "\"broadcast\"", MESSAGE_BROADCAST },
		{ "\"message\"", MESSAGE_DIRECT },
		{ "\"status\"", MESSAGE_STATUS },
		{ "\"connect\"", MESSAGE_CONNECT },
		{ "\"disconnect\"", MESSAGE_DISCONNECT },
		{ "\"error\"", MESSAGE_ERROR },
	};
	size_t i;

	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (is(p, n, actions[i].name))
			return (actions[i].type);
	return (MESSAGE_OTHER);
}

static void
parse_member(const char *key, size_t key_len, const char *p, size_t n,
    struct message *m)
{
	if (is(key, key_len, "\"action\""))
		m->type = parse_action(p, n);
	else if (is(key, key_len, "\"source\""))
		m->source = parse_number(p, n);
	else if (is(key, key_len, "\"target\""))
		m->target = parse_number(p, n);
	else if (is(key, key_len, "\"count\""))
		m->count = parse_number(p, n);
	else if (is(key, key_len, "\"data\"")) {
		m->data = p;
		m->data_len = n;
	} else if (is(key, key_len, "\"encoding\""))
		m->data_base64 = is(p, n, "\"base64\"");
	else if (is(key, key_len, "\"message\"") && *p == '"') {
		m->text = p;
		m->text_len = n;
	} else if (is(key, key_len, "\"code\"") && n >= 2 && *p == '"' &&
	    n - 2 < sizeof(m->code)) {
		memcpy(m->code, p + 1, n - 2);
		m->code[n - 2] = '\0';
	}
}

static int
parse_json(const char *p, size_t n, struct message *m)
{
	const char *end = p + n, *key, *value;
	size_t key_len;

	m->data_json = 1;
	p = skip_space(p, end);
	if (p == end || *p++ != '{')
		return (-1);
	p = skip_space(p, end);
	if (p < end && *p == '}')
		return (skip_space(p + 1, end) == end ? 0 : -1);
	for (;;) {
		key = p = skip_space(p, end);
		if ((key_len = json_string_scan(p, (size_t)(end - p))) == 0)
			return (-1);
		p = skip_space(p + key_len, end);
		if (p == end || *p++ != ':')
			return (-1);
		value = p = skip_space(p, end);
		if (p == end || (p = value_end(p, end)) == NULL)
			return (-1);
		parse_member(key, key_len, value, (size_t)(p - value), m);
		p = skip_space(p, end);
		if (p == end || (*p != ',' && *p != '}'))
			return (-1);
		if (*p++ == '}')
			return (skip_space(p, end) == end ? 0 : -1);
	}
}

int
message_parse(int binary, const char *p, size_t n, struct message *m)
{
	memset(m, 0, sizeof(*m));
	return (binary ? parse_binary(p, n, m) : parse_json(p, n, m));
}

/* The bytes of a JSON string of base64 that cannot hold an escape. */
static int
put_base64(struct buf *b, const char *p, size_t n)
{
	size_t pad = 0;
	int len;

	p++, n -= 2;
	if (n % 4 != 0 || n > INT32_MAX)
		return (-1);
	while (pad < 2 && pad < n && p[n - 1 - pad] == '=')
		pad++;
	len = EVP_DecodeBlock(buf_room(b, n / 4 * 3 + 1),
	    (const unsigned char *)p, (int)n);
	if (len < 0 || (size_t)len < pad)
		return (-1);
	buf_grew(b, (size_t)len - pad);
	return (0);
}

void
message_payload(const struct message *m, struct buf *b)
{
	if (m->data == NULL)
		return;
	if (!m->data_json || m->data_len < 2 || m->data[0] != '"') {
		buf_add(b, m->data, m->data_len);
		return;
	}
	if (m->data_base64 && put_base64(b, m->data, m->data_len) == 0)
		return;
	if (json_string_scan(m->data, m->data_len) == m->data_len)
		json_string_text(b, m->data, m->data_len);
	else
		buf_add(b, m->data, m->data_len);
}

void
message_text(const struct message *m, int binary, struct buf *b)
{
	if (m->text == NULL)
		return;
	if (binary)
		buf_add(b, m->text, m->text_len);
	else
		json_string_text(b, m->text, m->text_len);
}
