/*
 * A release worker as its parent hears it: whatever comes out of the pipe, nothing is taken for keys
 * that did not come in a frame of that kind, and what it says went wrong is words.
 * The input: u8 what was asked (a case, or to combine), then what the pipe holds.
 */
#include <fcntl.h>
#include <unistd.h>

#include "coordinator/hire.h"
#include "evidence/cms.h"
#include "tests/fuzz/lib/fuzz.h"

#define PIPE_MAX	(32u << 10)
#define FRAME_HEAD	5u

static void
is_words(const struct err *err)
{
	PROMISE(err->rc > RC_OK && err->rc <= RC_BUG && memchr(err->msg, '\0', sizeof(err->msg)) != NULL);
}

static void
combine(struct hired *w, const uint8_t *sent, size_t n)
{
	struct buf	keys = BUF_INIT(CMS_BYTES_MAX);
	struct err	err = { RC_OK, "" };
	uint32_t	good = 0, bad = 0;

	if (hired_combine(w, &good, &bad, &keys, &err) == RC_OK) {
		PROMISE(n >= FRAME_HEAD + 8 && sent[4] == WORKER_KEYS);
		PROMISE(keys.n <= n - FRAME_HEAD - 8 && memcmp(keys.p, sent + FRAME_HEAD + 8, keys.n) == 0);
	} else {
		is_words(&err);
		PROMISE(keys.n == 0);
	}
	buf_done(&keys);
}

static void
ask_case(struct hired *w, const uint8_t *sent, size_t n)
{
	static const uint8_t	order[SHA256_BYTES];
	struct err		err = { RC_OK, "" };

	if (hired_case(w, order, SPAN_STR("a case"), &err) == RC_OK)
		PROMISE(n >= FRAME_HEAD && sent[4] == WORKER_READY);
	else
		is_words(&err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hired	w;
	int		from[2], to[2];

	if (size < 1 || size > PIPE_MAX)
		return 0;
	PROMISE(pipe(from) == 0 && pipe(to) == 0);
	PROMISE(size == 1 || write(from[1], data + 1, size - 1) == (ssize_t)(size - 1));
	(void)close(from[1]);
	hired_init(&w);
	w.to = to[1];
	w.from = from[0];
	w.silent_ms = 0;
	if (data[0] % 2 == 0)
		combine(&w, data + 1, size - 1);
	else
		ask_case(&w, data + 1, size - 1);
	hired_done(&w);
	(void)close(to[0]);
	return 0;
}
