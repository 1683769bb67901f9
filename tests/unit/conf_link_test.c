/*
 * What nwsd.conf(5) says of other machines: links, interfaces, peers, secrets;
 * every limit at it and one past it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/conf.h"
#include "common/msg.h"

static char first[1500];
static unsigned int errors;

static void
report(const char *line, void *arg)
{
	(void)arg;
	if (errors++ == 0)
		snprintf(first, sizeof(first), "%s", line);
}

static struct conf *
parse(const char *s)
{
	errors = 0;
	return (conf_parse(
	    "t.conf", s, strlen(s), NULL, NULL, NULL, report, NULL));
}

static struct conf *
good(const char *s)
{
	struct conf *conf = parse(s);

	if (conf == NULL)
		print_error("%.200s: %s\n", s, first);
	assert_non_null(conf);
	return (conf);
}

static void
bad(const char *s, const char *why)
{
	assert_null(parse(s));
	if (strstr(first, why) == NULL)
		print_error("%.200s: \"%s\" without \"%s\"\n", s, first, why);
	assert_non_null(strstr(first, why));
}

static void
defaults(void **state)
{
	struct conf *conf = good("");
	const struct conf_listen *ls = TAILQ_FIRST(&conf->link_listens);

	(void)state;
	assert_int_equal(conf->link, 1);
	assert_int_equal(conf->discovery, 1);
	assert_int_equal(conf->identity_persistent, 0);
	assert_int_equal(conf->max_links, 256);
	assert_int_equal(conf->max_remote, 10000);
	assert_int_equal(conf->link_queue, 16 * 1024 * 1024);
	assert_int_equal(conf->link_queue_total, 256 * 1024 * 1024);
	assert_int_equal(conf->rate_link.rate, 200000);
	assert_int_equal(conf->rate_link.burst, 400000);
	assert_true(TAILQ_EMPTY(&conf->interfaces));
	assert_true(TAILQ_EMPTY(&conf->peers));
	assert_true(conf_link_is_builtin(conf));
	assert_string_equal(conf_listen_text(ls), "0.0.0.0 port 9010");
	assert_int_equal(ls->optional, 1);
	ls = TAILQ_NEXT(ls, entry);
	assert_string_equal(conf_listen_text(ls), ":: port 9010");
	assert_int_equal(ls->optional, 1);
	assert_null(TAILQ_NEXT(ls, entry));
	conf_free(conf);
}

static void
links(void **state)
{
	struct conf *conf;
	const struct conf_listen *ls;

	(void)state;
	conf = good("link off\n");
	assert_int_equal(conf->link, 0);
	assert_true(TAILQ_EMPTY(&conf->link_listens));
	assert_false(conf_link_is_builtin(conf));
	conf_free(conf);
	/* The same addresses, but because somebody wrote them. */
	conf = good("link { listen on { 0.0.0.0, :: } }\n");
	assert_int_equal(conf->link, 1);
	assert_false(conf_link_is_builtin(conf));
	conf_free(conf);
	conf = good("link {\n listen on localhost port 7\n}\n");
	assert_false(conf_link_is_builtin(conf));
	ls = TAILQ_FIRST(&conf->link_listens);
	assert_string_equal(conf_listen_text(ls), "127.0.0.1 port 7");
	assert_int_equal(ls->optional, 0);
	/* Listeners of clients are apart from those. */
	ls = TAILQ_FIRST(&conf->listens);
	assert_string_equal(conf_listen_text(ls), "127.0.0.1 port 9009");
	conf_free(conf);
}

static const struct {
	const char *text;
	const char *host; /* NULL: refused */
	uint16_t port;
} peers[] = {
	{ "nas", "nas", 9010 },
	{ "NAS.Local:1", "nas.local", 1 },
	{ "nas:65535", "nas", 65535 },
	{ "192.0.2.1", "192.0.2.1", 9010 },
	{ "192.0.2.1:7", "192.0.2.1", 7 },
	{ "[::1]", "::1", 9010 },
	{ "[2001:DB8:0::1]:7", "2001:db8::1", 7 },
	{ "", NULL, 0 },
	{ ":1", NULL, 0 },
	{ "nas:", NULL, 0 },
	{ "nas:0", NULL, 0 },
	{ "nas:65536", NULL, 0 },
	{ "nas:07", NULL, 0 },
	{ "nas:7x", NULL, 0 },
	{ "nas/x", NULL, 0 },
	{ "-nas", NULL, 0 },
	{ "::1", NULL, 0 },
	{ "[::1", NULL, 0 },
	{ "[::1]7", NULL, 0 },
	{ "[::]", NULL, 0 },
	{ "[ff02::fb]", NULL, 0 },
	{ "0.0.0.0", NULL, 0 },
	{ "192.0.2.256", NULL, 0 },
	{ "223.255.255.255", "223.255.255.255", 9010 },
	{ "224.0.0.1", NULL, 0 },
	{ "255.255.255.255", NULL, 0 },
	{ "[FE80::0:1%Eth0]", "fe80::1%Eth0", 9010 },
	{ "[fe80::1%2]:7", "fe80::1%2", 7 },
	{ "[fe80::1%fifteen-letters]", "fe80::1%fifteen-letters", 9010 },
	{ "[fe80::1%sixteen-letters-]", NULL, 0 },
	{ "[fe80::1]", NULL, 0 },
	{ "[fe80::1%]", NULL, 0 },
	{ "[fe80::1%e h]", NULL, 0 },
	{ "[fe80::1%e/h]", NULL, 0 },
	{ "[fe80::1%e%h]", NULL, 0 },
	{ "[fe80::1%eth0", NULL, 0 },
	{ "[fe80::1]%eth0", NULL, 0 },
	{ "[%eth0]", NULL, 0 },
	{ "[2001:db8::1%eth0]", NULL, 0 },
	{ "fe80::1%eth0", NULL, 0 },
	{ "192.0.2.1%eth0", NULL, 0 },
};

static void
peer_names(void **state)
{
	const char *why;
	char *host, text[MSG_PEER_MAX + 1], label[256];
	uint16_t port;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		why = NULL;
		if (conf_peer_parse(peers[i].text, strlen(peers[i].text), &host,
			&port, &why) == -1) {
			if (peers[i].host != NULL)
				print_error("%s: %s\n", peers[i].text, why);
			assert_null(peers[i].host);
			assert_non_null(why);
			continue;
		}
		assert_non_null(peers[i].host);
		assert_string_equal(host, peers[i].host);
		assert_int_equal(port, peers[i].port);
		/* What it prints as is the same peer. */
		conf_peer_text(host, port, text, sizeof(text));
		free(host);
		assert_int_equal(conf_peer_parse(text, strlen(text), &host,
				     &port, &why),
		    0);
		assert_string_equal(host, peers[i].host);
		assert_int_equal(port, peers[i].port);
		free(host);
	}
	/* Not a string: exactly so many bytes. */
	assert_int_equal(conf_peer_parse("nas:12", 5, &host, &port, &why), 0);
	assert_int_equal(port, 1);
	free(host);
	memset(label, 'a', sizeof(label));
	assert_int_equal(conf_peer_parse(label, 63, &host, &port, &why), 0);
	free(host);
	assert_int_equal(conf_peer_parse(label, 64, &host, &port, &why), -1);
}

static void
interfaces(void **state)
{
	struct conf *conf = good("");
	char text[128];

	(void)state;
	assert_int_equal(conf_interface_allowed(conf, "eth0", 0), 1);
	assert_int_equal(conf_interface_allowed(conf, "wlan0", 0), 1);
	assert_int_equal(conf_interface_allowed(conf, "lo", 1), 0);
	assert_int_equal(conf_interface_allowed(conf, "docker0", 0), 0);
	assert_int_equal(conf_interface_allowed(conf, "veth12ab", 0), 0);
	assert_int_equal(conf_interface_allowed(conf, "br-0123", 0), 0);
	assert_int_equal(conf_interface_allowed(conf, "br0", 0), 1);
	assert_int_equal(conf_interface_allowed(conf, "virbr0", 0), 0);
	assert_int_equal(conf_interface_allowed(conf, "tun0", 0), 0);
	assert_int_equal(conf_interface_allowed(conf, "wg0", 0), 0);
	conf_free(conf);
	conf = good("interface deny eth1\ninterface allow { \"eth*\", lo }\n"
		    "interface allow wg0\ninterface deny \"wl*\"\n");
	assert_int_equal(conf_interface_allowed(conf, "eth0", 0), 1);
	assert_int_equal(conf_interface_allowed(conf, "eth1", 0), 0);
	assert_int_equal(conf_interface_allowed(conf, "lo", 1), 1);
	assert_int_equal(conf_interface_allowed(conf, "wg0", 0), 1);
	assert_int_equal(conf_interface_allowed(conf, "wg1", 0), 0);
	assert_int_equal(conf_interface_allowed(conf, "wlan0", 0), 0);
	/* No line is about it. */
	assert_int_equal(conf_interface_allowed(conf, "enp3s0", 0), 1);
	conf_free(conf);
	conf = good("interface allow eth0\ninterface deny *\n");
	assert_int_equal(conf_interface_allowed(conf, "eth0", 0), 1);
	assert_int_equal(conf_interface_allowed(conf, "enp3s0", 0), 0);
	conf_free(conf);

	snprintf(text, sizeof(text), "interface deny %064d\n", 0);
	conf_free(good(text));
	snprintf(text, sizeof(text), "interface deny %065d\n", 0);
	bad(text, "up to 64 characters");
}

static void
secrets(void **state)
{
	struct conf *conf;
	const struct conf_channel *c;
	char text[400], *with, *without;

	(void)state;
	conf = good("channel a { secret \"b \\\"c\" }\nchannel d { local }\n");
	c = conf_channel(conf, "a", 1);
	assert_string_equal(c->secret, "b \"c");
	assert_int_equal(c->local, 0);
	c = conf_channel(conf, "d", 1);
	assert_null(c->secret);
	assert_int_equal(c->local, 1);
	c = conf_channel(conf, "e", 1);
	assert_null(c->secret);
	assert_int_equal(c->local, 0);
	/* Only who is to know it is told. */
	assert_non_null(with = conf_print(conf, CONF_ALL));
	assert_non_null(without = conf_print(conf, 0));
	assert_non_null(strstr(with, "secret \"b \\\"c\""));
	assert_null(strstr(without, "secret"));
	free(without);
	assert_non_null(without = conf_print(conf, CONF_TOKEN));
	assert_null(strstr(without, "secret"));
	assert_non_null(strstr(without, "\"d\" { presence on, local }"));
	conf_free(conf);
	conf = good(with);
	assert_string_equal(conf_channel(conf, "a", 1)->secret, "b \"c");
	conf_free(conf);
	conf_free(good(without));
	free(with);
	free(without);

	/* The same of programs' token. */
	conf = good("native token abcdefgh\n");
	assert_non_null(with = conf_print(conf, CONF_TOKEN));
	assert_non_null(without = conf_print(conf, CONF_SECRETS));
	assert_non_null(strstr(with, "native token \"abcdefgh\""));
	assert_null(strstr(without, "native"));
	conf_free(conf);
	free(with);
	free(without);

	snprintf(text, sizeof(text), "channel a { secret %0255d }\n", 0);
	conf_free(good(text));
	snprintf(text, sizeof(text), "channel a { secret %0256d }\n", 0);
	bad(text, "of 256 bytes, expected 1 to 255");
	/* A message never has the secret itself. */
	assert_null(strstr(first, "0000"));
	bad("channel a { secret \"hush\t\" }\n", "printable ASCII");
	assert_null(strstr(first, "hush"));
	bad("channel a { local, secret hush }\n", "local and with a secret");
	assert_null(strstr(first, "hush"));
	bad("channel a { secret say hush }\n", "quotes around the secret");
	assert_null(strstr(first, "hush"));
	bad("channel a { secret say$hush }\n", "quotes around the secret");
	assert_null(strstr(first, "hush"));
	bad("native token saysaysay=hush\n", "quotes around the secret");
	assert_null(strstr(first, "hush"));
}

static const struct {
	const char *format; /* with one %u */
	unsigned int most;
	const char *why;
} counts[] = {
	{ "peer p%u\n", 256, "too many peers, expected at most 256" },
	{ "interface deny i%u\n", 64,
	    "too many interfaces, expected at most 64" },
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void
item_counts(void **state)
{
	char *text;
	size_t i, len;
	unsigned int n, past;
	FILE *f;

	(void)state;
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		for (past = 0; past < 2; past++) {
			assert_non_null(f = open_memstream(&text, &len));
			for (n = 0; n < counts[i].most + past; n++)
				fprintf(f, counts[i].format, n);
			assert_int_equal(fclose(f), 0);
			if (past)
				bad(text, counts[i].why);
			else
				conf_free(good(text));
			free(text);
		}
}

/* Listeners of links have a limit of their own. */
static void
listen_counts(void **state)
{
	char *text;
	size_t len;
	unsigned int n, past;
	FILE *f;

	(void)state;
	for (past = 0; past < 2; past++) {
		assert_non_null(f = open_memstream(&text, &len));
		fprintf(f, "listen on ::1\nlink {\n");
		for (n = 1; n <= 64 + past; n++)
			fprintf(f, "listen on ::1 port %u\n", n);
		fprintf(f, "}\n");
		assert_int_equal(fclose(f), 0);
		if (past)
			bad(text, "too many listeners, expected at most 64");
		else
			conf_free(good(text));
		free(text);
	}
}
#pragma GCC diagnostic pop

static const struct {
	const char *good, *bad;
} limits[] = {
	{ "max-links 1", "max-links 0" },
	{ "max-links 10000", "max-links 10001" },
	{ "max-remote 1", "max-remote 0" },
	{ "max-remote 1000000", "max-remote 1000001" },
	{ "link-queue 64K", "link-queue 65535" },
	{ "link-queue 1G", "link-queue 1073741825" },
	{ "link-queue-total 64K", "link-queue-total 65535" },
	{ "link-queue-total 4095M", "link-queue-total 4293918721" },
	{ "rate link messages 0", "rate link messages 0 burst 1" },
	{ "rate link messages 1000000", "rate link messages 1000001" },
	{ "rate link messages 1 burst 2000000",
	    "rate link messages 1 burst 2000001" },
	{ "link { listen on ::1 port 1 }", "link { listen on ::1 port 0 }" },
	{ "link { listen on ::1 port 65535 }",
	    "link { listen on ::1 port 65536 }" },
};

static void
at_and_past(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		conf_free(good(limits[i].good));
		bad(limits[i].bad, "t.conf:1: ");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(links),
		cmocka_unit_test(peer_names),
		cmocka_unit_test(interfaces),
		cmocka_unit_test(secrets),
		cmocka_unit_test(item_counts),
		cmocka_unit_test(listen_counts),
		cmocka_unit_test(at_and_past),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
