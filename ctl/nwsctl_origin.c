/* nwsctl origin: who may connect from web pages, decided by the person. */
#include <err.h>
#include <string.h>

#include "../common/origin.h"
#include "nwsctl.h"

enum { PENDING, LIST, ALLOW, DENY, REVOKE };
static const char *const verbs[] = { "pending", "list", "allow", "deny",
	"revoke" };

/* -t TIME or -tTIME in front; returns how many words that was, -1 if wrong. */
static int
time_option(int argc, char *argv[], uint64_t *seconds)
{
	const char *text;
	int used = 1;

	if (argc == 0 || strncmp(argv[0], "-t", 2) != 0)
		return (0);
	text = argv[0] + 2;
	if (*text == '\0') {
		if (argc < 2)
			return (-1);
		text = argv[1];
		used = 2;
	}
	if (text_seconds(text, seconds) == 0)
		return (used);
	warnx("%s: not a time: expected a number and s, m, h, d or w, such as "
	    "12h", text);
	return (-1);
}

static int
scopes(int argc, char *argv[], uint32_t *scope)
{
	uint32_t bit;
	int i;

	*scope = 0;
	for (i = 0; i < argc; i++) {
		if ((bit = scope_find(argv[i], strlen(argv[i]))) == 0) {
			warnx("%s: unknown scope: one of channels, libp2p, "
			    "signalling, polysocket", argv[i]);
			return (-1);
		}
		*scope |= bit;
	}
	return (0);
}

static int
change(struct msg_origin *ask, const char *text)
{
	static const char *const done[] = { [ORIGIN_ALLOW] = "is allowed now",
	    [ORIGIN_DENY] = "is denied now", [ORIGIN_REVOKE] = "is forgotten" };
	struct origin_pattern pattern;
	char name[MSG_ORIGIN_MAX + 1], said[MSG_ORIGIN_MAX + 64];

	if (origin_pattern_parse(text, strlen(text), &pattern) == -1)
		return (report_error(EXIT_ERROR, "%s: not an origin: expected "
		    "scheme://host[:port], without a path, such as "
		    "https://example.org or https://*.example.org", text));
	origin_pattern_text(&pattern, name, sizeof(name));
	link_say(MSG_CTL_ORIGIN, ask, sizeof(*ask), name, strlen(name));
	snprintf(said, sizeof(said), "%s %s", name, done[ask->verb]);
	return (link_outcome(said));
}

int
cmd_origin(int argc, char *argv[])
{
	struct msg_origin ask = { ORIGIN_ALLOW, 0, 0 };
	int used = 0, verb;

	if (argc == 0)
		return (-1);
	if ((verb = word_choose(verbs, sizeof(verbs) / sizeof(verbs[0]),
	    argv[0], "command")) < 0)
		return (EXIT_ERROR);
	argc--, argv++;
	if (verb == PENDING || verb == LIST)
		return (argc != 0 ? -1 : origins_show(verb == PENDING,
		    verb == LIST));
	if (verb == ALLOW) {
		if ((used = time_option(argc, argv, &ask.for_s)) == -1)
			return (-1);
		argc -= used, argv += used;
	} else
		ask.verb = verb == DENY ? ORIGIN_DENY : ORIGIN_REVOKE;
	if (argc == 0 || (verb != ALLOW && argc != 1))
		return (-1);
	if (scopes(argc - 1, argv + 1, &ask.scope) == -1)
		return (EXIT_ERROR);
	return (change(&ask, argv[0]));
}
