/*
 * coordinator/envelopes.h - sealed artifacts, one file each, written once.
 *
 * DIR/envelopes/HH/HEX, HH the first byte of the artifact's id, HEX all of it. A
 * file is there before the entry that names it is logged, and is never changed.
 * Threads: any; envelopes_take() by one at a time (seal.c sees to it).
 */
#ifndef COORDINATOR_ENVELOPES_H
#define COORDINATOR_ENVELOPES_H

#include "edge/file.h"
#include "evidence/envelope.h"

/* An open envelope file. */
struct envelope_file {
	int		 fd;
	uint64_t	 size;
	struct envelope	*e;
};
#define ENVELOPE_FILE_INIT	((struct envelope_file){ .fd = -1 })

/* Checks form and size, and that it is the envelope of this descriptor. */
MUST_USE enum rc envelope_file_open(const char *path, struct span descriptor,
    struct envelope_file *ret, struct err *err);
void	 envelope_file_done(struct envelope_file *f);	/* ret must stay where it is until then */

/* At start: a folder that a killed process made is durable before it is used. */
MUST_USE enum rc envelopes_start(const char *dir, struct err *err);
MUST_USE enum rc envelopes_path(const char *dir, const uint8_t id[ARTIFACT_ID_BYTES],
    char path[FILE_PATH_MAX], struct err *err);
bool	 envelopes_has(const char *dir, const uint8_t id[ARTIFACT_ID_BYTES]);
/*
 * Which folders a batch touched. A name is durable when its folder was synced: once for
 * all that the batch put there, for each sync is a wait for the disk.
 */
struct envelopes_touched { bool top, folder[256]; };
#define ENVELOPES_TOUCHED_INIT	((struct envelopes_touched){ .top = false })
/*
 * Moves `from`, which was synced, into place. RC_DENIED: there is an envelope of that id.
 * Durable after envelopes_sync().
 */
MUST_USE enum rc envelopes_take(const char *dir, const uint8_t id[ARTIFACT_ID_BYTES],
    const char *from, struct envelopes_touched *touched, struct err *err);
/* One that is there already counts as touched: whoever moved it may not have come to sync. */
void	 envelopes_touch(struct envelopes_touched *touched, const uint8_t id[ARTIFACT_ID_BYTES]);
MUST_USE enum rc envelopes_sync(const char *dir, const struct envelopes_touched *touched, struct err *err);
/* Takes back what was moved for an entry that became void. */
void	 envelopes_drop(const char *dir, const uint8_t id[ARTIFACT_ID_BYTES]);

#endif
