/*
 * Which of the addresses that a node announced are to be dialled.  Run by the
 * discovery process; they are the word of anyone on the network.
 */
#include <string.h>

#include "discovery/interfaces.h"
#include "discovery/service.h"

/* Private networks (RFC 1918, 4193, 6598), for those behind a reflector. */
static int
address_private(int v6, const uint8_t *a)
{
	if (v6)
		return ((a[0] & 0xfe) == 0xfc);
	return (a[0] == 10 || (a[0] == 172 && (a[1] & 0xf0) == 16) ||
	    (a[0] == 192 && a[1] == 168) || (a[0] == 100 &&
	    (a[1] & 0xc0) == 64));
}

/* How good an address is: 0 best, -1 not to be dialled at all. */
static int
address_rank(const struct interface *i, int v6, const uint8_t *a)
{
	static const uint8_t zero[12];

	/* Nothing of this machine itself, and nobody in particular. */
	if (v6 ? a[0] == 0xff || memcmp(a, zero, sizeof(zero)) == 0 ||
	    (memcmp(a, zero, 10) == 0 && a[10] == 0xff) :
	    a[0] == 0 || a[0] == 127 || a[0] >= 224)
		return (-1);
	if (v6 && a[0] == 0xfe && (a[1] & 0xc0) == 0x80)
		return (0);
	if (interface_on_link(i, v6, a))
		return (1);
	/*
	 * Anyone on the network may announce any address: it must not make all
	 * nodes here connect to a machine elsewhere.
	 */
	return (address_private(v6, a) ? 2 : -1);
}

static void
address_make(const struct querier_service *s, const struct querier_address *a,
    struct dial_address *d)
{
	memset(d, 0, sizeof(*d));
	d->port = s->port;
	if (!a->v6) {
		d->addr[10] = d->addr[11] = 0xff;
		memcpy(d->addr + 12, a->bytes, 4);
		return;
	}
	memcpy(d->addr, a->bytes, sizeof(d->addr));
	if (a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80)
		d->scope = a->link >> 1;
}

size_t
service_addresses(const struct querier_service *s,
    struct dial_address *list)
{
	const struct querier_address *a;
	const struct interface *i;
	struct dial_address d;
	unsigned int k;
	size_t n = 0, j;
	int rank;

	for (rank = 0; rank <= 2; rank++)
		for (k = 0; k < s->naddresses; k++) {
			a = &s->address[k];
			if ((i = interface_find(a->link >> 1)) == NULL ||
			    address_rank(i, a->v6, a->bytes) != rank)
				continue;
			address_make(s, a, &d);
			for (j = 0; j < n && !dial_same(&list[j], &d); j++)
				;
			if (j == n && n < DIAL_ADDRESSES_MAX)
				list[n++] = d;
		}
	return (n);
}
