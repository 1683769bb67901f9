/*
 * nwsctl show: asks for rows and prints them, as a table for people or as one
 * JSON object.
 */
#include <bsd/string.h>
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../common/imsg.h"
#include "../common/origin.h"
#include "nwsctl.h"

static void	text_counter(struct table *, const struct row *);
static void	text_channel(struct table *, const struct row *);
static void	text_client(struct table *, const struct row *);
static void	text_process(struct table *, const struct row *);
static void	text_limit(struct table *, const struct row *);
static void	text_origin(struct table *, const struct row *);

static const struct {
	const char	*heads;
	void		(*text)(struct table *, const struct row *);
} views[SHOW_WHATS] = {
	[SHOW_SUMMARY] = { "COUNTER|>VALUE", text_counter },
	[SHOW_CHANNELS] = { "CHANNEL|>MEMBERS|>ELSEWHERE|>MESSAGES|>BYTES|"
	    "PRESENCE", text_channel },
	[SHOW_CLIENTS] = { ">CLIENT|CHANNEL|ORIGIN|ADDRESS|FRONTEND|>AGE|"
	    ">IDLE|>MESSAGES|>BYTES|>QUEUED|IS", text_client },
	[SHOW_PROCESSES] = { "PROCESS|>PID|>AGE|>STARTS|>MEMORY",
	    text_process },
	[SHOW_LIMITS] = { "LIMIT|PROCESS|>USED|>MAX|>HITS", text_limit },
	[SHOW_ORIGINS] = { "ORIGIN|STATE|SCOPES|EXPIRES|>REQUESTS",
	    text_origin },
	[SHOW_LINKS] = { ">LINK|ADDRESS|IS|>RTT|>AGE|>IDLE|>CHANNELS|>MEMBERS|"
	    ">SENT|>BYTES|>RECEIVED|>BYTES|>QUEUED|>DROPPED|PEER",
	    text_link },
	[SHOW_PEERS] = { "NAME|FROM|STATE|>FAILURES|>RETRY|ADDRESSES|"
	    "PEER OR REASON", text_peer },
	[SHOW_INTERFACES] = { ">INDEX|INTERFACE|IS|IPV4|IPV6|>SENT|>RECEIVED|"
	    ">OTHERS|ADDRESSES|REASON", text_interface },
	[SHOW_DISCOVERY] = { "INSTANCE|WHOSE|HOST|ADDRESSES|TXT",
	    text_service },
	[SHOW_CHECK] = { "CHECK|FINDING", text_finding },
};

static void
text_counter(struct table *t, const struct row *r)
{
	table_outside(t, r->text[0], r->text_len[0]);
	table_cell(t, "%llu", (unsigned long long)r->u.counter.value);
}

static void
text_channel(struct table *t, const struct row *r)
{
	const struct msg_row_channel *c = &r->u.channel;

	table_outside(t, r->text[0], r->text_len[0]);
	table_cell(t, "%llu", (unsigned long long)c->members);
	table_cell(t, "%u", c->remote);
	table_cell(t, "%llu", (unsigned long long)c->messages);
	table_cell(t, "%llu", (unsigned long long)c->bytes);
	table_cell(t, "%s", c->presence ? "on" : "off");
}

static void
text_client(struct table *t, const struct row *r)
{
	const struct msg_row_client *c = &r->u.client;
	char is[128];
	unsigned int i;

	table_cell(t, "%llu", (unsigned long long)c->id);
	table_outside(t, r->text[0], r->text_len[0]);
	table_outside(t, r->text[1], r->text_len[1]);
	table_outside(t, r->text[2], r->text_len[2]);
	table_cell(t, "%u", c->row.instance);
	table_cell(t, "%s", text_age(c->age_s));
	table_cell(t, "%s", text_age(c->idle_s));
	table_cell(t, "%llu", (unsigned long long)c->messages_in);
	table_cell(t, "%llu", (unsigned long long)c->bytes_in);
	table_cell(t, "%llu", (unsigned long long)c->queued);
	snprintf(is, sizeof(is), "%s%s", c->binary ? "binary" : "json",
	    c->deflate ? " deflate" : "");
	for (i = 0; pause_name(i) != NULL; i++)
		if (c->paused & (1u << i)) {
			strlcat(is, " paused-", sizeof(is));
			strlcat(is, pause_name(i), sizeof(is));
		}
	table_cell(t, "%s", is);
}

static void
text_process(struct table *t, const struct row *r)
{
	const struct msg_row_process *p = &r->u.process;

	table_cell(t, "%s", row_process(&p->row));
	table_cell(t, "%llu", (unsigned long long)p->pid);
	table_cell(t, "%s", text_age(p->age_s));
	table_cell(t, "%llu", (unsigned long long)p->starts);
	table_cell(t, "%llu KiB", (unsigned long long)p->rss_kib);
}

static void
text_limit(struct table *t, const struct row *r)
{
	const struct msg_row_limit *l = &r->u.limit;

	table_outside(t, r->text[0], r->text_len[0]);
	table_cell(t, "%s", row_process(&l->row));
	table_cell(t, "%llu", (unsigned long long)l->used);
	if (l->max != 0)
		table_cell(t, "%llu", (unsigned long long)l->max);
	else
		table_cell(t, "-");
	table_cell(t, "%llu", (unsigned long long)l->hits);
}

static void
text_origin(struct table *t, const struct row *r)
{
	const struct msg_row_origin *o = &r->u.origin;
	char scopes[128];

	table_outside(t, r->text[0], r->text_len[0]);
	table_cell(t, "%s", origin_state_name(o->state));
	table_cell(t, "%s", o->scope == SCOPE_ALL ? "all" :
	    scope_text(o->scope, scopes, sizeof(scopes)));
	if (o->expires != 0)
		table_cell(t, "%s", text_time(o->expires * 1000, 0));
	else
		table_cell(t, "-");
	if (o->state == ORIGIN_PENDING)
		table_cell(t, "%llu", (unsigned long long)o->seen);
	else
		table_cell(t, "-");
}

const char *
rows_fetch(struct rows *rows, uint32_t what)
{
	static char problem[MSG_ROW_MAX + 1];
	struct msg_show show = { what };
	struct buf text = { NULL, 0, 0 };
	struct imsg m;
	uint32_t code;

	link_say(MSG_CTL_SHOW, &show, sizeof(show), NULL, 0);
	for (;;) {
		link_receive(&m, 30);
		if (m.hdr.type == MSG_CTL_DONE)
			break;
		if (m.hdr.type == MSG_CTL_ROW &&
		    rows_add(rows, what, m.data, m.hdr.len) == -1)
			exit(report_error(EXIT_ERROR, "%s", errno == ENOMEM ?
			    "out of memory" : "a row from nwsd that this "
			    "nwsctl does not know: are they of one version?"));
	}
	rows_merge(rows, what);
	rows_sort(rows, what);
	memcpy(&code, m.data, sizeof(code));
	if (code == 0)
		return (NULL);
	text_visible(&text, (const char *)m.data + sizeof(code),
	    m.hdr.len - sizeof(code));
	buf_byte(&text, '\0');
	strlcpy(problem, text.len > 1 ? (char *)text.data : "refused by nwsd",
	    sizeof(problem));
	buf_free(&text);
	return (problem);
}

static uint64_t
value(const struct rows *rows, const char *name)
{
	size_t i;

	for (i = 0; i < rows->n; i++)
		if (strcmp(rows->v[i].text[0], name) == 0)
			return (rows->v[i].u.counter.value);
	return (0);
}

static void
number(const struct rows *rows, const char *name, const char *thing,
    const char *plural, struct buf *out)
{
	uint64_t n = value(rows, name);

	buf_printf(out, ", %llu %s%s", (unsigned long long)n, thing,
	    n == 1 ? "" : plural);
}

/* What most people want to know. */
static void
headline(const struct rows *rows, struct buf *out)
{
	buf_printf(out, "up %s", text_age(value(rows,
	    "parent_uptime_seconds")));
	number(rows, "parent_processes", "process", "es", out);
	number(rows, "frontend_clients", "client", "s", out);
	number(rows, "router_channels", "channel", "s", out);
	number(rows, "crypto_links", "link", "s", out);
	buf_byte(out, '\n');
	if (value(rows, "frontend_origin_any") != 0)
		buf_text(out, "pages of EVERY origin may connect "
		    "(`allow origin any' in nwsd.conf)\n");
	buf_byte(out, '\n');
}

static void
print_text(const struct rows *rows, uint32_t what)
{
	struct buf out = { NULL, 0, 0 };
	struct table t;
	size_t i;

	if (what == SHOW_SUMMARY)
		headline(rows, &out);
	table_begin(&t, views[what].heads);
	for (i = 0; i < rows->n; i++) {
		/* what never happened is left out for people */
		if (what == SHOW_SUMMARY && rows->v[i].u.counter.value == 0)
			continue;
		views[what].text(&t, &rows->v[i]);
	}
	table_end(&t, &out);
	fwrite(out.data, 1, out.len, stdout);
	buf_free(&out);
}

/* What there is is shown also where a part of the answer is missing. */
static int
print_rows(const struct rows *rows, uint32_t what, const char *problem)
{
	struct json j;

	if (options.json) {
		rows_json(&j, rows, what, problem);
		json_print(&j);
	} else
		print_text(rows, what);
	stdout_flush();
	if (problem == NULL)
		return (EXIT_DONE);
	warnx("%s", problem);
	return (EXIT_ERROR);
}

int
origins_show(int pending, int decided)
{
	struct rows rows = { NULL, 0, 0 };
	const char *problem = rows_fetch(&rows, SHOW_ORIGINS);
	struct row swap;
	size_t i, kept = 0;
	int code;

	for (i = 0; i < rows.n; i++) {
		if (rows.v[i].u.origin.state == ORIGIN_PENDING ? !pending :
		    !decided)
			continue;
		swap = rows.v[kept];
		rows.v[kept++] = rows.v[i];
		rows.v[i] = swap;
	}
	i = rows.n;
	rows.n = kept;
	code = print_rows(&rows, SHOW_ORIGINS, problem);
	rows.n = i;
	rows_free(&rows);
	return (code);
}

/* Asks for an examination; fails when it found a failure. */
int
cmd_check(int argc, char *argv[])
{
	struct rows rows = { NULL, 0, 0 };
	const char *problem;
	int code;

	(void)argv;
	if (argc != 0)
		return (-1);
	if ((problem = rows_fetch(&rows, SHOW_CHECK)) == NULL)
		problem = rows_check_problem(&rows);
	code = print_rows(&rows, SHOW_CHECK, problem);
	rows_free(&rows);
	return (code);
}

int
cmd_show(int argc, char *argv[])
{
	struct rows rows = { NULL, 0, 0 };
	const char *problem;
	const char *words[SHOW_WHATS + 1];
	int code, what = SHOW_SUMMARY;

	if (argc > 1)
		return (-1);
	memcpy(words, rows_names, sizeof(rows_names));
	words[SHOW_WHATS] = "metrics";
	if (argc == 1 && (what = word_choose(words, SHOW_WHATS + 1, argv[0],
	    "thing to show")) < 0)
		return (EXIT_ERROR);
	if (what == SHOW_WHATS)
		return (metrics_show());
	if (what == SHOW_CHECK)
		return (cmd_check(0, NULL));
	problem = rows_fetch(&rows, (uint32_t)what);
	code = print_rows(&rows, (uint32_t)what, problem);
	rows_free(&rows);
	return (code);
}
