/*
 * JSON (RFC 8259) on the message path, pure: checked and taken apart, never
 * decoded.  What is not on the message path uses cJSON.
 */
#ifndef FRONTEND_JSON_H
#define FRONTEND_JSON_H

#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH_MAX	128

/* Why a text was refused. */
enum json_error {
	JSON_OK,
	JSON_SYNTAX,	/* not JSON at all */
	JSON_NUMBER,	/* a number RFC 8259 does not allow: 01, 1., +1, NaN */
	JSON_CONTROL,	/* a control character in a string */
	JSON_ESCAPE,	/* an unknown escape, or \u without four digits */
	JSON_SURROGATE,	/* \uD800 to \uDFFF that is no pair */
	JSON_UTF8,	/* not UTF-8 */
	JSON_SPACE,	/* white space other than the four, or a BOM */
	JSON_DEEP,	/* nested deeper than JSON_DEPTH_MAX */
	JSON_TRAILING,	/* something after the value */
	JSON_SHORT	/* ends within the value */
};

/*
 * Check that the n bytes are one JSON value with nothing but white space around
 * it.  utf8 says whether the text still has to be checked to be UTF-8.
 */
enum json_error json_check(const char *, size_t n, int utf8);

const char *json_error_text(enum json_error);

enum json_action { ACTION_NONE, ACTION_STATUS, ACTION_BROADCAST,
	ACTION_MESSAGE, ACTION_UNKNOWN };

/* A client's message, taken apart. */
struct json_message {
	enum json_action	 action;
	const char		*data;	/* the value as sent, white space around
					   it removed; NULL when absent */
	size_t			 data_len;
	int			 has_target;	/* 1 number found, -1 something
						   else stands there */
	uint64_t		 target;	/* decimal, string or number */
};

/*
 * Check and take apart one client message: an object whose keys action, target
 * and data (in any case, as the first proxies read them; the last one of a name
 * counts, other keys are skipped) say what to do.  Keys and the value of action
 * may be written with escapes.  m points into the text.  Returns JSON_OK (also
 * for an unknown action), or why not; JSON_SYNTAX when it is no object.
 */
enum json_error json_message(const char *, size_t n, int utf8,
	    struct json_message *m);

/*
 * Append the n bytes as a JSON string with quotes; what is not UTF-8 becomes
 * U+FFFD.  Returns the bytes written, or 0 when size is too small.
 */
size_t	json_quote(char *out, size_t size, const char *, size_t n);

#endif
