/*
 * evidence/opening.h - the recipient's word that a package was opened (opening-v1).
 *
 * JSON in an attached CMS SignedData (DER) by the key of the certificate that the
 * request names, so that `openssl cms -verify` reads it:
 *	{"opening":1,"genesis":HEX,"order":HEX,"package":HEX,"opened":WHEN,
 *	 "parts":[{"artifact":HEX,"part":NAME,"first":N,"last":N,"bytes":N,"sha256":HEX}...],
 *	 "bad":[N...]}
 * parts in scope order, sha256 of the plaintext of those segments; bad: custodians whose
 * contributions failed their proof, which only the recipient can tell in recipient mode.
 * A fixed blob that an `acknowledgement` names. docs/spec/opening-v1.md. Pure.
 */
#ifndef EVIDENCE_OPENING_H
#define EVIDENCE_OPENING_H

#include <openssl/evp.h>

#include "base/when.h"
#include "policy/scope.h"

#define OPENING_BYTES_MAX	(512u << 10)	/* a blob must fit one message */

struct opened_part {
	uint8_t		artifact[ARTIFACT_ID_BYTES];
	char		name[PART_NAME_MAX + 1];
	uint32_t	first, last;
	uint64_t	bytes;
	uint8_t		sha256[SHA256_BYTES];
};
struct opening {
	uint8_t			genesis[SHA256_BYTES], order[SHA256_BYTES], package[SHA256_BYTES];
	when			opened;
	uint32_t		n_parts;
	struct opened_part	*part;		/* opening_done() */
	uint32_t		bad;		/* bit i-1: custodian i */
};
/* key: of the certificate, perhaps in a token. EC P-256, P-384 or RSA. */
MUST_USE enum rc opening_sign(const struct opening *o, EVP_PKEY *key, struct span certificate, struct buf *der, struct err *err);
/* RC_VERIFY: not signed by the key of this certificate. RC_FORMAT. */
MUST_USE enum rc opening_verify(struct span der, struct span certificate, struct opening *ret, struct err *err);
void	 opening_done(struct opening *o);

#endif
