/*
 * One link: from a connected socket to a session and to its end.  Runs in
 * crypto; trusts neither the other end nor discovery, which dialled.
 *
 * Whoever finds a reason to end a link calls link_doom(); it is ended at the
 * end of the turn, so that nothing is freed under anybody's feet.
 */
#include <sys/socket.h>

#include <bsd/string.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "crypto/links_private.h"
#include "crypto/session.h"

#define AGENT		"nwsd/" NWSD_VERSION

static const char *const protocols[] = { NWSPROTO_NAME };

static struct conn	*conn_make(const struct link *);
static void		 secured(struct link *);
static void		 stream_opened(struct link *,
			    const struct conn_event *);
static void		 stream_ended(struct link *, const struct conn_event *);
static void		 session_begin(struct link *, uint32_t);
static void		 plain(struct link *, const char *);

struct link *
link_new(int fd, int dialled, const uint8_t addr[16], uint32_t scope,
    uint16_t port)
{
	static uint64_t	 last_id;
	struct link	*l;

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		close(fd);
		return (NULL);
	}
	l->id = ++last_id;
	l->fd = fd;
	l->dialled = dialled;
	memcpy(l->addr, addr, 16);
	l->scope = scope;
	l->port = port;
	l->started_ms = l->heard_ms = l->used_ms = loop_now_ms();
	l->timer_ms = LINK_NEVER;
	outq_init(&l->queue);
	if ((l->conn = conn_make(l)) == NULL || (l->address =
	    tally_ref(&links.addresses, addr, 16)) == NULL ||
	    link_watch(l) == -1) {
		tally_unref(&links.addresses, l->address);
		conn_free(l->conn);
		close(fd);
		free(l);
		return (NULL);
	}
	TAILQ_INSERT_TAIL(&links.all, l, entry);
	crypto_counters.links++;
	link_read_more(l);
	link_touch(l);
	return (l);
}

/* Our end's, where the system knows it. */
static void
local_address(const struct link *l, struct conn_config *config)
{
	struct sockaddr_storage	 ss;
	struct sockaddr_in	*in = (void *)&ss;
	struct sockaddr_in6	*in6 = (void *)&ss;
	socklen_t		 len = sizeof(ss);

	memset(&ss, 0, sizeof(ss));
	if (getsockname(l->fd, (struct sockaddr *)&ss, &len) == -1)
		return;
	if (ss.ss_family == AF_INET) {
		config->local_ip_len = 4;
		memcpy(config->local_ip, &in->sin_addr, 4);
	} else if (ss.ss_family == AF_INET6) {
		config->local_ip_len = 16;
		memcpy(config->local_ip, &in6->sin6_addr, 16);
	}
}

static struct conn *
conn_make(const struct link *l)
{
	struct conn_config	 config;

	memset(&config, 0, sizeof(config));
	config.dialler = l->dialled;
	config.security = CONN_TLS | CONN_NOISE;
	config.self = links.self;
	config.tls = links.tls;
	config.protocols = protocols;
	config.nprotocols = sizeof(protocols) / sizeof(protocols[0]);
	config.agent = AGENT;
	config.port = links.port;
	config.remote_ip_len = link_is_v4(l) ? 4 : 16;
	memcpy(config.remote_ip, l->addr + 16 - config.remote_ip_len,
	    config.remote_ip_len);
	config.remote_port = l->port;
	local_address(l, &config);
	return (conn_new(&config));
}

void
link_touch(struct link *l)
{
	if (l->touched)
		return;
	l->touched = 1;
	TAILQ_INSERT_TAIL(&links.touched, l, touched_entry);
}

void
link_doom(struct link *l, uint64_t *counter, const char *why)
{
	if (l->doomed)
		return;
	l->doomed = 1;
	strlcpy(l->why, why, sizeof(l->why));
	if (counter != NULL)
		(*counter)++;
	link_count(l);
	link_touch(l);
	loop_soon();
}

int
link_slowed(const struct link *l)
{
	return (l->session != NULL &&
	    session_resume_ms(l->session) > loop_now_ms());
}

size_t
link_queued(const struct link *l)
{
	return (l->queue.bytes + conn_waiting(l->conn));
}

void
link_count(struct link *l)
{
	size_t	 n = l->doomed ? 0 : link_queued(l);

	links.queued += n - l->queued;
	l->queued = n;
}

static struct link *
heaviest(void)
{
	struct link	*l, *most = NULL;

	TAILQ_FOREACH(l, &links.all, entry)
		if (l->queued > (most == NULL ? 0 : most->queued))
			most = l;
	return (most);
}

/* Ends the links that hold most, until all together have less. */
static void
make_room(void)
{
	struct link	*most;

	while (links.queued >= links.total_max &&
	    (most = heaviest()) != NULL) {
		link_doom(most, &crypto_counters.heaviest_total,
		    "more waits for it than for any other (link-queue-total)");
		outq_free(&most->queue);
	}
}

void
link_send(struct link *l, const void *head, size_t head_len, const void *data,
    size_t len)
{
	if (l->doomed || l->session == NULL)
		return;
	/* One may pass the bound, so that none is too large for any link. */
	if (l->queue.bytes >= links.queue_max) {
		link_doom(l, &crypto_counters.behind_total,
		    "it falls behind (link-queue)");
		return;
	}
	make_room();
	if (l->doomed)
		return;
	if (outq_add(&l->queue, head, head_len) == -1 ||
	    outq_add(&l->queue, data, len) == -1)
		link_doom(l, &crypto_counters.no_memory_total,
		    "out of memory");
	link_count(l);
	link_touch(l);
}

/*
 * What conn_input() told.
 */
void
link_event(struct link *l, const struct conn_event *ev)
{
	const char	*why;

	switch (ev->type) {
	case CONN_SECURED:
		secured(l);
		break;
	case CONN_READY:
		(void)conn_identify(l->conn);
		if (l->dialled && (l->stream = conn_open(l->conn,
		    NWSPROTO_NAME, NULL)) == 0)
			link_doom(l, &crypto_counters.failed_protocol_total,
			    "no stream can be opened");
		break;
	case CONN_OPENED:
		stream_opened(l, ev);
		break;
	case CONN_AGREED:
		if (ev->stream == l->stream)
			session_begin(l, ev->stream);
		break;
	case CONN_REFUSED:
		if (ev->stream == l->stream)
			plain(l, "it speaks libp2p, but not " NWSPROTO_NAME);
		break;
	case CONN_DATA:
		if (ev->stream == l->stream && l->session != NULL) {
			if (session_input(l->session, ev->data, ev->len,
			    &why) == -1)
				link_doom(l,
				    &crypto_counters.failed_protocol_total,
				    why);
			else
				node_heard(l);
			link_touch(l);
		}
		(void)conn_consume(l->conn, ev->stream, ev->len);
		break;
	case CONN_FIN:
	case CONN_RESET:
		stream_ended(l, ev);
		break;
	case CONN_IDENTIFIED:
		strlcpy(l->agent, log_vis(ev->data, ev->len),
		    sizeof(l->agent));
		break;
	case CONN_GOAWAY:
		link_ended(l, "ended by the other side");
		break;
	case CONN_FAILED:
		if (ev->self) {
			link_self(l);
			break;
		}
		link_doom(l, l->stage == STAGE_SHAKING ?
		    &crypto_counters.failed_security_total :
		    &crypto_counters.failed_protocol_total, ev->why);
		break;
	case CONN_PONG:
		l->ponged = 1;
		break;
	case CONN_WRITABLE:	/* link_flush() goes on in any case */
	case CONN_NONE:
		break;
	}
}

void
link_self(struct link *l)
{
	l->quiet = 1;
	target_self(l);
	link_doom(l, &crypto_counters.self_total, "that is this node");
}

void
link_ended(struct link *l, const char *why)
{
	const struct node	*n = l->node;

	if (l->active)
		link_doom(l, &crypto_counters.ended_total, why);
	else if (n != NULL && n->active != NULL)
		link_doom(l, &crypto_counters.superfluous_total, why);
	else
		link_doom(l, &crypto_counters.failed_eof_total, why);
}

static void
secured(struct link *l)
{
	const struct peer_id	*peer = conn_peer(l->conn);
	uint64_t		 now = (uint64_t)loop_now_ms();

	l->stage = STAGE_SECURED;
	if (conn_security(l->conn) == CONN_TLS)
		crypto_counters.secured_tls_total++;
	else
		crypto_counters.secured_noise_total++;
	accept_shaken(l);
	if (node_secured(l, peer) == -1)
		return;
	l->buckets[0] = bucket_ref(&links.peer_buckets, peer->bytes,
	    peer->len, now);
	l->buckets[1] = bucket_ref(&links.address_buckets, l->addr,
	    sizeof(l->addr), now);
	if (l->buckets[0] == NULL || l->buckets[1] == NULL)
		link_doom(l, &crypto_counters.no_memory_total,
		    "out of memory");
}

/* The lead opens the one stream there is; the rest is not wanted. */
static void
stream_opened(struct link *l, const struct conn_event *ev)
{
	if (l->dialled || l->stream != 0 || l->stage != STAGE_SECURED) {
		(void)conn_reset(l->conn, ev->stream, 0);
		return;
	}
	l->stream = ev->stream;
	session_begin(l, ev->stream);
}

static void
stream_ended(struct link *l, const struct conn_event *ev)
{
	if (l->stream == 0 || ev->stream != l->stream) {
		if (!ev->ended)
			(void)conn_close(l->conn, ev->stream);
		return;
	}
	if (l->session != NULL)
		link_ended(l, "the other side closed its stream");
	else
		plain(l, "it refused a stream of " NWSPROTO_NAME);
}

static void
session_begin(struct link *l, uint32_t stream)
{
	const struct peer_id	*peer = conn_peer(l->conn);
	struct session_config	 config;

	l->stream = stream;
	if (l->doomed || l->node == NULL)
		return;
	memset(&config, 0, sizeof(config));
	config.link = l;
	config.lead = l->dialled;
	config.id.p = links.self->id.bytes;
	config.id.n = links.self->id.len;
	config.remote_id.p = peer->bytes;
	config.remote_id.n = peer->len;
	config.binding.p = conn_binding(l->conn, &config.binding.n);
	config.limits[0] = &l->buckets[0]->limit;
	config.limits[1] = &l->buckets[1]->limit;
	if ((l->session = session_new(&config)) == NULL) {
		link_doom(l, &crypto_counters.no_memory_total,
		    "out of memory");
		return;
	}
	l->stage = STAGE_SESSION;
	node_session(l);
	link_touch(l);
}

void
link_active(struct link *l)
{
	if (l->doomed || l->active)
		return;
	l->active = 1;
	l->up_ms = loop_now_ms();
	crypto_counters.links_active++;
	crypto_counters.up_total++;
	node_active(l);
	if (l->doomed)
		return;
	link_tell_up(l);
}

/* A libp2p node that is no nwsd: it may identify and ping. */
static void
plain(struct link *l, const char *why)
{
	if (l->doomed || l->stage != STAGE_SECURED)
		return;
	l->stage = STAGE_PLAIN;
	l->stream = 0;
	crypto_counters.links_plain++;
	if (l->dialled) {
		crypto_counters.failed_unsupported_total++;
		strlcpy(l->why, why, sizeof(l->why));
		links_note_failure(l);
	}
	node_remove(l, why);
}

/* When time alone has link_due() do something. */
int64_t
link_deadline(const struct link *l)
{
	int64_t		 at = LINK_NEVER, other;
	uint64_t	 next;

	if (l->stage == STAGE_ENDING)
		return (l->ended_ms + LINK_LINGER_MS);
	if (l->stage == STAGE_PLAIN) {
		at = l->used_ms + LINK_IDLE_MS;
		other = l->heard_ms + LINK_PING_MS;
		if (other <= loop_now_ms())
			other = l->heard_ms + LINK_SILENCE_MS;
		return (other < at ? other : at);
	}
	if (!l->active)
		at = l->started_ms + LINK_HANDSHAKE_MS;
	if ((other = node_deadline(l)) < at)
		at = other;
	if (l->session != NULL && (next = session_next(l->session)) <
	    (uint64_t)at)
		at = (int64_t)next;
	if (link_slowed(l) && session_resume_ms(l->session) < at)
		at = session_resume_ms(l->session);
	return (at);
}

void
link_due(struct link *l)
{
	int64_t		 now = loop_now_ms();
	const char	*why = NULL;

	if (l->doomed)
		return;
	if (l->stage == STAGE_PLAIN) {
		if (now - l->heard_ms >= LINK_SILENCE_MS)
			link_doom(l, &crypto_counters.silent_total,
			    "nothing was heard for 30 s");
		else if (now - l->used_ms >= LINK_IDLE_MS)
			link_doom(l, NULL, "it was not used");
		else if (now - l->heard_ms >= LINK_PING_MS)
			(void)conn_ping(l->conn);
		return;
	}
	node_due(l);
	if (l->active || now - l->started_ms < LINK_HANDSHAKE_MS) {
		if (l->session != NULL &&
		    session_turn(l->session, &why) == -1)
			link_doom(l, session_is_silent(l->session) ?
			    &crypto_counters.silent_total :
			    &crypto_counters.failed_protocol_total, why);
		return;
	}
	/* Whoever never asks for a session is a plain peer. */
	if (l->stage == STAGE_SECURED && !l->dialled)
		plain(l, "it opened no stream of " NWSPROTO_NAME);
	else
		link_doom(l, &crypto_counters.failed_timeout_total,
		    l->stage == STAGE_SHAKING ? "no handshake within 10 s" :
		    l->session == NULL ? "no answer to " NWSPROTO_NAME
		    " within 10 s" : "no answer to HELLO within 10 s");
}

void
link_finish(struct link *l)
{
	struct link	*old;

	link_tell_end(l);
	accept_shaken(l);
	tally_unref(&links.addresses, l->address);
	l->address = NULL;
	if (l->stage == STAGE_PLAIN)
		crypto_counters.links_plain--;
	if (l->active) {
		crypto_counters.links_active--;
		crypto_counters.down_total++;
	}
	/* Its peers leave before another link can bring them again. */
	if (l->session != NULL)
		session_free(l->session);
	l->session = NULL;
	l->active = 0;
	node_remove(l, l->why);
	target_failed(l, l->why);
	bucket_unref(&links.peer_buckets, l->buckets[0]);
	bucket_unref(&links.address_buckets, l->buckets[1]);
	outq_free(&l->queue);
	free(l->in);
	l->in = NULL;
	l->in_len = 0;
	l->stage = STAGE_ENDING;
	l->ended_ms = loop_now_ms();
	links.ending++;
	if (!l->dead)
		conn_end(l->conn);
	if (links.ending <= LINK_ENDING_MAX)
		return;
	TAILQ_FOREACH(old, &links.all, entry)
		if (old->stage == STAGE_ENDING && !old->dead) {
			old->dead = 1;
			link_touch(old);
			break;
		}
}

void
link_free(struct link *l)
{
	link_unwatch(l);
	if (l->touched)
		TAILQ_REMOVE(&links.touched, l, touched_entry);
	TAILQ_REMOVE(&links.all, l, entry);
	crypto_counters.links--;
	links.ending--;
	conn_free(l->conn);
	close(l->fd);
	free(l);
}
