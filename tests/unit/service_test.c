/* Which addresses of an announced service are dialled, and in which order. */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <net/if.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "discovery/service.h"

static struct querier_service service;

static void
add(uint32_t index, const char *text)
{
	struct querier_address *a = &service.address[service.naddresses++];

	assert_true(service.naddresses <= QUERIER_ADDRESSES_MAX);
	memset(a, 0, sizeof(*a));
	a->v6 = strchr(text, ':') != NULL;
	a->link = index << 1 | (uint32_t)a->v6;
	assert_int_equal(inet_pton(a->v6 ? AF_INET6 : AF_INET, text, a->bytes),
	    1);
}

static void
interface_make(uint32_t index, const char *name, const char *text,
    unsigned int prefix)
{
	struct netlink_change c;

	memset(&c, 0, sizeof(c));
	c.what = NETLINK_LINK;
	c.index = index;
	c.flags = IFF_UP | IFF_RUNNING | IFF_MULTICAST;
	snprintf(c.name, sizeof(c.name), "%s", name);
	interfaces_take(&c, 0);
	c.what = NETLINK_ADDRESS;
	c.flags = IFA_F_PERMANENT;
	c.prefix = prefix;
	assert_int_equal(inet_pton(AF_INET, text, c.address), 1);
	interfaces_take(&c, 0);
}

static int
setup(void **state)
{
	(void)state;
	interface_make(2, "eth0", "203.0.113.1", 24);
	interface_make(3, "eth1", "10.1.0.1", 16);
	memset(&service, 0, sizeof(service));
	service.port = 9010;
	return (0);
}

/* The list as text. */
static const char *
result(void)
{
	static char buf[1024];
	struct dial_address list[DIAL_ADDRESSES_MAX];
	char text[DIAL_TEXT_BYTES];
	size_t i, n, used = 0;

	n = service_addresses(&service, list);
	buf[0] = '\0';
	for (i = 0; i < n; i++) {
		assert_int_equal(list[i].port, 9010);
		used += (size_t)snprintf(buf + used, sizeof(buf) - used,
		    "%s%s", i > 0 ? " " : "", dial_text(&list[i], text,
		    sizeof(text)));
	}
	return (buf);
}

static void
test_order(void **state)
{
	(void)state;
	add(2, "192.168.9.9");
	add(2, "203.0.113.7");
	add(2, "fe80::1");
	add(3, "fe80::1");
	add(2, "fd00::1");
	/* The link-local one is another one on each interface. */
	assert_string_equal(result(),
	    "fe80::1%2 fe80::1%3 203.0.113.7 192.168.9.9 fd00::1");
}

static void
test_once(void **state)
{
	(void)state;
	add(2, "203.0.113.7");
	add(3, "10.1.0.7");
	service.address[service.naddresses] = service.address[0];
	service.address[service.naddresses++].link = 2 << 1 | 1;
	assert_string_equal(result(), "203.0.113.7 10.1.0.7");
}

/* What leads out of this network, or back to this machine, or nowhere. */
static void
test_refused(void **state)
{
	static const char *const bad[] = { "8.8.8.8", "127.0.0.1", "0.0.0.0",
		"0.1.2.3", "224.0.0.251", "255.255.255.255", "240.0.0.1",
		"172.15.255.255", "172.32.0.1", "192.167.1.1", "192.169.1.1",
		"100.63.255.255", "100.128.0.1", "9.255.255.255", "11.0.0.0",
		"203.0.112.255", "::", "::1", "ff02::1", "::ffff:10.1.0.7",
		"::10.1.0.7", "2001:db8::1", "fbff::1", "fe00::1" };
	static const char *const good[] = { "10.255.255.255", "172.16.0.1",
		"172.31.255.255", "192.168.0.0", "100.64.0.1",
		"100.127.255.255", "203.0.113.255", "fc00::1", "fdff::1" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		service.naddresses = 0;
		add(2, bad[i]);
		if (result()[0] != '\0')
			fail_msg("%s", bad[i]);
	}
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		service.naddresses = 0;
		add(2, good[i]);
		assert_string_equal(result(), good[i]);
	}
	/* An interface that is gone. */
	service.naddresses = 0;
	add(9, "10.1.0.7");
	assert_string_equal(result(), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_order, setup),
		cmocka_unit_test_setup(test_once, setup),
		cmocka_unit_test_setup(test_refused, setup)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
