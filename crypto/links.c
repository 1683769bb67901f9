/*
 * All links, and what is done with them at the end of each turn of the loop.
 * Runs in crypto; owns the sockets that the parent and discovery hand over.
 */
#include <string.h>

#include "common/conf.h"
#include "crypto/links_private.h"
#include "crypto/session.h"

#define BUCKETS_SPARE	4096u	/* beyond those that links hold */

struct links	 links;

void
links_init(const struct identity *self, struct conn_tls *tls)
{
	memset(&links, 0, sizeof(links));
	TAILQ_INIT(&links.all);
	TAILQ_INIT(&links.touched);
	links.self = self;
	links.tls = tls;
	buckets_init(&links.peer_buckets, BUCKETS_SPARE);
	buckets_init(&links.address_buckets, BUCKETS_SPARE);
}

void
links_configure(const struct conf *conf)
{
	links.max = conf->max_links;
	links.queue_max = conf->link_queue;
	links.total_max = conf->link_queue_total;
	links.peer_buckets.max = links.address_buckets.max = BUCKETS_SPARE +
	    conf->max_links;
}

void
links_pause(int pause)
{
	struct link	*l;

	pause = pause != 0;
	if (links.paused == pause)
		return;
	links.paused = pause;
	if (pause)
		crypto_counters.router_paused_total++;
	else
		links.resumed_ms = loop_now_ms();
	TAILQ_FOREACH(l, &links.all, entry) {
		link_read_more(l);
		/* It may hold bytes that came before the pause. */
		if (!pause)
			link_touch(l);
	}
}

/* Nothing more happens to it but that its last bytes go out. */
static int
has_ended(const struct link *l)
{
	return (l->stage == STAGE_ENDING && (l->dead || (l->shut && l->eof) ||
	    loop_now_ms() - l->ended_ms >= LINK_LINGER_MS));
}

/*
 * Sessions first, so that what they have to say is written in this turn. Links
 * that are touched on the way are for the next turn; so is the end of those
 * that another one, or their own socket, doomed after they had their turn here.
 */
void
links_turn_end(void)
{
	struct link	*l, *last;
	int		 all = 0;

	TAILQ_FOREACH(l, &links.touched, touched_entry) {
		if (!l->doomed && l->stage != STAGE_ENDING)
			link_due(l);
		if (l->doomed && l->stage != STAGE_ENDING)
			link_finish(l);
	}
	last = TAILQ_LAST(&links.touched, link_list);
	while (!all && (l = TAILQ_FIRST(&links.touched)) != NULL) {
		all = l == last;
		TAILQ_REMOVE(&links.touched, l, touched_entry);
		l->touched = 0;
		link_flush(l);
		if (has_ended(l))
			link_free(l);
		else if (l->doomed && l->stage != STAGE_ENDING)
			link_touch(l);
	}
	targets_flush();
}

int
links_touched(void)
{
	return (!TAILQ_EMPTY(&links.touched));
}

void
links_stop(void)
{
	struct link	*l;

	links.stopping = 1;
	accept_stop();
	TAILQ_FOREACH(l, &links.all, entry)
		link_doom(l, NULL, "nwsd ends here");
}

size_t
links_left(void)
{
	return (crypto_counters.links);
}
