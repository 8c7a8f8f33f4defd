/* Accusations: one that holds names two notes inside it, of this log. */
#include "audit/accusation.h"
#include "tests/fuzz/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct fuzz_keys	*k = fuzz_keys();
	const struct span	 in = SPAN(data, size);
	struct accusation	 a;

	if (accusation_verify(in, &k->log_note, k->witness_note, FUZZ_WITNESSES, &a, NULL) != RC_OK)
		return 0;
	PROMISE(size <= ACCUSATION_BYTES_MAX && a.a.size <= a.b.size);
	PROMISE(fuzz_within(a.note_a, in) && fuzz_within(a.note_b, in));
	PROMISE(strcmp(a.a.origin, FUZZ_ORIGIN) == 0 && strcmp(a.b.origin, FUZZ_ORIGIN) == 0);
	return 0;
}
