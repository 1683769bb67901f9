/*
 * The command line, of the parent and of the children that it executes.  Runs
 * in both, before anything else; trusts who started the process.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/child.h"
#include "common/msg.h"
#include "parent/parent.h"

static const char usage_text[] =
    "usage: nwsd [-dnv] [-D macro=value] [-f file]\n"
    "       nwsd -h | -V\n";

static const char help_text[] =
    "  -d              stay in the foreground, log to standard error\n"
    "  -D macro=value  define a macro before the configuration is read\n"
    "  -f file         configuration file, instead of " CONF_FILE "\n"
    "  -h, --help      this text\n"
    "  -n              check the configuration and exit; with -v print it\n"
    "  -v              log more\n"
    "  -V, --version   print the version and exit\n";

static const struct option long_options[] = { { "help", no_argument, NULL,
						  'h' },
	{ "version", no_argument, NULL, 'V' }, { NULL, 0, NULL, 0 } };

static void
usage_exit(void)
{
	fputs(usage_text, stderr);
	exit(1);
}

static void
help_exit(void)
{
	fputs(usage_text, stdout);
	fputs(help_text, stdout);
	exit(0);
}

static void
version_exit(void)
{
	puts("nwsd " NWSD_VERSION);
	exit(0);
}

static void
define(struct options *o, const char *def)
{
	const char *eq = strchr(def, '=');

	if (eq == NULL || eq == def) {
		fprintf(stderr, "nwsd: -D %s: expected macro=value\n", def);
		usage_exit();
	}
	o->defs = reallocarray(o->defs, o->n_defs + 2, sizeof(*o->defs));
	if (o->defs == NULL) {
		perror("nwsd");
		exit(1);
	}
	o->defs[o->n_defs++] = def;
	o->defs[o->n_defs] = NULL;
}

/* The instance that -i gives to a child. */
static uint32_t
instance(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n >= CONF_PREFORK_MAX)
		usage_exit();
	return ((uint32_t)n);
}

/* The options that only the parent gives, to a child. */
static int
child_option(int ch, const char *value)
{
	switch (ch) {
	case 'F':
		child_options.process = process_find(value);
		return ((child_options.process & P_CHILDREN) != 0);
	case 'i':
		child_options.instance = instance(value);
		return (1);
	case 'u':
		child_options.user = value;
		return (1);
	case 'c':
		child_options.chroot = value;
		return (1);
	default:
		return (0);
	}
}

int
options_parse(int argc, char **argv, struct options *o)
{
	int ch;

	memset(o, 0, sizeof(*o));
	while ((ch = getopt_long(argc, argv, "dnvVhD:f:F:i:u:c:", long_options,
		    NULL)) != -1) {
		switch (ch) {
		case 'd':
			o->foreground = 1;
			break;
		case 'n':
			o->check = 1;
			break;
		case 'v':
			o->verbose++;
			break;
		case 'V':
			version_exit();
			break;
		case 'h':
			help_exit();
			break;
		case 'D':
			define(o, optarg);
			break;
		case 'f':
			o->file = optarg;
			break;
		default:
			if (!child_option(ch, optarg))
				usage_exit();
			break;
		}
	}
	if (optind != argc)
		usage_exit();
	child_options.verbose = o->verbose;
	return (child_options.process != 0);
}
