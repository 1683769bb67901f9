/* What the files of the responder share; for nobody else. */
#ifndef DISCOVERY_RESPONDER_PRIVATE_H
#define DISCOVERY_RESPONDER_PRIVATE_H

#include "discovery/responder.h"

#define TTL_HOST	120u	/* seconds, RFC 6762, 10 */
#define TTL_OTHER	4500u
#define TTL_LEGACY	10u	/* RFC 6762, 6.7 */
#define LABEL_BYTES	16
#define WAITING_MAX	8
#define GAP_MS		1000u	/* between the same record twice (6) */
#define GAP_PROBE_MS	250u
#define CONFLICTS_MAX	15	/* RFC 6762, 8.1 */

/*
 * The records of a link.  A set of them is a bit mask; the address ones are
 * there as far as the link has addresses.
 */
enum {
	R_META,			/* _services._dns-sd._udp (RFC 6763, 9) */
	R_PTR,
	R_SRV,
	R_TXT,
	R_NSEC_INSTANCE,
	R_NSEC_HOST,
	R_A,
	R_AAAA		= R_A + RESPONDER_ADDRESSES_MAX,
	R_COUNT		= R_AAAA + RESPONDER_ADDRESSES_MAX
};

#define BIT(n)		((uint32_t)1 << (n))
#define M_A		((BIT(RESPONDER_ADDRESSES_MAX) - 1) << R_A)
#define M_AAAA		((BIT(RESPONDER_ADDRESSES_MAX) - 1) << R_AAAA)
#define M_NSEC		(BIT(R_NSEC_INSTANCE) | BIT(R_NSEC_HOST))
#define M_SHARED	(BIT(R_META) | BIT(R_PTR))
#define M_INSTANCE	(BIT(R_SRV) | BIT(R_TXT))
#define M_PROBED	(M_INSTANCE | M_A | M_AAAA)
#define M_ANNOUNCED	(M_PROBED | BIT(R_PTR))

enum link_state {
	LINK_FREE,		/* no link in this place */
	LINK_IDLE,		/* no address, or stopped */
	LINK_PROBING,
	LINK_RUNNING
};

/* Who asked with TC, and what he gets unless he knows it (RFC 6762, 7.2). */
struct waiting {
	struct mdns_from	from;
	uint32_t		answers;	/* 0: free */
	uint64_t		due_ms;
};

struct link {
	enum link_state		 state;
	uint32_t		 id;
	size_t			 max_bytes;
	struct responder_addresses addresses;
	struct responder_addresses removed;	/* to be said at next chance */
	uint64_t		 next_ms;	/* probe or announcement */
	unsigned int		 sent;		/* of them */
	int			 told;		/* names were announced here */
	int			 farewell;	/* the old names must go */
	uint64_t		 due_ms[R_COUNT]; /* MDNS_NEVER: not asked */
	uint64_t		 last_ms[R_COUNT]; /* multicast, if in said */
	uint32_t		 said;
	struct waiting		 waiting[WAITING_MAX];
	uint64_t		 unicast_ms;	/* its bucket is full then */
};

struct names {
	struct dns_name	instance, host;
};

struct responder {
	struct mdns_random	 random;
	struct dns_name		 local, service, meta;
	struct names		 names, old;
	uint16_t		 port;
	uint8_t			 txt[RESPONDER_TXT_MAX];
	size_t			 txtlen;
	int			 stopping;
	uint64_t		 conflicts;
	uint64_t		 conflict_ms[CONFLICTS_MAX];
	struct link		 links[RESPONDER_LINKS_MAX];
};

/* A packet of answers that is not for the whole link. */
struct reply {
	const struct mdns_from	*to;
	const uint8_t		*query;		/* legacy: what he asked, */
	size_t			 querylen;	/* else NULL */
};

/* responder.c: the link of that number, or NULL. */
struct link *responder_link(struct responder *, uint32_t id);

/*
 * Another host holds one of our names on a link: it is probed again there (RFC
 * 6762, 9), or while that is done changed (8.1).
 */
void	responder_conflict(struct responder *, struct link *, uint64_t now);

/* Answers for the whole link, delay_ms from now or when they may be (6). */
void	responder_schedule(struct link *, uint32_t answers, uint32_t delay_ms,
	    uint32_t gap_ms, uint64_t now);

/* responder_packet.c.  */

/* Makes one record; returns 0 when the link has no such one. */
int	responder_record(const struct responder *, const struct link *,
	    const struct names *, unsigned int index, struct dns_record *);

/* Which of the link's records is the same: its mask, 0 for none. */
uint32_t responder_find(const struct responder *, const struct link *,
	    const struct dns_record *);

/* Those of a mask that the link has. */
uint32_t responder_present(const struct link *, uint32_t mask);

/* What belongs beside these answers (RFC 6763, 12; RFC 6762, 6.1). */
uint32_t responder_additional(const struct link *, uint32_t answers);

/*
 * Send.  Answers that do not fit go into further packets; additional records
 * that do not are left out.
 */
void	responder_send_probe(const struct responder *, const struct link *,
	    const struct mdns_sender *);
void	responder_send_answers(const struct responder *, const struct link *,
	    uint32_t answers, uint32_t additional, const struct reply *,
	    const struct mdns_sender *);
void	responder_send_goodbye(const struct responder *, const struct link *,
	    const struct names *, const struct mdns_sender *);
void	responder_send_removed(const struct responder *, const struct link *,
	    const struct mdns_sender *);

#endif
