/*
 * How many clients there may be, in all, of one origin and from one address,
 * and how many channels: counted exactly, as the router alone knows all of
 * them.
 *
 * A client without an origin (a native program) counts for no origin, one on a
 * Unix socket for no address.  A channel counts from its first member until
 * nobody has it open.
 */
#ifndef ROUTER_LIMITS_H
#define ROUTER_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "../common/msg.h"

struct channel;
struct conf;
struct member;

/*
 * Takes the limits of a configuration over.  They apply to newcomers: who is
 * above a lower one stays.
 */
void	limits_configure(const struct conf *);

/*
 * Whether one more client may come.  c is NULL for one without a channel; id is
 * for the event.  Returns 1; or 0 with *why set and a hit of that limit
 * counted.
 */
int	limits_admit(const uint8_t addr[16], const char *origin,
	    size_t origin_len, const struct channel *c, uint64_t id,
	    enum refused *why);

/*
 * Counts a member in, admitted or not, and sets its origin and address.
 * Returns 0, or -1 when out of memory, with nothing changed.
 */
int	limits_count(struct member *, const uint8_t addr[16],
	    const char *origin, size_t origin_len);
void	limits_uncount(struct member *);

/* A channel has its first member; quiet: it is no news. */
void	limits_channel_new(struct channel *, int quiet);
void	limits_channel_gone(const struct channel *);

/* The rows of SHOW_LIMITS. */
void	limits_rows(uint32_t ticket);

#endif
