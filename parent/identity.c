/*
 * The file with the key of links, for "identity persistent": identity, where
 * state is kept, the 32 bytes of a private Ed25519 key.  Runs in the parent,
 * which passes the key on to crypto and keeps no copy of it.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <bsd/stdlib.h>
#endif

#include "common/log.h"
#include "parent/parent.h"

#define NAME "identity"

/* What is wrong with an open file, or NULL; then the key is in seed. */
static const char *
read_seed(int fd, uint8_t seed[MSG_SEED_BYTES])
{
	struct stat st;
	uint8_t buf[MSG_SEED_BYTES + 1];
	ssize_t n;

	if (fstat(fd, &st) == -1)
		return (strerror(errno));
	if (!S_ISREG(st.st_mode))
		return ("not a file");
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return ("belongs to another user");
	if ((st.st_mode & 077) != 0)
		return ("others may read or write it, expected mode 0600");
	if ((n = read(fd, buf, sizeof(buf))) == -1)
		return (strerror(errno));
	memcpy(seed, buf, MSG_SEED_BYTES);
	explicit_bzero(buf, sizeof(buf));
	return (n == MSG_SEED_BYTES ? NULL :
	    "not a key, expected 32 bytes; without the file a new one is made");
}

/* Returns 1, 0 when there is no file, -1 with why. */
static int
load(uint8_t seed[MSG_SEED_BYTES], char why[WHY_MAX])
{
	char path[PATH_MAX], reason[WHY_MAX];
	const char *bad;
	int fd;

	if (state_path(NAME, path, sizeof(path), reason) == -1) {
		snprintf(why, WHY_MAX, "identity persistent: %.*s",
		    WHY_MAX - 32, reason);
		return (-1);
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1 && errno == ENOENT)
		return (0);
	bad = fd == -1 ? strerror(errno) : read_seed(fd, seed);
	if (fd != -1)
		close(fd);
	if (bad == NULL)
		return (1);
	snprintf(why, WHY_MAX, "identity persistent: %.*s: %s", WHY_MAX / 2,
	    path, bad);
	return (-1);
}

int
identity_prepare(const struct conf *conf, char why[WHY_MAX])
{
	uint8_t seed[MSG_SEED_BYTES];
	char reason[WHY_MAX];
	int rc;

	if (!conf->link || !conf->identity_persistent)
		return (0);
	if ((rc = load(seed, why)) == 0) {
		arc4random_buf(seed, sizeof(seed));
		if ((rc = state_write(NAME, seed, sizeof(seed), reason)) == -1)
			snprintf(why, WHY_MAX, "identity persistent: %.*s",
			    WHY_MAX - 32, reason);
		else
			log_info("made a new identity for links");
	}
	explicit_bzero(seed, sizeof(seed));
	return (rc == -1 ? -1 : 0);
}

void
identity_send(struct process *p)
{
	uint8_t seed[MSG_SEED_BYTES];
	char why[WHY_MAX];
	int rc = 0;

	if (parent.conf->identity_persistent && (rc = load(seed, why)) != 1)
		log_warnx("%s: links have a key of their own until nwsd is "
			  "started again",
		    rc == 0 ? "identity persistent: the file is gone" : why);
	process_send(p, MSG_IDENTITY, 0, -1, seed,
	    rc == 1 ? sizeof(seed) : 0);
	explicit_bzero(seed, sizeof(seed));
}
