/* crypto/conn.h: two connections back to back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <stdio.h>

#include "tests/unit/conn_fixture.h"

#define DATA	0
#define WINDOW	1
#define PING	2
#define SYN	1
#define FIN	4
#define HEADER	"\x13/multistream/1.0.0\n"
#define NEGOTIATION (20 + 9)	/* octets for /echo/1 */
#define BOTH	(CONN_TLS | CONN_NOISE)

static const unsigned int securities[] = { CONN_TLS, CONN_NOISE };

/* Every security, in pieces of every kind of size. */
static void
test_handshake(void **state)
{
	static const size_t	 pieces[] = { 1, 7, 1000, ALL };
	struct pair		 t;
	const uint8_t		*a, *b;
	uint8_t			 first[CONN_BINDING_BYTES];
	size_t			 i, j, k, len;

	(void)state;
	memset(first, 0, sizeof(first));
	for (i = 0; i < 2; i++)
		for (j = 0; j < COUNT(pieces); j++) {
			pair_init(&t, securities[i], securities[i]);
			pair_begin(&t);
			pair_run(&t, pieces[j]);
			for (k = 0; k < 2; k++) {
				assert_int_equal(t.side[k].nlog, 2);
				assert_int_equal(t.side[k].log[0].type,
				    CONN_SECURED);
				assert_int_equal(t.side[k].log[1].type,
				    CONN_READY);
				assert_true(peerid_equal(
				    conn_peer(t.side[k].c),
				    &t.side[1 - k].self.id));
				assert_int_equal(conn_security(t.side[k].c),
				    securities[i]);
			}
			a = conn_binding(t.side[0].c, &len);
			assert_int_equal(len, CONN_BINDING_BYTES);
			b = conn_binding(t.side[1].c, &len);
			assert_memory_equal(a, b, len);
			/* Of this connection and of no other. */
			assert_memory_not_equal(a, first, len);
			memcpy(first, a, len);
			assert_true(conn_memory(t.side[0].c) < 65536);
			pair_free(&t);
		}
}

static void
test_security(void **state)
{
	static const unsigned int cases[][3] = {
		{ BOTH, BOTH, CONN_TLS }, { BOTH, CONN_NOISE, CONN_NOISE },
		{ CONN_NOISE, BOTH, CONN_NOISE }, { CONN_TLS, BOTH, CONN_TLS },
		{ BOTH, CONN_TLS, CONN_TLS },
		{ CONN_TLS, CONN_NOISE, 0 }, { CONN_NOISE, CONN_TLS, 0 },
	};
	struct pair	t;
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		pair_init(&t, cases[i][0], cases[i][1]);
		pair_begin(&t);
		pair_run(&t, 5);
		if (cases[i][2] == 0) {
			assert_int_equal(t.side[0].nlog, 1);
			assert_int_equal(t.side[0].log[0].type, CONN_FAILED);
			assert_int_equal(t.side[0].log[0].self, 0);
			/* May be asked again. */
			assert_int_equal(t.side[1].nlog, 0);
		} else {
			assert_int_equal(t.side[0].nlog, 2);
			assert_int_equal(conn_security(t.side[0].c),
			    cases[i][2]);
			assert_int_equal(conn_security(t.side[1].c),
			    cases[i][2]);
		}
		pair_free(&t);
	}
}

/* The muxer by multistream-select, as with those who know no other way. */
static void
test_muxer(void **state)
{
	struct pair	t;
	size_t		i, piece;
	int		k;

	(void)state;
	for (i = 0; i < 2; i++)
		for (piece = 1; piece < 2000; piece += 333) {
			pair_init(&t, securities[i], securities[i]);
			pair_begin(&t);
			/* Told at the end of the handshake, one by one. */
			t.side[0].c->noise.muxer = -1;
			while (t.side[0].nlog == 0 || t.side[1].nlog == 0) {
				struct conn_event ev;

				for (k = 0; k < 2; k++) {
					struct side *s = &t.side[k];
					size_t	     used;

					(void)pair_pass(&t, 1 - k, piece);
					if (s->nlog > 0)
						continue;
					used = conn_input(s->c, s->in,
					    s->have, &ev);
					memmove(s->in, s->in + used,
					    s->have - used);
					s->have -= used;
					if (ev.type != CONN_NONE)
						side_note(s, &ev);
				}
			}
			for (k = 0; k < 2; k++) {
				assert_int_equal(t.side[k].log[0].type,
				    CONN_SECURED);
				t.side[k].c->noise.muxer = -1;
				t.side[k].c->tls.muxer = 0;
			}
			pair_run(&t, piece);
			for (k = 0; k < 2; k++) {
				assert_int_equal(t.side[k].nlog, 2);
				assert_int_equal(t.side[k].log[1].type,
				    CONN_READY);
			}
			pair_free(&t);
		}
}

static void
test_self(void **state)
{
	struct pair	t;
	uint8_t		seed[ED25519_KEY_LEN];
	size_t		i;

	(void)state;
	for (i = 0; i < 2; i++) {
		pair_init(&t, securities[i], securities[i]);
		memset(seed, 1, sizeof(seed));
		assert_int_equal(identity_from_seed(&t.side[1].self, seed), 0);
		conn_tls_free(t.side[1].config.tls);
		t.side[1].config.tls = conn_tls_new(&t.side[1].self);
		pair_begin(&t);
		pair_run(&t, ALL);
		assert_int_equal(t.side[0].nlog, 1);
		assert_int_equal(t.side[0].log[0].type, CONN_FAILED);
		assert_int_equal(t.side[0].log[0].self, 1);
		assert_null(side_find(&t.side[1], CONN_SECURED, 0));
		pair_free(&t);
	}
}

static void
test_config(void **state)
{
	const char	*many[CONN_PROTOCOLS_MAX + 1];
	struct pair	 t;
	size_t		 i;

	(void)state;
	for (i = 0; i < COUNT(many); i++)
		many[i] = "/some/1";
	pair_init(&t, BOTH, BOTH);
	t.side[0].config.protocols = many;
	t.side[0].config.nprotocols = CONN_PROTOCOLS_MAX;
	pair_begin(&t);
	conn_free(t.side[0].c);
	t.side[0].config.nprotocols++;
	t.side[0].c = conn_new(&t.side[0].config);
	assert_null(t.side[0].c);
	assert_int_equal(errno, EINVAL);
	t.side[0].config.nprotocols--;
	t.side[0].config.security = 0;
	assert_null(conn_new(&t.side[0].config));
	pair_free(&t);
}

/* The life of a stream: opened, both ways, half closed, gone. */
static void
test_stream(void **state)
{
	static const size_t	 pieces[] = { 1, 100, ALL };
	struct pair		 t;
	const struct conn_event	*ev;
	uint32_t		 id;
	int			 mark;
	size_t			 i, j;

	(void)state;
	for (i = 0; i < 2; i++)
		for (j = 0; j < COUNT(pieces); j++) {
			pair_ready(&t, securities[i]);
			assert_int_equal(conn_write(t.side[0].c, 1, "a", 1),
			    -1);
			id = conn_open(t.side[0].c, nws_echo[1], &mark);
			assert_int_equal(id, 1);
			/* Not before they said yes. */
			assert_int_equal(conn_room(t.side[0].c, id), 0);
			assert_int_equal(conn_write(t.side[0].c, id, "a", 1),
			    -1);
			pair_run(&t, pieces[j]);
			assert_int_equal(t.side[0].nlog, 1);
			ev = &t.side[0].log[0];
			assert_int_equal(ev->type, CONN_AGREED);
			assert_int_equal(ev->stream, id);
			assert_ptr_equal(ev->arg, &mark);
			ev = &t.side[1].log[0];
			assert_int_equal(ev->type, CONN_OPENED);
			assert_int_equal(ev->protocol, 1);
			assert_int_equal(conn_set_arg(t.side[1].c, id, &t), 0);
			assert_true(conn_room(t.side[0].c, id) > 0);
			assert_int_equal(conn_write(t.side[0].c, id, "hello",
			    5), 5);
			assert_int_equal(conn_close(t.side[0].c, id), 0);
			assert_int_equal(conn_write(t.side[0].c, id, "a", 1),
			    -1);
			pair_run(&t, pieces[j]);
			assert_int_equal(t.side[1].nlog, 3);
			assert_int_equal(t.side[1].log[1].type, CONN_DATA);
			assert_int_equal(t.side[1].log[1].len, 5);
			assert_ptr_equal(t.side[1].log[1].arg, &t);
			assert_memory_equal(t.side[1].got, "hello", 5);
			assert_int_equal(t.side[1].log[2].type, CONN_FIN);
			assert_int_equal(t.side[1].log[2].ended, 0);
			assert_int_equal(conn_write(t.side[1].c, id, "bye",
			    3), 3);
			assert_int_equal(conn_close(t.side[1].c, id), 1);
			assert_int_equal(conn_close(t.side[1].c, id), -1);
			pair_run(&t, pieces[j]);
			assert_memory_equal(t.side[0].got, "bye", 3);
			ev = side_find(&t.side[0], CONN_FIN, 0);
			assert_non_null(ev);
			assert_int_equal(ev->ended, 1);
			assert_int_equal(conn_reset(t.side[0].c, id, 0), -1);
			assert_int_equal(yamux_streams(t.side[0].c->yamux),
			    0);
			assert_int_equal(yamux_streams(t.side[1].c->yamux),
			    0);
			pair_free(&t);
		}
}

static void
test_refused(void **state)
{
	struct pair		 t;
	const struct conn_event	*ev;
	uint32_t		 id;
	size_t			 i;

	(void)state;
	for (i = 0; i < 2; i++) {
		pair_ready(&t, securities[i]);
		id = conn_open(t.side[0].c, "/nothing/1", &t);
		pair_run(&t, 3);
		assert_int_equal(t.side[0].nlog, 1);
		ev = &t.side[0].log[0];
		assert_int_equal(ev->type, CONN_REFUSED);
		assert_int_equal(ev->stream, id);
		assert_ptr_equal(ev->arg, &t);
		assert_int_equal(ev->ended, 1);
		assert_int_equal(t.side[1].nlog, 0);
		assert_int_equal(t.side[1].c->nnegotiating, 0);
		assert_int_equal(yamux_streams(t.side[0].c->yamux), 0);
		assert_int_equal(yamux_streams(t.side[1].c->yamux), 0);
		/* Given up by ourselves, before they said anything. */
		id = conn_open(t.side[0].c, nws_echo[0], NULL);
		assert_int_equal(conn_close(t.side[0].c, id), 1);
		pair_run(&t, ALL);
		assert_int_equal(t.side[0].nlog, 1);
		assert_null(side_find(&t.side[1], CONN_DATA, 0));
		pair_free(&t);
	}
}

static void
test_reset(void **state)
{
	struct pair		 t;
	const struct conn_event	*ev;
	uint32_t		 id;

	(void)state;
	pair_ready(&t, CONN_TLS);
	id = pair_open(&t, nws_echo[0]);
	assert_int_equal(conn_reset(t.side[1].c, id, 7), 0);
	pair_run(&t, ALL);
	assert_int_equal(t.side[0].nlog, 1);
	ev = &t.side[0].log[0];
	assert_int_equal(ev->type, CONN_RESET);
	assert_int_equal(ev->ended, 1);
	assert_ptr_equal(ev->arg, &t.side[0]);
	assert_int_equal(yamux_streams(t.side[0].c->yamux), 0);
	pair_free(&t);
}

/* Header, protocol, data and the end in one frame (go-libp2p's way). */
static void
test_lazy(void **state)
{
	static const char	 text[] = HEADER "\x08/echo/1\nhello";
	struct pair		 t;
	size_t			 i, piece;

	(void)state;
	for (i = 0; i < 2; i++)
		for (piece = 1; piece < 300; piece += 149) {
			pair_ready(&t, securities[i]);
			pair_frame(&t, DATA, SYN | FIN, 101,
			    sizeof(text) - 1, text, sizeof(text) - 1);
			pair_run(&t, piece);
			assert_int_equal(t.side[1].nlog, 3);
			assert_int_equal(t.side[1].log[0].type, CONN_OPENED);
			assert_int_equal(t.side[1].log[0].protocol, 1);
			assert_int_equal(t.side[1].log[1].type, CONN_DATA);
			assert_int_equal(t.side[1].log[1].len, 5);
			assert_memory_equal(t.side[1].got, "hello", 5);
			assert_int_equal(t.side[1].log[2].type, CONN_FIN);
			pair_free(&t);
		}
}

/* The stream is reset in the event that it was opened with. */
static void
test_lazy_reset(void **state)
{
	static const char	 text[] = HEADER "\x08/echo/1\nhello";
	struct conn_event	 ev;
	struct pair		 t;
	struct side		*s = &t.side[1];
	size_t			 i, used;

	(void)state;
	for (i = 0; i < 2; i++) {
		pair_ready(&t, securities[i]);
		pair_frame(&t, DATA, SYN, 101, sizeof(text) - 1, text,
		    sizeof(text) - 1);
		(void)pair_pass(&t, 0, ALL);
		used = conn_input(s->c, s->in, s->have, &ev);
		assert_int_equal(ev.type, CONN_OPENED);
		assert_int_equal(conn_reset(s->c, ev.stream, 0), 0);
		memmove(s->in, s->in + used, s->have - used);
		s->have -= used;
		side_hear(s);
		assert_int_equal(s->nlog, 0);
		assert_int_equal(s->have, 0);
		pair_free(&t);
	}
}

static void
test_identify(void **state)
{
	struct pair	t;
	size_t		i, piece;

	(void)state;
	for (i = 0; i < 2; i++)
		for (piece = 1; piece < 1000; piece += 499) {
			pair_ready(&t, securities[i]);
			assert_int_equal(conn_identify(t.side[0].c), 0);
			assert_int_equal(conn_identify(t.side[0].c), -1);
			assert_int_equal(conn_identify(t.side[1].c), 0);
			pair_run(&t, piece);
			assert_int_equal(t.side[0].nlog, 1);
			assert_int_equal(t.side[0].log[0].type,
			    CONN_IDENTIFIED);
			assert_string_equal(t.side[0].agent, "one/1");
			assert_string_equal(t.side[1].agent, "zero/0");
			assert_int_equal(yamux_streams(t.side[0].c->yamux),
			    0);
			/* And once more. */
			assert_int_equal(conn_identify(t.side[0].c), 0);
			pair_run(&t, piece);
			assert_int_equal(t.side[0].nlog, 2);
			pair_free(&t);
		}
}

/* An answer in the name of another, and one that never ends. */
static void
test_identify_bad(void **state)
{
	uint8_t		 fill[4096];
	struct pair	 t;
	int		 i;

	(void)state;
	pair_ready(&t, CONN_NOISE);
	t.side[1].config.self = &t.side[0].self;
	t.side[1].c->config.self = &t.side[0].self;
	assert_int_equal(conn_identify(t.side[0].c), 0);
	pair_run(&t, ALL);
	assert_int_equal(t.side[0].nlog, 0);
	assert_int_equal(yamux_streams(t.side[0].c->yamux), 0);
	pair_free(&t);

	pair_ready(&t, CONN_NOISE);
	assert_int_equal(conn_identify(t.side[1].c), 0);
	(void)pair_pass(&t, 1, ALL);
	memset(fill, 0x01, sizeof(fill));
	/* Ours is 2: as side 0, but not by its own muxer. */
	pair_frame(&t, DATA, 0, 2, 20 + 16, HEADER "\x0f/ipfs/id/1.0.0\n",
	    36);
	for (i = 0; i < (int)(IDENTIFY_MAX / sizeof(fill)); i++)
		pair_frame(&t, DATA, 0, 2, sizeof(fill), fill, sizeof(fill));
	t.side[0].have = 0;
	(void)pair_pass(&t, 0, ALL);
	side_hear(&t.side[1]);
	assert_int_equal(t.side[1].c->answer_len, IDENTIFY_MAX);
	assert_int_equal(yamux_streams(t.side[1].c->yamux), 1);
	pair_frame(&t, DATA, 0, 2, 1, fill, 1);
	(void)pair_pass(&t, 0, ALL);
	side_hear(&t.side[1]);
	assert_int_equal(yamux_streams(t.side[1].c->yamux), 0);
	assert_int_equal(t.side[1].nlog, 0);
	assert_int_equal(conn_memory(t.side[1].c) < 65536, 1);
	pair_free(&t);
}

/* Both kinds: of the muxer, and as a protocol. */
static void
test_ping(void **state)
{
	uint8_t		 block[2 * PING_LEN];
	struct pair	 t;
	uint32_t	 id[CONN_PINGS_MAX + 1];
	size_t		 i;

	(void)state;
	pair_ready(&t, CONN_TLS);
	assert_int_equal(conn_ping(t.side[0].c), 0);
	assert_int_equal(conn_ping(t.side[0].c), -1);
	pair_run(&t, 1);
	assert_int_equal(t.side[0].nlog, 1);
	assert_int_equal(t.side[0].log[0].type, CONN_PONG);
	assert_int_equal(conn_ping(t.side[0].c), 0);
	pair_run(&t, ALL);
	t.side[0].nlog = 0;
	for (i = 0; i <= CONN_PINGS_MAX; i++) {
		id[i] = conn_open(t.side[0].c, PING_PROTOCOL, NULL);
		pair_run(&t, ALL);
	}
	/* All were agreed on, the one too many is reset. */
	assert_non_null(side_find(&t.side[0], CONN_AGREED, CONN_PINGS_MAX));
	assert_non_null(side_find(&t.side[0], CONN_RESET, 0));
	assert_null(side_find(&t.side[0], CONN_RESET, 1));
	for (i = 0; i < sizeof(block); i++)
		block[i] = (uint8_t)(i + 1);
	assert_int_equal(conn_write(t.side[0].c, id[0], block, 40), 40);
	pair_run(&t, 1);
	assert_int_equal(t.side[0].got_len, PING_LEN);
	assert_int_equal(conn_write(t.side[0].c, id[0], block + 40, 24), 24);
	assert_int_equal(conn_close(t.side[0].c, id[0]), 0);
	pair_run(&t, ALL);
	assert_int_equal(t.side[0].got_len, sizeof(block));
	assert_memory_equal(t.side[0].got, block, sizeof(block));
	assert_true(side_find(&t.side[0], CONN_FIN, 0)->ended);
	assert_int_equal(t.side[1].c->npings, CONN_PINGS_MAX - 1);
	/* There is room for another one again. */
	t.side[0].nlog = 0;
	(void)conn_open(t.side[0].c, PING_PROTOCOL, NULL);
	pair_run(&t, ALL);
	assert_null(side_find(&t.side[0], CONN_RESET, 0));
	pair_free(&t);
}

/* Much more than the windows and the output take. */
static void
test_bulk(void **state)
{
	const size_t	 total = 5 * 1024 * 1024 + 77;
	struct pair	 t;
	uint8_t		*all;
	size_t		 i, k, sent[2], nothing;
	uint32_t	 id;
	long		 wrote;

	(void)state;
	assert_non_null(all = malloc(total));
	for (k = 0; k < total; k++)
		all[k] = (uint8_t)(k * 31 + (k >> 11));
	for (i = 0; i < 2; i++) {
		pair_ready(&t, securities[i]);
		id = pair_open(&t, nws_echo[1]);
		sent[0] = sent[1] = nothing = 0;
		while (sent[0] < total || sent[1] < total) {
			for (k = 0; k < 2; k++) {
				wrote = conn_write(t.side[k].c, id,
				    all + sent[k], total - sent[k]);
				assert_true(wrote >= 0);
				sent[k] += (size_t)wrote;
				nothing += wrote == 0;
			}
			pair_run(&t, 100000);
			t.side[0].nlog = t.side[1].nlog = 0;
			assert_true(nothing < 100);
		}
		for (k = 0; k < 2; k++) {
			assert_int_equal(t.side[k].got_len, total);
			assert_memory_equal(t.side[k].got, all, total);
		}
		pair_free(&t);
	}
	free(all);
}

/* Nobody consumes: it ends at the window, and goes on with it. */
static void
test_window(void **state)
{
	static uint8_t	 block[65536];
	struct pair	 t;
	uint32_t	 id;
	size_t		 i, total, held;
	long		 wrote;

	(void)state;
	for (i = 0; i < 2; i++) {
		pair_ready(&t, securities[i]);
		id = pair_open(&t, nws_echo[1]);
		t.side[1].hold = 1;
		for (total = 0; (wrote = conn_write(t.side[0].c, id, block,
		    sizeof(block))) > 0; total += (size_t)wrote)
			pair_run(&t, ALL);
		assert_int_equal(wrote, 0);
		/* What was said to agree on a protocol counts, too. */
		assert_int_equal(total, WINDOW_BYTES - NEGOTIATION);
		assert_int_equal(t.side[1].got_len, total);
		assert_int_equal(conn_room(t.side[0].c, id), 0);
		assert_null(side_find(&t.side[0], CONN_WRITABLE, 0));
		held = WINDOW_BYTES / 2 - NEGOTIATION;
		assert_int_equal(conn_consume(t.side[1].c, id, held - 1), 0);
		pair_run(&t, ALL);
		assert_null(side_find(&t.side[0], CONN_WRITABLE, 0));
		assert_int_equal(conn_consume(t.side[1].c, id, 1), 0);
		pair_run(&t, ALL);
		assert_non_null(side_find(&t.side[0], CONN_WRITABLE, 0));
		assert_int_equal(conn_room(t.side[0].c, id),
		    WINDOW_BYTES / 2);
		assert_int_equal(conn_consume(t.side[1].c, id, total - held +
		    1), -1);
		pair_free(&t);
	}
}

/* The socket takes nothing: what waits is bounded, of all streams together. */
static void
test_output(void **state)
{
	static uint8_t	 block[65536];
	struct pair	 t;
	uint32_t	 id[3];
	size_t		 i, k, total;
	long		 wrote;

	(void)state;
	for (i = 0; i < 2; i++) {
		pair_ready(&t, securities[i]);
		for (k = 0; k < 3; k++)
			id[k] = pair_open(&t, nws_echo[1]);
		for (k = 0, total = 0; k < 3; k++)
			while ((wrote = conn_write(t.side[0].c, id[k], block,
			    sizeof(block))) > 0)
				total += (size_t)wrote;
		assert_true(total <= STREAMS_OUT_MAX);
		assert_true(total > STREAMS_OUT_MAX - 1024);
		assert_true(conn_waiting(t.side[0].c) >= total);
		assert_true(conn_waiting(t.side[0].c) < CONN_OUT_MAX);
		assert_true(conn_memory(t.side[0].c) < 2 * CONN_OUT_MAX);
		/* Answers still have room. */
		assert_int_equal(conn_identify(t.side[1].c), 0);
		(void)pair_pass(&t, 1, ALL);
		side_hear(&t.side[0]);
		assert_null(side_find(&t.side[0], CONN_WRITABLE, 0));
		pair_run(&t, ALL);
		assert_int_equal(t.side[1].got_len, total);
		assert_string_equal(t.side[1].agent, "zero/0");
		/* The first had room; the other two were short of it. */
		assert_non_null(side_find(&t.side[0], CONN_WRITABLE, 1));
		assert_null(side_find(&t.side[0], CONN_WRITABLE, 3));
		pair_free(&t);
	}
}

/* All of them always have something to send: none is passed over. */
static void
test_fair(void **state)
{
	static uint8_t		 block[CONN_OUT_MAX];
	struct pair		 t;
	struct conn_event	 ev;
	size_t			 told[4] = { 0 }, i, k;
	uint32_t		 id[4];

	(void)state;
	pair_ready(&t, CONN_TLS);
	for (k = 0; k < 4; k++)
		id[k] = pair_open(&t, nws_echo[1]);
	for (k = 0; k < 4; k++)
		(void)conn_write(t.side[0].c, id[k], block, sizeof(block));
	for (i = 0; i < 100; i++) {
		(void)pair_pass(&t, 0, ALL);
		side_hear(&t.side[1]);
		(void)pair_pass(&t, 1, ALL);
		do {
			size_t used = conn_input(t.side[0].c, t.side[0].in,
			    t.side[0].have, &ev);

			memmove(t.side[0].in, t.side[0].in + used,
			    t.side[0].have - used);
			t.side[0].have -= used;
			for (k = 0; k < 4 && ev.type == CONN_WRITABLE; k++)
				if (ev.stream == id[k]) {
					told[k]++;
					(void)conn_write(t.side[0].c, id[k],
					    block, sizeof(block));
				}
		} while (ev.type != CONN_NONE);
	}
	for (k = 0; k < 4; k++)
		assert_in_range(told[k], 8, 100);
	pair_free(&t);
}

/* A message of TLS itself, of side 0. */
static void
key_update(struct pair *t, int type)
{
	struct ssl_st *ssl = t->side[0].c->tls.ssl;

	assert_int_equal(SSL_key_update(ssl, type), 1);
	assert_int_equal(SSL_do_handshake(ssl), 1);
}

/* Keys that change all the time are work for us, and for nothing. */
static void
test_key_updates(void **state)
{
	static uint8_t	 block[TLS_MESSAGE_BYTES];
	struct pair	 t;
	uint32_t	 id;
	unsigned int	 i;

	(void)state;
	pair_ready(&t, CONN_TLS);
	id = pair_open(&t, nws_echo[1]);
	assert_true(t.side[1].c->tls.messages <= 8);
	for (i = t.side[1].c->tls.messages; i < TLS_MESSAGES_MAX; i++)
		key_update(&t, SSL_KEY_UPDATE_NOT_REQUESTED);
	pair_run(&t, ALL);
	assert_int_equal(t.side[1].nlog, 0);
	/* As many bytes as pay for one more. */
	for (i = 0; i < 3; i++) {
		assert_int_equal(conn_write(t.side[0].c, id, block,
		    sizeof(block)), sizeof(block));
		pair_run(&t, ALL);
		key_update(&t, SSL_KEY_UPDATE_NOT_REQUESTED);
		pair_run(&t, ALL);
		assert_null(side_find(&t.side[1], CONN_FAILED, 0));
	}
	assert_int_equal(t.side[1].got_len, 3 * sizeof(block));
	/* One too many, and none of those behind it. */
	for (i = 0; i < 1000; i++)
		key_update(&t, SSL_KEY_UPDATE_REQUESTED);
	(void)pair_pass(&t, 0, ALL);
	side_hear(&t.side[1]);
	assert_int_equal(t.side[1].c->tls.messages, TLS_MESSAGES_MAX + 1);
	assert_non_null(side_find(&t.side[1], CONN_FAILED, 0));
	assert_string_equal(side_find(&t.side[1], CONN_FAILED, 0)->why,
	    "too many messages of TLS itself");
	pair_free(&t);
}

/* Our own key is changed long before it has sealed too much. */
static void
test_new_key(void **state)
{
	struct pair	t;
	struct tls     *tls;
	uint32_t	id;
	unsigned int	messages, i;

	(void)state;
	pair_ready(&t, CONN_TLS);
	id = pair_open(&t, nws_echo[1]);
	tls = &t.side[0].c->tls;
	assert_in_range(tls->records, 1, 16);
	messages = t.side[1].c->tls.messages;
	tls->records = TLS_RECORDS_MAX - 1;
	for (i = 0; i < 3; i++) {
		assert_int_equal(conn_write(t.side[0].c, id, "text", 4), 4);
		pair_run(&t, ALL);
		assert_int_equal(t.side[1].c->tls.messages,
		    messages + (i > 0));
	}
	assert_int_equal(tls->records, 1);
	assert_int_equal(t.side[1].got_len, 12);
	assert_memory_equal(t.side[1].got, "texttexttext", 12);
	pair_free(&t);
}

/* Streams that nobody says anything on, up to the bound and one more. */
static void
test_negotiating(void **state)
{
	static const char	 text[] = HEADER "\x08/echo/1\n";
	struct pair		 t;
	uint32_t		 id = 101;
	int			 i;

	(void)state;
	pair_ready(&t, CONN_NOISE);
	for (i = 0; i < CONN_NEGOTIATING_MAX; i++, id += 2)
		pair_frame(&t, WINDOW, SYN, id, 0, NULL, 0);
	pair_run(&t, ALL);
	assert_int_equal(t.side[1].c->nnegotiating, CONN_NEGOTIATING_MAX);
	assert_int_equal(yamux_streams(t.side[1].c->yamux),
	    CONN_NEGOTIATING_MAX);
	pair_frame(&t, DATA, SYN, id, sizeof(text) - 1, text,
	    sizeof(text) - 1);
	pair_run(&t, ALL);
	assert_int_equal(yamux_streams(t.side[1].c->yamux),
	    CONN_NEGOTIATING_MAX);
	assert_int_equal(t.side[1].nlog, 0);
	/* One that ends before it is anything makes room. */
	pair_frame(&t, WINDOW, FIN, 101, 0, NULL, 0);
	pair_frame(&t, DATA, SYN, id + 2, sizeof(text) - 1, text,
	    sizeof(text) - 1);
	pair_run(&t, ALL);
	assert_int_equal(t.side[1].c->nnegotiating, CONN_NEGOTIATING_MAX - 1);
	assert_int_equal(t.side[1].nlog, 1);
	assert_int_equal(t.side[1].log[0].type, CONN_OPENED);
	/* What is no multistream-select resets the stream, and that only. */
	pair_frame(&t, DATA, 0, 103, 6, "\x05junk\n", 6);
	pair_run(&t, ALL);
	assert_int_equal(t.side[1].c->nnegotiating, CONN_NEGOTIATING_MAX - 2);
	assert_int_equal(t.side[1].nlog, 1);
	pair_free(&t);
}

/* Who asks for one unknown protocol after the other. */
static void
test_asking(void **state)
{
	struct pair	t;
	int		i;

	(void)state;
	pair_ready(&t, CONN_TLS);
	pair_frame(&t, DATA, SYN, 101, 20, HEADER, 20);
	for (i = 0; i < MS_PROPOSALS_MAX; i++)
		pair_frame(&t, DATA, 0, 101, 4, "\x03/x\n", 4);
	pair_run(&t, ALL);
	assert_int_equal(yamux_streams(t.side[1].c->yamux), 1);
	pair_frame(&t, DATA, 0, 101, 4, "\x03/x\n", 4);
	pair_run(&t, ALL);
	assert_int_equal(yamux_streams(t.side[1].c->yamux), 0);
	pair_free(&t);
}

static void
test_streams_max(void **state)
{
	struct pair	t;
	int		i;

	(void)state;
	pair_ready(&t, CONN_NOISE);
	for (i = 0; i < CONN_STREAMS_MAX; i++)
		(void)pair_open(&t, nws_echo[0]);
	assert_int_equal(conn_open(t.side[0].c, nws_echo[0], NULL), 0);
	assert_int_equal(errno, EAGAIN);
	pair_frame(&t, WINDOW, SYN, 1001, 0, NULL, 0);
	pair_run(&t, ALL);
	assert_int_equal(yamux_streams(t.side[1].c->yamux), CONN_STREAMS_MAX);
	assert_int_equal(t.side[1].c->nnegotiating, 0);
	pair_free(&t);
}

/* Who asks and does not listen is not listened to for long. */
static void
test_flood(void **state)
{
	struct pair	 t;
	const uint8_t	*p;
	size_t		 i, k, last, before;

	(void)state;
	for (i = 0; i < 2; i++) {
		pair_ready(&t, securities[i]);
		last = 0;
		for (k = 0; k < 100000 && t.side[1].have < CONN_IN_MIN;
		    k++) {
			pair_frame(&t, PING, SYN, 0, (uint32_t)k, NULL, 0);
			(void)pair_pass(&t, 0, ALL);
			side_hear(&t.side[1]);
		}
		/* As much as it was ready to queue, all in yamux. */
		assert_true(k < 100000);
		last = yamux_output(t.side[1].c->yamux, &p);
		assert_true(last > STREAMS_OUT_MAX);
		assert_true(last < CONN_OUT_MAX);
		before = t.side[1].have;
		while ((k = conn_output(t.side[1].c, &p)) > 0)
			conn_sent(t.side[1].c, k);
		side_hear(&t.side[1]);
		assert_true(t.side[1].have < before);
		assert_int_equal(t.side[1].have, 0);
		assert_int_equal(t.side[1].nlog, 0);
		pair_free(&t);
	}
}

static void
test_garbage_raw(void **state)
{
	static const char	 http[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	static const char	*begin[] = {
		"", HEADER, HEADER "\x0b/tls/1.0.0\n", HEADER "\x07/noise\n" };
	struct pair		 t;
	size_t			 i, at, len;
	const uint8_t		*p;
	int			 dialler;

	(void)state;
	for (i = 0; i < COUNT(begin); i++)
		for (dialler = 0; dialler < 2; dialler++) {
			struct side *s = &t.side[1 - dialler];

			pair_init(&t, i == 3 ? CONN_NOISE : BOTH, BOTH);
			pair_begin(&t);
			len = strlen(begin[i]);
			for (at = 0; at < len; at++) {
				s->in[s->have++] = (uint8_t)begin[i][at];
				side_hear(s);
			}
			assert_int_equal(s->nlog, 0);
			/* More than a Noise handshake message may have. */
			for (at = 0; at < 6000 && s->nlog == 0; at++) {
				s->in[s->have++] =
				    (uint8_t)http[at % (sizeof(http) - 1)];
				side_hear(s);
			}
			assert_int_equal(s->nlog, 1);
			assert_int_equal(s->log[0].type, CONN_FAILED);
			assert_non_null(s->log[0].why);
			assert_int_equal(s->log[0].self, 0);
			/* From now on everything falls on the floor. */
			memcpy(s->in, http, 10);
			s->have = 10;
			side_hear(s);
			assert_int_equal(s->have, 0);
			assert_int_equal(s->nlog, 1);
			(void)conn_output(s->c, &p);
			assert_int_equal(conn_open(s->c, "/x", NULL), 0);
			assert_int_equal(errno, EPIPE);
			pair_free(&t);
		}
}

/* One octet of a record, or of what is inside. */
static void
test_garbage_secured(void **state)
{
	struct pair	t;
	size_t		i;
	uint32_t	id;

	(void)state;
	for (i = 0; i < 2; i++) {
		pair_ready(&t, securities[i]);
		id = pair_open(&t, nws_echo[1]);
		(void)conn_write(t.side[0].c, id, "hello", 5);
		(void)pair_pass(&t, 0, ALL);
		t.side[1].in[t.side[1].have - 1] ^= 1;
		side_hear(&t.side[1]);
		assert_int_equal(t.side[1].nlog, 1);
		assert_int_equal(t.side[1].log[0].type, CONN_FAILED);
		assert_int_equal(t.side[1].got_len, 0);
		assert_int_equal(conn_write(t.side[1].c, id, "a", 1), -1);
		assert_int_equal(conn_room(t.side[1].c, id), 0);
		pair_free(&t);
		/* A frame that cannot be; they are told by GoAway. */
		pair_ready(&t, securities[i]);
		assert_int_equal(conn_secure(t.side[0].c,
		    (const uint8_t *)"HTTP/1.1 200", 12), 0);
		pair_run(&t, ALL);
		assert_int_equal(t.side[1].nlog, 1);
		assert_string_equal(t.side[1].log[0].why,
		    "yamux was violated");
		assert_non_null(side_find(&t.side[0], CONN_GOAWAY, 0));
		pair_free(&t);
	}
}

static void
test_end(void **state)
{
	struct pair	t;
	size_t		i;
	uint32_t	id;

	(void)state;
	for (i = 0; i < 2; i++) {
		pair_ready(&t, securities[i]);
		id = pair_open(&t, nws_echo[1]);
		(void)conn_write(t.side[0].c, id, "last", 4);
		conn_end(t.side[0].c);
		assert_int_equal(conn_write(t.side[0].c, id, "a", 1), -1);
		assert_int_equal(conn_open(t.side[0].c, nws_echo[0], NULL), 0);
		assert_int_equal(conn_eof(t.side[1].c), 0);
		pair_run(&t, 10);
		assert_memory_equal(t.side[1].got, "last", 4);
		assert_non_null(side_find(&t.side[1], CONN_GOAWAY, 0));
		assert_int_equal(conn_eof(t.side[1].c), 1);
		assert_int_equal(side_find(&t.side[1], CONN_FAILED, 0) != NULL,
		    securities[i] == CONN_TLS);
		pair_free(&t);
		/* The same, without the goodbye. */
		pair_ready(&t, securities[i]);
		assert_int_equal(conn_eof(t.side[1].c), 0);
		pair_free(&t);
	}
}

/* Cut after each octet of what is said in a whole connection. */
static void
test_cut(void **state)
{
	struct pair	t;
	size_t		i, cut, passed;
	int		k, whole;

	(void)state;
	for (i = 0; i < 2; i++)
		for (cut = 1, whole = 0; !whole; cut += 97) {
			pair_init(&t, securities[i], securities[i]);
			pair_begin(&t);
			passed = 0;
			for (k = 0; k < 20 && passed < cut; k++) {
				passed += pair_pass(&t, k % 2, cut - passed);
				side_hear(&t.side[1 - k % 2]);
			}
			whole = passed < cut;
			for (k = 0; k < 2; k++) {
				assert_null(side_find(&t.side[k],
				    CONN_FAILED, 0));
				assert_int_equal(conn_eof(t.side[k].c), 0);
			}
			pair_free(&t);
		}
}

/* What a burst took is given back when only little is said. */
static void
test_memory(void **state)
{
	static uint8_t	block[65536];
	struct pair	t;
	size_t		i, k;
	uint32_t	id;

	(void)state;
	for (i = 0; i < 2; i++) {
		pair_ready(&t, securities[i]);
		id = pair_open(&t, nws_echo[1]);
		for (k = 0; k < 8; k++)
			(void)conn_write(t.side[0].c, id, block,
			    sizeof(block));
		pair_run(&t, ALL);
		assert_true(conn_memory(t.side[0].c) > 100000);
		for (k = 0; k < 40; k++) {
			(void)conn_ping(t.side[0].c);
			pair_run(&t, ALL);
		}
		assert_true(conn_memory(t.side[0].c) < 40000);
		pair_free(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshake),
		cmocka_unit_test(test_security),
		cmocka_unit_test(test_muxer),
		cmocka_unit_test(test_self),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_lazy),
		cmocka_unit_test(test_lazy_reset),
		cmocka_unit_test(test_identify),
		cmocka_unit_test(test_identify_bad),
		cmocka_unit_test(test_ping),
		cmocka_unit_test(test_bulk),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_fair),
		cmocka_unit_test(test_key_updates),
		cmocka_unit_test(test_new_key),
		cmocka_unit_test(test_negotiating),
		cmocka_unit_test(test_asking),
		cmocka_unit_test(test_streams_max),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_garbage_raw),
		cmocka_unit_test(test_garbage_secured),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_memory),
	};

	return (conn_init() == -1 ? 1 :
	    cmocka_run_group_tests(tests, NULL, NULL));
}
