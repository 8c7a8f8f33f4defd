/*
 * coordinator/sequencer.h - the one thread that writes the log.
 *
 * It owns the writing handle of log.db, the replica and the order of entries.
 * Whatever waits when it looks becomes one transaction: log time, entry, verdict,
 * blobs, journals, one fsync. Then it signs a checkpoint over the new size and
 * offers it for cosigning (cosigning.h).
 *
 * The queue is bounded: each caller waits for its own submission.
 * Threads: all calls from any thread but the sequencer's own.
 */
#ifndef COORDINATOR_SEQUENCER_H
#define COORDINATOR_SEQUENCER_H

#include "audit/store/store.h"
#include "coordinator/admission.h"
#include "coordinator/coordinator.h"

#define SEQUENCER_QUEUE_MAX	256	/* submissions that wait */
#define SEQUENCER_BATCH_MAX	64	/* submissions of one transaction */
#define SEQUENCER_PATIENT_MS	10u	/* that a patient submission waits for others */
/* Void entries that one custodian may sign in an hour: every entry is for ever, at every party. */
#define CUSTODIAN_VOIDS_MAX	64
#define CUSTODIAN_VOIDS_MS	3600000u
/* Of one entry: with it, a share vector and two notes it must go into one message. */
#define FIXED_BYTES_MAX		(640u << 10)

struct sequencer;

/*
 * Opens DIR/log.db, logs the charter statement as entry 0 when it is new, gives
 * the stored cosigned note to c->cosigning, and starts the thread.
 * RC_VERIFY: the charter statement is not complete. RC_FORMAT: another log.
 */
MUST_USE enum rc sequencer_new(struct coordinator *c, struct sequencer **ret, struct err *err);
/* Finishes what is queued. */
void	 sequencer_free(struct sequencer *s);

/* Runs inside the transaction of what it came with; a failure undoes both. */
typedef enum rc (*sequencer_fn)(struct store *store, void *user, struct err *err);

enum submission_fate {
	FATE_REFUSED,		/* not logged: `why`. VOID_CHARTER: sign it again under the one in force */
	FATE_REPEATED,		/* stood in the log already */
	FATE_LOGGED,
	FATE_DONE,		/* there was no statement; fn has run */
};

struct submission {
	struct span		 dsse;		/* empty: only fn */
	const struct span	*blob;		/* named by the statement (the caller checked) */
	size_t			 n_blobs;
	const struct span	*vector;	/* of a batch: custodian i's at [i-1]; or NULL */
	sequencer_fn		 fn;		/* or NULL; not run for a repeated statement */
	void			*user;
	bool			 patient;	/* nobody waits for it: it may keep others company, SEQUENCER_PATIENT_MS at most */

	enum submission_fate	 fate;
	enum void_reason	 why;		/* refused */
	uint64_t		 index;
	struct verdict		 verdict;

	/* The sequencer's. */
	struct admission	 admission;
	enum rc			 rc;
	struct err		 err;
	bool			 passed;	/* admitted; then it is queued */
	bool			 held;		/* and err says why */
	bool			 done;
	struct submission	*next;
};

/*
 * Durable when it returns RC_OK; look at the fate. RC_MISSING: a fixed blob that
 * the statement names was not given and is not here. RC_LIMIT: the queue is full, or
 * the statement with its blobs too large for a message to custodians, or its signer a
 * custodian that fills the log. RC_FORMAT: a batch without its share vectors.
 * RC_UNSURE: stopping, or held as long as it would be dated ahead of what a quorum of
 * custodians takes (ahead.h): ask again; nothing of it was kept. RC_IO: disk; nothing was logged.
 */
MUST_USE enum rc sequencer_submit(struct sequencer *s, struct submission *sub, struct err *err);
/* n of them together: mostly one transaction and one checkpoint. Each has its own code, and words in its err. */
void	 sequencer_submit_all(struct sequencer *s, struct submission *sub, size_t n);
/*
 * fn alone, in two steps: what is handed in stays where it is until it was waited for, and it is
 * waited for whatever happens between. RC_LIMIT, RC_UNSURE: it was not taken.
 */
MUST_USE enum rc sequencer_hand(struct sequencer *s, struct submission *sub, struct err *err);
MUST_USE enum rc sequencer_wait(struct sequencer *s, struct submission *sub, struct err *err);
/* fn alone. */
MUST_USE enum rc sequencer_do(struct sequencer *s, sequencer_fn fn, void *user, struct err *err);

/* For cosigning_new(): a note of q custodians, to be made durable and published. */
void	 sequencer_keep(void *coordinator, uint64_t size, struct span note);

/* Custodians are being asked from now on: the first statement waits for what their clocks show. */
void	 sequencer_expect(struct sequencer *s);
/* What a custodian says that its clock shows (ahead.h). */
void	 sequencer_hear(struct sequencer *s, uint8_t custodian, when clock);
/* Would an entry be logged now? RC_UNSURE: it would be held, and why. */
MUST_USE enum rc sequencer_would_log(struct sequencer *s, struct err *err);

/* How many submissions wait, of SEQUENCER_QUEUE_MAX. */
size_t	 sequencer_waiting(struct sequencer *s);
/* Entries that are durable. */
uint64_t sequencer_size(struct sequencer *s);

#endif
