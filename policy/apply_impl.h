/*
 * policy/apply_impl.h - one entry on its way through apply. Internal to policy/.
 *
 * A handler checks first and puts last: refuse() before any put, so that a void
 * entry changes nothing but what stands in the log.
 */
#ifndef POLICY_APPLY_IMPL_H
#define POLICY_APPLY_IMPL_H

#include "policy/apply.h"
#include "policy/cert.h"
#include "policy/record.h"
#include "policy/tally.h"

#define DAY_SECONDS		86400
#define CLOCK_SKEW_SECONDS	300	/* how far a signer's clock may be ahead of the log's */

struct applying {
	struct replica		*r;
	const struct state	*st;		/* r's */
	const struct charter	*charter;	/* in force before this entry */
	const struct charter	*next;		/* in force after it, if that is another */
	const uint8_t		*genesis;
	uint64_t		 index;
	/*
	 * `now` is the entry's effective time, `dated` the one that it bears, which may be
	 * earlier. Too late is judged by the first, too early and too far ahead by the second:
	 * then what is effective in a whole replay is in one of a part, which may know less of
	 * how far time had come.
	 */
	when			 now, dated;
	struct dsse		 dsse;
	struct statement	 s;
	const struct key	*key;		/* that verified it */
	const struct person	*person;	/* whose key it is, NULL: no person's */
	const struct sealer	*sealer;	/* likewise */
	struct changes		 changes;
	enum void_reason	 why;
};

/* Sets why; RC_DENIED is how a handler says void. */
enum rc	 refuse(struct applying *a, enum void_reason why);
/* Bytes of a fixed blob, whose digest is checked. RC_MISSING: not here. */
MUST_USE enum rc fixed_blob(const struct state *st, const uint8_t digest[SHA256_BYTES],
    size_t max, struct buf *ret, struct err *err);
/* Refused for what stands in the bytes, not for want of memory or disk. */
bool	 is_refusal(enum rc rc);

MUST_USE enum rc apply_batch(struct applying *a, struct err *err);
MUST_USE enum rc apply_checked(struct applying *a, struct err *err);
MUST_USE enum rc apply_garbage(struct applying *a, struct err *err);
MUST_USE enum rc apply_request(struct applying *a, struct err *err);
MUST_USE enum rc apply_decision(struct applying *a, struct err *err);
MUST_USE enum rc apply_withdrawal(struct applying *a, struct err *err);
MUST_USE enum rc apply_revocation(struct applying *a, struct err *err);
MUST_USE enum rc apply_order(struct applying *a, struct err *err);
MUST_USE enum rc apply_receipt(struct applying *a, struct err *err);
MUST_USE enum rc apply_release(struct applying *a, struct err *err);
MUST_USE enum rc apply_amendment(struct applying *a, struct err *err);
MUST_USE enum rc apply_consent(struct applying *a, struct err *err);
MUST_USE enum rc apply_succession(struct applying *a, struct err *err);
/* RC_DENIED unless it carries signatures of an amending quorum and of q custodians. */
MUST_USE enum rc succession_signed(struct applying *a, struct err *err);
MUST_USE enum rc apply_anchor(struct applying *a, struct err *err);
MUST_USE enum rc apply_acknowledgement(struct applying *a, struct err *err);

/* Everything between the entry's bytes and its handler; then the statement's record. */
MUST_USE enum rc apply_entry(struct applying *a, struct span dsse, struct err *err);
/* Entry 0; a->next is the genesis. RC_VERIFY: not that, or not signed by all. RC_MISSING: no blob. */
MUST_USE enum rc apply_genesis(struct applying *a, struct span dsse, struct err *err);

/*
 * What recipients' certificates last seen are good for: one has the same recipient again
 * and again, and to read a certificate costs as much as ten signatures.
 */
#define CERTS_SEEN	8
struct cert_seen {
	uint8_t		digest[SHA256_BYTES];
	enum cert_kind	kind;
};

/* A replica is open to the questions beside apply. */
struct replica {
	const struct state	*st;
	uint8_t			 genesis[SHA256_BYTES];
	struct charter_cache	*cache;		/* every charter that is at hand */
	const struct charter	*charter;	/* in force, one of them; NULL before entry 0 */
	struct rec_head		 head;		/* as in the state; zeroes before entry 0 */
	struct cert_seen	 cert[CERTS_SEEN];	/* the latest at n_certs - 1, modulo */
	uint64_t		 n_certs;
};

#endif
