/*
 * The table of messages, and the one question asked of it.  Run by every
 * process, on what it sends and on what it receives; trusts nothing in a
 * received header.
 */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "msg.h"
#include "loop.h"

#define X(name, from, to, min, max, fd, meaning)			\
	{ #name, from, to, (uint32_t)(min), (uint32_t)(max), fd, meaning },
const struct msg_info msg_table[MSG_TYPES] = {
	{ "NONE", 0, 0, 0, 0, 0, "never sent" },
	MSG_TABLE(X)
};
#undef X

/* A pipe_phase has a handler for every type. */
static_assert(MSG_TYPES <= sizeof(((struct pipe_phase *)0)->handler) /
    sizeof(pipe_handler *), "pipe_phase is too small for msg_table");

/*
 * Payloads are followed by bytes that are read at their place, and 8-byte ids
 * among them must stay aligned.
 */
static_assert(sizeof(struct msg_row) % 8 == 0, "msg_row");
static_assert(sizeof(struct msg_row_counter) == 32, "msg_row_counter");
static_assert(sizeof(struct msg_row_channel) == 48, "msg_row_channel");
static_assert(sizeof(struct msg_row_client) == 72, "msg_row_client");
static_assert(sizeof(struct msg_row_process) == 48, "msg_row_process");
static_assert(sizeof(struct msg_row_limit) == 40, "msg_row_limit");
static_assert(sizeof(struct msg_row_origin) == 40, "msg_row_origin");
static_assert(sizeof(struct msg_origin) == 16, "msg_origin");
static_assert(sizeof(struct msg_event) == 32, "msg_event");
static_assert(sizeof(struct msg_join) == 32, "msg_join");
static_assert(sizeof(struct msg_refused) == 16, "msg_refused");
static_assert(sizeof(struct msg_roster) == 8, "msg_roster");
static_assert(sizeof(struct msg_data) == 24, "msg_data");
static_assert(sizeof(struct msg_row_link) == 104, "msg_row_link");
static_assert(sizeof(struct msg_row_peer) == 40, "msg_row_peer");
static_assert(sizeof(struct msg_row_interface) == 56, "msg_row_interface");
static_assert(sizeof(struct msg_row_service) == 24, "msg_row_service");
static_assert(sizeof(struct msg_row_check) == 24, "msg_row_check");
static_assert(sizeof(struct msg_dialled) == 24, "msg_dialled");
static_assert(sizeof(struct msg_linked) == 8, "msg_linked");
static_assert(sizeof(struct msg_file_answer) == 32, "msg_file_answer");
static_assert(sizeof(struct msg_file_read) == 16, "msg_file_read");

static const struct {
	uint32_t	 bit;
	const char	*name;
} processes[] = {
	{ P_PARENT,	"parent" },
	{ P_FRONTEND,	"frontend" },
	{ P_ROUTER,	"router" },
	{ P_DISCOVERY,	"discovery" },
	{ P_CRYPTO,	"crypto" },
	{ P_FILES,	"files" },
	{ P_CTL,	"nwsctl" }
};
#define NPROCESSES	(sizeof(processes) / sizeof(processes[0]))

const char *
msg_name(uint32_t type)
{
	if (type == MSG_NONE || type >= MSG_TYPES)
		return ("unknown");
	return (msg_table[type].name);
}

const char *
process_name(uint32_t process)
{
	size_t	 i;

	for (i = 0; i < NPROCESSES; i++)
		if (processes[i].bit == process)
			return (processes[i].name);
	return ("unknown");
}

uint32_t
process_find(const char *name)
{
	size_t	 i;

	for (i = 0; i < NPROCESSES; i++)
		if (strcmp(processes[i].name, name) == 0)
			return (processes[i].bit);
	return (0);
}

const char *
msg_check(uint32_t type, uint32_t from, uint32_t to, uint32_t len, int fd)
{
	const struct msg_info	*info;

	if (type == MSG_NONE || type >= MSG_TYPES)
		return ("unknown type");
	info = &msg_table[type];
	if ((info->from & from) == 0)
		return ("not its to send");
	if ((info->to & to) == 0)
		return ("not for this process");
	if (len < info->min)
		return ("too short");
	if (len > info->max)
		return ("too long");
	if (info->fd != 0 && fd == 0)
		return ("descriptor missing");
	if (info->fd == 0 && fd != 0)
		return ("unexpected descriptor");
	return (NULL);
}
