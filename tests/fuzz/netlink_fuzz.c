/*
 * Messages of rtnetlink, as they never come from a kernel: what is read stays
 * inside of them, and the table of interfaces within its bounds.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "discovery/interfaces.h"
#include "discovery/netlink.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
require(int ok)
{
	if (!ok)
		abort();
}

static void
check(const struct netlink_change *c)
{
	require(memchr(c->name, '\0', sizeof(c->name)) != NULL);
	require(c->prefix <= (c->v6 ? 128 : 32));
	if (c->what == NETLINK_LINK)
		require(c->name[0] != '\0' && c->index != 0);
	if (c->what == NETLINK_ADDRESS || c->what == NETLINK_ADDRESS_GONE)
		require(c->index != 0);
	if (c->what == NETLINK_FAILED)
		require(c->error > 0 && c->error <= 4095);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct netlink_change c;
	struct interface *i;
	size_t at = 0, before = 0, count = 0;

	while (netlink_next(data, n, &at, &c) == 1) {
		require(at > before && at <= n);
		before = at;
		check(&c);
		interfaces_take(&c, 0);
	}
	TAILQ_FOREACH(i, &interfaces, entry) {
		require(i->naddresses <= INTERFACE_ADDRESSES_MAX);
		count++;
	}
	require(count == interfaces_stats.count && count <= INTERFACES_MAX);
	memset(&c, 0, sizeof(c));
	c.what = NETLINK_LINK_GONE;
	while ((i = TAILQ_FIRST(&interfaces)) != NULL) {
		c.index = i->index;
		interfaces_take(&c, 0);
	}
	return (0);
}
