/*
 * nwsctl(8): asks a running nwsd over its control socket.  Runs with the rights
 * of whoever typed the command.  Trusts the parent of nwsd to be the parent,
 * and nothing of the names, origins and texts that it passes on.
 */
#ifndef CTL_NWSCTL_H
#define CTL_NWSCTL_H

#include <stddef.h>
#include <stdint.h>

#include "../common/json_out.h"
#include "../common/msg.h"
#include "../common/rows.h"
#include "ctl.h"

enum { EXIT_DONE = 0, EXIT_ERROR = 1, EXIT_NO_DAEMON = 2 };

struct ctl_options {
	const char	*path;		/* of the socket, NULL: the default */
	int		 json;
};
extern struct ctl_options options;	/* nwsctl.c */

/*
 * nwsctl_link.c: the control socket.
 */
struct imsg;

/* Connects; on failure the program ends, having said what to do. */
void	 link_open(void);
void	 link_close(void);
int	 link_fd(void);
void	 link_say(uint32_t type, const void *, size_t, const void *, size_t);
/*
 * The next message, borrowed until the next call: link_next() returns whether
 * there is one now, link_receive() waits for so many seconds.  The program ends
 * when nwsd does, or says nothing in time.
 */
int	 link_next(struct imsg *);
void	 link_receive(struct imsg *, unsigned int seconds);
/*
 * Waits for the end of an answer that has no rows and reports it; returns the
 * exit code.  said is what to say when nwsd has nothing to add; may be NULL.
 */
int	 link_outcome(const char *said);
/* Reports the reason in an end that is a refusal; returns the exit code. */
int	 link_refused(const struct imsg *);
/* Reports failure in the form asked for; returns code. */
int	 report_error(int code, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));

/*
 * Sends the question and collects the answer, merged and sorted.  Returns NULL,
 * or what is wrong with the answer (nwsctl_show.c).
 */
const char *rows_fetch(struct rows *, uint32_t what);

/*
 * nwsctl_table.c: text in columns, pure but for memory.
 */
#define TABLE_COLUMNS	16

struct table {
	const char	*heads;		/* separated by '|'; '>' first: right */
	unsigned int	 columns;
	char		**cells;
	size_t		 n, size;
};

void	 table_begin(struct table *, const char *heads);
/* The next cell; n bytes that came from outside, or printf. */
void	 table_outside(struct table *, const char *, size_t n);
void	 table_cell(struct table *, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));
/* Appends it, heads first, with no white space at ends of lines; frees it. */
void	 table_end(struct table *, struct buf *);

/* Ends the object, prints and frees it (nwsctl_link.c). */
void	 json_finish(struct json *);
/* Prints and frees what is whole. */
void	 json_print(struct json *);

/*
 * nwsctl_net.c: rows about other machines, as cells of a table; pure but
 * for memory.
 */
void	 text_link(struct table *, const struct row *);
void	 text_peer(struct table *, const struct row *);
void	 text_interface(struct table *, const struct row *);
void	 text_service(struct table *, const struct row *);
void	 text_finding(struct table *, const struct row *);

/*
 * The commands: argv[0] is the first word after the command's name.  Each
 * returns the exit code, or -1 for wrong use.
 */
int	 cmd_show(int argc, char *argv[]);	/* nwsctl_show.c */
int	 cmd_monitor(int argc, char *argv[]);	/* nwsctl_monitor.c */
int	 cmd_origin(int argc, char *argv[]);	/* nwsctl_origin.c */
int	 cmd_peer(int argc, char *argv[]);	/* nwsctl_peer.c */
int	 cmd_check(int argc, char *argv[]);	/* nwsctl_show.c */
int	 metrics_show(void);			/* nwsctl_metrics.c */
int	 origins_show(int pending, int decided); /* nwsctl_show.c */

/*
 * Appends the words of an event's text as members of a JSON object
 * (nwsctl_event.c, pure).  Returns 0, or -1 when they are not key=value.
 */
int	 event_members(struct json *, const char *, size_t);
/* "client_open" and so on. */
const char *event_name(uint32_t kind);
/* What its id is the number of: "client", "link", "peer". */
const char *event_subject(uint32_t kind);

/*
 * nwsctl_word.c, pure: the index of the word, or of the only one that begins
 * with it; -1 when there is none, -2 when there are several.
 */
int	 word_find(const char *const *words, size_t n, const char *);
/* The same, with an error said. */
int	 word_choose(const char *const *words, size_t n, const char *,
	    const char *what);

#endif
