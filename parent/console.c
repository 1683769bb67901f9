/*
 * The console: its token, where it is, and what frontends may ask for it.  Runs
 * in the parent.  A frontend speaks with clients, so it is believed no more
 * than nwsctl(8) is: what it asks is bounded in number, what it changes in rate
 * as well, said in the log, and parsed by who parses the same from nwsctl.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/stdlib.h>

#include "common/imsg.h"
#include "common/log.h"
#include "parent/parent.h"

#define ASKS_MAX 32   /* questions of one process under way */
#define CHANGES_MAX 60 /* of all frontends in CHANGES_MS */
#define CHANGES_MS 60000

#define METRICS                                                                \
	(ASK_BIT(SHOW_SUMMARY) | ASK_BIT(SHOW_LIMITS) | ASK_BIT(SHOW_PROCESSES))

static char token[MSG_TOKEN_LEN + 1];

void
console_init(void)
{
	uint8_t random[MSG_TOKEN_LEN / 2];
	size_t i;

	arc4random_buf(random, sizeof(random));
	for (i = 0; i < sizeof(random); i++)
		snprintf(token + 2 * i, 3, "%02x", random[i]);
}

/* One that is started again serves pages that others served. */
void
console_send_token(struct process *p)
{
	process_send(p, MSG_TOKEN, 0, -1, token, MSG_TOKEN_LEN);
}

/* A frontend keeps count of its questions; more than these are no mistake. */
static int
asked(struct pipe *pipe, struct imsg *m, struct asker *from)
{
	from->ctl = NULL;
	from->process = pipe_arg(pipe);
	from->number = m->hdr.peerid;
	if (request_count(from->process) < ASKS_MAX)
		return (0);
	pipe_violation(pipe, "too many questions at once");
	return (-1);
}

void
console_asked(struct pipe *pipe, struct imsg *m)
{
	struct asker from;
	struct msg_ask ask;

	memcpy(&ask, m->data, sizeof(ask));
	if (ask.whats == 0 || ask.whats >= ASK_BIT(SHOW_WHATS)) {
		pipe_violation(pipe, "asked for what there is not");
		return;
	}
	if (asked(pipe, m, &from) == -1)
		return;
	if (parent.conf->console != CONSOLE_OFF ||
	    (ask.whats == METRICS && parent.conf->metrics))
		request_rows(&from, ask.whats);
	else
		asker_done(&from, ANSWER_REFUSED, "the %s off",
		    ask.whats == METRICS ? "metrics are" : "console is");
}

/*
 * Nobody decides this often by hand.  Each change is written to a file and told
 * to all frontends, so a frontend that has gone mad must not keep us busy.
 */
static int
too_often(void)
{
	static int64_t since_ms;
	static unsigned int count;
	int64_t now = loop_now_ms();

	if (count == 0 || now - since_ms >= CHANGES_MS) {
		since_ms = now;
		count = 0;
	}
	if (count == CHANGES_MAX)
		return (1);
	count++;
	return (0);
}

static int
may_change(const struct asker *from)
{
	if (parent.conf->console != CONSOLE_ON)
		asker_done(from, ANSWER_REFUSED, "the console is %s",
		    parent.conf->console == CONSOLE_OFF ? "off" : "read-only");
	else if (too_often())
		asker_done(from, ANSWER_REFUSED,
		    "more than %d changes within a minute: try again later",
		    CHANGES_MAX);
	else
		return (1);
	return (0);
}

void
console_asked_origin(struct pipe *pipe, struct imsg *m)
{
	struct asker from;
	struct msg_origin ask;

	if (asked(pipe, m, &from) == -1 || !may_change(&from))
		return;
	memcpy(&ask, m->data, sizeof(ask));
	origins_change(&from, &ask, (const char *)m->data + sizeof(ask),
	    m->hdr.len - sizeof(ask));
}

void
console_asked_close(struct pipe *pipe, struct imsg *m)
{
	struct asker from;
	uint64_t id;

	if (asked(pipe, m, &from) == -1 || !may_change(&from))
		return;
	memcpy(&id, m->data, sizeof(id));
	log_info("client %llu: closed by the console", (unsigned long long)id);
	request_close_client(&from, id);
}

void
console_where(struct ctl *c)
{
	const struct listener *l;
	uint16_t port = 0;

	if (parent.conf->console == CONSOLE_OFF) {
		ctl_done(c, 1, "the console is off (console off in nwsd.conf)");
		return;
	}
	TAILQ_FOREACH(l, &parent.listeners, entry)
		if ((port = listener_local_port(l)) != 0)
			break;
	if (port != 0)
		ctl_done(c, 0, "http://localhost:%u/", port);
	else
		ctl_done(c, 1, "nwsd does not listen on localhost");
}
