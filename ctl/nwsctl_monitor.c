/* nwsctl monitor: events as they happen, until interrupted. */
#include <err.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/imsg.h"
#include "nwsctl.h"

static void
interrupt(int sig)
{
	(void)sig;
	_exit(EXIT_DONE);	/* each line was written out whole */
}

static void
print_json(const struct msg_event *e, const char *p, size_t n)
{
	struct json j, members = { .comma = 0 };

	json_begin(&j);
	json_word(&j, "time", text_time(e->time_ms, 3));
	json_word(&j, "event", event_name(e->kind));
	json_word(&j, "process", process_name(e->process));
	json_uint(&j, "instance", e->instance);
	if (e->id != 0)
		json_id(&j, event_subject(e->kind), e->id);
	json_open(&members, NULL, '{');
	if (event_members(&members, p, n) == 0) {
		json_shut(&members, '}');
		if (members.failed)
			err(EXIT_ERROR, NULL);
		json_raw(&j, "data", members.text, members.len);
	} else
		json_text(&j, "text", p, n);
	json_free(&members);
	json_finish(&j);
}

static void
print_text(const struct msg_event *e, const char *p, size_t n)
{
	struct msg_row from = { .process = e->process,
	    .instance = e->instance };
	struct buf line = { NULL, 0, 0 };

	buf_printf(&line, "%s %s: %s", text_time(e->time_ms, 3),
	    row_process(&from), event_name(e->kind));
	if (e->id != 0)
		buf_printf(&line, " %s=%llu", event_subject(e->kind),
		    (unsigned long long)e->id);
	if (n > 0)
		buf_byte(&line, ' ');
	text_visible(&line, p, n);
	buf_byte(&line, '\n');
	fwrite(line.data, 1, line.len, stdout);
	buf_free(&line);
}

/* Waits for the next event, or for the end of whoever reads us. */
static void
wait_event(void)
{
	struct pollfd p[2] = {
		{ .fd = link_fd(), .events = POLLIN },
		{ .fd = STDOUT_FILENO, .events = 0 },
	};

	stdout_flush();
	if (poll(p, 2, -1) > 0 && (p[1].revents & (POLLERR | POLLHUP)) != 0)
		exit(EXIT_DONE);
}

int
cmd_monitor(int argc, char *argv[])
{
	struct msg_event e;
	struct imsg m;

	(void)argv;
	if (argc != 0)
		return (-1);
	link_say(MSG_CTL_MONITOR, NULL, 0, NULL, 0);
	signal(SIGINT, interrupt);
	signal(SIGTERM, interrupt);
	for (;;) {
		while (link_next(&m) == 0)
			wait_event();
		if (m.hdr.type == MSG_CTL_DONE)
			return (link_refused(&m));
		if (m.hdr.type != MSG_CTL_EVENT)
			continue;
		memcpy(&e, m.data, sizeof(e));
		(options.json ? print_json : print_text)(&e,
		    (const char *)m.data + sizeof(e), m.hdr.len - sizeof(e));
	}
}
