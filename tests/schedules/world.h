/*
 * tests/schedules/world.h - a network in one process: real custodians (custodian/ over
 * a database each), real people, and a coordinator that the schedule plays.
 *
 * No socket, no thread, no clock and no chance: time is the world's (clock_now() and
 * clock_ms() are wrapped), all randomness comes from the seed, keys are the same in every
 * run. So a seed is a schedule, and can be replayed and cut short.
 *
 * A log may have forks. What was logged, shown, signed, handed in and opened is recorded
 * here as it happened, and judged by model.c and holds.c, which know docs/spec and DESIGN
 * section 3 and call none of the code under test.
 */
#ifndef TESTS_SCHEDULES_WORLD_H
#define TESTS_SCHEDULES_WORLD_H

#include <setjmp.h>

#include "audit/entry.h"
#include "audit/note.h"
#include "custodian/custody.h"
#include "custodian/methods.h"
#include "evidence/batch.h"
#include "policy/memstate.h"
#include "policy/statement.h"
#include "proto/quorate.pb-c.h"
#include "tests/fixture/keys.h"

#define BIG		((size_t)1 << 22)
#define N_MAX		7
#define SAID_MAX	512
#define ENTRIES_MAX	384
#define BRANCHES	2
#define NODES_MAX	(N_MAX * BRANCHES)
#define BATCHES_MAX	24
#define POINTS_MAX	512
#define HANDED_NOTES	64
#define STEPS_MAX	400
#define START		UINT64_C(1795341600)	/* 2026-11-22T10:00:00Z */

#define MUST(cond)	do { if (!(cond)) broken(__FILE__, __LINE__); } while (0)
_Noreturn void	 broken(const char *file, int line);
void		 must(enum rc rc, const struct err *err);

/* --- chance (chance.c) ------------------------------------------------------------- */

void		 chance_init(void);		/* libsodium's and libcrypto's too */
void		 chance_seed(uint64_t seed, uint64_t step);
uint32_t	 pick(uint32_t n);		/* 0..n-1 */
bool		 one_in(uint32_t n);

/* --- the parties (pool.c) ------------------------------------------------------------ */

enum who { REQUESTER, INSIDER, LEGAL, COMPLIANCE, AUDITOR, TWOHATS, LEGAL2, COMPLIANCE2, PEOPLE };
enum { ROLE_LEGAL = 1, ROLE_COMPLIANCE = 2, ROLE_AUDITOR = 4 };
enum policy_name { PAIR, WINDOW, LOCK, VETO, POLICIES };

struct rule {			/* what put_policies() writes, and the model reads */
	const char	*id;
	unsigned	 roles;		/* one of each */
	unsigned	 people, veto;	/* veto: roles */
	unsigned	 lock, objection;
};
extern const struct rule	rules[POLICIES];
struct being {
	const char	*id, *organisation;
	unsigned	 roles;
};
extern const struct being	people[PEOPLE];
#define REQUEST_SECONDS	3600
#define ORDER_SECONDS	1200
#define RECEIPT_SECONDS	600

struct pool {			/* keys and certificates, once a program */
	struct test_key	 signing[N_MAX], share[N_MAX], person[PEOPLE], log, other_log, sealer;
	struct buf	 tls[N_MAX], coordinator_tls, package, recipient, worker;
	EVP_PKEY	*worker_key;
};
extern struct pool	pool;
void		 pool_init(void);

/* --- what was said and logged ----------------------------------------------------------- */

struct said {
	enum statement_type	type;
	uint8_t		id[SHA256_BYTES];
	int		by;		/* enum who; of a receipt: the custodian; else -1 */
	int		subject;	/* another said; of a revocation: enum who; of a batch: its number */
	bool		approve, forged;
	bool		misfit;		/* an order of another scope; a request of another policy */
	enum policy_name policy;	/* of a request */
	unsigned	artifacts;	/* of a request: bit b: batch b */
	uint32_t	segments;
	when		issued, expires;
	uint64_t	seen;
	uint8_t		seen_root[SHA256_BYTES];
	struct buf	dsse, blob;
};

struct logged {			/* shared by the branches that have it */
	int		said;		/* -1: entry 0, or what the model has no view of */
	bool		opaque;
	when		time;
	struct buf	leaf;
	uint8_t		hash[SHA256_BYTES];
};
struct branch {
	int		entry[ENTRIES_MAX];	/* numbers of struct logged */
	uint8_t		root[ENTRIES_MAX][SHA256_BYTES];	/* as of so many entries, once computed */
	bool		has_root[ENTRIES_MAX];
	uint64_t	n;
};

struct point {			/* a checkpoint that the log signed, and who cosigned it */
	uint64_t	size;
	uint8_t		root[SHA256_BYTES];
	uint32_t	mask;		/* bit i-1 */
	struct buf	line[N_MAX];
};

struct batch_made {
	enum policy_name policy;
	uint8_t		id[ARTIFACT_ID_BYTES];
	struct batch_sealed sealed;
	uint8_t		share[N_MAX][32];
	struct secret	*secret;
	struct shamir_commits commits;
	when		sealed_at;
	int		said;
	uint32_t	held[BRANCHES];	/* custodians that said so, of this batch on that branch */
	bool		acknowledged[BRANCHES];
};

/* --- custodians (node.c) ------------------------------------------------------------------ */

struct hsm {			/* a token: it outlives the process that uses it */
	struct hsm_mark	mark[HSM_MARKS_MAX];
	size_t		n;
	unsigned	fail_in;	/* this call of it, from now on, fails; 0: none */
};

struct node {			/* a custodian; a liar has one for each branch, with one key */
	uint8_t		index;
	bool		liar, up;
	unsigned	face;		/* of a liar: 0 or 1 */
	unsigned	branch;		/* what it is shown */
	unsigned	on;		/* what it holds */
	uint64_t	held;		/* entries after the last call */
	int64_t		skew;
	struct custody	c;
	struct hsm	token;
	char		path[128];
	when		came[ENTRIES_MAX];	/* by its own clock; of what it holds */
	unsigned	came_as[ENTRIES_MAX];
	/* What it was handed and took, to be held against it. */
	int		no[HANDED_NOTES];
	bool		forgot[HANDED_NOTES];	/* put back to a copy from before */
	uint64_t	no_at[HANDED_NOTES];	/* what it held then */
	size_t		n_no;
	bool		gone_back;
	/* The largest that it signed, over all its lives. */
	uint64_t	signed_size;
	uint8_t		signed_root[SHA256_BYTES];
	int		acting;		/* the order it was asked for: the token looks (holds.c) */
	uint32_t	answered;	/* peers that answered since its start */
	int		owed[HANDED_NOTES];	/* its receipts */
	size_t		n_owed;
};

struct world {
	uint64_t	seed;
	unsigned	step;
	bool		lies;		/* the coordinator lies too */
	uint8_t		n, k, f, q, h;
	uint8_t		genesis[SHA256_BYTES];
	struct charter	*charter;
	struct buf	charter_json;
	struct note_key	log_key, witness[N_MAX];
	uint64_t	ms;		/* the world's clock */
	struct said	said[SAID_MAX];
	int		n_said;
	struct logged	logged[SAID_MAX];
	int		n_logged;
	struct branch	branch[BRANCHES];
	unsigned	n_branches;
	uint64_t	fork;		/* where branch 1 leaves branch 0 */
	struct point	point[POINTS_MAX];
	int		n_points;
	struct batch_made batch[BATCHES_MAX];
	int		n_batches;
	struct node	node[NODES_MAX];
	unsigned	n_nodes;
	bool		heard[SAID_MAX];	/* the coordinator knows of it */
	struct buf	answer[N_MAX];		/* to `answered` */
	int		answered;
	uint8_t		state[BRANCHES][ENTRIES_MAX][SHA256_BYTES];	/* digests, as first seen */
	bool		has_state[BRANCHES][ENTRIES_MAX];
	char		dir[96];
	bool		quiet;
	struct secret_arena *arena;
	/* Figures. */
	unsigned	contributed, refused, released, cosigned, noes;
};
extern struct world	*world;
extern struct node	*running;	/* whose clock and token it is */

/* --- the log (logs.c) ---------------------------------------------------------------------- */

void	 root_of(unsigned branch, uint64_t size, uint8_t ret[SHA256_BYTES]);
int	 log_said(unsigned branch, int said, when time);
int	 log_bytes(unsigned branch, int said, when time, struct span dsse, bool opaque);
struct point *point_at(uint64_t size, const uint8_t root[SHA256_BYTES]);
struct point *point_of(unsigned branch, uint64_t size);
/* Its text; with the log's signature (or another's); with so many cosignatures. */
void	 point_text(const struct point *p, struct buf *out);
void	 point_note(const struct point *p, const struct test_key *log, unsigned cosigners, struct buf *out);
/* The largest point of a branch that q cosigned; NULL: none. */
struct point *point_cosigned(unsigned branch);
unsigned count_bits(uint32_t mask);
bool	 is_on(unsigned branch, int said, uint64_t size, uint64_t *ret_index);

/* --- what people do (people.c) ---------------------------------------------------------------- */

int	 say_batch(unsigned branch, enum policy_name p);
int	 say_request(unsigned branch, int batch, enum who by, bool misfit);
int	 say_decision(unsigned branch, int request, enum who by, bool approve);
int	 say_withdrawal(unsigned branch, int request, enum who by);
int	 say_revocation(unsigned branch, enum who key, enum who by);
int	 say_order(unsigned branch, int request, bool misfit, uint64_t life);
int	 say_receipt(struct span dsse);
int	 say_release(unsigned branch, int order, const int *receipts, unsigned n);
int	 said_by_id(const uint8_t id[SHA256_BYTES]);
void	 charter_envelope(struct buf *out);

/* --- calls of a custodian (node.c) ------------------------------------------------------------- */

struct node *node_of(uint8_t index, unsigned branch);
void	 node_init(struct node *x, uint8_t index, unsigned face, bool liar);
void	 node_open(struct node *x);		/* x->up: it started */
void	 node_anew(struct node *x);		/* a liar begins from nothing */
void	 node_close(struct node *x);
void	 node_remove(struct node *x);
void	 token_keys(const struct node *x, struct hsm_key **ret_share, struct hsm_signer **ret_signer);	/* token.c */
void	 node_copy(struct node *x, bool back);	/* its database, aside or put back */
bool	 node_has_copy(const struct node *x);

struct sending {
	uint64_t	first, upto, checkpoint;
	bool		no_blobs, no_shares, no_cosigned, no_checkpoint, other_root, other_key, alter;
	bool		hasty;		/* beside it the newest note, whoever cosigned it */
	bool		swapped;	/* the next custodian's shares */
	unsigned	few;		/* at most so many cosignatures beside; 0: all there are */
	int		note_of;	/* the checkpoint is another branch's; -1: not */
};
struct sending	 sending_to(const struct node *x);
enum rc	 node_append(struct node *x, const struct sending *s);
enum rc	 node_exchange(struct node *asks, struct node *answers, bool twisted);
enum rc	 node_submit(struct node *x, int said);
enum rc	 node_contribute(struct node *x, int order, struct buf *reply);
void	 node_idle(struct node *x);

/* --- judged (model.c, holds.c) ------------------------------------------------------------------ */

struct m_request {
	int		said;
	uint64_t	index;
	when		time;
	bool		withdrawn, vetoed, released;
	struct { int state; when time; uint64_t index; } of[PEOPLE];
};
struct m_order { int said, request; uint64_t index; when time; bool released; uint32_t receipts; };
struct model {
	bool		effective[ENTRIES_MAX], opaque[ENTRIES_MAX], authentic[ENTRIES_MAX];
	when		now;
	bool		revoked[PEOPLE];
	bool		batch[BATCHES_MAX];
	when		batch_time[BATCHES_MAX];
	struct m_request request[64];
	int		n_requests;
	struct m_order	order[64];
	int		n_orders;
};
void	 model_of(unsigned branch, uint64_t size, struct model *m);
/* May a custodian contribute, by its log alone, at its own time? NULL, or why not. */
const char *model_may(const struct model *m, int order, when own, when *ret_met, uint64_t *ret_met_index,
	    struct m_request **ret_request);
bool	 model_is_met(const struct model *m, const struct m_request *r);

/* The invariants that a call could have broken. */
void	 holds_contributed(struct node *x, int order, struct span reply);
/* What came, opened with the worker's key; false: it is not what an answer looks like. */
bool	 contribution_read(uint8_t index, int order, struct span reply, struct shamir_contribution *ret, unsigned *ret_n,
	    int *ret_receipt);
void	 label_of(int order, unsigned segment, uint8_t ret[SHAMIR_POINT_BYTES], const struct batch_made **ret_batch);
void	 holds_signed(struct node *x, struct point *p);
void	 holds_opens(struct node *x);		/* the token is about to open a share */
void	 holds_node(struct node *x);		/* after each call */
void	 holds_end(void);

/* Invariant `number` broke. */
_Noreturn void fails(unsigned number, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void	 note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* --- the schedule (steps.c, lies.c, calm.c) --------------------------------------------------------- */

void	 world_up(uint64_t seed, const char *dir);
void	 world_down(void);
void	 step_any(void);
bool	 lie_any(void);
void	 calm(void);			/* all is well again: what must complete does */
void	 tell_all(unsigned branch, bool lossy);
void	 compare_all(bool lossy);
void	 contribute_by_liar(struct node *x, int order, struct buf *out);
int	 recent(enum statement_type type);
/* Asks everybody who is up and combines: how many good contributions. Liars answer wrongly. */
unsigned gather(int order, bool liars_answer, int *ret_receipt);

#endif
