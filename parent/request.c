/*
 * Requests that the children answer, of nwsctl(8) or of a frontend, for the
 * console and the metrics: each has a ticket, knows who still owes a part, and
 * ends in time whatever happens to them.  Runs in the parent; of a row it reads
 * only who made it, the rest is copied.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/imsg.h"
#include "common/log.h"
#include "parent/parent.h"

#define ANSWER_S 5                /* until a request ends without the rest */
#define UNREAD_MAX (4u << 20)     /* bytes that a process has not read */

struct request {
	TAILQ_ENTRY(request) entry;
	uint32_t ticket;
	struct asker asker;
	struct event *timer;
	int closing;        /* else it wants rows */
	uint32_t whats;     /* ASK_BIT() of enum show_what */
	uint64_t closed;    /* clients */
	unsigned int owing; /* answers, those of each process: */
	uint8_t owes[PROCESSES_MAX];
	const char *problem; /* NULL: the answer is whole */
};

static TAILQ_HEAD(, request) requests = TAILQ_HEAD_INITIALIZER(requests);
static uint32_t last_ticket;

/* Who knows what; the parent's own rows come from rows.c. */
static const uint32_t answered_by[SHOW_WHATS] = { [SHOW_SUMMARY] = P_CHILDREN,
	[SHOW_CHANNELS] = P_FRONTEND | P_ROUTER,
	[SHOW_CLIENTS] = P_FRONTEND,
	[SHOW_PROCESSES] = 0,
	[SHOW_LIMITS] = P_CHILDREN,
	[SHOW_ORIGINS] = P_FRONTEND,
	[SHOW_LINKS] = P_CRYPTO,
	[SHOW_PEERS] = P_DISCOVERY,
	[SHOW_INTERFACES] = P_DISCOVERY,
	[SHOW_DISCOVERY] = P_DISCOVERY,
	[SHOW_CHECK] = P_DISCOVERY | P_CRYPTO };

int
asker_row(const struct asker *to, const void *row, size_t len)
{
	struct process *p = to->process;

	if (to->ctl != NULL)
		return (ctl_row(to->ctl, row, len));
	if (p->pipe == NULL || imsg_queued(pipe_imsg(p->pipe)) > UNREAD_MAX)
		return (-1);
	process_send(p, MSG_ANSWER_ROW, to->number, -1, row, len);
	return (0);
}

void
asker_done(const struct asker *to, uint32_t code, const char *fmt, ...)
{
	char buf[sizeof(code) + MSG_ROW_MAX], *text = buf + sizeof(code);
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, MSG_ROW_MAX, fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	if ((size_t)n >= MSG_ROW_MAX)
		n = MSG_ROW_MAX - 1;
	if (to->ctl != NULL) {
		ctl_done(to->ctl, code != ANSWER_DONE, "%.*s", n, text);
		return;
	}
	memcpy(buf, &code, sizeof(code));
	process_send(to->process, MSG_ANSWER, to->number, -1, buf,
	    sizeof(code) + (size_t)n);
}

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
	struct asker to = r->asker;
	const char *problem = r->problem;
	int closing = r->closing;
	uint64_t closed = r->closed;

	request_free(r);
	if (closing && closed > 0)
		asker_done(&to, ANSWER_DONE, "%s", "");
	else if (problem != NULL)
		asker_done(&to, ANSWER_MISSING, "%s", problem);
	else if (closing)
		asker_done(&to, ANSWER_REFUSED, "no such client");
	else
		asker_done(&to, ANSWER_DONE, "%s", "");
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
request_new(const struct asker *to)
{
	struct request *r = calloc(1, sizeof(*r));
	const struct timeval tv = { ANSWER_S, 0 };

	if (r == NULL ||
	    (r->timer = evtimer_new(loop_base(), late, r)) == NULL) {
		free(r);
		asker_done(to, ANSWER_MISSING, "out of memory");
		return (NULL);
	}
	r->asker = *to;
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
		if (p->pipe == NULL && !p->wanted)
			continue;
		if (p->pipe == NULL) {
			r->problem = "a process is being restarted";
			continue;
		}
		r->owes[i]++;
		r->owing++;
		process_send(p, type, r->ticket, -1, data, len);
	}
}

void
request_rows(const struct asker *to, uint32_t whats)
{
	struct request *r;
	struct msg_show show;

	if ((r = request_new(to)) == NULL)
		return;
	r->whats = whats;
	for (show.what = 0; show.what < SHOW_WHATS; show.what++) {
		if ((whats & ASK_BIT(show.what)) == 0)
			continue;
		rows_send(to, show.what);
		ask(r, answered_by[show.what], MSG_SHOW, &show, sizeof(show));
	}
	if (r->owing == 0)
		request_end(r);
}

unsigned int
request_count(const struct process *p)
{
	const struct request *r;
	unsigned int n = 0;

	TAILQ_FOREACH(r, &requests, entry)
		n += r->asker.process == p;
	return (n);
}

void
request_close_client(const struct asker *to, uint64_t id)
{
	struct request *r;

	if ((r = request_new(to)) == NULL)
		return;
	r->closing = 1;
	ask(r, P_FRONTEND, MSG_CLOSE_CLIENT, &id, sizeof(id));
	if (r->owing == 0)
		request_end(r);
}

/* The request that a process answers, or NULL: it has ended meanwhile. */
static struct request *
find(const struct process *p, uint32_t ticket, int closing)
{
	struct request *r;

	TAILQ_FOREACH(r, &requests, entry) {
		if (r->ticket == ticket && r->closing == closing &&
		    r->owes[slot(p)] > 0)
			return (r);
	}
	return (NULL);
}

static void
paid(struct request *r, const struct process *p)
{
	r->owes[slot(p)]--;
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
	    row.what >= SHOW_WHATS ||
	    (r != NULL && (r->whats & ASK_BIT(row.what)) == 0)) {
		pipe_violation(pipe, "not a row of this process");
		return;
	}
	if (r == NULL || asker_row(&r->asker, m->data, m->hdr.len) == 0)
		return;
	r->problem = "the answer is longer than its reader takes";
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
		if (r->asker.process == p) {
			request_free(r);
			continue;
		}
		if (r->owes[slot(p)] == 0)
			continue;
		r->problem = "a process is being restarted";
		r->owing -= r->owes[slot(p)] - 1u;
		r->owes[slot(p)] = 1;
		paid(r, p);
	}
}

void
request_forget(const struct ctl *c)
{
	struct request *r, *next;

	for (r = TAILQ_FIRST(&requests); r != NULL; r = next) {
		next = TAILQ_NEXT(r, entry);
		if (r->asker.ctl == c)
			request_free(r);
	}
}
