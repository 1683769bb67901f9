/* frontend/json.c and json_message.c against cJSON, and json_quote(). */
#include <stdint.h>

#include "json_differential.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
fail(const char *why, const char *text, size_t n)
{
	fprintf(stderr, "%s: %.*s\n", why, (int)n, text);
	abort();
}

/* Any bytes quoted are JSON, and mean those bytes where they are UTF-8. */
static void
quote_check(const char *text, size_t n)
{
	size_t	 size = 6 * n + 2, used, less;
	char	*out, *tight;
	cJSON	*item;

	if ((out = malloc(size)) == NULL)
		abort();
	used = json_quote(out, size, text, n);
	if (used == 0 || json_check(out, used, 1) != JSON_OK)
		fail("quoted is not JSON", text, n);
	item = cJSON_ParseWithLength(out, used);
	if (item == NULL || (reference_utf8((const uint8_t *)text, n) &&
	    memchr(text, '\0', n) == NULL &&
	    strcmp(item->valuestring, text) != 0))
		fail("quoted is another string", text, n);
	cJSON_Delete(item);

	for (less = 0; less < 2; less++) {
		if ((tight = malloc(used - less + 1)) == NULL)
			abort();
		tight[used - less] = '!';
		if (json_quote(tight, used - less, text, n) !=
		    (less ? 0 : used) || tight[used - less] != '!')
			fail("quoting does not keep to its size", text, n);
		free(tight);
	}
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	const char	*wrong;
	char		*text, *exact;

	if ((text = malloc(n + 1)) == NULL ||
	    (exact = malloc(n > 0 ? n : 1)) == NULL)
		abort();
	memcpy(text, in, n);
	text[n] = '\0';
	memcpy(exact, in, n);
	/* Once without a byte behind it, for the sanitizer. */
	(void)json_check(exact, n, 1);
	if ((wrong = json_disagreement(text, n)) != NULL)
		fail(wrong, text, n);
	quote_check(text, n);
	free(exact);
	free(text);
	return (0);
}
