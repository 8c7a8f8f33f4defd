/*
 * evidence/segment.h - the ciphertext of one segment (docs/spec/segment-v1.md).
 *
 *	segment = commitment[32] || chunk ciphertexts
 *
 * The segment point Q = s * H(label_msg) (policy/descriptor.h, shamir/shamir.h)
 * gives by HKDF-SHA-256 an AES-256-GCM key and a commitment to that key. The
 * plaintext is cut in 64 KiB chunks; chunk i has the nonce u88be(i) || 01 when
 * it is the segment's last, else 00, no AAD, and a 16-byte tag. The chunks of
 * all segments of a part are, in order, the leaves of its ciphertext tree
 * (audit/tree.h); a segment's first leaf starts with the commitment.
 *
 * Promises: the commitment is checked (constant time) before a key is used,
 * and no byte of a chunk whose leaf hash or tag fails is handed out. Does not
 * promise that the hashes it is given are the right ones: prove them first.
 *
 * Pure; libcrypto. A struct segment_cipher belongs to one thread at a time.
 */
#ifndef EVIDENCE_SEGMENT_H
#define EVIDENCE_SEGMENT_H

#include "audit/tree.h"
#include "base/secret.h"
#include "evidence/stream.h"
#include "policy/descriptor.h"

#define SEGMENT_CHUNK_LOG2		16
#define SEGMENT_CHUNK_BYTES		65536	/* of plaintext */
#define SEGMENT_TAG_BYTES		16
#define SEGMENT_COMMITMENT_BYTES	32
#define SEGMENT_KEY_BYTES		32
#define SEGMENT_SEALED_CHUNK_MAX	(SEGMENT_CHUNK_BYTES + SEGMENT_TAG_BYTES)
#define SEGMENT_LEAF_MAX		(SEGMENT_COMMITMENT_BYTES + SEGMENT_SEALED_CHUNK_MAX)

/*
 * Where things are. All follow from length and segment_log2; numbers count from
 * 0. Arguments come from a descriptor that was parsed: length 1..PART_LENGTH_MAX.
 */
uint64_t segment_chunks(uint64_t length);		/* chunks of a segment of `length` bytes */
uint64_t segment_ciphertext_bytes(uint64_t length);	/* commitment, chunks and tags */
uint64_t part_segment_length(const struct part *p, uint32_t segment);	/* plaintext bytes */
uint64_t part_segment_offset(const struct part *p, uint32_t segment);	/* in the part's ciphertext */
uint64_t part_segment_leaf(const struct part *p, uint32_t segment);	/* number of its first leaf */
uint64_t part_ciphertext_bytes(const struct part *p);
uint64_t part_leaves(const struct part *p);

struct leaf_place {		/* where a leaf of a part lies */
	uint32_t	segment;
	uint64_t	chunk;		/* within the segment */
	bool		last;		/* chunk of the segment */
	uint64_t	offset;		/* in the part's ciphertext */
	size_t		n;		/* bytes, commitment included for chunk 0 */
};
/* leaf < part_leaves(p). */
struct leaf_place part_leaf(const struct part *p, uint64_t leaf);

struct segment_cipher;
MUST_USE enum rc segment_cipher_new(struct segment_cipher **ret, struct err *err);
void	 segment_cipher_free(struct segment_cipher *c);		/* zeroes the key */
DEFINE_AUTO(segment_cipher_free, struct segment_cipher);

/* From here on c seals under the key of `point` (32 bytes). */
MUST_USE enum rc segment_cipher_seal(struct segment_cipher *c, const struct secret *point,
    uint8_t ret_commitment[SEGMENT_COMMITMENT_BYTES], struct err *err);
/*
 * From here on c opens under the key of `point`. RC_VERIFY: the segment is
 * committed to another key; c then opens nothing.
 */
MUST_USE enum rc segment_cipher_open(struct segment_cipher *c, const struct secret *point,
    const uint8_t commitment[SEGMENT_COMMITMENT_BYTES], struct err *err);

/* plain: 1..SEGMENT_CHUNK_BYTES bytes. Writes plain.n + SEGMENT_TAG_BYTES to out; no overlap. */
MUST_USE enum rc segment_chunk_seal(struct segment_cipher *c, uint64_t chunk, bool last,
    struct span plain, uint8_t *out, struct err *err);
/*
 * Writes sealed.n - SEGMENT_TAG_BYTES to out, which is secret memory. RC_VERIFY: the
 * tag fails, and out is zeroed. RC_FORMAT: too short or too long.
 */
MUST_USE enum rc segment_chunk_open(struct segment_cipher *c, uint64_t chunk, bool last,
    struct span sealed, uint8_t *out, struct err *err);

/* A segment's ciphertext somewhere, and the leaf hashes that it must have. */
struct segment_source {
	uint64_t	 length;	/* plaintext bytes, from the descriptor */
	const uint8_t	(*leaf)[TREE_HASH_BYTES];	/* segment_chunks(length), proven; borrowed */
	stream_read_at	 read;		/* offset 0 is the commitment */
	void		*user;
};

/*
 * Check each leaf against its hash and decrypt, chunk by chunk, to `write`: what was
 * written before a failure was verified, and is a prefix. RC_VERIFY names the chunk.
 * Fixed memory, two chunks.
 */
MUST_USE enum rc segment_open_stream(const struct segment_source *s, const struct secret *point,
    stream_write write, void *write_user, struct err *err);

#endif
