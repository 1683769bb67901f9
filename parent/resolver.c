/*
 * What this machine knows of names, for discovery, which has no files: name
 * servers and search domains of resolv.conf(5), and hosts(5).  Read at the
 * start, at a reload, and when discovery is started again.  Runs in the parent;
 * trusts that the administrator wrote the files, not that they are small or
 * well formed.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "parent/parent.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define HOSTS "/etc/hosts"
#define RESOLV_MAX (64u * 1024u)  /* bytes that are read of a file */
#define HOSTS_MAX (512u * 1024u)
#define SERVERS_MAX 8
#define DOMAINS_MAX 8
#define HOST_LINES_MAX 4096
#define HOST_NAMES_MAX 32 /* in a line */
#define NAME_MAX_BYTES 253 /* RFC 1035, 2.3.4, without the last dot */
#define BLANKS " \t\r\f\v"

/* One reading. */
struct reading {
	FILE *out;
	unsigned int servers, n_domains, hosts;
	const char *domains[DOMAINS_MAX]; /* in the text that is read */
};

/* The beginning of a file, with NUL at its end; NULL where there is none. */
static char *
read_text(const char *path, size_t max)
{
	struct stat st;
	char *text = NULL;
	size_t len = 0;
	ssize_t n;
	int fd;

	/* Nonblocking: whatever it is, the parent waits for nobody. */
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1) {
		if (errno != ENOENT)
			log_warn("%s", path);
		return (NULL);
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (text = malloc(max + 1)) != NULL) {
		while (len < max && (n = read(fd, text + len, max - len)) > 0)
			len += (size_t)n;
		/* A line that is cut could be another address. */
		if (len == max)
			while (len > 0 && text[len - 1] != '\n')
				len--;
		text[len] = '\0';
	}
	close(fd);
	return (text);
}

/* An address in numbers; of a name server it may have a zone. */
static int
is_address(const char *s, int zone)
{
	struct in6_addr in;
	char addr[INET6_ADDRSTRLEN];
	size_t n = strcspn(s, "%");

	if (n >= sizeof(addr))
		return (0);
	memcpy(addr, s, n);
	addr[n] = '\0';
	if (s[n] == '%' &&
	    (!zone || s[n + 1] == '\0' || strlen(s + n + 1) >= IF_NAMESIZE ||
		strchr(addr, ':') == NULL))
		return (0);
	return (inet_pton(AF_INET, addr, &in) == 1 ||
	    inet_pton(AF_INET6, addr, &in) == 1);
}

/* What is no name of a host is left out, so that the text stays simple. */
static int
is_name(const char *s)
{
	size_t i;

	for (i = 0; s[i] != '\0'; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') ||
			(s[i] >= 'A' && s[i] <= 'Z') ||
			(s[i] >= '0' && s[i] <= '9') ||
			strchr("._-", s[i]) != NULL))
			return (0);
	return (i > 0 && i <= NAME_MAX_BYTES);
}

/* "nameserver ADDRESS", "search DOMAIN ...", "domain DOMAIN" */
static void
resolv_line(struct reading *r, char *line)
{
	char *save, *word = strtok_r(line, BLANKS, &save);

	if (word == NULL)
		return;
	if (strcmp(word, "nameserver") == 0) {
		word = strtok_r(NULL, BLANKS, &save);
		if (word == NULL || !is_address(word, 1) ||
		    r->servers == SERVERS_MAX)
			return;
		fprintf(r->out, "nameserver %s\n", word);
		r->servers++;
		return;
	}
	if (strcmp(word, "search") != 0 && strcmp(word, "domain") != 0)
		return;
	/* Of several lines the last one counts. */
	r->n_domains = 0;
	while ((word = strtok_r(NULL, BLANKS, &save)) != NULL &&
	    r->n_domains < DOMAINS_MAX) {
		if (is_name(word))
			r->domains[r->n_domains++] = word;
	}
}

/* "ADDRESS NAME ..." */
static void
hosts_line(struct reading *r, char *line)
{
	char *save, *address = strtok_r(line, BLANKS, &save), *word;
	int names = 0;

	if (address == NULL || !is_address(address, 0) ||
	    r->hosts == HOST_LINES_MAX)
		return;
	while ((word = strtok_r(NULL, BLANKS, &save)) != NULL &&
	    names < HOST_NAMES_MAX) {
		if (!is_name(word))
			continue;
		if (names++ == 0)
			fprintf(r->out, "host %s", address);
		fprintf(r->out, " %s", word);
	}
	if (names == 0)
		return;
	fputc('\n', r->out);
	r->hosts++;
}

static void
each_line(struct reading *r, char *text, const char *comment,
    void (*line)(struct reading *, char *))
{
	char *next, *p;

	for (p = text; p != NULL; p = next) {
		if ((next = strchr(p, '\n')) != NULL)
			*next++ = '\0';
		p[strcspn(p, comment)] = '\0';
		line(r, p);
	}
}

char *
resolver_text(char *resolv_conf, char *hosts, size_t *len)
{
	struct reading r;
	char *text = NULL;
	unsigned int i;

	memset(&r, 0, sizeof(r));
	if ((r.out = open_memstream(&text, len)) == NULL)
		return (NULL);
	if (resolv_conf != NULL)
		each_line(&r, resolv_conf, "#;", resolv_line);
	for (i = 0; i < r.n_domains; i++)
		fprintf(r.out, "search %s\n", r.domains[i]);
	if (hosts != NULL)
		each_line(&r, hosts, "#", hosts_line);
	if (fclose(r.out) == 0 && *len <= MSG_TEXT_MAX)
		return (text);
	free(text);
	return (NULL);
}

void
resolver_send(struct process *p)
{
	char *resolv_conf = read_text(RESOLV_CONF, RESOLV_MAX);
	char *hosts = read_text(HOSTS, HOSTS_MAX);
	char *text;
	size_t len;

	if ((text = resolver_text(resolv_conf, hosts, &len)) != NULL)
		process_send(p, MSG_RESOLVER, 0, -1, text, len);
	else
		log_warnx("resolver: out of memory");
	free(text);
	free(resolv_conf);
	free(hosts);
}
