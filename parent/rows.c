/*
 * The rows of an answer to SHOW that the parent has itself: processes, its
 * own counters, origins of the configuration and of the grants.  Runs in the
 * parent.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "parent/parent.h"

#define ORIGIN_TEXT 512 /* bytes, more than any pattern */

/* A row that ends with a text; row_size is a multiple of its alignment. */
static void
send_row(const struct asker *to, uint32_t what, struct msg_row *row,
    size_t row_size, const char *text)
{
	char buf[MSG_ROW_MAX];
	size_t len = strlen(text);

	row->what = what;
	row->process = P_PARENT;
	row->instance = 0;
	row->pad = 0;
	if (len > sizeof(buf) - row_size)
		len = sizeof(buf) - row_size;
	memcpy(buf, row, row_size);
	memcpy(buf + row_size, text, len);
	(void)asker_row(to, buf, row_size + len);
}

static void
counter(const struct asker *to, const char *name, uint64_t value,
    uint32_t gauge)
{
	struct msg_row_counter row;

	memset(&row, 0, sizeof(row));
	row.value = value;
	row.gauge = gauge;
	send_row(to, SHOW_SUMMARY, &row.row, sizeof(row), name);
}

static uint64_t
age_s(int64_t since_ms)
{
	return ((uint64_t)(loop_now_ms() - since_ms) / 1000);
}

static void
summary(const struct asker *to)
{
	counter(to, "parent_uptime_seconds", age_s(parent.start_ms), 1);
	counter(to, "parent_processes", 1 + processes_wanted(), 1);
	counter(to, "parent_restarts_total", parent.restarts, 0);
	counter(to, "parent_reloads_total", parent.reloads, 0);
	counter(to, "parent_reloads_failed_total", parent.reloads_failed, 0);
}

/* Memory of a process in KiB: the second number of statm is pages. */
static uint64_t
rss_kib(int statm)
{
	char text[128];
	unsigned long long pages;
	ssize_t n;

	if (statm == -1 || (n = pread(statm, text, sizeof(text) - 1, 0)) <= 0)
		return (0);
	text[n] = '\0';
	if (sscanf(text, "%*u %llu", &pages) != 1)
		return (0);
	return (pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024);
}

static void
process_row(const struct asker *to, const struct process *p)
{
	struct msg_row_process row;

	memset(&row, 0, sizeof(row));
	row.row.what = SHOW_PROCESSES;
	row.row.process = p->kind;
	row.row.instance = p->instance;
	row.pid = (uint64_t)p->pid;
	row.starts = p->starts;
	row.age_s = age_s(p->born_ms);
	row.rss_kib = rss_kib(p->statm);
	(void)asker_row(to, &row, sizeof(row));
}

static void
processes(const struct asker *to)
{
	struct process self;
	size_t i;

	memset(&self, 0, sizeof(self));
	self.kind = P_PARENT;
	self.pid = getpid();
	self.starts = 1;
	self.born_ms = parent.start_ms;
	self.statm = statm_open(self.pid);
	process_row(to, &self);
	if (self.statm != -1)
		close(self.statm);
	for (i = 0; i < parent.n_processes; i++)
		if (parent.processes[i].wanted)
			process_row(to, &parent.processes[i]);
}

static void
limits(const struct asker *to)
{
	struct msg_row_limit row;

	memset(&row, 0, sizeof(row));
	row.used = control_connections();
	row.max = CONTROL_MAX;
	row.hits = control_refused();
	send_row(to, SHOW_LIMITS, &row.row, sizeof(row), "control-connections");
}

static void
origin_row(const struct asker *to, const char *text, uint32_t scope,
    uint32_t state, int64_t expires)
{
	struct msg_row_origin row;

	memset(&row, 0, sizeof(row));
	row.scope = scope;
	row.state = state;
	row.expires = (uint64_t)expires;
	send_row(to, SHOW_ORIGINS, &row.row, sizeof(row), text);
}

static void
origins(const struct asker *to)
{
	const struct conf_origin *o;
	const struct grant *g;
	char text[ORIGIN_TEXT];

	if (parent.conf->origin_any != 0)
		origin_row(to, "any", (uint32_t)parent.conf->origin_any,
		    ORIGIN_CONFIGURED, 0);
	TAILQ_FOREACH(o, &parent.conf->origins, entry)
		origin_row(to,
		    origin_pattern_text(&o->pattern, text, sizeof(text)),
		    o->scope, o->deny ? ORIGIN_CONFIGURED_DENY :
		    ORIGIN_CONFIGURED, 0);
	origins_expire();
	TAILQ_FOREACH(g, &parent.grants, entry)
		origin_row(to,
		    origin_pattern_text(&g->pattern, text, sizeof(text)),
		    g->scope, g->deny ? ORIGIN_DENIED : ORIGIN_ALLOWED,
		    g->expires);
}

static void
finding(const struct asker *to, enum check_level level, const char *text)
{
	struct msg_row_check row;

	memset(&row, 0, sizeof(row));
	row.level = level;
	send_row(to, SHOW_CHECK, &row.row, sizeof(row), text);
}

/* What is not as it should be with links; on what they are, crypto says. */
static void
check(const struct asker *to)
{
	char text[256];
	uint16_t port = link_port();

	if (!parent.conf->link) {
		finding(to, CHECK_NOTE,
		    "links are off (link off in nwsd.conf): "
		    "channels are of this machine alone");
		return;
	}
	if (port == 0) {
		finding(to, CHECK_WARNING,
		    "there is no port for links that other machines reach: "
		    "they cannot connect to this one, which is not announced");
		return;
	}
	if (conf_link_is_builtin(parent.conf) && port != CONF_LINK_PORT) {
		snprintf(text, sizeof(text),
		    "links are accepted on TCP port %u, since %d was taken: a "
		    "firewall that lets %d through does not let this one",
		    port, CONF_LINK_PORT, CONF_LINK_PORT);
		finding(to, CHECK_WARNING, text);
	}
}

void
rows_send(const struct asker *to, uint32_t what)
{
	switch (what) {
	case SHOW_SUMMARY:
		summary(to);
		break;
	case SHOW_PROCESSES:
		processes(to);
		break;
	case SHOW_LIMITS:
		limits(to);
		break;
	case SHOW_ORIGINS:
		origins(to);
		break;
	case SHOW_CHECK:
		check(to);
		break;
	default:
		break;
	}
}
