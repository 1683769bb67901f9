/*
 * The targets of discovery: numbers that stand for whom it dials, and what it
 * is told of them.  Runs in crypto; trusts discovery with nothing but to say
 * numbers, of which it keeps a bounded count.
 *
 * A target belongs to a link until it is known who is there, then to that node,
 * and is forgotten once nothing is left to be said of it.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/accept.h"
#include "common/child.h"
#include "common/idmap.h"
#include "common/imsg.h"
#include "common/log.h"
#include "crypto/links_private.h"

struct target {
	TAILQ_ENTRY(target)	 entry;	/* of node */
	uint32_t		 number;
	int			 up;	/* LINKED_UP was said */
	struct node		*node;
	struct link		*link;	/* as long as node is not known */
};

static struct idmap	 targets;	/* by number plus one */
static struct pipe	*discovery;

static void	dialled(struct pipe *, struct imsg *);
static void	forget(struct pipe *, struct imsg *);

static const struct pipe_phase	discovery_running = { "running", {
	[MSG_DIALLED] = dialled,
	[MSG_FORGET] = forget,
} };

static void
say(uint32_t number, enum linked what, const char *text)
{
	struct msg_linked	 linked = { what, 0 };

	if (discovery == NULL || links.stopping)
		return;
	if (imsg_send2(pipe_imsg(discovery), MSG_LINKED, number, &linked,
	    sizeof(linked), text, strlen(text)) == -1)
		log_warn("discovery: target %u", number);
}

static void
target_free(struct target *t)
{
	(void)idmap_del(&targets, (uint64_t)t->number + 1);
	if (t->link != NULL)
		t->link->target = NULL;
	if (t->node != NULL)
		TAILQ_REMOVE(&t->node->targets, t, entry);
	crypto_counters.targets--;
	free(t);
}

static void
targets_drop(void)
{
	struct target	*t;
	size_t		 at = 0;

	while ((t = idmap_iterate(&targets, &at, NULL)) != NULL) {
		target_free(t);
		at = 0;
	}
}

static void
discovery_lost(struct pipe *p, const char *why)
{
	if (why != NULL) {
		log_warnx("discovery: given up: %s", why);
		child_stuck(P_DISCOVERY, 0);
	}
	pipe_free(p);
	discovery = NULL;
	targets_drop();
}

void
links_discovery(struct imsgbuf *ib)
{
	if (discovery != NULL)
		pipe_free(discovery);
	targets_drop();
	discovery = pipe_new(ib, &discovery_running, discovery_lost, NULL);
	if (discovery == NULL)
		fatalx("discovery: out of memory");
}

void
targets_flush(void)
{
	if (discovery != NULL)
		pipe_flush(discovery);
}

int
target_dialled(uint32_t number, struct link *l)
{
	struct target	*t;

	/* Dialled again: what was known of it is out of date. */
	if ((t = idmap_get(&targets, (uint64_t)number + 1)) != NULL)
		target_free(t);
	if (targets.count >= TARGETS_MAX ||
	    (t = calloc(1, sizeof(*t))) == NULL)
		return (-1);
	if (idmap_put(&targets, (uint64_t)number + 1, t) == -1) {
		free(t);
		return (-1);
	}
	t->number = number;
	t->link = l;
	l->target = t;
	crypto_counters.targets++;
	return (0);
}

/* A socket that discovery connected. */
static void
dialled(struct pipe *p, struct imsg *m)
{
	const struct msg_dialled	*d = m->data;
	struct link			*l;
	int				 fd = m->fd;

	(void)p;
	m->fd = -1;
	if (links.stopping) {
		close(fd);
		return;
	}
	/* The next one that discovery sends has to find one, too. */
	if (!accept_is_spare(fd)) {
		close(fd);
		crypto_counters.accept_paused_total++;
		say(m->hdr.peerid, LINKED_FAILED, "out of descriptors");
		return;
	}
	if (!accept_room(d->addr)) {
		close(fd);
		say(m->hdr.peerid, LINKED_FAILED,
		    "there are too many links, in all or to this address");
		return;
	}
	if ((l = link_new(fd, 1, d->addr, d->scope, (uint16_t)d->port)) ==
	    NULL) {
		crypto_counters.no_memory_total++;
		say(m->hdr.peerid, LINKED_FAILED, "out of memory");
		return;
	}
	crypto_counters.dialled_total++;
	if (target_dialled(m->hdr.peerid, l) == -1) {
		say(m->hdr.peerid, LINKED_FAILED, "too many targets");
		link_doom(l, &crypto_counters.no_memory_total,
		    "too many targets");
	}
}

static void
forget(struct pipe *p, struct imsg *m)
{
	struct target	*t;

	(void)p;
	t = idmap_get(&targets, (uint64_t)m->hdr.peerid + 1);
	if (t != NULL)
		target_free(t);
}

static void
target_up(struct target *t)
{
	char	 id[PEERID_TEXT_MAX];

	if (t->up)
		return;
	t->up = 1;
	peerid_print(&t->node->id, id);
	say(t->number, LINKED_UP, id);
}

void
target_attach(struct link *l, struct node *n)
{
	struct target	*t = l->target;

	if (t == NULL)
		return;
	l->target = NULL;
	t->link = NULL;
	t->node = n;
	TAILQ_INSERT_TAIL(&n->targets, t, entry);
	if (n->active != NULL)
		target_up(t);
}

void
target_self(struct link *l)
{
	struct target	*t = l->target;

	if (t == NULL)
		return;
	say(t->number, LINKED_SELF, "");
	target_free(t);
}

void
target_failed(struct link *l, const char *why)
{
	struct target	*t = l->target;

	if (t == NULL)
		return;
	say(t->number, LINKED_FAILED, why);
	target_free(t);
}

void
targets_up(struct node *n)
{
	struct target	*t;

	TAILQ_FOREACH(t, &n->targets, entry)
		target_up(t);
}

void
targets_lost(struct node *n, const char *why)
{
	struct target	*t, *next;

	for (t = TAILQ_FIRST(&n->targets); t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		say(t->number, t->up ? LINKED_LOST : LINKED_FAILED, why);
		target_free(t);
	}
}
