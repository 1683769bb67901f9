/*
 * nws(1), a client for the shell.  Everything here runs in one process with the
 * rights of whoever typed the command; it trusts neither the server nor what
 * other members of the channel say.
 */
#ifndef CTL_NWS_H
#define CTL_NWS_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "ctl.h"

#define NWS_PORT	"9009"
#define NWS_LINE_MAX	(1024u * 1024u)		/* one line of stdin */
#define NWS_BYTES_MAX	(64u * 1024u * 1024u)	/* all of stdin, -p -b */
#define NWS_MESSAGE_MAX	(128u * 1024u * 1024u)	/* from the server */
#define NWS_BINARY	"nws.binary.v1"

/* Exit codes; nws(1) promises them to scripts. */
enum { EXIT_OK = 0, EXIT_LOCAL = 1, EXIT_CONNECT = 2, EXIT_REFUSED = 3,
	EXIT_LOST = 4, EXIT_UNDELIVERED = 5 };

struct options {
	int		 binary, json, leave_at_eof, presence_off, publish;
	int		 quiet, verbose;
	char		 host[256], port[6];
	const char	*unix_path;	/* or NULL: host and port */
	const char	*token_file;	/* or NULL */
	const char	*channel;
	uint64_t	 count;		/* 0: no end */
	uint64_t	 target;	/* 0: broadcast */
	uint64_t	 wait_s;	/* 0: for ever */
};

/*
 * nws_options.c: reads the command line; what the options point to is borrowed
 * from it.  Returns 0, 'h' or 'V' when help or the version is asked for, or -1
 * with a text in why.
 */
int	nws_options(int argc, char *argv[], struct options *, char *why,
	    size_t why_size);

/*
 * nws_lines.c: bytes in pieces to lines.  A zeroed struct with max set is an
 * empty one.
 */
struct lines {
	struct buf	in;
	size_t		at;		/* begin of the next line */
	size_t		seen;		/* no newline before this */
	size_t		max;
	int		skipping;	/* in a line that was too long */
};

void	lines_add(struct lines *, const void *, size_t);

/*
 * The next line, without its newline unless keep is 1; valid until the next
 * call with this struct.  last says that nothing more will come, so that what
 * is left is a line although no newline ends it.  Returns 1; 0 when there is
 * none yet; -1, once, for a line of more than max bytes, which is skipped.
 */
int	lines_next(struct lines *, int last, int keep, const char **,
	    size_t *);

/*
 * nws_http.c: the opening handshake (RFC 6455, 4.1), pure.
 */
struct handshake {
	const char	*host;		/* value of Host */
	const char	*channel;
	const char	*token;		/* or NULL */
	int		 binary, presence_off;
	char		 key[25];	/* Sec-WebSocket-Key */
};

void	handshake_request(const struct handshake *, struct buf *);

/*
 * Judges the n bytes of an answer.  Returns the size of its head, 0 when more
 * bytes are needed, or -1 with *why when it is no answer to our request.
 * *status is the HTTP status and *length that of the body, -1 if not said.
 */
ssize_t	handshake_answer(const struct handshake *, const char *, size_t n,
	    int *status, int64_t *length, const char **why);

/*
 * nws_message.c: messages of nws-protocol(7), pure but for memory.
 */
enum message_type { MESSAGE_OTHER, MESSAGE_BROADCAST, MESSAGE_DIRECT,
	MESSAGE_STATUS, MESSAGE_CONNECT, MESSAGE_DISCONNECT, MESSAGE_ERROR };

/* A message from the server; points into what was parsed. */
struct message {
	enum message_type type;
	uint64_t	 source, target, count;
	const char	*data;		/* JSON value, or bytes */
	size_t		 data_len;
	int		 data_json;	/* 1: data is JSON */
	int		 data_base64;	/* 1: a JSON string of base64 */
	const char	*text;		/* of an error, as data is */
	size_t		 text_len;
	char		 code[24];	/* of an error */
};

/*
 * Appends what to send: a broadcast, or a direct message when target is not 0,
 * or a status request.  Payload: bytes when binary, else JSON, taken as it is
 * when raw is 1 and made a string otherwise.
 */
void	message_put(struct buf *, int binary, uint64_t target, int raw,
	    const void *, size_t);
void	message_put_status(struct buf *, int binary);

/* Returns 0, or -1 for what is no message. */
int	message_parse(int binary, const char *, size_t, struct message *);

/* Appends the payload as the text or bytes that it stands for. */
void	message_payload(const struct message *, struct buf *);
/* Appends the text of an error. */
void	message_text(const struct message *, int binary, struct buf *);

/* Whether the n bytes are one JSON value with white space around it at most. */
int	message_is_json(const char *, size_t);

/*
 * nws_dial.c: connects until the deadline (now_ms()).  Returns a nonblocking
 * socket, or -1 after having said on stderr what is wrong.
 */
int	dial(const struct options *, int64_t deadline);

/*
 * nws_hello.c: the opening handshake on it.  Returns 0 with what came after it
 * in rest, or an exit code after having said what is wrong.
 */
int	hello(const struct options *, int fd, int64_t deadline,
	    struct buf *rest);

/*
 * nws_ws.c: a WebSocket that is open.
 */
struct conn {
	int		 fd;
	struct buf	 in, out, message;
	size_t		 in_at, out_at;	/* used up before these */
	int		 opcode;	/* of a message in fragments, or 0 */
	int		 verbose;
	int		 close_sent;
	int		 eof;		/* nothing more comes */
	int		 broken;	/* nothing more goes */
	int		 failed;	/* code that we closed with, or 0 */
	int		 close_code;	/* received, WS_CODE_NONE if empty */
	char		 close_reason[124];
	size_t		 largest;	/* message sent, bytes */
};

/* Takes fd and rest. */
void	conn_init(struct conn *, int fd, struct buf *rest, int verbose);
void	conn_free(struct conn *);
size_t	conn_queued(const struct conn *);
void	conn_send(struct conn *, int opcode, const void *, size_t);
/* Sends a close frame, once. */
void	conn_close(struct conn *, int code);
/* Writes as much as the socket takes.  Returns whether anything went. */
int	conn_write(struct conn *);
/* Reads once.  Returns whether anything came; sets eof at the end. */
int	conn_read(struct conn *);
/*
 * The next whole message, valid until the next call.  Answers pings and close
 * frames.  Returns 1, or 0 when there is none: look at close_code and failed.
 */
int	conn_next(struct conn *, int *opcode, const char **, size_t *);
/* What a close code means. */
const char *close_text(int code);

/* nws_run.c: talks until the end; returns the exit code. */
int	run(const struct options *, struct conn *);

#endif
