/*
 * policy/apply_request.c - what is asked for (docs/spec/apply-v1.md section 6).
 */
#include <string.h>

#include "policy/apply_impl.h"
#include "policy/cert.h"

struct asking {			/* one request against what is escrowed */
	struct applying			*a;
	const struct policy_rule	*rule;
	struct scope			 scope;
	when				 time_lock;
	uint64_t			 batch;		/* of the artifact before */
	struct rec_batch		 batch_record;
};

static void
asking_done(struct asking *k)
{
	scope_done(&k->scope);
}

static bool
policy_covers(const struct policy_rule *rule, const char *part)
{
	if (rule->n_parts == 0)
		return true;
	for (size_t i = 0; i < rule->n_parts; i++)
		if (strcmp(rule->part[i], part) == 0)
			return true;
	return false;
}

static enum rc
parts_check(struct asking *k, const struct scope_artifact *sa,
    const struct descriptor *d)
{
	for (uint32_t i = 0; i < sa->n_parts; i++) {
		const struct scope_part	*p = &k->scope.part[sa->first_part + i];
		const struct part	*part = descriptor_part(d, p->name);

		if (part == NULL || p->last >= part_segments(part) ||
		    !policy_covers(k->rule, p->name))
			return refuse(k->a, VOID_SCOPE);
	}
	return RC_OK;
}

/* Not before the descriptor's own lock, nor before the policy's after sealing. */
static enum rc
time_lock_add(struct asking *k, const struct descriptor *d, uint64_t batch,
    struct err *err)
{
	when	lock;

	if (batch != k->batch) {
		enum rc	rc = rec_batch_get(k->a->st, batch, &k->batch_record, err);

		if (rc == RC_MISSING)
			return err_set(err, RC_BUG, "state: an escrow of no batch");
		TRY(rc);
		k->batch = batch;
	}
	lock = k->rule->time_lock_seconds == 0 ? 0 :
	    k->batch_record.logged + k->rule->time_lock_seconds;
	if (d->time_lock > lock)
		lock = d->time_lock;
	if (lock > k->time_lock)
		k->time_lock = lock;
	return RC_OK;
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
	if (descriptor_parse_known(buf_view(&b), &d, err) != RC_OK)
		return err_wrap(err, RC_BUG, "state");
	if (memcmp(d.policy, k->rule->digest, sizeof(d.policy)) != 0)
		return refuse(k->a, VOID_POLICY);
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

static enum rc
terms_check(struct applying *a, const struct policy_rule *rule, struct err *err)
{
	uint8_t		bits[SHA256_BYTES];
	enum cert_kind	kind;
	enum rc		rc;

	if (a->s.expires - a->now > rule->request_seconds)
		return refuse(a, VOID_LIFETIME);
	rc = cert_check(buf_view(&a->s.bytes), &kind, bits, err);
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
		.status = STATUS_ALIVE,
		.order_index = NO_INDEX,
		.release_index = NO_INDEX,
	};

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
