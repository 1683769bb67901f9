/*
 * Members by id: joining, leaving, and coming back after the router died.
 */
#ifndef ROUTER_MEMBER_H
#define ROUTER_MEMBER_H

#include <stdint.h>

#include "../common/loop.h"

struct place;
struct member;

/* As many as a process may have descriptors (fs.nr_open of Linux). */
#define MEMBERS_MAX	(1024u * 1024u)

/* Handlers of JOIN, LEAVE and RESUMED. */
pipe_handler member_handle_join, member_handle_leave, member_handle_resumed;

/* The member of that id, of whichever place, or NULL. */
struct member *member_find(uint64_t id);

/* JOINED: from now on it may speak and is spoken to. */
void	member_admit(struct member *);

/*
 * All members of a place leave, and the peers of those that were shown are
 * told.
 */
void	member_drop_all(struct place *);

#endif
