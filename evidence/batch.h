/*
 * evidence/batch.h - many sealed artifacts, one log entry (docs/spec/batch-v1.md).
 *
 * The sealer collects descriptors with their shares, then seals all shares of
 * one custodian under one ephemeral key (shamir/sealed.h) and fills a batch
 * statement. The batch root covers the descriptors; the statement names, per
 * custodian, the epoch, the encapsulation and the SHA-256 of its share vector:
 * SEALED_SHARE_BYTES for each leaf, in leaf order.
 *
 * Pure; libcrypto, libsodium. An object belongs to one thread at a time.
 */
#ifndef EVIDENCE_BATCH_H
#define EVIDENCE_BATCH_H

#include "audit/tree.h"
#include "evidence/stream.h"
#include "policy/statement.h"
#include "shamir/sealed.h"

struct batch;

struct batch_sealed {			/* what goes to the coordinator beside the statement */
	uint32_t	count;
	uint8_t		root[SHA256_BYTES];
	struct buf	descriptors;	/* the descriptor vector, a fixed blob */
	uint8_t		n;
	struct buf	shares[CUSTODIANS_MAX];	/* custodian i's vector at [i-1] */
};
#define BATCH_SEALED_INIT	((struct batch_sealed){ .count = 0 })
void	 batch_sealed_done(struct batch_sealed *s);

/* charter is the one in force; borrowed as long as the batch. */
MUST_USE enum rc batch_new(const uint8_t genesis[SHA256_BYTES], const struct charter *charter,
    struct batch **ret, struct err *err);
void	 batch_free(struct batch *b);
DEFINE_AUTO(batch_free, struct batch);

/*
 * Add one artifact; ret_leaf is its number in the batch tree.
 * descriptor   its bytes; copied.
 * share        charter n pointers (envelope_shares()); they must live until batch_seal.
 * RC_LIMIT: the batch is full; seal it and begin another, this one unchanged.
 * RC_FORMAT: malformed, an id that is in the batch already, or k, n, policy or
 * class that the charter does not have.
 */
MUST_USE enum rc batch_add(struct batch *b, struct span descriptor, uint8_t *const *share,
    uint32_t *ret_leaf, struct err *err);
uint32_t batch_count(const struct batch *b);

/*
 * Seal every share to its custodian's newest epoch, and complete `statement`
 * (statement_init'd as STATEMENT_BATCH by the caller; statement_sign is next).
 * RC_FORMAT: the batch is empty. The shares are no longer needed afterwards:
 * the caller resets their arena. ret is written on RC_OK only.
 */
MUST_USE enum rc batch_seal(struct batch *b, struct statement *statement,
    struct batch_sealed *ret, struct err *err);

/*
 * Is `vector` what the statement says, and could the charter have allowed it?
 * count, digest, root; each descriptor whole, distinct ids, k, n, policy and class of
 * the charter; custodians 1..n with an epoch they have and a proper point.
 * RC_VERIFY: digest or root differ. RC_FORMAT: the rest. For coordinator and custodian.
 */
MUST_USE enum rc batch_check(const struct statement *statement, const struct charter *charter,
    struct span vector, struct err *err);
/* Is `shares` custodian's vector? RC_FORMAT: length; RC_VERIFY: digest; RC_MISSING: not in the batch. */
MUST_USE enum rc batch_check_shares(const struct statement *statement, uint8_t custodian,
    struct span shares, struct err *err);

/* Leaf `leaf` of a vector of `count` and its path to the batch root. RC_MISSING: leaf >= count. */
MUST_USE enum rc batch_inclusion(struct span vector, uint32_t count, uint32_t leaf,
    struct span *ret_descriptor, struct tree_path *ret_path, struct err *err);

/*
 * The envelopes of a batch, one after the other in leaf order, nothing between them and
 * nothing after: as they are uploaded and kept. Where each stands follows from the vector.
 */
struct batch_envelope {
	uint32_t	leaf;
	struct span	descriptor;		/* in the vector */
	uint64_t	offset, size;
};
/* In leaf order; what fn returns stops it. RC_LIMIT: an artifact larger than an envelope may be. */
typedef enum rc (*batch_envelope_fn)(void *user, const struct batch_envelope *e, struct err *err);
MUST_USE enum rc batch_envelopes_each(struct span vector, uint32_t count, batch_envelope_fn fn, void *user,
    struct err *err);
/* One of them. RC_MISSING: leaf >= count. */
MUST_USE enum rc batch_envelope_of(struct span vector, uint32_t count, uint32_t leaf,
    struct batch_envelope *ret, struct err *err);
/*
 * Are `size` bytes behind `read` the envelopes of these descriptors? Each is in its place with the magic and its
 * descriptor, byte for byte, and the last ends where they end. RC_FORMAT: cut, extended, or no envelope;
 * RC_VERIFY: of another artifact. Ciphertext is not read: who opens it holds it against the roots.
 */
MUST_USE enum rc batch_envelopes_check(struct span vector, uint32_t count, stream_read_at read, void *user,
    uint64_t size, struct err *err);

#endif
