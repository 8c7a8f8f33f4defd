/* JSON: what is read has one canonical form, which reads to itself. */
#include "base/json.h"
#include "tests/fuzz/lib/fuzz.h"

#define TEXT_MAX	65536u

static bool
canonical(struct span text, struct buf *out)
{
	json_t	*v = NULL;
	bool	 good;

	if (json_read(text, TEXT_MAX, &v, NULL) != RC_OK)
		return false;
	PROMISE(text.n <= TEXT_MAX);
	good = json_canonical(v, out, NULL) == RC_OK;
	json_decref(v);
	return good;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf	one = BUF_INIT(8 * TEXT_MAX), two = BUF_INIT(8 * TEXT_MAX);

	if (canonical(SPAN(data, size), &one) && one.n <= TEXT_MAX) {
		PROMISE(canonical(buf_view(&one), &two));
		fuzz_same(&two, buf_view(&one));
	}
	buf_done(&one);
	buf_done(&two);
	return 0;
}
