/* nwsd.conf(5): every limit at it and one past it, and what the tree holds. */
#include <arpa/inet.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/conf.h"
#include "common/msg.h"

#define ERRORS_MAX 20
#define FILE_MAX (1024u * 1024u)

/* What was reported. */
struct reports {
	unsigned int n;
	char first[1500];
};

/* A text that is put together. */
struct text {
	char *s;
	size_t n;
	FILE *f;
};

static void
report(const char *line, void *arg)
{
	struct reports *r = arg;

	if (r->n++ == 0)
		snprintf(r->first, sizeof(r->first), "%s", line);
}

static struct conf *
parse_n(const char *s, size_t n, struct reports *r)
{
	struct conf *conf;
	char *exact;

	/* Without a byte behind it, for the sanitizer. */
	assert_non_null(exact = malloc(n > 0 ? n : 1));
	memcpy(exact, s, n);
	memset(r, 0, sizeof(*r));
	conf = conf_parse("t.conf", exact, n, NULL, NULL, NULL, report, r);
	assert_int_equal(conf == NULL, r->n > 0);
	free(exact);
	return (conf);
}

static struct conf *
good(const char *s)
{
	struct reports r;
	struct conf *conf = parse_n(s, strlen(s), &r);

	if (conf == NULL)
		print_error("%.200s: %s\n", s, r.first);
	assert_non_null(conf);
	return (conf);
}

static void
bad_n(const char *s, size_t n, const char *why)
{
	struct reports r;
	struct conf *conf = parse_n(s, n, &r);

	if (conf != NULL || strstr(r.first, why) == NULL)
		print_error("%.200s: \"%s\" without \"%s\"\n", s, r.first, why);
	assert_null(conf);
	assert_non_null(strstr(r.first, why));
}

static void
bad(const char *s, const char *why)
{
	bad_n(s, strlen(s), why);
}

static void
text_begin(struct text *t)
{
	t->s = NULL;
	assert_non_null(t->f = open_memstream(&t->s, &t->n));
}

static void
text_end(struct text *t)
{
	assert_int_equal(fclose(t->f), 0);
}

static void
defaults(void **state)
{
	struct conf *conf = good(""), *built_in;
	const struct conf_listen *ls;
	char *a, *b;

	(void)state;
	assert_int_equal(conf->prefork, 1);
	assert_int_equal(conf->echo | conf->deflate | conf->metrics, 0);
	assert_int_equal(conf->console, CONSOLE_ON);
	assert_int_equal(conf->max_message, 256 * 1024);
	assert_int_equal(conf->max_head, 16 * 1024);
	assert_int_equal(conf->max_clients, 10000);
	assert_int_equal(conf->max_clients_origin, 0);
	assert_int_equal(conf->max_clients_address, 0);
	assert_int_equal(conf->max_channels, 10000);
	assert_int_equal(conf->max_handshakes, 512);
	assert_int_equal(conf->queue_limit, 1024 * 1024);
	assert_int_equal(conf->queue_soft, 0);
	assert_int_equal(conf->queue_total, 256 * 1024 * 1024);
	assert_int_equal(conf->slow_drop, 0);
	assert_int_equal(conf->ping_s, 54);
	assert_int_equal(conf->gone_s, 60);
	assert_int_equal(conf->handshake_s, 10);
	assert_int_equal(conf->rate_client.rate, 0);
	assert_int_equal(conf->rate_origin.rate, 0);
	assert_int_equal(conf->rate_address.rate, 0);
	assert_int_equal(conf->origin_any, 0);
	assert_int_equal(conf->control_mode, 0600);
	assert_null(conf->control);
	assert_null(conf->user);
	assert_null(conf->chroot);
	assert_null(conf->native_token);

	ls = TAILQ_FIRST(&conf->listens);
	assert_string_equal(conf_listen_text(ls), "127.0.0.1 port 9009");
	assert_int_equal(ls->optional, 0);
	ls = TAILQ_NEXT(ls, entry);
	assert_string_equal(conf_listen_text(ls), "::1 port 9009");
	assert_int_equal(ls->optional, 1);
	assert_null(TAILQ_NEXT(ls, entry));

	assert_non_null(built_in = conf_default());
	assert_non_null(a = conf_print(conf, CONF_ALL));
	assert_non_null(b = conf_print(built_in, CONF_ALL));
	assert_string_equal(a, b);
	free(a);
	free(b);
	conf_free(conf);
	conf_free(built_in);
	conf_free(NULL);
}

static const struct {
	const char *good;
	const char *bad[4];
} limits[] = {
	{ "prefork 1", { "prefork 0" } },
	{ "prefork 64", { "prefork 65" } },
	{ "max-message 125", { "max-message 124", "max-message 0" } },
	{ "max-message 64M",
	    { "max-message 67108865", "max-message 65M", "max-message 1G",
		"max-message 64m" } },
	{ "max-head 1K", { "max-head 1023" } },
	{ "max-head 256K", { "max-head 262145" } },
	{ "max-clients 1", { "max-clients 0", "max-clients 1K" } },
	{ "max-clients 1000000", { "max-clients 1000001" } },
	{ "max-clients-per-origin 0", { "max-clients-per-origin -1" } },
	{ "max-clients-per-origin 1000000",
	    { "max-clients-per-origin 1000001" } },
	{ "max-clients-per-address 0", { "max-clients-per-address" } },
	{ "max-clients-per-address 1000000",
	    { "max-clients-per-address 1000001" } },
	{ "max-channels 1", { "max-channels 0" } },
	{ "max-channels 1000000", { "max-channels 1000001" } },
	{ "max-handshakes 1", { "max-handshakes 0" } },
	{ "max-handshakes 1000000", { "max-handshakes 1000001" } },
	{ "handshake-timeout 1", { "handshake-timeout 0" } },
	{ "handshake-timeout 10m", { "handshake-timeout 601" } },
	{ "queue-total 64K", { "queue-total 65535" } },
	{ "queue-total 4095M",
	    { "queue-total 4293918721", "queue-total 4294967296",
		"queue-total 4G" } },
	{ "queue-limit 1K", { "queue-limit 1023" } },
	{ "queue-limit 1G", { "queue-limit 1073741825" } },
	{ "queue-limit 1M soft 1 for 1s",
	    { "queue-limit 1M soft 0 for 1s",
		"queue-limit 1M soft 1 for 0s" } },
	{ "queue-limit 1M soft 1M for 1d",
	    { "queue-limit 1M soft 1048577 for 1d",
		"queue-limit 1M soft 1M for 86401" } },
	{ "keepalive ping 1 timeout 2",
	    { "keepalive ping 0 timeout 2", "keepalive ping 2 timeout 2",
		"keepalive ping 3 timeout 2" } },
	{ "keepalive ping 1d timeout 2d",
	    { "keepalive ping 86401 timeout 2d",
		"keepalive ping 1d timeout 172801" } },
	{ "rate messages 0",
	    { "rate messages 0 burst 1", "rate messages 1 burst 0" } },
	{ "rate messages 1000000", { "rate messages 1000001" } },
	{ "rate messages 1 burst 2000000",
	    { "rate messages 1 burst 2000001" } },
	{ "listen on ::1 port 1", { "listen on ::1 port 0" } },
	{ "listen on ::1 port 65535", { "listen on ::1 port 65536" } },
	{ "listen on unix /a mode 000",
	    { "listen on unix /a mode 0", "listen on unix /a mode 00000" } },
	{ "listen on unix /a mode 0777",
	    { "listen on unix /a mode 1000", "listen on unix /a mode 778" } },
	{ "native token 12345678", { "native token 1234567" } },
};

static void
at_and_past(void **state)
{
	size_t i, j;
	char line[128];

	(void)state;
	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		snprintf(line, sizeof(line), "%s\n", limits[i].good);
		conf_free(good(line));
		for (j = 0; j < 4 && limits[i].bad[j] != NULL; j++) {
			snprintf(line, sizeof(line), "%s\n", limits[i].bad[j]);
			bad(line, "t.conf:1: ");
		}
	}
}

/* A pattern with a word of n letters in it. */
static void
long_word(
    struct text *t, const char *before, char c, size_t n, const char *after)
{
	text_begin(t);
	fputs(before, t->f);
	while (n-- > 0)
		fputc(c, t->f);
	fputs(after, t->f);
	text_end(t);
}

static const struct {
	const char *before;
	size_t most;
	const char *after, *why;
} lengths[] = {
	{ "m = ", 1024, "", "word of 1025 bytes: expected at most 1024" },
	{ "m = \"", 1024, "\"", "string too long: expected at most 1024" },
	{ "m", 63, " = 1", "expected a name of up to 64" },
	{ "channel ", 255, " { }", "expected a name of 1 to 255" },
	{ "native token ", 255, "", "secret of 256 bytes, expected 8 to 255" },
	{ "user ", 32, "", "up to 32" },
	{ "listen on unix \"/a\" group ", 32, "", "up to 32" },
	{ "control /", 106, "", "at most 107 bytes" },
	{ "listen on unix /", 106, "", "at most 107 bytes" },
	{ "chroot /", 1022, "", "at most 1023 bytes" },
	{ "host ", 63, ".example", "expected the name of a host" },
	{ "allow origin \"https://", 63, ".example\"", "expected an origin" },
};

static void
token_lengths(void **state)
{
	struct text t;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		long_word(&t, lengths[i].before, 'a', lengths[i].most,
		    lengths[i].after);
		conf_free(good(t.s));
		free(t.s);
		long_word(&t, lengths[i].before, 'a', lengths[i].most + 1,
		    lengths[i].after);
		bad(t.s, lengths[i].why);
		free(t.s);
	}
	/* However long it is, it is one error. */
	long_word(&t, "$", 'a', 100000, "\n");
	bad(t.s, "macro name of 100000 bytes");
	free(t.s);
}

static void
text_length(void **state)
{
	struct text t;

	(void)state;
	long_word(&t, "#", 'x', FILE_MAX - 1, "");
	assert_int_equal(t.n, FILE_MAX);
	conf_free(good(t.s));
	free(t.s);
	long_word(&t, "#", 'x', FILE_MAX, "");
	bad(t.s, "t.conf:1: file of 1048577 bytes: expected at most 1048576");
	free(t.s);
}

static const struct {
	const char *format; /* with one %u */
	unsigned int most;
	const char *why;
} counts[] = {
	{ "listen on unix \"/s%u\"\n", 64,
	    "too many listeners, expected at "
	    "most 64" },
	{ "host \"h%u\"\n", 1000, "too many hosts, expected at most 1000" },
	{ "allow origin \"https://o%u.example\"\n", 1000,
	    "too many origins, expected at most 1000" },
	{ "deny origin \"https://o%u.example\"\n", 1000,
	    "too many origins, expected at most 1000" },
	{ "channel \"c%u\" { presence off }\n", 1000,
	    "too many channels, expected at most 1000" },
	{ "m%u = 1\n", 256, "too many macros, expected at most 256" },
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void
item_counts(void **state)
{
	struct text t;
	size_t i;
	unsigned int n, past;

	(void)state;
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		for (past = 0; past < 2; past++) {
			text_begin(&t);
			for (n = 0; n < counts[i].most + past; n++)
				fprintf(t.f, counts[i].format, n);
			text_end(&t);
			if (past)
				bad(t.s, counts[i].why);
			else
				conf_free(good(t.s));
			free(t.s);
		}
}
#pragma GCC diagnostic pop

/* One label of 63 letters, unlike that of any other n. */
static void
label(FILE *f, char first, unsigned int n)
{
	fprintf(f, "%c%062u", first, n);
}

/* The longest tree there is goes through a pipe, and is the same after it. */
static void
longest_print(void **state)
{
	struct text t;
	struct conf *conf;
	char *once, *again;
	unsigned int i;

	(void)state;
	text_begin(&t);
	for (i = 0; i < 1000; i++) {
		fprintf(t.f, "channel %c%0254u {}\n", 'c', i);
		fprintf(t.f, "host ");
		label(t.f, 'h', i);
		fputc('.', t.f);
		label(t.f, 'h', i);
		fputc('.', t.f);
		label(t.f, 'h', i);
		fprintf(t.f, ".h%060u\n", i);
		fprintf(t.f, "allow origin s%030u://", i);
		label(t.f, 'o', i);
		fputc('.', t.f);
		label(t.f, 'o', i);
		fputc('.', t.f);
		label(t.f, 'o', i);
		fprintf(t.f, ".o%060u:65535\n", i);
	}
	for (i = 0; i < 64; i++) {
		fprintf(t.f, "listen on unix \"/");
		fprintf(t.f, "%0104u\\\"\\\\\"", i);
		fprintf(t.f, " group g%031u\n", i);
	}
	text_end(&t);
	/* In files of at most 1 MiB, it would take two. */
	assert_true(t.n <= FILE_MAX);
	conf = good(t.s);
	free(t.s);
	assert_non_null(once = conf_print(conf, CONF_ALL));
	conf_free(conf);
	assert_true(strlen(once) < MSG_TEXT_MAX);
	conf = good(once);
	assert_non_null(again = conf_print(conf, CONF_ALL));
	assert_string_equal(once, again);
	conf_free(conf);
	free(once);
	free(again);
}

static void
errors_stop(void **state)
{
	struct reports r;
	struct text t;
	unsigned int i, n;

	(void)state;
	for (n = ERRORS_MAX - 1; n <= ERRORS_MAX + 1; n++) {
		text_begin(&t);
		for (i = 0; i < n; i++)
			fprintf(t.f, "wrong\n");
		text_end(&t);
		assert_null(parse_n(t.s, t.n, &r));
		assert_int_equal(r.n, n < ERRORS_MAX ? n : ERRORS_MAX);
		free(t.s);
	}
	/* In the middle of a list, too. */
	text_begin(&t);
	fprintf(t.f, "host {\n");
	for (i = 0; i < 100; i++)
		fprintf(t.f, "-\n");
	text_end(&t);
	assert_null(parse_n(t.s, t.n, &r));
	assert_int_equal(r.n, ERRORS_MAX);
	free(t.s);
}

static void
odd_bytes(void **state)
{
	char text[16], why[32];
	unsigned int c;

	(void)state;
	for (c = 0; c < 256; c++) {
		/* In a comment all but NUL may stand. */
		memcpy(text, "# \0 x\n", 7);
		text[2] = (char)c;
		if (c == 0)
			bad_n(text, 6, "NUL byte");
		else if (c != '\n')
			conf_free(good(text));
		/* In a string all but control characters may. */
		memcpy(text, "m = \"a\0\"\n", 10);
		text[6] = (char)c;
		if (c == '\n' || c == '"' || c == '\\')
			continue;
		if ((c >= 0x20 && c != 0x7f) || c == '\t') {
			conf_free(good(text));
			continue;
		}
		snprintf(why, sizeof(why), "t.conf:1: \\x%02x: expected", c);
		bad_n(text, 9, c == 0 ? "t.conf:1: NUL byte" : why);
	}
	/* Cut anywhere, it is an error or it is not, but safe. */
	for (c = 0; c < 60; c++) {
		struct reports r;

		conf_free(parse_n("m = \"a\\\\\"\nhost { $m, b } # \\\n"
				  "channel x {\\\n presence off\n}\r\n",
		    c, &r));
	}
}

static FILE *
open_test(const char *path, void *arg)
{
	struct text *t = arg;
	FILE *f;

	assert_string_equal(path, "other.conf");
	assert_non_null(f = tmpfile());
	assert_int_equal(fwrite(t->s, 1, t->n, f), t->n);
	rewind(f);
	return (f);
}

static unsigned int opened;

/* Each file includes the next, down to the one that includes no more. */
static FILE *
open_nested(const char *path, void *arg)
{
	FILE *f;

	(void)path;
	assert_non_null(f = tmpfile());
	if (++opened < *(unsigned int *)arg)
		fprintf(f, "include \"other.conf\"\n");
	rewind(f);
	return (f);
}

static FILE *
open_empty(const char *path, void *arg)
{
	(void)path;
	(void)arg;
	opened++;
	return (tmpfile());
}

static void
includes(void **state)
{
	static const char one[] = "include \"other.conf\"\n";
	struct reports r = { 0 };
	struct conf *conf;
	struct text t;
	unsigned int n, i;

	(void)state;
	bad(one, "t.conf:1: include: not possible here");
	for (n = 0; n < 2; n++) {
		long_word(&t, "#", 'x', FILE_MAX - 1 + n, "");
		conf = conf_parse("dir/../t.conf", one, strlen(one), NULL,
		    open_test, &t, report, &r);
		assert_int_equal(conf == NULL, n);
		conf_free(conf);
		free(t.s);
		if (n == 0)
			continue;
		assert_string_equal(r.first,
		    "dir/../t.conf:1: include "
		    "\"other.conf\": file too large, expected at most 1048576 "
		    "bytes");
	}
	for (n = 16; n <= 17; n++) {
		opened = 0;
		conf = conf_parse("t.conf", one, strlen(one), NULL, open_nested,
		    &n, report, &r);
		assert_int_equal(conf == NULL, n == 17);
		assert_int_equal(opened, 16);
		conf_free(conf);
	}
	for (n = 256; n <= 257; n++) {
		text_begin(&t);
		for (i = 0; i < n; i++)
			fputs(one, t.f);
		text_end(&t);
		opened = 0;
		conf = conf_parse(
		    "t.conf", t.s, t.n, NULL, open_empty, NULL, report, &r);
		assert_int_equal(conf == NULL, n == 257);
		assert_int_equal(opened, 256);
		conf_free(conf);
		free(t.s);
	}
}

static void
defines(void **state)
{
	static const char text[] = "n = 2\nprefork $n\n";
	const char *defs[] = { "n=3", "m=\"a b\"", NULL };
	struct reports r = { 0 };
	struct conf *conf;

	(void)state;
	conf = conf_parse(
	    "t.conf", text, strlen(text), defs, NULL, NULL, report, &r);
	assert_non_null(conf);
	assert_int_equal(conf->prefork, 3);
	conf_free(conf);
	defs[1] = "m=a\nb";
	assert_null(conf_parse(
	    "t.conf", text, strlen(text), defs, NULL, NULL, report, &r));
	assert_string_equal(r.first,
	    "-D:2: m=a\\x0ab: expected a value of at "
	    "most 1024 bytes without control characters");
}

static void
tree(void **state)
{
	struct conf *conf;
	const struct conf_listen *ls;
	const struct conf_origin *o;
	const struct sockaddr_un *sun;
	struct origin origin;

	(void)state;
	conf = good("listen on unix \"/run/s\" mode 0640 group g\n"
		    "listen on 10.0.0.1 port 81\n"
		    "allow origin any scope libp2p\n"
		    "allow origin \"https://*.example.org\" scope channels\n"
		    "deny origin \"https://bad.example.org\"\n"
		    "rate messages 10\nrate origin messages 10 burst 7\n"
		    "queue-limit 2K soft 1K for 2m\nslow-reader drop\n"
		    "user _nwsd\nchroot /var/empty/nwsd\n");
	ls = TAILQ_FIRST(&conf->listens);
	sun = (const struct sockaddr_un *)&ls->addr;
	assert_int_equal(sun->sun_family, AF_UNIX);
	assert_string_equal(sun->sun_path, "/run/s");
	assert_int_equal(ls->addr_len,
	    offsetof(struct sockaddr_un, sun_path) + sizeof("/run/s"));
	assert_int_equal(ls->mode, 0640);
	assert_string_equal(ls->group, "g");
	assert_string_equal(conf_listen_text(ls), "unix /run/s");
	ls = TAILQ_NEXT(ls, entry);
	assert_int_equal(ls->addr_len, sizeof(struct sockaddr_in));
	assert_int_equal(
	    ntohs(((const struct sockaddr_in *)&ls->addr)->sin_port), 81);
	assert_null(TAILQ_NEXT(ls, entry));

	assert_int_equal(conf->origin_any, SCOPE_LIBP2P);
	o = TAILQ_FIRST(&conf->origins);
	assert_int_equal(o->scope, SCOPE_CHANNELS);
	assert_int_equal(o->deny, 0);
	assert_int_equal(origin_parse("https://a.example.org", 21, &origin), 0);
	assert_true(origin_matches(&o->pattern, &origin));
	o = TAILQ_NEXT(o, entry);
	assert_int_equal(o->scope, SCOPE_ALL);
	assert_int_equal(o->deny, 1);

	assert_int_equal(conf->rate_client.burst, 20);
	assert_int_equal(conf->rate_origin.burst, 7);
	assert_int_equal(conf->queue_soft, 1024);
	assert_int_equal(conf->queue_soft_s, 120);
	assert_int_equal(conf->slow_drop, 1);
	assert_null(conf->user);
	assert_null(conf->chroot);
	conf_free(conf);
}

static void
channels(void **state)
{
	struct conf *conf = good(
	    "channel a { presence off }\n"
	    "channel ab { presence on }\nchannel abc { }\n");

	(void)state;
	assert_int_equal(conf_channel(conf, "a", 1)->presence, 0);
	assert_int_equal(conf_channel(conf, "ab", 2)->presence, 1);
	assert_int_equal(conf_channel(conf, "ab", 1)->presence, 0);
	assert_int_equal(conf_channel(conf, "abc", 3)->presence, 1);
	assert_int_equal(conf_channel(conf, "abcd", 4)->presence, 1);
	assert_int_equal(conf_channel(conf, "a\0b", 3)->presence, 1);
	assert_int_equal(conf_channel(conf, "", 0)->presence, 1);
	conf_free(conf);
}

static void
channel_names(void **state)
{
	char name[257];
	unsigned int c;
	int is;

	(void)state;
	memset(name, 'a', sizeof(name));
	assert_int_equal(channel_name_valid(name, 0), 0);
	assert_int_equal(channel_name_valid(name, 1), 1);
	assert_int_equal(channel_name_valid(name, 255), 1);
	assert_int_equal(channel_name_valid(name, 256), 0);
	assert_int_equal(channel_name_valid("libp2p", 6), 0);
	assert_int_equal(channel_name_valid("libp2", 5), 1);
	assert_int_equal(channel_name_valid("Libp2p", 6), 1);
	for (c = 0; c < 256; c++) {
		is = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') ||
		    (c != 0 && strchr("+=*._-", (int)c) != NULL);
		name[1] = (char)c;
		assert_int_equal(channel_name_valid(name, 3), is);
	}
}

static void
control_path(void **state)
{
	char path[128], small[8];

	(void)state;
	assert_int_equal(setenv("XDG_RUNTIME_DIR", "/run/user/1", 1), 0);
	assert_int_equal(conf_control_path(path, sizeof(path)), 0);
	assert_string_equal(path, geteuid() == 0 ? "/run/nwsd/nwsd.ctl" :
	    "/run/user/1/nwsd.ctl");
	assert_int_equal(conf_control_path(path, strlen(path) + 1), 0);
	assert_int_equal(conf_control_path(path, strlen(path)), -1);
	assert_int_equal(conf_control_path(small, sizeof(small)), -1);
	assert_int_equal(setenv("XDG_RUNTIME_DIR", "relative", 1), 0);
	assert_int_equal(conf_control_path(path, sizeof(path)), 0);
	assert_int_equal(path[0], '/');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(at_and_past),
		cmocka_unit_test(token_lengths),
		cmocka_unit_test(text_length),
		cmocka_unit_test(item_counts),
		cmocka_unit_test(longest_print),
		cmocka_unit_test(errors_stop),
		cmocka_unit_test(odd_bytes),
		cmocka_unit_test(includes),
		cmocka_unit_test(defines),
		cmocka_unit_test(tree),
		cmocka_unit_test(channels),
		cmocka_unit_test(channel_names),
		cmocka_unit_test(control_path),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
