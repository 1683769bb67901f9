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
#define P_DISCOVERY	0x08u
#define P_CRYPTO	0x10u
#define P_FILES		0x20u
#define P_CTL		0x80u	/* nwsctl(8) on the control socket */
#define P_CHILDREN	(P_FRONTEND | P_ROUTER | P_DISCOVERY | P_CRYPTO | \
			    P_FILES)
#define P_PLACES	(P_FRONTEND | P_CRYPTO) /* that have members */

#define MSG_TEXT_MAX	(1024u * 1024u)	/* configuration or grants as text */
#define MSG_NAME_MAX	255u		/* channel name */
#define MSG_ORIGIN_MAX	300u		/* scheme://host:port */
#define MSG_PEER_MAX	262u		/* host:port */
#define MSG_ROSTER_MAX	4096u		/* ids in one MSG_ROSTER */
#define MSG_DATA_MAX	(64u * 1024u * 1024u) /* payload of one message */
#define MSG_ROW_MAX	2048u		/* one row of an answer to nwsctl */
#define MSG_REASON_MAX	512u		/* why a link is not there, as text */
#define MSG_SEED_BYTES	32u		/* private Ed25519 key of the node */
#define MSG_PATH_MAX	1023u		/* of a file, below its directory */
#define MSG_CHUNK_MAX	(64u * 1024u)	/* of a file, in one FILE_DATA */
#define MSG_CREDIT_MAX	(1024u * 1024u)	/* of a file, granted and not sent */
#define MSG_TOKEN_LEN	32u		/* of the console: 128 bits as hex */

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
X(LISTENER, P_PARENT, P_PLACES, sizeof(struct msg_listener),		\
    sizeof(struct msg_listener), 1,					\
    "listening socket of a listen line of the configuration: of clients " \
    "or, for crypto, of links")						\
X(IDENTITY, P_PARENT, P_CRYPTO, 0, MSG_SEED_BYTES, 0,			\
    "the key of links, as it was kept; nothing: a fresh one is to be made") \
X(LINK_PORT, P_PARENT, P_DISCOVERY, sizeof(uint32_t), sizeof(uint32_t), 0, \
    "TCP port that links are accepted on, to be announced; 0: none is")	\
X(PEERS, P_PARENT, P_DISCOVERY, 0, MSG_TEXT_MAX, 0,			\
    "peers added by nwsctl(8), all of them, as host:port lines")	\
X(RESOLVER, P_PARENT, P_DISCOVERY, 0, MSG_TEXT_MAX, 0,			\
    "name servers, search domains and hosts of this machine, as lines")	\
X(DIRECTORY, P_PARENT, P_FILES, sizeof(struct msg_directory),		\
    sizeof(struct msg_directory), 1,					\
    "directory of a files line of the configuration")			\
X(GRANTS, P_PARENT, P_FRONTEND, 0, MSG_TEXT_MAX, 0,			\
    "origins granted and denied at run time, all of them, as text")	\
X(TOKEN, P_PARENT, P_FRONTEND, MSG_TOKEN_LEN, MSG_TOKEN_LEN, 0,	\
    "what the console's page shows with each of its requests")		\
X(CONF_END, P_PARENT, P_CHILDREN, 0, 0, 0,				\
    "the configuration is complete: swap to it")			\
X(PIPE, P_PARENT, P_CHILDREN, sizeof(struct msg_pipe),			\
    sizeof(struct msg_pipe), 1,						\
    "pipe to another process, in place of an earlier one to it")	\
X(START, P_PARENT, P_CHILDREN, 0, 0, 0,					\
    "all is there: give up the rights of the start and serve")		\
X(READY, P_CHILDREN, P_PARENT, 0, 0, 0,					\
    "serves; also said after each CONF_END")				\
X(STUCK, P_CHILDREN & ~P_FRONTEND, P_PARENT, sizeof(struct msg_pipe),	\
    sizeof(struct msg_pipe), 0,						\
    "a process breaks a rule of its pipe, or does not read it: it should be " \
    "started again")							\
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
X(ASK, P_FRONTEND, P_PARENT, sizeof(struct msg_ask),			\
    sizeof(struct msg_ask), 0,						\
    "wants rows; the number is its own, to answer with")		\
X(ASK_ORIGIN, P_FRONTEND, P_PARENT, sizeof(struct msg_origin) + 1,	\
    sizeof(struct msg_origin) + MSG_ORIGIN_MAX, 0,			\
    "the console grants, denies or forgets this origin; number likewise") \
X(ASK_CLOSE, P_FRONTEND, P_PARENT, sizeof(uint64_t), sizeof(uint64_t),	\
    0, "the console closes the client of this id; number likewise")	\
X(ANSWER_ROW, P_PARENT, P_FRONTEND, 1, MSG_ROW_MAX, 0,			\
    "one row, as nwsctl gets it; the number is that of the question")	\
X(ANSWER, P_PARENT, P_FRONTEND, sizeof(uint32_t),			\
    sizeof(uint32_t) + MSG_ROW_MAX, 0,					\
    "end of an answer: enum answer_code and the reason, as text") \
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
X(CTL_CONSOLE, P_CTL, P_PARENT, 0, 0, 0, "where the console is")	\
X(CTL_CLOSE, P_CTL, P_PARENT, sizeof(uint64_t), sizeof(uint64_t), 0,	\
    "close the client of this id")					\
X(CTL_ORIGIN, P_CTL, P_PARENT, sizeof(struct msg_origin) + 1,		\
    sizeof(struct msg_origin) + MSG_ORIGIN_MAX, 0,			\
    "grant, deny or forget an origin; followed by it")			\
X(CTL_PEER, P_CTL, P_PARENT, sizeof(uint32_t) + 1,			\
    sizeof(uint32_t) + MSG_PEER_MAX, 0,					\
    "add or forget a peer (enum peer_verb); followed by host[:port]")	\
X(CTL_TRIP, P_CTL, P_PARENT, sizeof(struct msg_trip),			\
    sizeof(struct msg_trip), 0, "have a process trip over its sandbox")	\
X(CTL_DONE, P_PARENT, P_CTL, sizeof(uint32_t),				\
    sizeof(uint32_t) + MSG_ROW_MAX, 0,					\
    "end of the answer: 0 or a nonzero code and the reason, as text")	\
/* channels; the number is that of a frontend, or crypto, for the channel */ \
X(CHANNEL_OPEN, P_PLACES, P_ROUTER, 1, MSG_NAME_MAX, 0,		\
    "this number is the channel of this name from now on")		\
X(CHANNEL_CLOSE, P_PLACES, P_ROUTER, 0, 0, 0,				\
    "nobody is left here")						\
X(CHANNEL_CLOSED, P_ROUTER, P_PLACES, 0, 0, 0,			\
    "nothing more will come for this number: it may be used again")	\
X(JOIN, P_PLACES, P_ROUTER, sizeof(struct msg_join),			\
    sizeof(struct msg_join) + MSG_ORIGIN_MAX, 0,			\
    "a client asks to be a member; followed by its origin, if any")	\
X(JOINED, P_ROUTER, P_FRONTEND, sizeof(struct msg_joined),		\
    sizeof(struct msg_joined), 0,					\
    "it is one, and shown to its peers or not")				\
X(REFUSED, P_ROUTER, P_PLACES, sizeof(struct msg_refused),		\
    sizeof(struct msg_refused), 0,					\
    "it is not, because of a limit or of who has its id")		\
X(LEAVE, P_PLACES, P_ROUTER, sizeof(uint64_t), sizeof(uint64_t), 0,	\
    "a member is gone")							\
X(HOLD, P_ROUTER, P_FRONTEND, sizeof(uint32_t), sizeof(uint32_t), 0,	\
    "whether to leave new connections to others, who have fewer clients") \
X(RESUMED, P_PLACES, P_ROUTER, 0, 0, 0,				\
    "every channel and member of this process has been announced")	\
X(ROSTER, P_ROUTER, P_PLACES, sizeof(struct msg_roster),		\
    sizeof(struct msg_roster) + 8 * MSG_ROSTER_MAX, 0,			\
    "ids of all peers of a channel that are shown; replaces what was known") \
X(CONNECT, P_ROUTER, P_PLACES, sizeof(uint64_t), sizeof(uint64_t), 0,	\
    "a peer came elsewhere; one of its own a frontend knows by JOINED")	\
X(DISCONNECT, P_ROUTER, P_PLACES, sizeof(uint64_t), sizeof(uint64_t),	\
    0, "a peer went")							\
X(LEASE, P_ROUTER, P_FRONTEND, 0, 0, 0,					\
    "nobody else has this channel: messages need not pass the router")	\
X(RECALL, P_ROUTER, P_FRONTEND, 0, 0, 0,				\
    "somebody else wants in: they have to again")			\
X(RECALLED, P_FRONTEND, P_ROUTER, sizeof(struct msg_recalled),		\
    sizeof(struct msg_recalled), 0,					\
    "from here on they do; answers RECALL, with what was delivered")	\
X(PUBLISH, P_PLACES, P_ROUTER, sizeof(struct msg_data),		\
    sizeof(struct msg_data) + MSG_DATA_MAX, 0,				\
    "a member's broadcast; followed by the payload")			\
X(BROADCAST, P_ROUTER, P_PLACES, sizeof(struct msg_data),		\
    sizeof(struct msg_data) + MSG_DATA_MAX, 0,				\
    "the same, for all members but the source")				\
X(DIRECT, P_PLACES, P_ROUTER, sizeof(struct msg_data),		\
    sizeof(struct msg_data) + MSG_DATA_MAX, 0,				\
    "a member's message for one peer; followed by the payload")	\
X(DELIVER, P_ROUTER, P_PLACES, sizeof(struct msg_data),		\
    sizeof(struct msg_data) + MSG_DATA_MAX, 0,				\
    "the same, for the target")						\
X(UNDELIVERED, P_ROUTER | P_CRYPTO, P_ROUTER | P_PLACES,		\
    2 * sizeof(uint64_t), 2 * sizeof(uint64_t), 0,			\
    "source and target: there is no such target")			\
/* links */								\
X(WANTED, P_ROUTER, P_CRYPTO, 1, MSG_NAME_MAX, 0,			\
    "this channel has members here: find out who else has it")		\
X(UNWANTED, P_ROUTER, P_CRYPTO, 1, MSG_NAME_MAX, 0,			\
    "nobody here is on this channel any more")				\
X(WANTED_END, P_ROUTER, P_CRYPTO, 0, 0, 0,				\
    "all channels that have members now were named")			\
X(DIALLED, P_DISCOVERY, P_CRYPTO, sizeof(struct msg_dialled),		\
    sizeof(struct msg_dialled), 1,					\
    "connected socket for a link; the number is the target's")		\
X(FORGET, P_DISCOVERY, P_CRYPTO, 0, 0, 0,				\
    "the target of this number is no more: nothing is to be said of it") \
X(LINKED, P_CRYPTO, P_DISCOVERY, sizeof(struct msg_linked),		\
    sizeof(struct msg_linked) + MSG_REASON_MAX, 0,			\
    "what became of the target of this number; followed by peer id or reason") \
/* files; the number is the frontend's own number of the request */	\
X(FILE_ASK, P_FRONTEND, P_FILES, sizeof(struct msg_file_ask),		\
    sizeof(struct msg_file_ask) + MSG_PATH_MAX, 0,			\
    "opens a file; followed by its path below the directory")		\
X(FILE_ANSWER, P_FILES, P_FRONTEND, sizeof(struct msg_file_answer),	\
    sizeof(struct msg_file_answer), 0,					\
    "what became of that; with status 200 it is open")			\
X(FILE_READ, P_FRONTEND, P_FILES, sizeof(struct msg_file_read),	\
    sizeof(struct msg_file_read), 0,					\
    "which bytes of it are wanted, as credit is given")			\
X(FILE_CREDIT, P_FRONTEND, P_FILES, sizeof(uint32_t), sizeof(uint32_t), 0, \
    "so many more bytes may be sent")					\
X(FILE_DATA, P_FILES, P_FRONTEND, 1, MSG_CHUNK_MAX, 0,			\
    "the next bytes")							\
X(FILE_END, P_FILES, P_FRONTEND, sizeof(uint32_t), sizeof(uint32_t), 0, \
    "it is closed: 0 after all bytes, or 1 where some are missing")	\
X(FILE_CANCEL, P_FRONTEND, P_FILES, 0, 0, 0,				\
    "nothing more is wanted of it: it is closed, without FILE_END")

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

/* Of DIRECTORY.  index counts the files lines from 0. */
struct msg_directory {
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
	SHOW_LINKS,		/* msg_row_link */
	SHOW_PEERS,		/* msg_row_peer */
	SHOW_INTERFACES,	/* msg_row_interface */
	SHOW_DISCOVERY,		/* msg_row_service */
	SHOW_CHECK,		/* msg_row_check */
	SHOW_WHATS
};

struct msg_show {
	uint32_t	what;	/* enum show_what */
};

/* Of ASK. */
#define ASK_BIT(what)	(UINT32_C(1) << (what))
struct msg_ask {
	uint32_t	whats;	/* ASK_BIT() of each enum show_what */
};

/* Of ANSWER. */
enum answer_code {
	ANSWER_DONE,		/* a text is a remark */
	ANSWER_REFUSED,		/* it was not done; the reason follows */
	ANSWER_MISSING		/* a process did not say its part */
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
	uint32_t	remote;		/* members on other machines */
};

/* Why a client is not read from; one bit each, so that no two undo another. */
#define PAUSE_RATE	0x1u	/* sends too fast */
#define PAUSE_ROUTER	0x2u	/* the router is away or behind */
#define PAUSE_OUTPUT	0x4u	/* does not read what it asked for (echo) */
#define PAUSE_JOINING	0x8u	/* waits for the router's admission */
#define PAUSE_PARENT	0x10u	/* waits for the parent's rows */
#define PAUSE_FILE	0x20u	/* is sent a file */

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
	uint32_t	paused;		/* PAUSE_ bits */
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
	ORIGIN_CONFIGURED, ORIGIN_CONFIGURED_DENY };
enum origin_verb { ORIGIN_ALLOW, ORIGIN_DENY, ORIGIN_REVOKE };

/* Of CTL_ORIGIN and ASK_ORIGIN; followed by the origin, without NUL. */
struct msg_origin {
	uint32_t	verb;		/* enum origin_verb */
	uint32_t	scope;		/* SCOPE_ bits, 0 means all */
	uint64_t	for_s;		/* of ALLOW: seconds, 0 is for good */
};

/* Followed by peer id, NUL, address and port, NUL, agent, as text. */
struct msg_row_link {
	struct msg_row	row;
	uint64_t	id;		/* of the link, counts up */
	uint64_t	bytes_in, bytes_out;
	uint64_t	messages_in, messages_out; /* of channels */
	uint64_t	queued;		/* bytes that wait to be sent */
	uint64_t	dropped;	/* source not announced, ... */
	uint32_t	age_s, idle_s;
	uint32_t	rtt_us;		/* of the last PING, 0: none yet */
	uint32_t	dialled;	/* 1: by us */
	uint32_t	phase;		/* enum link_phase */
	uint32_t	security;	/* enum link_security */
	uint32_t	channels;	/* shared */
	uint32_t	members;	/* announced by the other side */
};

enum link_phase {
	LINK_HANDSHAKE,		/* not secured yet */
	LINK_SECURED,		/* the peer is known, no /nws/2.0.0 yet */
	LINK_ACTIVE		/* channels are matched and shared */
};
enum link_security { LINK_NO_SECURITY, LINK_TLS, LINK_NOISE };

/*
 * A target: another node that was found, or that nwsd.conf or nwsctl(8) named.
 * Followed by its name (instance or host:port), NUL, its addresses, comma
 * separated, NUL, peer id or the last error, as text.
 */
struct msg_row_peer {
	struct msg_row	row;
	uint64_t	number;
	uint32_t	origin;		/* enum peer_origin */
	uint32_t	state;		/* enum peer_state */
	uint32_t	attempts;	/* failed in a row */
	uint32_t	retry_s;	/* until the next one */
};

enum peer_origin { PEER_FOUND, PEER_CONFIGURED, PEER_ADDED };
enum peer_state {
	PEER_IDLE,		/* no address yet */
	PEER_DIALLING,
	PEER_HANDSHAKE,		/* connected, crypto has it */
	PEER_LINKED,
	PEER_SELF,		/* that was us */
	PEER_WAITING		/* for the next attempt */
};
enum peer_verb { PEER_ADD, PEER_DEL };

/* Followed by the name, NUL, addresses, comma separated, NUL, why not used. */
struct msg_row_interface {
	struct msg_row	row;
	uint64_t	packets_in, packets_out;
	uint64_t	others_in;	/* of other hosts */
	uint32_t	index;
	uint32_t	used;		/* 1: mDNS runs there */
	uint32_t	ready4, ready6;	/* 1: our name is established there */
};

/* Followed by the instance, NUL, host:port, NUL, addresses, NUL, TXT. */
struct msg_row_service {
	struct msg_row	row;
	uint32_t	own;		/* 1: that is us */
	uint32_t	pad;
};

/* A finding of nwsctl check; followed by a sentence. */
struct msg_row_check {
	struct msg_row	row;
	uint32_t	level;		/* enum check_level */
	uint32_t	pad;
};
enum check_level { CHECK_OK, CHECK_NOTE, CHECK_WARNING, CHECK_FAILURE };

enum event_kind { EVENT_CLIENT_OPEN, EVENT_CLIENT_CLOSE, EVENT_CHANNEL_NEW,
	EVENT_CHANNEL_GONE, EVENT_ORIGIN_PENDING, EVENT_LIMIT, EVENT_PROCESS,
	EVENT_RELOAD, EVENT_MISSED, EVENT_LINK_UP, EVENT_LINK_DOWN,
	EVENT_PEER_FOUND, EVENT_PEER_GONE, EVENT_KINDS };

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
#define JOIN_REMOTE	0x8u	/* of another machine: from crypto alone */

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
	REFUSED_CHANNELS,
	REFUSED_ID };		/* to crypto alone: in use */

struct msg_refused {
	uint64_t	id;
	uint32_t	why;		/* enum refused */
	uint32_t	pad;
};

/*
 * In ROSTER and CONNECT to crypto, which is told of all members of this
 * machine: this one is silent.
 */
#define MEMBER_SILENT	0x8000000000000000u

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
	uint32_t	unchecked;	/* 1: JSON, says another machine */
};

/* Of DIALLED. */
struct msg_dialled {
	uint8_t		addr[16];	/* IPv6 or v4-mapped */
	uint32_t	scope;		/* of a link-local address, or 0 */
	uint32_t	port;
};

/* Of LINKED. */
enum linked {
	LINKED_UP,		/* there is a link, by this socket or not */
	LINKED_SELF,		/* that was us */
	LINKED_FAILED,		/* no link came of it; the reason follows */
	LINKED_LOST		/* the link is gone; the reason follows */
};
struct msg_linked {
	uint32_t	what;		/* enum linked */
	uint32_t	pad;
};

/* Of FILE_ASK; followed by the path, see filepath.h, without NUL. */
struct msg_file_ask {
	uint32_t	directory;	/* index of its files line */
};

/* Of FILE_ANSWER. */
struct msg_file_answer {
	uint64_t	size;		/* these of status 200 alone */
	uint64_t	inode;
	int64_t		mtime_s;	/* Unix time */
	uint32_t	mtime_ns;
	uint32_t	status;		/* 200; 301: a directory, without its
					   slash; 403, 404, 500, 503 */
};

/* Of FILE_READ: within the size that was answered, and at least one byte. */
struct msg_file_read {
	uint64_t	offset, len;
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

/* Name of one P_ bit: "parent", "frontend", "nwsctl" and so on. */
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
