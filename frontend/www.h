/*
 * The files of frontend/www, which are part of the program.  Pure.
 */
#ifndef FRONTEND_WWW_H
#define FRONTEND_WWW_H

#include <stddef.h>

#define WWW_ETAG_LEN	18	/* 16 digits in quotes */

struct www_file {
	const char	*path;		/* of the request, decoded */
	const char	*type;		/* media type */
	int		 library;	/* 1: scripts of other sites load it */
	const char	*start, *end;	/* its bytes; no NUL is added */
};

/* The file at a decoded path, or NULL. */
const struct www_file *www_find(const char *path, size_t len);

/*
 * The entity tag (RFC 9110, 8.8.3) of a file, strong: it is made of the bytes
 * alone, so that all frontends, and a new version with the same file, say the
 * same.
 */
void	www_etag(const struct www_file *, char out[WWW_ETAG_LEN + 1]);

/* The console's page, which is no file as it is: see console_page(). */
const struct www_file *www_console_page(void);

/* The i-th file, NULL past the last. */
const struct www_file *www_at(size_t i);

#endif
