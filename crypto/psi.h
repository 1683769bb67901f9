/*
 * Private set intersection of two sets of channels, by Diffie-Hellman on
 * ristretto255 (Jarecki and Liu, "Fast Secure Computation of Set
 * Intersection", SCN 2010).  Pure; one struct is one run.
 *
 * Each side hashes its channels to the group, multiplies all by one fresh
 * scalar, adds random elements up to 8, 16, 32 or 64, shuffles and sends them.
 * What it gets it multiplies by the same scalar: where both have the same
 * channel x, both arrive at a * b * H(x).  Each side sends back, for every
 * element that it got, in the order that it got them, 16 bytes of a hash of
 * the product, the session and its role (a tag), and holds the tags that it
 * gets for its own elements against the products that it computed itself.
 *
 * Who learns what:
 * - Of an element that is no common one, a tag tells nothing: the product is
 *   as good as random to whoever does not know the logarithm (DDH), which
 *   nobody knows of a hash.  So both learn the intersection, and of the rest
 *   of the other's set only its size, rounded up to 8, 16, 32 or 64.
 * - A side that lies about its set has 64 guesses in a run at most, and has to
 *   name them before it sees a tag: its elements are sent first.  A guess that
 *   was not among them cannot be tried later on what was received.
 * - Tags carry session and role: tags that are sent back do not match
 *   anything, and who passes elements and tags on between two links neither
 *   gets a match on either nor sees whether the two at the ends have one.  A
 *   match is therefore proof that the other side computed with H(x) itself.
 * - Whoever sends its tags last can break off before, and knows the
 *   intersection of the sets that were sent while the other side knows
 *   nothing.  That cannot be prevented, and gains no more than the run that
 *   was paid for: the caller counts the run when it sends its elements or its
 *   tags, not when it ends.  A match alone opens nothing; see cpace.h.
 * - A scalar serves one run, so elements of two runs cannot be compared, not
 *   even to see that the sets are the same.
 */
#ifndef CRYPTO_PSI_H
#define CRYPTO_PSI_H

#include <stddef.h>
#include <stdint.h>

#include "cpace.h"
#include "group.h"

#define PSI_MAX			64	/* elements of one side */
#define PSI_MIN			8
#define PSI_ELEMENT_BYTES	GROUP_BYTES
#define PSI_TAG_BYTES		16
#define PSI_SESSION_BYTES	64

enum psi_role { PSI_LEAD, PSI_FOLLOW };
enum psi_state { PSI_FAILED, PSI_STARTED, PSI_MULTIPLIED, PSI_DONE };

/*
 * A common channel: the position of its element among those of the lead, which
 * both know, and which of our channels it is.
 */
struct psi_match {
	uint8_t		position;
	uint8_t		item;
};

struct psi {
	enum psi_state	 state;
	enum psi_role	 role;
	uint8_t		 session[PSI_SESSION_BYTES];
	uint8_t		 scalar[GROUP_BYTES];
	size_t		 count;			/* our elements, padded */
	uint8_t		 elements[PSI_MAX][PSI_ELEMENT_BYTES]; /* to send */
	uint8_t		 item[PSI_MAX];		/* of each, PSI_MAX: none */
	size_t		 remote_count;
	uint8_t		 products[PSI_MAX][GROUP_BYTES]; /* of theirs */
	size_t		 nmatches;		/* once DONE, by position */
	struct psi_match matches[PSI_MAX];
};

/* n rounded up to a number of elements that may be sent; 0 above PSI_MAX. */
size_t	psi_size(size_t n);

/*
 * Makes the elements of n channels, given by their passwords, which must be
 * different.  session is of this run on this link alone.  Returns 0; or -1
 * when there are more than PSI_MAX or two are the same.
 */
int	psi_start(struct psi *, enum psi_role,
	    const uint8_t session[PSI_SESSION_BYTES],
	    const uint8_t (*passwords)[CPACE_PASSWORD_BYTES], size_t n,
	    const struct group_random *);

/*
 * Takes the elements of the other side.  Returns 0; or -1 with *why set and
 * the run wiped: their number is not one of the four, one is not the canonical
 * encoding of an element or is the identity, two are the same, one is ours, or
 * they were here before.
 */
int	psi_take_elements(struct psi *,
	    const uint8_t (*elements)[PSI_ELEMENT_BYTES], size_t n,
	    const char **why);

/*
 * The tags to send, one for each element taken; out has room for PSI_MAX.
 * Returns how many; 0 when no elements were taken.
 */
size_t	psi_tags(const struct psi *, uint8_t (*out)[PSI_TAG_BYTES]);

/*
 * Takes the tags of the other side for our elements, and finds the matches.
 * Returns 0; or -1 with *why set and the run wiped: not as many as we sent
 * elements, two of our elements with the same tag, or out of turn.
 */
int	psi_take_tags(struct psi *, const uint8_t (*tags)[PSI_TAG_BYTES],
	    size_t n, const char **why);

void	psi_wipe(struct psi *);

#endif
