/* Verifier keys: one spelling each. */
#include "tests/fuzz/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct note_key	k;
	struct buf	b = BUF_INIT(4096);

	if (note_key_parse(SPAN(data, size), &k, NULL) == RC_OK) {
		note_key_write(&k, &b);
		fuzz_same(&b, SPAN(data, size));
	}
	buf_done(&b);
	return 0;
}
