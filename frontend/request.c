/*
 * HTTP requests: who may connect, what is asked for, and the upgrade to a
 * WebSocket (RFC 9112; RFC 6455, 4.2).  Frontend; trusts nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "../common/child.h"
#include "../common/log.h"
#include "access.h"
#include "channel.h"
#include "client.h"
#include "console_serve.h"
#include "counters.h"
#include "files.h"
#include "http.h"
#include "listener.h"
#include "metrics.h"
#include "output.h"
#include "pages.h"
#include "pending.h"
#include "response.h"
#include "source.h"

#define PATH_LEN_MAX	1024	/* of a decoded path */
#define LIST_LEN_MAX	2048	/* of a joined list header */

/* One request on its way through this file. */
struct asked {
	const struct http_request *http;
	char			 path[PATH_LEN_MAX];
	size_t			 path_len;
	int			 upgrade;
	int			 close;		/* after the answer */
	const struct service	*service;	/* of an upgrade */
	int			 has_page;
	struct page		 page;		/* of a GET */
	enum console_kind	 console;	/* of what is no upgrade */
	struct access_verdict	 verdict;
};

void
request_answer(struct client *c, const char *type, const char *body,
    size_t len, int head, int end)
{
	response_send(c, &(struct response){ .status = 200, .type = type,
	    .extra = "Cross-Origin-Resource-Policy: same-origin\r\n",
	    .body = body, .len = len, .head = head, .end = end });
	if (!end && c->state == CLIENT_WAITING)
		client_state(c, CLIENT_HEAD);	/* a new request may come */
}

void
request_fail(struct client *c, int status, const char *text)
{
	response_error(c, status, status == 503 || status == 429 ?
	    "Retry-After: 5\r\n" : "", text);
}

static void
request_malformed(struct client *c, int status, const char *text)
{
	counters.refused_request_total++;
	request_fail(c, status, text);
}

static const char *
malformed_text(int status)
{
	switch (status) {
	case 414:
		return ("The request line is too long.");
	case 431:
		return ("The request head is too large; max-head in "
		    "nwsd.conf(5) says how large it may be.");
	case 505:
		return ("This server speaks HTTP/1.1.");
	default:
		return ("This is not an HTTP/1.1 request.");
	}
}

/* What the path of an upgrade leads to, NULL for nothing. */
static const struct service *
service_find(const struct asked *a)
{
	const char	*name = a->path + 1;
	size_t		 len = a->path_len - 1;

	if (conf->echo && strcmp(a->path, "/debug/echo") == 0)
		return (&service_echo);
	if (channel_name_valid(name, len) && strcmp(name, "libp2p") != 0)
		return (&service_member);
	return (NULL);
}

/* The first subprotocol asked for (RFC 6455, 4.2.2); -1 if malformed. */
static int
subprotocol(const struct http_request *r, char *out, size_t size)
{
	static const char	 token[] = "!#$%&'*+-.^_`|~0123456789"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	char			 list[LIST_LEN_MAX];
	const char		*end;
	size_t			 n;
	int			 len;

	out[0] = '\0';
	if ((len = http_list(r, "sec-websocket-protocol", list,
	    sizeof(list))) <= 0)
		return (len);
	n = strspn(list, token);
	end = list + n + strspn(list + n, " \t");
	if (n == 0 || n >= size || (*end != '\0' && *end != ','))
		return (-1);
	memcpy(out, list, n);
	out[n] = '\0';
	return ((int)n);
}

/* Settles the extension; returns its header line in text, -1 if malformed. */
static int
extensions(struct client *c, const struct http_request *r, char *text,
    size_t size)
{
	char			list[LIST_LEN_MAX], answer[128];
	struct ws_deflate	d;
	int			len, r2;

	text[0] = '\0';
	len = http_list(r, "sec-websocket-extensions", list, sizeof(list));
	if (len <= 0)
		return (len);
	r2 = ws_deflate_choose(list, (size_t)len, &d, answer, sizeof(answer));
	if (r2 <= 0 || !conf->deflate)
		return (r2 == -1 ? -1 : 0);
	c->deflate_bits = (uint8_t)d.server_bits;
	snprintf(text, size, "Sec-WebSocket-Extensions: %s\r\n", answer);
	return (0);
}

/* The whole answer 101, kept until the router admits the client. */
static int
upgrade_answer(struct client *c, const struct http_request *r,
    const struct span *key)
{
	char	accept[WS_ACCEPT_LEN + 1], protocol[256], ext[256];
	int	n;

	if ((n = subprotocol(r, protocol, sizeof(protocol))) == -1 ||
	    extensions(c, r, ext, sizeof(ext)) == -1)
		return (-1);
	c->format = c->service == &service_member &&
	    strcmp(protocol, ENVELOPE_PROTOCOL) == 0 ? FORMAT_BINARY :
	    FORMAT_JSON;
	ws_accept(key->p, key->len, accept);
	n = asprintf(&c->upgrade, "HTTP/1.1 101 Switching Protocols\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: %s\r\n%s%s%s%s\r\n", accept,
	    n > 0 ? "Sec-WebSocket-Protocol: " : "", protocol,
	    n > 0 ? "\r\n" : "", ext);
	if (n == -1) {
		c->upgrade = NULL;
		client_no_memory(c);
	}
	return (0);
}

/* ?presence=on|off.  -1 for anything else. */
static int
presence_wanted(struct client *c, const struct http_request *r)
{
	char	value[8];
	int	n = http_query(&r->query, "presence", value, sizeof(value));

	if (n == -1 || (n >= 0 && strcmp(value, "on") == 0))
		return (0);
	if (n < 0 || strcmp(value, "off") != 0)
		return (-1);
	c->flags |= CLIENT_SILENT;
	return (0);
}

/* Checks the handshake (RFC 6455, 4.2.1).  -1: it was refused. */
static int
upgrade_check(struct client *c, const struct http_request *r,
    const struct span **key)
{
	const struct span	*version;
	unsigned int		 count;

	version = http_field(r, "sec-websocket-version", &count);
	if (version == NULL || count != 1 || !span_is(version, "13")) {
		counters.refused_request_total++;
		response_error(c, 426, "Sec-WebSocket-Version: 13\r\n"
		    "Upgrade: websocket\r\n",
		    "Only version 13 of WebSocket (RFC 6455) is spoken here.");
		return (-1);
	}
	*key = http_field(r, "sec-websocket-key", &count);
	if (*key == NULL || count != 1 || !ws_key_valid((*key)->p,
	    (*key)->len)) {
		request_malformed(c, 400, "Sec-WebSocket-Key must be there "
		    "once and be 16 bytes in base64.");
		return (-1);
	}
	return (0);
}

static void
upgrade(struct client *c, const struct asked *a)
{
	const struct span	*key;
	char			 text[MSG_ORIGIN_MAX];

	if (upgrade_check(c, a->http, &key) == -1)
		return;
	c->service = a->service;
	if (presence_wanted(c, a->http) == -1) {
		request_malformed(c, 400, "presence is on or off.");
		return;
	}
	if (upgrade_answer(c, a->http, key) == -1) {
		request_malformed(c, 400, "Sec-WebSocket-Protocol or "
		    "Sec-WebSocket-Extensions is not a list.");
		return;
	}
	if (a->verdict.has_origin) {
		origin_text(&a->verdict.origin, text, sizeof(text));
		c->origin = source_ref(text, strlen(text));
	}
	if (c->state == CLIENT_DEAD || (a->verdict.has_origin &&
	    c->origin == NULL) || client_identify(c) == -1) {
		client_no_memory(c);
		return;
	}
	client_state(c, CLIENT_JOINING);
	client_pause(c, PAUSE_JOINING);
	if (channel_join(c, a->path + 1, c->service == &service_member ?
	    a->path_len - 1 : 0) == -1)
		client_no_memory(c);
}

void
request_joined(struct client *c, int shown)
{
	size_t	 n = strlen(c->upgrade);
	uint8_t	*p;

	client_state(c, CLIENT_OPEN);
	c->flags |= CLIENT_MEMBER;
	counters.clients_total++;
	if ((p = output_append(c, n)) == NULL)
		return;
	memcpy(p, c->upgrade, n);
	free(c->upgrade);
	c->upgrade = NULL;
	channel_admitted(c, shown);
	child_event(EVENT_CLIENT_OPEN, c->id, "channel=\"%s\" origin=\"%s\"",
	    channel_name(c), c->origin != NULL ? c->origin->key : "");
	client_resume(c, PAUSE_JOINING);
}

void
request_refused(struct client *c, enum refused why)
{
	static const char *const	text[] = {
		[REFUSED_CLIENTS] = "Too many clients are connected; see "
		    "max-clients in nwsd.conf(5).",
		[REFUSED_ORIGIN] = "Too many clients of this origin are "
		    "connected; see max-clients-per-origin in nwsd.conf(5).",
		[REFUSED_ADDRESS] = "Too many clients of this address are "
		    "connected; see max-clients-per-address in nwsd.conf(5).",
		[REFUSED_CHANNELS] = "There are too many channels; see "
		    "max-channels in nwsd.conf(5).",
	};

	counters.refused_limit_total++;
	client_depart(c);
	if (why > REFUSED_CHANNELS)
		client_kill(c);
	else
		request_fail(c, why == REFUSED_ORIGIN ||
		    why == REFUSED_ADDRESS ? 429 : 503, text[why]);
}

/* The lines of a page's answer that say who may use it, and for what. */
static void
page_lines(const struct asked *a, char *text, size_t size)
{
	const struct page	*page = &a->page;
	char			 origin[MSG_ORIGIN_MAX], allow[1024];
	int			 n;

	if (page->access == ACCESS_HEALTH) {
		snprintf(text, size, "Access-Control-Allow-Origin: *\r\n");
		return;
	}
	allow[0] = '\0';
	if (a->verdict.cors)
		snprintf(allow, sizeof(allow),
		    "Access-Control-Allow-Origin: %s\r\n",
		    origin_text(&a->verdict.origin, origin, sizeof(origin)));
	/* What one origin was told is not for another out of a cache. */
	n = snprintf(text, size, "%sVary: Origin\r\n"
	    "Cross-Origin-Resource-Policy: %s\r\n", allow,
	    page->access == ACCESS_LIBRARY ? "cross-origin" : "same-origin");
	if (page->etag[0] != '\0')
		n += snprintf(text + n, size - (size_t)n, "ETag: %s\r\n",
		    page->etag);
	if (page->policy != NULL)
		snprintf(text + n, size - (size_t)n,
		    "Content-Security-Policy: %s\r\n"
		    "Referrer-Policy: no-referrer\r\n", page->policy);
}

/* Whether the client has this page already (RFC 9110, 13.1.2). */
static int
page_is_known(const struct asked *a)
{
	char	list[LIST_LEN_MAX];

	return (a->page.etag[0] != '\0' && http_list(a->http,
	    "if-none-match", list, sizeof(list)) > 0 &&
	    page_has_etag(list, a->page.etag));
}

static void
page_send(struct client *c, const struct asked *a, int head)
{
	char		extra[2048];
	struct response	r = { .status = 200, .type = a->page.type,
			    .extra = extra, .body = a->page.body,
			    .len = a->page.len, .cached = a->page.etag[0],
			    .head = head, .end = a->close };

	page_lines(a, extra, sizeof(extra));
	if (page_is_known(a)) {
		r.status = 304;
		r.type = NULL;
	}
	response_send(c, &r);
	if (!a->close)
		client_state(c, CLIENT_HEAD);	/* a new request may come */
}

static void
not_there(struct client *c, const struct asked *a)
{
	if (strcmp(a->path, "/debug/echo") == 0)
		request_fail(c, 404, "There is no echo here without "
		    "`echo on' in nwsd.conf(5).");
	else if (strcmp(a->path, "/metrics") == 0)
		request_fail(c, 404, "There are no metrics here without "
		    "`metrics on' in nwsd.conf(5).");
	else if (a->upgrade)
		request_fail(c, 404, "There is no service of this name. A "
		    "channel is opened at /NAME, where NAME is 1 to 255 of "
		    "A-Z a-z 0-9 + = * . _ -");
	else
		request_fail(c, 404, "There is nothing of this name.");
}

/* A page for who may see it, and advice for who should have upgraded. */
static void
get(struct client *c, const struct asked *a)
{
	int	head = span_is(&a->http->method, "HEAD");

	if (a->console == CONSOLE_PAGE)
		console_serve_page(c, head, a->close);
	else if (a->has_page)
		page_send(c, a, head);
	else if (strcmp(a->path, "/metrics") == 0 && conf->metrics)
		metrics_wait(c, head, a->close);
	else if (strcmp(a->path, "/metrics") == 0)
		not_there(c, a);
	else if (files_get(c, a->http, a->path, a->path_len, head, a->close))
		return;
	else if (service_find(a) != NULL)
		response_error(c, 426, "Upgrade: websocket\r\n"
		    "Connection: Upgrade\r\n", "This is a WebSocket: open it "
		    "with new WebSocket(\"ws://...\") or nws(1).");
	else
		not_there(c, a);
}

/* Refused by the rules of access.c: say what to do about it. */
static void
refuse(struct client *c, const struct asked *a, uint32_t scope)
{
	const struct access_verdict	*v = &a->verdict;
	char				 text[1024], origin[MSG_ORIGIN_MAX];
	char				 url[64];
	const char			*console;

	switch (v->status) {
	case 421:
		counters.refused_host_total++;
		break;
	case 401:
		counters.refused_token_total++;
		break;
	case 403:
		counters.refused_origin_total++;
		break;
	default:
		counters.refused_request_total++;
	}
	if (a->console == CONSOLE_ASK) {
		console_fail(c, v->status, NULL, v->why, 1);
		return;
	}
	if (v->status != 403 || !v->has_origin || a->console != CONSOLE_NONE) {
		response_error(c, v->status, v->status == 401 ?
		    "WWW-Authenticate: Bearer realm=\"nwsd\"\r\n" : "",
		    v->why);
		return;
	}
	origin_text(&v->origin, origin, sizeof(origin));
	if (v->pending) {
		pending_seen(&v->origin, scope);
		console = console_advice(c, url, sizeof(url));
		snprintf(text, sizeof(text), "The origin %s is not allowed to "
		    "connect to nwsd.\nIf you trust this site, allow it on "
		    "this machine%s%s:\n\n    nwsctl origin allow %s\n",
		    origin, console != NULL ? ", at " : "",
		    console != NULL ? console : "", origin);
	} else
		snprintf(text, sizeof(text), "The origin %s is denied.\n"
		    "To let it in again, remove its line of nwsd.conf, "
		    "or:\n\n    nwsctl origin revoke %s\n", origin, origin);
	response_error(c, 403, "", text);
}

/* What is asked for?  -1: it was refused. */
static int
request_sort(struct client *c, struct asked *a)
{
	const struct http_request	*r = a->http;
	const struct span		*length;
	char				 list[LIST_LEN_MAX];
	unsigned int			 count;
	int				 n, has;

	length = http_field(r, "content-length", &count);
	if ((length != NULL && (count != 1 || !span_is(length, "0"))) ||
	    http_field(r, "transfer-encoding", NULL) != NULL) {
		request_malformed(c, 413, "A request body is not expected.");
		return (-1);
	}
	n = http_list(r, "connection", list, sizeof(list));
	a->close = r->minor == 0 ||
	    (n > 0 && http_list_has(list, (size_t)n, "close"));
	has = n > 0 && http_list_has(list, (size_t)n, "upgrade");
	n = http_list(r, "upgrade", list, sizeof(list));
	a->upgrade = has && n > 0 && r->minor == 1 &&
	    http_list_has(list, (size_t)n, "websocket");
	n = http_decode(&r->path, a->path, sizeof(a->path) - 1);
	if (n < 1 || a->path[0] != '/') {
		request_malformed(c, 400, "The path is malformed or too "
		    "long.");
		return (-1);
	}
	a->path[n] = '\0';
	a->path_len = (size_t)n;
	a->has_page = page_find(a->path, a->path_len, &a->page);
	if (a->upgrade)
		a->service = service_find(a);
	else
		a->console = console_for(c, a->path);
	return (0);
}

static void
request(struct client *c, const struct http_request *r)
{
	struct access_listener	where;
	struct asked		a;
	enum access_kind	kind;
	uint32_t		scope;

	counters.requests_total++;
	memset(&a, 0, sizeof(a));
	a.http = r;
	if (span_is(&r->method, "HEAD"))
		c->flags |= CLIENT_NO_BODY;	/* errors neither */
	if (request_sort(c, &a) == -1)
		return;
	where.unix_socket = listener_is_unix(c->listener);
	where.port = listener_port(c->listener);
	kind = a.upgrade ? ACCESS_UPGRADE : a.console == CONSOLE_PAGE ?
	    ACCESS_CONSOLE : a.console == CONSOLE_ASK ? ACCESS_API :
	    a.has_page ? a.page.access : ACCESS_PAGE;
	scope = a.service != NULL && a.service->scope != 0 ?
	    a.service->scope : SCOPE_CHANNELS;
	access_decide(conf, frontend_grants(), &where, r, kind, scope,
	    (int64_t)time(NULL), &a.verdict);
	if (a.verdict.status != 0) {
		refuse(c, &a, scope);
		return;
	}
	if (a.upgrade && !span_is(&r->method, "GET")) {
		counters.refused_request_total++;
		response_error(c, 405, "Allow: GET\r\n",
		    "A WebSocket is opened with GET.");
	} else if (a.upgrade && a.service == NULL)
		not_there(c, &a);
	else if (a.upgrade)
		upgrade(c, &a);
	else if (a.console == CONSOLE_ASK)
		console_serve(c, r, a.path, &a.verdict, a.close);
	else if (!span_is(&r->method, "GET") && !span_is(&r->method, "HEAD")) {
		counters.refused_request_total++;
		response_error(c, 405, "Allow: GET, HEAD\r\n",
		    "Only GET and HEAD are answered here.");
	} else
		get(c, &a);
}

size_t
request_input(struct client *c, uint8_t *p, size_t n)
{
	struct http_request	r;
	int			used, status;

	used = http_parse((const char *)p, n, conf->max_head, &r, &status);
	if (used == 0)
		return (0);
	if (used == -1) {
		request_malformed(c, status, malformed_text(status));
		return (n);
	}
	request(c, &r);
	return ((size_t)used);
}
