/*
 * HTTP responses, see response.h.  Frontend; holds only what nwsd itself wrote.
 */
#include "response.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "date.h"
#include "http.h"
#include "output.h"

#define RESPONSE_MAX	4096	/* of a response head, and of an error */

/* The lines that describe the content; a 304 has none (RFC 9110, 15.4.5). */
static const char *
content_lines(const struct response *r, char *text, size_t size)
{
	text[0] = '\0';
	if (r->type != NULL)
		snprintf(text, size, "Content-Type: %s\r\n"
		    "Content-Length: %" PRIu64 "\r\n", r->type, r->len);
	return (text);
}

void
response_send(struct client *c, const struct response *r)
{
	char	 text[RESPONSE_MAX], content[256], date[HTTP_DATE_LEN + 1];
	uint8_t	*p;
	size_t	 len = (size_t)r->len;
	int	 n;

	http_date_text((int64_t)time(NULL), date);
	n = snprintf(text, sizeof(text), "HTTP/1.1 %d %s\r\nDate: %s\r\n%s"
	    "Cache-Control: %s\r\nX-Content-Type-Options: nosniff\r\n"
	    "%s%s\r\n", r->status, http_reason(r->status), date,
	    content_lines(r, content, sizeof(content)),
	    r->cached ? "no-cache" : "no-store",
	    r->extra != NULL ? r->extra : "",
	    r->end ? "Connection: close\r\n" : "");
	if (n < 0 || (size_t)n >= sizeof(text)) {
		client_kill(c);
		return;
	}
	if (r->head || r->later || r->type == NULL ||
	    (c->flags & CLIENT_NO_BODY))
		len = 0;
	c->flags &= (uint16_t)~CLIENT_NO_BODY;
	if ((p = output_append(c, (size_t)n + len)) == NULL)
		return;
	memcpy(p, text, (size_t)n);
	if (len > 0)
		memcpy(p + n, r->body, len);
	if (r->later)
		return;
	if (r->end)
		client_end(c);
	/* Who does not read his answers need not ask for more. */
	else if (output_queued(c) > conf->queue_limit)
		client_pause(c, PAUSE_OUTPUT);
}

void
response_error(struct client *c, int status, const char *extra,
    const char *text)
{
	char		body[RESPONSE_MAX];
	int		n;
	struct response	r = { .status = status, .extra = extra, .body = body,
			    .type = "text/plain; charset=utf-8", .end = 1 };

	n = snprintf(body, sizeof(body), "%s\n", text);
	r.len = (size_t)n < sizeof(body) ? (size_t)n : sizeof(body) - 1;
	response_send(c, &r);
}
