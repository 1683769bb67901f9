/*
 * Files, see files.h.  Frontend; owns the requests for files and the pipe to
 * the process that reads them.  A request waits for its turn, is asked for, and
 * is then sent as its client reads: what is on the way to one client never is
 * more than a window.  Nothing here waits for a disk.
 *
 * A frontend believes the other process what is in a file, but not its lengths:
 * the numbers of bytes are those of the head that the client was sent.
 */
#include "files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "../common/child.h"
#include "../common/filepath.h"
#include "../common/idmap.h"
#include "../common/imsg.h"
#include "../common/log.h"
#include "../common/loop.h"
#include "client.h"
#include "counters.h"
#include "date.h"
#include "fileinfo.h"
#include "http.h"
#include "output.h"
#include "response.h"

#define PIPE_MAX	(1024u * 1024)	/* above it nothing is asked for */
#define LOCATION_MAX	3000		/* bytes, with NUL */

#define OWN_LINES	"Cross-Origin-Resource-Policy: same-origin\r\n"

enum phase {
	WAITING,	/* for others, or for the other process to be there */
	ASKED,		/* to be opened */
	SENDING,
	DRAINING	/* all of it is queued, but not sent yet */
};

struct file_request {
	TAILQ_ENTRY(file_request) entry;	/* waiting or asked */
	struct client	*client;
	struct file_wish wish;
	char		*location;	/* of this path with a / at its end */
	uint64_t	 left;		/* bytes that have to come yet */
	uint32_t	 number;
	uint32_t	 granted;	/* of these, credit is given for */
	uint32_t	 directory;
	uint32_t	 until_s;
	enum phase	 phase;
	int		 head, end;
	size_t		 len;
	char		 path[];
};
TAILQ_HEAD(file_requests, file_request);

static struct file_requests	 waiting = TAILQ_HEAD_INITIALIZER(waiting);
static struct file_requests	 asked = TAILQ_HEAD_INITIALIZER(asked);
static unsigned int		 nwaiting, nasked;
static struct idmap		 numbers;	/* of those asked */
static uint32_t			 last_number;
static uint64_t			 hits;
static struct pipe		*pipe_to;

static pipe_handler	from_answer, from_data, from_end;

static const struct pipe_phase	files_running = { "running", {
	[MSG_FILE_ANSWER] = from_answer,
	[MSG_FILE_DATA] = from_data,
	[MSG_FILE_END] = from_end,
} };

unsigned int
files_count(void)
{
	return (nwaiting + nasked);
}

uint64_t
files_hits(void)
{
	return (hits);
}

static void
tell(uint32_t type, uint32_t number, const void *data, size_t len)
{
	if (pipe_to != NULL && imsg_send(pipe_imsg(pipe_to), type, number, -1,
	    data, len) == -1)
		pipe_violation(pipe_to, "out of memory for it");
	loop_soon();
}

static void
request_free(struct file_request *t)
{
	if (t->phase == WAITING) {
		TAILQ_REMOVE(&waiting, t, entry);
		nwaiting--;
	} else {
		TAILQ_REMOVE(&asked, t, entry);
		idmap_del(&numbers, t->number);
		nasked--;
	}
	t->client->file = NULL;
	counters.file_requests = nwaiting + nasked;
	file_wish_free(&t->wish);
	free(t->location);
	free(t);
}

/* The same, where the other process may have it open. */
static void
request_cancel(struct file_request *t)
{
	if (t->phase == ASKED || t->phase == SENDING)
		tell(MSG_FILE_CANCEL, t->number, NULL, 0);
	request_free(t);
}

/* The client may ask again, or goes. */
static void
answered(struct client *c, int end)
{
	if (c->state == CLIENT_DEAD)
		return;
	if (end) {
		client_end(c);
		return;
	}
	client_state(c, CLIENT_HEAD);
	client_resume(c, PAUSE_FILE);
	loop_soon();	/* for what it asked already */
}

/* An answer that has no bytes of a file. */
static void
say(struct client *c, int end, int status, const char *extra, const char *text)
{
	char		lines[LOCATION_MAX + 256], body[256];
	struct response	r = { .status = status, .extra = lines, .body = body,
			    .type = "text/plain; charset=utf-8", .end = end };

	snprintf(lines, sizeof(lines), OWN_LINES "%s", extra);
	snprintf(body, sizeof(body), "%s\n", text);
	r.len = strlen(body);
	response_send(c, &r);
}

/* The end of a request by such an answer. */
static void
refuse(struct file_request *t, int status, const char *text)
{
	struct client	*c = t->client;
	char		 extra[LOCATION_MAX + 64];
	int		 end = t->end;

	extra[0] = '\0';
	if (status == 301)
		snprintf(extra, sizeof(extra), "Location: %s\r\n",
		    t->location);
	else if (status == 503) {
		snprintf(extra, sizeof(extra), "Retry-After: 5\r\n");
		counters.file_refused_total++;
	}
	request_cancel(t);
	if (c->state == CLIENT_DEAD)
		return;
	say(c, end, status, extra, text);
	answered(c, end);
}

/* With the query, where that fits; NULL when out of memory or too long. */
static char *
location_of(const struct http_request *r)
{
	char	*text;
	int	 n;

	n = asprintf(&text, "%.*s/%s%.*s", (int)r->path.len, r->path.p,
	    r->query.len > 0 ? "?" : "", (int)r->query.len, r->query.p);
	if (n == -1)
		return (NULL);
	if (n < LOCATION_MAX)
		return (text);
	free(text);
	return (NULL);
}

static struct file_request *
request_new(struct client *c, const struct http_request *r, const char *path,
    size_t len, int head)
{
	struct file_request	*t;

	if ((t = calloc(1, sizeof(*t) + len)) == NULL)
		return (NULL);
	memcpy(t->path, path, len);
	t->len = len;
	t->client = c;
	t->head = head;
	t->phase = WAITING;
	t->location = location_of(r);
	if (file_wish_read(r, head, (int64_t)time(NULL), &t->wish) == -1) {
		file_wish_free(&t->wish);
		free(t->location);
		free(t);
		return (NULL);
	}
	return (t);
}

static void
request_wait(struct client *c, const struct http_request *r, uint32_t number,
    const char *path, size_t len, int head, int end)
{
	struct file_request	*t;

	if ((t = request_new(c, r, path, len, head)) == NULL) {
		client_no_memory(c);
		return;
	}
	t->directory = number;
	t->end = end;
	t->until_s = loop_now_s() + FILES_WAIT_S;
	TAILQ_INSERT_TAIL(&waiting, t, entry);
	nwaiting++;
	counters.file_requests = nwaiting + nasked;
	c->file = t;
	client_state(c, CLIENT_SENDING);
	client_pause(c, PAUSE_FILE);
	loop_soon();
}

int
files_get(struct client *c, const struct http_request *r, const char *path,
    size_t len, int head, int end)
{
	const char	*rest;
	char		*location, extra[LOCATION_MAX + 64];
	uint32_t	 number;

	if (conf_files_find(conf, path, len, &number, &rest) == NULL)
		return (0);
	counters.file_requests_total++;
	if (rest == NULL && (location = location_of(r)) != NULL) {
		snprintf(extra, sizeof(extra), "Location: %s\r\n", location);
		free(location);
		say(c, end, 301, extra, "This is a directory.");
		if (!end)
			client_state(c, CLIENT_HEAD);
	} else if (rest == NULL ||
	    !file_path_valid(rest, len - (size_t)(rest - path))) {
		say(c, end, 404, "", "There is nothing of this name.");
		if (!end)
			client_state(c, CLIENT_HEAD);
	} else if (nwaiting >= FILES_WAITING_MAX) {
		hits++;
		counters.file_refused_total++;
		request_fail(c, 503, "Too many files are asked for.");
	} else
		request_wait(c, r, number, rest, len - (size_t)(rest - path),
		    head, end);
	return (1);
}

/* Asks the other process for those who wait, while it can be asked. */
static void
ask_more(void)
{
	struct file_request	*t;
	struct msg_file_ask	 ask;

	while (pipe_to != NULL && nasked < FILES_ASKED_MAX &&
	    imsg_queued(pipe_imsg(pipe_to)) < PIPE_MAX &&
	    (t = TAILQ_FIRST(&waiting)) != NULL) {
		if (++last_number == 0)
			last_number = 1;
		if (idmap_get(&numbers, last_number) != NULL)
			continue;
		if (idmap_put(&numbers, last_number, t) == -1) {
			client_no_memory(t->client);
			request_free(t);
			continue;
		}
		TAILQ_REMOVE(&waiting, t, entry);
		nwaiting--;
		TAILQ_INSERT_TAIL(&asked, t, entry);
		nasked++;
		t->phase = ASKED;
		t->number = last_number;
		ask.directory = t->directory;
		if (imsg_send2(pipe_imsg(pipe_to), MSG_FILE_ASK, t->number,
		    &ask, sizeof(ask), t->path, t->len) == -1)
			refuse(t, 503, "There is no memory for this.");
	}
}

void
files_forget(struct client *c)
{
	if (c->file != NULL)
		request_cancel(c->file);
}

void
files_away(struct client *c)
{
	enum phase	 phase = c->file->phase;

	request_cancel(c->file);
	if (phase == SENDING)
		client_kill(c);
	else if (phase == DRAINING)
		client_end(c);
	else
		request_fail(c, 503, "nwsd is stopping.");
}

void
files_due(struct client *c, uint32_t now)
{
	struct file_request	*t = c->file;

	if (t == NULL || c->state != CLIENT_SENDING)
		return;
	if (t->phase == WAITING || t->phase == ASKED) {
		if (now > t->until_s)
			refuse(t, 503, "The file could not be opened in time.");
	} else if (now - c->heard_s > conf->gone_s) {
		counters.silent_closed_total++;
		counters.file_cut_total++;
		client_kill(c);
	}
}

/*
 * The answers.
 */
static void
answer_head(const struct file_request *t, const struct file_facts *f,
    const struct file_verdict *v)
{
	char		tag[FILE_TAG_MAX], date[HTTP_DATE_LEN + 1];
	char		extra[512], *p = extra;
	size_t		size = sizeof(extra);
	int64_t		now = (int64_t)time(NULL);
	struct response	r = { .status = v->status, .extra = extra,
			    .len = v->len, .cached = 1, .head = t->head,
			    .end = t->end, .later = 1 };
	int		n;

	/* A date to come is none (RFC 9110, 8.8.2.1). */
	date[0] = '\0';
	if (f->mtime_s <= now)
		http_date_text(f->mtime_s, date);
	n = snprintf(p, size, OWN_LINES "Accept-Ranges: bytes\r\nETag: %s\r\n"
	    "%s%s%s", file_tag(f, tag), date[0] != '\0' ? "Last-Modified: " :
	    "", date, date[0] != '\0' ? "\r\n" : "");
	p += n;
	size -= (size_t)n;
	if (v->status == 206)
		snprintf(p, size, "Content-Range: bytes %" PRIu64 "-%" PRIu64
		    "/%" PRIu64 "\r\n", v->offset, v->offset + v->len - 1,
		    f->size);
	if (v->status != 304)
		r.type = file_type(t->path, t->len);
	if (t->len == 0 || t->path[t->len - 1] == '/')
		r.type = v->status != 304 ? file_type(FILE_INDEX,
		    sizeof(FILE_INDEX) - 1) : NULL;
	response_send(t->client, &r);
}

/* A condition does not hold, or there is no such range. */
static void
answer_without(struct file_request *t, const struct file_facts *f,
    const struct file_verdict *v)
{
	struct client	*c = t->client;
	char		 extra[64];
	int		 end = t->end;

	extra[0] = '\0';
	if (v->status == 416)
		snprintf(extra, sizeof(extra), "Content-Range: bytes */%"
		    PRIu64 "\r\n", f->size);
	request_cancel(t);
	say(c, end, v->status, extra, v->status == 416 ?
	    "The file has no such bytes." :
	    "The file is not what it was expected to be.");
	answered(c, end);
}

static void
opened(struct file_request *t, const struct file_facts *f)
{
	struct client		*c = t->client;
	struct file_verdict	 v;
	struct msg_file_read	 want;
	int			 end = t->end;

	file_decide(&t->wish, f, (int64_t)time(NULL), &v);
	if (v.status == 412 || v.status == 416) {
		answer_without(t, f, &v);
		return;
	}
	answer_head(t, f, &v);
	if (t->head || v.len == 0 || c->state == CLIENT_DEAD) {
		request_cancel(t);
		answered(c, end);
		return;
	}
	t->phase = SENDING;
	t->left = v.len;
	c->heard_s = loop_now_s();
	want.offset = v.offset;
	want.len = v.len;
	tell(MSG_FILE_READ, t->number, &want, sizeof(want));
}

static void
not_opened(struct file_request *t, uint32_t status)
{
	switch (status) {
	case 301:
		if (t->location != NULL) {
			refuse(t, 301, "This is a directory.");
			break;
		}
		/* FALLTHROUGH */
	case 404:
		refuse(t, 404, "There is nothing of this name.");
		break;
	case 403:
		refuse(t, 403, "nwsd is not allowed to read this file; its "
		    "processes run as the `user' of nwsd.conf(5).");
		break;
	case 503:
		refuse(t, 503, "Files cannot be opened now.");
		break;
	default:
		refuse(t, 500, "This file cannot be read.");
	}
}

/*
 * From the other process.  What it says of a request that is gone crossed the
 * word of that on its way.
 */
static struct file_request *
find(struct pipe *p, const struct imsg *m, enum phase phase)
{
	struct file_request	*t = idmap_get(&numbers, m->hdr.peerid);

	if (t == NULL || t->phase == phase)
		return (t);
	pipe_violation(p, "not expected for this file now");
	return (NULL);
}

static void
from_answer(struct pipe *p, struct imsg *m)
{
	const struct msg_file_answer	*a = m->data;
	struct file_request		*t = find(p, m, ASKED);
	struct file_facts		 f;

	if (t == NULL)
		return;
	if (a->status != 200) {
		not_opened(t, a->status);
		return;
	}
	if (a->size > INT64_MAX || a->mtime_ns >= 1000000000) {
		pipe_violation(p, "a file that cannot be");
		return;
	}
	f.size = a->size;
	f.inode = a->inode;
	f.mtime_s = a->mtime_s;
	f.mtime_ns = a->mtime_ns;
	opened(t, &f);
}

static void
from_data(struct pipe *p, struct imsg *m)
{
	struct file_request	*t = find(p, m, SENDING);
	uint8_t			*to;

	if (t == NULL)
		return;
	if (m->hdr.len > t->granted || m->hdr.len > t->left) {
		pipe_violation(p, "more than was asked for");
		return;
	}
	t->granted -= m->hdr.len;
	t->left -= m->hdr.len;
	counters.file_bytes_total += m->hdr.len;
	if ((to = output_append(t->client, m->hdr.len)) != NULL)
		memcpy(to, m->data, m->hdr.len);
}

/*
 * The rest of the file is not there: a client that was promised more has to see
 * that it is not, by the end of its connection.
 */
static void
cut(struct file_request *t)
{
	struct client	*c = t->client;

	counters.file_cut_total++;
	request_free(t);
	client_end(c);
}

static void
from_end(struct pipe *p, struct imsg *m)
{
	struct file_request	*t = find(p, m, SENDING);
	const uint32_t		*problem = m->data;

	if (t == NULL)
		return;
	if (*problem != 0 || t->left > 0) {
		cut(t);
		return;
	}
	idmap_del(&numbers, t->number);
	t->number = 0;
	t->phase = DRAINING;
}

/*
 * All is sent.  Not before, since the time that a client has for its next
 * request, or for its end, is short.
 */
static void
drained(struct file_request *t)
{
	struct client	*c = t->client;
	int		 end = t->end;

	request_free(t);
	answered(c, end);
}

/* Without the other process: who waits for it may go on waiting. */
static void
asked_end(void)
{
	struct file_request	*t, *next;

	for (t = TAILQ_FIRST(&asked); t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		if (t->phase == SENDING)
			cut(t);
		else if (t->phase == ASKED)
			refuse(t, 503, "The file could not be opened.");
	}
}

static void
files_lost(struct pipe *p, const char *why)
{
	if (why != NULL)
		log_warnx("files: %s", why);
	pipe_free(p);
	if (p == pipe_to)
		pipe_to = NULL;
	asked_end();
}

static void
drop_pipe(void)
{
	pipe_free(pipe_to);
	pipe_to = NULL;
	asked_end();
}

void
files_pipe(struct imsgbuf *ib)
{
	drop_pipe();
	pipe_to = pipe_new(ib, &files_running, files_lost, NULL);
	if (pipe_to == NULL)
		log_warnx("files: out of memory");
	loop_soon();
}

void
files_changed(void)
{
	unsigned int	 n = nwaiting;

	/* A client that is refused may ask for the next at once. */
	for (; n > 0; n--)
		refuse(TAILQ_FIRST(&waiting), 503,
		    "The configuration has changed.");
	drop_pipe();
}

/*
 * As much as the client has taken since, in large pieces; the last one however
 * small it is.
 */
static void
grant(struct file_request *t)
{
	size_t		 queued = output_queued(t->client) + t->granted;
	uint64_t	 rest = t->left - t->granted;
	uint32_t	 more;

	if (queued >= FILES_WINDOW || rest == 0)
		return;
	more = FILES_WINDOW - (uint32_t)queued;
	if (more > rest)
		more = (uint32_t)rest;
	if (more < FILES_WINDOW / 4 && more < rest)
		return;
	t->granted += more;
	tell(MSG_FILE_CREDIT, t->number, &more, sizeof(more));
}

void
files_turn_end(void)
{
	struct file_request	*t, *next;

	for (t = TAILQ_FIRST(&asked); t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		if (t->phase == SENDING)
			grant(t);
		else if (t->phase == DRAINING && t->client->output == NULL)
			drained(t);
	}
	ask_more();
	if (pipe_to != NULL)
		pipe_flush(pipe_to);
}
