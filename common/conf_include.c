/*
 * The include files of nwsd.conf(5).  Part of the parser; does something in the
 * parent only, which alone gives an opener.  Trusts that the administrator
 * chose the files, not that they are text, small, or without end.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_parser.h"

static int include(struct conf_parser *, const char *);
static int read_file(FILE *, char **, size_t *);
static char *resolve(const char *, const char *);

int
conf_include(struct conf_parser *p)
{
	char name[CONF_TOKEN_MAX + 1], vis[160];
	char *path;
	int rv;

	if (p->opener == NULL)
		return (conf_wrong(p, "not possible here, expected one file"));
	if (!conf_is_value(p) || p->tok.len == 0)
		return (conf_expected(p, "the name of a file in quotes"));
	memcpy(name, p->tok.text, p->tok.len + 1);
	conf_where(p, "include \"%s\"",
	    conf_lex_vis(name, p->tok.len, vis, sizeof(vis)));
	conf_next(p);
	if (p->tok.kind != TOKEN_NEWLINE && p->tok.kind != TOKEN_END)
		return (conf_expected(p, "the end of the line"));
	if (p->depth == CONF_DEPTH_MAX)
		return (conf_wrong(p,
		    "nested too deep, expected at most %d "
		    "levels",
		    CONF_DEPTH_MAX));
	if (p->nincludes == CONF_INCLUDES_MAX)
		return (conf_wrong(p, "too many files, expected at most %d",
		    CONF_INCLUDES_MAX));
	p->nincludes++;
	if ((path = resolve(p->file, name)) == NULL)
		return (conf_nomem(p));
	rv = include(p, path);
	free(path);
	return (rv);
}

/* Reads that file in place of the line at hand, whose end is the next token. */
static int
include(struct conf_parser *p, const char *path)
{
	struct conf_token tok = p->tok;
	struct conf_lex lex = p->lex;
	const char *file = p->file;
	char *text;
	size_t n;
	FILE *f;

	/* Names in messages begin where the main file's does. */
	if ((f = p->opener(path[0] == '/' ? path : path + p->folder_len,
		 p->opener_arg)) == NULL)
		return (conf_wrong(p, "%s, expected a file that can be read",
		    strerror(errno)));
	switch (read_file(f, &text, &n)) {
	case -1:
		return (conf_wrong(p, "%s, expected a file that can be read",
		    strerror(errno)));
	case 0:
		return (conf_wrong(p,
		    "file too large, expected at most %u "
		    "bytes",
		    CONF_TEXT_MAX));
	}
	p->depth++;
	conf_text(p, path, text, n);
	p->depth--;
	free(text);
	p->file = file;
	p->lex = lex;
	p->tok = tok;
	p->tok_macro = 0;
	return (0);
}

/* Closes f.  Returns 1, 0 when it is too large, -1 with errno set. */
static int
read_file(FILE *f, char **text, size_t *n)
{
	int saved;

	if ((*text = malloc(CONF_TEXT_MAX + 1)) == NULL) {
		fclose(f);
		return (-1);
	}
	*n = fread(*text, 1, CONF_TEXT_MAX + 1, f);
	saved = errno;
	if (!ferror(f) && *n <= CONF_TEXT_MAX) {
		fclose(f);
		return (1);
	}
	if (ferror(f))
		*n = 0;
	fclose(f);
	free(*text);
	errno = saved;
	return (*n > CONF_TEXT_MAX ? 0 : -1);
}

/* A relative path is meant from the folder of the file that it stands in. */
static char *
resolve(const char *file, const char *name)
{
	const char *slash = strrchr(file, '/');
	char *path;
	int len;

	if (name[0] == '/' || slash == NULL)
		return (strdup(name));
	len = (int)(slash - file) + 1;
	if (asprintf(&path, "%.*s%s", len, file, name) == -1)
		return (NULL);
	return (path);
}
