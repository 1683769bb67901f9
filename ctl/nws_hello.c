/*
 * The opening handshake of nws(1) on a fresh connection, and its answer said in
 * words.  Trusts nothing of that answer.
 */
#include <bsd/stdlib.h>
#include <err.h>
#include <errno.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "nws.h"

#define BODY_MS		2000
#define BODY_MAX	4096u

/* The first line of the file, without white space around it. */
static char *
read_token(const char *path)
{
	char line[1024], *p = line, *end;
	FILE *f;

	if ((f = fopen(path, "re")) == NULL) {
		warn("%s", path);
		return (NULL);
	}
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	fclose(f);
	p += strspn(p, " \t");
	end = p + strcspn(p, " \t\r\n");
	*end = '\0';
	if (*p == '\0') {
		warnx("%s: no token in its first line", path);
		return (NULL);
	}
	for (end = p; *end != '\0'; end++)
		if (*end < '!' || *end > '~') {
			warnx("%s: a token is printable ASCII", path);
			return (NULL);
		}
	if ((p = strdup(p)) == NULL)
		warn(NULL);
	return (p);
}

static int
send_all(int fd, const struct buf *b, int64_t deadline)
{
	size_t at = 0;
	ssize_t n;

	while (at < b->len) {
		n = send(fd, b->data + at, b->len - at, MSG_NOSIGNAL);
		if (n >= 0)
			at += (size_t)n;
		else if (errno != EAGAIN || wait_for(fd, POLLOUT, deadline))
			return (-1);
	}
	return (0);
}

/* Reads once more; 1, 0 at the end, -1. */
static int
read_more(int fd, struct buf *b, int64_t deadline)
{
	ssize_t n;

	if (wait_for(fd, POLLIN, deadline) == -1)
		return (-1);
	if ((n = recv(fd, buf_room(b, 4096), 4096, 0)) <= 0)
		return (n == 0 ? 0 : -1);
	buf_grew(b, (size_t)n);
	return (1);
}

/* Says why the server refused: its own words if it has any. */
static int
refused(int fd, int status, int64_t length, struct buf *in, size_t head)
{
	struct buf out = { NULL, 0, 0 };
	int64_t deadline = now_ms() + BODY_MS;
	const char *p, *nl;
	size_t n;

	if (length < 0 || length > BODY_MAX)
		length = BODY_MAX;
	while (in->len - head < (size_t)length)
		if (read_more(fd, in, deadline) != 1)
			break;
	p = (const char *)in->data + head;
	n = in->len - head < (size_t)length ? in->len - head : (size_t)length;
	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	while (n > 0) {
		nl = memchr(p, '\n', n);
		text_visible(&out, p, nl != NULL ? (size_t)(nl - p) : n);
		if (nl == NULL)
			break;
		buf_text(&out, "\n     ");
		n -= (size_t)(nl + 1 - p);
		p = nl + 1;
	}
	buf_byte(&out, '\0');
	warnx("refused with status %d%s%s", status, out.len > 1 ? ": " : "",
	    (char *)out.data);
	buf_free(&out);
	return (EXIT_REFUSED);
}

/* Value of Host: what was asked for, with the port where it is not 80. */
static void
host_value(const struct options *o, struct buf *b)
{
	int six = strchr(o->host, ':') != NULL;

	if (o->unix_path != NULL)
		buf_text(b, "localhost");
	else
		buf_printf(b, "%s%s%s:%s", six ? "[" : "", o->host,
		    six ? "]" : "", o->port);
	buf_byte(b, '\0');
}

/* Sends the request, reads the answer; 0 or an exit code. */
static int
converse(const struct options *o, const struct handshake *h, int fd,
    int64_t deadline, struct buf *in)
{
	struct buf request = { NULL, 0, 0 };
	const char *name = o->unix_path != NULL ? o->unix_path : h->host;
	const char *why;
	int64_t length;
	ssize_t head = 0;
	int n, status;

	handshake_request(h, &request);
	n = send_all(fd, &request, deadline);
	buf_free(&request);
	while (n != -1 && head == 0) {
		if ((n = read_more(fd, in, deadline)) == 1 &&
		    (head = handshake_answer(h, (const char *)in->data, in->len,
		    &status, &length, &why)) == -1) {
			warnx("%s: this is not nwsd: %s", name, why);
			return (EXIT_CONNECT);
		}
		if (n == 0) {
			warnx("%s: closed the connection instead of an answer: "
			    "is this where nwsd serves clients?", name);
			return (EXIT_CONNECT);
		}
	}
	if (n == -1) {
		warnx("%s: no answer: %s", name, strerror(errno));
		return (EXIT_CONNECT);
	}
	if (o->verbose)
		warnx("%s: status %d", name, status);
	if (status != 101)
		return (refused(fd, status, length, in, (size_t)head));
	buf_used(in, (size_t)head);
	return (0);
}

int
hello(const struct options *o, int fd, int64_t deadline, struct buf *rest)
{
	struct handshake h = { .channel = o->channel, .binary = o->binary,
	    .presence_off = o->presence_off };
	struct buf host = { NULL, 0, 0 };
	unsigned char nonce[16];
	char *token = NULL;
	int code;

	if (o->token_file != NULL && (token = read_token(o->token_file)) ==
	    NULL)
		return (EXIT_LOCAL);
	arc4random_buf(nonce, sizeof(nonce));
	EVP_EncodeBlock((unsigned char *)h.key, nonce, sizeof(nonce));
	host_value(o, &host);
	h.host = (char *)host.data;
	h.token = token;
	code = converse(o, &h, fd, deadline, rest);
	if (token != NULL)
		explicit_bzero(token, strlen(token));
	free(token);
	buf_free(&host);
	return (code);
}
