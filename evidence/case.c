#include "evidence/case.h"

#include <stdlib.h>
#include <string.h>

#include "base/wire.h"

#define CASE_MAGIC	"quorate/case/v1\n"

/* Room for one more of `size` bytes each; doubles, never past `max`. */
static enum rc
grow(void **array, uint32_t n, uint32_t *cap, uint32_t max, size_t size, struct err *err)
{
	uint32_t	 want = *cap == 0 ? 16 : *cap * 2;
	void		*p;

	if (n < *cap)
		return RC_OK;
	if (n >= max)
		return err_set(err, RC_LIMIT, "case: more than %u of a kind", max);
	if (want > max)
		want = max;
	if ((p = realloc(*array, (size_t)want * size)) == NULL)
		return err_set(err, RC_NOMEM, "case: no memory for %u entries", want);
	*array = p;
	*cap = want;
	return RC_OK;
}

enum rc
case_add_entry(struct evidence_case *c, uint64_t index, struct span leaf, const struct tree_path *path,
    struct err *err)
{
	void	*array = c->entry;

	if (c->n_entries > 0 && c->entry[c->n_entries - 1].index >= index)
		return err_set(err, RC_USAGE, "case: entry %llu is out of order", (unsigned long long)index);
	TRY(grow(&array, c->n_entries, &c->cap_entries, CASE_ENTRIES_MAX, sizeof(*c->entry), err));
	c->entry = array;
	c->entry[c->n_entries++] = (struct case_entry){ index, leaf, *path };
	return RC_OK;
}

enum rc
case_add_artifact(struct evidence_case *c, const uint8_t id[ARTIFACT_ID_BYTES], uint64_t batch,
    uint32_t leaf, const struct tree_path *path, struct span descriptor, struct err *err)
{
	struct case_artifact	*a;
	void			*array = c->artifact;

	if (c->n_artifacts > 0 && memcmp(c->artifact[c->n_artifacts - 1].id, id, ARTIFACT_ID_BYTES) >= 0)
		return err_set(err, RC_USAGE, "case: artifact %u is out of order", c->n_artifacts + 1);
	TRY(grow(&array, c->n_artifacts, &c->cap_artifacts, SCOPE_ARTIFACTS_MAX, sizeof(*c->artifact), err));
	c->artifact = array;
	a = &c->artifact[c->n_artifacts++];
	memcpy(a->id, id, ARTIFACT_ID_BYTES);
	a->batch = batch;
	a->leaf = leaf;
	a->path = *path;
	a->descriptor = descriptor;
	return RC_OK;
}

const struct case_entry *
case_entry_at(const struct evidence_case *c, uint64_t index)
{
	uint32_t	low = 0, high = c->n_entries;

	while (low < high) {
		uint32_t	mid = low + (high - low) / 2;

		if (c->entry[mid].index == index)
			return &c->entry[mid];
		if (c->entry[mid].index < index)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

void
case_done(struct evidence_case *c)
{
	free(c->entry);
	free(c->artifact);
	*c = CASE_INIT;
}

static void
path_write(const struct tree_path *p, struct buf *out)
{
	buf_u8(out, p->n);
	buf_add(out, p->hash, (size_t)p->n * TREE_HASH_BYTES);
}

enum rc
case_write(const struct evidence_case *c, struct buf *out, struct err *err)
{
	size_t	from = out->n;

	if (c->n_archives > 0)
		return err_set(err, RC_USAGE, "case: one with anchors is not written");
	if (c->n_later > CASE_CHARTERS_MAX)
		return err_set(err, RC_LIMIT, "case: more than %d charters after the first", CASE_CHARTERS_MAX);
	buf_span(out, SPAN_STR(CASE_MAGIC));
	buf_vec32(out, c->charter);
	buf_u8(out, (uint8_t)c->n_later);
	for (uint32_t i = 0; i < c->n_later; i++)
		buf_vec32(out, c->later[i]);
	buf_vec32(out, c->scope);
	buf_vec32(out, c->checkpoint);
	buf_u32(out, c->n_entries);
	for (uint32_t i = 0; i < c->n_entries; i++) {
		buf_u64(out, c->entry[i].index);
		buf_vec16(out, c->entry[i].leaf);
		path_write(&c->entry[i].path, out);
	}
	buf_u32(out, c->n_artifacts);
	for (uint32_t i = 0; i < c->n_artifacts; i++) {
		buf_add(out, c->artifact[i].id, ARTIFACT_ID_BYTES);
		buf_u64(out, c->artifact[i].batch);
		buf_u32(out, c->artifact[i].leaf);
		path_write(&c->artifact[i].path, out);
		buf_vec16(out, c->artifact[i].descriptor);
	}
	TRY(buf_check(out, "case", err));
	if (out->n - from > CASE_BYTES_MAX)
		return err_set(err, RC_LIMIT, "case: %zu bytes, at most %d can be", out->n - from,
		    CASE_BYTES_MAX);
	return RC_OK;
}

static bool
rd_path(struct rd *r, struct tree_path *ret)
{
	*ret = (struct tree_path){ .n = 0 };
	return rd_u8(r, &ret->n) && ret->n <= TREE_PATH_MAX &&
	    rd_bytes(r, &ret->hash[0][0], (size_t)ret->n * TREE_HASH_BYTES);
}

static enum rc
malformed(const struct rd *r, struct err *err)
{
	return err_set(err, RC_FORMAT, "case: malformed at byte %zu of %zu", r->at, r->in.n);
}

static enum rc
parse_charters(struct rd *r, struct evidence_case *c, struct err *err)
{
	uint8_t	n;

	if (!rd_vec32(r, 1, CHARTER_BYTES_MAX, &c->charter) || !rd_u8(r, &n) || n > CASE_CHARTERS_MAX)
		return malformed(r, err);
	for (c->n_later = 0; c->n_later < n; c->n_later++)
		if (!rd_vec32(r, 1, CHARTER_BYTES_MAX, &c->later[c->n_later]))
			return malformed(r, err);
	return RC_OK;
}

static enum rc
parse_entries(struct rd *r, struct evidence_case *c, struct err *err)
{
	struct tree_path	path;
	struct span		leaf;
	uint64_t		index;
	uint32_t		n;

	if (!rd_u32(r, &n) || n == 0 || n > CASE_ENTRIES_MAX)
		return malformed(r, err);
	while (n-- > 0) {
		if (!rd_u64(r, &index) || !rd_vec16(r, 1, ENTRY_BYTES_MAX, &leaf) || !rd_path(r, &path) ||
		    (c->n_entries > 0 && c->entry[c->n_entries - 1].index >= index))
			return malformed(r, err);
		TRY(case_add_entry(c, index, leaf, &path, err));
	}
	return RC_OK;
}

static enum rc
parse_artifacts(struct rd *r, struct evidence_case *c, struct err *err)
{
	struct tree_path	path;
	struct span		descriptor;
	uint8_t			id[ARTIFACT_ID_BYTES];
	uint64_t		batch;
	uint32_t		n, leaf;

	/* A lineage has neither scope nor artifacts, a case of an order both. */
	if (!rd_u32(r, &n) || (n == 0) != (c->scope.n == 0) || n > SCOPE_ARTIFACTS_MAX)
		return malformed(r, err);
	while (n-- > 0) {
		if (!rd_bytes(r, id, sizeof(id)) || !rd_u64(r, &batch) || !rd_u32(r, &leaf) ||
		    !rd_path(r, &path) || !rd_vec16(r, 1, DESCRIPTOR_BYTES_MAX, &descriptor) ||
		    (c->n_artifacts > 0 &&
		    memcmp(c->artifact[c->n_artifacts - 1].id, id, sizeof(id)) >= 0))
			return malformed(r, err);
		TRY(case_add_artifact(c, id, batch, leaf, &path, descriptor, err));
	}
	return RC_OK;
}

/* case-v1 section 2, field for field. */
static enum rc
parse(struct span in, struct evidence_case *c, struct err *err)
{
	struct rd	r = rd_init(in);

	if (in.n > CASE_BYTES_MAX)
		return err_set(err, RC_LIMIT, "case: %zu bytes, at most %d can be", in.n, CASE_BYTES_MAX);
	if (!rd_expect(&r, CASE_MAGIC, sizeof(CASE_MAGIC) - 1))
		return malformed(&r, err);
	TRY(parse_charters(&r, c, err));
	if (!rd_vec32(&r, 0, SCOPE_BYTES_MAX, &c->scope) ||
	    !rd_vec32(&r, 1, NOTE_BYTES_MAX, &c->checkpoint))
		return malformed(&r, err);
	TRY(parse_entries(&r, c, err));
	TRY(parse_artifacts(&r, c, err));
	return rd_done(&r) ? RC_OK : malformed(&r, err);
}

enum rc
case_parse(struct span in, struct evidence_case *ret, struct err *err)
{
	AUTO_DONE(case_done) struct evidence_case	c = CASE_INIT;

	TRY(parse(in, &c, err));
	*ret = c;
	c = CASE_INIT;			/* the arrays are the caller's now */
	return RC_OK;
}
