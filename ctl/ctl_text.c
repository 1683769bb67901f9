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
int
text_is_unsafe(uint32_t r)
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
		len = utf8_rune(s, n, &rune);
		if (len != 0 && !text_is_unsafe(rune)) {
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

void
stdout_flush(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return;
	if (errno == EPIPE)
		_exit(0);
	err(1, "standard output");
}
