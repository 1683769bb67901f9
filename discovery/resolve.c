/*
 * Names of configured peers.  Run by the discovery process, which cannot open
 * files: the parent sends what it read in resolv.conf(5) and hosts(5).  Those
 * lines are trusted as far as this machine's own files are; answers of name
 * servers are from outside, libevent reads them.
 */
#include <sys/queue.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <event2/dns.h>
#include <event2/util.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <bsd/string.h>

#include "common/log.h"
#include "common/loop.h"
#include "discovery/counters.h"
#include "discovery/interfaces.h"
#include "discovery/resolve.h"

#define WORD_MAX	256
#define DNS_PORT	53

struct host {
	SLIST_ENTRY(host)	 entry;
	struct dial_address	 address;
	char			 name[];
};
SLIST_HEAD(host_list, host);

struct resolve {
	resolve_done			*done;
	void				*arg;	/* done NULL: cancelled */
	struct evdns_getaddrinfo_request *request;
	int				 within;	/* resolve_start */
};

static struct {
	struct host_list	 hosts;		/* in the order of the lines */
	struct host		*last;
	size_t			 nhosts, nservers, nsearch;
	uint64_t		 left_out;
	struct evdns_base	*base;
	char			*text;		/* NULL: no zone in it */
	size_t			 len;
} names;

/*
 * Literals
 */

static int
scope_find(const char *zone, uint32_t *scope)
{
	const struct interface *i;
	unsigned long v;
	char *end;

	if ((i = interface_find_name(zone, strlen(zone))) != NULL) {
		*scope = i->index;
		return (0);
	}
	errno = 0;
	v = strtoul(zone, &end, 10);
	if (zone[0] < '1' || zone[0] > '9' || *end != '\0' || errno != 0 ||
	    v > INT32_MAX)
		return (-1);
	*scope = (uint32_t)v;
	return (0);
}

int
resolve_literal(const char *host, struct dial_address *a)
{
	char text[INET6_ADDRSTRLEN];
	const char *zone;
	size_t len;

	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, host, a->addr + 12) == 1) {
		a->addr[10] = a->addr[11] = 0xff;
		return (0);
	}
	zone = strchr(host, '%');
	len = zone != NULL ? (size_t)(zone - host) : strlen(host);
	if (len >= sizeof(text))
		return (-1);
	memcpy(text, host, len);
	text[len] = '\0';
	if (inet_pton(AF_INET6, text, a->addr) != 1)
		return (-1);
	return (zone == NULL ? 0 : scope_find(zone + 1, &a->scope));
}

/*
 * Lines
 */

/* The next word of a line, in buf: 1, or 0 after the last one. */
static int
word_next(const char **p, const char *end, char buf[WORD_MAX])
{
	size_t n = 0;

	while (*p < end && (**p == ' ' || **p == '\t' || **p == '\r'))
		++*p;
	for (; *p < end && **p != ' ' && **p != '\t' && **p != '\r'; ++*p)
		if (n < WORD_MAX)
			buf[n++] = **p;
	/* One that is too long is no name and no address. */
	if (n == WORD_MAX)
		n = 0;
	buf[n] = '\0';
	return (n > 0);
}

static void
host_add(const struct dial_address *a, const char *name)
{
	size_t size = strlen(name) + 1;
	struct host *h;

	if (names.nhosts == RESOLVE_HOSTS_MAX ||
	    (h = malloc(sizeof(*h) + size)) == NULL) {
		names.left_out++;
		return;
	}
	h->address = *a;
	memcpy(h->name, name, size);
	if (names.last == NULL)
		SLIST_INSERT_HEAD(&names.hosts, h, entry);
	else
		SLIST_INSERT_AFTER(names.last, h, entry);
	names.last = h;
	names.nhosts++;
}

static int
line_host(const char *p, const char *end)
{
	struct dial_address a;
	char word[WORD_MAX];
	int n = 0;

	if (!word_next(&p, end, word) || resolve_literal(word, &a) == -1)
		return (-1);
	for (; word_next(&p, end, word); n++)
		host_add(&a, word);
	return (n > 0 ? 0 : -1);
}

static void
server_log(int warning, const char *text)
{
	if (warning)
		log_debug("%s", log_vis(text, strlen(text)));
}

static int
base_make(void)
{
	if (names.base != NULL)
		return (0);
	evdns_set_log_fn(server_log);
	names.base = evdns_base_new(loop_base(), 0);
	return (names.base == NULL ? -1 : 0);
}

/* As an address, since libevent would ask the kernel about a zone's name. */
static int
server_add(const struct dial_address *a)
{
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;

	if (dial_is_v6(a)) {
		memset(&sin6, 0, sizeof(sin6));
		sin6.sin6_family = AF_INET6;
		sin6.sin6_port = htons(DNS_PORT);
		sin6.sin6_scope_id = a->scope;
		memcpy(&sin6.sin6_addr, a->addr, sizeof(a->addr));
		return (evdns_base_nameserver_sockaddr_add(names.base,
		    (struct sockaddr *)&sin6, sizeof(sin6), 0));
	}
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_port = htons(DNS_PORT);
	memcpy(&sin.sin_addr, a->addr + 12, 4);
	return (evdns_base_nameserver_sockaddr_add(names.base,
	    (struct sockaddr *)&sin, sizeof(sin), 0));
}

static int
line_server(const char *p, const char *end)
{
	struct dial_address a;
	char word[WORD_MAX];

	if (!word_next(&p, end, word) || resolve_literal(word, &a) == -1)
		return (-1);
	if (names.nservers == RESOLVE_SERVERS_MAX)
		return (0);
	if (base_make() == -1 || server_add(&a) != 0) {
		log_debug("name server %s: cannot be used", word);
		return (0);
	}
	names.nservers++;
	return (0);
}

static int
line_search(const char *p, const char *end)
{
	char word[WORD_MAX];

	if (!word_next(&p, end, word))
		return (-1);
	if (names.nsearch == RESOLVE_SEARCH_MAX || base_make() == -1)
		return (0);
	evdns_base_search_add(names.base, word);
	names.nsearch++;
	return (0);
}

static void
forget(void)
{
	struct host *h;

	while ((h = SLIST_FIRST(&names.hosts)) != NULL) {
		SLIST_REMOVE_HEAD(&names.hosts, entry);
		free(h);
	}
	names.last = NULL;
	names.nhosts = names.nservers = names.nsearch = 0;
	names.left_out = 0;
	if (names.base == NULL)
		return;
	(void)evdns_base_clear_nameservers_and_suspend(names.base);
	evdns_base_search_clear(names.base);
}

static size_t
take_lines(const char *text, size_t len)
{
	const char *p = text, *all = text + len, *end;
	char word[WORD_MAX];
	size_t unknown = 0;
	int r;

	forget();
	for (; p < all; p = end < all ? end + 1 : all) {
		if ((end = memchr(p, '\n', (size_t)(all - p))) == NULL)
			end = all;
		if (!word_next(&p, end, word))
			continue;
		if (strcmp(word, "nameserver") == 0)
			r = line_server(p, end);
		else if (strcmp(word, "search") == 0)
			r = line_search(p, end);
		else if (strcmp(word, "host") == 0)
			r = line_host(p, end);
		else
			r = -1;
		if (r == -1)
			unknown++;
	}
	if (names.base != NULL)
		(void)evdns_base_resume(names.base);
	return (unknown);
}

size_t
resolve_configure(const char *text, size_t len)
{
	free(names.text);
	names.text = NULL;
	names.len = len;
	if (len > 0 && memchr(text, '%', len) != NULL &&
	    (names.text = malloc(len)) != NULL)
		memcpy(names.text, text, len);
	return (take_lines(text, len));
}

/* At the start, the lines come before the kernel has told of interfaces. */
void
resolve_interfaces(void)
{
	if (names.text != NULL)
		(void)take_lines(names.text, names.len);
}

void
resolve_stats(size_t *used, uint64_t *left_out)
{
	*used = names.nhosts;
	*left_out = names.left_out;
}

/*
 * Questions
 */

/* Room is there as long as DIAL_ADDRESSES_MAX is not reached. */
static void
address_add(struct dial_address *list, size_t *n, const struct dial_address *a)
{
	size_t i;

	for (i = 0; i < *n; i++)
		if (dial_same(&list[i], a))
			return;
	if (*n < DIAL_ADDRESSES_MAX)
		list[(*n)++] = *a;
}

static size_t
hosts_find(const char *name, struct dial_address *list)
{
	const struct host *h;
	size_t n = 0;

	SLIST_FOREACH(h, &names.hosts, entry)
		if (strcasecmp(h->name, name) == 0)
			address_add(list, &n, &h->address);
	return (n);
}

static size_t
answer_collect(const struct evutil_addrinfo *ai, struct dial_address *list)
{
	const struct sockaddr_in6 *sin6;
	const struct sockaddr_in *sin;
	struct dial_address a;
	size_t n = 0;

	for (; ai != NULL; ai = ai->ai_next) {
		memset(&a, 0, sizeof(a));
		if (ai->ai_family == AF_INET6) {
			sin6 = (const struct sockaddr_in6 *)ai->ai_addr;
			memcpy(a.addr, &sin6->sin6_addr, sizeof(a.addr));
		} else if (ai->ai_family == AF_INET) {
			sin = (const struct sockaddr_in *)ai->ai_addr;
			a.addr[10] = a.addr[11] = 0xff;
			memcpy(a.addr + 12, &sin->sin_addr, 4);
		} else
			continue;
		address_add(list, &n, &a);
	}
	return (n);
}

static const char *
error_text(int error)
{
	switch (error) {
	case 0:
	case EVUTIL_EAI_NODATA:
		return ("the name has no address");
	case EVUTIL_EAI_NONAME:
		return ("no such name");
	case EVUTIL_EAI_AGAIN:
		return ("no name server answers");
	default:
		return (evutil_gai_strerror(error));
	}
}

static void
answer_cb(int error, struct evutil_addrinfo *ai, void *arg)
{
	struct dial_address list[DIAL_ADDRESSES_MAX];
	struct resolve *r = arg;
	size_t n;

	n = answer_collect(ai, list);
	if (ai != NULL)
		evutil_freeaddrinfo(ai);
	r->request = NULL;
	if (r->done != NULL)
		r->done(r->arg, list, n, n > 0 ? NULL : error_text(error));
	r->done = NULL;
	if (!r->within)
		free(r);
}

/* RFC 6762, 3: these are not for name servers. */
static int
is_local(const char *host)
{
	size_t len = strlen(host);

	if (len > 0 && host[len - 1] == '.')
		len--;
	return (len >= 6 && strncasecmp(host + len - 6, ".local", 6) == 0);
}

static struct resolve *
ask(const char *host, resolve_done *done, void *arg)
{
	static const struct evutil_addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_protocol = IPPROTO_TCP
	};
	struct resolve *r;

	if ((r = calloc(1, sizeof(*r))) == NULL) {
		done(arg, NULL, 0, "out of memory");
		return (NULL);
	}
	r->done = done;
	r->arg = arg;
	r->within = 1;
	discovery_counters.resolves++;
	r->request = evdns_getaddrinfo(names.base, host, NULL, &hints,
	    answer_cb, r);
	r->within = 0;
	if (r->done != NULL && r->request != NULL)
		return (r);
	/* Answered already, or it never will be. */
	if (r->done != NULL)
		r->done(arg, NULL, 0, "the name cannot be asked for");
	free(r);
	return (NULL);
}

struct resolve *
resolve_start(const char *host, resolve_done *done, void *arg)
{
	struct dial_address list[DIAL_ADDRESSES_MAX];
	size_t n = 0;

	if (resolve_literal(host, &list[0]) == 0)
		n = 1;
	else if (strchr(host, '%') != NULL) {
		done(arg, NULL, 0, "there is no such interface");
		return (NULL);
	} else
		n = hosts_find(host, list);
	if (n > 0) {
		done(arg, list, n, NULL);
		return (NULL);
	}
	if (is_local(host)) {
		done(arg, NULL, 0, "names in .local are not looked up: "
		    "nodes on this network are found without a peer line");
		return (NULL);
	}
	if (names.nservers == 0) {
		done(arg, NULL, 0, "no name server is known");
		return (NULL);
	}
	return (ask(host, done, arg));
}

void
resolve_cancel(struct resolve *r)
{
	if (r == NULL)
		return;
	/* The callback comes all the same, and frees it. */
	r->done = NULL;
	if (r->request != NULL)
		evdns_getaddrinfo_cancel(r->request);
}
