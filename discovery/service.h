/*
 * The service _nws._tcp on this network: ours announced, that of others found,
 * on every interface that is to be used.
 */
#ifndef DISCOVERY_SERVICE_H
#define DISCOVERY_SERVICE_H

#include <stddef.h>
#include <stdint.h>

#include "discovery/dial.h"
#include "discovery/dns.h"
#include "discovery/interfaces.h"
#include "discovery/querier.h"

#define SERVICE_LINKS_MAX	64	/* an interface has up to two */
#define SERVICE_SENT		32	/* packets that may come back */

struct conf;

/* The group of one family on one interface. */
struct service_link {
	int		 used;
	uint32_t	 index;
	int		 v6;
	uint32_t	 cuts;		/* of the interface, when it began */
	int		 join_error;	/* errno, 0: it hears the group */
	int		 send_error;	/* of the last packet */
	uint64_t	 packets_in, packets_out;
	uint64_t	 others_in;	/* from other machines, */
	uint64_t	 others_ms;	/* and when the last one came */
	uint64_t	 own_in;	/* ours, that came back to us */
	uint64_t	 ask_ms;	/* to begin anew, after a flood */
	uint64_t	 bucket_us;	/* of packets that are looked at */
	uint64_t	 source_us[MDNS_SOURCES]; /* and by sources */
	unsigned int	 nsent;
	uint64_t	 sent[SERVICE_SENT]; /* hashes of them */
	uint8_t		 source[4];	/* IPv4: to send from */
};

/* Follows the configuration: begins, ends, or takes other interfaces. */
void	service_configure(const struct conf *);

/* The port that is announced; 0: none is, and others are looked for. */
void	service_port(uint16_t);

/* Says to all that our side of links began anew. */
void	service_renew(void);

/* The interfaces changed. */
void	service_interfaces(void);

/* When service_run has something to do, MDNS_NEVER for not at all. */
uint64_t service_due(void);
void	service_run(void);

/* Takes back what was announced, at once. */
void	service_goodbye(void);

/*
 * The addresses of a service as they are to be dialled: the best ones first,
 * each once, at most DIAL_ADDRESSES_MAX; none that leads out of this network.
 */
size_t	service_addresses(const struct querier_service *,
	    struct dial_address *);

/* As querier.h has them. */
void	service_pin(const struct dns_name *, int pin);
void	service_doubt(const struct dns_name *);

/*
 * For the rows: whether mDNS runs at all; the link of an interface, or NULL;
 * whether our name is established on it; how many are in use; our own names
 * and port, -1 where nothing is announced; what the querier holds.
 */
int	service_on(void);
const struct service_link *service_link(uint32_t index, int v6);
int	service_ready(const struct service_link *);
size_t	service_links(void);
int	service_own(struct dns_name *instance, struct dns_name *host,
	    uint16_t *port, uint32_t *generation);
void	service_stats(struct querier_stats *, uint64_t *conflicts);

#endif
