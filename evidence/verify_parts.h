/*
 * evidence/verify_parts.h - what verify.c, verify_steps.c and package_open.c share: for them only.
 */
#ifndef EVIDENCE_VERIFY_PARTS_H
#define EVIDENCE_VERIFY_PARTS_H

#include "evidence/package_view.h"
#include "evidence/verify.h"

/* How far the log may be ahead of the verifier's clock, as in policy/apply.h. */
#define VERIFY_CLOCK_SECONDS	300

struct verifier {
	struct package_view	 view;
	const struct package_trust *trust;
	struct package_report	 report;
	uint32_t		 done;		/* bit of a claim: others may build on what it read */
	uint8_t			 genesis[SHA256_BYTES];	/* the package's own */
	struct charter		*charter;	/* the last of the package, which the replay must put in force */
	struct statement	 release;	/* parsed; its place in the log is judged by the replay */
	when			 released;
	struct checked_case	*checked;
	struct buf		 words;		/* of the step that runs */
};

/* Runs every step and sets the verdict. RC_OK, or a fault: then nothing is known. verifier_done() always. */
MUST_USE enum rc verifier_run(struct verifier *v, stream_read_at read, void *user, uint64_t size,
    const struct package_trust *trust, struct err *err);
void	 verifier_done(struct verifier *v);

/*
 * A step reads on and judges one claim: RC_OK with words appended to v->words means
 * yes; a fault stops all; anything else means no, and err says why.
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
/* Words only: the replay decided. */
void	 words_checkpoint(struct verifier *v);
void	 words_order(struct verifier *v);

/* The effective receipt of a custodian: its statement and the DSSE bytes it stands in. RC_MISSING. */
MUST_USE enum rc verifier_receipt(const struct verifier *v, uint8_t custodian, struct statement *ret,
    struct span *ret_dsse, struct err *err);

#endif
