/*
 * Who may connect: the decision on one request, before any upgrade.  Pure; runs
 * in the frontend.  Everything in the request is the client's word; what makes
 * it worth anything is that a browser writes Host, Origin and Sec-Fetch-* for a
 * page, and a page cannot.
 */

#include <openssl/crypto.h>
#include <string.h>

#include "access.h"

#define BEARER	"Bearer "

/* What a person reads who is refused: what is wrong, and what to do. */
#define WRONG_HOST							\
	"Host does not name this machine and port: use localhost, or a name " \
	"that nwsd.conf has a line for, such as host \"nas.example\"."
#define WRONG_ORIGIN							\
	"Origin is malformed: it has a scheme and a host, such as "	\
	"http://localhost, and nothing after the port. A program that is no " \
	"web page sends none."
#define WRONG_TOKEN							\
	"A token is needed: send Authorization: Bearer TOKEN, with the " \
	"native token of nwsd.conf."

/* A request and what it is judged by. */
struct question {
	const struct conf		*conf;
	const struct grants		*grants;
	const struct access_listener	*listener;
	const struct http_request	*r;
	enum access_kind		 kind;
	uint32_t			 scope;
	int64_t				 now;
};

enum standing { DENIED, ALLOWED, UNKNOWN };

static int		 host_decide(const struct question *,
			    struct access_verdict *);
static int		 host_is_ours(const struct question *,
			    const struct span *);
static int		 host_is_configured(const struct conf *, const char *);
static int		 origin_decide(const struct question *,
			    const struct span *, struct access_verdict *);
static enum standing	 origin_standing(const struct question *,
			    const struct origin *);
static enum standing	 origin_configured(const struct question *,
			    const struct origin *);
static int		 origin_is_own(const struct question *,
			    const struct origin *);
static int		 native_decide(const struct question *,
			    struct access_verdict *);
static int		 page_decide(const struct question *,
			    struct access_verdict *);
static int		 console_decide(const struct question *,
			    const struct span *, struct access_verdict *);
static int		 fetch_is(const struct http_request *, const char *,
			    const char *);
static int		 token_is_right(const char *, const struct span *);
static int		 refuse(struct access_verdict *, int, const char *);

void
access_decide(const struct conf *conf, const struct grants *grants,
    const struct access_listener *listener, const struct http_request *r,
    enum access_kind kind, uint32_t scope, int64_t now,
    struct access_verdict *v)
{
	const struct question	 q = { conf, grants, listener, r, kind, scope,
				    now };
	const struct span	*origin;
	unsigned int		 origins;

	memset(v, 0, sizeof(*v));
	v->why = "";
	if (host_decide(&q, v) == -1)
		return;
	origin = http_field(r, "Origin", &origins);
	if (origins > 1)
		refuse(v, 400, "more than one Origin");
	else if (kind == ACCESS_CONSOLE || kind == ACCESS_API)
		console_decide(&q, origin, v);
	else if (origin != NULL)
		origin_decide(&q, origin, v);
	else if (kind == ACCESS_UPGRADE)
		native_decide(&q, v);
	else if (kind != ACCESS_HEALTH)
		page_decide(&q, v);
}

int
access_is_decided(const struct conf *conf, const struct grants *grants,
    const struct origin *origin, uint32_t scope, int64_t now)
{
	static const struct access_listener	any = { .unix_socket = 1 };
	const struct question	 q = { .conf = conf, .grants = grants,
				    .listener = &any, .scope = scope,
				    .now = now };

	return (origin_standing(&q, origin) != UNKNOWN);
}

/*
 * Host must name this machine, which is what stops DNS rebinding.  An authority
 * in the target would count instead of it (RFC 9112, 3.2.2), so it must too.
 */
static int
host_decide(const struct question *q, struct access_verdict *v)
{
	const struct span	*host;
	struct span		 authority;
	unsigned int		 hosts;

	host = http_field(q->r, "Host", &hosts);
	if (hosts != 1)
		return (refuse(v, 400, hosts == 0 ? "no Host" :
		    "more than one Host"));
	if (!host_is_ours(q, host))
		return (refuse(v, 421, WRONG_HOST));
	if (http_authority(q->r, &authority) && !host_is_ours(q, &authority))
		return (refuse(v, 421, WRONG_HOST));
	return (0);
}

static int
host_is_ours(const struct question *q, const struct span *text)
{
	char		 host[ORIGIN_HOST_MAX + 1];
	uint16_t	 port;

	if (host_parse(text->p, text->len, host, &port) == -1)
		return (0);
	if (!host_is_local(host) && !host_is_configured(q->conf, host))
		return (0);
	if (q->listener->unix_socket)
		return (1);
	return ((port == 0 ? 80 : port) == q->listener->port);
}

static int
host_is_configured(const struct conf *conf, const char *host)
{
	const struct conf_host *h;

	TAILQ_FOREACH(h, &conf->hosts, entry)
		if (strcmp(h->name, host) == 0)
			return (1);
	return (0);
}

static int
origin_decide(const struct question *q, const struct span *text,
    struct access_verdict *v)
{
	if (origin_parse(text->p, text->len, &v->origin) == -1) {
		memset(&v->origin, 0, sizeof(v->origin));
		if (q->kind == ACCESS_HEALTH)
			return (0);
		return (refuse(v, 403, WRONG_ORIGIN));
	}
	v->has_origin = 1;
	if (q->kind == ACCESS_HEALTH) {
		v->cors = 1;
		return (0);
	}
	switch (origin_standing(q, &v->origin)) {
	case ALLOWED:
		v->cors = q->kind != ACCESS_UPGRADE;
		return (0);
	case DENIED:
		return (refuse(v, 403, "origin is denied"));
	case UNKNOWN:
	default:
		v->pending = 1;
		return (refuse(v, 403, "origin is not allowed yet"));
	}
}

/* A denial wins, wherever it was said. */
static enum standing
origin_standing(const struct question *q, const struct origin *origin)
{
	enum standing	 configured;
	int		 granted;

	configured = origin_configured(q, origin);
	granted = grants_decide(q->grants, origin, q->scope, q->now);
	if (configured == DENIED || granted == -1)
		return (DENIED);
	if (configured == ALLOWED || granted == 1 ||
	    origin_is_local(origin) || origin_is_own(q, origin))
		return (ALLOWED);
	return (UNKNOWN);
}

/* Allowed only for all that is asked for, denied for any part of it. */
static enum standing
origin_configured(const struct question *q, const struct origin *origin)
{
	const struct conf_origin	*o;
	enum standing			 standing = UNKNOWN;

	if (q->scope != 0 &&
	    ((uint32_t)q->conf->origin_any & q->scope) == q->scope)
		standing = ALLOWED;
	TAILQ_FOREACH(o, &q->conf->origins, entry) {
		if ((o->scope & q->scope) == 0 ||
		    !origin_matches(&o->pattern, origin))
			continue;
		if (o->deny)
			return (DENIED);
		if ((o->scope & q->scope) == q->scope)
			standing = ALLOWED;
	}
	return (standing);
}

/* A page that this daemon served under one of its configured names. */
static int
origin_is_own(const struct question *q, const struct origin *origin)
{
	return (!origin->opaque && !q->listener->unix_socket &&
	    strcmp(origin->scheme, "http") == 0 &&
	    origin->port == q->listener->port &&
	    host_is_configured(q->conf, origin->host));
}

/*
 * A WebSocket without Origin is a native program's: browsers always send one
 * (RFC 6455, 4.1).  Should one leave it out, its Sec-Fetch-Site tells.
 */
static int
native_decide(const struct question *q, struct access_verdict *v)
{
	const struct span	*site, *authorization;
	unsigned int		 sites, authorizations;

	if (q->conf->native_token != NULL && !q->listener->unix_socket) {
		authorization = http_field(q->r, "Authorization",
		    &authorizations);
		if (authorizations != 1 ||
		    !token_is_right(q->conf->native_token, authorization))
			return (refuse(v, 401, WRONG_TOKEN));
	}
	site = http_field(q->r, "Sec-Fetch-Site", &sites);
	if (sites > 1 || (sites == 1 && !span_is_nocase(site, "none")))
		return (refuse(v, 403, "a page without Origin"));
	return (0);
}

/*
 * A GET that a page can cause without an Origin (script and image tags, frames,
 * links).  From another site only a link that a person follows may come, and a
 * script tag for the library: it says nothing that /health does not say to
 * everyone, and what it opens is judged by its Origin.
 */
static int
page_decide(const struct question *q, struct access_verdict *v)
{
	unsigned int		 sites;
	const struct span	*site = http_field(q->r, "Sec-Fetch-Site",
				    &sites);

	if (sites == 0 || (sites == 1 && (span_is_nocase(site, "none") ||
	    span_is_nocase(site, "same-origin"))))
		return (0);
	if (sites == 1 && (span_is_nocase(site, "cross-site") ||
	    span_is_nocase(site, "same-site")) &&
	    (fetch_is(q->r, "navigate", "document") ||
	    (q->kind == ACCESS_LIBRARY && fetch_is(q->r, "no-cors",
	    "script"))))
		return (0);
	return (refuse(v, 403, "asked for by a page of another site"));
}

/* Whether an origin is that of pages which have this request's Host. */
static int
origin_is_host(const struct question *q, const struct origin *origin)
{
	const struct span	*text = http_field(q->r, "Host", NULL);
	char			 host[ORIGIN_HOST_MAX + 1];
	uint16_t		 port;

	return (!origin->opaque && strcmp(origin->scheme, "http") == 0 &&
	    host_parse(text->p, text->len, host, &port) == 0 &&
	    strcmp(origin->host, host) == 0 &&
	    origin->port == (port == 0 ? 80 : port));
}

/*
 * The console can grant origins, so no grant opens it, and no other page of
 * this machine either.  Nothing of it may be read across origins.
 */
static int
console_decide(const struct question *q, const struct span *text,
    struct access_verdict *v)
{
	const struct span	*site;
	unsigned int		 sites;

	if (text != NULL) {
		if (origin_parse(text->p, text->len, &v->origin) == -1) {
			memset(&v->origin, 0, sizeof(v->origin));
			return (refuse(v, 403, WRONG_ORIGIN));
		}
		v->has_origin = 1;
		if (!origin_is_host(q, &v->origin))
			return (refuse(v, 403, "the console is for its own "
			    "pages alone"));
	}
	if (q->kind == ACCESS_CONSOLE)
		return (page_decide(q, v));
	site = http_field(q->r, "Sec-Fetch-Site", &sites);
	if (sites > 1 || (sites == 1 && !span_is_nocase(site, "same-origin")))
		return (refuse(v, 403, "the console is for its own pages "
		    "alone"));
	return (0);
}

/* Whether a browser says that it fetches in this mode, for this use. */
static int
fetch_is(const struct http_request *r, const char *mode, const char *dest)
{
	unsigned int		 modes, dests;
	const struct span	*m = http_field(r, "Sec-Fetch-Mode", &modes);
	const struct span	*d = http_field(r, "Sec-Fetch-Dest", &dests);

	return (modes == 1 && dests == 1 && span_is_nocase(m, mode) &&
	    span_is_nocase(d, dest));
}

/* "Authorization: Bearer TOKEN" (RFC 6750, 2.1), in constant time. */
static int
token_is_right(const char *token, const struct span *field)
{
	struct span	 scheme = { field->p, strlen(BEARER) };
	size_t		 len = strlen(token);

	if (field->len < scheme.len || !span_is_nocase(&scheme, BEARER) ||
	    field->len - scheme.len != len)
		return (0);
	return (CRYPTO_memcmp(field->p + scheme.len, token, len) == 0);
}

static int
refuse(struct access_verdict *v, int status, const char *why)
{
	v->status = status;
	v->why = why;
	return (-1);
}
