/*
 * policy/descriptor.c - see policy/descriptor.h and docs/spec/descriptor-v1.md.
 */
#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "audit/tree.h"
#include "base/wire.h"
#include "policy/descriptor.h"

#define DESCRIPTOR_VERSION	1
#define ID_TIME_BYTES		5	/* 34,000 years */

void
artifact_id_make(when now, uint8_t ret[ARTIFACT_ID_BYTES])
{
	for (size_t i = 0; i < ID_TIME_BYTES; i++)
		ret[i] = (uint8_t)(now >> (8 * (ID_TIME_BYTES - 1 - i)));
	randombytes_buf(ret + ID_TIME_BYTES, ARTIFACT_ID_BYTES - ID_TIME_BYTES);
}

/* An ident of 1..max bytes into a NUL-terminated array of max + 1. */
static bool
rd_ident(struct rd *r, char *out, size_t max)
{
	struct span	s;
	size_t		at = r->at;

	if (!rd_vec8(r, 1, max, &s))
		return false;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	if (strlen(out) == s.n && is_ident(out, max))
		return true;
	r->at = at;
	return false;
}

static bool
part_read(struct rd *r, struct part *p)
{
	return rd_ident(r, p->name, PART_NAME_MAX) &&
	    rd_u64(r, &p->length) &&
	    rd_u8(r, &p->segment_log2) &&
	    rd_bytes(r, p->root, sizeof(p->root));
}

static enum rc
parts_check(const struct descriptor *d, struct err *err)
{
	for (size_t i = 0; i < d->n_parts; i++) {
		const struct part	*p = &d->part[i];

		if (i > 0 && strcmp(d->part[i - 1].name, p->name) >= 0)
			return err_set(err, RC_FORMAT, "descriptor: part \"%s\" "
			    "is not after \"%s\"", p->name, d->part[i - 1].name);
		if (p->length < 1 || p->length > PART_LENGTH_MAX)
			return err_set(err, RC_FORMAT,
			    "descriptor: part \"%s\" has %llu bytes", p->name,
			    (unsigned long long)p->length);
		if (p->segment_log2 < SEGMENT_LOG2_MIN ||
		    p->segment_log2 > SEGMENT_LOG2_MAX)
			return err_set(err, RC_FORMAT,
			    "descriptor: part \"%s\" has segments of 2^%u bytes",
			    p->name, p->segment_log2);
	}
	return RC_OK;
}

static bool
commits_read(struct rd *r, struct shamir_commits *c)
{
	if (c->threshold > SHAMIR_SHARES_MAX)
		return false;
	for (size_t i = 0; i < c->threshold; i++)
		if (!rd_bytes(r, c->point[i], SHAMIR_POINT_BYTES))
			return false;
	return true;
}

static bool
parts_read(struct rd *r, struct descriptor *d)
{
	if (!rd_u8(r, &d->n_parts) || d->n_parts < 1 || d->n_parts > PARTS_MAX)
		return false;
	for (size_t i = 0; i < d->n_parts; i++)
		if (!part_read(r, &d->part[i]))
			return false;
	return true;
}

enum rc
descriptor_parse_form(struct span in, struct descriptor *ret, struct err *err)
{
	struct rd		r = rd_init(in);
	struct descriptor	d = { 0 };
	static const uint8_t	version = DESCRIPTOR_VERSION;

	/* descriptor-v1 section 2, field for field. */
	if (!rd_expect(&r, &version, 1) ||
	    !rd_bytes(&r, d.id, sizeof(d.id)) ||
	    !rd_bytes(&r, d.policy, sizeof(d.policy)) ||
	    !rd_ident(&r, d.class_id, CLASS_NAME_MAX) ||
	    !rd_u64(&r, &d.sealed_at) ||
	    !rd_u64(&r, &d.time_lock) ||
	    !rd_u8(&r, &d.shares) ||
	    !rd_u8(&r, &d.commits.threshold) ||
	    !commits_read(&r, &d.commits) ||
	    !rd_bytes(&r, d.record, sizeof(d.record)) ||
	    !parts_read(&r, &d) ||
	    !rd_done(&r))
		return err_set(err, RC_FORMAT,
		    "descriptor: malformed at byte %zu of %zu", r.at, in.n);
	if (d.shares > SHAMIR_SHARES_MAX || d.commits.threshold > d.shares ||
	    d.commits.threshold < SHAMIR_THRESHOLD_MIN)
		return err_set(err, RC_FORMAT, "descriptor: %u-of-%u",
		    d.commits.threshold, d.shares);
	if (d.sealed_at > WHEN_MAX || d.time_lock > WHEN_MAX)
		return err_set(err, RC_FORMAT, "descriptor: time after year 9999");
	TRY(parts_check(&d, err));
	*ret = d;
	return RC_OK;
}

enum rc
descriptor_parse(struct span in, struct descriptor *ret, struct err *err)
{
	struct descriptor	d;
	enum rc			rc;

	TRY(descriptor_parse_form(in, &d, err));
	if ((rc = shamir_commits_check(&d.commits, err)) != RC_OK)
		return err_wrap(err, rc, "descriptor");
	*ret = d;
	return RC_OK;
}

const uint8_t *
descriptor_id(struct span checked)
{
	assert(checked.n > 1 + ARTIFACT_ID_BYTES);
	return checked.p + 1;		/* after the version */
}

void
descriptor_write(const struct descriptor *d, struct buf *out)
{
	buf_u8(out, DESCRIPTOR_VERSION);
	buf_add(out, d->id, sizeof(d->id));
	buf_add(out, d->policy, sizeof(d->policy));
	buf_vec8(out, span_str(d->class_id));
	buf_u64(out, d->sealed_at);
	buf_u64(out, d->time_lock);
	buf_u8(out, d->shares);
	buf_u8(out, d->commits.threshold);
	for (size_t i = 0; i < d->commits.threshold; i++)
		buf_add(out, d->commits.point[i], SHAMIR_POINT_BYTES);
	buf_add(out, d->record, sizeof(d->record));
	buf_u8(out, d->n_parts);
	for (size_t i = 0; i < d->n_parts; i++) {
		buf_vec8(out, span_str(d->part[i].name));
		buf_u64(out, d->part[i].length);
		buf_u8(out, d->part[i].segment_log2);
		buf_add(out, d->part[i].root, sizeof(d->part[i].root));
	}
}

const struct part *
descriptor_part(const struct descriptor *d, const char *name)
{
	for (size_t i = 0; i < d->n_parts; i++)
		if (strcmp(d->part[i].name, name) == 0)
			return &d->part[i];
	return NULL;
}

uint32_t
part_segments(const struct part *p)
{
	/* At most 2^44 / 2^16. */
	return (uint32_t)(((p->length - 1) >> p->segment_log2) + 1);
}

enum rc
descriptor_vector_each(struct span vector, uint32_t count, descriptor_fn fn,
    void *user, struct err *err)
{
	struct rd	r = rd_init(vector);

	for (uint32_t i = 0; i < count; i++) {
		struct span	d;

		if (!rd_vec16(&r, 1, DESCRIPTOR_BYTES_MAX, &d))
			return err_set(err, RC_FORMAT,
			    "descriptor vector: malformed at byte %zu of %zu",
			    r.at, vector.n);
		TRY(fn(user, i, d, err));
	}
	if (!rd_done(&r))
		return err_set(err, RC_FORMAT,
		    "descriptor vector: more than %u descriptors", count);
	return RC_OK;
}

static enum rc
leaf_add(void *user, uint32_t leaf, struct span descriptor, struct err *err)
{
	uint8_t	hash[TREE_HASH_BYTES];

	(void)leaf;	/* the range counts for itself */
	tree_leaf(descriptor, hash);
	return tree_range_add(user, hash, NULL, NULL, err);
}

enum rc
descriptor_vector_root(struct span vector, uint32_t count,
    uint8_t ret[SHA256_BYTES], struct err *err)
{
	struct tree_range	r = TREE_RANGE_INIT;

	TRY(descriptor_vector_each(vector, count, leaf_add, &r, err));
	tree_range_root(&r, ret);
	return RC_OK;
}

void
label_msg(const uint8_t genesis[SHA256_BYTES],
    const uint8_t id[ARTIFACT_ID_BYTES], const char *part, uint32_t segment,
    struct buf *out)
{
	buf_add(out, genesis, SHA256_BYTES);
	buf_add(out, id, ARTIFACT_ID_BYTES);
	buf_vec8(out, span_str(part));
	buf_u32(out, segment);
}
