/*
 * Pages and resources built in, see pages.h.  Frontend.
 */
#include <string.h>

#include "fileinfo.h"
#include "pages.h"

/*
 * Pages load from this daemon alone, run no script that is not a file of it,
 * and cannot be framed.
 */
#define POLICY	"default-src 'none'; script-src 'self'; style-src 'self'; " \
		"img-src 'self' data:; connect-src 'self'; " \
		"frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

static const char	health[] = "{\"ok\":true}\n";

int
page_find(const char *path, size_t len, struct page *page)
{
	const struct www_file	*f;

	memset(page, 0, sizeof(*page));
	if (len == strlen("/health") && memcmp(path, "/health", len) == 0) {
		page->type = "application/json";
		page->body = health;
		page->len = sizeof(health) - 1;
		page->access = ACCESS_HEALTH;
		return (1);
	}
	if ((f = www_find(path, len)) == NULL)
		return (0);
	page->type = f->type;
	if (strncmp(f->type, "text/html", strlen("text/html")) == 0)
		page->policy = POLICY;
	page->body = f->start;
	page->len = (size_t)(f->end - f->start);
	page->access = f->library ? ACCESS_LIBRARY : ACCESS_PAGE;
	www_etag(f, page->etag);
	return (1);
}

int
page_has_etag(const char *list, const char *etag)
{
	return (tag_list_has(list, etag, 0));
}
