/*
 * Pages and resources built in, see pages.h.  Frontend.
 */
#include <string.h>

#include "pages.h"

static const char	first_page[] =
"<!doctype html>\n"
"<html lang=\"en\">\n"
"<head>\n"
"<meta charset=\"utf-8\">\n"
"<meta name=\"viewport\" content=\"width=device-width\">\n"
"<meta name=\"color-scheme\" content=\"light dark\">\n"
"<title>nwsd</title>\n"
"</head>\n"
"<body>\n"
"<h1>nwsd is running</h1>\n"
"<p>Any page or program on this machine can open a WebSocket to this address\n"
"and is on a named channel with everyone else who asked for the same "
"name.</p>\n"
"<pre>\n"
"ws = new WebSocket(\"ws://localhost:9009/chat\");\n"
"ws.onmessage = e =&gt; console.log(e.data);\n"
"ws.onopen = () =&gt; ws.send('{\"action\":\"broadcast\","
"\"data\":\"hello\"}');\n"
"</pre>\n"
"<p>From a shell: <code>nws chat</code>. A page from another web site has "
"to be\ngranted first: <code>nwsctl origin pending</code> lists who asked,\n"
"<code>nwsctl origin allow ORIGIN</code> lets one in.</p>\n"
"<p>See nws(1), nws-protocol(7), nwsd.conf(5) and nwsctl(8).</p>\n"
"</body>\n"
"</html>\n";

static const char	health[] = "{\"ok\":true}\n";

static const struct page	pages[] = {
	{ "/", "text/html; charset=utf-8",
	    "default-src 'none'; connect-src 'self'; "
	    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
	    first_page, sizeof(first_page) - 1, 0 },
	{ "/health", "application/json", NULL, health, sizeof(health) - 1, 1 },
};

const struct page *
page_find(const char *path, size_t len)
{
	size_t	i;

	for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (strlen(pages[i].path) == len &&
		    memcmp(pages[i].path, path, len) == 0)
			return (&pages[i]);
	return (NULL);
}
