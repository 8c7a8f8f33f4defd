/* The two steps of making a package. What is in it: package_payload.c, package_text.c. */
#include "evidence/package.h"

#include <stdlib.h>
#include <string.h>

#include "audit/tlog_policy.h"
#include "evidence/package_parts.h"
#include "evidence/segment.h"

_Static_assert(SEGMENT_LEAF_MAX >= PACKAGE_HASHES * TREE_HASH_BYTES, "one scratch serves both");

void
package_free(struct package *p)
{
	if (p == NULL)
		return;
	zip_writer_free(p->w);
	package_files_done(&p->files);
	buf_done(&p->manifest);
	buf_done(&p->witnesses);
	charter_free(p->charter);
	free(p->scratch);
	free(p->logged);
	free(p);
}

enum rc
package_end(struct package *p, const char *name, uint64_t size, struct err *err)
{
	uint8_t	digest[SHA256_BYTES];

	TRY(zip_end(p->w, digest, err));
	return package_files_add(&p->files, name, size, digest, err);
}

enum rc
package_add(struct package *p, const char *name, struct span bytes, struct err *err)
{
	TRY(zip_begin(p->w, name, bytes.n, err));
	TRY(zip_write(p->w, bytes, err));
	return package_end(p, name, bytes.n, err);
}

enum rc
package_add_buf(struct package *p, const char *name, const struct buf *b, struct err *err)
{
	TRY(buf_check(b, name, err));
	return package_add(p, name, buf_view(b), err);
}

/* What package_finish() needs of what was checked. */
static enum rc
remember(struct package *p, const struct checked_case *c, struct err *err)
{
	memcpy(p->order, c->grant.order, SHA256_BYTES);
	p->charter = charter_ref(c->charter);
	return package_witnesses(p->charter, &p->witnesses, err);
}

enum rc
package_begin(const struct package_input *in, stream_write_at write, void *user, struct package **ret,
    uint8_t ret_contents[SHA256_BYTES], struct err *err)
{
	AUTO(package_free) struct package	*p = calloc(1, sizeof(*p));

	if (p == NULL || (p->scratch = malloc(SEGMENT_LEAF_MAX)) == NULL)
		return err_set(err, RC_NOMEM, "package: no memory to make it");
	p->manifest = BUF_INIT(PACKAGE_TEXT_MAX);
	p->witnesses = BUF_INIT(TLOG_POLICY_BYTES_MAX);
	TRY(remember(p, in->checked, err));
	TRY(zip_writer_new(write, user, &p->w, err));
	TRY(package_add(p, NAME_MIMETYPE, SPAN_STR(PACKAGE_MIMETYPE), err));
	TRY(package_add_payload(p, in, err));
	package_manifest(&p->files, &p->manifest);
	TRY(buf_check(&p->manifest, NAME_MANIFEST, err));
	sha256_one(p->contents, buf_view(&p->manifest));
	memcpy(ret_contents, p->contents, SHA256_BYTES);
	*ret = TAKE(p);
	return RC_OK;
}

/* The same entries as in the payload, and one more. */
static enum rc
check_final(const struct package *p, const struct evidence_case *final, struct err *err)
{
	uint8_t	leaf[TREE_HASH_BYTES];

	if (final->n_entries != p->n_logged + 1)
		return err_set(err, RC_USAGE, "package: %u entries to finish with, not %u",
		    final->n_entries, p->n_logged + 1);
	for (uint32_t i = 0; i < p->n_logged; i++) {
		tree_leaf(final->entry[i].leaf, leaf);
		if (final->entry[i].index != p->logged[i].index ||
		    memcmp(leaf, p->logged[i].leaf, TREE_HASH_BYTES) != 0)
			return err_set(err, RC_USAGE, "package: entry %llu is not in the payload",
			    (unsigned long long)final->entry[i].index);
	}
	return RC_OK;
}

/* The release must be of this payload. */
static enum rc
check_release(struct package *p, const struct case_entry *e, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse		d = { .n_sig = 0 };
	AUTO_DONE(statement_done) struct statement	s = { .type = STATEMENT_UNKNOWN };
	struct entry					entry;

	TRY(entry_parse(e->leaf, &entry, err));
	TRY(dsse_parse(entry.dsse, &d, err));
	TRY(statement_parse(&d, &s, err));
	if (s.type != STATEMENT_RELEASE || memcmp(s.subject, p->order, SHA256_BYTES) != 0 ||
	    memcmp(s.u.release.contents, p->contents, SHA256_BYTES) != 0)
		return err_set(err, RC_USAGE, "package: the last entry does not release this payload");
	p->released = entry.time;
	return RC_OK;
}

static enum rc
add_proofs(struct package *p, const struct evidence_case *final, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	proof = BUF_INIT(PACKAGE_TEXT_MAX);
	package_name			name;

	for (uint32_t i = 0; i < final->n_entries; i++) {
		const struct case_entry	*e = &final->entry[i];

		buf_reset(&proof);
		tlog_proof_write(e->index, &e->path, SPAN(NULL, 0), final->checkpoint, &proof);
		name_proof(e->index, name);
		TRY(package_add_buf(p, name, &proof, err));
	}
	return RC_OK;
}

/* package-v1 section 4, in the order of the table. */
static enum rc
add_tags(struct package *p, const struct evidence_case *final, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	info = BUF_INIT(PACKAGE_TEXT_MAX), tags = BUF_INIT(PACKAGE_TEXT_MAX);

	TRY(package_add(p, NAME_BAGIT, SPAN_STR(PACKAGE_BAGIT), err));
	package_bag_info(&p->files, p->charter->coordinator.organisation, p->order, p->released, &info);
	TRY(package_add_buf(p, NAME_BAG_INFO, &info, err));
	TRY(package_add_buf(p, NAME_MANIFEST, &p->manifest, err));
	TRY(package_add(p, NAME_CHECKPOINT, final->checkpoint, err));
	TRY(package_add_buf(p, NAME_WITNESSES, &p->witnesses, err));
	TRY(add_proofs(p, final, err));
	TRY(package_add(p, NAME_RELEASE, final->entry[final->n_entries - 1].leaf, err));
	TRY(package_add(p, NAME_README, span_str(package_readme), err));
	package_tagmanifest(&p->files, &tags);
	return package_add_buf(p, NAME_TAGMANIFEST, &tags, err);
}

enum rc
package_finish(struct package *p, const struct evidence_case *final, const struct package_seal *seal,
    uint64_t *ret_size, struct err *err)
{
	const struct blob_ref	*certificate = &p->charter->coordinator.package_certificate;

	if (!span_eq(seal->certificate, SPAN(certificate->p, certificate->n)))
		return err_set(err, RC_USAGE, "package: not the package certificate of the charter");
	TRY(check_final(p, final, err));
	TRY(check_release(p, &final->entry[final->n_entries - 1], err));
	TRY(add_tags(p, final, err));
	TRY(package_add_seal(p, seal, err));
	return zip_finish(p->w, ret_size, err);
}
