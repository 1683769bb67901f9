/*
 * Channels as a frontend knows them, see channel.h.  What the router says is
 * believed as far as it makes sense; names come from clients, checked.
 */
#include <stdlib.h>
#include <string.h>
#include <bsd/sys/tree.h>

#include "../common/child.h"
#include "../common/imsg.h"
#include "channel.h"
#include "client.h"
#include "counters.h"
#include "deflate.h"
#include "output.h"
#include "source.h"

struct channel {
	RB_ENTRY(channel)	 entry;		/* by name, unless closing */
	TAILQ_ENTRY(channel)	 touched_entry;
	struct feed		**feeds;
	uint64_t		*peers;		/* ids shown, as they came but
					   for those of a new router */
	uint64_t		*coming;	/* of an incomplete ROSTER */
	uint32_t		 npeers, peers_cap, ncoming;
	uint32_t		 members;	/* clients here, also joining */
	uint32_t		 joining;	/* JOINs not answered yet */
	uint32_t		 number;
	uint64_t		 messages, bytes; /* delivered under leases */
	uint8_t			 nfeeds, touched, closing, leased, name_len;
	char			 name[];
};
RB_HEAD(channel_tree, channel);

static struct channel_tree	 channels = RB_INITIALIZER(&channels);
static TAILQ_HEAD(, channel)	 touched = TAILQ_HEAD_INITIALIZER(touched);
static struct channel		**numbers;	/* by number, 0 is none */
static uint32_t			*spare;		/* numbers free for use */
static uint32_t			 numbers_end = 1, numbers_cap, nspare;

static int
channel_compare(const struct channel *a, const struct channel *b)
{
	if (a->name_len != b->name_len)
		return (a->name_len < b->name_len ? -1 : 1);
	return (memcmp(a->name, b->name, a->name_len));
}

/* libbsd's RB_GENERATE_STATIC makes functions that nobody calls. */
#define UNUSED	__attribute__((__unused__)) static
RB_PROTOTYPE_INTERNAL(channel_tree, channel, entry, channel_compare, UNUSED);
RB_GENERATE_INTERNAL(channel_tree, channel, entry, channel_compare, UNUSED)

const char *
channel_name(const struct client *c)
{
	return (c->channel != NULL ? c->channel->name : "");
}

uint32_t
channel_number(const struct client *c)
{
	return (c->channel != NULL ? c->channel->number : 0);
}

unsigned int
channel_count(void)
{
	return (numbers_end - 1 - nspare);
}

static struct channel *
channel_get(uint32_t number)
{
	return (number < numbers_end && number > 0 ? numbers[number] : NULL);
}

/* 0: out of memory. */
static uint32_t
number_take(struct channel *ch)
{
	struct channel	**n;
	uint32_t	 cap, *s;

	if (nspare > 0)
		ch->number = spare[--nspare];
	else {
		if (numbers_end >= numbers_cap) {
			cap = numbers_cap == 0 ? 64 : numbers_cap * 2;
			n = reallocarray(numbers, cap, sizeof(*n));
			if (n == NULL)
				return (0);
			numbers = n;
			s = reallocarray(spare, cap, sizeof(*s));
			if (s == NULL)
				return (0);
			spare = s;
			numbers_cap = cap;
		}
		ch->number = numbers_end++;
	}
	numbers[ch->number] = ch;
	return (ch->number);
}

static void
channel_touch(struct channel *ch)
{
	if (ch->touched)
		return;
	ch->touched = 1;
	TAILQ_INSERT_TAIL(&touched, ch, touched_entry);
}

static void
channel_free(struct channel *ch)
{
	if (ch->touched)
		TAILQ_REMOVE(&touched, ch, touched_entry);
	if (!ch->closing)
		RB_REMOVE(channel_tree, &channels, ch);
	numbers[ch->number] = NULL;
	spare[nspare++] = ch->number;
	while (ch->nfeeds > 0)
		feed_free(ch->feeds[--ch->nfeeds]);
	free(ch->feeds);
	free(ch->peers);
	free(ch->coming);
	free(ch);
}

static struct channel *
channel_find(const char *name, size_t len)
{
	union {
		struct channel	ch;
		char		room[sizeof(struct channel) + MSG_NAME_MAX + 1];
	} key;

	key.ch.name_len = (uint8_t)len;
	memcpy(key.room + offsetof(struct channel, name), name, len);
	return (RB_FIND(channel_tree, &channels, &key.ch));
}

static struct channel *
channel_open(const char *name, size_t len)
{
	struct imsgbuf	*router = frontend_router();
	struct channel	*ch;

	if ((ch = calloc(1, sizeof(*ch) + len + 1)) == NULL)
		return (NULL);
	memcpy(ch->name, name, len);
	ch->name_len = (uint8_t)len;
	if (number_take(ch) == 0) {
		free(ch);
		return (NULL);
	}
	RB_INSERT(channel_tree, &channels, ch);
	channel_touch(ch);	/* closed again should its client fail */
	if (router != NULL && imsg_send(router, MSG_CHANNEL_OPEN, ch->number,
	    -1, name, len) == -1) {
		channel_free(ch);	/* the router does not know of it */
		return (NULL);
	}
	return (ch);
}

/* Asks the router for a client's admission, or tells it of a member. */
static int
channel_ask(struct client *c, uint32_t flags)
{
	struct imsgbuf	*router = frontend_router();
	struct msg_join	 join;

	if (router == NULL)
		return (0);	/* channel_resume() will */
	memset(&join, 0, sizeof(join));
	join.id = c->id;
	join.flags = flags | (c->flags & CLIENT_SILENT ? JOIN_SILENT : 0) |
	    (c->channel == NULL ? JOIN_NOCHANNEL : 0);
	memcpy(join.addr, c->address->key, sizeof(join.addr));
	if (imsg_send2(router, MSG_JOIN, channel_number(c), &join,
	    sizeof(join), c->origin != NULL ? c->origin->key : "",
	    c->origin != NULL ? c->origin->len : 0) == -1)
		return (-1);
	if (c->channel != NULL && !(flags & JOIN_RESUME))
		c->channel->joining++;
	return (0);
}

int
channel_join(struct client *c, const char *name, size_t len)
{
	struct channel	*ch;

	if (len > 0) {
		if ((ch = channel_find(name, len)) == NULL &&
		    (ch = channel_open(name, len)) == NULL)
			return (-1);
		c->channel = ch;
		ch->members++;
	}
	return (channel_ask(c, 0));
}

void
channel_leave(struct client *c)
{
	struct channel	*ch = c->channel;
	struct imsgbuf	*router = frontend_router();

	if ((c->flags & CLIENT_MEMBER) && router != NULL)
		imsg_send(router, MSG_LEAVE, channel_number(c), -1, &c->id,
		    sizeof(c->id));
	c->flags &= (uint16_t)~CLIENT_MEMBER;
	feed_leave(c);
	if (ch == NULL)
		return;
	c->channel = NULL;
	ch->members--;
	channel_touch(ch);
}

/* The feed for members of this encoding; NULL when out of memory. */
static struct feed *
channel_feed(struct channel *ch, enum format format, int bits)
{
	struct feed	**feeds;
	uint8_t		  i;

	for (i = 0; i < ch->nfeeds; i++)
		if (feed_format(ch->feeds[i]) == format &&
		    feed_deflate_bits(ch->feeds[i]) == bits)
			return (ch->feeds[i]);
	feeds = reallocarray(ch->feeds, (size_t)ch->nfeeds + 1,
	    sizeof(*feeds));
	if (feeds == NULL)
		return (NULL);
	ch->feeds = feeds;
	if ((feeds[i] = feed_new(format, bits)) != NULL)
		ch->nfeeds++;
	return (feeds[i]);
}

/* One presence message for one member. */
static void
tell(struct client *c, uint64_t peer, int connect)
{
	uint8_t	 text[ENVELOPE_SMALL_MAX], *p;
	size_t	 n;

	if (peer == c->id || (c->flags & CLIENT_SILENT))
		return;
	n = envelope_presence((enum format)c->format, text, connect, c->id,
	    peer);
	if ((p = output_frame(c, client_opcode(c), 0, n)) == NULL)
		return;
	memcpy(p, text, n);
	counters.messages_out_total++;
}

struct news {
	uint64_t	peer;
	int		connect;
};

static void
tell_one(struct client *c, void *arg)
{
	const struct news	*news = arg;

	tell(c, news->peer, news->connect);
}

static void
tell_all(struct channel *ch, uint64_t peer, int connect)
{
	struct news	news = { peer, connect };
	uint8_t		i;

	for (i = 0; i < ch->nfeeds; i++)
		feed_each(ch->feeds[i], tell_one, &news);
}

static int
peers_add(struct channel *ch, uint64_t id)
{
	uint64_t	*p;
	uint32_t	 cap;

	if (ch->npeers == ch->peers_cap) {
		cap = ch->peers_cap == 0 ? 2 : ch->peers_cap * 2;
		if ((p = reallocarray(ch->peers, cap, sizeof(*p))) == NULL)
			return (-1);
		ch->peers = p;
		ch->peers_cap = cap;
	}
	ch->peers[ch->npeers++] = id;
	return (0);
}

static int
peers_remove(struct channel *ch, uint64_t id)
{
	uint32_t	i;

	for (i = 0; i < ch->npeers; i++)
		if (ch->peers[i] == id) {
			memmove(ch->peers + i, ch->peers + i + 1,
			    (--ch->npeers - i) * sizeof(*ch->peers));
			return (0);
		}
	return (-1);
}

void
channel_admitted(struct client *c, int shown)
{
	struct channel	*ch = c->channel;
	struct feed	*f;
	uint32_t	 i;

	if (ch == NULL)
		return;
	f = channel_feed(ch, (enum format)c->format, c->deflate_bits);
	if (f == NULL || feed_join(f, c) == -1) {
		client_no_memory(c);
		return;
	}
	/* It may be cut off meanwhile, where it reads nothing. */
	for (i = 0; i < ch->npeers && c->feed == f; i++)
		tell(c, ch->peers[i], 1);
	if (shown && c->feed == f && peers_add(ch, c->id) == 0)
		tell_all(ch, c->id, 1);
}

int
channel_presence(uint32_t number, uint64_t id, int connect)
{
	struct channel	*ch = channel_get(number);

	if (ch == NULL)
		return (-1);
	if (!connect) {
		if (peers_remove(ch, id) == 0)
			tell_all(ch, id, 0);
		return (0);	/* unknown: memory ran out when it came */
	}
	if (peers_add(ch, id) == -1)
		return (0);	/* it is not shown here; nothing else is lost */
	tell_all(ch, id, 1);
	return (0);
}

static int
id_compare(const void *a, const void *b)
{
	const uint64_t	*x = a, *y = b;

	return (*x < *y ? -1 : *x > *y);
}

/* Tells the members how the new list differs from the old. */
static void
channel_rerostered(struct channel *ch)
{
	uint32_t	i = 0, j = 0;

	if (ch->npeers > 0)
		qsort(ch->peers, ch->npeers, sizeof(uint64_t), id_compare);
	if (ch->ncoming > 0)
		qsort(ch->coming, ch->ncoming, sizeof(uint64_t), id_compare);
	while (i < ch->npeers || j < ch->ncoming) {
		if (j == ch->ncoming ||
		    (i < ch->npeers && ch->peers[i] < ch->coming[j]))
			tell_all(ch, ch->peers[i++], 0);
		else if (i == ch->npeers || ch->coming[j] < ch->peers[i])
			tell_all(ch, ch->coming[j++], 1);
		else
			i++, j++;
	}
}

static void
channel_roster_end(struct channel *ch)
{
	/* The first one comes before any member, and keeps its order. */
	if (ch->nfeeds > 0)
		channel_rerostered(ch);
	free(ch->peers);
	ch->peers = ch->coming;
	ch->npeers = ch->peers_cap = ch->ncoming;
	ch->coming = NULL;
	ch->ncoming = 0;
}

int
channel_roster(uint32_t number, const struct msg_roster *r,
    const uint64_t *ids)
{
	struct channel	*ch = channel_get(number);
	uint64_t	*all;

	if (ch == NULL)
		return (-1);
	if (r->flags & ROSTER_FIRST) {
		free(ch->coming);
		ch->coming = NULL;
		ch->ncoming = 0;
	}
	if (r->count > 0) {
		all = reallocarray(ch->coming, ch->ncoming + r->count,
		    sizeof(*all));
		if (all == NULL)
			return (0);	/* some are not shown */
		memcpy(all + ch->ncoming, ids, r->count * sizeof(*all));
		ch->coming = all;
		ch->ncoming += r->count;
	}
	if (r->flags & ROSTER_LAST)
		channel_roster_end(ch);
	return (0);
}

/* Frames a broadcast for one feed, once for all its members. */
static size_t
feed_frame(struct feed *f, const struct msg_data *d, const uint8_t *data,
    size_t len)
{
	enum format	 format = feed_format(f);
	enum ws_opcode	 op = format == FORMAT_JSON ? WS_TEXT : WS_BINARY;
	uint8_t		 header[WS_HEADER_MAX], *p, *scratch;
	const uint8_t	*small;
	size_t		 n, head, packed;

	n = envelope_data_size(format, d->source, 0, (enum data_kind)d->kind,
	    len);
	if (feed_deflate_bits(f) == 0 || n < DEFLATE_MIN ||
	    (scratch = deflate_scratch(n)) == NULL) {
		head = ws_header(header, op, 0, n, NULL);
		if ((p = feed_append(f, head + n)) == NULL)
			return (0);
		memcpy(p, header, head);
		envelope_data(format, p + head, d->source, 0,
		    (enum data_kind)d->kind, data, len);
		return (head + n);
	}
	envelope_data(format, scratch, d->source, 0, (enum data_kind)d->kind,
	    data, len);
	small = deflate_message(feed_deflate_bits(f), scratch, n, &packed);
	if (small == NULL) {
		small = scratch;
		packed = n;
	}
	head = ws_header(header, op, small != scratch, packed, NULL);
	if ((p = feed_append(f, head + packed)) == NULL)
		return (0);
	memcpy(p, header, head);
	memcpy(p + head, small, packed);
	return (head + packed);
}

/* Appends a broadcast to all feeds; its source, if it is here, is left out. */
static void
channel_fan_out(struct channel *ch, const struct msg_data *d,
    const uint8_t *data, size_t len)
{
	struct client	*source = client_find(d->source);
	size_t		 n;
	uint8_t		 i;

	for (i = 0; i < ch->nfeeds; i++) {
		struct feed *f = ch->feeds[i];

		if (feed_seats(f) == 0 || (source != NULL &&
		    feed_only(f) == source))
			continue;
		counters.messages_out_total += feed_seats(f);
		if ((n = feed_frame(f, d, data, len)) == 0)
			continue;
		if (source != NULL && source->feed == f) {
			feed_skip(source, n);
			counters.messages_out_total--;
		}
	}
}

int
channel_broadcast(uint32_t number, const struct msg_data *d,
    const uint8_t *data, size_t len)
{
	struct channel	*ch = channel_get(number);

	if (ch == NULL)
		return (-1);
	channel_fan_out(ch, d, data, len);
	return (0);
}

/* What the router would do with it, when all members are here. */
static void
channel_deliver(struct channel *ch, const struct msg_data *d,
    const uint8_t *data, size_t len)
{
	struct client	*target;

	ch->messages++;
	ch->bytes += len;
	if (d->target == 0) {
		channel_fan_out(ch, d, data, len);
		return;
	}
	target = client_find(d->target);
	if (target != NULL && target->channel == ch &&
	    (target->flags & CLIENT_MEMBER))
		member_deliver(d, data, len);
	else
		member_undelivered(d->source, d->target);
}

int
channel_send(struct client *c, const struct msg_data *d, const uint8_t *data,
    size_t len)
{
	struct imsgbuf	*router = frontend_router();

	if (c->channel->leased) {
		channel_deliver(c->channel, d, data, len);
		return (0);
	}
	return (router == NULL ? -1 : imsg_send2(router, d->target == 0 ?
	    MSG_PUBLISH : MSG_DIRECT, c->channel->number, d, sizeof(*d), data,
	    len));
}

int
channel_leased(uint32_t number)
{
	struct channel	*ch = channel_get(number);

	if (ch == NULL || ch->leased)
		return (-1);
	ch->leased = 1;
	return (0);
}

int
channel_recalled(uint32_t number)
{
	struct channel		*ch = channel_get(number);
	struct msg_recalled	 passed;

	if (ch == NULL || !ch->leased)
		return (-1);
	if (ch->closing)
		return (0);	/* that gives it back as well */
	ch->leased = 0;
	passed.messages = ch->messages;
	passed.bytes = ch->bytes;
	ch->messages = ch->bytes = 0;	/* the router counts them now */
	return (imsg_send(frontend_router(), MSG_RECALLED, number, -1, &passed,
	    sizeof(passed)));
}

void
channel_show(uint32_t ticket)
{
	struct msg_row_channel	 row;
	struct channel		*ch;

	RB_FOREACH(ch, channel_tree, &channels) {
		if (ch->messages == 0)
			continue;
		memset(&row, 0, sizeof(row));
		row.messages = ch->messages;
		row.bytes = ch->bytes;
		row.presence = 1;
		child_row(ticket, SHOW_CHANNELS, &row.row, sizeof(row),
		    ch->name, ch->name_len);
	}
}

int
channel_closed(uint32_t number)
{
	struct channel	*ch = channel_get(number);

	if (ch == NULL || !ch->closing)
		return (-1);
	channel_free(ch);
	return (0);
}

int
channel_answered(uint32_t number)
{
	struct channel	*ch = channel_get(number);

	if (number == 0)
		return (0);
	if (ch == NULL || ch->joining == 0)
		return (-1);
	ch->joining--;
	channel_touch(ch);
	return (0);
}

static void
resume_member(struct client *c, void *arg)
{
	int	members = *(int *)arg;

	if ((members ? c->flags & CLIENT_MEMBER :
	    c->state == CLIENT_JOINING) &&
	    channel_ask(c, members ? JOIN_RESUME : 0) == -1) {
		c->flags &= (uint16_t)~CLIENT_MEMBER;	/* was not announced */
		client_no_memory(c);
	}
}

void
channel_resume(void)
{
	struct imsgbuf	*router = frontend_router();
	struct channel	*ch;
	uint32_t	 i;
	int		 members;

	for (i = 1; i < numbers_end; i++) {
		if ((ch = numbers[i]) == NULL)
			continue;
		ch->joining = 0;
		ch->leased = 0;
		if (ch->closing || ch->members == 0)
			channel_free(ch);
		else
			imsg_send(router, MSG_CHANNEL_OPEN, i, -1, ch->name,
			    ch->name_len);
	}
	members = 1;
	client_each(resume_member, &members);
	imsg_send(router, MSG_RESUMED, 0, -1, NULL, 0);
	members = 0;
	client_each(resume_member, &members);
}

/*
 * Gives up what nobody uses: feeds without members, channels without clients.
 */
static void
channel_sweep(struct channel *ch)
{
	struct imsgbuf	*router = frontend_router();
	uint8_t		 i;

	for (i = 0; i < ch->nfeeds;)
		if (feed_seats(ch->feeds[i]) == 0) {
			feed_free(ch->feeds[i]);
			ch->feeds[i] = ch->feeds[--ch->nfeeds];
		} else
			i++;
	if (ch->members > 0 || ch->joining > 0 || ch->closing)
		return;
	if (router == NULL) {
		channel_free(ch);
		return;
	}
	RB_REMOVE(channel_tree, &channels, ch);
	ch->closing = 1;
	imsg_send(router, MSG_CHANNEL_CLOSE, ch->number, -1, NULL, 0);
}

void
channel_reap(void)
{
	struct channel	*ch;

	while ((ch = TAILQ_FIRST(&touched)) != NULL) {
		TAILQ_REMOVE(&touched, ch, touched_entry);
		ch->touched = 0;
		channel_sweep(ch);
	}
	counters.channels = channel_count();
}
