/*
 * nwsctl(8): asks a running nwsd what it does, and tells it what to do.  This
 * file: the command line and the small commands.
 */
#include <bsd/stdlib.h>
#include <err.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "nwsctl.h"

struct ctl_options options;

static int	cmd_reload(int, char *[]);
static int	cmd_log(int, char *[]);
static int	cmd_close(int, char *[]);
static int	cmd_console(int, char *[]);
static int	cmd_sandbox_test(int, char *[]);

static const char *const names[] = { "show", "monitor", "reload", "log",
	"close", "origin", "peer", "check", "console",
	"sandbox-test" };
#define NAMES	(sizeof(names) / sizeof(names[0]))

static const struct {
	int		(*run)(int, char *[]);
	const char	*arguments, *help;
} commands[NAMES] = {
	{ cmd_show, "[summary | channels | clients | processes | limits |\n"
	    "                  origins | links | peers | interfaces | "
	    "discovery |\n                  metrics]", "what there is now" },
	{ cmd_monitor, "", "events as they happen" },
	{ cmd_reload, "", "read nwsd.conf again" },
	{ cmd_log, "brief | verbose", "how much is logged" },
	{ cmd_close, "CLIENT", "close a client's connection" },
	{ cmd_origin, "pending | list | allow [-t TIME] ORIGIN [SCOPE ...] |\n"
	    "                  deny ORIGIN | revoke ORIGIN",
	    "web pages that may connect" },
	{ cmd_peer, "add | del HOST[:PORT]", "other nodes to link with" },
	{ cmd_check, "", "whether other nodes can be found and reached" },
	{ cmd_console, "", "where the console is" },
	{ cmd_sandbox_test, "PROCESS [INSTANCE] open | socket | connect | exec",
	    "have a process break out of its sandbox: it is killed and\n"
	    "                  started again" },
};

static void
usage(FILE *f)
{
	size_t i;

	fprintf(f, "usage: nwsctl [-hjV] [-s socket] command [argument ...]\n");
	for (i = 0; i < NAMES; i++)
		fprintf(f, "    %-*s%s\n", *commands[i].arguments == '\0' ? 0 :
		    14, names[i], commands[i].arguments);
}

static void
help(void)
{
	size_t i;

	usage(stdout);
	printf("\n");
	for (i = 0; i < NAMES; i++)
		printf("    %-13s %s\n", names[i], commands[i].help);
	printf("\n    -j            JSON instead of text\n"
	    "    -s socket     of nwsd, as its `control' line says\n\n"
	    "Words may be abbreviated.  Exit codes: 0 done, 1 error, "
	    "2 nwsd is not\nrunning or not reachable.  See nwsctl(8).\n");
}

static int
cmd_reload(int argc, char *argv[])
{
	(void)argv;
	if (argc != 0)
		return (-1);
	link_say(MSG_CTL_RELOAD, NULL, 0, NULL, 0);
	return (link_outcome(NULL));
}

static int
cmd_log(int argc, char *argv[])
{
	static const char *const levels[] = { "brief", "verbose" };
	uint32_t level;
	int i;

	if (argc != 1)
		return (-1);
	if ((i = word_choose(levels, 2, argv[0], "level")) < 0)
		return (EXIT_ERROR);
	level = (uint32_t)i;
	link_say(MSG_CTL_LOG, &level, sizeof(level), NULL, 0);
	return (link_outcome(NULL));
}

static int
cmd_close(int argc, char *argv[])
{
	uint64_t id;

	if (argc != 1)
		return (-1);
	if (text_number(argv[0], INT64_MAX, &id) == -1)
		return (report_error(EXIT_ERROR, "%s: not the id of a client, "
		    "a decimal number (see `nwsctl show clients')", argv[0]));
	link_say(MSG_CTL_CLOSE, &id, sizeof(id), NULL, 0);
	return (link_outcome(NULL));
}

static int
cmd_console(int argc, char *argv[])
{
	(void)argv;
	if (argc != 0)
		return (-1);
	link_say(MSG_CTL_CONSOLE, NULL, 0, NULL, 0);
	return (link_outcome(NULL));
}

static int
cmd_sandbox_test(int argc, char *argv[])
{
	static const char *const calls[TRIPS] = { "open", "socket", "connect",
	    "exec" };
	static const char *const processes[] = { "frontend", "router",
	    "discovery", "crypto", "files" };
	struct msg_trip trip = { 0, 0, 0 };
	uint64_t instance = 0;
	int i;

	if (argc != 2 && argc != 3)
		return (-1);
	if ((i = word_choose(processes, 5, argv[0], "process")) < 0)
		return (EXIT_ERROR);
	trip.process = process_find(processes[i]);
	if (argc == 3 && strcmp(argv[1], "0") != 0 &&
	    text_number(argv[1], UINT32_MAX, &instance) == -1)
		return (report_error(EXIT_ERROR, "%s: not the number of a "
		    "process", argv[1]));
	trip.instance = (uint32_t)instance;
	if ((i = word_choose(calls, TRIPS, argv[argc - 1], "call")) < 0)
		return (EXIT_ERROR);
	trip.call = (uint32_t)i;
	link_say(MSG_CTL_TRIP, &trip, sizeof(trip), NULL, 0);
	return (link_outcome(NULL));
}

/* Returns -1 to go on, or an exit code. */
static int
parse_options(int argc, char *argv[])
{
	static const struct option long_names[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	int ch;

	while ((ch = getopt_long(argc, argv, "+hjs:V", long_names, NULL)) !=
	    -1) {
		switch (ch) {
		case 'h':
			help();
			return (EXIT_DONE);
		case 'j':
			options.json = 1;
			break;
		case 's':
			options.path = optarg;
			break;
		case 'V':
			printf("nwsctl %s\n", NWSD_VERSION);
			return (EXIT_DONE);
		default:
			usage(stderr);
			return (EXIT_ERROR);
		}
	}
	return (-1);
}

/* -j may also stand after the command: `nwsctl show -j clients'. */
static int
late_json(int argc, char *argv[])
{
	int i, kept = 0;

	for (i = 0; i < argc; i++)
		if (strcmp(argv[i], "-j") == 0 ||
		    strcmp(argv[i], "--json") == 0)
			options.json = 1;
		else
			argv[kept++] = argv[i];
	return (kept);
}

int
main(int argc, char *argv[])
{
	int code, i;

	standard_fill();
	signal(SIGPIPE, SIG_IGN);
	if ((code = parse_options(argc, argv)) != -1) {
		stdout_flush();
		return (code);
	}
	argc -= optind, argv += optind;
	argc = late_json(argc, argv);
	if (argc == 0) {
		usage(stderr);
		return (EXIT_ERROR);
	}
	if ((i = word_choose(names, NAMES, argv[0], "command")) < 0)
		return (EXIT_ERROR);
	code = commands[i].run(argc - 1, argv + 1);
	if (code == -1) {
		fprintf(stderr, "usage: nwsctl %s%s%s\n", names[i],
		    *commands[i].arguments == '\0' ? "" : " ",
		    commands[i].arguments);
		code = EXIT_ERROR;
	}
	stdout_flush();
	link_close();
	return (code);
}
