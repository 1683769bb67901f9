/*
 * Rows about links for nwsctl(8).  Runs in crypto; owns the counters and a note
 * of the last connections that came to nothing.
 */
#include <stdarg.h>
#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "common/child.h"
#include "crypto/links_private.h"
#include "crypto/session.h"

#define NOTES		8	/* failures remembered */
#define NOTE_S		300	/* for so long */
#define SLOW_MS		3000	/* a handshake that is worth a word */

struct crypto_counters	 crypto_counters;

static struct note {
	char		 text[LINK_WHY_MAX + 160];
	int64_t		 at_ms;		/* 0: none */
} notes[NOTES];

void
links_note_failure(const struct link *l)
{
	struct note	*n = &notes[0];
	size_t		 i;

	for (i = 1; i < NOTES; i++)
		if (notes[i].at_ms < n->at_ms)
			n = &notes[i];
	snprintf(n->text, sizeof(n->text), "%s: %s", link_text(l), l->why);
	n->at_ms = loop_now_ms();
}

void
links_finding(uint32_t ticket, enum check_level level, const char *fmt, ...)
{
	struct msg_row_check	 row;
	char			 text[512];
	va_list			 ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	memset(&row, 0, sizeof(row));
	row.level = level;
	child_row(ticket, SHOW_CHECK, &row.row, sizeof(row), text,
	    strlen(text));
}

static void
show_check(uint32_t ticket)
{
	const struct link	*l;
	int64_t			 now = loop_now_ms(), age;
	size_t			 i;

	accept_check(ticket);
	links_finding(ticket, crypto_counters.links_active > 0 ? CHECK_OK :
	    CHECK_NOTE, "links to other machines: %llu",
	    (unsigned long long)crypto_counters.links_active);
	TAILQ_FOREACH(l, &links.all, entry)
		if (l->stage < STAGE_PLAIN && now - l->started_ms > SLOW_MS)
			links_finding(ticket, CHECK_NOTE,
			    "%s: no link yet after %lld s", link_text(l),
			    (long long)(now - l->started_ms) / 1000);
	for (i = 0; i < NOTES; i++) {
		age = (now - notes[i].at_ms) / 1000;
		if (notes[i].at_ms != 0 && age < NOTE_S)
			links_finding(ticket, CHECK_WARNING,
			    "%s (%lld s ago)", notes[i].text, (long long)age);
	}
}

static void
show_link(uint32_t ticket, const struct link *l)
{
	struct msg_row_link	 row;
	struct session_stats	 stats;
	char			 text[512], id[PEERID_TEXT_MAX] = "";
	int64_t			 now = loop_now_ms();
	int			 n;

	memset(&row, 0, sizeof(row));
	memset(&stats, 0, sizeof(stats));
	if (l->session != NULL)
		session_stats(l->session, &stats);
	row.id = l->id;
	row.bytes_in = l->bytes_in;
	row.bytes_out = l->bytes_out;
	row.messages_in = stats.messages_in;
	row.messages_out = stats.messages_out;
	row.dropped = stats.dropped;
	row.queued = link_queued(l);
	row.age_s = (uint32_t)((now - l->started_ms) / 1000);
	row.idle_s = (uint32_t)((now - l->heard_ms) / 1000);
	row.rtt_us = stats.rtt_us;
	row.dialled = l->dialled != 0;
	row.phase = l->active ? LINK_ACTIVE : l->stage == STAGE_SHAKING ?
	    LINK_HANDSHAKE : LINK_SECURED;
	row.channels = stats.channels;
	row.members = stats.members;
	if (l->stage != STAGE_SHAKING) {
		row.security = conn_security(l->conn) == CONN_TLS ? LINK_TLS :
		    LINK_NOISE;
		peerid_print(conn_peer(l->conn), id);
	}
	/* Three strings with a NUL between. */
	n = snprintf(text, sizeof(text), "%s%c%s%c%s", id, 0, link_address(l),
	    0, l->agent);
	child_row(ticket, SHOW_LINKS, &row.row, sizeof(row), text, (size_t)n);
}

static void
show_summary(uint32_t ticket)
{
	const struct link	*l;

	crypto_counters.queued_bytes = crypto_counters.handshakes = 0;
	TAILQ_FOREACH(l, &links.all, entry) {
		crypto_counters.queued_bytes += link_queued(l);
		crypto_counters.handshakes += l->stage == STAGE_SHAKING;
	}
#define X(member, gauge)						\
	child_row_counter(ticket, "crypto_" #member,			\
	    crypto_counters.member, gauge);
	CRYPTO_COUNTERS(X)
#undef X
	channels_rows(ticket);
}

static void
show_limits(uint32_t ticket)
{
	const struct link	*l;
	size_t			 largest = 0, n;

	TAILQ_FOREACH(l, &links.all, entry)
		if ((n = link_queued(l)) > largest)
			largest = n;
	child_row_limit(ticket, "max-links", crypto_counters.links, links.max,
	    crypto_counters.refused_limit_total);
	child_row_limit(ticket, "link-queue", largest, links.queue_max,
	    crypto_counters.behind_total);
	child_row_limit(ticket, "link-queue-total", links.queued,
	    links.total_max, crypto_counters.heaviest_total);
	accept_limits(ticket);
	channels_limits(ticket);
}

void
links_rows(uint32_t ticket, uint32_t what)
{
	const struct link	*l;

	switch (what) {
	case SHOW_LINKS:
		TAILQ_FOREACH(l, &links.all, entry)
			if (l->stage != STAGE_ENDING)
				show_link(ticket, l);
		break;
	case SHOW_SUMMARY:
		show_summary(ticket);
		break;
	case SHOW_LIMITS:
		show_limits(ticket);
		break;
	case SHOW_CHECK:
		show_check(ticket);
		break;
	}
}
