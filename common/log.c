/*
 * The log of every process: one write(2) for each line, to standard error, or
 * to syslog(3) from the parent.  Trusts the caller to have put through
 * log_vis() what came from outside; control characters are kept out of a line
 * anyway, so that nobody can forge a second one.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define LINE_SIZE	2048
#define VIS_MAX		256	/* characters of one log_vis() */
#define VIS_BUFFERS	4

static struct {
	const char	*name;
	int		 syslog, verbose;
	int		 stamp;		/* lines begin with the time */
	int		 level;		/* lines begin with <N> */
	unsigned int	 lost;		/* lines nobody had room for */
} log_state = { .name = "nwsd" };

/*
 * Whether standard error is the very stream that systemd says goes to the
 * journal (systemd.exec(5)); the variable alone may be inherited.
 */
static int
stderr_is_journal(void)
{
	const char		*s;
	struct stat		 st;
	unsigned long long	 dev, ino;

	s = getenv("JOURNAL_STREAM");
	if (s == NULL || sscanf(s, "%llu:%llu", &dev, &ino) != 2)
		return (0);
	return (fstat(STDERR_FILENO, &st) == 0 &&
	    (unsigned long long)st.st_dev == dev &&
	    (unsigned long long)st.st_ino == ino);
}

/* Whether a parent reads the lines and passes them on to syslog(3). */
static int
stderr_is_relay(void)
{
	struct stat	 st;

	return (fstat(STDERR_FILENO, &st) == 0 && S_ISSOCK(st.st_mode));
}

void
log_init(const char *name, int to_syslog, int stamp)
{
	time_t		 now = 0;
	struct tm	 tm;

	log_state.name = name;
	log_state.syslog = to_syslog;
	log_state.level = stderr_is_journal() || (!stamp && stderr_is_relay());
	log_state.stamp = stamp && !log_state.level;
	/*
	 * The C library reads /etc/localtime at the first use of any time
	 * function, which a sandbox would not survive later.
	 */
	gmtime_r(&now, &tm);
	if (to_syslog)
		openlog("nwsd", LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void
log_verbose(int verbose)
{
	log_state.verbose = verbose;
}

int
log_is_verbose(void)
{
	return (log_state.verbose);
}

/* A line has n characters, or as many as fit before the newline. */
static size_t
line_cut(int n)
{
	if (n < 0)
		return (0);
	return (n < LINE_SIZE - 1 ? (size_t)n : LINE_SIZE - 2);
}

static void
line_clean(char *s, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			s[i] = '?';
}

/* The time or level that a line begins with. */
static size_t
line_begin(char *line, int level)
{
	struct timespec	 ts;
	struct tm	 tm;

	if (log_state.level)
		return (line_cut(snprintf(line, LINE_SIZE, "<%d>", level)));
	if (!log_state.stamp || clock_gettime(CLOCK_REALTIME, &ts) == -1 ||
	    gmtime_r(&ts.tv_sec, &tm) == NULL)
		return (0);
	return (line_cut(snprintf(line, LINE_SIZE,
	    "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ ", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    ts.tv_nsec / 1000000)));
}

static void
line_write(char *line, size_t n)
{
	char	 note[64];
	int	 m;

	if (log_state.lost > 0) {
		m = snprintf(note, sizeof(note), "%s: %u log lines lost\n",
		    log_state.name, log_state.lost);
		if (m > 0 && (size_t)m < sizeof(note) &&
		    write(STDERR_FILENO, note, (size_t)m) == (ssize_t)m)
			log_state.lost = 0;
	}
	line[n++] = '\n';
	/* Nobody waits for a reader of the log: see child_start(). */
	if (write(STDERR_FILENO, line, n) == -1)
		log_state.lost++;
}

static void vlog(int, int, const char *, va_list)
    __attribute__((__format__(printf, 3, 0)));

/* One line; error is an errno to add the text of, or 0. */
static void
vlog(int level, int error, const char *fmt, va_list ap)
{
	char	 line[LINE_SIZE];
	size_t	 start, n;
	int	 save = errno;

	start = n = log_state.syslog ? 0 : line_begin(line, level);
	n += (size_t)snprintf(line + n, LINE_SIZE - n, "%s: ",
	    log_state.name);
	n = line_cut((int)n + vsnprintf(line + n, LINE_SIZE - n, fmt, ap));
	if (error != 0)
		n = line_cut((int)n + snprintf(line + n, LINE_SIZE - n, ": %s",
		    strerror(error)));
	line_clean(line + start, n - start);
	if (log_state.syslog)
		syslog(level, "%.*s", (int)n, line);
	else
		line_write(line, n);
	errno = save;
}

void
log_warn(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vlog(LOG_WARNING, errno, fmt, ap);
	va_end(ap);
}

void
log_warnx(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vlog(LOG_WARNING, 0, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vlog(LOG_INFO, 0, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list	 ap;

	if (!log_state.verbose)
		return;
	va_start(ap, fmt);
	vlog(LOG_DEBUG, 0, fmt, ap);
	va_end(ap);
}

void
fatal(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vlog(LOG_CRIT, errno, fmt, ap);
	va_end(ap);
	exit(1);
}

void
fatalx(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vlog(LOG_CRIT, 0, fmt, ap);
	va_end(ap);
	exit(1);
}

void
log_relay(const char *text, size_t len)
{
	char	 line[LINE_SIZE];
	size_t	 start, n;
	int	 level = LOG_INFO;

	/* The level as a child writes it, <0> to <7>. */
	if (len >= 3 && text[0] == '<' && text[1] >= '0' && text[1] <= '7' &&
	    text[2] == '>') {
		level = text[1] - '0';
		text += 3;
		len -= 3;
	}
	start = log_state.syslog ? 0 : line_begin(line, level);
	n = len < LINE_SIZE - 1 - start ? len : LINE_SIZE - 1 - start;
	memcpy(line + start, text, n);
	line_clean(line + start, n);
	if (log_state.syslog)
		syslog(level, "%.*s", (int)n, line);
	else
		line_write(line, start + n);
}

int
log_allowed(struct log_limit *limit)
{
	struct timespec	 ts;
	unsigned int	 dropped;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		return (0);
	if (limit->used == 0 ||
	    ts.tv_sec - limit->since_s >= (int64_t)limit->period_s) {
		dropped = limit->dropped;
		limit->since_s = ts.tv_sec;
		limit->used = limit->dropped = 0;
		if (dropped > 0)
			log_warnx("%u lines like the next were left out",
			    dropped);
	}
	if (limit->used >= limit->burst) {
		limit->dropped++;
		return (0);
	}
	limit->used++;
	return (1);
}

/* One byte in the style of vis(3); returns how many characters, at most 4. */
static size_t
vis_byte(char out[5], unsigned char c)
{
	static const char	 plain[] = "\a\b\f\n\r\t\v\\";
	static const char	 letter[] = "abfnrtv\\";
	const char		*p;

	if (c != '\0' && (p = strchr(plain, c)) != NULL) {
		out[0] = '\\';
		out[1] = letter[p - plain];
		return (2);
	}
	if (c >= 0x20 && c < 0x7f) {
		out[0] = (char)c;
		return (1);
	}
	out[0] = '\\';
	out[1] = (char)('0' + (c >> 6));
	out[2] = (char)('0' + ((c >> 3) & 7));
	out[3] = (char)('0' + (c & 7));
	return (4);
}

const char *
log_vis(const void *data, size_t n)
{
	static char		 buf[VIS_BUFFERS][VIS_MAX + 4];
	static unsigned int	 next;
	const unsigned char	*p = data;
	char			*out, c[5];
	size_t			 i, len = 0, m;

	out = buf[next];
	next = (next + 1) % VIS_BUFFERS;
	for (i = 0; i < n; i++) {
		m = vis_byte(c, p[i]);
		if (len + m > VIS_MAX) {
			memcpy(out + len, "...", 3);
			len += 3;
			break;
		}
		memcpy(out + len, c, m);
		len += m;
	}
	out[len] = '\0';
	return (out);
}
