/*
 * What a plain GET finds: the pages and resources built into nwsd.
 */
#ifndef FRONTEND_PAGES_H
#define FRONTEND_PAGES_H

#include <stddef.h>

struct page {
	const char	*path;
	const char	*type;		/* media type */
	const char	*policy;	/* Content-Security-Policy, or NULL */
	const char	*body;
	size_t		 len;
	int		 open;		/* 1: for every origin */
};

/* The page at a decoded path, or NULL. */
const struct page *page_find(const char *path, size_t len);

#endif
