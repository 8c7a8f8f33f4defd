/*
 * evidence/custody.h - the chain of custody, in two vocabularies that others read.
 *
 * custody_case()	CASE/UCO 1.4.0 as JSON-LD, its context embedded: InvestigativeActions
 *			(sealed, requested, approved, ordered, contributed, released), the
 *			ProvenanceRecords that they made, ObservableObjects with their digests
 * custody_prov()	W3C PROV-JSON: the same as entities, activities and agents
 *
 * Both follow from a checked case byte for byte: the builder of a package writes them,
 * the verifier makes them again and compares. They prove nothing by themselves and say
 * so. docs/spec/custody-v1.md. Pure. Threads: no shared state.
 */
#ifndef EVIDENCE_CUSTODY_H
#define EVIDENCE_CUSTODY_H

#include "evidence/case.h"

#define CUSTODY_BYTES_MAX	(32u << 20)	/* of 4096 entries and 8192 parts */

/* `e` is the case that `c` was made from. RC_LIMIT: longer than CUSTODY_BYTES_MAX. */
MUST_USE enum rc custody_case(const struct evidence_case *e, const struct checked_case *c, struct buf *out, struct err *err);
MUST_USE enum rc custody_prov(const struct evidence_case *e, const struct checked_case *c, struct buf *out, struct err *err);

#endif
