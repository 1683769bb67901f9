/* JSON objects for nwsctl -j, pure but for memory. */
#include <string.h>

#include "nwsctl.h"

static void
member(struct json *j, const char *key)
{
	if (j->comma)
		buf_byte(&j->out, ',');
	j->comma = 1;
	if (key == NULL)
		return;
	json_string(&j->out, key, strlen(key));
	buf_byte(&j->out, ':');
}

void
json_open(struct json *j, const char *key, char c)
{
	member(j, key);
	buf_byte(&j->out, (uint8_t)c);
	j->comma = 0;
}

void
json_shut(struct json *j, char c)
{
	buf_byte(&j->out, (uint8_t)c);
	j->comma = 1;
}

void
json_text(struct json *j, const char *key, const char *s, size_t n)
{
	member(j, key);
	json_string(&j->out, s, n);
}

void
json_word(struct json *j, const char *key, const char *s)
{
	json_text(j, key, s, strlen(s));
}

void
json_uint(struct json *j, const char *key, uint64_t v)
{
	member(j, key);
	buf_printf(&j->out, "%llu", (unsigned long long)v);
}

void
json_id(struct json *j, const char *key, uint64_t v)
{
	member(j, key);
	buf_printf(&j->out, "\"%llu\"", (unsigned long long)v);
}

void
json_bool(struct json *j, const char *key, int v)
{
	member(j, key);
	buf_text(&j->out, v ? "true" : "false");
}

void
json_raw(struct json *j, const char *key, const char *p, size_t n)
{
	member(j, key);
	buf_add(&j->out, p, n);
}

void
json_begin(struct json *j)
{
	memset(j, 0, sizeof(*j));
	json_open(j, NULL, '{');
	json_uint(j, "schema", 1);
}

void
json_finish(struct json *j)
{
	json_shut(j, '}');
	buf_byte(&j->out, '\n');
	fwrite(j->out.data, 1, j->out.len, stdout);
	buf_free(&j->out);
}
