/*
 * frontend/console.c: a request beneath CONSOLE_API as it was parsed, and the
 * page.  What is taken is canonical, within its limits, and is taken again.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/origin.h"
#include "frontend/console.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char	token[] = "0123456789abcdef0123456789abcdef";

static void
check_origin(const struct console_ask *ask)
{
	struct origin_pattern	pattern;
	char			text[MSG_ORIGIN_MAX + 1];
	size_t			n = strlen(ask->text);

	if (n == 0 || n > MSG_ORIGIN_MAX ||
	    origin_pattern_parse(ask->text, n, &pattern) == -1 ||
	    strcmp(origin_pattern_text(&pattern, text, sizeof(text)),
	    ask->text) != 0)
		abort();
	if (ask->origin.verb > ORIGIN_REVOKE ||
	    (ask->origin.scope & ~SCOPE_ALL) != 0 ||
	    (ask->origin.verb != ORIGIN_ALLOW &&
	    (ask->origin.scope != 0 || ask->origin.for_s != 0)))
		abort();
}

static void
check_request(const char *in, size_t n)
{
	struct http_request	 r;
	struct console_ask	 ask;
	const char		*allow = NULL;
	char			 path[1024];
	int			 len, status;

	if (http_parse(in, n, 16384, &r, &status) <= 0 ||
	    (len = http_decode(&r.path, path, sizeof(path) - 1)) < 1)
		return;
	path[len] = '\0';
	if (console_has_token(&r, token) &&
	    memmem(in, n, token, sizeof(token) - 1) == NULL)
		abort();
	if (console_find(CONSOLE_ON, path) != CONSOLE_ASK)
		return;
	status = console_path(path, &r.method, &ask, &allow);
	if (status == 405 ? allow == NULL : status != 0 && status != 404)
		abort();
	if (status != 0 || console_query(&r.query, &ask) != NULL)
		return;
	if (ask.verb == CONSOLE_ORIGIN)
		check_origin(&ask);
	else if (ask.verb == CONSOLE_CLOSE ? ask.client == 0 ||
	    ask.client > INT64_MAX : ask.what >= SHOW_WHATS)
		abort();
}

static void
check_page(const char *in, size_t n)
{
	char	*page;
	size_t	 len;

	if ((page = console_page(in, n, token, CONSOLE_ON, &len)) == NULL)
		abort();
	if (memmem(page, len, "{{token}}", 9) != NULL &&
	    memmem(in, n, "{{token}}", 9) == NULL &&
	    memmem(in, n, "{{console}}", 11) == NULL)
		abort();
	free(page);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char	*in;

	/* With nothing behind it for the sanitizer. */
	if ((in = malloc(n > 0 ? n : 1)) == NULL)
		abort();
	memcpy(in, data, n);
	check_request(in, n);
	check_page(in, n);
	free(in);
	return (0);
}
