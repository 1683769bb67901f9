/*
 * Taking connections, see accept.h.  Run by the frontends and by crypto; who
 * connects comes from anywhere.
 */
#include "accept.h"

#include <sys/resource.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

/*
 * Without a few descriptors to spare, no pipe to a new router and no listener
 * of a new configuration could be received.
 */
int
accept_is_spare(int fd)
{
	static struct rlimit	 rl;
	rlim_t			 spare = ACCEPT_SPARE_FDS;

	if (rl.rlim_cur == 0 && getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return (0);
	if (spare > rl.rlim_cur / 2)
		spare = rl.rlim_cur / 2;
	return ((rlim_t)fd + spare < rl.rlim_cur);
}

static int
accept_spare(int listener, struct sockaddr_storage *from)
{
	socklen_t		 len = sizeof(*from);
	int			 fd;

	memset(from, 0, sizeof(*from));
	fd = accept4(listener, (struct sockaddr *)from, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1 || accept_is_spare(fd))
		return (fd);
	close(fd);
	errno = EMFILE;
	return (-1);
}

int
accept_next(int listener, struct sockaddr_storage *from)
{
	static struct log_limit	 limit = { .burst = 1, .period_s = 60 };
	int			 fd, error;

	if ((fd = accept_spare(listener, from)) != -1)
		return (fd);
	/* It was there and has gone, or another process has taken it. */
	if (errno == EWOULDBLOCK || errno == EINTR || errno == ECONNABORTED ||
	    errno == EPROTO)
		errno = EAGAIN;
	if ((error = errno) != EAGAIN && log_allowed(&limit))
		log_warn("accept, pausing");
	errno = error;
	return (-1);
}
