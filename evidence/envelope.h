/*
 * evidence/envelope.h - the file that keeps one sealed artifact (docs/spec/envelope-v1.md).
 *
 *	"quorate/envelope/v1\n"  u32 length, descriptor (policy/descriptor.h)
 *	the ciphertext of each part, in the order of the descriptor
 *	for each part, the complete nodes of its ciphertext tree, level 0 first
 *
 * and nothing after. All offsets follow from the descriptor. The writer streams:
 * lengths need not be known beforehand. The reader proves every leaf it reads
 * against the root in the descriptor by the node tables, so that a range costs
 * that range and a path. Both run in bounded memory: two chunks, and in the
 * writer 32 bytes a leaf (ENVELOPE_LEAVES_MAX: 64 GiB of parts, 32 MiB of hashes).
 *
 * Not promised: that the descriptor is the logged one. The reader is told
 * which one it must be.
 *
 * Pure; libcrypto, libsodium. An object belongs to one thread at a time.
 */
#ifndef EVIDENCE_ENVELOPE_H
#define EVIDENCE_ENVELOPE_H

#include "evidence/parallel.h"
#include "evidence/segment.h"

#define ENVELOPE_MAGIC		"quorate/envelope/v1\n"
#define ENVELOPE_LEAVES_MAX	(UINT64_C(1) << 20)	/* of all parts together */

/* --- sealing ------------------------------------------------------------ */

struct envelope_params {		/* borrowed during envelope_new only */
	uint8_t		genesis[SHA256_BYTES];
	uint8_t		id[ARTIFACT_ID_BYTES];	/* random, by the caller */
	uint8_t		policy[SHA256_BYTES];	/* digest */
	const char	*class_id;
	when		sealed_at, time_lock;	/* time_lock 0: none */
	uint8_t		threshold, shares;	/* the charter's k and n */
	uint8_t		record[SHA256_BYTES];	/* SHA-256(salt[32] || record bytes) */
	size_t		n_parts;
	const char	*part[PARTS_MAX];	/* strictly ascending, as strcmp */
	uint8_t		segment_log2;		/* SEGMENT_LOG2_DEFAULT for most */
};

struct envelope_writer;

/*
 * Begin an envelope with a fresh secret; its n shares are put in `arena`.
 * write_at is called with ascending offsets, save by envelope_part_from(), and at the end once at 0.
 * RC_FORMAT: params that no descriptor could hold (the message says which).
 */
MUST_USE enum rc envelope_new(const struct envelope_params *params, struct secret_arena *arena,
    stream_write_at write_at, void *user, struct envelope_writer **ret, struct err *err);
/*
 * The same with the polynomial given (params->threshold coefficients), for vectors.
 * To seal twice under one polynomial and id would repeat nonces: never do for artifacts.
 */
MUST_USE enum rc envelope_new_with(const struct envelope_params *params,
    const uint8_t (*coefficient)[SHAMIR_SCALAR_BYTES], struct secret_arena *arena,
    stream_write_at write_at, void *user, struct envelope_writer **ret, struct err *err);
void	 envelope_writer_free(struct envelope_writer *w);
DEFINE_AUTO(envelope_writer_free, struct envelope_writer);

/* Begin the next part, which must be the next of params->part. RC_FORMAT: the one before is empty. */
MUST_USE enum rc envelope_part(struct envelope_writer *w, const char *name, struct err *err);
/* More plaintext of the part; any number of bytes. After a failure all further calls fail. */
MUST_USE enum rc envelope_write(struct envelope_writer *w, struct span plain, struct err *err);
/*
 * The whole of the next part, `length` bytes from offset 0 of `read`: the same bytes as envelope_part()
 * and envelope_write() make of it, segments side by side. parallel may be NULL; else read and write_at are
 * called from its threads, several at a time and in any order. What follows is another part, or
 * envelope_finish(). RC_FORMAT: length is 0, or the part before is empty.
 */
MUST_USE enum rc envelope_part_from(struct envelope_writer *w, const char *name, stream_read_at read,
    void *user, uint64_t length, const struct parallel *parallel, struct err *err);
/*
 * End the last part, write node tables and head, append the descriptor's bytes.
 * RC_FORMAT: a part is empty or was never begun. ret_size: bytes of the file.
 */
MUST_USE enum rc envelope_finish(struct envelope_writer *w, struct buf *descriptor,
    uint64_t *ret_size, struct err *err);
/* n pointers into the arena: what batch_add wants. Valid as long as the arena's contents. */
uint8_t *const *envelope_shares(const struct envelope_writer *w);

/* --- reading ------------------------------------------------------------ */

struct envelope;

/*
 * The descriptor that stands in a file, appended to out: for who then compares
 * it with the log. Only lengths and the magic are checked.
 */
MUST_USE enum rc envelope_peek(stream_read_at read, void *user, uint64_t size,
    struct buf *descriptor, struct err *err);
/* How many bytes the envelope of this descriptor has. RC_LIMIT: more leaves than an envelope may have. */
MUST_USE enum rc envelope_bytes(struct span descriptor, uint64_t *ret, struct err *err);
/*
 * digest: SHA-256 of the descriptor that the envelope must have, from the log.
 * RC_FORMAT: malformed, or size is not what the descriptor says (truncated,
 * extended). RC_VERIFY: another descriptor. read and user must outlive ret.
 */
MUST_USE enum rc envelope_open(stream_read_at read, void *user, uint64_t size,
    const uint8_t digest[SHA256_BYTES], struct envelope **ret, struct err *err);
void	 envelope_free(struct envelope *e);
DEFINE_AUTO(envelope_free, struct envelope);

const struct descriptor *envelope_descriptor(const struct envelope *e);	/* as long as e */
struct span envelope_descriptor_bytes(const struct envelope *e);	/* as long as e */

/* Every byte: all leaves, all node tables, all roots. RC_VERIFY names part and leaf. */
MUST_USE enum rc envelope_verify(const struct envelope *e, struct err *err);

/* Parts are given by their place in the descriptor (envelope_part_number). RC_MISSING: none such. */
MUST_USE enum rc envelope_part_number(const struct envelope *e, const char *name,
    size_t *ret, struct err *err);

/*
 * One leaf, proven. out: SEGMENT_LEAF_MAX bytes, good on RC_OK only. RC_VERIFY: not
 * under the root; RC_USAGE: no such leaf.
 */
MUST_USE enum rc envelope_leaf(const struct envelope *e, size_t part, uint64_t leaf,
    uint8_t *out, size_t *ret_n, struct err *err);
/* n leaf hashes from `first` on, as the table has them: prove them, or call envelope_verify before. */
MUST_USE enum rc envelope_leaf_hashes(const struct envelope *e, size_t part, uint64_t first,
    uint64_t n, uint8_t (*ret)[TREE_HASH_BYTES], struct err *err);
/* The ciphertext of one segment as it is, each leaf proven before it goes out. */
MUST_USE enum rc envelope_segment(const struct envelope *e, size_t part, uint32_t segment,
    stream_write write, void *user, struct err *err);

/* The point of one segment, as a new secret that the reader frees. */
typedef enum rc (*envelope_point)(void *user, const char *part, uint32_t segment,
    struct secret **ret, struct err *err);
/*
 * Plaintext bytes offset..offset+n of a part to `write`. Reads the chunks that
 * the range touches, their paths, and the first chunk of each segment (for its
 * commitment). RC_USAGE: not within the part; n may be 0.
 */
MUST_USE enum rc envelope_read(const struct envelope *e, size_t part, uint64_t offset, uint64_t n,
    envelope_point point, void *point_user, stream_write write, void *write_user, struct err *err);
/*
 * All plaintext of a part, segments side by side. Its leaves are proven all together, by their
 * root. parallel may be NULL; else read, point and write_at are called from its threads, several at a time,
 * and what was written before a failure need not be a prefix.
 */
MUST_USE enum rc envelope_read_part(const struct envelope *e, size_t part, envelope_point point, void *point_user,
    stream_write_at write_at, void *write_user, const struct parallel *parallel, struct err *err);

#endif
