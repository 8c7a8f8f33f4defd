/*
 * tests/unit/evidence/world.h - a network (tests/fixture/network.h) in which two real
 * artifacts were sealed, asked for, approved, ordered, and answered by custodians.
 *
 * Artifact 0 has image (two segments) and prompt, of which image is asked for;
 * artifact 1 the same, of which prompt is asked for. Custodians 1, 3 and 4 answer.
 */
#ifndef TESTS_UNIT_EVIDENCE_WORLD_H
#define TESTS_UNIT_EVIDENCE_WORLD_H

#include "evidence/batch.h"
#include "evidence/case.h"
#include "evidence/envelope.h"
#include "evidence/package.h"
#include "tests/fixture/network.h"
#include "tests/unit/evidence/memfile.h"
#include "tests/unit/tsa.h"

/* What who verifies trusts, and with what a package is signed: no time-stamps. */
#define WORLD_TRUST(g, t)	(&(struct package_trust){ .genesis = (g), .now = (t) })
#define WORLD_SEAL(k, c)	(&(struct package_seal){ .key = (k), .certificate = (c) })

#define WORLD_ARTIFACTS	2
#define WORLD_ANSWERS	3
#define WORLD_IMAGE	65537		/* bytes: one more than a segment */
#define WORLD_IMAGE_LONG (4 * 65536 + 1)
#define WORLD_PROMPT	300
#define WORLD_TSAS	2		/* "first" and "second" of an anchored world's charter */
#define WORLD_ANCHORS	8

struct world_artifact {
	uint8_t			 id[ARTIFACT_ID_BYTES];
	struct memfile		 file;		/* the envelope */
	struct envelope		*envelope;
	struct buf		 descriptor;
	struct tree_path	 path;		/* in the batch */
	uint8_t			*share[SHAMIR_SHARES_MAX];
};

struct world_answer {
	uint8_t			 custodian;
	struct secret		*contributions;
	struct buf		 message, receipt;
	uint8_t			 receipt_id[SHA256_BYTES];
};

struct world_anchor {			/* an anchor entry, and the batch under its note */
	uint64_t		 index;
	struct buf		 archive;
	struct package_anchored	 batch;
};

struct world {
	struct net		 net;
	size_t			 image;		/* bytes of it, 0: WORLD_IMAGE; all of it is asked for */
	uint8_t			 segment_log2;	/* 0: the least */
	bool			 direct;	/* the policy releases to the recipient */
	bool			 spoilt;	/* a commitment of artifact 1 is no point */
	bool			 partial;	/* images of five segments; asked for: prompt of 0, segments 2 and 3 of the image of 1 */
	struct secret_arena	*arena;
	struct world_artifact	 artifact[WORLD_ARTIFACTS];	/* ascending by id */
	uint64_t		 batch;		/* index of the entry */
	struct buf		 reason, scope, checkpoint;
	uint8_t			 request[SHA256_BYTES], order[SHA256_BYTES];
	struct world_answer	 answer[WORLD_ANSWERS];
	struct secret		*forged;	/* keys-v1 in place of what was combined; owned */
	uint32_t		 n_later;
	struct buf		 later[CASE_CHARTERS_MAX];	/* of world_case() */
	struct tsa_party	 tsa_root[WORLD_TSAS], tsa[WORLD_TSAS];
	long			 tsa_ahead;	/* their clocks, in seconds, when they stamp the log */
	struct buf		 tsas;
	size_t			 n_anchors;
	struct world_anchor	 anchor[WORLD_ANCHORS];	/* all of the log's: world_case() has their entries */
	struct span		 archive[WORLD_ANCHORS];
	struct package_seal	 seal;		/* of world_package(), but for key and certificate */
};

/* Everything up to the receipts, under a policy of the network. */
void	 world_up(struct world *w, const char *policy);
void	 world_up_spoilt(struct world *w, const char *policy);
void	 world_up_partial(struct world *w, const char *policy);
void	 world_down(struct world *w);
/* The same under a charter that can be amended; `between` may do so. */
enum world_step { WORLD_SEALED, WORLD_ORDERED, WORLD_ANSWERED };
void	 world_up_amendable(struct world *w, const char *policy, void (*between)(struct world *w, enum world_step at));
/* Under a charter with TSAs, each of which stamped the log when the batch stood in it. */
void	 world_up_anchored(struct world *w, const char *policy);
/* Its network alone. */
void	 world_found_anchored(struct world *w);
void	 world_found_amendable(struct world *w);	/* its charter can be amended besides */
/* The rest of world_up*: seal, ask, order, answer in the network that there is. */
void	 world_run(struct world *w, const char *policy, void (*between)(struct world *w, enum world_step at));
void	 world_nothing_between(struct world *w, enum world_step at);
/* Log an anchor of the log as it stands, by that TSA. */
void	 world_anchor(struct world *w, size_t tsa);
/* A token over this imprint, dated now. */
void	 world_token(struct world *w, size_t tsa, const uint8_t imprint[SHA256_BYTES], struct buf *out);
/* As package_stamp_fn, by the first; user: the world. */
enum rc	 world_stamp(void *user, const uint8_t imprint[SHA256_BYTES], struct buf *token, struct err *err);
/* All anchors, for package_begin(). */
size_t	 world_anchors(struct world *w, struct package_anchor ret[WORLD_ANCHORS]);
void	 world_tsas_done(struct world *w);
/* Byte i of a part. */
uint8_t	 world_byte(const char *part, uint64_t i);

/* The whole log as a case, under a checkpoint of its present end with `cosigners` cosignatures. */
void	 world_case(struct world *w, unsigned cosigners, struct evidence_case *ret);
/* A checkpoint of the log's present end. */
void	 world_note(struct world *w, unsigned cosigners, when time, struct buf *out);
/* Its checkpoint again, cosigned by four at this time. */
void	 world_checkpoint_at(struct world *w, when time, struct evidence_case *c);
/* Entry `index` of it, to be changed. */
struct case_entry *world_entry(struct evidence_case *c, uint64_t index);

/* The answers as the worker has them. */
void	 world_answers(const struct world *w, struct case_answer ret[WORLD_ANSWERS]);

/* Log a release of these contents. A second one of an order is void. */
bool	 world_release(struct world *w, const uint8_t contents[SHA256_BYTES]);
/* The ciphertexts, for package_begin(). */
struct package_source world_source(struct world *w);
/* Combine, begin, release, finish: a package. Is its release effective? */
bool	 world_package(struct world *w, struct memfile *ret);
bool	 world_package_to(struct world *w, stream_write_at write, void *user, uint64_t *ret_size);

#endif
