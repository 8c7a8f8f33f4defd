/* coordinator/artifact.c - one artifact. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/entry.h"
#include "coordinator/envelopes.h"
#include "coordinator/journal.h"
#include "coordinator/logged.h"
#include "coordinator/pb.h"
#include "coordinator/queries.h"
#include "coordinator/readers.h"
#include "coordinator/seal.h"
#include "evidence/batch.h"
#include "policy/apply.h"

PB_AUTO(artifact_request, ArtifactRequest);

/* ---- an artifact ------------------------------------------------------------------ */

/* Its path in the batch tree, and whether its batch's file reaches as far as its envelope does. */
static enum rc
find_in_batch(const struct coordinator *c, struct reader *r, const struct statement *batch, uint32_t leaf,
    struct tree_path *path, protobuf_c_boolean *ret_envelope, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	vector = BUF_INIT(DESCRIPTOR_VECTOR_MAX);
	struct batch_envelope		e;
	struct span			descriptor;

	TRY(store_blob(r->store, batch->u.batch.descriptors, &vector, err));
	TRY(batch_envelope_of(buf_view(&vector), batch->u.batch.count, leaf, &e, err));
	*ret_envelope = envelopes_size(c->dir, batch->subject) >= e.offset + e.size;
	return batch_inclusion(buf_view(&vector), batch->u.batch.count, leaf,
	    &descriptor, path, err);
}

enum rc
on_artifact(void *user, struct rpc_call *call, struct span request, struct buf *reply,
    struct err *err)
{
	struct coordinator		*c = user;
	AUTO(reader_give) struct reader	*r = reader_take(c->readers);
	AUTO_DONE(buf_done) struct buf	 descriptor = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	AUTO_DONE(buf_done) struct buf	 proof = BUF_INIT(2 * NOTE_BYTES_MAX);
	AUTO_DONE(held_done) struct held_list held = { .n = 0 };
	AUTO_DONE(logged_done) struct logged batch = LOGGED_INIT;
	Quorate__V1__ArtifactReply	 m = QUORATE__V1__ARTIFACT_REPLY__INIT;
	ProtobufCBinaryData		 hash[TREE_PATH_MAX], list[CUSTODIANS_MAX];
	const struct state		*st = store_state(r->store);
	struct escrow_at		 at;
	struct tree_path		 path;
	uint8_t				 id[ARTIFACT_ID_BYTES];
	size_t				 i;
	enum rc				 rc;

	PB_UNPACK(artifact_request, ArtifactRequest, q, request);
	TRY(pb_fixed(&q->id, "id", id, sizeof(id), err));
	rc = st->escrow_find(st->user, id, &at, &descriptor, err);
	if (rc == RC_MISSING)
		rpc_say(call, "no such artifact in escrow");
	TRY(rc);
	TRY(logged_read(r->store, at.batch, &batch, err));
	TRY(find_in_batch(c, r, &batch.s, at.leaf, &path, &m.envelope, err));
	TRY(reader_proof(c, r, at.batch, &proof, err));
	TRY(held_read(c, r->store, at.batch, &held, err));
	for (i = 0; i < path.n; i++)
		hash[i] = pb_bytes(SPAN(path.hash[i], TREE_HASH_BYTES));
	for (i = 0; i < held.n; i++)
		list[i] = pb_bytes(buf_view(&held.dsse[i]));
	m.descriptor = pb_bytes(buf_view(&descriptor));
	m.batch = at.batch;
	m.leaf = at.leaf;
	m.count = batch.s.u.batch.count;
	m.n_path = path.n;
	m.path = hash;
	m.entry = pb_bytes(buf_view(&batch.leaf));
	m.proof = pb_bytes(buf_view(&proof));
	m.n_held = held.n;
	m.held = list;
	m.sealed = proof.n > 0 && held.n >= c->first->h;
	return pb_pack(&m.base, reply, err);
}
