/* Cases, lineages and packages of a network whose charter was amended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evidence/keys.h"
#include "evidence/verify.h"
#include "tests/unit/evidence/repack.h"
#include "tests/unit/evidence/world.h"

#define BIG	((size_t)1 << 20)

static struct world	w;
static struct memfile	package;
static uint8_t		pending[SHA256_BYTES];	/* an amendment that waits for consents */
static uint64_t		ordered;		/* entries when the order was logged */

/* The second charter before the request, the third between the order and the answers to it. */
static void
amend(struct world *a, enum world_step at)
{
	const struct net_edit	first = { "receipt_seconds", "5000" }, second = { "receipt_seconds", "4000" };
	struct buf		doc = BUF_INIT(BIG);

	if (at == WORLD_SEALED) {
		net_amend(&a->net, &first, 1);
		net_next(&a->net, &second, 1, &doc);
		net_approved(&a->net, buf_view(&doc), pending);
		buf_done(&doc);
	}
	if (at != WORLD_ORDERED)
		return;
	ordered = a->net.log_entries.n;
	for (uint8_t i = 1; i <= 4; i++)
		assert_true(net_consent(&a->net, pending, i).effective);
}

static int
up(void **state)
{
	(void)state;
	world_up_amendable(&w, "standard", amend);
	assert_true(world_package(&w, &package));
	return 0;
}

static int
down(void **state)
{
	(void)state;
	memfile_done(&package);
	world_down(&w);
	return 0;
}

static enum rc
check_past(const struct evidence_case *c, enum case_stage *stage, struct err *err)
{
	AUTO(checked_case_free) struct checked_case	*k = NULL;

	return case_check_past(c, w.net.genesis, w.order, stage, &k, err);
}

static void
three_charters(void **state)
{
	AUTO_DONE(case_done) struct evidence_case	 c, back;
	AUTO(checked_case_free) struct checked_case	*k = NULL;
	struct buf					 b = BUF_INIT(CASE_BYTES_MAX);
	struct err					 err;

	(void)state;
	world_case(&w, 4, &c);
	assert_int_equal(c.n_later, 2);
	assert_int_equal(case_write(&c, &b, NULL), RC_OK);
	assert_int_equal(case_parse(buf_view(&b), &back, NULL), RC_OK);
	assert_int_equal(case_check_past(&back, w.net.genesis, w.order, NULL, &k, &err), RC_OK);
	assert_int_equal(k->n_charters, 3);
	assert_memory_equal(k->charters[0], w.net.genesis, SHA256_BYTES);
	assert_memory_equal(k->charters[2], k->charter->digest, SHA256_BYTES);
	assert_memory_equal(k->charter->digest, replica_charter(w.net.replica)->digest, SHA256_BYTES);
	assert_int_equal(k->charter->receipt_seconds, 4000);
	assert_int_equal(k->since[0], 0);
	assert_int_equal(k->since[2], ordered + 3);
	assert_true(k->since_time[2] >= k->since_time[1] + 3600);
	assert_int_equal(k->receipts, 1 | 4 | 8);
	buf_done(&b);
}

/* --- what breaks it ---------------------------------------------------------------------- */

static void
drop(struct evidence_case *c, uint64_t index)
{
	uint32_t	i = (uint32_t)index;

	memmove(&c->entry[i], &c->entry[i + 1], (c->n_entries - i - 1) * sizeof(c->entry[0]));
	c->n_entries--;
}

static void
last_charter_short(struct evidence_case *c)
{
	c->n_later--;
}

static void
none_followed(struct evidence_case *c)
{
	c->n_later = 0;
}

static void
first_later_short(struct evidence_case *c)
{
	c->later[0] = c->later[1];
	c->n_later = 1;
}

static void
charters_swapped(struct evidence_case *c)
{
	struct span	s = c->later[0];

	c->later[0] = c->later[1];
	c->later[1] = s;
}

static void
the_same_twice(struct evidence_case *c)
{
	c->later[c->n_later++] = c->later[1];
}

static void
a_consent_short(struct evidence_case *c)
{
	drop(c, ordered);
}

static void
no_consents(struct evidence_case *c)
{
	for (int i = 0; i < 4; i++)
		drop(c, ordered);
}

static void
genesis_is_a_later_one(struct evidence_case *c)
{
	c->charter = c->later[0];
}

static void
broken(void **state)
{
	static const struct {
		const char	*name;
		void		(*change)(struct evidence_case *c);
		enum rc		 rc;
		enum case_stage	 reached;
	} row[] = {
		{ "the last document is not in it", last_charter_short, RC_MISSING, CASE_DESCRIPTORS },
		{ "none of them is", none_followed, RC_MISSING, CASE_DESCRIPTORS },
		{ "one between is not", first_later_short, RC_FORMAT, CASE_NOTHING },
		{ "out of order", charters_swapped, RC_FORMAT, CASE_NOTHING },
		{ "one twice", the_same_twice, RC_FORMAT, CASE_NOTHING },
		{ "too few consents", a_consent_short, RC_FORMAT, CASE_DESCRIPTORS },
		{ "none", no_consents, RC_FORMAT, CASE_DESCRIPTORS },
		{ "a later one as the trust", genesis_is_a_later_one, RC_VERIFY, CASE_NOTHING },
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
			fail_msg("%s: %s after stage %d: %s", row[i].name, rc_name(rc), (int)reached, err.msg);
	}
}

/* --- combining ------------------------------------------------------------------------------ */

/* The answers name the third charter; the first one was in force too, one of another network never. */
static void
receipts_under_any_of_them(void **state)
{
	AUTO_DONE(case_done) struct evidence_case	 c;
	AUTO(checked_case_free) struct checked_case	*k = NULL;
	struct case_answer				 a[WORLD_ANSWERS];
	uint32_t					 good, bad;

	(void)state;
	world_case(&w, 4, &c);
	assert_int_equal(case_check_past(&c, w.net.genesis, w.order, NULL, &k, NULL), RC_OK);
	for (int other = 0; other < 3; other++) {
		struct buf		 receipt = BUF_INIT(BIG);
		struct secret		*keys = NULL;
		struct statement	 s;

		world_answers(&w, a);
		net_statement(&w.net, &s, STATEMENT_RECEIPT);
		if (other < 2)
			memcpy(s.charter, k->charters[other], SHA256_BYTES);
		else
			s.charter[0] ^= 1;
		memcpy(s.subject, w.order, SHA256_BYTES);
		s.u.receipt.custodian = a[1].custodian;
		s.u.receipt.count = 3;
		sha256_one(s.u.receipt.message, a[1].message);
		assert_int_equal(contributions_root(a[1].contributions, s.u.receipt.contributions, NULL), RC_OK);
		assert_int_equal(statement_sign(&s, &w.net.signing[a[1].custodian - 1].signer, &receipt, NULL), RC_OK);
		a[1].receipt = buf_view(&receipt);
		assert_int_equal(case_combine(k, a, WORLD_ANSWERS, &good, &bad, &keys, NULL), other < 2 ? RC_OK : RC_QUORUM);
		assert_int_equal(bad, other < 2 ? 0 : 4);
		secret_free(keys);
		statement_done(&s);
		buf_done(&receipt);
	}
}

/* --- lineages ---------------------------------------------------------------------------------- */

struct picking { const struct evidence_case *from; struct evidence_case *to; };

static enum rc
pick(void *user, uint64_t index, struct err *err)
{
	struct picking		*p = user;
	const struct case_entry	*e = &p->from->entry[index];

	return case_add_entry(p->to, index, e->leaf, &e->path, err);
}

/* Those entries alone that the replica names. */
static void
lineage(const struct evidence_case *whole, struct evidence_case *ret)
{
	struct picking	p = { whole, ret };
	struct err	err;

	*ret = CASE_INIT;
	ret->charter = whole->charter;
	ret->n_later = whole->n_later;
	memcpy(ret->later, whole->later, sizeof(ret->later));
	ret->checkpoint = whole->checkpoint;
	assert_int_equal(replica_lineage(w.net.replica, pick, &p, &err), RC_OK);
}

static void
lineages(void **state)
{
	AUTO_DONE(case_done) struct evidence_case	 whole, c;
	AUTO(checked_case_free) struct checked_case	*k = NULL;
	AUTO(charter_free) struct charter		*last = NULL;
	uint32_t					 n;
	struct checkpoint				 cp;
	struct charter					*none = NULL;
	struct err					 err;

	(void)state;
	world_case(&w, 4, &whole);
	lineage(&whole, &c);
	assert_true(c.n_entries < whole.n_entries);
	assert_int_equal(case_charter(&c, w.net.genesis, &last, &cp, &err), RC_OK);
	assert_int_equal(last->receipt_seconds, 4000);
	assert_int_equal(cp.size, w.net.log_entries.n);
	assert_int_equal(case_lineage(&c, w.net.genesis, &k, &err), RC_OK);
	assert_int_equal(k->since[2], ordered + 3);
	/* Each of its entries but the documents' own names is needed. */
	n = c.n_entries;
	for (uint32_t i = 0; i < n; i++) {
		AUTO_DONE(case_done) struct evidence_case	less;
		uint64_t					index = c.entry[i].index;

		lineage(&whole, &less);
		drop(&less, i);
		if (case_charter(&less, w.net.genesis, &none, &cp, &err) == RC_OK)
			fail_msg("without entry %llu", (unsigned long long)index);
		assert_null(none);
	}
}

/* --- packages ------------------------------------------------------------------------------------ */

static struct package_report
verify(struct memfile *f, const uint8_t *genesis)
{
	struct package_report	r;
	struct err		err;

	if (package_verify(memfile_read, f, f->b.n, WORLD_TRUST(genesis, w.net.now), &r, &err) != RC_OK)
		fail_msg("%s", err.msg);
	return r;
}

static void
a_package(void **state)
{
	struct package_report	r = verify(&package, w.net.genesis);
	struct buf		b = BUF_INIT(BIG);

	(void)state;
	package_report_text(&r, false, &b);
	if (r.verdict != PACKAGE_VALID)
		fail_msg("%s", buf_text(&b));
	assert_memory_equal(r.genesis, w.net.genesis, SHA256_BYTES);
	assert_non_null(strstr(r.claim[CLAIM_CHARTER].words, "and 2 that followed it"));
	/* A later one is no trust. */
	r = verify(&package, replica_charter(w.net.replica)->digest);
	assert_int_equal(r.verdict, PACKAGE_INVALID);
	assert_int_equal(r.claim[CLAIM_CHARTER].verdict, CLAIM_NO);
	assert_int_equal(verify(&package, NULL).verdict, PACKAGE_CONSISTENT);
	buf_done(&b);
}

/* A coordinator that signs a package with other charters than its entries put in force. */
static void
packages_with_other_charters(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct repack		p;
		struct memfile		f;
		struct package_report	r;
		size_t			at;

		repack_open(&p, &package);
		at = repack_starting(&p, "data/charter-02.json");
		if (i == 0)
			repack_drop(&p, at);		/* 03 follows nothing */
		else if (i == 1)
			repack_drop(&p, at + 1);
		else
			repack_insert(&p, at + 2, "data/charter-04.json", buf_view(&p.content[at + 1]));
		repack_sign(&p, "Provider", w.order, w.net.now, w.net.package_key, buf_view(&w.net.package_cert));
		repack_write(&p, &f);
		r = verify(&f, w.net.genesis);
		assert_int_equal(r.verdict, PACKAGE_INVALID);
		assert_int_equal(r.claim[i == 0 ? CLAIM_CONTAINER : CLAIM_ORDER].verdict, i == 2 ? CLAIM_UNKNOWN : CLAIM_NO);
		if (i == 2)
			assert_int_equal(r.claim[CLAIM_CHECKPOINT].verdict, CLAIM_NO);
		memfile_done(&f);
		repack_done(&p);
	}
}

/* --- a successor ----------------------------------------------------------------------------------- */

static struct test_key	new_log;

/* From here on another key signs the log. */
static void
succeed(struct world *a, enum world_step at)
{
	struct buf	doc = BUF_INIT(BIG), dsse = BUF_INIT(BIG);
	struct net_edit	edit = { "coordinator/log_key", NULL };

	if (at != WORLD_SEALED)
		return;
	edit.value = net_key_json(&new_log);
	net_next(&a->net, &edit, 1, &doc);
	assert_int_equal(memstate_blob(a->net.mem, buf_view(&doc), NULL), RC_OK);
	net_succession(&a->net, buf_view(&doc), 4, &dsse);
	assert_true(net_log_dsse(&a->net, buf_view(&dsse)).effective);
	a->net.log.signer.sign = new_log.signer.sign;
	a->net.log.signer.user = new_log.signer.user;
	a->net.log.signer.key = new_log.signer.key;
	buf_done(&doc);
	buf_done(&dsse);
}

static void
a_successor(void **state)
{
	struct world					 s;
	AUTO_DONE(case_done) struct evidence_case	 c, old;
	AUTO(checked_case_free) struct checked_case	*k = NULL;
	struct signer					 was;
	struct err					 err;

	(void)state;
	test_key_ed25519(&new_log);
	world_up_amendable(&s, "standard", succeed);
	was = s.net.log.signer;
	world_case(&s, 4, &c);
	assert_int_equal(case_check(&c, s.net.genesis, s.order, s.net.now, &k, &err), RC_OK);
	assert_int_equal(k->n_charters, 2);
	assert_true(key_eq(&k->charter->coordinator.log_key, &new_log.signer.key));
	/* The key that was lost signs nothing that counts any more. */
	s.net.log.signer.sign = s.net.sealer.signer.sign;
	s.net.log.signer.user = &s.net.sealer;
	world_case(&s, 4, &old);
	checked_case_free(TAKE(k));
	assert_int_equal(case_check(&old, s.net.genesis, s.order, s.net.now, &k, &err), RC_VERIFY);
	s.net.log.signer = was;
	world_down(&s);
	test_key_done(&new_log);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_charters),
		cmocka_unit_test(broken),
		cmocka_unit_test(receipts_under_any_of_them),
		cmocka_unit_test(lineages),
		cmocka_unit_test(a_package),
		cmocka_unit_test(packages_with_other_charters),
		cmocka_unit_test(a_successor),
	};

	return cmocka_run_group_tests(tests, up, down);
}
