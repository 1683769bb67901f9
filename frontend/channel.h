/*
 * A frontend's own copy of the channels that its clients are on: who is shown
 * there, as the router said, and the feeds of those who are here.
 */
#ifndef FRONTEND_CHANNEL_H
#define FRONTEND_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "../common/msg.h"

struct client;
struct imsg;

/*
 * Puts a client that has an id on the channel of that name (or on none, len 0)
 * and asks the router.  -1 when out of memory.
 */
int	 channel_join(struct client *, const char *name, size_t len);

/* Takes it off again and tells the router. */
void	 channel_leave(struct client *);

const char *channel_name(const struct client *);
uint32_t channel_number(const struct client *);

/*
 * A new router: tell it all that is here.  Without one (pipe lost) nothing is
 * to be done but to wait.
 */
void	 channel_resume(void);

/*
 * What the router says.  Each returns 0, or -1 when it cannot be (a number
 * that is not open, a list out of order).
 */
int	 channel_closed(uint32_t number);
int	 channel_roster(uint32_t number, const struct msg_roster *,
	    const uint64_t *ids);
int	 channel_presence(uint32_t number, uint64_t id, int connect);
int	 channel_broadcast(uint32_t number, const struct msg_data *,
	    const uint8_t *, size_t);

/* An answer to a JOIN on this number has come. */
int	 channel_answered(uint32_t number);

/*
 * The router admitted this client: give it its seat, and if it is shown tell
 * the others of it and it of the others.
 */
void	 channel_admitted(struct client *, int shown);

/*
 * LEASE and RECALL of the router: nobody else has this channel, so what its
 * members send each other is delivered here at once, in the order it came.
 */
int	 channel_leased(uint32_t number);
int	 channel_recalled(uint32_t number);

/* A member's message, for here or the router.  -1 when out of memory. */
int	 channel_send(struct client *, const struct msg_data *,
	    const uint8_t *, size_t);

/* Closes what is empty; at the end of a turn. */
void	 channel_reap(void);

unsigned int channel_count(void);

/* Rows of nwsctl(8): what was delivered under a lease. */
void	 channel_show(uint32_t ticket);

#endif
