/*
 * evidence/archive.h - time-stamps over a whole package (docs/spec/package-v1.md section 6a).
 *
 * Each is a pair of files at the end: META-INF/ASiCArchiveManifestNNN.xml, which lists the
 * SHA-256 of every file before it but mimetype, and META-INF/timestampNNN.tst, an RFC 3161
 * token over that text. NNN counts from 001 without a gap. The text follows from names and
 * digests: a verifier makes it again and compares. A renewal covers all earlier pairs.
 *
 * Pure. Threads: no shared state.
 */
#ifndef EVIDENCE_ARCHIVE_H
#define EVIDENCE_ARCHIVE_H

#include "audit/timestamp.h"
#include "evidence/package.h"
#include "evidence/package_text.h"

#define ARCHIVES_MAX		99
#define NAME_ARCHIVES		"META-INF/ASiCArchiveManifest"	/* 001.xml, 002.xml... */

/* number: from 1. */
void	 name_archive_manifest(uint32_t number, package_name ret);
void	 name_archive_token(uint32_t number, package_name ret);

/* The manifest over the first n files of f. RC_LIMIT: more than ARCHIVES_MAX. */
MUST_USE enum rc archive_manifest(const struct package_files *f, uint32_t n, uint32_t number, struct buf *out,
    struct err *err);
/*
 * The manifest over all files of f, and a token over it from `stamp`, into `token`, which is empty. What
 * the builder adds under the two names, in this order. RC_MISSING: no token could be had.
 * RC_VERIFY, RC_FORMAT: what came is no token over it. (Whose it is, `stamp` saw to.)
 */
MUST_USE enum rc archive_stamp(const struct package_files *f, uint32_t number, package_stamp_fn stamp, void *user,
    struct buf *manifest, struct buf *token, struct err *err);

#endif
