/*
 * nws(1) at work: standard input to messages, messages to standard output,
 * until one of them ends.  One loop around poll(2); only standard output may
 * block it, and then the server is simply not read.
 *
 * How the end is known to be delivered: the server answers a close frame only
 * after all that came before it went to the router.  What the router has to say
 * about a direct message (that there is no such peer) comes later than that, so
 * with a target there is first a message to ourselves, which passes the router
 * behind the others.
 */
#include <bsd/stdlib.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "../common/utf8.h"
#include "../common/ws.h"
#include "nws.h"

#define QUEUE_HIGH	(256u * 1024u)	/* queued: do not read more input */
#define LEAVE_MS	2000		/* quiet for so long when interrupted */
#define DELIVER_MS	120000		/* quiet for so long when delivering */

enum phase {
	TALK,		/* both ways */
	CONFIRM,	/* input is at its end: waits for our own message */
	LEAVE		/* close frame sent */
};

struct run {
	const struct options	*o;
	struct conn		*c;
	struct lines		 lines;
	struct buf		 out;		/* scratch */
	enum phase		 phase;
	int			 input;		/* stdin is open */
	int			 more;		/* lines wait to be sent */
	int			 hurry;		/* interrupted, or has enough */
	int			 slowed;	/* the server reads slowly */
	int			 code;		/* to exit with */
	int			 tty;		/* stdout is one */
	uint64_t		 self, seen, line;
	int64_t			 alive_ms;	/* bytes went or came */
	int64_t			 message_ms;	/* one came */
	char			 token[40];	/* in messages to ourselves */
};

static volatile sig_atomic_t interrupted;

static void
interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

static void
send_message(struct run *r, uint64_t target, int raw, const void *p, size_t n)
{
	r->out.len = 0;
	message_put(&r->out, r->o->binary, target, raw, p, n);
	conn_send(r->c, r->o->binary ? WS_BINARY : WS_TEXT, r->out.data,
	    r->out.len);
}

static void
leave(struct run *r)
{
	conn_close(r->c, WS_CODE_NORMAL);
	r->phase = LEAVE;
	r->alive_ms = now_ms();
}

static void
confirm(struct run *r)
{
	uint64_t a[2];

	r->phase = CONFIRM;
	if (r->self == 0 || r->token[0] != '\0')
		return;
	arc4random_buf(a, sizeof(a));
	snprintf(r->token, sizeof(r->token), "nws-%016llx%016llx",
	    (unsigned long long)a[0], (unsigned long long)a[1]);
	send_message(r, r->self, 0, r->token, strlen(r->token));
}

/* Nothing more to send: see that it arrives, then go. */
static void
finish(struct run *r)
{
	r->input = 0;
	if (r->o->target != 0)
		confirm(r);
	else
		leave(r);
}

/* One line of input is no message. */
static void
bad_line(struct run *r, const char *what)
{
	warnx("line %llu %s", (unsigned long long)r->line, what);
	if (r->o->publish || r->o->leave_at_eof) {
		r->code = EXIT_LOCAL;
		finish(r);
	}
}

static int
is_blank(const char *p, size_t n)
{
	while (n > 0 && strchr(" \t\r", p[n - 1]) != NULL && p[n - 1] != '\0')
		n--;
	return (n == 0);
}

static void
send_line(struct run *r, const char *p, size_t n)
{
	if (r->o->binary) {
		send_message(r, r->o->target, 0, p, n);
		return;
	}
	if (utf8_check(UTF8_START, p, n) != UTF8_START)
		bad_line(r, "is not UTF-8 (-b sends bytes)");
	else if (!r->o->json)
		send_message(r, r->o->target, 0, p, n);
	else if (message_is_json(p, n))
		send_message(r, r->o->target, 1, p, n);
	else if (!is_blank(p, n))
		bad_line(r, "is not JSON (without -j it is sent as a string)");
}

/* What has been read from stdin to messages, as far as there is room. */
static void
send_lines(struct run *r)
{
	const char *p;
	size_t n;
	int last, whole = r->o->publish && r->o->binary;

	r->more = 0;
	while (r->phase == TALK) {
		if (conn_queued(r->c) >= QUEUE_HIGH) {
			r->more = 1;
			return;
		}
		last = !r->input;
		if (whole) {
			if (last && r->line++ == 0)
				send_line(r, (char *)r->lines.in.data,
				    r->lines.in.len);
			return;
		}
		switch (lines_next(&r->lines, last, r->o->binary, &p, &n)) {
		case 0:
			return;
		case 1:
			r->line++;
			send_line(r, p, n);
			break;
		default:
			r->line++;
			bad_line(r, "is longer than 1 MiB");
		}
	}
}

static void
read_input(struct run *r)
{
	char piece[65536];
	ssize_t n;
	int whole = r->o->publish && r->o->binary;

	n = read(STDIN_FILENO, piece, sizeof(piece));
	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0) {
		lines_add(&r->lines, piece, (size_t)n);
		if (!whole || r->lines.in.len <= NWS_BYTES_MAX)
			return;
		warnx("standard input is larger than 64 MiB");
		r->code = EXIT_LOCAL;
		finish(r);
		return;
	}
	if (n == -1 && errno != EBADF && errno != EIO) {
		warn("standard input");
		r->code = EXIT_LOCAL;
	}
	r->input = 0;
}

/* Whether the end of the input is the end of it all, and that is reached. */
static int
is_finished(const struct run *r)
{
	return (r->phase == TALK && !r->input && !r->more &&
	    (r->o->publish || r->o->leave_at_eof));
}

/* As JSON: line breaks can only stand between tokens there. */
static void
print_json(struct run *r, const char *p, size_t n)
{
	size_t i;

	if (r->tty) {
		r->out.len = 0;
		json_visible(&r->out, p, n);
		fwrite(r->out.data, 1, r->out.len, stdout);
	} else if (memchr(p, '\n', n) == NULL && memchr(p, '\r', n) == NULL)
		fwrite(p, 1, n, stdout);
	else
		for (i = 0; i < n; i++)
			putchar(p[i] == '\n' || p[i] == '\r' ? ' ' : p[i]);
	putchar('\n');
}

static void
print_text(struct run *r, const struct message *m)
{
	char mark[2] = { m->type == MESSAGE_DIRECT ? '*' : '<',
	    m->type == MESSAGE_DIRECT ? '*' : '>' };
	struct buf text = { NULL, 0, 0 };
	size_t i;

	message_payload(m, &text);
	printf("%c%llu%c ", mark[0], (unsigned long long)m->source, mark[1]);
	r->out.len = 0;
	if (r->tty) {
		text_visible(&r->out, (char *)text.data, text.len);
		fwrite(r->out.data, 1, r->out.len, stdout);
	} else {
		for (i = 0; i < text.len; i++)
			if (text.data[i] == '\n')
				fputs("\\n", stdout);
			else
				putchar(text.data[i]);
	}
	putchar('\n');
	buf_free(&text);
}

static void
print_message(struct run *r, const struct message *m, const char *p, size_t n)
{
	if (r->o->json)
		print_json(r, p, n);
	else if (r->o->binary)
		fwrite(m->data, 1, m->data_len, stdout);
	else
		print_text(r, m);
	r->message_ms = now_ms();
	if (++r->seen != r->o->count)
		return;
	r->hurry = 1;
	r->input = 0;
	leave(r);
}

/* An error that the server reports. */
static void
report(struct run *r, const struct message *m)
{
	struct buf text = { NULL, 0, 0 }, safe = { NULL, 0, 0 };

	message_text(m, r->o->binary, &text);
	text_visible(&safe, (char *)text.data, text.len);
	buf_byte(&safe, '\0');
	if (strcmp(m->code, "missed") == 0)
		warnx("read too slowly: %llu messages missed",
		    (unsigned long long)m->count);
	else if (strcmp(m->code, "too-fast") == 0) {
		r->slowed = 1;
		if (!r->o->quiet)
			warnx("sending faster than nwsd allows: it slows us "
			    "down, nothing is lost");
	} else {
		if (m->target != 0)
			warnx("not delivered to %llu: %s",
			    (unsigned long long)m->target, (char *)safe.data);
		else
			warnx("not delivered: %s", (char *)safe.data);
		if (r->code == EXIT_OK)
			r->code = EXIT_UNDELIVERED;
	}
	buf_free(&text);
	buf_free(&safe);
}

static int
is_our_own(const struct run *r, const struct message *m)
{
	struct buf text = { NULL, 0, 0 };
	int same;

	if (r->token[0] == '\0' || m->type != MESSAGE_DIRECT ||
	    m->source != r->self)
		return (0);
	message_payload(m, &text);
	same = text.len == strlen(r->token) &&
	    memcmp(text.data, r->token, text.len) == 0;
	buf_free(&text);
	return (same);
}

static void
notice(struct run *r, const struct message *m)
{
	unsigned long long peer = m->target;

	if (r->o->quiet || r->o->publish || r->phase == LEAVE)
		return;
	if (m->type == MESSAGE_STATUS)
		warnx("on %s as %llu", r->o->channel, peer);
	else
		warnx("%llu %s", peer, m->type == MESSAGE_CONNECT ?
		    "is here" : "left");
}

static void
receive(struct run *r, const char *p, size_t n)
{
	struct message m;

	if (message_parse(r->o->binary, p, n, &m) == -1) {
		warnx("a message that is none came from the server");
		r->code = EXIT_LOST;
		leave(r);
		return;
	}
	if (m.type == MESSAGE_BROADCAST || m.type == MESSAGE_DIRECT) {
		if (is_our_own(r, &m)) {
			if (r->phase == CONFIRM)
				leave(r);
		} else if (!r->o->publish && !r->hurry)
			print_message(r, &m, p, n);
		return;
	}
	if (r->o->json && !r->o->quiet && !r->o->publish && !r->hurry)
		print_json(r, p, n);
	if (m.type == MESSAGE_ERROR)
		report(r, &m);
	else if (m.type == MESSAGE_STATUS && r->self == 0) {
		r->self = m.target;
		notice(r, &m);
		if (r->phase == CONFIRM)
			confirm(r);
	} else if (!r->o->json && (m.type == MESSAGE_CONNECT ||
	    m.type == MESSAGE_DISCONNECT))
		notice(r, &m);
}

/* Says why the connection ended, where that has to be said; the exit code. */
static int
ended(struct run *r)
{
	struct conn *c = r->c;
	struct buf safe = { NULL, 0, 0 };

	if (c->failed != 0) {
		warnx("the server broke the protocol (%d)", c->failed);
		return (EXIT_LOST);
	}
	if (c->close_code == 0) {
		if (r->hurry)
			return (r->code);
		warnx("connection lost%s", r->o->publish ?
		    " before all was delivered" : "");
		return (EXIT_LOST);
	}
	if (r->phase == LEAVE && (c->close_code == WS_CODE_NORMAL ||
	    c->close_code == WS_CODE_NONE))
		return (r->code);
	text_visible(&safe, c->close_reason, strlen(c->close_reason));
	buf_byte(&safe, '\0');
	warnx("closed with code %d: %s", c->close_code, safe.len > 1 ?
	    (char *)safe.data : close_text(c->close_code));
	if (c->close_code == WS_CODE_TOO_BIG)
		warnx("the largest message sent had %zu bytes, more than "
		    "max-message in this nwsd's nwsd.conf", c->largest);
	buf_free(&safe);
	return (EXIT_LOST);
}

/* When to give up, or -1. */
static int64_t
deadline(const struct run *r)
{
	int64_t wait_ms = (int64_t)r->o->wait_s * 1000;

	if (r->hurry)
		return (r->alive_ms + LEAVE_MS);
	if (r->phase == TALK && !r->o->publish)
		return (wait_ms > 0 ? r->message_ms + wait_ms : -1);
	if (r->phase == TALK && conn_queued(r->c) == 0)
		return (-1);
	if (r->slowed && wait_ms == 0)
		return (-1);	/* as long as it takes */
	return (r->alive_ms + (wait_ms > 0 ? wait_ms : DELIVER_MS));
}

static int
gave_up(const struct run *r)
{
	if (r->hurry)
		return (r->code);
	if (r->phase == TALK && !r->o->publish)
		warnx("no message for %s", text_age(r->o->wait_s));
	else
		warnx("the server did not confirm that all was delivered");
	return (EXIT_LOST);
}

/* A terminal is only read in the foreground: in the back it would stop us. */
static int
wants_input(const struct run *r)
{
	pid_t group;

	if (!r->input || r->phase != TALK || r->more ||
	    conn_queued(r->c) >= QUEUE_HIGH)
		return (0);
	group = tcgetpgrp(STDIN_FILENO);
	return (group == -1 || group == getpgrp());
}

/*
 * One wait, and what came of it.  Signals can only arrive within it.  Returns
 * -1 to go on, or an exit code.
 */
static int
turn(struct run *r, const sigset_t *mask)
{
	struct pollfd p[3] = {
		{ .fd = r->c->fd, .events = POLLIN },
		{ .fd = wants_input(r) ? STDIN_FILENO : -1, .events = POLLIN },
		{ .fd = r->o->publish ? -1 : STDOUT_FILENO, .events = 0 },
	};
	struct timespec ts;
	int64_t end = deadline(r), left = -1;

	if (conn_queued(r->c) > 0 && !r->c->broken)
		p[0].events |= POLLOUT;
	if (end != -1 && (left = end - now_ms()) <= 0)
		return (gave_up(r));
	if (p[1].fd == -1 && r->input && (left == -1 || left > 1000))
		left = 1000;	/* perhaps in the foreground by then */
	if (r->more && conn_queued(r->c) < QUEUE_HIGH)
		left = 0;
	ts.tv_sec = left / 1000;
	ts.tv_nsec = left % 1000 * 1000000;
	if (ppoll(p, 3, left == -1 ? NULL : &ts, mask) == -1 &&
	    errno != EINTR)
		err(1, "poll");
	else if (interrupted && !r->hurry) {
		r->hurry = 1;
		r->input = 0;
		leave(r);
		return (-1);
	}
	if ((p[2].revents & (POLLERR | POLLHUP)) != 0)
		return (r->code);	/* nobody reads what we print */
	if (p[1].revents != 0)
		read_input(r);
	if (p[0].revents != 0 && conn_read(r->c))
		r->alive_ms = now_ms();
	return (-1);
}

static void
catch_signals(sigset_t *mask)
{
	struct sigaction sa = { .sa_handler = interrupt,
	    .sa_flags = (int)SA_RESETHAND };
	sigset_t block;

	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGTERM);
	sigprocmask(SIG_BLOCK, &block, mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

int
run(const struct options *o, struct conn *c)
{
	struct run r = { .o = o, .c = c, .lines = { .max = NWS_LINE_MAX },
	    .input = 1, .tty = isatty(STDOUT_FILENO) };
	const char *p;
	sigset_t mask;
	size_t n;
	int code = -1, opcode;

	r.alive_ms = r.message_ms = now_ms();
	sigprocmask(SIG_SETMASK, NULL, &mask);
	if (!o->publish)
		catch_signals(&mask);
	if (!o->publish || o->target != 0) {
		message_put_status(&r.out, o->binary);
		conn_send(c, o->binary ? WS_BINARY : WS_TEXT, r.out.data,
		    r.out.len);
	}
	while (code == -1) {
		while (conn_next(c, &opcode, &p, &n))
			receive(&r, p, n);
		send_lines(&r);
		if (is_finished(&r))
			finish(&r);
		if (conn_write(c))
			r.alive_ms = now_ms();
		stdout_flush();
		if (c->close_code != 0 || c->failed != 0 || c->eof)
			code = ended(&r);
		else
			code = turn(&r, &mask);
	}
	buf_free(&r.out);
	buf_free(&r.lines.in);
	return (code);
}
