/*
 * tests/unit/evidence/forge.h - a coordinator that has all of its keys and means ill.
 *
 * It takes a package apart (repack.h), changes what it likes, and makes everything again that
 * follows from the files: entries, the release, which it logs, the checkpoint, which the
 * custodians cosign as they do any, proofs, manifests, the signature. What is refused then is
 * refused for what it says.
 */
#ifndef TESTS_UNIT_EVIDENCE_FORGE_H
#define TESTS_UNIT_EVIDENCE_FORGE_H

#include "evidence/verify.h"
#include "tests/unit/evidence/repack.h"
#include "tests/unit/evidence/world.h"

/* Entries of the payload: all that the world's log has now, but releases, and anchors that have no folder. */
void	 forge_entries(struct repack *r, const struct world *w);
/* A payload file as this. */
void	 forge_file(struct repack *r, const char *name, struct span content);

struct forging {
	struct test_key	*by;		/* signs the release; NULL: the log key */
	const uint8_t	*contents;	/* that it names; NULL: of this payload */
	bool		 own_custody;	/* custody documents are left as they are */
	const char	*uncovered;	/* a file of the payload that the bag's manifest does not list */
};
/* Log a release of w->order, and make the tag files and the signature. */
void	 forge_finish(struct repack *r, struct world *w, const struct forging *how);

/*
 * Whose token: of the charter's two; of the first when it has a certificate for ten years; or of one
 * that bears the name of the first and is another.
 */
enum forge_tsa { FIRST, SECOND, LATER, STRANGER };
const struct tsa_party *forge_tsa_root(struct world *w, enum forge_tsa who);
void	 forge_token(struct world *w, enum forge_tsa who, const uint8_t imprint[SHA256_BYTES], when at, struct buf *out);
void	 forge_done(void);

/*
 * This claim says no, the package is invalid whoever is trusted, and it does not open; or
 * (CLAIMS) it is valid. Fails the test otherwise.
 */
void	 forge_judge(struct world *w, struct memfile *f, enum claim_name claim, const char *what);

#endif
