/*
 * The files process: reads the files beneath the directories of nwsd.conf(5)
 * for the frontends, which have the clients and may open nothing.  It holds a
 * descriptor of each directory, given by the parent, and may open what is
 * beneath them.  It trusts the parent alone.  This file has the process's main,
 * the directories, and the tables of what may arrive from the parent.
 *
 * The directories are those of the start: after that the sandbox lets no others
 * be read.  For others the parent starts the process anew.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/child.h"
#include "common/conf.h"
#include "common/hash.h"
#include "common/imsg.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/sandbox.h"
#include "files/beneath.h"
#include "files/serve.h"

#define IDLE_MORE_S	30	/* a frontend gives a client up before that */

struct directories {
	int fds[CONF_FILES_MAX];
	size_t n;
};

static struct directories now, next;
static const struct conf *conf;

static pipe_handler handle_conf, handle_directory, handle_pipe, handle_show;

static const struct pipe_phase parent_startup = {
	.name = "startup",
	.handler = {
		[MSG_CONF] = handle_conf,
		[MSG_DIRECTORY] = handle_directory,
		[MSG_CONF_END] = child_conf_end,
		[MSG_PIPE] = handle_pipe,
		[MSG_START] = child_begin,
		[MSG_LOG_LEVEL] = child_log_level,
		[MSG_MONITOR] = child_monitor,
		[MSG_SHOW] = handle_show,
		[MSG_TRIP] = child_trip
	}
};

static const struct pipe_phase parent_running = {
	.name = "running",
	.handler = {
		[MSG_CONF] = handle_conf,
		[MSG_DIRECTORY] = handle_directory,
		[MSG_CONF_END] = child_conf_end,
		[MSG_PIPE] = handle_pipe,
		[MSG_LOG_LEVEL] = child_log_level,
		[MSG_MONITOR] = child_monitor,
		[MSG_SHOW] = handle_show,
		[MSG_TRIP] = child_trip
	}
};

static void
directories_close(struct directories *d)
{
	while (d->n > 0)
		close(d->fds[--d->n]);
}

static void
handle_conf(struct pipe *p, struct imsg *m)
{
	directories_close(&next);
	child_conf(p, m);
}

/* They come in order. */
static void
handle_directory(struct pipe *p, struct imsg *m)
{
	struct msg_directory d;

	memcpy(&d, m->data, sizeof(d));
	if (d.index != next.n || next.n == CONF_FILES_MAX) {
		pipe_violation(p, "a directory out of order");
		return;
	}
	next.fds[next.n++] = m->fd;
	m->fd = -1;
}

static void
serve(void)
{
	serve_configure(now.fds, now.n, conf->gone_s + IDLE_MORE_S);
}

static void
configure(struct conf *new)
{
	conf = new;
	directories_close(&now);
	now = next;
	next.n = 0;
	if (child_started())
		serve();
}

static void
handle_pipe(struct pipe *p, struct imsg *m)
{
	struct imsgbuf *ib;
	struct msg_pipe to;

	if ((ib = child_take_pipe(p, m, P_FRONTEND, &to)) != NULL)
		serve_reader(ib, to.instance);
}

/* Says what will not work, once. */
static void
check_directories(void)
{
	const struct conf_files *files = TAILQ_FIRST(&conf->files);
	size_t i;

	for (i = 0; i < now.n && files != NULL; i++,
	    files = TAILQ_NEXT(files, entry)) {
		if (beneath_check(now.fds[i]) == 0)
			continue;
		if (errno == ENOSYS) {
			log_warnx("no files are served: this system cannot "
			    "open a file so that it is beneath a directory "
			    "(openat2, Linux 5.6)");
			return;
		}
		log_warn("files \"%s\"", files->directory);
	}
}

static void
start(void)
{
	check_directories();
	serve();
	sandbox_directories(now.fds, now.n);
}

static void
handle_show(struct pipe *p, struct imsg *m)
{
	struct msg_show show;

	(void)p;
	memcpy(&show, m->data, sizeof(show));
	serve_show(m->hdr.peerid, show.what);
}

static const struct child_process process = {
	.startup = &parent_startup,
	.running = &parent_running,
	.configure = configure,
	.start = start
};

static void
turn_end(void)
{
	serve_turn_end();
	pipe_flush(child_parent());
}

int
files_main(void)
{
	hash_seed();
	child_start(&process);
	serve_init();
	loop_run(turn_end);
	return (0);
}
