/*
 * policy/state.h - what `apply` may ask of the world: the state behind an interface.
 *
 * A key-value map plus the escrows, the log's past roots and the fixed blobs. Two
 * implementations: audit/store (SQLite; coordinator, custodians, auditors) and
 * policy/memstate.h (tests, the release worker, offline verification). The
 * functions return RC_OK or a fault (RC_IO, RC_NOMEM, RC_BUG) that stops the
 * append, except where another code is named. Keys and values are bytes of
 * docs/spec/state-v1.md.
 */
#ifndef POLICY_STATE_H
#define POLICY_STATE_H

#include "base/bytes.h"
#include "policy/descriptor.h"

#define STATE_KEY_MAX	96
#define STATE_VALUE_MAX	2048

struct verdict {
	uint8_t		type;			/* enum statement_type */
	bool		effective;
	uint8_t		why;			/* enum void_reason (policy/apply.h); 0 when effective */
	uint8_t		id[SHA256_BYTES];	/* statement id; zero when it did not parse */
	uint8_t		subject[SHA256_BYTES];	/* likewise */
	uint8_t		state[SHA256_BYTES];	/* the state digest after this entry */
	when		time;			/* effective time: never goes back */
};

/* Where one artifact is: which entry sealed it, which leaf of its batch. */
struct escrow_at { uint64_t batch; uint32_t leaf; };

struct state {
	void *user;
	/* RC_MISSING: no such key. Appends to ret. */
	enum rc (*get)(void *user, struct span key, struct buf *ret, struct err *err);
	enum rc (*put)(void *user, struct span key, struct span value, struct err *err);
	/* RC_DENIED: the artifact id is escrowed already. */
	enum rc (*escrow_add)(void *user, const uint8_t id[ARTIFACT_ID_BYTES], struct escrow_at at,
	    struct span descriptor, struct err *err);
	/* RC_MISSING. Appends the descriptor to ret (which may be NULL). */
	enum rc (*escrow_find)(void *user, const uint8_t id[ARTIFACT_ID_BYTES], struct escrow_at *ret_at,
	    struct buf *ret, struct err *err);
	/*
	 * The root of the log at a size that is at most the number of entries applied.
	 * RC_MISSING: a sparse replay that cannot know (the witnesses of the log did).
	 */
	enum rc (*root_at)(void *user, uint64_t size, uint8_t ret[SHA256_BYTES], struct err *err);
	/* A fixed blob by digest. RC_MISSING: not here: the append must wait for it. */
	enum rc (*blob)(void *user, const uint8_t digest[SHA256_BYTES], struct buf *ret, struct err *err);
	/*
	 * Calls fn for the descriptors under a batch root that are at hand: a full
	 * replica proves the whole vector blob against root and count and gives all of
	 * them; a sparse one those whose inclusion it has proved. RC_VERIFY: the vector
	 * does not match the root. RC_MISSING: the blob is not here.
	 */
	enum rc (*descriptors)(void *user, const uint8_t vector[SHA256_BYTES], const uint8_t root[SHA256_BYTES],
	    uint32_t count, descriptor_fn fn, void *fn_user, struct err *err);
};

#endif
