/*
 * Where the parent keeps what outlives it: in $STATE_DIRECTORY, which systemd
 * sets, else in /var/lib/nwsd for root and $XDG_STATE_HOME/nwsd or
 * ~/.local/state/nwsd for others.  Files there are replaced as a whole.  Runs
 * in the parent; trusts the environment that it was started with.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parent/parent.h"

#define NAME_SPACE 32 /* bytes for the name of a file in the directory */

/* The directory, "" where there is no place; found at the first question. */
static const char *
directory(void)
{
	static char dir[PATH_MAX];
	const char *base, *rest = "/nwsd";
	int n = -1;

	if (dir[0] != '\0')
		return (dir);
	if ((base = getenv("STATE_DIRECTORY")) != NULL && *base == '/')
		rest = "";
	else if (geteuid() == 0)
		base = "/var/lib";
	else if ((base = getenv("XDG_STATE_HOME")) == NULL || *base != '/') {
		base = getenv("HOME");
		rest = "/.local/state/nwsd";
	}
	if (base != NULL && *base == '/')
		n = snprintf(dir, sizeof(dir), "%s%s", base, rest);
	if (n < 0 || (size_t)n >= sizeof(dir) - NAME_SPACE)
		dir[0] = '\0';
	return (dir);
}

int
state_path(const char *name, char *buf, size_t size, char why[WHY_MAX])
{
	const char *dir = directory();
	int n;

	if (dir[0] == '\0') {
		snprintf(why, WHY_MAX,
		    "neither XDG_STATE_HOME nor HOME says "
		    "where to keep it");
		return (-1);
	}
	n = snprintf(buf, size, "%s/%s", dir, name);
	if (n > 0 && (size_t)n < size)
		return (0);
	snprintf(why, WHY_MAX, "%.*s: %s", WHY_MAX / 2, dir,
	    strerror(ENAMETOOLONG));
	return (-1);
}

static int
fail(char why[WHY_MAX], const char *name)
{
	snprintf(why, WHY_MAX, "%.*s: %s", WHY_MAX / 2, name, strerror(errno));
	return (-1);
}

/* Writes a whole file and makes sure that it is on the disk. */
static int
write_file(const char *name, const char *data, size_t len)
{
	ssize_t n;
	size_t done = 0;
	int fd, error = 0;

	fd = open(
	    name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return (-1);
	/* What was left of an earlier attempt may have had another mode. */
	if (fchmod(fd, 0600) == -1)
		error = errno;
	while (error == 0 && done < len) {
		n = write(fd, data + done, len - done);
		if (n == -1 && errno != EINTR)
			error = errno;
		else if (n > 0)
			done += (size_t)n;
	}
	if (error == 0 && fsync(fd) == -1)
		error = errno;
	close(fd);
	errno = error;
	return (error == 0 ? 0 : -1);
}

static void
sync_directory(void)
{
	int fd = open(directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		return;
	fsync(fd);
	close(fd);
}

int
state_write(const char *name, const void *data, size_t len, char why[WHY_MAX])
{
	char path[PATH_MAX], temp[PATH_MAX];

	if (state_path(name, path, sizeof(path), why) == -1)
		return (-1);
	if (directories_make(directory(), 0700) == -1)
		return (fail(why, directory()));
	snprintf(temp, sizeof(temp), "%.*s.new", (int)sizeof(temp) - 8, path);
	if (write_file(temp, data, len) == -1 || rename(temp, path) == -1) {
		fail(why, temp);
		unlink(temp);
		return (-1);
	}
	sync_directory();
	return (0);
}
