/*
 * What the person decides about web origins, with nwsctl(8) or on the console:
 * the list of grants, kept in a file and sent to every frontend.  Runs in the
 * parent; the text comes from who administers this daemon, or through a
 * frontend, and is parsed in any case.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "parent/parent.h"

#define ORIGIN_TEXT 512                  /* bytes, more than any pattern */
#define FOR_S_MAX (100ull * 365 * 86400) /* longer is a mistake */

void
origins_expire(void)
{
	grants_expire(&parent.grants, (int64_t)time(NULL));
}

static void
tell_frontends(uint32_t verb, const char *text)
{
	size_t i;

	for (i = 0; i < parent.n_processes; i++) {
		struct process *p = &parent.processes[i];

		if (p->kind != P_FRONTEND)
			continue;
		process_send_grants(p);
		if (verb != ORIGIN_REVOKE)
			process_send(
			    p, MSG_PENDING_DROP, 0, -1, text, strlen(text));
	}
}

/* Returns NULL, or what is wrong. */
static const char *
change(const struct msg_origin *ask, const struct origin_pattern *pattern)
{
	int64_t expires = 0;

	switch (ask->verb) {
	case ORIGIN_ALLOW:
		if (ask->for_s > FOR_S_MAX)
			return ("longer than 100 years");
		if (ask->for_s != 0)
			/* The second that it is now is partly over. */
			expires = (int64_t)time(NULL) + (int64_t)ask->for_s + 1;
		break;
	case ORIGIN_DENY:
		break;
	case ORIGIN_REVOKE:
		return (grants_remove(&parent.grants, pattern) == 0 ? NULL :
		    "nothing was granted or denied to this origin at run time");
	default:
		return ("unknown verb");
	}
	if ((ask->scope & ~SCOPE_ALL) != 0)
		return ("unknown scope");
	return (grants_set(&parent.grants, pattern,
		    ask->scope == 0 ? SCOPE_ALL : ask->scope, expires,
		    ask->verb == ORIGIN_DENY) == 0 ?
		NULL :
		"too many grants");
}

void
origins_change(const struct asker *to, const struct msg_origin *ask,
    const char *text, size_t len)
{
	static const char *const done[] = { "allowed", "denied", "forgotten" };
	struct origin_pattern pattern;
	const char *problem;
	char name[ORIGIN_TEXT], why[WHY_MAX];

	if (origin_pattern_parse(text, len, &pattern) == -1) {
		asker_done(to, ANSWER_REFUSED,
		    "%s: not an origin, expected "
		    "scheme://host[:port], or *. in front of host",
		    log_vis(text, len));
		return;
	}
	origins_expire();
	origin_pattern_text(&pattern, name, sizeof(name));
	if ((problem = change(ask, &pattern)) != NULL) {
		asker_done(to, ANSWER_REFUSED, "%s: %s", name, problem);
		return;
	}
	log_info("origin %s: %s by %s", name, done[ask->verb],
	    to->ctl != NULL ? "nwsctl" : "the console");
	tell_frontends(ask->verb, name);
	if (grants_file_save(&parent.grants, why) == -1) {
		log_warnx("origins: %s", why);
		asker_done(to, ANSWER_DONE,
		    "%s: %s, but this will not survive a restart: "
		    "%s",
		    name, done[ask->verb], why);
		return;
	}
	asker_done(to, ANSWER_DONE, "%s", "");
}
