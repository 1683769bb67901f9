/*
 * Reads nwsd.conf(5): the frame of the parser, with its errors, its lists and
 * the rule that nothing is said twice.  Runs in the parent on the file and in
 * the children on what the parent printed.  Pure but for the opener of include
 * files, which only the parent gives.  Trusts nothing in the text: every count
 * has a limit, and what is wrong is reported, never fatal.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_parser.h"

static int parse_line(struct conf_parser *);
static void skip(struct conf_parser *, int);
static void say(struct conf_parser *, unsigned int, const char *);
static void parser_free(struct conf_parser *);

struct conf *
conf_parse(const char *name, const char *text, size_t n,
    const char *const *defs, conf_opener *opener, void *opener_arg,
    void (*report)(const char *line, void *arg), void *arg)
{
	struct conf_parser *p;
	struct conf *conf = NULL;
	const char *slash;

	if ((p = calloc(1, sizeof(*p))) == NULL ||
	    (p->conf = conf_new()) == NULL) {
		free(p);
		report("out of memory", arg);
		return (NULL);
	}
	TAILQ_INIT(&p->macros);
	TAILQ_INIT(&p->seen);
	TAILQ_INIT(&p->files);
	p->opener = opener;
	p->opener_arg = opener_arg;
	p->report = report;
	p->report_arg = arg;
	if ((slash = strrchr(name, '/')) != NULL)
		p->folder_len = (size_t)(slash - name) + 1;
	if (conf_macro_defs(p, defs) == 0 || !p->stop)
		conf_text(p, name, text, n);
	if (p->errors == 0 && TAILQ_EMPTY(&p->conf->listens) &&
	    conf_listen_builtin(p->conf) == -1)
		conf_nomem(p);
	if (p->errors == 0 && p->conf->link &&
	    TAILQ_EMPTY(&p->conf->link_listens) &&
	    conf_link_builtin(p->conf) == -1)
		conf_nomem(p);
	if (p->errors == 0) {
		conf = p->conf;
		p->conf = NULL;
	}
	parser_free(p);
	return (conf);
}

static void
parser_free(struct conf_parser *p)
{
	struct conf_macro *m;
	struct conf_seen *s;
	struct conf_file *f;

	while ((m = TAILQ_FIRST(&p->macros)) != NULL) {
		TAILQ_REMOVE(&p->macros, m, entry);
		free(m->name);
		free(m->value);
		free(m);
	}
	while ((s = TAILQ_FIRST(&p->seen)) != NULL) {
		TAILQ_REMOVE(&p->seen, s, entry);
		free(s->key);
		free(s);
	}
	while ((f = TAILQ_FIRST(&p->files)) != NULL) {
		TAILQ_REMOVE(&p->files, f, entry);
		free(f->name);
		free(f);
	}
	conf_free(p->conf);
	free(p);
}

/* One file, from its first line to its last. */
void
conf_text(struct conf_parser *p, const char *name, const char *text, size_t n)
{
	if ((p->file = conf_keep_file(p, name)) == NULL)
		return;
	p->line = 1;
	if (n > CONF_TEXT_MAX) {
		conf_where(p, "file of %zu bytes", n);
		conf_wrong(p, "expected at most %u", CONF_TEXT_MAX);
		return;
	}
	conf_lex_init(&p->lex, text, n);
	conf_next(p);
	while (!p->stop && p->tok.kind != TOKEN_END) {
		if (p->tok.kind == TOKEN_NEWLINE)
			conf_next(p);
		else if (parse_line(p) == -1)
			skip(p, 0);
	}
}

/* A macro or a statement, up to the end of its line. */
static int
parse_line(struct conf_parser *p)
{
	char keyword[CONF_TOKEN_MAX + 1], vis[64];
	int macro = p->tok_macro, rv;

	conf_where(p, "%s", "");
	if (p->tok.kind != TOKEN_WORD)
		return (conf_expected(p, "a keyword or the name of a macro"));
	memcpy(keyword, p->tok.text, p->tok.len + 1);
	conf_where(
	    p, "%s", conf_lex_vis(keyword, p->tok.len, vis, sizeof(vis)));
	conf_next(p);
	if (!macro && p->tok.kind == TOKEN_EQUALS)
		rv = conf_macro_parse(p, keyword);
	else if (strcmp(keyword, "include") == 0)
		return (conf_include(p));
	else if ((rv = conf_statement(p, keyword)) == 0) {
		if (conf_nearest(keyword) != NULL)
			return (conf_wrong(p,
			    "unknown keyword, did you mean "
			    "%s?",
			    conf_nearest(keyword)));
		return (conf_wrong(p,
		    "unknown keyword, expected one of "
		    "nwsd.conf(5)"));
	}
	if (rv == -1)
		return (-1);
	if (p->tok.kind != TOKEN_NEWLINE && p->tok.kind != TOKEN_END)
		return (conf_expected(p, "the end of the line"));
	return (0);
}

/*
 * After an error: goes on to the end of the line, or in a list to the end of
 * the item.  Braces that open on the way are passed over whole.
 */
static void
skip(struct conf_parser *p, int in_list)
{
	unsigned int depth = 0;

	for (; p->tok.kind != TOKEN_END; conf_next(p)) {
		if (p->tok.kind == TOKEN_OPEN)
			depth++;
		else if (depth > 0) {
			if (p->tok.kind == TOKEN_CLOSE)
				depth--;
		} else if (p->tok.kind == TOKEN_NEWLINE ||
		    (in_list &&
			(p->tok.kind == TOKEN_CLOSE ||
			    p->tok.kind == TOKEN_COMMA)))
			return;
	}
}

void
conf_next(struct conf_parser *p)
{
	struct conf_macro *m;
	char vis[64];

	p->line = p->tok.line;
	p->tok_macro = 0;
	if (p->stop) {
		p->tok.kind = TOKEN_END;
		return;
	}
	conf_lex_next(&p->lex, &p->tok);
	if (p->tok.kind != TOKEN_MACRO)
		return;
	m = conf_macro_find(p, p->tok.text, p->tok.len);
	if (m == NULL) {
		conf_lex_vis(p->tok.text, p->tok.len, vis, sizeof(vis));
		p->tok.kind = TOKEN_BAD;
		snprintf(p->tok.text, sizeof(p->tok.text),
		    "$%s: not defined, "
		    "expected %s = \"value\" before it",
		    vis, vis);
		return;
	}
	p->tok.kind = TOKEN_WORD;
	p->tok_macro = 1;
	p->tok.len = strlen(m->value);
	memcpy(p->tok.text, m->value, p->tok.len + 1);
}

int
conf_list(struct conf_parser *p, int (*item)(struct conf_parser *, void *),
    void *arg, int may_be_empty)
{
	unsigned int open = p->tok.line;
	char where[sizeof(p->where)];
	int n = 0, rv = 0;

	if (p->tok.kind != TOKEN_OPEN)
		return (item(p, arg));
	memcpy(where, p->where, sizeof(where));
	conf_next(p);
	for (;;) {
		while (p->tok.kind == TOKEN_NEWLINE)
			conf_next(p);
		if (p->tok.kind == TOKEN_CLOSE)
			break;
		memcpy(p->where, where, sizeof(where));
		if (p->tok.kind == TOKEN_END)
			return (p->stop ? -1 :
					  conf_expected(p,
					      "} for the { in line %u", open));
		if (item(p, arg) == -1) {
			rv = -1;
			skip(p, 1);
		}
		n++;
		while (p->tok.kind == TOKEN_NEWLINE)
			conf_next(p);
		if (p->tok.kind == TOKEN_COMMA)
			conf_next(p);
	}
	memcpy(p->where, where, sizeof(where));
	if (n == 0 && !may_be_empty)
		return (conf_wrong(p,
		    "nothing in braces, expected at least "
		    "one item"));
	conf_next(p);
	return (rv);
}

int
conf_is_value(const struct conf_parser *p)
{
	return (p->tok.kind == TOKEN_WORD || p->tok.kind == TOKEN_STRING);
}

int
conf_is(const struct conf_parser *p, const char *word)
{
	return (p->tok.kind == TOKEN_WORD && strcmp(p->tok.text, word) == 0);
}

int
conf_take(struct conf_parser *p, const char *word)
{
	if (!conf_is(p, word))
		return (0);
	conf_next(p);
	return (1);
}

int
conf_once(struct conf_parser *p, const char *key)
{
	struct conf_seen *s;
	char vis[256];

	TAILQ_FOREACH(s, &p->seen, entry)
		if (strcmp(s->key, key) == 0)
			return (conf_wrong(p,
			    "given before in %s:%u, "
			    "expected once",
			    conf_lex_vis(
				s->file, strlen(s->file), vis, sizeof(vis)),
			    s->line));
	if ((s = calloc(1, sizeof(*s))) == NULL ||
	    (s->key = strdup(key)) == NULL) {
		free(s);
		return (conf_nomem(p));
	}
	s->file = p->file;
	s->line = p->line;
	TAILQ_INSERT_TAIL(&p->seen, s, entry);
	return (0);
}

const char *
conf_keep_file(struct conf_parser *p, const char *name)
{
	struct conf_file *f;

	if ((f = calloc(1, sizeof(*f))) == NULL ||
	    (f->name = strdup(name)) == NULL) {
		free(f);
		conf_nomem(p);
		return (NULL);
	}
	TAILQ_INSERT_TAIL(&p->files, f, entry);
	return (f->name);
}

void
conf_where(struct conf_parser *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->where, sizeof(p->where), fmt, ap);
	va_end(ap);
}

int
conf_wrong(struct conf_parser *p, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int len;

	len = snprintf(text, sizeof(text), "%s: ", p->where);
	va_start(ap, fmt);
	vsnprintf(text + len, sizeof(text) - (size_t)len, fmt, ap);
	va_end(ap);
	say(p, p->line, text);
	return (-1);
}

int
conf_expected(struct conf_parser *p, const char *fmt, ...)
{
	char text[1024], what[512], vis[80];
	const char *space = p->where[0] == '\0' ? "" : " ";
	const char *quote = p->tok.kind == TOKEN_STRING || p->tok.len == 0 ?
	    "\"" :
	    "";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	conf_lex_vis(p->tok.text, p->tok.len, vis, sizeof(vis));
	switch (p->tok.kind) {
	case TOKEN_BAD:
		snprintf(text, sizeof(text), "%.1000s", p->tok.text);
		break;
	case TOKEN_END:
	case TOKEN_NEWLINE:
		snprintf(text, sizeof(text), "%s%s%s: expected %s", p->where,
		    space,
		    p->tok.kind == TOKEN_END ? "at the end of the file" :
					       "at the end of the line",
		    what);
		break;
	default:
		snprintf(text, sizeof(text), "%s%s%s%s%s: expected %s",
		    p->where, space, quote, vis, quote, what);
	}
	say(p, p->tok.line, text);
	return (-1);
}

int
conf_nomem(struct conf_parser *p)
{
	say(p, p->line, "out of memory");
	p->stop = 1;
	return (-1);
}

/* The name of the file comes from the command line or from an include. */
static void
say(struct conf_parser *p, unsigned int line, const char *what)
{
	char text[1400], vis[256];

	if (p->stop)
		return;
	/* NULL only when there was no memory for the very first name. */
	if (p->file == NULL)
		p->file = "nwsd.conf";
	conf_lex_vis(p->file, strlen(p->file), vis, sizeof(vis));
	snprintf(text, sizeof(text), "%s:%u: %s", vis, line, what);
	p->report(text, p->report_arg);
	if (++p->errors == CONF_ERRORS_MAX)
		p->stop = 1;
}
