/*
 * policy/statement.h - every statement that stands in the log or goes beside it
 * (docs/spec/statement-v1.md): an in-toto Statement v1 in a DSSE envelope.
 *
 * {"_type":"https://in-toto.io/Statement/v1",
 *  "subject":[{"name":KIND,"digest":{"sha256":HEX}}],
 *  "predicateType":"https://quorate.example/TYPE/v1",
 *  "predicate":{"genesis":HEX,"charter":HEX,"signer":HEX,"nonce":HEX16,"issued":WHEN,
 *               "expires":WHEN,"seen":{"size":N,"root":HEX}, ...the type's own members}}
 *
 * `signer` is the id of the one key that signs: nobody can put their signature
 * under another's bytes and so have them stand in the log as said already.
 * The charter and the succession have no signer, nonce or times, so that all who
 * sign them sign the same bytes; the charter has no `seen` either. Members are exactly those listed: unknown ones are refused.
 * Pure. A struct statement owns nothing but its bufs: statement_done().
 *
 * type        subject                predicate members beside the common ones          signed by
 * charter     charter digest         (none; genesis == charter == subject in the first)  custodians, amenders
 * batch       batch root             count, descriptors (sha256 of the vector blob),     sealer
 *                                    custodians: [{index, epoch, encapsulation B64(65), shares HEX(sha256)}] 1..n ascending
 * request     scope blob digest      policy (id), reason (salted digest), attachments    person
 *                                    [{kind, digest, size}], recipient B64(DER certificate)
 * decision    request id             decision "approve"|"deny", reason (salted digest, deny; optional)  person
 * withdrawal  request id             (none): by the requester ends it, by an approver takes it back   person
 * revocation  key id                 reason (salted digest, optional)                    person: owner or amender
 * order       request id             scope (digest), addressee B64(DER certificate)      log key
 * receipt     order id               custodian, message (sha256 of the CMS),             custodian
 *                                    count, contributions (RFC 6962 root over the 97-byte records in scope order)
 * release     order id               contents (sha256 of the package's manifest-sha256.txt), log key
 *                                    custodians [{index, receipt HEX, good BOOL}]
 * held        batch statement id     custodian, shares (sha256 of the stored vector)     custodian; not an entry
 * checked     batch statement id     custodian, first (index of the first batch entry of    custodian
 *                                    the run that ends with the subject)
 * garbage     batch statement id     custodian, leaf, proof B64 (garbage_proof_fits)     custodian
 * amendment   charter digest         reason (salted digest, optional)                    person
 * consent     amendment id           custodian                                           custodian
 * succession  charter digest         (none)                                              amenders, q custodians
 * anchor      sha256 of the note     tsa (id), size (of the note's checkpoint),          log key
 *                                    archive (sha256 of the anchor-v1 blob)
 * acknowledgement  order id          opening (sha256 of the opening-v1 blob), bad: [N...]  person
 *                                    custodians whose contributions were wrong, ascending
 *
 * Decisions and withdrawals may name an amendment where a request's id is said above.
 * "hold", "hold-release", "erase", "outcome" are names kept for later rules: rules 1
 * gives them the verdict void (unknown type).
 *
 * An erasable text or file is a blob: salt[32] || bytes; its salted digest is the
 * blob's SHA-256.
 */
#ifndef POLICY_STATEMENT_H
#define POLICY_STATEMENT_H

#include "policy/charter.h"
#include "policy/dsse.h"
#include "shamir/sealed.h"
#include "shamir/shamir.h"

#define STATEMENT_NONCE_BYTES	16
#define RECIPIENT_CERT_MAX	8192
#define ATTACHMENTS_MAX		4
#define ERASABLE_SALT_BYTES	32
#define PREDICATE_PREFIX	"https://quorate.example/"

/*
 * The proof of a garbage statement: u8 kind, the sealed share as it was judged, and
 * for GARBAGE_OTHER the point that the share which it opens to commits to.
 */
#define GARBAGE_SHUT		1	/* it opens to no scalar */
#define GARBAGE_OTHER		2	/* to another than the descriptor promises */
#define GARBAGE_SHUT_BYTES	(1 + SEALED_SHARE_BYTES)
#define GARBAGE_OTHER_BYTES	(GARBAGE_SHUT_BYTES + SHAMIR_POINT_BYTES)

enum statement_type {
	STATEMENT_UNKNOWN = 0,
	STATEMENT_CHARTER,
	STATEMENT_BATCH,
	STATEMENT_REQUEST,
	STATEMENT_DECISION,
	STATEMENT_WITHDRAWAL,
	STATEMENT_REVOCATION,
	STATEMENT_ORDER,
	STATEMENT_RECEIPT,
	STATEMENT_RELEASE,
	STATEMENT_HELD,
	STATEMENT_CHECKED,
	STATEMENT_GARBAGE,
	STATEMENT_AMENDMENT,
	STATEMENT_CONSENT,
	STATEMENT_SUCCESSION,
	STATEMENT_ANCHOR,
	STATEMENT_ACKNOWLEDGEMENT,
	STATEMENT_TYPES
};

struct statement_batch {
	uint32_t	count;				/* 1..BATCH_COUNT_MAX */
	uint8_t		descriptors[SHA256_BYTES];
	uint8_t		n;
	struct {
		uint8_t		index;
		uint32_t	epoch;
		uint8_t		encapsulation[65];
		uint8_t		shares[SHA256_BYTES];
	} custodian[CUSTODIANS_MAX];
};

struct statement_attachment { char kind[ID_MAX + 1]; uint8_t digest[SHA256_BYTES]; uint64_t size; };

struct statement {
	enum statement_type	type;
	uint8_t			id[SHA256_BYTES];	/* of the PAE; set by parse */
	uint8_t			subject[SHA256_BYTES];
	uint8_t			genesis[SHA256_BYTES], charter[SHA256_BYTES];
	uint8_t			signer[KEY_ID_BYTES];	/* set by statement_sign */
	uint8_t			nonce[STATEMENT_NONCE_BYTES];
	when			issued, expires;
	uint64_t		seen_size;
	uint8_t			seen_root[SHA256_BYTES];
	union {
		struct statement_batch batch;
		struct {
			char		policy[ID_MAX + 1];
			uint8_t		reason[SHA256_BYTES];
			uint8_t		n_attachments;
			struct statement_attachment attachment[ATTACHMENTS_MAX];
		} request;
		struct { bool approve, has_reason; uint8_t reason[SHA256_BYTES]; } decision;
		struct { bool has_reason; uint8_t reason[SHA256_BYTES]; } revocation;
		struct { uint8_t scope[SHA256_BYTES]; } order;
		struct {
			uint8_t		custodian;
			uint8_t		message[SHA256_BYTES];
			uint32_t	count;
			uint8_t		contributions[SHA256_BYTES];
		} receipt;
		struct {
			uint8_t		contents[SHA256_BYTES];
			uint8_t		n;
			struct { uint8_t index; uint8_t receipt[SHA256_BYTES]; bool good; } custodian[CUSTODIANS_MAX];
		} release;
		struct { uint8_t custodian; uint8_t shares[SHA256_BYTES]; } held;
		struct { uint8_t custodian; uint64_t first; } checked;
		struct { uint8_t custodian; uint32_t leaf; } garbage;
		struct { bool has_reason; uint8_t reason[SHA256_BYTES]; } amendment;
		struct { uint8_t custodian; } consent;
		struct { char tsa[ID_MAX + 1]; uint64_t size; uint8_t archive[SHA256_BYTES]; } anchor;
		struct { uint8_t opening[SHA256_BYTES]; uint32_t bad; /* bit i-1: custodian i */ } acknowledgement;
	} u;
	struct buf		bytes;	/* request: recipient DER; order: addressee DER; garbage: proof */
};

/*
 * Parse the payload of d (already dsse_parse'd). type STATEMENT_UNKNOWN with RC_OK:
 * a well-formed statement whose predicateType this version does not know; then only
 * id and type are set. RC_FORMAT otherwise. Signatures are not looked at.
 */
MUST_USE enum rc statement_parse(const struct dsse *d, struct statement *ret, struct err *err);
void	 statement_done(struct statement *s);
/* Of one of the two kinds, and as long as it has to be? */
bool	 garbage_proof_fits(struct span proof);

/*
 * The payload JSON of s, fields in the order of the spec (id is ignored; signer
 * must be set). RC_USAGE: a member is out of its range.
 */
MUST_USE enum rc statement_write(const struct statement *s, struct buf *payload, struct err *err);
/* statement_write + dsse_sign; sets s->signer and s->id. */
MUST_USE enum rc statement_sign(struct statement *s, const struct signer *signer, struct buf *envelope, struct err *err);

/* Has a type one signer, whom it names? (A charter and a succession have many.) */
bool	 statement_has_signer(enum statement_type t);

/*
 * Fills the common members: genesis, charter, seen, issued = now, expires = now +
 * life, a random nonce.
 */
void	 statement_init(struct statement *s, enum statement_type type, const uint8_t genesis[SHA256_BYTES],
	    const uint8_t charter[SHA256_BYTES], uint64_t seen_size, const uint8_t seen_root[SHA256_BYTES],
	    when now, uint64_t life);

/* What the subject of a type is called: "scope", "request"...; NULL for unknown. */
const char *statement_subject_kind(enum statement_type t);
const char *statement_type_name(enum statement_type t);		/* "request"; "unknown" */

#endif
