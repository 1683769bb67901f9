/*
 * HTTP responses (RFC 9112): each is queued whole, at once.
 */
#ifndef FRONTEND_RESPONSE_H
#define FRONTEND_RESPONSE_H

#include <stddef.h>
#include <stdint.h>

struct client;

struct response {
	int		 status;
	const char	*type;		/* media type; NULL: no content */
	const char	*extra;		/* lines, each with CRLF; or NULL */
	const char	*body;
	uint64_t	 len;
	int		 cached;	/* 1: kept, but asked about */
	int		 head;		/* 1: the body is not sent */
	int		 later;		/* 1: others queue it and end then */
	int		 end;		/* 1: the connection ends after it */
};

/*
 * Queues one response; what it points to is copied.  A client whose request was
 * a HEAD (CLIENT_NO_BODY) gets no body.  Who does not read is not read from;
 * out of memory kills the client.
 */
void	 response_send(struct client *, const struct response *);

/* A text that says what is wrong and what to do; then the connection ends. */
void	 response_error(struct client *, int status, const char *extra,
	    const char *text);

#endif
