/*
 * Hashes for tables whose keys outsiders choose, keyed with a secret of the
 * process so that nobody can make many keys meet in one place.
 */
#ifndef COMMON_HASH_H
#define COMMON_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * Chooses the secret; does nothing when called again.  Without this call the
 * first hash does it, which asks the kernel for random bytes: a process whose
 * sandbox may not do so calls it before.
 */
void	 hash_seed(void);

/* SipHash-2-4 of n bytes with the secret of the process. */
uint64_t hash_bytes(const void *, size_t n);

/*
 * A number that is hard to guess and not 0, another one for each call; costs no
 * system call after hash_seed().
 */
uint64_t hash_salt(void);

/*
 * SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF",
 * 2012), for tests and for who has a key of his own.
 */
uint64_t siphash24(const uint8_t key[16], const void *, size_t n);

#endif
