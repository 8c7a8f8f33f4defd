/*
 * tests/unit/custodian/bench.h - custodian 1 of a network (tests/fixture/network.h),
 * with its keys in a real SoftHSM token and its replica in a real database.
 *
 * The rest of the network is the fixture's: it sequences, and what stands in its
 * log is sent with bench_send(). Time is the real clock's, for the custodian has
 * one of its own. Failures of the bench itself abort.
 */
#ifndef TESTS_UNIT_CUSTODIAN_BENCH_H
#define TESTS_UNIT_CUSTODIAN_BENCH_H

#include "custodian/custody.h"
#include "evidence/batch.h"
#include "proto/quorate.pb-c.h"
#include "tests/fixture/network.h"

#define BENCH_PIN	"corr3ct"
#define BENCH_BATCHES	8
#define BENCH_BEGAN	3600		/* seconds ago */

struct bench_place {			/* once a program */
	char			 root[64];	/* removed at the end */
	char			 dir[96];	/* the custodian's, made by custodian_init() */
	struct custodian_config	 config;
	struct hsm		*hsm;
	struct hsm_key		*share_key;
	struct hsm_signer	*signer;
	bool			 amendable;	/* set by who wants a charter that can be amended: it began five times as long ago */
	unsigned		 quota;		/* set by who seals more than 4000 artifacts a day */
	const char		*disk;		/* set by who wants databases elsewhere than in root: a folder of its own */
};

struct bench {				/* once a test */
	struct bench_place	*place;
	char			 db[128];	/* the replica's: `test.db` */
	struct net		 net;
	struct custody		 c;
	struct secret_arena	*arena;
	bool			 lie;		/* the sealer seals one custodian's share to another */
	size_t			 n_batches;
	struct bench_batch {
		uint64_t		 index;		/* of its entry */
		struct batch_sealed	 sealed;
		struct shamir_commits	 commits;
		struct net_artifact	 artifact;
	} batch[BENCH_BATCHES];
};

/* False, and a line "skipped: ...": no SoftHSM. */
bool	 bench_place_up(struct bench_place *p);
void	 bench_place_down(struct bench_place *p);
/* Closes the token: for who starts a process that opens it. */
void	 bench_place_close(struct bench_place *p);

/* A network that began BENCH_BEGAN seconds ago, and an empty replica of it. */
void	 bench_up(struct bench *b, struct bench_place *p);
/* The same under another name than `test`: for who has two at a time. */
void	 bench_up_as(struct bench *b, struct bench_place *p, const char *name);
void	 bench_down(struct bench *b);
/* Close the database and open it again, as a start does; compared at once. */
void	 bench_restart(struct bench *b);
/* The two halves of it, for who changes something in between; bench_start() may fail. */
void	 bench_stop(struct bench *b);
enum rc	 bench_start(struct bench *b, enum store_mode mode, struct err *err);
/* What its mark is called in the token; and away with it, as bench_up() does first. */
void	 bench_mark_name(const struct bench *b, char ret[HSM_LABEL_MAX + 1]);
void	 bench_unmark(struct bench *b);
/*
 * As many peers as it needs have answered, so that it cosigns and contributes:
 * bench_up() and bench_restart() call it. bench_forget() is a start before that.
 */
void	 bench_compare(struct bench *b);
void	 bench_forget(struct bench *b);
/* What a person must enroll with: DIR/charter.json and DIR/genesis. */
void	 bench_write_genesis(struct bench *b);

/* One artifact under a policy, its shares really sealed; logged. */
struct bench_batch *bench_seal(struct bench *b, const char *policy);
/* Asked for, approved by legal, compliance and auditor, ordered. */
void	 bench_order(struct bench *b, const struct bench_batch *batch, const char *policy,
	    uint8_t ret_request[32], uint8_t ret_order[32]);

/* What Append is given. bench_sending() fills it: entries from what the custodian has on, all else. */
struct bench_sending {
	uint64_t	first, size;		/* entries first..size-1 */
	bool		no_blobs, no_shares;
	uint32_t	without;		/* bit i: the vector of batch i does not come */
	unsigned	cosigners;		/* of a note of `size`, beside the log; 0: no such note */
	struct span	extra_blob;		/* NULL: none */
	int64_t		alter;			/* this entry gets another last byte; -1: none */
	const struct buf *vector;		/* instead of the shares of batch 0 */
	uint64_t	checkpoint;		/* of this size; 0: none */
	bool		other_root;		/* ... and of a root that is not the log's */
	bool		no_path;		/* no proof from the last entry to a larger checkpoint */
	bool		stranger;		/* signed by another key than the log's */
};
struct bench_sending bench_sending(const struct bench *b);
/* The request's bytes, for who sends them elsewhere. */
void	 bench_pack(struct bench *b, const struct bench_sending *s, struct buf *request);
/* RC_OK: *ret is to be freed with bench_reply_free(). */
enum rc	 bench_send(struct bench *b, const struct bench_sending *s, Quorate__V1__AppendReply **ret,
	    struct err *err);
void	 bench_reply_free(Quorate__V1__AppendReply *r);
/* All of it, with `cosigners` of four needed; must succeed. */
void	 bench_sync(struct bench *b, unsigned cosigners);
/* The same of what it has not got yet: for long logs. */
void	 bench_sync_news(struct bench *b, unsigned cosigners);
/* A checkpoint note of a size with cosignatures of custodians 2 on. */
void	 bench_note(struct bench *b, uint64_t size, unsigned cosigners, bool other_root, struct buf *out);
/* Its text. */
void	 bench_text(struct bench *b, uint64_t size, bool other_root, struct buf *out);

/* Contribute. RC_OK: message and receipt, to be freed likewise. */
enum rc	 bench_contribute(struct bench *b, const uint8_t order[32], Quorate__V1__ContributeReply **ret,
	    struct err *err);
bool	 bench_journalled(struct bench *b, const char *journal, const uint8_t id[32]);

/* The database may not grow any more, as on a full disk; lift it before anything else. */
void	 bench_disk_full(bool full);

#endif
