/*
 * nws(1): joins a channel, prints what arrives and sends what is typed.  This
 * file: the course of it.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "nws.h"

#define DIAL_MS	10000

static void
usage(FILE *f)
{
	fprintf(f, "usage: nws [-bjNPqv] [-H host[:port] | -U path] "
	    "[-k tokenfile] [-n count]\n"
	    "           [-t peer] [-w time] channel\n"
	    "       nws -p [-bjPqv] [-H host[:port] | -U path] "
	    "[-k tokenfile] [-t peer]\n"
	    "           [-w time] channel\n");
}

static void
help(void)
{
	usage(stdout);
	printf("\nJoins the channel, prints what arrives and sends each line "
	    "that is typed.\n\n"
	    "  -p       only send: each line of standard input, then exit\n"
	    "  -b       messages are bytes; with -p all of the input is one\n"
	    "  -j       messages are JSON, one line each\n"
	    "  -t PEER  send to this peer alone\n"
	    "  -n N     exit after N messages\n"
	    "  -w TIME  exit with 4 after so long without a message\n"
	    "  -N       exit at the end of the input\n"
	    "  -P       neither be shown to the others nor told of them\n"
	    "  -q       no notices on standard error\n"
	    "  -v       say more; -vv more still\n"
	    "  -H HOST  server, localhost:9009 unless told\n"
	    "  -U PATH  server's Unix socket\n"
	    "  -k FILE  file with the token that nwsd.conf asks for\n\n"
	    "Exit codes: 0 done, 1 wrong use, 2 cannot connect, 3 refused, "
	    "4 connection\nlost, 5 message not delivered.  See nws(1).\n");
}

int
main(int argc, char *argv[])
{
	struct options o;
	struct buf rest = { NULL, 0, 0 };
	struct conn conn;
	int64_t deadline;
	char why[160];
	int code, fd;

	standard_fill();
	if ((code = nws_options(argc, argv, &o, why, sizeof(why))) == -1) {
		if (why[0] != '\0')
			warnx("%s", why);
		usage(stderr);
		return (EXIT_LOCAL);
	}
	if (code == 'V') {
		printf("nws %s\n", NWSD_VERSION);
		return (EXIT_OK);
	}
	if (code == 'h') {
		help();
		return (EXIT_OK);
	}
	signal(SIGPIPE, SIG_IGN);
	deadline = now_ms() + DIAL_MS;
	if ((fd = dial(&o, deadline)) == -1)
		return (EXIT_CONNECT);
	if ((code = hello(&o, fd, deadline, &rest)) != 0) {
		close(fd);
		buf_free(&rest);
		return (code);
	}
	conn_init(&conn, fd, &rest, o.verbose);
	code = run(&o, &conn);
	conn_free(&conn);
	return (code);
}
