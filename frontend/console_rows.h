/*
 * Rows for the console: gathered, and then the object that nwsctl(8) prints.
 * Pure but for memory.
 */
#ifndef FRONTEND_CONSOLE_ROWS_H
#define FRONTEND_CONSOLE_ROWS_H

#include "../common/msg.h"
#include "ask.h"

#define CONSOLE_TYPE		"application/json"
#define CONSOLE_ROWS_MAX	32768u		/* of one answer */
#define CONSOLE_BYTES_MAX	(4u << 20)	/* of them, as messages */

/* One for each enum show_what. */
extern const struct ask_form	console_forms[SHOW_WHATS];

#endif
