/*
 * The crypto process: the identity of this node, the secrets of channels, and
 * the encrypted links to other nodes.  Holds the link sockets it was given and
 * its pipes; may read, write and accept.  This file has the process's main,
 * what the parent may say to it, and the end of each turn of its loop.
 */
#include <sodium.h>
#include <string.h>

#include "common/child.h"
#include "common/conf.h"
#include "common/hash.h"
#include "common/imsg.h"
#include "common/log.h"
#include "crypto/links.h"
#include "crypto/conn.h"
#include "crypto/session.h"

#define GOODBYE_S	2	/* for peers to take the end of their link */

static struct identity	 identity;
static struct conn_tls	*tls;
static int		 configured, ending;

/* What libraries do at first use, and could not in the sandbox. */
static void
warm_up(void)
{
	if (conn_init() == -1)
		fatalx("OpenSSL lacks what links need");
	if (sodium_init() == -1)
		fatalx("libsodium does not start");
	hash_seed();
}

/* From the parent. */

static void
parent_listener(struct pipe *p, struct imsg *m)
{
	const struct msg_listener	*l = m->data;

	(void)p;
	links_listen(m->fd, l->index);
	m->fd = -1;
}

/* The key stays the same as long as this process lives. */
static void
parent_identity(struct pipe *p, struct imsg *m)
{
	uint8_t	 seed[ED25519_KEY_LEN];
	char	 text[PEERID_TEXT_MAX];

	if (m->hdr.len != 0 && m->hdr.len != sizeof(seed)) {
		pipe_violation(p, "a key of another length");
		return;
	}
	if (tls != NULL)
		return;
	if (m->hdr.len != 0)
		memcpy(seed, m->data, sizeof(seed));
	else
		randombytes_buf(seed, sizeof(seed));
	if (identity_from_seed(&identity, seed) == -1 ||
	    (tls = conn_tls_new(&identity)) == NULL)
		fatalx("identity: out of memory");
	explicit_bzero(seed, sizeof(seed));
	links_init(&identity, tls);
	peerid_print(&identity.id, text);
	log_debug("this node is %s%s", text, m->hdr.len != 0 ?
	    "" : ", until it ends");
}

static void
configure(struct conf *conf)
{
	if (tls == NULL) {
		pipe_violation(child_parent(),
		    "a configuration, and no identity");
		return;
	}
	channels_configure(conf);
	links_configure(conf);
	links_listen_end();
	configured = 1;
}

static void
parent_pipe(struct pipe *p, struct imsg *m)
{
	struct msg_pipe	 mp;
	struct imsgbuf	*ib;

	ib = child_take_pipe(p, m, P_ROUTER | P_DISCOVERY, &mp);
	if (ib == NULL)
		return;
	if (mp.process == P_ROUTER)
		channels_router(ib);
	else
		links_discovery(ib);
}

static void
parent_show(struct pipe *p, struct imsg *m)
{
	const struct msg_show	*s = m->data;

	(void)p;
	links_rows(m->hdr.peerid, s->what);
	child_row_end(m->hdr.peerid);
}

static const struct pipe_phase	parent_startup = { "startup", {
	[MSG_CONF] = child_conf,
	[MSG_LISTENER] = parent_listener,
	[MSG_IDENTITY] = parent_identity,
	[MSG_CONF_END] = child_conf_end,
	[MSG_PIPE] = parent_pipe,
	[MSG_START] = child_begin,
	[MSG_LOG_LEVEL] = child_log_level,
	[MSG_MONITOR] = child_monitor,
} };

static const struct pipe_phase	parent_running = { "running", {
	[MSG_CONF] = child_conf,
	[MSG_LISTENER] = parent_listener,
	[MSG_IDENTITY] = parent_identity,
	[MSG_CONF_END] = child_conf_end,
	[MSG_PIPE] = parent_pipe,
	[MSG_LOG_LEVEL] = child_log_level,
	[MSG_MONITOR] = child_monitor,
	[MSG_SHOW] = parent_show,
	[MSG_TRIP] = child_trip,
} };

/* The parent ends: say so to the peers, and do not wait for long. */
static void
parent_ended(void)
{
	if (tls == NULL) {
		loop_quit();
		return;
	}
	ending = 1;
	links_stop();
	loop_quit_after(GOODBYE_S);
}

static const struct child_process process = {
	.startup = &parent_startup,
	.running = &parent_running,
	.configure = configure,
	.end = parent_ended
};

/*
 * The router's pipe before and after the links: channels bring work to links,
 * and the end of a link is told to the router.
 */
static void
turn_end(void)
{
	if (configured) {
		channels_turn_end();
		links_turn_end();
		channels_turn_end();
		if (links_touched())
			loop_soon();
	}
	if (!ending)
		pipe_flush(child_parent());
	else if (links_left() == 0)
		loop_quit();
}

int
crypto_main(void)
{
	warm_up();
	child_start(&process);
	loop_run(turn_end);
	identity_wipe(&identity);
	return (0);
}
