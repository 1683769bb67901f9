/*
 * Feeds, outputs and slow readers against a model: what every member is owed,
 * frame by frame.  The sockets are real and small, and every write is cut at a
 * random byte on its way to the kernel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "common/loop.h"
#include "frontend/counters.h"
#include "frontend/output_private.h"

#define MEMBERS		24
#define FEEDS		2
#define FRAME_MIN	8	/* payload bytes: the frame's number */
#define IN_MAX		(512u * 1024)

enum owed_kind { OWED_FEED, OWED_OWN };

struct owed {
	uint64_t	 number;
	uint32_t	 len;		/* of the payload */
	enum owed_kind	 kind;
};

struct member {
	struct client	 c;
	int		 fd;		/* the reader's end, -1: no member */
	int		 frozen;
	int		 cut;		/* was sent 1013 */
	int		 closed;	/* a close frame was read */
	int		 left;		/* its queue was dropped */
	struct owed	*owed;
	size_t		 nowed, owed_cap, next;	/* next to be read */
	uint64_t	 missed, skipped;
	uint8_t		*in;
	size_t		 in_len;
};

static struct conf		 settings;
const struct conf		*conf = &settings;
struct counters			 counters;

static struct event_base	*base;
static uint32_t			 now_s;
static int			 soon;		/* loop_soon() was called */
static int			 flushing;
static unsigned int		 cut_count, kill_count;
static uint64_t			 seed, frames;
static struct member		 members[MEMBERS];
static struct feed		*feeds[FEEDS];
static unsigned int		 write_whole;	/* of 8 writes so many are */

/* xorshift64*, Vigna 2016: the same run for the same seed. */
static uint64_t
number(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (seed * 2685821657736338717u >> 16);
}

static uint32_t
below(uint32_t n)
{
	return ((uint32_t)(number() % n));
}

/*
 * The kernel, as bad as it may be: takes fewer bytes than it is given.
 */
static size_t
fewer(size_t n)
{
	if (n < 2 || below(8) < write_whole)
		return (n);
	return (below(2) ? 1 + below(n < 20 ? (uint32_t)n : 20) :
	    1 + below((uint32_t)n)) % (n + 1);
}

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	return (syscall(SYS_sendto, fd, p, fewer(n), flags, NULL, 0));
}

ssize_t
writev(int fd, const struct iovec *iov, int n)
{
	struct iovec	 some[OUTPUT_IOV];
	size_t		 total = 0, left;
	int		 i;

	assert_true(n > 0 && n <= OUTPUT_IOV);
	for (i = 0; i < n; i++)
		total += iov[i].iov_len;
	left = fewer(total);
	for (i = 0; i < n && left > 0; i++) {
		some[i] = iov[i];
		if (some[i].iov_len > left)
			some[i].iov_len = left;
		left -= some[i].iov_len;
	}
	return (syscall(SYS_writev, fd, some, i));
}

/*
 * The rest of the frontend, as far as these files know it.
 */
struct event_base *
loop_base(void)
{
	return (base);
}

uint32_t
loop_now_s(void)
{
	return (now_s);
}

void
loop_soon(void)
{
	soon = 1;
}

void
client_kill(struct client *c)
{
	if (c->state == CLIENT_DEAD)
		return;
	c->state = CLIENT_DEAD;
	kill_count++;
}

void
client_no_memory(struct client *c)
{
	(void)c;
	fail_msg("out of memory");
}

void
client_end(struct client *c)
{
	c->state = CLIENT_ENDING;
	c->flags |= CLIENT_FIN;
}

static struct member *
member_of(struct client *c)
{
	return ((struct member *)(void *)((char *)c -
	    offsetof(struct member, c)));
}

/* The bytes of a frame tell which one it is, wherever one looks. */
static void
payload(uint8_t *p, uint64_t n, uint32_t len)
{
	uint32_t	i;

	memcpy(p, &n, sizeof(n));
	for (i = sizeof(n); i < len; i++)
		p[i] = (uint8_t)(n * 31 + i * 7 + (i >> 8));
}

static void
owe(struct member *m, uint64_t n, uint32_t len, enum owed_kind kind)
{
	if (m->nowed == m->owed_cap) {
		m->owed_cap = m->owed_cap == 0 ? 64 : m->owed_cap * 2;
		m->owed = reallocarray(m->owed, m->owed_cap, sizeof(*m->owed));
		assert_non_null(m->owed);
	}
	m->owed[m->nowed++] = (struct owed){ n, len, kind };
}

/* A frame for one member alone. */
static void
own(struct member *m, uint32_t len)
{
	uint8_t	*p;

	if ((p = output_frame(&m->c, WS_BINARY, 0, len)) == NULL)
		return;
	payload(p, ++frames, len);
	owe(m, frames, len, OWED_OWN);
}

void
client_ease(struct client *c)
{
	/* What is left over is used in the next turn. */
	c->flags |= CLIENT_WARNED;
	soon = 1;
}

/* As the real one does: what was left over is answered at once. */
void
client_resume(struct client *c, uint8_t why)
{
	assert_false(flushing);
	c->paused &= (uint8_t)~why;
	if (c->state == CLIENT_OPEN)
		own(member_of(c), FRAME_MIN + below(100));
}

void
websocket_cut(struct client *c)
{
	uint8_t	*p;

	if (c->state == CLIENT_CLOSING || c->state == CLIENT_ENDING) {
		client_kill(c);
		return;
	}
	cut_count++;
	output_cut(c);
	assert_null(c->feed);
	member_of(c)->cut = 1;
	c->flags |= CLIENT_CUT;
	if ((p = output_frame(c, WS_CLOSE, 0, 2)) != NULL)
		memcpy(p, "\x03\xf5", 2);
	c->state = CLIENT_CLOSING;
}

/*
 * The reader.
 */
static void
read_own_or_feed(struct member *m, const uint8_t *p, size_t len)
{
	uint64_t	 n;
	uint8_t		*want;
	struct owed	*o;

	assert_true(len >= sizeof(n));
	memcpy(&n, p, sizeof(n));
	for (; m->next < m->nowed; m->next++) {
		if (m->owed[m->next].number == n)
			break;
		/* Only the feed's frames may be missed, and only if told. */
		assert_int_equal(m->owed[m->next].kind, OWED_FEED);
		m->skipped++;
	}
	assert_true(m->skipped <= m->missed);
	assert_true(m->next < m->nowed);
	o = &m->owed[m->next++];
	assert_int_equal(o->len, len);
	assert_non_null(want = malloc(len));
	payload(want, n, (uint32_t)len);
	assert_memory_equal(p, want, len);
	free(want);
}

static void
read_frame(struct member *m, const uint8_t *p, size_t size)
{
	size_t		 head = size - (p[1] < 126 ? p[1] : 0);
	const char	*count;
	char		 text[ENVELOPE_SMALL_MAX + 1];

	assert_false(m->closed);
	if (p[1] >= 126)
		head = p[1] == 126 ? 4 : 10;
	switch (p[0]) {
	case 0x80 | WS_BINARY:
		read_own_or_feed(m, p + head, size - head);
		break;
	case 0x80 | WS_TEXT:
		assert_true(size - head < sizeof(text));
		memcpy(text, p + head, size - head);
		text[size - head] = '\0';
		assert_non_null(count = strstr(text, "\"count\":"));
		m->missed += strtoull(count + 8, NULL, 10);
		break;
	case 0x80 | WS_CLOSE:
		assert_true(m->cut);
		m->closed = 1;
		break;
	default:
		fail_msg("not the start of a frame: %02x", p[0]);
	}
}

/* Reads at most max bytes.  Returns whether there may be more. */
static int
member_read(struct member *m, size_t max)
{
	size_t	 size, at = 0, room = IN_MAX - m->in_len;
	ssize_t	 n;

	if (m->fd == -1)
		return (0);
	n = recv(m->fd, m->in + m->in_len, max < room ? max : room, 0);
	if (n <= 0)
		return (0);
	m->in_len += (size_t)n;
	while (m->in_len - at >= 10 || (m->in_len - at >= 2 &&
	    m->in[at + 1] < 126)) {
		size = frame_size(m->in + at);
		if (size > m->in_len - at)
			break;
		read_frame(m, m->in + at, size);
		at += size;
	}
	memmove(m->in, m->in + at, m->in_len - at);
	m->in_len -= at;
	return (1);
}

/*
 * Members come and go.
 */
static void
member_open(struct member *m)
{
	int	sv[2], size = 1, i;

	memset(m, 0, sizeof(*m));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    sv), 0);
	for (i = 0; i < 2; i++)
		setsockopt(sv[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	m->c.fd = sv[0];
	m->fd = sv[1];
	m->c.state = CLIENT_OPEN;
	m->c.format = FORMAT_JSON;
	assert_non_null(m->in = malloc(IN_MAX));
	if (below(2))
		own(m, FRAME_MIN + below(300));	/* the 101 */
	assert_int_equal(feed_join(feeds[below(FEEDS)], &m->c), 0);
}

static void
member_free(struct member *m)
{
	feed_leave(&m->c);
	output_free(&m->c);
	close(m->c.fd);
	if (m->fd != -1)
		close(m->fd);
	free(m->owed);
	free(m->in);
	memset(m, 0, sizeof(*m));
	m->fd = -1;
}

/* All that is owed has been read, but for what it was told is missing. */
static void
member_settled(struct member *m)
{
	while (!m->cut && !m->left && m->next < m->nowed) {
		assert_int_equal(m->owed[m->next].kind, OWED_FEED);
		m->next++;
		m->skipped++;
	}
	if (!m->cut && !m->left)
		assert_true(m->skipped == m->missed);
	if (m->cut)
		assert_true(m->closed);
	assert_int_equal(m->in_len, 0);
	assert_true(output_queued(&m->c) == 0);
	assert_null(m->c.output);
}

static struct member *
someone(void)
{
	struct member	*m = &members[below(MEMBERS)];

	return (m->fd != -1 && m->c.state == CLIENT_OPEN ? m : NULL);
}

/* One frame for a feed, which one of its members may have sent itself. */
static void
broadcast(struct member *from, uint32_t len)
{
	struct feed	*f = from != NULL && from->c.feed != NULL ?
			    from->c.feed : feeds[below(FEEDS)];
	uint8_t		 header[WS_HEADER_MAX], *p;
	size_t		 head = ws_header(header, WS_BINARY, 0, len, NULL);
	unsigned int	 i;

	if (feed_seats(f) == 0)
		return;
	assert_non_null(p = feed_append(f, head + len));
	memcpy(p, header, head);
	payload(p + head, ++frames, len);
	if (from != NULL && from->c.feed == f)
		feed_skip(&from->c, head + len);
	else
		from = NULL;
	for (i = 0; i < MEMBERS; i++)
		if (members[i].fd != -1 && members[i].c.feed == f &&
		    &members[i] != from)
			owe(&members[i], frames, len, OWED_FEED);
}

static uint32_t
some_length(void)
{
	static const uint32_t	edge[] = { 125, 126, 65535, 65536, 1000 };

	switch (below(40)) {
	case 0:
		return (edge[below(5)]);
	case 1:
		return (FRAME_MIN + below(20000));
	default:
		return (FRAME_MIN + below(200));
	}
}

static void
step(void)
{
	struct member	*m = &members[below(MEMBERS)];
	uint32_t	 n;

	if (m->fd == -1) {
		member_open(m);
		return;
	}
	if (m->c.state != CLIENT_OPEN)
		return;
	switch (below(24)) {
	case 0:
		m->frozen = !m->frozen;
		break;
	case 1:
		/* A close frame comes next: what can be sent is. */
		if (below(4) > 0)
			break;
		output_settle(&m->c);
		assert_null(m->c.feed);
		m->left = 1;
		m->c.state = CLIENT_CLOSING;
		break;
	case 2:
		if (below(4) == 0)
			client_kill(&m->c);
		break;
	case 3:
		m->c.paused |= PAUSE_OUTPUT;	/* resumed once all is sent */
		own(m, FRAME_MIN + below(200));
		break;
	case 4:
	case 5:
	case 6:
	case 7:
		own(m, FRAME_MIN + below(200));
		break;
	case 8:
		own(m, some_length());
		break;
	case 9:
		/* One's own in a row make one mark. */
		m = someone();
		for (n = below(10); n > 0; n--)
			broadcast(m, some_length());
		break;
	default:
		broadcast(below(3) == 0 ? NULL : someone(), some_length());
	}
}

/* What output_queued() has to say, the long way. */
static size_t
queued(const struct output *q, const struct feed *f)
{
	size_t		 n = q->len - q->cur.off + (f->end - q->cur.pos);
	uint32_t	 i;

	for (i = q->cur.mark; i < q->nmarks; i++)
		if (q->marks[i].skip)
			n -= q->marks[i].len;
	return (n);
}

/* What must be true of every member after every turn. */
static void
check(void)
{
	struct member	*m;
	struct client	*c;
	unsigned int	 i;

	for (i = 0; i < MEMBERS; i++) {
		m = &members[i];
		c = &m->c;
		if (m->fd == -1 || c->feed == NULL)
			continue;
		assert_true(c->feed->flushed == c->feed->end);
		assert_ptr_equal(c->feed->seats[c->seat].client, c);
		assert_int_equal(c->feed->seats[c->seat].slow,
		    c->output != NULL);
		if (c->output != NULL) {
			assert_true(c->output->blocked);
			assert_true(c->output->cur.pos <= c->feed->end);
			assert_true(output_queued(c) ==
			    queued(c->output, c->feed));
		}
	}
}

static void
turn(int busy)
{
	unsigned int	 i, n;
	struct member	*m;

	soon = 0;
	event_base_loop(base, EVLOOP_NONBLOCK);
	for (i = 0; i < MEMBERS; i++)
		if (members[i].fd != -1 &&
		    members[i].c.flags & CLIENT_WARNED) {
			members[i].c.flags &= (uint16_t)~CLIENT_WARNED;
			client_resume(&members[i].c, PAUSE_OUTPUT);
		}
	for (n = busy ? below(12) : 0; n > 0; n--)
		step();
	flushing = 1;
	output_flush();
	flushing = 0;
	for (i = 0; i < MEMBERS; i++)
		if (members[i].fd != -1 && members[i].c.state == CLIENT_DEAD)
			member_free(&members[i]);
	check();
	for (i = 0; busy && i < MEMBERS; i++) {
		m = &members[i];
		if (!m->frozen && below(3) > 0)
			member_read(m, 1 + below(below(2) ? 30 : 60000));
	}
}

/* Everybody reads until there is nothing more. */
static void
settle(void)
{
	unsigned int	i, idle = 0;
	int		more;

	while (idle < 3) {
		turn(0);
		for (more = soon, i = 0; i < MEMBERS; i++)
			while (member_read(&members[i], IN_MAX))
				more = 1;
		idle = more ? 0 : idle + 1;
	}
	for (i = 0; i < MEMBERS; i++)
		if (members[i].fd != -1)
			member_settled(&members[i]);
}

static void
begin(uint64_t s)
{
	unsigned int	i;

	seed = s;
	assert_non_null(base = event_base_new());
	for (i = 0; i < FEEDS; i++)
		assert_non_null(feeds[i] = feed_new(FORMAT_JSON, 0));
	for (i = 0; i < MEMBERS; i++)
		members[i].fd = -1;
}

static void
end(void)
{
	unsigned int	i;

	for (i = 0; i < MEMBERS; i++)
		if (members[i].fd != -1)
			member_free(&members[i]);
	for (i = 0; i < FEEDS; i++)
		feed_free(feeds[i]);
	while (output_trim())
		;
	assert_true(output_memory() == 0);
	event_base_free(base);
}

static void
run(uint64_t s, unsigned int turns)
{
	unsigned int	i, t;

	begin(s * 0x9e3779b97f4a7c15u + 1);
	for (t = 0; t < turns; t++) {
		write_whole = t / 64 % 3 * 4;	/* none, half, all */
		if (t % 16 == 0)
			now_s++;
		if (t % 200 == 199) {
			settle();
			for (i = 0; i < MEMBERS; i++)
				if (members[i].fd != -1 &&
				    members[i].c.state != CLIENT_OPEN)
					member_free(&members[i]);
		}
		if (t % 50 == 49)
			output_trim();
		turn(1);
	}
	settle();
	end();
}

static void
set(uint32_t limit, uint32_t soft, int drop, uint32_t total)
{
	memset(&settings, 0, sizeof(settings));
	settings.queue_limit = limit;
	settings.queue_soft = soft;
	settings.queue_soft_s = 3;
	settings.slow_drop = drop;
	settings.queue_total = total;
	now_s = 1;
	cut_count = kill_count = 0;
	counters.slow_missed_total = 0;
}

static void
test_lossless(void **state)
{
	uint64_t	s;

	(void)state;
	set(UINT32_MAX, 0, 0, UINT32_MAX);
	for (s = 1; s <= 8; s++)
		run(s, 2000);
	assert_int_equal(cut_count, 0);
}

static void
test_close(void **state)
{
	uint64_t	s;

	(void)state;
	set(64 * 1024, 0, 0, UINT32_MAX);
	for (s = 11; s <= 16; s++)
		run(s, 2000);
	assert_true(cut_count > 0);
}

static void
test_soft(void **state)
{
	uint64_t	s;

	(void)state;
	set(1024 * 1024, 4096, 0, UINT32_MAX);
	for (s = 21; s <= 24; s++)
		run(s, 2000);
	assert_true(cut_count > 0);
}

/* Seconds that began count as none: who is slow for 3 s has all of them. */
static void
test_soft_time(void **state)
{
	(void)state;
	set(1024 * 1024, 4096, 0, UINT32_MAX);
	begin(71);
	member_open(&members[0]);
	for (; now_s <= 5; now_s++) {
		assert_int_equal(cut_count, 0);
		while (members[0].c.output == NULL ||
		    output_queued(&members[0].c) <= 2 * settings.queue_soft) {
			broadcast(NULL, 1000);
			turn(0);
		}
		broadcast(members, 1000);
		turn(0);
	}
	assert_int_equal(cut_count, 1);
	end();
}

/*
 * What waits is known without a look at each piece of it; and that these take
 * more memory than small frames do.
 */
static void
test_many_own(void **state)
{
	struct member	*m = &members[0];
	clock_t		 start = clock();
	unsigned int	 i;

	(void)state;
	set(UINT32_MAX, 0, 0, UINT32_MAX);
	begin(81);
	member_open(m);
	own(m, 10000);
	turn(0);
	for (i = 0; i < 400000; i++)
		own(m, FRAME_MIN);
	assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
	assert_true(output_memory() >= output_queued(&m->c) +
	    m->c.output->nmarks * sizeof(struct mark));
	client_kill(&m->c);
	turn(0);
	end();
}

/* Who takes something in every turn, and always too little, is no faster. */
static void
test_steady(void **state)
{
	struct member	*m = &members[0];
	unsigned int	 i, direct;
	size_t		 owed;

	(void)state;
	for (direct = 0; direct < 2; direct++) {
		set(16 * 1024, 0, 0, UINT32_MAX);
		write_whole = 8;
		begin(83 + direct);
		member_open(m);
		for (i = 0; i < 200 && cut_count == 0; i++) {
			for (owed = m->nowed; m->nowed == owed;)
				if (direct)
					own(m, 8000);
				else
					broadcast(NULL, 8000);
			turn(0);
			assert_true(output_queued(&m->c) <= 64 * 1024);
			member_read(m, IN_MAX);
		}
		assert_int_equal(cut_count, 1);
		end();
	}
	/* Nor is one slower for a single message that is large. */
	set(16 * 1024, 0, 0, UINT32_MAX);
	begin(85);
	member_open(m);
	own(m, 400000);
	settle();
	assert_int_equal(cut_count, 0);
	end();
}

static void
test_drop(void **state)
{
	uint64_t	s;

	(void)state;
	set(32 * 1024, 0, 1, UINT32_MAX);
	for (s = 31; s <= 38; s++)
		run(s, 2000);
	assert_true(counters.slow_missed_total > 0);
}

static void
test_drop_soft(void **state)
{
	uint64_t	s;

	(void)state;
	set(32 * 1024, 8192, 1, UINT32_MAX);
	for (s = 41; s <= 44; s++)
		run(s, 2000);
	assert_true(counters.slow_missed_total > 0);
}

static void
test_total(void **state)
{
	uint64_t	s;

	(void)state;
	set(UINT32_MAX, 0, 0, 200 * 1024);
	for (s = 51; s <= 54; s++)
		run(s, 2000);
	assert_true(cut_count > 0);
}

/*
 * Readers that stop within a large frame: who is cut off has a copy of the
 * rest, where all shared one before; queue-total bounds that too.
 */
static void
test_total_large(void **state)
{
	unsigned int	i;

	(void)state;
	set(UINT32_MAX, 0, 0, 256 * 1024);
	write_whole = 8;
	begin(61);
	for (i = 0; i < MEMBERS; i++)
		member_open(&members[i]);
	for (i = 0; i < 40; i++)
		broadcast(NULL, 60000);
	for (i = 0; i < 4 * MEMBERS; i++)
		turn(0);
	assert_true(cut_count > 0);
	assert_true(output_memory() <= settings.queue_total);
	assert_int_equal(soon, 0);
	end();
}

/*
 * Who sends much, and does not read the little that waits for him, has all of
 * it kept: he goes, not who is a little slow.
 */
static void
test_total_own(void **state)
{
	struct member	*talker = &members[0], *other = &members[1];

	(void)state;
	set(UINT32_MAX, 0, 0, 256 * 1024);
	write_whole = 8;
	begin(91);
	member_open(talker);
	for (member_open(other); other->c.feed == talker->c.feed;) {
		member_free(other);
		member_open(other);
	}
	own(talker, 10000);
	own(other, 30000);
	while (cut_count == 0) {
		turn(0);
		broadcast(talker, 10000);
	}
	assert_int_equal(talker->cut, 1);
	assert_int_equal(other->cut, 0);
	end();
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_lossless),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_soft),
		cmocka_unit_test(test_soft_time),
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_many_own),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_drop_soft),
		cmocka_unit_test(test_total),
		cmocka_unit_test(test_total_large),
		cmocka_unit_test(test_total_own),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
