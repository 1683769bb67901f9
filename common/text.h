/*
 * Text that both nwsctl(8) and a frontend make for people.
 */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include <stdint.h>

/* RFC 3339 in UTC with as many decimals of the second: static buffer. */
const char *text_time(uint64_t unix_ms, int decimals);

/* A decimal number from 1 to max and nothing else.  Returns 0 or -1. */
int	 text_number(const char *, uint64_t max, uint64_t *);

#endif
