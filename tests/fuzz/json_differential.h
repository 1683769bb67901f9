/*
 * Our JSON scanner held against cJSON: both accept a text or both refuse it,
 * and what both accept has the same value.  Where cJSON is known to be laxer
 * than RFC 8259 the text must really have what we refused it for, found by a
 * third, very simple look at it (struct traits).  Used by the fuzzer and by the
 * unit test.
 *
 * The exceptions by name:
 *	JSON_NUMBER	cJSON takes what strtod(3) takes: 01, 1., -.5
 *	JSON_CONTROL	control characters in strings
 *	JSON_UTF8	any bytes in strings
 *	JSON_SPACE	any byte up to 20 is white space, a BOM is skipped
 *	JSON_DEEP	1,000 levels, ours are JSON_DEPTH_MAX
 *	JSON_ESCAPE	\u without four digits is U+0000
 *	long number	cJSON refuses numbers of more than 63 characters
 *	\u0000		ends a cJSON string early
 */
#ifndef FUZZ_JSON_DIFFERENTIAL_H
#define FUZZ_JSON_DIFFERENTIAL_H

#include <cjson/cJSON.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "frontend/json.h"
#include "utf8_reference.h"

#define CJSON_NUMBER_MAX	63

/* What a text has, whether it is JSON or not. */
struct traits {
	int	control, bad_escape, bad_utf8, odd_space, deep, bad_number;
	int	long_number, nul_escape;
};

static inline int
is_number_text(const char *p, size_t n)
{
	static regex_t	 strict;
	static int	 compiled;
	char		*text;
	int		 match;

	if (!compiled && regcomp(&strict, "^-?(0|[1-9][0-9]*)(\\.[0-9]+)?"
	    "([eE][+-]?[0-9]+)?$", REG_EXTENDED | REG_NOSUB) != 0)
		abort();
	compiled = 1;
	if ((text = strndup(p, n)) == NULL)
		abort();
	match = regexec(&strict, text, 0, NULL, 0) == 0;
	free(text);
	return (match);
}

/* Past one string, from behind its opening quote. */
static inline const char *
traits_string(const char *p, const char *end, struct traits *t)
{
	for (; p < end && *p != '"'; p++) {
		if ((unsigned char)*p < 0x20)
			t->control = 1;
		if (*p != '\\' || ++p == end)
			continue;
		if ((unsigned char)*p < 0x20)
			t->control = 1;
		if (*p != 'u')
			continue;
		if (end - p < 5 ||
		    strspn(p + 1, "0123456789abcdefABCDEF") < 4)
			t->bad_escape = 1;
		else if (memcmp(p + 1, "0000", 4) == 0)
			t->nul_escape = 1;
	}
	return (p);
}

/* The text must be followed by a NUL. */
static inline void
traits_find(const char *text, size_t n, struct traits *t)
{
	const char	*p, *end = text + n;
	size_t		 len;
	int		 depth = 0;

	memset(t, 0, sizeof(*t));
	t->bad_utf8 = !reference_utf8((const uint8_t *)text, n);
	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		t->odd_space = 1;
	for (p = text; p < end; p++) {
		if (*p == '"') {
			if ((p = traits_string(p + 1, end, t)) == end)
				break;
		} else if (*p == '[' || *p == '{') {
			if (++depth > JSON_DEPTH_MAX)
				t->deep = 1;
		} else if (*p == ']' || *p == '}')
			depth--;
		else if ((unsigned char)*p < 0x20 && *p != '\n' &&
		    *p != '\r' && *p != '\t')
			t->odd_space = 1;
		else if (*p == '-' || (*p >= '0' && *p <= '9')) {
			len = strspn(p, "0123456789+-.eE");
			if (!is_number_text(p, len))
				t->bad_number = 1;
			if (len > CJSON_NUMBER_MAX)
				t->long_number = 1;
			p += len - 1;
		}
	}
}

/* Whether cJSON may accept what we refused for this reason. */
static inline int
refusal_is_strictness(enum json_error error, const struct traits *t)
{
	switch (error) {
	case JSON_NUMBER:
		return (t->bad_number);
	case JSON_CONTROL:
		return (t->control);
	case JSON_UTF8:
		return (t->bad_utf8);
	case JSON_SPACE:
		return (t->odd_space);
	case JSON_DEEP:
		return (t->deep);
	case JSON_ESCAPE:
		return (t->bad_escape);
	default:
		return (0);
	}
}

static inline void
text_space(const char **p)
{
	*p += strspn(*p, " \t\n\r");
}

static inline unsigned int
text_hex(const char *p)
{
	char	 digits[5] = { p[0], p[1], p[2], p[3], '\0' };

	return ((unsigned int)strtoul(digits, NULL, 16));
}

static inline char *
character_put(char *out, unsigned int c)
{
	if (c < 0x80) {
		*out++ = (char)c;
		return (out);
	}
	if (c < 0x800)
		*out++ = (char)(0xc0 | c >> 6);
	else if (c < 0x10000) {
		*out++ = (char)(0xe0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
	} else {
		*out++ = (char)(0xf0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 0x3f));
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*out++ = (char)(0x80 | (c & 0x3f));
	return (out);
}

/* The string at *p, decoded; malloc'd.  *p is then behind it. */
static inline char *
text_string(const char **p)
{
	static const char	 from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char		*at;
	char			*out, *o;
	unsigned int		 c;

	if ((out = o = malloc(strlen(*p) + 1)) == NULL)
		abort();
	for (++*p; **p != '"'; ++*p) {
		if (**p != '\\') {
			*o++ = **p;
			continue;
		}
		if (*++*p != 'u') {
			at = strchr(from, **p);
			*o++ = at == NULL ? **p : to[at - from];
			continue;
		}
		c = text_hex(*p + 1);
		*p += 4;
		if (c >= 0xd800 && c <= 0xdfff) {
			c = 0x10000 + ((c - 0xd800) << 10) +
			    (text_hex(*p + 3) - 0xdc00);
			*p += 6;
		}
		o = character_put(o, c);
	}
	++*p;
	*o = '\0';
	return (out);
}

static inline int	text_same(const char **, const cJSON *);

static inline int
text_same_string(const char **p, const char *want)
{
	char	*s = text_string(p);
	int	 same;

	/* Both end at a \u0000 here. */
	same = want != NULL && strcmp(s, want) == 0;
	free(s);
	return (same);
}

static inline int
text_same_members(const char **p, const cJSON *item, char close)
{
	const cJSON *child = item->child;

	++*p;
	text_space(p);
	while (**p != close) {
		if (child == NULL)
			return (0);
		if (close == '}') {
			if (!text_same_string(p, child->string))
				return (0);
			text_space(p);
			++*p;
			text_space(p);
		}
		if (!text_same(p, child))
			return (0);
		child = child->next;
		text_space(p);
		if (**p == ',') {
			++*p;
			text_space(p);
		}
	}
	++*p;
	return (child == NULL);
}

/* Whether the value at *p, known to be JSON, is the one that cJSON read. */
static inline int
text_same(const char **p, const cJSON *item)
{
	char	*end;
	double	 d;

	switch (**p) {
	case '{':
		return (cJSON_IsObject(item) &&
		    text_same_members(p, item, '}'));
	case '[':
		return (cJSON_IsArray(item) && text_same_members(p, item, ']'));
	case '"':
		return (cJSON_IsString(item) &&
		    text_same_string(p, item->valuestring));
	case 't':
		*p += 4;
		return (cJSON_IsTrue(item));
	case 'f':
		*p += 5;
		return (cJSON_IsFalse(item));
	case 'n':
		*p += 4;
		return (cJSON_IsNull(item));
	default:
		d = strtod(*p, &end);
		*p = end;
		return (cJSON_IsNumber(item) && d == item->valuedouble);
	}
}

/* The last member of an object whose name is this in any case. */
static inline const cJSON *
last_member(const cJSON *object, const char *name)
{
	const cJSON *child, *found = NULL;

	cJSON_ArrayForEach(child, object)
		if (strcasecmp(child->string, name) == 0)
			found = child;
	return (found);
}

static inline int
action_agrees(const struct json_message *m, const cJSON *item)
{
	if (item == NULL)
		return (m->action == ACTION_NONE);
	if (cJSON_IsString(item) && strcmp(item->valuestring, "status") == 0)
		return (m->action == ACTION_STATUS);
	if (cJSON_IsString(item) &&
	    strcmp(item->valuestring, "broadcast") == 0)
		return (m->action == ACTION_BROADCAST);
	if (cJSON_IsString(item) && strcmp(item->valuestring, "message") == 0)
		return (m->action == ACTION_MESSAGE);
	return (m->action == ACTION_UNKNOWN);
}

static inline int
target_agrees(const struct json_message *m, const cJSON *item)
{
	char	 text[24];

	if (item == NULL)
		return (m->has_target == 0);
	if (cJSON_IsString(item)) {
		snprintf(text, sizeof(text), "%llu",
		    (unsigned long long)m->target);
		if (m->has_target == 1)
			return (strcmp(text, item->valuestring) == 0);
		/* Not an id, so not what an id prints as. */
		return (m->has_target == -1 &&
		    (strspn(item->valuestring, "0123456789") !=
		    strlen(item->valuestring) ||
		    strlen(item->valuestring) == 0 ||
		    (item->valuestring[0] == '0' &&
		    item->valuestring[1] != '\0') ||
		    strtod(item->valuestring, NULL) >= 0x1p63));
	}
	if (m->has_target == 1)
		return (cJSON_IsNumber(item) &&
		    (double)m->target == item->valuedouble);
	return (m->has_target == -1);
}

static inline int
data_agrees(const struct json_message *m, const cJSON *item)
{
	const char *p = m->data;

	if (item == NULL || m->data == NULL)
		return (item == NULL && m->data == NULL);
	return (text_same(&p, item) && p == m->data + m->data_len);
}

/* json_message() on a text that json_check() judged so. */
static inline const char *
message_disagreement(const char *text, size_t n, enum json_error error,
    const struct traits *t, const cJSON *item)
{
	struct json_message	 m;
	enum json_error		 said;
	const char		*p = text;

	said = json_message(text, n, 1, &m);
	text_space(&p);
	if (*p != '{' && p < text + n)
		return (said == JSON_OK ? "a message that is no object" :
		    NULL);
	if (said != error)
		return ("json_message and json_check differ");
	if (error != JSON_OK || item == NULL || t->nul_escape)
		return (NULL);
	if (!action_agrees(&m, last_member(item, "action")))
		return ("another action");
	if (!target_agrees(&m, last_member(item, "target")))
		return ("another target");
	if (!data_agrees(&m, last_member(item, "data")))
		return ("other data");
	return (NULL);
}

/*
 * NULL, or what is wrong.  The text must be followed by a NUL that n does not
 * count.
 */
static inline const char *
json_disagreement(const char *text, size_t n)
{
	struct traits	 t;
	enum json_error	 error;
	const char	*end, *p = text, *wrong = NULL;
	cJSON		*item;

	traits_find(text, n, &t);
	error = json_check(text, n, 1);
	if (!t.bad_utf8 && json_check(text, n, 0) != error)
		return ("the check for UTF-8 changes the answer");
	item = cJSON_ParseWithLengthOpts(text, n, &end, 0);
	if (item != NULL && end + strspn(end, " \t\n\r") != text + n) {
		cJSON_Delete(item);
		item = NULL;
	}
	text_space(&p);
	if (error == JSON_OK && item == NULL && !t.long_number)
		wrong = "cJSON refuses what we accept";
	else if (error == JSON_OK && item != NULL && !text_same(&p, item))
		wrong = "another value";
	else if (error != JSON_OK && item != NULL &&
	    !refusal_is_strictness(error, &t))
		wrong = "cJSON accepts what we refuse";
	if (wrong == NULL)
		wrong = message_disagreement(text, n, error, &t, item);
	cJSON_Delete(item);
	return (wrong);
}

#endif
