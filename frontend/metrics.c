/*
 * GET /metrics, see metrics.h.  Frontend; trusts the parent for what a row is.
 */
#include "../common/metrics.h"
#include "ask.h"
#include "client.h"
#include "metrics.h"

static void *
begin(uint32_t whats)
{
	(void)whats;
	return (metrics_new());
}

static const char *
take(void *m, const void *row, size_t len)
{
	return (metrics_add_message(m, row, len) == 0 ? NULL :
	    "more rows than expected, or unknown ones");
}

static char *
text(void *m, size_t *len)
{
	return (metrics_text(m, len));
}

static void
drop(void *m)
{
	metrics_free(m);
}

static const struct ask_form	form = {
	METRICS_TYPE,
	ASK_BIT(SHOW_SUMMARY) | ASK_BIT(SHOW_LIMITS) | ASK_BIT(SHOW_PROCESSES),
	begin, take, text, drop
};

static void
unavailable(struct client *c, int status, const char *why, int end)
{
	(void)why;	/* is for who is at the machine */
	(void)end;
	request_fail(c, status, "The metrics could not be gathered in time.");
}

void
metrics_wait(struct client *c, int head, int end)
{
	const struct ask	ask = { &form, unavailable, head, end };

	ask_rows(c, &ask);
}
