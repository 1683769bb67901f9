/*
 * The sockets of multicast DNS (RFC 6762).  Run by the discovery process, the
 * only one that has a socket for datagrams.  All that comes in is from anyone
 * on the network, or beyond it: here is decided on which interface it came and
 * from where, the rest is for others.
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <netinet/in.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/loop.h"
#include "discovery/dns.h"
#include "discovery/sockets.h"

#define READS_MAX	64	/* of a socket in a turn */
#define SECOND_MAX	20000u	/* packets that are looked at in a second */
#define PAUSE_MS	20	/* when there are more */
#define TTL		255	/* RFC 6762, 11 */
#define RECEIVE_BYTES	(256 * 1024)

static const uint8_t group4[4] = { 224, 0, 0, 251 };
static const uint8_t group6[16] = { 0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0xfb };

struct mdns_socket {
	int		 fd;
	int		 v6;
	int		 error;		/* errno of opening it */
	struct event	 readable, pause;
	uint32_t	 second, count;	/* packets in that second */
	void		(*take)(const struct sockets_packet *);
};
static struct mdns_socket sockets[2] = { { .fd = -1 }, { .fd = -1 } };

union control {
	struct cmsghdr	 align;
	uint8_t		 bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
			    CMSG_SPACE(sizeof(struct in_pktinfo))];
};

struct option {
	int	level, name, value;
};

/*
 * Reading
 */

static void
from_v4(struct mdns_from *from, const struct sockaddr_in *sin)
{
	memset(from, 0, sizeof(*from));
	from->address[10] = from->address[11] = 0xff;
	memcpy(from->address + 12, &sin->sin_addr, 4);
	from->port = ntohs(sin->sin_port);
}

static void
from_v6(struct mdns_from *from, const struct sockaddr_in6 *sin6)
{
	memset(from, 0, sizeof(*from));
	memcpy(from->address, &sin6->sin6_addr, 16);
	from->port = ntohs(sin6->sin6_port);
}

/* Where it arrived, and whether it was sent to the group. */
static void
packet_control(struct sockets_packet *p, struct msghdr *m)
{
	struct in_pktinfo pi;
	struct in6_pktinfo pi6;
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (!p->v6 && c->cmsg_level == IPPROTO_IP &&
		    c->cmsg_type == IP_PKTINFO &&
		    c->cmsg_len >= CMSG_LEN(sizeof(pi))) {
			memcpy(&pi, CMSG_DATA(c), sizeof(pi));
			p->index = (uint32_t)pi.ipi_ifindex;
			p->from.multicast = memcmp(&pi.ipi_addr, group4,
			    sizeof(group4)) == 0;
		}
		if (p->v6 && c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_PKTINFO &&
		    c->cmsg_len >= CMSG_LEN(sizeof(pi6))) {
			memcpy(&pi6, CMSG_DATA(c), sizeof(pi6));
			p->index = pi6.ipi6_ifindex;
			p->from.multicast = memcmp(&pi6.ipi6_addr, group6,
			    sizeof(group6)) == 0;
		}
	}
}

/* Returns 0 when there is nothing to read. */
static int
read_one(struct mdns_socket *s)
{
	/* One byte more than a message may have, to see that it has more. */
	static uint8_t buf[DNS_MESSAGE_MAX + 1];
	struct sockets_packet p;
	struct sockaddr_storage ss;
	struct iovec iov = { buf, sizeof(buf) };
	union control control;
	struct msghdr m;
	ssize_t n;

	memset(&m, 0, sizeof(m));
	m.msg_name = &ss;
	m.msg_namelen = sizeof(ss);
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	m.msg_control = control.bytes;
	m.msg_controllen = sizeof(control.bytes);
	n = recvmsg(s->fd, &m, MSG_CMSG_CLOEXEC);
	/* An error here is one of an earlier packet that was sent. */
	if (n == -1)
		return (errno != EAGAIN);
	if ((m.msg_flags & MSG_TRUNC) != 0 || n > DNS_MESSAGE_MAX)
		return (1);
	memset(&p, 0, sizeof(p));
	p.v6 = s->v6;
	p.bytes = buf;
	p.len = (size_t)n;
	if (!s->v6 && ss.ss_family == AF_INET &&
	    m.msg_namelen >= sizeof(struct sockaddr_in))
		from_v4(&p.from, (struct sockaddr_in *)&ss);
	else if (s->v6 && ss.ss_family == AF_INET6 &&
	    m.msg_namelen >= sizeof(struct sockaddr_in6))
		from_v6(&p.from, (struct sockaddr_in6 *)&ss);
	else
		return (1);
	packet_control(&p, &m);
	if (p.index != 0)
		s->take(&p);
	return (1);
}

/*
 * When somebody floods the network the socket is left alone for some time at
 * the end of each second's measure: what the kernel drops costs us nothing.
 */
static int
too_many(struct mdns_socket *s)
{
	const struct timeval tv = { 0, PAUSE_MS * 1000 };
	uint32_t second = loop_now_s();

	if (s->second != second) {
		s->second = second;
		s->count = 0;
	}
	if (s->count < SECOND_MAX)
		return (0);
	if (event_add(&s->pause, &tv) == 0)
		event_del(&s->readable);
	return (1);
}

static void
readable_cb(evutil_socket_t fd, short what, void *arg)
{
	struct mdns_socket *s = arg;
	int n;

	(void)fd;
	(void)what;
	if (too_many(s))
		return;
	for (n = 0; n < READS_MAX && s->fd != -1; n++) {
		if (!read_one(s))
			break;
		s->count++;
	}
}

static void
pause_cb(evutil_socket_t fd, short what, void *arg)
{
	struct mdns_socket *s = arg;

	(void)fd;
	(void)what;
	if (event_add(&s->readable, NULL) == -1)
		log_warnx("mDNS: cannot wait for packets");
}

/*
 * Opening
 */

static int
set_options(int fd, const struct option *o, size_t n)
{
	for (; n > 0; n--, o++)
		if (setsockopt(fd, o->level, o->name, &o->value,
		    sizeof(o->value)) == -1)
			return (-1);
	return (0);
}

static int
bind_v4(int fd)
{
	static const struct option options[] = {
		{ IPPROTO_IP, IP_PKTINFO, 1 },
		{ IPPROTO_IP, IP_TTL, TTL },
		{ IPPROTO_IP, IP_MULTICAST_TTL, TTL },
		/* Two daemons on a machine find each other by it. */
		{ IPPROTO_IP, IP_MULTICAST_LOOP, 1 },
		/* Not what others on this machine joined. */
		{ IPPROTO_IP, IP_MULTICAST_ALL, 0 }
	};
	struct sockaddr_in sin;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_port = htons(MDNS_PORT);
	if (set_options(fd, options, sizeof(options) / sizeof(options[0])) ==
	    -1)
		return (-1);
	return (bind(fd, (struct sockaddr *)&sin, sizeof(sin)));
}

static int
bind_v6(int fd)
{
	static const struct option options[] = {
		{ IPPROTO_IPV6, IPV6_V6ONLY, 1 },
		{ IPPROTO_IPV6, IPV6_RECVPKTINFO, 1 },
		{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, TTL },
		{ IPPROTO_IPV6, IPV6_MULTICAST_HOPS, TTL },
		{ IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1 }
	};
	struct sockaddr_in6 sin6;

	memset(&sin6, 0, sizeof(sin6));
	sin6.sin6_family = AF_INET6;
	sin6.sin6_port = htons(MDNS_PORT);
	if (set_options(fd, options, sizeof(options) / sizeof(options[0])) ==
	    -1)
		return (-1);
	return (bind(fd, (struct sockaddr *)&sin6, sizeof(sin6)));
}

/* Beside the others on this machine who speak mDNS: both are needed (15). */
static int
socket_make(int v6)
{
	static const struct option options[] = {
		{ SOL_SOCKET, SO_REUSEADDR, 1 },
		{ SOL_SOCKET, SO_REUSEPORT, 1 },
		{ SOL_SOCKET, SO_RCVBUF, RECEIVE_BYTES }
	};
	int fd, saved;

	fd = socket(v6 ? AF_INET6 : AF_INET,
	    SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return (-1);
	if (set_options(fd, options, sizeof(options) / sizeof(options[0])) ==
	    -1 || (v6 ? bind_v6(fd) : bind_v4(fd)) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return (-1);
	}
	return (fd);
}

int
sockets_open(int v6, void (*take)(const struct sockets_packet *))
{
	struct mdns_socket *s = &sockets[v6 != 0];
	int before = s->error;

	if (s->fd != -1)
		return (0);
	s->v6 = v6 != 0;
	s->take = take;
	s->error = 0;
	if ((s->fd = socket_make(s->v6)) == -1) {
		s->error = errno;
		/* It is tried again whenever an interface changes. */
		if (s->error != before)
			log_warn("mDNS: IPv%d, port %d", v6 ? 6 : 4,
			    MDNS_PORT);
		return (-1);
	}
	event_assign(&s->readable, loop_base(), s->fd, EV_READ | EV_PERSIST,
	    readable_cb, s);
	event_assign(&s->pause, loop_base(), -1, 0, pause_cb, s);
	if (event_add(&s->readable, NULL) == -1) {
		s->error = ENOMEM;
		close(s->fd);
		s->fd = -1;
		return (-1);
	}
	return (0);
}

void
sockets_close(void)
{
	struct mdns_socket *s;

	for (s = sockets; s < sockets + 2; s++) {
		s->error = 0;
		if (s->fd == -1)
			continue;
		event_del(&s->readable);
		event_del(&s->pause);
		close(s->fd);
		s->fd = -1;
	}
}

int
sockets_error(int v6)
{
	return (sockets[v6 != 0].error);
}

/*
 * Groups
 */

static int
group_set(int v6, uint32_t index, int join)
{
	struct ip_mreqn mreq;
	struct ipv6_mreq mreq6;
	int fd = sockets[v6 != 0].fd;

	if (fd == -1) {
		errno = ENOTCONN;
		return (-1);
	}
	if (v6) {
		memset(&mreq6, 0, sizeof(mreq6));
		memcpy(&mreq6.ipv6mr_multiaddr, group6, sizeof(group6));
		mreq6.ipv6mr_interface = index;
		return (setsockopt(fd, IPPROTO_IPV6,
		    join ? IPV6_ADD_MEMBERSHIP : IPV6_DROP_MEMBERSHIP, &mreq6,
		    sizeof(mreq6)));
	}
	memset(&mreq, 0, sizeof(mreq));
	memcpy(&mreq.imr_multiaddr, group4, sizeof(group4));
	mreq.imr_ifindex = (int)index;
	return (setsockopt(fd, IPPROTO_IP,
	    join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &mreq,
	    sizeof(mreq)));
}

int
sockets_join(int v6, uint32_t index)
{
	if (group_set(v6, index, 1) == 0 || errno == EADDRINUSE)
		return (0);
	return (-1);
}

void
sockets_leave(int v6, uint32_t index)
{
	/* When the interface is gone the kernel has seen to it. */
	(void)group_set(v6, index, 0);
}

/*
 * Sending
 */

static socklen_t
destination_v4(struct sockaddr_in *sin, const struct mdns_from *to)
{
	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_port = htons(to != NULL ? to->port : MDNS_PORT);
	memcpy(&sin->sin_addr, to != NULL ? to->address + 12 : group4, 4);
	return (sizeof(*sin));
}

static socklen_t
destination_v6(struct sockaddr_in6 *sin6, const struct mdns_from *to,
    uint32_t index)
{
	memset(sin6, 0, sizeof(*sin6));
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons(to != NULL ? to->port : MDNS_PORT);
	sin6->sin6_scope_id = index;
	memcpy(&sin6->sin6_addr, to != NULL ? to->address : group6, 16);
	return (sizeof(*sin6));
}

static void
control_put(struct msghdr *m, int level, int type, const void *data,
    size_t len)
{
	struct cmsghdr *c;

	m->msg_controllen = CMSG_SPACE(len);
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
}

int
sockets_send(int v6, uint32_t index, const uint8_t *source,
    const struct mdns_from *to, const uint8_t *bytes, size_t len)
{
	struct sockaddr_storage ss;
	struct in6_pktinfo pi6;
	struct in_pktinfo pi;
	union control control;
	struct msghdr m;
	struct iovec iov;

	memset(&control, 0, sizeof(control));
	memset(&m, 0, sizeof(m));
	memcpy(&iov.iov_base, &bytes, sizeof(bytes));
	iov.iov_len = len;
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	m.msg_name = &ss;
	m.msg_control = control.bytes;
	if (v6) {
		m.msg_namelen = destination_v6((struct sockaddr_in6 *)&ss, to,
		    index);
		memset(&pi6, 0, sizeof(pi6));
		pi6.ipi6_ifindex = index;
		control_put(&m, IPPROTO_IPV6, IPV6_PKTINFO, &pi6, sizeof(pi6));
	} else {
		m.msg_namelen = destination_v4((struct sockaddr_in *)&ss, to);
		memset(&pi, 0, sizeof(pi));
		pi.ipi_ifindex = (int)index;
		if (source != NULL)
			memcpy(&pi.ipi_spec_dst, source, 4);
		control_put(&m, IPPROTO_IP, IP_PKTINFO, &pi, sizeof(pi));
	}
	return (sendmsg(sockets[v6 != 0].fd, &m, MSG_NOSIGNAL) == -1 ? -1 : 0);
}
