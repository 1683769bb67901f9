/*
 * Questions to the parent, see ask.h.  Frontend; owns the list of who waits and
 * the questions under way.  There is at most one for each form of an answer, so
 * that however many clients ask, the parent and through it all processes are
 * asked no faster than they answer; and nobody is told numbers from before he
 * asked.
 */
#include <stdlib.h>
#include <string.h>

#include "../common/child.h"
#include "../common/imsg.h"
#include "../common/log.h"
#include "ask.h"
#include "client.h"
#include "counters.h"

#define FORMS_MAX	(SHOW_WHATS + 1)	/* and metrics */
#define WAITERS_MAX	(FORMS_MAX * ASK_WAITING_MAX + ASK_CHANGES_MAX)
#define TEXT_MAX	(MSG_ROW_MAX + 1)

struct waiter {
	struct client	*client;
	struct ask	 ask;
	int64_t		 until_ms;
	uint32_t	 number;	/* of its question, 0: not asked yet */
};

/* A question for rows that is under way. */
struct question {
	const struct ask_form	*form;		/* NULL: this place is free */
	uint32_t		 number;
	void			*rows;		/* NULL: of no use any more */
	const char		*problem;	/* why, or NULL */
};

static struct waiter	waiters[WAITERS_MAX];	/* first come first */
static unsigned int	nwaiters;
static struct question	questions[FORMS_MAX];
static uint32_t		changes[ASK_CHANGES_MAX];	/* numbers, 0: free */
static uint32_t		last_number;
static struct event	*late_event;

static void	ask_more(const struct ask_form *);

static void
waiter_drop(unsigned int i)
{
	memmove(&waiters[i], &waiters[i + 1],
	    (--nwaiters - i) * sizeof(waiters[0]));
}

/* The timer of who has waited longest. */
static void
late_arm(void)
{
	struct timeval	tv;
	int64_t		left_ms;

	if (nwaiters == 0) {
		event_del(late_event);
		return;
	}
	left_ms = waiters[0].until_ms - loop_now_ms();
	if (left_ms < 0)
		left_ms = 0;
	tv.tv_sec = left_ms / 1000;
	tv.tv_usec = left_ms % 1000 * 1000;
	event_add(late_event, &tv);
}

static void
say(const struct waiter *w, int status, const char *text)
{
	/* Else it has been sent away meanwhile. */
	if (w->client->state != CLIENT_WAITING)
		return;
	w->ask.said(w->client, status, text, w->ask.end);
	client_resume(w->client, PAUSE_PARENT);
}

static void
late(int fd, short what, void *arg)
{
	struct waiter	w;

	(void)fd;
	(void)what;
	(void)arg;
	while (nwaiters > 0 && waiters[0].until_ms <= loop_now_ms()) {
		w = waiters[0];
		waiter_drop(0);
		say(&w, 503, "nwsd did not answer in time.");
	}
	late_arm();
}

/* Takes one that waits for this question off the list; 0: there is none. */
static int
waiter_take(uint32_t number, struct waiter *w)
{
	unsigned int	i;

	for (i = 0; i < nwaiters; i++)
		if (waiters[i].number == number) {
			*w = waiters[i];
			waiter_drop(i);
			return (1);
		}
	return (0);
}

/*
 * Answers all that wait for these rows; text is NULL when it came to nothing,
 * because of problem.  An answered client may ask again at once and wait anew.
 */
static void
answer(uint32_t number, const char *text, size_t len, const char *problem)
{
	struct waiter	w;

	while (waiter_take(number, &w)) {
		if (w.client->state != CLIENT_WAITING)
			continue;
		if (text == NULL) {
			say(&w, 503, problem);
			continue;
		}
		request_answer(w.client, w.ask.form->type, text, len,
		    w.ask.head, w.ask.end);
		client_resume(w.client, PAUSE_PARENT);
	}
	late_arm();
}

/* Numbers count up; an answer cannot be late by 2^32 questions. */
static uint32_t
number_new(void)
{
	if (++last_number == 0)
		last_number = 1;
	return (last_number);
}

/* The place of a question of this form, or a free one; NULL: none is. */
static struct question *
question_of(const struct ask_form *form)
{
	struct question	*free_one = NULL;
	unsigned int	 i;

	for (i = 0; i < FORMS_MAX; i++) {
		if (questions[i].form == form)
			return (&questions[i]);
		if (questions[i].form == NULL)
			free_one = &questions[i];
	}
	return (free_one);
}

static int
question_ask(struct question *q, const struct ask_form *form)
{
	struct msg_ask	ask = { form->whats };

	if ((q->rows = form->begin(form->whats)) == NULL)
		return (-1);
	if (imsg_send(pipe_imsg(child_parent()), MSG_ASK, q->number, -1, &ask,
	    sizeof(ask)) == -1) {
		form->drop(q->rows);
		return (-1);
	}
	q->form = form;
	q->problem = NULL;
	loop_soon();
	return (0);
}

/* Asks for all that wait for rows of this form and were not asked for. */
static void
ask_more(const struct ask_form *form)
{
	struct question	*q = question_of(form);
	uint32_t	 number;
	unsigned int	 i, new = 0;

	if (q != NULL && q->form == form)
		return;		/* when that is answered */
	number = number_new();
	for (i = 0; i < nwaiters; i++)
		if (waiters[i].number == 0 && waiters[i].ask.form == form) {
			waiters[i].number = number;
			new++;
		}
	if (new == 0)
		return;
	if (q != NULL) {
		q->number = number;
		if (question_ask(q, form) == 0)
			return;
	}
	log_warnx("a question to the parent: out of memory");
	answer(number, NULL, 0, "nwsd is out of memory.");
}

/* NULL: the client was told why not. */
static struct waiter *
wait_for(struct client *c, const struct ask *ask)
{
	struct waiter	*w = &waiters[nwaiters];
	unsigned int	 i, same = 0;

	if (late_event == NULL && (late_event = event_new(loop_base(), -1, 0,
	    late, NULL)) == NULL) {
		client_no_memory(c);
		return (NULL);
	}
	for (i = 0; i < nwaiters; i++)
		same += waiters[i].ask.form == ask->form;
	if (same >= ASK_WAITING_MAX || nwaiters == WAITERS_MAX) {
		counters.refused_limit_total++;
		ask->said(c, 503, "Too many requests wait for an answer.",
		    ask->end);
		return (NULL);
	}
	w->client = c;
	w->ask = *ask;
	w->until_ms = loop_now_ms() + ASK_WAIT_MS;
	w->number = 0;
	client_state(c, CLIENT_WAITING);
	client_pause(c, PAUSE_PARENT);
	if (++nwaiters == 1)
		late_arm();
	return (w);
}

void
ask_rows(struct client *c, const struct ask *ask)
{
	if (wait_for(c, ask) != NULL)
		ask_more(ask->form);
}

void
ask_change(struct client *c, const struct ask *ask, uint32_t type,
    const void *data, size_t len, const void *tail, size_t tail_len)
{
	struct waiter	*w;
	unsigned int	 i;
	uint32_t	 number;

	for (i = 0; i < ASK_CHANGES_MAX && changes[i] != 0; i++)
		;
	if (i == ASK_CHANGES_MAX) {
		counters.refused_limit_total++;
		ask->said(c, 503, "Too many changes are under way.", ask->end);
		return;
	}
	if ((w = wait_for(c, ask)) == NULL)
		return;
	number = w->number = number_new();
	if (imsg_send2(pipe_imsg(child_parent()), type, number, data, len,
	    tail, tail_len) == -1) {
		log_warn("%s", msg_name(type));
		answer(number, NULL, 0, "nwsd is out of memory.");
		return;
	}
	changes[i] = number;
	loop_soon();
}

void
ask_forget(const struct client *c)
{
	unsigned int	i;

	for (i = 0; i < nwaiters; i++)
		if (waiters[i].client == c) {
			waiter_drop(i);
			late_arm();
			return;
		}
}

static struct question *
question_find(uint32_t number)
{
	unsigned int	i;

	for (i = 0; i < FORMS_MAX; i++)
		if (questions[i].form != NULL && questions[i].number == number)
			return (&questions[i]);
	return (NULL);
}

void
ask_row(uint32_t number, const void *row, size_t len)
{
	static struct log_limit	 limit = { 5, 60, 0, 0, 0 };
	struct question		*q = question_find(number);

	if (q == NULL || q->rows == NULL)
		return;
	if ((q->problem = q->form->take(q->rows, row, len)) == NULL)
		return;
	/* A part of the numbers would look like a fall of the others. */
	if (log_allowed(&limit))
		log_warnx("an answer of the parent: %s", q->problem);
	q->form->drop(q->rows);
	q->rows = NULL;
}

static void
question_answered(struct question *q, uint32_t code, const char *why)
{
	const struct ask_form	*form = q->form;
	char			*text = NULL;
	size_t			 len = 0;

	if (q->problem != NULL)
		why = q->problem;
	if (q->rows != NULL && code == ANSWER_DONE) {
		text = form->text(q->rows, &len);
		why = "nwsd is out of memory.";
	}
	form->drop(q->rows);
	q->rows = NULL;
	q->form = NULL;		/* the next one may be asked */
	answer(q->number, text, len, why);
	free(text);
	ask_more(form);
}

static void
change_answered(uint32_t number, uint32_t code, const char *why)
{
	struct waiter	w;
	int		status = code == ANSWER_DONE ? 200 :
			    code == ANSWER_REFUSED ? 409 : 503;

	if (waiter_take(number, &w)) {
		late_arm();
		say(&w, status, why);
	}
}

void
ask_answer(uint32_t number, uint32_t code, const char *said, size_t len)
{
	struct question	*q = question_find(number);
	char		 why[TEXT_MAX];
	unsigned int	 i;

	if (len >= sizeof(why))
		len = sizeof(why) - 1;
	memcpy(why, said, len);
	why[len] = '\0';
	if (q != NULL) {
		question_answered(q, code, why);
		return;
	}
	for (i = 0; i < ASK_CHANGES_MAX; i++)
		if (number != 0 && changes[i] == number) {
			changes[i] = 0;
			change_answered(number, code, why);
			return;
		}
}
