/*
 * audit/timestamp.h - RFC 3161 time-stamps: the question, the answer, the check years later.
 *
 * The imprint is SHA-256 over what is stamped; for the log that is a q-cosigned
 * checkpoint note, byte for byte as archived, so that `openssl ts -verify -data note`
 * checks the same thing. Over libcrypto's TS and CMS. Pure: what is needed from outside
 * (chain, CRLs, the time to judge at) comes as an argument. Threads: no shared state.
 */
#ifndef AUDIT_TIMESTAMP_H
#define AUDIT_TIMESTAMP_H

#include "base/bytes.h"
#include "base/when.h"

#define TIMESTAMP_NONCE_BYTES	8
#define TIMESTAMP_QUERY_MAX	256
#define TIMESTAMP_RESPONSE_MAX	(64 << 10)
#define TIMESTAMP_TOKEN_MAX	(512 << 10)	/* with what was embedded */
#define TIMESTAMP_CERT_MAX	8192
#define TIMESTAMP_CERTS_MAX	8
#define TIMESTAMP_CRL_MAX	(256 << 10)
#define TIMESTAMP_CRLS_MAX	8
#define TIMESTAMP_KNOWN_MAX	128		/* certificates to check others by */

/* A DER TimeStampReq: SHA-256, that nonce, the certificate asked for. */
MUST_USE enum rc timestamp_query(const uint8_t imprint[SHA256_BYTES], const uint8_t nonce[TIMESTAMP_NONCE_BYTES],
    struct buf *out, struct err *err);
/*
 * The token out of a DER TimeStampResp. RC_DENIED: the TSA refused (its words);
 * RC_VERIFY: it answers another question: imprint, nonce or version; RC_FORMAT.
 * The signature is not looked at: timestamp_verify().
 */
MUST_USE enum rc timestamp_token(struct span response, const uint8_t imprint[SHA256_BYTES],
    const uint8_t nonce[TIMESTAMP_NONCE_BYTES], struct buf *ret_token, struct err *err);

struct timestamp_trust {		/* DER, borrowed */
	const struct span	*root;		/* where a chain must end; each is trusted as such */
	size_t			 n_roots;
	const struct span	*certificate;	/* intermediates, beside those in the token */
	size_t			 n_certificates;
	const struct span	*crl;		/* when any: the signer's issuer must be among theirs, and not list it */
	size_t			 n_crls;
	bool			 any_crl;	/* ... need not be among theirs */
};
struct timestamp {
	when	time;			/* genTime, cut to seconds */
	when	expires;		/* the first of its chain's certificates to run out does so then */
	char	signer[128];		/* subject of the TSA's certificate, RFC 2253, for people */
};
/*
 * Is it a token over this imprint, by a certificate for time-stamping (critical EKU, ESS
 * signing-certificate v1 or v2) whose chain ends in a root, was valid at the token's own time
 * and is on none of the lists at that time, but for the root, which is trusted as such?
 * RC_VERIFY says which of it fails. RC_FORMAT.
 */
MUST_USE enum rc timestamp_verify(struct span token, const uint8_t imprint[SHA256_BYTES],
    const struct timestamp_trust *trust, struct timestamp *ret, struct err *err);
/*
 * The token with these certificates and lists in its SignedData, beside what it carries:
 * its signature does not cover them, and who checks it years later has them at hand.
 * timestamp_verify() uses what a token carries as well. In DER's order, each once.
 * RC_FORMAT: not DER. RC_LIMIT: more than TIMESTAMP_CERTS_MAX or TIMESTAMP_CRLS_MAX then,
 * or TIMESTAMP_TOKEN_MAX bytes.
 */
MUST_USE enum rc timestamp_embed(struct span token, const struct span *certificate, size_t n_certificates,
    const struct span *crl, size_t n_crls, struct buf *out, struct err *err);
/*
 * The token without the certificates and lists in it that do not belong to those in `by`, as
 * timestamp_exact() has it: some authorities send the root of another chain with each.
 */
MUST_USE enum rc timestamp_trim(struct span token, const struct span *by, size_t n_by, struct buf *out, struct err *err);
/*
 * For tokens in a package, beside timestamp_verify(): is no byte of it free that its signature does
 * not cover (package-v1 section 6)? by: the certificates that are trusted, to which each in
 * it must belong. RC_FORMAT when not. RC_LIMIT: more than TIMESTAMP_KNOWN_MAX of them.
 */
MUST_USE enum rc timestamp_exact(struct span token, const struct span *by, size_t n_by, struct err *err);
/*
 * Do all of these belong to those in `by`: are they among those, issued below one as a CA, or the self-signed end
 * of the chain of one; and each list by one of all that do? RC_FORMAT when not.
 */
MUST_USE enum rc timestamp_issued(const struct span *certificate, size_t n_certificates, const struct span *crl,
    size_t n_crls, const struct span *by, size_t n_by, struct err *err);
/* Is it a token over this imprint, by whomever? RC_VERIFY: over something else. RC_FORMAT. */
MUST_USE enum rc timestamp_over(struct span token, const uint8_t imprint[SHA256_BYTES], struct err *err);
/* What time the token states; whether it is one to believe, timestamp_verify() says. RC_FORMAT. */
MUST_USE enum rc timestamp_time(struct span token, when *ret, struct err *err);
/* The certificates that the token carries: DER, each vec32 into out, at most TIMESTAMP_CERTS_MAX. */
MUST_USE enum rc timestamp_certificates(struct span token, struct buf *out, size_t *ret_n, struct err *err);
/*
 * A revocation list, alone: can it be read (RC_FORMAT), and does it bear the name of the issuer of
 * the token's signer? Its signature is timestamp_verify()'s.
 */
MUST_USE enum rc timestamp_crl(struct span token, struct span crl, bool *ret_issuers, struct err *err);

#endif
