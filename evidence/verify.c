/* The claims, in which order they are looked at, and what each needs. */
#include "evidence/verify.h"

#include <string.h>

#include "base/json.h"
#include "evidence/verify_parts.h"

#define BIT(claim)	(UINT32_C(1) << (claim))
#define WORDS_MAX	((size_t)64 << 10)

static const char *const names[CLAIMS] = {
	[CLAIM_CONTAINER] = "container",
	[CLAIM_MANIFESTS] = "manifests",
	[CLAIM_CHARTER] = "charter",
	[CLAIM_SIGNATURE] = "signature",
	[CLAIM_CHECKPOINT] = "checkpoint",
	[CLAIM_ENTRIES] = "entries",
	[CLAIM_ORDER] = "order",
	[CLAIM_RECEIPTS] = "receipts",
	[CLAIM_RELEASE] = "release",
	[CLAIM_DESCRIPTORS] = "descriptors",
	[CLAIM_CIPHERTEXT] = "ciphertext",
	[CLAIM_SCOPE] = "scope",
	[CLAIM_RECIPIENT] = "recipient",
	[CLAIM_TEXTS] = "texts",
	[CLAIM_CUSTODY] = "custody",
	[CLAIM_TIMESTAMP] = "timestamp",
	[CLAIM_SEALED] = "sealed",
	[CLAIM_ARCHIVE] = "archive",
	[CLAIM_KEYS] = "keys",
};

const char *
claim_name(enum claim_name c)
{
	return c < CLAIMS ? names[c] : "unknown";
}

/* Words are for people and for JSON: what is not printable UTF-8 is shown as a question mark. */
static void
say(struct verifier *v, enum claim_name c, enum claim_verdict verdict, const char *words)
{
	struct claim	*claim = &v->report.claim[c];
	size_t		 n = strlen(words);

	if (n >= CLAIM_WORDS)
		for (n = CLAIM_WORDS - 1; n > 0 && ((uint8_t)words[n] & 0xc0) == 0x80;)
			n--;
	claim->verdict = verdict;
	memcpy(claim->words, words, n);
	claim->words[n] = '\0';
	if (is_plain_text(claim->words, CLAIM_WORDS))
		return;
	for (size_t i = 0; i < n; i++)
		if ((uint8_t)claim->words[i] < 0x20 || (uint8_t)claim->words[i] > 0x7e)
			claim->words[i] = '?';
}

/* The same with the words that were gathered. */
static enum rc
say_words(struct verifier *v, enum claim_name c, enum claim_verdict verdict, struct err *err)
{
	TRY(buf_check(&v->words, "words of a claim", err));
	say(v, c, verdict, buf_text(&v->words));
	buf_reset(&v->words);
	return RC_OK;
}

static bool
is_fault(enum rc rc)
{
	return rc == RC_IO || rc == RC_NOMEM || rc == RC_BUG || rc == RC_UNSURE;
}

/* Judges one claim by a step. RC_OK unless it could not be judged at all. */
static enum rc
judge(struct verifier *v, enum claim_name c, verify_step step, struct err *err)
{
	struct err	why = { .rc = RC_OK };
	enum rc		rc;

	buf_reset(&v->words);
	v->unsure = false;
	rc = step(v, &why);
	if (rc == RC_OK)
		rc = buf_check(&v->words, "words", &why);
	if (is_fault(rc))
		return err_set(err, rc, "%s", why.msg);
	if (rc != RC_OK)
		say(v, c, CLAIM_NO, why.msg);
	else if (v->unsure)
		say(v, c, CLAIM_UNKNOWN, buf_text(&v->words));
	else {
		v->done |= BIT(c);
		say(v, c, CLAIM_YES, buf_text(&v->words));
	}
	return RC_OK;
}

/* --- reading ------------------------------------------------------------------- */

static enum rc
read_container(struct verifier *v, struct err *err)
{
	TRY(pass_run(&v->view, v->trust->parallel, &v->bad_leaf, err));
	buf_printf(&v->words, "%u files, each known, none twice", v->view.files.n);
	return RC_OK;
}

static enum rc
read_charter(struct verifier *v, struct err *err)
{
	const struct evidence_case	*c = &v->view.kase;

	sha256_one(v->genesis, c->charter);
	return charter_parse(c->n_later > 0 ? c->later[c->n_later - 1] : c->charter, &v->charter, err);
}

static enum rc
read_release(struct verifier *v, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse	d = { .n_sig = 0 };
	struct entry				entry;

	TRY(entry_parse(buf_view(&v->view.release), &entry, err));
	TRY(dsse_parse(entry.dsse, &d, err));
	TRY(statement_parse(&d, &v->release, err));
	if (v->release.type != STATEMENT_RELEASE)
		return err_set(err, RC_FORMAT, "release.leaf is no release");
	v->released = entry.time;
	return RC_OK;
}

/* The one claim that can be unknown in a sound package. */
static enum rc
judge_charter(struct verifier *v, struct err *err)
{
	char	hex[HEX_BYTES(SHA256_BYTES)];

	buf_reset(&v->words);
	hex_write(SPAN_OF(v->genesis), hex);
	if (v->trust->genesis == NULL) {
		buf_printf(&v->words, "no charter to trust was given; this one's digest is %s", hex);
		return say_words(v, CLAIM_CHARTER, CLAIM_UNKNOWN, err);
	}
	if (memcmp(v->trust->genesis, v->genesis, SHA256_BYTES) != 0) {
		buf_printf(&v->words, "not the trusted one: this one's digest is %s", hex);
		return say_words(v, CLAIM_CHARTER, CLAIM_NO, err);
	}
	buf_printf(&v->words, "%s, digest %s", v->charter->name, hex);
	if (v->view.kase.n_later > 0)
		buf_printf(&v->words, ", and %u that followed it", v->view.kase.n_later);
	return say_words(v, CLAIM_CHARTER, CLAIM_YES, err);
}

/* --- the replay, four claims in one -------------------------------------------------- */

static const struct { enum claim_name claim; const char *words; } replayed[] = {
	{ CLAIM_CHECKPOINT,	"cosigned by as many custodians as are needed" },
	{ CLAIM_ENTRIES,	"each under the checkpoint" },
	{ CLAIM_DESCRIPTORS,	"each under its batch" },
	{ CLAIM_ORDER,		"allowed" },
};
#define REPLAYED	(sizeof(replayed) / sizeof(replayed[0]))

static enum rc
say_replayed(struct verifier *v, struct err *err)
{
	buf_reset(&v->words);
	words_checkpoint(v);
	TRY(say_words(v, CLAIM_CHECKPOINT, CLAIM_YES, err));
	words_order(v);
	TRY(say_words(v, CLAIM_ORDER, CLAIM_YES, err));
	buf_printf(&v->words, "%u entries, each under the checkpoint", v->checked->n_verdicts);
	TRY(say_words(v, CLAIM_ENTRIES, CLAIM_YES, err));
	buf_printf(&v->words, "%u artifact%s, each under its batch", v->checked->grant.scope.n_artifacts,
	    words_s(v->checked->grant.scope.n_artifacts));
	return say_words(v, CLAIM_DESCRIPTORS, CLAIM_YES, err);
}

/* The first of them that does not hold is a no; those after it stay unknown. */
static enum rc
judge_case(struct verifier *v, struct err *err)
{
	struct err	why = { .rc = RC_OK };
	enum case_stage	reached = CASE_NOTHING;
	enum rc		rc;
	size_t		held;

	rc = case_check_past(&v->view.kase, v->genesis, v->release.subject, &reached, &v->checked, &why);
	if (is_fault(rc))
		return err_set(err, rc, "%s", why.msg);
	held = reached <= CASE_CHARTER ? 0 : (size_t)(reached - CASE_CHARTER);
	for (size_t i = 0; i < held; i++) {
		say(v, replayed[i].claim, CLAIM_YES, replayed[i].words);
		v->done |= BIT(replayed[i].claim);
	}
	if (rc != RC_OK) {
		say(v, replayed[held < REPLAYED ? held : REPLAYED - 1].claim, CLAIM_NO, why.msg);
		return RC_OK;
	}
	return say_replayed(v, err);
}

/* --- all of it ------------------------------------------------------------------------ */

#define AFTER_READ	(BIT(CLAIM_CONTAINER) | BIT(CLAIM_CHARTER) | BIT(CLAIM_RELEASE))
#define AFTER_CASE	(AFTER_READ | BIT(CLAIM_ORDER))

static const struct {
	enum claim_name	claim;
	verify_step	step;
	uint32_t	needs;
} steps[] = {
	{ CLAIM_MANIFESTS,	step_manifests,		AFTER_READ },
	{ CLAIM_SIGNATURE,	step_signature,		AFTER_READ },
	{ CLAIM_RECEIPTS,	step_receipts,		AFTER_CASE },
	{ CLAIM_RELEASE,	step_release,		AFTER_CASE },
	{ CLAIM_CIPHERTEXT,	step_ciphertext,	AFTER_CASE },
	{ CLAIM_SCOPE,		step_scope,		AFTER_CASE },
	{ CLAIM_RECIPIENT,	step_recipient,		AFTER_CASE },
	{ CLAIM_TEXTS,		step_texts,		AFTER_CASE },
	{ CLAIM_CUSTODY,	step_custody,		AFTER_CASE },
	{ CLAIM_SEALED,		step_sealed,		AFTER_CASE },
	{ CLAIM_TIMESTAMP,	step_timestamp,		AFTER_CASE | BIT(CLAIM_SIGNATURE) },
	{ CLAIM_ARCHIVE,	step_archive,		AFTER_CASE | BIT(CLAIM_SIGNATURE) },
};

/* What nobody stamped, or only who has the key can tell, may stay unknown. A no is a no. */
#define OPTIONAL	(BIT(CLAIM_TIMESTAMP) | BIT(CLAIM_SEALED) | BIT(CLAIM_ARCHIVE) | BIT(CLAIM_KEYS))

/* Whatever else is not a yes makes a package invalid, but for the charter of who trusts none. */
static void
set_verdict(struct package_report *r)
{
	size_t	holds = 0;

	for (size_t i = 0; i < CLAIMS; i++)
		holds += r->claim[i].verdict == CLAIM_YES ||
		    (r->claim[i].verdict == CLAIM_UNKNOWN && (OPTIONAL & BIT(i)) != 0);
	r->verdict = PACKAGE_INVALID;
	if (holds == CLAIMS)
		r->verdict = PACKAGE_VALID;
	else if (holds == CLAIMS - 1 && r->claim[CLAIM_CHARTER].verdict == CLAIM_UNKNOWN)
		r->verdict = PACKAGE_CONSISTENT;
}

/* The files, charter and release: what all other steps read. */
static enum rc
run_reading(struct verifier *v, struct err *err)
{
	TRY(judge(v, CLAIM_CONTAINER, read_container, err));
	if ((v->done & BIT(CLAIM_CONTAINER)) == 0)
		return RC_OK;
	TRY(judge(v, CLAIM_CHARTER, read_charter, err));
	if ((v->done & BIT(CLAIM_CHARTER)) != 0) {
		memcpy(v->report.genesis, v->genesis, SHA256_BYTES);
		TRY(judge_charter(v, err));
	}
	TRY(judge(v, CLAIM_RELEASE, read_release, err));
	if ((v->done & BIT(CLAIM_RELEASE)) == 0)
		return RC_OK;
	/* Read, not judged yet. */
	say(v, CLAIM_RELEASE, CLAIM_UNKNOWN, "not looked at");
	memcpy(v->report.order, v->release.subject, SHA256_BYTES);
	v->report.released = v->released;
	return RC_OK;
}

static enum rc
run_steps(struct verifier *v, struct err *err)
{
	if ((v->done & AFTER_READ) == AFTER_READ)
		TRY(judge_case(v, err));
	if (v->checked != NULL)
		memcpy(v->report.request, v->checked->grant.request, SHA256_BYTES);
	say(v, CLAIM_KEYS, CLAIM_UNKNOWN, "only who has the recipient's key can tell: quorate open does");
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if ((v->done & steps[i].needs) == steps[i].needs)
			TRY(judge(v, steps[i].claim, steps[i].step, err));
	return RC_OK;
}

enum rc
verifier_run(struct verifier *v, stream_read_at read, void *user, uint64_t size,
    const struct package_trust *trust, struct err *err)
{
	struct err	why = { .rc = RC_OK };
	enum rc		rc;

	*v = (struct verifier){ .trust = trust, .words = BUF_INIT(WORDS_MAX) };
	for (size_t i = 0; i < CLAIMS; i++)
		say(v, (enum claim_name)i, CLAIM_UNKNOWN, "not looked at, for what it builds on does not hold");
	rc = view_walk(read, user, size, &v->view, &why);
	if (is_fault(rc))
		return err_set(err, rc, "%s", why.msg);
	if (rc != RC_OK)
		say(v, v->view.scope_failed ? CLAIM_SCOPE : CLAIM_CONTAINER, CLAIM_NO, why.msg);
	else {
		TRY(run_reading(v, err));
		TRY(run_steps(v, err));
	}
	set_verdict(&v->report);
	return RC_OK;
}

void
verifier_done(struct verifier *v)
{
	view_done(&v->view);
	charter_free(v->charter);
	statement_done(&v->release);
	checked_case_free(v->checked);
	buf_done(&v->words);
}

enum rc
package_verify(stream_read_at read, void *user, uint64_t size, const struct package_trust *trust,
    struct package_report *ret, struct err *err)
{
	AUTO_DONE(verifier_done) struct verifier	v;

	TRY(verifier_run(&v, read, user, size, trust, err));
	*ret = v.report;
	return RC_OK;
}
