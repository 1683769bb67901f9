/*
 * Messages of rtnetlink: read as the kernel makes them, cut anywhere, with
 * lengths that lie; and the table of interfaces that they make.
 */
#include <sys/socket.h>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/conf.h"
#include "discovery/interfaces.h"
#include "discovery/netlink.h"

static uint8_t buf[4096];
static size_t len, start;

static void
put(const void *p, size_t n)
{
	if (n > 0)
		memcpy(buf + len, p, n);
	len += n;
	while (len % 4 != 0)
		buf[len++] = 0;
}

static void
message(uint16_t type, uint16_t flags, const void *body, size_t n)
{
	struct nlmsghdr h = { 0, type, flags, 7, 0 };

	start = len;
	put(&h, sizeof(h));
	put(body, n);
}

static void
attribute(uint16_t type, const void *data, size_t n)
{
	struct rtattr rta = { (unsigned short)(sizeof(rta) + n), type };

	memcpy(buf + len, &rta, sizeof(rta));
	len += sizeof(rta);
	put(data, n);
}

static void
finish(void)
{
	uint32_t n = (uint32_t)(len - start);

	memcpy(buf + start, &n, sizeof(n));
}

static void
put_link(uint16_t type, unsigned char family, int index, unsigned int flags,
    const char *name)
{
	struct ifinfomsg info = { .ifi_family = family, .ifi_index = index,
		.ifi_flags = flags };
	uint32_t mtu = 1500;

	message(type, 0, &info, sizeof(info));
	attribute(IFLA_MTU, &mtu, sizeof(mtu));
	attribute(IFLA_IFNAME, name, strlen(name) + 1);
	finish();
}

static void
put_address(uint16_t type, uint32_t index, const char *bytes, size_t n,
    unsigned char prefix, uint32_t flags)
{
	struct ifaddrmsg info = { n == 4 ? AF_INET : AF_INET6, prefix, 0, 0,
		index };

	message(type, 0, &info, sizeof(info));
	attribute(IFA_ADDRESS, bytes, n);
	attribute(IFA_FLAGS, &flags, sizeof(flags));
	finish();
}

static struct netlink_change change;

/* Reads the next one; what it is. */
static int
next(size_t *at)
{
	return (netlink_next(buf, len, at, &change));
}

static void
test_link(void **state)
{
	size_t at = 0;

	(void)state;
	len = 0;
	put_link(RTM_NEWLINK, AF_UNSPEC, 3, IFF_UP | IFF_MULTICAST, "eth0");
	put_link(RTM_DELLINK, AF_UNSPEC, 4, 0, "eth1");
	/* A bridge loses a port: the interface is still there. */
	put_link(RTM_DELLINK, AF_BRIDGE, 3, 0, "eth0");
	put_link(RTM_NEWLINK, AF_UNSPEC, 5, 0, "sixteen-bytes-16");
	assert_int_equal(next(&at), 1);
	assert_int_equal(change.what, NETLINK_LINK);
	assert_int_equal(change.index, 3);
	assert_int_equal(change.mtu, 1500);
	assert_int_equal(change.flags, IFF_UP | IFF_MULTICAST);
	assert_int_equal(change.seq, 7);
	assert_string_equal(change.name, "eth0");
	assert_int_equal(next(&at), 1);
	assert_int_equal(change.what, NETLINK_LINK_GONE);
	assert_int_equal(change.index, 4);
	assert_int_equal(next(&at), 1);
	assert_int_equal(change.what, NETLINK_OTHER);
	/* A name is at most 15 bytes. */
	assert_int_equal(next(&at), 1);
	assert_int_equal(change.what, NETLINK_OTHER);
	assert_int_equal(next(&at), 0);
}

static void
test_address(void **state)
{
	struct ifaddrmsg info = { AF_INET, 32, 0, 0, 9 };
	size_t at = 0;

	(void)state;
	len = 0;
	put_address(RTM_NEWADDR, 3, "\x0a\0\0\1", 4, 24, IFA_F_PERMANENT);
	put_address(RTM_DELADDR, 3, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16,
	    64, 0);
	put_address(RTM_NEWADDR, 3, "\x0a\0\0\1", 4, 33, 0);
	/* Point-to-point: ours is the local one, whichever comes first. */
	message(RTM_NEWADDR, 0, &info, sizeof(info));
	attribute(IFA_LOCAL, "\x0a\0\0\2", 4);
	attribute(IFA_ADDRESS, "\x0a\0\0\3", 4);
	finish();
	assert_int_equal(next(&at), 1);
	assert_int_equal(change.what, NETLINK_ADDRESS);
	assert_int_equal(change.v6, 0);
	assert_int_equal(change.prefix, 24);
	assert_int_equal(change.flags, IFA_F_PERMANENT);
	assert_memory_equal(change.address, "\x0a\0\0\1\0\0", 6);
	assert_int_equal(next(&at), 1);
	assert_int_equal(change.what, NETLINK_ADDRESS_GONE);
	assert_int_equal(change.v6, 1);
	assert_int_equal(change.address[15], 1);
	/* More bits than an address has. */
	assert_int_equal(next(&at), 1);
	assert_int_equal(change.what, NETLINK_OTHER);
	assert_int_equal(next(&at), 1);
	assert_int_equal(change.what, NETLINK_ADDRESS);
	assert_int_equal(change.address[3], 2);
	assert_int_equal(next(&at), 0);
}

static void
test_ends(void **state)
{
	int32_t code = -EBUSY, none = 0;
	size_t at = 0;

	(void)state;
	len = 0;
	message(NLMSG_DONE, NLM_F_DUMP_INTR, &none, sizeof(none));
	finish();
	message(NLMSG_ERROR, 0, &code, sizeof(code));
	finish();
	message(NLMSG_ERROR, 0, &none, sizeof(none));
	finish();
	message(NLMSG_ERROR, 0, NULL, 0);
	finish();
	assert_int_equal(next(&at), 1);
	assert_int_equal(change.what, NETLINK_DONE);
	assert_true(change.interrupted);
	assert_int_equal(next(&at), 1);
	assert_int_equal(change.what, NETLINK_FAILED);
	assert_int_equal(change.error, EBUSY);
	assert_int_equal(next(&at), 1);
	assert_int_equal(change.what, NETLINK_OTHER);
	assert_int_equal(next(&at), 1);
	assert_int_equal(change.what, NETLINK_FAILED);
	assert_int_equal(change.error, EIO);
}

/* Cut anywhere: no more than what is whole, and nothing beyond the end. */
static void
test_cut(void **state)
{
	size_t n, at, whole;
	uint8_t *copy;
	int r;

	(void)state;
	len = 0;
	put_link(RTM_NEWLINK, AF_UNSPEC, 3, IFF_UP, "eth0");
	put_address(RTM_NEWADDR, 3, "\x0a\0\0\1", 4, 24, 0);
	whole = start;
	for (n = 0; n < len; n++) {
		/* Of exactly that size, for the sanitizer. */
		copy = malloc(n + 1);
		assert_non_null(copy);
		memcpy(copy, buf, n);
		at = 0;
		while ((r = netlink_next(copy, n, &at, &change)) == 1)
			assert_true(n >= whole);
		assert_int_equal(r, n == 0 || n == whole ? 0 : -1);
		free(copy);
	}
	/* Lengths of the header that lie. */
	for (n = 0; n < 16; n++) {
		memcpy(buf, &(uint32_t){ (uint32_t)n }, 4);
		at = 0;
		assert_int_equal(next(&at), -1);
	}
	memcpy(buf, &(uint32_t){ (uint32_t)len + 1 }, 4);
	at = 0;
	assert_int_equal(next(&at), -1);
	memcpy(buf, &(uint32_t){ UINT32_MAX }, 4);
	at = 0;
	assert_int_equal(next(&at), -1);
}

/* Lengths of attributes that lie end the attributes. */
static void
test_attribute_lies(void **state)
{
	static const uint16_t lies[] = { 0, 3, 100, UINT16_MAX };
	size_t at, i;

	(void)state;
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		len = 0;
		put_link(RTM_NEWLINK, AF_UNSPEC, 3, IFF_UP, "eth0");
		memcpy(buf + sizeof(struct nlmsghdr) +
		    sizeof(struct ifinfomsg), &lies[i], 2);
		at = 0;
		assert_int_equal(next(&at), 1);
		assert_int_equal(change.what, NETLINK_OTHER);
	}
}

static void
test_requests(void **state)
{
	struct nlmsghdr h;
	uint8_t request[NETLINK_REQUEST_BYTES];
	size_t n;

	(void)state;
	n = netlink_request_links(request, 5);
	assert_true(n <= sizeof(request));
	memcpy(&h, request, sizeof(h));
	assert_int_equal(h.nlmsg_len, n);
	assert_int_equal(h.nlmsg_type, RTM_GETLINK);
	assert_int_equal(h.nlmsg_seq, 5);
	n = netlink_request_addresses(request, 6);
	assert_true(n <= sizeof(request));
	memcpy(&h, request, sizeof(h));
	assert_int_equal(h.nlmsg_type, RTM_GETADDR);
	assert_true((h.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP);
}

/*
 * The table
 */

static void
take_all(void)
{
	size_t at = 0;

	while (next(&at) == 1)
		interfaces_take(&change, 0);
	len = 0;
}

#define USABLE	(IFF_UP | IFF_RUNNING | IFF_MULTICAST | IFF_BROADCAST)

static void
test_table(void **state)
{
	static const uint8_t near[4] = { 10, 0, 0, 77 },
	    far[4] = { 10, 0, 1, 77 };
	struct conf *conf = conf_default();
	struct interface *i;
	uint32_t cuts;

	(void)state;
	assert_non_null(conf);
	len = 0;
	put_link(RTM_NEWLINK, AF_UNSPEC, 3, USABLE, "eth0");
	take_all();
	assert_true(interfaces_changed());
	assert_false(interfaces_changed());
	i = interface_find(3);
	assert_non_null(i);
	assert_string_equal(interface_refused(i, conf), "no address");
	/* Not before nobody else has it. */
	put_address(RTM_NEWADDR, 3, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16,
	    64, IFA_F_TENTATIVE);
	take_all();
	assert_string_equal(interface_refused(i, conf), "no address");
	put_address(RTM_NEWADDR, 3, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16,
	    64, IFA_F_PERMANENT);
	put_address(RTM_NEWADDR, 3, "\x0a\0\0\1", 4, 24, IFA_F_PERMANENT);
	take_all();
	assert_null(interface_refused(i, conf));
	assert_int_equal(interface_count(i, 0), 1);
	assert_int_equal(interface_count(i, 1), 1);
	/* Nor one that will soon be another; the flag has two meanings. */
	put_address(RTM_NEWADDR, 3, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16,
	    64, IFA_F_TEMPORARY);
	put_address(RTM_NEWADDR, 3, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2", 16,
	    64, IFA_F_DEPRECATED);
	put_address(RTM_NEWADDR, 3, "\x0a\0\0\2", 4, 24, IFA_F_SECONDARY);
	take_all();
	assert_int_equal(interface_count(i, 0), 2);
	assert_int_equal(interface_count(i, 1), 1);
	put_address(RTM_DELADDR, 3, "\x0a\0\0\2", 4, 24, 0);
	take_all();
	assert_true(interface_on_link(i, 0, near));
	assert_false(interface_on_link(i, 0, far));
	assert_true(interfaces_own(0, (const uint8_t *)"\x0a\0\0\1"));
	assert_false(interfaces_own(0, near));
	/* The same again is no change; going down is, and it is remembered. */
	assert_true(interfaces_changed());
	cuts = i->cuts;
	put_link(RTM_NEWLINK, AF_UNSPEC, 3, USABLE, "eth0");
	take_all();
	assert_false(interfaces_changed());
	put_link(RTM_NEWLINK, AF_UNSPEC, 3, IFF_UP | IFF_MULTICAST, "eth0");
	put_link(RTM_NEWLINK, AF_UNSPEC, 3, USABLE, "eth0");
	take_all();
	assert_true(interfaces_changed());
	assert_int_not_equal(i->cuts, cuts);
	cuts = i->cuts;
	put_address(RTM_DELADDR, 3, "\x0a\0\0\1", 4, 24, 0);
	take_all();
	assert_int_equal(interface_count(i, 0), 0);
	put_link(RTM_DELLINK, AF_UNSPEC, 3, 0, "eth0");
	take_all();
	assert_null(interface_find(3));
	/* Another by the same number is not taken for the one before. */
	put_link(RTM_NEWLINK, AF_UNSPEC, 3, USABLE, "eth0");
	take_all();
	assert_int_not_equal(interface_find(3)->cuts, cuts);
	cuts = interface_find(3)->cuts;
	assert_true(interfaces_changed());
	interfaces_cut();
	assert_true(interfaces_changed());
	assert_int_not_equal(interface_find(3)->cuts, cuts);
	conf_free(conf);
}

static void
test_refused(void **state)
{
	static const struct {
		const char	*name;
		unsigned int	 flags;
		const char	*why;
	} cases[] = {
		{ "eth0", USABLE, "no address" },
		{ "eth0", USABLE & ~IFF_UP, "down" },
		{ "eth0", USABLE & ~IFF_RUNNING, "no carrier" },
		{ "eth0", USABLE & ~IFF_MULTICAST, "no multicast" },
		{ "ppp0", USABLE | IFF_POINTOPOINT, "point-to-point" },
		{ "docker0", USABLE, "not allowed by nwsd.conf" },
		{ "lo", USABLE | IFF_LOOPBACK, "not allowed by nwsd.conf" }
	};
	struct conf *conf = conf_default();
	size_t n;

	(void)state;
	assert_non_null(conf);
	for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		len = 0;
		put_link(RTM_NEWLINK, AF_UNSPEC, 1, cases[n].flags,
		    cases[n].name);
		take_all();
		assert_string_equal(interface_refused(interface_find(1), conf),
		    cases[n].why);
	}
	conf->discovery = 0;
	assert_string_equal(interface_refused(interface_find(1), conf),
	    "discovery is off");
	put_link(RTM_DELLINK, AF_UNSPEC, 1, 0, "lo");
	take_all();
	conf_free(conf);
}

static void
test_bounds(void **state)
{
	struct interface *i;
	char bytes[4] = { 10, 0, 0, 0 };
	int n;

	(void)state;
	len = 0;
	for (n = 1; n <= INTERFACES_MAX + 1; n++) {
		put_link(RTM_NEWLINK, AF_UNSPEC, n, USABLE, "x");
		take_all();
	}
	assert_int_equal(interfaces_stats.count, INTERFACES_MAX);
	assert_int_equal(interfaces_stats.left_out, 1);
	assert_null(interface_find(INTERFACES_MAX + 1));
	i = interface_find(1);
	for (n = 1; n <= INTERFACE_ADDRESSES_MAX + 1; n++) {
		bytes[3] = (char)n;
		put_address(RTM_NEWADDR, 1, bytes, 4, 24, 0);
		take_all();
	}
	assert_int_equal(i->naddresses, INTERFACE_ADDRESSES_MAX);
	assert_int_equal(interfaces_stats.left_out, 2);
	for (n = 1; n <= INTERFACES_MAX; n++) {
		put_link(RTM_DELLINK, AF_UNSPEC, n, 0, "x");
		take_all();
	}
	assert_int_equal(interfaces_stats.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_attribute_lies),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bounds)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
