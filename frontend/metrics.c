/*
 * GET /metrics, see metrics.h.  Frontend; owns the list of who waits and the
 * one question to the parent that is under way.  Who comes while it is waits
 * for the next one, so that nobody is told numbers from before he asked, and so
 * that the parent never has more than one question of this process.
 */
#include <stdlib.h>
#include <string.h>

#include "../common/child.h"
#include "../common/imsg.h"
#include "../common/log.h"
#include "../common/metrics.h"
#include "client.h"
#include "counters.h"
#include "metrics.h"

struct waiter {
	struct client	*client;
	int64_t		 until_ms;
	uint32_t	 number;	/* of its question, 0: not asked yet */
	int		 head, end;
};

static struct waiter	 waiters[METRICS_WAITING_MAX];	/* first come first */
static unsigned int	 nwaiters;
static struct event	*late_event;
static uint32_t		 last_number;
static int		 asking;		/* last_number is under way */
static struct metrics	*gathered;		/* NULL: of no use any more */

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
unavailable(struct client *c)
{
	request_fail(c, 503, "The metrics could not be gathered in time.");
}

static void
late(int fd, short what, void *arg)
{
	struct client	*c;

	(void)fd;
	(void)what;
	(void)arg;
	while (nwaiters > 0 && waiters[0].until_ms <= loop_now_ms()) {
		c = waiters[0].client;
		waiter_drop(0);
		if (c->state == CLIENT_WAITING)
			unavailable(c);
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
 * Answers all that wait for this question; text is NULL when it came to
 * nothing.  An answered client may ask again at once and wait anew.
 */
static void
answer(uint32_t number, const char *text, size_t len)
{
	struct waiter	w;

	while (waiter_take(number, &w)) {
		/* Else it has been sent away meanwhile. */
		if (w.client->state != CLIENT_WAITING)
			continue;
		if (text == NULL) {
			unavailable(w.client);
			continue;
		}
		request_answer(w.client, METRICS_TYPE, text, len, w.head,
		    w.end);
		client_resume(w.client, PAUSE_METRICS);
	}
	late_arm();
}

/* Asks the parent for all that wait and have not been asked for. */
static void
ask(void)
{
	unsigned int	i, new = 0;

	if (asking)
		return;
	for (i = 0; i < nwaiters; i++)
		new += waiters[i].number == 0;
	if (new == 0)
		return;
	if (++last_number == 0)
		last_number = 1;
	for (i = 0; i < nwaiters; i++)
		if (waiters[i].number == 0)
			waiters[i].number = last_number;
	if ((gathered = metrics_new()) != NULL &&
	    imsg_send(pipe_imsg(child_parent()), MSG_METRICS, last_number, -1,
	    NULL, 0) == 0) {
		asking = 1;
		return;
	}
	log_warn("metrics");
	metrics_free(gathered);
	gathered = NULL;
	answer(last_number, NULL, 0);
}

void
metrics_wait(struct client *c, int head, int end)
{
	struct waiter	*w = &waiters[nwaiters];

	if (late_event == NULL && (late_event = event_new(loop_base(), -1, 0,
	    late, NULL)) == NULL) {
		client_no_memory(c);
		return;
	}
	if (nwaiters == METRICS_WAITING_MAX) {
		counters.refused_limit_total++;
		request_fail(c, 503, "Too many wait for the metrics.");
		return;
	}
	w->client = c;
	w->until_ms = loop_now_ms() + METRICS_WAIT_MS;
	w->number = 0;
	w->head = head;
	w->end = end;
	client_state(c, CLIENT_WAITING);
	client_pause(c, PAUSE_METRICS);
	if (++nwaiters == 1)
		late_arm();
	ask();
}

void
metrics_forget(const struct client *c)
{
	unsigned int	i;

	for (i = 0; i < nwaiters; i++)
		if (waiters[i].client == c) {
			waiter_drop(i);
			late_arm();
			return;
		}
}

void
metrics_gather(uint32_t number, const void *row, size_t len)
{
	if (!asking || number != last_number || gathered == NULL)
		return;
	if (metrics_add_message(gathered, row, len) == 0)
		return;
	/* Half the numbers would look like a fall of all sums. */
	log_warnx("metrics: more rows than expected, or unknown ones");
	metrics_free(gathered);
	gathered = NULL;
}

void
metrics_gathered(uint32_t number, uint32_t problem)
{
	char	*text = NULL;
	size_t	 len = 0;

	if (!asking || number != last_number)
		return;
	if (gathered != NULL && problem == 0)
		text = metrics_text(gathered, &len);
	metrics_free(gathered);
	gathered = NULL;
	asking = 0;
	answer(number, text, len);
	free(text);
	ask();
}
