/*
 * policy/overlay.c - see policy/overlay.h.
 */
#include "policy/escrow_map.h"
#include "policy/overlay.h"

static enum rc
over_get(void *user, struct span key, struct buf *ret, struct err *err)
{
	struct overlay	*o = user;
	struct span	 v;

	if (!map_get(&o->kv, key, &v))
		return o->under->get(o->under->user, key, ret, err);
	buf_span(ret, v);
	return buf_check(ret, "state", err);
}

static enum rc
over_put(void *user, struct span key, struct span value, struct err *err)
{
	struct overlay	*o = user;

	return map_put(&o->kv, key, value, err);
}

static enum rc
over_escrow_find(void *user, const uint8_t id[ARTIFACT_ID_BYTES],
    struct escrow_at *ret_at, struct buf *ret, struct err *err)
{
	struct overlay	*o = user;
	enum rc		 rc = escrow_map_find(&o->escrow, id, ret_at, ret, err);

	if (rc != RC_MISSING)
		return rc;
	return o->under->escrow_find(o->under->user, id, ret_at, ret, err);
}

static enum rc
over_escrow_add(void *user, const uint8_t id[ARTIFACT_ID_BYTES],
    struct escrow_at at, struct span descriptor, struct err *err)
{
	struct overlay		*o = user;
	struct escrow_at	 have;
	enum rc			 rc = over_escrow_find(o, id, &have, NULL, err);

	if (rc == RC_OK)
		return err_set(err, RC_DENIED, "state: escrowed already");
	if (rc != RC_MISSING)
		return rc;
	return escrow_map_add(&o->escrow, id, at, descriptor, err);
}

static enum rc
over_root_at(void *user, uint64_t size, uint8_t ret[SHA256_BYTES],
    struct err *err)
{
	struct overlay	*o = user;

	return o->under->root_at(o->under->user, size, ret, err);
}

static enum rc
over_blob(void *user, const uint8_t digest[SHA256_BYTES], struct buf *ret,
    struct err *err)
{
	struct overlay	*o = user;

	return o->under->blob(o->under->user, digest, ret, err);
}

static enum rc
over_descriptors(void *user, const uint8_t vector[SHA256_BYTES],
    const uint8_t root[SHA256_BYTES], uint32_t count, descriptor_fn fn,
    void *fn_user, struct err *err)
{
	struct overlay	*o = user;

	return o->under->descriptors(o->under->user, vector, root, count, fn,
	    fn_user, err);
}

void
overlay_init(struct overlay *o, const struct state *under)
{
	*o = (struct overlay){
		.state = {
			.user = o,
			.get = over_get,
			.put = over_put,
			.escrow_add = over_escrow_add,
			.escrow_find = over_escrow_find,
			.root_at = over_root_at,
			.blob = over_blob,
			.descriptors = over_descriptors,
		},
		.under = under,
		.kv = MAP_INIT,
		.escrow = MAP_INIT,
	};
}

void
overlay_done(struct overlay *o)
{
	map_done(&o->kv);
	map_done(&o->escrow);
}
