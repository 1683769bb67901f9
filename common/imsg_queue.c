/*
 * Messages between processes, the writing half: one buffer of what waits, and
 * the descriptors that go with some of it.  Run by every process at each end of
 * each pipe; what it is given to send is held against msg_table too, so that a
 * bug is seen where it is.
 *
 * sendmsg(2) is called for a message with a descriptor and for nothing else:
 * only the parent and discovery have any, and the sandbox kills the others for
 * the call.
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg_private.h"
#include "msg.h"

#define QUEUE_SIZE	((size_t)16 * 1024)	/* at first */

/* Moves the queue to the start of its buffer. */
static void
queue_compact(struct imsgbuf *ib)
{
	size_t	 i;

	memmove(ib->out, ib->out + ib->out_head, ib->out_len - ib->out_head);
	for (i = ib->fdq_head; i < ib->fdq_len; i++)
		ib->fdq[i].off -= ib->out_head;
	ib->out_len -= ib->out_head;
	ib->out_head = 0;
}

/*
 * Makes room for n bytes behind the queue.  Moves it only where at least half
 * of the buffer comes free by that, so that every byte is moved at most once on
 * average; else the buffer doubles.
 */
static int
queue_room(struct imsgbuf *ib, size_t n)
{
	uint8_t	*p;
	size_t	 size;

	if (n <= ib->out_size - ib->out_len)
		return (0);
	if (ib->out_head >= ib->out_size / 2 && ib->out_head > 0) {
		queue_compact(ib);
		if (n <= ib->out_size - ib->out_len)
			return (0);
	}
	if (n > SIZE_MAX / 4 || ib->out_len > SIZE_MAX / 4) {
		errno = ENOMEM;
		return (-1);
	}
	size = ib->out_size == 0 ? QUEUE_SIZE : ib->out_size;
	while (n > size - ib->out_len)
		size *= 2;
	p = realloc(ib->out, size);
	if (p == NULL)
		return (-1);
	ib->out = p;
	ib->out_size = size;
	return (0);
}

/* Notes that fd goes with the message that will be queued next. */
static int
queue_fd(struct imsgbuf *ib, int fd)
{
	struct queued_fd	*p;
	size_t			 size;

	if (ib->fdq_head == ib->fdq_len)
		ib->fdq_head = ib->fdq_len = 0;
	if (ib->fdq_len == ib->fdq_size) {
		size = ib->fdq_size == 0 ? 8 : ib->fdq_size * 2;
		p = reallocarray(ib->fdq, size, sizeof(*p));
		if (p == NULL)
			return (-1);
		ib->fdq = p;
		ib->fdq_size = size;
	}
	ib->fdq[ib->fdq_len].off = ib->out_len;
	ib->fdq[ib->fdq_len].fd = fd;
	ib->fdq_len++;
	return (0);
}

static void *
reserve(struct imsgbuf *ib, uint32_t type, uint32_t peerid, int fd, size_t len)
{
	struct imsg_hdr	 hdr;
	uint8_t		*p;
	size_t		 n;

	if (len > UINT32_MAX || msg_check(type, ib->self, ib->peer,
	    (uint32_t)len, fd != -1) != NULL) {
		errno = EMSGSIZE;
		return (NULL);
	}
	n = imsg_wire_size(len);
	if (queue_room(ib, n) == -1)
		return (NULL);
	if (fd != -1 && queue_fd(ib, fd) == -1)
		return (NULL);
	hdr.type = type;
	hdr.len = (uint32_t)len;
	hdr.peerid = peerid;
	hdr.pid = ib->pid;
	p = ib->out + ib->out_len;
	memcpy(p, &hdr, IMSG_HDR);
	if (n > IMSG_HDR)
		memset(p + n - 8, 0, 8);	/* the padding */
	ib->out_len += n;
	return (p + IMSG_HDR);
}

void *
imsg_reserve(struct imsgbuf *ib, uint32_t type, uint32_t peerid, size_t len)
{
	return (reserve(ib, type, peerid, -1, len));
}

int
imsg_send(struct imsgbuf *ib, uint32_t type, uint32_t peerid, int fd,
    const void *data, size_t len)
{
	void	*p;
	int	 save;

	p = reserve(ib, type, peerid, fd, len);
	if (p == NULL) {
		if (fd != -1) {
			save = errno;
			close(fd);
			errno = save;
		}
		return (-1);
	}
	if (len > 0)
		memcpy(p, data, len);
	return (0);
}

int
imsg_send2(struct imsgbuf *ib, uint32_t type, uint32_t peerid, const void *a,
    size_t alen, const void *b, size_t blen)
{
	uint8_t	*p;

	if (alen > UINT32_MAX || blen > UINT32_MAX - alen) {
		errno = EMSGSIZE;
		return (-1);
	}
	p = reserve(ib, type, peerid, -1, alen + blen);
	if (p == NULL)
		return (-1);
	if (alen > 0)
		memcpy(p, a, alen);
	if (blen > 0)
		memcpy(p + alen, b, blen);
	return (0);
}

size_t
imsg_queued(const struct imsgbuf *ib)
{
	return (ib->out_len - ib->out_head);
}

/* Sends n bytes with a descriptor. */
static ssize_t
send_fd(int sock, const void *p, size_t n, int fd)
{
	union {
		struct cmsghdr	 hdr;
		uint8_t		 buf[CMSG_SPACE(sizeof(int))];
	} c;
	struct msghdr	 msg;
	struct cmsghdr	*cmsg;
	struct iovec	 iov;

	memset(&msg, 0, sizeof(msg));
	memset(&c, 0, sizeof(c));
	iov.iov_base = (void *)(uintptr_t)p;
	iov.iov_len = n;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = &c;
	msg.msg_controllen = sizeof(c.buf);
	cmsg = CMSG_FIRSTHDR(&msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return (sendmsg(sock, &msg, 0));
}

/*
 * Writes from the head of the queue to the next message with a descriptor, or
 * from that message to the one after it.  The descriptor is gone as soon as one
 * byte of its message is.
 */
static ssize_t
flush_some(struct imsgbuf *ib, size_t *want)
{
	size_t	 end, next;
	ssize_t	 n;
	int	 with_fd;

	next = ib->fdq_head;
	with_fd = next < ib->fdq_len && ib->fdq[next].off == ib->out_head;
	if (with_fd)
		next++;
	end = next < ib->fdq_len ? ib->fdq[next].off : ib->out_len;
	*want = end - ib->out_head;
	if (!with_fd)
		return (write(ib->fd, ib->out + ib->out_head, *want));
	n = send_fd(ib->fd, ib->out + ib->out_head, *want,
	    ib->fdq[ib->fdq_head].fd);
	if (n > 0)
		close(ib->fdq[ib->fdq_head++].fd);
	return (n);
}

int
imsg_flush(struct imsgbuf *ib)
{
	size_t	 want;
	ssize_t	 n;

	while (ib->out_head < ib->out_len) {
		n = flush_some(ib, &want);
		if (n == -1) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN || errno == EWOULDBLOCK ||
			    errno == ENOBUFS)
				return (1);
			return (-1);
		}
		ib->out_head += (size_t)n;
		if ((size_t)n < want)
			return (1);	/* full: no need to be told again */
	}
	ib->out_head = ib->out_len = 0;
	return (0);
}

void
imsg_queue_free(struct imsgbuf *ib)
{
	for (; ib->fdq_head < ib->fdq_len; ib->fdq_head++)
		close(ib->fdq[ib->fdq_head].fd);
	free(ib->fdq);
	free(ib->out);
}

void
imsg_queue_trim(struct imsgbuf *ib)
{
	if (ib->out_head != ib->out_len)
		return;
	free(ib->out);
	ib->out = NULL;
	ib->out_head = ib->out_len = ib->out_size = 0;
	free(ib->fdq);
	ib->fdq = NULL;
	ib->fdq_head = ib->fdq_len = ib->fdq_size = 0;
}
