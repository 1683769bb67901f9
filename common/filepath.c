/*
 * Which paths of files may be asked for, see filepath.h.  Pure.  Run by the
 * frontends, on what a client sent, and again by the process that serves files,
 * on what a frontend sent; trusts neither.
 */
#include "filepath.h"

#include <limits.h>
#include <string.h>

#include "msg.h"

/* What stands between two slashes: never ".", ".." or what is hidden. */
static int
name_valid(const char *s, size_t n)
{
	size_t i;

	if (n == 0 || n > NAME_MAX || s[0] == '.')
		return (0);
	for (i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f || s[i] == '\\')
			return (0);
	return (1);
}

int
file_path_valid(const char *s, size_t n)
{
	const char *end = s + n, *slash;

	if (n > MSG_PATH_MAX)
		return (0);
	for (; s < end; s = slash + 1) {
		slash = memchr(s, '/', (size_t)(end - s));
		if (slash == NULL)
			return (name_valid(s, (size_t)(end - s)));
		if (!name_valid(s, (size_t)(slash - s)))
			return (0);
	}
	return (1);
}

int
file_path_is_directory(const char *s, size_t n)
{
	return (n == 0 || s[n - 1] == '/');
}
