/*
 * Files: requests for what is beneath the directories of nwsd.conf(5), which
 * another process reads; this one has the clients.
 */
#ifndef FRONTEND_FILES_H
#define FRONTEND_FILES_H

#include <stddef.h>
#include <stdint.h>

struct client;
struct http_request;
struct imsgbuf;

#define FILES_ASKED_MAX		256	/* files asked for at one time */
#define FILES_WAITING_MAX	1024	/* requests behind these; else 503 */
#define FILES_WAIT_S		10	/* for a file to be opened; else 503 */
#define FILES_WINDOW		(256u * 1024)	/* bytes on their way to one */

/*
 * Answers a GET or HEAD whose decoded path belongs to a files line: returns 0
 * where it belongs to none.  The client is answered later, and until the last
 * byte is queued not read from.  end: the connection ends after the answer.
 */
int	files_get(struct client *, const struct http_request *,
	    const char *path, size_t len, int head, int end);

/* The client is gone. */
void	files_forget(struct client *);

/* The client, which is CLIENT_SENDING, has to go now. */
void	files_away(struct client *);

/*
 * Once a second for each that is CLIENT_SENDING: gives up what takes too long.
 */
void	files_due(struct client *, uint32_t now_s);

/* A pipe to the process that reads files; takes the imsgbuf. */
void	files_pipe(struct imsgbuf *);

/* The files lines are others now: what was asked for by the old ones ends. */
void	files_changed(void);

/* Gives credit, asks for what waits, and writes to the pipe. */
void	files_turn_end(void);

/* Requests under way, and how many were refused because of their number. */
unsigned int files_count(void);
uint64_t files_hits(void);

#endif
