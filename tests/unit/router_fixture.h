/*
 * A router to test: the real router_main() in a process of its own, and this
 * one as its parent and its frontends.  Nothing here sleeps: what is expected
 * is waited for, and what is not is looked for after the router has answered a
 * later question.
 */
#ifndef TESTS_UNIT_ROUTER_FIXTURE_H
#define TESTS_UNIT_ROUTER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bsd/unistd.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/child.h"
#include "common/conf.h"
#include "common/imsg.h"
#include "common/msg.h"

#define UNUSED		__attribute__((unused))
#define WAIT_MS		20000
#define FRONTENDS	4

struct router {
	pid_t		 pid;
	struct imsgbuf	*parent;
	struct imsgbuf	*frontend[FRONTENDS];
};

static void UNUSED
make_pair(int sv[2])
{
	int i;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv),
	    0);
	for (i = 0; i < 2; i++)
		assert_int_not_equal(fcntl(sv[i], F_SETFL, O_NONBLOCK), -1);
}

/* Writes all that is queued, as far as the other end reads. */
static void UNUSED
flush(struct imsgbuf *ib)
{
	struct pollfd pfd = { .fd = imsgbuf_fd(ib), .events = POLLOUT };
	int r;

	while ((r = imsg_flush(ib)) == 1)
		assert_int_equal(poll(&pfd, 1, WAIT_MS), 1);
	/* Where the router has closed, what it said before can be read. */
	(void)r;
}

/*
 * What has come, as imsg_get(); without HOLD, which goes to whoever has more
 * members than others and says nothing of them.
 */
static int UNUSED
get(struct imsgbuf *ib, struct imsg *m, const char **why)
{
	int r;

	while ((r = imsg_get(ib, m, why)) == 1 && m->hdr.type == MSG_HOLD)
		;
	return (r);
}

/* The next message; 0 at the end of the stream. */
static int UNUSED
receive(struct imsgbuf *ib, struct imsg *m)
{
	struct pollfd pfd = { .fd = imsgbuf_fd(ib), .events = POLLIN };
	const char *why;
	int r;

	while ((r = get(ib, m, &why)) == 0) {
		if (poll(&pfd, 1, WAIT_MS) != 1)
			fail_msg("nothing came");
		if (imsg_read(ib) == -1)
			return (0);
	}
	if (r == -1)
		fail_msg("router: %s", why);
	return (1);
}

static void UNUSED
expect(struct imsgbuf *ib, uint32_t type, uint32_t number, struct imsg *m)
{
	struct imsg local;

	if (m == NULL)
		m = &local;
	if (!receive(ib, m))
		fail_msg("end of file instead of %s", msg_name(type));
	if (m->hdr.type != type || m->hdr.peerid != number)
		fail_msg("%s %u instead of %s %u", msg_name(m->hdr.type),
		    m->hdr.peerid, msg_name(type), number);
}

/* A message whose payload is one id: CONNECT, DISCONNECT. */
static void UNUSED
expect_id(struct imsgbuf *ib, uint32_t type, uint32_t number, uint64_t id)
{
	struct imsg m;
	uint64_t got;

	expect(ib, type, number, &m);
	memcpy(&got, m.data, sizeof(got));
	assert_true(got == id);
}

static void UNUSED
expect_joined(struct imsgbuf *ib, uint32_t number, uint64_t id, uint32_t shown)
{
	struct msg_joined joined;
	struct imsg m;

	expect(ib, MSG_JOINED, number, &m);
	memcpy(&joined, m.data, sizeof(joined));
	assert_true(joined.id == id);
	assert_int_equal(joined.shown, shown);
}

static void UNUSED
expect_eof(struct imsgbuf *ib)
{
	struct imsg m;

	if (receive(ib, &m))
		fail_msg("%s instead of end of file", msg_name(m.hdr.type));
}

static void UNUSED
send_msg(struct imsgbuf *ib, uint32_t type, uint32_t number, const void *p,
    size_t len)
{
	assert_int_equal(imsg_send(ib, type, number, -1, p, len), 0);
}

static void UNUSED
send_conf(struct router *r, const struct conf *c)
{
	char *text;

	assert_non_null(text = conf_print(c, CONF_ALL));
	send_msg(r->parent, MSG_CONF, 0, text, strlen(text));
	free(text);
	send_msg(r->parent, MSG_CONF_END, 0, NULL, 0);
	flush(r->parent);
}

/* Gives the router a pipe to this place, instead of an earlier one. */
static void UNUSED
connect_place(struct router *r, uint32_t i, uint32_t process,
    uint32_t instance)
{
	const struct msg_pipe mp = { process, instance };
	int sv[2];

	imsgbuf_free(r->frontend[i]);
	make_pair(sv);
	r->frontend[i] = imsgbuf_new(sv[0], process, P_ROUTER, 0);
	assert_non_null(r->frontend[i]);
	assert_int_equal(imsg_send(r->parent, MSG_PIPE, 0, sv[1], &mp,
	    sizeof(mp)), 0);
	flush(r->parent);
}

static void UNUSED
connect_frontend(struct router *r, uint32_t i)
{
	connect_place(r, i, P_FRONTEND, i);
}

static void UNUSED
send_resumed(struct router *r, uint32_t i)
{
	send_msg(r->frontend[i], MSG_RESUMED, 0, NULL, 0);
	flush(r->frontend[i]);
}

static void UNUSED
send_start(struct router *r)
{
	send_msg(r->parent, MSG_START, 0, NULL, 0);
	flush(r->parent);
	expect(r->parent, MSG_READY, 0, NULL);
}

/* A router that has its configuration, and pipes to n frontends. */
static void UNUSED
spawn(struct router *r, const struct conf *c, uint32_t n)
{
	struct conf *built_in = NULL;
	int sv[2];
	uint32_t i;

	memset(r, 0, sizeof(*r));
	make_pair(sv);
	fflush(NULL);
	assert_int_not_equal(r->pid = fork(), -1);
	if (r->pid == 0) {
		close(sv[0]);
		if (sv[1] != 3 && dup2(sv[1], 3) == -1)
			_exit(99);
		memset(&child_options, 0, sizeof(child_options));
		child_options.process = P_ROUTER;
		_exit(router_main());
	}
	close(sv[1]);
	r->parent = imsgbuf_new(sv[0], P_PARENT, P_ROUTER, 0);
	assert_non_null(r->parent);
	if (c == NULL)
		c = built_in = conf_default();
	send_conf(r, c);
	if (built_in != NULL)
		conf_free(built_in);
	for (i = 0; i < n; i++)
		connect_frontend(r, i);
}

/* One that runs, with n frontends that have nothing. */
static void UNUSED
spawn_running(struct router *r, const struct conf *c, uint32_t n)
{
	uint32_t i;

	spawn(r, c, n);
	for (i = 0; i < n; i++)
		send_resumed(r, i);
	send_start(r);
}

/* Every test ends by seeing that the router lived until it was let go. */
static void UNUSED
finish(struct router *r)
{
	int status, i;

	assert_int_equal(waitpid(r->pid, &status, WNOHANG), 0);
	imsgbuf_free(r->parent);
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	for (i = 0; i < FRONTENDS; i++)
		imsgbuf_free(r->frontend[i]);
}

static void UNUSED
open_channel(struct imsgbuf *ib, uint32_t number, const char *name)
{
	send_msg(ib, MSG_CHANNEL_OPEN, number, name, strlen(name));
}

static void UNUSED
send_join(struct imsgbuf *ib, uint32_t number, uint64_t id, uint32_t flags,
    const char *origin, const char *address)
{
	struct msg_join j;

	memset(&j, 0, sizeof(j));
	j.id = id;
	j.flags = flags;
	if (address != NULL)
		memcpy(j.addr, address, strlen(address));
	assert_int_equal(imsg_send2(ib, MSG_JOIN, number, &j, sizeof(j),
	    origin, origin == NULL ? 0 : strlen(origin)), 0);
}

static void UNUSED
send_leave(struct imsgbuf *ib, uint32_t number, uint64_t id)
{
	send_msg(ib, MSG_LEAVE, number, &id, sizeof(id));
}

static void UNUSED
send_data(struct imsgbuf *ib, uint32_t type, uint32_t number, uint64_t source,
    uint64_t target, const void *p, size_t len)
{
	struct msg_data d = { .source = source, .target = target,
	    .kind = DATA_BYTES };

	assert_int_equal(imsg_send2(ib, type, number, &d, sizeof(d), p, len),
	    0);
}

static void UNUSED
expect_data(struct imsgbuf *ib, uint32_t type, uint32_t number,
    uint64_t source, uint64_t target, const void *p, size_t len)
{
	struct msg_data d;
	struct imsg m;

	expect(ib, type, number, &m);
	memcpy(&d, m.data, sizeof(d));
	assert_true(d.source == source);
	assert_true(d.target == target);
	assert_int_equal(d.kind, DATA_BYTES);
	assert_int_equal(m.hdr.len, sizeof(d) + len);
	if (len != 0)
		assert_memory_equal((const char *)m.data + sizeof(d), p, len);
}

/* A member that is shown, where a lease is out already or never again. */
static void UNUSED
join(struct imsgbuf *ib, uint32_t number, uint64_t id)
{
	send_join(ib, number, id, 0, NULL, NULL);
	flush(ib);
	expect_joined(ib, number, id, 1);
}

/* The first member of a channel that only this frontend has. */
static void UNUSED
join_alone(struct imsgbuf *ib, uint32_t number, uint64_t id)
{
	send_join(ib, number, id, 0, NULL, NULL);
	flush(ib);
	expect(ib, MSG_LEASE, number, NULL);
	expect_joined(ib, number, id, 1);
}

static void UNUSED
send_recalled(struct imsgbuf *ib, uint32_t number)
{
	const struct msg_recalled passed = { 3, 500 };

	send_msg(ib, MSG_RECALLED, number, &passed, sizeof(passed));
	flush(ib);
}

/* The lease of that is asked for, as another frontend came, and given back. */
static void UNUSED
give_back(struct imsgbuf *ib, uint32_t number)
{
	expect(ib, MSG_RECALL, number, NULL);
	send_recalled(ib, number);
}

static void UNUSED
expect_refused(struct imsgbuf *ib, uint32_t number, uint64_t id,
    enum refused why)
{
	struct msg_refused refused;
	struct imsg m;

	expect(ib, MSG_REFUSED, number, &m);
	memcpy(&refused, m.data, sizeof(refused));
	assert_true(refused.id == id);
	assert_int_equal(refused.why, why);
}

/* The parent hears that this frontend should be started again. */
static void UNUSED
expect_stuck(struct router *r, uint32_t instance)
{
	struct msg_pipe mp;
	struct imsg m;

	expect(r->parent, MSG_STUCK, 0, &m);
	memcpy(&mp, m.data, sizeof(mp));
	assert_int_equal(mp.process, P_FRONTEND);
	assert_int_equal(mp.instance, instance);
}

static void UNUSED
ask(struct router *r, uint32_t what, uint32_t ticket)
{
	struct msg_show show = { what };

	send_msg(r->parent, MSG_SHOW, ticket, &show, sizeof(show));
	flush(r->parent);
}

/* The value of a counter. */
static uint64_t UNUSED
counter(struct router *r, const char *name)
{
	struct msg_row_counter row;
	uint64_t value = UINT64_MAX;
	struct imsg m;

	ask(r, SHOW_SUMMARY, 77);
	for (;;) {
		assert_true(receive(r->parent, &m));
		assert_int_equal(m.hdr.peerid, 77);
		if (m.hdr.type == MSG_ROW_END)
			break;
		assert_int_equal(m.hdr.type, MSG_ROW);
		memcpy(&row, m.data, sizeof(row));
		assert_int_equal(row.row.what, SHOW_SUMMARY);
		assert_int_equal(row.row.process, P_ROUTER);
		if (m.hdr.len - sizeof(row) == strlen(name) &&
		    memcmp((const char *)m.data + sizeof(row), name,
		    strlen(name)) == 0)
			value = row.value;
	}
	if (value == UINT64_MAX)
		fail_msg("no counter %s", name);
	return (value);
}

/* A row of SHOW_LIMITS. */
static void UNUSED
limit(struct router *r, const char *name, struct msg_row_limit *found)
{
	struct msg_row_limit row;
	int seen = 0;
	struct imsg m;

	ask(r, SHOW_LIMITS, 78);
	for (;;) {
		assert_true(receive(r->parent, &m));
		assert_int_equal(m.hdr.peerid, 78);
		if (m.hdr.type == MSG_ROW_END)
			break;
		memcpy(&row, m.data, sizeof(row));
		if (m.hdr.len - sizeof(row) == strlen(name) &&
		    memcmp((const char *)m.data + sizeof(row), name,
		    strlen(name)) == 0) {
			*found = row;
			seen = 1;
		}
	}
	if (!seen)
		fail_msg("no limit %s", name);
}

/*
 * Nothing has come that was not expected, here or for the other frontends.  The
 * router answers the parent in the same turn as it handles what was sent to it
 * before, and only after it has written that to the frontends.
 */
static void UNUSED
expect_quiet(struct router *r)
{
	const char *why;
	struct imsg m;
	int i;

	(void)counter(r, "router_joins_total");
	for (i = 0; i < FRONTENDS; i++) {
		if (r->frontend[i] == NULL)
			continue;
		(void)imsg_read(r->frontend[i]);
		if (get(r->frontend[i], &m, &why) != 0)
			fail_msg("frontend %d: %s", i, msg_name(m.hdr.type));
	}
}

static void UNUSED
expect_roster(struct imsgbuf *ib, uint32_t number, const uint64_t *ids,
    uint32_t n)
{
	struct msg_roster head;
	struct imsg m;
	uint64_t id;
	uint32_t i, k;

	expect(ib, MSG_ROSTER, number, &m);
	memcpy(&head, m.data, sizeof(head));
	assert_int_equal(head.flags, ROSTER_FIRST | ROSTER_LAST);
	assert_int_equal(head.count, n);
	assert_int_equal(m.hdr.len, sizeof(head) + 8 * (size_t)n);
	for (i = 0; i < n; i++) {
		memcpy(&id, (const char *)m.data + sizeof(head) + 8 * i, 8);
		for (k = 0; k < n && ids[k] != id; k++)
			;
		assert_true(k < n);
	}
}

#endif
