/*
 * Dialling (RFC 8305).  Run by the discovery process; the addresses are what
 * anyone on the network said.  Nothing is read from or written to the sockets:
 * who they are handed to does that.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "common/loop.h"
#include "discovery/dial.h"

struct attempt {
	struct dial		*dial;
	struct dial_address	 address;
	struct event		 connected;
	int			 fd;	/* -1: not begun, or failed */
	int			 error;
};

struct dial {
	dial_done		*done;
	void			*arg;
	struct event		 step, timeout;
	size_t			 n, next;	/* of the attempts */
	size_t			 left;		/* that have not failed */
	struct attempt		 attempt[DIAL_ADDRESSES_MAX];
};

int
dial_is_v6(const struct dial_address *a)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
		0xff };

	return (memcmp(a->addr, mapped, sizeof(mapped)) != 0);
}

int
dial_same(const struct dial_address *a, const struct dial_address *b)
{
	return (a->port == b->port && a->scope == b->scope &&
	    memcmp(a->addr, b->addr, sizeof(a->addr)) == 0);
}

const char *
dial_text(const struct dial_address *a, char *buf, size_t size)
{
	char text[INET6_ADDRSTRLEN] = "?";

	if (!dial_is_v6(a)) {
		(void)inet_ntop(AF_INET, a->addr + 12, text, sizeof(text));
		(void)strlcpy(buf, text, size);
		return (buf);
	}
	(void)inet_ntop(AF_INET6, a->addr, text, sizeof(text));
	if (a->scope != 0)
		snprintf(buf, size, "%s%%%u", text, a->scope);
	else
		(void)strlcpy(buf, text, size);
	return (buf);
}

void
dial_sort(struct dial_address *a, size_t n)
{
	struct dial_address one;
	size_t at, found;
	int v6 = 1;

	/* The next one of the family whose turn it is, to its place. */
	for (at = 0; at < n; at++, v6 = !v6) {
		for (found = at; found < n; found++)
			if (dial_is_v6(&a[found]) == v6)
				break;
		if (found == n)
			continue;
		one = a[found];
		memmove(&a[at + 1], &a[at], (found - at) * sizeof(*a));
		a[at] = one;
	}
}

static socklen_t
address_set(struct sockaddr_storage *ss, const struct dial_address *a)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	if (dial_is_v6(a)) {
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(a->port);
		sin6->sin6_scope_id = a->scope;
		memcpy(&sin6->sin6_addr, a->addr, 16);
		return (sizeof(*sin6));
	}
	sin->sin_family = AF_INET;
	sin->sin_port = htons(a->port);
	memcpy(&sin->sin_addr, a->addr + 12, 4);
	return (sizeof(*sin));
}

static void
attempt_close(struct attempt *t)
{
	if (t->fd == -1)
		return;
	event_del(&t->connected);
	close(t->fd);
	t->fd = -1;
}

static void
dial_free(struct dial *d)
{
	size_t i;

	event_del(&d->step);
	event_del(&d->timeout);
	for (i = 0; i < d->n; i++)
		attempt_close(&d->attempt[i]);
	free(d);
}

void
dial_cancel(struct dial *d)
{
	if (d != NULL)
		dial_free(d);
}

/*
 * Why none answered: that of the first address, since it is the best one, and
 * those of others while there is room.
 */
static void
why_text(const struct dial *d, char *why, size_t size)
{
	char text[DIAL_TEXT_BYTES], one[DIAL_WHY_BYTES];
	const struct attempt *t;
	size_t i, used = 0;
	int error, n;

	for (i = 0; i < d->n; i++) {
		t = &d->attempt[i];
		(void)dial_text(&t->address, text, sizeof(text));
		error = t->error;
		if (error == 0 || error == ETIMEDOUT)
			n = snprintf(one, sizeof(one), "%s%s: no answer from "
			    "port %u in %d s: a firewall?", i > 0 ? "; " : "",
			    text, t->address.port, DIAL_TIMEOUT_MS / 1000);
		else if (error == ECONNREFUSED)
			n = snprintf(one, sizeof(one), "%s%s: connection to "
			    "port %u refused", i > 0 ? "; " : "", text,
			    t->address.port);
		else if (error == EHOSTUNREACH)
			n = snprintf(one, sizeof(one), "%s%s: no machine "
			    "there, or its firewall refuses port %u (%s)",
			    i > 0 ? "; " : "", text, t->address.port,
			    strerror(error));
		else
			n = snprintf(one, sizeof(one), "%s%s port %u: %s",
			    i > 0 ? "; " : "", text, t->address.port,
			    strerror(error));
		if (n < 0 || (size_t)n >= size - used)
			break;
		memcpy(why + used, one, (size_t)n + 1);
		used += (size_t)n;
	}
}

static void
dial_fail(struct dial *d)
{
	char why[DIAL_WHY_BYTES] = "no address";

	why_text(d, why, sizeof(why));
	d->done(d->arg, -1, NULL, why);
	dial_free(d);
}

static void dial_next(struct dial *);

/* The next one need not wait any longer. */
static void
attempt_failed(struct attempt *t, int error)
{
	struct dial *d = t->dial;

	attempt_close(t);
	t->error = error;
	d->left--;
	if (d->left == 0)
		dial_fail(d);
	else if (d->next < d->n)
		dial_next(d);
}

static void
connected_cb(evutil_socket_t fd, short what, void *arg)
{
	struct attempt *t = arg;
	struct dial *d = t->dial;
	struct dial_address address = t->address;
	socklen_t len = sizeof(int);
	int error = 0;

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error != 0) {
		attempt_failed(t, error);
		return;
	}
	t->fd = -1;
	d->done(d->arg, fd, &address, NULL);
	dial_free(d);
}

/* 0, or errno. */
static int
attempt_start(struct attempt *t)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int error = 0;

	len = address_set(&ss, &t->address);
	t->fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (t->fd == -1)
		return (errno);
	event_assign(&t->connected, loop_base(), t->fd, EV_WRITE,
	    connected_cb, t);
	if (connect(t->fd, (struct sockaddr *)&ss, len) == -1 &&
	    errno != EINPROGRESS)
		error = errno;
	else if (event_add(&t->connected, NULL) == -1)
		error = ENOMEM;
	return (error);
}

/*
 * Begins the next attempt, and more while they fail at once.  The last failure
 * of all is left to the timer, so that nobody is called within dial_start().
 */
static void
dial_next(struct dial *d)
{
	const struct timeval step = { 0, DIAL_STEP_MS * 1000 }, now = { 0, 0 };
	struct attempt *t;

	event_del(&d->step);
	while (d->next < d->n) {
		t = &d->attempt[d->next++];
		if ((t->error = attempt_start(t)) == 0)
			break;
		attempt_close(t);
		d->left--;
	}
	if (d->left == 0)
		event_add(&d->timeout, &now);
	else if (d->next < d->n)
		event_add(&d->step, &step);
}

static void
step_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	dial_next(arg);
}

static void
timeout_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	dial_fail(arg);
}

struct dial *
dial_start(const struct dial_address *addresses, size_t n, dial_done *done,
    void *arg)
{
	const struct timeval timeout = { DIAL_TIMEOUT_MS / 1000, 0 };
	struct dial_address sorted[DIAL_ADDRESSES_MAX];
	struct dial *d;
	size_t i;

	if (n > DIAL_ADDRESSES_MAX)
		n = DIAL_ADDRESSES_MAX;
	if ((d = calloc(1, sizeof(*d))) == NULL)
		return (NULL);
	memcpy(sorted, addresses, n * sizeof(sorted[0]));
	dial_sort(sorted, n);
	d->done = done;
	d->arg = arg;
	d->n = d->left = n;
	for (i = 0; i < n; i++) {
		d->attempt[i].dial = d;
		d->attempt[i].address = sorted[i];
		d->attempt[i].fd = -1;
	}
	event_assign(&d->step, loop_base(), -1, 0, step_cb, d);
	event_assign(&d->timeout, loop_base(), -1, 0, timeout_cb, d);
	if (event_add(&d->timeout, &timeout) == -1) {
		free(d);
		return (NULL);
	}
	dial_next(d);
	return (d);
}
