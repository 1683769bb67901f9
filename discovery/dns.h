/*
 * DNS messages (RFC 1035) as multicast DNS uses them (RFC 6762 and 6763), pure:
 * bytes in, records out, and back.  Nothing is allocated and nothing is
 * trusted.
 */
#ifndef DISCOVERY_DNS_H
#define DISCOVERY_DNS_H

#include <stddef.h>
#include <stdint.h>

#define DNS_HEADER_BYTES	12
#define DNS_LABEL_MAX		63
#define DNS_NAME_MAX		255	/* bytes on the wire, with the root */
#define DNS_MESSAGE_MAX		9000	/* RFC 6762, 17 */
#define DNS_JUMPS_MAX		64	/* pointers followed for one name */
#define DNS_SUFFIXES_MAX	64	/* names a writer can point back to */
#define DNS_NSEC_BYTES		32	/* types 0 to 255 */

/* Flags of the header. */
#define DNS_QR			0x8000
#define DNS_OPCODE		0x7800
#define DNS_AA			0x0400
#define DNS_TC			0x0200
#define DNS_RCODE		0x000f

enum dns_type {
	DNS_A		= 1,
	DNS_PTR		= 12,
	DNS_TXT		= 16,
	DNS_AAAA	= 28,
	DNS_SRV		= 33,
	DNS_NSEC	= 47,
	DNS_ANY		= 255
};

#define DNS_IN			1
#define DNS_CLASS_ANY		255

enum dns_section {
	DNS_QUESTION,
	DNS_ANSWER,
	DNS_AUTHORITY,
	DNS_ADDITIONAL,
	DNS_SECTIONS
};

/* A whole name as on the wire without compression; len is 1 to 255. */
struct dns_name {
	uint8_t		len;
	uint8_t		bytes[DNS_NAME_MAX];
};

struct dns_question {
	struct dns_name	name;
	uint16_t	type, class;
	int		unicast;	/* the QU bit (RFC 6762, 5.4) */
};

struct dns_record {
	struct dns_name		name;
	enum dns_section	section;	/* set by the reader */
	uint16_t		type, class;
	int			flush;	/* cache-flush bit (RFC 6762, 10.2) */
	uint32_t		ttl;	/* seconds */
	union {
		uint8_t		a[4];
		uint8_t		aaaa[16];
		struct dns_name	ptr;
		struct {
			uint16_t	priority, weight, port;
			struct dns_name	target;
		} srv;
		struct {
			/* Borrowed; whole strings, at least one. */
			const uint8_t	*p;
			size_t		 len;
		} txt;
		struct {
			struct dns_name	next;
			/* Type n is bit 0x80 >> n % 8 of byte n / 8. */
			uint8_t		types[DNS_NSEC_BYTES];
		} nsec;
		struct {
			/* Borrowed; of any other type, not looked into. */
			const uint8_t	*p;
			size_t		 len;
		} other;
	} u;
};

/* Members are private but the header's fields. */
struct dns_reader {
	const uint8_t	*base;
	size_t		 len, at;
	uint16_t	 id, flags;
	uint16_t	 count[DNS_SECTIONS];
	unsigned int	 section;
	uint16_t	 left;		/* in that section */
	int		 bad;
};

/* Members are private. */
struct dns_writer {
	uint8_t		*base;
	size_t		 size, at;
	uint16_t	 id, flags;
	uint16_t	 count[DNS_SECTIONS];
	unsigned int	 section;
	int		 plain;
	unsigned int	 nsuffixes;
	struct {
		uint16_t	offset;
		uint32_t	hash;
	} suffix[DNS_SUFFIXES_MAX];
};

/*
 * Begins to read a message, which is borrowed for as long as the reader and the
 * records from it are used.  Returns 0, or -1 when the header is cut or counts
 * more than the bytes can hold.
 */
int	dns_open(struct dns_reader *, const void *, size_t);

/*
 * The next question; all must have been taken before the records.  Returns 1;
 * 0 after the last one; -1 when the message is malformed, and ever after.
 */
int	dns_next_question(struct dns_reader *, struct dns_question *);

/*
 * The next record of any section, questions being passed over.  Returns 1; 0
 * after the last one; -1 when the message is malformed, and ever after:
 * truncated, a label or a name too long, a pointer that does not go back, data
 * of a known type that is not as long as its length says, bytes left at the
 * end.
 */
int	dns_next_record(struct dns_reader *, struct dns_record *);

/* Whether the whole message can be read: 0, or -1. */
int	dns_check(const void *, size_t);

/*
 * Begins a message in a buffer of at most DNS_MESSAGE_MAX bytes, 12 at least.
 * With plain set the names inside of SRV and NSEC are not compressed, as
 * resolvers that are not of multicast DNS want it (RFC 6762, 18.14).
 */
void	dns_begin(struct dns_writer *, uint8_t *, size_t, uint16_t id,
	    uint16_t flags, int plain);

/*
 * Append.  Sections come in their order.  Returns 0; or -1, with the message as
 * it was, when it does not fit, comes too late or is of a type that has no name
 * here (only those of enum dns_type but ANY are written).
 */
int	dns_put_question(struct dns_writer *, const struct dns_question *);
int	dns_put_record(struct dns_writer *, enum dns_section,
	    const struct dns_record *);

/* Sets flags beside those that are set (DNS_TC). */
void	dns_put_flags(struct dns_writer *, uint16_t);

/* Whether nothing but the header was written. */
int	dns_empty(const struct dns_writer *);

/* Bytes so far. */
size_t	dns_size(const struct dns_writer *);

/* Writes the header; returns the length of the message. */
size_t	dns_finish(struct dns_writer *);

/*
 * The data of a record of a known type without compression.  Returns its
 * length, -1 when it does not fit or the type is not known.
 */
int	dns_rdata_write(const struct dns_record *, uint8_t *, size_t);

/*
 * The other way, type being set in the record; for TXT the record points into
 * the bytes.  Returns 0 or -1.
 */
int	dns_rdata_read(struct dns_record *, const uint8_t *, size_t);

/* Same name, type, class and data; not the TTL. */
int	dns_record_same(const struct dns_record *, const struct dns_record *);

int	dns_nsec_has(const struct dns_record *, uint16_t type);
void	dns_nsec_add(struct dns_record *, uint16_t type);

/*
 * Names.  Letters of ASCII are the same in both cases, all other bytes only
 * themselves (RFC 6762, 16).
 */

/*
 * From text, labels parted by single dots, without escapes.  Returns 0, or -1
 * when a label is empty or too long or the name is.
 */
int	dns_name_set(struct dns_name *, const char *);

/* A label before a name; out may be parent.  0, or -1 when it is too long. */
int	dns_name_prepend(struct dns_name *out, const void *label, size_t len,
	    const struct dns_name *parent);

/* Less than, equal to or greater than 0, in an order that means nothing. */
int	dns_name_compare(const struct dns_name *, const struct dns_name *);
int	dns_name_same(const struct dns_name *, const struct dns_name *);

/* Whether a name is one label before the parent. */
int	dns_name_child(const struct dns_name *, const struct dns_name *parent);

/*
 * Whether all labels are UTF-8 without control characters, as names of
 * multicast DNS must be (RFC 6762, 16; RFC 6763, 4.1.1).
 */
int	dns_name_clean(const struct dns_name *);

/*
 * As text: dots and backslashes inside of labels get a backslash, what is not
 * printable ASCII becomes \DDD (RFC 1035, 5.1).  Always ends in NUL; returns
 * buf.  1017 bytes hold any name.
 */
char	*dns_name_text(const struct dns_name *, char *buf, size_t);

/*
 * TXT data (RFC 6763, 6): strings of key=value.
 */
struct dns_txt_item {
	const uint8_t	*key;
	size_t		 keylen;
	const uint8_t	*value;		/* NULL: a key without "=" */
	size_t		 len;
};

/*
 * The next pair; begin with *at = 0.  Empty strings and those without a good
 * key are passed over (6.4).  Returns 1, 0 at the end.
 */
int	dns_txt_next(const uint8_t *, size_t, size_t *at,
	    struct dns_txt_item *);

/* The first pair with that key, in any case of letters (6.4): 1, or 0. */
int	dns_txt_get(const uint8_t *, size_t, const char *key,
	    struct dns_txt_item *);

/*
 * Appends a pair to *len bytes in buf; without "=" when value is NULL.  Returns
 * 0, or -1 when it does not fit, is longer than a string can be or the key is
 * bad.
 */
int	dns_txt_add(uint8_t *buf, size_t size, size_t *len, const char *key,
	    const void *value, size_t n);

#endif
