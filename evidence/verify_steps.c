/* One step a claim: package-v1 section 7 has them as numbered steps. */
#include <inttypes.h>
#include <string.h>

#include "evidence/cades.h"
#include "evidence/cms.h"
#include "evidence/custody.h"
#include "evidence/verify_parts.h"

/* --- container -------------------------------------------------------------------- */

/* A text of the package is what its files make it. */
static enum rc
check_text(const struct buf *want, const struct buf *have, const char *name, struct err *err)
{
	TRY(buf_check(want, name, err));
	if (!span_eq(buf_view(want), buf_view(have)))
		return err_set(err, RC_VERIFY, "%s does not fit the files", name);
	return RC_OK;
}

enum rc
step_manifests(struct verifier *v, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	payload = BUF_INIT(PACKAGE_TEXT_MAX), tags = BUF_INIT(PACKAGE_TEXT_MAX);
	AUTO_DONE(buf_done) struct buf	info = BUF_INIT(PACKAGE_TEXT_MAX);

	package_manifest(&v->view.files, &payload);
	TRY(check_text(&payload, &v->view.manifest, NAME_MANIFEST, err));
	package_tagmanifest(&v->view.files, &tags);
	TRY(check_text(&tags, &v->view.tagmanifest, NAME_TAGMANIFEST, err));
	package_bag_info(&v->view.files, v->charter->coordinator.organisation, v->release.subject, v->released,
	    &info);
	TRY(check_text(&info, &v->view.bag_info, NAME_BAG_INFO, err));
	buf_printf(&v->words, "every file is as the manifests list it");
	return RC_OK;
}

enum rc
step_signature(struct verifier *v, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	asic = BUF_INIT(PACKAGE_TEXT_MAX);
	const struct blob_ref		*cert = &v->charter->coordinator.package_certificate;

	package_asic_manifest(&v->view.files, &asic);
	TRY(check_text(&asic, &v->view.asic_manifest, NAME_ASIC_MANIFEST, err));
	TRY(cades_verify(SPAN(cert->p, cert->n), buf_view(&asic), v->released, buf_view(&v->view.signature),
	    &v->added, err));
	TRY(verifier_marks(v, err));
	TRY(verifier_dates(v, err));
	buf_printf(&v->words, "every file is signed by %s, with the certificate that the charter names",
	    v->charter->coordinator.organisation);
	return RC_OK;
}

/* --- log -------------------------------------------------------------------------------- */

void
words_checkpoint(struct verifier *v)
{
	const struct checked_case	*c = v->checked;

	buf_printf(&v->words, "size %" PRIu64 ", cosigned by %d custodians, %u are needed:",
	    c->checkpoint.size, __builtin_popcount(c->cosigned.mask), c->charter->q);
	for (unsigned i = 0; i < c->charter->n; i++)
		if ((c->cosigned.mask >> i & 1) != 0)
			buf_printf(&v->words, " %u", i + 1);
}

static const char *
person_name(const struct charter *c, const char *id)
{
	const struct person	*p = charter_person(c, id);

	return p == NULL ? id : p->name;
}

void
words_order(struct verifier *v)
{
	const struct checked_case	*c = v->checked;
	const char			*comma = "";

	buf_printf(&v->words, "requested by %s under policy %s; approved by ",
	    person_name(c->charter, c->request.requester), c->request.policy);
	for (uint32_t i = 0; i < c->request.n_approvals; i++) {
		const struct request_approval	*a = &c->request.approval[i];

		if (!a->approve || !a->counts)
			continue;
		buf_printf(&v->words, "%s%s", comma, person_name(c->charter, a->person));
		if (a->role[0] != '\0')
			buf_printf(&v->words, " (%s)", a->role);
		comma = ", ";
	}
}

enum rc
verifier_receipt(const struct verifier *v, uint8_t custodian, struct statement *ret, struct span *ret_dsse,
    struct err *err)
{
	for (uint32_t i = 0; i < v->checked->n_verdicts; i++) {
		AUTO_DONE(dsse_done) struct dsse		d = { .n_sig = 0 };
		AUTO_DONE(statement_done) struct statement	s = { .type = STATEMENT_UNKNOWN };
		const struct verdict				*t = &v->checked->verdict[i];
		struct entry					 entry;

		if (!t->effective || t->type != STATEMENT_RECEIPT)
			continue;
		TRY(entry_parse(v->view.kase.entry[i].leaf, &entry, err));
		TRY(dsse_parse(entry.dsse, &d, err));
		TRY(statement_parse(&d, &s, err));
		if (s.u.receipt.custodian != custodian ||
		    memcmp(s.subject, v->checked->grant.order, SHA256_BYTES) != 0)
			continue;
		*ret_dsse = entry.dsse;
		*ret = s;
		s = (struct statement){ .type = STATEMENT_UNKNOWN };
		return RC_OK;
	}
	return err_set(err, RC_MISSING, "no receipt of custodian %u is in the log", custodian);
}

enum rc
step_receipts(struct verifier *v, struct err *err)
{
	const struct checked_case	*c = v->checked;
	int				 n = __builtin_popcount(c->receipts);

	if (n < c->charter->k)
		return err_set(err, RC_QUORUM, "receipts of %d custodians, %u are needed", n, c->charter->k);
	buf_printf(&v->words, "%d custodians say that they contributed, %u are needed:", n, c->charter->k);
	for (unsigned i = 0; i < c->charter->n; i++)
		if ((c->receipts >> i & 1) != 0)
			buf_printf(&v->words, " %u (%s)", i + 1, c->charter->custodian[i].organisation);
	return RC_OK;
}

enum rc
step_release(struct verifier *v, struct err *err)
{
	const struct verdict	*last = &v->checked->verdict[v->checked->n_verdicts - 1];
	uint8_t			 contents[SHA256_BYTES];
	char			 at[WHEN_TEXT_BYTES];

	/* The last entry is the release: view_walk() and read_release() saw to that. */
	if (!last->effective)
		return err_set(err, RC_DENIED, "the release is void: %s",
		    void_reason_text((enum void_reason)last->why));
	sha256_one(contents, buf_view(&v->view.manifest));
	if (memcmp(contents, v->release.u.release.contents, SHA256_BYTES) != 0)
		return err_set(err, RC_VERIFY, "the logged release names another payload");
	if (v->released > v->trust->now && v->released - v->trust->now > VERIFY_CLOCK_SECONDS)
		return err_set(err, RC_VERIFY, "released at %s, which is in the future of this clock",
		    when_write(v->released, at));
	buf_printf(&v->words, "this payload, logged at %s as entry %" PRIu64, when_write(v->released, at),
	    v->view.release_index);
	return RC_OK;
}

/* --- evidence ------------------------------------------------------------------------------- */

/* The hashes that stand in the leaves are those that were sealed, and the ciphertext has them. */
enum rc
step_ciphertext(struct verifier *v, struct err *err)
{
	const struct scope	*scope = &v->view.scope;
	const struct pass_leaf	*bad = &v->bad_leaf;

	for (uint32_t i = 0; i < scope->n_parts; i++)
		TRY(view_check_leaves(&v->view, i, err));
	if (bad->found)
		return err_set(err, RC_VERIFY, "part %s, segment %u: chunk %" PRIu64 " is not under the ciphertext root",
		    scope->part[bad->part].name, bad->segment, bad->chunk);
	buf_printf(&v->words, "%u segment%s, bit for bit as sealed", scope->n_segments, words_s(scope->n_segments));
	return RC_OK;
}

/*
 * The walk took this scope for its guide and left no file over; the replay found it by
 * the digest that the request and the order name, or would have stopped.
 */
enum rc
step_scope(struct verifier *v, struct err *err)
{
	(void)err;
	buf_printf(&v->words, "all that was approved and nothing else: %u artifact%s, %u part%s, %u segment%s",
	    v->view.scope.n_artifacts, words_s(v->view.scope.n_artifacts), v->view.scope.n_parts,
	    words_s(v->view.scope.n_parts), v->view.scope.n_segments, words_s(v->view.scope.n_segments));
	return RC_OK;
}

static enum rc
addressed(const struct verifier *v, const struct zip_entry *e, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	der = BUF_INIT(CMS_BYTES_MAX);

	TRY(zip_read_all(v->view.zip, e, &der, err));
	return cms_addressed_to(buf_view(&v->view.recipient), buf_view(&der), err);
}

/* In recipient mode: what a custodian sent is what its receipt says it sent. */
static enum rc
check_message(const struct verifier *v, const struct view_message *m, struct err *err)
{
	AUTO_DONE(statement_done) struct statement	s = { .type = STATEMENT_UNKNOWN };
	uint8_t						digest[SHA256_BYTES];
	struct span					dsse;

	TRY(addressed(v, &m->cms, err));
	TRY(verifier_receipt(v, m->custodian, &s, &dsse, err));
	TRY(zip_digest(v->view.zip, &m->cms, digest, err));
	if (memcmp(digest, s.u.receipt.message, SHA256_BYTES) != 0)
		return err_set(err, RC_VERIFY, "not the message that custodian %u signed for", m->custodian);
	return RC_OK;
}

static enum rc
check_messages(const struct verifier *v, struct err *err)
{
	if (v->view.n_messages < v->charter->k)
		return err_set(err, RC_QUORUM, "messages of %u custodians, %u are needed", v->view.n_messages,
		    v->charter->k);
	for (uint32_t i = 0; i < v->view.n_messages; i++) {
		enum rc	rc = check_message(v, &v->view.message[i], err);

		if (rc != RC_OK)
			return err_wrap(err, rc, "%s", v->view.message[i].cms.name);
	}
	return RC_OK;
}

enum rc
step_recipient(struct verifier *v, struct err *err)
{
	char	hex[HEX_BYTES(SHA256_BYTES)];
	uint8_t	digest[SHA256_BYTES];

	if (!span_eq(buf_view(&v->view.recipient), buf_view(&v->checked->recipient)))
		return err_set(err, RC_VERIFY, "recipient.cer is not the certificate that was approved");
	if (v->view.has_keys == v->checked->to_recipient)
		return err_set(err, RC_FORMAT, "keys and messages do not fit the policy's release_to");
	if (v->view.has_keys)
		TRY(addressed(v, &v->view.keys, err));
	else
		TRY(check_messages(v, err));
	sha256_one(digest, buf_view(&v->view.recipient));
	buf_printf(&v->words, "the keys are for the approved certificate only, SHA-256 %s",
	    hex_write(SPAN_OF(digest), hex));
	return RC_OK;
}

/* --- texts ------------------------------------------------------------------------------------- */

/* Digests of erasable texts that the statements name; found: those that are here. */
struct named {
	const struct package_view	*view;
	uint64_t			 found;		/* bit for each erasable */
	unsigned			 n, here;
};
_Static_assert(PACKAGE_ERASABLES_MAX <= 64, "struct named counts them in 64 bits");

static void
name(struct named *m, const uint8_t digest[SHA256_BYTES])
{
	m->n++;
	for (uint32_t i = 0; i < m->view->n_erasables; i++)
		if (memcmp(m->view->erasable[i], digest, SHA256_BYTES) == 0) {
			m->found |= UINT64_C(1) << i;
			m->here++;
		}
}

static void
name_all(struct named *m, const struct statement *s)
{
	if (s->type == STATEMENT_REQUEST) {
		name(m, s->u.request.reason);
		for (uint8_t i = 0; i < s->u.request.n_attachments; i++)
			name(m, s->u.request.attachment[i].digest);
	} else if (s->type == STATEMENT_DECISION && s->u.decision.has_reason)
		name(m, s->u.decision.reason);
	else if (s->type == STATEMENT_REVOCATION && s->u.revocation.has_reason)
		name(m, s->u.revocation.reason);
	else if (s->type == STATEMENT_AMENDMENT && s->u.amendment.has_reason)
		name(m, s->u.amendment.reason);
}

enum rc
verifier_statement(const struct verifier *v, uint32_t entry, struct statement *ret, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse	d = { .n_sig = 0 };
	struct entry				e;

	TRY(entry_parse(v->view.kase.entry[entry].leaf, &e, err));
	TRY(dsse_parse(e.dsse, &d, err));
	return statement_parse(&d, ret, err);
}

static enum rc
find_names(const struct verifier *v, struct named *m, struct err *err)
{
	for (uint32_t i = 0; i < v->checked->n_verdicts; i++) {
		AUTO_DONE(statement_done) struct statement	s = { .type = STATEMENT_UNKNOWN };

		if (!v->checked->verdict[i].effective)
			continue;
		TRY(verifier_statement(v, i, &s, err));
		name_all(m, &s);
	}
	return RC_OK;
}

enum rc
step_texts(struct verifier *v, struct err *err)
{
	struct named	m = { .view = &v->view };

	TRY(find_names(v, &m, err));
	for (uint32_t i = 0; i < v->view.n_erasables; i++) {
		const struct package_file	*f = &v->view.files.file[v->view.erasable_file[i]];

		if (memcmp(f->digest, v->view.erasable[i], SHA256_BYTES) != 0)
			return err_set(err, RC_VERIFY, "%s is not what its name says", f->name);
		if ((m.found >> i & 1) == 0)
			return err_set(err, RC_VERIFY, "%s is named by no statement", f->name);
	}
	buf_printf(&v->words, "%u of %u reasons and attachments are here, as they were signed", m.here, m.n);
	if (m.here < m.n)
		buf_printf(&v->words, "; the others were left out or erased");
	return RC_OK;
}

/* --- custody ----------------------------------------------------------------------------------- */

enum rc
step_custody(struct verifier *v, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	uco = BUF_INIT(CUSTODY_BYTES_MAX), prov = BUF_INIT(CUSTODY_BYTES_MAX);
	AUTO_DONE(buf_done) struct buf	html = BUF_INIT(SUMMARY_BYTES_MAX), witnesses = BUF_INIT(PACKAGE_TEXT_MAX);

	TRY(custody_case(&v->view.kase, v->checked, &uco, err));
	TRY(check_text(&uco, &v->view.custody, NAME_CUSTODY, err));
	TRY(custody_prov(&v->view.kase, v->checked, &prov, err));
	TRY(check_text(&prov, &v->view.custody_prov, NAME_CUSTODY_PROV, err));
	TRY(package_summary(&v->view.kase, v->checked, v->view.text, v->view.n_erasables, &html, err));
	TRY(check_text(&html, &v->view.summary, NAME_SUMMARY, err));
	TRY(package_witnesses(v->checked->charter, &witnesses, err));
	TRY(check_text(&witnesses, &v->view.witnesses, NAME_WITNESSES, err));
	buf_printf(&v->words, "the custody documents, the summary and the policy of witnesses say what the log says");
	return RC_OK;
}
