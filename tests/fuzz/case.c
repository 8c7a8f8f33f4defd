/* Cases: what parses writes back to the same bytes; none holds for a genesis that nobody has. */
#include "evidence/case.h"
#include "tests/fuzz/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t	nobody[SHA256_BYTES];
	const struct span	in = SPAN(data, size);
	struct evidence_case	c = CASE_INIT;
	struct checked_case	*checked = NULL;
	struct buf		b = BUF_INIT(CASE_BYTES_MAX);

	if (case_parse(in, &c, NULL) == RC_OK) {
		PROMISE(c.n_entries <= CASE_ENTRIES_MAX && c.n_later <= CASE_CHARTERS_MAX);
		PROMISE(case_write(&c, &b, NULL) == RC_OK);
		fuzz_same(&b, in);
		PROMISE(case_check(&c, nobody, nobody, 1, &checked, NULL) != RC_OK);
		PROMISE(case_lineage(&c, nobody, &checked, NULL) != RC_OK);
		case_done(&c);
	}
	buf_done(&b);
	return 0;
}
