/* The protocol /ipfs/ping/1.0.0 (libp2p specs, ping/ping.md), pure. */
#ifndef CRYPTO_PING_H
#define CRYPTO_PING_H

#include <stddef.h>
#include <stdint.h>

#define PING_PROTOCOL	"/ipfs/ping/1.0.0"
#define PING_LEN	32

/* One end of a stream; zeroed at first. */
struct ping {
	size_t	have;
	uint8_t	block[PING_LEN];
};

/*
 * The listener's: writes what is to be sent back for n bytes into out, which
 * has room for n + PING_LEN - 1.  Only whole blocks are.  Returns their size.
 */
size_t	ping_echo(struct ping *, const uint8_t *in, size_t n, uint8_t *out);

/*
 * The dialler's, that sent one block: block holds it.  Returns 1 when all of it
 * has come back, 0 if more is to come, -1 if it is another or more than one.
 */
int	ping_check(struct ping *, const uint8_t *in, size_t n);

#endif
