/*
 * The messages of /nws/2.0.0, which two nodes speak on one stream of their
 * link; nws-link(7) says what they mean.  Pure: bytes in, struct out, and back.
 *
 * A message is a length of 4 octets, a type of 1 octet and a body, whose length
 * it is.  Integers are in network order.  There is one encoding of
 * each message: what decodes, encodes to the same octets again.
 */
#ifndef CRYPTO_NWSPROTO_H
#define CRYPTO_NWSPROTO_H

#include <stddef.h>
#include <stdint.h>

#include "cpace.h"
#include "psi.h"

#define NWSPROTO_NAME		"/nws/2.0.0"
#define NWSPROTO_VERSION	0x0200u
#define NWSPROTO_HEADER		5u
#define NWSPROTO_DATA_MAX	(64u * 1024 * 1024) /* bytes of one payload */
#define NWSPROTO_DATA_MIN	1024u	/* that everybody takes */
#define NWSPROTO_IDS_MAX	1024u	/* of one ROSTER */
#define NWSPROTO_PAGES_MAX	16u	/* of 64 channels */
#define NWSPROTO_WAIT_MAX_MS	60000u
#define NWSPROTO_SILENT		0x8000000000000000u /* CONNECT, ROSTER */

/* The largest body that carries no payload, that of a full ROSTER. */
#define NWSPROTO_SMALL_MAX	(5u + NWSPROTO_IDS_MAX * 8)

/*
 * X(NAME, number, smallest body, largest body without payload, meaning)
 *
 * Numbers are never used for something else; what is not here is refused.
 */
#define NWSPROTO_TABLE(X)						\
X(HELLO, 1, 10, 10, "first message of each side")			\
X(PING, 2, 8, 8, "asks for a PONG of the same token")			\
X(PONG, 3, 8, 8, "answers a PING")					\
X(CHANGED, 16, 4, 4, "the follower has channels that were in no sweep")	\
X(OFFER, 17, 9 + 8 * 32, 9 + 64 * 32,					\
    "begins a run: elements of the lead")				\
X(ANSWER, 18, 12 + 8 * 32 + 8 * 16, 12 + 64 * 32 + 64 * 16,		\
    "elements of the follower, tags for those of the lead")		\
X(TAGS, 19, 5 + 8 * 16, 5 + 64 * 16,					\
    "tags for the elements of the follower")				\
X(LATER, 20, 8, 8, "in place of ANSWER: too many runs, wait")		\
X(SHARE, 21, 5 + 32, 5 + 32, "CPace share for one match of the run")	\
X(CONFIRM, 22, 5 + 64, 5 + 64, "CPace key confirmation for it")		\
X(OPENED, 23, 9, 9, "confirmed: the channel has this handle")		\
X(CLOSED, 24, 4, 4, "the handle means nothing any more")		\
X(ROSTER, 32, 5, 5 + NWSPROTO_IDS_MAX * 8, "who is on the channel")	\
X(CONNECT, 33, 12, 12, "a peer came")					\
X(DISCONNECT, 34, 12, 12, "a peer went")				\
X(BROADCAST, 35, 13, 13, "a peer's message for all; then the payload")	\
X(DIRECT, 36, 21, 21, "a peer's message for one; then the payload")	\
X(UNDELIVERED, 37, 20, 20, "there is no such target of a DIRECT")

#define X(name, number, min, max, meaning) NWSPROTO_##name = (number),
enum nwsproto_type {
	NWSPROTO_TABLE(X)
};
#undef X

/* Of OFFER: which channels of the follower the ANSWER shall have. */
enum nwsproto_scope {
	NWSPROTO_ALL = 1,	/* all of them */
	NWSPROTO_NEW = 2	/* those that were in no sweep before */
};

#define NWSPROTO_FIRST	0x1u	/* of OFFER: begins a sweep;
				   of ROSTER: replaces what was known */
#define NWSPROTO_LAST	0x2u	/* of ROSTER: is complete now */

/*
 * What a payload is; as enum data_kind of the other processes.  That JSON is
 * JSON is the word of another machine: a client gets it only after a check.
 */
enum nwsproto_kind { NWSPROTO_JSON, NWSPROTO_BYTES };

/*
 * One message.  Which members it has, by type:
 *
 * HELLO	version, flags (0), max_data: the largest payload it takes
 * PING, PONG	token
 * CHANGED	generation
 * OFFER	run, scope, flags, page, elements
 * ANSWER	run, generation, pages, elements, tags
 * TAGS		run, tags
 * LATER	run, wait_ms
 * SHARE	run, position, share
 * CONFIRM	run, position, tag
 * OPENED	run, position, handle
 * CLOSED	handle
 * ROSTER	handle, flags, ids
 * CONNECT, DISCONNECT	handle, source
 * BROADCAST	handle, source, kind, data
 * DIRECT	handle, source, target, kind, data
 * UNDELIVERED	handle, source, target
 *
 * Pointers are borrowed: on encoding from the caller, on decoding from the
 * octets that were decoded.
 */
struct nwsproto {
	enum nwsproto_type	 type;
	uint32_t		 version, flags, max_data;
	uint32_t		 generation, run, scope, page, pages;
	uint32_t		 wait_ms, position, handle, kind;
	uint64_t		 token, source, target;
	uint32_t		 nelements, ntags, nids;
	const uint8_t		(*elements)[PSI_ELEMENT_BYTES];
	const uint8_t		(*tags)[PSI_TAG_BYTES];
	const uint8_t		 *share;	/* CPACE_SHARE_BYTES */
	const uint8_t		 *tag;		/* CPACE_TAG_BYTES */
	const uint8_t		 *ids;		/* 8 octets each */
	const uint8_t		 *data;
	size_t			 len;
};

/*
 * Decodes the first message of n octets.  max_data is what this side said in
 * its HELLO.  Returns the octets it takes, 0 when more are needed, or -1 with
 * *why set: unknown type, wrong length (said as soon as the header is there,
 * whatever follows), a number outside its limits.  *need is set when 0 is
 * returned: how many octets there must be before it is worth trying again.
 */
long	nwsproto_decode(const uint8_t *, size_t n, uint32_t max_data,
	    struct nwsproto *, size_t *need, const char **why);

/*
 * The handle of a message from ROSTER on, of which these are the first octets;
 * 0 for another one, and where it has not come yet.
 */
uint32_t nwsproto_handle(const uint8_t *, size_t n);

/*
 * Octets of a message; those of BROADCAST and DIRECT without the payload, which
 * the caller sends after them.  0 when the message cannot be encoded, since a
 * number in it is outside its limits (a bug of the caller).
 */
size_t	nwsproto_size(const struct nwsproto *);

/*
 * Writes nwsproto_size() octets, which must be at most size; returns how many,
 * or 0.  NWSPROTO_HEADER + NWSPROTO_SMALL_MAX is always enough.
 */
size_t	nwsproto_encode(const struct nwsproto *, uint8_t *out, size_t size);

/* An id of ROSTER, with NWSPROTO_SILENT where it is set. */
uint64_t nwsproto_id(const struct nwsproto *, size_t);
void	 nwsproto_put_id(uint8_t out[8], uint64_t);

/* Whether this is an id of a peer: 63 bits, not 0. */
int	 nwsproto_id_valid(uint64_t);

/* For the log; "unknown" where there is none. */
const char *nwsproto_type_name(uint32_t);

#endif
