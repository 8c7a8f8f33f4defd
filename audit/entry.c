#include "audit/entry.h"

#include "base/wire.h"

enum rc
entry_parse(struct span leaf, struct entry *ret, struct err *err)
{
	struct rd	r = rd_init(leaf);
	struct entry	e;

	/* log-v1 section 2. */
	if (leaf.n > ENTRY_BYTES_MAX)
		return err_set(err, RC_FORMAT, "entry: %zu bytes, at most %d",
		    leaf.n, ENTRY_BYTES_MAX);
	if (leaf.n < 9 ||
	    !rd_u64(&r, &e.time) ||
	    !rd_take(&r, leaf.n - 8, &e.dsse) ||
	    !rd_done(&r))
		return err_set(err, RC_FORMAT, "entry: cut short at %zu bytes",
		    leaf.n);
	if (e.time > WHEN_MAX)
		return err_set(err, RC_FORMAT, "entry: time past year 9999");
	*ret = e;
	return RC_OK;
}

void
entry_write(when time, struct span dsse, struct buf *out)
{
	buf_u64(out, time);
	buf_span(out, dsse);
}
