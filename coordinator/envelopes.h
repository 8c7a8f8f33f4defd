/*
 * coordinator/envelopes.h - sealed artifacts, one file for each batch, written once.
 *
 * DIR/envelopes/HH/HEX, HEX the batch root (the subject of the batch's statement), HH its
 * first byte: the envelopes of the batch in leaf order (evidence/batch.h), as they came. A
 * file is there before the entry that names it is logged, and is never changed. So a batch
 * costs one name and one sync of a folder, however many artifacts it has.
 * Threads: any; envelopes_take() by one at a time (seal.c sees to it).
 */
#ifndef COORDINATOR_ENVELOPES_H
#define COORDINATOR_ENVELOPES_H

#include "edge/file.h"
#include "evidence/batch.h"
#include "evidence/envelope.h"

/* An open envelope: its batch's file, and where it stands there. */
struct envelope_file {
	int		 fd;
	uint64_t	 offset;
	struct envelope	*e;
};
#define ENVELOPE_FILE_INIT	((struct envelope_file){ .fd = -1 })

/*
 * Checks form and size, and that it is the envelope of this descriptor. RC_MISSING: no such
 * file; RC_FORMAT, RC_VERIFY: not what should be there.
 */
MUST_USE enum rc envelope_file_open(const char *path, const struct batch_envelope *at,
    struct envelope_file *ret, struct err *err);
void	 envelope_file_done(struct envelope_file *f);	/* ret must stay where it is until then */
/* Is the file at path all envelopes of a batch, and nothing else? As batch_envelopes_check(); RC_MISSING: no file. */
MUST_USE enum rc envelopes_check(const char *path, struct span vector, uint32_t count, struct err *err);

/* At start: a folder that a killed process made is durable before it is used. */
MUST_USE enum rc envelopes_start(const char *dir, struct err *err);
MUST_USE enum rc envelopes_path(const char *dir, const uint8_t root[SHA256_BYTES],
    char path[FILE_PATH_MAX], struct err *err);
/* Bytes of a batch's file; 0: there is none. */
uint64_t envelopes_size(const char *dir, const uint8_t root[SHA256_BYTES]);
/*
 * Moves `from`, whose bytes were synced, into place. RC_DENIED: there is one of that root.
 * Durable after envelopes_sync(), which serves for one that is there already as well: whoever
 * moved it may not have come to sync.
 */
MUST_USE enum rc envelopes_take(const char *dir, const uint8_t root[SHA256_BYTES], const char *from,
    struct err *err);
MUST_USE enum rc envelopes_sync(const char *dir, const uint8_t root[SHA256_BYTES], struct err *err);
/* Takes back what was moved for an entry that became void. */
void	 envelopes_drop(const char *dir, const uint8_t root[SHA256_BYTES]);

#endif
