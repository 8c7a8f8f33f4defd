/* The anchors of a package: what others say about when the log held its batches. */
#include <string.h>

#include "evidence/package_parts.h"

/* An anchor that was looked at: where it stands, and what it says. */
struct found {
	struct anchor		anchor;
	struct checkpoint	checkpoint;	/* that was stamped */
	char			tsa[ID_MAX + 1];
};

static enum rc
entry_statement(struct span leaf, struct statement *ret, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse	d = { .n_sig = 0 };
	struct entry				entry;

	TRY(entry_parse(leaf, &entry, err));
	TRY(dsse_parse(entry.dsse, &d, err));
	return statement_parse(&d, ret, err);
}

/* The blob must be the one that its entry names: a verifier looks for no other. */
static enum rc
read_anchor(const struct package_input *in, const struct package_anchor *a, struct found *ret, struct err *err)
{
	AUTO_DONE(statement_done) struct statement	s = { .type = STATEMENT_UNKNOWN };
	const struct case_entry				*e = case_entry_at(in->evidence, a->index);
	const struct verdict				*v;
	uint8_t						archive[SHA256_BYTES], note[SHA256_BYTES];

	v = e == NULL ? NULL : &in->checked->verdict[e - in->evidence->entry];
	if (v == NULL || !v->effective || v->type != STATEMENT_ANCHOR)
		return err_set(err, RC_USAGE, "package: entry %llu is no anchor in force of this case",
		    (unsigned long long)a->index);
	TRY(entry_statement(e->leaf, &s, err));
	sha256_one(archive, a->archive);
	if (memcmp(archive, s.u.anchor.archive, SHA256_BYTES) != 0)
		return err_set(err, RC_USAGE, "package: not what anchor entry %llu archives", (unsigned long long)a->index);
	TRY(anchor_parse(a->archive, &ret->anchor, err));
	sha256_one(note, ret->anchor.note);
	if (memcmp(note, s.subject, SHA256_BYTES) != 0)
		return err_set(err, RC_USAGE, "package: anchor entry %llu is over another note", (unsigned long long)a->index);
	memcpy(ret->tsa, s.u.anchor.tsa, sizeof(ret->tsa));
	return checkpoint_stated(ret->anchor.note, &ret->checkpoint, err);
}

static bool
in_scope(const struct evidence_case *c, uint64_t batch)
{
	for (uint32_t i = 0; i < c->n_artifacts; i++)
		if (c->artifact[i].batch == batch)
			return true;
	return false;
}

/* The batch stood in the log that was stamped. */
static enum rc
check_batch(const struct evidence_case *c, const struct checkpoint *cp, const struct package_anchored *b, struct err *err)
{
	const struct case_entry	*e = case_entry_at(c, b->batch);
	uint8_t			 leaf[TREE_HASH_BYTES];

	if (e == NULL || !in_scope(c, b->batch))
		return err_set(err, RC_USAGE, "package: entry %llu is no batch of the scope", (unsigned long long)b->batch);
	tree_leaf(e->leaf, leaf);
	return tree_inclusion_verify(leaf, b->batch, cp->size, &b->path, cp->root, err);
}

static enum rc
check_batches(const struct evidence_case *c, const struct package_anchor *a, const struct checkpoint *cp, struct err *err)
{
	enum rc	rc;

	if (a->n == 0)
		return err_set(err, RC_USAGE, "package: anchor entry %llu dates nothing", (unsigned long long)a->index);
	for (size_t i = 0; i < a->n; i++) {
		if (i > 0 && a->batch[i].batch <= a->batch[i - 1].batch)
			return err_set(err, RC_USAGE, "package: batches of anchor entry %llu out of order",
			    (unsigned long long)a->index);
		if ((rc = check_batch(c, cp, &a->batch[i], err)) != RC_OK)
			return err_wrap(err, rc, "package: anchor entry %llu", (unsigned long long)a->index);
	}
	return RC_OK;
}

/* Both ascend. */
static bool
share_a_batch(const struct package_anchor *a, const struct package_anchor *b)
{
	for (size_t i = 0, k = 0; i < a->n && k < b->n;) {
		if (a->batch[i].batch == b->batch[k].batch)
			return true;
		if (a->batch[i].batch < b->batch[k].batch)
			i++;
		else
			k++;
	}
	return false;
}

static enum rc
add_lists(struct package *p, uint64_t index, const struct anchor *a, struct err *err)
{
	package_name	name;

	for (unsigned i = 0; i < a->n_certificates; i++) {
		name_anchor_certificate(index, i + 1, name);
		TRY(package_add(p, name, a->certificate[i], err));
	}
	for (unsigned i = 0; i < a->n_crls; i++) {
		name_anchor_crl(index, i + 1, name);
		TRY(package_add(p, name, a->crl[i], err));
	}
	return RC_OK;
}

static enum rc
add_anchor(struct package *p, const struct package_anchor *a, const struct anchor *parts, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	proof = BUF_INIT(PACKAGE_TEXT_MAX);
	package_name			name;

	name_anchor(a->index, "checkpoint", name);
	TRY(package_add(p, name, parts->note, err));
	name_anchor(a->index, "token.tst", name);
	TRY(package_add(p, name, parts->token, err));
	TRY(add_lists(p, a->index, parts, err));
	for (size_t i = 0; i < a->n; i++) {
		buf_reset(&proof);
		tlog_proof_write(a->batch[i].batch, &a->batch[i].path, SPAN(NULL, 0), parts->note, &proof);
		name_anchor_proof(a->index, a->batch[i].batch, name);
		TRY(package_add_buf(p, name, &proof, err));
	}
	return RC_OK;
}

/* An anchor entry whose blob is not packed ends every verifier's replay. */
static enum rc
check_all_here(const struct package_input *in, struct err *err)
{
	size_t	n = 0;

	if (in->n_anchors > PACKAGE_ANCHORS_MAX)
		return err_set(err, RC_LIMIT, "package: more than %d anchors", PACKAGE_ANCHORS_MAX);
	for (uint32_t i = 0; i < in->checked->n_verdicts; i++)
		n += in->checked->verdict[i].type == STATEMENT_ANCHOR;
	if (n != in->n_anchors)
		return err_set(err, RC_USAGE, "package: %zu anchor entries in the case, %zu to pack", n, in->n_anchors);
	return RC_OK;
}

enum rc
package_add_anchors(struct package *p, const struct package_input *in, struct err *err)
{
	char		tsa[PACKAGE_ANCHORS_MAX][ID_MAX + 1];
	struct found	f;
	size_t		proofs = 0;

	TRY(check_all_here(in, err));
	for (size_t i = 0; i < in->n_anchors; i++) {
		const struct package_anchor	*a = &in->anchor[i];

		if (i > 0 && a->index <= in->anchor[i - 1].index)
			return err_set(err, RC_USAGE, "package: anchors out of order");
		if ((proofs += a->n) > PACKAGE_ANCHORED_MAX)
			return err_set(err, RC_LIMIT, "package: more than %d proofs under anchors", PACKAGE_ANCHORED_MAX);
		TRY(read_anchor(in, a, &f, err));
		TRY(check_batches(in->evidence, a, &f.checkpoint, err));
		memcpy(tsa[i], f.tsa, sizeof(tsa[i]));
		for (size_t k = 0; k < i; k++)
			if (strcmp(tsa[k], tsa[i]) == 0 && share_a_batch(&in->anchor[k], a))
				return err_set(err, RC_USAGE, "package: two anchors of %s for one batch", f.tsa);
		TRY(add_anchor(p, a, &f.anchor, err));
	}
	return RC_OK;
}
