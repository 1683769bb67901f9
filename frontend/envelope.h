/*
 * What a member of a channel sends and receives, in both formats of
 * nws-protocol(7): JSON text, and the binary envelope nws.binary.v1.  Pure.
 *
 * Binary, both ways: one octet, whose low bits are the type and whose top bit
 * (ENVELOPE_JSON) says that the payload is one JSON value as text; then an id
 * of 8 octets in network order where the type has one; then the payload.
 */
#ifndef FRONTEND_ENVELOPE_H
#define FRONTEND_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>

#include "../common/msg.h"

#define ENVELOPE_PROTOCOL	"nws.binary.v1"
#define ENVELOPE_JSON		0x80u

enum format { FORMAT_JSON, FORMAT_BINARY, FORMATS };

enum envelope_type {
	ENVELOPE_BROADCAST = 1,	/* to server: payload.  to client: source */
	ENVELOPE_MESSAGE = 2,	/* to server: target, payload.
				   to client: source, payload */
	ENVELOPE_STATUS = 3,	/* to server: nothing.  to client: your id */
	ENVELOPE_CONNECT = 4,	/* to client: the peer's id */
	ENVELOPE_DISCONNECT = 5,
	ENVELOPE_ERROR = 6	/* to client: enum nws_error in 2 octets, target
				   in 8 (or 0), then a text */
};

/* Codes of errors; the JSON form is the name in envelope_error_name(). */
enum nws_error {
	ERROR_UNKNOWN_TARGET = 1,	/* unknown-target */
	ERROR_NOT_JSON = 2,		/* not-json */
	ERROR_UNKNOWN_ACTION = 3,	/* unknown-action */
	ERROR_BAD_TARGET = 4,		/* bad-target: absent or not an id */
	ERROR_TOO_FAST = 5,		/* too-fast: said once, nothing lost */
	ERROR_MISSED = 6,		/* missed: target is how many; JSON has
					   "count" */
	ERROR_NOT_ENVELOPE = 7		/* not-envelope: binary form wrong */
};

const char *envelope_error_name(enum nws_error);

/* What a member asks for; points into what was parsed. */
struct request {
	enum envelope_type	 type;	/* BROADCAST, MESSAGE or STATUS */
	uint64_t		 target;
	enum data_kind		 kind;
	const uint8_t		*data;
	size_t			 len;
};

/*
 * Take apart a message from a member.  JSON text is known to be UTF-8.  Returns
 * 0, or an enum nws_error with a static text in *why.  Absent data is the JSON
 * value "".
 */
int	envelope_parse(enum format, const uint8_t *, size_t n,
	    struct request *, const char **why);

/*
 * Size of the envelope (without WebSocket header) of a broadcast or direct
 * message, and its contents.  A payload of the other kind is turned over: for
 * JSON, bytes become a base64 string, with a member "encoding":"base64" beside
 * data; for binary, JSON is passed as text with ENVELOPE_JSON set.
 * target is 0 for a broadcast.  envelope_data() writes exactly that many bytes.
 */
size_t	envelope_data_size(enum format, uint64_t source, uint64_t target,
	    enum data_kind, size_t len);
void	envelope_data(enum format, uint8_t *out, uint64_t source,
	    uint64_t target, enum data_kind, const void *, size_t len);

/*
 * The small ones: write at most ENVELOPE_SMALL_MAX bytes, return how many.
 */
#define ENVELOPE_SMALL_MAX	512
size_t	envelope_presence(enum format, uint8_t *out, int connect,
	    uint64_t you, uint64_t peer);
size_t	envelope_status(enum format, uint8_t *out, uint64_t you);
size_t	envelope_error(enum format, uint8_t *out, enum nws_error,
	    uint64_t target, const char *text);

/* Decimal digits of v into out (20 bytes are enough); returns how many. */
size_t	put_decimal(char *out, uint64_t v);

#endif
