/*
 * Protocol Buffers on the wire (protobuf.dev, "Encoding"), fields of varints
 * and bytes.  Pure; runs in crypto, on bytes that came from a link, most of
 * them before it is known who sent them.
 *
 * Deprecated groups are refused, since to skip one means to recurse.
 */
#include <string.h>

#include "crypto/protobuf.h"

static int	varint_take(struct pb_reader *, uint64_t *);
static int	fixed_take(struct pb_reader *, size_t, uint64_t *);
static int	value_take(struct pb_reader *, struct pb_field *);
static void	varint_put(struct pb_writer *, uint64_t);

void
pb_reader_init(struct pb_reader *r, const void *p, size_t n)
{
	r->p = p;
	r->left = n;
	r->failed = 0;
}

int
pb_next(struct pb_reader *r, struct pb_field *f)
{
	uint64_t tag;

	if (r->failed)
		return (-1);
	if (r->left == 0)
		return (0);
	memset(f, 0, sizeof(*f));
	if (varint_take(r, &tag) == -1 || tag >> 3 == 0 ||
	    tag >> 3 > PB_NUMBER_MAX) {
		r->failed = 1;
		return (-1);
	}
	f->number = (uint32_t)(tag >> 3);
	f->type = tag & 7;
	if (value_take(r, f) == -1) {
		r->failed = 1;
		return (-1);
	}
	return (1);
}

static int
value_take(struct pb_reader *r, struct pb_field *f)
{
	uint64_t len;

	switch (f->type) {
	case PB_VARINT:
		return (varint_take(r, &f->value));
	case PB_FIXED64:
		return (fixed_take(r, 8, &f->value));
	case PB_FIXED32:
		return (fixed_take(r, 4, &f->value));
	case PB_BYTES:
		if (varint_take(r, &len) == -1 || len > r->left)
			return (-1);
		f->data = r->p;
		f->len = (size_t)len;
		r->p += f->len;
		r->left -= f->len;
		return (0);
	default:
		return (-1);
	}
}

static int
varint_take(struct pb_reader *r, uint64_t *value)
{
	uint64_t	v = 0;
	size_t		i;
	uint8_t		c;

	for (i = 0; i < r->left && i < PB_VARINT_MAX; i++) {
		c = r->p[i];
		/* The tenth byte has room for the 64th bit. */
		if (i == PB_VARINT_MAX - 1 && c > 1)
			return (-1);
		v |= (uint64_t)(c & 0x7f) << (7 * i);
		if ((c & 0x80) != 0)
			continue;
		r->p += i + 1;
		r->left -= i + 1;
		*value = v;
		return (0);
	}
	return (-1);
}

static int
fixed_take(struct pb_reader *r, size_t n, uint64_t *value)
{
	size_t i;

	if (n > r->left)
		return (-1);
	for (*value = 0, i = 0; i < n; i++)
		*value |= (uint64_t)r->p[i] << (8 * i);
	r->p += n;
	r->left -= n;
	return (0);
}

void
pb_writer_init(struct pb_writer *w, void *out, size_t size)
{
	w->out = out;
	w->size = size;
	w->len = 0;
	w->failed = 0;
}

void
pb_put_varint(struct pb_writer *w, uint32_t number, uint64_t value)
{
	varint_put(w, (uint64_t)number << 3 | PB_VARINT);
	varint_put(w, value);
}

void
pb_put_bytes(struct pb_writer *w, uint32_t number, const void *p, size_t n)
{
	varint_put(w, (uint64_t)number << 3 | PB_BYTES);
	varint_put(w, n);
	if (w->failed || n > w->size - w->len) {
		w->failed = 1;
		return;
	}
	if (n > 0)
		memcpy(w->out + w->len, p, n);
	w->len += n;
}

static void
varint_put(struct pb_writer *w, uint64_t v)
{
	uint8_t	out[PB_VARINT_MAX];
	size_t	n = 0;

	for (; v >= 0x80; v >>= 7)
		out[n++] = (uint8_t)(v | 0x80);
	out[n++] = (uint8_t)v;
	if (w->failed || n > w->size - w->len) {
		w->failed = 1;
		return;
	}
	memcpy(w->out + w->len, out, n);
	w->len += n;
}
