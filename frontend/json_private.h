/* Between json.c, which scans, and json_message.c, which picks out. */
#ifndef FRONTEND_JSON_PRIVATE_H
#define FRONTEND_JSON_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

#include "json.h"

struct json_scan {
	const uint8_t	*p, *end;
	int		 utf8;		/* still to be checked */
};

struct json_bytes {
	const uint8_t	*p;
	size_t		 len;
};

/* Past one value, which begins here and stands base levels deep. */
enum json_error json_value_scan(struct json_scan *, unsigned int base);

/*
 * Past a key, its colon and white space to the value; *key (may be NULL) is
 * what is between the quotes.
 */
enum json_error json_key_scan(struct json_scan *, struct json_bytes *key);

/* JSON_OK where nothing but white space is left. */
enum json_error json_end_scan(struct json_scan *);

/* The name for a byte that may not stand where it does, or for none at all. */
enum json_error json_unexpected(const struct json_scan *);

/* Of a hexadecimal digit, -1 for anything else. */
int	json_hex_value(uint8_t);

static inline void
json_space_skip(struct json_scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' ||
	    *s->p == '\r' || *s->p == '\t'))
		s->p++;
}

#endif
