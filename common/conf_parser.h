/*
 * The parser of nwsd.conf(5); private to common/conf*.c.
 */
#ifndef COMMON_CONF_PARSER_H
#define COMMON_CONF_PARSER_H

#include <stdint.h>
#include <stddef.h>
#include <sys/queue.h>

#include "conf.h"
#include "conf_lex.h"

#define CONF_ERRORS_MAX		20
#define CONF_TEXT_MAX		(1024u * 1024u)	/* bytes of one file */
#define CONF_DEPTH_MAX		16	/* of include in include */
#define CONF_INCLUDES_MAX	256	/* in all */
#define CONF_MACROS_MAX		256
#define CONF_MACRO_NAME_MAX	64
#define CONF_LISTENS_MAX	64
#define CONF_ITEMS_MAX		1000	/* origins, hosts, channels: each */
#define CONF_INTERFACES_MAX	64
#define CONF_PEERS_MAX		256
#define CONF_PATTERN_MAX	64	/* characters, of an interface's name */
#define CONF_COUNT_MAX		1000000u
#define CONF_TOKEN_MIN		8	/* characters of a native token */
#define CONF_SECRET_MAX		255
#define CONF_ACCOUNT_MAX	32	/* characters of a user or group name */

/* A setting that is one number: how it is written, where it is, its limits. */
enum conf_kind { CONF_ONOFF, CONF_NUMBER, CONF_SIZE, CONF_TIME,
	CONF_CONSOLE };

struct conf_scalar {
	const char	*name;
	enum conf_kind	 kind;
	uint32_t	 offset;	/* in struct conf, of 32 bits */
	uint32_t	 min, max, initial;
	const char	*group;		/* heading, where one begins */
};

/* Ends with a row without name. */
extern const struct conf_scalar conf_scalars[];

/* Defaults, but for listeners; NULL when out of memory. */
struct conf *conf_new(void);

/* Appends the built-in listeners, or returns -1 when out of memory. */
int	 conf_listen_builtin(struct conf *);
int	 conf_link_builtin(struct conf *);

void	 conf_channel_free(struct conf_channel *);

/* "64K", "90", ...: as conf_parse() reads them; return buf. */
#define CONF_NUMBER_TEXT	16
char	*conf_size_text(uint32_t, char [CONF_NUMBER_TEXT]);
char	*conf_time_text(uint32_t, char [CONF_NUMBER_TEXT]);

TAILQ_HEAD(conf_listens, conf_listen);

/*
 * 127.0.0.1 or ::1, the latter optional: what "listen on localhost" stands
 * for.  NULL when out of memory.
 */
struct conf_listen *conf_listen_loopback(int family, uint16_t port);
void	 conf_listen_free(struct conf_listen *);
uint16_t conf_listen_port(const struct conf_listen *);
void	 conf_listen_set_port(struct conf_listen *, uint16_t);
/* Whether this one and the one after it are such a pair. */
int	 conf_listen_is_pair(const struct conf_listen *);

struct conf_macro {
	TAILQ_ENTRY(conf_macro)	 entry;
	char			*name, *value;
	int			 fixed;		/* by -D */
	const char		*file;
	unsigned int		 line;
};

/* What was given already, and where. */
struct conf_seen {
	TAILQ_ENTRY(conf_seen)	 entry;
	char			*key;
	const char		*file;
	unsigned int		 line;
};

/* File names, kept for struct conf_seen. */
struct conf_file {
	TAILQ_ENTRY(conf_file)	 entry;
	char			*name;
};

struct conf_parser {
	struct conf		*conf;
	TAILQ_HEAD(, conf_macro) macros;
	TAILQ_HEAD(, conf_seen)	 seen;
	TAILQ_HEAD(, conf_file)	 files;
	unsigned int		 nmacros, nlistens, norigins, nhosts, nchannels;
	unsigned int		 nlinks, ninterfaces, npeers, nfiles;
	unsigned int		 nincludes, depth, errors;
	int			 stop;		/* many errors, or no memory */

	const char		*file;		/* now read */
	size_t			 folder_len;	/* of the main file, with / */
	struct conf_lex		 lex;
	struct conf_token	 tok;		/* the next one */
	int			 tok_macro;	/* it came from a macro */
	unsigned int		 line;		/* of the last one used */
	char			 where[192];	/* the statement so far */

	conf_opener		*opener;
	void			*opener_arg;
	void			(*report)(const char *, void *);
	void			*report_arg;
};

/* conf_parse.c: tokens and errors */

/* Goes on to the next token, with macros replaced. */
void	conf_next(struct conf_parser *);

/* What the messages about this statement begin with: printf text. */
void	conf_where(struct conf_parser *, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));

/*
 * Report, and return -1.  conf_expected() is about the token at hand: printf
 * text says what should stand there.  conf_wrong() is about the statement so
 * far.  conf_nomem() ends the parsing.
 */
int	conf_expected(struct conf_parser *, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));
int	conf_wrong(struct conf_parser *, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));
int	conf_nomem(struct conf_parser *);

/* Whether the token at hand is this bare word (or a macro of this value). */
int	conf_is(const struct conf_parser *, const char *);

/* The same, and then uses it up. */
int	conf_take(struct conf_parser *, const char *);

/* Whether the token at hand is a word or a string. */
int	conf_is_value(const struct conf_parser *);

/*
 * Remembers that key was given here.  Returns -1, reported, when it was given
 * before.
 */
int	conf_once(struct conf_parser *, const char *key);

/*
 * One item, or items in braces with commas or new lines between them.  The
 * item's function returns 0, or -1 when it reported an error; then parsing
 * goes on after the next comma, new line or brace.
 */
int	conf_list(struct conf_parser *,
	    int (*item)(struct conf_parser *, void *), void *,
	    int may_be_empty);

/* One file, from its first line to its last. */
void	conf_text(struct conf_parser *, const char *name, const char *,
	    size_t);

/* A copy that lives as long as the parser, NULL when out of memory. */
const char *conf_keep_file(struct conf_parser *, const char *);

/* conf_macro.c */

/* Those of -D, which stand whatever the file says; -1 reported. */
int	conf_macro_defs(struct conf_parser *, const char *const *);

/* At the "=" after that name: 1, or -1 reported. */
int	conf_macro_parse(struct conf_parser *, const char *);

struct conf_macro *conf_macro_find(struct conf_parser *, const char *, size_t);

/* conf_include.c: after the keyword; 0, or -1 reported */
int	conf_include(struct conf_parser *);

/* conf_value.c: values; each returns 0, or -1 reported */
int	conf_onoff(struct conf_parser *, uint32_t *);
int	conf_console(struct conf_parser *, uint32_t *);
int	conf_number(struct conf_parser *, uint32_t min, uint32_t max,
	    uint32_t *);
int	conf_size(struct conf_parser *, uint32_t min, uint32_t max, uint32_t *);
int	conf_time(struct conf_parser *, uint32_t min, uint32_t max, uint32_t *);
int	conf_mode(struct conf_parser *, uint32_t *);
int	conf_account(struct conf_parser *, const char *what, char **);
/* An absolute path of at most max bytes; *out is not touched on failure. */
int	conf_path(struct conf_parser *, size_t max, char **out);
/* The text of the token at hand, whatever it is; malloc'd. */
int	conf_string(struct conf_parser *, char **);

/*
 * The statement at hand, whose keyword (and name) was used up: 1 done, 0 no
 * such keyword, -1 reported.
 */
int	conf_statement(struct conf_parser *, const char *keyword);

/* Those of their own files; 0, or -1 reported. */
int	conf_listen_statement(struct conf_parser *);
int	conf_host_statement(struct conf_parser *);
int	conf_allow_statement(struct conf_parser *);
int	conf_deny_statement(struct conf_parser *);
int	conf_native_statement(struct conf_parser *);
int	conf_link_statement(struct conf_parser *);
int	conf_interface_statement(struct conf_parser *);
int	conf_peer_statement(struct conf_parser *);
int	conf_identity_statement(struct conf_parser *);
int	conf_channel_statement(struct conf_parser *);
int	conf_files_statement(struct conf_parser *);

/* "listen on ..." within "link { }"; 0, or -1 reported. */
int	conf_link_listen(struct conf_parser *);

/*
 * After a secret: 0 where it ends, or -1 reported, without what follows, which
 * may be the rest of it.
 */
int	conf_secret_end(struct conf_parser *);

/* A keyword that is nearly that, or NULL. */
const char *conf_nearest(const char *);

#endif
