/*
 * Opening what is beneath a directory, see beneath.h.  Run by the process that
 * serves files.  Trusts neither the path nor what is in the directory: it may
 * change at any time, and hold devices, pipes and links to anywhere.
 */
#include "files/beneath.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/filepath.h"

#define TRIES	8	/* while something is renamed on the way */

#if defined(__linux__) && defined(SYS_openat2) && defined(O_PATH)

#include <linux/openat2.h>

static int
open_beneath(int dir, const char *path, int flags)
{
	struct open_how how;
	int fd, i;

	memset(&how, 0, sizeof(how));
	how.flags = (uint64_t)(flags | O_CLOEXEC);
	how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
	/* EAGAIN: the kernel could not tell whether a ".." stayed beneath. */
	for (i = 0; i < TRIES; i++) {
		fd = (int)syscall(
		    SYS_openat2, dir, path, &how, sizeof(how));
		if (fd != -1 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return (fd);
}

/*
 * Not fstat(3), which may be another call that takes a path; on systems of 64
 * bits the kernel's structure is the library's.
 */
static int
stat_of(int fd, struct stat *st)
{
#if defined(__x86_64__) || defined(__aarch64__)
	return ((int)syscall(SYS_fstat, fd, st));
#else
	return (fstat(fd, st));
#endif
}

/* To look at, not to read: opening a device or a pipe may do things to it. */
static int
look(int dir, const char *path, struct stat *st)
{
	int fd, saved;

	if ((fd = open_beneath(dir, path, O_PATH)) == -1)
		return (-1);
	if (stat_of(fd, st) == 0) {
		close(fd);
		return (0);
	}
	saved = errno;
	close(fd);
	errno = saved;
	return (-1);
}

/* Opens a regular file; returns -1 with errno, EISDIR for a directory. */
static int
open_regular(int dir, const char *path, struct stat *st)
{
	struct stat seen;
	int fd;

	if (look(dir, path, &seen) == -1)
		return (-1);
	if (!S_ISREG(seen.st_mode)) {
		errno = S_ISDIR(seen.st_mode) ? EISDIR : ENOENT;
		return (-1);
	}
	fd = open_beneath(
	    dir, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return (-1);
	/* Another may have taken its place meanwhile. */
	if (stat_of(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_size >= 0)
		return (fd);
	close(fd);
	errno = ENOENT;
	return (-1);
}

int
beneath_check(int dir)
{
	int fd;

	if ((fd = open_beneath(dir, ".", O_PATH | O_DIRECTORY)) == -1)
		return (-1);
	close(fd);
	return (0);
}

#else /* a system without */

static int
open_regular(int dir, const char *path, struct stat *st)
{
	(void)dir;
	(void)path;
	(void)st;
	errno = ENOSYS;
	return (-1);
}

int
beneath_check(int dir)
{
	(void)dir;
	errno = ENOSYS;
	return (-1);
}

#endif

static uint32_t
status_of(int error)
{
	switch (error) {
	case EISDIR:
		return (301);
	case EACCES:
	case EPERM:
		return (403);
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case EXDEV: /* leads out of the directory */
	case ENAMETOOLONG:
	case ENXIO:
		return (404);
	case EAGAIN:
	case EINTR:
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOSYS:
		return (503);
	default:
		return (500);
	}
}

int
beneath_open(int dir, const char *path, size_t len,
    struct msg_file_answer *answer)
{
	char name[MSG_PATH_MAX + sizeof(FILE_INDEX)];
	struct stat st;
	int fd, is_directory = file_path_is_directory(path, len);

	memset(answer, 0, sizeof(*answer));
	memcpy(name, path, len);
	name[len] = '\0';
	if (is_directory)
		memcpy(name + len, FILE_INDEX, sizeof(FILE_INDEX));
	if ((fd = open_regular(dir, name, &st)) == -1) {
		answer->status = status_of(errno);
		/* A directory of the name index.html is no index. */
		if (is_directory && answer->status == 301)
			answer->status = 404;
		return (-1);
	}
	answer->status = 200;
	answer->size = (uint64_t)st.st_size;
	answer->inode = (uint64_t)st.st_ino;
	answer->mtime_s = (int64_t)st.st_mtim.tv_sec;
	answer->mtime_ns = (uint32_t)st.st_mtim.tv_nsec;
	return (fd);
}
