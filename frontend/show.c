/*
 * Rows for nwsctl(8), see show.h.  Frontend.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "../common/child.h"
#include "../common/loop.h"
#include "channel.h"
#include "client.h"
#include "counters.h"
#include "output.h"
#include "files.h"
#include "pending.h"
#include "show.h"
#include "source.h"

static void
show_summary(uint32_t ticket)
{
#define X(name, gauge)							\
	child_row_counter(ticket, "frontend_" #name, counters.name, gauge);
	COUNTER_TABLE(X)
#undef X
}

static void
address_text(const struct client *c, char *text, size_t size)
{
	static const uint8_t	 mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	    0xff, 0xff }, none[16];
	const char		*addr = c->address->key;

	if (memcmp(addr, none, 16) == 0)
		snprintf(text, size, "unix");
	else if (memcmp(addr, mapped, 12) == 0)
		inet_ntop(AF_INET, addr + 12, text, (socklen_t)size);
	else
		inet_ntop(AF_INET6, addr, text, (socklen_t)size);
}

static void
show_client(struct client *c, void *arg)
{
	struct msg_row_client	 row;
	char			 text[MSG_NAME_MAX + MSG_ORIGIN_MAX + 64];
	char			 address[64];
	uint32_t		 now = loop_now_s();
	int			 n;

	if (c->state != CLIENT_OPEN)
		return;
	memset(&row, 0, sizeof(row));
	row.id = c->id;
	row.messages_in = c->messages_in;
	row.bytes_in = c->bytes_in;
	row.queued = output_queued(c);
	row.age_s = now - c->since_s;
	row.idle_s = now - c->heard_s;
	row.binary = c->format == FORMAT_BINARY;
	row.deflate = c->deflate_bits != 0;
	row.paused = c->paused;
	address_text(c, address, sizeof(address));
	/* Three strings with a NUL between. */
	n = snprintf(text, sizeof(text), "%s%c%s%c%s", c->channel != NULL ?
	    channel_name(c) : "/debug/echo", 0,
	    c->origin != NULL ? c->origin->key : "", 0, address);
	child_row(*(uint32_t *)arg, SHOW_CLIENTS, &row.row, sizeof(row), text,
	    (size_t)n);
}

void
show(uint32_t ticket, enum show_what what)
{
	switch (what) {
	case SHOW_SUMMARY:
		show_summary(ticket);
		break;
	case SHOW_CLIENTS:
		client_each(show_client, &ticket);
		break;
	case SHOW_LIMITS:
		child_row_limit(ticket, "handshakes", counters.handshakes,
		    conf->max_handshakes, counters.handshakes_evicted_total);
		child_row_limit(ticket, "file-requests", files_count(),
		    FILES_ASKED_MAX + FILES_WAITING_MAX, files_hits());
		child_row_limit(ticket, "queue-total", output_memory(),
		    conf->queue_total, counters.slow_closed_total);
		break;
	case SHOW_ORIGINS:
		pending_show(ticket);
		break;
	case SHOW_CHANNELS:
		channel_show(ticket);
		break;
	case SHOW_PROCESSES:
	case SHOW_LINKS:
	case SHOW_PEERS:
	case SHOW_INTERFACES:
	case SHOW_DISCOVERY:
	case SHOW_CHECK:
	case SHOW_WHATS:
		break;		/* others know */
	}
	child_row_end(ticket);
}
