/*
 * custodian/handed.h - statements that came past the log: above all a "no".
 *
 * A person (or a peer that has it from one) hands in a statement. It is verified as
 * `apply` would at this moment, journalled, and from then on: a "no" (a denial, a
 * withdrawal, a revocation) bars every contribution that it affects until the log
 * shows it; anything is passed on to the peers and, in each Append reply, to the
 * coordinator, and is expected in the log: what stays out of it is censored, and
 * everybody may see that (Checkpoint). A peer's receipts travel the same way.
 *
 * Forgotten when the log shows an authentic statement of its id below a checkpoint that
 * q cosigned, effective or void: what no quorum stands behind may be a log that was made
 * for this custodian alone. But a "no" that the log shows only after it expired was
 * swallowed by delay, and goes on barring. HANDED_KEEP after it expired, what is no "no"
 * is forgotten as well, and a "no" whose request is over: by the log's time and our clock.
 *
 * Bounds: HANDED_MAX in all, but HANDED_NO_SURE "no"s of each person find a place
 * whatever others did; HANDED_NO_MAX of one signer's; of requests and
 * approvals HANDED_OTHER_MAX in all, HANDED_OTHER_OWN of one signer, and their blobs
 * HANDED_BLOBS_MAX bytes; HANDED_RECEIPTS_OWN receipts of one custodian. One statement
 * of a kind, subject and signer (a denial and an approval are two kinds): a second is
 * answered as the first, or takes its place when the first has expired, or when it is a
 * withdrawal that lasts longer. None of these
 * can be spent by strangers: no signature of the charter, no place.
 */
#ifndef CUSTODIAN_HANDED_H
#define CUSTODIAN_HANDED_H

#include "policy/apply.h"

#define HANDED_MAX		4096
#define HANDED_NO_MAX		512
#define HANDED_NO_SURE		4	/* of a person, however many others there are */
#define HANDED_ALL_MAX		(HANDED_MAX + PEOPLE_MAX * HANDED_NO_SURE)
#define HANDED_OTHER_MAX	256
#define HANDED_OTHER_OWN	16
#define HANDED_RECEIPTS_OWN	64
#define HANDED_BLOBS_MAX	(8 << 20)
#define HANDED_BLOB_MAX		(96 << 10)	/* of one: with its statement it fits an Append reply */
#define HANDED_LIFE_MIN		30	/* seconds that a "no" must have left when its author brings it */
#define HANDED_KEEP		(30 * UINT64_C(86400))

struct custody;

enum handed_fate {
	HANDED_TAKEN,		/* durable, acted upon, passed on */
	HANDED_KNOWN,		/* was here already */
	HANDED_LOGGED,		/* the log shows it; a "no" is taken as well, until q cosigned that */
	HANDED_REFUSED,		/* `why`: it would be void */
};

struct handed_answer {
	enum handed_fate fate;
	uint8_t		 id[SHA256_BYTES];
	enum void_reason why;
	uint64_t	 index;		/* logged: its entry */
	bool		 no;
};

/*
 * from: the peer that passed it on, ourselves: it was here before, 0: its author or
 * whoever. Durable, and marked in
 * the token, when it returns RC_OK. RC_FORMAT, RC_VERIFY: no statement, nobody's of the
 * charter, or of a type that is not handed in. RC_LIMIT: a bound above. RC_MISSING: a
 * blob that it names did not come with it. RC_DENIED: a "no" that has not HANDED_LIFE_MIN left. RC_UNSURE: it speaks of entries that did not
 * come here yet: hand it in again. The words for whoever asks are in custody.words.
 */
MUST_USE enum rc handed_take(struct custody *c, uint8_t from, struct span dsse, const struct span *blob,
    size_t n_blobs, struct handed_answer *ret, struct err *err);

/*
 * In the transaction of an append: the log shows this one, which is authentic and covered
 * by q cosignatures, with this verdict. An effective denial, revocation or receipt stands for every other of its kind,
 * subject and signer as well: they could only be void now.
 */
MUST_USE enum rc handed_logged(struct custody *c, const struct statement *s, enum void_reason why, struct err *err);
/* Likewise: forgets some of what is no "no" and expired long ago. */
MUST_USE enum rc handed_expire(struct custody *c, when now, struct err *err);

/* Every "no" that waits, for replica_may_act(); free() the list. */
MUST_USE enum rc handed_objections(struct custody *c, struct objection **ret, size_t *ret_n, struct err *err);

struct handed_row {
	uint8_t		id[SHA256_BYTES], subject[SHA256_BYTES];
	enum statement_type type;
	bool		no;
	when		since;
	uint8_t		from;			/* peer, or 0 */
	char		who[ID_MAX + 1];	/* person, or "custodian 3" */
	struct span	dsse;			/* borrowed during the call */
	const struct span *blob;
	size_t		n_blobs;
};
/* In order of id after `after` (exclusive; NULL: from the start), at most max; fn not RC_OK stops with it. */
typedef enum rc (*handed_fn)(void *user, const struct handed_row *row, struct err *err);
MUST_USE enum rc handed_each(struct custody *c, const uint8_t *after, size_t max, handed_fn fn, void *user,
    struct err *err);
/* The same for this custodian's own receipts that the log does not show: peers ask for them too. */
MUST_USE enum rc handed_own_receipts(struct custody *c, size_t max, handed_fn fn, void *user, struct err *err);
/* How many wait, and since when the oldest does (0: none). */
MUST_USE enum rc handed_count(struct custody *c, uint32_t *ret_n, when *ret_oldest, struct err *err);

#endif
