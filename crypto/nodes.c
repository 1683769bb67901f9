/*
 * The nodes at the other ends of links, by peer id, and which one of several
 * links to a node is used: the rule is in links.h.  Runs in crypto; a peer id
 * was proven by the handshake, all else that the other end does is not trusted.
 */
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/idmap.h"
#include "common/log.h"
#include "crypto/links_private.h"
#include "crypto/session.h"

static struct idmap	 nodes;	/* by hash of the peer id */

static struct node	*node_get(const struct peer_id *);
static void		 node_unused(struct node *);
static void		 choose(struct node *, struct link *);
static void		 probe(struct node *);
static int		 others_wait(const struct node *);

/* Whether a comes before b (links.h). */
static int
smaller(const struct peer_id *a, const struct peer_id *b)
{
	size_t	 n = a->len < b->len ? a->len : b->len;
	int	 r = memcmp(a->bytes, b->bytes, n);

	return (r != 0 ? r < 0 : a->len < b->len);
}

int
node_secured(struct link *l, const struct peer_id *peer)
{
	struct node	*n;

	if (peerid_equal(peer, &links.self->id)) {
		link_self(l);
		return (-1);
	}
	if ((n = node_get(peer)) == NULL) {
		link_doom(l, &crypto_counters.no_memory_total,
		    "out of memory");
		return (-1);
	}
	target_attach(l, n);
	if (n->nlinks >= NODE_LINKS_MAX) {
		l->quiet = 1;
		link_doom(l, &crypto_counters.refused_address_total,
		    "too many links of this peer");
		return (-1);
	}
	l->node = n;
	TAILQ_INSERT_TAIL(&n->links, l, node_entry);
	n->nlinks++;
	return (0);
}

static struct node *
node_get(const struct peer_id *id)
{
	struct node	*n;
	uint64_t	 hash = hash_bytes(id->bytes, id->len);

	if (hash == 0)
		hash = 1;
	/* Two of one hash, which nobody can look for, are not both served. */
	if ((n = idmap_get(&nodes, hash)) != NULL)
		return (peerid_equal(&n->id, id) ? n : NULL);
	if ((n = calloc(1, sizeof(*n))) == NULL)
		return (NULL);
	n->id = *id;
	n->hash = hash;
	n->decides = smaller(&links.self->id, id);
	TAILQ_INIT(&n->links);
	TAILQ_INIT(&n->targets);
	if (idmap_put(&nodes, hash, n) == -1) {
		free(n);
		return (NULL);
	}
	crypto_counters.nodes++;
	return (n);
}

static void
node_unused(struct node *n)
{
	(void)idmap_del(&nodes, n->hash);
	crypto_counters.nodes--;
	free(n);
}

void
node_session(struct link *l)
{
	struct node	*n = l->node;

	if (!n->decides)
		session_hello(l->session);
	else if (n->chosen == NULL)
		choose(n, l);
	else {
		l->waits = 1;
		probe(n);
	}
}

/* We decide: this is the link that is used, if it gets as far. */
static void
choose(struct node *n, struct link *l)
{
	n->chosen = l;
	n->probe_ms = 0;
	l->waits = 0;
	session_hello(l->session);
	link_touch(l);
	if (others_wait(n))
		probe(n);
}

static int
others_wait(const struct node *n)
{
	const struct link	*l;

	TAILQ_FOREACH(l, &n->links, node_entry)
		if (l->waits && !l->doomed)
			return (1);
	return (0);
}

/* A newcomer waits: the link in use has to show that it still is. */
static void
probe(struct node *n)
{
	struct link	*l;

	if (n->probe_ms == 0) {
		n->probe_ms = loop_now_ms();
		if (session_is_active(n->chosen->session)) {
			session_ping(n->chosen->session);
			link_touch(n->chosen);
		}
	}
	/* They have a deadline now. */
	TAILQ_FOREACH(l, &n->links, node_entry)
		if (l->waits)
			link_touch(l);
}

void
node_heard(struct link *l)
{
	struct node	*n = l->node;
	struct link	*other;

	if (n == NULL || n->chosen != l || n->probe_ms == 0 || l->doomed ||
	    !session_is_active(l->session))
		return;
	n->probe_ms = 0;
	TAILQ_FOREACH(other, &n->links, node_entry)
		if (other->waits)
			link_doom(other, &crypto_counters.superfluous_total,
			    "there is a link to this peer already");
}

int64_t
node_deadline(const struct link *l)
{
	const struct node	*n = l->node;

	if (n == NULL || !l->waits || n->probe_ms == 0)
		return (LINK_NEVER);
	return (n->probe_ms + LINK_PROBE_MS);
}

void
node_due(struct link *l)
{
	struct node	*n = l->node;

	if (loop_now_ms() < node_deadline(l))
		return;
	/* We did not listen: that is no fault of theirs. */
	if (links.paused || n->probe_ms < links.resumed_ms ||
	    n->probe_ms < session_resume_ms(n->chosen->session))
		n->probe_ms = loop_now_ms();
	else
		link_doom(n->chosen, &crypto_counters.replaced_total,
		    "it does not answer, another link takes its place");
}

void
node_active(struct link *l)
{
	struct node	*n = l->node;

	if (n == NULL)
		return;
	if (n->active != NULL && n->active != l) {
		n->active->quiet = 1;
		link_doom(n->active, &crypto_counters.replaced_total,
		    "another link takes its place");
	}
	n->active = n->chosen = l;
	targets_up(n);
}

void
node_remove(struct link *l, const char *why)
{
	struct node	*n = l->node;
	struct link	*next;

	if (n == NULL)
		return;
	l->node = NULL;
	l->waits = 0;
	TAILQ_REMOVE(&n->links, l, node_entry);
	n->nlinks--;
	if (n->active == l)
		n->active = NULL;
	if (n->nlinks == 0) {
		targets_lost(n, why);
		node_unused(n);
		return;
	}
	if (n->chosen != l)
		return;
	n->chosen = NULL;
	n->probe_ms = 0;
	/* The newest is the likeliest to be alive. */
	TAILQ_FOREACH_REVERSE(next, &n->links, link_list, node_entry)
		if (next->waits && !next->doomed) {
			choose(n, next);
			return;
		}
}
