/*
 * evidence/case.h - everything that is needed to check, trusting only a genesis
 * digest, that an order was allowed (docs/spec/case-v1.md).
 *
 * A case is the charter, the log entries that matter with their inclusion proofs,
 * one checkpoint that q custodians cosigned, the scope, and the descriptors in
 * scope with their paths in their batches. case_check() replays it through the
 * one apply function. The release worker trusts its outcome and nothing else; so
 * does the verifier of packages.
 *
 * Where the charter was amended since the genesis, a case holds the later documents
 * too, and among its entries those that put them in force.
 *
 * What it cannot show: that no "no" was left out. An order's custodians answer
 * for that; their receipts say that they looked (DESIGN 7).
 *
 * Pure. Threads: distinct objects are independent.
 */
#ifndef EVIDENCE_CASE_H
#define EVIDENCE_CASE_H

#include "audit/entry.h"
#include "audit/note.h"
#include "base/secret.h"
#include "policy/apply.h"

#define CASE_ENTRIES_MAX	4096
#define CASE_BYTES_MAX		(64 << 20)	/* all of a case, written */
#define CASE_CHARTERS_MAX	64		/* after the genesis */
#define CASE_ARCHIVES_MAX	64		/* of anchor entries */

struct case_entry {
	uint64_t		index;
	struct span		leaf;		/* u64 time || DSSE; borrowed */
	struct tree_path	path;		/* to the case's checkpoint */
};

struct case_artifact {
	uint8_t			id[ARTIFACT_ID_BYTES];
	uint64_t		batch;		/* index of the batch entry */
	uint32_t		leaf;		/* of the batch tree */
	struct tree_path	path;		/* to the batch root */
	struct span		descriptor;	/* borrowed */
};

/* Spans borrow; the two arrays belong to the case: case_done(). */
struct evidence_case {
	struct span		 charter;	/* the genesis document */
	const struct charter	*known;		/* the same, parsed already; or NULL. Borrowed, not written */
	uint32_t		 n_later;
	struct span		 later[CASE_CHARTERS_MAX];	/* those that followed, in their order */
	struct span		 scope;		/* the scope blob */
	struct span		 checkpoint;	/* the cosigned note */
	uint32_t		 n_entries, n_artifacts;
	struct case_entry	*entry;		/* ascending by index; the first is 0 */
	struct case_artifact	*artifact;	/* ascending by id, as in the scope */
	uint32_t		 n_archives;
	const struct span	*archive;	/* anchor-v1, of its anchor entries; borrowed, in any order */
	uint32_t		 cap_entries, cap_artifacts;
};
#define CASE_INIT	((struct evidence_case){ .entry = NULL })

/*
 * Build a case: add entries ascending by index, artifacts ascending by id. Needed:
 * entry 0, the batches of the artifacts, the request, every decision, withdrawal
 * and revocation that bears on it, the order, and (for a package) its receipts and
 * its release. RC_USAGE: not ascending. RC_LIMIT. RC_NOMEM.
 */
MUST_USE enum rc case_add_entry(struct evidence_case *c, uint64_t index, struct span leaf,
    const struct tree_path *path, struct err *err);
MUST_USE enum rc case_add_artifact(struct evidence_case *c, const uint8_t id[ARTIFACT_ID_BYTES],
    uint64_t batch, uint32_t leaf, const struct tree_path *path, struct span descriptor, struct err *err);
/* The entry with this index, or NULL. */
const struct case_entry *case_entry_at(const struct evidence_case *c, uint64_t index);
void	 case_done(struct evidence_case *c);		/* frees the arrays; harmless twice */

/*
 * One binary encoding, appended to out. RC_LIMIT past CASE_BYTES_MAX or out->max. RC_USAGE:
 * it has archives, which only packages hold.
 */
MUST_USE enum rc case_write(const struct evidence_case *c, struct buf *out, struct err *err);
/* The spans of ret borrow from in. case_done(ret) when RC_OK. */
MUST_USE enum rc case_parse(struct span in, struct evidence_case *ret, struct err *err);

/* What holds, once a case was checked. All of it is owned: the case may go. */
struct checked_case {
	uint8_t			 genesis[SHA256_BYTES];
	struct charter		*charter;	/* in force at the end of the replay */
	struct charter		*first;		/* the genesis; perhaps the same */
	uint32_t		 n_charters;
	uint8_t			 charters[CASE_CHARTERS_MAX + 1][SHA256_BYTES];	/* that are or were in force, by digest */
	uint64_t		 since[CASE_CHARTERS_MAX + 1];	/* the entry with which each came in force */
	when			 since_time[CASE_CHARTERS_MAX + 1];
	struct checkpoint	 checkpoint;
	struct note_cosigned	 cosigned;	/* bit i-1: custodian i */
	struct grant		 grant;		/* order, scope, addressee */
	struct request_view	 request;
	struct buf		 recipient;	/* DER certificate of the approved recipient */
	bool			 to_recipient;	/* custodians answer the recipient, not the worker */
	struct descriptor	*descriptor;	/* by index into grant.scope.artifact */
	uint32_t		 n_verdicts;
	struct verdict		*verdict;	/* of the case's entries, in their order */
	uint32_t		 receipts;	/* bit i-1: a receipt of custodian i, for the whole scope, is effective */
};

enum case_stage {
	CASE_NOTHING = 0,
	CASE_CHARTER,		/* it is the genesis, and a charter; each later one follows the one before */
	CASE_CHECKPOINT,	/* q custodians cosigned it, not before the last entry of the case */
	CASE_ENTRIES,		/* all are under it */
	CASE_DESCRIPTORS,	/* each is under its batch */
	CASE_REPLAYED,		/* the order was allowed, and all that follows was applied */
};

/*
 * Check a case for an order.
 *
 * case_check		may it be carried out at `now`: the release worker. All entries are
 *			replayed, then replica_may_contribute(order, now) is asked.
 * case_check_past	was it allowed when it was logged: the verifier of packages. The
 *			question is asked where the order stands, at its log time, and the
 *			replay goes on from there (receipts, release).
 *
 * ret_reached (may be NULL): the last stage that held, also on failure.
 *
 * RC_FORMAT   malformed, or parts that do not belong to each other.
 * RC_VERIFY   not this genesis, or a signature or proof fails.
 * RC_QUORUM   fewer than q custodians cosigned, or the order is not covered.
 * RC_DENIED   the replay says no: the message says why.
 * RC_MISSING  no such order, or something that the replay needs is not in the case.
 */
MUST_USE enum rc case_check(const struct evidence_case *c, const uint8_t genesis[SHA256_BYTES],
    const uint8_t order[SHA256_BYTES], when now, struct checked_case **ret, struct err *err);
MUST_USE enum rc case_check_past(const struct evidence_case *c, const uint8_t genesis[SHA256_BYTES],
    const uint8_t order[SHA256_BYTES], enum case_stage *ret_reached, struct checked_case **ret,
    struct err *err);
void	 checked_case_free(struct checked_case *c);
DEFINE_AUTO(checked_case_free, struct checked_case);

/*
 * A lineage is a case without an order: scope empty, no artifacts. The charter in force
 * by its entries; that a later one was left out it cannot show. RC_* as above.
 */
/* ret: charter, charters, since, checkpoint, verdicts. */
MUST_USE enum rc case_lineage(const struct evidence_case *c, const uint8_t genesis[SHA256_BYTES],
    struct checked_case **ret, struct err *err);
MUST_USE enum rc case_charter(const struct evidence_case *c, const uint8_t genesis[SHA256_BYTES],
    struct charter **ret, struct checkpoint *ret_checkpoint, struct err *err);

/* One custodian's answer to an order. The worker (or recipient) opened the message. */
struct case_answer {
	uint8_t			 custodian;	/* who was asked */
	struct span		 message;	/* the CMS it sent */
	struct span		 receipt;	/* DSSE bytes */
	const struct secret	*contributions;	/* what cms_open() gave; NULL when it did not open */
};

/*
 * Combine the answers to an order into its segment keys.
 *
 * Each answer is checked: the receipt's signature and what it says of the message,
 * count and root, then every contribution against the descriptor's commitments.
 * A custodian with anything wrong in its answer is bad, for all of it. Its receipt may
 * name any charter that is or was in force by the case.
 *
 * answer    n of them, at most one a custodian; borrowed.
 * ret_good, ret_bad   bit i-1 for custodian i; written always.
 * ret_keys  keys-v1 (evidence/keys.h), in secret memory; on RC_OK only.
 *
 * RC_QUORUM  fewer than k good ones.  RC_USAGE  a custodian twice, or none such.
 */
MUST_USE enum rc case_combine(const struct checked_case *c, const struct case_answer *answer, size_t n,
    uint32_t *ret_good, uint32_t *ret_bad, struct secret **ret_keys, struct err *err);

#endif
