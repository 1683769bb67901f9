/*
 * Connects nws(1) to the server, and says on stderr what is wrong and what to
 * do about it when it cannot.
 */
#include <bsd/string.h>
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "nws.h"

static int
connect_to(const struct sockaddr *sa, socklen_t len, int64_t deadline)
{
	socklen_t size = sizeof(int);
	int error = 0, fd;

	fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (fd == -1)
		return (-1);
	if (connect(fd, sa, len) == 0)
		return (fd);
	if (errno == EINPROGRESS && wait_for(fd, POLLOUT, deadline) == 0) {
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 &&
		    error == 0)
			return (fd);
		errno = error;
	}
	error = errno;
	close(fd);
	errno = error;
	return (-1);
}

static int
dial_unix(const struct options *o, int64_t deadline)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *advice;
	int fd;

	if (strlcpy(sun.sun_path, o->unix_path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		warnx("%s: longer than the %zu bytes that the path of a "
		    "socket may have", o->unix_path, sizeof(sun.sun_path) - 1);
		return (-1);
	}
	fd = connect_to((struct sockaddr *)&sun, sizeof(sun), deadline);
	if (fd != -1)
		return (fd);
	switch (errno) {
	case ENOENT:
		advice = "is nwsd running, and does nwsd.conf have "
		    "`listen on unix' with this path?";
		break;
	case EACCES:
		advice = "the mode and group of `listen on unix' in nwsd.conf "
		    "say who may";
		break;
	case ECONNREFUSED:
		advice = "nobody listens there any more: is nwsd running?";
		break;
	default:
		advice = NULL;
	}
	warnx("%s: %s%s%s", o->unix_path, errno == ENOENT ? "no such socket" :
	    strerror(errno), advice != NULL ? ": " : "",
	    advice != NULL ? advice : "");
	return (-1);
}

/* localhost is here whatever the resolver says (RFC 6761, 6.3). */
static int
resolve(const struct options *o, struct addrinfo **list)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *four;
	int error;

	if (strcasecmp(o->host, "localhost") != 0)
		return (getaddrinfo(o->host, o->port, &hints, list));
	hints.ai_flags = AI_NUMERICHOST;
	if (getaddrinfo("::1", o->port, &hints, list) != 0)
		*list = NULL;
	if ((error = getaddrinfo("127.0.0.1", o->port, &hints, &four)) != 0)
		return (*list != NULL ? 0 : error);
	if (*list == NULL)
		*list = four;
	else
		(*list)->ai_next = four;
	return (0);
}

static int
dial_tcp(const struct options *o, int64_t deadline)
{
	struct addrinfo *list, *ai;
	int error, fd = -1, saved = 0;

	if ((error = resolve(o, &list)) != 0) {
		warnx("%s: %s", o->host, gai_strerror(error));
		return (-1);
	}
	for (ai = list; ai != NULL && fd == -1; ai = ai->ai_next) {
		fd = connect_to(ai->ai_addr, ai->ai_addrlen, deadline);
		/* that one family does not work here tells nothing */
		if (fd == -1 && (saved == 0 || (errno != EADDRNOTAVAIL &&
		    errno != EAFNOSUPPORT && errno != ENETUNREACH)))
			saved = errno;
	}
	freeaddrinfo(list);
	if (fd == -1)
		warnx("%s port %s: %s%s", o->host, o->port, strerror(saved),
		    saved == ECONNREFUSED ? ": is nwsd running?" : "");
	return (fd);
}

int
dial(const struct options *o, int64_t deadline)
{
	return (o->unix_path != NULL ? dial_unix(o, deadline) :
	    dial_tcp(o, deadline));
}
