/*
 * The event loop of every process: libevent underneath, with a turn that has an
 * end.  Callbacks collect; what they collected is written, and what they gave
 * up is freed, once, in the turn_end() of the process.
 */
#ifndef COMMON_LOOP_H
#define COMMON_LOOP_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdint.h>

struct imsgbuf;
struct imsg;

/* Creates the one event base of the process; fatal() when it cannot. */
struct event_base *loop_init(void);
struct event_base *loop_base(void);

/*
 * Runs until loop_quit(): wait, call back, then turn_end().  turn_end is called
 * after every turn and must not block.
 */
void	loop_run(void (*turn_end)(void));
void	loop_quit(void);

/* The same, so many seconds from now; at once when that cannot be had. */
void	loop_quit_after(unsigned int seconds);

/*
 * Ends the current wait so that turn_end() runs soon although nothing happens.
 */
void	loop_soon(void);

/*
 * Monotonic time at the start of this turn; one clock reading for each turn.
 */
int64_t	loop_now_ms(void);
uint32_t loop_now_s(void);

/*
 * A pipe in the loop: an imsgbuf, its events, and the table of what may arrive
 * in which phase.  The row of a message that may not arrive now is NULL, and
 * its arrival a violation.
 */
struct pipe;
typedef void pipe_handler(struct pipe *, struct imsg *);
struct pipe_phase {
	const char	*name;			/* for the log */
	pipe_handler	*handler[96];		/* by enum msg_type */
};

/*
 * Takes an imsgbuf.  closed is called (once, from the loop, never from within
 * pipe_new or pipe_flush) when the peer is gone (why NULL) or broke a rule; the
 * pipe is then dead and is freed by pipe_free() in it or later.  Returns NULL
 * when out of memory, with the imsgbuf freed.
 */
struct pipe	*pipe_new(struct imsgbuf *, const struct pipe_phase *,
		    void (*closed)(struct pipe *, const char *why), void *arg);
void		 pipe_free(struct pipe *);
void		 pipe_phase(struct pipe *, const struct pipe_phase *);
struct imsgbuf	*pipe_imsg(struct pipe *);
void		*pipe_arg(struct pipe *);

/* Stops and resumes reading. */
void		 pipe_pause(struct pipe *, int);

/* Writes what is queued; the rest when the socket is writable again. */
void		 pipe_flush(struct pipe *);

/*
 * For a handler that finds the contents of a message impossible: logs why and
 * closes the pipe as for any violation.
 */
void		 pipe_violation(struct pipe *, const char *why);

#endif
