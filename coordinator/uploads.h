/*
 * coordinator/uploads.h - envelopes and large attachments on their way in.
 *
 * An upload is named by 16 random bytes of its sender and comes in pieces, in a
 * row. uploads/HEX.part grows; with the last piece it is synced and becomes
 * uploads/HEX: whole, and its bytes durable. What nobody claims is removed after a day, and
 * what is not whole at a start: nothing says how much of it a loss of power has left.
 * Threads: any; one upload belongs to one call at a time.
 */
#ifndef COORDINATOR_UPLOADS_H
#define COORDINATOR_UPLOADS_H

#include "base/auto.h"
#include "base/bytes.h"
#include "base/when.h"
#include "edge/file.h"
#include "policy/descriptor.h"

#define UPLOAD_ID_BYTES		16
#define UPLOADS_MAX		256u	/* at a time: one a batch, one an attachment */
#define UPLOAD_BYTES_MAX	(UINT64_C(80) << 30)	/* of one */
#define UPLOADS_BYTES_MAX	(UINT64_C(256) << 30)	/* of all that nobody claimed */
#define UPLOADS_BYTES_OWN	(UINT64_C(160) << 30)	/* of one owner's */
#define UPLOAD_SECONDS		86400u
#define UPLOAD_RESERVE		(UINT64_C(16) << 20)	/* bytes of the disk left to the log */

struct uploads;

/* dir/uploads is made when it is not there. now: what is older than a day goes. */
MUST_USE enum rc uploads_new(const char *dir, when now, struct uploads **ret, struct err *err);
void	 uploads_free(struct uploads *u);
DEFINE_AUTO(uploads_free, struct uploads);

/*
 * A piece. ret_received: bytes there in a row, from where the sender goes on; a piece
 * that is there already, or lies beyond, changes nothing. last: it is whole with this one, and its
 * bytes are synced when RC_OK is returned. owner: the host that sends it, so that when all
 * places are taken, who has most of them gives one up; those of before a start are 0's.
 *
 * RC_LIMIT: too many uploads, too many bytes, or two calls for one upload at a time.
 * RC_IO: the disk. When it is full the upload is given up, so that halves of files
 * do not keep it full; the log's own reserve is never touched.
 */
MUST_USE enum rc uploads_write(struct uploads *u, const uint8_t id[UPLOAD_ID_BYTES], uint64_t owner, when now,
    uint64_t offset, struct span data, bool last, uint64_t *ret_received, struct err *err);

/* The path of a whole upload. RC_MISSING: no such upload, or not whole. */
MUST_USE enum rc uploads_path(struct uploads *u, const uint8_t id[UPLOAD_ID_BYTES],
    char path[FILE_PATH_MAX], uint64_t *ret_size, struct err *err);
/* SHA-256 of what is at that path. Envelopes are not hashed: what is in them proves itself under the roots that were signed. */
MUST_USE enum rc uploads_digest(const char *path, uint8_t ret[SHA256_BYTES], struct err *err);
/* Its file was moved away or is not needed: forget it, and remove what is left of it. */
void	 uploads_forget(struct uploads *u, const uint8_t id[UPLOAD_ID_BYTES]);
/* How many there are, and of how many bytes (may be NULL). */
uint64_t uploads_count(struct uploads *u, uint64_t *ret_bytes);

#endif
