/*
 * Who may connect: the decision on one request, before any upgrade, from its
 * Host, Origin and fetch metadata.  Pure.
 */
#ifndef FRONTEND_ACCESS_H
#define FRONTEND_ACCESS_H

#include <stdint.h>

#include "../common/conf.h"
#include "../common/origin.h"
#include "http.h"

/* What kind of thing is asked for. */
enum access_kind {
	ACCESS_UPGRADE,		/* a WebSocket */
	ACCESS_PAGE,		/* examples and so on: GET */
	ACCESS_LIBRARY,		/* nws.js and so on: GET */
	ACCESS_HEALTH,		/* /health, open to every origin */
	ACCESS_CONSOLE,		/* the console's page: GET */
	ACCESS_API		/* what that page asks for */
};

struct access_listener {
	int		unix_socket;
	uint16_t	port;		/* 0 for a Unix socket */
};

struct access_verdict {
	int		status;		/* 0 allowed, else 400, 401, 403, 421 */
	const char	*why;		/* static text for the answer and log */
	int		pending;	/* 1: origin is unknown, not denied */
	int		has_origin;
	struct origin	origin;
	int		cors;		/* 1: answer with ACAO of this origin */
};

/*
 * scope is the SCOPE_ bit of the service.  now is Unix time, for grants that
 * expire.  Checks in this order: exactly one Host (400) that names this machine
 * with the listener's port (421); at most one Origin (400) that is local, of
 * this daemon, configured or granted (403); without Origin, for an upgrade the
 * native token where one is configured, as "Authorization: Bearer TOKEN" (401;
 * not on a Unix socket), and no Sec-Fetch-Site that says a page is behind it;
 * for a page, Sec-Fetch-Site not cross-site or same-site unless it is a
 * top-level navigation (403), or a script tag that wants the library.
 *
 * The console is for its own pages, whoever else may connect: an Origin must be
 * http and the host and port that Host says, and what it asks for comes with
 * Sec-Fetch-Site same-origin where there is one.
 */
void	access_decide(const struct conf *, const struct grants *,
	    const struct access_listener *, const struct http_request *,
	    enum access_kind, uint32_t scope, int64_t now,
	    struct access_verdict *);

/*
 * Whether the configuration or a grant says of an origin that it may do what
 * the scope is for, or that it may not.
 */
int	access_is_decided(const struct conf *, const struct grants *,
	    const struct origin *, uint32_t scope, int64_t now);

#endif
