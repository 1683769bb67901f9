/*
 * nwsd.conf(5): the configuration as a tree, its parser and its printer.
 *
 * conf_parse() is pure but for include files, which only the parent lets it
 * open.  The parent sends the printed tree to its children, which parse that,
 * so the printer and the parser side by side are also the encoding on the pipe:
 * conf_print() of any tree parses again to the same tree.
 */
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "origin.h"

#define CONF_PORT		9009
#define CONF_FILE		"/etc/nwsd.conf"
#define CONF_USER		"_nwsd"
#define CONF_CHROOT		"/var/empty/nwsd"
#define CONF_PREFORK_MAX	64
#define CONF_CHANNEL_NAME_MAX	255

struct conf_listen {
	TAILQ_ENTRY(conf_listen) entry;
	struct sockaddr_storage	 addr;	/* AF_INET, AF_INET6 or AF_UNIX */
	socklen_t		 addr_len;
	uint32_t		 mode;	/* of a Unix socket, 0666 */
	char			*group;	/* of a Unix socket, or NULL */
	int			 optional; /* built-in: may fail to bind */
};

struct conf_origin {
	TAILQ_ENTRY(conf_origin) entry;
	struct origin_pattern	 pattern;
	uint32_t		 scope;	/* SCOPE_ bits */
	int			 deny;
};

struct conf_host {
	TAILQ_ENTRY(conf_host)	 entry;
	char			*name;	/* lower case, without port */
};

struct conf_channel {
	TAILQ_ENTRY(conf_channel) entry;
	char			*name;
	int			 presence;	/* 1 unless off */
};

/* Messages for each second, and how many at once; rate 0 is no limit. */
struct conf_rate {
	uint32_t	rate, burst;
};

struct conf {
	TAILQ_HEAD(, conf_listen)	 listens;
	TAILQ_HEAD(, conf_origin)	 origins;
	TAILQ_HEAD(, conf_host)		 hosts;
	TAILQ_HEAD(, conf_channel)	 channels;
	int		 origin_any;	/* scope of "allow origin any", or 0 */
	char		*control;	/* path; NULL is conf_control_path() */
	uint32_t	 control_mode;	/* 0600 */
	char		*user, *chroot;	/* NULL is CONF_USER, CONF_CHROOT */
	char		*native_token;	/* or NULL */
	uint32_t	 prefork;	/* 1 */
	int		 echo, deflate, metrics;	/* off */
	uint32_t	 max_message;	/* bytes, 256K */
	uint32_t	 max_head;	/* bytes of an HTTP head, 16K */
	uint32_t	 max_clients;	/* 10000 */
	uint32_t	 max_clients_origin, max_clients_address; /* 0 none */
	uint32_t	 max_channels;	/* 10000 */
	uint32_t	 max_handshakes; /* unfinished, each frontend, 512 */
	uint32_t	 queue_limit;	/* bytes for each client, 1M */
	uint32_t	 queue_soft, queue_soft_s; /* 0: no soft limit */
	uint32_t	 queue_total;	/* bytes, each frontend, 256M */
	int		 slow_drop;	/* 0 close 1013, 1 drop oldest */
	uint32_t	 ping_s, gone_s; /* 54, 60 */
	uint32_t	 handshake_s;	/* 10 */
	struct conf_rate rate_client, rate_origin, rate_address;
	int		 allow_any_said; /* parent: logged already */
};

/*
 * Opens an include file, or returns NULL with errno set.  path is absolute, or
 * relative to the folder of the main file.  The children and the fuzzer pass
 * NULL instead of a function: then include is an error.
 */
typedef FILE *conf_opener(const char *path, void *arg);

/*
 * Parses n bytes of text that came from `name` (for messages).  defs are
 * "macro=value" strings of -D, NULL-terminated, or NULL.  Returns the new tree
 * (defaults filled in; built-in listeners where the text has none), or NULL;
 * then each error has been given to report as
 * "file:line: what is wrong, what was expected" (at most 20, no newline).
 */
struct conf	*conf_parse(const char *name, const char *text, size_t n,
		    const char *const *defs, conf_opener *opener,
		    void *opener_arg,
		    void (*report)(const char *line, void *arg), void *arg);

/* The built-in configuration. */
struct conf	*conf_default(void);

/*
 * The tree as text that parses again to the same tree; malloc'd, NULL when out
 * of memory.
 */
char		*conf_print(const struct conf *);

void		 conf_free(struct conf *);

/* Settings of a channel; never NULL (defaults where there is no block). */
const struct conf_channel *conf_channel(const struct conf *, const char *,
		    size_t);

/*
 * Where the control socket is unless configured: /run/nwsd/nwsd.ctl for root,
 * $XDG_RUNTIME_DIR/nwsd.ctl or /tmp/nwsd-UID/ctl for others.  Returns -1 when
 * it does not fit.
 */
int		 conf_control_path(char *, size_t);

/* "127.0.0.1 port 9009", "::1 port 9009", "unix /path": static buffer. */
const char	*conf_listen_text(const struct conf_listen *);

/* Whether a byte string is a channel name (nws-protocol(7)). */
int		 channel_name_valid(const char *, size_t);

#endif
