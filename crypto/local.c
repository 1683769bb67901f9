/*
 * The members of this machine on channels that are shared, and their messages
 * for the nodes that share them (session.h).  Runs in crypto; owns the lists of
 * members, which are the word of the router.
 */
#include <string.h>

#include "common/msg.h"
#include "crypto/links.h"
#include "crypto/session_private.h"

/* In the map of local members: a member that is shown, one that is silent. */
static char		 mark_shown, mark_silent;

static void *
member_mark(uint64_t marked)
{
	return (marked & MEMBER_SILENT ? &mark_silent : &mark_shown);
}

static uint64_t
marked_id(uint64_t id, const void *mark)
{
	return (mark == &mark_silent ? id | NWSPROTO_SILENT : id);
}

/* The members of this machine, for one session. */
void
local_announce(const struct share *sh)
{
	struct nwsproto	 msg = { .type = NWSPROTO_ROSTER };
	uint8_t		 ids[8 * NWSPROTO_IDS_MAX];
	size_t		 at = 0, left = sh->channel->local.count;
	uint64_t	 id;
	void		*mark;

	msg.handle = sh->handle;
	msg.flags = NWSPROTO_FIRST;
	msg.ids = ids;
	do {
		for (msg.nids = 0; msg.nids < NWSPROTO_IDS_MAX && left > 0;
		    left--) {
			mark = idmap_iterate(&sh->channel->local, &at, &id);
			nwsproto_put_id(ids + 8 * (size_t)msg.nids++,
			    marked_id(id, mark));
		}
		if (left == 0)
			msg.flags |= NWSPROTO_LAST;
		session_send(sh->session, &msg);
		msg.flags = 0;
	} while (left > 0);
}

static void
tell(const struct share *sh, enum nwsproto_type type, uint64_t source)
{
	struct nwsproto	msg = { .type = type };

	msg.handle = sh->handle;
	msg.source = source;
	session_send(sh->session, &msg);
}

static void
tell_all(const struct channel *ch, enum nwsproto_type type, uint64_t source)
{
	const struct share	*sh;

	LIST_FOREACH(sh, &ch->shares, of_channel)
		tell(sh, type, source);
}

/* Tells the sharers how the new list differs from the one they had. */
static void
tell_changes(const struct channel *ch)
{
	uint64_t	 id;
	size_t		 at = 0;
	void		*mark;

	while ((mark = idmap_iterate(&ch->local, &at, &id)) != NULL)
		if (idmap_get(&ch->coming, id) != mark)
			tell_all(ch, NWSPROTO_DISCONNECT, id);
	at = 0;
	while ((mark = idmap_iterate(&ch->coming, &at, &id)) != NULL)
		if (idmap_get(&ch->local, id) != mark)
			tell_all(ch, NWSPROTO_CONNECT, marked_id(id, mark));
}

void
local_roster(struct channel *ch, uint32_t flags, const uint64_t *ids,
    uint32_t n)
{
	const struct share	*sh;
	uint32_t		 i;

	if (flags & ROSTER_FIRST)
		idmap_clear(&ch->coming);
	/* Without memory it is not announced, and what it says not sent. */
	for (i = 0; i < n; i++)
		(void)idmap_put(&ch->coming, ids[i] & ~MEMBER_SILENT,
		    member_mark(ids[i]));
	if (!(flags & ROSTER_LAST))
		return;
	if (ch->synced)
		tell_changes(ch);
	idmap_clear(&ch->local);
	ch->local = ch->coming;
	memset(&ch->coming, 0, sizeof(ch->coming));
	if (ch->synced)
		return;
	ch->synced = 1;
	LIST_FOREACH(sh, &ch->shares, of_channel)
		local_announce(sh);
}

void
local_presence(struct channel *ch, uint64_t marked, int connect)
{
	uint64_t	 id = marked & ~MEMBER_SILENT;
	void		*mark = member_mark(marked), *known;

	if (!ch->synced)
		return;		/* the roster will have it */
	known = idmap_get(&ch->local, id);
	if (known != NULL && (!connect || known != mark)) {
		(void)idmap_del(&ch->local, id);
		tell_all(ch, NWSPROTO_DISCONNECT, id);
	}
	if (connect && known != mark && idmap_put(&ch->local, id, mark) == 0)
		tell_all(ch, NWSPROTO_CONNECT, marked_id(id, mark));
}

void
local_broadcast(struct channel *ch, const struct msg_data *d,
    const uint8_t *data, size_t len)
{
	struct nwsproto	 msg = { .type = NWSPROTO_BROADCAST, .handle = 1 };
	uint8_t		 head[32], handle[8];
	struct share	*sh;
	size_t		 n;

	/* Also of who came by another link: there is no second hop. */
	if (!ch->synced || idmap_get(&ch->local, d->source) == NULL)
		return;
	msg.source = d->source;
	msg.kind = d->kind;
	msg.data = data;
	msg.len = len;
	if ((n = nwsproto_encode(&msg, head, sizeof(head))) == 0)
		return;
	LIST_FOREACH(sh, &ch->shares, of_channel) {
		if (!session_may_send(sh->session, len))
			continue;
		/* The handle alone is another one on each link. */
		nwsproto_put_id(handle, sh->handle);
		memcpy(head + NWSPROTO_HEADER, handle + 4, 4);
		link_send(sh->session->link, head, n, data, len);
	}
}

int
local_direct(struct channel *ch, const struct msg_data *d,
    const uint8_t *data, size_t len)
{
	struct nwsproto	 msg = { .type = NWSPROTO_DIRECT };
	struct remote	*r = remote_find(d->target);
	uint8_t		 head[32];
	size_t		 n;

	if (r == NULL || r->share->channel != ch || !ch->synced ||
	    idmap_get(&ch->local, d->source) == NULL ||
	    !session_may_send(r->share->session, len))
		return (-1);
	msg.handle = r->share->handle;
	msg.source = d->source;
	msg.target = d->target;
	msg.kind = d->kind;
	msg.data = data;
	msg.len = len;
	if ((n = nwsproto_encode(&msg, head, sizeof(head))) == 0)
		return (-1);
	link_send(r->share->session->link, head, n, data, len);
	return (0);
}

void
local_forget(struct channel *ch)
{
	ch->synced = 0;
	idmap_clear(&ch->local);
	idmap_clear(&ch->coming);
}
