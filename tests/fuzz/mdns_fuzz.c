/*
 * The responder and the querier with its cache, fed with packets of strangers
 * at any time: their limits hold, what they send can be read, and they come to
 * rest.  Input is a list of steps: an operation, a time, a length and a packet.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "discovery/querier.h"
#include "discovery/responder.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define SERVICE "_nws._tcp.local"
#define STEPS_MAX 64

struct world {
	struct responder *r;
	struct querier *q;
	struct mdns_sender sender;
	uint64_t now;
	uint32_t random;
	size_t sent;
	uint8_t last[DNS_MESSAGE_MAX];
	size_t lastlen;
};

static void
require(int ok)
{
	if (!ok)
		abort();
}

static uint32_t
next_random(void *arg)
{
	struct world *w = arg;

	w->random = w->random * 1664525u + 1013904223u;
	return (w->random ^ w->random >> 16);
}

static void
take(void *arg, const struct mdns_out *out)
{
	struct world *w = arg;

	require(out->len >= DNS_HEADER_BYTES && out->len <= DNS_MESSAGE_MAX);
	require(out->link == 1 || out->link == 2);
	require(dns_check(out->bytes, out->len) == 0);
	memcpy(w->last, out->bytes, out->len);
	w->lastlen = out->len;
	w->sent++;
}

static void
reports(struct world *w)
{
	struct querier_service s;
	struct querier_stats stats;
	int n = 0;

	while (querier_report(w->q, &s) != QUERIER_NONE) {
		require(s.naddresses <= QUERIER_ADDRESSES_MAX);
		require(s.txtlen <= CACHE_RDATA_MAX && s.port != 0);
		require(++n <= 3 * QUERIER_INSTANCES_MAX);
	}
	querier_stats(w->q, &stats);
	require(stats.instances <= QUERIER_INSTANCES_MAX);
	require(stats.resolved <= stats.instances);
	require(stats.records <= QUERIER_RECORDS_MAX);
}

static void
run(struct world *w)
{
	responder_run(w->r, w->now, &w->sender);
	querier_run(w->q, w->now, &w->sender);
	/* Nothing is left for now. */
	require(responder_due(w->r) > w->now);
	require(querier_due(w->q) > w->now);
	reports(w);
}

static void
set_link(struct world *w, uint32_t link, uint8_t seed)
{
	struct responder_addresses a;

	memset(&a, 0, sizeof(a));
	a.n4 = seed & 3;
	a.n6 = seed >> 2 & 3;
	memset(a.v4, seed, sizeof(a.v4));
	memset(a.v6, seed, sizeof(a.v6));
	(void)responder_set_link(w->r, link, 512u + seed, &a, w->now);
	(void)querier_set_link(w->q, link, 512u + seed, w->now);
}

static void
packet(struct world *w, uint8_t how, const uint8_t *p, size_t n)
{
	struct mdns_from from;
	uint32_t link = 1 + (how & 1);
	uint8_t back[DNS_MESSAGE_MAX];

	memset(&from, 0, sizeof(from));
	from.address[15] = how & 6;
	from.port = how & 8 ? 5000 : MDNS_PORT;
	from.multicast = (how & 16) == 0;
	from.own = (how & 32) != 0;
	/* What was said last comes back, maybe changed in one place. */
	if (how & 64 && w->lastlen > 0) {
		if (n >= 2)
			w->last[p[0] % w->lastlen] ^= p[1];
		/* Answers to it are taken meanwhile. */
		n = w->lastlen;
		p = memcpy(back, w->last, n);
	}
	require(responder_input(w->r, link, &from, p, n, w->now, &w->sender) ==
	    querier_input(w->q, link, &from, p, n, w->now));
}

static void
step(struct world *w, uint8_t what, uint8_t how, const uint8_t *p, size_t n)
{
	switch (what % 8) {
	case 0:
		set_link(w, 1 + (how & 1), how >> 1);
		break;
	case 1:
		responder_delete_link(w->r, 1 + (how & 1));
		querier_delete_link(w->q, 1 + (how & 1), w->now);
		break;
	case 2:
		(void)responder_set_txt(w->r, p, n, w->now);
		break;
	case 3:
		querier_pin(w->q, responder_instance(w->r), how & 1);
		querier_doubt(w->q, responder_instance(w->r), w->now);
		break;
	default:
		packet(w, how, p, n);
		break;
	}
	reports(w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct world w;
	struct mdns_random random = { next_random, &w };
	size_t len;
	int steps;

	memset(&w, 0, sizeof(w));
	w.random = 1;
	w.sender.send = take;
	w.sender.arg = &w;
	w.r = responder_new(SERVICE, 9010, &random);
	w.q = querier_new(SERVICE, &random);
	if (w.r == NULL || w.q == NULL)
		abort();
	set_link(&w, 1, 5);
	for (steps = 0; steps < STEPS_MAX && n >= 6; steps++) {
		w.now += (uint64_t)1 << (data[2] & 31);
		run(&w);
		len = (size_t)data[3] << 8 | data[4];
		if (len > n - 5)
			len = n - 5;
		step(&w, data[0], data[1], data + 5, len);
		data += 5 + len;
		n -= 5 + len;
	}
	responder_stop(w.r);
	run(&w);
	require(responder_due(w.r) == MDNS_NEVER);
	responder_free(w.r);
	querier_free(w.q);
	return (0);
}
