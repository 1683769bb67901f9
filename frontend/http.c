/*
 * HTTP/1.1 request heads (RFC 9112).  Pure; runs in the frontend on what a
 * client sent, which is not trusted: what two readers could understand in two
 * ways (request smuggling) is refused, not guessed.
 */

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "http.h"

#define LINE_MAX_BYTES	8192	/* of a request line, without its CRLF */

/* What a byte may be part of. */
#define C_TOKEN		0x1u	/* token (RFC 9110, 5.6.2) */
#define C_VALUE		0x2u	/* field value, with white space inside */
#define C_TARGET	0x4u	/* request target: visible ASCII but "#" */

struct cursor {
	const char	*p, *end;
	int		 status;	/* of the refusal, 0 none */
};

enum step { STEP_OK, STEP_MORE, STEP_BAD };

static enum step	 head_parse(struct cursor *, struct http_request *);
static enum step	 line_parse(struct cursor *, struct http_request *);
static enum step	 version_parse(struct cursor *,
			    struct http_request *);
static enum step	 target_parse(struct cursor *, struct http_request *);
static enum step	 target_split(struct http_request *);
static const char	*authority_find(const struct span *);
static enum step	 field_parse(struct cursor *, struct http_field *);
static enum step	 literal(struct cursor *, const char *);
static size_t		 class_skip(struct cursor *, unsigned int);
static int		 hex_digit(char);

/* C_ bits of every byte. */
static const uint8_t classes[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, /* 00 */
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 10 */
	2, 7, 6, 3, 7, 7, 7, 7, 6, 6, 7, 7, 6, 7, 7, 6, /* 20 */
	7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 6, 6, 6, 6, 6, 6, /* 30 */
	6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, /* 40 */
	7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 6, 6, 6, 7, 7, /* 50 */
	7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, /* 60 */
	7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 6, 7, 6, 7, 0, /* 70 */
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* 80 */
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* 90 */
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* a0 */
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* b0 */
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* c0 */
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* d0 */
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* e0 */
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2  /* f0 */
};

int
http_parse(const char *in, size_t len, size_t max, struct http_request *r,
    int *status)
{
	struct cursor	 c = { in, in + (len < max ? len : max), 0 };

	memset(r, 0, offsetof(struct http_request, field));
	switch (head_parse(&c, r)) {
	case STEP_OK:
		return ((int)(c.p - in));
	case STEP_BAD:
		*status = c.status == 0 ? 400 : c.status;
		return (-1);
	case STEP_MORE:
	default:
		/* Another byte would be one above the limit. */
		if (len >= max) {
			*status = 431;
			return (-1);
		}
		return (0);
	}
}

static enum step
head_parse(struct cursor *c, struct http_request *r)
{
	enum step	 step;

	/* Empty lines before the request line (RFC 9112, 2.2). */
	while (c->p < c->end && *c->p == '\r')
		if ((step = literal(c, "\r\n")) != STEP_OK)
			return (step);
	if ((step = line_parse(c, r)) != STEP_OK)
		return (step);
	for (;;) {
		if (c->p == c->end)
			return (STEP_MORE);
		if (*c->p == '\r')
			return (literal(c, "\r\n"));
		if (r->nfields == HTTP_FIELDS_MAX) {
			c->status = 431;
			return (STEP_BAD);
		}
		if ((step = field_parse(c, &r->field[r->nfields])) != STEP_OK)
			return (step);
		r->nfields++;
	}
}

/* method SP target SP version CRLF (3) */
static enum step
line_parse(struct cursor *c, struct http_request *r)
{
	struct cursor	 line = *c;
	enum step	 step;
	int		 cut = 0;

	/* A line that is still open at its limit and two can only be longer. */
	if (line.end - line.p > LINE_MAX_BYTES + 2) {
		line.end = line.p + LINE_MAX_BYTES + 2;
		cut = 1;
	}
	r->method.p = line.p;
	r->method.len = class_skip(&line, C_TOKEN);
	if (r->method.len == 0 && line.p < line.end)
		return (STEP_BAD);
	step = literal(&line, " ");
	if (step == STEP_OK)
		step = target_parse(&line, r);
	if (step == STEP_OK)
		step = version_parse(&line, r);
	c->status = line.status;
	if (step == STEP_OK)
		c->p = line.p;
	else if (step == STEP_MORE && (cut ||
	    line.p - c->p > LINE_MAX_BYTES + 1)) {
		c->status = 414;
		step = STEP_BAD;
	}
	return (step);
}

static enum step
target_parse(struct cursor *c, struct http_request *r)
{
	enum step	 step;

	r->target.p = c->p;
	r->target.len = class_skip(c, C_TARGET);
	if (r->target.len == 0)
		return (c->p == c->end ? STEP_MORE : STEP_BAD);
	/* Refused by the first byte: no form begins so (3.2). */
	if (strchr("/*hHwW", r->target.p[0]) == NULL)
		return (STEP_BAD);
	if ((step = literal(c, " ")) != STEP_OK)
		return (step);
	return (target_split(r));
}

/* Path and query of the origin form, the absolute form and "*" (3.2). */
static enum step
target_split(struct http_request *r)
{
	const char	*p = r->target.p, *end = p + r->target.len, *mark;

	r->path.p = p;
	if (*p == '*') {
		r->path.len = 1;
		return (r->target.len == 1 ? STEP_OK : STEP_BAD);
	}
	if (*p != '/') {
		if ((p = authority_find(&r->target)) == NULL)
			return (STEP_BAD);
		while (p < end && *p != '/' && *p != '?')
			p++;
	}
	if ((mark = memchr(p, '?', (size_t)(end - p))) != NULL) {
		r->query.p = mark + 1;
		r->query.len = (size_t)(end - mark - 1);
		end = mark;
	}
	r->path.p = p;
	r->path.len = (size_t)(end - p);
	if (r->path.len == 0) {
		r->path.p = "/";
		r->path.len = 1;
	}
	return (STEP_OK);
}

/*
 * Start of the authority of an absolute form; NULL where the scheme is none of
 * ours, the authority is empty or has a user part (RFC 9110, 4.2.4).
 */
static const char *
authority_find(const struct span *target)
{
	static const char *const schemes[] = { "http://", "https://",
	    "ws://", "wss://" };
	const char	*p, *end = target->p + target->len;
	size_t		 i, n;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		n = strlen(schemes[i]);
		if (target->len > n &&
		    strncasecmp(target->p, schemes[i], n) == 0)
			break;
	}
	if (i == sizeof(schemes) / sizeof(schemes[0]))
		return (NULL);
	for (p = target->p + n; p < end && *p != '/' && *p != '?'; p++)
		if (*p == '@')
			return (NULL);
	return (p == target->p + n ? NULL : target->p + n);
}

int
http_authority(const struct http_request *r, struct span *authority)
{
	const char	*p, *end = r->target.p + r->target.len;

	if (r->target.len == 0 || *r->target.p == '/' || *r->target.p == '*' ||
	    (p = authority_find(&r->target)) == NULL)
		return (0);
	authority->p = p;
	while (p < end && *p != '/' && *p != '?')
		p++;
	authority->len = (size_t)(p - authority->p);
	return (1);
}

/* "HTTP/1." digit CRLF; a later 1.x is read as 1.1 (RFC 9110, 2.5). */
static enum step
version_parse(struct cursor *c, struct http_request *r)
{
	enum step	 step;

	if ((step = literal(c, "HTTP/")) != STEP_OK)
		return (step);
	if (c->p == c->end)
		return (STEP_MORE);
	if (*c->p != '1') {
		if (*c->p >= '0' && *c->p <= '9')
			c->status = 505;
		return (STEP_BAD);
	}
	if ((step = literal(c, "1.")) != STEP_OK)
		return (step);
	if (c->p == c->end)
		return (STEP_MORE);
	if (*c->p < '0' || *c->p > '9')
		return (STEP_BAD);
	r->minor = *c->p++ != '0';
	return (literal(c, "\r\n"));
}

/*
 * name ":" OWS value OWS CRLF (5).  A line that begins with white space is
 * obs-fold, and white space before the colon is what smuggling is made of;
 * neither is a token, so both are refused here (5.1, 5.2).
 */
static enum step
field_parse(struct cursor *c, struct http_field *f)
{
	enum step	 step;

	f->name.p = c->p;
	f->name.len = class_skip(c, C_TOKEN);
	if (f->name.len == 0)
		return (STEP_BAD);
	if ((step = literal(c, ":")) != STEP_OK)
		return (step);
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
		c->p++;
	f->value.p = c->p;
	f->value.len = class_skip(c, C_VALUE);
	while (f->value.len > 0 && (f->value.p[f->value.len - 1] == ' ' ||
	    f->value.p[f->value.len - 1] == '\t'))
		f->value.len--;
	return (literal(c, "\r\n"));
}

/* Past these very bytes; bad at the first that differs. */
static enum step
literal(struct cursor *c, const char *want)
{
	for (; *want != '\0'; want++, c->p++) {
		if (c->p == c->end)
			return (STEP_MORE);
		if (*c->p != *want)
			return (STEP_BAD);
	}
	return (STEP_OK);
}

/* Past all bytes of a class; returns how many. */
static size_t
class_skip(struct cursor *c, unsigned int class)
{
	const char	*start = c->p;

	while (c->p < c->end && (classes[(uint8_t)*c->p] & class) != 0)
		c->p++;
	return ((size_t)(c->p - start));
}

const struct span *
http_field(const struct http_request *r, const char *name,
    unsigned int *count)
{
	const struct span	*found = NULL;
	size_t			 len = strlen(name);
	unsigned int		 i, n = 0;

	for (i = 0; i < r->nfields; i++) {
		if (r->field[i].name.len != len ||
		    strncasecmp(r->field[i].name.p, name, len) != 0)
			continue;
		if (n++ == 0)
			found = &r->field[i].value;
	}
	if (count != NULL)
		*count = n;
	return (found);
}

int
http_list(const struct http_request *r, const char *name, char *buf,
    size_t size)
{
	const struct span	*v;
	size_t			 len = strlen(name), used = 0, need;
	unsigned int		 i, n = 0;

	if (size == 0)
		return (-1);
	for (i = 0; i < r->nfields; i++) {
		if (r->field[i].name.len != len ||
		    strncasecmp(r->field[i].name.p, name, len) != 0)
			continue;
		v = &r->field[i].value;
		need = v->len + (n > 0 ? 2 : 0);
		if (need > size - 1 - used)
			return (-1);
		if (n++ > 0) {
			memcpy(buf + used, ", ", 2);
			used += 2;
		}
		memcpy(buf + used, v->p, v->len);
		used += v->len;
	}
	buf[used] = '\0';
	return ((int)used);
}

int
http_list_has(const char *list, size_t len, const char *token)
{
	const char	*p = list, *end = list + len, *comma, *last;
	size_t		 want = strlen(token);

	for (; p < end; p = comma + 1) {
		if ((comma = memchr(p, ',', (size_t)(end - p))) == NULL)
			comma = end;
		last = comma;
		while (p < last && (*p == ' ' || *p == '\t'))
			p++;
		while (p < last && (last[-1] == ' ' || last[-1] == '\t'))
			last--;
		if ((size_t)(last - p) == want &&
		    strncasecmp(p, token, want) == 0)
			return (1);
		if (comma == end)
			break;
	}
	return (0);
}

int
span_is(const struct span *s, const char *text)
{
	return (s->len == strlen(text) && memcmp(s->p, text, s->len) == 0);
}

int
span_is_nocase(const struct span *s, const char *text)
{
	return (s->len == strlen(text) && strncasecmp(s->p, text, s->len) == 0);
}

int
http_decode(const struct span *s, char *buf, size_t size)
{
	size_t	 i, n = 0;
	int	 high, low;

	for (i = 0; i < s->len; i++) {
		if (n == size)
			return (-1);
		if (s->p[i] != '%') {
			buf[n++] = s->p[i];
			continue;
		}
		if (s->len - i < 3 || (high = hex_digit(s->p[i + 1])) == -1 ||
		    (low = hex_digit(s->p[i + 2])) == -1 || (high | low) == 0)
			return (-1);
		buf[n++] = (char)(high << 4 | low);
		i += 2;
	}
	return ((int)n);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	if (c >= 'a' && c <= 'f')
		return (c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (c - 'A' + 10);
	return (-1);
}

int
http_query(const struct span *query, const char *name, char *buf, size_t size)
{
	const char	*p = query->p, *end, *amp, *eq;
	struct span	 value;
	size_t		 len = strlen(name);
	int		 n;

	if (query->len == 0)
		return (-1);
	for (end = p + query->len; p < end; p = amp + 1) {
		if ((amp = memchr(p, '&', (size_t)(end - p))) == NULL)
			amp = end;
		if ((eq = memchr(p, '=', (size_t)(amp - p))) == NULL)
			eq = amp;
		if ((size_t)(eq - p) == len && memcmp(p, name, len) == 0) {
			value.p = eq < amp ? eq + 1 : amp;
			value.len = (size_t)(amp - value.p);
			if (size == 0 ||
			    (n = http_decode(&value, buf, size - 1)) == -1)
				return (-2);
			buf[n] = '\0';
			return (n);
		}
		if (amp == end)
			break;
	}
	return (-1);
}

const char *
http_reason(int status)
{
	static const struct {
		int		 status;
		const char	*reason;
	} reasons[] = {
		{ 101, "Switching Protocols" },
		{ 200, "OK" },
		{ 204, "No Content" },
		{ 206, "Partial Content" },
		{ 301, "Moved Permanently" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 411, "Length Required" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 416, "Range Not Satisfiable" },
		{ 417, "Expectation Failed" },
		{ 421, "Misdirected Request" },
		{ 426, "Upgrade Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};
	size_t	 i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return (reasons[i].reason);
	return ("Unknown");
}
