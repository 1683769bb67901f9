/*
 * The directories whose files are served (files in nwsd.conf(5)): opened here,
 * since only the parent may, and handed to the process that reads in them.
 * Runs in the parent; looks at nothing that is in them.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "parent/parent.h"

#ifndef O_PATH
#define O_PATH O_RDONLY /* systems without it serve no files */
#endif

/* Not to be read by itself, so that no right to do so is needed. */
static int
open_directory(const char *path, struct stat *st)
{
	int fd, saved;

	fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return (-1);
	if (fstat(fd, st) == 0)
		return (fd);
	saved = errno;
	close(fd);
	errno = saved;
	return (-1);
}

/* A link is refused by the system with the same word as a file. */
static const char *
reason(const char *path, int error)
{
	struct stat st;

	if ((error == ENOTDIR || error == ELOOP) && lstat(path, &st) == 0 &&
	    S_ISLNK(st.st_mode))
		return ("is a symbolic link, expected a directory itself");
	return (strerror(error));
}

int
directories_open(const struct conf *conf, struct directories *d,
    char why[WHY_MAX])
{
	const struct conf_files *files;
	struct stat st;
	int fd;

	d->n = 0;
	TAILQ_FOREACH(files, &conf->files, entry) {
		if ((fd = open_directory(files->directory, &st)) == -1) {
			snprintf(why, WHY_MAX, "files \"%.600s\": %s",
			    files->directory,
			    reason(files->directory, errno));
			directories_close(d);
			return (-1);
		}
		d->dir[d->n].fd = fd;
		d->dir[d->n].dev = st.st_dev;
		d->dir[d->n].ino = st.st_ino;
		d->n++;
	}
	return (0);
}

void
directories_close(struct directories *d)
{
	while (d->n > 0)
		close(d->dir[--d->n].fd);
}

int
directories_same(const struct directories *a, const struct directories *b)
{
	size_t i;

	if (a->n != b->n)
		return (0);
	for (i = 0; i < a->n; i++)
		if (a->dir[i].dev != b->dir[i].dev ||
		    a->dir[i].ino != b->dir[i].ino)
			return (0);
	return (1);
}

void
directories_send(struct process *p)
{
	const struct directories *d = &parent.directories;
	struct msg_directory m;
	int fd;

	for (m.index = 0; m.index < d->n; m.index++) {
		fd = fcntl(d->dir[m.index].fd, F_DUPFD_CLOEXEC, 0);
		if (fd == -1)
			fatal("%s: directory", process_text(p));
		process_send(p, MSG_DIRECTORY, 0, fd, &m, sizeof(m));
	}
}
