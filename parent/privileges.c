/*
 * What root has to prepare before the children can give root up: the user and
 * the empty directory.  Runs in the parent, at the start; trusts nwsd.conf(5).
 */
#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "parent/parent.h"

/*
 * Where the package's user was never made (a checkout that is run by root), the
 * one that owns nothing has to do; the log says so.
 */
#define FALLBACK_USER "nobody"

const char *
privileges_user(const struct conf *conf)
{
	static const char *fallback;

	if (conf->user != NULL)
		return (conf->user);
	/* Asked once, so that all children have the same. */
	if (fallback == NULL)
		fallback = getpwnam(CONF_USER) != NULL ? CONF_USER :
		    FALLBACK_USER;
	return (fallback);
}

const char *
privileges_chroot(const struct conf *conf)
{
	return (conf->chroot != NULL ? conf->chroot : CONF_CHROOT);
}

int
directories_make(const char *path, mode_t mode)
{
	char part[PATH_MAX], *p;

	if ((size_t)snprintf(part, sizeof(part), "%s", path) >= sizeof(part)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	for (p = part + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(part, mode) == -1 && errno != EEXIST)
			return (-1);
		*p = '/';
	}
	if (mkdir(part, mode) == -1 && errno != EEXIST)
		return (-1);
	return (0);
}

/* A directory that the children could write to would be no cage. */
static void
check_chroot(const char *dir)
{
	struct stat st;
	mode_t old;

	if (*dir != '/')
		fatalx("chroot \"%s\": expected an absolute path", dir);
	old = umask(022);
	if (lstat(dir, &st) == -1 && errno == ENOENT &&
	    directories_make(dir, 0755) == -1)
		fatal("chroot \"%s\"", dir);
	umask(old);
	if (lstat(dir, &st) == -1)
		fatal("chroot \"%s\"", dir);
	if (!S_ISDIR(st.st_mode))
		fatalx("chroot \"%s\": not a directory", dir);
	if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		fatalx("chroot \"%s\": must belong to root and be writable by "
		       "nobody else",
		    dir);
}

void
privileges_check(const struct conf *conf)
{
	const struct passwd *pw;
	const char *user = privileges_user(conf);

	if (geteuid() != 0) {
		log_info("running without root: no chroot, no change of user; "
			 "seccomp still applies");
		return;
	}
	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL && errno != 0 && errno != ENOENT)
		fatal("user %s", user);
	if (pw == NULL)
		fatalx("there is no user %s: create it, or name another with "
		       "\"user\" in the configuration",
		    user);
	if (pw->pw_uid == 0 || pw->pw_gid == 0)
		fatalx("user %s: must be neither root nor in group 0; name "
		       "another with \"user\" in the configuration",
		    user);
	if (conf->user == NULL && strcmp(user, FALLBACK_USER) == 0)
		log_warnx("there is no user " CONF_USER
			  ": running as " FALLBACK_USER);
	check_chroot(privileges_chroot(conf));
}

void
descriptors_raise(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1) {
		log_warn("getrlimit");
		return;
	}
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		log_warn("setrlimit");
}
