/*
 * tests/liars/liar.h - a coordinator that lies: it holds the coordinator's keys, and
 * says what it likes to real custodians.
 *
 * A struct story is one version of the log, in memory: it begins with what the honest
 * coordinator logged and goes on as the liar wants, forks included. It runs the
 * real apply beside it, so that what the custodians make of an entry can be foretold.
 * A page is what a custodian is sent: honest as page_of() makes it, and then spoiled.
 *
 * A scenario says with want() what must hold; the first thing that does not is what is
 * printed. Faults of the test itself end the program: must().
 */
#ifndef TESTS_LIARS_LIAR_H
#define TESTS_LIARS_LIAR_H

#include "edge/edge.h"
#include "edge/file.h"
#include "evidence/batch.h"
#include "proto/quorate.pb-c.h"
#include "proto/rpc.h"
#include "tests/fixture/network.h"

#define BIG		((size_t)1 << 22)
#define STORY_BATCHES	256
#define PAGE_ENTRIES	1024
#define CALL_MS		20000u
#define EVERYBODY	((UINT32_C(1) << NET_N) - 1)
#define ONLY(i)		(UINT32_C(1) << ((i) - 1))

/* --- the log, as this liar tells it ------------------------------------------------- */

struct story_batch {
	uint64_t		index;
	struct batch_sealed	sealed;
	struct net_artifact	artifact[2];	/* the second: of a batch of two */
};

struct story {
	struct net		net;		/* its log, its replica, everybody's keys */
	struct story_batch	batch[STORY_BATCHES];
	size_t			n_batches;
};

struct liar;
/* What stands in the honest coordinator's log.db. */
struct story *story_read(struct liar *l, const char *network);
/* The same past up to `size` entries, and free to go on otherwise. */
struct story *story_fork(struct liar *l, const struct story *from, uint64_t size);
void	 story_free(struct story *s);
uint64_t story_size(const struct story *s);
void	 story_root(const struct story *s, uint64_t size, uint8_t ret[TREE_HASH_BYTES]);
/* The bytes of the statement in entry `index`; borrowed. */
struct span story_dsse(const struct story *s, uint64_t index);
/* Is a statement of these bytes in it? */
bool	 story_has(const struct story *s, struct span dsse);

/* Entries, dated now. */
void	 story_now(struct story *s);
struct story_batch *story_seal(struct liar *l, struct story *s, const char *policy);
/* Seals, and gives each share to whom `deal` says: of the n shares of artifact a, in place. */
typedef void (*dealing)(uint8_t *share[2][SHAMIR_SHARES_MAX]);
struct story_batch *story_deal(struct liar *l, struct story *s, const char *policy, unsigned artifacts, dealing deal);

struct asked {
	struct story_batch	*batch;
	uint8_t			 request[SHA256_BYTES], order[SHA256_BYTES];
};
/* Sealed and requested; approved by three; ordered. */
void	 story_request(struct liar *l, struct story *s, const char *policy, struct asked *ret);
void	 story_approve(struct story *s, const struct asked *a);
void	 story_approved(struct liar *l, struct story *s, const char *policy, struct asked *ret);
void	 story_ordered(struct liar *l, struct story *s, const char *policy, struct asked *ret);

/* --- what it says to custodians --------------------------------------------------------- */

struct page {
	uint64_t	first;
	size_t		n, n_shares;
	struct span	entry[PAGE_ENTRIES];
	struct { uint64_t batch; struct span vector; } share[STORY_BATCHES];
	bool		no_blobs;
	struct buf	checkpoint, cosigned;
};
/* Honest: entries [first, size) of the story, their shares for this custodian, a checkpoint over all. */
void	 page_of(struct liar *l, const struct story *s, unsigned custodian, uint64_t first, uint64_t size,
	    struct page *ret);
void	 page_done(struct page *p);

struct answer {				/* answer_done() */
	enum rc				 rc;
	char				 words[RPC_SAID_BYTES];
	struct buf			 bytes;
	Quorate__V1__AppendReply	*append;	/* with RC_OK, of an Append */
};
void	 answer_done(struct answer *a);
void	 say(struct liar *l, unsigned custodian, const char *method, const ProtobufCMessage *m, struct answer *ret);
/* Blobs come from the story. */
void	 say_page(struct liar *l, const struct story *s, unsigned custodian, const struct page *p, struct answer *ret);
void	 say_note(struct liar *l, unsigned custodian, struct span cosigned, struct answer *ret);
void	 ask_order(struct liar *l, unsigned custodian, const uint8_t order[SHA256_BYTES], struct answer *ret);
Quorate__V1__CheckpointReply *ask_checkpoint(struct liar *l, unsigned custodian);
void	 checkpoint_reply_free(Quorate__V1__CheckpointReply *r);
/* A person's statement, straight to a custodian, with the certificate of nobody. */
void	 hand_in(struct liar *l, unsigned custodian, struct span dsse, struct answer *ret);

/* How many entries it holds; UINT64_MAX: it does not answer. */
uint64_t held(struct liar *l, unsigned custodian);
uint64_t cosigned_at(struct liar *l, unsigned custodian);

/* Checkpoints. */
struct lines { struct buf line[NET_N]; };	/* a cosignature of each custodian, or empty */
void	 lines_init(struct lines *n);
void	 lines_done(struct lines *n);
void	 checkpoint_of(const struct liar *l, const struct story *s, uint64_t size, struct checkpoint *ret);
/* Text, the log's signature, and the lines of those in mask. */
void	 write_note(struct liar *l, const struct checkpoint *c, const struct lines *n, uint32_t mask, struct buf *out);

/*
 * Brings those in mask to the end of the story; their cosignatures of it are in `lines`
 * (may be NULL). Returns who cosigned.
 */
uint32_t bring(struct liar *l, struct story *s, uint32_t mask, struct lines *n);
/* Entries from `first` on, wherever it is; its cosignature in line (may be NULL). */
bool	 bring_from(struct liar *l, struct story *s, unsigned custodian, uint64_t first, struct buf *line);
/* The honest thing: all of them, the note of a quorum, their receipts logged. Ends the program when they do not. */
void	 settle(struct liar *l, struct story *s);
/* The same for those in mask; false: within ms not all of them took the note of a quorum. */
bool	 settle_with(struct liar *l, struct story *s, uint32_t mask, unsigned ms);
/* A statement about `subject` that custodian wants to see logged, appended to dsse. */
bool	 found_by(struct liar *l, unsigned custodian, enum statement_type type, const uint8_t subject[SHA256_BYTES],
	    struct buf *dsse);
/* Receipts that stand out at those in mask, into the story. */
void	 log_receipts(struct liar *l, struct story *s, uint32_t mask);

/* --- the liar ------------------------------------------------------------------------------ */

#define KEYS	(NET_PEOPLE + 1)

struct liar {
	char			 dir[FILE_PATH_MAX];	/* the network */
	const char		*other;			/* another network's folder, or NULL */
	struct charter		*charter;
	struct hsm		*hsm;
	struct hsm_signer	*log_key;
	struct keyfile		*file[KEYS], *sealer;
	struct net		 keys;			/* only its keys and certificates */
	struct rpc_client	*client[NET_N], *nobody[NET_N];
	struct secret_arena	*arena;
	struct story		*story;			/* what everybody has, between scenarios */
	struct buf		 note;			/* its newest note of a quorum */
	bool			 failed;		/* of the scenario at hand */
	char			 seen[600];
};

typedef void scenario_fn(struct liar *l);
struct scenario { const char *name; scenario_fn *run; };
struct theme { const char *name; const struct scenario *scenario; size_t n; };
extern const struct theme logs_theme, entries_theme, notes_theme, orders_theme, handed_theme, replays_theme, often_theme,
    shares_theme, clocks_theme, versions_theme;

void	 must(enum rc rc, const struct err *err);
#define MUST(cond)	do { if (!(cond)) { fprintf(stderr, "liar: %s:%d: %s\n", __FILE__, __LINE__, #cond); exit(2); } } while (0)

/* false: it does not hold, and is what will be printed when it is the first. */
bool	 want(struct liar *l, bool holds, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* RC as wanted, and the words in what was said; what: for the one who reads. */
bool	 want_answer(struct liar *l, const struct answer *a, enum rc rc, const char *words, const char *what);

/* kill or start a custodian, as scripts/devnet does. */
void	 devnet(struct liar *l, const char *verb, unsigned custodian);
void	 devnet_all(struct liar *l, const char *verb, uint32_t mask);
/* The same, started under a clock that is `offset` seconds off ("+86400"), or frozen ("=SECONDS"). */
void	 start_with_clock(struct liar *l, unsigned custodian, const char *clock);
#define A_MINUTE	60000u	/* in ms: nobody takes as long, on however busy a machine */
void	 wait_ms(unsigned ms);

#endif
