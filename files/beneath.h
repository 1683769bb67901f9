/*
 * Opening what is beneath a directory, and nothing else.
 */
#ifndef FILES_BENEATH_H
#define FILES_BENEATH_H

#include <stddef.h>
#include <stdint.h>

#include "common/msg.h"

/*
 * Opens the file of this path (filepath.h; with index.html where it is that of
 * a directory) beneath dir, or fails with the status in the answer.  Symbolic
 * links are followed as far as they stay beneath.  Nothing but a regular file
 * is ever opened for reading.  Returns the descriptor with the answer filled
 * in, or -1 with its status: 301, 403, 404, 500 or 503.
 */
int	beneath_open(int dir, const char *path, size_t len,
	    struct msg_file_answer *);

/*
 * Whether anything beneath this directory can be opened.  Returns 0, or -1 with
 * errno set: ENOSYS where this system cannot do so at all.
 */
int	beneath_check(int dir);

#endif
