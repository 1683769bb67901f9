/*
 * What nwsd counts, as text for Prometheus (text format, version 0.0.4): rows
 * of SHOW_SUMMARY, SHOW_LIMITS and SHOW_PROCESSES in, text out.  Pure.
 */
#ifndef COMMON_METRICS_H
#define COMMON_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "msg.h"

#define METRICS_TYPE	"text/plain; version=0.0.4; charset=utf-8"

#define METRICS_ROWS_MAX	1024u	/* that are kept, counters summed */
#define METRICS_NAME_MAX	128u	/* bytes of a counter or limit's name */

struct metrics;

/* An empty one; NULL when out of memory.  metrics_free(NULL) is fine. */
struct metrics	*metrics_new(void);
void		 metrics_free(struct metrics *);

/*
 * Takes a row: the struct msg_row_* that row is the beginning of, aligned, and
 * the n bytes of its name (of a process: none, they are ignored).  Counters of
 * one name are summed; of a limit or process the last row counts.  Returns 0,
 * or -1 for a row of another kind, without a name or with one that is too long,
 * and when there are too many.
 */
int		 metrics_add(struct metrics *, const struct msg_row *row,
		    const char *name, size_t n);

/* The same for a message of n bytes; -1 also when it is too short. */
int		 metrics_add_message(struct metrics *, const void *, size_t n);

/*
 * The text, NUL-terminated, to be freed by the caller; its length without the
 * NUL goes to *len.  It is the same in whatever order the rows came.  NULL when
 * out of memory.
 */
char		*metrics_text(struct metrics *, size_t *len);

#endif
