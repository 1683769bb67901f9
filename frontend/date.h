/*
 * Dates of HTTP (RFC 9110, 5.6.7).  Pure.
 */
#ifndef FRONTEND_DATE_H
#define FRONTEND_DATE_H

#include <stddef.h>
#include <stdint.h>

#define HTTP_DATE_LEN	29	/* of what is written, without NUL */

/*
 * Writes Unix time as an IMF-fixdate, with NUL; returns text, which is "" for
 * years that have not four digits, or are before 1970.
 */
const char *http_date_text(int64_t, char text[HTTP_DATE_LEN + 1]);

/*
 * Reads any of the three forms; one with two digits for the year is at most 50
 * years after now.  Returns 0, or -1 for what is no date.
 */
int	http_date_parse(const char *, size_t, int64_t now, int64_t *);

#endif
