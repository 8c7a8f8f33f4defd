/* Signed notes, checkpoints, cosignature lines. */
#include "tests/fuzz/lib/fuzz.h"

static const char	text[] = FUZZ_ORIGIN "\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct fuzz_keys	*k = fuzz_keys();
	const struct span	 in = SPAN(data, size);
	struct buf		 b = BUF_INIT(NOTE_BYTES_MAX);
	struct checkpoint	 cp, stated;
	struct note_cosigned	 who;
	when			 time;

	if (checkpoint_stated(in, &stated, NULL) == RC_OK) {
		checkpoint_text(&stated, &b);
		PROMISE(b.n < size && memcmp(b.p, data, b.n) == 0 && data[b.n] == '\n');
		PROMISE(size <= NOTE_BYTES_MAX);
	}
	if (checkpoint_verify(in, &k->log_note, k->witness_note, FUZZ_WITNESSES, &cp, &who, NULL) == RC_OK) {
		PROMISE(checkpoint_stated(in, &stated, NULL) == RC_OK);
		PROMISE(cp.size == stated.size && memcmp(cp.root, stated.root, sizeof(cp.root)) == 0);
		PROMISE(strcmp(cp.origin, FUZZ_ORIGIN) == 0 && who.mask < 1u << FUZZ_WITNESSES);
	}
	if (cosignature_line_verify(in, span_str(text), &k->witness_note[0], &time, NULL) == RC_OK)
		PROMISE(size > 0 && data[size - 1] == '\n');
	buf_done(&b);
	return 0;
}
