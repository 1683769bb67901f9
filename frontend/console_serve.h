/*
 * The console: its page and what that asks for, answered.
 */
#ifndef FRONTEND_CONSOLE_SERVE_H
#define FRONTEND_CONSOLE_SERVE_H

#include <stddef.h>

#include "../common/msg.h"
#include "access.h"
#include "console.h"

struct client;

/* TOKEN from the parent. */
void	console_token(const char text[MSG_TOKEN_LEN]);

/*
 * What a path of the console is for this client, with the configuration in
 * force: CONSOLE_NONE for those who are not on this machine.
 */
enum console_kind console_for(const struct client *, const char *path);

/* Answers with the page.  end: the connection ends after the answer. */
void	console_serve_page(struct client *, int head, int end);

/* Answers a request beneath CONSOLE_API that access_decide() allowed. */
void	console_serve(struct client *, const struct http_request *,
	    const char *path, const struct access_verdict *, int end);

/* {"error":TEXT} with this status and header lines (or NULL). */
void	console_fail(struct client *, int status, const char *extra,
	    const char *text, int end);

/*
 * Where a person on this machine decides about origins; returns buf, or NULL
 * where this client cannot be told.
 */
const char *console_advice(const struct client *, char *buf, size_t);

#endif
