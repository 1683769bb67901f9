/*
 * Identify on a connection (libp2p specs, identify/README.md): what we say of
 * ourselves, and what the other end says.  Pure; runs in crypto.  Only its name
 * is of interest, and that is for the eyes of people.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/conn_private.h"
#include "crypto/identify.h"

#define PROTOCOL_VERSION "ipfs/0.1.0"
#define ANSWER_MAX	4096	/* of ours */

static void	bytes_set(struct identify_bytes *, const void *, size_t);

static void
bytes_set(struct identify_bytes *bytes, const void *p, size_t n)
{
	bytes->p = p;
	bytes->len = n;
}

int
conn_identify_answer(struct conn *c, uint32_t stream)
{
	const struct conn_config *config = &c->config;
	struct identify	 id;
	uint8_t		 local[MULTIADDR_TCP_MAX], remote[MULTIADDR_TCP_MAX];
	uint8_t		 out[ANSWER_MAX];
	size_t		 i, len;
	int		 n;

	memset(&id, 0, sizeof(id));
	bytes_set(&id.public_key, config->self->message,
	    sizeof(config->self->message));
	bytes_set(&id.protocol_version, PROTOCOL_VERSION,
	    strlen(PROTOCOL_VERSION));
	bytes_set(&id.agent_version, config->agent, strlen(config->agent));
	len = multiaddr_tcp(local, config->local_ip, config->local_ip_len,
	    config->port);
	if (len > 0 && config->port != 0)
		bytes_set(&id.addresses[id.naddresses++], local, len);
	len = multiaddr_tcp(remote, config->remote_ip, config->remote_ip_len,
	    config->remote_port);
	if (len > 0)
		bytes_set(&id.observed, remote, len);
	for (i = 0; i < c->nprotocols; i++)
		bytes_set(&id.protocols[id.nprotocols++], c->protocols[i],
		    strlen(c->protocols[i]));
	n = identify_encode(&id, out, sizeof(out));
	return (n > 0 && yamux_write(c->yamux, stream, out, (size_t)n) == n ?
	    0 : -1);
}

int
conn_identify_more(struct conn *c, const uint8_t *p, size_t n)
{
	if (n > IDENTIFY_MAX - c->answer_len)
		return (-1);
	if (c->answer == NULL && (c->answer = malloc(IDENTIFY_MAX)) == NULL)
		return (-1);
	memcpy(c->answer + c->answer_len, p, n);
	c->answer_len += n;
	return (0);
}

/* An answer that makes no sense, or is another's, is none. */
void
conn_identify_end(struct conn *c, struct conn_event *ev)
{
	struct identify	 id;
	const uint8_t	*message;
	size_t		 at = 0, len;
	int		 used;

	memset(&id, 0, sizeof(id));
	c->answer_told = 1;
	while (at < c->answer_len) {
		used = identify_frame(c->answer + at, c->answer_len - at,
		    &message, &len);
		if (used <= 0 || identify_decode(&id, message, len) == -1)
			return;
		at += (size_t)used;
	}
	if (id.nmessages == 0 || !identify_is_from(&id, conn_peer(c)))
		return;
	ev->type = CONN_IDENTIFIED;
	ev->data = id.agent_version.p;
	ev->len = id.agent_version.len;
}

void
conn_answer_free(struct conn *c)
{
	if (c->answer == NULL || (c->ask != NULL && !c->answer_told))
		return;
	free(c->answer);
	c->answer = NULL;
	c->answer_len = 0;
	c->answer_told = 0;
}
