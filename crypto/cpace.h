/*
 * CPace, the balanced password-authenticated key exchange of
 * draft-irtf-cfrg-cpace, as the suite CPACE-RISTR255-SHA512 in its symmetric
 * mode (nobody is initiator: the transcript is put in order), with the key
 * confirmation that the draft recommends.  Two who know the same password, the
 * same two names and the same session get the same key; who tries a password
 * learns from one run whether that one was right, and nothing from a recording.
 *
 * Pure.  One struct is one run: cpace_start(), then cpace_take_share() with
 * what the other one sent, then cpace_take_tag(); each is allowed once, in this
 * order, and whatever fails leaves a run that can only be wiped.
 */
#ifndef CRYPTO_CPACE_H
#define CRYPTO_CPACE_H

#include <stddef.h>
#include <stdint.h>

#include "group.h"

#define CPACE_SHARE_BYTES	GROUP_BYTES
#define CPACE_KEY_BYTES		64	/* ISK */
#define CPACE_TAG_BYTES		64	/* HMAC-SHA-512 */
#define CPACE_PASSWORD_BYTES	64

struct cpace_bytes {
	const void	*p;
	size_t		 n;
};

/*
 * What both sides put in.  ad and remote_ad (ADa and ADb of the draft) are the
 * names of this side and of the other; they must differ, so that no message of
 * one side can be taken for one of the other.  ci has both names and what else
 * both must agree on, sid is of this session alone.
 */
struct cpace_input {
	struct cpace_bytes	prs;	/* the password */
	struct cpace_bytes	ci;
	struct cpace_bytes	sid;
	struct cpace_bytes	ad, remote_ad;
};

enum cpace_state { CPACE_FAILED, CPACE_STARTED, CPACE_DERIVED,
	CPACE_CONFIRMED };

struct cpace {
	enum cpace_state	 state;
	uint8_t			 scalar[GROUP_BYTES];
	uint8_t			 share[CPACE_SHARE_BYTES]; /* to send first */
	uint8_t			 isk[CPACE_KEY_BYTES];	/* once DERIVED */
	uint8_t			 tag[CPACE_TAG_BYTES];	/* to send then */
	uint8_t			 expected[CPACE_TAG_BYTES];
};

/*
 * The password of a channel: a hash of its name and its secret (which may have
 * no bytes), each with its length before it, so that all passwords are of one
 * length and no two channels share one.
 */
void	cpace_password(uint8_t out[CPACE_PASSWORD_BYTES],
	    struct cpace_bytes name, struct cpace_bytes secret);

/*
 * Chooses a fresh scalar and computes share.  Returns 0; or -1 when the names
 * are the same.
 */
int	cpace_start(struct cpace *, const struct cpace_input *,
	    const struct group_random *);

/*
 * Computes isk and tag from the share of the other side; the input is the same
 * as before.  Returns 0; or -1 when the share is not an element, is the
 * identity or is our own come back, or when there was one before.
 */
int	cpace_take_share(struct cpace *, const struct cpace_input *,
	    const uint8_t share[CPACE_SHARE_BYTES]);

/*
 * Returns 0 when the tag shows that the other side has the same isk, -1 when
 * not.  Compares in constant time.
 */
int	cpace_take_tag(struct cpace *, const uint8_t tag[CPACE_TAG_BYTES]);

/* Forgets everything; the state is CPACE_FAILED then. */
void	cpace_wipe(struct cpace *);

/* The generator that both compute: calculate_generator of the draft. */
void	cpace_generator(uint8_t out[GROUP_BYTES], const struct cpace_input *);

#endif
