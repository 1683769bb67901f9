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
#define CONF_LINK_PORT		9010
#define CONF_FILE		"/etc/nwsd.conf"
#define CONF_USER		"_nwsd"
#define CONF_CHROOT		"/var/empty/nwsd"
#define CONF_PREFORK_MAX	64
#define CONF_CHANNEL_NAME_MAX	255
#define CONF_FILES_MAX		64
#define CONF_FILES_PATH_MAX	255

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
	int			 local;		/* 1: of this machine alone */
	char			*secret;	/* or NULL */
};

/* Which interfaces discovery uses; the first that matches decides. */
struct conf_interface {
	TAILQ_ENTRY(conf_interface) entry;
	char			*pattern;	/* fnmatch(3), of the name */
	int			 allow;
};

/* A node to dial where multicast does not pass. */
struct conf_peer {
	TAILQ_ENTRY(conf_peer)	 entry;
	char			*host;		/* name or literal address */
	uint16_t		 port;
};

enum conf_console { CONSOLE_OFF, CONSOLE_READ_ONLY, CONSOLE_ON };

/* A directory whose files are served. */
struct conf_files {
	TAILQ_ENTRY(conf_files)	 entry;
	char			*directory;	/* absolute */
	char			*at;		/* /name or /name/name... */
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
	TAILQ_HEAD(, conf_listen)	 link_listens;
	TAILQ_HEAD(, conf_interface)	 interfaces;
	TAILQ_HEAD(, conf_peer)		 peers;
	TAILQ_HEAD(, conf_files)	 files;
	int		 origin_any;	/* scope of "allow origin any", or 0 */
	char		*control;	/* path; NULL is conf_control_path() */
	uint32_t	 control_mode;	/* 0600 */
	char		*user, *chroot;	/* NULL is CONF_USER, CONF_CHROOT */
	char		*native_token;	/* or NULL */
	uint32_t	 prefork;	/* 1 */
	int		 echo, deflate, metrics;	/* off */
	uint32_t	 console;	/* enum conf_console, CONSOLE_ON */
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
	struct conf_rate rate_client, rate_origin, rate_address; /* none */
	struct conf_rate rate_link;	/* of each link, 200000 */
	int		 link;		/* 1: links are made and accepted */
	int		 discovery;	/* 1: mDNS; peers are dialled always */
	int		 identity_persistent; /* 0: a fresh key at each start */
	uint32_t	 max_links;	/* 256 */
	uint32_t	 max_remote;	/* peers of other machines, 10000 */
	uint32_t	 link_queue;	/* bytes for each link, 16M */
	uint32_t	 link_queue_total; /* bytes of all links, 256M */
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
 * The tree as text that parses again to the same tree, but for the secrets that
 * are not asked for; malloc'd, NULL when out of memory.
 */
#define CONF_TOKEN	0x1u	/* that of native programs */
#define CONF_SECRETS	0x2u	/* those of channels */
#define CONF_ALL	(CONF_TOKEN | CONF_SECRETS)
char		*conf_print(const struct conf *, uint32_t secrets);

/*
 * Whether an interface is one to use: what interface lines say, else all but
 * loopback and docker*, veth*, br-*, virbr*, tun*, wg*.
 */
int		 conf_interface_allowed(const struct conf *, const char *name,
		    int loopback);

/*
 * "host", "host:port", "[::1]:port", "[fe80::1%eth0]:port" as a peer; host is
 * malloc'd.  Returns 0, or -1 with *why set to what was expected.
 */
int		 conf_peer_parse(const char *, size_t, char **host,
		    uint16_t *port, const char **why);

/* The same as text, which fits in MSG_PEER_MAX + 1 bytes; returns buf. */
char		*conf_peer_text(const char *host, uint16_t port, char *buf,
		    size_t);

/*
 * The files line that a path of the client listeners belongs to, the one with
 * the longest match: *number counts from 0, *rest is what follows its "/", or
 * NULL where the path is just what the line has.  Returns NULL for none.
 */
const struct conf_files *conf_files_find(const struct conf *, const char *path,
		    size_t len, uint32_t *number, const char **rest);

/* Whether two configurations have the same files lines. */
int		 conf_files_same(const struct conf *, const struct conf *);

/* Whether the listeners of links are those without a line in the file. */
int		 conf_link_is_builtin(const struct conf *);

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
