/*
 * Channels and handles of one link (match.h).  Runs in crypto; owns the
 * passwords of the channels.  The peer is not trusted.
 */
#include "match.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "match_private.h"

#define DOMAIN_CI "nws/2.0.0 nodes"

uint64_t
match_limit_wait(struct match_limit *limit, size_t n, uint64_t now_ms)
{
	int64_t over;

	match_limit_charge(limit, 0, now_ms);
	over = limit->used + (int64_t)n * 1000 -
	    (int64_t)MATCH_ELEMENTS_BURST * 1000;
	if (over <= 0)
		return (0);
	return (((uint64_t)over + MATCH_ELEMENTS_PER_S - 1) /
	    MATCH_ELEMENTS_PER_S);
}

void
match_limit_charge(struct match_limit *limit, size_t n, uint64_t now_ms)
{
	uint64_t back;

	/* One element a second is one thousandth a millisecond. */
	if (now_ms > limit->since_ms) {
		back = now_ms - limit->since_ms;
		if (back > (uint64_t)limit->used / MATCH_ELEMENTS_PER_S)
			limit->used = 0;
		else
			limit->used -= (int64_t)(back * MATCH_ELEMENTS_PER_S);
		limit->since_ms = now_ms;
	}
	limit->used += (int64_t)n * 1000;
}

static int
bytes_fit(struct cpace_bytes b, size_t max)
{
	return (b.n > 0 && b.n <= max && b.p != NULL);
}

static void
hash_bytes_of(crypto_hash_sha512_state *h, struct cpace_bytes b)
{
	uint8_t len[2] = { (uint8_t)(b.n >> 8), (uint8_t)b.n };

	crypto_hash_sha512_update(h, len, sizeof(len));
	crypto_hash_sha512_update(h, b.p, b.n);
}

/*
 * CI of CPace: the protocol, the binding of the link and who leads and who
 * follows, which the two of a link see alike and no others do.
 */
static void
make_ci(struct match *m)
{
	const struct match_config *c = &m->config;
	crypto_hash_sha512_state h;

	crypto_hash_sha512_init(&h);
	crypto_hash_sha512_update(&h, (const uint8_t *)DOMAIN_CI,
	    sizeof(DOMAIN_CI));
	hash_bytes_of(&h, c->binding);
	hash_bytes_of(&h, c->lead ? c->id : c->remote_id);
	hash_bytes_of(&h, c->lead ? c->remote_id : c->id);
	crypto_hash_sha512_final(&h, m->ci);
	sodium_memzero(&h, sizeof(h));
}

struct match *
match_new(const struct match_config *c)
{
	struct match *m;

	if (!bytes_fit(c->id, MATCH_ID_MAX) ||
	    !bytes_fit(c->remote_id, MATCH_ID_MAX) ||
	    !bytes_fit(c->binding, MATCH_BINDING_MAX) ||
	    (c->id.n == c->remote_id.n &&
		memcmp(c->id.p, c->remote_id.p, c->id.n) == 0)) {
		errno = EINVAL;
		return (NULL);
	}
	if ((m = calloc(1, sizeof(*m))) == NULL)
		return (NULL);
	m->config = *c;
	memcpy(m->id, c->id.p, c->id.n);
	memcpy(m->remote_id, c->remote_id.p, c->remote_id.n);
	memcpy(m->binding, c->binding.p, c->binding.n);
	m->config.id.p = m->id;
	m->config.remote_id.p = m->remote_id;
	m->config.binding.p = m->binding;
	make_ci(m);
	TAILQ_INIT(&m->channels);
	TAILQ_INIT(&m->closing);
	return (m);
}

static void
channel_free(struct match *m, struct match_channel *ch)
{
	TAILQ_REMOVE(&m->channels, ch, entry);
	(void)idmap_del(&m->by_number, ch->number);
	sodium_memzero(ch, sizeof(*ch));
	free(ch);
}

static void
pair_free(struct match *m, struct match_pair *pair)
{
	if (pair->channel == NULL)
		TAILQ_REMOVE(&m->closing, pair, entry);
	else {
		pair->channel->pair = NULL;
		m->nshared--;
	}
	(void)idmap_del(&m->by_theirs, pair->theirs);
	free(pair);
}

void
match_free(struct match *m)
{
	struct match_channel *ch;
	struct match_pair *pair;

	if (m == NULL)
		return;
	match_run_end(m);
	while ((pair = TAILQ_FIRST(&m->closing)) != NULL)
		pair_free(m, pair);
	while ((ch = TAILQ_FIRST(&m->channels)) != NULL) {
		if (ch->pair != NULL)
			pair_free(m, ch->pair);
		channel_free(m, ch);
	}
	idmap_clear(&m->by_number);
	idmap_clear(&m->by_theirs);
	sodium_memzero(m, sizeof(*m));
	free(m);
}

int
match_add(struct match *m, uint64_t number,
    const uint8_t password[CPACE_PASSWORD_BYTES])
{
	struct match_channel *ch;

	if (number == 0) {
		errno = EINVAL;
		return (-1);
	}
	if (idmap_get(&m->by_number, number) != NULL) {
		errno = EEXIST;
		return (-1);
	}
	if (m->by_number.count >= MATCH_CHANNELS_MAX) {
		errno = ENOSPC;
		return (-1);
	}
	if ((ch = calloc(1, sizeof(*ch))) == NULL)
		return (-1);
	ch->number = number;
	memcpy(ch->password, password, sizeof(ch->password));
	if (idmap_put(&m->by_number, number, ch) == -1) {
		sodium_memzero(ch, sizeof(*ch));
		free(ch);
		return (-1);
	}
	TAILQ_INSERT_TAIL(&m->channels, ch, entry);
	m->fresh = 1;
	return (0);
}

static void
send_closed(struct match *m, uint32_t handle)
{
	struct nwsproto msg = { .type = NWSPROTO_CLOSED, .handle = handle };

	m->config.ops->send(m->config.arg, &msg);
}

/* Nobody of ours is there any more; the peer still has to say so, too. */
static void
pair_close(struct match *m, struct match_pair *pair, uint64_t now_ms)
{
	if (pair->channel != NULL) {
		pair->channel->pair = NULL;
		pair->channel = NULL;
		m->nshared--;
	}
	pair->closed_ms = now_ms;
	TAILQ_INSERT_TAIL(&m->closing, pair, entry);
	send_closed(m, pair->ours);
}

void
match_remove(struct match *m, uint64_t number, uint64_t now_ms)
{
	struct match_channel *ch;

	if ((ch = idmap_get(&m->by_number, number)) == NULL)
		return;
	if (ch->pair != NULL)
		pair_close(m, ch->pair, now_ms);
	match_run_forget(m, ch);
	channel_free(m, ch);
}

int
match_pair_new(struct match *m, const struct match_candidate *c,
    uint64_t now_ms, const char **why)
{
	struct match_pair *pair;

	if ((pair = calloc(1, sizeof(*pair))) == NULL ||
	    idmap_put(&m->by_theirs, c->theirs, pair) == -1) {
		free(pair);
		*why = "out of memory";
		return (-1);
	}
	pair->ours = c->ours;
	pair->theirs = c->theirs;
	if (c->channel == NULL) {
		pair_close(m, pair, now_ms);
		return (0);
	}
	pair->channel = c->channel;
	c->channel->pair = pair;
	m->nshared++;
	m->config.ops->shared(m->config.arg, c->channel->number, pair->ours);
	return (0);
}

static int
take_closed(struct match *m, const struct nwsproto *msg, const char **why)
{
	struct match_pair *pair;
	uint64_t number;

	if ((pair = idmap_get(&m->by_theirs, msg->handle)) == NULL) {
		*why = "CLOSED of an unknown handle";
		return (-1);
	}
	if (pair->channel != NULL) {
		number = pair->channel->number;
		send_closed(m, pair->ours);
		pair_free(m, pair);
		m->config.ops->unshared(m->config.arg, number);
	} else
		pair_free(m, pair);
	return (0);
}

/* They count, so that none is overlooked and none comes twice. */
static int
take_changed(struct match *m, const struct nwsproto *msg, const char **why)
{
	if (!m->config.lead || msg->generation != m->generation + 1 ||
	    msg->generation == 0) {
		*why = "CHANGED out of turn";
		return (-1);
	}
	m->generation = msg->generation;
	return (0);
}

int
match_take(struct match *m, const struct nwsproto *msg, uint64_t now_ms,
    const char **why)
{
	switch (msg->type) {
	case NWSPROTO_CHANGED:
		return (take_changed(m, msg, why));
	case NWSPROTO_CLOSED:
		return (take_closed(m, msg, why));
	case NWSPROTO_OFFER:
	case NWSPROTO_ANSWER:
	case NWSPROTO_TAGS:
	case NWSPROTO_LATER:
		return (match_run_take(m, msg, now_ms, why));
	case NWSPROTO_SHARE:
	case NWSPROTO_CONFIRM:
	case NWSPROTO_OPENED:
		return (match_open_take(m, msg, now_ms, why));
	default:
		*why = "not a message of the matching";
		return (-1);
	}
}

int
match_turn(struct match *m, uint64_t now_ms, const char **why)
{
	const struct match_pair *pair = TAILQ_FIRST(&m->closing);

	if ((pair != NULL && now_ms >= pair->closed_ms + MATCH_RUN_MS) ||
	    (m->state != MATCH_IDLE && now_ms >= m->run->deadline_ms)) {
		*why = "the peer did not answer in time";
		return (-1);
	}
	return (match_run_turn(m, now_ms, why));
}

void
match_put_off(struct match *m, uint64_t ms)
{
	struct match_pair *pair;

	TAILQ_FOREACH(pair, &m->closing, entry)
		pair->closed_ms += ms;
	if (m->run != NULL)
		m->run->deadline_ms += ms;
}

uint64_t
match_next(const struct match *m)
{
	const struct match_pair *pair = TAILQ_FIRST(&m->closing);
	uint64_t next = MATCH_NEVER;

	if (pair != NULL)
		next = pair->closed_ms + MATCH_RUN_MS;
	if (m->state != MATCH_IDLE && m->run->deadline_ms < next)
		next = m->run->deadline_ms;
	if (match_run_due(m) && m->not_before_ms < next)
		next = m->not_before_ms;
	return (next);
}

int
match_find(const struct match *m, uint32_t handle, uint64_t *channel)
{
	const struct match_pair *pair = idmap_get(&m->by_theirs, handle);

	if (pair == NULL)
		return (-1);
	if (pair->channel == NULL)
		return (0);
	*channel = pair->channel->number;
	return (1);
}

uint32_t
match_handle(const struct match *m, uint64_t number)
{
	const struct match_channel *ch = idmap_get(&m->by_number, number);

	return (ch == NULL || ch->pair == NULL ? 0 : ch->pair->ours);
}

size_t
match_shared(const struct match *m)
{
	return (m->nshared);
}

size_t
match_channels(const struct match *m)
{
	return (m->by_number.count);
}
