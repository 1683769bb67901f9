/*
 * What a process may ask of the kernel.  One table in each sandbox_<system>.c,
 * to be held against the table of processes in DESIGN and nws-ipc(7).
 *
 * Built with -DNO_SANDBOX (sanitizers need calls that no filter can list) both
 * functions do nothing but say so in the log.
 */
#ifndef COMMON_SANDBOX_H
#define COMMON_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

/*
 * First stage, before the first byte is read: no exec, no new sockets, no
 * files.  Leaves what the start still needs.  process is a P_ bit.  fatal()
 * when the system has a sandbox and refuses it.
 */
void	sandbox_enter(uint32_t process);

/*
 * Before the second stage, of the process that serves files: from here on none
 * can be read but beneath these directories, where the system can see to that.
 * fatal() when it can and refuses.
 */
void	sandbox_directories(const int *fds, size_t n);

/* Second stage, at START: only what the running process needs. */
void	sandbox_tighten(uint32_t process);

/*
 * Makes a call that the sandbox forbids (enum trip); returns only where the
 * sandbox failed.
 */
void	sandbox_trip(uint32_t call);

#endif
