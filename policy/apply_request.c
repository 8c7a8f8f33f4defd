/*
 * policy/apply_request.c - what is asked for (docs/spec/apply-v1.md section 6).
 */
#include <string.h>

#include "policy/apply_impl.h"
#include "policy/cert.h"

struct asking {			/* one request against what is escrowed */
	struct applying			*a;
	const struct policy_rule	*rule;
	const struct policy_rule	*floor;		/* that this artifact was sealed under */
	struct scope			 scope;
	when				 time_lock, sealed;
	uint8_t				 n_floors;
	uint8_t				 floors[FLOORS_MAX][SHA256_BYTES];
	uint64_t			 batch;		/* of the artifact before */
	struct rec_batch		 batch_record;
};

static void
asking_done(struct asking *k)
{
	scope_done(&k->scope);
}

static bool	attachments_there(const struct statement *s, const struct policy_rule *rule);

static enum rc
parts_check(struct asking *k, const struct scope_artifact *sa,
    const struct descriptor *d)
{
	for (uint32_t i = 0; i < sa->n_parts; i++) {
		const struct scope_part	*p = &k->scope.part[sa->first_part + i];
		const struct part	*part = descriptor_part(d, p->name);

		if (part == NULL || p->last >= part_segments(part) ||
		    !policy_covers(k->rule, p->name) ||
		    !policy_covers(k->floor, p->name))
			return refuse(k->a, VOID_SCOPE);
	}
	return RC_OK;
}

static when
lock_of(const struct policy_rule *rule, when sealed)
{
	return rule->time_lock_seconds == 0 ? 0 : sealed + rule->time_lock_seconds;
}

static void
later(when *t, when than)
{
	if (than > *t)
		*t = than;
}

/* Not before the descriptor's own lock, nor before the policies' after sealing. */
static enum rc
time_lock_add(struct asking *k, const struct descriptor *d, uint64_t batch,
    struct err *err)
{
	if (batch != k->batch) {
		enum rc	rc = rec_batch_get(k->a->st, batch, &k->batch_record, err);

		if (rc == RC_MISSING)
			return err_set(err, RC_BUG, "state: an escrow of no batch");
		TRY(rc);
		k->batch = batch;
	}
	later(&k->sealed, k->batch_record.logged);
	later(&k->time_lock, d->time_lock);
	later(&k->time_lock, lock_of(k->rule, k->batch_record.logged));
	later(&k->time_lock, lock_of(k->floor, k->batch_record.logged));
	return RC_OK;
}

/* What it was sealed under binds for good: the same policy, of this or an earlier charter. */
static enum rc
floor_of(struct asking *k, const uint8_t policy[SHA256_BYTES], struct err *err)
{
	struct applying	*a = k->a;
	enum rc		 rc;

	k->floor = k->rule;
	if (memcmp(policy, k->rule->digest, SHA256_BYTES) == 0)
		return RC_OK;
	rc = charters_policy(a->r, policy, &k->floor, err);
	if (rc == RC_MISSING)
		return refuse(a, VOID_POLICY);
	TRY(rc);
	if (strcmp(k->floor->id, k->rule->id) != 0 ||
	    k->floor->release_to_recipient != k->rule->release_to_recipient)
		return refuse(a, VOID_POLICY);
	for (size_t i = 0; i < k->n_floors; i++)
		if (memcmp(k->floors[i], policy, SHA256_BYTES) == 0)
			return RC_OK;
	if (k->n_floors == FLOORS_MAX)
		return refuse(a, VOID_POLICY);
	memcpy(k->floors[k->n_floors++], policy, SHA256_BYTES);
	if (a->s.expires - a->dated > k->floor->request_seconds)
		return refuse(a, VOID_LIFETIME);
	return attachments_there(&a->s, k->floor) ? RC_OK :
	    refuse(a, VOID_ATTACHMENT);
}

static enum rc
artifact_check(struct asking *k, const struct scope_artifact *sa,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	const struct state	*st = k->a->st;
	struct escrow_at	 at;
	struct descriptor	 d;
	enum rc			 rc;

	rc = st->escrow_find(st->user, sa->id, &at, &b, err);
	if (rc == RC_MISSING)
		return refuse(k->a, VOID_SCOPE);
	TRY(rc);
	if (descriptor_parse_form(buf_view(&b), &d, err) != RC_OK)
		return err_wrap(err, RC_BUG, "state");
	TRY(floor_of(k, d.policy, err));
	TRY(parts_check(k, sa, &d));
	return time_lock_add(k, &d, at.batch, err);
}

static enum rc
scope_check(struct asking *k, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(SCOPE_BYTES_MAX);
	enum rc	rc;

	rc = fixed_blob(k->a->st, k->a->s.subject, SCOPE_BYTES_MAX, &b, err);
	if (rc == RC_LIMIT)
		return refuse(k->a, VOID_SCOPE);
	TRY(rc);
	rc = scope_parse(buf_view(&b), &k->scope, NULL);
	if (is_refusal(rc))
		return refuse(k->a, VOID_SCOPE);
	if (rc != RC_OK)
		return err_set(err, rc, "scope: no memory");
	for (uint32_t i = 0; i < k->scope.n_artifacts; i++)
		TRY(artifact_check(k, &k->scope.artifact[i], err));
	return RC_OK;
}

static bool
attachments_there(const struct statement *s, const struct policy_rule *rule)
{
	for (size_t i = 0; i < rule->n_attachments; i++) {
		size_t	j;

		for (j = 0; j < s->u.request.n_attachments; j++)
			if (strcmp(rule->attachment[i],
			    s->u.request.attachment[j].kind) == 0)
				break;
		if (j == s->u.request.n_attachments)
			return false;
	}
	return true;
}

/* One that does not parse is not remembered: who sends such pays for it with a signature. */
static enum rc
recipient_kind(struct replica *r, struct span der, enum cert_kind *ret, struct err *err)
{
	uint8_t		digest[SHA256_BYTES], bits[SHA256_BYTES];
	uint64_t	i;

	sha256_one(digest, der);
	for (i = 0; i < r->n_certs && i < CERTS_SEEN; i++)
		if (memcmp(r->cert[i].digest, digest, sizeof(digest)) == 0) {
			*ret = r->cert[i].kind;
			return RC_OK;
		}
	TRY(cert_check(der, ret, bits, err));
	i = r->n_certs++ % CERTS_SEEN;
	memcpy(r->cert[i].digest, digest, sizeof(digest));
	r->cert[i].kind = *ret;
	return RC_OK;
}

static enum rc
terms_check(struct applying *a, const struct policy_rule *rule, struct err *err)
{
	enum cert_kind	kind;
	enum rc		rc;

	if (a->s.expires - a->dated > rule->request_seconds)
		return refuse(a, VOID_LIFETIME);
	rc = recipient_kind(a->r, buf_view(&a->s.bytes), &kind, err);
	if (is_refusal(rc) || (rc == RC_OK && kind == CERT_OTHER))
		return refuse(a, VOID_RECIPIENT);
	TRY(rc);
	if (!attachments_there(&a->s, rule))
		return refuse(a, VOID_ATTACHMENT);
	return RC_OK;
}

static enum rc
request_put(const struct asking *k, struct err *err)
{
	struct applying		*a = k->a;
	struct rec_request	 q = {
		.index = a->index,
		.logged = a->now,
		.expires = a->s.expires,
		.artifacts = k->scope.n_artifacts,
		.segments = k->scope.n_segments,
		.time_lock = k->time_lock,
		.sealed = k->sealed,
		.status = STATUS_ALIVE,
		.order_index = NO_INDEX,
		.release_index = NO_INDEX,
		.n_floors = k->n_floors,
		.n_attachments = a->s.u.request.n_attachments,
	};

	memcpy(q.floor, k->floors, sizeof(q.floor));
	for (size_t i = 0; i < q.n_attachments; i++)
		memcpy(q.attachment[i], a->s.u.request.attachment[i].kind,
		    sizeof(q.attachment[i]));
	memcpy(q.requester, a->person->id, sizeof(q.requester));
	memcpy(q.policy, k->rule->id, sizeof(q.policy));
	memcpy(q.key, a->s.signer, sizeof(q.key));
	memcpy(q.charter, a->s.charter, sizeof(q.charter));
	memcpy(q.policy_digest, k->rule->digest, sizeof(q.policy_digest));
	memcpy(q.scope, a->s.subject, sizeof(q.scope));
	sha256_one(q.recipient, buf_view(&a->s.bytes));
	return rec_request_put(&a->changes, a->s.id, &q, err);
}

enum rc
apply_request(struct applying *a, struct err *err)
{
	AUTO_DONE(asking_done) struct asking k = { .a = a, .batch = NO_INDEX };

	if ((k.rule = charter_policy(a->charter, a->s.u.request.policy)) == NULL)
		return refuse(a, VOID_POLICY);
	TRY(terms_check(a, k.rule, err));
	TRY(scope_check(&k, err));
	return request_put(&k, err);
}
