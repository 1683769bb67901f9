/*
 * JSON (RFC 8259), written: one text that grows at its end.  Pure but for
 * memory.
 */
#ifndef COMMON_JSON_OUT_H
#define COMMON_JSON_OUT_H

#include <stddef.h>
#include <stdint.h>

/* A zeroed struct is an empty one. */
struct json {
	char	*text;		/* NUL-terminated; NULL while there is none */
	size_t	 len, size;
	int	 comma;
	int	 failed;	/* out of memory: the text is not whole */
};

/* key is NULL for the outermost and in an array.  c is '{' or '['. */
void	 json_open(struct json *, const char *key, char c);
void	 json_shut(struct json *, char c);
/* n bytes as a string; what is not UTF-8 becomes U+FFFD. */
void	 json_text(struct json *, const char *key, const char *, size_t n);
void	 json_word(struct json *, const char *key, const char *);
void	 json_uint(struct json *, const char *key, uint64_t);
/* A number that JavaScript cannot hold, as a string. */
void	 json_id(struct json *, const char *key, uint64_t);
void	 json_bool(struct json *, const char *key, int);
void	 json_null(struct json *, const char *key);
/* Any JSON as it is. */
void	 json_raw(struct json *, const char *key, const char *, size_t n);

/* {"schema":1, */
void	 json_begin(struct json *);
/* } and a line feed. */
void	 json_end(struct json *);

void	 json_free(struct json *);

#endif
