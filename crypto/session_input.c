/*
 * What the other node of a session says (session.h): messages out of the
 * stream, each held against what may be said now.  Runs in crypto; owns the
 * part of a message that has come.  The other node is not trusted: nothing it
 * says does more than end its link.
 */
#include <stdlib.h>
#include <string.h>

#include "common/loop.h"
#include "crypto/links.h"
#include "crypto/session_private.h"

#define IN_SIZE	((size_t)16 * 1024)	/* at first */

static int
refuse(const char **why, const char *text)
{
	*why = text;
	return (-1);
}

static int
take_hello(struct session *s, const struct nwsproto *msg, const char **why)
{
	if (msg->type != NWSPROTO_HELLO)
		return (refuse(why, "the first message is not HELLO"));
	s->hello_got = 1;
	s->remote_max_data = msg->max_data;
	if (s->hello_sent)
		session_activate(s);
	return (0);
}

static int
take_broadcast(struct session *s, struct share *sh, const struct nwsproto *msg)
{
	if (remote_of(sh, msg->source) == NULL) {
		session_drop_source(s);
		return (0);
	}
	session_counters.messages_in++;
	s->stats.messages_in++;
	if (router_message(sh->channel, msg) == -1)
		session_counters.dropped_router++;
	return (0);
}

/*
 * The target has to be a member of this machine: what came by one link does not
 * go out by another.
 */
static int
take_direct(struct session *s, struct share *sh, const struct nwsproto *msg)
{
	struct nwsproto	answer = { .type = NWSPROTO_UNDELIVERED };

	if (remote_of(sh, msg->source) == NULL) {
		session_drop_source(s);
		return (0);
	}
	session_counters.messages_in++;
	s->stats.messages_in++;
	if (idmap_get(&sh->channel->local, msg->target) != NULL) {
		if (router_message(sh->channel, msg) == 0)
			return (0);
		session_counters.dropped_router++;
	}
	answer.handle = sh->handle;
	answer.source = msg->source;
	answer.target = msg->target;
	session_send(s, &answer);
	return (0);
}

/*
 * Of a DIRECT that a member here sent to one there, who may be gone meanwhile,
 * but is nobody else's.
 */
static int
take_undelivered(struct session *s, struct share *sh,
    const struct nwsproto *msg)
{
	const struct remote	*target = remote_find(msg->target);

	if (idmap_get(&sh->channel->local, msg->source) == NULL ||
	    idmap_get(&sh->channel->local, msg->target) != NULL ||
	    (target != NULL && target->share != sh)) {
		session_drop_source(s);
		return (0);
	}
	router_undelivered(sh->channel, msg->source, msg->target);
	return (0);
}

/* Peers of a channel, and their messages. */
static int
take_shared(struct session *s, const struct nwsproto *msg, const char **why)
{
	struct share	*sh;
	uint64_t	 id;

	switch (match_find(s->match, msg->handle, &id)) {
	case -1:
		return (refuse(why, "unknown handle"));
	case 0:
		return (0);	/* written before they knew that we left */
	}
	/* Each id of a ROSTER is as much work as a CONNECT. */
	session_rate(s, 1 + msg->nids);
	if ((sh = idmap_get(&s->shares, id)) == NULL)
		return (0);
	switch (msg->type) {
	case NWSPROTO_ROSTER:
		if (remote_roster(sh, msg) == -1)
			return (refuse(why, "ROSTER without its first part"));
		return (0);
	case NWSPROTO_CONNECT:
		remote_connect(sh, msg->source);
		return (0);
	case NWSPROTO_DISCONNECT:
		remote_disconnect(sh, msg->source);
		return (0);
	case NWSPROTO_BROADCAST:
		return (take_broadcast(s, sh, msg));
	case NWSPROTO_DIRECT:
		return (take_direct(s, sh, msg));
	default:
		return (take_undelivered(s, sh, msg));
	}
}

static int
take(struct session *s, const struct nwsproto *msg, const char **why)
{
	struct nwsproto	answer = { .type = NWSPROTO_PONG };

	if (!s->hello_got)
		return (take_hello(s, msg, why));
	if (!s->active)
		return (refuse(why, "a message before the answer to HELLO"));
	switch (msg->type) {
	case NWSPROTO_HELLO:
		return (refuse(why, "HELLO once more"));
	case NWSPROTO_PING:
		answer.token = msg->token;
		session_send(s, &answer);
		return (0);
	case NWSPROTO_PONG:
		if (session_pong(s, msg->token) == -1)
			return (refuse(why, "PONG without PING"));
		return (0);
	case NWSPROTO_CHANGED:
	case NWSPROTO_OFFER:
	case NWSPROTO_ANSWER:
	case NWSPROTO_TAGS:
	case NWSPROTO_LATER:
	case NWSPROTO_SHARE:
	case NWSPROTO_CONFIRM:
	case NWSPROTO_OPENED:
	case NWSPROTO_CLOSED:
		link_touch(s->link);
		return (match_take(s->match, msg, (uint64_t)loop_now_ms(),
		    why));
	default:
		return (take_shared(s, msg, why));
	}
}

/*
 * Takes the whole messages at the start of p, in place.  Returns the bytes they
 * had, with in_need set for the one that is next; or -1.
 */
static long
take_whole(struct session *s, const uint8_t *p, size_t n, const char **why)
{
	struct nwsproto	 msg;
	size_t		 at = 0;
	long		 r;

	for (;;) {
		r = nwsproto_decode(p + at, n - at, s->max_data, &msg,
		    &s->in_need, why);
		if (r <= 0)
			return (r == 0 ? (long)at : -1);
		if (take(s, &msg, why) == -1)
			return (-1);
		if (s->failed != NULL)
			return (refuse(why, s->failed));
		at += (size_t)r;
	}
}

/*
 * Keeps part of a message.  Memory grows with what has come, not with what was
 * announced.
 */
static int
keep(struct session *s, const uint8_t *p, size_t n)
{
	size_t	 size = s->in_size;
	uint8_t	*in;

	if (n > size - s->in_len) {
		size = size == 0 ? IN_SIZE : size * 2;
		while (n > size - s->in_len)
			size *= 2;
		if (size > s->in_need && s->in_need > IN_SIZE)
			size = s->in_need;
		if ((in = realloc(s->in, size)) == NULL)
			return (-1);
		s->in = in;
		s->in_size = size;
	}
	memcpy(s->in + s->in_len, p, n);
	s->in_len += n;
	return (0);
}

/*
 * Goes on with the message that has begun.  Returns the bytes of p that belong
 * to it, or -1.
 */
static long
take_rest(struct session *s, const uint8_t *p, size_t n, const char **why)
{
	size_t	want, used = 0;
	long	r;

	while (s->in_len > 0) {
		want = s->in_need - s->in_len;
		if (want > n - used)
			want = n - used;
		if (keep(s, p + used, want) == -1)
			return (refuse(why, s->failed = "out of memory"));
		used += want;
		if (s->in_len < s->in_need)
			break;
		/* It is whole, or its header says how much there will be. */
		if ((r = take_whole(s, s->in, s->in_len, why)) == -1)
			return (-1);
		if (r > 0)
			s->in_len = 0;
	}
	return ((long)used);
}

static int
take_bytes(struct session *s, const uint8_t *p, size_t n, const char **why)
{
	long	used;

	if ((used = take_rest(s, p, n, why)) == -1)
		return (-1);
	p += used;
	n -= (size_t)used;
	if (n == 0)
		return (0);
	if ((used = take_whole(s, p, n, why)) == -1)
		return (-1);
	if (n > (size_t)used && keep(s, p + used, n - (size_t)used) == -1)
		return (refuse(why, s->failed = "out of memory"));
	return (0);
}

/* Whether what has begun may end well: a payload is not kept for nothing. */
static int
may_go_on(const struct session *s)
{
	uint32_t	handle = nwsproto_handle(s->in, s->in_len);
	uint64_t	channel;

	return (handle == 0 || (s->active &&
	    match_find(s->match, handle, &channel) != -1));
}

int
session_input(struct session *s, const uint8_t *p, size_t n, const char **why)
{
	if (s->failed != NULL)
		return (refuse(why, s->failed));
	s->heard_ms = loop_now_ms();
	if (take_bytes(s, p, n, why) == 0) {
		if (may_go_on(s))
			return (0);
		*why = "unknown handle";
	}
	if (s->failed == NULL) {
		session_counters.violations++;
		s->failed = *why;
	}
	return (-1);
}
