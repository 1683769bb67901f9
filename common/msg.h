/*
 * Every message that one process may send to another, one row each.
 *
 * The rows make the enum, the checks of imsg_recv(), the names in the log and
 * the table in nws-ipc(7).  A message that is not in the table, comes from a
 * process that is not in its "from" column or has a length outside its limits
 * is a violation: imsg_recv() reports it and the receiver drops the sender.
 *
 * All processes run the same binary on the same machine, so integers and
 * structs are in host order and layout.  Every struct that goes over a pipe is
 * here, has no pointers and no padding.
 */
#ifndef COMMON_MSG_H
#define COMMON_MSG_H

#include <stdint.h>

/* Processes, as bits, so that a row can name several. */
#define P_PARENT	0x01u
#define P_FRONTEND	0x02u
#define P_ROUTER	0x04u
#define P_CTL		0x80u	/* nwsctl(8) on the control socket */
#define P_CHILDREN	(P_FRONTEND | P_ROUTER)

#define MSG_TEXT_MAX	(1024u * 1024u)	/* configuration or grants as text */
#define MSG_NAME_MAX	255u		/* channel name */
#define MSG_ORIGIN_MAX	300u		/* scheme://host:port */
#define MSG_ROSTER_MAX	4096u		/* ids in one MSG_ROSTER */
#define MSG_DATA_MAX	(64u * 1024u * 1024u) /* payload of one message */
#define MSG_ROW_MAX	2048u		/* one row of an answer to nwsctl */

/*
 * X(NAME, from, to, smallest, largest, carries a descriptor, meaning)
 *
 * Lengths are those of the payload, in bytes.  hdr.peerid is the "number" that
 * the meaning speaks of; it is 0 where none is named.
 */
#define MSG_TABLE(X)							\
/* start and reload */							\
X(CONF, P_PARENT, P_CHILDREN, 1, MSG_TEXT_MAX, 0,			\
    "effective configuration, as nwsd.conf(5) text; begins a new one")	\
X(LISTENER, P_PARENT, P_FRONTEND, sizeof(struct msg_listener),		\
    sizeof(struct msg_listener), 1,					\
    "listening socket of a listen line of the configuration")		\
X(GRANTS, P_PARENT, P_FRONTEND, 0, MSG_TEXT_MAX, 0,			\
    "origins granted and denied at run time, all of them, as text")	\
X(CONF_END, P_PARENT, P_CHILDREN, 0, 0, 0,				\
    "the configuration is complete: swap to it")			\
X(PIPE, P_PARENT, P_CHILDREN, sizeof(struct msg_pipe),			\
    sizeof(struct msg_pipe), 1,						\
    "pipe to another process, in place of an earlier one to it")	\
X(START, P_PARENT, P_CHILDREN, 0, 0, 0,					\
    "all is there: give up the rights of the start and serve")		\
X(READY, P_CHILDREN, P_PARENT, 0, 0, 0,					\
    "serves; also said after each CONF_END")				\
X(STUCK, P_ROUTER, P_PARENT, sizeof(struct msg_pipe),			\
    sizeof(struct msg_pipe), 0,						\
    "a process does not read its pipe: it should be started again")	\
/* control */								\
X(LOG_LEVEL, P_PARENT, P_CHILDREN, sizeof(uint32_t), sizeof(uint32_t),	\
    0, "verbosity of the log: 0 brief, 1 verbose")			\
X(SHOW, P_PARENT, P_CHILDREN, sizeof(struct msg_show),			\
    sizeof(struct msg_show), 0,						\
    "wants rows; the number is the ticket to answer with")		\
X(ROW, P_CHILDREN, P_PARENT, 1, MSG_ROW_MAX, 0,			\
    "one row of an answer, a struct msg_row_*; the number is the ticket") \
X(ROW_END, P_CHILDREN, P_PARENT, 0, 0, 0,				\
    "end of an answer; the number is the ticket")			\
X(MONITOR, P_PARENT, P_CHILDREN, sizeof(uint32_t), sizeof(uint32_t), 0,	\
    "whether to report events")						\
X(EVENT, P_CHILDREN, P_PARENT, sizeof(struct msg_event),		\
    sizeof(struct msg_event) + MSG_ROW_MAX, 0,				\
    "something happened; followed by a text for the reader")		\
X(CLOSE_CLIENT, P_PARENT, P_FRONTEND, sizeof(uint64_t),			\
    sizeof(uint64_t), 0,						\
    "close the client of this id; the number is the ticket")		\
X(CLOSE_DONE, P_FRONTEND, P_PARENT, sizeof(uint32_t), sizeof(uint32_t),	\
    0, "how many clients that closed; the number is the ticket")	\
X(PENDING_DROP, P_PARENT, P_FRONTEND, 1, MSG_ORIGIN_MAX, 0,		\
    "this origin no longer waits for an answer")			\
X(METRICS, P_FRONTEND, P_PARENT, 0, 0, 0,				\
    "wants the rows of all metrics; the number is its own, to answer with") \
X(METRICS_ROW, P_PARENT, P_FRONTEND, 1, MSG_ROW_MAX, 0,			\
    "one row, as nwsctl gets it; the number is that of the question")	\
X(METRICS_END, P_PARENT, P_FRONTEND, sizeof(uint32_t), sizeof(uint32_t), \
    0, "end of these: 0, or 1 where some are missing; the number likewise") \
X(TRIP, P_PARENT, P_CHILDREN, sizeof(uint32_t), sizeof(uint32_t), 0,	\
    "make this forbidden call (enum trip), to see the sandbox kill it")	\
/* nwsctl(8) */								\
X(CTL_SHOW, P_CTL, P_PARENT, sizeof(struct msg_show),			\
    sizeof(struct msg_show), 0, "wants rows")				\
X(CTL_ROW, P_PARENT, P_CTL, 1, MSG_ROW_MAX, 0, "one row")		\
X(CTL_MONITOR, P_CTL, P_PARENT, 0, 0, 0, "wants events")		\
X(CTL_EVENT, P_PARENT, P_CTL, sizeof(struct msg_event),		\
    sizeof(struct msg_event) + MSG_ROW_MAX, 0, "an event")		\
X(CTL_RELOAD, P_CTL, P_PARENT, 0, 0, 0, "read the configuration again") \
X(CTL_LOG, P_CTL, P_PARENT, sizeof(uint32_t), sizeof(uint32_t), 0,	\
    "verbosity of the log")						\
X(CTL_CLOSE, P_CTL, P_PARENT, sizeof(uint64_t), sizeof(uint64_t), 0,	\
    "close the client of this id")					\
X(CTL_ORIGIN, P_CTL, P_PARENT, sizeof(struct msg_origin) + 1,		\
    sizeof(struct msg_origin) + MSG_ORIGIN_MAX, 0,			\
    "grant, deny or forget an origin; followed by it")			\
X(CTL_TRIP, P_CTL, P_PARENT, sizeof(struct msg_trip),			\
    sizeof(struct msg_trip), 0, "have a process trip over its sandbox")	\
X(CTL_DONE, P_PARENT, P_CTL, sizeof(uint32_t),				\
    sizeof(uint32_t) + MSG_ROW_MAX, 0,					\
    "end of the answer: 0 or a nonzero code and the reason, as text")	\
/* channels; the number is the frontend's own number of the channel */	\
X(CHANNEL_OPEN, P_FRONTEND, P_ROUTER, 1, MSG_NAME_MAX, 0,		\
    "this number is the channel of this name from now on")		\
X(CHANNEL_CLOSE, P_FRONTEND, P_ROUTER, 0, 0, 0,				\
    "nobody is left here")						\
X(CHANNEL_CLOSED, P_ROUTER, P_FRONTEND, 0, 0, 0,			\
    "nothing more will come for this number: it may be used again")	\
X(JOIN, P_FRONTEND, P_ROUTER, sizeof(struct msg_join),			\
    sizeof(struct msg_join) + MSG_ORIGIN_MAX, 0,			\
    "a client asks to be a member; followed by its origin, if any")	\
X(JOINED, P_ROUTER, P_FRONTEND, sizeof(struct msg_joined),		\
    sizeof(struct msg_joined), 0,					\
    "it is one, and shown to its peers or not")				\
X(REFUSED, P_ROUTER, P_FRONTEND, sizeof(struct msg_refused),		\
    sizeof(struct msg_refused), 0, "it is not, because of a limit")	\
X(LEAVE, P_FRONTEND, P_ROUTER, sizeof(uint64_t), sizeof(uint64_t), 0,	\
    "a member is gone")							\
X(HOLD, P_ROUTER, P_FRONTEND, sizeof(uint32_t), sizeof(uint32_t), 0,	\
    "whether to leave new connections to others, who have fewer clients") \
X(RESUMED, P_FRONTEND, P_ROUTER, 0, 0, 0,				\
    "every channel and member of this frontend has been announced")	\
X(ROSTER, P_ROUTER, P_FRONTEND, sizeof(struct msg_roster),		\
    sizeof(struct msg_roster) + 8 * MSG_ROSTER_MAX, 0,			\
    "ids of all peers of a channel that are shown; replaces what was known") \
X(CONNECT, P_ROUTER, P_FRONTEND, sizeof(uint64_t), sizeof(uint64_t), 0,	\
    "a peer came elsewhere; one of its own a frontend knows by JOINED")	\
X(DISCONNECT, P_ROUTER, P_FRONTEND, sizeof(uint64_t), sizeof(uint64_t),	\
    0, "a peer went")							\
X(LEASE, P_ROUTER, P_FRONTEND, 0, 0, 0,					\
    "nobody else has this channel: messages need not pass the router")	\
X(RECALL, P_ROUTER, P_FRONTEND, 0, 0, 0,				\
    "somebody else wants in: they have to again")			\
X(RECALLED, P_FRONTEND, P_ROUTER, sizeof(struct msg_recalled),		\
    sizeof(struct msg_recalled), 0,					\
    "from here on they do; answers RECALL, with what was delivered")	\
X(PUBLISH, P_FRONTEND, P_ROUTER, sizeof(struct msg_data),		\
    sizeof(struct msg_data) + MSG_DATA_MAX, 0,				\
    "a member's broadcast; followed by the payload")			\
X(BROADCAST, P_ROUTER, P_FRONTEND, sizeof(struct msg_data),		\
    sizeof(struct msg_data) + MSG_DATA_MAX, 0,				\
    "the same, for all members but the source")				\
X(DIRECT, P_FRONTEND, P_ROUTER, sizeof(struct msg_data),		\
    sizeof(struct msg_data) + MSG_DATA_MAX, 0,				\
    "a member's message for one peer; followed by the payload")	\
X(DELIVER, P_ROUTER, P_FRONTEND, sizeof(struct msg_data),		\
    sizeof(struct msg_data) + MSG_DATA_MAX, 0,				\
    "the same, for the target")						\
X(UNDELIVERED, P_ROUTER, P_FRONTEND, 2 * sizeof(uint64_t),		\
    2 * sizeof(uint64_t), 0, "source and target: there is no such target")

#define X(name, from, to, min, max, fd, meaning) MSG_##name,
enum msg_type {
	MSG_NONE,
	MSG_TABLE(X)
	MSG_TYPES
};
#undef X

/* Of LISTENER.  index counts the listeners of the configuration from 0. */
struct msg_listener {
	uint32_t	index;
};

/* Of PIPE and STUCK: the process at the other end, one P_ bit, and which. */
struct msg_pipe {
	uint32_t	process;
	uint32_t	instance;
};

/* What SHOW asks for; each answers with rows of one struct. */
enum show_what {
	SHOW_SUMMARY,		/* msg_row_counter */
	SHOW_CHANNELS,		/* msg_row_channel */
	SHOW_CLIENTS,		/* msg_row_client */
	SHOW_PROCESSES,		/* msg_row_process */
	SHOW_LIMITS,		/* msg_row_limit */
	SHOW_ORIGINS,		/* msg_row_origin */
	SHOW_WHATS
};

struct msg_show {
	uint32_t	what;	/* enum show_what */
};

/* A row begins with the process that made it. */
struct msg_row {
	uint32_t	what;	/* enum show_what */
	uint32_t	process;
	uint32_t	instance;
	uint32_t	pad;
};

/* Followed by the counter's name.  A gauge may fall, a counter may not. */
struct msg_row_counter {
	struct msg_row	row;
	uint64_t	value;
	uint32_t	gauge;
	uint32_t	pad;
};

/* Followed by the name. */
struct msg_row_channel {
	struct msg_row	row;
	uint64_t	members;	/* on this machine */
	uint64_t	messages;	/* since the channel came to be */
	uint64_t	bytes;
	uint32_t	presence;	/* 1 unless turned off */
	uint32_t	pad;
};

/* Followed by channel, NUL, origin, NUL, address as text. */
struct msg_row_client {
	struct msg_row	row;
	uint64_t	id;
	uint64_t	messages_in;
	uint64_t	bytes_in;
	uint64_t	queued;		/* bytes that wait to be sent */
	uint32_t	age_s;
	uint32_t	idle_s;		/* since something was heard */
	uint32_t	binary;		/* 1 with nws.binary.v1 */
	uint32_t	deflate;	/* 1 with permessage-deflate */
	uint32_t	paused;		/* reasons why it is not read, bits */
	uint32_t	pad;
};

struct msg_row_process {
	struct msg_row	row;
	uint64_t	pid;
	uint64_t	starts;		/* 1 unless it had to be restarted */
	uint64_t	age_s;
	uint64_t	rss_kib;
};

/* Followed by the limit's name; max 0 is none. */
struct msg_row_limit {
	struct msg_row	row;
	uint64_t	used;
	uint64_t	max;
	uint64_t	hits;		/* how often it was reached */
};

/* Followed by the origin. */
struct msg_row_origin {
	struct msg_row	row;
	uint64_t	expires;	/* of a grant: Unix time, 0 never */
	uint64_t	seen;		/* of a pending one: requests */
	uint32_t	scope;		/* SCOPE_ bits */
	uint32_t	state;		/* enum origin_state */
};

enum origin_state { ORIGIN_PENDING, ORIGIN_ALLOWED, ORIGIN_DENIED,
	ORIGIN_CONFIGURED };
enum origin_verb { ORIGIN_ALLOW, ORIGIN_DENY, ORIGIN_REVOKE };

/* Of CTL_ORIGIN; followed by the origin, without NUL. */
struct msg_origin {
	uint32_t	verb;		/* enum origin_verb */
	uint32_t	scope;		/* SCOPE_ bits, 0 means all */
	uint64_t	for_s;		/* of ALLOW: seconds, 0 is for good */
};

enum event_kind { EVENT_CLIENT_OPEN, EVENT_CLIENT_CLOSE, EVENT_CHANNEL_NEW,
	EVENT_CHANNEL_GONE, EVENT_ORIGIN_PENDING, EVENT_LIMIT, EVENT_PROCESS,
	EVENT_RELOAD, EVENT_MISSED, EVENT_KINDS };

/*
 * Followed by a text of key=value words, strings in it as JSON strings.  id is
 * the client's, or 0.
 */
struct msg_event {
	uint64_t	time_ms;	/* Unix time */
	uint64_t	id;
	uint32_t	kind;		/* enum event_kind */
	uint32_t	process;
	uint32_t	instance;
	uint32_t	pad;
};

/* What a process can be asked to try. */
enum trip { TRIP_OPEN, TRIP_SOCKET, TRIP_CONNECT, TRIP_EXEC, TRIPS };

struct msg_trip {
	uint32_t	process;	/* one P_ bit */
	uint32_t	instance;
	uint32_t	call;		/* enum trip */
};

#define JOIN_RESUME	0x1u	/* was a member before the router died */
#define JOIN_SILENT	0x2u	/* ?presence=off: neither shown nor told */
#define JOIN_NOCHANNEL	0x4u	/* no channel: counted only (echo) */

/* Of JOIN; followed by the origin as text, nothing for a native program. */
struct msg_join {
	uint64_t	id;
	uint8_t		addr[16];	/* IPv6 or v4-mapped; 0 for Unix */
	uint32_t	flags;		/* JOIN_ bits */
	uint32_t	pad;
};

/* Of JOINED. */
struct msg_joined {
	uint64_t	id;
	uint32_t	shown;		/* 1: its peers are told of it */
	uint32_t	pad;
};

/* Of RECALLED: what passed under the lease, for nwsctl(8). */
struct msg_recalled {
	uint64_t	messages, bytes;
};

enum refused { REFUSED_CLIENTS, REFUSED_ORIGIN, REFUSED_ADDRESS,
	REFUSED_CHANNELS };

struct msg_refused {
	uint64_t	id;
	uint32_t	why;		/* enum refused */
	uint32_t	pad;
};

#define ROSTER_FIRST	0x1u	/* forget what is known of this channel */
#define ROSTER_LAST	0x2u	/* tell the members what changed */

/* Followed by 8-byte ids. */
struct msg_roster {
	uint32_t	flags;
	uint32_t	count;
};

/* What a payload is. */
enum data_kind {
	DATA_JSON,	/* one JSON value as text, checked */
	DATA_BYTES	/* any bytes */
};

/* Of PUBLISH, BROADCAST, DIRECT, DELIVER; followed by the payload. */
struct msg_data {
	uint64_t	source;
	uint64_t	target;		/* 0 of a broadcast */
	uint32_t	kind;		/* enum data_kind */
	uint32_t	pad;
};

/* One row of the table. */
struct msg_info {
	const char	*name;
	uint32_t	 from, to;	/* P_ bits */
	uint32_t	 min, max;	/* payload bytes */
	int		 fd;		/* carries a descriptor */
	const char	*meaning;
};

/* Indexed by type; row 0 is MSG_NONE.  Defined in msg.c. */
extern const struct msg_info msg_table[MSG_TYPES];

/* Name of a type for the log, "unknown" when there is none. */
const char	*msg_name(uint32_t);

/* Name of one P_ bit: "parent", "frontend", "router", "nwsctl". */
const char	*process_name(uint32_t);

/* The P_ bit of that name, or 0. */
uint32_t	 process_find(const char *);

/*
 * Whether a message of this type may come from that process (a P_ bit) to
 * this one with so many bytes and, if fd is 1, a descriptor.  Returns NULL if
 * it may, else what is wrong.
 */
const char	*msg_check(uint32_t, uint32_t, uint32_t, uint32_t, int);

#endif
