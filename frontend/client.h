/*
 * One connection: what is common to every state it can be in.  Private to the
 * frontend.  The files that work on it:
 *
 *	listener.c	accept
 *	client.c	life, reading, timers, pauses
 *	output.c	what waits to be sent, and sending it
 *	request.c	HTTP requests, admission, upgrade
 *	ask.c		who waits for an answer of the parent
 *	console_serve.c	the console
 *	files.c		who is sent a file
 *	session.c	WebSocket frames and messages
 *	echo.c, member.c	services: what to do with a message
 */
#ifndef FRONTEND_CLIENT_H
#define FRONTEND_CLIENT_H

#include <event2/event_struct.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "../common/conf.h"
#include "../common/ws.h"
#include "envelope.h"

struct channel;
struct feed;
struct file_request;
struct listener;
struct message;
struct output;
struct source;

enum client_state {
	CLIENT_HEAD,	/* reads a request head */
	CLIENT_JOINING,	/* asked the router for admission to an upgrade */
	CLIENT_WAITING,	/* asked for what the parent has to gather or do */
	CLIENT_SENDING,	/* asked for a file, waits for it or is sent it */
	CLIENT_OPEN,	/* WebSocket */
	CLIENT_CLOSING,	/* sent a close frame, waits for the answer */
	CLIENT_ENDING,	/* all is said: flush, then FIN, then wait for theirs */
	CLIENT_DEAD	/* freed at the end of the turn */
};

#define CLIENT_SILENT	0x1u	/* ?presence=off */
#define CLIENT_PINGED	0x2u	/* a ping is under way */
#define CLIENT_WARNED	0x4u	/* was told that it is too fast */
#define CLIENT_FIN	0x8u	/* our FIN is sent */
#define CLIENT_CUT	0x10u	/* cut off: gets more time to read its close */
#define CLIENT_MEMBER	0x20u	/* the router said JOINED */
#define CLIENT_LISTED	0x40u	/* is in the list of its state (link) */
#define CLIENT_NO_BODY	0x80u	/* asked with HEAD */

struct client;

/* A service that a WebSocket can be connected to. */
struct service {
	const char	*name;
	uint32_t	 scope;		/* SCOPE_ bit for the origin's grant */
	/*
	 * One whole message: text is checked UTF-8.  data is borrowed, and may
	 * be written to.  May close the client.
	 */
	void		(*message)(struct client *, enum ws_opcode,
			    uint8_t *data, size_t len);
};

extern const struct service service_echo, service_member;

/* Bytes read that cannot be used yet. */
struct leftover {
	size_t	 len;
	uint8_t	 data[];
};

struct client {
	struct event		 ev;		/* readable */
	LIST_ENTRY(client)	 wheel;		/* timer, see client.c */
	TAILQ_ENTRY(client)	 link;		/* handshakes; rate pauses */
	uint64_t		 id;
	const struct service	*service;
	struct channel		*channel;
	struct feed		*feed;		/* what it is sent, shared */
	struct output		*output;	/* what it alone is sent */
	struct message		*message;	/* half received */
	struct file_request	*file;		/* while SENDING */
	struct leftover		*leftover;
	struct listener		*listener;	/* borrowed; NULL once gone */
	struct source		*origin, *address;
	char			*upgrade;	/* while JOINING: the 101 */
	uint64_t		 messages_in, bytes_in;
	int64_t			 rate_tat_ns;	/* see rate.h */
	int			 fd;
	uint32_t		 seat;		/* index in the feed */
	uint32_t		 wake_s;	/* when the timer looks */
	uint32_t		 heard_s, since_s;
	uint16_t		 flags;		/* CLIENT_ bits */
	uint8_t			 state;		/* enum client_state */
	uint8_t			 paused;	/* PAUSE_ bits */
	uint8_t			 format;	/* enum format */
	uint8_t			 deflate_bits;	/* 0 without */
};

/*
 * Bytes queued for the router above which clients are not read from, and below
 * which they are again.
 */
#define FRONTEND_BACKLOG_HIGH	(1024u * 1024)
#define FRONTEND_BACKLOG_LOW	(256u * 1024)

/* What its messages are sent as. */
static inline enum ws_opcode
client_opcode(const struct client *c)
{
	return (c->format == FORMAT_JSON ? WS_TEXT : WS_BINARY);
}

/* frontend.c: the configuration in force, and who else is there. */
extern const struct conf *conf;
struct grants *frontend_grants(void);
/* The router's pipe to send to, or NULL while there is none. */
struct imsgbuf *frontend_router(void);

/*
 * client.c
 */
void	 client_init(void);

/*
 * The timers run while there is anybody to look at, or a paused listener.  -1
 * when out of memory.
 */
int	 client_tick_start(void);

/* Takes fd.  Returns 0, or -1 when out of memory, with fd closed. */
int	 client_new(int fd, struct listener *, const uint8_t addr[16]);

/* The client of that id, in whatever state, or NULL. */
struct client *client_find(uint64_t id);

/* Gives an upgrading client its random id.  -1 when out of memory. */
int	 client_identify(struct client *);

/* Calls back for every one; the callback may kill it. */
void	 client_each(void (*)(struct client *, void *), void *);

/* A new configuration: its times and rates hold for those who are there. */
void	 client_configure(void);

/* Drops the connection now; freed at the end of the turn. */
void	 client_kill(struct client *);

/*
 * Ends a connection in an orderly way: what is queued is sent, then FIN, then
 * the peer has a little time to do the same.
 */
void	 client_end(struct client *);

/* A close frame is queued: wait for the peer's, whatever else comes. */
void	 client_closing(struct client *);

/* No more memory for this client. */
void	 client_no_memory(struct client *);

/* Leaves its state's list, tells router and channel that it is gone. */
void	 client_depart(struct client *);

/* Sets a new state and the timer that goes with it. */
void	 client_state(struct client *, enum client_state);

void	 client_pause(struct client *, uint8_t why);
void	 client_resume(struct client *, uint8_t why);

/*
 * All that it was to be sent is sent: resumes what PAUSE_OUTPUT stopped, in the
 * next turn, since this one may be in the middle of writing to a feed.
 */
void	 client_ease(struct client *);

/* Resumes all that waited for the router. */
void	 client_resume_router(void);

/* Frees the dead; the last thing in a turn. */
void	 client_reap(void);

/* Stop accepting new work and send everybody away (1001). */
void	 client_shutdown(void);
unsigned int client_count(void);

/*
 * request.c: uses up request heads at p; returns how many bytes, and ends or
 * kills the client for what is wrong.
 */
size_t	 request_input(struct client *, uint8_t *p, size_t n);
/* The router's answer to the admission of an upgrade. */
void	 request_joined(struct client *, int shown);
void	 request_refused(struct client *, enum refused why);
/* Sends a whole response with a plain text, then ends the connection. */
void	 request_fail(struct client *, int status, const char *text);
/*
 * Answers a CLIENT_WAITING with what it waited for, of this media type; head:
 * to a HEAD.  Unless it is to end, it may ask again.
 */
void	 request_answer(struct client *, const char *type, const char *body,
	    size_t len, int head, int end);

/*
 * session.c: uses up bytes of frames; stops early when the client is paused or
 * no longer open.  Returns how many were used.
 */
size_t	 websocket_input(struct client *, uint8_t *p, size_t n);

/* Whether a rate of nwsd.conf(5) has its next message wait. */
int	 websocket_waits(const struct client *);

/*
 * Sends a close frame (code 0: an empty one) and waits for the answer.  reason
 * may be NULL.
 */
void	 websocket_close(struct client *, int code, const char *reason);
void	 websocket_ping(struct client *);
/* Cuts off a slow reader: drops its queue, closes with 1013. */
void	 websocket_cut(struct client *);
void	 websocket_free(struct client *);

/*
 * member.c: what the router says for one member; and an error for it.
 */
void	 member_deliver(const struct msg_data *, const uint8_t *, size_t);
void	 member_undelivered(uint64_t source, uint64_t target);
void	 member_error(struct client *, enum nws_error, uint64_t target,
	    const char *text);

#endif
