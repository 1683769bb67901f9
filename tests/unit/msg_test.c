/* The table of messages: its rows, and every reason to refuse a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/msg.h"

static void
rows(void **state)
{
	const struct msg_info	*info;
	uint32_t		 i, j;

	(void)state;
	assert_string_equal(msg_table[MSG_JOIN].name, "JOIN");
	assert_string_equal(msg_table[MSG_UNDELIVERED].name, "UNDELIVERED");
	for (i = MSG_NONE + 1; i < MSG_TYPES; i++) {
		info = &msg_table[i];
		assert_non_null(info->name);
		assert_int_not_equal(info->from, 0);
		assert_int_not_equal(info->to, 0);
		assert_true(info->min <= info->max);
		/* Nobody sends to itself; one goes both ways between two. */
		if (i != MSG_UNDELIVERED)
			assert_int_equal(info->from & info->to, 0);
		/* Descriptors come from the parent, and from who dials. */
		if (info->fd)
			assert_int_equal(info->from,
			    i == MSG_DIALLED ? P_DISCOVERY : P_PARENT);
		assert_true(strlen(info->meaning) > 0);
		for (j = i + 1; j < MSG_TYPES; j++)
			assert_string_not_equal(info->name,
			    msg_table[j].name);
	}
}

static void
names(void **state)
{
	static const uint32_t	 bits[] = { P_PARENT, P_FRONTEND, P_ROUTER,
				    P_DISCOVERY, P_CRYPTO, P_FILES,
				    P_CTL };
	size_t			 i;

	(void)state;
	assert_string_equal(msg_name(MSG_CONF), "CONF");
	assert_string_equal(msg_name(MSG_NONE), "unknown");
	assert_string_equal(msg_name(MSG_TYPES), "unknown");
	assert_string_equal(msg_name(UINT32_MAX), "unknown");
	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		assert_int_equal(process_find(process_name(bits[i])),
		    bits[i]);
	assert_string_equal(process_name(P_CTL), "nwsctl");
	assert_string_equal(process_name(0), "unknown");
	assert_string_equal(process_name(P_CHILDREN), "unknown");
	assert_int_equal(process_find("unknown"), 0);
	assert_int_equal(process_find(""), 0);
}

#define DATA	sizeof(struct msg_data)

static void
checks(void **state)
{
	static const struct {
		const char	*name;
		uint32_t	 type, from, to;
		size_t		 len;
		int		 fd;
		const char	*why;
	} cases[] = {
	{ "no type", MSG_NONE, P_PARENT, P_ROUTER, 0, 0, "unknown type" },
	{ "type behind the last", MSG_TYPES, P_PARENT, P_ROUTER, 0, 0,
	    "unknown type" },
	{ "largest type", UINT32_MAX, P_PARENT, P_ROUTER, 0, 0,
	    "unknown type" },
	{ "conf", MSG_CONF, P_PARENT, P_ROUTER, 1, 0, NULL },
	{ "conf to the other", MSG_CONF, P_PARENT, P_FRONTEND, 1, 0, NULL },
	{ "conf, empty", MSG_CONF, P_PARENT, P_ROUTER, 0, 0, "too short" },
	{ "conf, largest", MSG_CONF, P_PARENT, P_ROUTER, MSG_TEXT_MAX, 0,
	    NULL },
	{ "conf, larger", MSG_CONF, P_PARENT, P_ROUTER, MSG_TEXT_MAX + 1, 0,
	    "too long" },
	{ "conf from a child", MSG_CONF, P_FRONTEND, P_ROUTER, 1, 0,
	    "not its to send" },
	{ "conf with a descriptor", MSG_CONF, P_PARENT, P_ROUTER, 1, 1,
	    "unexpected descriptor" },
	{ "listener", MSG_LISTENER, P_PARENT, P_FRONTEND, 4, 1, NULL },
	{ "listener without", MSG_LISTENER, P_PARENT, P_FRONTEND, 4, 0,
	    "descriptor missing" },
	{ "listener for the router", MSG_LISTENER, P_PARENT, P_ROUTER, 4, 1,
	    "not for this process" },
	{ "ready with payload", MSG_READY, P_ROUTER, P_PARENT, 1, 0,
	    "too long" },
	{ "stuck", MSG_STUCK, P_DISCOVERY, P_PARENT, 8, 0, NULL },
	{ "stuck, says crypto", MSG_STUCK, P_CRYPTO, P_PARENT, 8, 0, NULL },
	{ "stuck, says a frontend", MSG_STUCK, P_FRONTEND, P_PARENT, 8, 0,
	    "not its to send" },
	{ "publish, empty", MSG_PUBLISH, P_FRONTEND, P_ROUTER, DATA, 0,
	    NULL },
	{ "publish, cut", MSG_PUBLISH, P_FRONTEND, P_ROUTER, DATA - 1, 0,
	    "too short" },
	{ "publish, largest", MSG_PUBLISH, P_FRONTEND, P_ROUTER,
	    DATA + MSG_DATA_MAX, 0, NULL },
	{ "publish, larger", MSG_PUBLISH, P_FRONTEND, P_ROUTER,
	    DATA + MSG_DATA_MAX + 1, 0, "too long" },
	{ "publish, absurd", MSG_PUBLISH, P_FRONTEND, P_ROUTER, UINT32_MAX, 0,
	    "too long" },
	{ "broadcast from a frontend", MSG_BROADCAST, P_FRONTEND, P_ROUTER,
	    DATA, 0, "not its to send" },
	{ "control from a child", MSG_CTL_RELOAD, P_FRONTEND, P_PARENT, 0, 0,
	    "not its to send" },
	{ "control", MSG_CTL_RELOAD, P_CTL, P_PARENT, 0, 0, NULL }
	};
	const char	*why;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		why = msg_check(cases[i].type, cases[i].from, cases[i].to,
		    (uint32_t)cases[i].len, cases[i].fd);
		if (cases[i].why == NULL ? why != NULL :
		    (why == NULL || strcmp(why, cases[i].why) != 0))
			fail_msg("%s: %s", cases[i].name,
			    why == NULL ? "allowed" : why);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(rows),
		cmocka_unit_test(names),
		cmocka_unit_test(checks)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
