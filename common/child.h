/*
 * What every process but the parent has in common: how it starts, its pipe to
 * the parent, its configuration, and its answers to nwsctl(8).
 */
#ifndef COMMON_CHILD_H
#define COMMON_CHILD_H

#include <stddef.h>
#include <stdint.h>

#include "loop.h"
#include "msg.h"

struct conf;

/* The mains, one in each process folder; called by main() for -F NAME. */
int	frontend_main(void);
int	router_main(void);
int	discovery_main(void);
int	crypto_main(void);
int	files_main(void);

/*
 * What the command line of a child says: nwsd -F NAME [-i INSTANCE]
 * [-u USER -c CHROOT] [-v].  Descriptor 3 is the pipe to the parent.
 */
struct child_options {
	uint32_t	 process;	/* one P_ bit */
	uint32_t	 instance;
	const char	*user, *chroot;	/* NULL: not started by root */
	int		 verbose;
};
extern struct child_options child_options;

/*
 * What a process does that others do not, in the life that all have: CONF,
 * whatever belongs to it, and CONF_END; pipes; START; then the same for each
 * reload, and pipes to processes that were started again; the parent's end.
 */
struct child_process {
	/* What the parent may send before START, and after it. */
	const struct pipe_phase	*startup, *running;
	/*
	 * At each CONF_END.  The tree stays until this has returned from
	 * taking the next one.
	 */
	void			(*configure)(struct conf *);
	/* At START, while the sandbox allows what is for the start; or NULL. */
	void			(*start)(void);
	/* When the parent has ended: what is to come before exit; or NULL. */
	void			(*end)(void);
};

/*
 * In this order: title, log, no core dumps, no descriptor but 0, 1, 2 and 3,
 * RLIMIT_NOFILE raised, chroot and uid, loop_init(), sandbox_enter(), pipe to
 * the parent.  When the parent breaks a rule the process exits.  fatal() on any
 * failure.
 */
void	child_start(const struct child_process *);

struct pipe *child_parent(void);

/* Whether START has come. */
int	child_started(void);

/*
 * Handlers for the phase tables.  CONF is parsed and kept for CONF_END.  START
 * makes the sandbox tight and begins phase running.  READY is the answer to
 * START, and to each CONF_END after it.
 */
pipe_handler child_log_level, child_trip, child_monitor, child_conf,
	    child_conf_end, child_begin;

/*
 * Receives PIPE, from process to one of these others (P_ bits): wraps the
 * descriptor; NULL on violation, which it is before the first CONF_END.
 */
struct imsgbuf *child_take_pipe(struct pipe *, struct imsg *, uint32_t others,
	    struct msg_pipe *);

/*
 * Says STUCK of a process (P_ bit, and which of them) that broke a rule of the
 * pipe to it, or does not read it: it is started again.
 */
void	child_stuck(uint32_t kind, uint32_t instance);

/*
 * One row of an answer to SHOW: a struct msg_row_* whose msg_row is filled in
 * here, and the bytes that follow it (may be NULL).
 */
void	child_row(uint32_t ticket, uint32_t what, struct msg_row *row,
	    size_t row_size, const void *tail, size_t tail_len);
void	child_row_counter(uint32_t ticket, const char *name, uint64_t value,
	    int gauge);
void	child_row_limit(uint32_t ticket, const char *name, uint64_t used,
	    uint64_t max, uint64_t hits);
void	child_row_end(uint32_t ticket);

/* Whether anybody wants events; and an event, printf text (key=value ...). */
int	child_monitored(void);
void	child_event(uint32_t kind, uint64_t id, const char *, ...)
	    __attribute__((__format__(printf, 3, 4)));

#endif
