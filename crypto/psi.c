/*
 * The set intersection of psi.h.  Runs in crypto; owns the scalar of one run.
 * Elements and tags of the other side are not trusted.
 */
#include "psi.h"

#include <sodium.h>
#include <string.h>

#define DOMAIN_ELEMENT "nws/2.0.0 psi element"
#define DOMAIN_TAG "nws/2.0.0 psi tag"

size_t
psi_size(size_t n)
{
	size_t size;

	if (n > PSI_MAX)
		return (0);
	for (size = PSI_MIN; size < n; size *= 2)
		continue;
	return (size);
}

/* A number below n, all equally likely: what would favour some is refused. */
static size_t
random_below(const struct group_random *random, size_t n)
{
	uint8_t byte;
	size_t limit = 256 - 256 % n;

	do
		group_random_bytes(random, &byte, 1);
	while (byte >= limit);
	return (byte % n);
}

/* H of the header: a channel as an element. */
static void
hash_to_group(uint8_t out[GROUP_BYTES],
    const uint8_t password[CPACE_PASSWORD_BYTES])
{
	crypto_hash_sha512_state h;
	uint8_t hash[GROUP_HASH_BYTES];

	crypto_hash_sha512_init(&h);
	crypto_hash_sha512_update(&h, (const uint8_t *)DOMAIN_ELEMENT,
	    sizeof(DOMAIN_ELEMENT));
	crypto_hash_sha512_update(&h, password, CPACE_PASSWORD_BYTES);
	crypto_hash_sha512_final(&h, hash);
	group_derive(out, hash);
	sodium_memzero(hash, sizeof(hash));
	sodium_memzero(&h, sizeof(h));
}

/* An element that stands for nothing. */
static void
random_element(const struct group_random *random, uint8_t out[GROUP_BYTES])
{
	uint8_t hash[GROUP_HASH_BYTES];

	group_random_bytes(random, hash, sizeof(hash));
	group_derive(out, hash);
	sodium_memzero(hash, sizeof(hash));
}

/* Fisher and Yates: which item stands at which position. */
static void
shuffle(struct psi *psi, const struct group_random *random)
{
	size_t i, j;
	uint8_t t;

	for (i = psi->count; i > 1; i--) {
		j = random_below(random, i);
		t = psi->item[i - 1];
		psi->item[i - 1] = psi->item[j];
		psi->item[j] = t;
	}
}

int
psi_start(struct psi *psi, enum psi_role role,
    const uint8_t session[PSI_SESSION_BYTES],
    const uint8_t (*passwords)[CPACE_PASSWORD_BYTES], size_t n,
    const struct group_random *random)
{
	uint8_t h[GROUP_BYTES];
	size_t i, j;

	memset(psi, 0, sizeof(*psi));
	if ((psi->count = psi_size(n)) == 0)
		return (-1);
	for (i = 0; i < n; i++)
		for (j = 0; j < i; j++)
			if (sodium_memcmp(passwords[i], passwords[j],
				CPACE_PASSWORD_BYTES) == 0)
				return (-1);
	psi->role = role;
	memcpy(psi->session, session, PSI_SESSION_BYTES);
	group_random_scalar(random, psi->scalar);
	for (i = 0; i < psi->count; i++)
		psi->item[i] = i < n ? (uint8_t)i : PSI_MAX;
	shuffle(psi, random);
	for (i = 0; i < psi->count; i++) {
		/* The same work for both, so that time does not tell. */
		if (psi->item[i] < PSI_MAX)
			hash_to_group(h, passwords[psi->item[i]]);
		else
			random_element(random, h);
		if (group_mult(psi->elements[i], psi->scalar, h) == -1) {
			psi_wipe(psi);
			return (-1);
		}
	}
	sodium_memzero(h, sizeof(h));
	psi->state = PSI_STARTED;
	return (0);
}

static int
fail(struct psi *psi, const char **why, const char *text)
{
	psi_wipe(psi);
	*why = text;
	return (-1);
}

int
psi_take_elements(struct psi *psi, const uint8_t (*elements)[PSI_ELEMENT_BYTES],
    size_t n, const char **why)
{
	size_t i, j;

	if (psi->state != PSI_STARTED)
		return (fail(psi, why, "elements out of turn"));
	if (n == 0 || n != psi_size(n))
		return (fail(psi, why, "wrong number of elements"));
	for (i = 0; i < n; i++) {
		for (j = 0; j < i; j++)
			if (memcmp(elements[i], elements[j],
				PSI_ELEMENT_BYTES) == 0)
				return (fail(psi, why, "an element twice"));
		for (j = 0; j < psi->count; j++)
			if (memcmp(elements[i], psi->elements[j],
				PSI_ELEMENT_BYTES) == 0)
				return (fail(psi, why, "our own element"));
		if (group_mult(psi->products[i], psi->scalar, elements[i]) ==
		    -1)
			return (fail(psi, why, "not an element"));
	}
	sodium_memzero(psi->scalar, sizeof(psi->scalar));
	psi->remote_count = n;
	psi->state = PSI_MULTIPLIED;
	return (0);
}

/* The tag that the side in this role sends for a product. */
static void
make_tag(const struct psi *psi, enum psi_role role,
    const uint8_t product[GROUP_BYTES], uint8_t out[PSI_TAG_BYTES])
{
	crypto_hash_sha512_state h;
	uint8_t hash[crypto_hash_sha512_BYTES];
	uint8_t byte = role == PSI_LEAD ? 'L' : 'F';

	crypto_hash_sha512_init(&h);
	crypto_hash_sha512_update(&h, (const uint8_t *)DOMAIN_TAG,
	    sizeof(DOMAIN_TAG));
	crypto_hash_sha512_update(&h, &byte, 1);
	crypto_hash_sha512_update(&h, psi->session, PSI_SESSION_BYTES);
	crypto_hash_sha512_update(&h, product, GROUP_BYTES);
	crypto_hash_sha512_final(&h, hash);
	memcpy(out, hash, PSI_TAG_BYTES);
	sodium_memzero(hash, sizeof(hash));
	sodium_memzero(&h, sizeof(h));
}

size_t
psi_tags(const struct psi *psi, uint8_t (*out)[PSI_TAG_BYTES])
{
	size_t i;

	if (psi->state != PSI_MULTIPLIED && psi->state != PSI_DONE)
		return (0);
	for (i = 0; i < psi->remote_count; i++)
		make_tag(psi, psi->role, psi->products[i], out[i]);
	return (psi->remote_count);
}

/* In the order of the lead's positions, which one side has to sort for. */
static void
add_match(struct psi *psi, size_t ours, size_t theirs)
{
	size_t i;
	uint8_t position;

	position = (uint8_t)(psi->role == PSI_LEAD ? ours : theirs);
	for (i = psi->nmatches;
	     i > 0 && psi->matches[i - 1].position > position; i--)
		psi->matches[i] = psi->matches[i - 1];
	psi->matches[i].position = position;
	psi->matches[i].item = psi->item[ours];
	psi->nmatches++;
}

int
psi_take_tags(struct psi *psi, const uint8_t (*tags)[PSI_TAG_BYTES], size_t n,
    const char **why)
{
	uint8_t expected[PSI_MAX][PSI_TAG_BYTES];
	uint8_t taken[PSI_MAX] = { 0 };
	enum psi_role remote;
	size_t i, j, found;

	if (psi->state != PSI_MULTIPLIED)
		return (fail(psi, why, "tags out of turn"));
	if (n != psi->count)
		return (fail(psi, why, "wrong number of tags"));
	remote = psi->role == PSI_LEAD ? PSI_FOLLOW : PSI_LEAD;
	for (j = 0; j < psi->remote_count; j++)
		make_tag(psi, remote, psi->products[j], expected[j]);
	for (i = 0; i < n; i++) {
		found = PSI_MAX;
		for (j = 0; j < psi->remote_count; j++)
			if (sodium_memcmp(tags[i], expected[j],
				PSI_TAG_BYTES) == 0)
				found = j;
		if (found == PSI_MAX)
			continue;
		/*
		 * An element of ours that stands for nothing has no equal, and
		 * no two have the same one.
		 */
		if (psi->item[i] == PSI_MAX || taken[found]) {
			sodium_memzero(expected, sizeof(expected));
			return (fail(psi, why, "an impossible tag"));
		}
		taken[found] = 1;
		add_match(psi, i, found);
	}
	sodium_memzero(expected, sizeof(expected));
	psi->state = PSI_DONE;
	return (0);
}

void
psi_wipe(struct psi *psi)
{
	sodium_memzero(psi, sizeof(*psi));
	psi->state = PSI_FAILED;
}
