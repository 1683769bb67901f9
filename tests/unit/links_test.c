/*
 * Links: which one of several is kept, what discovery is told, limits at their
 * bound and one past it, and timeouts.
 */
#include "links_fixture.h"

#include <sys/resource.h>

#include "common/accept.h"

#define DESCRIPTORS	1024	/* that there may be */

/* From the socket to an active link. */
static void
make_link(unsigned int i, uint32_t number, const char *peer)
{
	char	 secured[8];

	dial(i, number);
	snprintf(secured, sizeof(secured), "s%sr", peer);
	put(i, secured);
	EXPECT(i, "[open]");
	put(i, "a");
	EXPECT(i, "[open][hello]");
	put(i, "h");
}

static void
test_up_and_lost(void **state)
{
	(void)state;
	make_link(0, 7, "9");
	expect_linked(7, LINKED_UP);
	assert_int_equal(crypto_counters.links_active, 1);
	close(end[0]);
	end[0] = -1;
	expect_linked(7, LINKED_LOST);
	assert_int_equal(crypto_counters.links_active, 0);
	assert_int_equal(crypto_counters.targets, 0);
}

static void
test_self(void **state)
{
	(void)state;
	dial(0, 3);
	put(0, "s5r");
	expect_linked(3, LINKED_SELF);
	expect_ended(0);
	dial(1, 4);
	put(1, "=");
	expect_linked(4, LINKED_SELF);
	expect_ended(1);
	assert_int_equal(crypto_counters.self_total, 2);
	assert_int_equal(crypto_counters.failed_security_total, 0);
	expect_silence();
}

static void
test_failures(void **state)
{
	(void)state;
	dial(0, 1);
	put(0, "!");
	expect_linked(1, LINKED_FAILED);
	expect_ended(0);
	assert_int_equal(crypto_counters.failed_security_total, 1);
	dial(1, 1);
	close(end[1]);
	end[1] = -1;
	expect_linked(1, LINKED_FAILED);
	/* A libp2p node that is none of ours: it may stay for a while. */
	dial(2, 2);
	put(2, "s9rx");
	expect_linked(2, LINKED_FAILED);
	assert_int_equal(crypto_counters.links_plain, 1);
	pass_ms(16000);
	EXPECT(2, "[open][ping]");
	put(2, "p");
	pass_ms(16000);
	put(2, "p");
	pass_ms(16000);
	put(2, "p");
	assert_int_equal(crypto_counters.links_plain, 1);
	/* Answers alone are no use of it. */
	pass_ms(16000);
	expect_ended(2);
	assert_int_equal(crypto_counters.silent_total, 0);
	expect_silence();
}

static void
test_plain_silent(void **state)
{
	(void)state;
	dial(0, 2);
	put(0, "s9rx");
	expect_linked(2, LINKED_FAILED);
	pass_ms(29000);
	(void)got(0);
	assert_false(eof[0]);
	pass_ms(2000);
	expect_ended(0);
	assert_int_equal(crypto_counters.silent_total, 1);
}

static void
test_handshake_timeout(void **state)
{
	(void)state;
	dial(0, 1);
	pass_ms(5000);
	dial(1, 2);
	put(1, "s9ra");
	pass_ms(4000);
	assert_int_equal(links_left(), 2);
	expect_silence();
	pass_ms(2000);
	expect_linked(1, LINKED_FAILED);
	pass_ms(3000);
	expect_silence();
	pass_ms(2000);
	expect_linked(2, LINKED_FAILED);
	expect_ended(0);
	expect_ended(1);
	assert_int_equal(crypto_counters.failed_timeout_total, 2);
}

/* We decide: the first is asked, answers, and the newcomer is ended. */
static void
test_decides_keep(void **state)
{
	(void)state;
	make_link(0, 1, "9");
	expect_linked(1, LINKED_UP);
	dial(1, 2);
	put(1, "s9ra");
	/* By another link, but linked it is. */
	expect_linked(2, LINKED_UP);
	EXPECT(0, "[open][hello][PING]");
	EXPECT(1, "[open]");
	put(0, "d");
	expect_ended(1);
	assert_int_equal(crypto_counters.superfluous_total, 1);
	assert_int_equal(crypto_counters.links_active, 1);
	expect_silence();
	/* Both targets are lost with the one link that there is. */
	close(end[0]);
	end[0] = -1;
	expect_linked(1, LINKED_LOST);
	expect_linked(2, LINKED_LOST);
}

/* We decide: the first does not answer, so the newcomer takes its place. */
static void
test_decides_replace(void **state)
{
	(void)state;
	make_link(0, 1, "9");
	expect_linked(1, LINKED_UP);
	dial(1, 2);
	put(1, "s9ra");
	expect_linked(2, LINKED_UP);
	pass_ms(1000);
	EXPECT(1, "[open]");
	assert_int_equal(crypto_counters.replaced_total, 0);
	pass_ms(2000);
	EXPECT(1, "[open][hello]");
	expect_ended(0);
	put(1, "h");
	assert_int_equal(crypto_counters.replaced_total, 1);
	assert_int_equal(crypto_counters.links_active, 1);
	expect_silence();
}

/* Nothing was read while the router did not keep up. */
static void
test_probe_waits(void **state)
{
	(void)state;
	make_link(0, 1, "9");
	expect_linked(1, LINKED_UP);
	dial(1, 2);
	put(1, "s9ra");
	expect_linked(2, LINKED_UP);
	links_pause(1);
	put(0, "d");
	pass_ms(4000);
	assert_int_equal(crypto_counters.replaced_total, 0);
	links_pause(0);
	expect_ended(1);
	assert_int_equal(crypto_counters.links_active, 1);
}

/*
 * A link that is given up when it has had its turn, or while others write, ends
 * all the same: there are never two.
 */
static void
test_ends_in_turn(void **state)
{
	static uint8_t	 big[CONN_OUT_MAX];
	struct link	*a, *b;
	int		 i;

	(void)state;
	make_link(0, 1, "9");
	expect_linked(1, LINKED_UP);
	dial(1, 2);
	put(1, "s9ra");
	expect_linked(2, LINKED_UP);
	a = TAILQ_FIRST(&links.all);
	b = TAILQ_NEXT(a, entry);
	skew_ms += 3000;
	link_touch(a);
	link_touch(b);
	settle();
	expect_ended(0);
	EXPECT(1, "[open][hello]");
	put(1, "h");
	put(1, "g");
	expect_ended(1);
	expect_linked(1, LINKED_LOST);
	expect_linked(2, LINKED_LOST);
	/* They decide, and their HELLO is held up for a while. */
	make_link(0, 1, "1");
	expect_linked(1, LINKED_UP);
	dial(1, 2);
	put(1, "s1ra");
	expect_linked(2, LINKED_UP);
	a = TAILQ_FIRST(&links.all);
	b = TAILQ_NEXT(a, entry);
	say(b->conn, big, sizeof(big));
	put(1, "h");
	assert_int_equal(sessions, 2);
	for (i = 0; i < 100 && !b->active; i++) {
		(void)recv(end[1], sink, sizeof(sink), 0);
		link_touch(b);
		link_touch(a);
		event_active(turns, EV_TIMEOUT, 0);
		loop_run(turn);
	}
	assert_true(b->active);
	settle();
	assert_int_equal(sessions, 1);
	assert_int_equal(crypto_counters.links_active, 1);
	expect_ended(0);
}

/* Two at once, neither active yet: one HELLO alone. */
static void
test_decides_two_at_once(void **state)
{
	(void)state;
	dial(0, 1);
	dial(1, 2);
	put(0, "s9ra");
	put(1, "s9ra");
	EXPECT(0, "[open][hello]");
	EXPECT(1, "[open]");
	put(0, "h");
	expect_linked(1, LINKED_UP);
	expect_linked(2, LINKED_UP);
	expect_ended(1);
	/* The chosen one ends before it is anything: the other is next. */
	make_link(2, 3, "8");
	expect_linked(3, LINKED_UP);
	dial(3, 4);
	put(3, "s8ra");
	expect_linked(4, LINKED_UP);
	EXPECT(3, "[open]");
	put(2, "g");
	EXPECT(3, "[open][hello]");
	put(3, "h");
	assert_int_equal(crypto_counters.links_active, 2);
	expect_silence();
}

/* They decide: HELLO on all, and the one with an answer is used. */
static void
test_obeys(void **state)
{
	(void)state;
	dial(0, 1);
	dial(1, 2);
	put(0, "s1ra");
	put(1, "s1ra");
	EXPECT(0, "[open][hello]");
	EXPECT(1, "[open][hello]");
	/* They may end what they do not use before they say what they do. */
	put(0, "g");
	expect_ended(0);
	expect_silence();
	put(1, "h");
	expect_linked(1, LINKED_UP);
	expect_linked(2, LINKED_UP);
	assert_int_equal(crypto_counters.failed_eof_total, 1);
	/* What they end while there is a link is none that failed. */
	dial(2, 3);
	put(2, "s1ra");
	expect_linked(3, LINKED_UP);
	put(2, "g");
	expect_ended(2);
	assert_int_equal(crypto_counters.failed_eof_total, 1);
	assert_int_equal(crypto_counters.superfluous_total, 1);
	/* Another one is answered: they have lost the first. */
	dial(2, 3);
	put(2, "s1ra");
	expect_linked(3, LINKED_UP);
	put(2, "h");
	expect_ended(1);
	assert_int_equal(crypto_counters.replaced_total, 1);
	assert_int_equal(crypto_counters.links_active, 1);
	expect_silence();
}

static void
test_obeys_all_fail(void **state)
{
	(void)state;
	dial(0, 1);
	dial(1, 2);
	put(0, "s1ra");
	put(1, "s1ra");
	put(0, "g");
	expect_silence();
	put(1, "!");
	expect_linked(1, LINKED_FAILED);
	expect_linked(2, LINKED_FAILED);
}

static void
test_forget(void **state)
{
	(void)state;
	make_link(0, 1, "9");
	expect_linked(1, LINKED_UP);
	dial(1, 2);
	assert_int_equal(imsg_send(discovery, MSG_FORGET, 1, -1, NULL, 0), 0);
	assert_int_equal(imsg_send(discovery, MSG_FORGET, 2, -1, NULL, 0), 0);
	assert_int_equal(imsg_send(discovery, MSG_FORGET, 99, -1, NULL, 0), 0);
	assert_int_equal(imsg_flush(discovery), 0);
	settle();
	assert_int_equal(crypto_counters.targets, 0);
	/* It stays, though nobody asks for it. */
	assert_int_equal(crypto_counters.links_active, 1);
	put(1, "!");
	put(0, "g");
	expect_silence();
}

/* A new discovery knows nothing of the numbers of the old one. */
static void
test_new_discovery(void **state)
{
	int	 sv[2];

	(void)state;
	make_link(0, 1, "9");
	expect_linked(1, LINKED_UP);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, sv), 0);
	links_discovery(imsgbuf_new(sv[0], P_CRYPTO, P_DISCOVERY, 1));
	imsgbuf_free(discovery);
	discovery = imsgbuf_new(sv[1], P_DISCOVERY, P_CRYPTO, 0);
	assert_int_equal(crypto_counters.targets, 0);
	dial(1, 1);
	put(1, "s9ra");
	expect_linked(1, LINKED_UP);
	put(0, "d");
	expect_ended(1);
	expect_silence();
}

/* One stream, opened by who dialled. */
static void
test_streams(void **state)
{
	(void)state;
	make_link(0, 1, "9");
	put(0, "o");
	EXPECT(0, "[open][hello][reset]");
	assert_int_equal(crypto_counters.links_active, 1);
	put(0, "f");
	expect_ended(0);
	expect_linked(1, LINKED_UP);
	expect_linked(1, LINKED_LOST);
	/* It is who dialled that opens the stream. */
	dial(1, 2);
	put(1, "s9ro");
	EXPECT(1, "[open][reset]");
	put(1, "a");
	EXPECT(1, "[open][reset][hello]");
	put(1, "!");
	expect_ended(1);
	expect_linked(2, LINKED_FAILED);
}

static void
test_node_links_bound(void **state)
{
	unsigned int	 i;

	(void)state;
	for (i = 0; i < NODE_LINKS_MAX; i++) {
		dial(i, i);
		put(i, "s1r");
	}
	assert_int_equal(links_left(), NODE_LINKS_MAX);
	assert_int_equal(crypto_counters.refused_address_total, 0);
	dial(i, i);
	put(i, "s1r");
	expect_ended(i);
	assert_int_equal(crypto_counters.refused_address_total, 1);
	assert_int_equal(links_left(), NODE_LINKS_MAX);
}

static void
test_max_links(void **state)
{
	(void)state;
	conf->max_links = 2;
	links_configure(conf);
	dial(0, 1);
	dial(1, 2);
	assert_int_equal(links_left(), 2);
	expect_silence();
	dial(2, 3);
	expect_linked(3, LINKED_FAILED);
	assert_int_equal(links_left(), 2);
	assert_int_equal(crypto_counters.refused_limit_total, 1);
	/* One that nobody would miss makes room. */
	put(0, "s9rx");
	expect_linked(1, LINKED_FAILED);
	dial(2, 3);
	expect_ended(0);
	expect_silence();
	assert_int_equal(crypto_counters.evicted_total, 1);
	assert_int_equal(links_left(), 2);
}

/* Whoever answers at many ports of one address has a share of all links. */
static void
test_dialled_address(void **state)
{
	unsigned int	 i;

	(void)state;
	conf->max_links = 100;
	links_configure(conf);
	for (i = 0; i < 25; i++)
		dial(i, i);
	expect_silence();
	assert_int_equal(links_left(), 25);
	dial(i, i);
	expect_linked(i, LINKED_FAILED);
	(void)got(i);
	assert_true(eof[i]);
	assert_int_equal(links_left(), 25);
	assert_int_equal(crypto_counters.refused_address_total, 1);
	put(0, "!");
	expect_linked(0, LINKED_FAILED);
	expect_ended(0);
	dial(i, i);
	expect_silence();
	assert_int_equal(links_left(), 25);
}

/* What is dialled leaves as many descriptors as what is accepted. */
static void
test_dialled_descriptors(void **state)
{
	int	 taken[DESCRIPTORS], n = 0;

	(void)state;
	/* All but the last one that may be used. */
	do {
		taken[n] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		assert_int_not_equal(taken[n], -1);
	} while (taken[n++] < DESCRIPTORS - ACCEPT_SPARE_FDS - 2);
	dial(0, 1);
	expect_silence();
	assert_int_equal(links_left(), 1);
	dial(1, 2);
	expect_linked(2, LINKED_FAILED);
	(void)got(1);
	assert_true(eof[1]);
	assert_int_equal(links_left(), 1);
	assert_int_equal(crypto_counters.accept_paused_total, 1);
	while (n > 0)
		close(taken[--n]);
	dial(2, 3);
	expect_silence();
	assert_int_equal(links_left(), 2);
}

static struct link *
first_link(void)
{
	return (TAILQ_FIRST(&links.all));
}

/* Where link-queue waits beyond the window, no byte may follow. */
static void
test_queue_bound(void **state)
{
	static uint8_t	 data[100001];
	struct link	*l;

	(void)state;
	make_link(0, 1, "9");
	expect_linked(1, LINKED_UP);
	l = first_link();
	l->conn->window = 0;
	link_send(l, data, 10, data, 90000);
	settle();
	link_send(l, data, 9989, NULL, 0);
	settle();
	assert_int_equal(link_queued(l), 99999);
	link_send(l, data, 1, NULL, 0);
	settle();
	assert_int_equal(link_queued(l), 100000);
	assert_int_equal(crypto_counters.links_active, 1);
	link_send(l, data, 1, NULL, 0);
	assert_int_equal(link_queued(l), 100000);
	expect_linked(1, LINKED_LOST);
	expect_ended(0);
	assert_int_equal(crypto_counters.behind_total, 1);
}

/* What all links hold together has a bound, too: who holds most goes. */
static void
test_queue_total(void **state)
{
	static uint8_t	 data[90000];
	struct link	*a, *b;

	(void)state;
	conf->link_queue_total = 150000;
	links_configure(conf);
	make_link(0, 1, "9");
	expect_linked(1, LINKED_UP);
	make_link(1, 2, "8");
	expect_linked(2, LINKED_UP);
	a = first_link();
	b = TAILQ_NEXT(a, entry);
	a->conn->window = b->conn->window = 0;
	link_send(a, data, 90000, NULL, 0);
	link_send(b, data, 59999, NULL, 0);
	settle();
	assert_int_equal(links.queued, 149999);
	link_send(b, data, 1, NULL, 0);
	settle();
	assert_int_equal(links.queued, 150000);
	assert_int_equal(crypto_counters.heaviest_total, 0);
	link_send(b, data, 1, NULL, 0);
	assert_int_equal(links.queued, 60001);
	assert_int_equal(a->queue.bytes, 0);
	expect_linked(1, LINKED_LOST);
	expect_ended(0);
	assert_int_equal(crypto_counters.heaviest_total, 1);
	assert_int_equal(crypto_counters.links_active, 1);
	/* It may be the one that is to be sent to. */
	conf->link_queue_total = 60001;
	links_configure(conf);
	link_send(b, data, 1, NULL, 0);
	assert_int_equal(links.queued, 0);
	expect_linked(2, LINKED_LOST);
	expect_ended(1);
	assert_int_equal(crypto_counters.heaviest_total, 2);
	assert_int_equal(crypto_counters.behind_total, 0);
}

/* A message that is larger than the queue passes unless that is full. */
static void
test_queue_large(void **state)
{
	static uint8_t	 data[300000];
	struct link	*l;

	(void)state;
	make_link(0, 1, "9");
	l = first_link();
	l->conn->window = 1010;
	link_send(l, data, 10, NULL, 0);
	link_send(l, data, 10, data, sizeof(data));
	settle();
	assert_int_equal(link_queued(l), sizeof(data) + 10 - 1000);
	assert_int_equal(links.queued, link_queued(l));
	/* The window opens. */
	l->conn->window = 1 << 20;
	link_touch(l);
	settle();
	assert_int_equal(l->queue.bytes, 0);
	assert_true(links.queued > 0);	/* the connection has the rest */
	assert_int_equal(links.queued, link_queued(l));
	while (link_queued(l) > 0)
		(void)got(0);
	assert_int_equal(links.queued, 0);
	assert_int_equal(crypto_counters.links_active, 1);
}

/* What came while too much waited to be sent is taken up again. */
static void
test_held_up(void **state)
{
	static uint8_t	 big[CONN_OUT_MAX];
	struct link	*l;

	(void)state;
	make_link(0, 1, "9");
	expect_linked(1, LINKED_UP);
	l = first_link();
	say(l->conn, big, sizeof(big));
	link_touch(l);
	put(0, "dddg");
	assert_int_equal(crypto_counters.links_active, 1);
	(void)got(0);
	assert_int_equal(crypto_counters.links_active, 0);
	expect_linked(1, LINKED_LOST);
}

/* Who sends too fast is not read from for a while, and nothing is lost. */
static void
test_slowed(void **state)
{
	struct link	*l;

	(void)state;
	make_link(0, 1, "9");
	expect_linked(1, LINKED_UP);
	l = first_link();
	put(0, "dwdg");
	assert_int_equal(l->in_len, 2);
	assert_false(l->reading);
	put(0, "d");
	assert_int_equal(l->in_len, 2);
	/* What it has to be told is told. */
	link_send(l, "[say]", 5, NULL, 0);
	pass_ms(2000);
	assert_non_null(strstr(got(0), "[say]"));
	assert_int_equal(l->in_len, 2);
	assert_int_equal(crypto_counters.links_active, 1);
	pass_ms(2000);
	assert_int_equal(crypto_counters.links_active, 0);
	expect_linked(1, LINKED_LOST);
}

/* As many bytes as may wait are no record that is too long. */
static void
test_slowed_full(void **state)
{
	static char	 many[LINK_IN_MAX + 1];
	struct link	*l;

	(void)state;
	memset(many, 'd', sizeof(many));
	many[0] = 'w';
	many[1] = 'W';
	make_link(0, 1, "9");
	l = first_link();
	assert_int_equal(send(end[0], many, sizeof(many), MSG_NOSIGNAL),
	    sizeof(many));
	settle();
	assert_int_equal(l->in_len, LINK_IN_MAX);
	pass_ms(4000);
	assert_int_equal(l->in_len, LINK_IN_MAX);
	pass_ms(4000);
	assert_int_equal(l->in_len, 0);
	assert_int_equal(crypto_counters.links_active, 1);
}

/* That its own queue is not read keeps nobody from being read again. */
static void
test_slowed_blocked(void **state)
{
	static char	 many[LINK_IN_MAX + 1], out[512 * 1024];
	struct link	*l;

	(void)state;
	memset(many, 'd', sizeof(many));
	many[0] = 'w';
	make_link(0, 1, "9");
	l = first_link();
	link_send(l, out, sizeof(out), NULL, 0);
	settle();
	assert_true(link_queued(l) > 0);
	assert_int_equal(send(end[0], many, sizeof(many), MSG_NOSIGNAL),
	    sizeof(many));
	settle();
	assert_int_equal(l->in_len, LINK_IN_MAX);
	pass_ms(4000);
	assert_true(link_queued(l) > 0);
	assert_int_equal(l->in_len, 0);
	assert_true(l->reading);
	assert_int_equal(crypto_counters.links_active, 1);
}

/* Another link takes its place only if it is silent when it is heard again. */
static void
test_slowed_probe(void **state)
{
	int	 answers;

	(void)state;
	for (answers = 1; answers >= 0; answers--) {
		make_link(0, 1, "9");
		expect_linked(1, LINKED_UP);
		put(0, "w");
		dial(1, 2);
		put(1, "s9ra");
		expect_linked(2, LINKED_UP);
		if (answers)
			put(0, "d");
		pass_ms(2000);
		assert_int_equal(crypto_counters.links_active, 1);
		pass_ms(2000);
		assert_int_equal(crypto_counters.replaced_total, 0);
		if (answers) {
			expect_ended(1);
			put(0, "!");
			expect_linked(1, LINKED_LOST);
			expect_linked(2, LINKED_LOST);
			expect_ended(0);
			continue;
		}
		pass_ms(2000);
		assert_int_equal(crypto_counters.replaced_total, 1);
		expect_ended(0);
		close(end[1]);
		end[1] = -1;
		settle();
	}
}

/* Whoever does not read is not waited for. */
static void
test_end_bounded(void **state)
{
	static uint8_t	 big[CONN_OUT_MAX];

	(void)state;
	make_link(0, 1, "9");
	expect_linked(1, LINKED_UP);
	say(first_link()->conn, big, sizeof(big));
	link_doom(first_link(), NULL, "no reason");
	expect_linked(1, LINKED_LOST);
	assert_int_equal(links_left(), 1);
	pass_ms(2000);
	assert_int_equal(links_left(), 0);
}

static void
test_session_timeout(void **state)
{
	(void)state;
	make_link(0, 1, "9");
	expect_linked(1, LINKED_UP);
	turn_fails = 1;
	first_link()->session->next = (uint64_t)loop_now_ms() + 1000;
	link_touch(first_link());
	expect_linked(1, LINKED_LOST);
	expect_ended(0);
	assert_int_equal(crypto_counters.failed_protocol_total, 1);
	turn_fails = 0;
	make_link(0, 1, "9");
	expect_linked(1, LINKED_UP);
	turn_fails = silent = 1;
	link_touch(first_link());
	expect_linked(1, LINKED_LOST);
	expect_ended(0);
	assert_int_equal(crypto_counters.failed_protocol_total, 1);
	assert_int_equal(crypto_counters.silent_total, 1);
}

static void
test_stop(void **state)
{
	(void)state;
	make_link(0, 1, "9");
	expect_linked(1, LINKED_UP);
	dial(1, 2);
	links_stop();
	expect_ended(0);
	expect_ended(1);
	assert_int_equal(links_left(), 0);
	expect_silence();
}

/*
 * Accepting, on loopback.
 */
static struct sockaddr_in	 where;

static void
listen_here(void)
{
	socklen_t	 len = sizeof(where);
	int		 fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	memset(&where, 0, sizeof(where));
	where.sin_family = AF_INET;
	where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&where, len), 0);
	assert_int_equal(listen(fd, 128), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&where, &len), 0);
	links_listen(fd, 0);
	links_listen_end();
}

/* Connects from 127.0.0.host. */
static void
arrive(unsigned int i, uint32_t host)
{
	struct sockaddr_in	 from;
	int			 on = 1;

	memset(&from, 0, sizeof(from));
	from.sin_family = AF_INET;
	from.sin_addr.s_addr = htonl(0x7f000000u + host);
	end[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(end[i], (struct sockaddr *)&from, sizeof(from)),
	    0);
	assert_int_equal(connect(end[i], (struct sockaddr *)&where,
	    sizeof(where)), 0);
	assert_int_equal(setsockopt(end[i], IPPROTO_TCP, TCP_NODELAY, &on,
	    sizeof(on)), 0);
	assert_int_not_equal(fcntl(end[i], F_SETFL, O_NONBLOCK), -1);
	text[i][0] = '\0';
	eof[i] = 0;
	settle();
}

static void
test_accept(void **state)
{
	(void)state;
	listen_here();
	assert_int_equal(links.port, ntohs(where.sin_port));
	arrive(0, 1);
	put(0, "s9ro");
	EXPECT(0, "[hello]");
	put(0, "h");
	assert_int_equal(crypto_counters.links_active, 1);
	/* The second stream is not for us. */
	put(0, "o");
	EXPECT(0, "[hello][reset]");
	/* Who opens none is a plain peer, after a while. */
	arrive(1, 1);
	put(1, "s8r");
	pass_ms(11000);
	assert_int_equal(crypto_counters.links_plain, 1);
	EXPECT(1, "");
	assert_false(eof[1]);
}

static void
test_accept_bounds(void **state)
{
	unsigned int	 i;

	(void)state;
	listen_here();
	for (i = 0; i < SHAKING_ADDRESS_MAX; i++)
		arrive(i, 1);
	assert_int_equal(links_left(), SHAKING_ADDRESS_MAX);
	arrive(i, 1);
	(void)got(i);
	assert_true(eof[i]);
	assert_int_equal(crypto_counters.refused_address_total, 1);
	/* Others are not concerned, until all places are taken. */
	for (; i < SHAKING_MAX; i++)
		arrive(i, 2 + i / SHAKING_ADDRESS_MAX);
	assert_int_equal(links_left(), SHAKING_MAX);
	assert_int_equal(crypto_counters.evicted_total, 0);
	arrive(i, 100);
	assert_int_equal(crypto_counters.evicted_total, 1);
	expect_ended(0);
	assert_int_equal(links_left(), SHAKING_MAX);
	/* One that is through leaves its place. */
	put(1, "s9r");
	arrive(0, 101);
	assert_int_equal(crypto_counters.evicted_total, 1);
	assert_int_equal(links_left(), SHAKING_MAX + 1);
}

static void
test_accept_max_links(void **state)
{
	(void)state;
	conf->max_links = 2;
	links_configure(conf);
	listen_here();
	arrive(0, 1);
	put(0, "s8r");
	pass_ms(11000);
	assert_int_equal(crypto_counters.links_plain, 1);
	make_link(1, 1, "9");
	/* A plain peer makes room, a link does not. */
	arrive(2, 1);
	put(2, "s7ro");
	expect_ended(0);
	put(2, "h");
	assert_int_equal(crypto_counters.links_active, 2);
	arrive(3, 1);
	(void)got(3);
	assert_true(eof[3]);
	assert_int_equal(crypto_counters.refused_limit_total, 1);
	assert_int_equal(crypto_counters.links_active, 2);
}

static void
test_buckets(void **state)
{
	struct buckets	 bs;
	struct bucket	*a, *b, *c;

	(void)state;
	buckets_init(&bs, 2);
	assert_non_null(a = bucket_ref(&bs, "a", 1, 1000));
	assert_ptr_equal(bucket_ref(&bs, "a", 1, 1000), a);
	assert_non_null(b = bucket_ref(&bs, "b", 1, 1000));
	/* All are held. */
	assert_null(bucket_ref(&bs, "c", 1, 1000));
	bucket_unref(&bs, a);
	assert_null(bucket_ref(&bs, "c", 1, 1000));
	match_limit_charge(&a->limit, 64, 1000);
	bucket_unref(&bs, a);
	bucket_unref(&bs, b);
	/* The full one goes, though the other is older. */
	assert_non_null(c = bucket_ref(&bs, "c", 1, 1000));
	assert_ptr_equal(bucket_ref(&bs, "a", 1, 1000), a);
	assert_true(a->limit.used > 0);
	/* None is full: the oldest. */
	match_limit_charge(&c->limit, 64, 1000);
	bucket_unref(&bs, a);
	bucket_unref(&bs, c);
	assert_non_null(b = bucket_ref(&bs, "b", 1, 1000));
	assert_int_equal(bs.map.count, 2);
	assert_ptr_equal(bucket_ref(&bs, "c", 1, 1000), c);
	assert_true(c->limit.used > 0);
	buckets_clear(&bs);
}

static void
test_outq(void **state)
{
	static uint8_t	 data[3 * OUTQ_CHUNK];
	struct outq	 q;
	const uint8_t	*p;
	size_t		 i, n, at = 0, put_in = 0;

	(void)state;
	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 251);
	outq_init(&q);
	assert_int_equal(outq_peek(&q, &p), 0);
	assert_int_equal(outq_add(&q, data, 0), 0);
	assert_int_equal(q.bytes, 0);
	for (i = 1; put_in + i <= sizeof(data); i += 97) {
		assert_int_equal(outq_add(&q, data + put_in, i), 0);
		put_in += i;
		n = outq_peek(&q, &p);
		assert_true(n > 0);
		n = n > i / 2 + 1 ? i / 2 + 1 : n;
		assert_memory_equal(p, data + at, n);
		outq_drop(&q, n);
		at += n;
		assert_int_equal(q.bytes, put_in - at);
	}
	while ((n = outq_peek(&q, &p)) > 0) {
		assert_memory_equal(p, data + at, n);
		outq_drop(&q, n);
		at += n;
	}
	assert_int_equal(at, put_in);
	assert_int_equal(outq_add(&q, data, sizeof(data)), 0);
	outq_free(&q);
	assert_int_equal(q.bytes, 0);
}

#define T(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(test_up_and_lost), T(test_self), T(test_failures),
		T(test_plain_silent), T(test_handshake_timeout),
		T(test_decides_keep), T(test_decides_replace),
		T(test_probe_waits), T(test_ends_in_turn),
		T(test_decides_two_at_once),
		T(test_obeys), T(test_obeys_all_fail), T(test_forget),
		T(test_new_discovery), T(test_streams),
		T(test_node_links_bound), T(test_max_links),
		T(test_dialled_address), T(test_dialled_descriptors),
		T(test_queue_bound), T(test_queue_total), T(test_queue_large),
		T(test_held_up),
		T(test_slowed), T(test_slowed_full), T(test_slowed_blocked),
		T(test_slowed_probe),
		T(test_end_bounded), T(test_session_timeout), T(test_stop),
		T(test_accept), T(test_accept_bounds),
		T(test_accept_max_links),
		cmocka_unit_test(test_buckets), cmocka_unit_test(test_outq)
	};
	struct rlimit		 rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return (1);
	rl.rlim_cur = DESCRIPTORS;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		return (1);
	signal(SIGPIPE, SIG_IGN);
	log_init("links_test", 0, 0);
	loop_init();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
