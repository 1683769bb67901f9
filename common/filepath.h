/*
 * Paths of files that are served (files in nwsd.conf(5)).  Pure.
 */
#ifndef COMMON_FILEPATH_H
#define COMMON_FILEPATH_H

#include <stddef.h>

#define FILE_INDEX	"index.html"	/* what a directory is served as */

/*
 * Whether these bytes are a path that may be asked for: at most MSG_PATH_MAX
 * of them; names of 1 to 255 bytes with a / between, none of which begins with
 * a dot; no control character and no backslash.  A path that ends with a /, or
 * is empty, is a directory's.
 */
int	file_path_valid(const char *, size_t);

/* Whether such a path is that of a directory. */
int	file_path_is_directory(const char *, size_t);

#endif
