/*
 * The file that keeps what was decided with "nwsctl origin", so that it lives
 * through a restart: origins, where state is kept.  Runs in the parent; a
 * person may have edited it, so what is not understood is kept aside and said.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "parent/parent.h"

#define FILE_MAX MSG_TEXT_MAX

#define NAME "origins"

static char *
read_file(const char *path, size_t *len)
{
	struct stat st;
	char *text = NULL;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1) {
		if (errno != ENOENT)
			log_warn("%s", path);
		return (NULL);
	}
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    st.st_size > (off_t)FILE_MAX ||
	    (text = malloc((size_t)st.st_size + 1)) == NULL ||
	    (n = read(fd, text, (size_t)st.st_size)) == -1) {
		log_warnx("%s: cannot be read, or is not a file of at most "
			  "%u bytes",
		    path, FILE_MAX);
		free(text);
		text = NULL;
	} else
		*len = (size_t)n;
	close(fd);
	return (text);
}

static void
keep_aside(const char *path, const char *text, size_t len)
{
	char why[WHY_MAX];

	if (state_write(NAME ".bad", text, len, why) == -1)
		log_warnx("%s", why);
	else
		log_warnx("%s: the file as it was is kept as %s.bad", path,
		    path);
}

void
grants_file_load(struct grants *grants)
{
	char path[PATH_MAX], why[WHY_MAX];
	char *text, *end, *line, *nl;
	size_t len = 0;
	int number = 0, at, bad = 0;

	if (state_path(NAME, path, sizeof(path), why) == -1 ||
	    (text = read_file(path, &len)) == NULL)
		return;
	end = text + len;
	for (line = text; line < end; line = nl + 1) {
		if ((nl = memchr(line, '\n', (size_t)(end - line))) == NULL)
			nl = end;
		number++;
		if (grants_parse(grants, line, (size_t)(nl - line), &at) ==
		    -1) {
			log_warnx(
			    "%s:%d: not understood, left out", path, number);
			bad++;
		}
	}
	if (bad > 0)
		keep_aside(path, text, len);
	free(text);
	grants_expire(grants, (int64_t)time(NULL));
}

int
grants_file_save(const struct grants *grants, char why[WHY_MAX])
{
	char *text = grants_print(grants);
	int rc;

	if (text == NULL) {
		snprintf(why, WHY_MAX, "%s", strerror(ENOMEM));
		return (-1);
	}
	rc = state_write(NAME, text, strlen(text), why);
	free(text);
	return (rc);
}
