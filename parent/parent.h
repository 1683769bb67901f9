/*
 * What the files of the parent share.  The parent reads nwsd.conf(5), binds
 * every socket, starts and supervises the other processes, and owns the control
 * socket.  It keeps root where it was started as root, so it looks at nothing
 * that came from a client: what it passes on between a child and nwsctl(8) is a
 * payload whose first few integers it checks and whose rest it copies.
 */
#ifndef PARENT_PARENT_H
#define PARENT_PARENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "common/conf.h"
#include "common/loop.h"
#include "common/msg.h"

/* Router, crypto, discovery, files and frontends. */
#define PROCESSES_MAX	(4 + CONF_PREFORK_MAX)
#define PEERS_MAX	256	/* added by nwsctl(8) */
#define DEATHS_MAX	5	/* of one process in DEATHS_S end the daemon */
#define DEATHS_S	60
#define READY_S		20	/* for a process to answer CONF_END */
#define WHY_MAX		1024	/* bytes of a reason, with NUL */

/* The command line of the parent.  All strings live as long as it does. */
struct options {
	const char	 *file;		/* of -f, as it was given, or NULL */
	const char	**defs;		/* of -D, NULL-terminated */
	size_t		  n_defs;
	int		  foreground;	/* -d */
	int		  check;	/* -n */
	int		  verbose;	/* -v, how often */
};

/*
 * A socket that clients or other nodes connect to; fd is -1 where an optional
 * one failed.
 */
struct listener {
	TAILQ_ENTRY(listener)	 entry;
	struct sockaddr_storage	 addr;
	socklen_t		 addr_len;
	uint32_t		 index;		/* of its listen line */
	int			 fd;
	int			 fresh;		/* not in the log yet */
	int			 builtin;	/* of links, on any port */
	dev_t			 dev;		/* of a Unix socket's file */
	ino_t			 ino;
};
TAILQ_HEAD(listeners, listener);

/* The directories of the files lines, in their order. */
struct directories {
	size_t	 n;
	struct {
		int	 fd;
		dev_t	 dev;
		ino_t	 ino;
	} dir[CONF_FILES_MAX];
};

struct relay;

/* One row of the process table; the process in it changes when it dies. */
struct process {
	uint32_t	 kind;		/* P_ bit */
	uint32_t	 instance;
	pid_t		 pid;		/* 0: there is none now */
	struct pipe	*pipe;		/* NULL: it is being ended */
	struct relay	*relay;		/* its standard error, or NULL */
	struct event	*late;		/* fires when READY takes too long */
	int		 statm;		/* descriptor of /proc/PID/statm */
	int		 fresh;		/* not sent START yet */
	int		 killed;	/* by us: its death is on its way */
	unsigned int	 owes;		/* READY: for START, and each CONF_END
					   that came after it */
	int		 wanted;	/* with this configuration */
	int		 replaced;	/* its end was asked for */
	uint64_t	 starts;
	int64_t		 born_ms;
	int64_t		 deaths[DEATHS_MAX];	/* loop_now_ms(), a ring */
	uint64_t	 n_deaths;
};

/* The configuration for each process, with the secrets that it has to know. */
struct conf_texts {
	char	*plain;
	char	*token;		/* for frontends */
	char	*secret;	/* for crypto */
};

struct parent {
	const struct options	*options;
	struct conf		*conf;
	struct conf_texts	 conf_texts;
	struct listeners	 listeners;	/* of clients */
	struct listeners	 link_listeners;
	struct directories	 directories;
	struct grants		 grants;
	struct process		*processes;	/* in order of their start */
	size_t			 n_processes;
	int			 daemonised;
	int			 served;	/* "ready" has been said */
	int			 stopping;
	int			 exit_code;
	int64_t			 start_ms;
	uint64_t		 restarts, reloads, reloads_failed;
};
extern struct parent parent;

/* options.c */

/*
 * Reads the command line.  Ends the process for -h, -V and what it does not
 * understand.  Returns 1 when this is to be a child (child_options is filled
 * in), 0 for the parent.
 */
int	options_parse(int, char **, struct options *);

/* config.c */

/* Makes the name of the configuration file independent of the directory. */
void	config_init(const struct options *);

/*
 * Reads and parses the configuration.  At the start, errors and warnings go to
 * standard error as they are; later to the log.  Returns NULL after an error,
 * the first of which is then in why as well.
 */
struct conf *config_load(int starting, char why[WHY_MAX]);

/*
 * The texts for the children.  Returns 0, or -1 when one is larger than a
 * message or memory has run out; then there are none.
 */
int	config_texts(const struct conf *, struct conf_texts *);
/* Frees them; a secret leaves nothing behind. */
void	config_texts_free(struct conf_texts *);

/* Says loudly what everybody should know of it, once. */
void	config_announce(struct conf *);

/* Where it came from, for the log. */
const char *config_name(void);

/* privileges.c */

/* Checks user and chroot directory of the children; fatal() unless usable. */
void	privileges_check(const struct conf *);
const char *privileges_user(const struct conf *);
const char *privileges_chroot(const struct conf *);

/* Makes a directory and those above it that are missing.  Returns 0 or -1. */
int	directories_make(const char *, mode_t);

/* Soft limit of descriptors up to the hard one. */
void	descriptors_raise(void);

/* opening.c */

/*
 * Binds the listen lines of a configuration into an empty list; addresses that
 * are in old keep their socket (the descriptor is duplicated).  Returns 0, or
 * -1 with the reason in why; then the list is empty again and nothing changed.
 */
int	listeners_open(const struct conf *, const struct listeners *old,
	    struct listeners *, char why[WHY_MAX]);

/*
 * The same for the listeners of links.  Built-in ones may be missing, and get
 * a port that is free where theirs is taken.
 */
int	link_listeners_open(const struct conf *, const struct listeners *old,
	    struct listeners *, char why[WHY_MAX]);

/*
 * Unix sockets of old that stay may have got another mode or group: sets these,
 * once nothing can be wrong with the configuration any more.
 */
void	listeners_permit(const struct conf *, const struct listeners *old);

/* The port by which other nodes reach this one, or 0. */
uint16_t link_port(void);

/*
 * Closes and empties a list, and removes the files of its Unix sockets unless
 * keep (may be NULL) has the same address.
 */
void	listeners_free(struct listeners *, const struct listeners *keep);
/* The port of a listener that a browser on this machine reaches, or 0. */
uint16_t listener_local_port(const struct listener *);
/* Says in the log what is listened on since the last time. */
void	listeners_log(struct listeners *);
void	link_listeners_log(struct listeners *);
/* Says in the log what of a list will be listened on no longer. */
void	listeners_log_gone(const struct listeners *,
	    const struct listeners *keep);

/* directories.c */

/*
 * Opens the directories of all files lines.  Returns 0, or -1 with the reason
 * in why; then none is open.
 */
int	directories_open(const struct conf *, struct directories *,
	    char why[WHY_MAX]);
void	directories_close(struct directories *);
/* Whether they are the same ones in the same order. */
int	directories_same(const struct directories *,
	    const struct directories *);
void	directories_send(struct process *);

/* unix_socket.c */

struct unix_file {
	dev_t	dev;
	ino_t	ino;
};

/*
 * Binds and listens on a Unix socket; a file that nobody listens on any more is
 * replaced.  Returns the descriptor, or -1 with the reason in why.
 */
int	unix_open(const struct sockaddr_un *, uint32_t mode, const char *group,
	    struct unix_file *, char why[WHY_MAX]);
/*
 * Listens again, from the process that stays: it is the one that others are
 * told of when they find the socket in use (SO_PEERCRED).
 */
void	unix_listen_again(int fd);
/*
 * Sets mode and group (NULL: our own) of a socket's file.  Returns 0, or -1
 * with why.
 */
int	unix_permit(const char *path, uint32_t mode, const char *group,
	    char why[WHY_MAX]);
/* Whether there is a group of this name.  Returns 0, or -1 with why. */
int	unix_group_check(const char *path, const char *group,
	    char why[WHY_MAX]);
/* Removes the file, but not one that another process has put there. */
void	unix_remove(const char *path, const struct unix_file *);

/* holder.c */

/* " (held by NAME, pid N)", or "" where nobody can tell; static buffer. */
const char *holder_text(const struct sockaddr *);

/* spawning.c */

/* Remembers which file runs, so that an upgrade does not mix versions. */
void	spawning_init(const char *argv0);
/* Makes the table; nothing runs yet. */
void	processes_init(const struct conf *);
/*
 * Starts every process that is missing, gives it its configuration, wires it to
 * the others and tells it to serve.  What the system has no room for now is
 * tried again; at the start of the daemon that is fatal().
 */
void	processes_start(void);
/* How many there are, without the parent. */
size_t	processes_wanted(void);
/*
 * After a change of the configuration: starts or ends the process that serves
 * files, or, where what it serves is other than before, puts a new one in its
 * place.
 */
void	processes_files(const struct conf *, int changed);
struct process *process_find_instance(uint32_t kind, uint32_t instance);
/* Whether it serves with the configuration that it was sent last. */
int	process_is_ready(const struct process *);
/* Whether two processes have a pipe between them. */
int	processes_wired(const struct process *, const struct process *);
/* "router", "frontend 1"; static buffer. */
const char *process_text(const struct process *);
/*
 * Queues a message for a process that is there; a process that has not read
 * what was sent before is killed.  fd is taken.
 */
void	process_send(struct process *, uint32_t type, uint32_t number, int fd,
	    const void *, size_t);
/* The same for all processes of these P_ bits. */
void	processes_send(uint32_t kinds, uint32_t type, uint32_t number,
	    const void *, size_t);
/*
 * CONF, what else belongs to the configuration of such a process, CONF_END;
 * READY is expected after that.
 */
void	process_send_conf(struct process *);
void	process_send_grants(struct process *);
/* Ends a process at once; supervision starts it again. */
void	process_kill(struct process *, const char *why);
/* Frees what belonged to a process that is gone. */
void	process_bury(struct process *);

/* Descriptor of /proc/PID/statm, or -1. */
int	statm_open(pid_t);

/* supervision.c */

void	supervision_init(void);
/* Orderly end of everything, then of the loop. */
void	supervision_stop(int exit_code);
/* Handlers of what children send; spawning.c needs the table. */
extern const struct pipe_phase supervision_phase;
void	supervision_pipe_closed(struct pipe *, const char *why);
void	supervision_late(int, short, void *);

/* background.c */

/* Returns in the background; who started nwsd waits for background_ready(). */
void	background_enter(void);
void	background_ready(void);

/* relay.c */

struct relay *relay_new(int fd);	/* takes fd, also on failure */
void	relay_free(struct relay *);	/* passes on what is left */

/* reload.c */

struct ctl;

/*
 * ctl is who asked, or NULL for SIGHUP.  While one is under way, or the start
 * is, the former is refused and the latter done afterwards.
 */
void	reload_begin(struct ctl *);
/* All processes are READY: if that was what a reload waited for, end it. */
void	reload_ready(void);
/* Whoever asked is gone. */
void	reload_forget(const struct ctl *);

/* control.c */

/* Where the control socket is with this configuration; -1 with why. */
int	control_path(const struct conf *, char *, size_t, char why[WHY_MAX]);
/* Binds the control socket, before there is a loop; 0, or -1 with why. */
int	control_open(const struct conf *, char why[WHY_MAX]);
/* See unix_listen_again(). */
void	control_listen_again(void);
/* Accepts from now on. */
void	control_start(void);
/* Ends all connections and removes the socket. */
void	control_close(void);
void	control_flush(void);
unsigned int control_connections(void);
uint64_t control_refused(void);		/* connections above CONTROL_MAX */
#define CONTROL_MAX	32

/* End of an answer: 0, or a code above it, and a text (may be ""). */
void	ctl_done(struct ctl *, uint32_t code, const char *, ...)
	    __attribute__((__format__(printf, 3, 4)));
/* One row.  Returns -1 when the reader has fallen too far behind. */
int	ctl_row(struct ctl *, const void *, size_t);
/* An event of the parent itself, to all that monitor. */
void	control_event(uint32_t kind, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));
/* One of a child, checked already. */
void	control_event_relay(const void *, size_t);
int	control_monitored(void);

/* request.c */

/*
 * Who asked: a connection of nwsctl(8), which has no other request, or where
 * that is NULL a frontend, by ASK, ASK_ORIGIN or ASK_CLOSE with this number.
 */
struct asker {
	struct ctl	*ctl;
	struct process	*process;
	uint32_t	 number;
};
/* End of an answer, enum answer_code, and a text (may be ""). */
void	asker_done(const struct asker *, uint32_t code, const char *, ...)
	    __attribute__((__format__(printf, 3, 4)));
/* One row.  Returns -1 when the reader has fallen too far behind. */
int	asker_row(const struct asker *, const void *, size_t);

/* Asks the children; the answer goes to who asked. */
void	request_rows(const struct asker *, uint32_t whats);	/* ASK_BIT() */
void	request_close_client(const struct asker *, uint64_t id);
/* How many requests of this process are under way. */
unsigned int request_count(const struct process *);
pipe_handler request_row, request_row_end, request_close_done;
/* A process is gone: it owes nothing any more, and waits for nothing. */
void	request_process_gone(const struct process *);
/* Whoever asked is gone. */
void	request_forget(const struct ctl *);

/* console.c */

/* Makes the token, the same for all frontends as long as nwsd runs. */
void	console_init(void);
void	console_send_token(struct process *);
/* nwsctl console: the whole request with its answer. */
void	console_where(struct ctl *);
pipe_handler console_asked, console_asked_origin, console_asked_close;

/* rows.c */

/* The rows that the parent itself has. */
void	rows_send(const struct asker *, uint32_t what);

/* origins.c */

/* allow, deny, revoke: the whole request with its answer. */
void	origins_change(const struct asker *, const struct msg_origin *,
	    const char *text, size_t len);

void	origins_expire(void);

/* state.c */

/*
 * Path of a file of this name where state is kept.  Returns 0, or -1 with the
 * reason in why.
 */
int	state_path(const char *name, char *buf, size_t, char why[WHY_MAX]);
/*
 * Writes a whole file there: it has the old or the new content, whatever
 * happens meanwhile.  Returns 0, or -1 with the reason in why.
 */
int	state_write(const char *name, const void *, size_t, char why[WHY_MAX]);

/* identity.c */

/*
 * The key of links: at the start, makes the file where it is asked for and
 * missing.  Returns 0, or -1 with the reason in why.
 */
int	identity_prepare(const struct conf *, char why[WHY_MAX]);
/* Sends it to crypto. */
void	identity_send(struct process *);

/* peers.c */

/* nwsctl peer add, del: the whole request with its answer. */
void	peers_change(struct ctl *, uint32_t verb, const char *, size_t);
/* Sends all of them to discovery. */
void	peers_send(struct process *);

/* resolver.c */

/* Sends discovery what this machine knows of names. */
void	resolver_send(struct process *);
/*
 * The payload of RESOLVER, from the text of resolv.conf(5) and of hosts(5),
 * which are written to and may be NULL.  Pure but for memory: malloc'd, or NULL
 * where there is none.
 */
char	*resolver_text(char *resolv_conf, char *hosts, size_t *len);

/* grants_file.c */

void	grants_file_load(struct grants *);
/* Returns 0, or -1 with the reason in why. */
int	grants_file_save(const struct grants *, char why[WHY_MAX]);

/* notify.c */

void	notify_init(void);	/* also takes the variables out of environ */
void	notify_start(void);	/* watchdog, needs the loop */
void	notify_send(const char *, ...)
	    __attribute__((__format__(printf, 1, 2)));
void	notify_reloading(void);

#endif
