/*
 * What the kernel says of interfaces and their addresses (rtnetlink(7)), pure:
 * bytes in, one change at a time out.  The kernel is trusted to mean well, not
 * to be without mistakes: nothing is read beyond the bytes that came.
 */
#ifndef DISCOVERY_NETLINK_H
#define DISCOVERY_NETLINK_H

#include <stddef.h>
#include <stdint.h>

#define NETLINK_NAME_MAX	16	/* with the NUL */
#define NETLINK_REQUEST_BYTES	32	/* largest request that is made here */

enum netlink_what {
	NETLINK_OTHER,		/* nothing that concerns us */
	NETLINK_LINK,		/* there, or changed */
	NETLINK_LINK_GONE,
	NETLINK_ADDRESS,
	NETLINK_ADDRESS_GONE,
	NETLINK_DONE,		/* end of a dump */
	NETLINK_FAILED		/* a request was refused: error */
};

struct netlink_change {
	enum netlink_what what;
	uint32_t	 seq;		/* of the request; 0: none */
	int		 interrupted;	/* the dump has to be made again */
	int		 error;		/* errno, of FAILED */
	uint32_t	 index;		/* of the interface */
	uint32_t	 flags;		/* link: IFF_, address: IFA_F_ */
	/* Of a link. */
	uint32_t	 mtu;
	char		 name[NETLINK_NAME_MAX];
	/* Of an address. */
	int		 v6;
	unsigned int	 prefix;	/* bits, at most 32 or 128 */
	uint8_t		 address[16];	/* 4 for IPv4, the rest 0 */
};

/*
 * The next message of a datagram from the kernel; begin with *at = 0.  Returns
 * 1; 0 at the end; -1 when what is left is no whole message.  A message that is
 * whole and makes no sense is NETLINK_OTHER.
 */
int	netlink_next(const void *, size_t, size_t *at,
	    struct netlink_change *);

/*
 * Makes the request for a dump of all links or all addresses; returns its
 * length.  buf has room for NETLINK_REQUEST_BYTES.
 */
size_t	netlink_request_links(void *buf, uint32_t seq);
size_t	netlink_request_addresses(void *buf, uint32_t seq);

#endif
