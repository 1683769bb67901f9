/*
 * yamux (libp2p specs, yamux/README.md): many streams over one secured
 * connection, both roles, pure: bytes in, events and bytes out.
 *
 * Memory is bounded: nothing that is received is kept, whoever reads an event
 * keeps what he likes and says with yamux_consume() when it is gone; until then
 * the windows say how much more may come.  What waits to be sent is at most
 * out_max with YAMUX_CONTROL_MAX on top.
 */
#ifndef CRYPTO_YAMUX_H
#define CRYPTO_YAMUX_H

#include <stddef.h>
#include <stdint.h>

#define YAMUX_HEADER_LEN 12
#define YAMUX_WINDOW	(256u * 1024)	/* at first, of every stream */
#define YAMUX_WINDOW_MAX (16u * 1024 * 1024)	/* that we grant */
#define YAMUX_FRAME_MAX	(65519 - YAMUX_HEADER_LEN) /* payload that we send */
#define YAMUX_UNACKED_MAX 256		/* streams of ours, per specification */
#define YAMUX_CONTROL_MAX (16u * 1024)	/* bytes of frames without payload */

/* Codes of a GoAway. */
enum { YAMUX_NORMAL = 0, YAMUX_PROTOCOL = 1, YAMUX_INTERNAL = 2 };

struct yamux;

struct yamux_config {
	int		dialler;	/* of the connection */
	uint32_t	window_bytes;	/* of a stream, towards us */
	size_t		in_max;		/* streams that they opened */
	size_t		out_streams_max; /* streams that we opened */
	size_t		out_max;	/* bytes that wait to be sent */
	size_t		unread_max;	/* bytes not consumed, of all streams */
};

enum yamux_event_type {
	YAMUX_NONE,		/* more bytes are needed */
	YAMUX_OPENED,		/* they opened a stream */
	YAMUX_DATA,		/* data, len: borrowed from the input */
	YAMUX_WRITABLE,		/* a write that was short may go on */
	YAMUX_FIN,		/* no more data will come on this stream */
	YAMUX_RESET,		/* the stream is gone; code */
	YAMUX_PONG,		/* the answer to our ping; code is its value */
	YAMUX_GOAWAY,		/* they will end the session; code */
	YAMUX_FAILED,		/* the session is over; code, which was sent */
};

struct yamux_event {
	enum yamux_event_type type;
	uint32_t	 id;		/* of the stream */
	void		*arg;		/* of the stream */
	int		 ended;		/* the stream is gone with this event */
	int		 by_us;		/* YAMUX_RESET: unread_max was passed */
	const uint8_t	*data;
	size_t		 len;
	uint32_t	 code;
};

/* Returns NULL with errno set: ENOMEM, EINVAL for a window out of bounds. */
struct yamux *yamux_new(const struct yamux_config *);
void	yamux_free(struct yamux *);

/*
 * Reads n bytes up to the first event.  Returns the bytes used; call again with
 * the rest until the event is YAMUX_NONE.  Bytes that are left then are to be
 * given again after some output was sent: answers would pile up otherwise.
 * After YAMUX_FAILED everything is used and nothing happens.
 *
 * In an event, any function below may be called for any stream.
 */
size_t	yamux_input(struct yamux *, const uint8_t *in, size_t n,
	    struct yamux_event *);

/* What waits to be sent, borrowed until the next call of anything here. */
size_t	yamux_output(const struct yamux *, const uint8_t **);
void	yamux_sent(struct yamux *, size_t n);

/* Gives back the memory of the output, if nothing waits there. */
void	yamux_trim(struct yamux *);

/*
 * Opens a stream.  Returns its id; or 0 with errno EAGAIN at a limit, EPIPE
 * when the session ends or ended, ENOMEM.
 */
uint32_t yamux_open(struct yamux *, void *arg);

/*
 * Sends data on a stream.  Returns how much of it was taken, which is less than
 * n when the window or the output is full: YAMUX_WRITABLE tells when the window
 * opens.  Returns -1 if there is no such stream, our side of it is closed or
 * the session is over.
 */
long	yamux_write(struct yamux *, uint32_t id, const void *, size_t n);

/* How much yamux_write() would take now. */
size_t	yamux_room(const struct yamux *, uint32_t id);

/*
 * Says that n of the bytes that came are gone, so that more may come.  Returns
 * 0, or -1 if there is no such stream or not as much came.
 */
int	yamux_consume(struct yamux *, uint32_t id, size_t n);

/*
 * Ends our side of a stream.  Returns 1 if the stream is gone with it, 0 if
 * they may still send, -1 if there is no such stream.
 */
int	yamux_close(struct yamux *, uint32_t id);

/* Ends both sides at once; the stream is gone.  Returns 0, -1: none such. */
int	yamux_reset(struct yamux *, uint32_t id, uint32_t code);

/* What a stream of theirs belongs to.  Returns 0, -1: none such. */
int	yamux_set_arg(struct yamux *, uint32_t id, void *arg);
void	*yamux_arg(const struct yamux *, uint32_t id);

/* Asks for a YAMUX_PONG.  Returns 0, or -1 while one is awaited. */
int	yamux_ping(struct yamux *, uint32_t value);

/* Says that we end the session; streams that they open now are reset. */
void	yamux_goaway(struct yamux *, uint32_t code);

/*
 * Walks the streams: begin with *at = 0.  Returns the id, 0 at the end.  No
 * stream may come or go on the way.
 */
uint32_t yamux_iterate(const struct yamux *, size_t *at, void **arg);

size_t	yamux_streams(const struct yamux *);
size_t	yamux_unread(const struct yamux *);	/* bytes not consumed */
size_t	yamux_memory(const struct yamux *);	/* bytes held */
int	yamux_failed(const struct yamux *);

#endif
