/*
 * Reads the files lines of nwsd.conf(5), and says which of them a path belongs
 * to.  Part of the parser, and run by the parent, the frontends and the process
 * that serves files.  Pure; trusts nothing in the text, nor in a path.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_parser.h"

static int at_parse(struct conf_parser *, struct conf_files *);
static int at_reserved(const char *);

/* "directory" at "/path" */
int
conf_files_statement(struct conf_parser *p)
{
	struct conf_files *files;
	char key[CONF_FILES_PATH_MAX + 16], vis[100];

	if ((files = calloc(1, sizeof(*files))) == NULL)
		return (conf_nomem(p));
	if (conf_path(p, CONF_TOKEN_MAX - 1, &files->directory) == -1)
		goto bad;
	/* A directory may have any bytes in its name. */
	conf_lex_vis(files->directory, strlen(files->directory), vis,
	    sizeof(vis));
	conf_where(p, "files \"%s\"", vis);
	if (!conf_take(p, "at")) {
		conf_expected(p, "at and the path to serve it at");
		goto bad;
	}
	conf_where(p, "files \"%s\" at", vis);
	if (at_parse(p, files) == -1)
		goto bad;
	snprintf(key, sizeof(key), "files at %s", files->at);
	conf_where(p, "files at \"%.150s\"", files->at);
	if (conf_once(p, key) == -1)
		goto bad;
	if (p->nfiles == CONF_FILES_MAX) {
		conf_wrong(p, "too many of them, expected at most %d",
		    CONF_FILES_MAX);
		goto bad;
	}
	p->nfiles++;
	TAILQ_INSERT_TAIL(&p->conf->files, files, entry);
	return (0);
bad:
	free(files->directory);
	free(files->at);
	free(files);
	return (-1);
}

/*
 * Names with a slash before each, of what never has to be escaped in an URL
 * (RFC 3986, 2.3); none begins with a dot.
 */
static int
at_valid(const char *s, size_t n)
{
	size_t i;

	if (n < 2 || n > CONF_FILES_PATH_MAX || s[0] != '/' || s[n - 1] == '/')
		return (0);
	for (i = 1; i < n; i++) {
		if (s[i - 1] == '/' && (s[i] == '/' || s[i] == '.'))
			return (0);
		if (!(s[i] >= 'a' && s[i] <= 'z') &&
		    !(s[i] >= 'A' && s[i] <= 'Z') &&
		    !(s[i] >= '0' && s[i] <= '9') &&
		    strchr("/-._~", s[i]) == NULL)
			return (0);
	}
	return (1);
}

static int
at_parse(struct conf_parser *p, struct conf_files *files)
{
	if (!conf_is_value(p) || !at_valid(p->tok.text, p->tok.len))
		return (conf_expected(p,
		    "a path of at most %d letters, digits, - . _ ~ and /, "
		    "with a / before each name and none at the end, as "
		    "\"/apps\"",
		    CONF_FILES_PATH_MAX));
	if (at_reserved(p->tok.text))
		return (conf_expected(p,
		    "another path: what begins so is, or may come to be, "
		    "nwsd's own"));
	return (conf_string(p, &files->at));
}

/*
 * Whether something else is, or may come to be, at paths that begin so: see
 * nws-protocol(7).  Files of nwsd's own have a dot in their name.
 */
static int
at_reserved(const char *at)
{
	static const char *const names[] = { "broadcast", "connect", "console",
		"control", "create", "debug", "examples", "health", "j",
		"libp2p", "listen", "local", "metrics", "s" };
	size_t i, n = strcspn(at + 1, "/");

	if (memchr(at + 1, '.', n) != NULL)
		return (1);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == n &&
		    memcmp(names[i], at + 1, n) == 0)
			return (1);
	return (0);
}

const struct conf_files *
conf_files_find(const struct conf *conf, const char *path, size_t len,
    uint32_t *number, const char **rest)
{
	const struct conf_files *files, *found = NULL;
	size_t n, longest = 0;
	uint32_t i = 0;

	TAILQ_FOREACH(files, &conf->files, entry) {
		n = strlen(files->at);
		if (n <= len && n > longest &&
		    memcmp(files->at, path, n) == 0 &&
		    (n == len || path[n] == '/')) {
			longest = n;
			found = files;
			*number = i;
			*rest = n == len ? NULL : path + n + 1;
		}
		i++;
	}
	return (found);
}

int
conf_files_same(const struct conf *a, const struct conf *b)
{
	const struct conf_files *x = TAILQ_FIRST(&a->files);
	const struct conf_files *y = TAILQ_FIRST(&b->files);

	while (x != NULL && y != NULL && strcmp(x->at, y->at) == 0 &&
	    strcmp(x->directory, y->directory) == 0) {
		x = TAILQ_NEXT(x, entry);
		y = TAILQ_NEXT(y, entry);
	}
	return (x == NULL && y == NULL);
}
