/*
 * cli/spool.h - ciphertext on its way: in memory while it is small, in an unnamed file after that.
 *
 * Where an envelope stands from its first byte, written in any order since its head is known
 * last, until it was handed over. Nothing secret. A spool belongs to one thread at a time, save where it says so.
 */
#ifndef CLI_SPOOL_H
#define CLI_SPOOL_H

#include "base/bytes.h"

#define SPOOL_MEMORY	((size_t)1 << 20)	/* what is larger goes to a file in TMPDIR, else /var/tmp */
#define SPOOL_KEPT	((size_t)256 << 10)	/* memory that spool_reset() keeps for the next */

struct spool {
	struct buf	mem;
	int		fd;		/* -1: all of it is in mem */
};
#define SPOOL_INIT	((struct spool){ BUF_INIT(SPOOL_MEMORY), -1 })
void	 spool_done(struct spool *s);
void	 spool_reset(struct spool *s);	/* empty, for the next */
/* What comes is long. From now on, until it is reset, several threads may write at once, to places that do not overlap. */
MUST_USE enum rc spool_to_file(struct spool *s, struct err *err);

/* A stream_write_at and a stream_read_at, of a struct spool. RC_IO names the folder and what to do. */
MUST_USE enum rc spool_write(void *spool, uint64_t at, struct span bytes, struct err *err);
MUST_USE enum rc spool_read(void *spool, uint64_t at, uint8_t *out, size_t n, struct err *err);

#endif
