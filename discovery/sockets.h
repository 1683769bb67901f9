/*
 * The two sockets of multicast DNS, one for each family, on port 5353, beside
 * those of others (RFC 6762, 15).
 */
#ifndef DISCOVERY_SOCKETS_H
#define DISCOVERY_SOCKETS_H

#include <stddef.h>
#include <stdint.h>

#include "discovery/mdns.h"

/* A packet that came in; borrowed.  from->own is not set yet. */
struct sockets_packet {
	uint32_t	 index;		/* of the interface */
	int		 v6;
	struct mdns_from from;
	const uint8_t	*bytes;
	size_t		 len;
};

/*
 * Opens the socket of a family, once, and has packets given to take from then
 * on, a bounded number in a turn of the loop.  Returns 0, or -1 when there is
 * none; sockets_error says why.
 */
int	sockets_open(int v6, void (*take)(const struct sockets_packet *));
void	sockets_close(void);

/* What is wrong with a family's socket: errno, or 0. */
int	sockets_error(int v6);

/*
 * Joins the group on an interface, or leaves it.  Returns 0, or -1 with errno
 * set.
 */
int	sockets_join(int v6, uint32_t index);
void	sockets_leave(int v6, uint32_t index);

/*
 * Sends on an interface: to the group, or to one host.  source is the address
 * to send from, of 4 bytes; NULL leaves that to the system.  Returns 0, or -1
 * with errno set.
 */
int	sockets_send(int v6, uint32_t index, const uint8_t *source,
	    const struct mdns_from *to, const uint8_t *, size_t);

#endif
