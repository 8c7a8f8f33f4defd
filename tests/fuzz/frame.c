/* Frames between our own processes: a pipe that holds anything at all. */
#include <unistd.h>

#include "coordinator/worker.h"
#include "custodian/frame.h"
#include "tests/fuzz/lib/fuzz.h"

#define PIPE_MAX	(32u << 10)	/* what a pipe takes without a reader */

/* The reading end of a pipe that holds just these bytes. */
static int
holding(const uint8_t *data, size_t size)
{
	int	fd[2];

	PROMISE(pipe(fd) == 0);
	PROMISE(size == 0 || write(fd[1], data, size) == (ssize_t)size);
	(void)close(fd[1]);
	return fd[0];
}

static void
of_custodian(const uint8_t *data, size_t size)
{
	struct frame	f = { .payload = BUF_INIT(FRAME_BYTES_MAX) };
	int		fd = holding(data, size), at;
	size_t		n = 0;

	for (at = 0; at < 4 && frame_read(fd, 0, &f, NULL) == RC_OK; at++) {
		n += FRAME_HEAD_BYTES + strlen(f.words) + f.payload.n;
		PROMISE(n <= size && strlen(f.words) <= FRAME_WORDS_MAX);
	}
	(void)close(fd);
	buf_done(&f.payload);
}

static void
of_worker(const uint8_t *data, size_t size)
{
	struct buf	body = BUF_INIT(1 << 20);
	int		fd = holding(data, size), at;
	uint8_t		kind;
	size_t		n = 0;

	for (at = 0; at < 4 && frame_receive(fd, 0, &kind, &body, NULL) == RC_OK; at++) {
		n += 5 + body.n;
		PROMISE(n <= size);
	}
	(void)close(fd);
	buf_done(&body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > PIPE_MAX)
		return 0;
	of_custodian(data, size);
	of_worker(data, size);
	return 0;
}
