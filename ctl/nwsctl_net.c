/*
 * nwsctl show, for what has to do with other machines: links, peers,
 * interfaces, services that were found, findings of nwsctl check.  Pure but for
 * memory.
 */
#include <stdio.h>

#include "nwsctl.h"

static void
text_rtt(struct table *t, uint32_t us)
{
	if (us == 0)
		table_cell(t, "-");
	else if (us < 100000)
		table_cell(t, "%u.%02u ms", us / 1000, us % 1000 / 10);
	else
		table_cell(t, "%u ms", us / 1000);
}

void
text_link(struct table *t, const struct row *r)
{
	const struct msg_row_link *l = &r->u.link;

	table_cell(t, "%llu", (unsigned long long)l->id);
	table_outside(t, r->text[1], r->text_len[1]);
	table_cell(t, "%s %s %s", link_phase_name(l->phase),
	    link_security_name(l->security), l->dialled ? "out" : "in");
	text_rtt(t, l->rtt_us);
	table_cell(t, "%s", text_age(l->age_s));
	table_cell(t, "%s", text_age(l->idle_s));
	table_cell(t, "%u", l->channels);
	table_cell(t, "%u", l->members);
	table_cell(t, "%llu", (unsigned long long)l->messages_out);
	table_cell(t, "%llu", (unsigned long long)l->bytes_out);
	table_cell(t, "%llu", (unsigned long long)l->messages_in);
	table_cell(t, "%llu", (unsigned long long)l->bytes_in);
	table_cell(t, "%llu", (unsigned long long)l->queued);
	table_cell(t, "%llu", (unsigned long long)l->dropped);
	table_outside(t, r->text[0], r->text_len[0]);
}

void
text_peer(struct table *t, const struct row *r)
{
	const struct msg_row_peer *p = &r->u.peer;

	table_outside(t, r->text[0], r->text_len[0]);
	table_cell(t, "%s", peer_origin_name(p->origin));
	table_cell(t, "%s", peer_state_name(p->state));
	table_cell(t, "%u", p->attempts);
	if (p->state == PEER_WAITING)
		table_cell(t, "%s", text_age(p->retry_s));
	else
		table_cell(t, "-");
	table_outside(t, r->text[1], r->text_len[1]);
	table_outside(t, r->text[2], r->text_len[2]);
}

void
text_interface(struct table *t, const struct row *r)
{
	const struct msg_row_interface *i = &r->u.interface;

	table_cell(t, "%u", i->index);
	table_outside(t, r->text[0], r->text_len[0]);
	table_cell(t, "%s", i->used ? "used" : "not-used");
	table_cell(t, "%s", i->ready4 ? "ready" : "-");
	table_cell(t, "%s", i->ready6 ? "ready" : "-");
	table_cell(t, "%llu", (unsigned long long)i->packets_out);
	table_cell(t, "%llu", (unsigned long long)i->packets_in);
	table_cell(t, "%llu", (unsigned long long)i->others_in);
	table_outside(t, r->text[1], r->text_len[1]);
	table_outside(t, r->text[2], r->text_len[2]);
}

void
text_service(struct table *t, const struct row *r)
{
	table_outside(t, r->text[0], r->text_len[0]);
	table_cell(t, "%s", r->u.service.own ? "own" : "found");
	table_outside(t, r->text[1], r->text_len[1]);
	table_outside(t, r->text[2], r->text_len[2]);
	table_outside(t, r->text[3], r->text_len[3]);
}

void
text_finding(struct table *t, const struct row *r)
{
	table_cell(t, "%s", check_level_name(r->u.check.level));
	table_outside(t, r->text[0], r->text_len[0]);
}

