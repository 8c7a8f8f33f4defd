/*
 * policy/witness.h - whose cosignatures count: the note keys of a charter, and its quorum.
 *
 * The log's note key is named by the origin; custodian i's witness key by
 * origin "/custodian-" i (docs/spec/log-v1.md). Pure. Threads: no shared state.
 */
#ifndef POLICY_WITNESS_H
#define POLICY_WITNESS_H

#include "audit/note.h"
#include "policy/charter.h"

/* RC_FORMAT: a key that is not Ed25519, or an origin too long for a note key's name. */
MUST_USE enum rc charter_log_note_key(const struct charter *c, struct note_key *ret, struct err *err);
MUST_USE enum rc charter_witness_note_key(const struct charter *c, uint8_t index, struct note_key *ret,
    struct err *err);

/*
 * A checkpoint note against a charter: the log's signature, and with need_q at
 * least q custodians' cosignatures (without it, those that are there must be good).
 * ret_cosigned may be NULL; bit i-1: custodian i.
 *
 * RC_QUORUM: fewer than q. RC_VERIFY, RC_FORMAT as checkpoint_verify().
 */
MUST_USE enum rc charter_checkpoint_verify(const struct charter *c, struct span note, bool need_q,
    struct checkpoint *ret, struct note_cosigned *ret_cosigned, struct err *err);

#endif
