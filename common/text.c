/*
 * Text for people, and numbers from them, see text.h.  Pure.
 */
#include <stdio.h>
#include <time.h>

#include "text.h"

int
text_number(const char *s, uint64_t max, uint64_t *v)
{
	uint64_t n = 0;
	unsigned int digit;

	if (*s == '\0')
		return (-1);
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return (-1);
		digit = (unsigned int)(*s - '0');
		if (n > max / 10 || n * 10 > max - digit)
			return (-1);
		n = n * 10 + digit;
	}
	if (n == 0)
		return (-1);
	*v = n;
	return (0);
}

const char *
text_time(uint64_t ms, int decimals)
{
	static char out[48];
	char day[32];
	struct tm tm;
	time_t t = (time_t)(ms / 1000);

	if (ms / 1000 > 253402300799ull || gmtime_r(&t, &tm) == NULL)
		return ("9999-12-31T23:59:59Z"); /* what RFC 3339 ends at */
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	if (decimals == 3)
		snprintf(out, sizeof(out), "%s.%03uZ", day,
		    (unsigned int)(ms % 1000));
	else
		snprintf(out, sizeof(out), "%sZ", day);
	return (out);
}
