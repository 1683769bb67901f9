/*
 * The interfaces of this machine: a socket to the kernel, from which all of
 * them are read at the start and every change afterwards; where changes were
 * lost, all of them again.  Run by the discovery process; trusts the kernel,
 * once it is sure that a message is from it.
 */
#include <sys/socket.h>

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/conf.h"
#include "common/log.h"
#include "common/loop.h"
#include "discovery/interfaces.h"

#define BUFFER_BYTES	32768	/* the kernel's own for a dump */
#define READS_MAX	64	/* in a turn */
#define DUMP_MS		5000	/* until it is given up and tried anew */

enum dump { DUMP_NONE, DUMP_LINKS, DUMP_ADDRESSES };

struct interface_list interfaces = TAILQ_HEAD_INITIALIZER(interfaces);
struct interfaces_stats interfaces_stats;

static struct {
	int		 fd;
	struct event	 readable;
	enum dump	 dump;
	uint32_t	 seq;
	int		 again;		/* a new dump after this one */
	int		 changed;
	int		 short_of;	/* something was left out */
	int		 error;		/* errno of the last failure, or 0 */
	uint32_t	 cuts;
	uint64_t	 deadline;	/* of the dump, or until a new socket */
} nl = { .fd = -1, .deadline = UINT64_MAX };

/*
 * The table
 */

struct interface *
interface_find(uint32_t index)
{
	struct interface *i;

	TAILQ_FOREACH(i, &interfaces, entry)
		if (i->index == index)
			return (i);
	return (NULL);
}

struct interface *
interface_find_name(const char *name, size_t len)
{
	struct interface *i;

	TAILQ_FOREACH(i, &interfaces, entry)
		if (strlen(i->name) == len && memcmp(i->name, name, len) == 0)
			return (i);
	return (NULL);
}

static struct interface *
interface_new(uint32_t index)
{
	struct interface *i, *after;

	if (interfaces_stats.count >= INTERFACES_MAX ||
	    (i = calloc(1, sizeof(*i))) == NULL) {
		interfaces_stats.left_out++;
		nl.short_of = 1;
		return (NULL);
	}
	i->index = index;
	/* One that went may come back by the same number. */
	i->cuts = ++nl.cuts;
	TAILQ_FOREACH(after, &interfaces, entry)
		if (after->index > index)
			break;
	if (after != NULL)
		TAILQ_INSERT_BEFORE(after, i, entry);
	else
		TAILQ_INSERT_TAIL(&interfaces, i, entry);
	interfaces_stats.count++;
	return (i);
}

static void
interface_free(struct interface *i)
{
	TAILQ_REMOVE(&interfaces, i, entry);
	interfaces_stats.count--;
	nl.changed = 1;
	free(i);
}

static void
take_link(const struct netlink_change *c)
{
	struct interface *i;

	if ((i = interface_find(c->index)) == NULL &&
	    (i = interface_new(c->index)) == NULL)
		return;
	i->seen = 1;
	if (i->flags == c->flags && i->mtu == c->mtu &&
	    strcmp(i->name, c->name) == 0)
		return;
	if ((i->flags & (IFF_UP | IFF_RUNNING) & ~c->flags) != 0)
		i->cuts = ++nl.cuts;
	i->flags = c->flags;
	i->mtu = c->mtu;
	memcpy(i->name, c->name, sizeof(i->name));
	nl.changed = 1;
}

static struct interface_address *
address_find(struct interface *i, const struct netlink_change *c)
{
	struct interface_address *a;
	unsigned int n;

	for (n = 0; n < i->naddresses; n++) {
		a = &i->address[n];
		if (a->v6 == c->v6 && a->prefix == c->prefix &&
		    memcmp(a->bytes, c->address, sizeof(a->bytes)) == 0)
			return (a);
	}
	return (NULL);
}

static void
take_address(const struct netlink_change *c)
{
	struct interface *i;
	struct interface_address *a;
	int usable;

	if ((i = interface_find(c->index)) == NULL)
		return;
	/*
	 * Not before it is sure that nobody else has it, and not those that
	 * were made to be of use for a short time only (RFC 8981).
	 */
	usable = (c->flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED |
	    IFA_F_DEPRECATED)) == 0 &&
	    !(c->v6 && (c->flags & IFA_F_TEMPORARY) != 0);
	if ((a = address_find(i, c)) == NULL) {
		if (i->naddresses == INTERFACE_ADDRESSES_MAX) {
			interfaces_stats.left_out++;
			nl.short_of = 1;
			return;
		}
		a = &i->address[i->naddresses++];
		memset(a, 0, sizeof(*a));
		a->v6 = c->v6;
		a->prefix = c->prefix;
		memcpy(a->bytes, c->address, sizeof(a->bytes));
		nl.changed = 1;
	}
	a->seen = 1;
	if (a->usable != usable) {
		a->usable = usable;
		nl.changed = 1;
	}
}

static void
address_remove(struct interface *i, struct interface_address *a)
{
	struct interface_address *end = i->address + i->naddresses;

	memmove(a, a + 1, (size_t)(end - a - 1) * sizeof(*a));
	i->naddresses--;
	nl.changed = 1;
}

static void
take_address_gone(const struct netlink_change *c)
{
	struct interface *i;
	struct interface_address *a;

	if ((i = interface_find(c->index)) != NULL &&
	    (a = address_find(i, c)) != NULL)
		address_remove(i, a);
}

/* Takes out what the dump did not speak of. */
static void
sweep(void)
{
	struct interface *i, *next;
	unsigned int n;

	for (i = TAILQ_FIRST(&interfaces); i != NULL; i = next) {
		next = TAILQ_NEXT(i, entry);
		if (!i->seen) {
			interface_free(i);
			continue;
		}
		for (n = i->naddresses; n > 0; n--)
			if (!i->address[n - 1].seen)
				address_remove(i, &i->address[n - 1]);
	}
}

static void
unsee(void)
{
	struct interface *i;
	unsigned int n;

	TAILQ_FOREACH(i, &interfaces, entry) {
		i->seen = 0;
		for (n = 0; n < i->naddresses; n++)
			i->address[n].seen = 0;
	}
}

/*
 * The socket
 */

static void
give_up(uint64_t now)
{
	if (nl.fd != -1) {
		event_del(&nl.readable);
		close(nl.fd);
	}
	nl.fd = -1;
	nl.dump = DUMP_NONE;
	nl.deadline = now + DUMP_MS;
}

/* It is tried again, all the time, but said once. */
static void
failed(const char *what, uint64_t now)
{
	if (nl.error != errno)
		log_warn("interfaces: %s", what);
	nl.error = errno;
	give_up(now);
}

static void
request_send(enum dump what, uint64_t now)
{
	struct sockaddr_nl kernel;
	uint8_t buf[NETLINK_REQUEST_BYTES];
	size_t len;

	memset(&kernel, 0, sizeof(kernel));
	kernel.nl_family = AF_NETLINK;
	if (++nl.seq == 0)
		nl.seq = 1;
	len = what == DUMP_LINKS ? netlink_request_links(buf, nl.seq) :
	    netlink_request_addresses(buf, nl.seq);
	nl.dump = what;
	nl.deadline = now + DUMP_MS;
	if (sendto(nl.fd, buf, len, 0, (struct sockaddr *)&kernel,
	    sizeof(kernel)) == -1)
		failed("asking the kernel", now);
}

static void
dump_start(uint64_t now)
{
	if (nl.fd == -1)
		return;
	/* The kernel makes one for a socket at a time. */
	if (nl.dump != DUMP_NONE) {
		nl.again = 1;
		return;
	}
	nl.again = 0;
	nl.short_of = 0;
	unsee();
	request_send(DUMP_LINKS, now);
}

static void
dump_done(uint64_t now)
{
	if (nl.dump == DUMP_LINKS) {
		request_send(DUMP_ADDRESSES, now);
		return;
	}
	nl.dump = DUMP_NONE;
	nl.deadline = UINT64_MAX;
	nl.error = 0;
	if (nl.again)
		dump_start(now);
	else
		sweep();
}

void
interfaces_take(const struct netlink_change *c, uint64_t now)
{
	struct interface *i;

	if (c->interrupted)
		nl.again = 1;
	switch (c->what) {
	case NETLINK_OTHER:
		break;
	case NETLINK_LINK:
		take_link(c);
		break;
	case NETLINK_LINK_GONE:
		if ((i = interface_find(c->index)) != NULL)
			interface_free(i);
		break;
	case NETLINK_ADDRESS:
		take_address(c);
		break;
	case NETLINK_ADDRESS_GONE:
		take_address_gone(c);
		break;
	case NETLINK_DONE:
		if (nl.dump != DUMP_NONE && c->seq == nl.seq)
			dump_done(now);
		return;
	case NETLINK_FAILED:
		if (nl.dump == DUMP_NONE || c->seq != nl.seq)
			return;
		errno = c->error;
		failed("asking the kernel", now);
		return;
	}
	/* There may be room now for what there was none for. */
	if (nl.short_of && nl.dump == DUMP_NONE &&
	    (c->what == NETLINK_LINK_GONE || c->what == NETLINK_ADDRESS_GONE))
		dump_start(now);
}

/* Reads one datagram: 1, or 0 when there is none. */
static int
read_one(uint64_t now)
{
	static union {
		struct nlmsghdr	 align;
		uint8_t		 bytes[BUFFER_BYTES];
	} buf;
	struct sockaddr_nl from;
	struct netlink_change c;
	socklen_t fromlen = sizeof(from);
	ssize_t n;
	size_t at = 0;

	memset(&from, 0, sizeof(from));
	n = recvfrom(nl.fd, buf.bytes, sizeof(buf.bytes), MSG_TRUNC,
	    (struct sockaddr *)&from, &fromlen);
	if (n == -1) {
		if (errno == EAGAIN || errno == EINTR)
			return (0);
		interfaces_stats.overruns++;
		if (errno == ENOBUFS) {
			dump_start(now);
			return (1);
		}
		failed("reading from the kernel", now);
		return (0);
	}
	/* Another process could send here, too. */
	if (fromlen != sizeof(from) || from.nl_pid != 0)
		return (1);
	if ((size_t)n > sizeof(buf.bytes)) {
		interfaces_stats.overruns++;
		dump_start(now);
		return (1);
	}
	while (nl.fd != -1 && netlink_next(buf.bytes, (size_t)n, &at, &c) == 1)
		interfaces_take(&c, now);
	return (1);
}

static void
readable_cb(evutil_socket_t fd, short what, void *arg)
{
	uint64_t now = (uint64_t)loop_now_ms();
	int n;

	(void)fd;
	(void)what;
	(void)arg;
	for (n = 0; n < READS_MAX && nl.fd != -1; n++)
		if (!read_one(now))
			break;
}

void
interfaces_start(void)
{
	struct sockaddr_nl sa;
	uint64_t now = (uint64_t)loop_now_ms();

	nl.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    NETLINK_ROUTE);
	if (nl.fd == -1) {
		failed("socket to the kernel", now);
		return;
	}
	memset(&sa, 0, sizeof(sa));
	sa.nl_family = AF_NETLINK;
	sa.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
	event_assign(&nl.readable, loop_base(), nl.fd, EV_READ | EV_PERSIST,
	    readable_cb, NULL);
	if (bind(nl.fd, (struct sockaddr *)&sa, sizeof(sa)) == -1 ||
	    event_add(&nl.readable, NULL) == -1) {
		failed("socket to the kernel", now);
		return;
	}
	dump_start(now);
}

int
interfaces_changed(void)
{
	int changed = nl.changed;

	if (nl.dump != DUMP_NONE)
		return (0);
	nl.changed = 0;
	return (changed);
}

const char *
interfaces_error(void)
{
	return (nl.error == 0 ? NULL : strerror(nl.error));
}

void
interfaces_cut(void)
{
	struct interface *i;

	TAILQ_FOREACH(i, &interfaces, entry)
		i->cuts = ++nl.cuts;
	nl.changed = 1;
}

uint64_t
interfaces_due(void)
{
	return (nl.deadline);
}

void
interfaces_run(uint64_t now)
{
	if (now < nl.deadline)
		return;
	/* A dump that does not end, or the pause after a failure did. */
	if (nl.dump != DUMP_NONE) {
		errno = ETIMEDOUT;
		failed("asking the kernel", now);
	}
	interfaces_start();
}

/*
 * Questions
 */

unsigned int
interface_count(const struct interface *i, int v6)
{
	unsigned int n, count = 0;

	for (n = 0; n < i->naddresses; n++)
		if (i->address[n].usable && i->address[n].v6 == v6)
			count++;
	return (count);
}

const char *
interface_refused(const struct interface *i, const struct conf *conf)
{
	int loopback = (i->flags & IFF_LOOPBACK) != 0;

	if (!conf->discovery)
		return ("discovery is off");
	if (!conf_interface_allowed(conf, i->name, loopback))
		return ("not allowed by nwsd.conf");
	if ((i->flags & IFF_POINTOPOINT) != 0)
		return ("point-to-point");
	if ((i->flags & IFF_MULTICAST) == 0)
		return ("no multicast");
	if ((i->flags & IFF_UP) == 0)
		return ("down");
	if ((i->flags & IFF_RUNNING) == 0)
		return ("no carrier");
	if (interface_count(i, 0) + interface_count(i, 1) == 0)
		return ("no address");
	return (NULL);
}

static int
prefix_same(const uint8_t *a, const uint8_t *b, unsigned int bits)
{
	unsigned int whole = bits / 8, rest = bits % 8;

	if (whole > 0 && memcmp(a, b, whole) != 0)
		return (0);
	return (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

int
interface_on_link(const struct interface *i, int v6, const uint8_t *address)
{
	unsigned int n;

	if (v6 && address[0] == 0xfe && (address[1] & 0xc0) == 0x80)
		return (1);
	for (n = 0; n < i->naddresses; n++)
		if (i->address[n].v6 == v6 && prefix_same(i->address[n].bytes,
		    address, i->address[n].prefix))
			return (1);
	return (0);
}

int
interfaces_own(int v6, const uint8_t *address)
{
	const struct interface *i;
	unsigned int n;

	TAILQ_FOREACH(i, &interfaces, entry)
		for (n = 0; n < i->naddresses; n++)
			if (i->address[n].v6 == v6 &&
			    memcmp(i->address[n].bytes, address,
			    v6 ? 16 : 4) == 0)
				return (1);
	return (0);
}
