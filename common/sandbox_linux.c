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

#else

#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define PARENT_FD	3

#define START		0x1u	/* first stage: until START */
#define RUN		0x2u	/* second stage */
#define ALWAYS		(START | RUN)

#define ALL		P_CHILDREN
#define FRONTEND	P_FRONTEND

#define ARG_IS(n, value)	{ n, SCMP_CMP_EQ, value, 0 }
#define ARG_LACKS(n, bits)	{ n, SCMP_CMP_MASKED_EQ, bits, 0 }
#define ARGS_MAX		2

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
#define GETSOCKOPT(level, option)					\
	CALL2(getsockopt, FRONTEND, ALWAYS, ARG_IS(1, level),		\
	    ARG_IS(2, option))
#define SETSOCKOPT(level, option)					\
	CALL2(setsockopt, FRONTEND, ALWAYS, ARG_IS(1, level),		\
	    ARG_IS(2, option))

static const struct rule rules[] = {
	/* Frontend: send(3) and recv(3) on its clients, which are connected,
	   so that an address has no place. */
	CALL1(sendto, FRONTEND, ALWAYS, ARG_IS(4, 0)),
	CALL(recvfrom, FRONTEND, ALWAYS),
	/* Everybody: pipes, client sockets, the log. */
	CALL(read, ALL, ALWAYS),
	CALL(readv, ALL, ALWAYS),
	CALL(write, ALL, ALWAYS),
	CALL(writev, ALL, ALWAYS),
	CALL(close, ALL, ALWAYS),
	/* Everybody: descriptors, which come from the parent and only so. */
	CALL1(recvmsg, ALL, ALWAYS, ARG_IS(0, PARENT_FD)),
	/* Frontend: its clients come and go, who they are and by what way. */
	CALL(accept4, FRONTEND, ALWAYS),
	CALL(shutdown, FRONTEND, ALWAYS),
	CALL(getsockname, FRONTEND, ALWAYS),
	CALL(getpeername, FRONTEND, ALWAYS),
	GETSOCKOPT(SOL_SOCKET, SO_ERROR),
	GETSOCKOPT(SOL_SOCKET, SO_PEERCRED),
	GETSOCKOPT(SOL_SOCKET, SO_SNDBUF),
	GETSOCKOPT(SOL_SOCKET, SO_RCVBUF),
	SETSOCKOPT(SOL_SOCKET, SO_SNDBUF),
	SETSOCKOPT(SOL_SOCKET, SO_RCVBUF),
	SETSOCKOPT(SOL_SOCKET, SO_LINGER),
	SETSOCKOPT(SOL_SOCKET, SO_KEEPALIVE),
	SETSOCKOPT(IPPROTO_TCP, TCP_NODELAY),
	SETSOCKOPT(IPPROTO_TCP, TCP_NOTSENT_LOWAT),
	SETSOCKOPT(IPPROTO_TCP, TCP_USER_TIMEOUT),
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
#define SYS_landlock_restrict_self	446
#endif
#define LL_VERSION	0x1u
#define LL_FS_1		0x1fffull	/* execute to make_sym */
#define LL_FS_2		0x2000ull	/* refer */
#define LL_FS_3		0x4000ull	/* truncate */
#define LL_FS_5		0x8000ull	/* ioctl on devices */
#define LL_NET_4	0x3ull		/* bind and connect of TCP */
#define LL_SCOPE_6	0x3ull		/* abstract sockets, signals */

struct ll_attr {
	uint64_t	 fs, net, scope;
};

/*
 * Handles every right that the kernel knows of and grants none.  Where there is
 * no Landlock the filter alone has to do: it allows no call that takes a path.
 */
static void
landlock_enter(void)
{
	struct ll_attr	 attr = { LL_FS_1, 0, 0 };
	size_t		 size = sizeof(attr.fs);
	long		 abi;
	int		 fd;

	abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
	    LL_VERSION);
	if (abi < 1) {
		log_debug("sandbox: no Landlock: %s", strerror(errno));
		return;
	}
	if (abi >= 2)
		attr.fs |= LL_FS_2;
	if (abi >= 3)
		attr.fs |= LL_FS_3;
	if (abi >= 4) {
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
	landlock_enter();
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
