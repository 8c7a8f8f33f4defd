/*
 * evidence/zip.h - the ZIP files that packages are: a strict subset, one encoding.
 *
 * Stored entries only, one after the other from offset 0, then the central
 * directory, then its end; no gap, no comment, no data descriptor, no extra field
 * but zip64's where a size or an offset needs it, one fixed timestamp. Every byte
 * that is not content follows from the names, sizes and CRCs; the reader compares
 * all of them with what the writer would have written, so that no two readers of
 * one file can see two packages (docs/adr/0006-own-zip.md, package-v1 section 2).
 *
 * Core: bytes come and go through callbacks. Threads: an object is one thread's.
 */
#ifndef EVIDENCE_ZIP_H
#define EVIDENCE_ZIP_H

#include "base/auto.h"
#include "evidence/stream.h"

#define ZIP_NAME_MAX		200	/* [A-Za-z0-9._/-], no empty, "." or ".." step */
#define ZIP_ENTRIES_MAX		32768

/* --- writing ---------------------------------------------------------------- */

struct zip_writer;
/* Offsets that `write` sees ascend, but for the 4 bytes of the CRC of each entry, written again when it ends. */
MUST_USE enum rc zip_writer_new(stream_write_at write, void *user, struct zip_writer **ret, struct err *err);
void	 zip_writer_free(struct zip_writer *w);
DEFINE_AUTO(zip_writer_free, struct zip_writer);

/* An entry: begin with its name and size, write exactly that many bytes, end. */
MUST_USE enum rc zip_begin(struct zip_writer *w, const char *name, uint64_t size, struct err *err);
MUST_USE enum rc zip_write(struct zip_writer *w, struct span bytes, struct err *err);
/* ret_sha256 may be NULL. RC_USAGE: not `size` bytes were written. */
MUST_USE enum rc zip_end(struct zip_writer *w, uint8_t ret_sha256[SHA256_BYTES], struct err *err);
/* The three in one. */
MUST_USE enum rc zip_add(struct zip_writer *w, const char *name, struct span bytes,
    uint8_t ret_sha256[SHA256_BYTES], struct err *err);
struct zip;
struct zip_entry;
/*
 * An entry of another file as it is there, in one read, through a chunk of memory. RC_FORMAT: it is
 * damaged: its CRC is another.
 */
MUST_USE enum rc zip_copy(struct zip_writer *w, const struct zip *from, const struct zip_entry *e,
    uint8_t ret_sha256[SHA256_BYTES], struct err *err);
/* Central directory and end. ret_size: of the whole file. */
MUST_USE enum rc zip_finish(struct zip_writer *w, uint64_t *ret_size, struct err *err);

/* --- reading ---------------------------------------------------------------- */

struct zip_entry {
	char		name[ZIP_NAME_MAX + 1];
	uint64_t	size, at;	/* content, and where it stands in the file */
	uint32_t	crc;
};

struct zip;
/*
 * Reads and checks everything but the contents. RC_FORMAT: not a package's ZIP; the
 * message says where. RC_LIMIT: more than ZIP_ENTRIES_MAX entries.
 */
MUST_USE enum rc zip_open(stream_read_at read, void *user, uint64_t size, struct zip **ret, struct err *err);
void	 zip_free(struct zip *z);
DEFINE_AUTO(zip_free, struct zip);

uint32_t zip_count(const struct zip *z);
/* In file order; i below zip_count(). */
void	 zip_at(const struct zip *z, uint32_t i, struct zip_entry *ret);
/* RC_MISSING. ret_i may be NULL. */
MUST_USE enum rc zip_find(const struct zip *z, const char *name, uint32_t *ret_i,
    struct zip_entry *ret, struct err *err);
/* n bytes of an entry from offset. RC_FORMAT: beyond its end. */
MUST_USE enum rc zip_read(const struct zip *z, const struct zip_entry *e, uint64_t offset,
    uint8_t *out, size_t n, struct err *err);
/* The whole of a small entry, appended. RC_LIMIT: larger than what out may hold. */
MUST_USE enum rc zip_read_all(const struct zip *z, const struct zip_entry *e, struct buf *out, struct err *err);
/* SHA-256 of an entry's content, whose CRC is checked. RC_FORMAT: the CRC is another. */
MUST_USE enum rc zip_digest(const struct zip *z, const struct zip_entry *e,
    uint8_t ret[SHA256_BYTES], struct err *err);

/* May a package have an entry of this name? */
bool	 zip_name_ok(const char *name);

#endif
