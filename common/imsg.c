/*
 * Messages between processes, the reading half, and the imsgbuf as a whole.
 * Run by every process at each end of each pipe.  Trusts nothing that it reads:
 * a header is held against msg_table before its length is used, a descriptor is
 * given only to the message that it came with.
 *
 * On the wire every message begins at a multiple of 8 bytes from the last one,
 * so that in a buffer that is aligned every payload is.
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg_private.h"
#include "msg.h"

#define READ_SIZE	((size_t)64 * 1024)	/* usual buffer for reading */
#define READ_BURST	((size_t)256 * 1024)	/* when reads fill that */

struct imsgbuf *
imsgbuf_new(int fd, uint32_t self, uint32_t peer, int take_fds)
{
	struct imsgbuf	*ib;

	ib = calloc(1, sizeof(*ib));
	if (ib == NULL)
		return (NULL);
	ib->fd = fd;
	ib->self = self;
	ib->peer = peer;
	ib->pid = (uint32_t)getpid();
	ib->take_fds = take_fds;
	return (ib);
}

void
imsgbuf_free(struct imsgbuf *ib)
{
	if (ib == NULL)
		return;
	while (ib->nfds > 0)
		close(ib->fds[--ib->nfds].fd);
	imsg_queue_free(ib);
	close(ib->fd);
	free(ib->in);
	free(ib);
}

int
imsgbuf_fd(const struct imsgbuf *ib)
{
	return (ib->fd);
}

uint32_t
imsgbuf_peer(const struct imsgbuf *ib)
{
	return (ib->peer);
}

/* Gives the read buffer this size, which is not below what it holds. */
static int
input_resize(struct imsgbuf *ib, size_t size)
{
	uint8_t	*p;

	p = realloc(ib->in, size);
	if (p == NULL)
		return (-1);
	ib->in = p;
	ib->in_size = size;
	return (0);
}

/*
 * Makes room to read: what is left over goes to the start, and the buffer grows
 * to hold the message that it begins with, or for a burst.
 */
static int
input_room(struct imsgbuf *ib)
{
	size_t	 size;

	if (ib->in_head > 0) {
		ib->in_len -= ib->in_head;
		memmove(ib->in, ib->in + ib->in_head, ib->in_len);
		ib->in_head = 0;
	}
	size = ib->in_size == 0 ? READ_SIZE : ib->in_size;
	if (ib->in_full && size < READ_BURST)
		size = READ_BURST;
	if (size < ib->in_need)
		size = ib->in_need;
	ib->in_full = 0;
	if (size > ib->in_size && input_resize(ib, size) == -1)
		return (-1);
	return (0);
}

/* Keeps a descriptor that came in a read that ended at end. */
static void
input_fd(struct imsgbuf *ib, int fd, uint64_t end)
{
	if (ib->nfds == IMSG_FDS_MAX) {
		ib->broken = "too many descriptors";
		close(fd);
		return;
	}
	ib->fds[ib->nfds].end = end;
	ib->fds[ib->nfds].fd = fd;
	ib->nfds++;
}

/*
 * Reads with descriptors.  The kernel ends a read behind the piece that one
 * came with, so there is at most one for each read from an honest peer.
 */
static ssize_t
read_fds(struct imsgbuf *ib, void *p, size_t size)
{
	union {
		struct cmsghdr	 hdr;
		uint8_t		 buf[CMSG_SPACE(sizeof(int))];
	} c;
	struct msghdr	 msg;
	struct cmsghdr	*cmsg;
	struct iovec	 iov;
	ssize_t		 n;
	size_t		 i, count;
	int		 fd;

	memset(&msg, 0, sizeof(msg));
	iov.iov_base = p;
	iov.iov_len = size;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = &c;
	msg.msg_controllen = sizeof(c.buf);
	n = recvmsg(ib->fd, &msg, MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return (n);
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg != NULL;
	    cmsg = CMSG_NXTHDR(&msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int),
			    sizeof(fd));
			input_fd(ib, fd, ib->in_pos + ib->in_len + (size_t)n);
		}
	}
	if (msg.msg_flags & MSG_CTRUNC)
		ib->broken = "descriptor lost: too many, or none free";
	return (n);
}

int
imsg_read(struct imsgbuf *ib)
{
	size_t	 room;
	ssize_t	 n;

	if (input_room(ib) == -1)
		return (-1);
	/* Not more than the cache holds, where an old giant left room. */
	room = ib->in_size - ib->in_len;
	if (room > READ_BURST && ib->in_need < READ_BURST)
		room = READ_BURST;
	if (room == 0)
		return (1);	/* messages that were not fetched */
	if (ib->take_fds)
		n = read_fds(ib, ib->in + ib->in_len, room);
	else
		n = read(ib->fd, ib->in + ib->in_len, room);
	if (n == -1) {
		if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
			return (0);
		return (-1);
	}
	if (n == 0) {
		errno = 0;
		return (-1);
	}
	ib->in_len += (size_t)n;
	ib->in_full = (size_t)n == room;
	return (1);
}

int
imsg_feed(struct imsgbuf *ib, const void *data, size_t n, int fd)
{
	if (input_room(ib) == -1 ||
	    (n > ib->in_size - ib->in_len &&
	    input_resize(ib, ib->in_len + n) == -1)) {
		if (fd != -1)
			close(fd);
		errno = ENOMEM;
		return (-1);
	}
	if (fd != -1)
		input_fd(ib, fd, ib->in_pos + ib->in_len + n);
	if (n > 0)
		memcpy(ib->in + ib->in_len, data, n);
	ib->in_len += n;
	return (0);
}

/* Nothing whole is left: what a descriptor that nobody claimed means. */
static int
get_none(struct imsgbuf *ib, size_t need)
{
	ib->in_need = need;
	if (ib->in_head == ib->in_len)
		ib->in_head = ib->in_len = 0;
	return (0);
}

static int
get_broken(struct imsgbuf *ib, const char *rule, const char **why)
{
	ib->broken = rule;
	*why = rule;
	return (-1);
}

int
imsg_get(struct imsgbuf *ib, struct imsg *m, const char **why)
{
	const struct msg_info	*info;
	const char		*rule;
	size_t			 left, size;
	int			 has_fd;

	ib->in_lent = 0;
	memset(&m->hdr, 0, sizeof(m->hdr));
	m->data = NULL;
	m->fd = -1;
	if (ib->broken != NULL)
		return (get_broken(ib, ib->broken, why));
	/* The message that a descriptor came with has gone by. */
	if (ib->nfds > 0 && ib->fds[0].end <= ib->in_pos)
		return (get_broken(ib, "unexpected descriptor", why));
	left = ib->in_len - ib->in_head;
	if (IMSG_HDR > left)
		return (get_none(ib, 0));
	memcpy(&m->hdr, ib->in + ib->in_head, IMSG_HDR);
	info = &msg_table[m->hdr.type < MSG_TYPES ? m->hdr.type : MSG_NONE];
	has_fd = info->fd != 0 && ib->nfds > 0;
	rule = msg_check(m->hdr.type, ib->peer, ib->self, m->hdr.len, has_fd);
	if (rule != NULL)
		return (get_broken(ib, rule, why));
	size = imsg_wire_size(m->hdr.len);
	if (size > left)
		return (get_none(ib, size));
	if (has_fd) {
		m->fd = ib->fds[0].fd;
		ib->nfds--;
		memmove(&ib->fds[0], &ib->fds[1],
		    ib->nfds * sizeof(ib->fds[0]));
	}
	m->data = ib->in + ib->in_head + IMSG_HDR;
	ib->in_head += size;
	ib->in_pos += size;
	ib->in_need = 0;
	ib->in_lent = 1;
	return (1);
}

const void *
imsg_struct(const struct imsg *m, size_t size)
{
	return (m->hdr.len == size ? m->data : NULL);
}

size_t
imsg_memory(const struct imsgbuf *ib)
{
	return (ib->out_size + ib->in_size +
	    ib->fdq_size * sizeof(struct queued_fd));
}

void
imsg_trim(struct imsgbuf *ib)
{
	imsg_queue_trim(ib);
	if (ib->in_head == ib->in_len && !ib->in_lent && ib->in != NULL) {
		free(ib->in);
		ib->in = NULL;
		ib->in_head = ib->in_len = ib->in_size = 0;
		ib->in_full = 0;
	}
}
