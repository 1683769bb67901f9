/*
 * wsload: the event loop: opens the connections, waits for silence, warms up,
 * measures, waits for what is still due.  Publishes in a closed loop (so many
 * in flight in each channel) or an open one (so many each second).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "wsload.h"

struct counters	 counters, counters_start, counters_end;
struct conn	*conns;
struct channel	*channels;
uint32_t	 nconns, nready, ring_mask;
struct timing	 timing;
uint64_t	 last_input;

static enum phase	  phase;
static struct channel	**dirty;
static uint32_t		  ndirty, nopened;
static uint64_t		  setup_at, ready_at, warm_at, last_delivery;
static int		  epfd;

void
mark_dirty(struct channel *ch)
{
	if (!ch->dirty) {
		ch->dirty = true;
		dirty[ndirty++] = ch;
	}
}

bool
in_measurement(uint64_t sent)
{
	return (timing.from != 0 && sent >= timing.from &&
	    (timing.to == 0 || sent < timing.to));
}

void
add_conn(struct conn *c)
{
	struct epoll_event ev = { .data.ptr = c,
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };

	if (epoll_ctl(epfd, EPOLL_CTL_ADD, c->fd, &ev) == -1)
		die("epoll_ctl: %s", strerror(errno));
}

static void
publish(struct channel *ch, uint64_t when)
{
	ch->missing[ch->next_seq & ring_mask] = ch->subs;
	queue_publication(ch->pub, ch->next_seq++, when);
}

static bool
can_publish(const struct channel *ch)
{
	return (ch->next_seq - ch->done_seq <= ring_mask &&
	    ch->pub->state == READY);
}

/* Closed loop: fill up the windows of the channels where one has opened. */
static void
refill(uint64_t now)
{
	struct channel *ch;
	uint32_t i;

	for (i = 0; i < ndirty; i++) {
		ch = dirty[i];
		ch->dirty = false;
		if (opt.rate > 0 || phase < WARMUP || phase > MEASURE)
			continue;
		while (ch->next_seq - ch->done_seq < opt.window &&
		    can_publish(ch))
			publish(ch, now);
		if (!ch->pub->out_wanted && ch->pub->state == READY)
			conn_flush(ch->pub);
	}
	ndirty = 0;
}

/* Open loop: publish what is due; returns when the next one will be. */
static uint64_t
publish_due(uint64_t now)
{
	static double sent, begun;
	static uint32_t turn;
	struct channel *ch;
	uint64_t next;

	if (begun == 0)
		begun = (double)now;
	while ((next = (uint64_t)(begun + sent * 1e9 / opt.rate)) <= now) {
		ch = &channels[turn++ % opt.channels];
		sent++;
		if (!can_publish(ch)) {
			counters.stalls++;
			continue;
		}
		publish(ch, next);
		if (!ch->pub->out_wanted)
			conn_flush(ch->pub);
	}
	return (next);
}

/* Closed loop, and nothing has come for a second: give up on what is due. */
static void
unstall(uint64_t now)
{
	uint32_t i;

	if (now < last_delivery + seconds(1))
		return;
	last_delivery = now;
	counters.stalls++;
	for (i = 0; i < opt.channels; i++) {
		channels[i].done_seq = channels[i].next_seq;
		memset(channels[i].missing, 0,
		    (ring_mask + 1) * sizeof(uint32_t));
		mark_dirty(&channels[i]);
	}
}

static double
unix_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ((double)ts.tv_sec + (double)ts.tv_nsec / 1e9);
}

static void
enter_settle(uint64_t now)
{
	struct watch *w;
	int i;

	timing.setup = (double)(now - setup_at) / 1e9;
	ready_at = last_input = now;
	for (i = 0; i < opt.nwatch; i++) {
		w = &opt.watch[i];
		w->at_setup = watch_cpu(w) - w->at_setup;
	}
}

static void
enter_warmup(uint64_t now)
{
	uint32_t i;

	timing.settle = (double)(last_input - ready_at) / 1e9;
	warm_at = now + seconds(opt.warmup);
	last_delivery = now;
	for (i = 0; opt.rate == 0 && i < opt.channels; i++)
		mark_dirty(&channels[i]);
}

static void
enter_measure(void)
{
	int i;

	for (i = 0; i < opt.nwatch; i++)
		opt.watch[i].at_start = watch_cpu(&opt.watch[i]);
	timing.own = own_cpu();
	machine_cpu(&timing.busy, &timing.steal);
	counters_start = counters;
	timing.unix_from = unix_time();
	timing.from = now_ns();
}

static void
enter_drain(void)
{
	double busy, steal;
	int i;

	timing.unix_to = unix_time();
	for (i = 0; i < opt.nwatch; i++)
		opt.watch[i].at_end = watch_cpu(&opt.watch[i]);
	timing.own = own_cpu() - timing.own;
	machine_cpu(&busy, &steal);
	timing.busy = busy - timing.busy;
	timing.steal = steal - timing.steal;
	counters_end = counters;
	timing.to = now_ns();
}

static void
enter(enum phase next, uint64_t now)
{
	phase = next;
	if (next == SETTLE)
		enter_settle(now);
	else if (next == WARMUP)
		enter_warmup(now);
	else if (next == MEASURE)
		enter_measure();
	else if (next == DRAIN)
		enter_drain();
}

static void
setup(uint64_t now, bool timed_out)
{
	uint32_t lost = (uint32_t)(counters.failed + counters.closed);

	while (nopened < nconns &&
	    nopened < nready + lost + opt.connect_window) {
		conn_open(&conns[nopened], nopened);
		nopened++;
	}
	if (nready == nconns)
		enter(SETTLE, now);
	else if (timed_out || nready + lost >= nconns)
		die("%s: only %u of %u connections became ready, "
		    "%llu refused, %llu closed", opt.label, nready, nconns,
		    (unsigned long long)counters.failed,
		    (unsigned long long)counters.closed);
}

static void
step(uint64_t now)
{
	uint64_t due = counters.published * opt.subs;
	bool timed_out = now > setup_at + seconds(opt.setup_timeout);

	switch (phase) {
	case SETUP:
		setup(now, timed_out);
		break;
	case SETTLE:
		if (now >= last_input + seconds(opt.settle) || timed_out)
			enter(opt.scenario == IDLE ? DONE : WARMUP, now);
		break;
	case WARMUP:
		if (now >= warm_at)
			enter(MEASURE, now);
		break;
	case MEASURE:
		if (now >= timing.from + seconds(opt.duration))
			enter(DRAIN, now);
		break;
	case DRAIN:
		if (counters.delivered + counters.gaps >= due ||
		    now > timing.to + seconds(opt.drain))
			enter(DONE, now);
		break;
	default:
		break;
	}
}

/* Publishes in the open loop, and notices a stall; returns when to wake up. */
static uint64_t
drive(uint64_t now)
{
	static uint64_t seen;
	uint64_t next = UINT64_MAX;

	if (phase != WARMUP && phase != MEASURE)
		return (next);
	if (opt.rate > 0)
		next = publish_due(now);
	if (counters.delivered != seen) {
		seen = counters.delivered;
		last_delivery = now;
	} else if (opt.rate == 0)
		unstall(now);
	return (next);
}

void
run(void)
{
	struct epoll_event events[MAX_EVENTS];
	struct timespec wait = { 0, 0 };
	uint64_t now, next;
	int i, max = opt.rate > 0 ? 32 : MAX_EVENTS, n;

	dirty = xcalloc(opt.channels, sizeof(*dirty));
	if ((epfd = epoll_create1(0)) == -1)
		die("epoll_create1: %s", strerror(errno));
	now = setup_at = now_ns();
	for (i = 0; i < opt.nwatch; i++)
		opt.watch[i].at_setup = watch_cpu(&opt.watch[i]);
	for (;;) {
		step(now);
		if (phase == DONE)
			return;
		next = drive(now);
		refill(now);
		now = now_ns();
		wait.tv_nsec = 10 * 1000 * 1000;
		if (next < now + (uint64_t)wait.tv_nsec)
			wait.tv_nsec = next > now ? (long)(next - now) : 0;
		if (opt.spin && phase >= WARMUP)
			wait.tv_nsec = 0;
		n = epoll_pwait2(epfd, events, max, &wait, NULL);
		if (n == -1 && errno != EINTR)
			die("epoll_pwait2: %s", strerror(errno));
		for (i = 0; i < n; i++)
			conn_event(events[i].data.ptr, events[i].events);
		now = now_ns();
	}
}
