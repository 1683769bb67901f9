/*
 * The macros of nwsd.conf(5), from the file and from -D.  Part of the parser;
 * pure; trusts nothing in the text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_parser.h"

static int
define(struct conf_parser *, const char *, size_t, const char *, int);

/* -D of the command line: these stand whatever the file says. */
int
conf_macro_defs(struct conf_parser *p, const char *const *defs)
{
	const char *equals;
	char vis[64];

	if (defs == NULL)
		return (0);
	if ((p->file = conf_keep_file(p, "-D")) == NULL)
		return (-1);
	for (p->line = 1; *defs != NULL; defs++, p->line++) {
		equals = strchr(*defs, '=');
		conf_where(p, "%s",
		    conf_lex_vis(*defs, strlen(*defs), vis, sizeof(vis)));
		if (equals == NULL)
			conf_wrong(p, "no =, expected macro=value");
		else
			define(
			    p, *defs, (size_t)(equals - *defs), equals + 1, 1);
	}
	return (p->errors == 0 ? 0 : -1);
}

/* At the "=". */
int
conf_macro_parse(struct conf_parser *p, const char *name)
{
	char value[CONF_TOKEN_MAX + 1];

	conf_next(p);
	if (!conf_is_value(p))
		return (conf_expected(p, "a value"));
	memcpy(value, p->tok.text, p->tok.len + 1);
	conf_next(p);
	return (define(p, name, strlen(name), value, 0) == -1 ? -1 : 1);
}

static int
define(struct conf_parser *p, const char *name, size_t n, const char *value,
    int fixed)
{
	static const char start[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	static const char more[] = "0123456789-";
	struct conf_macro *m;
	char vis[256];
	size_t i;

	for (i = 0; i < n; i++)
		if (strchr(start, name[i]) == NULL &&
		    (i == 0 || strchr(more, name[i]) == NULL))
			break;
	if (n == 0 || i < n || n > CONF_MACRO_NAME_MAX)
		return (conf_wrong(p,
		    "expected a name of up to %d letters, "
		    "digits, _ and -",
		    CONF_MACRO_NAME_MAX));
	if (!conf_lex_is_text(value, CONF_TOKEN_MAX))
		return (conf_wrong(p,
		    "expected a value of at most %d bytes "
		    "without control characters",
		    CONF_TOKEN_MAX));
	if ((m = conf_macro_find(p, name, n)) != NULL) {
		if (m->fixed && !fixed)
			return (0);
		return (conf_wrong(p, "given before in %s:%u, expected once",
		    conf_lex_vis(m->file, strlen(m->file), vis, sizeof(vis)),
		    m->line));
	}
	if (p->nmacros == CONF_MACROS_MAX)
		return (conf_wrong(p, "too many macros, expected at most %d",
		    CONF_MACROS_MAX));
	if ((m = calloc(1, sizeof(*m))) == NULL)
		return (conf_nomem(p));
	m->file = p->file;
	m->line = p->line;
	m->fixed = fixed;
	m->name = strndup(name, n);
	m->value = strdup(value);
	TAILQ_INSERT_TAIL(&p->macros, m, entry);
	p->nmacros++;
	return (m->name == NULL || m->value == NULL ? conf_nomem(p) : 0);
}

struct conf_macro *
conf_macro_find(struct conf_parser *p, const char *name, size_t n)
{
	struct conf_macro *m;

	TAILQ_FOREACH(m, &p->macros, entry)
		if (strlen(m->name) == n && memcmp(m->name, name, n) == 0)
			return (m);
	return (NULL);
}
