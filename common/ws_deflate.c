/*
 * Negotiation of permessage-deflate (RFC 7692).  Pure; runs in the frontend on
 * the Sec-WebSocket-Extensions of a client, which is not trusted.
 *
 * Grammar (RFC 6455, 9.1):
 *	list = extension *( "," extension )
 *	extension = token *( ";" token [ "=" ( token | quoted-string ) ] )
 * where list elements may be empty (RFC 9110, 5.6.1.2).
 */

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ws.h"

#define WINDOW_MAX	15
#define VALUE_MAX	64	/* of a parameter; ours have two digits */

/* One parameter, taken apart. */
struct param {
	const char	*name;
	size_t		 name_len;
	char		 value[VALUE_MAX];
	size_t		 value_len;	/* above VALUE_MAX: not kept */
	int		 has_value;
};

struct cursor {
	const char	*p, *end;
};

/* Bits of what an offer has said already. */
#define SAID_SERVER_TAKEOVER	0x1u
#define SAID_CLIENT_TAKEOVER	0x2u
#define SAID_SERVER_BITS	0x4u
#define SAID_CLIENT_BITS	0x8u

static int	extension_parse(struct cursor *, struct ws_deflate *);
static int	param_parse(struct cursor *, struct param *);
static int	param_take(const struct param *, struct ws_deflate *,
		    unsigned int *);
static int	param_is(const struct param *, const char *);
static int	window_bits(const struct param *);
static int	quoted_parse(struct cursor *, struct param *);
static size_t	token_parse(struct cursor *);
static void	space_skip(struct cursor *);
static int	next_is(struct cursor *, char);
static void	answer_print(const struct ws_deflate *, char *, size_t);

int
ws_deflate_choose(const char *value, size_t len, struct ws_deflate *d,
    char *answer, size_t answer_size)
{
	struct cursor		 c = { value, value + len };
	struct ws_deflate	 offer;
	int			 seen = 0, wanted;

	memset(d, 0, sizeof(*d));
	if (answer_size > 0)
		answer[0] = '\0';
	if (len == 0)
		return (0);
	for (;;) {
		space_skip(&c);
		if (c.p < c.end && *c.p != ',') {
			if ((wanted = extension_parse(&c, &offer)) == -1)
				return (-1);
			if (wanted && !d->on)
				*d = offer;
			seen = 1;
		}
		if (c.p == c.end)
			break;
		if (!next_is(&c, ','))
			return (-1);
	}
	if (!seen)
		return (-1);
	if (d->on)
		answer_print(d, answer, answer_size);
	return (d->on);
}

/*
 * One extension with its parameters: 1 for an offer that we can honour, 0 for
 * anything else, -1 when it does not follow the grammar.
 */
static int
extension_parse(struct cursor *c, struct ws_deflate *d)
{
	struct param	 param;
	unsigned int	 said = 0;
	int		 wanted;

	memset(&param, 0, sizeof(param));
	param.name = c->p;
	if ((param.name_len = token_parse(c)) == 0)
		return (-1);
	wanted = param_is(&param, "permessage-deflate");
	memset(d, 0, sizeof(*d));
	d->server_bits = d->client_bits = WINDOW_MAX;
	for (;;) {
		space_skip(c);
		if (!next_is(c, ';'))
			break;
		if (param_parse(c, &param) == -1)
			return (-1);
		if (wanted && param_take(&param, d, &said) == -1)
			wanted = 0;
	}
	d->on = wanted;
	return (wanted);
}

static int
param_parse(struct cursor *c, struct param *param)
{
	space_skip(c);
	param->name = c->p;
	if ((param->name_len = token_parse(c)) == 0)
		return (-1);
	space_skip(c);
	param->value_len = 0;
	if (!(param->has_value = next_is(c, '=')))
		return (0);
	space_skip(c);
	if (c->p < c->end && *c->p == '"')
		return (quoted_parse(c, param));
	if ((param->value_len = token_parse(c)) == 0)
		return (-1);
	if (param->value_len <= VALUE_MAX)
		memcpy(param->value, c->p - param->value_len,
		    param->value_len);
	return (0);
}

/* A quoted string; unquoted it must be a token too (RFC 6455, 9.1). */
static int
quoted_parse(struct cursor *c, struct param *param)
{
	struct cursor	 one;

	for (c->p++; c->p < c->end && *c->p != '"'; c->p++) {
		if (*c->p == '\\' && ++c->p == c->end)
			return (-1);
		one.p = c->p;
		one.end = c->p + 1;
		if (token_parse(&one) == 0)
			return (-1);
		if (param->value_len < VALUE_MAX)
			param->value[param->value_len] = *c->p;
		param->value_len++;
	}
	if (c->p == c->end || param->value_len == 0)
		return (-1);
	c->p++;
	return (0);
}

/* Apply one parameter of an offer; -1: the offer is declined (7.1). */
static int
param_take(const struct param *param, struct ws_deflate *d, unsigned int *said)
{
	unsigned int	 bit;
	int		 bits = 0;

	if (param_is(param, "server_no_context_takeover"))
		bit = SAID_SERVER_TAKEOVER;
	else if (param_is(param, "client_no_context_takeover"))
		bit = SAID_CLIENT_TAKEOVER;
	else if (param_is(param, "server_max_window_bits"))
		bit = SAID_SERVER_BITS;
	else if (param_is(param, "client_max_window_bits"))
		bit = SAID_CLIENT_BITS;
	else
		return (-1);
	if ((*said & bit) != 0)
		return (-1);
	*said |= bit;
	if (param->has_value && (bits = window_bits(param)) == -1)
		return (-1);
	switch (bit) {
	case SAID_SERVER_BITS:
		/* A value is required, and zlib has no window of 2^8. */
		if (bits < 9)
			return (-1);
		d->server_bits = bits;
		d->server_bits_asked = 1;
		return (0);
	case SAID_CLIENT_BITS:
		/* Of 8 we need not speak: a larger window inflates that too. */
		if (bits > 8)
			d->client_bits = bits;
		return (0);
	default:
		return (param->has_value ? -1 : 0);
	}
}

static int
param_is(const struct param *param, const char *name)
{
	return (param->name_len == strlen(name) &&
	    strncasecmp(param->name, name, param->name_len) == 0);
}

/* 8 to 15, decimal without leading zeroes (7.1.2), else -1. */
static int
window_bits(const struct param *param)
{
	const char *v = param->value;

	if (param->value_len == 1 && (v[0] == '8' || v[0] == '9'))
		return (v[0] - '0');
	if (param->value_len == 2 && v[0] == '1' && v[1] >= '0' && v[1] <= '5')
		return (10 + v[1] - '0');
	return (-1);
}

/* Past a token (RFC 9110, 5.6.2); returns its length. */
static size_t
token_parse(struct cursor *c)
{
	const char *start = c->p;

	for (; c->p < c->end; c->p++)
		if (!((*c->p >= '0' && *c->p <= '9') ||
		    (*c->p >= 'A' && *c->p <= 'Z') ||
		    (*c->p >= 'a' && *c->p <= 'z') || (*c->p != '\0' &&
		    strchr("!#$%&'*+-.^_`|~", *c->p) != NULL)))
			break;
	return ((size_t)(c->p - start));
}

static void
space_skip(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
		c->p++;
}

static int
next_is(struct cursor *c, char want)
{
	if (c->p == c->end || *c->p != want)
		return (0);
	c->p++;
	return (1);
}

/*
 * No context takeover either way, asked for or not (7.1.1).  A window that was
 * asked for must be named (7.1.2.1); one of the client may be named only where
 * the client named one (7.1.2.2).
 */
static void
answer_print(const struct ws_deflate *d, char *answer, size_t size)
{
	char	 server[40] = "", client[40] = "";

	if (d->server_bits_asked)
		snprintf(server, sizeof(server),
		    "; server_max_window_bits=%d", d->server_bits);
	if (d->client_bits < WINDOW_MAX)
		snprintf(client, sizeof(client),
		    "; client_max_window_bits=%d", d->client_bits);
	snprintf(answer, size, "permessage-deflate; "
	    "server_no_context_takeover; client_no_context_takeover%s%s",
	    server, client);
}
