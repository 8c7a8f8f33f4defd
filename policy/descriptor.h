/*
 * policy/descriptor.h - the public record of one artifact in escrow (docs/spec/descriptor-v1.md).
 *
 *	u8 version = 1            u8 id[16]              u8 policy[32] (policy digest)
 *	vec8 class (1..32)        u64 sealed_at          u64 time_lock (0: none)
 *	u8 shares (n)             u8 threshold (k)       k * u8 commitment[32]
 *	u8 record[32]             u8 parts (1..16)
 *	parts * { vec8 name (1..32), u64 length (>= 1), u8 segment_log2 (16..30), u8 root[32] }
 *
 * Parts stand in strictly ascending order of their names (bytewise): one
 * encoding. `record` is SHA-256(salt[32] || record bytes). Integers are
 * big-endian, times POSIX seconds. Pure.
 */
#ifndef POLICY_DESCRIPTOR_H
#define POLICY_DESCRIPTOR_H

#include "base/json.h"
#include "shamir/shamir.h"

#define ARTIFACT_ID_BYTES	16	/* made by the sealer: artifact_id_make() */
#define PART_NAME_MAX		32
#define CLASS_NAME_MAX		32
#define PARTS_MAX		16
#define SEGMENT_LOG2_MIN	16
#define SEGMENT_LOG2_MAX	30
#define SEGMENT_LOG2_DEFAULT	24	/* 16 MiB */
#define PART_LENGTH_MAX		(UINT64_C(1) << 44)
#define DESCRIPTOR_BYTES_MAX	2600	/* 31-of-31, 16 parts of 32-byte names */
#define DESCRIPTOR_VECTOR_MAX	(512 << 10)	/* all descriptors of one batch */
#define BATCH_COUNT_MAX		1024

struct part {
	char		name[PART_NAME_MAX + 1];
	uint64_t	length;			/* plaintext bytes */
	uint8_t		segment_log2;
	uint8_t		root[SHA256_BYTES];	/* of the ciphertext tree */
};

struct descriptor {
	uint8_t			id[ARTIFACT_ID_BYTES];
	uint8_t			policy[SHA256_BYTES];
	char			class_id[CLASS_NAME_MAX + 1];
	when			sealed_at, time_lock;
	uint8_t			shares;
	struct shamir_commits	commits;	/* .threshold is k */
	uint8_t			record[SHA256_BYTES];
	uint8_t			n_parts;
	struct part		part[PARTS_MAX];
};

/*
 * A new id: `now` in five bytes, eleven random ones. Ids that rise stand next to each other in the indexes that hold
 * them, so that a batch is written to a few pages at their end and not all over (docs/adr/0029-ids-that-rise.md).
 */
void	 artifact_id_make(when now, uint8_t ret[ARTIFACT_ID_BYTES]);

/* RC_FORMAT names the byte or the field. Commitments are checked as points. */
MUST_USE enum rc descriptor_parse(struct span in, struct descriptor *ret, struct err *err);
/*
 * Its form alone: what stands for a commitment may be no point. For who computes with none, or
 * hands them to shamir/, which refuses what is no point wherever it decodes one.
 */
MUST_USE enum rc descriptor_parse_form(struct span in, struct descriptor *ret, struct err *err);
/* The id of one whose form was looked at before: valid as long as those bytes. */
const uint8_t *descriptor_id(struct span checked);
void	 descriptor_write(const struct descriptor *d, struct buf *out);
const struct part *descriptor_part(const struct descriptor *d, const char *name);	/* NULL: no such part */
uint32_t part_segments(const struct part *p);	/* at least 1 */

/* A descriptor vector: u16 length || bytes, count times (the fixed blob of a batch). */
typedef enum rc (*descriptor_fn)(void *user, uint32_t leaf, struct span descriptor, struct err *err);
MUST_USE enum rc descriptor_vector_each(struct span vector, uint32_t count, descriptor_fn fn, void *user, struct err *err);
/* RFC 6962 root over the descriptors as leaves; RC_FORMAT unless exactly count of them. */
MUST_USE enum rc descriptor_vector_root(struct span vector, uint32_t count, uint8_t ret[SHA256_BYTES], struct err *err);

/*
 * What a segment's label is hashed from:
 * genesis[32] || id[16] || vec8 part name || u32 segment. (shamir_label() does the rest.)
 */
#define LABEL_MSG_MAX	(32 + 16 + 1 + PART_NAME_MAX + 4)
void	 label_msg(const uint8_t genesis[SHA256_BYTES], const uint8_t id[ARTIFACT_ID_BYTES],
	    const char *part, uint32_t segment, struct buf *out);

#endif
