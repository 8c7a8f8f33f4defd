/*
 * coordinator/sequence.h - one transaction of the sequencer. For sequencer.c only.
 */
#ifndef COORDINATOR_SEQUENCE_H
#define COORDINATOR_SEQUENCE_H

#include <pthread.h>

#include "coordinator/ahead.h"
#include "coordinator/journal.h"
#include "coordinator/sequencer.h"
#include "coordinator/signed.h"

struct sequencer {
	struct coordinator	*c;
	/* The thread's own. */
	struct store		*store;
	struct replica		*replica;
	when			 time;		/* effective, of the last entry */
	uint64_t		 signed_size;
	struct signed_mark	 mark;
	uint64_t		 note_kept;

	struct ahead		 ahead;
	pthread_t		 thread;
	bool			 started;
	pthread_mutex_t		 lock;
	pthread_cond_t		 work, answered;
	bool			 stopping;
	struct submission	*head, **tail;
	size_t			 waiting;
	size_t			 urgent;	/* of those, that are not patient */
	uint64_t		 patient_since;	/* clock_ms() when the first patient one came */
	struct {
		uint64_t	 since;		/* clock_ms(), when it was 0 */
		unsigned	 n;
	}			 voids[CUSTODIANS_MAX];	/* logged for each custodian */
	uint64_t		 size;		/* durable; written by the thread only */
	when			 dated;		/* ... and when its last entry is dated */
	struct buf		 note;		/* to be kept */
	uint64_t		 note_size;
};

/* Entry 0 of a new log. */
MUST_USE enum rc sequence_charter(struct sequencer *s, struct err *err);
/*
 * Sets rc, err and answer of each; returns the new size. note: of q custodians, kept in the same
 * transaction, or empty; *ret_kept: it is durable.
 */
uint64_t sequence_batch(struct sequencer *s, struct submission **batch, size_t n, uint64_t size, struct span note,
    bool *ret_kept);
/* The cosigned note, durable. */
MUST_USE enum rc sequence_note(struct sequencer *s, struct span note, struct err *err);

#endif
