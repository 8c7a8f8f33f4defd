/* The envelopes of a batch, one after the other: batch-v1 section 6. */
#include <string.h>

#include "base/wire.h"
#include "evidence/batch.h"
#include "evidence/layout.h"

enum rc
envelope_bytes(struct span descriptor, uint64_t *ret, struct err *err)
{
	struct descriptor	d;
	struct layout		l;

	TRY(descriptor_parse_form(descriptor, &d, err));
	TRY(layout_init(&l, &d, descriptor.n, err));
	*ret = l.size;
	return RC_OK;
}

struct walk {
	batch_envelope_fn	 fn;
	void			*user;
	uint64_t		 at;
};

/* At most BATCH_COUNT_MAX times 66 GiB: `at` does not overflow. */
static enum rc
walk_leaf(void *user, uint32_t leaf, struct span descriptor, struct err *err)
{
	struct walk		*w = user;
	struct batch_envelope	 e = { .leaf = leaf, .descriptor = descriptor, .offset = w->at };
	enum rc			 rc = envelope_bytes(descriptor, &e.size, err);

	if (rc != RC_OK)
		return err_wrap(err, rc, "artifact %u of the batch", leaf);
	w->at += e.size;
	return w->fn(w->user, &e, err);
}

enum rc
batch_envelopes_each(struct span vector, uint32_t count, batch_envelope_fn fn, void *user, struct err *err)
{
	struct walk	w = { fn, user, 0 };

	if (count > BATCH_COUNT_MAX)
		return err_set(err, RC_FORMAT, "batch: %u artifacts", count);
	return descriptor_vector_each(vector, count, walk_leaf, &w, err);
}

/* --- one ------------------------------------------------------------------ */

struct wanted {
	uint32_t		 leaf;
	struct batch_envelope	*ret;
};

static enum rc
take_wanted(void *user, const struct batch_envelope *e, struct err *err)
{
	struct wanted	*w = user;

	(void)err;					/* looking cannot fail */
	if (e->leaf == w->leaf)
		*w->ret = *e;
	return RC_OK;
}

enum rc
batch_envelope_of(struct span vector, uint32_t count, uint32_t leaf, struct batch_envelope *ret, struct err *err)
{
	struct batch_envelope	found = { .leaf = leaf };
	struct wanted		w = { leaf, &found };

	if (leaf >= count)
		return err_set(err, RC_MISSING, "batch: artifact %u of %u", leaf, count);
	TRY(batch_envelopes_each(vector, count, take_wanted, &w, err));
	*ret = found;
	return RC_OK;
}

/* --- all ------------------------------------------------------------------ */

struct heads {
	stream_read_at	 read;
	void		*user;
	uint64_t	 size, end;
};

/* What stands at its place begins with the descriptor that was logged, and nothing less. */
static enum rc
check_head(void *user, const struct batch_envelope *e, struct err *err)
{
	struct heads	*h = user;
	uint8_t		 head[ENVELOPE_HEAD_BYTES + DESCRIPTOR_BYTES_MAX];
	struct rd	 r = rd_init(SPAN(head, ENVELOPE_HEAD_BYTES));
	uint32_t	 n;

	h->end = e->offset + e->size;
	if (h->end > h->size)
		return err_set(err, RC_FORMAT, "envelope %u: ends at byte %llu of %llu", e->leaf + 1,
		    (unsigned long long)h->end, (unsigned long long)h->size);
	TRY(h->read(h->user, e->offset, head, ENVELOPE_HEAD_BYTES + e->descriptor.n, err));
	if (!rd_expect(&r, ENVELOPE_MAGIC, ENVELOPE_MAGIC_BYTES))
		return err_set(err, RC_FORMAT, "envelope %u: does not start with quorate/envelope/v1", e->leaf + 1);
	if (!rd_u32(&r, &n) || n != e->descriptor.n ||
	    memcmp(head + ENVELOPE_HEAD_BYTES, e->descriptor.p, n) != 0)	/* public */
		return err_set(err, RC_VERIFY, "envelope %u: not the descriptor of the batch", e->leaf + 1);
	return RC_OK;
}

enum rc
batch_envelopes_check(struct span vector, uint32_t count, stream_read_at read, void *user, uint64_t size,
    struct err *err)
{
	struct heads	h = { read, user, size, 0 };

	TRY(batch_envelopes_each(vector, count, check_head, &h, err));
	if (h.end != size)
		return err_set(err, RC_FORMAT, "envelopes: %llu bytes, the descriptors say %llu",
		    (unsigned long long)size, (unsigned long long)h.end);
	return RC_OK;
}
