/*
 * The file that keeps what was decided with "nwsctl origin", so that it lives
 * through a restart: origins in $STATE_DIRECTORY, which systemd sets, else in
 * /var/lib/nwsd for root and $XDG_STATE_HOME/nwsd for others.  Runs in the
 * parent; a person may have edited it, so what is not understood is kept aside
 * and said.
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

static char path[PATH_MAX]; /* "" where there is no place */
static char dir[PATH_MAX];

/* Where the file is; the parent is the only one who asks. */
static void
find_place(void)
{
	const char *base = NULL, *rest = "nwsd";
	int n = -1;

	if ((base = getenv("STATE_DIRECTORY")) != NULL && *base == '/')
		rest = NULL;
	else if (geteuid() == 0)
		base = "/var/lib";
	else if ((base = getenv("XDG_STATE_HOME")) == NULL || *base != '/') {
		base = getenv("HOME");
		rest = ".local/state/nwsd";
	}
	if (base != NULL && *base == '/')
		n = snprintf(dir, sizeof(dir), "%s%s%s", base,
		    rest == NULL ? "" : "/", rest == NULL ? "" : rest);
	if (n > 0 && (size_t)n < sizeof(dir) - 32)
		snprintf(path, sizeof(path), "%.*s/origins",
		    (int)sizeof(path) - 32, dir);
}

static char *
read_file(size_t *len)
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

/* Writes a whole file and makes sure that it is on the disk. */
static int
write_file(const char *name, const char *text, size_t len)
{
	ssize_t n;
	size_t done = 0;
	int fd, error = 0;

	fd = open(
	    name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return (-1);
	while (error == 0 && done < len) {
		n = write(fd, text + done, len - done);
		if (n == -1 && errno != EINTR)
			error = errno;
		else if (n > 0)
			done += (size_t)n;
	}
	if (error == 0 && (fchmod(fd, 0600) == -1 || fsync(fd) == -1))
		error = errno;
	close(fd);
	errno = error;
	return (error == 0 ? 0 : -1);
}

static void
keep_aside(const char *text, size_t len)
{
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "%.*s.bad", (int)sizeof(name) - 8, path);
	if (write_file(name, text, len) == -1)
		log_warn("%s", name);
	else
		log_warnx("%s: the file as it was is kept as %s", path, name);
}

void
grants_file_load(struct grants *grants)
{
	char *text, *end, *line, *nl;
	size_t len = 0;
	int number = 0, at, bad = 0;

	find_place();
	if (path[0] == '\0' || (text = read_file(&len)) == NULL)
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
		keep_aside(text, len);
	free(text);
	grants_expire(grants, (int64_t)time(NULL));
}

static int
fail(char why[WHY_MAX], const char *name)
{
	snprintf(why, WHY_MAX, "%.*s: %s", WHY_MAX / 2, name, strerror(errno));
	return (-1);
}

static void
sync_directory(void)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		return;
	fsync(fd);
	close(fd);
}

int
grants_file_save(const struct grants *grants, char why[WHY_MAX])
{
	char temp[PATH_MAX], *text;
	int rc;

	if (path[0] == '\0') {
		snprintf(why, WHY_MAX,
		    "neither XDG_STATE_HOME nor HOME says "
		    "where to keep it");
		return (-1);
	}
	if (directories_make(dir, 0700) == -1)
		return (fail(why, dir));
	if ((text = grants_print(grants)) == NULL)
		return (fail(why, path));
	snprintf(temp, sizeof(temp), "%.*s.new", (int)sizeof(temp) - 8, path);
	rc = write_file(temp, text, strlen(text));
	free(text);
	if (rc == -1 || rename(temp, path) == -1) {
		fail(why, temp);
		unlink(temp);
		return (-1);
	}
	sync_directory();
	return (0);
}
