/* wsload: its command line. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wsload.h"

struct options opt = {
	.host = "127.0.0.1", .label = "", .port = 9009,
	.pub_path = "/c%", .sub_path = "/c%", .topic = "c%",
	.proto = &protocols[0], .scenario_name = "fanout", .fill = "ascii",
	.channels = 1, .subs = 10, .window = 1,
	.connect_window = 64, .src_addrs = 4, .verify_every = 64,
	.size = 32, .warmup = 0.5, .duration = 2, .drain = 5,
	.settle = 0.2, .setup_timeout = 60, .hold = -1,
};

static const char usage[] =
    "usage: wsload [options]\n"
    "  --host A --port N        server address (127.0.0.1 9009)\n"
    "  --pub-port N             publishers go there: another server that is\n"
    "                           joined to that one\n"
    "  --proto P                nws nws-binary raw nchan nats mqtt\n"
    "  --scenario S             fanout: one publisher for each channel and\n"
    "                           --subs subscribers; pingpong: two members\n"
    "                           each; idle: only opens the connections\n"
    "  --pub-path F --sub-path F  request path; % becomes the channel\n"
    "  --topic F                NATS subject, MQTT topic; likewise\n"
    "  --channels N --subs N    channels, and subscribers of each\n"
    "  --size N                 payload bytes, at least 32\n"
    "  --fill K                 payload kind: ascii json utf8\n"
    "  --window N               closed loop: publications in flight in each\n"
    "                           channel\n"
    "  --rate R                 open loop: publications each second\n"
    "  --warmup S --duration S --drain S --settle S --setup-timeout S\n"
    "  --connect-window N       connections being opened at a time\n"
    "  --src-addrs N            spread over 127.0.0.1 .. 127.0.0.N; 0: no\n"
    "                           bind\n"
    "  --host-header H          value of the Host header\n"
    "  --verify-every N         compare all of every Nth delivery\n"
    "  --watch NAME=PID,...     report CPU time of these processes\n"
    "  --spin                   never sleep once running\n"
    "  --hold S                 afterwards wait for a line on standard\n"
    "                           input, S seconds\n"
    "  --label TEXT\n";

static void
usage_error(void)
{
	fputs(usage, stderr);
	exit(2);
}

/* Copies a pattern in which one "%" becomes the number. */
void
expand(char *buf, size_t size, const char *pattern, uint32_t number)
{
	const char *at = strchr(pattern, '%');
	int n;

	if (at == NULL)
		n = snprintf(buf, size, "%s", pattern);
	else
		n = snprintf(buf, size, "%.*s%u%s", (int)(at - pattern),
		    pattern, number, at + 1);
	if (n < 0 || (size_t)n >= size)
		die("%s: too long", pattern);
}

/* "name=pid,pid,..." */
static void
add_watch(char *arg)
{
	struct watch *w = &opt.watch[opt.nwatch];
	char *pids = strchr(arg, '='), *one;

	if (pids == NULL || opt.nwatch == MAX_WATCH)
		die("bad --watch %s", arg);
	*pids++ = '\0';
	snprintf(w->name, sizeof(w->name), "%s", arg);
	while ((one = strsep(&pids, ",")) != NULL && w->npids < MAX_PIDS)
		w->pids[w->npids++] = atoi(one);
	opt.nwatch++;
}

static const struct protocol *
find_protocol(const char *name)
{
	const struct protocol *p;

	for (p = protocols; p->name != NULL; p++)
		if (strcmp(p->name, name) == 0)
			return (p);
	die("unknown protocol %s", name);
}

static enum scenario
find_scenario(const char *name)
{
	static const char *const names[] = { "fanout", "pingpong", "idle" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return ((enum scenario)i);
	die("unknown scenario %s", name);
}

/* Where the value of an option goes; exactly one of the pointers is set. */
static const struct {
	const char	 *name;
	const char	**text;
	uint32_t	 *number;
	double		 *real;
} values[] = {
	{ "host", &opt.host, NULL, NULL },
	{ "pub-path", &opt.pub_path, NULL, NULL },
	{ "sub-path", &opt.sub_path, NULL, NULL },
	{ "topic", &opt.topic, NULL, NULL },
	{ "scenario", &opt.scenario_name, NULL, NULL },
	{ "fill", &opt.fill, NULL, NULL },
	{ "host-header", &opt.host_header, NULL, NULL },
	{ "label", &opt.label, NULL, NULL },
	{ "pub-port", NULL, &opt.pub_port, NULL },
	{ "channels", NULL, &opt.channels, NULL },
	{ "subs", NULL, &opt.subs, NULL },
	{ "window", NULL, &opt.window, NULL },
	{ "connect-window", NULL, &opt.connect_window, NULL },
	{ "src-addrs", NULL, &opt.src_addrs, NULL },
	{ "verify-every", NULL, &opt.verify_every, NULL },
	{ "rate", NULL, NULL, &opt.rate },
	{ "warmup", NULL, NULL, &opt.warmup },
	{ "duration", NULL, NULL, &opt.duration },
	{ "drain", NULL, NULL, &opt.drain },
	{ "settle", NULL, NULL, &opt.settle },
	{ "setup-timeout", NULL, NULL, &opt.setup_timeout },
	{ "hold", NULL, NULL, &opt.hold },
};
enum { NVALUES = sizeof(values) / sizeof(values[0]) };

static void
set_value(int i, const char *value)
{
	if (values[i].text != NULL)
		*values[i].text = value;
	else if (values[i].number != NULL)
		*values[i].number = (uint32_t)strtoul(value, NULL, 10);
	else
		*values[i].real = strtod(value, NULL);
}

static void
parse(int argc, char **argv)
{
	struct option names[NVALUES + 6] = { 0 };
	int i, o;

	for (i = 0; i < NVALUES; i++)
		names[i] = (struct option){ values[i].name, 1, NULL,
		    1000 + i };
	names[i++] = (struct option){ "port", 1, NULL, 'p' };
	names[i++] = (struct option){ "proto", 1, NULL, 'P' };
	names[i++] = (struct option){ "size", 1, NULL, 's' };
	names[i++] = (struct option){ "watch", 1, NULL, 'k' };
	names[i++] = (struct option){ "spin", 0, NULL, 'x' };
	while ((o = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (o >= 1000)
			set_value(o - 1000, optarg);
		else if (o == 'p')
			opt.port = atoi(optarg);
		else if (o == 'P')
			opt.proto = find_protocol(optarg);
		else if (o == 's')
			opt.size = strtoul(optarg, NULL, 10);
		else if (o == 'k')
			add_watch(optarg);
		else if (o == 'x')
			opt.spin = true;
		else
			usage_error();
	}
	if (optind < argc)
		usage_error();
}

void
options(int argc, char **argv)
{
	parse(argc, argv);
	if (opt.size < STAMP_LEN || opt.channels < 1 || opt.subs < 1 ||
	    opt.window < 1 || opt.verify_every < 1 || opt.connect_window < 1)
		usage_error();
	opt.scenario = find_scenario(opt.scenario_name);
	if (opt.scenario == PINGPONG && opt.rate > 0)
		die("pingpong is a closed loop");
	if (opt.pub_port == 0)
		opt.pub_port = (uint32_t)opt.port;
}
