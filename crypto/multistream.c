/*
 * multistream-select 1.0 (libp2p specs, connections/README.md, "multistream-
 * select"): a message is a varint length, text, and a newline that counts.
 * Pure; runs in crypto, on raw connections before any security and on streams.
 */
#include <string.h>

#include "crypto/multistream.h"
#include "crypto/varint.h"

#define HEADER		"/multistream/1.0.0"
#define REFUSAL		"na"
#define LIST		"ls"
#define PREFIX_MAX	2	/* bytes of the length of MS_TOKEN_MAX */

static void	start(struct multistream *, int, const char *const *, size_t);
static int	say(struct multistream *, const char *);
static int	propose(struct multistream *);
static int	list(struct multistream *);
static int	token_complete(const struct multistream *, const char **,
		    size_t *);
static void	hear(struct multistream *, const char *, size_t);
static void	hear_proposal(struct multistream *, const char *, size_t);
static int	is(const char *, size_t, const char *);

void
multistream_dial(struct multistream *ms, const char *const *protocols,
    size_t n)
{
	start(ms, 0, protocols, n);
	if (n == 0 || say(ms, HEADER) == -1 || propose(ms) == -1)
		ms->phase = MS_FAILED;
}

void
multistream_listen(struct multistream *ms, const char *const *protocols,
    size_t n)
{
	start(ms, 1, protocols, n);
	/* Room for it is there, as nothing else is. */
	(void)say(ms, HEADER);
}

static void
start(struct multistream *ms, int listener, const char *const *protocols,
    size_t n)
{
	ms->phase = MS_TALKING;
	ms->chosen = 0;
	ms->out_len = 0;
	ms->protocols = protocols;
	ms->nprotocols = n;
	ms->listener = listener;
	ms->saw_header = 0;
	ms->asked = 0;
	ms->have = 0;
}

size_t
multistream_input(struct multistream *ms, const uint8_t *in, size_t n)
{
	const char	*text;
	size_t		 used = 0, len;
	int		 result;

	while (ms->phase == MS_TALKING && used < n) {
		/* The longest answer that there can be. */
		if (MS_OUT_MAX - ms->out_len < MS_TOKEN_MAX + PREFIX_MAX)
			break;
		ms->token[ms->have++] = in[used++];
		result = token_complete(ms, &text, &len);
		if (result == -1)
			ms->phase = MS_FAILED;
		if (result == 1) {
			ms->have = 0;
			hear(ms, text, len);
		}
	}
	return (used);
}

void
multistream_sent(struct multistream *ms, size_t n)
{
	if (n > ms->out_len)
		n = ms->out_len;
	memmove(ms->out, ms->out + n, ms->out_len - n);
	ms->out_len -= n;
}

/* Returns 1 with the text, without its newline; 0 if there is more; -1. */
static int
token_complete(const struct multistream *ms, const char **text, size_t *len)
{
	uint64_t	size;
	int		prefix;

	prefix = varint_read(ms->token, ms->have, &size);
	if (prefix == 0)
		return (ms->have < PREFIX_MAX ? 0 : -1);
	if (prefix == -1 || size == 0 || size > MS_TOKEN_MAX)
		return (-1);
	if (ms->have - (size_t)prefix < size)
		return (0);
	if (ms->token[ms->have - 1] != '\n')
		return (-1);
	*text = (const char *)ms->token + prefix;
	*len = (size_t)size - 1;
	return (1);
}

static void
hear(struct multistream *ms, const char *text, size_t len)
{
	if (!ms->saw_header) {
		ms->saw_header = 1;
		if (!is(text, len, HEADER))
			ms->phase = MS_FAILED;
		return;
	}
	if (ms->listener)
		hear_proposal(ms, text, len);
	else if (is(text, len, ms->protocols[ms->chosen]))
		ms->phase = MS_AGREED;
	else if (!is(text, len, REFUSAL))
		ms->phase = MS_FAILED;
	else if (++ms->chosen == ms->nprotocols)
		ms->phase = MS_REFUSED;
	else if (propose(ms) == -1)
		ms->phase = MS_FAILED;
}

static void
hear_proposal(struct multistream *ms, const char *text, size_t len)
{
	size_t	i;
	int	result;

	if (++ms->asked > MS_PROPOSALS_MAX) {
		ms->phase = MS_REFUSED;
		return;
	}
	for (i = 0; i < ms->nprotocols; i++)
		if (is(text, len, ms->protocols[i])) {
			ms->chosen = i;
			ms->phase = say(ms, ms->protocols[i]) == -1 ?
			    MS_FAILED : MS_AGREED;
			return;
		}
	result = is(text, len, LIST) ? list(ms) : -1;
	if (result == -1 && say(ms, REFUSAL) == -1)
		ms->phase = MS_FAILED;
}

static int
propose(struct multistream *ms)
{
	return (say(ms, ms->protocols[ms->chosen]));
}

static int
say(struct multistream *ms, const char *text)
{
	uint8_t	prefix[VARINT_MAX];
	size_t	len = strlen(text), prefix_len;

	prefix_len = varint_write(prefix, len + 1);
	if (len + 1 > MS_TOKEN_MAX ||
	    prefix_len + len + 1 > MS_OUT_MAX - ms->out_len)
		return (-1);
	memcpy(ms->out + ms->out_len, prefix, prefix_len);
	ms->out_len += prefix_len;
	memcpy(ms->out + ms->out_len, text, len);
	ms->out_len += len;
	ms->out[ms->out_len++] = '\n';
	return (0);
}

/*
 * One message of all protocols, each a message in itself, as js-libp2p answers.
 * Returns 0, or -1 when that is longer than a message may be.
 */
static int
list(struct multistream *ms)
{
	uint8_t	prefix[VARINT_MAX];
	size_t	i, n, len = 1, before = ms->out_len;

	for (i = 0; i < ms->nprotocols; i++) {
		n = strlen(ms->protocols[i]) + 1;
		len += varint_write(prefix, n) + n;
	}
	n = varint_write(prefix, len);
	if (len > MS_TOKEN_MAX || n + len > MS_OUT_MAX - ms->out_len)
		return (-1);
	memcpy(ms->out + ms->out_len, prefix, n);
	ms->out_len += n;
	for (i = 0; i < ms->nprotocols; i++)
		if (say(ms, ms->protocols[i]) == -1) {
			ms->out_len = before;
			return (-1);
		}
	ms->out[ms->out_len++] = '\n';
	return (0);
}

static int
is(const char *text, size_t len, const char *word)
{
	return (len == strlen(word) && memcmp(text, word, len) == 0);
}
