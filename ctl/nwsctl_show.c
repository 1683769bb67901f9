/*
 * nwsctl show: asks for rows and prints them, as a table for people or as one
 * JSON object.
 */
#include <bsd/string.h>
#include <err.h>
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
static void	json_counter(struct json *, const struct row *);
static void	json_channel(struct json *, const struct row *);
static void	json_client(struct json *, const struct row *);
static void	json_process(struct json *, const struct row *);
static void	json_limit(struct json *, const struct row *);
static void	json_origin(struct json *, const struct row *);

static const struct {
	const char	*heads;
	void		(*text)(struct table *, const struct row *);
	void		(*json)(struct json *, const struct row *);
} views[SHOW_WHATS] = {
	[SHOW_SUMMARY] = { "COUNTER|>VALUE", text_counter, json_counter },
	[SHOW_CHANNELS] = { "CHANNEL|>MEMBERS|>MESSAGES|>BYTES|PRESENCE",
	    text_channel, json_channel },
	[SHOW_CLIENTS] = { ">CLIENT|CHANNEL|ORIGIN|ADDRESS|FRONTEND|>AGE|"
	    ">IDLE|>MESSAGES|>BYTES|>QUEUED|IS", text_client, json_client },
	[SHOW_PROCESSES] = { "PROCESS|>PID|>AGE|>STARTS|>MEMORY",
	    text_process, json_process },
	[SHOW_LIMITS] = { "LIMIT|PROCESS|>USED|>MAX|>HITS", text_limit,
	    json_limit },
	[SHOW_ORIGINS] = { "ORIGIN|STATE|SCOPES|EXPIRES|>REQUESTS",
	    text_origin, json_origin },
};

static const char *const whats[] = { "summary", "channels", "clients",
	"processes", "limits", "origins", "metrics" };
#define SHOW_METRICS	SHOW_WHATS

static void
text_counter(struct table *t, const struct row *r)
{
	table_outside(t, r->text[0], r->text_len[0]);
	table_cell(t, "%llu", (unsigned long long)r->u.counter.value);
}

static void
json_counter(struct json *j, const struct row *r)
{
	json_uint(j, r->text[0], r->u.counter.value);
}

static void
text_channel(struct table *t, const struct row *r)
{
	const struct msg_row_channel *c = &r->u.channel;

	table_outside(t, r->text[0], r->text_len[0]);
	table_cell(t, "%llu", (unsigned long long)c->members);
	table_cell(t, "%llu", (unsigned long long)c->messages);
	table_cell(t, "%llu", (unsigned long long)c->bytes);
	table_cell(t, "%s", c->presence ? "on" : "off");
}

static void
json_channel(struct json *j, const struct row *r)
{
	const struct msg_row_channel *c = &r->u.channel;

	json_open(j, NULL, '{');
	json_text(j, "channel", r->text[0], r->text_len[0]);
	json_uint(j, "members", c->members);
	json_uint(j, "messages", c->messages);
	json_uint(j, "bytes", c->bytes);
	json_bool(j, "presence", c->presence != 0);
	json_shut(j, '}');
}

/* Why a client is not read from, a name for each bit of msg_row_client. */
static const char *const pauses[] = { "rate", "router", "output", "joining" };
#define PAUSES	(sizeof(pauses) / sizeof(pauses[0]))

static void
text_client(struct table *t, const struct row *r)
{
	const struct msg_row_client *c = &r->u.client;
	char is[128];
	size_t i;

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
	for (i = 0; i < PAUSES; i++)
		if (c->paused & 1u << i) {
			strlcat(is, " paused-", sizeof(is));
			strlcat(is, pauses[i], sizeof(is));
		}
	table_cell(t, "%s", is);
}

static void
json_client(struct json *j, const struct row *r)
{
	const struct msg_row_client *c = &r->u.client;
	size_t i;

	json_open(j, NULL, '{');
	json_id(j, "client", c->id);
	json_text(j, "channel", r->text[0], r->text_len[0]);
	if (r->text_len[1] > 0)
		json_text(j, "origin", r->text[1], r->text_len[1]);
	else
		json_raw(j, "origin", "null", 4);
	json_text(j, "address", r->text[2], r->text_len[2]);
	json_uint(j, "frontend", c->row.instance);
	json_uint(j, "age_s", c->age_s);
	json_uint(j, "idle_s", c->idle_s);
	json_uint(j, "messages_in", c->messages_in);
	json_uint(j, "bytes_in", c->bytes_in);
	json_uint(j, "queued_bytes", c->queued);
	json_bool(j, "binary", c->binary != 0);
	json_bool(j, "deflate", c->deflate != 0);
	json_open(j, "paused", '[');
	for (i = 0; i < PAUSES; i++)
		if (c->paused & 1u << i)
			json_word(j, NULL, pauses[i]);
	json_shut(j, ']');
	json_shut(j, '}');
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
json_process(struct json *j, const struct row *r)
{
	const struct msg_row_process *p = &r->u.process;

	json_open(j, NULL, '{');
	json_word(j, "process", process_name(p->row.process));
	json_uint(j, "instance", p->row.instance);
	json_uint(j, "pid", p->pid);
	json_uint(j, "age_s", p->age_s);
	json_uint(j, "starts", p->starts);
	json_uint(j, "rss_kib", p->rss_kib);
	json_shut(j, '}');
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
json_limit(struct json *j, const struct row *r)
{
	const struct msg_row_limit *l = &r->u.limit;

	json_open(j, NULL, '{');
	json_text(j, "limit", r->text[0], r->text_len[0]);
	json_word(j, "process", process_name(l->row.process));
	json_uint(j, "instance", l->row.instance);
	json_uint(j, "used", l->used);
	if (l->max != 0)
		json_uint(j, "max", l->max);
	else
		json_raw(j, "max", "null", 4);
	json_uint(j, "hits", l->hits);
	json_shut(j, '}');
}

static const char *
state_name(uint32_t state)
{
	static const char *const names[] = { [ORIGIN_PENDING] = "pending",
	    [ORIGIN_ALLOWED] = "allowed", [ORIGIN_DENIED] = "denied",
	    [ORIGIN_CONFIGURED] = "configured" };

	return (state < sizeof(names) / sizeof(names[0]) ? names[state] :
	    "unknown");
}

static void
text_origin(struct table *t, const struct row *r)
{
	const struct msg_row_origin *o = &r->u.origin;
	char scopes[128];

	table_outside(t, r->text[0], r->text_len[0]);
	table_cell(t, "%s", state_name(o->state));
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

static void
json_origin(struct json *j, const struct row *r)
{
	const struct msg_row_origin *o = &r->u.origin;
	char name[64];
	uint32_t bit;

	json_open(j, NULL, '{');
	json_text(j, "origin", r->text[0], r->text_len[0]);
	json_word(j, "state", state_name(o->state));
	json_open(j, "scopes", '[');
	for (bit = 1; bit <= SCOPE_ALL; bit <<= 1)
		if (o->scope & bit)
			json_word(j, NULL, scope_text(bit, name,
			    sizeof(name)));
	json_shut(j, ']');
	if (o->expires != 0)
		json_word(j, "expires", text_time(o->expires * 1000, 0));
	else
		json_raw(j, "expires", "null", 4);
	if (o->state == ORIGIN_PENDING)
		json_uint(j, "requests", o->seen);
	json_shut(j, '}');
}

const char *
rows_fetch(struct rows *rows, uint32_t what)
{
	static char problem[MSG_ROW_MAX + 1];
	struct msg_show show = { what };
	struct buf text = { NULL, 0, 0 };
	struct imsg m;
	uint32_t code;

	link_send(MSG_CTL_SHOW, &show, sizeof(show), NULL, 0);
	for (;;) {
		link_receive(&m, 30);
		if (m.hdr.type == MSG_CTL_DONE)
			break;
		if (m.hdr.type == MSG_CTL_ROW &&
		    rows_add(rows, what, m.data, m.hdr.len) == -1)
			exit(report_error(EXIT_ERROR, "a row from nwsd that "
			    "this nwsctl does not know: are they of one "
			    "version?"));
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

static void
print_json(const struct rows *rows, uint32_t what, const char *problem)
{
	struct json j;
	size_t i;
	char c = what == SHOW_SUMMARY ? '{' : '[';

	json_begin(&j);
	json_bool(&j, "ok", problem == NULL);
	if (problem != NULL)
		json_word(&j, "error", problem);
	json_open(&j, whats[what], c);
	for (i = 0; i < rows->n; i++)
		views[what].json(&j, &rows->v[i]);
	json_shut(&j, c == '{' ? '}' : ']');
	json_finish(&j);
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

/* What most people want to know. */
static void
headline(const struct rows *rows, struct buf *out)
{
	buf_printf(out, "up %s, %llu processes, %llu clients, %llu channels\n",
	    text_age(value(rows, "parent_uptime_seconds")),
	    (unsigned long long)value(rows, "parent_processes"),
	    (unsigned long long)value(rows, "frontend_clients"),
	    (unsigned long long)value(rows, "router_channels"));
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
	if (options.json)
		print_json(rows, what, problem);
	else
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

int
cmd_show(int argc, char *argv[])
{
	struct rows rows = { NULL, 0, 0 };
	const char *problem;
	int code, what = SHOW_SUMMARY;

	if (argc > 1)
		return (-1);
	if (argc == 1 && (what = word_choose(whats, sizeof(whats) /
	    sizeof(whats[0]), argv[0], "thing to show")) < 0)
		return (EXIT_ERROR);
	if (what == SHOW_METRICS)
		return (metrics_show());
	problem = rows_fetch(&rows, (uint32_t)what);
	code = print_rows(&rows, (uint32_t)what, problem);
	rows_free(&rows);
	return (code);
}
