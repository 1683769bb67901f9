/*
 * What nwsctl(8) and nws(1) share: memory that grows, text that is safe to
 * show, JSON strings, and standard output that may go away.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "../common/text.h"
#include "../common/utf8.h"

/*
 * ctl_buf.c: bytes that grow at the end and are used up from the front.  A
 * zeroed struct is an empty one.  When out of memory the program ends.
 */
struct buf {
	uint8_t	*data;
	size_t	 len, size;
};

void	 buf_add(struct buf *, const void *, size_t);
void	 buf_byte(struct buf *, uint8_t);
void	 buf_text(struct buf *, const char *);
void	 buf_printf(struct buf *, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));
/* n writable bytes after the end, which buf_grew() then counts in. */
uint8_t	*buf_room(struct buf *, size_t n);
void	 buf_grew(struct buf *, size_t n);
/* Forgets the first n bytes. */
void	 buf_used(struct buf *, size_t n);
void	 buf_free(struct buf *);

/*
 * ctl_text.c
 */

/* Columns of well-formed text, one for each code point. */
size_t	 text_columns(const char *);

/*
 * Appends the n bytes so that a terminal shows them and does nothing else: what
 * is not UTF-8, control characters and those that change the direction of
 * writing become the escapes of vis(3).
 */
void	 text_visible(struct buf *, const char *, size_t n);

/* Whether text_visible() makes an escape of this code point. */
int	 text_is_unsafe(uint32_t rune);

/* "3s", "12m05s", "4h07m", "9d21h": static buffer. */
const char *text_age(uint64_t seconds);

/*
 * Seconds of "90", "90s", "10m", "12h", "7d" or "2w".  Returns 0, or -1 for
 * anything else, zero and what does not fit in 32 bits.
 */
int	 text_seconds(const char *, uint64_t *);

/*
 * Writes out what is in stdout's buffer.  When nobody reads it any more
 * (EPIPE) the program ends quietly with 0; on any other error with 1 and a
 * message.
 */
void	 stdout_flush(void);

/*
 * ctl_standard.c: for the beginning of main().  No socket becomes standard
 * input or output because that was closed: its use still fails.
 */
void	 standard_fill(void);

/*
 * ctl_wait.c
 */

/* Monotonic time. */
int64_t	 now_ms(void);

/*
 * Waits until the descriptor is ready for the poll(2) events or it is past the
 * deadline.  Returns 0, or -1 with errno set, ETIMEDOUT for the latter.
 */
int	 wait_for(int fd, short events, int64_t deadline);

/*
 * ctl_json.c
 */

/* Appends the n bytes as a JSON string; what is not UTF-8 becomes U+FFFD. */
void	 json_string(struct buf *, const char *, size_t n);

/*
 * Appends n bytes of JSON as one line that a terminal shows and that is the
 * same JSON: what text_visible() would escape is written as \uXXXX.
 */
void	 json_visible(struct buf *, const char *, size_t n);

/*
 * Size of the JSON string, with its quotes, that the n bytes begin with, 0 when
 * there is none or it is not well formed.
 */
size_t	 json_string_scan(const char *, size_t n);

/*
 * Appends the text of a JSON string of n bytes that json_string_scan() found;
 * half of a surrogate pair becomes U+FFFD.
 */
void	 json_string_text(struct buf *, const char *, size_t n);

#endif
