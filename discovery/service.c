/*
 * mDNS on the interfaces of this machine: brings responder, querier, sockets
 * and interfaces together, and tells targets who was found.  Run by the
 * discovery process.  Packets are from anyone; here is seen to it that they are
 * from the same network (RFC 6762, 11) and not too many.
 */
#include <net/if.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>

#include "common/conf.h"
#include "common/hash.h"
#include "common/log.h"
#include "common/loop.h"
#include "discovery/counters.h"
#include "discovery/responder.h"
#include "discovery/service.h"
#include "discovery/sockets.h"
#include "discovery/targets.h"

#define SERVICE "_nws._tcp.local"

/*
 * Of each link so many packets are looked at: as if each took a millisecond for
 * every KiB, and half of one besides.  One host has a quarter of that, so that
 * it does not keep all others from being heard.
 */
#define FLOOD_US(bytes)		(500 + (bytes))
#define FLOOD_BURST_US		1000000
#define FLOOD_SOURCE_SHARE	4
#define FLOOD_ASK_MS	2000	/* until it is asked for what was missed */

#define AGAIN_MS	60000	/* what could not be opened or joined */
#define RETELL_MS	5000	/* those that there was no room for */

static struct {
	struct responder	*responder;	/* NULL: nothing announced */
	struct querier		*querier;	/* NULL: mDNS is off */
	const struct conf	*conf;
	uint16_t		 port;
	uint32_t		 generation;
	uint64_t		 conflicts;	/* of earlier responders */
	uint64_t		 again_ms, retell_ms; /* MDNS_NEVER: not */
	struct service_link	 link[SERVICE_LINKS_MAX];
} service = { .generation = 1, .again_ms = MDNS_NEVER,
	.retell_ms = MDNS_NEVER };

static uint64_t
now_ms(void)
{
	return ((uint64_t)loop_now_ms());
}

static uint32_t
random_next(void *arg)
{
	(void)arg;
	return (arc4random());
}

static const struct mdns_random generator = { random_next, NULL };

/* Numbers of links for responder and querier. */
static uint32_t
link_id(const struct service_link *l)
{
	return (l->index << 1 | (uint32_t)l->v6);
}

static struct service_link *
link_find(uint32_t index, int v6)
{
	struct service_link *l;

	for (l = service.link; l < service.link + SERVICE_LINKS_MAX; l++)
		if (l->used && l->index == index && l->v6 == v6)
			return (l);
	return (NULL);
}

/*
 * Sending
 */

static int
on_link(const struct service_link *l, const struct mdns_from *from)
{
	const struct interface *i = interface_find(l->index);

	return (i != NULL && interface_on_link(i, l->v6,
	    from->address + (l->v6 ? 0 : 12)));
}

static void
send_failed(struct service_link *l)
{
	static struct log_limit limit = { 5, 300, 0, 0, 0 };
	const struct interface *i = interface_find(l->index);

	discovery_counters.send_errors++;
	/* Said once, not for each packet; the check has it, too. */
	if (l->send_error != errno && log_allowed(&limit))
		log_warn("mDNS: sending on %s, IPv%d",
		    i != NULL ? i->name : "an interface", l->v6 ? 6 : 4);
	l->send_error = errno;
}

static void
send_packet(void *arg, const struct mdns_out *out)
{
	struct service_link *l;
	const uint8_t *source = NULL;

	(void)arg;
	l = link_find(out->link >> 1, (int)(out->link & 1));
	/* Nobody far away is to get anything from us. */
	if (l == NULL || (out->to != NULL && !on_link(l, out->to)))
		return;
	if (!l->v6)
		source = l->source;
	if (sockets_send(l->v6, l->index, source, out->to, out->bytes,
	    out->len) == -1) {
		send_failed(l);
		return;
	}
	l->send_error = 0;
	l->packets_out++;
	discovery_counters.packets_out++;
	if (out->to == NULL)
		l->sent[l->nsent++ % SERVICE_SENT] = hash_bytes(out->bytes,
		    out->len);
}

static const struct mdns_sender sender = { send_packet, NULL };

/*
 * Whom the querier found
 */

static void
reports(void)
{
	struct dial_address list[DIAL_ADDRESSES_MAX];
	struct querier_service s;
	enum querier_event event;

	while ((event = querier_report(service.querier, &s)) !=
	    QUERIER_NONE) {
		if (service.responder != NULL &&
		    responder_owns(service.responder, &s.instance))
			continue;
		if (event == QUERIER_GONE)
			targets_gone(&s);
		else if (event == QUERIER_EVICTED)
			targets_evicted(&s);
		else if (targets_found(&s, list, service_addresses(&s,
		    list)) == -1 && service.retell_ms == MDNS_NEVER)
			service.retell_ms = now_ms() + RETELL_MS;
	}
}

/*
 * Packets
 */

/* Whether it is one that we sent to the group, which comes back to us once. */
static int
came_back(struct service_link *l, const struct sockets_packet *p)
{
	uint64_t hash;
	size_t i;

	if (!p->from.own || !p->from.multicast || p->from.port != MDNS_PORT)
		return (0);
	hash = hash_bytes(p->bytes, p->len);
	for (i = 0; i < SERVICE_SENT; i++)
		if (l->sent[i] == hash) {
			l->sent[i] = 0;
			l->own_in++;
			return (1);
		}
	return (0);
}

/* RFC 6762, 11; besides, what is answered to one host stays on the link. */
static int
acceptable(const struct service_link *l, const struct sockets_packet *p)
{
	if (p->from.own || on_link(l, &p->from))
		return (1);
	return (p->from.multicast && p->from.port == MDNS_PORT);
}

static int
flooded(struct service_link *l, const struct sockets_packet *p)
{
	uint64_t now_us = now_ms() * 1000;
	uint64_t *source = &l->source_us[p->from.source];

	if (*source < now_us)
		*source = now_us;
	if (l->bucket_us < now_us)
		l->bucket_us = now_us;
	if (*source - now_us > FLOOD_BURST_US ||
	    l->bucket_us - now_us > FLOOD_BURST_US)
		return (1);
	*source += FLOOD_US(p->len) * FLOOD_SOURCE_SHARE;
	l->bucket_us += FLOOD_US(p->len);
	return (0);
}

static void
take_packet(const struct sockets_packet *given)
{
	struct sockets_packet p = *given;
	struct service_link *l;
	int bad = 0;

	if (service.querier == NULL ||
	    (l = link_find(p.index, p.v6)) == NULL)
		return;
	p.from.own = interfaces_own(p.v6, p.from.address + (p.v6 ? 0 : 12));
	p.from.source = (uint32_t)(hash_bytes(p.from.address,
	    sizeof(p.from.address)) % MDNS_SOURCES);
	if (came_back(l, &p))
		return;
	l->packets_in++;
	discovery_counters.packets_in++;
	if (!p.from.own) {
		l->others_in++;
		l->others_ms = now_ms();
	}
	if (!acceptable(l, &p)) {
		discovery_counters.foreign++;
		return;
	}
	if (flooded(l, &p)) {
		discovery_counters.flooded++;
		if (l->ask_ms == MDNS_NEVER)
			l->ask_ms = now_ms() + FLOOD_ASK_MS;
		return;
	}
	if (service.responder != NULL)
		bad = responder_input(service.responder, link_id(l), &p.from,
		    p.bytes, p.len, now_ms(), &sender);
	if (bad == 0)
		bad = querier_input(service.querier, link_id(l), &p.from,
		    p.bytes, p.len, now_ms());
	if (bad == -1)
		discovery_counters.malformed++;
	else
		reports();
}

/*
 * Links
 */

static void
addresses_of(const struct interface *i, struct responder_addresses *out)
{
	const struct interface_address *a;
	unsigned int n;

	memset(out, 0, sizeof(*out));
	for (n = 0; n < i->naddresses; n++) {
		a = &i->address[n];
		if (!a->usable)
			continue;
		if (a->v6 && out->n6 < RESPONDER_ADDRESSES_MAX)
			memcpy(out->v6[out->n6++], a->bytes, 16);
		else if (!a->v6 && out->n4 < RESPONDER_ADDRESSES_MAX)
			memcpy(out->v4[out->n4++], a->bytes, 4);
	}
}

/* What a packet may have on an interface (RFC 6762, 17). */
static size_t
packet_bytes(const struct interface *i, int v6)
{
	size_t headers = v6 ? 48 : 28;
	size_t most = v6 ? MDNS_BYTES_IPV6 : MDNS_BYTES_IPV4;

	if (i->mtu > headers && i->mtu - headers < most)
		return (i->mtu - headers);
	return (most);
}

/* i is NULL where nothing can be said there any more. */
static void
link_end(struct service_link *l, const struct interface *i)
{
	if (service.responder != NULL && i != NULL)
		responder_leave_link(service.responder, link_id(l), now_ms(),
		    &sender);
	else if (service.responder != NULL)
		responder_delete_link(service.responder, link_id(l));
	querier_delete_link(service.querier, link_id(l), now_ms());
	sockets_leave(l->v6, l->index);
	l->used = 0;
}

/* Whether a link still is what it was, so that others can be told. */
static int
link_speaks(const struct service_link *l, const struct interface *i)
{
	return (l->cuts == i->cuts && (i->flags & IFF_UP) != 0 &&
	    (i->flags & IFF_RUNNING) != 0 && interface_count(i, l->v6) > 0);
}

static void
link_join(struct service_link *l, const struct interface *i)
{
	int before = l->join_error;

	l->join_error = sockets_join(l->v6, i->index) == -1 ? errno : 0;
	if (l->join_error != 0 && l->join_error != before)
		log_warn("mDNS: joining the group on %s, IPv%d", i->name,
		    l->v6 ? 6 : 4);
}

/* A new one, or NULL: no place. */
static struct service_link *
link_begin(const struct interface *i, int v6)
{
	struct service_link *l;

	for (l = service.link; l < service.link + SERVICE_LINKS_MAX; l++)
		if (!l->used)
			break;
	if (l == service.link + SERVICE_LINKS_MAX)
		return (NULL);
	memset(l, 0, sizeof(*l));
	l->used = 1;
	l->index = i->index;
	l->v6 = v6;
	l->cuts = i->cuts;
	l->ask_ms = MDNS_NEVER;
	link_join(l, i);
	return (l);
}

/* Who could not be heard in a flood is asked for. */
static void
link_ask(struct service_link *l)
{
	const struct interface *i = interface_find(l->index);

	l->ask_ms = MDNS_NEVER;
	if (i != NULL)
		(void)querier_set_link(service.querier, link_id(l),
		    packet_bytes(i, l->v6), now_ms());
}

/* Brings the link of a family on an interface to what it is to be. */
static void
link_apply(const struct interface *i, int v6, int wanted)
{
	struct responder_addresses addresses;
	struct service_link *l = link_find(i->index, v6);
	size_t bytes = packet_bytes(i, v6);
	int fresh = 0;

	if (l != NULL && (!wanted || l->cuts != i->cuts)) {
		link_end(l, link_speaks(l, i) ? i : NULL);
		l = NULL;
	}
	if (!wanted)
		return;
	if (l == NULL) {
		if ((l = link_begin(i, v6)) == NULL)
			return;
		fresh = 1;
	} else if (l->join_error != 0) {
		link_join(l, i);
		fresh = l->join_error == 0;
	}
	if (l->join_error != 0)
		service.again_ms = now_ms() + AGAIN_MS;
	addresses_of(i, &addresses);
	if (!v6 && memcmp(l->source, addresses.v4[0], 4) != 0) {
		memcpy(l->source, addresses.v4[0], 4);
		fresh = 1;
	}
	if (service.responder != NULL)
		(void)responder_set_link(service.responder, link_id(l), bytes,
		    &addresses, now_ms());
	if (fresh)
		(void)querier_set_link(service.querier, link_id(l), bytes,
		    now_ms());
}

/* Whether a family can be used on an interface at all. */
static int
link_possible(const struct interface *i, int v6)
{
	if (interface_count(i, v6) == 0)
		return (0);
	if (sockets_open(v6, take_packet) == 0)
		return (1);
	/* Who has the port alone may end without a word to us. */
	service.again_ms = now_ms() + AGAIN_MS;
	return (0);
}

void
service_interfaces(void)
{
	struct service_link *l;
	const struct interface *i;
	int v6, used;

	service.again_ms = MDNS_NEVER;
	if (service.querier == NULL)
		return;
	for (l = service.link; l < service.link + SERVICE_LINKS_MAX; l++)
		if (l->used && interface_find(l->index) == NULL)
			link_end(l, NULL);
	TAILQ_FOREACH(i, &interfaces, entry) {
		used = interface_refused(i, service.conf) == NULL;
		for (v6 = 0; v6 <= 1; v6++)
			link_apply(i, v6, used && link_possible(i, v6));
	}
	reports();
}

/*
 * Our own service
 */

static void
announce_text(void)
{
	uint8_t txt[64];
	char generation[12];
	size_t len = 0;
	int n;

	n = snprintf(generation, sizeof(generation), "%u", service.generation);
	if (n < 0 ||
	    dns_txt_add(txt, sizeof(txt), &len, "v", "2", 1) == -1 ||
	    dns_txt_add(txt, sizeof(txt), &len, "g", generation,
	    (size_t)n) == -1 ||
	    responder_set_txt(service.responder, txt, len, now_ms()) == -1)
		log_warnx("mDNS: the text of our service");
}

static void
announce_end(void)
{
	if (service.responder == NULL)
		return;
	responder_stop(service.responder);
	responder_run(service.responder, now_ms(), &sender);
	service.conflicts += responder_conflicts(service.responder);
	responder_free(service.responder);
	service.responder = NULL;
}

static void
announce_begin(void)
{
	if (service.querier == NULL || service.port == 0)
		return;
	service.responder = responder_new(SERVICE, service.port, &generator);
	if (service.responder == NULL) {
		log_warnx("mDNS: out of memory");
		return;
	}
	announce_text();
}

void
service_port(uint16_t port)
{
	if (port == service.port)
		return;
	announce_end();
	service.port = port;
	announce_begin();
	service_interfaces();
}

void
service_renew(void)
{
	service.generation++;
	if (service.responder != NULL)
		announce_text();
}

/*
 * Life
 */

static void
turn_off(void)
{
	if (service.querier == NULL)
		return;
	announce_end();
	querier_free(service.querier);
	service.querier = NULL;
	sockets_close();
	memset(service.link, 0, sizeof(service.link));
	service.again_ms = service.retell_ms = MDNS_NEVER;
	targets_all_gone();
}

void
service_configure(const struct conf *conf)
{
	service.conf = conf;
	if (!conf->discovery) {
		turn_off();
		return;
	}
	if (service.querier == NULL) {
		service.querier = querier_new(SERVICE, &generator);
		if (service.querier == NULL) {
			log_warnx("mDNS: out of memory");
			return;
		}
		announce_begin();
	}
	service_interfaces();
}

uint64_t
service_due(void)
{
	const struct service_link *l;
	uint64_t due, other;

	if (service.querier == NULL)
		return (MDNS_NEVER);
	due = querier_due(service.querier);
	if (service.responder != NULL &&
	    (other = responder_due(service.responder)) < due)
		due = other;
	if (service.again_ms < due)
		due = service.again_ms;
	for (l = service.link; l < service.link + SERVICE_LINKS_MAX; l++)
		if (l->used && l->ask_ms < due)
			due = l->ask_ms;
	return (service.retell_ms < due ? service.retell_ms : due);
}

void
service_run(void)
{
	struct service_link *l;

	if (service.querier == NULL)
		return;
	for (l = service.link; l < service.link + SERVICE_LINKS_MAX; l++)
		if (l->used && l->ask_ms <= now_ms())
			link_ask(l);
	if (service.again_ms <= now_ms())
		service_interfaces();
	if (service.retell_ms <= now_ms()) {
		service.retell_ms = MDNS_NEVER;
		querier_retell(service.querier);
	}
	if (service.responder != NULL)
		responder_run(service.responder, now_ms(), &sender);
	querier_run(service.querier, now_ms(), &sender);
	reports();
}

void
service_goodbye(void)
{
	announce_end();
}

void
service_pin(const struct dns_name *name, int pin)
{
	if (service.querier != NULL)
		querier_pin(service.querier, name, pin);
}

void
service_doubt(const struct dns_name *name)
{
	if (service.querier != NULL)
		querier_doubt(service.querier, name, now_ms());
}

/*
 * For the rows
 */

int
service_on(void)
{
	return (service.querier != NULL);
}

const struct service_link *
service_link(uint32_t index, int v6)
{
	return (link_find(index, v6));
}

int
service_ready(const struct service_link *l)
{
	return (service.responder != NULL &&
	    responder_ready(service.responder, link_id(l)));
}

size_t
service_links(void)
{
	size_t n, count = 0;

	for (n = 0; n < SERVICE_LINKS_MAX; n++)
		count += service.link[n].used ? 1 : 0;
	return (count);
}

int
service_own(struct dns_name *instance, struct dns_name *host, uint16_t *port,
    uint32_t *generation)
{
	if (service.responder == NULL)
		return (-1);
	*instance = *responder_instance(service.responder);
	*host = *responder_host(service.responder);
	*port = service.port;
	*generation = service.generation;
	return (0);
}

void
service_stats(struct querier_stats *s, uint64_t *conflicts)
{
	memset(s, 0, sizeof(*s));
	*conflicts = service.conflicts;
	if (service.querier != NULL)
		querier_stats(service.querier, s);
	if (service.responder != NULL)
		*conflicts += responder_conflicts(service.responder);
}
