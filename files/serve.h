/*
 * The open files: which frontend has which, how far it was sent, and how much
 * more may be sent now.
 */
#ifndef FILES_SERVE_H
#define FILES_SERVE_H

#include <stddef.h>
#include <stdint.h>

struct imsgbuf;

#define OPEN_READER_MAX	256	/* files of one frontend */
#define OPEN_MAX	1024	/* of all; fewer where descriptors are few */

void	serve_init(void);

/*
 * The directories that are asked for by their place here, which stay the
 * caller's, and after how many seconds without a word a file is closed.
 */
void	serve_configure(const int *dirs, size_t n, uint32_t seconds);

/* A pipe to this frontend, in place of an earlier one.  Takes the imsgbuf. */
void	serve_reader(struct imsgbuf *, uint32_t instance);

/* Sends what may be sent, a fair piece of it. */
void	serve_turn_end(void);

/* Rows for nwsctl(8). */
void	serve_show(uint32_t ticket, uint32_t what);

#endif
