/*
 * Questions to the parent, for clients that wait until it has gathered the rows
 * of all processes, or done what the console asked for.
 */
#ifndef FRONTEND_ASK_H
#define FRONTEND_ASK_H

#include <stddef.h>
#include <stdint.h>

struct client;

#define ASK_WAITING_MAX	16	/* for rows of a form; beyond it: 503 */
#define ASK_CHANGES_MAX	8	/* under way at once; beyond it, too */
/*
 * Later than that, too; the parent ends what it does a little earlier, and says
 * what is missing.
 */
#define ASK_WAIT_MS	6000

/* What rows are made into. */
struct ask_form {
	const char	*type;		/* media type of the answer */
	uint32_t	 whats;		/* ASK_BIT() of rows; one question */
	/* What rows are gathered in; NULL when out of memory. */
	void		*(*begin)(uint32_t whats);
	/* Takes a row.  Returns NULL, or why they are of no use any more. */
	const char	*(*take)(void *, const void *row, size_t);
	/* The answer, malloc'd; NULL when out of memory. */
	char		*(*text)(void *, size_t *len);
	void		 (*drop)(void *);	/* takes NULL, too */
};

/*
 * How a client is told of an end without rows: status 200, 409 or 503, and a
 * text that the parent or ask.c made.  end: the connection ends after it.
 */
typedef void ask_said(struct client *, int status, const char *text, int end);

/* What one client wants to hear, and how. */
struct ask {
	const struct ask_form	*form;	/* NULL of a change */
	ask_said		*said;
	int			 head;	/* it was a HEAD */
	int			 end;	/* the connection ends after it */
};

/*
 * Asks for rows; the client is answered later, and until then not read from.
 * Who comes while a question of this form is under way waits for the next one,
 * which is asked once for all that wait.
 */
void	ask_rows(struct client *, const struct ask *);

/* Asks for a change: ASK_ORIGIN or ASK_CLOSE with this payload. */
void	ask_change(struct client *, const struct ask *, uint32_t type,
	    const void *, size_t, const void *tail, size_t tail_len);

/* The client is gone. */
void	ask_forget(const struct client *);

/* What the parent says: ANSWER_ROW, and ANSWER. */
void	ask_row(uint32_t number, const void *row, size_t len);
void	ask_answer(uint32_t number, uint32_t code, const char *said,
	    size_t len);

#endif
