/* Events of nwsctl monitor taken apart, pure but for memory. */
#include <string.h>

#include "nwsctl.h"

const char *
event_name(uint32_t kind)
{
	static const char *const names[EVENT_KINDS] = {
		[EVENT_CLIENT_OPEN] = "client_open",
		[EVENT_CLIENT_CLOSE] = "client_close",
		[EVENT_CHANNEL_NEW] = "channel_new",
		[EVENT_CHANNEL_GONE] = "channel_gone",
		[EVENT_ORIGIN_PENDING] = "origin_pending",
		[EVENT_LIMIT] = "limit",
		[EVENT_PROCESS] = "process",
		[EVENT_RELOAD] = "reload",
		[EVENT_MISSED] = "missed",
		[EVENT_LINK_UP] = "link_up",
		[EVENT_LINK_DOWN] = "link_down",
		[EVENT_PEER_FOUND] = "peer_found",
		[EVENT_PEER_GONE] = "peer_gone"
	};

	return (kind < EVENT_KINDS ? names[kind] : "unknown");
}

const char *
event_subject(uint32_t kind)
{
	switch (kind) {
	case EVENT_LINK_UP:
	case EVENT_LINK_DOWN:
		return ("link");
	case EVENT_PEER_FOUND:
	case EVENT_PEER_GONE:
		return ("peer");
	default:
		return ("client");
	}
}

/* Bytes of a key that begins here and ends before '='; 0 for none. */
static size_t
key_length(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n && ((p[i] >= 'a' && p[i] <= 'z') || p[i] == '_' ||
	    (i > 0 && p[i] >= '0' && p[i] <= '9')); i++)
		;
	return (i < n && p[i] == '=' && i < 32 ? i : 0);
}

/* A number is one if a JSON reader of 53 bits can have it. */
static int
is_number(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return (0);
	return (n > 0 && n <= 15 && (n == 1 || p[0] != '0'));
}

int
event_members(struct json *j, const char *p, size_t n)
{
	char key[33];
	size_t len;

	while (n > 0) {
		if (*p == ' ') {
			p++, n--;
			continue;
		}
		if ((len = key_length(p, n)) == 0)
			return (-1);
		memcpy(key, p, len);
		key[len] = '\0';
		p += len + 1, n -= len + 1;
		if (n > 0 && *p == '"') {
			if ((len = json_string_scan(p, n)) == 0)
				return (-1);
			json_raw(j, key, p, len);
		} else {
			for (len = 0; len < n && p[len] != ' '; len++)
				;
			if (is_number(p, len))
				json_raw(j, key, p, len);
			else
				json_text(j, key, p, len);
		}
		p += len, n -= len;
	}
	return (0);
}
