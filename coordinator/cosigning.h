/*
 * coordinator/cosigning.h - collect cosignatures until q custodians agree.
 *
 * The sequencer offers signed checkpoints; replicators carry the one that is the
 * target to the custodians and bring their cosignature lines. All gather on one
 * target, so that a log that grows without a pause still gets q on one size;
 * the newest checkpoint becomes the target once the last one has its q, or after
 * a while without it, so that those who answer still hear what is new.
 *
 * With q lines a note is made and given to `keep`; when the sequencer has made
 * it durable it calls cosigning_publish(), and only then do waiters see it.
 *
 * No I/O. Threads: all calls from any thread.
 */
#ifndef COORDINATOR_COSIGNING_H
#define COORDINATOR_COSIGNING_H

#include "audit/note.h"
#include "base/auto.h"
#include "policy/charter.h"

#define COSIGNING_PATIENCE_MS	2000u	/* for q on one target; doubles up to */
#define COSIGNING_PATIENCE_MAX	32000u

struct cosigning;

/* charter is borrowed. keep is called without a lock held and must not block. */
MUST_USE enum rc cosigning_new(const struct charter *charter,
    void (*keep)(void *user, uint64_t size, struct span note), void *user,
    struct cosigning **ret, struct err *err);
void	 cosigning_free(struct cosigning *c);
DEFINE_AUTO(cosigning_free, struct cosigning);

/*
 * A checkpoint that the log key signed: text, and the signature line under it. time: the
 * log time of the last entry that it covers. No cosignature can be older than that.
 */
MUST_USE enum rc cosigning_offer(struct cosigning *c, const struct checkpoint *cp, when time,
    struct span log_line, uint64_t now_ms, struct err *err);

/* What custodians should cosign now: size and the log's signed note. */
struct target {
	uint64_t	size;		/* 0: nothing offered yet */
	struct buf	note;
};
/* Copies; also moves on to a newer target when patience has run out. */
MUST_USE enum rc cosigning_target(struct cosigning *c, uint64_t now_ms, struct target *ret,
    struct err *err);

/*
 * A custodian's line for a target that was handed out. RC_VERIFY, RC_FORMAT: not
 * a good cosignature of that custodian, or one dated before the last entry under it; RC_MISSING: no such target any more.
 */
MUST_USE enum rc cosigning_add(struct cosigning *c, uint8_t custodian, uint64_t size,
    struct span line, uint64_t now_ms, struct err *err);

/* From the store at start, or durable just now. note is copied. */
MUST_USE enum rc cosigning_publish(struct cosigning *c, uint64_t size, struct span note, struct err *err);
/* The latest published note, appended to ret (may be NULL); its size, 0: none yet. */
MUST_USE enum rc cosigning_latest(struct cosigning *c, struct buf *ret, uint64_t *ret_size, struct err *err);

/* How many custodians cosigned at least this size. */
unsigned cosigning_have(struct cosigning *c, uint64_t size);
/* Has this custodian cosigned at least this size? */
bool	 cosigning_has(struct cosigning *c, uint8_t custodian, uint64_t size);

/*
 * Wait until a published note covers size. RC_UNSURE: not within ms, or woken for
 * good; ret_have says how many custodians cosigned so far.
 */
MUST_USE enum rc cosigning_wait(struct cosigning *c, uint64_t size, unsigned ms,
    unsigned *ret_have, struct err *err);
/* Wait until something happened since `seen` (0 at first) or ms passed; what to pass next. */
uint64_t cosigning_await(struct cosigning *c, uint64_t seen, unsigned ms);
/* The same for who carries it to custodians: a new target, a published note, or cosigning_tell(). */
uint64_t cosigning_news(struct cosigning *c, uint64_t seen, unsigned ms);
/* Wait ms, whatever happens, unless woken for good. */
void	 cosigning_pause(struct cosigning *c, unsigned ms);
/* Something that waiters should look at happened elsewhere. */
void	 cosigning_kick(struct cosigning *c);
/* Something that replicators should look at, and waiters. */
void	 cosigning_tell(struct cosigning *c);
/* No wait blocks from now on. */
void	 cosigning_wake(struct cosigning *c);
bool	 cosigning_woken(struct cosigning *c);

#endif
