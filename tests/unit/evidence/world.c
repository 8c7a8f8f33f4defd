#include "tests/unit/evidence/world.h"

#include "policy/witness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "evidence/cms.h"
#include "evidence/keys.h"

#define BIG	((size_t)8 << 20)

static const uint8_t	answering[WORLD_ANSWERS] = { 1, 3, 4 };

static void
must(enum rc rc, const struct err *err)
{
	if (rc != RC_OK) {
		fprintf(stderr, "world: %s: %s\n", rc_name(rc), err->msg);
		abort();
	}
}

uint8_t
world_byte(const char *part, uint64_t i)
{
	return (uint8_t)(i * 31 + (i >> 8) + (uint8_t)part[0]);
}

/* --- sealing --------------------------------------------------------------------- */

static void
write_part(struct envelope_writer *w, const char *part, size_t n)
{
	uint8_t		 bytes[65536];
	size_t		 some;
	struct err	 err;

	must(envelope_part(w, part, &err), &err);
	for (size_t at = 0; at < n; at += some) {
		some = n - at < sizeof(bytes) ? n - at : sizeof(bytes);
		for (size_t i = 0; i < some; i++)
			bytes[i] = world_byte(part, at + i);
		must(envelope_write(w, SPAN(bytes, some), &err), &err);
	}
}

/* Of artifact i. */
static size_t
image_bytes(const struct world *w, size_t i)
{
	if (i == 0 && w->image > 0)
		return w->image;
	return w->partial ? WORLD_IMAGE_LONG : WORLD_IMAGE;
}

static uint8_t
segment_log2(const struct world *w)
{
	return w->segment_log2 == 0 ? SEGMENT_LOG2_MIN : w->segment_log2;
}

/* Envelopes are written with gaps and once more at 0: a plain array does. */
static enum rc
envelope_put(void *user, uint64_t at, struct span bytes, struct err *err)
{
	struct memfile	*f = user;

	if (at + bytes.n > f->b.n)
		buf_extend(&f->b, at + bytes.n - f->b.n);
	must(buf_check(&f->b, "envelope", err), err);
	memcpy(f->b.p + at, bytes.p, bytes.n);
	return RC_OK;
}

static void
seal_one(struct world *w, size_t i, const char *policy)
{
	struct world_artifact		*a = &w->artifact[i];
	struct envelope_params		 p = { .class_id = "default", .sealed_at = w->net.now, .threshold = 3,
	    .shares = NET_N, .n_parts = 2, .part = { "image", "prompt" }, .segment_log2 = segment_log2(w) };
	AUTO(envelope_writer_free) struct envelope_writer *e = NULL;
	uint8_t				 digest[SHA256_BYTES];
	uint64_t			 size;
	struct err			 err;

	randombytes_buf(a->id, sizeof(a->id));
	a->id[0] = (uint8_t)i;
	memcpy(p.id, a->id, sizeof(p.id));
	memcpy(p.genesis, w->net.genesis, sizeof(p.genesis));
	memcpy(p.policy, charter_policy(replica_charter(w->net.replica), policy)->digest, sizeof(p.policy));
	randombytes_buf(p.record, sizeof(p.record));
	a->file = MEMFILE_INIT;
	a->file.b.max += 2 * image_bytes(w, i);
	a->descriptor = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	must(envelope_new(&p, w->arena, envelope_put, &a->file, &e, &err), &err);
	write_part(e, "image", image_bytes(w, i));
	write_part(e, "prompt", WORLD_PROMPT);
	must(envelope_finish(e, &a->descriptor, &size, &err), &err);
	memcpy(a->share, envelope_shares(e), sizeof(a->share[0]) * NET_N);
	sha256_one(digest, buf_view(&a->descriptor));
	must(envelope_open(memfile_read, &a->file, size, digest, &a->envelope, &err), &err);
}

/* No sealer of ours makes such a descriptor: the vector and its digests anew. */
static void
spoil(struct world *w, struct statement *s, struct buf *vector)
{
	struct buf		*bytes = &w->artifact[1].descriptor;
	struct descriptor	 d;
	struct err		 err;

	must(descriptor_parse(buf_view(bytes), &d, &err), &err);
	memset(d.commits.point[2], 0xff, sizeof(d.commits.point[2]));
	buf_reset(bytes);
	descriptor_write(&d, bytes);
	buf_reset(vector);
	for (size_t i = 0; i < WORLD_ARTIFACTS; i++)
		buf_vec16(vector, buf_view(&w->artifact[i].descriptor));
	sha256_one(s->u.batch.descriptors, buf_view(vector));
	must(descriptor_vector_root(buf_view(vector), WORLD_ARTIFACTS, s->subject, &err), &err);
}

static void
seal_batch(struct world *w)
{
	AUTO(batch_free) struct batch	*b = NULL;
	struct batch_sealed		 sealed = BATCH_SEALED_INIT;
	struct statement		 s;
	struct span			 ignored;
	uint32_t			 leaf;
	struct err			 err;

	must(batch_new(w->net.genesis, replica_charter(w->net.replica), &b, &err), &err);
	for (size_t i = 0; i < WORLD_ARTIFACTS; i++)
		must(batch_add(b, buf_view(&w->artifact[i].descriptor), w->artifact[i].share, &leaf, &err),
		    &err);
	net_statement(&w->net, &s, STATEMENT_BATCH);
	must(batch_seal(b, &s, &sealed, &err), &err);
	if (w->spoilt)
		spoil(w, &s, &sealed.descriptors);
	must(memstate_blob(w->net.mem, buf_view(&sealed.descriptors), &err), &err);
	for (uint32_t i = 0; i < WORLD_ARTIFACTS; i++)
		must(batch_inclusion(buf_view(&sealed.descriptors), WORLD_ARTIFACTS, i, &ignored,
		    &w->artifact[i].path, &err), &err);
	w->batch = w->net.log_entries.n;
	assert_true(net_log(&w->net, &s, &w->net.sealer).effective);
	batch_sealed_done(&sealed);
}

/* --- request to order --------------------------------------------------------------- */

static void
write_scope(struct world *w)
{
	struct scope_artifact	a[WORLD_ARTIFACTS] = { { .n_parts = 1 }, { .first_part = 1, .n_parts = 1 } };
	uint32_t		last = (uint32_t)((image_bytes(w, 0) - 1) >> segment_log2(w));
	struct scope_part	p[WORLD_ARTIFACTS] = { { 0, "image", 0, last }, { 1, "prompt", 0, 0 } };
	struct scope_part	partial[WORLD_ARTIFACTS] = { { 0, "prompt", 0, 0 }, { 1, "image", 2, 3 } };
	struct scope		s = { WORLD_ARTIFACTS, WORLD_ARTIFACTS, w->partial ? 3 : last + 2, a, w->partial ? partial : p };
	struct err		err;

	for (size_t i = 0; i < WORLD_ARTIFACTS; i++)
		memcpy(a[i].id, w->artifact[i].id, ARTIFACT_ID_BYTES);
	w->scope = BUF_INIT(BIG);
	must(scope_write(&s, &w->scope, &err), &err);
	must(memstate_blob(w->net.mem, buf_view(&w->scope), &err), &err);
}

static void
request(struct world *w, const char *policy)
{
	struct statement	s;

	w->reason = BUF_INIT(BIG);
	randombytes_buf(buf_extend(&w->reason, ERASABLE_SALT_BYTES), ERASABLE_SALT_BYTES);
	buf_printf(&w->reason, "\"this model made a picture of me\"");
	net_statement(&w->net, &s, STATEMENT_REQUEST);
	sha256_one(s.subject, buf_view(&w->scope));
	strcpy(s.u.request.policy, policy);
	sha256_one(s.u.request.reason, buf_view(&w->reason));
	buf_span(&s.bytes, buf_view(&w->net.recipient));
	assert_true(net_log(&w->net, &s, &w->net.person[NET_REQUESTER]).effective);
	memcpy(w->request, s.id, SHA256_BYTES);
}

static void
order(struct world *w)
{
	struct statement	s;

	net_statement(&w->net, &s, STATEMENT_ORDER);
	memcpy(s.subject, w->request, SHA256_BYTES);
	sha256_one(s.u.order.scope, buf_view(&w->scope));
	s.expires = w->net.now + 600;
	buf_span(&s.bytes, buf_view(w->direct ? &w->net.recipient : &w->net.worker));
	assert_true(net_log(&w->net, &s, &w->net.log).effective);
	memcpy(w->order, s.id, SHA256_BYTES);
}

/* --- what a custodian does -------------------------------------------------------------- */

struct contributing { const struct world *w; uint8_t custodian; struct secret *into; };

static enum rc
contribute(void *user, uint32_t number, const struct scope_artifact *a, const struct scope_part *p,
    uint32_t segment, struct err *err)
{
	struct contributing		*c = user;
	AUTO_DONE(buf_done) struct buf	 msg = BUF_INIT(LABEL_MSG_MAX);
	struct shamir_contribution	 out;
	uint8_t				 label[SHAMIR_POINT_BYTES];

	label_msg(c->w->net.genesis, a->id, p->name, segment, &msg);
	TRY(shamir_label(buf_view(&msg), label, err));
	TRY(shamir_contribute(c->custodian, c->w->artifact[p->artifact].share[c->custodian - 1], label, &out,
	    err));
	contributions_put(c->into, number, &out);
	return RC_OK;
}

static void
answer(struct world *w, struct world_answer *a, const struct scope *scope)
{
	struct contributing	 c = { w, a->custodian, NULL };
	struct statement	 s;
	struct err		 err;

	must(contributions_new(a->custodian, w->order, scope->n_segments, &c.into, &err), &err);
	must(scope_each(scope, contribute, &c, &err), &err);
	a->contributions = c.into;
	a->message = a->receipt = BUF_INIT(BIG);
	must(cms_seal(buf_view(w->direct ? &w->net.recipient : &w->net.worker),
	    SPAN(secret_view(c.into), secret_len(c.into)), &a->message, &err), &err);
	net_statement(&w->net, &s, STATEMENT_RECEIPT);
	memcpy(s.subject, w->order, SHA256_BYTES);
	s.u.receipt.custodian = a->custodian;
	s.u.receipt.count = scope->n_segments;
	sha256_one(s.u.receipt.message, buf_view(&a->message));
	must(contributions_root(c.into, s.u.receipt.contributions, &err), &err);
	must(statement_sign(&s, &w->net.signing[a->custodian - 1].signer, &a->receipt, &err), &err);
	memcpy(a->receipt_id, s.id, SHA256_BYTES);
	assert_true(net_log_dsse(&w->net, buf_view(&a->receipt)).effective);
	statement_done(&s);
}

static void
answers(struct world *w)
{
	struct scope	scope;
	struct err	err;

	must(scope_parse(buf_view(&w->scope), &scope, &err), &err);
	for (size_t i = 0; i < WORLD_ANSWERS; i++) {
		w->answer[i].custodian = answering[i];
		answer(w, &w->answer[i], &scope);
	}
	scope_done(&scope);
}

void
world_nothing_between(struct world *w, enum world_step at)
{
	(void)w;
	(void)at;
}

void
world_run(struct world *w, const char *policy, void (*between)(struct world *w, enum world_step at))
{
	w->direct = strcmp(policy, "direct") == 0;
	w->arena = secret_arena_new(16384);
	assert_non_null(w->arena);
	for (size_t i = 0; i < WORLD_ARTIFACTS; i++)
		seal_one(w, i, policy);
	seal_batch(w);
	between(w, WORLD_SEALED);
	write_scope(w);
	request(w, policy);
	assert_true(net_decide(&w->net, w->request, NET_LEGAL, true).effective);
	if (!w->direct) {
		assert_true(net_decide(&w->net, w->request, NET_COMPLIANCE, true).effective);
		assert_true(net_decide(&w->net, w->request, NET_AUDITOR, true).effective);
	}
	w->net.now += 5;
	order(w);
	between(w, WORLD_ORDERED);
	w->net.now += 5;
	answers(w);
	between(w, WORLD_ANSWERED);
}

void
world_up(struct world *w, const char *policy)
{
	memset(w, 0, sizeof(*w));
	net_init(&w->net);
	world_run(w, policy, world_nothing_between);
}

void
world_up_spoilt(struct world *w, const char *policy)
{
	memset(w, 0, sizeof(*w));
	w->spoilt = true;
	net_init(&w->net);
	world_run(w, policy, world_nothing_between);
}

void
world_up_partial(struct world *w, const char *policy)
{
	memset(w, 0, sizeof(*w));
	w->partial = true;
	net_init(&w->net);
	world_run(w, policy, world_nothing_between);
}

void
world_up_amendable(struct world *w, const char *policy, void (*between)(struct world *w, enum world_step at))
{
	memset(w, 0, sizeof(*w));
	net_init_amendable(&w->net);
	world_run(w, policy, between);
}

void
world_down(struct world *w)
{
	for (size_t i = 0; i < WORLD_ARTIFACTS; i++) {
		envelope_free(w->artifact[i].envelope);
		memfile_done(&w->artifact[i].file);
		buf_done(&w->artifact[i].descriptor);
	}
	for (size_t i = 0; i < WORLD_ANSWERS; i++) {
		secret_free(w->answer[i].contributions);
		buf_done(&w->answer[i].message);
		buf_done(&w->answer[i].receipt);
	}
	for (size_t i = 0; i < CASE_CHARTERS_MAX; i++)
		buf_done(&w->later[i]);
	world_tsas_done(w);
	secret_arena_free(w->arena);
	buf_done(&w->reason);
	buf_done(&w->scope);
	buf_done(&w->checkpoint);
	net_done(&w->net);
}

/* --- cases ------------------------------------------------------------------------------------ */

static void
sign_note(const struct note_key *k, const struct test_key *by, when time, struct span text, struct buf *out)
{
	struct buf	message = BUF_INIT(BIG);
	uint8_t		sig[KEY_SIG_BYTES];
	struct err	err;

	if (k->alg == NOTE_COSIGNATURE_V1)
		cosignature_message(text, time, &message);
	else
		buf_span(&message, text);
	must(by->signer.sign(by->signer.user, buf_view(&message), sig, &err), &err);
	note_sig_line(k, time, sig, out);
	buf_done(&message);
}

void
world_note(struct world *w, unsigned cosigners, when time, struct buf *out)
{
	struct note_key		log, witness[CUSTODIANS_MAX];
	struct checkpoint	c = { .size = w->net.range.size };
	struct buf		text = BUF_INIT(BIG);
	struct err		err;
	const struct charter	*charter = replica_charter(w->net.replica);

	must(charter_log_note_key(charter, &log, &err), &err);
	for (unsigned i = 0; i < charter->n; i++)
		must(charter_witness_note_key(charter, (uint8_t)(i + 1), &witness[i], &err), &err);
	memcpy(c.origin, log.name, sizeof(c.origin));
	tree_range_root(&w->net.range, c.root);
	checkpoint_text(&c, &text);
	buf_span(out, buf_view(&text));
	buf_u8(out, '\n');
	sign_note(&log, &w->net.log, 0, buf_view(&text), out);
	for (unsigned i = 0; i < cosigners; i++)
		sign_note(&witness[i], &w->net.signing[i], time, buf_view(&text), out);
	buf_done(&text);
}

static void
write_checkpoint(struct world *w, unsigned cosigners, when time)
{
	buf_done(&w->checkpoint);
	w->checkpoint = BUF_INIT(BIG);
	world_note(w, cosigners, time, &w->checkpoint);
}

static enum rc
add_later(void *user, const uint8_t digest[SHA256_BYTES], uint64_t since, struct err *err)
{
	struct world		*w = user;
	const struct state	*st = memstate_state(w->net.mem);

	if (since == 0)
		return RC_OK;
	buf_done(&w->later[w->n_later]);
	w->later[w->n_later] = BUF_INIT(CHARTER_BYTES_MAX);
	return st->blob(st->user, digest, &w->later[w->n_later++], err);
}

static void
put_charters(struct world *w, struct evidence_case *c)
{
	struct err	err;

	w->n_later = 0;
	must(replica_charters(w->net.replica, add_later, w, &err), &err);
	c->charter = buf_view(&w->net.charter_json);
	for (c->n_later = 0; c->n_later < w->n_later; c->n_later++)
		c->later[c->n_later] = buf_view(&w->later[c->n_later]);
}

void
world_case(struct world *w, unsigned cosigners, struct evidence_case *ret)
{
	const struct net_log	*l = &w->net.log_entries;
	uint8_t			(*hash)[TREE_HASH_BYTES] = calloc(l->n, sizeof(*hash));
	struct tree_path	 path;
	struct err		 err;

	assert_non_null(hash);
	write_checkpoint(w, cosigners, w->net.now);
	*ret = CASE_INIT;
	put_charters(w, ret);
	ret->scope = buf_view(&w->scope);
	ret->checkpoint = buf_view(&w->checkpoint);
	for (size_t i = 0; i < w->n_anchors; i++)
		w->archive[i] = buf_view(&w->anchor[i].archive);
	ret->archive = w->archive;
	ret->n_archives = (uint32_t)w->n_anchors;
	for (size_t i = 0; i < l->n; i++)
		tree_leaf(buf_view(&l->leaf[i]), hash[i]);
	for (size_t i = 0; i < l->n; i++) {
		must(tree_inclusion_of((const uint8_t (*)[TREE_HASH_BYTES])hash, l->n, i, &path, &err), &err);
		must(case_add_entry(ret, i, buf_view(&l->leaf[i]), &path, &err), &err);
	}
	for (uint32_t i = 0; i < WORLD_ARTIFACTS; i++)
		must(case_add_artifact(ret, w->artifact[i].id, w->batch, i, &w->artifact[i].path,
		    buf_view(&w->artifact[i].descriptor), &err), &err);
	free(hash);
}

void
world_checkpoint_at(struct world *w, when time, struct evidence_case *c)
{
	write_checkpoint(w, 4, time);
	c->checkpoint = buf_view(&w->checkpoint);
}

struct case_entry *
world_entry(struct evidence_case *c, uint64_t index)
{
	for (uint32_t i = 0; i < c->n_entries; i++)
		if (c->entry[i].index == index)
			return &c->entry[i];
	abort();
}

void
world_answers(const struct world *w, struct case_answer ret[WORLD_ANSWERS])
{
	for (size_t i = 0; i < WORLD_ANSWERS; i++)
		ret[i] = (struct case_answer){ w->answer[i].custodian, buf_view(&w->answer[i].message),
		    buf_view(&w->answer[i].receipt), w->answer[i].contributions };
}

/* --- packages ----------------------------------------------------------------------------------- */

bool
world_release(struct world *w, const uint8_t contents[SHA256_BYTES])
{
	struct statement	s;

	net_statement(&w->net, &s, STATEMENT_RELEASE);
	memcpy(s.subject, w->order, SHA256_BYTES);
	memcpy(s.u.release.contents, contents, SHA256_BYTES);
	s.u.release.n = WORLD_ANSWERS;
	for (size_t i = 0; i < WORLD_ANSWERS; i++) {
		s.u.release.custodian[i].index = w->answer[i].custodian;
		memcpy(s.u.release.custodian[i].receipt, w->answer[i].receipt_id, SHA256_BYTES);
		s.u.release.custodian[i].good = true;
	}
	return net_log(&w->net, &s, &w->net.log).effective;
}

static const struct envelope *
envelope_of(const struct world *w, const uint8_t id[ARTIFACT_ID_BYTES], const char *part, size_t *ret_part)
{
	struct err	err;

	for (size_t i = 0; i < WORLD_ARTIFACTS; i++)
		if (memcmp(w->artifact[i].id, id, ARTIFACT_ID_BYTES) == 0) {
			must(envelope_part_number(w->artifact[i].envelope, part, ret_part, &err), &err);
			return w->artifact[i].envelope;
		}
	abort();
}

static enum rc
source_leaf(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const char *part, uint64_t leaf, uint8_t *out,
    size_t *ret_n, struct err *err)
{
	size_t			 number;
	const struct envelope	*e = envelope_of(user, id, part, &number);

	return envelope_leaf(e, number, leaf, out, ret_n, err);
}

static enum rc
source_hashes(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const char *part, uint64_t first, uint64_t n,
    uint8_t (*out)[TREE_HASH_BYTES], struct err *err)
{
	size_t			 number;
	const struct envelope	*e = envelope_of(user, id, part, &number);

	return envelope_leaf_hashes(e, number, first, n, out, err);
}

struct package_source
world_source(struct world *w)
{
	return (struct package_source){ source_leaf, source_hashes, w };
}

/* The worker's part in coordinator mode. */
static void
combine_keys(struct world *w, const struct checked_case *k, struct buf *cms)
{
	struct case_answer		a[WORLD_ANSWERS];
	AUTO(secret_free) struct secret	*keys = NULL;
	uint32_t			 good, bad;
	struct err			 err;

	world_answers(w, a);
	must(case_combine(k, a, WORLD_ANSWERS, &good, &bad, &keys, &err), &err);
	if (w->forged != NULL) {
		secret_free(keys);
		keys = TAKE(w->forged);
	}
	must(cms_seal(buf_view(&k->recipient), SPAN(secret_view(keys), secret_len(keys)), cms, &err), &err);
}

bool
world_package(struct world *w, struct memfile *ret)
{
	uint64_t	size;
	bool		effective;

	*ret = MEMFILE_INIT;
	effective = world_package_to(w, memfile_write, ret, &size);
	assert_int_equal(size, ret->b.n);
	return effective;
}

bool
world_package_to(struct world *w, stream_write_at write, void *user, uint64_t *ret_size)
{
	AUTO(checked_case_free) struct checked_case	*k = NULL;
	AUTO(package_free) struct package		*p = NULL;
	struct package_message				 message[WORLD_ANSWERS];
	struct package_anchor				 anchor[WORLD_ANCHORS];
	struct package_seal				 seal = w->seal;
	struct evidence_case				 c, final;
	struct buf					 cms = BUF_INIT(BIG);
	struct span					 reason = buf_view(&w->reason);
	struct package_input				 in = { .erasable = &reason, .n_erasables = 1 };
	uint8_t						 contents[SHA256_BYTES];
	bool						 effective;
	struct err					 err;

	world_case(w, 4, &c);
	must(case_check_past(&c, w->net.genesis, w->order, NULL, &k, &err), &err);
	in.evidence = &c;
	in.checked = k;
	in.source = world_source(w);
	if (!w->direct) {
		combine_keys(w, k, &cms);
		in.keys = buf_view(&cms);
	} else
		for (size_t i = 0; i < WORLD_ANSWERS; i++)
			message[i] = (struct package_message){ w->answer[i].custodian,
			    buf_view(&w->answer[i].message) };
	in.message = w->direct ? message : NULL;
	in.n_messages = w->direct ? WORLD_ANSWERS : 0;
	in.anchor = anchor;
	in.n_anchors = world_anchors(w, anchor);
	seal.key = w->net.package_key;
	seal.certificate = buf_view(&w->net.package_cert);
	must(package_begin(&in, write, user, &p, contents, &err), &err);
	case_done(&c);
	w->net.now += 5;
	effective = world_release(w, contents);
	world_case(w, 4, &final);
	must(package_finish(p, &final, &seal, ret_size, &err), &err);
	case_done(&final);
	buf_done(&cms);
	return effective;
}
