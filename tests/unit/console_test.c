/*
 * The console's requests: paths, queries, the token, the page; and questions to
 * the parent: who waits, what is asked how often, and every bound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/child.h"
#include "common/imsg.h"
#include "frontend/ask.h"
#include "frontend/client.h"
#include "frontend/console.h"
#include "frontend/console_rows.h"
#include "frontend/counters.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static const char	token[] = "0123456789abcdef0123456789abcdef";

static struct span
span(const char *text)
{
	return ((struct span){ text, strlen(text) });
}

static void
test_find(void **state)
{
	static const struct {
		const char		*path;
		enum console_kind	 kind;
	} cases[] = {
		{ "/", CONSOLE_PAGE },
		{ "/console", CONSOLE_PAGE },
		{ "/console/api/", CONSOLE_ASK },
		{ "/console/api/summary", CONSOLE_ASK },
		{ "/console/api", CONSOLE_NONE },
		{ "/console/", CONSOLE_NONE },
		{ "/Console", CONSOLE_NONE },
		{ "/console.js", CONSOLE_NONE },
		{ "/consol", CONSOLE_NONE },
		{ "", CONSOLE_NONE },
	};
	size_t	i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(console_find(CONSOLE_ON, cases[i].path),
		    cases[i].kind);
		assert_int_equal(console_find(CONSOLE_READ_ONLY,
		    cases[i].path), cases[i].kind);
		assert_int_equal(console_find(CONSOLE_OFF, cases[i].path),
		    CONSOLE_NONE);
	}
}

static int
path(const char *name, const char *method, struct console_ask *ask,
    const char **allow)
{
	struct span	m = span(method);
	char		text[64];

	snprintf(text, sizeof(text), CONSOLE_API "%s", name);
	return (console_path(text, &m, ask, allow));
}

static void
test_paths(void **state)
{
	static const char *const	names[] = { "summary", "channels",
	    "clients", "processes", "limits", "origins", "links", "peers",
	    "interfaces", "discovery", "check" };
	static const char *const	none[] = { "", "summar", "summary/",
	    "summaryx", "Summary", "metrics", "origin/", "closes", "../" };
	struct console_ask		ask;
	const char			*allow;
	size_t				i;

	(void)state;
	assert_int_equal(COUNT(names), SHOW_WHATS);
	for (i = 0; i < COUNT(names); i++) {
		assert_int_equal(path(names[i], "GET", &ask, &allow), 0);
		assert_int_equal(ask.verb, CONSOLE_SHOW);
		assert_int_equal(ask.what, i);
		assert_int_equal(path(names[i], "HEAD", &ask, &allow), 0);
		assert_int_equal(path(names[i], "POST", &ask, &allow), 405);
		assert_string_equal(allow, "GET, HEAD");
		assert_int_equal(path(names[i], "get", &ask, &allow), 405);
	}
	for (i = 0; i < COUNT(none); i++)
		assert_int_equal(path(none[i], "GET", &ask, &allow), 404);
	assert_int_equal(path("origin", "POST", &ask, &allow), 0);
	assert_int_equal(ask.verb, CONSOLE_ORIGIN);
	assert_int_equal(path("close", "POST", &ask, &allow), 0);
	assert_int_equal(ask.verb, CONSOLE_CLOSE);
	assert_int_equal(path("close", "GET", &ask, &allow), 405);
	assert_string_equal(allow, "POST");
	assert_int_equal(path("origin", "PUT", &ask, &allow), 405);
	assert_int_equal(path("origin", "OPTIONS", &ask, &allow), 405);
}

/* NULL: the query is refused. */
static const struct console_ask *
query(const char *name, const char *text)
{
	static struct console_ask	ask;
	struct span			q = span(text);
	const char			*allow;

	assert_int_equal(path(name, "POST", &ask, &allow), 0);
	return (console_query(&q, &ask) == NULL ? &ask : NULL);
}

static void
test_origin_query(void **state)
{
	static const char *const	bad[] = {
		"", "verb=allow", "origin=https://example.org",
		"verb=Allow&origin=https://example.org",
		"verb=grant&origin=https://example.org",
		"verb=allow&origin=example.org",
		"verb=allow&origin=https://example.org/",
		"verb=allow&origin=*",
		"verb=allow&origin=%00",
		"verb=allow&origin=https://example.org%0a",
		"verb=allow&origin=https://example.org&scope=everything",
		"verb=allow&origin=https://example.org&scope=channels,",
		"verb=allow&origin=https://example.org&scope=,channels",
		"verb=allow&origin=https://example.org&scope=channels+libp2p",
		"verb=allow&origin=https://example.org&for=0",
		"verb=allow&origin=https://example.org&for=-1",
		"verb=allow&origin=https://example.org&for=1h",
		"verb=allow&origin=https://example.org&for=3153600001",
		"verb=allow&origin=https://example.org&for=%zz",
		"verb=deny&origin=https://example.org&for=1",
		"verb=deny&origin=https://example.org&scope=channels",
		"verb=revoke&origin=https://example.org&scope=",
	};
	const struct console_ask	*ask;
	size_t				 i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		if (query("origin", bad[i]) != NULL)
			fail_msg("taken: %s", bad[i]);
	ask = query("origin", "verb=allow"
	    "&origin=https%3A%2F%2FExample.org%3A443&scope="
	    "channels%2Cpolysocket&for=3153600000&more=1");
	assert_non_null(ask);
	assert_int_equal(ask->origin.verb, ORIGIN_ALLOW);
	assert_string_equal(ask->text, "https://example.org");
	assert_int_equal(ask->origin.scope, SCOPE_CHANNELS | SCOPE_POLYSOCKET);
	assert_int_equal(ask->origin.for_s, 3153600000);
	ask = query("origin", "origin=https://*.example.org:8443&verb=allow");
	assert_non_null(ask);
	assert_string_equal(ask->text, "https://*.example.org:8443");
	assert_int_equal(ask->origin.scope, 0);
	assert_int_equal(ask->origin.for_s, 0);
	ask = query("origin", "verb=allow&origin=null&scope=&for=");
	assert_non_null(ask);
	assert_string_equal(ask->text, "null");
	ask = query("origin", "verb=deny&origin=http://192.0.2.7:80");
	assert_non_null(ask);
	assert_int_equal(ask->origin.verb, ORIGIN_DENY);
	assert_string_equal(ask->text, "http://192.0.2.7");
	ask = query("origin", "verb=revoke&origin=http://a");
	assert_non_null(ask);
	assert_int_equal(ask->origin.verb, ORIGIN_REVOKE);
}

/* The longest origin that there is fits in its message. */
static void
test_long_origin(void **state)
{
	char				 text[512], *p = text;
	const struct console_ask	*ask;
	int				 i;

	(void)state;
	p += sprintf(p, "verb=allow&origin=");
	p += sprintf(p, "abcdefghijklmnopqrstuvwxyzabcde://*.");
	for (i = 0; i < 5; i++) {
		memset(p, 'a', i < 4 ? 59 : 11);
		p += i < 4 ? 59 : 11;
		*p++ = i < 4 ? '.' : ':';
	}
	sprintf(p, "65535");
	ask = query("origin", text);
	assert_non_null(ask);
	assert_string_equal(ask->text, text + strlen("verb=allow&origin="));
	assert_true(strlen(ask->text) <= MSG_ORIGIN_MAX);
	sprintf(p - 1, "a:65535");
	assert_null(query("origin", text));
	memset(p, 'a', 100);
	p[100] = '\0';
	assert_null(query("origin", text));
}

static void
test_close_query(void **state)
{
	static const char *const	bad[] = { "", "client=", "client=0",
	    "client=-1", "client=1x", "client=0x1", "client=+1", "Client=1",
	    "client=9223372036854775808", "client=18446744073709551616" };
	const struct console_ask	*ask;
	size_t				 i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		if (query("close", bad[i]) != NULL)
			fail_msg("taken: %s", bad[i]);
	ask = query("close", "client=9223372036854775807");
	assert_non_null(ask);
	assert_int_equal(ask->client, INT64_MAX);
}

static int
has_token(const char *fields)
{
	char			text[512];
	struct http_request	r;
	int			n, status;

	n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: localhost\r\n"
	    "%s\r\n", fields);
	assert_int_equal(http_parse(text, (size_t)n, sizeof(text), &r,
	    &status), n);
	return (console_has_token(&r, token));
}

static void
test_token(void **state)
{
	(void)state;
	assert_true(has_token(
	    "X-NWS-Token: 0123456789abcdef0123456789abcdef\r\n"));
	assert_true(has_token(
	    "x-nws-token: 0123456789abcdef0123456789abcdef\r\n"));
	assert_false(has_token(""));
	assert_false(has_token("X-NWS-Token:\r\n"));
	assert_false(has_token(
	    "X-NWS-Token: 0123456789abcdef0123456789abcde\r\n"));
	assert_false(has_token(
	    "X-NWS-Token: 0123456789abcdef0123456789abcdef0\r\n"));
	assert_false(has_token(
	    "X-NWS-Token: 0123456789ABCDEF0123456789ABCDEF\r\n"));
	assert_false(has_token(
	    "X-NWS-Token: 1123456789abcdef0123456789abcdef\r\n"));
	assert_false(has_token(
	    "X-NWS-Token: 0123456789abcdef0123456789abcdef\r\n"
	    "X-NWS-Token: 0123456789abcdef0123456789abcdef\r\n"));
}

static void
check_page(const char *file, uint32_t setting, const char *expected)
{
	size_t	 n = strlen(file), len;
	char	*exact = malloc(n + 1), *page;

	/* Not a byte behind it is looked at. */
	assert_non_null(exact);
	memcpy(exact, file, n);
	page = console_page(exact, n, token, setting, &len);
	assert_non_null(page);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(page, expected, len);
	free(page);
	free(exact);
}

static void
test_page(void **state)
{
	(void)state;
	check_page("", CONSOLE_ON, "");
	check_page("abc", CONSOLE_ON, "abc");
	check_page("{{token}}", CONSOLE_ON,
	    "0123456789abcdef0123456789abcdef");
	check_page("<{{console}}>{{{token}}}{{console}}", CONSOLE_READ_ONLY,
	    "<read-only>{0123456789abcdef0123456789abcdef}read-only");
	check_page("{{console}} {{other}} {{token} {{token", CONSOLE_ON,
	    "on {{other}} {{token} {{token");
}

/* A row of a channel with a name of n bytes; what is wrong with it, or NULL. */
static const char *
take_channel(void *rows, uint32_t what, size_t n)
{
	struct {
		struct msg_row_channel	row;
		char			name[256];
	} m;

	assert_true(n <= sizeof(m.name));
	memset(&m, 0, sizeof(m));
	memset(m.name, 'c', sizeof(m.name));
	m.row.row.what = what;
	m.row.row.process = P_ROUTER;
	m.row.members = 1;
	return (console_forms[SHOW_CHANNELS].take(rows, &m,
	    sizeof(m.row) + n));
}

static void
test_rows(void **state)
{
	const struct ask_form	*form = &console_forms[SHOW_CHANNELS];
	const size_t		 size = sizeof(struct msg_row_channel) + 256;
	char			*text;
	void			*rows;
	size_t			 i, len;

	(void)state;
	for (i = 0; i < SHOW_WHATS; i++)
		assert_int_equal(console_forms[i].whats, ASK_BIT(i));
	assert_non_null(rows = form->begin(form->whats));
	for (i = 0; i < CONSOLE_ROWS_MAX; i++)
		assert_null(take_channel(rows, SHOW_CHANNELS, 1));
	assert_non_null(take_channel(rows, SHOW_CHANNELS, 1));
	assert_non_null(text = form->text(rows, &len));
	assert_string_equal(text, "{\"schema\":1,\"ok\":true,\"channels\":["
	    "{\"channel\":\"c\",\"members\":32768,\"elsewhere\":0,"
	    "\"messages\":0,\"bytes\":0,\"presence\":false}]}\n");
	assert_int_equal(len, strlen(text));
	free(text);
	form->drop(rows);
	assert_non_null(rows = form->begin(form->whats));
	for (i = 0; i < CONSOLE_BYTES_MAX / size; i++)
		assert_null(take_channel(rows, SHOW_CHANNELS, 256));
	/* What is left takes a shorter one exactly, and then nothing. */
	i = CONSOLE_BYTES_MAX % size;
	if (i >= sizeof(struct msg_row_channel))
		assert_null(take_channel(rows, SHOW_CHANNELS,
		    i - sizeof(struct msg_row_channel)));
	assert_non_null(take_channel(rows, SHOW_CHANNELS, 256));
	form->drop(rows);
	assert_non_null(rows = form->begin(form->whats));
	assert_non_null(take_channel(rows, SHOW_CLIENTS, 1));
	assert_non_null(form->take(rows, "x", 1));
	form->drop(rows);
	form->drop(NULL);
}

/*
 * Questions.  What ask.c calls is here: the pipe, the clock, and the clients.
 */
struct counters		counters;

static struct {
	uint32_t	type, number, whats;
} sent[256];
static unsigned int	nsent;
static int		no_memory;
static int64_t		now_ms;
static struct client	clients[64];
static struct {
	int	status;		/* 0: none yet */
	char	text[64];
} told[64];

struct event_base *
loop_base(void)
{
	static struct event_base	*base;

	if (base == NULL)
		base = event_base_new();
	return (base);
}

int64_t
loop_now_ms(void)
{
	return (now_ms);
}

void
loop_soon(void)
{
}

struct pipe *
child_parent(void)
{
	return (NULL);
}

struct imsgbuf *
pipe_imsg(struct pipe *p)
{
	(void)p;
	return (NULL);
}

static int
send_one(uint32_t type, uint32_t number, const void *data)
{
	if (no_memory)
		return (-1);
	sent[nsent].type = type;
	sent[nsent].number = number;
	memcpy(&sent[nsent].whats, data, sizeof(uint32_t));
	nsent++;
	return (0);
}

int
imsg_send(struct imsgbuf *ib, uint32_t type, uint32_t number, int fd,
    const void *data, size_t len)
{
	(void)ib;
	(void)fd;
	(void)len;
	return (send_one(type, number, data));
}

int
imsg_send2(struct imsgbuf *ib, uint32_t type, uint32_t number,
    const void *data, size_t len, const void *tail, size_t tail_len)
{
	(void)ib;
	(void)len;
	(void)tail;
	(void)tail_len;
	return (send_one(type, number, data));
}

void
client_state(struct client *c, enum client_state s)
{
	c->state = (uint8_t)s;
}

void
client_pause(struct client *c, uint8_t why)
{
	c->paused |= why;
}

void
client_resume(struct client *c, uint8_t why)
{
	c->paused &= (uint8_t)~why;
}

void
client_no_memory(struct client *c)
{
	c->state = CLIENT_DEAD;
}

static void
tell(struct client *c, int status, const char *text, size_t n)
{
	size_t	i = (size_t)(c - clients);

	assert_int_equal(told[i].status, 0);
	told[i].status = status;
	assert_true(n < sizeof(told[i].text));
	memcpy(told[i].text, text, n);
	told[i].text[n] = '\0';
	c->state = CLIENT_HEAD;
}

void
request_answer(struct client *c, const char *type, const char *body,
    size_t len, int head, int end)
{
	(void)type;
	(void)head;
	(void)end;
	tell(c, 200, body, len);
}

static void
said(struct client *c, int status, const char *text, int end)
{
	(void)end;
	tell(c, status, text, strlen(text));
}

/* Rows are texts, put behind each other; "!" is one that is of no use. */
static void *
begin(uint32_t whats)
{
	(void)whats;
	return (calloc(1, 64));
}

static const char *
take(void *arg, const void *row, size_t len)
{
	if (memcmp(row, "!", 1) == 0)
		return ("no row");
	strncat(arg, row, len);
	return (NULL);
}

static char *
text(void *arg, size_t *len)
{
	*len = strlen(arg);
	return (strdup(arg));
}

static void
drop(void *arg)
{
	free(arg);
}

static const struct ask_form	one = { "t", 1, begin, take, text, drop };
static const struct ask_form	two = { "t", 2, begin, take, text, drop };

static void
rows(unsigned int client, const struct ask_form *form)
{
	const struct ask	ask = { form, said, 0, 0 };

	clients[client].state = CLIENT_HEAD;
	told[client].status = 0;
	ask_rows(&clients[client], &ask);
}

static void
change(unsigned int client)
{
	const struct ask	ask = { NULL, said, 0, 0 };
	uint64_t		id = client;

	clients[client].state = CLIENT_HEAD;
	told[client].status = 0;
	ask_change(&clients[client], &ask, MSG_ASK_CLOSE, &id, sizeof(id),
	    NULL, 0);
}

static void
end(uint32_t number, uint32_t code, const char *why)
{
	ask_answer(number, code, why, strlen(why));
}

static void
is_told(unsigned int client, int status, const char *what)
{
	assert_int_equal(told[client].status, status);
	assert_int_equal(clients[client].paused, 0);
	if (what != NULL)
		assert_string_equal(told[client].text, what);
}

static void
test_one_question(void **state)
{
	(void)state;
	nsent = 0;
	rows(0, &one);
	assert_int_equal(nsent, 1);
	assert_int_equal(sent[0].type, MSG_ASK);
	assert_int_equal(sent[0].whats, 1);
	assert_int_equal(clients[0].state, CLIENT_WAITING);
	assert_int_equal(clients[0].paused, PAUSE_PARENT);
	/* These came too late for that one, and share the next. */
	rows(1, &one);
	rows(2, &one);
	rows(3, &two);
	assert_int_equal(nsent, 2);
	assert_int_equal(sent[1].whats, 2);
	ask_row(sent[0].number, "a", 1);
	ask_row(sent[1].number, "x", 1);
	ask_row(sent[0].number, "b", 1);
	ask_row(sent[0].number + 77, "?", 1);
	end(sent[0].number + 77, ANSWER_DONE, "");
	end(sent[0].number, ANSWER_DONE, "");
	is_told(0, 200, "ab");
	assert_int_equal(told[1].status, 0);
	assert_int_equal(nsent, 3);
	assert_int_equal(sent[2].whats, 1);
	/* It is over: nothing of it counts any more. */
	ask_row(sent[0].number, "c", 1);
	end(sent[0].number, ANSWER_DONE, "");
	ask_row(sent[2].number, "d", 1);
	end(sent[2].number, ANSWER_DONE, "");
	is_told(1, 200, "d");
	is_told(2, 200, "d");
	end(sent[1].number, ANSWER_MISSING, "a process died");
	is_told(3, 503, "a process died");
	assert_int_equal(nsent, 3);
}

static void
test_bad_rows(void **state)
{
	(void)state;
	nsent = 0;
	rows(0, &one);
	ask_row(sent[0].number, "a", 1);
	ask_row(sent[0].number, "!", 1);
	ask_row(sent[0].number, "b", 1);
	assert_int_equal(told[0].status, 0);
	end(sent[0].number, ANSWER_DONE, "");
	is_told(0, 503, "no row");
	/* Out of memory: nobody waits for what was not asked. */
	no_memory = 1;
	rows(1, &one);
	is_told(1, 503, NULL);
	change(2);
	is_told(2, 503, NULL);
	no_memory = 0;
	rows(1, &one);
	end(sent[1].number, ANSWER_DONE, "");
	is_told(1, 200, "");
}

static void
test_waiting_max(void **state)
{
	unsigned int	i;

	(void)state;
	nsent = 0;
	counters.refused_limit_total = 0;
	for (i = 0; i < ASK_WAITING_MAX; i++)
		rows(i, &one);
	assert_int_equal(counters.refused_limit_total, 0);
	rows(i, &one);
	is_told(i, 503, NULL);
	assert_int_equal(counters.refused_limit_total, 1);
	rows(i, &two);		/* another kind has its own */
	assert_int_equal(told[i].status, 0);
	/* Who goes leaves a place. */
	ask_forget(&clients[3]);
	rows(i + 1, &one);
	assert_int_equal(told[i + 1].status, 0);
	end(sent[0].number, ANSWER_DONE, "");
	is_told(0, 200, "");
	assert_int_equal(told[3].status, 0);
	end(sent[1].number, ANSWER_DONE, "");
	is_told(i, 200, "");
	assert_int_equal(nsent, 3);
	end(sent[2].number, ANSWER_DONE, "");
	is_told(1, 200, "");
	is_told(i + 1, 200, "");
}

static void
test_changes(void **state)
{
	static const struct {
		uint32_t	code;
		int		status;
	} ends[] = { { ANSWER_DONE, 200 }, { ANSWER_REFUSED, 409 },
	    { ANSWER_MISSING, 503 }, { 99, 503 } };
	unsigned int	i;

	(void)state;
	nsent = 0;
	counters.refused_limit_total = 0;
	for (i = 0; i < ASK_CHANGES_MAX; i++)
		change(i);
	assert_int_equal(nsent, ASK_CHANGES_MAX);
	change(i);
	is_told(i, 503, NULL);
	assert_int_equal(counters.refused_limit_total, 1);
	/* Who goes leaves no place: the parent still works on it. */
	ask_forget(&clients[5]);
	change(i);
	is_told(i, 503, NULL);
	for (i = 0; i < ASK_CHANGES_MAX; i++)
		end(sent[i].number, ends[i % COUNT(ends)].code, "said");
	for (i = 0; i < ASK_CHANGES_MAX; i++)
		if (i != 5)
			is_told(i, ends[i % COUNT(ends)].status, "said");
	change(0);
	assert_int_equal(nsent, ASK_CHANGES_MAX + 1);
	end(sent[ASK_CHANGES_MAX].number, ANSWER_DONE, "");
	is_told(0, 200, "");
	end(sent[ASK_CHANGES_MAX].number, ANSWER_DONE, "");
	end(0, ANSWER_DONE, "");
}

/* A parent that says nothing. */
static void
test_late(void **state)
{
	(void)state;
	nsent = 0;
	now_ms = 1000;
	rows(0, &one);
	change(1);
	rows(2, &two);
	now_ms += ASK_WAIT_MS - 1;
	rows(3, &one);
	now_ms++;
	ask_forget(&clients[2]);	/* sets the timer by this clock */
	event_base_loop(loop_base(), EVLOOP_ONCE);
	is_told(0, 503, NULL);
	is_told(1, 503, NULL);
	assert_int_equal(told[3].status, 0);
	/* It is not asked again before it answered. */
	assert_int_equal(nsent, 3);
	end(sent[0].number, ANSWER_DONE, "");
	assert_int_equal(nsent, 4);
	end(sent[1].number, ANSWER_DONE, "");
	end(sent[2].number, ANSWER_DONE, "");
	end(sent[3].number, ANSWER_DONE, "");
	is_told(3, 200, "");
	event_base_free(loop_base());
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_origin_query),
		cmocka_unit_test(test_long_origin),
		cmocka_unit_test(test_close_query),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_one_question),
		cmocka_unit_test(test_bad_rows),
		cmocka_unit_test(test_waiting_max),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_late),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
