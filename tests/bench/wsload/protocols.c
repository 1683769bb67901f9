/* wsload: the table of protocols, and those that fit into it. */
#include "wsload.h"

/* Raw: one text message is one publication, delivered as it is. */
static void
raw_message(struct conn *c, const uint8_t *p, size_t n, uint64_t total,
    uint64_t now)
{
	if (total != opt.size || n < STAMP_LEN) {
		counters.other++;
		return;
	}
	if (verify_due() && n == total)
		verify_plain(p, n);
	delivery(c, p, now);
}

/* nchan answers each publication of a publisher endpoint with a status text. */
static void
nchan_message(struct conn *c, const uint8_t *p, size_t n, uint64_t total,
    uint64_t now)
{
	if (opt.scenario == FANOUT && c->role == PUBLISHER)
		counters.other++;
	else
		raw_message(c, p, n, total, now);
}

static size_t
no_prefix(const struct conn *c, char *buf, size_t size)
{
	(void)c;
	(void)buf;
	(void)size;
	return (0);
}

const struct protocol protocols[] = {
	{ .name = "nws", .suffix = "\"}", .opcode = 1, .escape = true,
	  .prefix = nws_prefix, .message = nws_message },
	{ .name = "nws-binary", .subprotocol = "nws.binary.v1", .suffix = "",
	  .opcode = 2, .prefix = nws_binary_prefix,
	  .message = nws_binary_message },
	{ .name = "raw", .suffix = "", .opcode = 1, .prefix = no_prefix,
	  .message = raw_message },
	{ .name = "nchan", .suffix = "", .opcode = 1, .prefix = no_prefix,
	  .message = nchan_message },
	{ .name = "nats", .suffix = "\r\n", .opcode = 2,
	  .prefix = nats_prefix, .begin = nats_begin, .stream = nats_stream },
	{ .name = "mqtt", .subprotocol = "mqtt", .suffix = "", .opcode = 2,
	  .prefix = mqtt_prefix, .begin = mqtt_begin, .stream = mqtt_stream },
	{ .name = NULL }
};
