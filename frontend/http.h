/*
 * HTTP/1.1 request heads (RFC 9112) and responses, pure.
 */
#ifndef FRONTEND_HTTP_H
#define FRONTEND_HTTP_H

#include <stddef.h>

#define HTTP_FIELDS_MAX	64

/* A piece of the head; points into what was parsed. */
struct span {
	const char	*p;
	size_t		 len;
};

struct http_field {
	struct span	name, value;	/* value without white space around */
};

struct http_request {
	struct span		method;
	struct span		target;		/* as sent */
	struct span		path, query;	/* of the target, not decoded;
						   query without "?" */
	int			minor;		/* of HTTP/1.x: 0 or 1 */
	unsigned int		nfields;
	struct http_field	field[HTTP_FIELDS_MAX];
};

/*
 * Parse one request head from in, which is borrowed and which *r then points
 * into.  Returns the bytes used including the empty line, 0 if more are needed
 * (judge in pieces: what is wrong is refused as soon as it shows), or -1 with
 * *status: 400 for what is malformed (bare CR, control characters, obs-fold,
 * white space before a colon, a target that is neither origin nor absolute form
 * nor "*"), 414 for a request line above 8 KiB, 431 for more than max bytes or
 * too many fields, 505 for another version than 1.x.  An LF alone ends a line
 * only after CR.  Empty lines before the request line are skipped (2.2).
 * Absolute-form targets have path and query set from them.
 */
int	http_parse(const char *in, size_t len, size_t max,
	    struct http_request *r, int *status);

/*
 * Authority (host and port) of an absolute-form target; returns 0 when the
 * target has another form.
 */
int	http_authority(const struct http_request *, struct span *);

/*
 * Value of the field of that name (any case), NULL when there is none.
 * *count (may be NULL) is how many there are; the value is the first one's.
 */
const struct span *http_field(const struct http_request *, const char *name,
	    unsigned int *count);

/*
 * All values of a list field, joined with ", ", into buf, NUL-terminated.
 * Returns the length, 0 when there is none, -1 when it does not fit.
 */
int	http_list(const struct http_request *, const char *name, char *buf,
	    size_t size);

/* Whether a comma-separated list has this token (any case). */
int	http_list_has(const char *list, size_t len, const char *token);

int	span_is(const struct span *, const char *);	/* same bytes */
int	span_is_nocase(const struct span *, const char *);

/*
 * Percent-decode (RFC 3986, 2.1) into buf.  Returns the length, or -1 for a bad
 * escape, an encoded NUL, or what does not fit.  No NUL is added.
 */
int	http_decode(const struct span *, char *buf, size_t size);

/*
 * Value of the query parameter of that name, decoded, NUL-terminated.  Returns
 * its length, -1 when absent, -2 when malformed or too long.
 */
int	http_query(const struct span *query, const char *name, char *buf,
	    size_t size);

/* "Not Found" and so on; "Unknown" for a status that we never send. */
const char *http_reason(int status);

#endif
