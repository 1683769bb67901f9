/*
 * The console's requests and page, see console.h.  Frontend; pure but for
 * memory, trusts nothing in a request.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/origin.h"
#include "../common/rows.h"
#include "../common/text.h"
#include "console.h"

#define PARAMETER_MAX	(MSG_ORIGIN_MAX + 1)
#define FOR_S_MAX	(UINT64_C(100) * 365 * 86400)

enum console_kind
console_find(uint32_t setting, const char *path)
{
	if (setting == CONSOLE_OFF)
		return (CONSOLE_NONE);
	if (strcmp(path, "/") == 0 || strcmp(path, "/console") == 0)
		return (CONSOLE_PAGE);
	return (strncmp(path, CONSOLE_API, strlen(CONSOLE_API)) == 0 ?
	    CONSOLE_ASK : CONSOLE_NONE);
}

int
console_path(const char *path, const struct span *method,
    struct console_ask *ask, const char **allow)
{
	const char	*name = path + strlen(CONSOLE_API);

	memset(ask, 0, sizeof(*ask));
	if (strcmp(name, "origin") == 0)
		ask->verb = CONSOLE_ORIGIN;
	else if (strcmp(name, "close") == 0)
		ask->verb = CONSOLE_CLOSE;
	else {
		for (; ask->what < SHOW_WHATS; ask->what++)
			if (strcmp(name, rows_names[ask->what]) == 0)
				break;
		if (ask->what == SHOW_WHATS)
			return (404);
		*allow = "GET, HEAD";
		return (span_is(method, "GET") || span_is(method, "HEAD") ? 0 :
		    405);
	}
	*allow = "POST";
	return (span_is(method, "POST") ? 0 : 405);
}

/* A list of scopes with commas; -1 for anything else. */
static int
scopes_parse(const char *s, uint32_t *scope)
{
	uint32_t	bit;
	size_t		n;

	for (;; s += n + 1) {
		n = strcspn(s, ",");
		if ((bit = scope_find(s, n)) == 0)
			return (-1);
		*scope |= bit;
		if (s[n] == '\0')
			return (0);
	}
}

/* What belongs to "allow" alone. */
static const char *
allow_parse(const struct span *query, struct console_ask *ask)
{
	char	value[PARAMETER_MAX];
	int	n;

	n = http_query(query, "scope", value, sizeof(value));
	if (n == -2 || (n > 0 &&
	    scopes_parse(value, &ask->origin.scope) == -1))
		return ("scope is a list of channels, libp2p, signalling and "
		    "polysocket.");
	n = http_query(query, "for", value, sizeof(value));
	if (n == -2 || (n > 0 &&
	    text_number(value, FOR_S_MAX, &ask->origin.for_s) == -1))
		return ("for is a number of seconds, of 100 years at most.");
	return (NULL);
}

static const char *
origin_query(const struct span *query, struct console_ask *ask)
{
	static const char *const verbs[] = { [ORIGIN_ALLOW] = "allow",
	    [ORIGIN_DENY] = "deny", [ORIGIN_REVOKE] = "revoke" };
	struct origin_pattern	 pattern;
	char			 value[PARAMETER_MAX];
	uint32_t		 verb = 0;
	int			 n;

	if (http_query(query, "verb", value, sizeof(value)) < 0)
		value[0] = '\0';
	while (verb < 3 && strcmp(value, verbs[verb]) != 0)
		verb++;
	if (verb == 3)
		return ("verb is allow, deny or revoke.");
	ask->origin.verb = verb;
	n = http_query(query, "origin", value, sizeof(value));
	if (n < 0 || origin_pattern_parse(value, (size_t)n, &pattern) == -1 ||
	    strlen(origin_pattern_text(&pattern, ask->text,
	    sizeof(ask->text))) > MSG_ORIGIN_MAX)
		return ("origin is scheme://host[:port], without a path; host "
		    "may begin with \"*.\".");
	if (verb == ORIGIN_ALLOW)
		return (allow_parse(query, ask));
	if (http_query(query, "scope", value, sizeof(value)) != -1 ||
	    http_query(query, "for", value, sizeof(value)) != -1)
		return ("scope and for belong to allow.");
	return (NULL);
}

const char *
console_query(const struct span *query, struct console_ask *ask)
{
	char	value[PARAMETER_MAX];

	if (ask->verb == CONSOLE_ORIGIN)
		return (origin_query(query, ask));
	if (ask->verb == CONSOLE_CLOSE &&
	    (http_query(query, "client", value, sizeof(value)) < 0 ||
	    text_number(value, INT64_MAX, &ask->client) == -1))
		return ("client is the id of a client, a decimal number.");
	return (NULL);
}

int
console_has_token(const struct http_request *r,
    const char token[MSG_TOKEN_LEN])
{
	const struct span	*field;
	unsigned int		 count;

	field = http_field(r, "X-NWS-Token", &count);
	return (count == 1 && field->len == MSG_TOKEN_LEN &&
	    CRYPTO_memcmp(field->p, token, MSG_TOKEN_LEN) == 0);
}

/* Where the next of them begins in p, or NULL. */
static const char *
mark_find(const char *p, const char *end, const char *const *marks,
    unsigned int *which)
{
	for (; (p = memchr(p, '{', (size_t)(end - p))) != NULL; p++)
		for (*which = 0; *which < 2; ++*which)
			if ((size_t)(end - p) >= strlen(marks[*which]) &&
			    memcmp(p, marks[*which], strlen(marks[*which])) ==
			    0)
				return (p);
	return (NULL);
}

char *
console_page(const char *file, size_t n, const char *token, uint32_t setting,
    size_t *len)
{
	static const char *const marks[] = { "{{token}}", "{{console}}" };
	const char		*values[] = { token, setting ==
				    CONSOLE_READ_ONLY ? "read-only" : "on" };
	const char		*end = file + n, *p;
	char			*page = NULL;
	unsigned int		 i;
	FILE			*f;
	int			 bad;

	if ((f = open_memstream(&page, len)) == NULL)
		return (NULL);
	while ((p = mark_find(file, end, marks, &i)) != NULL) {
		fwrite(file, 1, (size_t)(p - file), f);
		fputs(values[i], f);
		file = p + strlen(marks[i]);
	}
	fwrite(file, 1, (size_t)(end - file), f);
	bad = ferror(f);
	if (fclose(f) != 0 || bad) {
		free(page);
		return (NULL);
	}
	return (page);
}
