/*
 * Going into the background: who started nwsd waits until it serves, so that
 * the exit code says whether it does.  Runs in the parent.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/log.h"
#include "parent/parent.h"

static int waiter = -1; /* to whoever started us */

static void __attribute__((__noreturn__)) wait_for_ready(int fd)
{
	char byte;
	ssize_t n;

	while ((n = read(fd, &byte, 1)) == -1 && errno == EINTR)
		continue;
	if (n == 1)
		_exit(0);
	fputs("nwsd: did not start: see the log\n", stderr);
	_exit(1);
}

void
background_enter(void)
{
	int fds[2], dev_null;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) == -1 || (pid = fork()) == -1)
		fatal("background");
	if (pid != 0) {
		close(fds[1]);
		wait_for_ready(fds[0]);
	}
	close(fds[0]);
	waiter = fds[1];
	if (setsid() == -1 || chdir("/") == -1)
		fatal("background");
	if ((dev_null = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
		fatal("/dev/null");
	dup2(dev_null, STDIN_FILENO);
	dup2(dev_null, STDOUT_FILENO);
	dup2(dev_null, STDERR_FILENO);
	close(dev_null);
	parent.daemonised = 1;
	log_init("parent", 1, 0);
}

void
background_ready(void)
{
	if (waiter == -1)
		return;
	if (write(waiter, "", 1) == -1)
		log_debug("nobody waits for the start");
	close(waiter);
	waiter = -1;
}
