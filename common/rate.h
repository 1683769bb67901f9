/*
 * Rates of nwsd.conf(5), so many messages for each second and so many at once
 * (GCRA).  Pure.
 */
#ifndef COMMON_RATE_H
#define COMMON_RATE_H

#include <stdint.h>

#include "conf.h"

/*
 * *tat_ns is the theoretical arrival time that the owner keeps, 0 at first: in
 * nanoseconds, since up to a million messages a second are told apart.
 * rate_wait() returns the microseconds until one more message may pass, 0 for
 * now; rate_take() takes it, also before its time.
 */
int64_t		 rate_wait(const struct conf_rate *, int64_t tat_ns,
		    int64_t now_us);
void		 rate_take(const struct conf_rate *, int64_t *tat_ns,
		    int64_t now_us);

#endif
