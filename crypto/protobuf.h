/*
 * As much of the encoding of Protocol Buffers as libp2p's messages take, pure.
 */
#ifndef CRYPTO_PROTOBUF_H
#define CRYPTO_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

#define PB_VARINT	0
#define PB_FIXED64	1
#define PB_BYTES	2	/* also strings and messages */
#define PB_FIXED32	5

#define PB_NUMBER_MAX	((1u << 29) - 1)
#define PB_VARINT_MAX	10	/* bytes of a 64-bit value */

/* A message that is being read; the bytes are borrowed. */
struct pb_reader {
	const uint8_t	*p;
	size_t		 left;
	int		 failed;
};

struct pb_field {
	uint32_t	 number;
	unsigned int	 type;		/* PB_ above */
	uint64_t	 value;		/* of anything but PB_BYTES */
	const uint8_t	*data;		/* of PB_BYTES, into the message */
	size_t		 len;
};

/* A message that is being written; out is borrowed. */
struct pb_writer {
	uint8_t		*out;
	size_t		 size, len;
	int		 failed;	/* it did not fit */
};

void	pb_reader_init(struct pb_reader *, const void *, size_t);

/*
 * Reads the next field.  Returns 1; 0 at the end; -1, from then on always, for
 * a message that is cut, a group, a field 0, and a number or value that has
 * more bits than it can have.  Varints may be longer than they must be.
 */
int	pb_next(struct pb_reader *, struct pb_field *);

void	pb_writer_init(struct pb_writer *, void *out, size_t size);

/* What does not fit is not written, and nothing after it is. */
void	pb_put_varint(struct pb_writer *, uint32_t number, uint64_t);
void	pb_put_bytes(struct pb_writer *, uint32_t number, const void *, size_t);

#endif
