/*
 * Somebody who has much gives a case, an answer or a package a wrong turn: the
 * coordinator with its keys, custodians with theirs, one request ordered twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evidence/keys.h"
#include "evidence/verify.h"
#include "tests/unit/evidence/world.h"

#define BIG	((size_t)1 << 22)

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

static struct checked_case *
checked(const uint8_t order[SHA256_BYTES])
{
	AUTO_DONE(case_done) struct evidence_case	c;
	struct checked_case				*k = NULL;

	world_case(&w, 4, &c);
	assert_int_equal(case_check(&c, w.net.genesis, order, w.net.now, &k, NULL), RC_OK);
	return k;
}

/* --- receipts ------------------------------------------------------------------- */

/* Custodians who sign that they sent less than the order asks for are not counted. */
static void
receipts_of_less(void **state)
{
	AUTO(checked_case_free) struct checked_case	*k = NULL;
	struct statement				 s;

	(void)state;
	for (uint8_t i = 0; i < 2; i++) {
		net_statement(&w.net, &s, STATEMENT_RECEIPT);
		memcpy(s.subject, w.order, SHA256_BYTES);
		s.u.receipt.custodian = i == 0 ? 2 : 5;
		s.u.receipt.count = i == 0 ? 0 : 2;
		assert_true(net_log(&w.net, &s, &w.net.signing[i == 0 ? 1 : 4]).effective);
	}
	k = checked(w.order);
	assert_int_equal(k->receipts, 1 | 4 | 8);
}

/* --- cases ------------------------------------------------------------------------ */

/* The descriptors are logged again in a second batch, which is void: it vouches for nothing. */
static void
sealed_in_a_void_batch(void **state)
{
	AUTO_DONE(case_done) struct evidence_case	c;
	AUTO(checked_case_free) struct checked_case	*k = NULL;
	AUTO_DONE(statement_done) struct statement	s;
	AUTO_DONE(dsse_done) struct dsse		d;
	struct entry					e;
	struct err					err;
	uint64_t					second;

	(void)state;
	assert_int_equal(entry_parse(buf_view(&w.net.log_entries.leaf[w.batch]), &e, NULL), RC_OK);
	assert_int_equal(dsse_parse(e.dsse, &d, NULL), RC_OK);
	assert_int_equal(statement_parse(&d, &s, NULL), RC_OK);
	s.nonce[0] ^= 1;
	second = w.net.range.size;
	assert_int_equal(net_log(&w.net, &s, &w.net.sealer).why, VOID_DUPLICATE);

	world_case(&w, 4, &c);
	for (uint32_t i = 0; i < WORLD_ARTIFACTS; i++)
		c.artifact[i].batch = second;
	assert_int_equal(case_check(&c, w.net.genesis, w.order, w.net.now, &k, &err), RC_FORMAT);
	assert_non_null(strstr(err.msg, "sealed elsewhere"));
}

/* A batch in the case, and none of its descriptors: its verdict is not guessed. */
static void
a_batch_without_descriptors(void **state)
{
	AUTO_DONE(case_done) struct evidence_case	c;
	AUTO(checked_case_free) struct checked_case	*k = NULL;

	(void)state;
	(void)net_seal(&w.net, "lenient");
	world_case(&w, 4, &c);
	assert_int_equal(case_check(&c, w.net.genesis, w.order, w.net.now, &k, NULL), RC_MISSING);
}

/*
 * What a case cannot show (case-v1 section 1): a "no" that was left out of it.
 * The custodians have it, and contribute to nothing.
 */
static void
a_no_that_was_left_out(void **state)
{
	AUTO_DONE(case_done) struct evidence_case	c;
	AUTO(checked_case_free) struct checked_case	*k = NULL;
	struct grant					 g;

	(void)state;
	assert_true(net_withdraw(&w.net, w.request, NET_AUDITOR).effective);
	world_case(&w, 4, &c);
	assert_int_equal(case_check(&c, w.net.genesis, w.order, w.net.now, &k, NULL), RC_DENIED);
	c.n_entries--;
	assert_int_equal(case_check(&c, w.net.genesis, w.order, w.net.now, &k, NULL), RC_OK);
	assert_int_equal(replica_may_contribute(w.net.replica, w.order, w.net.now, w.net.range.size, &g, NULL),
	    RC_DENIED);
}

/* --- answers ---------------------------------------------------------------------- */

/* What custodian 3 sends and signs: contributions that somebody changed. */
struct forged { struct secret *contributions; struct buf receipt; };

static void
forge(void (*change)(struct secret *c), const uint8_t order[SHA256_BYTES], struct forged *f)
{
	struct shamir_contribution	one;
	struct statement		s;

	assert_int_equal(contributions_new(3, order, 3, &f->contributions, NULL), RC_OK);
	for (uint32_t i = 0; i < 3; i++) {
		contributions_get(w.answer[1].contributions, i, &one);
		contributions_put(f->contributions, i, &one);
	}
	change(f->contributions);
	net_statement(&w.net, &s, STATEMENT_RECEIPT);
	memcpy(s.subject, order, SHA256_BYTES);
	s.u.receipt.custodian = 3;
	s.u.receipt.count = 3;
	sha256_one(s.u.receipt.message, SPAN_STR("message"));
	assert_int_equal(contributions_root(f->contributions, s.u.receipt.contributions, NULL), RC_OK);
	f->receipt = BUF_INIT(BIG);
	assert_int_equal(statement_sign(&s, &w.net.signing[2].signer, &f->receipt, NULL), RC_OK);
	statement_done(&s);
}

static void nothing(struct secret *c) { (void)c; }

static void
swap_segments(struct secret *c)
{
	struct shamir_contribution	a, b;

	contributions_get(c, 0, &a);
	contributions_get(c, 1, &b);
	contributions_put(c, 0, &b);
	contributions_put(c, 1, &a);
}

static void
repeat_artifact(struct secret *c)
{
	struct shamir_contribution	a;

	contributions_get(c, 0, &a);
	contributions_put(c, 2, &a);
}

/* Custodian 1's, good ones, under the index of 3. */
static void
take_anothers(struct secret *c)
{
	struct shamir_contribution	one;

	for (uint32_t i = 0; i < 3; i++) {
		contributions_get(w.answer[0].contributions, i, &one);
		one.index = 3;
		contributions_put(c, i, &one);
	}
}

static void
identity(struct secret *c)
{
	struct shamir_contribution	one;

	contributions_get(c, 1, &one);
	memset(one.point, 0, sizeof(one.point));
	contributions_put(c, 1, &one);
}

/* challenge 0: s * base would be the commitment of the proof, whatever was answered. */
static void
no_challenge(struct secret *c)
{
	struct shamir_contribution	one;

	contributions_get(c, 1, &one);
	memset(one.proof, 0, SHAMIR_SCALAR_BYTES);
	contributions_put(c, 1, &one);
}

static void
signed_and_wrong(void **state)
{
	static const struct {
		const char	*name;
		void		(*change)(struct secret *c);
		uint32_t	 bad;
	} rows[] = {
		{ "nothing", nothing, 0 },
		{ "two segments swapped", swap_segments, 4 },
		{ "one artifact's for the other", repeat_artifact, 4 },
		{ "another custodian's", take_anothers, 4 },
		{ "the identity", identity, 4 },
		{ "a proof without a challenge", no_challenge, 4 },
	};
	AUTO(checked_case_free) struct checked_case	*k = checked(w.order);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct case_answer	 a[WORLD_ANSWERS];
		struct secret		*keys = NULL;
		struct forged		 f;
		uint32_t		 good, bad;
		enum rc			 rc;

		forge(rows[i].change, w.order, &f);
		world_answers(&w, a);
		a[1] = (struct case_answer){ 3, SPAN_STR("message"), buf_view(&f.receipt), f.contributions };
		rc = case_combine(k, a, WORLD_ANSWERS, &good, &bad, &keys, NULL);
		if (bad != rows[i].bad || rc != (rows[i].bad == 0 ? RC_OK : RC_QUORUM))
			fail_msg("%s: %s, bad %x", rows[i].name, rc_name(rc), bad);
		secret_free(keys);
		secret_free(f.contributions);
		buf_done(&f.receipt);
	}
}

/* The same request is ordered again: answers to the first order are none to the second. */
static void
answers_to_another_order(void **state)
{
	AUTO(checked_case_free) struct checked_case	*k = NULL;
	struct case_answer				 a[WORLD_ANSWERS];
	struct secret					*keys = NULL;
	struct forged					 f;
	uint8_t						 second[SHA256_BYTES];
	uint32_t					 good, bad;

	(void)state;
	assert_true(net_order(&w.net, w.request, second).effective);
	k = checked(second);
	world_answers(&w, a);
	assert_int_equal(case_combine(k, a, WORLD_ANSWERS, &good, &bad, &keys, NULL), RC_QUORUM);
	assert_int_equal(bad, 1 | 4 | 8);
	/* The contributions would do: it is the receipt and the head that bind them. */
	forge(nothing, second, &f);
	a[1] = (struct case_answer){ 3, SPAN_STR("message"), buf_view(&f.receipt), f.contributions };
	assert_int_equal(case_combine(k, a, WORLD_ANSWERS, &good, &bad, &keys, NULL), RC_QUORUM);
	assert_int_equal(good, 4);
	assert_int_equal(bad, 1 | 8);
	assert_null(keys);
	secret_free(f.contributions);
	buf_done(&f.receipt);
}

/* --- packages: the coordinator's keys are wrong, and all else is right ------------------ */

struct opened { unsigned segments; };

static enum rc
take(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const struct part *part, uint64_t at,
    struct span plaintext, struct err *err)
{
	struct opened	*o = user;

	(void)id;
	(void)err;
	for (size_t i = 0; i < plaintext.n; i++)
		assert_int_equal(plaintext.p[i], world_byte(part->name, at + i));
	o->segments++;
	return RC_OK;
}

static struct secret *
combined(void)
{
	AUTO(checked_case_free) struct checked_case	*k = checked(w.order);
	struct case_answer				 a[WORLD_ANSWERS];
	struct secret					*keys = NULL;
	uint32_t					 good, bad;

	world_answers(&w, a);
	assert_int_equal(case_combine(k, a, WORLD_ANSWERS, &good, &bad, &keys, NULL), RC_OK);
	return keys;
}

/* From the combined keys of the order, `count` points, the i-th from from[i]. */
static struct secret *
keys_of(uint32_t count, const uint32_t *from, bool another_order)
{
	AUTO(secret_free) struct secret	*keys = combined();
	struct secret			*ret = NULL;
	uint8_t				 order[SHA256_BYTES];

	memcpy(order, w.order, sizeof(order));
	order[0] ^= another_order;
	assert_int_equal(keys_new(order, count, &ret, NULL), RC_OK);
	for (uint32_t i = 0; i < count; i++) {
		AUTO(secret_free) struct secret	*point = NULL;

		assert_int_equal(keys_point(keys, from[i], &point, NULL), RC_OK);
		keys_put(ret, i, point);
	}
	return ret;
}

static void
keys_that_are_wrong(void **state)
{
	static const struct {
		const char	*name;
		uint32_t	 count, from[4];
		bool		 another_order;
		enum rc		 rc;
		unsigned	 segments;	/* that came out before: each whole */
	} rows[] = {
		{ "the right ones", 3, { 0, 1, 2 }, false, RC_OK, 3 },
		{ "of another order", 3, { 0, 1, 2 }, true, RC_VERIFY, 0 },
		{ "one too few", 2, { 0, 1 }, false, RC_VERIFY, 0 },
		{ "one too many", 4, { 0, 1, 2, 2 }, false, RC_VERIFY, 0 },
		{ "the first two swapped", 3, { 1, 0, 2 }, false, RC_VERIFY, 0 },
		{ "the last is another's", 3, { 0, 1, 0 }, false, RC_VERIFY, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct package_report	r;
		struct memfile		f;
		struct opened		o = { 0 };
		struct err		err;
		enum rc			rc;

		world_down(&w);
		world_up(&w, "standard");
		w.forged = keys_of(rows[i].count, rows[i].from, rows[i].another_order);
		assert_true(world_package(&w, &f));
		rc = package_open(memfile_read, &f, f.b.n, WORLD_TRUST(w.net.genesis, w.net.now), w.net.recipient_key,
		    buf_view(&w.net.recipient), take, &o, &r, NULL, &err);
		/* Without the recipient's key nobody can know: verify says valid. */
		assert_int_equal(r.claim[CLAIM_KEYS].verdict, rc == RC_OK ? CLAIM_YES : CLAIM_NO);
		assert_int_equal(r.verdict, rc == RC_OK ? PACKAGE_VALID : PACKAGE_INVALID);
		for (size_t c = 0; c <= CLAIM_TEXTS; c++)
			assert_int_equal(r.claim[c].verdict, CLAIM_YES);
		assert_int_equal(package_verify(memfile_read, &f, f.b.n, WORLD_TRUST(w.net.genesis, w.net.now), &r, &err),
		    RC_OK);
		assert_int_equal(r.verdict, PACKAGE_VALID);
		assert_int_equal(r.claim[CLAIM_KEYS].verdict, CLAIM_UNKNOWN);
		if (rc != rows[i].rc || o.segments != rows[i].segments)
			fail_msg("%s: %s, %u segments", rows[i].name, rc_name(rc), o.segments);
		memfile_done(&f);
	}
}

/* --- a file that changes between the check and the opening ------------------------------- */

struct changing { struct memfile *f; unsigned reads, from; };

static enum rc
changing_read(void *user, uint64_t offset, uint8_t *out, size_t n, struct err *err)
{
	struct changing	*c = user;

	TRY(memfile_read(c->f, offset, out, n, err));
	/* Ciphertext, or the hashes that it is held against: whatever is large. */
	if (++c->reads > c->from && n >= TREE_HASH_BYTES)
		out[n / 2] ^= 1;
	return RC_OK;
}

static void
changed_after_the_check(void **state)
{
	struct package_report	r;
	struct memfile		f;
	struct opened		o = { 0 };
	struct changing		c;
	struct err		err;
	unsigned		whole, opened = 0;

	(void)state;
	world_down(&w);
	world_up(&w, "standard");
	assert_true(world_package(&w, &f));
	c = (struct changing){ &f, 0, UINT32_MAX };
	assert_int_equal(package_open(changing_read, &c, f.b.n, WORLD_TRUST(w.net.genesis, w.net.now),
	    w.net.recipient_key, buf_view(&w.net.recipient), take, &o, &r, NULL, &err), RC_OK);
	whole = c.reads;
	for (unsigned from = whole; from-- > whole - 12;) {
		c = (struct changing){ &f, 0, from };
		o.segments = 0;
		/* take() saw to it that what came out is what was sealed. */
		assert_int_not_equal(package_open(changing_read, &c, f.b.n, WORLD_TRUST(w.net.genesis, w.net.now),
		    w.net.recipient_key, buf_view(&w.net.recipient), take, &o, &r, NULL, &err), RC_OK);
		opened += r.claim[CLAIM_TEXTS].verdict == CLAIM_YES;
	}
	assert_true(opened > 0);	/* some of these changes came after the check */
	memfile_done(&f);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(receipts_of_less, up, down),
		cmocka_unit_test_setup_teardown(sealed_in_a_void_batch, up, down),
		cmocka_unit_test_setup_teardown(a_batch_without_descriptors, up, down),
		cmocka_unit_test_setup_teardown(a_no_that_was_left_out, up, down),
		cmocka_unit_test_setup_teardown(signed_and_wrong, up, down),
		cmocka_unit_test_setup_teardown(answers_to_another_order, up, down),
		cmocka_unit_test_setup_teardown(keys_that_are_wrong, up, down),
		cmocka_unit_test_setup_teardown(changed_after_the_check, up, down),
	};

	if (secret_init(NULL) != RC_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
