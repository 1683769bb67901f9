/*
 * What the files of the matching share: match.c has channels and pairs,
 * match_run.c sweeps and runs, match_cpace.c what comes after a match.
 */
#ifndef CRYPTO_MATCH_PRIVATE_H
#define CRYPTO_MATCH_PRIVATE_H

#include <sys/queue.h>

#include "../common/idmap.h"
#include "match.h"

struct match_pair;

/* A channel of this machine. */
struct match_channel {
	TAILQ_ENTRY(match_channel) entry;
	uint64_t		 number;	/* the caller's */
	uint8_t			 password[CPACE_PASSWORD_BYTES];
	struct match_pair	*pair;		/* shared, or NULL */
	int			 swept;		/* was in a sweep */
};
TAILQ_HEAD(match_channels, match_channel);

/*
 * A channel that both sides opened, until both closed it: ours is what we call
 * it, theirs what they do.
 */
struct match_pair {
	TAILQ_ENTRY(match_pair)	 entry;		/* while closing */
	uint32_t		 ours, theirs;
	struct match_channel	*channel;	/* NULL: closing */
	uint64_t		 closed_ms;
};
TAILQ_HEAD(match_pairs, match_pair);

/* A match, on its way to be a pair. */
struct match_candidate {
	uint8_t			 position;
	struct match_channel	*channel;	/* NULL: left meanwhile */
	struct cpace		 cpace;
	uint32_t		 ours, theirs;	/* 0: did not say OPENED */
};

enum match_state {
	MATCH_IDLE,
	MATCH_OFFERED,		/* lead: waits for ANSWER */
	MATCH_ANSWERED,		/* follower: waits for TAGS */
	MATCH_OPENING		/* waits for CPace messages */
};

/*
 * One run.  It has the passwords itself, so that it goes on to its end with
 * those of channels that are left meanwhile, as the peer expects.
 */
struct match_run {
	uint64_t		 deadline_ms;
	uint8_t			 session[PSI_SESSION_BYTES];
	struct psi		 psi;
	struct match_channel	*channels[PSI_MAX];	/* NULL: left */
	uint8_t			 passwords[PSI_MAX][CPACE_PASSWORD_BYTES];
	size_t			 nchannels;
	size_t			 ncandidates, nopened;
	struct match_candidate	 candidates[PSI_MAX];
};

/*
 * What is held against what: the channels that there were when it began, new
 * ones first; NULL where one was removed.
 */
struct match_sweep {
	struct match_channel	*channels[MATCH_CHANNELS_MAX];
	size_t			 nnew, n;
	/* of the lead */
	int			 active;
	enum nwsproto_scope	 scope;		/* of the follower's */
	size_t			 page;		/* of ours */
	size_t			 remote_page, remote_pages; /* 0: not known */
	int			 answered;
	uint32_t		 generation;	/* of the follower's */
};

struct match {
	struct match_config	 config;
	uint8_t			 id[MATCH_ID_MAX], remote_id[MATCH_ID_MAX];
	uint8_t			 binding[MATCH_BINDING_MAX];
	uint8_t			 ci[PSI_SESSION_BYTES];	/* see cpace_input */

	struct match_channels	 channels;
	struct idmap		 by_number;	/* struct match_channel */
	struct idmap		 by_theirs;	/* struct match_pair */
	struct match_pairs	 closing;
	size_t			 nshared;
	uint32_t		 last_ours, last_theirs;

	enum match_state	 state;
	struct match_run	*run;		/* unless IDLE */
	uint32_t		 run_number;
	uint64_t		 not_before_ms;	/* no run before */
	struct match_sweep	 sweep;

	int			 fresh;		/* channels are in no sweep */
	uint32_t		 generation;	/* of the last CHANGED */
	uint32_t		 swept_generation; /* of the last sweep */
	int			 swept_once;
};

/* match_run.c */

/* Wipes and frees the run, if there is one; the state is MATCH_IDLE then. */
void	match_run_end(struct match *);

/* Lead: the next run of the sweep, or a new sweep, where one is due. */
int	match_run_turn(struct match *, uint64_t now_ms, const char **why);

/* Lead: a run is over, with all that it opened. */
void	match_run_done(struct match *);

/* Whether match_run_turn() would begin one, once it is time. */
int	match_run_due(const struct match *);

int	match_run_take(struct match *, const struct nwsproto *,
	    uint64_t now_ms, const char **why);

/* Forgets a channel that is about to be freed. */
void	match_run_forget(struct match *, const struct match_channel *);

/* match_cpace.c */

/* Begins CPace for each match of the run, and sends the shares. */
int	match_open(struct match *, const char **why);

/* SHARE, CONFIRM and OPENED. */
int	match_open_take(struct match *, const struct nwsproto *,
	    uint64_t now_ms, const char **why);

/* match.c */

/* Both opened: reports it, or closes it where the channel is left. */
int	match_pair_new(struct match *, const struct match_candidate *,
	    uint64_t now_ms, const char **why);

#endif
