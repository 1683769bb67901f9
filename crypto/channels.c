/*
 * The channels that are wanted on this machine, and which session shares which
 * (session.h).  Runs in crypto; owns struct channel and struct share, and the
 * passwords that come of names and secrets.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf.h"
#include "common/hash.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/msg.h"
#include "crypto/links.h"
#include "crypto/session_private.h"

/*
 * A page that is loaded again leaves its channels and is back at once: for so
 * long nobody on other machines is told that a channel is left.
 */
#define GRACE_MS	2000

const struct conf	*channels_conf;
struct channel_list	 channels_all = TAILQ_HEAD_INITIALIZER(channels_all);
struct session_list	 sessions = TAILQ_HEAD_INITIALIZER(sessions);

static struct channel_list grace = TAILQ_HEAD_INITIALIZER(grace);
static struct idmap	 by_name;	/* first channel of a hash */
static struct idmap	 by_id;
static uint64_t		 last_id;
static int		 refill;	/* a session may have room again */
static struct event	*grace_event;

/*
 * Sharing
 */

void
channels_shared(struct session *s, uint64_t id, uint32_t handle)
{
	struct channel	*ch = idmap_get(&by_id, id);
	struct share	*sh;

	if (ch == NULL || (sh = calloc(1, sizeof(*sh))) == NULL) {
		s->failed = "out of memory";
		return;
	}
	if (idmap_put(&s->shares, id, sh) == -1 ||
	    (ch->number == 0 && router_open(ch) == -1)) {
		(void)idmap_del(&s->shares, id);
		free(sh);
		s->failed = "out of memory";
		return;
	}
	sh->session = s;
	sh->channel = ch;
	sh->handle = handle;
	LIST_INIT(&sh->remotes);
	LIST_INSERT_HEAD(&ch->shares, sh, of_channel);
	log_debug("%s: shares %s", link_text(s->link),
	    log_vis(ch->name, ch->name_len));
	if (ch->synced)
		local_announce(sh);
}

static void
share_free(struct share *sh)
{
	struct channel	*ch = sh->channel;

	remote_free_all(sh);
	LIST_REMOVE(sh, of_channel);
	(void)idmap_del(&sh->session->shares, ch->id);
	free(sh);
	if (!LIST_EMPTY(&ch->shares))
		return;
	router_close(ch);
	local_forget(ch);
}

void
channels_unshared(struct session *s, uint64_t id)
{
	struct share	*sh = idmap_get(&s->shares, id);

	if (sh != NULL)
		share_free(sh);
}

/*
 * Sessions and their channels
 */

static void
session_add(struct session *s, const struct channel *ch)
{
	/* Where it does not fit it is tried again once another one went. */
	if (match_add(s->match, ch->id, ch->password) == -1 &&
	    match_channels(s->match) >= MATCH_CHANNELS_MAX)
		s->overfull = 1;
}

static void
add_rest(struct session *s)
{
	struct channel	*ch;

	s->overfull = 0;
	TAILQ_FOREACH(ch, &channels_all, entry) {
		session_add(s, ch);
		if (s->overfull)
			break;
	}
	link_touch(s->link);
}

void
channels_add_all(struct session *s)
{
	TAILQ_INSERT_TAIL(&sessions, s, entry);
	add_rest(s);
}

void
channels_drop(struct session *s)
{
	struct share	*sh;
	size_t		 at;

	for (at = 0; (sh = idmap_iterate(&s->shares, &at, NULL)) != NULL;
	    at = 0)
		share_free(sh);
	if (s->active)
		TAILQ_REMOVE(&sessions, s, entry);
}

static void
add_everywhere(const struct channel *ch)
{
	struct session	*s;

	TAILQ_FOREACH(s, &sessions, entry) {
		session_add(s, ch);
		link_touch(s->link);
	}
}

static void
remove_everywhere(struct channel *ch)
{
	struct session	*s;

	TAILQ_FOREACH(s, &sessions, entry) {
		channels_unshared(s, ch->id);
		match_remove(s->match, ch->id, (uint64_t)loop_now_ms());
		refill |= s->overfull;
		link_touch(s->link);
	}
}

/*
 * Channels
 */

static uint64_t
name_hash(const char *name, size_t len)
{
	uint64_t	h = hash_bytes(name, len);

	return (h == 0 ? 1 : h);	/* 0 is no id for an idmap */
}

struct channel *
channels_find(const char *name, size_t len)
{
	struct channel	*ch;

	for (ch = idmap_get(&by_name, name_hash(name, len)); ch != NULL;
	    ch = ch->next)
		if (ch->name_len == len && memcmp(ch->name, name, len) == 0)
			break;
	return (ch);
}

static void
make_password(const struct channel *ch, uint8_t out[CPACE_PASSWORD_BYTES])
{
	const struct conf_channel	*c;
	struct cpace_bytes		 name, secret;

	c = conf_channel(channels_conf, ch->name, ch->name_len);
	name.p = ch->name;
	name.n = ch->name_len;
	secret.p = c->secret != NULL ? c->secret : "";
	secret.n = strlen(secret.p);
	cpace_password(out, name, secret);
}

/* NULL without memory. */
static struct channel *
channel_new(const char *name, size_t len)
{
	struct channel	*ch;

	if ((ch = calloc(1, sizeof(*ch) + len + 1)) == NULL)
		return (NULL);
	memcpy(ch->name, name, len);
	ch->name_len = (uint8_t)len;
	ch->hash = name_hash(name, len);
	ch->id = ++last_id;
	ch->next = idmap_get(&by_name, ch->hash);
	LIST_INIT(&ch->shares);
	if (idmap_put(&by_id, ch->id, ch) == -1 ||
	    idmap_put(&by_name, ch->hash, ch) == -1) {
		(void)idmap_del(&by_id, ch->id);
		free(ch);
		return (NULL);
	}
	make_password(ch, ch->password);
	TAILQ_INSERT_TAIL(&channels_all, ch, entry);
	return (ch);
}

static void
channel_free(struct channel *ch)
{
	struct channel	*first, **link;

	remove_everywhere(ch);
	first = idmap_get(&by_name, ch->hash);
	for (link = &first; *link != ch; link = &(*link)->next)
		;
	*link = ch->next;
	if (first == NULL)
		(void)idmap_del(&by_name, ch->hash);
	else
		(void)idmap_put(&by_name, ch->hash, first);
	(void)idmap_del(&by_id, ch->id);
	if (ch->until_ms != 0)
		TAILQ_REMOVE(&grace, ch, grace_entry);
	TAILQ_REMOVE(&channels_all, ch, entry);
	sodium_memzero(ch->password, sizeof(ch->password));
	free(ch);
}

void
channels_want(const char *name, size_t len)
{
	struct channel	*ch;

	if ((ch = channels_find(name, len)) == NULL) {
		if ((ch = channel_new(name, len)) == NULL) {
			log_warn("channel %s stays on this machine",
			    log_vis(name, len));
			return;
		}
		add_everywhere(ch);
	}
	ch->named = 1;
	if (ch->until_ms != 0) {
		TAILQ_REMOVE(&grace, ch, grace_entry);
		ch->until_ms = 0;
	}
}

static void	grace_over(evutil_socket_t, short, void *);

/* The loop has to turn when the first grace is over. */
static void
grace_arm(void)
{
	struct channel	*ch = TAILQ_FIRST(&grace);
	struct timeval	 tv;
	int64_t		 left_ms;

	if (grace_event == NULL &&
	    (grace_event = evtimer_new(loop_base(), grace_over, NULL)) == NULL)
		return;		/* some other event will do */
	if (ch == NULL) {
		evtimer_del(grace_event);
		return;
	}
	left_ms = ch->until_ms - loop_now_ms();
	tv.tv_sec = left_ms / 1000;
	tv.tv_usec = left_ms % 1000 * 1000 + 999;
	evtimer_add(grace_event, &tv);
}

/* It was too early where the channel that it was for is wanted again. */
static void
grace_over(evutil_socket_t fd, short what, void *arg)
{
	const struct channel	*ch = TAILQ_FIRST(&grace);

	(void)fd;
	(void)what;
	(void)arg;
	if (ch != NULL && ch->until_ms > loop_now_ms())
		grace_arm();
}

void
channels_unwant(struct channel *ch)
{
	if (ch->until_ms != 0)
		return;
	ch->until_ms = loop_now_ms() + GRACE_MS;
	TAILQ_INSERT_TAIL(&grace, ch, grace_entry);
	if (TAILQ_FIRST(&grace) == ch)
		grace_arm();
}

/* Of this machine alone from now on, so that there is no grace. */
static void
channel_unwant_now(struct channel *ch)
{
	if (ch->until_ms != 0)
		TAILQ_REMOVE(&grace, ch, grace_entry);
	ch->until_ms = loop_now_ms();
	TAILQ_INSERT_HEAD(&grace, ch, grace_entry);
}

void
channels_configure(const struct conf *conf)
{
	uint8_t		 password[CPACE_PASSWORD_BYTES];
	struct channel	*ch;
	struct session	*s;

	channels_conf = conf;
	/* Nobody waits any longer for what a new rate may allow. */
	TAILQ_FOREACH(s, &sessions, entry) {
		s->rate_tat_ns = s->resume_ms = 0;
		link_touch(s->link);
	}
	TAILQ_FOREACH(ch, &channels_all, entry) {
		if (conf_channel(conf, ch->name, ch->name_len)->local)
			channel_unwant_now(ch);
		make_password(ch, password);
		if (sodium_memcmp(password, ch->password,
		    sizeof(password)) == 0)
			continue;
		/* To others it is another channel now. */
		remove_everywhere(ch);
		memcpy(ch->password, password, sizeof(password));
		add_everywhere(ch);
	}
	sodium_memzero(password, sizeof(password));
}

void
channels_turn_end(void)
{
	struct channel	*ch;
	struct session	*s;
	int		 over = 0;

	while ((ch = TAILQ_FIRST(&grace)) != NULL &&
	    ch->until_ms <= loop_now_ms()) {
		channel_free(ch);
		over = 1;
	}
	if (over && ch != NULL)
		grace_arm();
	if (refill) {
		refill = 0;
		TAILQ_FOREACH(s, &sessions, entry)
			if (s->overfull)
				add_rest(s);
	}
	router_turn_end();
}
