/* Proofs as files: what parses writes back to the same bytes. */
#include "tests/fuzz/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span	in = SPAN(data, size);
	struct tlog_proof	p;
	struct buf		extra = BUF_INIT(TLOG_EXTRA_BYTES_MAX), b = BUF_INIT(TLOG_PROOF_BYTES_MAX);

	if (tlog_proof_parse(in, &p, NULL) == RC_OK) {
		PROMISE(size <= TLOG_PROOF_BYTES_MAX && p.path.n <= TREE_PATH_MAX);
		PROMISE(fuzz_within(p.note, in) && fuzz_within(p.extra, in));
		if (tlog_proof_extra(&p, &extra, NULL) == RC_OK) {
			tlog_proof_write(p.index, &p.path, buf_view(&extra), p.note, &b);
			fuzz_same(&b, in);
		}
	}
	buf_done(&extra);
	buf_done(&b);
	return 0;
}
