/* Scopes: what parses writes back to the same bytes, and has as many segments as it says. */
#include "policy/scope.h"
#include "tests/fuzz/lib/fuzz.h"

static enum rc
count(void *user, uint32_t number, const struct scope_artifact *a, const struct scope_part *p, uint32_t segment,
    struct err *err)
{
	uint32_t	*n = user;

	(void)a;
	(void)err;
	PROMISE(number == (*n)++ && segment >= p->first && segment <= p->last);
	return RC_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scope	s;
	struct buf	b = BUF_INIT(SCOPE_BYTES_MAX);
	uint32_t	n = 0;

	if (scope_parse(SPAN(data, size), &s, NULL) == RC_OK) {
		PROMISE(s.n_artifacts <= SCOPE_ARTIFACTS_MAX && s.n_segments <= SCOPE_SEGMENTS_MAX);
		PROMISE(scope_write(&s, &b, NULL) == RC_OK);
		fuzz_same(&b, SPAN(data, size));
		PROMISE(scope_each(&s, count, &n, NULL) == RC_OK && n == s.n_segments);
		scope_done(&s);
	}
	buf_done(&b);
	return 0;
}
