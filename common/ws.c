/*
 * WebSocket frames, handshake key and close codes (RFC 6455).  Pure; runs in
 * the frontend on what clients sent, and in nws(1) on what nwsd sent.  Trusts
 * neither.  Extensions are in ws_deflate.c.
 */

#include <openssl/evp.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "utf8.h"
#include "ws.h"

#define WS_GUID		"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"	/* 1.3 */
#define SHA1_LEN	20

static int	length_parse(const uint8_t *, size_t, size_t, uint64_t,
		    uint64_t *, int *);

static EVP_MD		*sha1;
static EVP_MD_CTX	*sha1_ctx;

int
ws_init(void)
{
	if (sha1 == NULL)
		sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	if (sha1_ctx == NULL)
		sha1_ctx = EVP_MD_CTX_new();
	return (sha1 == NULL || sha1_ctx == NULL ? -1 : 0);
}

int
ws_frame_parse(const uint8_t *in, size_t len, unsigned int flags,
    uint64_t max_bytes, struct ws_frame *f, int *code)
{
	size_t	 size = 2, extra;

	if (len == 0)
		return (0);
	*code = WS_CODE_PROTOCOL;
	f->fin = in[0] >> 7;
	f->rsv1 = in[0] >> 6 & 1;
	f->opcode = in[0] & 0x0f;
	if ((in[0] & 0x30) != 0 || (f->opcode > WS_BINARY &&
	    f->opcode < WS_CLOSE) || f->opcode > WS_PONG)
		return (-1);
	if (f->rsv1 && ((flags & WS_RSV1) == 0 ||
	    f->opcode == WS_CONTINUATION || f->opcode >= WS_CLOSE))
		return (-1);
	if (f->opcode >= WS_CLOSE && !f->fin)
		return (-1);
	if (len < 2)
		return (0);

	f->masked = in[1] >> 7;
	f->len = in[1] & 0x7f;
	if ((flags & (f->masked ? WS_UNMASKED : WS_MASKED)) != 0)
		return (-1);
	if (f->opcode >= WS_CLOSE) {
		if (f->len > WS_CONTROL_MAX)
			return (-1);
		max_bytes = WS_CONTROL_MAX;
	}
	extra = f->len == 127 ? 8 : f->len == 126 ? 2 : 0;
	if (length_parse(in + 2, len - 2 < extra ? len - 2 : extra, extra,
	    max_bytes, &f->len, code) == -1)
		return (-1);
	size += extra + (f->masked ? 4 : 0);
	if (size > len)
		return (0);
	memset(f->key, 0, sizeof(f->key));
	if (f->masked)
		memcpy(f->key, in + size - 4, 4);
	return ((int)size);
}

/*
 * The extended payload length: the first n of size bytes (0, 2 or 8) are there.
 * The bytes to come bound the length from both sides, so that a length which
 * is not minimal, or which is too large, shows as soon as it is certain.
 */
static int
length_parse(const uint8_t *p, size_t n, size_t size, uint64_t max_bytes,
    uint64_t *len, int *code)
{
	uint64_t	low = 0, high = 0, least;
	size_t		i;

	if (size == 0)
		low = high = *len;
	for (i = 0; i < size; i++) {
		low = low << 8 | (i < n ? p[i] : 0);
		high = high << 8 | (i < n ? p[i] : 0xff);
	}
	least = size == 8 ? 0x10000 : size == 2 ? 126 : 0;
	*code = WS_CODE_PROTOCOL;
	if (high < least || low >> 63 != 0)
		return (-1);
	*code = WS_CODE_TOO_BIG;
	if (low > max_bytes)
		return (-1);
	*len = low;
	return (0);
}

size_t
ws_header(uint8_t *out, int opcode, int rsv1, uint64_t len, const uint8_t *key)
{
	size_t	 size = 2, extra = 0, i;

	out[0] = (uint8_t)(0x80 | (rsv1 ? 0x40 : 0) | opcode);
	if (len < 126)
		out[1] = (uint8_t)len;
	else {
		extra = len < 0x10000 ? 2 : 8;
		out[1] = extra == 2 ? 126 : 127;
	}
	for (i = 0; i < extra; i++)
		out[size++] = (uint8_t)(len >> 8 * (extra - 1 - i));
	if (key != NULL) {
		out[1] |= 0x80;
		memcpy(out + size, key, 4);
		size += 4;
	}
	return (size);
}

#ifdef __SSE2__
static inline void
xor_bytes(__m128i *p, __m128i mask)
{
	_mm_storeu_si128(p, _mm_xor_si128(_mm_loadu_si128(p), mask));
}
#endif

void
ws_mask(uint8_t *p, size_t n, const uint8_t key[4], uint64_t offset)
{
	uint8_t		 twice[8];
	uint64_t	 word, mask;
	uint32_t	 turned;
	size_t		 i;

	/* The key as it applies from p on. */
	memcpy(twice, key, 4);
	memcpy(twice + 4, key, 4);
	memcpy(&turned, twice + (offset & 3), sizeof(turned));
#ifdef __SSE2__
	const __m128i	 wide = _mm_set1_epi32((int)turned);
	__m128i		*v;

	for (; n >= 64; n -= 64, p += 64) {
		v = (__m128i *)(void *)p;
		xor_bytes(v, wide);
		xor_bytes(v + 1, wide);
		xor_bytes(v + 2, wide);
		xor_bytes(v + 3, wide);
	}
#endif
	mask = (uint64_t)turned << 32 | turned;
	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&word, p, sizeof(word));
		word ^= mask;
		memcpy(p, &word, sizeof(word));
	}
	for (i = 0; i < n; i++)
		p[i] ^= twice[(offset + i) & 3];
}

void
ws_accept(const char *key, size_t key_len, char out[WS_ACCEPT_LEN + 1])
{
	uint8_t	 digest[SHA1_LEN];

	out[0] = '\0';
	if (ws_init() == -1 ||
	    EVP_DigestInit_ex(sha1_ctx, sha1, NULL) != 1 ||
	    EVP_DigestUpdate(sha1_ctx, key, key_len) != 1 ||
	    EVP_DigestUpdate(sha1_ctx, WS_GUID, strlen(WS_GUID)) != 1 ||
	    EVP_DigestFinal_ex(sha1_ctx, digest, NULL) != 1)
		return;
	EVP_EncodeBlock((uint8_t *)out, digest, sizeof(digest));
}

/*
 * 22 digits carry 132 bits for 128: the last 4 are spare, and decoders need not
 * look at them (RFC 4648, 3.5).
 */
int
ws_key_valid(const char *key, size_t len)
{
	size_t	 i;

	if (len != WS_KEY_LEN || key[22] != '=' || key[23] != '=')
		return (0);
	for (i = 0; i < 22; i++)
		if (!((key[i] >= 'A' && key[i] <= 'Z') ||
		    (key[i] >= 'a' && key[i] <= 'z') ||
		    (key[i] >= '0' && key[i] <= '9') ||
		    key[i] == '+' || key[i] == '/'))
			return (0);
	return (1);
}

/*
 * 1004 is reserved, 1005, 1006 and 1015 only say what happened (7.4.1); 1012 to
 * 1014 were registered later; 3000 to 4999 belong to others (7.4.2).
 */
int
ws_code_valid(int code)
{
	return ((code >= 1000 && code <= 1003) ||
	    (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999));
}

int
ws_close_parse(const uint8_t *p, size_t n, const char **reason,
    size_t *reason_len, int *code)
{
	int	 said;

	*reason = "";
	*reason_len = 0;
	if (n == 0)
		return (WS_CODE_NONE);
	*code = WS_CODE_PROTOCOL;
	if (n < 2)
		return (-1);
	said = p[0] << 8 | p[1];
	if (!ws_code_valid(said))
		return (-1);
	*code = WS_CODE_INVALID;
	if (utf8_check(UTF8_START, p + 2, n - 2) != UTF8_START)
		return (-1);
	*reason = (const char *)p + 2;
	*reason_len = n - 2;
	return (said);
}
