/*
 * wsload: client connections: opening with the WebSocket handshake (RFC 6455,
 * 4.1), the output buffer, and what the event loop reports about a socket.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wsload.h"

#define KEY		"dGhlIHNhbXBsZSBub25jZQ=="
#define KEY_ACCEPT	"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

static uint8_t *recv_buf;

void
conn_init(void)
{
	recv_buf = xcalloc(1, RECV_BUF);
}

/* Room for n more bytes of output; the caller advances out_len. */
uint8_t *
conn_reserve(struct conn *c, size_t n)
{
	if (c->out_off == c->out_len)
		c->out_off = c->out_len = 0;
	if (c->out_len + n > c->out_cap) {
		c->out_cap = (c->out_len + n) * 2;
		c->out = xrealloc(c->out, c->out_cap);
	}
	return (c->out + c->out_len);
}

/* Resets the connection, so that thousands leave no TIME_WAIT behind. */
void
conn_close(struct conn *c, bool failed)
{
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	if (c->state == CLOSED)
		return;
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(c->fd);
	c->fd = -1;
	c->state = CLOSED;
	if (failed)
		counters.closed++;
}

void
conn_flush(struct conn *c)
{
	ssize_t n;

	while (c->out_off < c->out_len) {
		n = send(c->fd, c->out + c->out_off, c->out_len - c->out_off,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n == -1) {
			if (errno != EAGAIN && errno != ENOTCONN)
				conn_close(c, true);
			else
				c->out_wanted = true;
			return;
		}
		c->out_off += (size_t)n;
	}
	c->out_wanted = false;
}

void
conn_ready(struct conn *c, uint64_t now)
{
	c->state = READY;
	nready++;
	hist_add(&connecting, now - c->begun);
}

/* Whether the response, len bytes, is the one RFC 6455, 4.2.2 asks for. */
static bool
upgrade_accepted(const uint8_t *p, size_t len)
{
	const char *sub = opt.proto->subprotocol;

	return (len >= 12 && memcmp(p, "HTTP/1.1 101", 12) == 0 &&
	    memmem(p, len, KEY_ACCEPT, strlen(KEY_ACCEPT)) != NULL &&
	    (sub == NULL || memmem(p, len, sub, strlen(sub)) != NULL));
}

/* Takes upgrade response bytes; returns how many, the rest are frames. */
static size_t
upgrade_input(struct conn *c, const uint8_t *p, size_t n, uint64_t now)
{
	size_t old = c->acc_len, len;
	const uint8_t *end;

	if (c->acc == NULL)
		c->acc = xcalloc(1, HTTP_MAX);
	if (n > HTTP_MAX - old)
		n = HTTP_MAX - old;
	memcpy(c->acc + old, p, n);
	c->acc_len += (uint32_t)n;
	end = memmem(c->acc, c->acc_len, "\r\n\r\n", 4);
	if (end == NULL) {
		if (c->acc_len == HTTP_MAX)
			conn_close(c, true);
		return (n);
	}
	len = (size_t)(end - c->acc);
	if (!upgrade_accepted(c->acc, len)) {
		if (counters.failed++ == 0)
			fprintf(stderr, "wsload: refused: %.*s\n",
			    (int)(len < 200 ? len : 200), (char *)c->acc);
		conn_close(c, false);
		return (n);
	}
	free(c->acc);
	c->acc = NULL;
	c->acc_len = 0;
	if (opt.proto->begin != NULL) {
		c->state = JOINING;
		opt.proto->begin(c);
	} else
		conn_ready(c, now);
	return (len + 4 - old);
}

static uint16_t
port_of(const struct conn *c)
{
	return ((uint16_t)(c->role == PUBLISHER ? opt.pub_port :
	    (uint32_t)opt.port));
}

static void
queue_request(struct conn *c)
{
	const char *sub = opt.proto->subprotocol;
	char path[256], host[300], request[1024];
	int n;

	expand(path, sizeof(path),
	    c->role == PUBLISHER ? opt.pub_path : opt.sub_path,
	    c->chan->index);
	snprintf(host, sizeof(host), "localhost:%u", port_of(c));
	n = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n"
	    "Host: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Key: " KEY "\r\n"
	    "Sec-WebSocket-Version: 13\r\n%s%s%s\r\n", path,
	    opt.host_header != NULL ? opt.host_header : host,
	    sub != NULL ? "Sec-WebSocket-Protocol: " : "",
	    sub != NULL ? sub : "", sub != NULL ? "\r\n" : "");
	if (n < 0 || (size_t)n >= sizeof(request))
		die("path or host too long");
	memcpy(conn_reserve(c, (size_t)n), request, (size_t)n);
	c->out_len += (size_t)n;
}

/*
 * One source address has too few ports for many thousand connections, so they
 * are spread over several.
 */
static void
bind_source(int fd, uint32_t number)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	int on = 1;

	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + number % opt.src_addrs);
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) == -1)
		die("bind: %s", strerror(errno));
}

void
conn_open(struct conn *c, uint32_t number)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (c->fd == -1)
		die("socket: %s", strerror(errno));
	to.sin_port = htons(port_of(c));
	if (inet_pton(AF_INET, opt.host, &to.sin_addr) != 1)
		die("%s: no IPv4 address", opt.host);
	if (opt.src_addrs > 0)
		bind_source(c->fd, number);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->begun = now_ns();
	c->state = CONNECTING;
	if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == -1 &&
	    errno != EINPROGRESS)
		die("connect: %s", strerror(errno));
	add_conn(c);
	queue_request(c);
}

static void
conn_writable(struct conn *c)
{
	if (c->state == CONNECTING) {
		c->state = UPGRADING;
		c->out_wanted = true;
	}
	if (!c->out_wanted)
		return;
	conn_flush(c);
	/* Most subscribers never send again. */
	if (c->state == UPGRADING && !c->out_wanted &&
	    c->role == SUBSCRIBER) {
		free(c->out);
		c->out = NULL;
		c->out_cap = c->out_len = c->out_off = 0;
	}
}

/* Edge-triggered: reads until there is nothing more, or less than asked. */
static void
conn_readable(struct conn *c, bool ending)
{
	uint64_t now;
	size_t used;
	ssize_t n;

	while (c->state != CLOSED) {
		n = recv(c->fd, recv_buf, RECV_BUF, MSG_DONTWAIT);
		if (n == -1 && errno == EAGAIN)
			return;
		if (n <= 0) {
			if (c->state == CONNECTING)
				counters.failed++;
			conn_close(c, c->state != CONNECTING);
			return;
		}
		now = now_ns();
		last_input = now;
		counters.bytes_in += (uint64_t)n;
		used = 0;
		if (c->state == UPGRADING)
			used = upgrade_input(c, recv_buf, (size_t)n, now);
		if (c->state != CLOSED && c->state != UPGRADING &&
		    used < (size_t)n)
			frames_input(c, recv_buf + used, (size_t)n - used,
			    now);
		if (n < RECV_BUF && !ending)
			return;
	}
}

void
conn_event(struct conn *c, uint32_t events)
{
	bool ending = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;

	if (c->state == CLOSED)
		return;
	if ((events & EPOLLOUT) != 0)
		conn_writable(c);
	if ((events & EPOLLIN) != 0 || ending)
		conn_readable(c, ending);
}
