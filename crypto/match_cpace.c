/*
 * From a match to an open channel (match.h): CPace for each of them, all at
 * once.  Runs in crypto; owns the secrets of these runs of CPace.
 *
 * Nobody comes here by chance: the tags of the set intersection match only for
 * who has the password.  So whatever does not fit ends the link.
 */
#include <sodium.h>
#include <string.h>

#include "match_private.h"

#define SID_BYTES (PSI_SESSION_BYTES + 1)

/* What all of CPace but the password is about: this link, run and match. */
static void
make_input(const struct match *m, const struct match_candidate *c,
    uint8_t sid[SID_BYTES], struct cpace_input *in)
{
	memset(in, 0, sizeof(*in));
	memcpy(sid, m->run->session, PSI_SESSION_BYTES);
	sid[PSI_SESSION_BYTES] = c->position;
	in->ci.p = m->ci;
	in->ci.n = sizeof(m->ci);
	in->sid.p = sid;
	in->sid.n = SID_BYTES;
	in->ad = m->config.id;
	in->remote_ad = m->config.remote_id;
}

static void
send_for(struct match *m, const struct match_candidate *c, struct nwsproto *msg)
{
	msg->run = m->run_number;
	msg->position = c->position;
	m->config.ops->send(m->config.arg, msg);
}

static int
candidate_start(struct match *m, struct match_candidate *c,
    const uint8_t password[CPACE_PASSWORD_BYTES])
{
	struct nwsproto msg = { .type = NWSPROTO_SHARE };
	struct cpace_input in;
	uint8_t sid[SID_BYTES];

	make_input(m, c, sid, &in);
	in.prs.p = password;
	in.prs.n = CPACE_PASSWORD_BYTES;
	if (cpace_start(&c->cpace, &in, &m->config.random) == -1)
		return (-1);
	msg.share = c->cpace.share;
	send_for(m, c, &msg);
	return (0);
}

int
match_open(struct match *m, const char **why)
{
	struct match_run *run = m->run;
	const struct psi_match *match;
	struct match_candidate *c;
	size_t i;

	m->config.counters->matches += run->psi.nmatches;
	for (i = 0; i < run->psi.nmatches; i++) {
		match = &run->psi.matches[i];
		c = &run->candidates[run->ncandidates++];
		c->position = match->position;
		c->channel = run->channels[match->item];
		if (c->channel != NULL && c->channel->pair != NULL) {
			*why = "a shared channel matches once more";
			return (-1);
		}
		if (candidate_start(m, c, run->passwords[match->item]) == -1) {
			*why = "CPace does not start";
			return (-1);
		}
	}
	psi_wipe(&run->psi);
	sodium_memzero(run->passwords, sizeof(run->passwords));
	m->state = MATCH_OPENING;
	if (run->ncandidates == 0)
		match_run_done(m);
	return (0);
}

static int
refuse(struct match *m, const char **why, const char *text)
{
	m->config.counters->refused++;
	*why = text;
	return (-1);
}

static int
take_share(struct match *m, struct match_candidate *c,
    const struct nwsproto *msg, const char **why)
{
	struct nwsproto answer = { .type = NWSPROTO_CONFIRM };
	struct cpace_input in;
	uint8_t sid[SID_BYTES];

	make_input(m, c, sid, &in);
	if (cpace_take_share(&c->cpace, &in, msg->share) == -1)
		return (refuse(m, why, "SHARE is no share"));
	answer.tag = c->cpace.tag;
	send_for(m, c, &answer);
	return (0);
}

static int
take_confirm(struct match *m, struct match_candidate *c,
    const struct nwsproto *msg, const char **why)
{
	struct nwsproto answer = { .type = NWSPROTO_OPENED };

	if (cpace_take_tag(&c->cpace, msg->tag) == -1)
		return (refuse(m, why, "CONFIRM is wrong"));
	m->config.counters->confirmed++;
	answer.handle = c->ours = ++m->last_ours;
	send_for(m, c, &answer);
	return (0);
}

/* Handles count up, so that none ever means two things on a link. */
static int
take_opened(struct match *m, struct match_candidate *c,
    const struct nwsproto *msg, uint64_t now_ms, const char **why)
{
	if (c->cpace.state != CPACE_CONFIRMED || c->theirs != 0 ||
	    msg->handle != m->last_theirs + 1) {
		*why = "OPENED out of turn";
		return (-1);
	}
	c->theirs = m->last_theirs = msg->handle;
	cpace_wipe(&c->cpace);
	if (match_pair_new(m, c, now_ms, why) == -1)
		return (-1);
	if (++m->run->nopened == m->run->ncandidates)
		match_run_done(m);
	return (0);
}

int
match_open_take(struct match *m, const struct nwsproto *msg, uint64_t now_ms,
    const char **why)
{
	struct match_candidate *c = NULL;
	size_t i;

	if (m->state == MATCH_OPENING && msg->run == m->run_number)
		for (i = 0; i < m->run->ncandidates; i++)
			if (m->run->candidates[i].position == msg->position)
				c = &m->run->candidates[i];
	if (c == NULL) {
		*why = "CPace without a match";
		return (-1);
	}
	if (msg->type == NWSPROTO_SHARE)
		return (take_share(m, c, msg, why));
	if (msg->type == NWSPROTO_CONFIRM)
		return (take_confirm(m, c, msg, why));
	return (take_opened(m, c, msg, now_ms, why));
}
