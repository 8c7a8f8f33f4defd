/*
 * coordinator/admission.h - what is refused before it is logged, and why.
 *
 * Everything that a key of the charter signed is logged, void or not, so that
 * every refusal leaves an entry. Only what nobody of the charter has signed, or
 * what cannot be read, stays out: strangers do not fill the log. And copies of a
 * statement with other signatures than its signer's: a statement is logged once, and
 * they must not take its place.
 */
#ifndef COORDINATOR_ADMISSION_H
#define COORDINATOR_ADMISSION_H

#include "policy/apply.h"
#include "policy/charter.h"
#include "policy/statement.h"

struct admission {
	struct dsse		d;
	struct statement	s;	/* only id and type for an unknown type */
	uint8_t			custodian;	/* whose key signed it, or 0 */
};

/*
 * RC_FORMAT: malformed (why VOID_MALFORMED). RC_VERIFY: signed by no key of the
 * charter, or not by the one that it names (VOID_SIGNATURE). admission_done() in any case.
 */
MUST_USE enum rc admit(const struct charter *charter, struct span dsse,
    struct admission *ret, enum void_reason *ret_why, struct err *err);
void	 admission_done(struct admission *a);

/* The digests of the erasable blobs a statement names; at most 1 + ATTACHMENTS_MAX. */
#define ERASABLES_MAX	(1 + ATTACHMENTS_MAX)
size_t	 statement_erasables(const struct statement *s, uint8_t ret[ERASABLES_MAX][SHA256_BYTES]);

#endif
