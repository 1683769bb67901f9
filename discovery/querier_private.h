/* What the files of the querier share; for nobody else. */
#ifndef DISCOVERY_QUERIER_PRIVATE_H
#define DISCOVERY_QUERIER_PRIVATE_H

#include <sys/queue.h>

#include <bsd/sys/tree.h>

#include "discovery/querier.h"

#define QUERIER_AGES	3
#define QUERIER_TRIES	4	/* to resolve one, at 0, 1, 3 and 7 s */

struct querier_link {
	int		 used;
	uint32_t	 id;
	size_t		 max_bytes;
	uint64_t	 browse_ms;	/* the next question for the type */
	uint64_t	 interval_ms;	/* and the time to the one after it */
	uint64_t	 ask_ms;	/* other questions; MDNS_NEVER: none */
	uint64_t	 asked_ms;
	uint64_t	 refresh_ms;	/* for the type, out of turn */
	uint64_t	 browsed_ms;	/* when it was asked for last */
	int		 browsed;	/* whether that means something */
	int		 asked;		/* whether asked_ms does */
	int		 suppressed;	/* by others' questions, in a row */
};

struct instance {
	RB_ENTRY(instance)	 by_name, by_host;
	TAILQ_ENTRY(instance)	 by_age, by_stale;
	struct dns_name		 name;
	struct dns_name		 host;		/* len 0: not known */
	int			 resolved, pinned;
	int			 stale;		/* in that list */
	int			 told;
	int			 again;		/* to be told as found */
	int			 evicted;	/* in left */
	uint32_t		 source;
	unsigned int		 tries;
	uint64_t		 ask_ms;	/* MDNS_NEVER: not */
	uint64_t		 asked_ms;
	uint64_t		 on;		/* links it was heard on */
	uint64_t		 need;		/* those to ask on */
	struct querier_service	 service;	/* as told last */
};

RB_HEAD(instance_tree, instance);
RB_HEAD(instance_host_tree, instance);
TAILQ_HEAD(instance_list, instance);

struct querier {
	struct mdns_random	 random;
	struct dns_name		 type;
	struct cache		 cache;
	struct instance_tree	 by_name;
	struct instance_host_tree by_host;
	/* Unresolved, resolved, pinned; the one heard longest ago first. */
	struct instance_list	 by_age[QUERIER_AGES];
	struct instance_list	 stale;	/* to be looked at anew */
	struct instance_list	 left;		/* out, to be reported gone */
	size_t			 count, nresolved, nleft;
	size_t			 held[MDNS_SOURCES]; /* of count, by source */
	uint64_t		 now;		/* as told last */
	uint64_t		 evicted;
	struct querier_link	 link[QUERIER_LINKS_MAX];
};

/* querier.c: the instance of that name, and its PTR on link[n]; or NULL. */
struct instance *querier_instance(struct querier *, const struct dns_name *);
struct cache_entry *querier_pointer(struct querier *, const struct instance *,
	    size_t n);

/* Takes an instance out with its records; may free it. */
void	querier_instance_remove(struct querier *, struct instance *);

/* Notes whether it is resolved, and begins to resolve it if not; pins it. */
void	querier_instance_resolved(struct querier *, struct instance *,
	    int resolved);
void	querier_instance_pin(struct querier *, struct instance *, int pinned);

/* An entry is to be asked for, while something depends on it. */
void	querier_refresh(struct querier *, struct cache_entry *);

/*
 * querier_packet.c: asks a link for the type, or for what there is to be asked
 * about records, which are marked as asked; that returns 1 when there is more
 * of it than may be asked at once, else 0.
 */
void	querier_browse(struct querier *, struct querier_link *, uint64_t now,
	    const struct mdns_sender *);
int	querier_ask(struct querier *, struct querier_link *,
	    const struct mdns_sender *);

/*
 * Whether another host's query makes ours needless (RFC 6762, 7.3): the same
 * question, to all, whose asker knows nothing that we do not.
 */
int	querier_same_question(struct querier *, const struct querier_link *,
	    const uint8_t *, size_t);

#endif
