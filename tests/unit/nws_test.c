/*
 * nws(1): command line, lines, opening handshake, messages.  What it does with
 * a server is in tests/live.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ws.h"
#include "ctl/nws.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define LONG_NAME                                          \
	"0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef" /* 64 */

/* Command lines, split at spaces; what is wrong begins with `why`. */
static const struct {
	const char *line;
	int result;
	const char *why;
} lines_of_options[] = {
	{ "chat", 0, "" },
	{ "-bpP -t 5 chat", 0, "" },
	{ "-h", 'h', "" },
	{ "--help", 'h', "" },
	{ "-V", 'V', "" },
	{ "", -1, "which channel" },
	{ "a b", -1, "one channel only" },
	{ "libp2p", -1, "not a channel name" },
	{ "a/b", -1, "not a channel name" },
	{ LONG_NAME LONG_NAME LONG_NAME LONG_NAME, -1, "not a channel name" },
	{ "-b -j chat", -1, "-b and -j" },
	{ "-p -n 1 chat", -1, "-p does not listen" },
	{ "-n 0 chat", -1, "-n takes" },
	{ "-n -1 chat", -1, "-n takes" },
	{ "-n 18446744073709551615 chat", 0, "" },
	{ "-n 18446744073709551616 chat", -1, "-n takes" },
	{ "-t 9223372036854775807 chat", 0, "" },
	{ "-t 9223372036854775808 chat", -1, "-t takes" },
	{ "-t 0 chat", -1, "-t takes" },
	{ "-t x chat", -1, "-t takes" },
	{ "-w 5m chat", 0, "" },
	{ "-w 5x chat", -1, "-w takes" },
	{ "-H h:0 chat", -1, "-H takes" },
	{ "-H h:65536 chat", -1, "-H takes" },
	{ "-H [::1 chat", -1, "-H takes" },
	{ "-H [::1]9 chat", -1, "-H takes" },
};

static int
parse(const char *line, struct options *o, char *why, size_t why_size)
{
	static char text[512];
	char *argv[16] = { "nws" }, *rest = text;
	int argc = 1;

	snprintf(text, sizeof(text), "%s", line);
	while ((argv[argc] = strsep(&rest, " ")) != NULL)
		if (argv[argc][0] != '\0')
			argc++;
	return (nws_options(argc, argv, o, why, why_size));
}

static void
test_options(void **state)
{
	struct options o;
	char why[160];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(lines_of_options); i++) {
		int r = parse(lines_of_options[i].line, &o, why, sizeof(why));

		if (r != lines_of_options[i].result ||
		    strncmp(why, lines_of_options[i].why,
			strlen(lines_of_options[i].why)) != 0)
			fail_msg("%s: %d, %s", lines_of_options[i].line, r,
			    why);
	}
	assert_int_equal(parse("-jNqv -n 3 -w 90 -U /s -k f chat", &o, why,
			     sizeof(why)),
	    0);
	assert_true(o.json && o.leave_at_eof && o.quiet && o.verbose == 1);
	assert_int_equal(o.count, 3);
	assert_int_equal(o.wait_s, 90);
	assert_string_equal(o.unix_path, "/s");
	assert_string_equal(o.token_file, "f");
	assert_string_equal(o.channel, "chat");
}

static const struct {
	const char *text, *host, *port;
} hosts[] = {
	{ "h", "h", "9009" },
	{ "h:1", "h", "1" },
	{ "h:65535", "h", "65535" },
	{ ":80", "localhost", "80" },
	{ "::1", "::1", "9009" },
	{ "[::1]", "::1", "9009" },
	{ "[::1]:80", "::1", "80" },
};

static void
test_hosts(void **state)
{
	struct options o;
	char line[64], why[160];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(hosts); i++) {
		snprintf(line, sizeof(line), "-H %s chat", hosts[i].text);
		assert_int_equal(parse(line, &o, why, sizeof(why)), 0);
		assert_string_equal(o.host, hosts[i].host);
		assert_string_equal(o.port, hosts[i].port);
	}
}

/*
 * Input, the longest line, and the lines that come of it, each after a '|',
 * with '!' for one that is too long.
 */
static const struct {
	const char *in;
	size_t max;
	int keep;
	const char *out;
} splits[] = {
	{ "", 4, 0, "" },
	{ "a\n", 4, 0, "|a" },
	{ "a\nb", 4, 0, "|a|b" },
	{ "\n\n", 4, 0, "||" },
	{ "a\n\nb\n", 4, 1, "|a\n|\n|b\n" },
	{ "a\nb", 4, 1, "|a\n|b" },
	{ "abcd\n", 4, 0, "|abcd" },
	{ "abcd", 4, 0, "|abcd" },
	{ "abcde\nf\n", 4, 0, "|!|f" },
	{ "abcde", 4, 0, "|!" },
	{ "abcdefghijklm\nf\nabcdefghij\n", 4, 0, "|!|f|!" },
};

static void
collect(struct lines *l, int last, int keep, struct buf *out)
{
	const char *p;
	size_t n;
	int r;

	while ((r = lines_next(l, last, keep, &p, &n)) != 0) {
		buf_byte(out, '|');
		if (r == 1)
			buf_add(out, p, n);
		else
			buf_byte(out, '!');
	}
}

/* Cut after every `piece` bytes, nothing may change. */
static void
test_lines(void **state)
{
	size_t i, piece, at, n, len;

	(void)state;
	for (i = 0; i < COUNT(splits); i++)
		for (piece = 1; piece < 8; piece++) {
			struct lines l = { .max = splits[i].max };
			struct buf out = { NULL, 0, 0 };

			len = strlen(splits[i].in);
			for (at = 0; at < len; at += n) {
				n = len - at < piece ? len - at : piece;
				lines_add(&l, splits[i].in + at, n);
				collect(&l, 0, splits[i].keep, &out);
			}
			collect(&l, 1, splits[i].keep, &out);
			buf_byte(&out, '\0');
			assert_string_equal((char *)out.data, splits[i].out);
			buf_free(&out);
			buf_free(&l.in);
		}
}

#define OK_HEAD "HTTP/1.1 101 Switching Protocols\r\n"
#define OK_ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define OK_REST "Upgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n"

/* Answers to the key of RFC 6455, 1.3; result 1 stands for the head's size. */
static const struct {
	const char *name, *text;
	int binary, result, status;
} answers[] = {
	{ "good", OK_HEAD OK_REST OK_ACCEPT "\r\n", 0, 1, 101 },
	{ "other case",
	    OK_HEAD "UPGRADE:websocket\r\n"
		    "connection: UPGRADE \r\n" OK_ACCEPT "\r\n",
	    0, 1, 101 },
	{ "no upgrade", OK_HEAD "Connection: upgrade\r\n" OK_ACCEPT "\r\n", 0,
	    -1, 101 },
	{ "other upgrade",
	    OK_HEAD "Upgrade: h2c\r\nConnection: upgrade\r\n" OK_ACCEPT "\r\n",
	    0, -1, 101 },
	{ "no connection", OK_HEAD "Upgrade: websocket\r\n" OK_ACCEPT "\r\n", 0,
	    -1, 101 },
	{ "no accept", OK_HEAD OK_REST "\r\n", 0, -1, 101 },
	{ "wrong accept",
	    OK_HEAD OK_REST "Sec-WebSocket-Accept: "
			    "s3pPLMBiTxaQ9kYGzzhZRbK+xOp=\r\n\r\n",
	    0, -1, 101 },
	{ "extension",
	    OK_HEAD OK_REST OK_ACCEPT "Sec-WebSocket-Extensions: "
				      "permessage-deflate\r\n\r\n",
	    0, -1, 101 },
	{ "uninvited protocol",
	    OK_HEAD OK_REST OK_ACCEPT
	    "Sec-WebSocket-Protocol: nws.binary.v1\r\n\r\n",
	    0, -1, 101 },
	{ "protocol",
	    OK_HEAD OK_REST OK_ACCEPT
	    "Sec-WebSocket-Protocol: nws.binary.v1\r\n\r\n",
	    1, 1, 101 },
	{ "other protocol",
	    OK_HEAD OK_REST OK_ACCEPT
	    "Sec-WebSocket-Protocol: nws.binary.v2\r\n\r\n",
	    1, -1, 101 },
	{ "no protocol", OK_HEAD OK_REST OK_ACCEPT "\r\n", 1, -1, 101 },
	{ "refused", "HTTP/1.1 403 Forbidden\r\nContent-Length: 12\r\n\r\n", 0,
	    1, 403 },
	{ "no reason", "HTTP/1.1 403\r\n\r\n", 0, 1, 403 },
	{ "no number", "HTTP/1.1 4x3 No\r\n\r\n", 0, -1, 0 },
	{ "no HTTP", "220 mail ready\r\n\r\n", 0, -1, 0 },
	{ "no colon", "HTTP/1.1 403 No\r\nfield\r\n\r\n", 0, -1, 403 },
};

static void
test_answers(void **state)
{
	struct handshake h = {
		.host = "h", .channel = "c", .key = "dGhlIHNhbXBsZSBub25jZQ=="
	};
	const char *why;
	int64_t length;
	size_t i, n, len;
	ssize_t r;
	int status;

	(void)state;
	for (i = 0; i < COUNT(answers); i++) {
		h.binary = answers[i].binary;
		len = strlen(answers[i].text);
		status = 0;
		r = handshake_answer(&h, answers[i].text, len, &status, &length,
		    &why);
		if (r != (answers[i].result == 1 ? (ssize_t)len : -1) ||
		    (r != -1 && status != answers[i].status))
			fail_msg("%s: %zd, %d", answers[i].name, r, status);
		/* a part of a good one is never enough nor wrong */
		for (n = 0; n < len && answers[i].result == 1; n++)
			assert_int_equal(handshake_answer(&h, answers[i].text,
					     n, &status, &length, &why),
			    0);
	}
	handshake_answer(&h, answers[12].text, strlen(answers[12].text),
	    &status, &length, &why);
	assert_int_equal(length, 12);
}

static void
test_request(void **state)
{
	struct handshake h = { .host = "localhost:9009",
		.channel = "c",
		.key = "dGhlIHNhbXBsZSBub25jZQ==",
		.presence_off = 1,
		.binary = 1,
		.token = "t" };
	struct buf b = { NULL, 0, 0 };

	(void)state;
	handshake_request(&h, &b);
	buf_byte(&b, '\0');
	assert_string_equal((char *)b.data,
	    "GET /c?presence=off HTTP/1.1\r\n"
	    "Host: localhost:9009\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "Sec-WebSocket-Protocol: nws.binary.v1\r\n"
	    "Authorization: Bearer t\r\n\r\n");
	buf_free(&b);
}

/* Messages from the server, and the text or bytes of their payload. */
static const struct {
	const char *text;
	int result;
	enum message_type type;
	uint64_t source;
	const char *payload;
} received[] = {
	{ "{\"action\":\"broadcast\",\"source\":\"7\",\"data\":\"a\\nb\"}", 0,
	    MESSAGE_BROADCAST, 7, "a\nb" },
	{ " { \"data\" : [1, {\"x\":\"}\"}] , \"source\":9223372036854775807,"
	  "\"action\":\"message\" } ",
	    0, MESSAGE_DIRECT, 9223372036854775807ull, "[1, {\"x\":\"}\"}]" },
	{ "{\"action\":\"broadcast\",\"source\":\"7\",\"encoding\":\"base64\","
	  "\"data\":\"aGk=\"}",
	    0, MESSAGE_BROADCAST, 7, "hi" },
	{ "{\"action\":\"broadcast\",\"encoding\":\"base64\",\"data\":\"a\"}",
	    0, MESSAGE_BROADCAST, 0, "a" },
	{ "{\"action\":\"broadcast\","
	  "\"data\":\"\\ud83d\\ude00\\ud83d\\u0041\"}",
	    0, MESSAGE_BROADCAST, 0,
	    "\xf0\x9f\x98\x80\xef\xbf\xbd"
	    "A" },
	{ "{\"action\":\"status\",\"source\":\"5\"}", 0, MESSAGE_STATUS, 5,
	    "" },
	{ "{\"action\":\"later\"}", 0, MESSAGE_OTHER, 0, "" },
	{ "{}", 0, MESSAGE_OTHER, 0, "" },
	{ "{} x", -1, MESSAGE_OTHER, 0, "" },
	{ "[]", -1, MESSAGE_OTHER, 0, "" },
	{ "", -1, MESSAGE_OTHER, 0, "" },
	{ "{", -1, MESSAGE_OTHER, 0, "" },
	{ "{\"a\"", -1, MESSAGE_OTHER, 0, "" },
	{ "{\"a\":", -1, MESSAGE_OTHER, 0, "" },
	{ "{\"a\":1", -1, MESSAGE_OTHER, 0, "" },
	{ "{\"a\":1,}", -1, MESSAGE_OTHER, 0, "" },
	{ "{\"a\":\"\\x\"}", -1, MESSAGE_OTHER, 0, "" },
	{ "{\"a\":\"\\u12\"}", -1, MESSAGE_OTHER, 0, "" },
};

static void
test_received(void **state)
{
	struct message m;
	struct buf b;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < COUNT(received); i++) {
		memset(&b, 0, sizeof(b));
		r = message_parse(0, received[i].text, strlen(received[i].text),
		    &m);
		if (r == 0)
			message_payload(&m, &b);
		buf_byte(&b, '\0');
		if (r != received[i].result ||
		    (r == 0 &&
			(m.type != received[i].type ||
			    m.source != received[i].source ||
			    strcmp((char *)b.data, received[i].payload) != 0)))
			fail_msg("%s: %d, %d, %s", received[i].text, r,
			    (int)m.type, (char *)b.data);
		buf_free(&b);
	}
}

static void
test_errors(void **state)
{
	static const char json[] = "{\"action\":\"error\",\"code\":\"missed\","
				   "\"count\":12,\"message\":\"slow\"}";
	static const char binary[] = "\x06\0\x01\0\0\0\0\0\0\0\x63gone";
	struct buf b = { NULL, 0, 0 };
	struct message m;

	(void)state;
	assert_int_equal(message_parse(0, json, sizeof(json) - 1, &m), 0);
	assert_string_equal(m.code, "missed");
	assert_int_equal(m.count, 12);
	message_text(&m, 0, &b);
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.data, "slow", 4);
	assert_int_equal(message_parse(1, binary, sizeof(binary) - 1, &m), 0);
	assert_int_equal(m.type, MESSAGE_ERROR);
	assert_string_equal(m.code, "unknown-target");
	assert_int_equal(m.target, 99);
	assert_int_equal(m.text_len, 4);
	assert_int_equal(message_parse(1, binary, 10, &m), -1);
	assert_int_equal(message_parse(1, binary, 0, &m), -1);
	assert_int_equal(message_parse(1, "\x01\0\0\0\0\0\0\0", 8, &m), -1);
	assert_int_equal(message_parse(1, "\x01\0\0\0\0\0\0\0\1", 9, &m), 0);
	assert_int_equal(m.data_len, 0);
	assert_int_equal(message_parse(1, "\x7f", 1, &m), 0);
	assert_int_equal(m.type, MESSAGE_OTHER);
	buf_free(&b);
}

static void
test_sent(void **state)
{
	struct buf b = { NULL, 0, 0 };

	(void)state;
	message_put(&b, 0, 0, 0, "a\"\\\n\x01", 5);
	message_put(&b, 0, 5, 1, "[1]", 3);
	message_put_status(&b, 0);
	buf_byte(&b, '\0');
	assert_string_equal((char *)b.data,
	    "{\"action\":\"broadcast\","
	    "\"data\":\"a\\\"\\\\\\n\\u0001\"}{\"action\":\"message\","
	    "\"target\":\"5\",\"data\":[1]}{\"action\":\"status\"}");
	b.len = 0;
	message_put(&b, 1, 0, 0, "\0", 1);
	message_put(&b, 1, 0x102, 0, "", 0);
	message_put_status(&b, 1);
	assert_int_equal(b.len, 2 + 9 + 1);
	assert_memory_equal(b.data, "\x01\0\x02\0\0\0\0\0\0\x01\x02\x03", 12);
	buf_free(&b);
}

static void
test_is_json(void **state)
{
	static const struct {
		const char *text;
		int is;
	} cases[] = {
		{ "1", 1 },
		{ " [1,2] ", 1 },
		{ "\"x\"", 1 },
		{ "null", 1 },
		{ "", 0 },
		{ " ", 0 },
		{ "1 2", 0 },
		{ "{", 0 },
		{ "x", 0 },
		{ "\"x", 0 },
		{ "\"\x01\"", 0 },
		{ "{\"a\":1}}", 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		if (message_is_json(cases[i].text, strlen(cases[i].text)) !=
		    cases[i].is)
			fail_msg("%s", cases[i].text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_received),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_sent),
		cmocka_unit_test(test_is_json),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
