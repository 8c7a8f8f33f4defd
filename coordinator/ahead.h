/*
 * coordinator/ahead.h - is the next entry dated ahead of what a quorum of custodians would take?
 *
 * A custodian takes no entry that is dated more than CLOCK_AHEAD_MAX seconds ahead of its own clock,
 * and log time never goes back: one entry dated by a clock that is a day ahead would stop the log for
 * a day. Custodians say with each answer what their clock shows. An entry is held while more than n-q
 * of them would leave it: the others are fewer than q. So n-q that lie or are wrong hold nothing, and
 * who has not answered lately, or says no time, counts for neither side. With too few heard nothing is
 * held: such a date is found out later than we would like, and never hides. docs/adr/0024-clock-ahead.md.
 *
 * Clocks of others go on by our monotonic clock. Threads: all calls from any.
 */
#ifndef COORDINATOR_AHEAD_H
#define COORDINATOR_AHEAD_H

#include <pthread.h>
#include <stdbool.h>

#include "policy/charter.h"

#define AHEAD_HEARD_MS	20000u	/* how long a custodian's word counts: a beat, and a call that takes long */
#define AHEAD_WAIT_MS	3000u	/* after a start, for the first answers */

struct ahead {
	unsigned	 n, q;
	pthread_mutex_t	 lock;
	pthread_cond_t	 heard;
	struct {
		when	 clock;		/* 0: it never said */
		uint64_t at;		/* clock_ms() when it said so */
	}		 custodian[CUSTODIANS_MAX];
	uint64_t	 until;		/* clock_ms(); 0: nobody is about to answer */
	bool		 holds;		/* and it was told */
};

/* RC_NOMEM. ahead_done() only after RC_OK. */
MUST_USE enum rc ahead_init(struct ahead *a, const struct charter *charter, struct err *err);
void	 ahead_done(struct ahead *a);

/* Custodians are being asked from now on: ahead_wait() gives them AHEAD_WAIT_MS. */
void	 ahead_expect(struct ahead *a);
/* Custodian 1..n has answered just now, and its clock shows this; 0: it did not say. */
void	 ahead_hear(struct ahead *a, uint8_t custodian, when clock);
/* Until q said what their clocks show, or had their time to. Only soon after a start is there a wait. */
void	 ahead_wait(struct ahead *a);

/*
 * An entry that is written now, after one of log time `last`: it would be dated `now` or `last`, whichever
 * is later. RC_UNSURE: it must wait; the words are for whoever asks, and say what to do.
 */
MUST_USE enum rc ahead_check(struct ahead *a, when now, when last, struct err *err);
/* The same, and one line in our own log when the holding begins or is over. */
MUST_USE enum rc ahead_check_told(struct ahead *a, when now, when last, struct err *err);

#endif
