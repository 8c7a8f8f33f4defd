/* Log entries, and which blobs they name: anything at all may stand in one. */
#include "audit/entry.h"
#include "policy/apply.h"
#include "tests/fuzz/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span	in = SPAN(data, size);
	struct entry		e;
	struct buf		b = BUF_INIT(ENTRY_BYTES_MAX);
	uint8_t			digest[2][SHA256_BYTES];
	size_t			n = 0;

	if (entry_parse(in, &e, NULL) == RC_OK) {
		PROMISE(size <= ENTRY_BYTES_MAX && e.dsse.n == size - 8);
		entry_write(e.time, e.dsse, &b);
		fuzz_same(&b, in);
		PROMISE(entry_blobs(in, digest, &n, NULL) == RC_OK && n <= 2);
	}
	buf_done(&b);
	return 0;
}
