/*
 * Rows of an answer to SHOW: copied out of messages, merged where several
 * processes tell of the same thing, sorted, and as JSON.  Pure but for memory.
 */
#ifndef COMMON_ROWS_H
#define COMMON_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "json_out.h"
#include "msg.h"

#define ROW_TEXTS	4

struct row {
	union {
		struct msg_row		row;
		struct msg_row_counter	counter;
		struct msg_row_channel	channel;
		struct msg_row_client	client;
		struct msg_row_process	process;
		struct msg_row_limit	limit;
		struct msg_row_origin	origin;
		struct msg_row_link	link;
		struct msg_row_peer	peer;
		struct msg_row_interface interface;
		struct msg_row_service	service;
		struct msg_row_check	check;
	} u;
	/* With NUL, perhaps not the first; all in one piece of memory. */
	char	*text[ROW_TEXTS];
	size_t	 text_len[ROW_TEXTS];
};

struct rows {
	struct row	*v;
	size_t		 n, size;
};

/*
 * Copies a row of an answer.  Returns 0, or -1 with errno EINVAL when it is
 * none of enum show_what what, or ENOMEM.
 */
int	 rows_add(struct rows *, uint32_t what, const void *, size_t);
/*
 * Sums counters and channels of one name; merges rows of one origin and state.
 */
void	 rows_merge(struct rows *, uint32_t what);
/* Into the order of a table. */
void	 rows_sort(struct rows *, uint32_t what);
void	 rows_free(struct rows *);
/* "router", "frontend 1": static buffer. */
const char *row_process(const struct msg_row *);

/*
 * rows_json.c
 */

/* "summary", "channels" and so on, one for each enum show_what. */
extern const char *const rows_names[SHOW_WHATS];

/*
 * Appends the whole answer, as nwsctl(8) prints it with -j; problem is what is
 * wrong with it, or NULL.
 */
void	 rows_json(struct json *, const struct rows *, uint32_t what,
	    const char *problem);

/* What is wrong where a check failed, or NULL: static buffer. */
const char *rows_check_problem(const struct rows *);

/* Names of values, "unknown" where there is none. */
const char *link_phase_name(uint32_t);
const char *link_security_name(uint32_t);
const char *peer_origin_name(uint32_t);
const char *peer_state_name(uint32_t);
const char *check_level_name(uint32_t);
const char *origin_state_name(uint32_t);
/* The bits of PAUSE_ from 0 on; NULL past the last. */
const char *pause_name(unsigned int bit);

#endif
