/* custodian/frame.c - bounded frames over a stream socket. */
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/wire.h"
#include "custodian/frame.h"

static enum rc
send_all(int fd, const uint8_t *p, size_t n, struct err *err)
{
	ssize_t	done;

	while (n > 0) {
		done = send(fd, p, n, MSG_NOSIGNAL);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return err_set(err, RC_IO, "frame: %s", strerror(errno));
		p += done;
		n -= (size_t)done;
	}
	return RC_OK;
}

static enum rc
recv_all(int fd, uint8_t *p, size_t n, struct err *err)
{
	ssize_t	done;

	while (n > 0) {
		done = recv(fd, p, n, 0);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return err_set(err, RC_IO, "frame: %s",
			    done == 0 ? "the other side is gone" : strerror(errno));
		p += done;
		n -= (size_t)done;
	}
	return RC_OK;
}

enum rc
frame_write(int fd, uint32_t id, uint8_t code, uint8_t roles, uint8_t from, const char *words,
    struct span payload, struct err *err)
{
	AUTO_DONE(buf_done) struct buf head = BUF_INIT(FRAME_HEAD_BYTES + FRAME_WORDS_MAX);
	size_t	n = words == NULL ? 0 : strnlen(words, FRAME_WORDS_MAX);

	if (payload.n > FRAME_BYTES_MAX - FRAME_HEAD_BYTES - FRAME_WORDS_MAX)
		return err_set(err, RC_LIMIT, "frame: %zu bytes are too many", payload.n);
	buf_u32(&head, (uint32_t)(FRAME_HEAD_BYTES - 4 + n + payload.n));
	buf_u32(&head, id);
	buf_u8(&head, code);
	buf_u8(&head, roles);
	buf_u8(&head, from);
	buf_u8(&head, 0);
	buf_u16(&head, (uint16_t)n);
	buf_add(&head, words, n);
	TRY(buf_check(&head, "frame", err));
	TRY(send_all(fd, head.p, head.n, err));
	return send_all(fd, payload.p, payload.n, err);
}

static enum rc
wait_for(int fd, int timeout_ms, struct err *err)
{
	struct pollfd	p = { .fd = fd, .events = POLLIN };
	int		n;

	do
		n = poll(&p, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return err_set(err, RC_UNSURE, "frame: no answer in %d ms", timeout_ms);
	if (n < 0)
		return err_set(err, RC_IO, "frame: %s", strerror(errno));
	return RC_OK;
}

enum rc
frame_read(int fd, int timeout_ms, struct frame *ret, struct err *err)
{
	uint8_t		head[FRAME_HEAD_BYTES], *p;
	struct rd	r = rd_init(SPAN_OF(head));
	uint32_t	length, id;
	uint16_t	words;
	uint8_t		zero;

	TRY(wait_for(fd, timeout_ms, err));
	TRY(recv_all(fd, head, sizeof(head), err));
	if (!rd_u32(&r, &length) || !rd_u32(&r, &id) || !rd_u8(&r, &ret->code) ||
	    !rd_u8(&r, &ret->roles) || !rd_u8(&r, &ret->from) || !rd_u8(&r, &zero) ||
	    !rd_u16(&r, &words) || !rd_done(&r) || zero != 0 ||
	    length > FRAME_BYTES_MAX || words > FRAME_WORDS_MAX ||
	    length < FRAME_HEAD_BYTES - 4u + words)
		return err_set(err, RC_IO, "frame: malformed");
	ret->id = id;
	TRY(recv_all(fd, (uint8_t *)ret->words, words, err));
	ret->words[words] = '\0';
	buf_reset(&ret->payload);
	length -= FRAME_HEAD_BYTES - 4u + words;
	p = buf_extend(&ret->payload, length);
	TRY(buf_check(&ret->payload, "frame", err));
	return length == 0 ? RC_OK : recv_all(fd, p, length, err);
}

union fd_control {
	struct cmsghdr	head;
	char		bytes[CMSG_SPACE(sizeof(int))];
};

enum rc
frame_fd_send(int control, int fd, struct err *err)
{
	union fd_control	c;
	char			byte = 0;
	struct iovec		iov = { &byte, 1 };
	struct msghdr		m = { .msg_iov = &iov, .msg_iovlen = 1,
				    .msg_control = c.bytes, .msg_controllen = sizeof(c.bytes) };
	ssize_t			n;

	memset(&c, 0, sizeof(c));
	c.head.cmsg_level = SOL_SOCKET;
	c.head.cmsg_type = SCM_RIGHTS;
	c.head.cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(&c.head), &fd, sizeof(fd));
	do
		n = sendmsg(control, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == 1 ? RC_OK : err_set(err, RC_IO, "descriptor: %s", strerror(errno));
}

enum rc
frame_fd_recv(int control, int *ret_fd, struct err *err)
{
	union fd_control	c;
	char			byte;
	struct iovec		iov = { &byte, 1 };
	struct msghdr		m = { .msg_iov = &iov, .msg_iovlen = 1,
				    .msg_control = c.bytes, .msg_controllen = sizeof(c.bytes) };
	struct cmsghdr		*h;
	ssize_t			n;

	do
		n = recvmsg(control, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return err_set(err, RC_IO, "descriptor: %s",
		    n == 0 ? "the other side is gone" : strerror(errno));
	h = CMSG_FIRSTHDR(&m);
	if (h == NULL || h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS ||
	    h->cmsg_len != CMSG_LEN(sizeof(*ret_fd)))
		return err_set(err, RC_IO, "descriptor: none came");
	memcpy(ret_fd, CMSG_DATA(h), sizeof(*ret_fd));
	return RC_OK;
}
