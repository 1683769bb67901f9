/*
 * The sockets that a frontend accepts from.
 */
#ifndef FRONTEND_LISTENER_H
#define FRONTEND_LISTENER_H

#include <stdint.h>

#include "../common/conf.h"

struct listener;

/*
 * Takes the descriptor of the index-th listen line of a configuration; it is
 * used from listener_swap() on.  -1 when out of memory, with fd closed.
 */
int	 listener_add(uint32_t index, int fd);

/* The configuration is complete: the listeners added since replace all. */
void	 listener_swap(const struct conf *);

/*
 * Stops accepting until something may have changed: a second is over at most.
 */
void	 listener_pause(void);
void	 listener_resume(void);

/* Leaves new connections to other frontends, or does so no longer. */
void	 listener_hold(int);

/* Stops accepting for good. */
void	 listener_close_all(void);

int	 listener_is_unix(const struct listener *);
uint16_t listener_port(const struct listener *);
void	 listener_ref(struct listener *);
void	 listener_unref(struct listener *);

#endif
