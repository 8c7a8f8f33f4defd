/*
 * coordinator/replica_link.h - the state of one replicator. For replicator.c, page.c,
 * reply.c, divergence.c, health.c and accused.c only.
 */
#ifndef COORDINATOR_REPLICA_LINK_H
#define COORDINATOR_REPLICA_LINK_H

#include <pthread.h>
#include <stdatomic.h>

#include "coordinator/cosigning.h"
#include "coordinator/journal.h"
#include "coordinator/pb.h"
#include "coordinator/replicator.h"
#include "coordinator/sequencer.h"

#define PAGE_ENTRIES_MAX	512u
#define PAGE_SHARES_MAX		128u
#define BEAT_MS			2000u	/* of silence: is it still there? */
#define NOTE_LINGER_MS		100u	/* a cosigned note goes with the next page, or after so long alone */
#define SHARES_RETRY_MS		5000u	/* vectors that a custodian would not take */
#define LACKS_MAX		64u	/* vectors that it says it lacks, heard at a time */
#define UNHEARD_MAX		64u	/* batches for which `held` is asked again, at a time */
#define UNHEARD_RETRY_MS	30000u	/* it said nothing of those */
#define DOUBT_LASTS_MS		3000u	/* before an operator hears of it */

struct replica_link {
	struct coordinator	*c;
	uint8_t			 index;		/* the custodian's */
	struct store		*store;		/* read-only, this thread's */
	pthread_rwlock_t	 client_lock;	/* the thread alone writes client; others hold it while they call */
	struct rpc_client	*client;
	const struct charter	*reached_by;	/* the charter that said where it is */
	pthread_t		 thread;
	bool			 started;

	/* The thread's own. */
	bool			 known;		/* size was learnt since the last failure */
	uint64_t		 size;		/* entries the custodian holds */
	uint64_t		 cosigned;	/* q-cosigned size it has verified */
	bool			 settled;	/* the log had nothing for it when it was looked at last */
	uint64_t		 note_at;	/* clock_ms() from when on a note goes alone; 0: there is none to bring */
	uint64_t		 shares_next;	/* pending batches below were sent */
	uint64_t		 heard_at;	/* clock_ms() of its last answer */
	uint64_t		 shares_at;	/* clock_ms() when to start again from 0 */
	uint8_t			 refused[SHA256_BYTES];	/* of a statement, so that it is logged once */
	uint64_t		 unheard_next;	/* batches below were asked for (journal.h) */
	uint64_t		 unheard_at;	/* clock_ms() from when on others are */
	/* Vectors that it says it lacks: sent again, and not before lacks_at. */
	uint64_t		 lacks[LACKS_MAX], lacks_at;
	size_t			 n_lacks;
	bool			 lacks_told;
	/* Where its state parts from ours (divergence.c). */
	uint64_t		 same;		/* entries after which it was ours */
	uint64_t		 other;		/* ... and was not; 0: nothing found */
	bool			 sought;	/* found, or it would not say */
	/* What was told of its doubt, and since when it says something else (0: it does not). */
	char			 doubt[HEALTH_DOUBT_BYTES];
	uint64_t		 doubt_since;
	bool			 look;		/* whether it holds an accusation (accused.c) */
	atomic_bool		*accused;	/* one does, and it was told: of all links */
	bool			 alarmed;	/* it was told that this custodian refuses our log */

	pthread_mutex_t		 lock;
	struct custodian_status	 status;
	bool			 hurry;		/* somebody wants to hear from it now */
};

static inline const char *
link_name(const struct replica_link *l)
{
	return l->c->first->custodian[l->index - 1].name;
}

/* One Append, and what must outlive its packing. page_done(). */
struct page {
	Quorate__V1__AppendRequest	 m;
	struct buf			 bytes;		/* all that m points to */
	ProtobufCBinaryData		 entry[PAGE_ENTRIES_MAX];
	ProtobufCBinaryData		 blob[2 * PAGE_ENTRIES_MAX];
	Quorate__V1__ShareVector	 share[PAGE_SHARES_MAX];
	Quorate__V1__ShareVector	*share_p[PAGE_SHARES_MAX];
	struct target			 target;
	uint64_t			 held_of[UNHEARD_MAX];
	struct tree_path		 path;		/* from its last entry to the target */
	ProtobufCBinaryData		 path_p[TREE_PATH_MAX];
	struct buf			 note;
	bool				 past;		/* the target is the note below a succession, not cosigning's */
	bool				 whole;		/* reaches the target, with its checkpoint */
	bool				 news;		/* there is something to send */
	bool				 beat;		/* or it is time to hear from it */
	uint64_t			 note_size;
	size_t				 n_queued;	/* vectors but those that it lacked */
	uint64_t			 last_share;	/* batch of the last of these */
};

void	 page_init(struct page *p);
void	 page_done(struct page *p);
/* What this custodian should hear next. */
MUST_USE enum rc page_build(struct replica_link *l, struct page *p, struct err *err);

/* Take in an answer. progress: something moved, so go on without a pause. */
MUST_USE enum rc reply_take(struct replica_link *l, const struct page *p, struct span reply,
    bool *ret_progress, struct err *err);

/* The size that its state digest is asked for besides; 0: none. */
uint64_t divergence_probe(const struct replica_link *l);
/* Is its state ours? RC_BUG: it holds more than this log. */
MUST_USE enum rc divergence_take(struct replica_link *l, const struct page *p,
    const Quorate__V1__AppendReply *r, bool *progress, struct err *err);

/* What it says of itself; NULL: nothing. */
void	 health_take(struct replica_link *l, const Quorate__V1__Health *m);

/* After it was told that it doubts: asks it for its accusation. */
void	 accused_look(struct replica_link *l);
/* What Checkpoint answered: an accusation that holds is told of once, by whomever it is shown. */
void	 accused_take(struct replica_link *l, struct span checkpoint_reply);

#endif
