/*
 * Sweeps and runs of set intersection on one link (match.h).  Runs in crypto;
 * owns the scalar and passwords of the run that is under way.  The peer is not
 * trusted: it is held to one run at a time and to the limits.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "match_private.h"

#define DOMAIN_RUN "nws/2.0.0 run"

void
match_run_end(struct match *m)
{
	if (m->run != NULL) {
		sodium_memzero(m->run, sizeof(*m->run));
		free(m->run);
		m->run = NULL;
	}
	m->state = MATCH_IDLE;
}

void
match_run_forget(struct match *m, const struct match_channel *ch)
{
	size_t i;

	for (i = 0; i < m->sweep.n; i++)
		if (m->sweep.channels[i] == ch)
			m->sweep.channels[i] = NULL;
	if (m->run == NULL)
		return;
	for (i = 0; i < m->run->nchannels; i++)
		if (m->run->channels[i] == ch)
			m->run->channels[i] = NULL;
	for (i = 0; i < m->run->ncandidates; i++)
		if (m->run->candidates[i].channel == ch)
			m->run->candidates[i].channel = NULL;
}

/* All channels there are now, those that were in no sweep first. */
static void
sweep_freeze(struct match *m)
{
	struct match_channel *ch = NULL;

	m->sweep.n = 0;
	TAILQ_FOREACH(ch, &m->channels, entry) {
		if (!ch->swept)
			m->sweep.channels[m->sweep.n++] = ch;
	}
	m->sweep.nnew = m->sweep.n;
	TAILQ_FOREACH(ch, &m->channels, entry) {
		if (ch->swept)
			m->sweep.channels[m->sweep.n++] = ch;
		ch->swept = 1;
	}
	m->fresh = 0;
}

/* At least one, so that who has no channel is like who has one. */
static size_t
pages_of(size_t n)
{
	return (n == 0 ? 1 : (n + PSI_MAX - 1) / PSI_MAX);
}

/* How many of the frozen channels are meant, and where they begin. */
static size_t
lead_range(const struct match *m, size_t *from)
{
	if (m->sweep.scope == NWSPROTO_ALL) {
		*from = 0;
		return (m->sweep.nnew);
	}
	*from = m->sweep.nnew;
	return (m->sweep.n - m->sweep.nnew);
}

static void
make_session(const struct match *m, uint8_t out[PSI_SESSION_BYTES])
{
	crypto_hash_sha512_state h;
	uint8_t number[4];

	number[0] = (uint8_t)(m->run_number >> 24);
	number[1] = (uint8_t)(m->run_number >> 16);
	number[2] = (uint8_t)(m->run_number >> 8);
	number[3] = (uint8_t)m->run_number;
	crypto_hash_sha512_init(&h);
	crypto_hash_sha512_update(&h, (const uint8_t *)DOMAIN_RUN,
	    sizeof(DOMAIN_RUN));
	crypto_hash_sha512_update(&h, m->ci, sizeof(m->ci));
	crypto_hash_sha512_update(&h, number, sizeof(number));
	crypto_hash_sha512_final(&h, out);
	sodium_memzero(&h, sizeof(h));
}

/* Begins the run of run_number with a page of n frozen channels from there. */
static int
run_begin(struct match *m, size_t from, size_t n, size_t page, uint64_t now_ms,
    const char **why)
{
	struct match_channel *ch;
	struct match_run *run;
	size_t i, end;

	if ((run = m->run = calloc(1, sizeof(*run))) == NULL) {
		*why = "out of memory";
		return (-1);
	}
	run->deadline_ms = now_ms + MATCH_RUN_MS;
	make_session(m, run->session);
	end = n - page * PSI_MAX < PSI_MAX ? n : (page + 1) * PSI_MAX;
	for (i = page * PSI_MAX; i < end; i++) {
		if ((ch = m->sweep.channels[from + i]) == NULL)
			continue;
		memcpy(run->passwords[run->nchannels], ch->password,
		    sizeof(ch->password));
		run->channels[run->nchannels++] = ch;
	}
	if (psi_start(&run->psi, m->config.lead ? PSI_LEAD : PSI_FOLLOW,
		run->session,
		(const uint8_t(*)[CPACE_PASSWORD_BYTES])run->passwords,
		run->nchannels, &m->config.random) == -1) {
		match_run_end(m);
		*why = "two channels have one password";
		return (-1);
	}
	return (0);
}

static uint64_t
limits_wait(const struct match *m, size_t n, uint64_t now_ms)
{
	uint64_t wait, longest = 0;
	size_t i;

	for (i = 0; i < 2; i++) {
		if (m->config.limits[i] == NULL)
			continue;
		wait = match_limit_wait(m->config.limits[i], n, now_ms);
		if (wait > longest)
			longest = wait;
	}
	return (longest < NWSPROTO_WAIT_MAX_MS ? longest :
						 NWSPROTO_WAIT_MAX_MS);
}

/* Elements came, so many guesses of the peer; or those we made for nothing. */
static void
limits_charge(struct match *m, size_t n, uint64_t now_ms)
{
	size_t i;

	for (i = 0; i < 2; i++)
		if (m->config.limits[i] != NULL)
			match_limit_charge(m->config.limits[i], n, now_ms);
}

static const uint8_t (*elements_of(const struct match *m))[PSI_ELEMENT_BYTES]
{
	return ((const uint8_t(*)[PSI_ELEMENT_BYTES])m->run->psi.elements);
}

/* The lead */

int
match_run_due(const struct match *m)
{
	return (m->config.lead && m->state == MATCH_IDLE &&
	    (m->sweep.active || m->fresh || !m->swept_once ||
		m->generation != m->swept_generation));
}

static void
sweep_begin(struct match *m)
{
	sweep_freeze(m);
	m->sweep.active = 1;
	m->sweep.answered = 0;
	m->sweep.page = m->sweep.remote_page = m->sweep.remote_pages = 0;
	m->sweep.scope = m->sweep.nnew > 0 || !m->swept_once ? NWSPROTO_ALL :
							       NWSPROTO_NEW;
}

/*
 * First our new channels against all of theirs; then, where they have new ones,
 * too, our others against those.
 */
static void
sweep_advance(struct match *m)
{
	struct match_sweep *s = &m->sweep;
	size_t from;

	if (++s->remote_page < s->remote_pages)
		return;
	s->remote_page = 0;
	if (++s->page < pages_of(lead_range(m, &from)))
		return;
	s->page = s->remote_pages = 0;
	if (s->scope == NWSPROTO_ALL && s->n > s->nnew &&
	    s->generation != m->swept_generation) {
		s->scope = NWSPROTO_NEW;
		return;
	}
	s->active = 0;
	m->swept_once = 1;
	m->swept_generation = s->generation;
}

void
match_run_done(struct match *m)
{
	match_run_end(m);
	if (m->config.lead)
		sweep_advance(m);
}

static int
offer(struct match *m, uint64_t now_ms, const char **why)
{
	struct nwsproto msg = { .type = NWSPROTO_OFFER };
	size_t from, n;

	if (!m->sweep.active)
		sweep_begin(m);
	m->run_number++;
	n = lead_range(m, &from);
	if (run_begin(m, from, n, m->sweep.page, now_ms, why) == -1)
		return (-1);
	msg.run = m->run_number;
	msg.scope = m->sweep.scope;
	msg.flags = m->sweep.answered ? 0 : NWSPROTO_FIRST;
	msg.page = (uint32_t)m->sweep.remote_page;
	msg.nelements = (uint32_t)m->run->psi.count;
	msg.elements = elements_of(m);
	m->config.ops->send(m->config.arg, &msg);
	m->state = MATCH_OFFERED;
	return (0);
}

/* A CHANGED that no sweep has followed yet says it for later ones, too. */
static void
changed(struct match *m)
{
	struct nwsproto msg = { .type = NWSPROTO_CHANGED };

	if (!m->fresh || m->generation != m->swept_generation)
		return;
	msg.generation = ++m->generation;
	m->config.ops->send(m->config.arg, &msg);
}

int
match_run_turn(struct match *m, uint64_t now_ms, const char **why)
{
	uint64_t wait;

	if (!m->config.lead) {
		changed(m);
		return (0);
	}
	if (!match_run_due(m) || now_ms < m->not_before_ms)
		return (0);
	/* Our elements draw out up to 64 of theirs, which will be charged. */
	if ((wait = limits_wait(m, PSI_MAX, now_ms)) > 0) {
		m->not_before_ms = now_ms + wait;
		m->config.counters->later++;
		return (0);
	}
	return (offer(m, now_ms, why));
}

static int
take_later(struct match *m, const struct nwsproto *msg, uint64_t now_ms,
    const char **why)
{
	if (m->state != MATCH_OFFERED || msg->run != m->run_number) {
		*why = "LATER out of turn";
		return (-1);
	}
	/* They cost much more than saying so: they count as well. */
	limits_charge(m, m->run->psi.count, now_ms);
	match_run_end(m);
	/* Clocks do not go alike: rather a little later than refused. */
	m->not_before_ms = now_ms + msg->wait_ms + msg->wait_ms / 256 + 10;
	return (0);
}

/* Whether what the follower says of its sweep is what it said before. */
static int
answer_fits(struct match *m, const struct nwsproto *msg)
{
	struct match_sweep *s = &m->sweep;

	if (s->answered && msg->generation != s->generation)
		return (0);
	/* Its CHANGED came before, and what was swept does not come back. */
	if (msg->generation > m->generation ||
	    msg->generation < m->swept_generation)
		return (0);
	if (s->remote_pages != 0 && msg->pages != s->remote_pages)
		return (0);
	s->answered = 1;
	s->generation = msg->generation;
	s->remote_pages = msg->pages;
	return (1);
}

static int
take_answer(struct match *m, const struct nwsproto *msg, uint64_t now_ms,
    const char **why)
{
	struct nwsproto answer = { .type = NWSPROTO_TAGS };
	uint8_t tags[PSI_MAX][PSI_TAG_BYTES];
	struct psi *psi;

	if (m->state != MATCH_OFFERED || msg->run != m->run_number ||
	    !answer_fits(m, msg)) {
		*why = "ANSWER out of turn";
		return (-1);
	}
	psi = &m->run->psi;
	limits_charge(m, msg->nelements, now_ms);
	m->config.counters->elements += msg->nelements;
	if (psi_take_elements(psi, msg->elements, msg->nelements, why) == -1 ||
	    psi_take_tags(psi, msg->tags, msg->ntags, why) == -1)
		return (-1);
	m->config.counters->runs++;
	answer.run = m->run_number;
	answer.ntags = (uint32_t)psi_tags(psi, tags);
	answer.tags = (const uint8_t(*)[PSI_TAG_BYTES])tags;
	m->config.ops->send(m->config.arg, &answer);
	return (match_open(m, why));
}

/* The follower */

static int
put_off(struct match *m, const struct nwsproto *msg, uint64_t wait,
    uint64_t now_ms)
{
	struct nwsproto answer = { .type = NWSPROTO_LATER };

	m->config.counters->later++;
	m->not_before_ms = now_ms + wait;
	answer.run = msg->run;
	answer.wait_ms = (uint32_t)wait;
	m->config.ops->send(m->config.arg, &answer);
	return (0);
}

static int
answer_offer(struct match *m, const struct nwsproto *msg, size_t pages,
    const char **why)
{
	struct nwsproto answer = { .type = NWSPROTO_ANSWER };
	uint8_t tags[PSI_MAX][PSI_TAG_BYTES];
	struct psi *psi = &m->run->psi;

	if (psi_take_elements(psi, msg->elements, msg->nelements, why) == -1)
		return (-1);
	answer.run = m->run_number;
	answer.generation = m->swept_generation;
	answer.pages = (uint32_t)pages;
	answer.nelements = (uint32_t)psi->count;
	answer.elements = elements_of(m);
	answer.ntags = (uint32_t)psi_tags(psi, tags);
	answer.tags = (const uint8_t(*)[PSI_TAG_BYTES])tags;
	m->config.ops->send(m->config.arg, &answer);
	m->state = MATCH_ANSWERED;
	return (0);
}

static int
take_offer(struct match *m, const struct nwsproto *msg, uint64_t now_ms,
    const char **why)
{
	uint64_t wait;
	size_t n, pages;

	if (m->config.lead || m->state != MATCH_IDLE ||
	    msg->run != m->run_number + 1 || now_ms < m->not_before_ms) {
		*why = "OFFER out of turn";
		return (-1);
	}
	m->run_number = msg->run;
	if ((wait = limits_wait(m, msg->nelements, now_ms)) > 0)
		return (put_off(m, msg, wait, now_ms));
	limits_charge(m, msg->nelements, now_ms);
	m->config.counters->elements += msg->nelements;
	if (msg->flags & NWSPROTO_FIRST) {
		changed(m);
		sweep_freeze(m);
		m->swept_once = 1;
		m->swept_generation = m->generation;
	}
	n = msg->scope == NWSPROTO_ALL ? m->sweep.n : m->sweep.nnew;
	pages = pages_of(n);
	if (!m->swept_once || msg->page >= pages) {
		*why = "OFFER of a page that is not there";
		return (-1);
	}
	if (run_begin(m, 0, n, msg->page, now_ms, why) == -1)
		return (-1);
	return (answer_offer(m, msg, pages, why));
}

static int
take_tags(struct match *m, const struct nwsproto *msg, const char **why)
{
	if (m->state != MATCH_ANSWERED || msg->run != m->run_number) {
		*why = "TAGS out of turn";
		return (-1);
	}
	if (psi_take_tags(&m->run->psi, msg->tags, msg->ntags, why) == -1)
		return (-1);
	m->config.counters->runs++;
	return (match_open(m, why));
}

int
match_run_take(struct match *m, const struct nwsproto *msg, uint64_t now_ms,
    const char **why)
{
	switch (msg->type) {
	case NWSPROTO_OFFER:
		return (take_offer(m, msg, now_ms, why));
	case NWSPROTO_ANSWER:
		return (take_answer(m, msg, now_ms, why));
	case NWSPROTO_TAGS:
		return (take_tags(m, msg, why));
	default:
		return (take_later(m, msg, now_ms, why));
	}
}
