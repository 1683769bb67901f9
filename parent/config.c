/*
 * Reading nwsd.conf(5): which file, its permissions, include files.  Runs in
 * the parent, which trusts the file as far as its owner and mode allow.
 */
#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "parent/parent.h"

/* One reading of the configuration. */
struct reading {
	int starting;
	int errors;
	char *why;          /* WHY_MAX: the first error */
	char readable[256]; /* first file that everybody may read, or "" */
};

/* The file: its name as it was given and a path that chdir() leaves alone. */
static const char *file_name = "built-in";
static char file_path[PATH_MAX];
static int file_asked;

static void
say(const struct reading *r, const char *line)
{
	if (r->starting)
		fprintf(stderr, "%s\n", line);
	else
		log_warnx("%s", line);
}

static void
report(const char *line, void *arg)
{
	struct reading *r = arg;

	if (r->errors++ == 0)
		snprintf(r->why, WHY_MAX, "%s", line);
	say(r, line);
}

static void __attribute__((__format__(printf, 2, 3)))
error(struct reading *r, const char *fmt, ...)
{
	char line[WHY_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	report(line, r);
}

void
config_init(const struct options *o)
{
	char dir[PATH_MAX];
	int n;

	file_asked = o->file != NULL;
	file_name = file_asked ? o->file : CONF_FILE;
	if (*file_name == '/' || getcwd(dir, sizeof(dir)) == NULL)
		n = snprintf(file_path, sizeof(file_path), "%s", file_name);
	else
		n = snprintf(
		    file_path, sizeof(file_path), "%s/%s", dir, file_name);
	if (n < 0 || (size_t)n >= sizeof(file_path))
		fatalx("%s: name too long", file_name);
}

/* Each client has one, in its frontend; who comes after the last one waits. */
static void
announce_descriptors(const struct conf *conf)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1 ||
	    rl.rlim_cur > conf->max_clients / conf->prefork)
		return;
	log_warnx("max-clients %u: a frontend can have only %ju descriptors "
		  "(RLIMIT_NOFILE)",
	    conf->max_clients, (uintmax_t)rl.rlim_cur);
}

void
config_announce(struct conf *conf)
{
	if (conf->origin_any != 0 && !conf->allow_any_said)
		log_warnx("allow origin any: every web page may connect");
	conf->allow_any_said = 1;
	announce_descriptors(conf);
}

const char *
config_name(void)
{
	return (file_name);
}

/* Who else could have written this file, and who can read it. */
static void
check_permissions(struct reading *r, FILE *f, const char *name)
{
	struct stat st;
	char line[WHY_MAX];

	if (fstat(fileno(f), &st) == -1 || !S_ISREG(st.st_mode))
		return;
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		snprintf(line, sizeof(line),
		    "%s: warning: belongs to another "
		    "user (%u)",
		    name, (unsigned int)st.st_uid);
		say(r, line);
	}
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		snprintf(line, sizeof(line),
		    "%s: warning: others than its "
		    "owner may write it (mode %03o)",
		    name, (unsigned int)st.st_mode & 0777);
		say(r, line);
	}
	if ((st.st_mode & S_IROTH) != 0 && r->readable[0] == '\0')
		snprintf(r->readable, sizeof(r->readable), "%s", name);
}

static FILE *
open_file(const char *path)
{
	FILE *f;
	struct stat st;

	if ((f = fopen(path, "re")) == NULL)
		return (NULL);
	if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)) {
		fclose(f);
		errno = EISDIR;
		return (NULL);
	}
	return (f);
}

/* An include file: relative names begin where the main file is. */
static FILE *
open_include(const char *path, void *arg)
{
	struct reading *r = arg;
	FILE *f;
	char full[PATH_MAX];
	const char *slash = strrchr(file_path, '/');
	int n;

	if (*path == '/' || slash == NULL)
		n = snprintf(full, sizeof(full), "%s", path);
	else
		n = snprintf(full, sizeof(full), "%.*s/%s",
		    (int)(slash - file_path), file_path, path);
	if (n < 0 || (size_t)n >= sizeof(full)) {
		errno = ENAMETOOLONG;
		return (NULL);
	}
	if ((f = open_file(full)) != NULL)
		check_permissions(r, f, full);
	return (f);
}

/* The whole of a file of at most MSG_TEXT_MAX bytes; NULL with errno. */
static char *
read_all(FILE *f, size_t *len)
{
	char *text = malloc(MSG_TEXT_MAX + 1);

	if (text == NULL)
		return (NULL);
	*len = fread(text, 1, MSG_TEXT_MAX + 1, f);
	if (ferror(f) || *len > MSG_TEXT_MAX) {
		errno = ferror(f) ? EIO : EFBIG;
		free(text);
		return (NULL);
	}
	return (text);
}

static struct conf *
load_file(struct reading *r, FILE *f)
{
	struct conf *conf;
	char *text;
	size_t len;

	check_permissions(r, f, file_name);
	text = read_all(f, &len);
	if (text == NULL) {
		error(r, "%s: %s", file_name, strerror(errno));
		return (NULL);
	}
	conf = conf_parse(file_name, text, len, parent.options->defs,
	    open_include, r, report, r);
	/* There may be secrets in it. */
	explicit_bzero(text, len);
	free(text);
	return (conf);
}

/* What of a configuration nobody else should know; NULL: nothing. */
static const char *
secret_in(const struct conf *conf)
{
	const struct conf_channel *c;

	if (conf->native_token != NULL)
		return ("a native token");
	TAILQ_FOREACH(c, &conf->channels, entry)
		if (c->secret != NULL)
			return ("the secret of a channel");
	return (NULL);
}

/*
 * A secret that every user of the machine can read is none.  Any of the files
 * may hold it, where it is the value of a macro.
 */
static int
check_secret(struct reading *r, const struct conf *conf)
{
	const char *what = secret_in(conf);

	if (what == NULL || r->readable[0] == '\0')
		return (0);
	error(r,
	    "%s: everybody may read it, but the configuration holds %s, "
	    "expected mode 0600 or 0640",
	    r->readable, what);
	return (-1);
}

int
config_texts(const struct conf *conf, struct conf_texts *t)
{
	char **text[] = { &t->plain, &t->token, &t->secret };
	const uint32_t secrets[] = { 0, CONF_TOKEN, CONF_SECRETS };
	size_t i;
	int good = 1;

	for (i = 0; i < 3; i++) {
		*text[i] = conf_print(conf, secrets[i]);
		if (*text[i] == NULL || strlen(*text[i]) > MSG_TEXT_MAX)
			good = 0;
	}
	if (!good)
		config_texts_free(t);
	return (good ? 0 : -1);
}

static void
text_free(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

void
config_texts_free(struct conf_texts *t)
{
	text_free(t->plain);
	text_free(t->token);
	text_free(t->secret);
	memset(t, 0, sizeof(*t));
}

struct conf *
config_load(int starting, char why[WHY_MAX])
{
	struct reading r;
	struct conf *conf;
	FILE *f;

	memset(&r, 0, sizeof(r));
	r.starting = starting;
	r.why = why;
	f = open_file(file_path);
	if (f == NULL && (errno != ENOENT || file_asked)) {
		error(&r, "%s: %s", file_name, strerror(errno));
		return (NULL);
	}
	if (f == NULL) {
		if (!parent.options->check)
			log_info("there is no %s: using the built-in "
				 "configuration",
			    file_name);
		if ((conf = conf_default()) == NULL)
			error(&r, "%s", strerror(ENOMEM));
		return (conf);
	}
	conf = load_file(&r, f);
	fclose(f);
	if (conf != NULL && check_secret(&r, conf) == -1) {
		conf_free(conf);
		return (NULL);
	}
	if (conf == NULL && r.errors > 1) {
		size_t n = strlen(why);

		snprintf(why + n, WHY_MAX - n, " (and %d more)", r.errors - 1);
	}
	return (conf);
}
