/*
 * What people are told of a link: in the log, and as events for nwsctl(8).
 * Runs in crypto.  A peer id was proven; an address is the socket's; nothing
 * here is text that the other end chose.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "common/child.h"
#include "common/log.h"
#include "crypto/links_private.h"

int
link_is_v4(const struct link *l)
{
	static const uint8_t	 mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	    0xff, 0xff };

	return (memcmp(l->addr, mapped, sizeof(mapped)) == 0);
}

void
link_tell_up(const struct link *l)
{
	static struct log_limit	 limit = { .burst = 20, .period_s = 60 };
	char			 id[PEERID_TEXT_MAX];
	int			 tls = conn_security(l->conn) == CONN_TLS;

	if (log_allowed(&limit))
		log_info("link up: %s, %s, %s", link_text(l),
		    tls ? "TLS 1.3" : "Noise",
		    l->dialled ? "dialled" : "accepted");
	peerid_print(conn_peer(l->conn), id);
	child_event(EVENT_LINK_UP, l->id,
	    "peer=\"%s\" address=\"%s\" security=%s dialled=%d", id,
	    link_address(l), tls ? "tls" : "noise", l->dialled);
}

void
link_tell_end(const struct link *l)
{
	static struct log_limit	 downs = { .burst = 20, .period_s = 60 };
	static struct log_limit	 failures = { .burst = 10, .period_s = 60 };
	char			 id[PEERID_TEXT_MAX];

	if (l->active) {
		if (log_allowed(&downs))
			log_info("link down: %s: %s", link_text(l), l->why);
		peerid_print(conn_peer(l->conn), id);
		child_event(EVENT_LINK_DOWN, l->id, "peer=\"%s\" "
		    "address=\"%s\" seconds=%lld reason=\"%s\"", id,
		    link_address(l),
		    (long long)(loop_now_ms() - l->up_ms) / 1000, l->why);
	} else if (links.stopping || l->quiet || l->stage == STAGE_PLAIN ||
	    (l->node != NULL && l->node->nlinks > 1)) {
		log_debug("%s: %s", link_text(l), l->why);
	} else {
		if (log_allowed(&failures))
			log_info("no link: %s: %s", link_text(l), l->why);
		links_note_failure(l);
	}
}

const char *
link_address(const struct link *l)
{
	static char	 text[INET6_ADDRSTRLEN + 32];
	char		 ip[INET6_ADDRSTRLEN];

	if (link_is_v4(l))
		inet_ntop(AF_INET, l->addr + 12, ip, sizeof(ip));
	else
		inet_ntop(AF_INET6, l->addr, ip, sizeof(ip));
	if (l->scope != 0)
		snprintf(text, sizeof(text), "%s%%%u port %u", ip, l->scope,
		    l->port);
	else
		snprintf(text, sizeof(text), "%s port %u", ip, l->port);
	return (text);
}

const char *
link_text(const struct link *l)
{
	static char	 text[PEERID_TEXT_MAX + INET6_ADDRSTRLEN + 64];
	char		 id[PEERID_TEXT_MAX];

	if (l->stage == STAGE_SHAKING)
		snprintf(text, sizeof(text), "connection %s %s",
		    l->dialled ? "to" : "from", link_address(l));
	else {
		peerid_print(conn_peer(l->conn), id);
		snprintf(text, sizeof(text), "peer %s at %s", id,
		    link_address(l));
	}
	return (text);
}
