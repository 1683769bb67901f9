/*
 * Reads the values in nwsd.conf(5): numbers, sizes, times, names and paths,
 * each with its limits.  Part of the parser; pure; trusts nothing in the text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_parser.h"

struct unit {
	char name;
	uint32_t factor;
};

static const struct unit sizes[] = { { 'K', 1024u }, { 'M', 1024u * 1024u },
	{ 'G', 1024u * 1024u * 1024u }, { '\0', 0 } };
static const struct unit times[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 },
	{ 'd', 86400 }, { '\0', 0 } };
static const struct unit none[] = { { '\0', 0 } };

static int value(const struct conf_parser *, const struct unit *, uint32_t,
    uint32_t, uint32_t *);

int
conf_onoff(struct conf_parser *p, uint32_t *out)
{
	if (conf_take(p, "on"))
		*out = 1;
	else if (conf_take(p, "off"))
		*out = 0;
	else
		return (conf_expected(p, "on or off"));
	return (0);
}

int
conf_console(struct conf_parser *p, uint32_t *out)
{
	if (conf_take(p, "on"))
		*out = CONSOLE_ON;
	else if (conf_take(p, "read-only"))
		*out = CONSOLE_READ_ONLY;
	else if (conf_take(p, "off"))
		*out = CONSOLE_OFF;
	else
		return (conf_expected(p, "on, read-only or off"));
	return (0);
}

int
conf_number(struct conf_parser *p, uint32_t min, uint32_t max, uint32_t *out)
{
	if (value(p, none, min, max, out) == -1)
		return (conf_expected(p, "a number from %u to %u", min, max));
	conf_next(p);
	return (0);
}

int
conf_size(struct conf_parser *p, uint32_t min, uint32_t max, uint32_t *out)
{
	char a[CONF_NUMBER_TEXT], b[CONF_NUMBER_TEXT];

	if (value(p, sizes, min, max, out) == -1)
		return (conf_expected(p,
		    "a size from %s to %s in bytes, K, M "
		    "or G",
		    conf_size_text(min, a), conf_size_text(max, b)));
	conf_next(p);
	return (0);
}

int
conf_time(struct conf_parser *p, uint32_t min, uint32_t max, uint32_t *out)
{
	char a[CONF_NUMBER_TEXT], b[CONF_NUMBER_TEXT];

	if (value(p, times, min, max, out) == -1)
		return (conf_expected(p,
		    "a time from %s to %s in s, m, h or "
		    "d",
		    conf_time_text(min, a), conf_time_text(max, b)));
	conf_next(p);
	return (0);
}

/* Digits and at most one unit, all of the token, within the limits. */
static int
value(const struct conf_parser *p, const struct unit *units, uint32_t min,
    uint32_t max, uint32_t *out)
{
	const char *s = p->tok.text;
	uint64_t v = 0;
	size_t i;

	if (!conf_is_value(p))
		return (-1);
	for (i = 0; s[i] >= '0' && s[i] <= '9'; i++) {
		v = v * 10 + (uint64_t)(s[i] - '0');
		if (v > UINT32_MAX)
			return (-1);
	}
	if (i == 0)
		return (-1);
	if (s[i] != '\0') {
		while (units->name != '\0' && units->name != s[i])
			units++;
		if (units->name == '\0' || s[i + 1] != '\0')
			return (-1);
		v *= units->factor;
	}
	if (v < min || v > max)
		return (-1);
	*out = (uint32_t)v;
	return (0);
}

int
conf_mode(struct conf_parser *p, uint32_t *out)
{
	const char *s = p->tok.text;
	uint32_t v = 0;
	size_t i;

	for (i = 0; s[i] >= '0' && s[i] <= '7' && i < 4; i++)
		v = v * 8 + (uint32_t)(s[i] - '0');
	if (!conf_is_value(p) || i < 3 || s[i] != '\0' || v > 0777)
		return (conf_expected(p, "an octal mode from 0000 to 0777"));
	*out = v;
	conf_next(p);
	return (0);
}

int
conf_account(struct conf_parser *p, const char *what, char **out)
{
	const char *s = p->tok.text;
	size_t i;

	for (i = 0; s[i] != '\0'; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') ||
			(s[i] >= 'A' && s[i] <= 'Z') || s[i] == '_' ||
			(i > 0 &&
			    ((s[i] >= '0' && s[i] <= '9') || s[i] == '-' ||
				s[i] == '.'))))
			break;
	if (!conf_is_value(p) || i == 0 || s[i] != '\0' || i > CONF_ACCOUNT_MAX)
		return (conf_expected(p,
		    "the name of a %s, up to %d letters, "
		    "digits, _, - and .",
		    what, CONF_ACCOUNT_MAX));
	return (conf_string(p, out));
}

int
conf_path(struct conf_parser *p, size_t max, char **out)
{
	if (!conf_is_value(p) || p->tok.text[0] != '/' || p->tok.len > max)
		return (conf_expected(p,
		    "an absolute path of at most %zu "
		    "bytes",
		    max));
	return (conf_string(p, out));
}

int
conf_string(struct conf_parser *p, char **out)
{
	char *s;

	if ((s = strdup(p->tok.text)) == NULL)
		return (conf_nomem(p));
	free(*out);
	*out = s;
	conf_next(p);
	return (0);
}
