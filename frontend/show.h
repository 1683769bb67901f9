/*
 * Answers to nwsctl(8): rows about this frontend.
 */
#ifndef FRONTEND_SHOW_H
#define FRONTEND_SHOW_H

#include <stdint.h>

#include "../common/msg.h"

/* Sends all rows of one kind with this ticket, and their end. */
void	show(uint32_t ticket, enum show_what);

#endif
