/*
 * Pending origins, see pending.h.  Frontend; origins are parsed, so their text
 * is what origin_text() makes of them.
 */
#include <string.h>
#include <time.h>

#include "../common/child.h"
#include "../common/log.h"
#include "../common/loop.h"
#include "access.h"
#include "pending.h"

struct pending {
	char		text[MSG_ORIGIN_MAX];
	uint64_t	seen;
	uint32_t	last_s;
	uint32_t	scope;
};

static struct pending	table[PENDING_MAX];
static unsigned int	count;

void
pending_seen(const struct origin *o, uint32_t scope)
{
	static struct log_limit	 limit = { 5, 60, 0, 0, 0 };
	char			 text[MSG_ORIGIN_MAX];
	struct pending		*p, *oldest = &table[0];
	unsigned int		 i;

	origin_text(o, text, sizeof(text));
	for (i = 0; i < count && strcmp(table[i].text, text) != 0; i++)
		if (table[i].last_s < oldest->last_s)
			oldest = &table[i];
	p = &table[i];
	if (i == count) {
		if (count == PENDING_MAX)
			p = oldest;
		else
			count++;
		memset(p, 0, sizeof(*p));
		memcpy(p->text, text, sizeof(p->text));
		if (log_allowed(&limit))
			log_info("origin %s asks to connect: see nwsctl "
			    "origin pending", text);
		child_event(EVENT_ORIGIN_PENDING, 0, "origin=\"%s\"", text);
	}
	p->seen++;
	p->last_s = loop_now_s();
	p->scope |= scope;
}

void
pending_drop(const char *text, size_t len)
{
	unsigned int	i;

	for (i = 0; i < count; i++)
		if (strlen(table[i].text) == len &&
		    memcmp(table[i].text, text, len) == 0) {
			table[i] = table[--count];
			return;
		}
}

void
pending_review(const struct conf *c, const struct grants *grants)
{
	struct origin	o;
	unsigned int	i = count;

	while (i-- > 0)
		if (origin_parse(table[i].text, strlen(table[i].text), &o) ==
		    0 && access_is_decided(c, grants, &o, table[i].scope,
		    (int64_t)time(NULL)))
			table[i] = table[--count];
}

void
pending_show(uint32_t ticket)
{
	struct msg_row_origin	row;
	unsigned int		i;

	for (i = 0; i < count; i++) {
		memset(&row, 0, sizeof(row));
		row.state = ORIGIN_PENDING;
		row.seen = table[i].seen;
		row.scope = table[i].scope;
		child_row(ticket, SHOW_ORIGINS, &row.row, sizeof(row),
		    table[i].text, strlen(table[i].text));
	}
}
