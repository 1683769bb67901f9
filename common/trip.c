/*
 * Trying what the sandbox forbids, to see it work: run by a child when
 * nwsctl(8) asks for it through the parent.  Each call is one that a taken-over
 * process would begin with.
 */
#include <sys/socket.h>

#include <netinet/in.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "msg.h"
#include "sandbox.h"

#ifdef NO_SANDBOX

void
sandbox_trip(uint32_t call)
{
	log_warnx("sandbox: built without, call %u is not tried", call);
}

#else

static void
trip_connect(void)
{
	struct sockaddr_in	 sin;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_port = htons(80);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	/* No such descriptor, so that it harms nothing where it is allowed. */
	(void)connect(-1, (struct sockaddr *)&sin, sizeof(sin));
	/* Who may connect may not be connected to. */
	(void)listen(-1, 1);
}

/* Who may have one of these may not have one of those. */
static int
trip_socket(void)
{
	int	 fd;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd != -1)
		close(fd);
	return (socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static void
trip_exec(void)
{
	char	 name[] = "true", *argv[] = { name, NULL }, *env[] = { NULL };

	(void)execve("/bin/true", argv, env);
}

void
sandbox_trip(uint32_t call)
{
	int	 fd = -1;

	switch (call) {
	case TRIP_OPEN:
		fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
		break;
	case TRIP_SOCKET:
		fd = trip_socket();
		break;
	case TRIP_CONNECT:
		trip_connect();
		break;
	case TRIP_EXEC:
		trip_exec();
		break;
	}
	if (fd != -1)
		close(fd);
}

#endif /* NO_SANDBOX */
