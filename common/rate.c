/*
 * The arithmetic of rate.h.  Runs in frontends and in crypto; owns nothing.
 */
#include "rate.h"

int64_t
rate_wait(const struct conf_rate *r, int64_t tat_us, int64_t now_us)
{
	int64_t		interval, ahead;

	if (r->rate == 0 || tat_us <= now_us)
		return (0);
	interval = 1000000 / r->rate;
	ahead = tat_us - now_us - (int64_t)(r->burst - 1) * interval;
	return (ahead > 0 ? ahead : 0);
}

void
rate_take(const struct conf_rate *r, int64_t *tat_us, int64_t now_us)
{
	if (r->rate == 0)
		return;
	if (*tat_us < now_us)
		*tat_us = now_us;
	*tat_us += 1000000 / r->rate;
}
