#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evidence/keys.h"
#include "tests/unit/evidence/world.h"
#include "tests/unit/fault.h"
#include "tests/unit/own.h"

static struct world	w;

static int
up(void **state)
{
	(void)state;
	world_up(&w, "standard");
	return 0;
}

static int
down(void **state)
{
	(void)state;
	world_down(&w);
	return 0;
}

/* Entries of the log of world_up(): 0 charter, 1 batch, 2 request, 3 to 5 decisions, 6 order, 7... receipts. */
enum { CHARTER, BATCH, REQUEST, LEGAL, COMPLIANCE, AUDITOR, ORDER, RECEIPT };

static enum rc
check(const struct evidence_case *c, struct err *err)
{
	AUTO(checked_case_free) struct checked_case	*k = NULL;

	return case_check(c, w.net.genesis, w.order, w.net.now, &k, err);
}

static enum rc
check_past(const struct evidence_case *c, enum case_stage *stage, struct err *err)
{
	AUTO(checked_case_free) struct checked_case	*k = NULL;

	return case_check_past(c, w.net.genesis, w.order, stage, &k, err);
}

static void
a_good_case(void **state)
{
	AUTO_DONE(case_done) struct evidence_case	 c;
	AUTO(checked_case_free) struct checked_case	*k = NULL;
	struct err					 err;

	(void)state;
	world_case(&w, 4, &c);
	assert_int_equal(case_check(&c, w.net.genesis, w.order, w.net.now, &k, &err), RC_OK);
	assert_memory_equal(k->grant.order, w.order, SHA256_BYTES);
	assert_memory_equal(k->grant.request, w.request, SHA256_BYTES);
	assert_int_equal(k->grant.scope.n_segments, 3);
	assert_true(span_eq(buf_view(&k->grant.addressee), buf_view(&w.net.worker)));
	assert_true(span_eq(buf_view(&k->recipient), buf_view(&w.net.recipient)));
	assert_false(k->to_recipient);
	assert_int_equal(k->cosigned.mask, 0x0f);
	assert_int_equal(k->receipts, 1 | 4 | 8);
	assert_int_equal(k->request.n_approvals, 3);
	assert_int_equal(k->n_verdicts, c.n_entries);
	for (uint32_t i = 0; i < WORLD_ARTIFACTS; i++)
		assert_memory_equal(k->descriptor[i].id, w.artifact[i].id, ARTIFACT_ID_BYTES);
}

static void
only_what_is_needed(void **state)
{
	AUTO_DONE(case_done) struct evidence_case	whole, c = CASE_INIT;

	(void)state;
	/* Without the receipts, and with a gap. */
	world_case(&w, 5, &whole);
	c = whole;
	c.entry = NULL;
	c.artifact = NULL;
	c.n_entries = c.cap_entries = c.n_artifacts = c.cap_artifacts = 0;
	for (uint32_t i = 0; i < whole.n_entries && i <= ORDER; i++)
		assert_int_equal(case_add_entry(&c, whole.entry[i].index, whole.entry[i].leaf,
		    &whole.entry[i].path, NULL), RC_OK);
	for (uint32_t i = 0; i < whole.n_artifacts; i++)
		assert_int_equal(case_add_artifact(&c, whole.artifact[i].id, whole.artifact[i].batch,
		    whole.artifact[i].leaf, &whole.artifact[i].path, whole.artifact[i].descriptor, NULL), RC_OK);
	assert_int_equal(check(&c, NULL), RC_OK);
}

/* --- what breaks it ------------------------------------------------------------------ */

static struct buf	scratch;

/* A copy of a span that may be changed. */
static struct span
copy(struct span s)
{
	buf_done(&scratch);
	scratch = BUF_INIT((size_t)1 << 20);
	buf_span(&scratch, s);
	return buf_view(&scratch);
}

static void
drop(struct evidence_case *c, uint32_t i)
{
	memmove(&c->entry[i], &c->entry[i + 1], (c->n_entries - i - 1) * sizeof(c->entry[0]));
	c->n_entries--;
}

static void
charter_changed(struct evidence_case *c)
{
	c->charter = copy(c->charter);
	scratch.p[scratch.n - 1] = ' ';
}

static void
leaf_changed(struct evidence_case *c)
{
	c->entry[LEGAL].leaf = copy(c->entry[LEGAL].leaf);
	scratch.p[7] ^= 1;
}

static void
path_changed(struct evidence_case *c)
{
	c->entry[REQUEST].path.hash[0][0] ^= 1;
}

static void
index_changed(struct evidence_case *c)
{
	c->entry[c->n_entries - 1].index++;
}

static void
entries_swapped(struct evidence_case *c)
{
	struct case_entry	e = c->entry[LEGAL];

	c->entry[LEGAL] = c->entry[COMPLIANCE];
	c->entry[COMPLIANCE] = e;
}

static void
no_charter(struct evidence_case *c)
{
	drop(c, CHARTER);
}

static void
no_batch(struct evidence_case *c)
{
	drop(c, BATCH);
}

static void
no_request(struct evidence_case *c)
{
	drop(c, REQUEST);
}

static void
an_approval_short(struct evidence_case *c)
{
	drop(c, AUDITOR);
}

static void
no_order(struct evidence_case *c)
{
	drop(c, ORDER);
}

static void
descriptor_changed(struct evidence_case *c)
{
	c->artifact[1].descriptor = copy(c->artifact[1].descriptor);
	scratch.p[scratch.n - 1] ^= 1;
}

static void
descriptor_path_changed(struct evidence_case *c)
{
	c->artifact[1].path.hash[0][0] ^= 1;
}

static void
another_leaf(struct evidence_case *c)
{
	c->artifact[1].leaf = 0;
}

static void
not_a_batch(struct evidence_case *c)
{
	c->artifact[0].batch = LEGAL;
}

static void
an_artifact_short(struct evidence_case *c)
{
	c->n_artifacts = 1;
}

static void
another_id(struct evidence_case *c)
{
	c->artifact[1].id[5] ^= 1;
}

static void
scope_changed(struct evidence_case *c)
{
	c->scope = copy(c->scope);
	scratch.p[scratch.n - 1] ^= 1;
}

static void
checkpoint_changed(struct evidence_case *c)
{
	c->checkpoint = copy(c->checkpoint);
	scratch.p[2] ^= 1;
}

/* It follows nothing: a genesis. */
static void
a_later_one_that_does_not_follow(struct evidence_case *c)
{
	c->later[c->n_later++] = c->charter;
}

static void
a_later_one_that_was_never_in_force(struct evidence_case *c)
{
	char		hex[HEX_BYTES(SHA256_BYTES)];
	struct span	in = c->charter;

	hex_write(SPAN(w.net.genesis, SHA256_BYTES), hex);
	buf_done(&scratch);
	scratch = BUF_INIT((size_t)1 << 20);
	buf_printf(&scratch, "{\"amends\":\"%s\",", hex);
	buf_add(&scratch, in.p + 1, in.n - 1);
	c->later[c->n_later++] = buf_view(&scratch);
}

static void
cosigned_too_early(struct evidence_case *c)
{
	(void)c;
	world_checkpoint_at(&w, w.net.now - 1, c);
}

static void
broken_cases(void **state)
{
	static const struct {
		void		(*change)(struct evidence_case *c);
		enum rc		rc;
		enum case_stage	reached;
	} row[] = {
		{ charter_changed, RC_VERIFY, CASE_NOTHING },
		{ a_later_one_that_does_not_follow, RC_FORMAT, CASE_NOTHING },
		{ a_later_one_that_was_never_in_force, RC_FORMAT, CASE_DESCRIPTORS },
		{ cosigned_too_early, RC_QUORUM, CASE_CHARTER },
		{ checkpoint_changed, RC_VERIFY, CASE_CHARTER },
		{ leaf_changed, RC_VERIFY, CASE_CHECKPOINT },
		{ path_changed, RC_VERIFY, CASE_CHECKPOINT },
		{ index_changed, RC_VERIFY, CASE_CHECKPOINT },
		{ entries_swapped, RC_FORMAT, CASE_CHECKPOINT },
		{ no_charter, RC_FORMAT, CASE_CHECKPOINT },
		{ no_batch, RC_MISSING, CASE_ENTRIES },
		{ not_a_batch, RC_FORMAT, CASE_ENTRIES },
		{ descriptor_changed, RC_VERIFY, CASE_ENTRIES },
		{ descriptor_path_changed, RC_VERIFY, CASE_ENTRIES },
		{ another_leaf, RC_VERIFY, CASE_ENTRIES },
		{ no_request, RC_DENIED, CASE_DESCRIPTORS },
		{ an_approval_short, RC_DENIED, CASE_DESCRIPTORS },
		{ no_order, RC_MISSING, CASE_DESCRIPTORS },
		{ scope_changed, RC_MISSING, CASE_DESCRIPTORS },
		{ another_id, RC_FORMAT, CASE_DESCRIPTORS },
		/* Its request is void without the second descriptor. */
		{ an_artifact_short, RC_DENIED, CASE_DESCRIPTORS },
	};
	enum case_stage	reached;
	struct err	err;
	enum rc		rc;

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		AUTO_DONE(case_done) struct evidence_case	c;

		world_case(&w, 4, &c);
		row[i].change(&c);
		rc = check_past(&c, &reached, &err);
		if (rc != row[i].rc || reached != row[i].reached)
			fail_msg("row %zu: %s after stage %d: %s", i, rc_name(rc), (int)reached, err.msg);
		assert_int_not_equal(check(&c, &err), RC_OK);
	}
	buf_done(&scratch);
}

/* One more artifact, sealed in a batch of its own, that the order does not name. */
static void
an_artifact_too_many(void **state)
{
	struct world					 other;
	AUTO_DONE(case_done) struct evidence_case	 c;
	struct tree_path				 none = { .n = 0 };
	struct buf					 bytes = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	struct checked_case				*k = NULL;
	struct descriptor				 d;
	struct statement				 s;
	struct err					 err;

	(void)state;
	world_up(&other, "standard");
	net_descriptor(&other.net, "standard", &d);
	d.id[0] = 0xff;
	net_batch(&other.net, &d, 1, &s);
	assert_true(net_log(&other.net, &s, &other.net.sealer).effective);
	world_case(&other, 4, &c);
	descriptor_write(&d, &bytes);
	assert_int_equal(case_add_artifact(&c, d.id, other.net.log_entries.n - 1, 0, &none, buf_view(&bytes),
	    NULL), RC_OK);
	assert_int_equal(case_check(&c, other.net.genesis, other.order, other.net.now, &k, &err), RC_FORMAT);
	assert_non_null(strstr(err.msg, "3 artifacts, the scope has 2"));
	buf_done(&bytes);
	world_down(&other);
}

/* Apply lets it stand in the log: nothing is computed with it there. Here it is. */
static void
a_commitment_that_is_no_point(void **state)
{
	struct world					 other;
	AUTO_DONE(case_done) struct evidence_case	 c;
	struct checked_case				*k = NULL;
	struct err					 err;

	(void)state;
	world_up_spoilt(&other, "standard");
	world_case(&other, 4, &c);
	assert_int_equal(case_check(&c, other.net.genesis, other.order, other.net.now, &k, &err), RC_FORMAT);
	assert_non_null(strstr(err.msg, "no group element"));
	assert_int_equal(case_check_past(&c, other.net.genesis, other.order, NULL, &k, &err), RC_FORMAT);
	assert_null(k);
	world_down(&other);
}

static void
genesis_and_quorum(void **state)
{
	AUTO_DONE(case_done) struct evidence_case	 c, few;
	struct checked_case				*k = NULL;
	uint8_t						 other[SHA256_BYTES] = { 1 };
	struct err					 err;

	(void)state;
	world_case(&w, 4, &c);
	assert_int_equal(case_check(&c, other, w.order, w.net.now, &k, &err), RC_VERIFY);
	assert_int_equal(case_check(&c, w.net.genesis, other, w.net.now, &k, &err), RC_MISSING);
	assert_int_equal(case_check_past(&c, w.net.genesis, other, NULL, &k, &err), RC_MISSING);
	/* A decision's id is no order. */
	assert_int_equal(case_check_past(&c, w.net.genesis, w.request, NULL, &k, &err), RC_MISSING);
	world_case(&w, 3, &few);
	assert_int_equal(case_check(&few, w.net.genesis, w.order, w.net.now, &k, &err), RC_QUORUM);
	assert_null(k);
}

static void
now_and_then(void **state)
{
	AUTO_DONE(case_done) struct evidence_case	 c;
	struct checked_case				*k = NULL;
	struct err					 err;

	(void)state;
	/* The order has expired: nothing more may be done, but it was allowed. */
	world_case(&w, 4, &c);
	assert_int_equal(case_check(&c, w.net.genesis, w.order, w.net.now + 3600, &k, &err), RC_DENIED);
	assert_int_equal(check_past(&c, NULL, &err), RC_OK);
}

static void
a_later_no_stops_the_worker(void **state)
{
	struct world					 other;
	AUTO_DONE(case_done) struct evidence_case	 c;
	struct checked_case				*k = NULL;
	struct err					 err;

	(void)state;
	world_up(&other, "standard");
	assert_true(net_withdraw(&other.net, other.request, NET_REQUESTER).effective);
	world_case(&other, 4, &c);
	assert_int_equal(case_check(&c, other.net.genesis, other.order, other.net.now, &k, &err), RC_DENIED);
	assert_int_equal(case_check_past(&c, other.net.genesis, other.order, NULL, &k, &err), RC_OK);
	checked_case_free(k);
	world_down(&other);
}

/* --- lineages ------------------------------------------------------------------------ */

static void
lineage(struct evidence_case *c)
{
	c->scope = SPAN(NULL, 0);
	c->n_artifacts = 0;
	c->n_entries = 1;
}

static void
a_lineage(void **state)
{
	AUTO_DONE(case_done) struct evidence_case	 c, back;
	struct buf					 b = BUF_INIT(CASE_BYTES_MAX);
	struct charter					*k = NULL;
	uint8_t						 other[SHA256_BYTES] = { 1 };
	struct checkpoint				 cp;

	(void)state;
	world_case(&w, 4, &c);
	assert_int_equal(case_charter(&c, w.net.genesis, &k, &cp, NULL), RC_FORMAT);
	lineage(&c);
	assert_int_equal(case_charter(&c, w.net.genesis, &k, &cp, NULL), RC_OK);
	assert_memory_equal(k->digest, w.net.genesis, SHA256_BYTES);
	assert_int_equal(cp.size, w.net.log_entries.n);
	charter_free(k);
	k = NULL;
	assert_int_equal(case_charter(&c, other, &k, &cp, NULL), RC_VERIFY);
	/* It is no case of an order. */
	assert_int_equal(check(&c, NULL), RC_MISSING);
	assert_int_equal(case_write(&c, &b, NULL), RC_OK);
	assert_int_equal(case_parse(buf_view(&b), &back, NULL), RC_OK);
	assert_int_equal(case_charter(&back, w.net.genesis, &k, &cp, NULL), RC_OK);
	charter_free(k);
	k = NULL;
	a_later_one_that_was_never_in_force(&c);
	assert_int_equal(case_charter(&c, w.net.genesis, &k, &cp, NULL), RC_FORMAT);
	buf_done(&scratch);
	buf_done(&b);
}

/* --- the encoding ------------------------------------------------------------------------ */

static void
one_encoding(void **state)
{
	AUTO_DONE(case_done) struct evidence_case	c, back;
	struct buf					a = BUF_INIT(CASE_BYTES_MAX), b = BUF_INIT(CASE_BYTES_MAX);

	(void)state;
	world_case(&w, 4, &c);
	assert_int_equal(case_write(&c, &a, NULL), RC_OK);
	assert_int_equal(case_parse(buf_view(&a), &back, NULL), RC_OK);
	assert_int_equal(check(&back, NULL), RC_OK);
	assert_int_equal(case_write(&back, &b, NULL), RC_OK);
	assert_true(span_eq(buf_view(&a), buf_view(&b)));
	buf_done(&a);
	buf_done(&b);
}

static void
no_byte_may_be_missing_or_added(void **state)
{
	AUTO_DONE(case_done) struct evidence_case	c;
	struct evidence_case				back = CASE_INIT;
	struct buf					a = BUF_INIT(CASE_BYTES_MAX);
	uint8_t						*cut;
	size_t						n;

	(void)state;
	world_case(&w, 4, &c);
	assert_int_equal(case_write(&c, &a, NULL), RC_OK);
	/* Every length near a field's edge, and a stride between. */
	for (n = 0; n < a.n; n += n < 64 || a.n - n < 4096 ? 1 : 61) {
		cut = heap_copy(a.p, n);
		assert_int_equal(case_parse(SPAN(cut, n), &back, NULL), RC_FORMAT);
		free(cut);
	}
	buf_u8(&a, 0);
	assert_int_equal(case_parse(buf_view(&a), &back, NULL), RC_FORMAT);
	assert_null(back.entry);
	a.p[0] ^= 1;
	assert_int_equal(case_parse(SPAN(a.p, a.n - 1), &back, NULL), RC_FORMAT);
	buf_done(&a);
}

static void
order_and_bounds(void **state)
{
	AUTO_DONE(case_done) struct evidence_case	c = CASE_INIT, world, back = CASE_INIT;
	struct tree_path				path = { .n = 0 };
	struct buf					b = BUF_INIT(CASE_BYTES_MAX);
	uint8_t						id[ARTIFACT_ID_BYTES] = { 7 };
	enum rc						rc = RC_OK;

	(void)state;
	assert_int_equal(case_add_entry(&c, 5, SPAN_STR("x"), &path, NULL), RC_OK);
	assert_int_equal(case_add_entry(&c, 5, SPAN_STR("x"), &path, NULL), RC_USAGE);
	assert_int_equal(case_add_artifact(&c, id, 1, 0, &path, SPAN_STR("x"), NULL), RC_OK);
	assert_int_equal(case_add_artifact(&c, id, 1, 0, &path, SPAN_STR("x"), NULL), RC_USAGE);
	for (uint64_t i = 6; rc == RC_OK; i++)
		rc = case_add_entry(&c, i, SPAN_STR("x"), &path, NULL);
	assert_int_equal(rc, RC_LIMIT);
	assert_int_equal(c.n_entries, CASE_ENTRIES_MAX);
	/* Entries and artifacts out of order are refused when read, too. */
	world_case(&w, 4, &world);
	entries_swapped(&world);
	assert_int_equal(case_write(&world, &b, NULL), RC_OK);
	assert_int_equal(case_parse(buf_view(&b), &back, NULL), RC_FORMAT);
	entries_swapped(&world);
	memcpy(world.artifact[1].id, world.artifact[0].id, ARTIFACT_ID_BYTES);
	buf_reset(&b);
	assert_int_equal(case_write(&world, &b, NULL), RC_OK);
	assert_int_equal(case_parse(buf_view(&b), &back, NULL), RC_FORMAT);
	buf_done(&b);
}

static void
allocations_that_fail(void **state)
{
	AUTO_DONE(case_done) struct evidence_case	c;
	struct evidence_case				back = CASE_INIT;
	struct buf					a = BUF_INIT(CASE_BYTES_MAX);
	unsigned long					n;
	enum rc						rc;

	(void)state;
	world_case(&w, 4, &c);
	for (n = 1;; n++) {
		fault_at(n);
		rc = check_past(&c, NULL, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 10);
	assert_int_equal(case_write(&c, &a, NULL), RC_OK);
	for (n = 1;; n++) {
		fault_at(n);
		rc = case_parse(buf_view(&a), &back, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 2);
	case_done(&back);
	buf_done(&a);
}

static void
check_vector(const struct own *v)
{
	AUTO_DONE(case_done) struct evidence_case	c = CASE_INIT;
	static uint8_t					bytes[4096];
	size_t						n = own_bytes(v, "case", bytes, sizeof(bytes));
	uint8_t						*copied = heap_copy(bytes, n);

	if (case_parse(SPAN(copied, n), &c, NULL) != own_expect(v))
		fail_msg("%s", v->name);
	free(copied);
}

static void
vectors(void **state)
{
	(void)state;
	assert_true(own_each("case-v1", check_vector) > (own_elsewhere() ? 0 : 7));
}

/* --- combining ----------------------------------------------------------------------------- */

static struct checked_case *
checked(void)
{
	AUTO_DONE(case_done) struct evidence_case	 c;
	struct checked_case				*k = NULL;

	world_case(&w, 4, &c);
	assert_int_equal(case_check(&c, w.net.genesis, w.order, w.net.now, &k, NULL), RC_OK);
	return k;
}

/* A point that the combined keys hold, for the envelope's reader. */
struct point_of { struct secret *keys; uint32_t first; };

static enum rc
point(void *user, const char *part, uint32_t segment, struct secret **ret, struct err *err)
{
	const struct point_of	*p = user;

	(void)part;
	return keys_point(p->keys, p->first + segment, ret, err);
}

struct sink { const char *part; uint64_t at; };

static enum rc
sink(void *user, struct span data, struct err *err)
{
	struct sink	*s = user;

	(void)err;
	for (size_t i = 0; i < data.n; i++)
		assert_int_equal(data.p[i], world_byte(s->part, s->at + i));
	s->at += data.n;
	return RC_OK;
}

static void
good_answers_open_the_scope(void **state)
{
	AUTO(checked_case_free) struct checked_case	*k = checked();
	struct case_answer				 a[WORLD_ANSWERS];
	struct point_of					 p = { NULL, 0 };
	struct sink					 image = { "image", 0 }, prompt = { "prompt", 0 };
	uint32_t					 good, bad;

	(void)state;
	world_answers(&w, a);
	assert_int_equal(case_combine(k, a, WORLD_ANSWERS, &good, &bad, &p.keys, NULL), RC_OK);
	assert_int_equal(good, 1 | 4 | 8);
	assert_int_equal(bad, 0);
	assert_int_equal(keys_check(p.keys, w.order, 3, NULL), RC_OK);
	assert_int_equal(envelope_read(w.artifact[0].envelope, 0, 0, WORLD_IMAGE, point, &p, sink, &image,
	    NULL), RC_OK);
	assert_int_equal(image.at, WORLD_IMAGE);
	p.first = 2;
	assert_int_equal(envelope_read(w.artifact[1].envelope, 1, 0, WORLD_PROMPT, point, &p, sink, &prompt,
	    NULL), RC_OK);
	assert_int_equal(prompt.at, WORLD_PROMPT);
	secret_free(p.keys);
}

/* One answer of the three goes wrong: it is named, and the other two are too few. */
static void
bad_answers_are_named(void **state)
{
	AUTO(checked_case_free) struct checked_case	*k = checked();
	struct case_answer				 a[WORLD_ANSWERS], b[WORLD_ANSWERS];
	AUTO(secret_free) struct secret			*forged = NULL;
	struct shamir_contribution			 one;
	struct secret					*keys = NULL;
	uint32_t					 good, bad;
	struct err					 err;

	(void)state;
	world_answers(&w, a);
	for (int i = 0; i < 5; i++) {
		memcpy(b, a, sizeof(b));
		if (i == 0)
			b[1].contributions = NULL;
		else if (i == 1)
			b[1].receipt = a[0].receipt;
		else if (i == 2)
			b[1].message = a[0].message;
		else if (i == 3)
			b[1].contributions = a[0].contributions;
		else
			b[1].receipt = SPAN(a[1].receipt.p, a[1].receipt.n - 1);
		assert_int_equal(case_combine(k, b, WORLD_ANSWERS, &good, &bad, &keys, &err), RC_QUORUM);
		assert_int_equal(good, 1 | 8);
		assert_int_equal(bad, 4);
		assert_null(keys);
	}
	/* Contributions that are not those that the receipt names. */
	assert_int_equal(contributions_new(3, w.order, 3, &forged, NULL), RC_OK);
	for (uint32_t i = 0; i < 3; i++) {
		contributions_get(a[1].contributions, i, &one);
		one.proof[0] ^= (uint8_t)(i == 2);
		contributions_put(forged, i, &one);
	}
	memcpy(b, a, sizeof(b));
	b[1].contributions = forged;
	assert_int_equal(case_combine(k, b, WORLD_ANSWERS, &good, &bad, &keys, &err), RC_QUORUM);
	assert_int_equal(bad, 4);
	assert_int_equal(case_combine(k, a, 2, &good, &bad, &keys, &err), RC_QUORUM);
	assert_int_equal(good, 1 | 4);
	assert_int_equal(bad, 0);
	b[1] = a[0];
	assert_int_equal(case_combine(k, b, WORLD_ANSWERS, &good, &bad, &keys, &err), RC_USAGE);
	b[1].custodian = 0;
	assert_int_equal(case_combine(k, b, WORLD_ANSWERS, &good, &bad, &keys, &err), RC_USAGE);
	b[1].custodian = 6;
	assert_int_equal(case_combine(k, b, WORLD_ANSWERS, &good, &bad, &keys, &err), RC_USAGE);
}

/* A custodian that signs for contributions whose last proof is false. */
static void
sign_false(struct secret *contributions, struct buf *receipt)
{
	struct shamir_contribution	one;
	struct statement		s;

	contributions_get(contributions, 2, &one);
	one.proof[40] ^= 1;
	contributions_put(contributions, 2, &one);
	net_statement(&w.net, &s, STATEMENT_RECEIPT);
	memcpy(s.subject, w.order, SHA256_BYTES);
	s.u.receipt.custodian = 3;
	s.u.receipt.count = 3;
	sha256_one(s.u.receipt.message, SPAN_STR("message"));
	assert_int_equal(contributions_root(contributions, s.u.receipt.contributions, NULL), RC_OK);
	assert_int_equal(statement_sign(&s, &w.net.signing[2].signer, receipt, NULL), RC_OK);
	statement_done(&s);
}

static void
a_false_proof_is_named(void **state)
{
	AUTO(checked_case_free) struct checked_case	*k = checked();
	AUTO(secret_free) struct secret			*false_one = NULL;
	struct case_answer				 a[WORLD_ANSWERS];
	struct buf					 receipt = BUF_INIT(65536);
	struct shamir_contribution			 one;
	struct secret					*keys = NULL;
	uint32_t					 good, bad;

	(void)state;
	world_answers(&w, a);
	assert_int_equal(contributions_new(3, w.order, 3, &false_one, NULL), RC_OK);
	for (uint32_t i = 0; i < 3; i++) {
		contributions_get(a[1].contributions, i, &one);
		contributions_put(false_one, i, &one);
	}
	sign_false(false_one, &receipt);
	a[1] = (struct case_answer){ 3, SPAN_STR("message"), buf_view(&receipt), false_one };
	assert_int_equal(case_combine(k, a, WORLD_ANSWERS, &good, &bad, &keys, NULL), RC_QUORUM);
	assert_int_equal(good, 1 | 8);
	assert_int_equal(bad, 4);
	assert_null(keys);
	buf_done(&receipt);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_case),
		cmocka_unit_test(only_what_is_needed),
		cmocka_unit_test(broken_cases),
		cmocka_unit_test(an_artifact_too_many),
		cmocka_unit_test(a_commitment_that_is_no_point),
		cmocka_unit_test(genesis_and_quorum),
		cmocka_unit_test(now_and_then),
		cmocka_unit_test(a_later_no_stops_the_worker),
		cmocka_unit_test(a_lineage),
		cmocka_unit_test(one_encoding),
		cmocka_unit_test(no_byte_may_be_missing_or_added),
		cmocka_unit_test(order_and_bounds),
		cmocka_unit_test(allocations_that_fail),
		cmocka_unit_test(vectors),
		cmocka_unit_test(good_answers_open_the_scope),
		cmocka_unit_test(bad_answers_are_named),
		cmocka_unit_test(a_false_proof_is_named),
	};

	return cmocka_run_group_tests(tests, up, down);
}
