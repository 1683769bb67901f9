/* The control socket, as nwsctl(8) uses it: ask, then wait for the answer. */
#include <bsd/string.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../common/conf.h"
#include "../common/imsg.h"
#include "nwsctl.h"

#define ROOT_PATH	"/run/nwsd/nwsd.ctl"

static struct imsgbuf *link_buf;

void
json_print(struct json *j)
{
	if (j->failed)
		errx(EXIT_ERROR, "out of memory");
	fwrite(j->text, 1, j->len, stdout);
	json_free(j);
}

void
json_finish(struct json *j)
{
	json_end(j);
	json_print(j);
}

int
report_error(int code, const char *fmt, ...)
{
	struct json j;
	char text[MSG_ROW_MAX + 512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	warnx("%s", text);
	if (options.json) {
		json_begin(&j);
		json_bool(&j, "ok", 0);
		json_word(&j, "error", text);
		json_finish(&j);
		stdout_flush();
	}
	return (code);
}

static void
cannot_connect(const char *path)
{
	const char *advice = "";
	struct stat st;
	int error = errno;

	switch (error) {
	case ENOENT:
		exit(report_error(EXIT_NO_DAEMON, "%s: no such socket: is nwsd "
		    "running? (start it, or name its socket with -s)", path));
	case ECONNREFUSED:
		advice = stat(path, &st) == 0 && !S_ISSOCK(st.st_mode) ?
		    ": this is no socket" :
		    ": nwsd is not running (its socket is left over)";
		break;
	case EACCES:
	case EPERM:
		advice = ": are you root, or the user that runs nwsd?";
		break;
	}
	exit(report_error(EXIT_NO_DAEMON, "%s: %s%s", path, strerror(error),
	    advice));
}

static int
connect_to(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int error, fd;

	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return (-1);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0 &&
	    fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
		return (fd);
	error = errno;
	close(fd);
	errno = error;
	return (-1);
}

void
link_open(void)
{
	char own[256];
	const char *path = options.path;
	int fd;

	if (path == NULL) {
		if (conf_control_path(own, sizeof(own)) == -1)
			exit(report_error(EXIT_ERROR, "the path of the control "
			    "socket is too long: name it with -s"));
		path = own;
	}
	/* nwsd may be the user's own, or the machine's. */
	if ((fd = connect_to(path)) == -1 && errno == ENOENT &&
	    options.path == NULL && access(ROOT_PATH, F_OK) == 0) {
		path = ROOT_PATH;
		fd = connect_to(path);
	}
	if (fd == -1)
		cannot_connect(path);
	if ((link_buf = imsgbuf_new(fd, P_CTL, P_PARENT, 0)) == NULL)
		err(EXIT_ERROR, NULL);
}

void
link_close(void)
{
	if (link_buf != NULL)
		imsgbuf_free(link_buf);
	link_buf = NULL;
}

int
link_fd(void)
{
	return (imsgbuf_fd(link_buf));
}

static void __attribute__((__noreturn__))
gone(void)
{
	exit(report_error(EXIT_NO_DAEMON, "nwsd closed the connection: it "
	    "ended or was restarted"));
}

void
link_say(uint32_t type, const void *p, size_t n, const void *tail,
    size_t tail_len)
{
	int r;

	if (link_buf == NULL)
		link_open();
	if (imsg_send2(link_buf, type, 0, p, n, tail, tail_len) == -1)
		err(EXIT_ERROR, "%s", msg_name(type));
	while ((r = imsg_flush(link_buf)) == 1)
		wait_for(link_fd(), POLLOUT, now_ms() + 1000);
	/* it may have said why before it closed */
	if (r == -1 && errno != EPIPE && errno != ECONNRESET)
		gone();
}

int
link_next(struct imsg *m)
{
	const char *why;
	int r;

	if ((r = imsg_get(link_buf, m, &why)) == 0) {
		if (imsg_read(link_buf) == -1)
			gone();
		r = imsg_get(link_buf, m, &why);
	}
	if (r == -1)
		exit(report_error(EXIT_ERROR, "nwsd answers in a way that this "
		    "nwsctl does not know (%s): are they of one version?",
		    why));
	return (r);
}

void
link_receive(struct imsg *m, unsigned int seconds)
{
	int64_t deadline = now_ms() + (int64_t)seconds * 1000;

	while (link_next(m) == 0)
		if (wait_for(link_fd(), POLLIN, deadline) == -1)
			exit(report_error(EXIT_ERROR, "no answer from nwsd "
			    "within %u s", seconds));
}

int
link_refused(const struct imsg *m)
{
	struct buf text = { NULL, 0, 0 };

	text_visible(&text, (const char *)m->data + sizeof(uint32_t),
	    m->hdr.len - sizeof(uint32_t));
	buf_byte(&text, '\0');
	report_error(EXIT_ERROR, "%s",
	    text.len > 1 ? (char *)text.data : "refused by nwsd");
	buf_free(&text);
	return (EXIT_ERROR);
}

int
link_outcome(const char *said)
{
	struct buf text = { NULL, 0, 0 };
	struct imsg m;
	struct json j;
	uint32_t code;
	const char *p;
	size_t n;

	do
		link_receive(&m, 30);
	while (m.hdr.type != MSG_CTL_DONE);
	memcpy(&code, m.data, sizeof(code));
	if (code != 0)
		return (link_refused(&m));
	p = (const char *)m.data + sizeof(code);
	n = m.hdr.len - sizeof(code);
	text_visible(&text, p, n);
	buf_byte(&text, '\0');
	if (options.json) {
		json_begin(&j);
		json_bool(&j, "ok", 1);
		if (n > 0)
			json_text(&j, "message", p, n);
		json_finish(&j);
	} else if (n > 0)
		printf("%s\n", (char *)text.data);
	else if (said != NULL)
		printf("%s\n", said);
	buf_free(&text);
	return (EXIT_DONE);
}
