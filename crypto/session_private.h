/* What the files of session.h share, and nobody else uses. */
#ifndef CRYPTO_SESSION_PRIVATE_H
#define CRYPTO_SESSION_PRIVATE_H

#include <sys/queue.h>

#include "common/idmap.h"
#include "crypto/nwsproto.h"
#include "crypto/session.h"

struct imsgbuf;
struct msg_data;

/*
 * A member that another node announced.  Where several announced one id it is
 * the first one's; the others wait for him to take it back.
 */
struct remote {
	LIST_ENTRY(remote)	 entry;		/* of the share */
	struct remote		*next;		/* who waits for this id */
	struct share		*share;
	uint64_t		 id;
	uint8_t			 waits;		/* is not told to the router */
	uint8_t			 silent;
	uint8_t			 seen;		/* in the ROSTER under way */
};

/* A channel that we share with the node of one session. */
struct share {
	LIST_ENTRY(share)	 of_channel;
	struct session		*session;
	struct channel		*channel;
	LIST_HEAD(, remote)	 remotes;
	uint32_t		 handle;	/* ours, for what we send */
	uint8_t			 rostering;	/* FIRST came, LAST did not */
};
LIST_HEAD(share_list, share);

/*
 * A channel that is wanted here.  The router calls it by its number while at
 * least one session shares it.
 */
struct channel {
	TAILQ_ENTRY(channel)	 entry;
	TAILQ_ENTRY(channel)	 grace_entry;
	struct channel		*next;		/* of the same hash */
	uint64_t		 id, hash;
	int64_t			 until_ms;	/* not wanted any more, or 0 */
	struct share_list	 shares;
	struct idmap		 local;		/* members, see member_mark() */
	struct idmap		 coming;	/* of a ROSTER under way */
	uint32_t		 number;	/* 0: not open at the router */
	uint8_t			 synced;	/* local is all there are */
	uint8_t			 named;		/* by this router, as wanted */
	uint8_t			 name_len;
	uint8_t			 password[CPACE_PASSWORD_BYTES];
	char			 name[];
};
TAILQ_HEAD(channel_list, channel);

struct session {
	TAILQ_ENTRY(session)	 entry;		/* while active */
	struct link		*link;
	struct match		*match;
	struct idmap		 shares;	/* by id of the channel */
	const char		*failed;	/* why it cannot go on */
	uint8_t			*in;		/* a message not yet whole */
	size_t			 in_len, in_size, in_need;
	uint32_t		 max_data, remote_max_data;
	uint8_t			 hello_sent, hello_got, active;
	uint8_t			 overfull;	/* a channel did not fit */
	int64_t			 heard_ms;
	int64_t			 rate_tat_ns;	/* see rate.h */
	int64_t			 resume_ms;	/* it was too fast until then */
	int64_t			 ping_ms;	/* when the next PING is due */
	uint64_t		 ping_sent, ping_got;	/* tokens */
	uint64_t		 ping_us;	/* when that was sent */
	struct session_stats	 stats;
};
TAILQ_HEAD(session_list, session);

/* session.c */

/* A message without payload. */
void	session_send(struct session *, const struct nwsproto *);

/*
 * Counts a BROADCAST or DIRECT with so much payload and returns 1; or 0, if it
 * is larger than the other side takes.
 */
int	session_may_send(struct session *, size_t len);

/* HELLO has come, and was said. */
void	session_activate(struct session *);

/* Takes so many messages off what rate link allows. */
void	session_rate(struct session *, uint32_t n);

/* How many of those that rate link allows at once it has used up. */
uint64_t session_rate_used(const struct session *);

/* A PONG; -1 if nobody asked. */
int	session_pong(struct session *, uint64_t token);

void	session_drop_source(struct session *);

/* channels.c */

extern struct channel_list	channels_all;
extern struct session_list	sessions;	/* active ones */
extern const struct conf	*channels_conf;

/* Adds every channel to a session that became active. */
void	channels_add_all(struct session *);

/* Takes all shares of a session that ends. */
void	channels_drop(struct session *);

/* As match_ops; failure is in session->failed. */
void	channels_shared(struct session *, uint64_t id, uint32_t handle);
void	channels_unshared(struct session *, uint64_t id);

struct channel	*channels_find(const char *name, size_t len);

/* WANTED and UNWANTED; the latter takes effect some time later. */
void	channels_want(const char *name, size_t len);
void	channels_unwant(struct channel *);

/* local.c */

/* Tells one session who is here, once that is known. */
void	local_announce(const struct share *);
/* Nobody shares the channel any more: it need not be known. */
void	local_forget(struct channel *);
/* What the router says. */
void	local_roster(struct channel *, uint32_t flags, const uint64_t *,
	    uint32_t n);
void	local_presence(struct channel *, uint64_t marked, int connect);
/* A message of one of them: for all sharers, or for one. */
void	local_broadcast(struct channel *, const struct msg_data *,
	    const uint8_t *, size_t);
/* -1: it cannot be sent to the target. */
int	local_direct(struct channel *, const struct msg_data *,
	    const uint8_t *, size_t);

/* channels_router.c; all do nothing without a router, which is told later. */

/* -1 without memory. */
int	router_open(struct channel *);
void	router_close(struct channel *);
void	router_join(const struct remote *, int resume);
void	router_leave(const struct remote *);
/* -1: nobody takes it now. */
int	router_message(const struct channel *, const struct nwsproto *);
void	router_undelivered(const struct channel *, uint64_t source,
	    uint64_t target);
void	router_turn_end(void);
int	router_paused(void);

/* remote.c */

struct remote	*remote_find(uint64_t id);
/* The member of that id, if it is the one announced there. */
struct remote	*remote_of(const struct share *, uint64_t id);
/* Takes a CONNECT: the id as it came. */
void		 remote_connect(struct share *, uint64_t marked);
void		 remote_disconnect(struct share *, uint64_t id);
/* -1 out of turn. */
int		 remote_roster(struct share *, const struct nwsproto *);
/* Forgets it; the router is told. */
void		 remote_free(struct remote *);
void		 remote_free_all(struct share *);
/* Announces all to a new router. */
void		 remote_resume(void);
size_t		 remote_count(void);

#endif
