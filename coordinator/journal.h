/*
 * coordinator/journal.h - what the coordinator keeps beside the log, in log.db.
 *
 *	journal		key				value
 *	subject		subject[32] || u64 index	u8 type, u8 effective
 *	kind		u8 type || u64 index		u8 effective, id[32]
 *	spool		u64 batch || u8 custodian	its share vector, for ever: who loses a disk gets it again
 *	pending		u8 custodian || u64 batch	a spooled vector it does not hold yet
 *	held		u64 batch || u8 custodian	its held statement, DSSE
 *	unheard		u8 custodian || u64 batch	whether it holds is not known: this log.db was rebuilt
 *	handover	u64 index			the note below a succession entry, by the log key before it
 *	making		request id			what a release can be finished from (release.h)
 *	making-message	request id || u8 custodian	its message to the recipient, in recipient mode
 *	package		request id			u64 size, sha256[32], order[32], u64 order index,
 *							u64 release index, u32 good, u32 bad, u8 stamps
 *	value "cosigned"				the latest note of q custodians
 *
 * They are written in the transaction of the entry that they speak of. What a rebuild
 * (rebuild.h) cannot make again: spool, making, making-message, package. Read them through any handle, write them in the sequencer.
 */
#ifndef COORDINATOR_JOURNAL_H
#define COORDINATOR_JOURNAL_H

#include "audit/store/store.h"
#include "policy/statement.h"

#define JOURNAL_INDEX_MAX	4096	/* rows that one question reads */

/* Beside the entry at `index`, in its transaction. */
MUST_USE enum rc journal_entry(struct store *s, uint64_t index, const struct verdict *v, struct err *err);

/* Entries about a subject, in log order; fn may return RC_LIMIT to stop early (then RC_OK). */
typedef enum rc (*subject_fn)(void *user, uint64_t index, enum statement_type type,
    bool effective, struct err *err);
MUST_USE enum rc journal_subject(struct store *s, const uint8_t subject[SHA256_BYTES],
    subject_fn fn, void *user, struct err *err);
/* Entries of a type from index `after` on (exclusive; UINT64_MAX: from the start). */
typedef enum rc (*kind_fn)(void *user, uint64_t index, bool effective,
    const uint8_t id[SHA256_BYTES], struct err *err);
MUST_USE enum rc journal_kind(struct store *s, enum statement_type type, uint64_t after,
    kind_fn fn, void *user, struct err *err);

/* The share vectors of an effective batch: custodian i's at [i-1]. */
MUST_USE enum rc journal_spool(struct store *s, uint64_t batch, const struct span *vector,
    uint8_t n, struct err *err);
MUST_USE enum rc journal_vector(struct store *s, uint64_t batch, uint8_t custodian,
    struct buf *ret, struct err *err);	/* RC_MISSING */
/* A custodian holds: its statement is kept, and its vector stays. */
MUST_USE enum rc journal_hold(struct store *s, uint64_t batch, uint8_t custodian, struct span dsse,
    struct err *err);
MUST_USE enum rc journal_held(struct store *s, uint64_t batch, uint8_t custodian,
    struct buf *ret, struct err *err);	/* RC_MISSING */
unsigned journal_held_count(struct store *s, uint64_t batch, uint8_t n);
/* Up to max batches whose vectors a custodian does not hold yet, ascending from `first`. */
MUST_USE enum rc journal_pending(struct store *s, uint8_t custodian, uint64_t first,
    uint64_t *ret, size_t max, size_t *ret_n, struct err *err);
/* A batch whose vectors are not here: who holds them is asked for. */
MUST_USE enum rc journal_unheard_put(struct store *s, uint64_t batch, uint8_t n, struct err *err);
/* As journal_pending(), of the batches for which this custodian's held statement is not here. */
MUST_USE enum rc journal_unheard(struct store *s, uint8_t custodian, uint64_t first,
    uint64_t *ret, size_t max, size_t *ret_n, struct err *err);
/* How many vectors wait for one custodian, counted to `max`. */
MUST_USE enum rc journal_pending_of(struct store *s, uint8_t custodian, size_t max, uint64_t *ret, struct err *err);
/* How many vectors are pending in all, counted to `max`. */
MUST_USE enum rc journal_pending_count(struct store *s, size_t max, uint64_t *ret, struct err *err);

/* The note that covers all below a succession, and nothing of it. */
MUST_USE enum rc journal_handover(struct store *s, uint64_t index, struct span note, struct err *err);
/* Of the first succession at or above index. RC_MISSING: none is there. */
MUST_USE enum rc journal_handover_from(struct store *s, uint64_t index, uint64_t *ret_index, struct buf *ret_note,
    struct err *err);

struct package_row {
	uint64_t	size;
	uint8_t		sha256[SHA256_BYTES], order[SHA256_BYTES];
	uint64_t	order_index, release_index;
	uint32_t	good, bad;		/* bit i-1: custodian i */
	uint8_t		stamps;			/* 0: level B; 1: level T; 2: and an archive time-stamp */
};
MUST_USE enum rc journal_package_put(struct store *s, const uint8_t request[SHA256_BYTES],
    const struct package_row *row, struct err *err);
MUST_USE enum rc journal_package(struct store *s, const uint8_t request[SHA256_BYTES],
    struct package_row *ret, struct err *err);	/* RC_MISSING */

#endif
