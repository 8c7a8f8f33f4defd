/* Entry bundles (a byte of width before one): its leaves, put together again, are the bundle. */
#include "audit/tile.h"
#include "tests/fuzz/lib/fuzz.h"

struct again {
	struct span	in;
	struct buf	out;
	unsigned	n;
};

static enum rc
add(void *user, unsigned at, struct span leaf, struct err *err)
{
	struct again	*a = user;

	PROMISE(at == a->n++ && fuzz_within(leaf, a->in) && leaf.n <= ENTRY_BYTES_MAX);
	return bundle_add(&a->out, leaf, err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct again	a = { .out = BUF_INIT(TILE_BUNDLE_BYTES_MAX) };
	unsigned	width;

	if (size < 1)
		return 0;
	width = data[0] + 1u;
	a.in = SPAN(data + 1, size - 1);
	if (bundle_each(a.in, width, add, &a, NULL) == RC_OK) {
		PROMISE(a.n == width);
		fuzz_same(&a.out, a.in);
	}
	buf_done(&a.out);
	return 0;
}
