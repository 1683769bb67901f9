/*
 * Rows for the console, see console_rows.h.  Frontend; trusts the parent for
 * what a row is.
 */
#include <errno.h>
#include <stdlib.h>

#include "../common/rows.h"
#include "console_rows.h"

struct gathered {
	struct rows	rows;
	size_t		bytes;
	uint32_t	what;
};

static void *
gather_begin(uint32_t whats)
{
	struct gathered	*g = calloc(1, sizeof(*g));

	if (g != NULL)
		while ((ASK_BIT(g->what) & whats) == 0)
			g->what++;
	return (g);
}

static const char *
gather_take(void *arg, const void *row, size_t len)
{
	struct gathered	*g = arg;

	if (g->rows.n == CONSOLE_ROWS_MAX ||
	    len > CONSOLE_BYTES_MAX - g->bytes)
		return ("There is more than the console shows: see "
		    "`nwsctl show'.");
	if (rows_add(&g->rows, g->what, row, len) == -1)
		return (errno == ENOMEM ? "nwsd is out of memory." :
		    "A process said what nobody understands.");
	g->bytes += len;
	return (NULL);
}

static char *
gather_text(void *arg, size_t *len)
{
	struct gathered	*g = arg;
	struct json	 j;

	rows_merge(&g->rows, g->what);
	rows_sort(&g->rows, g->what);
	rows_json(&j, &g->rows, g->what, g->what == SHOW_CHECK ?
	    rows_check_problem(&g->rows) : NULL);
	if (j.failed)
		json_free(&j);
	*len = j.len;
	return (j.text);
}

static void
gather_drop(void *arg)
{
	struct gathered	*g = arg;

	if (g != NULL)
		rows_free(&g->rows);
	free(g);
}

#define FORM(what)	{ CONSOLE_TYPE, ASK_BIT(what), gather_begin,	\
			    gather_take, gather_text, gather_drop }

const struct ask_form	console_forms[SHOW_WHATS] = {
	[SHOW_SUMMARY] = FORM(SHOW_SUMMARY),
	[SHOW_CHANNELS] = FORM(SHOW_CHANNELS),
	[SHOW_CLIENTS] = FORM(SHOW_CLIENTS),
	[SHOW_PROCESSES] = FORM(SHOW_PROCESSES),
	[SHOW_LIMITS] = FORM(SHOW_LIMITS),
	[SHOW_ORIGINS] = FORM(SHOW_ORIGINS),
	[SHOW_LINKS] = FORM(SHOW_LINKS),
	[SHOW_PEERS] = FORM(SHOW_PEERS),
	[SHOW_INTERFACES] = FORM(SHOW_INTERFACES),
	[SHOW_DISCOVERY] = FORM(SHOW_DISCOVERY),
	[SHOW_CHECK] = FORM(SHOW_CHECK)
};
