/*
 * Origins that asked to connect and wait for the person's answer.
 */
#ifndef FRONTEND_PENDING_H
#define FRONTEND_PENDING_H

#include <stddef.h>
#include <stdint.h>

#include "../common/conf.h"
#include "../common/origin.h"

#define PENDING_MAX	100	/* beyond it the one seen longest ago goes */

void	pending_seen(const struct origin *, uint32_t scope);
/* Answered, or gone; text as origin_text() makes it. */
void	pending_drop(const char *text, size_t len);
/* Other grants or another configuration: who is decided about waits no more. */
void	pending_review(const struct conf *, const struct grants *);
/* Rows of nwsctl(8). */
void	pending_show(uint32_t ticket);

#endif
