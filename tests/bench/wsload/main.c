/* wsload: main(), and what is made before the first connection. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "wsload.h"

static void
prepare_publisher(struct conn *c)
{
	char text[PREFIX_MAX];

	c->prefix_len = opt.proto->prefix(c, text, sizeof(text));
	c->prefix = xcalloc(1, c->prefix_len + 1);
	memcpy(c->prefix, text, c->prefix_len);
}

/* Room to remember every publication that can be in flight. */
static uint32_t
ring_size(void)
{
	uint32_t ring = opt.rate > 0 ? 65536 : 1;

	while (ring < opt.window)
		ring *= 2;
	return (ring);
}

/* Subscribers first, so that they are there before the publishers. */
static void
prepare_conns(void)
{
	struct channel *ch;
	uint32_t i, j, n = 0;

	for (i = 0; i < opt.channels; i++) {
		ch = &channels[i];
		ch->index = i;
		ch->subs = opt.subs;
		ch->missing = xcalloc(ring_mask + 1, sizeof(uint32_t));
		for (j = 0; j < opt.subs; j++, n++) {
			conns[n].role = SUBSCRIBER;
			conns[n].chan = ch;
			if (opt.scenario == PINGPONG)
				prepare_publisher(&conns[n]);
		}
	}
	for (i = 0; n < nconns; i++, n++) {
		conns[n].role = PUBLISHER;
		conns[n].chan = &channels[i];
		channels[i].pub = &conns[n];
		prepare_publisher(&conns[n]);
	}
}

static void
prepare(void)
{
	uint32_t per_channel;

	if (opt.scenario == PINGPONG)
		opt.subs = 1;
	per_channel = opt.scenario == IDLE ? opt.subs : opt.subs + 1;
	nconns = opt.channels * per_channel;
	conns = xcalloc(nconns, sizeof(*conns));
	channels = xcalloc(opt.channels, sizeof(*channels));
	ring_mask = ring_size() - 1;
	prepare_conns();
	check_init();
	conn_init();
}

static void
raise_files(void)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur < nconns + 16)
		die("%u connections need more than %llu descriptors", nconns,
		    (unsigned long long)files.rlim_cur);
}

int
main(int argc, char **argv)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };
	uint32_t i;

	signal(SIGPIPE, SIG_IGN);
	options(argc, argv);
	prepare();
	raise_files();
	run();
	report();
	if (opt.hold >= 0)
		poll(&in, 1, (int)(opt.hold * 1000));
	for (i = 0; i < nconns; i++)
		conn_close(&conns[i], false);
	return (0);
}
