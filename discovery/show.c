/*
 * Rows for nwsctl(8): nodes, interfaces, services, counters, limits, and what
 * the check finds.  Runs in the discovery process; owns the counters.  Names
 * from the network are made printable here.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "common/child.h"
#include "common/conf.h"
#include "common/log.h"
#include "common/loop.h"
#include "discovery/counters.h"
#include "discovery/responder.h"
#include "discovery/service.h"
#include "discovery/show_private.h"

struct discovery_counters discovery_counters;

/* Texts of a row, one after the other. */
struct texts {
	char	bytes[MSG_ROW_MAX];
	size_t	len;
};

/* Appends a text; all but the last one end in NUL. */
static void
texts_add(struct texts *t, const char *text, int last)
{
	size_t n = strlen(text) + (last ? 0 : 1);

	if (n > sizeof(t->bytes) - t->len)
		return;
	memcpy(t->bytes + t->len, text, n);
	t->len += n;
}

/* Appends to a text in a buffer, as far as there is room. */
static void __attribute__((__format__(printf, 3, 4)))
append(char *buf, size_t size, const char *fmt, ...)
{
	size_t used = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(buf + used, size - used, fmt, ap);
	va_end(ap);
}

/*
 * Nodes
 */

const char *
show_addresses(const struct dial_address *a, size_t n, char *buf, size_t size)
{
	const struct interface *i;
	struct dial_address plain;
	char text[DIAL_TEXT_BYTES];
	size_t k;

	buf[0] = '\0';
	for (k = 0; k < n; k++) {
		plain = a[k];
		i = plain.scope != 0 ? interface_find(plain.scope) : NULL;
		if (i != NULL)
			plain.scope = 0;
		append(buf, size, "%s%s%s%s", k > 0 ? "," : "",
		    dial_text(&plain, text, sizeof(text)),
		    i != NULL ? "%" : "", i != NULL ? i->name : "");
	}
	return (buf);
}

const char *
show_name(const struct target *t, char *buf, size_t size)
{
	struct dns_name label;

	if (t->host != NULL) {
		snprintf(buf, size, strchr(t->host, ':') != NULL ?
		    "[%s]:%u" : "%s:%u", t->host, t->port);
		return (buf);
	}
	/* The first label, as a name of its own. */
	memset(&label, 0, sizeof(label));
	label.len = (uint8_t)(t->service.instance.bytes[0] + 2);
	memcpy(label.bytes, t->service.instance.bytes, label.len - 1);
	dns_name_text(&label, buf, size);
	if (strlen(buf) > 1 && buf[strlen(buf) - 1] == '.')
		buf[strlen(buf) - 1] = '\0';
	return (buf);
}

uint32_t
show_retry_s(const struct target *t)
{
	uint64_t now = (uint64_t)loop_now_ms();

	if (t->state != PEER_WAITING || t->next_ms <= now)
		return (0);
	return ((uint32_t)((t->next_ms - now + 999) / 1000));
}

static void
peer_row(uint32_t ticket, const struct target *t)
{
	struct msg_row_peer row;
	struct texts texts = { .len = 0 };
	char name[NAME_BYTES], list[LIST_BYTES];

	memset(&row, 0, sizeof(row));
	row.number = t->number;
	row.origin = t->origin;
	row.state = t->state;
	row.attempts = t->attempts;
	row.retry_s = show_retry_s(t);
	texts_add(&texts, show_name(t, name, sizeof(name)), 0);
	texts_add(&texts, show_addresses(t->address, t->naddresses, list,
	    sizeof(list)), 0);
	texts_add(&texts, log_vis(t->why, strlen(t->why)), 1);
	child_row(ticket, SHOW_PEERS, &row.row, sizeof(row), texts.bytes,
	    texts.len);
}

/* As the inside of a JSON string; text is printable. */
static const char *
json_text(const char *text, char *buf, size_t size)
{
	size_t n = 0;

	for (; *text != '\0' && n + 3 < size; text++) {
		if (*text == '"' || *text == '\\')
			buf[n++] = '\\';
		buf[n++] = *text;
	}
	buf[n] = '\0';
	return (buf);
}

void
show_event(const struct target *t, int found)
{
	char name[NAME_BYTES], list[LIST_BYTES], json[NAME_BYTES];

	if (!child_monitored())
		return;
	show_name(t, name, sizeof(name));
	child_event(found ? EVENT_PEER_FOUND : EVENT_PEER_GONE, t->number,
	    "peer=\"%s\" addresses=\"%s\"", json_text(name, json,
	    sizeof(json)), show_addresses(t->address, t->naddresses, list,
	    sizeof(list)));
}

/*
 * Interfaces
 */

static const char *
interface_addresses(const struct interface *i, char *buf, size_t size)
{
	const struct interface_address *a;
	char text[INET6_ADDRSTRLEN];
	unsigned int n;

	buf[0] = '\0';
	for (n = 0; n < i->naddresses; n++) {
		a = &i->address[n];
		(void)inet_ntop(a->v6 ? AF_INET6 : AF_INET, a->bytes, text,
		    sizeof(text));
		append(buf, size, "%s%s/%u", n > 0 ? "," : "", text,
		    a->prefix);
	}
	return (buf);
}

const char *
show_refused(const struct interface *i, const struct conf *conf)
{
	const char *why;

	if ((why = interface_refused(i, conf)) != NULL)
		return (why);
	if (service_link(i->index, 0) != NULL ||
	    service_link(i->index, 1) != NULL)
		return (NULL);
	return (service_links() == SERVICE_LINKS_MAX ?
	    "too many interfaces" : "port 5353 cannot be used");
}

static void
interface_row(uint32_t ticket, const struct interface *i,
    const struct conf *conf)
{
	struct msg_row_interface row;
	struct texts texts = { .len = 0 };
	const struct service_link *l;
	const char *why = show_refused(i, conf);
	char list[LIST_BYTES];
	int v6;

	memset(&row, 0, sizeof(row));
	row.index = i->index;
	row.used = why == NULL;
	for (v6 = 0; v6 <= 1; v6++) {
		if ((l = service_link(i->index, v6)) == NULL)
			continue;
		row.packets_in += l->packets_in + l->own_in;
		row.packets_out += l->packets_out;
		row.others_in += l->others_in;
		*(v6 ? &row.ready6 : &row.ready4) =
		    (uint32_t)service_ready(l);
	}
	texts_add(&texts, i->name, 0);
	texts_add(&texts, interface_addresses(i, list, sizeof(list)), 0);
	texts_add(&texts, why != NULL ? why : "", 1);
	child_row(ticket, SHOW_INTERFACES, &row.row, sizeof(row), texts.bytes,
	    texts.len);
}

/*
 * Services
 */

static const char *
txt_text(const uint8_t *txt, size_t len, char *buf, size_t size)
{
	size_t at = 0, n;

	buf[0] = '\0';
	while (at < len) {
		n = txt[at++];
		if (n > len - at)
			break;
		append(buf, size, "%s%s", buf[0] != '\0' ? " " : "",
		    log_vis(txt + at, n));
		at += n;
	}
	return (buf);
}

static void
service_row(uint32_t ticket, int own, const struct dns_name *instance,
    const struct dns_name *host, uint16_t port, const char *addresses,
    const char *txt)
{
	struct msg_row_service row;
	struct texts texts = { .len = 0 };
	char name[NAME_BYTES];

	memset(&row, 0, sizeof(row));
	row.own = own != 0;
	texts_add(&texts, dns_name_text(instance, name, sizeof(name)), 0);
	dns_name_text(host, name, sizeof(name));
	append(name, sizeof(name), ":%u", port);
	texts_add(&texts, name, 0);
	texts_add(&texts, addresses, 0);
	texts_add(&texts, txt, 1);
	child_row(ticket, SHOW_DISCOVERY, &row.row, sizeof(row), texts.bytes,
	    texts.len);
}

static void
own_service(uint32_t ticket)
{
	const struct interface *i;
	struct dns_name instance, host;
	uint32_t generation;
	uint16_t port;
	char list[LIST_BYTES] = "", one[LIST_BYTES], txt[32];

	if (service_own(&instance, &host, &port, &generation) == -1)
		return;
	TAILQ_FOREACH(i, &interfaces, entry)
		if (service_link(i->index, 0) != NULL ||
		    service_link(i->index, 1) != NULL)
			append(list, sizeof(list), "%s%s",
			    list[0] != '\0' ? "," : "",
			    interface_addresses(i, one, sizeof(one)));
	snprintf(txt, sizeof(txt), "v=2 g=%u", generation);
	service_row(ticket, 1, &instance, &host, port, list, txt);
}

static void
services(uint32_t ticket)
{
	const struct querier_service *s;
	const struct target *t;
	char list[LIST_BYTES], txt[CACHE_RDATA_MAX * 4];

	own_service(ticket);
	TAILQ_FOREACH(t, &targets, entry) {
		if (t->origin != PEER_FOUND)
			continue;
		s = &t->service;
		service_row(ticket, 0, &s->instance, &s->host, s->port,
		    show_addresses(t->address, t->naddresses, list,
		    sizeof(list)), txt_text(s->txt, s->txtlen, txt,
		    sizeof(txt)));
	}
}

/*
 * Counters and limits
 */

static void
counters(uint32_t ticket)
{
	struct discovery_counters *c = &discovery_counters;
	struct querier_stats q;
	uint64_t conflicts;

	service_stats(&q, &conflicts);
	c->links = service_links();
	c->instances = q.instances;
	c->resolved = q.resolved;
	c->records = q.records;
	c->evicted = q.evicted_instances + q.evicted_records;
	c->targets = targets_stats.found + targets_stats.named;
	c->linked = targets_stats.linked;
	c->crowded = targets_stats.crowded;
	c->conflicts = conflicts;
	c->overruns = interfaces_stats.overruns;
#define X(member, gauge, name)						\
	child_row_counter(ticket, name, c->member, gauge);
	DISCOVERY_COUNTERS(X)
#undef X
}

static void
limits(uint32_t ticket)
{
	struct querier_stats q;
	uint64_t conflicts, left_out;
	size_t hosts;

	service_stats(&q, &conflicts);
	resolve_stats(&hosts, &left_out);
	child_row_limit(ticket, "discovery-instances", q.instances,
	    QUERIER_INSTANCES_MAX, q.evicted_instances);
	child_row_limit(ticket, "discovery-records", q.records,
	    QUERIER_RECORDS_MAX, q.evicted_records);
	child_row_limit(ticket, "discovery-nodes-found", targets_stats.found,
	    TARGETS_FOUND_MAX, targets_stats.crowded);
	child_row_limit(ticket, "discovery-nodes-named", targets_stats.named,
	    TARGETS_NAMED_MAX, 0);
	child_row_limit(ticket, "discovery-dials", targets_stats.dials,
	    TARGETS_DIALS_MAX + TARGETS_NAMED_DIALS_MAX, 0);
	child_row_limit(ticket, "discovery-interfaces",
	    interfaces_stats.count, INTERFACES_MAX,
	    interfaces_stats.left_out);
	child_row_limit(ticket, "discovery-groups", service_links(),
	    SERVICE_LINKS_MAX, 0);
	child_row_limit(ticket, "discovery-hosts", hosts, RESOLVE_HOSTS_MAX,
	    left_out);
}

void
show_rows(uint32_t ticket, uint32_t what, const struct conf *conf, int crypto)
{
	const struct interface *i;
	const struct target *t;

	switch (what) {
	case SHOW_SUMMARY:
		counters(ticket);
		break;
	case SHOW_LIMITS:
		limits(ticket);
		break;
	case SHOW_PEERS:
		TAILQ_FOREACH(t, &targets, entry)
			peer_row(ticket, t);
		break;
	case SHOW_INTERFACES:
		TAILQ_FOREACH(i, &interfaces, entry)
			interface_row(ticket, i, conf);
		break;
	case SHOW_DISCOVERY:
		services(ticket);
		break;
	case SHOW_CHECK:
		show_check(ticket, conf, crypto);
		break;
	}
	child_row_end(ticket);
}
