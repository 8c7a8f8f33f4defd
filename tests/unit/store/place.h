/*
 * tests/unit/store/place.h - a folder of its own for each test's database.
 */
#ifndef TESTS_UNIT_STORE_PLACE_H
#define TESTS_UNIT_STORE_PLACE_H

#include <sys/types.h>

#include "audit/store/store.h"

#define VECTOR_MAX	1024

struct place {
	char	dir[64], db[96];
};

void	 place_init(struct place *p);
void	 place_done(struct place *p);		/* removes the folder and what is in it */
/* Bytes of the database and what stands beside it. */
off_t	 place_bytes(const struct place *p);
/* Every file of one place replaced by those of another. */
void	 place_copy(const struct place *from, const struct place *to);

/* Opens, or fails the test. */
struct store	*opened(const struct place *p, enum store_mode mode);

/* A batch of made-up descriptors: ids are the SHA-256 of (batch, leaf), cut. */
struct batch {
	struct buf	vector;			/* the blob */
	uint32_t	count;
	uint8_t		digest[SHA256_BYTES], root[SHA256_BYTES];
};
void	 batch_id(uint64_t batch, uint32_t leaf, uint8_t ret[ARTIFACT_ID_BYTES]);
/* `bytes` long each, and unlike each other. */
void	 batch_init(struct batch *b, uint64_t batch, uint32_t count, size_t bytes);
void	 batch_done(struct batch *b);
/*
 * What a custodian does in one transaction (which is open): the entry, the blob,
 * the escrows as apply adds them, the shares.
 */
MUST_USE enum rc batch_apply(struct store *s, struct batch *b, struct span leaf, struct err *err);

#endif
