/*
 * What a member of a channel sends and receives, as JSON text and as
 * nws.binary.v1 (nws-protocol(7)).  Pure; runs in the frontend.  What comes
 * from a member is not trusted; what is written here was checked on its way in.
 *
 * Encoders write what their size function said, so that a message can be framed
 * in place, once for each format.
 */

#include <openssl/evp.h>
#include <string.h>

#include "envelope.h"
#include "json.h"

#define ID_LEN		8	/* octets of an id in the binary form */
#define ENCODE_PIECE	(48 * 1024)	/* bytes, a multiple of three */

/* The JSON forms in pieces; ids stand between them. */
#define J_BROADCAST	"{\"action\":\"broadcast\",\"source\":\""
#define J_MESSAGE	"{\"action\":\"message\",\"source\":\""
#define J_CONNECT	"{\"action\":\"connect\",\"source\":\""
#define J_DISCONNECT	"{\"action\":\"disconnect\",\"source\":\""
#define J_STATUS	"{\"action\":\"status\",\"source\":\""
#define J_ERROR		"{\"action\":\"error\",\"code\":\""
#define J_TARGET	"\",\"target\":\""
#define J_DATA		"\",\"data\":"
#define J_BASE64	"\",\"encoding\":\"base64\",\"data\":\""
#define J_END		"\"}"

#define LEN(s)		(sizeof(s) - 1)
#define BASE64_LEN(n)	(((n) + 2) / 3 * 4)

static int	 parse_json(const uint8_t *, size_t, struct request *,
		    const char **);
static int	 parse_binary(const uint8_t *, size_t, struct request *,
		    const char **);
static size_t	 decimal_len(uint64_t);
static uint8_t	*put(uint8_t *, const char *, size_t);
static uint8_t	*put_id(uint8_t *, uint64_t);
static uint8_t	*put_base64(uint8_t *, const uint8_t *, size_t);
static uint64_t	 get_id(const uint8_t *);
static uint8_t	*error_json(uint8_t *, enum nws_error, uint64_t,
		    const char *);

#define PUT(p, s)	put((p), (s), LEN(s))

const char *
envelope_error_name(enum nws_error error)
{
	static const char *const names[] = {
		[ERROR_UNKNOWN_TARGET] = "unknown-target",
		[ERROR_NOT_JSON] = "not-json",
		[ERROR_UNKNOWN_ACTION] = "unknown-action",
		[ERROR_BAD_TARGET] = "bad-target",
		[ERROR_TOO_FAST] = "too-fast",
		[ERROR_MISSED] = "missed",
		[ERROR_NOT_ENVELOPE] = "not-envelope"
	};

	if ((size_t)error >= sizeof(names) / sizeof(names[0]) ||
	    names[error] == NULL)
		return ("unknown");
	return (names[error]);
}

int
envelope_parse(enum format format, const uint8_t *in, size_t n,
    struct request *r, const char **why)
{
	memset(r, 0, sizeof(*r));
	if (format == FORMAT_BINARY)
		return (parse_binary(in, n, r, why));
	return (parse_json(in, n, r, why));
}

static int
parse_json(const uint8_t *in, size_t n, struct request *r, const char **why)
{
	struct json_message	 m;
	enum json_error		 error;

	error = json_message((const char *)in, n, 0, &m);
	if (error != JSON_OK) {
		*why = error != JSON_SYNTAX ? json_error_text(error) :
		    "not a JSON object with an action";
		return (ERROR_NOT_JSON);
	}
	switch (m.action) {
	case ACTION_STATUS:
		r->type = ENVELOPE_STATUS;
		return (0);
	case ACTION_BROADCAST:
		r->type = ENVELOPE_BROADCAST;
		break;
	case ACTION_MESSAGE:
		r->type = ENVELOPE_MESSAGE;
		if (m.has_target != 1 || m.target == 0) {
			*why = m.has_target == 0 ? "target is missing" :
			    "target is not a peer id";
			return (ERROR_BAD_TARGET);
		}
		r->target = m.target;
		break;
	case ACTION_NONE:
		*why = "action is missing";
		return (ERROR_UNKNOWN_ACTION);
	case ACTION_UNKNOWN:
	default:
		*why = "action is none of status, broadcast, message";
		return (ERROR_UNKNOWN_ACTION);
	}
	r->kind = DATA_JSON;
	r->data = (const uint8_t *)(m.data == NULL ? "\"\"" : m.data);
	r->len = m.data == NULL ? 2 : m.data_len;
	return (0);
}

static int
parse_binary(const uint8_t *in, size_t n, struct request *r, const char **why)
{
	*why = "envelope is cut short";
	if (n == 0)
		return (ERROR_NOT_ENVELOPE);
	switch (in[0] & ~ENVELOPE_JSON) {
	case ENVELOPE_STATUS:
		*why = "status has no payload";
		if (n != 1 || in[0] != ENVELOPE_STATUS)
			return (ERROR_NOT_ENVELOPE);
		r->type = ENVELOPE_STATUS;
		return (0);
	case ENVELOPE_BROADCAST:
		r->type = ENVELOPE_BROADCAST;
		r->data = in + 1;
		break;
	case ENVELOPE_MESSAGE:
		if (n - 1 < ID_LEN)
			return (ERROR_NOT_ENVELOPE);
		r->type = ENVELOPE_MESSAGE;
		r->target = get_id(in + 1);
		if (r->target == 0 || r->target > INT64_MAX) {
			*why = "target is not a peer id";
			return (ERROR_BAD_TARGET);
		}
		r->data = in + 1 + ID_LEN;
		break;
	default:
		*why = "type is none of broadcast, message, status";
		return (ERROR_UNKNOWN_ACTION);
	}
	r->len = (size_t)(in + n - r->data);
	r->kind = DATA_BYTES;
	if ((in[0] & ENVELOPE_JSON) != 0) {
		enum json_error error;

		error = json_check((const char *)r->data, r->len, 1);
		if (error != JSON_OK) {
			*why = json_error_text(error);
			return (ERROR_NOT_JSON);
		}
		r->kind = DATA_JSON;
	}
	return (0);
}

size_t
envelope_data_size(enum format format, uint64_t source, uint64_t target,
    enum data_kind kind, size_t len)
{
	size_t	 size;

	if (format == FORMAT_BINARY)
		return (1 + ID_LEN + len);
	size = (target == 0 ? LEN(J_BROADCAST) :
	    LEN(J_MESSAGE) + LEN(J_TARGET) + decimal_len(target)) +
	    decimal_len(source);
	if (kind == DATA_JSON)
		return (size + LEN(J_DATA) + len + 1);
	return (size + LEN(J_BASE64) + BASE64_LEN(len) + LEN(J_END));
}

void
envelope_data(enum format format, uint8_t *out, uint64_t source,
    uint64_t target, enum data_kind kind, const void *data, size_t len)
{
	uint8_t	*p = out;

	if (format == FORMAT_BINARY) {
		*p++ = (uint8_t)((target == 0 ? ENVELOPE_BROADCAST :
		    ENVELOPE_MESSAGE) |
		    (kind == DATA_JSON ? ENVELOPE_JSON : 0));
		p = put_id(p, source);
		put(p, data, len);
		return;
	}
	p = target == 0 ? PUT(p, J_BROADCAST) : PUT(p, J_MESSAGE);
	p += put_decimal((char *)p, source);
	if (target != 0) {
		p = PUT(p, J_TARGET);
		p += put_decimal((char *)p, target);
	}
	if (kind == DATA_JSON) {
		p = PUT(p, J_DATA);
		p = put(p, data, len);
		*p = '}';
		return;
	}
	p = PUT(p, J_BASE64);
	p = put_base64(p, data, len);
	PUT(p, J_END);
}

size_t
envelope_presence(enum format format, uint8_t *out, int connect,
    uint64_t you, uint64_t peer)
{
	uint8_t	*p = out;

	if (format == FORMAT_BINARY) {
		*p++ = connect ? ENVELOPE_CONNECT : ENVELOPE_DISCONNECT;
		p = put_id(p, peer);
		return ((size_t)(p - out));
	}
	p = connect ? PUT(p, J_CONNECT) : PUT(p, J_DISCONNECT);
	p += put_decimal((char *)p, you);
	p = PUT(p, J_TARGET);
	p += put_decimal((char *)p, peer);
	p = PUT(p, J_END);
	return ((size_t)(p - out));
}

size_t
envelope_status(enum format format, uint8_t *out, uint64_t you)
{
	uint8_t	*p = out;

	if (format == FORMAT_BINARY) {
		*p++ = ENVELOPE_STATUS;
		p = put_id(p, you);
		return ((size_t)(p - out));
	}
	p = PUT(p, J_STATUS);
	p += put_decimal((char *)p, you);
	p = PUT(p, J_TARGET);
	p += put_decimal((char *)p, you);
	p = PUT(p, J_END);
	return ((size_t)(p - out));
}

size_t
envelope_error(enum format format, uint8_t *out, enum nws_error error,
    uint64_t target, const char *text)
{
	uint8_t	*p = out;
	size_t	 len = strlen(text), left;

	if (format == FORMAT_JSON)
		return ((size_t)(error_json(p, error, target, text) - out));
	*p++ = ENVELOPE_ERROR;
	*p++ = (uint8_t)(error >> 8);
	*p++ = (uint8_t)error;
	p = put_id(p, target);
	left = ENVELOPE_SMALL_MAX - (size_t)(p - out);
	p = put(p, text, len < left ? len : left);
	return ((size_t)(p - out));
}

/* target is a count in ERROR_MISSED, and 0 where there is none to name. */
static uint8_t *
error_json(uint8_t *out, enum nws_error error, uint64_t target,
    const char *text)
{
	const char	*name = envelope_error_name(error);
	uint8_t		*p = out;
	size_t		 len = strlen(text), left, n;

	p = PUT(p, J_ERROR);
	p = put(p, name, strlen(name));
	if (error == ERROR_MISSED) {
		p = PUT(p, "\",\"count\":");
		p += put_decimal((char *)p, target);
		p = PUT(p, ",\"message\":");
	} else {
		if (target != 0) {
			p = PUT(p, J_TARGET);
			p += put_decimal((char *)p, target);
		}
		p = PUT(p, "\",\"message\":");
	}
	/* One escape more or less: shorten until it fits. */
	left = ENVELOPE_SMALL_MAX - (size_t)(p - out) - 1;
	if (len > left)
		len = left;
	while ((n = json_quote((char *)p, left, text, len)) == 0)
		len--;
	p += n;
	*p++ = '}';
	return (p);
}

size_t
put_decimal(char *out, uint64_t v)
{
	size_t	 n = decimal_len(v), i = n;

	do {
		out[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	return (n);
}

static size_t
decimal_len(uint64_t v)
{
	size_t	 n = 1;

	while (v >= 10) {
		v /= 10;
		n++;
	}
	return (n);
}

static uint8_t *
put(uint8_t *p, const char *bytes, size_t n)
{
	if (n > 0)
		memcpy(p, bytes, n);
	return (p + n);
}

/* An id in network order. */
static uint8_t *
put_id(uint8_t *p, uint64_t id)
{
	int	 shift;

	for (shift = 56; shift >= 0; shift -= 8)
		*p++ = (uint8_t)(id >> shift);
	return (p);
}

static uint64_t
get_id(const uint8_t *p)
{
	uint64_t	 id = 0;
	size_t		 i;

	for (i = 0; i < ID_LEN; i++)
		id = id << 8 | p[i];
	return (id);
}

/*
 * EVP_EncodeBlock() counts in int and puts a NUL behind what it wrote; J_END
 * overwrites that, and the next piece does.
 */
static uint8_t *
put_base64(uint8_t *p, const uint8_t *bytes, size_t n)
{
	size_t	 piece;

	for (; n > 0; n -= piece, bytes += piece) {
		piece = n < ENCODE_PIECE ? n : ENCODE_PIECE;
		p += EVP_EncodeBlock(p, bytes, (int)piece);
	}
	return (p);
}
