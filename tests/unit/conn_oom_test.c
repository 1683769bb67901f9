/*
 * crypto/conn.h where OpenSSL gets no memory: at one place after the other, for
 * once or from then on.  A connection comes about all the same, or ends with a
 * reason.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "tests/unit/conn_fixture.h"

static const unsigned int securities[] = { CONN_TLS, CONN_NOISE };

static size_t	 asked;			/* so far */
static size_t	 none_from = SIZE_MAX, none_to = SIZE_MAX;

static int
is_there(void)
{
	size_t n = asked++;

	return (n < none_from || n >= none_to);
}

static void *
get(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return (n > 0 && is_there() ? malloc(n) : NULL);
}

static void *
get_more(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	if (n == 0) {
		free(p);
		return (NULL);
	}
	return (is_there() ? realloc(p, n) : NULL);
}

static void
give_back(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/* Returns how often memory was asked for. */
static size_t
run(unsigned int security, size_t from, size_t to)
{
	static uint8_t		 block[65536];
	const struct conn_event	*ev;
	struct pair		 t;
	uint32_t		 id;
	size_t			 n;
	int			 i, failed = 0;

	pair_init(&t, security, security);
	pair_begin(&t);
	asked = 0;
	none_from = from;
	none_to = to;
	pair_run(&t, ALL);
	id = conn_open(t.side[0].c, nws_echo[1], NULL);
	pair_run(&t, ALL);
	if (id != 0 && side_find(&t.side[0], CONN_AGREED, 0) != NULL)
		(void)conn_write(t.side[0].c, id, block, sizeof(block));
	pair_run(&t, ALL);
	conn_end(t.side[0].c);
	pair_run(&t, ALL);
	n = asked;
	none_from = none_to = SIZE_MAX;
	for (i = 0; i < 2; i++) {
		if ((ev = side_find(&t.side[i], CONN_FAILED, 0)) == NULL)
			continue;
		failed = 1;
		assert_non_null(ev->why);
	}
	assert_true(failed || t.side[1].got_len == sizeof(block));
	pair_free(&t);
	return (n);
}

static void
test_once(void **state)
{
	size_t i, k, n;

	(void)state;
	for (i = 0; i < 2; i++) {
		n = run(securities[i], SIZE_MAX, SIZE_MAX);
		assert_true(n > 100);
		/* The first ones all, of the many others some. */
		for (k = 0; k < n; k += 1 + k / 200)
			(void)run(securities[i], k, k + 1);
	}
}

static void
test_ever(void **state)
{
	size_t i, k, n;

	(void)state;
	for (i = 0; i < 2; i++) {
		n = run(securities[i], SIZE_MAX, SIZE_MAX);
		for (k = 0; k < n; k += 1 + k / 100)
			(void)run(securities[i], k, SIZE_MAX);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_ever),
	};

	if (CRYPTO_set_mem_functions(get, get_more, give_back) != 1 ||
	    conn_init() == -1)
		return (1);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
