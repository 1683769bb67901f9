/* crypto/varint.c and crypto/protobuf.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "crypto/protobuf.h"
#include "crypto/varint.h"
#include "tests/unit/hex.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

struct varint_case {
	const char	*name;
	const char	*hex;
	int		 result;
	uint64_t	 value;
};

static const struct varint_case varints[] = {
	{ "nothing", "", 0, 0 },
	{ "zero", "00", 1, 0 },
	{ "one byte", "7f", 1, 127 },
	{ "two bytes", "8001", 2, 128 },
	{ "two bytes, largest", "ff7f", 2, 16383 },
	{ "three bytes", "808001", 3, 16384 },
	{ "nine bytes, largest", "ffffffffffffffff7f", 9, VARINT_TOP },
	{ "nine bytes and more", "ffffffffffffffff80", -1, 0 },
	{ "ten bytes", "80808080808080808001", -1, 0 },
	{ "cut", "80", 0, 0 },
	{ "eight bytes, cut", "8080808080808080", 0, 0 },
	{ "zero in two bytes", "8000", -1, 0 },
	{ "one in three bytes", "818000", -1, 0 },
	{ "127 in nine bytes", "ff8080808080808000", -1, 0 },
	{ "what follows is not looked at", "01ff", 1, 1 },
};

static void
test_varint_read(void **state)
{
	const struct varint_case	*c;
	uint8_t				 in[16];
	uint64_t			 value;
	size_t				 n, i;

	(void)state;
	for (i = 0; i < COUNT(varints); i++) {
		c = &varints[i];
		value = 0;
		n = hex(in, sizeof(in), c->hex);
		if (varint_read(in, n, &value) != c->result)
			fail_msg("%s", c->name);
		if (c->result > 0 && value != c->value)
			fail_msg("%s: value", c->name);
	}
}

static void
test_varint_round(void **state)
{
	uint8_t		out[VARINT_MAX];
	uint64_t	v, back;
	size_t		n;
	int		bit, off;

	(void)state;
	for (bit = 0; bit < 63; bit++)
		for (off = -1; off <= 1; off++) {
			v = (UINT64_C(1) << bit) + (uint64_t)off;
			n = varint_write(out, v);
			assert_int_equal(varint_read(out, n, &back), n);
			assert_true(v == back);
			assert_int_equal(varint_read(out, n - 1, &back), 0);
		}
	assert_int_equal(varint_write(out, VARINT_TOP), VARINT_MAX);
	assert_int_equal(varint_write(out, VARINT_TOP + 1), 0);
}

/* A message, and how its first field reads. */
struct field_case {
	const char	*name;
	const char	*hex;
	int		 result;
	uint32_t	 number;
	unsigned int	 type;
	uint64_t	 value;		/* or the length */
};

static const struct field_case fields[] = {
	{ "nothing", "", 0, 0, 0, 0 },
	{ "varint", "0896 01", 1, 1, PB_VARINT, 150 },
	{ "varint, cut", "0896", -1, 0, 0, 0 },
	{ "varint, longer than it must be", "088000", 1, 1, PB_VARINT, 0 },
	{ "varint, 64 bits", "08ffffffffffffffffff01", 1, 1, PB_VARINT,
	    UINT64_MAX },
	{ "varint, 65 bits", "08ffffffffffffffffff02", -1, 0, 0, 0 },
	{ "varint, 11 bytes", "0880808080808080808080 00", -1, 0, 0, 0 },
	{ "bytes", "1203 616263", 1, 2, PB_BYTES, 3 },
	{ "bytes, empty", "1200", 1, 2, PB_BYTES, 0 },
	{ "bytes, one short", "12036162", -1, 0, 0, 0 },
	{ "bytes, far too long", "12ffffffffffffffffff01 61", -1, 0, 0, 0 },
	{ "bytes without length", "12", -1, 0, 0, 0 },
	{ "fixed64", "090102030405060708", 1, 1, PB_FIXED64,
	    UINT64_C(0x0807060504030201) },
	{ "fixed64, one short", "0901020304050607", -1, 0, 0, 0 },
	{ "fixed32", "0d01020304", 1, 1, PB_FIXED32, 0x04030201 },
	{ "fixed32, one short", "0d010203", -1, 0, 0, 0 },
	{ "group", "0b0c", -1, 0, 0, 0 },
	{ "end of a group", "0c", -1, 0, 0, 0 },
	{ "type 6", "0e00", -1, 0, 0, 0 },
	{ "type 7", "0f00", -1, 0, 0, 0 },
	{ "number 0", "0000", -1, 0, 0, 0 },
	{ "largest number", "f8ffffff0f00", 1, PB_NUMBER_MAX, PB_VARINT, 0 },
	{ "one past it", "808080801000", -1, 0, 0, 0 },
};

/* The tables have blanks for the eye. */
static size_t
hex_spaced(uint8_t *out, size_t size, const char *text)
{
	char	packed[256];
	size_t	n = 0;

	for (; *text != '\0'; text++)
		if (*text != ' ')
			packed[n++] = *text;
	packed[n] = '\0';
	return (hex(out, size, packed));
}

static void
test_fields(void **state)
{
	const struct field_case	*c;
	struct pb_reader	 r;
	struct pb_field		 f;
	uint8_t			 in[64];
	size_t			 n, i;

	(void)state;
	for (i = 0; i < COUNT(fields); i++) {
		c = &fields[i];
		n = hex_spaced(in, sizeof(in), c->hex);
		pb_reader_init(&r, in, n);
		if (pb_next(&r, &f) != c->result)
			fail_msg("%s", c->name);
		if (c->result == 1 && (f.number != c->number ||
		    f.type != c->type || c->value !=
		    (f.type == PB_BYTES ? f.len : f.value)))
			fail_msg("%s: contents", c->name);
		/* The end stays the end, and a failure a failure. */
		if (pb_next(&r, &f) != (c->result == -1 ? -1 : 0))
			fail_msg("%s: afterwards", c->name);
	}
}

static void
test_writer(void **state)
{
	struct pb_writer w;
	struct pb_reader r;
	struct pb_field	 f;
	uint8_t		 out[32];

	(void)state;
	pb_writer_init(&w, out, sizeof(out));
	pb_put_varint(&w, 1, 300);
	pb_put_bytes(&w, 16, "abc", 3);
	pb_put_bytes(&w, 2, NULL, 0);
	assert_false(w.failed);
	assert_int_equal(w.len, 3 + 6 + 2);
	pb_reader_init(&r, out, w.len);
	assert_int_equal(pb_next(&r, &f), 1);
	assert_int_equal(f.value, 300);
	assert_int_equal(pb_next(&r, &f), 1);
	assert_int_equal(f.number, 16);
	assert_memory_equal(f.data, "abc", 3);
	assert_int_equal(pb_next(&r, &f), 1);
	assert_int_equal(f.len, 0);
	assert_int_equal(pb_next(&r, &f), 0);
}

static void
test_writer_limit(void **state)
{
	struct pb_writer w;
	uint8_t		 out[5];

	(void)state;
	pb_writer_init(&w, out, sizeof(out));
	pb_put_bytes(&w, 1, "abc", 3);
	assert_false(w.failed);
	assert_int_equal(w.len, 5);
	pb_put_varint(&w, 1, 0);
	assert_true(w.failed);
	pb_writer_init(&w, out, sizeof(out) - 1);
	pb_put_bytes(&w, 1, "abc", 3);
	assert_true(w.failed);
	/* What is short enough is not put in the place of what was not. */
	pb_put_varint(&w, 1, 0);
	assert_true(w.failed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_varint_read),
		cmocka_unit_test(test_varint_round),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_writer),
		cmocka_unit_test(test_writer_limit),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
