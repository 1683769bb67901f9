/*
 * Receiving messages: the input is a stream as a taken-over process could write
 * it.  It is fed whole, and cut at places that it decides itself, to two ends,
 * which must see the same messages and the same violation; and once more with
 * descriptors, of which none may be lost.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/imsg.h"
#include "common/msg.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct {
	uint32_t	 self, peer;
} ends[] = {
	{ P_FRONTEND, P_PARENT },
	{ P_ROUTER, P_PARENT },
	{ P_PARENT, P_FRONTEND },
	{ P_PARENT, P_ROUTER },
	{ P_PARENT, P_CTL },
	{ P_ROUTER, P_FRONTEND },
	{ P_FRONTEND, P_ROUTER },
	{ P_CTL, P_PARENT }
};

/* What one end saw. */
struct result {
	uint64_t	 hash;		/* of all messages */
	unsigned int	 count;
	const char	*why;		/* violation, or NULL */
};

#define REQUIRE(x)	do {						\
		if (!(x))						\
			abort();					\
	} while (0)

static void
mix(uint64_t *hash, const void *data, size_t n)
{
	const uint8_t	*p = data;

	/* FNV-1a; reads every byte, for the sanitizers. */
	for (; n > 0; n--, p++)
		*hash = (*hash ^ *p) * 0x100000001b3u;
}

static void
fetch(struct imsgbuf *ib, struct result *r, unsigned int end)
{
	const struct msg_info	*info;
	struct imsg		 m;
	int			 got;

	while (r->why == NULL) {
		got = imsg_get(ib, &m, &r->why);
		if (got == 0)
			return;
		if (got == -1) {
			REQUIRE(r->why != NULL);
			return;
		}
		REQUIRE(msg_check(m.hdr.type, ends[end].peer, ends[end].self,
		    m.hdr.len, m.fd != -1) == NULL);
		info = &msg_table[m.hdr.type];
		REQUIRE((uintptr_t)m.data % 8 == 0);
		REQUIRE((info->fd != 0) == (m.fd != -1));
		REQUIRE(imsg_struct(&m, m.hdr.len) == m.data);
		if (m.fd != -1)
			close(m.fd);
		mix(&r->hash, &m.hdr, sizeof(m.hdr));
		mix(&r->hash, m.data, m.hdr.len);
		r->count++;
	}
}

static uint32_t
next_cut(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	/* Mostly small: within a header or at its edge. */
	return ((*seed >> 30) == 0 ? *seed >> 20 & 0x3ff : *seed >> 24 & 0x1f);
}

/*
 * Feeds the input in pieces, whole when seed is 0.  Every fds-th piece comes
 * with a descriptor.
 */
static struct result
feed(const uint8_t *data, size_t size, unsigned int end, uint32_t seed,
    unsigned int fds)
{
	struct result	 r = { 0xcbf29ce484222325u, 0, NULL };
	struct imsgbuf	*ib;
	unsigned int	 pieces = 0;
	size_t		 n;
	int		 fd;

	ib = imsgbuf_new(open("/dev/null", O_RDONLY), ends[end].self,
	    ends[end].peer, 1);
	REQUIRE(ib != NULL);
	do {
		n = seed == 0 ? size : next_cut(&seed);
		if (n > size)
			n = size;
		fd = -1;
		if (fds != 0 && pieces++ % fds == 0)
			fd = open("/dev/null", O_RDONLY);
		REQUIRE(imsg_feed(ib, data, n, fd) == 0);
		data += n;
		size -= n;
		fetch(ib, &r, end);
	} while (size > 0 && r.why == NULL);
	if (r.why == NULL) {
		imsg_trim(ib);
		fetch(ib, &r, end);
	}
	imsgbuf_free(ib);
	return (r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct result	 whole, cut;
	unsigned int	 end;
	uint32_t	 seed;
	int		 before, after;

	if (size < 2)
		return (0);
	end = data[0] % (sizeof(ends) / sizeof(ends[0]));
	seed = (uint32_t)data[1] + 1;
	data += 2;
	size -= 2;
	whole = feed(data, size, end, 0, 0);
	cut = feed(data, size, end, seed, 0);
	REQUIRE(whole.count == cut.count && whole.hash == cut.hash);
	REQUIRE((whole.why == NULL) == (cut.why == NULL));
	if (whole.why != NULL)
		REQUIRE(strcmp(whole.why, cut.why) == 0);
	before = open("/dev/null", O_RDONLY);
	close(before);
	feed(data, size, end, seed, seed % 4 + 1);
	after = open("/dev/null", O_RDONLY);
	close(after);
	REQUIRE(before == after);
	return (0);
}
