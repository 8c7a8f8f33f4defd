/* What stands under data/: package-v1 section 3. */
#include <stdlib.h>
#include <string.h>

#include "evidence/custody.h"
#include "evidence/package_parts.h"
#include "evidence/segment.h"
#include "evidence/summary.h"

static enum rc
add_later(struct package *p, const struct evidence_case *c, struct err *err)
{
	package_name	name;

	for (uint32_t i = 0; i < c->n_later; i++) {
		name_later(i, name);
		TRY(package_add(p, name, c->later[i], err));
	}
	return RC_OK;
}

static enum rc
add_keys(struct package *p, const struct package_input *in, struct err *err)
{
	package_name	name;

	if (in->checked->to_recipient ? in->keys.n != 0 || in->n_messages == 0 :
	    in->keys.n == 0 || in->n_messages != 0)
		return err_set(err, RC_USAGE, "package: the policy releases to the %s",
		    in->checked->to_recipient ? "recipient: messages, no keys" : "coordinator: keys, no messages");
	if (!in->checked->to_recipient)
		return package_add(p, NAME_KEYS, in->keys, err);
	for (size_t i = 0; i < in->n_messages; i++) {
		if (i > 0 && in->message[i].custodian <= in->message[i - 1].custodian)
			return err_set(err, RC_USAGE, "package: messages out of order");
		name_message(in->message[i].custodian, name);
		TRY(package_add(p, name, in->message[i].cms, err));
	}
	return RC_OK;
}

static enum rc
add_entries(struct package *p, const struct evidence_case *c, struct err *err)
{
	package_name	name;

	if ((p->logged = calloc(c->n_entries, sizeof(*p->logged))) == NULL)
		return err_set(err, RC_NOMEM, "package: no memory for %u entries", c->n_entries);
	p->n_logged = c->n_entries;
	for (uint32_t i = 0; i < c->n_entries; i++) {
		p->logged[i].index = c->entry[i].index;
		tree_leaf(c->entry[i].leaf, p->logged[i].leaf);
		name_entry(c->entry[i].index, name);
		TRY(package_add(p, name, c->entry[i].leaf, err));
	}
	return RC_OK;
}

struct erasable { uint8_t digest[SHA256_BYTES]; struct span bytes; };

static int
by_digest(const void *a, const void *b)
{
	return memcmp(((const struct erasable *)a)->digest, ((const struct erasable *)b)->digest,
	    SHA256_BYTES);
}

/* Ascending by digest; the same text named twice is there once. */
static enum rc
add_erasables(struct package *p, const struct package_input *in, struct err *err)
{
	struct erasable	e[PACKAGE_ERASABLES_MAX];
	package_name	name;

	if (in->n_erasables > PACKAGE_ERASABLES_MAX)
		return err_set(err, RC_LIMIT, "package: more than %d reasons and attachments",
		    PACKAGE_ERASABLES_MAX);
	for (size_t i = 0; i < in->n_erasables; i++) {
		e[i].bytes = in->erasable[i];
		sha256_one(e[i].digest, e[i].bytes);
		if (e[i].bytes.n < ERASABLE_SALT_BYTES || e[i].bytes.n > PACKAGE_ERASABLE_BYTES)
			return err_set(err, RC_LIMIT, "package: a reason or attachment of %zu bytes",
			    e[i].bytes.n);
	}
	qsort(e, in->n_erasables, sizeof(e[0]), by_digest);
	for (size_t i = 0; i < in->n_erasables; i++) {
		if (i > 0 && by_digest(&e[i - 1], &e[i]) == 0)
			continue;
		name_erasable(e[i].digest, name);
		TRY(package_add(p, name, e[i].bytes, err));
	}
	return RC_OK;
}

/* All leaf hashes of a part, which must give its root. */
static enum rc
add_leaves(struct package *p, const struct package_source *from, const struct descriptor *d,
    const struct part *part, struct err *err)
{
	uint8_t			(*hash)[TREE_HASH_BYTES] = (uint8_t (*)[TREE_HASH_BYTES])p->scratch;
	struct tree_range	 range = TREE_RANGE_INIT;
	uint64_t		 total = part_leaves(part), n;
	uint8_t			 root[TREE_HASH_BYTES];
	package_name		 name;

	name_leaves(d->id, part->name, name);
	TRY(zip_begin(p->w, name, total * TREE_HASH_BYTES, err));
	for (uint64_t at = 0; at < total; at += n) {
		n = total - at < PACKAGE_HASHES ? total - at : PACKAGE_HASHES;
		TRY(from->hashes(from->user, d->id, part->name, at, n, hash, err));
		for (uint64_t i = 0; i < n; i++)
			TRY(tree_range_add(&range, hash[i], NULL, NULL, err));
		TRY(zip_write(p->w, SPAN(hash, n * TREE_HASH_BYTES), err));
	}
	tree_range_root(&range, root);
	if (memcmp(root, part->root, TREE_HASH_BYTES) != 0)
		return err_set(err, RC_VERIFY, "package: the leaf hashes of part %s are not as sealed",
		    part->name);
	return package_end(p, name, total * TREE_HASH_BYTES, err);
}

/* One leaf of the ciphertext, if it is the one whose hash is under the root. */
static enum rc
add_leaf(struct package *p, const struct package_source *from, const struct descriptor *d,
    const struct part *part, uint64_t leaf, struct err *err)
{
	uint8_t	want[1][TREE_HASH_BYTES], have[TREE_HASH_BYTES];
	size_t	n = 0;

	TRY(from->hashes(from->user, d->id, part->name, leaf, 1, want, err));
	TRY(from->leaf(from->user, d->id, part->name, leaf, p->scratch, &n, err));
	if (n > SEGMENT_LEAF_MAX)
		return err_set(err, RC_BUG, "package: a leaf of %zu bytes", n);
	tree_leaf(SPAN(p->scratch, n), have);
	if (memcmp(have, want[0], TREE_HASH_BYTES) != 0)
		return err_set(err, RC_VERIFY, "package: leaf %llu of part %s is not as sealed",
		    (unsigned long long)leaf, part->name);
	return zip_write(p->w, SPAN(p->scratch, n), err);
}

static enum rc
add_segment(struct package *p, const struct package_source *from, const struct descriptor *d,
    const struct part *part, uint32_t segment, struct err *err)
{
	uint64_t	length = part_segment_length(part, segment), first = part_segment_leaf(part, segment);
	uint64_t	size = segment_ciphertext_bytes(length), n = segment_chunks(length);
	package_name	name;

	name_segment(d->id, part->name, segment, name);
	TRY(zip_begin(p->w, name, size, err));
	for (uint64_t i = 0; i < n; i++)
		TRY(add_leaf(p, from, d, part, first + i, err));
	return package_end(p, name, size, err);
}

static enum rc
add_part(struct package *p, const struct package_source *from, const struct descriptor *d,
    const struct scope_part *s, struct err *err)
{
	const struct part	*part = descriptor_part(d, s->name);

	if (part == NULL || s->last >= part_segments(part))
		return err_set(err, RC_USAGE, "package: the scope reaches beyond a descriptor");
	TRY(add_leaves(p, from, d, part, err));
	for (uint32_t segment = s->first; segment <= s->last; segment++)
		TRY(add_segment(p, from, d, part, segment, err));
	return RC_OK;
}

static enum rc
add_artifact(struct package *p, const struct package_input *in, uint32_t i, struct err *err)
{
	const struct scope		*scope = &in->checked->grant.scope;
	const struct scope_artifact	*s = &scope->artifact[i];
	const struct case_artifact	*a = &in->evidence->artifact[i];
	AUTO_DONE(buf_done) struct buf	 path = BUF_INIT(PATH_BYTES_MAX);
	package_name			 name;

	name_artifact(a->id, "descriptor", name);
	TRY(package_add(p, name, a->descriptor, err));
	name_artifact(a->id, "descriptor.path", name);
	descriptor_path_write(a, &path);
	TRY(package_add_buf(p, name, &path, err));
	for (uint32_t k = 0; k < s->n_parts; k++)
		TRY(add_part(p, &in->source, &in->checked->descriptor[i], &scope->part[s->first_part + k],
		    err));
	return RC_OK;
}

/* What follows from the case: in other people's words, and in those of the policy of witnesses. */
static enum rc
add_custody(struct package *p, const struct package_input *in, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	uco = BUF_INIT(CUSTODY_BYTES_MAX), prov = BUF_INIT(CUSTODY_BYTES_MAX);

	TRY(custody_case(in->evidence, in->checked, &uco, err));
	TRY(package_add_buf(p, NAME_CUSTODY, &uco, err));
	TRY(custody_prov(in->evidence, in->checked, &prov, err));
	return package_add_buf(p, NAME_CUSTODY_PROV, &prov, err);
}

static enum rc
add_summary(struct package *p, const struct package_input *in, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	html = BUF_INIT(SUMMARY_BYTES_MAX);
	struct summary_text		text[PACKAGE_ERASABLES_MAX];

	for (size_t i = 0; i < in->n_erasables; i++) {
		sha256_one(text[i].digest, in->erasable[i]);
		text[i].size = in->erasable[i].n;
		text[i].blob = in->erasable[i];
	}
	TRY(package_summary(in->evidence, in->checked, text, in->n_erasables, &html, err));
	return package_add_buf(p, NAME_SUMMARY, &html, err);
}

enum rc
package_add_payload(struct package *p, const struct package_input *in, struct err *err)
{
	const struct evidence_case	*c = in->evidence;

	if (c->n_artifacts != in->checked->grant.scope.n_artifacts)
		return err_set(err, RC_USAGE, "package: not the case that was checked");
	TRY(package_add(p, NAME_CHARTER, c->charter, err));
	TRY(add_later(p, c, err));
	TRY(package_add(p, NAME_SCOPE, c->scope, err));
	TRY(package_add_buf(p, NAME_RECIPIENT, &in->checked->recipient, err));
	TRY(add_keys(p, in, err));
	TRY(add_entries(p, c, err));
	TRY(add_erasables(p, in, err));
	for (uint32_t i = 0; i < c->n_artifacts; i++)
		TRY(add_artifact(p, in, i, err));
	TRY(package_add_anchors(p, in, err));
	TRY(add_custody(p, in, err));
	return add_summary(p, in, err);
}
