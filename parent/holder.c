/*
 * Who holds a TCP address that could not be bound, from /proc, for the error
 * message.  Runs in the parent; what it finds is only printed.
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parent/parent.h"

#define ADDRESS_TEXT 33 /* bytes, with NUL: 128 bits in hexadecimal */

/* An address as proc_net(5) has it: words of 32 bits, as they are in memory. */
static void
address_text(const struct sockaddr *sa, char out[ADDRESS_TEXT], unsigned *port)
{
	uint32_t words[4];
	size_t i, n;

	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)sa;

		memcpy(words, &in6->sin6_addr, n = sizeof(in6->sin6_addr));
		*port = ntohs(in6->sin6_port);
	} else {
		const struct sockaddr_in *in = (const void *)sa;

		memcpy(words, &in->sin_addr, n = sizeof(in->sin_addr));
		*port = ntohs(in->sin_port);
	}
	for (i = 0; i < n / sizeof(words[0]); i++)
		snprintf(out + 8 * i, ADDRESS_TEXT - 8 * i, "%08X", words[i]);
}

static int
is_any(const char *text)
{
	return (text[strspn(text, "0")] == '\0');
}

/* Inode and user of the socket that listens there, from one file. */
static int
find_listening(const char *file, const char *addr, unsigned int port,
    unsigned long *inode, unsigned int *uid)
{
	FILE *f;
	char line[512], at[ADDRESS_TEXT];
	unsigned int at_port, state;
	int found = 0;

	if ((f = fopen(file, "re")) == NULL)
		return (0);
	while (!found && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line,
			" %*u: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x "
			"%*x:%*x %*x:%*x %*x %u %*u %lu",
			at, &at_port, &state, uid, inode) != 5)
			continue;
		found = state == 0x0a && at_port == port &&
		    (strcmp(at, addr) == 0 || is_any(at) || is_any(addr));
	}
	fclose(f);
	return (found);
}

/* Whether a process has a descriptor of this name, "socket:[123]". */
static int
has_socket(const char *pid, const char *name)
{
	DIR *dir;
	struct dirent *e;
	char path[300], link[64];
	ssize_t n;
	int found = 0;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	if ((dir = opendir(path)) == NULL)
		return (0);
	while (!found && (e = readdir(dir)) != NULL) {
		n = readlinkat(dirfd(dir), e->d_name, link, sizeof(link) - 1);
		if (n == -1)
			continue;
		link[n] = '\0';
		found = strcmp(link, name) == 0;
	}
	closedir(dir);
	return (found);
}

static void
process_name_of(const char *pid, char *out, size_t size)
{
	FILE *f;
	char path[300];

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	snprintf(out, size, "a process");
	if ((f = fopen(path, "re")) == NULL)
		return;
	if (fgets(out, (int)size, f) != NULL)
		out[strcspn(out, "\n")] = '\0';
	fclose(f);
}

static int
find_process(unsigned long inode, char *out, size_t size)
{
	DIR *proc;
	struct dirent *e;
	char socket_name[64], comm[32];
	int found = 0;

	snprintf(socket_name, sizeof(socket_name), "socket:[%lu]", inode);
	if ((proc = opendir("/proc")) == NULL)
		return (0);
	while (!found && (e = readdir(proc)) != NULL) {
		if (!isdigit((unsigned char)e->d_name[0]) ||
		    !has_socket(e->d_name, socket_name))
			continue;
		process_name_of(e->d_name, comm, sizeof(comm));
		snprintf(out, size, " (held by %s, pid %s)", comm, e->d_name);
		found = 1;
	}
	closedir(proc);
	return (found);
}

const char *
holder_text(const struct sockaddr *sa)
{
	static char text[320];
	char addr[ADDRESS_TEXT];
	unsigned long inode = 0;
	unsigned int port, uid = 0;
	int found;

	text[0] = '\0';
	address_text(sa, addr, &port);
	found = find_listening(
	    sa->sa_family == AF_INET6 ? "/proc/net/tcp6" : "/proc/net/tcp",
	    addr, port, &inode, &uid);
	/* An IPv6 socket for any address may hold the IPv4 port as well. */
	if (!found && sa->sa_family == AF_INET)
		found = find_listening(
		    "/proc/net/tcp6", "-", port, &inode, &uid);
	if (found && !find_process(inode, text, sizeof(text)))
		snprintf(
		    text, sizeof(text), " (held by a process of user %u)", uid);
	return (text);
}
