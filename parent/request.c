/*
 * Requests of nwsctl(8) that the children answer: each has a ticket, knows who
 * still owes a part, and ends in time whatever happens to them.  Runs in the
 * parent; of a row it reads only who made it, the rest is copied.
 */
#include <stdlib.h>
#include <string.h>

#include "common/imsg.h"
#include "common/log.h"
#include "parent/parent.h"

#define ANSWER_S 5 /* until a request ends without the rest */

struct request {
	TAILQ_ENTRY(request) entry;
	uint32_t ticket;
	struct ctl *ctl;
	struct event *timer;
	int closing;        /* else it wants rows */
	uint32_t what;      /* enum show_what */
	uint64_t closed;    /* clients */
	unsigned int owing; /* processes */
	uint8_t owes[PROCESSES_MAX];
	const char *problem; /* NULL: the answer is whole */
};

static TAILQ_HEAD(, request) requests = TAILQ_HEAD_INITIALIZER(requests);
static uint32_t last_ticket;

/* Who knows what; the parent's own rows come from rows.c. */
static const uint32_t answered_by[SHOW_WHATS] = { [SHOW_SUMMARY] = P_FRONTEND |
	    P_ROUTER,
	[SHOW_CHANNELS] = P_ROUTER,
	[SHOW_CLIENTS] = P_FRONTEND,
	[SHOW_PROCESSES] = 0,
	[SHOW_LIMITS] = P_FRONTEND | P_ROUTER,
	[SHOW_ORIGINS] = P_FRONTEND };

static size_t
slot(const struct process *p)
{
	return ((size_t)(p - parent.processes));
}

static void
request_free(struct request *r)
{
	TAILQ_REMOVE(&requests, r, entry);
	event_free(r->timer);
	free(r);
}

static void
request_end(struct request *r)
{
	struct ctl *c = r->ctl;
	const char *problem = r->problem;
	int closing = r->closing;
	uint64_t closed = r->closed;

	request_free(r);
	if (closing && closed > 0)
		ctl_done(c, 0, "%s", "");
	else if (problem != NULL)
		ctl_done(c, 1, "%s", problem);
	else if (closing)
		ctl_done(c, 1, "no such client");
	else
		ctl_done(c, 0, "%s", "");
}

static void
late(int fd, short what, void *arg)
{
	struct request *r = arg;

	(void)fd;
	(void)what;
	r->problem = "not every process answered in time";
	request_end(r);
}

static struct request *
request_new(struct ctl *c)
{
	struct request *r = calloc(1, sizeof(*r));
	const struct timeval tv = { ANSWER_S, 0 };

	if (r == NULL ||
	    (r->timer = evtimer_new(loop_base(), late, r)) == NULL) {
		free(r);
		ctl_done(c, 1, "out of memory");
		return (NULL);
	}
	r->ctl = c;
	r->ticket = ++last_ticket;
	TAILQ_INSERT_TAIL(&requests, r, entry);
	evtimer_add(r->timer, &tv);
	return (r);
}

/* Sends the question to the processes of these P_ bits that are there. */
static void
ask(struct request *r, uint32_t kinds, uint32_t type, const void *data,
    size_t len)
{
	size_t i;

	for (i = 0; i < parent.n_processes; i++) {
		struct process *p = &parent.processes[i];

		if ((p->kind & kinds) == 0)
			continue;
		if (p->pipe == NULL) {
			r->problem = "a process is being restarted";
			continue;
		}
		r->owes[i] = 1;
		r->owing++;
		process_send(p, type, r->ticket, -1, data, len);
	}
	if (r->owing == 0)
		request_end(r);
}

void
request_show(struct ctl *c, uint32_t what)
{
	struct request *r;
	struct msg_show show = { what };

	rows_send(c, what);
	if (answered_by[what] == 0) {
		ctl_done(c, 0, "%s", "");
		return;
	}
	if ((r = request_new(c)) == NULL)
		return;
	r->what = what;
	ask(r, answered_by[what], MSG_SHOW, &show, sizeof(show));
}

void
request_close_client(struct ctl *c, uint64_t id)
{
	struct request *r;

	if ((r = request_new(c)) == NULL)
		return;
	r->closing = 1;
	ask(r, P_FRONTEND, MSG_CLOSE_CLIENT, &id, sizeof(id));
}

/* The request that a process answers, or NULL: it has ended meanwhile. */
static struct request *
find(const struct process *p, uint32_t ticket, int closing)
{
	struct request *r;

	TAILQ_FOREACH(r, &requests, entry) {
		if (r->ticket == ticket && r->closing == closing &&
		    r->owes[slot(p)])
			return (r);
	}
	return (NULL);
}

static void
paid(struct request *r, const struct process *p)
{
	r->owes[slot(p)] = 0;
	if (--r->owing == 0)
		request_end(r);
}

void
request_row(struct pipe *pipe, struct imsg *m)
{
	const struct process *p = pipe_arg(pipe);
	struct request *r = find(p, m->hdr.peerid, 0);
	struct msg_row row;

	if (m->hdr.len < sizeof(row)) {
		pipe_violation(pipe, "row too short");
		return;
	}
	memcpy(&row, m->data, sizeof(row));
	if (row.process != p->kind || row.instance != p->instance ||
	    row.what >= SHOW_WHATS || (r != NULL && row.what != r->what)) {
		pipe_violation(pipe, "not a row of this process");
		return;
	}
	if (r == NULL || ctl_row(r->ctl, m->data, m->hdr.len) == 0)
		return;
	r->problem = "the answer is longer than nwsctl reads";
	request_end(r);
}

void
request_row_end(struct pipe *pipe, struct imsg *m)
{
	const struct process *p = pipe_arg(pipe);
	struct request *r = find(p, m->hdr.peerid, 0);

	if (r != NULL)
		paid(r, p);
}

void
request_close_done(struct pipe *pipe, struct imsg *m)
{
	const struct process *p = pipe_arg(pipe);
	struct request *r = find(p, m->hdr.peerid, 1);
	uint32_t n;

	if (r == NULL)
		return;
	memcpy(&n, m->data, sizeof(n));
	r->closed += n;
	paid(r, p);
}

void
request_process_gone(const struct process *p)
{
	struct request *r, *next;

	for (r = TAILQ_FIRST(&requests); r != NULL; r = next) {
		next = TAILQ_NEXT(r, entry);
		if (!r->owes[slot(p)])
			continue;
		r->problem = "a process is being restarted";
		paid(r, p);
	}
}

void
request_forget(const struct ctl *c)
{
	struct request *r, *next;

	for (r = TAILQ_FIRST(&requests); r != NULL; r = next) {
		next = TAILQ_NEXT(r, entry);
		if (r->ctl == c)
			request_free(r);
	}
}
