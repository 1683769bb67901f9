/*
 * Nodes to dial that were named with "nwsctl peer": kept until nwsd ends, and
 * told to discovery, which looks them up and dials.  Runs in the parent; the
 * text comes from who administers this daemon and is parsed all the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "parent/parent.h"

static char *added[PEERS_MAX]; /* host:port */
static size_t n_added;

/* Index of a peer, n_added where it is not there. */
static size_t
find(const char *name)
{
	size_t i;

	for (i = 0; i < n_added && strcmp(added[i], name) != 0; i++)
		continue;
	return (i);
}

static int
configured(const char *name)
{
	const struct conf_peer *peer;
	char text[MSG_PEER_MAX + 1];

	TAILQ_FOREACH(peer, &parent.conf->peers, entry)
		if (strcmp(conf_peer_text(peer->host, peer->port, text,
			       sizeof(text)),
			name) == 0)
			return (1);
	return (0);
}

static const char *
add(const char *name)
{
	if (find(name) < n_added)
		return ("was added before");
	if (configured(name))
		return ("is a peer by the configuration");
	if (n_added == PEERS_MAX)
		return ("there are too many peers");
	if ((added[n_added] = strdup(name)) == NULL)
		return ("out of memory");
	n_added++;
	return (NULL);
}

static const char *
del(const char *name)
{
	size_t i = find(name);

	if (i == n_added)
		return (configured(name) ?
			"is a peer by the configuration: change that" :
			"is not a peer that was added");
	free(added[i]);
	n_added--;
	memmove(&added[i], &added[i + 1], (n_added - i) * sizeof(added[0]));
	return (NULL);
}

void
peers_send(struct process *p)
{
	char *text = NULL;
	size_t i, len;
	FILE *f;

	if ((f = open_memstream(&text, &len)) == NULL) {
		log_warn("peers");
		return;
	}
	for (i = 0; i < n_added; i++)
		fprintf(f, "%s\n", added[i]);
	if (fclose(f) == 0)
		process_send(p, MSG_PEERS, 0, -1, text, len);
	else
		log_warn("peers");
	free(text);
}

void
peers_change(struct ctl *c, uint32_t verb, const char *text, size_t len)
{
	struct process *discovery = process_find_instance(P_DISCOVERY, 0);
	char name[MSG_PEER_MAX + 1], *host;
	const char *problem;
	uint16_t port;

	if (discovery == NULL) {
		ctl_done(c, 1, "there are no links (link off in nwsd.conf)");
		return;
	}
	if (conf_peer_parse(text, len, &host, &port, &problem) == -1) {
		ctl_done(c, 1, "%s: expected %s", log_vis(text, len), problem);
		return;
	}
	conf_peer_text(host, port, name, sizeof(name));
	free(host);
	if (verb != PEER_ADD && verb != PEER_DEL)
		problem = "unknown verb";
	else
		problem = verb == PEER_ADD ? add(name) : del(name);
	if (problem != NULL) {
		ctl_done(c, 1, "%s: %s", name, problem);
		return;
	}
	log_info("peer %s: %s by nwsctl", name,
	    verb == PEER_ADD ? "added" : "forgotten");
	peers_send(discovery);
	ctl_done(c, 0, "%s", "");
}
