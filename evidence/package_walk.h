/*
 * evidence/package_walk.h - one file of a package after the other: for package_view*.c only.
 *
 * The next file is looked at by the name that it must have; its size is known before it is
 * read. RC_FORMAT: another stands there, or none.
 */
#ifndef EVIDENCE_PACKAGE_WALK_H
#define EVIDENCE_PACKAGE_WALK_H

#include "evidence/package_view.h"

/* Is the next file in this folder? */
bool	 view_next_under(const struct package_view *v, const char *folder, struct zip_entry *ret);
/* The number after the folder's name, as in "data/entries/000000000007.leaf"; the caller makes the name again. */
uint64_t view_number_in(const char *name, const char *folder);
/* Take the next file, which has this name. */
MUST_USE enum rc view_expect(struct package_view *v, const char *name, struct zip_entry *ret, struct err *err);
MUST_USE enum rc view_expect_size(struct package_view *v, const char *name, uint64_t size, struct err *err);
/* ... and read it: at most `max` bytes (RC_FORMAT or RC_LIMIT), or just these. */
MUST_USE enum rc view_load(struct package_view *v, const char *name, size_t max, struct buf *ret, struct err *err);
MUST_USE enum rc view_load_exactly(struct package_view *v, const char *name, struct span want, struct err *err);
/* A .tlog-proof of this form: of entry `index`, under this very note, nothing else in it. */
MUST_USE enum rc view_load_proof(struct package_view *v, const char *name, uint64_t index, struct span note,
    struct tree_path *ret, struct err *err);

/* data/anchors (package_anchor_view.c). */
MUST_USE enum rc view_walk_anchors(struct package_view *v, struct err *err);
void	 view_anchors_done(struct package_view *v);

#endif
