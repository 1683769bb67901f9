/*
 * The members of channels: what they ask for goes to the router, what the
 * router has for one of them goes to it.  Frontend; messages come from clients
 * and are checked by envelope.c.
 */
#include <string.h>

#include "../common/origin.h"
#include "channel.h"
#include "client.h"
#include "counters.h"
#include "output.h"

void
member_error(struct client *c, enum nws_error code, uint64_t target,
    const char *text)
{
	uint8_t	 e[ENVELOPE_SMALL_MAX], *p;
	size_t	 n;

	n = envelope_error((enum format)c->format, e, code, target, text);
	counters.errors_sent_total++;
	if ((p = output_frame(c, client_opcode(c), 0, n)) != NULL)
		memcpy(p, e, n);
}

static void
member_status(struct client *c)
{
	uint8_t	 s[ENVELOPE_SMALL_MAX], *p;
	size_t	 n = envelope_status((enum format)c->format, s, c->id);

	if ((p = output_frame(c, client_opcode(c), 0, n)) != NULL)
		memcpy(p, s, n);
}

static void
member_message(struct client *c, enum ws_opcode op, uint8_t *data, size_t len)
{
	struct request	 r;
	struct msg_data	 d;
	const char	*why;
	int		 code;

	if (op != client_opcode(c)) {
		counters.protocol_errors_total++;
		websocket_close(c, WS_CODE_UNSUPPORTED, op == WS_BINARY ?
		    "binary messages need subprotocol nws.binary.v1" :
		    "nws.binary.v1 has no text messages");
		return;
	}
	code = envelope_parse((enum format)c->format, data, len, &r, &why);
	if (code != 0) {
		member_error(c, (enum nws_error)code, 0, why);
		return;
	}
	if (r.type == ENVELOPE_STATUS) {
		member_status(c);
		return;
	}
	memset(&d, 0, sizeof(d));
	d.source = c->id;
	d.target = r.type == ENVELOPE_MESSAGE ? r.target : 0;
	d.kind = r.kind;
	if (channel_send(c, &d, r.data, r.len) == -1)
		client_no_memory(c);
}

void
member_deliver(const struct msg_data *d, const uint8_t *data, size_t len)
{
	struct client	*c = client_find(d->target);
	uint8_t		*p;
	size_t		 n;

	if (c == NULL || c->state != CLIENT_OPEN)
		return;		/* it left while this was on its way */
	n = envelope_data_size((enum format)c->format, d->source, d->target,
	    (enum data_kind)d->kind, len);
	if ((p = output_frame(c, client_opcode(c), 0, n)) == NULL)
		return;
	envelope_data((enum format)c->format, p, d->source, d->target,
	    (enum data_kind)d->kind, data, len);
	counters.messages_out_total++;
}

void
member_undelivered(uint64_t source, uint64_t target)
{
	struct client	*c = client_find(source);

	counters.undelivered_total++;
	if (c != NULL && c->state == CLIENT_OPEN)
		member_error(c, ERROR_UNKNOWN_TARGET, target,
		    "nobody of this id is on the channel");
}

const struct service	service_member = { "channel", SCOPE_CHANNELS,
	member_message };
