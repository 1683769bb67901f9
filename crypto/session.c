/*
 * A session from HELLO to its end (session.h): what is sent, when, and what is
 * not waited for any longer.  Runs in crypto; owns struct session.  The other
 * node is not trusted.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/conf.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/rate.h"
#include "crypto/links.h"
#include "crypto/session_private.h"

/* nws-link(7), START AND KEEPALIVE */
#define PING_MS		15000
#define GONE_MS		30000

#define IDLE_MS		1000	/* then memory for input is given back */

struct session_counters	session_counters;

void
session_send(struct session *s, const struct nwsproto *msg)
{
	uint8_t	out[NWSPROTO_HEADER + NWSPROTO_SMALL_MAX];
	size_t	n;

	if ((n = nwsproto_encode(msg, out, sizeof(out))) == 0) {
		log_warnx("%s: %s cannot be encoded", link_text(s->link),
		    nwsproto_type_name(msg->type));
		s->failed = "a message cannot be encoded";
		return;
	}
	link_send(s->link, out, n, NULL, 0);
}

static void
match_send(void *arg, const struct nwsproto *msg)
{
	session_send(arg, msg);
}

static void
match_shared_cb(void *arg, uint64_t channel, uint32_t handle)
{
	channels_shared(arg, channel, handle);
}

static void
match_unshared_cb(void *arg, uint64_t channel)
{
	channels_unshared(arg, channel);
}

static const struct match_ops	ops = { match_send, match_shared_cb,
	match_unshared_cb };

struct session *
session_new(const struct session_config *c)
{
	struct match_config	 config;
	struct session		*s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	memset(&config, 0, sizeof(config));
	config.lead = c->lead;
	config.id = c->id;
	config.remote_id = c->remote_id;
	config.binding = c->binding;
	config.limits[0] = c->limits[0];
	config.limits[1] = c->limits[1];
	config.counters = &session_counters.match;
	config.ops = &ops;
	config.arg = s;
	if ((s->match = match_new(&config)) == NULL) {
		free(s);
		return (NULL);
	}
	s->link = c->link;
	s->heard_ms = loop_now_ms();
	return (s);
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	channels_drop(s);
	match_free(s->match);
	idmap_clear(&s->shares);
	free(s->in);
	free(s);
}

void
session_activate(struct session *s)
{
	s->active = 1;
	s->ping_ms = loop_now_ms() + PING_MS;
	s->heard_ms = loop_now_ms();
	link_active(s->link);
	channels_add_all(s);
	link_touch(s->link);
}

void
session_hello(struct session *s)
{
	struct nwsproto	msg = { .type = NWSPROTO_HELLO };

	if (s->hello_sent)
		return;
	/* A reload is not said again: what was promised holds. */
	s->max_data = channels_conf->max_message;
	if (s->max_data < NWSPROTO_DATA_MIN)
		s->max_data = NWSPROTO_DATA_MIN;
	if (s->max_data > NWSPROTO_DATA_MAX)
		s->max_data = NWSPROTO_DATA_MAX;
	s->hello_sent = 1;
	msg.version = NWSPROTO_VERSION;
	msg.max_data = s->max_data;
	session_send(s, &msg);
	if (s->hello_got)
		session_activate(s);
}

int
session_is_active(const struct session *s)
{
	return (s->active);
}

int
session_may_send(struct session *s, size_t len)
{
	if (len > s->remote_max_data) {
		session_counters.dropped_large++;
		s->stats.dropped++;
		return (0);
	}
	session_counters.messages_out++;
	s->stats.messages_out++;
	return (1);
}

/*
 * What has come is taken: one record at most after the one message too many.
 * Whatever it says meanwhile is heard when that time is over.
 */
static void
slow_down(struct session *s, int64_t wait_us)
{
	int64_t	ms = (wait_us + 999) / 1000, now = loop_now_ms(), from;

	from = s->resume_ms > now ? s->resume_ms : now;
	if (from == now)
		session_counters.rate_paused++;
	s->resume_ms = s->heard_ms = now + ms;
	match_put_off(s->match, (uint64_t)(s->resume_ms - from));
	link_touch(s->link);
}

void
session_rate(struct session *s, uint32_t n)
{
	const struct conf_rate	*r = &channels_conf->rate_link;
	int64_t			 now = loop_now_ms() * 1000;
	int			 over = 0;

	if (r->rate == 0)
		return;
	for (; n > 0; n--) {
		over = rate_wait(r, s->rate_tat_ns, now) > 0;
		rate_take(r, &s->rate_tat_ns, now);
	}
	if (over)
		slow_down(s, rate_wait(r, s->rate_tat_ns, now));
}

uint64_t
session_rate_used(const struct session *s)
{
	const struct conf_rate	*r = &channels_conf->rate_link;
	int64_t			 ahead;

	ahead = s->rate_tat_ns - loop_now_ms() * 1000000;
	if (r->rate == 0 || ahead <= 0)
		return (0);
	return ((uint64_t)ahead / (1000000000 / r->rate));
}

int64_t
session_resume_ms(const struct session *s)
{
	return (s->resume_ms);
}

void
session_drop_source(struct session *s)
{
	session_counters.dropped_source++;
	s->stats.dropped++;
}

/* The loop counts in milliseconds; a link in one room answers in less. */
static uint64_t
now_us(void)
{
	struct timespec	ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		return (0);
	return ((uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000);
}

void
session_ping(struct session *s)
{
	struct nwsproto	msg = { .type = NWSPROTO_PING };

	if (!s->active)
		return;
	msg.token = ++s->ping_sent;
	s->ping_us = now_us();
	session_send(s, &msg);
}

int
session_pong(struct session *s, uint64_t token)
{
	uint64_t	rtt;

	if (token <= s->ping_got || token > s->ping_sent)
		return (-1);
	s->ping_got = token;
	if (token != s->ping_sent)
		return (0);
	rtt = now_us() - s->ping_us;
	s->stats.rtt_us = rtt == 0 ? 1 : rtt > UINT32_MAX ? UINT32_MAX :
	    (uint32_t)rtt;
	return (0);
}

int64_t
session_heard_ms(const struct session *s)
{
	return (s->heard_ms);
}

/* Silence that is not our own, since nothing is read in a pause. */
static int
keepalive(struct session *s, const char **why)
{
	int64_t	now = loop_now_ms(), silent;

	if (router_paused())
		s->heard_ms = now;
	silent = now - s->heard_ms;
	if (session_is_silent(s)) {
		*why = "nothing heard for 30 seconds";
		return (-1);
	}
	/* Also while there is traffic: it measures the round trip. */
	if (now >= s->ping_ms) {
		s->ping_ms = now + PING_MS;
		session_ping(s);
	}
	if (silent >= IDLE_MS && s->in_len == 0 && s->in != NULL) {
		free(s->in);
		s->in = NULL;
		s->in_size = 0;
	}
	return (0);
}

int
session_is_silent(const struct session *s)
{
	return (s->active && loop_now_ms() - s->heard_ms >= GONE_MS);
}

/* Nothing is read, so no answer can come. */
static int
is_paused(const struct session *s)
{
	return (router_paused() || s->resume_ms > loop_now_ms());
}

int
session_turn(struct session *s, const char **why)
{
	if (s->active && (keepalive(s, why) == -1 || (!is_paused(s) &&
	    match_turn(s->match, (uint64_t)loop_now_ms(), why) == -1)))
		return (-1);
	if (s->failed != NULL) {
		*why = s->failed;
		return (-1);
	}
	return (0);
}

uint64_t
session_next(const struct session *s)
{
	uint64_t	next, heard = (uint64_t)s->heard_ms, at;

	if (s->failed != NULL)
		return (heard);
	if (!s->active)
		return (UINT64_MAX);
	next = is_paused(s) ? UINT64_MAX : match_next(s->match);
	at = heard + (s->in != NULL && s->in_len == 0 ? IDLE_MS : GONE_MS);
	if ((uint64_t)s->ping_ms < at)
		at = (uint64_t)s->ping_ms;
	return (at < next ? at : next);
}

void
session_stats(const struct session *s, struct session_stats *stats)
{
	*stats = s->stats;
	stats->channels = (uint32_t)match_shared(s->match);
}

size_t
session_memory(const struct session *s)
{
	return (sizeof(*s) + s->in_size + idmap_memory(&s->shares) +
	    s->shares.count * sizeof(struct share) +
	    s->stats.members * sizeof(struct remote));
}
