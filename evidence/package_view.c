#include "evidence/package_walk.h"

#include <stdlib.h>
#include <string.h>

#include "audit/tlog_policy.h"
#include "evidence/cades.h"
#include "evidence/custody.h"

void
view_done(struct package_view *v)
{
	zip_free(v->zip);
	package_files_done(&v->files);
	buf_done(&v->charter);
	for (uint32_t i = 0; i < CASE_CHARTERS_MAX; i++)
		buf_done(&v->later[i]);
	buf_done(&v->scope_bytes);
	buf_done(&v->recipient);
	buf_done(&v->checkpoint);
	buf_done(&v->release);
	buf_done(&v->bag_info);
	buf_done(&v->manifest);
	buf_done(&v->witnesses);
	buf_done(&v->tagmanifest);
	buf_done(&v->asic_manifest);
	buf_done(&v->signature);
	buf_done(&v->custody);
	buf_done(&v->custody_prov);
	buf_done(&v->summary);
	for (uint32_t i = 0; i < v->n_erasables; i++)
		buf_done(&v->text_bytes[i]);
	view_anchors_done(v);
	for (uint32_t i = 0; i < v->n_entries; i++)
		buf_done(&v->leaf[i]);
	for (uint32_t i = 0; v->descriptor_bytes != NULL && i < v->scope.n_artifacts; i++)
		buf_done(&v->descriptor_bytes[i]);
	free(v->index);
	free(v->leaf);
	free(v->descriptor);
	free(v->descriptor_bytes);
	free(v->leaves);
	free(v->segment);
	case_done(&v->kase);
	scope_done(&v->scope);
}

/* --- the payload, package-v1 section 3 ------------------------------------------ */

/* The second charter on, numbered without a gap. */
static enum rc
walk_later(struct package_view *v, struct err *err)
{
	struct zip_entry	e;
	package_name		name;

	while (view_next_under(v, NAME_LATER, &e)) {
		uint32_t	n = v->kase.n_later;

		if (n == CASE_CHARTERS_MAX)
			return err_set(err, RC_LIMIT, "package: more than %d later charters", CASE_CHARTERS_MAX);
		name_later(n, name);
		TRY(view_load(v, name, CHARTER_BYTES_MAX, &v->later[n], err));
		v->kase.later[n] = buf_view(&v->later[n]);
		v->kase.n_later++;
	}
	return RC_OK;
}

static enum rc
walk_keys(struct package_view *v, struct err *err)
{
	struct zip_entry	e;
	package_name		name;

	while (view_next_under(v, NAME_MESSAGES, &e)) {
		uint64_t	custodian = view_number_in(e.name, NAME_MESSAGES);
		uint32_t	n = v->n_messages;

		if (n == CUSTODIANS_MAX || custodian < 1 || custodian > CUSTODIANS_MAX ||
		    (n > 0 && custodian <= v->message[n - 1].custodian))
			return err_set(err, RC_FORMAT, "package: %s: no such custodian, or out of order",
			    e.name);
		name_message((uint8_t)custodian, name);
		v->message[n].custodian = (uint8_t)custodian;
		TRY(view_expect(v, name, &v->message[n].cms, err));
		v->n_messages++;
	}
	if (v->n_messages > 0)
		return RC_OK;
	v->has_keys = true;
	return view_expect(v, NAME_KEYS, &v->keys, err);
}

static enum rc
walk_entry(struct package_view *v, uint64_t index, struct err *err)
{
	uint32_t	n = v->n_entries;
	package_name	name;

	if (n == CASE_ENTRIES_MAX)
		return err_set(err, RC_LIMIT, "package: more than %d log entries", CASE_ENTRIES_MAX);
	if (n > 0 && index <= v->index[n - 1])
		return err_set(err, RC_FORMAT, "package: log entries out of order");
	name_entry(index, name);
	v->index[n] = index;
	v->leaf[n] = BUF_INIT(0);
	v->n_entries++;
	TRY(view_load(v, name, ENTRY_BYTES_MAX, &v->leaf[n], err));
	v->held += v->leaf[n].n;
	if (v->held > CASE_BYTES_MAX)
		return err_set(err, RC_LIMIT, "package: more than %d bytes of log entries", CASE_BYTES_MAX);
	return RC_OK;
}

static enum rc
walk_entries(struct package_view *v, struct err *err)
{
	struct zip_entry	e;

	v->index = calloc(CASE_ENTRIES_MAX, sizeof(*v->index));
	v->leaf = calloc(CASE_ENTRIES_MAX, sizeof(*v->leaf));
	if (v->index == NULL || v->leaf == NULL)
		return err_set(err, RC_NOMEM, "package: no memory for log entries");
	while (view_next_under(v, NAME_ENTRIES, &e))
		TRY(walk_entry(v, view_number_in(e.name, NAME_ENTRIES), err));
	if (v->n_entries == 0)
		return err_set(err, RC_FORMAT, "package: no log entries");
	return RC_OK;
}

/* The next file, which is erasable n: as summary.html may show it. */
static enum rc
walk_text(struct package_view *v, uint32_t n, struct err *err)
{
	struct zip_entry	e;
	package_name		name;

	name_erasable(v->erasable[n], name);
	v->erasable_file[n] = v->at;
	v->text_bytes[n] = BUF_INIT(SUMMARY_TEXT_MAX);
	v->n_erasables++;
	TRY(view_expect(v, name, &e, err));
	if (e.size <= SUMMARY_TEXT_MAX)
		TRY(zip_read_all(v->zip, &e, &v->text_bytes[n], err));
	memcpy(v->text[n].digest, v->erasable[n], SHA256_BYTES);
	v->text[n].size = e.size;
	v->text[n].blob = buf_view(&v->text_bytes[n]);
	return RC_OK;
}

static enum rc
walk_erasables(struct package_view *v, struct err *err)
{
	struct zip_entry	e;

	while (view_next_under(v, NAME_ERASABLE, &e)) {
		uint32_t	n = v->n_erasables;
		uint8_t		*digest = v->erasable[n];

		if (n == PACKAGE_ERASABLES_MAX)
			return err_set(err, RC_LIMIT, "package: more than %d reasons and attachments",
			    PACKAGE_ERASABLES_MAX);
		if (!hex_parse(span_str(e.name + strlen(NAME_ERASABLE)), digest, SHA256_BYTES) ||
		    (n > 0 && memcmp(digest, v->erasable[n - 1], SHA256_BYTES) <= 0))
			return err_set(err, RC_FORMAT, "package: %s: not a digest, or out of order", e.name);
		TRY(walk_text(v, n, err));
	}
	return RC_OK;
}

static enum rc
walk_part(struct package_view *v, uint32_t i, struct err *err)
{
	const struct scope_part	*s = &v->scope.part[i];
	const struct descriptor	*d = &v->descriptor[s->artifact];
	const struct part	*part = descriptor_part(d, s->name);
	package_name		 name;

	v->scope_failed = true;
	if (part == NULL || s->last >= part_segments(part))
		return err_set(err, RC_FORMAT, "package: the scope names a part or segment that is not there");
	v->leaves[i] = v->at;
	name_leaves(d->id, part->name, name);
	TRY(view_expect_size(v, name, part_leaves(part) * TREE_HASH_BYTES, err));
	v->segment[i] = v->at;
	for (uint32_t k = s->first; k <= s->last; k++) {
		name_segment(d->id, part->name, k, name);
		TRY(view_expect_size(v, name, segment_ciphertext_bytes(part_segment_length(part, k)), err));
	}
	v->scope_failed = false;
	return RC_OK;
}

static enum rc
walk_artifact(struct package_view *v, uint32_t i, struct err *err)
{
	const struct scope_artifact	*s = &v->scope.artifact[i];
	AUTO_DONE(buf_done) struct buf	 path = BUF_INIT(0);
	struct case_artifact		 a;
	package_name			 name;

	name_artifact(s->id, "descriptor", name);
	TRY(view_load(v, name, DESCRIPTOR_BYTES_MAX, &v->descriptor_bytes[i], err));
	TRY(descriptor_parse_form(buf_view(&v->descriptor_bytes[i]), &v->descriptor[i], err));
	if (memcmp(v->descriptor[i].id, s->id, ARTIFACT_ID_BYTES) != 0)
		return err_set(err, RC_FORMAT, "package: %s is of another artifact", name);
	name_artifact(s->id, "descriptor.path", name);
	TRY(view_load(v, name, PATH_BYTES_MAX, &path, err));
	TRY(descriptor_path_parse(buf_view(&path), &a, err));
	TRY(case_add_artifact(&v->kase, s->id, a.batch, a.leaf, &a.path, buf_view(&v->descriptor_bytes[i]),
	    err));
	for (uint32_t k = 0; k < s->n_parts; k++)
		TRY(walk_part(v, s->first_part + k, err));
	return RC_OK;
}

static enum rc
walk_artifacts(struct package_view *v, struct err *err)
{
	v->descriptor = calloc(v->scope.n_artifacts, sizeof(*v->descriptor));
	v->descriptor_bytes = calloc(v->scope.n_artifacts, sizeof(*v->descriptor_bytes));
	v->leaves = calloc(v->scope.n_parts, sizeof(*v->leaves));
	v->segment = calloc(v->scope.n_parts, sizeof(*v->segment));
	if (v->descriptor == NULL || v->descriptor_bytes == NULL || v->leaves == NULL || v->segment == NULL)
		return err_set(err, RC_NOMEM, "package: no memory for %u artifacts", v->scope.n_artifacts);
	for (uint32_t i = 0; i < v->scope.n_artifacts; i++)
		TRY(walk_artifact(v, i, err));
	return RC_OK;
}

static enum rc
walk_payload(struct package_view *v, struct err *err)
{
	TRY(view_load(v, NAME_CHARTER, CHARTER_BYTES_MAX, &v->charter, err));
	TRY(walk_later(v, err));
	TRY(view_load(v, NAME_SCOPE, SCOPE_BYTES_MAX, &v->scope_bytes, err));
	TRY(scope_parse(buf_view(&v->scope_bytes), &v->scope, err));
	TRY(view_load(v, NAME_RECIPIENT, RECIPIENT_CERT_MAX, &v->recipient, err));
	TRY(walk_keys(v, err));
	TRY(walk_entries(v, err));
	TRY(walk_erasables(v, err));
	TRY(walk_artifacts(v, err));
	TRY(view_walk_anchors(v, err));
	TRY(view_load(v, NAME_CUSTODY, CUSTODY_BYTES_MAX, &v->custody, err));
	TRY(view_load(v, NAME_CUSTODY_PROV, CUSTODY_BYTES_MAX, &v->custody_prov, err));
	return view_load(v, NAME_SUMMARY, SUMMARY_BYTES_MAX, &v->summary, err);
}

/* --- the rest, package-v1 sections 4 and 5 ---------------------------------------- */

static enum rc
walk_proof(struct package_view *v, uint64_t index, struct span leaf, struct err *err)
{
	struct tree_path	path;
	package_name		name;

	name_proof(index, name);
	TRY(view_load_proof(v, name, index, buf_view(&v->checkpoint), &path, err));
	return case_add_entry(&v->kase, index, leaf, &path, err);
}

static enum rc
walk_proofs(struct package_view *v, struct err *err)
{
	struct zip_entry	e;

	for (uint32_t i = 0; i < v->n_entries; i++)
		TRY(walk_proof(v, v->index[i], buf_view(&v->leaf[i]), err));
	if (!view_next_under(v, NAME_PROOFS, &e))
		return err_set(err, RC_FORMAT, "package: the proof of the release is missing");
	v->release_index = view_number_in(e.name, NAME_PROOFS);
	if (v->release_index <= v->index[v->n_entries - 1])
		return err_set(err, RC_FORMAT, "package: the release does not come last");
	return walk_proof(v, v->release_index, SPAN(NULL, 0), err);
}

static enum rc
walk_tags(struct package_view *v, struct err *err)
{
	TRY(view_load_exactly(v, NAME_BAGIT, SPAN_STR(PACKAGE_BAGIT), err));
	TRY(view_load(v, NAME_BAG_INFO, 4096, &v->bag_info, err));
	TRY(view_load(v, NAME_MANIFEST, PACKAGE_TEXT_MAX, &v->manifest, err));
	TRY(view_load(v, NAME_CHECKPOINT, NOTE_BYTES_MAX, &v->checkpoint, err));
	TRY(view_load(v, NAME_WITNESSES, TLOG_POLICY_BYTES_MAX, &v->witnesses, err));
	TRY(walk_proofs(v, err));
	TRY(view_load(v, NAME_RELEASE, ENTRY_BYTES_MAX, &v->release, err));
	v->kase.entry[v->kase.n_entries - 1].leaf = buf_view(&v->release);
	/* Whoever doubts us runs what it says. */
	TRY(view_load_exactly(v, NAME_README, span_str(package_readme), err));
	TRY(view_load(v, NAME_TAGMANIFEST, PACKAGE_TEXT_MAX, &v->tagmanifest, err));
	TRY(view_load(v, NAME_ASIC_MANIFEST, PACKAGE_TEXT_MAX, &v->asic_manifest, err));
	return view_load(v, NAME_SIGNATURE, CADES_BYTES_MAX, &v->signature, err);
}

/* After the signature: archive manifests, each with its time-stamp. */
static enum rc
walk_archives(struct package_view *v, struct err *err)
{
	struct view_archive	*a;
	struct zip_entry	 e;
	package_name		 name;

	while (view_next_under(v, NAME_ARCHIVES, &e)) {
		if (v->n_archives == ARCHIVES_MAX)
			return err_set(err, RC_LIMIT, "package: more than %d archive manifests", ARCHIVES_MAX);
		a = &v->archives[v->n_archives++];
		a->file = v->at;
		name_archive_manifest(v->n_archives, name);
		TRY(view_expect(v, name, &a->manifest, err));
		name_archive_token(v->n_archives, name);
		TRY(view_expect(v, name, &a->token, err));
		if (a->manifest.size > PACKAGE_TEXT_MAX || a->token.size > CADES_TOKEN_MAX)
			return err_set(err, RC_LIMIT, "package: %s or its time-stamp is too long", a->manifest.name);
	}
	return RC_OK;
}

enum rc
view_walk(stream_read_at read, void *user, uint64_t size, struct package_view *v, struct err *err)
{
	struct zip_entry	e;

	*v = (struct package_view){ .kase = CASE_INIT };
	TRY(zip_open(read, user, size, &v->zip, err));
	TRY(view_load_exactly(v, NAME_MIMETYPE, SPAN_STR(PACKAGE_MIMETYPE), err));
	TRY(walk_payload(v, err));
	TRY(walk_tags(v, err));
	TRY(walk_archives(v, err));
	if (view_next_under(v, "", &e))
		return err_set(err, RC_FORMAT, "package: %s is too many", e.name);
	v->kase.charter = buf_view(&v->charter);
	v->kase.scope = buf_view(&v->scope_bytes);
	v->kase.checkpoint = buf_view(&v->checkpoint);
	return RC_OK;
}

/* --- ciphertext --------------------------------------------------------------------- */

const struct part *
view_part(const struct package_view *v, uint32_t part)
{
	return descriptor_part(&v->descriptor[v->scope.part[part].artifact], v->scope.part[part].name);
}

enum rc
view_check_leaves(const struct package_view *v, uint32_t part, struct err *err)
{
	const struct part	*p = view_part(v, part);
	struct tree_range	 range = TREE_RANGE_INIT;
	struct zip_entry	 e;
	uint64_t		 total = part_leaves(p), n;
	uint8_t			 hash[64][TREE_HASH_BYTES], root[TREE_HASH_BYTES];

	zip_at(v->zip, v->leaves[part], &e);
	for (uint64_t at = 0; at < total; at += n) {
		n = total - at < 64 ? total - at : 64;
		TRY(zip_read(v->zip, &e, at * TREE_HASH_BYTES, hash[0], n * TREE_HASH_BYTES, err));
		for (uint64_t i = 0; i < n; i++)
			TRY(tree_range_add(&range, hash[i], NULL, NULL, err));
	}
	tree_range_root(&range, root);
	if (memcmp(root, p->root, TREE_HASH_BYTES) != 0)
		return err_set(err, RC_VERIFY, "package: %s: not the leaf hashes that were sealed", e.name);
	return RC_OK;
}

static enum rc
segment_read(void *user, uint64_t offset, uint8_t *out, size_t n, struct err *err)
{
	const struct view_segment	*s = user;

	return zip_read(s->zip, &s->entry, offset, out, n, err);
}

enum rc
view_segment(const struct package_view *v, uint32_t part, uint32_t segment, struct view_segment *ret,
    struct err *err)
{
	const struct part	*p = view_part(v, part);
	uint64_t		 length = part_segment_length(p, segment), n = segment_chunks(length);
	struct zip_entry	 leaves;

	*ret = (struct view_segment){ .zip = v->zip };
	zip_at(v->zip, v->leaves[part], &leaves);
	zip_at(v->zip, v->segment[part] + segment - v->scope.part[part].first, &ret->entry);
	/* At most SEGMENT_LOG2_MAX bytes of plaintext, so at most 512 KiB of hashes. */
	if ((ret->hash = calloc(n, TREE_HASH_BYTES)) == NULL)
		return err_set(err, RC_NOMEM, "package: no memory for a segment");
	TRY(zip_read(v->zip, &leaves, part_segment_leaf(p, segment) * TREE_HASH_BYTES, ret->hash[0],
	    n * TREE_HASH_BYTES, err));
	ret->source = (struct segment_source){ .length = length,
	    .leaf = (const uint8_t (*)[TREE_HASH_BYTES])ret->hash, .read = segment_read, .user = ret };
	return RC_OK;
}

void
view_segment_done(struct view_segment *s)
{
	free(s->hash);
	s->hash = NULL;
}
