/*
 * Splits nwsd.conf(5) into tokens.  Runs in the parent on the file and in the
 * children on what the parent printed.  Pure, and trusts nothing: every length
 * is explicit, every token is bounded, and each byte that is not plain text is
 * an error.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf_lex.h"

static void lex_string(struct conf_lex *, struct conf_token *);
static void lex_word(struct conf_lex *, struct conf_token *);
static void lex_macro(struct conf_lex *, struct conf_token *);
static void lex_odd(struct conf_token *, char);
static int lex_blank(struct conf_lex *, struct conf_token *);
static size_t lex_newline(const struct conf_lex *, size_t);
static int lex_escape(struct conf_lex *, struct conf_token *, char *);
static int is_word(char);
static int is_name(char);
static int is_odd(char);
static void lex_bad(struct conf_token *, const char *, ...)
    __attribute__((__format__(printf, 2, 3)));

void
conf_lex_init(struct conf_lex *lex, const char *text, size_t n)
{
	lex->text = text;
	lex->n = n;
	lex->at = 0;
	lex->line = 1;
}

char *
conf_lex_vis(const char *s, size_t n, char *buf, size_t size)
{
	size_t i, w = 0, need;
	unsigned char c;

	for (i = 0; i < n; i++) {
		c = (unsigned char)s[i];
		need = c >= 0x20 && c < 0x7f ? 1 : 4;
		/* Leave room for the dots, unless this is the end. */
		if (w + need + (i + 1 < n ? 3 : 0) >= size) {
			memcpy(buf + w, "...", 3);
			w += 3;
			break;
		}
		if (need == 1)
			buf[w] = (char)c;
		else
			snprintf(buf + w, 5, "\\x%02x", c);
		w += need;
	}
	buf[w] = '\0';
	return (buf);
}

void
conf_lex_next(struct conf_lex *lex, struct conf_token *tok)
{
	size_t len;
	char c;

	tok->len = 0;
	tok->text[0] = '\0';
	if (lex_blank(lex, tok) == -1)
		return;
	tok->line = lex->line;
	if (lex->at == lex->n) {
		tok->kind = TOKEN_END;
		return;
	}
	if ((len = lex_newline(lex, lex->at)) > 0) {
		tok->kind = TOKEN_NEWLINE;
		lex->at += len;
		lex->line++;
		return;
	}
	c = lex->text[lex->at];
	if (is_word(c)) {
		lex_word(lex, tok);
		return;
	}
	lex->at++;
	switch (c) {
	case '{':
		tok->kind = TOKEN_OPEN;
		break;
	case '}':
		tok->kind = TOKEN_CLOSE;
		break;
	case ',':
		tok->kind = TOKEN_COMMA;
		break;
	case '=':
		tok->kind = TOKEN_EQUALS;
		break;
	case '"':
		lex_string(lex, tok);
		return;
	case '$':
		lex_macro(lex, tok);
		return;
	default:
		lex_odd(tok, c);
		return;
	}
	tok->text[0] = c;
	tok->text[1] = '\0';
	tok->len = 1;
}

/*
 * Passes over white space, continued lines and comments.  A comment ends with
 * its line, also where that ends with a backslash.  Returns -1 with tok filled
 * in when a comment hides a NUL: such a file is not text.
 */
static int
lex_blank(struct conf_lex *lex, struct conf_token *tok)
{
	size_t len;
	char c;

	for (; lex->at < lex->n; lex->at++) {
		c = lex->text[lex->at];
		if (c == ' ' || c == '\t')
			continue;
		if (c == '\\' && (len = lex_newline(lex, lex->at + 1)) > 0) {
			lex->at += len;
			lex->line++;
			continue;
		}
		if (c != '#')
			return (0);
		while (lex->at < lex->n && lex->text[lex->at] != '\n') {
			if (lex->text[lex->at++] != '\0')
				continue;
			tok->line = lex->line;
			lex_bad(tok, "NUL byte: expected text");
			return (-1);
		}
		return (0);
	}
	return (0);
}

/* Length of the line end at this place, 0 if there is none. */
static size_t
lex_newline(const struct conf_lex *lex, size_t at)
{
	if (at < lex->n && lex->text[at] == '\n')
		return (1);
	if (at < lex->n && lex->n - at >= 2 && lex->text[at] == '\r' &&
	    lex->text[at + 1] == '\n')
		return (2);
	return (0);
}

static void
lex_word(struct conf_lex *lex, struct conf_token *tok)
{
	size_t start = lex->at;

	while (lex->at < lex->n && is_word(lex->text[lex->at]))
		lex->at++;
	tok->len = lex->at - start;
	if (tok->len > CONF_TOKEN_MAX) {
		lex_bad(tok, "word of %zu bytes: expected at most %d", tok->len,
		    CONF_TOKEN_MAX);
		return;
	}
	tok->kind = TOKEN_WORD;
	memcpy(tok->text, lex->text + start, tok->len);
	tok->text[tok->len] = '\0';
}

static void
lex_macro(struct conf_lex *lex, struct conf_token *tok)
{
	size_t start = lex->at;

	while (lex->at < lex->n && is_name(lex->text[lex->at]))
		lex->at++;
	tok->len = lex->at - start;
	if (tok->len == 0) {
		lex_bad(tok, "$: expected the name of a macro after it");
		return;
	}
	if (tok->len > CONF_TOKEN_MAX) {
		lex_bad(tok, "macro name of %zu bytes: expected at most %d",
		    tok->len, CONF_TOKEN_MAX);
		return;
	}
	tok->kind = TOKEN_MACRO;
	memcpy(tok->text, lex->text + start, tok->len);
	tok->text[tok->len] = '\0';
}

/* After the opening quote. */
static void
lex_string(struct conf_lex *lex, struct conf_token *tok)
{
	char c, out;

	tok->kind = TOKEN_STRING;
	for (;;) {
		if (lex->at == lex->n || lex_newline(lex, lex->at) > 0) {
			lex_bad(tok,
			    "string without end: expected \" before "
			    "the end of the line");
			return;
		}
		c = lex->text[lex->at++];
		if (c == '"')
			break;
		out = c;
		if (c == '\\') {
			switch (lex_escape(lex, tok, &out)) {
			case -1:
				return;
			case 0:
				continue;
			}
		} else if (is_odd(c)) {
			lex_odd(tok, c);
			return;
		}
		if (tok->len == CONF_TOKEN_MAX) {
			lex_bad(tok,
			    "string too long: expected at most %d "
			    "bytes",
			    CONF_TOKEN_MAX);
			return;
		}
		tok->text[tok->len++] = out;
	}
	tok->text[tok->len] = '\0';
}

/* Returns 1 with *out, 0 for a continued line, -1 with tok filled in. */
static int
lex_escape(struct conf_lex *lex, struct conf_token *tok, char *out)
{
	size_t len;
	char vis[8];

	if ((len = lex_newline(lex, lex->at)) > 0) {
		lex->at += len;
		lex->line++;
		return (0);
	}
	if (lex->at < lex->n &&
	    (lex->text[lex->at] == '"' || lex->text[lex->at] == '\\')) {
		*out = lex->text[lex->at++];
		return (1);
	}
	conf_lex_vis(lex->text + lex->at, lex->at < lex->n, vis, sizeof(vis));
	lex_bad(tok, "\\%s in a string: expected \\\" or \\\\", vis);
	return (-1);
}

/* A byte that has no place where it stands. */
static void
lex_odd(struct conf_token *tok, char c)
{
	char vis[8];

	conf_lex_vis(&c, 1, vis, sizeof(vis));
	switch (c) {
	case '\0':
		lex_bad(tok, "NUL byte: expected text");
		break;
	case ';':
		lex_bad(tok, ";: expected a comma or a new line");
		break;
	case '\'':
		lex_bad(tok, "': expected \" around a string");
		break;
	case '\\':
		lex_bad(tok, "\\: expected the end of the line after it");
		break;
	default:
		if ((unsigned char)c >= 0x80)
			lex_bad(tok,
			    "%s: expected quotes around what is not "
			    "ASCII",
			    vis);
		else
			lex_bad(tok, "%s: expected no control characters", vis);
	}
}

/* What may stand in a word without quotes. */
static int
is_word(char c)
{
	return (c > 0x20 && c < 0x7f && strchr("\"#{},=\\$;'", c) == NULL);
}

static int
is_name(char c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_' || c == '-');
}

/* What may not stand in a string; bytes of UTF-8 may, for paths. */
static int
is_odd(char c)
{
	unsigned char u = (unsigned char)c;

	return ((u < 0x20 && u != '\t') || u == 0x7f);
}

int
conf_lex_is_text(const char *s, size_t max)
{
	size_t i;

	for (i = 0; s[i] != '\0'; i++)
		if (i == max || is_odd(s[i]))
			return (0);
	return (1);
}

static void
lex_bad(struct conf_token *tok, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(tok->text, sizeof(tok->text), fmt, ap);
	va_end(ap);
	tok->len = strlen(tok->text);
	tok->kind = TOKEN_BAD;
}
