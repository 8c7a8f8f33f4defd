/* coordinator/frames.c - whole frames over a pipe. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "coordinator/worker.h"

#define HEAD_BYTES	5

static enum rc
await(int fd, short events, int ms, struct err *err)
{
	struct pollfd	p = { fd, events, 0 };
	int		n;

	do
		n = poll(&p, 1, ms);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return err_set(err, RC_IO, "the other end of the pipe is silent for %d s", ms / 1000);
	return n > 0 ? RC_OK : err_set(err, RC_IO, "poll: %s", strerror(errno));
}

static enum rc
write_all(int fd, int ms, const uint8_t *p, size_t n, struct err *err)
{
	ssize_t	w;

	while (n > 0) {
		w = write(fd, p, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0 && errno == EAGAIN) {
			TRY(await(fd, POLLOUT, ms, err));
			continue;
		}
		if (w < 0)
			return err_set(err, RC_UNSURE, "the other end of the pipe is gone");
		p += w;
		n -= (size_t)w;
	}
	return RC_OK;
}

static enum rc
read_all(int fd, int ms, uint8_t *p, size_t n, struct err *err)
{
	ssize_t	r;

	while (n > 0) {
		r = read(fd, p, n);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0 && errno == EAGAIN) {
			TRY(await(fd, POLLIN, ms, err));
			continue;
		}
		if (r <= 0)
			return err_set(err, RC_UNSURE, "the other end of the pipe is gone");
		p += r;
		n -= (size_t)r;
	}
	return RC_OK;
}

enum rc
frame_send(int fd, int ms, enum worker_frame kind, struct span body, struct err *err)
{
	uint8_t	head[HEAD_BYTES];

	if (body.n > WORKER_FRAME_MAX)
		return err_set(err, RC_LIMIT, "a frame of %zu bytes", body.n);
	head[0] = (uint8_t)(body.n >> 24);
	head[1] = (uint8_t)(body.n >> 16);
	head[2] = (uint8_t)(body.n >> 8);
	head[3] = (uint8_t)body.n;
	head[4] = (uint8_t)kind;
	TRY(write_all(fd, ms, head, sizeof(head), err));
	return write_all(fd, ms, body.p, body.n, err);
}

enum rc
frame_receive(int fd, int ms, uint8_t *ret_kind, struct buf *body, struct err *err)
{
	uint8_t	head[HEAD_BYTES], *p;
	size_t	n;

	TRY(read_all(fd, ms, head, sizeof(head), err));
	n = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
	if (n > WORKER_FRAME_MAX || n > body->max)
		return err_set(err, RC_FORMAT, "a frame of %zu bytes", n);
	buf_reset(body);
	p = buf_extend(body, n);
	TRY(buf_check(body, "frame", err));
	if (n > 0)
		TRY(read_all(fd, ms, p, n, err));
	*ret_kind = head[4];
	return RC_OK;
}
