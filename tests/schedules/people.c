/* tests/schedules/people.c - what people, sealer and coordinator say, signed, and what it means. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/dsse.h"
#include "tests/schedules/world.h"

static struct said *
begin(unsigned branch, enum statement_type type, uint64_t life, struct statement *s)
{
	struct said	*x = &world->said[world->n_said];
	when		 now = world->ms / 1000;
	uint64_t	 n = world->branch[branch].n;

	MUST(world->n_said < SAID_MAX);
	*x = (struct said){ .type = type, .by = -1, .subject = -1, .dsse = BUF_INIT(BIG), .blob = BUF_INIT(BIG) };
	/* People see what somebody showed them, now and then not the newest. */
	x->seen = one_in(3) ? 1 + pick((uint32_t)n) : n;
	root_of(branch, x->seen, x->seen_root);
	x->issued = now;
	x->expires = now + life;
	statement_init(s, type, world->genesis, world->genesis, x->seen, x->seen_root, now, life);
	return x;
}

static int
sign(struct said *x, struct statement *s, const struct test_key *by)
{
	struct err	err;

	must(statement_sign(s, &by->signer, &x->dsse, &err), &err);
	memcpy(x->id, s->id, sizeof(x->id));
	statement_done(s);
	return world->n_said++;
}

int
said_by_id(const uint8_t id[SHA256_BYTES])
{
	for (int i = 0; i < world->n_said; i++)
		if (memcmp(world->said[i].id, id, SHA256_BYTES) == 0)
			return i;
	return -1;
}

/* --- sealing ----------------------------------------------------------------------------- */

static void
describe(struct batch_made *b, struct descriptor *d)
{
	const struct policy_rule	*p = charter_policy(world->charter, rules[b->policy].id);

	memset(d, 0, sizeof(*d));
	randombytes_buf(b->id, sizeof(b->id));
	memcpy(d->id, b->id, sizeof(d->id));
	memcpy(d->policy, p->digest, sizeof(d->policy));
	strcpy(d->class_id, "default");
	d->sealed_at = b->sealed_at;
	d->shares = world->n;
	d->commits = b->commits;
	randombytes_buf(d->record, sizeof(d->record));
	d->n_parts = 2;
	for (unsigned i = 0; i < 2; i++) {
		strcpy(d->part[i].name, i == 0 ? "image" : "prompt");
		d->part[i].length = i == 0 ? UINT64_C(2) << SEGMENT_LOG2_MIN : 200;
		d->part[i].segment_log2 = SEGMENT_LOG2_MIN;
		randombytes_buf(d->part[i].root, sizeof(d->part[i].root));
	}
}

static void
split(struct batch_made *b, uint8_t *share[SHAMIR_SHARES_MAX])
{
	struct err	err;

	secret_arena_reset(world->arena);
	must(shamir_split(world->k, world->n, world->arena, &b->secret, share, &b->commits, &err), &err);
	for (unsigned i = 0; i < world->n; i++)
		memcpy(b->share[i], share[i], 32);
}

int
say_batch(unsigned branch, enum policy_name policy)
{
	AUTO_DONE(buf_done) struct buf		bytes = BUF_INIT(BIG);
	AUTO(batch_free) struct batch		*batch = NULL;
	struct batch_made			*b = &world->batch[world->n_batches];
	uint8_t					*share[SHAMIR_SHARES_MAX];
	struct statement			 s;
	struct descriptor			 d;
	struct said				*x;
	struct err				 err;
	uint32_t				 leaf;

	MUST(world->n_batches < BATCHES_MAX);
	b->policy = policy;
	b->sealed_at = world->ms / 1000;
	split(b, share);
	describe(b, &d);
	descriptor_write(&d, &bytes);
	must(batch_new(world->genesis, world->charter, &batch, &err), &err);
	must(batch_add(batch, buf_view(&bytes), share, &leaf, &err), &err);
	x = begin(branch, STATEMENT_BATCH, 3600, &s);
	b->sealed = BATCH_SEALED_INIT;
	must(batch_seal(batch, &s, &b->sealed, &err), &err);
	buf_span(&x->blob, buf_view(&b->sealed.descriptors));
	x->subject = world->n_batches++;
	b->said = sign(x, &s, &pool.sealer);
	return b->said;
}

/* --- people --------------------------------------------------------------------------------- */

static void
put_scope(const struct batch_made *b, bool prompt, struct buf *out)
{
	buf_u8(out, 1);
	buf_u16(out, 1);
	buf_add(out, b->id, ARTIFACT_ID_BYTES);
	buf_u8(out, prompt ? 2 : 1);
	buf_vec8(out, SPAN_STR("image"));
	buf_u32(out, 0);
	buf_u32(out, 1);
	if (prompt) {
		buf_vec8(out, SPAN_STR("prompt"));
		buf_u32(out, 0);
		buf_u32(out, 0);
	}
}

int
say_request(unsigned branch, int batch, enum who by, bool misfit)
{
	const struct batch_made	*b = &world->batch[batch];
	struct statement	 s;
	struct said		*x = begin(branch, STATEMENT_REQUEST, 1800, &s);
	bool			 prompt = one_in(2);

	x->by = (int)by;
	x->policy = misfit ? (b->policy + 1) % POLICIES : b->policy;
	x->misfit = misfit;
	x->artifacts = 1U << batch;
	x->segments = prompt ? 3 : 2;
	put_scope(b, prompt, &x->blob);
	sha256_one(s.subject, buf_view(&x->blob));
	strcpy(s.u.request.policy, rules[x->policy].id);
	randombytes_buf(s.u.request.reason, SHA256_BYTES);
	buf_span(&s.bytes, buf_view(&pool.recipient));
	return sign(x, &s, &pool.person[by]);
}

static struct said *
to(unsigned branch, enum statement_type type, int request, enum who by, struct statement *s)
{
	/* A "no" needs half a minute of life when it is handed in; a short one runs out unlogged. */
	struct said	*x = begin(branch, type, one_in(4) ? 60 : 900, s);

	x->by = (int)by;
	x->subject = request;
	memcpy(s->subject, world->said[request].id, SHA256_BYTES);
	return x;
}

int
say_decision(unsigned branch, int request, enum who by, bool approve)
{
	struct statement	 s;
	struct said		*x = to(branch, STATEMENT_DECISION, request, by, &s);

	x->approve = s.u.decision.approve = approve;
	return sign(x, &s, &pool.person[by]);
}

int
say_withdrawal(unsigned branch, int request, enum who by)
{
	struct statement	 s;
	struct said		*x = to(branch, STATEMENT_WITHDRAWAL, request, by, &s);

	return sign(x, &s, &pool.person[by]);
}

int
say_revocation(unsigned branch, enum who key, enum who by)
{
	struct statement	 s;
	struct said		*x = begin(branch, STATEMENT_REVOCATION, 900, &s);

	x->by = (int)by;
	x->subject = (int)key;
	key_id(&pool.person[key].signer.key, s.subject);
	return sign(x, &s, &pool.person[by]);
}

/* --- the coordinator --------------------------------------------------------------------------- */

/* misfit: with another scope than the request's: the prompt too, or of another artifact. */
int
say_order(unsigned branch, int request, bool misfit, uint64_t life)
{
	const struct said	*q = &world->said[request];
	AUTO_DONE(buf_done) struct buf	other = BUF_INIT(BIG);
	struct statement	 s;
	struct said		*x = begin(branch, STATEMENT_ORDER, life, &s);
	int			 batch = 0;

	while ((q->artifacts >> batch & 1) == 0)
		batch++;
	x->subject = request;
	x->misfit = misfit;
	x->segments = q->segments;
	memcpy(s.subject, q->id, SHA256_BYTES);
	put_scope(&world->batch[misfit ? (int)pick((uint32_t)world->n_batches) : batch], q->segments == 2, &other);
	sha256_one(s.u.order.scope, misfit ? buf_view(&other) : buf_view(&q->blob));
	if (misfit && span_eq(buf_view(&other), buf_view(&q->blob)))
		x->misfit = false;
	if (misfit)
		buf_span(&x->blob, buf_view(&other));
	buf_span(&s.bytes, buf_view(&pool.worker));
	return sign(x, &s, &pool.log);
}

/* What a custodian signed: its order, if it is one that we know. */
int
say_receipt(struct span bytes)
{
	AUTO_DONE(dsse_done) struct dsse d;
	AUTO_DONE(statement_done) struct statement s;
	struct said	*x = &world->said[world->n_said];
	struct err	 err;
	int		 known;

	memset(&s, 0, sizeof(s));
	must(dsse_parse(bytes, &d, &err), &err);
	if ((known = said_by_id(d.id)) >= 0)
		return known;
	must(statement_parse(&d, &s, &err), &err);
	MUST(world->n_said < SAID_MAX);
	*x = (struct said){ .type = s.type, .by = s.u.receipt.custodian, .subject = said_by_id(s.subject),
	    .issued = s.issued, .expires = s.expires, .seen = s.seen_size, .dsse = BUF_INIT(BIG), .blob = BUF_INIT(BIG) };
	memcpy(x->id, d.id, sizeof(x->id));
	memcpy(x->seen_root, s.seen_root, sizeof(x->seen_root));
	x->segments = s.type == STATEMENT_RECEIPT ? s.u.receipt.count : 0;
	buf_span(&x->dsse, bytes);
	return world->n_said++;
}

int
say_release(unsigned branch, int order, const int *receipts, unsigned n)
{
	struct statement	 s;
	struct said		*x = begin(branch, STATEMENT_RELEASE, 900, &s);

	x->subject = order;
	memcpy(s.subject, world->said[order].id, SHA256_BYTES);
	randombytes_buf(s.u.release.contents, SHA256_BYTES);
	s.u.release.n = (uint8_t)n;
	for (unsigned i = 0; i < n; i++) {
		s.u.release.custodian[i].index = (uint8_t)world->said[receipts[i]].by;
		memcpy(s.u.release.custodian[i].receipt, world->said[receipts[i]].id, SHA256_BYTES);
		s.u.release.custodian[i].good = true;
		x->artifacts |= 1U << world->said[receipts[i]].by;
	}
	return sign(x, &s, &pool.log);
}

/* Signed by all custodians and amenders. */
void
charter_envelope(struct buf *out)
{
	static const uint8_t	 none[SHA256_BYTES];
	const struct test_key	*by[N_MAX + 2];
	struct buf		 a = BUF_INIT(BIG), b = BUF_INIT(BIG), t;
	struct statement	 s;
	struct err		 err;
	size_t			 n = 0;

	statement_init(&s, STATEMENT_CHARTER, world->genesis, world->genesis, 0, none, START, 0);
	memcpy(s.subject, world->genesis, sizeof(s.subject));
	for (size_t i = 0; i < world->n; i++)
		by[n++] = &pool.signing[i];
	by[n++] = &pool.person[LEGAL];
	by[n++] = &pool.person[COMPLIANCE];
	must(statement_sign(&s, &by[0]->signer, &a, &err), &err);
	for (size_t i = 1; i < n; i++) {
		buf_reset(&b);
		must(dsse_sign_more(buf_view(&a), &by[i]->signer, &b, &err), &err);
		t = a;
		a = b;
		b = t;
	}
	buf_span(out, buf_view(&a));
	buf_done(&a);
	buf_done(&b);
	statement_done(&s);
}
