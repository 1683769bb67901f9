/*
 * The log.  Every process writes lines to standard error; when nwsd runs in
 * the background the parent gives its children a socket there and passes the
 * lines on to syslog(3), so that no child ever opens anything.
 *
 * What came from outside must go through log_vis().
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>

/*
 * name is the process's ("router"); borrowed for ever.  to_syslog is only for
 * the parent.  With stamp, lines on standard error begin with the time, unless
 * $JOURNAL_STREAM or $INVOCATION_ID says that systemd adds it.
 */
void	log_init(const char *name, int to_syslog, int stamp);
void	log_verbose(int);		/* 1: log_debug() is shown */
int	log_is_verbose(void);

/* log_warn() and fatal() add the text of errno; the x variants do not. */
void	log_warn(const char *, ...) __attribute__((__format__(printf, 1, 2)));
void	log_warnx(const char *, ...) __attribute__((__format__(printf, 1, 2)));
void	log_info(const char *, ...) __attribute__((__format__(printf, 1, 2)));
void	log_debug(const char *, ...) __attribute__((__format__(printf, 1, 2)));
void	fatal(const char *, ...)
	    __attribute__((__noreturn__, __format__(printf, 1, 2)));
void	fatalx(const char *, ...)
	    __attribute__((__noreturn__, __format__(printf, 1, 2)));

/*
 * Parent only: passes on a line that a child wrote, as it is, without its
 * newline; len bytes, control characters are made visible.
 */
void	log_relay(const char *text, size_t len);

/*
 * At most `burst` lines in `period_s` seconds for one place in the code that
 * an outsider can trigger; the next line after a pause says how many were left
 * out.  Returns whether to log now.
 *
 *	static struct log_limit limit = { 5, 60 };
 *	if (log_allowed(&limit))
 *		log_warnx(...);
 */
struct log_limit {
	unsigned int	burst, period_s;
	unsigned int	used, dropped;
	int64_t		since_s;
};
int	log_allowed(struct log_limit *);

/*
 * The n bytes as printable ASCII (vis(3), VIS_CSTYLE), cut with "..." at a
 * sensible length, in one of four static buffers.
 */
const char	*log_vis(const void *, size_t);

#endif
