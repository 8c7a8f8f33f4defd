/*
 * evidence/verify.h - check an evidence package offline, claim by claim, and open it.
 *
 * The only trust is the genesis digest, given out of band. Without one a package
 * can be no more than "consistent" with itself. Memory is bounded: the file is read
 * once, window by window, whatever its size. Core: it comes through a read callback.
 *
 * Names of claims are stable (docs/spec/package-v1.md section 7); words are for people.
 */
#ifndef EVIDENCE_VERIFY_H
#define EVIDENCE_VERIFY_H

#include "evidence/case.h"
#include "evidence/opening.h"
#include "evidence/parallel.h"
#include "evidence/zip.h"

#include <openssl/evp.h>

/* What the verifier trusts, when it looks, and with how many hands. */
#define TRUST_ROOTS_MAX	32
struct package_trust {
	const uint8_t		*genesis;	/* NULL: none */
	const struct span	*root;		/* DER: where time-stamps' chains may end, beside the charter's TSAs */
	size_t			 n_roots;
	when			 now;
	const struct parallel	*parallel;	/* how to hash; NULL: on this thread. The report is the same */
};

enum claim_verdict { CLAIM_UNKNOWN = 0, CLAIM_YES, CLAIM_NO };

/* In this order, in every report. */
enum claim_name {
	CLAIM_CONTAINER,	/* "container": well-formed; nothing uncovered or twice */
	CLAIM_MANIFESTS,	/* "manifests": the bag's manifests fit its files */
	CLAIM_CHARTER,		/* "charter": it is the trusted genesis */
	CLAIM_SIGNATURE,	/* "signature": by the package certificate of the charter in force */
	CLAIM_CHECKPOINT,	/* "checkpoint": at least q custodians cosigned it */
	CLAIM_ENTRIES,		/* "entries": every log entry is under the checkpoint */
	CLAIM_ORDER,		/* "order": it was allowed; who approved in which role */
	CLAIM_RECEIPTS,		/* "receipts": k custodians contributed, and said so */
	CLAIM_RELEASE,		/* "release": the logged release names this payload */
	CLAIM_DESCRIPTORS,	/* "descriptors": as sealed, under their batches */
	CLAIM_CIPHERTEXT,	/* "ciphertext": bit for bit as sealed */
	CLAIM_SCOPE,		/* "scope": neither exceeded nor short */
	CLAIM_RECIPIENT,	/* "recipient": keys addressed to the approved recipient only */
	CLAIM_TEXTS,		/* "texts": reasons and attachments are those that were signed */
	CLAIM_CUSTODY,		/* "custody": custody documents and policy of witnesses say what the log says */
	/* These may stay unknown in a valid package: there is no TSA, no archive, no key. */
	CLAIM_TIMESTAMP,	/* "timestamp": when the package was signed, by a TSA */
	CLAIM_SEALED,		/* "sealed": until when each batch was in the log, by a TSA */
	CLAIM_ARCHIVE,		/* "archive": time-stamps over the whole, each before what it covers ran out */
	CLAIM_KEYS,		/* "keys": each segment key fits its commitment; package_open() alone */
	CLAIMS
};

#define CLAIM_WORDS	1024

struct claim {
	enum claim_verdict	verdict;
	char			words[CLAIM_WORDS];
};

enum package_verdict {
	PACKAGE_INVALID = 0,	/* something does not hold, or could not be read */
	PACKAGE_CONSISTENT,	/* all holds, but no genesis was given to trust */
	PACKAGE_VALID,
};

struct package_report {
	enum package_verdict	verdict;
	struct claim		claim[CLAIMS];
	uint8_t			genesis[SHA256_BYTES];	/* of the package's charter; zero when not read */
	uint8_t			order[SHA256_BYTES], request[SHA256_BYTES];	/* likewise */
	when			released;		/* log time of the release; 0 when not read */
};

/*
 * trust->now  the verifier's clock: a log that speaks from the future is refused.
 * RC_OK: the report says what holds. RC_IO, RC_NOMEM: it could not be checked; ret is not written.
 */
MUST_USE enum rc package_verify(stream_read_at read, void *user, uint64_t size,
    const struct package_trust *trust, struct package_report *ret, struct err *err);

const char *claim_name(enum claim_name c);		/* "container" */
const char *claim_verdict_name(enum claim_verdict v);	/* "yes" */
const char *package_verdict_name(enum package_verdict v);	/* "valid" */
/* {"verdict":"valid","genesis":HEX,"order":HEX,...,"claims":[{"name","verdict","words"}...]} and a newline. */
MUST_USE enum rc package_report_json(const struct package_report *r, struct buf *out, struct err *err);
/* A line a claim. colour: with the escapes of a terminal; then the words must be fit for one. */
void	 package_report_text(const struct package_report *r, bool colour, struct buf *out);
/*
 * A page by itself, to print or to hand on: each claim as a question, its answer and why.
 * package: how who asks calls the file; digest: the file's SHA-256; at: the time it was verified for.
 */
void	 package_report_html(const struct package_report *r, const char *package, const uint8_t digest[SHA256_BYTES],
    when at, struct buf *out);

/*
 * Where plaintext goes: bytes at `at` of a part. Within a part offsets ascend; parts
 * in scope order. Only bytes that were verified come. Not secret to the recipient,
 * but nobody else's: write files with mode 0600.
 */
typedef enum rc (*package_out_fn)(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const struct part *part,
    uint64_t at, struct span plaintext, struct err *err);

/*
 * Verify (as above; the report is written), and if it is not invalid, decrypt: the
 * keys with `key`, each segment under its key commitment, chunk by chunk.
 *
 * key, certificate  the recipient's (DER); an empty certificate stands for the approved one.
 *                   The key may live in a token. EC P-256, P-384 or RSA.
 * ret_opening       what opening_sign() is for; opening_done() when RC_OK. May be NULL.
 *                   `package` and `opened` are the caller's to fill in.
 * ret               with the claim `keys`; a no there makes the package invalid.
 * RC_VERIFY  the package is invalid (see the report), or a commitment or tag fails.
 * RC_QUORUM  recipient mode: fewer than k custodians contributed well.
 * RC_DENIED  it is not addressed to this key.
 */
MUST_USE enum rc package_open(stream_read_at read, void *user, uint64_t size,
    const struct package_trust *trust, EVP_PKEY *key, struct span certificate,
    package_out_fn out, void *out_user, struct package_report *ret, struct opening *ret_opening, struct err *err);

/*
 * The certificate (DER) that a package says is its recipient's, appended: for who must find the
 * key that it is of. Nothing was checked. RC_FORMAT: not a package.
 */
MUST_USE enum rc package_recipient(stream_read_at read, void *user, uint64_t size, struct buf *ret, struct err *err);

#endif
