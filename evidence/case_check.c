#include "evidence/case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/memstate.h"
#include "policy/witness.h"

void
checked_case_free(struct checked_case *c)
{
	if (c == NULL)
		return;
	charter_free(c->charter);
	charter_free(c->first);
	grant_done(&c->grant);
	buf_done(&c->recipient);
	free(c->descriptor);
	free(c->verdict);
	free(c);
}

/* One that follows the charter before it; that it came in force is for the replay to say. */
static enum rc
check_later(struct span document, struct checked_case *k, struct err *err)
{
	AUTO(charter_free) struct charter	*next = NULL;
	enum rc					 rc;

	if ((rc = charter_parse(document, &next, err)) != RC_OK)
		return err_wrap(err, rc, "case: charter %u", k->n_charters + 1);
	if (!next->has_amends || memcmp(next->amends, k->charters[k->n_charters - 1], SHA256_BYTES) != 0)
		return err_set(err, RC_FORMAT, "case: charter %u does not follow the one before it",
		    k->n_charters + 1);
	memcpy(k->charters[k->n_charters++], next->digest, SHA256_BYTES);
	charter_free(k->charter);
	k->charter = TAKE(next);
	return RC_OK;
}

/* Whose cosignatures count: the genesis' custodians, whatever a later charter says. */
struct witnesses { uint8_t n, q; struct note_key key[CUSTODIANS_MAX]; };

static enum rc
witnesses_of(const struct charter *genesis, struct witnesses *ret, struct err *err)
{
	ret->n = genesis->n;
	ret->q = genesis->q;
	for (uint8_t i = 0; i < genesis->n; i++)
		TRY(charter_witness_note_key(genesis, (uint8_t)(i + 1), &ret->key[i], err));
	return RC_OK;
}

/* The one thing that is trusted, and what it vouches for. */
static enum rc
check_charters(const struct evidence_case *c, struct checked_case *k, struct witnesses *ret, struct err *err)
{
	uint8_t	digest[SHA256_BYTES];

	sha256_one(digest, c->charter);
	if (memcmp(digest, k->genesis, SHA256_BYTES) != 0)
		return err_set(err, RC_VERIFY, "case: its charter is not the genesis");
	if (c->n_later > CASE_CHARTERS_MAX)
		return err_set(err, RC_LIMIT, "case: more than %d charters after the first", CASE_CHARTERS_MAX);
	if (c->known != NULL && span_eq(c->charter, buf_view(&c->known->bytes)))
		k->charter = charter_ref(c->known);
	else
		TRY(charter_parse(c->charter, &k->charter, err));
	k->first = charter_ref(k->charter);
	TRY(witnesses_of(k->charter, ret, err));
	memcpy(k->charters[k->n_charters++], digest, SHA256_BYTES);
	for (uint32_t i = 0; i < c->n_later; i++)
		TRY(check_later(c->later[i], k, err));
	return RC_OK;
}

/* Log time never goes back, so the log stood at the latest that is known when it was cosigned. */
static when
newest(const struct evidence_case *c)
{
	struct entry	e;
	when		t = 0;

	for (uint32_t i = 0; i < c->n_entries; i++)
		if (entry_parse(c->entry[i].leaf, &e, NULL) == RC_OK && e.time > t)
			t = e.time;
	return t;
}

/* The log's key is the last charter's. A cosignature from before an entry that it covers is none. */
static enum rc
check_checkpoint(const struct evidence_case *c, struct checked_case *k, const struct witnesses *w, struct err *err)
{
	struct note_key	log;
	when		since = newest(c);
	unsigned	have;

	TRY(charter_log_note_key(k->charter, &log, err));
	TRY(checkpoint_verify(c->checkpoint, &log, w->key, w->n, &k->checkpoint, &k->cosigned, err));
	for (uint8_t i = 0; i < w->n; i++)
		if (k->cosigned.time[i] < since)
			k->cosigned.mask &= ~(UINT32_C(1) << i);
	have = (unsigned)__builtin_popcount(k->cosigned.mask);
	if (have < w->q)
		return err_set(err, RC_QUORUM,
		    "checkpoint %llu has %u cosignatures from after its entries, the charter asks for %u",
		    (unsigned long long)k->checkpoint.size, have, w->q);
	return RC_OK;
}

static enum rc
check_inclusion(const struct evidence_case *c, const struct checked_case *k, struct err *err)
{
	uint8_t	leaf[TREE_HASH_BYTES];
	enum rc	rc;

	if (c->n_entries == 0 || c->entry[0].index != 0)
		return err_set(err, RC_FORMAT, "case: entry 0, the charter statement, is missing");
	for (uint32_t i = 0; i < c->n_entries; i++) {
		const struct case_entry	*e = &c->entry[i];

		if (i > 0 && e->index <= c->entry[i - 1].index)
			return err_set(err, RC_FORMAT, "case: entries out of order");
		tree_leaf(e->leaf, leaf);
		rc = tree_inclusion_verify(leaf, e->index, k->checkpoint.size, &e->path,
		    k->checkpoint.root, err);
		if (rc != RC_OK)
			return err_wrap(err, rc, "case: entry %llu", (unsigned long long)e->index);
	}
	return RC_OK;
}

/* The statement of an entry. The caller: statement_done(ret), always. */
static enum rc
entry_statement(const struct case_entry *e, struct statement *ret, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse	d = { .n_sig = 0 };
	struct entry				entry;

	TRY(entry_parse(e->leaf, &entry, err));
	TRY(dsse_parse(entry.dsse, &d, err));
	return statement_parse(&d, ret, err);
}

/*
 * The state learns of an artifact. Its path is proven here and again when the
 * batch is applied: here for the words, there because apply trusts nobody.
 */
static enum rc
put_descriptor(const struct evidence_case *c, const struct case_artifact *a, struct memstate *m,
    struct err *err)
{
	AUTO_DONE(statement_done) struct statement	s = { .type = STATEMENT_UNKNOWN };
	const struct case_entry				*batch = case_entry_at(c, a->batch);
	uint8_t						 leaf[TREE_HASH_BYTES];

	if (batch == NULL)
		return err_set(err, RC_MISSING, "case: batch entry %llu is missing",
		    (unsigned long long)a->batch);
	TRY(entry_statement(batch, &s, err));
	if (s.type != STATEMENT_BATCH)
		return err_set(err, RC_FORMAT, "case: entry %llu is no batch", (unsigned long long)a->batch);
	tree_leaf(a->descriptor, leaf);
	TRY(tree_inclusion_verify(leaf, a->leaf, s.u.batch.count, &a->path, s.subject, err));
	return memstate_descriptor(m, s.subject, a->leaf, &a->path, a->descriptor, err);
}

static enum rc
fill_state(const struct evidence_case *c, struct memstate *m, struct err *err)
{
	TRY(memstate_blob(m, c->charter, err));
	for (uint32_t i = 0; i < c->n_later; i++)
		TRY(memstate_blob(m, c->later[i], err));
	if (c->scope.n > 0)
		TRY(memstate_blob(m, c->scope, err));
	if (c->n_archives > CASE_ARCHIVES_MAX)
		return err_set(err, RC_LIMIT, "case: more than %d archives of anchors", CASE_ARCHIVES_MAX);
	for (uint32_t i = 0; i < c->n_archives; i++)
		TRY(memstate_blob(m, c->archive[i], err));
	for (uint32_t i = 0; i < c->n_artifacts; i++) {
		enum rc	rc = put_descriptor(c, &c->artifact[i], m, err);

		if (rc != RC_OK)
			return err_wrap(err, rc, "case: artifact %u", i + 1);
	}
	return RC_OK;
}

/* Invariant 1, as the replay shows it at `now`. */
static enum rc
ask(struct replica *r, const uint8_t order[SHA256_BYTES], when now, struct checked_case *k, struct err *err)
{
	const struct policy_rule	*policy;

	TRY(replica_may_contribute(r, order, now, k->checkpoint.size, &k->grant, err));
	TRY(replica_request(r, k->grant.request, now, &k->request, err));
	/* As it is in force here: a later charter may not have it. */
	if ((policy = charter_policy(replica_charter(r), k->request.policy)) == NULL)
		return err_set(err, RC_BUG, "case: an order that is allowed, without a policy");
	k->to_recipient = policy->release_to_recipient;
	return RC_OK;
}

struct question {
	const uint8_t	*order;		/* NULL: none is asked about */
	bool		 past;		/* ask where the order stands, not at the end */
	when		 now;		/* unless past */
	bool		 asked;
	enum case_stage	 reached;
};

/* Has a charter of the case come in force with this entry? They do in their order. */
static enum rc
follow(const struct replica *r, const struct verdict *v, uint64_t index, uint32_t *at, struct checked_case *k,
    struct err *err)
{
	const uint8_t	*now = replica_charter(r)->digest;

	if (memcmp(now, k->charters[*at], SHA256_BYTES) != 0) {
		(*at)++;
		if (*at == k->n_charters || memcmp(now, k->charters[*at], SHA256_BYTES) != 0)
			return err_set(err, RC_FORMAT, "case: entry %llu puts another charter in force than the case says",
			    (unsigned long long)index);
	} else if (index > 0)
		return RC_OK;
	k->since[*at] = index;
	k->since_time[*at] = v->time;
	return RC_OK;
}

static enum rc
replay(const struct evidence_case *c, struct replica *r, struct question *q, struct checked_case *k,
    struct err *err)
{
	uint32_t	at = 0;		/* of the charter in force */
	enum rc		rc;

	k->verdict = calloc(c->n_entries, sizeof(*k->verdict));
	if (k->verdict == NULL)
		return err_set(err, RC_NOMEM, "case: no memory for %u verdicts", c->n_entries);
	k->n_verdicts = c->n_entries;
	for (uint32_t i = 0; i < c->n_entries; i++) {
		struct verdict	*v = &k->verdict[i];

		rc = replica_apply(r, c->entry[i].index, c->entry[i].leaf, v, err);
		if (rc != RC_OK)
			return err_wrap(err, rc, "case: entry %llu", (unsigned long long)c->entry[i].index);
		TRY(follow(r, v, c->entry[i].index, &at, k, err));
		if (q->order == NULL || !q->past || q->asked || v->type != STATEMENT_ORDER ||
		    memcmp(v->id, q->order, SHA256_BYTES) != 0)
			continue;
		if (!v->effective)
			return err_set(err, RC_DENIED, "order was void: %s",
			    void_reason_text((enum void_reason)v->why));
		TRY(ask(r, q->order, v->time, k, err));
		q->asked = true;
	}
	if (at + 1 != k->n_charters)
		return err_set(err, RC_FORMAT, "case: its entries do not put its last charter in force");
	if (q->order == NULL || q->asked)
		return RC_OK;
	if (q->past)
		return err_set(err, RC_MISSING, "case: the order is not in it");
	return ask(r, q->order, q->now, k, err);
}

/* The descriptors in scope are the ones that were applied, each from where the case says. */
static enum rc
take_descriptors(const struct evidence_case *c, const struct state *st, struct checked_case *k,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf	bytes = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	const struct scope		*scope = &k->grant.scope;
	struct escrow_at		at;

	if (scope->n_artifacts != c->n_artifacts)
		return err_set(err, RC_FORMAT, "case: %u artifacts, the scope has %u", c->n_artifacts,
		    scope->n_artifacts);
	k->descriptor = calloc(c->n_artifacts, sizeof(*k->descriptor));
	if (k->descriptor == NULL)
		return err_set(err, RC_NOMEM, "case: no memory for %u descriptors", c->n_artifacts);
	for (uint32_t i = 0; i < c->n_artifacts; i++) {
		const struct case_artifact	*a = &c->artifact[i];

		buf_reset(&bytes);
		if (memcmp(a->id, scope->artifact[i].id, ARTIFACT_ID_BYTES) != 0)
			return err_set(err, RC_FORMAT, "case: artifact %u is not the scope's", i + 1);
		TRY(st->escrow_find(st->user, a->id, &at, &bytes, err));
		if (at.batch != a->batch || at.leaf != a->leaf || !span_eq(buf_view(&bytes), a->descriptor))
			return err_set(err, RC_FORMAT, "case: artifact %u was sealed elsewhere", i + 1);
		TRY(descriptor_parse(a->descriptor, &k->descriptor[i], err));
	}
	return RC_OK;
}

/* What the request and the receipts say, from the bytes that were applied. */
static enum rc
take_statements(const struct evidence_case *c, struct checked_case *k, struct err *err)
{
	for (uint32_t i = 0; i < c->n_entries; i++) {
		AUTO_DONE(statement_done) struct statement	s = { .type = STATEMENT_UNKNOWN };
		const struct verdict				*v = &k->verdict[i];

		if (!v->effective || (v->type != STATEMENT_REQUEST && v->type != STATEMENT_RECEIPT))
			continue;
		TRY(entry_statement(&c->entry[i], &s, err));
		if (v->type == STATEMENT_REQUEST && memcmp(v->id, k->grant.request, SHA256_BYTES) == 0) {
			k->recipient = s.bytes;
			s.bytes = BUF_INIT(0);
		}
		/* Who signed for less than the scope did not carry the order out. */
		if (v->type == STATEMENT_RECEIPT && memcmp(s.subject, k->grant.order, SHA256_BYTES) == 0 &&
		    s.u.receipt.count == k->grant.scope.n_segments)
			k->receipts |= UINT32_C(1) << (s.u.receipt.custodian - 1);
	}
	if (k->recipient.n == 0)
		return err_set(err, RC_MISSING, "case: the request is not in it");
	return RC_OK;
}

/* What says that these are entries of this log. */
static enum rc
check_log(const struct evidence_case *c, struct question *q, struct checked_case *k, struct err *err)
{
	struct witnesses	w;

	TRY(check_charters(c, k, &w, err));
	q->reached = CASE_CHARTER;
	TRY(check_checkpoint(c, k, &w, err));
	q->reached = CASE_CHECKPOINT;
	TRY(check_inclusion(c, k, err));
	q->reached = CASE_ENTRIES;
	return RC_OK;
}

static enum rc
check(const struct evidence_case *c, const uint8_t genesis[SHA256_BYTES], struct question *q,
    struct checked_case **ret, struct err *err)
{
	AUTO(checked_case_free) struct checked_case	*k = calloc(1, sizeof(*k));
	AUTO(memstate_free) struct memstate		*m = NULL;
	AUTO(replica_free) struct replica		*r = NULL;

	if (k == NULL)
		return err_set(err, RC_NOMEM, "case: no memory to check it");
	memcpy(k->genesis, genesis, SHA256_BYTES);
	TRY(check_log(c, q, k, err));
	TRY(memstate_new(&m, err));
	TRY(fill_state(c, m, err));
	q->reached = CASE_DESCRIPTORS;
	TRY(replica_new(memstate_state(m), genesis, &r, err));
	TRY(replica_know(r, k->first, err));
	TRY(replay(c, r, q, k, err));
	if (q->order != NULL) {
		TRY(take_descriptors(c, memstate_state(m), k, err));
		TRY(take_statements(c, k, err));
	}
	q->reached = CASE_REPLAYED;
	*ret = TAKE(k);
	return RC_OK;
}

enum rc
case_check(const struct evidence_case *c, const uint8_t genesis[SHA256_BYTES],
    const uint8_t order[SHA256_BYTES], when now, struct checked_case **ret, struct err *err)
{
	struct question	q = { .order = order, .now = now };

	return check(c, genesis, &q, ret, err);
}

enum rc
case_check_past(const struct evidence_case *c, const uint8_t genesis[SHA256_BYTES],
    const uint8_t order[SHA256_BYTES], enum case_stage *ret_reached, struct checked_case **ret,
    struct err *err)
{
	struct question	q = { .order = order, .past = true };
	enum rc		rc = check(c, genesis, &q, ret, err);

	if (ret_reached != NULL)
		*ret_reached = q.reached;
	return rc;
}

enum rc
case_lineage(const struct evidence_case *c, const uint8_t genesis[SHA256_BYTES], struct checked_case **ret,
    struct err *err)
{
	struct question	q = { .order = NULL };

	if (c->scope.n > 0 || c->n_artifacts > 0)
		return err_set(err, RC_FORMAT, "case: this is a case of an order, not a lineage");
	return check(c, genesis, &q, ret, err);
}

enum rc
case_charter(const struct evidence_case *c, const uint8_t genesis[SHA256_BYTES], struct charter **ret,
    struct checkpoint *ret_checkpoint, struct err *err)
{
	AUTO(checked_case_free) struct checked_case	*k = NULL;

	TRY(case_lineage(c, genesis, &k, err));
	*ret = TAKE(k->charter);
	*ret_checkpoint = k->checkpoint;
	return RC_OK;
}
