/* Words of the command line, which may be abbreviated. */
#include <err.h>
#include <string.h>

#include "nwsctl.h"

int
word_find(const char *const *words, size_t n, const char *s)
{
	size_t i, len = strlen(s);
	int found = -1;

	if (len == 0)
		return (-1);
	for (i = 0; i < n; i++) {
		if (strncmp(words[i], s, len) != 0)
			continue;
		if (words[i][len] == '\0')
			return ((int)i);
		found = found == -1 ? (int)i : -2;
	}
	return (found);
}

int
word_choose(const char *const *words, size_t n, const char *s,
    const char *what)
{
	struct buf list = { NULL, 0, 0 };
	int i = word_find(words, n, s);
	size_t k;

	if (i >= 0)
		return (i);
	for (k = 0; k < n; k++) {
		if (i == -2 && strncmp(words[k], s, strlen(s)) != 0)
			continue;
		buf_printf(&list, "%s%s", list.len > 0 ? ", " : "", words[k]);
	}
	buf_byte(&list, '\0');
	warnx("%s: %s %s: one of %s", s, i == -2 ? "ambiguous" : "unknown",
	    what, (char *)list.data);
	buf_free(&list);
	return (i);
}
