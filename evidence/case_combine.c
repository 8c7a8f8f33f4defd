#include "evidence/case.h"

#include <string.h>

#include "evidence/keys.h"

struct combining {
	const struct checked_case	*c;
	const struct case_answer	*answer;
	size_t				 n;
	uint32_t			 good;		/* custodians that may still contribute */
	struct secret			*keys;
};

static uint32_t
bit(uint8_t custodian)
{
	return UINT32_C(1) << (custodian - 1);
}

static bool
knows_charter(const struct checked_case *c, const uint8_t digest[SHA256_BYTES])
{
	for (uint32_t i = 0; i < c->n_charters; i++)
		if (memcmp(c->charters[i], digest, SHA256_BYTES) == 0)
			return true;
	return false;
}

/* What a custodian signed, against what it sent. */
static enum rc
check_receipt(const struct checked_case *c, const struct case_answer *a, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse		d = { .n_sig = 0 };
	AUTO_DONE(statement_done) struct statement	s = { .type = STATEMENT_UNKNOWN };
	uint8_t						message[SHA256_BYTES], root[SHA256_BYTES];

	TRY(dsse_parse(a->receipt, &d, err));
	TRY(statement_parse(&d, &s, err));
	if (d.n_sig != 1 || !dsse_signed_by(&d, &c->charter->custodian[a->custodian - 1].signing_key))
		return err_set(err, RC_VERIFY, "receipt: not signed by custodian %u", a->custodian);
	if (s.type != STATEMENT_RECEIPT || s.u.receipt.custodian != a->custodian ||
	    memcmp(s.genesis, c->genesis, SHA256_BYTES) != 0 ||
	    memcmp(s.subject, c->grant.order, SHA256_BYTES) != 0)
		return err_set(err, RC_VERIFY, "receipt: of something else");
	if (!knows_charter(c, s.charter))
		return err_set(err, RC_VERIFY, "receipt: under a charter that was never in force");
	sha256_one(message, a->message);
	TRY(contributions_root(a->contributions, root, err));
	if (s.u.receipt.count != c->grant.scope.n_segments ||
	    memcmp(s.u.receipt.message, message, SHA256_BYTES) != 0 ||
	    memcmp(s.u.receipt.contributions, root, SHA256_BYTES) != 0)
		return err_set(err, RC_VERIFY, "receipt: not of what custodian %u sent", a->custodian);
	return RC_OK;
}

/* Everything of an answer but the proofs of its contributions. */
static enum rc
check_answer(const struct checked_case *c, const struct case_answer *a, struct err *err)
{
	if (a->contributions == NULL)
		return err_set(err, RC_VERIFY, "custodian %u: its message did not open", a->custodian);
	TRY(contributions_check(a->contributions, a->custodian, c->grant.order, c->grant.scope.n_segments,
	    err));
	return check_receipt(c, a, err);
}

static enum rc
check_answers(struct combining *m, uint32_t *ret_bad, struct err *err)
{
	uint32_t	seen = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct case_answer	*a = &m->answer[i];
		enum rc				 rc;

		if (a->custodian < 1 || a->custodian > m->c->charter->n || (seen & bit(a->custodian)) != 0)
			return err_set(err, RC_USAGE, "custodian %u: unknown, or twice", a->custodian);
		seen |= bit(a->custodian);
		rc = check_answer(m->c, a, err);
		if (rc == RC_NOMEM || rc == RC_BUG)
			return rc;
		*(rc == RC_OK ? &m->good : ret_bad) |= bit(a->custodian);
	}
	return RC_OK;
}

static enum rc
segment_label(const struct combining *m, const struct scope_artifact *a, const struct scope_part *p,
    uint32_t segment, uint8_t ret[SHAMIR_POINT_BYTES], struct err *err)
{
	uint8_t		room[LABEL_MSG_MAX];
	struct buf	b = { room, 0, sizeof(room), sizeof(room), RC_OK };	/* never grows */

	label_msg(m->c->genesis, a->id, p->name, segment, &b);
	TRY(buf_check(&b, "label", err));
	return shamir_label(buf_view(&b), ret, err);
}

/*
 * One segment. Whoever proves false here is left out of the segments to come;
 * what was combined before stands, for it was proven.
 */
static enum rc
combine_segment(void *user, uint32_t number, const struct scope_artifact *a, const struct scope_part *p,
    uint32_t segment, struct err *err)
{
	struct combining		*m = user;
	struct shamir_contribution	 in[CUSTODIANS_MAX];
	AUTO(secret_free) struct secret	*point = NULL;
	uint8_t				 label[SHAMIR_POINT_BYTES];
	uint32_t			 bad = 0;
	size_t				 n = 0;
	enum rc				 rc;

	TRY(segment_label(m, a, p, segment, label, err));
	for (size_t i = 0; i < m->n; i++)
		if ((m->good & bit(m->answer[i].custodian)) != 0)
			contributions_get(m->answer[i].contributions, number, &in[n++]);
	rc = shamir_combine(in, n, &m->c->descriptor[p->artifact].commits, label, &bad, &point, err);
	wipe(in, sizeof(in));
	m->good &= ~bad;
	if (rc == RC_OK)
		keys_put(m->keys, number, point);
	return rc;
}

static enum rc
combine(struct combining *m, struct err *err)
{
	const struct scope	*scope = &m->c->grant.scope;
	unsigned		 k = m->c->charter->k, n = (unsigned)__builtin_popcount(m->good);

	if (n >= k) {
		TRY(keys_new(m->c->grant.order, scope->n_segments, &m->keys, err));
		TRY(scope_each(scope, combine_segment, m, err));
		n = (unsigned)__builtin_popcount(m->good);
	}
	/* Fewer than k in the end means that the release could not name k good ones. */
	if (n < k)
		return err_set(err, RC_QUORUM, "have %u good contributions, need %u", n, k);
	return RC_OK;
}

enum rc
case_combine(const struct checked_case *c, const struct case_answer *answer, size_t n,
    uint32_t *ret_good, uint32_t *ret_bad, struct secret **ret_keys, struct err *err)
{
	struct combining	m = { .c = c, .answer = answer, .n = n };
	uint32_t		before;
	enum rc			rc;

	*ret_good = *ret_bad = 0;
	TRY(check_answers(&m, ret_bad, err));
	before = m.good;
	rc = combine(&m, err);
	*ret_good = m.good;
	*ret_bad |= before & ~m.good;
	if (rc == RC_OK)
		*ret_keys = TAKE(m.keys);
	secret_free(m.keys);
	return rc;
}
