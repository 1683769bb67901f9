/*
 * What crypto counts of its links: one row each, which makes the struct and
 * what nwsctl(8) and the metrics show.  A gauge may fall, a counter may not.
 */
#ifndef CRYPTO_COUNTERS_H
#define CRYPTO_COUNTERS_H

#include <stdint.h>

/* X(member, shown as crypto_member, is a gauge) */
#define CRYPTO_COUNTERS(X)						\
X(links, 1)			/* sockets, whatever they are good for */ \
X(links_active, 1)		/* that channels are shared on */	\
X(links_plain, 1)		/* libp2p, but not /nws/2.0.0 */	\
X(handshakes, 1)		/* unfinished */			\
X(nodes, 1)			/* peers with a link or a pending one */ \
X(targets, 1)			/* of discovery, that lead to a link */	\
X(queued_bytes, 1)		/* wait to be sent */			\
X(accepted_total, 0)							\
X(dialled_total, 0)							\
X(secured_tls_total, 0)							\
X(secured_noise_total, 0)						\
X(up_total, 0)			/* links that became active */		\
X(down_total, 0)							\
X(superfluous_total, 0)		/* ended, by either side: there was one */ \
X(replaced_total, 0)		/* ended, since another took its place */ \
X(self_total, 0)		/* connections to ourselves */		\
X(refused_limit_total, 0)	/* max-links */				\
X(refused_address_total, 0)	/* too many of one address or peer */	\
X(evicted_total, 0)		/* handshakes and idle ones that made room */ \
X(accept_paused_total, 0)	/* out of descriptors or memory */	\
X(failed_timeout_total, 0)	/* not finished in time */		\
X(failed_security_total, 0)	/* TLS, Noise, what comes before it */	\
X(failed_eof_total, 0)		/* ended by the other side before */	\
X(failed_protocol_total, 0)	/* yamux, /nws/2.0.0, matching */	\
X(failed_unsupported_total, 0)	/* dialled, does not speak /nws/2.0.0 */ \
X(failed_socket_total, 0)	/* the system says why, in the log */	\
X(ended_total, 0)		/* by the other side, once active */	\
X(silent_total, 0)		/* nothing heard for too long */	\
X(behind_total, 0)		/* had link-queue waiting */		\
X(heaviest_total, 0)		/* had most, at link-queue-total */	\
X(bytes_in_total, 0)							\
X(bytes_out_total, 0)							\
X(reads_total, 0)							\
X(writes_total, 0)							\
X(router_paused_total, 0)	/* nothing read: the router was slow */	\
X(no_memory_total, 0)

struct crypto_counters {
#define X(member, gauge) uint64_t member;
	CRYPTO_COUNTERS(X)
#undef X
};

/* Of this process; defined in links_show.c. */
extern struct crypto_counters crypto_counters;

#endif
