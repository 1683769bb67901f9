/*
 * Targets: the nodes to have a link to.  Those that mDNS found, and those that
 * nwsd.conf or nwsctl(8) named.  Each has a number, which no other ever gets,
 * and a state; here is decided who is dialled when.  What that takes is done by
 * others (struct targets_ops), so that this can be tested without a network.
 */
#ifndef DISCOVERY_TARGETS_H
#define DISCOVERY_TARGETS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/msg.h"
#include "discovery/dial.h"
#include "discovery/querier.h"
#include "discovery/resolve.h"

#define TARGETS_FOUND_MAX	256	/* by mDNS */
#define TARGETS_NAMED_MAX	1024	/* by nwsd.conf and nwsctl */
#define TARGETS_DIALS_MAX	16	/* at once, of those found */
#define TARGETS_NAMED_DIALS_MAX	16	/* and of those named */
#define TARGETS_OPEN_MAX	64	/* found ones with crypto, not linked */
#define TARGETS_OPEN_EACH	16	/* those of one class of hosts */
#define TARGETS_BURST		64	/* dials of found ones at once, then */
#define TARGETS_EACH_MS		50	/* one for each of these */
#define TARGETS_PRESSED_MS	1000	/* a dial's time while others wait */
#define TARGETS_BACKOFF_MS	1000
#define TARGETS_BACKOFF_MAX_MS	60000
#define TARGETS_GONE_TRIES	5	/* of one that mDNS no longer has */
#define TARGETS_CHANGES		5	/* of our network at once, then */
#define TARGETS_CHANGES_MS	10000	/* one for each of these */

struct target {
	TAILQ_ENTRY(target)	 entry;
	uint32_t		 number;
	enum peer_origin	 origin;
	enum peer_state		 state;
	uint32_t		 attempts;	/* failed in a row */
	uint64_t		 next_ms;	/* MDNS_NEVER: not by itself */
	uint64_t		 since_ms;	/* that the dial has lasted */
	int			 seen;		/* among those named now */
	int			 gone;		/* mDNS does not have it now */
	int			 evicted;	/* nor was that its own doing */
	int			 ignored;	/* not to be dialled; see why */
	int			 handed;	/* crypto knows its number */
	struct dial		*dial;
	struct resolve		*resolve;
	size_t			 naddresses;
	struct dial_address	 address[DIAL_ADDRESSES_MAX];
	size_t			 nlinked;	/* those when it was linked */
	struct dial_address	 linked[DIAL_ADDRESSES_MAX];
	char			*host;		/* as named; NULL: found */
	uint16_t		 port;
	struct querier_service	 service;	/* as found */
	char			 why[DIAL_WHY_BYTES]; /* peer id, or error */
};
TAILQ_HEAD(target_list, target);

/* In the order of their numbers; to be read only. */
extern struct target_list targets;

struct targets_stats {
	size_t		found, named, linked;
	size_t		dials;		/* under way */
	uint64_t	crowded;	/* no room for another target */
};
extern struct targets_stats targets_stats;

struct targets_ops {
	/* As dial.h and resolve.h have them; arg is the target. */
	struct dial	*(*dial)(const struct dial_address *, size_t,
			    dial_done *, void *arg);
	void		 (*dial_cancel)(struct dial *);
	struct resolve	*(*resolve)(const char *, resolve_done *, void *arg);
	void		 (*resolve_cancel)(struct resolve *);
	/* A connected socket, taken, to crypto: 0, or -1 without one. */
	int		 (*hand_over)(uint32_t number, int fd,
			    const struct dial_address *);
	/* Whether crypto is there and keeps up. */
	int		 (*ready)(void);
	void		 (*forget)(uint32_t number);
	void		 (*pin)(const struct dns_name *, int);
	void		 (*doubt)(const struct dns_name *);
	/* A target came, or goes. */
	void		 (*event)(const struct target *, int found);
	uint64_t	 (*now)(void);
	uint32_t	 (*random)(void);
};

void	targets_init(const struct targets_ops *);

/*
 * What querier_report said of an instance that is not ours, with its addresses
 * as they are to be dialled.  Returns 0, or -1 when there is no room for it.
 * Who has announced fewer than others takes the place of one of theirs.
 */
int	targets_found(const struct querier_service *,
	    const struct dial_address *, size_t n);
/* It is gone; or evicted: tried for some time yet. */
void	targets_gone(const struct querier_service *);
void	targets_evicted(const struct querier_service *);

/* All that mDNS found is gone: it was turned off. */
void	targets_all_gone(void);

/*
 * The nodes that were named in one place, all of them: begin, one after the
 * other, end; those that are not among them any more are forgotten at the end.
 */
void	targets_named_begin(void);
void	targets_named(enum peer_origin, const char *host, uint16_t port);
void	targets_named_end(enum peer_origin);

/* LINKED: enum linked, and what follows, as text. */
void	targets_linked(uint32_t number, uint32_t what, const char *, size_t);

/* There is another crypto, or none: no link is left. */
void	targets_crypto(void);

/*
 * An interface or an address of this machine changed: try again soon.  Where
 * that happens all the time (containers come and go) it is bounded how often.
 */
void	targets_network_changed(void);

/* When targets_run has something to do, MDNS_NEVER for not at all. */
uint64_t targets_due(void);
void	targets_run(void);

/* Frees all, without a word to anybody; for tests. */
void	targets_clear(void);

#endif
