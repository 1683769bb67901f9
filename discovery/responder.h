/*
 * The side of multicast DNS that answers (RFC 6762, 6 to 8 and 10), for one
 * service of this machine, pure: packets and times in, packets out.
 *
 * It has two names, both random: that of the service's instance and that of the
 * host.  They are the same on all links; each link has its own addresses,
 * probes and announces by itself, and answers for itself.  A conflict on any of
 * them changes both names everywhere.
 */
#ifndef DISCOVERY_RESPONDER_H
#define DISCOVERY_RESPONDER_H

#include "discovery/dns.h"
#include "discovery/mdns.h"

#define RESPONDER_LINKS_MAX	64
#define RESPONDER_ADDRESSES_MAX	8	/* of each family on a link */
#define RESPONDER_TXT_MAX	256

struct responder;

struct responder_addresses {
	unsigned int	n4, n6;
	uint8_t		v4[RESPONDER_ADDRESSES_MAX][4];
	uint8_t		v6[RESPONDER_ADDRESSES_MAX][16];
};

/*
 * A responder for a service type ("_nws._tcp.local") at a port.  random is
 * copied and used for the names and the delays.  NULL without memory or when
 * the type is no name of at least two labels.
 */
struct responder *responder_new(const char *service, uint16_t port,
	    const struct mdns_random *random);

void	responder_free(struct responder *);

/*
 * Sets the TXT data, as dns_txt_add made it; a change is announced at once.
 * Returns 0, or -1 above RESPONDER_TXT_MAX or when the data are no whole
 * strings.
 */
int	responder_set_txt(struct responder *, const uint8_t *, size_t,
	    uint64_t now);

/*
 * A link is there, with these addresses, for packets of at most max_bytes (at
 * least MDNS_BYTES_LEAST are used): a new one is probed; new addresses of one
 * that is known are announced, and those that went are said to be gone.
 * Without any address it waits.  Too many of a family are cut.  Returns 0, or
 * -1 when there are RESPONDER_LINKS_MAX.
 *
 * A link that was cut and is there again must be deleted and set anew, so that
 * it probes again (RFC 6762, 8.3).
 */
int	responder_set_link(struct responder *, uint32_t id, size_t max_bytes,
	    const struct responder_addresses *, uint64_t now);

void	responder_delete_link(struct responder *, uint32_t id);

/*
 * The same for a link that is there still but not to be used any more: the
 * goodbyes are sent within the call (10.1).  The other links announce anew,
 * since who hears two of them should not forget us.
 */
void	responder_leave_link(struct responder *, uint32_t id, uint64_t now,
	    const struct mdns_sender *);

/*
 * A packet that came in on a link.  Answers to one host alone are sent within
 * the call, others by responder_run.  Returns 0, or -1 when the packet is
 * malformed; what is well-formed and not for us is 0.
 */
int	responder_input(struct responder *, uint32_t id,
	    const struct mdns_from *, const uint8_t *, size_t, uint64_t now,
	    const struct mdns_sender *);

/* When responder_run has something to do, MDNS_NEVER for not at all. */
uint64_t responder_due(const struct responder *);

/* Sends what is due. */
void	responder_run(struct responder *, uint64_t now,
	    const struct mdns_sender *);

/*
 * Takes everything back: the next run sends the goodbyes (10.1), nothing is
 * sent after it.
 */
void	responder_stop(struct responder *);

/* The names, which change with a conflict. */
const struct dns_name *responder_instance(const struct responder *);
const struct dns_name *responder_host(const struct responder *);

/* Whether an instance is ours, by its name of now or the one before. */
int	responder_owns(const struct responder *, const struct dns_name *);

/* Whether a link's names are established there: it answers. */
int	responder_ready(const struct responder *, uint32_t id);

/* Conflicts so far that made it probe again or change its names. */
uint64_t responder_conflicts(const struct responder *);

#endif
