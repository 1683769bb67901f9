/* What the parent tells discovery of resolv.conf(5) and hosts(5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parent/parent.h"

/* In place of the parent's own: nothing is sent here. */
void
process_send(struct process *p, uint32_t type, uint32_t number, int fd,
    const void *data, size_t len)
{
	(void)p;
	(void)type;
	(void)number;
	(void)fd;
	(void)data;
	(void)len;
	fail();
}

static char *
text_of(const char *resolv_conf, const char *hosts)
{
	char *a = NULL, *b = NULL, *text;
	size_t len;

	if (resolv_conf != NULL)
		assert_non_null(a = strdup(resolv_conf));
	if (hosts != NULL)
		assert_non_null(b = strdup(hosts));
	assert_non_null(text = resolver_text(a, b, &len));
	assert_int_equal(strlen(text), len);
	free(a);
	free(b);
	return (text);
}

static void
same(const char *resolv_conf, const char *hosts, const char *expected)
{
	char *text = text_of(resolv_conf, hosts);

	assert_string_equal(text, expected);
	free(text);
}

static void
plain(void **state)
{
	(void)state;
	same(NULL, NULL, "");
	same("", "", "");
	same("# made by hand\nnameserver 192.0.2.1\n"
	     "nameserver\t2001:db8::1 ; second\nnameserver fe80::1%eth0\n"
	     "search example.org  example.net\noptions edns0\n",
	    "127.0.0.1\tlocalhost\n::1 localhost ip6-localhost # both\n"
	    "192.0.2.7 nas nas.example.org",
	    "nameserver 192.0.2.1\nnameserver 2001:db8::1\n"
	    "nameserver fe80::1%eth0\nsearch example.org\n"
	    "search example.net\nhost 127.0.0.1 localhost\n"
	    "host ::1 localhost ip6-localhost\n"
	    "host 192.0.2.7 nas nas.example.org\n");
	/* The last of search and domain counts. */
	same("search a b\ndomain c\nnameserver 192.0.2.1", NULL,
	    "nameserver 192.0.2.1\nsearch c\n");
	same("domain c\r\nsearch a b\r\n", NULL, "search a\nsearch b\n");
}

static void
odd(void **state)
{
	(void)state;
	same("nameserver\nnameserver nas\nnameserver 192.0.2.256\n"
	     "nameserver 192.0.2.1%eth0\nnameserver fe80::1%\n"
	     "nameserver fe80::1%interface-name-x\nNameserver ::1\n"
	     "search\nsearch a/b c\n",
	    "nas 192.0.2.1\n192.0.2.1\n192.0.2.1 a/b\n::1%lo a\n"
	    "192.0.2.2 a/b \x01 ok\n\n \n#\n",
	    "search c\nhost 192.0.2.2 ok\n");
}

/* So many lines of one kind, and how many of them come through. */
static unsigned int
lines(unsigned int n, int is_hosts, const char *format)
{
	char *in, *out, *p;
	unsigned int i, found = 0;
	size_t len;
	FILE *f;

	assert_non_null(f = open_memstream(&in, &len));
	for (i = 0; i < n; i++)
		fprintf(f, "%s%u.%u%s\n", format, i / 200, i % 200,
		    is_hosts ? " h" : "");
	assert_int_equal(fclose(f), 0);
	out = text_of(is_hosts ? NULL : in, is_hosts ? in : NULL);
	for (p = out; (p = strchr(p, '\n')) != NULL; p++)
		found++;
	free(in);
	free(out);
	return (found);
}

static void
limits(void **state)
{
	char many[4096] = "192.0.2.1", name[300], *text;
	unsigned int i;

	(void)state;
	assert_int_equal(lines(8, 0, "nameserver 10.0."), 8);
	assert_int_equal(lines(9, 0, "nameserver 10.0."), 8);
	assert_int_equal(lines(4096, 1, "10.0."), 4096);
	assert_int_equal(lines(4097, 1, "10.0."), 4096);
	same("search a b c d e f g h i", NULL,
	    "search a\nsearch b\nsearch c\nsearch d\nsearch e\nsearch f\n"
	    "search g\nsearch h\n");
	for (i = 0; i < 33; i++)
		snprintf(many + strlen(many), 8, " n%u", i);
	text = text_of(NULL, many);
	assert_non_null(strstr(text, " n31\n"));
	assert_null(strstr(text, "n32"));
	free(text);
	snprintf(name, sizeof(name), "search %0253d", 0);
	text = text_of(name, NULL);
	assert_int_equal(strlen(text), 7 + 253 + 1);
	free(text);
	snprintf(name, sizeof(name), "search %0254d", 0);
	same(name, NULL, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(odd),
		cmocka_unit_test(limits),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
