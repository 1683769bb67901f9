/*
 * The limits of limits.h.  Runs in the router; owns the counts.  Addresses and
 * origins are taken as bytes from frontends, which are not trusted: they are
 * compared, and shown only after what does not belong in a line is taken out.
 */
#include "limits.h"

#include <string.h>

#include "../common/child.h"
#include "../common/conf.h"
#include "../common/log.h"
#include "../common/loop.h"
#include "../common/tally.h"
#include "channel.h"
#include "counters.h"

/* By enum refused; named as in nwsd.conf(5). */
#define LIMITS	(REFUSED_CHANNELS + 1)
static struct limit {
	const char	*name;
	uint64_t	 max;		/* 0: none */
	uint64_t	 hits;
	uint32_t	 told_s;	/* of the last event, plus one */
} limits[LIMITS] = {
	[REFUSED_CLIENTS] = { .name = "max-clients" },
	[REFUSED_ORIGIN] = { .name = "max-clients-per-origin" },
	[REFUSED_ADDRESS] = { .name = "max-clients-per-address" },
	[REFUSED_CHANNELS] = { .name = "max-channels" }
};

static uint64_t		clients;
static struct tally	origins, addresses;

void
limits_configure(const struct conf *conf)
{
	limits[REFUSED_CLIENTS].max = conf->max_clients;
	limits[REFUSED_ORIGIN].max = conf->max_clients_origin;
	limits[REFUSED_ADDRESS].max = conf->max_clients_address;
	limits[REFUSED_CHANNELS].max = conf->max_channels;
}

static int
has_address(const uint8_t addr[16])
{
	static const uint8_t none[16];

	return (memcmp(addr, none, sizeof(none)) != 0);
}

/* Text for a string in an event; an origin has none of what is replaced. */
static void
printable(char *out, size_t size, const char *in, size_t len)
{
	size_t i;

	for (i = 0; i < len && i + 1 < size; i++)
		out[i] = in[i] > 0x20 && in[i] < 0x7f && in[i] != '"' &&
		    in[i] != '\\' ? in[i] : '?';
	out[i] = '\0';
}

/* At most one event in a second for each limit, and a few lines in a minute. */
static void
limit_hit(struct limit *l, const char *origin, size_t origin_len, uint64_t id)
{
	static struct log_limit log_limit = { .burst = 5, .period_s = 60 };
	char text[MSG_ORIGIN_MAX + 1];
	uint32_t now = loop_now_s();

	l->hits++;
	if (log_allowed(&log_limit))
		log_warnx("%s: limit of %llu reached", l->name,
		    (unsigned long long)l->max);
	if (!child_monitored() || l->told_s == now + 1)
		return;
	l->told_s = now + 1;
	printable(text, sizeof(text), origin, origin_len);
	child_event(EVENT_LIMIT, id,
	    "limit=%s max=%llu hits=%llu origin=\"%s\"", l->name,
	    (unsigned long long)l->max, (unsigned long long)l->hits, text);
}

static int
above(enum refused which, uint64_t used)
{
	return (limits[which].max != 0 && used >= limits[which].max);
}

int
limits_admit(const uint8_t addr[16], const char *origin, size_t origin_len,
    const struct channel *c, uint64_t id, enum refused *why)
{
	if (above(REFUSED_CLIENTS, clients))
		*why = REFUSED_CLIENTS;
	else if (origin_len != 0 && limits[REFUSED_ORIGIN].max != 0 &&
	    above(REFUSED_ORIGIN, tally_count(&origins, origin, origin_len)))
		*why = REFUSED_ORIGIN;
	else if (has_address(addr) && limits[REFUSED_ADDRESS].max != 0 &&
	    above(REFUSED_ADDRESS, tally_count(&addresses, addr, 16)))
		*why = REFUSED_ADDRESS;
	else if (c != NULL && !c->counted &&
	    above(REFUSED_CHANNELS, router_counters.channels))
		*why = REFUSED_CHANNELS;
	else
		return (1);
	limit_hit(&limits[*why], origin, origin_len, id);
	return (0);
}

int
limits_count(struct member *mb, const uint8_t addr[16], const char *origin,
    size_t origin_len)
{
	if (origin_len != 0) {
		mb->origin = tally_ref(&origins, origin, origin_len);
		if (mb->origin == NULL)
			return (-1);
	}
	if (has_address(addr)) {
		mb->address = tally_ref(&addresses, addr, 16);
		if (mb->address == NULL) {
			tally_unref(&origins, mb->origin);
			mb->origin = NULL;
			return (-1);
		}
	}
	clients++;
	return (0);
}

void
limits_uncount(struct member *mb)
{
	tally_unref(&origins, mb->origin);
	tally_unref(&addresses, mb->address);
	mb->origin = mb->address = NULL;
	clients--;
}

void
limits_channel_new(struct channel *c, int quiet)
{
	c->counted = 1;
	router_counters.channels++;
	if (!quiet && child_monitored())
		child_event(EVENT_CHANNEL_NEW, 0, "channel=\"%s\"", c->name);
}

void
limits_channel_gone(const struct channel *c)
{
	router_counters.channels--;
	if (child_monitored())
		child_event(EVENT_CHANNEL_GONE, 0, "channel=\"%s\"", c->name);
}

void
limits_rows(uint32_t ticket)
{
	uint64_t used[LIMITS];
	unsigned int i;

	used[REFUSED_CLIENTS] = clients;
	/* The one that is nearest to its limit. */
	used[REFUSED_ORIGIN] = tally_largest(&origins);
	used[REFUSED_ADDRESS] = tally_largest(&addresses);
	used[REFUSED_CHANNELS] = router_counters.channels;
	for (i = 0; i < LIMITS; i++)
		child_row_limit(ticket, limits[i].name, used[i], limits[i].max,
		    limits[i].hits);
}
