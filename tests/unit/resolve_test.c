/*
 * Names of peers: the lines of the parent, literal addresses, and questions to
 * name servers that are cancelled.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/loop.h"
#include "discovery/interfaces.h"
#include "discovery/resolve.h"

static struct dial_address got[DIAL_ADDRESSES_MAX];
static size_t ngot;
static char why[256];
static int calls;

static void
done(void *arg, const struct dial_address *list, size_t n, const char *text)
{
	assert_ptr_equal(arg, &calls);
	assert_true(n <= DIAL_ADDRESSES_MAX);
	assert_true((n > 0) == (text == NULL));
	if (n > 0)
		memcpy(got, list, n * sizeof(*list));
	ngot = n;
	snprintf(why, sizeof(why), "%s", text != NULL ? text : "");
	calls++;
}

/* Looks a name up that needs no name server. */
static void
look(const char *name)
{
	calls = 0;
	assert_null(resolve_start(name, done, &calls));
	assert_int_equal(calls, 1);
}

static size_t
configure(const char *text)
{
	return (resolve_configure(text, strlen(text)));
}

static void
test_literal(void **state)
{
	static const char *const bad[] = { "", "1.2.3", "1.2.3.4.5", "::g",
		"fe80::1%", "fe80::1%0", "fe80::1%nosuch", "fe80::1%1x",
		"fe80::1%99999999999999999999", "a.b",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000" };
	struct netlink_change c = { .what = NETLINK_LINK, .index = 12,
		.name = "eth7" };
	struct dial_address a;
	char text[DIAL_TEXT_BYTES];
	size_t i;

	(void)state;
	assert_int_equal(resolve_literal("192.168.1.7", &a), 0);
	assert_string_equal(dial_text(&a, text, sizeof(text)), "192.168.1.7");
	assert_false(dial_is_v6(&a));
	assert_int_equal(resolve_literal("2001:db8::1", &a), 0);
	assert_string_equal(dial_text(&a, text, sizeof(text)), "2001:db8::1");
	assert_int_equal(resolve_literal("fe80::1%3", &a), 0);
	assert_int_equal(a.scope, 3);
	interfaces_take(&c, 0);
	assert_int_equal(resolve_literal("fe80::1%eth7", &a), 0);
	assert_int_equal(a.scope, 12);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (resolve_literal(bad[i], &a) != -1)
			fail_msg("%s", bad[i]);
	c.what = NETLINK_LINK_GONE;
	interfaces_take(&c, 0);
}

static void
test_hosts(void **state)
{
	uint64_t left_out;
	size_t used;

	(void)state;
	assert_int_equal(configure("host 10.0.0.1 alpha alpha.example\n"
	    "host\t10.0.0.2   ALPHA\r\n"
	    "host fe80::1%3 beta\n"
	    "\n"
	    "host nothing gamma\n"	/* 1 */
	    "host 10.0.0.3\n"		/* 2 */
	    "nonsense\n"		/* 3 */
	    "nameserver here\n"		/* 4 */
	    "search\n"			/* 5 */
	    "host 10.0.0.4 last"), 5);
	resolve_stats(&used, &left_out);
	assert_int_equal(used, 5);
	look("Alpha");
	assert_int_equal(ngot, 2);
	assert_int_equal(got[0].addr[15], 1);
	assert_int_equal(got[1].addr[15], 2);
	look("beta");
	assert_int_equal(got[0].scope, 3);
	look("last");
	assert_int_equal(got[0].addr[15], 4);
	look("gamma");
	assert_string_equal(why, "no name server is known");
	/* The next text replaces all of it. */
	assert_int_equal(configure(""), 0);
	look("alpha");
	assert_int_equal(ngot, 0);
}

/* A zone's name means something once the interface is there. */
static void
test_zones(void **state)
{
	struct netlink_change c = { .what = NETLINK_LINK, .index = 12,
		.name = "eth7" };

	(void)state;
	assert_int_equal(configure("nameserver fe80::53%eth7\n"
	    "host fe80::1%eth7 beta\nhost 10.0.0.1 alpha\n"), 2);
	look("beta");
	assert_string_equal(why, "no name server is known");
	interfaces_take(&c, 0);
	resolve_interfaces();
	look("beta");
	assert_int_equal(ngot, 1);
	assert_int_equal(got[0].scope, 12);
	/* It is plugged in anew. */
	c.what = NETLINK_LINK_GONE;
	interfaces_take(&c, 0);
	resolve_interfaces();
	c.what = NETLINK_LINK;
	c.index = 13;
	interfaces_take(&c, 0);
	resolve_interfaces();
	look("beta");
	assert_int_equal(got[0].scope, 13);
	look("alpha");
	assert_int_equal(ngot, 1);
	c.what = NETLINK_LINK_GONE;
	interfaces_take(&c, 0);
	assert_int_equal(configure(""), 0);
	resolve_interfaces();
	look("beta");
	assert_int_equal(ngot, 0);
}

static void
test_refused(void **state)
{
	(void)state;
	assert_int_equal(configure("host 10.0.0.1 known.local\n"), 0);
	look("printer.local");
	assert_non_null(strstr(why, ".local"));
	look("printer.LOCAL.");
	assert_non_null(strstr(why, ".local"));
	/* What hosts says is good whatever its name. */
	look("known.local");
	assert_int_equal(ngot, 1);
	look("local");
	assert_string_equal(why, "no name server is known");
	look("fe80::1%nosuch");
	assert_string_equal(why, "there is no such interface");
}

static void
test_hosts_bound(void **state)
{
	char *text = NULL;
	uint64_t left_out;
	size_t size, used;
	FILE *f;
	int i;

	(void)state;
	f = open_memstream(&text, &size);
	assert_non_null(f);
	for (i = 0; i <= RESOLVE_HOSTS_MAX; i++)
		fprintf(f, "host 10.0.0.1 h%d\n", i);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(resolve_configure(text, size), 0);
	resolve_stats(&used, &left_out);
	assert_int_equal(used, RESOLVE_HOSTS_MAX);
	assert_int_equal(left_out, 1);
	look("h4095");
	assert_int_equal(ngot, 1);
	look("h4096");
	assert_int_equal(ngot, 0);
	free(text);
	assert_int_equal(configure(""), 0);
}

/* A word of 255 bytes is one, of 256 it is none. */
static void
test_long_word(void **state)
{
	char name[300], line[400];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[255] = '\0';
	snprintf(line, sizeof(line), "host 10.0.0.1 %s", name);
	assert_int_equal(configure(line), 0);
	look(name);
	assert_int_equal(ngot, 1);
	name[255] = 'a';
	name[256] = '\0';
	snprintf(line, sizeof(line), "host 10.0.0.1 %s", name);
	assert_int_equal(configure(line), 1);
}

static void
done_quit(void *arg, const struct dial_address *list, size_t n,
    const char *text)
{
	done(arg, list, n, text);
	loop_quit();
}

static void
turn_end(void)
{
}

static void
soon_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	loop_quit();
}

/* A name server that is not there: the answer comes later, or never. */
static void
test_cancel(void **state)
{
	const struct timeval tv = { 0, 50000 };
	struct resolve *r;
	struct event *timer;

	(void)state;
	assert_int_equal(configure("nameserver 127.0.0.1\n"
	    "nameserver ::1\nsearch example.org\n"), 0);
	calls = 0;
	r = resolve_start("some.name.example", done_quit, &calls);
	if (r == NULL)
		return;
	resolve_cancel(r);
	timer = evtimer_new(loop_base(), soon_cb, NULL);
	assert_non_null(timer);
	evtimer_add(timer, &tv);
	loop_run(turn_end);
	assert_int_equal(calls, 0);
	event_free(timer);
	resolve_cancel(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_literal),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_hosts_bound),
		cmocka_unit_test(test_long_word),
		cmocka_unit_test(test_cancel)
	};

	loop_init();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
