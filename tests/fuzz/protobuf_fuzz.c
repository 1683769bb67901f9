/*
 * crypto/varint.c, crypto/protobuf.c and who reads with them: keys, names of
 * peers, identify.  What was read and is written again reads the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/identify.h"
#include "crypto/peerid.h"
#include "crypto/ping.h"
#include "crypto/protobuf.h"
#include "crypto/varint.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
varint_try(const uint8_t *in, size_t n)
{
	uint64_t	value;
	uint8_t		out[VARINT_MAX];
	int		used;

	used = varint_read(in, n, &value);
	if (used > 0 && (varint_write(out, value) != (size_t)used ||
	    memcmp(in, out, (size_t)used) != 0))
		abort();
}

/* Fields that can be written are, and are read to the same. */
static void
fields_try(const uint8_t *in, size_t n)
{
	struct pb_reader r, again;
	struct pb_writer w;
	struct pb_field	 f, g;
	uint8_t		*out;

	if ((out = malloc(n + 32)) == NULL)
		abort();
	pb_reader_init(&r, in, n);
	while (pb_next(&r, &f) == 1) {
		if (f.type == PB_BYTES && (f.data < in ||
		    f.len > n - (size_t)(f.data - in)))
			abort();
		pb_writer_init(&w, out, n + 32);
		if (f.type == PB_BYTES)
			pb_put_bytes(&w, f.number, f.data, f.len);
		else if (f.type == PB_VARINT)
			pb_put_varint(&w, f.number, f.value);
		else
			continue;
		pb_reader_init(&again, out, w.len);
		if (w.failed || pb_next(&again, &g) != 1 ||
		    g.number != f.number || g.type != f.type ||
		    g.value != f.value || g.len != f.len ||
		    pb_next(&again, &g) != 0)
			abort();
	}
	free(out);
}

static void
key_try(const uint8_t *in, size_t n)
{
	struct identity	self;
	struct peer_id	id, again;
	char		text[PEERID_TEXT_MAX];

	if (identity_parse(&self, in, n) == 0)
		identity_wipe(&self);
	if (peerid_from_key(&id, in, n) == 0) {
		peerid_print(&id, text);
		if (peerid_parse(&again, text, strlen(text)) == -1 ||
		    !peerid_equal(&id, &again))
			abort();
		(void)public_key_verify(in, n, "x", 1, in, n / 2);
	}
	if (peerid_parse(&id, (const char *)in, n) == 0) {
		peerid_print(&id, text);
		if (peerid_parse(&again, text, strlen(text)) == -1 ||
		    !peerid_equal(&id, &again))
			abort();
	}
}

static void
identify_try(const uint8_t *in, size_t n)
{
	static struct identify	 id;
	static uint8_t		 out[IDENTIFY_MESSAGE_MAX + VARINT_MAX];
	struct peer_id		 peer;
	const uint8_t		*message;
	size_t			 len;
	int			 used;

	memset(&id, 0, sizeof(id));
	while ((used = identify_frame(in, n, &message, &len)) > 0) {
		if (identify_decode(&id, message, len) == -1)
			return;
		in += used;
		n -= (size_t)used;
	}
	memset(&peer, 0, sizeof(peer));
	(void)identify_is_from(&id, &peer);
	(void)identify_has_protocol(&id, IDENTIFY_PROTOCOL);
	(void)identify_encode(&id, out, sizeof(out));
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	varint_try(in, n);
	fields_try(in, n);
	key_try(in, n);
	identify_try(in, n);
	return (0);
}
