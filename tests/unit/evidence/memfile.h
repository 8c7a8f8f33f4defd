/*
 * tests/unit/evidence/memfile.h - a file in memory behind evidence/stream.h.
 *
 * Reads come from a heap block of exactly its size, so that ASan sees one that
 * reaches beyond; a read past the end fails as it does at the edges.
 */
#ifndef TESTS_UNIT_EVIDENCE_MEMFILE_H
#define TESTS_UNIT_EVIDENCE_MEMFILE_H

#include "base/bytes.h"

struct memfile {
	struct buf	b;
	unsigned	fail_at;	/* the nth write fails; 0: none */
};
#define MEMFILE_INIT	((struct memfile){ BUF_INIT((size_t)64 << 20), 0 })

enum rc	memfile_read(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err);
enum rc	memfile_write(void *user, uint64_t at, struct span bytes, struct err *err);
void	memfile_done(struct memfile *f);
/* A copy on disk, 0600, in a fresh folder under /tmp; tool_ok() and rmdir it. */
void	memfile_save(const struct memfile *f, const char *path);
/* Runs a shell command; true when it exits 0. */
bool	tool_ok(const char *command);
/* Is there such a program? Prints "skipped: NAME is not installed" when not. */
bool	tool_here(const char *name);

#endif
