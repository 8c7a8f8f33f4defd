/*
 * policy/reason.c - the words for verdicts and phases. The names stand in --json
 * and in docs/spec/apply-v1.md section 4: they do not change.
 */
#include "policy/apply.h"

static const struct {
	const char	*name, *text;
} reasons[VOID_REASONS] = {
	[VOID_NONE] = { "none", "it is effective" },
	[VOID_MALFORMED] = { "malformed",
	    "it is not a statement in a DSSE envelope as the specification has it" },
	[VOID_TYPE] = { "unknown-type",
	    "these rules know no such entry; use a later version of the rules" },
	[VOID_SIGNATURE] = { "bad-signature",
	    "no key that the charter lets sign this verifies it; sign it with such a key" },
	[VOID_GENESIS] = { "other-genesis",
	    "it was made for another network (genesis); make it for this one" },
	[VOID_CHARTER] = { "other-charter",
	    "it was made under a charter that is not in force; make it again" },
	[VOID_EXPIRED] = { "expired",
	    "its time has run out, or its signer's clock is wrong; make it again" },
	[VOID_REPLAY] = { "replayed",
	    "this statement stands in the log already; make a new one" },
	[VOID_SEEN] = { "other-log",
	    "its signer saw another log than this one; compare checkpoints" },
	[VOID_REVOKED_KEY] = { "revoked-key",
	    "the key that signed it, or its request, has been revoked; use another" },
	[VOID_BATCH] = { "batch-does-not-fit",
	    "the batch does not fit its descriptors, the charter or the day's quota" },
	[VOID_DUPLICATE] = { "duplicate", "this was done already" },
	[VOID_UNKNOWN_SUBJECT] = { "unknown-subject",
	    "the log has no such request, order, batch or key" },
	[VOID_SCOPE] = { "out-of-scope",
	    "an artifact, part or segment is not there, or the policy does not cover it" },
	[VOID_POLICY] = { "wrong-policy",
	    "it is not under the policy that the artifact was sealed under" },
	[VOID_ATTACHMENT] = { "attachment-missing",
	    "the policy asks for an attachment that is missing; attach it" },
	[VOID_LIFETIME] = { "lives-too-long",
	    "it would live longer than the policy allows; ask for a shorter time" },
	[VOID_RECIPIENT] = { "bad-recipient",
	    "the recipient's certificate cannot receive: EC P-256, P-384, or RSA of at least 2048 bits" },
	[VOID_OWN_REQUEST] = { "own-request",
	    "nobody decides on their own request; withdraw it instead" },
	[VOID_ORGANISATION] = { "requesters-organisation",
	    "the requester's organisation may not approve under this policy" },
	[VOID_ROLE] = { "no-role",
	    "its signer has no role, key or approval that lets them do this" },
	[VOID_DENIED_BEFORE] = { "denied-before",
	    "its author has denied this request; a new request is needed" },
	[VOID_DECIDED] = { "decided", "its author has approved this request already" },
	[VOID_ENDED] = { "request-ended",
	    "it was withdrawn, vetoed or carried out, has expired, or another came before it" },
	[VOID_QUORUM] = { "too-few-approvals",
	    "too few approvals, or too few good contributions, so far" },
	[VOID_TIME_LOCK] = { "time-locked", "the time lock has not run out; wait" },
	[VOID_OBJECTION] = { "objection-window",
	    "the objection window is open; wait until it has closed" },
	[VOID_DAY_LIMIT] = { "day-limit",
	    "the policy's limit of artifacts for this UTC day is reached; wait for the next" },
	[VOID_ORDER] = { "order-does-not-fit",
	    "the order is expired or spent, or not to the scope and addressee of the request" },
	[VOID_TAKEN_BACK] = { "taken-back",
	    "its author took their approval back after they signed this one; approve again" },
	[VOID_AMENDMENT] = { "amendment-does-not-fit",
	    "the charter it names cannot take the place of the one in force; `quorate charter verify` says why" },
	[VOID_ANCHOR] = { "anchor-does-not-fit",
	    "the charter lists no such TSA, or it is of no checkpoint of this log" },
	[VOID_OPENING] = { "opening-does-not-fit",
	    "its opening note is malformed, or of another network, order, recipient or list of custodians" },
};

const char *
void_reason_name(enum void_reason v)
{
	return v < VOID_REASONS ? reasons[v].name : "unknown";
}

const char *
void_reason_text(enum void_reason v)
{
	return v < VOID_REASONS ? reasons[v].text : "unknown";
}

const char *
request_phase_name(enum request_phase p)
{
	static const char *const	names[] = {
		[REQUEST_OPEN] = "open",
		[REQUEST_MET] = "met",
		[REQUEST_ORDERED] = "ordered",
		[REQUEST_RELEASED] = "released",
		[REQUEST_WITHDRAWN] = "withdrawn",
		[REQUEST_VETOED] = "vetoed",
		[REQUEST_EXPIRED] = "expired",
	};

	return (size_t)p < sizeof(names) / sizeof(names[0]) ? names[p] : "unknown";
}

const char *
amendment_phase_name(enum amendment_phase p)
{
	static const char *const	names[] = {
		[AMENDMENT_OPEN] = "open",
		[AMENDMENT_MET] = "met",
		[AMENDMENT_IN_FORCE] = "in-force",
		[AMENDMENT_WITHDRAWN] = "withdrawn",
		[AMENDMENT_VETOED] = "vetoed",
		[AMENDMENT_EXPIRED] = "expired",
		[AMENDMENT_SUPERSEDED] = "superseded",
	};

	return (size_t)p < sizeof(names) / sizeof(names[0]) ? names[p] : "unknown";
}
