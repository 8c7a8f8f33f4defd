/*
 * evidence/verify_parts.h - what verify.c, verify_steps.c and package_open.c share: for them only.
 */
#ifndef EVIDENCE_VERIFY_PARTS_H
#define EVIDENCE_VERIFY_PARTS_H

#include "audit/timestamp.h"
#include "evidence/cades.h"
#include "evidence/package_view.h"
#include "evidence/verify.h"
#include "evidence/verify_pass.h"

/* How far the log may be ahead of the verifier's clock, as in policy/apply.h. */
#define VERIFY_CLOCK_SECONDS	300

/* What a time-stamp in the package is worth. */
enum mark { MARK_NONE = 0, MARK_GOOD, MARK_STRANGER /* good, by a TSA that nobody here trusts */, MARK_BAD };
struct time_mark {
	enum mark		kind;
	struct timestamp	t;		/* unless MARK_NONE or MARK_BAD */
	char			why[ERR_MSG_BYTES];	/* MARK_BAD: what fails */
};

/* Where chains may end: at the TSAs of a charter, and where the verifier says. Spans borrow. */
struct roots {
	size_t		n;
	struct span	root[TSAS_MAX * TSA_CERTS_MAX + TRUST_ROOTS_MAX];
};

/* What all archive time-stamps are worth together. */
struct archived {
	enum mark		kind;		/* the worst of them; MARK_NONE: there is none */
	char			why[ERR_MSG_BYTES];
	uint32_t		n_good;
	when			first;		/* the time of the oldest good one */
	struct timestamp	last;		/* the newest */
};

struct verifier {
	struct package_view	 view;
	const struct package_trust *trust;
	struct package_report	 report;
	uint32_t		 done;		/* bit of a claim: others may build on what it read */
	uint8_t			 genesis[SHA256_BYTES];	/* the package's own */
	struct charter		*charter;	/* the last of the package, which the replay must put in force */
	struct statement	 release;	/* parsed; its place in the log is judged by the replay */
	when			 released;
	struct pass_leaf	 bad_leaf;
	struct cades_added	 added;		/* into view.signature, once it verified */
	struct time_mark	 stamped;	/* the token over the signature value */
	struct archived		 archived;
	struct checked_case	*checked;
	bool			 unsure;	/* the step that runs could not tell; its words say why */
	struct buf		 words;		/* of the step that runs */
};

/* Runs every step and sets the verdict. RC_OK, or a fault: then nothing is known. verifier_done() always. */
MUST_USE enum rc verifier_run(struct verifier *v, stream_read_at read, void *user, uint64_t size,
    const struct package_trust *trust, struct err *err);
void	 verifier_done(struct verifier *v);

/*
 * A step reads on and judges one claim: RC_OK with words appended to v->words means
 * yes, or with v->unsure that it could not be checked; a fault stops all; anything else
 * means no, and err says why.
 */
typedef enum rc (*verify_step)(struct verifier *v, struct err *err);

enum rc	step_manifests(struct verifier *v, struct err *err);
enum rc	step_signature(struct verifier *v, struct err *err);
enum rc	step_receipts(struct verifier *v, struct err *err);
enum rc	step_release(struct verifier *v, struct err *err);
enum rc	step_ciphertext(struct verifier *v, struct err *err);
enum rc	step_scope(struct verifier *v, struct err *err);
enum rc	step_recipient(struct verifier *v, struct err *err);
enum rc	step_texts(struct verifier *v, struct err *err);
enum rc	step_custody(struct verifier *v, struct err *err);
/* The statement of an entry of the payload; statement_done(). */
MUST_USE enum rc verifier_statement(const struct verifier *v, uint32_t entry, struct statement *ret, struct err *err);

/* verify_time.c: tokens and certificates, each at its time. */
enum rc	step_timestamp(struct verifier *v, struct err *err);
enum rc	step_archive(struct verifier *v, struct err *err);
enum rc	step_sealed(struct verifier *v, struct err *err);	/* verify_anchor.c */
void	 roots_init(struct roots *r, const struct package_trust *trust);
void	 roots_add(struct roots *r, const struct tsa *t);
/* RC_OK or a fault. trust: chains end there; what it holds else comes with the token. */
MUST_USE enum rc verifier_mark(struct span token, const uint8_t imprint[SHA256_BYTES],
    const struct timestamp_trust *trust, struct time_mark *ret, struct err *err);
/* RC_VERIFY: the token is from the future of this clock. */
MUST_USE enum rc verifier_clock(const struct verifier *v, const struct timestamp *t, struct err *err);
/* What tokens say of the signature: judged before the package certificate is. */
MUST_USE enum rc verifier_marks(struct verifier *v, struct err *err);
/* Was the package certificate valid when the signature is known to have been there? */
MUST_USE enum rc verifier_dates(struct verifier *v, struct err *err);

/* What a noun ends in. */
static inline const char *
words_s(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* Words only: the replay decided. */
void	 words_checkpoint(struct verifier *v);
void	 words_order(struct verifier *v);

/* The effective receipt of a custodian: its statement and the DSSE bytes it stands in. RC_MISSING. */
MUST_USE enum rc verifier_receipt(const struct verifier *v, uint8_t custodian, struct statement *ret,
    struct span *ret_dsse, struct err *err);

#endif
