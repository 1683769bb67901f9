/*
 * Dates of HTTP, see date.h.  Pure; runs in the frontend on what a client sent,
 * which is not trusted.  By arithmetic: the library's functions look for the
 * files of time zones.
 */
#include "date.h"

#include <stdio.h>
#include <string.h>

#define DAY_S	86400
#define YEAR_9999_END	253402300799

static const char	days[] = "SunMonTueWedThuFriSat";
static const char	months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char *const long_days[] = { "Sunday", "Monday", "Tuesday",
	"Wednesday", "Thursday", "Friday", "Saturday" };

struct civil {
	int64_t	 year;
	int	 month, day;		/* from 1 */
	int	 hour, minute, second;
};

struct cursor {
	const char	*p, *end;
	int		 bad;
};

static int
leap(int64_t year)
{
	return (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

static int
month_days(int64_t year, int month)
{
	static const int	 of[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30,
				    31, 30, 31 };

	return (of[month - 1] + (month == 2 && leap(year)));
}

/* Days from 1970-01-01 to the first of January, for years from 1601. */
static int64_t
year_days(int64_t year)
{
	int64_t	 before = year - 1;

	return (365 * (year - 1970) + (before / 4 - 1969 / 4) -
	    (before / 100 - 1969 / 100) + (before / 400 - 1969 / 400));
}

static int64_t
civil_time(const struct civil *c)
{
	int64_t	 n = year_days(c->year) + c->day - 1;
	int	 m;

	for (m = 1; m < c->month; m++)
		n += month_days(c->year, m);
	return (n * DAY_S + c->hour * 3600 + c->minute * 60 + c->second);
}

/* Of times from 1970 on. */
static void
civil_from(int64_t t, struct civil *c)
{
	int64_t	 n = t / DAY_S;
	int	 rest = (int)(t % DAY_S);

	c->year = 1970 + n / 366;	/* that or a later one */
	while (year_days(c->year + 1) <= n)
		c->year++;
	n -= year_days(c->year);
	for (c->month = 1; n >= month_days(c->year, c->month); c->month++)
		n -= month_days(c->year, c->month);
	c->day = (int)n + 1;
	c->hour = rest / 3600;
	c->minute = rest / 60 % 60;
	c->second = rest % 60;
}

const char *
http_date_text(int64_t t, char text[HTTP_DATE_LEN + 1])
{
	char		 buf[80];
	struct civil	 c;

	text[0] = '\0';
	if (t < 0 || t > YEAR_9999_END)
		return (text);
	civil_from(t, &c);
	/* 1970-01-01 was a Thursday. */
	snprintf(buf, sizeof(buf), "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
	    days + 3 * ((t / DAY_S + 4) % 7), c.day, months + 3 *
	    (c.month - 1), (int)c.year, c.hour, c.minute, c.second);
	memcpy(text, buf, HTTP_DATE_LEN);
	text[HTTP_DATE_LEN] = '\0';
	return (text);
}

/* Past this very text. */
static void
literal(struct cursor *c, const char *text)
{
	size_t	 n = strlen(text);

	if (c->bad || n > (size_t)(c->end - c->p) ||
	    memcmp(c->p, text, n) != 0)
		c->bad = 1;
	else
		c->p += n;
}

/* Exactly n digits; the first may be a blank where that is allowed. */
static int
digits(struct cursor *c, size_t n, int blank)
{
	int	 v = 0;
	size_t	 i;

	if (c->bad || n > (size_t)(c->end - c->p)) {
		c->bad = 1;
		return (0);
	}
	for (i = 0; i < n; i++, c->p++) {
		if (blank && i == 0 && *c->p == ' ')
			continue;
		if (*c->p < '0' || *c->p > '9') {
			c->bad = 1;
			return (0);
		}
		v = v * 10 + (*c->p - '0');
	}
	return (v);
}

/* One of the names of three letters in a row; from 0. */
static int
name(struct cursor *c, const char *names)
{
	int	 i;

	for (i = 0; !c->bad && c->end - c->p >= 3 && names[3 * i] != '\0'; i++)
		if (memcmp(c->p, names + 3 * i, 3) == 0) {
			c->p += 3;
			return (i);
		}
	c->bad = 1;
	return (0);
}

static void
clock_parse(struct cursor *c, struct civil *v)
{
	v->hour = digits(c, 2, 0);
	literal(c, ":");
	v->minute = digits(c, 2, 0);
	literal(c, ":");
	v->second = digits(c, 2, 0);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static void
fixdate_parse(struct cursor *c, struct civil *v)
{
	name(c, days);
	literal(c, ", ");
	v->day = digits(c, 2, 0);
	literal(c, " ");
	v->month = name(c, months) + 1;
	literal(c, " ");
	v->year = digits(c, 4, 0);
	literal(c, " ");
	clock_parse(c, v);
	literal(c, " GMT");
}

/* "Sun Nov  6 08:49:37 1994" */
static void
asctime_parse(struct cursor *c, struct civil *v)
{
	name(c, days);
	literal(c, " ");
	v->month = name(c, months) + 1;
	literal(c, " ");
	v->day = digits(c, 2, 1);
	literal(c, " ");
	clock_parse(c, v);
	literal(c, " ");
	v->year = digits(c, 4, 0);
}

/* "Sunday, 06-Nov-94 08:49:37 GMT" */
static void
rfc850_parse(struct cursor *c, struct civil *v, int64_t now)
{
	struct civil	 today;
	size_t		 i, n;

	for (i = 0; i < 7; i++) {
		n = strlen(long_days[i]);
		if (n <= (size_t)(c->end - c->p) &&
		    memcmp(c->p, long_days[i], n) == 0)
			break;
	}
	if (i == 7) {
		c->bad = 1;
		return;
	}
	c->p += n;
	literal(c, ", ");
	v->day = digits(c, 2, 0);
	literal(c, "-");
	v->month = name(c, months) + 1;
	literal(c, "-");
	v->year = digits(c, 2, 0);
	literal(c, " ");
	clock_parse(c, v);
	literal(c, " GMT");
	civil_from(now < 0 || now > YEAR_9999_END ? 0 : now, &today);
	v->year += today.year / 100 * 100;
	if (v->year > today.year + 50)
		v->year -= 100;
}

static int
civil_valid(const struct civil *v)
{
	return (v->year >= 1601 && v->month >= 1 && v->month <= 12 &&
	    v->day >= 1 && v->day <= month_days(v->year, v->month) &&
	    v->hour < 24 && v->minute < 60 && v->second <= 60);
}

int
http_date_parse(const char *s, size_t n, int64_t now, int64_t *t)
{
	struct cursor	 c = { s, s + n, 0 };
	struct civil	 v;

	memset(&v, 0, sizeof(v));
	if (n > 3 && s[3] == ',')
		fixdate_parse(&c, &v);
	else if (n > 3 && s[3] == ' ')
		asctime_parse(&c, &v);
	else
		rfc850_parse(&c, &v, now);
	if (c.bad || c.p != c.end || !civil_valid(&v))
		return (-1);
	*t = civil_time(&v);
	return (0);
}
