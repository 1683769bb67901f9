/*
 * The files of frontend/www and the pages of contrib/examples: which there are,
 * their media types, and their bytes, which the assembler takes from the files
 * themselves.  Runs in the frontend, which can open nothing; trusts all it has.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "www.h"

/* Where the Makefile puts what it makes out of other files. */
#ifndef WWW_MADE
#define WWW_MADE	"build/frontend/www"
#endif

/* Names of the assembler, hidden, so that no relocation is left at run time. */
#define EMBED(name, file)						\
	__asm__(".pushsection .rodata\n"				\
	    ".global www_" #name ", www_" #name "_end\n"		\
	    ".hidden www_" #name "\n.hidden www_" #name "_end\n"	\
	    "www_" #name ":\n.incbin \"" file "\"\n"			\
	    "www_" #name "_end:\n.byte 0\n.popsection\n");		\
	extern const char www_##name[]					\
	    __attribute__((visibility("hidden")));			\
	extern const char www_##name##_end[]				\
	    __attribute__((visibility("hidden")))

EMBED(index, "frontend/www/index.html");
EMBED(console, "frontend/www/console.html");
EMBED(con_css, "frontend/www/console.css");
EMBED(con_js, "frontend/www/console.js");
EMBED(con_api_js, "frontend/www/console-api.js");
EMBED(con_channel_js, "frontend/www/console-channel.js");
EMBED(con_dom_js, "frontend/www/console-dom.js");
EMBED(con_log_js, "frontend/www/console-log.js");
EMBED(con_origins_js, "frontend/www/console-origins.js");
EMBED(con_plot_js, "frontend/www/console-plot.js");
EMBED(con_snippets_js, "frontend/www/console-snippets.js");
EMBED(con_views_js, "frontend/www/console-views.js");
EMBED(style, "frontend/www/index.css");
EMBED(module, "frontend/www/nws.mjs");
EMBED(script, WWW_MADE "/nws.js");
EMBED(types, "frontend/www/nws.d.ts");

#define EXAMPLES	"contrib/examples"
EMBED(ex_index_html, EXAMPLES "/index.html");
EMBED(ex_style_css, EXAMPLES "/style.css");
EMBED(ex_page_js, EXAMPLES "/page.js");
EMBED(ex_rtc_js, EXAMPLES "/rtc.js");
EMBED(ex_chat_html, EXAMPLES "/chat.html");
EMBED(ex_chat_js, EXAMPLES "/chat.js");
EMBED(ex_pubsub_html, EXAMPLES "/pubsub.html");
EMBED(ex_pubsub_js, EXAMPLES "/pubsub.js");
EMBED(ex_video_html, EXAMPLES "/video.html");
EMBED(ex_video_js, EXAMPLES "/video.js");
EMBED(ex_draw_html, EXAMPLES "/draw.html");
EMBED(ex_draw_js, EXAMPLES "/draw.js");
EMBED(ex_board_js, EXAMPLES "/board.js");
EMBED(ex_files_html, EXAMPLES "/files.html");
EMBED(ex_files_js, EXAMPLES "/files.js");
EMBED(ex_transfer_js, EXAMPLES "/transfer.js");

#define HTML	"text/html; charset=utf-8"
#define CSS	"text/css; charset=utf-8"
#define JS	"text/javascript; charset=utf-8"	/* RFC 9239 */
#define TEXT	"text/plain; charset=utf-8"

#define FILE_AT(path, type, library, name)				\
	{ path, type, library, www_##name, www_##name##_end }

static const struct www_file files[] = {
	FILE_AT("/", HTML, 0, index),
	FILE_AT("/index.css", CSS, 0, style),
	FILE_AT("/console.css", CSS, 0, con_css),
	FILE_AT("/console.js", JS, 0, con_js),
	FILE_AT("/console-api.js", JS, 0, con_api_js),
	FILE_AT("/console-channel.js", JS, 0, con_channel_js),
	FILE_AT("/console-dom.js", JS, 0, con_dom_js),
	FILE_AT("/console-log.js", JS, 0, con_log_js),
	FILE_AT("/console-origins.js", JS, 0, con_origins_js),
	FILE_AT("/console-plot.js", JS, 0, con_plot_js),
	FILE_AT("/console-snippets.js", JS, 0, con_snippets_js),
	FILE_AT("/console-views.js", JS, 0, con_views_js),
	FILE_AT("/nws.mjs", JS, 1, module),
	FILE_AT("/nws.js", JS, 1, script),
	FILE_AT("/nws.d.ts", TEXT, 1, types),
	FILE_AT("/examples/", HTML, 0, ex_index_html),
	FILE_AT("/examples/style.css", CSS, 0, ex_style_css),
	FILE_AT("/examples/page.js", JS, 0, ex_page_js),
	FILE_AT("/examples/rtc.js", JS, 0, ex_rtc_js),
	FILE_AT("/examples/chat.html", HTML, 0, ex_chat_html),
	FILE_AT("/examples/chat.js", JS, 0, ex_chat_js),
	FILE_AT("/examples/pubsub.html", HTML, 0, ex_pubsub_html),
	FILE_AT("/examples/pubsub.js", JS, 0, ex_pubsub_js),
	FILE_AT("/examples/video.html", HTML, 0, ex_video_html),
	FILE_AT("/examples/video.js", JS, 0, ex_video_js),
	FILE_AT("/examples/draw.html", HTML, 0, ex_draw_html),
	FILE_AT("/examples/draw.js", JS, 0, ex_draw_js),
	FILE_AT("/examples/board.js", JS, 0, ex_board_js),
	FILE_AT("/examples/files.html", HTML, 0, ex_files_html),
	FILE_AT("/examples/files.js", JS, 0, ex_files_js),
	FILE_AT("/examples/transfer.js", JS, 0, ex_transfer_js),
};

static const struct www_file console = FILE_AT("/console", HTML, 0, console);

#define NFILES	(sizeof(files) / sizeof(files[0]))

const struct www_file *
www_console_page(void)
{
	return (&console);
}

const struct www_file *
www_at(size_t i)
{
	return (i < NFILES ? &files[i] : NULL);
}

const struct www_file *
www_find(const char *path, size_t len)
{
	size_t i;

	for (i = 0; i < NFILES; i++)
		if (strlen(files[i].path) == len &&
		    memcmp(files[i].path, path, len) == 0)
			return (&files[i]);
	return (NULL);
}

/* FNV-1a: tells versions apart, which is all that a tag is for. */
void
www_etag(const struct www_file *f, char out[WWW_ETAG_LEN + 1])
{
	const char	*p;
	uint64_t	 h = 0xcbf29ce484222325;

	for (p = f->start; p != f->end; p++)
		h = (h ^ (uint8_t)*p) * 0x100000001b3;
	snprintf(out, WWW_ETAG_LEN + 1, "\"%016" PRIx64 "\"", h);
}
