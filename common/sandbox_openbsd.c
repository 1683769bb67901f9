/*
 * The sandbox on OpenBSD: pledge(2) and unveil(2).  Run by the children; trusts
 * nothing.
 *
 * Promises are the same in both stages: a reload brings new listeners and a
 * restarted process a new pipe, so that descriptors are received for ever.
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

#include <stddef.h>
#include <unistd.h>

static const struct {
	uint32_t	 process;
	const char	*promises;
} promises[] = {
	/*
	 * stdio:	pipes, malloc, clocks, the log
	 * inet, unix:	accept and socket options of its clients; the system
	 *		has no promise for these without socket(2)
	 * recvfd:	listeners and pipes, from the parent
	 */
	{ P_FRONTEND,	"stdio inet unix recvfd" },
	/*
	 * stdio:	pipes, malloc, clocks, the log
	 * recvfd:	pipes, from the parent
	 */
	{ P_ROUTER,	"stdio recvfd" },
	/*
	 * stdio:	pipes, links, malloc, clocks, the log
	 * inet:	accept and socket options of its links
	 * recvfd:	listeners and pipes from the parent, connected sockets
	 *		from discovery
	 */
	{ P_CRYPTO,	"stdio inet recvfd" },
	/*
	 * stdio:	pipes, malloc, clocks, the log
	 * inet:	mDNS, name servers, dialling
	 * mcast:	the groups of mDNS
	 * route:	interfaces and their addresses
	 * recvfd:	pipes, from the parent
	 * sendfd:	connected sockets, to crypto
	 */
	{ P_DISCOVERY,	"stdio inet mcast route recvfd sendfd" },
	/*
	 * stdio:	pipes, malloc, clocks, the log
	 * recvfd:	pipes and directories, from the parent
	 *
	 * It serves nothing here: no call of this system opens a file beneath
	 * a directory and nowhere else, see files/beneath.c.
	 */
	{ P_FILES,	"stdio recvfd" }
};

void
sandbox_enter(uint32_t process)
{
	size_t	 i;

	/* No path can be opened, bound or connected to. */
	if (unveil("/", "") == -1 || unveil(NULL, NULL) == -1)
		fatal("unveil");
	for (i = 0; i < sizeof(promises) / sizeof(promises[0]); i++) {
		if (promises[i].process != process)
			continue;
		if (pledge(promises[i].promises, NULL) == -1)
			fatal("pledge");
		return;
	}
	fatalx("sandbox: no promises for %s", process_name(process));
}

void
sandbox_directories(const int *fds, size_t n)
{
	(void)fds;
	(void)n;
}

/*
 * Nothing is left over from the start: without "proc", "exec" and "rpath" there
 * are no rights to give up.
 */
void
sandbox_tighten(uint32_t process)
{
	(void)process;
}

#endif /* NO_SANDBOX */
