/*
 * Web origins (RFC 6454) and host names, pure: parsed into (scheme, host, port)
 * and compared as that, never as text; and the list of those granted at run
 * time with its text form, which is also the file that keeps it.
 */
#ifndef COMMON_ORIGIN_H
#define COMMON_ORIGIN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define ORIGIN_HOST_MAX	255

/* What a grant is good for. */
#define SCOPE_CHANNELS		0x1u
#define SCOPE_LIBP2P		0x2u
#define SCOPE_SIGNALLING	0x4u
#define SCOPE_POLYSOCKET	0x8u
#define SCOPE_ALL		0xfu

struct origin {
	char		scheme[32];	/* lower case */
	char		host[ORIGIN_HOST_MAX + 1]; /* lower case; IPv6 in [] */
	uint16_t	port;		/* default of the scheme if not given,
					   0 where it has none */
	int		opaque;		/* "null": no tuple at all */
};

/* An origin whose host may begin with "*." (at least one more label). */
struct origin_pattern {
	struct origin	origin;
	int		wildcard;	/* host is what follows "*." */
};

/*
 * Parse the value of one Origin header field: scheme "://" host [":" port], or
 * "null".  No path, no user, no list, no white space; port 1 to 65535; host a
 * name of LDH labels without trailing dot, an IPv4 literal or an IPv6 literal
 * in brackets (kept in the form of inet_ntop(3)).  Returns 0 or -1.
 */
int	origin_parse(const char *, size_t, struct origin *);

/* The same with a "*." allowed in front; never "*" alone or elsewhere. */
int	origin_pattern_parse(const char *, size_t, struct origin_pattern *);

/* Canonical text, port left out where it is the scheme's; returns buf. */
char	*origin_text(const struct origin *, char *buf, size_t);
char	*origin_pattern_text(const struct origin_pattern *, char *buf, size_t);

int	origin_equal(const struct origin *, const struct origin *);
int	origin_matches(const struct origin_pattern *, const struct origin *);

/* http or https on localhost, *.localhost, 127.0.0.0/8 or [::1], any port. */
int	origin_is_local(const struct origin *);

/*
 * Parse the value of a Host header field (RFC 9110, 7.2) into a lower-case host
 * and a port, 0 if absent.  Strict like origin_parse().  Returns 0 or -1.
 */
int	host_parse(const char *, size_t, char host[ORIGIN_HOST_MAX + 1],
	    uint16_t *port);

/* localhost, *.localhost, 127.0.0.0/8, [::1]. */
int	host_is_local(const char *host);

/* "channels", "libp2p", ...: a bit, or 0; and a space-separated list. */
uint32_t scope_find(const char *, size_t);
char	*scope_text(uint32_t, char *buf, size_t);

/* What the person decided at run time, in order of decision. */
struct grant {
	TAILQ_ENTRY(grant)	entry;
	struct origin_pattern	pattern;
	uint32_t		scope;
	int64_t			expires;	/* Unix time, 0 never */
	int			deny;
};
TAILQ_HEAD(grants, grant);

#define GRANTS_MAX	1000

/* Adds or replaces; returns 0, -1 when out of memory or at GRANTS_MAX. */
int	grants_set(struct grants *, const struct origin_pattern *,
	    uint32_t scope, int64_t expires, int deny);
/* Returns 0, or -1 when there is none. */
int	grants_remove(struct grants *, const struct origin_pattern *);
void	grants_expire(struct grants *, int64_t now);
void	grants_free(struct grants *);

/*
 * One line each: allow|deny ORIGIN scope NAME... [until UNIXTIME], with "#"
 * comments.  The text is malloc'd.  grants_parse() appends to the list and
 * returns 0, or -1 with the number of the first bad line in *line; the good
 * ones before it are kept.
 */
char	*grants_print(const struct grants *);
int	grants_parse(struct grants *, const char *, size_t, int *line);

/* The decision for an origin: 1 allowed, 0 unknown, -1 denied (denial wins). */
int	grants_decide(const struct grants *, const struct origin *,
	    uint32_t scope, int64_t now);

#endif
