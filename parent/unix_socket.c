/*
 * Listening Unix sockets and their files: who may connect, what is left of a
 * daemon that died, what may be removed.  Runs in the parent; believes nothing
 * about what is in the file system at that path.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "parent/parent.h"

#define BACKLOG 4096

static int
fail(char why[WHY_MAX], const char *path, const char *text)
{
	snprintf(why, WHY_MAX, "%s: %s", path, text);
	return (-1);
}

/* Whether somebody listens there: 1, 0, or -1 with errno. */
static int
is_live(const struct sockaddr_un *un, pid_t *pid)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int fd, error;

	*pid = 0;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return (-1);
	error = connect(fd, (const void *)un, sizeof(*un)) == -1 ? errno : 0;
	if (error == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
		*pid = cred.pid;
	close(fd);
	if (error == ECONNREFUSED)
		return (0);
	if (error == 0 || error == EAGAIN || error == EPROTOTYPE)
		return (1);
	errno = error;
	return (-1);
}

/* Makes sure that nothing is at the path. */
static int
clear_path(const struct sockaddr_un *un, char why[WHY_MAX])
{
	const char *path = un->sun_path;
	struct stat st;
	pid_t pid;

	if (lstat(path, &st) == -1)
		return (errno == ENOENT ? 0 : fail(why, path, strerror(errno)));
	if (!S_ISSOCK(st.st_mode))
		return (fail(why, path, "is there and is not a socket"));
	switch (is_live(un, &pid)) {
	case 0:
		if (unlink(path) == -1 && errno != ENOENT)
			return (fail(why, path, strerror(errno)));
		return (0);
	case 1:
		snprintf(why, WHY_MAX,
		    "%s: a process listens there already (pid %ld): "
		    "a second nwsd needs another path",
		    path, (long)pid);
		return (-1);
	default:
		return (fail(why, path, strerror(errno)));
	}
}

static const struct group *
find_group(const char *path, const char *name, char why[WHY_MAX])
{
	const struct group *gr = getgrnam(name);

	if (gr == NULL)
		snprintf(why, WHY_MAX, "%s: there is no group %s", path, name);
	return (gr);
}

int
unix_group_check(const char *path, const char *group, char why[WHY_MAX])
{
	return (find_group(path, group, why) == NULL ? -1 : 0);
}

/* The socket itself, whatever may come to be at its path meanwhile; or -1. */
static int
open_socket(const char *path, struct stat *st, char why[WHY_MAX])
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1)
		return (fail(why, path, strerror(errno)));
	if (fstat(fd, st) == 0 && S_ISSOCK(st->st_mode))
		return (fd);
	close(fd);
	return (fail(why, path, "is not a socket any more"));
}

/* A socket is not opened as files are, so fchmod(2) is not for it. */
static int
set_mode(int fd, mode_t mode)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return (chmod(name, mode));
}

int
unix_permit(
    const char *path, uint32_t mode, const char *group, char why[WHY_MAX])
{
	const struct group *gr = NULL;
	struct stat st;
	gid_t gid = getegid();
	int fd, rc = 0;

	if (group != NULL) {
		if ((gr = find_group(path, group, why)) == NULL)
			return (-1);
		gid = gr->gr_gid;
	}
	if ((fd = open_socket(path, &st, why)) == -1)
		return (-1);
	if (fchownat(fd, "", (uid_t)-1, gid, AT_EMPTY_PATH) == -1) {
		snprintf(why, WHY_MAX, "%s: group %s: %s", path,
		    group != NULL ? group : "of nwsd", strerror(errno));
		rc = -1;
	} else if ((st.st_mode & 0777) != mode && set_mode(fd, mode) == -1)
		rc = fail(why, path, strerror(errno));
	close(fd);
	return (rc);
}

/* Only the owner may connect until mode and group are as they should be. */
static int
bind_closed(int fd, const struct sockaddr_un *un)
{
	mode_t old = umask(0177);
	int rc;

	rc = bind(fd, (const void *)un, sizeof(*un));
	umask(old);
	return (rc);
}

int
unix_open(const struct sockaddr_un *un, uint32_t mode, const char *group,
    struct unix_file *file, char why[WHY_MAX])
{
	struct stat st;
	int fd;

	if (clear_path(un, why) == -1)
		return (-1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || bind_closed(fd, un) == -1) {
		fail(why, un->sun_path, strerror(errno));
		if (fd != -1)
			close(fd);
		return (-1);
	}
	memset(file, 0, sizeof(*file));
	if (lstat(un->sun_path, &st) == 0) {
		file->dev = st.st_dev;
		file->ino = st.st_ino;
	}
	if (unix_permit(un->sun_path, mode, group, why) == -1) {
		close(fd);
		unix_remove(un->sun_path, file);
		return (-1);
	}
	if (listen(fd, BACKLOG) == -1) {
		fail(why, un->sun_path, strerror(errno));
		close(fd);
		unix_remove(un->sun_path, file);
		return (-1);
	}
	return (fd);
}

void
unix_listen_again(int fd)
{
	if (listen(fd, BACKLOG) == -1)
		log_warn("listen");
}

void
unix_remove(const char *path, const struct unix_file *file)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    st.st_dev == file->dev && st.st_ino == file->ino)
		unlink(path);
}
