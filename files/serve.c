/*
 * Serving files to the frontends, see serve.h.  Run by the process that does
 * just that; owns the open files.  It trusts no frontend: each has its share of
 * files, may ask for nothing but what a browser may, and is sent only what it
 * gave credit for.
 *
 * A read may have to wait for the disk, and then all do: that is why it is not
 * done by those who have the clients.
 */
#include "files/serve.h"

#include <sys/queue.h>
#include <sys/resource.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/child.h"
#include "common/filepath.h"
#include "common/idmap.h"
#include "common/imsg.h"
#include "common/log.h"
#include "common/loop.h"
#include "files/beneath.h"
#include "files/counters.h"

#define QUEUE_MAX	(1024u * 1024u)	/* bytes that a frontend has to read */
#define TURN_CHUNKS	32		/* read from disk in one turn */
#define RESERVED_FDS	160		/* for pipes, directories and others */

/* A frontend. */
struct reader {
	TAILQ_ENTRY(reader) entry;
	struct pipe *pipe;
	struct idmap numbers;		/* its files */
	TAILQ_HEAD(, file) files;	/* who spoke last is last */
	unsigned int n_files;
	uint32_t instance;
};

struct file {
	TAILQ_ENTRY(file) entry;	/* of its reader */
	TAILQ_ENTRY(file) ready_entry;
	struct reader *reader;
	uint64_t size, offset, left;
	int64_t heard_ms;
	uint32_t number;
	uint32_t credit;
	int fd;
	int reading;			/* FILE_READ has been said */
	int ready;			/* in the list */
};

struct files_counters files_counters;

static TAILQ_HEAD(, reader) readers = TAILQ_HEAD_INITIALIZER(readers);
static TAILQ_HEAD(, file) ready = TAILQ_HEAD_INITIALIZER(ready);
static struct event idle_event;
static const int *directories;
static size_t n_directories;
static uint32_t idle_s;
static unsigned int open_max;
static uint64_t open_hits, reader_hits;	/* how often a limit was reached */
static uint8_t chunk[MSG_CHUNK_MAX];

static pipe_handler handle_ask, handle_read, handle_credit, handle_cancel;

static const struct pipe_phase reader_running = {
	.name = "running",
	.handler = {
		[MSG_FILE_ASK] = handle_ask,
		[MSG_FILE_READ] = handle_read,
		[MSG_FILE_CREDIT] = handle_credit,
		[MSG_FILE_CANCEL] = handle_cancel
	}
};

/* In the list while there is something that may be sent. */
static void
file_update(struct file *f)
{
	int is_ready = f->reading && f->left > 0 && f->credit > 0;

	if (is_ready && !f->ready)
		TAILQ_INSERT_TAIL(&ready, f, ready_entry);
	else if (!is_ready && f->ready)
		TAILQ_REMOVE(&ready, f, ready_entry);
	f->ready = is_ready;
}

static void
file_close(struct reader *r, struct file *f)
{
	f->reading = 0;
	file_update(f);
	TAILQ_REMOVE(&r->files, f, entry);
	idmap_del(&r->numbers, f->number);
	r->n_files--;
	files_counters.open--;
	close(f->fd);
	free(f);
}

static void
file_heard(struct file *f)
{
	f->heard_ms = loop_now_ms();
	TAILQ_REMOVE(&f->reader->files, f, entry);
	TAILQ_INSERT_TAIL(&f->reader->files, f, entry);
}

static void
reader_free(struct reader *r)
{
	struct file *f;

	while ((f = TAILQ_FIRST(&r->files)) != NULL)
		file_close(r, f);
	idmap_clear(&r->numbers);
	TAILQ_REMOVE(&readers, r, entry);
	pipe_free(r->pipe);
	free(r);
}

/* A frontend that breaks a rule is to be started again. */
static void
reader_closed(struct pipe *p, const char *why)
{
	struct reader *r = pipe_arg(p);

	if (why != NULL) {
		log_warnx("frontend %u: given up: %s", r->instance, why);
		files_counters.violations_total++;
		child_stuck(P_FRONTEND, r->instance);
	}
	reader_free(r);
}

static void
reader_send(struct reader *r, uint32_t type, uint32_t number,
    const void *data, size_t len)
{
	if (imsg_send(pipe_imsg(r->pipe), type, number, -1, data, len) == -1)
		pipe_violation(r->pipe, "out of memory for it");
}

static void
file_end(struct reader *r, struct file *f, uint32_t problem)
{
	uint32_t number = f->number;

	file_close(r, f);
	reader_send(r, MSG_FILE_END, number, &problem, sizeof(problem));
}

/*
 * From a frontend.  What it says of a file that is closed already crossed the
 * word of that on its way.
 */
static struct file *
file_find(struct pipe *p, const struct imsg *m)
{
	struct reader *r = pipe_arg(p);

	return (idmap_get(&r->numbers, m->hdr.peerid));
}

/* Whether there is room for one more. */
static int
room_for(const struct reader *r)
{
	if (r->n_files >= OPEN_READER_MAX) {
		reader_hits++;
		return (0);
	}
	if (files_counters.open >= open_max) {
		open_hits++;
		return (0);
	}
	return (1);
}

static int
file_keep(struct reader *r, uint32_t number, int fd, uint64_t size)
{
	struct file *f;

	if ((f = calloc(1, sizeof(*f))) == NULL ||
	    idmap_put(&r->numbers, number, f) == -1) {
		free(f);
		return (-1);
	}
	f->reader = r;
	f->number = number;
	f->fd = fd;
	f->size = size;
	f->heard_ms = loop_now_ms();
	TAILQ_INSERT_TAIL(&r->files, f, entry);
	r->n_files++;
	files_counters.open++;
	files_counters.opened_total++;
	return (0);
}

static void
open_for(struct reader *r, uint32_t number, int dir, const char *path,
    size_t len)
{
	struct msg_file_answer answer;
	int fd;

	memset(&answer, 0, sizeof(answer));
	if (!room_for(r)) {
		answer.status = 503;
	} else if ((fd = beneath_open(dir, path, len, &answer)) != -1 &&
	    file_keep(r, number, fd, answer.size) == -1) {
		close(fd);
		memset(&answer, 0, sizeof(answer));
		answer.status = 503;
	}
	if (answer.status != 200)
		files_counters.refused_total++;
	reader_send(r, MSG_FILE_ANSWER, number, &answer, sizeof(answer));
}

static void
handle_ask(struct pipe *p, struct imsg *m)
{
	struct msg_file_ask ask;
	const char *path = (const char *)m->data + sizeof(ask);
	size_t len = m->hdr.len - sizeof(ask);

	memcpy(&ask, m->data, sizeof(ask));
	if (ask.directory >= n_directories)
		pipe_violation(p, "no such directory");
	else if (!file_path_valid(path, len))
		pipe_violation(p, "not a path that may be asked for");
	else if (m->hdr.peerid == 0 || file_find(p, m) != NULL)
		pipe_violation(p, "no number, or one in use");
	else {
		files_counters.asked_total++;
		open_for(pipe_arg(p), m->hdr.peerid,
		    directories[ask.directory], path, len);
	}
}

static void
handle_read(struct pipe *p, struct imsg *m)
{
	struct file *f = file_find(p, m);
	struct msg_file_read want;

	if (f == NULL)
		return;
	memcpy(&want, m->data, sizeof(want));
	if (f->reading || want.len == 0 || want.offset > f->size ||
	    want.len > f->size - want.offset) {
		pipe_violation(p, "asked twice, or for more than there is");
		return;
	}
	f->reading = 1;
	f->offset = want.offset;
	f->left = want.len;
	file_heard(f);
	file_update(f);
}

static void
handle_credit(struct pipe *p, struct imsg *m)
{
	struct file *f = file_find(p, m);
	uint32_t more;

	if (f == NULL)
		return;
	memcpy(&more, m->data, sizeof(more));
	if (more > MSG_CREDIT_MAX - f->credit) {
		pipe_violation(p, "more credit than one may give");
		return;
	}
	f->credit += more;
	file_heard(f);
	file_update(f);
}

static void
handle_cancel(struct pipe *p, struct imsg *m)
{
	struct file *f = file_find(p, m);

	if (f == NULL)
		return;
	files_counters.cancelled_total++;
	file_close(f->reader, f);
}

void
serve_reader(struct imsgbuf *ib, uint32_t instance)
{
	struct reader *r, *old;

	TAILQ_FOREACH(old, &readers, entry)
		if (old->instance == instance)
			break;
	if (old != NULL)
		reader_free(old);
	if ((r = calloc(1, sizeof(*r))) == NULL) {
		imsgbuf_free(ib);
		log_warnx("frontend %u: out of memory", instance);
		return;
	}
	TAILQ_INIT(&r->files);
	r->instance = instance;
	r->pipe = pipe_new(ib, &reader_running, reader_closed, r);
	if (r->pipe == NULL) {
		log_warnx("frontend %u: out of memory", instance);
		free(r);
		return;
	}
	TAILQ_INSERT_TAIL(&readers, r, entry);
}

static int
reader_full(const struct reader *r)
{
	return (imsg_queued(pipe_imsg(r->pipe)) >= QUEUE_MAX);
}

/* One chunk.  What grew since it was opened is sent as large as it was. */
static void
file_send(struct file *f)
{
	size_t want = sizeof(chunk);
	ssize_t n;

	if (want > f->credit)
		want = f->credit;
	if (want > f->left)
		want = (size_t)f->left;
	n = pread(f->fd, chunk, want, (off_t)f->offset);
	if (n <= 0) {
		files_counters.cut_total++;
		file_end(f->reader, f, 1);
		return;
	}
	reader_send(f->reader, MSG_FILE_DATA, f->number, chunk, (size_t)n);
	files_counters.bytes_total += (uint64_t)n;
	f->offset += (uint64_t)n;
	f->left -= (uint64_t)n;
	f->credit -= (uint32_t)n;
	file_update(f);
	if (f->left == 0)
		file_end(f->reader, f, 0);
}

/* The first that can be sent to somebody who reads; it becomes the last. */
static struct file *
file_next(void)
{
	struct file *f;

	TAILQ_FOREACH(f, &ready, ready_entry) {
		if (reader_full(f->reader))
			continue;
		TAILQ_REMOVE(&ready, f, ready_entry);
		TAILQ_INSERT_TAIL(&ready, f, ready_entry);
		return (f);
	}
	return (NULL);
}

void
serve_turn_end(void)
{
	static const struct timeval second = { 1, 0 };
	struct reader *r;
	struct file *f;
	int i;

	for (i = 0; i < TURN_CHUNKS && (f = file_next()) != NULL; i++)
		file_send(f);
	TAILQ_FOREACH(r, &readers, entry) {
		pipe_flush(r->pipe);
		pipe_pause(r->pipe, reader_full(r));
	}
	if (file_next() != NULL)
		loop_soon();
	if (files_counters.open > 0 &&
	    !event_pending(&idle_event, EV_TIMEOUT, NULL))
		(void)event_add(&idle_event, &second);
}

/* Closes what nobody has spoken of for too long. */
static void
idle_cb(evutil_socket_t fd, short what, void *arg)
{
	int64_t before = loop_now_ms() - (int64_t)idle_s * 1000;
	struct reader *r;
	struct file *f;

	(void)fd;
	(void)what;
	(void)arg;
	TAILQ_FOREACH(r, &readers, entry) {
		while ((f = TAILQ_FIRST(&r->files)) != NULL &&
		    f->heard_ms < before) {
			files_counters.timeouts_total++;
			file_end(r, f, 1);
		}
	}
}

void
serve_init(void)
{
	struct rlimit rl;

	open_max = OPEN_MAX;
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur <
	    OPEN_MAX + RESERVED_FDS)
		open_max = rl.rlim_cur > 2 * RESERVED_FDS ?
		    (unsigned int)rl.rlim_cur - RESERVED_FDS :
		    (unsigned int)rl.rlim_cur / 2;
	event_assign(&idle_event, loop_base(), -1, 0, idle_cb, NULL);
}

void
serve_configure(const int *dirs, size_t n, uint32_t seconds)
{
	directories = dirs;
	n_directories = n;
	idle_s = seconds;
}

static void
show_counters(uint32_t ticket)
{
#define X(member, gauge)						\
	child_row_counter(ticket, "files_" #member, files_counters.member, \
	    gauge);
	FILES_COUNTERS(X)
#undef X
}

static void
show_limits(uint32_t ticket)
{
	const struct reader *r;
	unsigned int most = 0;

	TAILQ_FOREACH(r, &readers, entry)
		if (r->n_files > most)
			most = r->n_files;
	child_row_limit(ticket, "open-files", files_counters.open, open_max,
	    open_hits);
	child_row_limit(ticket, "open-files-per-frontend", most,
	    OPEN_READER_MAX, reader_hits);
}

void
serve_show(uint32_t ticket, uint32_t what)
{
	if (what == SHOW_SUMMARY)
		show_counters(ticket);
	else if (what == SHOW_LIMITS)
		show_limits(ticket);
	child_row_end(ticket);
}
