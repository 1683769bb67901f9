/* frontend/envelope.c: both formats, to and from a member. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/envelope.h"
#include "frontend/json.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define B(s)		(s), sizeof(s) - 1
#define ID		"\x01\x02\x03\x04\x05\x06\x07\x08"
#define ID_VALUE	0x0102030405060708u

struct parse_case {
	enum format		 format;
	const char		*in;
	size_t			 len;
	int			 result;
	enum envelope_type	 type;
	uint64_t		 target;
	enum data_kind		 kind;
	const char		*data;
	size_t			 data_len;
};

#define J		FORMAT_JSON
#define N		FORMAT_BINARY
#define NONE		0, DATA_JSON, NULL, 0
#define REFUSED		ENVELOPE_STATUS, NONE

static const struct parse_case parses[] = {
	{ J, B("{\"action\":\"status\"}"), 0, ENVELOPE_STATUS, NONE },
	{ J, B("{\"action\":\"status\",\"data\":1}"), 0, ENVELOPE_STATUS,
	    NONE },
	{ J, B("{\"action\":\"broadcast\",\"data\": [1] }"), 0,
	    ENVELOPE_BROADCAST, 0, DATA_JSON, B("[1]") },
	{ J, B("{\"action\":\"broadcast\"}"), 0, ENVELOPE_BROADCAST, 0,
	    DATA_JSON, B("\"\"") },
	{ J, B("{\"action\":\"broadcast\",\"target\":\"x\",\"data\":1}"), 0,
	    ENVELOPE_BROADCAST, 0, DATA_JSON, B("1") },
	{ J, B("{\"action\":\"message\",\"target\":\"7\",\"data\":null}"), 0,
	    ENVELOPE_MESSAGE, 7, DATA_JSON, B("null") },
	{ J, B("{\"action\":\"message\",\"target\":7}"), 0, ENVELOPE_MESSAGE,
	    7, DATA_JSON, B("\"\"") },
	{ J, B("{\"action\":\"message\",\"data\":1}"), ERROR_BAD_TARGET,
	    REFUSED },
	{ J, B("{\"action\":\"message\",\"target\":\"a\"}"), ERROR_BAD_TARGET,
	    REFUSED },
	{ J, B("{\"action\":\"message\",\"target\":0}"), ERROR_BAD_TARGET,
	    REFUSED },
	{ J, B("{}"), ERROR_UNKNOWN_ACTION, REFUSED },
	{ J, B("{\"action\":\"connect\"}"), ERROR_UNKNOWN_ACTION, REFUSED },
	{ J, B(""), ERROR_NOT_JSON, REFUSED },
	{ J, B("hello"), ERROR_NOT_JSON, REFUSED },
	{ J, B("[]"), ERROR_NOT_JSON, REFUSED },
	{ J, B("{\"action\":\"status\"} x"), ERROR_NOT_JSON, REFUSED },

	{ N, B("\x03"), 0, ENVELOPE_STATUS, NONE },
	{ N, B("\x01"), 0, ENVELOPE_BROADCAST, 0, DATA_BYTES, B("") },
	{ N, B("\x01" "a\0\xff"), 0, ENVELOPE_BROADCAST, 0, DATA_BYTES,
	    B("a\0\xff") },
	{ N, B("\x81" "{\"a\":1}"), 0, ENVELOPE_BROADCAST, 0, DATA_JSON,
	    B("{\"a\":1}") },
	{ N, B("\x02" ID), 0, ENVELOPE_MESSAGE, ID_VALUE, DATA_BYTES, B("") },
	{ N, B("\x02" ID "abc"), 0, ENVELOPE_MESSAGE, ID_VALUE, DATA_BYTES,
	    B("abc") },
	{ N, B("\x82" ID "12"), 0, ENVELOPE_MESSAGE, ID_VALUE, DATA_JSON,
	    B("12") },
	{ N, B("\x02\x7f\xff\xff\xff\xff\xff\xff\xff"), 0, ENVELOPE_MESSAGE,
	    INT64_MAX, DATA_BYTES, B("") },
	{ N, B(""), ERROR_NOT_ENVELOPE, REFUSED },
	{ N, B("\x02"), ERROR_NOT_ENVELOPE, REFUSED },
	{ N, B("\x02\1\2\3\4\5\6\7"), ERROR_NOT_ENVELOPE, REFUSED },
	{ N, B("\x03 "), ERROR_NOT_ENVELOPE, REFUSED },
	{ N, B("\x83"), ERROR_NOT_ENVELOPE, REFUSED },
	{ N, B("\x02\0\0\0\0\0\0\0\0"), ERROR_BAD_TARGET, REFUSED },
	{ N, B("\x02\x80\0\0\0\0\0\0\0"), ERROR_BAD_TARGET, REFUSED },
	{ N, B("\x00"), ERROR_UNKNOWN_ACTION, REFUSED },
	{ N, B("\x04" ID), ERROR_UNKNOWN_ACTION, REFUSED },
	{ N, B("\x05" ID), ERROR_UNKNOWN_ACTION, REFUSED },
	{ N, B("\x06" ID), ERROR_UNKNOWN_ACTION, REFUSED },
	{ N, B("\x11"), ERROR_UNKNOWN_ACTION, REFUSED },
	{ N, B("\x7f"), ERROR_UNKNOWN_ACTION, REFUSED },
	{ N, B("\xff"), ERROR_UNKNOWN_ACTION, REFUSED },
	{ N, B("\x81"), ERROR_NOT_JSON, REFUSED },
	{ N, B("\x81" "x"), ERROR_NOT_JSON, REFUSED },
	{ N, B("\x81\"\xff\""), ERROR_NOT_JSON, REFUSED },
	{ N, B("\x82" ID), ERROR_NOT_JSON, REFUSED },
};

static void
test_parse(void **state)
{
	const struct parse_case	*c;
	struct request		 r;
	const char		*why;
	uint8_t			*exact;
	size_t			 i;
	int			 result;

	(void)state;
	for (i = 0; i < COUNT(parses); i++) {
		c = &parses[i];
		if ((exact = malloc(c->len + 1)) == NULL)
			abort();
		memcpy(exact, c->in, c->len);
		why = NULL;
		result = envelope_parse(c->format, exact, c->len, &r, &why);
		if (result != c->result)
			fail_msg("case %zu: %d", i, result);
		if (result != 0)
			assert_true(why != NULL && *why != '\0');
		else {
			assert_int_equal(r.type, c->type);
			assert_int_equal(r.target, c->target);
			assert_int_equal(r.len, c->data_len);
			if (c->data != NULL) {
				assert_int_equal(r.kind, c->kind);
				assert_memory_equal(r.data, c->data, r.len);
			}
		}
		free(exact);
	}
}

struct data_case {
	enum format	 format;
	uint64_t	 source, target;
	enum data_kind	 kind;
	const char	*data;
	size_t		 len;
	const char	*want;
	size_t		 want_len;
};

static const struct data_case datas[] = {
	{ J, 1, 0, DATA_JSON, B("{\"a\": 1}"), B("{\"action\":\"broadcast\","
	    "\"source\":\"1\",\"data\":{\"a\": 1}}") },
	{ J, INT64_MAX, 0, DATA_JSON, B("0"), B("{\"action\":\"broadcast\","
	    "\"source\":\"9223372036854775807\",\"data\":0}") },
	{ J, 10, 99, DATA_JSON, B("\"x\""), B("{\"action\":\"message\","
	    "\"source\":\"10\",\"target\":\"99\",\"data\":\"x\"}") },
	{ J, 1, 0, DATA_BYTES, B(""), B("{\"action\":\"broadcast\","
	    "\"source\":\"1\",\"encoding\":\"base64\",\"data\":\"\"}") },
	{ J, 1, 0, DATA_BYTES, B("f"), B("{\"action\":\"broadcast\","
	    "\"source\":\"1\",\"encoding\":\"base64\",\"data\":\"Zg==\"}") },
	{ J, 1, 2, DATA_BYTES, B("\0\xff" "o"), B("{\"action\":\"message\","
	    "\"source\":\"1\",\"target\":\"2\",\"encoding\":\"base64\","
	    "\"data\":\"AP9v\"}") },
	{ N, ID_VALUE, 0, DATA_BYTES, B("ab\0"), B("\x01" ID "ab\0") },
	{ N, ID_VALUE, 0, DATA_BYTES, B(""), B("\x01" ID) },
	{ N, ID_VALUE, 5, DATA_BYTES, B("ab"), B("\x02" ID "ab") },
	{ N, ID_VALUE, 0, DATA_JSON, B("[1]"), B("\x81" ID "[1]") },
	{ N, ID_VALUE, 5, DATA_JSON, B("[1]"), B("\x82" ID "[1]") },
};

static void
test_data(void **state)
{
	const struct data_case	*c;
	uint8_t			*out;
	size_t			 i, size;

	(void)state;
	for (i = 0; i < COUNT(datas); i++) {
		c = &datas[i];
		size = envelope_data_size(c->format, c->source, c->target,
		    c->kind, c->len);
		if (size != c->want_len)
			fail_msg("case %zu: %zu bytes", i, size);
		if ((out = malloc(size)) == NULL)
			abort();
		envelope_data(c->format, out, c->source, c->target, c->kind,
		    c->data, c->len);
		if (memcmp(out, c->want, size) != 0)
			fail_msg("case %zu: %.*s", i, (int)size, out);
		if (c->format == FORMAT_JSON)
			assert_int_equal(json_check((char *)out, size, 1),
			    JSON_OK);
		free(out);
	}
}

/* Around the pieces in which base64 is made. */
static void
test_base64(void **state)
{
	static const size_t	 lens[] = { 48 * 1024 - 1, 48 * 1024,
				    48 * 1024 + 1, 96 * 1024, 100000 };
	uint8_t			*in, *out;
	size_t			 i, k, size;

	(void)state;
	for (i = 0; i < COUNT(lens); i++) {
		size = envelope_data_size(FORMAT_JSON, 1, 0, DATA_BYTES,
		    lens[i]);
		in = malloc(lens[i]);
		out = malloc(size);
		if (in == NULL || out == NULL)
			abort();
		for (k = 0; k < lens[i]; k++)
			in[k] = 0;
		envelope_data(FORMAT_JSON, out, 1, 0, DATA_BYTES, in, lens[i]);
		assert_int_equal(json_check((char *)out, size, 1), JSON_OK);
		assert_int_equal(strspn(strstr((char *)out, "data\":\"") + 7,
		    "A"), (lens[i] * 4 + 2) / 3);
		free(in);
		free(out);
	}
}

static void
assert_small(const uint8_t *out, size_t n, const char *want, size_t len)
{
	if (n != len || memcmp(out, want, len) != 0)
		fail_msg("%.*s", (int)n, out);
}

static void
test_small(void **state)
{
	uint8_t	 out[ENVELOPE_SMALL_MAX];

	(void)state;
	assert_small(out, envelope_presence(J, out, 1, 12, 34),
	    B("{\"action\":\"connect\",\"source\":\"12\",\"target\":\"34\"}"));
	assert_small(out, envelope_presence(J, out, 0, 12, 34), B(
	    "{\"action\":\"disconnect\",\"source\":\"12\",\"target\":\"34\"}"));
	assert_small(out, envelope_presence(N, out, 1, 12, ID_VALUE),
	    B("\x04" ID));
	assert_small(out, envelope_presence(N, out, 0, 12, ID_VALUE),
	    B("\x05" ID));
	assert_small(out, envelope_status(J, out, 12),
	    B("{\"action\":\"status\",\"source\":\"12\",\"target\":\"12\"}"));
	assert_small(out, envelope_status(N, out, ID_VALUE), B("\x03" ID));
	assert_small(out, envelope_error(J, out, ERROR_UNKNOWN_TARGET, 5,
	    "gone"), B("{\"action\":\"error\",\"code\":\"unknown-target\","
	    "\"target\":\"5\",\"message\":\"gone\"}"));
	assert_small(out, envelope_error(J, out, ERROR_NOT_JSON, 0, "a\"b"),
	    B("{\"action\":\"error\",\"code\":\"not-json\","
	    "\"message\":\"a\\\"b\"}"));
	assert_small(out, envelope_error(J, out, ERROR_MISSED, 3, "slow"),
	    B("{\"action\":\"error\",\"code\":\"missed\",\"count\":3,"
	    "\"message\":\"slow\"}"));
	assert_small(out, envelope_error(N, out, ERROR_MISSED, ID_VALUE,
	    "slow"), B("\x06\x00\x06" ID "slow"));
}

/* A text of any length and kind fits, cut where it must be. */
static void
test_error_fits(void **state)
{
	static const char	 fill[] = { 'a', '"', '\x01', '\xff' };
	uint8_t			 out[ENVELOPE_SMALL_MAX];
	char			 text[700];
	size_t			 f, len, n;

	(void)state;
	for (f = 0; f < sizeof(fill); f++)
		for (len = 0; len < sizeof(text); len++) {
			memset(text, fill[f], len);
			text[len] = '\0';
			n = envelope_error(J, out, ERROR_UNKNOWN_TARGET,
			    INT64_MAX, text);
			assert_true(n <= sizeof(out));
			assert_int_equal(json_check((char *)out, n, 1),
			    JSON_OK);
			n = envelope_error(N, out, ERROR_NOT_ENVELOPE,
			    INT64_MAX, text);
			assert_int_equal(n, len + 11 < sizeof(out) ?
			    len + 11 : sizeof(out));
		}
}

static void
test_names(void **state)
{
	int	 error;

	(void)state;
	for (error = ERROR_UNKNOWN_TARGET; error <= ERROR_NOT_ENVELOPE;
	    error++)
		assert_string_not_equal(envelope_error_name(
		    (enum nws_error)error), "unknown");
	assert_string_equal(envelope_error_name((enum nws_error)0), "unknown");
	assert_string_equal(envelope_error_name((enum nws_error)99),
	    "unknown");
}

static void
test_decimal(void **state)
{
	static const uint64_t	 values[] = { 0, 1, 9, 10, 99, 100, 1234567890,
				    INT64_MAX, UINT64_MAX };
	char			 out[21], want[21];
	size_t			 i, n;

	(void)state;
	for (i = 0; i < COUNT(values); i++) {
		n = put_decimal(out, values[i]);
		out[n] = '\0';
		snprintf(want, sizeof(want), "%llu",
		    (unsigned long long)values[i]);
		assert_string_equal(out, want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_error_fits),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_decimal),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
