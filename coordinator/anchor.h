/*
 * coordinator/anchor.h - trusted time for the log: who is asked for a stamp, and when.
 *
 * A thread for each TSA that the charter in force lists, so that a slow one holds up no
 * other. When its schedule says so (so many entries, or so many seconds, since the last
 * anchor by it; anchors themselves do not count), it has the newest q-cosigned checkpoint
 * stamped, checks what came, and only then logs it. What fails is tried again with a
 * pause that grows; the log goes on without.
 *
 * Threads: calls from any.
 */
#ifndef COORDINATOR_ANCHOR_H
#define COORDINATOR_ANCHOR_H

#include "coordinator/coordinator.h"
#include "coordinator/readers.h"
#include "edge/tsa.h"

#define ANCHOR_ASK_MS		20000u	/* for the TSA, and for each list */
#define ANCHOR_PAUSE_MS		1000u	/* after a failure; doubles up to the schedule, and at most */
#define ANCHOR_PAUSE_MAX	600000u
#define ANCHOR_GRACE_MS		10000u	/* due for longer is overdue */
#define ANCHOR_WORDS		TSA_WORDS

struct anchors;
MUST_USE enum rc anchors_new(struct coordinator *c, struct anchors **ret, struct err *err);
/* Breaks off what runs; nothing is asked any more. */
void	 anchors_stop(struct anchors *a);
/* And joins the threads. NULL is fine. */
void	 anchors_free(struct anchors *a);

struct anchor_status {
	bool		any;
	struct anchor_at last;			/* when any */
	bool		overdue;
	char		words[ANCHOR_WORDS + 64];	/* why the last try failed and since when, or what it had to leave out */
};
/* Of the charter's TSA number i. */
MUST_USE enum rc anchors_status(struct anchors *a, struct reader *r, const struct charter *charter, uint32_t i,
    struct anchor_status *ret, struct err *err);

/*
 * Is it time? fresh: entries since the last anchor's checkpoint, anchors not counted.
 * Where there is none yet (last NULL) the first entry is enough.
 */
bool	 anchor_due(const struct charter *c, uint64_t fresh, const struct anchor_at *last, when now);

/*
 * One exchange with a TSA: the note stamped, the answer checked to the root, the
 * revocation lists fetched, all of it as an anchor-v1 blob. A list that cannot be had is
 * left out, and left_out says so (else it is empty). The codes of tsa_ask().
 */
MUST_USE enum rc anchor_ask(const struct tsa *t, struct span note, bool (*stop)(void *user), void *user,
    struct buf *ret, char left_out[ANCHOR_WORDS], struct err *err);

#endif
