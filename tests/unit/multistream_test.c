/* crypto/multistream.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "crypto/multistream.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define H		"\x13/multistream/1.0.0\n"
#define NA		"\x03na\n"
#define BYTES(s)	(const uint8_t *)(s), sizeof(s) - 1

static const char *const two[] = { "/noise", "/tls/1.0.0" };

/* What comes in, all at once; what goes out, the phase, what is left. */
struct ms_case {
	const char	*name;
	size_t		 listener;
	const char	*in;
	size_t		 in_len;
	const char	*out;
	enum ms_phase	 phase;
	size_t		 chosen;
	size_t		 left;
};

#define B(s)		(s), sizeof(s) - 1
#define NOISE		"\x07/noise\n"
#define TLS		"\x0b/tls/1.0.0\n"

static const struct ms_case cases[] = {
	{ "listener", 1, B(H NOISE), H NOISE, MS_AGREED, 0, 0 },
	{ "listener, second", 1, B(H TLS), H TLS, MS_AGREED, 1, 0 },
	{ "listener, lazy", 1, B(H NOISE "data"), H NOISE, MS_AGREED, 0, 4 },
	{ "listener, refusals", 1, B(H "\x03/a\n\x03/b\n" TLS), H NA NA TLS,
	    MS_AGREED, 1, 0 },
	{ "listener, waits", 1, B(H), H, MS_TALKING, 0, 0 },
	{ "listener, waits inside", 1, B(H "\x07/no"), H, MS_TALKING, 0, 0 },
	{ "listener, list", 1, B(H "\x03ls\n" NOISE),
	    H "\x15" NOISE TLS "\n" NOISE, MS_AGREED, 0, 0 },
	{ "listener, empty text", 1, B(H "\x01\n"), H NA, MS_TALKING, 0, 0 },
	{ "listener, prefix of a name", 1, B(H "\x06/nois\n"), H NA,
	    MS_TALKING, 0, 0 },
	{ "listener, no header", 1, B(NOISE), H, MS_FAILED, 0, 0 },
	{ "listener, other version", 1, B("\x13/multistream/2.0.0\n"), H,
	    MS_FAILED, 0, 0 },
	{ "listener, HTTP", 1, B("GET / HTTP/1.1\r\n"), H, MS_TALKING, 0, 0 },
	{ "listener, length 0", 1, B(H "\x00"), H, MS_FAILED, 0, 0 },
	{ "listener, no newline", 1, B(H "\x07/noise!"), H, MS_FAILED, 0, 0 },
	{ "listener, length not minimal", 1, B(H "\x87\x00/noise\n"), H,
	    MS_FAILED, 0, 0 },
	{ "listener, 1025", 1, B(H "\x81\x08"), H, MS_FAILED, 0, 0 },
	{ "listener, 1024", 1, B(H "\x80\x08"), H, MS_TALKING, 0, 0 },
	{ "listener, length of three bytes", 1, B(H "\x80\x80"), H, MS_FAILED,
	    0, 0 },
	{ "dialler", 0, B(H NOISE), H NOISE, MS_AGREED, 0, 0 },
	{ "dialler, data behind", 0, B(H NOISE "xy"), H NOISE, MS_AGREED, 0,
	    2 },
	{ "dialler, refused once", 0, B(H NA TLS), H NOISE TLS, MS_AGREED, 1,
	    0 },
	{ "dialler, refused", 0, B(H NA NA), H NOISE TLS, MS_REFUSED, 2, 0 },
	{ "dialler, late answer", 0, B(H NA NOISE), H NOISE TLS, MS_FAILED, 1,
	    0 },
	{ "dialler, waits", 0, B(H), H NOISE, MS_TALKING, 0, 0 },
	{ "dialler, nobody asked", 0, B(H TLS), H NOISE, MS_FAILED, 0, 0 },
	{ "dialler, no header", 0, B(NOISE), H NOISE, MS_FAILED, 0, 0 },
};

static void
check(const struct ms_case *c, const struct multistream *ms, size_t used)
{
	if (ms->phase != c->phase || ms->out_len != strlen(c->out) ||
	    memcmp(ms->out, c->out, ms->out_len) != 0)
		fail_msg("%s", c->name);
	if (ms->phase != MS_FAILED && (ms->chosen != c->chosen ||
	    c->in_len - used != c->left))
		fail_msg("%s: chosen, or left", c->name);
}

static void
begin(struct multistream *ms, int listener)
{
	if (listener)
		multistream_listen(ms, two, COUNT(two));
	else
		multistream_dial(ms, two, COUNT(two));
}

static void
test_cases(void **state)
{
	static struct multistream	 ms;
	const struct ms_case		*c;
	size_t				 i, at, used;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		c = &cases[i];
		begin(&ms, c->listener != 0);
		used = multistream_input(&ms, (const uint8_t *)c->in,
		    c->in_len);
		check(c, &ms, used);
		/* And one byte at a time. */
		begin(&ms, c->listener != 0);
		for (used = at = 0; at < c->in_len; at++)
			used += multistream_input(&ms,
			    (const uint8_t *)c->in + at, 1);
		check(c, &ms, used);
	}
}

/* A name as long as can be, both ends. */
static void
test_longest(void **state)
{
	static struct multistream	 a, b;
	char				 name[MS_TOKEN_MAX + 1];
	const char			*names[] = { name };

	(void)state;
	memset(name, 'x', sizeof(name));
	name[MS_TOKEN_MAX - 1] = '\0';
	multistream_dial(&a, names, 1);
	assert_int_equal(a.phase, MS_TALKING);
	multistream_listen(&b, names, 1);
	/* Nothing is read while there is no room for an answer. */
	assert_int_equal(multistream_input(&a, b.out, b.out_len), 0);
	assert_int_equal(multistream_input(&b, a.out, a.out_len), a.out_len);
	multistream_sent(&a, a.out_len);
	assert_int_equal(b.phase, MS_AGREED);
	assert_int_equal(multistream_input(&a, b.out, b.out_len), b.out_len);
	assert_int_equal(a.phase, MS_AGREED);
	name[MS_TOKEN_MAX - 1] = 'x';
	name[MS_TOKEN_MAX] = '\0';
	multistream_dial(&a, names, 1);
	assert_int_equal(a.phase, MS_FAILED);
	multistream_dial(&a, names, 0);
	assert_int_equal(a.phase, MS_FAILED);
}

static void
test_proposals(void **state)
{
	static struct multistream	ms;
	int				i;

	(void)state;
	multistream_listen(&ms, two, COUNT(two));
	(void)multistream_input(&ms, BYTES(H));
	for (i = 0; i < MS_PROPOSALS_MAX - 1; i++)
		(void)multistream_input(&ms, BYTES("\x03/a\n"));
	assert_int_equal(multistream_input(&ms, BYTES(TLS)),
	    sizeof(TLS) - 1);
	assert_int_equal(ms.phase, MS_AGREED);
	multistream_listen(&ms, two, COUNT(two));
	(void)multistream_input(&ms, BYTES(H));
	for (i = 0; i < MS_PROPOSALS_MAX; i++)
		(void)multistream_input(&ms, BYTES("\x03/a\n"));
	assert_int_equal(ms.phase, MS_TALKING);
	(void)multistream_input(&ms, BYTES(TLS));
	assert_int_equal(ms.phase, MS_REFUSED);
}

/* Who asks and never reads is not answered for ever. */
static void
test_out_full(void **state)
{
	static struct multistream	 ms;
	static const char		*names[40];
	size_t				 used, total = 0;
	int				 i, stalls = 0;

	(void)state;
	for (i = 0; i < 40; i++)
		names[i] = "/a-name-of-twenty-one";
	multistream_listen(&ms, names, 40);
	(void)multistream_input(&ms, BYTES(H));
	for (i = 0; i < 40; i++) {
		used = multistream_input(&ms, BYTES("\x03ls\n"));
		assert_true(ms.out_len <= MS_OUT_MAX);
		if (used < 4) {
			stalls++;
			multistream_sent(&ms, ms.out_len);
			assert_int_equal(multistream_input(&ms,
			    (const uint8_t *)"\x03ls\n" + used, 4 - used),
			    4 - used);
		}
		total++;
	}
	assert_int_equal(total, 40);
	assert_true(stalls > 0);
	multistream_sent(&ms, MS_OUT_MAX + 1);
	assert_int_equal(ms.out_len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_proposals),
		cmocka_unit_test(test_out_full),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
