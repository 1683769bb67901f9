/*
 * Files over HTTP: a path that is valid has nothing in it that leads elsewhere;
 * whatever a request wants, what is sent are bytes of the file; a date that is
 * understood is written and understood again.  The input is a request head, of
 * which the path is tried as one of a file.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/filepath.h"
#include "common/msg.h"
#include "frontend/date.h"
#include "frontend/fileinfo.h"
#include "frontend/http.h"

#define NOW	INT64_C(1795000000)

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Name by name, in another way than the function does it. */
static void
path_check(const char *path, size_t n)
{
	char	 before = '/';
	size_t	 i;

	if (!file_path_valid(path, n))
		return;
	if (n > MSG_PATH_MAX || (n > 0 && path[0] == '/'))
		abort();
	for (i = 0; i < n; before = path[i++])
		if (path[i] == '\0' || path[i] == '\\' ||
		    (before == '/' && (path[i] == '.' || path[i] == '/')))
			abort();
	if (file_path_is_directory(path, n) != (before == '/'))
		abort();
}

static void
date_check(const char *s, size_t n)
{
	char	 text[HTTP_DATE_LEN + 1];
	int64_t	 t, again;

	if (http_date_parse(s, n, NOW, &t) == -1)
		return;
	http_date_text(t, text);
	if (text[0] != '\0' && (http_date_parse(text, strlen(text), NOW,
	    &again) == -1 || again != t))
		abort();
}

static void
wish_check(const struct http_request *r, uint64_t size)
{
	const struct file_facts	 f = { size, 42, NOW - 1000, 7 };
	struct file_verdict	 v;
	struct file_wish	 w;
	int			 head;

	for (head = 0; head < 2; head++) {
		if (file_wish_read(r, head, NOW, &w) == -1)
			abort();
		file_decide(&w, &f, NOW, &v);
		file_wish_free(&w);
		if (v.offset > size || v.len > size - v.offset)
			abort();
		if (v.status == 200 ? v.offset != 0 || v.len != size :
		    v.status == 206 ? v.len == 0 || head :
		    v.len != 0 || (v.status != 304 && v.status != 412 &&
		    v.status != 416))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct http_request	 r;
	char			*in, path[2048];
	unsigned int		 i;
	int			 len, status;

	if ((in = malloc(n > 0 ? n : 1)) == NULL)
		abort();
	memcpy(in, data, n);
	path_check(in, n);
	date_check(in, n);
	(void)file_type(in, n);
	if (http_parse(in, n, 65536, &r, &status) > 0) {
		len = http_decode(&r.path, path, sizeof(path));
		if (len > 0)
			path_check(path + 1, (size_t)len - 1);
		for (i = 0; i < r.nfields; i++)
			date_check(r.field[i].value.p, r.field[i].value.len);
		wish_check(&r, 0);
		wish_check(&r, 100);
		wish_check(&r, INT64_MAX);
	}
	free(in);
	return (0);
}
