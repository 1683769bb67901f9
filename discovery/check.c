/*
 * What nwsctl check finds about this machine and its network: whether multicast
 * passes, who was seen, and why there is no link.  Runs in the discovery
 * process.  Where links are accepted, crypto and the parent say.
 */
#include <net/if.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/child.h"
#include "common/log.h"
#include "common/loop.h"
#include "discovery/mdns.h"
#include "discovery/service.h"
#include "discovery/show_private.h"
#include "discovery/sockets.h"

static void __attribute__((__format__(printf, 3, 4)))
finding(uint32_t ticket, enum check_level level, const char *fmt, ...)
{
	struct msg_row_check row;
	char text[MSG_ROW_MAX - sizeof(row)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	memset(&row, 0, sizeof(row));
	row.level = level;
	child_row(ticket, SHOW_CHECK, &row.row, sizeof(row), text,
	    strlen(text));
}

static void
check_socket(uint32_t ticket, int v6)
{
	int error = sockets_error(v6);

	if (error != 0)
		finding(ticket, CHECK_FAILURE, "UDP port %d cannot be used, "
		    "IPv%d: %s%s", MDNS_PORT, v6 ? 6 : 4, strerror(error),
		    error == EADDRINUSE ? " (by a program that does not "
		    "share it; ss -lunp names it)" : "");
}

static void
check_link(uint32_t ticket, const struct interface *i,
    const struct service_link *l)
{
	int v = l->v6 ? 6 : 4;

	if (l->join_error != 0)
		finding(ticket, CHECK_WARNING, "%s, IPv%d: the group of "
		    "multicast DNS cannot be joined: %s%s", i->name, v,
		    strerror(l->join_error), l->join_error == ENOBUFS ?
		    " (the limit is net.ipv4.igmp_max_memberships)" : "");
	else if (l->send_error != 0)
		finding(ticket, CHECK_WARNING, "%s, IPv%d: multicast cannot "
		    "be sent: %s", i->name, v, strerror(l->send_error));
	else if (l->packets_out > 0 && l->own_in == 0)
		finding(ticket, CHECK_WARNING, "%s, IPv%d: what we send does "
		    "not come back: a firewall on UDP port %d?", i->name, v,
		    MDNS_PORT);
	else if (l->others_in == 0)
		finding(ticket, CHECK_NOTE, "%s, IPv%d: multicast is sent, "
		    "but no other machine was heard", i->name, v);
	else
		finding(ticket, CHECK_OK, "%s, IPv%d: multicast passes, %llu "
		    "packets from other machines, the last one %llu s ago",
		    i->name, v, (unsigned long long)l->others_in,
		    ((unsigned long long)loop_now_ms() - l->others_ms) / 1000);
}

static void
check_interfaces(uint32_t ticket, const struct conf *conf)
{
	const struct interface *i;
	const struct service_link *l;
	const char *why;
	uint64_t others = 0;
	int v6, used = 0;

	TAILQ_FOREACH(i, &interfaces, entry)
		used += show_refused(i, conf) == NULL;
	if (interfaces_error() != NULL)
		finding(ticket, CHECK_FAILURE, "the kernel does not tell of "
		    "interfaces: %s", interfaces_error());
	if (used == 0)
		finding(ticket, CHECK_FAILURE, "no interface can be used: "
		    "other nodes cannot be found");
	TAILQ_FOREACH(i, &interfaces, entry) {
		if ((why = show_refused(i, conf)) != NULL &&
		    (i->flags & IFF_LOOPBACK) == 0)
			finding(ticket, CHECK_NOTE, "%s is not used: %s",
			    i->name, why);
		for (v6 = 0; v6 <= 1; v6++) {
			if ((l = service_link(i->index, v6)) == NULL)
				continue;
			others += l->others_in;
			check_link(ticket, i, l);
		}
	}
	if (used > 0 && others == 0)
		finding(ticket, CHECK_WARNING, "no mDNS of another machine "
		    "was heard: is multicast held back in this network "
		    "(guest WLAN, VLAN)? Then use peer lines");
}

/* Why there is no link, and whether there may be one soon. */
static void
check_unlinked(uint32_t ticket, const struct target *t, const char *saw,
    const char *who)
{
	char failed[32] = "", next[64] = "";

	if (t->why[0] == '\0') {
		finding(ticket, CHECK_NOTE, "%s %s: %s", saw, who,
		    t->state == PEER_WAITING ? "not tried yet" :
		    "is being connected");
		return;
	}
	if (t->attempts > 0)
		snprintf(failed, sizeof(failed), "; failed %u times",
		    t->attempts);
	if (t->state == PEER_WAITING)
		snprintf(next, sizeof(next), "; the next attempt is in %u s",
		    show_retry_s(t));
	else if (t->state != PEER_IDLE)
		snprintf(next, sizeof(next), "; being tried again now");
	finding(ticket, CHECK_WARNING, "%s %s: no link: %s%s%s", saw, who,
	    log_vis(t->why, strlen(t->why)), failed, next);
}

static void
check_node(uint32_t ticket, const struct target *t)
{
	char name[NAME_BYTES], list[LIST_BYTES];
	const char *saw = t->origin == PEER_FOUND ? "saw a node at" : "peer";
	const char *who;

	show_addresses(t->address, t->naddresses, list, sizeof(list));
	who = t->origin == PEER_FOUND && list[0] != '\0' ? list :
	    show_name(t, name, sizeof(name));
	switch (t->state) {
	case PEER_LINKED:
		finding(ticket, CHECK_OK, "%s %s: linked, it is %s", saw, who,
		    log_vis(t->why, strlen(t->why)));
		break;
	case PEER_SELF:
		finding(ticket, CHECK_NOTE, "%s %s: that is this node", saw,
		    who);
		break;
	default:
		check_unlinked(ticket, t, saw, who);
		break;
	}
}

void
show_check(uint32_t ticket, const struct conf *conf, int crypto)
{
	const struct target *t;
	int v6;

	if (!crypto)
		finding(ticket, CHECK_FAILURE, "nobody makes links: the "
		    "crypto process is not there");
	if (!service_on())
		finding(ticket, CHECK_NOTE, "discovery is off: only peers "
		    "that were named are connected to");
	else {
		for (v6 = 0; v6 <= 1; v6++)
			check_socket(ticket, v6);
		check_interfaces(ticket, conf);
	}
	if (TAILQ_EMPTY(&targets))
		finding(ticket, CHECK_NOTE, "no other node is known");
	TAILQ_FOREACH(t, &targets, entry)
		check_node(ticket, t);
}
