/*
 * The sandbox on Linux: a seccomp filter that kills the process at any call
 * that is not in the table below, in two stages, and Landlock, where the kernel
 * has it, against what a filter cannot see.  Run by the children; trusts
 * nothing.
 *
 * Both filters stay: what runs is what both allow.  Rows without conditions
 * cost next to nothing, since the kernel keeps a bitmap of the calls that are
 * allowed whatever their arguments (Linux 5.11); what has conditions and is
 * called for each message stands first.
 */
#include "sandbox.h"

#include "log.h"
#include "msg.h"

#ifdef NO_SANDBOX

void
sandbox_enter(uint32_t process)
{
	log_info("%s: built without a sandbox", process_name(process));
}

void
sandbox_tighten(uint32_t process)
{
	(void)process;
}

void
sandbox_directories(const int *fds, size_t n)
{
	(void)fds;
	(void)n;
}

#else

#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define PARENT_FD	3

#define START		0x1u	/* first stage: until START */
#define RUN		0x2u	/* second stage */
#define ALWAYS		(START | RUN)

#define ALL		P_CHILDREN
#define FRONTEND	P_FRONTEND
#define ACCEPTING	(P_FRONTEND | P_CRYPTO)
#define DISCOVERY	P_DISCOVERY
#define FILES		P_FILES

#define ARG_IS(n, value)	{ n, SCMP_CMP_EQ, value, 0 }
/* Neither AT_FDCWD nor any other negative number, however it is widened. */
#define ARG_IS_FD(n)		{ n, SCMP_CMP_LE, INT32_MAX, 0 }
#define ARG_LACKS(n, bits)	{ n, SCMP_CMP_MASKED_EQ, bits, 0 }
/* A type of socket, whether or not it blocks and is closed on exec. */
#define ARG_TYPE(n, type)						\
	{ n, SCMP_CMP_MASKED_EQ, 0xffffffffu & ~(uint32_t)(SOCK_NONBLOCK | \
	    SOCK_CLOEXEC), type }
#define ARGS_MAX		3

#define OPEN_HOW_BYTES	24	/* struct open_how, its first version */

struct rule {
	int			 call;
	uint32_t		 process;	/* P_ bits */
	uint32_t		 stage;
	unsigned int		 nargs;
	struct scmp_arg_cmp	 arg[ARGS_MAX];	/* all must hold */
};

#define CALL(name, process, stage)					\
	{ SCMP_SYS(name), process, stage, 0, { { 0 } } }
#define CALL1(name, process, stage, a)					\
	{ SCMP_SYS(name), process, stage, 1, { a } }
#define CALL2(name, process, stage, a, b)				\
	{ SCMP_SYS(name), process, stage, 2, { a, b } }
#define CALL3(name, process, stage, a, b, c)				\
	{ SCMP_SYS(name), process, stage, 3, { a, b, c } }
#define SOCKET(family, type, protocol)					\
	CALL3(socket, DISCOVERY, ALWAYS, ARG_IS(0, family),		\
	    ARG_TYPE(1, type), ARG_IS(2, protocol))
#define GETSOCKOPT(process, level, option)				\
	CALL2(getsockopt, process, ALWAYS, ARG_IS(1, level),		\
	    ARG_IS(2, option))
#define SETSOCKOPT(process, level, option)				\
	CALL2(setsockopt, process, ALWAYS, ARG_IS(1, level),		\
	    ARG_IS(2, option))

static const struct rule rules[] = {
	/* Frontend, crypto: send(3) and recv(3) on clients and links, which are
	   connected, so that an address has no place. */
	CALL1(sendto, ACCEPTING, ALWAYS, ARG_IS(4, 0)),
	CALL(recvfrom, ACCEPTING | DISCOVERY, ALWAYS),
	/* Everybody: pipes, client sockets, the log. */
	CALL(read, ALL, ALWAYS),
	CALL(readv, ALL, ALWAYS),
	CALL(write, ALL, ALWAYS),
	CALL(writev, ALL, ALWAYS),
	CALL(close, ALL, ALWAYS),
	/* Everybody: descriptors, which come from the parent and only so; but
	   to crypto connected sockets from discovery, too, whose pipe has any
	   number. */
	CALL1(recvmsg, ALL & ~(P_CRYPTO | DISCOVERY), ALWAYS,
	    ARG_IS(0, PARENT_FD)),
	CALL(recvmsg, P_CRYPTO, ALWAYS),
	/* Discovery: mDNS, which is told on which interface a packet came and
	   says on which one it goes; connected sockets, handed to crypto; name
	   servers and news of interfaces. */
	CALL(recvmsg, DISCOVERY, ALWAYS),
	CALL(sendmsg, DISCOVERY, ALWAYS),
	CALL(sendto, DISCOVERY, ALWAYS),
	SOCKET(AF_INET, SOCK_DGRAM, 0),
	SOCKET(AF_INET6, SOCK_DGRAM, 0),
	SOCKET(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE),
	CALL(bind, DISCOVERY, ALWAYS),
	/* Discovery: dialling.  What is connected it hands over; it may not
	   listen or accept. */
	SOCKET(AF_INET, SOCK_STREAM, 0),
	SOCKET(AF_INET6, SOCK_STREAM, 0),
	CALL(connect, DISCOVERY, ALWAYS),
	/* Frontend, crypto: clients and links come and go, who they are and by
	   what way. */
	CALL(accept4, ACCEPTING, ALWAYS),
	CALL(shutdown, ACCEPTING, ALWAYS),
	CALL(getsockname, ACCEPTING, ALWAYS),
	CALL(getpeername, FRONTEND, ALWAYS),
	GETSOCKOPT(FRONTEND, SOL_SOCKET, SO_ERROR),
	GETSOCKOPT(FRONTEND, SOL_SOCKET, SO_PEERCRED),
	GETSOCKOPT(FRONTEND, SOL_SOCKET, SO_SNDBUF),
	GETSOCKOPT(FRONTEND, SOL_SOCKET, SO_RCVBUF),
	SETSOCKOPT(FRONTEND, SOL_SOCKET, SO_SNDBUF),
	SETSOCKOPT(FRONTEND, SOL_SOCKET, SO_RCVBUF),
	SETSOCKOPT(FRONTEND, SOL_SOCKET, SO_LINGER),
	SETSOCKOPT(ACCEPTING, SOL_SOCKET, SO_KEEPALIVE),
	SETSOCKOPT(ACCEPTING, IPPROTO_TCP, TCP_NODELAY),
	SETSOCKOPT(FRONTEND, IPPROTO_TCP, TCP_NOTSENT_LOWAT),
	SETSOCKOPT(ACCEPTING, IPPROTO_TCP, TCP_USER_TIMEOUT),
	/* Discovery: whether a dial succeeded; port 5353 beside others, groups
	   of interfaces that come and go. */
	GETSOCKOPT(DISCOVERY, SOL_SOCKET, SO_ERROR),
	SETSOCKOPT(DISCOVERY, SOL_SOCKET, SO_REUSEADDR),
	SETSOCKOPT(DISCOVERY, SOL_SOCKET, SO_REUSEPORT),
	SETSOCKOPT(DISCOVERY, SOL_SOCKET, SO_RCVBUF),
	SETSOCKOPT(DISCOVERY, IPPROTO_IP, IP_PKTINFO),
	SETSOCKOPT(DISCOVERY, IPPROTO_IP, IP_TTL),
	SETSOCKOPT(DISCOVERY, IPPROTO_IP, IP_MULTICAST_TTL),
	SETSOCKOPT(DISCOVERY, IPPROTO_IP, IP_MULTICAST_LOOP),
	SETSOCKOPT(DISCOVERY, IPPROTO_IP, IP_MULTICAST_ALL),
	SETSOCKOPT(DISCOVERY, IPPROTO_IP, IP_ADD_MEMBERSHIP),
	SETSOCKOPT(DISCOVERY, IPPROTO_IP, IP_DROP_MEMBERSHIP),
	SETSOCKOPT(DISCOVERY, IPPROTO_IPV6, IPV6_V6ONLY),
	SETSOCKOPT(DISCOVERY, IPPROTO_IPV6, IPV6_RECVPKTINFO),
	SETSOCKOPT(DISCOVERY, IPPROTO_IPV6, IPV6_UNICAST_HOPS),
	SETSOCKOPT(DISCOVERY, IPPROTO_IPV6, IPV6_MULTICAST_HOPS),
	SETSOCKOPT(DISCOVERY, IPPROTO_IPV6, IPV6_MULTICAST_LOOP),
	SETSOCKOPT(DISCOVERY, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP),
	SETSOCKOPT(DISCOVERY, IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP),
	/* Files: those beneath its directories.  What else the path of an
	   openat2 could name, and for what, is for Landlock to forbid. */
	CALL2(openat2, FILES, ALWAYS, ARG_IS_FD(0), ARG_IS(3, OPEN_HOW_BYTES)),
	CALL(fstat, FILES, ALWAYS),
	CALL(pread64, FILES, ALWAYS),
	CALL(landlock_create_ruleset, FILES, START),
	CALL(landlock_add_rule, FILES, START),
	CALL(landlock_restrict_self, FILES, START),
	/* libevent. */
	CALL(epoll_wait, ALL, ALWAYS),
	CALL(epoll_pwait, ALL, ALWAYS),
	CALL(epoll_ctl, ALL, ALWAYS),
	/* Descriptors made nonblocking and close-on-exec. */
	CALL1(fcntl, ALL, ALWAYS, ARG_IS(1, F_GETFL)),
	CALL1(fcntl, ALL, ALWAYS, ARG_IS(1, F_SETFL)),
	CALL1(fcntl, ALL, ALWAYS, ARG_IS(1, F_GETFD)),
	CALL1(fcntl, ALL, ALWAYS, ARG_IS(1, F_SETFD)),
	/* malloc(3); never memory that can be executed. */
	CALL(brk, ALL, ALWAYS),
	CALL1(mmap, ALL, ALWAYS, ARG_LACKS(2, PROT_EXEC)),
	CALL1(mprotect, ALL, ALWAYS, ARG_LACKS(2, PROT_EXEC)),
	CALL(munmap, ALL, ALWAYS),
	CALL(mremap, ALL, ALWAYS),
	CALL(madvise, ALL, ALWAYS),
	/* Clocks, where the vDSO cannot answer. */
	CALL(clock_gettime, ALL, ALWAYS),
	CALL(gettimeofday, ALL, ALWAYS),
	CALL(time, ALL, ALWAYS),
	/* arc4random(3), and the keys of hash tables. */
	CALL(getrandom, ALL, ALWAYS),
	/* OpenSSL: the locks and the check for fork of its first use. */
	CALL(futex, ALL, ALWAYS),
	CALL(getpid, ALL, ALWAYS),
	/* qsort(3) asks how much memory there is. */
	CALL(sysinfo, ALL, ALWAYS),
	/* getrlimit(2): how many descriptors there may be; not setting it. */
	CALL2(prlimit64, ALL, ALWAYS, ARG_IS(0, 0), ARG_IS(2, 0)),
	/* Return from a signal, and ending. */
	CALL(rt_sigreturn, ALL, ALWAYS),
	CALL(rt_sigprocmask, ALL, ALWAYS),
	CALL(restart_syscall, ALL, ALWAYS),
	CALL(exit, ALL, ALWAYS),
	CALL(exit_group, ALL, ALWAYS),
	/* The same under the names of 32-bit systems. */
	CALL(sigreturn, ALL, ALWAYS),
	CALL1(mmap2, ALL, ALWAYS, ARG_LACKS(2, PROT_EXEC)),
	CALL(clock_gettime64, ALL, ALWAYS),
	CALL(futex_time64, ALL, ALWAYS),
	CALL1(fcntl64, ALL, ALWAYS, ARG_IS(1, F_GETFL)),
	CALL1(fcntl64, ALL, ALWAYS, ARG_IS(1, F_SETFL)),
	CALL1(fcntl64, ALL, ALWAYS, ARG_IS(1, F_GETFD)),
	CALL1(fcntl64, ALL, ALWAYS, ARG_IS(1, F_SETFD)),
	/* The start: putting on the second filter. */
	CALL(seccomp, ALL, START),
	CALL1(prctl, ALL, START, ARG_IS(0, PR_SET_NO_NEW_PRIVS)),
	CALL1(prctl, ALL, START, ARG_IS(0, PR_GET_SECCOMP)),
	CALL1(prctl, ALL, START, ARG_IS(0, PR_SET_SECCOMP))
};

/*
 * Landlock as of linux/landlock.h, written down here since the header of the
 * machine that compiles this may be older than the kernel that runs it.
 */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset	444
#define SYS_landlock_add_rule		445
#define SYS_landlock_restrict_self	446
#endif
#define LL_VERSION	0x1u
#define LL_FS_1		0x1fffull	/* execute to make_sym */
#define LL_READ_FILE	0x4ull
#define LL_READ_DIR	0x8ull
#define LL_BENEATH	1u		/* kind of a rule */
#define LL_FS_2		0x2000ull	/* refer */
#define LL_FS_3		0x4000ull	/* truncate */
#define LL_FS_5		0x8000ull	/* ioctl on devices */
#define LL_NET_4	0x1ull		/* bind of TCP */
#define LL_CONNECT_4	0x2ull		/* connect of TCP */
#define LL_SCOPE_6	0x3ull		/* abstract sockets, signals */

struct ll_attr {
	uint64_t	 fs, net, scope;
};

/* As the kernel has it: 12 bytes. */
struct ll_beneath {
	uint64_t	 rights;
	int32_t		 fd;
} __attribute__((__packed__));

/* The version of Landlock, or 0 where there is none. */
static long
landlock_abi(void)
{
	long	 abi;

	abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
	    LL_VERSION);
	if (abi < 1)
		log_debug("sandbox: no Landlock: %s", strerror(errno));
	return (abi < 1 ? 0 : abi);
}

/*
 * Handles every right that the kernel knows of and grants none, but for the one
 * who dials, that of connecting, and for the one who reads files, that of
 * reading, until sandbox_directories().  Where there is no Landlock the filter
 * alone has to do: of the others it allows no call that takes a path.
 */
static void
landlock_enter(uint32_t process)
{
	struct ll_attr	 attr = { LL_FS_1, 0, 0 };
	size_t		 size = sizeof(attr.fs);
	long		 abi;
	int		 fd;

	if ((abi = landlock_abi()) == 0)
		return;
	if (process == P_FILES)
		attr.fs &= ~(LL_READ_FILE | LL_READ_DIR);
	if (abi >= 2)
		attr.fs |= LL_FS_2;
	if (abi >= 3)
		attr.fs |= LL_FS_3;
	if (abi >= 4) {
		attr.net = LL_NET_4 | LL_CONNECT_4;
		if (process == P_DISCOVERY)
			attr.net = LL_NET_4;
		size = offsetof(struct ll_attr, scope);
	}
	if (abi >= 5)
		attr.fs |= LL_FS_5;
	if (abi >= 6) {
		attr.scope = LL_SCOPE_6;
		size = sizeof(attr);
	}
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0u);
	if (fd == -1)
		fatal("sandbox: landlock_create_ruleset");
	if (syscall(SYS_landlock_restrict_self, fd, 0u) == -1)
		fatal("sandbox: landlock_restrict_self");
	close(fd);
	log_debug("sandbox: Landlock, ABI %ld", abi);
}

void
sandbox_directories(const int *fds, size_t n)
{
	const struct ll_attr	 attr = { LL_READ_FILE | LL_READ_DIR, 0, 0 };
	struct ll_beneath	 rule;
	size_t			 i;
	int			 fd;

	if (landlock_abi() == 0)
		return;
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.fs),
	    0u);
	if (fd == -1)
		fatal("sandbox: landlock_create_ruleset");
	for (i = 0; i < n; i++) {
		rule.rights = LL_READ_FILE;
		rule.fd = fds[i];
		if (syscall(SYS_landlock_add_rule, fd, LL_BENEATH, &rule,
		    0u) == -1)
			fatal("sandbox: landlock_add_rule");
	}
	if (syscall(SYS_landlock_restrict_self, fd, 0u) == -1)
		fatal("sandbox: landlock_restrict_self");
	close(fd);
}

/* A kernel without seccomp answers no question about it. */
static int
seccomp_exists(void)
{
	return (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != -1);
}

/* The filter of one process in one stage; what is not in the table kills. */
static void
filter_load(uint32_t process, uint32_t stage)
{
	const struct rule	*r;
	scmp_filter_ctx		 ctx;
	size_t			 i;
	int			 error;

	ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (ctx == NULL)
		fatalx("sandbox: seccomp_init");
	error = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS);
	for (i = 0; error == 0 && i < sizeof(rules) / sizeof(rules[0]); i++) {
		r = &rules[i];
		if ((r->process & process) == 0 || (r->stage & stage) == 0)
			continue;
		error = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, r->call,
		    r->nargs, r->arg);
		/* The filter asks in the order of the table. */
		if (error == 0)
			error = seccomp_syscall_priority(ctx, r->call,
			    (uint8_t)(UINT8_MAX - i));
	}
	if (error != 0)
		fatalx("sandbox: rule %zu: %s", i, strerror(-error));
	error = seccomp_load(ctx);
	seccomp_release(ctx);
	if (error != 0)
		fatalx("sandbox: seccomp_load: %s", strerror(-error));
}

void
sandbox_enter(uint32_t process)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		fatal("sandbox: no_new_privs");
	landlock_enter(process);
	if (seccomp_exists())
		filter_load(process, START);
	else
		log_warnx("sandbox: this kernel has no seccomp");
}

void
sandbox_tighten(uint32_t process)
{
	if (seccomp_exists())
		filter_load(process, RUN);
}

#endif /* NO_SANDBOX */
