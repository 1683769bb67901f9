/*
 * Rows of an answer as JSON, see rows.h: the one source of what nwsctl(8)
 * prints with -j and what a frontend answers the console.  Pure but for memory;
 * trusts nothing of the names in rows.
 */
#include <stdio.h>
#include <string.h>

#include "origin.h"
#include "rows.h"
#include "text.h"

#define COUNT(words)	(sizeof(words) / sizeof((words)[0]))
/* A word of a list, "unknown" past its end. */
#define WORD(words, i)	((i) < COUNT(words) ? (words)[i] : "unknown")

const char *const rows_names[SHOW_WHATS] = { [SHOW_SUMMARY] = "summary",
	[SHOW_CHANNELS] = "channels", [SHOW_CLIENTS] = "clients",
	[SHOW_PROCESSES] = "processes", [SHOW_LIMITS] = "limits",
	[SHOW_ORIGINS] = "origins", [SHOW_LINKS] = "links",
	[SHOW_PEERS] = "peers", [SHOW_INTERFACES] = "interfaces",
	[SHOW_DISCOVERY] = "discovery", [SHOW_CHECK] = "check" };

const char *
link_phase_name(uint32_t i)
{
	static const char *const names[] = { [LINK_HANDSHAKE] = "handshake",
	    [LINK_SECURED] = "secured", [LINK_ACTIVE] = "active" };

	return (WORD(names, i));
}

const char *
link_security_name(uint32_t i)
{
	static const char *const names[] = { [LINK_NO_SECURITY] = "none",
	    [LINK_TLS] = "tls", [LINK_NOISE] = "noise" };

	return (WORD(names, i));
}

const char *
peer_origin_name(uint32_t i)
{
	static const char *const names[] = { [PEER_FOUND] = "found",
	    [PEER_CONFIGURED] = "configured", [PEER_ADDED] = "added" };

	return (WORD(names, i));
}

const char *
peer_state_name(uint32_t i)
{
	static const char *const names[] = { [PEER_IDLE] = "no-address",
	    [PEER_DIALLING] = "dialling", [PEER_HANDSHAKE] = "handshake",
	    [PEER_LINKED] = "linked", [PEER_SELF] = "self",
	    [PEER_WAITING] = "waiting" };

	return (WORD(names, i));
}

const char *
check_level_name(uint32_t i)
{
	static const char *const names[] = { [CHECK_OK] = "ok",
	    [CHECK_NOTE] = "note", [CHECK_WARNING] = "warning",
	    [CHECK_FAILURE] = "failure" };

	return (WORD(names, i));
}

const char *
origin_state_name(uint32_t i)
{
	static const char *const names[] = { [ORIGIN_PENDING] = "pending",
	    [ORIGIN_ALLOWED] = "allowed", [ORIGIN_DENIED] = "denied",
	    [ORIGIN_CONFIGURED] = "configured",
	    [ORIGIN_CONFIGURED_DENY] = "configured-deny" };

	return (WORD(names, i));
}

/* Why a client is not read from. */
const char *
pause_name(unsigned int bit)
{
	static const char *const names[] = { "rate", "router", "output",
	    "joining", "parent" };

	return (bit < COUNT(names) ? names[bit] : NULL);
}

/* A text, or null where there is none. */
static void
json_maybe(struct json *j, const char *key, const struct row *r, int text)
{
	if (r->text_len[text] > 0)
		json_text(j, key, r->text[text], r->text_len[text]);
	else
		json_null(j, key);
}

/* A list with commas as an array of strings. */
static void
json_list(struct json *j, const char *key, const char *s, size_t n)
{
	size_t i, from = 0;

	json_open(j, key, '[');
	for (i = 0; i <= n; i++) {
		if (i < n && s[i] != ',')
			continue;
		if (i > from)
			json_text(j, NULL, s + from, i - from);
		from = i + 1;
	}
	json_shut(j, ']');
}

static void
json_counter(struct json *j, const struct row *r)
{
	json_uint(j, r->text[0], r->u.counter.value);
}

static void
json_channel(struct json *j, const struct row *r)
{
	const struct msg_row_channel *c = &r->u.channel;

	json_open(j, NULL, '{');
	json_text(j, "channel", r->text[0], r->text_len[0]);
	json_uint(j, "members", c->members);
	json_uint(j, "elsewhere", c->remote);
	json_uint(j, "messages", c->messages);
	json_uint(j, "bytes", c->bytes);
	json_bool(j, "presence", c->presence != 0);
	json_shut(j, '}');
}

static void
json_client(struct json *j, const struct row *r)
{
	const struct msg_row_client *c = &r->u.client;
	unsigned int i;

	json_open(j, NULL, '{');
	json_id(j, "client", c->id);
	json_text(j, "channel", r->text[0], r->text_len[0]);
	json_maybe(j, "origin", r, 1);
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
	for (i = 0; pause_name(i) != NULL; i++)
		if (c->paused & (1u << i))
			json_word(j, NULL, pause_name(i));
	json_shut(j, ']');
	json_shut(j, '}');
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
		json_null(j, "max");
	json_uint(j, "hits", l->hits);
	json_shut(j, '}');
}

static void
json_origin(struct json *j, const struct row *r)
{
	const struct msg_row_origin *o = &r->u.origin;
	char name[64];
	uint32_t bit;

	json_open(j, NULL, '{');
	json_text(j, "origin", r->text[0], r->text_len[0]);
	json_word(j, "state", origin_state_name(o->state));
	json_open(j, "scopes", '[');
	for (bit = 1; bit <= SCOPE_ALL; bit <<= 1)
		if (o->scope & bit)
			json_word(j, NULL, scope_text(bit, name,
			    sizeof(name)));
	json_shut(j, ']');
	if (o->expires != 0)
		json_word(j, "expires", text_time(o->expires * 1000, 0));
	else
		json_null(j, "expires");
	if (o->state == ORIGIN_PENDING)
		json_uint(j, "requests", o->seen);
	json_shut(j, '}');
}

static void
json_link(struct json *j, const struct row *r)
{
	const struct msg_row_link *l = &r->u.link;

	json_open(j, NULL, '{');
	json_uint(j, "link", l->id);
	json_maybe(j, "peer", r, 0);
	json_text(j, "address", r->text[1], r->text_len[1]);
	json_maybe(j, "agent", r, 2);
	json_word(j, "phase", link_phase_name(l->phase));
	json_word(j, "security", link_security_name(l->security));
	json_bool(j, "dialled", l->dialled != 0);
	if (l->rtt_us != 0)
		json_uint(j, "rtt_us", l->rtt_us);
	else
		json_null(j, "rtt_us");
	json_uint(j, "age_s", l->age_s);
	json_uint(j, "idle_s", l->idle_s);
	json_uint(j, "channels", l->channels);
	json_uint(j, "members", l->members);
	json_uint(j, "messages_out", l->messages_out);
	json_uint(j, "bytes_out", l->bytes_out);
	json_uint(j, "messages_in", l->messages_in);
	json_uint(j, "bytes_in", l->bytes_in);
	json_uint(j, "queued_bytes", l->queued);
	json_uint(j, "dropped", l->dropped);
	json_shut(j, '}');
}

static void
json_peer(struct json *j, const struct row *r)
{
	const struct msg_row_peer *p = &r->u.peer;
	int known = p->state == PEER_LINKED || p->state == PEER_SELF;

	json_open(j, NULL, '{');
	json_text(j, "name", r->text[0], r->text_len[0]);
	json_word(j, "from", peer_origin_name(p->origin));
	json_word(j, "state", peer_state_name(p->state));
	json_uint(j, "failures", p->attempts);
	if (p->state == PEER_WAITING)
		json_uint(j, "retry_s", p->retry_s);
	else
		json_null(j, "retry_s");
	json_list(j, "addresses", r->text[1], r->text_len[1]);
	json_maybe(j, known ? "peer" : "reason", r, 2);
	json_shut(j, '}');
}

static void
json_interface(struct json *j, const struct row *r)
{
	const struct msg_row_interface *i = &r->u.interface;

	json_open(j, NULL, '{');
	json_uint(j, "index", i->index);
	json_text(j, "interface", r->text[0], r->text_len[0]);
	json_bool(j, "used", i->used != 0);
	json_bool(j, "ready_ipv4", i->ready4 != 0);
	json_bool(j, "ready_ipv6", i->ready6 != 0);
	json_uint(j, "packets_out", i->packets_out);
	json_uint(j, "packets_in", i->packets_in);
	json_uint(j, "others_in", i->others_in);
	json_list(j, "addresses", r->text[1], r->text_len[1]);
	json_maybe(j, "reason", r, 2);
	json_shut(j, '}');
}

static void
json_service(struct json *j, const struct row *r)
{
	json_open(j, NULL, '{');
	json_text(j, "instance", r->text[0], r->text_len[0]);
	json_bool(j, "own", r->u.service.own != 0);
	json_maybe(j, "host", r, 1);
	json_list(j, "addresses", r->text[2], r->text_len[2]);
	json_text(j, "txt", r->text[3], r->text_len[3]);
	json_shut(j, '}');
}

static void
json_finding(struct json *j, const struct row *r)
{
	json_open(j, NULL, '{');
	json_word(j, "level", check_level_name(r->u.check.level));
	json_word(j, "process", process_name(r->u.row.process));
	json_text(j, "text", r->text[0], r->text_len[0]);
	json_shut(j, '}');
}

const char *
rows_check_problem(const struct rows *rows)
{
	static char	text[64];
	size_t		i, failed = 0;

	for (i = 0; i < rows->n; i++)
		failed += rows->v[i].u.check.level == CHECK_FAILURE;
	if (failed == 0)
		return (NULL);
	snprintf(text, sizeof(text), "%zu %s failed", failed,
	    failed == 1 ? "check" : "checks");
	return (text);
}

static void (*const prints[SHOW_WHATS])(struct json *, const struct row *) = {
	[SHOW_SUMMARY] = json_counter, [SHOW_CHANNELS] = json_channel,
	[SHOW_CLIENTS] = json_client, [SHOW_PROCESSES] = json_process,
	[SHOW_LIMITS] = json_limit, [SHOW_ORIGINS] = json_origin,
	[SHOW_LINKS] = json_link, [SHOW_PEERS] = json_peer,
	[SHOW_INTERFACES] = json_interface, [SHOW_DISCOVERY] = json_service,
	[SHOW_CHECK] = json_finding
};

void
rows_json(struct json *j, const struct rows *rows, uint32_t what,
    const char *problem)
{
	int	in_object = what == SHOW_SUMMARY;
	size_t	i;

	json_begin(j);
	json_bool(j, "ok", problem == NULL);
	if (problem != NULL)
		json_word(j, "error", problem);
	json_open(j, rows_names[what], in_object ? '{' : '[');
	for (i = 0; i < rows->n; i++)
		prints[what](j, &rows->v[i]);
	json_shut(j, in_object ? '}' : ']');
	json_end(j);
}
