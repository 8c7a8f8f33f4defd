/*
 * audit/accusation.h - two checkpoints that one log signed and that cannot both be true
 * (docs/spec/accusation-v1.md).
 *
 * Of two notes, sizes a <= b, the smaller comes with the root that the log of the
 * larger has at size a, and a consistency proof from there to b: if that root
 * is not the one in the smaller note, the log's key has signed two pasts. Anyone who
 * knows the log's key can verify it; nobody without that key can make one. Text, so
 * that it can be printed and mailed:
 *
 *	"quorate accusation v1" LF
 *	"root " base64 LF			the larger log's root at the smaller size
 *	*64( "proof " base64 LF )		consistency, from a to b
 *	"note " bytes LF note			decimal length, then the smaller note
 *	"note " bytes LF note			the larger
 *
 * Pure. Threads: no shared state.
 */
#ifndef AUDIT_ACCUSATION_H
#define AUDIT_ACCUSATION_H

#include "audit/note.h"

#define ACCUSATION_BYTES_MAX	(2 * NOTE_BYTES_MAX + 8192)

struct accusation {
	struct checkpoint	a, b;			/* a.size <= b.size */
	struct note_cosigned	cosigned_a, cosigned_b;	/* bit i: witness[i]; who stands in both, of one size, lied too */
	struct span		note_a, note_b;		/* borrow from the input */
};

/*
 * Writes one. RC_VERIFY: these do not contradict each other, or path does not lead from
 * root at a's size to b. The notes are verified as checkpoint_verify() does.
 */
MUST_USE enum rc accusation_write(struct span note_a, struct span note_b, const uint8_t root[TREE_HASH_BYTES],
    const struct tree_path *path, const struct note_key *log, const struct note_key *witness, size_t n_witness,
    struct buf *out, struct err *err);
/* RC_OK: it holds. RC_VERIFY, RC_FORMAT: it does not. */
MUST_USE enum rc accusation_verify(struct span text, const struct note_key *log, const struct note_key *witness,
    size_t n_witness, struct accusation *ret, struct err *err);

#endif
