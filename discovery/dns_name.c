/*
 * Names of DNS (RFC 1035, 3.1) in their wire form, and the pairs of a TXT
 * record (RFC 6763, 6).  Pure; used by the discovery process.  Names are whole
 * and within their bounds: the reader in dns.c made sure, or the functions
 * here.
 */
#include <string.h>

#include "common/utf8.h"
#include "discovery/dns.h"

#define TXT_STRING_MAX 255

/*
 * Only letters change; the lengths between labels are at most 63 and so are
 * never taken for one, which lets names be compared without parting them.
 */
static uint8_t
fold(uint8_t c)
{
	return (c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c);
}

int
dns_name_prepend(struct dns_name *out, const void *label, size_t len,
    const struct dns_name *parent)
{
	size_t left = DNS_NAME_MAX - (size_t)parent->len;
	uint8_t n = parent->len;

	if (len == 0 || len > DNS_LABEL_MAX || len + 1 > left)
		return (-1);
	memmove(out->bytes + len + 1, parent->bytes, n);
	memcpy(out->bytes + 1, label, len);
	out->bytes[0] = (uint8_t)len;
	out->len = (uint8_t)(n + len + 1);
	return (0);
}

int
dns_name_set(struct dns_name *name, const char *text)
{
	const char *end = text + strlen(text), *p;

	name->len = 1;
	name->bytes[0] = 0;
	if (*text == '\0')
		return (0);
	for (;;) {
		for (p = end; p > text && p[-1] != '.'; p--)
			;
		if (dns_name_prepend(name, p, (size_t)(end - p), name) == -1)
			return (-1);
		if (p == text)
			return (0);
		end = p - 1;
	}
}

int
dns_name_compare(const struct dns_name *a, const struct dns_name *b)
{
	size_t i;
	int d;

	if (a->len != b->len)
		return (a->len < b->len ? -1 : 1);
	for (i = 0; i < a->len; i++)
		if ((d = fold(a->bytes[i]) - fold(b->bytes[i])) != 0)
			return (d);
	return (0);
}

int
dns_name_same(const struct dns_name *a, const struct dns_name *b)
{
	return (dns_name_compare(a, b) == 0);
}

int
dns_name_child(const struct dns_name *name, const struct dns_name *parent)
{
	size_t first = name->bytes[0] + (size_t)1, i;

	if (name->bytes[0] == 0 || name->len != first + parent->len)
		return (0);
	for (i = 0; i < parent->len; i++)
		if (fold(name->bytes[first + i]) != fold(parent->bytes[i]))
			return (0);
	return (1);
}

int
dns_name_clean(const struct dns_name *name)
{
	const uint8_t *label;
	size_t at, i, n;

	for (at = 0; (n = name->bytes[at]) > 0; at += n + 1) {
		label = name->bytes + at + 1;
		if (utf8_check(UTF8_START, label, n) != UTF8_START)
			return (0);
		for (i = 0; i < n; i++)
			if (label[i] < 0x20 || label[i] == 0x7f)
				return (0);
	}
	return (1);
}

/* One byte of a label; returns how many characters it takes, at most 4. */
static size_t
text_byte(uint8_t c, char out[4])
{
	if (c > 0x20 && c < 0x7f) {
		if (c != '.' && c != '\\') {
			out[0] = (char)c;
			return (1);
		}
		out[0] = '\\';
		out[1] = (char)c;
		return (2);
	}
	out[0] = '\\';
	out[1] = (char)('0' + c / 100);
	out[2] = (char)('0' + c / 10 % 10);
	out[3] = (char)('0' + c % 10);
	return (4);
}

char *
dns_name_text(const struct dns_name *name, char *buf, size_t size)
{
	char piece[4];
	size_t at = 0, i, n, out = 0, take;

	if (size == 0)
		return (buf);
	while ((n = name->bytes[at++]) > 0) {
		for (i = 0; i < n; i++) {
			take = text_byte(name->bytes[at + i], piece);
			if (take + 1 >= size - out)
				goto done;
			memcpy(buf + out, piece, take);
			out += take;
		}
		at += n;
		if (name->bytes[at] != 0)
			buf[out++] = '.';
	}
done:
	buf[out] = '\0';
	return (buf);
}

/*
 * TXT
 */

static int
txt_key_ok(const uint8_t *key, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (key[i] < 0x20 || key[i] > 0x7e || key[i] == '=')
			return (0);
	return (n > 0);
}

int
dns_txt_next(const uint8_t *p, size_t len, size_t *at,
    struct dns_txt_item *item)
{
	const uint8_t *s, *equals;
	size_t n;

	while (*at < len) {
		n = p[*at];
		if (n > len - *at - 1)
			return (0);
		s = p + *at + 1;
		*at += n + 1;
		equals = n == 0 ? NULL : memchr(s, '=', n);
		item->key = s;
		item->keylen = equals == NULL ? n : (size_t)(equals - s);
		item->value = equals == NULL ? NULL : equals + 1;
		item->len = equals == NULL ? 0 : n - item->keylen - 1;
		if (txt_key_ok(item->key, item->keylen))
			return (1);
	}
	return (0);
}

int
dns_txt_get(const uint8_t *p, size_t len, const char *key,
    struct dns_txt_item *item)
{
	size_t at = 0, i, n = strlen(key);

	while (dns_txt_next(p, len, &at, item)) {
		if (item->keylen != n)
			continue;
		for (i = 0; i < n; i++)
			if (fold(item->key[i]) != fold((uint8_t)key[i]))
				break;
		if (i == n)
			return (1);
	}
	return (0);
}

int
dns_txt_add(uint8_t *buf, size_t size, size_t *len, const char *key,
    const void *value, size_t n)
{
	size_t keylen = strlen(key), need;

	if (!txt_key_ok((const uint8_t *)key, keylen))
		return (-1);
	if (keylen > TXT_STRING_MAX || n > TXT_STRING_MAX)
		return (-1);
	need = keylen + (value == NULL ? 0 : n + 1);
	if (need > TXT_STRING_MAX || need + 1 > size - *len)
		return (-1);
	buf[*len] = (uint8_t)need;
	memcpy(buf + *len + 1, key, keylen);
	if (value != NULL) {
		buf[*len + 1 + keylen] = '=';
		memcpy(buf + *len + 2 + keylen, value, n);
	}
	*len += need + 1;
	return (0);
}
