/*
 * The console: what its page may ask of this daemon (nws-protocol(7)), as a
 * request is read, and its page.  Pure but for memory.
 */
#ifndef FRONTEND_CONSOLE_H
#define FRONTEND_CONSOLE_H

#include <stddef.h>
#include <stdint.h>

#include "../common/conf.h"
#include "../common/msg.h"
#include "http.h"

#define CONSOLE_API	"/console/api/"

enum console_kind {
	CONSOLE_NONE,		/* something else, or the console is off */
	CONSOLE_PAGE,
	CONSOLE_ASK		/* beneath CONSOLE_API */
};

enum console_verb { CONSOLE_SHOW, CONSOLE_ORIGIN, CONSOLE_CLOSE };

/* What is asked for beneath CONSOLE_API. */
struct console_ask {
	enum console_verb	verb;
	uint32_t		what;		/* enum show_what */
	struct msg_origin	origin;		/* of CONSOLE_ORIGIN, and: */
	char			text[MSG_ORIGIN_MAX + 1]; /* canonical */
	uint64_t		client;		/* of CONSOLE_CLOSE */
};

/* What a decoded path leads to with this setting, enum conf_console. */
enum console_kind console_find(uint32_t setting, const char *path);

/*
 * Reads the decoded path, NUL-terminated, and the method of a request beneath
 * CONSOLE_API.  Returns 0, or the status to answer with: 404, or 405 and then
 * *allow is what is allowed.
 */
int	console_path(const char *path, const struct span *method,
	    struct console_ask *, const char **allow);

/*
 * Reads the query of a request whose path was read.  Returns NULL, or what is
 * wrong with it (400), static text.
 */
const char *console_query(const struct span *query, struct console_ask *);

/* Whether the request has the token, once; compared in constant time. */
int	console_has_token(const struct http_request *,
	    const char token[MSG_TOKEN_LEN]);

/*
 * The page: a copy of the file with "{{token}}" replaced by the token and
 * "{{console}}" by "on" or "read-only", wherever they stand; malloc'd.  NULL
 * when out of memory.
 */
char	*console_page(const char *file, size_t n, const char *token,
	    uint32_t setting, size_t *len);

#endif
