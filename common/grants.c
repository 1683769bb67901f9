/*
 * The origins that the person granted or denied at run time, and their text
 * form.  Pure.  The parent owns the list and the file that keeps it; each
 * frontend has a copy, from the parent, and decides by it.  The text is checked
 * in both places: a file can be edited.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "origin.h"

#define ORIGIN_TEXT_MAX 320 /* longest canonical text, and NUL */
#define SCOPE_TEXT_MAX 64

/* Words of one line, borrowed from it. */
struct words {
	const char *text;
	size_t left;
};

static struct grant *
grants_find(const struct grants *, const struct origin_pattern *);
static int
pattern_equal(const struct origin_pattern *, const struct origin_pattern *);
static int parse_line(struct grants *, const char *, size_t);
static uint32_t parse_scope(struct words *, const char **, size_t *);
static int parse_time(const char *, size_t, int64_t *);
static int word(struct words *, const char **, size_t *);
static int is(const char *, size_t, const char *);

int
grants_set(struct grants *list, const struct origin_pattern *pattern,
    uint32_t scope, int64_t expires, int deny)
{
	struct grant *g, *other;
	size_t n = 0;

	if (scope == 0)
		scope = SCOPE_ALL;
	if ((scope &= SCOPE_ALL) == 0 || expires < 0)
		return (-1);
	if ((g = grants_find(list, pattern)) == NULL) {
		TAILQ_FOREACH(other, list, entry)
			n++;
		if (n >= GRANTS_MAX || (g = calloc(1, sizeof(*g))) == NULL)
			return (-1);
	} else
		TAILQ_REMOVE(list, g, entry);
	g->pattern = *pattern;
	g->scope = scope;
	g->expires = expires;
	g->deny = deny != 0;
	TAILQ_INSERT_TAIL(list, g, entry);
	return (0);
}

int
grants_remove(struct grants *list, const struct origin_pattern *pattern)
{
	struct grant *g;

	if ((g = grants_find(list, pattern)) == NULL)
		return (-1);
	TAILQ_REMOVE(list, g, entry);
	free(g);
	return (0);
}

void
grants_expire(struct grants *list, int64_t now)
{
	struct grant *g, *next;

	for (g = TAILQ_FIRST(list); g != NULL; g = next) {
		next = TAILQ_NEXT(g, entry);
		if (g->expires == 0 || g->expires > now)
			continue;
		TAILQ_REMOVE(list, g, entry);
		free(g);
	}
}

void
grants_free(struct grants *list)
{
	struct grant *g;

	while ((g = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, g, entry);
		free(g);
	}
}

static struct grant *
grants_find(const struct grants *list, const struct origin_pattern *pattern)
{
	struct grant *g;

	TAILQ_FOREACH(g, list, entry)
		if (pattern_equal(&g->pattern, pattern))
			return (g);
	return (NULL);
}

static int
pattern_equal(const struct origin_pattern *a, const struct origin_pattern *b)
{
	return (
	    a->wildcard == b->wildcard && origin_equal(&a->origin, &b->origin));
}

int
grants_decide(const struct grants *list, const struct origin *o, uint32_t scope,
    int64_t now)
{
	const struct grant *g;
	int rv = 0;

	TAILQ_FOREACH(g, list, entry) {
		if ((g->expires != 0 && g->expires <= now) ||
		    (g->scope & scope) == 0 || !origin_matches(&g->pattern, o))
			continue;
		if (g->deny)
			return (-1);
		if ((g->scope & scope) == scope)
			rv = 1;
	}
	return (rv);
}

char *
grants_print(const struct grants *list)
{
	const struct grant *g;
	char *text = NULL;
	char origin[ORIGIN_TEXT_MAX], scope[SCOPE_TEXT_MAX];
	size_t len;
	FILE *f;
	int bad;

	if ((f = open_memstream(&text, &len)) == NULL)
		return (NULL);
	TAILQ_FOREACH(g, list, entry) {
		fprintf(f, "%s %s scope %s", g->deny ? "deny" : "allow",
		    origin_pattern_text(&g->pattern, origin, sizeof(origin)),
		    scope_text(g->scope, scope, sizeof(scope)));
		if (g->expires != 0)
			fprintf(f, " until %lld", (long long)g->expires);
		fputc('\n', f);
	}
	bad = ferror(f);
	if (fclose(f) != 0 || bad) {
		free(text);
		return (NULL);
	}
	return (text);
}

int
grants_parse(struct grants *list, const char *text, size_t n, int *line)
{
	const char *end;
	size_t len;

	for (*line = 1; n > 0; (*line)++) {
		end = memchr(text, '\n', n);
		len = end == NULL ? n : (size_t)(end - text);
		if (parse_line(list, text, len) == -1)
			return (-1);
		if (end == NULL)
			break;
		text += len + 1;
		n -= len + 1;
	}
	*line = 0;
	return (0);
}

static int
parse_line(struct grants *list, const char *text, size_t n)
{
	struct words w = { text, n };
	struct origin_pattern pattern;
	const char *s;
	uint32_t scope;
	int64_t expires = 0;
	size_t len;
	int deny;

	if (memchr(text, '\0', n) != NULL)
		return (-1);
	if ((s = memchr(text, '#', n)) != NULL)
		w.left = (size_t)(s - text);
	if (word(&w, &s, &len) == 0)
		return (0);
	if (!is(s, len, "allow") && !is(s, len, "deny"))
		return (-1);
	deny = is(s, len, "deny");
	if (word(&w, &s, &len) == 0 ||
	    origin_pattern_parse(s, len, &pattern) == -1)
		return (-1);
	if (word(&w, &s, &len) == 0 || !is(s, len, "scope") ||
	    (scope = parse_scope(&w, &s, &len)) == 0)
		return (-1);
	if (len > 0) {
		if (!is(s, len, "until") || word(&w, &s, &len) == 0 ||
		    parse_time(s, len, &expires) == -1 ||
		    word(&w, &s, &len) != 0)
			return (-1);
	}
	return (grants_set(list, &pattern, scope, expires, deny));
}

/*
 * One or more names; 0 if there are none.  *s, *len is the first word after
 * them, of length 0 at the end of the line.
 */
static uint32_t
parse_scope(struct words *w, const char **s, size_t *len)
{
	uint32_t scope = 0, bit;

	while (word(w, s, len)) {
		if ((bit = scope_find(*s, *len)) == 0)
			break;
		scope |= bit;
	}
	return (scope);
}

/* Unix time, above 0: 0 would be for ever. */
static int
parse_time(const char *s, size_t n, int64_t *t)
{
	size_t i;

	*t = 0;
	if (n == 0 || n > 18)
		return (-1);
	for (i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return (-1);
		*t = *t * 10 + (s[i] - '0');
	}
	return (*t > 0 ? 0 : -1);
}

/* The next word, or 0 with *len 0. */
static int
word(struct words *w, const char **s, size_t *len)
{
	size_t i = 0;

	while (w->left > 0 &&
	    (w->text[0] == ' ' || w->text[0] == '\t' || w->text[0] == '\r')) {
		w->text++;
		w->left--;
	}
	while (i < w->left && w->text[i] != ' ' && w->text[i] != '\t' &&
	    w->text[i] != '\r')
		i++;
	*s = w->text;
	*len = i;
	w->text += i;
	w->left -= i;
	return (i > 0);
}

static int
is(const char *s, size_t n, const char *what)
{
	return (strlen(what) == n && memcmp(s, what, n) == 0);
}
