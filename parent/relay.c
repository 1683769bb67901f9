/*
 * The standard error of a child whose parent runs in the background: read from
 * a socket and passed on to syslog(3), line by line.  Runs in the parent; what
 * a child writes is bytes of bounded length, made visible by log_relay().
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "parent/parent.h"

#define LINE_BYTES 2048 /* a longer line is passed on in pieces */
#define READS_MAX 16    /* a turn, so that no child keeps us busy */

struct relay {
	struct event event;
	int fd;
	size_t used;
	char line[LINE_BYTES];
};

/* Passes on whole lines; keeps the beginning of the next. */
static void
pass_lines(struct relay *r)
{
	char *start = r->line, *end = r->line + r->used, *nl;

	while ((nl = memchr(start, '\n', (size_t)(end - start))) != NULL) {
		log_relay(start, (size_t)(nl - start));
		start = nl + 1;
	}
	r->used = (size_t)(end - start);
	if (r->used == sizeof(r->line)) {
		log_relay(start, r->used);
		r->used = 0;
	}
	memmove(r->line, start, r->used);
}

/* Returns 0 when there is nothing more to read now or ever. */
static int
read_some(struct relay *r)
{
	ssize_t n;

	n = read(r->fd, r->line + r->used, sizeof(r->line) - r->used);
	if (n == -1 && errno == EINTR)
		return (1);
	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			event_del(&r->event);
		return (0);
	}
	r->used += (size_t)n;
	pass_lines(r);
	return (1);
}

static void
readable(int fd, short what, void *arg)
{
	int i;

	(void)fd;
	(void)what;
	for (i = 0; i < READS_MAX && read_some(arg); i++)
		continue;
}

struct relay *
relay_new(int fd)
{
	struct relay *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		close(fd);
		return (NULL);
	}
	r->fd = fd;
	event_assign(
	    &r->event, loop_base(), fd, EV_READ | EV_PERSIST, readable, r);
	event_add(&r->event, NULL);
	return (r);
}

void
relay_free(struct relay *r)
{
	int i;

	if (r == NULL)
		return;
	/* The last lines say why it died; whoever inherited it may go on. */
	for (i = 0; i < READS_MAX * 16 && read_some(r); i++)
		continue;
	if (r->used > 0)
		log_relay(r->line, r->used);
	event_del(&r->event);
	close(r->fd);
	free(r);
}
