/*
 * The interfaces of this machine and their addresses, as the kernel tells of
 * them, all the time.
 */
#ifndef DISCOVERY_INTERFACES_H
#define DISCOVERY_INTERFACES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "discovery/netlink.h"

struct conf;

#define INTERFACES_MAX			1024
#define INTERFACE_ADDRESSES_MAX		32

struct interface_address {
	int		 v6;
	int		 usable;	/* it is ours by now, and to stay */
	int		 seen;		/* in the dump that is under way */
	unsigned int	 prefix;
	uint8_t		 bytes[16];	/* 4 for IPv4, the rest 0 */
};

struct interface {
	TAILQ_ENTRY(interface) entry;
	uint32_t	 index;
	uint32_t	 flags;		/* IFF_ */
	uint32_t	 mtu;
	char		 name[NETLINK_NAME_MAX];
	int		 seen;
	uint32_t	 cuts;		/* another when it was down meanwhile */
	unsigned int	 naddresses;
	struct interface_address address[INTERFACE_ADDRESSES_MAX];
};
TAILQ_HEAD(interface_list, interface);

/* Ordered by index; to be read only. */
extern struct interface_list interfaces;

struct interfaces_stats {
	size_t		count;
	uint64_t	left_out;	/* interfaces or addresses, no room */
	uint64_t	overruns;	/* more news than there was room for */
};
extern struct interfaces_stats interfaces_stats;

/*
 * Opens the socket to the kernel and asks for everything.  Without one there
 * are no interfaces, which is logged.
 */
void	interfaces_start(void);

/*
 * Whether anything changed since the last call; not while a first picture or a
 * new one is still incomplete.
 */
int	interfaces_changed(void);

/* Why the kernel does not tell of interfaces: text, or NULL when it does. */
const char *interfaces_error(void);

/* When interfaces_run has something to do, UINT64_MAX for not at all. */
uint64_t interfaces_due(void);
void	interfaces_run(uint64_t now);

/*
 * As if all interfaces had been down: this machine slept, and others may have
 * forgotten it (RFC 6762, 8.3).
 */
void	interfaces_cut(void);

struct interface *interface_find(uint32_t index);
struct interface *interface_find_name(const char *, size_t);

/*
 * Why mDNS is not to run on an interface: a few words, or NULL where it is to.
 */
const char *interface_refused(const struct interface *, const struct conf *);

/* How many usable addresses of a family it has. */
unsigned int interface_count(const struct interface *, int v6);

/*
 * Whether an address is on the same network as the interface: of one of its
 * prefixes, or link-local for IPv6 (RFC 6762, 11).
 */
int	interface_on_link(const struct interface *, int v6,
	    const uint8_t *address);

/* Whether that is an address of this machine. */
int	interfaces_own(int v6, const uint8_t *address);

/* The pure part: one change into the table, at that time. */
void	interfaces_take(const struct netlink_change *, uint64_t now);

#endif
