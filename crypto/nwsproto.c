/*
 * The codec of nwsproto.h.  Runs in crypto; owns nothing; trusts no octet that
 * it decodes.  Encoder and decoder walk the same rows: what a body is made of
 * is written down once.
 */
#include "nwsproto.h"

#include <string.h>

/* What a body is made of: integers first, then strings of octets. */
enum field {
	END,
	VERSION,
	ZERO,
	MAX_DATA,
	TOKEN,
	GENERATION,
	RUN,
	SCOPE,
	OFFER_FLAGS,
	PAGE,
	PAGES,
	WAIT,
	POSITION,
	HANDLE,
	ROSTER_FLAGS,
	SOURCE,
	MARKED_SOURCE, /* with NWSPROTO_SILENT, or not */
	TARGET,
	KIND,
	NELEMENTS,
	NTAGS,
	INTEGERS,
	ELEMENTS,
	TAGS,
	SHARE,
	TAG,
	IDS,
	DATA
};

#define ID_MAX 0x7fffffffffffffffu
#define AT(member) offsetof(struct nwsproto, member)

/* Octets on the wire and in the struct, and what may stand there. */
static const struct integer {
	uint8_t octets, size;
	uint16_t at;
	uint64_t min, max;
} integers[INTEGERS] = { [VERSION] = { 2, 4, AT(version), 0x0200, 0x02ff },
	[ZERO] = { 4, 4, AT(flags), 0, 0 },
	[MAX_DATA] = { 4, 4, AT(max_data), NWSPROTO_DATA_MIN,
	    NWSPROTO_DATA_MAX },
	[TOKEN] = { 8, 8, AT(token), 0, UINT64_MAX },
	[GENERATION] = { 4, 4, AT(generation), 0, UINT32_MAX },
	[RUN] = { 4, 4, AT(run), 1, UINT32_MAX },
	[SCOPE] = { 1, 4, AT(scope), NWSPROTO_ALL, NWSPROTO_NEW },
	[OFFER_FLAGS] = { 1, 4, AT(flags), 0, NWSPROTO_FIRST },
	[PAGE] = { 2, 4, AT(page), 0, NWSPROTO_PAGES_MAX - 1 },
	[PAGES] = { 2, 4, AT(pages), 1, NWSPROTO_PAGES_MAX },
	[WAIT] = { 4, 4, AT(wait_ms), 1, NWSPROTO_WAIT_MAX_MS },
	[POSITION] = { 1, 4, AT(position), 0, PSI_MAX - 1 },
	[HANDLE] = { 4, 4, AT(handle), 1, UINT32_MAX },
	[ROSTER_FLAGS] = { 1, 4, AT(flags), 0, NWSPROTO_FIRST | NWSPROTO_LAST },
	[SOURCE] = { 8, 8, AT(source), 1, ID_MAX },
	[MARKED_SOURCE] = { 8, 8, AT(source), 1, UINT64_MAX },
	[TARGET] = { 8, 8, AT(target), 1, ID_MAX },
	[KIND] = { 1, 4, AT(kind), NWSPROTO_JSON, NWSPROTO_BYTES },
	[NELEMENTS] = { 1, 4, AT(nelements), PSI_MIN, PSI_MAX },
	[NTAGS] = { 1, 4, AT(ntags), PSI_MIN, PSI_MAX } };

#define TYPES 38
#define FIELDS_MAX 8
static const uint8_t bodies[TYPES][FIELDS_MAX] = { [NWSPROTO_HELLO] = { VERSION,
						       ZERO, MAX_DATA },
	[NWSPROTO_PING] = { TOKEN },
	[NWSPROTO_PONG] = { TOKEN },
	[NWSPROTO_CHANGED] = { GENERATION },
	[NWSPROTO_OFFER] = { RUN, SCOPE, OFFER_FLAGS, PAGE, NELEMENTS,
	    ELEMENTS },
	[NWSPROTO_ANSWER] = { RUN, GENERATION, PAGES, NELEMENTS, NTAGS,
	    ELEMENTS, TAGS },
	[NWSPROTO_TAGS] = { RUN, NTAGS, TAGS },
	[NWSPROTO_LATER] = { RUN, WAIT },
	[NWSPROTO_SHARE] = { RUN, POSITION, SHARE },
	[NWSPROTO_CONFIRM] = { RUN, POSITION, TAG },
	[NWSPROTO_OPENED] = { RUN, POSITION, HANDLE },
	[NWSPROTO_CLOSED] = { HANDLE },
	[NWSPROTO_ROSTER] = { HANDLE, ROSTER_FLAGS, IDS },
	[NWSPROTO_CONNECT] = { HANDLE, MARKED_SOURCE },
	[NWSPROTO_DISCONNECT] = { HANDLE, SOURCE },
	[NWSPROTO_BROADCAST] = { HANDLE, SOURCE, KIND, DATA },
	[NWSPROTO_DIRECT] = { HANDLE, SOURCE, TARGET, KIND, DATA },
	[NWSPROTO_UNDELIVERED] = { HANDLE, SOURCE, TARGET } };

static const struct limits {
	const char *name;
	uint32_t min, max;
} limits[TYPES] = {
#define X(NAME, number, smallest, largest, meaning) \
	[number] = { #NAME, (smallest), (largest) },
	NWSPROTO_TABLE(X)
#undef X
};

const char *
nwsproto_type_name(uint32_t type)
{
	if (type >= TYPES || limits[type].name == NULL)
		return ("unknown");
	return (limits[type].name);
}

static uint64_t
get(const uint8_t *p, size_t octets)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < octets; i++)
		v = v << 8 | p[i];
	return (v);
}

static void
put(uint8_t *p, size_t octets, uint64_t v)
{
	while (octets-- > 0) {
		p[octets] = (uint8_t)v;
		v >>= 8;
	}
}

static uint64_t
member(const struct nwsproto *msg, const struct integer *i)
{
	uint32_t v32;
	uint64_t v;

	if (i->size == 8) {
		memcpy(&v, (const uint8_t *)msg + i->at, sizeof(v));
		return (v);
	}
	memcpy(&v32, (const uint8_t *)msg + i->at, sizeof(v32));
	return (v32);
}

static void
set_member(struct nwsproto *msg, const struct integer *i, uint64_t v)
{
	uint32_t v32 = (uint32_t)v;

	if (i->size == 8)
		memcpy((uint8_t *)msg + i->at, &v, sizeof(v));
	else
		memcpy((uint8_t *)msg + i->at, &v32, sizeof(v32));
}

/* Whether a number may stand there. */
static int
integer_valid(enum field field, uint64_t v)
{
	if (v < integers[field].min || v > integers[field].max)
		return (0);
	if (field == NELEMENTS || field == NTAGS)
		return (psi_size((size_t)v) == (size_t)v);
	if (field == MARKED_SOURCE)
		return (nwsproto_id_valid(v & ~NWSPROTO_SILENT));
	return (1);
}

int
nwsproto_id_valid(uint64_t id)
{
	return (id != 0 && (id & NWSPROTO_SILENT) == 0);
}

uint64_t
nwsproto_id(const struct nwsproto *msg, size_t i)
{
	return (get(msg->ids + i * 8, 8));
}

void
nwsproto_put_id(uint8_t out[8], uint64_t id)
{
	put(out, 8, id);
}

/* The octets of a field of this message; *p says where, if asked. */
static size_t
string_of(const struct nwsproto *msg, enum field field, const uint8_t **p)
{
	switch (field) {
	case ELEMENTS:
		*p = (const uint8_t *)msg->elements;
		return ((size_t)msg->nelements * PSI_ELEMENT_BYTES);
	case TAGS:
		*p = (const uint8_t *)msg->tags;
		return ((size_t)msg->ntags * PSI_TAG_BYTES);
	case SHARE:
		*p = msg->share;
		return (CPACE_SHARE_BYTES);
	case TAG:
		*p = msg->tag;
		return (CPACE_TAG_BYTES);
	case IDS:
		*p = msg->ids;
		return ((size_t)msg->nids * 8);
	default:
		/* DATA is sent by the caller. */
		*p = NULL;
		return (0);
	}
}

static int
ids_valid(const struct nwsproto *msg)
{
	uint32_t i;

	if (msg->nids > NWSPROTO_IDS_MAX)
		return (0);
	for (i = 0; i < msg->nids; i++)
		if (!nwsproto_id_valid(nwsproto_id(msg, i) & ~NWSPROTO_SILENT))
			return (0);
	return (1);
}

/* Reads the string that is next in a body; -1 when it cannot be there. */
static int
take_string(struct nwsproto *msg, enum field field, const uint8_t *p,
    size_t left, size_t *used)
{
	const uint8_t *ignored;

	if (field == IDS) {
		if (left % 8 != 0 || left / 8 > NWSPROTO_IDS_MAX)
			return (-1);
		msg->nids = (uint32_t)(left / 8);
		msg->ids = p;
		*used = left;
		return (ids_valid(msg) ? 0 : -1);
	}
	if (field == DATA) {
		msg->data = p;
		msg->len = *used = left;
		return (0);
	}
	*used = string_of(msg, field, &ignored);
	if (*used > left)
		return (-1);
	if (field == ELEMENTS)
		msg->elements = (const uint8_t(*)[PSI_ELEMENT_BYTES])p;
	else if (field == TAGS)
		msg->tags = (const uint8_t(*)[PSI_TAG_BYTES])p;
	else if (field == SHARE)
		msg->share = p;
	else
		msg->tag = p;
	return (0);
}

/* A whole body, to its last octet. */
static int
take_body(struct nwsproto *msg, const uint8_t *p, size_t left, const char **why)
{
	const uint8_t *field;
	const struct integer *integer;
	uint64_t v;
	size_t used;

	for (field = bodies[msg->type]; *field != END; field++) {
		if (*field < INTEGERS) {
			integer = &integers[*field];
			if (integer->octets > left) {
				*why = "body too short";
				return (-1);
			}
			used = integer->octets;
			v = get(p, used);
			if (!integer_valid((enum field) * field, v)) {
				*why = "number outside its limits";
				return (-1);
			}
			set_member(msg, integer, v);
		} else if (take_string(msg, (enum field) * field, p, left,
			       &used) == -1) {
			*why = "body does not fit its numbers";
			return (-1);
		}
		p += used;
		left -= used;
	}
	if (left > 0) {
		*why = "body too long";
		return (-1);
	}
	return (0);
}

static int
has_data(uint32_t type)
{
	return (type == NWSPROTO_BROADCAST || type == NWSPROTO_DIRECT);
}

long
nwsproto_decode(const uint8_t *p, size_t n, uint32_t max_data,
    struct nwsproto *msg, size_t *need, const char **why)
{
	uint64_t max, len;
	uint8_t type;

	memset(msg, 0, sizeof(*msg));
	*need = NWSPROTO_HEADER;
	if (n < NWSPROTO_HEADER)
		return (0);
	len = get(p, 4);
	type = p[4];
	if (type >= TYPES || limits[type].name == NULL) {
		*why = "unknown type";
		return (-1);
	}
	max = limits[type].max;
	if (has_data(type))
		max += max_data < NWSPROTO_DATA_MAX ? max_data :
						      NWSPROTO_DATA_MAX;
	if (len < limits[type].min || len > max) {
		*why = "wrong length";
		return (-1);
	}
	*need = NWSPROTO_HEADER + (size_t)len;
	if (n < *need)
		return (0);
	msg->type = (enum nwsproto_type)type;
	if (take_body(msg, p + NWSPROTO_HEADER, (size_t)len, why) == -1)
		return (-1);
	return ((long)*need);
}

uint32_t
nwsproto_handle(const uint8_t *p, size_t n)
{
	if (n < NWSPROTO_HEADER + 4 || p[4] < NWSPROTO_ROSTER)
		return (0);
	return ((uint32_t)get(p + NWSPROTO_HEADER, 4));
}

size_t
nwsproto_size(const struct nwsproto *msg)
{
	const uint8_t *field, *p;
	size_t n = NWSPROTO_HEADER;

	if ((uint32_t)msg->type >= TYPES || limits[msg->type].name == NULL)
		return (0);
	if (has_data(msg->type) && msg->len > NWSPROTO_DATA_MAX)
		return (0);
	for (field = bodies[msg->type]; *field != END; field++) {
		if (*field >= INTEGERS) {
			if (*field == IDS && !ids_valid(msg))
				return (0);
			n += string_of(msg, (enum field) * field, &p);
			continue;
		}
		if (!integer_valid((enum field) * field,
			member(msg, &integers[*field])))
			return (0);
		n += integers[*field].octets;
	}
	return (n);
}

size_t
nwsproto_encode(const struct nwsproto *msg, uint8_t *out, size_t size)
{
	const uint8_t *field, *p;
	size_t n, len;

	if ((n = nwsproto_size(msg)) == 0 || n > size)
		return (0);
	len = n - NWSPROTO_HEADER + (has_data(msg->type) ? msg->len : 0);
	put(out, 4, len);
	out[4] = (uint8_t)msg->type;
	out += NWSPROTO_HEADER;
	for (field = bodies[msg->type]; *field != END; field++) {
		if (*field < INTEGERS) {
			len = integers[*field].octets;
			put(out, len, member(msg, &integers[*field]));
		} else {
			len = string_of(msg, (enum field) * field, &p);
			if (len > 0)
				memcpy(out, p, len);
		}
		out += len;
	}
	return (n);
}
