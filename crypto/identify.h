/*
 * The protocols /ipfs/id/1.0.0 and /ipfs/id/push/1.0.0 (libp2p specs,
 * identify/README.md), pure.
 */
#ifndef CRYPTO_IDENTIFY_H
#define CRYPTO_IDENTIFY_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/peerid.h"

#define IDENTIFY_PROTOCOL "/ipfs/id/1.0.0"
#define IDENTIFY_PUSH_PROTOCOL "/ipfs/id/push/1.0.0"

#define IDENTIFY_MESSAGE_MAX 8192	/* bytes, without its length */
#define IDENTIFY_MESSAGES_MAX 10	/* of one answer */
#define IDENTIFY_ADDRESSES_MAX 64	/* kept; more are passed over */
#define IDENTIFY_PROTOCOLS_MAX 128	/* likewise */
#define MULTIADDR_TCP_MAX 20

/* Bytes, which the message or whoever writes one owns; NULL: absent. */
struct identify_bytes {
	const uint8_t	*p;
	size_t		 len;
};

struct identify {
	struct identify_bytes	public_key;	/* PublicKey */
	struct identify_bytes	observed;	/* multiaddr */
	struct identify_bytes	protocol_version, agent_version;
	struct identify_bytes	signed_record;
	struct identify_bytes	addresses[IDENTIFY_ADDRESSES_MAX];
	struct identify_bytes	protocols[IDENTIFY_PROTOCOLS_MAX];
	size_t			naddresses, nprotocols;
	unsigned int		nmessages;
};

/*
 * Finds the next message in what a stream brought: its length in front is taken
 * off.  Returns the bytes used, 0 if more are needed, or -1 for one above
 * IDENTIFY_MESSAGE_MAX.
 */
int	identify_frame(const uint8_t *in, size_t n, const uint8_t **message,
	    size_t *len);

/*
 * Decodes a message into a struct that is zeroed or has what the messages
 * before it said: lists grow, anything else is replaced.  Everything points
 * into the message.  Returns 0, or -1 for what is malformed or the eleventh.
 */
int	identify_decode(struct identify *, const void *, size_t);

/*
 * Writes a message with its length in front.  Returns its size, or -1 if that
 * is above size or IDENTIFY_MESSAGE_MAX.
 */
int	identify_encode(const struct identify *, uint8_t *out, size_t size);

/* Whether the key that was told, if one was, is the peer's. */
int	identify_is_from(const struct identify *, const struct peer_id *);

int	identify_has_protocol(const struct identify *, const char *);

/*
 * Writes the multiaddr of a TCP port at an IPv4 (4 bytes) or IPv6 address (16)
 * into out, of MULTIADDR_TCP_MAX.  Returns its size, or 0 for another length.
 */
size_t	multiaddr_tcp(uint8_t *out, const uint8_t *ip, size_t ip_len,
	    uint16_t port);

#endif
