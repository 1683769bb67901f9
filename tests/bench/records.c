/*
 * What the records of a link cost: the CPU time of each end of one connection
 * of crypto/conn.h, from memory to memory.  Linked with the daemon's own
 * objects; compare.py sets it beside the cipher alone, as `openssl speed' has
 * it, which does no framing, windows or records.
 *
 * records tls|noise MIB
 *
 * The dialler writes pieces of 16 KiB, until there are as many as one turn of
 * the daemon's loop takes, and puts out what a socket would get; the listener
 * takes it as if it came in one read.  The copy between them is the kernel's
 * part and not counted.
 */
#include <openssl/objects.h>
#include <openssl/ssl.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/conn_private.h"

#define PIECE	16384			/* bytes of one write */
#define TURN	(256u * 1024)		/* of one turn, as in link_io.c */
#define IN_SIZE	(CONN_IN_MIN + CONN_OUT_MAX)
#define MIB_MAX	(1024u * 1024)
#define WARMUP	(64u * 1024 * 1024)
#define ROUNDS	64			/* more than any handshake takes */
#define FILL	0x5a

struct end {
	struct conn	*c;
	uint8_t		*in;
	size_t		 have;
	uint64_t	 got;		/* bytes of streams */
	uint32_t	 stream;	/* that may be written to */
	int		 ready;
	double		 cpu_s;
};

static const char *const protocols[] = { "/nws/2.0.0" };

static void
die(const char *why)
{
	fprintf(stderr, "records: %s\n", why);
	exit(1);
}

static double
cpu_s(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == -1)
		die("clock_gettime");
	return ((double)t.tv_sec + (double)t.tv_nsec / 1e9);
}

static void
begin(struct end *e, int dialler, unsigned int security, struct identity *self)
{
	struct conn_config	 config;
	uint8_t			 seed[ED25519_KEY_LEN];

	memset(e, 0, sizeof(*e));
	memset(&config, 0, sizeof(config));
	memset(seed, 1 + dialler, sizeof(seed));
	config.dialler = dialler;
	config.security = security;
	config.self = self;
	config.protocols = protocols;
	config.nprotocols = 1;
	config.agent = "bench";
	if (identity_from_seed(self, seed) == -1 ||
	    (config.tls = conn_tls_new(self)) == NULL ||
	    (e->c = conn_new(&config)) == NULL ||
	    (e->in = malloc(IN_SIZE)) == NULL)
		die("out of memory");
}

static void
take(struct end *e, const struct conn_event *ev)
{
	switch (ev->type) {
	case CONN_READY:
		e->ready = 1;
		break;
	case CONN_AGREED:
		e->stream = ev->stream;
		break;
	case CONN_DATA:
		if (ev->data[0] != FILL || ev->data[ev->len - 1] != FILL)
			die("damaged data");
		e->got += ev->len;
		if (conn_consume(e->c, ev->stream, ev->len) == -1)
			die("data cannot be consumed");
		break;
	case CONN_FAILED:
		die(ev->why);
	default:
		break;
	}
}

/* All that is there; what is left of it is moved, as the daemon does. */
static void
hear(struct end *e)
{
	struct conn_event	ev;
	size_t			used = 0;

	do {
		used += conn_input(e->c, e->in + used, e->have - used, &ev);
		take(e, &ev);
	} while (ev.type != CONN_NONE);
	memmove(e->in, e->in + used, e->have - used);
	e->have -= used;
}

/* Brings what one has to say to the other; returns how much that was. */
static size_t
pass(struct end *from, struct end *to)
{
	const uint8_t	*p;
	size_t		 n, total = 0;
	double		 start;

	for (;;) {
		start = cpu_s();
		n = conn_output(from->c, &p);
		from->cpu_s += cpu_s() - start;
		if (n == 0)
			break;
		if (n > IN_SIZE - to->have)
			die("more output than there may be");
		memcpy(to->in + to->have, p, n);
		to->have += n;
		total += n;
		start = cpu_s();
		conn_sent(from->c, n);
		from->cpu_s += cpu_s() - start;
	}
	start = cpu_s();
	hear(to);
	to->cpu_s += cpu_s() - start;
	return (total);
}

static void
connect_ends(struct end *dialler, struct end *listener)
{
	int i;

	for (i = 0; i < ROUNDS && !(dialler->ready && listener->ready); i++) {
		(void)pass(dialler, listener);
		(void)pass(listener, dialler);
	}
	if (!dialler->ready || !listener->ready ||
	    conn_open(dialler->c, protocols[0], NULL) == 0)
		die("no connection");
	for (i = 0; i < ROUNDS && dialler->stream == 0; i++) {
		(void)pass(dialler, listener);
		(void)pass(listener, dialler);
	}
	if (dialler->stream == 0)
		die("no stream");
}

/* Sends so many bytes, and sees them arrive. */
static void
stream_bytes(struct end *dialler, struct end *listener, uint64_t total)
{
	static uint8_t	data[PIECE];
	uint64_t	left = total;
	size_t		turn, n;
	double		start;
	long		wrote;

	memset(data, FILL, sizeof(data));
	listener->got = 0;
	while (listener->got < total) {
		start = cpu_s();
		for (turn = 0; left > 0 && turn < TURN; turn += (size_t)wrote) {
			n = left < PIECE ? (size_t)left : PIECE;
			wrote = conn_write(dialler->c, dialler->stream, data,
			    n);
			if (wrote == -1)
				die("the stream is gone");
			left -= (uint64_t)wrote;
			if ((size_t)wrote < n)
				break;
		}
		dialler->cpu_s += cpu_s() - start;
		if (pass(dialler, listener) + pass(listener, dialler) == 0)
			die("nothing goes on");
	}
}

static const char *
cipher_name(const struct end *e)
{
	if (conn_security(e->c) == CONN_NOISE)
		return ("chacha20-poly1305");
	return (OBJ_nid2ln(SSL_CIPHER_get_cipher_nid(
	    SSL_get_current_cipher(e->c->tls.ssl))));
}

int
main(int argc, char **argv)
{
	struct identity	 ids[2];
	struct end	 dialler, listener;
	unsigned int	 security = 0;
	unsigned long	 mib;

	if (argc == 3 && strcmp(argv[1], "tls") == 0)
		security = CONN_TLS;
	else if (argc == 3 && strcmp(argv[1], "noise") == 0)
		security = CONN_NOISE;
	mib = security == 0 ? 0 : strtoul(argv[2], NULL, 10);
	if (mib == 0 || mib > MIB_MAX) {
		fprintf(stderr, "usage: records tls|noise MIB\n");
		return (2);
	}
	if (conn_init() == -1)
		die("OpenSSL cannot do what is needed");
	begin(&dialler, 1, security, &ids[0]);
	begin(&listener, 0, security, &ids[1]);
	connect_ends(&dialler, &listener);
	stream_bytes(&dialler, &listener, WARMUP);
	dialler.cpu_s = listener.cpu_s = 0;
	stream_bytes(&dialler, &listener, (uint64_t)mib * 1024 * 1024);
	printf("{\"security\": \"%s\", \"cipher\": \"%s\", \"mib\": %lu, "
	    "\"send\": %.6f, \"receive\": %.6f}\n", argv[1],
	    cipher_name(&dialler), mib,
	    dialler.cpu_s * 1024 / (double)mib,
	    listener.cpu_s * 1024 / (double)mib);
	return (0);
}
