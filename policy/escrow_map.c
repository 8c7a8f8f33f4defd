/*
 * policy/escrow_map.c - see policy/escrow_map.h.
 */
#include "base/auto.h"
#include "base/wire.h"
#include "policy/escrow_map.h"

enum rc
escrow_map_add(struct map *m, const uint8_t id[ARTIFACT_ID_BYTES],
    struct escrow_at at, struct span descriptor, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(DESCRIPTOR_BYTES_MAX + 12);
	struct span	have;

	if (map_get(m, SPAN(id, ARTIFACT_ID_BYTES), &have))
		return err_set(err, RC_DENIED, "state: escrowed already");
	buf_u64(&v, at.batch);
	buf_u32(&v, at.leaf);
	buf_span(&v, descriptor);
	TRY(buf_check(&v, "escrow", err));
	return map_put(m, SPAN(id, ARTIFACT_ID_BYTES), buf_view(&v), err);
}

enum rc
escrow_map_find(const struct map *m, const uint8_t id[ARTIFACT_ID_BYTES],
    struct escrow_at *ret_at, struct buf *ret, struct err *err)
{
	struct span	v;
	struct rd	r;

	if (!map_get(m, SPAN(id, ARTIFACT_ID_BYTES), &v))
		return err_set(err, RC_MISSING, "state: no such escrow");
	r = rd_init(v);
	if (!rd_u64(&r, &ret_at->batch) || !rd_u32(&r, &ret_at->leaf))
		return err_set(err, RC_BUG, "state: malformed escrow");
	if (ret == NULL)
		return RC_OK;
	buf_span(ret, SPAN(v.p + r.at, v.n - r.at));
	return buf_check(ret, "escrow", err);
}
