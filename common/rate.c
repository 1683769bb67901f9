/*
 * The arithmetic of rate.h.  Runs in frontends and in crypto; owns nothing.
 */
#include "rate.h"

#define SECOND_NS	1000000000

int64_t
rate_wait(const struct conf_rate *r, int64_t tat_ns, int64_t now_us)
{
	int64_t		ahead;

	if (r->rate == 0 || tat_ns <= now_us * 1000)
		return (0);
	ahead = tat_ns - now_us * 1000 -
	    (int64_t)(r->burst - 1) * (SECOND_NS / r->rate);
	return (ahead > 0 ? (ahead + 999) / 1000 : 0);
}

void
rate_take(const struct conf_rate *r, int64_t *tat_ns, int64_t now_us)
{
	if (r->rate == 0)
		return;
	if (*tat_ns < now_us * 1000)
		*tat_ns = now_us * 1000;
	*tat_ns += SECOND_NS / r->rate;
}
