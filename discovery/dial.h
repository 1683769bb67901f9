/*
 * Connecting to a node that has several addresses (RFC 8305): one after the
 * other, a quarter of a second apart, until one answers.
 */
#ifndef DISCOVERY_DIAL_H
#define DISCOVERY_DIAL_H

#include <stddef.h>
#include <stdint.h>

#define DIAL_ADDRESSES_MAX	16
#define DIAL_STEP_MS		250	/* RFC 8305, 5 */
#define DIAL_TIMEOUT_MS		10000
#define DIAL_WHY_BYTES		256
#define DIAL_TEXT_BYTES		80

struct dial_address {
	uint8_t		addr[16];	/* IPv6 or v4-mapped */
	uint32_t	scope;		/* of a link-local address, or 0 */
	uint16_t	port;
};

struct dial;

/*
 * What is called in the end, from the loop, unless it is cancelled before: fd
 * is a connected socket, which is the callee's then, and the address the one
 * that answered; or -1 and why, a sentence without its end.  The dial is freed
 * when it returns.
 */
typedef void dial_done(void *arg, int fd, const struct dial_address *,
	    const char *why);

/*
 * Begins to dial n addresses, in the order of dial_sort; of more than
 * DIAL_ADDRESSES_MAX the first ones.  NULL when out of memory.
 */
struct dial *dial_start(const struct dial_address *, size_t n, dial_done *,
	    void *arg);
void	dial_cancel(struct dial *);

/*
 * Orders addresses by turns of the families, IPv6 first (RFC 8305, 4), each
 * family in the order given.
 */
void	dial_sort(struct dial_address *, size_t n);

int	dial_is_v6(const struct dial_address *);
int	dial_same(const struct dial_address *, const struct dial_address *);

/* "192.168.1.7", "fe80::1%2": in buf, which is returned; 80 bytes hold it. */
const char *dial_text(const struct dial_address *, char *buf, size_t);

#endif
