/*
 * audit/anchor.h - what an `anchor` entry archives (anchor-v1, docs/spec/anchor-v1.md).
 *
 *	"quorate anchor 1\n", vec32 note, vec32 token,
 *	u8 certificates (0..8) of vec32, u8 crls (0..8) of vec32
 *
 * note: the q-cosigned checkpoint, whole; its SHA-256 is the token's imprint and the
 * entry's subject. Certificates and CRLs as they were when it was stamped. A fixed blob.
 * Pure. Threads: no shared state.
 */
#ifndef AUDIT_ANCHOR_H
#define AUDIT_ANCHOR_H

#include "audit/note.h"
#include "audit/timestamp.h"

#define ANCHOR_BYTES_MAX	(512 << 10)	/* a blob must fit one message */

struct anchor {				/* spans borrow */
	struct span	note, token;
	uint8_t		n_certificates, n_crls;
	struct span	certificate[TIMESTAMP_CERTS_MAX];
	struct span	crl[TIMESTAMP_CRLS_MAX];
};

/* RC_LIMIT: longer than ANCHOR_BYTES_MAX (leave CRLs out); out is as it was. */
MUST_USE enum rc anchor_write(const struct anchor *a, struct buf *out, struct err *err);
MUST_USE enum rc anchor_parse(struct span in, struct anchor *ret, struct err *err);
/*
 * Is the token a good one over the note, by what is archived beside it and these roots (the
 * certificates of the charter's TSA)? The codes of timestamp_verify().
 */
MUST_USE enum rc anchor_verify(const struct anchor *a, const struct span *root, size_t n_roots,
    struct timestamp *ret, struct err *err);

#endif
