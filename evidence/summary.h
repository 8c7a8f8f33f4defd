/*
 * evidence/summary.h - data/summary.html: a package for who reads it, a judge first.
 *
 * It follows from a checked case and from the reasons that stand in the package, byte for
 * byte: the builder writes it, the verifier makes it again and compares. Self-contained,
 * printable, without scripts; whatever people chose is escaped (evidence/markup.h).
 * docs/spec/custody-v1.md section 5. Pure. Threads: no shared state.
 */
#ifndef EVIDENCE_SUMMARY_H
#define EVIDENCE_SUMMARY_H

#include "evidence/case.h"

#define SUMMARY_TEXT_MAX	(64u << 10)	/* a longer reason is named, not shown; salt included */
#define SUMMARY_BYTES_MAX	(16u << 20)

/* A file of data/erasable. */
struct summary_text {
	uint8_t		digest[SHA256_BYTES];	/* that it is named by */
	uint64_t	size;			/* salt included */
	struct span	blob;			/* salt || text; not looked at where size is above SUMMARY_TEXT_MAX */
};

/* text: those that stand in the package, in any order. RC_USAGE: e is not the case that c was made from. */
MUST_USE enum rc package_summary(const struct evidence_case *e, const struct checked_case *c,
    const struct summary_text *text, size_t n, struct buf *out, struct err *err);

#endif
