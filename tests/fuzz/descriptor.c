/* Descriptors: what parses writes back to the same bytes. */
#include "policy/descriptor.h"
#include "tests/fuzz/lib/fuzz.h"

static enum rc
one(void *user, uint32_t leaf, struct span bytes, struct err *err)
{
	uint32_t	*n = user;

	(void)bytes;
	(void)err;
	PROMISE(leaf == (*n)++);
	return RC_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct descriptor	d;
	struct buf		b = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	uint32_t		n = 0;

	if (descriptor_parse_form(SPAN(data, size), &d, NULL) == RC_OK) {
		PROMISE(d.n_parts >= 1 && d.n_parts <= PARTS_MAX && d.commits.threshold <= d.shares);
		descriptor_write(&d, &b);
		fuzz_same(&b, SPAN(data, size));
		PROMISE((descriptor_parse(SPAN(data, size), &d, NULL) == RC_OK) ==
		    (shamir_commits_check(&d.commits, NULL) == RC_OK));
	} else {
		PROMISE(descriptor_parse(SPAN(data, size), &d, NULL) != RC_OK);
	}
	if (descriptor_vector_each(SPAN(data, size), 2, one, &n, NULL) == RC_OK)
		PROMISE(n == 2);
	buf_done(&b);
	return 0;
}
