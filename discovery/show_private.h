/* What show.c and check.c share; for nobody else. */
#ifndef DISCOVERY_SHOW_PRIVATE_H
#define DISCOVERY_SHOW_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

#include "discovery/interfaces.h"
#include "discovery/show.h"

#define NAME_BYTES	1024	/* any DNS name as text */
#define LIST_BYTES	768	/* addresses */

/* "192.168.1.7,fe80::1%eth0", in buf, which is returned. */
const char *show_addresses(const struct dial_address *, size_t n, char *buf,
	    size_t);

/* The instance's own label, or host:port; in buf, which is returned. */
const char *show_name(const struct target *, char *buf, size_t);

/* Seconds until the next attempt. */
uint32_t show_retry_s(const struct target *);

/* Why no mDNS runs on an interface, or NULL. */
const char *show_refused(const struct interface *, const struct conf *);

/* The findings. */
void	show_check(uint32_t ticket, const struct conf *, int crypto);

#endif
