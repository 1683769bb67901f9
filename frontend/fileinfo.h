/*
 * What HTTP says about a file: its media type, its tag, and which answer a
 * request gets for it (RFC 9110, 13 and 14).  Pure.
 */
#ifndef FRONTEND_FILEINFO_H
#define FRONTEND_FILEINFO_H

#include <stddef.h>
#include <stdint.h>

#include "http.h"

#define FILE_TAG_MAX	64	/* bytes of an entity tag, with NUL */
#define FILE_LIST_MAX	2048	/* of a list of tags, with NUL */

/* The media type of what has this name, by what follows its last dot. */
const char *file_type(const char *path, size_t len);

/* What is known of a file. */
struct file_facts {
	uint64_t	size, inode;
	int64_t		mtime_s;
	uint32_t	mtime_ns;
};

/* Its entity tag: strong, with its quotes; returns text. */
const char *file_tag(const struct file_facts *, char text[FILE_TAG_MAX]);

/*
 * Whether a list of entity tags has this one (RFC 9110, 8.8.3.2); a weak one is
 * never the same by the strong comparison.  "*" is any; what is malformed has
 * none.
 */
int	tag_list_has(const char *list, const char *tag, int strong);

enum range_kind {
	RANGE_NONE,		/* the whole file */
	RANGE_FROM,		/* from first to last */
	RANGE_SUFFIX		/* the last so many */
};

struct range {
	enum range_kind	kind;
	uint64_t	first, last;	/* last is UINT64_MAX where it is open;
					   of a suffix first is its length */
};

/*
 * The value of Range (RFC 9110, 14.2).  Several ranges, other units and what is
 * malformed are none: the whole file is sent then.
 */
void	range_parse(const char *, size_t, struct range *);

/* The conditions of a request; kept while the file is opened. */
struct file_wish {
	struct range	 range;
	char		*match;		/* If-Match, or NULL */
	char		*none_match;	/* If-None-Match, or NULL */
	char		*if_range;	/* If-Range, or NULL */
	int		 has_modified, has_unmodified;
	int64_t		 modified, unmodified;	/* If-Modified-Since, ... */
};

/*
 * Reads them.  head: it is a HEAD, for which there are no ranges.  Returns 0,
 * or -1 when out of memory.  file_wish_free() in any case.
 */
int	file_wish_read(const struct http_request *, int head, int64_t now,
	    struct file_wish *);
void	file_wish_free(struct file_wish *);

/* What to answer: these bytes with 200 or 206, none with 304, 412 and 416. */
struct file_verdict {
	int		status;
	uint64_t	offset, len;
};

void	file_decide(const struct file_wish *, const struct file_facts *,
	    int64_t now, struct file_verdict *);

#endif
