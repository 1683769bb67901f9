/*
 * /debug/echo: sends back every message as it came, for conformance tools.
 * Frontend; off unless nwsd.conf(5) says "echo on".
 */
#include <string.h>

#include "client.h"
#include "counters.h"
#include "deflate.h"
#include "output.h"

static void
echo_message(struct client *c, enum ws_opcode op, uint8_t *data, size_t len)
{
	const uint8_t	*packed = NULL;
	uint8_t		*p;
	size_t		 n = len;

	if (c->deflate_bits != 0 && len >= DEFLATE_MIN)
		packed = deflate_message(c->deflate_bits, data, len, &n);
	if (packed == NULL) {
		packed = data;
		n = len;
	}
	if ((p = output_frame(c, op, packed != data, n)) == NULL)
		return;
	memcpy(p, packed, n);
	counters.messages_out_total++;
	/* Who does not read his echoes need not send more. */
	if (output_queued(c) > conf->queue_limit)
		client_pause(c, PAUSE_OUTPUT);
}

const struct service	service_echo = { "echo", 0, echo_message };
