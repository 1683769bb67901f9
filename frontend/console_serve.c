/*
 * The console, served, see console_serve.h.  Frontend; what a client asks has
 * passed access.c, and has shown the token that only the console's page has,
 * before the parent hears of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/json_out.h"
#include "ask.h"
#include "client.h"
#include "console_rows.h"
#include "console_serve.h"
#include "counters.h"
#include "listener.h"
#include "response.h"
#include "source.h"
#include "www.h"

/* 'self' is not ws: for every browser. */
#define PAGE_LINES							\
	"Vary: Origin\r\n"						\
	"Cross-Origin-Resource-Policy: same-origin\r\n"			\
	"Cross-Origin-Opener-Policy: same-origin\r\n"			\
	"Content-Security-Policy: default-src 'none'; script-src 'self'; " \
	"style-src 'self'; img-src 'self' data:; connect-src 'self' "	\
	"ws://localhost:* ws://127.0.0.1:*; base-uri 'none'; "		\
	"form-action 'none'; frame-ancestors 'none'\r\n"		\
	"Referrer-Policy: no-referrer\r\n"

static char	token[MSG_TOKEN_LEN + 1];	/* "": there is none yet */

void
console_token(const char text[MSG_TOKEN_LEN])
{
	memcpy(token, text, MSG_TOKEN_LEN);
}

/*
 * By the other end's address: a listener may take connections of the network
 * as well, and who is there is not the person whose nwsd this is.
 */
static int
is_local(const struct client *c)
{
	static const uint8_t	 mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	    0xff, 0xff }, loopback6[16] = { [15] = 1 }, none[16];
	const char		*addr = c->address->key;

	if (memcmp(addr, mapped, sizeof(mapped)) == 0)
		return ((uint8_t)addr[12] == 127);
	return (memcmp(addr, loopback6, 16) == 0 ||
	    (listener_is_unix(c->listener) && memcmp(addr, none, 16) == 0));
}

enum console_kind
console_for(const struct client *c, const char *path)
{
	return (is_local(c) ? console_find(conf->console, path) :
	    CONSOLE_NONE);
}

const char *
console_advice(const struct client *c, char *buf, size_t size)
{
	if (conf->console != CONSOLE_ON || !is_local(c) ||
	    listener_is_unix(c->listener))
		return (NULL);
	snprintf(buf, size, "http://localhost:%u/#origins",
	    listener_port(c->listener));
	return (buf);
}

void
console_serve_page(struct client *c, int head, int end)
{
	const struct www_file	*f = www_console_page();
	struct response		 r = { .status = 200, .extra = PAGE_LINES,
				    .head = head, .end = end };
	char			*page;

	page = console_page(f->start, (size_t)(f->end - f->start), token,
	    conf->console, &r.len);
	if (page == NULL) {
		client_no_memory(c);
		return;
	}
	r.type = f->type;
	r.body = page;
	response_send(c, &r);
	free(page);
	if (!end)
		client_state(c, CLIENT_HEAD);	/* a new request may come */
}

void
console_fail(struct client *c, int status, const char *extra,
    const char *text, int end)
{
	struct json	j = { .comma = 0 };
	struct response	r = { .status = status, .type = CONSOLE_TYPE,
			    .extra = extra, .end = end };

	json_open(&j, NULL, '{');
	json_word(&j, "error", text);
	json_end(&j);
	if (j.failed) {
		json_free(&j);
		client_no_memory(c);
		return;
	}
	r.body = j.text;
	r.len = j.len;
	response_send(c, &r);
	json_free(&j);
	if (!end)
		client_state(c, CLIENT_HEAD);
}

/* The end of a change, or of rows that are not complete. */
static void
said(struct client *c, int status, const char *text, int end)
{
	struct json	j = { .comma = 0 };

	if (status != 200) {
		console_fail(c, status, status == 503 ?
		    "Retry-After: 5\r\n" : NULL, text, end);
		return;
	}
	json_open(&j, NULL, '{');
	json_bool(&j, "ok", 1);
	if (text[0] != '\0')
		json_word(&j, "message", text);
	json_end(&j);
	if (j.failed)
		client_no_memory(c);
	else
		request_answer(c, CONSOLE_TYPE, j.text, j.len, 0, end);
	json_free(&j);
}

static void
change(struct client *c, const struct console_ask *asked, int end)
{
	const struct ask	ask = { NULL, said, 0, end };

	if (asked->verb == CONSOLE_CLOSE)
		ask_change(c, &ask, MSG_ASK_CLOSE, &asked->client,
		    sizeof(asked->client), NULL, 0);
	else
		ask_change(c, &ask, MSG_ASK_ORIGIN, &asked->origin,
		    sizeof(asked->origin), asked->text, strlen(asked->text));
}

/* Whether the request may be made at all; else it was answered. */
static int
permitted(struct client *c, const struct http_request *r,
    const struct access_verdict *v, int changes)
{
	const char	*why;

	if (token[0] == '\0' || !console_has_token(r, token)) {
		counters.refused_token_total++;
		why = "X-NWS-Token is not that of the console's page: load "
		    "it again.";
	} else if (changes && !v->has_origin) {
		counters.refused_origin_total++;
		why = "What changes something needs an Origin, the console's.";
	} else if (changes && conf->console != CONSOLE_ON) {
		counters.refused_request_total++;
		why = "The console is read-only (console read-only in "
		    "nwsd.conf).";
	} else
		return (1);
	console_fail(c, 403, NULL, why, 1);
	return (0);
}

void
console_serve(struct client *c, const struct http_request *r,
    const char *path, const struct access_verdict *v, int end)
{
	struct console_ask	 asked;
	struct ask		 ask = { NULL, said, span_is(&r->method,
				    "HEAD"), end };
	const char		*allow, *why;
	char			 extra[64];
	int			 status;

	status = console_path(path, &r->method, &asked, &allow);
	if (!permitted(c, r, v, status == 0 && asked.verb != CONSOLE_SHOW))
		return;
	if (status == 404) {
		console_fail(c, 404, NULL, "There is nothing of this name.",
		    end);
	} else if (status == 405) {
		counters.refused_request_total++;
		snprintf(extra, sizeof(extra), "Allow: %s\r\n", allow);
		console_fail(c, 405, extra, "This is asked for with another "
		    "method.", end);
	} else if ((why = console_query(&r->query, &asked)) != NULL) {
		counters.refused_request_total++;
		console_fail(c, 400, NULL, why, end);
	} else if (asked.verb == CONSOLE_SHOW) {
		ask.form = &console_forms[asked.what];
		ask_rows(c, &ask);
	} else
		change(c, &asked, end);
}
