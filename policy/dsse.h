/*
 * policy/dsse.h - DSSE envelopes: sign the bytes, never re-encode to verify.
 *
 * {"payload":B64,"payloadType":T,"signatures":[{"keyid":HEX,"sig":B64}]}. What is
 * signed is PAE(type, payload); a statement's id is SHA-256 of that PAE, so the
 * same statement in another base64 or with another signature has the same id.
 * Parsing accepts standard and URL-safe base64 and refuses everything else that
 * docs/spec/statement-v1.md does not name. Pure.
 */
#ifndef POLICY_DSSE_H
#define POLICY_DSSE_H

#include "policy/key.h"

#define DSSE_BYTES_MAX		65527	/* a log entry less its time */
#define DSSE_SIGS_MAX		64	/* the charter's: 31 custodians and its amenders */
#define DSSE_INTOTO		"application/vnd.in-toto+json"

struct dsse_sig {
	uint8_t	keyid[KEY_ID_BYTES];	/* a hint; all zero when absent or not ours */
	uint8_t	sig[KEY_SIG_BYTES];
};

struct dsse {
	struct buf	payload;	/* decoded bytes */
	size_t		n_sig;
	struct dsse_sig	sig[DSSE_SIGS_MAX];
	uint8_t		id[SHA256_BYTES];	/* SHA-256 of the PAE */
	struct buf	pae;
};

/* payloadType must be DSSE_INTOTO. RC_FORMAT, RC_LIMIT, RC_NOMEM. dsse_done() always. */
MUST_USE enum rc dsse_parse(struct span in, struct dsse *ret, struct err *err);
void	 dsse_done(struct dsse *d);

void	 dsse_pae(struct span payload, struct buf *out);
/* As dsse_pae for any payload type. */
void	 dsse_pae_of(struct span type, struct span payload, struct buf *out);
void	 dsse_id(struct span payload, uint8_t ret[SHA256_BYTES]);
/* One signature by `signer` over payload; appends the envelope to out. */
MUST_USE enum rc dsse_sign(struct span payload, const struct signer *signer, struct buf *out, struct err *err);
/* The same envelope with one more signature (the charter's). RC_DENIED: that key signed already. */
MUST_USE enum rc dsse_sign_more(struct span envelope, const struct signer *signer, struct buf *out, struct err *err);
/* Does any signature of d verify under k? keyid only orders the tries. */
bool	 dsse_signed_by(const struct dsse *d, const struct key *k);

#endif
