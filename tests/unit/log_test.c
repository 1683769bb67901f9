/* The log: what a line looks like, what cannot get into one, and its limits. */
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/log.h"

static char	 seen[16384];	/* what went to standard error */

/* Runs f with standard error going to one end of fds; reads the other. */
static void
capture_fds(void (*f)(void), int fds[2])
{
	ssize_t	 n;
	int	 save;

	save = dup(STDERR_FILENO);
	assert_true(save >= 0);
	assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	close(fds[1]);
	f();
	assert_int_equal(dup2(save, STDERR_FILENO), STDERR_FILENO);
	close(save);
	n = read(fds[0], seen, sizeof(seen) - 1);
	assert_true(n >= 0);
	seen[n] = '\0';
	close(fds[0]);
}

static void
capture(void (*f)(void))
{
	int	 fds[2];

	assert_int_equal(pipe(fds), 0);
	capture_fds(f, fds);
}

static void
say_plain(void)
{
	log_init("router[0]", 0, 0);
	log_verbose(0);
	log_info("one %d", 1);
	log_debug("not shown");
	errno = ENOENT;
	log_warn("two");
	assert_int_equal(errno, ENOENT);
	log_warnx("three");
	log_verbose(1);
	log_debug("four");
	log_verbose(0);
}

static void
plain(void **state)
{
	(void)state;
	capture(say_plain);
	assert_string_equal(seen, "router[0]: one 1\n"
	    "router[0]: two: No such file or directory\n"
	    "router[0]: three\nrouter[0]: four\n");
}

static void
say_stamped(void)
{
	log_init("parent", 0, 1);
	log_info("text");
}

static void
stamped(void **state)
{
	static const char	 form[] = "dddd-dd-ddTdd:dd:dd.dddZ ";
	size_t			 i;

	(void)state;
	capture(say_stamped);
	assert_true(strlen(seen) > sizeof(form));
	for (i = 0; i < sizeof(form) - 1; i++) {
		if (form[i] == 'd')
			assert_in_range(seen[i], '0', '9');
		else
			assert_int_equal(seen[i], form[i]);
	}
	assert_string_equal(seen + sizeof(form) - 1, "parent: text\n");
}

/* To the parent a line goes with its level, for syslog. */
static void
relayed(void **state)
{
	int	 fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	capture_fds(say_plain, fds);
	assert_string_equal(seen, "<6>router[0]: one 1\n"
	    "<4>router[0]: two: No such file or directory\n"
	    "<4>router[0]: three\n<7>router[0]: four\n");
}

static void
say_journal(void)
{
	struct stat	 st;
	char		 buf[64];

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(buf, sizeof(buf), "%llu:%llu",
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", buf, 1);
	log_init("parent", 0, 1);
	log_info("text");
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_init("parent", 0, 0);
	log_info("text");
	unsetenv("JOURNAL_STREAM");
}

static void
journal(void **state)
{
	(void)state;
	capture(say_journal);
	assert_string_equal(seen, "<6>parent: text\nparent: text\n");
}

static void
say_control(void)
{
	log_init("p", 0, 0);
	log_info("a\nb\r\033[1mc\177");
}

static void
control(void **state)
{
	(void)state;
	capture(say_control);
	assert_string_equal(seen, "p: a?b??[1mc?\n");
}

static void
say_long(void)
{
	char	 text[5000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_init("p", 0, 0);
	log_info("%s", text);
	errno = EIO;
	log_warn("%s", text);
	log_relay(text, sizeof(text) - 1);
}

static void
long_lines(void **state)
{
	char	*p, *line;
	int	 n = 0;

	(void)state;
	capture(say_long);
	for (line = seen; (p = strchr(line, '\n')) != NULL; line = p + 1) {
		assert_in_range(p - line, 2000, 2047);
		n++;
	}
	assert_int_equal(*line, '\0');
	assert_int_equal(n, 3);
}

static void
say_relay(void)
{
	log_init("parent", 0, 0);
	log_relay("router[0]: plain", 16);
	log_relay("<4>router[0]: warning", 21);
	log_relay("<9>no level", 11);
	log_relay("<4", 2);
	log_relay("", 0);
	log_relay("a\nb\0c", 5);
}

static void
relay(void **state)
{
	(void)state;
	capture(say_relay);
	assert_string_equal(seen, "router[0]: plain\nrouter[0]: warning\n"
	    "<9>no level\n<4\n\na?b?c\n");
}

static void
say_limited(void)
{
	struct log_limit	 limit = { 2, 3600, 0, 0, 0 };
	int			 i;

	log_init("p", 0, 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(log_allowed(&limit), 1);
	for (i = 0; i < 5; i++)
		assert_int_equal(log_allowed(&limit), 0);
	/* An hour later. */
	limit.since_s -= 3600;
	assert_int_equal(log_allowed(&limit), 1);
	assert_int_equal(log_allowed(&limit), 1);
	assert_int_equal(log_allowed(&limit), 0);
	limit.since_s -= 3599;
	assert_int_equal(log_allowed(&limit), 0);
}

static void
limited(void **state)
{
	(void)state;
	capture(say_limited);
	assert_string_equal(seen,
	    "p: 5 lines like the next were left out\n");
}

static void
vis(void **state)
{
	static const struct {
		const char	*in;
		size_t		 n;
		const char	*out;
	} cases[] = {
		{ "", 0, "" },
		{ "plain text", 10, "plain text" },
		{ "a\nb\tc\rd", 7, "a\\nb\\tc\\rd" },
		{ "\a\b\f\v\\", 5, "\\a\\b\\f\\v\\\\" },
		{ "\0\033\177", 3, "\\000\\033\\177" },
		{ "\303\251\377", 3, "\\303\\251\\377" },
		{ "~ !", 3, "~ !" }
	};
	char		 text[400];
	const char	*a, *s;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(log_vis(cases[i].in, cases[i].n),
		    cases[i].out);
	/* At the limit, and one past it. */
	memset(text, 'x', sizeof(text));
	assert_int_equal(strlen(log_vis(text, 256)), 256);
	s = log_vis(text, 257);
	assert_int_equal(strlen(s), 259);
	assert_string_equal(s + 256, "...");
	/* An escape is not cut in two. */
	text[255] = '\n';
	s = log_vis(text, 256);
	assert_string_equal(s + 255, "...");
	/* Four at once. */
	a = log_vis("a", 1);
	log_vis("b", 1);
	log_vis("c", 1);
	log_vis("d", 1);
	assert_string_equal(a, "a");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(stamped),
		cmocka_unit_test(relayed),
		cmocka_unit_test(journal),
		cmocka_unit_test(control),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(relay),
		cmocka_unit_test(limited),
		cmocka_unit_test(vis)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
