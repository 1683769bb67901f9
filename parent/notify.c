/*
 * Telling systemd how the service is: sd_notify(3) without its library.  Runs
 * in the parent; trusts the environment that it was started with.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "parent/parent.h"

static struct sockaddr_un addr;
static socklen_t addr_len;  /* 0: nobody wants to know */
static int64_t watchdog_us; /* 0: nobody wants to know */
static pid_t watchdog_pid;  /* 0: any */

static int64_t
variable_number(const char *name)
{
	const char *value = getenv(name);

	return (value == NULL ? 0 : strtoll(value, NULL, 10));
}

/* A path, or "@" and the name of an abstract socket (unix(7)). */
static void
set_address(const char *name)
{
	size_t n = strlen(name);

	if ((*name != '/' && *name != '@') || n < 2 ||
	    n >= sizeof(addr.sun_path)) {
		log_warnx("NOTIFY_SOCKET: neither a path nor an abstract "
			  "socket");
		return;
	}
	addr.sun_family = AF_UNIX;
	memcpy(addr.sun_path, name, n);
	if (*name == '@')
		addr.sun_path[0] = '\0';
	addr_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

void
notify_init(void)
{
	const char *name = getenv("NOTIFY_SOCKET");

	if (name != NULL)
		set_address(name);
	watchdog_us = variable_number("WATCHDOG_USEC");
	watchdog_pid = (pid_t)variable_number("WATCHDOG_PID");
	/* These are for the parent alone. */
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void
notify_send(const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int fd, n;

	if (addr_len == 0)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 ||
	    sendto(fd, text, (size_t)n, MSG_NOSIGNAL, (const void *)&addr,
		addr_len) == -1)
		log_debug("NOTIFY_SOCKET: %s", strerror(errno));
	if (fd != -1)
		close(fd);
}

void
notify_reloading(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	notify_send("RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
}

static void
alive(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	notify_send("WATCHDOG=1");
}

void
notify_start(void)
{
	struct event *timer;
	struct timeval tv;

	if (addr_len == 0 || watchdog_us <= 0 ||
	    (watchdog_pid != 0 && watchdog_pid != getpid()))
		return;
	tv.tv_sec = (time_t)(watchdog_us / 2 / 1000000);
	tv.tv_usec = (suseconds_t)(watchdog_us / 2 % 1000000);
	timer = event_new(loop_base(), -1, EV_PERSIST, alive, NULL);
	if (timer == NULL || event_add(timer, &tv) == -1)
		log_warnx("watchdog: out of memory");
}
