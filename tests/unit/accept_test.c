/*
 * Taking connections: what comes, what does not, and the descriptors that are
 * left for the parent.
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/accept.h"
#include "common/log.h"

static int			 listener;
static struct sockaddr_in	 where;

static int
setup(void **state)
{
	socklen_t	 len = sizeof(where);

	(void)state;
	log_init("test", 0, 1);
	where.sin_family = AF_INET;
	where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	return (listener == -1 ||
	    bind(listener, (struct sockaddr *)&where, len) == -1 ||
	    listen(listener, 8) == -1 ||
	    getsockname(listener, (struct sockaddr *)&where, &len) == -1);
}

static int
dial(void)
{
	int	 fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(connect(fd, (struct sockaddr *)&where,
	    sizeof(where)), 0);
	return (fd);
}

/*
 * Whether a process takes a connection whose descriptor would be this number
 * and leave so many to spare.  In a process of its own, since the limit is read
 * once.
 */
static int
taken(int number, rlim_t spare)
{
	struct sockaddr_storage	 from;
	struct rlimit		 rl;
	char			 byte;
	pid_t			 pid;
	int			 client = dial(), next, status;

	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		while ((next = dup(client)) < number)
			if (next == -1)
				_exit(2);
		close(next);
		rl.rlim_cur = rl.rlim_max = (rlim_t)next + 1 + spare;
		if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
			_exit(2);
		if (accept_next(listener, &from) != -1)
			_exit(1);
		_exit(errno == EMFILE ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	/* Either way its end of the connection is closed now. */
	assert_int_equal(read(client, &byte, 1), 0);
	close(client);
	return (WEXITSTATUS(status));
}

static void
spares_descriptors(void **state)
{
	(void)state;
	assert_true(taken(200, ACCEPT_SPARE_FDS));
	assert_false(taken(200, ACCEPT_SPARE_FDS - 1));
	/* Of a few, half. */
	assert_true(taken(30, 30));
	assert_false(taken(30, 29));
}

static void
takes_what_is_there(void **state)
{
	struct sockaddr_storage	 from;
	struct sockaddr_in	 mine;
	socklen_t		 len = sizeof(mine);
	int			 client = dial(), fd;

	(void)state;
	assert_int_equal(getsockname(client, (struct sockaddr *)&mine, &len),
	    0);
	assert_int_not_equal(fd = accept_next(listener, &from), -1);
	assert_memory_equal(&from, &mine, sizeof(mine));
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	close(client);
	errno = 0;
	assert_int_equal(accept_next(listener, &from), -1);
	assert_int_equal(errno, EAGAIN);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		/* First: after a call of this process the limit is known. */
		cmocka_unit_test(spares_descriptors),
		cmocka_unit_test(takes_what_is_there),
	};

	return (cmocka_run_group_tests(tests, setup, NULL));
}
