/*
 * coordinator/rebuild.h - log.db made anew from anybody's copy of the log.
 *
 * The copy is a tlog-tiles tree in a folder (`custodiand export`, `quorate log export`)
 * with the fixed blobs beside it. Nothing in it is believed: every entry is replayed
 * from the genesis, and what comes out must be what its checkpoint says, which the log
 * key of its time and q custodians signed. log.db gets its name when all of that holds.
 *
 * What stood in no copy of the log is not made again: sealed shares (custodians keep
 * theirs), packages that were made, releases that were cut short, reasons and
 * attachments. Held statements are asked for again (journal.h, "unheard").
 */
#ifndef COORDINATOR_REBUILD_H
#define COORDINATOR_REBUILD_H

#include "audit/store/store.h"
#include "coordinator/coordinator.h"
#include "policy/apply.h"

#define REBUILD_MARK	"rebuilding"	/* in DIR while a rebuild has begun and not ended */

struct rebuild {
	const char		*from, *blobs;	/* folders */
	struct store		*store;
	struct replica		*replica;
	uint64_t		 size;
	when			 time;		/* of the last entry */
	struct buf		 note;		/* as it stands in the copy */
	struct checkpoint	 cp;
};

/* Opens a new database at path. rebuild_done() always. */
MUST_USE enum rc rebuild_init(struct rebuild *b, const char *path, const uint8_t genesis[SHA256_BYTES],
    const char *from, const char *blobs, struct err *err);
void	 rebuild_done(struct rebuild *b);

/*
 * All of the copy. RC_MISSING names what is not there; RC_FORMAT, RC_VERIFY: it is no
 * such log, or not the one of this genesis; RC_QUORUM: fewer than q cosigned its checkpoint.
 */
MUST_USE enum rc rebuild_replay(struct rebuild *b, struct err *err);
/*
 * FROM.tail, when it is there: entries that q had not cosigned as far as the custodian knew
 * that exported them, and FROM.tail.checkpoint, which the log's key signed over them. They
 * stay: others hold them, too.
 */
MUST_USE enum rc rebuild_take_tail(struct rebuild *b, struct err *err);
/*
 * A succession as the next entry, and the note below it where those find it that have not
 * got so far. RC_DENIED: it is void; the words say why.
 */
MUST_USE enum rc rebuild_succeed(struct rebuild *b, struct span document, struct span dsse, struct err *err);

/* Artifacts in the log, and those whose envelope is not in DIR; fn (may be NULL) gets each of those and its batch's root. */
typedef void (*lost_fn)(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const uint8_t root[SHA256_BYTES]);
MUST_USE enum rc envelopes_lost(struct store *s, const char *dir, uint64_t *ret_artifacts, uint64_t *ret_lost,
    lost_fn fn, void *user, struct err *err);

#endif
