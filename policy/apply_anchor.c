/*
 * policy/apply_anchor.c - time-stamps in the log (docs/spec/apply-v1.md section 10).
 *
 * What is looked at is the same for ever and everywhere: the charter, the bytes, the
 * log. Whether the token itself is any good depends on an X.509 library and its version, and
 * replicas must not part over that: auditors judge it (docs/spec/anchor-v1.md).
 */
#include <string.h>

#include "audit/anchor.h"
#include "base/wire.h"
#include "policy/apply_impl.h"
#include "policy/witness.h"

/* --- 't' TSA id: its last anchor ---------------------------------------------------- */

struct anchor_key {
	size_t	n;
	uint8_t	p[1 + ID_MAX];
};

static struct anchor_key
anchor_key(const char *tsa)
{
	struct anchor_key	k = { .n = strnlen(tsa, ID_MAX) };

	k.p[0] = 't';
	memcpy(k.p + 1, tsa, k.n++);
	return k;
}

static enum rc
anchor_get(const struct state *st, const char *tsa, struct anchor_at *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(STATE_VALUE_MAX);
	struct anchor_key	k = anchor_key(tsa);
	struct rd		r;

	TRY(st->get(st->user, SPAN(k.p, k.n), &v, err));
	r = rd_init(buf_view(&v));
	if (!rd_u64(&r, &ret->index) || !rd_u64(&r, &ret->size) || !rd_u64(&r, &ret->logged) ||
	    !rd_done(&r))
		return err_set(err, RC_BUG, "state: malformed record of kind 't'");
	return RC_OK;
}

static enum rc
anchor_put(struct changes *c, const char *tsa, const struct anchor_at *at, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(STATE_VALUE_MAX);
	struct anchor_key	k = anchor_key(tsa);

	buf_u64(&v, at->index);
	buf_u64(&v, at->size);
	buf_u64(&v, at->logged);
	TRY(buf_check(&v, "record", err));
	return changes_put(c, SPAN(k.p, k.n), buf_view(&v), err);
}

enum rc
replica_anchor(struct replica *r, const char *tsa, struct anchor_at *ret, struct err *err)
{
	return anchor_get(r->st, tsa, ret, err);
}

/* --- one entry -------------------------------------------------------------------------- */

/* The log's root then; a sparse replay cannot know, and who cosigned the log has checked it. */
static enum rc
root_check(struct applying *a, const struct checkpoint *cp, struct err *err)
{
	uint8_t	root[SHA256_BYTES];
	enum rc	rc = a->st->root_at(a->st->user, cp->size, root, err);

	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	return memcmp(root, cp->root, sizeof(root)) == 0 ? RC_OK : refuse(a, VOID_ANCHOR);
}

/* The checkpoint that was stamped: of this log, cosigned by q, and what the statement says. */
static enum rc
note_check(struct applying *a, struct span note, struct err *err)
{
	struct checkpoint	cp;
	uint8_t			digest[SHA256_BYTES];
	enum rc			rc;

	sha256_one(digest, note);
	if (memcmp(digest, a->s.subject, sizeof(digest)) != 0)
		return refuse(a, VOID_ANCHOR);
	rc = charter_checkpoint_verify(a->charter, note, true, &cp, NULL, err);
	if (is_refusal(rc) || rc == RC_QUORUM)
		return refuse(a, VOID_ANCHOR);
	TRY(rc);
	if (cp.size != a->s.u.anchor.size)
		return refuse(a, VOID_ANCHOR);
	return root_check(a, &cp, err);
}

static enum rc
archive_check(struct applying *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(ANCHOR_BYTES_MAX);
	struct anchor	archive;
	enum rc		rc = fixed_blob(a->st, a->s.u.anchor.archive, ANCHOR_BYTES_MAX, &b, err);

	if (rc == RC_OK)
		rc = anchor_parse(buf_view(&b), &archive, err);
	if (is_refusal(rc))
		return refuse(a, VOID_ANCHOR);
	TRY(rc);
	return note_check(a, archive.note, err);
}

enum rc
apply_anchor(struct applying *a, struct err *err)
{
	struct anchor_at	last, at = { a->index, a->s.u.anchor.size, a->now };
	enum rc			rc;

	if (charter_tsa(a->charter, a->s.u.anchor.tsa) == NULL ||
	    at.size == 0 || at.size > a->index)
		return refuse(a, VOID_ANCHOR);
	rc = anchor_get(a->st, a->s.u.anchor.tsa, &last, err);
	if (rc != RC_OK && rc != RC_MISSING)
		return rc;
	if (rc == RC_OK && at.size <= last.size)
		return refuse(a, VOID_DUPLICATE);
	TRY(archive_check(a, err));
	return anchor_put(&a->changes, a->s.u.anchor.tsa, &at, err);
}
