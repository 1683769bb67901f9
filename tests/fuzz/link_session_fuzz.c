/*
 * Another node that says whatever it likes on its link may be cut off, but
 * never harms this one: what the router is told stays right (nobody joins
 * twice, leaves or speaks without having joined, nothing is said about a
 * channel that is not open), what the link is told decodes, and when the link
 * is gone nothing of it is left.
 *
 * The session's own files run here with a router at the other end of a real
 * pipe and a peer that can do the matching.  The first octet of the input says
 * who leads, whether a channel is shared first, how the stream is cut, and
 * whether the rest are the octets of the stream or commands: messages that are
 * well formed, with numbers from the input, what the router says, and time.
 */
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define CHECK(x)	do { if (!(x)) abort(); } while (0)
#include "tests/unit/link_fixture.h"

#include "common/log.h"

#define COMMANDS_MAX	200

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char *const	names[] = { "room", "hall" };
static struct peer		peer;
static uint8_t			zeros[70000];

struct input {
	const uint8_t	*p;
	size_t		 n;
};

static uint8_t
next(struct input *in)
{
	if (in->n == 0)
		return (0);
	in->n--;
	return (*in->p++);
}

static uint64_t
some_id(struct input *in)
{
	return (next(in) % 16 + 1);
}

/* A message that decodes; whether it may be said now is another matter. */
static void
some_message(struct input *in, enum nwsproto_type type)
{
	struct nwsproto	msg;
	uint8_t		ids[8 * 8];
	uint32_t	i;

	memset(&msg, 0, sizeof(msg));
	msg.type = type;
	msg.handle = next(in) % 4 + 1;
	msg.source = some_id(in);
	msg.target = some_id(in);
	msg.kind = next(in) % 2;
	msg.version = NWSPROTO_VERSION;
	msg.max_data = NWSPROTO_DATA_MIN;
	msg.token = msg.generation = next(in) % 4;
	msg.run = next(in) % 4 + 1;
	msg.scope = next(in) % 2 + 1;
	msg.pages = msg.wait_ms = next(in) % 2 + 1;
	msg.position = next(in) % 8;
	msg.nelements = msg.ntags = PSI_MIN;
	msg.elements = (const uint8_t(*)[PSI_ELEMENT_BYTES])zeros;
	msg.tags = (const uint8_t(*)[PSI_TAG_BYTES])zeros;
	msg.share = msg.tag = zeros;
	msg.data = zeros;
	if (type == NWSPROTO_BROADCAST || type == NWSPROTO_DIRECT)
		msg.len = (size_t)next(in) * next(in);
	if (type == NWSPROTO_CONNECT && next(in) % 4 == 0)
		msg.source |= NWSPROTO_SILENT;
	if (type == NWSPROTO_ROSTER) {
		msg.flags = next(in) % 4;
		msg.nids = next(in) % 8;
		for (i = 0; i < msg.nids; i++)
			nwsproto_put_id(ids + 8 * i, some_id(in) |
			    (i % 3 == 0 ? NWSPROTO_SILENT : 0));
		msg.ids = ids;
	}
	peer_say(&peer, &msg);
}

static int
is_open(uint32_t number)
{
	return (number != 0 && router.open[number % NAMES].number == number &&
	    router.open[number % NAMES].is_open);
}

/* What a router may say of a channel. */
static void
router_command(struct input *in)
{
	struct msg_refused	m;
	uint64_t		ids[2];
	uint32_t		number = 0, i, which = next(in) % 2;

	for (i = 0; i < NAMES; i++)
		if (router.open[i].is_open &&
		    strcmp(router.open[i].name, names[which]) == 0)
			number = router.open[i].number;
	if (!is_open(number))
		return;
	ids[0] = some_id(in);
	ids[1] = some_id(in);
	memset(&m, 0, sizeof(m));
	m.id = ids[0];
	switch (next(in) % 7) {
	case 0:
		router_id(MSG_CONNECT, number, ids[0]);
		break;
	case 1:
		router_id(MSG_DISCONNECT, number, ids[0]);
		break;
	case 2:
		router_list(number, next(in) % 4, ids, 2);
		break;
	case 3:
		router_data(MSG_BROADCAST, number, ids[0], 0, zeros,
		    next(in) * 8u);
		break;
	case 4:
		router_data(MSG_DELIVER, number, ids[0], ids[1], zeros,
		    next(in));
		break;
	case 5:
		router_say(MSG_UNDELIVERED, number, ids, sizeof(ids));
		break;
	case 6:
		router_say(MSG_REFUSED, number, &m, sizeof(m));
		break;
	}
}

static void
command(struct input *in)
{
	static const uint8_t	types[] = { NWSPROTO_CONNECT,
		NWSPROTO_DISCONNECT, NWSPROTO_ROSTER, NWSPROTO_BROADCAST,
		NWSPROTO_DIRECT, NWSPROTO_UNDELIVERED, NWSPROTO_PING,
		NWSPROTO_PONG, NWSPROTO_CHANGED, NWSPROTO_OFFER,
		NWSPROTO_ANSWER, NWSPROTO_TAGS, NWSPROTO_LATER,
		NWSPROTO_SHARE, NWSPROTO_CONFIRM, NWSPROTO_OPENED,
		NWSPROTO_CLOSED, NWSPROTO_HELLO };
	uint8_t			op = next(in);

	if (op % 32 < sizeof(types)) {
		some_message(in, (enum nwsproto_type)types[op % 32]);
		return;
	}
	switch (op % 32) {
	case 18:
	case 19:
	case 20:
	case 21:
		router_command(in);
		break;
	case 22:
		router_name(MSG_UNWANTED, names[next(in) % 2]);
		break;
	case 23:
		router_name(MSG_WANTED, names[next(in) % 2]);
		break;
	case 24:
		fixture_ms += next(in) * 64;
		break;
	case 25:
		router_new();
		break;
	case 26:
		router_say(MSG_WANTED_END, 0, NULL, 0);
		break;
	case 27:
		if (match_handle(peer.m, 2) == 0)
			match_remove(peer.m, 2, (uint64_t)fixture_ms);
		peer_add(&peer, 3 + peer.got[0]++, names[0], "guess");
		break;
	case 28:
		match_remove(peer.m, next(in) % 2 + 1, (uint64_t)fixture_ms);
		break;
	case 29:
		session_ping(peer.s);
		break;
	default:
		/* All is taken, and answered. */
		settle(&peer, 1);
	}
}

static void
begin(uint8_t how)
{
	static const char	conf[] = "max-remote 12\nmax-message 64K\n";

	fixture_start();
	configure(conf);
	peer_new(&peer, "peer", how & 1);
	peer.lenient = 1;
	peer.piece = how & 2 ? (how >> 4) * 7u + 1 : 0;
	router.members[0] = 10;
	router.members[1] = 11 | MEMBER_SILENT;
	router.nmembers = 2;
	router_name(MSG_WANTED, names[0]);
	router_name(MSG_WANTED, names[1]);
	router_settle();
	if (how & 4) {
		peer_add(&peer, 1, names[0], "");
		peer_add(&peer, 2, names[1], "");
	}
	peer_start(&peer);
	if (how & 4)
		CHECK(peer.handle[1] != 0 && peer.handle[2] != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct input	in = { p, n };
	uint8_t		how = next(&in);
	int		i;

	if (how & 8) {
		begin(how);
		for (i = 0; in.n > 0 && peer.why == NULL &&
		    i < COMMANDS_MAX; i++)
			command(&in);
	} else {
		begin(how);
		bytes_add(&peer.out, in.p, in.n);
	}
	settle(&peer, 1);
	session_free(peer.s);
	peer.s = NULL;
	router_settle();
	CHECK(router.remote.count == 0);
	for (i = 0; i < NAMES; i++)
		CHECK(!router.open[i].is_open);
	peer_free(&peer);
	fixture_clear();
	return (0);
}
