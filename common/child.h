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
 * In this order: title, log, no core dumps, no descriptor but 0, 1, 2 and 3,
 * RLIMIT_NOFILE raised, chroot and uid, loop_init(), sandbox_enter(), pipe to
 * the parent in the given phase.  When the parent breaks a rule the process
 * exits; when the parent ends, too, or what child_at_end() named is called.
 * fatal() on any failure.
 */
void	child_start(const struct pipe_phase *);

void	child_at_end(void (*)(void));

struct pipe *child_parent(void);

/*
 * Handlers for the phase tables: LOG_LEVEL, TRIP, MONITOR, and CONF, which
 * parses and keeps the tree until child_conf_take() at CONF_END.
 */
pipe_handler child_log_level, child_trip, child_monitor, child_conf;

/* The tree of the last CONF, owned by the caller now. */
struct conf *child_conf_take(void);

/* Tells the parent READY. */
void	child_ready(void);

/* Receives PIPE: wraps the descriptor, checks process; NULL on violation. */
struct imsgbuf *child_take_pipe(struct pipe *, struct imsg *,
	    struct msg_pipe *);

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
