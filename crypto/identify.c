/*
 * Identify (libp2p specs, identify/README.md): what a peer says of itself.
 * Pure; runs in crypto.  None of it is believed but the key, which must be the
 * one that the link has proven.
 */
#include <string.h>

#include "crypto/identify.h"
#include "crypto/protobuf.h"
#include "crypto/varint.h"

#define FIELD_PUBLIC_KEY	1
#define FIELD_ADDRESS		2
#define FIELD_PROTOCOL		3
#define FIELD_OBSERVED		4
#define FIELD_PROTOCOL_VERSION	5
#define FIELD_AGENT_VERSION	6
#define FIELD_SIGNED_RECORD	8

/* multicodec */
#define CODE_IP4		0x04
#define CODE_TCP		0x06
#define CODE_IP6		0x29

static void	list_add(struct identify_bytes *, size_t *, size_t,
		    const struct pb_field *);
static struct identify_bytes *field_place(struct identify *, uint32_t);
static void	put(struct pb_writer *, uint32_t,
		    const struct identify_bytes *);

int
identify_frame(const uint8_t *in, size_t n, const uint8_t **message,
    size_t *len)
{
	uint64_t	size;
	int		prefix;

	if ((prefix = varint_read(in, n, &size)) <= 0)
		return (prefix);
	if (size > IDENTIFY_MESSAGE_MAX)
		return (-1);
	if (size > n - (size_t)prefix)
		return (0);
	*message = in + prefix;
	*len = (size_t)size;
	return (prefix + (int)size);
}

int
identify_decode(struct identify *id, const void *in, size_t n)
{
	struct identify_bytes	*place;
	struct pb_reader	 r;
	struct pb_field		 f;
	int			 more;

	if (n > IDENTIFY_MESSAGE_MAX ||
	    id->nmessages >= IDENTIFY_MESSAGES_MAX)
		return (-1);
	id->nmessages++;
	pb_reader_init(&r, in, n);
	while ((more = pb_next(&r, &f)) == 1) {
		place = field_place(id, f.number);
		if (place == NULL && f.number != FIELD_ADDRESS &&
		    f.number != FIELD_PROTOCOL)
			continue;
		if (f.type != PB_BYTES)
			return (-1);
		if (f.number == FIELD_ADDRESS)
			list_add(id->addresses, &id->naddresses,
			    IDENTIFY_ADDRESSES_MAX, &f);
		else if (f.number == FIELD_PROTOCOL)
			list_add(id->protocols, &id->nprotocols,
			    IDENTIFY_PROTOCOLS_MAX, &f);
		else {
			place->p = f.data;
			place->len = f.len;
		}
	}
	return (more);
}

static void
list_add(struct identify_bytes *list, size_t *n, size_t max,
    const struct pb_field *f)
{
	if (*n == max)
		return;
	list[*n].p = f->data;
	list[*n].len = f->len;
	++*n;
}

static struct identify_bytes *
field_place(struct identify *id, uint32_t number)
{
	switch (number) {
	case FIELD_PUBLIC_KEY:
		return (&id->public_key);
	case FIELD_OBSERVED:
		return (&id->observed);
	case FIELD_PROTOCOL_VERSION:
		return (&id->protocol_version);
	case FIELD_AGENT_VERSION:
		return (&id->agent_version);
	case FIELD_SIGNED_RECORD:
		return (&id->signed_record);
	default:
		return (NULL);
	}
}

int
identify_encode(const struct identify *id, uint8_t *out, size_t size)
{
	struct pb_writer w;
	uint8_t		 message[IDENTIFY_MESSAGE_MAX], prefix[VARINT_MAX];
	size_t		 i, prefix_len;

	pb_writer_init(&w, message, sizeof(message));
	put(&w, FIELD_PROTOCOL_VERSION, &id->protocol_version);
	put(&w, FIELD_AGENT_VERSION, &id->agent_version);
	put(&w, FIELD_PUBLIC_KEY, &id->public_key);
	for (i = 0; i < id->naddresses; i++)
		put(&w, FIELD_ADDRESS, &id->addresses[i]);
	put(&w, FIELD_OBSERVED, &id->observed);
	for (i = 0; i < id->nprotocols; i++)
		put(&w, FIELD_PROTOCOL, &id->protocols[i]);
	put(&w, FIELD_SIGNED_RECORD, &id->signed_record);
	prefix_len = varint_write(prefix, w.len);
	if (w.failed || size < prefix_len || w.len > size - prefix_len)
		return (-1);
	memcpy(out, prefix, prefix_len);
	memcpy(out + prefix_len, message, w.len);
	return ((int)(prefix_len + w.len));
}

static void
put(struct pb_writer *w, uint32_t number, const struct identify_bytes *bytes)
{
	if (bytes->p != NULL)
		pb_put_bytes(w, number, bytes->p, bytes->len);
}

int
identify_is_from(const struct identify *id, const struct peer_id *peer)
{
	struct peer_id said;

	if (id->public_key.p == NULL)
		return (1);
	return (peerid_from_key(&said, id->public_key.p,
	    id->public_key.len) == 0 && peerid_equal(&said, peer));
}

int
identify_has_protocol(const struct identify *id, const char *name)
{
	size_t i, len = strlen(name);

	for (i = 0; i < id->nprotocols; i++)
		if (id->protocols[i].len == len &&
		    memcmp(id->protocols[i].p, name, len) == 0)
			return (1);
	return (0);
}

size_t
multiaddr_tcp(uint8_t *out, const uint8_t *ip, size_t ip_len, uint16_t port)
{
	if (ip_len != 4 && ip_len != 16)
		return (0);
	out[0] = ip_len == 4 ? CODE_IP4 : CODE_IP6;
	memcpy(out + 1, ip, ip_len);
	out[1 + ip_len] = CODE_TCP;
	out[2 + ip_len] = (uint8_t)(port >> 8);
	out[3 + ip_len] = (uint8_t)port;
	return (4 + ip_len);
}
