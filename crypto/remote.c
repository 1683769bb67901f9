/*
 * Members that other nodes announced, each on one link for one channel
 * (session.h).  Runs in crypto; owns struct remote.  The nodes are not trusted:
 * an id belongs to whoever announced it first, until he takes it back.  Who
 * announced it later has it then: it may be the same node, back with another
 * key before its old link was found dead.  There are at most max-remote of all,
 * and of one link at most as many as it leaves to others.
 */
#include <stdlib.h>

#include "common/conf.h"
#include "common/log.h"
#include "crypto/links.h"
#include "crypto/session_private.h"

static struct idmap	by_id;		/* those who do not wait */
static size_t		count;

struct remote *
remote_find(uint64_t id)
{
	return (idmap_get(&by_id, id));
}

struct remote *
remote_of(const struct share *sh, uint64_t id)
{
	struct remote	*r = idmap_get(&by_id, id);

	return (r != NULL && r->share == sh ? r : NULL);
}

size_t
remote_count(void)
{
	return (count);
}

/*
 * Why one more of that session may not come, or NULL.  However much it
 * announces there is room for others: who has as many as are free gets none.
 */
static const char *
is_full(const struct session *s)
{
	uint32_t	max = channels_conf->max_remote;

	if (count >= max)
		return ("max-remote is reached");
	if (s->stats.members >= max - count)
		return ("it has its share of max-remote");
	return (NULL);
}

static void
refused(const struct share *sh, const char *why)
{
	static struct log_limit	limit = { 5, 60, 0, 0, 0 };

	session_counters.dropped_members++;
	sh->session->stats.dropped++;
	if (log_allowed(&limit))
		log_warnx("%s: a member is left out: %s",
		    link_text(sh->session->link), why);
}

/* A member of its own, or one who waits behind others of the same id. */
static void
remote_new(struct share *sh, uint64_t id, uint8_t silent)
{
	struct remote	*r, *last = idmap_get(&by_id, id);
	const char	*full;

	if ((full = is_full(sh->session)) != NULL) {
		session_counters.over_remote++;
		refused(sh, full);
		return;
	}
	if ((r = calloc(1, sizeof(*r))) == NULL ||
	    (last == NULL && idmap_put(&by_id, id, r) == -1)) {
		free(r);
		refused(sh, "out of memory");
		return;
	}
	count++;
	r->share = sh;
	r->id = id;
	r->silent = silent;
	r->seen = 1;
	LIST_INSERT_HEAD(&sh->remotes, r, entry);
	sh->session->stats.members++;
	if (last == NULL) {
		router_join(r, 0);
		return;
	}
	while (last->next != NULL)
		last = last->next;
	last->next = r;
	r->waits = 1;
	refused(sh, "its id is in use");
}

/* The id is given back: the next one who announced it has it. */
static void
remote_leave(struct remote *r)
{
	struct remote	*next = r->next;

	router_leave(r);
	if (next == NULL) {
		(void)idmap_del(&by_id, r->id);
		return;
	}
	/* It takes a place that is there, which needs no memory. */
	(void)idmap_put(&by_id, r->id, next);
	next->waits = 0;
	router_join(next, 0);
}

void
remote_free(struct remote *r)
{
	struct remote	*before;

	if (r->waits) {
		before = idmap_get(&by_id, r->id);
		while (before->next != r)
			before = before->next;
		before->next = r->next;
	} else
		remote_leave(r);
	LIST_REMOVE(r, entry);
	r->share->session->stats.members--;
	count--;
	free(r);
}

/* What was announced there of that id, waiting or not. */
static struct remote *
remote_announced(const struct share *sh, uint64_t id)
{
	struct remote	*r = idmap_get(&by_id, id);

	while (r != NULL && r->share != sh)
		r = r->next;
	return (r);
}

void
remote_connect(struct share *sh, uint64_t marked)
{
	struct remote	*r;
	uint64_t	 id = marked & ~NWSPROTO_SILENT;
	uint8_t		 silent = (marked & NWSPROTO_SILENT) != 0;

	if ((r = remote_announced(sh, id)) == NULL) {
		remote_new(sh, id, silent);
		return;
	}
	r->seen = 1;
	if (r->silent == silent)
		return;
	if (!r->waits)
		router_leave(r);
	r->silent = silent;
	if (!r->waits)
		router_join(r, 0);
}

void
remote_disconnect(struct share *sh, uint64_t id)
{
	struct remote	*r;

	/* One that was left out goes unnoticed, too. */
	if ((r = remote_announced(sh, id)) != NULL)
		remote_free(r);
}

int
remote_roster(struct share *sh, const struct nwsproto *msg)
{
	struct remote	*r, *next;
	uint32_t	 i;

	if (msg->flags & NWSPROTO_FIRST) {
		sh->rostering = 1;
		LIST_FOREACH(r, &sh->remotes, entry)
			r->seen = 0;
	} else if (!sh->rostering)
		return (-1);
	for (i = 0; i < msg->nids; i++)
		remote_connect(sh, nwsproto_id(msg, i));
	if (!(msg->flags & NWSPROTO_LAST))
		return (0);
	sh->rostering = 0;
	for (r = LIST_FIRST(&sh->remotes); r != NULL; r = next) {
		next = LIST_NEXT(r, entry);
		if (!r->seen)
			remote_free(r);
	}
	return (0);
}

void
remote_free_all(struct share *sh)
{
	struct remote	*r, *next;

	for (r = LIST_FIRST(&sh->remotes); r != NULL; r = next) {
		next = LIST_NEXT(r, entry);
		remote_free(r);
	}
}

void
remote_resume(void)
{
	struct remote	*r;
	size_t		 at = 0;

	while ((r = idmap_iterate(&by_id, &at, NULL)) != NULL)
		router_join(r, 1);
}
