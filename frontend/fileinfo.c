/*
 * What HTTP says about a file, see fileinfo.h.  Pure but for memory; runs in
 * the frontend on what a client sent, which is not trusted.
 */
#include "fileinfo.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "date.h"

#define UTF8	"; charset=utf-8"

/* In the order of their names; what is not here is just bytes. */
static const struct {
	const char	*extension, *type;
} types[] = {
	{ "aac", "audio/aac" },
	{ "apng", "image/apng" },
	{ "avif", "image/avif" },
	{ "bmp", "image/bmp" },
	{ "css", "text/css" UTF8 },
	{ "csv", "text/csv" UTF8 },
	{ "flac", "audio/flac" },
	{ "geojson", "application/geo+json" },
	{ "gif", "image/gif" },
	{ "glb", "model/gltf-binary" },
	{ "gltf", "model/gltf+json" },
	{ "gz", "application/gzip" },
	{ "htm", "text/html" UTF8 },
	{ "html", "text/html" UTF8 },
	{ "ico", "image/vnd.microsoft.icon" },
	{ "ics", "text/calendar" UTF8 },
	{ "jpeg", "image/jpeg" },
	{ "jpg", "image/jpeg" },
	{ "js", "text/javascript" UTF8 },		/* RFC 9239 */
	{ "json", "application/json" },
	{ "jsonld", "application/ld+json" },
	{ "jxl", "image/jxl" },
	{ "m4a", "audio/mp4" },
	{ "m4v", "video/mp4" },
	{ "map", "application/json" },
	{ "md", "text/markdown" UTF8 },
	{ "mjs", "text/javascript" UTF8 },
	{ "mp3", "audio/mpeg" },
	{ "mp4", "video/mp4" },
	{ "oga", "audio/ogg" },
	{ "ogg", "audio/ogg" },
	{ "ogv", "video/ogg" },
	{ "opus", "audio/ogg" },
	{ "otf", "font/otf" },
	{ "pdf", "application/pdf" },
	{ "png", "image/png" },
	{ "svg", "image/svg+xml" },
	{ "tar", "application/x-tar" },
	{ "ts", "text/plain" UTF8 },
	{ "ttf", "font/ttf" },
	{ "txt", "text/plain" UTF8 },
	{ "vtt", "text/vtt" UTF8 },
	{ "wasm", "application/wasm" },
	{ "wav", "audio/wav" },
	{ "webm", "video/webm" },
	{ "webmanifest", "application/manifest+json" },
	{ "webp", "image/webp" },
	{ "woff", "font/woff" },
	{ "woff2", "font/woff2" },
	{ "xhtml", "application/xhtml+xml" },
	{ "xml", "application/xml" },
	{ "zip", "application/zip" }
};

const char *
file_type(const char *path, size_t len)
{
	const char	*end = path + len, *p = end;
	size_t		 i, n;

	while (p > path && p[-1] != '.' && p[-1] != '/')
		p--;
	n = (size_t)(end - p);
	if (p == path || p[-1] != '.')
		n = 0;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i].extension) == n &&
		    strncasecmp(types[i].extension, p, n) == 0)
			return (types[i].type);
	return ("application/octet-stream");
}

const char *
file_tag(const struct file_facts *f, char text[FILE_TAG_MAX])
{
	snprintf(text, FILE_TAG_MAX, "\"%" PRIx64 "-%" PRIx64 "-%" PRIx64
	    "%08" PRIx32 "\"", f->inode, f->size, (uint64_t)f->mtime_s,
	    f->mtime_ns);
	return (text);
}

/* A number at *s, which moves past it; what is too large is the largest. */
static int
number(const char **s, const char *end, uint64_t *v)
{
	const char	*p = *s;

	for (*v = 0; p < end && *p >= '0' && *p <= '9'; p++)
		*v = *v > (UINT64_MAX - 9) / 10 ? UINT64_MAX :
		    *v * 10 + (uint64_t)(*p - '0');
	if (p == *s)
		return (-1);
	*s = p;
	return (0);
}

/* first-last, first- or -length, and nothing behind it. */
static int
spec_parse(const char *p, const char *end, struct range *r)
{
	r->kind = RANGE_FROM;
	r->last = UINT64_MAX;
	if (p < end && *p == '-') {
		p++;
		r->kind = RANGE_SUFFIX;
		return (number(&p, end, &r->first) == 0 && p == end);
	}
	if (number(&p, end, &r->first) == -1 || p == end || *p++ != '-')
		return (0);
	if (p < end && number(&p, end, &r->last) == -1)
		return (0);
	return (p == end && r->first <= r->last);
}

void
range_parse(const char *s, size_t n, struct range *r)
{
	static const char	 unit[] = "bytes=";
	const char		*p = s + sizeof(unit) - 1, *end = s + n;

	if (n >= sizeof(unit) - 1 &&
	    strncasecmp(s, unit, sizeof(unit) - 1) == 0) {
		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
		while (p < end && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		if (spec_parse(p, end, r))
			return;
	}
	memset(r, 0, sizeof(*r));
}

/* A copy of the values of a list field; NULL where there is none. */
static int
list_read(const struct http_request *r, const char *field, char **out)
{
	char	buf[FILE_LIST_MAX];

	*out = NULL;
	if (http_field(r, field, NULL) == NULL)
		return (0);
	/* What is longer than any list of ours matches nothing. */
	*out = strdup(http_list(r, field, buf, sizeof(buf)) <= 0 ? "" : buf);
	return (*out == NULL ? -1 : 0);
}

/* A field with a date; several, and what is none, are as none. */
static int
date_read(const struct http_request *r, const char *field, int64_t now,
    int64_t *t)
{
	unsigned int		 count;
	const struct span	*value = http_field(r, field, &count);

	return (value != NULL && count == 1 &&
	    http_date_parse(value->p, value->len, now, t) == 0);
}

int
file_wish_read(const struct http_request *r, int head, int64_t now,
    struct file_wish *w)
{
	unsigned int		 count;
	const struct span	*range = http_field(r, "range", &count);

	memset(w, 0, sizeof(*w));
	/* There are none for any method but GET (RFC 9110, 14.2). */
	if (!head && range != NULL && count == 1)
		range_parse(range->p, range->len, &w->range);
	w->has_modified = date_read(r, "if-modified-since", now,
	    &w->modified);
	w->has_unmodified = date_read(r, "if-unmodified-since", now,
	    &w->unmodified);
	if (list_read(r, "if-match", &w->match) == -1 ||
	    list_read(r, "if-none-match", &w->none_match) == -1 ||
	    list_read(r, "if-range", &w->if_range) == -1)
		return (-1);
	return (0);
}

void
file_wish_free(struct file_wish *w)
{
	free(w->match);
	free(w->none_match);
	free(w->if_range);
	memset(w, 0, sizeof(*w));
}

int
tag_list_has(const char *list, const char *tag, int strong)
{
	const char	*p = list, *end;
	size_t		 len = strlen(tag);
	int		 weak;

	p += strspn(p, " \t");
	if (strcmp(p, "*") == 0)
		return (1);
	for (;;) {
		p += strspn(p, " \t,");
		weak = strncmp(p, "W/", 2) == 0;
		if (weak)
			p += 2;
		if (*p != '"' || (end = strchr(p + 1, '"')) == NULL)
			return (0);
		end++;
		if ((size_t)(end - p) == len && memcmp(p, tag, len) == 0 &&
		    !(strong && weak))
			return (1);
		p = end;
	}
}

/*
 * Whether the range may be sent: the file is still the one that the client has
 * another part of (RFC 9110, 13.1.5).  A date says so only where the file was
 * not changed in this very second.
 */
static int
range_holds(const struct file_wish *w, const struct file_facts *f,
    const char *tag, int64_t now)
{
	int64_t	 t;

	if (w->if_range == NULL)
		return (1);
	if (w->if_range[0] == '"')
		return (strcmp(w->if_range, tag) == 0);
	return (http_date_parse(w->if_range, strlen(w->if_range), now,
	    &t) == 0 && t == f->mtime_s && now > t);
}

/* The bytes of a range, or 416. */
static void
range_apply(const struct range *r, uint64_t size, struct file_verdict *v)
{
	uint64_t	 last;

	if (r->kind == RANGE_NONE || (r->kind == RANGE_SUFFIX && size == 0 &&
	    r->first > 0))
		return;
	if (r->kind == RANGE_SUFFIX ? r->first == 0 : r->first >= size) {
		v->status = 416;
		v->len = 0;
		return;
	}
	v->status = 206;
	if (r->kind == RANGE_SUFFIX) {
		v->len = r->first < size ? r->first : size;
		v->offset = size - v->len;
		return;
	}
	last = r->last < size ? r->last : size - 1;
	v->offset = r->first;
	v->len = last - r->first + 1;
}

/* In the order of RFC 9110, 13.2.2. */
void
file_decide(const struct file_wish *w, const struct file_facts *f,
    int64_t now, struct file_verdict *v)
{
	char	tag[FILE_TAG_MAX];

	file_tag(f, tag);
	v->status = 200;
	v->offset = 0;
	v->len = f->size;
	if (w->match != NULL ? !tag_list_has(w->match, tag, 1) :
	    w->has_unmodified && f->mtime_s > w->unmodified)
		v->status = 412;
	else if (w->none_match != NULL ? tag_list_has(w->none_match, tag, 0) :
	    w->has_modified && f->mtime_s <= w->modified)
		v->status = 304;
	else if (range_holds(w, f, tag, now))
		range_apply(&w->range, f->size, v);
	if (v->status == 412 || v->status == 304)
		v->len = 0;
}
