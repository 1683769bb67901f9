/*
 * The lexer of nwsd.conf(5); private to common/conf_*.c.
 */
#ifndef COMMON_CONF_LEX_H
#define COMMON_CONF_LEX_H

#include <stddef.h>

#define CONF_TOKEN_MAX	1024	/* bytes of a word or string */

enum conf_token_kind {
	TOKEN_END,		/* of the text */
	TOKEN_NEWLINE,
	TOKEN_WORD,		/* bare */
	TOKEN_STRING,		/* was in quotes; text is without escapes */
	TOKEN_MACRO,		/* $name; text is the name */
	TOKEN_OPEN, TOKEN_CLOSE, TOKEN_COMMA, TOKEN_EQUALS,
	TOKEN_BAD		/* text is a message for the reader */
};

struct conf_token {
	enum conf_token_kind	kind;
	unsigned int		line;	/* where it begins, from 1 */
	size_t			len;	/* of text */
	char			text[CONF_TOKEN_MAX + 1];
};

struct conf_lex {
	const char	*text;	/* borrowed, need not end with NUL */
	size_t		 n, at;
	unsigned int	 line;
};

void	conf_lex_init(struct conf_lex *, const char *, size_t);

/*
 * The next token.  Every call but one at the end uses up at least one byte, and
 * a TOKEN_BAD the whole of what is wrong, so that a caller may go on after it.
 * text never holds a NUL before its end.
 */
void	conf_lex_next(struct conf_lex *, struct conf_token *);

/*
 * Whether this could have stood in quotes: at most max bytes and no control
 * characters.
 */
int	conf_lex_is_text(const char *, size_t max);

/*
 * The n bytes as printable ASCII ("\x00" where they are not), cut with "..."
 * where they do not fit in size bytes (at least 8).  Returns buf.
 */
char	*conf_lex_vis(const char *, size_t n, char *buf, size_t size);

#endif
