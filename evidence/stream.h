/*
 * evidence/stream.h - how bytes that are too large for memory come in and go out.
 *
 * The core opens no file: the edge gives these functions. Each does the whole
 * of what is asked or fails; what it returns stops the caller with that code.
 */
#ifndef EVIDENCE_STREAM_H
#define EVIDENCE_STREAM_H

#include "base/bytes.h"

/* Exactly n bytes from `offset` on into out. RC_IO, or RC_FORMAT past the end. */
typedef enum rc (*stream_read_at)(void *user, uint64_t offset, uint8_t *out, size_t n, struct err *err);
/* All of data at `offset`. */
typedef enum rc (*stream_write_at)(void *user, uint64_t offset, struct span data, struct err *err);
/* All of data after what was written before. */
typedef enum rc (*stream_write)(void *user, struct span data, struct err *err);

#endif
