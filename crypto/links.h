/*
 * The links: sockets, connections (conn.h) on them, the nodes at their other
 * ends, and which one of several links to a node is kept.
 *
 * Of two nodes the one with the smaller peer id (by memcmp of the bytes, the
 * shorter one first where one begins with the other) decides which link is
 * used: it says HELLO on that one alone.  The other says HELLO on every link
 * and uses the one on which it gets an answer; an earlier one it ends.  So
 * there is never more than one active link between two nodes.  When a second
 * link comes to the one who decides, the active one has to answer a PING within
 * LINK_PROBE_MS; the newcomer is ended if it does and takes its place if not.
 */
#ifndef CRYPTO_LINKS_H
#define CRYPTO_LINKS_H

#include <stddef.h>
#include <stdint.h>

struct conf;
struct conn_tls;
struct identity;
struct imsgbuf;
struct link;

#define LINK_HANDSHAKE_MS	10000	/* from the socket to HELLO */
#define LINK_PROBE_MS		2000

/* session.c and channels.c call these. */

/*
 * Queues bytes for the stream of /nws/2.0.0 of a link: a message's header and,
 * where there is one, its payload; both are copied.  A link that has link-queue
 * waiting has fallen behind and is doomed: it is ended in turn_end; where all
 * together have link-queue-total, the one that has most is.  Nothing is queued
 * for a doomed one.
 */
void	link_send(struct link *, const void *, size_t, const void *, size_t);

/* The session's HELLOs were exchanged: an earlier active link is ended. */
void	link_active(struct link *);

/* Something changed: session_turn() is to be called at the end of the turn. */
void	link_touch(struct link *);

/* For the log: "peer 12D3Koo... at 192.168.1.7 port 9010"; static buffer. */
const char *link_text(const struct link *);

/* While the router does not keep up nothing is read from any link. */
void	links_pause(int);

/* crypto.c */

/* Both are borrowed for ever. */
void	links_init(const struct identity *, struct conn_tls *);
void	links_configure(const struct conf *);
/* A listening socket for links, taken; links_listen_end() drops old ones. */
void	links_listen(int fd, uint32_t index);
void	links_listen_end(void);
/*
 * A pipe to discovery, taken, in place of an earlier one, whose targets are
 * forgotten.
 */
void	links_discovery(struct imsgbuf *);
void	links_turn_end(void);
/* Whether links_turn_end() is needed once more, soon. */
int	links_touched(void);
/*
 * The end: all links are told, as far as that goes without waiting, and none is
 * made any more.  links_left() says how many sockets there still are.
 */
void	links_stop(void);
size_t	links_left(void);
/* Rows of SHOW_LINKS, SUMMARY, LIMITS, CHECK. */
void	links_rows(uint32_t ticket, uint32_t what);

#endif
