/* frontend/json.c and json_message.c, alone and against cJSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/json.h"
#include "tests/fuzz/json_differential.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* A text that has no NUL inside. */
struct text_case {
	const char	*text;
	enum json_error	 error;
};

static const struct text_case texts[] = {
	/* Values by themselves. */
	{ "null", JSON_OK }, { "true", JSON_OK }, { "false", JSON_OK },
	{ "0", JSON_OK }, { "\"\"", JSON_OK }, { "[]", JSON_OK },
	{ "{}", JSON_OK }, { " [] ", JSON_OK }, { "\t\r\n {\n}\r\t", JSON_OK },
	{ "", JSON_SHORT }, { " ", JSON_SHORT }, { "\n\t", JSON_SHORT },
	{ "nul", JSON_SHORT }, { "tru", JSON_SHORT }, { "f", JSON_SHORT },
	{ "nulL", JSON_SYNTAX }, { "True", JSON_SYNTAX },
	{ "TRUE", JSON_SYNTAX }, { "undefined", JSON_SYNTAX },
	{ "nullx", JSON_TRAILING }, { "truefalse", JSON_TRAILING },
	{ "'a'", JSON_SYNTAX }, { "a", JSON_SYNTAX }, { "*", JSON_SYNTAX },
	{ "/", JSON_SYNTAX }, { "\\", JSON_SYNTAX }, { ":", JSON_SYNTAX },
	{ ",", JSON_SYNTAX }, { "]", JSON_SYNTAX }, { "}", JSON_SYNTAX },
	{ "1 2", JSON_TRAILING }, { "[] []", JSON_TRAILING },
	{ "[]]", JSON_TRAILING }, { "{}}", JSON_TRAILING },
	{ "{} //x", JSON_TRAILING }, { "{} #", JSON_TRAILING },
	{ "\"a\" \"b\"", JSON_TRAILING }, { "null,", JSON_TRAILING },
	{ "// x\n1", JSON_SYNTAX }, { "[1/**/]", JSON_SYNTAX },

	/* Numbers. */
	{ "-0", JSON_OK }, { "-1", JSON_OK }, { "10", JSON_OK },
	{ "1.5", JSON_OK }, { "-0.0", JSON_OK }, { "0.000001", JSON_OK },
	{ "1e5", JSON_OK }, { "1E5", JSON_OK }, { "1e+5", JSON_OK },
	{ "1e-5", JSON_OK }, { "0e0", JSON_OK }, { "-0e+1", JSON_OK },
	{ "1.25E-02", JSON_OK }, { "1e400", JSON_OK }, { "-1e400", JSON_OK },
	{ "1e-400", JSON_OK }, { "123456789012345678901234567890", JSON_OK },
	{ "9007199254740993", JSON_OK }, { "9223372036854775808", JSON_OK },
	{ "[1,2.0,3e3]", JSON_OK }, { "[0]", JSON_OK }, { "1 ", JSON_OK },
	{ "01", JSON_NUMBER }, { "-01", JSON_NUMBER }, { "00", JSON_NUMBER },
	{ "1.", JSON_NUMBER }, { "-1.", JSON_NUMBER }, { ".5", JSON_NUMBER },
	{ "-.5", JSON_NUMBER }, { "+1", JSON_NUMBER }, { "-", JSON_NUMBER },
	{ "--1", JSON_NUMBER }, { "1e", JSON_NUMBER }, { "1e+", JSON_NUMBER },
	{ "1.e1", JSON_NUMBER }, { "1ee1", JSON_NUMBER },
	{ "-a", JSON_NUMBER }, { "NaN", JSON_NUMBER }, { "[-]", JSON_NUMBER },
	{ "Infinity", JSON_NUMBER }, { "-Infinity", JSON_NUMBER },
	{ "[1.]", JSON_NUMBER }, { "[012]", JSON_NUMBER },
	{ "{\"a\":1.}", JSON_NUMBER }, { "[-.1]", JSON_NUMBER },
	{ "0x10", JSON_TRAILING }, { "1.5.5", JSON_TRAILING },
	{ "1e1.5", JSON_TRAILING }, { "1+1", JSON_TRAILING },
	{ "1_000", JSON_TRAILING }, { "[1 000]", JSON_SYNTAX },
	{ "[0x1]", JSON_SYNTAX }, { "1f", JSON_TRAILING },
	{ "inf", JSON_SYNTAX }, { "\xef\xbc\x91", JSON_SYNTAX },

	/* Strings. */
	{ "\"a\"", JSON_OK }, { "\"\x7f\"", JSON_OK },
	{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", JSON_OK },
	{ "\"\\u0041\\u00e9\\u20ac\"", JSON_OK },
	{ "\"\\uABCD\\uabcd\\uffff\"", JSON_OK },
	{ "\"\\ud83d\\ude00\"", JSON_OK }, { "\"\\uDBFF\\uDFFF\"", JSON_OK },
	{ "\"\\u0000\"", JSON_OK }, { "\"a\\u0000b\"", JSON_OK },
	{ "\"\\u001f\\u007f\"", JSON_OK }, { "\"/\"", JSON_OK },
	{ "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"", JSON_OK },
	{ "\"\xf4\x8f\xbf\xbf\xef\xbf\xbf\"", JSON_OK },
	{ "\"\xef\xbb\xbf\"", JSON_OK }, { "\"\xe2\x80\xa8\"", JSON_OK },
	{ "\"abcdefghijklmno\\n\"", JSON_OK },
	{ "\"abcdefghijklmnopqrstuvwxyzabcdef\"", JSON_OK },
	{ "\"", JSON_SHORT }, { "\"a", JSON_SHORT }, { "\"\\", JSON_SHORT },
	{ "\"\\\"", JSON_SHORT }, { "\"\\u", JSON_SHORT },
	{ "\"\\u004", JSON_SHORT }, { "\"\\ud83d", JSON_SHORT },
	{ "\"\\ud83d\\", JSON_SHORT }, { "\"\\ud83d\\u", JSON_SHORT },
	{ "\"\\a\"", JSON_ESCAPE }, { "\"\\x41\"", JSON_ESCAPE },
	{ "\"\\'\"", JSON_ESCAPE }, { "\"\\0\"", JSON_ESCAPE },
	{ "\"\\U0041\"", JSON_ESCAPE }, { "\"\\ \"", JSON_ESCAPE },
	{ "\"\\u00\"", JSON_ESCAPE }, { "\"\\u004g\"", JSON_ESCAPE },
	{ "\"\\u+041\"", JSON_ESCAPE }, { "\"\\u\"", JSON_ESCAPE },
	{ "\"\\ud83d\\u00\"", JSON_ESCAPE }, { "\"\\\n\"", JSON_ESCAPE },
	{ "\"\\\xc3\xa9\"", JSON_ESCAPE },
	{ "\"\\ud800\"", JSON_SURROGATE }, { "\"\\udc00\"", JSON_SURROGATE },
	{ "\"\\udfff\\ud800\"", JSON_SURROGATE },
	{ "\"\\ud800\\ud800\"", JSON_SURROGATE },
	{ "\"\\ud800\\u0041\"", JSON_SURROGATE },
	{ "\"\\ud800\\n\"", JSON_SURROGATE }, { "\"\\ud800a\"",
	JSON_SURROGATE }, { "\"\\uD83D\\uE000\"", JSON_SURROGATE },
	{ "\"\n\"", JSON_CONTROL }, { "\"\t\"", JSON_CONTROL },
	{ "\"\x01\"", JSON_CONTROL }, { "\"\x1f\"", JSON_CONTROL },
	{ "\"a\rb\"", JSON_CONTROL }, { "[\"\b\"]", JSON_CONTROL },
	{ "{\"\x1f\":1}", JSON_CONTROL },
	{ "\"abcdefghijklmnop\n\"", JSON_CONTROL },
	{ "\"\x80\"", JSON_UTF8 }, { "\"\xff\"", JSON_UTF8 },
	{ "\"\xc3\"", JSON_UTF8 }, { "\"\xc3(\"", JSON_UTF8 },
	{ "\"\xc0\xaf\"", JSON_UTF8 }, { "\"\xe0\x80\x80\"", JSON_UTF8 },
	{ "\"\xed\xa0\x80\"", JSON_UTF8 }, { "\"\xf4\x90\x80\x80\"",
	JSON_UTF8 }, { "\"\xe2\x82\"", JSON_UTF8 }, { "\"\xc3", JSON_UTF8 },
	{ "{\"\xff\":1}", JSON_UTF8 },

	/* Arrays. */
	{ "[1]", JSON_OK }, { "[[]]", JSON_OK }, { "[[],[[]],{}]", JSON_OK },
	{ "[ 1 , \"a\" , null ]", JSON_OK }, { "[1,\n1]", JSON_OK },
	{ "[\"\"]", JSON_OK }, { "[[[[[[[[[]]]]]]]]]", JSON_OK },
	{ "[", JSON_SHORT }, { "[1", JSON_SHORT }, { "[1,", JSON_SHORT },
	{ "[[]", JSON_SHORT }, { "[\"a", JSON_SHORT }, { "[ ", JSON_SHORT },
	{ "[,]", JSON_SYNTAX }, { "[1,]", JSON_SYNTAX },
	{ "[,1]", JSON_SYNTAX }, { "[1,,2]", JSON_SYNTAX },
	{ "[1 2]", JSON_SYNTAX }, { "[1}", JSON_SYNTAX },
	{ "[1:2]", JSON_SYNTAX }, { "[\"a\":1]", JSON_SYNTAX },
	{ "[\"a\" \"b\"]", JSON_SYNTAX }, { "[a]", JSON_SYNTAX },
	{ "[1;2]", JSON_SYNTAX }, { "(1)", JSON_SYNTAX },

	/* Objects. */
	{ "{\"a\":1}", JSON_OK }, { "{\"\":0}", JSON_OK },
	{ "{\"a\":{\"b\":{}}}", JSON_OK }, { "{\"a\":1,\"a\":2}", JSON_OK },
	{ " { \"a\" : [ ] , \"b\" : { } } ", JSON_OK },
	{ "{\"\\u0061\":\"\\u0062\"}", JSON_OK },
	{ "{\"a\":[{\"b\":[{\"c\":null}]}]}", JSON_OK },
	{ "{\"\xc3\xa9\":1}", JSON_OK },
	{ "{", JSON_SHORT }, { "{\"a\"", JSON_SHORT },
	{ "{\"a\":", JSON_SHORT }, { "{\"a\":1", JSON_SHORT },
	{ "{\"a\":1,", JSON_SHORT }, { "{\"a", JSON_SHORT },
	{ "{\"a\":1,}", JSON_SYNTAX }, { "{,}", JSON_SYNTAX },
	{ "{\"a\"}", JSON_SYNTAX }, { "{\"a\":}", JSON_SYNTAX },
	{ "{\"a\" 1}", JSON_SYNTAX }, { "{\"a\"::1}", JSON_SYNTAX },
	{ "{\"a\",1}", JSON_SYNTAX }, { "{a:1}", JSON_SYNTAX },
	{ "{1:1}", JSON_SYNTAX }, { "{null:1}", JSON_SYNTAX },
	{ "{[]:1}", JSON_SYNTAX }, { "{\"a\":1 \"b\":2}", JSON_SYNTAX },
	{ "{\"a\":1]", JSON_SYNTAX }, { "{'a':1}", JSON_SYNTAX },
	{ "{\"a\":1,,\"b\":2}", JSON_SYNTAX }, { "{{}}", JSON_SYNTAX },
	{ "{\"a\":1}{", JSON_TRAILING },

	/* White space. */
	{ "\v1", JSON_SPACE }, { "1\f", JSON_SPACE }, { "[\v]", JSON_SPACE },
	{ "[1\v,2]", JSON_SPACE }, { "{\b}", JSON_SPACE },
	{ "{\"a\"\x1f:1}", JSON_SPACE }, { "{\"a\":\x01" "1}", JSON_SPACE },
	{ "\xef\xbb\xbf[]", JSON_SPACE }, { "[]\xef\xbb\xbf", JSON_SPACE },
	{ "\xc2\xa0" "1", JSON_SYNTAX }, { "[\xe2\x81\xa0]", JSON_SYNTAX },
	{ "[\x7f]", JSON_SYNTAX }, { "\xff", JSON_SYNTAX },
};

static void
test_texts(void **state)
{
	const char	*wrong;
	enum json_error	 error;
	size_t		 i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		error = json_check(texts[i].text, strlen(texts[i].text), 1);
		if (error != texts[i].error)
			fail_msg("%s: %s, expected %s", texts[i].text,
			    json_error_text(error),
			    json_error_text(texts[i].error));
		wrong = json_disagreement(texts[i].text,
		    strlen(texts[i].text));
		if (wrong != NULL)
			fail_msg("%s: %s", texts[i].text, wrong);
	}
}

/* The same texts inside others, so that all of them end within something. */
static void
test_texts_inside(void **state)
{
	static const char *const around[][2] = {
		{ "[", "]" }, { "{\"a\":", "}" }, { "[1,", ",2]" },
		{ "{\"action\":\"broadcast\",\"data\":", "}" },
		{ "{\"target\":", ",\"action\":\"message\"}" },
		{ "{\"action\":", "}" }, { "{\"data\":1,\"DATA\": ", " }" },
		{ "\"", "\"" }, { "{\"", "\":1}" },
	};
	const char	*wrong;
	char		 text[256];
	size_t		 i, j;
	int		 n;

	(void)state;
	for (i = 0; i < COUNT(texts); i++)
		for (j = 0; j < COUNT(around); j++) {
			n = snprintf(text, sizeof(text), "%s%s%s",
			    around[j][0], texts[i].text, around[j][1]);
			assert_true(n > 0 && (size_t)n < sizeof(text));
			wrong = json_disagreement(text, (size_t)n);
			if (wrong != NULL)
				fail_msg("%s: %s", text, wrong);
		}
}

/* NUL is nothing special. */
static void
test_nul(void **state)
{
	(void)state;
	assert_int_equal(json_check("\0", 1, 1), JSON_SPACE);
	assert_int_equal(json_check("1\0", 2, 1), JSON_SPACE);
	assert_int_equal(json_check("\"\0\"", 3, 1), JSON_CONTROL);
	assert_int_equal(json_check("\"\\\0\"", 4, 1), JSON_ESCAPE);
	assert_int_equal(json_check("[\0]", 3, 1), JSON_SPACE);
	assert_int_equal(json_check("nul\0", 4, 1), JSON_SPACE);
}

static enum json_error
check_deep(int depth, const char *open, const char *middle, const char *close)
{
	char		*text, *p;
	enum json_error	 error;
	int		 i;

	text = malloc((size_t)depth * (strlen(open) + strlen(close)) +
	    strlen(middle) + 1);
	assert_non_null(text);
	p = text;
	for (i = 0; i < depth; i++)
		p = stpcpy(p, open);
	p = stpcpy(p, middle);
	for (i = 0; i < depth; i++)
		p = stpcpy(p, close);
	error = json_check(text, (size_t)(p - text), 1);
	assert_null(json_disagreement(text, (size_t)(p - text)));
	free(text);
	return (error);
}

static void
test_depth(void **state)
{
	(void)state;
	assert_int_equal(check_deep(JSON_DEPTH_MAX, "[", "", "]"), JSON_OK);
	assert_int_equal(check_deep(JSON_DEPTH_MAX + 1, "[", "", "]"),
	    JSON_DEEP);
	assert_int_equal(check_deep(JSON_DEPTH_MAX, "{\"a\":", "1", "}"),
	    JSON_OK);
	assert_int_equal(check_deep(JSON_DEPTH_MAX + 1, "{\"a\":", "1", "}"),
	    JSON_DEEP);
	/* Mixed, so that every bit is set and cleared again. */
	assert_int_equal(check_deep(JSON_DEPTH_MAX / 2, "[{\"a\":", "1", "}]"),
	    JSON_OK);
	assert_int_equal(check_deep(JSON_DEPTH_MAX / 2 - 1, "{\"a\":[", "1",
	    "],\"b\":[[],{}]}"), JSON_OK);
	assert_int_equal(check_deep(JSON_DEPTH_MAX / 2, "{\"a\":[", "[]",
	    "]}"), JSON_DEEP);
	assert_int_equal(check_deep(100000, "[", "", ""), JSON_DEEP);
	assert_int_equal(check_deep(200, "[", "", "}"), JSON_DEEP);
	assert_int_equal(check_deep(100, "[", "", "}"), JSON_SYNTAX);
}

/* Each interesting byte at each place of strings around the width of a step. */
static void
test_positions(void **state)
{
	static const struct {
		const char	*bytes;
		enum json_error	 error;
	} cases[] = {
		{ "x", JSON_OK }, { "\x7f", JSON_OK }, { " ", JSON_OK },
		{ "\\n", JSON_OK }, { "\xc3\xa9", JSON_OK },
		{ "\xf0\x9f\x98\x80", JSON_OK }, { "\\ud83d\\ude00", JSON_OK },
		{ "\x1f", JSON_CONTROL }, { "\x80", JSON_UTF8 },
		{ "\xc3", JSON_UTF8 }, { "\\q", JSON_ESCAPE },
		{ "\"", JSON_TRAILING },
	};
	char		 text[256];
	enum json_error	 error;
	size_t		 i, at, n, total;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		for (total = 1; total < 200; total += total < 40 ? 1 : 7)
			for (at = 0; at < total; at++) {
				text[0] = '"';
				memset(text + 1, 'a', at);
				n = 1 + at;
				memcpy(text + n, cases[i].bytes,
				    strlen(cases[i].bytes));
				n += strlen(cases[i].bytes);
				memset(text + n, 'a', total - at);
				n += total - at;
				text[n++] = '"';
				error = json_check(text, n, 1);
				if (error != cases[i].error)
					fail_msg("case %zu at %zu of %zu: %s",
					    i, at, total,
					    json_error_text(error));
				/* Any prefix is refused, and not read past. */
				assert_int_not_equal(json_check(text, at + 1,
				    1), JSON_OK);
			}
}

/* What is known to be UTF-8 is not looked at again. */
static void
test_utf8_flag(void **state)
{
	struct json_message m;

	(void)state;
	assert_int_equal(json_check("\"\xff\"", 3, 1), JSON_UTF8);
	assert_int_equal(json_check("\"\xff\"", 3, 0), JSON_OK);
	assert_int_equal(json_message("{\"\xff\":1}", 7, 1, &m), JSON_UTF8);
	assert_int_equal(json_message("{\"\xff\":1}", 7, 0, &m), JSON_OK);
}

struct message_case {
	const char		*text;
	enum json_error		 error;
	enum json_action	 action;
	const char		*data;
	int			 has_target;
	uint64_t		 target;
};

static const struct message_case messages[] = {
	{ "{\"action\":\"status\"}", JSON_OK, ACTION_STATUS, NULL, 0, 0 },
	{ "{\"action\":\"broadcast\",\"data\":\"x\"}", JSON_OK,
	    ACTION_BROADCAST, "\"x\"", 0, 0 },
	{ "{\"action\":\"message\",\"target\":\"12\",\"data\":{\"a\":[1, 2]}}",
	    JSON_OK, ACTION_MESSAGE, "{\"a\":[1, 2]}", 1, 12 },
	{ "{\"data\" : \t[ 1 ]\n , \"action\":\"broadcast\" }", JSON_OK,
	    ACTION_BROADCAST, "[ 1 ]", 0, 0 },
	{ "{}", JSON_OK, ACTION_NONE, NULL, 0, 0 },
	{ " { } ", JSON_OK, ACTION_NONE, NULL, 0, 0 },
	{ "{\"Action\":\"status\",\"DATA\":1,\"TarGet\":\"3\"}", JSON_OK,
	    ACTION_STATUS, "1", 1, 3 },
	/* Values of action match as they are. */
	{ "{\"action\":\"Status\"}", JSON_OK, ACTION_UNKNOWN, NULL, 0, 0 },
	{ "{\"action\":\"statusx\"}", JSON_OK, ACTION_UNKNOWN, NULL, 0, 0 },
	{ "{\"action\":\"statu\"}", JSON_OK, ACTION_UNKNOWN, NULL, 0, 0 },
	{ "{\"action\":\"\"}", JSON_OK, ACTION_UNKNOWN, NULL, 0, 0 },
	{ "{\"action\":\"status\\u0000\"}", JSON_OK, ACTION_UNKNOWN, NULL, 0,
	    0 },
	{ "{\"action\":1}", JSON_OK, ACTION_UNKNOWN, NULL, 0, 0 },
	{ "{\"action\":null}", JSON_OK, ACTION_UNKNOWN, NULL, 0, 0 },
	{ "{\"action\":[\"status\"]}", JSON_OK, ACTION_UNKNOWN, NULL, 0, 0 },
	/* Names that are nearly ours. */
	{ "{\"action \":\"status\"}", JSON_OK, ACTION_NONE, NULL, 0, 0 },
	{ "{\"actio\":\"status\",\"dat\":1,\"dataa\":2}", JSON_OK, ACTION_NONE,
	    NULL, 0, 0 },
	{ "{\"acti\\u00f3n\":\"status\"}", JSON_OK, ACTION_NONE, NULL, 0, 0 },
	{ "{\"a\":{\"action\":\"status\",\"data\":1}}", JSON_OK, ACTION_NONE,
	    NULL, 0, 0 },
	{ "{\"actionactionaction\":\"status\"}", JSON_OK, ACTION_NONE, NULL,
	    0, 0 },
	/* The last one counts. */
	{ "{\"action\":\"status\",\"ACTION\":\"message\"}", JSON_OK,
	    ACTION_MESSAGE, NULL, 0, 0 },
	{ "{\"data\":1,\"data\":2,\"Data\":3}", JSON_OK, ACTION_NONE, "3", 0,
	    0 },
	{ "{\"target\":1,\"target\":\"x\"}", JSON_OK, ACTION_NONE, NULL, -1,
	    0 },
	/* Escapes. */
	{ "{\"\\u0061ction\":\"stat\\u0075s\"}", JSON_OK, ACTION_STATUS, NULL,
	    0, 0 },
	{ "{\"d\\u0041ta\":\"\\n\"}", JSON_OK, ACTION_NONE, "\"\\n\"", 0, 0 },
	{ "{\"target\":\"\\u0034\\u0032\"}", JSON_OK, ACTION_NONE, NULL, 1,
	    42 },
	/* Data of every kind, as it was sent. */
	{ "{\"data\":null}", JSON_OK, ACTION_NONE, "null", 0, 0 },
	{ "{\"data\":-1.50e+2}", JSON_OK, ACTION_NONE, "-1.50e+2", 0, 0 },
	{ "{\"data\":{}}", JSON_OK, ACTION_NONE, "{}", 0, 0 },
	{ "{\"data\":\"\\ud83d\\ude00 \"}", JSON_OK, ACTION_NONE,
	    "\"\\ud83d\\ude00 \"", 0, 0 },
	{ "{\"data\":[[],{\"data\":7}]}", JSON_OK, ACTION_NONE,
	    "[[],{\"data\":7}]", 0, 0 },
	/* Targets: 63 bits in decimal. */
	{ "{\"target\":0}", JSON_OK, ACTION_NONE, NULL, 1, 0 },
	{ "{\"target\":\"0\"}", JSON_OK, ACTION_NONE, NULL, 1, 0 },
	{ "{\"target\":1234}", JSON_OK, ACTION_NONE, NULL, 1, 1234 },
	{ "{\"target\":9223372036854775807}", JSON_OK, ACTION_NONE, NULL, 1,
	    INT64_MAX },
	{ "{\"target\":\"9223372036854775807\"}", JSON_OK, ACTION_NONE, NULL,
	    1, INT64_MAX },
	{ "{\"target\":9223372036854775808}", JSON_OK, ACTION_NONE, NULL, -1,
	    0 },
	{ "{\"target\":\"9223372036854775808\"}", JSON_OK, ACTION_NONE, NULL,
	    -1, 0 },
	{ "{\"target\":\"9999999999999999999\"}", JSON_OK, ACTION_NONE, NULL,
	    -1, 0 },
	{ "{\"target\":\"18446744073709551617\"}", JSON_OK, ACTION_NONE, NULL,
	    -1, 0 },
	{ "{\"target\":\"\"}", JSON_OK, ACTION_NONE, NULL, -1, 0 },
	{ "{\"target\":\"01\"}", JSON_OK, ACTION_NONE, NULL, -1, 0 },
	{ "{\"target\":\" 1\"}", JSON_OK, ACTION_NONE, NULL, -1, 0 },
	{ "{\"target\":\"+1\"}", JSON_OK, ACTION_NONE, NULL, -1, 0 },
	{ "{\"target\":-1}", JSON_OK, ACTION_NONE, NULL, -1, 0 },
	{ "{\"target\":1.0}", JSON_OK, ACTION_NONE, NULL, -1, 0 },
	{ "{\"target\":1e3}", JSON_OK, ACTION_NONE, NULL, -1, 0 },
	{ "{\"target\":null}", JSON_OK, ACTION_NONE, NULL, -1, 0 },
	{ "{\"target\":[1]}", JSON_OK, ACTION_NONE, NULL, -1, 0 },
	{ "{\"target\":{\"\\u0031\":1}}", JSON_OK, ACTION_NONE, NULL, -1, 0 },
	{ "{\"target\":\"x\"}", JSON_OK, ACTION_NONE, NULL, -1, 0 },
	/* No message. */
	{ "", JSON_SHORT, ACTION_NONE, NULL, 0, 0 },
	{ "[]", JSON_SYNTAX, ACTION_NONE, NULL, 0, 0 },
	{ "\"status\"", JSON_SYNTAX, ACTION_NONE, NULL, 0, 0 },
	{ "{\"action\":\"status\"", JSON_SHORT, ACTION_NONE, NULL, 0, 0 },
	{ "{\"action\":\"status\"}x", JSON_TRAILING, ACTION_NONE, NULL, 0, 0 },
	{ "{\"action\":\"status\",}", JSON_SYNTAX, ACTION_NONE, NULL, 0, 0 },
	{ "{\"data\":01}", JSON_NUMBER, ACTION_NONE, NULL, 0, 0 },
	{ "{\"data\":\"\n\"}", JSON_CONTROL, ACTION_NONE, NULL, 0, 0 },
};

static void
test_messages(void **state)
{
	const struct message_case	*c;
	struct json_message		 m;
	enum json_error			 error;
	const char			*wrong;
	size_t				 i;

	(void)state;
	for (i = 0; i < COUNT(messages); i++) {
		c = &messages[i];
		error = json_message(c->text, strlen(c->text), 0, &m);
		if (error != c->error)
			fail_msg("%s: %s", c->text, json_error_text(error));
		wrong = json_disagreement(c->text, strlen(c->text));
		if (wrong != NULL)
			fail_msg("%s: %s", c->text, wrong);
		if (error != JSON_OK)
			continue;
		if (m.action != c->action || m.has_target != c->has_target ||
		    m.target != c->target ||
		    (m.data == NULL) != (c->data == NULL))
			fail_msg("%s: taken apart wrongly", c->text);
		if (c->data == NULL)
			continue;
		assert_int_equal(m.data_len, strlen(c->data));
		assert_memory_equal(m.data, c->data, m.data_len);
	}
}

static void
test_quote(void **state)
{
	static const struct {
		const char	*text;
		size_t		 len;
		const char	*quoted;
	} cases[] = {
		{ "", 0, "\"\"" }, { "abc", 3, "\"abc\"" },
		{ "\"\\/", 3, "\"\\\"\\\\/\"" },
		{ "\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"" },
		{ "\0\x1f\x7f", 3, "\"\\u0000\\u001f\x7f\"" },
		{ "\xc3\xa9\xf0\x9f\x98\x80", 6,
		    "\"\xc3\xa9\xf0\x9f\x98\x80\"" },
		{ "\xff", 1, "\"\xef\xbf\xbd\"" },
		{ "a\xe2\x82z", 4, "\"a\xef\xbf\xbdz\"" },
		{ "\xe2\x82\xe2\x82\xac", 5, "\"\xef\xbf\xbd\xe2\x82\xac\"" },
		{ "\xc3\"", 2, "\"\xef\xbf\xbd\\\"\"" },
		{ "\xf0\x9f\x98", 3, "\"\xef\xbf\xbd\"" },
		{ "\xed\xa0\x80", 3,
		    "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	};
	char	 out[64];
	size_t	 i, size, want;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		want = strlen(cases[i].quoted);
		for (size = 0; size <= want; size++) {
			memset(out, '!', sizeof(out));
			assert_int_equal(json_quote(out, size, cases[i].text,
			    cases[i].len), size < want ? 0 : want);
			assert_int_equal(out[size], '!');
		}
		assert_memory_equal(out, cases[i].quoted, want);
	}
}

static void
test_error_text(void **state)
{
	int	 error;

	(void)state;
	for (error = JSON_OK; error <= JSON_SHORT; error++)
		assert_true(strlen(json_error_text(error)) > 0);
	assert_string_equal(json_error_text(JSON_SHORT + 1), "unknown error");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_texts_inside),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_positions),
		cmocka_unit_test(test_utf8_flag),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_error_text),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
