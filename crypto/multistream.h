/*
 * multistream-select 1.0 (libp2p specs, connections/README.md), both roles,
 * pure: bytes in, bytes out, no allocation.
 */
#ifndef CRYPTO_MULTISTREAM_H
#define CRYPTO_MULTISTREAM_H

#include <stddef.h>
#include <stdint.h>

#define MS_TOKEN_MAX	1024	/* bytes of a message, its newline included */
#define MS_OUT_MAX	2048	/* that wait to be sent */
#define MS_PROPOSALS_MAX 64	/* that a listener answers */

enum ms_phase { MS_TALKING, MS_AGREED, MS_REFUSED, MS_FAILED };

/*
 * One negotiation.  Read phase, chosen, out and out_len only; what of out was
 * sent is taken off with multistream_sent().
 */
struct multistream {
	enum ms_phase		 phase;
	size_t			 chosen;	/* in MS_AGREED */
	size_t			 out_len;
	uint8_t			 out[MS_OUT_MAX];

	const char *const	*protocols;	/* borrowed */
	size_t			 nprotocols;
	int			 listener, saw_header;
	unsigned int		 asked;		/* proposals so far */
	size_t			 have;		/* bytes in token */
	uint8_t			 token[MS_TOKEN_MAX + 2];
};

/*
 * Proposes protocols, each of at most MS_TOKEN_MAX - 1 bytes, one after the
 * other until one is taken.  out has the header and the first of them.
 *
 * With one protocol, what is to be said in it may be sent right behind out
 * (what go-libp2p calls lazy), where a refusal is no harm.
 */
void	multistream_dial(struct multistream *, const char *const *protocols,
	    size_t n);

/* Waits for a proposal that is one of the protocols. */
void	multistream_listen(struct multistream *, const char *const *protocols,
	    size_t n);

/*
 * Reads n bytes from the other end.  Returns the bytes used: all of them in
 * MS_TALKING, unless out is full: send some of it and call again with the rest.
 * In MS_AGREED what is left is in the protocol chosen.
 *
 * MS_REFUSED: the other end has none of ours (dialler), or asked for more than
 * MS_PROPOSALS_MAX.  MS_FAILED: that was not multistream-select.
 */
size_t	multistream_input(struct multistream *, const uint8_t *in, size_t n);

/* Takes n bytes off the front of out. */
void	multistream_sent(struct multistream *, size_t n);

#endif
