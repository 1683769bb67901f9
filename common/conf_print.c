/*
 * Prints the configuration so that it parses again to the same tree: for
 * nwsd -nv, and for the pipe to the children.  Runs in the parent.  Trusts the
 * tree, which conf_parse() made.
 *
 * The text stays below MSG_TEXT_MAX because each list and each string in it is
 * bounded: the longest are 1000 origins of 400 bytes, 1000 hosts and 1000
 * channels of 300, and 64 lines of files of 1300.  The secrets of a thousand
 * channels could make it longer; the parent refuses such a file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_parser.h"
#include "msg.h"

#define ORIGIN_TEXT_MAX 320
#define SCOPE_TEXT_MAX 64

static void print_listens(FILE *, const struct conf *);
static void print_addresses(FILE *, const struct conf_listen *, const char *);
static void print_processes(FILE *, const struct conf *);
static void print_access(FILE *, const struct conf *, int);
static void
print_scalar(FILE *, const struct conf *, const struct conf_scalar *);
static void print_flow(FILE *, const struct conf *);
static void print_link(FILE *, const struct conf *);
static void print_nodes(FILE *, const struct conf *);
static void print_channels(FILE *, const struct conf *, int);
static void print_files(FILE *, const struct conf *);
static void print_rate(FILE *, const char *, const struct conf_rate *);
static void print_string(FILE *, const char *);

char *
conf_print(const struct conf *conf, uint32_t secrets)
{
	const struct conf_scalar *s;
	char *text = NULL;
	size_t len;
	FILE *f;
	int bad;

	if ((f = open_memstream(&text, &len)) == NULL)
		return (NULL);
	print_listens(f, conf);
	print_processes(f, conf);
	for (s = conf_scalars; s->name != NULL; s++) {
		if (strcmp(s->name, "echo") == 0)
			print_access(f, conf, (secrets & CONF_TOKEN) != 0);
		if (strcmp(s->name, "discovery") == 0) {
			print_flow(f, conf);
			print_link(f, conf);
		}
		print_scalar(f, conf, s);
	}
	print_nodes(f, conf);
	print_channels(f, conf, (secrets & CONF_SECRETS) != 0);
	print_files(f, conf);
	bad = ferror(f);
	if (fclose(f) != 0 || bad) {
		free(text);
		return (NULL);
	}
	return (text);
}

static void
print_listens(FILE *f, const struct conf *conf)
{
	const struct conf_listen *ls;

	fprintf(f, "# Listeners.\n");
	ls = TAILQ_FIRST(&conf->listens);
	print_addresses(f, ls, "");
	fprintf(f, "control ");
	if (conf->control == NULL)
		fprintf(f, "default");
	else
		print_string(f, conf->control);
	fprintf(f, " mode %04o\n", conf->control_mode);
}

/* This listener and those after it, a line each. */
static void
print_addresses(FILE *f, const struct conf_listen *ls, const char *indent)
{
	for (; ls != NULL; ls = TAILQ_NEXT(ls, entry)) {
		fprintf(f, "%slisten on ", indent);
		if (conf_listen_is_pair(ls)) {
			fprintf(f, "localhost port %u\n",
			    conf_listen_port(ls));
			ls = TAILQ_NEXT(ls, entry);
			continue;
		}
		if (ls->addr.ss_family != AF_UNIX) {
			fprintf(f, "%s\n", conf_listen_text(ls));
			continue;
		}
		fprintf(f, "unix ");
		print_string(
		    f, ((const struct sockaddr_un *)&ls->addr)->sun_path);
		fprintf(f, " mode %04o", ls->mode);
		if (ls->group != NULL) {
			fprintf(f, " group ");
			print_string(f, ls->group);
		}
		fputc('\n', f);
	}
}

static void
print_processes(FILE *f, const struct conf *conf)
{
	fprintf(f, "\n# Processes.\nuser ");
	print_string(f, conf->user == NULL ? CONF_USER : conf->user);
	fprintf(f, "\nchroot ");
	print_string(f, conf->chroot == NULL ? CONF_CHROOT : conf->chroot);
	fputc('\n', f);
}

static void
print_access(FILE *f, const struct conf *conf, int token)
{
	const struct conf_host *h;
	const struct conf_origin *o;
	char text[ORIGIN_TEXT_MAX];
	char scope[SCOPE_TEXT_MAX];

	if (TAILQ_EMPTY(&conf->hosts) && TAILQ_EMPTY(&conf->origins) &&
	    conf->origin_any == 0 && (conf->native_token == NULL || !token))
		return;
	fprintf(f, "\n# Who may connect.\n");
	TAILQ_FOREACH(h, &conf->hosts, entry) {
		fprintf(f, "host ");
		print_string(f, h->name);
		fputc('\n', f);
	}
	if (conf->origin_any != 0)
		fprintf(f, "allow origin any scope { %s }\n",
		    scope_text(
			(uint32_t)conf->origin_any, scope, sizeof(scope)));
	TAILQ_FOREACH(o, &conf->origins, entry) {
		fprintf(f, "%s origin ", o->deny ? "deny" : "allow");
		print_string(
		    f, origin_pattern_text(&o->pattern, text, sizeof(text)));
		if (!o->deny)
			fprintf(f, " scope { %s }",
			    scope_text(o->scope, scope, sizeof(scope)));
		fputc('\n', f);
	}
	if (conf->native_token != NULL && token) {
		fprintf(f, "native token ");
		print_string(f, conf->native_token);
		fputc('\n', f);
	}
}

static void
print_scalar(FILE *f, const struct conf *conf, const struct conf_scalar *s)
{
	uint32_t v;
	char text[CONF_NUMBER_TEXT];

	memcpy(&v, (const char *)conf + s->offset, sizeof(v));
	if (s->group != NULL)
		fprintf(f, "\n# %s\n", s->group);
	switch (s->kind) {
	case CONF_ONOFF:
		fprintf(f, "%s %s\n", s->name, v != 0 ? "on" : "off");
		break;
	case CONF_NUMBER:
		fprintf(f, "%s %u\n", s->name, v);
		break;
	case CONF_SIZE:
		fprintf(f, "%s %s\n", s->name, conf_size_text(v, text));
		break;
	case CONF_TIME:
		fprintf(f, "%s %s\n", s->name, conf_time_text(v, text));
		break;
	case CONF_CONSOLE:
		fprintf(f, "%s %s\n", s->name, v == CONSOLE_ON ? "on" :
		    v == CONSOLE_READ_ONLY ? "read-only" : "off");
		break;
	}
}

static void
print_flow(FILE *f, const struct conf *conf)
{
	char a[CONF_NUMBER_TEXT], b[CONF_NUMBER_TEXT];

	fprintf(f, "queue-limit %s", conf_size_text(conf->queue_limit, a));
	if (conf->queue_soft != 0)
		fprintf(f, " soft %s for %s",
		    conf_size_text(conf->queue_soft, a),
		    conf_time_text(conf->queue_soft_s, b));
	fprintf(f, "\nslow-reader %s\n", conf->slow_drop ? "drop" : "close");
	fprintf(f, "keepalive ping %s timeout %s\n",
	    conf_time_text(conf->ping_s, a), conf_time_text(conf->gone_s, b));
	print_rate(f, "client", &conf->rate_client);
	print_rate(f, "origin", &conf->rate_origin);
	print_rate(f, "address", &conf->rate_address);
	print_rate(f, "link", &conf->rate_link);
}

static void
print_rate(FILE *f, const char *what, const struct conf_rate *r)
{
	fprintf(f, "rate %s messages %u", what, r->rate);
	if (r->rate != 0)
		fprintf(f, " burst %u", r->burst);
	fputc('\n', f);
}

static void
print_link(FILE *f, const struct conf *conf)
{
	fprintf(f, "\n# Links.\n");
	if (!conf->link || conf_link_is_builtin(conf))
		fprintf(f, "link %s\n", conf->link ? "on" : "off");
	else {
		fprintf(f, "link {\n");
		print_addresses(f, TAILQ_FIRST(&conf->link_listens), "\t");
		fprintf(f, "}\n");
	}
	fprintf(f, "identity %s\n",
	    conf->identity_persistent ? "persistent" : "ephemeral");
}

static void
print_nodes(FILE *f, const struct conf *conf)
{
	const struct conf_interface *ifc;
	const struct conf_peer *peer;
	char text[MSG_PEER_MAX + 1];

	TAILQ_FOREACH(ifc, &conf->interfaces, entry) {
		fprintf(f, "interface %s ", ifc->allow ? "allow" : "deny");
		print_string(f, ifc->pattern);
		fputc('\n', f);
	}
	TAILQ_FOREACH(peer, &conf->peers, entry) {
		fprintf(f, "peer ");
		/* The name of an interface may have a backslash. */
		print_string(f,
		    conf_peer_text(peer->host, peer->port, text, sizeof(text)));
		fputc('\n', f);
	}
}

static void
print_channels(FILE *f, const struct conf *conf, int secrets)
{
	const struct conf_channel *c;

	if (TAILQ_EMPTY(&conf->channels))
		return;
	fprintf(f, "\n# Channels.\n");
	TAILQ_FOREACH(c, &conf->channels, entry) {
		fprintf(f, "channel ");
		print_string(f, c->name);
		fprintf(f, " { presence %s", c->presence ? "on" : "off");
		if (c->local)
			fprintf(f, ", local");
		if (c->secret != NULL && secrets) {
			fprintf(f, ", secret ");
			print_string(f, c->secret);
		}
		fprintf(f, " }\n");
	}
}

static void
print_files(FILE *f, const struct conf *conf)
{
	const struct conf_files *files;

	if (TAILQ_EMPTY(&conf->files))
		return;
	fprintf(f, "\n# Files.\n");
	TAILQ_FOREACH(files, &conf->files, entry) {
		fprintf(f, "files ");
		print_string(f, files->directory);
		fprintf(f, " at ");
		print_string(f, files->at);
		fputc('\n', f);
	}
}

static void
print_string(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', f);
		fputc(*s, f);
	}
	fputc('"', f);
}
