/*
 * Ping (libp2p specs, ping/ping.md): blocks of 32 bytes that come back, in
 * pieces of any size.  Pure; runs in crypto, on streams of anybody.
 */
#include <string.h>

#include "crypto/ping.h"

size_t
ping_echo(struct ping *ping, const uint8_t *in, size_t n, uint8_t *out)
{
	size_t take, written = 0;

	while (n > 0) {
		take = PING_LEN - ping->have;
		if (take > n)
			take = n;
		memcpy(ping->block + ping->have, in, take);
		ping->have += take;
		in += take;
		n -= take;
		if (ping->have < PING_LEN)
			break;
		memcpy(out + written, ping->block, PING_LEN);
		written += PING_LEN;
		ping->have = 0;
	}
	return (written);
}

int
ping_check(struct ping *ping, const uint8_t *in, size_t n)
{
	if (n > PING_LEN - ping->have ||
	    (n > 0 && memcmp(ping->block + ping->have, in, n) != 0))
		return (-1);
	ping->have += n;
	return (ping->have == PING_LEN);
}
