/*
 * wsload: load generator and correctness checker for WebSocket message buses.
 *
 * One thread, one epoll instance, thousands of client connections.  Some of
 * them publish; the others must each receive every message of their channel
 * exactly once and in order.  wsload measures how fast that happens and how
 * long each delivery takes, and counts every message that is lost, repeated,
 * reordered, misrouted or damaged.
 *
 * It trusts the server that it measures no further than the checks need: all
 * lengths are bounded, but a server could make it wait.
 */
#ifndef WSLOAD_H
#define WSLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	STAMP_LEN = 32,		/* channel 8, sequence 8, time 16 */
	HEAD_MAX = 512,		/* enough of a message to find its stamp */
	PREFIX_MAX = 256,
	RECV_BUF = 256 * 1024,
	HTTP_MAX = 8192,
	CONTROL_MAX = 125,
	MAX_EVENTS = 512,
	MAX_WATCH = 8,
	MAX_PIDS = 64,
	HIST_SUB_BITS = 6,
	HIST_SIZE = (64 - HIST_SUB_BITS + 1) << HIST_SUB_BITS
};

enum scenario { FANOUT, PINGPONG, IDLE };
enum role { PUBLISHER, SUBSCRIBER };	/* in ping-pong: A and B */
enum conn_state { CLOSED, CONNECTING, UPGRADING, JOINING, READY };
enum phase { SETUP, SETTLE, WARMUP, MEASURE, DRAIN, DONE };

struct conn {
	int		 fd;
	uint8_t		 state;		/* enum conn_state */
	uint8_t		 role;		/* enum role */
	bool		 in_frame;	/* header read, payload not finished */
	bool		 frame_fin;
	uint8_t		 frame_op;
	uint8_t		 hdr_len;	/* bytes of a split header in hdr[] */
	bool		 skip_line;	/* nats: discard up to a newline */
	bool		 out_wanted;	/* output left, waits for EPOLLOUT */
	uint64_t	 frame_left;
	uint64_t	 skip;		/* nats, mqtt: bytes to discard */
	uint64_t	 msg_len;	/* bytes of a split message so far */
	struct channel	*chan;
	uint32_t	 next_seq;	/* sequence number expected next */
	uint32_t	 acc_len;
	uint8_t		*acc;		/* start of a split message, or head */
	uint8_t		 hdr[16];
	uint8_t		*control;	/* split control frame: its length so
					   far, then its payload */
	uint64_t	 begun;		/* when connect() was called */

	uint8_t		*out;
	size_t		 out_len, out_off, out_cap;
	char		*prefix;	/* protocol bytes before the payload */
	size_t		 prefix_len;
};

struct channel {
	uint32_t	 index;
	uint32_t	 subs;		/* deliveries that complete a message */
	struct conn	*pub;
	uint32_t	 next_seq;	/* next to publish */
	uint32_t	 done_seq;	/* all below have been delivered */
	uint32_t	*missing;	/* deliveries due, by seq & ring_mask */
	bool		 dirty;		/* its window may have opened */
	/*
	 * Start of a JSON broadcast up to its data, as last seen, one for each
	 * role of the receiver: all others are checked with memcmp(3).
	 */
	uint8_t		 prefix[2][PREFIX_MAX];
	uint32_t	 prefix_len[2];
	uint64_t	 total_len[2];
};

struct histogram {
	uint64_t	count[HIST_SIZE];
	uint64_t	total, max;
	double		sum;
};

/* Processes whose CPU time is reported. */
struct watch {
	char		name[32];
	int		pids[MAX_PIDS];
	int		npids;
	double		at_start, at_end, at_setup;
};

/*
 * How a publication and a delivery look inside WebSocket.  Either message is
 * set, for one message in each WebSocket message, or stream, for packets in a
 * byte stream whatever the frames.
 */
struct protocol {
	const char	*name;
	const char	*subprotocol;	/* to ask for, or NULL */
	const char	*suffix;	/* after the payload */
	uint8_t		 opcode;	/* of publications */
	bool		 escape;	/* payload is inside a JSON string */
	/* Bytes before the payload of what c publishes; returns how many. */
	size_t		(*prefix)(const struct conn *c, char *, size_t);
	/* Upgraded: c has to join by messages; NULL, it is ready. */
	void		(*begin)(struct conn *c);
	/* The first n of total bytes of a message. */
	void		(*message)(struct conn *c, const uint8_t *, size_t n,
			    uint64_t total, uint64_t now);
	void		(*stream)(struct conn *c, const uint8_t *, size_t,
			    uint64_t now);
};

struct options {
	const char		*host, *host_header, *label;
	const char		*pub_path, *sub_path, *topic;
	const char		*scenario_name, *fill;
	const struct protocol	*proto;
	enum scenario		 scenario;
	int			 port;
	uint32_t		 pub_port;	/* 0: the same */
	uint32_t		 channels, subs, window;
	uint32_t		 connect_window, src_addrs, verify_every;
	size_t			 size;
	double			 rate, warmup, duration, drain, settle;
	double			 setup_timeout, hold;
	bool			 spin;
	struct watch		 watch[MAX_WATCH];
	int			 nwatch;
};

struct counters {
	uint64_t	published, delivered, roundtrips, bytes_in;
	uint64_t	gaps, late, misrouted, corrupt, verified;
	uint64_t	other, echoed, closed, failed, stalls, notified;
};

/* What run() measured beside the counters. */
struct timing {
	double		 setup, settle;		/* seconds */
	uint64_t	 from, to;		/* of the measurement */
	double		 unix_from, unix_to;	/* the same, Unix time */
	double		 own, busy, steal;	/* CPU seconds in it */
};

extern struct options		 opt;
extern struct counters		 counters, counters_start, counters_end;
extern struct conn		*conns;
extern struct channel		*channels;
extern uint32_t			 nconns, nready;
extern uint32_t			 ring_mask;
extern struct timing		 timing;
extern uint64_t			 last_input;
extern struct histogram		 latency, connecting;
extern const struct protocol	 protocols[];

/* options.c */
void	 options(int, char **);
void	 expand(char *, size_t, const char *, uint32_t);

/* util.c */
void	 die(const char *, ...)
	    __attribute__((__noreturn__, __format__(printf, 1, 2)));
void	*xrealloc(void *, size_t);
void	*xcalloc(size_t, size_t);
uint64_t now_ns(void);
uint64_t seconds(double);
uint64_t random64(void);

/* stats.c */
void	 hist_add(struct histogram *, uint64_t);
double	 watch_cpu(const struct watch *);
void	 machine_cpu(double *, double *);
double	 own_cpu(void);
void	 report(void);

/* conn.c */
void	 conn_open(struct conn *, uint32_t);
void	 conn_ready(struct conn *, uint64_t);
void	 conn_close(struct conn *, bool);
void	 conn_flush(struct conn *);
uint8_t	*conn_reserve(struct conn *, size_t);
void	 conn_event(struct conn *, uint32_t);
void	 conn_init(void);

/* frame.c */
void	 queue_frame(struct conn *, uint8_t, const void *, size_t);
void	 queue_publication(struct conn *, uint32_t, uint64_t);
void	 frames_input(struct conn *, const uint8_t *, size_t, uint64_t);

/* check.c */
void	 check_init(void);
void	 delivery(struct conn *, const uint8_t *, uint64_t);
bool	 verify_due(void);
void	 verify_plain(const uint8_t *, size_t);
size_t	 put_payload(uint8_t *, uint32_t, uint32_t, uint64_t);
size_t	 payload_len(void);

/* nws.c */
size_t	 nws_prefix(const struct conn *, char *, size_t);
void	 nws_message(struct conn *, const uint8_t *, size_t, uint64_t,
	    uint64_t);
size_t	 nws_binary_prefix(const struct conn *, char *, size_t);
void	 nws_binary_message(struct conn *, const uint8_t *, size_t, uint64_t,
	    uint64_t);

/* stream.c */
size_t	 nats_prefix(const struct conn *, char *, size_t);
void	 nats_begin(struct conn *);
void	 nats_stream(struct conn *, const uint8_t *, size_t, uint64_t);
size_t	 mqtt_prefix(const struct conn *, char *, size_t);
void	 mqtt_begin(struct conn *);
void	 mqtt_stream(struct conn *, const uint8_t *, size_t, uint64_t);

/* run.c */
void	 mark_dirty(struct channel *);
bool	 in_measurement(uint64_t);
void	 add_conn(struct conn *);
void	 run(void);

#endif
