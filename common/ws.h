/*
 * WebSocket on the wire (RFC 6455) and the negotiation of permessage-deflate
 * (RFC 7692), for both ends, pure.
 */
#ifndef COMMON_WS_H
#define COMMON_WS_H

#include <stddef.h>
#include <stdint.h>

#define WS_HEADER_MAX	14	/* bytes; 10 without a mask */
#define WS_CONTROL_MAX	125	/* payload of a control frame, 5.5 */
#define WS_ACCEPT_LEN	28
#define WS_KEY_LEN	24

enum ws_opcode { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8,
	WS_PING = 9, WS_PONG = 10 };

/* Close codes, 7.4.1 and the IANA registry. */
enum { WS_CODE_NORMAL = 1000, WS_CODE_GOING_AWAY = 1001,
	WS_CODE_PROTOCOL = 1002, WS_CODE_UNSUPPORTED = 1003,
	WS_CODE_NONE = 1005, WS_CODE_LOST = 1006, WS_CODE_INVALID = 1007,
	WS_CODE_POLICY = 1008, WS_CODE_TOO_BIG = 1009,
	WS_CODE_INTERNAL = 1011, WS_CODE_TRY_LATER = 1013 };

struct ws_frame {
	uint64_t	len;		/* payload bytes */
	uint8_t		opcode;		/* enum ws_opcode */
	uint8_t		fin, rsv1;
	uint8_t		masked;
	uint8_t		key[4];		/* 0 without a mask */
};

#define WS_MASKED	0x1u	/* frames must be masked: sent by a client */
#define WS_UNMASKED	0x2u	/* frames must not: sent by a server */
#define WS_RSV1		0x4u	/* permessage-deflate was negotiated */

/*
 * Decode one frame header (RFC 6455, 5.2) from in, which is borrowed.
 * Returns its size in bytes (2 to 14), 0 if more bytes are needed, or -1
 * with *code set to the close code to send: 1002 for a mask bit that flags
 * (WS_ bits above) do not allow, a reserved bit or opcode, a length that is not
 * minimal or has its top bit set, a control frame that is longer than 125 bytes
 * or fragmented; 1009 for a data frame above max_bytes.
 * RSV1 is refused on control and continuation frames (RFC 7692, 6).
 * Decides from the first bytes that tell: a bad opcode with one byte.
 */
int	ws_frame_parse(const uint8_t *in, size_t len, unsigned int flags,
	    uint64_t max_bytes, struct ws_frame *, int *code);

/*
 * Write the header of a frame with FIN set into out (WS_HEADER_MAX bytes).
 * key is the mask of a client, NULL on the server's side.  Returns its size.
 */
size_t	ws_header(uint8_t *out, int opcode, int rsv1, uint64_t len,
	    const uint8_t *key);

/*
 * XOR n bytes with the key (5.3); offset is where in the payload p begins, so
 * that a payload can be unmasked as it arrives.
 */
void	ws_mask(uint8_t *p, size_t n, const uint8_t key[4], uint64_t offset);

/*
 * Finds SHA-1 in OpenSSL, which may open files: call it before the sandbox is
 * entered.  Returns 0, or -1 when there is none.
 */
int	ws_init(void);

/* Sec-WebSocket-Accept for a key (4.2.2), as a string; ws_init() was called. */
void	ws_accept(const char *key, size_t key_len,
	    char out[WS_ACCEPT_LEN + 1]);

/* Whether a Sec-WebSocket-Key is base64 of exactly 16 bytes (4.1). */
int	ws_key_valid(const char *key, size_t len);

/* Whether a code may stand in a close frame (7.4). */
int	ws_code_valid(int code);

/*
 * Decode the payload of a close frame (5.5.1).  Returns its code
 * (WS_CODE_NONE when empty) with *reason and *reason_len pointing into it, or
 * -1 with *code the code to answer with: 1002 for one byte or a code that may
 * not be sent, 1007 for a reason that is not UTF-8.
 */
int	ws_close_parse(const uint8_t *p, size_t n, const char **reason,
	    size_t *reason_len, int *code);

/* Result of the negotiation of permessage-deflate. */
struct ws_deflate {
	int	on;
	int	server_bits;	/* window the server may use, 9 to 15 */
	int	server_bits_asked; /* an offer of 15 must be answered too */
	int	client_bits;	/* 15, or what was asked for and granted */
	int	server_takeover, client_takeover; /* always 0 from us */
};

/*
 * Choose among the offers of all Sec-WebSocket-Extensions values (joined with
 * ", ") as a server (RFC 7692, 5 and 7.1): the first permessage-deflate offer
 * that is well formed and that we can honour (server_max_window_bits of 8 is
 * not: zlib cannot).  Fills in *d and the value to answer with (no context
 * takeover either way); returns 1, or 0 when none was acceptable.  An offer
 * with an unknown or repeated parameter or a bad value is declined.
 * A header that is not even a list of extensions (9.1) returns -1.
 */
int	ws_deflate_choose(const char *value, size_t len, struct ws_deflate *d,
	    char *answer, size_t answer_size);

#endif
