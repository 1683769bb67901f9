/*
 * Taking connections, from a listening socket or from another process, as long
 * as there are descriptors to spare.
 */
#ifndef COMMON_ACCEPT_H
#define COMMON_ACCEPT_H

#include <sys/socket.h>

/*
 * Left for what the parent may send: all listeners of a new configuration while
 * the old ones are there, and pipes.  Where there are few, half of them.
 */
#define ACCEPT_SPARE_FDS	96

/*
 * The next connection, nonblocking and closed on exec, and who it is from.
 * Returns -1 with errno EAGAIN when there is none now; with any other errno
 * this process is out of something, which is logged once in a minute: then it
 * should pause, for the socket would be readable again at once.
 */
int	accept_next(int listener, struct sockaddr_storage *from);

/* Whether this descriptor of a connection leaves ACCEPT_SPARE_FDS. */
int	accept_is_spare(int fd);

#endif
