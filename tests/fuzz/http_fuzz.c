/*
 * frontend/http.c: a head parsed as it arrives must be judged as the whole is,
 * and what an accepted head points to must be in it and clean.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/http.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Parse the first n bytes, with nothing behind them for the sanitizer. */
static int
parse(const char *in, size_t n, size_t max, struct http_request *r,
    int *status, char **copy)
{
	if ((*copy = malloc(n > 0 ? n : 1)) == NULL)
		abort();
	memcpy(*copy, in, n);
	*status = 0;
	return (http_parse(*copy, n, max, r, status));
}

static void
span_check(const struct span *s, const char *in, size_t n)
{
	size_t	 i;

	if (s->len == 0 || (s->len == 1 && *s->p == '/'))
		return;
	if (s->p < in || s->len > n || (size_t)(s->p - in) > n - s->len)
		abort();
	for (i = 0; i < s->len; i++)
		if (s->p[i] == '\r' || s->p[i] == '\n' || s->p[i] == '\0')
			abort();
}

static void
request_check(const struct http_request *r, const char *in, size_t n)
{
	struct span	 authority;
	char		 buf[64];
	unsigned int	 i, count;
	int		 len;

	if (r->method.len == 0 || r->target.len == 0 || r->path.len == 0 ||
	    r->minor < 0 || r->minor > 1 || r->nfields > HTTP_FIELDS_MAX)
		abort();
	span_check(&r->method, in, n);
	span_check(&r->target, in, n);
	span_check(&r->path, in, n);
	span_check(&r->query, in, n);
	if (*r->path.p != '/' && !span_is(&r->path, "*"))
		abort();
	if (http_authority(r, &authority)) {
		span_check(&authority, in, n);
		if (authority.len == 0)
			abort();
	}
	for (i = 0; i < r->nfields; i++) {
		span_check(&r->field[i].name, in, n);
		span_check(&r->field[i].value, in, n);
		if (r->field[i].name.len == 0)
			abort();
		(void)http_list_has(r->field[i].value.p,
		    r->field[i].value.len, "upgrade");
	}
	if ((http_field(r, "Host", &count) == NULL) != (count == 0))
		abort();
	len = http_list(r, "a", buf, sizeof(buf));
	if (len >= (int)sizeof(buf) || (len >= 0 && buf[len] != '\0'))
		abort();
	(void)http_decode(&r->path, buf, sizeof(buf));
	(void)http_query(&r->query, "a", buf, sizeof(buf));
}

/* Two octets choose the limit and the cuts, the rest arrives in pieces. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct http_request	 r;
	char			*in, *piece;
	size_t			 max, step, have;
	int			 used, got, status, got_status;

	if (n < 2)
		return (0);
	max = data[0] < 128 ? 16384 : (size_t)(data[0] - 127) * 4;
	step = 1 + data[1];
	n -= 2;
	used = parse((const char *)data + 2, n, max, &r, &status, &in);
	if (used > (int)n || used > (int)max || used < -1 ||
	    (used == -1) != (status != 0))
		abort();
	if (used > 0)
		request_check(&r, in, (size_t)used);
	for (have = 0; have < n; have += step) {
		got = parse(in, have, max, &r, &got_status, &piece);
		if (used > 0 && (got != ((int)have < used ? 0 : used)))
			abort();
		/* What is wrong stays wrong, and in the same way. */
		if (got == -1 && (used != -1 || got_status != status))
			abort();
		if (used == 0 && got != 0)
			abort();
		free(piece);
	}
	free(in);
	return (0);
}
