/*
 * The sandbox: for each process and each stage, a child of this test enters it
 * and makes one call; what is forbidden must kill it with SIGSYS, what is
 * needed must not.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <linux/netlink.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>
#include <bsd/stdlib.h>

#include <cmocka.h>

#include "common/imsg.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/msg.h"
#include "common/sandbox.h"
#include "common/ws.h"
#include "crypto/conn.h"
#include "crypto/group.h"
#include "discovery/dial.h"
#include "discovery/interfaces.h"
#include "discovery/resolve.h"
#include "discovery/sockets.h"
#include "files/beneath.h"

#ifndef NO_SANDBOX

#define PARENT_FD	3	/* pipe to the parent */
#define LISTEN_FD	4	/* listening on loopback */
#define CLIENT_FD	5	/* connected to that */
#define OTHER_FD	6	/* pipe to another process */
#define DIR_FD		7	/* a directory */

static int		 listen_fd, client_fd, parent_fd[2], other_fd[2];
static struct sockaddr_in listen_addr;
static int		 dir_fd, in_second_stage, landlock_is_here;
static void		*page;

/* Forbidden calls; their result does not matter. */

#define FORBIDDEN(name, expr)						\
	static void							\
	name(void)							\
	{								\
		(void)!(expr);						\
	}

static struct msghdr		 no_msg;
static struct rlimit		 limit = { 10, 10 };
static int			 one = 1, pair[2];

#define ADDR	(struct sockaddr *)&listen_addr, sizeof(listen_addr)

FORBIDDEN(f_open, open("/etc/passwd", O_RDONLY))
FORBIDDEN(f_open_old, syscall(SYS_open, "/etc/passwd", O_RDONLY))
FORBIDDEN(f_openat2, syscall(437, AT_FDCWD, "/etc", NULL, 0))
FORBIDDEN(f_openat2_dir, syscall(437, DIR_FD, ".", NULL, 0))
FORBIDDEN(f_pread, pread(CLIENT_FD, pair, 1, 0))
FORBIDDEN(f_fstat, syscall(SYS_fstat, CLIENT_FD, page))
FORBIDDEN(f_stat, syscall(SYS_newfstatat, AT_FDCWD, "/etc", page, 0))
FORBIDDEN(f_getdents, syscall(SYS_getdents64, DIR_FD, page, 4096))
FORBIDDEN(f_landlock, syscall(444, NULL, 0, 1))
FORBIDDEN(f_access, access("/etc/passwd", R_OK))
FORBIDDEN(f_unlink, unlink("/nonexistent/file"))
FORBIDDEN(f_mkdir, mkdir("/nonexistent/directory", 0700))
FORBIDDEN(f_socket, socket(AF_INET, SOCK_STREAM, 0))
FORBIDDEN(f_socket_unix, socket(AF_UNIX, SOCK_STREAM, 0))
FORBIDDEN(f_socket_raw, socket(AF_INET, SOCK_RAW, IPPROTO_ICMP))
FORBIDDEN(f_socket_packet, socket(AF_PACKET, SOCK_DGRAM, 0))
FORBIDDEN(f_socket_sctp, socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP))
FORBIDDEN(f_socket_netlink, socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER))
FORBIDDEN(f_bindtodevice, setsockopt(OTHER_FD, SOL_SOCKET, SO_BINDTODEVICE,
    "lo", 2))
FORBIDDEN(f_socketpair, socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
FORBIDDEN(f_connect, connect(-1, ADDR))
FORBIDDEN(f_bind, bind(LISTEN_FD, ADDR))
FORBIDDEN(f_listen, listen(LISTEN_FD, 1))
FORBIDDEN(f_accept, accept4(LISTEN_FD, NULL, NULL, 0))
FORBIDDEN(f_sendmsg, sendmsg(PARENT_FD, &no_msg, 0))
FORBIDDEN(f_sendto, sendto(CLIENT_FD, "", 1, 0, ADDR))
FORBIDDEN(f_recvmsg, recvmsg(OTHER_FD, &no_msg, 0))
FORBIDDEN(f_execve, execl("/bin/true", "true", (char *)NULL))
FORBIDDEN(f_execveat, syscall(SYS_execveat, -1, "/bin/true", NULL, NULL, 0))
FORBIDDEN(f_fork, fork())
FORBIDDEN(f_clone3, syscall(435, NULL, 0))
FORBIDDEN(f_unshare, unshare(CLONE_NEWUSER))
FORBIDDEN(f_ptrace, ptrace(PTRACE_TRACEME, 0, NULL, NULL))
FORBIDDEN(f_vm_readv, process_vm_readv(1, NULL, 0, NULL, 0, 0))
FORBIDDEN(f_vm_writev, process_vm_writev(1, NULL, 0, NULL, 0, 0))
FORBIDDEN(f_kill, kill(getppid(), 0))
FORBIDDEN(f_kill_self, kill(getpid(), SIGKILL))
FORBIDDEN(f_mmap_exec, mmap(NULL, 4096, PROT_READ | PROT_EXEC,
    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == NULL)
FORBIDDEN(f_mprotect_exec, mprotect(page, 4096, PROT_READ | PROT_EXEC))
FORBIDDEN(f_pkey_mprotect, syscall(SYS_pkey_mprotect, page, 4096,
    PROT_READ | PROT_EXEC, -1))
FORBIDDEN(f_setrlimit, setrlimit(RLIMIT_NOFILE, &limit))
FORBIDDEN(f_prlimit_other, prlimit(1, RLIMIT_NOFILE, NULL, &limit))
FORBIDDEN(f_setsockopt, setsockopt(LISTEN_FD, SOL_SOCKET, SO_REUSEADDR, &one,
    sizeof(one)))
FORBIDDEN(f_nodelay, setsockopt(CLIENT_FD, IPPROTO_TCP, TCP_NODELAY, &one,
    sizeof(one)))
FORBIDDEN(f_dup, fcntl(PARENT_FD, F_DUPFD, 10))
FORBIDDEN(f_setown, fcntl(PARENT_FD, F_SETOWN, 1))
FORBIDDEN(f_setuid, setuid(0))
FORBIDDEN(f_chroot, chroot("/"))
FORBIDDEN(f_ioctl, syscall(SYS_ioctl, 0, 0, NULL))
FORBIDDEN(f_io_uring, syscall(425, 1, NULL))
FORBIDDEN(f_bpf, syscall(SYS_bpf, 0, NULL, 0))
FORBIDDEN(f_keyctl, syscall(SYS_keyctl, 0, 0, 0, 0, 0))
FORBIDDEN(f_memfd, memfd_create("x", 0))
FORBIDDEN(f_dumpable, prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
FORBIDDEN(f_seccomp, prctl(PR_GET_SECCOMP, 0, 0, 0, 0))
FORBIDDEN(f_seccomp_2, syscall(SYS_seccomp, 0, 0, NULL))
#ifdef __x86_64__
FORBIDDEN(f_x32, syscall(0x40000000 | SYS_getpid))
#endif

static void
f_trip_open(void)
{
	sandbox_trip(TRIP_OPEN);
}

static void
f_trip_socket(void)
{
	sandbox_trip(TRIP_SOCKET);
}

static void
f_trip_connect(void)
{
	sandbox_trip(TRIP_CONNECT);
}

static void
f_trip_exec(void)
{
	sandbox_trip(TRIP_EXEC);
}

#define START		0x1u
#define RUN		0x2u
#define BOTH		(START | RUN)
#define ALL		P_CHILDREN

static const struct forbidden {
	const char	*name;
	void		(*call)(void);
	uint32_t	 process, stage;
} forbidden[] = {
	{ "open", f_open, ALL, BOTH },
	{ "open, the old call", f_open_old, ALL, BOTH },
	{ "openat2", f_openat2, ALL, BOTH },
	{ "openat2, no structure of ours", f_openat2_dir, ALL, BOTH },
	{ "pread", f_pread, ALL & ~P_FILES, BOTH },
	{ "fstat", f_fstat, ALL & ~P_FILES, BOTH },
	{ "stat", f_stat, ALL, BOTH },
	{ "getdents", f_getdents, ALL, BOTH },
	{ "Landlock", f_landlock, ALL & ~P_FILES, BOTH },
	{ "Landlock, later", f_landlock, P_FILES, RUN },
	{ "access", f_access, ALL, BOTH },
	{ "unlink", f_unlink, ALL, BOTH },
	{ "mkdir", f_mkdir, ALL, BOTH },
	{ "socket", f_socket, ALL & ~P_DISCOVERY, BOTH },
	{ "socket, Unix", f_socket_unix, ALL, BOTH },
	{ "socket, raw", f_socket_raw, ALL, BOTH },
	{ "socket, packets", f_socket_packet, ALL, BOTH },
	{ "socket, SCTP", f_socket_sctp, ALL, BOTH },
	{ "socket, netfilter", f_socket_netlink, ALL, BOTH },
	{ "SO_BINDTODEVICE", f_bindtodevice, ALL, BOTH },
	{ "socketpair", f_socketpair, ALL, BOTH },
	{ "connect", f_connect, ALL & ~P_DISCOVERY, BOTH },
	{ "bind", f_bind, ALL & ~P_DISCOVERY, BOTH },
	{ "listen", f_listen, ALL, BOTH },
	{ "accept", f_accept, P_ROUTER | P_DISCOVERY | P_FILES, BOTH },
	{ "sendmsg", f_sendmsg, ALL & ~P_DISCOVERY, BOTH },
	{ "sendto with an address", f_sendto, ALL & ~P_DISCOVERY, BOTH },
	{ "recvmsg on another pipe", f_recvmsg,
	    ALL & ~(P_CRYPTO | P_DISCOVERY), BOTH },
	{ "execve", f_execve, ALL, BOTH },
	{ "execveat", f_execveat, ALL, BOTH },
	{ "fork", f_fork, ALL, BOTH },
	{ "clone3", f_clone3, ALL, BOTH },
	{ "unshare", f_unshare, ALL, BOTH },
	{ "ptrace", f_ptrace, ALL, BOTH },
	{ "process_vm_readv", f_vm_readv, ALL, BOTH },
	{ "process_vm_writev", f_vm_writev, ALL, BOTH },
	{ "kill", f_kill, ALL, BOTH },
	{ "kill itself", f_kill_self, ALL, BOTH },
	{ "mmap to execute", f_mmap_exec, ALL, BOTH },
	{ "mprotect to execute", f_mprotect_exec, ALL, BOTH },
	{ "pkey_mprotect", f_pkey_mprotect, ALL, BOTH },
	{ "setrlimit", f_setrlimit, ALL, BOTH },
	{ "prlimit of another", f_prlimit_other, ALL, BOTH },
	{ "SO_REUSEADDR", f_setsockopt, ALL & ~P_DISCOVERY, BOTH },
	{ "TCP_NODELAY", f_nodelay, P_ROUTER | P_DISCOVERY | P_FILES, BOTH },
	{ "F_DUPFD", f_dup, ALL, BOTH },
	{ "F_SETOWN", f_setown, ALL, BOTH },
	{ "setuid", f_setuid, ALL, BOTH },
	{ "chroot", f_chroot, ALL, BOTH },
	{ "ioctl", f_ioctl, ALL, BOTH },
	{ "io_uring_setup", f_io_uring, ALL, BOTH },
	{ "bpf", f_bpf, ALL, BOTH },
	{ "keyctl", f_keyctl, ALL, BOTH },
	{ "memfd_create", f_memfd, ALL, BOTH },
	{ "PR_SET_DUMPABLE", f_dumpable, ALL, BOTH },
	{ "PR_GET_SECCOMP", f_seccomp, ALL, RUN },
	{ "seccomp", f_seccomp_2, ALL, RUN },
#ifdef __x86_64__
	{ "x32", f_x32, ALL, BOTH },
#endif
	{ "sandbox_trip open", f_trip_open, ALL, BOTH },
	{ "sandbox_trip socket", f_trip_socket, ALL, BOTH },
	{ "sandbox_trip connect", f_trip_connect, ALL, BOTH },
	{ "sandbox_trip exec", f_trip_exec, ALL, BOTH }
};

/* What must work; each returns 0, or 1 having said what did not. */

#define MUST(x)	do {							\
		if (!(x)) {						\
			log_warn("%s", #x);				\
			return (1);					\
		}							\
	} while (0)

static int
a_pipes(void)
{
	struct iovec	 iov[2];
	char		 a[1], b[1];

	MUST(write(OTHER_FD, "12", 2) == 2);
	MUST(read(other_fd[1], a, 1) == 1);
	iov[0].iov_base = a;
	iov[1].iov_base = b;
	iov[0].iov_len = iov[1].iov_len = 1;
	MUST(readv(other_fd[1], iov, 1) == 1);
	MUST(writev(OTHER_FD, iov, 2) == 2);
	MUST(close(OTHER_FD) == 0);
	return (0);
}

/* Sent by set_up(); in both stages, since a reload brings new listeners. */
static int
a_descriptor(void)
{
	struct imsgbuf	*ib;
	struct imsg	 m;
	const char	*why;

	ib = imsgbuf_new(PARENT_FD, P_ROUTER, P_PARENT, 1);
	MUST(ib != NULL);
	MUST(imsg_read(ib) == 1);
	MUST(imsg_get(ib, &m, &why) == 1);
	MUST(m.hdr.type == MSG_PIPE && m.fd != -1);
	MUST(fcntl(m.fd, F_SETFL, fcntl(m.fd, F_GETFL) | O_NONBLOCK) == 0);
	MUST(fcntl(m.fd, F_SETFD, FD_CLOEXEC) == 0);
	MUST(fcntl(m.fd, F_GETFD) == FD_CLOEXEC);
	imsgbuf_free(ib);
	return (0);
}

static int
a_memory(void)
{
	void	*p[64], *big;
	size_t	 i;

	for (i = 0; i < 64; i++)
		MUST((p[i] = malloc(i * 10000 + 1)) != NULL);
	for (i = 0; i < 64; i++)
		free(p[i]);
	MUST((big = malloc(1 << 20)) != NULL);
	MUST((big = realloc(big, 64 << 20)) != NULL);
	MUST((big = realloc(big, 100)) != NULL);
	free(big);
	return (0);
}

static int
compare(const void *a, const void *b)
{
	return (memcmp(a, b, sizeof(uint64_t)));
}

static int
a_libc(void)
{
	static uint64_t	 ids[10000];
	struct timespec	 ts;
	struct rlimit	 rl;
	struct tm	 tm;
	time_t		 now;
	char		 buf[64];

	arc4random_buf(ids, sizeof(ids));
	qsort(ids, 10000, sizeof(ids[0]), compare);
	MUST(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
	MUST(clock_gettime(CLOCK_REALTIME, &ts) == 0);
	MUST(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts) == 0);
	now = time(NULL);
	MUST(gmtime_r(&now, &tm) != NULL);
	MUST(strftime(buf, sizeof(buf), "%F %T", &tm) > 0);
	MUST(getrlimit(RLIMIT_NOFILE, &rl) == 0);
	MUST(sysconf(_SC_OPEN_MAX) > 0);
	MUST(getpid() > 0);
	MUST(strcmp(strerror(ENOENT), "No such file or directory") == 0);
	snprintf(buf, sizeof(buf), "%.2f %zu", 1.5, sizeof(buf));
	return (0);
}

static int
a_log(void)
{
	log_verbose(1);
	errno = ENOENT;
	log_warn("%s", log_vis("a\nb", 3));
	log_debug("text");
	return (0);
}

static int
a_zlib(void)
{
	z_stream	 z;
	uint8_t		 in[1000], out[2000];

	memset(&z, 0, sizeof(z));
	memset(in, 'x', sizeof(in));
	MUST(deflateInit2(&z, 1, Z_DEFLATED, -15, 8,
	    Z_DEFAULT_STRATEGY) == Z_OK);
	z.next_in = in;
	z.avail_in = sizeof(in);
	z.next_out = out;
	z.avail_out = sizeof(out);
	MUST(deflate(&z, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&z);
	return (0);
}

static int	 ticks;

static void
tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (++ticks == 3)
		loop_quit();
}

static void
turn_end(void)
{
}

static int
a_loop(void)
{
	struct timeval	 tv = { 0, 1000 };
	struct event	*timer, *writable;

	timer = event_new(loop_base(), -1, EV_PERSIST, tick, NULL);
	MUST(timer != NULL && event_add(timer, &tv) == 0);
	writable = event_new(loop_base(), OTHER_FD, EV_WRITE, tick, NULL);
	MUST(writable != NULL && event_add(writable, NULL) == 0);
	loop_run(turn_end);
	MUST(ticks >= 3);
	event_free(writable);
	event_free(timer);
	return (0);
}

static int
a_handshake(void)
{
	char	 out[WS_ACCEPT_LEN + 1];

	/* The example of RFC 6455, 1.3. */
	ws_accept("dGhlIHNhbXBsZSBub25jZQ==", 24, out);
	MUST(strcmp(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == 0);
	return (0);
}

static int
a_clients(void)
{
	struct sockaddr_storage	 ss;
	struct linger		 linger = { 1, 0 };
	socklen_t		 len = sizeof(ss);
	char			 buf[4];
	int			 fd, v;

	fd = accept4(LISTEN_FD, (struct sockaddr *)&ss, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	MUST(fd != -1);
	MUST(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
	    sizeof(one)) == 0);
	MUST(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){ 65536 },
	    sizeof(int)) == 0);
	MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger,
	    sizeof(linger)) == 0);
	len = sizeof(v);
	MUST(getsockopt(fd, SOL_SOCKET, SO_ERROR, &v, &len) == 0);
	len = sizeof(ss);
	MUST(getsockname(fd, (struct sockaddr *)&ss, &len) == 0);
	len = sizeof(ss);
	MUST(getpeername(fd, (struct sockaddr *)&ss, &len) == 0);
	MUST(send(fd, "abcd", 4, MSG_NOSIGNAL) == 4);
	MUST(recv(CLIENT_FD, buf, sizeof(buf), 0) == 4);
	MUST(shutdown(fd, SHUT_WR) == 0);
	MUST(close(fd) == 0);
	return (0);
}

/* Of crypto: connected sockets come from discovery, too. */
static int
a_dialled(void)
{
	struct msg_dialled	 d = { { 0 }, 0, 9010 };
	struct imsgbuf		*ib;
	struct imsg		 m;
	const char		*why;

	/* What discovery would send, CLIENT_FD, was queued by enter(). */
	ib = imsgbuf_new(OTHER_FD, P_CRYPTO, P_DISCOVERY, 1);
	MUST(ib != NULL);
	MUST(imsg_read(ib) == 1);
	MUST(imsg_get(ib, &m, &why) == 1);
	MUST(m.hdr.type == MSG_DIALLED && m.fd != -1);
	MUST(m.hdr.len == sizeof(d));
	MUST(close(m.fd) == 0);
	imsgbuf_free(ib);
	return (0);
}

static int
a_links(void)
{
	struct sockaddr_storage	 ss;
	socklen_t		 len = sizeof(ss);
	char			 buf[4];
	int			 fd;

	MUST(getsockname(LISTEN_FD, (struct sockaddr *)&ss, &len) == 0);
	len = sizeof(ss);
	fd = accept4(LISTEN_FD, (struct sockaddr *)&ss, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	MUST(fd != -1);
	MUST(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
	    sizeof(one)) == 0);
	MUST(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one,
	    sizeof(one)) == 0);
	MUST(setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &(int){ 30000 },
	    sizeof(int)) == 0);
	MUST(send(fd, "abcd", 4, MSG_NOSIGNAL) == 4);
	MUST(recv(CLIENT_FD, buf, sizeof(buf), 0) == 4);
	MUST(shutdown(fd, SHUT_WR) == 0);
	MUST(close(fd) == 0);
	return (0);
}

/* What a has to say, to b; returns whether b is ready after it. */
static int
hand_over(struct conn *a, struct conn *b)
{
	static uint8_t		 in[2 * CONN_IN_MIN];
	struct conn_event	 ev;
	const uint8_t		*p;
	size_t			 n, used = 0;
	int			 ready = 0;

	n = conn_output(a, &p);
	if (n > sizeof(in))
		return (-1);
	if (n > 0)
		memcpy(in, p, n);
	conn_sent(a, n);
	do {
		used += conn_input(b, in + used, n - used, &ev);
		if (ev.type == CONN_FAILED) {
			log_warnx("handshake: %s", ev.why);
			return (-1);
		}
		ready |= ev.type == CONN_READY;
	} while (ev.type != CONN_NONE);
	return (ready);
}

static int
a_handshake_of(unsigned int security)
{
	struct conn_config	 config;
	struct conn_tls		*tls[2];
	struct identity		 id[2];
	struct conn		*c[2];
	uint8_t			 seed[ED25519_KEY_LEN];
	int			 i, r, ready = 0;

	for (i = 0; i < 2; i++) {
		randombytes_buf(seed, sizeof(seed));
		MUST(identity_from_seed(&id[i], seed) == 0);
		MUST((tls[i] = conn_tls_new(&id[i])) != NULL);
		memset(&config, 0, sizeof(config));
		config.dialler = i == 0;
		config.security = security;
		config.self = &id[i];
		config.tls = tls[i];
		config.agent = "test";
		MUST((c[i] = conn_new(&config)) != NULL);
	}
	for (i = 0; i < 20; i++) {
		MUST((r = hand_over(c[i % 2], c[1 - i % 2])) != -1);
		ready += r;
	}
	MUST(ready == 2);
	MUST(conn_security(c[0]) == security);
	for (i = 0; i < 2; i++) {
		conn_free(c[i]);
		conn_tls_free(tls[i]);
	}
	return (0);
}

static int
a_crypto(void)
{
	uint8_t	 scalar[GROUP_BYTES], element[GROUP_BYTES];
	uint8_t	 hash[GROUP_HASH_BYTES];

	group_random_bytes(&(struct group_random){ NULL, NULL }, hash,
	    sizeof(hash));
	group_random_scalar(&(struct group_random){ NULL, NULL }, scalar);
	group_derive(element, hash);
	MUST(group_mult(element, scalar, element) == 0);
	MUST(a_handshake_of(CONN_TLS) == 0);
	MUST(a_handshake_of(CONN_NOISE) == 0);
	return (0);
}

/* Of discovery: port 5353 beside others, packets, groups. */
static void
take_packet(const struct sockets_packet *p)
{
	(void)p;
}

static int
a_mdns(void)
{
	uint8_t	 packet[12] = { 0 };
	int	 v6;

	/* Whether it can be had is another question. */
	for (v6 = 0; v6 <= 1; v6++) {
		if (sockets_open(v6, take_packet) == -1)
			continue;
		(void)sockets_join(v6, 1);
		(void)sockets_send(v6, 1, NULL, NULL, packet, sizeof(packet));
		sockets_leave(v6, 1);
	}
	(void)event_base_loop(loop_base(), EVLOOP_NONBLOCK);
	sockets_close();
	return (0);
}

static int
a_interfaces(void)
{
	int	 i;

	interfaces_start();
	for (i = 0; i < 1000 && interfaces_due() != UINT64_MAX; i++)
		(void)event_base_loop(loop_base(), EVLOOP_ONCE);
	/* Loopback is everywhere. */
	MUST(interface_find_name("lo", 2) != NULL);
	return (0);
}

static int	 dialled_fd = -1;

static void
dial_cb(void *arg, int fd, const struct dial_address *a, const char *why)
{
	(void)arg;
	(void)a;
	if (why != NULL)
		log_warnx("%s", why);
	dialled_fd = fd;
	loop_quit();
}

static int
a_dial(void)
{
	struct msg_dialled	 d = { { 0 }, 0, 9010 };
	struct dial_address	 a;
	struct imsgbuf		*ib;

	memset(&a, 0, sizeof(a));
	a.addr[10] = a.addr[11] = 0xff;
	memcpy(a.addr + 12, &listen_addr.sin_addr, 4);
	a.port = ntohs(listen_addr.sin_port);
	MUST(dial_start(&a, 1, dial_cb, NULL) != NULL);
	loop_run(turn_end);
	MUST(dialled_fd != -1);
	/* To crypto. */
	ib = imsgbuf_new(OTHER_FD, P_DISCOVERY, P_CRYPTO, 0);
	MUST(ib != NULL);
	MUST(imsg_send(ib, MSG_DIALLED, 1, dialled_fd, &d, sizeof(d)) == 0);
	MUST(imsg_flush(ib) == 0);
	imsgbuf_free(ib);
	return (0);
}

static void
resolve_cb(void *arg, const struct dial_address *a, size_t n, const char *why)
{
	(void)arg;
	(void)a;
	(void)n;
	(void)why;
}

static int
a_resolve(void)
{
	static const char	 text[] = "nameserver 127.0.0.1\n"
				    "nameserver fe80::1%lo\nsearch example\n";
	struct timeval		 tv = { 0, 20000 };
	struct resolve		*r;
	struct event		*timer;

	interfaces_start();
	(void)event_base_loop(loop_base(), EVLOOP_ONCE);
	(void)resolve_configure(text, sizeof(text) - 1);
	r = resolve_start("name", resolve_cb, NULL);
	ticks = 2;
	timer = event_new(loop_base(), -1, 0, tick, NULL);
	MUST(timer != NULL && event_add(timer, &tv) == 0);
	loop_run(turn_end);
	resolve_cancel(r);
	ticks = 2;
	MUST(event_add(timer, &tv) == 0);
	loop_run(turn_end);
	event_free(timer);
	return (0);
}

/*
 * Of files: what is beneath its directory, and only to be read; what else the
 * filter lets through, Landlock has to refuse.
 */
static int
refused_by_landlock(int dir, const char *path, uint64_t flags)
{
	struct open_how	 how = { .flags = flags, .mode = flags & O_CREAT ?
			    0600 : 0 };
	int		 fd;

	fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	if (fd == -1 && (errno == EACCES || errno == EPERM))
		return (1);
	log_warn("%s", path);
	return (0);
}

static int
a_files(void)
{
	struct msg_file_answer	 a;
	char			 buf[8];
	int			 fd;

	MUST(beneath_check(DIR_FD) == 0);
	fd = beneath_open(DIR_FD, "file", 4, &a);
	MUST(fd != -1 && a.status == 200 && a.size == 4);
	MUST(pread(fd, buf, sizeof(buf), 1) == 3);
	MUST(close(fd) == 0);
	MUST(beneath_open(DIR_FD, "none", 4, &a) == -1 && a.status == 404);
	MUST(beneath_open(DIR_FD, "out", 3, &a) == -1 && a.status == 404);
	if (!in_second_stage || !landlock_is_here)
		return (0);
	MUST(refused_by_landlock(DIR_FD, "/etc/passwd", O_RDONLY));
	MUST(refused_by_landlock(DIR_FD, "../../etc/passwd", O_RDONLY));
	MUST(refused_by_landlock(DIR_FD, ".", O_RDONLY | O_DIRECTORY));
	MUST(refused_by_landlock(DIR_FD, "file", O_WRONLY));
	MUST(refused_by_landlock(DIR_FD, "new", O_WRONLY | O_CREAT));
	return (0);
}

static const struct allowed {
	const char	*name;
	int		(*call)(void);
	uint32_t	 process;
} allowed[] = {
	{ "pipes", a_pipes, ALL },
	{ "descriptor from the parent", a_descriptor, ALL },
	{ "memory", a_memory, ALL },
	{ "C library", a_libc, ALL },
	{ "log", a_log, ALL },
	{ "deflate", a_zlib, P_FRONTEND },
	{ "event loop", a_loop, ALL },
	{ "handshake", a_handshake, P_FRONTEND },
	{ "clients", a_clients, P_FRONTEND },
	{ "descriptor from discovery", a_dialled, P_CRYPTO },
	{ "links", a_links, P_CRYPTO },
	{ "mDNS", a_mdns, P_DISCOVERY },
	{ "interfaces", a_interfaces, P_DISCOVERY },
	{ "dialling", a_dial, P_DISCOVERY },
	{ "name servers", a_resolve, P_DISCOVERY },
	{ "files", a_files, P_FILES },
	{ "libraries of links", a_crypto, P_CRYPTO }
};

/* The descriptor under a number above those that enter() gives out. */
static int
high(int fd)
{
	int	 moved = fcntl(fd, F_DUPFD, 20);

	assert_int_not_equal(fd, -1);
	assert_int_not_equal(moved, -1);
	close(fd);
	return (moved);
}

static void
high_pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    fds), 0);
	fds[0] = high(fds[0]);
	fds[1] = high(fds[1]);
}

/* What a process has, with a descriptor to receive and a client to accept. */
static void
set_up(void)
{
	struct imsgbuf	*ib;
	struct msg_pipe	 mp = { P_FRONTEND, 0 };
	socklen_t	 len = sizeof(listen_addr);

	high_pair(parent_fd);
	high_pair(other_fd);
	memset(&listen_addr, 0, sizeof(listen_addr));
	listen_addr.sin_family = AF_INET;
	listen_addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listen_fd = high(socket(AF_INET, SOCK_STREAM, 0));
	assert_int_equal(bind(listen_fd, ADDR), 0);
	assert_int_equal(listen(listen_fd, 16), 0);
	assert_int_equal(getsockname(listen_fd,
	    (struct sockaddr *)&listen_addr, &len), 0);
	client_fd = high(socket(AF_INET, SOCK_STREAM, 0));
	assert_int_equal(connect(client_fd, ADDR), 0);
	ib = imsgbuf_new(dup(parent_fd[0]), P_PARENT, P_ROUTER, 0);
	assert_non_null(ib);
	assert_int_equal(imsg_send(ib, MSG_PIPE, 0, dup(other_fd[1]), &mp,
	    sizeof(mp)), 0);
	assert_int_equal(imsg_flush(ib), 0);
	imsgbuf_free(ib);
}

static void
tear_down(void)
{
	close(parent_fd[0]);
	close(parent_fd[1]);
	close(other_fd[0]);
	close(other_fd[1]);
	close(listen_fd);
	close(client_fd);
}

/* What crypto does before; and a socket that discovery might send. */
static void
warm_up(void)
{
	struct msg_dialled	 d = { { 0 }, 0, 9010 };
	struct imsgbuf		*ib;

	ib = imsgbuf_new(dup(other_fd[1]), P_DISCOVERY, P_CRYPTO, 0);
	if (ib == NULL || imsg_send(ib, MSG_DIALLED, 1, dup(client_fd), &d,
	    sizeof(d)) == -1 || imsg_flush(ib) != 0 || conn_init() == -1 ||
	    sodium_init() == -1)
		_exit(98);
	imsgbuf_free(ib);
}

/* In the child: what child_start() does, as far as it matters here. */
static void
enter(uint32_t process, uint32_t stage)
{
	struct rlimit	 rl = { 0, 0 };
	char		 out[WS_ACCEPT_LEN + 1];

	if (setrlimit(RLIMIT_CORE, &rl) == -1 ||
	    dup2(parent_fd[1], PARENT_FD) == -1 ||
	    dup2(listen_fd, LISTEN_FD) == -1 ||
	    dup2(client_fd, CLIENT_FD) == -1 ||
	    dup2(other_fd[0], OTHER_FD) == -1 || dup2(dir_fd, DIR_FD) == -1)
		_exit(99);
	log_init("test", 0, 0);
	ws_accept("", 0, out);
	if (process == P_CRYPTO)
		warm_up();
	loop_init();
	sandbox_enter(process);
	in_second_stage = stage == RUN;
	if (stage == RUN && process == P_FILES)
		sandbox_directories(&(int){ DIR_FD }, 1);
	if (stage == RUN)
		sandbox_tighten(process);
}

/* Runs one call in a sandbox; returns the status of wait(2). */
static int
run(uint32_t process, uint32_t stage, void (*bad)(void), int (*good)(void))
{
	pid_t	 pid;
	int	 status;

	set_up();
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		enter(process, stage);
		if (good != NULL)
			_exit(good());
		bad();
		_exit(2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	tear_down();
	return (status);
}

static int
report(uint32_t process, uint32_t stage, const char *name, int status)
{
	print_error("%s, stage %u: %s: %s %d\n", process_name(process),
	    stage, name, WIFSIGNALED(status) ? "signal" : "exit",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return (1);
}

#define NCALLS(table)	(sizeof(table) / sizeof(table[0]))

static int
try_forbidden(uint32_t process, uint32_t stage)
{
	size_t	 i;
	int	 status, failed = 0;

	for (i = 0; i < NCALLS(forbidden); i++) {
		if ((forbidden[i].process & process) == 0 ||
		    (forbidden[i].stage & stage) == 0)
			continue;
		status = run(process, stage, forbidden[i].call, NULL);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			failed += report(process, stage, forbidden[i].name,
			    status);
	}
	return (failed);
}

static int
try_allowed(uint32_t process, uint32_t stage)
{
	size_t	 i;
	int	 status, failed = 0;

	for (i = 0; i < NCALLS(allowed); i++) {
		if ((allowed[i].process & process) == 0)
			continue;
		status = run(process, stage, NULL, allowed[i].call);
		if (status != 0)
			failed += report(process, stage, allowed[i].name,
			    status);
	}
	return (failed);
}

static void
test_forbidden(void **state)
{
	(void)state;
	assert_int_equal(try_forbidden(P_FRONTEND, START), 0);
	assert_int_equal(try_forbidden(P_FRONTEND, RUN), 0);
	assert_int_equal(try_forbidden(P_ROUTER, START), 0);
	assert_int_equal(try_forbidden(P_ROUTER, RUN), 0);
	assert_int_equal(try_forbidden(P_CRYPTO, START), 0);
	assert_int_equal(try_forbidden(P_CRYPTO, RUN), 0);
	assert_int_equal(try_forbidden(P_DISCOVERY, START), 0);
	assert_int_equal(try_forbidden(P_DISCOVERY, RUN), 0);
	assert_int_equal(try_forbidden(P_FILES, START), 0);
	assert_int_equal(try_forbidden(P_FILES, RUN), 0);
}

static void
test_allowed(void **state)
{
	(void)state;
	assert_int_equal(try_allowed(P_FRONTEND, START), 0);
	assert_int_equal(try_allowed(P_FRONTEND, RUN), 0);
	assert_int_equal(try_allowed(P_ROUTER, START), 0);
	assert_int_equal(try_allowed(P_ROUTER, RUN), 0);
	assert_int_equal(try_allowed(P_CRYPTO, START), 0);
	assert_int_equal(try_allowed(P_CRYPTO, RUN), 0);
	assert_int_equal(try_allowed(P_DISCOVERY, START), 0);
	assert_int_equal(try_allowed(P_DISCOVERY, RUN), 0);
	assert_int_equal(try_allowed(P_FILES, START), 0);
	assert_int_equal(try_allowed(P_FILES, RUN), 0);
}

static char	 dir_path[] = "/tmp/nwsd-sandbox-XXXXXX";

/* A directory with a file of four bytes, and a link that leaves it. */
static int
directory_make(void **state)
{
	int	 fd;

	(void)state;
	landlock_is_here = syscall(444, NULL, (size_t)0, 1u) > 0;
	if (mkdtemp(dir_path) == NULL ||
	    (fd = open(dir_path, O_PATH | O_DIRECTORY)) == -1)
		return (-1);
	dir_fd = high(fd);
	fd = openat(dir_fd, "file", O_WRONLY | O_CREAT, 0600);
	if (fd == -1 || write(fd, "1234", 4) != 4 || close(fd) == -1 ||
	    symlinkat("/etc/passwd", dir_fd, "out") == -1)
		return (-1);
	return (0);
}

static int
directory_remove(void **state)
{
	(void)state;
	unlinkat(dir_fd, "file", 0);
	unlinkat(dir_fd, "out", 0);
	return (rmdir(dir_path));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_allowed)
	};

	signal(SIGPIPE, SIG_IGN);
	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return (1);
	return (cmocka_run_group_tests(tests, directory_make,
	    directory_remove));
}

#else

/* A build without has nothing to show. */
int
main(void)
{
	return (0);
}

#endif /* NO_SANDBOX */
