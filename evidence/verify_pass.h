/*
 * evidence/verify_pass.h - the one reading of a whole package: for verify*.c only.
 *
 * Each byte is read once and goes, window by window, into the SHA-256 of its file, its CRC
 * and, if it is ciphertext, the hash of its leaf; the next window is read meanwhile. Memory
 * is two windows, whatever the package's size.
 */
#ifndef EVIDENCE_VERIFY_PASS_H
#define EVIDENCE_VERIFY_PASS_H

#include "evidence/package_view.h"
#include "evidence/parallel.h"

/* The first leaf that has not the hash that stands in its part's leaves. */
struct pass_leaf {
	bool		found;
	uint32_t	part, segment;		/* of the scope; of the part */
	uint64_t	chunk;			/* of the segment */
};

/*
 * Fills v->files. parallel may be NULL; else v's reader is called from its threads, one at a
 * time. RC_FORMAT: a CRC differs.
 */
MUST_USE enum rc pass_run(struct package_view *v, const struct parallel *parallel, struct pass_leaf *ret,
    struct err *err);

#endif
