/*
 * What a plain GET finds: the resources built into nwsd, and how they are
 * answered.  Pure.
 */
#ifndef FRONTEND_PAGES_H
#define FRONTEND_PAGES_H

#include <stddef.h>

#include "access.h"
#include "www.h"

struct page {
	const char	*type;		/* media type */
	const char	*policy;	/* Content-Security-Policy, or NULL */
	const char	*body;
	size_t		 len;
	enum access_kind access;	/* who may have it */
	char		 etag[WWW_ETAG_LEN + 1];	/* "" without */
};

/* The page at a decoded path.  Returns 1, or 0 when there is none. */
int	page_find(const char *path, size_t len, struct page *);

/*
 * Whether a list of entity tags, the value of If-None-Match, has this one
 * (RFC 9110, 13.1.2): compared weakly, "*" is any.  What is malformed has none.
 */
int	page_has_etag(const char *list, const char *etag);

#endif
