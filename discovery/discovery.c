/*
 * The discovery process: where other nodes are.  It finds them by mDNS, knows
 * those that were named, dials them, and hands connected sockets to crypto.  It
 * trusts the parent; not the network, and not crypto, which reads what others
 * say.  This file has the process's main, the tables of what may arrive in
 * which phase, and the clock of all parts.
 */
#include <sys/time.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "common/child.h"
#include "common/conf.h"
#include "common/hash.h"
#include "common/imsg.h"
#include "common/log.h"
#include "common/loop.h"
#include "discovery/interfaces.h"
#include "discovery/resolve.h"
#include "discovery/service.h"
#include "discovery/show.h"
#include "discovery/targets.h"

#define SLEPT_S			5	/* that others may have noticed */
#define CRYPTO_QUEUE_MAX	(64u * 1024u)	/* then nobody is dialled */

static pipe_handler handle_link_port, handle_peers, handle_resolver,
    handle_pipe, handle_show, handle_linked;

static const struct pipe_phase parent_startup = {
	.name = "startup",
	.handler = {
		[MSG_CONF] = child_conf,
		[MSG_CONF_END] = child_conf_end,
		[MSG_LINK_PORT] = handle_link_port,
		[MSG_PEERS] = handle_peers,
		[MSG_RESOLVER] = handle_resolver,
		[MSG_PIPE] = handle_pipe,
		[MSG_START] = child_begin,
		[MSG_LOG_LEVEL] = child_log_level,
		[MSG_MONITOR] = child_monitor,
		[MSG_SHOW] = handle_show,
		[MSG_TRIP] = child_trip
	}
};

static const struct pipe_phase parent_running = {
	.name = "running",
	.handler = {
		[MSG_CONF] = child_conf,
		[MSG_CONF_END] = child_conf_end,
		[MSG_LINK_PORT] = handle_link_port,
		[MSG_PEERS] = handle_peers,
		[MSG_RESOLVER] = handle_resolver,
		[MSG_PIPE] = handle_pipe,
		[MSG_LOG_LEVEL] = child_log_level,
		[MSG_MONITOR] = child_monitor,
		[MSG_SHOW] = handle_show,
		[MSG_TRIP] = child_trip
	}
};

static const struct pipe_phase crypto_linked = {
	.name = "linked",
	.handler = {
		[MSG_LINKED] = handle_linked
	}
};

static const struct conf *conf;
static struct pipe *crypto;
static int crypto_seen;		/* there was one before */
static uint16_t port;
static struct event timer;

/*
 * What targets need
 */

static int
crypto_ready(void)
{
	return (crypto != NULL &&
	    imsg_queued(pipe_imsg(crypto)) < CRYPTO_QUEUE_MAX);
}

static int
hand_over(uint32_t number, int fd, const struct dial_address *a)
{
	struct msg_dialled m;

	if (crypto == NULL) {
		close(fd);
		return (-1);
	}
	memset(&m, 0, sizeof(m));
	memcpy(m.addr, a->addr, sizeof(m.addr));
	m.scope = a->scope;
	m.port = a->port;
	return (imsg_send(pipe_imsg(crypto), MSG_DIALLED, number, fd, &m,
	    sizeof(m)));
}

static void
forget(uint32_t number)
{
	if (crypto != NULL && imsg_send(pipe_imsg(crypto), MSG_FORGET, number,
	    -1, NULL, 0) == -1)
		log_warn("crypto: forget");
}

static uint64_t
now_ms(void)
{
	return ((uint64_t)loop_now_ms());
}

static uint32_t
random_next(void)
{
	return (arc4random());
}

static const struct targets_ops targets_real = {
	.dial = dial_start,
	.dial_cancel = dial_cancel,
	.resolve = resolve_start,
	.resolve_cancel = resolve_cancel,
	.hand_over = hand_over,
	.ready = crypto_ready,
	.forget = forget,
	.pin = service_pin,
	.doubt = service_doubt,
	.event = show_event,
	.now = now_ms,
	.random = random_next
};

/*
 * From the parent
 */

static void
conf_apply(void)
{
	const struct conf_peer *peer;

	targets_named_begin();
	TAILQ_FOREACH(peer, &conf->peers, entry)
		targets_named(PEER_CONFIGURED, peer->host, peer->port);
	targets_named_end(PEER_CONFIGURED);
	service_port(port);
	service_configure(conf);
}

static void
configure(struct conf *new)
{
	conf = new;
	if (child_started())
		conf_apply();
}

static void
start(void)
{
	interfaces_start();
	conf_apply();
}

static void
handle_link_port(struct pipe *p, struct imsg *m)
{
	uint32_t given;

	memcpy(&given, m->data, sizeof(given));
	if (given > UINT16_MAX) {
		pipe_violation(p, "no port");
		return;
	}
	port = (uint16_t)given;
	if (child_started())
		service_port(port);
}

/* One line, host:port. */
static void
named_line(const char *line, size_t len)
{
	const char *why;
	uint16_t its_port;
	char *host;

	if (len == 0)
		return;
	if (conf_peer_parse(line, len, &host, &its_port, &why) == -1) {
		log_warnx("peer %s: expected %s", log_vis(line, len), why);
		return;
	}
	targets_named(PEER_ADDED, host, its_port);
	free(host);
}

static void
handle_peers(struct pipe *p, struct imsg *m)
{
	const char *s = m->data, *end = s + m->hdr.len, *nl;

	(void)p;
	targets_named_begin();
	for (; s < end; s = nl + 1) {
		nl = memchr(s, '\n', (size_t)(end - s));
		if (nl == NULL)
			nl = end;
		named_line(s, (size_t)(nl - s));
	}
	targets_named_end(PEER_ADDED);
}

static void
handle_resolver(struct pipe *p, struct imsg *m)
{
	size_t unknown;

	(void)p;
	unknown = resolve_configure(m->data, m->hdr.len);
	if (unknown > 0)
		log_debug("resolver: %zu lines not understood", unknown);
}

static void
crypto_closed(struct pipe *p, const char *why)
{
	if (why != NULL) {
		log_warnx("crypto: given up: %s", why);
		child_stuck(P_CRYPTO, 0);
	}
	pipe_free(p);
	crypto = NULL;
	targets_crypto();
}

static void
handle_pipe(struct pipe *p, struct imsg *m)
{
	struct imsgbuf *ib;
	struct msg_pipe to;

	if ((ib = child_take_pipe(p, m, P_CRYPTO, &to)) == NULL)
		return;
	pipe_free(crypto);
	crypto = pipe_new(ib, &crypto_linked, crypto_closed, NULL);
	if (crypto == NULL)
		log_warnx("crypto: out of memory");
	/* All that was linked is not any more, and others are to know. */
	targets_crypto();
	if (crypto_seen)
		service_renew();
	crypto_seen = 1;
}

static void
handle_show(struct pipe *p, struct imsg *m)
{
	const struct msg_show *show;

	if ((show = imsg_struct(m, sizeof(*show))) == NULL || conf == NULL) {
		pipe_violation(p, "not now, or of a wrong length");
		return;
	}
	show_rows(m->hdr.peerid, show->what, conf, crypto != NULL);
}

/*
 * From crypto
 */

static void
handle_linked(struct pipe *p, struct imsg *m)
{
	struct msg_linked linked;

	memcpy(&linked, m->data, sizeof(linked));
	if (linked.what > LINKED_LOST) {
		pipe_violation(p, "no such outcome");
		return;
	}
	targets_linked(m->hdr.peerid, linked.what,
	    (const char *)m->data + sizeof(linked),
	    m->hdr.len - sizeof(linked));
}

/*
 * Turns
 */

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return (a < b ? a : b);
}

/* Whether this machine slept since the last call; that no other clock tells. */
static int
slept(void)
{
#ifdef CLOCK_BOOTTIME
	static int64_t before = -1;
	struct timespec with, without;
	int64_t asleep_s;
	int yes;

	if (clock_gettime(CLOCK_BOOTTIME, &with) == -1 ||
	    clock_gettime(CLOCK_MONOTONIC, &without) == -1)
		return (0);
	asleep_s = (int64_t)with.tv_sec - (int64_t)without.tv_sec;
	yes = before != -1 && asleep_s - before >= SLEPT_S;
	if (before == -1 || yes)
		before = asleep_s;
	return (yes);
#else
	return (0);
#endif
}

static void
run_due(uint64_t now)
{
	if (slept())
		interfaces_cut();
	if (interfaces_due() <= now)
		interfaces_run(now);
	if (interfaces_changed()) {
		resolve_interfaces();
		service_interfaces();
		targets_network_changed();
	}
	if (service_due() <= now)
		service_run();
	targets_run();
}

static void
turn_end(void)
{
	uint64_t now = now_ms(), due;
	struct timeval tv;

	if (child_started()) {
		run_due(now);
		due = earlier(service_due(), earlier(targets_due(),
		    interfaces_due()));
		event_del(&timer);
		if (due != MDNS_NEVER) {
			due = due > now ? due - now : 0;
			tv.tv_sec = (time_t)(due / 1000);
			tv.tv_usec = (suseconds_t)(due % 1000 * 1000);
			(void)event_add(&timer, &tv);
		}
	}
	if (crypto != NULL)
		pipe_flush(crypto);
	pipe_flush(child_parent());
}

/* What is due is done at the end of the turn. */
static void
timer_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void
at_end(void)
{
	service_goodbye();
	exit(0);
}

static const struct child_process process = {
	.startup = &parent_startup,
	.running = &parent_running,
	.configure = configure,
	.start = start,
	.end = at_end
};

int
discovery_main(void)
{
	hash_seed();
	targets_init(&targets_real);
	child_start(&process);
	event_assign(&timer, loop_base(), -1, 0, timer_cb, NULL);
	loop_run(turn_end);
	return (0);
}
