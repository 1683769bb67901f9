/*
 * What the two sides of multicast DNS (RFC 6762) share: where a packet came
 * from and goes to, and random numbers.  A link is one multicast group, of IPv4
 * or IPv6, on one interface; whoever owns the sockets gives it a number.  Times
 * are milliseconds of a clock that never goes back.
 */
#ifndef DISCOVERY_MDNS_H
#define DISCOVERY_MDNS_H

#include <stddef.h>
#include <stdint.h>

#define MDNS_PORT		5353
#define MDNS_NEVER		UINT64_MAX
/* An Ethernet frame without the headers of IP and UDP (RFC 6762, 17). */
#define MDNS_BYTES_IPV4		1472
#define MDNS_BYTES_IPV6		1440
#define MDNS_BYTES_LEAST	512
#define MDNS_SOURCES		64	/* classes of hosts */

/*
 * Where a packet came from.  The caller made sure that this is on the link
 * (RFC 6762, 11).
 */
struct mdns_from {
	uint8_t		address[16];	/* IPv4 mapped */
	uint16_t	port;
	int		multicast;	/* the packet was sent to the group */
	int		own;		/* from an address of this machine */
	uint32_t	source;		/* class of its address, by a hash */
};

/* A packet to send; bytes are borrowed until the call returns. */
struct mdns_out {
	uint32_t		 link;
	const struct mdns_from	*to;	/* NULL: to the group */
	const uint8_t		*bytes;
	size_t			 len;
};

/* Takes packets; must not call back into who sends. */
struct mdns_sender {
	void	(*send)(void *arg, const struct mdns_out *);
	void	*arg;
};

struct mdns_random {
	uint32_t	(*next)(void *arg);	/* 32 random bits */
	void		*arg;
};

/* A random number from low to high, both included. */
uint32_t mdns_random_between(const struct mdns_random *, uint32_t low,
	    uint32_t high);

/* Same address and port. */
int	 mdns_from_same(const struct mdns_from *, const struct mdns_from *);

#endif
