/*
 * custodian/checking.h - the background check at work. For check.c, check_batch.c and
 * check_say.c only.
 *
 * check.c keeps the queue and chooses what is done next; check_batch.c opens and
 * verifies one batch; check_say.c signs what was found.
 */
#ifndef CUSTODIAN_CHECKING_H
#define CUSTODIAN_CHECKING_H

#include "custodian/append.h"
#include "shamir/shamir.h"

struct bad_share {
	uint32_t	leaf;
	uint8_t		kind;				/* GARBAGE_SHUT, GARBAGE_OTHER */
	uint8_t		point[SHAMIR_POINT_BYTES];	/* GARBAGE_OTHER */
};

struct checking {
	/* Batches that are through and not said yet; their rows are JOURNAL_THROUGH. */
	size_t			 n_through;
	when			 oldest;
	bool			 recount;		/* rows came since */

	/* The batch at hand, if it is open. */
	bool			 open;
	uint64_t		 batch;
	struct hsm_opener	*opener;		/* NULL: none of its shares opens */
	struct buf		 descriptors, sealed;	/* vectors */
	uint32_t		 count, leaf;		/* leaf: the next */
	size_t			 at;			/* its descriptor in the vector */
	uint32_t		 n_bad;			/* of which at most CHECK_GARBAGE_MAX are kept */
	struct bad_share	 bad[CHECK_GARBAGE_MAX];
	uint32_t		 said;			/* of those kept */

	/* One slice of it. */
	struct secret		*shares;		/* CHECK_SLICE of them */
	struct shamir_commits	 commits[CHECK_SLICE];
	uint32_t		 leaf_of[CHECK_SLICE];
};

#define CHECK_KEY_BYTES	8				/* u64 index */
void	 check_key(uint64_t index, uint8_t ret[CHECK_KEY_BYTES]);
MUST_USE enum rc check_key_read(struct span key, uint64_t *ret, struct err *err);
/* The first row after `after` (UINT64_MAX: of all). RC_MISSING: none. */
MUST_USE enum rc check_first(struct custody *c, const char *journal, uint64_t after, uint64_t *ret, struct err *err);

/*
 * Open a batch: its vectors are read and one key derived, unless the encapsulation is no
 * point. RC_VERIFY: the stored vector is not the one that the batch names. RC_IO: the token.
 */
MUST_USE enum rc check_batch_open(struct custody *c, struct checking *k, uint64_t index, struct err *err);
/* The next slice. After a fault the same slice is next again. */
MUST_USE enum rc check_batch_slice(struct custody *c, struct checking *k, struct err *err);
void	 check_batch_close(struct checking *k);

/* Sign and journal one `garbage` of the batch at hand, unless it was said before. */
MUST_USE enum rc check_say_garbage(struct custody *c, struct checking *k, when now, struct err *err);
/* Up to where runs were said: what lies below is said alone. */
MUST_USE enum rc check_said_up_to(struct custody *c, uint64_t *ret, struct err *err);
/* Sign and journal `checked` for the first run of what is through. */
MUST_USE enum rc check_say_run(struct custody *c, when now, struct err *err);
/* The key under which garbage is known: u64 index, u32 leaf. */
#define CHECK_GARBAGE_KEY_BYTES	12
void	 check_garbage_key(uint64_t index, uint32_t leaf, uint8_t ret[CHECK_GARBAGE_KEY_BYTES]);

#endif
