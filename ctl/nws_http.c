/*
 * The opening handshake of a WebSocket client (RFC 6455, 4.1), pure.  Trusts
 * nothing of the answer.
 */
#include <string.h>
#include <strings.h>

#include "../common/ws.h"
#include "nws.h"

void
handshake_request(const struct handshake *h, struct buf *out)
{
	buf_printf(out, "GET /%s%s HTTP/1.1\r\nHost: %s\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n",
	    h->channel, h->presence_off ? "?presence=off" : "", h->host,
	    h->key);
	if (h->binary)
		buf_text(out, "Sec-WebSocket-Protocol: " NWS_BINARY "\r\n");
	if (h->token != NULL)
		buf_printf(out, "Authorization: Bearer %s\r\n", h->token);
	buf_text(out, "\r\n");
}

struct field {
	const char	*name, *value;
	size_t		 name_len, value_len;
};

static int
is(const char *p, size_t n, const char *word)
{
	return (n == strlen(word) && strncasecmp(p, word, n) == 0);
}

/* Whether a comma-separated list has this word. */
static int
list_has(const char *p, size_t n, const char *word)
{
	const char *comma;
	size_t len, skip;

	for (; n > 0; p += skip, n -= skip) {
		comma = memchr(p, ',', n);
		len = comma != NULL ? (size_t)(comma - p) : n;
		skip = comma != NULL ? len + 1 : len;
		while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\t'))
			len--;
		while (len > 0 && (*p == ' ' || *p == '\t'))
			p++, len--, skip--, n--;
		if (is(p, len, word))
			return (1);
	}
	return (0);
}

/* Takes one field line, without its end, apart. */
static int
field_parse(const char *p, size_t n, struct field *f)
{
	const char *colon = memchr(p, ':', n);

	if (colon == NULL || colon == p)
		return (-1);
	f->name = p;
	f->name_len = (size_t)(colon - p);
	f->value = colon + 1;
	f->value_len = n - f->name_len - 1;
	while (f->value_len > 0 && (*f->value == ' ' || *f->value == '\t'))
		f->value++, f->value_len--;
	while (f->value_len > 0 && (f->value[f->value_len - 1] == ' ' ||
	    f->value[f->value_len - 1] == '\t'))
		f->value_len--;
	return (0);
}

#define HAVE_UPGRADE	0x1u
#define HAVE_CONNECTION	0x2u
#define HAVE_ACCEPT	0x4u
#define HAVE_PROTOCOL	0x8u

/* What one field of the answer says for or against it (4.1, steps 2 to 6). */
static const char *
field_judge(const struct handshake *h, const struct field *f,
    unsigned int *have)
{
	char want[WS_ACCEPT_LEN + 1];
	const char *v = f->value;
	size_t n = f->value_len;

	if (is(f->name, f->name_len, "Upgrade") && is(v, n, "websocket"))
		*have |= HAVE_UPGRADE;
	else if (is(f->name, f->name_len, "Connection") &&
	    list_has(v, n, "upgrade"))
		*have |= HAVE_CONNECTION;
	else if (is(f->name, f->name_len, "Sec-WebSocket-Accept")) {
		ws_accept(h->key, strlen(h->key), want);
		if (n != WS_ACCEPT_LEN || memcmp(v, want, n) != 0)
			return ("its Sec-WebSocket-Accept is wrong");
		*have |= HAVE_ACCEPT;
	} else if (is(f->name, f->name_len, "Sec-WebSocket-Extensions")) {
		if (n > 0)
			return ("it chose an extension that was not offered");
	} else if (is(f->name, f->name_len, "Sec-WebSocket-Protocol")) {
		if (!h->binary || n != strlen(NWS_BINARY) ||
		    memcmp(v, NWS_BINARY, n) != 0)
			return ("it chose a subprotocol that was not offered");
		*have |= HAVE_PROTOCOL;
	}
	return (NULL);
}

static const char *
upgrade_judge(const struct handshake *h, unsigned int have)
{
	if ((have & HAVE_UPGRADE) == 0 || (have & HAVE_CONNECTION) == 0 ||
	    (have & HAVE_ACCEPT) == 0)
		return ("it does not speak WebSocket");
	if (h->binary && (have & HAVE_PROTOCOL) == 0)
		return ("it does not know " NWS_BINARY);
	return (NULL);
}

/* "HTTP/1.1 101 ...": the status, or -1. */
static int
status_parse(const char *p, size_t n)
{
	int i, status = 0;

	if (n < 12 || memcmp(p, "HTTP/1.", 7) != 0 || p[8] != ' ' ||
	    (n > 12 && p[12] != ' '))
		return (-1);
	for (i = 9; i < 12; i++) {
		if (p[i] < '0' || p[i] > '9')
			return (-1);
		status = status * 10 + p[i] - '0';
	}
	return (status);
}

static int64_t
length_parse(const char *p, size_t n)
{
	int64_t v = 0;

	if (n == 0 || n > 9)
		return (-1);
	for (; n > 0; p++, n--) {
		if (*p < '0' || *p > '9')
			return (-1);
		v = v * 10 + *p - '0';
	}
	return (v);
}

ssize_t
handshake_answer(const struct handshake *h, const char *p, size_t n,
    int *status, int64_t *length, const char **why)
{
	const char *end = memmem(p, n, "\r\n\r\n", 4), *line, *eol;
	unsigned int have = 0;
	struct field f;

	*length = -1;
	*why = "it does not speak HTTP";
	if (memcmp(p, "HTTP/1.", n < 7 ? n : 7) != 0)
		return (-1);
	if (end == NULL) {
		*why = "its answer is too long";
		return (n > 16384 ? -1 : 0);
	}
	eol = memmem(p, n, "\r\n", 2);
	if ((*status = status_parse(p, (size_t)(eol - p))) == -1)
		return (-1);
	for (line = eol + 2; line < end; line = eol + 2) {
		eol = memmem(line, (size_t)(end + 2 - line), "\r\n", 2);
		if (field_parse(line, (size_t)(eol - line), &f) == -1)
			return (-1);
		if (is(f.name, f.name_len, "Content-Length"))
			*length = length_parse(f.value, f.value_len);
		if (*status == 101 &&
		    (*why = field_judge(h, &f, &have)) != NULL)
			return (-1);
		*why = "it does not speak HTTP";
	}
	if (*status == 101 && (*why = upgrade_judge(h, have)) != NULL)
		return (-1);
	return (end + 4 - p);
}
