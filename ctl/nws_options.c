/* The command line of nws(1). */
#include <bsd/string.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "../common/conf.h"
#include "nws.h"

/* "host", "host:port", "[::1]:port", "::1", ":port". */
static int
parse_host(const char *s, struct options *o)
{
	const char *colon = strrchr(s, ':'), *end = s + strlen(s);
	uint64_t port;
	size_t n;

	if (*s == '[') {
		if ((end = strchr(s, ']')) == NULL ||
		    (end[1] != '\0' && end[1] != ':'))
			return (-1);
		colon = end[1] == ':' ? end + 1 : NULL;
		s++;
	} else if (colon != NULL && strchr(s, ':') != colon)
		colon = NULL;		/* an IPv6 address by itself */
	else if (colon != NULL)
		end = colon;
	if (colon != NULL) {
		if (text_number(colon + 1, 65535, &port) == -1)
			return (-1);
		snprintf(o->port, sizeof(o->port), "%u", (unsigned int)port);
	}
	n = (size_t)(end - s);
	if (n >= sizeof(o->host))
		return (-1);
	if (n > 0) {
		memcpy(o->host, s, n);
		o->host[n] = '\0';
	}
	return (0);
}

static const char *
option(int ch, const char *arg, struct options *o)
{
	switch (ch) {
	case 'b':
		o->binary = 1;
		break;
	case 'H':
		if (parse_host(arg, o) == -1)
			return ("-H takes HOST, HOST:PORT or [IPV6]:PORT");
		break;
	case 'j':
		o->json = 1;
		break;
	case 'k':
		o->token_file = arg;
		break;
	case 'N':
		o->leave_at_eof = 1;
		break;
	case 'n':
		if (text_number(arg, UINT64_MAX, &o->count) == -1)
			return ("-n takes a number of messages, 1 or more");
		break;
	case 'P':
		o->presence_off = 1;
		break;
	case 'p':
		o->publish = 1;
		break;
	case 'q':
		o->quiet = 1;
		break;
	case 't':
		if (text_number(arg, INT64_MAX, &o->target) == -1)
			return ("-t takes the id of a peer, a decimal number");
		break;
	case 'U':
		o->unix_path = arg;
		break;
	case 'v':
		o->verbose++;
		break;
	case 'w':
		if (text_seconds(arg, &o->wait_s) == -1)
			return ("-w takes seconds, or a time such as 5m");
		break;
	default:
		return ("");
	}
	return (NULL);
}

static const char *
check(const struct options *o)
{
	if (o->binary && o->json)
		return ("-b and -j exclude each other");
	if (o->publish && o->count > 0)
		return ("-p does not listen, so -n has no meaning with it");
	if (!channel_name_valid(o->channel, strlen(o->channel)))
		return ("not a channel name: 1 to 255 of A-Z a-z 0-9 + = * . "
		    "_ - (and not \"libp2p\")");
	return (NULL);
}

int
nws_options(int argc, char *argv[], struct options *o, char *why,
    size_t why_size)
{
	static const struct option names[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "presence-off", no_argument, NULL, 'P' },
		{ NULL, 0, NULL, 0 }
	};
	const char *text = NULL;
	int ch;

	memset(o, 0, sizeof(*o));
	strlcpy(o->host, "localhost", sizeof(o->host));
	strlcpy(o->port, NWS_PORT, sizeof(o->port));
	why[0] = '\0';
	optind = 0;		/* from the start, also the second time */
	while ((ch = getopt_long(argc, argv, "bH:hjk:Nn:Ppqt:U:Vvw:", names,
	    NULL)) != -1) {
		if (ch == 'h' || ch == 'V')
			return (ch);
		if ((text = option(ch, optarg, o)) != NULL)
			break;
	}
	if (text == NULL && argc - optind != 1)
		text = argc == optind ? "which channel?" :
		    "one channel only";
	if (text == NULL) {
		o->channel = argv[optind];
		text = check(o);
	}
	if (text == NULL)
		return (0);
	strlcpy(why, text, why_size);
	return (-1);
}
