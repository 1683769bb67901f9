/*
 * Prints nws-ipc(7): copies the text from standard input and puts the table of
 * common/msg.h where a line says MESSAGES.  Run when nwsd is built.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/msg.h"

#define MARK ".\\\" MESSAGES\n"
#define WIDTH 76 /* of a line of text */

/* The groups of the table, by their first row. */
static const struct {
	enum msg_type first;
	const char *title;
} groups[] = { { MSG_CONF, "Start and reload" }, { MSG_LOG_LEVEL, "Control" },
	{ MSG_CTL_SHOW, "nwsctl" }, { MSG_CHANNEL_OPEN, "Channels" },
	{ MSG_WANTED, "Links" }, { MSG_FILE_ASK, "Files" } };

static void
print_group(uint32_t type)
{
	size_t i;

	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if ((uint32_t)groups[i].first != type)
			continue;
		if (i > 0)
			puts(".El");
		printf(".Ss %s\n.Bl -tag -width Ds\n", groups[i].title);
	}
}

static void
print_processes(uint32_t bits)
{
	const char *separator = "";
	uint32_t bit;

	for (bit = 1; bit != 0 && bit <= bits; bit <<= 1) {
		if ((bits & bit) == 0)
			continue;
		printf("%s%s", separator, process_name(bit));
		separator = ", ";
	}
}

static void
print_size(const struct msg_info *m)
{
	if (m->max == 0)
		printf("no payload");
	else if (m->min == m->max)
		printf("%u bytes", m->min);
	else
		printf("%u to %u bytes", m->min, m->max);
	if (m->fd)
		printf(", with a descriptor");
}

/* Words in lines of at most WIDTH, the first of them in upper case. */
static void
print_text(const char *text)
{
	size_t column = 0, n;
	int first = 1;

	for (; *text != '\0'; text += n + strspn(text + n, " ")) {
		n = strcspn(text, " ");
		if (column != 0 && column + 1 + n > WIDTH) {
			putchar('\n');
			column = 0;
		}
		if (column != 0)
			putchar(' ');
		printf("%c%.*s",
		    first && *text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' :
							    *text,
		    (int)n - 1, text + 1);
		column += n + (column != 0);
		first = 0;
	}
	puts(".");
}

static void
print_table(void)
{
	uint32_t type;

	for (type = MSG_NONE + 1; type < MSG_TYPES; type++) {
		const struct msg_info *m = &msg_table[type];

		print_group(type);
		printf(".It Dv %s Pq %u\n", m->name, type);
		print_processes(m->from);
		printf(" to ");
		print_processes(m->to);
		puts(";");
		print_size(m);
		puts(".\n.br");
		print_text(m->meaning);
	}
	puts(".El");
}

int
main(void)
{
	char line[1024];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (strcmp(line, MARK) == 0)
			print_table();
		else
			fputs(line, stdout);
	}
	if (ferror(stdin) || fflush(stdout) == EOF) {
		perror("mkipc");
		return (1);
	}
	return (0);
}
