/*
 * common/conf*.c: any bytes parse or are refused, with messages that can be
 * read; what parses prints, and that parses again to the same print.  Without
 * an opener no include file is ever opened; with one, the text is included in
 * itself.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf.h"
#include "common/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct input {
	const char *text;
	size_t n;
	unsigned int errors;
};

static void
fail(const char *why, const char *text)
{
	fprintf(stderr, "%s: %s\n", why, text);
	abort();
}

static void
report(const char *line, void *arg)
{
	struct input *in = arg;
	const char *s;

	if (++in->errors > 20)
		fail("more than 20 errors", line);
	if (strchr(line, ':') == NULL)
		fail("no place in a message", line);
	for (s = line; *s != '\0'; s++)
		if (*s < 0x20 || *s > 0x7e)
			fail("a message that is not printable", line);
}

static FILE *
open_self(const char *path, void *arg)
{
	const struct input *in = arg;
	FILE *f;

	(void)path;
	if ((f = tmpfile()) == NULL)
		abort();
	if (in->n > 0 && fwrite(in->text, 1, in->n, f) != in->n)
		abort();
	rewind(f);
	return (f);
}

static struct conf *
parse(const char *text, size_t n, int may_include)
{
	struct input in = { text, n, 0 };
	struct conf *conf;

	conf = conf_parse("fuzz", text, n, NULL, may_include ? open_self : NULL,
	    &in, report, &in);
	if ((conf == NULL) != (in.errors > 0))
		fail("errors and a tree, or neither", "");
	return (conf);
}

static void
check(struct conf *conf)
{
	char *once, *again;

	if ((once = conf_print(conf, CONF_ALL)) == NULL)
		abort();
	conf_free(conf);
	if (strlen(once) > MSG_TEXT_MAX)
		fail("a print that no pipe takes", once);
	if ((conf = parse(once, strlen(once), 0)) == NULL)
		fail("a print that does not parse", once);
	if ((again = conf_print(conf, CONF_ALL)) == NULL)
		abort();
	if (strcmp(once, again) != 0)
		fail("a print that changes", once);
	conf_free(conf);
	free(once);
	free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	struct conf *conf;
	char *exact;

	/* Without a byte behind it, for the sanitizer. */
	if ((exact = malloc(n > 0 ? n : 1)) == NULL)
		abort();
	memcpy(exact, in, n);
	if ((conf = parse(exact, n, 0)) != NULL)
		check(conf);
	if (n <= 512 && (conf = parse(exact, n, 1)) != NULL)
		check(conf);
	free(exact);
	return (0);
}
