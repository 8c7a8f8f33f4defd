/*
 * policy/apply.c - what every entry passes before its type matters, and the
 * genesis (docs/spec/apply-v1.md sections 2 to 4). The first check that fails
 * is the reason.
 */
#include <string.h>

#include "policy/apply_impl.h"

enum authority { BY_NOBODY = 0, BY_PERSON, BY_SEALER, BY_LOG, BY_CUSTODIAN, BY_MANY };

/*
 * Who may sign a type, what it does, and whether it may name a charter that is no
 * longer in force: a "no" or a receipt that is under way must not become void.
 */
static const struct {
	enum authority	 by;
	enum rc		(*apply)(struct applying *a, struct err *err);
	bool		 earlier;
} types[STATEMENT_TYPES] = {
	[STATEMENT_BATCH]	= { BY_SEALER,		apply_batch, false },
	[STATEMENT_REQUEST]	= { BY_PERSON,		apply_request, false },
	[STATEMENT_DECISION]	= { BY_PERSON,		apply_decision, true },
	[STATEMENT_WITHDRAWAL]	= { BY_PERSON,		apply_withdrawal, true },
	[STATEMENT_REVOCATION]	= { BY_PERSON,		apply_revocation, true },
	[STATEMENT_ORDER]	= { BY_LOG,		apply_order, false },
	[STATEMENT_RECEIPT]	= { BY_CUSTODIAN,	apply_receipt, true },
	[STATEMENT_RELEASE]	= { BY_LOG,		apply_release, true },
	[STATEMENT_CHECKED]	= { BY_CUSTODIAN,	apply_checked, true },
	[STATEMENT_GARBAGE]	= { BY_CUSTODIAN,	apply_garbage, true },
	[STATEMENT_AMENDMENT]	= { BY_PERSON,		apply_amendment, false },
	[STATEMENT_CONSENT]	= { BY_CUSTODIAN,	apply_consent, false },
	[STATEMENT_SUCCESSION]	= { BY_MANY,		apply_succession, false },
	[STATEMENT_ANCHOR]	= { BY_LOG,		apply_anchor, false },
	[STATEMENT_ACKNOWLEDGEMENT] = { BY_PERSON,	apply_acknowledgement, true },
	/* A charter only as entry 0; a held statement stands beside the log. */
};

enum rc
refuse(struct applying *a, enum void_reason why)
{
	a->why = why;
	return RC_DENIED;
}

bool
is_refusal(enum rc rc)
{
	return rc == RC_FORMAT || rc == RC_LIMIT || rc == RC_VERIFY;
}

enum rc
fixed_blob(const struct state *st, const uint8_t digest[SHA256_BYTES],
    size_t max, struct buf *ret, struct err *err)
{
	uint8_t	have[SHA256_BYTES];

	/* A blob over the limit cannot be read into ret: not here, for us. */
	TRY(st->blob(st->user, digest, ret, err));
	if (ret->n > max)
		return err_set(err, RC_LIMIT, "blob: %zu bytes", ret->n);
	sha256_one(have, buf_view(ret));
	if (memcmp(have, digest, sizeof(have)) != 0)
		return err_set(err, RC_IO, "blob: not what its digest says");
	return RC_OK;
}

/* --- who signed ------------------------------------------------------------------ */

static bool
is_signer(const struct applying *a, const struct key *k)
{
	uint8_t	id[KEY_ID_BYTES];

	key_id(k, id);
	return memcmp(id, a->s.signer, sizeof(id)) == 0;
}

static void
find_person_key(struct applying *a)
{
	a->person = charter_person_by_key(a->charter, a->s.signer);
	for (size_t i = 0; a->person != NULL && i < a->person->n_keys; i++)
		if (is_signer(a, &a->person->key[i]))
			a->key = &a->person->key[i];
}

static void
find_sealer_key(struct applying *a)
{
	for (size_t i = 0; i < a->charter->n_sealers; i++)
		if (is_signer(a, &a->charter->sealer[i].key)) {
			a->sealer = &a->charter->sealer[i];
			a->key = &a->sealer->key;
		}
}

/* The custodian that the statement names, and no other. */
static void
find_custodian_key(struct applying *a)
{
	uint8_t			 i;
	const struct key	*k;

	if (a->s.type == STATEMENT_RECEIPT)
		i = a->s.u.receipt.custodian;
	else if (a->s.type == STATEMENT_CHECKED)
		i = a->s.u.checked.custodian;
	else if (a->s.type == STATEMENT_CONSENT)
		i = a->s.u.consent.custodian;
	else
		i = a->s.u.garbage.custodian;
	if (i < 1 || i > a->charter->n)
		return;
	k = &a->charter->custodian[i - 1].signing_key;
	if (is_signer(a, k))
		a->key = k;
}

static enum rc
signature_check(struct applying *a, struct err *err)
{
	enum authority	by = types[a->s.type].by;
	enum rc		rc;

	if (by == BY_MANY)
		return succession_signed(a, err);
	if (by == BY_PERSON)
		find_person_key(a);
	else if (by == BY_SEALER)
		find_sealer_key(a);
	else if (by == BY_CUSTODIAN)
		find_custodian_key(a);
	else if (by == BY_LOG && is_signer(a, &a->charter->coordinator.log_key))
		a->key = &a->charter->coordinator.log_key;
	if (a->key == NULL || a->dsse.n_sig != 1)
		return refuse(a, VOID_SIGNATURE);
	rc = key_verify(a->key, buf_view(&a->dsse.pae), a->dsse.sig[0].sig, err);
	return is_refusal(rc) ? refuse(a, VOID_SIGNATURE) : rc;
}

/* --- the common checks ------------------------------------------------------------- */

/* RC_DENIED: void, and a->why says so. */
static enum rc
parse(struct applying *a, struct span dsse, struct err *err)
{
	enum rc	rc = dsse_parse(dsse, &a->dsse, err);

	if (rc == RC_OK)
		rc = statement_parse(&a->dsse, &a->s, err);
	return is_refusal(rc) ? refuse(a, VOID_MALFORMED) : rc;
}

static enum rc
type_check(struct applying *a)
{
	if (a->s.type == STATEMENT_CHARTER)
		return refuse(a, VOID_DUPLICATE);
	if (types[a->s.type].apply == NULL)
		return refuse(a, VOID_TYPE);
	return RC_OK;
}

static enum rc
charter_check(struct applying *a, struct err *err)
{
	bool	known;

	if (memcmp(a->s.charter, a->charter->digest, SHA256_BYTES) == 0)
		return RC_OK;
	if (!types[a->s.type].earlier)
		return refuse(a, VOID_CHARTER);
	TRY(charters_known(a->r, a->s.charter, &known, err));
	return known ? RC_OK : refuse(a, VOID_CHARTER);
}

static enum rc
replay_check(struct applying *a, struct err *err)
{
	struct rec_statement	s;
	enum rc			rc = rec_statement_get(a->st, a->s.id, &s, err);

	if (rc == RC_MISSING)
		return RC_OK;
	return rc == RC_OK ? refuse(a, VOID_REPLAY) : rc;
}

static enum rc
time_check(struct applying *a)
{
	if (!statement_has_signer(a->s.type))
		return RC_OK;
	if (a->s.expires < a->now || a->s.expires < a->s.issued ||
	    a->s.issued > a->dated + CLOCK_SKEW_SECONDS)
		return refuse(a, VOID_EXPIRED);
	return RC_OK;
}

static enum rc
seen_check(struct applying *a, struct err *err)
{
	uint8_t	root[SHA256_BYTES];
	enum rc	rc;

	if (a->s.seen_size > a->index)
		return refuse(a, VOID_SEEN);
	rc = a->st->root_at(a->st->user, a->s.seen_size, root, err);
	/* A sparse replay cannot know; who cosigned the log has checked it. */
	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	if (memcmp(root, a->s.seen_root, sizeof(root)) != 0)
		return refuse(a, VOID_SEEN);
	return RC_OK;
}

static enum rc
revoked_check(struct applying *a, struct err *err)
{
	bool	revoked;

	if (a->person == NULL)
		return RC_OK;
	TRY(rec_revoked_get(a->st, a->s.signer, &revoked, err));
	return revoked ? refuse(a, VOID_REVOKED_KEY) : RC_OK;
}

/* apply-v1 section 3, in its order. */
static enum rc
common_checks(struct applying *a, struct span dsse, struct err *err)
{
	TRY(parse(a, dsse, err));
	TRY(type_check(a));
	if (memcmp(a->s.genesis, a->genesis, SHA256_BYTES) != 0)
		return refuse(a, VOID_GENESIS);
	TRY(charter_check(a, err));
	TRY(replay_check(a, err));
	TRY(time_check(a));
	TRY(seen_check(a, err));
	TRY(signature_check(a, err));
	return revoked_check(a, err);
}

/*
 * An id is taken by what its signer signed, effective or void. A copy with a
 * broken signature takes nothing: else anybody could spoil a statement by
 * logging it broken first.
 */
static enum rc
statement_record(struct applying *a, struct err *err)
{
	struct rec_statement	r = { a->index, (uint8_t)a->s.type,
				    (uint8_t)a->why };

	return rec_statement_put(&a->changes, a->s.id, &r, err);
}

enum rc
apply_entry(struct applying *a, struct span dsse, struct err *err)
{
	enum rc	rc = common_checks(a, dsse, err);
	bool	authentic = rc == RC_OK;

	if (authentic)
		rc = types[a->s.type].apply(a, err);
	if (rc == RC_DENIED) {
		if (a->why == VOID_NONE || a->changes.log.n != 0)
			return err_set(err, RC_BUG, "apply: a void entry has "
			    "changed the state");
	} else
		TRY(rc);
	return authentic ? statement_record(a, err) : RC_OK;
}

/* --- entry 0 --------------------------------------------------------------------------- */

static bool
signed_by_person(const struct dsse *d, const struct person *p)
{
	for (size_t i = 0; i < p->n_keys; i++)
		if (dsse_signed_by(d, &p->key[i]))
			return true;
	return false;
}

static enum rc
signed_by_all(const struct dsse *d, const struct charter *c, struct err *err)
{
	for (size_t i = 0; i < c->n; i++)
		if (!dsse_signed_by(d, &c->custodian[i].signing_key))
			return err_set(err, RC_VERIFY, "charter: custodian %u (%s) "
			    "has not signed it", c->custodian[i].index,
			    c->custodian[i].name);
	for (size_t i = 0; i < c->n_amenders; i++)
		/* charter_parse() saw to it that they are people. */
		if (!signed_by_person(d, charter_person(c, c->amender[i])))
			return err_set(err, RC_VERIFY, "charter: amender %s has "
			    "not signed it", c->amender[i]);
	return RC_OK;
}

static enum rc
genesis_statement(struct applying *a, struct span dsse, struct err *err)
{
	enum rc	rc = parse(a, dsse, err);

	if (rc == RC_DENIED)
		return err_wrap(err, RC_VERIFY, "entry 0");
	TRY(rc);
	if (a->s.type != STATEMENT_CHARTER)
		return err_set(err, RC_VERIFY, "entry 0 is a %s, not the charter",
		    statement_type_name(a->s.type));
	if (memcmp(a->s.genesis, a->genesis, SHA256_BYTES) != 0 ||
	    memcmp(a->s.charter, a->genesis, SHA256_BYTES) != 0 ||
	    memcmp(a->s.subject, a->genesis, SHA256_BYTES) != 0)
		return err_set(err, RC_VERIFY,
		    "entry 0 is the charter of another network");
	return RC_OK;
}

static enum rc
genesis_read(const struct applying *a, struct charter **ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(CHARTER_BYTES_MAX);
	enum rc	rc;

	TRY(fixed_blob(a->st, a->genesis, CHARTER_BYTES_MAX, &b, err));
	rc = charter_parse(buf_view(&b), ret, err);
	return is_refusal(rc) ? err_wrap(err, RC_VERIFY, "entry 0") : rc;
}

enum rc
apply_genesis(struct applying *a, struct span dsse, struct err *err)
{
	AUTO(charter_free) struct charter *own = NULL;
	const struct charter	*c;

	TRY(genesis_statement(a, dsse, err));
	if ((c = charter_cache_find(a->r->cache, a->genesis)) == NULL) {
		TRY(genesis_read(a, &own, err));
		c = own;
	}
	if (c->has_amends)
		return err_set(err, RC_VERIFY, "entry 0: a charter that amends "
		    "another is no first one");
	TRY(signed_by_all(&a->dsse, c, err));
	a->next = c;
	if (own != NULL)
		TRY(charter_cache_add(a->r->cache, TAKE(own), &a->next, err));
	return statement_record(a, err);
}
