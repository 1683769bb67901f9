/*
 * Messages of rtnetlink(7), read and made.  Pure; of the discovery process.
 * What comes in is from the kernel; no length in it is believed.
 */
#include <sys/socket.h>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <errno.h>
#include <string.h>

#include "discovery/netlink.h"

/* Attributes, one at a time; what is cut ends them. */
struct attributes {
	const uint8_t	*p;
	size_t		 left;
	uint16_t	 type;
	const uint8_t	*data;
	size_t		 len;
};

static size_t
aligned(size_t n)
{
	return ((n + 3) & ~(size_t)3);
}

static void
attributes_begin(struct attributes *a, const uint8_t *p, size_t len,
    size_t header)
{
	header = aligned(header);
	a->p = header > len ? p : p + header;
	a->left = header > len ? 0 : len - header;
}

static int
attributes_next(struct attributes *a)
{
	struct rtattr rta;
	size_t whole;

	if (a->left < sizeof(rta))
		return (0);
	memcpy(&rta, a->p, sizeof(rta));
	if (rta.rta_len < sizeof(rta) || rta.rta_len > a->left)
		return (0);
	a->type = rta.rta_type & NLA_TYPE_MASK;
	a->data = a->p + sizeof(rta);
	a->len = rta.rta_len - sizeof(rta);
	whole = aligned(rta.rta_len);
	if (whole > a->left)
		whole = a->left;
	a->p += whole;
	a->left -= whole;
	return (1);
}

static void
attribute_u32(const struct attributes *a, uint32_t *v)
{
	if (a->len == sizeof(*v))
		memcpy(v, a->data, sizeof(*v));
}

static void
link_read(struct netlink_change *c, const uint8_t *p, size_t len, int gone)
{
	struct attributes a;
	struct ifinfomsg info;
	size_t n;

	if (len < sizeof(info))
		return;
	memcpy(&info, p, sizeof(info));
	/* A bridge says of its ports, too, that they come and go. */
	if (info.ifi_family != AF_UNSPEC || info.ifi_index <= 0)
		return;
	c->index = (uint32_t)info.ifi_index;
	c->flags = info.ifi_flags;
	attributes_begin(&a, p, len, sizeof(info));
	while (attributes_next(&a)) {
		if (a.type == IFLA_MTU)
			attribute_u32(&a, &c->mtu);
		if (a.type != IFLA_IFNAME)
			continue;
		n = strnlen((const char *)a.data, a.len);
		if (n >= sizeof(c->name))
			return;
		memcpy(c->name, a.data, n);
		c->name[n] = '\0';
	}
	if (gone)
		c->what = NETLINK_LINK_GONE;
	else if (c->name[0] != '\0')
		c->what = NETLINK_LINK;
}

static void
address_read(struct netlink_change *c, const uint8_t *p, size_t len, int gone)
{
	struct attributes a;
	struct ifaddrmsg info;
	size_t bytes;
	int local = 0, there = 0;

	if (len < sizeof(info))
		return;
	memcpy(&info, p, sizeof(info));
	if ((info.ifa_family != AF_INET && info.ifa_family != AF_INET6) ||
	    info.ifa_index == 0)
		return;
	c->v6 = info.ifa_family == AF_INET6;
	bytes = c->v6 ? 16 : 4;
	if (info.ifa_prefixlen > bytes * 8)
		return;
	c->index = info.ifa_index;
	c->prefix = info.ifa_prefixlen;
	c->flags = info.ifa_flags;
	attributes_begin(&a, p, len, sizeof(info));
	while (attributes_next(&a)) {
		if (a.type == IFA_FLAGS)
			attribute_u32(&a, &c->flags);
		/* IFA_ADDRESS of a point-to-point link is the other end. */
		if (a.len != bytes || (a.type != IFA_LOCAL &&
		    (a.type != IFA_ADDRESS || local)))
			continue;
		memcpy(c->address, a.data, bytes);
		there = 1;
		local = a.type == IFA_LOCAL;
	}
	if (there)
		c->what = gone ? NETLINK_ADDRESS_GONE : NETLINK_ADDRESS;
}

static void
failure_read(struct netlink_change *c, const uint8_t *p, size_t len)
{
	int32_t error;

	c->what = NETLINK_FAILED;
	c->error = EIO;
	if (len < sizeof(error))
		return;
	memcpy(&error, p, sizeof(error));
	/* An acknowledgement is an error of 0. */
	if (error == 0)
		c->what = NETLINK_OTHER;
	else if (error < 0 && error >= -4095)
		c->error = -error;
}

int
netlink_next(const void *buf, size_t len, size_t *at, struct netlink_change *c)
{
	const uint8_t *p;
	struct nlmsghdr h;
	size_t left, body, whole;

	memset(c, 0, sizeof(*c));
	if (*at >= len)
		return (0);
	left = len - *at;
	p = (const uint8_t *)buf + *at;
	if (left < sizeof(h))
		return (-1);
	memcpy(&h, p, sizeof(h));
	if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > left)
		return (-1);
	whole = aligned(h.nlmsg_len);
	*at += whole > left ? left : whole;
	body = h.nlmsg_len - sizeof(h);
	p += sizeof(h);
	c->seq = h.nlmsg_seq;
	c->interrupted = (h.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
	switch (h.nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		link_read(c, p, body, h.nlmsg_type == RTM_DELLINK);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		address_read(c, p, body, h.nlmsg_type == RTM_DELADDR);
		break;
	case NLMSG_DONE:
		c->what = NETLINK_DONE;
		break;
	case NLMSG_ERROR:
		failure_read(c, p, body);
		break;
	}
	return (1);
}

static size_t
request(void *buf, uint16_t type, uint32_t seq, const void *body, size_t len)
{
	struct nlmsghdr h;

	memset(&h, 0, sizeof(h));
	h.nlmsg_len = (uint32_t)(sizeof(h) + len);
	h.nlmsg_type = type;
	h.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h.nlmsg_seq = seq;
	memcpy(buf, &h, sizeof(h));
	memcpy((uint8_t *)buf + sizeof(h), body, len);
	return (sizeof(h) + len);
}

size_t
netlink_request_links(void *buf, uint32_t seq)
{
	static const struct ifinfomsg all = { .ifi_family = AF_UNSPEC };

	return (request(buf, RTM_GETLINK, seq, &all, sizeof(all)));
}

size_t
netlink_request_addresses(void *buf, uint32_t seq)
{
	static const struct ifaddrmsg all = { .ifa_family = AF_UNSPEC };

	return (request(buf, RTM_GETADDR, seq, &all, sizeof(all)));
}
