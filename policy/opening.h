/*
 * policy/opening.h - the recipient's word that a package was opened (docs/spec/opening-v1.md).
 *
 * JSON in an attached CMS SignedData. Here is its form: what it says, and the certificate
 * that came with it. Whether its signature verifies, evidence/opening.h tells: that depends
 * on an X.509 library and its version, over which replicas must not part.
 *
 * Pure.
 */
#ifndef POLICY_OPENING_H
#define POLICY_OPENING_H

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

/* The JSON. RC_USAGE: no part, or a member out of its range. RC_LIMIT: too many parts. */
MUST_USE enum rc opening_write(const struct opening *o, struct buf *json, struct err *err);
/* RC_FORMAT: not this JSON, byte for byte. */
MUST_USE enum rc opening_read(struct span json, struct opening *ret, struct err *err);
void	 opening_done(struct opening *o);	/* harmless twice */

/*
 * The frame: a SignedData with content, one certificate and one signer. Spans into der.
 * RC_FORMAT, RC_LIMIT.
 */
struct opening_frame {
	struct span	json, certificate, signer;	/* signer: the SignerInfo, unread */
};
MUST_USE enum rc opening_frame(struct span der, struct opening_frame *ret, struct err *err);
/* Both. ret_certificate: SHA-256 of its DER. Signatures are not looked at. */
MUST_USE enum rc opening_parse(struct span der, struct opening *ret, uint8_t ret_certificate[SHA256_BYTES],
    struct err *err);

#endif
