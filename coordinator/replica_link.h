/*
 * coordinator/replica_link.h - the state of one replicator. For replicator.c,
 * page.c and reply.c only.
 */
#ifndef COORDINATOR_REPLICA_LINK_H
#define COORDINATOR_REPLICA_LINK_H

#include <pthread.h>

#include "coordinator/cosigning.h"
#include "coordinator/journal.h"
#include "coordinator/pb.h"
#include "coordinator/replicator.h"
#include "coordinator/sequencer.h"

#define PAGE_ENTRIES_MAX	512u
#define PAGE_SHARES_MAX		128u
#define BEAT_MS			2000u	/* of silence: is it still there? */
#define SHARES_RETRY_MS		5000u	/* vectors that a custodian would not take */

struct replica_link {
	struct coordinator	*c;
	uint8_t			 index;		/* the custodian's */
	struct store		*store;		/* read-only, this thread's */
	struct rpc_client	*client;
	pthread_t		 thread;
	bool			 started;

	/* The thread's own. */
	bool			 known;		/* size was learnt since the last failure */
	uint64_t		 size;		/* entries the custodian holds */
	uint64_t		 cosigned;	/* q-cosigned size it has verified */
	uint64_t		 sent_cosigned;	/* of the note sent last: never twice in a row */
	uint64_t		 shares_next;	/* pending batches below were sent */
	uint64_t		 heard_at;	/* clock_ms() of its last answer */
	uint64_t		 shares_at;	/* clock_ms() when to start again from 0 */
	uint8_t			 refused[SHA256_BYTES];	/* of a statement, so that it is logged once */

	pthread_mutex_t		 lock;
	struct custodian_status	 status;
};

/* One Append, and what must outlive its packing. page_done(). */
struct page {
	Quorate__V1__AppendRequest	 m;
	struct buf			 bytes;		/* all that m points to */
	ProtobufCBinaryData		 entry[PAGE_ENTRIES_MAX];
	ProtobufCBinaryData		 blob[2 * PAGE_ENTRIES_MAX];
	Quorate__V1__ShareVector	 share[PAGE_SHARES_MAX];
	Quorate__V1__ShareVector	*share_p[PAGE_SHARES_MAX];
	struct target			 target;
	struct tree_path		 path;		/* from its last entry to the target */
	ProtobufCBinaryData		 path_p[TREE_PATH_MAX];
	struct buf			 note;
	bool				 whole;		/* reaches the target, with its checkpoint */
	bool				 news;		/* there is something to send */
	bool				 beat;		/* or it is time to hear from it */
	uint64_t			 note_size;
	uint64_t			 last_share;	/* batch of the last vector, when there are any */
};

void	 page_init(struct page *p);
void	 page_done(struct page *p);
/* What this custodian should hear next. */
MUST_USE enum rc page_build(struct replica_link *l, struct page *p, struct err *err);

/* Take in an answer. progress: something moved, so go on without a pause. */
MUST_USE enum rc reply_take(struct replica_link *l, const struct page *p, struct span reply,
    bool *ret_progress, struct err *err);

#endif
