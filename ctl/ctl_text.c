/*
 * Text for people, and numbers and times from them.  Trusts nothing that it is
 * given to show.
 */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"

size_t
text_rune(const char *s, size_t n, uint32_t *rune)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const uint8_t *p = (const uint8_t *)s;
	size_t i, len;
	uint32_t r;

	if (n == 0)
		return (0);
	if (p[0] < 0x80) {
		*rune = p[0];
		return (1);
	}
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		len = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		len = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		len = 4;
	else
		return (0);
	if (len > n)
		return (0);
	r = p[0] & (0x7fu >> len);
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return (0);
		r = r << 6 | (p[i] & 0x3f);
	}
	if (r < least[len] || r > 0x10ffff || (r >= 0xd800 && r <= 0xdfff))
		return (0);
	*rune = r;
	return (len);
}

size_t
text_columns(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		if ((*s & 0xc0) != 0x80)
			n++;
	return (n);
}

/*
 * Controls, and what moves text about without being seen (Unicode 15, table
 * 23-1 and the bidirectional controls): nobody may fake another's line or name.
 */
static int
rune_is_unsafe(uint32_t r)
{
	return (r < 0x20 || (r >= 0x7f && r <= 0x9f) || r == 0x61c ||
	    (r >= 0x200b && r <= 0x200f) || (r >= 0x2028 && r <= 0x202e) ||
	    (r >= 0x2060 && r <= 0x206f) || r == 0xfeff ||
	    (r >= 0xfff9 && r <= 0xfffb) || (r >= 0xe0000 && r <= 0xe007f));
}

/* One byte in the C style of vis(3). */
static void
put_escaped(struct buf *b, uint8_t c)
{
	if (c >= 7 && c <= 13)
		buf_printf(b, "\\%c", "abtnvfr"[c - 7]);
	else
		buf_printf(b, "\\%03o", c);
}

void
text_visible(struct buf *b, const char *s, size_t n)
{
	size_t i, len;
	uint32_t rune;

	for (; n > 0; s += len, n -= len) {
		len = text_rune(s, n, &rune);
		if (len != 0 && !rune_is_unsafe(rune)) {
			buf_add(b, s, len);
			continue;
		}
		if (len == 0)
			len = 1;
		for (i = 0; i < len; i++)
			put_escaped(b, (uint8_t)s[i]);
	}
}

const char *
text_age(uint64_t s)
{
	static char out[32];

	if (s < 60)
		snprintf(out, sizeof(out), "%us", (unsigned int)s);
	else if (s < 3600)
		snprintf(out, sizeof(out), "%um%02us", (unsigned int)s / 60,
		    (unsigned int)s % 60);
	else if (s < 86400)
		snprintf(out, sizeof(out), "%uh%02um", (unsigned int)s / 3600,
		    (unsigned int)s / 60 % 60);
	else
		snprintf(out, sizeof(out), "%llud%02uh",
		    (unsigned long long)s / 86400,
		    (unsigned int)(s / 3600 % 24));
	return (out);
}

int
text_number(const char *s, uint64_t max, uint64_t *v)
{
	uint64_t n = 0;
	unsigned int digit;

	if (*s == '\0')
		return (-1);
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return (-1);
		digit = (unsigned int)(*s - '0');
		if (n > max / 10 || n * 10 > max - digit)
			return (-1);
		n = n * 10 + digit;
	}
	if (n == 0)
		return (-1);
	*v = n;
	return (0);
}

int
text_seconds(const char *s, uint64_t *v)
{
	static const char units[] = "smhdw";
	static const uint32_t seconds[] = { 1, 60, 3600, 86400, 604800 };
	const char *unit;
	char digits[16];
	size_t n = strlen(s);
	uint64_t times = 1;

	if (n == 0 || n >= sizeof(digits))
		return (-1);
	memcpy(digits, s, n + 1);
	if ((unit = strchr(units, digits[n - 1])) != NULL) {
		times = seconds[unit - units];
		digits[n - 1] = '\0';
	}
	if (text_number(digits, UINT32_MAX / times, v) == -1)
		return (-1);
	*v *= times;
	return (0);
}

const char *
text_time(uint64_t ms, int decimals)
{
	static char out[48];
	char day[32];
	struct tm tm;
	time_t t = (time_t)(ms / 1000);

	if (ms / 1000 > 253402300799ull || gmtime_r(&t, &tm) == NULL)
		return ("9999-12-31T23:59:59Z"); /* what RFC 3339 ends at */
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	if (decimals == 3)
		snprintf(out, sizeof(out), "%s.%03uZ", day,
		    (unsigned int)(ms % 1000));
	else
		snprintf(out, sizeof(out), "%sZ", day);
	return (out);
}

void
stdout_flush(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return;
	if (errno == EPIPE)
		_exit(0);
	err(1, "standard output");
}
